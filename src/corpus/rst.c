/* reStructuredText: section titles (docutils' reference, "Sections"). The level of a style is the
 * order in which the styles first occur. */
#include "base/utf8.h"
#include "corpus/document.h"

#define ADORNMENT_MIN 3

static char adornment(struct gen_str line)
{
    struct gen_str s = gen_str_trim(line);
    if (s.n < ADORNMENT_MIN || gen_indent_columns(line) > 0 || s.p[0] == '\0' ||
        !strchr("=-`:'\"~^_*+#<>.!$%&,;@|", s.p[0]))
        return 0;
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] != s.p[0])
            return 0;
    }
    return s.p[0];
}

static uint8_t style_level(struct gen_doc_reader *r, char mark, bool overlined)
{
    size_t i = 0;
    while (i < r->n_rst_styles &&
           (r->rst_styles[i].mark != mark || r->rst_styles[i].overlined != overlined))
        i++;
    if (i == r->n_rst_styles && i < GEN_HEADING_MAX) {
        r->rst_styles[i].mark = mark;
        r->rst_styles[i].overlined = overlined;
        r->n_rst_styles++;
    }
    return (uint8_t)(i < GEN_HEADING_MAX ? i + 1 : GEN_HEADING_MAX);
}

int gen_rst_line(struct gen_doc_reader *r, struct gen_str line, struct gen_error *err)
{
    struct gen_doc *d = r->doc;
    char mark = adornment(line);
    struct gen_doc_line *last = gen_doc_last_line(d);
    if (!mark || !last || r->blank || last->kind != GEN_LINE_TEXT)
        return gen_plain_line(r, line, err);

    size_t first = d->n_lines - 1;
    struct gen_str title = gen_str_trim(gen_doc_line_text(d, last));
    bool overlined = first > 0 && !last->blank_before && last[-1].kind == GEN_LINE_TEXT &&
                     adornment(gen_doc_line_text(d, &last[-1])) == mark;
    if (gen_utf8_count(title) > gen_str_trim(line).n || adornment(title) ||
        (!overlined && !gen_doc_underlinable(r)))
        return gen_plain_line(r, line, err);

    int rc = gen_doc_add_line(r, line, GEN_LINE_TEXT, GEN_BREAK_NEVER, err);
    if (rc)
        return rc;
    return gen_doc_make_heading(r, overlined ? first - 1 : first, title,
                                style_level(r, mark, overlined), err);
}
