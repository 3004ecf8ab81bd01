#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void gen_buf_release(struct gen_buf *b)
{
    free(b->data);
    b->data = NULL;
    b->n = 0;
    b->capacity = 0;
}

int gen_buf_reserve(struct gen_buf *b, size_t more, struct gen_error *err)
{
    if (more > b->bytes_max || b->n > b->bytes_max - more)
        return gen_fail(err, GEN_ELIMIT, "a buffer would grow over its limit of %zu bytes",
                        b->bytes_max);
    size_t need = b->n + more + 1;
    if (need <= b->capacity)
        return GEN_OK;
    size_t capacity = b->capacity ? b->capacity : 64;
    while (capacity < need)
        capacity += capacity / 2 + 8;
    char *data = realloc(b->data, capacity);
    if (!data)
        return gen_nomem(err, "a growing buffer");
    b->data = data;
    b->capacity = capacity;
    return GEN_OK;
}

int gen_buf_add(struct gen_buf *b, const void *data, size_t n, struct gen_error *err)
{
    int rc = gen_buf_reserve(b, n, err);
    if (rc)
        return rc;
    if (n)
        memcpy(b->data + b->n, data, n);
    b->n += n;
    b->data[b->n] = '\0';
    return GEN_OK;
}

int gen_buf_add_str(struct gen_buf *b, struct gen_str s, struct gen_error *err)
{
    return gen_buf_add(b, s.p, s.n, err);
}

int gen_buf_add_c(struct gen_buf *b, const char *text, struct gen_error *err)
{
    return gen_buf_add(b, text, strlen(text), err);
}

int gen_buf_add_char(struct gen_buf *b, char c, struct gen_error *err)
{
    return gen_buf_add(b, &c, 1, err);
}

int gen_buf_printf(struct gen_buf *b, struct gen_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return gen_fail(err, GEN_ELIMIT, "a text could not be formatted");
    int rc = gen_buf_reserve(b, (size_t)n, err);
    if (rc)
        return rc;
    va_start(args, format);
    (void)vsnprintf(b->data + b->n, (size_t)n + 1, format, args);
    va_end(args);
    b->n += (size_t)n;
    return GEN_OK;
}

char *gen_buf_take(struct gen_buf *b, size_t *n)
{
    char *data = b->data;
    if (n)
        *n = b->n;
    b->data = NULL;
    b->n = 0;
    b->capacity = 0;
    return data;
}
