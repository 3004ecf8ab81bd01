/* A table and which of its columns are read for what. */
#ifndef GEN_CORPUS_LANCE_TABLE_H
#define GEN_CORPUS_LANCE_TABLE_H

#include "corpus/corpus_int.h"

#include "lnc/lnc.h"

#define GEN_LISTED_MAX 30 /* names that a message lists */
#define GEN_NO_COLUMN  SIZE_MAX

struct gen_lance_table {
    struct lnc_dataset *dataset;
    const char *columns[GEN_N_FIELDS]; /* projected; belong to the dataset */
    size_t n_columns;
    size_t column_of[GEN_N_FIELDS]; /* index among the projected ones, or GEN_NO_COLUMN */
    size_t member_of[GEN_N_FIELDS]; /* in that column, if it is a struct; else GEN_NO_COLUMN */
    bool is_code;
};

/* Chooses the columns: those that the user gave, else by their names. GEN_EINPUT: one that is
 * missing (the message lists those there are) or of another type than is needed. */
GEN_MUST_USE int gen_lance_table_choose(struct gen_lance_table *t, const struct gen_columns *given,
                                        struct gen_error *err);
bool gen_lance_is_integer(enum lnc_kind kind);

#endif
