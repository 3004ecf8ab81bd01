/* The report of a comparison as JSON. */
#include "cli/compare.h"
#include "cli/say.h"

#include "base/utf8.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void put_maybe(struct gen_jb *b, struct gen_jmut *o, const char *key, double value)
{
    if (value < 0)
        gen_jb_put(b, o, key, gen_jb_null(b));
    else
        gen_jb_put_real(b, o, key, (double)(int64_t)(value * 1e4 + 0.5) / 1e4);
}

static double rounded(double value)
{
    double scaled = value * 1e4;
    return (double)(int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5) / 1e4;
}

static struct gen_jmut *interval(struct gen_jb *b, const struct gen_compare_interval *i)
{
    struct gen_jmut *a = gen_jb_array(b);
    gen_jb_append(b, a, gen_jb_real(b, rounded(i->low)));
    gen_jb_append(b, a, gen_jb_real(b, rounded(i->high)));
    return a;
}

/* Means of the judge's criteria over the set's sample. */
static struct gen_jmut *criteria(struct gen_jb *b, const struct gen_comparison *c, size_t set)
{
    static const char *const names[] = {"clarity", "accuracy", "usefulness", "difficulty"};
    double sums[4] = {0};
    size_t n = 0;
    for (size_t i = 0; i < c->n_picks; i++) {
        struct gen_json_doc *doc = NULL;
        if (c->picks[i].draw.set != set || !c->picks[i].rated ||
            gen_json_parse(&doc, gen_str_from(c->picks[i].rated), NULL) != GEN_OK)
            continue;
        for (size_t k = 0; k < 4; k++) {
            double value = 0;
            (void)gen_json_as_real(gen_json_get(gen_json_root(doc), names[k]), &value);
            sums[k] += value;
        }
        n++;
        gen_json_doc_free(doc);
    }
    struct gen_jmut *o = gen_jb_object(b);
    for (size_t k = 0; k < 4 && n; k++)
        gen_jb_put_real(b, o, names[k], rounded(sums[k] / (double)n));
    return o;
}

static struct gen_jmut *judged(struct gen_jb *b, const struct gen_comparison *c, size_t set)
{
    const struct gen_compare_quality *q = &c->table[set].quality;
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_int(b, o, "drawn", (int64_t)c->sets[set].n_drawn);
    gen_jb_put_int(b, o, "n", (int64_t)q->n);
    gen_jb_put(b, o, "mean", q->n ? gen_jb_real(b, rounded(q->mean)) : gen_jb_null(b));
    gen_jb_put(b, o, "interval", q->n ? interval(b, &q->interval) : gen_jb_null(b));
    gen_jb_put(b, o, "criteria", criteria(b, c, set));
    gen_jb_put_int(b, o, "without_source", (int64_t)c->sets[set].n_without_source);
    return o;
}

static void copy_keys(struct gen_jb *b, struct gen_jmut *to, const struct gen_json *from,
                      const char *const *keys)
{
    for (; *keys; keys++) {
        const struct gen_json *v = gen_json_get(from, *keys);
        if (v)
            gen_jb_put(b, to, *keys, gen_jb_copy(b, v));
    }
}

/* "p3" for the sample that the description calls so, or 0. */
static size_t number_in_description(const struct gen_compare_set *set, size_t pick)
{
    for (size_t i = 0; set->description && i < set->n_shown; i++) {
        if (set->shown[i] == pick)
            return i + 1;
    }
    return 0;
}

static struct gen_jmut *sample(struct gen_jb *b, const struct gen_comparison *c, size_t i)
{
    static const char *const of_record[] = {"chunk_id", "source", "question", "answer", NULL};
    static const char *const of_verdict[] = {
        "rating",     "clarity",        "accuracy",        "usefulness",
        "difficulty", "topic_relevant", "rating_evidence", "rated_without_source",
        NULL};
    const struct gen_compare_pick *p = &c->picks[i];
    struct gen_json_doc *doc = NULL;
    struct gen_jmut *o = gen_jb_object(b);
    size_t number = number_in_description(&c->sets[p->draw.set], i);
    char id[24];
    if (number) {
        (void)snprintf(id, sizeof(id), "p%zu", number);
        gen_jb_put_cstr(b, o, "id", id);
    }
    gen_jb_put_int(b, o, "row", (int64_t)p->draw.row);
    gen_jb_put(b, o, "pair",
               p->draw.pair == GEN_COMPARE_UNPAIRED ? gen_jb_null(b)
                                                    : gen_jb_int(b, (int64_t)p->draw.pair + 1));
    if (gen_json_parse(&doc, gen_str_from(p->rated ? p->rated : p->record), NULL) == GEN_OK) {
        const struct gen_json *record = gen_json_root(doc);
        copy_keys(b, o, record, of_record);
        if (p->rated) {
            copy_keys(b, o, record, of_verdict);
            gen_jb_put_str(b, o, "weakest_point", gen_json_get_str(record, "reasoning"));
        } else {
            gen_jb_put(b, o, "rating", gen_jb_null(b));
        }
    }
    gen_json_doc_free(doc);
    return o;
}

static void put_description(struct gen_jb *b, struct gen_jmut *o, const struct gen_compare_set *set)
{
    static const char *const keys[] = {"strengths", "weaknesses", "most_frequent_fault", NULL};
    static const char *const of_model[] = {"score", "score_inconsistent", "observations_dropped",
                                           NULL};
    struct gen_json_doc *doc = NULL;
    if (set->description && gen_json_parse(&doc, gen_str_from(set->description), NULL) == GEN_OK) {
        struct gen_jmut *model = gen_jb_object(b);
        copy_keys(b, o, gen_json_root(doc), keys);
        copy_keys(b, model, gen_json_root(doc), of_model);
        gen_jb_put(b, o, "model_score", model);
        gen_json_doc_free(doc);
        return;
    }
    for (size_t i = 0; keys[i]; i++)
        gen_jb_put(b, o, keys[i], gen_jb_null(b));
}

/* Names of files are bytes; the report is UTF-8. */
static void put_path(struct gen_jb *b, struct gen_jmut *o, const char *path)
{
    struct gen_buf clean = gen_buf_make(GEN_BUF_UNLIMITED);
    if (gen_utf8_clean(&clean, gen_str_from(path), NULL, NULL) == GEN_OK)
        gen_jb_put_str(b, o, "path", gen_buf_str(&clean));
    gen_buf_release(&clean);
}

static struct gen_jmut *dataset(struct gen_jb *b, const struct gen_comparison *c, size_t s)
{
    const struct gen_compare_set *set = &c->sets[s];
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *same = gen_jb_object(b);
    struct gen_jmut *samples = gen_jb_array(b);
    gen_jb_put_cstr(b, o, "name", set->name);
    put_path(b, o, set->path);
    gen_jb_put(b, o, "metrics", gen_metrics_write(set->figures, b));
    gen_jb_put_int(b, same, "questions", (int64_t)set->questions.n_rows);
    put_maybe(b, same, "distinct_2", set->questions.distinct[1]);
    put_maybe(b, same, "distinct_3", set->questions.distinct[2]);
    put_maybe(b, same, "compression_ratio", set->questions.compression);
    gen_jb_put(b, o, "diversity_at_equal_size", same);
    gen_jb_put(b, o, "judged", judged(b, c, s));
    put_description(b, o, set);
    for (size_t i = 0; i < c->n_picks; i++) {
        if (c->picks[i].draw.set == s)
            gen_jb_append(b, samples, sample(b, c, i));
    }
    gen_jb_put(b, o, "samples", samples);
    return o;
}

static size_t choice_of(const struct gen_comparison *c, size_t k)
{
    struct gen_json_doc *doc = NULL;
    size_t set = SIZE_MAX;
    if (c->choices[k] && gen_json_parse(&doc, gen_str_from(c->choices[k]), NULL) == GEN_OK)
        set = gen_qa_compare_chosen(gen_json_root(doc), c->orders[k], c->n_sets);
    gen_json_doc_free(doc);
    return set;
}

size_t gen_compare_model_choice(const struct gen_comparison *c, bool *consistent)
{
    size_t a = choice_of(c, 0);
    size_t b = choice_of(c, 1);
    *consistent = a == b && a != SIZE_MAX;
    return *consistent ? a : SIZE_MAX;
}

static struct gen_jmut *set_name(struct gen_jb *b, const struct gen_comparison *c, size_t set)
{
    if (set == SIZE_MAX)
        return gen_jb_null(b);
    return gen_jb_str(b, set == c->n_sets ? GEN_STR("tie") : gen_str_from(c->sets[set].name));
}

/* The model's words, with the sets that its labels stand for. */
static struct gen_jmut *model_words(struct gen_jb *b, const struct gen_comparison *c)
{
    static const char *const keys[] = {"reasoning", "alternative", "alternative_reason",
                                       "figures_not_in_table", NULL};
    struct gen_jmut *list = gen_jb_array(b);
    for (size_t k = 0; k < 2; k++) {
        struct gen_json_doc *doc = NULL;
        if (!c->choices[k] || gen_json_parse(&doc, gen_str_from(c->choices[k]), NULL) != GEN_OK)
            continue;
        struct gen_jmut *o = gen_jb_object(b);
        struct gen_jmut *labels = gen_jb_object(b);
        for (size_t i = 0; i < c->n_sets; i++)
            gen_jb_put_n(b, labels, GEN_COMPARE_LABEL(i),
                         gen_jb_str(b, gen_str_from(c->sets[c->orders[k][i]].name)));
        gen_jb_put(b, o, "labels", labels);
        gen_jb_put(b, o, "winner", set_name(b, c, choice_of(c, k)));
        copy_keys(b, o, gen_json_root(doc), keys);
        gen_jb_append(b, list, o);
        gen_json_doc_free(doc);
    }
    return list;
}

static struct gen_jmut *merge(struct gen_jb *b, const struct gen_comparison *c)
{
    const struct gen_compare_merge *m = &c->merge;
    if (!m->is_known)
        return gen_jb_null(b);
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *from = gen_jb_object(b);
    gen_jb_put_bool(b, o, "suggested", m->is_suggested);
    gen_jb_put_cstr(b, o, "why", m->why);
    gen_jb_put_cstr(b, o, "base", c->sets[m->base].name);
    gen_jb_put_int(b, o, "rows_before", (int64_t)m->n_all);
    gen_jb_put_int(b, o, "rows", (int64_t)m->n_rows);
    gen_jb_put_int(b, o, "exact_duplicates", (int64_t)m->n_exact);
    gen_jb_put_int(b, o, "near_duplicates", (int64_t)m->n_near);
    for (size_t s = 0; s < c->n_sets; s++)
        gen_jb_put_int(b, from, c->sets[s].name, (int64_t)m->n_kept[s]);
    gen_jb_put(b, o, "rows_from", from);
    gen_jb_put_int(b, o, "chunks_only_in_others", (int64_t)m->n_chunks_more);
    gen_jb_put_int(b, o, "sources_only_in_others", (int64_t)m->n_sources_more);
    put_maybe(b, o, "expected_mean", m->expected_mean);
    return o;
}

/* The alternative of the first choice that there is; without a model, the program's own. */
static void put_alternative(struct gen_jb *b, struct gen_jmut *o, const struct gen_comparison *c)
{
    for (size_t k = 0; k < 2; k++) {
        struct gen_json_doc *doc = NULL;
        if (!c->choices[k] || gen_json_parse(&doc, gen_str_from(c->choices[k]), NULL) != GEN_OK)
            continue;
        static const char *const keys[] = {"alternative", "alternative_reason", NULL};
        copy_keys(b, o, gen_json_root(doc), keys);
        gen_json_doc_free(doc);
        return;
    }
    bool merges = c->merge.is_known && c->merge.is_suggested;
    gen_jb_put_cstr(b, o, "alternative", merges ? "merge_after_dedup" : "none");
    gen_jb_put_cstr(b, o, "alternative_reason", merges ? c->merge.why : "");
}

static struct gen_jmut *decision(struct gen_jb *b, const struct gen_comparison *c)
{
    struct gen_jmut *o = gen_jb_object(b);
    bool consistent = false;
    size_t model = gen_compare_model_choice(c, &consistent);
    bool asked = c->choices[0] || c->choices[1];
    gen_jb_put(b, o, "winner", set_name(b, c, c->decision.winner));
    gen_jb_put_cstr(b, o, "by", gen_compare_rule_name(c->decision.by));
    gen_jb_put_cstr(b, o, "why", c->decision.why);
    gen_jb_put(b, o, "leans_to", set_name(b, c, c->decision.leans_to));
    gen_jb_put(b, o, "model_choice",
               asked && !consistent ? gen_jb_str(b, GEN_STR("inconsistent"))
                                    : set_name(b, c, model));
    gen_jb_put(b, o, "consistent", asked ? gen_jb_bool(b, consistent) : gen_jb_null(b));
    gen_jb_put(b, o, "model_words", model_words(b, c));
    put_alternative(b, o, c);
    gen_jb_put(b, o, "merge", merge(b, c));
    return o;
}

static void put_time(struct gen_jb *b, struct gen_jmut *o)
{
    char text[32] = "";
    struct tm tm;
    time_t now = (time_t)(gen_time_unix_us() / 1000000);
    if (gmtime_r(&now, &tm))
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    gen_jb_put_cstr(b, o, "compared_at", text);
}

int gen_compare_write_report(const struct gen_comparison *c, const char *path,
                             struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *sets = gen_jb_array(b);
    put_time(b, o);
    gen_jb_put_cstr(b, o, "generator", GEN_VERSION);
    gen_jb_put_int(b, o, "seed", (int64_t)c->seed);
    gen_jb_put_int(b, o, "sample_size", (int64_t)c->sample_size);
    gen_jb_put_cstr(b, o, "end", c->end);
    for (size_t s = 0; s < c->n_sets; s++)
        gen_jb_append(b, sets, dataset(b, c, s));
    gen_jb_put(b, o, "datasets", sets);
    gen_jb_put(b, o, "decision", decision(b, c));
    rc = gen_say_json_file(b, o, path, err);
    gen_jb_free(b);
    return rc;
}
