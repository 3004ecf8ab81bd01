/*
 * The smallest pieces that a chunk is put together from: paragraphs, list items, table rows, whole
 * code fences; parts of these where they are too long by themselves. A unit's text is one stretch
 * of the document, units follow each other, and between them is white space only.
 */
#ifndef GEN_CORPUS_UNITS_H
#define GEN_CORPUS_UNITS_H

#include "corpus/document.h"

struct gen_unit {
    uint32_t start; /* bytes of the document */
    uint32_t end;
    uint32_t chars_start; /* characters from the first unit's start */
    uint32_t chars_end;
    uint32_t first_line; /* lines of the document that it has a part of */
    uint32_t last_line;
    uint32_t frame; /* the table or the cut fence that it is a part of, or an uncut fence; else
                       GEN_DOC_NONE */
    uint8_t cut;    /* enum gen_break: of a cut before this unit */
};

struct gen_units {
    struct gen_unit *items;
    size_t n, capacity;
};

/*
 * The units of lines [from, to). No unit has more than 2 * `limit` characters; a fence is one unit
 * up to that size, everything else is taken apart over `limit`: text at the ends of sentences, then
 * where lines are wrapped, then between words; a word over 2 * `limit` is cut. GEN_ENOMEM.
 */
GEN_MUST_USE int gen_units_build(struct gen_units *u, const struct gen_doc *d, uint32_t from,
                                 uint32_t to, size_t limit, struct gen_error *err);
void gen_units_release(struct gen_units *u);

#endif
