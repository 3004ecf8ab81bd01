#include "os/term.h"
#include "ui/ui_int.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define FRAME_MS         100
#define PLAIN_MS         5000
#define STALL_MS         1000 /* how long a full pipe is waited for before a line is given up */
#define ACCOUNT_WRAP     100
#define ACCOUNT_WRAP_MIN 30
#define ACCOUNT_WRAP_MAX 120

struct gen_ui {
    enum gen_ui_mode mode;
    int fd;
    bool is_live;
    bool is_terminal;
    bool reflows; /* the terminal wraps what stands there anew when it gets narrower */
    bool is_finished;
    bool is_lost; /* the descriptor does not take anything any more */
    struct gen_ui_state state;
    struct gen_ui_text text; /* the frame or line under construction */
    struct gen_buf out;      /* what goes out in one write */

    uint64_t shown_ms;
    bool has_shown;
    bool is_stale; /* the state moved on since it was shown */
    uint32_t stages_done;
    /* The block as it stands on the screen: above the cursor, which is in the first column. */
    size_t n_lines;
    size_t widths[GEN_UI_LINES_MAX];
};

static bool has_word(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
    }
    return false;
}

/* xterm and the Linux console cut what does not fit; tmux, VTE, kitty and the others wrap it. */
static bool terminal_reflows(void)
{
    const char *term = getenv("TERM");
    return !(term && strcmp(term, "linux") == 0) &&
           (!has_word("XTERM_VERSION") || has_word("TMUX"));
}

int gen_ui_new(struct gen_ui **out, enum gen_ui_mode mode, int fd, uint64_t now_ms,
               struct gen_error *err)
{
    struct gen_ui *ui = calloc(1, sizeof(*ui));
    if (!ui)
        return gen_nomem(err, "the display");
    ui->mode = mode;
    ui->fd = fd;
    ui->is_terminal = gen_term_is_live(fd);
    ui->is_live = mode == GEN_UI_AUTO && ui->is_terminal;
    ui->reflows = terminal_reflows();
    ui->state.start_ms = now_ms;
    ui->out = gen_buf_make(GEN_BUF_UNLIMITED);
    ui->text.buf = gen_buf_make(GEN_BUF_UNLIMITED);
    /* A pipe leads to a file or another program: they get what the text is. */
    ui->text.utf8 = !ui->is_terminal || locale_is_utf8();
    ui->text.color = ui->is_terminal && !has_word("NO_COLOR");
    *out = ui;
    return GEN_OK;
}

static void write_all(struct gen_ui *ui, const char *data, size_t n)
{
    while (n > 0 && !ui->is_lost) {
        ssize_t written = write(ui->fd, data, n);
        if (written > 0) {
            data += written;
            n -= (size_t)written;
        } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd p = {.fd = ui->fd, .events = POLLOUT};
            if (poll(&p, 1, STALL_MS) == 0)
                return;
        } else if (written == 0 || errno != EINTR) {
            /* There is nowhere left to say that standard error is gone. */
            ui->is_lost = true;
        }
    }
}

static void add(struct gen_ui *ui, const char *bytes, size_t n)
{
    if (gen_buf_add(&ui->out, bytes, n, NULL) != GEN_OK)
        ui->text.failed = true;
}

/* False while the user scrolls with Ctrl-S: drawing must not make the work wait. */
static bool can_write(const struct gen_ui *ui)
{
    struct pollfd p = {.fd = ui->fd, .events = POLLOUT};
    return poll(&p, 1, 0) > 0;
}

/* After Ctrl-Z and bg the screen belongs to the shell. */
static bool in_background(const struct gen_ui *ui)
{
    pid_t group = tcgetpgrp(ui->fd);
    return group > 0 && group != getpgrp();
}

/* Screen rows that the block takes, when it has been wrapped anew at `columns`. */
static size_t rows_on_screen(const struct gen_ui *ui, size_t columns)
{
    size_t rows = 0;
    for (size_t i = 0; i < ui->n_lines; i++) {
        size_t width = ui->widths[i];
        rows += ui->reflows && width > columns ? (width + columns - 1) / columns : 1;
    }
    return rows;
}

/* Moves to where the block begins. `clear`: and takes it off the screen. */
static void add_rewind(struct gen_ui *ui, size_t columns, bool clear)
{
    size_t rows = rows_on_screen(ui, columns);
    clear = clear || rows != ui->n_lines;
    add(ui, "\r", 1);
    if (rows > 0 && gen_buf_printf(&ui->out, NULL, "\033[%zuA", rows) != GEN_OK)
        ui->text.failed = true;
    if (clear)
        add(ui, "\033[J", 3);
    ui->n_lines = 0;
}

/* Appends the block, at most as high as the screen: its lower lines then. */
static void add_block(struct gen_ui *ui, size_t columns)
{
    struct gen_ui_text *t = &ui->text;
    size_t rows = gen_term_rows(ui->fd);
    t->erases = true;
    gen_ui_block_render(t, &ui->state, columns);
    t->erases = false;
    size_t n_drop = rows > 1 && t->n_lines > rows - 1 ? t->n_lines - (rows - 1) : 0;
    struct gen_str rest = gen_buf_str(&t->buf);
    struct gen_str line;
    for (size_t i = 0; i < n_drop; i++)
        (void)gen_str_next_line(&rest, &line);
    if (rest.n)
        add(ui, rest.p, rest.n);
    ui->n_lines = t->n_lines - n_drop;
    memcpy(ui->widths, t->widths + n_drop, ui->n_lines * sizeof(ui->widths[0]));
    add(ui, "\033[J", 3);
}

static void flush(struct gen_ui *ui)
{
    write_all(ui, ui->out.data, ui->out.n);
    gen_buf_clear(&ui->out);
}

static void draw(struct gen_ui *ui)
{
    if (!ui->state.is_final && !can_write(ui))
        return;
    if (in_background(ui)) {
        ui->n_lines = 0;
        return;
    }
    size_t columns = gen_term_columns(ui->fd);
    add_rewind(ui, columns, false);
    add_block(ui, columns);
    flush(ui);
}

/* True when a stage ended since this was asked last. */
static bool stage_ended(struct gen_ui *ui)
{
    uint32_t done = 0;
    for (size_t i = 0; i < ui->state.n_stages; i++) {
        if (ui->state.stages[i].s.is_done)
            done |= (uint32_t)1 << i;
    }
    bool is_new = (done & ~ui->stages_done) != 0;
    ui->stages_done |= done;
    return is_new;
}

static void show(struct gen_ui *ui)
{
    if (ui->is_live) {
        draw(ui);
    } else {
        gen_ui_plain_render(&ui->text, &ui->state, time(NULL));
        write_all(ui, ui->text.buf.data, ui->text.buf.n);
    }
    ui->shown_ms = ui->state.v.now_ms;
    ui->has_shown = true;
    ui->is_stale = false;
}

static void show_title(struct gen_ui *ui)
{
    struct gen_ui_text *t = &ui->text;
    gen_ui_text_clear(t);
    t->clip_at = SIZE_MAX;
    gen_ui_text_printf(t, GEN_UI_NORMAL, "%s: %s", ui->state.command, ui->state.title);
    gen_ui_text_end_line(t);
    write_all(ui, t->buf.data, t->buf.n);
    /* The first counts are worth a line only after some work. */
    ui->shown_ms = ui->state.v.now_ms;
    ui->has_shown = true;
}

void gen_ui_update(struct gen_ui *ui, const struct gen_ui_view *view, bool force)
{
    if (ui->is_finished || ui->mode == GEN_UI_NONE || ui->mode == GEN_UI_QUIET)
        return;
    gen_ui_state_take(&ui->state, view);
    ui->is_stale = true;
    if (!ui->is_live && !ui->has_shown)
        show_title(ui);
    uint64_t interval_ms = ui->is_live ? FRAME_MS : PLAIN_MS;
    bool is_due =
        !ui->has_shown || view->now_ms < ui->shown_ms || view->now_ms - ui->shown_ms >= interval_ms;
    bool has_ended = stage_ended(ui);
    if (force || is_due || (has_ended && !ui->is_live))
        show(ui);
}

static void add_log_line(struct gen_ui *ui, const char *line, size_t n)
{
    static const struct {
        const char *prefix;
        enum gen_ui_color color;
    } levels[] = {{"error:", GEN_UI_RED}, {"warning:", GEN_UI_YELLOW}};
    struct gen_str text = {line, n};
    while (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    char *copy = gen_str_dup(text);
    if (!copy) {
        /* A line that cannot be cleaned is still better than no line. */
        add(ui, line, n);
        return;
    }
    struct gen_ui_text *t = &ui->text;
    gen_ui_text_clear(t);
    t->clip_at = SIZE_MAX;
    const char *rest = copy;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        size_t n_prefix = strlen(levels[i].prefix);
        if (strncmp(copy, levels[i].prefix, n_prefix) != 0)
            continue;
        gen_ui_text_add(t, levels[i].color, levels[i].prefix);
        rest = copy + n_prefix;
    }
    gen_ui_text_add(t, GEN_UI_NORMAL, rest);
    gen_ui_text_end_line(t);
    free(copy);
    add(ui, t->buf.data, t->buf.n);
}

void gen_ui_log_write(void *ud, const char *line, size_t n)
{
    struct gen_ui *ui = ud;
    if (ui->n_lines > 0 && in_background(ui))
        ui->n_lines = 0;
    bool has_block = ui->n_lines > 0;
    size_t columns = has_block ? gen_term_columns(ui->fd) : 0;
    if (has_block)
        add_rewind(ui, columns, true);
    add_log_line(ui, line, n);
    if (has_block)
        add_block(ui, columns);
    flush(ui);
}

void gen_ui_finish(struct gen_ui *ui)
{
    if (ui->is_finished)
        return;
    ui->state.is_final = true;
    if (ui->state.has_view && (ui->is_live || ui->is_stale))
        show(ui);
    ui->is_finished = true;
    ui->n_lines = 0;
}

void gen_ui_free(struct gen_ui *ui)
{
    if (!ui)
        return;
    if (ui->n_lines > 0 && !in_background(ui)) {
        add_rewind(ui, gen_term_columns(ui->fd), true);
        flush(ui);
    }
    gen_buf_release(&ui->out);
    gen_buf_release(&ui->text.buf);
    free(ui);
}

void gen_ui_show_account(struct gen_ui *ui, const struct gen_ui_account *account)
{
    gen_ui_finish(ui);
    if (ui->mode == GEN_UI_QUIET)
        return;
    size_t wrap = ui->is_terminal ? gen_term_columns(ui->fd) - 1 : ACCOUNT_WRAP;
    wrap = wrap < ACCOUNT_WRAP_MIN ? ACCOUNT_WRAP_MIN : wrap;
    ui->text.wrap_at = wrap > ACCOUNT_WRAP_MAX ? ACCOUNT_WRAP_MAX : wrap;
    gen_ui_account_render(&ui->text, account);
    write_all(ui, ui->text.buf.data, ui->text.buf.n);
}
