#include "ui/ui_int.h"

#define SAMPLE_MS        1000
#define TAU_ANSWERS      10.0
#define TAU_DONE         20.0
#define WEIGHT_TO_SHOW   0.2 /* some five seconds of samples */
#define N_DONE_TO_JUDGE  10  /* inputs of a stage before its yield is extrapolated */
#define N_DONE_TO_SHOW   5
#define SECONDS_LEFT_MAX 8.64e6

void gen_ui_rate_sample(struct gen_ui_rate *rate, double n, double seconds, double tau_seconds)
{
    double alpha = seconds / (tau_seconds + seconds);
    rate->sum += alpha * (n / seconds - rate->sum);
    rate->weight += alpha * (1.0 - rate->weight);
}

double gen_ui_rate_get(const struct gen_ui_rate *rate)
{
    return rate->weight > WEIGHT_TO_SHOW ? rate->sum / rate->weight : 0;
}

static void copy_words(char *out, size_t capacity, const char *text)
{
    size_t n = text ? strlen(text) : 0;
    if (n >= capacity) {
        n = capacity - 1;
        /* A character that would be cut in the middle goes entirely. */
        while (n && ((unsigned char)text[n] & 0xC0) == 0x80)
            n--;
    }
    if (n)
        memcpy(out, text, n);
    out[n] = '\0';
}

static void take_stages(struct gen_ui_state *s, const struct gen_ui_view *view)
{
    s->n_stages = 0;
    for (size_t i = 0; i < view->n_stages && i < GEN_UI_STAGES_MAX; i++) {
        struct gen_ui_stage_copy *copy = &s->stages[i];
        copy->s = view->stages[i];
        copy_words(copy->name, sizeof(copy->name), view->stages[i].name);
        copy_words(copy->unit_in, sizeof(copy->unit_in), view->stages[i].unit_in);
        copy_words(copy->unit_out, sizeof(copy->unit_out), view->stages[i].unit_out);
        copy->s.name = copy->name;
        copy->s.unit_in = copy->unit_in;
        copy->s.unit_out = copy->unit_out;
        s->n_stages++;
    }
}

static int64_t total_done(const struct gen_ui_state *s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->n_stages; i++)
        sum += s->stages[i].s.n_done;
    return sum;
}

static void sample(struct gen_ui_state *s)
{
    const struct gen_ui_view *v = &s->v;
    int64_t done = total_done(s);
    if (s->has_sample && v->now_ms >= s->sampled_ms && v->now_ms - s->sampled_ms < SAMPLE_MS)
        return;
    if (!s->has_sample) {
        s->has_sample = true;
        s->first_done = done;
    } else if (v->now_ms > s->sampled_ms) {
        double seconds = (double)(v->now_ms - s->sampled_ms) / 1e3;
        double n_done = (double)(done - s->sampled_done);
        double n_answers = (double)(v->n_answers - s->sampled_answers);
        double n_cached = (double)(v->n_cached - s->sampled_cached);
        /* What the ledger gave at once says nothing about how long the rest will take. */
        if (n_cached > 0)
            n_done *= n_answers > 0 ? n_answers / (n_answers + n_cached) : 0;
        if (n_cached <= 0 || n_answers > 0)
            gen_ui_rate_sample(&s->done, n_done, seconds, TAU_DONE);
        gen_ui_rate_sample(&s->answers, n_answers, seconds, TAU_ANSWERS);
    }
    s->sampled_ms = v->now_ms;
    s->sampled_done = done;
    s->sampled_answers = v->n_answers;
    s->sampled_cached = v->n_cached;
}

void gen_ui_state_take(struct gen_ui_state *s, const struct gen_ui_view *view)
{
    s->v = *view;
    take_stages(s, view);
    copy_words(s->command, sizeof(s->command), view->command);
    copy_words(s->title, sizeof(s->title), view->title);
    copy_words(s->stopping, sizeof(s->stopping), view->stopping);
    if (view->trouble)
        s->trouble = *view->trouble;
    else
        s->trouble.n = 0;
    s->v.command = s->v.title = s->v.stopping = NULL;
    s->v.stages = NULL;
    s->v.trouble = NULL;
    s->has_view = true;
    sample(s);
}

/* How many inputs the stage will have had at the end. The inputs of a stage are the outputs of the
 * one before it, so its yield so far tells. False: there is no telling yet. */
static bool expected_inputs(const struct gen_ui_state *s, size_t i, double before, double *out)
{
    const struct gen_ui_stage *stage = &s->stages[i].s;
    const struct gen_ui_stage *previous = i > 0 ? &s->stages[i - 1].s : NULL;
    if (stage->is_done)
        *out = (double)stage->n_done;
    else if (stage->n_expected >= 0)
        *out = (double)stage->n_expected;
    else if (previous && previous->is_done)
        *out = (double)previous->n_out;
    else if (previous && previous->n_done >= N_DONE_TO_JUDGE)
        *out = before * (double)previous->n_out / (double)previous->n_done;
    else
        return false;
    if (*out < (double)stage->n_done)
        *out = (double)stage->n_done;
    return true;
}

double gen_ui_state_seconds_left(const struct gen_ui_state *s)
{
    double rate = gen_ui_rate_get(&s->done);
    if (s->is_final || s->stopping[0] || rate <= 0 ||
        total_done(s) - s->first_done < N_DONE_TO_SHOW)
        return -1;
    double expected = 0;
    double left = 0;
    for (size_t i = 0; i < s->n_stages; i++) {
        if (!expected_inputs(s, i, expected, &expected))
            return -1;
        left += expected - (double)s->stages[i].s.n_done;
    }
    double seconds = left / rate;
    return left > 0 && seconds < SECONDS_LEFT_MAX ? seconds : -1;
}
