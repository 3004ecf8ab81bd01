/* OpenAI: a file of lines is uploaded, a batch made of it, and two files hold what came of it
 * (providers.md §3). Azure, Together, Groq and `vllm run-batch` use the same lines. */
#include "llm/batch/lines.h"

#include <stdio.h>

#define BOUNDARY "generator-batch-5d2f1c9a7b3e"

static int add_request(struct gen_buf *requests, const char *name, const char *chat_path,
                       struct gen_str body, struct gen_error *err)
{
    int rc = gen_buf_printf(
        requests, err,
        "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"/v1%s\",\"body\":", name, chat_path);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(requests, body, err);
    return rc ? rc : gen_buf_add_c(requests, "}\n", err);
}

static int upload_body(struct gen_str requests, const char *marker, struct gen_buf *out, char *type,
                       size_t n_type, struct gen_error *err)
{
    (void)snprintf(type, n_type, "Content-Type: multipart/form-data; boundary=" BOUNDARY);
    int rc = gen_buf_printf(out, err,
                            "--" BOUNDARY "\r\n"
                            "Content-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
                            "--" BOUNDARY "\r\n"
                            "Content-Disposition: form-data; name=\"file\"; "
                            "filename=\"%s.jsonl\"\r\n"
                            "Content-Type: application/jsonl\r\n\r\n",
                            marker);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(out, requests, err);
    return rc ? rc : gen_buf_add_c(out, "\r\n--" BOUNDARY "--\r\n", err);
}

static int create_body(struct gen_str requests, struct gen_str file_id, const char *marker,
                       struct gen_buf *out, struct gen_error *err)
{
    (void)requests;
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *body = gen_jb_object(b);
    struct gen_jmut *metadata = gen_jb_object(b);
    gen_jb_put_str(b, body, "input_file_id", file_id);
    gen_jb_put_cstr(b, body, "endpoint", "/v1/chat/completions");
    gen_jb_put_cstr(b, body, "completion_window", "24h");
    gen_jb_put_cstr(b, metadata, "generator", marker);
    gen_jb_put(b, body, "metadata", metadata);
    rc = gen_jb_write(b, body, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

static enum gen_remote_state state_of(struct gen_str word)
{
    if (gen_str_is(word, "failed"))
        return GEN_REMOTE_FAILED;
    bool ended = gen_str_is(word, "completed") || gen_str_is(word, "expired") ||
                 gen_str_is(word, "cancelled");
    return ended ? GEN_REMOTE_ENDED : GEN_REMOTE_RUNNING;
}

static bool read_remote(const struct gen_json *body, struct gen_batch_remote *r)
{
    *r = (struct gen_batch_remote){.n_requests = -1, .n_done = -1, .n_failed = -1};
    r->id = gen_json_get_str(body, "id");
    r->word = gen_json_get_str(body, "status");
    if (r->id.n == 0 || r->word.n == 0)
        return false;
    r->state = state_of(r->word);
    r->is_canceled = gen_str_is(r->word, "cancelled") || gen_str_is(r->word, "cancelling");
    r->results[0] = gen_json_get_str(body, "output_file_id");
    r->results[1] = gen_json_get_str(body, "error_file_id");
    const struct gen_json *counts = gen_json_get(body, "request_counts");
    (void)gen_json_as_int(gen_json_get(counts, "total"), &r->n_requests);
    (void)gen_json_as_int(gen_json_get(counts, "completed"), &r->n_done);
    (void)gen_json_as_int(gen_json_get(counts, "failed"), &r->n_failed);
    (void)gen_json_as_int(gen_json_get(body, "created_at"), &r->created_unix);
    r->marker = gen_json_get_str(gen_json_get(body, "metadata"), "generator");
    const struct gen_json *first =
        gen_json_at(gen_json_get(gen_json_get(body, "errors"), "data"), 0);
    r->code = gen_json_get_str(first, "code");
    r->message = gen_json_get_str(first, "message");
    /* "token_limit_exceeded": the queue holds so many tokens of a model at a time. */
    r->is_full = gen_str_find_nocase(r->code, GEN_STR("limit"), 0) != SIZE_MAX ||
                 gen_str_find_nocase(r->message, GEN_STR("enqueued token"), 0) != SIZE_MAX;
    return true;
}

bool gen_batch_line_openai(const struct gen_json *line, struct gen_batch_line *out)
{
    *out = (struct gen_batch_line){.name = gen_json_get_str(line, "custom_id")};
    if (out->name.n == 0)
        return false;
    const struct gen_json *response = gen_json_get(line, "response");
    const struct gen_json *error = gen_json_get(line, "error");
    int64_t status = 200;
    /* A line of requests has neither. */
    if (!response && !error)
        return false;
    if (gen_json_type(response) == GEN_JSON_OBJECT) {
        out->body = gen_json_get(response, "body");
        /* Older offline engines put the completion itself here. */
        if (gen_json_type(out->body) != GEN_JSON_OBJECT)
            out->body = response;
        else
            (void)gen_json_as_int(gen_json_get(response, "status_code"), &status);
        out->status = status >= 100 && status < 600 ? (int)status : 500;
        return true;
    }
    out->why = gen_json_get_str(error, "code");
    out->is_canceled = gen_str_is(out->why, "batch_cancelled");
    if (out->why.n == 0)
        out->why = gen_json_get_str(error, "message");
    if (out->why.n == 0)
        out->why = GEN_STR("no answer");
    return true;
}

static struct gen_str next_page(const struct gen_json *body)
{
    const struct gen_json *rows = gen_json_get(body, "data");
    bool has_more = false;
    size_t n = gen_json_count(rows);
    if (!gen_json_as_bool(gen_json_get(body, "has_more"), &has_more) || !has_more || n == 0)
        return (struct gen_str){NULL, 0};
    return gen_json_get_str(gen_json_at(rows, n - 1), "id");
}

const struct gen_batch_protocol gen_batch_openai = {
    .requests_max = 10000,
    .bytes_max = (size_t)64 << 20,
    .upload_path = "/files",
    .create_path = "/batches",
    .list_path = "/batches?limit=100",
    .status_path = "/batches/{id}",
    .cancel_path = "/batches/{id}/cancel",
    .results_path = "/files/{id}/content",
    .page_query = "&after=",
    .has_marker = true,
    .add_request = add_request,
    .upload_body = upload_body,
    .create_body = create_body,
    .read = read_remote,
    .list_key = "data",
    .next_page = next_page,
    .read_line = gen_batch_line_openai,
};
