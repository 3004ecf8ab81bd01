/*
 * What the tools are made of: a function that reads the arguments, which the server has checked
 * against the tool's schema, and fills the answer. A failure is a sentence for the model. All run
 * in a worker process.
 */
#ifndef HDS_TOOL_H
#define HDS_TOOL_H

#include "value.h"

#define HDS_OBJECTS_MAX 10000 /* objects that one call walks over */

struct hds_call {
    struct hds_file *file;
    const struct gen_json *args; /* NULL: none were given */
    struct gen_jb *jb;
    struct gen_jmut *out; /* the answer, an object; stays as it is when the tool fails */
    void (*progress)(void *ud, uint64_t done, uint64_t total);
    void *ud;
};

typedef int hds_tool_fn(struct hds_call *c, struct gen_error *err);

hds_tool_fn hds_tool_open_file, hds_tool_scan_file; /* run on behalf of session.h */
hds_tool_fn hds_tool_get_by_path, hds_tool_list_keys, hds_tool_visit;
hds_tool_fn hds_tool_read_full_dataset, hds_tool_read_partial_dataset, hds_tool_batch_read;
hds_tool_fn hds_tool_get_shape, hds_tool_get_dtype, hds_tool_get_size, hds_tool_get_chunks;
hds_tool_fn hds_tool_read_attribute, hds_tool_list_attributes;
hds_tool_fn hds_tool_stream_data, hds_tool_aggregate_stats;
hds_tool_fn hds_tool_analyze_structure, hds_tool_find_similar, hds_tool_suggest_next;
hds_tool_fn hds_tool_identify_bottlenecks, hds_tool_optimize_access;
hds_tool_fn hds_tool_export_dataset;

/* The tool that runs in a worker under this name, or NULL. */
hds_tool_fn *hds_tool_find(struct gen_str name);

/* Arguments. The defaults are those of configs/hdf5_tools.json. */
struct gen_str hds_arg_str(const struct hds_call *c, const char *name, const char *otherwise);
int64_t hds_arg_int(const struct hds_call *c, const char *name, int64_t otherwise);
double hds_arg_real(const struct hds_call *c, const char *name, double otherwise);

/* `start`, `count`, `stride` of the arguments as a region of `d`. GEN_EINPUT says which dimension
 * is out of bounds. */
GEN_MUST_USE int hds_arg_region(const struct hds_call *c, const struct hds_dataset *d,
                                struct hds_region *r, struct gen_error *err);

static inline void hds_progress(const struct hds_call *c, uint64_t done, uint64_t total)
{
    if (c->progress)
        c->progress(c->ud, done, total);
}

/* "n_not_finite", when there are any. */
void hds_put_not_finite(struct hds_call *c, struct gen_jmut *o, uint64_t n);
/* "values" or another `key`, and what belongs to it. */
GEN_MUST_USE int hds_put_values(struct hds_call *c, struct gen_jmut *o, const char *key,
                                const struct hds_values *v, hid_t loc, struct gen_error *err);

/* "contiguous", "chunked", "compact", "virtual", "unknown". */
const char *hds_layout_name(H5D_layout_t layout);

struct hds_storage {
    H5D_layout_t layout;
    hsize_t chunk[H5S_MAX_RANK];
    uint64_t chunk_bytes;
    uint64_t n_chunks; /* that cover the dataset */
    uint64_t stored_bytes;
    int deflate_level; /* -1: no gzip */
    bool shuffle;
    unsigned n_filters;
    char missing_filter[64]; /* one that this libhdf5 does not have */
};
/* How the values of `d` are stored. `filters` (an array) gets one object a filter; may be NULL. */
GEN_MUST_USE int hds_storage_read(const struct hds_dataset *d, struct hds_storage *s,
                                  struct gen_jb *jb, struct gen_jmut *filters,
                                  struct gen_error *err);

/* One thing met on a walk. */
struct hds_met {
    const char *name;            /* relative to the start */
    const char *path;            /* absolute */
    const char *kind;            /* "group", "dataset", ..., "soft_link" */
    struct hds_dataset *dataset; /* datasets only; closed after the visit */
    const char *target;          /* links only */
    unsigned depth;              /* 1: a member of the start */
    const char *why;             /* an object that could not be opened: kind is "unknown" */
    int64_t n_attributes;
    int64_t n_members; /* groups */
    bool again;        /* an object that was met before under another name */
};
/* Walks over everything below the group `path` in alphabetical order, at most HDS_OBJECTS_MAX
 * things, each group once. `*truncated` tells that there was more. */
GEN_MUST_USE int hds_walk(struct hds_file *f, const char *path, bool deep,
                          int (*visit)(void *ud, const struct hds_met *met, struct gen_error *err),
                          void *ud, bool *truncated, struct gen_error *err);

/* What a tool fails with that had several objects to look at and could not look at any: "none of
 * the 2 datasets could be read; the first: ...". Some failures among successes are part of the
 * answer. */
GEN_MUST_USE int hds_none_worked(size_t n, const char *what, const struct gen_error *first,
                                 struct gen_error *err);

#endif
