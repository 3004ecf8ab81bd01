#include "ui/ui_int.h"

#include <inttypes.h>
#include <stdio.h>

#define ITEM_BYTES 192
#define NARROW     72 /* columns below which lists do not hang behind their labels */

struct pen {
    struct gen_ui_text *t;
    const struct gen_ui_account *a;
    size_t column; /* where the text of a row begins, behind its label */
    size_t label;  /* where the text of a row of counts begins */
    /* Columns of the longest of: number of inputs, " chunks in:", number of those produced. */
    size_t number, unit, produced;
    bool is_narrow;
    struct gen_counts explained; /* classes whose meaning was already given */
};

static const char *number_of(char *out, int64_t n)
{
    gen_ui_number(out, n);
    return out;
}

static int64_t sum_of(const struct gen_counts *c)
{
    return c ? gen_counts_sum(c) : 0;
}

static void begin_row(struct pen *p, const char *label)
{
    gen_ui_text_add(p->t, GEN_UI_NORMAL, label);
    gen_ui_text_pad(p->t, p->column);
}

/* Goes on behind what stands in the line already. */
static struct gen_ui_flow flow_behind(struct gen_ui_text *t, size_t indent, const char *between)
{
    return (struct gen_ui_flow){
        .text = t, .between = between, .at_end = "", .indent = indent, .n_items = 1};
}

static struct gen_ui_flow flow_at(struct gen_ui_text *t, size_t indent)
{
    return (struct gen_ui_flow){.text = t, .between = ", ", .at_end = ",", .indent = indent};
}

static void add_counts(struct pen *p, struct gen_ui_flow *f, const struct gen_counts *c,
                       bool is_classes)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->rows[i].count == 0)
            continue;
        char number[32];
        char item[ITEM_BYTES];
        const char *name = c->rows[i].name;
        const char *words = is_classes ? gen_ui_class_words(name) : NULL;
        if (words && gen_counts_get(&p->explained, name) > 0)
            words = NULL;
        if (words)
            gen_counts_add(&p->explained, name, 1);
        (void)snprintf(item, sizeof(item), "%s %s%s%s%s", name, number_of(number, c->rows[i].count),
                       words ? " (" : "", words ? words : "", words ? ")" : "");
        gen_ui_flow_add(f, GEN_UI_NORMAL, item);
        f->between = ", ";
        f->at_end = ",";
    }
}

static void put_counts(struct pen *p, const char *label, const struct gen_counts *c,
                       bool is_classes)
{
    if (sum_of(c) == 0)
        return;
    gen_ui_text_pad(p->t, p->column + 2);
    gen_ui_text_add(p->t, GEN_UI_NORMAL, label);
    gen_ui_text_pad(p->t, p->label - 1);
    struct gen_ui_flow f = flow_behind(p->t, p->label, " ");
    add_counts(p, &f, c, is_classes);
    gen_ui_text_end_line(p->t);
}

static void add_part(struct gen_ui_flow *f, int64_t n, const char *word, enum gen_ui_color color)
{
    char number[32];
    char item[ITEM_BYTES];
    (void)snprintf(item, sizeof(item), "%s %s", number_of(number, n), word);
    gen_ui_flow_add(f, color, item);
}

/* The invariant of the account is checked here once more, where the user reads it. */
static void put_mismatch(struct pen *p, const struct gen_ui_account_stage *s, int64_t n_settled)
{
    char in[32];
    char settled[32];
    if (n_settled == s->n_in)
        return;
    gen_ui_text_printf(p->t, GEN_UI_LOUD, "BUG: %s took in %s %s, but its account adds up to %s",
                       s->name, number_of(in, s->n_in), s->unit_in, number_of(settled, n_settled));
    struct gen_ui_flow f = flow_behind(p->t, 5, "; ");
    f.at_end = ";";
    gen_ui_flow_add(&f, GEN_UI_LOUD, "please report this with the summary file");
    gen_ui_text_end_line(p->t);
}

static void put_right(struct gen_ui_text *t, const char *number, size_t end)
{
    size_t width = gen_ui_text_width(t, number);
    gen_ui_text_pad(t, end > width ? end - width : 0);
    gen_ui_text_add(t, GEN_UI_NORMAL, number);
}

static void put_stage(struct pen *p, const struct gen_ui_account_stage *s)
{
    char number[32];
    char out[ITEM_BYTES];
    int64_t n_failed = sum_of(s->failed);
    int64_t n_filtered = sum_of(s->filtered);
    int64_t n_skipped = sum_of(s->skipped);
    begin_row(p, s->name);
    put_right(p->t, number_of(number, s->n_in), p->column + p->number);
    gen_ui_text_printf(p->t, GEN_UI_NORMAL, " %s in:", s->unit_in);
    size_t at = p->column + p->number + p->unit + 2;
    put_right(p->t, number_of(number, s->n_produced), at + p->produced);
    gen_ui_text_add(p->t, GEN_UI_NORMAL, " produced");
    struct gen_ui_flow f = flow_behind(p->t, p->is_narrow ? p->column + 2 : at, ", ");
    f.at_end = ",";
    if (n_filtered)
        add_part(&f, n_filtered, "filtered", GEN_UI_NORMAL);
    if (n_failed)
        add_part(&f, n_failed, "failed", GEN_UI_RED);
    if (n_skipped)
        add_part(&f, n_skipped, "skipped", GEN_UI_NORMAL);
    (void)snprintf(out, sizeof(out), "->  %s %s", number_of(number, s->n_out), s->unit_out);
    f.between = "  ";
    f.at_end = "";
    gen_ui_flow_add(&f, GEN_UI_BOLD, out);
    gen_ui_text_end_line(p->t);
    put_mismatch(p, s, s->n_produced + n_filtered + n_failed + n_skipped);
    put_counts(p, "filtered:", s->filtered, false);
    put_counts(p, "failed:", s->failed, true);
    put_counts(p, "skipped:", s->skipped, true);
    (void)snprintf(out, sizeof(out), "%s not kept:", s->unit_out);
    put_counts(p, out, s->out_filtered, false);
    put_counts(p, "notes:", s->notes, false);
}

static void put_calls(struct pen *p)
{
    struct gen_counts classes = {.n = 0};
    int64_t n_calls = 0;
    int64_t n_cached = 0;
    int64_t n_sent = 0;
    for (size_t i = 0; i < p->a->n_stages; i++) {
        const struct gen_ui_account_stage *s = &p->a->stages[i];
        n_calls += s->n_calls;
        n_cached += s->n_cached;
        n_sent += s->n_sent;
        for (size_t k = 0; s->by_class && k < s->by_class->n; k++)
            gen_counts_add(&classes, s->by_class->rows[k].name, s->by_class->rows[k].count);
    }
    if (n_calls == 0 && n_sent == 0)
        return;
    char number[32];
    char answers[80];
    struct gen_ui_flow f = flow_at(p->t, p->column);
    begin_row(p, "calls");
    if (n_cached > 0)
        (void)snprintf(answers, sizeof(answers), "answers (%s from the ledger, not paid again)",
                       number_of(number, n_cached));
    add_part(&f, n_calls, n_cached > 0 ? answers : "answers", GEN_UI_NORMAL);
    add_part(&f, n_sent, "requests sent", GEN_UI_NORMAL);
    gen_ui_text_end_line(p->t);
    int64_t n_bad = gen_counts_sum(&classes);
    if (n_bad == 0)
        return;
    gen_ui_text_pad(p->t, p->column);
    gen_ui_text_printf(p->t, GEN_UI_NORMAL, "%s without a good answer:", number_of(number, n_bad));
    f = flow_behind(p->t, p->column + 2, " ");
    add_counts(p, &f, &classes, true);
    gen_ui_text_end_line(p->t);
}

static void put_tools(struct pen *p)
{
    int64_t n = 0;
    int64_t n_cached = 0;
    for (size_t i = 0; i < p->a->n_stages; i++) {
        n += p->a->stages[i].n_actions;
        n_cached += p->a->stages[i].n_actions_cached;
    }
    if (n == 0)
        return;
    struct gen_ui_flow f = flow_at(p->t, p->column);
    begin_row(p, "tools");
    add_part(&f, n, n == 1 ? "call" : "calls", GEN_UI_NORMAL);
    if (n_cached)
        add_part(&f, n_cached, "of them from the ledger", GEN_UI_NORMAL);
    gen_ui_text_end_line(p->t);
}

static void put_tokens(struct pen *p)
{
    const struct gen_ui_account *a = p->a;
    char number[32];
    char item[ITEM_BYTES];
    if (a->tokens_in <= 0 && a->tokens_out <= 0)
        return;
    struct gen_ui_flow f = flow_at(p->t, p->column);
    begin_row(p, "tokens");
    const char *least = a->tokens_partly_unknown ? "at least " : "";
    int64_t percent = a->tokens_in > 0
                          ? (int64_t)(100.0 * (double)a->tokens_cached / (double)a->tokens_in + 0.5)
                          : 0;
    (void)snprintf(item, sizeof(item), "%s%s in", least, number_of(number, a->tokens_in));
    size_t n = strlen(item);
    if (percent > 0)
        (void)snprintf(item + n, sizeof(item) - n, " (%" PRId64 "%% cached)", percent);
    gen_ui_flow_add(&f, GEN_UI_NORMAL, item);
    add_part(&f, a->tokens_out, "out", GEN_UI_NORMAL);
    if (a->tokens_partly_unknown) {
        f.between = "  ";
        f.at_end = "";
        gen_ui_flow_add(&f, GEN_UI_NORMAL, "(some answers came without counts)");
    }
    gen_ui_text_end_line(p->t);
}

static void put_cost(struct pen *p)
{
    const struct gen_ui_account *a = p->a;
    char money[32];
    int64_t n_sent = 0;
    for (size_t i = 0; i < a->n_stages; i++)
        n_sent += a->stages[i].n_sent;
    begin_row(p, "cost");
    gen_ui_money(money, a->cost_microusd);
    if (a->is_free)
        gen_ui_text_add(p->t, GEN_UI_NORMAL, "nothing: a local model");
    else if (n_sent == 0)
        gen_ui_text_add(p->t, GEN_UI_NORMAL, "nothing: no request was sent");
    else if (a->cost_microusd < 0)
        gen_ui_text_add(p->t, GEN_UI_NORMAL,
                        "unknown: the price of this model is not in configs/prices.yaml");
    else
        gen_ui_text_printf(p->t, GEN_UI_NORMAL, "%s%s", a->tokens_partly_unknown ? "at least " : "",
                           money);
    gen_ui_text_end_line(p->t);
}

static void put_list(struct pen *p, const char *label, const char *const *items)
{
    for (size_t i = 0; items && items[i]; i++) {
        begin_row(p, i == 0 ? label : "");
        gen_ui_text_add(p->t, GEN_UI_NORMAL, items[i]);
        gen_ui_text_end_line(p->t);
    }
}

static void put_details(struct pen *p)
{
    for (const struct gen_ui_detail *d = p->a->details; d && d->label; d++) {
        begin_row(p, d->label);
        gen_ui_text_add(p->t, GEN_UI_NORMAL, d->text);
        gen_ui_text_end_line(p->t);
    }
}

static size_t longest(const struct gen_ui_text *t, size_t width, const char *text)
{
    size_t own = gen_ui_text_width(t, text);
    return own > width ? own : width;
}

static void measure(struct pen *p)
{
    size_t name = strlen("tokens");
    size_t label = 0;
    for (size_t i = 0; i < p->a->n_stages; i++) {
        const struct gen_ui_account_stage *s = &p->a->stages[i];
        char number[32];
        char text[ITEM_BYTES];
        name = longest(p->t, name, s->name);
        p->number = longest(p->t, p->number, number_of(number, s->n_in));
        p->produced = longest(p->t, p->produced, number_of(number, s->n_produced));
        (void)snprintf(text, sizeof(text), " %s in:", s->unit_in);
        p->unit = longest(p->t, p->unit, text);
        (void)snprintf(text, sizeof(text), "%s not kept:", s->unit_out);
        label = sum_of(s->out_filtered) ? longest(p->t, label, text) : label;
        label = sum_of(s->filtered) ? longest(p->t, label, "filtered:") : label;
        label = sum_of(s->failed) ? longest(p->t, label, "failed:") : label;
        label = sum_of(s->skipped) ? longest(p->t, label, "skipped:") : label;
        label = sum_of(s->notes) ? longest(p->t, label, "notes:") : label;
    }
    for (const struct gen_ui_detail *d = p->a->details; d && d->label; d++)
        name = longest(p->t, name, d->label);
    p->column = name + 2;
    p->is_narrow = p->t->wrap_at < NARROW;
    p->label = p->column + (p->is_narrow ? 4 : 2 + label + 1);
}

void gen_ui_account_render(struct gen_ui_text *t, const struct gen_ui_account *a)
{
    struct pen p = {.t = t, .a = a};
    char took[32];
    gen_ui_text_clear(t);
    t->clip_at = SIZE_MAX;
    measure(&p);
    gen_ui_text_end_line(t);
    if (a->headline) {
        gen_ui_text_add(t, GEN_UI_BOLD, a->headline);
        gen_ui_text_end_line(t);
        gen_ui_text_end_line(t);
    }
    for (size_t i = 0; i < a->n_stages; i++)
        put_stage(&p, &a->stages[i]);
    put_details(&p);
    put_calls(&p);
    put_tools(&p);
    put_tokens(&p);
    if (!a->asks_no_model)
        put_cost(&p);
    gen_ui_duration(took, a->seconds);
    begin_row(&p, "time");
    gen_ui_text_add(t, GEN_UI_NORMAL, took);
    gen_ui_text_end_line(t);
    put_list(&p, "files", a->files);
    put_list(&p, "advice", a->advice);
    put_list(&p, "next", a->next);
}
