/* Shared by the tests of the question-answer steps: the real engine with the built-in prompts and a
 * ledger in a temporary folder. The model is played by the test. */
#ifndef QA_WORLD_H
#define QA_WORLD_H

#include "engine/engine.h"
#include "qa/common.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { WORLD_STEPS_MAX = 3, WORLD_ANSWERS_MAX = 16, WORLD_ITEMS_MAX = 1100 };

struct world;
/* Writes the model's answer to a request. */
typedef void script_fn(struct world *w, const struct gen_llm_request *r, struct gen_buf *answer);

struct world {
    char folder[256];
    unsigned n_runs;
    struct gen_prompt_set *prompts;
    struct gen_step_common common;
    struct gen_step steps[WORLD_STEPS_MAX];
    size_t n_steps;

    /* Either chunks alone, or records with the chunks they come from (NULL: not known). */
    struct gen_chunk *chunks[WORLD_ITEMS_MAX];
    size_t n_chunks;
    char *records[WORLD_ITEMS_MAX];
    struct gen_chunk *record_chunks[WORLD_ITEMS_MAX]; /* borrowed */
    size_t n_records;
    struct gen_qa_generate *generate; /* further rounds are asked of it, as the program does */

    /* The answers in the order of the calls (the last one for all later calls), or a script. */
    const char *answers[WORLD_ANSWERS_MAX];
    size_t n_answers;
    const char *reasoning; /* the model's own, beside every answer; NULL: none */
    script_fn *script;
    void *script_ud;

    /* Of the last run. */
    size_t n_calls;
    char *systems[WORLD_ITEMS_MAX]; /* of the first calls */
    char *users[WORLD_ITEMS_MAX];
    int64_t tokens_out_max[WORLD_ITEMS_MAX];
    struct gen_buf out, failures; /* lines */
    size_t n_out;
    size_t next;
    unsigned round;
    struct gen_stage_account accounts[WORLD_STEPS_MAX];
};

int world_set_up(void **state);
int world_tear_down(void **state);

/* Borrowed from the world. */
struct gen_chunk *world_add_chunk(struct world *w, enum gen_chunk_kind kind, const char *source,
                                  struct gen_str content);
void world_add_record(struct world *w, struct gen_chunk *chunk, const char *record);
void world_answer(struct world *w, const char *json);
/* Forgets chunks, records and answers. */
void world_clear(struct world *w);

/* Makes the world's only step. The caller frees what it returns. */
struct gen_qa_generate *world_generate(struct world *w, const struct gen_qa_generate_options *o);
struct gen_qa_enrich *world_enrich(struct world *w, const struct gen_qa_enrich_options *o);
struct gen_qa_enhance *world_enhance(struct world *w, const struct gen_qa_enhance_options *o);
struct gen_qa_rate *world_rate(struct world *w, const struct gen_qa_rate_options *o);

/* Runs to the end on a new ledger; every input of every stage must end exactly once. */
void world_run(struct world *w);

/* Output `i` as a document of the caller's. */
struct gen_json_doc *world_out(const struct world *w, size_t i);
bool world_out_has(const struct world *w, const char *text);
#define assert_counted(counts, name, n) assert_int_equal(gen_counts_get(&(counts), name), n)

/* A file of test/data/qa; the caller's. */
struct gen_buf world_data(const char *name);
/* The i-th (from 0) line of a prompt's stable part that is a JSON object; empty: there is none. */
struct gen_str world_example(const struct world *w, const char *prompt, size_t i);
/* What stands in quotation marks behind the i-th `mark`, as one line, read as a JSON string. */
void world_quoted(const struct world *w, const char *prompt, const char *mark, size_t i,
                  struct gen_buf *out);

#endif
