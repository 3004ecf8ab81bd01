/*
 * What the user sees: on a terminal one live block, redrawn in place at most ten times a second;
 * plain lines when piped; and the closing account. All of it goes to standard error: standard
 * output is for data. Numbers come in as plain values; nothing here knows the engine.
 *
 * Invariants: a frame is one write; no line of the block wraps, whatever the width; the cursor
 * stands below the block and is never hidden, so that a killed program leaves a sane terminal;
 * control characters in any text show as '?'. Colours yield to NO_COLOR, block characters to a
 * locale that is not UTF-8. In the background (Ctrl-Z, bg) nothing is drawn, and a terminal that
 * is stopped (Ctrl-S) is not waited for.
 *
 * Loop thread only. What cannot be written to standard error is lost silently: there is no place
 * left to say so.
 */
#ifndef GEN_UI_UI_H
#define GEN_UI_UI_H

#include "base/counts.h"
#include "base/log.h"

#include <stdbool.h>

enum gen_ui_mode {
    GEN_UI_AUTO = 0, /* live on a terminal, plain lines else */
    GEN_UI_PLAIN,    /* a line every few seconds, and when a stage ends */
    GEN_UI_NONE,     /* nothing but warnings, errors and the account */
    GEN_UI_QUIET,    /* errors alone */
};

struct gen_ui_stage {
    const char *name;     /* "generate" */
    const char *unit_in;  /* "chunks" */
    const char *unit_out; /* "pairs" */
    int64_t n_expected;   /* inputs; -1: not known */
    int64_t n_done;       /* inputs settled */
    int64_t n_out;
    int64_t n_failed, n_filtered, n_skipped;
    int64_t n_waiting; /* in flight or waiting for their order */
    bool is_done;
};

struct gen_ui_view {
    const char *command; /* "pipeline" */
    const char *title;   /* "ollama qwen3:8b at http://localhost:11434" */
    const struct gen_ui_stage *stages;
    size_t n_stages;
    size_t n_in_flight, window;
    int64_t n_answers; /* from the server, since the start */
    int64_t n_cached;  /* from the ledger */
    int64_t tokens_in, tokens_out;
    int64_t cost_microusd;   /* -1: not known */
    bool is_free;            /* local provider: no cost line */
    bool is_batch;           /* what is in flight lies in batches: answers come all at once */
    uint64_t waiting_ms;     /* nothing is sent for so long; 0: not paused */
    const char *waiting_why; /* "the server asked for it"; a constant; NULL: not said */
    const char *stopping; /* "waiting for 12 answers; Ctrl-C again abandons them"; NULL: running */
    const struct gen_counts *trouble; /* attempts that failed, by class */
    uint64_t now_ms;                  /* monotonic */
};

struct gen_ui;

/*
 * Writes to the descriptor `fd` (2), which is borrowed. Whether it is a terminal and how large is
 * found out here. `now_ms`: when the run began, on the clock of gen_ui_view.now_ms. GEN_ENOMEM.
 */
GEN_MUST_USE int gen_ui_new(struct gen_ui **out, enum gen_ui_mode mode, int fd, uint64_t now_ms,
                            struct gen_error *err);
/* Removes the live block and restores the terminal. NULL is fine. */
void gen_ui_free(struct gen_ui *ui);

/*
 * Shows the state. Called as often as one likes; draws at most ten times a second (live), every 5 s
 * and when a stage ends (plain; the first line is the title). `force`: now. The view is copied; of
 * its stages the first 16. Rates and the time left are smoothed over the recent calls; what came
 * from the ledger does not count into them.
 */
void gen_ui_update(struct gen_ui *ui, const struct gen_ui_view *view, bool force);

/* A log sink that writes above the live block (base/log.h); `ud` is a struct gen_ui. Passes every
 * line in every mode: what is to be seen with GEN_UI_NONE or GEN_UI_QUIET is gen_log.level's
 * matter. */
void gen_ui_log_write(void *ud, const char *line, size_t n);

/* Ends the display: leaves the last state of the block standing, also when it was not drawn yet.
 * Later updates are ignored, log lines and the account come below. */
void gen_ui_finish(struct gen_ui *ui);

/* The closing account. */
struct gen_ui_account_stage {
    const char *name, *unit_in, *unit_out;
    int64_t n_in, n_produced, n_out;
    const struct gen_counts *filtered, *failed, *skipped; /* inputs */
    const struct gen_counts *out_filtered;                /* proposed outputs that a rule removed */
    const struct gen_counts *notes;
    int64_t n_calls, n_cached, n_sent;
    int64_t n_actions, n_actions_cached; /* calls of tools; of those: from the ledger */
    const struct gen_counts *by_class;   /* attempts without a good answer */
};
/* A line of the account that a command adds: "mix" and "single 40 of 40, chain 30 of 30". */
struct gen_ui_detail {
    const char *label; /* "": goes on with the one before; NULL ends a list */
    const char *text;
};
struct gen_ui_account {
    const char *headline; /* "done: 412 pairs in training.jsonl" or "stopped: ..." */
    const struct gen_ui_account_stage *stages;
    size_t n_stages;
    int64_t tokens_in, tokens_out, tokens_cached;
    int64_t cost_microusd; /* -1: unknown */
    bool is_free;
    bool asks_no_model; /* the command can cost nothing: no cost line */
    bool tokens_partly_unknown;
    double seconds;
    const struct gen_ui_detail *details; /* below the stages; may be NULL */
    const char *const *files;            /* "training.jsonl (412 rows)", NULL-terminated */
    const char *const *advice; /* what to do about failures, NULL-terminated; may be NULL */
    const char *const *next;   /* what to run next, NULL-terminated */
};
/*
 * Ends the display and writes the account; nothing with GEN_UI_QUIET. Every input of every stage
 * ends as produced, filtered (by rule), failed (by class) or skipped; the sums are shown, and where
 * they do not add up to `n_in` the account says so as a bug of ours. Counts may be NULL.
 */
void gen_ui_show_account(struct gen_ui *ui, const struct gen_ui_account *account);

/* Formats for people: "1,234,567"; "42ms", "4.2s", "3m 12s", "1h 02m"; "$1.23", "$0.0123",
 * "unknown" below 0. `out` holds at least 32 bytes. */
void gen_ui_number(char *out, int64_t n);
void gen_ui_duration(char *out, double seconds);
void gen_ui_money(char *out, int64_t microusd);

#endif
