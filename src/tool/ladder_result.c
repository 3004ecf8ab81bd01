/* The rungs that look at what came back: execution and dependence. */
#include "tool/ladder_int.h"

#include "base/utf8.h"
#include "tool/phrases.h"

/* An agent that stops half-way says so itself; its words would teach to give up. */
static bool is_unsolved(const struct gen_trajectory *t)
{
    bool is_success = true;
    const struct gen_json *result = gen_json_get(t->record, "execution_result");
    const struct gen_json *solution = gen_json_get(t->record, "solution");
    if (!gen_json_as_bool(gen_json_get(result, "success"), &is_success))
        (void)gen_json_as_bool(gen_json_get(solution, "execution_validated"), &is_success);
    return !is_success;
}

void gen_rung_execution(struct gen_climber *c, bool needs_execution, bool *skipped)
{
    const struct gen_trajectory *t = c->t;
    bool has_failure = false;
    *skipped = t->n_steps == 0 || t->is_simulated;
    for (size_t i = 0; i < t->n_steps; i++) {
        const struct gen_tool_step *s = &t->steps[i];
        has_failure = has_failure || s->status == GEN_CALL_FAILURE;
        if (s->status == GEN_CALL_PENDING) {
            *skipped = true;
            if (needs_execution)
                (void)gen_climb_fail(c->out, "not_executed", "step %zu: %.*s was not executed",
                                     i + 1, GEN_STR_ARG(s->tool));
            return;
        }
        if (s->is_mutation && s->status != GEN_CALL_FAILURE) {
            (void)gen_climb_fail(c->out, "mutation_did_not_fail",
                                 "step %zu: %.*s was to fail and did not", i + 1,
                                 GEN_STR_ARG(s->tool));
            return;
        }
        if (s->status == GEN_CALL_FAILURE && !c->is_excused[i]) {
            (void)gen_climb_fail(c->out, "call_failed", "step %zu: %.*s failed: %.*s", i + 1,
                                 GEN_STR_ARG(s->tool),
                                 GEN_STR_ARG(gen_utf8_prefix(gen_str_trim(s->observation), 120)));
            return;
        }
    }
    if (t->category == GEN_TOOL_ERROR_RECOVERY && t->n_steps && !has_failure)
        (void)gen_climb_fail(c->out, "mutation_did_not_fail", "no call failed, though one was to");
    else if (t->n_steps && is_unsolved(t))
        (void)gen_climb_fail(c->out, "not_solved",
                             "the calls went well, but the request was given up before its end");
}

static bool is_hollow(struct gen_str answer)
{
    static const char *const hollow[] = {"the task is complete",
                                         "task complete",
                                         "task completed",
                                         "done",
                                         "completed",
                                         "finished",
                                         "the task has been completed",
                                         "success",
                                         "the task was completed successfully",
                                         "the task has been completed successfully",
                                         "operation completed successfully",
                                         "ok"};
    struct gen_str said = gen_str_trim(answer);
    while (said.n && (said.p[said.n - 1] == '.' || said.p[said.n - 1] == '!'))
        said.n--;
    for (size_t i = 0; i < sizeof(hollow) / sizeof(hollow[0]); i++) {
        if (gen_str_eq_nocase(said, gen_str_from(hollow[i])))
            return true;
    }
    return false;
}

/* Refusals, and answers that need no tool: who has called nothing cannot have done anything, nor
 * will he; and where no tool fits there is nothing to offer either. */
static void without_calls(struct gen_climber *c)
{
    const char *which = "";
    if (gen_text_promises(c->t->final_answer, &which) ||
        gen_text_offers(c->t->final_answer, &which))
        (void)gen_climb_fail(c->out, "promises_action",
                             "the answer promises what no call did: \"%s\"", which);
}

/* The value that was asked for was not in the request from the start. */
static int check_question(struct gen_climber *c, struct gen_error *err)
{
    const struct gen_trajectory *t = c->t;
    const char *which = "";
    if (!t->question_back.n || !t->user_reply.n) {
        (void)gen_climb_fail(c->out, "no_question",
                             "a value was to be missing, but no question was asked and answered");
        return GEN_OK;
    }
    if (gen_text_promises(t->question_back, &which)) {
        (void)gen_climb_fail(c->out, "promises_action",
                             "the question promises what no call did: \"%s\"", which);
        return GEN_OK;
    }
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    const struct gen_json *withheld = gen_json_get(t->blueprint, "withheld");
    struct gen_known known;
    int rc = gen_known_init(&known, t->instruction, NULL, 0, c->arena, err);
    gen_json_iter_init(&it, withheld);
    while (rc == GEN_OK && withheld && t->n_steps && gen_json_iter_next(&it, &key, &v)) {
        struct gen_str name;
        struct gen_found found = {GEN_ORIGIN_NONE, {NULL, 0}, 0};
        if (!gen_json_as_str(v, &name))
            continue;
        const struct gen_json *value = gen_json_get_n(t->steps[0].args, name);
        if (value)
            rc = gen_known_origin(&known, 0, NULL, name, value, &found, err);
        if (rc == GEN_OK && found.origin == GEN_ORIGIN_REQUEST)
            (void)gen_climb_fail(c->out, "nothing_was_missing", "the request itself gives \"%.*s\"",
                                 GEN_STR_ARG(name));
    }
    gen_known_release(&known);
    return rc;
}

static void check_repeats(struct gen_climber *c)
{
    for (size_t i = 1; i < c->t->n_steps && !c->out->rule; i++) {
        const struct gen_tool_step *a = &c->t->steps[i - 1];
        const struct gen_tool_step *b = &c->t->steps[i];
        if (gen_str_eq(a->tool, b->tool) && a->args && b->args &&
            gen_json_equal(a->args, b->args) && gen_str_eq(a->observation, b->observation) &&
            a->status == b->status)
            (void)gen_climb_fail(c->out, "repeated_call",
                                 "step %zu: %.*s is called again with the same arguments and the "
                                 "same result",
                                 i + 1, GEN_STR_ARG(b->tool));
    }
}

static int check_answer(struct gen_climber *c, struct gen_error *err)
{
    size_t n_untraced = 0;
    struct gen_str first = {NULL, 0};
    int rc = gen_known_untraced(&c->known, c->t->final_answer, &n_untraced, &first, err);
    if (rc == GEN_OK && n_untraced)
        (void)gen_climb_fail(c->out, "untraceable_answer",
                             "the final answer says \"%.*s\" (%zu such in all), which no result "
                             "and not the request gives",
                             GEN_STR_ARG(gen_utf8_prefix(first, 60)), n_untraced);
    return rc;
}

int gen_rung_dependence(struct gen_climber *c, bool *skipped, struct gen_error *err)
{
    const struct gen_trajectory *t = c->t;
    int rc = GEN_OK;
    *skipped = false;
    if (t->category == GEN_TOOL_IRRELEVANCE && t->n_steps) {
        (void)gen_climb_fail(c->out, "call_not_wanted", "no tool was to fit, but %.*s was called",
                             GEN_STR_ARG(t->steps[0].tool));
        return GEN_OK;
    }
    if (t->category == GEN_TOOL_MISSING_PARAM)
        rc = check_question(c, err);
    if (rc || c->out->rule)
        return rc;
    if (t->n_steps && !t->is_executed) {
        *skipped = true;
        return GEN_OK;
    }
    if (!gen_str_trim(t->final_answer).n) {
        (void)gen_climb_fail(c->out, "no_final_answer", "there is no final answer");
        return GEN_OK;
    }
    if (!t->n_steps) {
        without_calls(c);
        return GEN_OK;
    }
    if (t->category == GEN_TOOL_ERROR_RECOVERY &&
        t->steps[t->n_steps - 1].status != GEN_CALL_SUCCESS) {
        (void)gen_climb_fail(c->out, "not_recovered", "the last call, of %.*s, failed as well",
                             GEN_STR_ARG(t->steps[t->n_steps - 1].tool));
        return GEN_OK;
    }
    if (is_hollow(t->final_answer)) {
        (void)gen_climb_fail(c->out, "hollow_answer", "the final answer says nothing: \"%.*s\"",
                             GEN_STR_ARG(gen_utf8_prefix(t->final_answer, 60)));
        return GEN_OK;
    }
    check_repeats(c);
    return c->out->rule ? GEN_OK : check_answer(c, err);
}
