/* LLaMA-Factory (August 2026), data/converter.py, formatter.py, tool_utils.py. What formatting a
 * file has stands in dataset_info.json; here it is told from the columns. */
#include "dataset/consumer/rules.h"

#include "base/utf8.h"

#define PLACE_BYTES 96

static const struct gen_tool_rules string_tools = {
    .list = GEN_FINDING_ERROR,
    .parameters = GEN_FINDING_ERROR,
    .enums = GEN_FINDING_ERROR,
    .list_cure =
        "LLaMA-Factory wants it as a string of JSON here (\"the JSON object must be str\")",
};
static const struct gen_tool_rules list_tools = {
    .parameters = GEN_FINDING_ERROR,
    .enums = GEN_FINDING_ERROR,
};

static void check_tools(struct gen_row_check *c, const struct gen_tool_rules *rules)
{
    struct gen_row_tools tools;
    gen_rules_tools(c, gen_json_get(c->row, "tools"), rules, &tools);
    gen_row_tools_release(&tools);
}

/* ---- alpaca ---- */

static void history(struct gen_row_check *c)
{
    const struct gen_json *list = gen_json_get(c->row, "history");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *pair;
    size_t i = 0;
    if (!gen_present(list))
        return;
    if (gen_json_type(list) != GEN_JSON_ARRAY)
        gen_rule_error(c, GEN_RULE_column_type, "\"history\" is %s, and must be a list of pairs",
                       gen_type_of(list));
    gen_json_iter_init(&it, gen_json_type(list) == GEN_JSON_ARRAY ? list : NULL);
    for (; gen_json_iter_next(&it, &key, &pair); i++) {
        if (gen_json_type(pair) != GEN_JSON_ARRAY || gen_json_count(pair) != 2)
            gen_rule_error(c, GEN_RULE_list_lengths,
                           "history[%zu] must be a pair [question, answer]", i);
    }
}

static void alpaca(struct gen_row_check *c)
{
    gen_form_alpaca(c);
    history(c);
    check_tools(c, &string_tools);
}

static void alpaca_preference(struct gen_row_check *c)
{
    (void)gen_want_string(c, c->row, NULL, "instruction");
    bool both = gen_want_string(c, c->row, NULL, "chosen");
    both = gen_want_string(c, c->row, NULL, "rejected") && both;
    if (both &&
        gen_str_eq(gen_json_get_str(c->row, "chosen"), gen_json_get_str(c->row, "rejected")))
        gen_rule_warn(c, GEN_RULE_same_preference,
                      "\"chosen\" and \"rejected\" are the same: nothing is preferred");
}

/* ---- sharegpt: also messages by tags ---- */

struct tags {
    const char *column, *role, *content;
    const char *user, *assistant, *observation, *function;
    bool is_openai;
};
static const struct tags sharegpt_tags = {"conversations", "from",        "value",         "human",
                                          "gpt",           "observation", "function_call", false};
static const struct tags message_tags = {"messages",  "role", "content",       "user",
                                         "assistant", "tool", "function_call", true};

static void function_json(struct gen_row_check *c, const struct gen_json *call, const char *at)
{
    const struct gen_json *arguments = gen_json_get(call, "arguments");
    if (!gen_json_get_str(call, "name").n || !arguments) {
        gen_rule_error(c, GEN_RULE_function_call_json,
                       "%s lacks \"name\" or \"arguments\" (KeyError)", at);
        return;
    }
    if (gen_json_type(arguments) == GEN_JSON_STRING)
        gen_rule_error(c, GEN_RULE_string_arguments,
                       "the arguments in %s are a string and get encoded a second time; make them "
                       "an object",
                       at);
    gen_rules_arguments(c, arguments, at, GEN_FINDING_WARNING, GEN_FINDING_WARNING);
}

/* A thought may stand before the call, in the template's own tags; anything else is no JSON. */
static struct gen_str without_thought(struct gen_str value)
{
    static const struct gen_str end = {"</think>", 8};
    struct gen_str text = gen_str_trim(value);
    size_t at = gen_str_starts(text, GEN_STR("<think>")) ? gen_str_find(text, end, 0) : SIZE_MAX;
    return at == SIZE_MAX ? text : gen_str_sub(text, at + end.n, text.n);
}

static void function_call(struct gen_row_check *c, struct gen_str value, const char *at)
{
    struct gen_json_doc *doc = NULL;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *call;
    if (gen_str_starts(gen_str_trim(value), GEN_STR("<think>")))
        gen_rule_once(c, GEN_FINDING_WARNING, GEN_RULE_thought_before_call,
                      "%s has a thought before its call, which templates with other thought words "
                      "than <think> (mistral) do not read (RuntimeError); for those export with "
                      "--reasoning drop",
                      at);
    if (gen_json_parse(&doc, without_thought(value), NULL) != GEN_OK) {
        gen_rule_error(
            c, GEN_RULE_function_call_json,
            "%s is no JSON (\"Invalid JSON format in function message\"); only a thought "
            "in <think></think> may stand before it",
            at);
        return;
    }
    const struct gen_json *root = gen_json_root(doc);
    if (gen_json_type(root) != GEN_JSON_ARRAY) {
        function_json(c, root, at);
    } else {
        gen_json_iter_init(&it, root);
        while (gen_json_iter_next(&it, &key, &call))
            function_json(c, call, at);
    }
    gen_json_doc_free(doc);
}

/* One turn; false when the row is lost with it. `n`: turns before it without the system's. */
static bool check_turn(struct gen_row_check *c, const struct tags *t, const struct gen_json *turn,
                       size_t i, size_t n)
{
    char at[PLACE_BYTES];
    struct gen_str value;
    struct gen_str role = gen_json_get_str(turn, t->role);
    gen_utf8_format(at, sizeof(at), "%s[%zu].%s", t->column, i, t->content);
    bool is_odd = gen_str_is(role, t->user) || gen_str_is(role, t->observation);
    bool is_even = gen_str_is(role, t->assistant) || gen_str_is(role, t->function);
    if (!is_odd && !is_even) {
        gen_rule_error(c, GEN_RULE_unknown_role,
                       "%s[%zu].%s is \"%.*s\"; known are %s, %s, %s, %s, and system in front: the "
                       "row is skipped",
                       t->column, i, t->role, GEN_STR_ARG(gen_utf8_prefix(role, 40)), t->user,
                       t->assistant, t->observation, t->function);
        return false;
    }
    if (n % 2 == 0 ? !is_odd : !is_even) {
        gen_rule_error(
            c, GEN_RULE_role_position,
            "%s[%zu] is of \"%.*s\", where %s must speak (\"Invalid role tag\"): the row "
            "is skipped; join turns of one role",
            t->column, i, GEN_STR_ARG(role), n % 2 == 0 ? t->user : t->assistant);
        return false;
    }
    if (!gen_json_as_str(gen_json_get(turn, t->content), &value)) {
        gen_rule_error(c, GEN_RULE_content_type,
                       "%s is %s, and must be a string (\"Expected a "
                       "string\")",
                       at, gen_type_of(gen_json_get(turn, t->content)));
        return true;
    }
    if (gen_str_is(role, t->function))
        function_call(c, value, at);
    else if (is_even && !gen_str_trim(value).n)
        gen_rule_warn(c, GEN_RULE_empty_answer, "%s is an empty answer", at);
    return true;
}

static void reasoning_lost(struct gen_row_check *c, const struct tags *t,
                           const struct gen_json *turn, size_t i)
{
    static const char *const names[] = {"reasoning_content", "thinking", "reasoning"};
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        if (gen_present(gen_json_get(turn, names[k])))
            gen_rule_error(
                c, GEN_RULE_reasoning_name,
                "%s[%zu] has \"%s\", which LLaMA-Factory does not read: the reasoning is "
                "lost; put it into the answer as <think>...</think> (-f llamafactory)",
                t->column, i, names[k]);
    }
}

static void check_count(struct gen_row_check *c, const struct tags *t, size_t n, bool is_ranking)
{
    if (n == 0)
        gen_rule_error(c, GEN_RULE_empty_messages, "\"%s\" has no turns", t->column);
    else if (is_ranking ? n % 2 == 0 : n % 2 != 0)
        gen_rule_error(c, GEN_RULE_turn_count,
                       "\"%s\" has %zu turns without the system's, and must have an %s number "
                       "(\"Invalid message count\"): the row is skipped",
                       t->column, n, is_ranking ? "odd" : "even");
}

static void turns(struct gen_row_check *c, const struct tags *t, bool is_ranking)
{
    const struct gen_json *list = gen_json_get(c->row, t->column);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *turn;
    size_t n = 0;
    if (gen_json_type(list) != GEN_JSON_ARRAY) {
        gen_rule_error(c, GEN_RULE_messages_type, "\"%s\" is %s, and must be a list of messages",
                       t->column, gen_type_of(list));
        return;
    }
    gen_json_iter_init(&it, list);
    for (size_t i = 0; gen_json_iter_next(&it, &key, &turn); i++) {
        if (gen_json_type(turn) != GEN_JSON_OBJECT) {
            gen_rule_error(c, GEN_RULE_message_type, "%s[%zu] is %s, and must be an object",
                           t->column, i, gen_type_of(turn));
            return;
        }
        reasoning_lost(c, t, turn, i);
        if (i == 0 && gen_str_is(gen_json_get_str(turn, t->role), "system"))
            continue;
        if (!check_turn(c, t, turn, i, n++))
            return;
    }
    check_count(c, t, n, is_ranking);
}

static void one_called(struct gen_row_check *c, const struct gen_row_tools *tools,
                       const struct gen_json *call, const char *at)
{
    struct gen_str name = gen_json_get_str(call, "name");
    const struct gen_json *arguments = gen_json_get(call, "arguments");
    if (!name.n || gen_json_type(arguments) != GEN_JSON_OBJECT)
        return;
    if (!gen_row_tools_has(tools, name))
        gen_rule_warn(c, GEN_RULE_tool_not_listed,
                      "%s calls \"%.*s\", which is not in \"tools\"; the model learns to call what "
                      "it was not shown",
                      at, GEN_STR_ARG(gen_utf8_prefix(name, 64)));
    else
        gen_rules_schema(c, tools, name, arguments, at);
}

/* Each call is of a tool that is listed, and fits it. */
static void check_called(struct gen_row_check *c, const struct gen_row_tools *tools)
{
    struct gen_json_iter it;
    struct gen_json_iter calls;
    const struct gen_json *turn;
    const struct gen_json *call;
    struct gen_str value;
    gen_json_iter_init(&it, gen_json_get(c->row, "conversations"));
    for (size_t i = 0; gen_json_iter_next(&it, NULL, &turn); i++) {
        struct gen_json_doc *doc = NULL;
        char at[PLACE_BYTES];
        if (!gen_str_is(gen_json_get_str(turn, "from"), "function_call") ||
            !gen_json_as_str(gen_json_get(turn, "value"), &value) ||
            gen_json_parse(&doc, without_thought(value), NULL) != GEN_OK)
            continue;
        gen_utf8_format(at, sizeof(at), "conversations[%zu].value", i);
        if (gen_json_type(gen_json_root(doc)) == GEN_JSON_ARRAY) {
            gen_json_iter_init(&calls, gen_json_root(doc));
            while (gen_json_iter_next(&calls, NULL, &call))
                one_called(c, tools, call, at);
        } else {
            one_called(c, tools, gen_json_root(doc), at);
        }
        gen_json_doc_free(doc);
    }
}

static void sharegpt(struct gen_row_check *c)
{
    struct gen_row_tools tools;
    turns(c, &sharegpt_tags, false);
    gen_allow_string(c, c->row, "system");
    gen_rules_tools(c, gen_json_get(c->row, "tools"), &string_tools, &tools);
    if (tools.list)
        check_called(c, &tools);
    gen_row_tools_release(&tools);
}

static void preference_side(struct gen_row_check *c, const char *key)
{
    const struct gen_json *side = gen_json_get(c->row, key);
    struct gen_str role = gen_json_get_str(side, "from");
    if (!gen_str_is(role, "gpt") && !gen_str_is(role, "function_call"))
        gen_rule_error(c, GEN_RULE_preference_message,
                       "\"%s\" is %s, and must be one message {\"from\": \"gpt\", \"value\": ...}",
                       key, gen_type_of(side));
    else if (gen_json_type(gen_json_get(side, "value")) != GEN_JSON_STRING)
        gen_rule_error(c, GEN_RULE_content_type, "%s.value is %s, and must be a string", key,
                       gen_type_of(gen_json_get(side, "value")));
}

static void sharegpt_preference(struct gen_row_check *c)
{
    turns(c, &sharegpt_tags, true);
    preference_side(c, "chosen");
    preference_side(c, "rejected");
    check_tools(c, &string_tools);
}

static void sharegpt_kto(struct gen_row_check *c)
{
    if (gen_json_type(gen_json_get(c->row, "kto_tag")) != GEN_JSON_BOOL)
        gen_rule_error(c, GEN_RULE_column_type, "\"kto_tag\" is %s, and must be true or false",
                       gen_type_of(gen_json_get(c->row, "kto_tag")));
    turns(c, &sharegpt_tags, false);
}

/* ---- openai: messages with tool_calls ---- */

static const struct gen_chat_rules openai_chat = {
    .roles = GEN_CHAT_SYSTEM | GEN_CHAT_USER | GEN_CHAT_ASSISTANT | GEN_CHAT_TOOL,
    .role_names = "system, user, assistant, tool",
    .arguments_string = GEN_FINDING_ERROR,
    .null_content = GEN_FINDING_ERROR,
    .missing_content = GEN_FINDING_ERROR,
    .parts = GEN_FINDING_ERROR,
    .tool_parts = GEN_FINDING_ERROR,
    .null_arguments = GEN_FINDING_WARNING,
    .placeholder = GEN_FINDING_WARNING,
    .same_role_twice = GEN_FINDING_ERROR,
    .system_not_first = GEN_FINDING_ERROR,
    .no_assistant = GEN_FINDING_ERROR,
    .not_ended = GEN_FINDING_ERROR,
    .thinking = GEN_FINDING_ERROR,
    .reasoning = GEN_FINDING_ERROR,
    .wrong_reasoning = GEN_FINDING_ERROR,
    .empty_answer = GEN_FINDING_WARNING,
    .flat_call = GEN_FINDING_ERROR,
    .unanswered = GEN_FINDING_WARNING,
    .not_listed = GEN_FINDING_WARNING,
    .no_tools = GEN_FINDING_WARNING,
};

static bool has_calls(const struct gen_json *list, bool *has_text)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *message;
    bool found = false;
    gen_json_iter_init(&it, gen_json_type(list) == GEN_JSON_ARRAY ? list : NULL);
    while (gen_json_iter_next(&it, &key, &message)) {
        if (gen_json_type(message) != GEN_JSON_OBJECT ||
            !gen_json_count(gen_json_get(message, "tool_calls")))
            continue;
        found = true;
        *has_text |= gen_str_trim(gen_json_get_str(message, "content")).n > 0;
    }
    return found;
}

static void messages(struct gen_row_check *c)
{
    struct gen_row_tools tools;
    bool has_text = false;
    const struct gen_json *list = gen_json_get(c->row, "messages");
    bool with_tools = has_calls(list, &has_text) || gen_present(gen_json_get(c->row, "tools"));
    gen_rule_once(c, GEN_FINDING_WARNING, GEN_RULE_needs_mapping,
                  "\"messages\" is read only with columns and tags (or formatting: openai) in "
                  "dataset_info.json; export with -f llamafactory to have that written");
    if (!with_tools) {
        turns(c, &message_tags, false);
        return;
    }
    gen_rule_once(
        c, GEN_FINDING_WARNING, GEN_RULE_thinking_off,
        "formatting: openai, which tool calls need, adds \"detailed thinking off\" to the "
        "system prompt of rows without tools; export with -f llamafactory");
    if (has_text)
        gen_rule_error(c, GEN_RULE_text_beside_call,
                       "an assistant's text beside its tool_calls is dropped; export with -f "
                       "llamafactory");
    gen_rules_tools(c, gen_json_get(c->row, "tools"), &list_tools, &tools);
    gen_rules_chat(c, list, "messages", &openai_chat, &tools);
    gen_row_tools_release(&tools);
}

static const struct gen_row_form forms[] = {
    {"sharegpt preference",
     {"conversations", "chosen", "rejected", NULL},
     sharegpt_preference,
     NULL},
    {"sharegpt KTO", {"conversations", "kto_tag", NULL}, sharegpt_kto, NULL},
    {"sharegpt", {"conversations", NULL}, sharegpt, NULL},
    {"alpaca preference", {"instruction", "chosen", "rejected", NULL}, alpaca_preference, NULL},
    {"alpaca", {"instruction", "output", NULL}, alpaca, NULL},
    {"messages", {"messages", NULL}, messages, NULL},
    {"text (pre-training)", {"text", NULL}, gen_form_text, NULL},
    {NULL, {NULL}, NULL, NULL},
};

const struct gen_consumer gen_consumer_llamafactory = {
    .name = "llamafactory",
    .title = "LLaMA-Factory",
    .cure = "export with -f llamafactory or -f alpaca",
    .traits = GEN_READS_BY_DATASETS | GEN_READS_NAN,
    .row_bytes_warn = (size_t)10 << 20,
    .row_bytes_why = "Arrow reads in blocks, and training cuts it at cutoff_len",
    .forms = forms,
};
