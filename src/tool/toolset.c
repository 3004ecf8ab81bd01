#include "tool/toolset_int.h"

#include "base/hash.h"
#include "os/file.h"
#include "json/yaml.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX          ((size_t)64 << 20)
#define ARENA_BYTES_MAX         ((size_t)1 << 30)
#define DOCUMENTATION_BYTES_MAX ((size_t)1 << 20)
#define SAMPLES_MAX             256U /* of one tool */

struct slot {
    struct gen_str name;
    size_t tool; /* from 1; 0: free */
};

struct toolset_index {
    struct gen_json_doc *samples; /* an array for each tool of its samples' arguments */
    struct slot *slots;
    size_t n_slots; /* a power of two */
};

/* ---- reading ---- */

int gen_tools_read(const char *path, struct gen_buf *own_form, struct gen_tools_parsed *parsed,
                   gen_tool_finding_fn *fn, void *ud, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(FILE_BYTES_MAX);
    struct gen_json_doc *doc = NULL;
    struct gen_yaml *yaml = NULL;
    char name[200];
    struct gen_str ext = gen_path_ext(gen_str_from(path));
    bool is_yaml =
        gen_str_eq_nocase(ext, GEN_STR(".yaml")) || gen_str_eq_nocase(ext, GEN_STR(".yml"));
    (void)snprintf(name, sizeof(name), "%.*s",
                   GEN_STR_ARG(gen_path_base(gen_path_stem(gen_str_from(path)))));
    int rc = gen_file_read_all(&text, path, err);
    if (rc == GEN_OK && is_yaml)
        rc = gen_yaml_parse(&yaml, gen_buf_str(&text), path, err);
    else if (rc == GEN_OK && gen_json_parse(&doc, gen_buf_str(&text), err) != GEN_OK)
        rc = gen_wrap(err, GEN_EPARSE, "%s", path);
    if (rc == GEN_OK) {
        rc = gen_tools_parse(is_yaml ? gen_yaml_root(yaml) : gen_json_root(doc), name, own_form,
                             parsed, fn, ud, err);
        if (rc)
            rc = gen_wrap(err, rc, "%s", path);
    }
    gen_json_doc_free(doc);
    gen_yaml_free(yaml);
    gen_buf_release(&text);
    return rc;
}

/* ---- views ---- */

/* The entry of "parameters" for a property: mostly the one at the same place. */
static const struct gen_json *view_of(const struct gen_json *parameters, struct gen_json_iter *next,
                                      struct gen_str name)
{
    struct gen_json_iter it;
    const struct gen_json *v = NULL;
    if (gen_json_iter_next(next, NULL, &v) && gen_str_eq(gen_json_get_str(v, "name"), name))
        return v;
    gen_json_iter_init(&it, parameters);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_str_eq(gen_json_get_str(v, "name"), name))
            return v;
    }
    return NULL;
}

static int view_params(struct gen_toolset *t, struct gen_tool *tool, struct gen_error *err)
{
    const struct gen_json *properties = gen_json_get(tool->input_schema, "properties");
    const struct gen_json *parameters = gen_json_get(tool->definition, "parameters");
    struct gen_json_iter it, next;
    struct gen_str name;
    const struct gen_json *schema;
    size_t n = gen_json_type(properties) == GEN_JSON_OBJECT ? gen_json_count(properties) : 0;
    tool->params = gen_arena_array(&t->arena, n ? n : 1, sizeof(*tool->params));
    if (!tool->params)
        return gen_nomem(err, "the parameters of a tool");
    gen_json_iter_init(&it, properties);
    gen_json_iter_init(&next, parameters);
    while (tool->n_params < n && gen_json_iter_next(&it, &name, &schema)) {
        const struct gen_json *view = view_of(parameters, &next, name);
        const struct gen_json *choices = gen_json_get(schema, "enum");
        struct gen_tool_param *p = &tool->params[tool->n_params++];
        *p = (struct gen_tool_param){
            .name = name,
            .type = gen_json_get_str(view, "type"),
            .description = gen_json_get_str(view, "description"),
            .schema = schema,
            .default_value = gen_json_get(schema, "default"),
            .choices = gen_json_count(choices) ? choices : NULL,
        };
        (void)gen_json_as_bool(gen_json_get(view, "required"), &p->is_required);
    }
    return GEN_OK;
}

static int view_tool(struct gen_toolset *t, const struct gen_json *definition,
                     struct gen_tool *tool, struct gen_error *err)
{
    const struct gen_json *returns = gen_json_get(definition, "returns");
    *tool = (struct gen_tool){
        .id = gen_json_get_str(definition, "tool_id"),
        .name = gen_json_get_str(definition, "name"),
        .category = gen_json_get_str(definition, "category"),
        .description = gen_json_get_str(definition, "description"),
        .complexity = gen_json_get_str(definition, "complexity"),
        .definition = definition,
        .input_schema = gen_json_get(definition, "input_schema"),
        .output_schema = gen_json_get(definition, "output_schema"),
    };
    if (!tool->output_schema && gen_json_get(returns, "properties"))
        tool->output_schema = returns;
    (void)gen_json_as_bool(gen_json_get(gen_json_get(definition, "annotations"), "readOnlyHint"),
                           &tool->is_read_only);
    int rc =
        gen_schema_new_foreign(&tool->arguments, tool->input_schema, GEN_DRAFT_2020_12, NULL, err);
    if (rc)
        return gen_wrap(err, rc, "tool %.*s", GEN_STR_ARG(tool->name));
    return view_params(t, tool, err);
}

/* ---- documentation ---- */

static int add_value(struct gen_buf *out, const struct gen_json *v, struct gen_error *err)
{
    struct gen_str text;
    return gen_json_as_str(v, &text) ? gen_buf_add_str(out, text, err)
                                     : gen_json_write(out, v, GEN_JSON_COMPACT, err);
}

static int add_signature(struct gen_buf *out, const struct gen_tool *tool, struct gen_error *err)
{
    int rc = gen_buf_printf(out, err, "%.*s(", GEN_STR_ARG(tool->name));
    for (size_t i = 0; rc == GEN_OK && i < tool->n_params; i++) {
        const struct gen_tool_param *p = &tool->params[i];
        bool has_default = p->default_value && gen_json_type(p->default_value) != GEN_JSON_NULL;
        rc = gen_buf_printf(out, err, "%s%.*s%s: %.*s", i ? ", " : "", GEN_STR_ARG(p->name),
                            p->is_required || has_default ? "" : "?", GEN_STR_ARG(p->type));
        if (rc == GEN_OK && has_default)
            rc = gen_buf_add_c(out, " = ", err);
        if (rc == GEN_OK && has_default)
            rc = add_value(out, p->default_value, err);
    }
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, ")", err);
    struct gen_str does = gen_str_trim(tool->description);
    if (rc == GEN_OK && does.n)
        rc = gen_buf_printf(out, err, ": %.*s", GEN_STR_ARG(does));
    return rc;
}

static int add_param(struct gen_buf *out, const struct gen_tool_param *p, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str about = gen_str_trim(p->description);
    size_t n = 0;
    if (!about.n && !p->choices)
        return GEN_OK;
    int rc = gen_buf_printf(out, err, "\n  %.*s:%s%.*s", GEN_STR_ARG(p->name), about.n ? " " : "",
                            GEN_STR_ARG(about));
    gen_json_iter_init(&it, p->choices);
    while (rc == GEN_OK && p->choices && gen_json_iter_next(&it, NULL, &v)) {
        rc = gen_buf_add_c(out, n++ ? ", " : " (one of ", err);
        if (rc == GEN_OK)
            rc = add_value(out, v, err);
    }
    return rc == GEN_OK && n ? gen_buf_add_char(out, ')', err) : rc;
}

static int document(struct gen_toolset *t, struct gen_tool *tool, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(DOCUMENTATION_BYTES_MAX);
    int rc = add_signature(&text, tool, err);
    for (size_t i = 0; rc == GEN_OK && i < tool->n_params; i++)
        rc = add_param(&text, &tool->params[i], err);
    if (rc == GEN_OK) {
        tool->documentation = gen_arena_str(&t->arena, gen_buf_str(&text));
        rc = tool->documentation.n ? GEN_OK : gen_nomem(err, "the documentation of a tool");
    }
    gen_buf_release(&text);
    return rc ? gen_wrap(err, rc, "the documentation of the tool %.*s", GEN_STR_ARG(tool->name))
              : GEN_OK;
}

/* ---- samples ---- */

/* Those that can be read, as one array of arguments; their instructions go to the samples. */
static struct gen_jmut *read_samples(struct gen_toolset *t, struct gen_tool *tool, struct gen_jb *b)
{
    struct gen_jmut *list = gen_jb_array(b);
    const struct gen_json *sources[] = {gen_json_get(tool->definition, "examples"),
                                        gen_json_get(tool->input_schema, "examples")};
    for (size_t i = 0; i < 2; i++) {
        struct gen_json_iter it;
        const struct gen_json *v;
        gen_json_iter_init(&it, sources[i]);
        while (gen_json_type(sources[i]) == GEN_JSON_ARRAY && gen_json_iter_next(&it, NULL, &v)) {
            struct gen_jmut *args = NULL;
            struct gen_str instruction;
            if (!gen_sample_read(tool, v, b, &args, &instruction)) {
                t->n_samples_refused++;
                continue;
            }
            tool->samples[tool->n_samples++].instruction = instruction;
            gen_jb_append(b, list, args);
        }
    }
    return list;
}

static int alloc_samples(struct gen_toolset *t, struct gen_tool *tool, struct gen_error *err)
{
    size_t n = gen_json_count(gen_json_get(tool->definition, "examples")) +
               gen_json_count(gen_json_get(tool->input_schema, "examples"));
    tool->samples = gen_arena_array(&t->arena, n ? n : 1, sizeof(*tool->samples));
    return tool->samples ? GEN_OK : gen_nomem(err, "the examples of a tool");
}

/* Keeps those that pass the schema, each once; as many as SAMPLES_MAX, for each is compared with
 * those before it. */
static int check_samples(struct gen_toolset *t, struct gen_tool *tool, const struct gen_json *list,
                         struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *args;
    size_t n = tool->n_samples, at = 0;
    int rc = GEN_OK;
    tool->n_samples = 0;
    gen_json_iter_init(&it, list);
    while (rc == GEN_OK && at < n && tool->n_samples < SAMPLES_MAX &&
           gen_json_iter_next(&it, NULL, &args)) {
        struct gen_str instruction = tool->samples[at++].instruction;
        bool valid = false, is_new = true;
        rc = gen_tool_check(tool, args, &valid, NULL, err);
        t->n_samples_refused += rc == GEN_OK && !valid;
        for (size_t i = 0; valid && is_new && i < tool->n_samples; i++)
            is_new = !gen_json_equal(tool->samples[i].args, args);
        if (rc == GEN_OK && valid && is_new)
            tool->samples[tool->n_samples++] = (struct gen_tool_sample){args, instruction};
    }
    return rc;
}

static int view_samples(struct gen_toolset *t, struct gen_error *err)
{
    struct toolset_index *index = t->index;
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(FILE_BYTES_MAX);
    int rc = gen_jb_new(&b, err);
    struct gen_jmut *all = gen_jb_array(b);
    for (size_t i = 0; rc == GEN_OK && i < t->n_tools; i++) {
        rc = alloc_samples(t, &t->tools[i], err);
        if (rc == GEN_OK)
            gen_jb_append(b, all, read_samples(t, &t->tools[i], b));
    }
    if (rc == GEN_OK)
        rc = gen_jb_write(b, all, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&index->samples, gen_buf_str(&text), err);
    struct gen_json_iter it;
    const struct gen_json *list;
    gen_json_iter_init(&it, gen_json_root(index->samples));
    for (size_t i = 0; rc == GEN_OK && i < t->n_tools && gen_json_iter_next(&it, NULL, &list); i++)
        rc = check_samples(t, &t->tools[i], list, err);
    gen_jb_free(b);
    gen_buf_release(&text);
    return rc;
}

/* ---- finding ---- */

static struct slot *slot_of(const struct toolset_index *index, struct gen_str name)
{
    size_t at = (size_t)gen_hash64(name, 0) & (index->n_slots - 1);
    while (index->slots[at].tool && !gen_str_eq(index->slots[at].name, name))
        at = (at + 1) & (index->n_slots - 1);
    return &index->slots[at];
}

static int make_index(struct gen_toolset *t, struct gen_error *err)
{
    struct toolset_index *index = t->index;
    index->n_slots = 16;
    while (index->n_slots < 4 * t->n_tools)
        index->n_slots *= 2;
    index->slots = gen_arena_array(&t->arena, index->n_slots, sizeof(*index->slots));
    if (!index->slots)
        return gen_nomem(err, "the index of the tools");
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < t->n_tools; i++) {
            struct gen_str original = gen_json_get_str(t->tools[i].definition, "original_name");
            struct gen_str name = pass ? original : t->tools[i].name;
            struct slot *slot = name.n ? slot_of(index, name) : NULL;
            if (slot && !slot->tool)
                *slot = (struct slot){name, i + 1};
        }
    }
    return GEN_OK;
}

const struct gen_tool *gen_toolset_find(const struct gen_toolset *t, struct gen_str name)
{
    const struct slot *slot = slot_of(t->index, name);
    return slot->tool ? &t->tools[slot->tool - 1] : NULL;
}

const struct gen_tool_param *gen_tool_param_find(const struct gen_tool *tool, struct gen_str name)
{
    for (size_t i = 0; i < tool->n_params; i++) {
        if (gen_str_eq(tool->params[i].name, name))
            return &tool->params[i];
    }
    return NULL;
}

/* ---- the set ---- */

/* `t` has its document. */
static int view(struct gen_toolset *t, struct gen_error *err)
{
    const struct gen_json *root = gen_json_root(t->doc);
    const struct gen_json *list = gen_json_get(root, "tools");
    struct gen_json_iter it;
    const struct gen_json *definition;
    size_t n = gen_json_count(list);
    t->name = gen_json_get_str(root, "name");
    t->description = gen_json_get_str(root, "description");
    t->server = gen_json_get_str(root, "server");
    t->tools = gen_arena_array(&t->arena, n, sizeof(*t->tools));
    t->index = gen_arena_alloc(&t->arena, sizeof(struct toolset_index));
    if (!t->tools || !t->index)
        return gen_nomem(err, "the tools");
    int rc = GEN_OK;
    gen_json_iter_init(&it, list);
    while (rc == GEN_OK && t->n_tools < n && gen_json_iter_next(&it, NULL, &definition)) {
        struct gen_tool *tool = &t->tools[t->n_tools++];
        rc = view_tool(t, definition, tool, err);
        if (rc == GEN_OK)
            rc = document(t, tool, err);
    }
    if (rc == GEN_OK)
        rc = make_index(t, err);
    return rc ? rc : view_samples(t, err);
}

/* `own_form` is what gen_tools_parse wrote. */
static int make(struct gen_toolset **out, struct gen_str own_form, struct gen_error *err)
{
    struct gen_toolset *t = calloc(1, sizeof(*t));
    if (!t)
        return gen_nomem(err, "the tools");
    t->arena = gen_arena_make(ARENA_BYTES_MAX);
    int rc = gen_json_parse(&t->doc, own_form, err);
    if (rc == GEN_OK)
        rc = view(t, err);
    if (rc) {
        gen_toolset_free(t);
        return rc;
    }
    *out = t;
    return GEN_OK;
}

static int make_of(struct gen_toolset **out, const struct gen_json *root, struct gen_error *err)
{
    struct gen_buf own = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_tools_parsed parsed;
    int rc = gen_tools_parse(root, "tools", &own, &parsed, NULL, NULL, err);
    if (rc == GEN_OK)
        rc = make(out, gen_buf_str(&own), err);
    gen_buf_release(&own);
    return rc;
}

int gen_toolset_load(struct gen_toolset **out, const char *path, gen_tool_finding_fn *fn, void *ud,
                     struct gen_error *err)
{
    struct gen_buf own = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_tools_parsed parsed;
    int rc = gen_tools_read(path, &own, &parsed, fn, ud, err);
    if (rc == GEN_OK && (rc = make(out, gen_buf_str(&own), err)) != GEN_OK)
        rc = gen_wrap(err, rc, "%s", path);
    gen_buf_release(&own);
    return rc;
}

int gen_toolset_new(struct gen_toolset **out, struct gen_str own_form, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, own_form, err);
    if (rc == GEN_OK)
        rc = make_of(out, gen_json_root(doc), err);
    gen_json_doc_free(doc);
    return rc;
}

int gen_toolset_from_offered(struct gen_toolset **out, const struct gen_json *tools,
                             struct gen_error *err)
{
    if (gen_json_type(tools) != GEN_JSON_ARRAY)
        return gen_fail(err, GEN_EPARSE, "\"tools\" is no list of tools");
    return make_of(out, tools, err);
}

void gen_toolset_free(struct gen_toolset *t)
{
    if (!t)
        return;
    struct toolset_index *index = t->index;
    for (size_t i = 0; i < t->n_tools; i++)
        gen_schema_free(t->tools[i].arguments);
    gen_json_doc_free(index ? index->samples : NULL);
    gen_json_doc_free(t->doc);
    gen_arena_release(&t->arena);
    free(t);
}

/* ---- showing and checking ---- */

struct gen_jmut *gen_tool_offered(const struct gen_tool *tool, struct gen_jb *b)
{
    struct gen_jmut *offered = gen_jb_object(b);
    struct gen_jmut *function = gen_jb_object(b);
    gen_jb_put_cstr(b, offered, "type", "function");
    gen_jb_put_str(b, function, "name", tool->name);
    gen_jb_put_str(b, function, "description", tool->description);
    gen_jb_put(b, function, "parameters", gen_jb_copy(b, tool->input_schema));
    gen_jb_put(b, offered, "function", function);
    return offered;
}

int gen_toolset_document(const struct gen_toolset *t, const struct gen_str *names, size_t n_names,
                         struct gen_buf *out, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < n_names; i++) {
        const struct gen_tool *tool = gen_toolset_find(t, names[i]);
        if (!tool)
            return gen_fail(err, GEN_EINPUT, "the tool \"%.*s\" is not among the tools",
                            GEN_STR_ARG(names[i]));
        rc = gen_buf_printf(out, err, "%s%.*s", i ? "\n\n" : "", GEN_STR_ARG(tool->documentation));
    }
    return rc;
}

int gen_tool_check(const struct gen_tool *tool, const struct gen_json *args, bool *valid,
                   struct gen_buf *faults, struct gen_error *err)
{
    struct gen_error said = {.msg = ""};
    struct gen_buf unread = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf *out = faults ? faults : &unread;
    int rc = gen_schema_check(tool->arguments, args, valid, out, &said);
    if (rc == GEN_ELIMIT) {
        *valid = false;
        rc = gen_buf_printf(out, &said, "(root): %s\n", said.msg);
    } else if (rc == GEN_OK && *valid && gen_json_type(args) != GEN_JSON_OBJECT) {
        *valid = false;
        rc = gen_buf_add_c(out, "(root): the arguments are no object\n", &said);
    }
    gen_buf_release(&unread);
    return rc ? gen_fail(err, said.code, "%s", said.msg) : GEN_OK;
}
