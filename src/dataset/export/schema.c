/* Tools and arguments as the formats share them. */
#include "dataset/export/common.h"

static void write_schema(struct gen_jt *t, const struct gen_json *v, unsigned schema);

/* {"name": schema, ...} */
static void write_schemas(struct gen_jt *t, const struct gen_json *v, unsigned schema)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    gen_jt_object(t, NULL);
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &member)) {
        gen_jt_key(t, key);
        write_schema(t, member, schema);
    }
    gen_jt_end_object(t);
}

static void write_schema_list(struct gen_jt *t, const struct gen_json *v, unsigned schema)
{
    struct gen_json_iter it;
    const struct gen_json *member;
    gen_jt_array(t, NULL);
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, NULL, &member))
        write_schema(t, member, schema);
    gen_jt_end_array(t);
}

static void write_string_enum(struct gen_jt *t, const struct gen_json *v)
{
    struct gen_json_iter it;
    const struct gen_json *value;
    struct gen_str text;
    struct gen_buf json = gen_buf_make(GEN_BUF_UNLIMITED);
    gen_jt_array(t, NULL);
    gen_json_iter_init(&it, v);
    while (t->rc == GEN_OK && gen_json_iter_next(&it, NULL, &value)) {
        gen_buf_clear(&json);
        if (!gen_json_as_str(value, &text)) {
            t->rc = gen_json_write(&json, value, GEN_JSON_COMPACT, t->err);
            text = gen_buf_str(&json);
        }
        gen_jt_str(t, NULL, text);
    }
    gen_jt_end_array(t);
    gen_buf_release(&json);
}

static bool is_one_of(struct gen_str key, const char *const *names)
{
    for (; *names; names++) {
        if (gen_str_is(key, *names))
            return true;
    }
    return false;
}

/* The value of one keyword; the key is written. */
static void write_keyword(struct gen_jt *t, struct gen_str key, const struct gen_json *v,
                          unsigned schema)
{
    static const char *const maps[] = {"properties", "patternProperties", "$defs", "definitions",
                                       NULL};
    static const char *const lists[] = {"anyOf", "oneOf", "allOf", "prefixItems", NULL};
    static const char *const single[] = {"items", "additionalProperties", "not", NULL};
    enum gen_json_type type = gen_json_type(v);
    if (type == GEN_JSON_OBJECT && is_one_of(key, maps))
        write_schemas(t, v, schema);
    else if (type == GEN_JSON_ARRAY && is_one_of(key, lists))
        write_schema_list(t, v, schema);
    else if (type == GEN_JSON_OBJECT && is_one_of(key, single))
        write_schema(t, v, schema);
    else if (type == GEN_JSON_ARRAY && gen_str_is(key, "enum") &&
             (schema & GEN_SCHEMA_STRING_ENUMS))
        write_string_enum(t, v);
    else
        gen_jt_value(t, (struct gen_str){NULL, 0}, v, true);
}

static void write_keywords(struct gen_jt *t, const struct gen_json *v, unsigned schema)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &member)) {
        if (gen_json_type(member) == GEN_JSON_NULL)
            continue;
        gen_jt_key(t, key);
        write_keyword(t, key, member, schema);
    }
    if ((schema & GEN_SCHEMA_ITEMS) && gen_str_is(gen_json_get_str(v, "type"), "array") &&
        !gen_json_get(v, "items")) {
        gen_jt_object(t, "items");
        gen_jt_end_object(t);
    }
}

/* Recurses at most GEN_JSON_DEPTH_MAX deep: parsed values are no deeper. */
static void write_schema(struct gen_jt *t, const struct gen_json *v, unsigned schema)
{
    if (gen_json_type(v) != GEN_JSON_OBJECT) {
        gen_jt_value(t, (struct gen_str){NULL, 0}, v, true);
        return;
    }
    gen_jt_object(t, NULL);
    write_keywords(t, v, schema);
    gen_jt_end_object(t);
}

void gen_export_function(const struct gen_offered *tool, const char *key, unsigned schema,
                         struct gen_jt *t)
{
    gen_jt_object(t, key);
    gen_jt_str(t, "name", tool->name);
    gen_jt_str(t, "description", tool->description);
    gen_jt_object(t, "parameters");
    if (!gen_json_get(tool->parameters, "type"))
        gen_jt_str(t, "type", GEN_STR("object"));
    write_keywords(t, tool->parameters, schema);
    if (gen_json_type(gen_json_get(tool->parameters, "properties")) != GEN_JSON_OBJECT) {
        gen_jt_object(t, "properties");
        gen_jt_end_object(t);
    }
    gen_jt_end_object(t);
    gen_jt_end_object(t);
}

static void write_tools(const struct gen_example *e, const char *key, unsigned schema,
                        struct gen_jt *t)
{
    gen_jt_array(t, key);
    for (size_t i = 0; i < e->n_tools; i++) {
        gen_jt_object(t, NULL);
        gen_jt_str(t, "type", GEN_STR("function"));
        gen_export_function(&e->tools[i], "function", schema, t);
        gen_jt_end_object(t);
    }
    gen_jt_end_array(t);
}

void gen_export_tools(const struct gen_example *e, unsigned schema, struct gen_jt *t)
{
    if (e->n_tools)
        write_tools(e, "tools", schema, t);
}

void gen_export_literal(struct gen_jt *t, const char *key, const char *json)
{
    gen_jt_key(t, gen_str_from(key));
    if (t->rc == GEN_OK)
        t->rc = gen_buf_add_c(t->out, json, t->err);
    t->comma = true;
}

void gen_export_embed(struct gen_jt *t, const char *key, const struct gen_jt *inner,
                      struct gen_buf *text)
{
    if (t->rc == GEN_OK)
        t->rc = inner->rc;
    gen_jt_str(t, key, gen_buf_str(text));
    gen_buf_release(text);
}

void gen_export_tools_text(const struct gen_example *e, unsigned schema, struct gen_jt *t)
{
    if (!e->n_tools)
        return;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jt inner = gen_jt_make(&text, t->err);
    write_tools(e, NULL, schema, &inner);
    gen_export_embed(t, "tools", &inner, &text);
}

/* A null that a call passes is meant: it stays. */
void gen_export_args(const struct gen_call *call, const char *key, struct gen_jt *t)
{
    if (call->args) {
        gen_jt_value(t, gen_str_from(key), call->args, false);
        return;
    }
    gen_jt_object(t, key);
    gen_jt_end_object(t);
}

void gen_export_args_text(const struct gen_call *call, const char *key, struct gen_jt *t)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jt inner = gen_jt_make(&text, t->err);
    gen_export_args(call, NULL, &inner);
    gen_export_embed(t, key, &inner, &text);
}

void gen_export_bare_call(const struct gen_call *call, struct gen_jt *t)
{
    gen_jt_object(t, NULL);
    gen_jt_str(t, "name", call->name);
    gen_export_args(call, "arguments", t);
    gen_jt_end_object(t);
}
