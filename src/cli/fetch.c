#include "cli/fetch.h"

struct waiting {
    struct gen_loop *loop;
    gen_http_fn *fn;
    void *ud;
};

static void on_answer(void *ud, const struct gen_http_response *r)
{
    const struct waiting *w = ud;
    w->fn(w->ud, r);
    gen_loop_stop(w->loop);
}

int gen_fetch(const struct gen_provider *provider, const struct gen_endpoint *endpoint,
              const struct gen_fetch *what, gen_http_fn *fn, void *ud, struct gen_error *err)
{
    struct waiting w = {.fn = fn, .ud = ud};
    struct gen_http *http = NULL;
    struct gen_wire wire;
    const struct gen_http_options options = {.in_flight_max = 1, .connect_ms = what->timeout_ms};
    int rc = gen_provider_wire(provider, endpoint, "", "", &wire, err);
    if (rc)
        return rc;
    const struct gen_http_request request = {
        .url = what->url,
        .post = what->post,
        .body = what->body,
        .headers = wire.headers,
        .auth_header = wire.auth_header,
        .auth_prefix = wire.auth_prefix,
        .key = wire.auth_header ? endpoint->key : NULL,
        .timeout_ms = what->timeout_ms,
        .body_bytes_max = what->body_bytes_max,
    };
    rc = gen_loop_new(&w.loop, err);
    if (rc)
        return rc;
    rc = gen_http_new(&http, w.loop, &options, err);
    if (rc == GEN_OK)
        rc = gen_http_send(http, &request, on_answer, &w, NULL, err);
    if (rc == GEN_OK)
        rc = gen_loop_run(w.loop, err);
    gen_http_free(http);
    gen_loop_free(w.loop);
    return rc;
}
