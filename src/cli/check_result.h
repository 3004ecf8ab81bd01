/*
 * What `generator check` found, file by file and consumer by consumer: the first findings of each
 * rule as they were said, of the others the number; and their print as text, table or JSON.
 */
#ifndef GEN_CLI_CHECK_RESULT_H
#define GEN_CLI_CHECK_RESULT_H

#include "base/buf.h"
#include "dataset/consumer.h"

#define GEN_CHECK_SHOWN_MAX 10
#define GEN_CHECK_RULES_MAX 160 /* beyond it they are counted in the verdict alone */

struct gen_check_rule_count {
    const char *rule;
    enum gen_finding_level level;
    uint64_t n;
    struct {
        uint64_t row;
        char *why;
    } first[GEN_CHECK_SHOWN_MAX];
};

/* One consumer's view of one file. */
struct gen_check_result {
    const struct gen_consumer *consumer;
    struct gen_file_check *check;
    struct gen_check_rule_count *rules; /* GEN_CHECK_RULES_MAX of them */
    size_t n_rules;
};

GEN_MUST_USE int gen_check_result_init(struct gen_check_result *r, const struct gen_consumer *c,
                                       struct gen_error *err);
void gen_check_result_release(struct gen_check_result *r);

/* Appends "file:row: rule: why" lines, the counts and the verdict. `quiet`: the verdict, and that
 * only when there are errors. */
GEN_MUST_USE int gen_check_text(const struct gen_check_result *r, const char *file, bool quiet,
                                struct gen_buf *out, struct gen_error *err);
/* It takes some of the rows; where not, the file is of another form. */
bool gen_check_reads(const struct gen_check_result *r);
/* Appends a line for each consumer. */
GEN_MUST_USE int gen_check_table(const struct gen_check_result *list, size_t n, const char *file,
                                 struct gen_buf *out, struct gen_error *err);
/* "trl: 4,998 of 5,000 rows load as messages; 2 errors" */
GEN_MUST_USE int gen_check_verdict(const struct gen_check_result *r, struct gen_buf *out,
                                   struct gen_error *err);
struct gen_jb;
struct gen_jmut;
/* The object of one file for --json. */
struct gen_jmut *gen_check_json(struct gen_jb *b, const struct gen_check_result *list, size_t n,
                                const char *file);

#endif
