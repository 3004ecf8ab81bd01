/* The shapes in which a tool comes with one schema of its arguments: OpenAI (chat, Responses),
 * Anthropic, MCP's tools/list, BFCL, and the flat maps of xLAM. */
#include "tool/parse_int.h"

/* BFCL's words for types; its schemas are JSON Schema else. */
static struct gen_str bfcl_type(struct gen_str type)
{
    static const struct {
        const char *bfcl, *json;
    } names[] = {{"dict", "object"},
                 {"float", "number"},
                 {"tuple", "array"},
                 {"double", "number"},
                 {"long", "integer"},
                 {"int", "integer"},
                 {"list", "array"},
                 {"bool", "boolean"},
                 {"str", "string"},
                 {"char", "string"},
                 {"ArrayList", "array"},
                 {"HashMap", "object"},
                 {"Boolean", "boolean"},
                 {"String", "string"},
                 {"Array", "array"},
                 {"hash", "object"},
                 {"any", ""}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_is(type, names[i].bfcl))
            return gen_str_from(names[i].json);
    }
    return type;
}

/* Recursion is as deep as the parsed file, at most GEN_JSON_DEPTH_MAX. */
static struct gen_jmut *translate(struct gen_jb *b, const struct gen_json *schema)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    struct gen_str type;
    if (gen_json_type(schema) != GEN_JSON_OBJECT)
        return gen_jb_copy(b, schema);
    struct gen_jmut *o = gen_jb_object(b);
    gen_json_iter_init(&it, schema);
    while (gen_json_iter_next(&it, &key, &v)) {
        if (gen_str_is(key, "type") && gen_json_as_str(v, &type)) {
            type = bfcl_type(type);
            if (type.n)
                gen_jb_put_str(b, o, "type", type);
        } else if (gen_str_is(key, "properties")) {
            struct gen_jmut *properties = gen_jb_object(b);
            struct gen_json_iter members;
            struct gen_str name;
            const struct gen_json *member;
            gen_json_iter_init(&members, v);
            while (gen_json_iter_next(&members, &name, &member))
                gen_jb_put_n(b, properties, name, translate(b, member));
            gen_jb_put(b, o, "properties", properties);
        } else if (gen_str_is(key, "items")) {
            gen_jb_put(b, o, "items", translate(b, v));
        } else if (!gen_str_is(key, "optional")) {
            gen_jb_put_n(b, o, key, gen_jb_copy(b, v));
        }
    }
    return o;
}

/* xLAM's {name: {type, description, default}}; "str, optional" says what is not required. */
static struct gen_jmut *from_flat(struct gen_jb *b, const struct gen_json *map)
{
    struct gen_jmut *schema = gen_jb_object(b);
    struct gen_jmut *properties = gen_jb_object(b);
    struct gen_jmut *required = gen_jb_array(b);
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    gen_json_iter_init(&it, map);
    while (gen_json_iter_next(&it, &name, &v)) {
        struct gen_jmut *o = gen_jb_object(b);
        struct gen_str type = gen_json_get_str(v, "type");
        size_t comma = gen_str_find(type, GEN_STR(","), 0);
        bool optional = gen_str_find(type, GEN_STR("optional"), 0) != SIZE_MAX;
        struct gen_str plain =
            gen_str_trim(gen_str_sub(type, 0, comma == SIZE_MAX ? type.n : comma));
        size_t bracket = gen_str_find(plain, GEN_STR("["), 0);
        plain = bfcl_type(gen_str_sub(plain, 0, bracket == SIZE_MAX ? plain.n : bracket));
        if (gen_str_is(plain, "List"))
            plain = GEN_STR("array");
        if (plain.n)
            gen_jb_put_str(b, o, "type", plain);
        gen_jb_put_str(b, o, "description", gen_json_get_str(v, "description"));
        const struct gen_json *fallback = gen_json_get(v, "default");
        struct gen_str text = {0};
        /* An empty one stands beside required parameters too. */
        bool has_default = fallback && !(gen_json_as_str(fallback, &text) && text.n == 0);
        if (has_default)
            gen_jb_put(b, o, "default", gen_jb_copy(b, fallback));
        gen_jb_put_n(b, properties, name, o);
        if (!optional && !has_default)
            gen_jb_append(b, required, gen_jb_str(b, name));
    }
    gen_jb_put_cstr(b, schema, "type", "object");
    gen_jb_put(b, schema, "properties", properties);
    gen_jb_put(b, schema, "required", required);
    return schema;
}

/* Whether the schema can be taken as it stands. */
static bool is_json_schema(const struct gen_json *schema)
{
    struct gen_str type = gen_json_get_str(schema, "type");
    if (gen_str_is(type, "dict"))
        return false;
    return type.n || gen_json_get(schema, "properties") || gen_json_get(schema, "$ref") ||
           gen_json_get(schema, "anyOf") || gen_json_get(schema, "allOf") ||
           gen_json_count(schema) == 0;
}

static int emit(struct gen_tools_parser *p, const struct gen_json *tool, struct gen_error *err)
{
    static const char *const schema_keys[] = {"inputSchema", "input_schema", "parameters", NULL};
    const struct gen_json *function = gen_json_get(tool, "function");
    const struct gen_json *from = gen_json_type(function) == GEN_JSON_OBJECT ? function : tool;
    struct gen_tool_draft d = {
        .name = gen_json_get_str(from, "name"),
        .description = gen_json_get_str(from, "description"),
        .category = gen_json_get_str(from, "category"),
        .output_schema = gen_json_get(from, "outputSchema"),
        .annotations = gen_json_get(from, "annotations"),
        .returns = gen_json_get(from, "response"),
    };
    for (size_t i = 0; schema_keys[i] && !d.schema; i++)
        d.schema = gen_json_get(from, schema_keys[i]);
    if (gen_json_type(d.schema) == GEN_JSON_NULL)
        d.schema = NULL;
    if (!d.description.n)
        d.description = gen_json_get_str(from, "title");
    if (!d.schema || is_json_schema(d.schema))
        return gen_tools_emit(p, &d, err);
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make((size_t)16 << 20);
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    bool is_dict = gen_str_is(gen_json_get_str(d.schema, "type"), "dict");
    rc = gen_jb_write(b, is_dict ? translate(b, d.schema) : from_flat(b, d.schema),
                      GEN_JSON_COMPACT, &text, err);
    d.schema_text = gen_buf_str(&text);
    if (rc == GEN_OK)
        rc = gen_tools_emit(p, &d, err);
    gen_jb_free(b);
    gen_buf_release(&text);
    return rc;
}

int gen_tools_parse_functions(struct gen_tools_parser *p, const struct gen_json *list,
                              struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *tool;
    int rc = GEN_OK;
    gen_json_iter_init(&it, list);
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &tool)) {
        struct gen_str type = gen_json_get_str(tool, "type");
        bool is_function = !type.n || gen_str_is(type, "function") || gen_str_is(type, "custom") ||
                           gen_json_get(tool, "input_schema");
        if (gen_json_type(tool) != GEN_JSON_OBJECT)
            rc = gen_tools_report(p, true, GEN_STR(""), err,
                                  "an entry of the list is no object; it is left out");
        else if (!is_function)
            rc =
                gen_tools_report(p, true, gen_json_get_str(tool, "name"), err,
                                 "\"%.*s\" is a tool that the provider runs itself; it is left out",
                                 GEN_STR_ARG(type));
        else
            rc = emit(p, tool, err);
    }
    return rc;
}
