#include "os/scratch.h"

#include "os/file.h"
#include "os/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FOLDERS_MAX 16
#define PREFIX           "generator-run-"
#define SUFFIX_BYTES     6U
#define TRIES_MAX        100
#define PATH_BYTES_MAX   8192U
#define COMMAND_BYTES    65536U

static const char *parent(void)
{
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

static int open_folder(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* False when a sweep of another process was between the folder's making and its lock: it has the
 * lock, or has removed the folder already. */
static bool lock_own(struct gen_scratch *s)
{
    struct stat by_fd, by_path;
    s->fd = open_folder(s->path);
    if (s->fd < 0)
        return errno != ENOENT;
    if (flock(s->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return fstat(s->fd, &by_fd) == 0 && lstat(s->path, &by_path) == 0 &&
           by_fd.st_ino == by_path.st_ino && by_fd.st_dev == by_path.st_dev;
}

static void forget(struct gen_scratch *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s->path);
    *s = GEN_SCRATCH_NONE;
}

static int make_one(struct gen_scratch *s, struct gen_error *err)
{
    struct gen_buf name = gen_buf_make(PATH_BYTES_MAX);
    size_t n = 0;
    int rc = gen_path_join(&name, gen_str_from(parent()), GEN_STR(PREFIX "XXXXXX"), err);
    if (rc == GEN_OK && !mkdtemp(name.data))
        rc = gen_fail_errno(err, GEN_EIO, errno,
                            "cannot make a folder for child processes in %s (TMPDIR)", parent());
    if (rc == GEN_OK)
        s->path = gen_buf_take(&name, &n);
    gen_buf_release(&name);
    return rc;
}

int gen_scratch_make(struct gen_scratch *s, struct gen_error *err)
{
    *s = GEN_SCRATCH_NONE;
    for (int i = 0; i < TRIES_MAX; i++) {
        int rc = make_one(s, err);
        if (rc || lock_own(s))
            return rc;
        forget(s); /* the other one removes it */
    }
    return gen_fail(
        err, GEN_EIO,
        "cannot make a folder for child processes in %s (TMPDIR): each one is removed by "
        "another program at once",
        parent());
}

/* The lock last: nobody else removes it meanwhile. */
void gen_scratch_release(struct gen_scratch *s)
{
    gen_scratch_remove(s->path);
    forget(s);
}

/* Whether nobody but us and root can put another folder under a name that we have looked at. */
static bool is_safe(const char *folder)
{
    struct stat st;
    return stat(folder, &st) == 0 && (st.st_uid == geteuid() || st.st_uid == 0) &&
           ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (st.st_mode & S_ISVTX) != 0);
}

static bool is_scratch_name(struct gen_str name)
{
    if (!gen_str_starts(name, GEN_STR(PREFIX)) || name.n != sizeof(PREFIX) - 1 + SUFFIX_BYTES)
        return false;
    for (size_t i = sizeof(PREFIX) - 1; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return true;
}

struct user {
    struct gen_str folder; /* without symbolic links */
    bool is_used;
};

/* In `text`, and not as the beginning of a longer name. */
static bool names_folder(struct gen_str text, struct gen_str folder)
{
    for (size_t at = gen_str_find(text, folder, 0); at != SIZE_MAX;
         at = gen_str_find(text, folder, at + 1)) {
        char after = at + folder.n < text.n ? text.p[at + folder.n] : '\0';
        if (strchr("/ \"'", after)) /* or the end */
            return true;
    }
    return false;
}

static int look_at_process(void *ud, const char *name, bool is_folder, struct gen_error *err)
{
    struct user *u = ud;
    char path[300];
    char text[COMMAND_BYTES];
    (void)err;
    if (!is_folder || name[0] < '1' || name[0] > '9')
        return GEN_OK;
    (void)snprintf(path, sizeof(path), "/proc/%s/cwd", name);
    ssize_t n = readlink(path, text, sizeof(text));
    u->is_used |= n > 0 && names_folder((struct gen_str){text, (size_t)n}, u->folder);
    (void)snprintf(path, sizeof(path), "/proc/%s/cmdline", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
    u->is_used |= n > 0 && names_folder((struct gen_str){text, (size_t)n}, u->folder);
    if (fd >= 0)
        (void)close(fd);
    return GEN_OK;
}

/* Without /proc nobody knows. */
static bool is_in_use(const char *path)
{
    char *real = realpath(path, NULL);
    struct user u = {gen_str_from(real ? real : path), false};
    bool is_known = real && gen_folder_each("/proc", look_at_process, &u, NULL) == GEN_OK;
    free(real);
    return !is_known || u.is_used;
}

static void sweep_one(const char *path)
{
    struct stat st;
    int fd = open_folder(path);
    if (fd < 0)
        return;
    bool is_ours = fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 0777) == 0700;
    if (is_ours && flock(fd, LOCK_EX | LOCK_NB) == 0 && !is_in_use(path))
        gen_scratch_remove(path);
    (void)close(fd);
}

static int look_at_entry(void *ud, const char *name, bool is_folder, struct gen_error *err)
{
    const char *folder = ud;
    struct gen_buf path = gen_buf_make(PATH_BYTES_MAX);
    (void)err;
    if (is_folder && is_scratch_name(gen_str_from(name)) &&
        gen_path_join(&path, gen_str_from(folder), gen_str_from(name), NULL) == GEN_OK)
        sweep_one(path.data);
    gen_buf_release(&path);
    return GEN_OK;
}

void gen_scratch_sweep(void)
{
    char *folder = gen_str_dup(gen_str_from(parent()));
    if (folder && is_safe(folder))
        (void)!gen_folder_each(folder, look_at_entry, folder, NULL);
    free(folder);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    (void)remove(path);
    return 0;
}

void gen_scratch_remove(const char *path)
{
    if (path)
        (void)nftw(path, remove_entry, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
