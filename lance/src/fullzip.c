#include "page_int.h"

#include <stdlib.h>

/* Full-zip pages: one entry after the other, [control word][length][bytes], for long values
 * (lance-format.md 4.3). */

struct fullzip {
    struct lnc_page_reader base;
    struct lnc_phys phys;
    struct lnc_enc_pool pool;
    const struct lnc_enc *value;
    uint64_t bits_rep;
    uint64_t bits_def;
    uint64_t bits_value;  /* fixed width, or 0 */
    uint64_t bits_length; /* variable width, or 0 */
    uint64_t n_items;
    bool nullable;
    size_t control_size;
    size_t length_size;
    size_t value_size;  /* of a fixed-width entry without its control word */
    size_t bitmap_size; /* of the validity of a vector's items, in front of them */
    struct lnc_stream data;
    struct lnc_decoder decoder;
    struct lnc_buf validity;
    struct lnc_buf values; /* fixed width: values without their control words; variable: spans */
    struct lnc_buf text;   /* decompressed values */
};

static void fullzip_free(struct lnc_page_reader *reader)
{
    struct fullzip *fz = (struct fullzip *)reader;
    lnc_stream_release(&fz->data);
    lnc_decoder_release(&fz->decoder);
    lnc_buf_release(&fz->validity);
    lnc_buf_release(&fz->values);
    lnc_buf_release(&fz->text);
    free(fz);
}

static int parse_layout(struct lnc_ctx *cx, struct fullzip *fz, struct lnc_pb pb)
{
    struct lnc_pb_field f;
    struct lnc_buf layers = {0};
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        switch (f.number) {
        case 1:
            fz->bits_rep = lnc_pb_uint(&pb, &f);
            break;
        case 2:
            fz->bits_def = lnc_pb_uint(&pb, &f);
            break;
        case 3:
            fz->bits_value = lnc_pb_uint(&pb, &f);
            break;
        case 4:
            fz->bits_length = lnc_pb_uint(&pb, &f);
            break;
        case 5:
            fz->n_items = lnc_pb_uint(&pb, &f);
            break;
        case 7:
            rc = lnc_enc_parse(cx, &fz->pool, lnc_pb_sub(&pb, &f), &fz->value);
            break;
        case 8:
            rc = lnc_pb_append_uints(cx, &pb, &f, &layers);
            break;
        default:
            break;
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(cx, &pb, "FullZipLayout");
    if (rc == LNC_OK)
        rc = lnc_layers_check(cx, &layers, &fz->nullable);
    lnc_buf_release(&layers);
    return rc;
}

/* Which chains of encodings a full-zip page may have, for each of the two shapes. */
static bool is_variable_chain(const struct lnc_enc *enc)
{
    if (enc->kind == LNC_ENC_FSST || enc->kind == LNC_ENC_GENERAL)
        enc = enc->values;
    return enc->kind == LNC_ENC_VARIABLE;
}

static int check_fixed(struct lnc_ctx *cx, struct fullzip *fz)
{
    const struct lnc_enc *enc = fz->value;
    uint64_t n_items = 1;
    if (enc->kind == LNC_ENC_FIXED_SIZE_LIST) {
        n_items = enc->n_items;
        fz->bitmap_size = enc->has_validity ? (size_t)(n_items / 8 + (n_items % 8 != 0)) : 0;
        enc = enc->values;
    }
    if (enc->kind != LNC_ENC_FLAT || enc->bits % 8 != 0)
        return lnc_refuse(cx, "the full-zip page holds values of fixed width that are not plain");
    struct lnc_values shape = {.bits = enc->bits * n_items};
    int rc = lnc_values_check(cx, &fz->phys, &shape);
    /* Writers count the bitmap of the items or do not. */
    if (rc == LNC_OK && shape.bits != fz->bits_value &&
        shape.bits + 8 * fz->bitmap_size != fz->bits_value)
        rc = lnc_bad(cx, "the full-zip page has values of %llu bits in entries of %llu",
                     (unsigned long long)shape.bits, (unsigned long long)fz->bits_value);
    fz->value_size = fz->bitmap_size + fz->phys.width;
    return rc;
}

static int check_variable(struct lnc_ctx *cx, struct fullzip *fz)
{
    struct lnc_values shape = {.is_var = true};
    if (fz->bits_length != 32 && fz->bits_length != 64)
        return lnc_bad(cx, "the full-zip page has lengths of %llu bits",
                       (unsigned long long)fz->bits_length);
    if (!is_variable_chain(fz->value))
        return lnc_refuse(
            cx, "the full-zip page holds values of variable width in an encoding that is not read");
    fz->length_size = (size_t)fz->bits_length / 8;
    return lnc_values_check(cx, &fz->phys, &shape);
}

static int check_layout(struct lnc_ctx *cx, struct fullzip *fz, const struct lnc_page *page)
{
    if (fz->value == NULL)
        return lnc_bad(cx, "the page has no value encoding");
    if (fz->bits_rep != 0)
        return lnc_bad(cx, "the page of a flat column has repetition levels");
    if (fz->bits_def > 16 || (fz->nullable && fz->bits_def == 0))
        return lnc_bad(cx, "the page has definition levels of %llu bits",
                       (unsigned long long)fz->bits_def);
    if (fz->n_items != page->n_rows)
        return lnc_bad(cx, "the page has %llu rows but %llu items",
                       (unsigned long long)page->n_rows, (unsigned long long)fz->n_items);
    fz->control_size = fz->bits_def == 0 ? 0 : fz->bits_def <= 8 ? 1 : 2;
    return fz->bits_value != 0 ? check_fixed(cx, fz) : check_variable(cx, fz);
}

/* Level of the control word at p; anything but present and null is damage in a flat column. */
static int read_level(struct lnc_ctx *cx, const struct fullzip *fz, const uint8_t *p,
                      uint8_t *valid)
{
    unsigned level = fz->control_size == 0 ? 0 : (unsigned)lnc_load_uint(p, fz->control_size, 0);
    level &= (1u << fz->bits_def) - 1u;
    *valid = (uint8_t)(level == 0);
    if (level > 1)
        return lnc_bad(cx, "the page of a flat column has the definition level %u", level);
    return LNC_OK;
}

/* The bitmap in front of a vector that is present must say that all its items are. */
static int check_bitmap(struct lnc_ctx *cx, const struct fullzip *fz, const uint8_t *bitmap)
{
    for (uint32_t i = 0; fz->bitmap_size > 0 && i < fz->phys.n_items; i++) {
        if ((((unsigned)bitmap[i / 8] >> (i % 8)) & 1u) == 0)
            return lnc_refuse(cx, "the page holds vectors with null items");
    }
    return LNC_OK;
}

static int next_fixed(struct lnc_ctx *cx, struct fullzip *fz, size_t n_max, struct lnc_slots *out)
{
    size_t entry = fz->control_size + fz->value_size;
    size_t n = LNC_GROUP_BYTES / entry + 1;
    n = n < n_max ? n : n_max;
    const uint8_t *data;
    int rc = lnc_stream_take(cx, &fz->data, (uint64_t)n * entry, &data);
    if (rc != LNC_OK)
        return rc;
    *out = (struct lnc_slots){.n = n, .fixed = data};
    if (fz->control_size == 0 && fz->bitmap_size == 0)
        return LNC_OK;
    size_t width = fz->phys.width;
    rc = lnc_buf_reserve_n(cx, &fz->validity, n, 1);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &fz->values, n, width);
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        const uint8_t *p = data + i * entry;
        rc = read_level(cx, fz, p, &fz->validity.data[i]);
        if (rc == LNC_OK && fz->validity.data[i] != 0)
            rc = check_bitmap(cx, fz, p + fz->control_size);
        memcpy(fz->values.data + i * width, p + entry - width, width);
    }
    out->fixed = fz->values.data;
    out->validity = fz->validity.data;
    return rc;
}

/* Takes as many whole entries from the window as there are, at most n_max; *n is 0 if the first one
 * reaches beyond it, then *needed tells how many bytes it has at least. */
static int cut_entries(struct lnc_ctx *cx, struct fullzip *fz, struct lnc_span window, size_t n_max,
                       size_t *n, uint64_t *needed)
{
    struct lnc_span *spans = (struct lnc_span *)(void *)fz->values.data;
    size_t position = 0;
    *n = 0;
    while (*n < n_max) {
        uint8_t *valid = &fz->validity.data[*n];
        size_t left = window.size - position;
        const uint8_t *p = window.data + position;
        *needed = fz->control_size + fz->length_size;
        if (left < fz->control_size || left == 0)
            break;
        int rc = read_level(cx, fz, p, valid);
        if (rc != LNC_OK)
            return rc;
        if (*valid == 0) {
            position += fz->control_size;
            spans[(*n)++] = (struct lnc_span){.data = p, .size = 0};
            continue;
        }
        if (left < *needed)
            break;
        uint64_t length = lnc_load_uint(p + fz->control_size, fz->length_size, 0);
        if (length > lnc_stream_left(&fz->data))
            return lnc_bad(cx, "value %zu after this byte has %llu bytes, more than the page", *n,
                           (unsigned long long)length);
        *needed += length;
        if (left < *needed)
            break;
        spans[(*n)++] = (struct lnc_span){.data = p + fz->control_size + fz->length_size,
                                          .size = (size_t)length};
        position += (size_t)*needed;
    }
    lnc_stream_skip(&fz->data, position);
    return LNC_OK;
}

static int take_entries(struct lnc_ctx *cx, struct fullzip *fz, size_t n_max, size_t *n)
{
    n_max = n_max < LNC_SLOTS_MAX ? n_max : LNC_SLOTS_MAX;
    int rc = lnc_buf_reserve_n(cx, &fz->validity, LNC_SLOTS_MAX, 1);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &fz->values, LNC_SLOTS_MAX, sizeof(struct lnc_span));
    uint64_t needed = 1;
    *n = 0;
    /* At most three rounds: the window, then the length, then the whole value. */
    while (rc == LNC_OK && *n == 0) {
        struct lnc_span window;
        rc = lnc_stream_peek(cx, &fz->data, needed, &window);
        if (rc == LNC_OK)
            rc = cut_entries(cx, fz, window, n_max, n, &needed);
    }
    return rc;
}

static int decode_fsst(struct lnc_ctx *cx, struct fullzip *fz, const struct lnc_enc *enc, size_t n)
{
    struct lnc_span *spans = (struct lnc_span *)(void *)fz->values.data;
    int rc = lnc_decoder_load_fsst(cx, &fz->decoder, enc->bytes);
    uint64_t packed = 0;
    for (size_t i = 0; rc == LNC_OK && i < n; i++)
        packed += spans[i].size;
    uint64_t room = packed * 8;
    /* Eight times is the worst case; for long values the true size is worth a look. */
    if (packed > LNC_GROUP_BYTES) {
        room = 0;
        for (size_t i = 0; rc == LNC_OK && i < n; i++) {
            size_t size = 0;
            rc = lnc_fsst_measure(cx, fz->decoder.fsst, spans[i], &size);
            room += size;
        }
    }
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &fz->text, room + LNC_FSST_SLACK, 1);
    uint8_t *dst = fz->text.data;
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        size_t size = 0;
        rc = lnc_fsst_decode(cx, fz->decoder.fsst, spans[i], dst, &size);
        spans[i] = (struct lnc_span){.data = dst, .size = size};
        dst += size;
    }
    return rc;
}

/* Each value is a compressed block of its own. */
static int decode_general(struct lnc_ctx *cx, struct fullzip *fz, const struct lnc_enc *enc,
                          size_t n)
{
    struct lnc_span *spans = (struct lnc_span *)(void *)fz->values.data;
    uint64_t room = 0;
    int rc = LNC_OK;
    if (enc->scheme == LNC_SCHEME_NONE)
        return LNC_OK;
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        size_t size = 0;
        bool known = true;
        rc = lnc_inflate_size(cx, enc->scheme, spans[i], &size, &known);
        if (rc == LNC_OK && !known)
            rc = lnc_bad(cx, "a compressed value does not say how long it is");
        room += size;
    }
    fz->text.size = 0;
    /* One byte for the slack that lnc_inflate() asks for, so that the buffer never moves below the
     * spans. */
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &fz->text, room + 1, 1);
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        size_t start = fz->text.size;
        rc = lnc_inflate(cx, &fz->decoder.inflater, enc->scheme, spans[i], &fz->text);
        spans[i] = (struct lnc_span){.data = fz->text.data + start, .size = fz->text.size - start};
    }
    return rc;
}

static int next_variable(struct lnc_ctx *cx, struct fullzip *fz, size_t n_max,
                         struct lnc_slots *out)
{
    size_t n = 0;
    int rc = take_entries(cx, fz, n_max, &n);
    if (rc == LNC_OK && fz->value->kind == LNC_ENC_FSST)
        rc = decode_fsst(cx, fz, fz->value, n);
    else if (rc == LNC_OK && fz->value->kind == LNC_ENC_GENERAL)
        rc = decode_general(cx, fz, fz->value, n);
    if (rc != LNC_OK)
        return rc;
    *out = (struct lnc_slots){.n = n,
                              .validity = fz->control_size > 0 ? fz->validity.data : NULL,
                              .spans = (const struct lnc_span *)(const void *)fz->values.data};
    return LNC_OK;
}

static int fullzip_next(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                        struct lnc_slots *out)
{
    struct fullzip *fz = (struct fullzip *)reader;
    return fz->bits_value != 0 ? next_fixed(cx, fz, n_max, out) : next_variable(cx, fz, n_max, out);
}

int lnc_fullzip_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_pb message,
                     struct lnc_page_reader **out)
{
    struct fullzip *fz = calloc(1, sizeof *fz);
    if (fz == NULL)
        return lnc_fail_ctx(cx, LNC_ENOMEM, "out of memory");
    fz->base = (struct lnc_page_reader){.next = fullzip_next, .free = fullzip_free};
    fz->phys = *job->phys;
    int rc = parse_layout(cx, fz, message);
    if (rc == LNC_OK)
        rc = check_layout(cx, fz, job->page);
    if (rc == LNC_OK)
        rc = lnc_page_stream(cx, job, 0, &fz->data);
    if (rc != LNC_OK) {
        fullzip_free(&fz->base);
        return rc;
    }
    *out = &fz->base;
    return LNC_OK;
}
