/*
 * OpenAPI 3.0 and 3.1, and Swagger 2: each operation becomes a tool. Its arguments are the
 * parameters of path and operation and the members of the body, each with its place, so that a call
 * can be carried out. Schemas stay as they are, but for references: what they lead to moves into
 * the tool's own $defs.
 */
#include "tool/parse/openapi_int.h"

#include <stdlib.h>

/* What a reference leads to; the value itself when it is none. NULL: to nothing. */
static int follow(struct gen_openapi *o, const struct gen_json *v, const struct gen_json **out,
                  struct gen_error *err)
{
    int rc = GEN_OK;
    for (unsigned i = 0; rc == GEN_OK && v && i < GEN_OPENAPI_REFS_MAX; i++) {
        struct gen_str pointer = gen_json_get_str(v, "$ref");
        if (!pointer.n)
            break;
        v = NULL;
        if (gen_str_starts(pointer, GEN_STR("#")))
            rc = gen_openapi_find(o, pointer, &v, err);
    }
    *out = v;
    return rc;
}

/* Keys that name who calls are the executor's business, not the model's. */
static bool is_credential(const struct gen_openapi *o, struct gen_str name, struct gen_str place)
{
    static const char *const reserved[] = {"authorization", "accept", "content-type", NULL};
    bool is_header = gen_str_is(place, "header");
    for (size_t i = 0; is_header && reserved[i]; i++) {
        if (gen_str_eq_nocase(name, gen_str_from(reserved[i])))
            return true;
    }
    const struct gen_json *schemes =
        gen_json_get(gen_json_get(o->root, "components"), "securitySchemes");
    if (!schemes)
        schemes = gen_json_get(o->root, "securityDefinitions");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *scheme;
    gen_json_iter_init(&it, schemes);
    while (gen_json_iter_next(&it, &key, &scheme)) {
        if (gen_str_eq(gen_json_get_str(scheme, "in"), place) &&
            gen_str_eq_nocase(gen_json_get_str(scheme, "name"), name))
            return true;
    }
    return gen_str_is(place, "cookie") && is_header;
}

/* Swagger 2 writes the schema's members into the parameter itself. */
static struct gen_jmut *parameter_schema(struct gen_openapi *o, const struct gen_json *parameter)
{
    static const char *const inlined[] = {"type",        "enum",       "items",     "default",
                                          "minimum",     "maximum",    "minLength", "maxLength",
                                          "pattern",     "format",     "minItems",  "maxItems",
                                          "uniqueItems", "multipleOf", NULL};
    const struct gen_json *schema = gen_json_get(parameter, "schema");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *media = NULL;
    gen_json_iter_init(&it, gen_json_get(parameter, "content"));
    if (!schema && gen_json_iter_next(&it, &key, &media))
        schema = gen_json_get(media, "schema");
    struct gen_jmut *out = schema ? gen_openapi_copy(o, schema) : gen_jb_object(o->b);
    for (size_t i = 0; !schema && inlined[i]; i++) {
        const struct gen_json *v = gen_json_get(parameter, inlined[i]);
        if (v)
            gen_jb_put(o->b, out, inlined[i], gen_openapi_copy(o, v));
    }
    struct gen_str description = gen_json_get_str(parameter, "description");
    if (description.n && gen_json_type(schema) != GEN_JSON_BOOL)
        gen_jb_set(o->b, out, "description", gen_jb_str(o->b, description));
    return out;
}

/* Swagger 2's collectionFormat in the words of OpenAPI 3. Without it lists have commas there, in 3
 * a query has the name again and again. */
static void place_of_list(const struct gen_openapi *o, const struct gen_json *parameter,
                          struct gen_openapi_place *place)
{
    static const char *const styles[][2] = {
        {"ssv", "spaceDelimited"}, {"tsv", "tabDelimited"}, {"pipes", "pipeDelimited"}};
    struct gen_str format = gen_json_get_str(parameter, "collectionFormat");
    bool is_list = gen_str_is(gen_json_get_str(parameter, "type"), "array");
    if (!gen_json_get(o->root, "swagger") || !is_list || gen_str_is(format, "multi"))
        return;
    for (size_t i = 0; i < 3; i++) {
        if (gen_str_is(format, styles[i][0]))
            place->style = gen_str_from(styles[i][1]);
    }
    if (!gen_str_is(place->in, "path") && !gen_str_is(place->in, "header"))
        place->explode = gen_json_root(o->no);
}

static void fill_place(const struct gen_openapi *o, const struct gen_json *parameter,
                       struct gen_openapi_place *place)
{
    struct gen_json_iter it;
    struct gen_str type;
    const struct gen_json *media;
    place->style = gen_json_get_str(parameter, "style");
    place->explode = gen_json_get(parameter, "explode");
    gen_json_iter_init(&it, gen_json_get(parameter, "content"));
    if (gen_json_iter_next(&it, &type, &media))
        place->content_type = type;
    place_of_list(o, parameter, place);
}

static int add_parameter(struct gen_openapi *o, const struct gen_json *parameter,
                         struct gen_error *err)
{
    bool required = false;
    struct gen_str name = gen_json_get_str(parameter, "name");
    struct gen_openapi_place place = {.in = gen_json_get_str(parameter, "in")};
    if (!name.n || is_credential(o, name, place.in))
        return GEN_OK;
    (void)gen_json_as_bool(gen_json_get(parameter, "required"), &required);
    if (gen_str_is(place.in, "body"))
        return gen_openapi_add_body(o, gen_json_get(parameter, "schema"), required, err);
    if (gen_str_is(place.in, "formData"))
        place.in = GEN_STR("body");
    fill_place(o, parameter, &place);
    return gen_openapi_add(o, name, &place, parameter_schema(o, parameter),
                           required || gen_str_is(place.in, "path"), err);
}

static bool is_overridden(struct gen_openapi *o, const struct gen_json *own,
                          const struct gen_json *parameter, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    gen_json_iter_init(&it, own);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (follow(o, v, &v, err) == GEN_OK &&
            gen_str_eq(gen_json_get_str(v, "name"), gen_json_get_str(parameter, "name")) &&
            gen_str_eq(gen_json_get_str(v, "in"), gen_json_get_str(parameter, "in")))
            return true;
    }
    return false;
}

/* `overriding`: parameters of the operation, which replace those of its path. */
static int add_parameters(struct gen_openapi *o, const struct gen_json *list,
                          const struct gen_json *overriding, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, list);
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v)) {
        rc = follow(o, v, &v, err);
        if (rc == GEN_OK && v && !is_overridden(o, overriding, v, err))
            rc = add_parameter(o, v, err);
    }
    return rc;
}

/* The schema of a body or an answer: JSON where there is a choice. */
static const struct gen_json *content_schema(const struct gen_json *holder)
{
    struct gen_json_iter it;
    struct gen_str type;
    const struct gen_json *media;
    const struct gen_json *first = NULL;
    gen_json_iter_init(&it, gen_json_get(holder, "content"));
    while (gen_json_iter_next(&it, &type, &media)) {
        if (gen_str_find(type, GEN_STR("json"), 0) != SIZE_MAX)
            return gen_json_get(media, "schema");
        first = first ? first : gen_json_get(media, "schema");
    }
    return first ? first : gen_json_get(holder, "schema"); /* Swagger 2 */
}

/* The type of a body that is no JSON; empty for one that is. */
static struct gen_str body_type(struct gen_openapi *o, const struct gen_json *operation)
{
    struct gen_json_iter it;
    struct gen_str type, first = {NULL, 0};
    const struct gen_json *v;
    const struct gen_json *body = NULL;
    bool has_form = false;
    if (follow(o, gen_json_get(operation, "requestBody"), &body, NULL))
        return first;
    gen_json_iter_init(&it, gen_json_get(body, "content"));
    while (body && gen_json_iter_next(&it, &type, &v)) {
        if (gen_str_find(type, GEN_STR("json"), 0) != SIZE_MAX)
            return (struct gen_str){NULL, 0};
        first = first.n ? first : type;
    }
    if (body)
        return first;
    gen_json_iter_init(&it, gen_json_get(operation, "parameters"));
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (follow(o, v, &v, NULL) == GEN_OK)
            has_form = has_form || gen_str_is(gen_json_get_str(v, "in"), "formData");
    }
    if (!has_form)
        return first;
    const struct gen_json *consumes = gen_json_get(operation, "consumes");
    if (!consumes)
        consumes = gen_json_get(o->root, "consumes");
    first = GEN_STR("application/x-www-form-urlencoded");
    (void)gen_json_as_str(gen_json_at(consumes, 0), &first);
    return gen_str_find(first, GEN_STR("form"), 0) == SIZE_MAX
               ? GEN_STR("application/x-www-form-urlencoded")
               : first;
}

static int add_request_body(struct gen_openapi *o, const struct gen_json *operation,
                            struct gen_error *err)
{
    const struct gen_json *body = NULL;
    bool required = false;
    int rc = follow(o, gen_json_get(operation, "requestBody"), &body, err);
    if (rc || !body)
        return rc;
    (void)gen_json_as_bool(gen_json_get(body, "required"), &required);
    return gen_openapi_add_body(o, content_schema(body), required, err);
}

static int put_answer(struct gen_openapi *o, const struct gen_json *operation,
                      struct gen_jmut *made, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str status;
    const struct gen_json *answer;
    gen_json_iter_init(&it, gen_json_get(operation, "responses"));
    while (gen_json_iter_next(&it, &status, &answer)) {
        if (!gen_str_starts(status, GEN_STR("2")) && !gen_str_is(status, "default"))
            continue;
        int rc = follow(o, answer, &answer, err);
        if (rc)
            return rc;
        const struct gen_json *schema = content_schema(answer);
        struct gen_jmut *returns = gen_jb_object(o->b);
        struct gen_str type = gen_json_get_str(schema, "type");
        gen_jb_put_str(o->b, returns, "type",
                       type.n   ? type
                       : schema ? GEN_STR("object")
                                : GEN_STR("null"));
        gen_jb_put_str(o->b, returns, "description", gen_json_get_str(answer, "description"));
        gen_jb_put(o->b, made, "returns", returns);
        return GEN_OK;
    }
    return GEN_OK;
}

static void put_annotations(struct gen_openapi *o, struct gen_str method, struct gen_jmut *made)
{
    struct gen_jmut *hints = gen_jb_object(o->b);
    bool reads = gen_str_is(method, "get") || gen_str_is(method, "head");
    bool repeats = reads || gen_str_is(method, "put") || gen_str_is(method, "delete");
    gen_jb_put_bool(o->b, hints, "readOnlyHint", reads);
    gen_jb_put_bool(o->b, hints, "destructiveHint", gen_str_is(method, "delete"));
    gen_jb_put_bool(o->b, hints, "idempotentHint", repeats);
    gen_jb_put_bool(o->b, hints, "openWorldHint", true);
    gen_jb_put(o->b, made, "annotations", hints);
}

/* "https://{region}.example.com" with the variables' defaults filled in. */
static int fill_server(struct gen_buf *out, const struct gen_json *server, struct gen_error *err)
{
    struct gen_str rest = gen_json_get_str(server, "url");
    int rc = GEN_OK;
    while (rc == GEN_OK && rest.n) {
        size_t open = gen_str_find(rest, GEN_STR("{"), 0);
        size_t close = open == SIZE_MAX ? SIZE_MAX : gen_str_find(rest, GEN_STR("}"), open);
        if (close == SIZE_MAX)
            return gen_buf_add_str(out, rest, err);
        struct gen_json_iter it;
        struct gen_str name;
        const struct gen_json *variable;
        rc = gen_buf_add_str(out, gen_str_sub(rest, 0, open), err);
        gen_json_iter_init(&it, gen_json_get(server, "variables"));
        while (rc == GEN_OK && gen_json_iter_next(&it, &name, &variable)) {
            if (gen_str_eq(name, gen_str_sub(rest, open + 1, close - open - 1)))
                rc = gen_buf_add_str(out, gen_json_get_str(variable, "default"), err);
        }
        rest = gen_str_sub(rest, close + 1, rest.n);
    }
    return rc;
}

static int base_url(const struct gen_openapi *o, const struct gen_json *path_item,
                    const struct gen_json *operation, struct gen_buf *out, struct gen_error *err)
{
    const struct gen_json *const levels[] = {operation, path_item, o->root};
    for (size_t i = 0; i < 3; i++) {
        const struct gen_json *server = gen_json_at(gen_json_get(levels[i], "servers"), 0);
        if (server)
            return fill_server(out, server, err);
    }
    struct gen_str host = gen_json_get_str(o->root, "host");
    struct gen_str scheme = GEN_STR("https");
    (void)gen_json_as_str(gen_json_at(gen_json_get(o->root, "schemes"), 0), &scheme);
    if (!host.n)
        return gen_buf_add_str(out, gen_json_get_str(o->root, "basePath"), err);
    return gen_buf_printf(out, err, "%.*s://%.*s%.*s", GEN_STR_ARG(scheme), GEN_STR_ARG(host),
                          GEN_STR_ARG(gen_json_get_str(o->root, "basePath")));
}

/* The name, and summary and description in one text. */
static int put_words(const struct gen_json *operation, struct gen_str method, struct gen_str path,
                     struct gen_buf *name, struct gen_buf *description, struct gen_error *err)
{
    struct gen_str id = gen_json_get_str(operation, "operationId");
    struct gen_str summary = gen_str_trim(gen_json_get_str(operation, "summary"));
    struct gen_str more = gen_str_trim(gen_json_get_str(operation, "description"));
    int rc = id.n ? gen_buf_add_str(name, id, err)
                  : gen_buf_printf(name, err, "%.*s%.*s", GEN_STR_ARG(method), GEN_STR_ARG(path));
    if (rc == GEN_OK)
        rc = gen_buf_add_str(description, summary, err);
    if (rc == GEN_OK && summary.n && more.n)
        rc = gen_buf_add_c(description, gen_str_ends(summary, GEN_STR(".")) ? " " : ". ", err);
    return rc == GEN_OK ? gen_buf_add_str(description, more, err) : rc;
}

/* All that is made for one operation: schema, places, returns, annotations, in one document. */
static int make(struct gen_openapi *o, const struct gen_json *path_item,
                const struct gen_json *operation, struct gen_str method, struct gen_buf *text,
                struct gen_error *err)
{
    const struct gen_json *own = gen_json_get(operation, "parameters");
    int rc = gen_jb_begin_again(o->b, err);
    if (rc)
        return rc;
    gen_openapi_begin(o);
    struct gen_jmut *made = gen_jb_object(o->b);
    rc = add_parameters(o, gen_json_get(path_item, "parameters"), own, err);
    if (rc == GEN_OK)
        rc = add_parameters(o, own, NULL, err);
    if (rc == GEN_OK)
        rc = add_request_body(o, operation, err);
    if (rc == GEN_OK)
        rc = put_answer(o, operation, made, err);
    put_annotations(o, method, made);
    if (rc == GEN_OK)
        rc = gen_openapi_end(o, made, err);
    return rc == GEN_OK ? gen_jb_write(o->b, made, GEN_JSON_COMPACT, text, err) : rc;
}

static int emit(struct gen_openapi *o, struct gen_str path, const struct gen_json *path_item,
                struct gen_str method, const struct gen_json *operation, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make((size_t)16 << 20);
    struct gen_buf name = gen_buf_make(65536);
    struct gen_buf description = gen_buf_make((size_t)1 << 20);
    struct gen_buf url = gen_buf_make(65536);
    struct gen_json_doc *doc = NULL;
    struct gen_str tag = {0};
    int rc = make(o, path_item, operation, method, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&doc, gen_buf_str(&text), err);
    if (rc == GEN_OK)
        rc = put_words(operation, method, path, &name, &description, err);
    if (rc == GEN_OK)
        rc = base_url(o, path_item, operation, &url, err);
    (void)gen_json_as_str(gen_json_at(gen_json_get(operation, "tags"), 0), &tag);
    const struct gen_json *made = gen_json_root(doc);
    const struct gen_tool_draft d = {
        .name = gen_buf_str(&name),
        .description = gen_buf_str(&description),
        .category = tag,
        .schema = gen_json_get(made, "schema"),
        .places = gen_json_get(made, "places"),
        .returns = gen_json_get(made, "returns"),
        .annotations = gen_json_get(made, "annotations"),
        .method = method,
        .path = path,
        .base_url = gen_buf_str(&url),
        .content_type = body_type(o, operation),
        .name_is_made = !gen_json_get_str(operation, "operationId").n,
        .refs_stand_alone = o->refs_stand_alone,
    };
    if (rc == GEN_OK)
        rc = gen_tools_emit(o->parser, &d, err);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    gen_buf_release(&name);
    gen_buf_release(&description);
    gen_buf_release(&url);
    return rc;
}

static int parse_path(struct gen_openapi *o, struct gen_str path, const struct gen_json *path_item,
                      struct gen_error *err)
{
    static const char *const methods[] = {"get",   "put",  "post",    "delete",
                                          "patch", "head", "options", NULL};
    int rc = follow(o, path_item, &path_item, err);
    for (size_t i = 0; rc == GEN_OK && methods[i]; i++) {
        const struct gen_json *operation = gen_json_get(path_item, methods[i]);
        if (gen_json_type(operation) == GEN_JSON_OBJECT)
            rc = emit(o, path, path_item, gen_str_from(methods[i]), operation, err);
    }
    return rc;
}

int gen_tools_parse_openapi(struct gen_tools_parser *p, const struct gen_json *root,
                            struct gen_error *err)
{
    struct gen_openapi o = {
        .parser = p,
        .root = root,
        .arena = gen_arena_make((size_t)64 << 20),
        .refs_stand_alone = !gen_str_starts(gen_json_get_str(root, "openapi"), GEN_STR("3.1")),
    };
    const struct gen_json *paths = gen_json_get(root, "paths");
    struct gen_json_iter it;
    struct gen_str path;
    const struct gen_json *item;
    if (gen_json_type(paths) != GEN_JSON_OBJECT || gen_json_count(paths) == 0)
        return gen_fail(err, GEN_EINPUT, "the description has no \"paths\", so no operations");
    int rc = gen_jb_new(&o.b, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&o.no, GEN_STR("false"), err);
    gen_json_iter_init(&it, paths);
    while (rc == GEN_OK && gen_json_iter_next(&it, &path, &item))
        rc = parse_path(&o, path, item, err);
    gen_jb_free(o.b);
    gen_json_doc_free(o.no);
    free(o.targets);
    gen_arena_release(&o.arena);
    return rc;
}
