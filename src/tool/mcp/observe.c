#include "tool/mcp/mcp_int.h"

#include "base/utf8.h"

#define LEFT_OUT_CHARS 64U

/* "640 B", "12 kB", "3 MB". */
static int add_size(struct gen_buf *out, size_t n, struct gen_error *err)
{
    if (n < 1000)
        return gen_buf_printf(out, err, "%zu B", n);
    if (n < 1000000)
        return gen_buf_printf(out, err, "%zu kB", (n + 500) / 1000);
    return gen_buf_printf(out, err, "%zu MB", (n + 500000) / 1000000);
}

static size_t base64_bytes(struct gen_str data)
{
    while (data.n && data.p[data.n - 1] == '=')
        data.n--;
    return data.n / 4 * 3 + data.n % 4 * 3 / 4;
}

/* "[image image/png 12 kB]" */
static int add_binary(struct gen_buf *out, const char *kind, struct gen_str name,
                      struct gen_str type, struct gen_str data, struct gen_error *err)
{
    int rc = gen_buf_printf(out, err, "[%s", kind);
    if (rc == GEN_OK && name.n)
        rc = gen_buf_printf(out, err, " %.*s", GEN_STR_ARG(name));
    if (rc == GEN_OK && type.n)
        rc = gen_buf_printf(out, err, " %.*s", GEN_STR_ARG(type));
    if (rc == GEN_OK)
        rc = gen_buf_add_char(out, ' ', err);
    if (rc == GEN_OK)
        rc = add_size(out, base64_bytes(data), err);
    return rc ? rc : gen_buf_add_char(out, ']', err);
}

static int add_resource(struct gen_buf *out, const struct gen_json *resource, struct gen_error *err)
{
    struct gen_str text;
    if (gen_json_as_str(gen_json_get(resource, "text"), &text))
        return gen_buf_add_str(out, text, err);
    return add_binary(out, "resource", gen_json_get_str(resource, "uri"),
                      gen_json_get_str(resource, "mimeType"), gen_json_get_str(resource, "blob"),
                      err);
}

static int add_block(struct gen_buf *out, const struct gen_json *block, struct gen_error *err)
{
    struct gen_str type = gen_json_get_str(block, "type");
    struct gen_str nameless = {NULL, 0};
    if (gen_str_is(type, "text"))
        return gen_buf_add_str(out, gen_json_get_str(block, "text"), err);
    if (gen_str_is(type, "image") || gen_str_is(type, "audio"))
        return add_binary(out, gen_str_is(type, "image") ? "image" : "audio", nameless,
                          gen_json_get_str(block, "mimeType"), gen_json_get_str(block, "data"),
                          err);
    if (gen_str_is(type, "resource"))
        return add_resource(out, gen_json_get(block, "resource"), err);
    if (gen_str_is(type, "resource_link")) {
        struct gen_str name = gen_json_get_str(block, "name");
        return gen_buf_printf(out, err, "[resource %.*s%s%.*s]", GEN_STR_ARG(name),
                              name.n ? " " : "", GEN_STR_ARG(gen_json_get_str(block, "uri")));
    }
    return gen_buf_printf(out, err, "[%.*s]", GEN_STR_ARG(type));
}

/* The content says the same as `structured`: it is its serialisation, or there is none. */
static int is_serialisation(const struct gen_json *content, const struct gen_json *structured,
                            bool *is, struct gen_error *err)
{
    struct gen_str text;
    *is = gen_json_count(content) == 0;
    if (gen_json_count(content) != 1 ||
        !gen_json_as_str(gen_json_get(gen_json_at(content, 0), "text"), &text))
        return GEN_OK;
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, text, err);
    if (rc == GEN_ENOMEM)
        return rc;
    *is = rc == GEN_OK && gen_json_equal(gen_json_root(doc), structured);
    gen_json_doc_free(doc);
    return GEN_OK;
}

static bool is_inside_character(char c)
{
    return ((unsigned char)c & 0xC0U) == 0x80U;
}

int gen_observation_cap(struct gen_buf *out, struct gen_str text, size_t bytes_max, bool *is_capped,
                        struct gen_error *err)
{
    if (is_capped)
        *is_capped = text.n > bytes_max;
    if (text.n <= bytes_max)
        return gen_buf_add_str(out, text, err);
    size_t room = bytes_max > LEFT_OUT_CHARS ? bytes_max - LEFT_OUT_CHARS : 0;
    size_t head = room - room / 4;
    size_t tail = room / 4;
    while (head && is_inside_character(text.p[head]))
        head--;
    while (tail && is_inside_character(text.p[text.n - tail]))
        tail--;
    int rc = gen_buf_add_str(out, gen_str_sub(text, 0, head), err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(out, err, "\n[... %zu bytes left out ...]\n", text.n - head - tail);
    return rc ? rc : gen_buf_add_str(out, gen_str_sub(text, text.n - tail, tail), err);
}

int gen_mcp_observe(struct gen_buf *out, const struct gen_json *result, size_t bytes_max,
                    bool *is_capped, struct gen_error *err)
{
    const struct gen_json *structured = gen_json_get(result, "structuredContent");
    const struct gen_json *content = gen_json_get(result, "content");
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    bool is_same = false;
    int rc = structured ? is_serialisation(content, structured, &is_same, err) : GEN_OK;
    if (rc == GEN_OK && is_same)
        rc = gen_json_write(&text, structured, GEN_JSON_COMPACT, err);
    struct gen_json_iter it;
    const struct gen_json *block;
    gen_json_iter_init(&it, content);
    for (bool is_first = true; rc == GEN_OK && !is_same && gen_json_iter_next(&it, NULL, &block);
         is_first = false) {
        if (!is_first)
            rc = gen_buf_add_char(&text, '\n', err);
        if (rc == GEN_OK)
            rc = add_block(&text, block, err);
    }
    if (rc == GEN_OK)
        rc = gen_observation_cap(out, gen_buf_str(&text), bytes_max, is_capped, err);
    gen_buf_release(&text);
    return rc;
}
