#include "dataset/export/common.h"

#include <stdio.h>

/* One question and one answer; a system text, its own or the default one, has no place here. */
static bool put(struct gen_jb *b, struct gen_jmut *row, const struct gen_turn_text *turn)
{
    if (turn->role == GEN_ROLE_USER) {
        gen_jb_put_str(b, row, "instruction", turn->content);
        gen_jb_put_cstr(b, row, "input", "");
        return true;
    }
    struct gen_jmut *output = gen_export_with_thoughts(b, turn->reasoning, turn->content);
    gen_jb_put(b, row, "output", output);
    return output != NULL;
}

static bool row(const struct gen_json *record, const struct gen_qa_view *qa,
                const struct gen_export_options *options, struct gen_jb *b, struct gen_jmut *row,
                char *why, size_t why_bytes)
{
    const struct gen_json *turns = gen_turns_of(record);
    const struct gen_export_sink sink = {put, b, row};
    (void)options;
    if (qa->kind == GEN_RECORD_CONVERSATION && gen_json_count(turns) > 2) {
        struct gen_turn_text first;
        if (!gen_turn_read(gen_json_at(turns, 0), &first, why, why_bytes))
            return false;
        if (first.role != GEN_ROLE_SYSTEM || gen_json_count(turns) > 3) {
            (void)snprintf(why, why_bytes,
                           "a conversation of %zu turns does not fit alpaca, which holds one "
                           "question and one answer",
                           gen_json_count(turns));
            return false;
        }
    }
    return gen_export_turns(record, qa, &sink, why, why_bytes);
}

const struct gen_export_format gen_export_alpaca = {
    .name = "alpaca",
    .summary = "instruction, input, output: LLaMA-Factory, Axolotl, Unsloth",
    .row = row,
};
