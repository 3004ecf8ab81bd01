/* Vertex AI tuning of Gemini: contents with parts (formats.md §1.8). */
#include "dataset/export/common.h"

#include <ctype.h>

static void put_system(struct gen_str text, struct gen_jt *t)
{
    gen_jt_object(t, "systemInstruction");
    gen_jt_array(t, "parts");
    gen_jt_object(t, NULL);
    gen_jt_str(t, "text", text);
    gen_jt_end_object(t);
    gen_jt_end_array(t);
    gen_jt_end_object(t);
}

/* ---- schemas: the API's part of OpenAPI ---- */

static void put_schema(struct gen_jt *t, const struct gen_json *v);

static void put_type(struct gen_jt *t, struct gen_str type)
{
    char upper[16];
    size_t n = 0;
    while (n < type.n && n < sizeof(upper)) {
        upper[n] = (char)toupper((unsigned char)type.p[n]);
        n++;
    }
    gen_jt_str(t, "type", (struct gen_str){upper, n});
}

/* A list of types: one of them beside null is that one, nullable. More have no place, and the first
 * stands for them. */
static void put_types(struct gen_jt *t, const struct gen_json *types)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str text;
    struct gen_str first = {NULL, 0};
    bool is_nullable = false;
    gen_json_iter_init(&it, types);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (!gen_json_as_str(v, &text))
            continue;
        if (gen_str_is(text, "null"))
            is_nullable = true;
        else if (!first.n)
            first = text;
    }
    if (first.n)
        put_type(t, first);
    if (is_nullable)
        gen_export_literal(t, "nullable", "true");
}

static void put_properties(struct gen_jt *t, const struct gen_json *v)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    gen_jt_object(t, "properties");
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &member)) {
        gen_jt_key(t, key);
        put_schema(t, member);
    }
    gen_jt_end_object(t);
}

/* Those that may also be null are nullable. */
static void put_choices(struct gen_jt *t, const struct gen_json *v)
{
    struct gen_json_iter it;
    const struct gen_json *member;
    bool is_nullable = false;
    gen_jt_array(t, "anyOf");
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, NULL, &member)) {
        if (gen_str_is(gen_json_get_str(member, "type"), "null"))
            is_nullable = true;
        else
            put_schema(t, member);
    }
    gen_jt_end_array(t);
    if (is_nullable)
        gen_export_literal(t, "nullable", "true");
}

/* Only strings may be enumerated. */
static bool are_strings(const struct gen_json *list)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_type(v) != GEN_JSON_STRING)
            return false;
    }
    return gen_json_count(list) > 0;
}

static bool is_kept(struct gen_str key)
{
    static const char *const kept[] = {"description", "required", "nullable", "minItems",
                                       "maxItems",    "minimum",  "maximum",  "minLength",
                                       "maxLength",   "pattern",  "$ref"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (gen_str_is(key, kept[i]))
            return true;
    }
    return false;
}

static void put_keyword(struct gen_jt *t, struct gen_str key, const struct gen_json *v)
{
    struct gen_str type;
    if (gen_str_is(key, "type") && gen_json_as_str(v, &type))
        put_type(t, type);
    else if (gen_str_is(key, "type"))
        put_types(t, v);
    else if (gen_str_is(key, "properties") && gen_json_count(v))
        put_properties(t, v);
    else if (gen_str_is(key, "anyOf") || gen_str_is(key, "oneOf"))
        put_choices(t, v);
    else if (gen_str_is(key, "enum") ? are_strings(v)
                                     : is_kept(key) && gen_json_type(v) != GEN_JSON_NULL)
        gen_jt_value(t, key, v, true);
    if (gen_str_is(key, "items")) {
        gen_jt_key(t, key);
        put_schema(t, v);
    }
}

/* What is unknown to the API is left out: it constrains no call that was already made. Recurses at
 * most GEN_JSON_DEPTH_MAX deep: parsed values are no deeper. */
static void put_schema(struct gen_jt *t, const struct gen_json *v)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    gen_jt_object(t, NULL);
    gen_json_iter_init(&it, gen_json_type(v) == GEN_JSON_OBJECT ? v : NULL);
    while (gen_json_iter_next(&it, &key, &member))
        put_keyword(t, key, member);
    gen_jt_end_object(t);
}

static void put_tools(const struct gen_example *e, struct gen_jt *t)
{
    if (!e->n_tools)
        return;
    gen_jt_array(t, "tools");
    gen_jt_object(t, NULL);
    gen_jt_array(t, "functionDeclarations");
    for (size_t i = 0; i < e->n_tools; i++) {
        const struct gen_offered *tool = &e->tools[i];
        gen_jt_object(t, NULL);
        gen_jt_str(t, "name", tool->name);
        gen_jt_str(t, "description", tool->description);
        /* An object without properties is refused. */
        if (gen_json_count(gen_json_get(tool->parameters, "properties"))) {
            gen_jt_key(t, GEN_STR("parameters"));
            put_schema(t, tool->parameters);
        }
        gen_jt_end_object(t);
    }
    gen_jt_end_array(t);
    gen_jt_end_object(t);
    gen_jt_end_array(t);
}

/* ---- turns ---- */

static void put_calls(const struct gen_turn *turn, struct gen_jt *t)
{
    for (size_t i = 0; i < turn->n_calls; i++) {
        gen_jt_object(t, NULL);
        gen_jt_object(t, "functionCall");
        gen_jt_str(t, "name", turn->calls[i].name);
        gen_export_args(&turn->calls[i], "args", t);
        gen_jt_end_object(t);
        gen_jt_end_object(t);
    }
}

/* A response is an object: the observation when it is one, else the text under "output". */
static void put_response(const struct gen_turn *turn, struct gen_jt *t)
{
    struct gen_json_doc *doc = NULL;
    bool is_object = gen_json_parse(&doc, turn->content, NULL) == GEN_OK &&
                     gen_json_type(gen_json_root(doc)) == GEN_JSON_OBJECT;
    gen_jt_object(t, NULL);
    gen_jt_object(t, "functionResponse");
    gen_jt_str(t, "name", turn->answers->name);
    if (is_object) {
        gen_jt_value(t, GEN_STR("response"), gen_json_root(doc), false);
    } else {
        gen_jt_object(t, "response");
        gen_jt_str(t, "output", turn->content);
        gen_jt_end_object(t);
    }
    gen_jt_end_object(t);
    gen_jt_end_object(t);
    gen_json_doc_free(doc);
}

/* Writes the turn of one role that begins with turn `i`; gives the turns in it. */
static size_t put_turn(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                       struct gen_jt *t)
{
    const struct gen_turn *turn = &e->turns[i];
    bool is_model = turn->role == GEN_ROLE_ASSISTANT;
    size_t n = 1;
    gen_jt_object(t, NULL);
    gen_jt_str(t, "role", is_model ? GEN_STR("model") : GEN_STR("user"));
    gen_jt_array(t, "parts");
    if (turn->role == GEN_ROLE_TOOL) {
        put_response(turn, t);
        while (i + n < e->n_turns && e->turns[i + n].role == GEN_ROLE_TOOL)
            put_response(&e->turns[i + n++], t);
    } else if (!turn->n_calls || turn->content.n ||
               (turn->reasoning.n && dress->reasoning == GEN_REASONING_INLINE)) {
        gen_jt_object(t, NULL);
        gen_export_content(e, dress, i, "text", t);
        gen_jt_end_object(t);
    }
    put_calls(turn, t);
    gen_jt_end_array(t);
    gen_jt_end_object(t);
    return n;
}

static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
{
    if (dress->system.n)
        put_system(dress->system, t);
    gen_jt_array(t, "contents");
    for (size_t i = 0; i < e->n_turns;)
        i += put_turn(e, dress, i, t);
    gen_jt_end_array(t);
    put_tools(e, t);
}

const struct gen_export_format gen_export_gemini = {
    .name = "gemini",
    .summary = "contents with parts, functionCall and functionResponse: Vertex AI tuning",
    .consumers = (const char *const[]){"gemini", NULL},
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_DROP,
    .has_system = true,
    .is_lines_only = true,
    .row = row,
};
