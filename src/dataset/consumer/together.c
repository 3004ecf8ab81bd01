/* Together AI: utils/files.py of its client (December 2025), and its documentation for tools. */
#include "dataset/consumer/rules.h"

static const struct gen_chat_rules chat = {
    .roles = GEN_CHAT_SYSTEM | GEN_CHAT_USER | GEN_CHAT_ASSISTANT | GEN_CHAT_TOOL,
    .role_names = "system, user, assistant, tool",
    .arguments_object = GEN_FINDING_WARNING,
    .arguments_json = GEN_FINDING_ERROR,
    .null_content = GEN_FINDING_ERROR,
    .null_arguments = GEN_FINDING_WARNING,
    .placeholder = GEN_FINDING_WARNING,
    .same_role_twice = GEN_FINDING_ERROR,
    .system_not_first = GEN_FINDING_ERROR,
    .no_assistant = GEN_FINDING_ERROR,
    .thinking = GEN_FINDING_WARNING,
    .wrong_reasoning = GEN_FINDING_ERROR,
    .empty_answer = GEN_FINDING_WARNING,
    .call_id = GEN_FINDING_ERROR,
    .call_type = GEN_FINDING_WARNING,
    .flat_call = GEN_FINDING_ERROR,
    .unanswered = GEN_FINDING_WARNING,
    .not_listed = GEN_FINDING_WARNING,
    .no_tools = GEN_FINDING_WARNING,
    .check_weight = true,
};
static const struct gen_tool_rules tool_rules = {
    .string = GEN_FINDING_ERROR,
    .bare = GEN_FINDING_ERROR,
    .string_cure = "Together takes a list of objects",
};

static void conversation(struct gen_row_check *c, const struct gen_json *holder, const char *where,
                         const struct gen_chat_rules *rules)
{
    struct gen_row_tools tools;
    gen_rules_tools(c, gen_json_get(holder, "tools"), &tool_rules, &tools);
    gen_rules_chat(c, gen_json_get(holder, "messages"), where, rules, &tools);
    gen_row_tools_release(&tools);
}

static void first_role(struct gen_row_check *c, const struct gen_json *list, const char *where)
{
    struct gen_str role = {NULL, 0};
    if (gen_is_messages(list))
        role = gen_json_get_str(gen_json_at(list, 0), "role");
    if (role.n && !gen_str_is(role, "user") && !gen_str_is(role, "system"))
        gen_rule_error(c, GEN_RULE_first_role,
                       "\"%s\" begins with %.*s; system or user comes first", where,
                       GEN_STR_ARG(role));
}

static void messages(struct gen_row_check *c)
{
    conversation(c, c->row, "messages", &chat);
    first_role(c, gen_json_get(c->row, "messages"), "messages");
}

static void output(struct gen_row_check *c, const char *key)
{
    const struct gen_json *list = gen_json_get(c->row, key);
    const struct gen_json *message =
        gen_json_type(list) == GEN_JSON_ARRAY ? gen_json_at(list, 0) : NULL;
    if (gen_json_count(list) != 1 || gen_json_type(message) != GEN_JSON_OBJECT ||
        !gen_str_is(gen_json_get_str(message, "role"), "assistant"))
        gen_rule_error(c, GEN_RULE_preference_message,
                       "\"%s\" must be a list of exactly one message of the assistant", key);
}

static void preference(struct gen_row_check *c)
{
    const struct gen_json *input = gen_json_get(c->row, "input");
    struct gen_chat_rules rules = chat;
    rules.no_assistant = 0;
    if (gen_json_type(input) != GEN_JSON_OBJECT) {
        gen_rule_error(c, GEN_RULE_column_type,
                       "\"input\" is %s, and must be an object with \"messages\"",
                       gen_type_of(input));
    } else {
        const struct gen_json *list = gen_json_get(input, "messages");
        size_t n = gen_json_type(list) == GEN_JSON_ARRAY ? gen_json_count(list) : 0;
        const struct gen_json *last = n ? gen_json_at(list, n - 1) : NULL;
        conversation(c, input, "input.messages", &rules);
        if (gen_json_type(last) == GEN_JSON_OBJECT &&
            gen_str_is(gen_json_get_str(last, "role"), "assistant"))
            gen_rule_error(c, GEN_RULE_prompt_last_role,
                           "\"input.messages\" must not end with the assistant");
    }
    output(c, "preferred_output");
    output(c, "non_preferred_output");
}

static const char *const chat_columns[] = {"tools", NULL};
static const char *const no_others[] = {NULL};

static const struct gen_row_form forms[] = {
    {"messages", {"messages", NULL}, messages, chat_columns},
    {"prompt and completion",
     {"prompt", "completion", NULL},
     gen_form_prompt_completion_text,
     no_others},
    {"preference",
     {"input", "preferred_output", "non_preferred_output", NULL},
     preference,
     no_others},
    {"text", {"text", NULL}, gen_form_text, no_others},
    {NULL, {NULL}, NULL, NULL},
};

const struct gen_consumer gen_consumer_together = {
    .name = "together",
    .title = "Together",
    .cure = "export with -f openai or -f text",
    .traits = GEN_READS_LINES_ONLY | GEN_REFUSES_MARK | GEN_READS_NAN,
    .rows_min = 1,
    .file_bytes_max = (uint64_t)50 << 30,
    .row_bytes_warn = (size_t)256 << 10,
    .row_bytes_why = "most models cut it at their context",
    .forms = forms,
};
