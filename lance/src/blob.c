#include "page_int.h"

/*
 * Blobs: a page holds a description for each value, the bytes lie elsewhere (lance-format.md 4.5).
 *
 * Version 1 (2.0 to 2.2): position and size in the data file, 8 bytes each. A size of 0 with a
 * position other than 0 is null. Version 2 (2.2): also a kind, which tells whether the bytes lie in
 * the data file, in a file beside it, or at a URI of the writer's.
 */

#define DESCRIPTION_V1 ((size_t)16)

/* Members of PageLayout. */
enum layout { LAYOUT_CONSTANT = 2, LAYOUT_FULLZIP = 3, LAYOUT_BLOB = 4 };

/* Of version 2. */
enum blob_kind { BLOB_INLINE = 0, BLOB_PACKED = 1, BLOB_DEDICATED = 2, BLOB_EXTERNAL = 3 };

struct description {
    bool is_null;
    unsigned kind;
    uint64_t position;
    uint64_t size;
    uint32_t file;
};

struct blob_reader {
    struct lnc_page_reader base;
    const struct lnc_source *source; /* the data file */
    const struct lnc_store *store;
    const char *path; /* of the data file; belongs to its lnc_open_file */
    struct lnc_page_reader *inner;
    bool is_v2;
    uint64_t null_position; /* version 1 */
    struct lnc_slots slots; /* descriptions in hand */
    size_t taken;
    struct lnc_source beside; /* the last file beside the data file that was needed */
    uint32_t beside_number;
    struct lnc_buf beside_path;
    struct lnc_buf bytes;
    struct lnc_buf spans;
    struct lnc_buf validity;
};

static void blob_free(struct lnc_page_reader *reader)
{
    struct blob_reader *b = (struct blob_reader *)reader;
    if (b->inner != NULL)
        b->inner->free(b->inner);
    lnc_source_release(&b->beside);
    lnc_buf_release(&b->beside_path);
    lnc_buf_release(&b->bytes);
    lnc_buf_release(&b->spans);
    lnc_buf_release(&b->validity);
    lnc_free(b);
}

static int check_inside(struct lnc_ctx *cx, const struct description *d,
                        const struct lnc_source *source)
{
    if (lnc_inside(d->position, d->size, source->size))
        return LNC_OK;
    return lnc_bad(cx, "a blob of %llu bytes at %llu reaches beyond the end of its file of %llu",
                   (unsigned long long)d->size, (unsigned long long)d->position,
                   (unsigned long long)source->size);
}

static int describe(struct lnc_ctx *cx, const struct blob_reader *b, size_t i,
                    struct description *out)
{
    const struct lnc_slots *slots = &b->slots;
    *out = (struct description){.kind = BLOB_INLINE};
    if (slots->all_null || (slots->validity != NULL && slots->validity[i] == 0)) {
        out->is_null = true;
        return LNC_OK;
    }
    if (!b->is_v2) {
        if (slots->fixed == NULL)
            return lnc_bad(cx, "the page has no descriptions of blobs");
        const uint8_t *p = slots->fixed + i * DESCRIPTION_V1;
        out->position = lnc_le64(p);
        out->size = lnc_le64(p + 8);
        out->is_null = out->size == 0 && out->position != 0;
        if (out->is_null && out->position != b->null_position)
            return lnc_bad(cx, "a blob without bytes lies at %llu",
                           (unsigned long long)out->position);
        return out->is_null ? LNC_OK : check_inside(cx, out, b->source);
    }
    if (slots->spans == NULL)
        return lnc_bad(cx, "the page has no descriptions of blobs");
    struct lnc_span span = slots->spans[i];
    if (span.size < LNC_BLOB_BYTES_MIN || lnc_le32(span.data + 21) != span.size - 25)
        return lnc_bad(cx, "the description of a blob has %zu bytes", span.size);
    out->kind = span.data[0];
    out->position = lnc_le64(span.data + 1);
    out->size = lnc_le64(span.data + 9);
    out->file = lnc_le32(span.data + 17);
    if (out->kind == BLOB_EXTERNAL)
        return lnc_refuse(cx, "a blob lies outside of the table (%.*s), which is not read",
                          span.size - 25 < 100 ? (int)(span.size - 25) : 100,
                          (const char *)span.data + 25);
    if (out->kind > BLOB_EXTERNAL)
        return lnc_refuse(cx, "a blob is of the unknown kind %u", out->kind);
    return out->kind == BLOB_INLINE ? check_inside(cx, out, b->source) : LNC_OK;
}

/* <data file without .lance>/<number>.blob, the number as 32 bits, the lowest one first. */
static int name_beside(struct lnc_ctx *cx, struct blob_reader *b, uint32_t number)
{
    size_t size = strlen(b->path);
    char name[32 + sizeof "/.blob"];
    if (size <= 6 || strcmp(b->path + size - 6, ".lance") != 0)
        return lnc_bad(cx, "the name of the data file does not end in .lance");
    name[0] = '/';
    for (unsigned i = 0; i < 32; i++)
        name[1 + i] = (number >> i) % 2 != 0 ? '1' : '0';
    memcpy(name + 33, ".blob", sizeof ".blob");
    b->beside_path.size = 0;
    int rc = lnc_buf_append(cx, &b->beside_path, b->path, size - 6);
    return rc != LNC_OK ? rc : lnc_buf_append(cx, &b->beside_path, name, sizeof name);
}

static int open_beside(struct lnc_ctx *cx, struct blob_reader *b, uint32_t number)
{
    if (b->beside.read_at != NULL && b->beside_number == number)
        return LNC_OK;
    lnc_source_release(&b->beside);
    b->beside = (struct lnc_source){0};
    if (b->store == NULL)
        return lnc_refuse(cx, "a blob lies in a file of its own");
    int rc = name_beside(cx, b, number);
    if (rc == LNC_OK)
        rc = b->store->open(b->store, (const char *)b->beside_path.data, &b->beside, cx->err);
    b->beside_number = number;
    return rc;
}

static int read_blob(struct lnc_ctx *cx, struct blob_reader *b, const struct description *d,
                     uint8_t *dst)
{
    const struct lnc_source *source = b->source;
    if (d->size == 0)
        return LNC_OK;
    if (d->kind != BLOB_INLINE) {
        int rc = open_beside(cx, b, d->file);
        if (rc != LNC_OK)
            return rc;
        source = &b->beside;
    }
    int rc = check_inside(cx, d, source);
    return rc != LNC_OK ? rc : source->read_at(source, d->position, dst, (size_t)d->size, cx->err);
}

/* How many of the descriptions in hand make the next group, and how many bytes they have. */
static int measure(struct lnc_ctx *cx, const struct blob_reader *b, size_t *n, uint64_t *total)
{
    size_t room = *n;
    *total = 0;
    for (*n = 0; *n < room; ++*n) {
        struct description d;
        uint64_t sum;
        int rc = describe(cx, b, b->taken + *n, &d);
        if (rc != LNC_OK)
            return rc;
        if (d.is_null)
            continue;
        if (!lnc_add(*total, d.size, &sum))
            return lnc_bad(cx, "a blob has %llu bytes", (unsigned long long)d.size);
        if (*n > 0 && sum > LNC_GROUP_BYTES)
            return LNC_OK;
        *total = sum;
    }
    return LNC_OK;
}

static int blob_next(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                     struct lnc_slots *out)
{
    struct blob_reader *b = (struct blob_reader *)reader;
    int rc = LNC_OK;
    if (b->taken == b->slots.n) {
        b->slots = (struct lnc_slots){0};
        b->taken = 0;
        rc = b->inner->next(b->inner, cx, n_max, &b->slots);
    }
    size_t n = b->slots.n - b->taken;
    uint64_t total = 0;
    n = n < n_max ? n : n_max;
    n = n < LNC_SLOTS_MAX ? n : LNC_SLOTS_MAX;
    if (rc == LNC_OK)
        rc = measure(cx, b, &n, &total);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &b->spans, n, sizeof(struct lnc_span));
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &b->validity, n, 1);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &b->bytes, total + 1, 1);
    struct lnc_span *spans = (struct lnc_span *)(void *)b->spans.data;
    uint8_t *dst = b->bytes.data;
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        struct description d;
        rc = describe(cx, b, b->taken + i, &d);
        uint64_t size = rc != LNC_OK || d.is_null ? 0 : d.size;
        if (rc == LNC_OK)
            rc = read_blob(cx, b, &d, dst);
        if (rc != LNC_OK)
            return rc;
        b->validity.data[i] = (uint8_t)!d.is_null;
        spans[i] = (struct lnc_span){.data = dst, .size = (size_t)size};
        dst += size;
    }
    if (rc != LNC_OK)
        return rc;
    b->taken += n;
    *out = (struct lnc_slots){.n = n, .validity = b->validity.data, .spans = spans};
    return LNC_OK;
}

/* {1: layout of the descriptions, 2: layers} */
static int parse_blob_layout(struct lnc_ctx *cx, struct blob_reader *b, struct lnc_pb pb,
                             struct lnc_page *page)
{
    struct lnc_pb_field f;
    struct lnc_buf list = {0};
    struct lnc_layers layers;
    int rc = LNC_OK;
    page->encoding = (struct lnc_span){0};
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 1) {
            struct lnc_pb inner = lnc_pb_sub(&pb, &f);
            page->encoding =
                (struct lnc_span){.data = inner.p, .size = (size_t)(inner.end - inner.p)};
        } else if (f.number == 2) {
            rc = lnc_pb_append_uints(cx, &pb, &f, &list);
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(cx, &pb, "BlobLayout");
    if (rc == LNC_OK)
        rc = lnc_layers_parse(cx, &list, NULL, &layers);
    /* Definition levels lie above repetition levels. */
    if (rc == LNC_OK && layers.n_def > 0)
        b->null_position = (uint64_t)1 << 16;
    lnc_buf_release(&list);
    return rc;
}

/* Which layout a page has, and its message. */
static int find_layout(struct lnc_ctx *cx, const struct lnc_page *page, uint32_t *member,
                       struct lnc_pb *layout)
{
    struct lnc_pb pb = lnc_pb_over(page->encoding.data, page->encoding.size);
    struct lnc_pb_field f;
    *member = 0;
    while (lnc_pb_next(&pb, &f)) {
        *member = f.number;
        *layout = lnc_pb_sub(&pb, &f);
    }
    return lnc_pb_finish(cx, &pb, "PageLayout");
}

static int open_inner(struct lnc_ctx *cx, struct blob_reader *b, const struct lnc_page_job *job)
{
    static const struct lnc_phys v1 = {
        .bits = 8 * DESCRIPTION_V1, .n_items = 1, .width = DESCRIPTION_V1, .is_packed = true};
    static const struct lnc_phys v2 = {.is_var = true, .is_blob_text = true};
    struct lnc_page page = *job->page;
    struct lnc_page_job inner = {.source = job->source, .page = &page, .phys = &v1};
    struct lnc_pb layout = {0};
    uint32_t member = 0;
    if (page.grammar == LNC_GRAMMAR_20) {
        b->null_position = 1;
        return lnc_array20_open(cx, &inner, &b->inner);
    }
    int rc = find_layout(cx, &page, &member, &layout);
    if (rc != LNC_OK)
        return rc;
    if (!b->is_v2) {
        rc = parse_blob_layout(cx, b, layout, &page);
        return rc != LNC_OK ? rc : lnc_page21_open(cx, &inner, &b->inner);
    }
    if (member == LAYOUT_CONSTANT)
        return lnc_constant_open(cx, &inner, layout, &b->inner);
    if (member != LAYOUT_FULLZIP)
        return lnc_refuse(cx, "the page has blobs in a layout that is not read (member %u)",
                          member);
    inner.phys = &v2;
    return lnc_fullzip_open(cx, &inner, layout, &b->inner);
}

/* Version 1 is asked for by metadata of the field, which old writers carry along without heeding
 * it, and no writer heeds it in a page of nothing but nulls: the bytes then lie in the page as
 * those of any other column. */
static int find_aside(struct lnc_ctx *cx, const struct lnc_page_job *job, bool *is_aside)
{
    struct lnc_pb layout;
    uint32_t member;
    *is_aside = true;
    if (job->phys->is_blob_v2)
        return LNC_OK;
    if (job->page->grammar == LNC_GRAMMAR_20) {
        *is_aside = lnc_array20_is_packed(job->page);
        return LNC_OK;
    }
    int rc = find_layout(cx, job->page, &member, &layout);
    *is_aside = member == LAYOUT_BLOB;
    return rc;
}

int lnc_blob_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_page_reader **out)
{
    static const struct lnc_phys bytes = {.is_var = true};
    bool is_aside;
    if (job->path != NULL)
        return lnc_refuse(cx, "the column has blobs inside of a list or a struct");
    int rc = find_aside(cx, job, &is_aside);
    if (rc != LNC_OK)
        return rc;
    if (!is_aside) {
        struct lnc_page_job plain = *job;
        plain.phys = &bytes;
        return lnc_page_open(cx, &plain, out);
    }
    struct blob_reader *b = lnc_calloc(cx, 1, sizeof *b);
    if (b == NULL)
        return lnc_no_memory(cx, sizeof *b);
    b->base = (struct lnc_page_reader){.next = blob_next, .free = blob_free};
    b->source = job->source;
    b->store = job->store;
    b->path = cx->file;
    b->is_v2 = job->phys->is_blob_v2;
    rc = open_inner(cx, b, job);
    if (rc != LNC_OK) {
        blob_free(&b->base);
        return rc;
    }
    *out = &b->base;
    return LNC_OK;
}
