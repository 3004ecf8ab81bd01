#include "fakellm.h"

#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define DEPTH_MAX 16
#define COUNT_MAX 64

struct maker {
    struct fake_buf *out;
    const struct fake_prompt *p;
    uint64_t draw;
    unsigned depth;
    size_t item; /* index of the prompt's item that an `id` names */
};

static void make_value(struct maker *m, yyjson_val *schema);

static uint64_t next_draw(struct maker *m)
{
    m->draw = fake_mix(m->draw, 1);
    return m->draw;
}

static void put_string(struct fake_buf *out, const char *text, size_t n)
{
    fake_buf_char(out, '"');
    fake_buf_escape(out, text, n);
    fake_buf_char(out, '"');
}

static void put_literal(struct maker *m, yyjson_val *value)
{
    size_t len = 0;
    char *text = yyjson_val_write(value, 0, &len);
    if (text == NULL) {
        m->out->failed = true;
        return;
    }
    fake_buf_put(m->out, text, len);
    free(text);
}

static void make_string(struct maker *m, const char *name)
{
    const struct fake_prompt *p = m->p;
    if (name != NULL && strcmp(name, "id") == 0 && m->item < p->n_items) {
        put_string(m->out, p->items[m->item].id.p, p->items[m->item].id.n);
    } else if (p->n_sentences > 0) {
        struct fake_span s = p->sentences[next_draw(m) % p->n_sentences].text;
        fake_buf_char(m->out, '"');
        fake_buf_put(m->out, s.p, s.n);
        fake_buf_char(m->out, '"');
    } else {
        fake_buf_printf(m->out, "\"sample %u\"", (unsigned)(next_draw(m) % 1000));
    }
}

static size_t bound(yyjson_val *schema, const char *name, size_t fallback)
{
    yyjson_val *v = yyjson_obj_get(schema, name);
    return yyjson_is_uint(v) ? (size_t)yyjson_get_uint(v) : fallback;
}

static void make_array(struct maker *m, yyjson_val *schema)
{
    yyjson_val *items = yyjson_obj_get(schema, "items");
    size_t min = bound(schema, "minItems", 0);
    size_t max = bound(schema, "maxItems", COUNT_MAX);
    bool by_item = m->p->n_items > 0 && m->item == SIZE_MAX &&
                   yyjson_obj_get(yyjson_obj_get(items, "properties"), "id") != NULL;
    size_t n = by_item ? m->p->n_items : 1;
    n = n < min ? min : n;
    n = n > max ? max : n;
    n = n > COUNT_MAX ? COUNT_MAX : n;
    fake_buf_char(m->out, '[');
    for (size_t i = 0; i < n && items != NULL; i++) {
        if (i > 0) {
            fake_buf_char(m->out, ',');
        }
        if (by_item) {
            m->item = i;
        }
        make_value(m, items);
    }
    if (by_item) {
        m->item = SIZE_MAX;
    }
    fake_buf_char(m->out, ']');
}

static void make_object(struct maker *m, yyjson_val *schema)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *property = NULL;
    fake_buf_char(m->out, '{');
    yyjson_obj_foreach(yyjson_obj_get(schema, "properties"), i, n, key, property)
    {
        if (i > 0) {
            fake_buf_char(m->out, ',');
        }
        put_string(m->out, yyjson_get_str(key), yyjson_get_len(key));
        fake_buf_char(m->out, ':');
        const char *type = yyjson_get_str(yyjson_obj_get(property, "type"));
        bool plain = type != NULL && strcmp(type, "string") == 0 &&
                     yyjson_obj_get(property, "enum") == NULL &&
                     yyjson_obj_get(property, "const") == NULL;
        if (plain) {
            make_string(m, yyjson_get_str(key));
        } else {
            make_value(m, property);
        }
    }
    fake_buf_char(m->out, '}');
}

static void make_typed(struct maker *m, yyjson_val *schema, const char *type)
{
    if (strcmp(type, "object") == 0) {
        make_object(m, schema);
    } else if (strcmp(type, "array") == 0) {
        make_array(m, schema);
    } else if (strcmp(type, "boolean") == 0) {
        fake_buf_puts(m->out, next_draw(m) % 4 != 0 ? "true" : "false");
    } else if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0) {
        fake_buf_uint(m->out, bound(schema, "minimum", 1));
    } else if (strcmp(type, "null") == 0) {
        fake_buf_puts(m->out, "null");
    } else {
        make_string(m, NULL);
    }
}

static void make_value(struct maker *m, yyjson_val *schema)
{
    yyjson_val *choices = yyjson_obj_get(schema, "enum");
    yyjson_val *any = yyjson_obj_get(schema, "anyOf");
    yyjson_val *type = yyjson_obj_get(schema, "type");
    type = yyjson_is_arr(type) ? yyjson_arr_get_first(type) : type;
    if (m->depth >= DEPTH_MAX) {
        fake_buf_puts(m->out, "null");
        return;
    }
    m->depth++;
    if (yyjson_obj_get(schema, "const") != NULL) {
        put_literal(m, yyjson_obj_get(schema, "const"));
    } else if (yyjson_arr_size(choices) > 0) {
        put_literal(m, yyjson_arr_get(choices, next_draw(m) % yyjson_arr_size(choices)));
    } else if (yyjson_arr_size(any) > 0) {
        make_value(m, yyjson_arr_get_first(any));
    } else if (yyjson_is_str(type)) {
        make_typed(m, schema, yyjson_get_str(type));
    } else if (yyjson_obj_get(schema, "properties") != NULL) {
        make_object(m, schema);
    } else {
        make_string(m, NULL);
    }
    m->depth--;
}

static yyjson_val *find_schema(yyjson_val *root)
{
    static const char *const places[] = {"/response_format/json_schema/schema",
                                         "/output_config/format/schema",
                                         "/generationConfig/responseJsonSchema",
                                         "/generationConfig/responseSchema",
                                         "/format",
                                         "/response_format/schema",
                                         "/structured_outputs/json",
                                         "/json_schema",
                                         "/tools/0/input_schema",
                                         "/tools/0/function/parameters",
                                         "/tools/0/functionDeclarations/0/parametersJsonSchema",
                                         "/tools/0/functionDeclarations/0/parameters"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        yyjson_val *schema = yyjson_ptr_get(root, places[i]);
        if (yyjson_is_obj(schema)) {
            return schema;
        }
    }
    return NULL;
}

bool fake_schema_answer(struct fake_buf *out, const struct fake_prompt *p)
{
    yyjson_doc *doc = yyjson_read(p->body.p, p->body.n, 0);
    yyjson_val *schema = find_schema(yyjson_doc_get_root(doc));
    if (schema != NULL) {
        struct maker m = {out, p, p->hash, 0, SIZE_MAX};
        make_value(&m, schema);
    }
    yyjson_doc_free(doc);
    return schema != NULL;
}

bool fake_schema_value(struct fake_buf *out, const struct fake_prompt *p, const char *schema)
{
    yyjson_doc *doc = yyjson_read(schema, strlen(schema), 0);
    bool is_schema = yyjson_is_obj(yyjson_doc_get_root(doc));
    if (is_schema) {
        struct maker m = {out, p, p->hash, 0, SIZE_MAX};
        make_value(&m, yyjson_doc_get_root(doc));
    }
    yyjson_doc_free(doc);
    return is_schema;
}
