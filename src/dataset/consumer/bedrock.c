/* Amazon Bedrock: Nova (Converse blocks), Claude 3 Haiku (messages of text), Titan (prompt and
 * completion); the user guides of Nova and Bedrock (formats.md 1.8). */
#include "dataset/consumer/rules.h"

#include "base/utf8.h"

#define PLACE_BYTES 128

/* A word with which Nova's user guide forbids a prompt to begin. */
static void reserved(struct gen_row_check *c, struct gen_str text, const char *at)
{
    static const char *const words[] = {
        "User:", "Bot:", "Assistant:", "System:", "<image>", "<video>", "[EOS]"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_starts(text, gen_str_from(words[i])))
            gen_rule_error(c, GEN_RULE_reserved_word,
                           "%s begins with \"%s\", which Nova reserves: the job fails", at,
                           words[i]);
    }
}

static void check_block(struct gen_row_check *c, const struct gen_json *block, const char *at,
                        bool is_user)
{
    struct gen_str text;
    if (gen_json_type(block) != GEN_JSON_OBJECT || gen_json_count(block) != 1)
        gen_rule_error(c, GEN_RULE_part_type, "%s must be an object with one key, such as \"text\"",
                       at);
    else if (gen_json_get(block, "toolUse") || gen_json_get(block, "toolResult"))
        gen_rule_warn(c, GEN_RULE_tool_blocks,
                      "%s uses tools, at which training of Nova may fail; see its user guide", at);
    else if (gen_json_get(block, "text") && gen_want_string(c, block, at, "text") && is_user &&
             gen_json_as_str(gen_json_get(block, "text"), &text))
        reserved(c, text, at);
}

static void check_blocks(struct gen_row_check *c, const struct gen_json *list, const char *at,
                         bool is_user)
{
    char place[PLACE_BYTES];
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *block;
    size_t i = 0;
    if (gen_json_type(list) != GEN_JSON_ARRAY || gen_json_count(list) == 0) {
        gen_rule_error(c, GEN_RULE_content_type,
                       "%s is %s, and must be a list of blocks like [{\"text\": ...}]", at,
                       gen_type_of(list));
        return;
    }
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &block)) {
        gen_utf8_format(place, sizeof(place), "%s[%zu]", at, i++);
        check_block(c, block, place, is_user);
    }
}

static void check_content(struct gen_row_check *c, const struct gen_json *content, const char *at,
                          bool in_blocks, bool is_user)
{
    struct gen_str text;
    if (in_blocks)
        check_blocks(c, content, at, is_user);
    else if (!gen_json_as_str(content, &text))
        gen_rule_error(c, GEN_RULE_content_type, "%s is %s, and must be a string", at,
                       gen_type_of(content));
    else if (!gen_str_trim(text).n)
        gen_rule_error(c, GEN_RULE_empty_answer, "%s is empty", at);
}

/* First the user, then in turns, the assistant last. */
static void check_messages(struct gen_row_check *c, bool in_blocks)
{
    char at[PLACE_BYTES];
    const struct gen_json *list = gen_json_get(c->row, "messages");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *message;
    size_t i = 0;
    if (gen_json_type(list) != GEN_JSON_ARRAY || gen_json_count(list) == 0) {
        gen_rule_error(c, GEN_RULE_messages_type,
                       "\"messages\" is %s, and must be a list with at "
                       "least two messages",
                       gen_type_of(list));
        return;
    }
    gen_json_iter_init(&it, list);
    for (; gen_json_iter_next(&it, &key, &message); i++) {
        gen_utf8_format(at, sizeof(at), "messages[%zu].content", i);
        if (gen_json_type(message) != GEN_JSON_OBJECT) {
            gen_rule_error(c, GEN_RULE_message_type, "messages[%zu] is %s, and must be an object",
                           i, gen_type_of(message));
            return;
        }
        struct gen_str role = gen_json_get_str(message, "role");
        const char *wanted = i % 2 ? "assistant" : "user";
        if (!gen_str_is(role, wanted)) {
            gen_rule_error(
                c, GEN_RULE_role_position,
                "messages[%zu].role is \"%.*s\", and must be %s: user and assistant take "
                "turns, and the system prompt is a column of its own (-f bedrock)",
                i, GEN_STR_ARG(gen_utf8_prefix(role, 40)), wanted);
            return;
        }
        if (gen_json_count(message) != 2)
            gen_rule_error(c, GEN_RULE_unknown_key,
                           "messages[%zu] must have the keys role and content, and no others", i);
        check_content(c, gen_json_get(message, "content"), at, in_blocks, i % 2 == 0);
    }
    if (i % 2)
        gen_rule_error(c, GEN_RULE_no_final_answer, "\"messages\" does not end with the assistant");
}

static void nova(struct gen_row_check *c)
{
    struct gen_str version = gen_json_get_str(c->row, "schemaVersion");
    if (!gen_str_is(version, "bedrock-conversation-2024"))
        gen_rule_warn(c, GEN_RULE_schema_version,
                      "\"schemaVersion\" is \"%.*s\"; bedrock-conversation-2024 is usual",
                      GEN_STR_ARG(version));
    if (gen_present(gen_json_get(c->row, "system")))
        check_blocks(c, gen_json_get(c->row, "system"), "system", true);
    check_messages(c, true);
}

static void claude(struct gen_row_check *c)
{
    gen_allow_string(c, c->row, "system");
    check_messages(c, false);
}

static const char *const nova_others[] = {"system", "toolConfig", NULL};
static const char *const claude_others[] = {"system", NULL};
static const char *const no_others[] = {NULL};

static const struct gen_row_form forms[] = {
    {"Converse (Nova)", {"schemaVersion", "messages", NULL}, nova, nova_others},
    {"messages (Claude 3 Haiku)", {"messages", NULL}, claude, claude_others},
    {"prompt and completion (Titan)",
     {"prompt", "completion", NULL},
     gen_form_prompt_completion_text,
     no_others},
    {NULL, {NULL}, NULL, NULL},
};

const struct gen_consumer gen_consumer_bedrock = {
    .name = "bedrock",
    .title = "Bedrock",
    .cure = "export with -f bedrock",
    .traits = GEN_READS_LINES_ONLY,
    .row_bytes_warn = (size_t)128 << 10,
    .row_bytes_why = "beyond the model's limit (32,000 tokens for Nova) the job fails",
    .forms = forms,
};
