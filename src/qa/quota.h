/*
 * How many pairs are asked of a chunk, and which of them go on: fixed numbers (--n-pairs), a total
 * that is reached exactly (--target-pairs) with further passes over the corpus when the first gave
 * too few, and no question twice. Everything that decides what is asked depends on the chunk, its
 * place in the corpus and the options alone.
 */
#ifndef GEN_QA_QUOTA_H
#define GEN_QA_QUOTA_H

#include "qa/qa.h"

#define GEN_QA_PAIRS_A_CALL_MAX 24

/* How much of a chunk carries one pair, and how many are asked for without any wish. */
struct gen_qa_density {
    size_t chars_a_pair, code_lines_a_pair;
    int64_t default_max;
};

struct gen_qa_quota {
    int64_t n_pairs, target_pairs; /* 0: not given */
    uint64_t n_chunks;             /* of the corpus; needed with a target */
    struct gen_qa_density density;
    unsigned round;
    int64_t round_target; /* pairs wanted of the present round */
    int64_t n_round_released;
    int64_t n_released; /* over all rounds */
    uint64_t *seen;     /* hashes of the questions so far; only with a target */
    size_t n_seen, seen_capacity;
};

GEN_MUST_USE int gen_qa_quota_init(struct gen_qa_quota *q, int64_t n_pairs, int64_t target_pairs,
                                   uint64_t n_chunks, const struct gen_qa_density *density,
                                   struct gen_error *err);
void gen_qa_quota_release(struct gen_qa_quota *q);

/* True when the target needs nothing of the chunk at this position. */
bool gen_qa_quota_is_zero(const struct gen_qa_quota *q, uint64_t position);
/* Pairs to ask of the item's chunk: 1 to GEN_QA_PAIRS_A_CALL_MAX. */
size_t gen_qa_quota_to_ask(const struct gen_qa_quota *q, const struct gen_item *item);
/* Most pairs that an answer may give: with a target, what a chunk gives beyond its share makes up
 * for others. */
size_t gen_qa_quota_to_keep(const struct gen_qa_quota *q, const struct gen_item *item);
/* gen_step.release: drops as "over_target" and "duplicate_question". */
GEN_MUST_USE int gen_qa_quota_let_go(struct gen_qa_quota *q, struct gen_release *r,
                                     bool *stop_input, struct gen_error *err);
int64_t gen_qa_quota_missing(const struct gen_qa_quota *q);
void gen_qa_quota_next_round(struct gen_qa_quota *q);

#endif
