#include "dataset/consumer/rules.h"

#include "base/utf8.h"
#include "dataset/trajectory.h"

#define PLACE_BYTES 128

/* "$step_1_result", "${call.output}", "{{result}}": what a planner left to be filled in. */
static bool is_placeholder(struct gen_str text)
{
    struct gen_str whole = gen_str_trim(text);
    if (gen_str_starts(whole, GEN_STR("$step")) || gen_str_starts(whole, GEN_STR("${")))
        return true;
    if (gen_str_starts(whole, GEN_STR("{{")) && gen_str_ends(whole, GEN_STR("}}")))
        return true;
    return gen_text_has_placeholder(whole);
}

/* Recursion is bounded by GEN_JSON_DEPTH_MAX. Says each kind once a call. */
static void walk(const struct gen_json *v, bool *has_null, struct gen_str *placeholder)
{
    struct gen_str text;
    int64_t step;
    enum gen_json_type type = gen_json_type(v);
    if (gen_result_reference(v, &step, &text)) {
        *placeholder = GEN_STR("$result");
        return;
    }
    *has_null |= type == GEN_JSON_NULL;
    if (gen_json_as_str(v, &text) && is_placeholder(text))
        *placeholder = text;
    if (type < GEN_JSON_ARRAY)
        return;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &value))
        walk(value, has_null, placeholder);
}

void gen_rules_arguments(struct gen_row_check *c, const struct gen_json *arguments, const char *at,
                         enum gen_finding_level nulls, enum gen_finding_level placeholder)
{
    bool has_null = false;
    struct gen_str found = {NULL, 0};
    walk(arguments, &has_null, &found);
    if (has_null)
        gen_rule(c, nulls, GEN_RULE_null_arguments,
                 "%s holds a null, which is trained on as it stands; leave the argument out unless "
                 "null is meant",
                 at);
    if (found.p)
        gen_rule(c, placeholder, GEN_RULE_placeholder,
                 "%s holds the unresolved reference \"%.*s\"; put the value there", at,
                 GEN_STR_ARG(gen_utf8_prefix(found, 40)));
}

/* What a call of `name` is held against. */
struct called {
    const struct gen_row_tools *tools;
    struct gen_str name;
};

static void read_arguments(struct gen_row_check *c, const struct gen_json *arguments,
                           const char *at, const struct gen_chat_rules *rules,
                           const struct called *called)
{
    gen_rules_arguments(c, arguments, at, rules->null_arguments, rules->placeholder);
    if (called->tools->list)
        gen_rules_schema(c, called->tools, called->name, arguments, at);
}

static void string_arguments(struct gen_row_check *c, struct gen_str text, const char *at,
                             const struct gen_chat_rules *rules, const struct called *called)
{
    struct gen_json_doc *doc = NULL;
    gen_rule(c, rules->arguments_string, GEN_RULE_string_arguments,
             "%s is a string: most templates encode it a second time or fail; make it an object",
             at);
    if (gen_json_parse(&doc, text, NULL) != GEN_OK ||
        gen_json_type(gen_json_root(doc)) != GEN_JSON_OBJECT)
        gen_rule(c, rules->arguments_json, GEN_RULE_arguments_json,
                 "%s is a string that is no JSON object", at);
    else
        read_arguments(c, gen_json_root(doc), at, rules, called);
    gen_json_doc_free(doc);
}

static void call_arguments(struct gen_row_check *c, const struct gen_json *arguments,
                           const char *at, const struct gen_chat_rules *rules,
                           const struct called *called)
{
    struct gen_str text;
    char place[PLACE_BYTES];
    gen_utf8_format(place, sizeof(place), "%s.arguments", at);
    if (!arguments) {
        gen_rule_error(c, GEN_RULE_arguments_missing,
                       "%s is missing, and templates read it; write {} where there are none",
                       place);
    } else if (gen_json_as_str(arguments, &text)) {
        string_arguments(c, text, place, rules, called);
    } else if (gen_json_type(arguments) == GEN_JSON_OBJECT) {
        gen_rule(c, rules->arguments_object, GEN_RULE_object_arguments,
                 "%s is an object, and must be a string of JSON", place);
        read_arguments(c, arguments, place, rules, called);
    } else {
        gen_rule_error(c, GEN_RULE_arguments_json, "%s is %s, and must hold an object", place,
                       gen_type_of(arguments));
    }
}

static void call_name(struct gen_row_check *c, struct gen_str name, const char *at,
                      const struct gen_chat_rules *rules, const struct gen_row_tools *tools)
{
    if (!name.n) {
        gen_rule_error(c, GEN_RULE_call_name, "%s names no function", at);
        return;
    }
    if (!gen_function_name_ok(name))
        gen_rule(c, rules->function_name, GEN_RULE_function_name,
                 "%s calls \"%.*s\"; a name has 1 to 64 of A-Z a-z 0-9 _ -", at, GEN_STR_ARG(name));
    if (tools->list && !gen_row_tools_has(tools, name))
        gen_rule(c, rules->not_listed, GEN_RULE_tool_not_listed,
                 "%s calls \"%.*s\", which is not in \"tools\"; the model learns to call what it "
                 "was not shown",
                 at, GEN_STR_ARG(name));
    if (!tools->has_column)
        gen_rule_once(c, rules->no_tools, GEN_RULE_calls_without_tools,
                      "%s calls a function, and the row has no \"tools\"; the model learns to call "
                      "what it was not shown",
                      at);
}

static void remember_call(struct gen_row_check *c, struct gen_calls *calls,
                          const struct gen_json *call, const char *at,
                          const struct gen_chat_rules *rules)
{
    struct gen_str id = gen_json_get_str(call, "id");
    if (!id.n && !calls->id_said) {
        calls->id_said = true;
        gen_rule(c, rules->call_id, GEN_RULE_call_id_missing,
                 "%s has no \"id\", which %s; number them (nine letters or digits suit all)", at,
                 rules->call_id == GEN_FINDING_ERROR ? "is required" : "Mistral templates want");
    }
    if (calls->n == GEN_CALLS_MAX) {
        calls->is_overflown = true;
        return;
    }
    calls->calls[calls->n].id = id;
    calls->calls[calls->n++].is_answered = false;
}

static void check_call(struct gen_row_check *c, struct gen_calls *calls,
                       const struct gen_json *call, const char *at,
                       const struct gen_chat_rules *rules, const struct gen_row_tools *tools)
{
    if (gen_json_type(call) != GEN_JSON_OBJECT) {
        gen_rule_error(c, GEN_RULE_calls_type, "%s is %s, and must be an object", at,
                       gen_type_of(call));
        return;
    }
    const struct gen_json *function = gen_json_get(call, "function");
    if (gen_json_type(function) != GEN_JSON_OBJECT) {
        gen_rule(c, rules->flat_call, GEN_RULE_flat_tool_call,
                 "%s has no \"function\" around name and arguments; write {\"type\": \"function\", "
                 "\"function\": {\"name\": ..., \"arguments\": ...}}",
                 at);
        function = call;
    } else if (!gen_str_is(gen_json_get_str(call, "type"), "function")) {
        gen_rule(c, rules->call_type, GEN_RULE_call_type, "%s lacks \"type\": \"function\"", at);
    }
    const struct called called = {tools, gen_json_get_str(function, "name")};
    call_name(c, called.name, at, rules, tools);
    call_arguments(c, gen_json_get(function, "arguments"), at, rules, &called);
    remember_call(c, calls, call, at, rules);
}

void gen_rules_calls(struct gen_row_check *c, struct gen_calls *calls, const struct gen_json *list,
                     const char *at, const struct gen_chat_rules *rules,
                     const struct gen_row_tools *tools)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *call;
    char place[PLACE_BYTES];
    size_t i = 0;
    calls->first_open = calls->n;
    calls->n_answers = 0;
    if (gen_json_type(list) != GEN_JSON_ARRAY) {
        gen_rule_error(c, GEN_RULE_calls_type, "%s.tool_calls is %s, and must be a list", at,
                       gen_type_of(list));
        return;
    }
    if (gen_json_count(list) > 1)
        gen_rule_once(
            c, rules->several_calls, GEN_RULE_several_calls,
            "%s calls several functions at once, which Llama-3.1 and 3.2 templates refuse; "
            "the others take it",
            at);
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &call)) {
        gen_utf8_format(place, sizeof(place), "%s.tool_calls[%zu]", at, i++);
        check_call(c, calls, call, place, rules, tools);
    }
}

void gen_rules_answer(struct gen_row_check *c, struct gen_calls *calls,
                      const struct gen_json *message, const char *at,
                      const struct gen_chat_rules *rules)
{
    struct gen_str id = gen_json_get_str(message, "tool_call_id");
    if (calls->is_overflown)
        return;
    if (!id.n) {
        size_t n_open = calls->n - calls->first_open;
        if (calls->n_answers++ < n_open)
            calls->calls[calls->first_open + calls->n_answers - 1].is_answered = true;
        else
            gen_rule_error(c, GEN_RULE_unknown_call_id, "%s answers no call", at);
        if (rules->call_id == GEN_FINDING_ERROR)
            gen_rule_error(c, GEN_RULE_call_id_missing, "%s has no \"tool_call_id\"", at);
        return;
    }
    for (size_t i = calls->n; i-- > 0;) {
        if (!gen_str_eq(calls->calls[i].id, id))
            continue;
        if (calls->calls[i].is_answered)
            gen_rule_error(c, GEN_RULE_answered_twice, "%s answers the call \"%.*s\" again", at,
                           GEN_STR_ARG(id));
        calls->calls[i].is_answered = true;
        return;
    }
    gen_rule_error(c, GEN_RULE_unknown_call_id,
                   "%s answers \"%.*s\", which no call before has as id", at, GEN_STR_ARG(id));
}

void gen_rules_calls_end(struct gen_row_check *c, struct gen_calls *calls, const char *at,
                         const struct gen_chat_rules *rules)
{
    size_t n_open = 0;
    for (size_t i = calls->first_open; i < calls->n; i++)
        n_open += !calls->calls[i].is_answered;
    if (n_open && !calls->is_overflown)
        gen_rule(c, rules->unanswered, GEN_RULE_call_unanswered,
                 "%zu of the calls before %s have no answer of role tool", n_open, at);
    calls->first_open = calls->n;
}
