#include "dataset/export/common.h"

static bool put(struct gen_jb *b, struct gen_jmut *list, const struct gen_turn_text *turn)
{
    struct gen_jmut *m = gen_jb_object(b);
    bool is_user = turn->role == GEN_ROLE_USER;
    gen_jb_put_cstr(b, m, "from", is_user ? "human" : "gpt");
    struct gen_jmut *value = is_user ? gen_jb_str(b, turn->content)
                                     : gen_export_with_thoughts(b, turn->reasoning, turn->content);
    gen_jb_put(b, m, "value", value);
    gen_jb_append(b, list, m);
    return value != NULL;
}

static bool row(const struct gen_json *record, const struct gen_qa_view *qa,
                const struct gen_export_options *options, struct gen_jb *b, struct gen_jmut *row,
                char *why, size_t why_bytes)
{
    struct gen_jmut *list = gen_jb_array(b);
    struct gen_str system = gen_export_system(record, options);
    const struct gen_export_sink sink = {put, b, list};
    gen_jb_put(b, row, "conversations", list);
    if (system.n)
        gen_jb_put_str(b, row, "system", system);
    return gen_export_turns(record, qa, &sink, why, why_bytes);
}

const struct gen_export_format gen_export_sharegpt = {
    .name = "sharegpt",
    .summary = "conversations of human and gpt: LLaMA-Factory, Unsloth",
    .row = row,
};
