/*
 * lnc_arrow.h - tables as Arrow C data: for every program that speaks Arrow (pyarrow, DuckDB,
 * Polars, nanoarrow, the official lance-c on the other side), without linking Arrow here.
 *
 * Source: the Arrow C data interface and the C stream interface, whose structures are repeated
 * below under their own guards, as those specifications ask for.
 *
 * Types, nullability and metadata are those that the official clients give: a string is "u", a
 * large_string "U", a list "+l". One differs: a dictionary (`dict:string:int32`) comes as its
 * values, not as indices. Values are not copied; offsets are, to 32 bits, where the type has such,
 * and validity and booleans are packed to bits.
 *
 * Threads: an exported structure is independent of everything else here and may be released in any
 * thread; a stream is used by one thread at a time and needs its dataset open.
 */
#ifndef LNC_ARROW_H
#define LNC_ARROW_H

#include <stdint.h>

#include "lnc/lnc_batch.h"
#include "lnc/lnc_export.h"
#include "lnc/lnc_scan.h"

LNC_EXTERN_C_BEGIN

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/*
 * The schema of some columns as a struct ("+s") of them. `columns` NULL: all that can be read,
 * vectors too. Errors: LNC_ENOENT, LNC_EUNSUPPORTED (a column that cannot be read), LNC_ENOMEM. The
 * caller calls out->release.
 */
LNC_API int lnc_arrow_schema(const struct lnc_dataset *ds, const char *const *columns,
                             size_t n_columns, struct ArrowSchema *out, struct lnc_error *err);

/*
 * Moves a batch into an array, a struct of its columns in the order of the projection: on success
 * `batch` holds nothing any more, and the caller calls out->release. Children may be moved out of
 * it and released on their own. Errors, after which the batch is as it was: LNC_ENOMEM; LNC_ELIMIT
 * (more bytes, items or entries in one batch than the 31 bits of its offsets can count: a smaller
 * batch_bytes_max or batch_rows is the way out).
 */
LNC_API int lnc_arrow_array(struct lnc_batch *batch, struct ArrowArray *out, struct lnc_error *err);

/*
 * A scan as a stream. `options` as in lnc_scan_open, but that with columns NULL the vectors are
 * read too. The dataset must stay open until the stream is released. get_next fails with an errno
 * number (EIO for damage too, EINVAL, ENOMEM, ENOENT, ENOTSUP, EFBIG for a limit), and
 * get_last_error tells what lnc_scan_next says, until the next call.
 */
LNC_API int lnc_arrow_stream(const struct lnc_dataset *ds, const struct lnc_scan_options *options,
                             struct ArrowArrayStream *out, struct lnc_error *err);

LNC_EXTERN_C_END

#endif
