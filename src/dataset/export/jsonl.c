#include "dataset/export/common.h"

/* Members that are null are left out of the metadata: to every table reader they are the same as
 * missing ones, and columns of nothing but nulls get a type of their own. */
static void pair_row(const struct gen_example *e, const struct gen_export_dress *dress,
                     struct gen_jt *t)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    bool is_cot = e->kind == GEN_RECORD_COT;
    gen_jt_str(t, "question", e->qa.question);
    if (e->qa.reasoning.n && dress->reasoning == GEN_REASONING_FIELD)
        gen_jt_str(t, "reasoning", e->qa.reasoning);
    gen_jt_str(t, "answer", e->qa.answer);
    gen_jt_object(t, "metadata");
    gen_json_iter_init(&it, e->record);
    while (gen_json_iter_next(&it, &key, &value)) {
        if (gen_json_type(value) == GEN_JSON_NULL || gen_str_is(key, "question") ||
            gen_str_is(key, "answer") || (is_cot && gen_str_is(key, "reasoning")))
            continue;
        gen_jt_value(t, key, value, true);
    }
    gen_jt_end_object(t);
}

/* A tool record is a row as it is: nulls inside of it may be arguments, and stay. */
static void tool_row(const struct gen_example *e, struct gen_jt *t)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, e->record);
    while (gen_json_iter_next(&it, &key, &value)) {
        if (gen_json_type(value) != GEN_JSON_NULL)
            gen_jt_value(t, key, value, false);
    }
}

static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
{
    if (e->kind == GEN_RECORD_TOOL)
        tool_row(e, t);
    else
        pair_row(e, dress, t);
}

static void fits(const struct gen_example *e, struct gen_refusal *refusal)
{
    if (e->kind == GEN_RECORD_CONVERSATION && (e->n_calls || e->n_tools))
        gen_refuse(refusal, "tools_not_supported",
                   "jsonl makes questions and answers of conversations, and this one calls tools; "
                   "export with -f chatml");
}

const struct gen_export_format gen_export_jsonl = {
    .name = "jsonl",
    .summary = "question, answer and all other fields as metadata, or the whole tool record: "
               "archives, re-import",
    .consumers = (const char *const[]){"datasets", NULL},
    .reasonings = 1U << GEN_REASONING_FIELD | 1U << GEN_REASONING_DROP,
    .reasoning = GEN_REASONING_FIELD,
    .has_own_members = true,
    .fits = fits,
    .row = row,
};
