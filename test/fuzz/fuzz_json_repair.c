/* What is repaired is strict JSON, and repairing it again changes nothing. */
#include "fuzz.h"

#include "json/repair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gen_json_doc *doc = NULL;
    struct gen_json_doc *again = NULL;
    unsigned steps = 0;
    struct gen_error err = {0};
    int rc = gen_json_repair(&doc, (struct gen_str){(const char *)data, size}, &steps, &err);
    FUZZ_CHECK(rc == GEN_OK || (rc == GEN_EPARSE && err.msg[0] && !doc));
    if (rc)
        return 0;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    FUZZ_CHECK(gen_json_write(&text, gen_json_root(doc), GEN_JSON_COMPACT, NULL) == GEN_OK);
    FUZZ_CHECK(gen_json_repair(&again, gen_buf_str(&text), &steps, NULL) == GEN_OK);
    FUZZ_CHECK(steps == 0 && gen_json_equal(gen_json_root(doc), gen_json_root(again)));
    gen_json_doc_free(again);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    return 0;
}
