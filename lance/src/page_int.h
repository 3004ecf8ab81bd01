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
    const uint8_t *items_valid;   /* of vectors: one byte an item, 0 = null; NULL = all present */
    /* Pages of 2.1+ below lists and structs hand out entries, of which n have a slot: those whose
     * definition level is at most layers.max_visible. The levels have been checked. */
    size_t n_entries;
    const uint8_t *rep; /* uint16_t each, unaligned; NULL = all 0 */
    const uint8_t *def; /* likewise */
};

/* What stands above a value, from the column inwards: true for a list, false for a struct. */
struct lnc_path {
    size_t n;
    bool is_list[LNC_NEST_MAX];
};

/* Two levels a layer, and a layer for each node and for the value itself. */
#define LNC_DEF_LEVELS_MAX (2 * (LNC_NEST_MAX + 1))

/* What the levels of a page mean (lance-format.md 4.1). */
struct lnc_layers {
    unsigned max_rep;     /* number of lists */
    unsigned n_def;       /* highest definition level */
    unsigned max_visible; /* highest one that still has a slot for its value */
    struct {
        uint8_t node; /* of the path, path.n for the value */
        bool is_empty;
    } level[LNC_DEF_LEVELS_MAX + 1];
};

struct lnc_page_reader {
    /* Hands out 1 to n_max of the slots that are left, in order; n_max >= 1 and not above what is
     * left. Pages with entries hand out any number of them, 0 at the end of the page; n_max has no
     * meaning there. */
    int (*next)(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                struct lnc_slots *out);
    void (*free)(struct lnc_page_reader *reader);
    struct lnc_layers layers; /* of pages with entries */
    bool hands_out_field;     /* of packed structs: the field of the job, not whole structs */
    uint64_t first_item;      /* of list columns: items before those of the first row (0.1) */
};

struct lnc_page_job {
    const struct lnc_source *source;
    const struct lnc_page *page;
    const struct lnc_phys *phys;
    const struct lnc_path *path; /* 2.1+: what the column lies in; NULL for a flat one */
    /* A field of a packed struct, of which `phys` is the shape; NULL else. */
    const struct lnc_phys *field;
    size_t field_index; /* of n_fields */
    size_t n_fields;
    const struct lnc_store *store; /* of blobs: where their own files are opened */
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

/* Blobs, which the pages of each of them only point at. The context's file is the data file. */
int lnc_blob_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_page_reader **out);

/* Where the descriptions of blobs (version 2) are spans of this many bytes and the URI behind. */
#define LNC_BLOB_BYTES_MIN ((size_t)25)

/* True if a page of 2.0 is the header of a struct, which holds nothing. */
bool lnc_array20_is_header(const struct lnc_page *page);

/* True if a page of 2.0 holds packed structs in all of its rows. */
bool lnc_array20_is_packed(const struct lnc_page *page);

/* True if a page of 2.0 holds the offsets of lists. */
bool lnc_array20_is_list(const struct lnc_page *page);

/* Checks that the layers of a page (uint64_t each, the value first) are those of the path, which
 * may be NULL. */
int lnc_layers_parse(const struct lnc_ctx *cx, const struct lnc_buf *list,
                     const struct lnc_path *path, struct lnc_layers *out);

/* Checks n_entries levels, sets *n_visible to how many of them have a slot, and writes a validity
 * byte for each of these; `validity` has room for n_entries. */
int lnc_levels_check(const struct lnc_ctx *cx, const struct lnc_layers *layers,
                     const struct lnc_slots *entries, uint8_t *validity, size_t *n_visible);

/* Decodes a block of levels to *out, n of uint16_t. */
int lnc_levels_decode(const struct lnc_ctx *cx, struct lnc_decoder *d, const struct lnc_enc *enc,
                      struct lnc_span block, uint64_t n, const uint8_t **out);

/* Checks that decoded values have the shape of the column. */
int lnc_values_check(const struct lnc_ctx *cx, const struct lnc_phys *phys,
                     const struct lnc_values *values);

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
