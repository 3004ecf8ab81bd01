#include "tool/execute/executor.h"

static void put_flag(struct gen_jb *b, struct gen_jmut *root, const char *key, bool is_set)
{
    if (is_set)
        gen_jb_put_bool(b, root, key, true);
}

int gen_observation_write(const struct gen_observation *o, struct gen_buf *out,
                          struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    gen_jb_put_str(b, root, "text", o->text);
    put_flag(b, root, "is_error", o->is_error);
    put_flag(b, root, "is_capped", o->is_capped);
    put_flag(b, root, "breaks_schema", o->breaks_schema);
    if (o->failure)
        gen_jb_put_cstr(b, root, "failure", o->failure);
    rc = gen_jb_write(b, root, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

int gen_observation_read(struct gen_observation *o, struct gen_str text, struct gen_json_doc **doc,
                         struct gen_error *err)
{
    struct gen_json_doc *parsed = NULL;
    int rc = gen_json_parse(&parsed, text, err);
    if (rc)
        return gen_wrap(err, rc, "an observation of the ledger");
    const struct gen_json *root = gen_json_root(parsed);
    struct gen_observation read = {.failure = NULL};
    struct gen_str failure = {NULL, 0};
    if (!gen_json_as_str(gen_json_get(root, "text"), &read.text)) {
        gen_json_doc_free(parsed);
        return gen_fail(err, GEN_EPARSE, "an observation of the ledger has no \"text\"");
    }
    (void)gen_json_as_bool(gen_json_get(root, "is_error"), &read.is_error);
    (void)gen_json_as_bool(gen_json_get(root, "is_capped"), &read.is_capped);
    (void)gen_json_as_bool(gen_json_get(root, "breaks_schema"), &read.breaks_schema);
    if (gen_json_as_str(gen_json_get(root, "failure"), &failure))
        read.failure = failure.p; /* strings of a document end with a NUL */
    *o = read;
    *doc = parsed;
    return GEN_OK;
}
