/* What YAML gives can be written as JSON and read back. */
#include "fuzz.h"

#include "json/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gen_yaml *y = NULL;
    struct gen_error err = {0};
    if (gen_yaml_parse(&y, (struct gen_str){(const char *)data, size}, "x", &err)) {
        FUZZ_CHECK(err.msg[0]);
        return 0;
    }
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_doc *doc = NULL;
    unsigned line = 0;
    unsigned column = 0;
    FUZZ_CHECK(gen_json_write(&text, gen_yaml_root(y), GEN_JSON_COMPACT, NULL) == GEN_OK);
    FUZZ_CHECK(gen_json_parse(&doc, gen_buf_str(&text), NULL) == GEN_OK);
    FUZZ_CHECK(gen_json_equal(gen_json_root(doc), gen_yaml_root(y)));
    FUZZ_CHECK(gen_yaml_where(y, "", &line, &column) && line && column);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    gen_yaml_free(y);
    return 0;
}
