/* Inside of ui/: text under construction, the copied view, rates. Included by ui/ and its tests. */
#ifndef GEN_UI_UI_INT_H
#define GEN_UI_UI_INT_H

#include "base/buf.h"
#include "ui/ui.h"

#include <time.h>

#define GEN_UI_STAGES_MAX 16
#define GEN_UI_LINES_MAX  96 /* a block of one column, with all stages and all kinds of trouble */
#define GEN_UI_WORD_BYTES 32

enum gen_ui_color {
    GEN_UI_NORMAL = 0,
    GEN_UI_BOLD,
    GEN_UI_DIM,
    GEN_UI_RED,
    GEN_UI_GREEN,
    GEN_UI_YELLOW,
    GEN_UI_LOUD, /* bold red */
};

/*
 * Lines under construction. Invariant: what is added shows as exactly the columns that are counted:
 * control characters become '?', and so does everything but ASCII when the terminal does not take
 * UTF-8. Running out of memory sticks in `failed`; the text then ends early.
 */
struct gen_ui_text {
    struct gen_buf buf;
    bool failed;
    bool utf8, color;
    bool erases;    /* each line ends by erasing what an older line left behind it */
    size_t clip_at; /* columns of a line; what does not fit is cut. SIZE_MAX: no limit */
    size_t wrap_at; /* columns after which a flow goes on in the next line */
    size_t width;   /* of the line under construction */
    size_t n_lines;
    size_t widths[GEN_UI_LINES_MAX]; /* of the finished lines */
};

/* Forgets the lines, keeps the memory and the settings. */
void gen_ui_text_clear(struct gen_ui_text *t);
void gen_ui_text_add(struct gen_ui_text *t, enum gen_ui_color color, const char *text);
void gen_ui_text_printf(struct gen_ui_text *t, enum gen_ui_color color, const char *format, ...)
    GEN_PRINTF(3, 4);
/* Blanks up to `column`. */
void gen_ui_text_pad(struct gen_ui_text *t, size_t column);
void gen_ui_text_end_line(struct gen_ui_text *t);
/* Columns that `text` takes when added. */
size_t gen_ui_text_width(const struct gen_ui_text *t, const char *text);

/* Items in a row, going on in the next line at `indent` where they do not fit. */
struct gen_ui_flow {
    struct gen_ui_text *text;
    const char *between; /* " · " */
    const char *at_end;  /* what is left of it at the end of a line */
    size_t indent;
    size_t n_items;
};
void gen_ui_flow_add(struct gen_ui_flow *flow, enum gen_ui_color color, const char *item);

/* An exponentially smoothed rate (per second) without the bias of its first samples. */
struct gen_ui_rate {
    double sum, weight;
};
void gen_ui_rate_sample(struct gen_ui_rate *rate, double n, double seconds, double tau_seconds);
double gen_ui_rate_get(const struct gen_ui_rate *rate);

struct gen_ui_stage_copy {
    char name[GEN_UI_WORD_BYTES], unit_in[GEN_UI_WORD_BYTES], unit_out[GEN_UI_WORD_BYTES];
    struct gen_ui_stage s; /* its strings point at the above */
};

/* The last view with everything it points at, so that it can be drawn again at any time. */
struct gen_ui_state {
    char command[GEN_UI_WORD_BYTES], title[256], stopping[256];
    struct gen_counts trouble;
    struct gen_ui_stage_copy stages[GEN_UI_STAGES_MAX];
    size_t n_stages;
    struct gen_ui_view v; /* its strings, stages and trouble point nowhere: use the above */
    bool has_view;
    bool is_final;

    uint64_t start_ms;
    uint64_t sampled_ms;
    int64_t sampled_done, sampled_answers, sampled_cached;
    int64_t first_done;
    bool has_sample;
    struct gen_ui_rate answers; /* from the server */
    struct gen_ui_rate done;    /* inputs settled by answers from the server */
};

/* Copies the view; samples the rates when a second has passed since the last sample. */
void gen_ui_state_take(struct gen_ui_state *s, const struct gen_ui_view *view);
/* Seconds until all is done at the recent rate; negative while there is no telling. */
double gen_ui_state_seconds_left(const struct gen_ui_state *s);

/* The live block, all its lines, into `t` (cleared first). `columns` of the terminal. */
void gen_ui_block_render(struct gen_ui_text *t, const struct gen_ui_state *s, size_t columns);
/* The same as one line for a pipe. `now` is put in front as local time of day. */
void gen_ui_plain_render(struct gen_ui_text *t, const struct gen_ui_state *s, time_t now);

/* The account; wraps at t->wrap_at. */
void gen_ui_account_render(struct gen_ui_text *t, const struct gen_ui_account *a);

/* "12.3k", "1.2M". At least 32 bytes. */
void gen_ui_short_number(char *out, int64_t n);
/* "41.2 answers/s", or a minute when they are slow. At least 32 bytes. */
void gen_ui_answer_rate(char *out, double per_second);
/* "about 3m left". At least 32 bytes. */
void gen_ui_time_left(char *out, double seconds);
/* What a class of failure means, in a few words; NULL for a name that is no class. */
const char *gen_ui_class_words(const char *class_name);
/* "waiting 12 s: the server asked for it". */
void gen_ui_waiting(char *out, size_t n, uint64_t seconds, const char *why);

#endif
