#include "report/report_int.h"

#include "base/counts.h"
#include "base/utf8.h"
#include "os/file.h"

#include <stdio.h>

/* Copies facts out of a file of one JSON object. `*doc` is NULL when it is not there or cannot be
 * read; then the page says what it has not because of it. */
static int read_object(struct gen_report *r, const char *ending, const char *consequence,
                       struct gen_json_doc **doc, struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(16384);
    struct gen_buf text = gen_buf_make(GEN_REPORT_SIDE_BYTES);
    struct gen_error why = {0};
    int rc = gen_report_side_path(r, ending, &path, err);
    if (rc)
        goto done;
    if (gen_file_kind(path.data) != GEN_FILE_REGULAR) {
        if (consequence)
            gen_report_missing(r, path.data, "was not found: %s", consequence);
        goto done;
    }
    int read = gen_file_read_all(&text, path.data, &why);
    if (read == GEN_OK)
        read = gen_json_parse(doc, gen_buf_str(&text), &why);
    if (read == GEN_OK && gen_json_type(gen_json_root(*doc)) != GEN_JSON_OBJECT)
        read = gen_fail(&why, GEN_EPARSE, "it holds no JSON object");
    if (read) {
        gen_json_doc_free(*doc);
        *doc = NULL;
        gen_report_missing(r, path.data, "cannot be read (%s)%s%s", why.msg,
                           consequence ? ": " : "", consequence ? consequence : "");
    }
done:
    gen_buf_release(&path);
    gen_buf_release(&text);
    return rc;
}

static int read_summary(struct gen_report *r, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = read_object(r, "_summary.json", "stages and their retention are not shown", &doc, err);
    if (rc == GEN_OK && doc)
        gen_jb_put(r->facts, r->root, "summary", gen_jb_copy(r->facts, gen_json_root(doc)));
    gen_json_doc_free(doc);
    return rc;
}

static int read_threshold(struct gen_report *r, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    double threshold = 0;
    int rc = read_object(r, "_metrics.json", NULL, &doc, err);
    if (rc == GEN_OK && gen_json_as_real(gen_json_get(gen_json_root(doc), "threshold"), &threshold))
        gen_jb_put_real(r->facts, r->root, "threshold", threshold);
    gen_json_doc_free(doc);
    return rc;
}

static void put_counts(struct gen_jb *b, struct gen_jmut *o, const char *key,
                       const struct gen_counts *counts)
{
    struct gen_jmut *list = gen_jb_object(b);
    for (size_t i = 0; i < counts->n; i++)
        gen_jb_put_int(b, list, counts->rows[i].name, counts->rows[i].count);
    gen_jb_put(b, o, key, list);
}

static void count_name(struct gen_counts *counts, struct gen_str name)
{
    char text[GEN_COUNT_NAME_BYTES];
    (void)snprintf(text, sizeof(text), "%.*s", GEN_STR_ARG(name.n ? name : GEN_STR("unnamed")));
    gen_counts_add(counts, text, 1);
}

/* What a list beside the dataset says: how many rows by two of their fields, and the first rows
 * with those fields that are wanted. */
struct list {
    const char *ending, *key;
    const char *absent; /* what the page has not without it; NULL: not worth a word */
    const char *by[2];
    const char *const *fields;
};

static void put_fields(struct gen_jb *b, struct gen_jmut *shown, const struct list *list,
                       const struct gen_json *record)
{
    struct gen_jmut *o = gen_jb_object(b);
    for (size_t i = 0; list->fields[i]; i++) {
        const struct gen_json *value = gen_json_get(record, list->fields[i]);
        if (!value) /* removed rows stand there whole */
            value = gen_json_get(gen_json_get(record, "record"), list->fields[i]);
        struct gen_str text;
        if (gen_json_as_str(value, &text))
            gen_jb_put_str(b, o, list->fields[i], gen_utf8_prefix(text, 1000));
        else if (gen_json_type(value) == GEN_JSON_INT || gen_json_type(value) == GEN_JSON_REAL ||
                 gen_json_type(value) == GEN_JSON_BOOL)
            gen_jb_put(b, o, list->fields[i], gen_jb_copy(b, value));
    }
    gen_jb_append(b, shown, o);
}

static int read_list(struct gen_report *r, const struct list *list, const char *path,
                     struct gen_error *err)
{
    struct gen_record_reader *reader = NULL;
    struct gen_counts counts[2] = {{0}, {0}};
    struct gen_error why = {0};
    struct gen_jb *b = r->facts;
    struct gen_jmut *shown = gen_jb_array(b);
    int64_t n = 0;
    int rc = gen_record_reader_open(&reader, path, &why);
    while (rc == GEN_OK) {
        struct gen_record_row row;
        bool more = false;
        rc = gen_record_reader_next(reader, &row, &more, &why);
        if (rc || !more)
            break;
        n++;
        for (size_t i = 0; i < 2 && list->by[i]; i++)
            count_name(&counts[i], gen_json_get_str(row.json, list->by[i]));
        if (n <= GEN_REPORT_SHOWN_MAX)
            put_fields(b, shown, list, row.json);
    }
    gen_record_reader_close(reader);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "the lists of a report");
    if (rc)
        gen_report_missing(
            r, path, "cannot be read to its end (%s): only what stands before is shown", why.msg);
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_int(b, o, "n", n);
    for (size_t i = 0; i < 2 && list->by[i]; i++)
        put_counts(b, o, list->by[i], &counts[i]);
    gen_jb_put(b, o, "first", shown);
    gen_jb_put(b, r->root, list->key, o);
    return GEN_OK;
}

static int find_list(struct gen_report *r, const struct list *list, struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(16384);
    int rc = gen_report_side_path(r, list->ending, &path, err);
    if (rc == GEN_OK && gen_file_kind(path.data) == GEN_FILE_REGULAR)
        rc = read_list(r, list, path.data, err);
    else if (rc == GEN_OK && list->absent)
        gen_report_missing(r, path.data, "was not found: %s", list->absent);
    gen_buf_release(&path);
    return rc;
}

static const char *const failure_fields[] = {"stage",    "class",    "message", "advice",
                                             "attempts", "chunk_id", "source",  NULL};
static const char *const removal_fields[] = {"row",   "reason", "of",       "similarity",
                                             "words", "why",    "question", NULL};

static const struct list failures = {
    "_failures.jsonl", "failures", NULL, {"class", "stage"}, failure_fields};
static const struct list removals = {
    "_removed.jsonl",
    "removed",
    "dedup (generator dedup, curate --dedup) was not used here, or removed nothing",
    {"reason", NULL},
    removal_fields};

int gen_report_read_sides(struct gen_report *r, struct gen_error *err)
{
    if (gen_report_is_stdin(r)) {
        gen_report_missing(r, "standard input",
                           "has no files beside it: stages, dropped rows, failures and removed "
                           "duplicates are not shown");
        return GEN_OK;
    }
    int rc = read_summary(r, err);
    if (rc == GEN_OK)
        rc = read_threshold(r, err);
    if (rc == GEN_OK)
        rc = find_list(r, &failures, err);
    if (rc == GEN_OK)
        rc = find_list(r, &removals, err);
    return rc;
}
