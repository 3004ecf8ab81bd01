#include "lnc/lnc_source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset_int.h"

/* The kernel takes at most 0x7ffff000 bytes in one call anyway. */
#define READ_BYTES_MAX ((size_t)1 << 30)

struct file {
    int fd;
    char path[];
};

static int file_read_at(const struct lnc_source *source, uint64_t offset, void *dst, size_t n,
                        struct lnc_error *err)
{
    const struct file *file = source->private_data;
    uint8_t *p = dst;
    while (n > 0) {
        size_t part = n < READ_BYTES_MAX ? n : READ_BYTES_MAX;
        ssize_t got = pread(file->fd, p, part, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        const struct lnc_ctx cx = {
            .file = file->path, .page = LNC_NO_PAGE, .at = offset, .err = err};
        if (got < 0)
            return lnc_fail_ctx(&cx, LNC_EIO, "cannot read: %s", strerror(errno));
        if (got == 0)
            return lnc_fail_ctx(&cx, LNC_EIO,
                                "the file became shorter while it was read, it ends here and not "
                                "behind byte %llu",
                                (unsigned long long)(offset + n));
        p += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return LNC_OK;
}

static void file_release(struct lnc_source *source)
{
    struct file *file = source->private_data;
    /* Nothing was written, so there is nothing that a failing close could lose. */
    (void)close(file->fd);
    lnc_free(file);
    *source = (struct lnc_source){0};
}

static int fail_errno(struct lnc_error *err, const char *path, const char *verb)
{
    int code = errno == ENOENT || errno == ENOTDIR ? LNC_ENOENT : LNC_EIO;
    return lnc_fail_path(err, path, code, "cannot %s: %s", verb, strerror(errno));
}

static int file_open(const struct lnc_store *store, const char *path, struct lnc_source *out,
                     struct lnc_error *err)
{
    struct lnc_memory *memory = store->private_data;
    /* O_NONBLOCK: a FIFO in the place of a data file must not hang us; regular files do not notice.
     */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(err, path, "open");
    struct stat st;
    size_t size = sizeof(struct file) + strlen(path) + 1;
    struct file *file = NULL;
    int rc = LNC_OK;
    if (fstat(fd, &st) != 0)
        rc = fail_errno(err, path, "inspect");
    else if (!S_ISREG(st.st_mode))
        rc = lnc_fail_path(err, path, LNC_EIO, "is not a regular file");
    if (rc == LNC_OK) {
        file = lnc_memory_alloc(memory, size);
        if (file == NULL)
            rc = lnc_memory_fail(memory, size, err);
    }
    if (rc != LNC_OK || file == NULL) {
        (void)close(fd);
        return rc;
    }
    file->fd = fd;
    memcpy(file->path, path, strlen(path) + 1);
    *out = (struct lnc_source){.size = (uint64_t)st.st_size,
                               .read_at = file_read_at,
                               .release = file_release,
                               .private_data = file};
    return LNC_OK;
}

static bool is_directory(int dir_fd, const struct dirent *entry)
{
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    struct stat st;
    return fstatat(dir_fd, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static int file_list(const struct lnc_store *store, const char *path, lnc_list_fn each,
                     void *context, struct lnc_error *err)
{
    (void)store;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return fail_errno(err, path, "list the directory");
    int rc = LNC_OK;
    while (rc == LNC_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            if (errno != 0)
                rc = fail_errno(err, path, "list the directory");
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rc = each(context, entry->d_name, is_directory(dirfd(dir), entry), err);
    }
    (void)closedir(dir);
    return rc;
}

void lnc_store_file_init(struct lnc_store *out, struct lnc_memory *memory)
{
    *out = (struct lnc_store){.open = file_open, .list = file_list, .private_data = memory};
}

void lnc_store_file(struct lnc_store *out)
{
    lnc_store_file_init(out, NULL);
}

void lnc_store_release(struct lnc_store *store)
{
    if (store != NULL && store->release != NULL)
        store->release(store);
}

void lnc_source_release(struct lnc_source *source)
{
    if (source != NULL && source->release != NULL)
        source->release(source);
}
