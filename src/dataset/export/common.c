#include "dataset/export/common.h"

#include <stdio.h>

struct gen_str gen_export_system(const struct gen_json *record,
                                 const struct gen_export_options *options)
{
    if (options && options->system_prompt)
        return gen_str_from(options->system_prompt);
    char why[160];
    struct gen_turn_text turn;
    const struct gen_json *turns =
        gen_record_kind(record) == GEN_RECORD_CONVERSATION ? gen_turns_of(record) : NULL;
    if (turns && gen_turn_read(gen_json_at(turns, 0), &turn, why, sizeof(why)) &&
        turn.role == GEN_ROLE_SYSTEM)
        return turn.content;
    if (turns && gen_json_get_str(record, "system").n)
        return gen_json_get_str(record, "system");
    return GEN_STR(GEN_DEFAULT_SYSTEM_PROMPT);
}

struct gen_jmut *gen_export_with_thoughts(struct gen_jb *b, struct gen_str reasoning,
                                          struct gen_str content)
{
    reasoning = gen_str_trim(reasoning);
    if (!reasoning.n)
        return gen_jb_str(b, content);
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_buf_add_c(&text, "<think>\n", NULL);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&text, reasoning, NULL);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&text, "\n</think>\n\n", NULL);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&text, content, NULL);
    struct gen_jmut *v = rc == GEN_OK ? gen_jb_str(b, gen_buf_str(&text)) : NULL;
    gen_buf_release(&text);
    return v;
}

static bool refuse(char *why, size_t why_bytes, const char *text)
{
    (void)snprintf(why, why_bytes, "%s", text);
    return false;
}

bool gen_export_turns(const struct gen_json *record, const struct gen_qa_view *qa,
                      const struct gen_export_sink *sink, char *why, size_t why_bytes)
{
    struct gen_turn_text turn = {.role = GEN_ROLE_USER, .content = qa->question};
    if (qa->kind != GEN_RECORD_CONVERSATION) {
        bool ok = sink->put(sink->b, sink->list, &turn);
        turn = (struct gen_turn_text){GEN_ROLE_ASSISTANT, qa->answer, qa->reasoning};
        ok = ok && sink->put(sink->b, sink->list, &turn);
        return ok || refuse(why, why_bytes, "out of memory");
    }
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    enum gen_turn_role expected = GEN_ROLE_USER;
    bool first = true;
    gen_json_iter_init(&it, gen_turns_of(record));
    while (gen_json_iter_next(&it, &key, &value)) {
        if (!gen_turn_read(value, &turn, why, why_bytes))
            return false;
        bool is_system = first && turn.role == GEN_ROLE_SYSTEM;
        first = false;
        if (is_system)
            continue;
        if (turn.role != expected)
            return refuse(why, why_bytes, "users and assistants do not take turns in it");
        if (!sink->put(sink->b, sink->list, &turn))
            return refuse(why, why_bytes, "out of memory");
        expected = expected == GEN_ROLE_USER ? GEN_ROLE_ASSISTANT : GEN_ROLE_USER;
    }
    if (expected != GEN_ROLE_USER)
        return refuse(why, why_bytes, "the conversation does not end with the assistant");
    return true;
}
