/*
 * An arena: many small allocations freed together. Memory lives until gen_arena_reset or _release.
 * A ceiling is given at birth; beyond it, and when memory ends, allocations return NULL.
 */
#ifndef GEN_BASE_ARENA_H
#define GEN_BASE_ARENA_H

#include "base/error.h"
#include "base/str.h"

struct gen_arena_block;

struct gen_arena {
    struct gen_arena_block *head;
    size_t n_bytes;   /* handed out by malloc so far */
    size_t bytes_max; /* ceiling of n_bytes */
};

static inline struct gen_arena gen_arena_make(size_t bytes_max)
{
    return (struct gen_arena){NULL, 0, bytes_max};
}

/* Zeroed memory of `n` bytes, aligned for any object; NULL at the ceiling or out of memory. */
void *gen_arena_alloc(struct gen_arena *a, size_t n);
/* `count` zeroed objects of `size` bytes; NULL also when the product overflows. */
void *gen_arena_array(struct gen_arena *a, size_t count, size_t size);
/* NUL-terminated copy; NULL when out of memory. */
char *gen_arena_dup(struct gen_arena *a, struct gen_str s);
/* The same as a view; the view is {NULL, 0} when out of memory and `s` is not empty. */
struct gen_str gen_arena_str(struct gen_arena *a, struct gen_str s);

/* Frees everything but one block, which is used again. */
void gen_arena_reset(struct gen_arena *a);
void gen_arena_release(struct gen_arena *a);

#endif
