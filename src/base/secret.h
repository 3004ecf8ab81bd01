/*
 * A secret: an API key. It has its own type so that no format function takes it; it is wiped when
 * freed. It comes from the environment, and goes into one request header, nowhere else.
 */
#ifndef GEN_BASE_SECRET_H
#define GEN_BASE_SECRET_H

#include "base/buf.h"

struct gen_secret;

GEN_MUST_USE int gen_secret_new(struct gen_secret **out, struct gen_str value,
                                struct gen_error *err);
void gen_secret_free(struct gen_secret *s);
bool gen_secret_is_empty(const struct gen_secret *s);

/* Appends "<header>: <prefix><secret>" to a buffer that the caller wipes and frees after use. For
 * net/ only. */
GEN_MUST_USE int gen_secret_header(struct gen_buf *out, const char *header, const char *prefix,
                                   const struct gen_secret *s, struct gen_error *err);
/* Appends the bare secret, with a NUL behind it, to a buffer that the caller wipes after use. For
 * net/ only, and only for what makes a signature of it. */
GEN_MUST_USE int gen_secret_copy(struct gen_buf *out, const struct gen_secret *s,
                                 struct gen_error *err);
/* Overwrites each occurrence of the secret in `data` with asterisks, and returns how many there
 * were: servers say a refused key back. Secrets of fewer than 8 bytes are left alone, because they
 * occur by chance. NULL `s`: 0. */
size_t gen_secret_mask(const struct gen_secret *s, char *data, size_t n);
/* Overwrites the buffer's memory before freeing it. */
void gen_buf_wipe(struct gen_buf *b);

#endif
