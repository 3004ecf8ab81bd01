#include "roots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SHOWN 200 /* characters of a path in a message */

int hds_roots_add(struct hds_roots *r, const char *dir, struct gen_error *err)
{
    struct stat st;
    if (r->n == HDS_ROOTS_MAX)
        return gen_fail(err, GEN_EUSAGE, "more than %d --data-dir", HDS_ROOTS_MAX);
    char *real = realpath(dir, NULL);
    if (!real)
        return gen_fail_errno(err, GEN_EUSAGE, errno, "--data-dir %s", dir);
    if (stat(real, &st) != 0 || !S_ISDIR(st.st_mode)) {
        free(real);
        return gen_fail(err, GEN_EUSAGE, "--data-dir %s is no directory", dir);
    }
    r->dirs[r->n++] = real;
    return GEN_OK;
}

void hds_roots_release(struct hds_roots *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->dirs[i]);
    *r = (struct hds_roots){0};
}

bool hds_roots_contain(const struct hds_roots *r, const char *real)
{
    for (size_t i = 0; i < r->n; i++) {
        size_t n = strlen(r->dirs[i]);
        if (n == 1) /* "/" */
            return true;
        if (strncmp(real, r->dirs[i], n) == 0 && (real[n] == '/' || real[n] == '\0'))
            return true;
    }
    return false;
}

static int refuse(const struct hds_roots *r, struct gen_str path, const char *what,
                  struct gen_error *err)
{
    return gen_fail(err, GEN_EINPUT,
                    "\"%.*s\" is no %s within the data director%s %s%s (paths outside are refused)",
                    GEN_STR_ARG(gen_str_sub(path, 0, SHOWN)), what, r->n == 1 ? "y" : "ies",
                    r->n ? r->dirs[0] : "", r->n > 1 ? " and others" : "");
}

static int check_text(struct gen_str path, struct gen_error *err)
{
    if (path.n == 0 || path.n >= PATH_MAX)
        return gen_fail(err, GEN_EINPUT, "a path must have 1 to %d bytes", PATH_MAX - 1);
    if (memchr(path.p, '\0', path.n))
        return gen_fail(err, GEN_EINPUT, "a path must not contain a NUL character");
    return GEN_OK;
}

/* Writes "dir/path", or "path" alone when it is absolute. False when that is too long. */
static bool join(const char *dir, struct gen_str path, char out[PATH_MAX])
{
    bool absolute = path.p[0] == '/';
    int n = snprintf(out, PATH_MAX, "%s%s%.*s", absolute ? "" : dir, absolute ? "" : "/",
                     GEN_STR_ARG(path));
    return n > 0 && n < PATH_MAX;
}

static bool is_kind(const char *real, bool directory)
{
    struct stat st;
    if (stat(real, &st) != 0)
        return false;
    return directory ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode);
}

static int find(const struct hds_roots *r, struct gen_str path, bool directory, char real[PATH_MAX],
                struct gen_error *err)
{
    char joined[PATH_MAX];
    char found[PATH_MAX];
    int rc = check_text(path, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < r->n; i++) {
        if (!join(r->dirs[i], path, joined) || !realpath(joined, found))
            continue;
        if (!hds_roots_contain(r, found) || !is_kind(found, directory))
            continue;
        memcpy(real, found, strlen(found) + 1);
        return GEN_OK;
    }
    return refuse(r, path, directory ? "directory" : "file", err);
}

int hds_roots_file(const struct hds_roots *r, struct gen_str path, char real[PATH_MAX],
                   struct gen_error *err)
{
    return find(r, path, false, real, err);
}

int hds_roots_dir(const struct hds_roots *r, struct gen_str path, char real[PATH_MAX],
                  struct gen_error *err)
{
    return find(r, path, true, real, err);
}

int hds_roots_new_file(const struct hds_roots *r, struct gen_str path, char real[PATH_MAX],
                       struct gen_error *err)
{
    char joined[PATH_MAX];
    char dir[PATH_MAX];
    struct stat st;
    int rc = check_text(path, err);
    if (rc)
        return rc;
    if (r->n == 0 || !join(r->dirs[0], path, joined))
        return refuse(r, path, "place for a file", err);
    char *slash = strrchr(joined, '/');
    const char *name = slash + 1;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return gen_fail(err, GEN_EINPUT, "\"%.*s\" does not end in the name of a file",
                        GEN_STR_ARG(gen_str_sub(path, 0, SHOWN)));
    *slash = '\0';
    if (!realpath(slash == joined ? "/" : joined, dir) || !hds_roots_contain(r, dir) ||
        !is_kind(dir, true))
        return refuse(r, path, "place for a file", err);
    char whole[PATH_MAX];
    int n = snprintf(whole, sizeof(whole), "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
    if (n < 0 || n >= PATH_MAX)
        return refuse(r, path, "place for a file", err);
    if (lstat(whole, &st) == 0)
        return gen_fail(err, GEN_EINPUT, "\"%.*s\" exists already; choose another name",
                        GEN_STR_ARG(gen_str_sub(path, 0, SHOWN)));
    memcpy(real, whole, (size_t)n + 1);
    return GEN_OK;
}
