#include "net/transfer.h"

#include <curl/curl.h>
#include <stdlib.h>

struct gen_str gen_url_host(struct gen_str url)
{
    static const struct gen_str schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < 2; i++) {
        struct gen_str scheme = schemes[i];
        if (!gen_str_eq_nocase(gen_str_sub(url, 0, scheme.n), scheme))
            continue;
        struct gen_str rest = gen_str_sub(url, scheme.n, url.n);
        size_t n = 0;
        size_t start = 0;
        while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#') {
            if (rest.p[n] == '@')
                start = n + 1;
            n++;
        }
        struct gen_str host = gen_str_sub(rest, start, n - start);
        if (!host.p || host.n == 0)
            return host;
        bool is_bracketed = host.p[0] == '[';
        const char *end = memchr(host.p, is_bracketed ? ']' : ':', host.n);
        if (end)
            host.n = (size_t)(end - host.p);
        return gen_str_sub(host, is_bracketed, host.n);
    }
    return (struct gen_str){NULL, 0};
}

static bool is_localhost(struct gen_str host)
{
    struct gen_str name = GEN_STR("localhost");
    return gen_str_eq_nocase(host, name) ||
           (host.n > name.n + 1 && host.p[host.n - name.n - 1] == '.' &&
            gen_str_eq_nocase(gen_str_sub(host, host.n - name.n, name.n), name));
}

bool gen_host_is_numeric(struct gen_str host)
{
    if (is_localhost(host) || (host.n && memchr(host.p, ':', host.n)))
        return true;
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
            return false;
    return host.n > 0;
}

bool gen_host_is_loopback(struct gen_str host)
{
    return is_localhost(host) || gen_str_is(host, "::1") ||
           (gen_host_is_numeric(host) && gen_str_starts(host, GEN_STR("127.")));
}

static int fail_redirect(struct gen_str location, struct gen_error *err)
{
    return gen_fail(err, GEN_EINPUT, "the server redirects to '%.*s', which is no URL to be asked",
                    GEN_STR_ARG(gen_str_sub(location, 0, 80)));
}

static bool is_followed(CURLU *url)
{
    char *user = NULL;
    char *scheme = NULL;
    bool ok = curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
              curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);
    curl_free(user);
    curl_free(scheme);
    return ok;
}

int gen_url_join(struct gen_buf *out, const char *base, struct gen_str location,
                 struct gen_error *err)
{
    CURLU *url = curl_url();
    char *target = gen_str_dup(location);
    char *whole = NULL;
    int rc = GEN_OK;
    if (!url || !target)
        rc = gen_nomem(err, "a URL");
    else if (curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK ||
             curl_url_set(url, CURLUPART_URL, target, 0) != CURLUE_OK || !is_followed(url) ||
             curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK)
        rc = fail_redirect(location, err);
    if (rc == GEN_OK) {
        gen_buf_clear(out);
        rc = gen_buf_add_c(out, whole, err);
    }
    curl_free(whole);
    free(target);
    curl_url_cleanup(url);
    return rc;
}
