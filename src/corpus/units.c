#include "corpus/units.h"

#include "base/utf8.h"
#include "corpus/sentence.h"

#include <stdlib.h>

/* Words are gathered into pieces of this part of the limit, so that a text without sentences does
 * not become a unit a word. */
#define WORD_PIECES 8

struct builder {
    struct gen_units *units;
    const struct gen_doc *doc;
    size_t limit;
    struct gen_error *err;
};

static size_t count_chars(const struct gen_doc *d, size_t from, size_t to)
{
    return gen_utf8_count(gen_str_sub(d->text, from, to - from));
}

static int add_unit(struct builder *b, struct gen_unit unit)
{
    struct gen_units *u = b->units;
    if (u->n == u->capacity) {
        size_t wanted = u->capacity ? u->capacity * 2 : 64;
        struct gen_unit *bigger = reallocarray(u->items, wanted, sizeof(*bigger));
        if (!bigger)
            return gen_nomem(b->err, "the units of a document");
        u->items = bigger;
        u->capacity = wanted;
    }
    if (u->n) {
        const struct gen_unit *last = &u->items[u->n - 1];
        unit.chars_start = last->chars_end + (uint32_t)count_chars(b->doc, last->end, unit.start);
    }
    unit.chars_end = unit.chars_start + (uint32_t)count_chars(b->doc, unit.start, unit.end);
    u->items[u->n++] = unit;
    return GEN_OK;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Adds the stretch [start, end) of `whole`, and makes the next one a cut of kind `cut`. */
static int add_part(struct builder *b, struct gen_unit *whole, uint32_t start, uint32_t end,
                    enum gen_break cut)
{
    struct gen_unit part = *whole;
    part.start = start;
    part.end = end;
    whole->cut = (uint8_t)cut;
    return add_unit(b, part);
}

static int cut_word(struct builder *b, struct gen_unit *whole, uint32_t start, uint32_t end,
                    enum gen_break after)
{
    while (start < end) {
        struct gen_str rest = gen_str_sub(b->doc->text, start, end - start);
        uint32_t n = (uint32_t)gen_utf8_prefix(rest, b->limit).n;
        int rc = add_part(b, whole, start, start + n, start + n == end ? after : GEN_BREAK_WORD);
        if (rc)
            return rc;
        start += n;
    }
    return GEN_OK;
}

static int split_words(struct builder *b, struct gen_unit *whole, uint32_t start, uint32_t end)
{
    const char *p = b->doc->text.p;
    size_t word_max = whole->frame == GEN_DOC_NONE ? 2 * b->limit : b->limit;
    uint32_t piece = start; /* [piece, piece_end) is gathered so far */
    uint32_t piece_end = start;
    int rc = GEN_OK;
    for (uint32_t i = start; i < end && rc == GEN_OK;) {
        uint32_t word = i;
        while (i < end && !is_space(p[i]))
            i++;
        uint32_t word_end = i;
        bool line_ends = false;
        for (; i < end && is_space(p[i]); i++)
            line_ends = line_ends || p[i] == '\n';
        enum gen_break after = line_ends ? GEN_BREAK_WRAP : GEN_BREAK_WORD;
        bool gathers = piece_end > piece;
        if (gathers && count_chars(b->doc, piece, word_end) > b->limit / WORD_PIECES) {
            rc = add_part(b, whole, piece, piece_end, GEN_BREAK_WORD);
            gathers = false;
        }
        if (!gathers)
            piece = word;
        piece_end = word_end;
        if (rc == GEN_OK && !gathers && count_chars(b->doc, word, word_end) > word_max) {
            rc = cut_word(b, whole, word, word_end, after);
            piece = piece_end;
        } else if (rc == GEN_OK && (line_ends || i >= end)) {
            rc = add_part(b, whole, piece, piece_end, after);
            piece = piece_end;
        }
    }
    return rc;
}

static uint32_t without_space_behind(const struct gen_doc *d, uint32_t start, uint32_t end)
{
    while (end > start && is_space(d->text.p[end - 1]))
        end--;
    return end;
}

static int split_sentences(struct builder *b, struct gen_unit *whole)
{
    struct gen_str text = gen_str_sub(b->doc->text, whole->start, whole->end - whole->start);
    uint32_t base = whole->start;
    int rc = GEN_OK;
    for (size_t at = 0; at < text.n && rc == GEN_OK;) {
        size_t next = gen_sentence_next(text, at);
        uint32_t start = base + (uint32_t)at;
        uint32_t end = without_space_behind(b->doc, start, base + (uint32_t)next);
        if (count_chars(b->doc, start, end) <= b->limit)
            rc = add_part(b, whole, start, end, GEN_BREAK_SENTENCE);
        else
            rc = split_words(b, whole, start, end);
        whole->cut = GEN_BREAK_SENTENCE;
        at = next;
    }
    return rc;
}

static int add_lines(struct builder *b, uint32_t first, uint32_t last, enum gen_break cut,
                     bool whole_fence)
{
    const struct gen_doc *d = b->doc;
    struct gen_unit unit = {
        .start = d->lines[first].start,
        .end = d->lines[last].end,
        .first_line = first,
        .last_line = last,
        .frame = d->lines[first].frame,
        .cut = (uint8_t)cut,
    };
    unit.end = without_space_behind(d, unit.start, unit.end);
    if (whole_fence || count_chars(d, unit.start, unit.end) <= b->limit)
        return add_unit(b, unit);
    if (d->kind == GEN_DOC_CODE || d->lines[first].kind == GEN_LINE_FENCE)
        return split_words(b, &unit, unit.start, unit.end);
    return split_sentences(b, &unit);
}

static int add_fence(struct builder *b, uint32_t first)
{
    const struct gen_doc *d = b->doc;
    const struct gen_doc_frame *f = &d->frames[d->lines[first].frame];
    size_t chars = count_chars(d, d->lines[first].start, d->lines[f->last_line].end);
    enum gen_break cut = (enum gen_break)d->lines[first].cut;
    if (chars + f->indent + f->n_marks + 1 <= 2 * b->limit || f->first_line == f->last_line)
        return add_lines(b, first, f->last_line, cut, chars <= 2 * b->limit);
    for (uint32_t l = first; l <= f->last_line; l++) {
        bool closes = l == f->last_line && !f->unclosed;
        int rc = add_lines(b, l, l, cut, false);
        if (rc)
            return rc;
        cut = d->lines[l + (l < f->last_line)].blank_before ? GEN_BREAK_ITEM : GEN_BREAK_LINE;
        if (l == first || (!closes && !f->unclosed && l + 1 == f->last_line))
            cut = GEN_BREAK_NEVER;
    }
    return GEN_OK;
}

static uint32_t last_of_run(const struct gen_doc *d, uint32_t first, uint32_t to)
{
    uint32_t last = first;
    while (last + 1 < to && d->lines[last + 1].cut == GEN_BREAK_NEVER &&
           d->lines[last + 1].kind == d->lines[first].kind &&
           d->lines[last + 1].node == d->lines[first].node)
        last++;
    return last;
}

int gen_units_build(struct gen_units *u, const struct gen_doc *d, uint32_t from, uint32_t to,
                    size_t limit, struct gen_error *err)
{
    struct builder builder = {u, d, limit, err};
    u->n = 0;
    for (uint32_t l = from; l < to;) {
        uint32_t last;
        int rc;
        if (d->lines[l].kind == GEN_LINE_FENCE) {
            last = d->frames[d->lines[l].frame].last_line;
            rc = add_fence(&builder, l);
        } else {
            last = last_of_run(d, l, to);
            rc = add_lines(&builder, l, last, (enum gen_break)d->lines[l].cut, false);
        }
        if (rc)
            return rc;
        l = last + 1;
    }
    return GEN_OK;
}

void gen_units_release(struct gen_units *u)
{
    free(u->items);
    *u = (struct gen_units){NULL, 0, 0};
}
