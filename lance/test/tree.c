#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <fts.h>

#include "lnc/lnc.h"

static int load_file(struct tree *tree, const char *path, size_t size)
{
    struct lnc_memory_file *files = realloc(tree->files, (tree->n + 1) * sizeof *files);
    if (files == NULL)
        return -1;
    tree->files = files;
    char *copy = strdup(path);
    /* Exactly as long as the file, so that a read beyond its end is seen by the sanitizer. */
    unsigned char *bytes = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rbe");
    size_t got = file != NULL && bytes != NULL ? fread(bytes, 1, size, file) : 0;
    if (file != NULL)
        (void)fclose(file);
    if (copy == NULL || bytes == NULL || got != size) {
        free(copy);
        free(bytes);
        return -1;
    }
    tree->files[tree->n++] = (struct lnc_memory_file){.path = copy, .bytes = bytes, .size = size};
    return 0;
}

int tree_load(const char *root, struct tree *tree)
{
    char *start = strdup(root);
    char *roots[] = {start, NULL};
    *tree = (struct tree){0};
    FTS *fts = start != NULL ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    int rc = fts == NULL ? -1 : 0;
    while (rc == 0) {
        FTSENT *entry = fts_read(fts);
        if (entry == NULL)
            break;
        if (entry->fts_info == FTS_F)
            rc = load_file(tree, entry->fts_path, (size_t)entry->fts_statp->st_size);
    }
    if (fts != NULL)
        (void)fts_close(fts);
    free(start);
    if (rc != 0)
        tree_release(tree);
    return rc;
}

unsigned char *tree_bytes(struct tree *tree, size_t i)
{
    union {
        /* cppcheck-suppress unusedStructMember */
        const void *in;
        unsigned char *out;
    } bytes = {.in = tree->files[i].bytes};
    return bytes.out;
}

size_t tree_find(const struct tree *tree, const char *part)
{
    size_t i = 0;
    while (i < tree->n && strstr(tree->files[i].path, part) == NULL)
        i++;
    return i;
}

void tree_release(struct tree *tree)
{
    for (size_t i = 0; i < tree->n; i++) {
        union {
            /* cppcheck-suppress unusedStructMember */
            const char *in;
            char *out;
        } path = {.in = tree->files[i].path};
        free(path.out);
        free(tree_bytes(tree, i));
    }
    free(tree->files);
    *tree = (struct tree){0};
}

static int scan_all(const struct lnc_dataset *ds, unsigned long long *n_rows, struct lnc_error *err)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < lnc_dataset_n_columns(ds) && n < 64; i++) {
        const struct lnc_column_info *info = lnc_dataset_column(ds, i);
        if (info->kind != LNC_KIND_UNREADABLE)
            names[n++] = info->name;
    }
    struct lnc_scan_options options = {.columns = names, .n_columns = n};
    struct lnc_scan *scan = NULL;
    uint64_t counted = 0;
    /* The count is part of the surface; what it says about a damaged table does not matter here. */
    (void)lnc_dataset_count_rows(ds, &counted, NULL);
    int rc = lnc_scan_open(ds, &options, &scan, err);
    while (rc == LNC_OK) {
        struct lnc_batch batch = {0};
        rc = lnc_scan_next(scan, &batch, err);
        size_t got = batch.n_rows;
        lnc_batch_release(&batch);
        *n_rows += got;
        /* A damaged count must not keep the test busy for ever. */
        if (got == 0 || *n_rows > 1000000)
            break;
    }
    lnc_scan_close(scan);
    return rc;
}

int tree_scan(const struct tree *tree, const char *path, unsigned long long *n_rows,
              struct lnc_error *err)
{
    struct lnc_store store = {0};
    struct lnc_dataset *ds = NULL;
    *n_rows = 0;
    int rc = lnc_store_memory(&store, tree->files, tree->n, err);
    if (rc != LNC_OK)
        return rc;
    struct lnc_options options = {.store = &store, .limits = {.alloc_bytes_max = (size_t)64 << 20}};
    rc = lnc_dataset_open(path, &options, &ds, err);
    if (rc == LNC_OK)
        rc = scan_all(ds, n_rows, err);
    lnc_dataset_close(ds);
    lnc_store_release(&store);
    return rc;
}
