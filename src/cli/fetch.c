#include "cli/fetch.h"

struct fetch {
    struct gen_loop *loop;
    gen_http_fn *fn;
    void *ud;
};

static void on_answer(void *ud, const struct gen_http_response *r)
{
    struct fetch *f = ud;
    f->fn(f->ud, r);
    gen_loop_stop(f->loop);
}

int gen_fetch(const struct gen_provider *provider, const struct gen_endpoint *endpoint,
              const char *url, struct gen_str body, uint64_t timeout_ms, gen_http_fn *fn, void *ud,
              struct gen_error *err)
{
    struct fetch f = {.fn = fn, .ud = ud};
    struct gen_http *http = NULL;
    struct gen_wire wire;
    const struct gen_http_options options = {.in_flight_max = 1, .connect_ms = timeout_ms};
    int rc = gen_provider_wire(provider, endpoint, "", "", &wire, err);
    if (rc)
        return rc;
    const struct gen_http_request request = {
        .url = url,
        .post = body.n > 0,
        .body = body,
        .headers = wire.headers,
        .auth_header = wire.auth_header,
        .auth_prefix = wire.auth_prefix,
        .key = wire.auth_header ? endpoint->key : NULL,
        .timeout_ms = timeout_ms,
    };
    rc = gen_loop_new(&f.loop, err);
    if (rc)
        return rc;
    rc = gen_http_new(&http, f.loop, &options, err);
    if (rc == GEN_OK)
        rc = gen_http_send(http, &request, on_answer, &f, NULL, err);
    if (rc == GEN_OK)
        rc = gen_loop_run(f.loop, err);
    gen_http_free(http);
    gen_loop_free(f.loop);
    return rc;
}
