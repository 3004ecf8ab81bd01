/* The files that commands write beside a dataset, named after its stem: "training.jsonl" has
 * "training_summary.json", "training.ledger" and so on. Names only: nothing here opens them. */
#ifndef GEN_DATASET_BESIDE_H
#define GEN_DATASET_BESIDE_H

#include "base/buf.h"

/* "-" and "/dev/stdout" */
bool gen_beside_is_stream(const char *dataset);

/* What the names begin with: the dataset's path without its extension. A stream has no name, and
 * gets `stand_in` (that of the command that writes it). Borrows from both. */
struct gen_str gen_beside_stem(const char *dataset, const char *stand_in);

/* Appends "<stem><ending>" to `out`. */
GEN_MUST_USE int gen_beside_path(struct gen_str stem, const char *ending, struct gen_buf *out,
                                 struct gen_error *err);

/* Sets `out` to the path of the ledger that knows the dataset's chunks; empty when there is none,
 * or the dataset is a stream. A file that was made of others has its chunks in the ledger of the
 * longest beginning of its name that has one: for "qa_all_rated.json" these are "qa_all_rated",
 * "qa_all" and "qa". */
GEN_MUST_USE int gen_beside_find_ledger(const char *dataset, struct gen_buf *out,
                                        struct gen_error *err);

#endif
