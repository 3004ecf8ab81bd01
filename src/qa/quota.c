#include "qa/quota.h"

#include "base/utf8.h"
#include "dataset/record.h"

#include <stdlib.h>

#define SPARE_PAIRS    8
#define SEEN_SLOTS_MAX ((size_t)1 << 24)

int gen_qa_quota_init(struct gen_qa_quota *q, int64_t n_pairs, int64_t target_pairs,
                      uint64_t n_chunks, const struct gen_qa_density *density,
                      struct gen_error *err)
{
    *q = (struct gen_qa_quota){
        .n_pairs = n_pairs,
        .target_pairs = target_pairs,
        .n_chunks = n_chunks,
        .density = *density,
        .round_target = target_pairs,
    };
    if (target_pairs <= 0)
        return GEN_OK;
    q->seen_capacity = (size_t)target_pairs * 3 + 16;
    if (q->seen_capacity > SEEN_SLOTS_MAX)
        q->seen_capacity = SEEN_SLOTS_MAX;
    q->seen = calloc(q->seen_capacity, sizeof(*q->seen));
    return q->seen ? GEN_OK : gen_nomem(err, "the set of questions");
}

void gen_qa_quota_release(struct gen_qa_quota *q)
{
    free(q->seen);
    q->seen = NULL;
}

/* What the first `position` + 1 of `n` chunks carry of a total: shares add up exactly and spread
 * evenly. */
static int64_t share_up_to(uint64_t position, uint64_t n, int64_t total)
{
    if (position >= n)
        return total;
    /* Exact as long as total * n fits 64 bits; the options' bounds see to that. */
    return (int64_t)((position + 1) * (uint64_t)total / n);
}

/* A further round asks more chunks than pairs are missing, because what was missing once may be
 * missing again: it takes what comes first and stops when it has enough. */
static int64_t share_of(const struct gen_qa_quota *q, uint64_t position)
{
    int64_t total = q->round ? 2 * q->round_target + SPARE_PAIRS : q->round_target;
    int64_t before = position ? share_up_to(position - 1, q->n_chunks, total) : 0;
    return share_up_to(position, q->n_chunks, total) - before;
}

bool gen_qa_quota_is_zero(const struct gen_qa_quota *q, uint64_t position)
{
    return q->target_pairs > 0 && share_of(q, position) == 0;
}

static size_t n_lines(struct gen_str s)
{
    size_t n = 0;
    struct gen_str line;
    while (gen_str_next_line(&s, &line))
        n += gen_str_trim(line).n > 0;
    return n;
}

/* How many pairs the chunk can carry without padding. */
static int64_t capacity_of(const struct gen_qa_quota *q, const struct gen_chunk *c)
{
    size_t n = c->kind == GEN_CHUNK_CODE ? n_lines(c->content) / q->density.code_lines_a_pair
                                         : gen_utf8_count(c->content) / q->density.chars_a_pair;
    return n < 1 ? 1 : (int64_t)n;
}

size_t gen_qa_quota_to_ask(const struct gen_qa_quota *q, const struct gen_item *item)
{
    int64_t n;
    if (q->n_pairs > 0) {
        n = q->n_pairs;
    } else if (q->target_pairs > 0) {
        /* Some pairs will not pass the checks: ask for half as many again, as far as the chunk
         * carries them. */
        int64_t quota = share_of(q, item->position);
        int64_t wanted = quota + (quota + 1) / 2;
        int64_t carries = capacity_of(q, item->chunk) + 1;
        n = wanted > carries ? carries : wanted;
    } else {
        n = capacity_of(q, item->chunk);
        n = n > q->density.default_max ? q->density.default_max : n;
    }
    if (n < 1)
        return 1;
    return n > GEN_QA_PAIRS_A_CALL_MAX ? GEN_QA_PAIRS_A_CALL_MAX : (size_t)n;
}

size_t gen_qa_quota_to_keep(const struct gen_qa_quota *q, const struct gen_item *item)
{
    return q->target_pairs > 0 && q->n_pairs == 0 ? GEN_QA_PAIRS_A_CALL_MAX
                                                  : gen_qa_quota_to_ask(q, item);
}

/* Only with a target: the set is then bounded by it. */
static int already_seen(struct gen_qa_quota *q, const struct gen_item *item, bool *yes,
                        struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf normal = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_parse(&doc, item->record, err);
    if (rc == GEN_OK)
        rc = gen_utf8_normalize(&normal, gen_json_get_str(gen_json_root(doc), "question"), true,
                                err);
    uint64_t h = gen_hash64(gen_buf_str(&normal), 1) | 1U;
    gen_json_doc_free(doc);
    gen_buf_release(&normal);
    if (rc)
        return rc;
    size_t i = (size_t)(h % q->seen_capacity);
    while (q->seen[i] && q->seen[i] != h)
        i = (i + 1) % q->seen_capacity;
    *yes = q->seen[i] == h;
    /* Over two thirds full the set stops growing: a missed duplicate is better than unbounded
     * memory. */
    if (!*yes && q->n_seen < q->seen_capacity / 3 * 2) {
        q->seen[i] = h;
        q->n_seen++;
    }
    return GEN_OK;
}

int gen_qa_quota_let_go(struct gen_qa_quota *q, struct gen_release *r, bool *stop_input,
                        struct gen_error *err)
{
    if (q->target_pairs <= 0)
        return GEN_OK;
    for (size_t i = 0; i < gen_release_count(r); i++) {
        const struct gen_item *item = gen_release_item(r, i);
        /* What earlier chunks did not give may be given by later ones. */
        int64_t allowed =
            q->round ? q->round_target : share_up_to(item->position, q->n_chunks, q->round_target);
        bool duplicate = false;
        const char *rule = NULL;
        if (q->n_round_released >= allowed)
            rule = "over_target";
        int rc = rule ? GEN_OK : already_seen(q, item, &duplicate, err);
        if (rc)
            return rc;
        rule = duplicate ? "duplicate_question" : rule;
        if (rule) {
            gen_release_drop(r, i, rule);
        } else {
            q->n_round_released++;
            q->n_released++;
        }
    }
    *stop_input = q->n_released >= q->target_pairs;
    return GEN_OK;
}

int64_t gen_qa_quota_missing(const struct gen_qa_quota *q)
{
    return q->target_pairs > q->n_released ? q->target_pairs - q->n_released : 0;
}

void gen_qa_quota_next_round(struct gen_qa_quota *q)
{
    q->round++;
    q->round_target = gen_qa_quota_missing(q);
    q->n_round_released = 0;
}
