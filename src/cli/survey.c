#include "cli/survey.h"

#include "base/prng.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_MAX 64U

/* The walk over the input. */
struct walk {
    struct gen_survey *v;
    struct gen_session *s;
    struct gen_sha256 *hash;
    struct gen_arena scratch;
    struct gen_buf user;
    struct gen_item *group[GROUP_MAX];
    size_t n_group;
};

static uint64_t draw_of(uint64_t seed, int64_t number)
{
    struct gen_prng g = gen_prng_make(seed ^ ((uint64_t)number * 0x9E3779B97F4A7C15ULL));
    return gen_prng_next(&g);
}

/* Half of what there is, whichever part of the input it comes from. */
static void thin_out(struct gen_survey *v)
{
    size_t n = 0;
    v->mask = v->mask * 2 + 1;
    for (size_t i = 0; i < v->n_sample; i++) {
        if ((v->sample[i].draw & v->mask) == 0)
            v->sample[n++] = v->sample[i];
    }
    v->n_sample = n;
}

static int render(struct walk *w, const struct gen_step *step, struct gen_item *const *items,
                  size_t n, struct gen_question *q, struct gen_error *err)
{
    gen_arena_reset(&w->scratch);
    gen_buf_clear(&w->user);
    *q = (struct gen_question){.user = w->user, .scratch = &w->scratch};
    int rc = step->ask(step->ud, items, n, q, err);
    w->user = q->user;
    return rc;
}

static int look_up(struct walk *w, const struct gen_llm_stable *stable,
                   const struct gen_question *q, struct gen_sampled *row, struct gen_error *err)
{
    const struct gen_llm_request request = {
        .stable = stable,
        .user = gen_buf_str(&q->user),
        .tokens_out_max = q->tokens_out_max,
        .inputs = &q->inputs,
    };
    struct gen_digest key;
    struct gen_answer answer;
    if (!w->s->ledger)
        return GEN_OK;
    bool found = false;
    int rc = gen_llm_key(&request, w->hash, &key, err);
    if (rc == GEN_OK)
        rc = gen_ledger_find(w->s->ledger, &key, &found, &answer, err);
    row->is_answered = found && !gen_settings_flag(w->s->settings, GEN_OPT_FRESH);
    if (rc == GEN_OK && found && answer.usage.tokens_in > 0) {
        w->v->answered_bytes += (double)row->bytes_in;
        w->v->answered_tokens_in += (double)answer.usage.tokens_in;
    }
    return rc;
}

/* One call of a later step about pairs that this input may give. */
static int add_later(struct walk *w, const struct gen_step *step, const struct gen_item *from,
                     size_t n_pairs, struct gen_later_request *later, struct gen_error *err)
{
    struct gen_item *items[GROUP_MAX];
    struct gen_question q;
    size_t n = 0;
    int rc = GEN_OK;
    for (; n < n_pairs && n < GROUP_MAX && rc == GEN_OK; n++) {
        items[n] = gen_item_new(from->chunk, GEN_STR(GEN_PAIR_STAND_IN), from->position);
        if (!items[n])
            rc = gen_nomem(err, "a pair");
    }
    if (rc == GEN_OK)
        rc = render(w, step, items, n, &q, err);
    if (rc == GEN_OK) {
        later->n_calls++;
        later->bytes_in += (int64_t)(step->stable(step->ud, items[0])->system.n + q.user.n);
        later->tokens_out_max += q.tokens_out_max;
    }
    for (size_t i = 0; i < n; i++)
        gen_item_free(items[i]);
    return rc;
}

static int add_later_steps(struct walk *w, const struct gen_item *from, struct gen_sampled *row,
                           struct gen_error *err)
{
    for (size_t i = 1; i < w->s->n_steps; i++) {
        const struct gen_step *step = &w->s->steps[i];
        /* A stand-in for a pair is no example of tools: what such a step asks is not known. */
        if (!step->ask || step->action)
            continue;
        size_t most = step->group_max ? step->group_max : 1;
        most = most < GROUP_MAX ? most : GROUP_MAX;
        for (size_t left = (size_t)row->n_pairs; left;) {
            size_t n = left < most ? left : most;
            int rc = add_later(w, step, from, n, &row->later[i], err);
            if (rc)
                return rc;
            left -= n;
        }
    }
    return GEN_OK;
}

static int add_sample(struct walk *w, struct gen_item *const *items, size_t n, uint64_t draw,
                      struct gen_error *err)
{
    struct gen_survey *v = w->v;
    const struct gen_step *step = &w->s->steps[0];
    struct gen_sampled row = {.draw = draw};
    struct gen_question q;
    int rc = render(w, step, items, n, &q, err);
    if (rc)
        return rc;
    const struct gen_llm_stable *stable = step->stable(step->ud, items[0]);
    row.bytes_in = (int64_t)(stable->system.n + q.user.n);
    row.tokens_out_max = q.tokens_out_max;
    row.n_pairs = (int64_t)q.inputs.n_pairs;
    rc = look_up(w, stable, &q, &row, err);
    if (rc == GEN_OK)
        rc = add_later_steps(w, items[0], &row, err);
    if (rc)
        return rc;
    while (v->n_sample == GEN_SAMPLE_MAX)
        thin_out(v);
    if ((draw & v->mask) == 0)
        v->sample[v->n_sample++] = row;
    return GEN_OK;
}

/* Whether the item's first turn is an action. A step with actions has groups of one. */
static int is_action_due(struct walk *w, const struct gen_step *step, const struct gen_item *item,
                         bool *is_due, struct gen_error *err)
{
    *is_due = !step->ask;
    if (!step->action || *is_due)
        return GEN_OK;
    gen_buf_clear(&w->user);
    int rc = step->action(step->ud, item, &w->user, err);
    *is_due = w->user.n > 0;
    return rc;
}

/* As the engine does it: what shares a call is settled first, what is not asked about falls out of
 * it afterwards. */
static int end_group(struct walk *w, struct gen_error *err)
{
    struct gen_survey *v = w->v;
    const struct gen_step *step = &w->s->steps[0];
    struct gen_item *asked[GROUP_MAX];
    size_t n = 0;
    for (size_t i = 0; i < w->n_group; i++) {
        bool is_skip = false;
        if (step->prefilter && step->prefilter(step->ud, w->group[i], &is_skip))
            v->n_prefiltered++;
        else
            asked[n++] = w->group[i];
    }
    bool is_due = false;
    int rc = n ? is_action_due(w, step, asked[0], &is_due, err) : GEN_OK;
    v->n_actions += is_due;
    if (rc == GEN_OK && n && !is_due) {
        uint64_t draw = draw_of(v->seed, v->n_calls++);
        if ((draw & v->mask) == 0)
            rc = add_sample(w, asked, n, draw, err);
    }
    for (size_t i = 0; i < w->n_group; i++)
        gen_item_free(w->group[i]);
    w->n_group = 0;
    return rc;
}

static int add_item(struct walk *w, struct gen_item *item, struct gen_error *err)
{
    const struct gen_step *step = &w->s->steps[0];
    size_t most = step->group_max && !step->action ? step->group_max : 1;
    bool is_full = w->n_group == (most < GROUP_MAX ? most : GROUP_MAX);
    w->v->n_inputs++;
    w->v->n_without_chunk += item->chunk == NULL;
    int rc = GEN_OK;
    if (w->n_group &&
        (is_full || !step->may_share || !step->may_share(step->ud, w->group[w->n_group - 1], item)))
        rc = end_group(w, err);
    w->group[w->n_group++] = item;
    return rc;
}

static int walk_input(struct walk *w, const struct gen_source *source, struct gen_error *err)
{
    for (;;) {
        struct gen_item *item = NULL;
        enum gen_pull what = GEN_PULL_END;
        int rc = source->pull(source->ud, false, &item, &what, err);
        if (rc)
            return rc;
        if (what == GEN_PULL_LATER) /* nothing would make it come: there is no loop here */
            return gen_fail(err, GEN_ESTATE, "the input of a dry run is late");
        if (what != GEN_PULL_ITEM)
            return end_group(w, err);
        rc = add_item(w, item, err);
        if (rc)
            return rc;
    }
}

struct rate_sums {
    const struct gen_session *s;
    struct gen_step_rate *rates;
    int64_t n_usage_known[GEN_STEPS_MAX];
};

static int on_tally(void *ud, const struct gen_ledger_tally *t, struct gen_error *err)
{
    struct rate_sums *sums = ud;
    (void)err;
    if (t->state != GEN_ATTEMPT_ANSWERED)
        return GEN_OK;
    for (size_t i = 0; i < sums->s->n_steps; i++) {
        struct gen_step_rate *r = &sums->rates[i];
        if (!gen_str_is(t->step, sums->s->steps[i].name))
            continue;
        r->n_answers += t->n;
        r->latency_s += (double)t->latency_us_sum / 1e6;
        sums->n_usage_known[i] += t->n - t->n_usage_unknown;
        r->tokens_in += t->usage.tokens_in > 0 ? (double)t->usage.tokens_in : 0;
        r->tokens_out += t->usage.tokens_out > 0 ? (double)t->usage.tokens_out : 0;
    }
    return GEN_OK;
}

static int read_rates(struct gen_survey *v, struct gen_session *s, struct gen_error *err)
{
    struct rate_sums sums = {.s = s, .rates = v->rates};
    int rc = s->ledger ? gen_ledger_tallies(s->ledger, 0, on_tally, &sums, err) : GEN_OK;
    for (size_t i = 0; i < s->n_steps; i++) {
        struct gen_step_rate *r = &v->rates[i];
        double n = (double)sums.n_usage_known[i];
        r->tokens_in = n > 0 ? r->tokens_in / n : -1;
        r->tokens_out = n > 0 ? r->tokens_out / n : -1;
        r->latency_s = r->n_answers ? r->latency_s / (double)r->n_answers : -1;
    }
    return rc;
}

int gen_survey_take(struct gen_survey *v, struct gen_session *s, const struct gen_source *source,
                    struct gen_error *err)
{
    *v = (struct gen_survey){.seed = (uint64_t)s->common.seed};
    struct walk w = {
        .v = v,
        .s = s,
        .scratch = gen_arena_make((size_t)64 << 20),
        .user = gen_buf_make((size_t)64 << 20),
    };
    v->sample = calloc(GEN_SAMPLE_MAX, sizeof(*v->sample));
    int rc = v->sample ? gen_sha256_new(&w.hash, err) : gen_nomem(err, "a sample");
    if (rc == GEN_OK)
        rc = walk_input(&w, source, err);
    if (rc == GEN_OK)
        rc = read_rates(v, s, err);
    for (size_t i = 0; i < w.n_group; i++)
        gen_item_free(w.group[i]);
    gen_sha256_free(w.hash);
    gen_arena_release(&w.scratch);
    gen_buf_release(&w.user);
    return rc;
}

void gen_survey_release(struct gen_survey *v)
{
    free(v->sample);
    v->sample = NULL;
    v->n_sample = 0;
}
