#include "definition.h"

#include "base/nearest.h"

#include <stdlib.h>

#define LIST_BYTES_MAX ((size_t)1 << 20)

/* The keys of a parameter that are not of its schema. */
static bool is_schema_key(struct gen_str key)
{
    return !gen_str_is(key, "name") && !gen_str_is(key, "required");
}

/* {"type": "object", "properties", "required", "additionalProperties": false} of a list of
 * parameters. */
static struct gen_jmut *input_schema(struct gen_jb *jb, const struct gen_json *parameters)
{
    struct gen_jmut *schema = gen_jb_object(jb);
    struct gen_jmut *properties = gen_jb_object(jb);
    struct gen_jmut *required = gen_jb_array(jb);
    struct gen_json_iter it;
    const struct gen_json *parameter;
    gen_json_iter_init(&it, parameters);
    while (gen_json_iter_next(&it, NULL, &parameter)) {
        struct gen_jmut *property = gen_jb_object(jb);
        struct gen_json_iter members;
        struct gen_str key;
        const struct gen_json *v;
        bool needed = false;
        gen_json_iter_init(&members, parameter);
        while (gen_json_iter_next(&members, &key, &v)) {
            if (is_schema_key(key))
                gen_jb_put_n(jb, property, key, gen_jb_copy(jb, v));
        }
        gen_jb_put_n(jb, properties, gen_json_get_str(parameter, "name"), property);
        if (gen_json_as_bool(gen_json_get(parameter, "required"), &needed) && needed)
            gen_jb_append(jb, required, gen_jb_str(jb, gen_json_get_str(parameter, "name")));
    }
    gen_jb_put_cstr(jb, schema, "type", "object");
    gen_jb_put(jb, schema, "properties", properties);
    gen_jb_put(jb, schema, "required", required);
    gen_jb_put_bool(jb, schema, "additionalProperties", false);
    return schema;
}

/* "hdf5_batch_read" becomes "HDF5 batch read", "get_shape" "Get shape". */
static struct gen_jmut *title(struct gen_jb *jb, struct gen_str name)
{
    char text[80];
    bool hdf5 = gen_str_starts(name, GEN_STR("hdf5_"));
    size_t n = name.n < sizeof(text) ? name.n : sizeof(text) - 1;
    for (size_t i = 0; i < n; i++) {
        char c = name.p[i] == '_' ? ' ' : name.p[i];
        bool upper = i == 0 || (hdf5 && i < 4);
        text[i] = upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return gen_jb_str(jb, (struct gen_str){text, n});
}

/* What writes never writes over a file that is there. */
static struct gen_jmut *annotations(struct gen_jb *jb, const struct gen_json *tool)
{
    struct gen_jmut *o = gen_jb_object(jb);
    bool reads = false;
    (void)gen_json_as_bool(gen_json_get(gen_json_get(tool, "annotations"), "readOnlyHint"), &reads);
    gen_jb_put_bool(jb, o, "readOnlyHint", reads);
    gen_jb_put_bool(jb, o, "destructiveHint", false);
    gen_jb_put_bool(jb, o, "idempotentHint",
                    reads && !gen_str_is(gen_json_get_str(tool, "name"), "close_file"));
    gen_jb_put_bool(jb, o, "openWorldHint", false);
    return o;
}

static int compile(struct gen_jb *jb, const struct gen_jmut *schema, struct gen_schema **out,
                   struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(LIST_BYTES_MAX);
    struct gen_json_doc *doc = NULL;
    int rc = gen_jb_write(jb, schema, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&doc, gen_buf_str(&text), err);
    if (rc == GEN_OK)
        rc = gen_schema_new(out, gen_json_root(doc), err);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    return rc;
}

static int add_tool(struct hds_definitions *d, struct gen_jb *jb, struct gen_jmut *list,
                    const struct gen_json *tool, struct gen_error *err)
{
    struct gen_str name = gen_json_get_str(tool, "name");
    const struct gen_json *returns = gen_json_get(tool, "returns");
    struct gen_jmut *o = gen_jb_object(jb);
    struct gen_jmut *input = input_schema(jb, gen_json_get(tool, "parameters"));
    struct gen_jmut *output = gen_jb_copy(jb, returns);
    if (d->n == HDS_TOOLS_MAX)
        return gen_fail(err, GEN_ELIMIT, "more than %d tools", HDS_TOOLS_MAX);
    char *copy = gen_str_dup(name);
    if (!copy)
        return gen_nomem(err, "the tools");
    struct hds_definition *t = &d->tools[d->n];
    d->names[d->n++] = copy;
    t->name = copy;
    int rc = compile(jb, input, &t->input, err);
    if (rc == GEN_OK)
        rc = compile(jb, output, &t->output, err);
    gen_jb_put_str(jb, o, "name", name);
    gen_jb_put(jb, o, "title", title(jb, name));
    gen_jb_put_str(jb, o, "description", gen_json_get_str(tool, "description"));
    gen_jb_put(jb, o, "inputSchema", input);
    gen_jb_put(jb, o, "outputSchema", output);
    gen_jb_put(jb, o, "annotations", annotations(jb, tool));
    gen_jb_append(jb, list, o);
    return rc ? gen_wrap(err, rc, "the definition of %s", copy) : GEN_OK;
}

int hds_definitions_init(struct hds_definitions *d, struct gen_error *err)
{
    struct gen_jb *jb = NULL;
    *d = (struct hds_definitions){.list = gen_buf_make(LIST_BYTES_MAX)};
    int rc = gen_json_parse(&d->doc, hds_definitions_text(), err);
    if (rc == GEN_OK)
        rc = gen_jb_new(&jb, err);
    if (rc == GEN_OK) {
        struct gen_jmut *list = gen_jb_array(jb);
        struct gen_json_iter it;
        const struct gen_json *tool;
        gen_json_iter_init(&it, gen_json_get(gen_json_root(d->doc), "tools"));
        while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &tool))
            rc = add_tool(d, jb, list, tool, err);
        if (rc == GEN_OK)
            rc = gen_jb_write(jb, list, GEN_JSON_COMPACT, &d->list, err);
    }
    gen_jb_free(jb);
    if (rc)
        hds_definitions_release(d);
    return rc;
}

void hds_definitions_release(struct hds_definitions *d)
{
    for (size_t i = 0; i < d->n; i++) {
        gen_schema_free(d->tools[i].input);
        gen_schema_free(d->tools[i].output);
        free(d->names[i]);
    }
    d->n = 0;
    gen_json_doc_free(d->doc);
    d->doc = NULL;
    gen_buf_release(&d->list);
}

const struct hds_definition *hds_definitions_find(const struct hds_definitions *d,
                                                  struct gen_str name, const char **near)
{
    const char *names[HDS_TOOLS_MAX];
    for (size_t i = 0; i < d->n; i++) {
        if (gen_str_is(name, d->tools[i].name))
            return &d->tools[i];
        names[i] = d->tools[i].name;
    }
    *near = gen_nearest(name, names, d->n);
    return NULL;
}
