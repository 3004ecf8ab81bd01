/*
 * fuzz_manifest.c - the message of a manifest; the frame around it is always right, so that
 * mutations reach the fields. The whole frame is the business of lnc_fuzz_table.
 *
 * Input: u8 version that the name says, then the message. Data and deletion files are empty.
 */
#include "fuzz_store.h"

#include <string.h>

static unsigned touch_info(const struct lnc_column_info *info)
{
    return (unsigned)(strlen(info->name) + strlen(info->logical_type) + info->byte_width +
                      info->n_items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {.data = data, .size = size};
    struct fuzz_table table = {.version = fuzz_take(&in, 1)};
    struct fuzz_file file = {0};
    struct lnc_store store;
    fuzz_put_manifest(&file, in.data, in.size);
    table.manifest = (struct fuzz_part){.bytes = file.bytes, .size = file.size};
    struct lnc_dataset *ds = fuzz_open(&table, &store);
    for (size_t i = 0; ds != NULL && i < lnc_dataset_n_columns(ds); i++) {
        size_t found = 0;
        fuzz_use(touch_info(lnc_dataset_column(ds, i)));
        (void)lnc_dataset_find_column(ds, lnc_dataset_column(ds, i)->name, &found, NULL);
    }
    if (ds != NULL) {
        fuzz_use(
            (unsigned)(strlen(lnc_dataset_writer(ds)) + strlen(lnc_dataset_storage_version(ds))));
        fuzz_scan(ds);
    }
    lnc_dataset_close(ds);
    fuzz_file_release(&file);
    return 0;
}
