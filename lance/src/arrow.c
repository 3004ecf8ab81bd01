#include "codec_int.h"
#include "deletion_int.h"

/*
 * The one shape of Arrow IPC file that Lance uses for deletions: one record batch with one uint32
 * column. The FlatBuffers in it are read in place, each access checked against the span.
 */

#define MAGIC_BYTES         6
#define BLOCK_BYTES         24
#define HEADER_RECORD_BATCH 3

/* A table of a FlatBuffer. */
struct table {
    struct lnc_span buffer;
    size_t position;
    size_t vtable;
    size_t vtable_size;
};

static bool fb_has(struct lnc_span buffer, size_t position, size_t n)
{
    return lnc_inside(position, n, buffer.size);
}

static bool fb_table(struct lnc_span buffer, size_t position, struct table *out)
{
    if (!fb_has(buffer, position, 4))
        return false;
    int64_t vtable = (int64_t)position - (int32_t)lnc_le32(buffer.data + position);
    if (vtable < 0 || !fb_has(buffer, (size_t)vtable, 4))
        return false;
    *out = (struct table){.buffer = buffer, .position = position, .vtable = (size_t)vtable};
    out->vtable_size = lnc_le16(buffer.data + vtable);
    return out->vtable_size >= 4 && fb_has(buffer, out->vtable, out->vtable_size);
}

/* The root table of a buffer. */
static bool fb_root(struct lnc_span buffer, struct table *out)
{
    return fb_has(buffer, 0, 4) && fb_table(buffer, lnc_le32(buffer.data), out);
}

/* Position of a field of n bytes; 0 if it is absent or does not fit. */
static size_t fb_field(const struct table *t, size_t slot, size_t n)
{
    size_t entry = 4 + 2 * slot;
    if (entry + 2 > t->vtable_size)
        return 0;
    size_t offset = lnc_le16(t->buffer.data + t->vtable + entry);
    if (offset == 0 || !fb_has(t->buffer, t->position + offset, n))
        return 0;
    return t->position + offset;
}

/* Follows the offset in a field to a table. */
static bool fb_sub(const struct table *t, size_t slot, struct table *out)
{
    size_t field = fb_field(t, slot, 4);
    return field != 0 && fb_table(t->buffer, field + lnc_le32(t->buffer.data + field), out);
}

/* Follows the offset in a field to a vector of elements. */
static bool fb_vector(const struct table *t, size_t slot, size_t element_size, struct lnc_span *out,
                      size_t *n)
{
    size_t field = fb_field(t, slot, 4);
    if (field == 0)
        return false;
    size_t vector = field + lnc_le32(t->buffer.data + field);
    if (!fb_has(t->buffer, vector, 4))
        return false;
    *n = lnc_le32(t->buffer.data + vector);
    *out = (struct lnc_span){.data = t->buffer.data + vector + 4, .size = *n * element_size};
    return fb_has(t->buffer, vector + 4, out->size);
}

static int damaged(const struct lnc_ctx *cx, const char *what)
{
    return lnc_bad(cx, "the Arrow deletion file is damaged: %s", what);
}

/* Footer: the position of the only record batch. */
static int find_batch(const struct lnc_ctx *cx, struct lnc_span file, struct lnc_span *out)
{
    if (file.size < 2 * MAGIC_BYTES + 8 || memcmp(file.data, "ARROW1", MAGIC_BYTES) != 0 ||
        memcmp(file.data + file.size - MAGIC_BYTES, "ARROW1", MAGIC_BYTES) != 0)
        return damaged(cx, "no Arrow file magic");
    size_t footer_end = file.size - MAGIC_BYTES - 4;
    size_t footer_size = lnc_le32(file.data + footer_end);
    if (footer_size > footer_end)
        return damaged(cx, "the footer is larger than the file");
    struct lnc_span footer = {.data = file.data + footer_end - footer_size, .size = footer_size};
    struct table root;
    struct lnc_span blocks;
    size_t n_blocks;
    if (!fb_root(footer, &root) || !fb_vector(&root, 3, BLOCK_BYTES, &blocks, &n_blocks))
        return damaged(cx, "its footer cannot be read");
    if (n_blocks != 1)
        return damaged(cx, "it does not hold exactly one record batch");
    uint64_t offset = lnc_le64(blocks.data);
    if (offset > file.size || file.size - offset < 8)
        return damaged(cx, "the record batch lies outside of the file");
    *out = (struct lnc_span){.data = file.data + offset, .size = file.size - (size_t)offset};
    return LNC_OK;
}

/* The message in front of the body: number of rows, place of the values, compression. */
struct batch {
    uint64_t n_rows;
    struct lnc_span values;
    bool is_compressed;
    enum lnc_scheme scheme;
};

static int parse_compression(const struct lnc_ctx *cx, const struct table *record_batch,
                             struct batch *out)
{
    struct table compression;
    out->is_compressed = fb_sub(record_batch, 3, &compression);
    if (!out->is_compressed)
        return LNC_OK;
    size_t codec = fb_field(&compression, 0, 1);
    out->scheme =
        codec != 0 && compression.buffer.data[codec] == 1 ? LNC_SCHEME_ZSTD : LNC_SCHEME_LZ4;
    if (codec != 0 && compression.buffer.data[codec] > 1)
        return lnc_refuse(cx, "the deletion file is compressed with the unknown codec %u",
                          compression.buffer.data[codec]);
    return LNC_OK;
}

static int parse_batch(const struct lnc_ctx *cx, struct lnc_span message, struct batch *out)
{
    size_t prefix = lnc_le32(message.data) == UINT32_MAX ? 8 : 4;
    size_t size = lnc_le32(message.data + prefix - 4);
    struct table root;
    struct table record_batch;
    struct lnc_span buffers;
    size_t n_buffers;
    if (size > message.size - prefix)
        return damaged(cx, "the record batch is larger than the file");
    struct lnc_span meta = {.data = message.data + prefix, .size = size};
    struct lnc_span body = {.data = meta.data + size, .size = message.size - prefix - size};
    if (!fb_root(meta, &root))
        return damaged(cx, "the record batch cannot be read");
    size_t type = fb_field(&root, 1, 1);
    if (type == 0 || meta.data[type] != HEADER_RECORD_BATCH || !fb_sub(&root, 2, &record_batch) ||
        !fb_vector(&record_batch, 2, 16, &buffers, &n_buffers) || n_buffers != 2)
        return damaged(cx, "it holds something else than one column of rows");
    size_t length = fb_field(&record_batch, 0, 8);
    out->n_rows = length != 0 ? lnc_le64(meta.data + length) : 0;
    uint64_t offset = lnc_le64(buffers.data + 16);
    uint64_t values_size = lnc_le64(buffers.data + 24);
    if (!lnc_inside(offset, values_size, body.size))
        return damaged(cx, "its values lie outside of the file");
    out->values = (struct lnc_span){.data = body.data + offset, .size = (size_t)values_size};
    return parse_compression(cx, &record_batch, out);
}

static int inflate_values(const struct lnc_ctx *cx, struct batch *batch, struct lnc_buf *plain)
{
    if (!batch->is_compressed || batch->values.size == 0)
        return LNC_OK;
    if (batch->values.size < 8)
        return damaged(cx, "a compressed buffer has no room for its size");
    uint64_t size = lnc_le64(batch->values.data);
    batch->values.data += 8;
    batch->values.size -= 8;
    if (size == UINT64_MAX)
        return LNC_OK;
    uint64_t expected;
    if (!lnc_mul(batch->n_rows, 4, &expected) || size < expected)
        return damaged(cx, "the number of rows and the size of the values disagree");
    struct lnc_inflater inflater = {0};
    int rc =
        batch->scheme == LNC_SCHEME_LZ4
            ? lnc_inflate_lz4_frame(cx, batch->values, size, plain)
            : lnc_inflate_exact(cx, &inflater, batch->scheme, batch->values, (size_t)size, plain);
    lnc_inflater_release(&inflater);
    batch->values = (struct lnc_span){.data = plain->data, .size = plain->size};
    return rc;
}

int lnc_arrow_parse(const struct lnc_ctx *cx, struct lnc_span file, struct lnc_deleted *deleted)
{
    struct lnc_span message = {0};
    struct batch batch = {0};
    struct lnc_buf plain = {0};
    int rc = find_batch(cx, file, &message);
    if (rc == LNC_OK)
        rc = parse_batch(cx, message, &batch);
    if (rc == LNC_OK)
        rc = inflate_values(cx, &batch, &plain);
    if (rc == LNC_OK && batch.n_rows > batch.values.size / 4)
        rc = damaged(cx, "it has fewer values than rows");
    for (uint64_t i = 0; rc == LNC_OK && i < batch.n_rows; i++)
        rc = lnc_deleted_add(cx, deleted, lnc_le32(batch.values.data + 4 * i));
    lnc_buf_release(&plain);
    return rc;
}
