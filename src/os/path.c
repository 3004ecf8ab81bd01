#include "os/file.h"

#include "base/num.h"

#include <uv.h>

int gen_path_join(struct gen_buf *out, struct gen_str dir, struct gen_str name,
                  struct gen_error *err)
{
    bool need_slash = dir.n > 0 && name.n > 0 && dir.p[dir.n - 1] != '/';
    /* All at once, so that a failure leaves the buffer as it was. */
    int rc = gen_buf_reserve(out, gen_size_add(gen_size_add(dir.n, name.n), need_slash), err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(out, dir, err);
    if (rc == GEN_OK && need_slash)
        rc = gen_buf_add_char(out, '/', err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(out, name, err);
    return rc;
}

static struct gen_str without_end_slashes(struct gen_str path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

/* Bytes up to and including the last slash. */
static size_t folder_length(struct gen_str path)
{
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] != '/')
        n--;
    return n;
}

struct gen_str gen_path_dir(struct gen_str path)
{
    path = without_end_slashes(path);
    size_t n = folder_length(path);
    return n ? without_end_slashes(gen_str_sub(path, 0, n)) : GEN_STR(".");
}

struct gen_str gen_path_base(struct gen_str path)
{
    path = without_end_slashes(path);
    size_t n = folder_length(path);
    return path.n == 1 && n == 1 ? path : gen_str_sub(path, n, path.n);
}

/* Offset of the dot that starts the extension; path.n when there is none. Dots at the start of a
 * name hide the file, they start no extension. */
static size_t ext_offset(struct gen_str path)
{
    size_t start = folder_length(path);
    while (start < path.n && path.p[start] == '.')
        start++;
    for (size_t i = path.n; i > start; i--)
        if (path.p[i - 1] == '.')
            return i - 1;
    return path.n;
}

struct gen_str gen_path_stem(struct gen_str path)
{
    return gen_str_sub(path, 0, ext_offset(path));
}

struct gen_str gen_path_ext(struct gen_str path)
{
    return gen_str_sub(path, ext_offset(path), path.n);
}

int gen_program_dir(struct gen_buf *out, struct gen_error *err)
{
    char path[4096];
    size_t n = sizeof(path);
    int status = uv_exepath(path, &n);
    if (status != 0)
        return gen_fail_errno(err, GEN_EIO, -status, "cannot find the folder of this program");
    return gen_buf_add_str(out, gen_path_dir((struct gen_str){path, n}), err);
}
