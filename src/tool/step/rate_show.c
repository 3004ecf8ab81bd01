/* What of a tool record the judge is shown. */
#include "tool/step/rate_int.h"

#include <inttypes.h>

/* Takes the text out of the buffer, made harmless. */
static struct gen_str keep(struct gen_arena *arena, struct gen_buf *b, int rc, const char *if_empty)
{
    struct gen_str text = b->n ? gen_str_trim(gen_buf_str(b)) : gen_str_from(if_empty);
    struct gen_str out = {NULL, 0};
    if (rc == GEN_OK && text.n)
        out = gen_arena_str(arena, text);
    gen_buf_release(b);
    return out.p ? gen_step_defuse(arena, out) : out;
}

struct gen_str gen_rate_show_tools(struct gen_arena *arena, const struct gen_trajectory *t)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    int rc = GEN_OK;
    if (t->documentation.n && !t->tools)
        rc = gen_buf_add_str(&out, t->documentation, NULL);
    gen_json_iter_init(&it, t->tools);
    while (t->tools && rc == GEN_OK && gen_json_iter_next(&it, &key, &v)) {
        const struct gen_json *function = gen_json_get(v, "function");
        rc = gen_json_write(&out, function ? function : v, GEN_JSON_COMPACT, NULL);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(&out, '\n', NULL);
    }
    return keep(arena, &out, rc, "(not known)");
}

struct gen_str gen_rate_show_request(struct gen_arena *arena, const struct gen_trajectory *t)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_str context = gen_json_get_str(t->blueprint, "context");
    int rc = gen_buf_add_str(&out, t->instruction, NULL);
    if (rc == GEN_OK && context.n)
        rc = gen_buf_printf(&out, NULL, "\nBefore it: %.*s", GEN_STR_ARG(context));
    if (rc == GEN_OK && t->question_back.n)
        rc = gen_buf_printf(&out, NULL, "\nThe assistant asked: %.*s\nThe person replied: %.*s",
                            GEN_STR_ARG(t->question_back), GEN_STR_ARG(t->user_reply));
    return keep(arena, &out, rc, "(empty)");
}

struct gen_str gen_rate_show_calls(struct gen_arena *arena, const struct gen_trajectory *t)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; i < t->n_steps && rc == GEN_OK; i++) {
        const struct gen_tool_step *s = &t->steps[i];
        rc = gen_buf_printf(&out, NULL, "Step %zu (turn %" PRId64 "): %.*s ", i + 1, s->turn,
                            GEN_STR_ARG(s->tool));
        if (rc == GEN_OK && s->args)
            rc = gen_json_write(&out, s->args, GEN_JSON_COMPACT, NULL);
        if (rc == GEN_OK)
            rc = gen_buf_printf(&out, NULL, "\n  thought: %.*s\n",
                                GEN_STR_ARG(s->thought.n ? s->thought : GEN_STR("(none)")));
        if (rc == GEN_OK && s->is_mutation)
            rc =
                gen_buf_add_c(&out, "  (a failure on purpose: judge the recovery from it)\n", NULL);
    }
    return keep(arena, &out, rc, "(no call was made)");
}

struct gen_str gen_rate_show_results(struct gen_arena *arena, const struct gen_trajectory *t)
{
    static const char *const marks[] = {"not executed", "result", "error"};
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; i < t->n_steps && rc == GEN_OK; i++) {
        const struct gen_tool_step *s = &t->steps[i];
        rc = gen_buf_printf(&out, NULL, "Step %zu, %s: ", i + 1, marks[s->status]);
        if (rc == GEN_OK)
            rc = gen_observation_cap(&out, s->observation, GEN_RATE_SHOWN_BYTES, NULL, NULL);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(&out, '\n', NULL);
    }
    return keep(arena, &out, rc, "(none)");
}
