#include "ui/ui_int.h"

#include <inttypes.h>
#include <stdio.h>

static void put_count(struct gen_ui_text *t, int64_t n, const char *word)
{
    char number[32];
    if (n <= 0)
        return;
    gen_ui_number(number, n);
    gen_ui_text_printf(t, GEN_UI_NORMAL, ", %s %s", number, word);
}

static void put_stage(struct gen_ui_text *t, const struct gen_ui_stage *s)
{
    char number[32];
    gen_ui_number(number, s->n_done);
    gen_ui_text_printf(t, GEN_UI_NORMAL, "%s%s %s", s->name, s->is_done ? " done," : "", number);
    if (s->n_expected >= 0) {
        gen_ui_number(number, s->n_expected);
        gen_ui_text_printf(t, GEN_UI_NORMAL, "/%s", number);
    }
    gen_ui_text_printf(t, GEN_UI_NORMAL, " %s", s->unit_in);
    bool is_same = strcmp(s->unit_in, s->unit_out) == 0;
    if (!is_same || s->n_out != s->n_done)
        put_count(t, s->n_out, is_same ? "kept" : s->unit_out);
    put_count(t, s->n_failed, "failed");
    put_count(t, s->n_filtered, "filtered");
    put_count(t, s->n_skipped, "skipped");
    gen_ui_text_add(t, GEN_UI_NORMAL, "; ");
}

static void put_totals(struct gen_ui_text *t, const struct gen_ui_state *s)
{
    const struct gen_ui_view *v = &s->v;
    char text[32];
    gen_ui_text_printf(t, GEN_UI_NORMAL, v->is_batch ? "%zu in batches" : "%zu in flight",
                       v->n_in_flight);
    double rate = gen_ui_rate_get(&s->answers);
    if (rate > 0 && !s->is_final && !v->is_batch) {
        gen_ui_answer_rate(text, rate);
        gen_ui_text_printf(t, GEN_UI_NORMAL, ", %s", text);
    }
    put_count(t, v->n_cached, "from the ledger");
    if (v->tokens_in > 0 || v->tokens_out > 0) {
        gen_ui_short_number(text, v->tokens_in);
        gen_ui_text_printf(t, GEN_UI_NORMAL, ", %s tokens in", text);
        gen_ui_short_number(text, v->tokens_out);
        gen_ui_text_printf(t, GEN_UI_NORMAL, ", %s out", text);
        gen_ui_money(text, v->cost_microusd);
        if (!v->is_free)
            gen_ui_text_printf(t, GEN_UI_NORMAL, ", %s%s", v->cost_microusd < 0 ? "cost " : "",
                               text);
    }
    double left = v->is_batch ? -1 : gen_ui_state_seconds_left(s);
    if (left >= 0) {
        gen_ui_time_left(text, left);
        gen_ui_text_printf(t, GEN_UI_NORMAL, ", %s", text);
    }
}

void gen_ui_plain_render(struct gen_ui_text *t, const struct gen_ui_state *s, time_t now)
{
    gen_ui_text_clear(t);
    t->clip_at = SIZE_MAX;
    t->wrap_at = SIZE_MAX;
    struct tm local = {0};
    (void)localtime_r(&now, &local);
    gen_ui_text_printf(t, GEN_UI_NORMAL, "%02d:%02d:%02d ", local.tm_hour, local.tm_min,
                       local.tm_sec);
    for (size_t i = 0; i < s->n_stages; i++) {
        const struct gen_ui_stage *stage = &s->stages[i].s;
        if (i == 0 || stage->n_done > 0 || stage->n_waiting > 0)
            put_stage(t, stage);
    }
    put_totals(t, s);
    const char *before = "; trouble: ";
    for (size_t i = 0; i < s->trouble.n; i++) {
        char number[32];
        if (s->trouble.rows[i].count <= 0)
            continue;
        gen_ui_number(number, s->trouble.rows[i].count);
        gen_ui_text_printf(t, GEN_UI_NORMAL, "%s%s %s", before, s->trouble.rows[i].name, number);
        before = ", ";
    }
    char wait[120] = "";
    uint64_t wait_s = s->v.waiting_ms / 1000 + (s->v.waiting_ms % 1000 > 0);
    if (wait_s > 0 && !s->is_final)
        gen_ui_waiting(wait, sizeof(wait), wait_s, s->v.waiting_why);
    if (wait[0])
        gen_ui_text_printf(t, GEN_UI_NORMAL, "; %s", wait);
    if (s->stopping[0] && !s->is_final)
        gen_ui_text_printf(t, GEN_UI_NORMAL, "; stopping: %s", s->stopping);
    gen_ui_text_end_line(t);
}
