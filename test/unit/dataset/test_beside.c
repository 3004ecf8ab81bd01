/* The names of files beside a dataset. */
#include "dataset/beside.h"
#include "os/file.h"
#include "os/scratch.h"

#include <setjmp.h> /* cmocka needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void stems(void **state)
{
    static const struct {
        const char *dataset, *path;
    } cases[] = {
        {"a/qa.json", "a/qa_x.json"},      {"qa.jsonl", "qa_x.json"},
        {"a.b/qa", "a.b/qa_x.json"},       {"-", "dedup_x.json"},
        {"/dev/stdout", "dedup_x.json"},   {"./-", "./-_x.json"},
        {"a/.hidden", "a/.hidden_x.json"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_buf path = gen_buf_make(4096);
        struct gen_str stem = gen_beside_stem(cases[i].dataset, "dedup");
        assert_int_equal(gen_beside_path(stem, "_x.json", &path, NULL), GEN_OK);
        assert_string_equal(path.data, cases[i].path);
        gen_buf_release(&path);
    }
}

/* Ledgers of these names are there: qa, qa_all-of, and one in the folder's own name. */
static void ledgers(void **state)
{
    static const struct {
        const char *dataset, *ledger; /* NULL: none */
    } cases[] = {
        {"qa.json", "qa.ledger"},
        {"qa_all_rated.json", "qa.ledger"},
        {"qa_all-of_it-now.jsonl", "qa_all-of.ledger"},
        {"qa-2.json", "qa.ledger"},
        {"qab.json", NULL},
        {"_qa.json", NULL},
        {"other_qa.json", NULL},
        {"sub_dir/x.json", NULL},
        {"folder_x.json", NULL}, /* a folder of that name is no ledger */
    };
    (void)state;
    struct gen_scratch folder;
    struct gen_buf path = gen_buf_make(4096);
    struct gen_buf found = gen_buf_make(4096);
    assert_int_equal(gen_scratch_make(&folder, NULL), GEN_OK);
    static const char *const there[] = {"qa.ledger", "qa_all-of.ledger", "sub.ledger",
                                        "folder.ledger/x"};
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        gen_buf_clear(&path);
        assert_int_equal(
            gen_path_join(&path, gen_str_from(folder.path), gen_str_from(there[i]), NULL), GEN_OK);
        assert_int_equal(gen_file_write_all(path.data, GEN_STR("x"), NULL), GEN_OK);
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gen_buf_clear(&path);
        assert_int_equal(
            gen_path_join(&path, gen_str_from(folder.path), gen_str_from(cases[i].dataset), NULL),
            GEN_OK);
        assert_int_equal(gen_buf_add_c(&found, "of the call before", NULL), GEN_OK);
        assert_int_equal(gen_beside_find_ledger(path.data, &found, NULL), GEN_OK);
        gen_buf_clear(&path);
        if (cases[i].ledger)
            assert_int_equal(gen_path_join(&path, gen_str_from(folder.path),
                                           gen_str_from(cases[i].ledger), NULL),
                             GEN_OK);
        if (!gen_str_eq(gen_buf_str(&found), gen_buf_str(&path)))
            fail_msg("%s: %s", cases[i].dataset, found.n ? found.data : "none");
    }
    assert_int_equal(gen_beside_find_ledger("-", &found, NULL), GEN_OK);
    assert_int_equal(found.n, 0);
    gen_scratch_release(&folder);
    gen_buf_release(&path);
    gen_buf_release(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stems),
        cmocka_unit_test(ledgers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
