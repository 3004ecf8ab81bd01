/*
 * fuzz_table.c - a whole table made of the fuzz input, opened through a memory store and scanned to
 * its end.
 *
 * Input: u32 size of the manifest, u32 size of the data file, u8 version that the manifest's name
 * says, then the two files, and what is left is the deletion file. Build with clang and
 * -DLNC_BUILD_FUZZERS=ON -DLNC_SANITIZE=ON, then
 *
 *     node make_seeds.mjs ../test/data CORPUS && lnc_fuzz_table CORPUS
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lnc/lnc.h"

#define HEADER_BYTES 9u
#define ROWS_MAX     100000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A store that answers each name in data/ and _deletions/ with the same bytes: the manifest is free
 * to name what it likes. */
struct parts {
    struct lnc_memory_file manifest;
    struct lnc_memory_file data;
    struct lnc_memory_file deletion;
    uint8_t version;
};

static int read_part(const struct lnc_source *source, uint64_t offset, void *dst, size_t n,
                     struct lnc_error *err)
{
    const struct lnc_memory_file *part = source->private_data;
    (void)err;
    if (offset > part->size || n > part->size - offset)
        __builtin_trap(); /* the reader promises never to ask for this */
    if (n > 0)
        memcpy(dst, (const uint8_t *)part->bytes + offset, n);
    return LNC_OK;
}

static void release_part(struct lnc_source *source)
{
    *source = (struct lnc_source){0};
}

static int open_part(const struct lnc_store *store, const char *path, struct lnc_source *out,
                     struct lnc_error *err)
{
    struct parts *parts = store->private_data;
    struct lnc_memory_file *part = &parts->data;
    (void)err;
    if (strstr(path, "/_versions/") != NULL)
        part = &parts->manifest;
    else if (strstr(path, "/_deletions/") != NULL)
        part = &parts->deletion;
    *out = (struct lnc_source){
        .size = part->size, .read_at = read_part, .release = release_part, .private_data = part};
    return LNC_OK;
}

static int list_parts(const struct lnc_store *store, const char *path, lnc_list_fn each,
                      void *context, struct lnc_error *err)
{
    const struct parts *parts = store->private_data;
    char name[32];
    (void)path;
    (void)snprintf(name, sizeof name, "%u.manifest", (unsigned)parts->version);
    return each(context, name, false, err);
}

static uint32_t load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool split(const uint8_t *data, size_t size, struct parts *parts)
{
    if (size < HEADER_BYTES)
        return false;
    size_t manifest = load32(data);
    size_t file = load32(data + 4);
    parts->version = data[8];
    data += HEADER_BYTES;
    size -= HEADER_BYTES;
    if (manifest > size || file > size - manifest)
        return false;
    parts->manifest.bytes = data;
    parts->manifest.size = manifest;
    parts->data.bytes = data + manifest;
    parts->data.size = file;
    parts->deletion.bytes = data + manifest + file;
    parts->deletion.size = size - manifest - file;
    return true;
}

static void scan_table(const struct lnc_dataset *ds)
{
    const char *names[64];
    size_t n = 0;
    uint64_t n_rows = 0;
    (void)lnc_dataset_count_rows(ds, &n_rows, NULL);
    for (size_t i = 0; i < lnc_dataset_n_columns(ds) && n < 64; i++) {
        if (lnc_dataset_column(ds, i)->kind != LNC_KIND_UNREADABLE)
            names[n++] = lnc_dataset_column(ds, i)->name;
    }
    struct lnc_scan_options options = {.columns = names, .n_columns = n};
    struct lnc_scan *scan = NULL;
    if (lnc_scan_open(ds, &options, &scan, NULL) != LNC_OK)
        return;
    for (uint64_t total = 0; total < ROWS_MAX;) {
        struct lnc_batch batch = {0};
        int rc = lnc_scan_next(scan, &batch, NULL);
        size_t got = batch.n_rows;
        lnc_batch_release(&batch);
        if (rc != LNC_OK || got == 0)
            break;
        total += got;
    }
    lnc_scan_close(scan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parts parts = {0};
    struct lnc_store store = {.open = open_part, .list = list_parts, .private_data = &parts};
    struct lnc_options options = {.store = &store, .limits = {.alloc_bytes_max = (size_t)16 << 20}};
    struct lnc_dataset *ds = NULL;
    struct lnc_error err;
    if (!split(data, size, &parts))
        return 0;
    if (lnc_dataset_open("t.lance", &options, &ds, &err) != LNC_OK)
        return 0;
    scan_table(ds);
    lnc_dataset_close(ds);
    return 0;
}
