#include "corpus/remote/place.h"

#include "corpus/remote/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define REGION_DEFAULT "us-east-1"
#define S3_SCHEME      "s3://"
#define BUCKET_MAX     255U
#define REGION_MAX     64U

bool gen_place_is_remote(const char *path)
{
    return strncasecmp(path, S3_SCHEME, 5) == 0 || strncasecmp(path, "https://", 8) == 0 ||
           strncasecmp(path, "http://", 7) == 0;
}

/* -- taking in -- */

static const char *process_env(void *ud, const char *name)
{
    (void)ud;
    return getenv(name);
}

struct lookup {
    gen_env_fn *fn;
    void *ud;
};

static const char *get(const struct lookup *env, const char *name)
{
    const char *value = env->fn(env->ud, name);
    return value && *value ? value : NULL;
}

static bool is_set(const struct lookup *env, const char *name)
{
    const char *value = get(env, name);
    return value && (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

static int copy(char **out, struct gen_str text, struct gen_error *err)
{
    char *made = gen_str_dup(text);
    if (!made)
        return gen_nomem(err, "the settings of a bucket");
    free(*out);
    *out = made;
    return GEN_OK;
}

static struct gen_str without_slashes(struct gen_str s)
{
    while (s.n && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}

static bool is_label(struct gen_str s, size_t n_max)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.' || c == '_'))
            return false;
    }
    return s.n > 0 && s.n <= n_max;
}

static int take_bucket(struct gen_place *p, const char *url, struct gen_error *err)
{
    struct gen_str rest = gen_str_from(url + 5);
    struct gen_str bucket = gen_str_sub(rest, 0, strcspn(rest.p, "/"));
    /* What stands there may be a key ("s3://id:secret@bucket/path"): it is not said back. */
    if (!is_label(bucket, BUCKET_MAX))
        return gen_fail(err, GEN_EUSAGE,
                        "the URL of the input names no bucket: write s3://bucket/path, and set the "
                        "key as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    struct gen_buf root = gen_buf_make(GEN_URL_BYTES_MAX);
    int rc = gen_buf_printf(&root, err, S3_SCHEME "%.*s", GEN_STR_ARG(bucket));
    if (rc == GEN_OK)
        rc = copy(&p->root, gen_buf_str(&root), err);
    gen_buf_release(&root);
    return rc ? rc : copy(&p->bucket, bucket, err);
}

/* "host", "host:80", "[::1]:80". A password with a slash in it looks like a port that is none. */
static bool is_authority(struct gen_str s)
{
    const char *bracket = s.n && s.p[0] == '[' ? memchr(s.p, ']', s.n) : NULL;
    size_t n_host = bracket ? (size_t)(bracket - s.p) + 1 : 0;
    while (n_host < s.n && s.p[n_host] != ':')
        n_host++;
    if (n_host == s.n)
        return true;
    for (size_t i = n_host + 1; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return n_host + 1 < s.n;
}

/* What stands behind "?" or before "@" is mostly a credential, and a path goes into the ledger and
 * into messages: the URL is not said back. */
static int check_folder_url(struct gen_str url, struct gen_error *err)
{
    const char *slashes = memchr(url.p, '/', url.n);
    size_t start = slashes ? (size_t)(slashes - url.p) + 2 : url.n;
    struct gen_str host = gen_str_sub(url, start, url.n);
    size_t n_host = 0;
    while (n_host < host.n && !strchr("/?#", host.p[n_host]))
        n_host++;
    if (n_host == 0)
        return gen_fail(err, GEN_EUSAGE,
                        "the URL of the input names no host and no bucket: write "
                        "https://host/path/table.lance or s3://bucket/path");
    if (memchr(host.p, '@', n_host) || !is_authority(gen_str_sub(host, 0, n_host)))
        return gen_fail(err, GEN_EUSAGE,
                        "the URL of the input holds a user or a password, which would go into the "
                        "ledger and the log, or a port that is no number: write "
                        "https://host/path/table.lance");
    if (memchr(url.p, '?', url.n) || memchr(url.p, '#', url.n))
        return gen_fail(err, GEN_EUSAGE,
                        "the URL of the input has a query ('?...'), which cannot be sent with the "
                        "other files of a table: for a signed URL download the table, or use "
                        "s3://");
    return GEN_OK;
}

static int take_endpoint(struct gen_place *p, const struct lookup *env,
                         const struct gen_profile *profile, struct gen_error *err)
{
    static const char *const names[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"};
    struct gen_str url = gen_buf_str(&profile->endpoint);
    const char *from = "endpoint_url of the profile";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = get(env, names[i]);
        if (value) {
            url = gen_str_from(value);
            from = names[i];
            break;
        }
    }
    p->is_virtual = is_set(env, "AWS_VIRTUAL_HOSTED_STYLE_REQUEST");
    if (url.n == 0) {
        /* A certificate for *.s3.amazonaws.com does not cover a name with another dot. */
        p->is_virtual = strchr(p->bucket, '.') == NULL;
        return GEN_OK;
    }
    url = without_slashes(url);
    if (gen_str_starts(url, GEN_STR(S3_SCHEME)) || gen_str_find(url, GEN_STR("://"), 0) > url.n ||
        !gen_place_is_remote(url.p) || memchr(url.p, '?', url.n) || memchr(url.p, '@', url.n))
        return gen_fail(err, GEN_EUSAGE,
                        "%s is no address of a server: write https://host or http://host:port",
                        from);
    return copy(&p->endpoint, url, err);
}

static int fail_half_key(const char *have, const char *lack, struct gen_error *err)
{
    return gen_fail(err, GEN_EUSAGE,
                    "%s is set, but %s is not: set both, or neither to read "
                    "anonymously",
                    have, lack);
}

static int take_key(struct gen_place *p, const struct lookup *env,
                    const struct gen_profile *profile, struct gen_error *err)
{
    struct gen_str id = gen_str_from(get(env, "AWS_ACCESS_KEY_ID"));
    struct gen_str secret = gen_str_from(get(env, "AWS_SECRET_ACCESS_KEY"));
    struct gen_str token = gen_str_from(get(env, "AWS_SESSION_TOKEN"));
    char from[400] = "AWS_ACCESS_KEY_ID";
    if (is_set(env, "AWS_SKIP_SIGNATURE"))
        return GEN_OK;
    if (id.n == 0 && secret.n)
        return fail_half_key("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", err);
    if (id.n && secret.n == 0)
        return fail_half_key("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", err);
    if (id.n == 0) {
        id = gen_buf_str(&profile->key_id);
        secret = gen_buf_str(&profile->secret);
        token = gen_buf_str(&profile->token);
        (void)snprintf(from, sizeof(from), "the AWS profile '%s'", profile->name.data);
        if (id.n == 0 && profile->other.n)
            return gen_fail(err, GEN_EUSAGE,
                            "%s has no key of its own (%s): run eval \"$(aws configure "
                            "export-credentials --profile %s --format env)\" first, or set "
                            "AWS_SKIP_SIGNATURE=true to read anonymously",
                            from, profile->other.data, profile->name.data);
        if (id.n == 0 && get(env, "AWS_PROFILE") && !profile->is_found)
            return gen_fail(err, GEN_EUSAGE,
                            "AWS_PROFILE is '%s', but neither ~/.aws/credentials nor ~/.aws/config "
                            "has a profile of that name",
                            profile->name.data);
        if (id.n == 0)
            return GEN_OK;
        if (secret.n == 0)
            return fail_half_key("aws_access_key_id of the profile", "its aws_secret_access_key",
                                 err);
    }
    int rc = copy(&p->key_id, id, err);
    if (rc == GEN_OK)
        rc = copy(&p->key_source, gen_str_from(from), err);
    if (rc == GEN_OK)
        rc = gen_secret_new(&p->secret, secret, err);
    if (rc == GEN_OK && token.n)
        rc = gen_secret_new(&p->token, token, err);
    return rc;
}

static int set_region(struct gen_place *p, struct gen_str region, struct gen_error *err)
{
    if (!is_label(region, REGION_MAX) || memchr(region.p, '.', region.n))
        return gen_fail(err, GEN_EINPUT, "'%.*s' is no name of a region (AWS_REGION)",
                        GEN_STR_ARG(gen_str_sub(region, 0, REGION_MAX)));
    struct gen_buf scope = gen_buf_make(GEN_URL_BYTES_MAX);
    int rc = gen_buf_printf(&scope, err, "aws:amz:%.*s:s3", GEN_STR_ARG(region));
    if (rc == GEN_OK)
        rc = copy(&p->scope, gen_buf_str(&scope), err);
    if (rc == GEN_OK)
        rc = copy(&p->region, region, err);
    gen_buf_release(&scope);
    p->signature = (struct gen_http_signature){p->scope, p->key_id, p->secret};
    return rc;
}

static int take_region(struct gen_place *p, const struct lookup *env,
                       const struct gen_profile *profile, struct gen_error *err)
{
    struct gen_str region = gen_str_from(get(env, "AWS_REGION"));
    if (region.n == 0)
        region = gen_str_from(get(env, "AWS_DEFAULT_REGION"));
    if (region.n == 0)
        region = gen_buf_str(&profile->region);
    p->has_region = region.n > 0;
    return set_region(p, region.n ? region : GEN_STR(REGION_DEFAULT), err);
}

static int init_s3(struct gen_place *p, const char *url, const struct lookup *env,
                   struct gen_error *err)
{
    struct gen_profile profile = gen_profile_make();
    p->is_s3 = true;
    int rc = take_bucket(p, url, err);
    if (rc == GEN_OK)
        rc = gen_profile_read(&profile, env->fn, env->ud, err);
    if (rc == GEN_OK)
        rc = take_endpoint(p, env, &profile, err);
    if (rc == GEN_OK)
        rc = take_key(p, env, &profile, err);
    if (rc == GEN_OK)
        rc = take_region(p, env, &profile, err);
    gen_profile_release(&profile);
    return rc;
}

int gen_place_init(struct gen_place *p, const char *url, gen_env_fn *env, void *env_ud,
                   struct gen_error *err)
{
    const struct lookup lookup = {env ? env : process_env, env_ud};
    *p = (struct gen_place){.is_s3 = false};
    if (strlen(url) > GEN_URL_BYTES_MAX / 2)
        return gen_fail(err, GEN_EUSAGE, "the URL of the input is too long");
    if (strncasecmp(url, S3_SCHEME, 5) == 0)
        return init_s3(p, url, &lookup, err);
    int rc = check_folder_url(gen_str_from(url), err);
    return rc ? rc : copy(&p->root, without_slashes(gen_str_from(url)), err);
}

void gen_place_release(struct gen_place *p)
{
    free(p->root);
    free(p->bucket);
    free(p->endpoint);
    free(p->region);
    free(p->key_id);
    free(p->key_source);
    free(p->scope);
    gen_secret_free(p->secret);
    gen_secret_free(p->token);
    *p = (struct gen_place){.is_s3 = false};
}

int gen_place_move(struct gen_place *p, struct gen_str region, struct gen_error *err)
{
    return set_region(p, region, err);
}

/* -- URLs -- */

int gen_percent_encode(struct gen_buf *out, struct gen_str text, bool keeps_slash,
                       struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < text.n && rc == GEN_OK; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keeps_slash);
        rc = stays ? gen_buf_add_char(out, (char)c, err) : gen_buf_printf(out, err, "%%%02X", c);
    }
    return rc;
}

/* What of the path is behind the root, with its slash; false when it is not below the root. */
static bool below_root(const struct gen_place *p, const char *path, struct gen_str *rest)
{
    size_t n = strlen(p->root);
    /* Schemes are the same in any case, and the root is written small. */
    bool ok = p->is_s3
                  ? strncasecmp(path, p->root, 5) == 0 && strncmp(path + 5, p->root + 5, n - 5) == 0
                  : strncmp(path, p->root, n) == 0;
    if (!ok || (path[n] != '\0' && path[n] != '/'))
        return false;
    *rest = gen_str_from(path + n);
    return true;
}

static int fail_outside(const struct gen_place *p, const char *path, struct gen_error *err)
{
    return gen_fail(err, GEN_EINPUT, "%s is not below %s", path, p->root);
}

static int add_host(const struct gen_place *p, struct gen_buf *out, struct gen_error *err)
{
    /* The Chinese partition has names of its own. */
    const char *tail = strncmp(p->region, "cn-", 3) == 0 ? ".cn" : "";
    if (!p->endpoint)
        return p->is_virtual ? gen_buf_printf(out, err, "https://%s.s3.%s.amazonaws.com%s",
                                              p->bucket, p->region, tail)
                             : gen_buf_printf(out, err, "https://s3.%s.amazonaws.com%s/%s",
                                              p->region, tail, p->bucket);
    if (!p->is_virtual)
        return gen_buf_printf(out, err, "%s/%s", p->endpoint, p->bucket);
    const char *host = strstr(p->endpoint, "://") + 3;
    return gen_buf_printf(out, err, "%.*s%s.%s", (int)(host - p->endpoint), p->endpoint, p->bucket,
                          host);
}

int gen_place_url(const struct gen_place *p, const char *path, const char *query,
                  struct gen_buf *out, struct gen_error *err)
{
    struct gen_str rest;
    if (!below_root(p, path, &rest))
        return fail_outside(p, path, err);
    gen_buf_clear(out);
    int rc = p->is_s3 ? add_host(p, out, err) : gen_buf_add_c(out, p->root, err);
    if (rc == GEN_OK && p->is_s3 && rest.n == 0)
        rest = GEN_STR("/");
    if (rc == GEN_OK)
        rc = gen_percent_encode(out, rest, true, err);
    if (rc == GEN_OK && query)
        rc = gen_buf_printf(out, err, "?%s", query);
    return rc;
}

int gen_place_prefix(const struct gen_place *p, const char *path, struct gen_buf *out,
                     struct gen_error *err)
{
    struct gen_str rest;
    if (!below_root(p, path, &rest))
        return fail_outside(p, path, err);
    rest = without_slashes(rest);
    if (rest.n == 0)
        return GEN_OK;
    int rc = gen_percent_encode(out, gen_str_sub(rest, 1, rest.n), false, err);
    return rc ? rc : gen_buf_add_c(out, "%2F", err);
}
