#include "dataset/record.h"
#include "os/file.h"
#include "json/stream.h"

#include <stdio.h>
#include <stdlib.h>

struct gen_record_reader {
    struct gen_file_reader *file;
    struct gen_json_stream *stream;
    char why[320];
};

int gen_record_reader_open(struct gen_record_reader **out, const char *path, struct gen_error *err)
{
    struct gen_record_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return gen_nomem(err, "a reader of records");
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    int rc = gen_file_reader_open(&r->file, path, err);
    if (rc == GEN_OK)
        rc = gen_json_stream_new(&r->stream, gen_file_reader_read, r->file, name, err);
    if (rc) {
        gen_record_reader_close(r);
        return rc;
    }
    *out = r;
    return GEN_OK;
}

/* Why `text` is no record into r->why; only a lack of memory is an error. */
static int look(struct gen_record_reader *r, struct gen_str text, const char **malformed,
                struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error parse = {0};
    int rc = gen_json_parse(&doc, text, &parse);
    *malformed = NULL;
    if (rc == GEN_ENOMEM) {
        if (err)
            *err = parse;
        return rc;
    }
    enum gen_json_type type = gen_json_type(rc ? NULL : gen_json_root(doc));
    if (rc) {
        (void)snprintf(r->why, sizeof(r->why), "it cannot be read as JSON: %.280s", parse.msg);
        *malformed = r->why;
    } else if (type != GEN_JSON_OBJECT) {
        (void)snprintf(r->why, sizeof(r->why), "it is a JSON value of type %s, not an object",
                       gen_json_type_name(type));
        *malformed = r->why;
    }
    gen_json_doc_free(doc);
    return GEN_OK;
}

int gen_record_reader_next(struct gen_record_reader *r, struct gen_record_row *row, bool *more,
                           struct gen_error *err)
{
    struct gen_json_record record;
    struct gen_record_row next = {0};
    bool any = false;
    int rc = gen_json_stream_next(r->stream, &record, &any, err);
    if (rc == GEN_OK && any) {
        next.text = record.text;
        next.row = record.row;
        rc = look(r, record.text, &next.malformed, err);
    }
    if (rc)
        return rc;
    if (any)
        *row = next;
    *more = any;
    return GEN_OK;
}

void gen_record_reader_close(struct gen_record_reader *r)
{
    if (!r)
        return;
    gen_json_stream_free(r->stream);
    gen_file_reader_close(r->file);
    free(r);
}
