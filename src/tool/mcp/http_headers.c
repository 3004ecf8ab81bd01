#include "tool/mcp/http_headers.h"

#include <stdio.h>
#include <stdlib.h>

#define NESTING_MAX     8U
#define VALUE_BYTES_MAX 8192U

int gen_mcp_headers_add(struct gen_mcp_headers *h, const char *line, struct gen_error *err)
{
    if (h->n == GEN_MCP_HEADERS_MAX)
        return gen_fail(err, GEN_ELIMIT, "a request to an MCP server has more than %u headers",
                        GEN_MCP_HEADERS_MAX);
    h->lines[h->n++] = line;
    return GEN_OK;
}

static bool is_plain(struct gen_str value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < 0x20 || value.p[i] > 0x7e)
            return false;
    }
    return gen_str_trim(value).n == value.n &&
           !(gen_str_starts(value, GEN_STR("=?base64?")) && gen_str_ends(value, GEN_STR("?=")));
}

static int add_base64(struct gen_buf *out, struct gen_str data, struct gen_error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < data.n; i += 3) {
        size_t n = data.n - i < 3 ? data.n - i : 3;
        unsigned bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)data.p[i + k] : 0U);
        const char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                              n > 1 ? digits[bits >> 6 & 63] : '=',
                              n > 2 ? digits[bits & 63] : '='};
        rc = gen_buf_add(out, four, 4, err);
    }
    return rc;
}

int gen_mcp_headers_put(struct gen_mcp_headers *h, const char *name, struct gen_str value,
                        struct gen_error *err)
{
    struct gen_buf line = gen_buf_make(2 * VALUE_BYTES_MAX);
    if (value.n > VALUE_BYTES_MAX)
        return gen_fail(err, GEN_ELIMIT, "the value of the header %s is over %u bytes", name,
                        VALUE_BYTES_MAX);
    int rc = gen_buf_printf(&line, err, "%s: ", name);
    if (rc == GEN_OK && is_plain(value))
        rc = gen_buf_add_str(&line, value, err);
    else if (rc == GEN_OK) {
        rc = gen_buf_add_c(&line, "=?base64?", err);
        if (rc == GEN_OK)
            rc = add_base64(&line, value, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_c(&line, "?=", err);
    }
    const char *kept = rc == GEN_OK ? gen_arena_dup(&h->arena, gen_buf_str(&line)) : NULL;
    gen_buf_release(&line);
    if (rc == GEN_OK && !kept)
        rc = gen_nomem(err, "a header");
    return rc ? rc : gen_mcp_headers_add(h, kept, err);
}

static int put_param(struct gen_mcp_headers *h, struct gen_str header, const struct gen_json *value,
                     struct gen_error *err)
{
    char name[160], number[32];
    struct gen_str text;
    int64_t integer = 0;
    bool is_true = false;
    (void)snprintf(name, sizeof(name), "Mcp-Param-%.*s", GEN_STR_ARG(gen_str_sub(header, 0, 128)));
    if (gen_json_as_str(value, &text))
        return gen_mcp_headers_put(h, name, text, err);
    if (gen_json_as_int(value, &integer)) {
        (void)snprintf(number, sizeof(number), "%lld", (long long)integer);
        return gen_mcp_headers_put(h, name, gen_str_from(number), err);
    }
    if (gen_json_as_bool(value, &is_true))
        return gen_mcp_headers_put(h, name, is_true ? GEN_STR("true") : GEN_STR("false"), err);
    return GEN_OK;
}

static int put_level(struct gen_mcp_headers *h, const struct gen_json *schema,
                     const struct gen_json *arguments, unsigned depth, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key, header;
    const struct gen_json *value;
    int rc = GEN_OK;
    gen_json_iter_init(&it, arguments);
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &value)) {
        char *name = gen_str_dup(key);
        if (!name)
            return gen_nomem(err, "a name");
        const struct gen_json *property = gen_json_get(gen_json_get(schema, "properties"), name);
        free(name);
        if (gen_json_as_str(gen_json_get(property, "x-mcp-header"), &header))
            rc = put_param(h, header, value, err);
        else if (property && gen_json_type(value) == GEN_JSON_OBJECT && depth < NESTING_MAX)
            rc = put_level(h, property, value, depth + 1, err);
    }
    return rc;
}

int gen_mcp_headers_put_params(struct gen_mcp_headers *h, const struct gen_json *schema,
                               const struct gen_json *arguments, struct gen_error *err)
{
    return put_level(h, schema, arguments, 0, err);
}
