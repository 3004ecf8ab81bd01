/* Shared by the tests of the question-answer steps: chunks and records on top of step_world.h. */
#ifndef QA_WORLD_H
#define QA_WORLD_H

#include "qa/common.h"
#include "step_world.h"

enum { WORLD_CHUNKS_MAX = 1100 };

struct world {
    struct step_world run; /* first: it is asked for the world around it */
    struct gen_step steps[STEP_STAGES_MAX];
    size_t n_steps;

    /* The inputs are the chunks, or, as soon as there is one, records (whose chunk may be NULL). */
    struct gen_chunk *chunks[WORLD_CHUNKS_MAX];
    size_t n_chunks, n_records;
    struct gen_qa_generate *generate; /* further rounds are asked of it, as the program does */
};

int world_set_up(void **state);
int world_tear_down(void **state);

/* Borrowed from the world. */
struct gen_chunk *world_add_chunk(struct world *w, enum gen_chunk_kind kind, const char *source,
                                  struct gen_str content);
void world_add_record(struct world *w, struct gen_chunk *chunk, const char *record);
/* Forgets chunks, records and answers. */
void world_clear(struct world *w);

/* Makes the world's only step. The caller frees what it returns. */
struct gen_qa_generate *world_generate(struct world *w, const struct gen_qa_generate_options *o);
struct gen_qa_enrich *world_enrich(struct world *w, const struct gen_qa_enrich_options *o);
struct gen_qa_enhance *world_enhance(struct world *w, const struct gen_qa_enhance_options *o);
struct gen_qa_rate *world_rate(struct world *w, const struct gen_qa_rate_options *o);

/* Runs to the end on a new ledger; every input of every stage must end exactly once. */
void world_run(struct world *w);

#define assert_counted(counts, name, n) assert_int_equal(gen_counts_get(&(counts), name), n)

/* A file of test/data/qa; the caller's. */
struct gen_buf world_data(const char *name);
/* The i-th (from 0) line of a prompt's stable part that is a JSON object; empty: there is none. */
struct gen_str world_example(const struct world *w, const char *prompt, size_t i);
/* What stands in quotation marks behind the i-th `mark`, as one line, read as a JSON string. */
void world_quoted(const struct world *w, const char *prompt, const char *mark, size_t i,
                  struct gen_buf *out);

#endif
