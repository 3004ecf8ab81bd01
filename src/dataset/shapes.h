/*
 * The shapes of rows: which members they have, with values of which type. Loaders that make tables
 * (datasets, pyarrow) learn the columns from the first megabytes of the first file and refuse rows
 * that bring others later (formats.md §1.9).
 */
#ifndef GEN_DATASET_SHAPES_H
#define GEN_DATASET_SHAPES_H

#include "json/json.h"

/* How much of a file surely is in the part that columns are learned from: datasets reads 10 MB. */
#define GEN_SHAPES_LEARNED_BYTES ((uint64_t)8 << 20)

struct gen_shapes;

GEN_MUST_USE int gen_shapes_new(struct gen_shapes **out, struct gen_error *err);
void gen_shapes_free(struct gen_shapes *s);

/* The number of the row's shape: the same for rows of the same members and types. Beyond 4,096
 * shapes all further ones share the last number. `*is_new` when it has a member, or a type of one,
 * that no row before it had. */
uint16_t gen_shapes_of(struct gen_shapes *s, const struct gen_json *row, bool *is_new);

#endif
