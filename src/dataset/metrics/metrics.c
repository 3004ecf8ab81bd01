#include "dataset/metrics/metrics_int.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "dataset/checks.h"
#include "dataset/checks/words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SAMPLE_ROWS        1000U
#define BLEU_ROWS          200U
#define NEAR_ROWS          100000U
#define NEAR_ROWS_AFTER    40000U /* once not all rows are compared */
#define GROUNDING_ROWS     5000U
#define CHECK_ROWS         100000U
#define COMPRESS_BYTES     ((size_t)256 << 10)
#define SIMILARITY         0.7
#define SHORT_WORDS        5U
#define WORDS_AT_ONCE      256U
#define SCORE_STEPS        1001U /* 0 to 10 in hundredths */
#define N_SCORES           (1 + GEN_METRICS_CRITERIA)
#define SAMPLE_ROWS_MAX    ((size_t)1 << 20)
#define COMPRESS_BYTES_MAX ((size_t)64 << 20)

struct score {
    uint64_t n, n_outside;
    double sum, min, max;
    uint64_t steps[SCORE_STEPS];
};

/* Rows of a sample that were grounded, by the level of their hash. */
struct grounded {
    uint64_t n, n_all, n_low, n_literals;
    double sum;
};

struct checked {
    uint64_t questions, contexts, answers, refusals;
};

struct gen_metrics {
    struct gen_metrics_options options;
    bool is_finished;
    struct gen_metrics_result result;
    struct gen_histogram question, answer, reasoning;
    struct gen_fingerprints questions, answers, chunks;
    struct gen_tally openings, types, sources, topics, kinds;
    struct gen_sample sample;
    struct gen_near near;
    struct gen_sampler grounding, checks;
    struct grounded by_source[GEN_LEVELS], by_record[GEN_LEVELS];
    struct grounded by_record_all; /* rows with their own figure, whether in the sample or not */
    struct checked checked[GEN_LEVELS];
    struct score scores[N_SCORES];
    struct gen_tool_figures *tools;
    uint64_t bytes;
    /* Welford's sums of rating (x) and words (y). */
    double mean_x, mean_y, xx, yy, xy;
};

static void set_defaults(struct gen_metrics_options *o)
{
    o->sample_rows = o->sample_rows ? o->sample_rows : SAMPLE_ROWS;
    o->bleu_rows = o->bleu_rows ? o->bleu_rows : BLEU_ROWS;
    o->near_rows = o->near_rows ? o->near_rows : NEAR_ROWS;
    o->grounding_rows = o->grounding_rows ? o->grounding_rows : GROUNDING_ROWS;
    o->check_rows = o->check_rows ? o->check_rows : CHECK_ROWS;
    o->compress_bytes = o->compress_bytes ? o->compress_bytes : COMPRESS_BYTES;
    o->similarity = o->similarity > 0.0 ? o->similarity : SIMILARITY;
    if (o->sample_rows > SAMPLE_ROWS_MAX)
        o->sample_rows = SAMPLE_ROWS_MAX;
    if (o->compress_bytes > COMPRESS_BYTES_MAX)
        o->compress_bytes = COMPRESS_BYTES_MAX;
}

int gen_metrics_new(struct gen_metrics **out, const struct gen_metrics_options *options,
                    struct gen_error *err)
{
    struct gen_metrics *m = calloc(1, sizeof(*m));
    if (!m)
        return gen_nomem(err, "the figures of a data set");
    if (options)
        m->options = *options;
    set_defaults(&m->options);
    m->result.seed = m->options.seed;
    m->grounding.n_max = m->options.grounding_rows;
    m->checks.n_max = m->options.check_rows;
    m->near.sampler.n_max = m->options.near_rows;
    m->near.n_after =
        m->options.near_rows < NEAR_ROWS_AFTER ? m->options.near_rows : NEAR_ROWS_AFTER;
    m->near.bytes = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_tally *tallies[] = {&m->openings, &m->types, &m->sources, &m->topics, &m->kinds};
    for (size_t i = 0; i < sizeof(tallies) / sizeof(tallies[0]); i++)
        *tallies[i] = gen_tally_make();
    int rc = gen_sample_new(&m->sample, m->options.sample_rows, err);
    if (rc) {
        gen_metrics_free(m);
        return rc;
    }
    *out = m;
    return GEN_OK;
}

void gen_metrics_free(struct gen_metrics *m)
{
    if (!m)
        return;
    struct gen_tally *tallies[] = {&m->openings, &m->types, &m->sources, &m->topics, &m->kinds};
    for (size_t i = 0; i < sizeof(tallies) / sizeof(tallies[0]); i++)
        gen_tally_release(tallies[i]);
    gen_fingerprints_release(&m->questions);
    gen_fingerprints_release(&m->answers);
    gen_fingerprints_release(&m->chunks);
    gen_tool_figures_free(m->tools);
    gen_sample_release(&m->sample);
    gen_near_release(&m->near);
    free(m);
}

bool gen_metrics_wants_source(const struct gen_metrics *m, uint64_t row)
{
    return gen_sampler_wants(&m->grounding, gen_metrics_row_hash(row, m->options.seed));
}

/* What the words of a text are worth for counting. */
struct wording {
    size_t n;
    uint64_t sequence; /* a hash of the words in their order */
    uint64_t likeness; /* the lowest hash of three words in a row: of two texts it is the same with
                          the probability of their Jaccard similarity (Broder 1997) */
};

static uint64_t three_words(const uint64_t *w)
{
    return gen_hash_mix((w[0] * 0x9E3779B97F4A7C15ULL + w[1]) * 0xD6E8FEB86659FD93ULL + w[2]);
}

static struct wording read_words(struct gen_str text)
{
    uint64_t few[WORDS_AT_ONCE];
    struct wording out = {.likeness = UINT64_MAX};
    uint64_t h = 0;
    size_t n = gen_word_hashes(text, few, WORDS_AT_ONCE);
    out.n = n;
    if (n < WORDS_AT_ONCE) {
        for (size_t i = 0; i < n; i++)
            h = (h ^ few[i]) * 0x9E3779B97F4A7C15ULL + (h >> 29);
    } else {
        struct gen_word w;
        size_t at = 0;
        for (out.n = 0; gen_word_next(text, &at, &w); out.n++)
            h = (h ^ w.hash) * 0x9E3779B97F4A7C15ULL + (h >> 29);
    }
    out.sequence = gen_hash_mix(h + out.n);
    for (size_t i = 0; i + 3 <= n; i++) {
        uint64_t three = three_words(few + i);
        out.likeness = three < out.likeness ? three : out.likeness;
    }
    if (n < 3)
        out.likeness = out.sequence;
    return out;
}

static int add_folded(struct gen_buf *out, struct gen_str word, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < word.n;) {
        uint32_t c = 0;
        size_t n = gen_utf8_next(gen_str_sub(word, i, 4), &c);
        if (n == 0)
            break;
        rc = gen_utf8_put(out, gen_char_fold(c), err);
        i += n;
    }
    return rc;
}

/* Counts the first `n_words` words of a question; nothing when it has fewer. */
static int count_opening(struct gen_tally *t, struct gen_str question, size_t n_words,
                         struct gen_error *err)
{
    struct gen_word words[2];
    size_t at = 0;
    uint64_t hash = n_words;
    for (size_t i = 0; i < n_words; i++) {
        if (!gen_word_next(question, &at, &words[i]))
            return GEN_OK;
        hash = gen_hash_mix(hash * 0x9E3779B97F4A7C15ULL + words[i].hash);
    }
    bool is_new;
    int rc = gen_tally_add(t, hash, &is_new, err);
    if (rc || !is_new)
        return rc;
    struct gen_buf name = gen_buf_make(GEN_BUF_UNLIMITED);
    for (size_t i = 0; rc == GEN_OK && i < n_words; i++) {
        if (i)
            rc = gen_buf_add_char(&name, ' ', err);
        if (rc == GEN_OK)
            rc = add_folded(&name, gen_str_sub(question, words[i].offset, words[i].n), err);
    }
    if (rc == GEN_OK)
        rc = gen_tally_name(t, gen_buf_str(&name), err);
    gen_buf_release(&name);
    return rc;
}

/* A number from 0 to 10. */
static bool add_score(struct score *s, const struct gen_json *value, double *out)
{
    double x = 0.0;
    if (!gen_json_as_real(value, &x))
        return false;
    if (!(x >= 0.0 && x <= 10.0)) {
        s->n_outside++;
        return false;
    }
    if (s->n == 0 || x < s->min)
        s->min = x;
    if (s->n == 0 || x > s->max)
        s->max = x;
    s->n++;
    s->sum += x;
    s->steps[(size_t)lround(x * 100.0)]++;
    *out = x;
    return true;
}

static void correlate(struct gen_metrics *m, double x, double y)
{
    double n = (double)++m->result.n_correlated;
    double dx = x - m->mean_x;
    double dy = y - m->mean_y;
    m->mean_x += dx / n;
    m->mean_y += dy / n;
    m->xx += dx * (x - m->mean_x);
    m->yy += dy * (y - m->mean_y);
    m->xy += dx * (y - m->mean_y);
}

static void add_scores(struct gen_metrics *m, const struct gen_metrics_fields *f,
                       const struct gen_metrics_view *v, size_t n_answer_words)
{
    double rating = 0.0;
    bool yes = false;
    if (add_score(&m->scores[0], f->at[GEN_FIELD_RATING], &rating) && v->answer.n)
        correlate(m, rating, (double)n_answer_words);
    for (size_t i = 0; i < GEN_METRICS_CRITERIA; i++) {
        double ignored;
        (void)add_score(&m->scores[1 + i], f->at[GEN_FIELD_CLARITY + i], &ignored);
    }
    if (gen_json_as_bool(f->at[GEN_FIELD_TOPIC_RELEVANT], &yes)) {
        m->result.topic_relevant.n++;
        m->result.topic_relevant.hits += yes;
    }
}

static void add_grounded(struct grounded *g, double share, size_t n_literals)
{
    g->n++;
    g->n_all += share >= 1.0;
    g->n_low += share < 0.5;
    g->n_literals += n_literals;
    g->sum += share;
}

static int ground(struct gen_metrics *m, uint64_t hash, const struct gen_metrics_fields *f,
                  const struct gen_metrics_view *v, struct gen_str source, struct gen_error *err)
{
    double own = 0.0;
    bool has_own = gen_json_as_real(f->at[GEN_FIELD_GROUNDING], &own) && own >= 0.0 && own <= 1.0;
    bool measure = source.n && v->answer.n;
    unsigned level = gen_metrics_level(hash);
    if (has_own)
        add_grounded(&m->by_record_all, own, 0);
    if ((!has_own && !measure) || !gen_sampler_wants(&m->grounding, hash))
        return GEN_OK;
    if (measure) {
        struct gen_source_text *prepared = NULL;
        struct gen_literals found = {0};
        int rc = gen_source_text_new(&prepared, source, err);
        if (rc == GEN_OK)
            rc = gen_check_literals(prepared, v->question, v->answer, &found, NULL, err);
        gen_source_text_free(prepared);
        if (rc)
            return rc;
        add_grounded(&m->by_source[level], found.share, found.n_literals);
    } else {
        add_grounded(&m->by_record[level], own, 0);
    }
    gen_sampler_take(&m->grounding, hash);
    return GEN_OK;
}

static void check(struct gen_metrics *m, uint64_t hash, const struct gen_metrics_view *v)
{
    /* Refusals, and what is open on a desk, are lessons of tool records. */
    if (v->shape == GEN_SHAPE_TOOL || !gen_sampler_wants(&m->checks, hash))
        return;
    struct checked *c = &m->checked[gen_metrics_level(hash)];
    if (v->question.n) {
        c->questions++;
        c->contexts += gen_check_refers_to_context(v->question);
    }
    if (v->answer.n) {
        c->answers++;
        c->refusals += gen_check_is_refusal(v->answer);
    }
    gen_sampler_take(&m->checks, hash);
}

static int add_question(struct gen_metrics *m, uint64_t row, struct gen_str text,
                        struct gen_error *err)
{
    struct wording w = read_words(text);
    gen_histogram_add(&m->question, w.n);
    int rc = w.n ? gen_fingerprints_add(&m->questions, w.sequence, err) : GEN_OK;
    if (rc == GEN_OK)
        rc = gen_near_add(&m->near, gen_metrics_row_hash(w.likeness, m->options.seed), row, text,
                          err);
    if (rc == GEN_OK)
        rc = count_opening(&m->openings, text, 2, err);
    if (rc == GEN_OK)
        rc = count_opening(&m->types, text, 1, err);
    return rc;
}

static int add_answer(struct gen_metrics *m, struct gen_str text, bool may_be_short,
                      size_t *n_words, struct gen_error *err)
{
    struct wording w = read_words(text);
    gen_histogram_add(&m->answer, w.n);
    m->result.short_answers.n += !may_be_short;
    m->result.short_answers.hits += !may_be_short && w.n < SHORT_WORDS;
    *n_words = w.n;
    return w.n ? gen_fingerprints_add(&m->answers, w.sequence, err) : GEN_OK;
}

static int add_name(struct gen_tally *t, struct gen_str name, struct gen_error *err)
{
    return name.n ? gen_tally_add_name(t, name, err) : GEN_OK;
}

static struct gen_str field_text(const struct gen_metrics_fields *f, enum gen_metrics_field field)
{
    struct gen_str s = {NULL, 0};
    (void)gen_json_as_str(f->at[field], &s);
    return s;
}

static int add_origin(struct gen_metrics *m, const struct gen_metrics_fields *f,
                      const struct gen_metrics_view *v, struct gen_error *err)
{
    static const enum gen_metrics_field kinds[] = {GEN_FIELD_KIND, GEN_FIELD_QUESTION_TYPE,
                                                   GEN_FIELD_CATEGORY};
    struct gen_str kind = {NULL, 0};
    for (size_t i = 0; !kind.n && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        kind = field_text(f, kinds[i]);
    int rc = add_name(&m->sources, v->source, err);
    if (rc == GEN_OK)
        rc = add_name(&m->topics, field_text(f, GEN_FIELD_TOPIC), err);
    if (rc == GEN_OK)
        rc = add_name(&m->kinds, kind, err);
    if (rc || !v->chunk_id.n)
        return rc;
    m->result.n_with_chunk++;
    return gen_fingerprints_add(
        &m->chunks, gen_hash_mix(gen_hash64(v->chunk_id, gen_hash64(v->source, 1))), err);
}

int gen_metrics_add(struct gen_metrics *m, uint64_t row, const struct gen_json *record,
                    struct gen_str source, struct gen_error *err)
{
    struct gen_metrics_fields f;
    struct gen_metrics_view v;
    char why[160];
    uint64_t hash = gen_metrics_row_hash(row, m->options.seed);
    size_t n_answer_words = 0;
    int rc = GEN_OK;
    if (m->is_finished)
        return gen_fail(err, GEN_ESTATE, "rows after the figures were computed");
    gen_metrics_fields_read(record, &f);
    if (!gen_metrics_view_read(&f, &v, why, sizeof(why))) {
        gen_metrics_add_malformed(m, row, why);
        return GEN_OK;
    }
    m->result.n_rows++;
    m->result.n_records++;
    m->result.shapes[v.shape]++;
    m->bytes += v.question.n + v.answer.n + v.reasoning.n;
    if (v.question.n)
        rc = add_question(m, row, v.question, err);
    if (rc == GEN_OK && v.answer.n)
        rc = add_answer(m, v.answer, v.shape == GEN_SHAPE_TOOL, &n_answer_words, err);
    if (v.reasoning.n)
        gen_histogram_add(&m->reasoning, gen_count_words(v.reasoning));
    if (rc == GEN_OK)
        rc = gen_sample_offer(&m->sample, hash, row, v.question, v.answer, err);
    add_scores(m, &f, &v, n_answer_words);
    check(m, hash, &v);
    if (rc == GEN_OK)
        rc = add_origin(m, &f, &v, err);
    if (rc == GEN_OK)
        rc = ground(m, hash, &f, &v, source, err);
    if (rc == GEN_OK && v.shape == GEN_SHAPE_TOOL)
        rc = gen_tool_figures_add(&m->tools, record, err);
    return rc;
}

void gen_metrics_add_malformed(struct gen_metrics *m, uint64_t row, const char *why)
{
    struct gen_metrics_result *r = &m->result;
    r->n_rows++;
    r->n_malformed++;
    if (r->n_malformed_shown == GEN_METRICS_TOP)
        return;
    struct gen_metrics_malformed *shown = &r->malformed[r->n_malformed_shown++];
    shown->row = row;
    gen_utf8_format(shown->why, sizeof(shown->why), "%s", why);
}

static void set_share(struct gen_metrics_share *s)
{
    s->share = s->n ? (double)s->hits / (double)s->n : 0.0;
}

static void read_score(const struct score *s, const char *name, struct gen_metrics_scores *out)
{
    uint64_t most = 0;
    *out = (struct gen_metrics_scores){.name = name, .n = s->n, .n_outside = s->n_outside};
    if (s->n == 0)
        return;
    out->mean = s->sum / (double)s->n;
    out->min = s->min;
    out->max = s->max;
    for (size_t i = 0; i < SCORE_STEPS; i++) {
        out->histogram[(i + 50) / 100] += s->steps[i];
        if (s->steps[i] > most) {
            most = s->steps[i];
            out->mode = (double)i / 100.0;
        }
    }
    out->mode_share = (double)most / (double)s->n;
}

static void read_scores(struct gen_metrics *m)
{
    static const char *const names[N_SCORES] = {"rating", "clarity", "accuracy", "usefulness",
                                                "difficulty"};
    struct gen_metrics_result *r = &m->result;
    read_score(&m->scores[0], names[0], &r->rating);
    for (size_t i = 0; i < GEN_METRICS_CRITERIA; i++)
        read_score(&m->scores[1 + i], names[1 + i], &r->criteria[i]);
    double spread = sqrt(m->xx * m->yy);
    r->rating_length_correlation = spread > 0.0 ? m->xy / spread : 0.0;
}

static void sum_grounded(struct grounded *sum, const struct grounded *g)
{
    sum->n += g->n;
    sum->n_all += g->n_all;
    sum->n_low += g->n_low;
    sum->n_literals += g->n_literals;
    sum->sum += g->sum;
}

static void read_grounding(struct gen_metrics *m)
{
    struct gen_metrics_grounding *out = &m->result.grounding;
    struct grounded measured = {0};
    struct grounded all = {0};
    for (unsigned i = m->grounding.level; i < GEN_LEVELS; i++) {
        sum_grounded(&measured, &m->by_source[i]);
        sum_grounded(&all, &m->by_record[i]);
    }
    sum_grounded(&all, &measured);
    out->is_sample = measured.n > 0 && m->grounding.level > 0;
    if (measured.n == 0)
        all = m->by_record_all;
    out->n = all.n;
    out->n_from_source = measured.n;
    out->n_from_record = all.n - measured.n;
    out->n_literals = measured.n_literals;
    if (all.n == 0)
        return;
    out->mean = all.sum / (double)all.n;
    out->all_share = (double)all.n_all / (double)all.n;
    out->low_share = (double)all.n_low / (double)all.n;
}

static void read_checks(struct gen_metrics *m)
{
    struct gen_metrics_result *r = &m->result;
    for (unsigned i = m->checks.level; i < GEN_LEVELS; i++) {
        r->context_references.n += m->checked[i].questions;
        r->context_references.hits += m->checked[i].contexts;
        r->refusals.n += m->checked[i].answers;
        r->refusals.hits += m->checked[i].refusals;
    }
    set_share(&r->context_references);
    set_share(&r->refusals);
    r->checks_are_sample = m->checks.level > 0;
}

static void read_counts(struct gen_metrics *m)
{
    struct gen_metrics_result *r = &m->result;
    gen_histogram_read(&m->question, &r->question);
    gen_histogram_read(&m->answer, &r->answer);
    gen_histogram_read(&m->reasoning, &r->reasoning);
    r->tokens_estimated = m->bytes / 4;
    set_share(&r->short_answers);
    set_share(&r->topic_relevant);
    gen_fingerprints_read(&m->questions, &r->duplicates.question);
    gen_fingerprints_read(&m->answers, &r->duplicates.answer);
    r->duplicates.is_estimate = m->questions.level > 0 || m->answers.level > 0;
    gen_tally_read(&m->openings, &r->openings);
    gen_tally_read(&m->types, &r->question_types);
    gen_tally_read(&m->sources, &r->sources);
    gen_tally_read(&m->topics, &r->topics);
    gen_tally_read(&m->kinds, &r->kinds);
    gen_tool_figures_read(m->tools, &r->tools);
    r->n_chunks = gen_fingerprints_distinct(&m->chunks);
    r->n_chunks_is_estimate = m->chunks.level > 0;
    r->rows_per_chunk = r->n_chunks ? (double)r->n_with_chunk / (double)r->n_chunks : 0.0;
}

int gen_metrics_finish(struct gen_metrics *m, const struct gen_metrics_result **out,
                       struct gen_error *err)
{
    struct gen_metrics_result *r = &m->result;
    if (m->is_finished) {
        *out = r;
        return GEN_OK;
    }
    gen_sample_sort(&m->sample);
    r->sample_rows = m->sample.n;
    int rc = gen_near_read(&m->near, m->options.similarity, &r->duplicates, err);
    if (rc == GEN_OK)
        rc = gen_metrics_diversity_of(m, GEN_METRICS_QUESTION, SIZE_MAX, m->options.compress_bytes,
                                      &r->question_diversity, err);
    if (rc == GEN_OK)
        rc = gen_metrics_diversity_of(m, GEN_METRICS_ANSWER, SIZE_MAX, m->options.compress_bytes,
                                      &r->answer_diversity, err);
    if (rc)
        return rc;
    read_counts(m);
    read_scores(m);
    read_grounding(m);
    read_checks(m);
    m->is_finished = true;
    *out = r;
    return GEN_OK;
}

int gen_metrics_diversity_of(const struct gen_metrics *m, enum gen_metrics_text text, size_t n_rows,
                             size_t compress_bytes, struct gen_metrics_diversity *out,
                             struct gen_error *err)
{
    return gen_sample_diversity(&m->sample, text, n_rows, m->options.bleu_rows, compress_bytes, out,
                                err);
}
