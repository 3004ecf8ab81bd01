/*
 * A run of model calls from the command line's side: provider, ledger, loop, display, side files,
 * account. The commands put steps, a source and a sink into it.
 */
#ifndef GEN_CLI_SESSION_H
#define GEN_CLI_SESSION_H

#include "cli/endpoint.h"
#include "engine/engine.h"
#include "qa/qa.h"
#include "ui/ui.h"

#define GEN_STEPS_MAX 6

struct gen_session {
    const struct gen_app *app;
    const struct gen_settings *settings;
    const char *command;
    const char *output;
    struct gen_str stem; /* of the output's path; for "-": the command's name */
    struct gen_chosen chosen;
    const struct gen_provider *provider; /* of `chosen`; likewise the model */
    const char *model;
    struct gen_channel channel;
    struct gen_price price;
    int64_t slots; /* requests that the server works on at the same time, as it says; 0: unknown */
    struct gen_prompt_set *prompts;
    struct gen_step_common common;
    struct gen_ledger *ledger;
    struct gen_buf ledger_path;
    struct gen_ledger *input_ledger; /* of the file being enriched or curated; NULL */
    int64_t run_id;
    int64_t fresh_from; /* the first run whose answers a fresh one takes; 0: run_id */
    struct gen_loop *loop;
    struct gen_http *http;
    struct gen_ui *ui;
    struct gen_log log;
    struct gen_engine *engine;
    struct gen_step steps[GEN_STEPS_MAX];
    size_t n_steps;
    int64_t n_expected;              /* inputs of the first step; -1 */
    struct gen_corpus_counts corpus; /* of the first pass over it; zero without one */
    int64_t n_missing;               /* pairs that --target-pairs still wants at the end */
    struct gen_stage_account
        *extra; /* a last stage without model calls (export), for display and account; NULL */
    /* What a command adds to its account: lines below the stages, ended by a NULL label, and
     * members of the summary. Both NULL: nothing. */
    const struct gen_ui_detail *details;
    void (*put_summary)(void *ud, struct gen_jb *b, struct gen_jmut *summary);
    void *put_summary_ud;
    struct gen_record_writer *failures;
    struct gen_buf failures_path;
    uint64_t start_us;
    enum gen_end end;
};

/* Finds and opens all that the settings name but the ledger. On failure everything is closed again.
 */
GEN_MUST_USE int gen_session_open(struct gen_session *s, const struct gen_app *app,
                                  const char *command, struct gen_error *err);
/* Opens the ledger (none with --dry-run). Called when the input is known to be there, so that a
 * mistyped path leaves no file behind. */
GEN_MUST_USE int gen_session_open_ledger(struct gen_session *s, struct gen_error *err);
void gen_session_close(struct gen_session *s);

/* Whether answers come in batches, hours later (--batch, --batch-file). */
bool gen_session_is_batch(const struct gen_session *s);

/* Ceiling of requests in flight: --workers, else the provider's. */
size_t gen_session_window_max(const struct gen_session *s);

/* Runs the steps. `sink_item` gets the finished records in input order. GEN_OK with s->end for
 * every orderly ending. */
typedef int gen_sink_fn(void *ud, const struct gen_item *item, struct gen_error *err);
GEN_MUST_USE int gen_session_run(struct gen_session *s, const struct gen_source *source,
                                 gen_sink_fn *sink_item, void *sink_ud, struct gen_error *err);

/* True when the output may get its final name: the run ended by itself or by its budget. */
bool gen_session_is_complete(const struct gen_session *s);

/* The files that a run wrote, for the summary and for people. */
struct gen_file_list {
    size_t n;
    struct {
        struct gen_buf path;
        int64_t n_rows; /* -1: not a file of rows */
    } rows[8];
};
/* Beyond the eighth they are not listed. */
GEN_MUST_USE int gen_file_list_add(struct gen_file_list *l, const char *path, int64_t n_rows,
                                   struct gen_error *err);
/* Appends "path (n rows)". */
GEN_MUST_USE int gen_file_list_text(const struct gen_file_list *l, size_t i, struct gen_buf *out,
                                    struct gen_error *err);
void gen_file_list_release(struct gen_file_list *l);

/* Gives the main output its name and lists it, when the run is complete; else leaves what was
 * there. */
GEN_MUST_USE int gen_session_commit(const struct gen_session *s, struct gen_record_writer *writer,
                                    struct gen_file_list *files, struct gen_error *err);

/* What to run on the output: "generator <command> OUTPUT -o <stem><suffix>" in `out`, or NULL when
 * there is no output to go on with. */
const char *gen_session_next(const struct gen_session *s, const char *command, const char *suffix,
                             char *out, size_t n);

/* The account of one stage as the display wants it. Borrows from `a`. */
struct gen_ui_account_stage gen_account_stage(const struct gen_stage_account *a);

/* Adds the failures to `files`, writes <stem>_summary.json, <stem>_failures.jsonl and the run's end
 * in the ledger, shows the account, and sets the exit status. `next` ends with NULL. */
GEN_MUST_USE int gen_session_finish(struct gen_session *s, const char *headline,
                                    struct gen_file_list *files, const char *const *next,
                                    int *status, struct gen_error *err);

/* What a run says at its end that waits for an offline engine, with what to run next; and one that
 * was interrupted. */
void gen_session_waiting_line(const struct gen_session *s, char *out, size_t n);
void gen_session_interrupted_line(const struct gen_session *s, char *out, size_t n);

/* "<stem><suffix>" in a buffer. */
GEN_MUST_USE int gen_session_path(const struct gen_session *s, const char *suffix,
                                  struct gen_buf *out, struct gen_error *err);

/* --dry-run: says what would be sent, sends nothing. */
GEN_MUST_USE int gen_session_dry_run(struct gen_session *s, const struct gen_source *source,
                                     struct gen_error *err);

#endif
