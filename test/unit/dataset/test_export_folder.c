/* Splits, order, shards and dataset folders: what must hold for any rows. */
#include "dataset/card.h"
#include "dataset/folder.h"
#include "dataset/info.h"
#include "dataset/shapes.h"
#include "os/file.h"
#include "os/scratch.h"
#include "json/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    struct gen_scratch folder;
    struct gen_buf path;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    p->path = gen_buf_make(4096);
    *state = p;
    return gen_scratch_make(&p->folder, NULL);
}

static int tear_down(void **state)
{
    struct place *p = *state;
    gen_scratch_release(&p->folder);
    gen_buf_release(&p->path);
    free(p);
    return 0;
}

/* "<scratch>/<name>", until the next call. */
static const char *at(struct place *p, const char *name)
{
    gen_buf_clear(&p->path);
    assert_int_equal(gen_buf_printf(&p->path, NULL, "%s/%s", p->folder.path, name), GEN_OK);
    return p->path.data;
}

static void parsing_splits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n; /* 0: refused with `says` */
        const char *says;
    } cases[] = {
        {"train=0.95,validation=0.05", 2, NULL},
        {"train=1", 1, NULL},
        {" train = 0.8 , test=0.1, dev_2=0.1", 3, NULL},
        {"a=0.3333333,b=0.3333333,c=0.3333334", 3, NULL},
        {"train=0.9,validation=0.05", 0, "sum to 0.95"},
        {"train=0.9,validation=0.2", 0, "sum to 1.1"},
        {"train=0.5,train=0.5", 0, "twice"},
        {"train", 0, "without a share"},
        {"", 0, "without a share"},
        {"train=1,", 0, "without a share"},
        {"tr ain=1", 0, "cannot be called"},
        {"../x=1", 0, "cannot be called"},
        {"all=1", 0, "cannot be called"},
        {"=1", 0, "cannot be called"},
        {"train=1,test=0", 0, "above 0"},
        {"train=nan", 0, "share"},
        {"train=-1,test=2", 0, "share"},
        {"a=.1,b=.1,c=.1,d=.1,e=.1,f=.1,g=.1,h=.1,i=.2", 0, "at most 8"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_error err = {0};
        struct gen_splits s = {.n = 77};
        int rc = gen_splits_parse(&s, cases[i].text, &err);
        if (cases[i].n) {
            assert_int_equal(rc, GEN_OK);
            assert_int_equal(s.n, cases[i].n);
        } else {
            assert_int_equal(rc, GEN_EUSAGE);
            assert_int_equal(s.n, 77);
            if (!strstr(err.msg, cases[i].says))
                fail_msg("\"%s\": %s", cases[i].text, err.msg);
        }
    }
    assert_true(gen_split_is_usual("validation"));
    assert_false(gen_split_is_usual("heldout"));
}

/* Every source in one split, near the shares, and the same whatever order the sources come in. */
static void splitting_sources(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct gen_split_source a[300];
        struct gen_split_source b[300];
        uint64_t n_rows = 0;
        for (size_t i = 0; i < 300; i++) {
            a[i] = (struct gen_split_source){i * 7919 + 3, 1 + (i * i + seed) % 40, 99};
            b[299 - i] = a[i];
            n_rows += a[i].n_rows;
        }
        struct gen_splits splits;
        struct gen_splits again;
        assert_int_equal(gen_splits_parse(&splits, "train=0.9,validation=0.06,test=0.04", NULL),
                         GEN_OK);
        again = splits;
        assert_int_equal(gen_splits_assign(&splits, a, 300, seed, NULL), GEN_OK);
        assert_int_equal(gen_splits_assign(&again, b, 300, seed, NULL), GEN_OK);
        uint64_t sum = 0;
        for (size_t s = 0; s < 3; s++) {
            double off = (double)splits.rows[s].n_rows - splits.rows[s].share * (double)n_rows;
            assert_true(off < 12.0 && off > -12.0); /* of some 5,000 */
            assert_int_equal(splits.rows[s].n_rows, again.rows[s].n_rows);
            sum += splits.rows[s].n_rows;
        }
        assert_int_equal(sum, n_rows);
        for (size_t i = 0; i < 300; i++)
            assert_int_equal(a[i].split, b[299 - i].split); /* whatever their order */
    }
}

static void splitting_too_few(void **state)
{
    (void)state;
    struct gen_error err;
    struct gen_splits splits;
    struct gen_split_source sources[] = {{1, 100, 0}, {2, 3, 0}};
    assert_int_equal(gen_splits_parse(&splits, "train=0.9,validation=0.1", NULL), GEN_OK);
    struct gen_splits again = splits;
    assert_int_equal(gen_splits_assign(&splits, sources, 1, 0, &err), GEN_EINPUT);
    assert_non_null(strstr(err.msg, "--split-by row"));
    assert_int_equal(gen_splits_assign(&again, sources, 2, 0, &err), GEN_OK);
    assert_int_equal(again.rows[0].n_rows, 100);
    assert_int_equal(again.rows[1].n_rows, 3);
}

static void splitting_rows(void **state)
{
    (void)state;
    uint8_t split_of[1000];
    uint64_t n[2] = {0, 0};
    struct gen_splits splits;
    assert_int_equal(gen_splits_parse(&splits, "train=0.95,validation=0.05", NULL), GEN_OK);
    assert_int_equal(gen_splits_assign_rows(&splits, split_of, 1000, 5, NULL), GEN_OK);
    for (size_t i = 0; i < 1000; i++)
        n[split_of[i]]++;
    assert_int_equal(n[0], 950);
    assert_int_equal(n[1], 50);
    assert_int_equal(gen_splits_assign_rows(&splits, split_of, 5, 5, NULL), GEN_EINPUT);
}

/* Rows {"n":i} of i % 10 sources. */
static struct gen_rowset *make_rows(struct place *p, unsigned n)
{
    struct gen_rowset *rows = NULL;
    assert_int_equal(gen_rowset_open(&rows, at(p, "rows"), true, NULL), GEN_OK);
    for (unsigned i = 0; i < n; i++) {
        char text[64];
        char source[32];
        (void)snprintf(text, sizeof(text), "{\"n\":%u,\"s\":%u}", i, i % 10);
        (void)snprintf(source, sizeof(source), "doc%u.md", i % 10);
        const struct gen_example e = {.source = gen_str_from(source)};
        assert_int_equal(gen_rowset_add(rows, gen_str_from(text), &e, 0, NULL), GEN_OK);
    }
    return rows;
}

static unsigned row_number(struct gen_rowset *rows, size_t split, uint64_t i, unsigned *source)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf text = gen_buf_make(1 << 20);
    int64_t n = -1;
    int64_t s = -1;
    assert_int_equal(gen_rowset_read(rows, split, i, &text, NULL), GEN_OK);
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(&text), NULL), GEN_OK);
    assert_true(gen_json_as_int(gen_json_get(gen_json_root(doc), "n"), &n));
    assert_true(gen_json_as_int(gen_json_get(gen_json_root(doc), "s"), &s));
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    *source = (unsigned)s;
    return (unsigned)n;
}

static void arranging(void **state)
{
    struct place *p = *state;
    enum { N = 1000 };
    static const struct gen_rowset_order orders[] = {
        {false, false, 0}, {false, true, 1}, {true, true, 1}, {true, false, 9}};
    for (size_t o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
        struct gen_rowset *rows = make_rows(p, N);
        struct gen_splits splits;
        uint64_t n_moved = 77;
        unsigned seen[N] = {0};
        unsigned split_of_source[10] = {0}; /* bits */
        assert_int_equal(gen_splits_parse(&splits, "train=0.8,validation=0.2", NULL), GEN_OK);
        assert_int_equal(gen_rowset_arrange(rows, &splits, &orders[o], &n_moved, NULL), GEN_OK);
        assert_int_equal(n_moved, 0);
        assert_int_equal(splits.rows[0].n_rows, 800);
        unsigned before = 0;
        bool in_order = true;
        for (size_t s = 0; s < 2; s++) {
            for (uint64_t i = 0; i < splits.rows[s].n_rows; i++) {
                unsigned source = 0;
                unsigned n = row_number(rows, s, i, &source);
                seen[n]++;
                split_of_source[source] |= 1U << s;
                in_order &= i == 0 || n > before;
                before = n;
            }
        }
        assert_int_equal(in_order, !orders[o].shuffles);
        for (size_t i = 0; i < N; i++)
            assert_int_equal(seen[i], 1);
        for (size_t i = 0; i < 10 && !orders[o].by_row; i++)
            assert_true(split_of_source[i] == 1 || split_of_source[i] == 2);
        gen_rowset_close(rows);
    }
}

/* The order of a seed is part of what users rely on: it must not change between versions. */
static void shuffling_is_fixed(void **state)
{
    struct place *p = *state;
    static const unsigned wanted[] = {0, 9, 5, 8, 6, 4, 7, 2, 1, 3};
    struct gen_splits splits = gen_splits_whole();
    const struct gen_rowset_order order = {false, true, 42};
    struct gen_rowset *rows = make_rows(p, 10);
    uint64_t n_moved;
    assert_int_equal(gen_rowset_arrange(rows, &splits, &order, &n_moved, NULL), GEN_OK);
    for (unsigned i = 0; i < 10; i++) {
        unsigned source = 0;
        assert_int_equal(row_number(rows, 0, i, &source), wanted[i]);
    }
    gen_rowset_close(rows);
}

/* A shape that comes after the first megabytes is shown at the front; the others stay in order. */
static void late_shapes_come_first(void **state)
{
    struct place *p = *state;
    enum { N = 100, LATE = 90 };
    struct gen_rowset *rows = NULL;
    struct gen_buf text = gen_buf_make(1 << 20);
    const struct gen_example e = {.source = GEN_STR("s")};
    assert_int_equal(gen_rowset_open(&rows, at(p, "rows"), false, NULL), GEN_OK);
    for (unsigned i = 0; i < N; i++) {
        gen_buf_clear(&text);
        assert_int_equal(
            gen_buf_printf(&text, NULL, "{\"n\":%u,\"s\":0,\"x\":\"%0100000d\"}", i, 0), GEN_OK);
        assert_int_equal(gen_rowset_add(rows, gen_buf_str(&text), &e, i >= LATE, NULL), GEN_OK);
    }
    struct gen_splits splits = gen_splits_whole();
    const struct gen_rowset_order order = {false, false, 0};
    uint64_t n_moved = 0;
    unsigned source = 0;
    assert_int_equal(gen_rowset_arrange(rows, &splits, &order, &n_moved, NULL), GEN_OK);
    assert_int_equal(n_moved, 1);
    assert_int_equal(row_number(rows, 0, 0, &source), LATE);
    for (unsigned i = 1; i < N; i++)
        assert_int_equal(row_number(rows, 0, i, &source), i <= LATE ? i - 1 : i);
    gen_buf_release(&text);
    gen_rowset_close(rows);
}

static void telling_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *row;
        uint16_t shape;
        bool is_new;
    } cases[] = {
        {"{\"a\":1}", 0, true},
        {"{\"a\":2}", 0, false},
        {"{\"a\":2.5}", 1, true},
        {"{\"a\":\"x\"}", 2, true},
        {"{\"a\":null}", 3, false},
        {"{\"b\":{\"a\":1}}", 4, true},
        {"{\"b\":{\"a\":7}}", 4, false},
        {"{\"a\":1,\"b\":{\"a\":1}}", 5, false},
        {"{\"b\":{\"a\":1},\"a\":1}", 5, false},
        {"{\"l\":[{\"k\":1},{\"k\":2}]}", 6, true},
        {"{\"l\":[{\"k\":1}]}", 6, false},
    };
    struct gen_shapes *shapes = NULL;
    assert_int_equal(gen_shapes_new(&shapes, NULL), GEN_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *doc = NULL;
        bool is_new = false;
        assert_int_equal(gen_json_parse(&doc, gen_str_from(cases[i].row), NULL), GEN_OK);
        assert_int_equal(gen_shapes_of(shapes, gen_json_root(doc), &is_new), cases[i].shape);
        assert_int_equal(is_new, cases[i].is_new);
        gen_json_doc_free(doc);
    }
    gen_shapes_free(shapes);
}

static int write_folder(struct place *p, const char *name, unsigned n_rows, uint64_t n_shards,
                        struct gen_error *err)
{
    struct gen_dataset_folder *f = NULL;
    struct gen_splits splits;
    const struct gen_rowset_order order = {true, false, 0};
    uint64_t n_moved;
    assert_int_equal(gen_splits_parse(&splits, "train=0.8,validation=0.2", NULL), GEN_OK);
    struct gen_rowset *rows = make_rows(p, n_rows);
    assert_int_equal(gen_rowset_arrange(rows, &splits, &order, &n_moved, NULL), GEN_OK);
    int rc = gen_dataset_folder_open(&f, at(p, name), err);
    if (rc == GEN_OK)
        rc = gen_dataset_folder_rows(f, rows, &splits, n_shards, err);
    if (rc == GEN_OK)
        rc = gen_dataset_folder_file(f, "README.md", GEN_STR("# Rows\n"), err);
    if (rc == GEN_OK)
        rc =
            gen_dataset_folder_info(f, &gen_export_sharegpt, (struct gen_info_columns){true, false},
                                    &splits, n_shards, err);
    if (rc == GEN_OK)
        rc = gen_dataset_folder_commit(f, err);
    gen_dataset_folder_close(f);
    gen_rowset_close(rows);
    return rc;
}

struct seen {
    unsigned times[200];
    size_t n_files, n_rows;
};

static int read_shard(void *ud, const char *path, struct gen_error *err)
{
    struct seen *seen = ud;
    struct gen_record_reader *r = NULL;
    struct gen_record_row row;
    bool more = true;
    if (!strstr(path, "/data/"))
        return GEN_OK;
    assert_int_equal(gen_record_reader_open(&r, path, err), GEN_OK);
    seen->n_files++;
    for (;;) {
        int64_t n = -1;
        assert_int_equal(gen_record_reader_next(r, &row, &more, err), GEN_OK);
        if (!more)
            break;
        assert_true(gen_json_as_int(gen_json_get(row.json, "n"), &n));
        seen->times[n]++;
        seen->n_rows++;
    }
    gen_record_reader_close(r);
    return GEN_OK;
}

static void sharding(void **state)
{
    struct place *p = *state;
    static const struct {
        uint64_t n_shards;
        size_t n_files;
    } cases[] = {{1, 2}, {3, 6}, {7, 14}, {1000, 200}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_error err = {0};
        struct seen seen = {.n_rows = 0};
        if (write_folder(p, "set", 200, cases[i].n_shards, &err) != GEN_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(gen_dir_walk(at(p, "set"), read_shard, &seen, NULL), GEN_OK);
        assert_int_equal(seen.n_files, cases[i].n_files);
        assert_int_equal(seen.n_rows, 200);
        for (size_t n = 0; n < 200; n++)
            assert_int_equal(seen.times[n], 1);
    }
    assert_int_equal(gen_file_kind(at(p, "set/data/train-00000-of-00160.jsonl")), GEN_FILE_REGULAR);
    assert_int_equal(gen_file_kind(at(p, "set/data/train-00000-of-00001.jsonl")), GEN_FILE_NONE);
}

static int count_entry(void *ud, const char *path, struct gen_error *err)
{
    (void)path;
    (void)err;
    ++*(size_t *)ud;
    return GEN_OK;
}

/* What is ours is replaced; what somebody else put there, or edited, is not touched. */
static void replacing(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *file;
        const char *says; /* NULL: it does not matter */
    } cases[] = {
        {"set/notes.txt", "notes.txt"},
        {"set/.git", ".git"},
        {"set/data/extra.jsonl", "data/extra.jsonl"},
        {"set/README.md", "was edited"},
        {"set/dataset_info.json", "was edited"},
        {"beside.txt", NULL},
    };
    struct gen_error err = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_buf kept = gen_buf_make(100);
        gen_scratch_remove(at(p, "set"));
        assert_int_equal(write_folder(p, "set", 20, 1, &err), GEN_OK);
        assert_int_equal(write_folder(p, "set", 30, 2, &err), GEN_OK);
        assert_int_equal(gen_file_write_all(at(p, cases[i].file), GEN_STR("mine"), NULL), GEN_OK);
        int rc = write_folder(p, "set", 40, 1, &err);
        assert_int_equal(rc, cases[i].says ? GEN_EUSAGE : GEN_OK);
        if (cases[i].says && !strstr(err.msg, cases[i].says))
            fail_msg("%s", err.msg);
        assert_int_equal(gen_file_read_all(&kept, at(p, cases[i].file), NULL), GEN_OK);
        assert_string_equal(kept.data, "mine");
        gen_buf_release(&kept);
    }
    size_t n = 0;
    gen_scratch_remove(at(p, "set"));
    assert_int_equal(gen_dir_walk(p->folder.path, count_entry, &n, NULL), GEN_OK);
    assert_int_equal(n, 1); /* beside.txt: no temporary folder stays */
}

/* A folder that was given up leaves the old one whole; an empty folder is taken; a file is not. */
static void giving_up(void **state)
{
    struct place *p = *state;
    struct gen_error err;
    struct gen_dataset_folder *f = NULL;
    assert_int_equal(gen_dir_make(at(p, "empty"), NULL), GEN_OK);
    assert_int_equal(write_folder(p, "empty", 20, 1, &err), GEN_OK);
    assert_int_equal(gen_dataset_folder_open(&f, at(p, "empty/"), NULL), GEN_OK);
    assert_string_equal(gen_dataset_folder_name(f), "empty");
    assert_int_equal(gen_dataset_folder_file(f, "README.md", GEN_STR("half"), NULL), GEN_OK);
    gen_dataset_folder_close(f);
    struct gen_buf text = gen_buf_make(100);
    assert_int_equal(gen_file_read_all(&text, at(p, "empty/README.md"), NULL), GEN_OK);
    assert_string_equal(text.data, "# Rows\n");
    gen_buf_release(&text);
    assert_int_equal(gen_file_write_all(at(p, "file"), GEN_STR("x"), NULL), GEN_OK);
    assert_int_equal(gen_dataset_folder_open(&f, at(p, "file"), &err), GEN_EUSAGE);
}

static void merging_info(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *existing;
        int rc;
        const char *has; /* in the result, or in the message */
    } cases[] = {
        {NULL, GEN_OK, "\"file_name\": \"t.jsonl\""},
        {"{\"other\":{\"file_name\":\"o.json\",\"x\":[1]}}", GEN_OK, "\"o.json\""},
        {"{\"t\":{\"file_name\":\"t.jsonl\",\"ranking\":true}}", GEN_OK, "\"sharegpt\""},
        {"{\"t\":{\"file_name\":\"else.jsonl\"}}", GEN_EINPUT, "another name"},
        {"[1]", GEN_EINPUT, "no JSON object"},
        {"{\"a\":", GEN_EINPUT, "invalid JSON"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_error err = {0};
        struct gen_buf out = gen_buf_make(1 << 16);
        const char *path = at(p, "dataset_info.json");
        (void)unlink(path);
        if (cases[i].existing)
            assert_int_equal(gen_file_write_all(path, gen_str_from(cases[i].existing), NULL),
                             GEN_OK);
        int rc = gen_info_merge(&out, path, "t", "t.jsonl", &gen_export_llamafactory,
                                (struct gen_info_columns){true, true}, &err);
        assert_int_equal(rc, cases[i].rc);
        if (!strstr(rc ? err.msg : out.data, cases[i].has))
            fail_msg("%s", rc ? err.msg : out.data);
        if (rc == GEN_OK)
            assert_non_null(strstr(out.data, "\"system\": \"system\""));
        if (rc == GEN_OK)
            assert_non_null(strstr(out.data, "\"tools\": \"tools\""));
        /* Tags that are not named are none to LLaMA-Factory. */
        if (rc == GEN_OK)
            assert_non_null(strstr(out.data, "\"observation_tag\": \"observation\""));
        gen_buf_release(&out);
    }
}

/* The card's header is YAML whatever the names are, and no text of the data breaks its tables. */
static void carding(void **state)
{
    struct place *p = *state;
    struct gen_error err;
    struct gen_yaml *yaml = NULL;
    struct gen_buf text = gen_buf_make(1 << 20);
    struct gen_json_doc *summary = NULL;
    struct gen_splits splits;
    struct gen_counts filtered = {.n = 0};
    struct gen_rowset_source top[2];
    const struct gen_rowset_order order = {false, true, 7};
    const struct gen_export_options options = {NULL, false, GEN_REASONING_AUTO, 0, false};
    const struct gen_str odd = GEN_STR("a|b\n---\n<script>`x` [l](u)\\");
    assert_int_equal(gen_splits_parse(&splits, "train=0.9,validation=0.1", NULL), GEN_OK);
    assert_int_equal(
        gen_json_parse(&summary,
                       GEN_STR("{\"version\":\"0.3\",\"model\":\"m|*x*\",\"seed\":5,\"prompts_"
                               "sha256\":{\"qa\":\"ab\"},\"stages\":[{\"stage\":\"generate\","
                               "\"in\":9,\"out\":20,\"filtered\":{\"short\":2}}]}"),
                       NULL),
        GEN_OK);
    struct gen_rowset *rows = make_rows(p, 25);
    const struct gen_example e = {.source = odd};
    for (int i = 0; i < 9; i++)
        assert_int_equal(gen_rowset_add(rows, GEN_STR("{}"), &e, 0, NULL), GEN_OK);
    gen_counts_add(&filtered, "malformed_row", 3);
    const struct gen_card card = {
        .name = "odd: \"name\" #1\n- x",
        .license = "cc-by-4.0: yes",
        .format = &gen_export_chatml,
        .options = &options,
        .splits = &splits,
        .order = &order,
        .n_rows = 34,
        .n_reasoning = 4,
        .n_sources = gen_rowset_source_count(rows),
        .top = top,
        .n_top = gen_rowset_top_sources(rows, top, 2),
        .n_in = 37,
        .filtered = &filtered,
        .summary = gen_json_root(summary),
    };
    assert_int_equal(card.n_sources, 11);
    assert_true(gen_str_eq(top[0].name, odd));
    assert_int_equal(top[0].n_rows, 9);
    assert_int_equal(top[1].n_rows, 3);
    assert_true(gen_str_is(top[1].name, "doc0.md"));
    assert_int_equal(gen_card_write(&text, &card, &err), GEN_OK);
    struct gen_str whole = gen_buf_str(&text);
    size_t end = gen_str_find(whole, GEN_STR("\n---\n"), 4);
    assert_true(gen_str_starts(whole, GEN_STR("---\n")) && end != SIZE_MAX);
    if (gen_yaml_parse(&yaml, gen_str_sub(whole, 4, end - 3), "card", &err) != GEN_OK)
        fail_msg("%s", err.msg);
    const struct gen_json *root = gen_yaml_root(yaml);
    const struct gen_json *files =
        gen_json_get(gen_json_at(gen_json_get(root, "configs"), 0), "data_files");
    assert_true(gen_str_is(gen_json_get_str(root, "license"), card.license));
    assert_true(gen_str_is(gen_json_get_str(root, "pretty_name"), card.name));
    assert_int_equal(gen_json_count(files), 2);
    assert_true(
        gen_str_is(gen_json_get_str(gen_json_at(files, 1), "path"), "data/validation-*.jsonl"));
    struct gen_str body = gen_str_sub(whole, end + 5, whole.n);
    static const char *const has[] = {"a\\|b --- &lt;script\\>",
                                      "m\\|\\*x\\*",
                                      "malformed_row 3",
                                      "| generate | 9 | 20 | short 2 |",
                                      "seed: 5",
                                      "seed 7",
                                      "- qa: ab",
                                      "LLaMA-Factory"};
    for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++) {
        if (gen_str_find(body, gen_str_from(has[i]), 0) == SIZE_MAX)
            fail_msg("no \"%s\" in:\n%s", has[i], text.data);
    }
    gen_yaml_free(yaml);
    gen_json_doc_free(summary);
    gen_rowset_close(rows);
    gen_buf_release(&text);
}

/* No two splits have a row of the same words, or of the same calls; rows chain through both. */
static void tasks_stay_whole(void **state)
{
    struct gen_rowset *rows = NULL;
    struct gen_splits splits;
    struct gen_buf text = gen_buf_make(4096);
    uint64_t n_moved = 0;
    assert_int_equal(gen_splits_parse(&splits, "train=0.5,validation=0.5", NULL), GEN_OK);
    assert_int_equal(gen_rowset_open(&rows, at(*state, "out"), false, NULL), GEN_OK);
    for (unsigned i = 0; i < 60; i++) {
        char said[32];
        char name[32];
        /* i and i + 1 (i even) share the words; i and i + 3 (i odd) the call: chains of a few. */
        (void)snprintf(said, sizeof(said), "ask %u", i / 2);
        (void)snprintf(name, sizeof(name), "tool_%u", i % 4 == 1 ? i : i % 4 == 0 && i ? i - 3 : i);
        const struct gen_call call = {.name = gen_str_from(name)};
        struct gen_turn turns[] = {
            {.role = GEN_ROLE_USER, .content = gen_str_from(said)},
            {.role = GEN_ROLE_ASSISTANT, .content = GEN_STR(""), .calls = &call, .n_calls = 1}};
        const struct gen_example e = {.turns = turns, .n_turns = 2, .n_calls = 1};
        gen_buf_clear(&text);
        assert_int_equal(gen_buf_printf(&text, NULL, "%s;%s", said, name), GEN_OK);
        assert_int_equal(gen_rowset_add(rows, gen_buf_str(&text), &e, 0, NULL), GEN_OK);
    }
    assert_int_equal(gen_rowset_without_source(rows), 0);
    const struct gen_rowset_order order = {.seed = 7};
    assert_int_equal(gen_rowset_arrange(rows, &splits, &order, &n_moved, NULL), GEN_OK);
    assert_true(splits.rows[0].n_rows > 0 && splits.rows[1].n_rows > 0);
    assert_int_equal(splits.rows[0].n_rows + splits.rows[1].n_rows, 60);
    char in_train[60][64];
    for (uint64_t i = 0; i < splits.rows[0].n_rows; i++) {
        assert_int_equal(gen_rowset_read(rows, 0, i, &text, NULL), GEN_OK);
        (void)snprintf(in_train[i], sizeof(in_train[i]), "%.*s", GEN_STR_ARG(gen_buf_str(&text)));
    }
    for (uint64_t i = 0; i < splits.rows[1].n_rows; i++) {
        assert_int_equal(gen_rowset_read(rows, 1, i, &text, NULL), GEN_OK);
        struct gen_str row = gen_buf_str(&text);
        size_t semicolon = gen_str_find(row, GEN_STR(";"), 0);
        for (uint64_t k = 0; k < splits.rows[0].n_rows; k++) {
            struct gen_str other = gen_str_from(in_train[k]);
            size_t end = gen_str_find(other, GEN_STR(";"), 0);
            assert_false(gen_str_eq(gen_str_sub(row, 0, semicolon), gen_str_sub(other, 0, end)));
            assert_false(
                gen_str_eq(gen_str_sub(row, semicolon, row.n), gen_str_sub(other, end, other.n)));
        }
    }
    gen_rowset_close(rows);
    gen_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing_splits),
        cmocka_unit_test(splitting_sources),
        cmocka_unit_test(splitting_too_few),
        cmocka_unit_test(splitting_rows),
        cmocka_unit_test_setup_teardown(arranging, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tasks_stay_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shuffling_is_fixed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(late_shapes_come_first, set_up, tear_down),
        cmocka_unit_test(telling_shapes),
        cmocka_unit_test_setup_teardown(sharding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replacing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(giving_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merging_info, set_up, tear_down),
        cmocka_unit_test_setup_teardown(carding, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
