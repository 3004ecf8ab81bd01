#include "base/secret.h"

#include <stdlib.h>

#define MASKED_BYTES_MIN 8

struct gen_secret {
    size_t n;
    char value[];
};

int gen_secret_new(struct gen_secret **out, struct gen_str value, struct gen_error *err)
{
    for (size_t i = 0; i < value.n; i++) {
        /* A line break would let the value forge further headers. */
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            return gen_fail(err, GEN_EUSAGE,
                            "the API key holds a control character; check how it was exported");
    }
    struct gen_secret *s = malloc(sizeof(*s) + value.n + 1);
    if (!s)
        return gen_nomem(err, "a key");
    s->n = value.n;
    if (value.n)
        memcpy(s->value, value.p, value.n);
    s->value[value.n] = '\0';
    *out = s;
    return GEN_OK;
}

void gen_secret_free(struct gen_secret *s)
{
    if (!s)
        return;
    explicit_bzero(s->value, s->n);
    free(s);
}

bool gen_secret_is_empty(const struct gen_secret *s)
{
    return !s || s->n == 0;
}

int gen_secret_header(struct gen_buf *out, const char *header, const char *prefix,
                      const struct gen_secret *s, struct gen_error *err)
{
    /* Room for everything at once: growing would leave copies of the key in freed memory. */
    int rc = gen_buf_reserve(out, strlen(header) + strlen(prefix) + s->n + 3, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(out, err, "%s: %s", header, prefix);
    if (rc == GEN_OK)
        rc = gen_buf_add(out, s->value, s->n, err);
    return rc;
}

int gen_secret_copy(struct gen_buf *out, const struct gen_secret *s, struct gen_error *err)
{
    return gen_buf_add(out, s->value, s->n, err);
}

size_t gen_secret_mask(const struct gen_secret *s, char *data, size_t n)
{
    size_t n_masked = 0;
    if (!s || s->n < MASKED_BYTES_MIN)
        return 0;
    char *at;
    for (size_t from = 0; from < n && (at = memmem(data + from, n - from, s->value, s->n));) {
        memset(at, '*', s->n);
        from = (size_t)(at - data) + s->n;
        n_masked++;
    }
    return n_masked;
}

void gen_buf_wipe(struct gen_buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->capacity);
    gen_buf_release(b);
}
