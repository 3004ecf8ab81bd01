/* stats: the tables. */
#include "base/utf8.h"
#include "cli/cmd_stats.h"
#include "ui/ui.h"

#include <inttypes.h>
#include <stdio.h>

#define COLUMNS   79
#define LABEL     24 /* columns before the figures */
#define FIGURE    9  /* columns of a figure */
#define NAMES_MAX 5U
#define BAR       40.0

/* `rc` is that of the first failure, after which nothing is added. */
struct page {
    struct gen_buf *out;
    struct gen_error *err;
    int rc;
};

#define PUT(page, ...)                                                                             \
    do {                                                                                           \
        if ((page)->rc == GEN_OK)                                                                  \
            (page)->rc = gen_buf_printf((page)->out, (page)->err, __VA_ARGS__);                    \
    } while (0)

static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029 ||
           (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

enum cut { CUT_END, CUT_START };

/* A name out of the data, in `width` columns; what a terminal would obey shows as '?'. */
static void put_name(struct page *p, const char *name, size_t width, enum cut cut)
{
    struct gen_str rest = gen_str_from(name);
    bool fits = gen_utf8_width(rest) <= width;
    size_t room = fits ? width : width - 3;
    size_t used = fits ? 0 : 3;
    uint32_t cp = 0;
    while (cut == CUT_START && rest.n && gen_utf8_width(rest) > room)
        rest = gen_str_sub(rest, gen_utf8_next(rest, &cp), rest.n);
    if (!fits && cut == CUT_START)
        PUT(p, "...");
    while (rest.n && p->rc == GEN_OK) {
        size_t n = gen_utf8_next(rest, &cp);
        struct gen_str shown = is_control(cp) ? GEN_STR("?") : gen_str_sub(rest, 0, n);
        size_t columns = gen_utf8_width(shown);
        if (n == 0 || used + columns > width)
            break;
        p->rc = gen_buf_add_str(p->out, shown, p->err);
        used += columns;
        rest = gen_str_sub(rest, n, rest.n);
    }
    if (!fits && cut == CUT_END)
        PUT(p, "...");
    PUT(p, "%*s", (int)(used < width ? width - used : 0), "");
}

static void put_wrapped(struct page *p, const char *first, const char *text)
{
    size_t indent = strlen(first);
    size_t width = indent;
    struct gen_str rest = gen_str_from(text);
    PUT(p, "%s", first);
    while (rest.n) {
        size_t n = gen_str_find(rest, GEN_STR(" "), 0);
        n = n == SIZE_MAX ? rest.n : n;
        struct gen_str word = gen_str_sub(rest, 0, n);
        size_t columns = gen_utf8_width(word);
        if (width > indent && width + 1 + columns > COLUMNS) {
            PUT(p, "\n%*s", (int)indent, "");
            width = indent;
        } else if (width > indent) {
            PUT(p, " ");
            width++;
        }
        PUT(p, "%.*s", GEN_STR_ARG(word));
        width += columns;
        rest = gen_str_sub(rest, n + 1, rest.n);
    }
    PUT(p, "\n");
}

static const char *number(char out[32], uint64_t n)
{
    gen_ui_number(out, (int64_t)n);
    return out;
}

static void label(struct page *p, const char *text)
{
    PUT(p, "  %-*s", LABEL - 2, text);
}

static void count_row(struct page *p, const char *name, uint64_t n, const char *remark)
{
    char text[32];
    label(p, name);
    PUT(p, "%*s", FIGURE, number(text, n));
    PUT(p, remark ? "   %s\n" : "\n", remark);
}

/* hits, share, "of n rows". */
static void share_row(struct page *p, const char *name, const struct gen_metrics_share *s,
                      const char *remark)
{
    char hits[32];
    char n[32];
    if (s->n == 0)
        return;
    label(p, name);
    PUT(p, "%*s %*.1f %%   of %s%s\n", FIGURE, number(hits, s->hits), FIGURE - 2, s->share * 100.0,
        number(n, s->n), remark ? remark : "");
}

static void put_rows(struct page *p, const struct gen_metrics_result *r, const char *path)
{
    char n[32];
    const char *between = "read as ";
    put_name(p, path, gen_utf8_width(gen_str_from(path)), CUT_END);
    PUT(p, ": %s %s\n\nROWS\n", number(n, r->n_rows), r->n_rows == 1 ? "row" : "rows");
    label(p, "records");
    PUT(p, "%*s   ", FIGURE, number(n, r->n_records));
    for (size_t i = 0; i < GEN_N_SHAPES; i++) {
        if (r->shapes[i] == 0)
            continue;
        PUT(p, "%s%s", between, gen_metrics_shape_name((enum gen_metrics_shape)i));
        if (r->shapes[i] < r->n_records)
            PUT(p, " %s", number(n, r->shapes[i]));
        between = ", ";
    }
    PUT(p, "\n");
    count_row(p, "malformed", r->n_malformed, NULL);
    for (size_t i = 0; i < r->n_malformed_shown; i++) {
        char first[48];
        (void)snprintf(first, sizeof(first),
                       "    row %llu: ", (unsigned long long)r->malformed[i].row);
        put_wrapped(p, first, r->malformed[i].why);
    }
    if (r->n_malformed > r->n_malformed_shown)
        PUT(p, "    ... and %s more\n", number(n, r->n_malformed - r->n_malformed_shown));
    count_row(p, "tokens, estimated", r->tokens_estimated, "bytes of the texts / 4");
}

static void length_row(struct page *p, const char *name, const struct gen_metrics_lengths *s)
{
    const uint64_t figures[] = {s->min, s->p5, s->p50, s->p95, s->max};
    if (s->n == 0)
        return;
    label(p, name);
    PUT(p, "%*.1f", FIGURE, s->mean);
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        char text[32];
        PUT(p, "%*s", FIGURE, number(text, figures[i]));
    }
    PUT(p, "\n");
}

static void put_lengths(struct page *p, const struct gen_metrics_result *r)
{
    PUT(p, "\n%-*s%*s%*s%*s%*s%*s%*s\n", LABEL, "LENGTHS, IN WORDS", FIGURE, "mean", FIGURE, "min",
        FIGURE, "5 %", FIGURE, "median", FIGURE, "95 %", FIGURE, "max");
    length_row(p, "question", &r->question);
    length_row(p, "answer", &r->answer);
    length_row(p, "reasoning", &r->reasoning);
    share_row(p, "answers below 5 words", &r->short_answers, NULL);
}

static void put_duplicates(struct page *p, const struct gen_metrics_result *r)
{
    const struct gen_metrics_duplicates *d = &r->duplicates;
    const char *estimate = d->is_estimate ? ", a part of the texts" : NULL;
    PUT(p, "\n%-*s%*s %*s\n", LABEL, "DUPLICATES", FIGURE, "rows", FIGURE, "share");
    share_row(p, "equal questions", &d->question, estimate);
    share_row(p, "equal answers", &d->answer, estimate);
    share_row(p, "near-equal questions", &d->near, d->near_is_sample ? ", a sample" : NULL);
    if (d->near_is_sample)
        put_wrapped(p, "  ",
                    "Questions that are alike are in the sample together, mostly: some pairs are "
                    "missed. 'generator dedup' compares all rows.");
}

enum form { FORM_NUMBER, FORM_PERCENT };

static void pair_row(struct page *p, const char *name, enum form form, double question,
                     double answer, const struct gen_metrics_result *r, const char *remark)
{
    const double figures[] = {question, answer};
    const uint64_t n[] = {r->question_diversity.n_rows, r->answer_diversity.n_rows};
    label(p, name);
    for (size_t i = 0; i < 2; i++) {
        if (n[i] == 0)
            PUT(p, "%*s", FIGURE + 2, "-");
        else if (form == FORM_PERCENT)
            PUT(p, "%*.1f %%", FIGURE, figures[i] * 100.0);
        else
            PUT(p, "%*.3f", FIGURE + 2, figures[i]);
    }
    PUT(p, remark ? "   %s\n" : "\n", remark);
}

static void put_diversity(struct page *p, const struct gen_metrics_result *r)
{
    const struct gen_metrics_diversity *q = &r->question_diversity;
    const struct gen_metrics_diversity *a = &r->answer_diversity;
    char n[32];
    char bleu[64];
    uint64_t n_bleu = a->n_bleu_rows > q->n_bleu_rows ? a->n_bleu_rows : q->n_bleu_rows;
    (void)snprintf(bleu, sizeof(bleu), "of %s rows", number(n, n_bleu));
    PUT(p, "\n%-*s%*s%*s   ", LABEL, "DIVERSITY", FIGURE + 2, "questions", FIGURE + 2, "answers");
    if (r->sample_rows < r->n_records)
        PUT(p, "sample of %s rows\n", number(n, r->sample_rows));
    else
        PUT(p, "all rows\n");
    for (size_t i = 0; i < 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "distinct-%zu", i + 1);
        pair_row(p, name, FORM_NUMBER, q->distinct[i], a->distinct[i], r, NULL);
    }
    pair_row(p, "self-repetition", FORM_PERCENT, q->self_repetition.share, a->self_repetition.share,
             r, "4 words in a row as in another");
    if (n_bleu > 1)
        pair_row(p, "self-BLEU", FORM_NUMBER, q->self_bleu, a->self_bleu, r, bleu);
    pair_row(p, "compression ratio", FORM_NUMBER, q->compression, a->compression, r, NULL);
}

static void put_first_names(struct page *p, const char *title, const struct gen_metrics_names *s,
                            enum cut cut, size_t n_max)
{
    char n[32];
    if (s->n == 0)
        return;
    PUT(p, "\n%s: %s%s different", title, s->is_partial ? "more than " : "",
        number(n, s->n_distinct));
    if (s->n_distinct > 1)
        PUT(p, ", evenness %.2f", s->evenness);
    PUT(p, "\n");
    for (size_t i = 0; i < s->n_top && i < n_max; i++) {
        PUT(p, "  ");
        put_name(p, s->top[i].name, 42, cut);
        PUT(p, " %*s %*.1f %%\n", FIGURE, number(n, s->top[i].count), FIGURE - 2,
            s->top[i].share * 100.0);
    }
}

static void put_names(struct page *p, const char *title, const struct gen_metrics_names *s,
                      enum cut cut)
{
    put_first_names(p, title, s, cut, NAMES_MAX);
}

static void put_grounding(struct page *p, const struct gen_metrics_result *r, const char *note)
{
    const struct gen_metrics_grounding *g = &r->grounding;
    const char *sample = r->checks_are_sample ? ", a sample" : NULL;
    char n[32];
    if (!g->n && !note && !r->context_references.n && !r->refusals.n)
        return;
    PUT(p, "\nGROUNDING\n");
    if (g->n) {
        label(p, "literals in the source");
        PUT(p, "%*.1f %%   mean of %s rows%s\n", FIGURE, g->mean * 100.0, number(n, g->n),
            g->is_sample ? ", a sample" : "");
        label(p, "rows with all of them");
        PUT(p, "%*.1f %%\n", FIGURE, g->all_share * 100.0);
        label(p, "less than half of them");
        PUT(p, "%*.1f %%\n", FIGURE, g->low_share * 100.0);
        if (g->n_from_source)
            count_row(p, "measured", g->n_from_source, "against their source chunks");
        if (g->n_from_record)
            count_row(p, "taken from the records", g->n_from_record, "as their makers measured");
    }
    if (note)
        put_wrapped(p, "  ", note);
    share_row(p, "point at a passage", &r->context_references, sample);
    share_row(p, "refuse to answer", &r->refusals, sample);
}

static void score_row(struct page *p, const struct gen_metrics_scores *s)
{
    char n[32];
    if (s->n == 0)
        return;
    label(p, s->name);
    PUT(p, "%*.2f%*g%*g%*g%*.1f %%%*s\n", FIGURE, s->mean, FIGURE, s->min, FIGURE, s->max, FIGURE,
        s->mode, FIGURE - 2, s->mode_share * 100.0, FIGURE, number(n, s->n));
}

static void put_ratings(struct page *p, const struct gen_metrics_result *r)
{
    const struct gen_metrics_scores *s = &r->rating;
    uint64_t most = 0;
    if (s->n == 0 && s->n_outside == 0)
        return;
    PUT(p, "\n%-*s%*s%*s%*s%*s%*s%*s\n", LABEL, "RATINGS", FIGURE, "mean", FIGURE, "min", FIGURE,
        "max", FIGURE, "most", FIGURE, "share", FIGURE, "rows");
    score_row(p, s);
    for (size_t i = 0; i < GEN_METRICS_CRITERIA; i++)
        score_row(p, &r->criteria[i]);
    if (s->n_outside)
        count_row(p, "not from 0 to 10", s->n_outside, NULL);
    share_row(p, "on topic", &r->topic_relevant, NULL);
    if (r->n_correlated) {
        label(p, "with answer length");
        PUT(p, "%*.2f   correlation\n", FIGURE, r->rating_length_correlation);
    }
    for (size_t i = 0; i < GEN_METRICS_SCALE; i++)
        most = s->histogram[i] > most ? s->histogram[i] : most;
    for (size_t i = (size_t)s->min; most && i < GEN_METRICS_SCALE; i++) {
        char n[32];
        int bar = (int)(BAR * (double)s->histogram[i] / (double)most + 0.5);
        if (bar == 0 && s->histogram[i])
            bar = 1;
        PUT(p, "  %19zu %*s%s%.*s\n", i, FIGURE + 1, number(n, s->histogram[i]), bar ? "  " : "",
            bar, "########################################");
    }
}

static void put_sources(struct page *p, const struct gen_metrics_result *r)
{
    if (r->n_with_chunk) {
        PUT(p, "\nSOURCES\n");
        count_row(p, "chunks", r->n_chunks, r->n_chunks_is_estimate ? "estimated" : NULL);
        label(p, "rows of a chunk");
        PUT(p, "%*.1f   mean\n", FIGURE, r->rows_per_chunk);
    }
    put_names(p, "SOURCE FILES", &r->sources, CUT_START);
    put_names(p, "TOPICS", &r->topics, CUT_END);
    /* Of tool records they are the categories, which stand below. */
    if (r->tools.n_rows < r->n_records)
        put_names(p, "KINDS", &r->kinds, CUT_END);
}

static void put_tools(struct page *p, const struct gen_metrics_tools *t)
{
    if (!t->n_rows)
        return;
    PUT(p, "\nTOOLS\n");
    count_row(p, "examples", t->n_rows, NULL);
    count_row(p, "calls", t->n_calls, NULL);
    share_row(p, "calls fit their tools", &t->valid, NULL);
    share_row(p, "references resolved", &t->references, NULL);
    share_row(p, "executed", &t->executed, NULL);
    if (t->simulated.hits)
        share_row(p, "simulated", &t->simulated, NULL);
    share_row(p, "failed calls", &t->failed, NULL);
    share_row(p, "cut observations", &t->truncated, NULL);
    if (t->steps.n) {
        label(p, "calls of an example");
        PUT(p, "%*.1f   mean, at most %" PRIu64 "\n", FIGURE, t->steps.mean, t->steps.max);
    }
    put_first_names(p, "CATEGORIES", &t->categories, CUT_END, GEN_METRICS_TOP);
    put_first_names(p, "TOOLS CALLED", &t->called, CUT_END, GEN_METRICS_TOP);
}

int gen_stats_text(const struct gen_metrics_result *r, const struct gen_gates *gates,
                   const char *path, const char *note, struct gen_buf *out, struct gen_error *err)
{
    struct page p = {out, err, GEN_OK};
    put_rows(&p, r, path);
    put_lengths(&p, r);
    put_duplicates(&p, r);
    put_diversity(&p, r);
    put_names(&p, "OPENINGS", &r->openings, CUT_END);
    put_names(&p, "FIRST WORDS", &r->question_types, CUT_END);
    put_grounding(&p, r, note);
    put_ratings(&p, r);
    put_sources(&p, r);
    put_tools(&p, &r->tools);
    if (gates->n == 0)
        PUT(&p, "\nNo figure crosses its limit.\n");
    else
        PUT(&p, "\nWARNINGS\n");
    for (size_t i = 0; i < gates->n; i++)
        put_wrapped(&p, "  ! ", gates->crossed[i].sentence);
    return p.rc;
}
