/*
 * What a run would ask, without asking: the first step's prompts, counted over the whole input and
 * rendered for a sample of it; the later steps' by stand-ins for the pairs that do not exist yet;
 * and what the ledger knows of earlier answers.
 */
#ifndef GEN_CLI_SURVEY_H
#define GEN_CLI_SURVEY_H

#include "cli/session.h"

#define GEN_SAMPLE_MAX 2048U
/* Stands in for a pair that does not exist yet, some 400 bytes long. */
#define GEN_PAIR_STAND_IN                                                                          \
    "{\"question\":\"What is said here of the matter that this stands in for, and why is it "      \
    "worth "                                                                                       \
    "a question?\",\"answer\":\"This stands in for an answer of the usual length, so that the "    \
    "prompt has about the size that it will have: two or three sentences that quote the source "   \
    "and say what follows from it. It is never sent to anyone, and nothing is made of it but a "   \
    "number of bytes. The end of it is here.\"}"
#define GEN_BYTES_TOKEN 4.0 /* of English, where no answer tells better */

/* What the ledger saw of one step, over all runs. */
struct gen_step_rate {
    int64_t n_answers;
    double tokens_in, tokens_out; /* of an answer; below 0: not known */
    double latency_s;             /* likewise */
};

/* One rendered request of the sample. */
struct gen_sampled {
    uint64_t draw; /* decides whether it is in the sample */
    int64_t bytes_in, tokens_out_max, n_pairs;
    bool is_answered; /* in the ledger */
    struct gen_later_request {
        int64_t n_calls, bytes_in, tokens_out_max; /* of the later step, sums over this input */
    } later[GEN_STEPS_MAX];
};

struct gen_survey {
    int64_t n_inputs, n_prefiltered, n_without_chunk;
    int64_t n_calls;   /* of the first step */
    int64_t n_actions; /* of its items: an action comes before any question, so that it is not known
                          what will be asked */
    struct gen_sampled *sample;
    size_t n_sample;
    uint64_t seed, mask; /* a request is in the sample when its draw has none of these bits */
    double answered_bytes, answered_tokens_in; /* of requests whose answers say their tokens */
    struct gen_step_rate rates[GEN_STEPS_MAX];
};

/* Walks the input to its end. s->ledger may be NULL. The result is released also after a failure.
 */
GEN_MUST_USE int gen_survey_take(struct gen_survey *v, struct gen_session *s,
                                 const struct gen_source *source, struct gen_error *err);
void gen_survey_release(struct gen_survey *v);

#endif
