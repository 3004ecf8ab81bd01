#include "json/json.h"

#include "json/yy.h"

#include <math.h>
#include <stdlib.h>

#define PADDING_BYTES     YYJSON_PADDING_SIZE
#define VALUE_BYTES       16U
#define INLINE_BYTES_MAX  ((size_t)1 << 20)
#define RAW_NUMBER_BYTES  400U /* longer whole numbers are beyond a double */
#define ALIGN_UP(n, unit) (((n) + (unit)-1) / (unit) * (unit))

/* The allocator handed to yyjson: the first request is met from the block that holds the text. */

static void *room_malloc(void *ctx, size_t size)
{
    struct gen_json_doc *doc = ctx;
    if (doc->room_bytes >= size) {
        doc->room_bytes = 0;
        return doc->room;
    }
    return malloc(size);
}

static void room_free(void *ctx, void *p)
{
    const struct gen_json_doc *doc = ctx;
    if (p != doc->room)
        free(p);
}

static void *room_realloc(void *ctx, void *p, size_t old_size, size_t size)
{
    const struct gen_json_doc *doc = ctx;
    if (p != doc->room)
        return realloc(p, size);
    void *grown = malloc(size);
    if (grown)
        memcpy(grown, p, old_size < size ? old_size : size);
    return grown;
}

/* Room for one value in six bytes of text, which is yyjson's own guess for minified JSON. */
static struct gen_json_doc *new_doc(struct gen_str text, char **copy)
{
    size_t text_bytes = ALIGN_UP(text.n + PADDING_BYTES, VALUE_BYTES);
    size_t head_bytes = ALIGN_UP(sizeof(struct gen_json_doc), VALUE_BYTES);
    size_t room_bytes = text.n <= INLINE_BYTES_MAX ? (text.n / 6 + 16) * VALUE_BYTES : 0;
    unsigned char *block = malloc(head_bytes + text_bytes + room_bytes);
    if (!block)
        return NULL;
    struct gen_json_doc *doc = (struct gen_json_doc *)(void *)block;
    doc->yy = NULL;
    doc->room = room_bytes ? block + head_bytes + text_bytes : NULL;
    doc->room_bytes = room_bytes;
    *copy = (char *)block + head_bytes;
    memcpy(*copy, text.p, text.n);
    memset(*copy + text.n, 0, PADDING_BYTES);
    return doc;
}

/* yyjson 0.10 reads any nesting without recursion. Its values lie in one array in document order,
 * so the depth of each is the number of containers that have not ended before it. */
static bool too_deep(yyjson_doc *doc)
{
    size_t n = yyjson_doc_get_val_count(doc);
    if (n <= GEN_JSON_DEPTH_MAX)
        return false;
    const yyjson_val *ends[GEN_JSON_DEPTH_MAX] = {NULL};
    size_t depth = 0;
    yyjson_val *v = doc->root;
    for (size_t i = 0; i < n; i++, v++) {
        while (depth && v >= ends[depth - 1])
            depth--;
        if (!unsafe_yyjson_is_ctn(v))
            continue;
        if (depth == GEN_JSON_DEPTH_MAX)
            return true;
        ends[depth++] = unsafe_yyjson_get_next(v);
    }
    return false;
}

static int parse_failure(struct gen_str text, const yyjson_read_err *why, struct gen_error *err)
{
    if (why->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return gen_nomem(err, "a JSON document");
    size_t pos = why->pos < text.n ? why->pos : text.n;
    size_t line = 1;
    size_t start = 0;
    for (size_t i = 0; i < pos; i++) {
        if (text.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    int rc = gen_fail(err, GEN_EPARSE, "invalid JSON at line %zu, column %zu (byte %zu): %s", line,
                      pos - start + 1, pos, why->msg ? why->msg : "unreadable");
    if (err)
        err->offset = pos;
    return rc;
}

int gen_json_parse(struct gen_json_doc **out, struct gen_str text, struct gen_error *err)
{
    if (text.n == 0)
        return gen_fail(err, GEN_EPARSE, "invalid JSON at line 1, column 1 (byte 0): empty text");
    if (text.n > SIZE_MAX / 64)
        return gen_fail(err, GEN_ELIMIT, "a JSON text of %zu bytes is too long", text.n);
    char *copy = NULL;
    struct gen_json_doc *doc = new_doc(text, &copy);
    if (!doc)
        return gen_nomem(err, "a JSON document");
    const yyjson_alc alc = {room_malloc, room_realloc, room_free, doc};
    yyjson_read_err why = {0};
    doc->yy =
        yyjson_read_opts(copy, text.n, YYJSON_READ_INSITU | YYJSON_READ_BIGNUM_AS_RAW, &alc, &why);
    if (!doc->yy) {
        free(doc);
        return parse_failure(text, &why, err);
    }
    if (too_deep(doc->yy)) {
        gen_json_doc_free(doc);
        return gen_fail(err, GEN_ELIMIT, "JSON is nested deeper than %d levels",
                        GEN_JSON_DEPTH_MAX);
    }
    *out = doc;
    return GEN_OK;
}

void gen_json_doc_free(struct gen_json_doc *doc)
{
    if (!doc)
        return;
    yyjson_doc_free(doc->yy);
    free(doc);
}

const struct gen_json *gen_json_root(const struct gen_json_doc *doc)
{
    return doc ? gen_yy_from(doc->yy->root) : NULL;
}

enum gen_json_type gen_json_type(const struct gen_json *value)
{
    yyjson_val *v = gen_yy(value);
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_NULL:
        return GEN_JSON_NULL;
    case YYJSON_TYPE_BOOL:
        return GEN_JSON_BOOL;
    case YYJSON_TYPE_NUM:
        if (yyjson_is_real(v) || (yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX))
            return GEN_JSON_REAL;
        return GEN_JSON_INT;
    case YYJSON_TYPE_RAW:
        return GEN_JSON_REAL;
    case YYJSON_TYPE_STR:
        return GEN_JSON_STRING;
    case YYJSON_TYPE_ARR:
        return GEN_JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return GEN_JSON_OBJECT;
    default:
        return GEN_JSON_NONE;
    }
}

const char *gen_json_type_name(enum gen_json_type type)
{
    static const char *const names[] = {
        [GEN_JSON_NONE] = "nothing", [GEN_JSON_NULL] = "null",     [GEN_JSON_BOOL] = "boolean",
        [GEN_JSON_INT] = "integer",  [GEN_JSON_REAL] = "number",   [GEN_JSON_STRING] = "string",
        [GEN_JSON_ARRAY] = "array",  [GEN_JSON_OBJECT] = "object",
    };
    size_t i = (size_t)type;
    return i < sizeof(names) / sizeof(names[0]) ? names[i] : "nothing";
}

const struct gen_json *gen_json_get(const struct gen_json *object, const char *key)
{
    return gen_yy_from(yyjson_obj_get(gen_yy(object), key));
}

const struct gen_json *gen_json_get_n(const struct gen_json *object, struct gen_str key)
{
    return gen_yy_from(yyjson_obj_getn(gen_yy(object), key.p ? key.p : "", key.n));
}

const struct gen_json *gen_json_at(const struct gen_json *array, size_t i)
{
    return gen_yy_from(yyjson_arr_get(gen_yy(array), i));
}

size_t gen_json_count(const struct gen_json *container)
{
    yyjson_val *v = gen_yy(container);
    return yyjson_is_ctn(v) ? yyjson_get_len(v) : 0;
}

bool gen_json_as_str(const struct gen_json *value, struct gen_str *out)
{
    yyjson_val *v = gen_yy(value);
    if (!yyjson_is_str(v))
        return false;
    *out = (struct gen_str){yyjson_get_str(v), yyjson_get_len(v)};
    return true;
}

bool gen_json_as_int(const struct gen_json *value, int64_t *out)
{
    yyjson_val *v = gen_yy(value);
    if (!yyjson_is_int(v) || (yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX))
        return false;
    *out = yyjson_get_sint(v);
    return true;
}

/* A raw number is a whole number beyond 64 bits, or a real beyond a double. */
static bool raw_as_real(yyjson_val *v, double *out)
{
    char copy[RAW_NUMBER_BYTES + 1];
    size_t n = yyjson_get_len(v);
    if (n > RAW_NUMBER_BYTES)
        return false;
    memcpy(copy, yyjson_get_raw(v), n);
    copy[n] = '\0';
    double r = strtod(copy, NULL);
    if (!isfinite(r))
        return false;
    *out = r;
    return true;
}

bool gen_json_as_real(const struct gen_json *value, double *out)
{
    yyjson_val *v = gen_yy(value);
    if (yyjson_is_raw(v))
        return raw_as_real(v, out);
    if (!yyjson_is_num(v))
        return false;
    if (yyjson_is_uint(v))
        *out = (double)yyjson_get_uint(v);
    else if (yyjson_is_sint(v))
        *out = (double)yyjson_get_sint(v);
    else
        *out = yyjson_get_real(v);
    return true;
}

bool gen_json_as_bool(const struct gen_json *value, bool *out)
{
    yyjson_val *v = gen_yy(value);
    if (!yyjson_is_bool(v))
        return false;
    *out = yyjson_get_bool(v);
    return true;
}

struct gen_str gen_json_get_str(const struct gen_json *object, const char *key)
{
    struct gen_str s = {NULL, 0};
    (void)gen_json_as_str(gen_json_get(object, key), &s);
    return s;
}

/* state: the next value, the value behind the last, and whether keys stand before the values. */
void gen_json_iter_init(struct gen_json_iter *it, const struct gen_json *container)
{
    yyjson_val *v = gen_yy(container);
    *it = (struct gen_json_iter){{NULL, NULL, NULL, NULL}};
    if (!yyjson_is_ctn(v) || unsafe_yyjson_get_len(v) == 0)
        return;
    it->state[0] = v + 1;
    it->state[1] = unsafe_yyjson_get_next(v);
    it->state[2] = yyjson_is_obj(v) ? v : NULL;
}

bool gen_json_iter_next(struct gen_json_iter *it, struct gen_str *key,
                        const struct gen_json **value)
{
    yyjson_val *v = it->state[0];
    if (v == it->state[1])
        return false;
    struct gen_str name = {NULL, 0};
    if (it->state[2]) {
        name = (struct gen_str){unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)};
        v++;
    }
    if (key)
        *key = name;
    if (value)
        *value = gen_yy_from(v);
    it->state[0] = unsafe_yyjson_get_next(v);
    return true;
}

/* yyjson writes into one block, which is the free end of the buffer. */

static void *target_malloc(void *ctx, size_t size)
{
    struct gen_yy_target *t = ctx;
    t->rc = gen_buf_reserve(t->out, size, t->err);
    return t->rc == GEN_OK ? t->out->data + t->out->n : NULL;
}

static void *target_realloc(void *ctx, void *p, size_t old_size, size_t size)
{
    (void)p;
    (void)old_size;
    return target_malloc(ctx, size);
}

static void target_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

yyjson_alc gen_yy_target_alc(struct gen_yy_target *t)
{
    return (yyjson_alc){target_malloc, target_realloc, target_free, t};
}

int gen_yy_write_failure(const struct gen_yy_target *t, const yyjson_write_err *why)
{
    if (t->was_empty)
        gen_buf_release(t->out);
    else
        t->out->data[t->out->n] = '\0';
    if (t->rc != GEN_OK)
        return t->rc;
    return gen_fail(t->err, GEN_ESTATE, "a JSON value cannot be written: %s", why->msg);
}

int gen_json_write(struct gen_buf *out, const struct gen_json *v, enum gen_json_style style,
                   struct gen_error *err)
{
    if (!v)
        return gen_fail(err, GEN_ESTATE, "there is no JSON value to write");
    yyjson_write_flag flags =
        style == GEN_JSON_PRETTY ? YYJSON_WRITE_PRETTY_TWO_SPACES : YYJSON_WRITE_NOFLAG;
    size_t n = 0;
    yyjson_write_err why = {0};
    struct gen_yy_target target = {out, err, GEN_OK, out->data == NULL};
    const yyjson_alc alc = gen_yy_target_alc(&target);
    if (!yyjson_val_write_opts(gen_yy(v), flags, &alc, &n, &why))
        return gen_yy_write_failure(&target, &why);
    out->n += n;
    return GEN_OK;
}

static bool number_equal(yyjson_val *a, yyjson_val *b)
{
    if (yyjson_is_raw(a) && yyjson_is_raw(b))
        return yyjson_get_len(a) == yyjson_get_len(b) &&
               memcmp(yyjson_get_raw(a), yyjson_get_raw(b), yyjson_get_len(a)) == 0;
    if (yyjson_is_int(a) && yyjson_is_int(b)) {
        uint64_t bits = yyjson_get_uint(a);
        bool same_sign = yyjson_is_sint(a) == yyjson_is_sint(b) || bits <= INT64_MAX;
        return same_sign && bits == yyjson_get_uint(b);
    }
    double x = 0;
    double y = 0;
    if (!gen_json_as_real(gen_yy_from(a), &x) || !gen_json_as_real(gen_yy_from(b), &y))
        return false;
    return x == y;
}

static bool value_equal(yyjson_val *a, yyjson_val *b);

/* The n-th member of a repeated name meets the n-th of the other side: the iterator goes on from
 * its last hit, which also makes equal orders linear. */
static bool object_equal(yyjson_val *a, yyjson_val *b)
{
    yyjson_obj_iter in_b = yyjson_obj_iter_with(b);
    yyjson_obj_iter in_a = yyjson_obj_iter_with(a);
    yyjson_obj_iter it = yyjson_obj_iter_with(a);
    for (yyjson_val *key = yyjson_obj_iter_next(&it); key; key = yyjson_obj_iter_next(&it)) {
        yyjson_val *other = yyjson_obj_iter_getn(&in_b, yyjson_get_str(key), yyjson_get_len(key));
        if (!other || !value_equal(yyjson_obj_iter_get_val(key), other))
            return false;
    }
    it = yyjson_obj_iter_with(b);
    for (yyjson_val *key = yyjson_obj_iter_next(&it); key; key = yyjson_obj_iter_next(&it)) {
        if (!yyjson_obj_iter_getn(&in_a, yyjson_get_str(key), yyjson_get_len(key)))
            return false;
    }
    return true;
}

static bool array_equal(yyjson_val *a, yyjson_val *b)
{
    yyjson_arr_iter in_a = yyjson_arr_iter_with(a);
    yyjson_arr_iter in_b = yyjson_arr_iter_with(b);
    for (yyjson_val *v = yyjson_arr_iter_next(&in_a); v; v = yyjson_arr_iter_next(&in_a)) {
        if (!value_equal(v, yyjson_arr_iter_next(&in_b)))
            return false;
    }
    return true;
}

/* Recurses at most GEN_JSON_DEPTH_MAX deep: parsing admits no more. */
static bool value_equal(yyjson_val *a, yyjson_val *b)
{
    if ((yyjson_is_num(a) || yyjson_is_raw(a)) && (yyjson_is_num(b) || yyjson_is_raw(b)))
        return number_equal(a, b);
    if (yyjson_get_type(a) != yyjson_get_type(b))
        return false;
    switch (yyjson_get_type(a)) {
    case YYJSON_TYPE_BOOL:
        return yyjson_get_bool(a) == yyjson_get_bool(b);
    case YYJSON_TYPE_STR:
        return yyjson_get_len(a) == yyjson_get_len(b) &&
               memcmp(yyjson_get_str(a), yyjson_get_str(b), yyjson_get_len(a)) == 0;
    case YYJSON_TYPE_ARR:
        return yyjson_arr_size(a) == yyjson_arr_size(b) && array_equal(a, b);
    case YYJSON_TYPE_OBJ:
        return yyjson_obj_size(a) == yyjson_obj_size(b) && object_equal(a, b);
    default:
        return true;
    }
}

bool gen_json_equal(const struct gen_json *a, const struct gen_json *b)
{
    if (!a || !b)
        return a == b;
    return value_equal(gen_yy(a), gen_yy(b));
}
