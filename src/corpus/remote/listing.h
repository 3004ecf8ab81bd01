/* The answers of S3 to ListObjectsV2, read with expat. No document type is accepted, so nothing in
 * them can grow. */
#ifndef GEN_CORPUS_REMOTE_LISTING_H
#define GEN_CORPUS_REMOTE_LISTING_H

#include "base/buf.h"

#include <stdbool.h>

/* A key, or a common prefix (with its slash at the end). The view is valid during the call. A code
 * that is not GEN_OK ends the reading and is returned. */
typedef int gen_listed_fn(void *ud, struct gen_str key, bool is_prefix, struct gen_error *err);

/* One page. `token` gets the mark of the next page; it is empty after the last. GEN_EPARSE for what
 * is no such listing. */
GEN_MUST_USE int gen_listing_read(struct gen_str xml, gen_listed_fn *each, void *ud,
                                  struct gen_buf *token, struct gen_error *err);

/* The text of the first element with this name; false when there is none. Cut to `size`, and
 * printable ASCII: all else is blank. For errors, which are one flat element. */
bool gen_xml_text(struct gen_str xml, const char *name, char *out, size_t size);

#endif
