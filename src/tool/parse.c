#include "tool/parse_int.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "json/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_BYTES_MAX        64U /* what OpenAI, Anthropic and Gemini take */
#define DESCRIPTION_BYTES_MAX 1024U

struct taken_name {
    char name[NAME_BYTES_MAX + 1]; /* empty: the slot is free */
    unsigned n_last;               /* the last number that was put behind it for another tool */
};

struct gen_tools_parser {
    enum gen_tool_shape shape;
    gen_tool_finding_fn *on_finding;
    void *ud;
    struct gen_tools_parsed *parsed;
    struct gen_jb *b;
    struct gen_jmut *tools;
    struct taken_name *names; /* of the tools so far; open addressing */
    size_t n_names, n_slots;  /* n_slots: a power of two */
};

static const struct {
    const char *name;
    enum gen_tool_shape shape;
} shape_names[] = {
    {"generator's own form", GEN_TOOLS_NATIVE},
    {"OpenAI", GEN_TOOLS_OPENAI},
    {"Anthropic", GEN_TOOLS_ANTHROPIC},
    {"MCP", GEN_TOOLS_MCP},
    {"OpenAPI", GEN_TOOLS_OPENAPI},
    {"Swagger 2", GEN_TOOLS_SWAGGER},
    {"BFCL", GEN_TOOLS_BFCL},
};

const char *gen_tool_shape_name(enum gen_tool_shape shape)
{
    for (size_t i = 0; i < sizeof(shape_names) / sizeof(shape_names[0]); i++) {
        if (shape_names[i].shape == shape)
            return shape_names[i].name;
    }
    return "unknown";
}

int gen_tools_report(struct gen_tools_parser *p, bool is_error, struct gen_str tool,
                     struct gen_error *err, const char *format, ...)
{
    char why[512];
    va_list args;
    va_start(args, format);
    gen_utf8_vformat(why, sizeof(why), format, args);
    va_end(args);
    *(is_error ? &p->parsed->n_errors : &p->parsed->n_warnings) += 1;
    const struct gen_tool_finding finding = {is_error, tool, why};
    return p->on_finding ? p->on_finding(p->ud, &finding, err) : GEN_OK;
}

/* ---- what a tool is called ---- */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* A name that every provider takes: other characters become one '_'. */
static void sanitise(struct gen_str name, char out[NAME_BYTES_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < name.n && n < NAME_BYTES_MAX; i++) {
        bool fits = is_name_char(name.p[i]);
        if (!fits && (n == 0 || out[n - 1] == '_'))
            continue;
        out[n++] = fits ? name.p[i] : '_';
    }
    while (n && out[n - 1] == '_' && !(name.n && name.p[name.n - 1] == '_'))
        n--;
    out[n] = '\0';
}

/* The slot that has the name, or the free one where it belongs. */
static struct taken_name *slot_of(const struct gen_tools_parser *p, const char *name)
{
    size_t at = (size_t)gen_hash64(gen_str_from(name), 0) & (p->n_slots - 1);
    while (p->names[at].name[0] && strcmp(p->names[at].name, name) != 0)
        at = (at + 1) & (p->n_slots - 1);
    return &p->names[at];
}

static int make_room_for_name(struct gen_tools_parser *p, struct gen_error *err)
{
    struct gen_tools_parser bigger = {.n_slots = p->n_slots ? 2 * p->n_slots : 64};
    if (2 * (p->n_names + 1) <= p->n_slots)
        return GEN_OK;
    bigger.names = calloc(bigger.n_slots, sizeof(*bigger.names));
    if (!bigger.names)
        return gen_nomem(err, "tool names");
    for (size_t i = 0; i < p->n_slots; i++) {
        if (p->names[i].name[0])
            *slot_of(&bigger, p->names[i].name) = p->names[i];
    }
    free(p->names);
    p->names = bigger.names;
    p->n_slots = bigger.n_slots;
    return GEN_OK;
}

/* Empties `out` when the tool has no name that could be made one. */
static int name_tool(struct gen_tools_parser *p, const struct gen_tool_draft *d,
                     char out[NAME_BYTES_MAX + 1], struct gen_error *err)
{
    char base[NAME_BYTES_MAX + 1];
    int rc = make_room_for_name(p, err);
    if (rc)
        return rc;
    sanitise(d->name, base);
    (void)snprintf(out, NAME_BYTES_MAX + 1, "%s", base);
    if (!base[0])
        return gen_tools_report(p, true, d->name, err, "tool %zu has no name; it is left out",
                                p->parsed->n_tools + 1);
    /* Numbers up to the last one were taken then, and still are. */
    struct taken_name *first = slot_of(p, base);
    while (slot_of(p, out)->name[0]) {
        char number[16];
        first->n_last += first->n_last ? 1 : 2;
        int n = snprintf(number, sizeof(number), "_%u", first->n_last);
        (void)snprintf(out, NAME_BYTES_MAX + 1, "%.*s%s", (int)(NAME_BYTES_MAX - (size_t)n), base,
                       number);
    }
    if (strcmp(base, out) != 0)
        rc = gen_tools_report(p, false, d->name, err,
                              "the name is used by an earlier tool; this one becomes \"%s\"", out);
    else if (!gen_str_is(d->name, out) && !d->name_is_made)
        rc = gen_tools_report(p, false, d->name, err,
                              "providers take names of letters, digits, _ and - up to 64 bytes; it "
                              "becomes \"%s\"",
                              out);
    (void)snprintf(slot_of(p, out)->name, NAME_BYTES_MAX + 1, "%s", out);
    p->n_names++;
    return rc;
}

/* ---- what it takes ---- */

/* The type that people and prompts read. */
static struct gen_str simple_type(const struct gen_json *schema)
{
    struct gen_str type;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v = gen_json_get(schema, "type");
    if (gen_json_as_str(v, &type))
        return type;
    const struct gen_json *branches = gen_json_get(schema, "anyOf");
    if (!branches)
        branches = gen_json_get(schema, "oneOf");
    bool is_list = gen_json_type(v) == GEN_JSON_ARRAY;
    struct gen_str only = {0};
    gen_json_iter_init(&it, is_list ? v : branches);
    while (gen_json_iter_next(&it, &key, &v)) {
        type = is_list ? GEN_STR("") : gen_json_get_str(v, "type");
        if (is_list)
            (void)gen_json_as_str(v, &type);
        if (gen_str_is(type, "null"))
            continue;
        if (only.n || !type.n)
            return GEN_STR("any");
        only = type;
    }
    if (only.n)
        return only;
    return gen_json_get(schema, "properties") ? GEN_STR("object") : GEN_STR("any");
}

static bool lists(const struct gen_json *array, struct gen_str name)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str s;
    gen_json_iter_init(&it, array);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_as_str(v, &s) && gen_str_eq(s, name))
            return true;
    }
    return false;
}

/* A default that its own schema refuses would be copied into calls. */
static int check_default(struct gen_tools_parser *p, const char *tool, struct gen_str name,
                         const struct gen_json *schema, struct gen_error *err)
{
    const struct gen_json *fallback = gen_json_get(schema, "default");
    struct gen_schema *s = NULL;
    struct gen_buf faults = gen_buf_make(GEN_BUF_UNLIMITED);
    bool valid = true;
    if (!fallback || gen_json_type(fallback) == GEN_JSON_NULL || gen_json_get(schema, "$ref"))
        return GEN_OK;
    int rc = gen_schema_new_foreign(&s, schema, GEN_DRAFT_2020_12, NULL, NULL);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a JSON Schema");
    if (rc == GEN_OK)
        rc = gen_schema_check(s, fallback, &valid, &faults, err);
    /* References of its parts lead out of it or in circles: nothing can be said. */
    if (rc == GEN_EPARSE || rc == GEN_ELIMIT)
        rc = GEN_OK;
    if (rc == GEN_OK && !valid)
        rc = gen_tools_report(p, false, gen_str_from(tool), err,
                              "the default of \"%.*s\" is not allowed by its own schema: %.*s",
                              GEN_STR_ARG(name), GEN_STR_ARG(gen_str_trim(gen_buf_str(&faults))));
    gen_buf_release(&faults);
    gen_schema_free(s);
    return rc;
}

static int check_parameter(struct gen_tools_parser *p, const char *tool, struct gen_str name,
                           const struct gen_json *schema, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    int rc = check_default(p, tool, name, schema, err);
    if (rc == GEN_OK && gen_str_is(simple_type(schema), "array") &&
        !gen_json_get(schema, "items") && !gen_json_get(schema, "prefixItems"))
        rc = gen_tools_report(p, false, gen_str_from(tool), err,
                              "the array \"%.*s\" has no \"items\"; OpenAI refuses such a schema",
                              GEN_STR_ARG(name));
    gen_json_iter_init(&it, gen_json_get(schema, "enum"));
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_type(v) == GEN_JSON_STRING || gen_json_type(v) == GEN_JSON_NULL)
            continue;
        return gen_tools_report(p, false, gen_str_from(tool), err,
                                "the enum of \"%.*s\" holds values that are no strings, which "
                                "LLaMA-Factory cannot read",
                                GEN_STR_ARG(name));
    }
    return rc;
}

static struct gen_jmut *parameter_of(struct gen_tools_parser *p, struct gen_str name,
                                     const struct gen_json *schema, bool required,
                                     const struct gen_json *place)
{
    static const char *const copied[] = {"default", "enum", NULL};
    struct gen_jmut *o = gen_jb_object(p->b);
    gen_jb_put_str(p->b, o, "name", name);
    gen_jb_put_str(p->b, o, "type", simple_type(schema));
    gen_jb_put_bool(p->b, o, "required", required);
    for (size_t i = 0; copied[i]; i++) {
        const struct gen_json *v = gen_json_get(schema, copied[i]);
        if (v)
            gen_jb_put(p->b, o, copied[i], gen_jb_copy(p->b, v));
    }
    gen_jb_put_str(p->b, o, "description", gen_json_get_str(schema, "description"));
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, place);
    while (gen_json_iter_next(&it, &key, &v))
        gen_jb_put_n(p->b, o, key, gen_jb_copy(p->b, v));
    return o;
}

static int put_parameters(struct gen_tools_parser *p, const struct gen_tool_draft *d,
                          const char *tool, const struct gen_json *schema, struct gen_jmut *out,
                          size_t *n_required, struct gen_error *err)
{
    struct gen_jmut *list = gen_jb_array(p->b);
    const struct gen_json *required = gen_json_get(schema, "required");
    const struct gen_json *properties = gen_json_get(schema, "properties");
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, properties);
    while (rc == GEN_OK && gen_json_iter_next(&it, &name, &v)) {
        bool needed = lists(required, name);
        *n_required += needed;
        gen_jb_append(p->b, list,
                      parameter_of(p, name, v, needed, gen_json_get_n(d->places, name)));
        rc = check_parameter(p, tool, name, v, err);
    }
    gen_json_iter_init(&it, required);
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_as_str(v, &name) && !gen_json_get_n(properties, name))
            rc = gen_tools_report(p, false, gen_str_from(tool), err,
                                  "\"%.*s\" is required but not among the properties",
                                  GEN_STR_ARG(name));
    }
    gen_jb_put(p->b, out, "parameters", list);
    return rc;
}

/* Says which keywords of the schema no call is checked against. False when it is no schema. */
static int check_schema(struct gen_tools_parser *p, const struct gen_tool_draft *d,
                        const struct gen_json *schema, bool *usable, struct gen_error *err)
{
    struct gen_schema *s = NULL;
    struct gen_error why = {.msg = ""};
    struct gen_buf ignored = gen_buf_make((size_t)1 << 20);
    int rc = gen_schema_new_foreign(
        &s, schema, d->refs_stand_alone ? GEN_DRAFT_7 : GEN_DRAFT_2020_12, &ignored, &why);
    *usable = rc == GEN_OK;
    if (rc == GEN_ENOMEM)
        rc = gen_nomem(err, "a JSON Schema");
    else if (rc)
        rc = gen_tools_report(p, true, d->name, err, "%s; the tool is left out", why.msg);
    struct gen_str rest = gen_buf_str(&ignored);
    struct gen_str line;
    while (rc == GEN_OK && gen_str_next_line(&rest, &line))
        rc = gen_tools_report(p, false, d->name, err, "%.*s", GEN_STR_ARG(line));
    gen_schema_free(s);
    gen_buf_release(&ignored);
    return rc;
}

/* ---- the tool ---- */

static const char *complexity_of(const struct gen_tool_draft *d, size_t n_required, size_t n)
{
    static const char *const levels[] = {"simple", "medium", "complex"};
    for (size_t i = 0; i < 3; i++) {
        if (gen_str_is(d->complexity, levels[i]))
            return levels[i];
    }
    return n_required <= 1 && n <= 3 ? "simple" : n_required <= 3 && n <= 6 ? "medium" : "complex";
}

static void put_optional(struct gen_tools_parser *p, struct gen_jmut *tool, const char *key,
                         const struct gen_json *v)
{
    if (v && gen_json_type(v) != GEN_JSON_NULL)
        gen_jb_put(p->b, tool, key, gen_jb_copy(p->b, v));
}

static void put_http(struct gen_tools_parser *p, struct gen_jmut *tool,
                     const struct gen_tool_draft *d)
{
    if (!d->method.n)
        return;
    struct gen_jmut *http = gen_jb_object(p->b);
    gen_jb_put_str(p->b, http, "method", d->method);
    gen_jb_put_str(p->b, http, "path", d->path);
    gen_jb_put_str(p->b, http, "base_url", d->base_url);
    if (d->content_type.n)
        gen_jb_put_str(p->b, http, "content_type", d->content_type);
    gen_jb_put(p->b, tool, "http", http);
}

static int write_tool(struct gen_tools_parser *p, const struct gen_tool_draft *d, const char *name,
                      const struct gen_json *schema, struct gen_error *err)
{
    struct gen_jmut *tool = gen_jb_object(p->b);
    size_t n_required = 0;
    struct gen_str id = d->id.n ? d->id : gen_str_from(name);
    gen_jb_put_str(p->b, tool, "tool_id", id);
    gen_jb_put_cstr(p->b, tool, "name", name);
    gen_jb_put_str(p->b, tool, "category", d->category.n ? d->category : GEN_STR("general"));
    gen_jb_put_str(p->b, tool, "description", d->description);
    int rc = put_parameters(p, d, name, schema, tool, &n_required, err);
    put_optional(p, tool, "returns", d->returns);
    put_optional(p, tool, "examples", d->examples);
    gen_jb_put_cstr(
        p->b, tool, "complexity",
        complexity_of(d, n_required, gen_json_count(gen_json_get(schema, "properties"))));
    gen_jb_put(p->b, tool, "input_schema", gen_jb_copy(p->b, schema));
    put_optional(p, tool, "output_schema", d->output_schema);
    put_optional(p, tool, "annotations", d->annotations);
    put_http(p, tool, d);
    struct gen_str original = d->original_name.n ? d->original_name : d->name;
    if (!gen_str_is(original, name) && !d->name_is_made)
        gen_jb_put_str(p->b, tool, "original_name", original);
    gen_jb_append(p->b, p->tools, tool);
    p->parsed->n_tools++;
    return rc;
}

static int check_description(struct gen_tools_parser *p, const struct gen_tool_draft *d,
                             struct gen_error *err)
{
    if (gen_str_trim(d->description).n == 0)
        return gen_tools_report(p, false, d->name, err,
                                "no description: a model can only guess what it is for");
    if (d->description.n > DESCRIPTION_BYTES_MAX)
        return gen_tools_report(p, false, d->name, err,
                                "the description has %zu bytes; OpenAI takes 1,024",
                                d->description.n);
    return GEN_OK;
}

int gen_tools_emit(struct gen_tools_parser *p, const struct gen_tool_draft *draft,
                   struct gen_error *err)
{
    static const char nothing[] = "{\"type\":\"object\",\"properties\":{},\"required\":[]}";
    char name[NAME_BYTES_MAX + 1];
    struct gen_json_doc *made = NULL;
    bool usable = true;
    const struct gen_json *schema = draft->schema;
    if (p->parsed->n_tools >= GEN_TOOLS_MAX)
        return gen_fail(err, GEN_ELIMIT, "there are more than %d tools", GEN_TOOLS_MAX);
    int rc = GEN_OK;
    bool is_empty = gen_json_type(schema) == GEN_JSON_OBJECT && gen_json_count(schema) == 0;
    if (draft->schema_text.n || !schema || is_empty) {
        rc = gen_json_parse(&made, draft->schema_text.n ? draft->schema_text : GEN_STR(nothing),
                            err);
        schema = gen_json_root(made);
    }
    if (rc == GEN_OK)
        rc = check_schema(p, draft, schema, &usable, err);
    if (rc == GEN_OK && usable)
        rc = name_tool(p, draft, name, err);
    if (rc == GEN_OK && usable && name[0])
        rc = check_description(p, draft, err);
    if (rc == GEN_OK && usable && name[0])
        rc = write_tool(p, draft, name, schema, err);
    gen_json_doc_free(made);
    return rc;
}

/* ---- the file ---- */

static const struct gen_json *list_of(const struct gen_json *root)
{
    static const char *const keys[] = {"tools", "functions", "functionDeclarations", "function",
                                       NULL};
    if (gen_json_type(root) == GEN_JSON_ARRAY)
        return root;
    /* A JSON-RPC answer holds it in its result. */
    if (gen_json_get(root, "result"))
        root = gen_json_get(root, "result");
    for (size_t i = 0; keys[i]; i++) {
        const struct gen_json *list = gen_json_get(root, keys[i]);
        if (gen_json_type(list) == GEN_JSON_ARRAY)
            return list;
    }
    return NULL;
}

static enum gen_tool_shape shape_of_tool(const struct gen_json *tool)
{
    const struct gen_json *parameters = gen_json_get(tool, "parameters");
    if (gen_json_get(tool, "inputSchema"))
        return GEN_TOOLS_MCP;
    if (gen_json_get(tool, "input_schema") && !gen_json_get(tool, "tool_id"))
        return GEN_TOOLS_ANTHROPIC;
    if (gen_str_is(gen_json_get_str(tool, "type"), "function") || gen_json_get(tool, "function"))
        return GEN_TOOLS_OPENAI;
    if (gen_json_type(parameters) == GEN_JSON_ARRAY || gen_json_get(tool, "tool_id"))
        return GEN_TOOLS_NATIVE;
    if (gen_str_is(gen_json_get_str(parameters, "type"), "dict"))
        return GEN_TOOLS_BFCL;
    return gen_json_get(parameters, "properties") ? GEN_TOOLS_OPENAI : GEN_TOOLS_BFCL;
}

static int detect(const struct gen_json *root, enum gen_tool_shape *shape, struct gen_error *err)
{
    const struct gen_json *list = list_of(root);
    if (gen_json_get(root, "openapi")) {
        *shape = GEN_TOOLS_OPENAPI;
        return GEN_OK;
    }
    if (gen_json_get(root, "swagger")) {
        *shape = GEN_TOOLS_SWAGGER;
        return GEN_OK;
    }
    if (!list)
        return gen_fail(
            err, GEN_EPARSE,
            "it holds no tools: wanted is a list of tools, an object with \"tools\", or "
            "an OpenAPI description");
    if (gen_json_count(list) == 0)
        return gen_fail(err, GEN_EINPUT, "its list of tools is empty");
    *shape = shape_of_tool(gen_json_at(list, 0));
    return GEN_OK;
}

static void put_head(struct gen_jb *b, struct gen_jmut *out, const struct gen_json *root,
                     const char *name)
{
    const struct gen_json *info = gen_json_get(root, "info");
    struct gen_str title = gen_json_get_str(info ? info : root, info ? "title" : "name");
    struct gen_str version = gen_json_get_str(info ? info : root, "version");
    struct gen_str description = gen_json_get_str(info ? info : root, "description");
    gen_jb_put_str(b, out, "name", title.n ? title : gen_str_from(name));
    gen_jb_put_str(b, out, "version", version);
    gen_jb_put_str(b, out, "description", description);
    gen_jb_put_cstr(b, out, "format", "tools");
    struct gen_str server = gen_json_get_str(root, "server");
    if (server.n)
        gen_jb_put_str(b, out, "server", server);
}

int gen_tools_parse(const struct gen_json *root, const char *name, struct gen_buf *out,
                    struct gen_tools_parsed *parsed, gen_tool_finding_fn *on_finding, void *ud,
                    struct gen_error *err)
{
    struct gen_tools_parsed done = {.n_tools = 0};
    struct gen_tools_parser p = {.on_finding = on_finding, .ud = ud, .parsed = &done};
    int rc = detect(root, &done.shape, err);
    if (rc == GEN_OK)
        rc = gen_jb_new(&p.b, err);
    if (rc)
        return rc;
    p.shape = done.shape;
    struct gen_jmut *file = gen_jb_object(p.b);
    p.tools = gen_jb_array(p.b);
    put_head(p.b, file, root, name);
    gen_jb_put(p.b, file, "tools", p.tools);
    if (done.shape == GEN_TOOLS_OPENAPI || done.shape == GEN_TOOLS_SWAGGER)
        rc = gen_tools_parse_openapi(&p, root, err);
    else if (done.shape == GEN_TOOLS_NATIVE)
        rc = gen_tools_parse_native(&p, list_of(root), err);
    else
        rc = gen_tools_parse_functions(&p, list_of(root), err);
    if (rc == GEN_OK && done.n_tools == 0)
        rc = gen_fail(err, GEN_EINPUT, "none of its tools can be used");
    if (rc == GEN_OK)
        rc = gen_jb_write(p.b, file, GEN_JSON_PRETTY, out, err);
    gen_jb_free(p.b);
    free(p.names);
    if (rc == GEN_OK)
        *parsed = done;
    return rc;
}
