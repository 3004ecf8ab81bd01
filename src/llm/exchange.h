/*
 * What the channels share: the list of all that is prepared or in flight, which a channel must free
 * at its end, and the way of a result out. Private to llm/. Loop thread.
 */
#ifndef GEN_LLM_EXCHANGE_H
#define GEN_LLM_EXCHANGE_H

#include "llm/channel.h"

/* Frees an exchange with all that it owns; it is in no list any more. */
typedef void gen_exchange_release_fn(struct gen_exchange *x);

void gen_exchange_enter(struct gen_exchange **list, struct gen_exchange *x);
/* Takes it out of its list and frees it. */
void gen_exchange_discard(struct gen_exchange *x, gen_exchange_release_fn *release);
/* Hands its result out. The exchange is gone before the callback runs, which may prepare others. */
void gen_exchange_deliver(struct gen_exchange *x, gen_exchange_release_fn *release,
                          struct gen_llm_result *result, const struct gen_error *failure);
/* Frees all of a list; no results are given. */
void gen_exchange_release_all(struct gen_exchange **list, gen_exchange_release_fn *release);

/* The body of a request as a line of a batch: the same as live, but never streamed. */
GEN_MUST_USE int gen_exchange_batch_body(const struct gen_channel_options *o,
                                         const struct gen_llm_request *r, unsigned dropped,
                                         struct gen_buf *body, struct gen_error *err);

#endif
