/*
 * Datasets and attributes: what they are, and their values in memory. Sizes are checked before
 * anything is allocated; variable-length values come out of an arena with a ceiling.
 */
#ifndef HDS_DATA_H
#define HDS_DATA_H

#include "dtype.h"
#include "h5.h"

#define HDS_BYTES_MAX                                                                              \
    ((size_t)64 << 20) /* raw values in memory at once, and again for vlen data                    \
                        */

struct hds_shape {
    H5S_class_t space; /* H5S_SIMPLE, H5S_SCALAR, H5S_NULL */
    unsigned rank;
    hsize_t dims[H5S_MAX_RANK];
    hsize_t max_dims[H5S_MAX_RANK]; /* H5S_UNLIMITED where there is no limit */
    uint64_t n_elements;            /* UINT64_MAX when the product does not fit */
};

struct hds_dataset {
    hid_t id;
    hid_t type;
    hid_t space;
    struct hds_shape shape;
    struct gen_arena arena;
    struct hds_type *tree; /* of the type in the file; the dataset's */
    char path[HDS_PATH_MAX];
    struct hds_file *file;
};

/* A rectangle with steps. `count[i]` elements from `start[i]`, `stride[i]` apart. */
struct hds_region {
    hsize_t start[H5S_MAX_RANK];
    hsize_t count[H5S_MAX_RANK];
    hsize_t stride[H5S_MAX_RANK];
};

/* Values in memory: `n` elements of `tree->size` bytes, in row-major order. */
struct hds_values {
    unsigned char *data;
    size_t n;
    unsigned rank;
    hsize_t dims[H5S_MAX_RANK];
    bool is_null; /* of a null dataspace: there is no value */
    struct hds_type *tree;
    struct gen_arena arena;
    hid_t mem_type;
    hid_t reclaim_space; /* attributes: variable-length data is libhdf5's */
};

/* `path` as the client gave it. GEN_EINPUT when it is no dataset. */
GEN_MUST_USE int hds_dataset_open(struct hds_file *f, struct gen_str path, struct hds_dataset *d,
                                  struct gen_error *err);
void hds_dataset_close(struct hds_dataset *d);

/* Fills `shape` from a dataspace. */
GEN_MUST_USE int hds_shape_read(hid_t space, struct hds_shape *shape, struct gen_error *err);
/* Bytes of all elements, or UINT64_MAX. */
uint64_t hds_dataset_bytes(const struct hds_dataset *d);

/* GEN_EINPUT when reading the values would touch a file outside of what the roots admit, or one
 * whose place libhdf5 chooses itself. Reading functions ask this themselves. */
GEN_MUST_USE int hds_storage_check(const struct hds_dataset *d, struct gen_error *err);

/* All elements. */
void hds_region_whole(const struct hds_dataset *d, struct hds_region *r);
/* Number of elements, or UINT64_MAX. */
uint64_t hds_region_elements(const struct hds_dataset *d, const struct hds_region *r);

/* Reads a region into memory of our making; hds_values_release. GEN_ELIMIT when it has more than
 * `elements_max` single values or HDS_BYTES_MAX bytes; the message says how to read a part. */
GEN_MUST_USE int hds_dataset_read(const struct hds_dataset *d, const struct hds_region *r,
                                  size_t elements_max, struct hds_values *out,
                                  struct gen_error *err);
/* Reads a region of numbers as doubles into `out`, which has room for `room` of them. */
GEN_MUST_USE int hds_dataset_read_doubles(const struct hds_dataset *d, const struct hds_region *r,
                                          double *out, size_t room, struct gen_error *err);
/* Reads a whole attribute. */
GEN_MUST_USE int hds_attribute_read(hid_t attribute, size_t elements_max, struct hds_values *out,
                                    struct gen_error *err);
void hds_values_release(struct hds_values *v);

#endif
