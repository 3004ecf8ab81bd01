/*
 * encoding_int.h - CompressiveEncoding of storage versions 2.1 and 2.2: its description, and its
 * two decoders.
 *
 * A description is a tree. It is kept in a fixed pool, so neither its depth nor its size is the
 * table's to choose, and no kind may occur inside itself, so that each kind needs one scratch
 * buffer only.
 */
#ifndef LNC_ENCODING_INT_H
#define LNC_ENCODING_INT_H

#include "codec_int.h"
#include "pbuf_int.h"

#define LNC_ENC_DEPTH_MAX 8
#define LNC_ENC_NODES_MAX 96
/* Fields of a packed struct whose values have any length. */
#define LNC_ENC_FIELDS_MAX 32

/* Numbers are those of the oneof in the protobuf message. */
enum lnc_enc_kind {
    LNC_ENC_FLAT = 1,
    LNC_ENC_VARIABLE = 2,
    LNC_ENC_CONSTANT = 3,
    LNC_ENC_OUT_OF_LINE_BITPACKING = 4,
    LNC_ENC_INLINE_BITPACKING = 5,
    LNC_ENC_FSST = 6,
    LNC_ENC_RLE = 8,
    LNC_ENC_BYTE_STREAM_SPLIT = 9,
    LNC_ENC_GENERAL = 10,
    LNC_ENC_FIXED_SIZE_LIST = 11,
    LNC_ENC_PACKED_STRUCT = 12,
    LNC_ENC_VARIABLE_PACKED_STRUCT = 13,
};

/* A field of VARIABLE_PACKED_STRUCT: values of `bits`, or a length of `length_bits` in front of
 * each; the other one is 0. */
struct lnc_enc_field {
    const struct lnc_enc *value;
    uint64_t bits;
    uint64_t length_bits;
};

struct lnc_enc {
    enum lnc_enc_kind kind;
    uint64_t bits;                /* FLAT, INLINE and OUT_OF_LINE (uncompressed), PACKED_STRUCT */
    enum lnc_scheme scheme;       /* GENERAL */
    uint64_t n_items;             /* FIXED_SIZE_LIST */
    bool has_validity;            /* FIXED_SIZE_LIST */
    struct lnc_span bytes;        /* CONSTANT: the value; FSST: the table */
    const struct lnc_enc *values; /* the child, or for VARIABLE its offsets */
    const struct lnc_enc *run_lengths;  /* RLE */
    const struct lnc_enc_field *fields; /* VARIABLE_PACKED_STRUCT */
    size_t n_fields;
};

struct lnc_enc_pool {
    struct lnc_enc node[LNC_ENC_NODES_MAX];
    size_t n;
    struct lnc_enc_field field[LNC_ENC_FIELDS_MAX];
    size_t n_fields;
};

/* Parses a description. Its spans point into the message. LNC_EUNSUPPORTED for members of the oneof
 * we do not read. */
int lnc_enc_parse(const struct lnc_ctx *cx, struct lnc_enc_pool *pool, struct lnc_pb message,
                  const struct lnc_enc **out);

/* Decoded values; they belong to the decoder, to its input or to the description. */
struct lnc_values {
    bool is_var;
    uint64_t bits;        /* of one value if !is_var */
    bool is_bits;         /* values are bits or lists of them: each bit is a byte of 0 or 1 */
    const uint8_t *fixed; /* n values of lnc_values_width() bytes, unaligned */
    const struct lnc_span *spans; /* n values if is_var */
    const uint8_t *items_valid;   /* of lists: one byte an item, 0 = null; NULL = all present */
};

/* Bytes of one value of fixed width as it lies in `fixed`. */
static inline size_t lnc_values_width(const struct lnc_values *values)
{
    return (size_t)(values->is_bits ? values->bits : values->bits / 8);
}

/* Scratch memory of one stream of values; zero-initialised. Values are valid until its next use. */
struct lnc_decoder {
    struct lnc_buf inflated;
    struct lnc_buf unpacked;
    struct lnc_buf runs;
    struct lnc_buf interleaved;
    struct lnc_buf spans;
    struct lnc_buf text;
    struct lnc_buf items_valid;
    struct lnc_inflater inflater;
    struct lnc_fsst *fsst; /* table of the current page */
    const uint8_t *fsst_source;
};

#define LNC_VALUE_BUFFERS_MAX 8

/* Decodes the value buffers of one mini-block chunk to exactly n values. */
int lnc_decode_chunk(const struct lnc_ctx *cx, struct lnc_decoder *d, const struct lnc_enc *enc,
                     const struct lnc_span *buffers, size_t n_buffers, uint64_t n,
                     struct lnc_values *out);

/* Decodes one opaque block (levels, dictionaries) to exactly n values. */
int lnc_decode_block(const struct lnc_ctx *cx, struct lnc_decoder *d, const struct lnc_enc *enc,
                     struct lnc_span block, uint64_t n, struct lnc_values *out);

/* Loads the FSST table of a description; does nothing if it is the current one. */
int lnc_decoder_load_fsst(const struct lnc_ctx *cx, struct lnc_decoder *d, struct lnc_span table);

void lnc_decoder_release(struct lnc_decoder *d);

#endif
