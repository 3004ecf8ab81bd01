/* Values that later calls take out of what earlier ones gave. */
#include "tool/blueprint.h"

int gen_reference_resolve(struct gen_str observation, struct gen_str pointer, struct gen_buf *value,
                          bool *found, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_jb *jb = NULL;
    const struct gen_json *v = NULL;
    struct gen_buf fragment = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    bool is_there = false;
    if (pointer.n == 0) {
        rc = gen_jb_new(&jb, err);
        is_there = rc == GEN_OK;
        if (rc == GEN_OK)
            rc = gen_jb_write(jb, gen_jb_str(jb, observation), GEN_JSON_COMPACT, value, err);
    } else if (pointer.p[0] == '/' && (rc = gen_json_parse(&doc, observation, NULL)) == GEN_OK) {
        /* In a fragment '%' begins an escape, in a plain pointer it is itself. */
        rc = gen_buf_add_char(&fragment, '#', err);
        for (size_t i = 0; rc == GEN_OK && i < pointer.n; i++)
            rc = pointer.p[i] == '%' ? gen_buf_add_c(&fragment, "%25", err)
                                     : gen_buf_add_char(&fragment, pointer.p[i], err);
        if (rc == GEN_OK)
            rc = gen_json_pointer(gen_json_root(doc), gen_buf_str(&fragment), &v, err);
        is_there = rc == GEN_OK && v;
        if (is_there)
            rc = gen_json_write(value, v, GEN_JSON_COMPACT, err);
    } else if (rc == GEN_ENOMEM) {
        rc = gen_nomem(err, "an observation");
    } else {
        rc = GEN_OK;
    }
    gen_buf_release(&fragment);
    gen_json_doc_free(doc);
    gen_jb_free(jb);
    if (rc == GEN_OK)
        *found = is_there;
    return rc;
}
