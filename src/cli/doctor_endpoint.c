/* What doctor finds at the endpoint, without asking the model anything. */
#include "cli/doctor.h"
#include "cli/fetch.h"
#include "llm/facts.h"

#include "os/process.h"

#include <stdio.h>
#include <string.h>

#define PROBE_MS   15000U
#define PROGRAM_MS 30000U

struct look {
    struct gen_doctor *d;
    const struct gen_probe *probe; /* NULL: whatever the server answers, it is there */
    struct gen_model_facts facts;
    bool is_there; /* some answer came */
    bool is_refused;
    bool is_said; /* the rest is not worth looking at */
    int failed;   /* ours */
};

static const char *advice_for(enum gen_transport t, const struct gen_provider *p)
{
    switch (t) {
    case GEN_TRANSPORT_RESOLVE:
        return "check the host's name in --base-url, and the network";
    case GEN_TRANSPORT_CONNECT:
        return p->setup;
    case GEN_TRANSPORT_TLS:
        return "check https and the host's name; SSL_CERT_FILE names further certificates";
    case GEN_TRANSPORT_TIMEOUT:
        return "check the address, the network and a proxy in between";
    default:
        return "check that a model server is at that address and port";
    }
}

static bool is_https(const struct gen_doctor *d)
{
    return strncmp(d->chosen.base_url, "https://", 8) == 0;
}

/* The first answer of all: is somebody there? */
static void say_there(struct look *l, const struct gen_http_response *r)
{
    struct gen_doctor *d = l->d;
    const char *url = d->chosen.base_url;
    if (l->is_there)
        return;
    if (r->transport != GEN_TRANSPORT_OK) {
        gen_doctor_say_endpoint(d, r->transport == GEN_TRANSPORT_TLS ? "tls" : "endpoint",
                                GEN_FOUND_PROBLEM, advice_for(r->transport, d->chosen.provider),
                                "%s does not answer: %s (%s)", url,
                                gen_transport_name(r->transport), r->detail);
        l->is_said = true;
        return;
    }
    l->is_there = true;
    if (r->status >= 300 && r->status < 400) {
        gen_doctor_say_endpoint(d, "endpoint", GEN_FOUND_PROBLEM,
                                "give the final address with --base-url: redirects are not "
                                "followed, because the key would go with them",
                                "%s answers with HTTP %d, a redirect to %.*s", url, r->status,
                                GEN_STR_ARG(r->headers[GEN_HEADER_LOCATION]));
        l->is_said = true;
        return;
    }
    gen_doctor_say_endpoint(d, "endpoint", GEN_FOUND_OK, NULL, "%s answers in %llu ms", url,
                            (unsigned long long)(r->latency_us / 1000));
    if (is_https(d))
        gen_doctor_say_endpoint(d, "tls", GEN_FOUND_OK, NULL, "the certificate is good");
}

static void on_probe(void *ud, const struct gen_http_response *r)
{
    struct look *l = ud;
    struct gen_doctor *d = l->d;
    struct gen_llm_result result = gen_llm_result_make();
    say_there(l, r);
    if (l->is_said || !l->probe)
        return;
    l->failed = gen_probe_read(l->probe, r, d->chosen.model, &l->facts, &result, NULL);
    if (!l->failed && result.class_code == GEN_CLASS_AUTH) {
        gen_doctor_say_endpoint(d, "key", GEN_FOUND_PROBLEM,
                                d->chosen.provider->key_env ? d->chosen.provider->setup : NULL,
                                "%s: the server says %d: %s",
                                d->chosen.endpoint.key ? "refused"
                                                       : "none is set and one is wanted",
                                result.http_status, result.message);
        l->is_said = true;
    }
    gen_llm_result_release(&result);
}

static int probe(struct look *l, const struct gen_probe *probe, struct gen_error *err)
{
    const struct gen_chosen *c = &l->d->chosen;
    struct gen_buf body = gen_buf_make((size_t)64 << 10);
    struct gen_jb *b = NULL;
    char url[2048];
    l->probe = probe;
    int rc = gen_probe_url(probe, &c->endpoint, c->model, url, sizeof(url), err);
    if (rc == GEN_OK && probe->post_model) {
        rc = gen_jb_new(&b, err);
        struct gen_jmut *o = rc ? NULL : gen_jb_object(b);
        if (rc == GEN_OK) {
            gen_jb_put_cstr(b, o, "model", c->model);
            rc = gen_jb_write(b, o, GEN_JSON_COMPACT, &body, err);
        }
        gen_jb_free(b);
    }
    if (rc == GEN_OK)
        rc = gen_fetch(c->provider, &c->endpoint,
                       &(struct gen_fetch){.url = url,
                                           .post = probe->post_model,
                                           .body = gen_buf_str(&body),
                                           .timeout_ms = PROBE_MS},
                       on_probe, l, err);
    gen_buf_release(&body);
    return rc ? rc : l->failed;
}

static int probe_life(struct look *l, struct gen_error *err)
{
    const struct gen_chosen *c = &l->d->chosen;
    char url[2048];
    const char *path = c->provider->probe_path ? c->provider->probe_path : "";
    int rc = gen_provider_url(c->base_url, path, c->model, url, sizeof(url), err);
    return rc ? rc
              : gen_fetch(c->provider, &c->endpoint,
                          &(struct gen_fetch){.url = url, .timeout_ms = PROBE_MS}, on_probe, l,
                          err);
}

static void look_at_name(struct gen_doctor *d, const struct gen_model_facts *f)
{
    const char *model = d->chosen.model;
    char *advice = d->unlisted_advice;
    size_t n = sizeof(d->unlisted_advice);
    d->is_unlisted = f->exists == GEN_FACT_NO;
    if (f->exists == GEN_FACT_YES)
        gen_doctor_say_endpoint(d, "model", GEN_FOUND_OK, NULL, "%s is known to the server", model);
    else if (f->exists == GEN_FACT_UNKNOWN)
        gen_doctor_say_endpoint(d, "model", GEN_FOUND_NOTE, NULL,
                                "the server does not say whether it has %s", model);
    else if (f->nearest[0])
        (void)snprintf(advice, n, "the nearest of those it has (%zu): --model %s", f->n_models,
                       f->nearest);
    else if (d->chosen.provider->is_local)
        (void)snprintf(advice, n, "name another with --model, or: %s", d->chosen.provider->setup);
    else
        (void)snprintf(advice, n, "name another with --model");
}

/* What our largest request needs, against what the model can hold. */
static void say_context(struct gen_doctor *d, const struct gen_model_facts *f)
{
    int64_t context = f->context_tokens;
    int64_t num_ctx = d->chosen.provider->takes_num_ctx ? d->chosen.endpoint.num_ctx : 0;
    int64_t in = d->bytes_in_max / 4;
    int64_t need = in + d->tokens_out_max;
    if (num_ctx > 0 && context > 0 && num_ctx > context)
        gen_doctor_say_endpoint(d, "num_ctx", GEN_FOUND_NOTE, "give --num-ctx a smaller number",
                                "%lld is more than the %lld that the model was made for",
                                (long long)num_ctx, (long long)context);
    if (num_ctx > 0 && (context < 0 || num_ctx < context))
        context = num_ctx;
    if (!d->largest_step) {
        if (context > 0)
            gen_doctor_say_endpoint(d, "context", GEN_FOUND_OK, NULL, "%lld tokens",
                                    (long long)context);
        return;
    }
    if (context < 0)
        gen_doctor_say_endpoint(d, "context", GEN_FOUND_NOTE, NULL,
                                "the server does not say how much it holds; our largest request "
                                "needs about %lld tokens",
                                (long long)need);
    else if (need > context)
        gen_doctor_say_endpoint(
            d, "context", GEN_FOUND_PROBLEM,
            d->chosen.provider->takes_num_ctx
                ? "raise --num-ctx, or make chunks smaller (--chunk-size)"
                : "give the server a larger context, make chunks smaller (--chunk-size), or limit "
                  "the answer (--max-tokens)",
            "it holds %lld tokens; the largest request (%s) needs about %lld for the question and "
            "up to %lld for the answer",
            (long long)context, d->largest_step, (long long)in, (long long)d->tokens_out_max);
    else
        gen_doctor_say_endpoint(d, "context", GEN_FOUND_OK, NULL,
                                "%lld tokens; our largest request (%s) needs about %lld",
                                (long long)context, d->largest_step, (long long)need);
    if (f->tokens_out_max > 0 && d->tokens_out_max > f->tokens_out_max)
        gen_doctor_say_endpoint(d, "answers", GEN_FOUND_NOTE, "give --max-tokens",
                                "the model writes at most %lld tokens; %s asks for up to %lld",
                                (long long)f->tokens_out_max, d->largest_step,
                                (long long)d->tokens_out_max);
}

int gen_doctor_endpoint(struct gen_doctor *d, struct gen_error *err)
{
    const struct gen_probe *probes = d->chosen.provider->probes;
    struct look l = {.d = d, .facts = gen_model_facts_make()};
    int rc = GEN_OK;
    for (const struct gen_probe *p = probes; p && p->path && rc == GEN_OK && !l.is_said; p++)
        rc = probe(&l, p, err);
    if (rc == GEN_OK && !l.is_there && !l.is_said)
        rc = probe_life(&l, err);
    if (rc || l.is_said)
        return rc;
    look_at_name(d, &l.facts);
    if (!d->is_unlisted)
        say_context(d, &l.facts);
    if (l.facts.structured_outputs == GEN_FACT_NO)
        gen_doctor_say_endpoint(d, "schema", GEN_FOUND_NOTE, NULL,
                                "the server says that %s takes no JSON Schema", d->chosen.model);
    return GEN_OK;
}

struct login {
    struct gen_doctor *d;
    struct gen_loop *loop;
};

static void on_login(void *ud, const struct gen_process_end *end)
{
    struct login *l = ud;
    struct gen_doctor *d = l->d;
    struct gen_json_doc *doc = NULL;
    bool is_in = false;
    gen_loop_stop(l->loop);
    bool is_json = gen_json_parse(&doc, gen_str_trim(end->output), NULL) == GEN_OK;
    bool is_told =
        is_json && gen_json_as_bool(gen_json_get(gen_json_root(doc), "loggedIn"), &is_in);
    gen_json_doc_free(doc);
    if (end->timed_out)
        gen_doctor_say_endpoint(d, "login", GEN_FOUND_PROBLEM, "run it by hand",
                                "%s said nothing within %u s", d->chosen.program.data,
                                PROGRAM_MS / 1000);
    else if (!is_told)
        gen_doctor_say_endpoint(d, "login", GEN_FOUND_NOTE, NULL,
                                "%s does not tell whether it is logged in", d->chosen.program.data);
    else if (is_in)
        gen_doctor_say_endpoint(d, "login", GEN_FOUND_OK, NULL, "logged in");
    else if (d->chosen.endpoint.key)
        gen_doctor_say_endpoint(d, "login", GEN_FOUND_NOTE, NULL,
                                "not logged in; the key in the environment is used");
    else
        gen_doctor_say_endpoint(d, "login", GEN_FOUND_PROBLEM, d->chosen.provider->setup,
                                "%s is not logged in", d->chosen.program.data);
}

/* Whether the program is logged in, by its own word. */
int gen_doctor_program(struct gen_doctor *d, struct gen_error *err)
{
    const char *program = d->chosen.program.data;
    const char *const argv[] = {program, "auth", "status", NULL};
    const struct gen_process_options o = {
        .argv = argv, .output_bytes_max = (size_t)1 << 20, .timeout_ms = PROGRAM_MS};
    struct login l = {.d = d};
    struct gen_process *process = NULL;
    struct gen_error why = {.msg = ""};
    gen_doctor_say_endpoint(d, "program", GEN_FOUND_OK, NULL, "%s", program);
    int rc = gen_loop_new(&l.loop, err);
    if (rc)
        return rc;
    if (gen_process_start(&process, l.loop, &o, on_login, &l, &why) != GEN_OK)
        gen_doctor_say_endpoint(d, "program", GEN_FOUND_PROBLEM, d->chosen.provider->setup, "%s",
                                why.msg);
    else
        rc = gen_loop_run(l.loop, err);
    gen_loop_free(l.loop);
    return rc;
}
