/* Values that later calls take out of what earlier ones gave. */
#include "tool/blueprint.h"

/* `*v`, in `*doc`, is what the pointer (not empty) leads to; NULL: nothing. */
static int find(struct gen_str observation, struct gen_str pointer, struct gen_json_doc **doc,
                const struct gen_json **v, struct gen_error *err)
{
    struct gen_buf fragment = gen_buf_make(GEN_BUF_UNLIMITED);
    *v = NULL;
    if (pointer.p[0] != '/')
        return GEN_OK;
    int rc = gen_json_parse(doc, observation, NULL);
    if (rc)
        return rc == GEN_ENOMEM ? gen_nomem(err, "an observation") : GEN_OK;
    /* In a fragment '%' begins an escape, in a plain pointer it is itself. */
    rc = gen_buf_add_char(&fragment, '#', err);
    for (size_t i = 0; rc == GEN_OK && i < pointer.n; i++)
        rc = pointer.p[i] == '%' ? gen_buf_add_c(&fragment, "%25", err)
                                 : gen_buf_add_char(&fragment, pointer.p[i], err);
    if (rc == GEN_OK)
        rc = gen_json_pointer(gen_json_root(*doc), gen_buf_str(&fragment), v, err);
    gen_buf_release(&fragment);
    return rc;
}

int gen_reference_value(struct gen_jb *b, struct gen_str observation, struct gen_str pointer,
                        struct gen_jmut **value, bool *found, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    const struct gen_json *v = NULL;
    if (pointer.n == 0) {
        *value = gen_jb_str(b, observation);
        *found = true;
        return GEN_OK;
    }
    int rc = find(observation, pointer, &doc, &v, err);
    if (rc == GEN_OK) {
        *found = v != NULL;
        *value = v ? gen_jb_copy(b, v) : NULL;
    }
    gen_json_doc_free(doc);
    return rc;
}

int gen_reference_resolve(struct gen_str observation, struct gen_str pointer, struct gen_buf *value,
                          bool *found, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_jmut *v = NULL;
    bool is_there = false;
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK)
        rc = gen_reference_value(b, observation, pointer, &v, &is_there, err);
    if (rc == GEN_OK && is_there)
        rc = gen_jb_write(b, v, GEN_JSON_COMPACT, value, err);
    gen_jb_free(b);
    if (rc == GEN_OK)
        *found = is_there;
    return rc;
}

struct filling {
    struct gen_jb *b;
    gen_reference_fn *fn;
    void *ud;
    struct gen_error *err;
    int rc;
    bool found; /* false as soon as one reference leads nowhere */
};

/* Recurses at most GEN_JSON_DEPTH_MAX deep: parsed values are no deeper. */
static struct gen_jmut *fill(struct filling *f, const struct gen_json *v)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    int64_t step;
    struct gen_str pointer;
    enum gen_json_type type = gen_json_type(v);
    if (type != GEN_JSON_OBJECT && type != GEN_JSON_ARRAY)
        return gen_jb_copy(f->b, v);
    struct gen_jmut *out = NULL;
    if (gen_result_reference(v, &step, &pointer)) {
        f->rc = f->fn(f->ud, f->b, step, pointer, &out, &f->found, f->err);
        return out;
    }
    out = type == GEN_JSON_OBJECT ? gen_jb_object(f->b) : gen_jb_array(f->b);
    gen_json_iter_init(&it, v);
    while (f->rc == GEN_OK && f->found && gen_json_iter_next(&it, &key, &member)) {
        struct gen_jmut *value = fill(f, member);
        if (type == GEN_JSON_OBJECT)
            gen_jb_put_n(f->b, out, key, value);
        else
            gen_jb_append(f->b, out, value);
    }
    return out;
}

int gen_references_fill(struct gen_jb *b, const struct gen_json *v, gen_reference_fn *fn, void *ud,
                        struct gen_jmut **out, bool *found, struct gen_error *err)
{
    struct filling f = {.b = b, .fn = fn, .ud = ud, .err = err, .found = true};
    struct gen_jmut *filled = fill(&f, v);
    if (f.rc == GEN_OK) {
        *out = filled;
        *found = f.found;
    }
    return f.rc;
}
