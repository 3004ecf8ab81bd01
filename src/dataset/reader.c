#include "dataset/record.h"

#include "base/utf8.h"
#include "os/file.h"
#include "json/stream.h"

#include <stdio.h>
#include <stdlib.h>

struct gen_record_reader {
    struct gen_file_reader *file; /* NULL: the bytes are another's */
    struct gen_json_stream *stream;
    struct gen_json_doc *doc; /* of the row handed out last */
    char why[320];
};

int gen_record_reader_new(struct gen_record_reader **out, gen_read_fn *read, void *ud,
                          const char *name, struct gen_error *err)
{
    struct gen_record_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return gen_nomem(err, "a reader of records");
    int rc = gen_json_stream_new(&r->stream, read, ud, name, err);
    if (rc) {
        gen_record_reader_close(r);
        return rc;
    }
    *out = r;
    return GEN_OK;
}

int gen_record_reader_open(struct gen_record_reader **out, const char *path, struct gen_error *err)
{
    struct gen_record_reader *r = NULL;
    struct gen_file_reader *file = NULL;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    int rc = gen_file_reader_open(&file, path, err);
    if (rc == GEN_OK)
        rc = gen_record_reader_new(&r, gen_file_reader_read, file, name, err);
    if (rc) {
        gen_file_reader_close(file);
        return rc;
    }
    r->file = file;
    *out = r;
    return GEN_OK;
}

/* Parses the row, or says into r->why why it is no record; only a lack of memory is an error. */
static int look(struct gen_record_reader *r, struct gen_record_row *row, struct gen_error *err)
{
    struct gen_error parse = {0};
    gen_json_doc_free(r->doc);
    r->doc = NULL;
    int rc = gen_json_parse(&r->doc, row->text, &parse);
    if (rc == GEN_ENOMEM) {
        if (err)
            *err = parse;
        return rc;
    }
    row->json = rc ? NULL : gen_json_root(r->doc);
    enum gen_json_type type = gen_json_type(row->json);
    if (rc) {
        gen_utf8_format(r->why, sizeof(r->why), "it cannot be read as JSON: %s", parse.msg);
        row->malformed = r->why;
    } else if (type != GEN_JSON_OBJECT) {
        (void)snprintf(r->why, sizeof(r->why), "it is a JSON value of type %s, not an object",
                       gen_json_type_name(type));
        row->malformed = r->why;
        row->json = NULL;
    }
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
        rc = look(r, &next, err);
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
    gen_json_doc_free(r->doc);
    gen_json_stream_free(r->stream);
    gen_file_reader_close(r->file);
    free(r);
}
