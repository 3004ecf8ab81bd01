/* Compression with zlib: for pages that carry their data, and as a measure of repetition. */
#ifndef GEN_BASE_GZIP_H
#define GEN_BASE_GZIP_H

#include "base/buf.h"

/* Appends `data` as one gzip member (RFC 1952), compressed at level 6, with a header without name
 * and time, so that equal data give equal bytes. GEN_ENOMEM; GEN_ELIMIT when `out` has a ceiling
 * and it is reached. Any thread. */
GEN_MUST_USE int gen_gzip(struct gen_buf *out, struct gen_str data, struct gen_error *err);

#endif
