/*
 * page_int.h - a page being read: slots come out in row order, a group at a time.
 *
 * Each layout is one room (miniblock.c, fullzip.c, constant.c, array20.c, legacy.c) that makes a
 * `struct lnc_page_reader`. What a reader hands out has been checked: exactly the shape of the
 * column, never more slots than the page has.
 */
#ifndef LNC_PAGE_INT_H
#define LNC_PAGE_INT_H

#include "datafile_int.h"
#include "encoding_int.h"
#include "schema_int.h"
#include "stream_int.h"

/* Most slots that one call hands out, unless a chunk has more. */
#define LNC_SLOTS_MAX 1024u
/* A group of long values ends here, so that a group stays in memory. */
#define LNC_GROUP_BYTES ((size_t)1 << 20)

/* A group of rows. Valid until the next call of the reader. Where a slot is null its value is
 * arbitrary. */
struct lnc_slots {
    size_t n;
    const uint8_t *validity;      /* one byte a slot, 1 = present; NULL = all present */
    bool all_null;                /* then all pointers are NULL */
    const uint8_t *fixed;         /* n values of phys->width bytes, unaligned */
    const struct lnc_span *spans; /* n values, for variable width */
};

struct lnc_page_reader {
    /* Hands out 1 to n_max of the slots that are left, in order; n_max >= 1 and not above what is
     * left. */
    int (*next)(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                struct lnc_slots *out);
    void (*free)(struct lnc_page_reader *reader);
};

struct lnc_page_job {
    const struct lnc_source *source;
    const struct lnc_page *page;
    const struct lnc_phys *phys;
};

/* Opens a page by its own description. On success *out is owned by the caller, who frees it with
 * out->free(). The page's metadata must outlive the reader, the page itself need not. */
int lnc_page_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_page_reader **out);

/* One for each layout. */
int lnc_page21_open(struct lnc_ctx *cx, const struct lnc_page_job *job,
                    struct lnc_page_reader **out);
int lnc_miniblock_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_pb message,
                       struct lnc_page_reader **out);
int lnc_fullzip_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_pb message,
                     struct lnc_page_reader **out);
int lnc_constant_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_pb message,
                      struct lnc_page_reader **out);
int lnc_array20_open(struct lnc_ctx *cx, const struct lnc_page_job *job,
                     struct lnc_page_reader **out);

/* A reader of n null slots. */
int lnc_all_null_open(struct lnc_ctx *cx, struct lnc_page_reader **out);

/* Checks the layers of a flat column in 2.1+: [all valid] or [nullable]; *nullable tells which.
 * `list` holds uint64_t. */
int lnc_layers_check(const struct lnc_ctx *cx, const struct lnc_buf *list, bool *nullable);

/* Checks that decoded values have the shape of the column. */
int lnc_values_check(const struct lnc_ctx *cx, const struct lnc_phys *phys,
                     const struct lnc_values *values);

/* Refuses vectors with null items. A null vector may have them: writers leave its items null as
 * well. `items_valid` has a byte for each of n * n_items items or is NULL; so has `validity` for
 * each of n vectors. */
int lnc_items_check(const struct lnc_ctx *cx, const uint8_t *items_valid, const uint8_t *validity,
                    size_t n, size_t n_items);

/* Turns n definition levels (uint16_t, unaligned) into validity bytes; levels above 1 are damage.
 */
int lnc_levels_to_validity(const struct lnc_ctx *cx, const uint8_t *levels, size_t n,
                           uint8_t *validity);

/* Opens a stream over buffer i of the page. */
int lnc_page_stream(struct lnc_ctx *cx, const struct lnc_page_job *job, size_t i,
                    struct lnc_stream *out);

/* Reads buffer i of the page as a whole to *out. */
int lnc_page_load(struct lnc_ctx *cx, const struct lnc_page_job *job, size_t i,
                  struct lnc_buf *out);

#endif
