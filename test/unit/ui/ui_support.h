/* A view of a run half-way, and a terminal: what stands on it after the bytes that a pty got. */
#ifndef GEN_TEST_UI_SUPPORT_H
#define GEN_TEST_UI_SUPPORT_H

#include "ui/ui_int.h"

#define SCREEN_ROWS_MAX 60
#define SCREEN_COLS_MAX 200

struct ui_fixture {
    struct gen_ui_stage stages[4];
    struct gen_counts trouble;
    struct gen_ui_view view;
};
/* A pipeline half-way. */
void ui_fixture_init(struct ui_fixture *f);

struct screen {
    int master, slave;
    size_t rows, columns;
    size_t row, column;
    size_t n_wrapped; /* lines that ran over the right edge */
    size_t n_writes;  /* '\r' at the start of frames, roughly: frames seen */
    size_t n_unknown; /* escape sequences that no frame should hold */
    char cells[SCREEN_ROWS_MAX][SCREEN_COLS_MAX][5];
    char *text;
};
void screen_open(struct screen *s, size_t rows, size_t columns);
void screen_close(struct screen *s);
void screen_resize(struct screen *s, size_t rows, size_t columns);
/* Takes in what was written to the slave so far; the lines as text, good until the next call. */
const char *screen_text(struct screen *s);

#endif
