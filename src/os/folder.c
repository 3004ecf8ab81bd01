#include "os/folder.h"

#include "os/file.h"
#include "os/orphans.h"
#include "os/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct gen_folder_writer {
    char *path; /* symbolic links resolved, without a slash at the end */
    char *temp;
    bool is_done;
};

int gen_folder_each(const char *path, gen_folder_entry_fn *fn, void *ud, struct gen_error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return gen_fail_errno(err, GEN_EINPUT, errno, "cannot list the folder %s", path);
    int rc = GEN_OK;
    const struct dirent *entry;
    while (rc == GEN_OK && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        struct stat st;
        bool is_folder = fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                         S_ISDIR(st.st_mode);
        rc = fn(ud, entry->d_name, is_folder, err);
    }
    (void)closedir(dir);
    return rc;
}

/* Makes "<folder>/.<name>.<pid>.tmp" the name of the temporary folder, and its parents. */
static int name_temp(struct gen_folder_writer *w, struct gen_error *err)
{
    struct gen_str path = gen_str_from(w->path);
    struct gen_buf temp = gen_buf_make(8192);
    size_t n = 0;
    int rc = gen_buf_add_str(&temp, gen_path_dir(path), err);
    if (rc == GEN_OK)
        rc = gen_dir_make(temp.data, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(&temp, err, "/.%.*s.%ld.tmp", GEN_STR_ARG(gen_path_base(path)),
                            (long)getpid());
    if (rc == GEN_OK)
        w->temp = gen_buf_take(&temp, &n);
    gen_buf_release(&temp);
    return rc;
}

static int resolve(struct gen_folder_writer *w, const char *path, struct gen_error *err)
{
    struct gen_str s = gen_str_from(path);
    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    enum gen_file_kind kind = gen_file_kind(path);
    if (kind == GEN_FILE_REGULAR || kind == GEN_FILE_OTHER)
        return gen_fail(err, GEN_EUSAGE,
                        "cannot write the folder %s: a file has this name; name another", path);
    w->path = kind == GEN_FILE_DIRECTORY ? realpath(path, NULL) : gen_str_dup(s);
    return w->path ? GEN_OK : gen_fail_errno(err, GEN_EIO, errno, "cannot resolve %s", path);
}

int gen_folder_writer_open(struct gen_folder_writer **out, const char *path, struct gen_error *err)
{
    struct gen_folder_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return gen_nomem(err, "a folder under construction");
    int rc = resolve(w, path, err);
    if (rc == GEN_OK)
        rc = name_temp(w, err);
    if (rc == GEN_OK) {
        gen_orphans_remove(gen_str_from(w->path));
        gen_scratch_remove(w->temp); /* of a killed process that had our number */
        rc = gen_dir_make(w->temp, err);
    }
    if (rc) {
        gen_folder_writer_close(w);
        return rc;
    }
    *out = w;
    return GEN_OK;
}

const char *gen_folder_writer_temp(const struct gen_folder_writer *w)
{
    return w->temp;
}

static void sync_parent(const struct gen_folder_writer *w)
{
    char *folder = gen_str_dup(gen_path_dir(gen_str_from(w->path)));
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems cannot, which is no failure */
        (void)close(fd);
    }
    free(folder);
}

/* For file systems that cannot exchange: for a moment there is no folder of the name, but never
 * half a one. */
static int move_aside(const struct gen_folder_writer *w)
{
    struct gen_buf aside = gen_buf_make(8192);
    int why = 0;
    if (gen_buf_printf(&aside, NULL, "%s.old", w->temp) != GEN_OK) {
        why = ENOMEM;
    } else if (rename(w->path, aside.data) != 0) {
        why = errno;
    } else if (rename(w->temp, w->path) != 0) {
        why = errno;
        (void)rename(aside.data, w->path); /* what stood there stays */
    } else {
        gen_scratch_remove(aside.data);
    }
    gen_buf_release(&aside);
    errno = why;
    return why != 0;
}

int gen_folder_writer_commit(struct gen_folder_writer *w, struct gen_error *err)
{
    if (w->is_done)
        return GEN_OK;
    bool exchanged = false;
    int failed;
    if (gen_file_kind(w->path) == GEN_FILE_NONE) {
        failed = rename(w->temp, w->path) != 0;
    } else {
        failed = renameat2(AT_FDCWD, w->temp, AT_FDCWD, w->path, RENAME_EXCHANGE) != 0;
        exchanged = !failed;
        if (failed && (errno == EINVAL || errno == ENOSYS))
            failed = move_aside(w);
    }
    if (failed)
        return gen_fail_errno(err, GEN_EIO, errno, "cannot give the folder %s its name", w->path);
    if (exchanged)
        gen_scratch_remove(w->temp);
    w->is_done = true;
    sync_parent(w);
    return GEN_OK;
}

void gen_folder_writer_close(struct gen_folder_writer *w)
{
    if (!w)
        return;
    if (!w->is_done)
        gen_scratch_remove(w->temp);
    free(w->temp);
    free(w->path);
    free(w);
}
