/* Pairs from chunks. Everything that decides what is asked depends on the chunk, its place in the
 * corpus and the options alone. */
#include "base/utf8.h"
#include "dataset/checks.h"
#include "qa/common.h"

#include <stdlib.h>

#define PAIRS_A_CALL_MAX   24
#define TOKENS_A_PAIR      180
#define TOKENS_A_CODE_PAIR 260
#define CHARS_A_PAIR       320 /* about 80 tokens of text carry one pair (prompting.md B.1) */
#define CODE_LINES_A_PAIR  12
#define PAIRS_DEFAULT_MAX  5
#define SPARE_PAIRS        8
#define SEEN_SLOTS_MAX     ((size_t)1 << 24)

struct gen_qa_generate {
    struct gen_qa_common common;
    struct gen_qa_generate_options o;
    struct gen_qa_prompt text, code;
    unsigned round;
    int64_t round_target; /* pairs wanted of the present round */
    int64_t n_round_released;
    int64_t n_released; /* over all rounds */
    uint64_t *seen;     /* hashes of the questions so far; only with a target */
    size_t n_seen, seen_capacity;
};

static const char *const text_names[] = {"text",  "n_pairs", "title", "section",
                                         "fence", "kinds",   "topic", "source"};
static const char *const code_names[] = {"text",     "n_pairs", "title", "section", "fence",
                                         "language", "symbols", "topic", "source"};

/* What the first `position` + 1 of `n` chunks carry of a total: shares add up exactly and spread
 * evenly. */
static int64_t share_up_to(uint64_t position, uint64_t n, int64_t total)
{
    if (position >= n)
        return total;
    /* Exact as long as total * n fits 64 bits; the options' bounds see to that. */
    return (int64_t)((position + 1) * (uint64_t)total / n);
}

static int64_t share(uint64_t position, uint64_t n, int64_t total)
{
    int64_t before = position ? share_up_to(position - 1, n, total) : 0;
    return share_up_to(position, n, total) - before;
}

/* A further round asks more chunks than pairs are missing, because what was missing once may be
 * missing again: it takes what comes first and stops when it has enough. */
static int64_t quota_of(const struct gen_qa_generate *g, uint64_t position)
{
    int64_t total = g->round ? 2 * g->round_target + SPARE_PAIRS : g->round_target;
    return share(position, g->o.n_chunks, total);
}

static bool is_code(const struct gen_item *item)
{
    return item->chunk && item->chunk->kind == GEN_CHUNK_CODE;
}

static struct gen_qa_prompt *prompt_for(struct gen_qa_generate *g, const struct gen_item *item)
{
    return is_code(item) ? &g->code : &g->text;
}

static size_t n_lines(struct gen_str s)
{
    size_t n = 0;
    struct gen_str line;
    while (gen_str_next_line(&s, &line))
        n += gen_str_trim(line).n > 0;
    return n;
}

/* How many pairs the chunk can carry without padding. */
static int64_t capacity_of(const struct gen_chunk *c)
{
    int64_t n = c->kind == GEN_CHUNK_CODE ? (int64_t)n_lines(c->content) / CODE_LINES_A_PAIR
                                          : (int64_t)gen_utf8_count(c->content) / CHARS_A_PAIR;
    return n < 1 ? 1 : n;
}

static int64_t n_to_ask(const struct gen_qa_generate *g, const struct gen_item *item)
{
    int64_t n;
    if (g->o.n_pairs > 0) {
        n = g->o.n_pairs;
    } else if (g->o.target_pairs > 0) {
        /* Some pairs will not pass the checks: ask for half as many again, as far as the chunk
         * carries them. */
        int64_t quota = quota_of(g, item->position);
        int64_t wanted = quota + (quota + 1) / 2;
        int64_t carries = capacity_of(item->chunk) + 1;
        n = wanted > carries ? carries : wanted;
    } else {
        n = capacity_of(item->chunk);
        n = n > PAIRS_DEFAULT_MAX ? PAIRS_DEFAULT_MAX : n;
    }
    return n < 1 ? 1 : n > PAIRS_A_CALL_MAX ? PAIRS_A_CALL_MAX : n;
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
    if (gen_utf8_count(content) < g->o.min_chunk_chars)
        return "too_short";
    if (gen_str_ends(item->chunk->source, GEN_STR("_log.md")))
        return "log_file";
    if (item->chunk->kind == GEN_CHUNK_TEXT && has_few_letters(content))
        return "few_letters";
    if (g->o.target_pairs > 0 && quota_of(g, item->position) == 0) {
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
    static const char *const plans[] = {
        "how_to, why, condition_or_limit",       "definition, consequence, comparison",
        "troubleshooting, how_to, fact",         "why, example, condition_or_limit",
        "comparison, how_to, consequence",       "definition, why, troubleshooting",
        "fact, condition_or_limit, consequence",
    };
    uint64_t n = sizeof(plans) / sizeof(plans[0]);
    uint64_t seed = g->common.has_seed ? (uint64_t)g->common.seed : 0;
    return gen_str_from(plans[(item->position + seed + 3U * item->round) % n]);
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

static int topic_line(const struct gen_qa_common *common, struct gen_arena *arena,
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
    gen_qa_fence(c->content, fence);
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
        {"text", gen_qa_defuse(q->scratch, c->content)},
        {"n_pairs", gen_qa_number(q->scratch, (int64_t)n)},
        {"title", gen_qa_or_unknown(gen_qa_defuse(q->scratch, c->title.n ? c->title : c->source))},
        {"section", gen_qa_or_unknown(gen_qa_defuse(q->scratch, c->section))},
        {"fence", gen_str_from(fence)},
        {"kinds", plan_of(g, item)},
        {"topic", topic},
        {"language", gen_qa_or_unknown(c->language)},
        {"symbols", symbols_text},
        {"source", gen_qa_defuse(q->scratch, c->source)},
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
    size_t n = q->n_wanted ? q->n_wanted : (size_t)n_to_ask(g, item);
    (void)n_items;
    q->tokens_out_max =
        gen_qa_tokens(&g->common, n, is_code(item) ? TOKENS_A_CODE_PAIR : TOKENS_A_PAIR);
    q->inputs = (struct gen_task_inputs){
        .task = is_code(item) ? GEN_TASK_CODE_QA : GEN_TASK_QA,
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

struct pair {
    struct gen_str kind, symbol, evidence, question, answer;
    double grounded;
    struct gen_word_set *question_words, *answer_words; /* owned; set for kept pairs */
};

static void free_words(struct pair *p)
{
    gen_word_set_free(p->question_words);
    gen_word_set_free(p->answer_words);
    p->question_words = NULL;
    p->answer_words = NULL;
}

/* The rule that a proposed pair breaks, or NULL. Order matters: the first rule names the removal.
 */
static int broken_rule(const struct gen_source_text *source, const struct gen_chunk *chunk,
                       struct pair *p, const char **rule, struct gen_error *err)
{
    enum gen_quote_match match = GEN_QUOTE_ABSENT;
    struct gen_literals literals = {0, 0, 1.0};
    size_t n_question = gen_count_words(p->question);
    size_t n_answer = gen_count_words(p->answer);
    *rule = NULL;
    int rc = gen_qa_check_evidence(source, chunk, p->evidence, &match, err);
    if (rc == GEN_OK)
        rc = gen_check_literals(source, p->question, p->answer, &literals, NULL, err);
    if (rc)
        return rc;
    p->grounded = literals.share;
    bool question_refers, answer_refers, is_double, is_refusal;
    gen_check_question(p->question, &question_refers, &is_double);
    gen_check_answer(p->answer, &answer_refers, &is_refusal);
    if (match == GEN_QUOTE_ABSENT)
        *rule = "evidence_not_in_source";
    else if (chunk->kind == GEN_CHUNK_CODE &&
             gen_str_find(chunk->content, p->symbol, 0) == SIZE_MAX)
        *rule = "symbol_not_in_source";
    else if (n_question < 4 || n_question > 60)
        *rule = "question_length";
    else if (n_answer < 2 || n_answer > 320)
        *rule = "answer_length";
    else if (question_refers || answer_refers)
        *rule = "refers_to_context";
    else if (is_double)
        *rule = "two_questions";
    else if (is_refusal)
        *rule = "refusal";
    else if (gen_check_is_echo(p->question, p->answer))
        *rule = "echo";
    else if (gen_check_has_leftovers(p->question) || gen_check_has_leftovers(p->answer) ||
             gen_qa_has_defused(p->question) || gen_qa_has_defused(p->answer))
        *rule = "left_overs";
    else if (literals.n_literals >= 2 && literals.share < 0.5)
        *rule = "ungrounded_literals";
    return GEN_OK;
}

/* Reads the words of `p`, which the caller frees. */
static int is_duplicate(const struct pair *kept, size_t n_kept, struct pair *p, bool *yes,
                        struct gen_error *err)
{
    *yes = false;
    int rc = gen_word_set_new(&p->question_words, p->question, err);
    if (rc == GEN_OK)
        rc = gen_word_set_new(&p->answer_words, p->answer, err);
    for (size_t i = 0; rc == GEN_OK && i < n_kept && !*yes; i++)
        *yes = gen_word_set_is_similar(kept[i].question_words, p->question_words, 0.85) ||
               gen_word_set_is_similar(kept[i].answer_words, p->answer_words, 0.9);
    return rc;
}

/* What was kept of an answer, and the room in which its records are made. */
struct tally {
    struct pair kept[PAIRS_A_CALL_MAX];
    size_t n_kept, n_max;
    struct gen_jb *builder; /* NULL before the first record */
    struct gen_buf text;
};

static void put_view(struct gen_jb *b, struct gen_jmut *r, const char *key, struct gen_str text)
{
    gen_jb_put(b, r, key, gen_jb_str_view(b, text));
}

static int emit(const struct gen_qa_generate *g, struct gen_outcome *o, const struct gen_chunk *c,
                const struct pair *p, struct tally *t, struct gen_error *err)
{
    int rc = t->builder ? gen_jb_begin_again(t->builder, err) : gen_jb_new(&t->builder, err);
    struct gen_jb *b = t->builder;
    if (rc)
        return rc;
    struct gen_jmut *r = gen_jb_object(b);
    put_view(b, r, "format", GEN_STR("qa"));
    put_view(b, r, "question", gen_str_trim(p->question));
    put_view(b, r, "answer", gen_str_trim(p->answer));
    put_view(b, r, "chunk_id", c->id);
    put_view(b, r, "source", c->source);
    put_view(b, r, "kind", p->kind);
    put_view(b, r, "evidence", p->evidence);
    if (p->symbol.n)
        put_view(b, r, "symbol", p->symbol);
    gen_jb_put_real(b, r, "literal_grounding", p->grounded);
    put_view(b, r, "model", gen_str_from(g->common.model));
    gen_buf_clear(&t->text);
    rc = gen_buf_reserve(&t->text, 256 + p->question.n + p->answer.n + p->evidence.n, err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, r, GEN_JSON_COMPACT, &t->text, err);
    return rc ? rc : gen_outcome_produce(o, 0, gen_buf_str(&t->text), err);
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
        {"generated_or_data", "model_says_generated_or_data"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (gen_str_is(usable, rows[i][0]))
            return rows[i][1];
    }
    return "model_gave_no_pairs";
}

/* "`soak(kiln)`" names soak. */
static struct gen_str bare_symbol(struct gen_str s)
{
    s = gen_str_trim(s);
    if (s.n > 2 && s.p[0] == '`' && s.p[s.n - 1] == '`')
        s = gen_str_sub(s, 1, s.n - 2);
    size_t call = gen_str_find(s, GEN_STR("("), 0);
    return call && call != SIZE_MAX ? gen_str_trim(gen_str_sub(s, 0, call)) : s;
}

static int look_at_pair(struct gen_qa_generate *g, struct gen_outcome *o,
                        const struct gen_source_text *source, const struct gen_chunk *chunk,
                        const struct gen_json *value, struct tally *t, struct gen_error *err)
{
    struct pair p = {
        .kind = gen_json_get_str(value, "kind"),
        .symbol = bare_symbol(gen_json_get_str(value, "symbol")),
        .evidence = gen_json_get_str(value, "evidence"),
        .question = gen_json_get_str(value, "question"),
        .answer = gen_json_get_str(value, "answer"),
    };
    const char *rule = NULL;
    bool duplicate = false;
    int rc = broken_rule(source, chunk, &p, &rule, err);
    if (rc == GEN_OK && !rule) {
        rc = is_duplicate(t->kept, t->n_kept, &p, &duplicate, err);
        rule = duplicate ? "duplicate_in_chunk" : NULL;
    }
    if (!rule && t->n_kept == t->n_max)
        rule = "more_than_asked";
    if (rc || rule) {
        free_words(&p);
        if (rc == GEN_OK)
            gen_outcome_filter_output(o, rule);
        return rc;
    }
    t->kept[t->n_kept++] = p;
    return emit(g, o, chunk, &p, t, err);
}

static bool all_quotes_absent(const struct gen_source_text *source, const struct gen_chunk *chunk,
                              const struct gen_json *pairs)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *pair;
    gen_json_iter_init(&it, pairs);
    while (gen_json_iter_next(&it, &key, &pair)) {
        enum gen_quote_match match = GEN_QUOTE_EXACT;
        if (gen_qa_check_evidence(source, chunk, gen_json_get_str(pair, "evidence"), &match,
                                  NULL) != GEN_OK ||
            match != GEN_QUOTE_ABSENT)
            return false;
    }
    return true;
}

static int accept_pairs(struct gen_qa_generate *g, const struct gen_item *item,
                        const struct gen_json *pairs, const struct gen_source_text *source,
                        struct gen_outcome *o, struct gen_error *err)
{
    /* Paraphrased evidence through and through is a misunderstanding that one more word can cure.
     */
    if (!gen_outcome_is_last_try(o) && all_quotes_absent(source, item->chunk, pairs))
        return gen_outcome_ask_again(
            o,
            GEN_STR("none of the \"evidence\" strings occurs in the source; copy them character by "
                    "character from the source, or choose another value of \"usable\" and an empty "
                    "list"),
            err);
    /* With a target, what a chunk gives beyond its share makes up for others (release). */
    struct tally t = {.text = gen_buf_make(GEN_BUF_UNLIMITED),
                      .n_max = g->o.target_pairs > 0 && g->o.n_pairs == 0
                                   ? PAIRS_A_CALL_MAX
                                   : (size_t)n_to_ask(g, item)};
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *pair;
    gen_json_iter_init(&it, pairs);
    int rc = GEN_OK;
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &pair))
        rc = look_at_pair(g, o, source, item->chunk, pair, &t, err);
    for (size_t i = 0; i < t.n_kept; i++)
        free_words(&t.kept[i]);
    gen_buf_release(&t.text);
    gen_jb_free(t.builder);
    if (rc == GEN_OK && t.n_kept == 0)
        gen_outcome_filter(o, 0, "no_pair_passed_the_checks");
    return rc;
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
        rc = accept_pairs(g, items[0], pairs, source, o, err);
    gen_source_text_free(source);
    return rc;
}

/* Only with a target: the set is then bounded by it. */
static int already_seen(struct gen_qa_generate *g, const struct gen_item *item, bool *yes,
                        struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf normal = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_parse(&doc, item->record, err);
    if (rc == GEN_OK)
        rc = gen_utf8_normalize(&normal, gen_json_get_str(gen_json_root(doc), "question"), true,
                                err);
    uint64_t h = gen_hash64(gen_buf_str(&normal), 1) | 1U;
    gen_json_doc_free(doc);
    gen_buf_release(&normal);
    if (rc)
        return rc;
    size_t i = (size_t)(h % g->seen_capacity);
    while (g->seen[i] && g->seen[i] != h)
        i = (i + 1) % g->seen_capacity;
    *yes = g->seen[i] == h;
    /* Over two thirds full the set stops growing: a missed duplicate is better than unbounded
     * memory. */
    if (!*yes && g->n_seen < g->seen_capacity / 3 * 2) {
        g->seen[i] = h;
        g->n_seen++;
    }
    return GEN_OK;
}

static int release(void *ud, struct gen_release *r, bool *stop_input, struct gen_error *err)
{
    struct gen_qa_generate *g = ud;
    if (g->o.target_pairs <= 0)
        return GEN_OK;
    for (size_t i = 0; i < gen_release_count(r); i++) {
        const struct gen_item *item = gen_release_item(r, i);
        /* What earlier chunks did not give may be given by later ones. */
        int64_t allowed = g->round ? g->round_target
                                   : share_up_to(item->position, g->o.n_chunks, g->round_target);
        bool duplicate = false;
        const char *rule = NULL;
        if (g->n_round_released >= allowed)
            rule = "over_target";
        int rc = rule ? GEN_OK : already_seen(g, item, &duplicate, err);
        if (rc)
            return rc;
        rule = duplicate ? "duplicate_question" : rule;
        if (rule) {
            gen_release_drop(r, i, rule);
        } else {
            g->n_round_released++;
            g->n_released++;
        }
    }
    *stop_input = g->n_released >= g->o.target_pairs;
    return GEN_OK;
}

static double own(const struct gen_qa_generate_options *o, double fallback)
{
    return o->has_temperature ? o->temperature : fallback;
}

int gen_qa_generate_new(struct gen_qa_generate **out, const struct gen_qa_common *common,
                        const struct gen_qa_generate_options *options, struct gen_step *step,
                        struct gen_error *err)
{
    struct gen_qa_generate *g = calloc(1, sizeof(*g));
    if (!g)
        return gen_nomem(err, "the generate step");
    g->common = *common;
    g->o = *options;
    g->round_target = options->target_pairs;
    int rc =
        gen_qa_prompt_init(&g->text, common, "qa_generation", "qa_pairs", gen_qa_schema_text_pairs,
                           options->has_temperature, own(options, 0.7), text_names,
                           sizeof(text_names) / sizeof(text_names[0]), err);
    if (rc == GEN_OK)
        rc = gen_qa_prompt_init(&g->code, common, "code_qa_generation", "code_qa_pairs",
                                gen_qa_schema_code_pairs, options->has_temperature,
                                own(options, 0.6), code_names,
                                sizeof(code_names) / sizeof(code_names[0]), err);
    if (rc == GEN_OK && options->target_pairs > 0) {
        g->seen_capacity = (size_t)options->target_pairs * 3 + 16;
        if (g->seen_capacity > SEEN_SLOTS_MAX)
            g->seen_capacity = SEEN_SLOTS_MAX;
        g->seen = calloc(g->seen_capacity, sizeof(*g->seen));
        rc = g->seen ? GEN_OK : gen_nomem(err, "the set of questions");
    }
    if (rc) {
        gen_qa_generate_free(g);
        return rc;
    }
    *step = (struct gen_step){
        .name = "generate",
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
    gen_qa_prompt_release(&g->text);
    gen_qa_prompt_release(&g->code);
    free(g->seen);
    free(g);
}

int64_t gen_qa_generate_missing(const struct gen_qa_generate *g)
{
    return g->o.target_pairs > g->n_released ? g->o.target_pairs - g->n_released : 0;
}

void gen_qa_generate_next_round(struct gen_qa_generate *g)
{
    g->round++;
    g->round_target = gen_qa_generate_missing(g);
    g->n_round_released = 0;
}
