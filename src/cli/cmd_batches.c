/* `generator batches LEDGER`: what is under way at a provider, asked of the provider itself, and
 * canceled when told to. */
#include "cli/endpoint.h"
#include "cli/fetch.h"
#include "cli/say.h"
#include "cli/status.h"

#include "llm/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUESTION_MS 30000U

struct row {
    int64_t id, n_requests, submitted_unix, run_id;
    enum gen_batch_state state;
    const struct gen_provider *provider;
    char provider_name[40], base_url[600], model[200], remote_id[200];
    char remote[300]; /* what the provider says of it */
    bool is_canceled; /* by this command */
    bool is_given_up; /* likewise: the provider does not know it */
};

struct list {
    const struct gen_app *app;
    struct row *rows;
    size_t n, capacity;
    struct row *asked; /* the row that an answer is waited for */
    bool is_success;
    int http_status; /* of the last answer */
};

static void copy(char *to, size_t n, struct gen_str from)
{
    (void)snprintf(to, n, "%.*s", GEN_STR_ARG(gen_str_sub(from, 0, n - 1)));
}

static int add_row(void *ud, const struct gen_ledger_batch *b, struct gen_error *err)
{
    struct list *l = ud;
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 16;
        struct row *rows = realloc(l->rows, capacity * sizeof(*rows));
        if (!rows)
            return gen_nomem(err, "a list of batches");
        l->rows = rows;
        l->capacity = capacity;
    }
    struct row *r = &l->rows[l->n++];
    memset(r, 0, sizeof(*r));
    r->id = b->id;
    r->n_requests = b->n_requests;
    r->submitted_unix = b->submitted_unix_us / 1000000;
    r->run_id = b->run_id;
    r->state = b->state;
    copy(r->provider_name, sizeof(r->provider_name), b->provider);
    copy(r->base_url, sizeof(r->base_url), b->base_url);
    copy(r->model, sizeof(r->model), b->model);
    copy(r->remote_id, sizeof(r->remote_id), b->remote_id);
    r->provider = gen_provider_find(l->app->drivers->providers, r->provider_name);
    return GEN_OK;
}

static void on_answer(void *ud, const struct gen_http_response *response)
{
    struct list *l = ud;
    struct row *r = l->asked;
    struct gen_llm_result result = gen_llm_result_make();
    const struct gen_json *body = NULL;
    struct gen_batch_remote remote;
    struct gen_json_doc *doc = NULL;
    bool is_batch = gen_batch_read(r->provider->batch, response, &doc, &remote);
    l->is_success = is_batch || !gen_classify(response, &result, &body);
    l->http_status = response->transport == GEN_TRANSPORT_OK ? response->status : 0;
    if (!l->is_success)
        copy(r->remote, sizeof(r->remote), gen_str_from(result.message));
    else if (is_batch && remote.word.n)
        (void)snprintf(r->remote, sizeof(r->remote), "%.*s, %lld of %lld answered%s%.*s",
                       GEN_STR_ARG(gen_str_sub(remote.word, 0, 60)),
                       (long long)(remote.n_done > 0 ? remote.n_done : 0),
                       (long long)(remote.n_requests > 0 ? remote.n_requests : r->n_requests),
                       remote.message.n ? ": " : "",
                       GEN_STR_ARG(gen_str_sub(remote.message, 0, 160)));
    else
        (void)snprintf(r->remote, sizeof(r->remote), "accepted");
    gen_json_doc_free(doc);
    gen_llm_result_release(&result);
}

/* The ledger may be a stranger's, and name a stranger's host: the key goes to the provider's own,
 * or to one that the user names. */
static bool is_trusted(const struct list *l, const struct row *r)
{
    const char *given = gen_settings_text(l->app->settings, GEN_OPT_BASE_URL);
    struct gen_str url = gen_str_from(given ? given : "");
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    return strcmp(r->base_url, r->provider->default_base_url) == 0 || gen_str_is(url, r->base_url);
}

static int ask(struct list *l, struct row *r, const char *path, bool post, struct gen_error *err)
{
    const char *value = gen_environment_key(r->provider);
    struct gen_secret *key = NULL;
    struct gen_wire wire;
    int rc = value ? gen_secret_new(&key, gen_str_from(value), err) : GEN_OK;
    const struct gen_endpoint endpoint = {.base_url = r->base_url, .key = key};
    if (rc == GEN_OK)
        rc = gen_batch_wire(r->provider, &endpoint, r->model, path, gen_str_from(r->remote_id),
                            &wire, err);
    if (rc == GEN_OK) {
        const struct gen_fetch what = {
            .url = wire.url,
            .post = post,
            .timeout_ms = QUESTION_MS,
            .body_bytes_max = (size_t)1 << 30, /* Gemini puts the answers into the state */
        };
        l->asked = r;
        rc = gen_fetch(r->provider, &endpoint, &what, on_answer, l, err);
    }
    gen_secret_free(key);
    return rc;
}

static bool is_open(const struct row *r)
{
    return r->state == GEN_BATCH_RUNNING || r->state == GEN_BATCH_SUBMITTING;
}

static bool is_named(const struct row *r, const char *name)
{
    char number[32];
    (void)snprintf(number, sizeof(number), "%lld", (long long)r->id);
    return strcmp(name, "all") == 0 || strcmp(name, number) == 0 || strcmp(name, r->remote_id) == 0;
}

/* What a provider does not know, or nobody knows whether it got there, can only be written off:
 * then no run waits for it any more. */
static void give_up(struct row *r, const char *why)
{
    copy(r->remote, sizeof(r->remote), gen_str_from(why));
    r->is_given_up = true;
}

static int ask_about(struct list *l, struct row *r, bool is_to_go, struct gen_error *err)
{
    const struct gen_batch_protocol *p = r->provider ? r->provider->batch : NULL;
    if (!p)
        return GEN_OK;
    if (!r->remote_id[0]) {
        if (is_to_go)
            give_up(r, "its name is not known; what it may answer is not collected");
        return GEN_OK;
    }
    if (!gen_batch_name_is_fine(gen_str_from(r->remote_id))) {
        (void)snprintf(r->remote, sizeof(r->remote), "not asked: its name is no name of a batch");
        return GEN_OK;
    }
    if (!is_trusted(l, r)) {
        (void)snprintf(r->remote, sizeof(r->remote),
                       "not asked: it is at %.180s; give --base-url to send the key there",
                       r->base_url);
        return GEN_OK;
    }
    int rc = ask(l, r, is_to_go ? p->cancel_path : p->status_path, is_to_go, err);
    if (rc == GEN_OK && is_to_go && l->is_success)
        r->is_canceled = true;
    else if (rc == GEN_OK && is_to_go && (l->http_status == 404 || l->http_status == 410))
        give_up(r, "not known to it (any more)");
    return rc;
}

static int ask_about_all(struct list *l, const char *cancel, struct gen_error *err)
{
    int rc = GEN_OK;
    size_t n_named = 0;
    for (size_t i = 0; i < l->n && rc == GEN_OK; i++) {
        struct row *r = &l->rows[i];
        bool is_named_one = cancel && is_named(r, cancel);
        n_named += is_named_one;
        if (is_open(r))
            rc = ask_about(l, r, is_named_one, err);
        else if (is_named_one && strcmp(cancel, "all") != 0)
            rc = gen_fail(err, GEN_EUSAGE, "batch \"%.80s\" is not under way: it is %s", cancel,
                          gen_status_batch_state(r->state));
    }
    if (rc == GEN_OK && cancel && n_named == 0 && strcmp(cancel, "all") != 0)
        rc = gen_fail(err, GEN_EUSAGE, "the ledger has no batch \"%.80s\"", cancel);
    return rc;
}

/* Only now is the ledger opened for writing: a batch can be canceled while a run waits for it. */
static int write_off(struct list *l, struct gen_error *err)
{
    struct gen_ledger *ledger = NULL;
    bool any = false;
    for (size_t i = 0; i < l->n; i++)
        any |= l->rows[i].is_given_up;
    int rc = any ? gen_ledger_open(&ledger, l->app->drivers->ledger,
                                   gen_settings_argument(l->app->settings), false, err)
                 : GEN_OK;
    for (size_t i = 0; any && i < l->n && rc == GEN_OK; i++) {
        struct row *r = &l->rows[i];
        if (!r->is_given_up)
            continue;
        rc = gen_ledger_batch_update(ledger, r->id, GEN_BATCH_CANCELED, (struct gen_str){NULL, 0},
                                     err);
        r->state = GEN_BATCH_CANCELED;
    }
    gen_ledger_close(ledger);
    return rc;
}

static int print_text(const struct list *l, struct gen_buf *out, struct gen_error *err)
{
    int rc = l->n ? GEN_OK : gen_buf_add_c(out, "no batches\n", err);
    for (size_t i = 0; i < l->n && rc == GEN_OK; i++) {
        const struct row *r = &l->rows[i];
        rc = gen_buf_printf(out, err, "%-4lld %-11s %7lld requests  %s %s  %s\n", (long long)r->id,
                            r->is_canceled ? "canceling" : gen_status_batch_state(r->state),
                            (long long)r->n_requests, r->provider_name, r->model, r->remote_id);
        if (rc == GEN_OK && r->remote[0])
            rc = gen_buf_printf(out, err, "     the provider: %s\n", r->remote);
        if (rc == GEN_OK && r->is_canceled)
            rc = gen_buf_add_c(out,
                               "     what it has answered is collected when its command is given "
                               "again with --batch\n",
                               err);
    }
    return rc;
}

static int print_json(const struct list *l, struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    struct gen_jmut *rows = gen_jb_array(b);
    for (size_t i = 0; i < l->n; i++) {
        const struct row *r = &l->rows[i];
        struct gen_jmut *o = gen_jb_object(b);
        gen_jb_put_int(b, o, "id", r->id);
        gen_jb_put_cstr(b, o, "state", gen_status_batch_state(r->state));
        gen_jb_put_int(b, o, "requests", r->n_requests);
        gen_jb_put_cstr(b, o, "provider", r->provider_name);
        gen_jb_put_cstr(b, o, "model", r->model);
        gen_jb_put_cstr(b, o, "remote_id", r->remote_id);
        gen_jb_put_cstr(b, o, "remote", r->remote);
        gen_jb_put_bool(b, o, "canceled_now", r->is_canceled);
        gen_jb_put_int(b, o, "submitted_unix", r->submitted_unix);
        gen_jb_put_int(b, o, "run", r->run_id);
        gen_jb_append(b, rows, o);
    }
    gen_jb_put(b, root, "batches", rows);
    rc = gen_say_json(b, root, out, err);
    gen_jb_free(b);
    return rc;
}

static int print(const struct list *l, struct gen_error *err)
{
    struct gen_buf out = gen_buf_make((size_t)64 << 20);
    bool is_json = gen_settings_flag(l->app->settings, GEN_OPT_JSON);
    int rc = is_json ? print_json(l, &out, err) : print_text(l, &out, err);
    if (rc == GEN_OK)
        rc = gen_say(gen_buf_str(&out), err);
    gen_buf_release(&out);
    return rc;
}

int gen_cmd_batches(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct list l = {.app = app};
    struct gen_ledger *ledger = NULL;
    int rc = gen_ledger_open(&ledger, app->drivers->ledger, gen_settings_argument(app->settings),
                             true, err);
    if (rc == GEN_OK)
        rc = gen_ledger_batches(ledger, add_row, &l, err);
    gen_ledger_close(ledger);
    if (rc == GEN_OK)
        rc = ask_about_all(&l, gen_settings_text(app->settings, GEN_OPT_CANCEL), err);
    if (rc == GEN_OK)
        rc = write_off(&l, err);
    if (rc == GEN_OK)
        rc = print(&l, err);
    free(l.rows);
    *status = GEN_EXIT_DONE;
    return rc;
}
