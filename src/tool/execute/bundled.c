/* Servers that are installed with the program. */
#include "tool/execute/executor_int.h"

#include "os/file.h"
#include "os/process.h"

#include <stdio.h>
#include <unistd.h>

static const char *const bundled[] = {"generator-hdf5-mcp"};
#define N_BUNDLED (sizeof(bundled) / sizeof(bundled[0]))

bool gen_is_bundled_server(struct gen_str name)
{
    for (size_t i = 0; i < N_BUNDLED; i++) {
        if (gen_str_is(name, bundled[i]))
            return true;
    }
    return false;
}

int gen_bundled_server(const char *name, struct gen_buf *path, struct gen_error *err)
{
    static const char *const folders[] = {"", "/../libexec/generator"};
    if (!gen_is_bundled_server(gen_str_from(name)))
        return gen_fail(err, GEN_EUSAGE,
                        "no server '%.100s' comes with this program (%s does); name its command "
                        "with --mcp",
                        name, bundled[0]);
    struct gen_buf dir = gen_buf_make(8192);
    struct gen_buf found = gen_buf_make(8192);
    bool is_found = false;
    int rc = gen_program_dir(&dir, err);
    for (size_t i = 0; rc == GEN_OK && !is_found && i < 2; i++) {
        gen_buf_clear(&found);
        rc = gen_buf_printf(&found, err, "%s%s/%s", dir.data, folders[i], name);
        is_found = rc == GEN_OK && access(found.data, X_OK) == 0;
    }
    if (rc == GEN_OK && !is_found) {
        gen_buf_clear(&found);
        rc = gen_process_find(name, NULL, &found, &is_found, err);
    }
    if (rc == GEN_OK && !is_found)
        rc = gen_fail(err, GEN_EINPUT,
                      "the server %s is neither beside this program nor in PATH: it is built where "
                      "libhdf5 is; build it, or name a server with --mcp",
                      name);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(path, gen_buf_str(&found), err);
    gen_buf_release(&dir);
    gen_buf_release(&found);
    return rc;
}

/* In quotes, as gen_command_split reads them. */
static int add_quoted(struct gen_buf *out, struct gen_str text, struct gen_error *err)
{
    int rc = gen_buf_add_char(out, '"', err);
    for (size_t i = 0; rc == GEN_OK && i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            rc = gen_buf_add_char(out, '\\', err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(out, text.p[i], err);
    }
    return rc ? rc : gen_buf_add_char(out, '"', err);
}

int gen_bundled_command(const char *name, struct gen_buf *command, struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(8192);
    int rc = gen_bundled_server(name, &path, err);
    if (rc == GEN_OK)
        rc = add_quoted(command, gen_buf_str(&path), err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(command, " --data-dir {sandbox} --samples --writable", err);
    gen_buf_release(&path);
    return rc;
}
