/* What lies outside the data directories is refused, by whatever way it is named. */
#include "roots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char top[64];
    struct hds_roots roots;
};

static void make_file(const struct place *p, const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", p->top, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
}

static void make_dir(const struct place *p, const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", p->top, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void make_link(const struct place *p, const char *target, const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", p->top, name);
    assert_int_equal(symlink(target, path), 0);
}

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    char data[200];
    assert_non_null(p);
    (void)snprintf(p->top, sizeof(p->top), "/tmp/test-hdf5-XXXXXX");
    assert_non_null(mkdtemp(p->top));
    make_dir(p, "data");
    make_dir(p, "data/below");
    make_dir(p, "data-secret");
    make_file(p, "data/a.h5");
    make_file(p, "data/below/b.h5");
    make_file(p, "data-secret/s.h5");
    make_link(p, "../data-secret/s.h5", "data/out.h5");
    make_link(p, "below/b.h5", "data/in.h5");
    make_link(p, "../data-secret", "data/outdir");
    make_link(p, "nothing", "data/dangling");
    (void)snprintf(data, sizeof(data), "%s/data/pipe", p->top);
    assert_int_equal(mkfifo(data, 0600), 0);
    (void)snprintf(data, sizeof(data), "%s/data/", p->top);
    assert_int_equal(hds_roots_add(&p->roots, data, NULL), GEN_OK);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"data/pipe",       "data/dangling", "data/outdir",
                                        "data/in.h5",      "data/out.h5",   "data-secret/s.h5",
                                        "data/below/b.h5", "data/a.h5",     "data-secret",
                                        "data/below",      "data"};
    struct place *p = *state;
    char path[200];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", p->top, names[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(p->top), 0);
    hds_roots_release(&p->roots);
    free(p);
    return 0;
}

static void test_files(void **state)
{
    static const struct {
        const char *path; /* "@" in front: below the top directory, absolute */
        bool ok;
    } cases[] = {
        {"a.h5", true},
        {"below/b.h5", true},
        {"./below/../a.h5", true},
        {"in.h5", true},
        {"@data/a.h5", true},
        {"out.h5", false},
        {"outdir/s.h5", false},
        {"../data-secret/s.h5", false},
        {"@data-secret/s.h5", false},
        {"@data/../data-secret/s.h5", false},
        {"/etc/passwd", false},
        {"/proc/self/mem", false},
        {"dangling", false},
        {"pipe", false},
        {"below", false},
        {"", false},
        {"missing.h5", false},
    };
    const struct place *p = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[300];
        char real[PATH_MAX] = "untouched";
        struct gen_error err = {0};
        bool top = cases[i].path[0] == '@';
        (void)snprintf(path, sizeof(path), "%s%s%s", top ? p->top : "", top ? "/" : "",
                       cases[i].path + top);
        int rc = hds_roots_file(&p->roots, gen_str_from(path), real, &err);
        if ((rc == GEN_OK) != cases[i].ok)
            fail_msg("%s: %s", path, rc ? err.msg : real);
        if (rc)
            assert_string_equal(real, "untouched");
        else
            assert_true(hds_roots_contain(&p->roots, real));
    }
}

static void test_nul_and_length(void **state)
{
    const struct place *p = *state;
    char real[PATH_MAX];
    static char large[PATH_MAX + 10];
    memset(large, 'a', sizeof(large));
    assert_int_equal(hds_roots_file(&p->roots, GEN_STR("a.h5\0/../x"), real, NULL), GEN_EINPUT);
    assert_int_equal(hds_roots_file(&p->roots, (struct gen_str){large, sizeof(large)}, real, NULL),
                     GEN_EINPUT);
}

/* What is outside and what is nowhere cannot be told apart. */
static void test_says_nothing_about_outside(void **state)
{
    const struct place *p = *state;
    char real[PATH_MAX];
    struct gen_error there;
    struct gen_error nowhere;
    assert_int_equal(hds_roots_file(&p->roots, GEN_STR("/etc/passwd"), real, &there), GEN_EINPUT);
    assert_int_equal(hds_roots_file(&p->roots, GEN_STR("/etc/passwX"), real, &nowhere), GEN_EINPUT);
    assert_string_equal(strchr(there.msg + 1, '"') + 1, strchr(nowhere.msg + 1, '"') + 1);
}

static void test_new_files(void **state)
{
    static const struct {
        const char *path;
        bool ok;
    } cases[] = {{"new.csv", true},
                 {"below/new.csv", true},
                 {"a.h5", false},
                 {"dangling", false},
                 {"../new.csv", false},
                 {"outdir/new.csv", false},
                 {"/tmp/new.csv", false},
                 {"nowhere/new.csv", false},
                 {"below/", false},
                 {"below/..", false},
                 {"../data-secret/new.csv", false}};
    const struct place *p = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char real[PATH_MAX];
        int rc = hds_roots_new_file(&p->roots, gen_str_from(cases[i].path), real, NULL);
        if ((rc == GEN_OK) != cases[i].ok)
            fail_msg("%s", cases[i].path);
    }
}

static void test_directories(void **state)
{
    const struct place *p = *state;
    char real[PATH_MAX];
    struct hds_roots none = {0};
    assert_int_equal(hds_roots_dir(&p->roots, GEN_STR("."), real, NULL), GEN_OK);
    assert_int_equal(hds_roots_dir(&p->roots, GEN_STR("below"), real, NULL), GEN_OK);
    assert_int_equal(hds_roots_dir(&p->roots, GEN_STR(".."), real, NULL), GEN_EINPUT);
    assert_int_equal(hds_roots_dir(&p->roots, GEN_STR("outdir"), real, NULL), GEN_EINPUT);
    assert_int_equal(hds_roots_dir(&p->roots, GEN_STR("a.h5"), real, NULL), GEN_EINPUT);
    assert_int_equal(hds_roots_add(&none, "/nowhere", NULL), GEN_EUSAGE);
    assert_int_equal(hds_roots_add(&none, "/etc/passwd", NULL), GEN_EUSAGE);
    assert_int_equal(hds_roots_dir(&none, GEN_STR("/"), real, NULL), GEN_EINPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nul_and_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_says_nothing_about_outside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_new_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_directories, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
