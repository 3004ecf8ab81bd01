/* read_attribute, list_attributes. */
#include "tool.h"

#define ATTRIBUTES_MAX 1000
#define LISTED_MAX     100 /* values of an attribute that list_attributes shows */

/* "shape" and "dtype" of an attribute. */
static int put_kind(struct hds_call *c, struct gen_jmut *o, hid_t attribute, struct gen_error *err)
{
    struct hds_shape shape;
    struct hds_type *tree = NULL;
    struct gen_arena arena = gen_arena_make((size_t)4 << 20);
    hid_t type = H5Aget_type(attribute);
    hid_t space = H5Aget_space(attribute);
    int rc = type < 0 || space < 0 ? hds_h5_fail(err, "the attribute is damaged") : GEN_OK;
    if (rc == GEN_OK)
        rc = hds_shape_read(space, &shape, err);
    if (rc == GEN_OK)
        rc = hds_type_read(&arena, type, &tree, err);
    if (rc == GEN_OK) {
        hds_put_shape(c->jb, o, "shape", &shape);
        rc = hds_put_dtype(c->jb, o, tree, err);
    }
    gen_arena_release(&arena);
    if (space >= 0)
        (void)H5Sclose(space);
    if (type >= 0)
        (void)H5Tclose(type);
    return rc;
}

static int put_value(struct hds_call *c, struct gen_jmut *o, hid_t attribute, size_t elements_max,
                     struct gen_error *err)
{
    struct hds_values v;
    int rc = hds_attribute_read(attribute, elements_max, &v, err);
    if (rc)
        return rc;
    rc = hds_put_values(c, o, "value", &v, c->file->id, err);
    hds_values_release(&v);
    return rc;
}

static herr_t note_name(hid_t object, const char *name, const H5A_info_t *info, void *ud)
{
    (void)object;
    (void)info;
    struct gen_buf *names = ud;
    if (names->n > 400)
        return 1;
    return gen_buf_printf(names, NULL, "%s%.60s", names->n ? ", " : "", name) ? 1 : 0;
}

static int no_attribute(hid_t object, const char *path, const char *name, struct gen_error *err)
{
    struct gen_buf names = gen_buf_make(1024);
    hsize_t at = 0;
    (void)H5Eclear2(H5E_DEFAULT);
    (void)H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, note_name, &names);
    (void)H5Eclear2(H5E_DEFAULT);
    int rc = gen_fail(err, GEN_EINPUT, "no attribute \"%.100s\" at %.300s, which has %s", name,
                      path, names.n ? names.data : "no attributes");
    gen_buf_release(&names);
    return rc;
}

int hds_tool_read_attribute(struct hds_call *c, struct gen_error *err)
{
    char path[HDS_PATH_MAX];
    char name[HDS_PATH_MAX];
    struct gen_str wanted = hds_arg_str(c, "name", "");
    hid_t object = H5I_INVALID_HID;
    if (wanted.n >= sizeof(name) || memchr(wanted.p, '\0', wanted.n))
        return gen_fail(err, GEN_EINPUT, "the name of the attribute is too long or has a NUL");
    memcpy(name, wanted.p, wanted.n);
    name[wanted.n] = '\0';
    int rc = hds_path_normal(hds_arg_str(c, "path", ""), path, err);
    if (rc == GEN_OK)
        rc = hds_object_open(c->file, path, &object, err);
    if (rc)
        return rc;
    hid_t attribute = H5I_INVALID_HID;
    htri_t there = H5Aexists(object, name);
    if (there > 0)
        attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (there == 0)
        rc = no_attribute(object, path, name, err);
    else if (attribute < 0)
        rc = hds_h5_fail(err, "the attribute cannot be opened");
    hds_put_text(c->jb, c->out, "path", path);
    hds_put_text(c->jb, c->out, "name", name);
    if (rc == GEN_OK)
        rc = put_kind(c, c->out, attribute, err);
    if (rc == GEN_OK)
        rc = put_value(c, c->out, attribute, c->file->limits.elements_max, err);
    if (attribute >= 0)
        (void)H5Aclose(attribute);
    (void)H5Oclose(object);
    return rc;
}

struct listing {
    struct hds_call *call;
    struct gen_jmut *array;
    size_t n;
    bool truncated;
};

static herr_t add_attribute(hid_t object, const char *name, const H5A_info_t *info, void *ud)
{
    (void)info;
    struct listing *l = ud;
    struct hds_call *c = l->call;
    struct gen_error why;
    if (l->n == ATTRIBUTES_MAX) {
        l->truncated = true;
        return 1;
    }
    l->n++;
    struct gen_jmut *o = gen_jb_object(c->jb);
    hds_put_text(c->jb, o, "name", name);
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    int rc =
        attribute < 0 ? hds_h5_fail(&why, "it cannot be opened") : put_kind(c, o, attribute, &why);
    if (rc) {
        gen_jb_put(c->jb, o, "shape", gen_jb_null(c->jb));
        gen_jb_put_cstr(c->jb, o, "dtype", "unsupported");
    } else {
        rc = put_value(c, o, attribute, LISTED_MAX, &why);
    }
    if (rc && rc != GEN_ELIMIT)
        hds_put_text(c->jb, o, "error", why.msg);
    if (attribute >= 0)
        (void)H5Aclose(attribute);
    gen_jb_append(c->jb, l->array, o);
    return 0;
}

int hds_tool_list_attributes(struct hds_call *c, struct gen_error *err)
{
    char path[HDS_PATH_MAX];
    hid_t object = H5I_INVALID_HID;
    hsize_t at = 0;
    int rc = hds_path_normal(hds_arg_str(c, "path", ""), path, err);
    if (rc == GEN_OK)
        rc = hds_object_open(c->file, path, &object, err);
    if (rc)
        return rc;
    struct listing l = {c, gen_jb_array(c->jb), 0, false};
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, add_attribute, &l) < 0)
        rc = hds_h5_fail(err, path);
    (void)H5Oclose(object);
    if (rc)
        return rc;
    hds_put_text(c->jb, c->out, "path", path);
    gen_jb_put(c->jb, c->out, "attributes", l.array);
    hds_put_u64(c->jb, c->out, "n_attributes", l.n);
    gen_jb_put_bool(c->jb, c->out, "truncated", l.truncated);
    return GEN_OK;
}
