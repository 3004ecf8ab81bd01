/*
 * Where a test of the program happens: a folder of its own, a model server, and look-ups in the
 * files the program leaves. All of it is gone after the test, also when it failed.
 */
#ifndef INTEGRATION_PLACE_H
#define INTEGRATION_PLACE_H

#include "fake_process.h"
#include "run.h"
#include "json/json.h"

#define PLACE_RUNS_MAX 96
#define CHUNKS         place_example("chunks.jsonl")
#define NOTES          place_example("notes")
#define HANDBOOK       place_example("handbook.lancedb")
/* generator(&place, ...arguments): runs it, returns the run. */
#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct place {
    char dir[64];
    struct fake_process server;
    char v1[80]; /* the server's URL with "/v1" */
    struct run runs[PLACE_RUNS_MAX];
    size_t n_runs;
};

/* For cmocka: *state is a struct place. */
int place_setup(void **state);
int place_teardown(void **state);

/* The path of a file in examples/: "chunks.jsonl", "notes", "handbook.lancedb". Constants. */
const char *place_example(const char *name);

/* Starts the place's server with these arguments (NULL: none); one that runs is stopped. */
void place_serve(struct place *p, const char *const *args);
long long place_stat(const struct place *p, const char *name);
/* POST /fake/script or /fake/reset. */
void place_script(const struct place *p, const char *path, const char *json);

/* Runs the generator in the place's folder. The run belongs to the place. */
struct run *place_run(struct place *p, const char *const *args);
struct run *place_run_env(struct place *p, const char *const *args, const char *const *env);
/* Starts it without waiting: a slot to be waited for with run_wait. */
struct run *place_start(struct place *p, const struct run_spec *spec);

/* Files. Names are relative to the place's folder; texts are the caller's to free. */
void place_write(const struct place *p, const char *name, const char *text);
void place_write_bytes(const struct place *p, const char *name, const void *data, size_t n);
char *place_read(const struct place *p, const char *name, size_t *n);
bool place_has(const struct place *p, const char *name);
void place_remove(const struct place *p, const char *name);
/* Copies a folder with all below it, four levels deep at most. */
void place_copy_tree(const struct place *p, const char *from, const char *name);
size_t place_count_lines(const struct place *p, const char *name);
/* True when the bytes occur anywhere in a file of the folder (not below); `name` gets which. */
bool place_any_file_has(const struct place *p, const char *text, char *name, size_t size);
bool place_same(const struct place *p, const char *a, const char *b);

/* JSON. The document is the caller's (gen_json_doc_free). */
struct gen_json_doc *place_json(const struct place *p, const char *name);
/* The rows of a .json array or .jsonl file; each checked to be an object. */
size_t place_rows(const struct place *p, const char *name);

/* <stem>_summary.json, checked: every stage's inputs add up. */
struct gen_json_doc *place_summary(const struct place *p, const char *stem);
/* A number of one stage: "in", "out", "failed.malformed", "notes.asked_again"; 0 when absent. */
int64_t summary_count(const struct gen_json_doc *summary, const char *stage, const char *path);
/* The sum of an object of counts: "failed". */
int64_t summary_sum(const struct gen_json_doc *summary, const char *stage, const char *name);
/* A number of all stages. */
int64_t summary_total(const struct gen_json_doc *summary, const char *path);
struct gen_str summary_text(const struct gen_json_doc *summary, const char *name);

#endif
