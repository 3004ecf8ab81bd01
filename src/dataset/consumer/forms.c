#include "dataset/consumer/rules.h"

void gen_form_text(struct gen_row_check *c)
{
    if (gen_want_string(c, c->row, NULL, "text") &&
        !gen_str_trim(gen_json_get_str(c->row, "text")).n)
        gen_rule_warn(c, GEN_RULE_empty_text, "\"text\" is empty");
}

void gen_form_alpaca(struct gen_row_check *c)
{
    if (gen_want_string(c, c->row, NULL, "instruction") &&
        !gen_str_trim(gen_json_get_str(c->row, "instruction")).n)
        gen_rule_warn(c, GEN_RULE_empty_text, "\"instruction\" is empty");
    if (gen_want_string(c, c->row, NULL, "output") &&
        !gen_str_trim(gen_json_get_str(c->row, "output")).n)
        gen_rule_warn(c, GEN_RULE_empty_answer, "\"output\" is empty");
    gen_allow_string(c, c->row, "input");
    gen_allow_string(c, c->row, "system");
}

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\n' || ch == '\t' || ch == '\r';
}

void gen_form_prompt_completion_text(struct gen_row_check *c)
{
    bool both = gen_want_string(c, c->row, NULL, "prompt");
    both = gen_want_string(c, c->row, NULL, "completion") && both;
    if (!both)
        return;
    struct gen_str prompt = gen_json_get_str(c->row, "prompt");
    struct gen_str completion = gen_json_get_str(c->row, "completion");
    if (!gen_str_trim(completion).n)
        gen_rule_warn(c, GEN_RULE_empty_answer, "\"completion\" is empty");
    else if (prompt.n && !is_space(prompt.p[prompt.n - 1]) && !is_space(completion.p[0]))
        gen_rule_warn(c, GEN_RULE_no_separator,
                      "prompt and completion are joined as they are, and nothing parts them; begin "
                      "the completion with a blank or a line break");
}
