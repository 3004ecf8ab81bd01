/*
 * The ten rules on untrusted input (lance-format.md 8): for each a table that
 * breaks it, and the sentence that says so. A table is made by hand of one
 * column in one page; a case replaces what it breaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../fuzz/fuzz_store.h"

#define BYTES(...)      (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define MINIBLOCK(...)  BYTES(0x0a, __VA_ARGS__)
#define CONSTANT(...)   BYTES(0x12, __VA_ARGS__)
#define PAGE_LAYOUT     "/lance.encodings21.PageLayout"
#define ARRAY_ENCODING  "/lance.encodings.ArrayEncoding"
#define BUFFERS_MAX     3
#define LONGER_THAN_ALL 1000000000u

/* Zero means: as in a sound table of 4 rows. */
struct hostile {
    unsigned rule;
    int code;
    const char *says;
    const char *type;    /* logical type; default int32 */
    const uint8_t *page; /* description of the page */
    size_t page_size;
    const char *grammar; /* default PAGE_LAYOUT */
    struct {
        const uint8_t *bytes;
        size_t size;
    } buffer[BUFFERS_MAX];
    uint32_t page_rows;
    uint32_t extra_size; /* added to the size of buffer 0 as the page says it */
    uint32_t n_columns;  /* as the footer says it */
    const char *path;    /* of the data file */
    uint64_t flags;
    const uint8_t *deletion; /* a Roaring bitmap */
    size_t deletion_size;
    const uint8_t *manifest_tail; /* bytes after the message of the manifest */
    size_t manifest_tail_size;
    uint64_t physical_rows;
};

static void put_manifest(struct fuzz_file *out, const struct hostile *h)
{
    struct fuzz_file manifest = {0};
    struct fuzz_file field = {0};
    struct fuzz_file file = {0};
    struct fuzz_file deletion = {0};
    struct fuzz_file fragment = {0};
    struct fuzz_file writer = {0};
    fuzz_put_text(&field, 2, "c");
    fuzz_put_number(&field, 4, (uint64_t)-1);
    fuzz_put_text(&field, 5, h->type != NULL ? h->type : "int32");
    fuzz_put_number(&field, 6, 1);
    fuzz_put_message(&manifest, 1, &field);
    fuzz_put_text(&file, 1, h->path != NULL ? h->path : "a.lance");
    fuzz_put_number(&file, 2, 0);
    fuzz_put_number(&file, 3, 0);
    fuzz_put_number(&file, 4, 2);
    fuzz_put_number(&file, 5, 2);
    fuzz_put_message(&fragment, 2, &file);
    if (h->deletion != NULL) {
        fuzz_put_number(&deletion, 1, 1);
        fuzz_put_number(&deletion, 3, 1);
        fuzz_put_message(&fragment, 3, &deletion);
    }
    fuzz_put_number(&fragment, 4, h->physical_rows != 0 ? h->physical_rows : 4);
    fuzz_put_message(&manifest, 2, &fragment);
    fuzz_put_number(&manifest, 3, 1);
    fuzz_put_number(&manifest, 9, h->flags);
    fuzz_put_text(&writer, 1, "lance");
    fuzz_put_text(&writer, 2, "12.0.0");
    fuzz_put_message(&manifest, 13, &writer);
    fuzz_put(&manifest, h->manifest_tail, h->manifest_tail_size);
    fuzz_put_manifest(out, manifest.bytes, manifest.size);
    fuzz_file_release(&manifest);
}

static void put_data(struct fuzz_file *data, const struct hostile *h)
{
    struct fuzz_file page = {0};
    struct fuzz_file any = {0};
    struct fuzz_file direct = {0};
    struct fuzz_file encoding = {0};
    struct fuzz_file column = {0};
    for (size_t i = 0; i < BUFFERS_MAX && h->buffer[i].bytes != NULL; i++) {
        fuzz_put_number(&page, 1, data->size);
        fuzz_put_number(&page, 2, h->buffer[i].size + (i == 0 ? h->extra_size : 0));
        fuzz_put(data, h->buffer[i].bytes, h->buffer[i].size);
    }
    fuzz_put_number(&page, 3, h->page_rows != 0 ? h->page_rows : 4);
    fuzz_put_text(&any, 1, h->grammar != NULL ? h->grammar : PAGE_LAYOUT);
    fuzz_put_bytes(&any, 2, h->page, h->page_size);
    fuzz_put_message(&direct, 1, &any);
    fuzz_put_message(&encoding, 2, &direct);
    fuzz_put_message(&page, 4, &encoding);
    fuzz_put_message(&column, 2, &page);
    uint64_t start = data->size;
    uint64_t size = column.size;
    fuzz_put(data, column.bytes, column.size);
    fuzz_file_release(&column);
    uint64_t table = data->size;
    fuzz_put_int(data, start, 8);
    fuzz_put_int(data, size, 8);
    fuzz_put_int(data, start, 8);
    fuzz_put_int(data, table, 8);
    fuzz_put_int(data, table, 8);
    fuzz_put_int(data, 0, 4);
    fuzz_put_int(data, h->n_columns != 0 ? h->n_columns : 1, 4);
    fuzz_put_int(data, 2, 2);
    fuzz_put_int(data, 2, 2);
    fuzz_put(data, "LANC", 4);
}

static int read_batch(struct lnc_dataset *ds, struct lnc_batch *batch, struct lnc_error *err)
{
    static const char *const columns[] = {"c"};
    struct lnc_scan_options options = {.columns = columns, .n_columns = 1};
    struct lnc_scan *scan = NULL;
    int rc = lnc_scan_open(ds, &options, &scan, err);
    if (rc == LNC_OK)
        rc = lnc_scan_next(scan, batch, err);
    lnc_scan_close(scan);
    return rc;
}

static int read_hostile(const struct hostile *h, struct lnc_batch *batch, struct lnc_error *err)
{
    struct fuzz_file manifest = {0};
    struct fuzz_file data = {0};
    struct lnc_store store = {0};
    struct lnc_dataset *ds = NULL;
    put_manifest(&manifest, h);
    put_data(&data, h);
    struct lnc_memory_file files[] = {
        {"t.lance/_versions/1.manifest", manifest.bytes, manifest.size},
        {"t.lance/data/a.lance", data.bytes, data.size},
        {"t.lance/_deletions/0-0-1.bin", h->deletion, h->deletion_size},
    };
    assert_int_equal(lnc_store_memory(&store, files, 3, NULL), LNC_OK);
    struct lnc_options options = {.store = &store, .limits = {.alloc_bytes_max = FUZZ_ALLOC_MAX}};
    int rc = lnc_dataset_open("t.lance", &options, &ds, err);
    if (rc == LNC_OK)
        rc = read_batch(ds, batch, err);
    lnc_dataset_close(ds);
    lnc_store_release(&store);
    fuzz_file_release(&manifest);
    fuzz_file_release(&data);
    return rc;
}

/* Layout: values Flat{32}, layers [1], one value buffer, 4 items. */
#define FLAT_PAGE MINIBLOCK(13, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x32, 1, 1, 0x38, 1, 0x48, 4)
/* One chunk of 24 bytes: no levels, a buffer of 16 bytes. */
#define CHUNK_WORD BYTES(0x20, 0)
#define FLAT_CHUNK BYTES(0, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0)
/* Layout of strings: Variable{Flat{32}}; the chunk has five offsets, from 20,
 * and four bytes. */
#define STRING_PAGE                                                                                \
    MINIBLOCK(17, 0x1a, 8, 0x12, 6, 0x0a, 4, 0x0a, 2, 0x08, 32, 0x32, 1, 1, 0x38, 1, 0x48, 4)
#define STRING_WORD BYTES(0x30, 0)
#define STRING_CHUNK(a, b, c, d)                                                                   \
    BYTES(0, 0, 24, 0, 0, 0, 0, 0, 20, 0, 0, 0, a, 0, 0, 0, b, 0, 0, 0, c, 0, 0, 0, d, 0, 0, 0,    \
          'a', 0xff, 0xc3, 'd')

static const struct hostile cases[] = {
    /* 1. Offsets and sizes against the file; sizes of tables before they are
       multiplied. */
    {.rule = 1,
     .code = LNC_ECORRUPT,
     .says = "reaches beyond the end of the file",
     .page = FLAT_PAGE,
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}},
     .extra_size = LONGER_THAN_ALL},
    {.rule = 1,
     .code = LNC_ECORRUPT,
     .says = "the table of 4294967295 columns lies outside of the file",
     .page = FLAT_PAGE,
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}},
     .n_columns = UINT32_MAX},
    /* 2. Protobuf: a length beyond the parent, a varint of 11 bytes, field 0, a
       group; depth. */
    {.rule = 2,
     .code = LNC_ECORRUPT,
     .says = "protobuf message",
     .page = MINIBLOCK(13, 0x1a, 40, 0x0a, 2, 0x08, 32, 0x32, 1, 1, 0x38, 1, 0x48, 4)},
    {.rule = 2,
     .code = LNC_ECORRUPT,
     .says = "the protobuf message Manifest is damaged",
     .manifest_tail = BYTES(0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)},
    {.rule = 2,
     .code = LNC_ECORRUPT,
     .says = "the protobuf message Manifest is damaged",
     .manifest_tail = BYTES(0x00, 0x00)},
    {.rule = 2,
     .code = LNC_ECORRUPT,
     .says = "the protobuf message Manifest is damaged",
     .manifest_tail = BYTES(0x0b, 0x0c)},
    {.rule = 2, /* a general encoding in an RLE in a general encoding */
     .code = LNC_EUNSUPPORTED,
     .says = "nests the encoding",
     .page =
         MINIBLOCK(33, 0x1a, 24, 0x52, 22, 0x0a, 2, 0x08, 2, 0x1a, 16, 0x42, 14, 0x0a, 12, 0x52, 10,
                   0x0a, 2, 0x08, 2, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x32, 1, 1, 0x38, 2, 0x48, 4),
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}}},
    /* 3. Counts agree; allocation only below the limit. */
    {.rule = 3,
     .code = LNC_ECORRUPT,
     .says = "the column has 5 rows, its fragment has 4",
     .page = FLAT_PAGE,
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}},
     .page_rows = 5},
    {.rule = 3,
     .code = LNC_ECORRUPT,
     .says = "the page has 4 rows but 9 items",
     .page = MINIBLOCK(13, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x32, 1, 1, 0x38, 1, 0x48, 9),
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}}},
    {.rule = 3, /* the word says 2^15 values */
     .code = LNC_ECORRUPT,
     .says = "a chunk has 32768 rows where the page has 4 left",
     .page = FLAT_PAGE,
     .buffer = {{BYTES(0x2f, 0, 0x20, 0)}, {FLAT_CHUNK}}},
    {.rule = 3, /* a dictionary of 2^30 items, run-length encoded */
     .code = LNC_ELIMIT,
     .says = "the limit (alloc_bytes_max) is 16777216",
     .page = MINIBLOCK(35, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x22, 14, 0x42, 12, 0x0a, 4, 0x0a, 2, 0x08,
                       32, 0x12, 4, 0x0a, 2, 0x08, 8, 0x28, 0x80, 0x80, 0x80, 0x80, 4, 0x32, 1, 1,
                       0x38, 1, 0x48, 4),
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}, {BYTES(4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9)}}},
    /* 4. Decompressed sizes: a cap, and the size that was declared; runs stop
       at n. */
    {.rule = 4,
     .code = LNC_ELIMIT,
     .says = "a compressed block declares 2147483647 bytes, the limit",
     .page = MINIBLOCK(21, 0x1a, 12, 0x52, 10, 0x0a, 2, 0x08, 1, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x32,
                       1, 1, 0x38, 1, 0x48, 4),
     .buffer = {{CHUNK_WORD},
                {BYTES(0, 0, 16, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                       0, 0, 0)}}},
    {.rule = 4, /* an LZ4 block of two literals that declares 16 bytes */
     .code = LNC_ECORRUPT,
     .says = "a compressed block declares 16 bytes but holds 2",
     .page = MINIBLOCK(21, 0x1a, 12, 0x52, 10, 0x0a, 2, 0x08, 1, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x32,
                       1, 1, 0x38, 1, 0x48, 4),
     .buffer = {{BYTES(0x10, 0)}, {BYTES(0, 0, 7, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0x20, 'a', 'b', 0)}}},
    {.rule = 4, /* Rle{Flat 32, Flat 8}: one run of three */
     .code = LNC_ECORRUPT,
     .says = "the runs of a chunk give 3 values instead of 4",
     .page = MINIBLOCK(23, 0x1a, 14, 0x42, 12, 0x0a, 4, 0x0a, 2, 0x08, 32, 0x12, 4, 0x0a, 2, 0x08,
                       8, 0x32, 1, 1, 0x38, 2, 0x48, 4),
     .buffer = {{BYTES(0x20, 0)},
                {BYTES(0, 0, 4, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0)}}},
    /* 5. Offsets in order and inside, dictionary indices, widths. */
    {.rule = 5,
     .code = LNC_ECORRUPT,
     .says = "string 1 of a chunk ends at 20, starts at 21",
     .type = "string",
     .page = STRING_PAGE,
     .buffer = {{STRING_WORD}, {STRING_CHUNK(21, 20, 23, 24)}}},
    {.rule = 5,
     .code = LNC_ECORRUPT,
     .says = "string 3 of a chunk ends at 99",
     .type = "string",
     .page = STRING_PAGE,
     .buffer = {{STRING_WORD}, {STRING_CHUNK(21, 22, 23, 99)}}},
    {.rule = 5, /* a dictionary of two items, indices 1 2 3 4 */
     .code = LNC_ECORRUPT,
     .says = "dictionary index 2 of 2",
     .page = MINIBLOCK(21, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x22, 4, 0x0a, 2, 0x08, 32, 0x28, 2, 0x32, 1,
                       1, 0x38, 1, 0x48, 4),
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}, {BYTES(5, 0, 0, 0, 6, 0, 0, 0)}}},
    {.rule = 5, /* InlineBitpacking{32} with the width 40 */
     .code = LNC_ECORRUPT,
     .says = "values of 40 bits in words of 32",
     .page = MINIBLOCK(13, 0x1a, 4, 0x2a, 2, 0x08, 32, 0x32, 1, 1, 0x38, 1, 0x48, 4),
     .buffer = {{BYTES(0x10, 0)}, {BYTES(0, 0, 4, 0, 0, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0)}}},
    {.rule = 5, /* bit packing in words of 12 bits */
     .code = LNC_ECORRUPT,
     .says = "an impossible InlineBitpacking encoding",
     .page = MINIBLOCK(13, 0x1a, 4, 0x2a, 2, 0x08, 12, 0x32, 1, 1, 0x38, 1, 0x48, 4),
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}}},
    {.rule = 5, /* values of 12 bits */
     .code = LNC_ECORRUPT,
     .says = "plain values of 12 bits",
     .page = MINIBLOCK(13, 0x1a, 4, 0x0a, 2, 0x08, 12, 0x32, 1, 1, 0x38, 1, 0x48, 4),
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}}},
    {.rule =
         5, /* 2.0: vectors of 2 vectors of 2, of which some are null: 2 and not 4 flags a row */
     .code = LNC_EUNSUPPORTED,
     .says = "vectors of something else than values of fixed width",
     .type = "fixed_size_list:float:4",
     .grammar = ARRAY_ENCODING,
     .page = BYTES(0x1a, 32, 0x08, 2, 0x12, 28, 0x12, 26, 0x12, 24, 0x0a, 6, 0x0a, 4, 0x08, 1, 0x12,
                   0, 0x12, 14, 0x1a, 12, 0x08, 2, 0x12, 8, 0x0a, 6, 0x08, 32, 0x12, 2, 0x08, 1),
     .buffer = {{BYTES(0xff, 0)}, {BYTES([63] = 0)}}},
    /* 6. Levels; every chunk inside of its buffer. */
    {.rule = 6, /* levels [0 0 7 0], layers [3] */
     .code = LNC_ECORRUPT,
     .says = "definition levels above 1",
     .page = MINIBLOCK(19, 0x12, 4, 0x0a, 2, 0x08, 16, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x32, 1, 3, 0x38,
                       1, 0x48, 4),
     .buffer = {{BYTES(0x30, 0)},
                {BYTES(4, 0, 8, 0, 16, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3,
                       0, 0, 0, 4, 0, 0, 0)}}},
    {.rule = 6, /* three levels for four rows */
     .code = LNC_ECORRUPT,
     .says = "has 3 levels for 4 values",
     .page = MINIBLOCK(19, 0x12, 4, 0x0a, 2, 0x08, 16, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x32, 1, 3, 0x38,
                       1, 0x48, 4),
     .buffer = {{BYTES(0x30, 0)},
                {BYTES(3, 0, 8, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3,
                       0, 0, 0, 4, 0, 0, 0)}}},
    {.rule = 6, /* the chunk is said to have 32 bytes */
     .code = LNC_ECORRUPT,
     .says = "32 bytes are needed where the buffer has 24 left",
     .page = FLAT_PAGE,
     .buffer = {{BYTES(0x30, 0)}, {FLAT_CHUNK}}},
    {.rule = 6, /* a buffer of 40 bytes in a chunk of 24 */
     .code = LNC_ECORRUPT,
     .says = "a buffer of 40 bytes reaches beyond the end of its chunk of 24 bytes",
     .page = FLAT_PAGE,
     .buffer = {{CHUNK_WORD},
                {BYTES(0, 0, 40, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0)}}},
    /* 8. Paths. */
    {.rule = 8, .code = LNC_ECORRUPT, .says = "leaves the directory of the table", .path = "../a"},
    {.rule = 8, .code = LNC_ECORRUPT, .says = "leaves the directory of the table", .path = "/a"},
    {.rule = 8,
     .code = LNC_ECORRUPT,
     .says = "leaves the directory of the table",
     .path = "a/../b"},
    /* 9. What is not known stops the reader, and is named. */
    {.rule = 9, .code = LNC_EUNSUPPORTED, .says = "reader flags 0x400, written by", .flags = 0x400},
    {.rule = 9, .code = LNC_EUNSUPPORTED, .says = "reader flag 64", .flags = 64},
    {.rule = 9,
     .code = LNC_EUNSUPPORTED,
     .says = "the grammar 'lance.encodings23.PlanarLayout'",
     .grammar = "/lance.encodings23.PlanarLayout"},
    {.rule = 9,
     .code = LNC_EUNSUPPORTED,
     .says = "the form of 2.1 before that was stable",
     .grammar = "/lance.encodings.PageLayout"},
    {.rule = 9,
     .code = LNC_EUNSUPPORTED,
     .says = "the sparse layout of storage version 2.3",
     .page = BYTES(0x2a, 0)},
    {.rule = 9, .code = LNC_EUNSUPPORTED, .says = "member 9 of PageLayout", .page = BYTES(0x4a, 0)},
    {.rule = 9,
     .code = LNC_EUNSUPPORTED,
     .says = "member 15 of CompressiveEncoding",
     .page = MINIBLOCK(11, 0x1a, 2, 0x7a, 0, 0x32, 1, 1, 0x38, 1, 0x48, 4)},
    {.rule = 9,
     .code = LNC_EUNSUPPORTED,
     .says = "member 14 of ArrayEncoding",
     .grammar = ARRAY_ENCODING,
     .page = BYTES(0x72, 0)},
    {.rule = 9,
     .code = LNC_EUNSUPPORTED,
     .says = "the unknown layer 9",
     .page = MINIBLOCK(13, 0x1a, 4, 0x0a, 2, 0x08, 32, 0x32, 1, 9, 0x38, 1, 0x48, 4),
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}}},
    /* 10. Deleted rows are rows: the bitmap has row 9. */
    {.rule = 10,
     .code = LNC_ECORRUPT,
     .says = "row 9 is deleted from a fragment of 4 rows",
     .page = FLAT_PAGE,
     .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}},
     .deletion = BYTES(0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 9, 0)},
};

static void test_sound_table(void **state)
{
    const struct hostile sound = {.page = FLAT_PAGE, .buffer = {{CHUNK_WORD}, {FLAT_CHUNK}}};
    struct lnc_batch batch = {0};
    struct lnc_error err = {0};
    (void)state;
    if (read_hostile(&sound, &batch, &err) != LNC_OK)
        fail_msg("%s", err.message);
    assert_int_equal(batch.n_rows, 4);
    for (size_t row = 0; row < 4; row++)
        assert_int_equal(lnc_column_int64(&batch.columns[0], row), row + 1);
    lnc_batch_release(&batch);
}

static void test_each_rule(void **state)
{
    unsigned seen = 1u << 7; /* rule 7 has its own test */
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lnc_batch batch = {0};
        struct lnc_error err = {0};
        int rc = read_hostile(&cases[i], &batch, &err);
        if (rc != cases[i].code || strstr(err.message, cases[i].says) == NULL)
            fail_msg("case %zu, rule %u: status %s, '%s' does not say '%s'", i, cases[i].rule,
                     lnc_status_name(rc), rc != LNC_OK ? err.message : "", cases[i].says);
        assert_null(batch.release);
        if (rc == LNC_EUNSUPPORTED)
            assert_non_null(strstr(err.message, "rewrite it with storage version 2.2"));
        seen |= 1u << cases[i].rule;
    }
    assert_int_equal(seen, 0x7fe);
}

/* 7. Strings are handed out as stored, whatever their bytes: no byte is lost or
 * replaced, so that the caller can see the damage. */
static void test_bytes_that_are_not_utf8(void **state)
{
    const struct hostile table = {
        .type = "string",
        .page = STRING_PAGE,
        .buffer = {{STRING_WORD}, {STRING_CHUNK(21, 23, 23, 24)}},
    };
    struct lnc_batch batch = {0};
    struct lnc_error err = {0};
    size_t size = 0;
    (void)state;
    if (read_hostile(&table, &batch, &err) != LNC_OK)
        fail_msg("%s", err.message);
    const char *text = lnc_column_string(&batch.columns[0], 1, &size);
    assert_int_equal(size, 2);
    assert_memory_equal(text, "\xff\xc3", 2);
    assert_non_null(lnc_column_string(&batch.columns[0], 2, &size));
    assert_int_equal(size, 0);
    lnc_batch_release(&batch);
}

/* 3. A constant page may stand for any number of rows: its memory does not grow
 * with them. */
static void test_constant_page_of_many_rows(void **state)
{
    const struct hostile table = {
        .page = CONSTANT(9, 0x2a, 1, 1, 0x32, 4, 7, 0, 0, 0),
        .page_rows = UINT32_MAX,
        .physical_rows = UINT32_MAX,
    };
    struct lnc_batch batch = {0};
    struct lnc_error err = {0};
    (void)state;
    if (read_hostile(&table, &batch, &err) != LNC_OK)
        fail_msg("%s", err.message);
    assert_in_range(batch.n_rows, 1, LNC_BATCH_ROWS_MAX);
    assert_int_equal(lnc_column_int64(&batch.columns[0], batch.n_rows - 1), 7);
    lnc_batch_release(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_table),
        cmocka_unit_test(test_each_rule),
        cmocka_unit_test(test_bytes_that_are_not_utf8),
        cmocka_unit_test(test_constant_page_of_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
