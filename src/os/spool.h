/* A temporary file of bytes that are read again later, out of order: without a name, so that it is
 * gone with the process whatever ends it. It lies in the folder of the output, where room for as
 * much is needed anyway. */
#ifndef GEN_OS_SPOOL_H
#define GEN_OS_SPOOL_H

#include "base/buf.h"

struct gen_spool;

/* In the folder of `near_path`, which must exist; for "-" in TMPDIR. GEN_EIO names it. */
GEN_MUST_USE int gen_spool_open(struct gen_spool **out, const char *near_path,
                                struct gen_error *err);
/* Appends; buffered. */
GEN_MUST_USE int gen_spool_add(struct gen_spool *s, struct gen_str data, struct gen_error *err);
uint64_t gen_spool_bytes(const struct gen_spool *s);
/* Appends `n` bytes from `offset` to `out`. GEN_ESTATE when they were never written. */
GEN_MUST_USE int gen_spool_read(struct gen_spool *s, uint64_t offset, size_t n, struct gen_buf *out,
                                struct gen_error *err);
void gen_spool_close(struct gen_spool *s); /* NULL is fine */

#endif
