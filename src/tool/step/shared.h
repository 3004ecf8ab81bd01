/* What the stages of tool data share: faults of an answer, origins as records have them, names of
 * tools in schemas. Private to tool/step/. */
#ifndef GEN_TOOL_STEP_SHARED_H
#define GEN_TOOL_STEP_SHARED_H

#include "tool/tool.h"

#define GEN_STEP_ARENA_BYTES_MAX ((size_t)256 << 20) /* of one record while it is looked at */

/* What is wrong with an answer: the rule that counts it, a constant, when it is the last one, and
 * the words for the model, a line each. */
struct gen_faults {
    struct gen_buf text;
    const char *rule; /* of the first fault */
    size_t n;
};
#define GEN_FAULTS_TOLD_MAX 3U
#define GEN_FAULT_BYTES_MAX 1200U /* of one line; what is longer is cut */
struct gen_faults gen_faults_make(void);
void gen_faults_release(struct gen_faults *f);
GEN_MUST_USE int gen_faults_add(struct gen_faults *f, const char *rule, struct gen_error *err,
                                const char *format, ...) GEN_PRINTF(4, 5);
/* Asks again with the faults; after the last try the input is filtered by the first one's rule. */
GEN_MUST_USE int gen_faults_settle(const struct gen_faults *f, struct gen_outcome *o,
                                   struct gen_error *err);
/* Placeholders, and marks of a chat that the model was shown and copied. */
bool gen_text_has_left_overs(struct gen_str text);

/* An entry of "sources" (dataset/trajectory.h). `where`: the words, or of a result the pointer. */
struct gen_jmut *gen_source_json(struct gen_jb *b, enum gen_origin origin, struct gen_str where,
                                 int64_t step);

/* Appends ',"enum":[...]' with the names of the tools, where they are at most
 * GEN_TOOL_NAMES_MAX: longer enums are refused by services. `first` goes before them; NULL: none.
 */
#define GEN_TOOL_NAMES_MAX 200U
GEN_MUST_USE int gen_schema_add_names(const struct gen_toolset *tools, const char *first,
                                      struct gen_buf *out, struct gen_error *err);

#endif
