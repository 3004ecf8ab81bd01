/* analyze_dataset_structure, and the worker's part of hdf5_parallel_scan. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LARGEST_MAX 5
#define TYPES_MAX   64

struct tally {
    char name[80];
    uint64_t n;
};

struct large {
    uint64_t bytes;
    struct gen_jmut *value;
};

struct structure {
    struct hds_call *call;
    uint64_t n_groups, n_datasets, n_links, n_attributes, bytes, stored;
    uint64_t bytes_stored; /* uncompressed, of datasets that take room in the file */
    unsigned max_depth;
    struct tally types[TYPES_MAX];
    size_t n_types;
    struct tally layouts[5];
    size_t n_layouts;
    struct large largest[LARGEST_MAX];
    size_t n_largest;
};

/* What does not fit into the table is counted under "other types". */
static void count(struct tally *tallies, size_t *n, size_t room, const char *name)
{
    for (size_t i = 0; i < *n; i++) {
        if (strncmp(tallies[i].name, name, sizeof(tallies[i].name) - 1) == 0) {
            tallies[i].n++;
            return;
        }
    }
    if (*n == room) {
        (void)snprintf(tallies[room - 1].name, sizeof(tallies[0].name), "other types");
        tallies[room - 1].n++;
        return;
    }
    (void)snprintf(tallies[*n].name, sizeof(tallies[0].name), "%s", name);
    tallies[*n].n = 1;
    ++*n;
}

static int by_count(const void *a, const void *b)
{
    const struct tally *x = a;
    const struct tally *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void put_tallies(struct hds_call *c, const char *key, const char *name_key,
                        struct tally *tallies, size_t n)
{
    struct gen_jmut *array = gen_jb_array(c->jb);
    if (n)
        qsort(tallies, n, sizeof(tallies[0]), by_count);
    for (size_t i = 0; i < n; i++) {
        struct gen_jmut *o = gen_jb_object(c->jb);
        hds_put_text(c->jb, o, name_key, tallies[i].name);
        hds_put_u64(c->jb, o, "n_datasets", tallies[i].n);
        gen_jb_append(c->jb, array, o);
    }
    gen_jb_put(c->jb, c->out, key, array);
}

static int note_large(struct structure *s, const struct hds_dataset *d,
                      const struct hds_storage *storage, struct gen_error *err)
{
    struct gen_jb *jb = s->call->jb;
    uint64_t bytes = hds_dataset_bytes(d);
    size_t at = s->n_largest;
    while (at > 0 && s->largest[at - 1].bytes < bytes)
        at--;
    if (at == LARGEST_MAX)
        return GEN_OK;
    struct gen_jmut *o = gen_jb_object(jb);
    hds_put_text(jb, o, "path", d->path);
    hds_put_shape(jb, o, "shape", &d->shape);
    int rc = hds_put_dtype(jb, o, d->tree, err);
    hds_put_u64(jb, o, "size_bytes", bytes);
    hds_put_u64(jb, o, "storage_bytes", storage->stored_bytes);
    gen_jb_put_cstr(jb, o, "layout", hds_layout_name(storage->layout));
    size_t last = s->n_largest < LARGEST_MAX ? s->n_largest++ : LARGEST_MAX - 1;
    for (size_t i = last; i > at; i--)
        s->largest[i] = s->largest[i - 1];
    s->largest[at] = (struct large){bytes, o};
    return rc;
}

static int add_dataset(struct structure *s, const struct hds_dataset *d, struct gen_error *err)
{
    struct hds_storage storage;
    struct gen_buf name = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = hds_storage_read(d, &storage, NULL, NULL, err);
    if (rc == GEN_OK)
        rc = hds_type_name(d->tree, &name, err);
    if (rc == GEN_OK) {
        count(s->types, &s->n_types, TYPES_MAX, name.data);
        count(s->layouts, &s->n_layouts, 5, hds_layout_name(storage.layout));
        s->n_datasets++;
        uint64_t bytes = hds_dataset_bytes(d);
        if (__builtin_add_overflow(s->bytes, bytes, &s->bytes))
            s->bytes = UINT64_MAX;
        s->stored += storage.stored_bytes;
        if (storage.stored_bytes && bytes <= UINT64_MAX - s->bytes_stored)
            s->bytes_stored += bytes;
        rc = note_large(s, d, &storage, err);
    }
    gen_buf_release(&name);
    return rc;
}

static int add_met(void *ud, const struct hds_met *met, struct gen_error *err)
{
    struct structure *s = ud;
    if (met->depth > s->max_depth)
        s->max_depth = met->depth;
    /* A second name of an object counts as a link. */
    if (met->target || met->again || gen_str_ends(gen_str_from(met->kind), GEN_STR("_link"))) {
        s->n_links++;
        return GEN_OK;
    }
    s->n_attributes += (uint64_t)met->n_attributes;
    if (met->dataset)
        return add_dataset(s, met->dataset, err);
    s->n_groups += strcmp(met->kind, "group") == 0;
    return GEN_OK;
}

static int survey(struct hds_call *c, const char *path, H5O_type_t type, struct structure *s,
                  bool *truncated, struct gen_error *err)
{
    struct hds_dataset d;
    H5O_info_t info;
    s->call = c;
    if (H5Oget_info_by_name2(c->file->id, path, &info, H5O_INFO_NUM_ATTRS, c->file->lapl) < 0)
        return hds_h5_fail(err, path);
    s->n_attributes = info.num_attrs;
    if (type == H5O_TYPE_GROUP)
        return hds_walk(c->file, path, true, add_met, s, truncated, err);
    if (type != H5O_TYPE_DATASET)
        return GEN_OK;
    int rc = hds_dataset_open(c->file, gen_str_from(path), &d, err);
    if (rc)
        return rc;
    rc = add_dataset(s, &d, err);
    hds_dataset_close(&d);
    return rc;
}

int hds_tool_analyze_structure(struct hds_call *c, struct gen_error *err)
{
    char path[HDS_PATH_MAX];
    H5O_type_t type;
    bool truncated = false;
    int rc = hds_path_normal(hds_arg_str(c, "path", "/"), path, err);
    if (rc == GEN_OK)
        rc = hds_object_type(c->file, path, &type, err);
    if (rc)
        return rc;
    struct structure s = {0};
    rc = survey(c, path, type, &s, &truncated, err);
    if (rc)
        return rc;
    hds_put_text(c->jb, c->out, "path", path);
    hds_put_text(c->jb, c->out, "type", hds_object_type_name(type));
    hds_put_u64(c->jb, c->out, "n_groups", s.n_groups);
    hds_put_u64(c->jb, c->out, "n_datasets", s.n_datasets);
    hds_put_u64(c->jb, c->out, "n_links", s.n_links);
    hds_put_u64(c->jb, c->out, "n_attributes", s.n_attributes);
    gen_jb_put_int(c->jb, c->out, "max_depth", s.max_depth);
    hds_put_u64(c->jb, c->out, "size_bytes", s.bytes);
    hds_put_u64(c->jb, c->out, "storage_bytes", s.stored);
    gen_jb_put(c->jb, c->out, "compression_ratio",
               s.stored ? gen_jb_real(c->jb, (double)s.bytes_stored / (double)s.stored)
                        : gen_jb_null(c->jb));
    put_tallies(c, "dtypes", "dtype", s.types, s.n_types);
    put_tallies(c, "layouts", "layout", s.layouts, s.n_layouts);
    struct gen_jmut *largest = gen_jb_array(c->jb);
    for (size_t i = 0; i < s.n_largest; i++)
        gen_jb_append(c->jb, largest, s.largest[i].value);
    gen_jb_put(c->jb, c->out, "largest", largest);
    gen_jb_put_bool(c->jb, c->out, "truncated", truncated);
    return GEN_OK;
}

/* {"path": real path}: opens the file, counts, closes. */
int hds_tool_scan_file(struct hds_call *c, struct gen_error *err)
{
    char real[PATH_MAX];
    bool truncated = false;
    struct structure s = {0};
    int rc = hds_roots_file(c->file->roots, hds_arg_str(c, "path", ""), real, err);
    if (rc)
        return rc;
    hds_file_close(c->file);
    rc = hds_file_open(c->file, real, false, err);
    if (rc)
        return rc;
    rc = survey(c, "/", H5O_TYPE_GROUP, &s, &truncated, err);
    hds_file_close(c->file);
    if (rc)
        return rc;
    hds_put_u64(c->jb, c->out, "n_datasets", s.n_datasets);
    hds_put_u64(c->jb, c->out, "n_groups", s.n_groups);
    hds_put_u64(c->jb, c->out, "data_bytes", s.bytes);
    return GEN_OK;
}
