#include "deletion_int.h"

int lnc_deleted_add(const struct lnc_ctx *cx, struct lnc_deleted *deleted, uint64_t row)
{
    if (row >= deleted->n_rows)
        return lnc_bad(cx, "row %llu is deleted from a fragment of %llu rows",
                       (unsigned long long)row, (unsigned long long)deleted->n_rows);
    uint8_t *byte = &deleted->bits.data[row / 8];
    uint8_t bit = (uint8_t)(1u << (row % 8));
    deleted->n_deleted += (*byte & bit) == 0;
    *byte |= bit;
    return LNC_OK;
}

int lnc_deletion_parse(const struct lnc_ctx *cx, struct lnc_span file, bool is_bitmap,
                       uint64_t n_rows, struct lnc_deleted *out)
{
    struct lnc_deleted deleted = {.n_rows = n_rows};
    int rc = lnc_buf_reserve_n(cx, &deleted.bits, n_rows / 8 + 1, 1);
    if (rc == LNC_OK) {
        deleted.bits.size = (size_t)(n_rows / 8 + 1);
        memset(deleted.bits.data, 0, deleted.bits.size);
        rc =
            is_bitmap ? lnc_roaring_parse(cx, file, &deleted) : lnc_arrow_parse(cx, file, &deleted);
    }
    if (rc != LNC_OK) {
        lnc_deleted_release(&deleted);
        return rc;
    }
    *out = deleted;
    return LNC_OK;
}

void lnc_deleted_release(struct lnc_deleted *deleted)
{
    lnc_buf_release(&deleted->bits);
    *deleted = (struct lnc_deleted){0};
}
