#include "fakellm.h"

#include <string.h>
#include <strings.h>

const char *fake_header(struct fake_span headers, const char *name)
{
    size_t n = strlen(name);
    const char *end = headers.p + headers.n;
    for (const char *p = headers.p; p < end;) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        if (line_end == NULL) {
            return NULL;
        }
        p = line_end + 1;
        if ((size_t)(end - p) > n && strncasecmp(p, name, n) == 0) {
            p += n;
            while (p < end && *p == ' ') {
                p++;
            }
            return p;
        }
    }
    return NULL;
}

static bool parse_length(const char *p, const char *end, size_t *out)
{
    size_t value = 0;
    const char *start = p;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (size_t)(*p - '0');
        if (value > FAKE_REQUEST_BYTES_MAX) {
            return false;
        }
    }
    *out = value;
    return p > start;
}

static bool parse_first_line(struct fake_span line, struct fake_request *r)
{
    const char *space = memchr(line.p, ' ', line.n);
    const char *end = line.p + line.n;
    if (space == NULL) {
        return false;
    }
    r->method = (struct fake_span){line.p, (size_t)(space - line.p)};
    const char *path = space + 1;
    const char *stop = memchr(path, ' ', (size_t)(end - path));
    if (stop == NULL) {
        return false;
    }
    const char *query = memchr(path, '?', (size_t)(stop - path));
    r->path = (struct fake_span){path, (size_t)((query == NULL ? stop : query) - path)};
    r->query = (struct fake_span){"", 0};
    if (query != NULL) {
        r->query = (struct fake_span){query + 1, (size_t)(stop - query - 1)};
    }
    return true;
}

enum fake_parsed fake_request_parse(struct fake_span in, struct fake_request *r, size_t *need)
{
    const char *end = memmem(in.p, in.n, "\r\n\r\n", 4);
    if (end == NULL) {
        return in.n > 65536 ? FAKE_PARSED_BAD : FAKE_PARSED_MORE;
    }
    const char *line_end = memchr(in.p, '\r', in.n);
    size_t body_bytes = 0;
    r->headers = (struct fake_span){in.p, (size_t)(end - in.p) + 4};
    if (!parse_first_line((struct fake_span){in.p, (size_t)(line_end - in.p)}, r)) {
        return FAKE_PARSED_BAD;
    }
    const char *length = fake_header(r->headers, "content-length:");
    if (length != NULL && !parse_length(length, end + 2, &body_bytes)) {
        return FAKE_PARSED_BAD;
    }
    if (length == NULL && fake_header(r->headers, "transfer-encoding:") != NULL) {
        return FAKE_PARSED_BAD;
    }
    const char *connection = fake_header(r->headers, "connection:");
    r->keep_alive = connection == NULL || strncasecmp(connection, "close", 5) != 0;
    *need = r->headers.n + body_bytes;
    if (in.n < *need) {
        return FAKE_PARSED_MORE;
    }
    r->body = (struct fake_span){in.p + r->headers.n, body_bytes};
    return FAKE_PARSED_WHOLE;
}
