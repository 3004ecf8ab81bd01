/* An answer as the ledger keeps it: what a result becomes when it is stored, and what it cost. */
#ifndef GEN_LLM_RECORD_H
#define GEN_LLM_RECORD_H

#include "llm/llm.h"
#include "llm/prices.h"

/* Micro-dollars of one answer at this price; what the answer itself says goes before. -1: unknown.
 */
int64_t gen_llm_cost(const struct gen_price *price, const struct gen_usage *usage);

/* True for results that are answers, to be kept and never paid for again: ok, truncated, blocked.
 */
bool gen_llm_is_answer(const struct gen_llm_result *r);

/* The answer with views into the result. The end mark is one from which the class is found again,
 * and a refusal's words are its text. */
struct gen_answer gen_llm_answer(const struct gen_llm_result *r, int64_t run_id,
                                 int64_t answered_unix_us);

#endif
