/*
 * Private to report/: the data within the page. Each piece is a <script> element of a type that no
 * browser runs:
 *
 *   <script type="application/octet-stream" data-kind="KIND" data-n="N">base64 of gzip</script>
 *   <script type="application/json" data-kind="KIND">JSON</script>
 *
 * Base64 has no character that could end the element; of JSON, <, >, & and the line separators
 * U+2028 and U+2029 are written as escapes. So no text of a dataset can break out of it.
 */
#ifndef GEN_REPORT_BLOCKS_H
#define GEN_REPORT_BLOCKS_H

#include "base/buf.h"

#include <stdint.h>

#define GEN_REPORT_BLOCK_ITEMS 1000
#define GEN_REPORT_BLOCK_BYTES ((size_t)1 << 20)

/* RFC 4648, with padding. */
GEN_MUST_USE int gen_report_base64(struct gen_buf *out, struct gen_str data, struct gen_error *err);
/* Appends JSON text so that it can stand in a <script> element, and means the same. */
GEN_MUST_USE int gen_report_escape_json(struct gen_buf *out, struct gen_str json,
                                        struct gen_error *err);

/* The page under construction. */
struct gen_report_page {
    int (*write)(void *ud, struct gen_str data, struct gen_error *err);
    void *ud;
    uint64_t n_bytes;
};
GEN_MUST_USE int gen_report_put(struct gen_report_page *p, struct gen_str data,
                                struct gen_error *err);
GEN_MUST_USE int gen_report_put_json(struct gen_report_page *p, const char *kind,
                                     struct gen_str json, struct gen_error *err);
GEN_MUST_USE int gen_report_put_bytes(struct gen_report_page *p, const char *kind, size_t n_items,
                                      struct gen_str data, struct gen_error *err);

/* Items of JSON text, put into the page as arrays of GEN_REPORT_BLOCK_ITEMS, or fewer when they
 * reach GEN_REPORT_BLOCK_BYTES. */
struct gen_report_blocks {
    struct gen_report_page *page;
    const char *kind;
    struct gen_buf text;
    size_t n; /* items in `text` */
};
struct gen_report_blocks gen_report_blocks_make(struct gen_report_page *page, const char *kind);
/* Where the text of the next item is to be appended; followed by gen_report_blocks_end_item. */
GEN_MUST_USE int gen_report_blocks_begin_item(struct gen_report_blocks *b, struct gen_buf **out,
                                              struct gen_error *err);
GEN_MUST_USE int gen_report_blocks_end_item(struct gen_report_blocks *b, struct gen_error *err);
/* Puts what is left. */
GEN_MUST_USE int gen_report_blocks_flush(struct gen_report_blocks *b, struct gen_error *err);
void gen_report_blocks_release(struct gen_report_blocks *b);

/*
 * Numbers of all rows, for plots and sorting: groups of rows, each column by column, 32 bits little
 * endian. Numbers with fractions are multiplied (scores by 100, shares by 1000).
 */
enum gen_report_column {
    GEN_REPORT_ROW = 0, /* in its file, from 1 */
    GEN_REPORT_STATE,   /* enum gen_report_state */
    GEN_REPORT_RATING,
    GEN_REPORT_CLARITY,
    GEN_REPORT_ACCURACY,
    GEN_REPORT_USEFULNESS,
    GEN_REPORT_DIFFICULTY,
    GEN_REPORT_QUESTION_WORDS,
    GEN_REPORT_ANSWER_WORDS,
    GEN_REPORT_REASONING_WORDS,
    GEN_REPORT_SOURCE, /* index into facts.sources */
    GEN_REPORT_CHUNK,  /* index into the items of "chunks" */
    GEN_REPORT_GROUNDING,
    GEN_REPORT_TOOL_SELECTION, /* from here on: of tool records */
    GEN_REPORT_PARAMETER_CORRECTNESS,
    GEN_REPORT_REASONING_QUALITY,
    GEN_REPORT_RESULT_USEFULNESS,
    GEN_REPORT_N_COLUMNS,
};
enum gen_report_state { GEN_REPORT_KEPT = 0, GEN_REPORT_DROPPED = 1 };

#define GEN_REPORT_NO_VALUE   INT32_MIN
#define GEN_REPORT_GROUP_ROWS 16384

struct gen_report_columns {
    struct gen_report_page *page;
    int32_t *values; /* [GEN_REPORT_N_COLUMNS][GEN_REPORT_GROUP_ROWS] */
    size_t n;
};
GEN_MUST_USE int gen_report_columns_init(struct gen_report_columns *c, struct gen_report_page *page,
                                         struct gen_error *err);
GEN_MUST_USE int gen_report_columns_add(struct gen_report_columns *c,
                                        const int32_t row[GEN_REPORT_N_COLUMNS],
                                        struct gen_error *err);
GEN_MUST_USE int gen_report_columns_flush(struct gen_report_columns *c, struct gen_error *err);
void gen_report_columns_release(struct gen_report_columns *c);

#endif
