/* What the chat protocols share. Private to llm/provider/. */
#ifndef GEN_LLM_PROVIDER_CHAT_H
#define GEN_LLM_PROVIDER_CHAT_H

#include "llm/provider.h"

/* Puts [{"role":"system"},{"role":"user"}] under "messages". With `fold_system` the system text
 * goes in front of the user's. */
void gen_chat_put_messages(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_request *r,
                           bool fold_system);

/* The schema of the answer as a value of the body. */
struct gen_jmut *gen_chat_schema(struct gen_jb *b, const struct gen_llm_stable *s);

/* Ends a result whose text, finish and usage are read: a missing end mark is a cut answer, "length"
 * a truncated one, an empty text with neither is the server's fault. */
void gen_chat_finish(struct gen_llm_result *result, bool is_complete, bool is_length);

#endif
