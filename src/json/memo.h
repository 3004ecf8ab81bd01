/*
 * What was made from JSON values, kept by their text: records bring the same definitions of tools
 * again and again, in other objects and other orders, and a compiled schema is not made twice.
 *
 * Values are told apart by all their bytes, members in the order they stand in. What could not be
 * made is remembered too, with the reason. Holds `n_max` things; more of them are forgotten
 * together, at gen_json_memo_trim, so that memory is flat however many definitions go by.
 */
#ifndef GEN_JSON_MEMO_H
#define GEN_JSON_MEMO_H

#include "json/schema.h"

struct gen_json_memo;

/* Makes `*made` from `v`, of which nothing may be kept by reference. When that cannot be done:
 * `*made` stays NULL, `why` says the reason, GEN_OK. GEN_ENOMEM ends the look-up. */
typedef int gen_json_memo_make_fn(void **made, const struct gen_json *v, char *why,
                                  size_t why_bytes, struct gen_error *err);
typedef void gen_json_memo_free_fn(void *made);

#define GEN_JSON_MEMO_WHY_BYTES 256

/* `n_max` from 1 to 65,536. `free_made` is given each thing made, never NULL. */
GEN_MUST_USE int gen_json_memo_new(struct gen_json_memo **out, size_t n_max,
                                   gen_json_memo_make_fn *make, gen_json_memo_free_fn *free_made,
                                   struct gen_error *err);
void gen_json_memo_free(struct gen_json_memo *m);
/* `*made` lives until the next trim that forgets, NULL: it cannot be made, and `*why` (may be NULL;
 * as long-lived) is the reason. GEN_ENOMEM. */
GEN_MUST_USE int gen_json_memo_get(struct gen_json_memo *m, const struct gen_json *v, void **made,
                                   const char **why, struct gen_error *err);
/* Between records, when nothing that was got is in use: forgets all when there are `n_max`. */
void gen_json_memo_trim(struct gen_json_memo *m);

/* A memo of gen_schema_new_foreign: the things are struct gen_schema. */
GEN_MUST_USE int gen_schema_memo_new(struct gen_json_memo **out, struct gen_error *err);
/* `*compiled` NULL: it is no schema that can be used, and `*why` says the reason. */
GEN_MUST_USE int gen_schema_memo_get(struct gen_json_memo *m, const struct gen_json *schema,
                                     const struct gen_schema **compiled, const char **why,
                                     struct gen_error *err);

#endif
