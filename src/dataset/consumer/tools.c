#include "dataset/consumer/rules.h"

#include "base/utf8.h"

#define PLACE_BYTES    256
#define SCHEMA_DEPTH   12
#define FUNCTION_CHARS 64

struct tool_check {
    struct gen_row_check *c;
    const struct gen_tool_rules *rules;
};

bool gen_function_name_ok(struct gen_str name)
{
    if (name.n == 0 || name.n > FUNCTION_CHARS)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        bool ok = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                  (ch >= '0' && ch <= '9') || ch == '_' || ch == '-';
        if (!ok)
            return false;
    }
    return true;
}

/* {"type": "function", "function": {...}} or the function itself. */
static const struct gen_json *function_of(const struct gen_json *tool)
{
    const struct gen_json *function = gen_json_get(tool, "function");
    return gen_json_type(function) == GEN_JSON_OBJECT ? function : tool;
}

static void enum_values(const struct tool_check *t, const struct gen_json *schema,
                        const char *place)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, gen_json_get(schema, "enum"));
    while (gen_json_iter_next(&it, &key, &value)) {
        if (gen_json_type(value) != GEN_JSON_STRING) {
            gen_rule(t->c, t->rules->enums, GEN_RULE_enum_type,
                     "%s.enum holds %s, and LLaMA-Factory joins the values as strings (TypeError); "
                     "write them as strings",
                     place, gen_type_of(value));
            return;
        }
    }
}

static void strict_object(const struct tool_check *t, const struct gen_json *schema,
                          const char *place)
{
    const struct gen_json *properties = gen_json_get(schema, "properties");
    bool more = true;
    if (!properties)
        return;
    if (!gen_json_as_bool(gen_json_get(schema, "additionalProperties"), &more) || more)
        gen_rule_error(t->c, GEN_RULE_strict_schema,
                       "%s is strict and lacks \"additionalProperties\": false", place);
    else if (gen_json_count(properties) != gen_json_count(gen_json_get(schema, "required")))
        gen_rule_error(t->c, GEN_RULE_strict_schema,
                       "%s is strict, and \"required\" does not list all its properties", place);
}

/* Recursion is bounded by SCHEMA_DEPTH. */
static void check_schema(const struct tool_check *t, const struct gen_json *schema,
                         const char *place, bool is_strict, int depth)
{
    if (gen_json_type(schema) != GEN_JSON_OBJECT || depth > SCHEMA_DEPTH)
        return;
    char below[PLACE_BYTES];
    enum_values(t, schema, place);
    if (gen_str_is(gen_json_get_str(schema, "type"), "array") && !gen_json_get(schema, "items"))
        gen_rule(t->c, t->rules->items, GEN_RULE_array_without_items,
                 "%s is an array without \"items\" (\"array schema missing items\"); say what is "
                 "in it",
                 place);
    if (is_strict)
        strict_object(t, schema, place);
    gen_utf8_format(below, sizeof(below), "%s[]", place);
    check_schema(t, gen_json_get(schema, "items"), below, is_strict, depth + 1);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, gen_json_get(schema, "properties"));
    while (gen_json_iter_next(&it, &key, &value)) {
        gen_utf8_format(below, sizeof(below), "%s.%.*s", place, GEN_STR_ARG(key));
        check_schema(t, value, below, is_strict, depth + 1);
    }
}

static void check_parameters(const struct tool_check *t, const struct gen_json *function,
                             const char *at)
{
    char place[PLACE_BYTES];
    bool is_strict = false;
    const struct gen_json *parameters = gen_json_get(function, "parameters");
    (void)gen_json_as_bool(gen_json_get(function, "strict"), &is_strict);
    gen_utf8_format(place, sizeof(place), "%s.parameters", at);
    if (gen_json_get(function, "inputSchema") && !parameters)
        gen_rule(t->c, t->rules->parameters, GEN_RULE_tool_parameters,
                 "%s has \"inputSchema\" as in MCP; the schema goes into \"parameters\"", at);
    else if (gen_json_type(gen_json_get(parameters, "properties")) != GEN_JSON_OBJECT &&
             gen_json_type(parameters) != GEN_JSON_STRING)
        gen_rule(t->c, t->rules->parameters, GEN_RULE_tool_parameters,
                 "%s has no parameters.properties (KeyError); write {\"type\": \"object\", "
                 "\"properties\": {}} where there are none",
                 at);
    check_schema(t, parameters, place, is_strict && t->rules->check_strict, 0);
}

static void check_tool(const struct tool_check *t, const struct gen_json *tool, size_t i)
{
    char at[48];
    gen_utf8_format(at, sizeof(at), "tools[%zu]", i);
    if (gen_json_type(tool) != GEN_JSON_OBJECT) {
        gen_rule_error(t->c, GEN_RULE_tool_shape, "%s is %s, and must be an object", at,
                       gen_type_of(tool));
        return;
    }
    const struct gen_json *function = function_of(tool);
    struct gen_str name = gen_json_get_str(function, "name");
    if (!name.n) {
        gen_rule_error(t->c, GEN_RULE_tool_shape, "%s names no function", at);
        return;
    }
    if (function == tool)
        gen_rule(t->c, t->rules->bare, GEN_RULE_tool_shape,
                 "%s (%.*s) is not wrapped as {\"type\": \"function\", \"function\": {...}}", at,
                 GEN_STR_ARG(name));
    else if (!gen_str_is(gen_json_get_str(tool, "type"), "function"))
        gen_rule(t->c, t->rules->bare, GEN_RULE_tool_shape,
                 "%s (%.*s) lacks \"type\": \"function\"", at, GEN_STR_ARG(name));
    if (!gen_function_name_ok(name))
        gen_rule(t->c, t->rules->function_name, GEN_RULE_function_name,
                 "%s is called \"%.*s\"; a name has 1 to 64 of A-Z a-z 0-9 _ -", at,
                 GEN_STR_ARG(name));
    check_parameters(t, function, at);
}

/* The list, also out of a string; NULL with a finding when there is none. */
static const struct gen_json *read_list(struct gen_row_check *c, const struct gen_json *tools,
                                        const struct gen_tool_rules *rules,
                                        struct gen_row_tools *out)
{
    struct gen_str text;
    if (gen_json_type(tools) == GEN_JSON_ARRAY) {
        gen_rule(c, rules->list, GEN_RULE_tools_type, "\"tools\" is a list; %s", rules->list_cure);
        return tools;
    }
    if (!gen_json_as_str(tools, &text)) {
        gen_rule_error(c, GEN_RULE_tools_type, "\"tools\" is %s, and must be a list",
                       gen_type_of(tools));
        return NULL;
    }
    gen_rule(c, rules->string, GEN_RULE_tools_type, "\"tools\" is a string; %s",
             rules->string_cure);
    if (!gen_str_trim(text).n)
        return NULL;
    if (gen_json_parse(&out->doc, text, NULL) != GEN_OK ||
        gen_json_type(gen_json_root(out->doc)) != GEN_JSON_ARRAY) {
        gen_rule_error(c, GEN_RULE_tools_json, "\"tools\" is a string that is no JSON list");
        return NULL;
    }
    return gen_json_root(out->doc);
}

void gen_rules_tools(struct gen_row_check *c, const struct gen_json *tools,
                     const struct gen_tool_rules *rules, struct gen_row_tools *out)
{
    *out = (struct gen_row_tools){.has_column = gen_present(tools)};
    if (!out->has_column)
        return;
    const struct tool_check t = {c, rules};
    const struct gen_json *list = read_list(c, tools, rules, out);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *tool;
    size_t i = 0;
    if (!list)
        return;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &tool))
        check_tool(&t, tool, i++);
    out->list = list;
}

void gen_row_tools_release(struct gen_row_tools *t)
{
    gen_json_doc_free(t->doc);
    *t = (struct gen_row_tools){0};
}

static const struct gen_json *find(const struct gen_row_tools *t, struct gen_str name)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *tool;
    gen_json_iter_init(&it, t->list);
    while (gen_json_iter_next(&it, &key, &tool)) {
        if (gen_str_eq(gen_json_get_str(function_of(tool), "name"), name))
            return function_of(tool);
    }
    return NULL;
}

void gen_rules_schema(struct gen_row_check *c, const struct gen_row_tools *t, struct gen_str name,
                      const struct gen_json *arguments, const char *at)
{
    const struct gen_json *parameters = gen_json_get(find(t, name), "parameters");
    const struct gen_schema *schema = NULL;
    struct gen_buf faults = gen_buf_make((size_t)64 << 10);
    bool valid = true;
    struct gen_json_memo *schemas =
        gen_json_type(parameters) == GEN_JSON_OBJECT ? gen_row_schemas(c) : NULL;
    if (!schemas)
        return;
    int rc = gen_schema_memo_get(schemas, parameters, &schema, NULL, NULL);
    if (rc == GEN_OK && schema)
        rc = gen_schema_check(schema, arguments, &valid, &faults, NULL);
    if (rc == GEN_ENOMEM && c->rc == GEN_OK)
        c->rc = gen_nomem(c->err, "the schema of a tool");
    if (rc == GEN_OK && !valid) {
        struct gen_str rest = gen_buf_str(&faults);
        struct gen_str line = {"", 0};
        (void)gen_str_next_line(&rest, &line);
        gen_rule_warn(c, GEN_RULE_arguments_schema,
                      "%s does not fit the parameters of \"%.*s\": %.*s; correct the call, or "
                      "leave the row out unless its failure is meant",
                      at, GEN_STR_ARG(name), GEN_STR_ARG(gen_utf8_prefix(line, 120)));
    }
    gen_buf_release(&faults);
}

bool gen_row_tools_has(const struct gen_row_tools *t, struct gen_str name)
{
    return find(t, name) != NULL;
}
