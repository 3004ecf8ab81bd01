/* Calls as people write them down in definitions: Python's syntax for the most part. */
#include "tool/toolset_int.h"

#include "base/num.h"

#include <math.h>

#define DEPTH_MAX 32U

struct reader {
    struct gen_jb *b;
    struct gen_str text;
    size_t at;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static char peek(const struct reader *r)
{
    return r->at < r->text.n ? r->text.p[r->at] : '\0';
}

static void skip_space(struct reader *r)
{
    while (is_space(peek(r)))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (peek(r) != c || r->at >= r->text.n)
        return false;
    r->at++;
    return true;
}

/* The character that an escape of one letter stands for; the letter itself where Python knows none.
 */
static char unescaped(char c)
{
    static const char letters[] = "ntrbf0", meant[] = "\n\t\r\b\f";
    const char *found = c ? strchr(letters, c) : NULL;
    return found && *found != '0' ? meant[found - letters] : c;
}

static struct gen_jmut *read_string(struct reader *r)
{
    char quote = r->text.p[r->at++];
    struct gen_buf text = gen_buf_make(r->text.n + 1);
    struct gen_jmut *v = NULL;
    int rc = GEN_OK;
    while (rc == GEN_OK && r->at < r->text.n && r->text.p[r->at] != quote) {
        char c = r->text.p[r->at++];
        if (c == '\\' && r->at < r->text.n)
            c = unescaped(r->text.p[r->at++]);
        rc = gen_buf_add_char(&text, c, NULL);
    }
    if (rc == GEN_OK && r->at < r->text.n) {
        r->at++;
        v = gen_jb_str(r->b, gen_buf_str(&text));
    }
    gen_buf_release(&text);
    return v;
}

static struct gen_jmut *read_word(struct reader *r)
{
    size_t from = r->at;
    int64_t i;
    double d;
    while (is_word(peek(r)) || (peek(r) && strchr("+-.", peek(r))))
        r->at++;
    struct gen_str word = gen_str_sub(r->text, from, r->at - from);
    if (gen_str_is(word, "True") || gen_str_is(word, "true"))
        return gen_jb_bool(r->b, true);
    if (gen_str_is(word, "False") || gen_str_is(word, "false"))
        return gen_jb_bool(r->b, false);
    if (gen_str_is(word, "None") || gen_str_is(word, "null"))
        return gen_jb_null(r->b);
    if (gen_num_i64(word, INT64_MIN, INT64_MAX, "", &i, NULL) == GEN_OK)
        return gen_jb_int(r->b, i);
    if (gen_num_f64(word, -HUGE_VAL, HUGE_VAL, "", &d, NULL) == GEN_OK)
        return gen_jb_real(r->b, d);
    return NULL;
}

static struct gen_jmut *read_value(struct reader *r, unsigned depth);

static struct gen_jmut *read_list(struct reader *r, char end, unsigned depth)
{
    struct gen_jmut *list = gen_jb_array(r->b);
    while (!take(r, end)) {
        struct gen_jmut *v = read_value(r, depth);
        if (!v)
            return NULL;
        gen_jb_append(r->b, list, v);
        if (!take(r, ',')) {
            return take(r, end) ? list : NULL;
        }
    }
    return list;
}

/* The characters of a quoted key; empty when there is none, or it has an escape. */
static struct gen_str read_key(struct reader *r)
{
    skip_space(r);
    char quote = peek(r);
    if (quote != '\'' && quote != '"')
        return GEN_STR("");
    size_t from = ++r->at;
    while (r->at < r->text.n && r->text.p[r->at] != quote && r->text.p[r->at] != '\\')
        r->at++;
    struct gen_str key = gen_str_sub(r->text, from, r->at - from);
    return take(r, quote) ? key : GEN_STR("");
}

static struct gen_jmut *read_dict(struct reader *r, unsigned depth)
{
    struct gen_jmut *object = gen_jb_object(r->b);
    while (!take(r, '}')) {
        struct gen_str key = read_key(r);
        if (!key.n || !take(r, ':'))
            return NULL;
        struct gen_jmut *v = read_value(r, depth);
        if (!v)
            return NULL;
        gen_jb_set_n(r->b, object, key, v);
        if (!take(r, ','))
            return take(r, '}') ? object : NULL;
    }
    return object;
}

/* `depth` is bounded by DEPTH_MAX. */
static struct gen_jmut *read_value(struct reader *r, unsigned depth)
{
    if (depth >= DEPTH_MAX)
        return NULL;
    skip_space(r);
    char c = peek(r);
    if (c == '\'' || c == '"')
        return read_string(r);
    if (take(r, '['))
        return read_list(r, ']', depth + 1);
    if (take(r, '('))
        return read_list(r, ')', depth + 1);
    if (take(r, '{'))
        return read_dict(r, depth + 1);
    return read_word(r);
}

struct gen_jmut *gen_literal_read(struct gen_jb *b, struct gen_str text)
{
    struct reader r = {b, text, 0};
    struct gen_jmut *v = read_value(&r, 0);
    skip_space(&r);
    return r.at == text.n ? v : NULL;
}

/* The name of the argument that begins here, when it has one. */
static struct gen_str argument_name(struct reader *r)
{
    skip_space(r);
    size_t from = r->at;
    while (is_word(peek(r)) || peek(r) == '-')
        r->at++;
    struct gen_str name = gen_str_sub(r->text, from, r->at - from);
    skip_space(r);
    if (name.n && peek(r) == '=') {
        r->at++;
        return name;
    }
    r->at = from;
    return GEN_STR("");
}

static bool read_arguments(struct reader *r, const struct gen_tool *tool, struct gen_jmut *args)
{
    for (size_t i = 0; !take(r, ')'); i++) {
        struct gen_str name = argument_name(r);
        if (!name.n && i < tool->n_params)
            name = tool->params[i].name;
        struct gen_jmut *v = name.n ? read_value(r, 0) : NULL;
        if (!v)
            return false;
        gen_jb_set_n(r->b, args, name, v);
        if (!take(r, ','))
            return take(r, ')');
    }
    return true;
}

bool gen_call_read(const struct gen_tool *tool, struct gen_str text, struct gen_jb *b,
                   struct gen_jmut **args)
{
    struct gen_str original = gen_json_get_str(tool->definition, "original_name");
    size_t bracket = gen_str_find(text, GEN_STR("("), 0);
    if (bracket == SIZE_MAX)
        return false;
    struct gen_str name = gen_str_trim(gen_str_sub(text, 0, bracket));
    if (!gen_str_eq(name, tool->name) && !(original.n && gen_str_eq(name, original)))
        return false;
    struct reader r = {b, text, bracket + 1};
    *args = gen_jb_object(b);
    return read_arguments(&r, tool, *args);
}

/* Arguments that are an object, or a text that holds one or a call. */
static bool read_args(const struct gen_tool *tool, const struct gen_json *v, struct gen_jb *b,
                      struct gen_jmut **args)
{
    static const char *const inner[] = {"args", "arguments", "parameters", "input", NULL};
    struct gen_str text;
    if (gen_json_type(v) == GEN_JSON_OBJECT) {
        for (size_t i = 0; inner[i]; i++) {
            const struct gen_json *found = gen_json_get(v, inner[i]);
            if (gen_json_type(found) == GEN_JSON_OBJECT)
                v = found;
        }
        *args = gen_jb_copy(b, v);
        return true;
    }
    if (!gen_json_as_str(v, &text))
        return false;
    text = gen_str_trim(text);
    if (gen_str_starts(text, GEN_STR("{"))) {
        *args = gen_literal_read(b, text);
        return *args != NULL;
    }
    return gen_call_read(tool, text, b, args);
}

bool gen_sample_read(const struct gen_tool *tool, const struct gen_json *example, struct gen_jb *b,
                     struct gen_jmut **args, struct gen_str *instruction)
{
    static const char *const places[] = {"input", "output", "args", "arguments", "call", NULL};
    *instruction = GEN_STR("");
    if (gen_json_type(example) != GEN_JSON_OBJECT)
        return read_args(tool, example, b, args);
    bool has_place = false;
    for (size_t i = 0; places[i]; i++) {
        const struct gen_json *v = gen_json_get(example, places[i]);
        bool is_parameter = gen_tool_param_find(tool, gen_str_from(places[i])) != NULL;
        has_place = has_place || (v && !is_parameter);
        if (v && !is_parameter && read_args(tool, v, b, args)) {
            *instruction = gen_str_trim(gen_json_get_str(example, "instruction"));
            return true;
        }
    }
    if (has_place || gen_json_get(example, "instruction"))
        return false;
    *args = gen_jb_copy(b, example);
    return true;
}
