#include "dataset/export/common.h"

/* Members that are null are left out of the metadata: to every table reader they are the same as
 * missing ones, and columns of nothing but nulls get a type of their own. */
static bool row(const struct gen_json *record, const struct gen_qa_view *qa,
                const struct gen_export_options *options, struct gen_jb *b, struct gen_jmut *row,
                char *why, size_t why_bytes)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    bool is_cot = qa->kind == GEN_RECORD_COT;
    struct gen_jmut *metadata = gen_jb_object(b);
    (void)options;
    (void)why;
    (void)why_bytes;
    gen_jb_put_str(b, row, "question", qa->question);
    if (qa->reasoning.n)
        gen_jb_put_str(b, row, "reasoning", qa->reasoning);
    gen_jb_put_str(b, row, "answer", qa->answer);
    gen_json_iter_init(&it, record);
    while (gen_json_iter_next(&it, &key, &value)) {
        if (gen_json_type(value) == GEN_JSON_NULL || gen_str_is(key, "question") ||
            gen_str_is(key, "answer") || (is_cot && gen_str_is(key, "reasoning")))
            continue;
        gen_jb_put_n(b, metadata, key, gen_jb_copy(b, value));
    }
    gen_jb_put(b, row, "metadata", metadata);
    return true;
}

const struct gen_export_format gen_export_jsonl = {
    .name = "jsonl",
    .summary = "question, answer and all other fields as metadata: archives, re-import",
    .row = row,
};
