#include "tool.h"

hds_tool_fn *hds_tool_find(struct gen_str name)
{
    static const struct {
        const char *name;
        hds_tool_fn *run;
    } tools[] = {
        {"open_file", hds_tool_open_file},
        {"scan_file", hds_tool_scan_file},
        {"get_by_path", hds_tool_get_by_path},
        {"list_keys", hds_tool_list_keys},
        {"visit", hds_tool_visit},
        {"read_full_dataset", hds_tool_read_full_dataset},
        {"read_partial_dataset", hds_tool_read_partial_dataset},
        {"get_shape", hds_tool_get_shape},
        {"get_dtype", hds_tool_get_dtype},
        {"get_size", hds_tool_get_size},
        {"get_chunks", hds_tool_get_chunks},
        {"read_attribute", hds_tool_read_attribute},
        {"list_attributes", hds_tool_list_attributes},
        {"hdf5_batch_read", hds_tool_batch_read},
        {"hdf5_stream_data", hds_tool_stream_data},
        {"hdf5_aggregate_stats", hds_tool_aggregate_stats},
        {"analyze_dataset_structure", hds_tool_analyze_structure},
        {"find_similar_datasets", hds_tool_find_similar},
        {"suggest_next_exploration", hds_tool_suggest_next},
        {"identify_io_bottlenecks", hds_tool_identify_bottlenecks},
        {"optimize_access_pattern", hds_tool_optimize_access},
        {"export_dataset", hds_tool_export_dataset},
    };
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        if (gen_str_is(name, tools[i].name))
            return tools[i].run;
    }
    return NULL;
}

struct gen_str hds_arg_str(const struct hds_call *c, const char *name, const char *otherwise)
{
    struct gen_str s;
    return gen_json_as_str(gen_json_get(c->args, name), &s) ? s : gen_str_from(otherwise);
}

int64_t hds_arg_int(const struct hds_call *c, const char *name, int64_t otherwise)
{
    int64_t i;
    return gen_json_as_int(gen_json_get(c->args, name), &i) ? i : otherwise;
}

double hds_arg_real(const struct hds_call *c, const char *name, double otherwise)
{
    double r;
    return gen_json_as_real(gen_json_get(c->args, name), &r) ? r : otherwise;
}

/* An array with one number for each dimension; `given` is false when it is not there. */
static int read_dims(const struct hds_call *c, const char *name, const struct hds_dataset *d,
                     hsize_t *out, bool *given, struct gen_error *err)
{
    const struct gen_json *array = gen_json_get(c->args, name);
    struct gen_json_iter it;
    const struct gen_json *v;
    size_t n = gen_json_count(array);
    *given = gen_json_type(array) == GEN_JSON_ARRAY;
    if (!*given)
        return GEN_OK;
    if (n != d->shape.rank)
        return gen_fail(err, GEN_EINPUT, "%s has %zu numbers, but %.300s has %u dimension%s", name,
                        n, d->path, d->shape.rank, d->shape.rank == 1 ? "" : "s");
    gen_json_iter_init(&it, array);
    for (size_t i = 0; gen_json_iter_next(&it, NULL, &v); i++) {
        int64_t number = -1;
        if (!gen_json_as_int(v, &number) || number < 0)
            return gen_fail(err, GEN_EINPUT, "%s[%zu] is no number from 0", name, i);
        out[i] = (hsize_t)number;
    }
    return GEN_OK;
}

static int check_dim(const struct hds_dataset *d, const struct hds_region *r, unsigned i,
                     struct gen_error *err)
{
    hsize_t length = d->shape.dims[i];
    if (r->start[i] >= length && length > 0)
        return gen_fail(err, GEN_EINPUT,
                        "start[%u] = %llu is past the end of %.300s, which has %llu "
                        "elements in that dimension",
                        i, (unsigned long long)r->start[i], d->path, (unsigned long long)length);
    hsize_t most = length == 0 ? 0 : (length - r->start[i] - 1) / r->stride[i] + 1;
    if (r->count[i] > most)
        return gen_fail(err, GEN_EINPUT,
                        "count[%u] = %llu from start %llu with stride %llu goes past the end of "
                        "%.300s, which has %llu elements in that dimension; at most %llu fit",
                        i, (unsigned long long)r->count[i], (unsigned long long)r->start[i],
                        (unsigned long long)r->stride[i], d->path, (unsigned long long)length,
                        (unsigned long long)most);
    return GEN_OK;
}

int hds_arg_region(const struct hds_call *c, const struct hds_dataset *d, struct hds_region *r,
                   struct gen_error *err)
{
    bool given[3] = {false, false, false};
    int rc = read_dims(c, "start", d, r->start, &given[0], err);
    if (rc == GEN_OK)
        rc = read_dims(c, "count", d, r->count, &given[1], err);
    if (rc == GEN_OK)
        rc = read_dims(c, "stride", d, r->stride, &given[2], err);
    for (unsigned i = 0; rc == GEN_OK && i < d->shape.rank; i++) {
        hsize_t length = d->shape.dims[i];
        r->start[i] = given[0] ? r->start[i] : 0;
        r->stride[i] = given[2] && r->stride[i] ? r->stride[i] : 1;
        if (!given[1])
            r->count[i] = length > r->start[i] ? (length - r->start[i] - 1) / r->stride[i] + 1 : 0;
        rc = check_dim(d, r, i, err);
    }
    return rc;
}

void hds_put_not_finite(struct hds_call *c, struct gen_jmut *o, uint64_t n)
{
    if (n)
        hds_put_u64(c->jb, o, "n_not_finite", n);
}

int hds_put_values(struct hds_call *c, struct gen_jmut *o, const char *key,
                   const struct hds_values *v, hid_t loc, struct gen_error *err)
{
    struct hds_writer w = {c->jb, loc, 0, c->file->limits.elements_max, false};
    struct gen_jmut *values = hds_write_values(&w, v);
    if (w.cut)
        return gen_fail(err, GEN_ELIMIT,
                        "its variable-length sequences hold more than %zu values; read fewer "
                        "elements with read_partial_dataset",
                        c->file->limits.elements_max);
    gen_jb_put(c->jb, o, key, values);
    hds_put_not_finite(c, o, w.n_not_finite);
    return GEN_OK;
}

int hds_none_worked(size_t n, const char *what, const struct gen_error *first,
                    struct gen_error *err)
{
    if (n == 1)
        return gen_fail(err, GEN_EINPUT, "%s", first->msg);
    return gen_fail(err, GEN_EINPUT, "none of the %zu %s; the first: %s", n, what, first->msg);
}
