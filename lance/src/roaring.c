#include "deletion_int.h"

/* The portable 32-bit Roaring format (github.com/RoaringBitmap/RoaringFormatSpec). */

#define COOKIE_PLAIN     12346u
#define COOKIE_RUNS      12347u
#define OFFSETS_FROM     4u
#define ARRAY_VALUES_MAX 4096u
#define BITMAP_BYTES     8192u

struct cursor {
    const struct lnc_ctx *cx;
    struct lnc_span file;
    size_t position;
};

static int take(struct cursor *c, size_t n, const uint8_t **out)
{
    if (n > c->file.size - c->position) {
        struct lnc_ctx here = *c->cx;
        here.at = c->position;
        return lnc_bad(&here, "the deletion bitmap is cut off: %zu bytes are needed, %zu are left",
                       n, c->file.size - c->position);
    }
    *out = c->file.data + c->position;
    c->position += n;
    return LNC_OK;
}

static int read_runs(struct cursor *c, uint64_t high, struct lnc_deleted *deleted)
{
    const uint8_t *p;
    int rc = take(c, 2, &p);
    if (rc != LNC_OK)
        return rc;
    size_t n = lnc_le16(p);
    rc = take(c, n * 4, &p);
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        uint32_t start = lnc_le16(p + 4 * i);
        uint32_t last = start + lnc_le16(p + 4 * i + 2);
        if (last > UINT16_MAX)
            return lnc_bad(c->cx, "a run of the deletion bitmap leaves its container");
        for (uint32_t low = start; rc == LNC_OK && low <= last; low++)
            rc = lnc_deleted_add(c->cx, deleted, high | low);
    }
    return rc;
}

static int read_array(struct cursor *c, uint64_t high, size_t n, struct lnc_deleted *deleted)
{
    const uint8_t *p;
    int rc = take(c, n * 2, &p);
    for (size_t i = 0; rc == LNC_OK && i < n; i++)
        rc = lnc_deleted_add(c->cx, deleted, high | lnc_le16(p + 2 * i));
    return rc;
}

static int read_bitmap(struct cursor *c, uint64_t high, struct lnc_deleted *deleted)
{
    const uint8_t *p;
    int rc = take(c, BITMAP_BYTES, &p);
    for (uint32_t low = 0; rc == LNC_OK && low < BITMAP_BYTES * 8; low++) {
        if ((((unsigned)p[low / 8] >> (low % 8)) & 1u) != 0)
            rc = lnc_deleted_add(c->cx, deleted, high | low);
    }
    return rc;
}

int lnc_roaring_parse(const struct lnc_ctx *cx, struct lnc_span file, struct lnc_deleted *deleted)
{
    struct cursor c = {.cx = cx, .file = file};
    const uint8_t *p;
    const uint8_t *run_flags = NULL;
    uint32_t n = 0;
    int rc = take(&c, 4, &p);
    if (rc != LNC_OK)
        return rc;
    uint32_t cookie = lnc_le32(p);
    if ((cookie & 0xffff) == COOKIE_RUNS) {
        n = (cookie >> 16) + 1;
        rc = take(&c, (n + 7) / 8, &run_flags);
    } else if (cookie == COOKIE_PLAIN) {
        rc = take(&c, 4, &p);
        n = rc == LNC_OK ? lnc_le32(p) : 0;
    } else {
        rc = lnc_bad(cx, "the deletion bitmap starts with 0x%08x, which is no Roaring bitmap",
                     cookie);
    }
    if (rc == LNC_OK && n > 65536)
        rc = lnc_bad(cx, "the deletion bitmap has %u containers", n);
    const uint8_t *heads = NULL;
    if (rc == LNC_OK)
        rc = take(&c, (size_t)n * 4, &heads);
    /* The offsets only serve random access: containers lie one after the other. */
    if (rc == LNC_OK && (run_flags == NULL || n >= OFFSETS_FROM))
        rc = take(&c, (size_t)n * 4, &p);
    for (uint32_t i = 0; rc == LNC_OK && i < n; i++) {
        uint64_t high = (uint64_t)lnc_le16(heads + 4 * (size_t)i) << 16;
        size_t cardinality = (size_t)lnc_le16(heads + 4 * (size_t)i + 2) + 1;
        if (run_flags != NULL && (((unsigned)run_flags[i / 8] >> (i % 8)) & 1u) != 0)
            rc = read_runs(&c, high, deleted);
        else if (cardinality <= ARRAY_VALUES_MAX)
            rc = read_array(&c, high, cardinality, deleted);
        else
            rc = read_bitmap(&c, high, deleted);
    }
    return rc;
}
