/*
 * memory_int.h - where the memory comes from: the caller's allocator, under a ceiling for all of
 * it.
 *
 * Each block carries its origin, so that it can be given back without knowing it: batches and Arrow
 * arrays outlive their dataset. The origin itself lives until its owner dropped it and its last
 * block is gone; it may be used by several threads if the allocator may.
 *
 * NULL stands for malloc without a ceiling, everywhere.
 */
#ifndef LNC_MEMORY_INT_H
#define LNC_MEMORY_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "lnc/lnc_dataset.h"
#include "lnc/lnc_error.h"

struct lnc_memory;

/* out is NULL if the options ask for nothing special. LNC_EINVAL for half an allocator, LNC_ENOMEM,
 * LNC_ELIMIT. */
int lnc_memory_new(const struct lnc_options *options, struct lnc_memory **out,
                   struct lnc_error *err);

/* The owner is done with it. */
void lnc_memory_drop(struct lnc_memory *memory);

/* NULL if there is none or the ceiling forbids it. Aligned for every type. */
void *lnc_memory_alloc(struct lnc_memory *memory, size_t size);
/* The same for n zeroed elements of a size. */
void *lnc_memory_calloc(struct lnc_memory *memory, size_t n, size_t size);
/* NULL leaves the block as it is. A block that is NULL comes from `memory`, others from where they
 * came from. */
void *lnc_memory_realloc(struct lnc_memory *memory, void *block, size_t size);

/* Gives a block back to where it came from; NULL is ignored. */
void lnc_free(void *block);

/* Where a block came from. */
struct lnc_memory *lnc_memory_of(const void *block);

/* Says why `size` bytes (0: not known) could not be had just now; true where it was the ceiling. */
bool lnc_memory_explain(const struct lnc_memory *memory, size_t size, struct lnc_error *err);

/* The same with its code as value: LNC_ENOMEM, or LNC_ELIMIT for the ceiling. Inline, so that the
 * compiler sees that it is never LNC_OK. */
static inline int lnc_memory_fail(const struct lnc_memory *memory, size_t size,
                                  struct lnc_error *err)
{
    return lnc_memory_explain(memory, size, err) ? LNC_ELIMIT : LNC_ENOMEM;
}

#endif
