/* What the chat protocols share. Private to llm/provider/. */
#ifndef GEN_LLM_PROVIDER_CHAT_H
#define GEN_LLM_PROVIDER_CHAT_H

#include "llm/stream.h"

/* Puts [{"role":system_role},{"role":"user"}] under "messages". Without a `system_role` the system
 * text goes in front of the user's. */
void gen_chat_put_messages(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_request *r,
                           const char *system_role);

/* The schema of the answer as a value of the body, in the provider's dialect. */
struct gen_jmut *gen_chat_schema(struct gen_jb *b, const struct gen_llm_stable *s);

/* True for efforts that switch thinking off. */
bool gen_chat_effort_is_none(const struct gen_endpoint *e);

/* Reads a whole answer, `root`, as one event of `p`, and judges it. GEN_ENOMEM. */
GEN_MUST_USE int gen_chat_read_whole(const struct gen_provider *p,
                                     const struct gen_http_response *response,
                                     const struct gen_json *root, struct gen_llm_result *result,
                                     struct gen_error *err);

/* Sets the class where the end mark is understood: a missing one is a cut answer, `is_length` a
 * truncated one. */
void gen_chat_finish(struct gen_llm_result *result, bool is_complete, bool is_length);

/* The seed of a request: another one for each sample, and each time that chance is tried anew. */
bool gen_chat_seed(const struct gen_llm_request *r, const struct gen_endpoint *e, int64_t *seed);

/* gen_provider.judge of the chat protocols. Moves a thinking block in front of the answer into the
 * reasoning, makes the end mark uniform and sets the class: a missing or unknown end mark is the
 * server's failure. */
void gen_chat_judge(struct gen_llm_result *result, bool has_end_mark);

#endif
