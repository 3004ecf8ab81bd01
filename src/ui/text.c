#include "base/utf8.h"
#include "ui/ui_int.h"

#include <stdarg.h>
#include <stdio.h>

#define CUT_MARK       "..."
#define CUT_MARK_WIDTH 3

static void put(struct gen_ui_text *t, const char *bytes, size_t n)
{
    if (!t->failed && gen_buf_add(&t->buf, bytes, n, NULL) != GEN_OK)
        t->failed = true;
}

static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029 ||
           (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

/* Takes the next character off `*rest`, as it is shown; the columns it takes. */
static size_t next_shown(const struct gen_ui_text *t, struct gen_str *rest, bool is_utf8,
                         struct gen_str *shown)
{
    unsigned char c = (unsigned char)rest->p[0];
    size_t n = 1;
    uint32_t cp = c;
    bool can_show = c < 0x80;
    if (c >= 0x80 && is_utf8) {
        n = gen_utf8_next(*rest, &cp);
        can_show = t->utf8;
    }
    if (c == '\t' || c == '\n')
        *shown = GEN_STR(" ");
    else
        *shown = can_show && !is_control(cp) ? gen_str_sub(*rest, 0, n) : GEN_STR("?");
    *rest = gen_str_sub(*rest, n, rest->n - n);
    return gen_utf8_width(*shown);
}

size_t gen_ui_text_width(const struct gen_ui_text *t, const char *text)
{
    struct gen_str rest = gen_str_from(text);
    bool is_utf8 = gen_utf8_valid(rest);
    size_t width = 0;
    struct gen_str shown;
    while (rest.n)
        width += next_shown(t, &rest, is_utf8, &shown);
    return width;
}

void gen_ui_text_clear(struct gen_ui_text *t)
{
    gen_buf_clear(&t->buf);
    t->failed = false;
    t->width = 0;
    t->n_lines = 0;
}

void gen_ui_text_add(struct gen_ui_text *t, enum gen_ui_color color, const char *text)
{
    static const char *const codes[] = {"",         "\033[1m",  "\033[2m",   "\033[31m",
                                        "\033[32m", "\033[33m", "\033[1;31m"};
    size_t room = t->clip_at > t->width ? t->clip_at - t->width : 0;
    bool is_cut = gen_ui_text_width(t, text) > room;
    bool is_marked = is_cut && room > 2 * CUT_MARK_WIDTH;
    if (is_marked)
        room -= CUT_MARK_WIDTH;
    bool is_colored = t->color && color != GEN_UI_NORMAL;
    if (is_colored)
        put(t, codes[color], strlen(codes[color]));
    struct gen_str rest = gen_str_from(text);
    bool is_utf8 = gen_utf8_valid(rest);
    struct gen_str shown;
    while (rest.n) {
        size_t width = next_shown(t, &rest, is_utf8, &shown);
        if (width > room)
            break;
        room -= width;
        t->width += width;
        put(t, shown.p, shown.n);
    }
    if (is_marked) {
        put(t, CUT_MARK, CUT_MARK_WIDTH);
        t->width += CUT_MARK_WIDTH;
    }
    if (is_colored)
        put(t, "\033[0m", 4);
    /* What comes behind a cut must not look as if it belonged to it. */
    if (is_cut && t->clip_at > t->width)
        t->width = t->clip_at;
}

void gen_ui_text_printf(struct gen_ui_text *t, enum gen_ui_color color, const char *format, ...)
{
    char shown[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(shown, sizeof(shown), format, args);
    va_end(args);
    gen_ui_text_add(t, color, shown);
}

void gen_ui_text_pad(struct gen_ui_text *t, size_t column)
{
    while (t->width < column && t->width < t->clip_at) {
        put(t, " ", 1);
        t->width++;
    }
}

void gen_ui_text_end_line(struct gen_ui_text *t)
{
    if (t->erases)
        put(t, "\033[K", 3);
    put(t, "\n", 1);
    if (t->n_lines < GEN_UI_LINES_MAX)
        t->widths[t->n_lines++] = t->width;
    t->width = 0;
}

void gen_ui_flow_add(struct gen_ui_flow *flow, enum gen_ui_color color, const char *item)
{
    struct gen_ui_text *t = flow->text;
    if (flow->n_items++ > 0) {
        size_t need = gen_ui_text_width(t, flow->between) + gen_ui_text_width(t, item) +
                      gen_ui_text_width(t, flow->at_end);
        if (need > t->wrap_at || t->width > t->wrap_at - need) {
            gen_ui_text_add(t, GEN_UI_NORMAL, flow->at_end);
            gen_ui_text_end_line(t);
        } else {
            gen_ui_text_add(t, GEN_UI_NORMAL, flow->between);
        }
    }
    gen_ui_text_pad(t, flow->indent);
    gen_ui_text_add(t, color, item);
}
