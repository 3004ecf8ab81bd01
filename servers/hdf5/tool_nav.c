/* open_file (the worker's part), get_by_path, list_keys, visit. */
#include "tool.h"

#include <sys/stat.h>

struct keys {
    struct hds_call *call;
    struct gen_jmut *array;
    size_t n;
    bool truncated;
};

static herr_t add_key(hid_t group, const char *name, const H5L_info_t *link, void *ud)
{
    (void)group;
    (void)link;
    struct keys *k = ud;
    if (k->n == HDS_OBJECTS_MAX) {
        k->truncated = true;
        return 1;
    }
    k->n++;
    gen_jb_append(k->call->jb, k->array, hds_write_text(k->call->jb, gen_str_from(name)));
    return 0;
}

/* The names in a group; the number of all of them goes to `n_keys`. */
static int put_keys(struct hds_call *c, const char *path, const char *n_key, bool *truncated,
                    struct gen_error *err)
{
    hid_t group = H5I_INVALID_HID;
    hsize_t at = 0;
    H5G_info_t info;
    int rc = hds_group_open(c->file, path, &group, err);
    if (rc)
        return rc;
    struct keys keys = {c, gen_jb_array(c->jb), 0, false};
    if (H5Gget_info(group, &info) < 0 ||
        H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, add_key, &keys) < 0)
        rc = hds_h5_fail(err, path);
    (void)H5Oclose(group);
    if (rc)
        return rc;
    gen_jb_put(c->jb, c->out, "keys", keys.array);
    if (n_key)
        hds_put_u64(c->jb, c->out, n_key, info.nlinks);
    *truncated = keys.truncated;
    return GEN_OK;
}

int hds_tool_open_file(struct hds_call *c, struct gen_error *err)
{
    char real[PATH_MAX];
    struct stat st;
    bool truncated = false;
    struct gen_str mode = hds_arg_str(c, "mode", "r");
    int rc = hds_roots_file(c->file->roots, hds_arg_str(c, "path", ""), real, err);
    if (rc)
        return rc;
    hds_file_close(c->file);
    rc = hds_file_open(c->file, real, gen_str_is(mode, "r+"), err);
    if (rc)
        return rc;
    gen_jb_put(c->jb, c->out, "filename", hds_write_text(c->jb, gen_str_from(real)));
    gen_jb_put_str(c->jb, c->out, "mode", mode);
    gen_jb_put_int(c->jb, c->out, "size_bytes", stat(real, &st) == 0 ? (int64_t)st.st_size : 0);
    rc = put_keys(c, "/", NULL, &truncated, err);
    if (rc)
        hds_file_close(c->file);
    return rc;
}

int hds_tool_list_keys(struct hds_call *c, struct gen_error *err)
{
    char path[HDS_PATH_MAX];
    bool truncated = false;
    int rc = hds_path_normal(hds_arg_str(c, "path", "/"), path, err);
    if (rc)
        return rc;
    hds_put_text(c->jb, c->out, "path", path);
    rc = put_keys(c, path, "n_keys", &truncated, err);
    gen_jb_put_bool(c->jb, c->out, "truncated", truncated);
    return rc;
}

int hds_tool_get_by_path(struct hds_call *c, struct gen_error *err)
{
    char path[HDS_PATH_MAX];
    bool truncated = false;
    H5O_type_t type;
    H5O_info_t info;
    int rc = hds_path_normal(hds_arg_str(c, "path", ""), path, err);
    if (rc == GEN_OK)
        rc = hds_object_type(c->file, path, &type, err);
    if (rc)
        return rc;
    if (H5Oget_info_by_name2(c->file->id, path, &info, H5O_INFO_NUM_ATTRS, c->file->lapl) < 0)
        return hds_h5_fail(err, path);
    hds_put_text(c->jb, c->out, "path", path);
    hds_put_text(c->jb, c->out, "type", hds_object_type_name(type));
    hds_put_u64(c->jb, c->out, "n_attributes", info.num_attrs);
    if (type == H5O_TYPE_GROUP)
        return put_keys(c, path, "n_keys", &truncated, err);
    if (type != H5O_TYPE_DATASET)
        return GEN_OK;
    struct hds_dataset d;
    rc = hds_dataset_open(c->file, gen_str_from(path), &d, err);
    if (rc)
        return rc;
    hds_put_shape(c->jb, c->out, "shape", &d.shape);
    rc = hds_put_dtype(c->jb, c->out, d.tree, err);
    hds_dataset_close(&d);
    return rc;
}

struct visit {
    struct hds_call *call;
    struct gen_jmut *objects;
    size_t n;
};

static int add_object(void *ud, const struct hds_met *met, struct gen_error *err)
{
    struct visit *v = ud;
    struct gen_jb *jb = v->call->jb;
    struct gen_jmut *o = gen_jb_object(jb);
    int rc = GEN_OK;
    hds_put_text(jb, o, "name", met->name);
    hds_put_text(jb, o, "type", met->kind);
    if (met->dataset) {
        hds_put_shape(jb, o, "shape", &met->dataset->shape);
        rc = hds_put_dtype(jb, o, met->dataset->tree, err);
    }
    if (met->target)
        hds_put_text(jb, o, "target", met->target);
    gen_jb_append(jb, v->objects, o);
    v->n++;
    return rc;
}

int hds_tool_visit(struct hds_call *c, struct gen_error *err)
{
    char path[HDS_PATH_MAX];
    bool truncated = false;
    int rc = hds_path_normal(hds_arg_str(c, "path", "/"), path, err);
    if (rc)
        return rc;
    struct visit v = {c, gen_jb_array(c->jb), 0};
    rc = hds_walk(c->file, path, true, add_object, &v, &truncated, err);
    if (rc)
        return rc;
    hds_put_text(c->jb, c->out, "path", path);
    gen_jb_put(c->jb, c->out, "objects", v.objects);
    hds_put_u64(c->jb, c->out, "n_objects", v.n);
    gen_jb_put_bool(c->jb, c->out, "truncated", truncated);
    return GEN_OK;
}
