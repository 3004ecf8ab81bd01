/* Tool records as conversations. */
#include "dataset/example_int.h"

#define FAULT_BYTES 160

/* The faults' first line. */
static struct gen_str first_line(const struct gen_buf *faults)
{
    struct gen_str rest = gen_buf_str(faults);
    struct gen_str line = {"", 0};
    (void)gen_str_next_line(&rest, &line);
    return gen_str_sub(line, 0, FAULT_BYTES);
}

static int check_schema(struct gen_example *e, const struct gen_tool_step *s,
                        const struct gen_offered *tool, struct gen_refusal *refusal,
                        struct gen_error *err)
{
    const struct gen_schema *schema = NULL;
    struct gen_buf faults = gen_buf_make((size_t)64 << 10);
    struct gen_error said = {.msg = ""};
    const char *why = NULL;
    bool valid = true;
    int rc = e->schemas ? GEN_OK : gen_schema_memo_new(&e->schemas, err);
    if (rc == GEN_OK)
        rc = gen_schema_memo_get(e->schemas, tool->parameters, &schema, &why, err);
    if (rc)
        return rc;
    if (schema && gen_schema_check(schema, s->args, &valid, &faults, &said)) {
        rc = said.code == GEN_ENOMEM ? gen_nomem(err, "the schema of a tool") : GEN_OK;
        why = said.msg;
    }
    if (why)
        gen_refuse(refusal, "schema_unusable", "the schema of the tool \"%.*s\": %s",
                   GEN_STR_ARG(tool->name), why);
    else if (!valid)
        gen_refuse(refusal, "schema_invalid", "the arguments of step %lld do not fit %.*s: %.*s",
                   (long long)s->step, GEN_STR_ARG(tool->name), GEN_STR_ARG(first_line(&faults)));
    gen_buf_release(&faults);
    return rc;
}

/* Whether a call may be in a row. A call that fails so that its correction can be learned may be
 * wrong in every way but one: it is of a tool that is on offer. */
static int check_step(struct gen_example *e, const struct gen_tool_step *s,
                      struct gen_refusal *refusal, struct gen_error *err)
{
    const struct gen_offered *tool = gen_example_tool(e, s->tool);
    if (!tool && !s->is_mutation) {
        gen_refuse(refusal, "unknown_tool", "step %lld calls \"%.*s\", which is not in \"tools\"",
                   (long long)s->step, GEN_STR_ARG(gen_str_sub(s->tool, 0, 64)));
        return GEN_OK;
    }
    if (!s->args) {
        gen_refuse(refusal, "malformed_row", "the \"args\" of step %lld are no object",
                   (long long)s->step);
        return GEN_OK;
    }
    if (gen_args_have_placeholder(s->args)) {
        gen_refuse(refusal, "unresolved_reference",
                   "the arguments of step %lld still refer to a result; 'generator tool-execute' "
                   "puts the values there",
                   (long long)s->step);
        return GEN_OK;
    }
    if (s->is_mutation || !tool->parameters)
        return GEN_OK;
    return check_schema(e, s, tool, refusal, err);
}

/* The thoughts of the calls of one turn, each once, a line each. */
static int join_thoughts(struct gen_example *e, const struct gen_tool_step *steps, size_t n,
                         struct gen_str *out, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    *out = steps[0].thought;
    for (size_t i = 0; rc == GEN_OK && i < n; i++) {
        if (!steps[i].thought.n || (i && gen_str_eq(steps[i].thought, steps[i - 1].thought)))
            continue;
        if (text.n)
            rc = gen_buf_add_char(&text, '\n', err);
        if (rc == GEN_OK)
            rc = gen_buf_add_str(&text, steps[i].thought, err);
    }
    if (rc == GEN_OK && text.n > out->n) {
        *out = gen_arena_str(&e->arena, gen_buf_str(&text));
        if (!out->p)
            rc = gen_nomem(err, "the thoughts of a turn");
    }
    gen_buf_release(&text);
    return rc;
}

/* Failed calls that something follows: what is learned is what was done about them. */
static bool is_masked(const struct gen_trajectory *t, size_t from, size_t n)
{
    bool all_failed = true;
    bool goes_on = false;
    for (size_t i = from; i < from + n; i++)
        all_failed =
            all_failed && (t->steps[i].status == GEN_CALL_FAILURE || t->steps[i].is_mutation);
    for (size_t i = from + n; i < t->n_steps; i++)
        goes_on = goes_on || t->steps[i].status == GEN_CALL_SUCCESS;
    return all_failed && goes_on;
}

static int add_turn_of_calls(struct gen_example *e, const struct gen_trajectory *t, size_t from,
                             size_t n, struct gen_error *err)
{
    const struct gen_tool_step *steps = &t->steps[from];
    struct gen_call *calls = gen_example_calls(e, n);
    if (!calls)
        return gen_nomem(err, "the calls of a tool record");
    for (size_t i = 0; i < n; i++) {
        calls[i].name = steps[i].tool;
        calls[i].args = gen_json_count(steps[i].args) ? steps[i].args : NULL;
    }
    struct gen_turn turn = {.role = GEN_ROLE_ASSISTANT,
                            .content = GEN_STR(""),
                            .calls = calls,
                            .n_calls = n,
                            .is_masked = is_masked(t, from, n)};
    int rc = join_thoughts(e, steps, n, &turn.reasoning, err);
    if (rc == GEN_OK)
        rc = gen_example_add_turn(e, &turn, err);
    for (size_t i = 0; rc == GEN_OK && i < n && steps[i].status != GEN_CALL_PENDING; i++) {
        const struct gen_turn answer = {
            .role = GEN_ROLE_TOOL, .content = steps[i].observation, .answers = &calls[i]};
        rc = gen_example_add_turn(e, &answer, err);
    }
    return rc;
}

static size_t turn_length(const struct gen_trajectory *t, size_t from)
{
    size_t n = 1;
    while (from + n < t->n_steps && t->steps[from + n].turn == t->steps[from].turn)
        n++;
    return n;
}

/* Calls that were not executed can only stand at the end. */
static void check_turn(const struct gen_trajectory *t, size_t from, size_t n,
                       struct gen_refusal *refusal)
{
    size_t n_pending = 0;
    for (size_t i = from; i < from + n; i++)
        n_pending += t->steps[i].status == GEN_CALL_PENDING;
    if (from && t->steps[from].turn < t->steps[from - 1].turn)
        gen_refuse(refusal, "malformed_row", "step %lld is of an earlier turn than the one before",
                   (long long)t->steps[from].step);
    else if (n_pending && (n_pending < n || from + n < t->n_steps))
        gen_refuse(refusal, "not_executed",
                   "step %lld was not executed, and what follows needs its result; run 'generator "
                   "tool-execute'",
                   (long long)t->steps[from].step);
}

static int add_steps(struct gen_example *e, const struct gen_trajectory *t,
                     struct gen_refusal *refusal, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && !refusal->rule && i < t->n_steps; i++)
        rc = check_step(e, &t->steps[i], refusal, err);
    for (size_t i = 0; rc == GEN_OK && !refusal->rule && i < t->n_steps;) {
        size_t n = turn_length(t, i);
        check_turn(t, i, n, refusal);
        if (!refusal->rule)
            rc = add_turn_of_calls(e, t, i, n, err);
        i += n;
    }
    return rc;
}

static int add_text(struct gen_example *e, enum gen_turn_role role, struct gen_str text,
                    struct gen_error *err)
{
    const struct gen_turn turn = {.role = role, .content = text};
    return gen_example_add_turn(e, &turn, err);
}

static int add_clarification(struct gen_example *e, const struct gen_trajectory *t,
                             struct gen_refusal *refusal, struct gen_error *err)
{
    bool has_question = gen_str_trim(t->question_back).n > 0;
    bool has_reply = gen_str_trim(t->user_reply).n > 0;
    if (!has_question && !has_reply)
        return GEN_OK;
    if (!has_question || !has_reply) {
        gen_refuse(refusal, "malformed_row", "its clarification lacks the question or the reply");
        return GEN_OK;
    }
    int rc = add_text(e, GEN_ROLE_ASSISTANT, t->question_back, err);
    return rc ? rc : add_text(e, GEN_ROLE_USER, t->user_reply, err);
}

/* An answer that was written before anything was executed knows nothing: the call is the end. */
static int add_end(struct gen_example *e, const struct gen_trajectory *t,
                   struct gen_refusal *refusal, struct gen_error *err)
{
    if (t->n_steps && !t->is_executed)
        return GEN_OK;
    if (gen_str_trim(t->final_answer).n)
        return add_text(e, GEN_ROLE_ASSISTANT, t->final_answer, err);
    gen_refuse(refusal, "no_final_answer", "%s, and there is no \"final_answer\"",
               t->n_steps ? "its calls were executed" : "it calls nothing");
    return GEN_OK;
}

int gen_example_of_trajectory(struct gen_example *e, struct gen_refusal *refusal,
                              struct gen_error *err)
{
    struct gen_trajectory t;
    bool usable = false;
    int rc = gen_trajectory_read(&t, e->record, &e->arena, &usable, refusal->why,
                                 sizeof(refusal->why), err);
    if (rc)
        return rc;
    if (!usable) {
        refusal->rule = "malformed_row";
        return GEN_OK;
    }
    e->id = t.id;
    e->qa = (struct gen_qa_view){
        .kind = GEN_RECORD_TOOL, .question = t.instruction, .answer = t.final_answer};
    rc = gen_example_tools(e, t.tools, refusal, err);
    if (rc == GEN_OK && !refusal->rule && t.n_steps && !e->n_tools)
        gen_refuse(refusal, "no_tools",
                   "it has no \"tools\": the model would learn to call what it was not shown");
    if (rc == GEN_OK && !refusal->rule)
        rc = add_text(e, GEN_ROLE_USER, t.instruction, err);
    if (rc == GEN_OK && !refusal->rule)
        rc = add_clarification(e, &t, refusal, err);
    if (rc == GEN_OK && !refusal->rule)
        rc = add_steps(e, &t, refusal, err);
    if (rc == GEN_OK && !refusal->rule)
        rc = add_end(e, &t, refusal, err);
    return rc;
}
