#include "cli/status.h"

#include "base/utf8.h"
#include "ui/ui.h"

#include <inttypes.h>
#include <stdio.h>

#define COLUMNS      79
#define RUNS_IN_FULL 10
#define LABEL        11 /* columns before what is said of a step, of tokens, of cost */
#define ITEM_BYTES   160

/* Lines under construction. `err` and `rc` are those of the first failure, after which nothing is
 * added. */
struct page {
    struct gen_buf *out;
    struct gen_error *err;
    int rc;
    size_t width; /* of the line under construction */
};

/* What a terminal would obey or hide shows as '?'. */
static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029 ||
           (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

static void put(struct page *p, struct gen_str text)
{
    while (text.n > 0 && p->rc == GEN_OK) {
        uint32_t cp = 0;
        size_t n = gen_utf8_next(text, &cp);
        struct gen_str shown = is_control(cp) ? GEN_STR("?") : gen_str_sub(text, 0, n);
        p->rc = gen_buf_add_str(p->out, shown, p->err);
        p->width += gen_utf8_width(shown);
        text = gen_str_sub(text, n, text.n - n);
    }
}

static void put_c(struct page *p, const char *text)
{
    put(p, gen_str_from(text));
}

static void pad(struct page *p, size_t column)
{
    while (p->width < column && p->rc == GEN_OK)
        put_c(p, " ");
}

static void end_line(struct page *p)
{
    if (p->rc == GEN_OK)
        p->rc = gen_buf_add_char(p->out, '\n', p->err);
    p->width = 0;
}

/* A word behind `between`; in the next line at `indent` where it does not fit. A word that is too
 * long for any line is broken. */
static void put_word(struct page *p, struct gen_str word, const char *between, size_t indent)
{
    if (p->width > indent) {
        struct gen_str rest = gen_str_from(between);
        size_t n_blanks = rest.n > 0 && rest.p[rest.n - 1] == ' ' ? 1 : 0;
        bool fits = p->width + rest.n + gen_utf8_width(word) <= COLUMNS;
        put(p, gen_str_sub(rest, 0, fits ? rest.n : rest.n - n_blanks));
        if (!fits)
            end_line(p);
    }
    pad(p, indent);
    while (p->rc == GEN_OK && gen_utf8_width(word) > COLUMNS - indent) {
        struct gen_str part = gen_utf8_prefix(word, (COLUMNS - indent) / 2);
        put(p, part);
        end_line(p);
        pad(p, indent);
        word = gen_str_sub(word, part.n, word.n - part.n);
    }
    put(p, word);
}

static void put_words(struct page *p, const char *text, size_t indent)
{
    struct gen_str rest = gen_str_from(text);
    while (rest.n > 0) {
        size_t n = gen_str_find(rest, GEN_STR(" "), 0);
        n = n == SIZE_MAX ? rest.n : n;
        if (n > 0)
            put_word(p, gen_str_sub(rest, 0, n), " ", indent);
        rest = gen_str_sub(rest, n + 1, rest.n);
    }
}

struct list {
    struct page *page;
    const char *between;
};

static void add(struct list *l, int64_t n, const char *words)
{
    char number[32];
    char item[ITEM_BYTES];
    gen_ui_number(number, n);
    (void)snprintf(item, sizeof(item), "%s %s", number, words);
    put_word(l->page, gen_str_from(item), l->between, LABEL);
    l->between = ", ";
}

static void begin(struct page *p, const char *label)
{
    put_c(p, "  ");
    put_c(p, label);
    put_c(p, p->width < LABEL ? "" : " ");
    pad(p, LABEL);
}

/* "3 failed (rate_limit 2, malformed 1)" */
static void add_failed(struct list *l, const struct gen_counts *failed)
{
    for (size_t i = 0, n_shown = 0; i < failed->n; i++) {
        char number[32];
        char item[ITEM_BYTES];
        bool is_last = i + 1 == failed->n;
        if (n_shown == 0)
            add(l, gen_counts_sum(failed), "failed");
        gen_ui_number(number, failed->rows[i].count);
        (void)snprintf(item, sizeof(item), "%s%s %s%s", n_shown == 0 ? "(" : "",
                       failed->rows[i].name, number, is_last ? ")" : "");
        put_word(l->page, gen_str_from(item), n_shown == 0 ? " " : ", ", LABEL);
        n_shown++;
    }
}

static void put_calls(struct page *p, const struct gen_status_calls *c, const char *label,
                      const char *under_way)
{
    struct list l = {p, ""};
    begin(p, label);
    add(&l, c->n_answered, gen_status_is_tools(c) ? "done" : "answered");
    if (c->n_cached > 0)
        add(&l, c->n_cached, "from the ledger");
    add_failed(&l, &c->failed);
    if (c->n_unknown > 0)
        add(&l, c->n_unknown, gen_status_is_tools(c) ? "abandoned" : "unknown (may be billed)");
    if (c->n_under_way > 0)
        add(&l, c->n_under_way, gen_status_is_tools(c) ? "under way or lost" : under_way);
    end_line(p);
}

static void put_tokens(struct page *p, const struct gen_status_calls *c)
{
    const struct gen_usage *u = &c->usage;
    struct list l = {p, ""};
    if (c->n_answered == 0 && u->tokens_in <= 0 && u->tokens_out <= 0)
        return;
    begin(p, "tokens");
    if (u->tokens_in < 0 && u->tokens_out < 0) {
        put_words(p, "unknown: the server gave no counts", LABEL);
    } else {
        add(&l, u->tokens_in < 0 ? 0 : u->tokens_in, "in");
        if (u->tokens_cached > 0)
            add(&l, u->tokens_cached, "of them cached");
        add(&l, u->tokens_out < 0 ? 0 : u->tokens_out, "out");
        if (c->n_usage_unknown > 0)
            add(&l, c->n_usage_unknown,
                c->n_usage_unknown == 1 ? "answer without counts" : "answers without counts");
    }
    end_line(p);
}

static void put_cost(struct page *p, const struct gen_status_calls *c)
{
    char money[32];
    struct list l = {p, ", "};
    begin(p, "cost");
    gen_ui_money(money, c->usage.cost_microusd);
    if (c->n_answered == 0 && gen_counts_sum(&c->failed) == 0) {
        put_words(p, c->n_unknown + c->n_under_way > 0 ? "not known yet" : "nothing was sent",
                  LABEL);
    } else if (c->usage.cost_microusd >= 0) {
        put_words(p, c->n_cost_unknown > 0 ? "at least" : "", LABEL);
        put_word(p, gen_str_from(money), " ", LABEL);
        if (c->n_cost_unknown > 0)
            add(&l, c->n_cost_unknown,
                c->n_cost_unknown == 1 ? "answer has no price" : "answers have no price");
    } else if (c->n_answered > 0) {
        put_words(p, "unknown: the model has no price", LABEL);
    } else {
        put_words(p, "unknown: no call was answered", LABEL);
    }
    end_line(p);
}

static struct gen_status_calls sum_of(const struct gen_status_calls *steps)
{
    struct gen_status_calls sum = gen_status_nothing();
    for (const struct gen_status_calls *c = steps; c; c = c->next)
        gen_status_add(&sum, c);
    return sum;
}

static void put_run(struct page *p, const struct gen_status_run *run)
{
    char text[ITEM_BYTES];
    char when[GEN_STATUS_TIME_BYTES];
    char took[32] = "";
    struct gen_status_calls sum = sum_of(run->steps);
    const char *under_way = run->is_newest && run->ended_unix_us == 0
                                ? "in flight (or lost, if it was killed)"
                                : "lost (may be billed)";
    gen_status_time(when, run->started_unix_us);
    if (run->ended_unix_us > run->started_unix_us)
        gen_ui_duration(took, (double)(run->ended_unix_us - run->started_unix_us) / 1e6);
    (void)snprintf(text, sizeof(text), "run %" PRId64, run->id);
    put_c(p, text);
    pad(p, LABEL);
    put_c(p, when);
    (void)snprintf(text, sizeof(text), " %s%s%s", gen_status_end_words(run), *took ? " after " : "",
                   took);
    put_words(p, text, LABEL);
    end_line(p);
    put_words(p, run->arguments, LABEL);
    end_line(p);
    for (const struct gen_status_calls *c = run->steps; c; c = c->next)
        put_calls(p, c, c->step, under_way);
    put_tokens(p, &sum);
    put_cost(p, &sum);
    end_line(p);
}

static void put_earlier(struct page *p, const struct gen_status *s)
{
    char text[ITEM_BYTES];
    char number[32];
    struct gen_status_calls sum = gen_status_nothing();
    size_t n = s->n_runs - RUNS_IN_FULL;
    for (size_t i = RUNS_IN_FULL; i < s->n_runs; i++) {
        struct gen_status_calls run = sum_of(s->runs[i].steps);
        gen_status_add(&sum, &run);
    }
    gen_ui_number(number, (int64_t)n);
    (void)snprintf(text, sizeof(text), "and %s earlier %s (--json shows each)", number,
                   n == 1 ? "run" : "runs");
    put_c(p, text);
    end_line(p);
    put_calls(p, &sum, "calls", "lost (may be billed)");
    put_tokens(p, &sum);
    put_cost(p, &sum);
    end_line(p);
}

static void put_totals(struct page *p, const struct gen_status *s)
{
    struct gen_status_calls sum = sum_of(s->steps);
    put_c(p, "all runs together");
    end_line(p);
    for (const struct gen_status_calls *c = s->steps; c; c = c->next)
        put_calls(p, c, c->step, "in flight or lost");
    put_tokens(p, &sum);
    put_cost(p, &sum);
}

static bool is_open(const struct gen_status_batch *b)
{
    return b->state == GEN_BATCH_SUBMITTING || b->state == GEN_BATCH_RUNNING;
}

static void put_batch(struct page *p, const struct gen_status_batch *b)
{
    char text[ITEM_BYTES];
    char number[32];
    char when[GEN_STATUS_TIME_BYTES];
    gen_ui_number(number, b->n_requests);
    gen_status_time(when, b->submitted_unix_us);
    (void)snprintf(text, sizeof(text), "batch %" PRId64, b->id);
    put_c(p, text);
    pad(p, LABEL);
    (void)snprintf(text, sizeof(text), "%s %s, %s %s", when, gen_status_batch_state(b->state),
                   number, b->n_requests == 1 ? "request" : "requests");
    put_words(p, text, LABEL);
    end_line(p);
    put_words(p, b->provider, LABEL);
    put_words(p, b->model, LABEL);
    put_words(p, *b->remote_id ? b->remote_id : "(the provider's name for it is not known)", LABEL);
    end_line(p);
}

/* Those under way one by one; what is over is of interest as a number. */
static void put_batches(struct page *p, const struct gen_status *s)
{
    struct gen_counts over = {.n = 0};
    struct list l = {p, ""};
    if (s->n_batches == 0)
        return;
    end_line(p);
    for (size_t i = 0; i < s->n_batches; i++) {
        if (is_open(&s->batches[i]))
            put_batch(p, &s->batches[i]);
        else
            gen_counts_add(&over, gen_status_batch_state(s->batches[i].state), 1);
    }
    if (over.n == 0)
        return;
    put_c(p, "batches");
    pad(p, LABEL);
    for (size_t i = 0; i < over.n; i++)
        add(&l, over.rows[i].count, over.rows[i].name);
    end_line(p);
}

int gen_status_text(const struct gen_status *s, struct gen_buf *out, struct gen_error *err)
{
    struct page p = {.out = out, .err = err};
    char runs[32];
    char answers[32];
    char text[ITEM_BYTES];
    gen_ui_number(runs, (int64_t)s->n_runs);
    gen_ui_number(answers, s->n_answers);
    (void)snprintf(text, sizeof(text), "%s %s, %s %s kept", runs, s->n_runs == 1 ? "run" : "runs",
                   answers, s->n_answers == 1 ? "answer" : "answers");
    put_words(&p, s->path, 0);
    put_c(&p, ":");
    put_words(&p, text, 0);
    end_line(&p);
    end_line(&p);
    for (size_t i = 0; i < s->n_runs && i < RUNS_IN_FULL; i++)
        put_run(&p, &s->runs[i]);
    if (s->n_runs > RUNS_IN_FULL)
        put_earlier(&p, s);
    put_totals(&p, s);
    put_batches(&p, s);
    return p.rc;
}
