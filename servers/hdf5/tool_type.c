/* get_dtype, get_chunks, and how values are stored. */
#include "tool.h"

#include <stdio.h>

static const char *class_name(hid_t type)
{
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        return "integer";
    case H5T_FLOAT:
        return "float";
    case H5T_TIME:
        return "time";
    case H5T_STRING:
        return "string";
    case H5T_BITFIELD:
        return "bitfield";
    case H5T_OPAQUE:
        return "opaque";
    case H5T_COMPOUND:
        return "compound";
    case H5T_REFERENCE:
        return "reference";
    case H5T_ENUM:
        return "enum";
    case H5T_VLEN:
        return "vlen";
    case H5T_ARRAY:
        return "array";
    default:
        return "unknown";
    }
}

static const char *byte_order(hid_t type)
{
    switch (H5Tget_order(type)) {
    case H5T_ORDER_LE:
        return "little";
    case H5T_ORDER_BE:
        return "big";
    case H5T_ORDER_MIXED:
        return "mixed";
    default:
        return NULL;
    }
}

static int put_members(struct hds_call *c, const struct hds_type *t, struct gen_error *err)
{
    struct gen_jmut *array = gen_jb_array(c->jb);
    bool compound = t->kind == HDS_COMPOUND;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < t->n_members; i++) {
        struct gen_jmut *o = gen_jb_object(c->jb);
        hds_put_text(c->jb, o, "name", t->members[i].name);
        if (compound) {
            rc = hds_put_dtype(c->jb, o, t->members[i].type, err);
            hds_put_u64(c->jb, o, "offset", t->members[i].offset);
        } else {
            gen_jb_put_int(c->jb, o, "value", t->members[i].value);
        }
        gen_jb_append(c->jb, array, o);
    }
    gen_jb_put(c->jb, c->out, compound ? "fields" : "members", array);
    return rc;
}

int hds_tool_get_dtype(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset d;
    int rc = hds_dataset_open(c->file, hds_arg_str(c, "path", ""), &d, err);
    if (rc)
        return rc;
    hds_put_text(c->jb, c->out, "path", d.path);
    rc = hds_put_dtype(c->jb, c->out, d.tree, err);
    gen_jb_put_cstr(c->jb, c->out, "class", class_name(d.type));
    hds_put_u64(c->jb, c->out, "size_bytes", d.tree->size);
    const char *order = byte_order(d.type);
    (void)H5Eclear2(H5E_DEFAULT);
    if (order && d.tree->kind != HDS_STRING && d.tree->kind != HDS_STRING_VLEN)
        gen_jb_put_cstr(c->jb, c->out, "byte_order", order);
    if (rc == GEN_OK && d.tree->n_members)
        rc = put_members(c, d.tree, err);
    hds_dataset_close(&d);
    return rc;
}

const char *hds_layout_name(H5D_layout_t layout)
{
    switch (layout) {
    case H5D_CONTIGUOUS:
        return "contiguous";
    case H5D_CHUNKED:
        return "chunked";
    case H5D_COMPACT:
        return "compact";
    case H5D_VIRTUAL:
        return "virtual";
    default:
        return "unknown";
    }
}

static const char *filter_name(H5Z_filter_t id, const char *stored)
{
    switch (id) {
    case H5Z_FILTER_DEFLATE:
        return "gzip";
    case H5Z_FILTER_SHUFFLE:
        return "shuffle";
    case H5Z_FILTER_FLETCHER32:
        return "fletcher32";
    case H5Z_FILTER_SZIP:
        return "szip";
    case H5Z_FILTER_NBIT:
        return "nbit";
    case H5Z_FILTER_SCALEOFFSET:
        return "scaleoffset";
    default:
        return stored[0] ? stored : "unknown";
    }
}

static int read_filter(hid_t dcpl, unsigned i, struct hds_storage *s, struct gen_jb *jb,
                       struct gen_jmut *filters, struct gen_error *err)
{
    unsigned flags = 0;
    unsigned values[16] = {0};
    size_t n_values = 16;
    char stored[64] = {0};
    unsigned config = 0;
    H5Z_filter_t id =
        H5Pget_filter2(dcpl, i, &flags, &n_values, values, sizeof(stored) - 1, stored, &config);
    if (id < 0)
        return hds_h5_fail(err, "the filters of the dataset are damaged");
    const char *name = filter_name(id, stored);
    bool available = H5Zfilter_avail(id) > 0;
    s->shuffle = s->shuffle || id == H5Z_FILTER_SHUFFLE;
    if (id == H5Z_FILTER_DEFLATE)
        s->deflate_level = (int)(values[0] % 10);
    if (!available)
        (void)snprintf(s->missing_filter, sizeof(s->missing_filter), "%.40s (%d)", name, (int)id);
    if (!filters)
        return GEN_OK;
    struct gen_jmut *o = gen_jb_object(jb);
    struct gen_jmut *parameters = gen_jb_array(jb);
    /* Some filters keep private numbers behind the first; gzip's only one is its level. */
    for (size_t k = 0; k < n_values && k < 16; k++)
        gen_jb_append(jb, parameters, gen_jb_int(jb, values[k]));
    hds_put_text(jb, o, "name", name);
    gen_jb_put_int(jb, o, "id", id);
    gen_jb_put(jb, o, "parameters", parameters);
    gen_jb_put_bool(jb, o, "available", available);
    gen_jb_append(jb, filters, o);
    return GEN_OK;
}

static int read_chunk(const struct hds_dataset *d, hid_t dcpl, struct hds_storage *s,
                      struct gen_error *err)
{
    int rank = H5Pget_chunk(dcpl, H5S_MAX_RANK, s->chunk);
    if (rank < 0 || (unsigned)rank != d->shape.rank)
        return hds_h5_fail(err, "the chunk shape is damaged");
    s->chunk_bytes = d->tree->size;
    s->n_chunks = 1;
    for (unsigned i = 0; i < d->shape.rank; i++) {
        if (s->chunk[i] == 0)
            return gen_fail(err, GEN_EINPUT, "the chunk shape is damaged");
        uint64_t along = d->shape.dims[i] / s->chunk[i] + (d->shape.dims[i] % s->chunk[i] != 0);
        if (__builtin_mul_overflow(s->chunk_bytes, (uint64_t)s->chunk[i], &s->chunk_bytes))
            s->chunk_bytes = UINT64_MAX;
        if (__builtin_mul_overflow(s->n_chunks, along, &s->n_chunks))
            s->n_chunks = UINT64_MAX;
    }
    return GEN_OK;
}

int hds_storage_read(const struct hds_dataset *d, struct hds_storage *s, struct gen_jb *jb,
                     struct gen_jmut *filters, struct gen_error *err)
{
    *s = (struct hds_storage){.layout = H5D_LAYOUT_ERROR, .deflate_level = -1};
    hid_t dcpl = H5Dget_create_plist(d->id);
    if (dcpl < 0)
        return hds_h5_fail(err, d->path);
    int rc = GEN_OK;
    s->layout = H5Pget_layout(dcpl);
    s->stored_bytes = H5Dget_storage_size(d->id);
    if (s->layout == H5D_CHUNKED)
        rc = read_chunk(d, dcpl, s, err);
    int n = H5Pget_nfilters(dcpl);
    s->n_filters = n > 0 ? (unsigned)n : 0;
    for (unsigned i = 0; rc == GEN_OK && i < s->n_filters; i++)
        rc = read_filter(dcpl, i, s, jb, filters, err);
    (void)H5Pclose(dcpl);
    (void)H5Eclear2(H5E_DEFAULT);
    return rc;
}

int hds_tool_get_chunks(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset d;
    struct hds_storage s;
    int rc = hds_dataset_open(c->file, hds_arg_str(c, "path", ""), &d, err);
    if (rc)
        return rc;
    struct gen_jmut *filters = gen_jb_array(c->jb);
    rc = hds_storage_read(&d, &s, c->jb, filters, err);
    if (rc == GEN_OK) {
        hds_put_text(c->jb, c->out, "path", d.path);
        gen_jb_put_cstr(c->jb, c->out, "layout", hds_layout_name(s.layout));
        gen_jb_put_bool(c->jb, c->out, "chunked", s.layout == H5D_CHUNKED);
        if (s.layout == H5D_CHUNKED) {
            hds_put_dims(c->jb, c->out, "chunk_shape", s.chunk, d.shape.rank);
            hds_put_u64(c->jb, c->out, "chunk_bytes", s.chunk_bytes);
            hds_put_u64(c->jb, c->out, "n_chunks", s.n_chunks);
        }
        gen_jb_put(c->jb, c->out, "filters", filters);
    }
    hds_dataset_close(&d);
    return rc;
}
