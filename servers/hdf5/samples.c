#include "samples.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int look_into(const char *dir, bool *is_empty, struct gen_error *err)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;
    if (!d)
        return gen_fail_errno(err, GEN_EIO, errno, "the data directory %s", dir);
    *is_empty = true;
    while (*is_empty && (entry = readdir(d)) != NULL)
        *is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(d);
    return GEN_OK;
}

static int write_sample(int folder, const struct hds_sample *sample, struct gen_error *err)
{
    int fd =
        openat(folder, sample->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    size_t done = 0;
    while (fd >= 0 && done < sample->n) {
        ssize_t n = write(fd, sample->data + done, sample->n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    int why = errno;
    if (fd < 0 || (close(fd) != 0 || done < sample->n))
        return gen_fail_errno(err, GEN_EIO, why, "the sample file %s", sample->name);
    return GEN_OK;
}

int hds_samples_write(const char *dir, struct gen_error *err)
{
    bool is_empty = false;
    int rc = look_into(dir, &is_empty, err);
    if (rc || !is_empty)
        return rc;
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return gen_fail_errno(err, GEN_EIO, errno, "the data directory %s", dir);
    for (size_t i = 0; rc == GEN_OK && i < HDS_SAMPLES; i++)
        rc = write_sample(folder, &hds_samples[i], err);
    (void)close(folder);
    return rc;
}
