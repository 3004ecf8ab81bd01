#include "ui_support.h"

#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#define SENTINEL '\001'

void ui_fixture_init(struct ui_fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->stages[0] =
        (struct gen_ui_stage){"generate", "chunks", "pairs", 512, 312, 941, 3, 20, 0, 64, false};
    f->stages[1] =
        (struct gen_ui_stage){"enrich", "pairs", "pairs", -1, 900, 899, 1, 0, 0, 30, false};
    f->stages[2] =
        (struct gen_ui_stage){"curate", "pairs", "pairs", -1, 880, 400, 0, 480, 0, 12, false};
    f->stages[3] =
        (struct gen_ui_stage){"export", "pairs", "rows", -1, 400, 400, 0, 0, 0, 0, false};
    gen_counts_add(&f->trouble, "rate_limit", 12);
    gen_counts_add(&f->trouble, "transport", 1);
    f->view = (struct gen_ui_view){
        .command = "pipeline",
        .title = "ollama qwen3:8b at http://localhost:11434",
        .stages = f->stages,
        .n_stages = 4,
        .n_in_flight = 64,
        .window = 96,
        .n_answers = 1500,
        .tokens_in = 1204332,
        .tokens_out = 312002,
        .cost_microusd = 1230000,
        .waiting_ms = 19001,
        .waiting_why = "the server asked for it",
        .trouble = &f->trouble,
        .now_ms = 250000,
    };
}

void screen_open(struct screen *s, size_t rows, size_t columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    memset(s, 0, sizeof(*s));
    assert_int_equal(openpty(&s->master, &s->slave, NULL, NULL, &size), 0);
    s->rows = rows;
    s->columns = columns;
    s->text = calloc(SCREEN_ROWS_MAX, SCREEN_COLS_MAX * 4 + 1);
    assert_non_null(s->text);
}

void screen_close(struct screen *s)
{
    (void)close(s->master);
    (void)close(s->slave);
    free(s->text);
}

void screen_resize(struct screen *s, size_t rows, size_t columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    assert_int_equal(ioctl(s->master, TIOCSWINSZ, &size), 0);
    s->rows = rows;
    s->columns = columns;
}

static void line_down(struct screen *s)
{
    if (s->row + 1 < s->rows) {
        s->row++;
        return;
    }
    memmove(s->cells[0], s->cells[1], (s->rows - 1) * sizeof(s->cells[0]));
    memset(s->cells[s->rows - 1], 0, sizeof(s->cells[0]));
}

static void erase_line(struct screen *s)
{
    for (size_t i = s->column; i < SCREEN_COLS_MAX; i++)
        s->cells[s->row][i][0] = '\0';
}

static void escape(struct screen *s, size_t n, char command)
{
    if (command == 'A') {
        s->row -= n < s->row ? n : s->row;
    } else if (command == 'K') {
        erase_line(s);
    } else if (command == 'J') {
        erase_line(s);
        for (size_t r = s->row + 1; r < SCREEN_ROWS_MAX; r++)
            memset(s->cells[r], 0, sizeof(s->cells[r]));
    } else if (command != 'm') {
        s->n_unknown++;
    }
}

static size_t put_char(struct screen *s, const char *p)
{
    unsigned char c = (unsigned char)*p;
    size_t n = 1;
    if (c >= 0xF0)
        n = 4;
    else if (c >= 0xE0)
        n = 3;
    else if (c >= 0xC0)
        n = 2;
    if (s->column >= s->columns) {
        s->n_wrapped++;
        s->column = 0;
        line_down(s);
    }
    char *cell = s->cells[s->row][s->column++];
    memcpy(cell, p, n);
    cell[n] = '\0';
    return n;
}

static void play(struct screen *s, const char *p, const char *end)
{
    while (p < end) {
        if (*p == '\033' && p[1] == '[') {
            size_t n = 0;
            for (p += 2; (*p >= '0' && *p <= '9') || *p == ';' || *p == '?'; p++)
                n = *p >= '0' && *p <= '9' ? n * 10 + (size_t)(*p - '0') : 0;
            escape(s, n ? n : 1, *p++);
        } else if (*p == '\r') {
            s->column = 0;
            p++;
        } else if (*p == '\n') {
            line_down(s);
            p++;
        } else {
            p += put_char(s, p);
        }
    }
}

const char *screen_text(struct screen *s)
{
    /* The kernel hands bytes over in its own time: the sentinel says that all of them came. */
    const char sentinel = SENTINEL;
    char bytes[65536];
    size_t n = 0;
    assert_int_equal(write(s->slave, &sentinel, 1), 1);
    while (n == 0 || bytes[n - 1] != SENTINEL) {
        assert_true(n < sizeof(bytes));
        ssize_t got = read(s->master, bytes + n, sizeof(bytes) - n);
        assert_true(got > 0);
        n += (size_t)got;
    }
    s->n_writes += n > 1;
    play(s, bytes, bytes + n - 1);
    char *out = s->text;
    char *last = out;
    for (size_t r = 0; r < s->rows; r++) {
        char *line = out;
        for (size_t c = 0; c < s->columns; c++)
            out = stpcpy(out, s->cells[r][c][0] ? s->cells[r][c] : " ");
        while (out > line && out[-1] == ' ')
            out--;
        if (out > line)
            last = out + 1;
        *out++ = '\n';
    }
    *last = '\0';
    return s->text;
}
