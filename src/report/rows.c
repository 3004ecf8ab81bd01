#include "report/report_int.h"

#include "dataset/checks.h"

static const char *const criteria[] = {"rating", "clarity", "accuracy", "usefulness", "difficulty"};
static const char *const tool_criteria[] = {"tool_selection", "parameter_correctness",
                                            "reasoning_quality", "result_usefulness"};

static bool is_one_of(struct gen_str key, const char *const *names)
{
    for (; *names; names++) {
        if (gen_str_is(key, *names))
            return true;
    }
    return false;
}

/* What has a place of its own on the page, when it is of the type that goes there. */
static bool is_shown(struct gen_str key, const struct gen_json *value, bool hide_turns)
{
    static const char *const texts[] = {
        "question", "answer",          "reasoning",  "rating_reasoning",
        "evidence", "rating_evidence", "source",     "source_file",
        "chunk_id", "instruction",     "input",      "output",
        "solution", "prompt",          "completion", "text",
        NULL};
    static const char *const numbers[] = {
        "rating", "clarity", "accuracy", "usefulness", "difficulty", "literal_grounding", NULL};
    static const char *const turns[] = {"messages", "conversations", "contents", NULL};
    switch (gen_json_type(value)) {
    case GEN_JSON_STRING:
        return is_one_of(key, texts);
    case GEN_JSON_INT:
    case GEN_JSON_REAL:
        return is_one_of(key, numbers);
    default:
        return hide_turns && is_one_of(key, turns);
    }
}

/* What a conversation says beyond its question and answer is worth showing when it has more turns.
 */
static bool has_few_turns(const struct gen_json *record)
{
    static const char *const names[] = {"messages", "conversations", "contents"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_json_count(gen_json_get(record, names[i])) > 3)
            return false;
    }
    return true;
}

static void put_rest(struct gen_jb *b, struct gen_jmut *o, const struct gen_json *record)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    struct gen_jmut *rest = NULL;
    bool hide_turns = has_few_turns(record);
    struct gen_str answer = gen_json_get_str(record, "answer");
    gen_json_iter_init(&it, record);
    while (gen_json_iter_next(&it, &key, &value)) {
        struct gen_str text;
        bool is_copy = gen_str_is(key, "original_answer") && gen_json_as_str(value, &text) &&
                       gen_str_eq(text, answer);
        if (is_copy || is_shown(key, value, hide_turns))
            continue;
        if (!rest)
            rest = gen_jb_object(b);
        gen_jb_put_n(b, rest, key, gen_jb_copy(b, value));
    }
    if (rest)
        gen_jb_put(b, o, "x", rest);
}

static void put_text(struct gen_jb *b, struct gen_jmut *o, const char *key, struct gen_str text)
{
    if (text.n)
        gen_jb_put(b, o, key, gen_jb_str_view(b, text));
}

/* The judge's words stand in `reasoning` where the record has no chain of thought. */
static struct gen_str judge_words(const struct gen_json *record,
                                  const struct gen_metrics_view *view)
{
    struct gen_str words = gen_json_get_str(record, "rating_reasoning");
    if (!words.n && view->shape == GEN_SHAPE_QA && gen_json_get(record, "rating"))
        words = gen_json_get_str(record, "reasoning");
    return words;
}

static int put_row(struct gen_report *r, const struct gen_json *record,
                   const struct gen_metrics_view *view, struct gen_error *err)
{
    struct gen_jb *b = r->row;
    struct gen_buf *out = NULL;
    int rc = gen_jb_begin_again(b, err);
    if (rc)
        return rc;
    struct gen_str judge = judge_words(record, view);
    struct gen_jmut *o = gen_jb_object(b);
    put_text(b, o, "q", view->question);
    put_text(b, o, "a", view->answer);
    if (judge.p == NULL || judge.p != view->reasoning.p)
        put_text(b, o, "r", view->reasoning);
    put_text(b, o, "j", judge);
    put_text(b, o, "e", gen_json_get_str(record, "evidence"));
    put_text(b, o, "f", gen_json_get_str(record, "rating_evidence"));
    put_rest(b, o, record);
    rc = gen_report_blocks_begin_item(&r->rows, &out, err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, o, GEN_JSON_COMPACT, out, err);
    if (rc == GEN_OK)
        rc = gen_report_blocks_end_item(&r->rows, err);
    if (rc == GEN_OK)
        r->result.n_rows_shown++;
    return rc;
}

static int put_chunk(struct gen_report *r, const struct gen_metrics_view *view,
                     struct gen_error *err)
{
    struct gen_jb *b = r->row;
    struct gen_buf *out = NULL;
    struct gen_ledger_chunk c;
    int rc = gen_jb_begin_again(b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    put_text(b, o, "id", view->chunk_id);
    if (gen_report_find_chunk(r, view->chunk_id, view->source, &c)) {
        put_text(b, o, "source", c.source);
        put_text(b, o, "title", c.title);
        put_text(b, o, "section", c.section);
        put_text(b, o, "language", c.language);
        put_text(b, o, "text", c.content);
        r->result.n_chunks++;
    }
    rc = gen_report_blocks_begin_item(&r->chunks, &out, err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, o, GEN_JSON_COMPACT, out, err);
    return rc ? rc : gen_report_blocks_end_item(&r->chunks, err);
}

static int chunk_number(struct gen_report *r, const struct gen_metrics_view *view, int32_t *out,
                        struct gen_error *err)
{
    struct gen_report_key key = gen_report_key_of(view->chunk_id, view->source);
    bool is_known = gen_report_index_find(&r->chunk_index, key) != NULL;
    uint32_t number = 0;
    bool is_new = false;
    if (!view->chunk_id.n ||
        (!is_known && (r->is_full || r->chunk_index.n == GEN_REPORT_CHUNKS_MAX)))
        return GEN_OK;
    int rc = gen_report_index_add(&r->chunk_index, key, &number, &is_new, err);
    if (rc == GEN_OK && is_new)
        rc = put_chunk(r, view, err);
    if (rc == GEN_OK)
        *out = (int32_t)number;
    return rc;
}

/* The last number is shared by all sources for which there was no room. */
static int source_number(struct gen_report *r, struct gen_str source, int32_t *out,
                         struct gen_error *err)
{
    struct gen_report_key key = gen_report_key_of(source, (struct gen_str){0});
    uint32_t number = GEN_REPORT_SOURCES_MAX;
    bool is_new = false;
    int rc = GEN_OK;
    if (!source.n)
        return GEN_OK;
    if (r->source_index.n < GEN_REPORT_SOURCES_MAX || gen_report_index_find(&r->source_index, key))
        rc = gen_report_index_add(&r->source_index, key, &number, &is_new, err);
    if (rc == GEN_OK && is_new)
        gen_jb_append(r->facts, r->sources, gen_jb_str(r->facts, source));
    if (rc == GEN_OK)
        *out = (int32_t)number;
    return rc;
}

static int32_t scaled(const struct gen_json *v, double factor)
{
    double x = 0;
    if (!gen_json_as_real(v, &x) || !(x >= -1e6 && x <= 1e6))
        return GEN_REPORT_NO_VALUE;
    x *= factor;
    return (int32_t)(x < 0 ? x - 0.5 : x + 0.5);
}

static int32_t words(struct gen_str text)
{
    size_t n = text.n ? gen_count_words(text) : 0;
    return n < INT32_MAX ? (int32_t)n : INT32_MAX;
}

int gen_report_add_row(struct gen_report *r, const struct gen_json *record,
                       const struct gen_metrics_view *view, uint64_t row,
                       enum gen_report_state state, struct gen_error *err)
{
    int32_t c[GEN_REPORT_N_COLUMNS];
    for (size_t i = 0; i < GEN_REPORT_N_COLUMNS; i++)
        c[i] = GEN_REPORT_NO_VALUE;
    c[GEN_REPORT_ROW] = row < INT32_MAX ? (int32_t)row : INT32_MAX;
    c[GEN_REPORT_STATE] = (int32_t)state;
    for (size_t i = 0; i < sizeof(criteria) / sizeof(criteria[0]); i++)
        c[GEN_REPORT_RATING + i] = scaled(gen_json_get(record, criteria[i]), 100.0);
    const struct gen_json *breakdown = gen_json_get(record, "rating_breakdown");
    for (size_t i = 0; i < sizeof(tool_criteria) / sizeof(tool_criteria[0]); i++)
        c[GEN_REPORT_TOOL_SELECTION + i] = scaled(gen_json_get(breakdown, tool_criteria[i]), 100.0);
    c[GEN_REPORT_GROUNDING] = scaled(gen_json_get(record, "literal_grounding"), 1000.0);
    c[GEN_REPORT_QUESTION_WORDS] = words(view->question);
    c[GEN_REPORT_ANSWER_WORDS] = words(view->answer);
    if (view->reasoning.n && judge_words(record, view).p != view->reasoning.p)
        c[GEN_REPORT_REASONING_WORDS] = words(view->reasoning);
    r->is_full = r->is_full || r->page.n_bytes >= r->page_bytes_max;
    int rc = source_number(r, view->source, &c[GEN_REPORT_SOURCE], err);
    if (rc == GEN_OK)
        rc = chunk_number(r, view, &c[GEN_REPORT_CHUNK], err);
    if (rc == GEN_OK && !r->is_full)
        rc = put_row(r, record, view, err);
    return rc ? rc : gen_report_columns_add(&r->columns, c, err);
}

/* A conversation is read by its last exchange. Where the model asked back, that is the user's reply
 * and what came of it; before the calls were made, the request and the question back. */
struct gen_report_key gen_report_row_key(const struct gen_json *record,
                                         const struct gen_metrics_view *view)
{
    struct gen_str question = view->question;
    struct gen_str answer = view->answer;
    const struct gen_json *back = gen_json_get(gen_json_get(record, "solution"), "clarification");
    if (view->shape == GEN_SHAPE_TOOL && back && answer.n)
        question = gen_json_get_str(back, "reply");
    else if (view->shape == GEN_SHAPE_TOOL && back)
        answer = gen_json_get_str(back, "question");
    return gen_report_key_of(gen_str_trim(question), gen_str_trim(answer));
}

bool gen_report_find_chunk(struct gen_report *r, struct gen_str id, struct gen_str source,
                           struct gen_ledger_chunk *out)
{
    bool found = false;
    return r->ledger && id.n &&
           gen_ledger_chunk_find(r->ledger, id, source, &found, out, NULL) == GEN_OK && found;
}
