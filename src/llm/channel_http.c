/* The ordinary way: one HTTP request for each question, its answer whole or streamed. */
#include "llm/exchange.h"
#include "llm/stream.h"

#include <stdlib.h>

#define HOPS_MAX 16U /* parts of one answer */

struct http_channel {
    struct gen_channel_options o;
    struct gen_wire whole, streamed;
    struct gen_exchange *live; /* all that are prepared or in flight */
};

struct http_exchange {
    struct gen_exchange head;
    struct http_channel *channel;
    struct gen_buf body;
    bool is_streamed;
    struct gen_llm_stream *stream;
    struct gen_transfer *transfer;
    /* Of answers that come in parts. */
    struct gen_llm_request request;
    char *user; /* of the request; owned */
    unsigned dropped;
    size_t body_bytes; /* of the request under way */
    unsigned n_hops;
    struct gen_buf text, reasoning;
    struct gen_usage usage;
    uint64_t latency_us;
};

static void release(struct gen_exchange *head)
{
    struct http_exchange *x = (struct http_exchange *)head;
    gen_buf_release(&x->body);
    gen_llm_stream_free(x->stream);
    gen_buf_release(&x->text);
    gen_buf_release(&x->reasoning);
    free(x->user);
    free(x);
}

static int build(struct http_exchange *x, const struct gen_llm_request *r, struct gen_error *err)
{
    struct gen_endpoint endpoint = x->channel->o.endpoint;
    endpoint.dropped = x->dropped;
    gen_buf_clear(&x->body);
    x->is_streamed = gen_provider_streams(x->channel->o.provider, r, &endpoint);
    return x->channel->o.provider->build(r, &endpoint, &x->body, err);
}

/* The question outlives its rendering only where the rest of an answer may have to be asked for. */
static int keep_request(struct http_exchange *x, const struct gen_llm_request *r,
                        struct gen_error *err)
{
    x->user = gen_str_dup(r->user);
    if (!x->user)
        return gen_nomem(err, "a request");
    x->request = *r;
    x->request.user.p = x->user;
    x->request.inputs = NULL;
    return GEN_OK;
}

static int prepare(void *state, const struct gen_llm_request *r, const struct gen_digest *key,
                   unsigned dropped, struct gen_exchange **out, struct gen_error *err)
{
    (void)key;
    struct http_channel *c = state;
    struct http_exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return gen_nomem(err, "a request");
    x->channel = c;
    x->body = gen_buf_make(GEN_BUF_UNLIMITED);
    x->text = gen_buf_make(GEN_BUF_UNLIMITED);
    x->reasoning = gen_buf_make(GEN_BUF_UNLIMITED);
    x->dropped = dropped;
    gen_exchange_enter(&c->live, &x->head);
    int rc = c->o.provider->continues ? keep_request(x, r, err) : GEN_OK;
    if (rc == GEN_OK)
        rc = build(x, r, err);
    if (rc) {
        gen_exchange_discard(&x->head, release);
        return rc;
    }
    *out = &x->head;
    return GEN_OK;
}

static void on_data(void *ud, struct gen_str piece)
{
    struct http_exchange *x = ud;
    gen_llm_stream_feed(x->stream, piece);
}

static void on_response(void *ud, const struct gen_http_response *response);

static int start(struct http_exchange *x, struct gen_error *err)
{
    const struct http_channel *c = x->channel;
    const struct gen_wire *wire = x->is_streamed ? &c->streamed : &c->whole;
    int rc = GEN_OK;
    if (x->is_streamed) {
        gen_llm_stream_free(x->stream);
        x->stream = NULL;
        rc = gen_llm_stream_new(&x->stream, c->o.provider, err);
    }
    if (rc)
        return rc;
    struct gen_http_request request = {
        .url = wire->url,
        .post = true,
        .body = gen_buf_str(&x->body),
        .headers = wire->headers,
        .auth_header = wire->auth_header,
        .auth_prefix = wire->auth_prefix,
        .key = c->o.endpoint.key,
        .timeout_ms = c->o.endpoint.timeout_ms,
        .on_data = x->is_streamed ? on_data : NULL,
    };
    x->body_bytes = x->body.n;
    rc = gen_http_send(c->o.http, &request, on_response, x, &x->transfer, err);
    gen_buf_release(&x->body);
    return rc;
}

static int send_exchange(void *state, struct gen_exchange *head, struct gen_error *err)
{
    (void)state;
    return start((struct http_exchange *)head, err);
}

static void add_usage(struct gen_usage *sum, const struct gen_usage *u)
{
    sum->tokens_in = sum->tokens_in < 0 || u->tokens_in < 0 ? -1 : sum->tokens_in + u->tokens_in;
    sum->tokens_out =
        sum->tokens_out < 0 || u->tokens_out < 0 ? -1 : sum->tokens_out + u->tokens_out;
    sum->tokens_cached += u->tokens_cached;
    sum->tokens_reasoning += u->tokens_reasoning;
}

/* One part more of an answer: kept, and the rest asked for. */
static int ask_for_rest(struct http_exchange *x, struct gen_llm_result *part, struct gen_error *err)
{
    add_usage(&x->usage, &part->usage);
    x->latency_us += part->latency_us;
    x->n_hops++;
    int rc = gen_buf_add_str(&x->text, part->text, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&x->reasoning, part->reasoning, err);
    x->request.continuation = part->continuation;
    if (rc == GEN_OK)
        rc = build(x, &x->request, err);
    x->request.continuation = (struct gen_str){NULL, 0};
    return rc ? rc : start(x, err);
}

/* The last part: the whole answer takes its place. */
static int join_parts(struct http_exchange *x, struct gen_llm_result *last, struct gen_error *err)
{
    int rc = gen_buf_add_str(&x->text, last->text, err);
    size_t n_text = x->text.n;
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&x->text, gen_buf_str(&x->reasoning), err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&x->text, last->reasoning, err);
    if (rc)
        return rc;
    add_usage(&last->usage, &x->usage);
    last->latency_us += x->latency_us;
    size_t n = 0;
    free(last->owned);
    last->owned = gen_buf_take(&x->text, &n);
    last->text = (struct gen_str){last->owned, n_text};
    last->reasoning = (struct gen_str){last->owned + n_text, n - n_text};
    return GEN_OK;
}

static int read_answer(struct http_exchange *x, const struct gen_http_response *response,
                       struct gen_llm_result *result, struct gen_error *err)
{
    const struct gen_provider *p = x->channel->o.provider;
    int rc = response->streamed ? gen_llm_stream_end(x->stream, response, result, err)
                                : p->parse(response, result, err);
    if (rc == GEN_OK && p->check)
        p->check(&x->channel->o.endpoint, x->body_bytes, result);
    return rc;
}

static void on_response(void *ud, const struct gen_http_response *response)
{
    struct http_exchange *x = ud;
    struct gen_error err = {.code = GEN_OK};
    struct gen_llm_result result = gen_llm_result_make();
    x->transfer = NULL;
    int rc = read_answer(x, response, &result, &err);
    if (rc == GEN_OK && result.class_code == GEN_CLASS_CONTINUE &&
        x->channel->o.provider->continues && x->n_hops < HOPS_MAX) {
        rc = ask_for_rest(x, &result, &err);
        if (rc == GEN_OK) {
            gen_llm_result_release(&result);
            return;
        }
    }
    if (rc == GEN_OK && x->n_hops)
        rc = join_parts(x, &result, &err);
    gen_exchange_deliver(&x->head, release, &result, rc ? &err : NULL);
}

static void cancel_exchange(void *state, struct gen_exchange *head)
{
    (void)state;
    struct http_exchange *x = (struct http_exchange *)head;
    if (x->transfer)
        gen_http_cancel(x->transfer);
}

static void channel_free(void *state)
{
    struct http_channel *c = state;
    gen_exchange_release_all(&c->live, release);
    free(c);
}

int gen_channel_http_new(struct gen_channel *out, const struct gen_channel_options *o,
                         struct gen_error *err)
{
    static const struct gen_channel_table table = {
        .prepare = prepare,
        .send = send_exchange,
        .cancel = cancel_exchange,
        .release = release,
        .free = channel_free,
    };
    const struct gen_provider *p = o->provider;
    struct http_channel *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "a channel");
    c->o = *o;
    int rc = gen_provider_wire(p, &o->endpoint, o->model, p->chat_path, &c->whole, err);
    if (rc == GEN_OK)
        rc = gen_provider_wire(p, &o->endpoint, o->model,
                               p->stream_path ? p->stream_path : p->chat_path, &c->streamed, err);
    if (rc) {
        free(c);
        return rc;
    }
    *out = (struct gen_channel){&table, c};
    return GEN_OK;
}
