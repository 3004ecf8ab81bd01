#include "qa/common.h"

#include "base/utf8.h"

#include <stdio.h>

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
    pair->question = gen_step_defuse(arena, gen_arena_str(arena, view.question));
    pair->answer = gen_step_defuse(arena, gen_arena_str(arena, view.answer));
    if (view.reasoning.n)
        pair->reasoning = gen_step_defuse(arena, gen_arena_str(arena, view.reasoning));
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
        gen_step_fence(chunk->content, fence);
        text = gen_step_defuse(q->scratch, chunk->content);
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
        {"title", gen_step_or_unknown(gen_step_defuse(q->scratch, title))},
        {"section", gen_step_or_unknown(gen_step_defuse(q->scratch, section))},
        {"fence", gen_str_from(fence)},
        {"pairs", pairs},
        {"ids", ids},
        {"topic", gen_str_from(topic ? topic : "")},
        {"source", gen_step_defuse(q->scratch, source)},
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

const char *gen_qa_rule_of_unusable(const struct gen_json *record)
{
    return gen_record_kind(record) == GEN_RECORD_TOOL ? "tool_record" : "malformed_row";
}

const char *gen_qa_prefilter_record(const struct gen_item *item)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view view;
    char why[160];
    if (gen_json_parse(&doc, item->record, NULL) != GEN_OK)
        return "malformed_row";
    const struct gen_json *record = gen_json_root(doc);
    bool usable = gen_qa_view(record, &view, why, sizeof(why));
    const char *rule = usable ? NULL : gen_qa_rule_of_unusable(record);
    gen_json_doc_free(doc);
    return rule;
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
