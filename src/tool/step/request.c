/* The request: what the model is shown of a blueprint, and what becomes of its words. */
#include "base/hash.h"
#include "base/utf8.h"
#include "tool/phrases.h"
#include "tool/step/generate_int.h"

#define RESULT_BYTES_SHOWN 800U

/* ---- what is shown ---- */

static const char *style_text(struct gen_str style)
{
    static const char *const rows[][2] = {
        {"terse_command", "terse command: an order in few words, no politeness"},
        {"polite_sentence", "polite sentence: a whole sentence with please or a thank you"},
        {"question", "question: it ends with a question mark"},
        {"context_then_request", "context first: a sentence on the situation, then the request"},
        {"goal_only", "goal only: what the person wants to know or have, not what to do for it"},
        {"informal_with_typos", "informal: as typed in a hurry, with a slip or two outside of "
                                "names, paths and numbers"},
        {"expert_shorthand", "expert shorthand: clipped, technical, no filler"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (gen_str_is(style, rows[i][0]))
            return rows[i][1];
    }
    return "plain: one or two natural sentences";
}

/* Equal blueprints with equal prompts would get one answer; who asks differs by the seed, so that
 * the words do. */
static int put_style(const struct gen_draft *d, struct gen_buf *out, struct gen_error *err)
{
    static const char *const people[] = {"a doctoral student",
                                         "a laboratory technician",
                                         "an engineer on call",
                                         "a project manager",
                                         "a new member of a team",
                                         "a teacher",
                                         "a system administrator",
                                         "a data analyst",
                                         "a retired specialist",
                                         "somebody from a partner",
                                         "a reviewer",
                                         "a visiting researcher"};
    static const char *const moments[] = {"in a hurry",
                                          "early in the morning",
                                          "in the middle of a longer task",
                                          "before a meeting",
                                          "after a failed try",
                                          "out of curiosity",
                                          "on behalf of a colleague",
                                          "while writing a report"};
    int64_t seed = 0;
    (void)gen_json_as_int(gen_json_get(d->blueprint, "seed"), &seed);
    uint64_t draw = gen_hash_mix((uint64_t)seed + UINT64_C(0x9E3779B97F4A7C15));
    return gen_buf_printf(out, err, "%s; asked by %s, %s", style_text(d->style),
                          people[draw % (sizeof(people) / sizeof(people[0]))],
                          moments[(draw >> 32) % (sizeof(moments) / sizeof(moments[0]))]);
}

static const char *gap_text(struct gen_str gap)
{
    static const char *const rows[][2] = {
        {"near_miss_action", "an object that the tools know, but an action that none of them has"},
        {"near_miss_object", "an action that a tool has, but on an object that none of them takes"},
        {"write_but_read_only", "a change to something that the tools can only read"},
        {"needs_live_data", "something that only live data could answer"},
        {"other_domain", "a task from another field altogether"},
        {"physical_world", "something that must be done by hand in the physical world"},
        {"no_tool_needed_general_knowledge",
         "a question of general knowledge that needs no tool; the reply answers it"},
        {"small_talk", "small talk; the reply answers in kind"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (gen_str_is(gap, rows[i][0]))
            return rows[i][1];
    }
    return rows[0][1];
}

static bool is_withheld(const struct gen_draft *d, struct gen_str name)
{
    struct gen_json_iter it;
    struct gen_str key, text;
    const struct gen_json *v;
    gen_json_iter_init(&it, d->withheld);
    while (gen_json_iter_next(&it, &key, &v)) {
        if (gen_json_as_str(v, &text) && gen_str_eq(text, name))
            return true;
    }
    return false;
}

static int put_value(const struct gen_draft *d, const struct gen_tool *tool, struct gen_str name,
                     const struct gen_json *value, struct gen_buf *out, struct gen_error *err)
{
    int64_t step = 0;
    struct gen_str pointer;
    if (gen_result_reference(value, &step, &pointer))
        return gen_buf_printf(out, err,
                              " Value: hidden, it comes out of call %lld (%.*s of its result).\n",
                              (long long)step, GEN_STR_ARG(pointer.n ? pointer : GEN_STR("all")));
    int rc = gen_buf_add_c(out, " Value: ", err);
    if (rc == GEN_OK)
        rc = gen_json_write(out, value, GEN_JSON_COMPACT, err);
    const char *note = "\n";
    if (is_withheld(d, name))
        note = " (withheld: only in the reply)\n";
    else if (gen_is_default(tool, name, value))
        note = " (the default: need not be said)\n";
    return rc ? rc : gen_buf_add_c(out, note, err);
}

static int put_parameters(const struct gen_draft *d, const struct gen_draft_call *call,
                          struct gen_buf *out, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *value;
    size_t n = 0;
    int rc = GEN_OK;
    gen_json_iter_init(&it, call->args);
    while (rc == GEN_OK && gen_json_iter_next(&it, &name, &value)) {
        const struct gen_tool_param *p = gen_tool_param_find(call->tool, name);
        n++;
        rc = gen_buf_printf(out, err, "- %.*s (%.*s): %.*s.", GEN_STR_ARG(name),
                            GEN_STR_ARG(p ? p->type : GEN_STR("string")),
                            GEN_STR_ARG(p ? p->description : GEN_STR("not described")));
        if (rc == GEN_OK)
            rc = put_value(d, call->tool, name, value, out, err);
    }
    return rc || n ? rc : gen_buf_add_c(out, "(it takes no values)\n", err);
}

static int put_calls(const struct gen_draft *d, struct gen_buf *out, struct gen_error *err)
{
    struct gen_str results[GEN_DRAFT_CALLS_MAX];
    size_t n_results = gen_draft_results(d, results, GEN_DRAFT_CALLS_MAX);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < d->n_calls; i++) {
        const struct gen_tool *tool = d->calls[i].tool;
        rc = gen_buf_printf(out, err, "Call %zu: %.*s: %.*s\n", i + 1, GEN_STR_ARG(tool->name),
                            GEN_STR_ARG(tool->description));
        if (rc == GEN_OK)
            rc = put_parameters(d, &d->calls[i], out, err);
        if (rc == GEN_OK && i < n_results)
            rc = gen_buf_printf(out, err, "  It gives (hidden): %.*s\n",
                                GEN_STR_ARG(gen_utf8_cut(results[i], RESULT_BYTES_SHOWN)));
    }
    return rc;
}

static int put_examples(const struct gen_tool *tool, struct gen_buf *out, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < tool->n_samples && i < 3; i++) {
        rc = gen_buf_add_c(out, i ? "; " : "", err);
        if (rc == GEN_OK)
            rc = gen_json_write(out, tool->samples[i].args, GEN_JSON_COMPACT, err);
    }
    return rc || tool->n_samples ? rc : gen_buf_add_c(out, "(none)", err);
}

/* The offered tools, but not those of the calls. */
static int put_offered(const struct gen_draft *d, struct gen_buf *out, struct gen_error *err)
{
    size_t n = 0;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < d->n_offered; i++) {
        if (d->n_calls && d->calls[0].tool == d->offered[i])
            continue;
        n++;
        rc = gen_buf_printf(out, err, "- %.*s: %.*s\n", GEN_STR_ARG(d->offered[i]->name),
                            GEN_STR_ARG(d->offered[i]->description));
    }
    return rc || n ? rc : gen_buf_add_c(out, "(none)\n", err);
}

static int put_withheld(const struct gen_draft *d, struct gen_buf *out, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key, name;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, d->withheld);
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &v)) {
        if (gen_json_as_str(v, &name))
            rc = gen_buf_printf(out, err, "%s%.*s", out->n ? ", " : "", GEN_STR_ARG(name));
    }
    return rc;
}

struct shown {
    struct gen_buf parameters, calls, examples, offered, withheld, style;
};

static int collect(const struct gen_draft *d, enum gen_tool_ask what, struct shown *s,
                   struct gen_error *err)
{
    int rc = GEN_OK;
    if (what == GEN_ASK_SINGLE || what == GEN_ASK_MISSING) {
        rc = put_parameters(d, &d->calls[0], &s->parameters, err);
        if (rc == GEN_OK)
            rc = put_examples(d->calls[0].tool, &s->examples, err);
    }
    if (rc == GEN_OK && (what == GEN_ASK_CHAIN || what == GEN_ASK_PARALLEL))
        rc = put_calls(d, &s->calls, err);
    if (rc == GEN_OK && (what == GEN_ASK_SINGLE || what == GEN_ASK_IRRELEVANCE))
        rc = put_offered(d, &s->offered, err);
    if (rc == GEN_OK)
        rc = put_withheld(d, &s->withheld, err);
    return rc ? rc : put_style(d, &s->style, err);
}

int gen_request_render(struct gen_tool_generate *g, const struct gen_draft *d,
                       enum gen_tool_ask what, struct gen_question *q, struct gen_error *err)
{
    struct shown s = {
        .parameters = gen_buf_make(GEN_BUF_UNLIMITED),
        .calls = gen_buf_make(GEN_BUF_UNLIMITED),
        .examples = gen_buf_make(GEN_BUF_UNLIMITED),
        .offered = gen_buf_make(GEN_BUF_UNLIMITED),
        .withheld = gen_buf_make(GEN_BUF_UNLIMITED),
        .style = gen_buf_make(GEN_BUF_UNLIMITED),
    };
    const struct gen_tool *tool = d->n_calls ? d->calls[0].tool : NULL;
    struct gen_str near_tool = gen_json_get_str(d->blueprint, "near_tool");
    int rc = collect(d, what, &s, err);
    const struct gen_prompt_value values[] = {
        {"parameters", gen_step_defuse(q->scratch, gen_buf_str(&s.parameters))},
        {"tools_documentation", gen_step_defuse(q->scratch, gen_buf_str(&s.calls))},
        {"examples", gen_step_defuse(q->scratch, gen_buf_str(&s.examples))},
        {"other_tools", gen_step_defuse(q->scratch, gen_buf_str(&s.offered))},
        {"tools", gen_step_defuse(q->scratch, gen_buf_str(&s.offered))},
        {"withheld", gen_step_or_unknown(gen_buf_str(&s.withheld))},
        {"tool_name", tool ? tool->name : GEN_STR("")},
        {"tool_description", tool ? gen_step_defuse(q->scratch, tool->description) : GEN_STR("")},
        {"n_instructions", GEN_STR("1")},
        {"style", gen_buf_str(&s.style)},
        {"gap", gen_str_from(gap_text(gen_json_get_str(d->blueprint, "gap")))},
        {"near_tool", near_tool.n ? near_tool : GEN_STR("(none)")},
        {"context", d->context.n ? gen_step_defuse(q->scratch, d->context) : GEN_STR("(nothing)")},
        {"language", g->o.language ? gen_str_from(g->o.language) : GEN_STR("English")},
    };
    if (rc == GEN_OK)
        rc = gen_prompt_render(&q->user, g->prompts[what].prompt, values,
                               sizeof(values) / sizeof(values[0]), err);
    gen_buf_release(&s.parameters);
    gen_buf_release(&s.calls);
    gen_buf_release(&s.examples);
    gen_buf_release(&s.offered);
    gen_buf_release(&s.withheld);
    gen_buf_release(&s.style);
    return rc;
}

/* ---- what came back ---- */

struct request {
    struct gen_str instruction, question_back, user_reply, reply;
};

/* K22 at birth: a value that nobody could take out of the words cannot be called with. */
static int check_value(const struct gen_draft_call *call, size_t i, struct gen_str name,
                       const struct gen_json *value, struct gen_str text, struct gen_faults *f,
                       struct gen_error *err)
{
    enum gen_origin origin = GEN_ORIGIN_NONE;
    struct gen_buf where = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf shown = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t step = 0;
    int rc = gen_origin_find(call->tool, name, value, text, NULL, 0, &origin, &where, &step, err);
    if (rc == GEN_OK && origin == GEN_ORIGIN_NONE)
        rc = gen_json_write(&shown, value, GEN_JSON_COMPACT, err);
    if (rc == GEN_OK && origin == GEN_ORIGIN_NONE)
        rc = gen_faults_add(f, "value_without_words", err,
                            "/instruction: nothing in it gives the value %.*s of \"%.*s\" (call "
                            "%zu); write it into the request as it is",
                            GEN_STR_ARG(gen_utf8_cut(gen_buf_str(&shown), 200)), GEN_STR_ARG(name),
                            i + 1);
    gen_buf_release(&where);
    gen_buf_release(&shown);
    return rc;
}

static int check_withheld(const struct gen_draft_call *call, struct gen_str name,
                          const struct gen_json *value, const struct request *r,
                          struct gen_faults *f, struct gen_error *err)
{
    enum gen_origin in_request = GEN_ORIGIN_NONE;
    enum gen_origin in_reply = GEN_ORIGIN_NONE;
    struct gen_buf where = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t step = 0;
    int rc = gen_origin_find(call->tool, name, value, r->instruction, NULL, 0, &in_request, &where,
                             &step, err);
    if (rc == GEN_OK)
        rc = gen_origin_find(call->tool, name, value, r->user_reply, NULL, 0, &in_reply, &where,
                             &step, err);
    if (rc == GEN_OK && (in_request == GEN_ORIGIN_REQUEST || in_request == GEN_ORIGIN_CONVERSION))
        rc = gen_faults_add(f, "withheld_value_shows", err,
                            "/instruction: it gives the value of \"%.*s\", which the person must "
                            "have forgotten to say",
                            GEN_STR_ARG(name));
    bool is_given = in_reply == GEN_ORIGIN_REQUEST || in_reply == GEN_ORIGIN_CONVERSION;
    struct gen_str text;
    if (rc == GEN_OK && !is_given && gen_json_as_str(value, &text) && text.n)
        rc = gen_text_has_words(r->user_reply, text, &is_given, err);
    if (rc == GEN_OK && !is_given)
        rc = gen_faults_add(f, "reply_lacks_value", err,
                            "/user_reply: it does not give the value of \"%.*s\"",
                            GEN_STR_ARG(name));
    gen_buf_release(&where);
    return rc;
}

static int check_values(const struct gen_draft *d, const struct request *r, struct gen_faults *f,
                        struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_buf_printf(&text, err, "%.*s\n%.*s", GEN_STR_ARG(r->instruction),
                            GEN_STR_ARG(d->context));
    for (size_t i = 0; rc == GEN_OK && i < d->n_calls; i++) {
        struct gen_json_iter it;
        struct gen_str name, pointer;
        const struct gen_json *value;
        int64_t step = 0;
        gen_json_iter_init(&it, d->calls[i].args);
        while (rc == GEN_OK && gen_json_iter_next(&it, &name, &value)) {
            if (gen_result_reference(value, &step, &pointer))
                continue;
            if (is_withheld(d, name))
                rc = check_withheld(&d->calls[i], name, value, r, f, err);
            else if (!gen_is_default(d->calls[i].tool, name, value))
                rc = check_value(&d->calls[i], i, name, value, gen_buf_str(&text), f, err);
        }
    }
    gen_buf_release(&text);
    return rc;
}

/* The words that the model itself says carry a value. */
static int check_words(const struct gen_json *answer, const struct request *r,
                       const struct gen_draft *d, struct gen_faults *f, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *row;
    size_t i = 0;
    int rc = GEN_OK;
    gen_json_iter_init(&it, gen_json_get(answer, "values"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &row)) {
        struct gen_str words = gen_str_trim(gen_json_get_str(row, "words"));
        bool has = words.n == 0 || is_withheld(d, gen_json_get_str(row, "parameter"));
        if (!has)
            rc = gen_text_has_words(r->instruction, words, &has, err);
        if (rc == GEN_OK && !has && d->context.n)
            rc = gen_text_has_words(d->context, words, &has, err);
        if (rc == GEN_OK && !has)
            rc = gen_faults_add(f, "value_without_words", err,
                                "/values/%zu/words: \"%.*s\" is not in the instruction; copy the "
                                "exact words",
                                i, GEN_STR_ARG(gen_utf8_cut(words, 120)));
        i++;
    }
    return rc;
}

/* Values that only an earlier result can give, and what the model itself called hidden. */
static int check_hidden(const struct gen_draft *d, const struct gen_json *answer,
                        struct gen_str instruction, struct gen_faults *f, struct gen_error *err)
{
    struct gen_str results[GEN_DRAFT_CALLS_MAX];
    size_t n_results = gen_draft_results(d, results, GEN_DRAFT_CALLS_MAX);
    struct gen_buf value = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < d->n_calls; i++) {
        struct gen_json_iter it;
        struct gen_str name, pointer;
        const struct gen_json *arg;
        int64_t step = 0;
        gen_json_iter_init(&it, d->calls[i].args);
        while (rc == GEN_OK && gen_json_iter_next(&it, &name, &arg)) {
            bool found = false;
            bool shows = false;
            if (!gen_result_reference(arg, &step, &pointer) || step < 1 || (size_t)step > n_results)
                continue;
            gen_buf_clear(&value);
            rc = gen_reference_resolve(results[step - 1], pointer, &value, &found, err);
            struct gen_str text = gen_buf_str(&value);
            if (text.n > 1 && text.p[0] == '"')
                text = gen_str_sub(text, 1, text.n - 2);
            /* One character, such as "/", is in many a text by chance. */
            if (rc == GEN_OK && found && text.n > 2)
                rc = gen_text_has_words(instruction, text, &shows, err);
            if (rc == GEN_OK && shows)
                rc = gen_faults_add(f, "hidden_value_shows", err,
                                    "/instruction: \"%.*s\" comes out of an earlier result; the "
                                    "person cannot know it",
                                    GEN_STR_ARG(gen_utf8_cut(text, 120)));
        }
    }
    gen_buf_release(&value);
    struct gen_json_iter it;
    struct gen_str key, text;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_json_get(answer, "hidden"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &v)) {
        bool shows = false;
        if (!gen_json_as_str(v, &text) || gen_str_trim(text).n < 3)
            continue;
        rc = gen_text_has_words(instruction, gen_str_trim(text), &shows, err);
        if (rc == GEN_OK && shows)
            rc = gen_faults_add(f, "hidden_value_shows", err,
                                "/instruction: \"%.*s\" is listed as hidden and stands in it",
                                GEN_STR_ARG(gen_utf8_cut(text, 120)));
    }
    return rc;
}

static int check_question_back(const struct gen_tool_generate *g, const struct gen_draft *d,
                               const struct request *r, struct gen_faults *f, struct gen_error *err)
{
    static const struct gen_wording wording = {"/question_back", GEN_WORDING_QUESTION, 3, 40};
    static const struct gen_wording reply = {"/user_reply", GEN_WORDING_REPLY, 0, 40};
    struct gen_json_iter it;
    struct gen_str key, name;
    const struct gen_json *v;
    int rc = gen_wording_check(g, d, r->question_back, &wording, f, err);
    if (rc == GEN_OK)
        rc = gen_wording_check(g, d, r->user_reply, &reply, f, err);
    if (rc == GEN_OK && !gen_str_ends(r->question_back, GEN_STR("?")))
        rc = gen_faults_add(f, "question_back_unfit", err,
                            "/question_back: it must be one question that ends with \"?\"");
    gen_json_iter_init(&it, d->withheld);
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &v)) {
        const struct gen_tool_param *p =
            gen_json_as_str(v, &name) ? gen_tool_param_find(d->calls[0].tool, name) : NULL;
        if (p && !gen_shares_word(r->question_back, p->name) &&
            !gen_shares_word(r->question_back, p->description))
            rc = gen_faults_add(f, "question_back_unfit", err,
                                "/question_back: it must ask for what is missing: %.*s",
                                GEN_STR_ARG(p->description.n ? p->description : p->name));
    }
    return rc;
}

/* Whether the reply may say what is in no result: small talk and general knowledge. */
static bool answers_itself(struct gen_str gap)
{
    return gen_str_is(gap, "no_tool_needed_general_knowledge") || gen_str_is(gap, "small_talk");
}

static int check_reply(const struct gen_tool_generate *g, const struct gen_draft *d,
                       const struct request *r, struct gen_faults *f, struct gen_error *err)
{
    static const struct gen_wording wording = {"/reply", GEN_WORDING_REPLY, 2, 90};
    struct gen_buf first = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = 0;
    int rc = gen_wording_check(g, d, r->reply, &wording, f, err);
    if (rc == GEN_OK && gen_text_offers(r->reply, NULL))
        rc = gen_faults_add(f, "reply_offers", err,
                            "/reply: it offers something; say only what cannot be done");
    if (rc == GEN_OK && !answers_itself(gen_json_get_str(d->blueprint, "gap")))
        rc = gen_answer_untraced(r->reply, r->instruction, NULL, 0, &n, &first, err);
    if (rc == GEN_OK && n)
        rc = gen_faults_add(f, "reply_invents_figures", err,
                            "/reply: \"%.*s\" is not in the request; the reply has no results",
                            GEN_STR_ARG(gen_buf_str(&first)));
    gen_buf_release(&first);
    return rc;
}

static int check(const struct gen_tool_generate *g, const struct gen_draft *d,
                 enum gen_tool_ask what, const struct gen_json *answer, const struct request *r,
                 struct gen_faults *f, struct gen_error *err)
{
    struct gen_wording wording = {"/instruction", GEN_WORDING_REQUEST, 2,
                                  what == GEN_ASK_CHAIN || what == GEN_ASK_PARALLEL ? 140 : 90};
    int rc = gen_wording_check(g, d, r->instruction, &wording, f, err);
    if (rc == GEN_OK)
        rc = check_values(d, r, f, err);
    if (rc == GEN_OK)
        rc = check_words(answer, r, d, f, err);
    if (rc == GEN_OK && what == GEN_ASK_CHAIN)
        rc = check_hidden(d, answer, r->instruction, f, err);
    if (rc == GEN_OK && what == GEN_ASK_CHAIN && gen_count_connectives(r->instruction) >= 2)
        rc = gen_faults_add(f, "dictated_steps", err,
                            "/instruction: it lists steps (\"then\", \"after that\"); say what the "
                            "person wants in the end");
    if (rc == GEN_OK && what == GEN_ASK_MISSING)
        rc = check_question_back(g, d, r, f, err);
    if (rc == GEN_OK && what == GEN_ASK_IRRELEVANCE)
        rc = check_reply(g, d, r, f, err);
    return rc;
}

/* ---- the record ---- */

static int write_record(struct gen_tool_generate *g, const struct gen_draft *d,
                        const struct request *r, bool is_final, struct gen_buf *out,
                        struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_buf documentation = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK && is_final)
        rc = gen_draft_document(g, d, &documentation, err);
    if (rc == GEN_OK) {
        struct gen_jmut *record = gen_jb_object(b);
        struct gen_jmut *solution = gen_jb_object(b);
        if (is_final)
            gen_jb_put(b, solution, "reasoning_path", gen_jb_array(b));
        if (r->question_back.n) {
            struct gen_jmut *clarification = gen_jb_object(b);
            gen_jb_put_str(b, clarification, "question", r->question_back);
            gen_jb_put_str(b, clarification, "reply", r->user_reply);
            gen_jb_put(b, solution, "clarification", clarification);
        }
        if (r->reply.n)
            gen_jb_put_str(b, solution, "final_answer", r->reply);
        if (is_final) {
            gen_jb_put_str(b, solution, "api_documentation", gen_buf_str(&documentation));
            gen_jb_put_str(b, solution, "method", gen_json_get_str(d->metadata, "mode"));
        }
        gen_jb_put_cstr(b, record, "format", "tool");
        gen_jb_put_str(b, record, "id", d->id);
        gen_jb_put_str(b, record, "instruction", r->instruction);
        gen_jb_put(b, record, "solution", solution);
        gen_jb_put(b, record, "tools", gen_jb_copy(b, gen_json_get(d->record, "tools")));
        gen_jb_put(b, record, "metadata", gen_jb_copy(b, d->metadata));
        rc = gen_jb_write(b, record, GEN_JSON_COMPACT, out, err);
    }
    gen_buf_release(&documentation);
    gen_jb_free(b);
    return rc;
}

int gen_request_accept(struct gen_tool_generate *g, const struct gen_draft *d,
                       enum gen_tool_ask what, const struct gen_json *answer, struct gen_outcome *o,
                       struct gen_error *err)
{
    struct gen_faults f = gen_faults_make();
    struct gen_buf record = gen_buf_make(GEN_BUF_UNLIMITED);
    const struct request r = {
        .instruction = gen_str_trim(gen_json_get_str(answer, "instruction")),
        .question_back = gen_str_trim(gen_json_get_str(answer, "question_back")),
        .user_reply = gen_str_trim(gen_json_get_str(answer, "user_reply")),
        .reply = gen_str_trim(gen_json_get_str(answer, "reply")),
    };
    if (gen_json_get(answer, "usable") && !gen_str_is(gen_json_get_str(answer, "usable"), "yes")) {
        gen_outcome_filter(o, 0, "model_says_makes_no_sense");
        return GEN_OK;
    }
    bool is_final = what == GEN_ASK_IRRELEVANCE || g->o.request_only;
    int rc = check(g, d, what, answer, &r, &f, err);
    if (rc == GEN_OK && f.n)
        rc = gen_faults_settle(&f, o, err);
    else if (rc == GEN_OK)
        rc = write_record(g, d, &r, is_final, &record, err);
    if (rc == GEN_OK && f.n == 0)
        rc = is_final ? gen_outcome_produce(o, 0, gen_buf_str(&record), err)
                      : gen_outcome_continue(o, 0, gen_buf_str(&record), err);
    gen_buf_release(&record);
    gen_faults_release(&f);
    return rc;
}
