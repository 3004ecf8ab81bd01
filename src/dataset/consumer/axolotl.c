/* Axolotl (July 2026), prompt_strategies/: chat_template.py above all. The type stands in its YAML;
 * here it is told from the columns. Nulls are removed from messages, strings of JSON are read. */
#include "dataset/consumer/rules.h"

#include "base/utf8.h"

static const struct gen_chat_rules chat = {
    .roles =
        GEN_CHAT_SYSTEM | GEN_CHAT_USER | GEN_CHAT_ASSISTANT | GEN_CHAT_TOOL | GEN_CHAT_DEVELOPER,
    .role_names = "system, user, assistant, tool",
    .arguments_json = GEN_FINDING_ERROR,
    .null_content = GEN_FINDING_WARNING,
    .missing_content = GEN_FINDING_WARNING,
    .null_arguments = GEN_FINDING_WARNING,
    .placeholder = GEN_FINDING_WARNING,
    .same_role_twice = GEN_FINDING_WARNING,
    .system_not_first = GEN_FINDING_WARNING,
    .no_assistant = GEN_FINDING_ERROR, /* all masked: the row is dropped */
    .not_ended = GEN_FINDING_WARNING,
    .developer = GEN_FINDING_WARNING,
    .thinking = GEN_FINDING_WARNING,
    .wrong_reasoning = GEN_FINDING_ERROR,
    .empty_answer = GEN_FINDING_WARNING,
    .call_id = GEN_FINDING_WARNING,
    .several_calls = GEN_FINDING_WARNING,
    .flat_call = GEN_FINDING_ERROR,
    .unanswered = GEN_FINDING_WARNING,
    .not_listed = GEN_FINDING_WARNING,
    .no_tools = GEN_FINDING_WARNING,
};
static const struct gen_tool_rules tool_rules = {.bare = GEN_FINDING_WARNING};

static void check_list(struct gen_row_check *c, const struct gen_json *list,
                       const struct gen_chat_rules *rules)
{
    struct gen_row_tools tools;
    struct gen_str text;
    struct gen_json_doc *doc = NULL;
    gen_rules_tools(c, gen_json_get(c->row, "tools"), &tool_rules, &tools);
    if (gen_json_as_str(list, &text) && gen_json_parse(&doc, text, NULL) == GEN_OK)
        list = gen_json_root(doc);
    gen_rules_chat(c, list, "messages", rules, &tools);
    gen_json_doc_free(doc);
    gen_row_tools_release(&tools);
}

static void messages(struct gen_row_check *c)
{
    check_list(c, gen_json_get(c->row, "messages"), &chat);
}

static void preference_side(struct gen_row_check *c, const char *key)
{
    const struct gen_json *side = gen_json_get(c->row, key);
    if (gen_json_type(side) != GEN_JSON_OBJECT ||
        gen_json_type(gen_json_get(side, "content")) != GEN_JSON_STRING)
        gen_rule_error(c, GEN_RULE_preference_message,
                       "\"%s\" is %s, and must be one message {\"role\", \"content\"} (type: "
                       "chat_template.default)",
                       key, gen_type_of(side));
    if (gen_present(gen_json_get(side, "tool_calls")))
        gen_rule_error(c, GEN_RULE_calls_dropped,
                       "\"%s\" has tool_calls, which Axolotl drops from preference rows", key);
}

static void preference(struct gen_row_check *c)
{
    struct gen_chat_rules rules = chat;
    rules.no_assistant = rules.not_ended = 0;
    check_list(c, gen_json_get(c->row, "messages"), &rules);
    preference_side(c, "chosen");
    preference_side(c, "rejected");
    if (gen_present(gen_json_get(c->row, "tools")))
        gen_rule_error(c, GEN_RULE_calls_dropped,
                       "\"tools\" is not passed on for preference rows (issue #3824)");
    if (gen_json_equal(gen_json_get(c->row, "chosen"), gen_json_get(c->row, "rejected")))
        gen_rule_warn(c, GEN_RULE_same_preference,
                      "\"chosen\" and \"rejected\" are the same: nothing is preferred");
}

static void conversations(struct gen_row_check *c)
{
    const struct gen_json *list = gen_json_get(c->row, "conversations");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *turn;
    static const char *const known[] = {"human",  "user", "gpt", "assistant",
                                        "system", "tool", NULL};
    size_t i = 0;
    gen_rule_once(c, GEN_FINDING_WARNING, GEN_RULE_needs_mapping,
                  "\"conversations\" is read only with field_messages: conversations and "
                  "message_property_mappings: {role: from, content: value} in the YAML");
    if (!gen_is_messages(list)) {
        gen_rule_error(c, GEN_RULE_messages_type, "\"conversations\" is no list of messages");
        return;
    }
    gen_json_iter_init(&it, list);
    for (; gen_json_iter_next(&it, &key, &turn); i++) {
        struct gen_str role = gen_json_get_str(turn, "from");
        bool is_known = false;
        for (size_t k = 0; known[k]; k++)
            is_known |= gen_str_is(role, known[k]);
        if (gen_json_type(gen_json_get(turn, "value")) != GEN_JSON_STRING)
            gen_rule_error(c, GEN_RULE_content_type,
                           "conversations[%zu].value is %s, and must be a "
                           "string",
                           i, gen_type_of(gen_json_get(turn, "value")));
        if (!is_known)
            gen_rule_error(c, GEN_RULE_unknown_role,
                           "conversations[%zu].from is \"%.*s\"; known are human, user, gpt, "
                           "assistant, system, tool: export with -f chatml",
                           i, GEN_STR_ARG(gen_utf8_prefix(role, 40)));
    }
}

static void question_answer(struct gen_row_check *c)
{
    (void)gen_want_string(c, c->row, NULL, "question");
    (void)gen_want_string(c, c->row, NULL, "answer");
    gen_allow_string(c, c->row, "context");
    if (gen_present(gen_json_get(c->row, "reasoning")))
        gen_rule_error(c, GEN_RULE_reasoning_name,
                       "\"reasoning\" is not read by this type: the reasoning is lost; export with "
                       "-f chatml");
}

static const struct gen_row_form forms[] = {
    {"preference (chat_template.default)",
     {"messages", "chosen", "rejected", NULL},
     preference,
     NULL},
    {"messages (chat_template)", {"messages", NULL}, messages, NULL},
    {"instructions (alpaca)", {"instruction", "output", NULL}, gen_form_alpaca, NULL},
    {"questions with context (context_qa.load_v2)",
     {"context", "question", "answer", NULL},
     question_answer,
     NULL},
    {"questions (alpaca_chat.load_qa)", {"question", "answer", NULL}, question_answer, NULL},
    {"conversations", {"conversations", NULL}, conversations, NULL},
    {"text (completion)", {"text", NULL}, gen_form_text, NULL},
    {NULL, {NULL}, NULL, NULL},
};

const struct gen_consumer gen_consumer_axolotl = {
    .name = "axolotl",
    .title = "Axolotl",
    .cure = "export with -f chatml",
    .traits = GEN_READS_BY_DATASETS | GEN_READS_NAN,
    .row_bytes_warn = (size_t)10 << 20,
    .row_bytes_why = "Arrow reads in blocks, and rows over sequence_len are dropped",
    .forms = forms,
};
