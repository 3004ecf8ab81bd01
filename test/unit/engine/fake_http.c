/* Stands in for net/http.c: an answer takes some turns of the loop instead of time. */
#include "engine_world.h"

#include <stdlib.h>

struct gen_transfer {
    struct gen_transfer *next;
    struct gen_http *http;
    gen_http_fn *fn;
    void *ud;
    struct gen_llm_result result;
    unsigned n_turns;
    bool canceled;
};

struct gen_http {
    struct gen_loop *loop;
    struct gen_turn *turn;
    struct gen_transfer *first;
    size_t n;
};

static void end_transfer(struct gen_transfer *t)
{
    struct gen_http_response response = {
        .transport = t->canceled ? GEN_TRANSPORT_CANCELED : GEN_TRANSPORT_OK,
        .status = 200,
        .body = {(const char *)&t->result, sizeof(t->result)},
        .detail = "",
    };
    t->http->n--;
    t->fn(t->ud, &response);
    gen_llm_result_release(&t->result);
    free(t);
}

static void deliver(void *ud)
{
    struct gen_http *http = ud;
    struct gen_transfer *all = http->first;
    http->first = NULL;
    struct gen_transfer **tail = &http->first;
    struct gen_transfer *due = NULL;
    struct gen_transfer **due_tail = &due;
    while (all) {
        struct gen_transfer *t = all;
        all = t->next;
        t->next = NULL;
        if (t->canceled || t->n_turns == 0) {
            *due_tail = t;
            due_tail = &t->next;
        } else {
            t->n_turns--;
            *tail = t;
            tail = &t->next;
        }
    }
    while (due) {
        struct gen_transfer *t = due;
        due = t->next;
        end_transfer(t);
    }
    if (http->first)
        gen_loop_wake(http->loop);
}

struct gen_http *fake_http_new(struct gen_loop *loop)
{
    struct gen_http *http = calloc(1, sizeof(*http));
    assert_non_null(http);
    http->loop = loop;
    assert_int_equal(gen_turn_new(&http->turn, loop, deliver, NULL, http, NULL), GEN_OK);
    return http;
}

void fake_http_free(struct gen_http *http)
{
    while (http && http->first) {
        struct gen_transfer *t = http->first;
        http->first = t->next;
        gen_llm_result_release(&t->result);
        free(t);
    }
    if (http)
        gen_turn_free(http->turn);
    free(http);
}

size_t fake_http_pending(const struct gen_http *http)
{
    return http->n;
}

int gen_http_send(struct gen_http *http, const struct gen_http_request *request, gen_http_fn *fn,
                  void *ud, struct gen_transfer **out, struct gen_error *err)
{
    struct gen_transfer *t = calloc(1, sizeof(*t));
    if (!t)
        return gen_nomem(err, "a transfer");
    /* The body is the sample number, how often it was reseeded, and the user's words. */
    char *words = NULL;
    unsigned long sample = strtoul(request->body.p, &words, 10);
    unsigned long reseed = strtoul(words, &words, 10);
    words++;
    t->http = http;
    t->fn = fn;
    t->ud = ud;
    t->result = gen_llm_result_make();
    world_answer((struct gen_str){words, request->body.n - (size_t)(words - request->body.p)},
                 (unsigned)sample, (unsigned)reseed, &t->result, &t->n_turns);
    struct gen_transfer **link = &http->first;
    while (*link)
        link = &(*link)->next;
    *link = t;
    http->n++;
    if (out)
        *out = t;
    gen_loop_wake(http->loop);
    return GEN_OK;
}

void gen_http_cancel(struct gen_transfer *t)
{
    t->canceled = true;
    gen_loop_wake(t->http->loop);
}

const char *gen_transport_name(enum gen_transport t)
{
    return t == GEN_TRANSPORT_CANCELED ? "canceled" : "other";
}
