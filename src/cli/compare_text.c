/* A comparison for people: sets as columns, figures as rows, the best of each marked. */
#include "cli/compare.h"

#include "base/utf8.h"

#include <stdio.h>

#define LABEL_COLUMNS 34
#define WIDTH_MIN     14
#define WIDTH_MAX     30
#define TABLE_COLUMNS 160 /* of a terminal that is wide; beyond it another part follows */
#define CELL_BYTES    80

enum better { NEITHER, MORE, LESS };

struct cell {
    char text[CELL_BYTES];
    double value; /* to be compared */
    bool known;
};

typedef struct cell cell_fn(const struct gen_comparison *c, size_t set);

static struct cell cell_of(double value, bool known, const char *format, double shown)
{
    struct cell out = {.value = value, .known = known};
    (void)snprintf(out.text, sizeof(out.text), "-");
    if (known) {
        char number[CELL_BYTES];
        (void)snprintf(number, sizeof(number), "%.*f%s", format[0] - '0', shown, format + 1);
        (void)snprintf(out.text, sizeof(out.text), "%s", number);
    }
    return out;
}

static struct cell count_of(uint64_t n)
{
    struct cell out = {.value = (double)n, .known = true};
    gen_ui_number(out.text, (int64_t)n);
    return out;
}

static struct cell share_of(const struct gen_metrics_share *s)
{
    return cell_of(s->share, s->n > 0, "1 %", s->share * 100);
}

static const struct gen_metrics_result *figures(const struct gen_comparison *c, size_t set)
{
    return c->sets[set].figures;
}

static struct cell rows(const struct gen_comparison *c, size_t set)
{
    return count_of(figures(c, set)->n_records);
}

static struct cell unreadable(const struct gen_comparison *c, size_t set)
{
    return count_of(figures(c, set)->n_malformed);
}

static struct cell mean(const struct gen_comparison *c, size_t set)
{
    const struct gen_compare_quality *q = &c->table[set].quality;
    struct cell out = {.value = q->mean, .known = q->n > 0};
    if (q->n)
        (void)snprintf(out.text, sizeof(out.text), "%.2f (%.2f-%.2f)", q->mean, q->interval.low,
                       q->interval.high);
    else
        (void)snprintf(out.text, sizeof(out.text), "-");
    return out;
}

static struct cell n_judged(const struct gen_comparison *c, size_t set)
{
    struct cell out = count_of(c->table[set].quality.n);
    char all[32];
    gen_ui_number(all, (int64_t)c->sets[set].n_drawn);
    if (c->table[set].quality.n != c->sets[set].n_drawn)
        (void)snprintf(out.text + strlen(out.text), sizeof(out.text) - strlen(out.text), " of %s",
                       all);
    return out;
}

static struct cell without_source(const struct gen_comparison *c, size_t set)
{
    return count_of(c->sets[set].n_without_source);
}

static struct cell own_rating(const struct gen_comparison *c, size_t set)
{
    const struct gen_metrics_scores *r = &figures(c, set)->rating;
    return cell_of(r->mean, r->n > 0, "2", r->mean);
}

static struct cell grounded(const struct gen_comparison *c, size_t set)
{
    const struct gen_metrics_grounding *g = &figures(c, set)->grounding;
    return cell_of(g->mean, g->n > 0, "1 %", g->mean * 100);
}

static struct cell exact(const struct gen_comparison *c, size_t set)
{
    return share_of(&figures(c, set)->duplicates.question);
}

static struct cell near(const struct gen_comparison *c, size_t set)
{
    return share_of(&figures(c, set)->duplicates.near);
}

static struct cell distinct(const struct gen_comparison *c, size_t set)
{
    const struct gen_metrics_diversity *d = &c->sets[set].questions;
    return cell_of(d->distinct[1], c->table[set].diversity >= 0, "2", d->distinct[1]);
}

static struct cell compression(const struct gen_comparison *c, size_t set)
{
    const struct gen_metrics_diversity *d = &c->sets[set].questions;
    return cell_of(d->compression, c->table[set].diversity >= 0, "1", d->compression);
}

static struct cell opening(const struct gen_comparison *c, size_t set)
{
    const struct gen_metrics_names *n = &figures(c, set)->openings;
    return cell_of(n->n_top ? n->top[0].share : 0, n->n_top > 0, "1 %",
                   n->n_top ? n->top[0].share * 100 : 0);
}

static struct cell types(const struct gen_comparison *c, size_t set)
{
    return count_of(figures(c, set)->question_types.n_distinct);
}

static struct cell references(const struct gen_comparison *c, size_t set)
{
    return share_of(&figures(c, set)->context_references);
}

static struct cell question_words(const struct gen_comparison *c, size_t set)
{
    return count_of(figures(c, set)->question.p50);
}

static struct cell answer_words(const struct gen_comparison *c, size_t set)
{
    return count_of(figures(c, set)->answer.p50);
}

static struct cell sources(const struct gen_comparison *c, size_t set)
{
    return count_of(figures(c, set)->sources.n_distinct);
}

static struct cell chunks(const struct gen_comparison *c, size_t set)
{
    return count_of(figures(c, set)->n_chunks);
}

static const struct {
    const char *label;
    cell_fn *cell;
    enum better better;
    bool judged_only;
    bool if_any; /* left out when it is 0 or unknown in all sets */
} lines[] = {
    {"rows", rows, MORE, false, false},
    {"rows that cannot be read", unreadable, LESS, false, true},
    {"judged, mean rating (95 %)", mean, MORE, true, false},
    {"  pairs judged", n_judged, NEITHER, true, false},
    {"  of them without a source", without_source, NEITHER, true, true},
    {"mean of the ratings in the rows", own_rating, NEITHER, false, true},
    {"answers' literals in the source", grounded, MORE, false, true},
    {"questions repeated exactly", exact, LESS, false, false},
    {"questions repeated nearly", near, LESS, false, false},
    {"distinct-2 of questions", distinct, MORE, false, false},
    {"compression ratio of questions", compression, LESS, false, false},
    {"most frequent opening", opening, LESS, false, false},
    {"kinds of question words", types, MORE, false, false},
    {"questions that name a document", references, LESS, false, false},
    {"words of a question, median", question_words, NEITHER, false, false},
    {"words of an answer, median", answer_words, NEITHER, false, false},
    {"sources", sources, MORE, false, true},
    {"chunks", chunks, MORE, false, true},
};

static int put_padded(struct gen_buf *out, const char *text, size_t columns, bool right,
                      struct gen_error *err)
{
    size_t width = gen_utf8_width(gen_str_from(text));
    size_t pad = width < columns ? columns - width : 0;
    int rc = right ? GEN_OK : gen_buf_add_c(out, text, err);
    for (size_t i = 0; i < pad && rc == GEN_OK; i++)
        rc = gen_buf_add_char(out, ' ', err);
    return rc == GEN_OK && right ? gen_buf_add_c(out, text, err) : rc;
}

/* A long name loses its beginning: names differ at the end. */
static void short_name(const char *name, char *out, size_t n)
{
    struct gen_str s = gen_str_from(name);
    if (gen_utf8_width(s) <= WIDTH_MAX) {
        (void)snprintf(out, n, "%s", name);
        return;
    }
    size_t skip = 0;
    while (gen_utf8_width(gen_str_sub(s, skip, s.n)) > WIDTH_MAX - 3) {
        uint32_t ignored = 0;
        skip += gen_utf8_next(gen_str_sub(s, skip, s.n), &ignored);
    }
    (void)snprintf(out, n, "...%s", name + skip);
}

static size_t width_of(const char *name)
{
    size_t width = gen_utf8_width(gen_str_from(name)) + 2;
    return width < WIDTH_MIN + 6 ? WIDTH_MIN + 6 : width;
}

/* The best cell, when the others are worse; ties and unknown cells have none. */
static size_t best_of(const struct cell *cells, size_t n, enum better better)
{
    size_t best = SIZE_MAX;
    bool differs = false;
    for (size_t i = 0; i < n && better != NEITHER; i++) {
        if (!cells[i].known)
            return SIZE_MAX;
        differs = differs || cells[i].value != cells[0].value;
        if (best == SIZE_MAX || (better == MORE ? cells[i].value > cells[best].value
                                                : cells[i].value < cells[best].value))
            best = i;
    }
    return differs ? best : SIZE_MAX;
}

/* The sets that stand beside each other. */
struct part {
    size_t from, to;
};

/* As many as fit, and two at least. */
static struct part next_part(const struct gen_comparison *c, size_t from)
{
    size_t width = LABEL_COLUMNS;
    size_t s = from;
    while (s < c->n_sets) {
        char name[4 * WIDTH_MAX + 8];
        short_name(c->sets[s].name, name, sizeof(name));
        width += width_of(name);
        if (width > TABLE_COLUMNS && s >= from + 2)
            break;
        s++;
    }
    return (struct part){from, s};
}

static int put_line(const struct gen_comparison *c, size_t line, struct part p, struct gen_buf *out,
                    struct gen_error *err)
{
    struct cell cells[GEN_COMPARE_SETS_MAX];
    bool any = false;
    for (size_t s = 0; s < c->n_sets; s++) {
        cells[s] = lines[line].cell(c, s);
        any = any || (cells[s].known && cells[s].value != 0);
    }
    if ((lines[line].if_any && !any) || (lines[line].judged_only && c->n_picks == 0))
        return GEN_OK;
    size_t best = best_of(cells, c->n_sets, lines[line].better);
    int rc = put_padded(out, lines[line].label, LABEL_COLUMNS, false, err);
    for (size_t s = p.from; s < p.to && rc == GEN_OK; s++) {
        char name[4 * WIDTH_MAX + 8];
        short_name(c->sets[s].name, name, sizeof(name));
        rc = put_padded(out, cells[s].text, width_of(name) - 1, true, err);
        /* As good as the best is marked as well. */
        if (rc == GEN_OK)
            rc = gen_buf_add_char(
                out, best != SIZE_MAX && cells[s].value == cells[best].value ? '*' : ' ', err);
    }
    while (rc == GEN_OK && out->n && out->data[out->n - 1] == ' ')
        out->data[--out->n] = '\0';
    return rc ? rc : gen_buf_add_char(out, '\n', err);
}

static int put_names(const struct gen_comparison *c, struct part p, struct gen_buf *out,
                     struct gen_error *err)
{
    int rc = put_padded(out, "", LABEL_COLUMNS, false, err);
    for (size_t s = p.from; s < p.to && rc == GEN_OK; s++) {
        char name[4 * WIDTH_MAX + 8];
        short_name(c->sets[s].name, name, sizeof(name));
        rc = put_padded(out, name, width_of(name) - 1, true, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(out, ' ', err);
    }
    return rc ? rc : gen_buf_add_char(out, '\n', err);
}

static int put_list(const char *label, const struct gen_json *list, struct gen_buf *out,
                    struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    struct gen_str text;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, list);
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &v)) {
        if (gen_json_as_str(v, &text))
            rc = gen_buf_printf(out, err, "  %s %.*s\n", label, GEN_STR_ARG(text));
    }
    return rc;
}

static int put_descriptions(const struct gen_comparison *c, struct gen_buf *out,
                            struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t s = 0; s < c->n_sets && rc == GEN_OK; s++) {
        struct gen_json_doc *doc = NULL;
        if (!c->sets[s].description ||
            gen_json_parse(&doc, gen_str_from(c->sets[s].description), NULL) != GEN_OK)
            continue;
        const struct gen_json *o = gen_json_root(doc);
        struct gen_str fault = gen_json_get_str(o, "most_frequent_fault");
        rc = gen_buf_printf(out, err, "\n%s, most frequent fault: %.*s\n", c->sets[s].name,
                            GEN_STR_ARG(fault));
        if (rc == GEN_OK)
            rc = put_list("+", gen_json_get(o, "strengths"), out, err);
        if (rc == GEN_OK)
            rc = put_list("-", gen_json_get(o, "weaknesses"), out, err);
        gen_json_doc_free(doc);
    }
    return rc;
}

static int put_decision(const struct gen_comparison *c, struct gen_buf *out, struct gen_error *err)
{
    const struct gen_compare_decision *d = &c->decision;
    int rc = d->winner == SIZE_MAX
                 ? gen_buf_printf(out, err, "\nNo clear winner: %s.\n", d->why)
                 : gen_buf_printf(out, err, "\n%s wins: %s.\n", c->sets[d->winner].name, d->why);
    bool consistent = false;
    size_t model = gen_compare_model_choice(c, &consistent);
    if (rc || (!c->choices[0] && !c->choices[1]))
        return rc;
    if (!consistent)
        return gen_buf_add_c(out,
                             "The model's word is not consistent: asked with the sets in two "
                             "orders, it did not choose the same; the figures stand.\n",
                             err);
    if (model == d->winner || (model == c->n_sets && d->winner == SIZE_MAX))
        return gen_buf_add_c(out, "The model, asked in two orders, says the same.\n", err);
    return gen_buf_printf(out, err, "The model, asked in two orders, says %s; the figures stand.\n",
                          model == c->n_sets ? "that it is a tie" : c->sets[model].name);
}

static int put_merge(const struct gen_comparison *c, struct gen_buf *out, struct gen_error *err)
{
    const struct gen_compare_merge *m = &c->merge;
    char rows_out[32], all[32], more[32];
    if (!m->is_known)
        return GEN_OK;
    gen_ui_number(rows_out, (int64_t)m->n_rows);
    gen_ui_number(all, (int64_t)m->n_all);
    gen_ui_number(more, (int64_t)(m->n_rows - m->n_kept[m->base]));
    int rc = gen_buf_printf(out, err,
                            "Merged and deduplicated: %s of %s rows, of which the others add %s to "
                            "%s; %s.\n",
                            rows_out, all, more, c->sets[m->base].name, m->why);
    if (rc == GEN_OK && m->n_chunks_more + m->n_sources_more > 0)
        rc = gen_buf_printf(out, err,
                            "Only the other sets have rows of %llu chunks (%llu sources) that %s "
                            "lacks.\n",
                            (unsigned long long)m->n_chunks_more,
                            (unsigned long long)m->n_sources_more, c->sets[m->base].name);
    return rc;
}

int gen_compare_put_text(const struct gen_comparison *c, struct gen_buf *out, struct gen_error *err)
{
    int rc = GEN_OK;
    for (struct part p = next_part(c, 0); p.from < c->n_sets && rc == GEN_OK;
         p = next_part(c, p.to)) {
        rc = p.from ? gen_buf_add_char(out, '\n', err) : GEN_OK;
        if (rc == GEN_OK)
            rc = put_names(c, p, out, err);
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && rc == GEN_OK; i++)
            rc = put_line(c, i, p, out, err);
    }
    if (rc == GEN_OK)
        rc = put_descriptions(c, out, err);
    if (rc == GEN_OK)
        rc = put_decision(c, out, err);
    return rc ? rc : put_merge(c, out, err);
}
