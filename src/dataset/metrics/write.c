/* Metrics: the result as JSON. */
#include "dataset/metrics.h"

static void put_share(struct gen_jb *b, struct gen_jmut *o, const char *key,
                      const struct gen_metrics_share *s)
{
    struct gen_jmut *v = gen_jb_object(b);
    gen_jb_put_int(b, v, "n", (int64_t)s->n);
    gen_jb_put_int(b, v, "hits", (int64_t)s->hits);
    gen_jb_put(b, v, "share", s->n ? gen_jb_real(b, s->share) : gen_jb_null(b));
    gen_jb_put(b, o, key, v);
}

/* A figure of `n` rows: null without any. */
static void put_real(struct gen_jb *b, struct gen_jmut *o, const char *key, double x, uint64_t n)
{
    gen_jb_put(b, o, key, n ? gen_jb_real(b, x) : gen_jb_null(b));
}

static void put_count(struct gen_jb *b, struct gen_jmut *o, const char *key, uint64_t x, uint64_t n)
{
    gen_jb_put(b, o, key, n ? gen_jb_int(b, (int64_t)x) : gen_jb_null(b));
}

static void put_names(struct gen_jb *b, struct gen_jmut *o, const char *key,
                      const struct gen_metrics_names *s)
{
    struct gen_jmut *v = gen_jb_object(b);
    struct gen_jmut *top = gen_jb_array(b);
    gen_jb_put_int(b, v, "n", (int64_t)s->n);
    gen_jb_put_int(b, v, "distinct", (int64_t)s->n_distinct);
    gen_jb_put_bool(b, v, "is_partial", s->is_partial);
    put_real(b, v, "entropy_bits", s->entropy_bits, s->n);
    put_real(b, v, "evenness", s->evenness, s->n);
    for (size_t i = 0; i < s->n_top; i++) {
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_cstr(b, row, "name", s->top[i].name);
        gen_jb_put_int(b, row, "count", (int64_t)s->top[i].count);
        gen_jb_put_real(b, row, "share", s->top[i].share);
        gen_jb_append(b, top, row);
    }
    gen_jb_put(b, v, "top", top);
    gen_jb_put(b, o, key, v);
}

static struct gen_jmut *rows_of(const struct gen_metrics_result *r, struct gen_jb *b)
{
    struct gen_jmut *v = gen_jb_object(b);
    struct gen_jmut *first = gen_jb_array(b);
    gen_jb_put_int(b, v, "count", (int64_t)r->n_malformed);
    for (size_t i = 0; i < r->n_malformed_shown; i++) {
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_int(b, row, "row", (int64_t)r->malformed[i].row);
        gen_jb_put_cstr(b, row, "why", r->malformed[i].why);
        gen_jb_append(b, first, row);
    }
    gen_jb_put(b, v, "first", first);
    return v;
}

static struct gen_jmut *shapes_of(const struct gen_metrics_result *r, struct gen_jb *b)
{
    struct gen_jmut *v = gen_jb_object(b);
    for (size_t i = 0; i < GEN_N_SHAPES; i++)
        gen_jb_put_int(b, v, gen_metrics_shape_name((enum gen_metrics_shape)i),
                       (int64_t)r->shapes[i]);
    return v;
}

static void put_length(struct gen_jb *b, struct gen_jmut *o, const char *key,
                       const struct gen_metrics_lengths *s)
{
    struct gen_jmut *v = gen_jb_object(b);
    gen_jb_put_int(b, v, "n", (int64_t)s->n);
    put_real(b, v, "mean", s->mean, s->n);
    put_count(b, v, "min", s->min, s->n);
    put_count(b, v, "p5", s->p5, s->n);
    put_count(b, v, "p50", s->p50, s->n);
    put_count(b, v, "p95", s->p95, s->n);
    put_count(b, v, "max", s->max, s->n);
    gen_jb_put(b, o, key, v);
}

static struct gen_jmut *lengths_of(const struct gen_metrics_result *r, struct gen_jb *b)
{
    struct gen_jmut *v = gen_jb_object(b);
    put_length(b, v, "question", &r->question);
    put_length(b, v, "answer", &r->answer);
    put_length(b, v, "reasoning", &r->reasoning);
    put_share(b, v, "short_answers", &r->short_answers);
    gen_jb_put_int(b, v, "tokens_estimated", (int64_t)r->tokens_estimated);
    return v;
}

static struct gen_jmut *duplicates_of(const struct gen_metrics_result *r, struct gen_jb *b)
{
    struct gen_jmut *v = gen_jb_object(b);
    put_share(b, v, "exact_question", &r->duplicates.question);
    put_share(b, v, "exact_answer", &r->duplicates.answer);
    gen_jb_put_bool(b, v, "is_estimate", r->duplicates.is_estimate);
    put_share(b, v, "near_question", &r->duplicates.near);
    gen_jb_put_bool(b, v, "near_is_sample", r->duplicates.near_is_sample);
    return v;
}

static void put_diversity(struct gen_jb *b, struct gen_jmut *o, const char *key,
                          const struct gen_metrics_diversity *d)
{
    struct gen_jmut *v = gen_jb_object(b);
    gen_jb_put_int(b, v, "n", (int64_t)d->n_rows);
    put_real(b, v, "distinct_1", d->distinct[0], d->n_rows);
    put_real(b, v, "distinct_2", d->distinct[1], d->n_rows);
    put_real(b, v, "distinct_3", d->distinct[2], d->n_rows);
    put_real(b, v, "self_repetition", d->self_repetition.share, d->n_rows);
    put_real(b, v, "self_bleu", d->self_bleu, d->n_bleu_rows > 1);
    gen_jb_put_int(b, v, "self_bleu_rows", (int64_t)d->n_bleu_rows);
    put_real(b, v, "compression_ratio", d->compression, d->compress_bytes);
    gen_jb_put_int(b, v, "compression_bytes", (int64_t)d->compress_bytes);
    gen_jb_put(b, o, key, v);
}

static struct gen_jmut *diversity_of(const struct gen_metrics_result *r, struct gen_jb *b)
{
    struct gen_jmut *v = gen_jb_object(b);
    gen_jb_put_int(b, v, "sample_rows", (int64_t)r->sample_rows);
    put_diversity(b, v, "question", &r->question_diversity);
    put_diversity(b, v, "answer", &r->answer_diversity);
    put_names(b, v, "openings", &r->openings);
    put_names(b, v, "question_types", &r->question_types);
    return v;
}

static struct gen_jmut *grounding_of(const struct gen_metrics_result *r, struct gen_jb *b)
{
    const struct gen_metrics_grounding *g = &r->grounding;
    struct gen_jmut *v = gen_jb_object(b);
    gen_jb_put_int(b, v, "n", (int64_t)g->n);
    gen_jb_put_int(b, v, "n_from_source", (int64_t)g->n_from_source);
    gen_jb_put_int(b, v, "n_from_record", (int64_t)g->n_from_record);
    put_count(b, v, "literals", g->n_literals, g->n_from_source);
    put_real(b, v, "mean", g->mean, g->n);
    put_real(b, v, "all", g->all_share, g->n);
    put_real(b, v, "below_half", g->low_share, g->n);
    gen_jb_put_bool(b, v, "is_sample", g->is_sample);
    put_share(b, v, "context_references", &r->context_references);
    put_share(b, v, "refusals", &r->refusals);
    gen_jb_put_bool(b, v, "checks_are_sample", r->checks_are_sample);
    return v;
}

static void put_scores(struct gen_jb *b, struct gen_jmut *o, const struct gen_metrics_scores *s)
{
    struct gen_jmut *v = gen_jb_object(b);
    struct gen_jmut *histogram = gen_jb_array(b);
    gen_jb_put_int(b, v, "n", (int64_t)s->n);
    gen_jb_put_int(b, v, "outside", (int64_t)s->n_outside);
    put_real(b, v, "mean", s->mean, s->n);
    put_real(b, v, "min", s->min, s->n);
    put_real(b, v, "max", s->max, s->n);
    for (size_t i = 0; i < GEN_METRICS_SCALE; i++)
        gen_jb_append(b, histogram, gen_jb_int(b, (int64_t)s->histogram[i]));
    gen_jb_put(b, v, "histogram", histogram);
    put_real(b, v, "mode", s->mode, s->n);
    put_real(b, v, "mode_share", s->mode_share, s->n);
    gen_jb_put(b, o, s->name, v);
}

static struct gen_jmut *ratings_of(const struct gen_metrics_result *r, struct gen_jb *b)
{
    struct gen_jmut *v = gen_jb_object(b);
    put_scores(b, v, &r->rating);
    for (size_t i = 0; i < GEN_METRICS_CRITERIA; i++)
        put_scores(b, v, &r->criteria[i]);
    put_share(b, v, "topic_relevant", &r->topic_relevant);
    put_real(b, v, "length_correlation", r->rating_length_correlation, r->n_correlated);
    return v;
}

static struct gen_jmut *sources_of(const struct gen_metrics_result *r, struct gen_jb *b)
{
    struct gen_jmut *v = gen_jb_object(b);
    put_names(b, v, "sources", &r->sources);
    put_names(b, v, "topics", &r->topics);
    put_names(b, v, "kinds", &r->kinds);
    gen_jb_put_int(b, v, "rows_with_chunk", (int64_t)r->n_with_chunk);
    gen_jb_put_int(b, v, "chunks", (int64_t)r->n_chunks);
    gen_jb_put_bool(b, v, "chunks_is_estimate", r->n_chunks_is_estimate);
    put_real(b, v, "rows_per_chunk", r->rows_per_chunk, r->n_chunks);
    return v;
}

static struct gen_jmut *tools_of(const struct gen_metrics_tools *t, struct gen_jb *b)
{
    if (!t->n_rows)
        return gen_jb_null(b);
    struct gen_jmut *v = gen_jb_object(b);
    gen_jb_put_int(b, v, "rows", (int64_t)t->n_rows);
    gen_jb_put_int(b, v, "calls", (int64_t)t->n_calls);
    put_share(b, v, "valid", &t->valid);
    put_share(b, v, "references", &t->references);
    put_share(b, v, "executed", &t->executed);
    put_share(b, v, "simulated", &t->simulated);
    put_share(b, v, "failed_calls", &t->failed);
    put_share(b, v, "truncated_observations", &t->truncated);
    put_length(b, v, "steps", &t->steps);
    put_names(b, v, "categories", &t->categories);
    put_names(b, v, "called", &t->called);
    return v;
}

struct gen_jmut *gen_metrics_write(const struct gen_metrics_result *r, struct gen_jb *b)
{
    struct gen_jmut *v = gen_jb_object(b);
    gen_jb_put_int(b, v, "rows", (int64_t)r->n_rows);
    gen_jb_put_int(b, v, "records", (int64_t)r->n_records);
    gen_jb_put(b, v, "malformed", rows_of(r, b));
    gen_jb_put_int(b, v, "seed", (int64_t)r->seed);
    gen_jb_put(b, v, "read_as", shapes_of(r, b));
    gen_jb_put(b, v, "lengths", lengths_of(r, b));
    gen_jb_put(b, v, "duplicates", duplicates_of(r, b));
    gen_jb_put(b, v, "diversity", diversity_of(r, b));
    gen_jb_put(b, v, "grounding", grounding_of(r, b));
    gen_jb_put(b, v, "ratings", ratings_of(r, b));
    gen_jb_put(b, v, "sources", sources_of(r, b));
    gen_jb_put(b, v, "tools", tools_of(&r->tools, b));
    return v;
}
