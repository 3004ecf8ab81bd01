#include "page_int.h"

/* Mini-block pages: chunks of a few KiB, each with its levels and values (lance-format.md 4.2). */

#define CHUNK_ALIGN ((size_t)8)

struct miniblock {
    struct lnc_page_reader base;
    struct lnc_phys phys;
    struct lnc_enc_pool pool;
    const struct lnc_enc *rep;
    const struct lnc_enc *def;
    const struct lnc_enc *value;
    const struct lnc_enc *dictionary;
    uint64_t n_dictionary;
    uint64_t n_value_buffers;
    uint64_t n_items;
    bool large_chunks;
    bool has_entries;     /* lies in lists or structs */
    struct lnc_buf words; /* chunk metadata */
    uint64_t n_chunks;
    uint64_t next_chunk;
    uint64_t items_left; /* not yet in a decoded chunk */
    struct lnc_stream chunks;
    struct lnc_decoder rep_levels;
    struct lnc_decoder def_levels;
    struct lnc_decoder values;
    struct lnc_decoder items; /* the dictionary, decoded */
    struct lnc_buf dictionary_bytes;
    struct lnc_values dictionary_values;
    struct lnc_buf validity;
    struct lnc_buf looked_up; /* values behind the indices of the current chunk */
    struct lnc_slots chunk;   /* the decoded chunk */
    size_t taken;             /* of it */
};

static void miniblock_free(struct lnc_page_reader *reader)
{
    struct miniblock *mb = (struct miniblock *)reader;
    lnc_stream_release(&mb->chunks);
    lnc_decoder_release(&mb->rep_levels);
    lnc_decoder_release(&mb->def_levels);
    lnc_decoder_release(&mb->values);
    lnc_decoder_release(&mb->items);
    lnc_buf_release(&mb->words);
    lnc_buf_release(&mb->dictionary_bytes);
    lnc_buf_release(&mb->validity);
    lnc_buf_release(&mb->looked_up);
    lnc_free(mb);
}

static int parse_layout(struct lnc_ctx *cx, struct miniblock *mb, const struct lnc_path *path,
                        struct lnc_pb pb)
{
    struct lnc_pb_field f;
    struct lnc_buf layers = {0};
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        switch (f.number) {
        case 1:
            rc = lnc_enc_parse(cx, &mb->pool, lnc_pb_sub(&pb, &f), &mb->rep);
            break;
        case 2:
            rc = lnc_enc_parse(cx, &mb->pool, lnc_pb_sub(&pb, &f), &mb->def);
            break;
        case 3:
            rc = lnc_enc_parse(cx, &mb->pool, lnc_pb_sub(&pb, &f), &mb->value);
            break;
        case 4:
            rc = lnc_enc_parse(cx, &mb->pool, lnc_pb_sub(&pb, &f), &mb->dictionary);
            break;
        case 5:
            mb->n_dictionary = lnc_pb_uint(&pb, &f);
            break;
        case 6:
            rc = lnc_pb_append_uints(cx, &pb, &f, &layers);
            break;
        case 7:
            mb->n_value_buffers = lnc_pb_uint(&pb, &f);
            break;
        case 9:
            mb->n_items = lnc_pb_uint(&pb, &f);
            break;
        case 10:
            mb->large_chunks = lnc_pb_uint(&pb, &f) != 0;
            break;
        default:
            break;
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(cx, &pb, "MiniBlockLayout");
    if (rc == LNC_OK)
        rc = lnc_layers_parse(cx, &layers, path, &mb->base.layers);
    lnc_buf_release(&layers);
    return rc;
}

static int check_layout(struct lnc_ctx *cx, const struct miniblock *mb, const struct lnc_page *page)
{
    if (mb->value == NULL)
        return lnc_bad(cx, "the page has no value encoding");
    const struct lnc_layers *layers = &mb->base.layers;
    if ((mb->rep != NULL) != (layers->max_rep > 0))
        return lnc_bad(cx, "the page has %s repetition levels, its type has %s lists",
                       mb->rep != NULL ? "" : "no", layers->max_rep > 0 ? "" : "no");
    if (layers->n_def > 0 && mb->def == NULL)
        return lnc_bad(cx, "the page has nulls but no definition levels");
    if (mb->n_value_buffers == 0 || mb->n_value_buffers > LNC_VALUE_BUFFERS_MAX)
        return lnc_bad(cx, "the page has %llu value buffers in a chunk",
                       (unsigned long long)mb->n_value_buffers);
    if (layers->max_rep == 0 && mb->n_items != page->n_rows)
        return lnc_bad(cx, "the page has %llu rows but %llu items",
                       (unsigned long long)page->n_rows, (unsigned long long)mb->n_items);
    return LNC_OK;
}

static int load_dictionary(struct lnc_ctx *cx, struct miniblock *mb, const struct lnc_page_job *job)
{
    if (mb->dictionary == NULL)
        return LNC_OK;
    int rc = lnc_page_load(cx, job, 2, &mb->dictionary_bytes);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span block = {.data = mb->dictionary_bytes.data, .size = mb->dictionary_bytes.size};
    rc = lnc_decode_block(cx, &mb->items, mb->dictionary, block, mb->n_dictionary,
                          &mb->dictionary_values);
    return rc != LNC_OK ? rc : lnc_values_check(cx, &mb->phys, &mb->dictionary_values);
}

/* The sizes in front of a chunk. */
struct chunk_header {
    size_t n_levels;
    size_t rep_size;
    size_t def_size;
    size_t value_size[LNC_VALUE_BUFFERS_MAX];
    size_t size; /* of the header itself, padded */
};

static size_t padded(size_t size)
{
    return (size + CHUNK_ALIGN - 1) & ~(CHUNK_ALIGN - 1);
}

static int parse_header(struct lnc_ctx *cx, const struct miniblock *mb, struct lnc_span chunk,
                        struct chunk_header *out)
{
    size_t value_width = mb->large_chunks ? 4 : 2;
    size_t size = 2 + (mb->rep != NULL ? 2u : 0u) + (mb->def != NULL ? 2u : 0u) +
                  (size_t)mb->n_value_buffers * value_width;
    if (padded(size) > chunk.size)
        return lnc_bad(cx, "a chunk of %zu bytes has no room for its header", chunk.size);
    const uint8_t *p = chunk.data;
    out->n_levels = lnc_le16(p);
    p += 2;
    out->rep_size = 0;
    out->def_size = 0;
    if (mb->rep != NULL) {
        out->rep_size = lnc_le16(p);
        p += 2;
    }
    if (mb->def != NULL) {
        out->def_size = lnc_le16(p);
        p += 2;
    }
    for (size_t i = 0; i < mb->n_value_buffers; i++)
        out->value_size[i] = (size_t)lnc_load_uint(p, value_width, i);
    out->size = padded(size);
    return LNC_OK;
}

/* The next buffer of the chunk: `size` bytes at *position, which moves on to the next multiple
 * of 8. */
static int next_buffer(struct lnc_ctx *cx, struct lnc_span chunk, size_t *position, size_t size,
                       struct lnc_span *out)
{
    if (*position > chunk.size || size > chunk.size - *position)
        return lnc_bad(cx, "a buffer of %zu bytes reaches beyond the end of its chunk of %zu bytes",
                       size, chunk.size);
    *out = (struct lnc_span){.data = chunk.data + *position, .size = size};
    *position += padded(size);
    return LNC_OK;
}

static int decode_flat_levels(struct lnc_ctx *cx, struct miniblock *mb, struct lnc_span block,
                              size_t n_levels, size_t n)
{
    const uint8_t *levels;
    if (n_levels != n)
        return lnc_bad(cx, "a chunk of a flat column has %zu levels for %zu values", n_levels, n);
    int rc = lnc_levels_decode(cx, &mb->def_levels, mb->def, block, n, &levels);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &mb->validity, n, 1);
    if (rc == LNC_OK)
        rc = lnc_levels_to_validity(cx, levels, n, mb->validity.data);
    if (rc == LNC_OK)
        mb->chunk.validity = mb->validity.data;
    return rc;
}

/* Entries may outnumber values: a list that is null or empty has levels only. */
static int decode_entries(struct lnc_ctx *cx, struct miniblock *mb, struct lnc_span rep,
                          struct lnc_span def, size_t n_levels, size_t n)
{
    struct lnc_slots *chunk = &mb->chunk;
    size_t n_visible = 0;
    int rc = LNC_OK;
    chunk->n_entries = mb->rep != NULL || mb->def != NULL ? n_levels : n;
    if (mb->rep != NULL)
        rc = lnc_levels_decode(cx, &mb->rep_levels, mb->rep, rep, n_levels, &chunk->rep);
    if (rc == LNC_OK && mb->def != NULL)
        rc = lnc_levels_decode(cx, &mb->def_levels, mb->def, def, n_levels, &chunk->def);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &mb->validity, chunk->n_entries, 1);
    if (rc == LNC_OK)
        rc = lnc_levels_check(cx, &mb->base.layers, chunk, mb->validity.data, &n_visible);
    if (rc == LNC_OK && n_visible != n)
        rc = lnc_bad(cx,
                     "a chunk has %zu values where its %zu levels need %zu (some writers before "
                     "Lance 9 damaged columns of almost only empty lists like this)",
                     n, n_levels, n_visible);
    chunk->validity = mb->validity.data;
    return rc;
}

/* Replaces the indices of the chunk by the values of the dictionary. Indices of null slots are
 * arbitrary: out of range they read zero. */
static int look_up(struct lnc_ctx *cx, struct miniblock *mb, const struct lnc_values *indices,
                   size_t n)
{
    if (indices->is_var || indices->is_bits ||
        (indices->bits != 8 && indices->bits != 16 && indices->bits != 32 && indices->bits != 64))
        return lnc_bad(cx, "dictionary indices of %llu bits", (unsigned long long)indices->bits);
    const struct lnc_values *items = &mb->dictionary_values;
    size_t index_width = (size_t)indices->bits / 8;
    size_t width = mb->phys.is_var ? sizeof(struct lnc_span) : mb->phys.width;
    const uint8_t *table = mb->phys.is_var ? (const uint8_t *)items->spans : items->fixed;
    int rc = lnc_buf_reserve_n(cx, &mb->looked_up, n, width);
    if (rc != LNC_OK)
        return rc;
    const uint8_t *validity = mb->chunk.validity;
    for (size_t i = 0; i < n; i++) {
        uint64_t index = lnc_load_uint(indices->fixed, index_width, i);
        if (index < mb->n_dictionary) {
            memcpy(mb->looked_up.data + i * width, table + (size_t)index * width, width);
            continue;
        }
        if (validity == NULL || validity[i] != 0)
            return lnc_bad(cx, "dictionary index %llu of %llu", (unsigned long long)index,
                           (unsigned long long)mb->n_dictionary);
        memset(mb->looked_up.data + i * width, 0, width);
    }
    if (mb->phys.is_var)
        mb->chunk.spans = (const struct lnc_span *)(const void *)mb->looked_up.data;
    else
        mb->chunk.fixed = mb->looked_up.data;
    return LNC_OK;
}

static int decode_chunk(struct lnc_ctx *cx, struct miniblock *mb, struct lnc_span chunk, size_t n)
{
    struct chunk_header header;
    struct lnc_span rep = {0};
    struct lnc_span def = {0};
    struct lnc_span buffers[LNC_VALUE_BUFFERS_MAX];
    mb->chunk = (struct lnc_slots){.n = n};
    int rc = parse_header(cx, mb, chunk, &header);
    if (rc != LNC_OK)
        return rc;
    size_t position = header.size;
    if (mb->rep != NULL)
        rc = next_buffer(cx, chunk, &position, header.rep_size, &rep);
    if (rc == LNC_OK && mb->def != NULL)
        rc = next_buffer(cx, chunk, &position, header.def_size, &def);
    for (size_t i = 0; rc == LNC_OK && i < mb->n_value_buffers; i++)
        rc = next_buffer(cx, chunk, &position, header.value_size[i], &buffers[i]);
    if (rc == LNC_OK && mb->has_entries)
        rc = decode_entries(cx, mb, rep, def, header.n_levels, n);
    else if (rc == LNC_OK && mb->def != NULL)
        rc = decode_flat_levels(cx, mb, def, header.n_levels, n);
    if (rc != LNC_OK || n == 0)
        return rc;
    struct lnc_values values;
    rc = lnc_decode_chunk(cx, &mb->values, mb->value, buffers, (size_t)mb->n_value_buffers, n,
                          &values);
    if (rc != LNC_OK)
        return rc;
    if (mb->dictionary != NULL)
        return look_up(cx, mb, &values, n);
    rc = lnc_values_check(cx, &mb->phys, &values);
    mb->chunk.items_valid = values.items_valid;
    mb->chunk.fixed = values.fixed;
    mb->chunk.spans = values.spans;
    return rc;
}

static int next_chunk(struct lnc_ctx *cx, struct miniblock *mb)
{
    if (mb->next_chunk == mb->n_chunks)
        return lnc_bad(cx, "the chunks of the page end %llu rows too early",
                       (unsigned long long)mb->items_left);
    uint64_t word = lnc_load_uint(mb->words.data, mb->large_chunks ? 4 : 2, (size_t)mb->next_chunk);
    mb->next_chunk++;
    uint64_t size = ((word >> 4) + 1) * CHUNK_ALIGN;
    /* What the last chunk says about its number of values has no meaning. */
    uint64_t n = mb->next_chunk == mb->n_chunks ? mb->items_left : (uint64_t)1 << (word & 15);
    /* Its last chunk may hold nothing but empty lists. */
    if (n > mb->items_left || (n == 0 && !mb->has_entries))
        return lnc_bad(cx, "a chunk has %llu rows where the page has %llu left",
                       (unsigned long long)n, (unsigned long long)mb->items_left);
    if (n > (uint64_t)1 << 15)
        return lnc_bad(cx, "the last chunk would have %llu rows", (unsigned long long)n);
    const uint8_t *data;
    int rc = lnc_stream_take(cx, &mb->chunks, size, &data);
    if (rc != LNC_OK)
        return rc;
    mb->items_left -= n;
    mb->taken = 0;
    return decode_chunk(cx, mb, (struct lnc_span){.data = data, .size = (size_t)size}, (size_t)n);
}

static int miniblock_next(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                          struct lnc_slots *out)
{
    struct miniblock *mb = (struct miniblock *)reader;
    if (mb->has_entries) {
        bool at_end = mb->next_chunk == mb->n_chunks && mb->items_left == 0;
        mb->chunk = (struct lnc_slots){0};
        int rc = at_end ? LNC_OK : next_chunk(cx, mb);
        *out = mb->chunk;
        return rc;
    }
    if (mb->taken == mb->chunk.n) {
        int rc = next_chunk(cx, mb);
        if (rc != LNC_OK)
            return rc;
    }
    size_t n = mb->chunk.n - mb->taken;
    *out = mb->chunk;
    out->n = n < n_max ? n : n_max;
    if (out->validity != NULL)
        out->validity += mb->taken;
    if (out->fixed != NULL)
        out->fixed += mb->taken * mb->phys.width;
    if (out->spans != NULL)
        out->spans += mb->taken;
    if (out->items_valid != NULL)
        out->items_valid += mb->taken * mb->phys.n_items;
    mb->taken += out->n;
    return LNC_OK;
}

static int prepare(struct lnc_ctx *cx, struct miniblock *mb, const struct lnc_page_job *job,
                   struct lnc_pb message)
{
    int rc = parse_layout(cx, mb, job->path, message);
    if (rc == LNC_OK)
        rc = check_layout(cx, mb, job->page);
    if (rc == LNC_OK)
        rc = lnc_page_load(cx, job, 0, &mb->words);
    if (rc == LNC_OK)
        rc = lnc_page_stream(cx, job, 1, &mb->chunks);
    if (rc == LNC_OK)
        rc = load_dictionary(cx, mb, job);
    mb->n_chunks = mb->words.size / (mb->large_chunks ? 4 : 2);
    mb->items_left = mb->n_items;
    return rc;
}

int lnc_miniblock_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_pb message,
                       struct lnc_page_reader **out)
{
    struct miniblock *mb = lnc_calloc(cx, 1, sizeof *mb);
    if (mb == NULL)
        return lnc_no_memory(cx, sizeof *mb);
    mb->base = (struct lnc_page_reader){.next = miniblock_next, .free = miniblock_free};
    mb->phys = *job->phys;
    mb->has_entries = job->path != NULL;
    int rc = prepare(cx, mb, job, message);
    if (rc != LNC_OK) {
        miniblock_free(&mb->base);
        return rc;
    }
    *out = &mb->base;
    return LNC_OK;
}
