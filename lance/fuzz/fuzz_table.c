/*
 * fuzz_table.c - a whole table made of the fuzz input, opened through a store and scanned to its
 * end.
 *
 * Input: u32 size of the manifest, u32 size of the data file, u8 version that the manifest's name
 * says, then the two files, and what is left is the deletion file.
 */
#include "fuzz_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {.data = data, .size = size};
    struct fuzz_table table = {0};
    struct lnc_store store;
    size_t manifest = fuzz_take(&in, 4);
    size_t file = fuzz_take(&in, 4);
    table.version = fuzz_take(&in, 1);
    table.manifest = fuzz_take_part(&in, manifest);
    table.data = fuzz_take_part(&in, file);
    table.deletion = fuzz_take_part(&in, in.size);
    struct lnc_dataset *ds = fuzz_open(&table, &store);
    if (ds != NULL)
        fuzz_scan(ds);
    lnc_dataset_close(ds);
    return 0;
}
