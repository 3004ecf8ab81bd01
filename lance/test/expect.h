/*
 * expect.h - compares a table with the rows that the official client dumped.
 *
 * The expected rows are JSON lines, one object a row, keys in the order of the columns. Values that
 * JSON has not are objects of one member: {"$i": "integer beyond 2^53"}, {"$f": "nan|inf|-inf|-0"},
 * {"$b": "hex of bytes"}, {"$t": "raw integer of a date or time"}, {"$v": "sha1 of the float32
 * values"}, {"$s": "sha1 of a long text"}, {"$raw": "hex of a decimal"}. Lists and short vectors
 * are arrays, structs are objects, maps are arrays of {"key", "value"}.
 */
#ifndef LNC_TEST_EXPECT_H
#define LNC_TEST_EXPECT_H

#include <stddef.h>

/* Result of a comparison. */
struct expect_result {
    unsigned long long n_rows;
    size_t n_columns;
    size_t n_skipped; /* columns that are not readable, so not compared */
    char message[1024];
};

/* Scans the table at `path` with all readable columns, in batches of batch_rows (0: default), and
 * compares with `jsonl_path`. Returns 0 if everything is equal, else -1 with result->message. */
int expect_table(const char *path, const char *jsonl_path, size_t batch_rows,
                 struct expect_result *result);

#endif
