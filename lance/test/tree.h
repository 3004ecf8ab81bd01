/*
 * tree.h - a folder of the test data in memory, so that a test can damage its files.
 */
#ifndef LNC_TEST_TREE_H
#define LNC_TEST_TREE_H

#include "lnc/lnc_source.h"

struct tree {
    struct lnc_memory_file *files; /* paths and bytes are on the heap; the bytes may be changed */
    size_t n;
};

/* Loads all regular files below `root`, with paths that start with it. Returns 0, or -1 if
 * something cannot be read. */
int tree_load(const char *root, struct tree *tree);

/* The writable bytes of file i. */
unsigned char *tree_bytes(struct tree *tree, size_t i);

/* Index of the first file whose path contains `part`, or n. */
size_t tree_find(const struct tree *tree, const char *part);

void tree_release(struct tree *tree);

/* Opens the table at `path` in the tree and reads all its readable columns to the end. Returns the
 * status; *n_rows is what was read. The error, if any, has a message. */
int tree_scan(const struct tree *tree, const char *path, unsigned long long *n_rows,
              struct lnc_error *err);

#endif
