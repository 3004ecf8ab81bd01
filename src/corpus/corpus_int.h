/*
 * What the three drivers share and nobody else sees: the names under which columns are looked for,
 * cleaning at the door, languages of source files.
 */
#ifndef GEN_CORPUS_CORPUS_INT_H
#define GEN_CORPUS_CORPUS_INT_H

#include "base/buf.h"
#include "corpus/corpus.h"

/* What the columns of a table or the members of a JSON record are for. */
enum gen_field {
    GEN_FIELD_ID = 0,
    GEN_FIELD_CONTENT,
    GEN_FIELD_SOURCE,
    GEN_FIELD_TITLE,
    GEN_FIELD_SECTION,
    GEN_FIELD_LANGUAGE,
    GEN_FIELD_SOURCE_TYPE,
    GEN_N_FIELDS,
};

#define GEN_FIELD_NAMES_MAX 4

/* The names of a field in the order of preference, ended by NULL. */
const char *const *gen_field_names(enum gen_field field);

/* Column names that the user gave, copied; NULL where none was given. */
struct gen_columns {
    char *given[GEN_N_FIELDS];
};
GEN_MUST_USE int gen_columns_init(struct gen_columns *c, const struct gen_corpus_options *options,
                                  struct gen_error *err);
void gen_columns_release(struct gen_columns *c);

/*
 * Makes a chunk from a model whose texts may hold malformed UTF-8 and NUL bytes. Malformed bytes
 * become U+FFFD and the chunk is counted in `counts`. GEN_ENOMEM, GEN_ELIMIT.
 */
GEN_MUST_USE int gen_chunk_clean(struct gen_chunk **out, const struct gen_chunk *model,
                                 struct gen_corpus_counts *counts, struct gen_error *err);

/* Counts a malformed row and keeps the description of the first one. */
void gen_counts_malformed(struct gen_corpus_counts *counts, const char *format, ...)
    GEN_PRINTF(2, 3);

/* True when `s` has nothing but white space (Unicode's, and zero-width characters). */
bool gen_text_is_blank(struct gen_str s);

/* The programming language of a file name ("c", "python"), or NULL when its extension is not one
 * of source code. */
const char *gen_language_of_path(struct gen_str path);
/* The same for a name that a column gives ("Python", "c++"); NULL when it is none that we know. */
const char *gen_language_named(struct gen_str name);
/* The file extensions of source code as one line for messages (".c .h ..."). Appends. */
GEN_MUST_USE int gen_language_extensions(struct gen_buf *out, struct gen_error *err);

/* Sets kind and language of a chunk from its source and from what a row says of itself. Empty views
 * where a row says nothing. `is_code` when the table is one of code. */
void gen_chunk_set_language(struct gen_chunk *chunk, bool is_code, struct gen_str source_type,
                            struct gen_str language);

#endif
