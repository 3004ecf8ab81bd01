#include "encoding_int.h"

struct parse {
    const struct lnc_ctx *cx;
    struct lnc_enc_pool *pool;
};

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {"no encoding",
                                        "Flat",
                                        "Variable",
                                        "Constant",
                                        "OutOfLineBitpacking",
                                        "InlineBitpacking",
                                        "Fsst",
                                        "Dictionary",
                                        "Rle",
                                        "ByteStreamSplit",
                                        "General",
                                        "FixedSizeList",
                                        "PackedStruct",
                                        "VariablePackedStruct",
                                        "Range",
                                        "Delta"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "an unknown encoding";
}

static int parse_any(const struct parse *ps, struct lnc_pb pb, unsigned depth, uint32_t above,
                     const struct lnc_enc **out);

static int parse_scheme(const struct parse *ps, struct lnc_pb pb, enum lnc_scheme *out)
{
    struct lnc_pb_field f;
    uint64_t scheme = 0;
    while (lnc_pb_next(&pb, &f)) {
        if (f.number == 1)
            scheme = lnc_pb_uint(&pb, &f);
    }
    if (scheme > LNC_SCHEME_ZSTD)
        return lnc_refuse(ps->cx, "the page uses the unknown compression scheme %llu",
                          (unsigned long long)scheme);
    *out = (enum lnc_scheme)scheme;
    return lnc_pb_finish(ps->cx, &pb, "BufferCompression");
}

/* A buffer compression inside of Flat, Variable or InlineBitpacking exists in the grammar; no
 * writer uses it. */
static int expect_no_compression(const struct parse *ps, struct lnc_pb pb)
{
    enum lnc_scheme scheme;
    int rc = parse_scheme(ps, pb, &scheme);
    if (rc == LNC_OK && scheme != LNC_SCHEME_NONE)
        rc = lnc_refuse(ps->cx, "the page compresses a single buffer, which no known writer does");
    return rc;
}

/* Widths of the fields of a packed struct, packed or not. */
static int add_field_bits(const struct parse *ps, struct lnc_pb *pb, const struct lnc_pb_field *f,
                          uint64_t *total)
{
    struct lnc_buf list = {0};
    int rc = lnc_pb_append_uints(ps->cx, pb, f, &list);
    for (size_t i = 0; rc == LNC_OK && i < list.size / sizeof(uint64_t); i++) {
        if (!lnc_add(*total, lnc_le64(list.data + i * sizeof(uint64_t)), total))
            rc = lnc_bad(ps->cx, "the page describes an impossible packed struct");
    }
    lnc_buf_release(&list);
    return rc;
}

/* {1: encoding, 2: bits of a value | 3: bits of the length in front of each}. No such struct lies
 * in another one, so that its fields stand together in the pool. */
static int parse_struct_field(const struct parse *ps, struct lnc_pb pb, struct lnc_enc *enc,
                              unsigned depth, uint32_t above)
{
    struct lnc_enc_field field = {0};
    struct lnc_pb_field f;
    int rc = LNC_OK;
    if (ps->pool->n_fields == LNC_ENC_FIELDS_MAX)
        return lnc_refuse(ps->cx, "the page packs structs of more than %d fields",
                          LNC_ENC_FIELDS_MAX);
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 1)
            rc = parse_any(ps, lnc_pb_sub(&pb, &f), depth, above, &field.value);
        else if (f.number == 2)
            field.bits = lnc_pb_uint(&pb, &f);
        else if (f.number == 3)
            field.length_bits = lnc_pb_uint(&pb, &f);
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(ps->cx, &pb, "FieldEncoding");
    bool is_var = field.length_bits == 32 || field.length_bits == 64;
    bool is_fixed = field.bits > 0 && field.bits % 8 == 0 && field.bits <= UINT32_MAX;
    if (rc == LNC_OK && (field.value == NULL || is_var == is_fixed ||
                         (is_var ? field.bits : field.length_bits) != 0))
        rc = lnc_bad(ps->cx, "the page describes an impossible field of a packed struct");
    if (rc != LNC_OK)
        return rc;
    struct lnc_enc_field *fields = ps->pool->field;
    if (enc->n_fields == 0)
        enc->fields = &fields[ps->pool->n_fields];
    fields[ps->pool->n_fields++] = field;
    enc->n_fields++;
    return LNC_OK;
}

/* Field 1 of FIXED kinds is a number, of the others a message or bytes. */
static int parse_member(const struct parse *ps, struct lnc_pb *pb, const struct lnc_pb_field *f,
                        struct lnc_enc *enc, unsigned depth, uint32_t above)
{
    switch (enc->kind) {
    case LNC_ENC_FLAT:
    case LNC_ENC_INLINE_BITPACKING:
        if (f->number == 1)
            enc->bits = lnc_pb_uint(pb, f);
        else if (f->number == 2)
            return expect_no_compression(ps, lnc_pb_sub(pb, f));
        return LNC_OK;
    case LNC_ENC_OUT_OF_LINE_BITPACKING:
        if (f->number == 1)
            enc->bits = lnc_pb_uint(pb, f);
        else if (f->number == 3)
            return parse_any(ps, lnc_pb_sub(pb, f), depth, above, &enc->values);
        return LNC_OK;
    case LNC_ENC_VARIABLE:
        if (f->number == 1)
            return parse_any(ps, lnc_pb_sub(pb, f), depth, above, &enc->values);
        if (f->number == 2)
            return expect_no_compression(ps, lnc_pb_sub(pb, f));
        return LNC_OK;
    case LNC_ENC_CONSTANT:
    case LNC_ENC_FSST:
        if (f->number == 1) {
            struct lnc_pb bytes = lnc_pb_sub(pb, f);
            enc->bytes = (struct lnc_span){.data = bytes.p, .size = (size_t)(bytes.end - bytes.p)};
        } else if (f->number == 2 && enc->kind == LNC_ENC_FSST) {
            return parse_any(ps, lnc_pb_sub(pb, f), depth, above, &enc->values);
        }
        return LNC_OK;
    case LNC_ENC_RLE:
    case LNC_ENC_BYTE_STREAM_SPLIT:
        if (f->number == 1)
            return parse_any(ps, lnc_pb_sub(pb, f), depth, above, &enc->values);
        if (f->number == 2 && enc->kind == LNC_ENC_RLE)
            return parse_any(ps, lnc_pb_sub(pb, f), depth, above, &enc->run_lengths);
        return LNC_OK;
    case LNC_ENC_GENERAL:
        if (f->number == 1)
            return parse_scheme(ps, lnc_pb_sub(pb, f), &enc->scheme);
        if (f->number == 3)
            return parse_any(ps, lnc_pb_sub(pb, f), depth, above, &enc->values);
        return LNC_OK;
    case LNC_ENC_FIXED_SIZE_LIST:
        if (f->number == 1)
            enc->n_items = lnc_pb_uint(pb, f);
        else if (f->number == 3)
            enc->has_validity = lnc_pb_uint(pb, f) != 0;
        else if (f->number == 2)
            return parse_any(ps, lnc_pb_sub(pb, f), depth, above, &enc->values);
        return LNC_OK;
    case LNC_ENC_PACKED_STRUCT:
        if (f->number == 1)
            return add_field_bits(ps, pb, f, &enc->bits);
        if (f->number == 2)
            return parse_any(ps, lnc_pb_sub(pb, f), depth, above, &enc->values);
        return LNC_OK;
    case LNC_ENC_VARIABLE_PACKED_STRUCT:
        return f->number == 1 ? parse_struct_field(ps, lnc_pb_sub(pb, f), enc, depth, above)
                              : LNC_OK;
    }
    return LNC_OK;
}

static bool is_known(uint32_t kind)
{
    return kind >= LNC_ENC_FLAT && kind <= LNC_ENC_VARIABLE_PACKED_STRUCT && kind != 7;
}

/* Children that the grammar requires, and widths that exist. */
static int check_node(const struct parse *ps, const struct lnc_enc *enc, bool is_packed)
{
    bool ok = true;
    switch (enc->kind) {
    case LNC_ENC_FLAT:
        /* No bits at all: bit-packed zeros. */
        ok = enc->bits <= UINT32_MAX && (enc->bits > 0 || is_packed);
        break;
    case LNC_ENC_INLINE_BITPACKING:
        ok = enc->bits == 8 || enc->bits == 16 || enc->bits == 32 || enc->bits == 64;
        break;
    case LNC_ENC_OUT_OF_LINE_BITPACKING:
        ok = (enc->bits == 8 || enc->bits == 16 || enc->bits == 32 || enc->bits == 64) &&
             enc->values != NULL;
        break;
    case LNC_ENC_VARIABLE:
        ok = enc->values != NULL && enc->values->kind == LNC_ENC_FLAT &&
             (enc->values->bits == 32 || enc->values->bits == 64);
        break;
    case LNC_ENC_RLE:
        ok = enc->values != NULL && enc->run_lengths != NULL &&
             enc->run_lengths->kind == LNC_ENC_FLAT &&
             (enc->run_lengths->bits == 8 || enc->run_lengths->bits == 16 ||
              enc->run_lengths->bits == 32);
        break;
    case LNC_ENC_FSST:
    case LNC_ENC_BYTE_STREAM_SPLIT:
    case LNC_ENC_GENERAL:
        ok = enc->values != NULL;
        break;
    case LNC_ENC_FIXED_SIZE_LIST:
        ok = enc->values != NULL && enc->n_items > 0 && enc->n_items <= UINT32_MAX;
        break;
    case LNC_ENC_PACKED_STRUCT:
        ok = enc->values != NULL && enc->bits > 0 && enc->bits <= UINT32_MAX;
        break;
    case LNC_ENC_VARIABLE_PACKED_STRUCT:
        ok = enc->n_fields > 0;
        break;
    case LNC_ENC_CONSTANT:
        break;
    }
    if (!ok)
        return lnc_bad(ps->cx, "the page describes an impossible %s encoding",
                       kind_name(enc->kind));
    return LNC_OK;
}

static int parse_node(const struct parse *ps, struct lnc_pb pb, uint32_t kind, unsigned depth,
                      uint32_t above, const struct lnc_enc **out)
{
    if (!is_known(kind))
        return lnc_refuse(
            ps->cx,
            "the page is encoded with %s (member %u of CompressiveEncoding), which is not read",
            kind_name(kind), kind);
    if ((above & (1u << kind)) != 0)
        return lnc_refuse(ps->cx, "the page nests the encoding %s in itself", kind_name(kind));
    if (depth >= LNC_ENC_DEPTH_MAX || ps->pool->n == LNC_ENC_NODES_MAX)
        return lnc_bad(ps->cx, "the encodings of the page are nested too deeply");
    struct lnc_enc *enc = &ps->pool->node[ps->pool->n++];
    *enc = (struct lnc_enc){.kind = (enum lnc_enc_kind)kind};
    struct lnc_pb_field f;
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f))
        rc = parse_member(ps, &pb, &f, enc, depth + 1, above | (1u << kind));
    if (rc == LNC_OK)
        rc = lnc_pb_finish(ps->cx, &pb, "CompressiveEncoding");
    if (rc == LNC_OK)
        rc = check_node(ps, enc, (above & (1u << LNC_ENC_OUT_OF_LINE_BITPACKING)) != 0);
    if (rc == LNC_OK)
        *out = enc;
    return rc;
}

static int parse_any(const struct parse *ps, struct lnc_pb pb, unsigned depth, uint32_t above,
                     const struct lnc_enc **out)
{
    struct lnc_pb_field f;
    struct lnc_pb member = {0};
    uint32_t kind = 0;
    while (lnc_pb_next(&pb, &f)) {
        kind = f.number;
        member = lnc_pb_sub(&pb, &f);
    }
    int rc = lnc_pb_finish(ps->cx, &pb, "CompressiveEncoding");
    return rc != LNC_OK ? rc : parse_node(ps, member, kind, depth, above, out);
}

int lnc_enc_parse(const struct lnc_ctx *cx, struct lnc_enc_pool *pool, struct lnc_pb message,
                  const struct lnc_enc **out)
{
    struct parse ps = {.cx = cx, .pool = pool};
    return parse_any(&ps, message, 0, 0, out);
}
