/* The input is a schema, a newline, a value. Messages are at most three lines. */
#include "fuzz.h"

#include "json/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gen_str value = {(const char *)data, size};
    struct gen_str text;
    if (!gen_str_next_line(&value, &text))
        return 0;
    struct gen_json_doc *schema = NULL;
    struct gen_json_doc *doc = NULL;
    struct gen_schema *s = NULL;
    struct gen_buf faults = gen_buf_make(GEN_BUF_UNLIMITED);
    if (gen_json_parse(&schema, text, NULL) == GEN_OK &&
        gen_schema_new(&s, gen_json_root(schema), NULL) == GEN_OK &&
        gen_json_parse(&doc, value, NULL) == GEN_OK) {
        bool valid = false;
        FUZZ_CHECK(gen_schema_check(s, gen_json_root(doc), &valid, &faults, NULL) == GEN_OK);
        size_t lines = 0;
        for (size_t i = 0; i < faults.n; i++)
            lines += faults.data[i] == '\n';
        FUZZ_CHECK(lines <= 3 && valid == (lines == 0));
    }
    gen_buf_release(&faults);
    gen_schema_free(s);
    gen_json_doc_free(doc);
    gen_json_doc_free(schema);
    return 0;
}
