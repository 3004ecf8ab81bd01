#include "net/transfer.h"

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
