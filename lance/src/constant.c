#include "page_int.h"

#include <stdlib.h>

/* Constant pages: one value, or null, for all rows (lance-format.md 4.4). Rows are made as they are
 * asked for, since their number comes from outside. */

#define INLINE_BYTES_MAX 32

struct constant {
    struct lnc_page_reader base;
    struct lnc_phys phys;
    struct lnc_enc_pool pool;
    const struct lnc_enc *rep;
    const struct lnc_enc *def;
    struct lnc_span inlined;
    bool has_inlined;
    bool nullable;
    uint64_t n_def;
    struct lnc_decoder levels;
    struct lnc_buf level_bytes;
    struct lnc_values level_values;
    bool has_levels;
    size_t taken;
    struct lnc_buf value; /* buffer 0 of the page */
    struct lnc_buf slots; /* LNC_SLOTS_MAX copies of the value or spans over it */
    struct lnc_buf validity;
};

static void constant_free(struct lnc_page_reader *reader)
{
    struct constant *c = (struct constant *)reader;
    lnc_decoder_release(&c->levels);
    lnc_buf_release(&c->level_bytes);
    lnc_buf_release(&c->value);
    lnc_buf_release(&c->slots);
    lnc_buf_release(&c->validity);
    free(c);
}

static int parse_layout(struct lnc_ctx *cx, struct constant *c, struct lnc_pb pb)
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
            rc = lnc_enc_parse(cx, &c->pool, lnc_pb_sub(&pb, &f), &c->rep);
            break;
        case 8:
            rc = lnc_enc_parse(cx, &c->pool, lnc_pb_sub(&pb, &f), &c->def);
            break;
        case 10:
            c->n_def = lnc_pb_uint(&pb, &f);
            break;
        default:
            break;
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(cx, &pb, "ConstantLayout");
    if (rc == LNC_OK)
        rc = lnc_layers_check(cx, &layers, &c->nullable);
    lnc_buf_release(&layers);
    return rc;
}

static int load_levels(struct lnc_ctx *cx, struct constant *c, const struct lnc_page_job *job,
                       size_t buffer)
{
    uint64_t n = job->page->n_rows;
    int rc = lnc_page_load(cx, job, buffer, &c->level_bytes);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span block = {.data = c->level_bytes.data, .size = c->level_bytes.size};
    if (block.size == 0 && !c->nullable)
        return LNC_OK;
    if (c->def != NULL) {
        if (c->n_def != n)
            return lnc_bad(cx, "the page has %llu levels for %llu rows",
                           (unsigned long long)c->n_def, (unsigned long long)n);
        rc = lnc_decode_block(cx, &c->levels, c->def, block, n, &c->level_values);
    } else if (block.size / 2 != n || block.size % 2 != 0) {
        rc = lnc_bad(cx, "the page has %zu bytes of levels for %llu rows", block.size,
                     (unsigned long long)n);
    } else {
        c->level_values = (struct lnc_values){.bits = 16, .fixed = block.data};
    }
    if (rc == LNC_OK && (c->level_values.is_var || c->level_values.bits != 16))
        rc = lnc_bad(cx, "definition levels have %llu bits instead of 16",
                     (unsigned long long)c->level_values.bits);
    c->has_levels = rc == LNC_OK;
    return rc;
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
    size_t n = n_max < LNC_SLOTS_MAX ? n_max : LNC_SLOTS_MAX;
    *out = (struct lnc_slots){.n = n};
    if (c->phys.is_var)
        out->spans = (const struct lnc_span *)(const void *)c->slots.data;
    else
        out->fixed = c->slots.data;
    if (!c->has_levels)
        return LNC_OK;
    int rc = lnc_buf_reserve_n(cx, &c->validity, n, 1);
    if (rc == LNC_OK)
        rc = lnc_levels_to_validity(cx, c->level_values.fixed + 2 * c->taken, n, c->validity.data);
    out->validity = c->validity.data;
    c->taken += n;
    return rc;
}

/* Buffers: none or (rep, def) with an inlined value; (value) or (value, rep, def) without. */
static int prepare(struct lnc_ctx *cx, struct constant *c, const struct lnc_page_job *job)
{
    size_t n_buffers = job->page->n_buffers;
    struct lnc_span value = c->inlined;
    size_t first = 0;
    int rc = LNC_OK;
    if (!c->has_inlined) {
        first = 1;
        rc = lnc_page_load(cx, job, 0, &c->value);
        if (rc == LNC_OK)
            rc = parse_value_buffer(cx, c, &value);
    } else if (c->phys.is_var || value.size > INLINE_BYTES_MAX) {
        rc = lnc_bad(cx, "an inlined constant of %zu bytes", value.size);
    }
    if (rc != LNC_OK)
        return rc;
    if (n_buffers == first + 2)
        rc = load_levels(cx, c, job, first + 1);
    else if (n_buffers != first || c->nullable)
        rc = lnc_bad(cx, "a constant page has %zu buffers", n_buffers);
    return rc != LNC_OK ? rc : fill_slots(cx, c, value);
}

int lnc_constant_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_pb message,
                      struct lnc_page_reader **out)
{
    struct constant *c = calloc(1, sizeof *c);
    if (c == NULL)
        return lnc_fail_ctx(cx, LNC_ENOMEM, "out of memory");
    c->base = (struct lnc_page_reader){.next = constant_next, .free = constant_free};
    c->phys = *job->phys;
    int rc = parse_layout(cx, c, message);
    bool all_null = rc == LNC_OK && !c->has_inlined && job->page->n_buffers == 0;
    if (rc == LNC_OK && !all_null)
        rc = prepare(cx, c, job);
    if (rc != LNC_OK || all_null) {
        constant_free(&c->base);
        return rc != LNC_OK ? rc : lnc_all_null_open(cx, out);
    }
    *out = &c->base;
    return LNC_OK;
}
