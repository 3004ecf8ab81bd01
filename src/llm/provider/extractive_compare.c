/* Words for a comparison, from its figures: which criteria the samples fulfil, which faults come
 * again, which set is ahead. The same figures under other labels get the same answer. */
#include "llm/provider/extractive_int.h"

#include <math.h>
#include <stdio.h>

#define SAMPLES_MAX   64
#define KINDS_MAX     16 /* different weakest points that are counted */
#define MOSTLY        0.75
#define SOURCED_APART 0.2

struct sample {
    struct gen_str question, weakest;
    double rating, clarity, accuracy, usefulness, difficulty;
};

struct samples {
    size_t n;
    struct sample rows[SAMPLES_MAX];
};

enum fault { NONE, VAGUE, DOCUMENT, UNSUPPORTED, INCOMPLETE, TRIVIAL, REPETITIVE, N_FAULTS };

static double number(const struct gen_json *o, const char *key)
{
    double value = 0;
    (void)gen_json_as_real(gen_json_get(o, key), &value);
    return value;
}

static void read_samples(const struct gen_json *list, struct samples *out)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *o;
    out->n = 0;
    gen_json_iter_init(&it, list);
    while (out->n < SAMPLES_MAX && gen_json_iter_next(&it, &key, &o))
        out->rows[out->n++] = (struct sample){
            .question = gen_json_get_str(o, "question"),
            .weakest = gen_json_get_str(o, "weakest_point"),
            .rating = number(o, "rating"),
            .clarity = number(o, "clarity"),
            .accuracy = number(o, "accuracy"),
            .usefulness = number(o, "usefulness"),
            .difficulty = number(o, "difficulty"),
        };
}

static size_t n_bits(uint64_t mask)
{
    size_t n = 0;
    for (; mask; mask &= mask - 1)
        n++;
    return n;
}

/* Appends "(p1, p4)" for the samples of the mask; the first few of many. */
static void put_ids(struct gen_extract_line *l, uint64_t mask)
{
    unsigned n = 0;
    char id[16];
    gen_extract_put_c(l, " (");
    for (unsigned i = 0; i < SAMPLES_MAX && n < 6; i++) {
        if (!(mask >> i & 1U))
            continue;
        (void)snprintf(id, sizeof(id), "%sp%u", n++ ? ", " : "", i + 1);
        gen_extract_put_c(l, id);
    }
    gen_extract_put_c(l, n_bits(mask) > n ? " and more)" : ")");
}

static void put_observation(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *list,
                            struct gen_str what, uint64_t mask, size_t n_samples)
{
    char count[64];
    gen_extract_line_clear(&x->line);
    (void)snprintf(count, sizeof(count), " in %zu of %zu samples", n_bits(mask), n_samples);
    gen_extract_put(&x->line, what);
    gen_extract_put_c(&x->line, count);
    put_ids(&x->line, mask);
    gen_jb_append(b, list, gen_jb_str(b, gen_extract_line_str(&x->line)));
}

static uint64_t full_marks(const struct samples *s, unsigned criterion)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct sample *r = &s->rows[i];
        const bool full[] = {r->clarity >= 3, r->accuracy >= 3, r->usefulness >= 2,
                             r->difficulty >= 2};
        mask |= (uint64_t)full[criterion] << i;
    }
    return mask;
}

static struct gen_jmut *strengths(struct gen_extract *x, struct gen_jb *b, const struct samples *s)
{
    static const char *const texts[] = {
        "questions are clear and stand alone, answers open with what was asked",
        "answers are complete and carried by their sources",
        "questions are worth asking and answers worth learning",
        "answers combine facts or give reasons",
    };
    struct gen_jmut *list = gen_jb_array(b);
    for (unsigned k = 0; k < 4; k++) {
        uint64_t mask = full_marks(s, k);
        if (s->n && (double)n_bits(mask) >= MOSTLY * (double)s->n)
            put_observation(x, b, list, gen_str_from(texts[k]), mask, s->n);
    }
    return list;
}

/* The weakest points that more than one sample has, the most frequent first. */
static struct gen_jmut *weaknesses(struct gen_extract *x, struct gen_jb *b, const struct samples *s)
{
    struct {
        struct gen_str text;
        uint64_t mask;
    } kinds[KINDS_MAX];
    size_t n = 0;
    struct gen_jmut *list = gen_jb_array(b);
    for (size_t i = 0; i < s->n; i++) {
        size_t k = 0;
        while (k < n && !gen_str_eq(kinds[k].text, s->rows[i].weakest))
            k++;
        /* A pair with almost all marks has a weakest point too. */
        if (k == KINDS_MAX || s->rows[i].weakest.n == 0 || s->rows[i].rating >= 9)
            continue;
        if (k == n) {
            kinds[n].text = s->rows[i].weakest;
            kinds[n++].mask = 0;
        }
        kinds[k].mask |= (uint64_t)1 << i;
    }
    for (unsigned round = 0; round < 3; round++) {
        size_t best = 0;
        for (size_t k = 1; k < n; k++)
            best = n_bits(kinds[k].mask) > n_bits(kinds[best].mask) ? k : best;
        if (n == 0 || n_bits(kinds[best].mask) < 2)
            break;
        put_observation(x, b, list, kinds[best].text, kinds[best].mask, s->n);
        kinds[best].mask = 0;
    }
    return list;
}

static enum fault fault_of(const struct samples *s, size_t i)
{
    const struct sample *r = &s->rows[i];
    for (size_t k = 0; k < i; k++) {
        if (gen_str_eq_nocase(s->rows[k].question, r->question))
            return REPETITIVE;
    }
    if (gen_str_find_nocase(r->weakest, GEN_STR("without the document"), 0) != SIZE_MAX)
        return DOCUMENT;
    if (r->accuracy < 2)
        return UNSUPPORTED;
    if (r->clarity < 2)
        return VAGUE;
    if (r->accuracy < 3)
        return INCOMPLETE;
    return r->usefulness < 1 ? TRIVIAL : NONE;
}

static const char *most_frequent_fault(const struct samples *s)
{
    static const char *const names[N_FAULTS] = {
        "none",    "vague_question", "document_reference", "unsupported_claim", "incomplete_answer",
        "trivial", "repetitive"};
    size_t n[N_FAULTS] = {0};
    enum fault most = NONE;
    for (size_t i = 0; i < s->n; i++)
        n[fault_of(s, i)]++;
    n[NONE] = 0;
    for (int k = VAGUE; k < N_FAULTS; k++)
        most = n[k] > n[most] ? (enum fault)k : most;
    return names[most];
}

int gen_extract_describe_set(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                             struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, x->in->record, err);
    struct samples *s = gen_arena_alloc(&x->arena, sizeof(*s));
    if (rc == GEN_OK && !s)
        rc = gen_nomem(err, "the samples");
    if (rc == GEN_OK) {
        const struct gen_json *record = gen_json_root(doc);
        double score = floor(number(record, "mean") + 0.5);
        read_samples(gen_json_get(record, "samples"), s);
        gen_jb_put(b, root, "strengths", strengths(x, b, s));
        gen_jb_put(b, root, "weaknesses", weaknesses(x, b, s));
        gen_jb_put_cstr(b, root, "most_frequent_fault", most_frequent_fault(s));
        gen_jb_put_int(b, root, "score", score < 1 ? 1 : score > 10 ? 10 : (int64_t)score);
    }
    gen_json_doc_free(doc);
    return rc;
}

/* ---- the choice ---- */

struct choice {
    const struct gen_json *best, *second;
    double distance; /* of the means */
    bool is_clear;
};

static struct choice choose(const struct gen_json *sets)
{
    struct choice c = {.is_clear = true};
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *set;
    gen_json_iter_init(&it, sets);
    while (gen_json_iter_next(&it, &key, &set)) {
        if (!c.best || number(set, "mean") > number(c.best, "mean")) {
            c.second = c.best;
            c.best = set;
        } else if (!c.second || number(set, "mean") > number(c.second, "mean")) {
            c.second = set;
        }
    }
    gen_json_iter_init(&it, sets);
    while (gen_json_iter_next(&it, &key, &set))
        /* Who was judged with the source in view is not compared with who was not. */
        c.is_clear = c.is_clear && (set == c.best || number(set, "behind_low") > 0) &&
                     fabs(number(set, "sourced") - number(c.best, "sourced")) <= SOURCED_APART;
    c.distance = number(c.best, "mean") - number(c.second, "mean");
    return c;
}

static void put_reasoning(struct gen_extract *x, const struct choice *c)
{
    char text[400];
    struct gen_str a = gen_json_get_str(c->best, "label");
    struct gen_str b = gen_json_get_str(c->second, "label");
    gen_extract_line_clear(&x->line);
    if (c->is_clear)
        (void)snprintf(
            text, sizeof(text),
            "%.*s has a mean rating of %.2f, %.*s of %.2f, and the difference is clear of "
            "chance. A judged sample without that difference would change this.",
            GEN_STR_ARG(a), number(c->best, "mean"), GEN_STR_ARG(b), number(c->second, "mean"));
    else
        (void)snprintf(text, sizeof(text),
                       "The mean ratings, %.2f and %.2f, lie within what chance can do. A larger "
                       "judged sample could tell the sets apart.",
                       number(c->best, "mean"), number(c->second, "mean"));
    gen_extract_put_c(&x->line, text);
}

static void put_alternative(struct gen_jb *b, struct gen_jmut *root, const struct choice *c)
{
    const char *what = "none";
    const char *why = "";
    if (!c->is_clear) {
        what = "merge_after_dedup";
        why = "Neither is better by its ratings, and together they are more rows.";
    } else if (number(c->second, "mean") >= 7) {
        what = "use_loser_for_missing_topics";
        why = "The weaker set is sound too; it can fill in what the better one does not cover.";
    } else if (number(c->best, "mean") < 4) {
        what = "regenerate";
        why = "The better set has a low mean rating as well.";
    } else {
        what = "take_best_rows_of_each";
        why = "The weaker set has rows over the mean of the better one, if it is curated first.";
    }
    gen_jb_put_cstr(b, root, "alternative", what);
    gen_jb_put_cstr(b, root, "alternative_reason", why);
}

int gen_extract_choose_set(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                           struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, x->in->record, err);
    if (rc)
        return rc;
    const struct gen_json *sets = gen_json_get(gen_json_root(doc), "sets");
    if (gen_json_count(sets) < 2) {
        gen_json_doc_free(doc);
        return gen_fail(err, GEN_ESTATE, "a choice needs two sets");
    }
    struct choice c = choose(sets);
    put_reasoning(x, &c);
    gen_jb_put_str(b, root, "reasoning", gen_extract_line_str(&x->line));
    gen_jb_put_str(b, root, "winner",
                   c.is_clear ? gen_json_get_str(c.best, "label") : GEN_STR("tie"));
    put_alternative(b, root, &c);
    gen_json_doc_free(doc);
    return GEN_OK;
}
