/* Tables at s3:// and http://, on a server of our own that checks signatures and goes wrong as it
 * is told: all rows as they are on the disk, each fault met or named. */
#include "blob_server.h"
#include "corpus_support.h"

#include "corpus/remote/store.h"
#include "os/loop.h"

#include "lnc/lnc.h"

#include <string.h>

#define DATA     PROJECT_DIR "/lance/test/data"
#define EXAMPLES PROJECT_DIR "/examples"
#define TEXT     "ex/handbook.lancedb/text_chunks.lance"

struct world {
    struct blob_server server;
    struct folder folder;
    char endpoint[128];
    const char *env[8];
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

static struct gen_remote_store *open_store(const char *url, uint64_t version,
                                           const struct gen_log *log)
{
    struct gen_remote_store *store = NULL;
    struct gen_error err = {.msg = ""};
    const struct gen_remote_store_options options = {
        .asker = {.log = log, .backoff_ms = 1, .timeout_ms = 5000},
        .version = version,
        .env = env_of,
        .env_ud = (void *)(uintptr_t)world.env,
    };
    if (gen_remote_store_open(&store, url, &options, &err) != GEN_OK)
        fail_msg("%s: %s", url, err.msg);
    return store;
}

/* -- comparing -- */

static bool is_same_bytes(const void *a, const void *b, size_t n)
{
    return n == 0 || memcmp(a, b, n) == 0;
}

static bool is_same_column(const struct lnc_column *a, const struct lnc_column *b, unsigned depth)
{
    if (a->n_rows != b->n_rows || a->kind != b->kind || a->n_nulls != b->n_nulls ||
        a->n_children != b->n_children || strcmp(a->name, b->name) != 0 || depth > 16 ||
        !a->values != !b->values || !a->offsets != !b->offsets || !a->validity != !b->validity)
        return false;
    if (a->validity && !is_same_bytes(a->validity, b->validity, a->n_rows))
        return false;
    if (a->values && !is_same_bytes(a->values, b->values, a->n_rows * a->byte_width))
        return false;
    if (a->offsets && !is_same_bytes(a->offsets, b->offsets, (a->n_rows + 1) * 8))
        return false;
    if (a->bytes && !is_same_bytes(a->bytes, b->bytes, (size_t)a->offsets[a->n_rows]))
        return false;
    for (size_t i = 0; i < a->n_children; i++) {
        if (!is_same_column(&a->children[i], &b->children[i], depth + 1))
            return false;
    }
    return true;
}

static bool is_same_batch(const struct lnc_batch *a, const struct lnc_batch *b)
{
    bool same = a->n_rows == b->n_rows && a->n_columns == b->n_columns;
    for (size_t i = 0; same && i < a->n_columns; i++)
        same = is_same_column(&a->columns[i], &b->columns[i], 0);
    return same;
}

static size_t column_names(const struct lnc_dataset *ds, const char **names, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < lnc_dataset_n_columns(ds) && n < max; i++) {
        const struct lnc_column_info *info = lnc_dataset_column(ds, i);
        const struct lnc_scan_options what = {&info->name, 1, 0};
        struct lnc_scan *scan = NULL;
        if (lnc_scan_open(ds, &what, &scan, NULL) == LNC_OK)
            names[n++] = info->name;
        lnc_scan_close(scan);
    }
    return n;
}

/* All readable columns, vectors and nested ones too, row for row. Returns the number of rows. */
static uint64_t compare(const char *path, const char *url, const struct lnc_options *there_how)
{
    struct lnc_dataset *here = NULL;
    struct lnc_dataset *there = NULL;
    struct lnc_scan *scan_here = NULL;
    struct lnc_scan *scan_there = NULL;
    struct lnc_error err = {.message = ""};
    const char *names[64];
    uint64_t n_rows = 0;
    assert_int_equal(lnc_dataset_open(path, NULL, &here, NULL), LNC_OK);
    if (lnc_dataset_open(url, there_how, &there, &err) != LNC_OK)
        fail_msg("%s: %s", url, err.message);
    struct lnc_scan_options what = {names, column_names(here, names, 64), 7};
    assert_true(what.n_columns > 0);
    assert_int_equal(lnc_scan_open(here, &what, &scan_here, NULL), LNC_OK);
    assert_int_equal(lnc_scan_open(there, &what, &scan_there, NULL), LNC_OK);
    for (;;) {
        struct lnc_batch a = {0};
        struct lnc_batch b = {0};
        int status = lnc_scan_next(scan_here, &a, NULL);
        int other = lnc_scan_next(scan_there, &b, &err);
        if (status != other)
            fail_msg("%s: %s", url, err.message);
        bool same = status != LNC_OK || is_same_batch(&a, &b);
        bool over = status != LNC_OK || a.n_rows == 0;
        n_rows += a.n_rows;
        lnc_batch_release(&a);
        lnc_batch_release(&b);
        if (!same)
            fail_msg("%s differs", url);
        if (over)
            break;
    }
    lnc_scan_close(scan_here);
    lnc_scan_close(scan_there);
    lnc_dataset_close(here);
    lnc_dataset_close(there);
    return n_rows;
}

static const char *const samples[] = {
    "2.0/chunks",
    "2.0/deleted",
    "2.0/types",
    "2.1/deleted",
    "2.2/bitmap",
    "2.2/chunks",
    "2.2/nested",
    "2.2/types",
    "legacy/chunks",
    "legacy/deleted",
    "legacy/types",
    "python/2.1/documents",
    "python/2.1/packed",
    "python/2.2/general",
    "python/2.2/text",
    "python/2.2/nested",
    "older/0.10.0/2.1/packed",
    "older/0.5.2/2.0/packed",
};

static void compare_all(const char *root, size_t n_samples)
{
    for (size_t i = 0; i < n_samples; i++) {
        char path[512];
        char url[512];
        (void)snprintf(path, sizeof(path), DATA "/%s.lance", samples[i]);
        (void)snprintf(url, sizeof(url), "%s/data/%s.lance", root, samples[i]);
        struct gen_remote_store *store = open_store(url, 0, NULL);
        const struct lnc_options how = {.store = gen_remote_store_of(store)};
        assert_true(compare(path, url, &how) > 0);
        gen_remote_store_close(store);
    }
}

#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void samples_from_s3(void **state)
{
    (void)state;
    compare_all("s3://private", N_SAMPLES);
    compare_all("s3://token", 2);
    compare_all("s3://elsewhere", 2);
    compare_all("s3://elsewhere2", 2);
}

static void samples_from_the_web(void **state)
{
    char root[128];
    static const char *const kinds[] = {"web", "index", "moved", "weak", "plain", "closed"};
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        (void)snprintf(root, sizeof(root), "%s/%s", world.server.url, kinds[i]);
        compare_all(root, i == 0 ? N_SAMPLES : 3);
    }
}

static void faults_that_pass(void **state)
{
    static const char *const buckets[] = {"flaky", "cut", "whole"};
    (void)state;
    for (size_t i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++) {
        char url[128];
        (void)snprintf(url, sizeof(url), "s3://%s/" TEXT, buckets[i]);
        struct gen_remote_store *store = open_store(url, 0, NULL);
        const struct lnc_options how = {.store = gen_remote_store_of(store)};
        assert_int_equal(compare(EXAMPLES "/handbook.lancedb/text_chunks.lance", url, &how), 126);
        assert_int_equal(gen_remote_store_failure(store, NULL), GEN_OK);
        gen_remote_store_close(store);
    }
}

/* -- faults that do not -- */

static int read_through(struct gen_remote_store *store, const char *url)
{
    const struct lnc_options how = {.store = gen_remote_store_of(store)};
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    int status = lnc_dataset_open(url, &how, &ds, NULL);
    if (status == LNC_OK)
        status = lnc_scan_open(ds, NULL, &scan, NULL);
    while (status == LNC_OK) {
        status = lnc_scan_next(scan, &batch, NULL);
        bool over = batch.n_rows == 0;
        lnc_batch_release(&batch);
        if (over)
            break;
    }
    lnc_scan_close(scan);
    lnc_dataset_close(ds);
    return status;
}

static void faults_that_are_named(void **state)
{
    static const struct {
        const char *bucket;
        const char *said[3];
    } cases[] = {
        {"liar", {"another part of the file", "text_chunks.lance/data/"}},
        {"changing", {"was changed while it was read", "run the command again"}},
        {"changed", {"was changed while it was read", "run the command again"}},
        {"denied", {"403 AccessDenied", "s3:ListBucket", "from AWS_ACCESS_KEY_ID"}},
        {"busy", {"503 SlowDown", "after 5 attempts"}},
        {"nosuch", {"NoSuchBucket", "there is no such bucket"}},
        {"dtd", {"s3://dtd/ex/", "document type"}},
        {"endless", {"more than 1000 pages"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char url[128];
        struct gen_error err = {.msg = ""};
        (void)snprintf(url, sizeof(url), "s3://%s/" TEXT, cases[i].bucket);
        struct gen_remote_store *store = open_store(url, 0, NULL);
        assert_int_not_equal(read_through(store, url), LNC_OK);
        assert_int_not_equal(gen_remote_store_failure(store, &err), GEN_OK);
        for (size_t k = 0; k < 3 && cases[i].said[k]; k++)
            assert_has(err.msg, cases[i].said[k]);
        assert_null(strstr(err.msg, BLOB_SECRET));
        gen_remote_store_close(store);
    }
}

static void expect_with(const char *key, const char *secret, const char *token, const char *said)
{
    const char *before[3] = {world.env[1], world.env[2], world.env[3]};
    char lines[3][128];
    struct gen_error err = {.msg = ""};
    (void)snprintf(lines[0], sizeof(lines[0]), "AWS_ACCESS_KEY_ID=%s", key);
    (void)snprintf(lines[1], sizeof(lines[1]), "AWS_SECRET_ACCESS_KEY=%s", secret);
    (void)snprintf(lines[2], sizeof(lines[2]), "AWS_SESSION_TOKEN=%s", token);
    for (size_t i = 0; i < 3; i++)
        world.env[i + 1] = lines[i];
    struct gen_remote_store *store = open_store("s3://token/" TEXT, 0, NULL);
    assert_int_not_equal(read_through(store, "s3://token/" TEXT), LNC_OK);
    assert_int_not_equal(gen_remote_store_failure(store, &err), GEN_OK);
    assert_has(err.msg, said);
    if (*secret)
        assert_null(strstr(err.msg, secret));
    gen_remote_store_close(store);
    for (size_t i = 0; i < 3; i++)
        world.env[i + 1] = before[i];
}

static void wrong_keys(void **state)
{
    (void)state;
    expect_with("", "", "", "it cannot be read anonymously: set AWS_ACCESS_KEY_ID");
    expect_with("AKIDOTHER", "verysecretindeed", "", "does not know the key");
    expect_with(BLOB_KEY, "verysecretindeed", "", "the secret does not belong to the key");
    expect_with(BLOB_KEY, BLOB_SECRET, "othertoken", "AWS_SESSION_TOKEN does not belong");
}

/* -- versions without a listing -- */

static void copy_table(const char *from, const char *name)
{
    char command[1024];
    (void)snprintf(command, sizeof(command), "cp -r %s %s/%s", from, world.folder.path, name);
    assert_int_equal(system(command), 0);
}

static int newest_of(const char *url, uint64_t version, uint64_t *out, struct logged *logged)
{
    struct gen_remote_store *store = open_store(url, version, &logged->log);
    const struct lnc_options how = {.store = gen_remote_store_of(store), .version = version};
    struct lnc_dataset *ds = NULL;
    int status = lnc_dataset_open(url, &how, &ds, NULL);
    if (status == LNC_OK)
        *out = lnc_dataset_version(ds);
    lnc_dataset_close(ds);
    gen_remote_store_close(store);
    return status;
}

/* The sample has some versions; which is the newest the disk knows. */
static void versions_on_the_web(void **state)
{
    char url[256];
    struct logged logged;
    struct lnc_dataset *ds = NULL;
    uint64_t version = 0;
    (void)state;
    assert_int_equal(lnc_dataset_open(DATA "/2.1/deleted.lance", NULL, &ds, NULL), LNC_OK);
    uint64_t newest = lnc_dataset_version(ds);
    assert_true(newest > 1);
    lnc_dataset_close(ds);
    copy_table(DATA "/2.1/deleted.lance", "t.lance");
    char hint[256];
    (void)snprintf(hint, sizeof(hint), "%s/t.lance/_versions/latest_version_hint.json",
                   world.folder.path);
    (void)remove(hint);

    /* By asking, with a warning. */
    logged_init(&logged);
    (void)snprintf(url, sizeof(url), "%s/web/tmp/t.lance", world.server.url);
    assert_int_equal(newest_of(url, 0, &version, &logged), LNC_OK);
    assert_int_equal(version, newest);
    assert_has(logged.text, "--lance-version");

    /* By the page of the folder, without one. */
    logged_init(&logged);
    (void)snprintf(url, sizeof(url), "%s/index/tmp/t.lance", world.server.url);
    assert_int_equal(newest_of(url, 0, &version, &logged), LNC_OK);
    assert_int_equal(version, newest);
    assert_int_equal(logged.n_lines, 0);

    /* By a hint that is behind the truth; by one that is wrong. */
    (void)snprintf(url, sizeof(url), "%s/web/tmp/t.lance", world.server.url);
    static const char *const hints[] = {"{\"version\":1}", "{\"version\":99}", "[]",
                                        "{\"version\":-3}"};
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        char path[256];
        (void)folder_file(&world.folder, "t.lance/_versions/latest_version_hint.json",
                          gen_str_from(hints[i]), path, sizeof(path));
        logged_init(&logged);
        assert_int_equal(newest_of(url, 0, &version, &logged), LNC_OK);
        assert_int_equal(version, newest);
        assert_int_equal(logged.n_lines, i == 0 ? 0 : 1);
    }

    /* By its number; by one that is not there. */
    logged_init(&logged);
    assert_int_equal(newest_of(url, 1, &version, &logged), LNC_OK);
    assert_int_equal(version, 1);
    assert_int_equal(logged.n_lines, 0);
    assert_int_equal(newest_of(url, newest + 1, &version, &logged), LNC_ENOENT);
}

/* -- as a corpus -- */

static void tables_as_a_corpus(void **state)
{
    struct chunks here;
    struct chunks there;
    struct gen_error err = {.msg = ""};
    static const char *const tables[] = {"code_chunks", "text_chunks"};
    char web[128];
    (void)snprintf(web, sizeof(web), "%s/web/ex/handbook.lancedb/", world.server.url);
    const char *const paths[] = {web, "s3://public/ex/handbook.lancedb"};
    (void)state;
    assert_int_equal(setenv("AWS_ENDPOINT_URL", world.server.url, 1), 0);
    assert_int_equal(setenv("AWS_SKIP_SIGNATURE", "true", 1), 0);
    struct gen_corpus_options options = {
        .path = EXAMPLES "/handbook.lancedb", .tables = tables, .n_tables = 2};
    assert_int_equal(chunks_read(&here, &options, &err), GEN_OK);
    for (size_t i = 0; i < 2; i++) {
        options.path = paths[i];
        if (chunks_read(&there, &options, &err) != GEN_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(there.n, here.n);
        assert_int_equal(there.counted, here.counted);
        for (size_t k = 0; k < here.n; k++) {
            assert_true(gen_str_eq(there.items[k]->id, here.items[k]->id));
            assert_true(gen_str_eq(there.items[k]->content, here.items[k]->content));
            assert_true(gen_str_eq(there.items[k]->section, here.items[k]->section));
        }
        chunks_free(&there);
    }
    chunks_free(&here);
}

struct beat {
    struct gen_loop *loop;
    int n;
};

static void on_beat(void *ud)
{
    struct beat *b = ud;
    if (++b->n == 3)
        gen_loop_stop(b->loop);
}

/* While the server keeps a part back the loop goes on, and who stops does not wait either. */
static void a_stuck_server_stops_no_loop(void **state)
{
    struct gen_corpus *corpus = NULL;
    struct gen_chunk *chunk = NULL;
    struct gen_timer *timer = NULL;
    struct beat beat = {.n = 0};
    bool is_late = false;
    char url[160];
    (void)state;
    assert_int_equal(setenv("AWS_ENDPOINT_URL", world.server.url, 1), 0);
    assert_int_equal(unsetenv("AWS_SKIP_SIGNATURE"), 0);
    assert_int_equal(setenv("AWS_ACCESS_KEY_ID", BLOB_KEY, 1), 0);
    assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", BLOB_SECRET, 1), 0);
    (void)snprintf(url, sizeof(url), "s3://stuck/" TEXT);
    struct gen_corpus_options options = {.path = url};
    assert_int_equal(gen_loop_new(&beat.loop, NULL), GEN_OK);
    assert_int_equal(gen_timer_new(&timer, beat.loop, on_beat, &beat, NULL), GEN_OK);
    assert_int_equal(gen_corpus_open(&corpus, gen_corpus_drivers, &options, NULL), GEN_OK);
    gen_timer_start(timer, 1, 1);
    assert_int_equal(gen_corpus_try_next(corpus, beat.loop, &chunk, &is_late, NULL), GEN_OK);
    assert_true(is_late);
    assert_null(chunk);
    assert_int_equal(gen_loop_run(beat.loop, NULL), GEN_OK);
    assert_int_equal(beat.n, 3);
    assert_int_equal(gen_corpus_try_next(corpus, beat.loop, &chunk, &is_late, NULL), GEN_OK);
    assert_true(is_late);
    uint64_t start_us = gen_loop_now_us();
    gen_corpus_close(corpus);
    assert_true(gen_loop_now_us() - start_us < 2000000); /* the request would wait for 60 s */
    gen_timer_free(timer);
    gen_loop_free(beat.loop);
}

static void on_nothing(void *ud)
{
    (void)ud;
    fail_msg("no news came");
}

struct taker {
    struct gen_corpus *corpus;
    struct gen_loop *loop;
    uint64_t n, n_late;
    bool is_over;
};

static void take_all(void *ud)
{
    struct taker *t = ud;
    bool is_late = false;
    while (!is_late && !t->is_over) {
        struct gen_chunk *chunk = NULL;
        assert_int_equal(gen_corpus_try_next(t->corpus, t->loop, &chunk, &is_late, NULL), GEN_OK);
        t->n += chunk != NULL;
        t->n_late += is_late;
        t->is_over = !chunk && !is_late;
        gen_chunk_unref(chunk);
    }
    if (t->is_over)
        gen_loop_stop(t->loop);
}

/* The loop is woken for each batch, and the corpus can be read again from its start. */
static void news_wake_the_loop(void **state)
{
    struct taker t = {.n = 0};
    struct gen_timer *timer = NULL;
    (void)state;
    struct gen_corpus_options options = {.path = "s3://slow/" TEXT};
    assert_int_equal(gen_loop_new(&t.loop, NULL), GEN_OK);
    assert_int_equal(gen_timer_new(&timer, t.loop, on_nothing, NULL, NULL), GEN_OK);
    assert_int_equal(gen_corpus_open(&t.corpus, gen_corpus_drivers, &options, NULL), GEN_OK);
    for (int pass = 0; pass < 2; pass++) {
        t.n = 0;
        t.n_late = 0;
        t.is_over = false;
        gen_timer_start(timer, 20000, 0);
        gen_loop_on_turn_end(t.loop, take_all, &t);
        assert_int_equal(gen_loop_run(t.loop, NULL), GEN_OK);
        assert_true(t.n_late > 0);
        assert_int_equal(t.n, 126);
        assert_true(gen_corpus_rewind(t.corpus));
    }
    gen_corpus_close(t.corpus);
    gen_timer_free(timer);
    gen_loop_free(t.loop);
}

static int set_up(void **state)
{
    static char tmp[128];
    void *folder = NULL;
    (void)state;
    if (folder_setup(&folder) != 0)
        return -1;
    world.folder = *(struct folder *)folder;
    *state = folder;
    (void)snprintf(tmp, sizeof(tmp), "tmp=%s", world.folder.path);
    const char *const roots[] = {"ex=" EXAMPLES, "data=" DATA, tmp, NULL};
    if (blob_server_start(&world.server, roots) != 0)
        return -1;
    (void)snprintf(world.endpoint, sizeof(world.endpoint), "AWS_ENDPOINT_URL=%s", world.server.url);
    world.env[0] = world.endpoint;
    world.env[1] = "AWS_ACCESS_KEY_ID=" BLOB_KEY;
    world.env[2] = "AWS_SECRET_ACCESS_KEY=" BLOB_SECRET;
    world.env[3] = "AWS_SESSION_TOKEN=" BLOB_TOKEN;
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
        cmocka_unit_test(samples_from_s3),    cmocka_unit_test(samples_from_the_web),
        cmocka_unit_test(faults_that_pass),   cmocka_unit_test(faults_that_are_named),
        cmocka_unit_test(wrong_keys),         cmocka_unit_test(versions_on_the_web),
        cmocka_unit_test(tables_as_a_corpus), cmocka_unit_test(a_stuck_server_stops_no_loop),
        cmocka_unit_test(news_wake_the_loop),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
