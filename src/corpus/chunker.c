#include "corpus/chunker.h"

#include "base/utf8.h"
#include "corpus/sentence.h"

#define SECTION_LEVEL_MAX 3
/* Bytes that are looked at again so that a sentence end right before a place is seen. */
#define SENTENCE_LOOK_BACK 8

void gen_chunker_init(struct gen_chunker *c, const struct gen_doc *doc, size_t chunk_chars,
                      size_t overlap_chars)
{
    *c = (struct gen_chunker){
        .doc = doc,
        .limit = chunk_chars,
        .overlap = overlap_chars,
        .content = gen_buf_make(GEN_BUF_UNLIMITED),
        .section = gen_buf_make(GEN_BUF_UNLIMITED),
    };
}

void gen_chunker_release(struct gen_chunker *c)
{
    gen_units_release(&c->units);
    gen_buf_release(&c->content);
    gen_buf_release(&c->section);
}

/* -- which sections go together -- */

struct section {
    uint32_t to; /* line behind its last */
    uint32_t node;
    size_t n_chars;
    bool has_body;
};

static struct section section_at(const struct gen_doc *d, uint32_t from)
{
    const struct gen_doc_line *first = &d->lines[from];
    struct section s = {.to = from, .node = first->kind == GEN_LINE_HEADING ? first->node : 0};
    for (; s.to < d->n_lines; s.to++) {
        const struct gen_doc_line *line = &d->lines[s.to];
        if (s.to > from && line->starts_heading && d->nodes[line->node].level <= SECTION_LEVEL_MAX)
            break;
        s.has_body = s.has_body || line->kind != GEN_LINE_HEADING;
    }
    s.n_chars =
        gen_utf8_count(gen_str_sub(d->text, first->start, d->lines[s.to - 1].end - first->start));
    return s;
}

static bool joins(const struct gen_chunker *c, const struct section *group,
                  const struct section *next)
{
    const struct gen_doc_node *nodes = c->doc->nodes;
    size_t tiny = c->limit / 3;
    if (!next->has_body || group->n_chars + next->n_chars > c->limit ||
        (group->n_chars >= tiny && next->n_chars >= tiny))
        return false;
    uint32_t parent = nodes[next->node].parent;
    return parent == group->node ||
           (parent == nodes[group->node].parent && nodes[group->node].level > 1);
}

static bool only_headings_from(const struct gen_doc *d, uint32_t from)
{
    for (; from < d->n_lines; from++) {
        if (d->lines[from].kind != GEN_LINE_HEADING)
            return false;
    }
    return true;
}

/* Line behind the sections that are cut together from `from` on. */
static uint32_t group_end(const struct gen_chunker *c, uint32_t from)
{
    const struct gen_doc *d = c->doc;
    struct section group = section_at(d, from);
    while (group.to < d->n_lines) {
        struct section next = section_at(d, group.to);
        if (group.has_body && !joins(c, &group, &next))
            break;
        if (!group.has_body || group.node == 0)
            group.node = next.node;
        group.to = next.to;
        group.n_chars += next.n_chars;
        group.has_body = next.has_body;
    }
    return only_headings_from(d, group.to) ? (uint32_t)d->n_lines : group.to;
}

/* -- what a chunk has besides its units -- */

static const struct gen_doc_frame *frame_of(const struct gen_chunker *c, size_t unit)
{
    uint32_t frame = c->units.items[unit].frame;
    return frame == GEN_DOC_NONE ? NULL : &c->doc->frames[frame];
}

/* What has to stand before a chunk that starts inside a table or fence: bytes of the document. */
static struct gen_str reopening(const struct gen_chunker *c, size_t unit)
{
    const struct gen_doc *d = c->doc;
    const struct gen_doc_frame *f = frame_of(c, unit);
    if (!f || c->units.items[unit].start == d->lines[f->first_line].start)
        return (struct gen_str){NULL, 0};
    const struct gen_doc_line *first = &d->lines[f->first_line];
    uint32_t end = f->mark ? first->end : d->lines[f->first_line + 1].end;
    struct gen_str text = gen_str_sub(d->text, first->start, end - first->start);
    if (gen_utf8_count(text) <= c->limit / 4)
        return text;
    /* Too long to be repeated: a fence is opened without its info string, a table without header.
     */
    return f->mark ? gen_str_sub(text, 0, (size_t)f->indent + f->n_marks)
                   : (struct gen_str){NULL, 0};
}

static bool must_close(const struct gen_chunker *c, size_t unit)
{
    const struct gen_doc_frame *f = frame_of(c, unit);
    if (!f || !f->mark)
        return false;
    return f->unclosed || c->units.items[unit].last_line < f->last_line;
}

static size_t closing_chars(const struct gen_chunker *c, size_t unit)
{
    const struct gen_doc_frame *f = frame_of(c, unit);
    return must_close(c, unit) ? (size_t)f->indent + f->n_marks + 1 : 0;
}

static size_t cost(const struct gen_chunker *c, size_t before, size_t first, size_t last)
{
    const struct gen_unit *u = c->units.items;
    return before + u[last].chars_end - u[first].chars_start + closing_chars(c, last);
}

/* -- where a chunk ends -- */

static size_t glued_to(const struct gen_chunker *c, size_t unit)
{
    while (unit + 1 < c->units.n && c->units.items[unit + 1].cut == GEN_BREAK_NEVER)
        unit++;
    return unit;
}

static size_t best_cut(const struct gen_chunker *c, size_t before, size_t first, size_t fit)
{
    const struct gen_unit *u = c->units.items;
    size_t best = SIZE_MAX;
    bool best_is_large = false;
    for (size_t k = first; k <= fit; k++) {
        bool large = cost(c, before, first, k) >= c->limit / 2;
        if (u[k + 1].cut == GEN_BREAK_NEVER)
            continue;
        if (best == SIZE_MAX || !best_is_large || (large && u[k + 1].cut <= u[best + 1].cut)) {
            best = k;
            best_is_large = large;
        }
    }
    return best;
}

/* Last unit of the chunk that starts with `first`, with `before` characters in front of it. */
static size_t choose_last(const struct gen_chunker *c, size_t before, size_t first)
{
    const struct gen_unit *u = c->units.items;
    size_t last = c->units.n - 1;
    if (cost(c, before, first, last) <= c->limit + c->limit / 5)
        return last;
    size_t fit = first;
    while (fit < last && cost(c, before, first, fit + 1) <= c->limit)
        fit++;
    if (fit == last)
        return last;
    size_t best = best_cut(c, before, first, fit);
    if (best == SIZE_MAX) {
        best = fit;
        while (best < last && u[best + 1].cut == GEN_BREAK_NEVER &&
               cost(c, before, first, best + 1) <= 2 * c->limit)
            best++;
    }
    if (best < last && cost(c, before, first, best) < c->limit / 4) {
        size_t further = glued_to(c, best + 1);
        if (cost(c, before, first, further) <= c->limit + c->limit / 2)
            best = further;
    }
    return best;
}

/* -- overlap -- */

static uint32_t chars_back(const struct gen_doc *d, uint32_t at, uint32_t floor, size_t n_chars)
{
    while (at > floor && n_chars > 0) {
        at--;
        n_chars -= ((unsigned char)d->text.p[at] & 0xC0U) != 0x80U;
    }
    return at;
}

/* Start of the first sentence or line that means something in [from, to), or `to`. `line` is where
 * `from` stands. */
static uint32_t first_start(const struct gen_doc *d, uint32_t line, uint32_t from, uint32_t to)
{
    uint32_t best = to;
    while (line < d->n_lines && d->lines[line].start < from)
        line++;
    for (; line < d->n_lines && d->lines[line].start < to; line++) {
        if (d->lines[line].cut < GEN_BREAK_WRAP) {
            best = d->lines[line].start;
            break;
        }
    }
    if (d->kind == GEN_DOC_CODE)
        return best;
    struct gen_str text = gen_str_sub(d->text, 0, to);
    size_t at = from > SENTENCE_LOOK_BACK ? from - SENTENCE_LOOK_BACK : 0;
    do {
        at = gen_sentence_next(text, at);
    } while (at < from);
    return at < best ? (uint32_t)at : best;
}

static uint32_t overlap_start(const struct gen_chunker *c, size_t unit)
{
    const struct gen_doc *d = c->doc;
    const struct gen_unit *u = &c->units.items[unit];
    if (c->overlap == 0 || unit == 0 || u->cut == GEN_BREAK_HEADING || reopening(c, unit).n)
        return u->start;
    uint32_t from = chars_back(d, u->start, c->last_start, c->overlap);
    uint32_t line = u->first_line;
    while (line < u->last_line && d->lines[line].end < u->start)
        line++;
    /* The text of the overlap must be plain: back to the last line that is not. */
    while (d->lines[line].start > from && line > 0) {
        const struct gen_doc_line *before = &d->lines[line - 1];
        if (before->end <= from)
            break;
        if (before->kind != GEN_LINE_TEXT) {
            from = before->end;
            break;
        }
        line--;
    }
    uint32_t start = first_start(d, line, from, u->start);
    size_t n_chars = gen_utf8_count(gen_str_sub(d->text, start, u->start - start));
    return cost(c, n_chars, unit, unit) <= 2 * c->limit ? start : u->start;
}

/* -- putting it together -- */

/* A list's mark before a fence is not repeated, but its indentation and quote marks are. */
static int add_container(struct gen_buf *out, struct gen_str prefix, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; prefix.p && i < prefix.n && rc == GEN_OK; i++)
        rc = gen_buf_add_char(out, prefix.p[i] == '>' ? '>' : ' ', err);
    return rc;
}

static int add_reopening(struct gen_chunker *c, size_t unit, struct gen_error *err)
{
    struct gen_str head = reopening(c, unit);
    const struct gen_doc_frame *f = frame_of(c, unit);
    if (!f || head.n == 0)
        return GEN_OK;
    int rc = add_container(&c->content, gen_str_sub(head, 0, f->indent), err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&c->content, gen_str_sub(head, f->indent, head.n), err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&c->content, '\n', err);
    return rc;
}

static int add_closing(struct gen_chunker *c, size_t unit, struct gen_error *err)
{
    const struct gen_doc *d = c->doc;
    const struct gen_doc_frame *f = frame_of(c, unit);
    if (!f || !must_close(c, unit))
        return GEN_OK;
    int rc = gen_buf_add_char(&c->content, '\n', err);
    if (rc == GEN_OK)
        rc = add_container(&c->content,
                           gen_str_sub(d->text, d->lines[f->first_line].start, f->indent), err);
    for (size_t i = 0; i < f->n_marks && rc == GEN_OK; i++)
        rc = gen_buf_add_char(&c->content, f->mark, err);
    return rc;
}

static int render(struct gen_chunker *c, uint32_t start, size_t first, size_t last,
                  struct gen_error *err)
{
    uint32_t end = c->units.items[last].end;
    gen_buf_clear(&c->content);
    int rc = add_reopening(c, first, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&c->content, gen_str_sub(c->doc->text, start, end - start), err);
    return rc ? rc : add_closing(c, last, err);
}

/* The heading that everything in the lines stands under. What precedes the first heading, and
 * headings without text, count only when there is nothing else. */
static uint32_t common_heading(const struct gen_doc *d, uint32_t first, uint32_t last)
{
    uint32_t common[2] = {GEN_DOC_NONE, GEN_DOC_NONE};
    for (uint32_t l = first; l <= last; l++) {
        uint32_t node = d->lines[l].node;
        uint32_t *c = &common[d->lines[l].kind == GEN_LINE_HEADING];
        if (node)
            *c = *c == GEN_DOC_NONE ? node : gen_doc_common_node(d, *c, node);
    }
    if (common[0] != GEN_DOC_NONE)
        return common[0];
    return common[1] != GEN_DOC_NONE ? common[1] : 0;
}

int gen_chunker_next(struct gen_chunker *c, struct gen_piece *out, bool *more,
                     struct gen_error *err)
{
    const struct gen_doc *d = c->doc;
    int rc;
    if (c->next_unit == c->units.n) {
        if (c->next_line == d->n_lines) {
            *more = false;
            return GEN_OK;
        }
        uint32_t to = group_end(c, c->next_line);
        rc = gen_units_build(&c->units, d, c->next_line, to, c->limit, err);
        if (rc)
            return rc;
        c->next_line = to;
        c->next_unit = 0;
    }
    size_t first = c->next_unit;
    const struct gen_unit *u = c->units.items;
    uint32_t start = overlap_start(c, first);
    struct gen_str head = reopening(c, first);
    size_t before = head.n ? gen_utf8_count(head) + 1
                           : gen_utf8_count(gen_str_sub(d->text, start, u[first].start - start));
    size_t last = choose_last(c, before, first);
    rc = render(c, start, first, last, err);
    if (rc)
        return rc;
    gen_buf_clear(&c->section);
    rc = gen_doc_path(d, common_heading(d, u[first].first_line, u[last].last_line), &c->section,
                      err);
    if (rc)
        return rc;
    c->last_start = u[first].start;
    c->next_unit = last + 1;
    *out = (struct gen_piece){gen_buf_str(&c->content), gen_buf_str(&c->section)};
    *more = true;
    return GEN_OK;
}
