/*
 * Export formats: one row of training data from one record. A format is a small table of functions;
 * the list is handed down from main. To add one: a file in dataset/export/, its row in main.c, its
 * cases in test/data/export/.
 */
#ifndef GEN_DATASET_EXPORT_H
#define GEN_DATASET_EXPORT_H

#include "dataset/record.h"

/* No row has a null, every content is a string, and there are no columns but the format's. The
 * chain of thought of CoT records goes to `reasoning_content` (chatml), in front of the answer in
 * think tags (alpaca, sharegpt), or to `reasoning` (jsonl). Conversations keep all their turns
 * where the format can hold them, and are refused where it cannot. */

#define GEN_DEFAULT_SYSTEM_PROMPT "You are a helpful assistant that provides accurate information."

struct gen_export_options {
    /* NULL: a conversation's own one, else GEN_DEFAULT_SYSTEM_PROMPT; "": none. For chatml and
     * sharegpt. */
    const char *system_prompt;
};

struct gen_export_format {
    const char *name;
    const char *summary; /* one line: the row's shape and who reads it */
    /* Puts the row's members into `row`, an empty object. False with `why` (at least 160 bytes)
     * when this record cannot be written in this format. */
    bool (*row)(const struct gen_json *record, const struct gen_qa_view *qa,
                const struct gen_export_options *options, struct gen_jb *b, struct gen_jmut *row,
                char *why, size_t why_bytes);
};

extern const struct gen_export_format
    gen_export_chatml; /* {"messages":[system, user, assistant]} */
extern const struct gen_export_format gen_export_alpaca; /* {"instruction","input":"","output"} */
extern const struct gen_export_format
    gen_export_sharegpt; /* {"conversations":[{"from":"human"|"gpt","value"}], "system"} */
extern const struct gen_export_format
    gen_export_jsonl; /* {"question","answer","metadata":{rest}} */

/* NULL when there is none of that name in the NULL-terminated list. */
const struct gen_export_format *gen_export_find(const struct gen_export_format *const *list,
                                                const char *name);

/* Appends the JSON text of the row for one record's text. `why` (at least 160 bytes) is empty when
 * it was written, else says why this record cannot be: no answer, no JSON, ... */
GEN_MUST_USE int gen_export_row(const struct gen_export_format *format, struct gen_str record,
                                const struct gen_export_options *options, struct gen_buf *out,
                                char *why, size_t why_bytes, struct gen_error *err);

#endif
