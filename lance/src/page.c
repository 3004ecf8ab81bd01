#include "page_int.h"

#include <stdlib.h>

#define LAYER_ALL_VALID 1u
#define LAYER_NULLABLE  3u

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

int lnc_layers_check(const struct lnc_ctx *cx, const struct lnc_buf *list, bool *nullable)
{
    uint64_t layer = 0;
    if (list->size != sizeof layer)
        return lnc_bad(cx, "the page of a flat column has %zu layers of lists and structs",
                       list->size / sizeof layer);
    memcpy(&layer, list->data, sizeof layer);
    if (layer != LAYER_ALL_VALID && layer != LAYER_NULLABLE)
        return lnc_bad(cx, "the page of a flat column has the layer %llu",
                       (unsigned long long)layer);
    *nullable = layer == LAYER_NULLABLE;
    return LNC_OK;
}

int lnc_values_check(const struct lnc_ctx *cx, const struct lnc_phys *phys,
                     const struct lnc_values *values)
{
    if (values->is_var != phys->is_var)
        return lnc_bad(cx, "the page holds values of %s width, the type of the column has %s",
                       values->is_var ? "variable" : "fixed", phys->is_var ? "variable" : "fixed");
    uint64_t bits = (uint64_t)phys->bits * phys->n_items;
    if (!values->is_var && values->bits != bits)
        return lnc_bad(cx, "the page holds values of %llu bits, the type of the column has %llu",
                       (unsigned long long)values->bits, (unsigned long long)bits);
    return LNC_OK;
}

int lnc_items_check(const struct lnc_ctx *cx, const uint8_t *items_valid, const uint8_t *validity,
                    size_t n, size_t n_items)
{
    for (size_t i = 0; items_valid != NULL && i < n; i++) {
        bool is_null = validity != NULL && validity[i] == 0;
        if (!is_null && memchr(items_valid + i * n_items, 0, n_items) != NULL)
            return lnc_refuse(cx, "the page holds vectors with null items");
    }
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

static int all_null_next(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                         struct lnc_slots *out)
{
    (void)reader;
    (void)cx;
    *out = (struct lnc_slots){.n = n_max, .all_null = true};
    return LNC_OK;
}

static void all_null_free(struct lnc_page_reader *reader)
{
    free(reader);
}

int lnc_all_null_open(struct lnc_ctx *cx, struct lnc_page_reader **out)
{
    void *memory;
    int rc = lnc_alloc(cx, sizeof(struct lnc_page_reader), &memory);
    if (rc != LNC_OK)
        return rc;
    *out = memory;
    **out = (struct lnc_page_reader){.next = all_null_next, .free = all_null_free};
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
        return lnc_refuse(cx, "the page has the blob layout, which is not read");
    case 5:
        return lnc_refuse(cx, "the page has the sparse layout of storage version 2.3");
    default:
        return lnc_refuse(cx, "the page has an unknown layout (member %u of PageLayout)", member);
    }
}

int lnc_page_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_page_reader **out)
{
    return job->page->grammar == LNC_GRAMMAR_20 ? lnc_array20_open(cx, job, out)
                                                : lnc_page21_open(cx, job, out);
}
