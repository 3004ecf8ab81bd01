#include "dtype.h"

#include "h5.h"

#include <strings.h>

#define NAME_BYTES_MAX ((size_t)2000) /* longer names of types are cut */
#define LEAVES_MAX     ((size_t)1 << 24)

struct reader {
    struct gen_arena *arena;
    struct gen_error *err;
    unsigned depth;
};

static int read_type(struct reader *r, hid_t id, struct hds_type **out);

static int read_base(struct reader *r, hid_t id, struct hds_type *t)
{
    hid_t super = H5Tget_super(id);
    if (super < 0)
        return hds_h5_fail(r->err, "a datatype is damaged");
    int rc = read_type(r, super, &t->base);
    (void)H5Tclose(super);
    if (rc)
        return rc;
    t->has_vlen = t->has_vlen || t->base->has_vlen;
    t->has_ref = t->base->has_ref;
    return GEN_OK;
}

static int read_array(struct reader *r, hid_t id, struct hds_type *t)
{
    int rank = H5Tget_array_ndims(id);
    if (rank <= 0 || rank > H5S_MAX_RANK || H5Tget_array_dims2(id, t->dims) < 0)
        return hds_h5_fail(r->err, "an array datatype is damaged");
    t->kind = HDS_ARRAY;
    t->rank = (unsigned)rank;
    int rc = read_base(r, id, t);
    if (rc)
        return rc;
    t->n_leaves = t->base->n_leaves;
    for (unsigned i = 0; i < t->rank; i++) {
        if (t->dims[i] == 0 || t->dims[i] > LEAVES_MAX / t->n_leaves)
            return gen_fail(r->err, GEN_ELIMIT, "an array datatype has over %zu values",
                            LEAVES_MAX);
        t->n_leaves *= (size_t)t->dims[i];
    }
    return GEN_OK;
}

static int take_name(struct reader *r, hid_t id, unsigned i, const char **out)
{
    char *name = H5Tget_member_name(id, i);
    if (!name)
        return hds_h5_fail(r->err, "a datatype is damaged");
    *out = gen_arena_dup(r->arena, gen_str_from(name));
    (void)H5free_memory(name);
    return *out ? GEN_OK : gen_nomem(r->err, "a datatype");
}

static int make_members(struct reader *r, hid_t id, struct hds_type *t)
{
    int n = H5Tget_nmembers(id);
    if (n < 0)
        return hds_h5_fail(r->err, "a datatype is damaged");
    if (n > HDS_TYPE_MEMBERS_MAX)
        return gen_fail(r->err, GEN_ELIMIT, "a datatype has %d members, more than %d", n,
                        HDS_TYPE_MEMBERS_MAX);
    t->n_members = (size_t)n;
    t->members = gen_arena_array(r->arena, (size_t)n + 1, sizeof(t->members[0]));
    return t->members ? GEN_OK : gen_nomem(r->err, "a datatype");
}

static int read_compound(struct reader *r, hid_t id, struct hds_type *t)
{
    t->kind = HDS_COMPOUND;
    t->n_leaves = 0;
    int rc = make_members(r, id, t);
    for (unsigned i = 0; rc == GEN_OK && i < t->n_members; i++) {
        struct hds_member *m = &t->members[i];
        m->offset = H5Tget_member_offset(id, i);
        hid_t member = H5Tget_member_type(id, i);
        if (member < 0)
            return hds_h5_fail(r->err, "a compound datatype is damaged");
        rc = read_type(r, member, &m->type);
        (void)H5Tclose(member);
        if (rc == GEN_OK)
            rc = take_name(r, id, i, &m->name);
        if (rc)
            break;
        if (m->offset > t->size || m->type->size > t->size - m->offset)
            return gen_fail(r->err, GEN_EINPUT, "a compound datatype is damaged: %s lies outside",
                            m->name);
        t->n_leaves += m->type->n_leaves;
        if (t->n_leaves > LEAVES_MAX)
            return gen_fail(r->err, GEN_ELIMIT, "a datatype has over %zu values", LEAVES_MAX);
        t->has_vlen = t->has_vlen || m->type->has_vlen;
        t->has_ref = t->has_ref || m->type->has_ref;
    }
    if (t->n_leaves == 0)
        t->n_leaves = 1;
    return rc;
}

static int read_enum(struct reader *r, hid_t id, struct hds_type *t)
{
    hid_t super = H5Tget_super(id);
    t->is_signed = super >= 0 && H5Tget_sign(super) == H5T_SGN_2;
    if (super >= 0)
        (void)H5Tclose(super);
    if (super < 0 || t->size > 8)
        return hds_h5_fail(r->err, "an enumeration datatype is damaged");
    t->kind = HDS_ENUM;
    int rc = make_members(r, id, t);
    for (unsigned i = 0; rc == GEN_OK && i < t->n_members; i++) {
        unsigned char raw[8] = {0};
        int64_t value = 0;
        rc = take_name(r, id, i, &t->members[i].name);
        if (rc)
            return rc;
        hid_t from = H5Tget_super(id);
        bool ok = from >= 0 && H5Tget_member_value(id, i, raw) >= 0;
        unsigned char wide[8] = {0};
        memcpy(wide, raw, sizeof(raw));
        ok = ok && H5Tconvert(from, H5T_NATIVE_INT64, 1, wide, NULL, H5P_DEFAULT) >= 0;
        if (from >= 0)
            (void)H5Tclose(from);
        if (!ok)
            return hds_h5_fail(r->err, "an enumeration datatype is damaged");
        memcpy(&value, wide, sizeof(value));
        t->members[i].value = value;
    }
    if (rc == GEN_OK && t->n_members == 2 && t->members[0].value + t->members[1].value == 1) {
        size_t no = t->members[0].value == 0 ? 0 : 1;
        if (strcasecmp(t->members[no].name, "FALSE") == 0 && t->members[no].value == 0 &&
            strcasecmp(t->members[1 - no].name, "TRUE") == 0)
            t->kind = HDS_BOOL;
    }
    return rc;
}

static void read_reference(hid_t id, struct hds_type *t)
{
    t->has_ref = true;
    if (H5Tequal(id, H5T_STD_REF_OBJ) > 0)
        t->kind = HDS_REF_OBJECT;
    else if (H5Tequal(id, H5T_STD_REF_DSETREG) > 0)
        t->kind = HDS_REF_REGION;
    else
        t->why = "references of HDF5 1.12 and later";
}

static int read_class(struct reader *r, hid_t id, struct hds_type *t)
{
    switch (H5Tget_class(id)) {
    case H5T_INTEGER:
        t->kind = H5Tget_sign(id) == H5T_SGN_2 ? HDS_INT : HDS_UINT;
        if (t->size > 8) {
            t->kind = HDS_UNSUPPORTED;
            t->why = "integers of more than 64 bits";
        }
        return GEN_OK;
    case H5T_FLOAT:
        t->kind = HDS_FLOAT;
        return GEN_OK;
    case H5T_STRING:
        t->kind = H5Tis_variable_str(id) > 0 ? HDS_STRING_VLEN : HDS_STRING;
        t->has_vlen = t->kind == HDS_STRING_VLEN;
        t->pad = H5Tget_strpad(id);
        return GEN_OK;
    case H5T_COMPOUND:
        return read_compound(r, id, t);
    case H5T_ENUM:
        return read_enum(r, id, t);
    case H5T_ARRAY:
        return read_array(r, id, t);
    case H5T_VLEN:
        t->kind = HDS_VLEN;
        t->has_vlen = true;
        return read_base(r, id, t);
    case H5T_OPAQUE:
        t->kind = HDS_OPAQUE;
        return GEN_OK;
    case H5T_BITFIELD:
        t->kind = t->size <= 8 ? HDS_BITFIELD : HDS_UNSUPPORTED;
        t->why = "bit fields of more than 64 bits";
        return GEN_OK;
    case H5T_REFERENCE:
        read_reference(id, t);
        return GEN_OK;
    case H5T_TIME:
        t->why = "the time class";
        return GEN_OK;
    default:
        return hds_h5_fail(r->err, "a datatype of an unknown class");
    }
}

/* Recursion is bounded by HDS_TYPE_DEPTH_MAX. */
static int read_type(struct reader *r, hid_t id, struct hds_type **out)
{
    if (r->depth == HDS_TYPE_DEPTH_MAX)
        return gen_fail(r->err, GEN_ELIMIT, "a datatype is nested deeper than %d",
                        HDS_TYPE_DEPTH_MAX);
    struct hds_type *t = gen_arena_alloc(r->arena, sizeof(*t));
    if (!t)
        return gen_nomem(r->err, "a datatype");
    t->kind = HDS_UNSUPPORTED;
    t->n_leaves = 1;
    t->size = H5Tget_size(id);
    if (t->size == 0)
        return hds_h5_fail(r->err, "a datatype is damaged");
    r->depth++;
    int rc = read_class(r, id, t);
    r->depth--;
    if (rc == GEN_OK)
        *out = t;
    return rc;
}

int hds_type_read(struct gen_arena *arena, hid_t id, struct hds_type **out, struct gen_error *err)
{
    struct reader r = {arena, err, 0};
    return read_type(&r, id, out);
}

static int add_type(const struct hds_type *t, struct gen_buf *out, struct gen_error *err);

static int add_members(const struct hds_type *t, struct gen_buf *out, struct gen_error *err)
{
    int rc = gen_buf_add_c(out, t->kind == HDS_ENUM ? "enum{" : "compound{", err);
    for (size_t i = 0; rc == GEN_OK && i < t->n_members; i++) {
        const struct hds_member *m = &t->members[i];
        if (out->n > NAME_BYTES_MAX) {
            rc = gen_buf_add_c(out, ", ...", err);
            break;
        }
        rc = gen_buf_printf(out, err, "%s%.200s", i ? ", " : "", m->name);
        if (rc == GEN_OK && t->kind == HDS_ENUM)
            rc = gen_buf_printf(out, err, "=%lld", (long long)m->value);
        if (rc == GEN_OK && t->kind == HDS_COMPOUND) {
            rc = gen_buf_add_c(out, ": ", err);
            if (rc == GEN_OK)
                rc = add_type(m->type, out, err);
        }
    }
    return rc ? rc : gen_buf_add_char(out, '}', err);
}

static int add_array(const struct hds_type *t, struct gen_buf *out, struct gen_error *err)
{
    int rc = gen_buf_add_c(out, "array[", err);
    for (unsigned i = 0; rc == GEN_OK && i < t->rank; i++)
        rc = gen_buf_printf(out, err, "%s%llu", i ? ", " : "", (unsigned long long)t->dims[i]);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, "] of ", err);
    return rc ? rc : add_type(t->base, out, err);
}

/* Recursion is as deep as the type, at most HDS_TYPE_DEPTH_MAX. */
static int add_type(const struct hds_type *t, struct gen_buf *out, struct gen_error *err)
{
    switch (t->kind) {
    case HDS_INT:
        return gen_buf_printf(out, err, "int%zu", t->size * 8);
    case HDS_UINT:
        return gen_buf_printf(out, err, "uint%zu", t->size * 8);
    case HDS_FLOAT:
        return gen_buf_printf(out, err, "float%zu", t->size * 8);
    case HDS_STRING:
        return gen_buf_printf(out, err, "string[%zu]", t->size);
    case HDS_STRING_VLEN:
        return gen_buf_add_c(out, "string", err);
    case HDS_BOOL:
        return gen_buf_add_c(out, "bool", err);
    case HDS_ENUM:
    case HDS_COMPOUND:
        return add_members(t, out, err);
    case HDS_ARRAY:
        return add_array(t, out, err);
    case HDS_VLEN: {
        int rc = gen_buf_add_c(out, "sequence of ", err);
        return rc ? rc : add_type(t->base, out, err);
    }
    case HDS_OPAQUE:
        return gen_buf_printf(out, err, "opaque[%zu]", t->size);
    case HDS_BITFIELD:
        return gen_buf_printf(out, err, "bitfield%zu", t->size * 8);
    case HDS_REF_OBJECT:
        return gen_buf_add_c(out, "object_reference", err);
    case HDS_REF_REGION:
        return gen_buf_add_c(out, "region_reference", err);
    case HDS_UNSUPPORTED:
        break;
    }
    return gen_buf_add_c(out, "unsupported", err);
}

int hds_type_name(const struct hds_type *t, struct gen_buf *out, struct gen_error *err)
{
    return add_type(t, out, err);
}

const char *hds_type_unsupported(const struct hds_type *t)
{
    if (t->kind == HDS_UNSUPPORTED)
        return t->why ? t->why : "an unknown class";
    if (t->kind == HDS_ARRAY || t->kind == HDS_VLEN)
        return hds_type_unsupported(t->base);
    for (size_t i = 0; t->kind == HDS_COMPOUND && i < t->n_members; i++) {
        const char *why = hds_type_unsupported(t->members[i].type);
        if (why)
            return why;
    }
    return NULL;
}

bool hds_type_is_number(const struct hds_type *t)
{
    return t->kind == HDS_INT || t->kind == HDS_UINT || t->kind == HDS_FLOAT;
}

int hds_type_native(hid_t file_type, hid_t *mem, struct gen_error *err)
{
    *mem = H5Tget_native_type(file_type, H5T_DIR_ASCEND);
    return *mem >= 0 ? GEN_OK : hds_h5_fail(err, "the element type has no form in memory");
}
