#include "os/orphans.h"

#include "base/num.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#define PATH_BYTES_MAX 16384U

struct orphans {
    struct gen_str folder, prefix; /* ".<name>." */
};

static int remove_one(void *ud, const char *name, bool is_folder, struct gen_error *err)
{
    const struct orphans *o = ud;
    struct gen_str s = gen_str_from(name);
    int64_t pid;
    (void)is_folder;
    (void)err;
    if (!gen_str_starts(s, o->prefix) || !gen_str_ends(s, GEN_STR(".tmp")) ||
        s.n < o->prefix.n + sizeof(".tmp") - 1 ||
        gen_num_i64(gen_str_sub(s, o->prefix.n, s.n - o->prefix.n - 4), 1, INT32_MAX, "", &pid,
                    NULL) ||
        kill((pid_t)pid, 0) == 0 || errno != ESRCH)
        return GEN_OK;
    struct gen_buf path = gen_buf_make(PATH_BYTES_MAX);
    if (gen_path_join(&path, o->folder, s, NULL) == GEN_OK)
        gen_scratch_remove(path.data); /* of files too */
    gen_buf_release(&path);
    return GEN_OK;
}

void gen_orphans_remove(struct gen_str path)
{
    char *folder = gen_str_dup(gen_path_dir(path));
    struct gen_buf prefix = gen_buf_make(PATH_BYTES_MAX);
    int rc = folder ? gen_buf_printf(&prefix, NULL, ".%.*s.", GEN_STR_ARG(gen_path_base(path)))
                    : GEN_ENOMEM;
    if (rc == GEN_OK) {
        struct orphans o = {gen_str_from(folder), gen_buf_str(&prefix)};
        rc = gen_folder_each(folder, remove_one, &o, NULL);
    }
    (void)rc; /* nothing depends on it */
    gen_buf_release(&prefix);
    free(folder);
}
