/* --dry-run: what would be sent, counted over the whole input and measured on rendered prompts;
 * nothing is sent. */
#include "cli/session.h"

#include "os/file.h"

#include <errno.h>
#include <stdio.h>

#define BYTES_A_TOKEN 4

struct estimate {
    int64_t n_inputs, n_calls, n_prefiltered;
    int64_t bytes_in;
    int64_t tokens_out_max;
    int64_t n_pairs; /* outputs asked of the first step */
    int64_t chunk_bytes;
};

static int ask_one(const struct gen_step *step, struct gen_item *item, struct gen_arena *scratch,
                   struct gen_buf *user, struct estimate *e, struct gen_error *err)
{
    bool is_skip = false;
    e->n_inputs++;
    if (step->prefilter && step->prefilter(step->ud, item, &is_skip)) {
        e->n_prefiltered++;
        return GEN_OK;
    }
    gen_arena_reset(scratch);
    gen_buf_clear(user);
    struct gen_question q = {.user = *user, .scratch = scratch};
    int rc = step->ask(step->ud, &item, 1, &q, err);
    *user = q.user;
    if (rc)
        return rc;
    const struct gen_llm_stable *stable = step->stable(step->ud, item);
    e->n_calls++;
    e->bytes_in += (int64_t)(stable->system.n + q.user.n);
    e->tokens_out_max += q.tokens_out_max;
    e->n_pairs += (int64_t)q.inputs.n_pairs;
    e->chunk_bytes += (int64_t)(item->chunk ? item->chunk->content.n : 0);
    return GEN_OK;
}

static int walk(struct gen_session *s, const struct gen_source *source, struct estimate *e,
                struct gen_error *err)
{
    struct gen_arena scratch = gen_arena_make((size_t)64 << 20);
    struct gen_buf user = gen_buf_make((size_t)16 << 20);
    int rc = GEN_OK;
    for (;;) {
        struct gen_item *item = NULL;
        enum gen_pull what = GEN_PULL_END;
        rc = source->pull(source->ud, false, &item, &what, err);
        if (rc || what != GEN_PULL_ITEM)
            break;
        rc = ask_one(&s->steps[0], item, &scratch, &user, e, err);
        gen_item_free(item);
        if (rc)
            break;
    }
    gen_arena_release(&scratch);
    gen_buf_release(&user);
    return rc;
}

/* Later steps work on pairs that do not exist yet: at most as many as are asked for. */
static void later_step(const struct gen_step *step, const struct estimate *first,
                       struct estimate *e)
{
    struct gen_item nothing = {.position = 0};
    int64_t batch = step->group_max ? (int64_t)step->group_max : 1;
    int64_t pairs_a_chunk =
        first->n_calls ? (first->n_pairs + first->n_calls - 1) / first->n_calls : 0;
    int64_t calls_a_chunk = (pairs_a_chunk + batch - 1) / batch;
    e->n_inputs = first->n_pairs;
    e->n_calls = first->n_calls * calls_a_chunk;
    e->bytes_in = e->n_calls * (int64_t)step->stable(step->ud, &nothing)->system.n +
                  first->chunk_bytes * calls_a_chunk + first->n_pairs * 400;
}

static int print_step(const struct gen_step *step, const struct estimate *e, bool at_most,
                      struct gen_buf *out, struct gen_error *err)
{
    char requests[32];
    char tokens[32];
    gen_ui_number(requests, e->n_calls);
    gen_ui_number(tokens, e->bytes_in / BYTES_A_TOKEN);
    return gen_buf_printf(out, err, "  %-10s %s%s requests, about %s tokens in\n", step->name,
                          at_most ? "at most " : "", requests, tokens);
}

static int print_cost(const struct gen_session *s, int64_t bytes_in, int64_t n_calls,
                      struct gen_buf *out, struct gen_error *err)
{
    if (s->provider->is_local)
        return gen_buf_printf(out, err, "cost: nothing, %s runs on your own machine\n",
                              s->provider->name);
    if (!s->price.known)
        return gen_buf_printf(out, err, "cost: unknown, the price of %s %s is not in prices.yaml\n",
                              s->provider->name, s->model);
    /* Answers of these steps are about 250 tokens an item; the bound of max_tokens would be many
     * times that. */
    double usd = ((double)bytes_in / BYTES_A_TOKEN * s->price.in_usd_per_mtok +
                  (double)n_calls * 700.0 * s->price.out_usd_per_mtok) /
                 1e6;
    return gen_buf_printf(out, err, "cost: about $%.2f, taking 700 tokens an answer\n", usd);
}

int gen_session_dry_run(struct gen_session *s, const struct gen_source *source,
                        struct gen_error *err)
{
    struct estimate first = {.n_calls = 0};
    struct gen_buf out = gen_buf_make((size_t)1 << 20);
    int rc = walk(s, source, &first, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(&out, err,
                            "dry run: nothing is sent\n  %lld %s read, %lld of them are filtered "
                            "or skipped before asking\n",
                            (long long)first.n_inputs, s->steps[0].unit_in,
                            (long long)first.n_prefiltered);
    int64_t bytes_in = first.bytes_in;
    int64_t n_calls = first.n_calls;
    if (rc == GEN_OK)
        rc = print_step(&s->steps[0], &first, false, &out, err);
    for (size_t i = 1; i < s->n_steps && rc == GEN_OK; i++) {
        struct estimate e = {.n_calls = 0};
        later_step(&s->steps[i], &first, &e);
        bytes_in += e.bytes_in;
        n_calls += e.n_calls;
        rc = print_step(&s->steps[i], &e, true, &out, err);
    }
    if (rc == GEN_OK)
        rc = print_cost(s, bytes_in, n_calls, &out, err);
    if (rc == GEN_OK && (fwrite(out.data, 1, out.n, stdout) != out.n || fflush(stdout) != 0))
        rc = gen_fail_errno(err, GEN_EIO, errno, "standard output cannot be written");
    gen_buf_release(&out);
    return rc;
}
