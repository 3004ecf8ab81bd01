/* A scan behind Arrow's C stream interface. */
#include <errno.h>

#include "dataset_int.h"
#include "lnc/lnc_arrow.h"

struct owned_stream {
    const struct lnc_dataset *ds;
    struct lnc_scan *scan;
    char **columns; /* NULL: all that can be read */
    size_t n_columns;
    struct lnc_error error;
};

static int errno_of(int status)
{
    switch (status) {
    case LNC_OK:
        return 0;
    case LNC_ENOMEM:
        return ENOMEM;
    case LNC_EINVAL:
        return EINVAL;
    case LNC_ENOENT:
        return ENOENT;
    case LNC_EUNSUPPORTED:
        return ENOTSUP;
    case LNC_ELIMIT:
        return EFBIG;
    default:
        return EIO;
    }
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct owned_stream *s = stream->private_data;
    return errno_of(
        lnc_arrow_schema(s->ds, (const char *const *)s->columns, s->n_columns, out, &s->error));
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct owned_stream *s = stream->private_data;
    struct lnc_batch batch = {0};
    int rc = lnc_scan_next(s->scan, &batch, &s->error);
    if (rc == LNC_OK && batch.n_rows == 0) {
        /* A released array is the end of a stream. */
        *out = (struct ArrowArray){.release = NULL};
        lnc_batch_release(&batch);
        return 0;
    }
    if (rc == LNC_OK)
        rc = lnc_arrow_array(&batch, out, &s->error);
    lnc_batch_release(&batch);
    return errno_of(rc);
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const struct owned_stream *s = stream->private_data;
    return s->error.code != LNC_OK ? s->error.message : NULL;
}

static void free_stream(struct owned_stream *s)
{
    lnc_scan_close(s->scan);
    for (size_t i = 0; s->columns != NULL && i < s->n_columns; i++)
        lnc_free(s->columns[i]);
    lnc_free(s->columns);
    lnc_free(s);
}

static void release_stream(struct ArrowArrayStream *stream)
{
    free_stream(stream->private_data);
    stream->release = NULL;
}

/* Keeps the names of the projection: the options need not live as long as the stream. */
static int keep_columns(struct owned_stream *s, const struct lnc_scan_options *options,
                        struct lnc_error *err)
{
    bool is_all = options == NULL || options->columns == NULL;
    size_t room = is_all ? s->ds->n_columns : options->n_columns;
    int rc = LNC_OK;
    struct lnc_ctx cx = lnc_dataset_ctx(s->ds, err);
    s->columns = lnc_calloc(&cx, room + 1, sizeof *s->columns);
    if (s->columns == NULL)
        return lnc_no_memory(&cx, room * sizeof *s->columns);
    for (size_t i = 0; rc == LNC_OK && i < room; i++) {
        if (is_all && s->ds->columns[i].info.kind == LNC_KIND_UNREADABLE)
            continue;
        const char *name = is_all ? s->ds->columns[i].info.name : options->columns[i];
        rc = lnc_concat(&cx, name, NULL, NULL, &s->columns[s->n_columns]);
        s->n_columns += rc == LNC_OK;
    }
    return rc;
}

int lnc_arrow_stream(const struct lnc_dataset *ds, const struct lnc_scan_options *options,
                     struct ArrowArrayStream *out, struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    struct owned_stream *s = lnc_calloc(&cx, 1, sizeof *s);
    if (s == NULL)
        return lnc_no_memory(&cx, sizeof *s);
    s->ds = ds;
    int rc = keep_columns(s, options, err);
    const struct lnc_scan_options all = {.columns = (const char *const *)s->columns,
                                         .n_columns = s->n_columns,
                                         .batch_rows = options != NULL ? options->batch_rows : 0};
    if (rc == LNC_OK)
        rc = lnc_scan_open(ds, &all, &s->scan, err);
    if (rc != LNC_OK) {
        free_stream(s);
        return rc;
    }
    *out = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release_stream,
                                     .private_data = s};
    return LNC_OK;
}
