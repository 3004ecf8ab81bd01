/* Where the files of a table are. Base paths stand in the manifest, which anybody may have written:
 * they are followed on request only. */
#include "dataset_int.h"

#include <inttypes.h>
#include <stdio.h>

int lnc_concat(const struct lnc_ctx *cx, const char *a, const char *b, const char *c, char **out)
{
    const char *part[3] = {a != NULL ? a : "", b != NULL ? b : "", c != NULL ? c : ""};
    size_t size[3];
    size_t total = 1;
    void *memory;
    for (size_t i = 0; i < 3; i++) {
        size[i] = strlen(part[i]);
        total += size[i];
    }
    int rc = lnc_alloc(cx, total, &memory);
    if (rc != LNC_OK)
        return rc;
    char *p = memory;
    for (size_t i = 0; i < 3; i++) {
        memcpy(p, part[i], size[i]);
        p += size[i];
    }
    *p = '\0';
    *out = memory;
    return LNC_OK;
}

int lnc_join(const struct lnc_ctx *cx, const char *dir, const char *folder, const char *name,
             char **out)
{
    char *path;
    int rc = lnc_concat(cx, dir, "/", folder, &path);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_concat(cx, path, "/", name, out);
    lnc_free(path);
    return rc;
}

bool lnc_path_is_plain(const char *path)
{
    bool ok = path[0] != '\0' && path[0] != '/';
    for (const char *p = path; ok && *p != '\0';) {
        size_t n = strcspn(p, "/");
        ok = n > 0 && !(n == 1 && p[0] == '.') && !(n == 2 && p[0] == '.' && p[1] == '.');
        p += n;
        if (*p == '/')
            p++;
    }
    return ok;
}

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* What follows the directory of a table of the same name in a base path of a branch: "" or
 * "/tree/<branch>"; NULL if the path is elsewhere. */
static const char *below_own_table(const struct lnc_dataset *ds, const char *path)
{
    static const char tree[] = "/tree/";
    const char *name = last_component(ds->root);
    size_t size = strlen(name);
    if (ds->branch[0] == '\0' || size == 0)
        return NULL;
    for (const char *p = strchr(path, '/'); p != NULL; p = strchr(p + 1, '/')) {
        if (strncmp(p + 1, name, size) != 0)
            continue;
        const char *rest = p + 1 + size;
        if (rest[0] == '\0')
            return rest;
        if (strncmp(rest, tree, sizeof tree - 1) == 0 && lnc_path_is_plain(rest + 1))
            return rest;
    }
    return NULL;
}

/* A way from the root, or one below the table; never one that climbs. */
static bool is_followed(const char *path)
{
    return lnc_path_is_plain(path[0] == '/' ? path + 1 : path);
}

static int outside_path(const struct lnc_ctx *cx, const struct lnc_dataset *ds,
                        const struct lnc_base *base, char **out)
{
    static const char scheme[] = "file://";
    const char *path = base->path;
    if (!ds->follow_base_paths)
        return lnc_fail_ctx(cx, LNC_EUNSUPPORTED,
                            "the table refers to files outside of its directory, in '%.150s' (base "
                            "paths, as shallow clones have them), which are only followed on "
                            "request (follow_base_paths)",
                            path);
    if (strncmp(path, scheme, sizeof scheme - 1) == 0)
        path += sizeof scheme - 1;
    if (strstr(path, "://") != NULL)
        return lnc_refuse(cx, "the table refers to files in the store '%.150s', which is not read",
                          path);
    if (!is_followed(path))
        return lnc_bad(cx, "the base path '%.150s' is no plain path", path);
    if (path[0] == '/')
        return lnc_concat(cx, path, NULL, NULL, out);
    return lnc_concat(cx, ds->root, "/", path, out);
}

static int directory_of(const struct lnc_ctx *cx, const struct lnc_dataset *ds,
                        struct lnc_base_ref ref, const char *folder, char **out)
{
    const struct lnc_base *base = NULL;
    char *dir = NULL;
    if (!ref.given)
        return lnc_concat(cx, ds->path, "/", folder, out);
    for (size_t i = 0; i < ds->manifest.n_bases && base == NULL; i++) {
        if (ds->manifest.bases[i].id == ref.id)
            base = &ds->manifest.bases[i];
    }
    if (base == NULL)
        return lnc_bad(cx, "a file is in base path %" PRIu32 ", which the manifest does not name",
                       ref.id);
    const char *own = ds->follow_base_paths ? NULL : below_own_table(ds, base->path);
    int rc =
        own != NULL ? lnc_concat(cx, ds->root, own, NULL, &dir) : outside_path(cx, ds, base, &dir);
    if (rc != LNC_OK)
        return rc;
    if (!base->is_dataset_root) {
        *out = dir;
        return LNC_OK;
    }
    rc = lnc_concat(cx, dir, "/", folder, out);
    lnc_free(dir);
    return rc;
}

static int path_in(const struct lnc_dataset *ds, struct lnc_base_ref ref, const char *folder,
                   const char *name, char **out, struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    char *dir;
    cx.file = ds->manifest_path;
    int rc = directory_of(&cx, ds, ref, folder, &dir);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_concat(&cx, dir, "/", name, out);
    lnc_free(dir);
    return rc;
}

int lnc_dataset_data_path(const struct lnc_dataset *ds, const struct lnc_data_file *file,
                          char **out, struct lnc_error *err)
{
    return path_in(ds, file->base, "data", file->path, out, err);
}

int lnc_dataset_deletion_path(const struct lnc_dataset *ds, const struct lnc_fragment *fragment,
                              char **out, struct lnc_error *err)
{
    const struct lnc_deletion_file *deletion = &fragment->deletion;
    char name[96];
    (void)snprintf(name, sizeof name, "%" PRIu64 "-%" PRIu64 "-%" PRIu64 "%s", fragment->id,
                   deletion->read_version, deletion->id, deletion->is_bitmap ? ".bin" : ".arrow");
    return path_in(ds, deletion->base, "_deletions", name, out, err);
}

static int check_base(const struct lnc_dataset *ds, struct lnc_base_ref ref, struct lnc_error *err)
{
    char *path;
    if (!ref.given)
        return LNC_OK;
    int rc = path_in(ds, ref, "data", "", &path, err);
    if (rc == LNC_OK)
        lnc_free(path);
    return rc;
}

int lnc_dataset_check_bases(const struct lnc_dataset *ds, struct lnc_error *err)
{
    int rc = LNC_OK;
    for (size_t i = 0; rc == LNC_OK && i < ds->manifest.n_fragments; i++) {
        const struct lnc_fragment *fragment = &ds->manifest.fragments[i];
        if (fragment->deletion.present)
            rc = check_base(ds, fragment->deletion.base, err);
        for (size_t k = 0; rc == LNC_OK && k < fragment->n_files; k++)
            rc = check_base(ds, fragment->files[k].base, err);
    }
    return rc;
}
