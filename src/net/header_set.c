#include "net/header_set.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#define HEADER_BYTES_MAX 65536U

struct gen_header_set {
    size_t n_users;
    size_t n_block; /* bytes of this block, to be wiped */
    size_t n_text;
    char *text;                /* the lines, each with its NUL; behind the nodes */
    struct curl_slist nodes[]; /* point into `text` */
};

struct gen_header_cache gen_header_cache_make(void)
{
    return (struct gen_header_cache){.scratch = gen_buf_make(HEADER_BYTES_MAX)};
}

void gen_header_cache_release(struct gen_header_cache *cache)
{
    for (size_t i = 0; i < GEN_HEADER_SETS_KEPT; i++) {
        gen_header_set_drop(cache->sets[i]);
        cache->sets[i] = NULL;
    }
    gen_buf_wipe(&cache->scratch);
}

struct curl_slist *gen_header_set_list(struct gen_header_set *set)
{
    return set->nodes;
}

void gen_header_set_drop(struct gen_header_set *set)
{
    if (!set || --set->n_users > 0)
        return;
    explicit_bzero(set, set->n_block);
    free(set);
}

static int check_line(const char *line, struct gen_error *err)
{
    size_t n_name = strcspn(line, ":;\r\n");
    if (n_name == 0 || (line[n_name] != ':' && line[n_name] != ';'))
        return gen_fail(err, GEN_EUSAGE, "a request header is not of the form 'Name: value'");
    if (strpbrk(line, "\r\n"))
        return gen_fail(err, GEN_EUSAGE, "the request header '%.*s' holds a line break",
                        (int)(n_name < 60 ? n_name : 60), line);
    return GEN_OK;
}

/* A line and its NUL, which ends it in the block. */
static int add_line(struct gen_buf *out, const char *line, struct gen_error *err)
{
    return gen_buf_add(out, line, strlen(line) + 1, err);
}

/* The key goes last, with its room reserved by gen_secret_header: a buffer that grew behind it
 * would leave copies of it in freed memory. */
static int render(struct gen_buf *out, const struct gen_http_request *request, size_t *n_lines,
                  struct gen_error *err)
{
    bool has_type = false;
    /* curl would sign the line without a value, too, and then leave it out. */
    int rc = request->signature ? GEN_OK : add_line(out, "Expect:", err);
    *n_lines = request->signature ? 0 : 1;
    for (const char *const *h = request->headers; rc == GEN_OK && h && *h; h++) {
        rc = check_line(*h, err);
        if (rc == GEN_OK)
            rc = add_line(out, *h, err);
        has_type = has_type || strncasecmp(*h, "content-type:", 13) == 0;
        ++*n_lines;
    }
    if (rc == GEN_OK && request->post && !has_type) {
        rc = add_line(out, "Content-Type: application/json", err);
        ++*n_lines;
    }
    if (rc == GEN_OK && request->auth_header && !gen_secret_is_empty(request->key)) {
        rc = gen_secret_header(out, request->auth_header,
                               request->auth_prefix ? request->auth_prefix : "", request->key, err);
        out->n += rc == GEN_OK; /* its NUL, which the buffer keeps behind its contents */
        ++*n_lines;
    }
    return rc;
}

static struct gen_header_set *find(const struct gen_header_cache *cache, struct gen_str text)
{
    for (size_t i = 0; i < GEN_HEADER_SETS_KEPT; i++) {
        struct gen_header_set *set = cache->sets[i];
        if (set && set->n_text == text.n && memcmp(set->text, text.p, text.n) == 0)
            return set;
    }
    return NULL;
}

static struct gen_header_set *make_set(struct gen_str text, size_t n_lines)
{
    size_t n_nodes = n_lines * sizeof(struct curl_slist);
    size_t n_block = sizeof(struct gen_header_set) + n_nodes + text.n;
    struct gen_header_set *set = malloc(n_block);
    if (!set)
        return NULL;
    *set = (struct gen_header_set){.n_block = n_block, .n_text = text.n};
    set->text = (char *)(set->nodes + n_lines);
    memcpy(set->text, text.p, text.n);
    char *line = set->text;
    for (size_t i = 0; i < n_lines; i++) {
        set->nodes[i].data = line;
        set->nodes[i].next = i + 1 < n_lines ? &set->nodes[i + 1] : NULL;
        line += strlen(line) + 1;
    }
    return set;
}

int gen_header_set_get(struct gen_header_set **out, struct gen_header_cache *cache,
                       const struct gen_http_request *request, struct gen_error *err)
{
    size_t n_lines = 0;
    int rc = render(&cache->scratch, request, &n_lines, err);
    struct gen_str text = gen_buf_str(&cache->scratch);
    struct gen_header_set *set = rc == GEN_OK ? find(cache, text) : NULL;
    if (rc == GEN_OK && !set) {
        set = make_set(text, n_lines);
        if (set) {
            gen_header_set_drop(cache->sets[cache->oldest]);
            cache->sets[cache->oldest] = set;
            cache->oldest = (cache->oldest + 1) % GEN_HEADER_SETS_KEPT;
            set->n_users = 1;
        } else {
            rc = gen_nomem(err, "request headers");
        }
    }
    if (text.n)
        explicit_bzero(cache->scratch.data, text.n);
    gen_buf_clear(&cache->scratch);
    if (rc != GEN_OK)
        return rc;
    set->n_users++;
    *out = set;
    return GEN_OK;
}
