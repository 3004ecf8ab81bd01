/*
 * util_int.h - what every room of the reader needs: the reading context, buffers with a ceiling, an
 * arena, loads.
 *
 * The context says where we are (file, column, page, byte) so that each check can name the place in
 * one call.
 */
#ifndef LNC_UTIL_INT_H
#define LNC_UTIL_INT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lnc/lnc_dataset.h"
#include "lnc/lnc_error.h"
#include "memory_int.h"

#define LNC_ALLOC_BYTES_DEFAULT ((size_t)256 << 20)
#define LNC_BATCH_BYTES_DEFAULT ((size_t)16 << 20)

#define LNC_NO_PAGE UINT64_MAX

/* The way out that every refusal ends with. */
#define LNC_WAY_OUT                                                                                \
    "export the table with the official client or rewrite it with storage version 2.2"

struct lnc_ctx {
    const char *file;          /* path of the file being read, or NULL */
    const char *column;        /* name of the column being read, or NULL */
    uint64_t page;             /* index of the page in its column, or LNC_NO_PAGE */
    uint64_t at;               /* byte in the file of what is being looked at, or LNC_NO_OFFSET */
    size_t alloc_max;          /* ceiling of one allocation */
    struct lnc_memory *memory; /* where memory comes from; NULL: malloc */
    struct lnc_error *err;
};

/* Write the error if there is one to write to. Use the macros below. */
void lnc_report(struct lnc_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void lnc_report_at(const struct lnc_ctx *cx, int code, const char *way_out, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Each writes the error and has its code as value. Macros, so that the compiler sees which code
 * that is. */
#define lnc_fail(err, code, ...)    (lnc_report((err), (code), __VA_ARGS__), (code))
#define lnc_fail_ctx(cx, code, ...) (lnc_report_at((cx), (code), NULL, __VA_ARGS__), (code))
/* About a file or directory as a whole: long paths are shown from their end. */
#define lnc_fail_path(err_, path, code, ...)                                                       \
    lnc_fail_ctx((&(const struct lnc_ctx){                                                         \
                     .file = (path), .page = LNC_NO_PAGE, .at = LNC_NO_OFFSET, .err = (err_)}),    \
                 code, __VA_ARGS__)
/* LNC_ECORRUPT at the place of the context. */
#define lnc_bad(cx, ...) lnc_fail_ctx(cx, LNC_ECORRUPT, __VA_ARGS__)
/* LNC_EUNSUPPORTED at the place of the context; the way out is appended. */
#define lnc_refuse(cx, ...)                                                                        \
    (lnc_report_at((cx), LNC_EUNSUPPORTED, LNC_WAY_OUT, __VA_ARGS__), LNC_EUNSUPPORTED)

/* Memory under the ceilings of the context; lnc_free() gives it back. LNC_ELIMIT, LNC_ENOMEM. */
int lnc_alloc(const struct lnc_ctx *cx, size_t size, void **out);
/* n zeroed elements, for small things of our own; NULL if there is no memory, then the caller
 * returns lnc_no_memory(). lnc_free() gives it back. */
void *lnc_calloc(const struct lnc_ctx *cx, size_t n, size_t size);
/* Says why `size` bytes could not be had; true if it was the ceiling of all. */
bool lnc_explain_no_memory(const struct lnc_ctx *cx, size_t size);
/* The same with its code as value: LNC_ENOMEM, or LNC_ELIMIT for the ceiling. Inline, so that the
 * compiler sees that it is never LNC_OK. */
static inline int lnc_no_memory(const struct lnc_ctx *cx, size_t size)
{
    return lnc_explain_no_memory(cx, size) ? LNC_ELIMIT : LNC_ENOMEM;
}

/* Bytes that grow and are reused; zero-initialised means empty. */
struct lnc_buf {
    uint8_t *data;
    size_t size;
    size_t cap;
};

/* Room for `cap` bytes, contents kept. */
int lnc_buf_reserve(const struct lnc_ctx *cx, struct lnc_buf *buf, size_t cap);
/* The same for n elements of a size; checks the product. */
int lnc_buf_reserve_n(const struct lnc_ctx *cx, struct lnc_buf *buf, uint64_t n,
                      size_t element_size);
int lnc_buf_append(const struct lnc_ctx *cx, struct lnc_buf *buf, const void *bytes, size_t n);
void lnc_buf_release(struct lnc_buf *buf);

/* Memory that is given back all at once. Blocks are aligned for every type and zeroed. */
struct lnc_arena {
    struct lnc_arena_block *last;
    size_t total;
};

int lnc_arena_alloc(const struct lnc_ctx *cx, struct lnc_arena *arena, uint64_t n,
                    size_t element_size, void **out);
/* A NUL-terminated copy; bytes that contain NUL are refused as corrupt. */
int lnc_arena_string(const struct lnc_ctx *cx, struct lnc_arena *arena, const void *bytes, size_t n,
                     const char **out);
void lnc_arena_release(struct lnc_arena *arena);

/* A piece of memory that somebody else owns. */
struct lnc_span {
    const uint8_t *data;
    size_t size;
};

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values are handed on as they lie in the files, which is little-endian"
#endif

/* Little-endian loads from any address. */
static inline uint16_t lnc_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (p[1] << 8));
}

static inline uint32_t lnc_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
}

static inline uint64_t lnc_le64(const uint8_t *p)
{
    return (uint64_t)lnc_le32(p) | ((uint64_t)lnc_le32(p + 4) << 32);
}

/* One unsigned value of 1, 2, 4 or 8 bytes at index i. */
static inline uint64_t lnc_load_uint(const uint8_t *values, size_t width, size_t i)
{
    switch (width) {
    case 1:
        return values[i];
    case 2:
        return lnc_le16(values + 2 * i);
    case 4:
        return lnc_le32(values + 4 * i);
    default:
        return lnc_le64(values + 8 * i);
    }
}

/* *out = a * b, or false if it does not fit. */
static inline bool lnc_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool lnc_add(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* True if [offset, offset + size) lies in [0, total). */
static inline bool lnc_inside(uint64_t offset, uint64_t size, uint64_t total)
{
    return offset <= total && size <= total - offset;
}

/* Expands n bits, least significant first, from bit `first` (0 to 7) on, to n bytes of 0 or 1.
 * `bits` holds at least (first + n + 7) / 8 bytes. */
void lnc_expand_bits(const uint8_t *bits, unsigned first, size_t n, uint8_t *out);

#endif
