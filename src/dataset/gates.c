#include "dataset/gates.h"

#include <math.h>
#include <stdio.h>

#define ROWS_MIN 20U

/* `measure` is false when there is nothing to judge; `say` is asked once the limit is crossed. */
struct gate {
    const char *name;
    double limit;
    bool at_limit; /* the limit itself is too much */
    bool (*measure)(const struct gen_metrics_result *r, double *out);
    void (*say)(const struct gen_metrics_result *r, const struct gen_gate *g, char *out, size_t n);
};

static bool share(const struct gen_metrics_share *s, uint64_t n_min, double *out)
{
    *out = s->share;
    return s->n >= n_min;
}

static bool malformed(const struct gen_metrics_result *r, double *out)
{
    *out = r->n_rows ? (double)r->n_malformed / (double)r->n_rows : 0.0;
    return r->n_rows > 0;
}

static void say_malformed(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                          size_t n)
{
    (void)snprintf(out, n,
                   "%llu of %llu rows (%.2f %%) cannot be used (limit 0): they are in no figure, "
                   "and no trainer takes them; correct or remove them",
                   (unsigned long long)r->n_malformed, (unsigned long long)r->n_rows,
                   g->measured * 100.0);
}

static bool exact_question(const struct gen_metrics_result *r, double *out)
{
    return share(&r->duplicates.question, 1, out);
}

static void say_exact(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                      size_t n)
{
    (void)snprintf(out, n,
                   "%.1f %% of the questions (%llu) repeat an earlier one word for word (limit 0): "
                   "the model learns them by heart; remove them with 'generator dedup'",
                   g->measured * 100.0, (unsigned long long)r->duplicates.question.hits);
}

static bool near_question(const struct gen_metrics_result *r, double *out)
{
    return share(&r->duplicates.near, ROWS_MIN, out);
}

static void say_near(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                     size_t n)
{
    (void)snprintf(out, n,
                   "%.1f %% of the questions%s nearly repeat another one (limit %.0f %%): they "
                   "weigh more than they teach; remove them with 'generator dedup'",
                   g->measured * 100.0, r->duplicates.near_is_sample ? " of a sample" : "",
                   g->limit * 100.0);
}

static bool question_compression(const struct gen_metrics_result *r, double *out)
{
    *out = r->question_diversity.compression;
    return r->question_diversity.n_rows >= ROWS_MIN;
}

static bool answer_compression(const struct gen_metrics_result *r, double *out)
{
    *out = r->answer_diversity.compression;
    return r->answer_diversity.n_rows >= ROWS_MIN;
}

static void say_compression(const char *what, const struct gen_metrics_result *r,
                            const struct gen_gate *g, char *out, size_t n)
{
    bool is_of_tools = r->tools.n_rows && r->tools.n_rows == r->n_records;
    (void)snprintf(out, n,
                   "the %s compress to a %.1fth (limit %.1f): they repeat the same phrases; use a "
                   "higher temperature, other prompts or more varied %s",
                   what, g->measured, g->limit,
                   is_of_tools ? "tools and values" : "sources, and fewer pairs of a chunk");
}

static void say_question_compression(const struct gen_metrics_result *r, const struct gen_gate *g,
                                     char *out, size_t n)
{
    say_compression("questions", r, g, out, n);
}

static void say_answer_compression(const struct gen_metrics_result *r, const struct gen_gate *g,
                                   char *out, size_t n)
{
    say_compression("answers", r, g, out, n);
}

static bool opening(const struct gen_metrics_result *r, double *out)
{
    *out = r->openings.n_top ? r->openings.top[0].share : 0.0;
    return r->openings.n >= ROWS_MIN;
}

static void say_opening(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                        size_t n)
{
    (void)snprintf(out, n,
                   "%.1f %% of the questions begin with \"%s\" (limit %.0f %%): they are of one "
                   "kind; ask for several kinds of questions in the prompt, or thin them out",
                   g->measured * 100.0, r->openings.top[0].name, g->limit * 100.0);
}

static bool short_answers(const struct gen_metrics_result *r, double *out)
{
    return share(&r->short_answers, ROWS_MIN, out);
}

static void say_short(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                      size_t n)
{
    (void)r;
    (void)snprintf(out, n,
                   "%.1f %% of the answers have fewer than 5 words (limit %.0f %%): the model "
                   "learns to answer curtly; 'generator enrich' makes them fuller",
                   g->measured * 100.0, g->limit * 100.0);
}

static bool contexts(const struct gen_metrics_result *r, double *out)
{
    return share(&r->context_references, ROWS_MIN, out);
}

static void say_contexts(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                         size_t n)
{
    (void)r;
    (void)snprintf(out, n,
                   "%.1f %% of the questions point at a text that their reader does not have, such "
                   "as \"the passage\" (limit %.0f %%): they cannot be answered alone; remove them "
                   "with 'generator curate'",
                   g->measured * 100.0, g->limit * 100.0);
}

static bool refusals(const struct gen_metrics_result *r, double *out)
{
    return share(&r->refusals, ROWS_MIN, out);
}

static void say_refusals(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                         size_t n)
{
    (void)r;
    (void)snprintf(out, n,
                   "%.1f %% of the answers refuse or say that it is not stated (limit %.0f %%): "
                   "the model learns to refuse; remove them with 'generator curate'",
                   g->measured * 100.0, g->limit * 100.0);
}

static bool grounding(const struct gen_metrics_result *r, double *out)
{
    *out = r->grounding.low_share;
    return r->grounding.n >= ROWS_MIN;
}

static void say_grounding(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                          size_t n)
{
    (void)r;
    (void)snprintf(out, n,
                   "in %.1f %% of the rows less than half of the answer's numbers, names and "
                   "quotations are in its source (limit %.0f %%): they may be invented; 'generator "
                   "curate --min-grounding 0.5' removes these rows",
                   g->measured * 100.0, g->limit * 100.0);
}

static bool rating(const struct gen_metrics_result *r, double *out)
{
    *out = r->rating.mode_share;
    return r->rating.n >= ROWS_MIN;
}

static void say_rating(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                       size_t n)
{
    (void)snprintf(out, n,
                   "%.1f %% of the ratings are %g (limit %.0f %%): the judge may not discriminate; "
                   "try another judge model or a higher threshold",
                   g->measured * 100.0, r->rating.mode, g->limit * 100.0);
}

static bool correlation(const struct gen_metrics_result *r, double *out)
{
    *out = fabs(r->rating_length_correlation);
    return r->n_correlated >= ROWS_MIN;
}

static void say_correlation(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                            size_t n)
{
    (void)snprintf(out, n,
                   "rating and length of the answer go together with r = %.2f (limit %.1f): the "
                   "judge may reward %s instead of quality; look at some rows, or try another "
                   "judge model",
                   r->rating_length_correlation, g->limit,
                   r->rating_length_correlation > 0.0 ? "length" : "brevity");
}

static bool outside(const struct gen_metrics_result *r, double *out)
{
    uint64_t n = r->rating.n + r->rating.n_outside;
    *out = n ? (double)r->rating.n_outside / (double)n : 0.0;
    return n > 0;
}

static void say_outside(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                        size_t n)
{
    (void)snprintf(out, n,
                   "%.1f %% of the ratings (%llu) are not from 0 to 10 (limit 0): they are in no "
                   "figure; the judge used another scale",
                   g->measured * 100.0, (unsigned long long)r->rating.n_outside);
}

static bool invalid_calls(const struct gen_metrics_result *r, double *out)
{
    *out = 1.0 - r->tools.valid.share;
    return r->tools.valid.n > 0;
}

static void say_invalid(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                        size_t n)
{
    (void)snprintf(out, n,
                   "%.1f %% of the tool records (%llu) call tools that are not offered, or with "
                   "arguments that these do not take (limit 0): remove them with 'generator "
                   "tool-curate'",
                   g->measured * 100.0,
                   (unsigned long long)(r->tools.valid.n - r->tools.valid.hits));
}

static bool open_references(const struct gen_metrics_result *r, double *out)
{
    *out = 1.0 - r->tools.references.share;
    return r->tools.references.n > 0;
}

static void say_references(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                           size_t n)
{
    (void)snprintf(out, n,
                   "%.1f %% of the tool records (%llu) still refer to results where values belong "
                   "(limit 0): put them there with 'generator tool-execute'",
                   g->measured * 100.0,
                   (unsigned long long)(r->tools.references.n - r->tools.references.hits));
}

static bool tool_balance(const struct gen_metrics_result *r, double *out)
{
    *out = 1.0 - r->tools.called.evenness;
    return r->tools.called.n >= ROWS_MIN && r->tools.called.n_distinct > 1;
}

static void say_balance(const struct gen_metrics_result *r, const struct gen_gate *g, char *out,
                        size_t n)
{
    (void)snprintf(
        out, n,
        "the calls are spread over the tools with an entropy of %.2f of 1 (at least %.1f): "
        "\"%s\" has %.1f %% of them; ask for more examples of the others",
        1.0 - g->measured, 1.0 - g->limit, r->tools.called.top[0].name,
        r->tools.called.top[0].share * 100.0);
}

static const struct gate gates[] = {
    {"malformed_rows", 0.0, false, malformed, say_malformed},
    {"invalid_calls", 0.0, false, invalid_calls, say_invalid},
    {"open_references", 0.0, false, open_references, say_references},
    {"tool_balance", 0.1, false, tool_balance, say_balance},
    {"grounding", 0.01, false, grounding, say_grounding},
    {"rating_concentration", 0.40, false, rating, say_rating},
    {"rating_follows_length", 0.5, false, correlation, say_correlation},
    {"rating_scale", 0.0, false, outside, say_outside},
    {"exact_duplicates", 0.0, false, exact_question, say_exact},
    {"near_duplicates", 0.01, true, near_question, say_near},
    {"context_references", 0.01, true, contexts, say_contexts},
    {"refusals", 0.01, true, refusals, say_refusals},
    {"opening_concentration", 0.15, true, opening, say_opening},
    {"question_repetition", 4.5, false, question_compression, say_question_compression},
    {"answer_repetition", 4.5, false, answer_compression, say_answer_compression},
    {"short_answers", 0.05, false, short_answers, say_short},
};

void gen_gates_check(const struct gen_metrics_result *r, struct gen_gates *out)
{
    _Static_assert(sizeof(gates) / sizeof(gates[0]) <= GEN_GATES_MAX, "room for all gates");
    out->n = 0;
    for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
        const struct gate *gate = &gates[i];
        struct gen_gate *g = &out->crossed[out->n];
        double measured = 0.0;
        if (!gate->measure(r, &measured) ||
            !(gate->at_limit ? measured >= gate->limit : measured > gate->limit))
            continue;
        g->name = gate->name;
        g->measured = measured;
        g->limit = gate->limit;
        gate->say(r, g, g->sentence, sizeof(g->sentence));
        out->n++;
    }
}

struct gen_jmut *gen_gates_write(const struct gen_gates *g, struct gen_jb *b)
{
    struct gen_jmut *list = gen_jb_array(b);
    for (size_t i = 0; i < g->n; i++) {
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_cstr(b, row, "name", g->crossed[i].name);
        gen_jb_put_real(b, row, "measured", g->crossed[i].measured);
        gen_jb_put_real(b, row, "limit", g->crossed[i].limit);
        gen_jb_put_cstr(b, row, "sentence", g->crossed[i].sentence);
        gen_jb_append(b, list, row);
    }
    return list;
}
