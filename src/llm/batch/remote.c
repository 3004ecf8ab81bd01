/* The conversation with the provider about one batch: upload, creation, asking how far it is,
 * fetching what it has answered. A creation whose answer was lost is looked for before it is
 * repeated (seek.c). */
#include "llm/batch/batch_int.h"

#include <stdio.h>
#include <stdlib.h>

#define QUESTION_TRIES   6U
#define POLL_TRIES       100U
#define FETCHES_MAX      4U
#define RETRY_MS         1000U
#define RETRY_MS_MAX     60000U
#define FIRST_POLL_MS    2000U
#define LONG_TRANSFER_MS 600000U

static void on_timer(void *ud);
static void on_uploaded(void *ud, const struct gen_http_response *response);
static void on_created(void *ud, const struct gen_http_response *response);
static void on_status(void *ud, const struct gen_http_response *response);
static void on_results(void *ud, const struct gen_http_response *response);

const char *gen_batch_name(const struct batch *b)
{
    return b->id[0] ? b->id : b->marker;
}

bool gen_batch_name_is_fine(struct gen_str name)
{
    if (name.n == 0 || name.n >= GEN_BATCH_TEXT_BYTES ||
        gen_str_find(name, GEN_STR(".."), 0) != SIZE_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && !strchr("-_./:", c))
            return false;
    }
    return true;
}

/* Not by gen_classify: an operation that has failed looks like an error of the server. */
bool gen_batch_read(const struct gen_batch_protocol *p, const struct gen_http_response *response,
                    struct gen_json_doc **doc, struct gen_batch_remote *out)
{
    *doc = NULL;
    if (response->transport != GEN_TRANSPORT_OK || response->status < 200 ||
        response->status >= 300 ||
        gen_json_parse(doc, gen_str_trim(response->body), NULL) != GEN_OK)
        return false;
    if (p->read(gen_json_root(*doc), out))
        return true;
    gen_json_doc_free(*doc);
    *doc = NULL;
    return false;
}

void gen_batch_copy_name(char *to, struct gen_str name)
{
    (void)snprintf(to, GEN_BATCH_TEXT_BYTES, "%.*s",
                   GEN_STR_ARG(gen_str_sub(name, 0, GEN_BATCH_TEXT_BYTES - 1)));
}

void gen_batch_fault(struct batch *b, int rc, const struct gen_error *err)
{
    gen_batch_fail(b->channel, rc, err);
}

static int put_on_record(const struct batch *b, enum gen_batch_state state, struct gen_error *err)
{
    struct gen_ledger *ledger = b->channel->b.ledger;
    int rc = gen_ledger_begin(ledger, err);
    if (rc == GEN_OK)
        rc = gen_ledger_batch_update(ledger, b->row, state, gen_str_from(b->id), err);
    return rc;
}

int gen_batch_wire(const struct gen_provider *p, const struct gen_endpoint *e, const char *model,
                   const char *path, struct gen_str id, struct gen_wire *wire,
                   struct gen_error *err)
{
    struct gen_buf full = gen_buf_make(2048);
    struct gen_str rest = gen_str_from(path);
    size_t at = gen_str_find(rest, GEN_STR("{id}"), 0);
    if (at != SIZE_MAX && !gen_batch_name_is_fine(id))
        return gen_fail(err, GEN_EPARSE, "\"%.*s\" is no name of a batch or file",
                        GEN_STR_ARG(gen_str_sub(id, 0, 60)));
    int rc = gen_buf_add_str(&full, gen_str_sub(rest, 0, at), err);
    if (rc == GEN_OK && at != SIZE_MAX)
        rc = gen_buf_add_str(&full, id, err);
    if (rc == GEN_OK && at != SIZE_MAX)
        rc = gen_buf_add_str(&full, gen_str_sub(rest, at + 4, rest.n), err);
    if (rc == GEN_OK)
        rc = gen_provider_wire(p, e, model, full.data, wire, err);
    gen_buf_release(&full);
    return rc;
}

struct question {
    const char *path;
    struct gen_str id; /* for "{id}" in it */
    bool post;         /* the batch's form */
    const char *type;  /* of the form, a header; NULL: JSON */
    bool once;         /* twice would be paid twice */
    bool is_long;      /* megabytes go one way or the other */
    gen_http_fn *fn;
};

static int ask(struct batch *b, const struct question *q, struct gen_error *err)
{
    const struct gen_channel_options *o = &b->channel->o;
    struct gen_wire wire;
    int rc = gen_batch_wire(o->provider, &o->endpoint, o->model, q->path, q->id, &wire, err);
    if (rc)
        return rc;
    if (q->type)
        wire.headers[0] = q->type;
    bool needs_more = q->is_long && o->endpoint.timeout_ms < LONG_TRANSFER_MS;
    struct gen_http_request request = {
        .url = wire.url,
        .post = q->post,
        .body = q->post ? gen_buf_str(&b->form) : (struct gen_str){NULL, 0},
        .body_is_borrowed = q->post,
        .once = q->once,
        .headers = wire.headers,
        .auth_header = wire.auth_header,
        .auth_prefix = wire.auth_prefix,
        .key = o->endpoint.key,
        .timeout_ms = needs_more ? LONG_TRANSFER_MS : o->endpoint.timeout_ms,
        .body_bytes_max = GEN_BATCH_ANSWER_MAX,
    };
    return gen_http_send(o->http, &request, q->fn, b, NULL, err);
}

void gen_batch_get(struct batch *b, const char *path, struct gen_str id, bool is_long,
                   gen_http_fn *fn)
{
    struct gen_error err = {.msg = ""};
    const struct question q = {.path = path, .id = id, .is_long = is_long, .fn = fn};
    int rc = ask(b, &q, &err);
    if (rc)
        gen_batch_fault(b, rc, &err);
}

void gen_batch_later(struct batch *b, uint64_t delay_ms)
{
    struct gen_error err = {.msg = ""};
    int rc = b->timer ? GEN_OK : gen_timer_new(&b->timer, b->channel->o.loop, on_timer, b, &err);
    if (rc)
        gen_batch_fault(b, rc, &err);
    else
        gen_timer_start(b->timer, delay_ms, 0);
}

void gen_batch_refuse(struct batch *b, const struct gen_llm_result *why)
{
    bool is_told = false;
    for (struct batch_entry *e = b->entries; e; e = e->next_in_batch) {
        if (!e->exchange || e->is_answered)
            continue;
        struct gen_llm_result result = gen_llm_result_make();
        bool is_spared = why->stop_provider && is_told;
        result.class_code = is_spared ? GEN_CLASS_CANCELED : why->class_code;
        result.http_status = why->http_status;
        result.stop_provider = why->stop_provider && !is_told;
        result.retry_after_ms = why->retry_after_ms;
        gen_llm_set_message(&result, gen_str_from(why->message));
        gen_batch_deliver(e->exchange, &result, NULL);
        is_told = true;
    }
    gen_batch_forget(b);
    gen_loop_wake(b->channel->o.loop);
}

void gen_batch_give_up(struct batch *b, const struct gen_llm_result *why)
{
    struct gen_error err = {.msg = ""};
    int rc = put_on_record(b, GEN_BATCH_FAILED, &err);
    gen_log(b->channel->o.log, GEN_LOG_WARN, "batch", "batch %s: %s", gen_batch_name(b),
            why->message);
    if (rc)
        gen_batch_fault(b, rc, &err);
    gen_batch_refuse(b, why);
}

/* It may well be alive: it stays on record for a later run, and this one must not submit its
 * requests again. */
static void leave(struct batch *b, struct gen_llm_result *why)
{
    char text[500];
    (void)snprintf(text, sizeof(text), "batch %s cannot be asked after: %.380s", gen_batch_name(b),
                   why->message);
    gen_llm_set_message(why, gen_str_from(text));
    why->stop_provider = true;
    gen_batch_refuse(b, why);
}

static bool is_passing(const struct batch *b, const struct gen_llm_result *r)
{
    enum gen_class c = r->class_code;
    /* A new batch or its results are not known to all servers of a provider at once. */
    bool is_asked = b->phase == BATCH_RUNNING || b->phase == BATCH_FETCHING;
    if (is_asked && r->http_status == 404 && b->n_failures < QUESTION_TRIES)
        return true;
    return c == GEN_CLASS_TRANSPORT || c == GEN_CLASS_RATE_LIMIT || c == GEN_CLASS_OVERLOAD ||
           c == GEN_CLASS_SERVER_ERROR;
}

static uint64_t retry_delay(const struct batch *b, const struct gen_llm_result *r)
{
    uint64_t poll = b->channel->b.poll_ms;
    uint64_t base = poll < RETRY_MS ? poll : RETRY_MS;
    uint64_t wait = b->n_failures < 6 ? base << b->n_failures : RETRY_MS_MAX;
    if (r->retry_after_ms > 0 && (uint64_t)r->retry_after_ms > wait)
        wait = (uint64_t)r->retry_after_ms;
    return wait > RETRY_MS_MAX * 10 ? RETRY_MS_MAX * 10 : wait;
}

void gen_batch_failed(struct batch *b, struct gen_llm_result *result)
{
    bool is_ours = b->phase == BATCH_UPLOADING || b->phase == BATCH_CREATING;
    if (result->class_code == GEN_CLASS_CANCELED)
        return;
    if (is_passing(b, result) && ++b->n_failures < (is_ours ? QUESTION_TRIES : POLL_TRIES)) {
        gen_log(b->channel->o.log, b->n_failures == 5 ? GEN_LOG_WARN : GEN_LOG_DEBUG, "batch",
                "batch %s: %s; asked again", gen_batch_name(b), result->message);
        gen_batch_later(b, retry_delay(b, result));
    } else if (is_ours) {
        /* A parameter can be left out; for all else the next batch would be refused as well. */
        result->stop_provider |=
            !is_passing(b, result) && result->class_code != GEN_CLASS_UNSUPPORTED_PARAM;
        gen_batch_give_up(b, result);
    } else {
        leave(b, result);
    }
}

bool gen_batch_is_success(struct batch *b, const struct gen_http_response *response,
                          struct gen_llm_result *result, const struct gen_json **body)
{
    if (!gen_classify(response, result, body)) {
        b->n_failures = 0;
        return true;
    }
    gen_batch_failed(b, result);
    return false;
}

void gen_batch_create(struct batch *b)
{
    const struct batch_channel *c = b->channel;
    struct gen_error err = {.msg = ""};
    gen_buf_release(&b->form);
    int rc = c->protocol->create_body(gen_buf_str(&b->requests), gen_str_from(b->file_id),
                                      b->marker, &b->form, &err);
    b->phase = BATCH_CREATING;
    const struct question q = {
        .path = c->protocol->create_path,
        .post = true,
        .once = true,
        .is_long = true,
        .fn = on_created,
    };
    if (rc == GEN_OK)
        rc = ask(b, &q, &err);
    if (rc)
        gen_batch_fault(b, rc, &err);
}

static void start_upload(struct batch *b)
{
    const struct batch_channel *c = b->channel;
    struct gen_error err = {.msg = ""};
    gen_buf_release(&b->form);
    int rc = c->protocol->upload_body(gen_buf_str(&b->requests), b->marker, &b->form, b->form_type,
                                      sizeof(b->form_type), &err);
    b->phase = BATCH_UPLOADING;
    const struct question q = {.path = c->protocol->upload_path,
                               .post = true,
                               .type = b->form_type,
                               .is_long = true,
                               .fn = on_uploaded};
    if (rc == GEN_OK)
        rc = ask(b, &q, &err);
    if (rc)
        gen_batch_fault(b, rc, &err);
}

static int take_keys(const struct batch *b, struct gen_digest **out, struct gen_error *err)
{
    struct gen_digest *keys = calloc(b->n_entries, sizeof(*keys));
    if (!keys)
        return gen_nomem(err, "the keys of a batch");
    size_t n = 0;
    for (const struct batch_entry *e = b->entries; e; e = e->next_in_batch)
        keys[n++] = e->key;
    *out = keys;
    return GEN_OK;
}

int gen_batch_submit(struct batch *b, struct gen_error *err)
{
    struct batch_channel *c = b->channel;
    const struct gen_ledger_batch row = {
        .provider = gen_str_from(c->o.provider->name),
        .base_url = gen_str_from(c->o.endpoint.base_url),
        .model = gen_str_from(c->o.model),
        .marker = gen_str_from(b->marker),
        .n_requests = (int64_t)b->n_entries,
        .run_id = c->b.run_id,
    };
    struct gen_digest *keys = NULL;
    int rc = take_keys(b, &keys, err);
    if (rc == GEN_OK)
        rc = gen_ledger_begin(c->b.ledger, err);
    if (rc == GEN_OK)
        rc = gen_ledger_batch_begin(c->b.ledger, &row, keys, b->n_entries, &b->row, err);
    free(keys);
    /* On record before its bytes leave: what is at the provider is paid. */
    if (rc == GEN_OK)
        rc = gen_ledger_commit(c->b.ledger, err);
    if (rc)
        return rc;
    b->n_requests = row.n_requests;
    b->run_id = row.run_id;
    b->submitted_unix = gen_time_unix_us() / 1000000;
    if (c->protocol->upload_path)
        start_upload(b);
    else
        gen_batch_create(b);
    return GEN_OK;
}

static void on_uploaded(void *ud, const struct gen_http_response *response)
{
    struct batch *b = ud;
    struct gen_llm_result result = gen_llm_result_make();
    const struct gen_json *body = NULL;
    if (gen_batch_is_success(b, response, &result, &body)) {
        struct gen_str id = gen_json_get_str(body, "id");
        if (gen_batch_name_is_fine(id)) {
            gen_batch_copy_name(b->file_id, id);
            gen_batch_create(b);
        } else {
            result.class_code = GEN_CLASS_SERVER_ERROR;
            gen_llm_set_message(&result, GEN_STR("the answer to its upload names no file"));
            gen_batch_failed(b, &result);
        }
    }
    gen_llm_result_release(&result);
}

void gen_batch_adopt(struct batch *b, struct gen_str id)
{
    struct batch_channel *c = b->channel;
    struct gen_error err = {.msg = ""};
    gen_batch_copy_name(b->id, id);
    gen_buf_release(&b->requests);
    gen_buf_release(&b->form);
    b->phase = BATCH_RUNNING;
    b->was_seen_alive |= !b->is_old;
    int rc = put_on_record(b, GEN_BATCH_RUNNING, &err);
    if (rc)
        gen_batch_fault(b, rc, &err);
    gen_log(c->o.log, GEN_LOG_INFO, "batch", "batch %s: %lld requests submitted%s", b->id,
            (long long)b->n_requests,
            c->has_told ? "" : "; Ctrl-C leaves them there, and the same command collects them");
    c->has_told = true;
    gen_batch_later(b, c->b.poll_ms < FIRST_POLL_MS ? c->b.poll_ms : FIRST_POLL_MS);
    gen_loop_wake(c->o.loop);
}

/* Whether it is certain that the server has made nothing of it. */
static bool was_refused(const struct gen_http_response *r)
{
    switch (r->transport) {
    case GEN_TRANSPORT_OK:
        return r->status >= 300 && r->status < 500;
    case GEN_TRANSPORT_RESOLVE:
    case GEN_TRANSPORT_CONNECT:
    case GEN_TRANSPORT_TLS:
        return true;
    case GEN_TRANSPORT_TIMEOUT:
    case GEN_TRANSPORT_RESET:
    case GEN_TRANSPORT_TOO_LARGE:
    case GEN_TRANSPORT_CANCELED:
    case GEN_TRANSPORT_OTHER:
        break;
    }
    return false;
}

static void on_created(void *ud, const struct gen_http_response *response)
{
    struct batch *b = ud;
    struct gen_llm_result result = gen_llm_result_make();
    const struct gen_json *body = NULL;
    struct gen_batch_remote remote;
    bool is_bad = gen_classify(response, &result, &body);
    bool is_made =
        !is_bad && b->channel->protocol->read(body, &remote) && gen_batch_name_is_fine(remote.id);
    if (is_made) {
        b->n_failures = 0;
        gen_batch_adopt(b, remote.id);
    } else if (is_bad && (was_refused(response) || result.class_code == GEN_CLASS_CANCELED)) {
        gen_batch_failed(b, &result);
    } else {
        if (!is_bad)
            gen_llm_set_message(&result, GEN_STR("the answer to its creation describes no batch"));
        gen_log(b->channel->o.log, GEN_LOG_WARN, "batch",
                "batch %s: %s; looking whether the provider has it all the same", b->marker,
                result.message);
        b->n_creations++;
        gen_batch_seek(b);
    }
    gen_llm_result_release(&result);
}

static void finish_or_fetch_again(struct batch *b)
{
    struct gen_error err = {.msg = ""};
    bool is_short = b->n_broken > 0 || b->n_lines < b->n_promised;
    int rc = GEN_OK;
    if (is_short && ++b->n_fetches < FETCHES_MAX) {
        struct gen_llm_result none = gen_llm_result_make();
        gen_log(b->channel->o.log, GEN_LOG_WARN, "batch",
                "batch %s: %lld answers of %lld came, %lld lines were broken; fetched again",
                gen_batch_name(b), (long long)b->n_lines, (long long)b->n_promised,
                (long long)b->n_broken);
        b->n_failures = b->n_fetches;
        b->phase = BATCH_RUNNING;
        gen_batch_later(b, retry_delay(b, &none));
        gen_llm_result_release(&none);
    } else if (b->n_lines > 0 && b->n_own == 0 && !b->channel->protocol->has_marker) {
        gen_batch_seek_another(b);
    } else {
        rc = gen_batch_finish(b, &err);
    }
    if (rc)
        gen_batch_fault(b, rc, &err);
}

static void fetch_next(struct batch *b)
{
    while (b->result_index < 2 && !b->results[b->result_index][0])
        b->result_index++;
    if (b->result_index == 2)
        finish_or_fetch_again(b);
    else
        gen_batch_get(b, b->channel->protocol->results_path,
                      gen_str_from(b->results[b->result_index]), true, on_results);
}

static void on_results(void *ud, const struct gen_http_response *response)
{
    struct batch *b = ud;
    struct gen_llm_result result = gen_llm_result_make();
    const struct gen_json *ignored = NULL;
    struct gen_error err = {.msg = ""};
    bool is_ok = response->transport == GEN_TRANSPORT_OK && response->status >= 200 &&
                 response->status < 300;
    if (is_ok) {
        int rc = gen_batch_collect_text(b, response->body, &err);
        b->n_failures = 0;
        b->result_index++;
        if (rc)
            gen_batch_fault(b, rc, &err);
        else
            fetch_next(b);
        gen_loop_wake(b->channel->o.loop);
    } else {
        (void)gen_batch_is_success(b, response, &result, &ignored);
    }
    gen_llm_result_release(&result);
}

static void see_state(struct batch *b, const struct gen_batch_remote *r)
{
    bool is_new = !gen_str_is(r->word, b->word);
    (void)snprintf(b->word, sizeof(b->word), "%.*s",
                   GEN_STR_ARG(gen_str_sub(r->word, 0, sizeof(b->word) - 1)));
    b->is_canceled |= r->is_canceled;
    b->was_seen_alive |= r->state == GEN_REMOTE_RUNNING;
    b->n_promised = r->n_done > 0 ? r->n_done : 0;
    if (r->state == GEN_REMOTE_RUNNING)
        gen_log(b->channel->o.log, is_new ? GEN_LOG_INFO : GEN_LOG_DEBUG, "batch",
                "batch %s: %s, %lld of %lld answered", b->id, b->word, (long long)b->n_promised,
                (long long)b->n_requests);
}

/* A full queue is no fault of the requests; what else a batch is refused for as a whole, the next
 * one would be refused for as well. */
static void end_refused(struct batch *b, const struct gen_batch_remote *r)
{
    struct gen_llm_result result = gen_llm_result_make();
    char text[400];
    uint64_t wait = b->channel->b.poll_ms < RETRY_MS_MAX ? b->channel->b.poll_ms : RETRY_MS_MAX;
    (void)snprintf(text, sizeof(text), "the provider refused the whole batch%s%.*s%s%.*s%s",
                   r->code.n ? ": " : "", GEN_STR_ARG(gen_str_sub(r->code, 0, 80)),
                   r->message.n ? ": " : "", GEN_STR_ARG(gen_str_sub(r->message, 0, 240)),
                   r->is_full ? "; it is submitted anew later" : "");
    result.class_code = r->is_full ? GEN_CLASS_RATE_LIMIT : GEN_CLASS_BAD_REQUEST;
    result.stop_provider = !r->is_full;
    result.retry_after_ms = r->is_full ? (int64_t)wait : -1;
    gen_llm_set_message(&result, gen_str_from(text));
    gen_batch_give_up(b, &result);
    gen_llm_result_release(&result);
}

static int start_fetching(struct batch *b, const struct gen_batch_remote *r, struct gen_error *err)
{
    b->phase = BATCH_FETCHING;
    b->result_index = 0;
    b->n_lines = b->n_own = b->n_broken = 0;
    for (size_t i = 0; i < 2; i++) {
        b->results[i][0] = '\0';
        if (gen_batch_name_is_fine(r->results[i]))
            gen_batch_copy_name(b->results[i], r->results[i]);
    }
    int rc = r->inline_results ? gen_batch_collect_json(b, r->inline_results, err) : GEN_OK;
    if (rc == GEN_OK)
        fetch_next(b);
    return rc;
}

static void on_status(void *ud, const struct gen_http_response *response)
{
    struct batch *b = ud;
    struct gen_llm_result result = gen_llm_result_make();
    const struct gen_json *body = NULL;
    struct gen_json_doc *doc = NULL;
    struct gen_batch_remote remote;
    struct gen_error err = {.msg = ""};
    int rc = GEN_OK;
    if (gen_batch_read(b->channel->protocol, response, &doc, &remote)) {
        b->n_failures = 0;
        see_state(b, &remote);
        if (remote.state == GEN_REMOTE_FAILED)
            end_refused(b, &remote);
        else if (remote.state == GEN_REMOTE_ENDED)
            rc = start_fetching(b, &remote, &err);
        else
            gen_batch_later(b, b->channel->b.poll_ms);
    } else if (gen_classify(response, &result, &body)) {
        gen_batch_failed(b, &result);
    } else {
        result.class_code = GEN_CLASS_SERVER_ERROR;
        gen_llm_set_message(&result, GEN_STR("the answer describes no batch"));
        gen_batch_failed(b, &result);
    }
    if (rc)
        gen_batch_fault(b, rc, &err);
    gen_json_doc_free(doc);
    gen_llm_result_release(&result);
}

static void on_timer(void *ud)
{
    struct batch *b = ud;
    switch (b->phase) {
    case BATCH_UPLOADING:
        start_upload(b);
        break;
    case BATCH_CREATING:
        gen_batch_create(b);
        break;
    case BATCH_SEEKING:
        gen_batch_look(b);
        break;
    case BATCH_RUNNING:
        gen_batch_get(b, b->channel->protocol->status_path, gen_str_from(b->id), false, on_status);
        break;
    case BATCH_FETCHING:
        fetch_next(b);
        break;
    case BATCH_FILLING:
    case BATCH_CLOSED:
    case BATCH_OVER:
        break;
    }
}

void gen_batch_resume(struct batch *b)
{
    if (b->phase == BATCH_SEEKING)
        gen_batch_seek(b);
    else
        gen_batch_later(b, 0);
}
