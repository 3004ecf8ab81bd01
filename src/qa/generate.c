/* Pairs from chunks: what is asked about a chunk, and when it is not asked about. What is made of
 * the answers depends on the kind of pairs (plain.c, cot.c), how many go on the quota (quota.c). */
#include "base/utf8.h"
#include "qa/pairs.h"

#include <stdlib.h>

static bool is_code(const struct gen_item *item)
{
    return item->chunk && item->chunk->kind == GEN_CHUNK_CODE;
}

static struct gen_step_prompt *prompt_for(struct gen_qa_generate *g, const struct gen_item *item)
{
    return is_code(item) ? &g->code : &g->text;
}

/* Rules, numbers and pictures of text carry nothing to ask about. */
static bool has_few_letters(struct gen_str s)
{
    size_t n_letters = 0;
    size_t n_visible = 0;
    for (size_t i = 0; i < s.n;) {
        /* Counts of at most 255 fit a byte, so that the compiler adds many at once. */
        size_t end = s.n - i > 255 ? i + 255 : s.n;
        unsigned char letters = 0;
        unsigned char visible = 0;
        for (; i < end; i++) {
            unsigned char c = (unsigned char)s.p[i];
            unsigned char low = c | 0x20U;
            visible = (unsigned char)(visible + (c > ' '));
            letters = (unsigned char)(letters + (((low >= 'a') & (low <= 'z')) | (c >= 0x80)));
        }
        n_letters += letters;
        n_visible += visible;
        /* Enough, whatever comes. */
        if (n_letters > s.n / 4)
            return false;
    }
    return n_letters < n_visible / 4 || n_letters == 0;
}

static const char *prefilter(void *ud, const struct gen_item *item, bool *is_skip)
{
    const struct gen_qa_generate *g = ud;
    struct gen_str content = gen_str_trim(item->chunk->content);
    const char *rule = gen_qa_filter(g->o.skip_source, item->chunk->source, g->o.log);
    if (rule)
        return rule;
    if (gen_utf8_count(content) < g->o.min_chunk_chars)
        return "too_short";
    if (gen_str_ends(item->chunk->source, GEN_STR("_log.md")))
        return "log_file";
    if (item->chunk->kind == GEN_CHUNK_TEXT && has_few_letters(content))
        return "few_letters";
    if (gen_qa_quota_is_zero(&g->quota, item->position)) {
        *is_skip = true;
        return "not_needed_for_target";
    }
    return NULL;
}

static const struct gen_llm_stable *stable(void *ud, const struct gen_item *item)
{
    return &prompt_for(ud, item)->stable;
}

static const struct gen_schema *schema(void *ud, const struct gen_item *item)
{
    return prompt_for(ud, item)->schema;
}

/* Three kinds, other ones for neighbouring chunks and later rounds: diversity is assigned, not
 * hoped for. */
static struct gen_str plan_of(const struct gen_qa_generate *g, const struct gen_item *item)
{
    uint64_t seed = g->common.has_seed ? (uint64_t)g->common.seed : 0;
    return gen_str_from(
        g->kind->plans[(item->position + seed + 3U * item->round) % g->kind->n_plans]);
}

static bool is_identifier(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Up to five names that are called or defined: an identifier of some length right before a
 * parenthesis. */
static int list_symbols(struct gen_buf *out, struct gen_str code, struct gen_error *err)
{
    static const char *const keywords =
        " if for while switch return sizeof elif print catch except function ";
    size_t n = 0;
    for (size_t i = 1; i < code.n && n < 5; i++) {
        if (code.p[i] != '(' || !is_identifier(code.p[i - 1]))
            continue;
        size_t start = i;
        while (start && is_identifier(code.p[start - 1]))
            start--;
        struct gen_str name = gen_str_sub(code, start, i - start);
        char padded[70];
        if (name.n < 3 || name.n > 60 || (name.p[0] >= '0' && name.p[0] <= '9'))
            continue;
        padded[0] = ' ';
        memcpy(padded + 1, name.p, name.n);
        padded[name.n + 1] = ' ';
        struct gen_str needle = {padded, name.n + 2};
        if (gen_str_find(gen_str_from(keywords), needle, 0) != SIZE_MAX ||
            gen_str_find(gen_buf_str(out), name, 0) != SIZE_MAX)
            continue;
        int rc = n++ ? gen_buf_add_c(out, ", ", err) : GEN_OK;
        if (rc == GEN_OK)
            rc = gen_buf_add_str(out, name, err);
        if (rc)
            return rc;
    }
    return n ? GEN_OK : gen_buf_add_c(out, "(any in the code)", err);
}

static int topic_line(const struct gen_step_common *common, struct gen_arena *arena,
                      struct gen_str *out, struct gen_error *err)
{
    *out = GEN_STR("");
    if (!common->topic)
        return GEN_OK;
    struct gen_buf text = gen_buf_make(65536);
    int rc = gen_buf_printf(
        &text, err,
        " Only pairs that belong in a course on \"%s\"; without any, give an empty list.",
        common->topic);
    if (rc == GEN_OK) {
        *out = gen_arena_str(arena, gen_buf_str(&text));
        rc = out->p ? GEN_OK : gen_nomem(err, "a prompt");
    }
    gen_buf_release(&text);
    return rc;
}

static int render(struct gen_qa_generate *g, const struct gen_item *item, size_t n,
                  struct gen_question *q, struct gen_error *err)
{
    const struct gen_chunk *c = item->chunk;
    char fence[9];
    struct gen_str topic;
    struct gen_str symbols_text = GEN_STR("");
    gen_step_fence(c->content, fence);
    int rc = topic_line(&g->common, q->scratch, &topic, err);
    if (rc == GEN_OK && c->kind == GEN_CHUNK_CODE) {
        struct gen_buf symbols = gen_buf_make(4096);
        rc = list_symbols(&symbols, c->content, err);
        symbols_text = gen_arena_str(q->scratch, gen_buf_str(&symbols));
        gen_buf_release(&symbols);
    }
    if (rc)
        return rc;
    const struct gen_prompt_value values[] = {
        {"text", gen_step_defuse(q->scratch, c->content)},
        {"n_pairs", gen_step_number(q->scratch, (int64_t)n)},
        {"title",
         gen_step_or_unknown(gen_step_defuse(q->scratch, c->title.n ? c->title : c->source))},
        {"section", gen_step_or_unknown(gen_step_defuse(q->scratch, c->section))},
        {"fence", gen_str_from(fence)},
        {"kinds", plan_of(g, item)},
        {"topic", topic},
        {"language", gen_step_or_unknown(c->language)},
        {"symbols", symbols_text},
        {"source", gen_step_defuse(q->scratch, c->source)},
    };
    return gen_prompt_render(&q->user, prompt_for(g, item)->prompt, values,
                             sizeof(values) / sizeof(values[0]), err);
}

static int ask(void *ud, struct gen_item *const *items, size_t n_items, struct gen_question *q,
               struct gen_error *err)
{
    struct gen_qa_generate *g = ud;
    const struct gen_item *item = items[0];
    const struct gen_chunk *c = item->chunk;
    const struct gen_qa_ask *what = is_code(item) ? &g->kind->code : &g->kind->text;
    size_t n = q->n_wanted ? q->n_wanted : gen_qa_quota_to_ask(&g->quota, item);
    (void)n_items;
    q->tokens_out_max = gen_step_tokens(&g->common, n, what->tokens_a_pair);
    q->inputs = (struct gen_task_inputs){
        .task = what->task,
        .title = c->title,
        .section = c->section,
        .language = c->language,
        .text = c->content,
        .n_pairs = n,
        .topic = gen_str_from(g->common.topic),
        .seed = (g->common.has_seed ? (uint64_t)g->common.seed : 0) + item->round,
    };
    return render(g, item, n, q, err);
}

static const char *exit_rule(struct gen_str usable)
{
    static const char *const rows[][2] = {
        {"boilerplate", "model_says_boilerplate"},
        {"index_or_links", "model_says_index_or_links"},
        {"too_thin", "model_says_too_thin"},
        {"garbled", "model_says_garbled"},
        {"needs_other_text", "model_says_needs_other_text"},
        {"needs_other_file", "model_says_needs_other_file"},
        {"only_imports_or_licence", "model_says_only_imports_or_licence"},
        {"no_reasoning_possible", "model_says_no_reasoning_possible"},
        {"generated_or_data", "model_says_generated_or_data"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (gen_str_is(usable, rows[i][0]))
            return rows[i][1];
    }
    return "model_gave_no_pairs";
}

static int accept(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err)
{
    struct gen_qa_generate *g = ud;
    const struct gen_json *pairs = gen_json_get(answer, "pairs");
    (void)n;
    if (gen_json_count(pairs) == 0) {
        gen_outcome_filter(o, 0, exit_rule(gen_json_get_str(answer, "usable")));
        return GEN_OK;
    }
    struct gen_source_text *source = NULL;
    int rc = gen_source_text_new(&source, items[0]->chunk->content, err);
    if (rc == GEN_OK)
        rc = g->kind->accept(g, items[0], pairs, source, o, err);
    gen_source_text_free(source);
    return rc;
}

static int release(void *ud, struct gen_release *r, bool *stop_input, struct gen_error *err)
{
    struct gen_qa_generate *g = ud;
    return gen_qa_quota_let_go(&g->quota, r, stop_input, err);
}

static int init_prompt(struct gen_qa_generate *g, struct gen_step_prompt *p,
                       const struct gen_qa_ask *what, struct gen_error *err)
{
    const struct gen_qa_generate_options *o = &g->o;
    return gen_step_prompt_init(
        p, &g->common, what->prompt, what->schema_name, what->schema, o->has_temperature,
        o->has_temperature ? o->temperature : what->temperature, what->names, what->n_names, err);
}

int gen_qa_generate_new(struct gen_qa_generate **out, const struct gen_step_common *common,
                        const struct gen_qa_generate_options *options, struct gen_step *step,
                        struct gen_error *err)
{
    struct gen_qa_generate *g = calloc(1, sizeof(*g));
    if (!g)
        return gen_nomem(err, "the generate step");
    g->common = *common;
    g->o = *options;
    g->kind = options->with_reasoning ? &gen_qa_cot_pairs : &gen_qa_plain_pairs;
    int rc = init_prompt(g, &g->text, &g->kind->text, err);
    if (rc == GEN_OK)
        rc = init_prompt(g, &g->code, &g->kind->code, err);
    if (rc == GEN_OK)
        rc = gen_qa_quota_init(&g->quota, options->n_pairs, options->target_pairs,
                               options->n_chunks, &g->kind->density, err);
    if (rc) {
        gen_qa_generate_free(g);
        return rc;
    }
    *step = (struct gen_step){
        .name = g->kind->step_name,
        .unit_in = "chunks",
        .unit_out = "pairs",
        .group_max = 1,
        .ud = g,
        .prefilter = prefilter,
        .stable = stable,
        .schema = schema,
        .ask = ask,
        .accept = accept,
        .release = release,
    };
    *out = g;
    return GEN_OK;
}

void gen_qa_generate_free(struct gen_qa_generate *g)
{
    if (!g)
        return;
    gen_step_prompt_release(&g->text);
    gen_step_prompt_release(&g->code);
    gen_qa_quota_release(&g->quota);
    free(g);
}

int64_t gen_qa_generate_missing(const struct gen_qa_generate *g)
{
    return gen_qa_quota_missing(&g->quota);
}

void gen_qa_generate_next_round(struct gen_qa_generate *g)
{
    gen_qa_quota_next_round(&g->quota);
}
