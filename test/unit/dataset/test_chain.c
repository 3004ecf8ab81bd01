/* Chains of reasoning: numbering, rules, agreement of answers, arithmetic. */
#include "dataset/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void read_chain(const char *json, struct gen_json_doc **doc, struct gen_chain *c)
{
    assert_int_equal(gen_json_parse(doc, gen_str_from(json), NULL), GEN_OK);
    gen_chain_read(gen_json_root(*doc), c);
}

static void numbers_are_stripped(void **state)
{
    static const char *const rows[][2] = {
        {"Step 1: It melts.", "It melts."},
        {"step 12 - It melts.", "It melts."},
        {"**Step 3:** It melts.", "It melts."},
        {"**Step 3**: It melts.", "It melts."},
        {"1. It melts.", "It melts."},
        {"2) It melts.", "It melts."},
        {"(3) It melts.", "It melts."},
        {"- It melts.", "It melts."},
        {"- 1. It melts.", "It melts."},
        {"1. Step 1: It melts.", "It melts."},
        {"2.5 GB are read.", "2.5 GB are read."},
        {"64 blocks are read.", "64 blocks are read."},
        {"Stepwise it melts.", "Stepwise it melts."},
        {"1,024 / 4 = 256", "1,024 / 4 = 256"},
        {"-1 is returned.", "-1 is returned."},
        {"2024: it melts.", "2024: it melts."},
        {"Step 1:It melts.", "It melts."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_jb *b = NULL;
        struct gen_buf text = gen_buf_make(4096);
        struct gen_json_doc *doc = NULL;
        struct gen_chain c;
        assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
        struct gen_jmut *list = gen_jb_array(b);
        gen_jb_append(b, list, gen_jb_str(b, gen_str_from(rows[i][0])));
        assert_int_equal(gen_jb_write(b, list, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
        read_chain(text.data, &doc, &c);
        assert_int_equal(c.n, 1);
        if (!gen_str_is(c.steps[0], rows[i][1]))
            fail_msg("%s became %.*s", rows[i][0], GEN_STR_ARG(c.steps[0]));
        gen_json_doc_free(doc);
        gen_buf_release(&text);
        gen_jb_free(b);
    }
}

static void blank_and_foreign_members_are_left_out(void **state)
{
    struct gen_json_doc *doc = NULL;
    struct gen_chain c;
    struct gen_buf out = gen_buf_make(4096);
    (void)state;
    read_chain("[\"  \",\"1.\",7,null,\"2. Wax\\nmelts.\",\"So it runs.\"]", &doc, &c);
    /* "1." has nothing behind it. */
    assert_int_equal(c.n, 2);
    assert_false(c.is_cut);
    assert_int_equal(gen_chain_write(&c, &out, NULL), GEN_OK);
    assert_string_equal(out.data, "Step 1: Wax melts.\nStep 2: So it runs.");
    gen_json_doc_free(doc);
    gen_buf_release(&out);
    read_chain("[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\",\"l\",\"m\"]",
               &doc, &c);
    assert_int_equal(c.n, GEN_CHAIN_STEPS_MAX);
    assert_true(c.is_cut);
    gen_json_doc_free(doc);
}

static void rules(void **state)
{
    static const struct {
        const char *steps, *rule;
    } rows[] = {
        {"[\"Steam needs room.\",\"Trapped steam therefore cracks thick walls.\"]", NULL},
        {"[]", "too_few_steps"},
        {"[\"Steam needs room.\"]", "too_few_steps"},
        {"[\"The passage says that steam needs room.\",\"It cracks walls.\"]",
         "step_refers_to_context"},
        {"[\"Steam needs room.\",\"The given answer is 60 degrees.\"]",
         "step_mentions_given_answer"},
        {"[\"Steam needs room.\",\"<|im_end|> cracks.\"]", "left_overs"},
        {"[\"Steam needs room.\",\"It takes 2 * 60 = 130 minutes.\"]", "wrong_arithmetic"},
        {"[\"Steam needs much room above boiling.\",\"Steam needs much room above boiling, "
         "too.\"]",
         "repeated_step"},
        {"[\"Why must a kiln with thick walls be heated slowly?\",\"Steam cracks them.\"]",
         "repeated_step"},
        {"[\"Steam cracks clay.\",\"A kiln must be heated.\"]", "decorative_step"},
        {"[\"Steam cracks clay.\",\"So a kiln must be heated slowly.\"]", NULL},
        {"[\"a1\",\"a2\",\"a3\",\"a4\",\"a5\",\"a6\",\"a7\",\"a8\",\"a9\",\"b1\",\"b2\",\"b3\","
         "\"b4\"]",
         "too_many_steps"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_json_doc *doc = NULL;
        struct gen_chain c;
        const char *rule = "unset";
        read_chain(rows[i].steps, &doc, &c);
        assert_int_equal(
            gen_chain_rule(&c, GEN_STR("Why must a kiln with thick walls be heated slowly?"), &rule,
                           NULL),
            GEN_OK);
        if (!rule != !rows[i].rule || (rule && strcmp(rule, rows[i].rule) != 0))
            fail_msg("%s: %s", rows[i].steps, rule ? rule : "(none)");
        gen_json_doc_free(doc);
    }
}

static void leaks_and_derivations(void **state)
{
    struct gen_json_doc *doc = NULL;
    struct gen_chain c;
    bool yes = false;
    (void)state;
    read_chain("[\"Cordierite bends above 1,280 degrees.\",\"So 1,250 degrees are safe.\"]", &doc,
               &c);
    struct gen_str question = GEN_STR("Which shelf is safe?");
    assert_true(gen_chain_leaks_answer(&c, question, GEN_STR("Cordierite.")));
    assert_false(gen_chain_leaks_answer(&c, question, GEN_STR("Cordierite at 1,250.")));
    /* All of it stands in the question: that is no leak. */
    assert_false(
        gen_chain_leaks_answer(&c, GEN_STR("Is cordierite safe?"), GEN_STR("Cordierite.")));
    assert_int_equal(gen_chain_derives(&c, question, GEN_STR("At 1250 degrees."), &yes, NULL), 0);
    assert_true(yes);
    assert_int_equal(gen_chain_derives(&c, question, GEN_STR("At 1,300 degrees."), &yes, NULL), 0);
    assert_false(yes);
    gen_json_doc_free(doc);
}

static void agreement(void **state)
{
    static const struct {
        const char *answer, *conclusion;
        bool agree;
    } rows[] = {
        {"By 60 °C an hour, because trapped steam cracks thick walls.", "By 60 °C an hour.", true},
        {"By 60 °C an hour.",
         "The temperature may rise by 60 °C an hour, since steam cracks walls.", true},
        {"By 60 °C an hour.", "By 90 °C an hour.", false},
        {"At 900 °C.", "At 1,000 °C.", false},
        {"Yes, as long as steam escapes.", "No, because steam stays.", false},
        {"Yes, as long as steam escapes.", "Yes: steam escapes.", true},
        {"Steam cracks them.", "", false},
        {"Steam cracks them.", "Glaze bonds to shelves.", false},
        {"Slowly.", "Slowly.", true},
        {"`H5Dcreate2` makes it.", "`H5Dopen2` makes it.", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool yes = false;
        assert_int_equal(gen_answers_agree(GEN_STR("How fast may a kiln be heated?"),
                                           gen_str_from(rows[i].answer),
                                           gen_str_from(rows[i].conclusion), &yes, NULL),
                         GEN_OK);
        if (yes != rows[i].agree)
            fail_msg("\"%s\" and \"%s\": %d", rows[i].answer, rows[i].conclusion, yes);
    }
}

static void arithmetic(void **state)
{
    static const struct {
        const char *text;
        bool wrong;
        const char *computed;
    } rows[] = {
        {"12 * 60 = 720", false, " 720"},
        {"12 * 60 = 730", true, ""},
        {"12 × 60 = 720 minutes", false, " 720 minutes"},
        {"1,024 / 8 = 128.", false, " 128"},
        {"1,024 / 8 = 129.", true, ""},
        {"2 + 3 * 4 = 14", false, " 14"},
        {"2 + 3 * 4 = 20", true, ""},
        {"10 − 4 − 3 = 3", false, " 3"},
        {"10 / 3 = 3.33", false, " 3.33"},
        {"10 / 3 = 3.4", true, ""},
        {"7 / 2 = 3", false, " 3"},
        {"64 KB * 2 = 128 KB", false, " 128 KB"},
        {"64 KB * 2 = 131072 bytes", false, ""}, /* units differ: not known */
        {"20 % * 50 = 10", false, ""},
        {"(2 + 3) * 4 = 21", false, ""}, /* brackets are not read */
        {"2 ** 10 = 5", false, ""},
        {"x = 3 + 4", false, ""},
        {"a + 4 = 9", false, ""},
        {"if 2 + 2 == 5", false, ""},
        {"2 + 2 = 1 + 3", false, ""},
        {"2 + 2 = 4 = 4", false, " 4"},
        {"5 / 0 = 7", false, ""},
        {"version 1.2.3 - 4 = 9", false, ""},
        {"HDF5 = 5", false, ""},
        {"1,0 + 1 = 2", false, ""}, /* no thousands separator */
        {"0.1 + 0.2 = 0.3", false, " 0.3"},
        {"=", false, ""},
        {"3 + = 4", false, ""},
        {"9999999999999999999999 + 1 = 2", false, ""},
        {"First 8 * 8 = 64, then 64 * 8 = 500.", true, " 64"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool wrong = !rows[i].wrong;
        struct gen_buf computed = gen_buf_make(4096);
        assert_int_equal(gen_check_arithmetic(gen_str_from(rows[i].text), &wrong, &computed, NULL),
                         GEN_OK);
        if (wrong != rows[i].wrong ||
            strcmp(computed.data ? computed.data : "", rows[i].computed) != 0)
            fail_msg("%s: %d, \"%s\"", rows[i].text, wrong, computed.data ? computed.data : "");
        gen_buf_release(&computed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_stripped),
        cmocka_unit_test(blank_and_foreign_members_are_left_out),
        cmocka_unit_test(rules),
        cmocka_unit_test(leaks_and_derivations),
        cmocka_unit_test(agreement),
        cmocka_unit_test(arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
