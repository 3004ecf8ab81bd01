/*
 * The rules of those who read training files: what TRL, Axolotl, LLaMA-Factory, Unsloth, OpenAI and
 * others refuse, drop silently, or read as something else. A consumer is a small table of
 * functions; `generator check` and every export run the same ones. To add one: a file in
 * dataset/consumer/, its row in dataset/consumer.c, its cases in test/data/consumer/; a rule's name
 * stands in dataset/consumer/rules.h.
 *
 * Rules and their sources: formats.md §1.2 to §1.9 (read in the consumers' code).
 */
#ifndef GEN_DATASET_CONSUMER_H
#define GEN_DATASET_CONSUMER_H

#include "json/json.h"

#include <stdbool.h>
#include <stdint.h>

enum gen_finding_level {
    GEN_FINDING_WARNING = 1, /* it loads, but not as one would expect, or not everywhere */
    GEN_FINDING_ERROR,       /* the row, or the file, is refused, dropped or misread */
};

struct gen_finding {
    enum gen_finding_level level;
    uint64_t row;     /* from 1; 0: the file as a whole */
    const char *rule; /* a short constant name: "null_content", "roles_alternate" */
    const char *why;  /* one clause for people: what is wrong, where in the row, what to do */
};

/* Called for each finding, which is borrowed. A status other than GEN_OK ends the check with it. */
typedef int gen_finding_fn(void *ud, const struct gen_finding *finding, struct gen_error *err);

struct gen_consumer;
extern const struct gen_consumer *const gen_consumers[];        /* ends with NULL */
const struct gen_consumer *gen_consumer_find(const char *name); /* NULL: there is none */
const char *gen_consumer_name(const struct gen_consumer *c);    /* "trl" */
const char *gen_consumer_cure(const struct gen_consumer *c); /* "export with -f chatml", or NULL */

/* A file under check: rows in order, then the end. Remembers only what rules over several rows need
 * (columns and their types, counts, sizes), whatever the number of rows. */
struct gen_file_check;
GEN_MUST_USE int gen_file_check_new(struct gen_file_check **out, const struct gen_consumer *c,
                                    gen_finding_fn *on_finding, void *ud, struct gen_error *err);
/* `text` is the row as it stands in the file, `row` the same parsed (NULL: it is no JSON object,
 * and `malformed` says why). `*n_errors` is increased by the row's errors. */
GEN_MUST_USE int gen_file_check_row(struct gen_file_check *f, uint64_t number, struct gen_str text,
                                    const struct gen_json *row, const char *malformed,
                                    uint64_t *n_errors, struct gen_error *err);
/* What only shows at the end: too few rows, columns that come and go, ... `path` (may be NULL) for
 * rules about names. */
GEN_MUST_USE int gen_file_check_end(struct gen_file_check *f, const char *path, uint64_t *n_errors,
                                    struct gen_error *err);
void gen_file_check_free(struct gen_file_check *f);

/* How the file lies on the disk. Rows do not show it; whoever reads the file gathers it while
 * reading (zeroed at first) and tells it before gen_file_check_end. Our own exports need not. */
struct gen_file_facts {
    uint64_t bytes, n_crlf;
    bool has_mark;   /* a UTF-8 byte order mark */
    bool is_array;   /* one JSON array, not a record a line */
    bool is_started; /* past the white space before the first character */
    char last;       /* last byte so far */
    unsigned n_mark; /* bytes of the mark so far */
};
/* `part` is the next piece of the file, of any size. */
void gen_file_facts_add(struct gen_file_facts *facts, struct gen_str part);
/* `facts` are borrowed until gen_file_check_end has returned. */
void gen_file_check_facts(struct gen_file_check *f, const struct gen_file_facts *facts);

/* What came out. Strings are constants or live as long as `f`. */
struct gen_file_verdict {
    uint64_t n_rows, n_good; /* good: no error in the row itself */
    uint64_t n_errors, n_warnings;
    uint64_t n_file_errors;   /* of those, errors of the file as a whole */
    uint64_t stops_at;        /* the row at which its loader gives up on the whole file; 0: none */
    const char *form;         /* what the consumer takes the rows for: "messages"; NULL: nothing */
    const char *first_reason; /* the first error, "row 7: null_content: ..."; NULL: none */
};
void gen_file_check_verdict(const struct gen_file_check *f, struct gen_file_verdict *out);

/* The names of all rules, for tests and tables; ends with NULL. */
const char *const *gen_check_rule_names(void);

#endif
