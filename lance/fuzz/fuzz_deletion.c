/*
 * fuzz_deletion.c - deletion files of both kinds.
 *
 * Input: u8, even for an Arrow file and odd for a Roaring bitmap; u32 rows of the fragment; the
 * file.
 */
#include <stdlib.h>

#include "deletion_int.h"
#include "fuzz_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {.data = data, .size = size};
    struct lnc_error err = {0};
    struct lnc_ctx cx = {
        .page = LNC_NO_PAGE, .at = LNC_NO_OFFSET, .alloc_max = FUZZ_ALLOC_MAX, .err = &err};
    struct lnc_deleted deleted = {0};
    bool is_bitmap = (fuzz_take(&in, 1) & 1) != 0;
    uint64_t n_rows = fuzz_take(&in, 4);
    int rc = lnc_deletion_parse(&cx, (struct lnc_span){.data = in.data, .size = in.size}, is_bitmap,
                                n_rows, &deleted);
    if (rc != LNC_OK) {
        if (err.code != rc || err.message[0] == '\0')
            abort();
        return 0;
    }
    uint64_t n = 0;
    for (uint64_t row = 0; deleted.bits.size > 0 && row < n_rows; row++)
        n += lnc_deleted_has(&deleted, row);
    if (n != deleted.n_deleted)
        abort();
    lnc_deleted_release(&deleted);
    return 0;
}
