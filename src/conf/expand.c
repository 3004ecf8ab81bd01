#include "conf/expand.h"

#include <string.h>

#define NAME_BYTES_MAX 127U

static bool is_name_char(char c, bool first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (!first && c >= '0' && c <= '9');
}

/* `value` starts with "${". Sets the name and the length of the whole reference. */
static int read_reference(struct gen_str value, char name[NAME_BYTES_MAX + 1], size_t *n_bytes,
                          const char *where, struct gen_error *err)
{
    size_t close = gen_str_find(value, GEN_STR("}"), 2);
    if (close == SIZE_MAX)
        return gen_fail(err, GEN_EUSAGE,
                        "%s has \"${\" without \"}\"; write ${NAME} for an environment variable, "
                        "$$ for a dollar sign",
                        where);
    struct gen_str inner = gen_str_sub(value, 2, close - 2);
    bool good = value.p && inner.n > 0 && inner.n <= NAME_BYTES_MAX;
    for (size_t i = 0; good && i < inner.n; i++)
        good = is_name_char(value.p[2 + i], i == 0);
    if (!good)
        return gen_fail(err, GEN_EUSAGE,
                        "%s has \"${%.*s}\", which is not the name of an environment variable; "
                        "$$ stands for a dollar sign",
                        where, GEN_STR_ARG(gen_str_sub(inner, 0, 40)));
    memcpy(name, value.p + 2, inner.n);
    name[inner.n] = '\0';
    *n_bytes = close + 1;
    return GEN_OK;
}

static int add_variable(struct gen_buf *out, const char *name, gen_environ_fn *lookup,
                        const char *where, struct gen_error *err)
{
    const char *value = lookup(name);
    if (!value)
        return gen_fail(err, GEN_EUSAGE,
                        "%s needs the environment variable %s, which is not set; export it or "
                        "remove the key",
                        where, name);
    return gen_buf_add_c(out, value, err);
}

int gen_expand(struct gen_buf *out, struct gen_str value, gen_environ_fn *lookup, const char *where,
               struct gen_error *err)
{
    while (value.n) {
        size_t dollar = gen_str_find(value, GEN_STR("$"), 0);
        size_t plain = dollar == SIZE_MAX ? value.n : dollar;
        int rc = gen_buf_add(out, value.p, plain, err);
        if (rc != GEN_OK)
            return rc;
        value = gen_str_sub(value, plain, value.n);
        if (value.n == 0)
            break;
        size_t taken = 1;
        if (gen_str_starts(value, GEN_STR("${"))) {
            char name[NAME_BYTES_MAX + 1];
            rc = read_reference(value, name, &taken, where, err);
            if (rc == GEN_OK)
                rc = add_variable(out, name, lookup, where, err);
        } else {
            taken = gen_str_starts(value, GEN_STR("$$")) ? 2 : 1;
            rc = gen_buf_add_char(out, '$', err);
        }
        if (rc != GEN_OK)
            return rc;
        value = gen_str_sub(value, taken, value.n);
    }
    return GEN_OK;
}

bool gen_expand_has_reference(struct gen_str value)
{
    while (value.n) {
        size_t dollar = gen_str_find(value, GEN_STR("$"), 0);
        if (dollar == SIZE_MAX || dollar + 1 >= value.n)
            return false;
        if (value.p[dollar + 1] == '{')
            return true;
        value = gen_str_sub(value, dollar + (value.p[dollar + 1] == '$' ? 2 : 1), value.n);
    }
    return false;
}
