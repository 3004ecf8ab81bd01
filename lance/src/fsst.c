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

/* One code, which must not be the escape: eight bytes whatever the length,
 * because a fixed copy is one store; the slack makes room for it. */
static inline uint8_t *put_symbol(const struct lnc_fsst *fsst, uint8_t code, uint8_t *dst)
{
    memcpy(dst, fsst->symbol[code], 8);
    return dst + fsst->length[code];
}

/* The highest bit of each byte that is 0xff in a word of eight codes. */
static inline uint64_t find_escape(uint64_t word)
{
    return word & ((word & 0x7f7f7f7f7f7f7f7fu) + 0x0101010101010101u) & 0x8080808080808080u;
}

/* Eight codes at a time; ends where fewer than nine are left. Only for tables
 * in which every code but the escape has a symbol, so that none needs a check.
 */
static const uint8_t *decode_words(const struct lnc_fsst *fsst, const uint8_t *p,
                                   const uint8_t *end, uint8_t **out)
{
    uint8_t *dst = *out;
    while (end - p >= 9) {
        uint64_t word = lnc_le64(p);
        uint64_t escape = find_escape(word);
        if (escape == 0) {
            for (unsigned i = 0; i < 8; i++)
                dst = put_symbol(fsst, p[i], dst);
            p += 8;
            continue;
        }
        unsigned n = (unsigned)__builtin_ctzll(escape) / 8;
        for (unsigned i = 0; i < n; i++)
            dst = put_symbol(fsst, p[i], dst);
        *dst++ = p[n + 1];
        p += n + 2;
    }
    *out = dst;
    return p;
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
    if (fsst->n_symbols == FSST_ESCAPE)
        p = decode_words(fsst, p, end, &dst);
    while (p < end) {
        uint8_t code = *p++;
        if (code != FSST_ESCAPE) {
            dst = put_symbol(fsst, code, dst);
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
