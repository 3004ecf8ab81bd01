/*
 * The current HDF5 file and the objects in it. Everything here runs in a worker process
 * (worker.h): libhdf5 may crash on a damaged file, and must not take the server with it.
 *
 * External links are never followed, filter plugins are never loaded. Values that lie outside the
 * file itself (external raw data, virtual datasets) are read only as hds_storage_check admits.
 */
#ifndef HDS_H5_H
#define HDS_H5_H

#include "base/error.h"
#include "base/str.h"
#include "roots.h"

#include <hdf5.h>

#define HDS_PATH_MAX 4096 /* bytes of an object's path */

struct hds_limits {
    size_t elements_max; /* values in one answer */
    bool writable;
};

struct hds_file {
    hid_t id; /* negative: no file is open */
    hid_t lapl;
    hid_t dapl;
    char path[PATH_MAX];
    bool refused_external; /* set by libhdf5's callback when a path leads over an external link */
    const struct hds_roots *roots;
    struct hds_limits limits;
};

/* Once a process: no error printing, no plugins, no environment that redirects paths. */
GEN_MUST_USE int hds_h5_start(struct gen_error *err);

/* Fails with "what: " and the innermost sentence of libhdf5's error stack, which is cleared. */
int hds_h5_fail(struct gen_error *err, const char *what);

/* Opens `real`, a path that roots.h has let through. `file->roots` and `limits` must be set. */
GEN_MUST_USE int hds_file_open(struct hds_file *file, const char *real, bool writable,
                               struct gen_error *err);
void hds_file_close(struct hds_file *file);

/* Writes `path` with one slash in front, none at the end, none doubled. GEN_EINPUT for NUL bytes
 * and what is too long. */
GEN_MUST_USE int hds_path_normal(struct gen_str path, char out[HDS_PATH_MAX],
                                 struct gen_error *err);

/* What is at the normal path `path`. When nothing is, the message names the nearest group above and
 * what is in it. */
GEN_MUST_USE int hds_object_type(struct hds_file *file, const char *path, H5O_type_t *type,
                                 struct gen_error *err);
/* Opens any object or a group; close with H5Oclose. */
GEN_MUST_USE int hds_object_open(struct hds_file *file, const char *path, hid_t *id,
                                 struct gen_error *err);
GEN_MUST_USE int hds_group_open(struct hds_file *file, const char *path, hid_t *id,
                                struct gen_error *err);

/* "dataset", "group", "named_datatype", "unknown". */
const char *hds_object_type_name(H5O_type_t type);

#endif
