#include "page_int.h"

/* Wire values of RepDefLayer. */
enum layer {
    LAYER_ITEM_VALID = 1,
    LAYER_LIST_VALID = 2,
    LAYER_ITEM_NULLABLE = 3,
    LAYER_LIST_NULLABLE = 4,
    LAYER_LIST_EMPTYABLE = 5,
    LAYER_LIST_NULLABLE_EMPTYABLE = 6,
};

int lnc_page_stream(struct lnc_ctx *cx, const struct lnc_page_job *job, size_t i,
                    struct lnc_stream *out)
{
    if (i >= job->page->n_buffers)
        return lnc_bad(cx, "the page has %zu buffers, number %zu is needed", job->page->n_buffers,
                       i);
    return lnc_stream_init(cx, out, job->source, job->page->buffer_offset[i],
                           job->page->buffer_size[i]);
}

int lnc_page_load(struct lnc_ctx *cx, const struct lnc_page_job *job, size_t i, struct lnc_buf *out)
{
    struct lnc_stream stream;
    int rc = lnc_page_stream(cx, job, i, &stream);
    if (rc != LNC_OK)
        return rc;
    out->size = 0;
    rc = lnc_buf_reserve_n(cx, out, stream.size, 1);
    if (rc == LNC_OK)
        rc = job->source->read_at(job->source, stream.origin, out->data, (size_t)stream.size,
                                  cx->err);
    if (rc == LNC_OK)
        out->size = (size_t)stream.size;
    return rc;
}

static void add_level(struct lnc_layers *layers, size_t node, bool is_empty)
{
    layers->n_def++;
    layers->level[layers->n_def].node = (uint8_t)node;
    layers->level[layers->n_def].is_empty = is_empty;
}

static int add_layer(const struct lnc_ctx *cx, struct lnc_layers *layers, uint64_t layer,
                     size_t node, bool is_list)
{
    bool list_layer = layer == LAYER_LIST_VALID ||
                      (layer >= LAYER_LIST_NULLABLE && layer <= LAYER_LIST_NULLABLE_EMPTYABLE);
    bool known = list_layer || layer == LAYER_ITEM_VALID || layer == LAYER_ITEM_NULLABLE;
    if (!known)
        return lnc_refuse(cx, "the page has the unknown layer %llu", (unsigned long long)layer);
    if (list_layer != is_list)
        return lnc_bad(cx, "the page has the layer %llu where its type has a %s",
                       (unsigned long long)layer, is_list ? "list" : "value or struct");
    if (is_list && layers->max_rep++ == 0)
        layers->max_visible = layers->n_def;
    if (layer == LAYER_ITEM_NULLABLE || layer == LAYER_LIST_NULLABLE ||
        layer == LAYER_LIST_NULLABLE_EMPTYABLE)
        add_level(layers, node, false);
    if (layer == LAYER_LIST_EMPTYABLE || layer == LAYER_LIST_NULLABLE_EMPTYABLE)
        add_level(layers, node, true);
    return LNC_OK;
}

int lnc_layers_parse(const struct lnc_ctx *cx, const struct lnc_buf *list,
                     const struct lnc_path *path, struct lnc_layers *out)
{
    size_t n_path = path != NULL ? path->n : 0;
    struct lnc_layers layers = {0};
    int rc = LNC_OK;
    if (list->size != (n_path + 1) * sizeof(uint64_t))
        return lnc_bad(cx, "the page has %zu layers of values, lists and structs, its type has %zu",
                       list->size / sizeof(uint64_t), n_path + 1);
    for (size_t i = 0; rc == LNC_OK && i <= n_path; i++) {
        size_t node = n_path - i;
        rc = add_layer(cx, &layers, lnc_le64(list->data + i * sizeof(uint64_t)), node,
                       i > 0 && path->is_list[node]);
    }
    if (layers.max_rep == 0)
        layers.max_visible = layers.n_def;
    if (rc == LNC_OK)
        *out = layers;
    return rc;
}

int lnc_levels_check(const struct lnc_ctx *cx, const struct lnc_layers *layers,
                     const struct lnc_slots *entries, uint8_t *validity, size_t *n_visible)
{
    size_t visible = 0;
    for (size_t i = 0; i < entries->n_entries; i++) {
        unsigned rep = entries->rep != NULL ? lnc_le16(entries->rep + 2 * i) : 0;
        unsigned def = entries->def != NULL ? lnc_le16(entries->def + 2 * i) : 0;
        if (rep > layers->max_rep || def > layers->n_def)
            return lnc_bad(cx, "the page has the levels %u and %u, the highest are %u and %u", rep,
                           def, layers->max_rep, layers->n_def);
        if (def <= layers->max_visible)
            validity[visible++] = (uint8_t)(def == 0);
    }
    *n_visible = visible;
    return LNC_OK;
}

int lnc_levels_decode(const struct lnc_ctx *cx, struct lnc_decoder *d, const struct lnc_enc *enc,
                      struct lnc_span block, uint64_t n, const uint8_t **out)
{
    static const uint8_t nothing[1];
    struct lnc_values levels = {.bits = 16, .fixed = nothing};
    int rc = n > 0 ? lnc_decode_block(cx, d, enc, block, n, &levels) : LNC_OK;
    if (rc == LNC_OK && (levels.is_var || levels.is_bits || levels.bits != 16))
        rc = lnc_bad(cx, "repetition or definition levels have %llu bits instead of 16",
                     (unsigned long long)levels.bits);
    if (rc == LNC_OK)
        *out = levels.fixed;
    return rc;
}

int lnc_values_check(const struct lnc_ctx *cx, const struct lnc_phys *phys,
                     const struct lnc_values *values)
{
    if (values->is_var != phys->is_var)
        return lnc_bad(cx, "the page holds values of %s width, the type of the column has %s",
                       values->is_var ? "variable" : "fixed", phys->is_var ? "variable" : "fixed");
    uint64_t bits = (uint64_t)phys->bits * phys->n_items;
    if (!values->is_var && (values->bits != bits || values->is_bits != (phys->bits == 1)))
        return lnc_bad(cx, "the page holds values of %llu bits, the type of the column has %llu",
                       (unsigned long long)values->bits, (unsigned long long)bits);
    return LNC_OK;
}

int lnc_levels_to_validity(const struct lnc_ctx *cx, const uint8_t *levels, size_t n,
                           uint8_t *validity)
{
    unsigned all = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned level = lnc_le16(levels + 2 * i);
        all |= level;
        validity[i] = (uint8_t)(level == 0);
    }
    if (all > 1)
        return lnc_bad(cx, "the page of a flat column has definition levels above 1");
    return LNC_OK;
}

int lnc_page21_open(struct lnc_ctx *cx, const struct lnc_page_job *job,
                    struct lnc_page_reader **out)
{
    struct lnc_pb pb = lnc_pb_over(job->page->encoding.data, job->page->encoding.size);
    struct lnc_pb_field f;
    struct lnc_pb layout = {0};
    uint32_t member = 0;
    while (lnc_pb_next(&pb, &f)) {
        member = f.number;
        layout = lnc_pb_sub(&pb, &f);
    }
    int rc = lnc_pb_finish(cx, &pb, "PageLayout");
    if (rc != LNC_OK)
        return rc;
    switch (member) {
    case 1:
        return lnc_miniblock_open(cx, job, layout, out);
    case 2:
        return lnc_constant_open(cx, job, layout, out);
    case 3:
        return lnc_fullzip_open(cx, job, layout, out);
    case 4:
        return lnc_refuse(cx, "the page has the blob layout, which the schema does not announce");
    case 5:
        return lnc_refuse(cx, "the page has the sparse layout of storage version 2.3");
    default:
        return lnc_refuse(cx, "the page has an unknown layout (member %u of PageLayout)", member);
    }
}

int lnc_page_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_page_reader **out)
{
    if (job->phys->is_blob)
        return lnc_blob_open(cx, job, out);
    return job->page->grammar == LNC_GRAMMAR_20 ? lnc_array20_open(cx, job, out)
                                                : lnc_page21_open(cx, job, out);
}
