/* The embedded provider: the schema of every task, the wording of the rules, grounding, and input
 * that is no prose at all. */
#include "llm/provider.h"

#include <setjmp.h> /* cmocka needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

struct reply {
    struct gen_llm_result result;
    struct gen_json_doc *doc;
    const struct gen_json *root;
};

static struct reply ask(const struct gen_task_inputs *in)
{
    struct gen_llm_request request = {.inputs = in};
    struct gen_error err = {.msg = ""};
    struct reply reply = {.result = gen_llm_result_make()};
    assert_int_equal(gen_provider_extractive.answer(&request, &reply.result, &err), GEN_OK);
    assert_int_equal(reply.result.class_code, GEN_CLASS_OK);
    assert_true(gen_str_is(reply.result.finish, "stop"));
    assert_true(gen_str_is(reply.result.model, "extractive-1"));
    assert_int_equal(reply.result.usage.tokens_in, 0);
    assert_int_equal(reply.result.usage.cost_microusd, 0);
    if (gen_json_parse(&reply.doc, reply.result.text, &err))
        fail_msg("no JSON: %s: %.*s", err.msg, GEN_STR_ARG(reply.result.text));
    reply.root = gen_json_root(reply.doc);
    return reply;
}

static void done(struct reply *r)
{
    gen_json_doc_free(r->doc);
    gen_llm_result_release(&r->result);
}

static struct gen_task_inputs qa(const char *text)
{
    return (struct gen_task_inputs){.task = GEN_TASK_QA,
                                    .title = GEN_STR("Chunked layout"),
                                    .section = GEN_STR("HDF5 storage > Chunked layout"),
                                    .text = gen_str_from(text),
                                    .n_pairs = 6};
}

/* Quotes are compared as K6 does, with white space made single blanks. */
static bool holds_quote(struct gen_str text, struct gen_str quote)
{
    struct gen_buf a = gen_buf_make(GEN_BUF_UNLIMITED);
    char last = ' ';
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i] == '\n' ? ' ' : text.p[i];
        if (c != ' ' || last != ' ')
            assert_int_equal(gen_buf_add_char(&a, c, NULL), GEN_OK);
        last = c;
    }
    bool found = gen_str_find(gen_buf_str(&a), quote, 0) != SIZE_MAX ||
                 gen_str_find(text, quote, 0) != SIZE_MAX;
    gen_buf_release(&a);
    return found;
}

static void check_pairs(const struct reply *r, struct gen_str text)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *p;
    const struct gen_json *pairs = gen_json_get(r->root, "pairs");
    bool usable = gen_str_is(gen_json_get_str(r->root, "usable"), "yes");
    assert_int_equal(gen_json_type(pairs), GEN_JSON_ARRAY);
    assert_int_equal(usable, gen_json_count(pairs) > 0);
    gen_json_iter_init(&it, pairs);
    while (gen_json_iter_next(&it, &key, &p)) {
        struct gen_str question = gen_json_get_str(p, "question");
        struct gen_str answer = gen_json_get_str(p, "answer");
        struct gen_str evidence = gen_json_get_str(p, "evidence");
        assert_true(gen_json_get_str(p, "kind").n > 0);
        assert_true(question.n > 15 && question.p[question.n - 1] == '?');
        assert_true(answer.n > 15);
        if (!holds_quote(text, evidence))
            fail_msg("not in the text: %.*s", GEN_STR_ARG(evidence));
    }
}

struct wording {
    const char *text, *question;
};

/* One sentence of each form that a rule knows, and the question that must come of it. */
static void test_wording(void **state)
{
    (void)state;
    static const struct wording cases[] = {
        {"A hyperslab is a regular pattern of blocks in a dataspace of HDF5 that a transfer "
         "selects.",
         "What is a hyperslab"},
        {"`H5Pset_chunk(dcpl, rank, dims)` sets the shape of the chunks of a new dataset in the "
         "file.",
         "What does `H5Pset_chunk` do"},
        {"To find out whether an object exists, call `H5Lexists` for each component of the path in "
         "turn.",
         "How do you find out whether an object exists"},
        {"If the checksum is wrong, `H5Dread` fails and the data are not delivered to the program "
         "at all.",
         "what happens if the checksum is wrong"},
        {"The Fortran interface reverses the order of dimensions because Fortran arrays are "
         "column-major there.",
         "why does the Fortran interface reverse the order of dimensions"},
        {"A contiguous dataset cannot be extended, and no filter of HDF5 can be applied to it "
         "afterwards.",
         "what restriction applies to a contiguous dataset"},
        {"Only chunked datasets can be extended along unlimited dimensions in the file format of "
         "HDF5.",
         "which datasets can be extended along unlimited dimensions"},
        {"A dataset has at most 32 dimensions, which is the value of `H5S_MAX_RANK` in the "
         "headers.",
         "How many dimensions can a dataset have at most"},
        {"HDF5 knows four layouts: `H5D_COMPACT`, `H5D_CONTIGUOUS`, `H5D_CHUNKED` and "
         "`H5D_VIRTUAL`.",
         "Which four layouts does HDF5 know?"},
        {"A checkpoint is a file from which a program of HDF5 resumes, whereas an analysis output "
         "is a file that "
         "people read.",
         "how does a checkpoint differ from an analysis output"},
        {"The library is thread-safe only if HDF5 was built with the option `--enable-threadsafe` "
         "before.",
         "when is the library thread-safe"},
        {"The default stripe is 32 MiB in HDF5 and is changed by `H5FD_SUBFILING_STRIPE_SIZE` at "
         "run time.",
         "what is the default stripe"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_task_inputs in = qa(cases[i].text);
        struct reply r = ask(&in);
        const struct gen_json *pair = gen_json_at(gen_json_get(r.root, "pairs"), 0);
        struct gen_str q = gen_json_get_str(pair, "question");
        if (gen_str_find_nocase(q, gen_str_from(cases[i].question), 0) == SIZE_MAX)
            fail_msg("\"%s\"\nasks \"%.*s\",\nnot \"%s\"", cases[i].text, GEN_STR_ARG(q),
                     cases[i].question);
        check_pairs(&r, in.text);
        done(&r);
    }
}

/* Sentences that nobody understands alone, and no sentences. */
static void test_leaves_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "   \n\n  ",
        "They are read again at each access, which is why it takes so long in these cases.",
        "```c\nThe chunk is a unit of transfer in this program.\n```\n",
        "| A chunk is a unit of transfer | in the table of HDF5 terms |\n|---|---|\n",
        "# A heading is a line that names what follows it in a document\n",
        "\xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82\xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82",
        "`unclosed code is a thing that never ends and goes on and on and on and on and on",
        "((((((((((((((((((((((((((((((((",
        "A chunk is a",
        "* * * * *\n- \n1. \n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gen_task_inputs in = qa(texts[i]);
        struct reply r = ask(&in);
        if (gen_json_count(gen_json_get(r.root, "pairs")))
            fail_msg("a question from \"%s\": %.*s", texts[i], GEN_STR_ARG(r.result.text));
        assert_false(gen_str_is(gen_json_get_str(r.root, "usable"), "yes"));
        done(&r);
    }
}

static void test_splits_with_care(void **state)
{
    (void)state;
    struct gen_task_inputs in =
        qa("A filter, e.g. deflate, is a function of HDF5 1.14.3 that transforms the bytes of a\n"
           "chunk (cf. Fig. 3. of the manual) on the way to the file. Next sentence.");
    struct reply r = ask(&in);
    const struct gen_json *pairs = gen_json_get(r.root, "pairs");
    for (size_t i = 0; i < gen_json_count(pairs); i++) {
        struct gen_str evidence = gen_json_get_str(gen_json_at(pairs, i), "evidence");
        assert_true(gen_str_starts(evidence, GEN_STR("A filter")));
        assert_true(gen_str_ends(evidence, GEN_STR("the file.")));
    }
    done(&r);
}

/* Emphasis and link targets go, and nothing else that has stars and brackets in it. */
static void test_markup(void **state)
{
    static const struct {
        const char *text, *answer;
    } cases[] = {
        {"takes *all* bytes of **each chunk** and", "takes all bytes of each chunk and"},
        {"keeps the (*first*) of its **chunk**s and", "keeps the (first) of its chunks and"},
        {"reads rows r*n to (r+1)*n - 1 of a block and", "reads rows r*n to (r+1)*n - 1 of a"},
        {"needs 2**k bytes, x[1]*2 or `a`*b blocks and", "2**k bytes, x[1]*2 or `a`*b blocks and"},
        {"takes *args and **kwargs of a call and", "takes *args and **kwargs of a call and"},
        {"reads `*p` and *what `*q` names* there and", "reads `*p` and what `*q` names there and"},
        {"reads *.c and *.h files with a * b and", "reads *.c and *.h files with a * b and"},
        {"follows [the *third* guide](https://a.b/c_(d) and", "follows the third guide and"},
        {"keeps a[i] and [1, 2] and (3) and", "keeps a[i] and [1, 2] and (3) and"},
        {"keeps snake_case_names and __init__ and", "keeps snake_case_names and __init__ and"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[300];
        (void)snprintf(text, sizeof(text),
                       "A shuffle filter is a function of HDF5 that %s writes them to the file.",
                       cases[i].text);
        struct gen_task_inputs in = qa(text);
        in.n_pairs = 1;
        struct reply r = ask(&in);
        struct gen_str answer =
            gen_json_get_str(gen_json_at(gen_json_get(r.root, "pairs"), 0), "answer");
        if (gen_str_find(answer, gen_str_from(cases[i].answer), 0) == SIZE_MAX)
            fail_msg("%s: %.*s", cases[i].text, GEN_STR_ARG(answer));
        done(&r);
    }
}

static void test_restores_the_subject(void **state)
{
    (void)state;
    struct gen_task_inputs in =
        qa("A compound datatype is a record of HDF5 whose members each have a datatype.\n"
           "It is created by `H5Tcreate` and filled by `H5Tinsert` with offsets of a struct.");
    in.n_pairs = 1;
    struct reply r = ask(&in);
    check_pairs(&r, in.text);
    struct gen_str answer =
        gen_json_get_str(gen_json_at(gen_json_get(r.root, "pairs"), 0), "answer");
    assert_true(gen_str_starts(answer, GEN_STR("A compound datatype")));
    done(&r);
}

static void test_respects_the_limit_and_is_deterministic(void **state)
{
    (void)state;
    const char *text = "A chunk is a block of a dataset that HDF5 stores on its own in the file. "
                       "A filter is a function that HDF5 applies to the bytes of a chunk. "
                       "A selection is a set of elements in a dataspace that a transfer moves. "
                       "`H5Pset_deflate` adds the deflate filter to the pipeline of a new dataset.";
    for (size_t n = 0; n <= 4; n++) {
        struct gen_task_inputs in = qa(text);
        in.n_pairs = n;
        struct reply a = ask(&in);
        struct reply b = ask(&in);
        assert_true(gen_str_eq(a.result.text, b.result.text));
        assert_true(gen_json_count(gen_json_get(a.root, "pairs")) <= n);
        if (n == 3)
            assert_int_equal(gen_json_count(gen_json_get(a.root, "pairs")), 3);
        check_pairs(&a, in.text);
        done(&a);
        done(&b);
    }
}

static void test_code(void **state)
{
    (void)state;
    static const struct {
        const char *language, *text, *question, *answer;
    } cases[] = {
        {"c",
         "/* Writes local rows of a dataset\n * in one collective call. */\nherr_t "
         "write_rows(hid_t dset, const "
         "double *rows)\n{\n    herr_t status = H5Dwrite(dset, rows);\n    H5Sclose(dset);\n    "
         "return status;\n}\n",
         "What does the C function `write_rows` do?",
         "The C function `write_rows` writes local rows of a dataset in one collective call."},
        {"python",
         "def read(path, time):\n    \"\"\"Reads one frame.\"\"\"\n    if time > 3:\n        raise "
         "IndexError(f\"frame\")\n    return load(path)[time]\n",
         "When does the Python function `read` raise `IndexError`?", "`time > 3`"},
        {"shell",
         "# Lists all objects of the file with their extents and types.\nshow_all() {\n    h5ls -r "
         "\"$1\"\n}\n",
         "What does the shell function `show_all` do?", "lists all objects"},
        {"fortran",
         "  ! Closes a file and the library, which every rank must do.\n  subroutine close_all(id, "
         "ierr)\n    call "
         "h5fclose_f(id, ierr)\n    call h5close_f(ierr)\n  end subroutine close_all\n",
         "What does the Fortran subroutine `close_all` do?", "closes a file"},
        {"cpp",
         "// Checks the size of the grid first.\nvoid save(int n)\n{\n    if (n < 1) {\n        "
         "throw "
         "std::invalid_argument(\"empty\");\n    }\n}\n",
         "When does the C++ function `save` throw `std::invalid_argument`?", "`n < 1`"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_task_inputs in = {.task = GEN_TASK_CODE_QA,
                                     .language = gen_str_from(cases[i].language),
                                     .text = gen_str_from(cases[i].text),
                                     .n_pairs = 4};
        struct reply r = ask(&in);
        check_pairs(&r, in.text);
        const struct gen_json *pairs = gen_json_get(r.root, "pairs");
        bool found = false;
        for (size_t k = 0; k < gen_json_count(pairs); k++) {
            const struct gen_json *p = gen_json_at(pairs, k);
            assert_true(gen_str_find(in.text, gen_json_get_str(p, "symbol"), 0) != SIZE_MAX);
            found = found || (gen_str_is(gen_json_get_str(p, "question"), cases[i].question) &&
                              gen_str_find(gen_json_get_str(p, "answer"),
                                           gen_str_from(cases[i].answer), 0) != SIZE_MAX);
        }
        if (!found)
            fail_msg("%s: %.*s", cases[i].question, GEN_STR_ARG(r.result.text));
        done(&r);
    }
}

static void test_code_without_functions(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "#include <hdf5.h>\n/* licence */\n",
                                        "{\"a\": [1, 2, 3]}\n",
                                        "int f(",
                                        "def f(:\n",
                                        "}\n}\n}\n",
                                        "f() {\n"};
    static const char *const languages[] = {"c", "python", "fortran", "shell", "", "brainfuck"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t k = 0; k < sizeof(languages) / sizeof(languages[0]); k++) {
            struct gen_task_inputs in = {.task = GEN_TASK_CODE_QA,
                                         .language = gen_str_from(languages[k]),
                                         .text = gen_str_from(texts[i]),
                                         .n_pairs = 4};
            struct reply r = ask(&in);
            assert_int_equal(gen_json_count(gen_json_get(r.root, "pairs")), 0);
            done(&r);
        }
    }
}

/* ---- enrich ---- */

static const char *const source =
    "SWMR lets one process append to a dataset while others read the file. The file must use the "
    "1.10 "
    "format of HDF5. `H5Drefresh` updates the view of a reader, which then sees the new extents.";

static const struct gen_json *enrich(struct reply *r, const char *answer)
{
    static struct gen_task_pair pair;
    pair = (struct gen_task_pair){.id = GEN_STR("p1"),
                                  .question = GEN_STR("What does SWMR allow in HDF5?"),
                                  .answer = gen_str_from(answer)};
    struct gen_task_inputs in = {
        .task = GEN_TASK_ENRICH, .text = gen_str_from(source), .pairs = &pair, .n_pairs = 1};
    *r = ask(&in);
    const struct gen_json *item = gen_json_at(gen_json_get(r->root, "items"), 0);
    assert_true(gen_str_is(gen_json_get_str(item, "id"), "p1"));
    return item;
}

static bool has_change(const struct gen_json *item, const char *change)
{
    const struct gen_json *list = gen_json_get(item, "changes");
    for (size_t i = 0; i < gen_json_count(list); i++) {
        struct gen_str s = GEN_STR("");
        if (gen_json_as_str(gen_json_at(list, i), &s) && gen_str_is(s, change))
            return true;
    }
    return false;
}

static void test_enrich(void **state)
{
    (void)state;
    struct reply r;
    const struct gen_json *item =
        enrich(&r, "SWMR lets one process append to a dataset while others read the file. It was "
                   "added in version 9.99 by `H5Xmagic`.");
    assert_true(has_change(item, "removed_unsupported"));
    assert_int_equal(gen_json_count(gen_json_get(item, "unsupported")), 1);
    assert_true(gen_str_find(gen_json_get_str(item, "enriched_answer"), GEN_STR("9.99"), 0) ==
                SIZE_MAX);
    done(&r);

    item = enrich(&r, "SWMR lets one process append to a dataset while others");
    assert_true(has_change(item, "added_fact_from_source"));
    assert_true(has_change(item, "added_condition"));
    assert_true(gen_str_find(gen_json_get_str(item, "enriched_answer"),
                             GEN_STR("read the file. The file must use the 1.10"), 0) != SIZE_MAX);
    done(&r);

    const char *fine =
        "`H5Drefresh` updates the view of a reader, which then sees the new extents.";
    item = enrich(&r, fine);
    assert_true(has_change(item, "none"));
    assert_true(gen_str_is(gen_json_get_str(item, "enriched_answer"), fine));
    done(&r);

    /* What is all wrong stays for the judge to reject; nothing is invented in its place. */
    item = enrich(&r, "Call `H5Xmagic(42)`.");
    assert_true(gen_str_is(gen_json_get_str(item, "enriched_answer"), "Call `H5Xmagic(42)`."));
    assert_true(has_change(item, "none"));
    done(&r);

    item = enrich(&r, "");
    assert_true(has_change(item, "none"));
    done(&r);
}

/* ---- rate ---- */

static bool flag(const struct gen_json *verdict, const char *name)
{
    bool b = false;
    if (!gen_json_as_bool(gen_json_get(verdict, name), &b))
        fail_msg("%s is missing", name);
    return b;
}

static void test_rate(void **state)
{
    (void)state;
    const struct gen_task_pair pairs[] = {
        {.id = GEN_STR("good"),
         .question = GEN_STR("What does SWMR allow in HDF5 files?"),
         .answer = GEN_STR(
             "SWMR lets one process append to a dataset while others read the file, but the "
             "file must "
             "use the 1.10 "
             "format of HDF5.")},
        {.id = GEN_STR("invented"),
         .question = GEN_STR("Which call starts SWMR writing in HDF5?"),
         .answer =
             GEN_STR("SWMR writing is started by `H5Xmagic` with 4711 as its second argument.")},
        {.id = GEN_STR("pointing"),
         .question = GEN_STR("What does the passage say?"),
         .answer =
             GEN_STR("SWMR lets one process append to a dataset while others read the file.")},
        {.id = GEN_STR("strange"),
         .question = GEN_STR("How does a bicycle stay upright on the road?"),
         .answer = GEN_STR(
             "A bicycle stays upright because gyroscopic forces and steering geometry cooperate.")},
    };
    struct gen_task_inputs in = {
        .task = GEN_TASK_RATE, .text = gen_str_from(source), .pairs = pairs, .n_pairs = 4};
    struct reply r = ask(&in);
    const struct gen_json *v = gen_json_get(r.root, "verdicts");
    assert_int_equal(gen_json_count(v), 4);
    const struct gen_json *good = gen_json_at(v, 0);
    static const char *const all[] = {"c1_stands_alone",
                                      "c2_single_clear_question",
                                      "c3_answer_direct_readable",
                                      "a1_no_contradiction",
                                      "a2_every_claim_supported",
                                      "a3_complete_for_question",
                                      "u1_someone_would_ask",
                                      "u2_worth_learning",
                                      "d1_more_than_one_phrase",
                                      "d2_combines_or_explains",
                                      "topic_relevant"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (!flag(good, all[i]))
            fail_msg("the good pair fails in %s", all[i]);
    }
    assert_true(gen_str_is(gen_json_get_str(good, "echo"), "What does SWMR allow in"));
    assert_true(holds_quote(in.text, gen_json_get_str(good, "evidence")));
    assert_true(gen_json_get_str(good, "weakest_point").n > 10);
    assert_false(flag(gen_json_at(v, 1), "a1_no_contradiction"));
    assert_false(flag(gen_json_at(v, 1), "a2_every_claim_supported"));
    assert_false(flag(gen_json_at(v, 2), "c1_stands_alone"));
    assert_false(flag(gen_json_at(v, 3), "a2_every_claim_supported"));
    assert_int_equal(gen_json_get_str(gen_json_at(v, 3), "evidence").n, 0);
    done(&r);
}

static void test_rate_without_source_and_with_topic(void **state)
{
    (void)state;
    const struct gen_task_pair pair = {
        .id = GEN_STR("p"),
        .question = GEN_STR("What does SWMR allow in HDF5 files?"),
        .answer = GEN_STR("SWMR lets one process append to a dataset while others read the file.")};
    struct gen_task_inputs in = {.task = GEN_TASK_RATE, .pairs = &pair, .n_pairs = 1};
    struct reply r = ask(&in);
    const struct gen_json *v = gen_json_at(gen_json_get(r.root, "verdicts"), 0);
    assert_true(flag(v, "a1_no_contradiction"));
    assert_false(flag(v, "a2_every_claim_supported"));
    assert_true(flag(v, "topic_relevant"));
    done(&r);
    in.topic = GEN_STR("baking sourdough bread");
    r = ask(&in);
    assert_false(flag(gen_json_at(gen_json_get(r.root, "verdicts"), 0), "topic_relevant"));
    done(&r);
    in.topic = GEN_STR("HDF5 file access");
    r = ask(&in);
    assert_true(flag(gen_json_at(gen_json_get(r.root, "verdicts"), 0), "topic_relevant"));
    done(&r);
}

static const struct gen_json *first_cot(struct reply *r, const char *text)
{
    struct gen_task_inputs in = qa(text);
    in.task = GEN_TASK_COT;
    *r = ask(&in);
    return gen_json_at(gen_json_get(r->root, "pairs"), 0);
}

static bool member_is(const struct gen_json *list, size_t i, const char *text)
{
    struct gen_str s;
    return gen_json_as_str(gen_json_at(list, i), &s) && gen_str_is(s, text);
}

static void test_reasoning_joins_two_facts(void **state)
{
    (void)state;
    struct reply r;
    static const char text[] =
        "Chunked storage keeps the elements of a dataset in blocks of one size. It is nice. A "
        "chunk "
        "cache holds the most recent blocks in memory for each open dataset. Blocks pass through "
        "the filter pipeline one by one when they are written.";
    const struct gen_json *p = first_cot(&r, text);
    assert_true(gen_str_is(gen_json_get_str(r.root, "usable"), "yes"));
    const struct gen_json *steps = gen_json_get(p, "steps");
    assert_int_equal(gen_json_count(steps), 2);
    assert_true(member_is(
        steps, 0, "Chunked storage keeps the elements of a dataset in blocks of one size."));
    assert_true(member_is(
        steps, 1, "Blocks pass through the filter pipeline one by one when they are written."));
    assert_true(
        holds_quote(gen_json_get_str(p, "answer"), GEN_STR("in blocks of one size, and blocks "
                                                           "pass through")));
    assert_int_equal(gen_json_count(gen_json_get(p, "evidence")), 2);
    done(&r);
    p = first_cot(
        &r, "We sell white clay. We sell red clay. The shop is open on all days of a week, and "
            "on feasts as well, when it rains, when it snows, in heat and in cold, for old "
            "and for young people, for beginners and for masters of the craft.");
    assert_null(p);
    assert_true(gen_str_is(gen_json_get_str(r.root, "usable"), "no_reasoning_possible"));
    done(&r);
}

static void test_reasoning_about_code(void **state)
{
    (void)state;
    struct gen_task_inputs in = {.task = GEN_TASK_CODE_COT,
                                 .language = GEN_STR("c"),
                                 .text = GEN_STR("int soak(hid_t f)\n{\n    H5Fflush(f, 0);\n    "
                                                 "H5Fclose(f);\n    return 0;\n}\n"),
                                 .n_pairs = 3};
    struct reply r = ask(&in);
    const struct gen_json *p = gen_json_at(gen_json_get(r.root, "pairs"), 0);
    struct gen_str answer = gen_json_get_str(p, "answer");
    bool ok = gen_str_is(answer, "`H5Fflush` comes first; `H5Fclose` follows further down.") &&
              member_is(gen_json_get(p, "evidence"), 1, "H5Fclose(f);");
    if (!ok)
        print_error("%.*s\n", GEN_STR_ARG(r.result.text));
    done(&r);
    assert_true(ok);
    in.text = GEN_STR("import os\n");
    r = ask(&in);
    assert_int_equal(gen_json_count(gen_json_get(r.root, "pairs")), 0);
    done(&r);
}

/* Without the answer in view it reasons from the question alone. */
static void test_enhancing(void **state)
{
    (void)state;
    struct gen_task_pair pair = {.id = GEN_STR("p1"),
                                 .question = GEN_STR("What does SWMR let one process do?")};
    struct gen_task_inputs in = {
        .task = GEN_TASK_ENHANCE, .text = gen_str_from(source), .pairs = &pair, .n_pairs = 1};
    struct reply r = ask(&in);
    const struct gen_json *item = gen_json_at(gen_json_get(r.root, "items"), 0);
    assert_true(gen_str_is(gen_json_get_str(item, "answer_check"), "not_shown"));
    assert_int_equal(gen_json_count(gen_json_get(item, "steps")), 2);
    assert_true(holds_quote(gen_json_get_str(item, "conclusion"), GEN_STR("append to a dataset")));
    done(&r);
    pair.answer = GEN_STR("It lets bicycles stay upright.");
    r = ask(&in);
    item = gen_json_at(gen_json_get(r.root, "items"), 0);
    assert_true(gen_str_is(gen_json_get_str(item, "answer_check"), "contradicts"));
    done(&r);
}

/* Every prefix of a text with all kinds of marks: nothing may be read beyond its end. */
static void test_every_prefix(void **state)
{
    (void)state;
    static const char text[] =
        "# Title\n\nA chunk (see [here](x.md)) is a **block**, e.g. of 4 KiB; `H5Pset_chunk(a, b)` "
        "sets it.\n"
        "- To do X, call `f`. If it fails, retry.\n```c\nint f(void) {\n    return 1;\n}\n```\n"
        "| a | b |\n1. Unlike A, B is \"fast\" because C must be 1.5, so D. Why? "
        "\xe2\x80\x9cYes\xe2\x80\x9d.\n"
        "def g(a):\n    \"\"\"Doc.\"\"\"\n    if a:\n        raise E(1)\n    return [a]\n";
    static const enum gen_task tasks[] = {GEN_TASK_QA,     GEN_TASK_CODE_QA, GEN_TASK_ENRICH,
                                          GEN_TASK_RATE,   GEN_TASK_COT,     GEN_TASK_CODE_COT,
                                          GEN_TASK_ENHANCE};
    for (size_t n = 0; n < sizeof(text); n++) {
        while (n < sizeof(text) && ((unsigned char)text[n] & 0xC0U) == 0x80U)
            n++;
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, text, n);
        struct gen_str s = {copy, n};
        struct gen_task_pair pair = {s, s, s, s};
        for (size_t k = 0; k < sizeof(tasks) / sizeof(tasks[0]); k++) {
            bool pairs = tasks[k] == GEN_TASK_ENRICH || tasks[k] == GEN_TASK_RATE ||
                         tasks[k] == GEN_TASK_ENHANCE;
            struct gen_task_inputs in = {.task = tasks[k],
                                         .title = s,
                                         .section = s,
                                         .text = s,
                                         .topic = s,
                                         .pairs = pairs ? &pair : NULL,
                                         .n_pairs = pairs ? 1 : 5,
                                         .seed = n};
            struct reply r = ask(&in);
            done(&r);
        }
        free(copy);
    }
}

static void test_a_step_without_rules_is_refused(void **state)
{
    (void)state;
    struct gen_llm_request request = {.inputs = NULL};
    struct gen_llm_result result = gen_llm_result_make();
    assert_int_equal(gen_provider_extractive.answer(&request, &result, NULL), GEN_OK);
    assert_int_equal(result.class_code, GEN_CLASS_BAD_REQUEST);
    assert_non_null(strstr(result.message, "choose a model"));
    gen_llm_result_release(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wording),
        cmocka_unit_test(test_leaves_alone),
        cmocka_unit_test(test_splits_with_care),
        cmocka_unit_test(test_markup),
        cmocka_unit_test(test_restores_the_subject),
        cmocka_unit_test(test_respects_the_limit_and_is_deterministic),
        cmocka_unit_test(test_code),
        cmocka_unit_test(test_code_without_functions),
        cmocka_unit_test(test_enrich),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_rate_without_source_and_with_topic),
        cmocka_unit_test(test_reasoning_joins_two_facts),
        cmocka_unit_test(test_reasoning_about_code),
        cmocka_unit_test(test_enhancing),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_a_step_without_rules_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
