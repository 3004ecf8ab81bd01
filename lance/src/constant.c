#include "page_int.h"

/* Constant pages: one value, or null, for all rows (lance-format.md 4.4). Rows are made as they are
 * asked for, since their number comes from outside. */

#define INLINE_BYTES_MAX 32

struct levels {
    const struct lnc_enc *enc; /* NULL: plain */
    uint64_t n;
    struct lnc_buf bytes; /* of the buffer */
    struct lnc_decoder decoder;
    const uint8_t *values; /* n of uint16_t, or NULL */
};

struct constant {
    struct lnc_page_reader base;
    struct lnc_phys phys;
    struct lnc_enc_pool pool;
    struct levels rep;
    struct levels def;
    struct lnc_span inlined;
    bool has_inlined;
    bool has_entries; /* lies in lists or structs */
    bool is_null;     /* there is no value */
    uint64_t n_entries;
    uint64_t taken;
    struct lnc_buf value; /* buffer 0 of the page */
    struct lnc_buf slots; /* LNC_SLOTS_MAX copies of the value or spans over it */
    struct lnc_buf validity;
};

static void constant_free(struct lnc_page_reader *reader)
{
    struct constant *c = (struct constant *)reader;
    lnc_decoder_release(&c->rep.decoder);
    lnc_decoder_release(&c->def.decoder);
    lnc_buf_release(&c->rep.bytes);
    lnc_buf_release(&c->def.bytes);
    lnc_buf_release(&c->value);
    lnc_buf_release(&c->slots);
    lnc_buf_release(&c->validity);
    lnc_free(c);
}

static int parse_layout(struct lnc_ctx *cx, struct constant *c, const struct lnc_path *path,
                        struct lnc_pb pb)
{
    struct lnc_pb_field f;
    struct lnc_buf layers = {0};
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        struct lnc_pb bytes;
        switch (f.number) {
        case 5:
            rc = lnc_pb_append_uints(cx, &pb, &f, &layers);
            break;
        case 6:
            bytes = lnc_pb_sub(&pb, &f);
            c->inlined = (struct lnc_span){.data = bytes.p, .size = (size_t)(bytes.end - bytes.p)};
            c->has_inlined = true;
            break;
        case 7:
            rc = lnc_enc_parse(cx, &c->pool, lnc_pb_sub(&pb, &f), &c->rep.enc);
            break;
        case 8:
            rc = lnc_enc_parse(cx, &c->pool, lnc_pb_sub(&pb, &f), &c->def.enc);
            break;
        case 9:
            c->rep.n = lnc_pb_uint(&pb, &f);
            break;
        case 10:
            c->def.n = lnc_pb_uint(&pb, &f);
            break;
        default:
            break;
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(cx, &pb, "ConstantLayout");
    if (rc == LNC_OK)
        rc = lnc_layers_parse(cx, &layers, path, &c->base.layers);
    lnc_buf_release(&layers);
    return rc;
}

/* One buffer of levels: as described, else plain numbers of 16 bits. */
static int load_levels(struct lnc_ctx *cx, const struct lnc_page_job *job, size_t buffer,
                       struct levels *levels)
{
    int rc = lnc_page_load(cx, job, buffer, &levels->bytes);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span block = {.data = levels->bytes.data, .size = levels->bytes.size};
    if (block.size == 0)
        return LNC_OK;
    if (levels->enc == NULL) {
        if (block.size % 2 != 0)
            return lnc_bad(cx, "the page has %zu bytes of levels", block.size);
        levels->n = block.size / 2;
        levels->values = block.data;
        return LNC_OK;
    }
    if (levels->n > SIZE_MAX / 2)
        return lnc_bad(cx, "the page has %llu levels", (unsigned long long)levels->n);
    return lnc_levels_decode(cx, &levels->decoder, levels->enc, block, levels->n, &levels->values);
}

static int load_both_levels(struct lnc_ctx *cx, struct constant *c, const struct lnc_page_job *job,
                            size_t first)
{
    const struct lnc_layers *layers = &c->base.layers;
    int rc = load_levels(cx, job, first, &c->rep);
    if (rc == LNC_OK)
        rc = load_levels(cx, job, first + 1, &c->def);
    if (rc != LNC_OK)
        return rc;
    bool has_rep = c->rep.values != NULL;
    bool has_def = c->def.values != NULL;
    if (has_rep != (layers->max_rep > 0) || (has_rep && has_def && c->rep.n != c->def.n))
        return lnc_bad(cx, "the page has %llu repetition and %llu definition levels",
                       (unsigned long long)(has_rep ? c->rep.n : 0),
                       (unsigned long long)(has_def ? c->def.n : 0));
    if (has_rep || has_def)
        c->n_entries = has_rep ? c->rep.n : c->def.n;
    if (layers->max_rep == 0 && c->n_entries != job->page->n_rows)
        return lnc_bad(cx, "the page has %llu levels for %llu rows",
                       (unsigned long long)c->n_entries, (unsigned long long)job->page->n_rows);
    return LNC_OK;
}

/* Value buffer: u32 n, n lengths, n buffers; strings are an offsets buffer of two and their bytes.
 */
static int parse_value_buffer(struct lnc_ctx *cx, const struct constant *c, struct lnc_span *out)
{
    struct lnc_span src = {.data = c->value.data, .size = c->value.size};
    uint32_t wanted = c->phys.is_var ? 2 : 1;
    size_t header = 4 + (size_t)wanted * 4;
    if (src.size < header || lnc_le32(src.data) != wanted)
        return lnc_bad(cx, "the value of a constant page is damaged");
    uint64_t first = lnc_le32(src.data + 4);
    uint64_t second = wanted == 2 ? lnc_le32(src.data + 8) : 0;
    if (first + second > src.size - header)
        return lnc_bad(cx, "the value of a constant page is cut off");
    if (!c->phys.is_var) {
        *out = (struct lnc_span){.data = src.data + header, .size = (size_t)first};
        return LNC_OK;
    }
    if (first != 8 && first != 16)
        return lnc_bad(cx, "the offsets of a constant string have %llu bytes",
                       (unsigned long long)first);
    size_t width = (size_t)first / 2;
    uint64_t start = lnc_load_uint(src.data + header, width, 0);
    uint64_t end = lnc_load_uint(src.data + header, width, 1);
    if (start > end || end > second)
        return lnc_bad(cx, "a constant string lies outside of its buffer");
    *out =
        (struct lnc_span){.data = src.data + header + first + start, .size = (size_t)(end - start)};
    return LNC_OK;
}

static int fill_slots(struct lnc_ctx *cx, struct constant *c, struct lnc_span value)
{
    if (c->phys.is_var) {
        int rc = lnc_buf_reserve_n(cx, &c->slots, LNC_SLOTS_MAX, sizeof value);
        for (size_t i = 0; rc == LNC_OK && i < LNC_SLOTS_MAX; i++)
            memcpy(c->slots.data + i * sizeof value, &value, sizeof value);
        return rc;
    }
    uint8_t bit;
    if (c->phys.bits == 1 && value.size == 1) {
        bit = value.data[0] & 1;
        value.data = &bit;
    }
    if (value.size != c->phys.width)
        return lnc_bad(cx, "a constant of %zu bytes in a column of %u", value.size, c->phys.width);
    int rc = lnc_buf_reserve_n(cx, &c->slots, LNC_SLOTS_MAX, value.size);
    for (size_t i = 0; rc == LNC_OK && i < LNC_SLOTS_MAX; i++)
        memcpy(c->slots.data + i * value.size, value.data, value.size);
    return rc;
}

static int constant_next(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                         struct lnc_slots *out)
{
    struct constant *c = (struct constant *)reader;
    uint64_t left = c->n_entries - c->taken;
    n_max = !c->has_entries && n_max < left ? n_max : left < SIZE_MAX ? (size_t)left : SIZE_MAX;
    size_t n = n_max < LNC_SLOTS_MAX ? n_max : LNC_SLOTS_MAX;
    *out = (struct lnc_slots){.n = n, .n_entries = n, .all_null = c->is_null};
    if (c->is_null)
        out->fixed = NULL;
    else if (c->phys.is_var)
        out->spans = (const struct lnc_span *)(const void *)c->slots.data;
    else
        out->fixed = c->slots.data;
    if (c->rep.values != NULL)
        out->rep = c->rep.values + 2 * c->taken;
    if (c->def.values != NULL)
        out->def = c->def.values + 2 * c->taken;
    c->taken += n;
    if (c->rep.values == NULL && c->def.values == NULL)
        return LNC_OK;
    int rc = lnc_buf_reserve_n(cx, &c->validity, n, 1);
    if (rc == LNC_OK)
        rc = lnc_levels_check(cx, &c->base.layers, out, c->validity.data, &out->n);
    out->validity = c->validity.data;
    return rc;
}

/* Buffers: none or (rep, def) with an inlined value or for nulls; (value) or (value, rep, def)
 * else. */
static int prepare(struct lnc_ctx *cx, struct constant *c, const struct lnc_page_job *job)
{
    size_t n_buffers = job->page->n_buffers;
    struct lnc_span value = c->inlined;
    size_t first = 0;
    int rc = LNC_OK;
    c->n_entries = job->page->n_rows;
    c->is_null = !c->has_inlined && (n_buffers == 0 || n_buffers == 2);
    if (!c->has_inlined && !c->is_null) {
        first = 1;
        rc = lnc_page_load(cx, job, 0, &c->value);
        if (rc == LNC_OK)
            rc = parse_value_buffer(cx, c, &value);
    } else if (!c->is_null && (c->phys.is_var || value.size > INLINE_BYTES_MAX)) {
        rc = lnc_bad(cx, "an inlined constant of %zu bytes", value.size);
    }
    if (rc != LNC_OK)
        return rc;
    if (n_buffers == first + 2)
        rc = load_both_levels(cx, c, job, first);
    else if (n_buffers != first || c->base.layers.max_rep > 0)
        rc = lnc_bad(cx, "a constant page has %zu buffers", n_buffers);
    if (rc == LNC_OK && !c->is_null && c->base.layers.n_def > 0 && c->def.values == NULL)
        rc = lnc_bad(cx, "the page has nulls but no definition levels");
    return rc != LNC_OK || c->is_null ? rc : fill_slots(cx, c, value);
}

int lnc_constant_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_pb message,
                      struct lnc_page_reader **out)
{
    struct constant *c = lnc_calloc(cx, 1, sizeof *c);
    if (c == NULL)
        return lnc_no_memory(cx, sizeof *c);
    c->base = (struct lnc_page_reader){.next = constant_next, .free = constant_free};
    c->phys = *job->phys;
    c->has_entries = job->path != NULL;
    int rc = parse_layout(cx, c, job->path, message);
    if (rc == LNC_OK)
        rc = prepare(cx, c, job);
    if (rc != LNC_OK) {
        constant_free(&c->base);
        return rc;
    }
    *out = &c->base;
    return LNC_OK;
}
