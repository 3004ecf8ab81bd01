#include "json/json.h"

#include <stdio.h>

/* One step of a JSON pointer (RFC 6901) in a URI fragment: "~1" is '/', "~0" is '~', "%25" is '%'.
 */
static int unescape(struct gen_buf *out, struct gen_str step, struct gen_error *err)
{
    static const char hex[] = "0123456789abcdef";
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < step.n; i++) {
        char c = step.p[i];
        const char *high = i + 2 < step.n && c == '%' && step.p[i + 1] && step.p[i + 2]
                               ? strchr(hex, step.p[i + 1] | 0x20)
                               : NULL;
        const char *low = high ? strchr(hex, step.p[i + 2] | 0x20) : NULL;
        if (low) {
            c = (char)((high - hex) * 16 + (low - hex));
            i += 2;
        }
        if (c == '~' && i + 1 < step.n && (step.p[i + 1] == '0' || step.p[i + 1] == '1'))
            c = step.p[++i] == '0' ? '~' : '/';
        rc = gen_buf_add_char(out, c, err);
    }
    return rc;
}

static const struct gen_json *member_of(const struct gen_json *container, struct gen_str name)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    size_t i = 0;
    char number[24];
    bool is_array = gen_json_type(container) == GEN_JSON_ARRAY;
    gen_json_iter_init(&it, container);
    while (gen_json_iter_next(&it, &key, &v)) {
        int n = is_array ? snprintf(number, sizeof(number), "%zu", i++) : 0;
        if (gen_str_eq(is_array ? (struct gen_str){number, (size_t)n} : key, name))
            return v;
    }
    return NULL;
}

int gen_json_pointer(const struct gen_json *root, struct gen_str pointer,
                     const struct gen_json **out, struct gen_error *err)
{
    struct gen_buf name = gen_buf_make(GEN_BUF_UNLIMITED);
    const struct gen_json *at = root;
    struct gen_str rest = gen_str_sub(pointer, 1, pointer.n - 1);
    int rc = GEN_OK;
    while (rc == GEN_OK && at && rest.n) {
        rest = gen_str_sub(rest, 1, rest.n - 1);
        size_t slash = gen_str_find(rest, GEN_STR("/"), 0);
        size_t n = slash == SIZE_MAX ? rest.n : slash;
        gen_buf_clear(&name);
        rc = gen_buf_reserve(&name, n, err);
        if (rc == GEN_OK)
            rc = unescape(&name, gen_str_sub(rest, 0, n), err);
        at = rc ? NULL : member_of(at, gen_buf_str(&name));
        rest = gen_str_sub(rest, n, rest.n - n);
    }
    gen_buf_release(&name);
    *out = at;
    return rc;
}
