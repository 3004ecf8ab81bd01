/* Requests and answers through files in the OpenAI batch format. A request that stands in a file
 * already is not written again; an answer that failed is given to whoever asks for it, so that it
 * alone is asked again. */
#include "base/hash.h"
#include "llm/batch/lines.h"
#include "llm/exchange.h"
#include "llm/record.h"
#include "os/file.h"
#include "json/stream.h"

#include <stdio.h>
#include <stdlib.h>

#define BUCKETS         16384U /* a power of two */
#define REQUESTS_A_FILE 50000U /* what OpenAI takes */
#define BYTES_A_FILE    ((size_t)190 << 20)
#define FAILED_BODY_MAX ((size_t)64 << 10)
#define FILES_MAX       100000U

/* A request that is in some file and has no good answer. It waits as long as it was written more
 * often than it was answered: an old failure must not have it written again in every run. */
struct known {
    struct gen_digest key;
    struct known *next;
    unsigned n_written, n_failed;
    bool is_wanted; /* by this run */
    unsigned file;  /* the last one that it was written to */
    int status;     /* of the last failure, until somebody was told of it; 0: none */
    char *body;     /* of it; owned */
};

struct files_exchange {
    struct gen_exchange head;
    struct files_channel *channel;
    struct gen_digest key;
    struct gen_buf body;
    struct files_exchange *next_due;
    bool is_due; /* in the list of those whose result comes this turn */
    bool is_canceled;
};

struct files_channel {
    struct gen_channel_options o;
    struct gen_batch_options b;
    struct gen_buf dir;
    struct known *buckets[BUCKETS];
    struct gen_exchange *live; /* all that are prepared or wait */
    struct files_exchange *due;
    struct gen_turn *turn;
    struct gen_file_writer *writer;
    struct gen_buf path;
    size_t n_in_file, bytes_in_file;
    unsigned n_files;
    int64_t n_answers, n_failures;
    bool has_warned; /* of answers by another model */
};

static struct known **find(struct files_channel *c, const struct gen_digest *key)
{
    struct known **at = &c->buckets[((size_t)key->bytes[0] << 8 | key->bytes[1]) % BUCKETS];
    while (*at && memcmp((*at)->key.bytes, key->bytes, sizeof(key->bytes)) != 0)
        at = &(*at)->next;
    return at;
}

static int know(struct files_channel *c, const struct gen_digest *key, struct known **out,
                struct gen_error *err)
{
    struct known **at = find(c, key);
    if (!*at) {
        *at = calloc(1, sizeof(**at));
        if (!*at)
            return gen_nomem(err, "a request of a file");
        (*at)->key = *key;
    }
    *out = *at;
    return GEN_OK;
}

static void forget(struct files_channel *c, const struct gen_digest *key)
{
    struct known **at = find(c, key);
    struct known *gone = *at;
    if (!gone)
        return;
    *at = gone->next;
    free(gone->body);
    free(gone);
}

static bool is_waiting(const struct known *k)
{
    return k->n_written > k->n_failed;
}

static void release(struct gen_exchange *head)
{
    struct files_exchange *x = (struct files_exchange *)head;
    gen_buf_release(&x->body);
    free(x);
}

static int prepare(void *state, const struct gen_llm_request *r, const struct gen_digest *key,
                   unsigned dropped, struct gen_exchange **out, struct gen_error *err)
{
    struct files_channel *c = state;
    struct files_exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return gen_nomem(err, "a request");
    x->channel = c;
    x->key = *key;
    x->body = gen_buf_make(GEN_BUF_UNLIMITED);
    gen_exchange_enter(&c->live, &x->head);
    int rc = gen_exchange_batch_body(&c->o, r, dropped, &x->body, err);
    if (rc) {
        gen_exchange_discard(&x->head, release);
        return rc;
    }
    *out = &x->head;
    return GEN_OK;
}

static void make_due(struct files_exchange *x)
{
    if (x->is_due)
        return;
    x->is_due = true;
    x->next_due = x->channel->due;
    x->channel->due = x;
    gen_loop_wake(x->channel->o.loop);
}

static int file_path(const struct files_channel *c, unsigned number, struct gen_buf *out,
                     struct gen_error *err)
{
    char name[40];
    (void)snprintf(name, sizeof(name), "requests-%04u.jsonl", number);
    gen_buf_clear(out);
    return gen_path_join(out, gen_buf_str(&c->dir), gen_str_from(name), err);
}

static int close_file(struct files_channel *c, struct gen_error *err)
{
    if (!c->writer)
        return GEN_OK;
    int rc = gen_file_writer_commit(c->writer, err);
    gen_file_writer_close(c->writer);
    c->writer = NULL;
    if (rc == GEN_OK)
        gen_log(c->o.log, GEN_LOG_INFO, "batch_file", "%zu requests written to %s", c->n_in_file,
                c->path.data);
    return rc;
}

static int open_file(struct files_channel *c, struct gen_error *err)
{
    if (c->writer && (c->n_in_file >= REQUESTS_A_FILE || c->bytes_in_file >= BYTES_A_FILE)) {
        int rc = close_file(c, err);
        if (rc)
            return rc;
    }
    if (c->writer)
        return GEN_OK;
    c->n_in_file = 0;
    c->bytes_in_file = 0;
    int rc = file_path(c, ++c->n_files, &c->path, err);
    return rc ? rc : gen_file_writer_open(&c->writer, c->path.data, err);
}

static int write_request(struct files_channel *c, struct files_exchange *x, struct gen_error *err)
{
    struct gen_buf line = gen_buf_make(GEN_BUF_UNLIMITED);
    struct known *known = NULL;
    char name[GEN_HEX_CHARS + 1];
    gen_digest_hex(&x->key, GEN_SHA256_BYTES, name);
    int rc = gen_batch_openai.add_request(&line, name, c->o.provider->chat_path,
                                          gen_buf_str(&x->body), err);
    if (rc == GEN_OK)
        rc = open_file(c, err);
    if (rc == GEN_OK)
        rc = gen_file_writer_add(c->writer, gen_buf_str(&line), err);
    if (rc == GEN_OK)
        rc = know(c, &x->key, &known, err);
    if (rc == GEN_OK && known) {
        known->n_written++;
        known->is_wanted = true;
        known->file = c->n_files;
        c->n_in_file++;
        c->bytes_in_file += line.n;
    }
    gen_buf_release(&line);
    gen_buf_release(&x->body);
    return rc;
}

static int send_exchange(void *state, struct gen_exchange *head, struct gen_error *err)
{
    struct files_channel *c = state;
    struct files_exchange *x = (struct files_exchange *)head;
    struct known *known = *find(c, &x->key);
    if (known && is_waiting(known)) {
        known->is_wanted = true;
        gen_buf_release(&x->body);
        return GEN_OK;
    }
    if (!known || !known->status)
        return write_request(c, x, err);
    make_due(x);
    return GEN_OK;
}

static void cancel_exchange(void *state, struct gen_exchange *head)
{
    struct files_exchange *x = (struct files_exchange *)head;
    (void)state;
    x->is_canceled = x->is_canceled || !x->is_due;
    make_due(x);
}

/* The next time it is asked, it is written again. */
static int failed_result(struct files_channel *c, const struct files_exchange *x,
                         struct gen_llm_result *result, struct gen_error *err)
{
    struct known *known = *find(c, &x->key);
    if (x->is_canceled || !known || !known->status) {
        result->class_code = GEN_CLASS_CANCELED;
        gen_llm_set_message(result, GEN_STR("left to the engine that answers the files"));
        return GEN_OK;
    }
    struct gen_http_response response = {
        .transport = GEN_TRANSPORT_OK,
        .status = known->status,
        .body = gen_str_from(known->body),
        .detail = "",
    };
    int rc = c->o.provider->parse(&response, result, err);
    free(known->body);
    known->body = NULL;
    known->status = 0;
    return rc;
}

static void deliver(void *ud)
{
    struct files_channel *c = ud;
    while (c->due) {
        struct files_exchange *x = c->due;
        c->due = x->next_due;
        struct gen_error err = {.msg = ""};
        struct gen_llm_result result = gen_llm_result_make();
        int rc = failed_result(c, x, &result, &err);
        gen_exchange_deliver(&x->head, release, &result, rc ? &err : NULL);
    }
}

static int turn_end(void *state, bool is_idle, struct gen_error *err)
{
    struct files_channel *c = state;
    /* Failed answers that are about to be given will be asked again, in the same file. */
    return is_idle && !c->due ? close_file(c, err) : GEN_OK;
}

static bool is_parked(const void *state)
{
    const struct files_channel *c = state;
    return !c->due && !c->writer;
}

static void channel_free(void *state)
{
    struct files_channel *c = state;
    gen_exchange_release_all(&c->live, release);
    for (size_t i = 0; i < BUCKETS; i++) {
        while (c->buckets[i]) {
            struct gen_digest key = c->buckets[i]->key;
            forget(c, &key);
        }
    }
    gen_file_writer_close(c->writer);
    if (c->turn)
        gen_turn_free(c->turn);
    gen_buf_release(&c->dir);
    gen_buf_release(&c->path);
    free(c);
}

static int keep_failure(struct files_channel *c, const struct gen_digest *key, int status,
                        struct gen_str body, struct gen_error *err)
{
    struct known *known = NULL;
    int rc = know(c, key, &known, err);
    if (rc)
        return rc;
    char *copy = gen_str_dup(gen_str_sub(body, 0, FAILED_BODY_MAX));
    if (!copy)
        return gen_nomem(err, "an answer");
    free(known->body);
    known->body = copy;
    known->status = status;
    known->n_failed++;
    c->n_failures++;
    return GEN_OK;
}

static int keep_answer(struct files_channel *c, const struct gen_digest *key,
                       struct gen_llm_result *result, struct gen_error *err)
{
    result->usage.cost_microusd = gen_llm_cost(&c->b.price, &result->usage);
    struct gen_answer a = gen_llm_answer(result, c->b.run_id, gen_time_unix_us());
    int rc = gen_ledger_begin(c->b.ledger, err);
    if (rc == GEN_OK)
        rc = gen_ledger_answer_put(c->b.ledger, key, &a, err);
    c->n_answers++;
    forget(c, key);
    return rc;
}

/* Names of one model differ by folders in front and dates behind; what shares no more than that is
 * another one. */
static void check_model(struct files_channel *c, struct gen_str name)
{
    struct gen_str asked = gen_path_base(gen_str_from(c->o.model));
    struct gen_str answered = gen_path_base(name);
    bool is_same = gen_str_find_nocase(answered, asked, 0) != SIZE_MAX ||
                   gen_str_find_nocase(asked, answered, 0) != SIZE_MAX;
    if (name.n == 0 || is_same || c->has_warned)
        return;
    c->has_warned = true;
    gen_log(c->o.log, GEN_LOG_WARN, "batch_file",
            "answers in %s were given by the model \"%.*s\", and %s was asked; remove them if that "
            "is not meant",
            c->dir.data, GEN_STR_ARG(gen_str_sub(name, 0, 100)), c->o.model);
}

static int read_answer(struct files_channel *c, const struct gen_json *json, struct gen_error *err)
{
    struct gen_batch_line line;
    struct gen_digest key;
    if (!gen_batch_line_openai(json, &line) || !gen_digest_parse(line.name, &key))
        return GEN_OK;
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_llm_result result = gen_llm_result_make();
    int status = line.status ? line.status : 503;
    int rc = line.body ? gen_json_write(&body, line.body, GEN_JSON_COMPACT, err)
                       : gen_buf_printf(&body, err, "{\"error\":{\"message\":\"%.*s\"}}",
                                        GEN_STR_ARG(gen_str_sub(line.why, 0, 80)));
    if (rc == GEN_OK) {
        struct gen_http_response response = {
            .transport = GEN_TRANSPORT_OK,
            .status = status,
            .body = gen_buf_str(&body),
            .detail = "",
        };
        rc = c->o.provider->parse(&response, &result, err);
    }
    if (rc == GEN_OK)
        check_model(c, result.model);
    if (rc == GEN_OK)
        rc = gen_llm_is_answer(&result) ? keep_answer(c, &key, &result, err)
                                        : keep_failure(c, &key, status, gen_buf_str(&body), err);
    gen_llm_result_release(&result);
    gen_buf_release(&body);
    return rc;
}

static int read_request(struct files_channel *c, const struct gen_json *json, unsigned file,
                        struct gen_error *err)
{
    struct gen_digest key;
    struct known *known = NULL;
    if (!gen_digest_parse(gen_json_get_str(json, "custom_id"), &key))
        return GEN_OK;
    int rc = know(c, &key, &known, err);
    if (rc == GEN_OK && known) {
        known->n_written++;
        known->file = file;
    }
    return rc;
}

/* `number` of a file of requests; 0: it holds answers. */
static int read_file(struct files_channel *c, const char *path, unsigned number,
                     struct gen_error *err)
{
    struct gen_file_reader *reader = NULL;
    struct gen_json_stream *stream = NULL;
    struct gen_json_record record;
    bool more = true;
    int rc = gen_file_reader_open(&reader, path, err);
    if (rc == GEN_OK)
        rc = gen_json_stream_new(&stream, gen_file_reader_read, reader, path, err);
    while (rc == GEN_OK && more) {
        struct gen_json_doc *doc = NULL;
        struct gen_error why = {.msg = ""};
        rc = gen_json_stream_next(stream, &record, &more, err);
        if (rc || !more)
            break;
        int parsed = gen_json_parse(&doc, record.text, &why);
        if (parsed == GEN_ENOMEM)
            rc = gen_nomem(err, "a line of a file");
        else if (parsed)
            rc = gen_fail(
                err, GEN_EPARSE, "%s, row %llu, byte %llu: %s; remove the line or the file", path,
                (unsigned long long)record.row, (unsigned long long)record.offset, why.msg);
        else
            rc = number ? read_request(c, gen_json_root(doc), number, err)
                        : read_answer(c, gen_json_root(doc), err);
        gen_json_doc_free(doc);
    }
    gen_json_stream_free(stream);
    gen_file_reader_close(reader);
    return rc;
}

struct walk {
    struct files_channel *channel;
    bool answers;
};

/* Of "requests-0001.jsonl"; 0: another name, "requests-0001.out.jsonl" too. */
static unsigned number_of(struct gen_str base)
{
    struct gen_str prefix = GEN_STR("requests-");
    struct gen_str ext = GEN_STR(".jsonl");
    unsigned number = 0;
    if (!gen_str_starts(base, prefix) || !gen_str_ends(base, ext) || base.n <= prefix.n + ext.n)
        return 0;
    for (size_t i = prefix.n; i < base.n - ext.n; i++) {
        if (base.p[i] < '0' || base.p[i] > '9' || number > FILES_MAX)
            return 0;
        number = number * 10 + (unsigned)(base.p[i] - '0');
    }
    return number;
}

/* Requests first, and then what was answered: in the order of their names, the later line wins. */
static int visit(void *ud, const char *path, struct gen_error *err)
{
    const struct walk *w = ud;
    struct files_channel *c = w->channel;
    struct gen_str base = gen_path_base(gen_str_from(path));
    unsigned number = number_of(base);
    if (!gen_str_is(gen_path_ext(base), ".jsonl") || (number > 0) == w->answers)
        return GEN_OK;
    if (number > c->n_files)
        c->n_files = number;
    return read_file(c, path, number, err);
}

static int read_folder(struct files_channel *c, struct gen_error *err)
{
    struct walk requests = {c, false};
    struct walk answers = {c, true};
    int rc = gen_dir_make(c->dir.data, err);
    if (rc == GEN_OK)
        rc = gen_dir_walk(c->dir.data, visit, &requests, err);
    if (rc == GEN_OK)
        rc = gen_dir_walk(c->dir.data, visit, &answers, err);
    if (rc == GEN_OK)
        rc = gen_ledger_commit(c->b.ledger, err);
    if (rc == GEN_OK && (c->n_answers || c->n_failures))
        gen_log(c->o.log, GEN_LOG_INFO, "batch_file", "%lld answers and %lld failures read from %s",
                (long long)c->n_answers, (long long)c->n_failures, c->dir.data);
    return rc;
}

int gen_channel_files_new(struct gen_channel *out, const struct gen_channel_options *o,
                          const struct gen_batch_options *b, const char *dir, struct gen_error *err)
{
    static const struct gen_channel_table table = {
        .prepare = prepare,
        .send = send_exchange,
        .cancel = cancel_exchange,
        .release = release,
        .turn_end = turn_end,
        .is_parked = is_parked,
        .keeps_answers = true,
        .free = channel_free,
    };
    if (!o->provider->chat_path || strcmp(o->provider->chat_path, "/chat/completions") != 0)
        return gen_fail(err, GEN_EUSAGE,
                        "--batch-file writes the OpenAI batch format, which provider %s does not "
                        "speak: use vllm or openai",
                        o->provider->name);
    struct files_channel *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "a channel");
    c->o = *o;
    c->b = *b;
    c->dir = gen_buf_make(8192);
    c->path = gen_buf_make(8192);
    int rc = gen_buf_add_c(&c->dir, dir, err);
    if (rc == GEN_OK)
        rc = gen_turn_new(&c->turn, o->loop, deliver, NULL, c, err);
    if (rc == GEN_OK)
        rc = read_folder(c, err);
    if (rc) {
        channel_free(c);
        return rc;
    }
    *out = (struct gen_channel){&table, c};
    return GEN_OK;
}

static void add_waiting(struct gen_files_waiting *w, unsigned file)
{
    const size_t n_max = sizeof(w->files) / sizeof(w->files[0]);
    size_t i = 0;
    w->n_requests++;
    while (i < w->n_files && w->files[i] < file)
        i++;
    if (i < w->n_files && w->files[i] == file)
        return;
    w->has_more |= w->n_files == n_max;
    if (i == n_max)
        return;
    w->n_files += w->n_files < n_max;
    for (size_t k = w->n_files - 1; k > i; k--)
        w->files[k] = w->files[k - 1];
    w->files[i] = file;
}

void gen_channel_files_waiting(const struct gen_channel *c, struct gen_files_waiting *out)
{
    const struct files_channel *files = c->state;
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct known *k = files->buckets[i]; k; k = k->next) {
            if (k->is_wanted && is_waiting(k))
                add_waiting(out, k->file);
        }
    }
}
