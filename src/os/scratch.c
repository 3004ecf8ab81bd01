#include "os/scratch.h"

#include "os/file.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define OPEN_FOLDERS_MAX 16

int gen_scratch_make(struct gen_buf *path, struct gen_error *err)
{
    const char *dir = getenv("TMPDIR");
    struct gen_buf name = gen_buf_make(8192);
    if (!dir || !*dir)
        dir = "/tmp";
    int rc = gen_path_join(&name, gen_str_from(dir), GEN_STR("generator-XXXXXX"), err);
    if (rc == GEN_OK && !mkdtemp(name.data))
        rc = gen_fail_errno(err, GEN_EIO, errno,
                            "cannot make a folder for child processes in %s (TMPDIR)", dir);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(path, gen_buf_str(&name), err);
    gen_buf_release(&name);
    return rc;
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
