#include "dataset/turns.h"

#include <stdio.h>

const struct gen_json *gen_turns_of(const struct gen_json *record)
{
    const struct gen_json *turns = gen_json_get(record, "messages");
    if (gen_json_type(turns) != GEN_JSON_ARRAY)
        turns = gen_json_get(record, "conversations");
    return gen_json_type(turns) == GEN_JSON_ARRAY ? turns : NULL;
}

static enum gen_turn_role role_of(struct gen_str name)
{
    static const struct {
        const char *name;
        enum gen_turn_role role;
    } names[] = {
        {"system", GEN_ROLE_SYSTEM},       {"developer", GEN_ROLE_SYSTEM},
        {"user", GEN_ROLE_USER},           {"human", GEN_ROLE_USER},
        {"assistant", GEN_ROLE_ASSISTANT}, {"gpt", GEN_ROLE_ASSISTANT},
        {"model", GEN_ROLE_ASSISTANT},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_is(name, names[i].name))
            return names[i].role;
    }
    return GEN_ROLE_OTHER;
}

static bool refuse(char *why, size_t why_bytes, const char *text)
{
    (void)snprintf(why, why_bytes, "%s", text);
    return false;
}

bool gen_turn_read(const struct gen_json *turn, struct gen_turn_text *out, char *why,
                   size_t why_bytes)
{
    if (gen_json_type(turn) != GEN_JSON_OBJECT)
        return refuse(why, why_bytes, "a turn of the conversation is no object");
    const struct gen_json *content = gen_json_get(turn, "content");
    struct gen_str role = gen_json_get_str(turn, "role");
    if (!role.n)
        role = gen_json_get_str(turn, "from");
    if (!content)
        content = gen_json_get(turn, "value");
    *out = (struct gen_turn_text){.role = role_of(role)};
    if (gen_json_count(gen_json_get(turn, "tool_calls")) || out->role == GEN_ROLE_OTHER)
        return refuse(why, why_bytes,
                      "a turn of the conversation calls a tool or has another role "
                      "than system, user and assistant");
    if (!gen_json_as_str(content, &out->content))
        return refuse(why, why_bytes, "a turn of the conversation has no text");
    out->reasoning = gen_json_get_str(turn, "reasoning_content");
    if (!out->reasoning.n)
        out->reasoning = gen_json_get_str(turn, "thinking");
    return true;
}
