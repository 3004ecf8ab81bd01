/*
 * lnc.h - everything of liblnc: a reader of LanceDB tables in C11.
 *
 * The library reads tables that the official clients of LanceDB wrote (Lance storage versions
 * 0.1, 2.0, 2.1 and 2.2) without Rust, Python or Node. It never writes, takes no locks and starts
 * no threads.
 *
 *     struct lnc_error err;
 *     struct lnc_dataset *ds = NULL;
 *     struct lnc_scan *scan = NULL;
 *     struct lnc_batch batch = {0};
 *     const char *columns[] = {"id", "content"};
 *     struct lnc_scan_options what = {.columns = columns, .n_columns = 2};
 *
 *     if (lnc_open("handbook.lancedb", "chunks", NULL, &ds, &err) != LNC_OK ||
 *         lnc_scan_open(ds, &what, &scan, &err) != LNC_OK)
 *         fprintf(stderr, "%s\n", err.message);
 *     while (scan != NULL && lnc_scan_next(scan, &batch, &err) == LNC_OK && batch.n_rows > 0) {
 *         for (size_t row = 0; row < batch.n_rows; row++) {
 *             size_t size = 0;
 *             const char *text = lnc_column_string(&batch.columns[1], row, &size);
 *             ...                                            text is NULL where the value is null
 *         }
 *         lnc_batch_release(&batch);
 *     }
 *     lnc_scan_close(scan);
 *     lnc_dataset_close(ds);
 *
 * Threads: there is no global state. Objects are independent of each other except that a scan uses
 * its dataset (read only). An open database or dataset may be used by several threads at the same
 * time, two scans of one dataset too; one scan, one Arrow stream and one batch by one thread at a
 * time, but not always the same. Closing is for when nobody uses the object any more. Batches and
 * Arrow structures belong to whoever received them, and may be released in any thread.
 *
 * Trust: every byte of a table is taken as hostile. Sizes, counts, offsets, indices and nesting are
 * checked before use; damage becomes LNC_ECORRUPT. Lance files carry no checksums: damage inside a
 * value cannot be seen.
 */
#ifndef LNC_LNC_H
#define LNC_LNC_H

#include "lnc/lnc_arrow.h"
#include "lnc/lnc_batch.h"
#include "lnc/lnc_dataset.h"
#include "lnc/lnc_error.h"
#include "lnc/lnc_export.h"
#include "lnc/lnc_scan.h"
#include "lnc/lnc_source.h"

/* Version of these headers, "major.minor.patch". Below 1.0 the layout of structures may change with
 * the minor number (which is part of the name of a shared library), never with the patch. */
#define LNC_VERSION "0.1.0"

LNC_EXTERN_C_BEGIN

/* Version of the library that is linked, in the same form. Constant, never NULL; any thread. */
LNC_API const char *lnc_version_string(void);

LNC_EXTERN_C_END

#endif
