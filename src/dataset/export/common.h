/* Private to dataset/export/: what formats share. */
#ifndef GEN_DATASET_EXPORT_COMMON_H
#define GEN_DATASET_EXPORT_COMMON_H

#include "dataset/export.h"
#include "dataset/turns.h"

/* The system text to write; empty when none is wanted. A conversation's own one wins over the
 * default, but not over one that the user named. */
struct gen_str gen_export_system(const struct gen_json *record,
                                 const struct gen_export_options *options);

/* The content with the chain of thought in front, as LLaMA-Factory and most templates spell it:
 * "<think>\n...\n</think>\n\n...". NULL without memory, and then the row must not be written. */
struct gen_jmut *gen_export_with_thoughts(struct gen_jb *b, struct gen_str reasoning,
                                          struct gen_str content);

/* Calls `put` for the user and assistant turns: those of a conversation, or the question and the
 * answer. False with `why` when a turn cannot be read or users and assistants do not alternate. */
struct gen_export_sink {
    bool (*put)(struct gen_jb *b, struct gen_jmut *list, const struct gen_turn_text *turn);
    struct gen_jb *b;
    struct gen_jmut *list;
};
bool gen_export_turns(const struct gen_json *record, const struct gen_qa_view *qa,
                      const struct gen_export_sink *sink, char *why, size_t why_bytes);

#endif
