#include "fakellm_batch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY_S 86400U

static bool send_wire(struct fake_server *s, struct fake_reply *reply)
{
    return fake_reply_finish(s, reply, 200, "", FAKE_BY_LENGTH);
}

static bool send_error(struct fake_server *s, struct fake_reply *reply, const char *message)
{
    struct fake_error e = {.status = 400,
                           .type = "invalid_request_error",
                           .code = "invalid_value",
                           .message = message,
                           .flavour = s->config.flavour};
    s->extra.len = 0;
    return fake_reply_error(s, reply, FAKE_OPENAI, &e);
}

/* ---- files -------------------------------------------------------------------------------------
 */

/* The content of the part called "file". */
static bool file_part(const struct fake_request *r, struct fake_span *out)
{
    char mark[160] = "\r\n--";
    const char *type = fake_header(r->headers, "content-type:");
    const char *at = type == NULL ? NULL : strcasestr(type, "boundary=");
    if (at == NULL) {
        return false;
    }
    at += strlen("boundary=");
    at += *at == '"';
    size_t n = strcspn(at, "\"\r\n; ");
    if (n == 0 || n > sizeof(mark) - 5) {
        return false;
    }
    memcpy(mark + 4, at, n);
    mark[4 + n] = '\0';
    const char *end = r->body.p + r->body.n;
    const char *name = memmem(r->body.p, r->body.n, "name=\"file\"", 11);
    const char *from = name == NULL ? NULL : memmem(name, (size_t)(end - name), "\r\n\r\n", 4);
    if (from == NULL) {
        return false;
    }
    from += 4;
    const char *to = memmem(from, (size_t)(end - from), mark, 4 + n);
    if (to == NULL) {
        return false;
    }
    *out = (struct fake_span){from, (size_t)(to - from)};
    return true;
}

static void put_file(struct fake_buf *out, const char *id, size_t bytes)
{
    fake_buf_printf(out,
                    "{\"id\":\"%s\",\"object\":\"file\",\"bytes\":%zu,\"created_at\":1767225600,"
                    "\"filename\":\"batch.jsonl\",\"purpose\":\"batch\",\"status\":\"processed\"}",
                    id, bytes);
}

static bool add_file(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply)
{
    struct fake_span data;
    if (!file_part(r, &data)) {
        return send_error(s, reply, "'file' is a required property");
    }
    struct fake_batches *all = fake_batches_get(s);
    struct fake_file *files =
        all == NULL ? NULL : realloc(all->files, (all->n_files + 1) * sizeof(*files));
    char *copy = malloc(data.n + 1);
    if (files != NULL) {
        all->files = files;
    }
    if (files == NULL || copy == NULL) {
        free(copy);
        return false;
    }
    memcpy(copy, data.p, data.n);
    struct fake_file *file = &files[all->n_files++];
    *file = (struct fake_file){.data = copy, .len = data.n};
    (void)snprintf(file->id, sizeof(file->id), "file-%zu", all->n_files);
    s->stats.n_files++;
    s->wire.len = 0;
    put_file(&s->wire, file->id, file->len);
    return send_wire(s, reply);
}

static const struct fake_file *find_file(const struct fake_server *s, struct fake_span id)
{
    for (size_t i = 0; s->batches != NULL && i < s->batches->n_files; i++) {
        if (fake_span_is(id, s->batches->files[i].id)) {
            return &s->batches->files[i];
        }
    }
    return NULL;
}

/* ---- batches -----------------------------------------------------------------------------------
 */

static size_t n_errors(const struct fake_batch *b)
{
    return b->n_of[FAKE_LINE_RATE] + b->n_of[FAKE_LINE_SERVER] + b->n_of[FAKE_LINE_INVALID];
}

static const char *status_of(const struct fake_server *s, const struct fake_batch *b)
{
    switch (fake_batch_state(s, b)) {
    case FAKE_BATCH_FAILED:
        return "failed";
    case FAKE_BATCH_RUNNING:
        return "in_progress";
    default:
        break;
    }
    if (b->is_canceled) {
        return "cancelled";
    }
    return b->n_of[FAKE_LINE_EXPIRED] > 0 ? "expired" : "completed";
}

static void put_id_or_null(struct fake_buf *out, const char *name, bool is_there,
                           const char *prefix, const char *id)
{
    fake_buf_printf(out, is_there ? ",\"%s\":\"%s%s\"" : ",\"%s\":null", name, prefix, id);
}

static void put_batch(struct fake_server *s, const struct fake_batch *b, const char *status)
{
    struct fake_buf *out = &s->wire;
    bool is_over = fake_batch_state(s, b) == FAKE_BATCH_ENDED;
    size_t n_bad = is_over ? n_errors(b) : 0;
    fake_buf_printf(out, "{\"id\":\"%s\",\"object\":\"batch\",\"endpoint\":", b->id);
    fake_buf_put(out, b->endpoint.p, b->endpoint.n);
    fake_buf_puts(out, ",\"errors\":");
    if (b->failure != NULL && strcmp(status, "failed") == 0) {
        fake_buf_printf(out,
                        "{\"object\":\"list\",\"data\":[{\"code\":\"%s\",\"message\":\"%s\","
                        "\"param\":null,\"line\":null}]}",
                        b->failure[0] == 'E' ? "token_limit_exceeded" : "invalid_request",
                        b->failure);
    } else {
        fake_buf_puts(out, "null");
    }
    fake_buf_puts(out, ",\"input_file_id\":");
    fake_buf_put(out, b->input_id.p, b->input_id.n);
    fake_buf_printf(out, ",\"completion_window\":\"24h\",\"status\":\"%s\"", status);
    put_id_or_null(out, "output_file_id", is_over && b->n_of[FAKE_LINE_OK] > 0, "file-out-", b->id);
    bool has_errors = n_bad + b->n_of[FAKE_LINE_EXPIRED] + b->n_of[FAKE_LINE_CANCELED] > 0;
    put_id_or_null(out, "error_file_id", is_over && has_errors, "file-err-", b->id);
    fake_put_count(out, "created_at", b->created_s);
    fake_put_count(out, "expires_at", b->created_s + DAY_S);
    fake_buf_printf(out, ",\"request_counts\":{\"total\":%zu,\"completed\":%zu,\"failed\":%zu}",
                    b->failure != NULL ? (size_t)0 : b->n_lines,
                    is_over ? b->n_of[FAKE_LINE_OK] : (size_t)0, n_bad);
    fake_buf_puts(out, ",\"metadata\":");
    if (b->metadata.n > 0) {
        fake_buf_put(out, b->metadata.p, b->metadata.n);
    } else {
        fake_buf_puts(out, "null");
    }
    fake_buf_char(out, '}');
}

/* One batch line; a line that is none makes the whole batch fail. */
static bool add_line(struct fake_batch *b, struct fake_span text)
{
    struct fake_span body = fake_member_of(text, "body");
    struct fake_span url = fake_member_of(text, "url");
    if (body.n == 0 || body.p[0] != '{') {
        b->failure = "a line is no JSON object with a body";
        return true;
    }
    if (url.n != b->endpoint.n || memcmp(url.p, b->endpoint.p, url.n) != 0) {
        b->failure = "the url of a line is not the endpoint of the batch";
    }
    return fake_batch_line(b, fake_unquote(fake_member_of(text, "custom_id")), body);
}

static bool add_lines(struct fake_batch *b, struct fake_span data)
{
    const char *end = data.p + data.n;
    for (const char *p = data.p; p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop == NULL ? end : stop;
        struct fake_span line = {p, (size_t)(stop - p)};
        if (line.n > 1 && !add_line(b, line)) {
            return false;
        }
        p = stop + 1;
    }
    return true;
}

/* The batch keeps the file and its own description in one piece of memory. */
static bool add_batch(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply)
{
    struct fake_span id = fake_unquote(fake_member_of(r->body, "input_file_id"));
    const struct fake_file *file = find_file(s, id);
    if (file == NULL) {
        return send_error(s, reply, "input_file_id: no such file");
    }
    if (!fake_span_is(fake_member_of(r->body, "completion_window"), "\"24h\"")) {
        return send_error(s, reply, "completion_window must be 24h");
    }
    struct fake_buf all = {0};
    fake_buf_put(&all, file->data, file->len);
    fake_buf_put(&all, r->body.p, r->body.n);
    struct fake_batch *b =
        all.failed ? NULL
                   : fake_batch_add(s, FAKE_OPENAI, "batch_", (struct fake_span){all.p, all.len});
    fake_buf_release(&all);
    if (b == NULL) {
        return false;
    }
    struct fake_span own = {b->data + file->len, r->body.n};
    b->metadata = fake_member_of(own, "metadata");
    b->endpoint = fake_member_of(own, "endpoint");
    b->input_id = fake_member_of(own, "input_file_id");
    if (!add_lines(b, (struct fake_span){b->data, file->len})) {
        return false;
    }
    fake_batch_start(s, b);
    s->wire.len = 0;
    put_batch(s, b, "validating");
    return fake_batch_created(s, b, reply);
}

static bool list_batches(struct fake_server *s, const struct fake_request *r,
                         struct fake_reply *reply)
{
    uint64_t limit = fake_span_uint(fake_query(r, "limit"), 20);
    struct fake_span after = fake_query(r, "after");
    struct fake_buf *out = &s->wire;
    struct fake_batch *b = NULL;
    size_t at = 0;
    uint64_t n = 0;
    out->len = 0;
    fake_buf_puts(out, "{\"object\":\"list\",\"data\":[");
    while (n < limit && (b = fake_batch_next(s, FAKE_OPENAI, after, &at)) != NULL) {
        if (n++ > 0) {
            fake_buf_char(out, ',');
        }
        put_batch(s, b, status_of(s, b));
    }
    b = n < limit ? NULL : fake_batch_next(s, FAKE_OPENAI, after, &at);
    fake_buf_puts(out, b == NULL ? "],\"has_more\":false}" : "],\"has_more\":true}");
    return send_wire(s, reply);
}

/* ---- results -----------------------------------------------------------------------------------
 */

static void put_result(struct fake_server *s, const struct fake_batch *b,
                       const struct fake_line *line)
{
    struct fake_buf *out = &s->wire;
    fake_buf_printf(out, "{\"id\":\"batch_req_%zu\",\"custom_id\":\"", (size_t)(line - b->lines));
    fake_buf_put(out, line->id.p, line->id.n);
    fake_buf_puts(out, "\",\"response\":");
    if (line->outcome == FAKE_LINE_EXPIRED || line->outcome == FAKE_LINE_CANCELED) {
        bool expired = line->outcome == FAKE_LINE_EXPIRED;
        fake_buf_printf(out, "null,\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n",
                        expired ? "batch_expired" : "batch_cancelled",
                        expired ? "This request could not be executed before the completion "
                                  "window expired."
                                : "This request was not executed because the batch was cancelled.");
        return;
    }
    static const int statuses[FAKE_N_OUTCOMES] = {[FAKE_LINE_OK] = 200,
                                                  [FAKE_LINE_RATE] = 429,
                                                  [FAKE_LINE_SERVER] = 500,
                                                  [FAKE_LINE_INVALID] = 400};
    fake_buf_printf(out, "{\"status_code\":%d,\"request_id\":\"req_%zu\",\"body\":",
                    statuses[line->outcome], (size_t)(line - b->lines));
    (void)fake_batch_result(s, b, line, out);
    fake_buf_puts(out, "},\"error\":null}\n");
}

static bool results(struct fake_server *s, const struct fake_batch *b, bool errors,
                    struct fake_reply *reply)
{
    s->wire.len = 0;
    for (size_t i = 0; i < b->n_lines; i++) {
        const struct fake_line *line = fake_batch_shuffled(b, i);
        if ((line->outcome != FAKE_LINE_OK) == errors) {
            put_result(s, b, line);
        }
    }
    return fake_reply_finish(s, reply, 200, "Content-Type: application/octet-stream\r\n",
                             FAKE_BY_LENGTH);
}

static bool file_content(struct fake_server *s, struct fake_span id, struct fake_reply *reply)
{
    bool is_out = fake_span_starts(id, "file-out-");
    if (is_out || fake_span_starts(id, "file-err-")) {
        struct fake_span batch = {id.p + 9, id.n - 9};
        const struct fake_batch *b = fake_batch_find(s, FAKE_OPENAI, batch);
        if (b == NULL || fake_batch_state(s, b) != FAKE_BATCH_ENDED) {
            return fake_batch_missing(s, reply, FAKE_OPENAI);
        }
        return results(s, b, !is_out, reply);
    }
    const struct fake_file *file = find_file(s, id);
    if (file == NULL) {
        return fake_batch_missing(s, reply, FAKE_OPENAI);
    }
    s->wire.len = 0;
    fake_buf_put(&s->wire, file->data, file->len);
    return send_wire(s, reply);
}

/* ---- routes ------------------------------------------------------------------------------------
 */

static bool batch_route(struct fake_server *s, const struct fake_request *r, struct fake_span rest,
                        struct fake_reply *reply)
{
    bool is_post = fake_span_is(r->method, "POST");
    if (rest.n == 0) {
        return is_post ? add_batch(s, r, reply) : list_batches(s, r, reply);
    }
    const char *slash = memchr(rest.p, '/', rest.n);
    struct fake_span id = {rest.p, slash == NULL ? rest.n : (size_t)(slash - rest.p)};
    struct fake_batch *b = fake_batch_find(s, FAKE_OPENAI, id);
    if (b == NULL) {
        return fake_batch_missing(s, reply, FAKE_OPENAI);
    }
    s->wire.len = 0;
    if (is_post && slash != NULL) {
        bool running = fake_batch_state(s, b) == FAKE_BATCH_RUNNING;
        fake_batch_cancel(s, b);
        put_batch(s, b, running ? "cancelling" : status_of(s, b));
    } else {
        s->stats.n_batch_polls++;
        put_batch(s, b, status_of(s, b));
    }
    return send_wire(s, reply);
}

static bool file_route(struct fake_server *s, const struct fake_request *r, struct fake_span rest,
                       struct fake_reply *reply)
{
    if (rest.n == 0) {
        return fake_span_is(r->method, "POST") ? add_file(s, r, reply)
                                               : fake_reply_text(s, reply, 200,
                                                                 "{\"object\":\"list\",\"data\":"
                                                                 "[],\"has_more\":false}");
    }
    const char *slash = memchr(rest.p, '/', rest.n);
    struct fake_span id = {rest.p, slash == NULL ? rest.n : (size_t)(slash - rest.p)};
    if (slash != NULL) {
        return file_content(s, id, reply);
    }
    const struct fake_file *file = find_file(s, id);
    if (file == NULL) {
        return fake_batch_missing(s, reply, FAKE_OPENAI);
    }
    s->wire.len = 0;
    put_file(&s->wire, file->id, file->len);
    return send_wire(s, reply);
}

bool fake_openai_batches(struct fake_server *s, const struct fake_request *r,
                         struct fake_reply *reply, bool *ok)
{
    static const char *const roots[] = {"/v1/batches", "/v1/files"};
    struct fake_error e = {0};
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(roots[i]);
        if (!fake_span_starts(r->path, roots[i]) || (r->path.n > n && r->path.p[n] != '/')) {
            continue;
        }
        struct fake_span rest = {r->path.p + n, r->path.n - n};
        if (rest.n > 0) {
            rest.p++;
            rest.n--;
        }
        if (fake_check_key(s, r, FAKE_OPENAI, &e)) {
            s->extra.len = 0;
            *ok = fake_reply_error(s, reply, FAKE_OPENAI, &e);
        } else {
            *ok = i == 0 ? batch_route(s, r, rest, reply) : file_route(s, r, rest, reply);
        }
        return true;
    }
    return false;
}
