#include "json/yaml.h"

#include "base/arena.h"
#include "base/num.h"
#include "json/yy.h"

#include <float.h>
#include <stdlib.h>
#include <yaml.h>

#define TEXT_BYTES_MAX  ((size_t)4 << 20)
#define ARENA_BYTES_MAX ((size_t)64 << 20)
#define NO_PARENT       UINT32_MAX

/* Where a value stands. Parents come before their children. */
struct entry {
    uint32_t parent; /* NO_PARENT: the root */
    uint32_t index;  /* in a sequence, when key.p is NULL */
    struct gen_str key;
    unsigned line;
    unsigned column;
};

struct gen_yaml {
    struct gen_json_doc *doc;
    struct gen_arena arena; /* the keys */
    struct entry *entries;
    size_t n_entries;
    size_t capacity;
};

/* An open mapping or sequence. */
struct frame {
    struct gen_jmut *container;
    uint32_t entry;
    uint32_t n_items;
    bool mapping;
    bool have_key;
    struct gen_str key;
    unsigned key_line;
    unsigned key_column;
};

struct reader {
    struct gen_yaml *y;
    struct gen_jb *jb;
    struct gen_jmut *root;
    struct frame frames[GEN_JSON_DEPTH_MAX];
    size_t depth;
    unsigned n_documents;
    bool done;
    const char *name;
    struct gen_error *err;
};

static int fail_at(const struct reader *r, yaml_mark_t mark, enum gen_code code, const char *what)
{
    int rc =
        gen_fail(r->err, code, "%s:%zu:%zu: %s", r->name, mark.line + 1, mark.column + 1, what);
    if (r->err)
        r->err->offset = mark.index;
    return rc;
}

static int nomem(const struct reader *r)
{
    return gen_nomem(r->err, "a YAML document");
}

static bool is_any(struct gen_str s, const char *const *words)
{
    for (; *words; words++) {
        if (gen_str_is(s, *words))
            return true;
    }
    return false;
}

static bool is_null(struct gen_str s)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return is_any(s, words);
}

/* Decimal, with no zeros in front: 012, 0x1F, 1_000 and 1:30 stay strings. */
static bool is_number(struct gen_str s, bool *whole)
{
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    size_t head = i;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    size_t n_head = i - head;
    size_t n_tail = 0;
    if (n_head > 1 && s.p[head] == '0')
        return false;
    *whole = n_head && i == s.n;
    if (i < s.n && s.p[i] == '.') {
        size_t tail = ++i;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
            i++;
        n_tail = i - tail;
    }
    if (n_head + n_tail == 0)
        return false;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        i += i < s.n && (s.p[i] == '-' || s.p[i] == '+');
        if (i == s.n)
            return false;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
            i++;
    }
    return i == s.n;
}

static struct gen_jmut *plain_scalar(struct reader *r, struct gen_str s)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    if (is_null(s))
        return gen_jb_null(r->jb);
    if (is_any(s, yes) || is_any(s, no))
        return gen_jb_bool(r->jb, is_any(s, yes));
    bool whole = false;
    int64_t i;
    double d;
    if (!is_number(s, &whole))
        return gen_jb_str(r->jb, s);
    if (whole && gen_num_i64(s, INT64_MIN, INT64_MAX, "a number", &i, NULL) == GEN_OK)
        return gen_jb_int(r->jb, i);
    if (gen_num_f64(s, -DBL_MAX, DBL_MAX, "a number", &d, NULL) == GEN_OK)
        return gen_jb_real(r->jb, d);
    return gen_jb_str(r->jb, s);
}

static int add_entry(struct reader *r, const struct entry *e, uint32_t *index)
{
    struct gen_yaml *y = r->y;
    if (y->n_entries == y->capacity) {
        size_t capacity = y->capacity ? y->capacity * 2 : 64;
        struct entry *entries = realloc(y->entries, capacity * sizeof(*entries));
        if (!entries)
            return nomem(r);
        y->entries = entries;
        y->capacity = capacity;
    }
    *index = (uint32_t)y->n_entries; /* a text of 4 MB has fewer than 2^32 values */
    y->entries[y->n_entries++] = *e;
    return GEN_OK;
}

/* Puts a value where it belongs. A mapping's member stands at its key. */
static int place(struct reader *r, struct gen_jmut *value, yaml_mark_t mark, uint32_t *entry)
{
    struct entry e = {NO_PARENT, 0, {NULL, 0}, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
    if (r->depth == 0) {
        r->root = value;
        return add_entry(r, &e, entry);
    }
    struct frame *f = &r->frames[r->depth - 1];
    e.parent = f->entry;
    e.index = f->n_items++;
    if (f->mapping) {
        e.key = f->key;
        e.line = f->key_line;
        e.column = f->key_column;
        gen_jb_put_n(r->jb, f->container, f->key, value);
        f->have_key = false;
    } else {
        gen_jb_append(r->jb, f->container, value);
    }
    return add_entry(r, &e, entry);
}

static bool wants_key(const struct reader *r)
{
    return r->depth && r->frames[r->depth - 1].mapping && !r->frames[r->depth - 1].have_key;
}

static int take_key(struct reader *r, struct gen_str s, yaml_mark_t mark)
{
    struct frame *f = &r->frames[r->depth - 1];
    f->key.p = gen_arena_dup(&r->y->arena, s);
    f->key.n = s.n;
    f->key_line = (unsigned)mark.line + 1;
    f->key_column = (unsigned)mark.column + 1;
    f->have_key = true;
    return f->key.p ? GEN_OK : nomem(r);
}

static int on_scalar(struct reader *r, const yaml_event_t *event)
{
    struct gen_str s = {(const char *)event->data.scalar.value, event->data.scalar.length};
    const char *tag = (const char *)event->data.scalar.tag;
    bool string = tag && (strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0);
    if (tag && !string)
        return fail_at(r, event->start_mark, GEN_EPARSE, "tags other than !!str are not supported");
    if (wants_key(r))
        return take_key(r, s, event->start_mark);
    bool plain = !string && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    uint32_t entry;
    return place(r, plain ? plain_scalar(r, s) : gen_jb_str(r->jb, s), event->start_mark, &entry);
}

static int on_start(struct reader *r, const yaml_event_t *event, const yaml_char_t *tag)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    if (tag)
        return fail_at(r, event->start_mark, GEN_EPARSE, "tags other than !!str are not supported");
    if (wants_key(r))
        return fail_at(r, event->start_mark, GEN_EPARSE,
                       "a key must be a scalar (is a value in {braces} or [brackets] missing its "
                       "quotes?)");
    if (r->depth == GEN_JSON_DEPTH_MAX)
        return fail_at(r, event->start_mark, GEN_ELIMIT, "nested deeper than 64 levels");
    struct gen_jmut *container = mapping ? gen_jb_object(r->jb) : gen_jb_array(r->jb);
    uint32_t entry = 0;
    int rc = place(r, container, event->start_mark, &entry);
    if (rc)
        return rc;
    r->frames[r->depth++] =
        (struct frame){.container = container, .entry = entry, .mapping = mapping};
    return GEN_OK;
}

static int on_event(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->n_documents++)
            return fail_at(r, event->start_mark, GEN_EPARSE,
                           "a second document begins; only one is allowed in a file");
        return GEN_OK;
    case YAML_ALIAS_EVENT:
        return fail_at(r, event->start_mark, GEN_EPARSE,
                       "aliases are not supported; write the value out (a text that begins with * "
                       "needs quotes)");
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event);
    case YAML_MAPPING_START_EVENT:
        return on_start(r, event, event->data.mapping_start.tag);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(r, event, event->data.sequence_start.tag);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        r->depth--;
        return GEN_OK;
    case YAML_STREAM_END_EVENT:
        r->done = true;
        return GEN_OK;
    default:
        return GEN_OK;
    }
}

static int parser_failure(const struct reader *r, const yaml_parser_t *p, struct gen_str text)
{
    if (p->error == YAML_MEMORY_ERROR)
        return nomem(r);
    const char *problem = p->problem ? p->problem : "not YAML";
    yaml_mark_t mark = p->problem_mark;
    if (p->error == YAML_READER_ERROR) {
        /* Bad encoding has an offset only. */
        mark = (yaml_mark_t){p->problem_offset, 0, 0};
        for (size_t i = 0; i < p->problem_offset && i < text.n; i++) {
            mark.column++;
            if (text.p[i] == '\n') {
                mark.line++;
                mark.column = 0;
            }
        }
        return fail_at(r, mark, GEN_EPARSE, problem);
    }
    char what[256];
    int n = snprintf(what, sizeof(what), "%s%s%s", problem, p->context ? " " : "",
                     p->context ? p->context : "");
    return fail_at(r, mark, GEN_EPARSE, n > 0 ? what : problem);
}

static int read_events(struct reader *r, struct gen_str text)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return nomem(r);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    int rc = GEN_OK;
    while (rc == GEN_OK && !r->done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            rc = parser_failure(r, &parser, text);
            break;
        }
        rc = on_event(r, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return rc;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a;
    const struct entry *y = *(const struct entry *const *)b;
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->key.n != y->key.n)
        return x->key.n < y->key.n ? -1 : 1;
    int order = x->key.n ? memcmp(x->key.p, y->key.p, x->key.n) : 0;
    return order ? order : (x > y) - (x < y);
}

static int check_duplicates(const struct reader *r)
{
    const struct gen_yaml *y = r->y;
    const struct entry **sorted = calloc(y->n_entries + 1, sizeof(const struct entry *));
    if (!sorted)
        return nomem(r);
    size_t n = 0;
    for (size_t i = 0; i < y->n_entries; i++) {
        if (y->entries[i].key.p)
            sorted[n++] = &y->entries[i];
    }
    qsort(sorted, n, sizeof(const struct entry *), compare_entries);
    const struct entry *first = NULL;
    const struct entry *again = NULL;
    for (size_t i = 1; i < n; i++) {
        const struct entry *e = sorted[i];
        if (e->parent == sorted[i - 1]->parent && gen_str_eq(e->key, sorted[i - 1]->key) &&
            (!again || e < again)) {
            again = e;
            first = sorted[i - 1];
        }
    }
    int rc = GEN_OK;
    if (again)
        rc = gen_fail(r->err, GEN_EPARSE,
                      "%s:%u:%u: the key '%.*s' is given twice, first in line %u", r->name,
                      again->line, again->column, GEN_STR_ARG(gen_str_sub(again->key, 0, 80)),
                      first->line);
    free(sorted);
    return rc;
}

static int read_document(struct reader *r, struct gen_str text)
{
    int rc = read_events(r, text);
    if (rc == GEN_OK)
        rc = check_duplicates(r);
    if (rc)
        return rc;
    if (r->y->n_entries == 0) {
        uint32_t entry;
        yaml_mark_t start = {0, 0, 0};
        rc = place(r, gen_jb_object(r->jb), start, &entry);
    }
    return rc ? rc : gen_jb_freeze(r->jb, r->root, &r->y->doc, r->err);
}

int gen_yaml_parse(struct gen_yaml **out, struct gen_str text, const char *name,
                   struct gen_error *err)
{
    if (text.n > TEXT_BYTES_MAX)
        return gen_fail(err, GEN_ELIMIT, "%s: %zu bytes of YAML are over the limit of 4 MiB", name,
                        text.n);
    if (gen_str_starts(text, GEN_STR("\xEF\xBB\xBF"))) /* libyaml would count it as a column */
        text = gen_str_sub(text, 3, text.n);
    struct gen_yaml *y = calloc(1, sizeof(*y));
    if (!y)
        return gen_nomem(err, "a YAML document");
    y->arena = gen_arena_make(ARENA_BYTES_MAX);
    struct reader r = {.y = y, .name = name, .err = err};
    int rc = gen_jb_new(&r.jb, err);
    if (rc == GEN_OK)
        rc = read_document(&r, text);
    gen_jb_free(r.jb);
    if (rc) {
        gen_yaml_free(y);
        return rc;
    }
    *out = y;
    return GEN_OK;
}

void gen_yaml_free(struct gen_yaml *y)
{
    if (!y)
        return;
    gen_json_doc_free(y->doc);
    gen_arena_release(&y->arena);
    free(y->entries);
    free(y);
}

const struct gen_json *gen_yaml_root(const struct gen_yaml *y)
{
    return gen_json_root(y->doc);
}

/* Compares a key with a pointer's token, in which ~0 is ~ and ~1 is /. */
static bool token_is(struct gen_str token, struct gen_str key)
{
    size_t at = 0;
    for (size_t i = 0; i < token.n; i++, at++) {
        char c = token.p[i];
        if (c == '~' && i + 1 < token.n)
            c = token.p[++i] == '1' ? '/' : '~';
        if (at >= key.n || key.p[at] != c)
            return false;
    }
    return at == key.n;
}

static bool is_child(const struct entry *e, size_t parent, struct gen_str token)
{
    if (e->parent != parent)
        return false;
    if (e->key.p)
        return token_is(token, e->key);
    int64_t index;
    return gen_num_i64(token, 0, UINT32_MAX, "an index", &index, NULL) == GEN_OK &&
           index == (int64_t)e->index;
}

bool gen_yaml_where(const struct gen_yaml *y, const char *pointer, unsigned *line, unsigned *column)
{
    struct gen_str rest = gen_str_from(pointer);
    size_t at = 0;
    while (rest.n) {
        if (rest.p[0] != '/')
            return false;
        rest = gen_str_sub(rest, 1, rest.n);
        const char *slash = memchr(rest.p, '/', rest.n);
        struct gen_str token = gen_str_sub(rest, 0, slash ? (size_t)(slash - rest.p) : rest.n);
        rest = gen_str_sub(rest, token.n, rest.n);
        size_t parent = at++;
        while (at < y->n_entries && !is_child(&y->entries[at], parent, token))
            at++;
        if (at >= y->n_entries)
            return false;
    }
    *line = y->entries[at].line;
    *column = y->entries[at].column;
    return true;
}
