#include "fakellm.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <yyjson.h>

static char *copy_headers(yyjson_val *headers)
{
    struct fake_buf b = {0};
    bool typed = false;
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    yyjson_obj_foreach(headers, i, n, key, value)
    {
        char *number = yyjson_is_str(value) ? NULL : yyjson_val_write(value, 0, NULL);
        const char *text = yyjson_is_str(value) ? yyjson_get_str(value) : number;
        typed = typed || strcasecmp(yyjson_get_str(key), "content-type") == 0;
        fake_buf_puts(&b, yyjson_get_str(key));
        fake_buf_puts(&b, ": ");
        fake_buf_puts(&b, text == NULL ? "" : text);
        fake_buf_puts(&b, "\r\n");
        free(number);
    }
    if (!typed) {
        fake_buf_puts(&b, "Content-Type: application/json\r\n");
    }
    fake_buf_char(&b, '\0');
    if (b.failed) {
        fake_buf_release(&b);
    }
    return b.p;
}

static bool add_vector(struct fake_vectors *v, yyjson_val *root)
{
    yyjson_val *raw = yyjson_obj_get(root, "raw");
    yyjson_val *body = yyjson_obj_get(root, "body");
    const char *id = yyjson_get_str(yyjson_obj_get(root, "id"));
    struct fake_vector item = {.status = yyjson_get_int(yyjson_obj_get(root, "status"))};
    struct fake_vector *items = realloc(v->items, (v->n + 1) * sizeof(*items));
    if (items == NULL) {
        return false;
    }
    v->items = items;
    item.id = strdup(id == NULL ? "" : id);
    item.headers = copy_headers(yyjson_obj_get(root, "headers"));
    if (raw != NULL || body == NULL) {
        item.body_len = yyjson_get_len(raw);
        item.body = calloc(1, item.body_len + 1);
        if (item.body != NULL && item.body_len > 0) {
            memcpy(item.body, yyjson_get_str(raw), item.body_len);
        }
    } else {
        item.body = yyjson_val_write(body, 0, &item.body_len);
    }
    v->items[v->n++] = item;
    return item.id != NULL && item.headers != NULL && item.body != NULL;
}

bool fake_vectors_load(struct fake_vectors *v, const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    size_t n_lines = 0;
    bool ok = f != NULL;
    ssize_t n = 0;
    while (ok && (n = getline(&line, &cap, f)) > 0) {
        n_lines++;
        yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
        ok = doc != NULL && add_vector(v, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    }
    if (!ok) {
        (void)fprintf(stderr, "fakellm: cannot read vectors from %s, line %zu\n", path, n_lines);
    }
    free(line);
    if (f != NULL) {
        (void)fclose(f);
    }
    return ok;
}

const struct fake_vector *fake_vectors_find(const struct fake_vectors *v, struct fake_span id)
{
    for (size_t i = 0; i < v->n; i++) {
        if (fake_span_is(id, v->items[i].id)) {
            return &v->items[i];
        }
    }
    return NULL;
}

void fake_vectors_release(struct fake_vectors *v)
{
    for (size_t i = 0; i < v->n; i++) {
        free(v->items[i].id);
        free(v->items[i].body);
        free(v->items[i].headers);
    }
    free(v->items);
    *v = (struct fake_vectors){0};
}

static bool apply_faults(struct fake_config *config, yyjson_val *faults)
{
    struct fake_rule rules[FAKE_RULES_MAX];
    size_t i = 0;
    size_t n = 0;
    yyjson_val *text = NULL;
    if (yyjson_arr_size(faults) > FAKE_RULES_MAX) {
        return false;
    }
    yyjson_arr_foreach(faults, i, n, text)
    {
        if (!yyjson_is_str(text) || !fake_rule_parse(yyjson_get_str(text), &rules[i])) {
            return false;
        }
    }
    if (n > 0) {
        memcpy(config->rules, rules, n * sizeof(rules[0]));
    }
    config->n_rules = n;
    return true;
}

/* "latency_ms" for the option --latency-ms. Members that are no number are for others. */
static bool apply_numbers(struct fake_config *config, yyjson_val *root)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    yyjson_obj_foreach(root, i, n, key, value)
    {
        char name[40];
        size_t len = yyjson_get_len(key);
        if (!yyjson_is_uint(value) || len >= sizeof(name)) {
            continue;
        }
        for (size_t k = 0; k <= len; k++) {
            char c = yyjson_get_str(key)[k];
            name[k] = (char)(c == '_' ? '-' : c);
        }
        if (strcmp(name, "answer-bytes") == 0) {
            config->answer_bytes = yyjson_get_uint(value);
        } else if (strcmp(name, "seed") == 0) {
            config->seed = yyjson_get_uint(value);
        } else if (!fake_config_number(config, name, yyjson_get_uint(value))) {
            return false;
        }
    }
    return true;
}

bool fake_script_apply(struct fake_server *s, struct fake_span json)
{
    yyjson_doc *doc = yyjson_read(json.p, json.n, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *faults = yyjson_obj_get(root, "faults");
    yyjson_val *replies = yyjson_obj_get(root, "replies");
    bool ok = yyjson_is_obj(root) && (faults == NULL || apply_faults(&s->config, faults));
    size_t i = 0;
    size_t n = 0;
    yyjson_val *reply = NULL;
    ok = ok && apply_numbers(&s->config, root);
    if (ok) {
        yyjson_arr_foreach(replies, i, n, reply)
        {
            ok = ok && add_vector(&s->script, reply);
        }
    }
    yyjson_doc_free(doc);
    return ok;
}
