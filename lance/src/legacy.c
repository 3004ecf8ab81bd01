#include "legacy_int.h"

#include "pbuf_int.h"

#define PAGE_ENTRY 16u /* i64 position, i64 length */

/* Where things are in the file. */
struct places {
    uint64_t page_table;
    uint64_t manifest; /* 0: none in the file */
};

static int read_metadata(struct lnc_ctx *cx, const struct lnc_source *source,
                         const struct lnc_footer *footer, struct lnc_buf *offsets,
                         struct places *places)
{
    uint8_t head[4];
    struct lnc_buf bytes = {0};
    cx->at = footer->metadata;
    if (!lnc_inside(footer->metadata, sizeof head, source->size))
        return lnc_bad(cx, "the metadata lies outside of the file");
    int rc = source->read_at(source, footer->metadata, head, sizeof head, cx->err);
    if (rc != LNC_OK)
        return rc;
    uint32_t size = lnc_le32(head);
    if (!lnc_inside(footer->metadata + sizeof head, size, source->size))
        return lnc_bad(cx, "the metadata of %u bytes reaches beyond the end of the file", size);
    rc = lnc_buf_reserve_n(cx, &bytes, size, 1);
    if (rc == LNC_OK)
        rc = source->read_at(source, footer->metadata + sizeof head, bytes.data, size, cx->err);
    struct lnc_pb pb = lnc_pb_over(bytes.data, rc == LNC_OK ? size : 0);
    struct lnc_pb_field f;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 2)
            rc = lnc_pb_append_uints(cx, &pb, &f, offsets);
        else if (f.number == 3)
            places->page_table = lnc_pb_uint(&pb, &f);
        else if (f.number == 1)
            places->manifest = lnc_pb_uint(&pb, &f);
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(cx, &pb, "Metadata");
    lnc_buf_release(&bytes);
    return rc;
}

static uint64_t offset_at(const struct lnc_buf *offsets, uint64_t i)
{
    return lnc_le64(offsets->data + 8 * i);
}

/* Rule 5: batches follow each other, from row 0 on. */
static int check_offsets(struct lnc_ctx *cx, const struct lnc_buf *offsets)
{
    size_t n = offsets->size / 8;
    uint64_t previous = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t row = offset_at(offsets, i);
        if ((i == 0 && row != 0) || row < previous || row > INT32_MAX)
            return lnc_bad(cx, "batch %zu starts at row %llu, after row %llu", i,
                           (unsigned long long)row, (unsigned long long)previous);
        previous = row;
    }
    return LNC_OK;
}

static int load_offsets(struct lnc_ctx *cx, const struct lnc_source *source,
                        const struct lnc_footer *footer, struct lnc_buf *offsets,
                        struct places *places)
{
    int rc = read_metadata(cx, source, footer, offsets, places);
    if (rc == LNC_OK && offsets->size == 0) {
        uint64_t none = 0;
        rc = lnc_buf_append(cx, offsets, &none, sizeof none);
    }
    return rc != LNC_OK ? rc : check_offsets(cx, offsets);
}

int lnc_legacy_count(struct lnc_ctx *cx, const struct lnc_source *source,
                     const struct lnc_footer *footer, uint64_t *out)
{
    struct lnc_buf offsets = {0};
    struct places places = {0};
    int rc = load_offsets(cx, source, footer, &offsets, &places);
    if (rc == LNC_OK)
        *out = offset_at(&offsets, offsets.size / 8 - 1);
    lnc_buf_release(&offsets);
    return rc;
}

/*
 * The page table begins with the smallest field id of the file; that of Lance 0.5 and before with
 * field 0, so that it has empty entries in front where columns were added to a table. Nothing says
 * which it is but its size, since there is nothing between it and the manifest behind it, and those
 * entries.
 */
static int first_in_table(struct lnc_ctx *cx, const struct lnc_source *source,
                          const struct lnc_data_file *file, const struct places *places,
                          uint64_t n_batches, int64_t *first)
{
    uint8_t entry[PAGE_ENTRY];
    static const uint8_t none[PAGE_ENTRY];
    int64_t smallest = INT64_MAX;
    int64_t largest = -1;
    for (size_t i = 0; i < file->n_fields; i++) {
        int32_t id = (int32_t)(uint32_t)file->field_ids[i];
        if (id < 0)
            continue;
        smallest = id < smallest ? id : smallest;
        largest = id > largest ? id : largest;
    }
    *first = smallest;
    /* All factors are below 2^32, so that this cannot overflow. */
    uint64_t from_zero = (uint64_t)(largest + 1) * n_batches * PAGE_ENTRY;
    if (smallest == 0 || largest < 0 || n_batches == 0 || places->page_table > places->manifest ||
        places->manifest - places->page_table != from_zero)
        return LNC_OK;
    int rc = source->read_at(source, places->page_table, entry, sizeof entry, cx->err);
    if (rc == LNC_OK && memcmp(entry, none, sizeof entry) == 0)
        *first = 0;
    return rc;
}

int lnc_legacy_load(struct lnc_ctx *cx, const struct lnc_source *source,
                    const struct lnc_footer *footer, const struct lnc_data_file *file, int32_t id,
                    struct lnc_legacy *out)
{
    struct lnc_legacy legacy = {0};
    struct places places = {0};
    int64_t first = 0;
    int rc = load_offsets(cx, source, footer, &legacy.batch_offsets, &places);
    if (rc == LNC_OK) {
        legacy.n_batches = legacy.batch_offsets.size / 8 - 1;
        rc = first_in_table(cx, source, file, &places, legacy.n_batches, &first);
    }
    if (rc == LNC_OK) {
        /* Both factors are below 2^31, so this cannot overflow; each read of an entry is checked
         * against the file. */
        uint64_t skipped = (uint64_t)(id - first) * legacy.n_batches * PAGE_ENTRY;
        if (!lnc_add(places.page_table, skipped, &legacy.page_table))
            rc = lnc_bad(cx, "the page table lies outside of the file");
    }
    if (rc != LNC_OK) {
        lnc_legacy_release(&legacy);
        return rc;
    }
    *out = legacy;
    return LNC_OK;
}

uint64_t lnc_legacy_rows(const struct lnc_legacy *legacy, uint64_t i)
{
    return offset_at(&legacy->batch_offsets, i + 1) - offset_at(&legacy->batch_offsets, i);
}

void lnc_legacy_release(struct lnc_legacy *legacy)
{
    lnc_buf_release(&legacy->batch_offsets);
    *legacy = (struct lnc_legacy){0};
}

struct legacy_reader {
    struct lnc_page_reader base;
    struct lnc_phys phys;
    bool nullable;
    size_t offset_size; /* of lists */
    const struct lnc_legacy_dictionary *dictionary;
    struct lnc_stream data; /* fixed width: values; variable: offsets; dictionary: keys */
    struct lnc_stream text; /* variable: from the first value to the end of the file's data */
    uint64_t last_end;      /* of text, relative to its start */
    bool has_text;
    const struct lnc_source *source;
    unsigned first_bit;
    struct lnc_buf slots;
    struct lnc_buf validity;
};

static void legacy_free(struct lnc_page_reader *reader)
{
    struct legacy_reader *r = (struct legacy_reader *)reader;
    lnc_stream_release(&r->data);
    lnc_stream_release(&r->text);
    lnc_buf_release(&r->slots);
    lnc_buf_release(&r->validity);
    lnc_free(r);
}

static int next_fixed(struct lnc_ctx *cx, struct legacy_reader *r, size_t n, struct lnc_slots *out)
{
    struct lnc_span span;
    *out = (struct lnc_slots){.n = n};
    if (r->phys.bits != 1)
        return lnc_stream_take(cx, &r->data, (uint64_t)n * r->phys.width, &out->fixed);
    size_t n_bits = n * r->phys.n_items;
    size_t end = r->first_bit + n_bits;
    int rc = lnc_stream_peek(cx, &r->data, end / 8 + (end % 8 != 0), &span);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &r->slots, n_bits, 1);
    if (rc != LNC_OK)
        return rc;
    lnc_expand_bits(span.data, r->first_bit, n_bits, r->slots.data);
    lnc_stream_skip(&r->data, end / 8);
    r->first_bit = (unsigned)(end % 8);
    out->fixed = r->slots.data;
    return LNC_OK;
}

/* Values in a row and absolute offsets: the stream over the text starts where the first one does.
 */
static int open_text(struct lnc_ctx *cx, struct legacy_reader *r, uint64_t start)
{
    r->has_text = true;
    r->last_end = 0;
    cx->at = start;
    if (start > r->source->size)
        return lnc_bad(cx, "the strings of a batch lie outside of the file");
    return lnc_stream_init(cx, &r->text, r->source, start, r->source->size - start);
}

static int next_variable(struct lnc_ctx *cx, struct legacy_reader *r, size_t n,
                         struct lnc_slots *out)
{
    struct lnc_span offsets;
    int rc = lnc_stream_peek(cx, &r->data, ((uint64_t)n + 1) * 8, &offsets);
    if (rc == LNC_OK && !r->has_text)
        rc = open_text(cx, r, lnc_le64(offsets.data));
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &r->slots, n, sizeof(struct lnc_span));
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &r->validity, n, 1);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span *spans = (struct lnc_span *)(void *)r->slots.data;
    uint64_t base = r->text.origin + r->text.position;
    uint64_t start = base;
    size_t got = 0;
    if (lnc_le64(offsets.data) != start)
        return lnc_bad(cx, "the offsets of strings are not in order");
    while (got < n) {
        uint64_t end = lnc_le64(offsets.data + 8 * (got + 1));
        if (end < start || end > r->source->size)
            return lnc_bad(cx, "a string reaches from byte %llu to %llu", (unsigned long long)start,
                           (unsigned long long)end);
        if (got > 0 && end - base > LNC_GROUP_BYTES)
            break;
        spans[got].size = (size_t)(end - start);
        /* The format cannot tell an empty string from null. */
        r->validity.data[got++] = (uint8_t)(end > start || !r->nullable);
        start = end;
    }
    lnc_stream_skip(&r->data, got * 8);
    const uint8_t *text;
    rc = lnc_stream_take(cx, &r->text, start - base, &text);
    for (size_t i = 0; rc == LNC_OK && i < got; i++) {
        spans[i].data = text;
        text += spans[i].size;
    }
    *out = (struct lnc_slots){.n = got, .validity = r->validity.data, .spans = spans};
    return rc;
}

/* Offsets of lists, one more than there are rows, as lengths. */
static int next_lengths(struct lnc_ctx *cx, struct legacy_reader *r, size_t n,
                        struct lnc_slots *out)
{
    struct lnc_span offsets;
    int rc = lnc_stream_peek(cx, &r->data, ((uint64_t)n + 1) * r->offset_size, &offsets);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &r->slots, n, sizeof(uint64_t));
    if (rc != LNC_OK)
        return rc;
    uint64_t start = lnc_load_uint(offsets.data, r->offset_size, 0);
    for (size_t i = 0; i < n; i++) {
        uint64_t end = lnc_load_uint(offsets.data, r->offset_size, i + 1);
        uint64_t length = end - start;
        if (end < start)
            return lnc_bad(cx, "the offsets of lists are not in order");
        memcpy(r->slots.data + i * sizeof length, &length, sizeof length);
        start = end;
    }
    lnc_stream_skip(&r->data, n * r->offset_size);
    *out = (struct lnc_slots){.n = n, .fixed = r->slots.data};
    return LNC_OK;
}

/* Numbers by their keys; they have no nulls. */
static int next_numbers(struct lnc_ctx *cx, struct legacy_reader *r, const uint8_t *keys, size_t n,
                        struct lnc_slots *out)
{
    size_t width = r->phys.width;
    int rc = lnc_buf_reserve_n(cx, &r->slots, n, width);
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        uint64_t key = lnc_load_uint(keys, r->phys.key_bits / 8, i);
        if (key >= r->dictionary->n_items)
            return lnc_bad(cx, "dictionary index %llu of %llu", (unsigned long long)key,
                           (unsigned long long)r->dictionary->n_items);
        memcpy(r->slots.data + i * width, r->dictionary->bytes.data + key * width, width);
    }
    *out = (struct lnc_slots){.n = n, .fixed = r->slots.data};
    return rc;
}

static int next_dictionary(struct lnc_ctx *cx, struct legacy_reader *r, size_t n,
                           struct lnc_slots *out)
{
    size_t width = r->phys.key_bits / 8;
    const uint8_t *keys;
    int rc = lnc_stream_take(cx, &r->data, (uint64_t)n * width, &keys);
    if (rc == LNC_OK && !r->phys.is_var)
        return next_numbers(cx, r, keys, n, out);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &r->slots, n, sizeof(struct lnc_span));
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &r->validity, n, 1);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span *spans = (struct lnc_span *)(void *)r->slots.data;
    const struct lnc_span *items = (const struct lnc_span *)(const void *)r->dictionary->spans.data;
    for (size_t i = 0; i < n; i++) {
        uint64_t key = lnc_load_uint(keys, width, i);
        if (key >= r->dictionary->n_items)
            return lnc_bad(cx, "dictionary index %llu of %llu", (unsigned long long)key,
                           (unsigned long long)r->dictionary->n_items);
        spans[i] = items[key];
        r->validity.data[i] = (uint8_t)(items[key].size > 0 || !r->nullable);
    }
    *out = (struct lnc_slots){.n = n, .validity = r->validity.data, .spans = spans};
    return LNC_OK;
}

static int legacy_next(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                       struct lnc_slots *out)
{
    struct legacy_reader *r = (struct legacy_reader *)reader;
    size_t n = n_max < LNC_SLOTS_MAX ? n_max : LNC_SLOTS_MAX;
    if (r->phys.is_null) {
        *out = (struct lnc_slots){.n = n, .all_null = true};
        return LNC_OK;
    }
    if (r->phys.is_lengths)
        return next_lengths(cx, r, n, out);
    if (r->dictionary != NULL)
        return next_dictionary(cx, r, n, out);
    if (r->phys.is_var)
        return next_variable(cx, r, n, out);
    if (r->phys.width > 0 && n > LNC_GROUP_BYTES / r->phys.width + 1)
        n = LNC_GROUP_BYTES / r->phys.width + 1;
    return next_fixed(cx, r, n, out);
}

/* Where the first list of a batch starts; items before it are not of this batch. */
static int read_first_item(struct lnc_ctx *cx, struct legacy_reader *r)
{
    struct lnc_span span;
    int rc = lnc_stream_peek(cx, &r->data, r->offset_size, &span);
    if (rc == LNC_OK)
        r->base.first_item = lnc_load_uint(span.data, r->offset_size, 0);
    return rc;
}

/* Bytes of `length` values, or offsets, of the page. */
static int page_size(struct lnc_ctx *cx, const struct legacy_reader *r, uint64_t length,
                     uint64_t *out)
{
    uint64_t bits =
        r->dictionary != NULL ? r->phys.key_bits : (uint64_t)r->phys.bits * r->phys.n_items;
    if (r->phys.is_lengths)
        bits = r->offset_size * 8;
    bool is_text = r->phys.is_var && r->dictionary == NULL;
    if (is_text)
        bits = 64;
    uint64_t n = length;
    if ((is_text && !lnc_add(length, 1, &n)) || !lnc_mul(n, bits, out))
        return lnc_bad(cx, "a batch has too many rows");
    *out = *out / 8 + (*out % 8 != 0);
    return LNC_OK;
}

static int open_stream(struct lnc_ctx *cx, struct legacy_reader *r,
                       const struct lnc_legacy_job *job, uint64_t *n_rows)
{
    uint8_t entry[PAGE_ENTRY];
    uint64_t at = job->legacy->page_table + job->batch * PAGE_ENTRY;
    cx->at = at;
    if (!lnc_inside(at, PAGE_ENTRY, r->source->size))
        return lnc_bad(cx, "the page table lies outside of the file");
    int rc = r->source->read_at(r->source, at, entry, sizeof entry, cx->err);
    if (rc != LNC_OK)
        return rc;
    uint64_t position = lnc_le64(entry);
    uint64_t length = lnc_le64(entry + 8);
    uint64_t rows = lnc_legacy_rows(job->legacy, job->batch);
    uint64_t got = r->phys.is_lengths && length > 0 ? length - 1 : length;
    /* Lance 0.22 and before wrote the fields of a struct that was cut from a longer one to the end:
     * those of the rows come first, as the official client reads them. */
    if (!job->any_rows && got > rows)
        got = rows;
    if (!job->any_rows && got != rows)
        return lnc_bad(cx, "batch %llu has %llu rows, the page of the column %llu",
                       (unsigned long long)job->batch, (unsigned long long)rows,
                       (unsigned long long)got);
    uint64_t size;
    rc = page_size(cx, r, length, &size);
    /* An empty page may have no place at all. */
    if (rc == LNC_OK && got > 0)
        rc = lnc_stream_init(cx, &r->data, r->source, position, size);
    if (rc == LNC_OK && got > 0 && r->phys.is_lengths)
        rc = read_first_item(cx, r);
    *n_rows = got;
    return rc;
}

int lnc_legacy_open(struct lnc_ctx *cx, const struct lnc_legacy_job *job, uint64_t *n_rows,
                    struct lnc_page_reader **out)
{
    struct legacy_reader *r = lnc_calloc(cx, 1, sizeof *r);
    if (r == NULL)
        return lnc_no_memory(cx, sizeof *r);
    r->base = (struct lnc_page_reader){.next = legacy_next, .free = legacy_free};
    r->phys = *job->phys;
    r->nullable = job->nullable;
    r->offset_size = job->is_large ? 8 : 4;
    r->source = job->source;
    r->dictionary = job->dictionary;
    int rc = open_stream(cx, r, job, n_rows);
    if (rc != LNC_OK) {
        legacy_free(&r->base);
        return rc;
    }
    *out = &r->base;
    return LNC_OK;
}

/* n + 1 absolute offsets at the field's position, and the strings between the first and the last of
 * them. */
static int read_strings(struct lnc_ctx *cx, const struct lnc_source *file,
                        const struct lnc_field *field, struct lnc_buf *offsets,
                        struct lnc_legacy_dictionary *out)
{
    uint64_t n = field->v1_dictionary_length;
    uint64_t position = field->v1_dictionary_offset;
    cx->at = position;
    if (n >= file->size / 8 || !lnc_inside(position, (n + 1) * 8, file->size))
        return lnc_bad(cx, "the dictionary of %llu items lies outside of the file",
                       (unsigned long long)n);
    int rc = lnc_buf_reserve_n(cx, offsets, n + 1, 8);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &out->spans, n, sizeof(struct lnc_span));
    if (rc == LNC_OK)
        rc = file->read_at(file, position, offsets->data, (size_t)(n + 1) * 8, cx->err);
    if (rc != LNC_OK)
        return rc;
    uint64_t first = lnc_le64(offsets->data);
    uint64_t last = lnc_le64(offsets->data + 8 * n);
    if (last < first || !lnc_inside(first, last - first, file->size))
        return lnc_bad(cx, "the items of the dictionary lie outside of the file");
    rc = lnc_buf_reserve_n(cx, &out->bytes, last - first, 1);
    if (rc == LNC_OK)
        rc = file->read_at(file, first, out->bytes.data, (size_t)(last - first), cx->err);
    if (rc != LNC_OK)
        return rc;
    struct lnc_span *spans = (struct lnc_span *)(void *)out->spans.data;
    uint64_t start = first;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t end = lnc_le64(offsets->data + 8 * (i + 1));
        if (end < start || end > last)
            return lnc_bad(cx, "item %llu of the dictionary is out of order",
                           (unsigned long long)i);
        spans[i] = (struct lnc_span){.data = out->bytes.data + (start - first),
                                     .size = (size_t)(end - start)};
        start = end;
    }
    out->n_items = n;
    return LNC_OK;
}

/* Numbers stand as they are. */
static int read_numbers(struct lnc_ctx *cx, const struct lnc_source *file,
                        const struct lnc_field *field, const struct lnc_phys *phys,
                        struct lnc_legacy_dictionary *out)
{
    uint64_t size;
    cx->at = field->v1_dictionary_offset;
    if (phys->bits == 1)
        return lnc_refuse(cx,
                          "the column is a dictionary of bool in a file of storage version 0.1");
    if (!lnc_mul(field->v1_dictionary_length, phys->width, &size) ||
        !lnc_inside(field->v1_dictionary_offset, size, file->size))
        return lnc_bad(cx, "the dictionary of %llu items lies outside of the file",
                       (unsigned long long)field->v1_dictionary_length);
    int rc = lnc_buf_reserve_n(cx, &out->bytes, size, 1);
    if (rc == LNC_OK && size > 0)
        rc = file->read_at(file, field->v1_dictionary_offset, out->bytes.data, (size_t)size,
                           cx->err);
    out->n_items = field->v1_dictionary_length;
    return rc;
}

int lnc_legacy_dictionary_load(struct lnc_ctx *cx, const struct lnc_source *manifest,
                               const struct lnc_field *field, const struct lnc_phys *phys,
                               struct lnc_legacy_dictionary *out)
{
    struct lnc_legacy_dictionary dictionary = {0};
    struct lnc_buf offsets = {0};
    int rc = phys->is_var ? read_strings(cx, manifest, field, &offsets, &dictionary)
                          : read_numbers(cx, manifest, field, phys, &dictionary);
    lnc_buf_release(&offsets);
    if (rc != LNC_OK) {
        lnc_legacy_dictionary_release(&dictionary);
        return rc;
    }
    *out = dictionary;
    return LNC_OK;
}

void lnc_legacy_dictionary_release(struct lnc_legacy_dictionary *dictionary)
{
    lnc_buf_release(&dictionary->bytes);
    lnc_buf_release(&dictionary->spans);
    *dictionary = (struct lnc_legacy_dictionary){0};
}
