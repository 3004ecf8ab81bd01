/* read_full_dataset, read_partial_dataset, hdf5_batch_read, get_shape, get_size. */
#include "tool.h"

static int open_argument(struct hds_call *c, struct hds_dataset *d, struct gen_error *err)
{
    int rc = hds_dataset_open(c->file, hds_arg_str(c, "path", ""), d, err);
    if (rc == GEN_OK)
        hds_put_text(c->jb, c->out, "path", d->path);
    return rc;
}

/* Reads the region into "values" of `o`; takes what it read off `*elements_left`. */
static int put_region(struct hds_call *c, struct gen_jmut *o, const struct hds_dataset *d,
                      const struct hds_region *r, size_t *elements_left, struct gen_error *err)
{
    struct hds_values v;
    int rc = hds_dataset_read(d, r, *elements_left, &v, err);
    if (rc)
        return rc;
    *elements_left -= v.n * v.tree->n_leaves;
    rc = hds_put_values(c, o, "values", &v, c->file->id, err);
    hds_values_release(&v);
    return rc;
}

int hds_tool_read_full_dataset(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset d;
    struct hds_region r;
    size_t left = c->file->limits.elements_max;
    int rc = open_argument(c, &d, err);
    if (rc)
        return rc;
    hds_region_whole(&d, &r);
    hds_put_shape(c->jb, c->out, "shape", &d.shape);
    rc = hds_put_dtype(c->jb, c->out, d.tree, err);
    if (rc == GEN_OK)
        rc = put_region(c, c->out, &d, &r, &left, err);
    hds_dataset_close(&d);
    return rc;
}

int hds_tool_read_partial_dataset(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset d;
    struct hds_region r;
    size_t left = c->file->limits.elements_max;
    int rc = open_argument(c, &d, err);
    if (rc)
        return rc;
    rc = hds_arg_region(c, &d, &r, err);
    if (rc == GEN_OK) {
        hds_put_dims(c->jb, c->out, "start", r.start, d.shape.rank);
        hds_put_dims(c->jb, c->out, "count", r.count, d.shape.rank);
        hds_put_dims(c->jb, c->out, "stride", r.stride, d.shape.rank);
        rc = hds_put_dtype(c->jb, c->out, d.tree, err);
    }
    if (rc == GEN_OK)
        rc = put_region(c, c->out, &d, &r, &left, err);
    hds_dataset_close(&d);
    return rc;
}

static int read_one(struct hds_call *c, struct gen_jmut *o, struct gen_str path, size_t *left,
                    struct gen_error *err)
{
    struct hds_dataset d;
    struct hds_region r;
    int rc = hds_dataset_open(c->file, path, &d, err);
    if (rc)
        return rc;
    rc = hds_arg_region(c, &d, &r, err);
    if (rc == GEN_OK) {
        struct hds_shape part = d.shape;
        memcpy(part.dims, r.count, part.rank * sizeof(part.dims[0]));
        hds_put_shape(c->jb, o, "shape", &part);
        rc = hds_put_dtype(c->jb, o, d.tree, err);
    }
    if (rc == GEN_OK)
        rc = put_region(c, o, &d, &r, left, err);
    hds_dataset_close(&d);
    return rc;
}

int hds_tool_batch_read(struct hds_call *c, struct gen_error *err)
{
    const struct gen_json *paths = gen_json_get(c->args, "paths");
    struct gen_jmut *array = gen_jb_array(c->jb);
    size_t left = c->file->limits.elements_max;
    size_t n = gen_json_count(paths);
    size_t n_ok = 0;
    size_t done = 0;
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_error first = {.msg = ""};
    gen_json_iter_init(&it, paths);
    while (gen_json_iter_next(&it, NULL, &v)) {
        struct gen_error why;
        struct gen_str path = {NULL, 0};
        struct gen_jmut *o = gen_jb_object(c->jb);
        (void)gen_json_as_str(v, &path);
        gen_jb_put_str(c->jb, o, "path", path);
        int rc = read_one(c, o, path, &left, &why);
        gen_jb_put_bool(c->jb, o, "ok", rc == GEN_OK);
        n_ok += rc == GEN_OK;
        if (rc)
            hds_put_text(c->jb, o, "error", why.msg);
        if (rc && done == 0)
            first = why;
        gen_jb_append(c->jb, array, o);
        hds_progress(c, ++done, n);
    }
    if (n && n_ok == 0)
        return hds_none_worked(n, "datasets could be read", &first, err);
    gen_jb_put(c->jb, c->out, "datasets", array);
    hds_put_u64(c->jb, c->out, "n_ok", n_ok);
    hds_put_u64(c->jb, c->out, "n_failed", n - n_ok);
    return GEN_OK;
}

int hds_tool_get_shape(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset d;
    int rc = open_argument(c, &d, err);
    if (rc)
        return rc;
    const struct hds_shape *s = &d.shape;
    gen_jb_put_cstr(c->jb, c->out, "dataspace",
                    s->space == H5S_SIMPLE   ? "simple"
                    : s->space == H5S_SCALAR ? "scalar"
                                             : "null");
    hds_put_shape(c->jb, c->out, "shape", s);
    gen_jb_put_int(c->jb, c->out, "rank", s->rank);
    struct gen_jmut *max = s->space == H5S_NULL ? gen_jb_null(c->jb) : gen_jb_array(c->jb);
    for (unsigned i = 0; i < s->rank; i++)
        gen_jb_append(c->jb, max,
                      s->max_dims[i] == H5S_UNLIMITED ? gen_jb_null(c->jb)
                                                      : hds_write_u64(c->jb, s->max_dims[i]));
    gen_jb_put(c->jb, c->out, "max_shape", max);
    hds_dataset_close(&d);
    return GEN_OK;
}

int hds_tool_get_size(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset d;
    int rc = open_argument(c, &d, err);
    if (rc)
        return rc;
    hds_put_u64(c->jb, c->out, "n_elements", d.shape.n_elements);
    hds_put_u64(c->jb, c->out, "size_bytes", hds_dataset_bytes(&d));
    hds_put_u64(c->jb, c->out, "storage_bytes", H5Dget_storage_size(d.id));
    hds_dataset_close(&d);
    return GEN_OK;
}
