#include "qa/common.h"

#include "base/utf8.h"

#include <stdio.h>

#define THINKING_TOKENS 2000

static const char zero_width_space[3] = {'\xE2', '\x80', '\x8B'};

/* Escaped once for all requests of the step. */
static int render_system(struct gen_qa_prompt *p, struct gen_error *err)
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

int gen_qa_prompt_init(struct gen_qa_prompt *p, const struct gen_qa_common *common,
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

void gen_qa_prompt_release(struct gen_qa_prompt *p)
{
    gen_schema_free(p->schema);
    gen_json_doc_free(p->schema_doc);
    gen_buf_release(&p->system_json);
    gen_buf_release(&p->wire_schema);
    memset(p, 0, sizeof(*p));
}

void gen_qa_fence(struct gen_str text, char out[9])
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

struct gen_str gen_qa_defuse(struct gen_arena *arena, struct gen_str text)
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

bool gen_qa_has_defused(struct gen_str text)
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

int gen_qa_check_evidence(const struct gen_source_text *source, const struct gen_chunk *chunk,
                          struct gen_str evidence, enum gen_quote_match *match,
                          struct gen_error *err)
{
    int rc = gen_check_quote(source, evidence, match, NULL, err);
    if (rc || *match != GEN_QUOTE_ABSENT || chunk->kind != GEN_CHUNK_CODE)
        return rc;
    struct gen_str rest = chunk->content;
    struct gen_str line;
    evidence = gen_str_trim(evidence);
    while (gen_count_words(evidence) > 0 && gen_str_next_line(&rest, &line)) {
        if (gen_str_eq(gen_str_trim(line), evidence)) {
            *match = GEN_QUOTE_EXACT;
            break;
        }
    }
    return GEN_OK;
}

struct gen_str gen_qa_number(struct gen_arena *arena, int64_t n)
{
    char *text = gen_arena_alloc(arena, 24);
    if (!text)
        return GEN_STR("");
    int length = snprintf(text, 24, "%lld", (long long)n);
    return (struct gen_str){text, (size_t)length};
}

int64_t gen_qa_tokens(const struct gen_qa_common *common, size_t n, int64_t per_item)
{
    if (common->tokens_out_max > 0)
        return common->tokens_out_max;
    return THINKING_TOKENS + 200 + (int64_t)n * per_item * 8 / 5;
}

static int add_field(struct gen_buf *out, const char *mark, struct gen_str text,
                     struct gen_error *err)
{
    int rc = gen_buf_printf(out, err, "\n%s", mark);
    return rc ? rc : gen_buf_add_str(out, text, err);
}

/* The reasoning stands before the answer that it leads to. */
static int render_pair(struct gen_buf *out, size_t i, const struct gen_task_pair *pair,
                       const struct gen_qa_shown *shown, struct gen_error *err)
{
    bool shows_answer = !shown || !shown->shows_answer || shown->shows_answer[i];
    int rc = gen_buf_printf(out, err, "%s[p%zu]", i ? "\n\n" : "", i + 1);
    if (rc == GEN_OK)
        rc = add_field(out, "Question: ", pair->question, err);
    if (rc == GEN_OK && shown && shown->reasoning && pair->reasoning.n)
        rc = add_field(out, "Reasoning: ", pair->reasoning, err);
    if (rc == GEN_OK && shows_answer)
        rc = add_field(
            out, shown && shown->answer_mark ? shown->answer_mark : "Answer: ", pair->answer, err);
    return rc;
}

static int read_pair(struct gen_arena *arena, const struct gen_item *item, size_t i,
                     struct gen_task_pair *pair, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view view;
    char why[160];
    char id[24];
    int rc = gen_json_parse(&doc, item->record, err);
    if (rc)
        return rc;
    if (!gen_qa_view(gen_json_root(doc), &view, why, sizeof(why))) {
        gen_json_doc_free(doc);
        return gen_fail(err, GEN_ESTATE, "a record that is no pair reached a step: %s", why);
    }
    int n = snprintf(id, sizeof(id), "p%zu", i + 1);
    pair->id = gen_arena_str(arena, (struct gen_str){id, (size_t)n});
    pair->question = gen_qa_defuse(arena, gen_arena_str(arena, view.question));
    pair->answer = gen_qa_defuse(arena, gen_arena_str(arena, view.answer));
    if (view.reasoning.n)
        pair->reasoning = gen_qa_defuse(arena, gen_arena_str(arena, view.reasoning));
    gen_json_doc_free(doc);
    return pair->id.p && pair->question.p && pair->answer.p ? GEN_OK : gen_nomem(err, "a pair");
}

int gen_qa_render_pairs(struct gen_item *const *items, size_t n, const struct gen_qa_shown *shown,
                        struct gen_question *q, struct gen_str *pairs, struct gen_str *ids,
                        struct gen_error *err)
{
    struct gen_task_pair *rows = gen_arena_array(q->scratch, n, sizeof(*rows));
    if (!rows)
        return gen_nomem(err, "pairs");
    struct gen_buf text = gen_buf_make((size_t)16 << 20);
    struct gen_buf names = gen_buf_make(4096);
    int rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++) {
        rc = read_pair(q->scratch, items[i], i, &rows[i], err);
        if (rc == GEN_OK)
            rc = render_pair(&text, i, &rows[i], shown, err);
        /* Who answers by rules must not see more than a model does. */
        if (shown && shown->shows_answer && !shown->shows_answer[i])
            rows[i].answer = GEN_STR("");
        if (rc == GEN_OK)
            rc = gen_buf_printf(&names, err, "%sp%zu", i ? ", " : "", i + 1);
    }
    if (rc == GEN_OK) {
        *pairs = gen_arena_str(q->scratch, gen_buf_str(&text));
        *ids = gen_arena_str(q->scratch, gen_buf_str(&names));
        q->inputs.pairs = rows;
        q->inputs.n_pairs = n;
        if (!pairs->p || !ids->p)
            rc = gen_nomem(err, "pairs");
    }
    gen_buf_release(&text);
    gen_buf_release(&names);
    return rc;
}

struct gen_str gen_qa_or_unknown(struct gen_str s)
{
    return s.n ? s : GEN_STR("(not known)");
}

int gen_qa_render_with_chunk(const struct gen_prompt *prompt, const struct gen_chunk *chunk,
                             struct gen_str pairs, struct gen_str ids, const char *topic,
                             struct gen_question *q, struct gen_error *err)
{
    char fence[9] = "00000000";
    struct gen_str text = GEN_STR("(the source of these pairs is not known)");
    struct gen_str title = GEN_STR("");
    struct gen_str section = GEN_STR("");
    struct gen_str source = GEN_STR("");
    if (chunk) {
        gen_qa_fence(chunk->content, fence);
        text = gen_qa_defuse(q->scratch, chunk->content);
        title = chunk->title.n ? chunk->title : chunk->source;
        section = chunk->section;
        source = chunk->source;
        q->inputs.title = chunk->title;
        q->inputs.section = chunk->section;
        q->inputs.language = chunk->language;
        q->inputs.text = chunk->content;
    }
    const struct gen_prompt_value values[] = {
        {"text", text},
        {"title", gen_qa_or_unknown(gen_qa_defuse(q->scratch, title))},
        {"section", gen_qa_or_unknown(gen_qa_defuse(q->scratch, section))},
        {"fence", gen_str_from(fence)},
        {"pairs", pairs},
        {"ids", ids},
        {"topic", gen_str_from(topic ? topic : "")},
        {"source", gen_qa_defuse(q->scratch, source)},
    };
    return gen_prompt_render(&q->user, prompt, values, sizeof(values) / sizeof(values[0]), err);
}

size_t gen_qa_index_of(struct gen_str id, size_t n)
{
    id = gen_str_trim(id);
    if (id.n >= 2 && id.p[0] == '[' && id.p[id.n - 1] == ']')
        id = gen_str_sub(id, 1, id.n - 2);
    if (id.n < 2 || id.n > 4 || id.p[0] != 'p')
        return SIZE_MAX;
    size_t value = 0;
    for (size_t i = 1; i < id.n; i++) {
        if (id.p[i] < '0' || id.p[i] > '9')
            return SIZE_MAX;
        value = value * 10 + (size_t)(id.p[i] - '0');
    }
    return value >= 1 && value <= n ? value - 1 : SIZE_MAX;
}

bool gen_qa_may_share(void *ud, const struct gen_item *a, const struct gen_item *b)
{
    (void)ud;
    if (!a->chunk || !b->chunk)
        return !a->chunk && !b->chunk;
    return a->chunk == b->chunk || (gen_str_eq(a->chunk->id, b->chunk->id) &&
                                    gen_str_eq(a->chunk->source, b->chunk->source));
}

const char *gen_qa_prefilter_record(const struct gen_item *item)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view view;
    char why[160];
    if (gen_json_parse(&doc, item->record, NULL) != GEN_OK)
        return "malformed_row";
    bool usable = gen_qa_view(gen_json_root(doc), &view, why, sizeof(why));
    gen_json_doc_free(doc);
    return usable ? NULL : "malformed_row";
}

int gen_qa_ask_for_missing(struct gen_outcome *o, const bool *seen, size_t n, struct gen_str fault,
                           struct gen_error *err)
{
    size_t n_missing = 0;
    for (size_t i = 0; i < n; i++)
        n_missing += !seen[i];
    if (n_missing == 0)
        return GEN_OK;
    /* The inputs that are left get new ids when they are asked about again: the old ones would
     * mislead. */
    return gen_outcome_ask_again(o, fault, err);
}

const char *gen_qa_filter(struct gen_filters *f, struct gen_str text, const struct gen_log *log)
{
    const char *rule = gen_filters_match(f, text);
    const char *gave_up = rule ? NULL : gen_filters_gave_up(f);
    if (gave_up && log)
        gen_log(
            log, GEN_LOG_WARN, "filter",
            "the search for /%s/ ran into its limits on \"%.*s\", which counts as no match: make "
            "the pattern simpler",
            gave_up, GEN_STR_ARG(gen_utf8_prefix(text, 60)));
    return rule;
}

bool gen_qa_is_ungrounded(const struct gen_qa_grounding *g, const struct gen_literals *literals)
{
    /* One literal that the scanner misjudged says nothing. */
    if (!g->is_given)
        return literals->n_literals >= 2 && literals->share < 0.5;
    return literals->n_literals >= 1 && literals->share < g->min;
}
