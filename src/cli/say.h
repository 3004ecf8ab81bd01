/* What commands say at their end, one way for all of them. */
#ifndef GEN_CLI_SAY_H
#define GEN_CLI_SAY_H

#include "cli/session.h"

/* Writes to standard output, at once. */
GEN_MUST_USE int gen_say(struct gen_str text, struct gen_error *err);
/* Appends a document as people read it, with a line end. */
GEN_MUST_USE int gen_say_json(struct gen_jb *b, const struct gen_jmut *root, struct gen_buf *out,
                              struct gen_error *err);
/* The same into a file ("-": standard output). */
GEN_MUST_USE int gen_say_json_file(struct gen_jb *b, const struct gen_jmut *root, const char *path,
                                   struct gen_error *err);

/* How sentences name an output: "-" is "standard output". */
const char *gen_say_place(const char *output);
/* What to run on an output: "generator <command> OUTPUT -o <stem><suffix>" in `out`; NULL when the
 * output is a stream, or its name cannot be typed as it is. */
const char *gen_say_next(const char *output, const char *command, const char *suffix, char *out,
                         size_t n);

/* The end of a command that ran without a model. */
struct gen_plain_end {
    const char *headline;
    const struct gen_stage_account *stage; /* NULL: it has no rows to account for */
    const struct gen_file_list *files;
    const char *const *advice; /* ends with NULL; may be NULL */
    const char *next;          /* what to run next; NULL: nothing */
    uint64_t start_us;         /* gen_loop_now_us() at its beginning */
};
/* The account on standard error; with --log-json the headline and the advice as messages; with
 * --quiet nothing. */
GEN_MUST_USE int gen_say_end(const struct gen_app *app, const struct gen_plain_end *end,
                             struct gen_error *err);

#endif
