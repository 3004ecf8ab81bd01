/*
 * dataset_info.json, by which LLaMA-Factory finds and reads files without a converter (formats.md
 * §1.4): an entry a dataset, with the file's name and the columns it is to use. Columns that are
 * not named are none to it, so each entry names all.
 */
#ifndef GEN_DATASET_INFO_H
#define GEN_DATASET_INFO_H

#include "dataset/export.h"

/* The columns that a file may have or not. */
struct gen_info_columns {
    bool has_system, has_tools;
};

/* Puts the entry `name` for `file_name` (as LLaMA-Factory is to find it: beside, or below, the
 * folder of dataset_info.json). */
void gen_info_put(struct gen_jb *b, struct gen_jmut *info, const char *name, const char *file_name,
                  const struct gen_export_format *format, struct gen_info_columns columns);

/* The text of the dataset_info.json at `path` with the entry for a single file put in or replaced;
 * every other entry stays as it is, and so does what stands in the file when this fails.
 * GEN_EINPUT: it is no JSON object, or has this name for another file. Called before the export to
 * learn that early, and after it to write. */
GEN_MUST_USE int gen_info_merge(struct gen_buf *out, const char *path, const char *name,
                                const char *file_name, const struct gen_export_format *format,
                                struct gen_info_columns columns, struct gen_error *err);

#endif
