#include "cli/check_result.h"
#include "cli/say.h"

#include "os/file.h"
#include "json/stream.h"

#include <stdio.h>
#include <stdlib.h>

#define CONSUMERS_MAX 16
#define FILES_MAX     100000
#define OUTPUT_BYTES  ((size_t)256 << 20)

struct check {
    const struct gen_app *app;
    struct gen_buf *out; /* text, or the JSON in the end */
    struct gen_jb *json; /* NULL: text */
    struct gen_jmut *files;
    const char *consumer; /* of --for */
    uint64_t n_errors, n_warnings;
    bool some_unreadable, quiet, log_json;
};

/* A file under check, which notes how its bytes lie while they are read. */
struct source {
    const char *path; /* for messages */
    const char *name; /* for rules about names; NULL: it has none */
    struct gen_file_reader *file;
    struct gen_file_facts facts;
};

static int read_on(void *ud, void *data, size_t n, size_t *got, struct gen_error *err)
{
    struct source *s = ud;
    int rc = gen_file_reader_read(s->file, data, n, got, err);
    if (rc)
        return rc;
    struct gen_str part = {data, *got};
    if (s->facts.bytes == 0 && gen_str_starts(part, GEN_STR("PAR1")))
        return gen_fail(err, GEN_EINPUT,
                        "it is a Parquet file; only JSON Lines and JSON arrays are checked");
    gen_file_facts_add(&s->facts, part);
    return GEN_OK;
}

/* Hands one record to all consumers. */
static int give(struct gen_check_result *list, size_t n, const struct gen_json_record *record,
                struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error parse = {0};
    char why[320] = "";
    const struct gen_json *row = NULL;
    int rc = gen_json_parse(&doc, record->text, &parse);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a row");
    if (rc) {
        (void)snprintf(why, sizeof(why), "it cannot be read as JSON: %.280s", parse.msg);
    } else {
        row = gen_json_root(doc);
        if (gen_json_type(row) != GEN_JSON_OBJECT) {
            (void)snprintf(why, sizeof(why), "it is a JSON value of type %s, not an object",
                           gen_json_type_name(gen_json_type(row)));
            row = NULL;
        }
    }
    rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++)
        rc = gen_file_check_row(list[i].check, record->row, record->text, row, row ? NULL : why,
                                NULL, err);
    gen_json_doc_free(doc);
    return rc;
}

/* An array that is broken or cut ends the file, but is one of its faults and not ours. */
static int give_break(struct gen_check_result *list, size_t n, uint64_t row,
                      const struct gen_error *broken, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++)
        rc = gen_file_check_row(list[i].check, row, (struct gen_str){"", 0}, NULL, broken->msg,
                                NULL, err);
    return rc;
}

static int read_rows(struct source *s, struct gen_check_result *list, size_t n,
                     struct gen_error *err)
{
    struct gen_json_stream *stream = NULL;
    struct gen_json_record record = {0};
    struct gen_error broken = {0};
    bool more = true;
    int rc = gen_json_stream_new(&stream, read_on, s, s->path, err);
    while (rc == GEN_OK) {
        rc = gen_json_stream_next(stream, &record, &more, &broken);
        if (rc == GEN_EPARSE || rc == GEN_ELIMIT) {
            rc = give_break(list, n, record.row + 1, &broken, err);
            break;
        }
        if (rc && err)
            *err = broken;
        if (rc || !more)
            break;
        rc = give(list, n, &record, err);
    }
    gen_json_stream_free(stream);
    return rc;
}

static int end_all(const struct source *s, struct gen_check_result *list, size_t n,
                   struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++)
        rc = gen_file_check_end(list[i].check, s->name, NULL, err);
    return rc;
}

static int log_all(const struct check *k, const struct gen_check_result *list, size_t n,
                   const char *path, struct gen_error *err)
{
    struct gen_buf line = gen_buf_make(4096);
    int rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++) {
        gen_buf_clear(&line);
        rc = gen_check_verdict(&list[i], &line, err);
        if (rc == GEN_OK)
            gen_log(k->app->log, GEN_LOG_INFO, "check", "%s: %.*s", path, (int)line.n - 1,
                    line.data);
    }
    gen_buf_release(&line);
    return rc;
}

/* Among all consumers there are always some whose form the file has not. That is no error of the
 * file, unless it is so for each that asks for a form. */
static void count(struct check *k, const struct gen_check_result *list, size_t n)
{
    size_t n_readers = 0;
    for (size_t i = 0; i < n; i++)
        n_readers += gen_check_reads(&list[i]) && gen_consumer_cure(list[i].consumer);
    for (size_t i = 0; i < n; i++) {
        struct gen_file_verdict v;
        gen_file_check_verdict(list[i].check, &v);
        if (n_readers == 0 || gen_check_reads(&list[i])) {
            k->n_errors += v.n_errors;
            k->n_warnings += v.n_warnings;
        }
    }
}

static int show(struct check *k, const struct gen_check_result *list, size_t n, const char *path,
                struct gen_error *err)
{
    int rc = GEN_OK;
    count(k, list, n);
    if (k->json)
        gen_jb_append(k->json, k->files, gen_check_json(k->json, list, n, path));
    else if (k->log_json)
        rc = log_all(k, list, n, path, err);
    else if (n > 1 && !k->quiet)
        rc = gen_check_table(list, n, path, k->out, err);
    else
        for (size_t i = 0; i < n && rc == GEN_OK; i++)
            rc = gen_check_text(&list[i], path, k->quiet, k->out, err);
    return rc;
}

static int flush(const struct check *k, struct gen_error *err)
{
    int rc = gen_say(gen_buf_str(k->out), err);
    gen_buf_clear(k->out);
    return rc;
}

static int check_opened(struct check *k, struct source *s, struct gen_error *err)
{
    struct gen_check_result list[CONSUMERS_MAX];
    size_t n = 0;
    int rc = GEN_OK;
    for (size_t i = 0; gen_consumers[i] && n < CONSUMERS_MAX && rc == GEN_OK; i++) {
        if (strcmp(k->consumer, "all") != 0 &&
            strcmp(k->consumer, gen_consumer_name(gen_consumers[i])) != 0)
            continue;
        rc = gen_check_result_init(&list[n], gen_consumers[i], err);
        if (rc == GEN_OK)
            gen_file_check_facts(list[n++].check, &s->facts);
    }
    if (rc == GEN_OK)
        rc = read_rows(s, list, n, err);
    if (rc == GEN_OK)
        rc = end_all(s, list, n, err);
    if (rc == GEN_OK)
        rc = show(k, list, n, s->path, err);
    for (size_t i = 0; i < n; i++)
        gen_check_result_release(&list[i]);
    return rc;
}

static int check_file(void *ud, const char *path, struct gen_error *err)
{
    struct check *k = ud;
    struct gen_error failure = {0};
    struct source s = {.path = strcmp(path, "-") == 0 ? "standard input" : path,
                       .name = strcmp(path, "-") == 0 ? NULL : path};
    int rc = gen_file_reader_open(&s.file, path, &failure);
    if (rc == GEN_OK)
        rc = check_opened(k, &s, &failure);
    gen_file_reader_close(s.file);
    if (rc == GEN_EINPUT || rc == GEN_EUSAGE) {
        /* The other files are still looked at. */
        gen_log(k->app->log, GEN_LOG_ERROR, "check", "%s", failure.msg);
        k->some_unreadable = true;
        return GEN_OK;
    }
    if (rc && err)
        *err = failure;
    return rc ? rc : flush(k, err);
}

struct folder {
    struct check *check;
    size_t n;
};

static int check_found(void *ud, const char *path, struct gen_error *err)
{
    struct folder *f = ud;
    struct gen_str name = gen_path_base(gen_str_from(path));
    if (!gen_str_is(gen_path_ext(name), ".jsonl"))
        return GEN_OK;
    if (++f->n > FILES_MAX)
        return gen_fail(err, GEN_ELIMIT, "the folder holds more than %d files", FILES_MAX);
    return check_file(f->check, path, err);
}

/* A dataset folder keeps its rows in data/. */
static int check_folder(struct check *k, const char *path, struct gen_error *err)
{
    struct gen_buf data = gen_buf_make(8192);
    struct folder f = {.check = k};
    int rc = gen_path_join(&data, gen_str_from(path), GEN_STR("data"), err);
    if (rc == GEN_OK) {
        bool has_data = gen_file_kind(data.data) == GEN_FILE_DIRECTORY;
        rc = gen_dir_walk(has_data ? data.data : path, check_found, &f, err);
    }
    if (rc == GEN_OK && f.n == 0) {
        gen_log(
            k->app->log, GEN_LOG_ERROR, "check",
            "%s is a folder without .jsonl files (they are looked for in data/, if there is one, "
            "else in the folder)",
            path);
        k->some_unreadable = true;
    }
    gen_buf_release(&data);
    return rc;
}

static int print_json(struct check *k, struct gen_jmut *root, struct gen_error *err)
{
    gen_jb_put(k->json, root, "files", k->files);
    gen_jb_put_int(k->json, root, "errors", (int64_t)k->n_errors);
    gen_jb_put_int(k->json, root, "warnings", (int64_t)k->n_warnings);
    int rc = gen_say_json(k->json, root, k->out, err);
    return rc ? rc : flush(k, err);
}

static int check_paths(struct check *k, struct gen_error *err)
{
    size_t n = 0;
    const char *const *paths = gen_settings_arguments(k->app->settings, &n);
    int rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++) {
        if (gen_file_kind(paths[i]) == GEN_FILE_DIRECTORY)
            rc = check_folder(k, paths[i], err);
        else
            rc = check_file(k, paths[i], err);
    }
    return rc;
}

int gen_cmd_check(const struct gen_app *app, int *status, struct gen_error *err)
{
    const struct gen_settings *settings = app->settings;
    struct gen_buf out = gen_buf_make(OUTPUT_BYTES);
    struct gen_jmut *root = NULL;
    struct check k = {
        .app = app,
        .out = &out,
        .consumer = gen_settings_text(settings, GEN_OPT_FOR),
        .quiet = gen_settings_flag(settings, GEN_OPT_QUIET),
        .log_json = gen_settings_flag(settings, GEN_OPT_LOG_JSON),
    };
    int rc = GEN_OK;
    if (gen_settings_flag(settings, GEN_OPT_JSON)) {
        rc = gen_jb_new(&k.json, err);
        root = rc == GEN_OK ? gen_jb_object(k.json) : NULL;
        k.files = rc == GEN_OK ? gen_jb_array(k.json) : NULL;
    }
    if (rc == GEN_OK)
        rc = check_paths(&k, err);
    if (rc == GEN_OK && k.json)
        rc = print_json(&k, root, err);
    gen_jb_free(k.json);
    gen_buf_release(&out);
    *status = GEN_EXIT_DONE;
    if (k.n_errors)
        *status = GEN_EXIT_SOME_FAILED;
    if (k.some_unreadable)
        *status = GEN_EXIT_USAGE;
    return rc;
}
