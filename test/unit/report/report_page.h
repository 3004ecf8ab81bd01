/* Reads a page of a report as a browser does: its data elements, unpacked. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/buf.h"

/* The content of the `nth` data element of a kind, unpacked; empty when there is none. The caller
 * releases it. `*n_items` (may be NULL) is its data-n. */
struct gen_buf page_data(struct gen_str page, const char *kind, size_t nth, size_t *n_items);

#endif
