/*
 * Cuts a document into chunks for question writing. The rules, in order:
 *
 * 1. A chunk does not cross a heading of level 1 to 3, except that small neighbouring sections of
 *    one parent (one of them under a third of the wanted size) are joined while they fit. A
 *    heading without text of its own goes with what follows it.
 * 2. No chunk is over twice the wanted size, whatever the document holds.
 * 3. A code fence stays whole up to twice the wanted size; a longer one is cut at line borders, and
 *    each part is closed and opened again. A table that is cut repeats its header.
 * 4. Inside a section the cut is at the best border in the second half of the wanted size: before a
 *    heading of level 4 to 6, between blocks, between items or rows, between sentences, between
 *    words. A rest of a fifth of the size stays with its chunk.
 * 5. Nothing is lost: without overlap the chunks hold every character of the document that is not
 *    white space (or front matter) in order and once, but for what rule 3 repeats.
 *
 * The result depends on nothing but the text and the two sizes.
 */
#ifndef GEN_CORPUS_CHUNKER_H
#define GEN_CORPUS_CHUNKER_H

#include "corpus/units.h"

#define GEN_CHUNK_CHARS_DEFAULT 1500
#define GEN_CHUNK_CHARS_MIN     100
#define GEN_CHUNK_CHARS_MAX     1000000

struct gen_chunker {
    const struct gen_doc *doc;
    size_t limit;
    size_t overlap;
    uint32_t next_line; /* where the next group of sections starts */
    struct gen_units units;
    size_t next_unit;
    uint32_t last_start; /* byte at which the chunk before starts */
    struct gen_buf content;
    struct gen_buf section;
};

struct gen_piece {
    struct gen_str content;
    struct gen_str section; /* heading path that all of it stands under; may be empty */
};

/* `chunk_chars` from GEN_CHUNK_CHARS_MIN to GEN_CHUNK_CHARS_MAX, `overlap_chars` at most half of
 * it: whole sentences or lines that are repeated from the chunk before, within a section and never
 * out of or into a fence or table. The document is borrowed. */
void gen_chunker_init(struct gen_chunker *c, const struct gen_doc *doc, size_t chunk_chars,
                      size_t overlap_chars);
void gen_chunker_release(struct gen_chunker *c);

/* The next chunk, good until the next call; `*more` = false at the end. GEN_ENOMEM. */
GEN_MUST_USE int gen_chunker_next(struct gen_chunker *c, struct gen_piece *out, bool *more,
                                  struct gen_error *err);

#endif
