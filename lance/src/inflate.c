#include "codec_int.h"

#include <limits.h>
#include <lz4.h>
/* ZSTD_createDCtx_advanced(), the one way to give zstd an allocator, has been declared under this
 * name since 1.4. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#define ZSTD_MAGIC  0xfd2fb528u
#define LZ4F_MAGIC  0x184d2204u
#define LZ4_HISTORY ((size_t)65536)

/* Lance up to 0.25 wrote bare zstd frames, later versions put a u64 size in front. Both may begin
 * with the magic number by chance only; a prefix that looks like one would declare over four
 * billion times the frame's size class. */
static bool is_bare_frame(struct lnc_span in)
{
    if (in.size < 8)
        return true;
    return lnc_le32(in.data) == ZSTD_MAGIC && (in.data[4] & 0x10) == 0;
}

static int check_declared(const struct lnc_ctx *cx, uint64_t size)
{
    if (size > cx->alloc_max)
        return lnc_fail_ctx(
            cx, LNC_ELIMIT,
            "a compressed block declares %llu bytes, the limit (alloc_bytes_max) is %zu",
            (unsigned long long)size, cx->alloc_max);
    return LNC_OK;
}

int lnc_inflate_size(const struct lnc_ctx *cx, enum lnc_scheme scheme, struct lnc_span in,
                     size_t *size, bool *known)
{
    uint64_t declared = 0;
    *known = true;
    if (in.size == 0) {
        *size = 0;
        return LNC_OK;
    }
    if (scheme == LNC_SCHEME_LZ4) {
        if (in.size < 4)
            return lnc_bad(cx, "an LZ4 block has no room for its size");
        declared = lnc_le32(in.data);
    } else if (!is_bare_frame(in)) {
        declared = lnc_le64(in.data);
    } else {
        unsigned long long content = ZSTD_getFrameContentSize(in.data, in.size);
        if (content == ZSTD_CONTENTSIZE_ERROR)
            return lnc_bad(cx, "a zstd frame is damaged");
        *known = content != ZSTD_CONTENTSIZE_UNKNOWN;
        declared = *known ? content : 0;
    }
    int rc = check_declared(cx, declared);
    if (rc == LNC_OK)
        *size = (size_t)declared;
    return rc;
}

static void *zstd_alloc(void *memory, size_t size)
{
    return lnc_memory_alloc(memory, size);
}

static void zstd_free(void *memory, void *block)
{
    (void)memory;
    lnc_free(block);
}

static int make_zstd(const struct lnc_ctx *cx, struct lnc_inflater *inflater)
{
    if (inflater->zstd == NULL)
        inflater->zstd = ZSTD_createDCtx_advanced((ZSTD_customMem){
            .customAlloc = zstd_alloc, .customFree = zstd_free, .opaque = cx->memory});
    if (inflater->zstd == NULL)
        return lnc_no_memory(cx, 0);
    return LNC_OK;
}

/* A frame that does not say how long its contents are: grow while it goes on. */
static int inflate_unknown(const struct lnc_ctx *cx, struct lnc_inflater *inflater,
                           struct lnc_span in, struct lnc_buf *out)
{
    ZSTD_inBuffer input = {in.data, in.size, 0};
    size_t step = ZSTD_DStreamOutSize();
    (void)ZSTD_DCtx_reset(inflater->zstd, ZSTD_reset_session_only);
    size_t hint = 1;
    while (hint != 0) {
        int rc = lnc_buf_reserve(cx, out, out->size + step);
        if (rc != LNC_OK)
            return rc;
        ZSTD_outBuffer output = {out->data + out->size, step, 0};
        size_t before = input.pos;
        hint = ZSTD_decompressStream(inflater->zstd, &output, &input);
        if (ZSTD_getErrorCode(hint) == ZSTD_error_memory_allocation)
            return lnc_no_memory(cx, ZSTD_DStreamInSize());
        if (ZSTD_isError(hint))
            return lnc_bad(cx, "zstd: %s", ZSTD_getErrorName(hint));
        out->size += output.pos;
        if (hint != 0 && output.pos == 0 && input.pos == before)
            return lnc_bad(cx, "a zstd frame is cut off");
    }
    if (input.pos != input.size)
        return lnc_bad(cx, "%zu bytes follow a zstd frame", input.size - input.pos);
    return LNC_OK;
}

static int inflate_known(const struct lnc_ctx *cx, struct lnc_inflater *inflater,
                         enum lnc_scheme scheme, struct lnc_span body, size_t size,
                         struct lnc_buf *out)
{
    int rc = lnc_buf_reserve(cx, out, out->size + size + 1);
    if (rc != LNC_OK)
        return rc;
    size_t got = 0;
    if (scheme == LNC_SCHEME_LZ4) {
        if (body.size > INT_MAX || size > INT_MAX)
            return lnc_bad(cx, "an LZ4 block of %zu bytes is too long", body.size);
        int n = LZ4_decompress_safe((const char *)body.data, (char *)out->data + out->size,
                                    (int)body.size, (int)size);
        if (n < 0)
            return lnc_bad(cx, "an LZ4 block is damaged");
        got = (size_t)n;
    } else {
        rc = make_zstd(cx, inflater);
        if (rc != LNC_OK)
            return rc;
        got =
            ZSTD_decompressDCtx(inflater->zstd, out->data + out->size, size, body.data, body.size);
        if (ZSTD_isError(got))
            return lnc_bad(cx, "zstd: %s", ZSTD_getErrorName(got));
    }
    if (got != size)
        return lnc_bad(cx, "a compressed block declares %zu bytes but holds %zu", size, got);
    out->size += size;
    return LNC_OK;
}

int lnc_inflate(const struct lnc_ctx *cx, struct lnc_inflater *inflater, enum lnc_scheme scheme,
                struct lnc_span in, struct lnc_buf *out)
{
    size_t size;
    bool known;
    int rc = lnc_inflate_size(cx, scheme, in, &size, &known);
    if (rc != LNC_OK || in.size == 0)
        return rc;
    if (!known) {
        rc = make_zstd(cx, inflater);
        return rc != LNC_OK ? rc : inflate_unknown(cx, inflater, in, out);
    }
    size_t prefix = scheme == LNC_SCHEME_LZ4 ? 4 : is_bare_frame(in) ? 0 : 8;
    struct lnc_span body = {.data = in.data + prefix, .size = in.size - prefix};
    return inflate_known(cx, inflater, scheme, body, size, out);
}

int lnc_inflate_exact(const struct lnc_ctx *cx, struct lnc_inflater *inflater,
                      enum lnc_scheme scheme, struct lnc_span in, size_t size, struct lnc_buf *out)
{
    int rc = check_declared(cx, size);
    return rc != LNC_OK ? rc : inflate_known(cx, inflater, scheme, in, size, out);
}

/* Magic, flags, greatest size of a block, size of the contents, number of a dictionary, check byte.
 */
static int lz4_frame_header(const struct lnc_ctx *cx, struct lnc_span in, size_t *size,
                            bool *has_block_sums)
{
    unsigned flags = in.size >= 7 ? in.data[4] : 0;
    if (in.size < 7 || lnc_le32(in.data) != LZ4F_MAGIC || flags >> 6 != 1)
        return lnc_bad(cx, "an LZ4 frame does not start as one");
    if ((flags & 1) != 0)
        return lnc_refuse(cx, "an LZ4 frame needs a dictionary");
    *size = 7 + ((flags & 8) != 0 ? 8u : 0u);
    *has_block_sums = (flags & 16) != 0;
    return LNC_OK;
}

/* Specification: LZ4 Frame Format 1.6. Not with liblz4's own decoder of frames, which allocates
 * from the C library. Each block may refer to the 64 KiB before it. */
int lnc_inflate_lz4_frame(const struct lnc_ctx *cx, struct lnc_span in, uint64_t size,
                          struct lnc_buf *out)
{
    size_t position = 0;
    bool has_block_sums = false;
    int rc = check_declared(cx, size);
    if (rc == LNC_OK)
        rc = lz4_frame_header(cx, in, &position, &has_block_sums);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve(cx, out, (size_t)size + 1);
    if (rc != LNC_OK)
        return rc;
    size_t got = 0;
    for (;;) {
        if (position > in.size || in.size - position < 4)
            return lnc_bad(cx, "an LZ4 frame is cut off");
        uint32_t word = lnc_le32(in.data + position);
        size_t n = word & 0x7fffffffu;
        position += 4;
        if (word == 0)
            break;
        if (n > in.size - position)
            return lnc_bad(cx, "a block of %zu bytes reaches beyond the end of its LZ4 frame", n);
        const char *block = (const char *)in.data + position;
        char *dst = (char *)out->data + got;
        size_t room = (size_t)size - got < INT_MAX ? (size_t)size - got : INT_MAX;
        size_t history = got < LZ4_HISTORY ? got : LZ4_HISTORY;
        bool is_plain = word >> 31 != 0;
        int written = is_plain && n <= room ? (int)n : -1;
        if (written >= 0)
            memcpy(dst, block, n);
        else if (!is_plain)
            written = LZ4_decompress_safe_usingDict(block, dst, (int)n, (int)room, dst - history,
                                                    (int)history);
        if (written < 0)
            return lnc_bad(cx, "a block of an LZ4 frame is damaged");
        got += (size_t)written;
        position += n + (has_block_sums ? 4u : 0u);
    }
    if (got != size)
        return lnc_bad(cx, "an LZ4 frame holds %zu bytes instead of %llu", got,
                       (unsigned long long)size);
    out->size = got;
    return LNC_OK;
}

void lnc_inflater_release(struct lnc_inflater *inflater)
{
    (void)ZSTD_freeDCtx(inflater->zstd);
    inflater->zstd = NULL;
}
