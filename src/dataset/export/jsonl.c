#include "dataset/export/common.h"

/* Members that are null are left out of the metadata: to every table reader they are the same as
 * missing ones, and columns of nothing but nulls get a type of their own. */
static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
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

const struct gen_export_format gen_export_jsonl = {
    .name = "jsonl",
    .summary = "question, answer and all other fields as metadata: archives, re-import",
    .consumers = (const char *const[]){"datasets", NULL},
    .reasonings = 1U << GEN_REASONING_FIELD | 1U << GEN_REASONING_DROP,
    .reasoning = GEN_REASONING_FIELD,
    .has_own_members = true,
    .row = row,
};
