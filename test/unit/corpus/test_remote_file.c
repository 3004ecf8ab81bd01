/* One remote file, read in parts: what is kept, what goes, and refusals that are longer than the
 * part that was asked for. */
#include "blob_server.h"
#include "corpus_support.h"

#include "corpus/remote/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KB        ((uint64_t)1 << 10)
#define MB        ((uint64_t)1 << 20)
#define FILE_SIZE (96 * MB)
#define PART_MAX  (2 * MB)

struct reading {
    struct gen_place place;
    struct gen_remote_cache cache;
    struct gen_remote_file *file;
    unsigned char *got;
};

struct world {
    struct blob_server server;
    struct folder folder;
    char endpoint[128];
    const char *env[4];
};

static struct world world;

static const char *env_of(void *ud, const char *name)
{
    const char *const *lines = ud;
    size_t n = strlen(name);
    for (; *lines; lines++) {
        if (strncmp(*lines, name, n) == 0 && (*lines)[n] == '=')
            return *lines + n + 1;
    }
    return NULL;
}

static unsigned char byte_at(uint64_t offset)
{
    return (unsigned char)((offset * UINT64_C(0x9E3779B97F4A7C15)) >> 56);
}

static void open_reading(struct reading *r, const char *bucket)
{
    struct gen_error err = {.msg = ""};
    const struct gen_asker_options options = {.backoff_ms = 1, .timeout_ms = 5000};
    char url[64];
    char path[80];
    *r = (struct reading){.got = malloc(PART_MAX)};
    assert_non_null(r->got);
    (void)snprintf(url, sizeof(url), "s3://%s", bucket);
    (void)snprintf(path, sizeof(path), "%s/tmp/large.bin", url);
    if (gen_place_init(&r->place, url, env_of, (void *)(uintptr_t)world.env, &err) != GEN_OK ||
        gen_asker_new(&r->cache.asker, &r->place, &options, &err) != GEN_OK ||
        gen_remote_file_open(&r->cache, path, &r->file, &err) != GEN_OK)
        fail_msg("%s: %s", path, err.msg);
    assert_non_null(r->file);
    assert_int_equal(gen_remote_file_size(r->file), FILE_SIZE);
}

static void close_reading(struct reading *r)
{
    gen_remote_file_close(r->file);
    assert_int_equal(r->cache.n_bytes, 0);
    gen_asker_free(r->cache.asker);
    gen_place_release(&r->place);
    free(r->got);
}

static void expect_read(struct reading *r, uint64_t offset, size_t n)
{
    struct gen_error err = {.msg = ""};
    /* What was not written is seen. */
    for (size_t i = 0; i < n; i++)
        r->got[i] = (unsigned char)~byte_at(offset + i);
    if (gen_remote_file_read(r->file, offset, r->got, n, &err) != GEN_OK)
        fail_msg("at %llu: %s", (unsigned long long)offset, err.msg);
    for (size_t i = 0; i < n; i++) {
        if (r->got[i] != byte_at(offset + i))
            fail_msg("at %llu: byte %zu is another", (unsigned long long)offset, i);
    }
    assert_true(r->cache.n_bytes <= GEN_REMOTE_CACHE_MAX);
}

/* The first part of a read may be the one that has been there the longest: it stays until it is
 * read. Reads that nothing goes on from, so that nothing is asked for ahead. */
static void the_oldest_part_is_read_on_from(void **state)
{
    struct reading r;
    uint64_t at = 1 * MB;
    (void)state;
    open_reading(&r, "public");
    expect_read(&r, 0, 16);
    for (int i = 0; i < 31; i++, at += 2 * MB)
        expect_read(&r, at, 1 * MB);
    for (int i = 0; i < 15; i++, at += 256 * KB)
        expect_read(&r, at, 16);
    assert_int_equal(r.cache.n_bytes, GEN_REMOTE_CACHE_MAX); /* the file's end has gone */
    expect_read(&r, 64 * KB - 16, 32);
    close_reading(&r);
}

/* Stretches that were asked for ahead, and never read, do not pile up. */
static void what_is_never_read_goes(void **state)
{
    struct reading r;
    (void)state;
    open_reading(&r, "public");
    for (uint64_t at = 0; at + 3 * MB < FILE_SIZE; at += 2304 * KB) {
        for (uint64_t i = 0; i < 15; i++)
            expect_read(&r, at + i * 64 * KB, 64 * KB);
    }
    close_reading(&r);
}

/* A refusal is longer than 10 bytes, and is met as one. */
static void a_small_part_is_asked_for_again(void **state)
{
    struct reading r;
    (void)state;
    open_reading(&r, "flaky");
    expect_read(&r, 64 * KB + 10, 64 * KB);
    expect_read(&r, 0, 16);
    expect_read(&r, 64 * KB, 10);
    close_reading(&r);
}

/* Whether a large file is there can be asked. */
static void a_large_file_is_there(void **state)
{
    struct reading r;
    struct gen_ask *ask = NULL;
    struct gen_answer answer;
    struct gen_error err = {.msg = ""};
    const struct gen_question question = {.path = "s3://public/tmp/large.bin", .is_head = true};
    (void)state;
    open_reading(&r, "public");
    assert_int_equal(gen_ask_start(r.cache.asker, &question, &ask, &err), GEN_OK);
    if (gen_ask_wait(ask, &answer, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.n, 0);
    gen_ask_free(ask);
    close_reading(&r);
}

static int set_up(void **state)
{
    static char tmp[128];
    void *folder = NULL;
    char path[256];
    (void)state;
    if (folder_setup(&folder) != 0)
        return -1;
    *state = folder;
    world.folder = *(struct folder *)folder;
    (void)snprintf(path, sizeof(path), "%s/large.bin", world.folder.path);
    FILE *f = fopen(path, "wb");
    if (!f)
        return -1;
    for (uint64_t i = 0; i < FILE_SIZE; i++)
        (void)putc(byte_at(i), f);
    if (fclose(f) != 0)
        return -1;
    (void)snprintf(tmp, sizeof(tmp), "tmp=%s", world.folder.path);
    const char *const roots[] = {tmp, NULL};
    if (blob_server_start(&world.server, roots) != 0)
        return -1;
    (void)snprintf(world.endpoint, sizeof(world.endpoint), "AWS_ENDPOINT_URL=%s", world.server.url);
    world.env[0] = world.endpoint;
    world.env[1] = "AWS_ACCESS_KEY_ID=" BLOB_KEY;
    world.env[2] = "AWS_SECRET_ACCESS_KEY=" BLOB_SECRET;
    return 0;
}

static int tear_down(void **state)
{
    blob_server_stop(&world.server);
    return folder_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_part_is_read_on_from),
        cmocka_unit_test(what_is_never_read_goes),
        cmocka_unit_test(a_small_part_is_asked_for_again),
        cmocka_unit_test(a_large_file_is_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
