/* Unsloth (August 2026), unsloth_zoo/dataset_utils.py: sft_prepare_dataset and
 * standardize_data_formats; Studio tells alpaca and messages by their columns. */
#include "dataset/consumer/rules.h"

#include "base/utf8.h"

static bool is_alias(struct gen_str role)
{
    static const char *const aliases[] = {"system", "user",      "human", "input",
                                          "gpt",    "assistant", "output"};
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (gen_str_is(role, aliases[i]))
            return true;
    }
    return false;
}

/* The two keys are found by counting; from/value and role/content are those in use. */
static void turn(struct gen_row_check *c, const struct gen_json *message, size_t i)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, message);
    while (gen_json_iter_next(&it, &key, &value)) {
        if (gen_json_type(value) != GEN_JSON_STRING)
            gen_rule_error(c, GEN_RULE_content_type,
                           "conversations[%zu].%.*s is %s (\"Cannot standardize non text "
                           "datasets\"); all values must be strings",
                           i, GEN_STR_ARG(key), gen_type_of(value));
    }
    struct gen_str role = gen_json_get_str(message, "from");
    bool is_from = role.n != 0;
    if (!is_from)
        role = gen_json_get_str(message, "role");
    if (gen_json_count(message) != 2 || !gen_json_get(message, is_from ? "value" : "content"))
        gen_rule_error(c, GEN_RULE_key_names,
                       "conversations[%zu] must have exactly two keys, from and value (or role and "
                       "content); for tools use \"messages\"",
                       i);
    else if (!is_alias(role))
        gen_rule_error(c, GEN_RULE_unknown_role,
                       "conversations[%zu] has the role \"%.*s\" (\"not in aliases\"); known are "
                       "system, user, human, input, gpt, assistant, output",
                       i, GEN_STR_ARG(gen_utf8_prefix(role, 40)));
}

static void conversations(struct gen_row_check *c)
{
    const struct gen_json *list = gen_json_get(c->row, "conversations");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *message;
    size_t i = 0;
    if (!gen_is_messages(list)) {
        gen_rule_error(c, GEN_RULE_messages_type, "\"conversations\" is no list of messages");
        return;
    }
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &message))
        turn(c, message, i++);
}

static void prompt_completion(struct gen_row_check *c)
{
    bool is_chat = gen_json_type(gen_json_get(c->row, "prompt")) == GEN_JSON_ARRAY;
    if (!is_chat) {
        gen_form_prompt_completion_text(c);
        return;
    }
    struct gen_row_tools tools = {0};
    struct gen_chat_rules rules = gen_template_chat_rules;
    gen_rules_chat(c, gen_json_get(c->row, "completion"), "completion", &rules, &tools);
    rules.no_assistant = rules.not_ended = 0;
    gen_rules_chat(c, gen_json_get(c->row, "prompt"), "prompt", &rules, &tools);
}

static const struct gen_row_form forms[] = {
    {"instructions (alpaca)", {"instruction", "output", NULL}, gen_form_alpaca, NULL},
    {"messages", {"messages", NULL}, gen_form_template_messages, NULL},
    {"conversations", {"conversations", NULL}, conversations, NULL},
    {"prompt and completion", {"prompt", "completion", NULL}, prompt_completion, NULL},
    {"text", {"text", NULL}, gen_form_text, NULL},
    {NULL, {NULL}, NULL, NULL},
};

const struct gen_consumer gen_consumer_unsloth = {
    .name = "unsloth",
    .title = "Unsloth",
    .cure = "export with -f chatml",
    .traits = GEN_READS_BY_DATASETS | GEN_READS_NAN,
    .row_bytes_warn = (size_t)10 << 20,
    .row_bytes_why = "Arrow reads in blocks, and training cuts it at max_seq_length",
    .forms = forms,
};
