/*
 * codec_int.h - the compression building blocks below the page layouts: bit packing, FSST, zstd and
 * LZ4.
 *
 * Sources: lance-format.md sections 5.3 to 5.5 (verified against files of the official client);
 * FastLanes (Afroozeh, Boncz, VLDB 2023) for the order of packed bits; FSST (Boncz, Neumann, Leis,
 * VLDB 2020) for strings.
 */
#ifndef LNC_CODEC_INT_H
#define LNC_CODEC_INT_H

#include "util_int.h"

#define LNC_PACK_VALUES 1024u

/* Bytes of one packed chunk of 1024 values of `width` bits. */
static inline size_t lnc_packed_bytes(uint32_t width)
{
    return (size_t)width * (LNC_PACK_VALUES / 8);
}

/*
 * Unpacks one chunk: 1024 unsigned values of `width` bits into words of word_bits (8, 16, 32, 64),
 * little-endian in memory. Needs width <= word_bits, `packed` of lnc_packed_bytes(width) bytes,
 * `out` of 1024 words.
 */
void lnc_unpack(uint32_t word_bits, uint32_t width, const uint8_t *packed, void *out);

#define LNC_FSST_TABLE_BYTES 2312u
#define LNC_FSST_SLACK       8u

struct lnc_fsst {
    uint8_t symbol[256][8];
    uint8_t length[256];
    uint32_t n_symbols;
    bool is_compressed; /* false: the values are stored as they are */
};

/* LNC_ECORRUPT if the table is damaged. */
int lnc_fsst_init(const struct lnc_ctx *cx, struct lnc_fsst *fsst, const uint8_t *table,
                  size_t size);

/* Decoded size of one value. LNC_ECORRUPT for codes without a symbol. */
int lnc_fsst_measure(const struct lnc_ctx *cx, const struct lnc_fsst *fsst, struct lnc_span in,
                     size_t *out);

/* Decodes one value to dst, which has LNC_FSST_SLACK bytes more room than needed: min(8 * in.size,
 * what lnc_fsst_measure() said). Sets *out to the decoded size. */
int lnc_fsst_decode(const struct lnc_ctx *cx, const struct lnc_fsst *fsst, struct lnc_span in,
                    uint8_t *dst, size_t *out);

enum lnc_scheme { LNC_SCHEME_NONE = 0, LNC_SCHEME_LZ4 = 1, LNC_SCHEME_ZSTD = 2 };

/* A decompressor; zero-initialised, made on first use. */
struct lnc_inflater {
    void *zstd; /* ZSTD_DCtx */
};

/* Size that a framed block declares for its contents; 0 for empty input, LNC_ELIMIT above the
 * ceiling. A bare zstd frame without content size gives *known = false. */
int lnc_inflate_size(const struct lnc_ctx *cx, enum lnc_scheme scheme, struct lnc_span in,
                     size_t *size, bool *known);

/* Decompresses a framed block to the end of *out. */
int lnc_inflate(const struct lnc_ctx *cx, struct lnc_inflater *inflater, enum lnc_scheme scheme,
                struct lnc_span in, struct lnc_buf *out);

/* The body buffers of Arrow files: a bare zstd frame (no size prefix) of exactly `size` decoded
 * bytes. */
int lnc_inflate_exact(const struct lnc_ctx *cx, struct lnc_inflater *inflater,
                      enum lnc_scheme scheme, struct lnc_span in, size_t size, struct lnc_buf *out);

/* The LZ4 frame of an Arrow buffer, whose contents are known to have `size` bytes. Replaces what
 * *out holds. Checksums are not verified. */
int lnc_inflate_lz4_frame(const struct lnc_ctx *cx, struct lnc_span in, uint64_t size,
                          struct lnc_buf *out);

void lnc_inflater_release(struct lnc_inflater *inflater);

#endif
