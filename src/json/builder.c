#include "json/json.h"

#include "json/yy.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

/* Most documents fit: one allocation instead of forty. */
#define ROOM_BYTES ((size_t)8192)

struct gen_jb {
    yyjson_mut_doc *doc;
    int failure; /* the first one; nothing happens after it */
    size_t room_used;
    _Alignas(max_align_t) unsigned char room[];
};

/* The allocator handed to yyjson: from the room behind the builder while it lasts. */

static bool in_room(const struct gen_jb *b, const void *p)
{
    const unsigned char *at = p;
    return at >= b->room && at < b->room + ROOM_BYTES;
}

static void *room_malloc(void *ctx, size_t size)
{
    struct gen_jb *b = ctx;
    if (size > ROOM_BYTES - b->room_used)
        return malloc(size);
    void *p = b->room + b->room_used;
    size_t rounded = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    b->room_used += rounded < ROOM_BYTES - b->room_used ? rounded : ROOM_BYTES - b->room_used;
    return p;
}

static void room_free(void *ctx, void *p)
{
    if (!in_room(ctx, p))
        free(p);
}

static void *room_realloc(void *ctx, void *p, size_t old_size, size_t size)
{
    if (!in_room(ctx, p))
        return realloc(p, size);
    void *grown = room_malloc(ctx, size);
    if (grown)
        memcpy(grown, p, old_size < size ? old_size : size);
    return grown;
}

static yyjson_mut_val *mut(const struct gen_jmut *v)
{
    union {
        const struct gen_jmut *in;
        yyjson_mut_val *out;
    } u = {v};
    return u.out;
}

/* Notes a failed allocation at the one place where every new value passes. */
static struct gen_jmut *made(struct gen_jb *b, yyjson_mut_val *v)
{
    if (!v && !b->failure)
        b->failure = GEN_ENOMEM;
    return (struct gen_jmut *)v;
}

static int begin(struct gen_jb *b, struct gen_error *err)
{
    b->failure = GEN_OK;
    b->room_used = 0;
    const yyjson_alc alc = {room_malloc, room_realloc, room_free, b};
    b->doc = yyjson_mut_doc_new(&alc);
    return b->doc ? GEN_OK : gen_nomem(err, "a JSON builder");
}

int gen_jb_new(struct gen_jb **out, struct gen_error *err)
{
    struct gen_jb *b = malloc(sizeof(*b) + ROOM_BYTES);
    if (!b)
        return gen_nomem(err, "a JSON builder");
    int rc = begin(b, err);
    if (rc) {
        free(b);
        return rc;
    }
    *out = b;
    return GEN_OK;
}

int gen_jb_begin_again(struct gen_jb *b, struct gen_error *err)
{
    yyjson_mut_doc_free(b->doc);
    int rc = begin(b, err);
    /* Later calls do nothing, and gen_jb_free has nothing of the document to free. */
    if (rc)
        b->failure = rc;
    return rc;
}

void gen_jb_free(struct gen_jb *b)
{
    if (!b)
        return;
    yyjson_mut_doc_free(b->doc);
    free(b);
}

struct gen_jmut *gen_jb_object(struct gen_jb *b)
{
    return b->failure ? NULL : made(b, yyjson_mut_obj(b->doc));
}

struct gen_jmut *gen_jb_array(struct gen_jb *b)
{
    return b->failure ? NULL : made(b, yyjson_mut_arr(b->doc));
}

struct gen_jmut *gen_jb_str(struct gen_jb *b, struct gen_str s)
{
    return b->failure ? NULL : made(b, yyjson_mut_strncpy(b->doc, s.p ? s.p : "", s.n));
}

struct gen_jmut *gen_jb_str_view(struct gen_jb *b, struct gen_str s)
{
    return b->failure ? NULL : made(b, yyjson_mut_strn(b->doc, s.p ? s.p : "", s.n));
}

struct gen_jmut *gen_jb_raw(struct gen_jb *b, struct gen_str json)
{
    return b->failure ? NULL : made(b, yyjson_mut_rawn(b->doc, json.p, json.n));
}

struct gen_jmut *gen_jb_int(struct gen_jb *b, int64_t i)
{
    return b->failure ? NULL : made(b, yyjson_mut_sint(b->doc, i));
}

struct gen_jmut *gen_jb_real(struct gen_jb *b, double r)
{
    if (!isfinite(r))
        return gen_jb_null(b);
    return b->failure ? NULL : made(b, yyjson_mut_real(b->doc, r));
}

struct gen_jmut *gen_jb_bool(struct gen_jb *b, bool t)
{
    return b->failure ? NULL : made(b, yyjson_mut_bool(b->doc, t));
}

struct gen_jmut *gen_jb_null(struct gen_jb *b)
{
    return b->failure ? NULL : made(b, yyjson_mut_null(b->doc));
}

struct gen_jmut *gen_jb_copy(struct gen_jb *b, const struct gen_json *v)
{
    return b->failure || !v ? NULL : made(b, yyjson_val_mut_copy(b->doc, gen_yy(v)));
}

/* False when there is nothing to do: an earlier failure, or a value that is not there. A container
 * of the wrong type is the caller's fault and is reported by gen_jb_write. */
static bool ready(struct gen_jb *b, bool right_type, const struct gen_jmut *container,
                  const struct gen_jmut *value)
{
    if (b->failure || !container || !value)
        return false;
    if (!right_type)
        b->failure = GEN_ESTATE;
    return right_type;
}

void gen_jb_put_n(struct gen_jb *b, struct gen_jmut *object, struct gen_str key,
                  struct gen_jmut *value)
{
    if (!ready(b, yyjson_mut_is_obj(mut(object)), object, value))
        return;
    struct gen_jmut *name = gen_jb_str(b, key);
    if (name)
        (void)yyjson_mut_obj_add(mut(object), mut(name), mut(value));
}

void gen_jb_put(struct gen_jb *b, struct gen_jmut *object, const char *key, struct gen_jmut *value)
{
    gen_jb_put_n(b, object, gen_str_from(key), value);
}

/* Not yyjson_mut_obj_replace: that copies the value's head, and what the caller adds to a container
 * afterwards would be lost. A key's `next` is its value, whose `next` is the following key. */
void gen_jb_set_n(struct gen_jb *b, struct gen_jmut *object, struct gen_str key,
                  struct gen_jmut *value)
{
    if (!ready(b, yyjson_mut_is_obj(mut(object)), object, value))
        return;
    yyjson_mut_obj_iter it = yyjson_mut_obj_iter_with(mut(object));
    for (yyjson_mut_val *k = yyjson_mut_obj_iter_next(&it); k; k = yyjson_mut_obj_iter_next(&it)) {
        struct gen_str name = {yyjson_mut_get_str(k), yyjson_mut_get_len(k)};
        if (!gen_str_eq(name, key))
            continue;
        yyjson_mut_val *v = mut(value);
        if (v != k->next) {
            v->next = k->next->next;
            k->next = v;
        }
        return;
    }
    gen_jb_put_n(b, object, key, value);
}

void gen_jb_set(struct gen_jb *b, struct gen_jmut *object, const char *key, struct gen_jmut *value)
{
    gen_jb_set_n(b, object, gen_str_from(key), value);
}

void gen_jb_remove(struct gen_jb *b, struct gen_jmut *object, const char *key)
{
    if (ready(b, yyjson_mut_is_obj(mut(object)), object, object))
        (void)yyjson_mut_obj_remove_strn(mut(object), key, strlen(key));
}

void gen_jb_append(struct gen_jb *b, struct gen_jmut *array, struct gen_jmut *value)
{
    if (ready(b, yyjson_mut_is_arr(mut(array)), array, value))
        (void)yyjson_mut_arr_append(mut(array), mut(value));
}

void gen_jb_put_str(struct gen_jb *b, struct gen_jmut *object, const char *key, struct gen_str s)
{
    gen_jb_put(b, object, key, gen_jb_str(b, s));
}

void gen_jb_put_cstr(struct gen_jb *b, struct gen_jmut *object, const char *key, const char *s)
{
    gen_jb_put(b, object, key, gen_jb_str(b, gen_str_from(s)));
}

void gen_jb_put_int(struct gen_jb *b, struct gen_jmut *object, const char *key, int64_t i)
{
    gen_jb_put(b, object, key, gen_jb_int(b, i));
}

void gen_jb_put_real(struct gen_jb *b, struct gen_jmut *object, const char *key, double r)
{
    gen_jb_put(b, object, key, gen_jb_real(b, r));
}

void gen_jb_put_bool(struct gen_jb *b, struct gen_jmut *object, const char *key, bool t)
{
    gen_jb_put(b, object, key, gen_jb_bool(b, t));
}

static int check_state(const struct gen_jb *b, const struct gen_jmut *root, struct gen_error *err)
{
    if (b->failure == GEN_ENOMEM)
        return gen_nomem(err, "a JSON document");
    if (b->failure || !root)
        return gen_fail(err, GEN_ESTATE, "a JSON document was built wrongly: %s",
                        root ? "a value that is no container was given members" : "it has no root");
    return GEN_OK;
}

int gen_jb_write(struct gen_jb *b, const struct gen_jmut *root, enum gen_json_style style,
                 struct gen_buf *out, struct gen_error *err)
{
    int rc = check_state(b, root, err);
    if (rc)
        return rc;
    yyjson_write_flag flags =
        style == GEN_JSON_PRETTY ? YYJSON_WRITE_PRETTY_TWO_SPACES : YYJSON_WRITE_NOFLAG;
    size_t n = 0;
    yyjson_write_err why = {0};
    struct gen_yy_target target = {out, err, GEN_OK, out->data == NULL};
    const yyjson_alc alc = gen_yy_target_alc(&target);
    if (!yyjson_mut_val_write_opts(mut(root), flags, &alc, &n, &why))
        return gen_yy_write_failure(&target, &why);
    out->n += n;
    return GEN_OK;
}

int gen_jb_freeze(struct gen_jb *b, const struct gen_jmut *root, struct gen_json_doc **out,
                  struct gen_error *err)
{
    int rc = check_state(b, root, err);
    if (rc)
        return rc;
    struct gen_json_doc *doc = calloc(1, sizeof(*doc));
    yyjson_doc *yy = yyjson_mut_val_imut_copy(mut(root), NULL);
    if (!doc || !yy) {
        free(doc);
        yyjson_doc_free(yy);
        return gen_nomem(err, "a JSON document");
    }
    doc->yy = yy;
    *out = doc;
    return GEN_OK;
}
