#include "llm/provider.h"

#include <ctype.h>
#include <stdio.h>

const struct gen_provider *gen_provider_find(const struct gen_provider *const *list,
                                             const char *name)
{
    for (; *list; list++) {
        if (strcmp((*list)->name, name) == 0)
            return *list;
    }
    return NULL;
}

bool gen_provider_streams(const struct gen_provider *p, const struct gen_llm_request *r,
                          const struct gen_endpoint *e)
{
    if (e->is_batch || !p->on_event)
        return false;
    return (p->needs_stream && p->needs_stream(r, e)) || e->stream == GEN_STREAM_ON;
}

/* The characters that RFC 3986 lets stand in a path, and the slash of "meta-llama/Llama-3". */
static bool may_stand_in_path(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || strchr("-._~!$&'()*+,;=:@/", c)) && c != '\0';
}

static int add_model(struct gen_buf *url, struct gen_str model, struct gen_error *err)
{
    /* Google lists its models as "models/NAME", and people copy them like that. */
    struct gen_str prefix = GEN_STR("models/");
    if (gen_str_ends(gen_buf_str(url), GEN_STR("/models/")) && gen_str_starts(model, prefix))
        model = gen_str_sub(model, prefix.n, model.n);
    int rc = GEN_OK;
    for (size_t i = 0; i < model.n && rc == GEN_OK; i++) {
        unsigned char c = (unsigned char)model.p[i];
        rc = may_stand_in_path(c) ? gen_buf_add_char(url, (char)c, err)
                                  : gen_buf_printf(url, err, "%%%02X", c);
    }
    return rc;
}

int gen_provider_url(const char *base, const char *path, const char *model, char *out, size_t n,
                     struct gen_error *err)
{
    static const struct gen_str mark = {"{model}", 7};
    struct gen_str rest = gen_str_from(path);
    struct gen_buf url = gen_buf_make(n - 1);
    int rc = gen_buf_add_c(&url, base, err);
    while (rc == GEN_OK && rest.n) {
        size_t at = gen_str_find(rest, mark, 0);
        rc = gen_buf_add_str(&url, gen_str_sub(rest, 0, at), err);
        if (at == SIZE_MAX)
            break;
        if (rc == GEN_OK)
            rc = add_model(&url, gen_str_from(model), err);
        rest = gen_str_sub(rest, at + mark.n, rest.n);
    }
    if (rc == GEN_OK) {
        memcpy(out, url.n ? url.data : "", url.n);
        out[url.n] = '\0';
    } else if (rc == GEN_ELIMIT) {
        rc = gen_fail(err, GEN_ELIMIT, "the URL for model \"%.100s\" is longer than %zu bytes",
                      model, n - 1);
    }
    gen_buf_release(&url);
    return rc;
}

int gen_provider_wire(const struct gen_provider *p, const struct gen_endpoint *e, const char *model,
                      const char *path, struct gen_wire *out, struct gen_error *err)
{
    struct gen_wire w;
    memset(&w, 0, sizeof(w));
    int rc = gen_provider_url(e->base_url, path, model, w.url, sizeof(w.url), err);
    if (rc)
        return rc;
    w.headers[0] = "Content-Type: application/json";
    w.headers[1] = "Accept: application/json";
    if (e->key) {
        w.auth_header = p->auth_header;
        w.auth_prefix = p->auth_prefix;
    }
    *out = w;
    /* Headers may point into `version` of the struct itself. */
    if (p->wire)
        p->wire(e, out);
    return GEN_OK;
}
