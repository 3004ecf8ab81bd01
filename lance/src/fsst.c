#include "codec_int.h"

#define FSST_MAGIC  0x46535354u
#define FSST_ESCAPE 255u

int lnc_fsst_init(const struct lnc_ctx *cx, struct lnc_fsst *fsst, const uint8_t *table,
                  size_t size)
{
    if (size != LNC_FSST_TABLE_BYTES)
        return lnc_bad(cx, "the FSST symbol table has %zu bytes instead of %u", size,
                       LNC_FSST_TABLE_BYTES);
    uint64_t header = lnc_le64(table);
    if (header >> 32 != FSST_MAGIC)
        return lnc_bad(cx, "the FSST symbol table does not start with its magic number");
    memset(fsst, 0, sizeof *fsst);
    fsst->is_compressed = ((header >> 24) & 1) != 0;
    fsst->n_symbols = (uint32_t)(header & 0xff);
    memcpy(fsst->symbol, table + 8, (size_t)fsst->n_symbols * 8);
    const uint8_t *lengths = table + 8 + (size_t)fsst->n_symbols * 8;
    for (uint32_t i = 0; i < fsst->n_symbols; i++) {
        if (lengths[i] < 1 || lengths[i] > 8)
            return lnc_bad(cx, "FSST symbol %u has the impossible length %u", i, lengths[i]);
        fsst->length[i] = lengths[i];
    }
    return LNC_OK;
}

static int bad_code(const struct lnc_ctx *cx, uint8_t code)
{
    return lnc_bad(cx, "a string holds the FSST code %u, which has no symbol or lacks its byte",
                   code);
}

int lnc_fsst_measure(const struct lnc_ctx *cx, const struct lnc_fsst *fsst, struct lnc_span in,
                     size_t *out)
{
    size_t total = 0;
    if (!fsst->is_compressed) {
        *out = in.size;
        return LNC_OK;
    }
    for (size_t i = 0; i < in.size; i++) {
        uint8_t code = in.data[i];
        if (code == FSST_ESCAPE) {
            if (++i == in.size)
                return bad_code(cx, code);
            total++;
        } else if (fsst->length[code] == 0) {
            return bad_code(cx, code);
        } else {
            total += fsst->length[code];
        }
    }
    *out = total;
    return LNC_OK;
}

int lnc_fsst_decode(const struct lnc_ctx *cx, const struct lnc_fsst *fsst, struct lnc_span in,
                    uint8_t *dst, size_t *out)
{
    uint8_t *start = dst;
    if (!fsst->is_compressed) {
        if (in.size > 0)
            memcpy(dst, in.data, in.size);
        *out = in.size;
        return LNC_OK;
    }
    const uint8_t *p = in.data;
    const uint8_t *end = in.data + in.size;
    while (p < end) {
        uint8_t code = *p++;
        if (code != FSST_ESCAPE) {
            /* Eight bytes whatever the length: a fixed copy is one store; the slack makes room for
             * it. */
            memcpy(dst, fsst->symbol[code], 8);
            dst += fsst->length[code];
            if (fsst->length[code] == 0)
                return bad_code(cx, code);
        } else {
            if (p == end)
                return bad_code(cx, code);
            *dst++ = *p++;
        }
    }
    *out = (size_t)(dst - start);
    return LNC_OK;
}
