/*
 * What doctor finds out: one row for each thing that a run needs. doctor_local.c looks at this
 * machine, doctor_endpoint.c at the model's; cmd_doctor.c puts it together and prints it.
 */
#ifndef GEN_CLI_DOCTOR_H
#define GEN_CLI_DOCTOR_H

#include "cli/endpoint.h"
#include "conf/prompt.h"
#include "qa/qa.h"

#define GEN_DOCTOR_ROWS_MAX 32U

enum gen_finding {
    GEN_FOUND_OK = 0,
    GEN_FOUND_NOTE,    /* a run can start, but this should be known */
    GEN_FOUND_PROBLEM, /* it cannot */
};

struct gen_doctor_row {
    const char *name; /* "ledger" */
    enum gen_finding finding;
    bool is_endpoint; /* a problem here makes the exit status 5 */
    char text[600];   /* what was found */
    char advice[400]; /* what to do; empty: nothing */
};

struct gen_doctor {
    const struct gen_app *app;
    struct gen_log log; /* errors alone: what there is to say is in the rows */
    struct gen_doctor_row rows[GEN_DOCTOR_ROWS_MAX];
    size_t n_rows;
    struct gen_buf config_dir;
    struct gen_chosen chosen;
    bool is_chosen; /* else there is nothing to ask */
    struct gen_prompt_set *prompts;
    /* The largest request that our prompts and the corpus make, in bytes and tokens. */
    int64_t bytes_in_max, tokens_out_max;
    const char *largest_step; /* NULL: not known */
    /* The server's list does not have the model: whether it answers all the same tells more than
     * the list does. */
    bool is_unlisted;
    char unlisted_advice[400];
};

/* Adds a row. `advice` may be NULL. */
void gen_doctor_say(struct gen_doctor *d, const char *name, enum gen_finding finding,
                    const char *advice, const char *format, ...) GEN_PRINTF(5, 6);
/* The same about the endpoint. */
void gen_doctor_say_endpoint(struct gen_doctor *d, const char *name, enum gen_finding finding,
                             const char *advice, const char *format, ...) GEN_PRINTF(5, 6);

/* Each looks and adds its rows. What is found wrong is no error; errors are ours (memory). */
void gen_doctor_config(struct gen_doctor *d);
void gen_doctor_provider(struct gen_doctor *d);
void gen_doctor_prompts(struct gen_doctor *d);
void gen_doctor_price(struct gen_doctor *d);
void gen_doctor_ledger(struct gen_doctor *d);
void gen_doctor_open_files(struct gen_doctor *d);
void gen_doctor_corpus(struct gen_doctor *d);
GEN_MUST_USE int gen_doctor_endpoint(struct gen_doctor *d, struct gen_error *err);
GEN_MUST_USE int gen_doctor_program(struct gen_doctor *d, struct gen_error *err);

/* A small question with a schema, through the channel that a run would use. */
GEN_MUST_USE int gen_doctor_ask(struct gen_doctor *d, bool is_streamed, struct gen_error *err);

#endif
