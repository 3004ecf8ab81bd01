#include "dataset/export/common.h"

static struct gen_jmut *message(struct gen_jb *b, struct gen_jmut *list, const char *role)
{
    struct gen_jmut *m = gen_jb_object(b);
    gen_jb_put_cstr(b, m, "role", role);
    gen_jb_append(b, list, m);
    return m;
}

static bool put(struct gen_jb *b, struct gen_jmut *list, const struct gen_turn_text *turn)
{
    struct gen_jmut *m = message(b, list, turn->role == GEN_ROLE_USER ? "user" : "assistant");
    struct gen_str reasoning = gen_str_trim(turn->reasoning);
    if (turn->role == GEN_ROLE_ASSISTANT && reasoning.n)
        gen_jb_put_str(b, m, "reasoning_content", reasoning);
    gen_jb_put_str(b, m, "content", turn->content);
    return true;
}

static bool row(const struct gen_json *record, const struct gen_qa_view *qa,
                const struct gen_export_options *options, struct gen_jb *b, struct gen_jmut *row,
                char *why, size_t why_bytes)
{
    struct gen_jmut *list = gen_jb_array(b);
    struct gen_str system = gen_export_system(record, options);
    const struct gen_export_sink sink = {put, b, list};
    gen_jb_put(b, row, "messages", list);
    if (system.n)
        gen_jb_put_str(b, message(b, list, "system"), "content", system);
    return gen_export_turns(record, qa, &sink, why, why_bytes);
}

const struct gen_export_format gen_export_chatml = {
    .name = "chatml",
    .summary = "messages with role and content: TRL, Axolotl, Unsloth, OpenAI, Together",
    .row = row,
};
