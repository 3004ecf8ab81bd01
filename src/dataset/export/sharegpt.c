/* ShareGPT's form as LLaMA-Factory reads it (data/converter.py, formats.md §1.4): odd turns are
 * human or observation, even ones gpt or function_call. So calls that were made at once are one
 * function_call with a list, and what they gave is one observation with a list. */
#include "dataset/export/common.h"

/* {"name","arguments"}, or a list of them; only the thought may stand in front. */
static void put_calls(const struct gen_export_dress *dress, const struct gen_turn *turn,
                      struct gen_jt *t)
{
    struct gen_buf json = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jt inner = gen_jt_make(&json, t->err);
    if (turn->n_calls > 1)
        gen_jt_array(&inner, NULL);
    for (size_t i = 0; i < turn->n_calls; i++)
        gen_export_bare_call(&turn->calls[i], &inner);
    if (turn->n_calls > 1)
        gen_jt_end_array(&inner);
    if (t->rc == GEN_OK)
        t->rc = inner.rc;
    gen_jt_text_begin(t, "value");
    if (turn->reasoning.n && dress->reasoning == GEN_REASONING_INLINE) {
        gen_jt_text(t, GEN_STR("<think>\n"));
        gen_jt_text(t, turn->reasoning);
        gen_jt_text(t, GEN_STR("\n</think>\n\n"));
    }
    gen_jt_text(t, gen_buf_str(&json));
    gen_jt_text_end(t);
    gen_buf_release(&json);
}

static void put_answers(const struct gen_turn *turns, size_t n, struct gen_jt *t)
{
    if (n == 1) {
        gen_jt_str(t, "value", turns[0].content);
        return;
    }
    struct gen_buf json = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jt inner = gen_jt_make(&json, t->err);
    gen_jt_array(&inner, NULL);
    for (size_t i = 0; i < n; i++)
        gen_jt_str(&inner, NULL, turns[i].content);
    gen_jt_end_array(&inner);
    gen_export_embed(t, "value", &inner, &json);
}

/* Writes what begins with turn `i`; gives the turns in it. */
static size_t put_turn(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                       struct gen_jt *t)
{
    const struct gen_turn *turn = &e->turns[i];
    size_t n = 1;
    while (turn->role == GEN_ROLE_TOOL && i + n < e->n_turns &&
           e->turns[i + n].role == GEN_ROLE_TOOL)
        n++;
    gen_jt_object(t, NULL);
    if (turn->n_calls) {
        gen_jt_str(t, "from", GEN_STR("function_call"));
        put_calls(dress, turn, t);
    } else if (turn->role == GEN_ROLE_TOOL) {
        gen_jt_str(t, "from", GEN_STR("observation"));
        put_answers(turn, n, t);
    } else {
        gen_jt_str(t, "from", turn->role == GEN_ROLE_USER ? GEN_STR("human") : GEN_STR("gpt"));
        gen_export_content(e, dress, i, "value", t);
    }
    gen_jt_end_object(t);
    return n;
}

static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
{
    gen_jt_array(t, "conversations");
    for (size_t i = 0; i < e->n_turns;)
        i += put_turn(e, dress, i, t);
    gen_jt_end_array(t);
    if (dress->system.n)
        gen_jt_str(t, "system", dress->system);
    gen_export_tools_text(e, GEN_SCHEMA_STRING_ENUMS, t);
}

/* A function_call is nothing but JSON. */
static void fits(const struct gen_example *e, struct gen_refusal *refusal)
{
    for (size_t i = 0; i < e->n_turns; i++) {
        if (e->turns[i].n_calls && gen_str_trim(e->turns[i].content).n) {
            gen_refuse(refusal, "text_beside_call",
                       "turn %zu says something beside its calls, for which a function_call has no "
                       "place; export with -f chatml",
                       i + 1);
            return;
        }
    }
}

const struct gen_export_format gen_export_sharegpt = {
    .name = "sharegpt",
    .summary = "conversations of human, gpt, function_call and observation: LLaMA-Factory",
    .consumers = (const char *const[]){"llamafactory", NULL},
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_INLINE,
    .llamafactory = GEN_LLAMAFACTORY_SHAREGPT,
    .has_system = true,
    .fits = fits,
    .row = row,
};

const struct gen_export_format gen_export_llamafactory = {
    .name = "llamafactory",
    .summary = "sharegpt with its dataset_info.json: LLaMA-Factory",
    .consumers = (const char *const[]){"llamafactory", NULL},
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_INLINE,
    .llamafactory = GEN_LLAMAFACTORY_SHAREGPT,
    .has_system = true,
    .has_dataset_info = true,
    .fits = fits,
    .row = row,
};
