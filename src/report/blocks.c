#include "report/blocks.h"

#include "base/gzip.h"

#include <stdlib.h>

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int gen_report_base64(struct gen_buf *out, struct gen_str data, struct gen_error *err)
{
    const unsigned char *p = (const unsigned char *)data.p;
    int rc = gen_buf_reserve(out, data.n / 3 * 4 + 4, err);
    if (rc)
        return rc;
    for (size_t i = 0; rc == GEN_OK && i < data.n; i += 3) {
        size_t left = data.n - i;
        uint32_t bits = (uint32_t)p[i] << 16;
        bits |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        bits |= left > 2 ? p[i + 2] : 0;
        const char quad[4] = {base64_digits[bits >> 18], base64_digits[bits >> 12 & 63],
                              left > 1 ? base64_digits[bits >> 6 & 63] : '=',
                              left > 2 ? base64_digits[bits & 63] : '='};
        rc = gen_buf_add(out, quad, sizeof(quad), err);
    }
    return rc;
}

/* What must not stand as it is at `p`: the escape, and in `*n` how many bytes it replaces. */
static const char *escape_of(const char *p, size_t left, size_t *n)
{
    *n = 1;
    switch (p[0]) {
    case '<':
        return "\\u003c";
    case '>':
        return "\\u003e";
    case '&':
        return "\\u0026";
    case '\xE2':
        break;
    default:
        return NULL;
    }
    if (left < 3 || p[1] != '\x80')
        return NULL;
    *n = 3;
    if (p[2] == '\xA8')
        return "\\u2028";
    return p[2] == '\xA9' ? "\\u2029" : NULL;
}

int gen_report_escape_json(struct gen_buf *out, struct gen_str json, struct gen_error *err)
{
    size_t from = 0;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < json.n;) {
        size_t n = 1;
        const char *escape = escape_of(json.p + i, json.n - i, &n);
        if (!escape) {
            i++;
            continue;
        }
        rc = gen_buf_add(out, json.p + from, i - from, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_c(out, escape, err);
        i += n;
        from = i;
    }
    return rc || from == json.n ? rc : gen_buf_add(out, json.p + from, json.n - from, err);
}

int gen_report_put(struct gen_report_page *p, struct gen_str data, struct gen_error *err)
{
    int rc = p->write(p->ud, data, err);
    if (rc == GEN_OK)
        p->n_bytes += data.n;
    return rc;
}

int gen_report_put_json(struct gen_report_page *p, const char *kind, struct gen_str json,
                        struct gen_error *err)
{
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_buf_printf(&b, err, "<script type=\"application/json\" data-kind=\"%s\">", kind);
    if (rc == GEN_OK)
        rc = gen_report_escape_json(&b, json, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&b, "</script>\n", err);
    if (rc == GEN_OK)
        rc = gen_report_put(p, gen_buf_str(&b), err);
    gen_buf_release(&b);
    return rc;
}

int gen_report_put_bytes(struct gen_report_page *p, const char *kind, size_t n_items,
                         struct gen_str data, struct gen_error *err)
{
    struct gen_buf packed = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_gzip(&packed, data, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(&b, err,
                            "<script type=\"application/octet-stream\" data-kind=\"%s\" "
                            "data-n=\"%zu\">",
                            kind, n_items);
    if (rc == GEN_OK)
        rc = gen_report_base64(&b, gen_buf_str(&packed), err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&b, "</script>\n", err);
    if (rc == GEN_OK)
        rc = gen_report_put(p, gen_buf_str(&b), err);
    gen_buf_release(&packed);
    gen_buf_release(&b);
    return rc;
}

struct gen_report_blocks gen_report_blocks_make(struct gen_report_page *page, const char *kind)
{
    return (struct gen_report_blocks){page, kind, gen_buf_make(GEN_BUF_UNLIMITED), 0};
}

int gen_report_blocks_begin_item(struct gen_report_blocks *b, struct gen_buf **out,
                                 struct gen_error *err)
{
    int rc = gen_buf_add_c(&b->text, b->n ? ",\n" : "[", err);
    if (rc == GEN_OK)
        *out = &b->text;
    return rc;
}

int gen_report_blocks_end_item(struct gen_report_blocks *b, struct gen_error *err)
{
    b->n++;
    bool is_full = b->n == GEN_REPORT_BLOCK_ITEMS || b->text.n >= GEN_REPORT_BLOCK_BYTES;
    return is_full ? gen_report_blocks_flush(b, err) : GEN_OK;
}

int gen_report_blocks_flush(struct gen_report_blocks *b, struct gen_error *err)
{
    if (b->n == 0)
        return GEN_OK;
    int rc = gen_buf_add_char(&b->text, ']', err);
    if (rc == GEN_OK)
        rc = gen_report_put_bytes(b->page, b->kind, b->n, gen_buf_str(&b->text), err);
    gen_buf_clear(&b->text);
    b->n = 0;
    return rc;
}

void gen_report_blocks_release(struct gen_report_blocks *b)
{
    gen_buf_release(&b->text);
}

int gen_report_columns_init(struct gen_report_columns *c, struct gen_report_page *page,
                            struct gen_error *err)
{
    c->page = page;
    c->n = 0;
    c->values = calloc((size_t)GEN_REPORT_N_COLUMNS * GEN_REPORT_GROUP_ROWS, sizeof(*c->values));
    return c->values ? GEN_OK : gen_nomem(err, "the columns of a report");
}

int gen_report_columns_add(struct gen_report_columns *c, const int32_t row[GEN_REPORT_N_COLUMNS],
                           struct gen_error *err)
{
    for (size_t i = 0; i < GEN_REPORT_N_COLUMNS; i++)
        c->values[i * GEN_REPORT_GROUP_ROWS + c->n] = row[i];
    return ++c->n == GEN_REPORT_GROUP_ROWS ? gen_report_columns_flush(c, err) : GEN_OK;
}

int gen_report_columns_flush(struct gen_report_columns *c, struct gen_error *err)
{
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; i < GEN_REPORT_N_COLUMNS; i++) {
        for (size_t k = 0; rc == GEN_OK && k < c->n; k++) {
            uint32_t v = (uint32_t)c->values[i * GEN_REPORT_GROUP_ROWS + k];
            const unsigned char bytes[4] = {(unsigned char)v, (unsigned char)(v >> 8),
                                            (unsigned char)(v >> 16), (unsigned char)(v >> 24)};
            rc = gen_buf_add(&b, bytes, sizeof(bytes), err);
        }
    }
    if (rc == GEN_OK && c->n)
        rc = gen_report_put_bytes(c->page, "columns", c->n, gen_buf_str(&b), err);
    c->n = 0;
    gen_buf_release(&b);
    return rc;
}

void gen_report_columns_release(struct gen_report_columns *c)
{
    free(c->values);
    c->values = NULL;
}
