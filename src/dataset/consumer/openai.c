/* OpenAI and Azure fine-tuning: the chat and preference forms, as their validator checks uploads.
 */
#include "dataset/consumer/rules.h"

static const char *const message_keys[] = {"role",          "content",      "name",
                                           "tool_calls",    "tool_call_id", "weight",
                                           "function_call", "refusal",      NULL};
static const struct gen_chat_rules chat = {
    .roles = GEN_CHAT_SYSTEM | GEN_CHAT_USER | GEN_CHAT_ASSISTANT | GEN_CHAT_TOOL |
             GEN_CHAT_DEVELOPER | GEN_CHAT_FUNCTION,
    .role_names = "system, user, assistant, tool",
    .keys = message_keys,
    .arguments_object = GEN_FINDING_ERROR,
    .arguments_json = GEN_FINDING_ERROR,
    .tool_parts = GEN_FINDING_ERROR,
    .null_arguments = GEN_FINDING_WARNING,
    .placeholder = GEN_FINDING_WARNING,
    .system_not_first = GEN_FINDING_WARNING,
    .no_assistant = GEN_FINDING_ERROR,
    .not_ended = GEN_FINDING_ERROR,
    .empty_answer = GEN_FINDING_ERROR, /* "at least one of content or function_call must be set" */
    .call_id = GEN_FINDING_ERROR,
    .call_type = GEN_FINDING_ERROR,
    .flat_call = GEN_FINDING_ERROR,
    .unanswered = GEN_FINDING_ERROR,
    .not_listed = GEN_FINDING_ERROR,
    .no_tools = GEN_FINDING_WARNING,
    .function_name = GEN_FINDING_ERROR,
    .check_weight = true,
};
static const struct gen_tool_rules tool_rules = {
    .string = GEN_FINDING_ERROR,
    .bare = GEN_FINDING_ERROR,
    .items = GEN_FINDING_ERROR,
    .function_name = GEN_FINDING_ERROR,
    .check_strict = true,
    .string_cure = "OpenAI takes a list of objects; export with -f openai",
};

static void conversation(struct gen_row_check *c, const struct gen_json *holder, const char *where,
                         const struct gen_chat_rules *rules)
{
    struct gen_row_tools tools;
    const struct gen_json *parallel = gen_json_get(holder, "parallel_tool_calls");
    gen_rules_tools(c, gen_json_get(holder, "tools"), &tool_rules, &tools);
    gen_rules_chat(c, gen_json_get(holder, "messages"), where, rules, &tools);
    if (parallel && gen_json_type(parallel) != GEN_JSON_BOOL)
        gen_rule_error(c, GEN_RULE_parallel_calls,
                       "\"parallel_tool_calls\" is %s, and must be true or false",
                       gen_type_of(parallel));
    gen_row_tools_release(&tools);
}

static void messages(struct gen_row_check *c)
{
    conversation(c, c->row, "messages", &chat);
}

static void output(struct gen_row_check *c, const char *key)
{
    const struct gen_json *list = gen_json_get(c->row, key);
    struct gen_row_tools tools = {0};
    struct gen_chat_rules rules = chat;
    rules.no_tools = 0;
    if (gen_json_type(list) == GEN_JSON_ARRAY && gen_json_count(list) > 0)
        gen_rules_chat(c, list, key, &rules, &tools);
    else
        gen_rule_error(c, GEN_RULE_preference_message,
                       "\"%s\" is %s, and must be a list with one message of the assistant", key,
                       gen_type_of(list));
}

static void preference(struct gen_row_check *c)
{
    const struct gen_json *input = gen_json_get(c->row, "input");
    struct gen_chat_rules rules = chat;
    rules.no_assistant = rules.not_ended = 0;
    if (gen_json_type(input) == GEN_JSON_OBJECT)
        conversation(c, input, "input.messages", &rules);
    else
        gen_rule_error(c, GEN_RULE_column_type,
                       "\"input\" is %s, and must be an object with "
                       "\"messages\"",
                       gen_type_of(input));
    output(c, "preferred_output");
    output(c, "non_preferred_output");
    if (gen_json_equal(gen_json_get(c->row, "preferred_output"),
                       gen_json_get(c->row, "non_preferred_output")))
        gen_rule_warn(c, GEN_RULE_same_preference,
                      "both outputs are the same: nothing is preferred");
}

static const char *const chat_columns[] = {"messages", "tools", "parallel_tool_calls", "functions",
                                           NULL};
static const char *const no_others[] = {NULL};

static const struct gen_row_form forms[] = {
    {"messages", {"messages", NULL}, messages, chat_columns},
    {"preference",
     {"input", "preferred_output", "non_preferred_output", NULL},
     preference,
     no_others},
    {NULL, {NULL}, NULL, NULL},
};

const struct gen_consumer gen_consumer_openai = {
    .name = "openai",
    .title = "OpenAI",
    .cure = "export with -f openai",
    .traits = GEN_READS_LINES_ONLY,
    .rows_min = 10,
    .file_bytes_max = (uint64_t)512 << 20,
    .row_bytes_warn = (size_t)256 << 10,
    .row_bytes_why = "beyond about 65,000 tokens its end is cut",
    .forms = forms,
};
