#include "tool/execute/operation.h"

#include "tool/execute/serialise.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>

#define URL_BYTES_MAX  16384U
#define BODY_BYTES_MAX ((size_t)64 << 20)
#define PART_BYTES_MAX ((size_t)1 << 20)

struct gen_str gen_operation_method(const struct gen_tool *tool)
{
    return gen_json_get_str(gen_json_get(tool->definition, "http"), "method");
}

/* ---- the base ---- */

/* "." and "..", also as %2e. */
static bool is_dot_segment(struct gen_str segment)
{
    size_t n = 0;
    while (segment.n) {
        bool is_plain = segment.p[0] == '.';
        bool is_encoded = gen_str_eq_nocase(gen_str_sub(segment, 0, 3), GEN_STR("%2e"));
        if (!is_plain && !is_encoded)
            return false;
        segment = gen_str_sub(segment, is_plain ? 1 : 3, segment.n);
        n++;
    }
    return n == 1 || n == 2;
}

/* `separators`: what ends a segment. */
static bool has_dot_segment(struct gen_str path, const char *separators)
{
    size_t from = 0;
    for (size_t i = 0; i <= path.n; i++) {
        if (i < path.n && !strchr(separators, path.p[i]))
            continue;
        if (is_dot_segment(gen_str_sub(path, from, i - from)))
            return true;
        from = i + 1;
    }
    return false;
}

int gen_operation_check_base(const char *url, struct gen_error *err)
{
    struct gen_str text = gen_str_from(url);
    size_t n = gen_str_eq_nocase(gen_str_sub(text, 0, 7), GEN_STR("http://"))    ? 7
               : gen_str_eq_nocase(gen_str_sub(text, 0, 8), GEN_STR("https://")) ? 8
                                                                                 : 0;
    struct gen_str rest = gen_str_sub(text, n, text.n);
    if (n == 0 || rest.n == 0 || rest.p[0] == '/')
        return gen_fail(err, GEN_EUSAGE, "'%.200s' is no http:// or https:// URL of an API", url);
    for (size_t i = 0; i < rest.n; i++) {
        unsigned char c = (unsigned char)rest.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("@?#\\", c))
            return gen_fail(err, GEN_EUSAGE,
                            "the base URL of an API has no user, query, fragment or blanks; give "
                            "keys by --header or in the environment");
    }
    if (has_dot_segment(rest, "/"))
        return gen_fail(err, GEN_EUSAGE, "the base URL '%.200s' has a . or .. in its path", url);
    return GEN_OK;
}

/* ---- headers ---- */

static bool is_token(struct gen_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return name.n > 0;
}

/* Those that belong to the connection or to the user. */
static bool is_reserved(struct gen_str name)
{
    static const char *const names[] = {"host",       "content-length", "transfer-encoding",
                                        "connection", "authorization",  "proxy-authorization",
                                        "cookie",     "upgrade",        "te",
                                        "trailer",    "expect",         "content-type"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_eq_nocase(name, gen_str_from(names[i])))
            return true;
    }
    return false;
}

static int put_header(struct gen_operation *op, struct gen_str name, struct gen_str value,
                      struct gen_error *err)
{
    if (op->n_headers == GEN_OPERATION_HEADERS_MAX)
        return gen_fail(err, GEN_ELIMIT, "a request has more than %u headers",
                        GEN_OPERATION_HEADERS_MAX);
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return gen_fail(err, GEN_EINPUT,
                            "the value of the header %.*s has a line break or another control "
                            "character at byte %zu",
                            GEN_STR_ARG(gen_str_sub(name, 0, 100)), i);
    }
    char *line = gen_arena_alloc(&op->arena, name.n + value.n + 3);
    if (!line)
        return gen_nomem(err, "a header");
    (void)snprintf(line, name.n + value.n + 3, "%.*s: %.*s", GEN_STR_ARG(name), GEN_STR_ARG(value));
    op->headers[op->n_headers++] = line;
    return GEN_OK;
}

int gen_operation_add_header(struct gen_operation *op, struct gen_str name, struct gen_str value,
                             struct gen_error *err)
{
    if (!is_token(name))
        return gen_fail(err, GEN_EINPUT, "'%.*s' is no name of a header",
                        GEN_STR_ARG(gen_str_sub(name, 0, 100)));
    return put_header(op, name, value, err);
}

/* ---- the path ---- */

static const struct gen_json *argument(const struct gen_json *arguments, struct gen_str name)
{
    const struct gen_json *v = gen_json_get_n(arguments, name);
    return gen_json_type(v) == GEN_JSON_NULL ? NULL : v;
}

/* A parameter of a place with its value, in the order of the definition. */
struct placed {
    struct gen_param_style style;
    const struct gen_json *value;
};

struct placed_iter {
    struct gen_json_iter it;
    const struct gen_json *arguments;
    const char *place;
};

static struct placed_iter placed_begin(const struct gen_tool *tool,
                                       const struct gen_json *arguments, const char *place)
{
    struct placed_iter p = {.arguments = arguments, .place = place};
    gen_json_iter_init(&p.it, gen_json_get(tool->definition, "parameters"));
    return p;
}

static bool placed_next(struct placed_iter *p, struct placed *out)
{
    const struct gen_json *parameter;
    while (gen_json_iter_next(&p->it, NULL, &parameter)) {
        if (!gen_str_is(gen_json_get_str(parameter, "in"), p->place))
            continue;
        out->value = argument(p->arguments, gen_json_get_str(parameter, "name"));
        out->style = gen_param_style_of(parameter);
        if (out->value)
            return true;
    }
    return false;
}

static int add_path_value(struct gen_buf *url, const struct gen_tool *tool,
                          const struct gen_json *arguments, struct gen_str name,
                          struct gen_error *err)
{
    struct placed_iter it = placed_begin(tool, arguments, "path");
    struct placed p;
    while (placed_next(&it, &p)) {
        if (!gen_str_eq(p.style.name, name))
            continue;
        struct gen_buf raw = gen_buf_make(PART_BYTES_MAX);
        size_t before = url->n;
        int rc = gen_param_plain(p.value, &raw, err);
        /* Servers decode %2F before they look at dots. */
        if (rc == GEN_OK && (raw.n == 0 || has_dot_segment(gen_buf_str(&raw), "/\\,;")))
            rc = gen_fail(err, GEN_EINPUT,
                          "the value of \"%.*s\" is empty or would lead to another path",
                          GEN_STR_ARG(name));
        gen_buf_release(&raw);
        if (rc == GEN_OK)
            rc = gen_param_in_path(&p.style, p.value, url, err);
        if (rc == GEN_OK && url->n == before)
            rc = gen_fail(err, GEN_EINPUT, "the value of \"%.*s\" is empty, but the path needs it",
                          GEN_STR_ARG(name));
        return rc;
    }
    return gen_fail(err, GEN_EINPUT, "the path needs \"%.*s\", which is not given",
                    GEN_STR_ARG(gen_str_sub(name, 0, 100)));
}

/* What a path template has besides its parameters. */
static int add_literal(struct gen_buf *url, char c, struct gen_error *err)
{
    unsigned char u = (unsigned char)c;
    if (u <= ' ' || u >= 0x7f || c == '#' || c == '\\')
        return gen_buf_printf(url, err, "%%%02X", u);
    return gen_buf_add_char(url, c, err);
}

static int add_path(struct gen_buf *url, const struct gen_tool *tool,
                    const struct gen_json *arguments, struct gen_error *err)
{
    struct gen_str rest = gen_json_get_str(gen_json_get(tool->definition, "http"), "path");
    size_t from = url->n;
    int rc = gen_str_starts(rest, GEN_STR("/")) ? GEN_OK : gen_buf_add_char(url, '/', err);
    while (rc == GEN_OK && rest.n) {
        size_t close = rest.p[0] == '{' ? gen_str_find(rest, GEN_STR("}"), 0) : SIZE_MAX;
        if (close == SIZE_MAX) {
            rc = add_literal(url, rest.p[0], err);
            rest = gen_str_sub(rest, 1, rest.n);
            continue;
        }
        rc = add_path_value(url, tool, arguments, gen_str_sub(rest, 1, close - 1), err);
        rest = gen_str_sub(rest, close + 1, rest.n);
    }
    if (rc)
        return rc;
    struct gen_str path = gen_str_sub(gen_buf_str(url), from, url->n);
    path = gen_str_sub(path, 0, gen_str_find(path, GEN_STR("?"), 0));
    if (has_dot_segment(path, "/"))
        return gen_fail(err, GEN_EINPUT, "the path of the operation has a . or .. in it");
    return GEN_OK;
}

/* ---- query, header, cookie ---- */

static int add_query(struct gen_buf *url, const struct gen_tool *tool,
                     const struct gen_json *arguments, struct gen_error *err)
{
    struct placed_iter it = placed_begin(tool, arguments, "query");
    struct placed p;
    char separator = gen_str_find(gen_buf_str(url), GEN_STR("?"), 0) == SIZE_MAX ? '?' : '&';
    int rc = GEN_OK;
    while (rc == GEN_OK && placed_next(&it, &p)) {
        size_t before = url->n;
        rc = gen_buf_add_char(url, separator, err);
        if (rc == GEN_OK)
            rc = gen_param_in_query(&p.style, p.value, url, err);
        if (rc == GEN_OK && url->n == before + 1)
            url->n = before; /* an empty array is nothing */
        else
            separator = '&';
    }
    if (rc == GEN_OK && url->data)
        url->data[url->n] = '\0';
    return rc;
}

static int add_headers(struct gen_operation *op, const struct gen_tool *tool,
                       const struct gen_json *arguments, struct gen_error *err)
{
    struct placed_iter it = placed_begin(tool, arguments, "header");
    struct placed p;
    struct gen_buf value = gen_buf_make(URL_BYTES_MAX);
    int rc = put_header(op, GEN_STR("Accept"), GEN_STR("application/json, text/*;q=0.9, */*;q=0.5"),
                        err);
    while (rc == GEN_OK && placed_next(&it, &p)) {
        gen_buf_clear(&value);
        if (is_reserved(p.style.name))
            rc = gen_fail(err, GEN_EINPUT, "the header %.*s cannot be set by a call",
                          GEN_STR_ARG(p.style.name));
        if (rc == GEN_OK)
            rc = gen_param_in_header(&p.style, p.value, &value, err);
        if (rc == GEN_OK)
            rc = gen_operation_add_header(op, p.style.name, gen_buf_str(&value), err);
    }
    it = placed_begin(tool, arguments, "cookie");
    gen_buf_clear(&value);
    while (rc == GEN_OK && placed_next(&it, &p)) {
        if (value.n)
            rc = gen_buf_add_c(&value, "; ", err);
        if (rc == GEN_OK)
            rc = gen_param_in_cookie(&p.style, p.value, &value, err);
    }
    if (rc == GEN_OK && value.n)
        rc = put_header(op, GEN_STR("Cookie"), gen_buf_str(&value), err);
    gen_buf_release(&value);
    return rc;
}

/* ---- the body ---- */

static int json_body(struct gen_operation *op, const struct gen_tool *tool,
                     const struct gen_json *arguments, struct gen_error *err)
{
    struct placed_iter it = placed_begin(tool, arguments, "whole_body");
    struct placed p;
    if (placed_next(&it, &p)) {
        op->has_body = true;
        return gen_json_write(&op->body, p.value, GEN_JSON_COMPACT, err);
    }
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    it = placed_begin(tool, arguments, "body");
    while (placed_next(&it, &p)) {
        op->has_body = true;
        gen_jb_put_n(b, root, p.style.name, gen_jb_copy(b, p.value));
    }
    if (op->has_body)
        rc = gen_jb_write(b, root, GEN_JSON_COMPACT, &op->body, err);
    gen_jb_free(b);
    return rc;
}

static int form_body(struct gen_operation *op, const struct gen_tool *tool,
                     const struct gen_json *arguments, struct gen_error *err)
{
    struct placed_iter it = placed_begin(tool, arguments, "body");
    struct placed p;
    int rc = GEN_OK;
    while (rc == GEN_OK && placed_next(&it, &p)) {
        if (op->body.n)
            rc = gen_buf_add_char(&op->body, '&', err);
        if (rc == GEN_OK)
            rc = gen_param_in_query(&p.style, p.value, &op->body, err);
        op->has_body = true;
    }
    return rc;
}

/* Fields of text; the boundary cannot stand in them, because it is made of all of them. */
static int multipart_body(struct gen_operation *op, const struct gen_tool *tool,
                          const struct gen_json *arguments, struct gen_buf *type,
                          struct gen_error *err)
{
    char boundary[64];
    struct gen_buf all = gen_buf_make(BODY_BYTES_MAX);
    struct gen_buf value = gen_buf_make(BODY_BYTES_MAX);
    int rc = gen_json_write(&all, arguments, GEN_JSON_COMPACT, err);
    (void)snprintf(boundary, sizeof(boundary), "generator-%016" PRIx64,
                   gen_hash64(gen_buf_str(&all), 1));
    struct placed_iter it = placed_begin(tool, arguments, "body");
    struct placed p;
    while (rc == GEN_OK && placed_next(&it, &p)) {
        op->has_body = true;
        gen_buf_clear(&value);
        rc = gen_param_plain(p.value, &value, err);
        if (rc == GEN_OK && !is_token(p.style.name))
            rc = gen_fail(err, GEN_EINPUT, "the field '%.*s' cannot stand in a form",
                          GEN_STR_ARG(gen_str_sub(p.style.name, 0, 100)));
        if (rc == GEN_OK)
            rc = gen_buf_printf(
                &op->body, err,
                "--%s\r\nContent-Disposition: form-data; name=\"%.*s\"\r\n\r\n%.*s\r\n", boundary,
                GEN_STR_ARG(p.style.name), GEN_STR_ARG(gen_buf_str(&value)));
    }
    if (rc == GEN_OK && op->has_body)
        rc = gen_buf_printf(&op->body, err, "--%s--\r\n", boundary);
    if (rc == GEN_OK)
        rc = gen_buf_printf(type, err, "; boundary=%s", boundary);
    gen_buf_release(&all);
    gen_buf_release(&value);
    return rc;
}

static int add_body(struct gen_operation *op, const struct gen_tool *tool,
                    const struct gen_json *arguments, struct gen_error *err)
{
    struct gen_str given = gen_json_get_str(gen_json_get(tool->definition, "http"), "content_type");
    struct gen_buf type = gen_buf_make(1024);
    if (given.n == 0)
        given = GEN_STR("application/json");
    int rc = gen_buf_add_str(&type, given, err);
    if (rc == GEN_OK && gen_str_find(given, GEN_STR("json"), 0) != SIZE_MAX)
        rc = json_body(op, tool, arguments, err);
    else if (rc == GEN_OK && gen_str_starts(given, GEN_STR("application/x-www-form-urlencoded")))
        rc = form_body(op, tool, arguments, err);
    else if (rc == GEN_OK && gen_str_starts(given, GEN_STR("multipart/form-data")))
        rc = multipart_body(op, tool, arguments, &type, err);
    else if (rc == GEN_OK) {
        struct placed_iter it = placed_begin(tool, arguments, "whole_body");
        struct placed p;
        op->has_body = placed_next(&it, &p);
        if (op->has_body && gen_json_type(p.value) != GEN_JSON_STRING)
            rc = gen_fail(err, GEN_EINPUT, "a body of type %.*s cannot be made of arguments",
                          GEN_STR_ARG(gen_str_sub(given, 0, 100)));
        if (rc == GEN_OK && op->has_body)
            rc = gen_param_plain(p.value, &op->body, err);
    }
    if (rc == GEN_OK && op->has_body)
        rc = put_header(op, GEN_STR("Content-Type"), gen_buf_str(&type), err);
    gen_buf_release(&type);
    return rc;
}

/* ---- all of it ---- */

int gen_operation_build(struct gen_operation *op, const struct gen_tool *tool,
                        const struct gen_json *arguments, struct gen_str base,
                        struct gen_error *err)
{
    struct gen_str method = gen_operation_method(tool);
    *op = (struct gen_operation){
        .url = gen_buf_make(URL_BYTES_MAX),
        .body = gen_buf_make(BODY_BYTES_MAX),
        .arena = gen_arena_make((size_t)1 << 20),
    };
    if (method.n == 0 || method.n >= sizeof(op->method))
        return gen_fail(err, GEN_EINPUT,
                        "the tool %.*s is no operation of an HTTP API: its definition has no "
                        "\"http\"",
                        GEN_STR_ARG(tool->name));
    for (size_t i = 0; i < method.n; i++) {
        char c = method.p[i];
        op->method[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    int rc = gen_buf_add_str(&op->url, base, err);
    if (rc == GEN_OK)
        rc = add_path(&op->url, tool, arguments, err);
    if (rc == GEN_OK)
        rc = add_query(&op->url, tool, arguments, err);
    if (rc == GEN_OK)
        rc = add_headers(op, tool, arguments, err);
    if (rc == GEN_OK)
        rc = add_body(op, tool, arguments, err);
    if (rc == GEN_ELIMIT)
        rc = gen_wrap(err, GEN_EINPUT, "the request of %.*s", GEN_STR_ARG(tool->name));
    return rc;
}

void gen_operation_release(struct gen_operation *op)
{
    gen_buf_release(&op->url);
    gen_buf_release(&op->body);
    gen_arena_release(&op->arena);
}
