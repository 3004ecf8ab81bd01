/* What Anthropic and Gemini share. Private to llm/provider/. */
#ifndef GEN_LLM_PROVIDER_CLOUD_H
#define GEN_LLM_PROVIDER_CLOUD_H

#include "llm/provider/chat.h"

/* Tokens to think with at a --reasoning-effort; also what is added to the limit of an answer, from
 * which thoughts are paid. NULL: of a model that decides for itself. "none": 0. */
int64_t gen_cloud_thinking_tokens(const char *effort);

/* A finish reason that nobody documented: the server's failure, named. */
void gen_cloud_unknown_finish(struct gen_llm_result *result);

/* Replaces the contents of a buffer of a stream; an empty text leaves them. */
GEN_MUST_USE int gen_cloud_set(struct gen_buf *b, struct gen_str s, struct gen_error *err);

/* Whether `model` contains `part`. */
bool gen_cloud_has(const char *model, const char *part);

#endif
