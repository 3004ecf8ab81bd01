#include "datafile_int.h"

#include "pbuf_int.h"

#define TAIL_BYTES   8 /* u16 major, u16 minor, magic */
#define FOOTER_BYTES 40
#define CMO_ENTRY    16

static int refuse_version(const struct lnc_ctx *cx, unsigned major, unsigned minor)
{
    return lnc_refuse(
        cx, "the file has storage version %u.%u, newer than the newest that is read (2.2)", major,
        minor);
}

/* Which of the families a version number of the footer belongs to. */
static int classify(const struct lnc_ctx *cx, struct lnc_footer *footer)
{
    unsigned major = footer->major;
    unsigned minor = footer->minor;
    footer->is_legacy = major == 0 && minor <= 2;
    if (footer->is_legacy || (major == 0 && minor == 3) || (major == 2 && minor <= 2))
        return LNC_OK;
    return refuse_version(cx, major, minor);
}

int lnc_footer_read(struct lnc_ctx *cx, const struct lnc_source *source, struct lnc_footer *out)
{
    uint8_t bytes[FOOTER_BYTES];
    cx->at = 0;
    if (source->size < TAIL_BYTES + 8)
        return lnc_bad(cx, "the data file has only %llu bytes: it is cut off",
                       (unsigned long long)source->size);
    size_t n = source->size < FOOTER_BYTES ? TAIL_BYTES + 8 : FOOTER_BYTES;
    cx->at = source->size - n;
    int rc = source->read_at(source, source->size - n, bytes, n, cx->err);
    if (rc != LNC_OK)
        return rc;
    const uint8_t *tail = bytes + n - TAIL_BYTES;
    cx->at = source->size - 4;
    if (memcmp(tail + 4, "LANC", 4) != 0)
        return lnc_bad(
            cx,
            "the data file does not end with the magic \"LANC\": it is cut off or no Lance file");
    cx->at = source->size - TAIL_BYTES;
    struct lnc_footer footer = {.major = lnc_le16(tail), .minor = lnc_le16(tail + 2)};
    rc = classify(cx, &footer);
    if (rc != LNC_OK)
        return rc;
    if (footer.is_legacy) {
        footer.metadata = lnc_le64(tail - 8);
    } else {
        cx->at = source->size - n;
        if (n < FOOTER_BYTES)
            return lnc_bad(cx, "the data file has only %llu bytes: it is cut off",
                           (unsigned long long)source->size);
        footer.cmo_table = lnc_le64(bytes + 8);
        footer.n_columns = lnc_le32(bytes + 28);
        if (!lnc_inside(footer.cmo_table, (uint64_t)footer.n_columns * CMO_ENTRY, source->size))
            return lnc_bad(cx, "the table of %u columns lies outside of the file",
                           footer.n_columns);
    }
    *out = footer;
    return LNC_OK;
}

/* Reads the metadata message of column i to list->metadata. */
static int read_metadata(struct lnc_ctx *cx, const struct lnc_source *source,
                         const struct lnc_footer *footer, uint64_t i, struct lnc_page_list *list)
{
    uint8_t entry[CMO_ENTRY];
    cx->at = footer->cmo_table + i * CMO_ENTRY;
    if (i >= footer->n_columns)
        return lnc_bad(cx, "the manifest names column %llu of a file that has %u",
                       (unsigned long long)i, footer->n_columns);
    int rc = source->read_at(source, cx->at, entry, sizeof entry, cx->err);
    if (rc != LNC_OK)
        return rc;
    uint64_t position = lnc_le64(entry);
    uint64_t size = lnc_le64(entry + 8);
    if (!lnc_inside(position, size, source->size))
        return lnc_bad(cx, "the metadata of the column lies outside of the file");
    cx->at = position;
    rc = lnc_buf_reserve_n(cx, &list->metadata, size, 1);
    if (rc == LNC_OK)
        rc = source->read_at(source, position, list->metadata.data, (size_t)size, cx->err);
    if (rc == LNC_OK)
        list->metadata.size = (size_t)size;
    return rc;
}

static int add_page(struct lnc_ctx *cx, struct lnc_pb pb, struct lnc_page_list *list)
{
    struct lnc_span span = {.data = pb.p, .size = (size_t)(pb.end - pb.p)};
    struct lnc_pb_field f;
    uint64_t n_rows = 0;
    while (lnc_pb_next(&pb, &f)) {
        if (f.number == 3)
            n_rows = lnc_pb_uint(&pb, &f);
    }
    if (!lnc_add(list->n_rows, n_rows, &list->n_rows))
        return lnc_bad(cx, "the pages of the column have more rows than can be counted");
    list->n_pages++;
    int rc = lnc_pb_finish(cx, &pb, "ColumnMetadata.Page");
    return rc != LNC_OK ? rc : lnc_buf_append(cx, &list->pages, &span, sizeof span);
}

static int parse_metadata(struct lnc_ctx *cx, struct lnc_page_list *list)
{
    struct lnc_pb pb = lnc_pb_over(list->metadata.data, list->metadata.size);
    struct lnc_pb_field f;
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 2)
            rc = add_page(cx, lnc_pb_sub(&pb, &f), list);
    }
    return rc != LNC_OK ? rc : lnc_pb_finish(cx, &pb, "ColumnMetadata");
}

int lnc_page_list_load(struct lnc_ctx *cx, const struct lnc_source *source,
                       const struct lnc_footer *footer, uint64_t i, struct lnc_page_list *out)
{
    struct lnc_page_list list = {0};
    int rc = read_metadata(cx, source, footer, i, &list);
    if (rc == LNC_OK)
        rc = parse_metadata(cx, &list);
    if (rc != LNC_OK) {
        lnc_page_list_release(&list);
        return rc;
    }
    *out = list;
    return LNC_OK;
}

static bool url_is(struct lnc_span url, const char *name)
{
    size_t n = strlen(name);
    return url.size == n && memcmp(url.data, name, n) == 0;
}

/* google.protobuf.Any {1 type_url, 2 value}: what counts is the name after the last slash. */
static int parse_any(struct lnc_ctx *cx, struct lnc_pb any, struct lnc_page *page)
{
    struct lnc_pb_field f;
    struct lnc_span url = {.data = any.p, .size = 0};
    page->encoding = url;
    while (lnc_pb_next(&any, &f)) {
        if (f.wire != LNC_PB_BYTES)
            continue;
        if (f.number == 1)
            url = (struct lnc_span){.data = f.data, .size = f.size};
        else if (f.number == 2)
            page->encoding = (struct lnc_span){.data = f.data, .size = f.size};
    }
    int rc = lnc_pb_finish(cx, &any, "Any");
    if (rc != LNC_OK)
        return rc;
    for (size_t i = url.size; i > 0; i--) {
        if (url.data[i - 1] == '/') {
            url.data += i;
            url.size -= i;
            break;
        }
    }
    if (url_is(url, "lance.encodings.ArrayEncoding"))
        page->grammar = LNC_GRAMMAR_20;
    else if (url_is(url, "lance.encodings21.PageLayout"))
        page->grammar = LNC_GRAMMAR_21;
    else if (url_is(url, "lance.encodings.PageLayout"))
        return lnc_refuse(cx, "the page has the form of 2.1 before that was stable (Lance 0.22 to "
                              "0.32), which only the Lance that wrote it reads");
    else
        return lnc_refuse(cx, "the page is described in the grammar '%.*s', which is not read",
                          url.size < 100 ? (int)url.size : 100, (const char *)url.data);
    return LNC_OK;
}

static int parse_encoding(struct lnc_ctx *cx, struct lnc_pb pb, struct lnc_page *page)
{
    struct lnc_pb_field f;
    int rc = LNC_OK;
    bool found = false;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 1)
            return lnc_refuse(cx, "the description of the page is stored apart (indirect), which "
                                  "no known writer does");
        if (f.number != 2)
            continue;
        struct lnc_pb direct = lnc_pb_sub(&pb, &f);
        while (rc == LNC_OK && lnc_pb_next(&direct, &f)) {
            if (f.number == 1) {
                found = true;
                rc = parse_any(cx, lnc_pb_sub(&direct, &f), page);
            }
        }
        pb.bad = pb.bad || direct.bad;
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(cx, &pb, "Encoding");
    if (rc == LNC_OK && !found)
        rc = lnc_bad(cx, "the page has no description");
    return rc;
}

static int keep_buffers(struct lnc_ctx *cx, const struct lnc_buf *offsets,
                        const struct lnc_buf *sizes, struct lnc_page *page)
{
    size_t n = offsets->size / sizeof(uint64_t);
    if (offsets->size != sizes->size)
        return lnc_bad(cx, "the page has %zu buffer offsets but %zu sizes", n,
                       sizes->size / sizeof(uint64_t));
    if (n > LNC_PAGE_BUFFERS_MAX)
        return lnc_refuse(cx, "the page has %zu buffers, more than any known encoding needs", n);
    page->n_buffers = n;
    if (n > 0) {
        memcpy(page->buffer_offset, offsets->data, offsets->size);
        memcpy(page->buffer_size, sizes->data, sizes->size);
    }
    return LNC_OK;
}

int lnc_page_list_get(struct lnc_ctx *cx, const struct lnc_page_list *list, uint64_t i,
                      struct lnc_page *out)
{
    struct lnc_span span;
    memcpy(&span, list->pages.data + i * sizeof span, sizeof span);
    struct lnc_pb pb = lnc_pb_over(span.data, span.size);
    struct lnc_pb_field f;
    struct lnc_buf offsets = {0};
    struct lnc_buf sizes = {0};
    bool described = false;
    int rc = LNC_OK;
    *out = (struct lnc_page){0};
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 1) {
            rc = lnc_pb_append_uints(cx, &pb, &f, &offsets);
        } else if (f.number == 2) {
            rc = lnc_pb_append_uints(cx, &pb, &f, &sizes);
        } else if (f.number == 3) {
            out->n_rows = lnc_pb_uint(&pb, &f);
        } else if (f.number == 4) {
            described = true;
            rc = parse_encoding(cx, lnc_pb_sub(&pb, &f), out);
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(cx, &pb, "ColumnMetadata.Page");
    if (rc == LNC_OK && !described)
        rc = lnc_bad(cx, "the page has no description");
    if (rc == LNC_OK)
        rc = keep_buffers(cx, &offsets, &sizes, out);
    lnc_buf_release(&offsets);
    lnc_buf_release(&sizes);
    return rc;
}

void lnc_page_list_release(struct lnc_page_list *list)
{
    lnc_buf_release(&list->metadata);
    lnc_buf_release(&list->pages);
    *list = (struct lnc_page_list){0};
}
