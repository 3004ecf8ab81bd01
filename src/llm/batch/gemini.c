/* Gemini: inline requests, an operation to ask after, results inside it (providers.md §3). */
#include "llm/batch.h"
#include "net/retry_after.h"

#define RPC_CANCELLED          1
#define RPC_RESOURCE_EXHAUSTED 8

static int add_request(struct gen_buf *requests, const char *name, const char *chat_path,
                       struct gen_str body, struct gen_error *err)
{
    (void)chat_path;
    int rc = gen_buf_printf(requests, err,
                            "%s{\"metadata\":{\"key\":\"%s\"},\"request\":", requests->n ? "," : "",
                            name);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(requests, body, err);
    return rc ? rc : gen_buf_add_char(requests, '}', err);
}

static int create_body(struct gen_str requests, struct gen_str file_id, const char *marker,
                       struct gen_buf *out, struct gen_error *err)
{
    (void)file_id;
    int rc = gen_buf_printf(out, err,
                            "{\"batch\":{\"displayName\":\"%s\",\"inputConfig\":{\"requests\":"
                            "{\"requests\":[",
                            marker);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(out, requests, err);
    return rc ? rc : gen_buf_add_c(out, "]}}}}", err);
}

static bool says(struct gen_str word, const char *part)
{
    return gen_str_find(word, gen_str_from(part), 0) != SIZE_MAX;
}

/* Both BATCH_STATE_ and JOB_STATE_ are in use. */
static enum gen_remote_state state_of(struct gen_str word)
{
    if (says(word, "FAILED"))
        return GEN_REMOTE_FAILED;
    static const char *const ends[] = {"SUCCEEDED", "CANCELLED", "EXPIRED"};
    for (size_t i = 0; i < 3; i++) {
        if (says(word, ends[i]))
            return GEN_REMOTE_ENDED;
    }
    return GEN_REMOTE_RUNNING;
}

/* Counts are 64-bit numbers, which Google writes as strings. */
static void read_count(const struct gen_json *v, int64_t *out)
{
    struct gen_str text;
    int64_t n = 0;
    if (gen_json_as_int(v, out) || !gen_json_as_str(v, &text) || text.n == 0 || text.n > 15)
        return;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return;
        n = n * 10 + (text.p[i] - '0');
    }
    *out = n;
}

/* In an operation the batch is its metadata; a list of batches may give it bare. */
static bool read_remote(const struct gen_json *body, struct gen_batch_remote *r)
{
    *r = (struct gen_batch_remote){.n_requests = -1, .n_done = -1, .n_failed = -1};
    const struct gen_json *meta = gen_json_get(body, "metadata");
    if (gen_json_type(meta) != GEN_JSON_OBJECT)
        meta = body;
    r->id = gen_json_get_str(body, "name");
    r->word = gen_json_get_str(meta, "state");
    if (r->id.n == 0)
        return false;
    r->state = state_of(r->word);
    r->is_canceled = says(r->word, "CANCELLED");
    r->marker = gen_json_get_str(meta, "displayName");
    const struct gen_json *stats = gen_json_get(meta, "batchStats");
    read_count(gen_json_get(stats, "requestCount"), &r->n_requests);
    read_count(gen_json_get(stats, "successfulRequestCount"), &r->n_done);
    read_count(gen_json_get(stats, "failedRequestCount"), &r->n_failed);
    int64_t created_ms = 0;
    if (gen_rfc3339_parse(gen_json_get_str(meta, "createTime"), &created_ms))
        r->created_unix = created_ms / 1000;
    /* The result is in the response of an operation that is done, and in its metadata as well. */
    const struct gen_json *output = gen_json_get(meta, "output");
    if (!output)
        output = gen_json_get(body, "response");
    const struct gen_json *lines = gen_json_get(output, "inlinedResponses");
    if (gen_json_type(lines) == GEN_JSON_OBJECT)
        lines = gen_json_get(lines, "inlinedResponses");
    r->inline_results = lines;
    r->results[0] = gen_json_get_str(output, "responsesFile");
    const struct gen_json *error = gen_json_get(body, "error");
    r->code = gen_json_get_str(error, "status");
    r->message = gen_json_get_str(error, "message");
    int64_t code = 0;
    r->is_full =
        (gen_json_as_int(gen_json_get(error, "code"), &code) && code == RPC_RESOURCE_EXHAUSTED) ||
        gen_str_is(r->code, "RESOURCE_EXHAUSTED");
    /* The operation of a canceled batch ends with an error as well. */
    bool is_done = false;
    (void)gen_json_as_bool(gen_json_get(body, "done"), &is_done);
    if (r->state == GEN_REMOTE_RUNNING && gen_json_type(error) == GEN_JSON_OBJECT)
        r->state = GEN_REMOTE_FAILED;
    else if (r->state == GEN_REMOTE_RUNNING && is_done)
        r->state = GEN_REMOTE_ENDED;
    return true;
}

/* The HTTP status that an error has when it is asked live. Errors of lines are google.rpc.Status,
 * whose codes are those of gRPC; 0: the request was never tried. */
static int status_of(int64_t code)
{
    static const int statuses[] = {500, 0,   500, 400, 0,   404, 409, 403, 429,
                                   400, 409, 400, 501, 500, 503, 500, 401};
    if (code >= 0 && code < (int64_t)(sizeof(statuses) / sizeof(statuses[0])))
        return statuses[code];
    return code >= 400 && code < 600 ? (int)code : 500;
}

static bool read_line(const struct gen_json *line, struct gen_batch_line *out)
{
    *out = (struct gen_batch_line){.name = gen_json_get_str(gen_json_get(line, "metadata"), "key")};
    if (out->name.n == 0)
        out->name = gen_json_get_str(line, "key");
    if (out->name.n == 0)
        return false;
    out->body = gen_json_get(line, "response");
    out->status = 200;
    if (gen_json_type(out->body) == GEN_JSON_OBJECT)
        return true;
    /* The whole line has the shape of an error body. */
    const struct gen_json *error = gen_json_get(line, "error");
    int64_t code = 0;
    (void)gen_json_as_int(gen_json_get(error, "code"), &code);
    out->body = line;
    out->status = status_of(code);
    out->is_canceled = code == RPC_CANCELLED;
    if (out->status == 0)
        out->why = out->is_canceled ? GEN_STR("canceled") : GEN_STR("expired");
    if (gen_json_type(error) != GEN_JSON_OBJECT) {
        out->status = 0;
        out->why = GEN_STR("no answer");
    }
    if (out->status == 0)
        out->body = NULL;
    return true;
}

static struct gen_str next_page(const struct gen_json *body)
{
    return gen_json_get_str(body, "nextPageToken");
}

const struct gen_batch_protocol gen_batch_gemini = {
    .requests_max = 5000,
    .bytes_max = (size_t)16 << 20, /* inline requests may be 20 MB together */
    .create_path = "/models/{model}:batchGenerateContent",
    .list_path = "/batches?pageSize=100",
    .status_path = "/{id}",
    .cancel_path = "/{id}:cancel",
    .results_path = "/{id}:download?alt=media",
    .page_query = "&pageToken=",
    .has_marker = true,
    .add_request = add_request,
    .create_body = create_body,
    .read = read_remote,
    .list_key = "operations",
    .next_page = next_page,
    .read_line = read_line,
};
