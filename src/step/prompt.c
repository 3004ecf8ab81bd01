#include "step/prompt.h"

#include <stdio.h>

#define THINKING_TOKENS 2000

static const char zero_width_space[3] = {'\xE2', '\x80', '\x8B'};

/* Escaped once for all requests of the step. */
static int render_system(struct gen_step_prompt *p, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_str system = gen_prompt_system(p->prompt);
    if (system.n == 0)
        return GEN_OK;
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, gen_jb_str_view(b, system), GEN_JSON_COMPACT, &p->system_json, err);
    gen_jb_free(b);
    return rc;
}

int gen_step_prompt_init(struct gen_step_prompt *p, const struct gen_step_common *common,
                         const char *prompt_name, const char *schema_name, const char *schema_text,
                         bool has_own, double own_temperature, const char *const *names,
                         size_t n_names, struct gen_error *err)
{
    memset(p, 0, sizeof(*p));
    p->prompt = gen_prompt_find(common->prompts, prompt_name);
    if (!p->prompt)
        return gen_fail(err, GEN_EUSAGE,
                        "the prompt \"%s\" is missing; put %s.yaml into the prompts folder",
                        prompt_name, prompt_name);
    int rc = gen_prompt_check(p->prompt, names, n_names, 1, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&p->schema_doc, gen_str_from(schema_text), err);
    if (rc == GEN_OK)
        rc = gen_schema_new(&p->schema, gen_json_root(p->schema_doc), err);
    p->system_json = gen_buf_make(GEN_BUF_UNLIMITED);
    p->wire_schema = gen_buf_make(GEN_BUF_UNLIMITED);
    if (rc == GEN_OK)
        rc = render_system(p, err);
    if (rc == GEN_OK)
        rc =
            gen_dialect_render(common->dialect, gen_json_root(p->schema_doc), &p->wire_schema, err);
    if (rc)
        return rc;
    bool users_own = common->has_temperature && !(common->temperature_is_default && has_own);
    p->stable = (struct gen_llm_stable){
        .provider = common->provider,
        .model = common->model,
        .system = gen_prompt_system(p->prompt),
        .system_json = gen_buf_str(&p->system_json),
        .schema = gen_str_from(schema_text),
        .wire_schema = gen_buf_str(&p->wire_schema),
        .schema_json = gen_json_root(p->schema_doc),
        .schema_name = schema_name,
        .has_temperature = common->has_temperature || has_own || common->sends_temperature,
        .temperature = users_own ? common->temperature : own_temperature,
        .has_seed = common->has_seed,
        .seed = common->seed,
    };
    struct gen_sha256 *hash = NULL;
    rc = gen_sha256_new(&hash, err);
    if (rc == GEN_OK)
        rc = gen_llm_stable_init(&p->stable, hash, err);
    gen_sha256_free(hash);
    return rc;
}

void gen_step_prompt_release(struct gen_step_prompt *p)
{
    gen_schema_free(p->schema);
    gen_json_doc_free(p->schema_doc);
    gen_buf_release(&p->system_json);
    gen_buf_release(&p->wire_schema);
    memset(p, 0, sizeof(*p));
}

void gen_step_fence(struct gen_str text, char out[9])
{
    (void)snprintf(out, 9, "%08x", (unsigned)(gen_hash64(text, 0) & 0xFFFFFFFFU));
}

static bool is_special_token(struct gen_str rest)
{
    static const char *const tokens[] = {
        "<|",      "[INST]",   "[/INST]",         "</s>",          "<s>",          "<bos>",
        "<eos>",   "<<SYS>>",  "<</SYS>>",        "<tool_call>",   "</tool_call>", "<\xEF\xBD\x9C",
        "<think>", "</think>", "<start_of_turn>", "<end_of_turn>", "=== source ",  "=== end of "};
    /* Our own marks of items. */
    if (rest.n > 2 && rest.p[0] == '[' && rest.p[1] == 'p' && rest.p[2] >= '0' && rest.p[2] <= '9')
        return true;
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        if (gen_str_starts(rest, gen_str_from(tokens[i])))
            return true;
    }
    return false;
}

static bool begins_token(char c)
{
    return c == '<' || c == '[' || c == '=';
}

/* How many special tokens begin with `first`. */
static size_t count_tokens(struct gen_str text, char first)
{
    size_t n = 0;
    const char *end = text.p + text.n;
    for (const char *p = text.p; p < end; p++) {
        p = memchr(p, first, (size_t)(end - p));
        if (!p)
            break;
        n += is_special_token((struct gen_str){p, (size_t)(end - p)});
    }
    return n;
}

struct gen_str gen_step_defuse(struct gen_arena *arena, struct gen_str text)
{
    if (text.n == 0)
        return text;
    size_t n_tokens = count_tokens(text, '<') + count_tokens(text, '[') + count_tokens(text, '=');
    if (n_tokens == 0)
        return text;
    char *copy = gen_arena_alloc(arena, text.n + sizeof(zero_width_space) * n_tokens + 1);
    if (!copy)
        return text;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        copy[n++] = c;
        if (begins_token(c) && is_special_token(gen_str_sub(text, i, text.n - i))) {
            memcpy(copy + n, zero_width_space, sizeof(zero_width_space));
            n += sizeof(zero_width_space);
        }
    }
    return (struct gen_str){copy, n};
}

bool gen_step_has_defused(struct gen_str text)
{
    struct gen_str space = {zero_width_space, sizeof(zero_width_space)};
    size_t at = gen_str_find(text, space, 0);
    while (at != SIZE_MAX) {
        if (at && begins_token(text.p[at - 1]))
            return true;
        at = gen_str_find(text, space, at + space.n);
    }
    return false;
}

struct gen_str gen_step_number(struct gen_arena *arena, int64_t n)
{
    char *text = gen_arena_alloc(arena, 24);
    if (!text)
        return GEN_STR("");
    int length = snprintf(text, 24, "%lld", (long long)n);
    return (struct gen_str){text, (size_t)length};
}

int64_t gen_step_tokens(const struct gen_step_common *common, size_t n, int64_t per_item)
{
    if (common->tokens_out_max > 0)
        return common->tokens_out_max;
    return THINKING_TOKENS + 200 + (int64_t)n * per_item * 8 / 5;
}

struct gen_str gen_step_or_unknown(struct gen_str s)
{
    return s.n ? s : GEN_STR("(not known)");
}
