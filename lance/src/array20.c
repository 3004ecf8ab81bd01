#include "array20_int.h"

/*
 * Pages of storage version 2.0: a tree of array encodings over the buffers of the page
 * (lance-format.md 6). Each node hands out its values a group at a time; parents pull from
 * children, so nothing is decoded that is not asked for.
 */

static int node_next(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *node,
                     size_t n, struct lnc_array_group *out);

static void array20_free(struct lnc_page_reader *reader)
{
    struct lnc_array20 *a = (struct lnc_array20 *)reader;
    for (size_t i = 0; i < a->n_nodes; i++) {
        struct lnc_array_node *node = &a->node[i];
        lnc_stream_release(&node->data);
        lnc_buf_release(&node->scratch);
        lnc_buf_release(&node->validity);
        lnc_buf_release(&node->items);
        lnc_buf_release(&node->item_bytes);
        lnc_buf_release(&node->item_validity);
    }
    lnc_decoder_release(&a->decoder);
    lnc_free(a);
}

/* The next n values of a child that must give exactly n, of `bits` each and without nulls. */
static int pull_exactly(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *child,
                        uint64_t n, uint64_t bits, const uint8_t **out)
{
    static const uint8_t nothing[1];
    struct lnc_array_group group;
    *out = nothing;
    if (n == 0)
        return LNC_OK;
    if (n > cx->alloc_max)
        return lnc_fail_ctx(cx, LNC_ELIMIT,
                            "values of %llu bytes exceed the limit (alloc_bytes_max) of %zu",
                            (unsigned long long)n, cx->alloc_max);
    int rc = node_next(cx, a, child, (size_t)n, &group);
    if (rc != LNC_OK)
        return rc;
    if (group.n != n || group.validity != NULL || group.all_null || group.values.is_var ||
        group.values.bits != bits || group.values.is_bits != (bits == 1))
        return lnc_bad(cx, "an inner array of the page does not hold plain values of %llu bits",
                       (unsigned long long)bits);
    *out = group.values.fixed;
    return LNC_OK;
}

static int next_flat(struct lnc_ctx *cx, struct lnc_array_node *node, size_t n,
                     struct lnc_array_group *out)
{
    uint64_t bits;
    struct lnc_span span;
    if (!lnc_mul(n, node->bits, &bits) || bits > UINT64_MAX - 16)
        return lnc_bad(cx, "%zu values of %llu bits", n, (unsigned long long)node->bits);
    uint64_t end = node->first_bit + bits;
    int rc = lnc_stream_peek(cx, &node->data, end / 8 + (end % 8 != 0), &span);
    if (rc != LNC_OK)
        return rc;
    *out = (struct lnc_array_group){
        .n = n, .values = {.bits = node->bits, .is_bits = node->bits == 1, .fixed = span.data}};
    if (node->bits == 1) {
        rc = lnc_buf_reserve_n(cx, &node->scratch, n, 1);
        if (rc != LNC_OK)
            return rc;
        lnc_expand_bits(span.data, node->first_bit, n, node->scratch.data);
        out->values.fixed = node->scratch.data;
    }
    lnc_stream_skip(&node->data, (size_t)(end / 8));
    node->first_bit = (unsigned)(end % 8);
    return LNC_OK;
}

static uint64_t load_bits(const uint8_t *bytes, uint64_t first, unsigned width)
{
    uint64_t value = 0;
    for (unsigned k = 0; k < width; k++) {
        uint64_t bit = first + k;
        value |= (uint64_t)(((unsigned)bytes[bit / 8] >> (bit % 8)) & 1u) << k;
    }
    return value;
}

static int next_bitpacked(struct lnc_ctx *cx, struct lnc_array_node *node, size_t n,
                          struct lnc_array_group *out)
{
    struct lnc_span span;
    size_t width = (size_t)node->uncompressed / 8;
    uint64_t bits;
    if (!lnc_mul(n, node->bits, &bits) || bits > UINT64_MAX - 16)
        return lnc_bad(cx, "%zu values of %llu bits", n, (unsigned long long)node->bits);
    uint64_t end = node->first_bit + bits;
    int rc = lnc_stream_peek(cx, &node->data, end / 8 + (end % 8 != 0), &span);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &node->scratch, n, width);
    if (rc != LNC_OK)
        return rc;
    if (node->bits == 0 || node->bits > 64)
        return lnc_bad(cx, "packed values of %llu bits", (unsigned long long)node->bits);
    for (size_t i = 0; i < n; i++) {
        uint64_t value =
            load_bits(span.data, node->first_bit + i * node->bits, (unsigned)node->bits);
        bool is_negative = node->is_signed && (value >> (node->bits - 1)) % 2 != 0;
        if (is_negative && node->bits < 64)
            value |= UINT64_MAX << node->bits;
        memcpy(node->scratch.data + i * width, &value, width);
    }
    lnc_stream_skip(&node->data, (size_t)(end / 8));
    node->first_bit = (unsigned)(end % 8);
    *out = (struct lnc_array_group){
        .n = n, .values = {.bits = node->uncompressed, .fixed = node->scratch.data}};
    return LNC_OK;
}

/* Chunks of 1024 values, the last one filled up; `items` holds the one in hand. */
static int next_bitpacked_chunks(struct lnc_ctx *cx, struct lnc_array_node *node, size_t n,
                                 struct lnc_array_group *out)
{
    size_t width = (size_t)node->uncompressed / 8;
    size_t size = lnc_packed_bytes((uint32_t)node->bits);
    int rc = lnc_buf_reserve_n(cx, &node->scratch, n, width);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &node->items, LNC_PACK_VALUES, width);
    for (size_t got = 0; rc == LNC_OK && got < n;) {
        if (node->n_unpacked == 0) {
            struct lnc_span chunk = {0};
            rc = lnc_stream_peek(cx, &node->data, size, &chunk);
            if (rc != LNC_OK)
                return rc;
            lnc_unpack((uint32_t)node->uncompressed, (uint32_t)node->bits, chunk.data,
                       node->items.data);
            lnc_stream_skip(&node->data, size);
            node->n_unpacked = LNC_PACK_VALUES;
        }
        size_t run = n - got < node->n_unpacked ? n - got : node->n_unpacked;
        memcpy(node->scratch.data + got * width,
               node->items.data + (LNC_PACK_VALUES - node->n_unpacked) * width, run * width);
        node->n_unpacked -= run;
        got += run;
    }
    *out = (struct lnc_array_group){
        .n = n, .values = {.bits = node->uncompressed, .fixed = node->scratch.data}};
    return rc;
}

static int next_some_null(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *node,
                          size_t n, struct lnc_array_group *out)
{
    int rc = node_next(cx, a, node->child[0], n, out);
    const uint8_t *validity = NULL;
    if (rc == LNC_OK)
        rc = pull_exactly(cx, a, node->child[1], out->n, 1, &validity);
    if (rc != LNC_OK || out->all_null)
        return rc;
    if (out->validity == NULL) {
        out->validity = validity;
        return LNC_OK;
    }
    rc = lnc_buf_reserve_n(cx, &node->validity, out->n, 1);
    for (size_t i = 0; rc == LNC_OK && i < out->n; i++)
        node->validity.data[i] = validity[i] & out->validity[i];
    out->validity = node->validity.data;
    return rc;
}

/* Vectors that are there, all of their items null. */
static int null_items(struct lnc_ctx *cx, const struct lnc_array20 *a, struct lnc_array_node *node,
                      size_t n, struct lnc_array_group *out)
{
    if (a->phys.is_var || a->phys.n_items != node->n_items)
        return lnc_refuse(cx, "the page holds lists of something else than plain numbers");
    int rc = lnc_buf_reserve_n(cx, &node->scratch, n, a->phys.width);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &node->validity, n, a->phys.n_items);
    if (rc != LNC_OK)
        return rc;
    memset(node->scratch.data, 0, n * a->phys.width);
    memset(node->validity.data, 0, n * a->phys.n_items);
    *out = (struct lnc_array_group){.n = n,
                                    .is_vector = true,
                                    .values = {.bits = (uint64_t)a->phys.bits * a->phys.n_items,
                                               .is_bits = a->phys.bits == 1,
                                               .fixed = node->scratch.data,
                                               .items_valid = node->validity.data}};
    return LNC_OK;
}

static int next_fixed_size_list(struct lnc_ctx *cx, struct lnc_array20 *a,
                                struct lnc_array_node *node, size_t n, struct lnc_array_group *out)
{
    uint64_t n_items;
    struct lnc_array_group items;
    if (!lnc_mul(n, node->n_items, &n_items) || n_items > SIZE_MAX)
        return lnc_bad(cx, "too many items in a list");
    int rc = node_next(cx, a, node->child[0], (size_t)n_items, &items);
    if (rc != LNC_OK)
        return rc;
    if (items.all_null)
        return null_items(cx, a, node, n, out);
    if (items.n != n_items || items.values.is_var || items.values.items_valid != NULL ||
        items.is_vector)
        return lnc_refuse(cx,
                          "the page holds vectors of something else than values of fixed width");
    *out = (struct lnc_array_group){.n = n, .values = items.values, .is_vector = true};
    out->values.bits *= node->n_items;
    out->values.items_valid = items.validity;
    return LNC_OK;
}

static int next_fixed_size_binary(struct lnc_ctx *cx, struct lnc_array20 *a,
                                  struct lnc_array_node *node, size_t n,
                                  struct lnc_array_group *out)
{
    uint64_t total;
    const uint8_t *bytes;
    const struct lnc_array_node *flat = node->child[0];
    while (flat->kind == LNC_ARRAY_NULLABLE)
        flat = flat->child[0];
    /* Lance 0.18 has one item a value there, 0.17 one a byte. */
    bool is_whole = flat->kind == LNC_ARRAY_FLAT && flat->bits == node->bits * 8;
    if (!lnc_mul(n, node->bits, &total) || total > SIZE_MAX / 8)
        return lnc_bad(cx, "too many bytes in a group of values");
    int rc = pull_exactly(cx, a, node->child[0], is_whole ? n : total, is_whole ? flat->bits : 8,
                          &bytes);
    if (rc != LNC_OK)
        return rc;
    *out = (struct lnc_array_group){.n = n, .values = {.bits = node->bits * 8, .fixed = bytes}};
    if (!a->phys.is_var)
        return LNC_OK;
    rc = lnc_buf_reserve_n(cx, &node->scratch, n, sizeof(struct lnc_span));
    if (rc != LNC_OK)
        return rc;
    struct lnc_span *spans = (struct lnc_span *)(void *)node->scratch.data;
    for (size_t i = 0; i < n; i++)
        spans[i] =
            (struct lnc_span){.data = bytes + i * (size_t)node->bits, .size = (size_t)node->bits};
    out->values = (struct lnc_values){.is_var = true, .spans = spans};
    return LNC_OK;
}

/* End offsets of the next values. They stay pending until their bytes were asked for. */
static int pull_ends(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *node,
                     size_t n)
{
    if (node->pending_taken < node->pending.n)
        return LNC_OK;
    int rc = node_next(cx, a, node->child[0], n, &node->pending);
    node->pending_taken = 0;
    if (rc != LNC_OK) {
        node->pending.n = 0;
        return rc;
    }
    if (node->pending.all_null || node->pending.validity != NULL || node->pending.values.is_var ||
        node->pending.values.is_bits ||
        (node->pending.values.bits != 64 && node->pending.values.bits != 32))
        return lnc_bad(cx, "the offsets of strings are not plain numbers of 32 or 64 bits");
    return LNC_OK;
}

static int next_binary(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *node,
                       size_t n, struct lnc_array_group *out)
{
    int rc = pull_ends(cx, a, node, n);
    size_t left = node->pending.n - node->pending_taken;
    n = n < left ? n : left;
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &node->scratch, n, sizeof(struct lnc_span));
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &node->validity, n, 1);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span *spans = (struct lnc_span *)(void *)node->scratch.data;
    size_t width = (size_t)node->pending.values.bits / 8;
    uint64_t first = node->last_end;
    size_t got = 0;
    while (got < n) {
        uint64_t end = lnc_load_uint(node->pending.values.fixed, width, node->pending_taken + got);
        bool is_null = end >= node->null_adjustment;
        if (is_null)
            end -= node->null_adjustment;
        if (end < node->last_end)
            return lnc_bad(cx, "a string ends at %llu, before it starts at %llu",
                           (unsigned long long)end, (unsigned long long)node->last_end);
        if (got > 0 && end - first > LNC_GROUP_BYTES)
            break;
        node->validity.data[got] = (uint8_t)!is_null;
        spans[got++].size = (size_t)(end - node->last_end);
        node->last_end = end;
    }
    node->pending_taken += got;
    const uint8_t *bytes;
    rc = pull_exactly(cx, a, node->child[1], node->last_end - first, 8, &bytes);
    for (size_t i = 0; rc == LNC_OK && i < got; i++) {
        spans[i].data = bytes;
        bytes += spans[i].size;
    }
    *out = (struct lnc_array_group){
        .n = got, .validity = node->validity.data, .values = {.is_var = true, .spans = spans}};
    return rc;
}

/* How many items each list has. Offsets start at 0 in every page. */
static int next_list(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *node,
                     size_t n, struct lnc_array_group *out)
{
    struct lnc_array_group ends;
    int rc = node_next(cx, a, node->child[0], n, &ends);
    if (rc != LNC_OK)
        return rc;
    if (ends.all_null || ends.validity != NULL || ends.values.is_var || ends.values.is_bits ||
        (ends.values.bits != 64 && ends.values.bits != 32))
        return lnc_bad(cx, "the offsets of lists are not plain numbers of 32 or 64 bits");
    rc = lnc_buf_reserve_n(cx, &node->scratch, ends.n, sizeof(uint64_t));
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &node->validity, ends.n, 1);
    if (rc != LNC_OK)
        return rc;
    for (size_t i = 0; i < ends.n; i++) {
        uint64_t end = lnc_load_uint(ends.values.fixed, (size_t)ends.values.bits / 8, i);
        bool is_null = end >= node->null_adjustment;
        if (is_null)
            end -= node->null_adjustment;
        uint64_t length = end - node->last_end;
        if (end < node->last_end || end > node->n_items)
            return lnc_bad(cx, "a list of items %llu to %llu in a page of %llu",
                           (unsigned long long)node->last_end, (unsigned long long)end,
                           (unsigned long long)node->n_items);
        node->validity.data[i] = (uint8_t)!is_null;
        memcpy(node->scratch.data + i * sizeof length, &length, sizeof length);
        node->last_end = end;
    }
    a->rows_left -= ends.n;
    if (a->rows_left == 0 && node->last_end != node->n_items)
        return lnc_bad(cx, "the lists of the page have %llu items instead of %llu",
                       (unsigned long long)node->last_end, (unsigned long long)node->n_items);
    *out = (struct lnc_array_group){.n = ends.n,
                                    .validity = node->validity.data,
                                    .values = {.bits = 64, .fixed = node->scratch.data}};
    return LNC_OK;
}

static int next_fsst(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *node,
                     size_t n, struct lnc_array_group *out)
{
    int rc = node_next(cx, a, node->child[0], n, out);
    if (rc == LNC_OK && !out->all_null && !out->values.is_var)
        rc = lnc_bad(cx, "an LNC_ARRAY_FSST encoding holds values of fixed width");
    if (rc == LNC_OK)
        rc = lnc_decoder_load_fsst(cx, &a->decoder, node->table);
    if (rc != LNC_OK || out->all_null)
        return rc;
    uint64_t total = 0;
    for (size_t i = 0; i < out->n; i++)
        total += out->values.spans[i].size;
    rc = lnc_buf_reserve_n(cx, &node->items, out->n, sizeof(struct lnc_span));
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &node->scratch, total + 1, 8);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span *spans = (struct lnc_span *)(void *)node->items.data;
    uint8_t *dst = node->scratch.data;
    for (size_t i = 0; rc == LNC_OK && i < out->n; i++) {
        size_t size = 0;
        rc = lnc_fsst_decode(cx, a->decoder.fsst, out->values.spans[i], dst, &size);
        spans[i] = (struct lnc_span){.data = dst, .size = size};
        dst += size;
    }
    out->values.spans = spans;
    return rc;
}

/* Copies a group of dictionary items behind those that are there. */
static int keep_items(struct lnc_ctx *cx, struct lnc_array_node *node,
                      const struct lnc_array_group *group)
{
    int rc = LNC_OK;
    for (size_t i = 0; rc == LNC_OK && i < group->n; i++) {
        uint8_t valid = group->all_null ? 0 : group->validity == NULL ? 1 : group->validity[i];
        rc = lnc_buf_append(cx, &node->item_validity, &valid, 1);
        if (rc != LNC_OK || group->all_null)
            continue;
        if (group->values.is_var) {
            /* Offsets for the moment: the bytes may still move. */
            struct lnc_span span = group->values.spans[i];
            size_t place[2] = {node->item_bytes.size, span.size};
            rc = lnc_buf_append(cx, &node->items, place, sizeof place);
            if (rc == LNC_OK)
                rc = lnc_buf_append(cx, &node->item_bytes, span.data, span.size);
        } else {
            size_t width = lnc_values_width(&group->values);
            rc = lnc_buf_append(cx, &node->items, group->values.fixed + i * width, width);
        }
    }
    if (rc == LNC_OK && group->values.items_valid != NULL)
        rc = lnc_refuse(cx, "the page has a dictionary of vectors with null items");
    node->items_are_spans = group->values.is_var;
    node->item_shape = group->values;
    return rc;
}

static int load_items(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *node)
{
    static const uint8_t nothing[1];
    uint64_t n = 0;
    bool all_null = false;
    int rc = LNC_OK;
    while (rc == LNC_OK && n < node->n_items && !all_null) {
        struct lnc_array_group group;
        uint64_t left = node->n_items - n;
        rc = node_next(cx, a, node->child[1], left < LNC_SLOTS_MAX ? (size_t)left : LNC_SLOTS_MAX,
                       &group);
        if (rc == LNC_OK) {
            all_null = group.all_null;
            rc = keep_items(cx, node, &group);
            n += group.n;
        }
    }
    if (rc == LNC_OK && all_null && node->items.size > 0)
        rc = lnc_bad(cx, "the items of a dictionary are partly missing");
    node->items_are_null = all_null;
    for (size_t i = 0; rc == LNC_OK && node->items_are_spans && !all_null && i < n; i++) {
        size_t place[2];
        memcpy(place, node->items.data + i * sizeof place, sizeof place);
        struct lnc_span span = {.data = place[1] > 0 ? node->item_bytes.data + place[0] : nothing,
                                .size = place[1]};
        memcpy(node->items.data + i * sizeof span, &span, sizeof span);
    }
    return rc;
}

static int next_dictionary(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *node,
                           size_t n, struct lnc_array_group *out)
{
    struct lnc_array_group indices;
    int rc = node_next(cx, a, node->child[0], n, &indices);
    if (rc != LNC_OK)
        return rc;
    uint64_t bits = indices.values.bits;
    if (indices.all_null || indices.values.is_var || indices.values.is_bits ||
        (bits != 8 && bits != 16 && bits != 32 && bits != 64))
        return lnc_bad(cx, "the indices of a dictionary are not numbers");
    if (node->items_are_null) {
        *out = (struct lnc_array_group){.n = indices.n, .all_null = true};
        return LNC_OK;
    }
    size_t width =
        node->items_are_spans ? sizeof(struct lnc_span) : lnc_values_width(&node->item_shape);
    rc = lnc_buf_reserve_n(cx, &node->scratch, indices.n, width);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &node->validity, indices.n, 1);
    if (rc != LNC_OK)
        return rc;
    for (size_t i = 0; i < indices.n; i++) {
        uint64_t index = lnc_load_uint(indices.values.fixed, (size_t)bits / 8, i);
        bool is_null = indices.validity != NULL && indices.validity[i] == 0;
        /* A dictionary that Lance made for plain strings keeps index 0 for null, one of the user
         * does not. */
        if (!a->phys.is_dict && !is_null)
            is_null = index-- == 0;
        if (!is_null && index >= node->n_items)
            return lnc_bad(cx, "dictionary index %llu of %llu", (unsigned long long)index,
                           (unsigned long long)node->n_items);
        is_null = is_null || node->item_validity.data[index] == 0;
        node->validity.data[i] = (uint8_t)!is_null;
        if (is_null)
            memset(node->scratch.data + i * width, 0, width);
        else
            memcpy(node->scratch.data + i * width, node->items.data + index * width, width);
    }
    *out = (struct lnc_array_group){.n = indices.n, .validity = node->validity.data};
    if (node->items_are_spans)
        out->values = (struct lnc_values){
            .is_var = true, .spans = (const struct lnc_span *)(const void *)node->scratch.data};
    else
        out->values = (struct lnc_values){.bits = node->item_shape.bits,
                                          .is_bits = node->item_shape.is_bits,
                                          .fixed = node->scratch.data};
    return LNC_OK;
}

/* Recursion depth is the depth of the tree, at most DEPTH_MAX. */
static int node_next(struct lnc_ctx *cx, struct lnc_array20 *a, struct lnc_array_node *node,
                     size_t n, struct lnc_array_group *out)
{
    switch (node->kind) {
    case LNC_ARRAY_FLAT:
    case LNC_ARRAY_PACKED_STRUCT:
        return next_flat(cx, node, n, out);
    case LNC_ARRAY_NULLABLE:
        return node_next(cx, a, node->child[0], n, out);
    case LNC_ARRAY_SOME_NULL:
        return next_some_null(cx, a, node, n, out);
    case LNC_ARRAY_ALL_NULL:
        *out = (struct lnc_array_group){.n = n, .all_null = true};
        return LNC_OK;
    case LNC_ARRAY_FIXED_SIZE_LIST:
        return next_fixed_size_list(cx, a, node, n, out);
    case LNC_ARRAY_LIST:
        return next_list(cx, a, node, n, out);
    case LNC_ARRAY_BINARY:
        return next_binary(cx, a, node, n, out);
    case LNC_ARRAY_DICTIONARY:
        return next_dictionary(cx, a, node, n, out);
    case LNC_ARRAY_FSST:
        return next_fsst(cx, a, node, n, out);
    case LNC_ARRAY_BITPACKED:
        return next_bitpacked(cx, node, n, out);
    case LNC_ARRAY_BITPACKED_NON_NEG:
        return next_bitpacked_chunks(cx, node, n, out);
    case LNC_ARRAY_FIXED_SIZE_BINARY:
        return next_fixed_size_binary(cx, a, node, n, out);
    case LNC_ARRAY_STRUCT:
        break;
    }
    return lnc_bad(cx, "the page has no array encoding");
}

static int array20_next(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                        struct lnc_slots *out)
{
    struct lnc_array20 *a = (struct lnc_array20 *)reader;
    size_t n = n_max < LNC_SLOTS_MAX ? n_max : LNC_SLOTS_MAX;
    if (a->phys.width > 0 && n > LNC_GROUP_BYTES / a->phys.width + 1)
        n = LNC_GROUP_BYTES / a->phys.width + 1;
    struct lnc_array_group group;
    int rc = node_next(cx, a, a->root, n, &group);
    if (rc != LNC_OK)
        return rc;
    *out = (struct lnc_slots){.n = group.n, .all_null = group.all_null};
    if (group.all_null)
        return LNC_OK;
    out->validity = group.validity;
    out->fixed = group.values.fixed;
    out->spans = group.values.spans;
    out->items_valid = group.values.items_valid;
    return lnc_values_check(cx, &a->phys, &group.values);
}

int lnc_array20_open(struct lnc_ctx *cx, const struct lnc_page_job *job,
                     struct lnc_page_reader **out)
{
    struct lnc_array20 *a = lnc_calloc(cx, 1, sizeof *a);
    if (a == NULL)
        return lnc_no_memory(cx, sizeof *a);
    a->base = (struct lnc_page_reader){.next = array20_next, .free = array20_free};
    a->phys = *job->phys;
    a->rows_left = job->page->n_rows;
    int rc = lnc_array20_parse(cx, a, job);
    /* From the last node to the first: children come after their parents and must be ready before
     * them. */
    for (size_t i = a->n_nodes; rc == LNC_OK && i > 0; i--) {
        if (a->node[i - 1].kind == LNC_ARRAY_DICTIONARY)
            rc = load_items(cx, a, &a->node[i - 1]);
    }
    if (rc != LNC_OK) {
        array20_free(&a->base);
        return rc;
    }
    *out = &a->base;
    return LNC_OK;
}
