/* The own form: a list of parameters with a flag each, in which the schema has to be made. */
#include "tool/parse_int.h"

static struct gen_str json_type(struct gen_str type)
{
    static const struct {
        const char *written, *json;
    } names[] = {
        {"str", "string"},   {"text", "string"},   {"path", "string"},  {"int", "integer"},
        {"float", "number"}, {"double", "number"}, {"bool", "boolean"}, {"list", "array"},
        {"tuple", "array"},  {"dict", "object"},   {"map", "object"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_eq_nocase(type, gen_str_from(names[i].written)))
            return gen_str_from(names[i].json);
    }
    return type;
}

static bool is_json_type(struct gen_str type)
{
    static const char *const types[] = {"string", "integer", "number", "boolean",
                                        "array",  "object",  "null",   NULL};
    for (size_t i = 0; types[i]; i++) {
        if (gen_str_is(type, types[i]))
            return true;
    }
    return false;
}

/* The parameter's schema: its own `schema` where it has one, else its members. */
static struct gen_jmut *schema_of(struct gen_jb *b, const struct gen_json *parameter)
{
    static const char *const copied[] = {
        "enum",      "items",     "properties", "minimum",  "maximum",     "pattern", "default",
        "minLength", "maxLength", "minItems",   "maxItems", "uniqueItems", "format",  NULL};
    const struct gen_json *own = gen_json_get(parameter, "schema");
    struct gen_str type = json_type(gen_json_get_str(parameter, "type"));
    struct gen_jmut *o =
        gen_json_type(own) == GEN_JSON_OBJECT ? gen_jb_copy(b, own) : gen_jb_object(b);
    if (gen_json_type(gen_json_get(parameter, "type")) == GEN_JSON_ARRAY)
        gen_jb_set(b, o, "type", gen_jb_copy(b, gen_json_get(parameter, "type")));
    else if (is_json_type(type))
        gen_jb_set(b, o, "type", gen_jb_str(b, type));
    for (size_t i = 0; copied[i]; i++) {
        const struct gen_json *v = gen_json_get(parameter, copied[i]);
        if (v && gen_json_type(v) != GEN_JSON_NULL)
            gen_jb_set(b, o, copied[i], gen_jb_copy(b, v));
    }
    if (gen_json_get_str(parameter, "description").n)
        gen_jb_set(b, o, "description", gen_jb_str(b, gen_json_get_str(parameter, "description")));
    return o;
}

static int check_type(struct gen_tools_parser *p, struct gen_str tool, struct gen_str name,
                      const struct gen_json *parameter, struct gen_error *err)
{
    struct gen_str type = gen_json_get_str(parameter, "type");
    if (is_json_type(json_type(type)) || gen_str_is(type, "any") ||
        gen_json_type(gen_json_get(parameter, "type")) == GEN_JSON_ARRAY)
        return GEN_OK;
    if (!type.n)
        return gen_tools_report(p, false, tool, err,
                                "the parameter \"%.*s\" has no type; any value is allowed",
                                GEN_STR_ARG(name));
    return gen_tools_report(p, false, tool, err,
                            "the parameter \"%.*s\" has the type \"%.*s\", which is none of JSON "
                            "Schema; any value is allowed",
                            GEN_STR_ARG(name), GEN_STR_ARG(type));
}

/* A parameter is required unless it says otherwise. */
static int make_schema(struct gen_tools_parser *p, const struct gen_json *tool, struct gen_jb *b,
                       struct gen_buf *text, struct gen_error *err)
{
    struct gen_jmut *schema = gen_jb_object(b);
    struct gen_jmut *properties = gen_jb_object(b);
    struct gen_jmut *required = gen_jb_array(b);
    struct gen_str tool_name = gen_json_get_str(tool, "name");
    struct gen_json_iter it;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, gen_json_get(tool, "parameters"));
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v)) {
        bool needed = true;
        struct gen_str name = gen_json_get_str(v, "name");
        if (!name.n) {
            rc = gen_tools_report(p, false, tool_name, err,
                                  "a parameter without a name is left out");
            continue;
        }
        (void)gen_json_as_bool(gen_json_get(v, "required"), &needed);
        gen_jb_set_n(b, properties, name, schema_of(b, v));
        if (needed)
            gen_jb_append(b, required, gen_jb_str(b, name));
        rc = check_type(p, tool_name, name, v, err);
    }
    gen_jb_put_cstr(b, schema, "type", "object");
    gen_jb_put(b, schema, "properties", properties);
    gen_jb_put(b, schema, "required", required);
    return rc == GEN_OK ? gen_jb_write(b, schema, GEN_JSON_COMPACT, text, err) : rc;
}

/* {"id":{"in":"path"}}: where the parameters of an operation go. */
static int make_places(struct gen_jb *b, const struct gen_json *tool, struct gen_json_doc **out,
                       struct gen_error *err)
{
    struct gen_jmut *places = gen_jb_object(b);
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    struct gen_json_iter it;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_json_get(tool, "parameters"));
    while (gen_json_iter_next(&it, NULL, &v)) {
        static const char *const kept[] = {"in",      "http_name",    "style",
                                           "explode", "content_type", NULL};
        if (!gen_json_get_str(v, "in").n)
            continue;
        struct gen_jmut *place = gen_jb_object(b);
        for (size_t i = 0; kept[i]; i++) {
            const struct gen_json *member = gen_json_get(v, kept[i]);
            if (member)
                gen_jb_put(b, place, kept[i], gen_jb_copy(b, member));
        }
        gen_jb_set_n(b, places, gen_json_get_str(v, "name"), place);
    }
    int rc = gen_jb_write(b, places, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(out, gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

static int emit(struct gen_tools_parser *p, const struct gen_json *tool, struct gen_error *err)
{
    struct gen_tool_draft d = {
        .name = gen_json_get_str(tool, "name"),
        .original_name = gen_json_get_str(tool, "original_name"),
        .id = gen_json_get_str(tool, "tool_id"),
        .description = gen_json_get_str(tool, "description"),
        .category = gen_json_get_str(tool, "category"),
        .complexity = gen_json_get_str(tool, "complexity"),
        .returns = gen_json_get(tool, "returns"),
        .examples = gen_json_get(tool, "examples"),
        .output_schema = gen_json_get(tool, "output_schema"),
        .annotations = gen_json_get(tool, "annotations"),
        .schema = gen_json_get(tool, "input_schema"),
    };
    const struct gen_json *http = gen_json_get(tool, "http");
    d.method = gen_json_get_str(http, "method");
    d.path = gen_json_get_str(http, "path");
    d.base_url = gen_json_get_str(http, "base_url");
    d.content_type = gen_json_get_str(http, "content_type");
    if (!d.name.n)
        d.name = d.id;
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make((size_t)16 << 20);
    struct gen_json_doc *places = NULL;
    int rc = gen_jb_new(&b, err);
    /* What tool-parse wrote holds the schema already. */
    if (rc == GEN_OK && !d.schema)
        rc = make_schema(p, tool, b, &text, err);
    d.schema_text = gen_buf_str(&text);
    if (rc == GEN_OK)
        rc = make_places(b, tool, &places, err);
    d.places = gen_json_root(places);
    if (rc == GEN_OK)
        rc = gen_tools_emit(p, &d, err);
    gen_json_doc_free(places);
    gen_jb_free(b);
    gen_buf_release(&text);
    return rc;
}

int gen_tools_parse_native(struct gen_tools_parser *p, const struct gen_json *list,
                           struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *tool;
    int rc = GEN_OK;
    gen_json_iter_init(&it, list);
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &tool)) {
        if (gen_json_type(tool) == GEN_JSON_OBJECT)
            rc = emit(p, tool, err);
        else
            rc = gen_tools_report(p, true, GEN_STR(""), err,
                                  "an entry of the list is no object; it is left out");
    }
    return rc;
}
