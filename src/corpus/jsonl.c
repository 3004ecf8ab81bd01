/* JSON Lines, or one JSON array, of records with a text each. */
#include "base/utf8.h"
#include "corpus/corpus_int.h"
#include "os/file.h"
#include "json/stream.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOGGED_ROWS_MAX 20
#define ID_BYTES        24

struct jsonl {
    char *path;
    struct gen_str stem; /* of the file name; views `path` or a constant */
    struct gen_columns columns;
    const struct gen_log *log;
    struct gen_file_reader *reader;
    struct gen_json_stream *stream;
    uint64_t n_valid;
};

/* A record while it is looked at. */
struct row {
    const struct gen_json_record *record;
    const struct gen_json *object;
    struct gen_str texts[GEN_N_FIELDS];
    char id_number[ID_BYTES];
};

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

static bool jsonl_recognises(const char *path)
{
    struct gen_str ext = gen_path_ext(gen_str_from(path));
    if (is_stdin(path))
        return true;
    return (gen_str_eq_nocase(ext, GEN_STR(".jsonl")) ||
            gen_str_eq_nocase(ext, GEN_STR(".ndjson")) ||
            gen_str_eq_nocase(ext, GEN_STR(".json"))) &&
           gen_file_kind(path) != GEN_FILE_DIRECTORY;
}

/* Standard input is shared by the whole process, and its bytes come once. The close-on-exec flag
 * marks it as taken without a global variable: no program starts with it set, and children must not
 * eat our input anyway. */
static int take_stdin(struct gen_error *err)
{
    int flags = fcntl(STDIN_FILENO, F_GETFD);
    if (flags < 0)
        return gen_fail(err, GEN_EINPUT, "standard input is closed, so '-' cannot be read");
    if (flags & FD_CLOEXEC)
        return gen_fail(err, GEN_EINPUT,
                        "standard input can be read only once: save it to a .jsonl file first");
    if (fcntl(STDIN_FILENO, F_SETFD, flags | FD_CLOEXEC) < 0)
        return gen_fail(err, GEN_EIO, "standard input cannot be reserved");
    return GEN_OK;
}

static int open_stream(const char *path, struct gen_file_reader **reader,
                       struct gen_json_stream **stream, struct gen_error *err)
{
    struct gen_file_reader *r = NULL;
    int rc = gen_file_reader_open(&r, path, err);
    if (rc)
        return rc;
    rc = gen_json_stream_new(stream, gen_file_reader_read, r,
                             is_stdin(path) ? "standard input" : path, err);
    if (rc) {
        gen_file_reader_close(r);
        return rc;
    }
    *reader = r;
    return GEN_OK;
}

static void jsonl_close(void *state)
{
    struct jsonl *j = state;
    if (!j)
        return;
    gen_json_stream_free(j->stream);
    gen_file_reader_close(j->reader);
    gen_columns_release(&j->columns);
    free(j->path);
    free(j);
}

static int jsonl_open(void **state, const struct gen_corpus_options *options, struct gen_error *err)
{
    if (options->n_tables)
        return gen_fail(err, GEN_EUSAGE,
                        "'%s' has no tables: --table is for LanceDB databases only", options->path);
    if (options->lance_version)
        return gen_fail(err, GEN_EUSAGE,
                        "'%s' has no versions: --lance-version is for LanceDB tables only",
                        options->path);
    struct jsonl *j = calloc(1, sizeof(*j));
    if (!j)
        return gen_nomem(err, "a JSON Lines corpus");
    j->log = options->log;
    j->path = gen_str_dup(gen_str_from(options->path));
    int rc = j->path ? GEN_OK : gen_nomem(err, "a path");
    if (rc == GEN_OK)
        rc = gen_columns_init(&j->columns, options, err);
    if (rc == GEN_OK && is_stdin(j->path))
        rc = take_stdin(err);
    if (rc == GEN_OK)
        rc = open_stream(j->path, &j->reader, &j->stream, err);
    if (rc) {
        jsonl_close(j);
        return rc;
    }
    j->stem =
        is_stdin(j->path) ? GEN_STR("stdin") : gen_path_base(gen_path_stem(gen_str_from(j->path)));
    *state = j;
    return GEN_OK;
}

/* What breaks the frame of a file is as wrong as a row: a fault of the input. */
static int next_record(struct gen_json_stream *stream, struct gen_json_record *record, bool *more,
                       struct gen_error *err)
{
    int rc = gen_json_stream_next(stream, record, more, err);
    if (rc != GEN_EPARSE)
        return rc;
    if (err)
        err->code = GEN_EINPUT;
    return GEN_EINPUT;
}

static int jsonl_count(void *state, uint64_t *n, struct gen_error *err)
{
    struct jsonl *j = state;
    struct gen_file_reader *reader = NULL;
    struct gen_json_stream *stream = NULL;
    struct gen_json_record record;
    uint64_t n_rows = 0;
    bool more = true;
    if (is_stdin(j->path))
        return gen_fail(
            err, GEN_EINPUT,
            "the rows of standard input cannot be counted beforehand, because it can be "
            "read only once: save it to a .jsonl file first");
    int rc = open_stream(j->path, &reader, &stream, err);
    if (rc)
        return rc;
    for (;;) {
        rc = next_record(stream, &record, &more, err);
        if (rc || !more)
            break;
        n_rows++;
    }
    gen_json_stream_free(stream);
    gen_file_reader_close(reader);
    if (rc == GEN_OK)
        *n = n_rows;
    return rc;
}

/* A string, or an integer written into the row's own memory. */
static bool as_text(const struct gen_json *v, struct row *row, enum gen_field field)
{
    int64_t number = 0;
    if (gen_json_as_str(v, &row->texts[field]))
        return row->texts[field].n > 0;
    if (field != GEN_FIELD_ID || !gen_json_as_int(v, &number))
        return false;
    int n = snprintf(row->id_number, sizeof(row->id_number), "%lld", (long long)number);
    row->texts[field] = (struct gen_str){row->id_number, (size_t)n};
    return true;
}

static void find_field(struct row *row, enum gen_field field, const char *given)
{
    const char *const *names = gen_field_names(field);
    if (given) {
        (void)as_text(gen_json_get(row->object, given), row, field);
        return;
    }
    for (; *names; names++) {
        if (as_text(gen_json_get(row->object, *names), row, field))
            return;
    }
    if (field == GEN_FIELD_ID || field == GEN_FIELD_CONTENT)
        return;
    const struct gen_json *metadata = gen_json_get(row->object, "metadata");
    for (names = gen_field_names(field); metadata && *names; names++) {
        if (as_text(gen_json_get(metadata, *names), row, field))
            return;
    }
}

/* Why the record is no chunk, or NULL when it is one. */
static const char *look(struct row *row, const struct gen_columns *columns)
{
    if (gen_json_type(row->object) != GEN_JSON_OBJECT)
        return "the record is no object";
    for (int f = 0; f < GEN_N_FIELDS; f++) {
        const char *given = columns->given[f];
        row->texts[f] = (struct gen_str){NULL, 0};
        if (given && !gen_json_get(row->object, given))
            return "the column that was asked for is missing";
        find_field(row, (enum gen_field)f, given);
    }
    if (row->texts[GEN_FIELD_CONTENT].n == 0 && columns->given[GEN_FIELD_CONTENT])
        return "there is no text in the content column that was asked for";
    if (row->texts[GEN_FIELD_CONTENT].n == 0)
        return "there is no text under content, text or page_content";
    if (gen_text_is_blank(row->texts[GEN_FIELD_CONTENT]))
        return "the text is blank";
    return NULL;
}

static void count_malformed(const struct jsonl *j, const struct gen_json_record *record,
                            const char *reason, struct gen_corpus_counts *counts)
{
    gen_counts_malformed(counts, "%s row %llu (byte %llu): %s", j->path,
                         (unsigned long long)record->row, (unsigned long long)record->offset,
                         reason);
    if (counts->n_malformed > LOGGED_ROWS_MAX)
        return;
    gen_log(j->log, GEN_LOG_WARN, "malformed_row", "%s row %llu (byte %llu) is passed over: %s%s",
            j->path, (unsigned long long)record->row, (unsigned long long)record->offset, reason,
            counts->n_malformed == LOGGED_ROWS_MAX ? "; further ones are only counted" : "");
}

static int make_chunk(const struct jsonl *j, const struct row *row, struct gen_chunk **out,
                      struct gen_corpus_counts *counts, struct gen_error *err)
{
    struct gen_buf id = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_chunk model = {
        .id = row->texts[GEN_FIELD_ID],
        .content = row->texts[GEN_FIELD_CONTENT],
        .source = row->texts[GEN_FIELD_SOURCE],
        .title = row->texts[GEN_FIELD_TITLE],
        .section = row->texts[GEN_FIELD_SECTION],
    };
    int rc = GEN_OK;
    if (model.source.n == 0)
        model.source = GEN_STR("unknown");
    if (gen_text_is_blank(model.id)) {
        rc = gen_buf_printf(&id, err, "%.*s-%llu", GEN_STR_ARG(j->stem),
                            (unsigned long long)row->record->row);
        model.id = gen_buf_str(&id);
    }
    gen_chunk_set_language(&model, false, row->texts[GEN_FIELD_SOURCE_TYPE],
                           row->texts[GEN_FIELD_LANGUAGE]);
    if (rc == GEN_OK)
        rc = gen_chunk_clean(out, &model, counts, err);
    gen_buf_release(&id);
    return rc;
}

/* Malformed bytes of a row become U+FFFD, as in every other corpus; make_chunk cannot count them.
 */
static int parse_cleaned(const struct gen_json_record *record, struct gen_json_doc **doc,
                         struct gen_corpus_counts *counts, struct gen_error *err)
{
    if (gen_utf8_valid(record->text))
        return gen_json_parse(doc, record->text, err);
    struct gen_buf clean = gen_buf_make(3 * GEN_JSON_RECORD_BYTES_MAX);
    int rc = gen_utf8_clean(&clean, record->text, NULL, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(doc, gen_buf_str(&clean), err);
    counts->n_cleaned += rc == GEN_OK;
    gen_buf_release(&clean);
    return rc;
}

static int take_record(struct jsonl *j, const struct gen_json_record *record,
                       struct gen_chunk **out, struct gen_corpus_counts *counts,
                       struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error parse_error = {0};
    counts->n_rows++;
    int rc = parse_cleaned(record, &doc, counts, &parse_error);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a JSON record");
    if (rc) {
        count_malformed(j, record, parse_error.msg, counts);
        return GEN_OK;
    }
    struct row row = {.record = record, .object = gen_json_root(doc)};
    const char *reason = look(&row, &j->columns);
    if (reason)
        count_malformed(j, record, reason, counts);
    else
        rc = make_chunk(j, &row, out, counts, err);
    gen_json_doc_free(doc);
    return rc;
}

static int end_of_file(const struct jsonl *j, const struct gen_corpus_counts *counts,
                       struct gen_error *err)
{
    if (j->n_valid)
        return GEN_OK;
    const char *name = is_stdin(j->path) ? "standard input" : j->path;
    if (counts->n_rows == 0)
        return gen_fail(err, GEN_EINPUT, "%s holds no rows", name);
    return gen_fail(err, GEN_EINPUT, "none of the %llu rows of %s is a chunk; the first: %s",
                    (unsigned long long)counts->n_rows, name, counts->first_malformed);
}

static int jsonl_next(void *state, struct gen_chunk **out, struct gen_corpus_counts *counts,
                      struct gen_error *err)
{
    struct jsonl *j = state;
    struct gen_chunk *chunk = NULL;
    while (!chunk) {
        struct gen_json_record record;
        bool more = false;
        int rc = next_record(j->stream, &record, &more, err);
        if (rc)
            return rc;
        if (!more) {
            rc = end_of_file(j, counts, err);
            if (rc == GEN_OK)
                *out = NULL;
            return rc;
        }
        rc = take_record(j, &record, &chunk, counts, err);
        if (rc)
            return rc;
    }
    j->n_valid++;
    *out = chunk;
    return GEN_OK;
}

const struct gen_corpus_driver gen_corpus_jsonl = {
    .name = "jsonl",
    .recognises = jsonl_recognises,
    .open = jsonl_open,
    .count = jsonl_count,
    .next = jsonl_next,
    .close = jsonl_close,
};
