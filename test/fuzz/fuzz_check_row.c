/* The input is a file of rows; each consumer checks it. Every finding has a rule and a reason, and
 * the counts add up. */
#include "fuzz.h"

#include "dataset/consumer.h"

static int take(void *ud, const struct gen_finding *finding, struct gen_error *err)
{
    uint64_t *n_errors = ud;
    (void)err;
    FUZZ_CHECK(finding->rule && finding->rule[0] && finding->why && finding->why[0]);
    *n_errors += finding->level == GEN_FINDING_ERROR;
    return GEN_OK;
}

static void check(const struct gen_consumer *consumer, struct gen_str rest)
{
    struct gen_file_check *f = NULL;
    struct gen_file_facts facts = {0};
    struct gen_file_verdict v;
    struct gen_str line;
    uint64_t n_said = 0;
    uint64_t n_counted = 0;
    uint64_t number = 0;
    if (gen_file_check_new(&f, consumer, take, &n_said, NULL) != GEN_OK)
        return;
    gen_file_check_facts(f, &facts);
    gen_file_facts_add(&facts, rest);
    while (gen_str_next_line(&rest, &line)) {
        struct gen_json_doc *doc = NULL;
        const struct gen_json *row = NULL;
        if (gen_json_parse(&doc, line, NULL) == GEN_OK)
            row = gen_json_root(doc);
        if (gen_json_type(row) != GEN_JSON_OBJECT)
            row = NULL;
        FUZZ_CHECK(gen_file_check_row(f, ++number, line, row, row ? NULL : "malformed", &n_counted,
                                      NULL) == GEN_OK);
        gen_json_doc_free(doc);
    }
    FUZZ_CHECK(gen_file_check_end(f, "a.jsonl", &n_counted, NULL) == GEN_OK);
    gen_file_check_verdict(f, &v);
    FUZZ_CHECK(n_said == n_counted && v.n_errors == n_said && v.n_rows == number);
    FUZZ_CHECK(v.n_good <= v.n_rows);
    gen_file_check_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; gen_consumers[i]; i++)
        check(gen_consumers[i], (struct gen_str){(const char *)data, size});
    return 0;
}
