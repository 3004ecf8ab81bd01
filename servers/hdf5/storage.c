#include "data.h"

#include <stdio.h>
#include <stdlib.h>

#define NESTING_MAX  4    /* virtual datasets made of virtual datasets */
#define MAPPINGS_MAX 4096 /* sources of a virtual dataset */

/* Relative names are beside the HDF5 file, because the dapl's prefix says so. */
static int check_external(const struct hds_dataset *d, hid_t dcpl, struct gen_error *err)
{
    int n = H5Pget_external_count(dcpl);
    for (int i = 0; i < n; i++) {
        char name[PATH_MAX] = {0};
        char whole[PATH_MAX];
        char real[PATH_MAX];
        if (H5Pget_external(dcpl, (unsigned)i, sizeof(name) - 1, name, NULL, NULL) < 0)
            return hds_h5_fail(err, d->path);
        const char *slash = strrchr(d->file->path, '/');
        int used =
            snprintf(whole, sizeof(whole), "%.*s%s",
                     name[0] == '/' ? 0 : (int)(slash + 1 - d->file->path), d->file->path, name);
        if (used < 0 || used >= PATH_MAX ||
            hds_roots_file(d->file->roots, gen_str_from(whole), real, NULL))
            return gen_fail(err, GEN_EINPUT,
                            "%.300s keeps its values in the external file \"%.200s\", which is "
                            "missing or outside the data directories",
                            d->path, name);
    }
    return GEN_OK;
}

static int check_dataset(const struct hds_dataset *d, unsigned depth, struct gen_error *err);

static int check_source(const struct hds_dataset *d, hid_t dcpl, size_t i, unsigned depth,
                        struct gen_error *err)
{
    char file[PATH_MAX] = {0};
    char name[HDS_PATH_MAX] = {0};
    struct hds_dataset source;
    if (H5Pget_virtual_filename(dcpl, i, file, sizeof(file)) < 0 ||
        H5Pget_virtual_dsetname(dcpl, i, name, sizeof(name)) < 0)
        return hds_h5_fail(err, d->path);
    if (strcmp(file, ".") != 0)
        return gen_fail(
            err, GEN_EINPUT,
            "%.300s is a virtual dataset over the file \"%.200s\"; only virtual datasets "
            "within one file are read: open that file and read %.200s there",
            d->path, file, name);
    if (strchr(name, '%'))
        return gen_fail(err, GEN_EINPUT,
                        "%.300s is a virtual dataset over a pattern of datasets (%.200s), which is "
                        "not read",
                        d->path, name);
    /* A source that is not there reads as the fill value. */
    if (hds_dataset_open(d->file, gen_str_from(name), &source, NULL))
        return d->file->refused_external
                   ? gen_fail(err, GEN_EINPUT, "%.300s is virtual over an external link", d->path)
                   : GEN_OK;
    int rc = check_dataset(&source, depth + 1, err);
    hds_dataset_close(&source);
    return rc;
}

static int check_virtual(const struct hds_dataset *d, hid_t dcpl, unsigned depth,
                         struct gen_error *err)
{
    size_t n = 0;
    if (H5Pget_virtual_count(dcpl, &n) < 0)
        return hds_h5_fail(err, d->path);
    if (n > MAPPINGS_MAX || depth >= NESTING_MAX)
        return gen_fail(err, GEN_ELIMIT,
                        "%.300s: virtual datasets of over %d sources, or nested over %d deep, are "
                        "not read",
                        d->path, MAPPINGS_MAX, NESTING_MAX);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < n; i++)
        rc = check_source(d, dcpl, i, depth, err);
    return rc;
}

/* A source of a virtual dataset is opened by libhdf5 without our prefix: no external data there.
 * Recursion is bounded by NESTING_MAX. */
static int check_dataset(const struct hds_dataset *d, unsigned depth, struct gen_error *err)
{
    hid_t dcpl = H5Dget_create_plist(d->id);
    if (dcpl < 0)
        return hds_h5_fail(err, d->path);
    int rc = GEN_OK;
    H5D_layout_t layout = H5Pget_layout(dcpl);
    if (layout == H5D_VIRTUAL)
        rc = check_virtual(d, dcpl, depth, err);
    else if (layout == H5D_CONTIGUOUS && H5Pget_external_count(dcpl) > 0)
        rc = depth ? gen_fail(err, GEN_EINPUT,
                              "%.300s, a source of a virtual dataset, keeps its values in an "
                              "external file, which is not read",
                              d->path)
                   : check_external(d, dcpl, err);
    (void)H5Pclose(dcpl);
    return rc;
}

int hds_storage_check(const struct hds_dataset *d, struct gen_error *err)
{
    return check_dataset(d, 0, err);
}
