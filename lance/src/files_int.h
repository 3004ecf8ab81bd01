/*
 * files_int.h - the data files of the fragment that is being read.
 */
#ifndef LNC_FILES_INT_H
#define LNC_FILES_INT_H

#include "dataset_int.h"

/* A data file of the current fragment, opened when its first column needs it. */
struct lnc_open_file {
    const struct lnc_data_file *entry;
    char *path;
    struct lnc_source source;
    struct lnc_footer footer;
    bool is_open;
};

struct lnc_files {
    const struct lnc_dataset *ds;
    struct lnc_open_file *file;
    size_t n;
};

/* Starts with the files of a fragment; none is opened yet. */
int lnc_files_init(struct lnc_ctx *cx, struct lnc_files *files, const struct lnc_dataset *ds,
                   const struct lnc_fragment *fragment);

/* Finds and opens the file that holds a field, and says which column of it that is (2.x). *out is
 * NULL where no file does: the column is all null there. */
int lnc_files_find(struct lnc_ctx *cx, struct lnc_files *files, const struct lnc_field *field,
                   struct lnc_open_file **out, uint64_t *column);

void lnc_files_release(struct lnc_files *files);

#endif
