/*
 * lnc_scan.h - reads the rows of a table, some of its columns, from the first to the last.
 *
 * Order: fragments as the manifest lists them, rows as they lie in them, deleted rows left out.
 * This is the order in which the official clients return an unfiltered query, and it is the same at
 * every scan of one version.
 *
 * Columns that are not projected are never touched, so the embeddings of a table cost nothing.
 * Memory: per projected column a window of 256 KiB or the longest value, the dictionary of its
 * current page and one decoded chunk; plus the batch. It does not grow with the table.
 */
#ifndef LNC_SCAN_H
#define LNC_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "lnc/lnc_batch.h"
#include "lnc/lnc_dataset.h"
#include "lnc/lnc_error.h"
#include "lnc/lnc_export.h"

LNC_EXTERN_C_BEGIN

struct lnc_scan;

/* Largest number of rows in a batch. */
#define LNC_BATCH_ROWS_MAX 1024

struct lnc_scan_options {
    const char *const *columns; /* names, in the order wanted; copied; a column comes with all its
                                  fields. NULL: all readable columns but vectors, structs, lists,
                                  maps and blobs */
    size_t n_columns;  /* ignored if columns is NULL; with columns given, 0 gives batches without
                          columns */
    size_t batch_rows; /* 1 to LNC_BATCH_ROWS_MAX; 0 means LNC_BATCH_ROWS_MAX */
};

/*
 * Starts a scan. `options` may be NULL (all defaults) and is not needed afterwards; the dataset
 * must stay open. No data is read yet. Errors: LNC_ENOENT for a column that does not exist (the
 * message lists those that do), LNC_EUNSUPPORTED for a column that cannot be read (the
 * message says its type and the way out), LNC_EINVAL, LNC_ENOMEM. On success *out is owned
 * by the caller.
 */
LNC_API int lnc_scan_open(const struct lnc_dataset *ds, const struct lnc_scan_options *options,
                          struct lnc_scan **out, struct lnc_error *err);

/*
 * The next rows. *out must hold nothing (zeroed or released) and is owned by the caller afterwards.
 * At the end it gets n_rows = 0 and the status is LNC_OK. After an error the scan is over: each
 * further call returns the same error. Errors: LNC_ECORRUPT, LNC_EUNSUPPORTED (a file or page with
 * something we do not read), LNC_ENOENT (a data file is missing), LNC_ELIMIT, LNC_EIO, LNC_ENOMEM;
 * the message names file, column, page and byte.
 */
LNC_API int lnc_scan_next(struct lnc_scan *scan, struct lnc_batch *out, struct lnc_error *err);

/* Ends the scan; NULL is ignored. Batches stay valid. */
LNC_API void lnc_scan_close(struct lnc_scan *scan);

LNC_EXTERN_C_END

#endif
