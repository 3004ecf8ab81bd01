#include "data.h"

#include <stdio.h>
#include <stdlib.h>

#define TYPE_ARENA_BYTES ((size_t)4 << 20)

int hds_shape_read(hid_t space, struct hds_shape *s, struct gen_error *err)
{
    *s = (struct hds_shape){.space = H5Sget_simple_extent_type(space), .n_elements = 1};
    if (s->space == H5S_NULL) {
        s->n_elements = 0;
        return GEN_OK;
    }
    if (s->space == H5S_SCALAR)
        return GEN_OK;
    int rank = H5Sget_simple_extent_ndims(space);
    if (s->space != H5S_SIMPLE || rank < 0 || rank > H5S_MAX_RANK ||
        H5Sget_simple_extent_dims(space, s->dims, s->max_dims) < 0)
        return hds_h5_fail(err, "the dataspace is damaged");
    s->rank = (unsigned)rank;
    for (unsigned i = 0; i < s->rank; i++) {
        if (s->dims[i] > INT64_MAX)
            return gen_fail(err, GEN_EINPUT, "the dataspace is damaged: a dimension over 2^63");
        if (__builtin_mul_overflow(s->n_elements, (uint64_t)s->dims[i], &s->n_elements))
            s->n_elements = UINT64_MAX;
    }
    for (unsigned i = 0; i < s->rank; i++) {
        if (s->dims[i] == 0)
            s->n_elements = 0;
    }
    return GEN_OK;
}

uint64_t hds_dataset_bytes(const struct hds_dataset *d)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(d->shape.n_elements, (uint64_t)d->tree->size, &bytes))
        return UINT64_MAX;
    return bytes;
}

static int open_parts(struct hds_dataset *d, struct gen_error *err)
{
    d->id = H5Dopen2(d->file->id, d->path, d->file->dapl);
    if (d->id < 0)
        return hds_h5_fail(err, d->path);
    d->type = H5Dget_type(d->id);
    d->space = H5Dget_space(d->id);
    if (d->type < 0 || d->space < 0)
        return hds_h5_fail(err, d->path);
    d->arena = gen_arena_make(TYPE_ARENA_BYTES);
    int rc = hds_type_read(&d->arena, d->type, &d->tree, err);
    return rc ? rc : hds_shape_read(d->space, &d->shape, err);
}

int hds_dataset_open(struct hds_file *f, struct gen_str path, struct hds_dataset *d,
                     struct gen_error *err)
{
    H5O_type_t type;
    *d = (struct hds_dataset){
        .id = H5I_INVALID_HID, .type = H5I_INVALID_HID, .space = H5I_INVALID_HID, .file = f};
    int rc = hds_path_normal(path, d->path, err);
    if (rc == GEN_OK)
        rc = hds_object_type(f, d->path, &type, err);
    if (rc == GEN_OK && type != H5O_TYPE_DATASET)
        rc = gen_fail(err, GEN_EINPUT, "%.300s is a %s, not a dataset", d->path,
                      hds_object_type_name(type));
    if (rc == GEN_OK)
        rc = open_parts(d, err);
    if (rc)
        hds_dataset_close(d);
    return rc;
}

void hds_dataset_close(struct hds_dataset *d)
{
    if (d->space >= 0)
        (void)H5Sclose(d->space);
    if (d->type >= 0)
        (void)H5Tclose(d->type);
    if (d->id >= 0)
        (void)H5Dclose(d->id);
    d->space = H5I_INVALID_HID;
    d->type = H5I_INVALID_HID;
    d->id = H5I_INVALID_HID;
    gen_arena_release(&d->arena);
}

void hds_region_whole(const struct hds_dataset *d, struct hds_region *r)
{
    for (unsigned i = 0; i < d->shape.rank; i++) {
        r->start[i] = 0;
        r->count[i] = d->shape.dims[i];
        r->stride[i] = 1;
    }
}

uint64_t hds_region_elements(const struct hds_dataset *d, const struct hds_region *r)
{
    uint64_t n = 1;
    if (d->shape.space == H5S_NULL)
        return 0;
    for (unsigned i = 0; i < d->shape.rank; i++) {
        if (r->count[i] == 0)
            return 0;
        if (__builtin_mul_overflow(n, (uint64_t)r->count[i], &n))
            return UINT64_MAX;
    }
    return n;
}

/* Variable-length data is libhdf5's to ask for, and the arena's to give. */
static void *vlen_alloc(size_t n, void *arena)
{
    return gen_arena_alloc(arena, n ? n : 1);
}

static void vlen_free(void *p, void *arena)
{
    (void)p;
    (void)arena;
}

static int select_region(const struct hds_dataset *d, const struct hds_region *r, hid_t *file_space,
                         hid_t *mem_space, struct gen_error *err)
{
    *file_space = H5Scopy(d->space);
    *mem_space = d->shape.rank ? H5Screate_simple((int)d->shape.rank, r->count, NULL)
                               : H5Screate(H5S_SCALAR);
    if (*file_space < 0 || *mem_space < 0)
        return hds_h5_fail(err, d->path);
    if (d->shape.rank &&
        H5Sselect_hyperslab(*file_space, H5S_SELECT_SET, r->start, r->stride, r->count, NULL) < 0)
        return hds_h5_fail(err, d->path);
    return GEN_OK;
}

static int read_into(const struct hds_dataset *d, const struct hds_region *r, hid_t mem_type,
                     hid_t dxpl, void *out, struct gen_error *err)
{
    hid_t file_space = H5I_INVALID_HID;
    hid_t mem_space = H5I_INVALID_HID;
    int rc = select_region(d, r, &file_space, &mem_space, err);
    if (rc == GEN_OK && H5Dread(d->id, mem_type, mem_space, file_space, dxpl, out) < 0) {
        char what[HDS_PATH_MAX + 40];
        (void)snprintf(what, sizeof(what), "%.300s could not be read", d->path);
        rc = hds_h5_fail(err, what);
    }
    if (mem_space >= 0)
        (void)H5Sclose(mem_space);
    if (file_space >= 0)
        (void)H5Sclose(file_space);
    return rc;
}

static int too_many(const struct hds_dataset *d, uint64_t n, size_t elements_max,
                    struct gen_error *err)
{
    bool part = d->shape.rank > 0;
    return gen_fail(
        err, GEN_ELIMIT,
        "%.300s: %llu elements of %zu bytes are more than one answer holds (%zu values, "
        "%zu MB)%s",
        d->path, (unsigned long long)n, d->tree->size, elements_max, HDS_BYTES_MAX >> 20,
        part ? "; read a part with read_partial_dataset (start, count), or use "
               "hdf5_aggregate_stats or hdf5_stream_data"
             : "");
}

/* Prepares `out` for `n` elements of the type `file_type`, whose native form it uses. */
static int make_room(hid_t file_type, uint64_t n, size_t elements_max, struct hds_values *out,
                     bool *fits, struct gen_error *err)
{
    *out = (struct hds_values){.mem_type = H5I_INVALID_HID,
                               .reclaim_space = H5I_INVALID_HID,
                               .arena = gen_arena_make(HDS_BYTES_MAX)};
    int rc = hds_type_native(file_type, &out->mem_type, err);
    if (rc == GEN_OK)
        rc = hds_type_read(&out->arena, out->mem_type, &out->tree, err);
    if (rc)
        return rc;
    const char *why = hds_type_unsupported(out->tree);
    if (why)
        return gen_fail(err, GEN_EINPUT, "values of this element type cannot be read: %s", why);
    *fits = n <= elements_max / out->tree->n_leaves && n <= HDS_BYTES_MAX / out->tree->size;
    if (!*fits)
        return GEN_OK;
    out->n = (size_t)n;
    out->data = calloc(out->n ? out->n : 1, out->tree->size);
    return out->data ? GEN_OK : gen_nomem(err, "the values");
}

int hds_dataset_read(const struct hds_dataset *d, const struct hds_region *r, size_t elements_max,
                     struct hds_values *out, struct gen_error *err)
{
    bool fits = false;
    uint64_t n = hds_region_elements(d, r);
    int rc = hds_storage_check(d, err);
    if (rc)
        return rc;
    const char *why = hds_type_unsupported(d->tree);
    if (why)
        return gen_fail(err, GEN_EINPUT, "%.300s: values of this element type cannot be read: %s",
                        d->path, why);
    rc = make_room(d->type, n, elements_max, out, &fits, err);
    if (rc == GEN_OK && !fits)
        rc = too_many(d, n, elements_max, err);
    hid_t dxpl = H5I_INVALID_HID;
    if (rc == GEN_OK && n > 0) {
        dxpl = H5Pcreate(H5P_DATASET_XFER);
        if (dxpl < 0 ||
            H5Pset_vlen_mem_manager(dxpl, vlen_alloc, &out->arena, vlen_free, &out->arena) < 0)
            rc = hds_h5_fail(err, d->path);
    }
    if (rc == GEN_OK && n > 0)
        rc = read_into(d, r, out->mem_type, dxpl, out->data, err);
    if (dxpl >= 0)
        (void)H5Pclose(dxpl);
    if (rc) {
        hds_values_release(out);
        return rc;
    }
    out->rank = d->shape.rank;
    out->is_null = d->shape.space == H5S_NULL;
    memcpy(out->dims, r->count, out->rank * sizeof(out->dims[0]));
    return GEN_OK;
}

int hds_dataset_read_doubles(const struct hds_dataset *d, const struct hds_region *r, double *out,
                             size_t room, struct gen_error *err)
{
    if (hds_region_elements(d, r) > room)
        return gen_fail(err, GEN_ESTATE, "a region is larger than its buffer");
    return read_into(d, r, H5T_NATIVE_DOUBLE, H5P_DEFAULT, out, err);
}

int hds_attribute_read(hid_t attribute, size_t elements_max, struct hds_values *out,
                       struct gen_error *err)
{
    struct hds_shape shape;
    bool fits = false;
    hid_t type = H5Aget_type(attribute);
    hid_t space = H5Aget_space(attribute);
    int rc = type < 0 || space < 0 ? hds_h5_fail(err, "the attribute is damaged") : GEN_OK;
    if (rc == GEN_OK)
        rc = hds_shape_read(space, &shape, err);
    if (rc == GEN_OK) {
        rc = make_room(type, shape.n_elements, elements_max, out, &fits, err);
        if (rc == GEN_OK && !fits)
            rc = gen_fail(err, GEN_ELIMIT, "its %llu elements are more than one answer holds (%zu)",
                          (unsigned long long)shape.n_elements, elements_max);
        if (rc == GEN_OK && out->n && H5Aread(attribute, out->mem_type, out->data) < 0)
            rc = hds_h5_fail(err, "the attribute could not be read");
        else if (rc == GEN_OK && out->n && out->tree->has_vlen)
            out->reclaim_space = H5Scopy(space);
        if (rc) {
            hds_values_release(out);
        } else {
            out->rank = shape.rank;
            out->is_null = shape.space == H5S_NULL;
            memcpy(out->dims, shape.dims, sizeof(shape.dims));
        }
    }
    if (space >= 0)
        (void)H5Sclose(space);
    if (type >= 0)
        (void)H5Tclose(type);
    return rc;
}

void hds_values_release(struct hds_values *v)
{
    if (v->reclaim_space >= 0) {
        (void)H5Dvlen_reclaim(v->mem_type, v->reclaim_space, H5P_DEFAULT, v->data);
        (void)H5Sclose(v->reclaim_space);
    }
    v->reclaim_space = H5I_INVALID_HID;
    if (v->mem_type >= 0)
        (void)H5Tclose(v->mem_type);
    v->mem_type = H5I_INVALID_HID;
    free(v->data);
    v->data = NULL;
    gen_arena_release(&v->arena);
}
