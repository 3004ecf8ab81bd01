/*
 * The compression building blocks, against vectors of lance-format.md 5.4, a
 * packer of our own, and the libraries themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <lz4.h>
#include <zstd.h>

#include "encoding_int.h"

static struct lnc_error error;

static struct lnc_ctx context(void)
{
    error = (struct lnc_error){0};
    return (struct lnc_ctx){
        .page = LNC_NO_PAGE, .at = LNC_NO_OFFSET, .alloc_max = (size_t)1 << 20, .err = &error};
}

/* The inverse of lnc_unpack(), written from the description of the order: bit
 * by bit. */
static void pack(unsigned word_bits, unsigned width, const uint64_t *values, uint8_t *out)
{
    static const unsigned order[8] = {0, 4, 2, 6, 1, 5, 3, 7};
    unsigned lanes = 1024 / word_bits;
    memset(out, 0, (size_t)width * 128);
    for (unsigned lane = 0; lane < lanes; lane++) {
        for (unsigned q = 0; q < word_bits; q++) {
            uint64_t value = values[order[q / 8] * 16 + q % 8 * 128 + lane];
            for (unsigned b = 0; b < width; b++) {
                unsigned stream_bit = q * width + b;
                unsigned word = stream_bit / word_bits * lanes + lane;
                unsigned bit = stream_bit % word_bits;
                if ((value >> b & 1) != 0)
                    out[word * (word_bits / 8) + bit / 8] |= (uint8_t)(1u << bit % 8);
            }
        }
    }
}

static void test_unpack_inverts_packing(void **state)
{
    (void)state;
    for (unsigned word_bits = 8; word_bits <= 64; word_bits *= 2) {
        for (unsigned width = 0; width <= word_bits; width++) {
            uint64_t values[1024];
            uint8_t packed[64 * 128];
            uint8_t unpacked[1024 * 8];
            uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
            for (uint64_t i = 0; i < 1024; i++)
                values[i] = (i * 0x9e3779b97f4a7c15u >> 3) & mask;
            pack(word_bits, width, values, packed);
            lnc_unpack(word_bits, width, packed, unpacked);
            for (size_t i = 0; i < 1024; i++)
                assert_int_equal(lnc_load_uint(unpacked, word_bits / 8, i), values[i]);
        }
    }
}

/* v[i] = (7i + i div 13) mod 2^W; the first 16 bytes as the table of the
 * description gives them. */
static void test_unpack_vectors(void **state)
{
    static const struct {
        unsigned word_bits;
        unsigned width;
        uint8_t first[16];
    } vectors[] = {
        {8,
         2,
         {0x74, 0x23, 0xd2, 0x8d, 0x48, 0x37, 0x22, 0xdd, 0x88, 0x77, 0x22, 0xdd, 0x88, 0x74, 0x23,
          0xd2}},
        {16,
         3,
         {0xc8, 0xfa, 0x87, 0x68, 0x46, 0xd6, 0x3d, 0x44, 0x34, 0xb2, 0xeb, 0x21, 0xa2, 0x91, 0x59,
          0x0f}},
        {32,
         5,
         {0x20, 0xcd, 0x7e, 0xe2, 0x07, 0x6a, 0xe2, 0xb0, 0x0e, 0x87, 0x55, 0x7f, 0xf5, 0x23, 0xc9,
          0x0d}},
        {64,
         7,
         {0x80, 0xc4, 0xa4, 0x73, 0x8a, 0xed, 0x88, 0x44, 0x07, 0x88, 0x86, 0xe4, 0xc2, 0x09, 0x99,
          0xcc}},
    };
    (void)state;
    for (size_t v = 0; v < sizeof vectors / sizeof vectors[0]; v++) {
        uint64_t values[1024];
        uint8_t packed[64 * 128];
        for (uint64_t i = 0; i < 1024; i++)
            values[i] = (7 * i + i / 13) & (((uint64_t)1 << vectors[v].width) - 1);
        pack(vectors[v].word_bits, vectors[v].width, values, packed);
        assert_memory_equal(packed, vectors[v].first, 16);
    }
}

/* A table with the symbols "ab" (code 0) and "longsymb" (code 1). */
static void make_table(uint8_t table[LNC_FSST_TABLE_BYTES], bool is_compressed)
{
    memset(table, 0, LNC_FSST_TABLE_BYTES);
    uint64_t header = (uint64_t)0x46535354 << 32 | (is_compressed ? 1u << 24 : 0) | 2;
    memcpy(table, &header, sizeof header);
    static const uint8_t symbols[16] = {'a', 'b', 0,   0,   0,   0,   0,   0,
                                        'l', 'o', 'n', 'g', 's', 'y', 'm', 'b'};
    memcpy(table + 8, symbols, sizeof symbols);
    table[24] = 2;
    table[25] = 8;
}

static void test_fsst(void **state)
{
    struct lnc_ctx cx = context();
    struct lnc_fsst fsst;
    uint8_t table[LNC_FSST_TABLE_BYTES];
    uint8_t out[64];
    size_t size;
    (void)state;
    make_table(table, true);
    assert_int_equal(lnc_fsst_init(&cx, &fsst, table, sizeof table), LNC_OK);
    static const uint8_t coded[] = {0, 255, 'x', 1, 0};
    struct lnc_span in = {.data = coded, .size = sizeof coded};
    assert_int_equal(lnc_fsst_measure(&cx, &fsst, in, &size), LNC_OK);
    assert_int_equal(size, 13);
    assert_int_equal(lnc_fsst_decode(&cx, &fsst, in, out, &size), LNC_OK);
    assert_int_equal(size, 13);
    assert_memory_equal(out, "abxlongsymbab", 13);

    static const uint8_t bad[][2] = {{2, 0}, {0, 255}};
    for (size_t i = 0; i < 2; i++) {
        in = (struct lnc_span){.data = bad[i], .size = 2};
        assert_int_equal(lnc_fsst_decode(&cx, &fsst, in, out, &size), LNC_ECORRUPT);
        assert_int_equal(lnc_fsst_measure(&cx, &fsst, in, &size), LNC_ECORRUPT);
    }
    make_table(table, false);
    assert_int_equal(lnc_fsst_init(&cx, &fsst, table, sizeof table), LNC_OK);
    in = (struct lnc_span){.data = coded, .size = sizeof coded};
    assert_int_equal(lnc_fsst_decode(&cx, &fsst, in, out, &size), LNC_OK);
    assert_memory_equal(out, coded, sizeof coded);
    table[7] ^= 1;
    assert_int_equal(lnc_fsst_init(&cx, &fsst, table, sizeof table), LNC_ECORRUPT);
    assert_int_equal(lnc_fsst_init(&cx, &fsst, table, 100), LNC_ECORRUPT);
}

/* A full table takes the fast path: an escape at each place of a word, and
 * every length of input. */
static void test_fsst_of_a_full_table(void **state)
{
    struct lnc_ctx cx = context();
    struct lnc_fsst fsst;
    uint8_t table[LNC_FSST_TABLE_BYTES] = {0};
    uint64_t header = (uint64_t)0x46535354 << 32 | 1u << 24 | 255;
    (void)state;
    memcpy(table, &header, sizeof header);
    for (size_t i = 0; i < 255; i++) {
        memset(table + 8 + 8 * i, (int)i, 8);
        table[8 + 8 * 255 + i] = (uint8_t)(1 + i % 8);
    }
    assert_int_equal(lnc_fsst_init(&cx, &fsst, table, sizeof table), LNC_OK);
    for (size_t size = 0; size < 40; size++) {
        for (size_t escape = 0; escape + 1 < size; escape++) {
            uint8_t *coded = malloc(size);
            uint8_t expected[40 * 8];
            size_t n = 0;
            size_t got = 0;
            size_t measured = 0;
            assert_non_null(coded);
            for (size_t i = 0; i < size; i++)
                coded[i] = (uint8_t)((17 * i + size) % 255);
            coded[escape] = 255;
            coded[escape + 1] = (uint8_t)(escape % 3 == 0 ? 255 : escape);
            for (size_t i = 0; i < size; i++) {
                if (coded[i] == 255) {
                    expected[n++] = coded[++i];
                    continue;
                }
                memset(expected + n, coded[i], 1u + coded[i] % 8u);
                n += 1u + coded[i] % 8u;
            }
            uint8_t *out = malloc(n + LNC_FSST_SLACK);
            assert_non_null(out);
            struct lnc_span in = {.data = coded, .size = size};
            assert_int_equal(lnc_fsst_measure(&cx, &fsst, in, &measured), LNC_OK);
            assert_int_equal(lnc_fsst_decode(&cx, &fsst, in, out, &got), LNC_OK);
            assert_int_equal(measured, n);
            assert_int_equal(got, n);
            assert_memory_equal(out, expected, n);
            coded[size - 1] = 255;
            if (escape + 2 < size)
                assert_int_equal(lnc_fsst_decode(&cx, &fsst, in, out, &got), LNC_ECORRUPT);
            free(out);
            free(coded);
        }
    }
}

static void test_inflate_zstd_both_framings(void **state)
{
    struct lnc_ctx cx = context();
    struct lnc_inflater inflater = {0};
    struct lnc_buf out = {0};
    uint8_t framed[256];
    char text[100];
    (void)state;
    memset(text, 'z', sizeof text);
    uint64_t declared = sizeof text;
    size_t n = ZSTD_compress(framed + 8, sizeof framed - 8, text, sizeof text, 3);
    memcpy(framed, &declared, sizeof declared);
    struct lnc_span in = {.data = framed, .size = n + 8};
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_ZSTD, in, &out), LNC_OK);
    assert_int_equal(out.size, sizeof text);
    assert_memory_equal(out.data, text, sizeof text);

    out.size = 0;
    in = (struct lnc_span){.data = framed + 8, .size = n};
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_ZSTD, in, &out), LNC_OK);
    assert_int_equal(out.size, sizeof text);

    out.size = 0;
    declared = sizeof text + 1;
    memcpy(framed, &declared, sizeof declared);
    in = (struct lnc_span){.data = framed, .size = n + 8};
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_ZSTD, in, &out), LNC_ECORRUPT);
    declared = (uint64_t)1 << 40;
    memcpy(framed, &declared, sizeof declared);
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_ZSTD, in, &out), LNC_ELIMIT);
    in.size = 0;
    out.size = 0;
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_ZSTD, in, &out), LNC_OK);
    assert_int_equal(out.size, 0);
    lnc_inflater_release(&inflater);
    lnc_buf_release(&out);
}

/* A stream of unknown length, as the writers make it: no content size in the
 * frame. */
static void test_inflate_zstd_unknown_size(void **state)
{
    struct lnc_ctx cx = context();
    struct lnc_inflater inflater = {0};
    struct lnc_buf out = {0};
    static char text[200000];
    static uint8_t packed[200000];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * i % 26);
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    size_t n = ZSTD_compress2(zstd, packed, sizeof packed, text, sizeof text);
    (void)ZSTD_freeCCtx(zstd);
    struct lnc_span in = {.data = packed, .size = n};
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_ZSTD, in, &out), LNC_OK);
    assert_int_equal(out.size, sizeof text);
    assert_memory_equal(out.data, text, sizeof text);
    out.size = 0;
    in.size = n / 2;
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_ZSTD, in, &out), LNC_ECORRUPT);
    lnc_inflater_release(&inflater);
    lnc_buf_release(&out);
}

static void test_inflate_lz4(void **state)
{
    struct lnc_ctx cx = context();
    struct lnc_inflater inflater = {0};
    struct lnc_buf out = {0};
    uint8_t framed[256];
    char text[100];
    (void)state;
    memset(text, 'l', sizeof text);
    uint32_t declared = sizeof text;
    int n = LZ4_compress_default(text, (char *)framed + 4, sizeof text, sizeof framed - 4);
    memcpy(framed, &declared, sizeof declared);
    struct lnc_span in = {.data = framed, .size = (size_t)n + 4};
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_LZ4, in, &out), LNC_OK);
    assert_memory_equal(out.data, text, sizeof text);
    in.size--;
    out.size = 0;
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_LZ4, in, &out), LNC_ECORRUPT);
    in.size = 3;
    assert_int_equal(lnc_inflate(&cx, &inflater, LNC_SCHEME_LZ4, in, &out), LNC_ECORRUPT);
    lnc_inflater_release(&inflater);
    lnc_buf_release(&out);
}

static void test_expand_bits_from_any_bit(void **state)
{
    static const uint8_t bits[] = {0xb1, 0x5a, 0xc3};
    (void)state;
    for (unsigned first = 0; first < 8; first++) {
        uint8_t out[16];
        lnc_expand_bits(bits, first, 16, out);
        for (size_t i = 0; i < 16; i++)
            assert_int_equal(out[i], bits[(first + i) / 8] >> ((first + i) % 8) & 1);
    }
}

static int parse(const uint8_t *bytes, size_t size, struct lnc_enc_pool *pool,
                 const struct lnc_enc **enc)
{
    struct lnc_ctx cx = context();
    *pool = (struct lnc_enc_pool){0};
    return lnc_enc_parse(&cx, pool, lnc_pb_over(bytes, size), enc);
}

static void test_rle_block(void **state)
{
    /* Rle{1: Flat{16}, 2: Flat{8}} */
    static const uint8_t description[] = {0x42, 12,   0x0a, 4,    0x0a, 2,    0x08,
                                          16,   0x12, 4,    0x0a, 2,    0x08, 8};
    static const uint8_t block[] = {4, 0, 0, 0, 0, 0, 0, 0, 7, 0, 9, 1, 3, 4};
    struct lnc_enc_pool pool;
    const struct lnc_enc *enc;
    struct lnc_decoder decoder = {0};
    struct lnc_values values;
    struct lnc_ctx cx = context();
    (void)state;
    assert_int_equal(parse(description, sizeof description, &pool, &enc), LNC_OK);
    struct lnc_span in = {.data = block, .size = sizeof block};
    assert_int_equal(lnc_decode_block(&cx, &decoder, enc, in, 6, &values), LNC_OK);
    assert_int_equal(values.bits, 16);
    static const uint16_t expected[] = {7, 7, 7, 265, 265, 265};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(lnc_load_uint(values.fixed, 2, i), expected[i]);
    /* Runs may give more than asked for, not less. */
    assert_int_equal(lnc_decode_block(&cx, &decoder, enc, in, 8, &values), LNC_ECORRUPT);
    in.size = 10;
    assert_int_equal(lnc_decode_block(&cx, &decoder, enc, in, 6, &values), LNC_ECORRUPT);
    lnc_decoder_release(&decoder);
}

static void test_out_of_line_bitpacking(void **state)
{
    /* OutOfLineBitpacking{1: 16, 3: Flat{3}} */
    static const uint8_t description[] = {0x22, 8, 0x08, 16, 0x1a, 4, 0x0a, 2, 0x08, 3};
    uint64_t numbers[1024];
    uint8_t block[384 + 2 * 384];
    struct lnc_enc_pool pool;
    const struct lnc_enc *enc;
    struct lnc_decoder decoder = {0};
    struct lnc_values values;
    struct lnc_ctx cx = context();
    (void)state;
    assert_int_equal(parse(description, sizeof description, &pool, &enc), LNC_OK);
    for (size_t i = 0; i < 1024; i++)
        numbers[i] = i % 7;
    pack(16, 3, numbers, block);
    /* A tail of ten raw values. */
    for (size_t i = 0; i < 10; i++)
        memcpy(block + 384 + 2 * i, &(uint16_t){(uint16_t)(i + 100)}, 2);
    struct lnc_span in = {.data = block, .size = 384 + 20};
    assert_int_equal(lnc_decode_block(&cx, &decoder, enc, in, 1034, &values), LNC_OK);
    assert_int_equal(lnc_load_uint(values.fixed, 2, 1023), 1023 % 7);
    assert_int_equal(lnc_load_uint(values.fixed, 2, 1033), 109);
    /* A tail in a padded chunk. */
    pack(16, 3, numbers, block + 384);
    in.size = 2 * 384;
    assert_int_equal(lnc_decode_block(&cx, &decoder, enc, in, 1034, &values), LNC_OK);
    assert_int_equal(lnc_load_uint(values.fixed, 2, 1033), 9 % 7);
    in.size = 384 + 19;
    assert_int_equal(lnc_decode_block(&cx, &decoder, enc, in, 1034, &values), LNC_ECORRUPT);
    lnc_decoder_release(&decoder);
}

static void test_impossible_descriptions(void **state)
{
    static const struct {
        int rc;
        uint8_t size;
        uint8_t bytes[16];
    } cases[] = {
        {LNC_EUNSUPPORTED, 2, {0x3a, 0}},       /* Dictionary */
        {LNC_EUNSUPPORTED, 3, {0x92, 0x06, 0}}, /* member 98 */
        {LNC_EUNSUPPORTED, 0, {0}},             /* no member */
        {LNC_ECORRUPT, 4, {0x0a, 2, 0x08, 0}},  /* Flat of 0 bits */
        {LNC_ECORRUPT, 4, {0x2a, 2, 0x08, 12}}, /* bit packing in words of 12 bits */
        {LNC_ECORRUPT, 2, {0x12, 0}},           /* Variable without offsets */
        {LNC_ECORRUPT, 4, {0x0a, 9, 0x08, 8}},  /* longer than its parent */
        {LNC_EUNSUPPORTED, 10, {0x52, 8, 0x0a, 2, 0x08, 9, 0x1a, 2, 0x0a, 0}}, /* unknown scheme */
        {LNC_EUNSUPPORTED, 6, {0x52, 4, 0x1a, 2, 0x52, 0}}, /* General in General */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lnc_enc_pool pool;
        const struct lnc_enc *enc;
        assert_int_equal(parse(cases[i].bytes, cases[i].size, &pool, &enc), cases[i].rc);
        assert_true(error.message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unpack_inverts_packing),
        cmocka_unit_test(test_unpack_vectors),
        cmocka_unit_test(test_fsst),
        cmocka_unit_test(test_fsst_of_a_full_table),
        cmocka_unit_test(test_inflate_zstd_both_framings),
        cmocka_unit_test(test_inflate_zstd_unknown_size),
        cmocka_unit_test(test_inflate_lz4),
        cmocka_unit_test(test_expand_bits_from_any_bit),
        cmocka_unit_test(test_rle_block),
        cmocka_unit_test(test_out_of_line_bitpacking),
        cmocka_unit_test(test_impossible_descriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
