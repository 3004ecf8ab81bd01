#include "dataset/checks.h"
#include "dataset/checks/words.h"

/* Harmful in a training set wherever they stand, also inside back-ticks. */
static const char *const special_tokens[] = {
    "<|im_start|>",    "<|im_end|>",
    "<|endoftext|>",   "<|eot_id|>",
    "<|begin_of_text", "<|start_header_id",
    "<|end_header_id", "<|assistant|>",
    "<|user|>",        "<|system|>",
    "<|end|>",         "<|channel|>",
    "<|message|>",     "<|return|>",
    "<think>",         "</think>",
    "[INST]",          "[/INST]",
    "<<SYS>>",         "<</SYS>>",
    "<start_of_turn>", "<end_of_turn>",
    "<tool_call>",     "</tool_call>",
    "<\xEF\xBD\x9C",   "</s>",
    "<bos>",           "<eos>",
};

/* Gaps that a model was to fill; inside back-ticks they are syntax. */
static const char *const gaps[] = {
    "<value>",     "<insert ", "<your ", "<placeholder", "<answer>",    "</answer>", "<question>",
    "</question>", "[insert ", "[your ", "[placeholder", "lorem ipsum", "$step_",
};

static bool starts_nocase(struct gen_str s, size_t at, const char *what)
{
    struct gen_str w = gen_str_from(what);
    return gen_str_eq_nocase(gen_str_sub(s, at, w.n), w);
}

static bool is_special(struct gen_str s, size_t at)
{
    for (size_t i = 0; i < sizeof(special_tokens) / sizeof(special_tokens[0]); i++) {
        if (gen_str_starts(gen_str_sub(s, at, s.n), gen_str_from(special_tokens[i])))
            return true;
    }
    return false;
}

static bool is_gap(struct gen_str s, size_t at)
{
    char first = gen_ascii_lower(s.p[at]);
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
        if (gaps[i][0] == first && starts_nocase(s, at, gaps[i]))
            return true;
    }
    if (!gen_str_starts(gen_str_sub(s, at, 2), GEN_STR("{{")))
        return false;
    struct gen_str rest = gen_str_sub(s, at, 120);
    size_t end = gen_str_find(rest, GEN_STR("}}"), 0);
    return end != SIZE_MAX && !memchr(rest.p, '\n', end);
}

/* "TODO: ...", "[TODO ...", or right at the start; "the file TODO" and "TODO comments" are topics.
 */
static bool is_todo(struct gen_str s, size_t at)
{
    size_t end = at + 4;
    if (!gen_str_starts(gen_str_sub(s, at, 4), GEN_STR("TODO")) ||
        (at && gen_ascii_is_word(s.p[at - 1])) || (end < s.n && gen_ascii_is_word(s.p[end])))
        return false;
    bool opens = at == 0 || s.p[at - 1] == '[' || s.p[at - 1] == '\n';
    return (end < s.n && s.p[end] == ':') || (opens && !starts_nocase(s, end, " comment"));
}

/* Whether any of the above may begin somewhere: one look at all bytes, without a branch. In bytes,
 * so that a compiler looks at sixteen at a time. */
static bool may_have(struct gen_str s)
{
    unsigned char any = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        any |= (unsigned char)((c == '<') | (c == '[') | (c == '{') | (c == '$'));
    }
    for (size_t i = 0; i + 4 < s.n; i++) {
        any |= (unsigned char)(((s.p[i] | 0x20) == 'l') & ((s.p[i + 1] | 0x20) == 'o') &
                               ((s.p[i + 2] | 0x20) == 'r') & ((s.p[i + 4] | 0x20) == 'm'));
    }
    for (size_t i = 0; i + 3 < s.n; i++) {
        any |= (unsigned char)((s.p[i] == 'T') & (s.p[i + 1] == 'O') & (s.p[i + 2] == 'D'));
    }
    return any != 0;
}

bool gen_check_has_leftovers(struct gen_str text)
{
    if (!may_have(text))
        return false;
    bool in_span = false;
    bool in_block = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '`') {
            bool block = gen_str_starts(gen_str_sub(text, i, 3), GEN_STR("```"));
            in_block = in_block != block;
            in_span = block ? false : !in_span;
            i += block ? 2 : 0;
            continue;
        }
        if (c == '\n')
            in_span = false;
        if ((c == '<' || c == '[') && is_special(text, i))
            return true;
        if (in_span || in_block)
            continue;
        if ((c == '<' || c == '[' || c == '{' || c == '$' || c == 'l' || c == 'L') &&
            is_gap(text, i))
            return true;
        if (c == 'T' && is_todo(text, i))
            return true;
    }
    return false;
}
