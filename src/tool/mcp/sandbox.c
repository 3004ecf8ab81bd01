#include "tool/mcp/mcp_int.h"

#include <stdlib.h>

int gen_mcp_sandbox_make(struct gen_mcp *m, struct gen_error *err)
{
    gen_mcp_sandbox_remove(m);
    if (!m->o.sandbox)
        return GEN_OK;
    int rc = gen_scratch_make(&m->scratch, err);
    /* Servers say the path without symbolic links. */
    char *real = rc == GEN_OK ? realpath(m->scratch.path, NULL) : NULL;
    if (rc == GEN_OK)
        rc = real ? gen_buf_add_c(&m->sandbox, real, err) : gen_nomem(err, "a path");
    if (rc)
        gen_scratch_release(&m->scratch);
    free(real);
    return rc;
}

void gen_mcp_sandbox_remove(struct gen_mcp *m)
{
    gen_scratch_release(&m->scratch);
    gen_buf_clear(&m->sandbox);
}

/* The whole of a string, or the beginning of a path in it; also as a URI. */
static bool is_path_in_string(struct gen_str text, size_t at, size_t n)
{
    struct gen_str before = gen_str_sub(text, 0, at);
    char after = at + n < text.n ? text.p[at + n] : '\0';
    return (gen_str_ends(before, GEN_STR("\"")) || gen_str_ends(before, GEN_STR("\"file://"))) &&
           (after == '"' || after == '/');
}

int gen_mcp_rename(struct gen_buf *out, struct gen_str text, struct gen_str from, struct gen_str to,
                   bool as_path, struct gen_error *err)
{
    int rc = GEN_OK;
    size_t done = 0;
    for (size_t at = gen_str_find(text, from, 0); rc == GEN_OK && at != SIZE_MAX;
         at = gen_str_find(text, from, at + from.n)) {
        if (as_path && !is_path_in_string(text, at, from.n))
            continue;
        rc = gen_buf_add_str(out, gen_str_sub(text, done, at - done), err);
        if (rc == GEN_OK)
            rc = gen_buf_add_str(out, to, err);
        done = at + from.n;
    }
    return rc ? rc : gen_buf_add_str(out, gen_str_sub(text, done, text.n), err);
}
