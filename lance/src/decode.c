#include "encoding_int.h"

/* A chunk has several buffers, a block one with an inner framing; below these two forms the
 * decoders are shared. */
struct input {
    const struct lnc_span *buffers;
    size_t n_buffers;
    bool is_block;
};

struct job {
    const struct lnc_ctx *cx;
    struct lnc_decoder *d;
};

static int decode_any(const struct job *job, const struct lnc_enc *enc, struct input in, uint64_t n,
                      struct lnc_values *out);

static int expect_buffers(const struct job *job, struct input in, size_t n)
{
    if (in.n_buffers == n)
        return LNC_OK;
    return lnc_bad(job->cx, "a chunk has %zu value buffers where its encoding needs %zu",
                   in.n_buffers, n);
}

static int decode_flat(const struct job *job, const struct lnc_enc *enc, struct input in,
                       uint64_t n, struct lnc_values *out)
{
    int rc = expect_buffers(job, in, 1);
    if (rc != LNC_OK)
        return rc;
    uint64_t bits;
    if (enc->bits % 8 != 0 && enc->bits != 1)
        return lnc_bad(job->cx, "plain values of %llu bits", (unsigned long long)enc->bits);
    if (!lnc_mul(n, enc->bits, &bits) || bits / 8 + (bits % 8 != 0) > in.buffers[0].size)
        return lnc_bad(job->cx, "%llu values of %llu bits do not fit into %zu bytes",
                       (unsigned long long)n, (unsigned long long)enc->bits, in.buffers[0].size);
    *out = (struct lnc_values){
        .bits = enc->bits, .is_bits = enc->bits == 1, .fixed = in.buffers[0].data};
    if (enc->bits != 1)
        return LNC_OK;
    rc = lnc_buf_reserve_n(job->cx, &job->d->unpacked, n, 1);
    if (rc != LNC_OK)
        return rc;
    lnc_expand_bits(in.buffers[0].data, 0, (size_t)n, job->d->unpacked.data);
    out->fixed = job->d->unpacked.data;
    return LNC_OK;
}

static int decode_inline_bitpacking(const struct job *job, const struct lnc_enc *enc,
                                    struct input in, uint64_t n, struct lnc_values *out)
{
    int rc = expect_buffers(job, in, 1);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span src = in.buffers[0];
    size_t word = (size_t)enc->bits / 8;
    if (n > LNC_PACK_VALUES)
        return lnc_bad(job->cx, "a bit-packed chunk has %llu values, more than 1024",
                       (unsigned long long)n);
    if (src.size < word)
        return lnc_bad(job->cx, "a bit-packed chunk has no room for its width");
    uint64_t width = lnc_load_uint(src.data, word, 0);
    if (width > enc->bits)
        return lnc_bad(job->cx, "a bit-packed chunk has values of %llu bits in words of %llu",
                       (unsigned long long)width, (unsigned long long)enc->bits);
    if (src.size - word < lnc_packed_bytes((uint32_t)width))
        return lnc_bad(job->cx,
                       "a bit-packed chunk is cut off: %zu bytes for 1024 values of %llu bits",
                       src.size - word, (unsigned long long)width);
    rc = lnc_buf_reserve_n(job->cx, &job->d->unpacked, LNC_PACK_VALUES, word);
    if (rc != LNC_OK)
        return rc;
    lnc_unpack((uint32_t)enc->bits, (uint32_t)width, src.data + word, job->d->unpacked.data);
    *out = (struct lnc_values){.bits = enc->bits, .fixed = job->d->unpacked.data};
    return LNC_OK;
}

static int decode_out_of_line(const struct job *job, const struct lnc_enc *enc, struct input in,
                              uint64_t n, struct lnc_values *out)
{
    int rc = expect_buffers(job, in, 1);
    if (rc != LNC_OK)
        return rc;
    if (enc->values->kind != LNC_ENC_FLAT || enc->values->bits > enc->bits)
        return lnc_bad(job->cx, "out-of-line bit packing of values of %llu bits in words of %llu",
                       (unsigned long long)enc->values->bits, (unsigned long long)enc->bits);
    struct lnc_span src = in.buffers[0];
    uint32_t width = (uint32_t)enc->values->bits;
    size_t word = (size_t)enc->bits / 8;
    size_t chunk = lnc_packed_bytes(width);
    uint64_t full = n / LNC_PACK_VALUES;
    size_t tail = (size_t)(n % LNC_PACK_VALUES);
    if (chunk > 0 && full > src.size / chunk)
        return lnc_bad(job->cx, "%llu values of %u bits do not fit into %zu bytes",
                       (unsigned long long)n, width, src.size);
    size_t rest = src.size - (size_t)full * chunk;
    bool tail_is_raw = rest == tail * word;
    if (tail > 0 && !tail_is_raw && rest < chunk)
        return lnc_bad(job->cx, "a bit-packed block has %zu bytes for its last %zu values", rest,
                       tail);
    struct lnc_buf *dst = &job->d->unpacked;
    rc = lnc_buf_reserve_n(job->cx, dst, (full + 1) * LNC_PACK_VALUES, word);
    if (rc != LNC_OK)
        return rc;
    for (size_t i = 0; i < full; i++)
        lnc_unpack((uint32_t)enc->bits, width, src.data + i * chunk,
                   dst->data + i * LNC_PACK_VALUES * word);
    uint8_t *last = dst->data + (size_t)full * LNC_PACK_VALUES * word;
    if (tail_is_raw && tail > 0)
        memcpy(last, src.data + (size_t)full * chunk, tail * word);
    else if (tail > 0)
        lnc_unpack((uint32_t)enc->bits, width, src.data + (size_t)full * chunk, last);
    *out = (struct lnc_values){.bits = enc->bits, .fixed = dst->data};
    return LNC_OK;
}

/* n + 1 offsets from `base`, relative to `base` + their own origin; checks order and ends. */
static int make_spans(const struct job *job, struct lnc_span offsets, size_t width,
                      struct lnc_span bytes, uint64_t n, struct lnc_values *out)
{
    struct lnc_buf *buf = &job->d->spans;
    int rc = lnc_buf_reserve_n(job->cx, buf, n, sizeof(struct lnc_span));
    if (rc != LNC_OK)
        return rc;
    struct lnc_span *spans = (struct lnc_span *)(void *)buf->data;
    uint64_t start = lnc_load_uint(offsets.data, width, 0);
    for (size_t i = 0; i < n; i++) {
        uint64_t end = lnc_load_uint(offsets.data, width, i + 1);
        if (end < start || end > bytes.size)
            return lnc_bad(job->cx,
                           "string %zu of a chunk ends at %llu, starts at %llu, in %zu bytes", i,
                           (unsigned long long)end, (unsigned long long)start, bytes.size);
        spans[i] = (struct lnc_span){.data = bytes.data + start, .size = (size_t)(end - start)};
        start = end;
    }
    *out = (struct lnc_values){.is_var = true, .spans = spans};
    return LNC_OK;
}

static int decode_variable(const struct job *job, const struct lnc_enc *enc, struct input in,
                           uint64_t n, struct lnc_values *out)
{
    int rc = expect_buffers(job, in, 1);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span src = in.buffers[0];
    struct lnc_span bytes = src;
    size_t width = (size_t)enc->values->bits / 8;
    size_t header = 0;
    if (in.is_block) {
        /* u32 bits of an offset, start of the bytes in one such offset; the u32 is padded to 8 for
         * 64 bits. */
        if (src.size < 4 || (lnc_le32(src.data) != 32 && lnc_le32(src.data) != 64))
            return lnc_bad(job->cx,
                           "a block of strings does not start with the width of its offsets");
        width = lnc_le32(src.data) / 8;
        header = 2 * width;
        if (src.size < header)
            return lnc_bad(job->cx, "a block of strings is cut off");
        uint64_t start = lnc_load_uint(src.data + width, width, 0);
        if (start > src.size)
            return lnc_bad(job->cx, "the bytes of a block of strings start beyond its end");
        bytes.data = src.data + start;
        bytes.size = src.size - (size_t)start;
    }
    if (n >= (src.size - header) / width)
        return lnc_bad(job->cx, "%llu string offsets do not fit into %zu bytes",
                       (unsigned long long)n + 1, src.size);
    struct lnc_span offsets = {.data = src.data + header, .size = src.size - header};
    return make_spans(job, offsets, width, bytes, n, out);
}

int lnc_decoder_load_fsst(const struct lnc_ctx *cx, struct lnc_decoder *d, struct lnc_span table)
{
    if (d->fsst_source == table.data && d->fsst != NULL)
        return LNC_OK;
    if (d->fsst == NULL) {
        void *memory;
        int rc = lnc_alloc(cx, sizeof *d->fsst, &memory);
        if (rc != LNC_OK)
            return rc;
        d->fsst = memory;
    }
    d->fsst_source = NULL;
    int rc = lnc_fsst_init(cx, d->fsst, table.data, table.size);
    if (rc == LNC_OK)
        d->fsst_source = table.data;
    return rc;
}

static int decode_fsst(const struct job *job, const struct lnc_enc *enc, struct input in,
                       uint64_t n, struct lnc_values *out)
{
    struct lnc_values packed;
    int rc = decode_any(job, enc->values, in, n, &packed);
    if (rc == LNC_OK && !packed.is_var)
        rc = lnc_bad(job->cx, "an FSST encoding holds values of fixed width");
    if (rc == LNC_OK)
        rc = lnc_decoder_load_fsst(job->cx, job->d, enc->bytes);
    uint64_t total = 0;
    for (size_t i = 0; rc == LNC_OK && i < n; i++)
        total += packed.spans[i].size;
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(job->cx, &job->d->text, total + 1, 8);
    if (rc != LNC_OK)
        return rc;
    /* The spans lie in our own scratch buffer, so they are rewritten in place. */
    struct lnc_span *spans = (struct lnc_span *)(void *)job->d->spans.data;
    uint8_t *dst = job->d->text.data;
    for (size_t i = 0; i < n; i++) {
        size_t size;
        rc = lnc_fsst_decode(job->cx, job->d->fsst, spans[i], dst, &size);
        if (rc != LNC_OK)
            return rc;
        spans[i] = (struct lnc_span){.data = dst, .size = size};
        dst += size;
    }
    *out = (struct lnc_values){.is_var = true, .spans = spans};
    return LNC_OK;
}

static int split_rle_block(const struct job *job, struct lnc_span src, struct lnc_span parts[2])
{
    if (src.size < 8 || lnc_le64(src.data) > src.size - 8)
        return lnc_bad(job->cx, "the values of a run-length block reach beyond its end");
    size_t size = (size_t)lnc_le64(src.data);
    parts[0] = (struct lnc_span){.data = src.data + 8, .size = size};
    parts[1] = (struct lnc_span){.data = src.data + 8 + size, .size = src.size - 8 - size};
    return LNC_OK;
}

static void fill_run(uint8_t *dst, const uint8_t *value, size_t width, size_t count)
{
    if (width == 1) {
        memset(dst, value[0], count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        memcpy(dst + i * width, value, width);
}

static int decode_rle(const struct job *job, const struct lnc_enc *enc, struct input in, uint64_t n,
                      struct lnc_values *out)
{
    struct lnc_span parts[2];
    int rc = LNC_OK;
    if (in.is_block) {
        rc = split_rle_block(job, in.buffers[0], parts);
    } else {
        rc = expect_buffers(job, in, 2);
        if (rc == LNC_OK)
            memcpy(parts, in.buffers, sizeof parts);
    }
    if (rc != LNC_OK)
        return rc;
    size_t length_width = (size_t)enc->run_lengths->bits / 8;
    size_t n_runs = parts[1].size / length_width;
    struct lnc_values values;
    struct input inner = {.buffers = parts, .n_buffers = 1, .is_block = in.is_block};
    rc = decode_any(job, enc->values, inner, n_runs, &values);
    if (rc == LNC_OK && values.is_var)
        rc = lnc_refuse(job->cx, "the page run-length encodes strings");
    if (rc != LNC_OK)
        return rc;
    size_t width = lnc_values_width(&values);
    rc = lnc_buf_reserve_n(job->cx, &job->d->runs, n, width);
    if (rc != LNC_OK)
        return rc;
    uint64_t filled = 0;
    for (size_t i = 0; i < n_runs && filled < n; i++) {
        uint64_t count = lnc_load_uint(parts[1].data, length_width, i);
        if (count > n - filled)
            count = n - filled;
        fill_run(job->d->runs.data + filled * width, values.fixed + i * width, width,
                 (size_t)count);
        filled += count;
    }
    if (filled < n)
        return lnc_bad(job->cx, "the runs of a chunk give %llu values instead of %llu",
                       (unsigned long long)filled, (unsigned long long)n);
    *out = (struct lnc_values){
        .bits = values.bits, .is_bits = values.is_bits, .fixed = job->d->runs.data};
    return LNC_OK;
}

static int decode_byte_stream_split(const struct job *job, const struct lnc_enc *enc,
                                    struct input in, uint64_t n, struct lnc_values *out)
{
    int rc = expect_buffers(job, in, 1);
    if (rc != LNC_OK)
        return rc;
    const struct lnc_enc *flat = enc->values;
    if (flat->kind != LNC_ENC_FLAT || flat->bits % 8 != 0 || flat->bits > 256)
        return lnc_refuse(job->cx,
                          "the page splits the bytes of something else than plain numbers");
    size_t width = (size_t)flat->bits / 8;
    if (n > in.buffers[0].size / width)
        return lnc_bad(job->cx, "%llu split values of %zu bytes do not fit into %zu bytes",
                       (unsigned long long)n, width, in.buffers[0].size);
    rc = lnc_buf_reserve_n(job->cx, &job->d->interleaved, n, width);
    if (rc != LNC_OK)
        return rc;
    uint8_t *dst = job->d->interleaved.data;
    for (size_t j = 0; j < width; j++) {
        const uint8_t *src = in.buffers[0].data + j * (size_t)n;
        for (size_t i = 0; i < n; i++)
            dst[i * width + j] = src[i];
    }
    *out = (struct lnc_values){.bits = flat->bits, .fixed = dst};
    return LNC_OK;
}

static int decode_general(const struct job *job, const struct lnc_enc *enc, struct input in,
                          uint64_t n, struct lnc_values *out)
{
    struct lnc_span buffers[LNC_VALUE_BUFFERS_MAX];
    if (in.n_buffers == 0 || in.n_buffers > LNC_VALUE_BUFFERS_MAX)
        return lnc_bad(job->cx, "a compressed chunk has %zu buffers", in.n_buffers);
    memcpy(buffers, in.buffers, in.n_buffers * sizeof buffers[0]);
    if (enc->scheme != LNC_SCHEME_NONE) {
        struct lnc_buf *inflated = &job->d->inflated;
        inflated->size = 0;
        int rc = lnc_inflate(job->cx, &job->d->inflater, enc->scheme, in.buffers[0], inflated);
        if (rc != LNC_OK)
            return rc;
        static const uint8_t nothing[1];
        buffers[0] = (struct lnc_span){.data = inflated->size > 0 ? inflated->data : nothing,
                                       .size = inflated->size};
    }
    in.buffers = buffers;
    return decode_any(job, enc->values, in, n, out);
}

/* The bitmap of the items is the buffer in front of the items. */
static int expand_items(const struct job *job, struct input in, uint64_t n_items,
                        struct lnc_values *out)
{
    if (in.n_buffers < 2)
        return lnc_bad(job->cx, "a chunk of vectors has no bitmap of its items");
    struct lnc_span bits = in.buffers[in.n_buffers - 2];
    if (n_items / 8 + (n_items % 8 != 0) > bits.size)
        return lnc_bad(job->cx, "the bitmap of %llu items has %zu bytes",
                       (unsigned long long)n_items, bits.size);
    int rc = lnc_buf_reserve_n(job->cx, &job->d->items_valid, n_items, 1);
    if (rc != LNC_OK)
        return rc;
    lnc_expand_bits(bits.data, 0, (size_t)n_items, job->d->items_valid.data);
    out->items_valid = job->d->items_valid.data;
    return LNC_OK;
}

static int decode_fixed_size_list(const struct job *job, const struct lnc_enc *enc, struct input in,
                                  uint64_t n, struct lnc_values *out)
{
    if (in.n_buffers == 0)
        return expect_buffers(job, in, 1);
    struct input inner = in;
    inner.buffers = in.buffers + in.n_buffers - 1;
    inner.n_buffers = 1;
    uint64_t n_items;
    if (!lnc_mul(n, enc->n_items, &n_items))
        return lnc_bad(job->cx, "a chunk of vectors has too many items");
    struct lnc_values items;
    int rc = decode_any(job, enc->values, inner, n_items, &items);
    if (rc == LNC_OK && (items.is_var || items.items_valid != NULL))
        rc = lnc_refuse(job->cx,
                        "the page holds vectors of something else than values of fixed width");
    if (rc != LNC_OK)
        return rc;
    *out = (struct lnc_values){
        .bits = items.bits * enc->n_items, .is_bits = items.is_bits, .fixed = items.fixed};
    return enc->has_validity ? expand_items(job, in, n_items, out) : LNC_OK;
}

static int decode_constant(const struct job *job, const struct lnc_enc *enc, uint64_t n,
                           struct lnc_values *out)
{
    size_t width = enc->bytes.size;
    if (width == 0 || width > 32)
        return lnc_refuse(job->cx, "the page repeats a constant of %zu bytes", width);
    int rc = lnc_buf_reserve_n(job->cx, &job->d->runs, n, width);
    if (rc != LNC_OK)
        return rc;
    fill_run(job->d->runs.data, enc->bytes.data, width, (size_t)n);
    *out = (struct lnc_values){.bits = width * 8, .fixed = job->d->runs.data};
    return LNC_OK;
}

/* Rows of fields of fixed width, one behind the other; they are taken apart later. */
static int decode_packed_struct(const struct job *job, const struct lnc_enc *enc, struct input in,
                                uint64_t n, struct lnc_values *out)
{
    int rc = decode_any(job, enc->values, in, n, out);
    if (rc == LNC_OK && (out->is_var || out->is_bits || out->bits != enc->bits))
        rc = lnc_bad(job->cx, "the page holds packed structs of %llu bits in values of %llu",
                     (unsigned long long)enc->bits, (unsigned long long)out->bits);
    return rc;
}

/* Recursion depth is the depth of the description, at most LNC_ENC_DEPTH_MAX. */
static int decode_any(const struct job *job, const struct lnc_enc *enc, struct input in, uint64_t n,
                      struct lnc_values *out)
{
    switch (enc->kind) {
    case LNC_ENC_FLAT:
        return decode_flat(job, enc, in, n, out);
    case LNC_ENC_VARIABLE:
        return decode_variable(job, enc, in, n, out);
    case LNC_ENC_CONSTANT:
        return decode_constant(job, enc, n, out);
    case LNC_ENC_OUT_OF_LINE_BITPACKING:
        return decode_out_of_line(job, enc, in, n, out);
    case LNC_ENC_INLINE_BITPACKING:
        return decode_inline_bitpacking(job, enc, in, n, out);
    case LNC_ENC_FSST:
        return decode_fsst(job, enc, in, n, out);
    case LNC_ENC_RLE:
        return decode_rle(job, enc, in, n, out);
    case LNC_ENC_BYTE_STREAM_SPLIT:
        return decode_byte_stream_split(job, enc, in, n, out);
    case LNC_ENC_GENERAL:
        return decode_general(job, enc, in, n, out);
    case LNC_ENC_FIXED_SIZE_LIST:
        return decode_fixed_size_list(job, enc, in, n, out);
    case LNC_ENC_PACKED_STRUCT:
        return decode_packed_struct(job, enc, in, n, out);
    case LNC_ENC_VARIABLE_PACKED_STRUCT:
        return lnc_refuse(job->cx, "the page packs structs with values of any length in chunks");
    }
    return lnc_bad(job->cx, "the page has no encoding");
}

int lnc_decode_chunk(const struct lnc_ctx *cx, struct lnc_decoder *d, const struct lnc_enc *enc,
                     const struct lnc_span *buffers, size_t n_buffers, uint64_t n,
                     struct lnc_values *out)
{
    struct job job = {.cx = cx, .d = d};
    struct input in = {.buffers = buffers, .n_buffers = n_buffers};
    return decode_any(&job, enc, in, n, out);
}

int lnc_decode_block(const struct lnc_ctx *cx, struct lnc_decoder *d, const struct lnc_enc *enc,
                     struct lnc_span block, uint64_t n, struct lnc_values *out)
{
    struct job job = {.cx = cx, .d = d};
    struct input in = {.buffers = &block, .n_buffers = 1, .is_block = true};
    return decode_any(&job, enc, in, n, out);
}

void lnc_decoder_release(struct lnc_decoder *d)
{
    lnc_buf_release(&d->inflated);
    lnc_buf_release(&d->unpacked);
    lnc_buf_release(&d->runs);
    lnc_buf_release(&d->interleaved);
    lnc_buf_release(&d->spans);
    lnc_buf_release(&d->text);
    lnc_buf_release(&d->items_valid);
    lnc_inflater_release(&d->inflater);
    lnc_free(d->fsst);
    *d = (struct lnc_decoder){0};
}
