/* The closing reply, written from what the calls gave. */
#include "tool/step/execute_int.h"

#include "base/utf8.h"
#include "tool/phrases.h"

#define TOKENS_AN_ANSWER 250
#define QUOTE_BYTES_MIN  1U

const char *const gen_answer_names[GEN_ANSWER_NAMES] = {"calls", "request", "fence"};

int gen_answer_ask(struct gen_exec_run *r, struct gen_question *q, struct gen_error *err)
{
    char fence[9];
    struct gen_str calls = gen_exec_show_calls(r);
    gen_step_fence(calls, fence);
    const struct gen_prompt_value values[GEN_ANSWER_NAMES] = {
        {"calls", calls},
        {"request", gen_exec_show_request(r)},
        {"fence", gen_str_from(fence)},
    };
    q->inputs.task = GEN_TASK_TOOL_ANSWER;
    q->inputs.seed = r->x->o.seed;
    q->tokens_out_max = gen_step_tokens(&r->x->common, 1, TOKENS_AN_ANSWER);
    int rc = gen_exec_inputs(r, q->scratch, &q->inputs.record, err);
    if (rc == GEN_OK)
        rc = gen_prompt_render(&q->user, r->x->answer.prompt, values, GEN_ANSWER_NAMES, err);
    return rc;
}

/* Without white space, so that a quotation from JSON holds however it is set. */
static int squeeze(struct gen_str text, struct gen_buf *out, struct gen_error *err)
{
    struct gen_buf plain = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_utf8_normalize(&plain, text, false, err);
    for (size_t i = 0; i < plain.n && rc == GEN_OK; i++) {
        if (plain.data[i] != ' ')
            rc = gen_buf_add_char(out, plain.data[i], err);
    }
    gen_buf_release(&plain);
    return rc;
}

static int is_quoted(struct gen_str observation, struct gen_str quote, bool *found,
                     struct gen_error *err)
{
    struct gen_buf where = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf what = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = squeeze(observation, &where, err);
    if (rc == GEN_OK)
        rc = squeeze(quote, &what, err);
    *found = rc == GEN_OK && what.n >= QUOTE_BYTES_MIN &&
             gen_str_find(gen_buf_str(&where), gen_buf_str(&what), 0) != SIZE_MAX;
    gen_buf_release(&where);
    gen_buf_release(&what);
    return rc;
}

/* The observation of a step by its number; empty when there is none. */
static struct gen_str result_of(const struct gen_exec_run *r, int64_t step)
{
    for (size_t i = 0; i < r->n_calls; i++) {
        if (r->calls[i].step == step)
            return r->calls[i].observation;
    }
    return GEN_STR("");
}

/* Of quotations alone: after the last try an answer may keep them. */
static const char rule_of_quotes[] = "answer_quote_absent";

static int check_quotes(const struct gen_exec_run *r, const struct gen_json *used,
                        struct gen_faults *f, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, used);
    bool found = true;
    while (rc == GEN_OK && found && gen_json_iter_next(&it, NULL, &v)) {
        int64_t step = 0;
        struct gen_str quote = gen_json_get_str(v, "quote");
        (void)gen_json_as_int(gen_json_get(v, "step"), &step);
        rc = is_quoted(result_of(r, step), quote, &found, err);
        if (rc == GEN_OK && !found)
            rc = gen_faults_add(f, rule_of_quotes, err,
                                "\"%.*s\" is not in the result of step %lld: copy the words of "
                                "the result",
                                GEN_STR_ARG(gen_utf8_prefix(quote, 80)), (long long)step);
    }
    return rc;
}

static bool has_last_failed(const struct gen_exec_run *r)
{
    return r->n_calls && r->calls[r->n_calls - 1].status != GEN_CALL_SUCCESS;
}

static int check_traces(struct gen_exec_run *r, struct gen_str answer, struct gen_faults *f,
                        struct gen_error *err)
{
    struct gen_str *observations = NULL;
    struct gen_buf first = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = 0;
    size_t n_untraced = 0;
    int rc = gen_exec_observations(r, &observations, &n, err);
    if (rc == GEN_OK)
        rc = gen_answer_untraced(answer, gen_exec_request(r), observations, n, &n_untraced, &first,
                                 err);
    if (rc == GEN_OK && n_untraced)
        rc = gen_faults_add(f, "untraceable_answer", err,
                            "the answer's \"%.*s\" is in no result and not in the request",
                            GEN_STR_ARG(gen_utf8_prefix(gen_buf_str(&first), 80)));
    gen_buf_release(&first);
    return rc;
}

static int check(struct gen_exec_run *r, const struct gen_json *row, struct gen_str answer,
                 struct gen_faults *f, struct gen_error *err)
{
    int rc = GEN_OK;
    if (answer.n == 0)
        return gen_faults_add(f, "empty_answer", err, "the answer is empty");
    if (gen_text_has_left_overs(answer))
        rc = gen_faults_add(f, "left_overs", err,
                            "the answer holds placeholders or marks of a chat");
    if (rc == GEN_OK)
        rc = check_traces(r, answer, f, err);
    if (rc == GEN_OK && has_last_failed(r) && gen_str_is(gen_json_get_str(row, "complete"), "yes"))
        rc = gen_faults_add(f, "untraceable_answer", err,
                            "complete is \"yes\" though the last call failed: say what failed, "
                            "and why");
    if (rc == GEN_OK && gen_text_offers(answer, NULL))
        rc = gen_faults_add(f, "answer_offers_help", err,
                            "the answer offers further help: leave that out");
    return rc ? rc : check_quotes(r, gen_json_get(row, "used"), f, err);
}

int gen_answer_accept(struct gen_exec_run *r, const struct gen_json *answer, struct gen_outcome *o,
                      struct gen_error *err)
{
    struct gen_faults f = gen_faults_make();
    struct gen_str text = gen_str_trim(gen_json_get_str(answer, "answer"));
    bool is_last = gen_outcome_is_last_try(o);
    int rc = check(r, answer, text, &f, err);
    bool is_misquoted = f.rule == rule_of_quotes;
    if (rc == GEN_OK && (f.n == 0 || (is_misquoted && is_last))) {
        rc = gen_exec_produce(r, text, true, o, err);
        if (rc == GEN_OK && is_misquoted)
            gen_outcome_note(o, rule_of_quotes);
        if (rc == GEN_OK && gen_str_is(gen_json_get_str(answer, "complete"), "no"))
            gen_outcome_note(o, "answer_says_no");
    } else if (rc == GEN_OK && is_last) {
        gen_exec_filter(r, o, f.rule);
    } else if (rc == GEN_OK) {
        rc = gen_outcome_ask_again(o, gen_buf_str(&f.text), err);
    }
    gen_faults_release(&f);
    return rc;
}
