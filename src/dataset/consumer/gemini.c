/* Vertex AI supervised tuning of Gemini: contents of parts (formats.md 1.8). */
#include "dataset/consumer/rules.h"

#include "base/utf8.h"

#define PLACE_BYTES  128
#define SCHEMA_DEPTH 12

static void check_call(struct gen_row_check *c, const struct gen_json *call, const char *at,
                       const char *key, const char *body)
{
    if (!gen_json_get_str(call, "name").n)
        gen_rule_error(c, GEN_RULE_call_name, "%s.%s names no function", at, key);
    else if (gen_json_get(call, body) && gen_json_type(gen_json_get(call, body)) != GEN_JSON_OBJECT)
        gen_rule_error(c, GEN_RULE_arguments_json, "%s.%s.%s is %s, and must be an object", at, key,
                       body, gen_type_of(gen_json_get(call, body)));
    else
        gen_rules_arguments(c, gen_json_get(call, body), at, GEN_FINDING_WARNING,
                            GEN_FINDING_WARNING);
}

static void check_part(struct gen_row_check *c, const struct gen_json *part, const char *at)
{
    static const char *const kinds[] = {"text", "functionCall", "functionResponse", "fileData",
                                        "inlineData"};
    const char *kind = NULL;
    size_t n = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (gen_json_type(part) == GEN_JSON_OBJECT && gen_present(gen_json_get(part, kinds[i]))) {
            kind = kinds[i];
            n++;
        }
    }
    if (n != 1)
        gen_rule_error(c, GEN_RULE_part_type,
                       "%s must be an object with one of text, functionCall, functionResponse, "
                       "fileData, inlineData",
                       at);
    else if (strcmp(kind, "text") == 0)
        (void)gen_want_string(c, part, at, "text");
    else if (strcmp(kind, "functionCall") == 0)
        check_call(c, gen_json_get(part, kind), at, kind, "args");
    else if (strcmp(kind, "functionResponse") == 0)
        check_call(c, gen_json_get(part, kind), at, kind, "response");
}

static void check_parts(struct gen_row_check *c, const struct gen_json *turn, const char *at)
{
    char place[PLACE_BYTES];
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *part;
    size_t i = 0;
    const struct gen_json *parts = gen_json_get(turn, "parts");
    if (gen_json_type(parts) != GEN_JSON_ARRAY || gen_json_count(parts) == 0) {
        gen_rule_error(c, GEN_RULE_content_type,
                       "%s.parts is %s, and must be a list that is not empty, like [{\"text\": "
                       "...}]",
                       at, gen_type_of(parts));
        return;
    }
    gen_json_iter_init(&it, parts);
    while (gen_json_iter_next(&it, &key, &part)) {
        gen_utf8_format(place, sizeof(place), "%s.parts[%zu]", at, i++);
        check_part(c, part, place);
    }
}

static void check_turns(struct gen_row_check *c, const struct gen_json *contents)
{
    char at[PLACE_BYTES];
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *turn;
    struct gen_str before = {NULL, 0};
    size_t i = 0;
    gen_json_iter_init(&it, contents);
    for (; gen_json_iter_next(&it, &key, &turn); i++) {
        gen_utf8_format(at, sizeof(at), "contents[%zu]", i);
        if (gen_json_type(turn) != GEN_JSON_OBJECT) {
            gen_rule_error(c, GEN_RULE_message_type, "%s is %s, and must be an object", at,
                           gen_type_of(turn));
            return;
        }
        struct gen_str role = gen_json_get_str(turn, "role");
        if (!gen_str_is(role, "user") && !gen_str_is(role, "model") &&
            !gen_str_is(role, "function"))
            gen_rule_error(c, GEN_RULE_unknown_role,
                           "%s.role is \"%.*s\"; Gemini knows user and model", at,
                           GEN_STR_ARG(gen_utf8_prefix(role, 40)));
        else if (i == 0 && !gen_str_is(role, "user"))
            gen_rule_error(c, GEN_RULE_first_role, "%s must be of the user", at);
        if (i && gen_str_eq(role, before))
            gen_rule_warn(c, GEN_RULE_roles_alternate,
                          "%s has the role of the turn before it; join the two", at);
        before = role;
        check_parts(c, turn, at);
    }
    if (i == 0)
        gen_rule_error(c, GEN_RULE_empty_messages, "\"contents\" is an empty list");
    else if (!gen_str_is(before, "model"))
        gen_rule_error(c, GEN_RULE_no_final_answer, "\"contents\" does not end with the model");
}

/* "$ref" is not in the API's part of OpenAPI. Recursion is bounded by SCHEMA_DEPTH. */
static bool has_reference(const struct gen_json *v, int depth)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    if (depth > SCHEMA_DEPTH || gen_json_type(v) < GEN_JSON_ARRAY)
        return false;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &value)) {
        if (gen_str_is(key, "$ref") || has_reference(value, depth + 1))
            return true;
    }
    return false;
}

static void check_declarations(struct gen_row_check *c, const struct gen_json *tools)
{
    const struct gen_json *first =
        gen_json_type(tools) == GEN_JSON_ARRAY ? gen_json_at(tools, 0) : NULL;
    const struct gen_json *declarations = gen_json_type(first) == GEN_JSON_OBJECT
                                              ? gen_json_get(first, "functionDeclarations")
                                              : NULL;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *function;
    if (!gen_present(tools))
        return;
    if (gen_json_type(declarations) != GEN_JSON_ARRAY) {
        gen_rule_error(c, GEN_RULE_tools_type,
                       "\"tools\" must be [{\"functionDeclarations\": [...]}]");
        return;
    }
    gen_json_iter_init(&it, declarations);
    while (gen_json_iter_next(&it, &key, &function)) {
        struct gen_str name = gen_json_type(function) == GEN_JSON_OBJECT
                                  ? gen_json_get_str(function, "name")
                                  : (struct gen_str){NULL, 0};
        if (!name.n)
            gen_rule_error(c, GEN_RULE_tool_shape, "a functionDeclaration has no name");
        else if (has_reference(function, 0))
            gen_rule_error(c, GEN_RULE_schema_reference,
                           "the schema of \"%.*s\" has $ref, which Gemini does not know; write it "
                           "out",
                           GEN_STR_ARG(name));
    }
}

static void contents(struct gen_row_check *c)
{
    const struct gen_json *list = gen_json_get(c->row, "contents");
    const struct gen_json *system = gen_json_get(c->row, "systemInstruction");
    if (gen_json_type(list) == GEN_JSON_ARRAY)
        check_turns(c, list);
    else
        gen_rule_error(c, GEN_RULE_messages_type, "\"contents\" is %s, and must be a list",
                       gen_type_of(list));
    if (gen_json_type(system) == GEN_JSON_OBJECT)
        check_parts(c, system, "systemInstruction");
    else if (system)
        gen_rule_error(c, GEN_RULE_column_type,
                       "\"systemInstruction\" is %s, and must be {\"parts\": [{\"text\": ...}]}",
                       gen_type_of(system));
    check_declarations(c, gen_json_get(c->row, "tools"));
}

static const char *const others[] = {
    "systemInstruction", "system_instruction", "tools", "labels", "generationConfig", NULL};
static const struct gen_row_form forms[] = {
    {"contents", {"contents", NULL}, contents, others},
    {NULL, {NULL}, NULL, NULL},
};

const struct gen_consumer gen_consumer_gemini = {
    .name = "gemini",
    .title = "Gemini",
    .cure = "export with -f gemini",
    .traits = GEN_READS_LINES_ONLY,
    .file_bytes_max = (uint64_t)1 << 30,
    .row_bytes_warn = (size_t)512 << 10,
    .row_bytes_why = "beyond 131,072 tokens its end is cut",
    .forms = forms,
};
