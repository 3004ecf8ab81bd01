#include "dataset/consumer/rules.h"

#include "base/utf8.h"

#define PLACE_BYTES 96

struct chat {
    struct gen_row_check *c;
    const struct gen_chat_rules *rules;
    const struct gen_row_tools *tools;
    const char *where;
    struct gen_calls calls;
    enum gen_chat_role before; /* 0: none */
    size_t i;
    bool has_assistant, has_others;
    char at[PLACE_BYTES];
};

static enum gen_chat_role role_of(struct gen_str name)
{
    static const struct {
        const char *name;
        enum gen_chat_role role;
    } roles[] = {
        {"user", GEN_CHAT_USER}, {"assistant", GEN_CHAT_ASSISTANT}, {"system", GEN_CHAT_SYSTEM},
        {"tool", GEN_CHAT_TOOL}, {"developer", GEN_CHAT_DEVELOPER}, {"function", GEN_CHAT_FUNCTION},
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (gen_str_is(name, roles[i].name))
            return roles[i].role;
    }
    return GEN_CHAT_UNKNOWN;
}

static enum gen_chat_role read_role(struct chat *h, const struct gen_json *message)
{
    struct gen_str name;
    const struct gen_json *role = gen_json_get(message, "role");
    if (!gen_json_as_str(role, &name)) {
        bool is_sharegpt = gen_json_get(message, "from") != NULL;
        gen_rule_error(h->c, GEN_RULE_role_missing, "%s.role is %s, and must be a string%s", h->at,
                       gen_type_of(role),
                       is_sharegpt ? "; this is ShareGPT's \"from\" and \"value\"" : "");
        return GEN_CHAT_UNKNOWN;
    }
    enum gen_chat_role found = role_of(name);
    if (!(found & h->rules->roles))
        gen_rule_error(h->c, GEN_RULE_unknown_role, "%s.role is \"%.*s\"; known are %s", h->at,
                       GEN_STR_ARG(gen_utf8_prefix(name, 40)), h->rules->role_names);
    else if (found == GEN_CHAT_DEVELOPER)
        gen_rule(h->c, h->rules->developer, GEN_RULE_developer_role,
                 "%s.role is \"developer\", which only gpt-oss and FunctionGemma templates know; "
                 "others drop it or fail: use system",
                 h->at);
    return found;
}

static void check_order(struct chat *h, enum gen_chat_role role)
{
    enum gen_chat_role before = h->before;
    if (role == GEN_CHAT_SYSTEM && h->i > 0)
        gen_rule(h->c, h->rules->system_not_first, GEN_RULE_system_not_first,
                 "%s is a system message behind others; most readers want it first, or drop it",
                 h->at);
    if (role == before && role != GEN_CHAT_TOOL && role != GEN_CHAT_UNKNOWN)
        gen_rule(h->c, h->rules->same_role_twice, GEN_RULE_roles_alternate,
                 "%s has the role of the message before it; user and assistant must take turns: "
                 "join the two",
                 h->at);
    h->has_assistant |= role == GEN_CHAT_ASSISTANT;
    h->before = role;
}

/* Parts as OpenAI writes them: [{"type": "text", "text": ...}]. */
static bool are_parts(const struct gen_json *content)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *part;
    gen_json_iter_init(&it, content);
    while (gen_json_iter_next(&it, &key, &part)) {
        if (gen_json_type(part) != GEN_JSON_OBJECT || !gen_json_get_str(part, "type").n)
            return false;
    }
    return true;
}

static void check_parts(struct chat *h, enum gen_chat_role role)
{
    gen_rule(h->c, role == GEN_CHAT_TOOL ? h->rules->tool_parts : h->rules->parts,
             GEN_RULE_content_parts,
             "%s.content is a list of parts; templates of text models take a string", h->at);
}

static void check_content(struct chat *h, const struct gen_json *message, enum gen_chat_role role,
                          bool has_calls)
{
    const struct gen_chat_rules *r = h->rules;
    const struct gen_json *content = gen_json_get(message, "content");
    struct gen_str text;
    switch (gen_json_type(content)) {
    case GEN_JSON_NONE:
        gen_rule(h->c, has_calls ? r->missing_content : GEN_FINDING_ERROR, GEN_RULE_missing_content,
                 "%s has no \"content\"; %s", h->at,
                 has_calls ? "DeepSeek-V3 and LFM2 templates fail at that: write \"\""
                           : "a message needs its text");
        break;
    case GEN_JSON_NULL:
        gen_rule(h->c, has_calls ? r->null_content : GEN_FINDING_ERROR, GEN_RULE_null_content,
                 "%s.content is null; %s", h->at,
                 has_calls ? "gpt-oss, LFM2.5 and Qwen3-VL templates fail at that: write \"\""
                           : "a message needs its text");
        break;
    case GEN_JSON_ARRAY:
        if (!are_parts(content))
            gen_rule_error(
                h->c, GEN_RULE_content_type,
                "%s.content is a list of what is no part {\"type\": ..., ...}; make it a "
                "string",
                h->at);
        else
            check_parts(h, role);
        break;
    case GEN_JSON_STRING:
        (void)gen_json_as_str(content, &text);
        if (role == GEN_CHAT_ASSISTANT && !has_calls && !gen_str_trim(text).n)
            gen_rule(h->c, r->empty_answer, GEN_RULE_empty_answer,
                     "%s is an assistant's turn with neither text nor calls", h->at);
        break;
    default:
        gen_rule_error(h->c, GEN_RULE_content_type, "%s.content is %s, and must be a string", h->at,
                       gen_type_of(content));
    }
}

static bool in_list(const char *const *list, struct gen_str name)
{
    for (; *list; list++) {
        if (gen_str_is(name, *list))
            return true;
    }
    return false;
}

static void check_reasoning(struct chat *h, struct gen_str key)
{
    static const char *const wrong[] = {"reasoning",        "thought", "thoughts", "cot",
                                        "chain_of_thought", "reason",  NULL};
    if (gen_str_is(key, "reasoning_content"))
        gen_rule(h->c, h->rules->reasoning, GEN_RULE_reasoning_template,
                 "%s has \"reasoning_content\", which is not read here; it is lost", h->at);
    else if (gen_str_is(key, "thinking"))
        gen_rule(h->c, h->rules->thinking, GEN_RULE_reasoning_template,
                 "%s has \"thinking\", which only gpt-oss and LFM2.5 templates render; the others "
                 "want \"reasoning_content\"",
                 h->at);
    else if (in_list(wrong, key))
        gen_rule(h->c, h->rules->wrong_reasoning, GEN_RULE_reasoning_name,
                 "%s has \"%.*s\", which no template renders: the reasoning is lost; call it "
                 "\"reasoning_content\"",
                 h->at, GEN_STR_ARG(key));
}

static void check_weight(struct chat *h, const struct gen_json *weight, enum gen_chat_role role)
{
    int64_t n = -1;
    if (!gen_json_as_int(weight, &n) || (n != 0 && n != 1))
        gen_rule_error(h->c, GEN_RULE_weight, "%s.weight must be 0 or 1", h->at);
    else if (role != GEN_CHAT_ASSISTANT)
        gen_rule_error(h->c, GEN_RULE_weight,
                       "%s.weight stands on a message that is not the assistant's", h->at);
}

static void check_keys(struct chat *h, const struct gen_json *message, enum gen_chat_role role)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, message);
    while (gen_json_iter_next(&it, &key, &value)) {
        if (gen_str_is(key, "content") || gen_str_is(key, "role"))
            continue;
        if (gen_json_type(value) == GEN_JSON_NULL)
            gen_rule(h->c, h->rules->null_padding, GEN_RULE_null_padding,
                     "%s.%.*s is null; Llama-3.1, gpt-oss and LFM2.5 templates fail at keys that "
                     "are padded with null: leave it out",
                     h->at, GEN_STR_ARG(key));
        else if (h->rules->keys && !in_list(h->rules->keys, key))
            gen_rule_error(h->c, GEN_RULE_unknown_key,
                           "%s has the key \"%.*s\", which is not taken; leave it out", h->at,
                           GEN_STR_ARG(key));
        else
            check_reasoning(h, key);
        if (h->rules->check_weight && gen_str_is(key, "weight"))
            check_weight(h, value, role);
    }
}

/* "messages[12]". Written for every message of every row, of which next to none is ever read. */
static void name_place(struct chat *h)
{
    char digits[24];
    size_t n_digits = 0;
    size_t n = strlen(h->where);
    size_t rest = h->i;
    do {
        digits[n_digits++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (n + n_digits + 3 > sizeof(h->at))
        n = sizeof(h->at) - n_digits - 3;
    memcpy(h->at, h->where, n);
    h->at[n++] = '[';
    while (n_digits)
        h->at[n++] = digits[--n_digits];
    h->at[n++] = ']';
    h->at[n] = '\0';
}

static void check_message(struct chat *h, const struct gen_json *message)
{
    name_place(h);
    if (gen_json_type(message) != GEN_JSON_OBJECT) {
        gen_rule_error(h->c, GEN_RULE_message_type, "%s is %s, and must be an object", h->at,
                       gen_type_of(message));
        h->before = GEN_CHAT_UNKNOWN;
        return;
    }
    const struct gen_json *calls = gen_json_get(message, "tool_calls");
    bool has_calls = gen_present(calls) && gen_json_count(calls) > 0;
    enum gen_chat_role role = read_role(h, message);
    check_order(h, role);
    check_content(h, message, role, has_calls);
    check_keys(h, message, role);
    if (role == GEN_CHAT_TOOL)
        gen_rules_answer(h->c, &h->calls, message, h->at, h->rules);
    else
        gen_rules_calls_end(h->c, &h->calls, h->at, h->rules);
    if (gen_present(calls))
        gen_rules_calls(h->c, &h->calls, calls, h->at, h->rules, h->tools);
}

void gen_rules_chat(struct gen_row_check *c, const struct gen_json *list, const char *where,
                    const struct gen_chat_rules *rules, const struct gen_row_tools *tools)
{
    struct chat h;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *message;
    if (gen_json_type(list) != GEN_JSON_ARRAY) {
        gen_rule_error(c, GEN_RULE_messages_type, "\"%s\" is %s, and must be a list of messages",
                       where, gen_type_of(list));
        return;
    }
    h.c = c;
    h.rules = rules;
    h.tools = tools;
    h.where = where;
    h.calls.n = h.calls.first_open = h.calls.n_answers = 0; /* the array is large */
    h.calls.is_overflown = h.calls.id_said = false;
    h.before = 0;
    h.has_assistant = false;
    gen_json_iter_init(&it, list);
    for (h.i = 0; gen_json_iter_next(&it, &key, &message); h.i++)
        check_message(&h, message);
    if (h.i == 0)
        gen_rule_error(c, GEN_RULE_empty_messages, "\"%s\" is an empty list", where);
    else if (!h.has_assistant)
        gen_rule(c, rules->no_assistant, GEN_RULE_no_assistant,
                 "\"%s\" has no turn of the assistant: there is nothing to learn from", where);
    else if (h.before != GEN_CHAT_ASSISTANT)
        gen_rule(c, rules->not_ended, GEN_RULE_no_final_answer,
                 "\"%s\" does not end with a turn of the assistant", where);
}
