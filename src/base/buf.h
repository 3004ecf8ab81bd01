/*
 * A byte buffer that grows up to a ceiling given at its birth. Every buffer that outside data can
 * make grow has one. Appends fail with GEN_ELIMIT at the ceiling and GEN_ENOMEM when memory ends;
 * the contents then are as before. `data` always has a NUL behind its `n` bytes once anything was
 * appended.
 */
#ifndef GEN_BASE_BUF_H
#define GEN_BASE_BUF_H

#include "base/error.h"
#include "base/str.h"

struct gen_buf {
    char *data;
    size_t n;
    size_t capacity;
    size_t bytes_max;
};

#define GEN_BUF_UNLIMITED ((size_t)1 << 40)

/* An empty buffer that will hold at most `bytes_max` bytes. Nothing is allocated yet. */
static inline struct gen_buf gen_buf_make(size_t bytes_max)
{
    return (struct gen_buf){NULL, 0, 0, bytes_max};
}

/* Frees the memory; the buffer is empty and can be used again with the same ceiling. */
void gen_buf_release(struct gen_buf *b);

/* Makes room for `more` bytes behind the contents. */
GEN_MUST_USE int gen_buf_reserve(struct gen_buf *b, size_t more, struct gen_error *err);
GEN_MUST_USE int gen_buf_add(struct gen_buf *b, const void *data, size_t n, struct gen_error *err);
GEN_MUST_USE int gen_buf_add_str(struct gen_buf *b, struct gen_str s, struct gen_error *err);
GEN_MUST_USE int gen_buf_add_c(struct gen_buf *b, const char *text, struct gen_error *err);
GEN_MUST_USE int gen_buf_add_char(struct gen_buf *b, char c, struct gen_error *err);
GEN_MUST_USE int gen_buf_printf(struct gen_buf *b, struct gen_error *err, const char *format, ...)
    GEN_PRINTF(3, 4);

/* Forgets the contents, keeps the memory. */
static inline void gen_buf_clear(struct gen_buf *b)
{
    b->n = 0;
    if (b->data)
        b->data[0] = '\0';
}

/* A view of the contents, good until the next append or release. */
static inline struct gen_str gen_buf_str(const struct gen_buf *b)
{
    return (struct gen_str){b->data, b->n};
}

/* Moves the contents out as a heap block of `*n` bytes with a NUL behind them (NULL when nothing
 * was ever appended); the caller frees it. The buffer is empty afterwards. */
char *gen_buf_take(struct gen_buf *b, size_t *n);

#endif
