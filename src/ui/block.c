#include "ui/ui_int.h"

#include <inttypes.h>
#include <stdio.h>

#define BAR_WIDE     30
#define BAR_USUAL    20
#define BAR_MIN      10
#define COLUMNS_WIDE 110
#define CELL_BYTES   160
#define MARGIN       1
#define GAP          2

enum { DONE, UNIT_IN, OUT, UNIT_OUT, LOST, N_CELLS };

/* How the stages are laid out: the same for all of them, so that they read as a table. */
struct layout {
    size_t bar;    /* columns; 0: no bars */
    bool units;    /* "312/512 chunks", not "312/512" */
    bool is_whole; /* room for what was filtered and skipped */
    size_t name;
    size_t cells[N_CELLS];
};

static void number_cells(const struct gen_ui_stage *s, bool units, bool is_whole,
                         char cells[N_CELLS][CELL_BYTES])
{
    char done[32];
    char expected[32];
    gen_ui_number(done, s->n_done);
    gen_ui_number(expected, s->n_expected);
    for (size_t i = 0; i < N_CELLS; i++)
        cells[i][0] = '\0';
    (void)snprintf(cells[DONE], CELL_BYTES, "%s%s%s", done, s->n_expected >= 0 ? "/" : "",
                   s->n_expected >= 0 ? expected : "");
    gen_ui_number(cells[OUT], s->n_out);
    if (units) {
        /* Pairs that come of pairs are the same pairs. */
        bool is_same = strcmp(s->unit_in, s->unit_out) == 0;
        (void)snprintf(cells[UNIT_IN], CELL_BYTES, " %s", s->unit_in);
        (void)snprintf(cells[UNIT_OUT], CELL_BYTES, " %s", is_same ? "kept" : s->unit_out);
    }
    const struct {
        int64_t n;
        const char *word;
    } losses[] = {{s->n_failed, "failed"}, {s->n_filtered, "filtered"}, {s->n_skipped, "skipped"}};
    size_t used = 0;
    for (size_t i = 0; i < (is_whole ? 3 : 1); i++) {
        if (losses[i].n <= 0)
            continue;
        gen_ui_number(done, losses[i].n);
        int n = snprintf(cells[LOST] + used, CELL_BYTES - used, "%s%s %s", used ? ", " : "", done,
                         losses[i].word);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Measures the table without its bars; returns its columns. */
static size_t measure(const struct gen_ui_text *t, const struct gen_ui_state *s, struct layout *l)
{
    memset(l->cells, 0, sizeof(l->cells));
    l->name = 0;
    for (size_t i = 0; i < s->n_stages; i++) {
        char cells[N_CELLS][CELL_BYTES];
        number_cells(&s->stages[i].s, l->units, l->is_whole, cells);
        size_t width = gen_ui_text_width(t, s->stages[i].name);
        l->name = width > l->name ? width : l->name;
        for (size_t k = 0; k < N_CELLS; k++) {
            width = gen_ui_text_width(t, cells[k]);
            l->cells[k] = width > l->cells[k] ? width : l->cells[k];
        }
    }
    size_t sum = MARGIN + l->name + GAP + GAP;
    for (size_t k = 0; k < N_CELLS; k++)
        sum += l->cells[k];
    return sum + (l->cells[LOST] ? GAP : 0);
}

static struct layout choose_layout(const struct gen_ui_text *t, const struct gen_ui_state *s,
                                   size_t columns)
{
    /* What is given up for the width, in this order. */
    static const struct {
        bool has_bar;
        struct layout l;
    } tries[] = {
        {true, {.units = true, .is_whole = true}},
        {false, {.units = true, .is_whole = true}},
        {true, {.units = true}},
        {false, {.units = true}},
        {false, {.units = false}},
    };
    bool has_bars = false;
    for (size_t i = 0; i < s->n_stages; i++)
        has_bars = has_bars || s->stages[i].s.n_expected >= 0;
    struct layout l = {0};
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        l = tries[i].l;
        size_t least = has_bars && tries[i].has_bar ? BAR_MIN + GAP : 0;
        size_t used = measure(t, s, &l);
        if (used + least > t->clip_at)
            continue;
        size_t bar_max = columns >= COLUMNS_WIDE ? BAR_WIDE : BAR_USUAL;
        if (least)
            l.bar = t->clip_at - used - GAP < bar_max ? t->clip_at - used - GAP : bar_max;
        break;
    }
    return l;
}

static void put_bar(struct gen_ui_text *t, const struct gen_ui_stage *s, size_t width)
{
    double share =
        s->n_expected > 0 ? (double)s->n_done / (double)s->n_expected : (double)s->is_done;
    size_t n_full = 0;
    if (share >= 1)
        n_full = width;
    else if (share > 0)
        n_full = (size_t)(share * (double)width);
    for (size_t i = 0; i < width; i++) {
        if (i < n_full)
            gen_ui_text_add(t, s->is_done ? GEN_UI_GREEN : GEN_UI_NORMAL, t->utf8 ? "█" : "#");
        else
            gen_ui_text_add(t, GEN_UI_DIM, t->utf8 ? "░" : "-");
    }
}

static void put_optional(struct gen_ui_text *t, bool *is_first, int64_t n, const char *word,
                         enum gen_ui_color color)
{
    if (n <= 0)
        return;
    char number[32];
    char text[CELL_BYTES];
    gen_ui_number(number, n);
    (void)snprintf(text, sizeof(text), "%s%s %s", *is_first ? "  " : ", ", number, word);
    if (t->width + gen_ui_text_width(t, text) > t->clip_at)
        return;
    gen_ui_text_add(t, GEN_UI_NORMAL, *is_first ? "  " : ", ");
    gen_ui_text_add(t, color, text + 2);
    *is_first = false;
}

static void put_stage(struct gen_ui_text *t, const struct gen_ui_stage_copy *stage,
                      const struct layout *l)
{
    char cells[N_CELLS][CELL_BYTES];
    number_cells(&stage->s, l->units, l->is_whole, cells);
    gen_ui_text_pad(t, MARGIN);
    gen_ui_text_add(t, GEN_UI_NORMAL, stage->name);
    size_t at = MARGIN + l->name + GAP;
    gen_ui_text_pad(t, at);
    if (l->bar) {
        if (stage->s.n_expected >= 0)
            put_bar(t, &stage->s, l->bar);
        at += l->bar + GAP;
        gen_ui_text_pad(t, at);
    }
    for (size_t k = DONE; k <= UNIT_OUT; k++) {
        /* Numbers end in one column, words begin in one. */
        if (k == DONE || k == OUT)
            gen_ui_text_pad(t, at + l->cells[k] - gen_ui_text_width(t, cells[k]));
        gen_ui_text_add(t, GEN_UI_NORMAL, cells[k]);
        at += l->cells[k];
        if (k == UNIT_IN)
            at += GAP;
    }
    bool is_first = true;
    if (stage->s.n_failed > 0 || stage->s.n_filtered > 0 || stage->s.n_skipped > 0)
        gen_ui_text_pad(t, at);
    put_optional(t, &is_first, stage->s.n_failed, "failed", GEN_UI_RED);
    put_optional(t, &is_first, stage->s.n_filtered, "filtered", GEN_UI_NORMAL);
    put_optional(t, &is_first, stage->s.n_skipped, "skipped", GEN_UI_NORMAL);
    gen_ui_text_end_line(t);
}

static void add_tokens(struct gen_ui_flow *f, const struct gen_ui_view *v)
{
    char in[32];
    char out[32];
    char text[CELL_BYTES];
    if (v->tokens_in <= 0 && v->tokens_out <= 0)
        return;
    gen_ui_short_number(in, v->tokens_in);
    gen_ui_short_number(out, v->tokens_out);
    (void)snprintf(text, sizeof(text), "%s tokens in, %s out", in, out);
    gen_ui_flow_add(f, GEN_UI_NORMAL, text);
    if (v->is_free)
        return;
    gen_ui_money(out, v->cost_microusd);
    gen_ui_flow_add(f, GEN_UI_NORMAL, v->cost_microusd < 0 ? "cost unknown" : out);
}

static void add_time(struct gen_ui_flow *f, const struct gen_ui_state *s)
{
    char elapsed[32];
    char left[32];
    char text[CELL_BYTES];
    uint64_t ms = s->v.now_ms > s->start_ms ? s->v.now_ms - s->start_ms : 0;
    /* Whole seconds: tenths would only flicker. */
    uint64_t whole = ms / 1000;
    if (whole < 10)
        (void)snprintf(elapsed, sizeof(elapsed), "%us", (unsigned)whole);
    else
        gen_ui_duration(elapsed, (double)whole);
    double seconds = s->v.is_batch ? -1 : gen_ui_state_seconds_left(s);
    if (seconds >= 0)
        gen_ui_time_left(left, seconds);
    (void)snprintf(text, sizeof(text), "%s%s%s", elapsed, seconds >= 0 ? ", " : "",
                   seconds >= 0 ? left : "");
    gen_ui_flow_add(f, GEN_UI_NORMAL, text);
}

static void put_totals(struct gen_ui_text *t, const struct gen_ui_state *s)
{
    struct gen_ui_flow f = {
        .text = t, .between = t->utf8 ? " · " : " | ", .at_end = "", .indent = MARGIN};
    const struct gen_ui_view *v = &s->v;
    char number[32];
    char text[CELL_BYTES];
    if (!s->is_final) {
        if (v->is_batch)
            (void)snprintf(text, sizeof(text), "%zu requests in batches", v->n_in_flight);
        else
            (void)snprintf(text, sizeof(text), "%zu in flight (window %zu)", v->n_in_flight,
                           v->window);
        gen_ui_flow_add(&f, GEN_UI_NORMAL, text);
        double rate = gen_ui_rate_get(&s->answers);
        if (rate > 0 && !v->is_batch) {
            gen_ui_answer_rate(text, rate);
            gen_ui_flow_add(&f, GEN_UI_NORMAL, text);
        }
    } else if (v->n_answers > 0) {
        gen_ui_number(number, v->n_answers);
        (void)snprintf(text, sizeof(text), "%s answers", number);
        gen_ui_flow_add(&f, GEN_UI_NORMAL, text);
    }
    if (v->n_cached > 0) {
        gen_ui_number(number, v->n_cached);
        (void)snprintf(text, sizeof(text), "%s from the ledger", number);
        gen_ui_flow_add(&f, GEN_UI_NORMAL, text);
    }
    add_tokens(&f, v);
    add_time(&f, s);
    gen_ui_text_end_line(t);
}

static void put_trouble(struct gen_ui_text *t, const struct gen_ui_state *s)
{
    struct gen_ui_flow f = {.text = t, .between = ", ", .at_end = ",", .indent = MARGIN};
    bool has_trouble = gen_counts_sum(&s->trouble) > 0;
    char text[CELL_BYTES];
    if (!has_trouble && (s->v.waiting_ms == 0 || s->is_final))
        return;
    gen_ui_text_pad(t, MARGIN);
    for (size_t i = 0, n_shown = 0; i < s->trouble.n; i++) {
        if (s->trouble.rows[i].count <= 0)
            continue;
        char number[32];
        gen_ui_number(number, s->trouble.rows[i].count);
        (void)snprintf(text, sizeof(text), "%s%s %s",
                       n_shown++ ? "" : "trouble: ", s->trouble.rows[i].name, number);
        gen_ui_flow_add(&f, GEN_UI_YELLOW, text);
    }
    if (s->v.waiting_ms > 0 && !s->is_final) {
        uint64_t seconds = s->v.waiting_ms / 1000 + (s->v.waiting_ms % 1000 > 0);
        gen_ui_waiting(text, sizeof(text), seconds, s->v.waiting_why);
        f.between = t->utf8 ? " · " : " | ";
        f.at_end = "";
        gen_ui_flow_add(&f, GEN_UI_YELLOW, text);
    }
    gen_ui_text_end_line(t);
}

void gen_ui_block_render(struct gen_ui_text *t, const struct gen_ui_state *s, size_t columns)
{
    gen_ui_text_clear(t);
    /* The last column stays free: a character there makes some terminals wrap. */
    t->clip_at = columns > 1 ? columns - 1 : 1;
    t->wrap_at = t->clip_at;
    gen_ui_text_add(t, GEN_UI_BOLD, s->command);
    gen_ui_text_add(t, GEN_UI_NORMAL, "  ");
    gen_ui_text_add(t, GEN_UI_NORMAL, s->title);
    gen_ui_text_end_line(t);
    struct layout l = choose_layout(t, s, columns);
    for (size_t i = 0; i < s->n_stages; i++)
        put_stage(t, &s->stages[i], &l);
    put_totals(t, s);
    put_trouble(t, s);
    if (s->stopping[0] && !s->is_final) {
        gen_ui_text_pad(t, MARGIN);
        gen_ui_text_add(t, GEN_UI_YELLOW, "stopping: ");
        gen_ui_text_add(t, GEN_UI_YELLOW, s->stopping);
        gen_ui_text_end_line(t);
    }
}
