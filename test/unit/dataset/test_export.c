/* Golden files: test/data/export/records.jsonl in each format, with each choice of options, in
 * test/data/export/<format>.txt; test/data/tool/records.jsonl in
 * test/data/export/tool/<format>.txt. A record that is left out is the line "! rule: why". Writing
 * the files anew: run with GEN_GOLDEN_WRITE=1, look at the difference. */
#include "dataset/consumer.h"
#include "dataset/export.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct gen_export_format *const formats[] = {
    &gen_export_chatml,        &gen_export_chatml_portable,
    &gen_export_openai,        &gen_export_prompt_completion,
    &gen_export_alpaca,        &gen_export_sharegpt,
    &gen_export_llamafactory,  &gen_export_hermes_text,
    &gen_export_harmony,       &gen_export_gemini,
    &gen_export_bedrock,       &gen_export_text,
    &gen_export_jsonl,         &gen_export_xlam,
    &gen_export_functiongemma, NULL};

struct choice {
    const char *name;
    struct gen_export_options options;
};
static const struct choice choices[] = {
    {"as it is", {NULL, false, GEN_REASONING_AUTO, 0, false}},
    {"no system", {"", false, GEN_REASONING_AUTO, 0, false}},
    {"own system, reasoning in a field",
     {"You know \"HDF5\".", false, GEN_REASONING_FIELD, 0, false}},
    {"folded system", {NULL, true, GEN_REASONING_AUTO, 0, false}},
    {"reasoning as thinking", {"", false, GEN_REASONING_THINKING, 0, false}},
    {"reasoning inline", {"", false, GEN_REASONING_INLINE, 0, false}},
    {"reasoning dropped", {"", false, GEN_REASONING_DROP, 0, false}},
};

static const struct choice tool_choices[] = {
    {"as it is", {NULL, false, GEN_REASONING_AUTO, 0, false}},
    {"no system, one call a turn, errors learned", {"", false, GEN_REASONING_AUTO, 1, true}},
    {"folded system, reasoning inline", {NULL, true, GEN_REASONING_INLINE, 0, false}},
};

/* A file of records, and where its rows are kept. */
static const struct set {
    const char *records, *folder;
    const struct choice *choices;
    size_t n_choices;
    bool has_nulls; /* that calls pass, or that a lossless row keeps */
} sets[] = {
    {"export/records.jsonl", "export", choices, sizeof(choices) / sizeof(choices[0]), false},
    {"tool/records.jsonl", "export/tool", tool_choices,
     sizeof(tool_choices) / sizeof(tool_choices[0]), true},
};

static void data_path(struct gen_buf *path, const char *folder, const char *name)
{
    gen_buf_clear(path);
    assert_int_equal(
        gen_buf_printf(path, NULL, "%s/%s%s%s", TEST_DATA_DIR, folder, *folder ? "/" : "", name),
        GEN_OK);
}

/* One record's text through both stages; the refusal of what is no JSON is the parser's. */
static void export_line(const struct gen_export_format *format, struct gen_str line,
                        const struct gen_export_options *options, struct gen_buf *out,
                        struct gen_refusal *refusal)
{
    struct gen_error err;
    struct gen_json_doc *doc = NULL;
    struct gen_example e = {.n_turns = 0};
    refusal->rule = NULL;
    if (gen_json_parse(&doc, line, &err) != GEN_OK) {
        gen_refuse(refusal, "malformed_row", "%s", err.msg);
        return;
    }
    if (gen_example_read(&e, gen_json_root(doc), refusal, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    if (!refusal->rule && gen_export_row(format, &e, options, out, refusal, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    gen_example_release(&e);
    gen_json_doc_free(doc);
}

static int on_finding(void *ud, const struct gen_finding *f, struct gen_error *err)
{
    (void)err;
    if (f->level == GEN_FINDING_ERROR)
        print_error("%s, row %llu: %s: %s\n", (const char *)ud, (unsigned long long)f->row, f->rule,
                    f->why);
    return GEN_OK;
}

/* All who read a format, also those whose rules an export leaves to another's. */
static const char *const *readers_of(const struct gen_export_format *format)
{
    static const struct {
        const char *format;
        const char *readers[6];
    } all[] = {
        {"chatml", {"datasets", "trl", "axolotl", "unsloth", NULL}},
        {"hermes-text", {"datasets", "trl", "axolotl", "unsloth", NULL}},
        {"harmony", {"datasets", "trl", "unsloth", NULL}},
        {"sharegpt", {"datasets", "llamafactory", NULL}},
        {"alpaca", {"datasets", "llamafactory", "unsloth", "axolotl", NULL}},
        {"text", {"datasets", "trl", "axolotl", "llamafactory", "unsloth", NULL}},
        {"prompt-completion", {"datasets", "trl", NULL}},
        {"llamafactory", {"datasets", "llamafactory", NULL}},
        {"functiongemma", {"datasets", "trl", "unsloth", NULL}},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].format, format->name) == 0)
            return all[i].readers;
    }
    return format->consumers;
}

#define READERS_MAX 6

/* The file that is exported, before all its readers. */
struct readers {
    struct gen_file_check *checks[READERS_MAX];
    size_t n;
    uint64_t n_rows, n_errors;
};

static void open_readers(struct readers *r, const struct gen_export_format *format)
{
    union {
        const void *in;
        void *out;
    } ud = {format->name};
    memset(r, 0, sizeof(*r));
    for (const char *const *name = readers_of(format); *name; name++) {
        const struct gen_consumer *c = gen_consumer_find(*name);
        assert_non_null(c);
        assert_true(r->n < READERS_MAX);
        assert_int_equal(gen_file_check_new(&r->checks[r->n++], c, on_finding, ud.out, NULL),
                         GEN_OK);
    }
}

/* Rows of all kinds in one file are one form to each reader, and nothing of the file is wrong. */
static void end_readers(struct readers *r, size_t rows_min)
{
    assert_true(r->n_rows >= rows_min);
    for (size_t i = 0; i < r->n; i++) {
        if (r->n_rows)
            assert_int_equal(gen_file_check_end(r->checks[i], NULL, &r->n_errors, NULL), GEN_OK);
        gen_file_check_free(r->checks[i]);
    }
    assert_int_equal(r->n_errors, 0);
}

/* No null anywhere, no separators of lines, and the readers' own rules. */
static void check_row(struct gen_str row, struct readers *readers, bool has_nulls)
{
    struct gen_error err;
    struct gen_json_doc *doc = NULL;
    if (gen_json_parse(&doc, row, &err) != GEN_OK)
        fail_msg("%s: %.*s", err.msg, GEN_STR_ARG(row));
    if (!has_nulls)
        assert_int_equal(gen_str_find(row, GEN_STR(":null"), 0), SIZE_MAX);
    assert_int_equal(gen_str_find(row, GEN_STR("\xE2\x80\xA8"), 0), SIZE_MAX);
    for (size_t i = 0; i < row.n; i++)
        assert_true((unsigned char)row.p[i] >= 0x20);
    readers->n_rows++;
    for (size_t i = 0; i < readers->n; i++)
        assert_int_equal(gen_file_check_row(readers->checks[i], readers->n_rows, row,
                                            gen_json_root(doc), NULL, &readers->n_errors, NULL),
                         GEN_OK);
    gen_json_doc_free(doc);
}

static void export_all(const struct gen_export_format *format, const struct set *set,
                       const struct gen_export_options *options, struct gen_str records,
                       struct gen_buf *out)
{
    struct gen_str line;
    struct readers readers;
    open_readers(&readers, format);
    while (gen_str_next_line(&records, &line)) {
        struct gen_refusal refusal;
        size_t before = out->n;
        export_line(format, line, options, out, &refusal);
        if (refusal.rule) {
            assert_int_equal(out->n, before);
            /* What follows are the words of yyjson, which change with its version. */
            const char *place = strstr(refusal.why, " (byte 0): ");
            size_t n = place ? (size_t)(place - refusal.why) : strlen(refusal.why);
            assert_int_equal(
                gen_buf_printf(out, NULL, "! %s: %.*s", refusal.rule, (int)n, refusal.why), GEN_OK);
        } else {
            check_row(gen_str_sub(gen_buf_str(out), before, out->n), &readers, set->has_nulls);
        }
        assert_int_equal(gen_buf_add_char(out, '\n', NULL), GEN_OK);
    }
    bool is_of_tools = format == &gen_export_xlam;
    bool fits = set->has_nulls ? !format->without_tools : !is_of_tools;
    end_readers(&readers, fits ? 10 : 0);
}

static void compare_golden(const struct set *set, const struct gen_export_format *format,
                           struct gen_str records)
{
    char name[64];
    struct gen_error err;
    struct gen_buf path = gen_buf_make(4096);
    struct gen_buf have = gen_buf_make(1 << 20);
    struct gen_buf wanted = gen_buf_make(1 << 20);
    for (size_t i = 0; i < set->n_choices; i++) {
        const struct choice *choice = &set->choices[i];
        assert_int_equal(gen_buf_printf(&have, NULL, "# %s\n", choice->name), GEN_OK);
        if (gen_export_check_options(format, &choice->options, &err) != GEN_OK)
            assert_int_equal(gen_buf_printf(&have, NULL, "! %s\n", err.msg), GEN_OK);
        else
            export_all(format, set, &choice->options, records, &have);
    }
    (void)snprintf(name, sizeof(name), "%s.txt", format->name);
    data_path(&path, set->folder, name);
    if (getenv("GEN_GOLDEN_WRITE"))
        assert_int_equal(gen_file_write_all(path.data, gen_buf_str(&have), NULL), GEN_OK);
    if (gen_file_read_all(&wanted, path.data, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    if (!gen_str_eq(gen_buf_str(&have), gen_buf_str(&wanted)))
        fail_msg("%s/%s differs; now it is:\n%s", set->folder, name, have.data);
    gen_buf_release(&have);
    gen_buf_release(&wanted);
    gen_buf_release(&path);
}

static void golden(void **state)
{
    (void)state;
    struct gen_error err;
    struct gen_buf path = gen_buf_make(4096);
    struct gen_buf records = gen_buf_make(1 << 20);
    for (size_t k = 0; k < sizeof(sets) / sizeof(sets[0]); k++) {
        data_path(&path, "", sets[k].records);
        gen_buf_clear(&records);
        if (gen_file_read_all(&records, path.data, &err) != GEN_OK)
            fail_msg("%s", err.msg);
        for (size_t f = 0; formats[f]; f++)
            compare_golden(&sets[k], formats[f], gen_buf_str(&records));
    }
    gen_buf_release(&records);
    gen_buf_release(&path);
}

/* What is exported can be read again, and comes out the same from another form: each of the chain's
 * formats is made from the row of the one before. That a failed call is not to be learned passes
 * from weight to train, and is lost in sharegpt, which has no place for it. */
static void forms_of_others(void **state)
{
    (void)state;
    static const struct gen_export_format *const chain[] = {
        &gen_export_openai, &gen_export_chatml_portable, &gen_export_chatml, &gen_export_sharegpt,
        &gen_export_chatml};
    static const struct gen_export_options options = {"", false, GEN_REASONING_INLINE, 0, false};
    static const struct gen_export_options learning = {"", false, GEN_REASONING_INLINE, 0, true};
    struct gen_buf path = gen_buf_make(4096);
    struct gen_buf records = gen_buf_make(1 << 20);
    struct gen_str line;
    size_t n = 0, n_masked = 0;
    data_path(&path, "", "tool/records.jsonl");
    assert_int_equal(gen_file_read_all(&records, path.data, NULL), GEN_OK);
    struct gen_str rest = gen_buf_str(&records);
    while (gen_str_next_line(&rest, &line)) {
        struct gen_refusal refusal;
        struct gen_buf row = gen_buf_make(1 << 20);
        struct gen_buf next = gen_buf_make(1 << 20);
        struct gen_buf direct = gen_buf_make(1 << 20);
        struct gen_buf unmasked = gen_buf_make(1 << 20);
        export_line(&gen_export_chatml, line, &learning, &unmasked, &refusal);
        export_line(&gen_export_chatml, line, &options, &direct, &refusal);
        n_masked += !refusal.rule && strcmp(direct.data, unmasked.data) != 0;
        assert_int_equal(gen_buf_add_str(&row, line, NULL), GEN_OK);
        /* LLaMA-Factory's enums are strings; this one has integers. */
        bool is_lossy = gen_str_find(line, GEN_STR("\"enum\": [1"), 0) != SIZE_MAX;
        bool is_whole = gen_str_find(line, GEN_STR("{\"type\": \"array\"}"), 0) == SIZE_MAX;
        for (size_t i = 0; !refusal.rule && !is_lossy && i < 5; i++) {
            gen_buf_clear(&next);
            export_line(chain[i], gen_buf_str(&row), &options, &next, &refusal);
            if (refusal.rule)
                fail_msg("%s: %s: %s", chain[i]->name, refusal.why, row.data);
            gen_buf_clear(&row);
            assert_int_equal(gen_buf_add_str(&row, gen_buf_str(&next), NULL), GEN_OK);
            n++;
            if (is_whole && chain[i] == &gen_export_chatml)
                assert_string_equal(row.data, i == 2 ? direct.data : unmasked.data);
        }
        gen_buf_release(&unmasked);
        gen_buf_release(&row);
        gen_buf_release(&next);
        gen_buf_release(&direct);
    }
    assert_true(n >= 60);
    assert_int_equal(n_masked, 2);
    gen_buf_release(&records);
    gen_buf_release(&path);
}

static void finding(void **state)
{
    (void)state;
    assert_ptr_equal(gen_export_find(formats, "alpaca"), &gen_export_alpaca);
    assert_null(gen_export_find(formats, "parquet"));
    assert_null(gen_export_find(formats, ""));
    for (size_t i = 0; formats[i]; i++) {
        assert_true(formats[i]->summary[0] != '\0');
        assert_true(formats[i]->reasonings >> formats[i]->reasoning & 1U);
        assert_true(formats[i]->reasonings >> GEN_REASONING_DROP & 1U);
        assert_string_equal(
            gen_reasoning_name(gen_reasoning_from(gen_reasoning_name(formats[i]->reasoning))),
            gen_reasoning_name(formats[i]->reasoning));
    }
    assert_int_equal(gen_reasoning_from("nowhere"), GEN_REASONING_AUTO);
    assert_int_equal(gen_reasoning_from(NULL), GEN_REASONING_AUTO);
}

/* Without tools, chatml-portable is chatml. */
static void portable_is_chatml(void **state)
{
    (void)state;
    const struct gen_str record =
        GEN_STR("{\"format\":\"cot\",\"question\":\"q\",\"reasoning\":\"r\",\"answer\":\"a\"}");
    struct gen_export_options options = {NULL, false, GEN_REASONING_AUTO, 0, false};
    struct gen_refusal refusal;
    struct gen_buf a = gen_buf_make(1 << 12);
    struct gen_buf b = gen_buf_make(1 << 12);
    export_line(&gen_export_chatml, record, &options, &a, &refusal);
    export_line(&gen_export_chatml_portable, record, &options, &b, &refusal);
    assert_string_equal(a.data, b.data);
    gen_buf_release(&a);
    gen_buf_release(&b);
}

/* Rows of 8 MB keep every byte, and invalid UTF-8 never reaches a row. */
static void odd_sizes_and_bytes(void **state)
{
    (void)state;
    enum { N = 8 << 20 };
    static const struct gen_export_options options = {"", false, GEN_REASONING_AUTO, 0, false};
    struct gen_buf record = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf row = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_refusal refusal;
    assert_int_equal(gen_buf_add_c(&record, "{\"question\":\"q\",\"answer\":\"", NULL), GEN_OK);
    for (size_t i = 0; i < N / 8; i++)
        assert_int_equal(
            gen_buf_add_c(&record, i % 3 ? "abcdefg\\n" : "\xE2\x80\xA8 xyz\xC2\xA0", NULL),
            GEN_OK);
    assert_int_equal(gen_buf_add_c(&record, "\"}", NULL), GEN_OK);
    export_line(&gen_export_chatml, gen_buf_str(&record), &options, &row, &refusal);
    assert_null(refusal.rule);
    struct gen_json_doc *in = NULL;
    struct gen_json_doc *out = NULL;
    assert_int_equal(gen_json_parse(&in, gen_buf_str(&record), NULL), GEN_OK);
    assert_int_equal(gen_json_parse(&out, gen_buf_str(&row), NULL), GEN_OK);
    const struct gen_json *answer = gen_json_at(gen_json_get(gen_json_root(out), "messages"), 1);
    assert_true(gen_str_eq(gen_json_get_str(gen_json_root(in), "answer"),
                           gen_json_get_str(answer, "content")));
    gen_json_doc_free(in);
    gen_json_doc_free(out);
    gen_buf_clear(&row);
    export_line(&gen_export_chatml, GEN_STR("{\"question\":\"q\",\"answer\":\"a\xFF\"}"), &options,
                &row, &refusal);
    assert_string_equal(refusal.rule, "malformed_row");
    assert_int_equal(row.n, 0);
    gen_buf_release(&record);
    gen_buf_release(&row);
}

/* The writer of text against the parser: every byte value and every separator, at every place of
 * the blocks it looks at. */
static void text_is_json(void **state)
{
    (void)state;
    static const char *const special[] = {"\"",
                                          "\\",
                                          "\n",
                                          "\x01",
                                          "\x0b",
                                          "\x1c",
                                          "\x7f",
                                          "\xC2\x85",
                                          "\xC2\xA0",
                                          "\xE2\x80\xA8",
                                          "\xE2\x80\xA9",
                                          "\xE2\x82\xAC",
                                          "\xF0\x9F\x98\x80"};
    for (size_t s = 0; s < sizeof(special) / sizeof(special[0]); s++) {
        for (size_t at = 0; at < 40; at++) {
            char text[64] = "";
            int n = snprintf(text, sizeof(text), "%.*s%s%.*s", (int)at,
                             "0123456789012345678901234567890123456789", special[s], (int)(40 - at),
                             "0123456789012345678901234567890123456789");
            struct gen_str in = {text, (size_t)n};
            struct gen_buf out = gen_buf_make(4096);
            struct gen_jt t = gen_jt_make(&out, NULL);
            gen_jt_array(&t, NULL);
            gen_jt_str(&t, NULL, in);
            gen_jt_end_array(&t);
            assert_int_equal(t.rc, GEN_OK);
            struct gen_json_doc *doc = NULL;
            struct gen_str back;
            assert_int_equal(gen_json_parse(&doc, gen_buf_str(&out), NULL), GEN_OK);
            assert_true(gen_json_as_str(gen_json_at(gen_json_root(doc), 0), &back));
            assert_true(gen_str_eq(in, back));
            assert_int_equal(gen_str_find(gen_buf_str(&out), GEN_STR("\xC2\x85"), 0), SIZE_MAX);
            assert_int_equal(gen_str_find(gen_buf_str(&out), GEN_STR("\xE2\x80\xA8"), 0), SIZE_MAX);
            assert_int_equal(gen_str_find(gen_buf_str(&out), GEN_STR("\xE2\x80\xA9"), 0), SIZE_MAX);
            gen_json_doc_free(doc);
            gen_buf_release(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(forms_of_others),
        cmocka_unit_test(finding),
        cmocka_unit_test(portable_is_chatml),
        cmocka_unit_test(odd_sizes_and_bytes),
        cmocka_unit_test(text_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
