#include "lnc/lnc_source.h"

#include <stdlib.h>

#include "util_int.h"

struct tree {
    const struct lnc_memory_file *files;
    size_t n;
};

static int memory_read_at(const struct lnc_source *source, uint64_t offset, void *dst, size_t n,
                          struct lnc_error *err)
{
    if (!lnc_inside(offset, n, source->size))
        return lnc_fail(err, LNC_EIO, "read beyond the end of a memory file");
    if (n > 0)
        memcpy(dst, (const uint8_t *)source->private_data + offset, n);
    return LNC_OK;
}

static void memory_release(struct lnc_source *source)
{
    *source = (struct lnc_source){0};
}

static int memory_open(const struct lnc_store *store, const char *path, struct lnc_source *out,
                       struct lnc_error *err)
{
    const struct tree *tree = store->private_data;
    for (size_t i = 0; i < tree->n; i++) {
        const struct lnc_memory_file *file = &tree->files[i];
        if (strcmp(file->path, path) != 0)
            continue;
        union {
            /* cppcheck-suppress unusedStructMember */
            const void *in;
            void *out;
        } bytes = {.in = file->bytes};
        *out = (struct lnc_source){.size = file->size,
                                   .read_at = memory_read_at,
                                   .release = memory_release,
                                   .private_data = bytes.out};
        return LNC_OK;
    }
    return lnc_fail_path(err, path, LNC_ENOENT, "cannot open: no such memory file");
}

/* If `path` lies below directory `dir`: its next component. */
static const char *component_below(const char *path, const char *dir, size_t *size)
{
    size_t n = strlen(dir);
    while (n > 0 && dir[n - 1] == '/')
        n--;
    if (strncmp(path, dir, n) != 0 || path[n] != '/')
        return NULL;
    const char *name = path + n + 1;
    *size = strcspn(name, "/");
    return name;
}

static bool seen_before(const struct tree *tree, const char *dir, size_t i, const char *name,
                        size_t size)
{
    for (size_t k = 0; k < i; k++) {
        size_t other_size;
        const char *other = component_below(tree->files[k].path, dir, &other_size);
        if (other != NULL && other_size == size && memcmp(other, name, size) == 0)
            return true;
    }
    return false;
}

static int memory_list(const struct lnc_store *store, const char *path, lnc_list_fn each,
                       void *context, struct lnc_error *err)
{
    const struct tree *tree = store->private_data;
    bool exists = false;
    for (size_t i = 0; i < tree->n; i++) {
        size_t size;
        const char *name = component_below(tree->files[i].path, path, &size);
        if (name == NULL)
            continue;
        exists = true;
        if (seen_before(tree, path, i, name, size))
            continue;
        char *copy = strndup(name, size);
        if (copy == NULL)
            return lnc_fail(err, LNC_ENOMEM, "out of memory");
        int rc = each(context, copy, name[size] == '/', err);
        free(copy);
        if (rc != LNC_OK)
            return rc;
    }
    if (!exists)
        return lnc_fail_path(err, path, LNC_ENOENT,
                             "cannot list the directory: no such memory directory");
    return LNC_OK;
}

static void tree_release(struct lnc_store *store)
{
    free(store->private_data);
    *store = (struct lnc_store){0};
}

int lnc_store_memory(struct lnc_store *out, const struct lnc_memory_file *files, size_t n,
                     struct lnc_error *err)
{
    struct tree *tree = malloc(sizeof *tree);
    if (tree == NULL)
        return lnc_fail(err, LNC_ENOMEM, "out of memory");
    *tree = (struct tree){.files = files, .n = n};
    *out = (struct lnc_store){
        .open = memory_open, .list = memory_list, .release = tree_release, .private_data = tree};
    return LNC_OK;
}
