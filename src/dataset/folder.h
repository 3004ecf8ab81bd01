/*
 * A dataset folder: data/<split>-00000-of-0000N.jsonl, which `datasets` finds without a script, and
 * as asked README.md and dataset_info.json. It appears whole or not at all (os/folder.h). A list of
 * its files in .generator-export.json tells a later export that the folder may be replaced: one
 * with files that are not in the list, or whose README.md or dataset_info.json was edited, is
 * refused.
 */
#ifndef GEN_DATASET_FOLDER_H
#define GEN_DATASET_FOLDER_H

#include "dataset/export.h"
#include "dataset/info.h"
#include "dataset/rowset.h"

struct gen_dataset_folder;

/* GEN_EUSAGE: `path` is a file, or a folder that is not ours to replace (names what stands in the
 * way). */
GEN_MUST_USE int gen_dataset_folder_open(struct gen_dataset_folder **out, const char *path,
                                         struct gen_error *err);
/* Writes the rows of all splits, each into `n_shards` files or as many as it has rows. */
GEN_MUST_USE int gen_dataset_folder_rows(struct gen_dataset_folder *f, struct gen_rowset *rows,
                                         const struct gen_splits *splits, uint64_t n_shards,
                                         struct gen_error *err);
/* Writes one file at the top. */
GEN_MUST_USE int gen_dataset_folder_file(struct gen_dataset_folder *f, const char *name,
                                         struct gen_str text, struct gen_error *err);
/* dataset_info.json with an entry a split (an entry a file when there are several of several
 * splits); nothing when LLaMA-Factory cannot read the format. After the rows. */
GEN_MUST_USE int gen_dataset_folder_info(struct gen_dataset_folder *f,
                                         const struct gen_export_format *format,
                                         struct gen_info_columns columns,
                                         const struct gen_splits *splits, uint64_t n_shards,
                                         struct gen_error *err);
/* Gives the folder its name. */
GEN_MUST_USE int gen_dataset_folder_commit(struct gen_dataset_folder *f, struct gen_error *err);
/* The last part of the path: "handbook". */
const char *gen_dataset_folder_name(const struct gen_dataset_folder *f);
void gen_dataset_folder_close(struct gen_dataset_folder *f); /* NULL is fine */

#endif
