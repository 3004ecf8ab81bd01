#include "tool/execute/serialise.h"

#define VALUE_BYTES_MAX ((size_t)16 << 20)

struct gen_param_style gen_param_style_of(const struct gen_json *parameter)
{
    struct gen_str wire = gen_json_get_str(parameter, "http_name");
    struct gen_str place = gen_json_get_str(parameter, "in");
    struct gen_str type = gen_json_get_str(parameter, "content_type");
    struct gen_param_style s = {
        .name = wire.n ? wire : gen_json_get_str(parameter, "name"),
        .style = gen_json_get_str(parameter, "style"),
        .is_json = gen_str_find(type, GEN_STR("json"), 0) != SIZE_MAX,
    };
    bool is_form = s.style.n ? gen_str_is(s.style, "form")
                             : !gen_str_is(place, "path") && !gen_str_is(place, "header");
    s.explode = is_form;
    (void)gen_json_as_bool(gen_json_get(parameter, "explode"), &s.explode);
    return s;
}

int gen_param_plain(const struct gen_json *value, struct gen_buf *out, struct gen_error *err)
{
    struct gen_str text;
    if (gen_json_as_str(value, &text))
        return gen_buf_add_str(out, text, err);
    return gen_json_write(out, value, GEN_JSON_COMPACT, err);
}

static int add_encoded(struct gen_buf *out, struct gen_str text, struct gen_error *err)
{
    static const char hex[] = "0123456789ABCDEF";
    int rc = gen_buf_reserve(out, text.n, err);
    for (size_t i = 0; rc == GEN_OK && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool is_unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        const char escape[3] = {'%', hex[c >> 4], hex[c & 15]};
        rc = is_unreserved ? gen_buf_add_char(out, (char)c, err)
                           : gen_buf_add(out, escape, sizeof(escape), err);
    }
    return rc;
}

/* How the pieces of a value are put together. */
struct joint {
    bool is_encoded;
    const char *between; /* of elements */
    const char *inside;  /* of a key and its value */
};

static int add_piece(struct gen_buf *out, const struct joint *j, struct gen_str text,
                     struct gen_error *err)
{
    return j->is_encoded ? add_encoded(out, text, err) : gen_buf_add_str(out, text, err);
}

static int add_value(struct gen_buf *out, const struct joint *j, const struct gen_json *value,
                     struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(VALUE_BYTES_MAX);
    int rc = gen_param_plain(value, &text, err);
    if (rc == GEN_OK)
        rc = add_piece(out, j, gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

/* a,b of an array, k,v,k,v of an object, the value itself of anything else. */
static int add_joined(struct gen_buf *out, const struct joint *j, const struct gen_json *value,
                      struct gen_error *err)
{
    enum gen_json_type type = gen_json_type(value);
    if (type != GEN_JSON_ARRAY && type != GEN_JSON_OBJECT)
        return add_value(out, j, value, err);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, value);
    for (bool is_first = true; rc == GEN_OK && gen_json_iter_next(&it, &key, &v);
         is_first = false) {
        if (!is_first)
            rc = gen_buf_add_c(out, j->between, err);
        if (rc == GEN_OK && type == GEN_JSON_OBJECT)
            rc = add_piece(out, j, key, err);
        if (rc == GEN_OK && type == GEN_JSON_OBJECT)
            rc = gen_buf_add_c(out, j->inside, err);
        if (rc == GEN_OK)
            rc = add_value(out, j, v, err);
    }
    return rc;
}

static bool is_container(const struct gen_json *value)
{
    return gen_json_type(value) == GEN_JSON_ARRAY || gen_json_type(value) == GEN_JSON_OBJECT;
}

int gen_param_in_path(const struct gen_param_style *s, const struct gen_json *value,
                      struct gen_buf *out, struct gen_error *err)
{
    bool is_label = gen_str_is(s->style, "label");
    bool is_matrix = gen_str_is(s->style, "matrix");
    const struct joint j = {
        .is_encoded = true,
        .between = !s->explode ? ","
                   : is_label  ? "."
                   : is_matrix ? ";"
                               : ",",
        .inside = s->explode ? "=" : ",",
    };
    if (s->is_json)
        return add_value(out, &j, value, err);
    int rc = GEN_OK;
    if (is_label || is_matrix)
        rc = gen_buf_add_char(out, is_label ? '.' : ';', err);
    bool names_itself = is_matrix && !(s->explode && gen_json_type(value) == GEN_JSON_OBJECT);
    if (rc == GEN_OK && names_itself && !(s->explode && is_container(value))) {
        rc = add_encoded(out, s->name, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(out, '=', err);
    }
    if (rc || !(names_itself && s->explode && gen_json_type(value) == GEN_JSON_ARRAY))
        return rc ? rc : add_joined(out, &j, value, err);
    struct gen_json_iter it;
    const struct gen_json *v;
    gen_json_iter_init(&it, value);
    for (bool is_first = true; rc == GEN_OK && gen_json_iter_next(&it, NULL, &v);
         is_first = false) {
        rc = is_first ? GEN_OK : gen_buf_add_char(out, ';', err);
        if (rc == GEN_OK)
            rc = add_encoded(out, s->name, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(out, '=', err);
        if (rc == GEN_OK)
            rc = add_value(out, &j, v, err);
    }
    return rc;
}

/* name=a&name=b, k=v&l=w, or name[k]=v&name[l]=w */
static int add_exploded(const struct gen_param_style *s, const struct gen_json *value, bool is_deep,
                        struct gen_buf *out, struct gen_error *err)
{
    const struct joint j = {.is_encoded = true};
    bool is_array = gen_json_type(value) == GEN_JSON_ARRAY;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, value);
    for (bool is_first = true; rc == GEN_OK && gen_json_iter_next(&it, &key, &v);
         is_first = false) {
        rc = is_first ? GEN_OK : gen_buf_add_char(out, '&', err);
        if (rc == GEN_OK)
            rc = add_encoded(out, is_array || is_deep ? s->name : key, err);
        if (rc == GEN_OK && is_deep && !is_array) {
            rc = gen_buf_add_c(out, "%5B", err);
            if (rc == GEN_OK)
                rc = add_encoded(out, key, err);
            if (rc == GEN_OK)
                rc = gen_buf_add_c(out, "%5D", err);
        }
        if (rc == GEN_OK)
            rc = gen_buf_add_char(out, '=', err);
        if (rc == GEN_OK)
            rc = add_value(out, &j, v, err);
    }
    return rc;
}

int gen_param_in_query(const struct gen_param_style *s, const struct gen_json *value,
                       struct gen_buf *out, struct gen_error *err)
{
    bool is_deep = gen_str_is(s->style, "deepObject");
    const struct joint j = {
        .is_encoded = true,
        .between = gen_str_is(s->style, "spaceDelimited")  ? "%20"
                   : gen_str_is(s->style, "pipeDelimited") ? "%7C"
                   : gen_str_is(s->style, "tabDelimited")  ? "%09"
                                                           : ",",
        .inside = ",",
    };
    if (!s->is_json && is_container(value) && (s->explode || is_deep))
        return add_exploded(s, value, is_deep, out, err);
    if (!s->is_json && is_container(value) && gen_json_count(value) == 0)
        return GEN_OK;
    int rc = add_encoded(out, s->name, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(out, '=', err);
    if (rc)
        return rc;
    return s->is_json ? add_value(out, &j, value, err) : add_joined(out, &j, value, err);
}

int gen_param_in_header(const struct gen_param_style *s, const struct gen_json *value,
                        struct gen_buf *out, struct gen_error *err)
{
    const struct joint j = {.between = ",", .inside = s->explode ? "=" : ","};
    return s->is_json ? add_value(out, &j, value, err) : add_joined(out, &j, value, err);
}

int gen_param_in_cookie(const struct gen_param_style *s, const struct gen_json *value,
                        struct gen_buf *out, struct gen_error *err)
{
    const struct joint j = {.is_encoded = true, .between = ",", .inside = ","};
    int rc = add_encoded(out, s->name, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(out, '=', err);
    if (rc)
        return rc;
    return s->is_json ? add_value(out, &j, value, err) : add_joined(out, &j, value, err);
}
