/* TRL 1.16, data_utils.py and trainer/sft_trainer.py: the kind of a dataset is told by its columns,
 * messages go through the model's own chat template. */
#include "dataset/consumer/rules.h"

#include "base/utf8.h"

#define ROLES                                                                                      \
    (GEN_CHAT_SYSTEM | GEN_CHAT_USER | GEN_CHAT_ASSISTANT | GEN_CHAT_TOOL | GEN_CHAT_DEVELOPER)

const struct gen_chat_rules gen_template_chat_rules = {
    .roles = ROLES,
    .role_names = "system, user, assistant, tool",
    .arguments_string = GEN_FINDING_ERROR,
    .arguments_json = 0, /* said by string_arguments already */
    .null_content = GEN_FINDING_WARNING,
    .missing_content = GEN_FINDING_WARNING,
    .parts = GEN_FINDING_WARNING,
    .tool_parts = GEN_FINDING_WARNING,
    .null_padding = GEN_FINDING_WARNING,
    .null_arguments = GEN_FINDING_WARNING,
    .placeholder = GEN_FINDING_WARNING,
    .same_role_twice = GEN_FINDING_WARNING,
    .system_not_first = GEN_FINDING_WARNING,
    .no_assistant = GEN_FINDING_WARNING,
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

const struct gen_tool_rules gen_template_tool_rules = {
    .bare = GEN_FINDING_WARNING,
};

static void template_kwargs(struct gen_row_check *c)
{
    const struct gen_json *kwargs = gen_json_get(c->row, "chat_template_kwargs");
    if (kwargs && gen_json_type(kwargs) != GEN_JSON_OBJECT)
        gen_rule_error(
            c, GEN_RULE_template_kwargs,
            "\"chat_template_kwargs\" is %s, and TRL spreads it as a mapping (TypeError); "
            "make it an object in every row, or leave the column out",
            gen_type_of(kwargs));
}

static void chat_columns(struct gen_row_check *c, const char *const *columns)
{
    struct gen_row_tools tools;
    gen_rules_tools(c, gen_json_get(c->row, "tools"), &gen_template_tool_rules, &tools);
    for (; *columns; columns++) {
        struct gen_chat_rules rules = gen_template_chat_rules;
        if (strcmp(*columns, "prompt") == 0)
            rules.no_assistant = rules.not_ended = 0;
        gen_rules_chat(c, gen_json_get(c->row, *columns), *columns, &rules, &tools);
    }
    gen_row_tools_release(&tools);
    template_kwargs(c);
}

void gen_form_template_messages(struct gen_row_check *c)
{
    chat_columns(c, (const char *const[]){"messages", NULL});
}

/* The prompt and completion columns would be taken before the messages. */
static void messages(struct gen_row_check *c)
{
    static const char *const other[] = {"prompt", "completion", "chosen", "rejected"};
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        if (gen_present(gen_json_get(c->row, other[i]))) {
            gen_rule_error(
                c, GEN_RULE_ambiguous_columns,
                "the row has \"messages\" and \"%s\"; TRL takes one kind of dataset only "
                "(KeyError: Invalid keys); leave one out",
                other[i]);
            break;
        }
    }
    gen_form_template_messages(c);
}

/* All messages or all strings. False with a finding when they are mixed or neither. */
static bool same_form(struct gen_row_check *c, const char *const *columns, bool *is_chat)
{
    const struct gen_json *first = gen_json_get(c->row, columns[0]);
    *is_chat = gen_json_type(first) == GEN_JSON_ARRAY;
    for (; *columns; columns++) {
        const struct gen_json *v = gen_json_get(c->row, *columns);
        if (gen_json_type(v) == GEN_JSON_STRING && !*is_chat)
            continue;
        if (gen_json_type(v) == GEN_JSON_ARRAY && *is_chat)
            continue;
        gen_rule_error(c, GEN_RULE_mixed_forms,
                       "\"%s\" is %s and does not fit the other columns: all are strings, or all "
                       "lists of messages",
                       *columns, gen_type_of(v));
        return false;
    }
    return true;
}

static void prompt_role(struct gen_row_check *c)
{
    const struct gen_json *prompt = gen_json_get(c->row, "prompt");
    size_t n = gen_json_count(prompt);
    struct gen_str role = gen_json_get_str(n ? gen_json_at(prompt, n - 1) : NULL, "role");
    if (n && !gen_str_is(role, "user") && !gen_str_is(role, "tool") &&
        !gen_str_is(role, "assistant"))
        gen_rule_error(
            c, GEN_RULE_prompt_last_role,
            "the last message of \"prompt\" has the role \"%.*s\"; it must be user, tool "
            "or (to be continued) assistant",
            GEN_STR_ARG(role));
}

static void prompt_completion(struct gen_row_check *c)
{
    static const char *const columns[] = {"prompt", "completion", NULL};
    bool is_chat = false;
    if (!same_form(c, columns, &is_chat))
        return;
    if (is_chat) {
        chat_columns(c, columns);
        prompt_role(c);
    } else {
        gen_form_prompt_completion_text(c);
    }
}

static void unpaired(struct gen_row_check *c)
{
    if (gen_json_type(gen_json_get(c->row, "label")) != GEN_JSON_BOOL)
        gen_rule_error(c, GEN_RULE_column_type, "\"label\" is %s, and must be true or false",
                       gen_type_of(gen_json_get(c->row, "label")));
    prompt_completion(c);
}

static void preference(struct gen_row_check *c)
{
    static const char *const columns[] = {"prompt", "chosen", "rejected", NULL};
    const char *const *from = gen_present(gen_json_get(c->row, "prompt")) ? columns : columns + 1;
    bool is_chat = false;
    if (!same_form(c, from, &is_chat))
        return;
    if (is_chat) {
        chat_columns(c, from);
        prompt_role(c);
    }
    if (gen_json_equal(gen_json_get(c->row, "chosen"), gen_json_get(c->row, "rejected")))
        gen_rule_warn(c, GEN_RULE_same_preference,
                      "\"chosen\" and \"rejected\" are the same: nothing is preferred");
}

static void stepwise(struct gen_row_check *c)
{
    const struct gen_json *completions = gen_json_get(c->row, "completions");
    const struct gen_json *labels = gen_json_get(c->row, "labels");
    (void)gen_want_string(c, c->row, NULL, "prompt");
    if (gen_json_type(completions) != GEN_JSON_ARRAY || gen_json_type(labels) != GEN_JSON_ARRAY)
        gen_rule_error(c, GEN_RULE_column_type, "\"completions\" and \"labels\" must be lists");
    else if (gen_json_count(completions) != gen_json_count(labels))
        gen_rule_error(c, GEN_RULE_list_lengths,
                       "there are %zu completions and %zu labels; each step needs one",
                       gen_json_count(completions), gen_json_count(labels));
}

static void prompt_only(struct gen_row_check *c)
{
    if (gen_json_type(gen_json_get(c->row, "prompt")) == GEN_JSON_ARRAY) {
        chat_columns(c, (const char *const[]){"prompt", NULL});
        prompt_role(c);
    } else {
        (void)gen_want_string(c, c->row, NULL, "prompt");
    }
}

/* TRL calls "from" role and "value" content, and keeps human and gpt as they are. */
static void conversations(struct gen_row_check *c)
{
    const struct gen_json *list = gen_json_get(c->row, "conversations");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *turn;
    size_t i = 0;
    if (!gen_is_messages(list)) {
        gen_rule_error(c, GEN_RULE_messages_type, "\"conversations\" is no list of messages");
        return;
    }
    gen_json_iter_init(&it, list);
    for (; gen_json_iter_next(&it, &key, &turn); i++) {
        struct gen_str role = gen_json_get_str(turn, "from");
        if (!role.n || !gen_json_get(turn, "value")) {
            gen_rule_error(c, GEN_RULE_key_names,
                           "conversations[%zu] lacks \"from\" or \"value\"; with role and content, "
                           "the column is called \"messages\"",
                           i);
            return;
        }
        if (!gen_str_is(role, "user") && !gen_str_is(role, "assistant") &&
            !gen_str_is(role, "system") && !gen_str_is(role, "tool")) {
            gen_rule_error(c, GEN_RULE_unknown_role,
                           "conversations[%zu].from is \"%.*s\"; TRL does not map it to user or "
                           "assistant, and templates drop or refuse it: export with -f chatml",
                           i, GEN_STR_ARG(gen_utf8_prefix(role, 40)));
            return;
        }
    }
}

static const struct gen_row_form forms[] = {
    {"messages", {"messages", NULL}, messages, NULL},
    {"unpaired preference (KTO)", {"prompt", "completion", "label", NULL}, unpaired, NULL},
    {"prompt and completion", {"prompt", "completion", NULL}, prompt_completion, NULL},
    {"steps (PRM)", {"prompt", "completions", "labels", NULL}, stepwise, NULL},
    {"preference (DPO)", {"chosen", "rejected", NULL}, preference, NULL},
    {"text", {"text", NULL}, gen_form_text, NULL},
    {"conversations", {"conversations", NULL}, conversations, NULL},
    {"prompts alone (GRPO)", {"prompt", NULL}, prompt_only, NULL},
    {NULL, {NULL}, NULL, NULL},
};

const struct gen_consumer gen_consumer_trl = {
    .name = "trl",
    .title = "TRL",
    .cure = "export with -f chatml or -f prompt-completion",
    .traits = GEN_READS_BY_DATASETS | GEN_READS_NAN,
    .row_bytes_warn = (size_t)10 << 20,
    .row_bytes_why = "Arrow reads in blocks, and training cuts it at max_length",
    .forms = forms,
};
