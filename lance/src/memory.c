#include "memory_int.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util_int.h"

struct lnc_memory {
    struct lnc_allocator allocator;
    size_t total_max;      /* SIZE_MAX: none */
    atomic_size_t n_bytes; /* of all blocks, headers included */
    atomic_size_t n_holders;
    atomic_bool is_full; /* the last refusal was by the ceiling */
};

/* In front of every block. */
struct header {
    alignas(16) struct lnc_memory *memory;
    size_t size; /* without the header */
};

_Static_assert(sizeof(struct header) % alignof(max_align_t) == 0, "what follows is aligned");

static void *std_alloc(void *ud, size_t size)
{
    (void)ud;
    return malloc(size);
}

static void *std_realloc(void *ud, void *block, size_t size)
{
    (void)ud;
    return realloc(block, size);
}

static void std_free(void *ud, void *block)
{
    (void)ud;
    free(block);
}

static const struct lnc_allocator std_allocator = {
    .alloc = std_alloc, .realloc = std_realloc, .free = std_free};

int lnc_memory_new(const struct lnc_options *options, struct lnc_memory **out,
                   struct lnc_error *err)
{
    *out = NULL;
    if (options == NULL)
        return LNC_OK;
    struct lnc_allocator allocator = options->allocator;
    size_t max = options->limits.total_bytes_max;
    int n_given =
        (allocator.alloc != NULL) + (allocator.realloc != NULL) + (allocator.free != NULL);
    if (n_given != 0 && n_given != 3)
        return lnc_fail(err, LNC_EINVAL,
                        "an allocator needs all of alloc, realloc and free, or none of them");
    if (n_given == 0 && max == 0)
        return LNC_OK;
    if (n_given == 0)
        allocator = std_allocator;
    struct lnc_memory *memory = allocator.alloc(allocator.ud, sizeof *memory);
    if (memory == NULL)
        return lnc_fail(err, LNC_ENOMEM, "out of memory");
    memory->allocator = allocator;
    memory->total_max = max != 0 ? max : SIZE_MAX;
    atomic_init(&memory->n_bytes, 0);
    atomic_init(&memory->n_holders, 1);
    atomic_init(&memory->is_full, false);
    *out = memory;
    return LNC_OK;
}

void lnc_memory_drop(struct lnc_memory *memory)
{
    if (memory == NULL ||
        atomic_fetch_sub_explicit(&memory->n_holders, 1, memory_order_acq_rel) != 1)
        return;
    struct lnc_allocator allocator = memory->allocator;
    allocator.free(allocator.ud, memory);
}

static bool take_room(struct lnc_memory *memory, size_t size)
{
    size_t before = atomic_fetch_add_explicit(&memory->n_bytes, size, memory_order_relaxed);
    if (before <= memory->total_max && size <= memory->total_max - before)
        return true;
    atomic_fetch_sub_explicit(&memory->n_bytes, size, memory_order_relaxed);
    atomic_store_explicit(&memory->is_full, true, memory_order_relaxed);
    return false;
}

/* The allocator refused what the ceiling allowed. */
static void give_room_back(struct lnc_memory *memory, size_t size)
{
    atomic_fetch_sub_explicit(&memory->n_bytes, size, memory_order_relaxed);
    atomic_store_explicit(&memory->is_full, false, memory_order_relaxed);
}

static void give_room(struct lnc_memory *memory, size_t size)
{
    atomic_fetch_sub_explicit(&memory->n_bytes, size, memory_order_relaxed);
}

void *lnc_memory_alloc(struct lnc_memory *memory, size_t size)
{
    struct header *header = NULL;
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t whole = sizeof *header + size;
    if (memory == NULL) {
        header = malloc(whole);
    } else if (take_room(memory, whole)) {
        header = memory->allocator.alloc(memory->allocator.ud, whole);
        if (header == NULL)
            give_room_back(memory, whole);
        else
            atomic_fetch_add_explicit(&memory->n_holders, 1, memory_order_relaxed);
    }
    if (header == NULL)
        return NULL;
    header->memory = memory;
    header->size = size;
    return header + 1;
}

void *lnc_memory_calloc(struct lnc_memory *memory, size_t n, size_t size)
{
    size_t whole;
    if (__builtin_mul_overflow(n, size, &whole))
        return NULL;
    void *block = lnc_memory_alloc(memory, whole);
    if (block != NULL)
        memset(block, 0, whole);
    return block;
}

void *lnc_memory_realloc(struct lnc_memory *memory, void *block, size_t size)
{
    if (block == NULL)
        return lnc_memory_alloc(memory, size);
    struct header *header = (struct header *)block - 1;
    memory = header->memory;
    size_t before = header->size;
    if (size > SIZE_MAX / 2 ||
        (memory != NULL && size > before && !take_room(memory, size - before)))
        return NULL;
    const struct lnc_allocator *allocator = memory != NULL ? &memory->allocator : &std_allocator;
    header = allocator->realloc(allocator->ud, header, sizeof *header + size);
    if (header == NULL) {
        if (memory != NULL)
            give_room_back(memory, size > before ? size - before : 0);
        return NULL;
    }
    if (memory != NULL && size < before)
        give_room(memory, before - size);
    header->size = size;
    return header + 1;
}

void lnc_free(void *block)
{
    if (block == NULL)
        return;
    struct header *header = (struct header *)block - 1;
    struct lnc_memory *memory = header->memory;
    if (memory == NULL) {
        free(header);
        return;
    }
    give_room(memory, sizeof *header + header->size);
    memory->allocator.free(memory->allocator.ud, header);
    lnc_memory_drop(memory);
}

struct lnc_memory *lnc_memory_of(const void *block)
{
    return ((const struct header *)block - 1)->memory;
}

bool lnc_memory_explain(const struct lnc_memory *memory, size_t size, struct lnc_error *err)
{
    if (memory != NULL && atomic_load_explicit(&memory->is_full, memory_order_relaxed)) {
        lnc_report(err, LNC_ELIMIT,
                   "more memory is needed than the limit of all together (total_bytes_max) "
                   "allows, %zu bytes",
                   memory->total_max);
        return true;
    }
    if (size == 0)
        lnc_report(err, LNC_ENOMEM, "out of memory");
    else
        lnc_report(err, LNC_ENOMEM, "out of memory (%zu bytes)", size);
    return false;
}
