/* One small question to the model, put as a run puts its questions: through the same channel, with
 * a schema, and with what the server refuses left out. */
#include "cli/doctor.h"

#include "ui/ui.h"
#include "json/repair.h"
#include "json/schema.h"

#include <stdio.h>

#define ASK_MS_MAX     120000U
#define DROPPED_MAX    6U
#define TOKENS_OUT_MAX 2048 /* for models that think first */

static const char schema_text[] =
    "{\"type\":\"object\",\"properties\":{\"word\":{\"type\":\"string\"},\"number\":{\"type\":"
    "\"integer\"}},\"required\":[\"word\",\"number\"],\"additionalProperties\":false}";

struct question {
    struct gen_doctor *d;
    struct gen_loop *loop;
    struct gen_channel channel;
    struct gen_json_doc *schema_doc;
    struct gen_schema *schema;
    struct gen_buf wire_schema;
    struct gen_llm_stable stable;
    struct gen_digest key;
    unsigned dropped;
    struct gen_llm_result result;
    int failed; /* ours */
    struct gen_error failure;
};

static void on_result(void *ud, struct gen_llm_result *result, const struct gen_error *failure)
{
    struct question *q = ud;
    q->result = *result;
    if (failure) {
        q->failure = *failure;
        q->failed = (int)failure->code;
    }
    gen_loop_stop(q->loop);
}

static struct gen_llm_request request_of(const struct question *q)
{
    int64_t most = gen_settings_int(q->d->app->settings, GEN_OPT_MAX_TOKENS);
    return (struct gen_llm_request){
        .stable = &q->stable,
        .user = GEN_STR("Answer with a JSON object: \"word\" is the string \"ready\", \"number\" "
                        "is the integer 7. Nothing else."),
        .tokens_out_max = most > 0 && most < TOKENS_OUT_MAX ? most : TOKENS_OUT_MAX,
    };
}

static int send_once(struct question *q, struct gen_error *err)
{
    const struct gen_llm_request request = request_of(q);
    struct gen_exchange *x = NULL;
    gen_llm_result_release(&q->result);
    q->result = gen_llm_result_make();
    int rc = gen_channel_prepare(&q->channel, &request, &q->key, q->dropped, &x, err);
    if (rc)
        return rc;
    rc = gen_channel_send(&q->channel, x, on_result, q, err);
    if (rc) {
        gen_channel_discard(&q->channel, x);
        return rc;
    }
    rc = gen_channel_turn_end(&q->channel, true, err);
    if (rc == GEN_OK)
        rc = gen_loop_run(q->loop, err);
    if (rc == GEN_OK && q->failed) {
        rc = q->failed;
        if (err)
            *err = q->failure;
    }
    return rc;
}

/* As the engine: a parameter that the server does not take is left out, and the rest stays. */
static int send(struct question *q, struct gen_error *err)
{
    for (unsigned i = 0; i < DROPPED_MAX; i++) {
        int rc = send_once(q, err);
        if (rc || q->result.class_code != GEN_CLASS_UNSUPPORTED_PARAM)
            return rc;
        unsigned bit = gen_param_to_drop(q->result.param, q->dropped);
        if (bit == 0 || (q->dropped & bit))
            return GEN_OK;
        q->dropped |= bit;
        if (bit != GEN_PARAM_JSON_MODE)
            gen_doctor_say_endpoint(
                q->d, "parameter", GEN_FOUND_NOTE, "a run leaves it out as well",
                "the server does not take %s: %s", q->result.param, q->result.message);
    }
    return GEN_OK;
}

static void say_key(struct gen_doctor *d)
{
    if (d->chosen.endpoint.key)
        gen_doctor_say_endpoint(d, "key", GEN_FOUND_OK, NULL, "accepted");
    else if (d->chosen.provider->key_env)
        gen_doctor_say_endpoint(d, "key", GEN_FOUND_OK, NULL, "none is set, and none is wanted");
}

/* Whether the text is what the schema wants; `repairs` gets what had to be mended. */
static int check_answer(const struct question *q, bool *fits, struct gen_buf *repairs,
                        struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    unsigned steps = 0;
    *fits = false;
    if (gen_json_repair(&doc, q->result.text, &steps, NULL) != GEN_OK)
        return GEN_OK;
    struct gen_buf faults = gen_buf_make(4096);
    int rc = gen_schema_check(q->schema, gen_json_root(doc), fits, &faults, err);
    if (rc == GEN_OK)
        rc = gen_repair_names(repairs, steps, err);
    gen_buf_release(&faults);
    gen_json_doc_free(doc);
    return rc;
}

static int say_answer(struct question *q, const char *name, struct gen_error *err)
{
    static const char advice[] =
        "take a model or a server that keeps to JSON Schemas; with this one most answers would "
        "have to be asked for again";
    const struct gen_llm_result *r = &q->result;
    struct gen_buf repairs = gen_buf_make(4096);
    bool fits = false;
    int rc = check_answer(q, &fits, &repairs, err);
    char time[32];
    gen_ui_duration(time, (double)r->latency_us / 1e6);
    bool no_schema = q->dropped & (GEN_PARAM_SCHEMA | GEN_PARAM_JSON_MODE);
    if (rc == GEN_OK && !fits)
        gen_doctor_say_endpoint(q->d, name, GEN_FOUND_PROBLEM, advice,
                                "the answer does not keep to the schema: %.*s",
                                r->text.n > 120 ? 120 : (int)r->text.n, r->text.p ? r->text.p : "");
    else if (rc == GEN_OK && repairs.n)
        gen_doctor_say_endpoint(q->d, name, GEN_FOUND_NOTE,
                                "a run mends this, but the server does not enforce the schema",
                                "the answer keeps to the schema after repair (%s)", repairs.data);
    else if (rc == GEN_OK && no_schema)
        gen_doctor_say_endpoint(
            q->d, name, GEN_FOUND_NOTE, "more answers will have to be asked for again",
            "the answer keeps to the schema, which the server does not enforce");
    else if (rc == GEN_OK)
        gen_doctor_say_endpoint(q->d, name, GEN_FOUND_OK, NULL,
                                "an answer that keeps to its schema came in %s", time);
    gen_buf_release(&repairs);
    return rc;
}

/* True when there is nothing more to be said. */
static bool say_unlisted(const struct question *q)
{
    struct gen_doctor *d = q->d;
    const struct gen_llm_result *r = &q->result;
    if (!d->is_unlisted)
        return false;
    if (r->class_code == GEN_CLASS_OK || r->class_code == GEN_CLASS_TRUNCATED ||
        r->class_code == GEN_CLASS_BLOCKED) {
        gen_doctor_say_endpoint(d, "model", GEN_FOUND_NOTE, d->unlisted_advice,
                                "the server's list does not have %s, but it answers",
                                d->chosen.model);
        return false;
    }
    if (r->class_code == GEN_CLASS_AUTH || r->class_code == GEN_CLASS_QUOTA)
        return false;
    gen_doctor_say_endpoint(d, "model", GEN_FOUND_PROBLEM, d->unlisted_advice,
                            "the server does not have %s (%s)", d->chosen.model, r->message);
    return true;
}

static const char *advice_for(enum gen_class c)
{
    switch (c) {
    case GEN_CLASS_QUOTA:
        return "add money or raise the limit at the provider; waiting does not help";
    case GEN_CLASS_CONTEXT_OVERFLOW:
        return "give the model a larger context";
    case GEN_CLASS_TRANSPORT:
        return "look at the server's log; --timeout sets how long an answer may take";
    case GEN_CLASS_BAD_REQUEST:
        return "check --model and --base-url";
    default:
        return "look at the server's log";
    }
}

static int say_result(struct question *q, const char *name, struct gen_error *err)
{
    const struct gen_llm_result *r = &q->result;
    struct gen_doctor *d = q->d;
    const char *class_name = gen_class_name(r->class_code);
    switch (r->class_code) {
    case GEN_CLASS_OK:
        return say_answer(q, name, err);
    case GEN_CLASS_AUTH:
        gen_doctor_say_endpoint(
            d, "key", GEN_FOUND_PROBLEM, d->chosen.provider->setup, "%s: the server says %d: %s",
            d->chosen.endpoint.key ? "refused" : "none is set and one is wanted", r->http_status,
            r->message);
        return GEN_OK;
    case GEN_CLASS_RATE_LIMIT:
    case GEN_CLASS_OVERLOAD:
        gen_doctor_say_endpoint(d, name, GEN_FOUND_NOTE, "a run waits and asks again",
                                "not tried: the server is busy (%s: %s)", class_name, r->message);
        return GEN_OK;
    case GEN_CLASS_TRUNCATED:
    case GEN_CLASS_BLOCKED:
        gen_doctor_say_endpoint(d, name, GEN_FOUND_NOTE, NULL, "no whole answer (%s): %s",
                                class_name, r->message);
        return GEN_OK;
    default:
        gen_doctor_say_endpoint(d, name, GEN_FOUND_PROBLEM, advice_for(r->class_code),
                                "no answer (%s): %s", class_name, r->message);
        return GEN_OK;
    }
}

static int prepare(struct question *q, struct gen_error *err)
{
    const struct gen_chosen *c = &q->d->chosen;
    struct gen_sha256 *hash = NULL;
    int rc = gen_json_parse(&q->schema_doc, GEN_STR(schema_text), err);
    const struct gen_json *schema = gen_json_root(q->schema_doc);
    if (rc == GEN_OK)
        rc = gen_schema_new(&q->schema, schema, err);
    if (rc == GEN_OK)
        rc = gen_dialect_render(c->provider->dialect, schema, &q->wire_schema, err);
    q->stable = (struct gen_llm_stable){
        .provider = c->provider->name,
        .model = c->model,
        .system = GEN_STR("You test a connection. You answer with JSON alone."),
        .schema = GEN_STR(schema_text),
        .wire_schema = gen_buf_str(&q->wire_schema),
        .schema_json = schema,
        .schema_name = "test",
    };
    if (rc == GEN_OK)
        rc = gen_sha256_new(&hash, err);
    if (rc == GEN_OK)
        rc = gen_llm_stable_init(&q->stable, hash, err);
    const struct gen_llm_request request = request_of(q);
    if (rc == GEN_OK)
        rc = gen_llm_key(&request, hash, &q->key, err);
    gen_sha256_free(hash);
    return rc;
}

int gen_doctor_ask(struct gen_doctor *d, bool is_streamed, struct gen_error *err)
{
    struct question q = {
        .d = d,
        .wire_schema = gen_buf_make((size_t)1 << 20),
        .result = gen_llm_result_make(),
    };
    struct gen_chosen chosen = d->chosen;
    struct gen_http *http = NULL;
    const struct gen_http_options options = {.in_flight_max = 1};
    chosen.endpoint.stream = is_streamed ? GEN_STREAM_ON : GEN_STREAM_AUTO;
    if (chosen.endpoint.timeout_ms > ASK_MS_MAX)
        chosen.endpoint.timeout_ms = ASK_MS_MAX;
    int rc = prepare(&q, err);
    if (rc == GEN_OK)
        rc = gen_loop_new(&q.loop, err);
    if (rc == GEN_OK && gen_chosen_needs_network(&chosen))
        rc = gen_http_new(&http, q.loop, &options, err);
    if (rc == GEN_OK)
        rc = gen_chosen_channel(&chosen, q.loop, http, &d->log, &q.channel, err);
    if (rc == GEN_OK)
        rc = send(&q, err);
    if (rc == GEN_OK && q.result.class_code == GEN_CLASS_OK && !is_streamed)
        say_key(d);
    if (rc == GEN_OK && (is_streamed || !say_unlisted(&q)))
        rc = say_result(&q, is_streamed ? "streaming" : "schema", err);
    gen_llm_result_release(&q.result);
    gen_http_free(http);
    gen_channel_free(&q.channel);
    gen_loop_free(q.loop);
    gen_schema_free(q.schema);
    gen_json_doc_free(q.schema_doc);
    gen_buf_release(&q.wire_schema);
    return rc;
}
