/*
 * Manifests made by hand: what is refused, and how versions are found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "manifest_int.h"
#include "pbuf_int.h"

static struct lnc_error error;
static const uint8_t magic[4] = {'L', 'A', 'N', 'C'};

/* Puts a message into the shape of a manifest file and parses it. */
static int parse(const void *message, size_t size, struct lnc_manifest *out)
{
    uint8_t file[512] = {0};
    struct lnc_ctx cx = {
        .page = LNC_NO_PAGE, .at = LNC_NO_OFFSET, .alloc_max = (size_t)1 << 20, .err = &error};
    error = (struct lnc_error){0};
    assert_true(size < 400);
    file[0] = (uint8_t)size;
    file[1] = (uint8_t)(size >> 8);
    memcpy(file + 4, message, size);
    memcpy(file + 4 + size + 12, magic, 4);
    return lnc_manifest_parse(&cx, file, size + 20, out);
}

static void test_version_of_names(void **state)
{
    static const struct {
        const char *name;
        bool ok;
        uint64_t version;
    } cases[] = {
        {"1.manifest", true, 1},
        {"12345.manifest", true, 12345},
        {"18446744073709551614.manifest", true, 1},
        {"18446744073709551600.manifest", true, 15},
        {"d123.manifest", false, 0},
        {"latest_version_hint.json", false, 0},
        {".manifest", false, 0},
        {"1.manifest.tmp", false, 0},
        {"99999999999999999999.manifest", false, 0},
        {"123456789012345678901.manifest", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t version = 0;
        assert_int_equal(lnc_manifest_name_version(cases[i].name, &version), cases[i].ok);
        assert_int_equal(version, cases[i].version);
    }
}

/* DataFragment{1 file{1: path}} below Manifest 2. */
static int parse_path(const char *path, size_t size, struct lnc_manifest *out)
{
    uint8_t message[300];
    message[0] = 0x12;
    message[1] = (uint8_t)(size + 4);
    message[2] = 0x12;
    message[3] = (uint8_t)(size + 2);
    message[4] = 0x0a;
    message[5] = (uint8_t)size;
    memcpy(message + 6, path, size);
    return parse(message, size + 6, out);
}

static void test_paths_of_data_files(void **state)
{
    static const struct {
        const char *path;
        size_t size;
        int rc;
    } cases[] = {
        {"a.lance", 7, LNC_OK},      {"a..b/c.lance", 12, LNC_OK},
        {"sub/a.lance", 11, LNC_OK}, {"../a.lance", 10, LNC_ECORRUPT},
        {"a/../b", 6, LNC_ECORRUPT}, {"/etc/passwd", 11, LNC_ECORRUPT},
        {"a\0b", 3, LNC_ECORRUPT},   {"", 0, LNC_ECORRUPT},
        {"a//b", 4, LNC_ECORRUPT},   {"..", 2, LNC_ECORRUPT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lnc_manifest manifest;
        int rc = parse_path(cases[i].path, cases[i].size, &manifest);
        assert_int_equal(rc, cases[i].rc);
        if (rc == LNC_OK)
            lnc_manifest_release(&manifest);
        else
            assert_true(error.message[0] != '\0');
    }
}

static void test_reader_flags(void **state)
{
    static const struct {
        uint8_t flags[3]; /* varint */
        uint8_t size;
        int rc;
    } cases[] = {
        {{0x01}, 1, LNC_OK},
        {{0x13}, 1, LNC_OK},
        {{0x40}, 1, LNC_EUNSUPPORTED},       /* overlay files */
        {{0x80, 0x01}, 2, LNC_OK},           /* 128: covering index */
        {{0x80, 0x02}, 2, LNC_OK},           /* 256: mixed versions */
        {{0x80, 0x04}, 2, LNC_EUNSUPPORTED}, /* 512 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t message[4] = {0x48};
        struct lnc_manifest manifest;
        memcpy(message + 1, cases[i].flags, cases[i].size);
        int rc = parse(message, 1u + cases[i].size, &manifest);
        assert_int_equal(rc, cases[i].rc);
        if (rc == LNC_OK)
            lnc_manifest_release(&manifest);
        else
            assert_non_null(strstr(error.message, "export the table with the official client"));
    }
}

static void test_refused_features(void **state)
{
    static const struct {
        uint8_t bytes[8];
        uint8_t size;
        const char *says;
    } cases[] = {
        {{0x12, 2, 0x5a, 0}, 4, "overlay"},         /* fragment with overlays */
        {{0x12, 4, 0x1a, 2, 0x08, 2}, 6, "type 2"}, /* unknown type of deletion file */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lnc_manifest manifest;
        assert_int_equal(parse(cases[i].bytes, cases[i].size, &manifest), LNC_EUNSUPPORTED);
        assert_non_null(strstr(error.message, cases[i].says));
    }
}

static void test_wire_format(void **state)
{
    static const struct {
        uint8_t size;
        uint8_t bytes[12];
        bool ok;
    } cases[] = {
        {2, {0x08, 0x01}, true},
        {11, {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, true},
        {11,
         {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
         false}, /* over 64 bits */
        {12,
         {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0},
         false}, /* 11 bytes */
        {1, {0x08}, false},
        {2, {0x00, 0x01}, false},       /* field 0 */
        {2, {0x0b, 0x0c}, false},       /* group */
        {3, {0x0a, 0x02, 0x00}, false}, /* longer than what is left */
        {5, {0x0d, 1, 2, 3, 4}, true},  /* 32 bits */
        {4, {0x0d, 1, 2, 3}, false},
        {9, {0x09, 1, 2, 3, 4, 5, 6, 7, 8}, true}, /* 64 bits */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lnc_pb pb = lnc_pb_over(cases[i].bytes, cases[i].size);
        struct lnc_pb_field field;
        while (lnc_pb_next(&pb, &field))
            ;
        assert_int_equal(!pb.bad, cases[i].ok);
    }
}

static void test_tail(void **state)
{
    struct lnc_ctx cx = {
        .page = LNC_NO_PAGE, .at = LNC_NO_OFFSET, .alloc_max = (size_t)1 << 20, .err = &error};
    struct lnc_manifest manifest;
    uint8_t file[24] = {0};
    (void)state;
    assert_int_equal(lnc_manifest_parse(&cx, file, 10, &manifest), LNC_ECORRUPT);
    assert_int_equal(lnc_manifest_parse(&cx, file, sizeof file, &manifest), LNC_ECORRUPT);
    memcpy(file + 20, magic, 4);
    assert_int_equal(lnc_manifest_parse(&cx, file, sizeof file, &manifest),
                     LNC_ECORRUPT); /* 4 bytes too many */
    memset(file + 8, 0xff, 8);
    assert_int_equal(lnc_manifest_parse(&cx, file, sizeof file, &manifest), LNC_ECORRUPT);
    assert_non_null(strstr(error.message, "outside of the file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_of_names), cmocka_unit_test(test_paths_of_data_files),
        cmocka_unit_test(test_reader_flags),     cmocka_unit_test(test_refused_features),
        cmocka_unit_test(test_wire_format),      cmocka_unit_test(test_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
