#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

struct walk {
    struct hds_file *file;
    const char *start;
    int (*visit)(void *ud, const struct hds_met *met, struct gen_error *err);
    void *ud;
    struct gen_error *err;
    haddr_t *seen; /* addresses of objects with several hard links */
    size_t n_seen;
    size_t n;
    int rc;
    bool truncated;
};

static bool seen_before(struct walk *w, const H5O_info_t *info)
{
    if (info->rc < 2)
        return false;
    for (size_t i = 0; i < w->n_seen; i++) {
        if (w->seen[i] == info->addr)
            return true;
    }
    w->seen[w->n_seen++] = info->addr;
    return false;
}

static void read_target(hid_t group, const char *name, const H5L_info_t *link, struct hds_met *met,
                        char *target, size_t size)
{
    char raw[HDS_PATH_MAX + PATH_MAX];
    met->kind = link->type == H5L_TYPE_SOFT       ? "soft_link"
                : link->type == H5L_TYPE_EXTERNAL ? "external_link"
                                                  : "user_link";
    target[0] = '\0';
    if (link->u.val_size >= sizeof(raw) || strcmp(met->kind, "user_link") == 0)
        return;
    memset(raw, 0, sizeof(raw));
    if (H5Lget_val(group, name, raw, sizeof(raw) - 1, H5P_DEFAULT) < 0)
        return;
    const char *file = NULL;
    const char *object = NULL;
    unsigned flags = 0;
    if (link->type == H5L_TYPE_SOFT)
        (void)snprintf(target, size, "%s", raw);
    else if (H5Lunpack_elink_val(raw, link->u.val_size, &flags, &file, &object) >= 0)
        (void)snprintf(target, size, "%s:%s", file, object);
    met->target = target;
}

static void count_members(struct hds_file *f, struct hds_met *met)
{
    H5G_info_t group;
    if (H5Gget_info_by_name(f->id, met->path, &group, f->lapl) >= 0)
        met->n_members = (int64_t)(group.nlinks <= INT64_MAX ? group.nlinks : INT64_MAX);
}

static int visit_object(struct walk *w, struct hds_met *met)
{
    H5O_info_t info;
    struct hds_dataset d;
    struct gen_error why;
    if (H5Oget_info_by_name2(w->file->id, met->path, &info, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS,
                             w->file->lapl) < 0) {
        (void)hds_h5_fail(&why, "it is damaged");
        met->kind = "unknown";
        met->why = why.msg;
        return w->visit(w->ud, met, w->err);
    }
    met->kind = hds_object_type_name(info.type);
    met->n_attributes = (int64_t)(info.num_attrs <= INT64_MAX ? info.num_attrs : INT64_MAX);
    met->again = seen_before(w, &info);
    if (info.type == H5O_TYPE_GROUP)
        count_members(w->file, met);
    if (info.type != H5O_TYPE_DATASET)
        return w->visit(w->ud, met, w->err);
    if (hds_dataset_open(w->file, gen_str_from(met->path), &d, &why)) {
        met->kind = "unknown";
        met->why = why.msg;
        return w->visit(w->ud, met, w->err);
    }
    met->dataset = &d; /* cppcheck-suppress autoVariables; taken back below */
    int rc = w->visit(w->ud, met, w->err);
    met->dataset = NULL;
    hds_dataset_close(&d);
    return rc;
}

static herr_t on_link(hid_t group, const char *name, const H5L_info_t *link, void *ud)
{
    struct walk *w = ud;
    char path[HDS_PATH_MAX];
    char target[HDS_PATH_MAX + PATH_MAX];
    if (w->n == HDS_OBJECTS_MAX) {
        w->truncated = true;
        return 1;
    }
    w->n++;
    int n = snprintf(path, sizeof(path), "%s/%s", w->start[1] ? w->start : "", name);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        w->truncated = true;
        return 0;
    }
    struct hds_met met = {.name = name, .path = path, .depth = 1};
    for (const char *p = name; *p; p++)
        met.depth += *p == '/';
    if (link->type == H5L_TYPE_HARD) {
        w->rc = visit_object(w, &met);
    } else {
        read_target(group, name, link, &met, target, sizeof(target));
        w->rc = w->visit(w->ud, &met, w->err);
    }
    (void)H5Eclear2(H5E_DEFAULT);
    return w->rc ? -1 : 0;
}

int hds_walk(struct hds_file *f, const char *path, bool deep,
             int (*visit)(void *ud, const struct hds_met *met, struct gen_error *err), void *ud,
             bool *truncated, struct gen_error *err)
{
    struct walk w = {.file = f, .start = path, .visit = visit, .ud = ud, .err = err};
    hid_t group = H5I_INVALID_HID;
    hsize_t at = 0;
    int rc = hds_group_open(f, path, &group, err);
    if (rc)
        return rc;
    w.seen = calloc(HDS_OBJECTS_MAX, sizeof(w.seen[0]));
    if (!w.seen) {
        (void)H5Oclose(group);
        return gen_nomem(err, "a walk over the file");
    }
    herr_t status = deep ? H5Lvisit(group, H5_INDEX_NAME, H5_ITER_INC, on_link, &w)
                         : H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, on_link, &w);
    rc = w.rc;
    if (rc == GEN_OK && status < 0)
        rc = hds_h5_fail(err, "the group cannot be read to its end, so the file is damaged");
    free(w.seen);
    (void)H5Oclose(group);
    *truncated = w.truncated;
    return rc;
}
