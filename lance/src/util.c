#include "util_int.h"

#include <stdio.h>

#include "lnc/lnc.h"

/* Paths are shown from their end: the last components are what tells files apart. */
#define PATH_SHOWN_MAX 200

const char *lnc_version_string(void)
{
    return LNC_VERSION;
}

const char *lnc_status_name(int status)
{
    static const char *const names[] = {"ok",  "out of memory", "invalid argument", "not found",
                                        "i/o", "corrupt",       "unsupported",      "limit"};
    if (status < 0 || (size_t)status >= sizeof names / sizeof names[0])
        return "unknown";
    return names[status];
}

static size_t clamp_written(int n, size_t room)
{
    if (n < 0)
        return 0;
    return (size_t)n < room ? (size_t)n : room - 1;
}

static void format_place(const struct lnc_ctx *cx, char *dst, size_t room)
{
    size_t used = 0;
    dst[0] = '\0';
    if (cx->file != NULL) {
        size_t size = strlen(cx->file);
        const char *tail = size > PATH_SHOWN_MAX ? cx->file + size - PATH_SHOWN_MAX : cx->file;
        used += clamp_written(
            snprintf(dst + used, room - used, "%s%s: ", tail == cx->file ? "" : "...", tail),
            room - used);
    }
    if (cx->column != NULL)
        used += clamp_written(snprintf(dst + used, room - used, "column '%.100s', ", cx->column),
                              room - used);
    if (cx->page != LNC_NO_PAGE)
        used += clamp_written(
            snprintf(dst + used, room - used, "page %llu, ", (unsigned long long)cx->page),
            room - used);
    if (cx->at != LNC_NO_OFFSET)
        used += clamp_written(
            snprintf(dst + used, room - used, "byte %llu", (unsigned long long)cx->at),
            room - used);
    if (used >= 2 && dst[used - 2] == ',')
        used -= 2;
    if (used > 0 && dst[used - 1] != ' ')
        (void)snprintf(dst + used, room - used, ": ");
}

/* Cuts what has no room. */
static size_t append(char *dst, size_t room, size_t used, const char *text)
{
    size_t n = strnlen(text, room - 1 - used);
    memcpy(dst + used, text, n);
    dst[used + n] = '\0';
    return used + n;
}

static void set_error(const struct lnc_ctx *cx, int code, const char *what, const char *tail)
{
    struct lnc_error *err = cx->err;
    char place[360];
    format_place(cx, place, sizeof place);
    size_t used = append(err->message, sizeof err->message, 0, place);
    used = append(err->message, sizeof err->message, used, what);
    if (tail != NULL) {
        used = append(err->message, sizeof err->message, used, "; ");
        (void)append(err->message, sizeof err->message, used, tail);
    }
    err->code = code;
    err->offset = cx->at;
}

/* Both compose the text apart, since an argument may point into the message that is being replaced.
 */
void lnc_report(struct lnc_error *err, int code, const char *fmt, ...)
{
    struct lnc_ctx cx = {.page = LNC_NO_PAGE, .at = LNC_NO_OFFSET, .err = err};
    char what[512];
    va_list args;
    if (err == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    set_error(&cx, code, what, NULL);
}

void lnc_report_at(const struct lnc_ctx *cx, int code, const char *way_out, const char *fmt, ...)
{
    char what[512];
    va_list args;
    if (cx->err == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    set_error(cx, code, what, way_out);
}

static int too_large(const struct lnc_ctx *cx, uint64_t size)
{
    return lnc_fail_ctx(cx, LNC_ELIMIT,
                        "%llu bytes would be needed at once, the limit (alloc_bytes_max) is %zu",
                        (unsigned long long)size, cx->alloc_max);
}

int lnc_alloc(const struct lnc_ctx *cx, size_t size, void **out)
{
    if (size > cx->alloc_max)
        return too_large(cx, size);
    void *p = lnc_memory_alloc(cx->memory, size);
    if (p == NULL)
        return lnc_no_memory(cx, size);
    *out = p;
    return LNC_OK;
}

void *lnc_calloc(const struct lnc_ctx *cx, size_t n, size_t size)
{
    return lnc_memory_calloc(cx->memory, n, size);
}

bool lnc_explain_no_memory(const struct lnc_ctx *cx, size_t size)
{
    struct lnc_error why;
    bool is_full = lnc_memory_explain(cx->memory, size, &why);
    lnc_report_at(cx, is_full ? LNC_ELIMIT : LNC_ENOMEM, NULL, "%s", why.message);
    return is_full;
}

int lnc_buf_reserve(const struct lnc_ctx *cx, struct lnc_buf *buf, size_t cap)
{
    if (cap <= buf->cap)
        return LNC_OK;
    if (cap > cx->alloc_max)
        return too_large(cx, cap);
    size_t grown = buf->cap + buf->cap / 2;
    if (grown < cap || grown > cx->alloc_max)
        grown = cap;
    uint8_t *data = lnc_memory_realloc(cx->memory, buf->data, grown);
    if (data == NULL)
        return lnc_no_memory(cx, grown - buf->cap);
    buf->data = data;
    buf->cap = grown;
    return LNC_OK;
}

int lnc_buf_reserve_n(const struct lnc_ctx *cx, struct lnc_buf *buf, uint64_t n,
                      size_t element_size)
{
    uint64_t size;
    if (!lnc_mul(n, element_size, &size) || size > SIZE_MAX)
        return too_large(cx, UINT64_MAX);
    /* Never NULL, so that callers may pass the pointer on when n is 0. */
    return lnc_buf_reserve(cx, buf, size > 0 ? (size_t)size : 1);
}

int lnc_buf_append(const struct lnc_ctx *cx, struct lnc_buf *buf, const void *bytes, size_t n)
{
    if (n > SIZE_MAX - buf->size)
        return too_large(cx, UINT64_MAX);
    int rc = lnc_buf_reserve(cx, buf, buf->size + n);
    if (rc != LNC_OK)
        return rc;
    if (n > 0)
        memcpy(buf->data + buf->size, bytes, n);
    buf->size += n;
    return LNC_OK;
}

void lnc_buf_release(struct lnc_buf *buf)
{
    lnc_free(buf->data);
    *buf = (struct lnc_buf){0};
}

#define ARENA_BLOCK_BYTES ((size_t)16 << 10)
#define ARENA_ALIGN       ((size_t)16)

struct lnc_arena_block {
    struct lnc_arena_block *previous;
    size_t used;
    size_t size;
    _Alignas(16) uint8_t bytes[];
};

int lnc_arena_alloc(const struct lnc_ctx *cx, struct lnc_arena *arena, uint64_t n,
                    size_t element_size, void **out)
{
    uint64_t wanted = UINT64_MAX;
    if (!lnc_mul(n, element_size, &wanted) || wanted > cx->alloc_max ||
        arena->total > cx->alloc_max - wanted)
        return too_large(cx, wanted);
    size_t size = ((size_t)wanted + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    struct lnc_arena_block *block = arena->last;
    if (block == NULL || block->size - block->used < size) {
        size_t block_size = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;
        block = lnc_calloc(cx, 1, sizeof *block + block_size);
        if (block == NULL)
            return lnc_no_memory(cx, block_size);
        block->size = block_size;
        block->previous = arena->last;
        arena->last = block;
    }
    *out = block->bytes + block->used;
    block->used += size;
    arena->total += size;
    return LNC_OK;
}

int lnc_arena_string(const struct lnc_ctx *cx, struct lnc_arena *arena, const void *bytes, size_t n,
                     const char **out)
{
    if (n > 0 && memchr(bytes, '\0', n) != NULL)
        return lnc_bad(cx, "a name contains a NUL byte");
    void *copy = NULL;
    int rc = lnc_arena_alloc(cx, arena, (uint64_t)n + 1, 1, &copy);
    if (rc != LNC_OK)
        return rc;
    if (n > 0)
        memcpy(copy, bytes, n);
    *out = copy;
    return LNC_OK;
}

void lnc_arena_release(struct lnc_arena *arena)
{
    struct lnc_arena_block *block = arena->last;
    while (block != NULL) {
        struct lnc_arena_block *previous = block->previous;
        lnc_free(block);
        block = previous;
    }
    *arena = (struct lnc_arena){0};
}

void lnc_expand_bits(const uint8_t *bits, unsigned first, size_t n, uint8_t *out)
{
    size_t i = 0;
    for (; first == 0 && i + 8 <= n; i += 8) {
        unsigned byte = bits[i / 8];
        for (unsigned k = 0; k < 8; k++)
            out[i + k] = (uint8_t)((byte >> k) & 1u);
    }
    for (; i < n; i++)
        out[i] = (uint8_t)(((unsigned)bits[(first + i) / 8] >> ((first + i) % 8)) & 1u);
}
