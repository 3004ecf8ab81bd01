#include "h5.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK_CACHE_BYTES ((size_t)32 << 20)
#define CHUNK_CACHE_SLOTS 12421U /* a prime well over the number of chunks that fit */
#define NAMES_SHOWN       12

int hds_h5_start(struct gen_error *err)
{
    static const char *const redirecting[] = {"HDF5_EXT_PREFIX",    "HDF5_EXTFILE_PREFIX",
                                              "HDF5_VDS_PREFIX",    "HDF5_DRIVER",
                                              "HDF5_VOL_CONNECTOR", "HDF5_PLUGIN_PATH"};
    for (size_t i = 0; i < sizeof(redirecting) / sizeof(redirecting[0]); i++)
        (void)unsetenv(redirecting[i]);
    if (H5open() < 0 || H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0 || H5PLset_loading_state(0) < 0)
        return gen_fail(err, GEN_EIO, "libhdf5 could not be started");
    return GEN_OK;
}

struct first_error {
    char text[400];
};

static herr_t take_innermost(unsigned n, const H5E_error2_t *e, void *ud)
{
    struct first_error *first = ud;
    if (n == 0 && e->desc)
        (void)snprintf(first->text, sizeof(first->text), "%s", e->desc);
    return 0;
}

int hds_h5_fail(struct gen_error *err, const char *what)
{
    struct first_error first = {{0}};
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, &first);
    (void)H5Eclear2(H5E_DEFAULT);
    return gen_fail(err, GEN_EINPUT, "%s: %s", what,
                    first.text[0] ? first.text : "libhdf5 gives no reason");
}

/* libhdf5 asks this before it follows an external link. */
static herr_t refuse_external(const char *parent_file, const char *parent_group, const char *file,
                              const char *object, unsigned *flags, hid_t fapl, void *ud)
{
    (void)parent_file;
    (void)parent_group;
    (void)file;
    (void)object;
    (void)flags;
    (void)fapl;
    struct hds_file *f = ud;
    f->refused_external = true;
    return -1;
}

static int make_lists(struct hds_file *f, hid_t *fapl, struct gen_error *err)
{
    f->lapl = H5Pcreate(H5P_LINK_ACCESS);
    f->dapl = H5Pcreate(H5P_DATASET_ACCESS);
    *fapl = H5Pcreate(H5P_FILE_ACCESS);
    bool ok = f->lapl >= 0 && f->dapl >= 0 && *fapl >= 0 &&
              H5Pset_elink_cb(f->lapl, refuse_external, f) >= 0 &&
              H5Pset_elink_cb(f->dapl, refuse_external, f) >= 0 &&
              H5Pset_efile_prefix(f->dapl, "${ORIGIN}") >= 0 &&
              H5Pset_cache(*fapl, 0, CHUNK_CACHE_SLOTS, CHUNK_CACHE_BYTES, 0.75) >= 0 &&
              H5Pset_fclose_degree(*fapl, H5F_CLOSE_STRONG) >= 0 &&
              H5Pset_file_locking(*fapl, 1, 1) >= 0;
    return ok ? GEN_OK : hds_h5_fail(err, "libhdf5's property lists could not be made");
}

int hds_file_open(struct hds_file *f, const char *real, bool writable, struct gen_error *err)
{
    hid_t fapl = H5I_INVALID_HID;
    f->id = H5I_INVALID_HID;
    f->lapl = H5I_INVALID_HID;
    f->dapl = H5I_INVALID_HID;
    int rc = make_lists(f, &fapl, err);
    if (rc == GEN_OK) {
        (void)snprintf(f->path, sizeof(f->path), "%s", real);
        f->id = H5Fopen(real, writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, fapl);
        if (f->id < 0)
            rc = hds_h5_fail(err, "the file could not be opened as HDF5");
    }
    if (fapl >= 0)
        (void)H5Pclose(fapl);
    if (rc)
        hds_file_close(f);
    return rc;
}

void hds_file_close(struct hds_file *f)
{
    if (f->id >= 0)
        (void)H5Fclose(f->id);
    if (f->lapl >= 0)
        (void)H5Pclose(f->lapl);
    if (f->dapl >= 0)
        (void)H5Pclose(f->dapl);
    f->id = H5I_INVALID_HID;
    f->lapl = H5I_INVALID_HID;
    f->dapl = H5I_INVALID_HID;
    (void)H5Eclear2(H5E_DEFAULT);
}

int hds_path_normal(struct gen_str path, char out[HDS_PATH_MAX], struct gen_error *err)
{
    size_t n = 0;
    if (path.n + 2 > HDS_PATH_MAX)
        return gen_fail(err, GEN_EINPUT, "a path in the file must have at most %d bytes",
                        HDS_PATH_MAX - 2);
    if (path.n && memchr(path.p, '\0', path.n))
        return gen_fail(err, GEN_EINPUT, "a path in the file must not contain a NUL character");
    out[n++] = '/';
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] != '/' || out[n - 1] != '/')
            out[n++] = path.p[i];
    }
    while (n > 1 && out[n - 1] == '/')
        n--;
    out[n] = '\0';
    return GEN_OK;
}

const char *hds_object_type_name(H5O_type_t type)
{
    switch (type) {
    case H5O_TYPE_DATASET:
        return "dataset";
    case H5O_TYPE_GROUP:
        return "group";
    case H5O_TYPE_NAMED_DATATYPE:
        return "named_datatype";
    default:
        return "unknown";
    }
}

struct names {
    char text[600];
    size_t n;
    size_t shown;
};

static herr_t note_name(hid_t group, const char *name, const H5L_info_t *info, void *ud)
{
    (void)group;
    (void)info;
    struct names *names = ud;
    if (names->shown == NAMES_SHOWN)
        return 1;
    int n = snprintf(names->text + names->n, sizeof(names->text) - names->n, "%s%.40s",
                     names->n ? ", " : "", name);
    if (n < 0 || (size_t)n >= sizeof(names->text) - names->n)
        return 1;
    names->n += (size_t)n;
    names->shown++;
    return 0;
}

/* Names the nearest group above and its members, so that the caller can mend the path. */
static int not_found(struct hds_file *f, const char *path, struct gen_error *err)
{
    char above[HDS_PATH_MAX];
    struct names names = {{0}, 0, 0};
    H5O_info_t info;
    (void)H5Eclear2(H5E_DEFAULT);
    memcpy(above, path, strlen(path) + 1);
    do {
        char *slash = strrchr(above, '/');
        slash[slash == above ? 1 : 0] = '\0';
        f->refused_external = false;
        if (H5Oget_info_by_name2(f->id, above, &info, H5O_INFO_BASIC, f->lapl) >= 0)
            break;
    } while (above[1]);
    (void)H5Eclear2(H5E_DEFAULT);
    if (strcmp(above, path) == 0 ||
        H5Oget_info_by_name2(f->id, above, &info, H5O_INFO_BASIC, f->lapl) < 0)
        return hds_h5_fail(err, "the root group cannot be read, so the file is damaged");
    if (info.type != H5O_TYPE_GROUP)
        return gen_fail(err, GEN_EINPUT, "no object %.300s: %.300s is a %s and has no members",
                        path, above, hds_object_type_name(info.type));
    hsize_t at = 0;
    herr_t more = H5Literate_by_name(f->id, above, H5_INDEX_NAME, H5_ITER_INC, &at, note_name,
                                     &names, f->lapl);
    (void)H5Eclear2(H5E_DEFAULT);
    return gen_fail(err, GEN_EINPUT, "no object %.300s: the group %.300s has %s%s", path, above,
                    names.n ? names.text : "no members", more > 0 ? ", ..." : "");
}

int hds_object_type(struct hds_file *f, const char *path, H5O_type_t *type, struct gen_error *err)
{
    H5O_info_t info;
    H5L_info_t link;
    f->refused_external = false;
    if (H5Oget_info_by_name2(f->id, path, &info, H5O_INFO_BASIC, f->lapl) >= 0) {
        *type = info.type;
        return GEN_OK;
    }
    if (f->refused_external) {
        (void)H5Eclear2(H5E_DEFAULT);
        return gen_fail(err, GEN_EINPUT,
                        "%.300s leads over an external link into another file, which is not "
                        "followed; open that file with open_file",
                        path);
    }
    if (path[1] && H5Lget_info(f->id, path, &link, f->lapl) >= 0) {
        char target[HDS_PATH_MAX] = {0};
        if (link.type == H5L_TYPE_HARD)
            return gen_fail(err, GEN_EINPUT, "the object %.300s is damaged", path);
        if (link.type == H5L_TYPE_SOFT && link.u.val_size < sizeof(target) &&
            H5Lget_val(f->id, path, target, sizeof(target) - 1, f->lapl) >= 0)
            return gen_fail(err, GEN_EINPUT,
                            "%.300s is a soft link to \"%.300s\", where there is nothing", path,
                            target);
        return gen_fail(err, GEN_EINPUT, "%.300s is a link that cannot be followed", path);
    }
    return not_found(f, path, err);
}

int hds_object_open(struct hds_file *f, const char *path, hid_t *id, struct gen_error *err)
{
    H5O_type_t type = H5O_TYPE_UNKNOWN;
    int rc = hds_object_type(f, path, &type, err);
    if (rc)
        return rc;
    *id = H5Oopen(f->id, path, f->lapl);
    return *id >= 0 ? GEN_OK : hds_h5_fail(err, path);
}

int hds_group_open(struct hds_file *f, const char *path, hid_t *id, struct gen_error *err)
{
    H5O_type_t type = H5O_TYPE_UNKNOWN;
    int rc = hds_object_type(f, path, &type, err);
    if (rc)
        return rc;
    if (type != H5O_TYPE_GROUP)
        return gen_fail(err, GEN_EINPUT, "%.300s is a %s, not a group", path,
                        hds_object_type_name(type));
    *id = H5Oopen(f->id, path, f->lapl);
    return *id >= 0 ? GEN_OK : hds_h5_fail(err, path);
}
