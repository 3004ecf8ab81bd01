#include "value.h"

#include "base/num.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>

#define REFERENCE_NAME_MAX 1024

struct gen_jmut *hds_write_text(struct gen_jb *jb, struct gen_str s)
{
    if (gen_utf8_valid(s) && !(s.n && memchr(s.p, '\0', s.n)))
        return gen_jb_str(jb, s);
    struct gen_buf clean = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jmut *v = NULL;
    if (gen_utf8_clean(&clean, s, NULL, NULL) == GEN_OK)
        v = gen_jb_str(jb, gen_buf_str(&clean));
    gen_buf_release(&clean);
    return v ? v : gen_jb_null(jb);
}

struct gen_jmut *hds_write_u64(struct gen_jb *jb, uint64_t n)
{
    if (n <= INT64_MAX)
        return gen_jb_int(jb, (int64_t)n);
    char digits[24];
    struct gen_json_doc *doc = NULL;
    int used = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    struct gen_str text = {digits, used > 0 ? (size_t)used : 0};
    if (gen_json_parse(&doc, text, NULL))
        return gen_jb_null(jb);
    struct gen_jmut *v = gen_jb_copy(jb, gen_json_root(doc));
    gen_json_doc_free(doc);
    return v;
}

double hds_float_as_double(float f)
{
    char text[32];
    double d = (double)f;
    for (int digits = 6; digits <= 9; digits++) {
        int n = snprintf(text, sizeof(text), "%.*g", digits, d);
        double shorter = d;
        if (n > 0 &&
            gen_num_f64((struct gen_str){text, (size_t)n}, -INFINITY, INFINITY, "a number",
                        &shorter, NULL) == GEN_OK &&
            (float)shorter == f)
            return shorter;
    }
    return d;
}

static struct gen_jmut *write_real(struct hds_writer *w, double d)
{
    if (!isfinite(d))
        w->n_not_finite++;
    return gen_jb_real(w->jb, d);
}

static struct gen_jmut *write_float(struct hds_writer *w, size_t size, const unsigned char *p)
{
    if (size == sizeof(float)) {
        float f;
        memcpy(&f, p, sizeof(f));
        return write_real(w, isfinite(f) ? hds_float_as_double(f) : (double)f);
    }
    if (size == sizeof(double)) {
        double d;
        memcpy(&d, p, sizeof(d));
        return write_real(w, d);
    }
    if (size == sizeof(long double)) {
        long double l;
        memcpy(&l, p, sizeof(l));
        return write_real(w, (double)l);
    }
#if H5_VERSION_GE(1, 14, 4) && defined(H5_HAVE__FLOAT16)
    if (size == 2) {
        double wide[1] = {0};
        memcpy(wide, p, 2);
        if (H5Tconvert(H5T_NATIVE_FLOAT16, H5T_NATIVE_DOUBLE, 1, wide, NULL, H5P_DEFAULT) >= 0)
            return write_real(w, hds_float_as_double((float)wide[0]));
    }
#endif
    return gen_jb_null(w->jb);
}

/* The `size` (1 to 8) bytes of a native integer. */
static uint64_t read_uint(const unsigned char *p, size_t size)
{
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    switch (size) {
    case 1:
        memcpy(&a, p, 1);
        return a;
    case 2:
        memcpy(&b, p, 2);
        return b;
    case 4:
        memcpy(&c, p, 4);
        return c;
    case 8:
        memcpy(&d, p, 8);
        return d;
    default:
        return 0;
    }
}

static int64_t read_int(const unsigned char *p, size_t size)
{
    uint64_t raw = read_uint(p, size);
    unsigned shift = 64U - 8U * (unsigned)size;
    return (int64_t)(raw << shift) >> shift;
}

static struct gen_jmut *write_string(struct hds_writer *w, const struct hds_type *t,
                                     const unsigned char *p)
{
    struct gen_str s;
    if (t->kind == HDS_STRING_VLEN) {
        const char *text;
        memcpy(&text, p, sizeof(text));
        s = gen_str_from(text);
    } else {
        s = (struct gen_str){(const char *)p, strnlen((const char *)p, t->size)};
        while (t->pad == H5T_STR_SPACEPAD && s.n && s.p[s.n - 1] == ' ')
            s.n--;
    }
    return hds_write_text(w->jb, s);
}

static struct gen_jmut *write_enum(struct hds_writer *w, const struct hds_type *t,
                                   const unsigned char *p)
{
    int64_t value = t->is_signed ? read_int(p, t->size) : (int64_t)read_uint(p, t->size);
    if (t->kind == HDS_BOOL && (value == 0 || value == 1))
        return gen_jb_bool(w->jb, value == 1);
    for (size_t i = 0; i < t->n_members; i++) {
        if (t->members[i].value == value)
            return hds_write_text(w->jb, gen_str_from(t->members[i].name));
    }
    return gen_jb_int(w->jb, value);
}

static struct gen_jmut *write_compound(struct hds_writer *w, const struct hds_type *t,
                                       const unsigned char *p)
{
    struct gen_jmut *o = gen_jb_object(w->jb);
    for (size_t i = 0; i < t->n_members; i++) {
        const struct hds_member *m = &t->members[i];
        struct gen_buf name = gen_buf_make(GEN_BUF_UNLIMITED);
        if (gen_utf8_clean(&name, gen_str_from(m->name), NULL, NULL) == GEN_OK)
            gen_jb_put_n(w->jb, o, gen_buf_str(&name),
                         hds_write_element(w, m->type, p + m->offset));
        gen_buf_release(&name);
    }
    return o;
}

/* `n` elements along dimension `at` and those below it; recursion is as deep as the rank. */
static struct gen_jmut *write_dims(struct hds_writer *w, const struct hds_type *t,
                                   const unsigned char **p, const hsize_t *dims, unsigned rank)
{
    if (rank == 0) {
        struct gen_jmut *v = hds_write_element(w, t, *p);
        *p += t->size;
        return v;
    }
    struct gen_jmut *array = gen_jb_array(w->jb);
    for (hsize_t i = 0; i < dims[0]; i++)
        gen_jb_append(w->jb, array, write_dims(w, t, p, dims + 1, rank - 1));
    return array;
}

static struct gen_jmut *write_sequence(struct hds_writer *w, const struct hds_type *t,
                                       const unsigned char *p)
{
    hvl_t sequence;
    memcpy(&sequence, p, sizeof(sequence));
    struct gen_jmut *array = gen_jb_array(w->jb);
    const unsigned char *at = sequence.p;
    for (size_t i = 0; at && i < sequence.len; i++) {
        if (w->leaves_left < t->base->n_leaves) {
            w->cut = true;
            break;
        }
        w->leaves_left -= t->base->n_leaves;
        gen_jb_append(w->jb, array, hds_write_element(w, t->base, at));
        at += t->base->size;
    }
    return array;
}

static struct gen_jmut *write_hex(struct hds_writer *w, const unsigned char *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < n; i++) {
        const char pair[2] = {digits[p[i] >> 4], digits[p[i] & 15]};
        rc = gen_buf_add(&text, pair, 2, NULL);
    }
    struct gen_jmut *v = rc ? gen_jb_null(w->jb) : gen_jb_str(w->jb, gen_buf_str(&text));
    gen_buf_release(&text);
    return v;
}

/* The path of the object that is referred to; null for a reference to nothing. */
static struct gen_jmut *write_reference(struct hds_writer *w, H5R_type_t type,
                                        const unsigned char *p)
{
    char name[REFERENCE_NAME_MAX] = {0};
    union {
        hobj_ref_t object;
        hdset_reg_ref_t region;
    } ref;
    memset(&ref, 0, sizeof(ref));
    memcpy(&ref, p, type == H5R_OBJECT ? sizeof(ref.object) : sizeof(ref.region));
    ssize_t n = H5Rget_name(w->loc, type, &ref, name, sizeof(name));
    (void)H5Eclear2(H5E_DEFAULT);
    return n > 0 ? hds_write_text(w->jb, gen_str_from(name)) : gen_jb_null(w->jb);
}

/* Recursion is as deep as the type, at most HDS_TYPE_DEPTH_MAX. */
struct gen_jmut *hds_write_element(struct hds_writer *w, const struct hds_type *t,
                                   const unsigned char *p)
{
    const unsigned char *at = p;
    switch (t->kind) {
    case HDS_INT:
        return gen_jb_int(w->jb, read_int(p, t->size));
    case HDS_UINT:
    case HDS_BITFIELD:
        return hds_write_u64(w->jb, read_uint(p, t->size));
    case HDS_FLOAT:
        return write_float(w, t->size, p);
    case HDS_STRING:
    case HDS_STRING_VLEN:
        return write_string(w, t, p);
    case HDS_ENUM:
    case HDS_BOOL:
        return write_enum(w, t, p);
    case HDS_COMPOUND:
        return write_compound(w, t, p);
    case HDS_ARRAY:
        return write_dims(w, t->base, &at, t->dims, t->rank);
    case HDS_VLEN:
        return write_sequence(w, t, p);
    case HDS_OPAQUE:
        return write_hex(w, p, t->size);
    case HDS_REF_OBJECT:
        return write_reference(w, H5R_OBJECT, p);
    case HDS_REF_REGION:
        return write_reference(w, H5R_DATASET_REGION, p);
    case HDS_UNSUPPORTED:
        break;
    }
    return gen_jb_null(w->jb);
}

struct gen_jmut *hds_write_values(struct hds_writer *w, const struct hds_values *v)
{
    const unsigned char *at = v->data;
    if (v->is_null)
        return gen_jb_null(w->jb);
    /* One dimension of 0 makes the others mean nothing, however long they are. */
    return v->n ? write_dims(w, v->tree, &at, v->dims, v->rank) : gen_jb_array(w->jb);
}

void hds_put_text(struct gen_jb *jb, struct gen_jmut *o, const char *key, const char *text)
{
    gen_jb_put(jb, o, key, hds_write_text(jb, gen_str_from(text)));
}

void hds_put_u64(struct gen_jb *jb, struct gen_jmut *o, const char *key, uint64_t n)
{
    gen_jb_put(jb, o, key, hds_write_u64(jb, n));
}

int hds_put_dtype(struct gen_jb *jb, struct gen_jmut *o, const struct hds_type *t,
                  struct gen_error *err)
{
    struct gen_buf name = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = hds_type_name(t, &name, err);
    if (rc == GEN_OK)
        gen_jb_put(jb, o, "dtype", hds_write_text(jb, gen_buf_str(&name)));
    gen_buf_release(&name);
    return rc;
}

void hds_put_dims(struct gen_jb *jb, struct gen_jmut *o, const char *key, const hsize_t *dims,
                  unsigned rank)
{
    struct gen_jmut *array = gen_jb_array(jb);
    for (unsigned i = 0; i < rank; i++)
        gen_jb_append(jb, array, hds_write_u64(jb, dims[i]));
    gen_jb_put(jb, o, key, array);
}

void hds_put_shape(struct gen_jb *jb, struct gen_jmut *o, const char *key,
                   const struct hds_shape *s)
{
    if (s->space == H5S_NULL)
        gen_jb_put(jb, o, key, gen_jb_null(jb));
    else
        hds_put_dims(jb, o, key, s->dims, s->rank);
}
