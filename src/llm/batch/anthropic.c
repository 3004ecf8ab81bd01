/* Anthropic: all requests in one body, results as lines under a URL (providers.md §3). */
#include "llm/batch.h"
#include "net/retry_after.h"

static int add_request(struct gen_buf *requests, const char *name, const char *chat_path,
                       struct gen_str body, struct gen_error *err)
{
    (void)chat_path;
    int rc = gen_buf_printf(requests, err,
                            "%s{\"custom_id\":\"%s\",\"params\":", requests->n ? "," : "", name);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(requests, body, err);
    return rc ? rc : gen_buf_add_char(requests, '}', err);
}

static int create_body(struct gen_str requests, struct gen_str file_id, const char *marker,
                       struct gen_buf *out, struct gen_error *err)
{
    (void)file_id;
    (void)marker;
    int rc = gen_buf_add_c(out, "{\"requests\":[", err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(out, requests, err);
    return rc ? rc : gen_buf_add_c(out, "]}", err);
}

static bool read_remote(const struct gen_json *body, struct gen_batch_remote *r)
{
    static const char *const ends[] = {"succeeded", "errored", "canceled", "expired"};
    *r = (struct gen_batch_remote){.n_requests = -1, .n_done = -1, .n_failed = -1};
    r->id = gen_json_get_str(body, "id");
    r->word = gen_json_get_str(body, "processing_status");
    if (r->id.n == 0 || r->word.n == 0)
        return false;
    r->state = gen_str_is(r->word, "ended") ? GEN_REMOTE_ENDED : GEN_REMOTE_RUNNING;
    r->is_canceled = gen_str_is(r->word, "canceling");
    /* "results_url" names the same place, but may name another host. */
    if (r->state == GEN_REMOTE_ENDED)
        r->results[0] = r->id;
    const struct gen_json *counts = gen_json_get(body, "request_counts");
    int64_t n[4] = {0, 0, 0, 0};
    int64_t processing = 0;
    for (size_t i = 0; i < 4; i++)
        (void)gen_json_as_int(gen_json_get(counts, ends[i]), &n[i]);
    if (gen_json_as_int(gen_json_get(counts, "processing"), &processing)) {
        r->n_done = n[0];
        r->n_failed = n[1] + n[2] + n[3];
        r->n_requests = processing + r->n_done + r->n_failed;
    }
    int64_t created_ms = 0;
    if (gen_rfc3339_parse(gen_json_get_str(body, "created_at"), &created_ms))
        r->created_unix = created_ms / 1000;
    return true;
}

/* The HTTP status that an error of this type has when it is asked live. */
static int status_of(struct gen_str type)
{
    static const struct {
        const char *type;
        int status;
    } rows[] = {
        {"invalid_request_error", 400}, {"authentication_error", 401}, {"billing_error", 402},
        {"permission_error", 403},      {"not_found_error", 404},      {"request_too_large", 413},
        {"rate_limit_error", 429},      {"timeout_error", 504},        {"overloaded_error", 529},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (gen_str_is(type, rows[i].type))
            return rows[i].status;
    }
    return 500;
}

static bool read_line(const struct gen_json *line, struct gen_batch_line *out)
{
    *out = (struct gen_batch_line){.name = gen_json_get_str(line, "custom_id")};
    const struct gen_json *result = gen_json_get(line, "result");
    struct gen_str type = gen_json_get_str(result, "type");
    if (out->name.n == 0 || type.n == 0)
        return false;
    if (gen_str_is(type, "succeeded")) {
        out->status = 200;
        out->body = gen_json_get(result, "message");
    } else if (gen_str_is(type, "errored")) {
        out->body = gen_json_get(result, "error");
        out->status = status_of(gen_json_get_str(gen_json_get(out->body, "error"), "type"));
    } else {
        out->why = type;
        out->is_canceled = gen_str_is(type, "canceled");
    }
    return true;
}

static struct gen_str next_page(const struct gen_json *body)
{
    bool has_more = false;
    bool said = gen_json_as_bool(gen_json_get(body, "has_more"), &has_more);
    return said && has_more ? gen_json_get_str(body, "last_id") : (struct gen_str){NULL, 0};
}

const struct gen_batch_protocol gen_batch_anthropic = {
    .requests_max = 10000,
    .bytes_max = (size_t)64 << 20,
    .create_path = "/v1/messages/batches",
    .list_path = "/v1/messages/batches?limit=100",
    .status_path = "/v1/messages/batches/{id}",
    .cancel_path = "/v1/messages/batches/{id}/cancel",
    .results_path = "/v1/messages/batches/{id}/results",
    .page_query = "&after_id=",
    .add_request = add_request,
    .create_body = create_body,
    .read = read_remote,
    .list_key = "data",
    .next_page = next_page,
    .read_line = read_line,
};
