#include "base/arena.h"

#include <stdlib.h>

#define BLOCK_BYTES 8192U
#define ALIGNMENT   16U

struct gen_arena_block {
    struct gen_arena_block *next;
    size_t used;
    size_t capacity;
    _Alignas(ALIGNMENT) unsigned char data[];
};

static struct gen_arena_block *new_block(struct gen_arena *a, size_t n)
{
    size_t left = a->bytes_max - a->n_bytes;
    if (n > left || n > SIZE_MAX - sizeof(struct gen_arena_block))
        return NULL;
    /* Near the ceiling a smaller block has to do. */
    size_t capacity = n > BLOCK_BYTES ? n : left < BLOCK_BYTES ? left : BLOCK_BYTES;
    struct gen_arena_block *block = malloc(sizeof(*block) + capacity);
    if (!block)
        return NULL;
    block->next = a->head;
    block->used = 0;
    block->capacity = capacity;
    a->head = block;
    a->n_bytes += capacity;
    return block;
}

void *gen_arena_alloc(struct gen_arena *a, size_t n)
{
    if (n > a->bytes_max || n > SIZE_MAX - ALIGNMENT)
        return NULL;
    size_t rounded = (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct gen_arena_block *block = a->head;
    if (!block || rounded > block->capacity - block->used) {
        block = new_block(a, rounded);
        if (!block)
            return NULL;
    }
    void *p = block->data + block->used;
    block->used += rounded;
    memset(p, 0, rounded);
    return p;
}

void *gen_arena_array(struct gen_arena *a, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        return NULL;
    return gen_arena_alloc(a, n);
}

char *gen_arena_dup(struct gen_arena *a, struct gen_str s)
{
    char *copy = s.n < a->bytes_max ? gen_arena_alloc(a, s.n + 1) : NULL;
    if (copy && s.n)
        memcpy(copy, s.p, s.n);
    return copy;
}

struct gen_str gen_arena_str(struct gen_arena *a, struct gen_str s)
{
    char *copy = gen_arena_dup(a, s);
    return copy ? (struct gen_str){copy, s.n} : (struct gen_str){NULL, 0};
}

void gen_arena_reset(struct gen_arena *a)
{
    struct gen_arena_block *keep = NULL;
    while (a->head) {
        struct gen_arena_block *next = a->head->next;
        /* An oversized block would make one large item's memory stay for the whole run. */
        if (!keep && a->head->capacity == BLOCK_BYTES) {
            keep = a->head;
        } else {
            a->n_bytes -= a->head->capacity;
            free(a->head);
        }
        a->head = next;
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    a->head = keep;
}

void gen_arena_release(struct gen_arena *a)
{
    while (a->head) {
        struct gen_arena_block *next = a->head->next;
        free(a->head);
        a->head = next;
    }
    a->n_bytes = 0;
}
