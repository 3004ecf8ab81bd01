#include "json/stream.h"

#include <stdlib.h>

#define CHUNK_BYTES ((size_t)256 << 10)

enum mode {
    MODE_UNKNOWN = 0,
    MODE_LINES,
    MODE_FIRST_ELEMENT, /* behind '[': an element or ']' */
    MODE_ELEMENT,       /* behind ',': an element */
    MODE_SEPARATOR,     /* behind an element: ',' or ']' */
    MODE_TAIL,          /* behind the closing ']': only white space */
    MODE_END,
    MODE_FAILED,
};

struct gen_json_stream {
    gen_read_fn *read;
    void *ud;
    char *name;
    char *data; /* bytes start..end are read and not yet given out */
    size_t start;
    size_t end;
    size_t capacity;
    uint64_t base; /* offset in the file of data[0] */
    uint64_t row;
    enum mode mode;
    bool at_eof;
    struct gen_error failure; /* given again by every call after it */
};

int gen_json_stream_new(struct gen_json_stream **out, gen_read_fn *read, void *ud, const char *name,
                        struct gen_error *err)
{
    struct gen_json_stream *s = calloc(1, sizeof(*s));
    char *copy = gen_str_dup(gen_str_from(name));
    char *data = malloc(CHUNK_BYTES);
    if (!s || !copy || !data) {
        free(s);
        free(copy);
        free(data);
        return gen_nomem(err, "a JSON stream");
    }
    s->read = read;
    s->ud = ud;
    s->name = copy;
    s->data = data;
    s->capacity = CHUNK_BYTES;
    *out = s;
    return GEN_OK;
}

void gen_json_stream_free(struct gen_json_stream *s)
{
    if (!s)
        return;
    free(s->data);
    free(s->name);
    free(s);
}

static int fail_at(const struct gen_json_stream *s, size_t at, enum gen_code code, const char *what,
                   struct gen_error *err)
{
    uint64_t offset = s->base + at;
    int rc = gen_fail(err, code, "%s, row %llu, byte %llu: %s", s->name,
                      (unsigned long long)s->row + 1, (unsigned long long)offset, what);
    if (err)
        err->offset = offset;
    return rc;
}

static int make_room(struct gen_json_stream *s, struct gen_error *err)
{
    size_t n = s->end - s->start;
    if (n > GEN_JSON_RECORD_BYTES_MAX)
        return fail_at(s, s->start, GEN_ELIMIT, "the record is larger than 64 MiB", err);
    if (s->start) {
        memmove(s->data, s->data + s->start, n);
        s->base += s->start;
        s->start = 0;
        s->end = n;
    }
    if (s->capacity - n >= CHUNK_BYTES / 2)
        return GEN_OK;
    char *data = realloc(s->data, s->capacity * 2);
    if (!data)
        return gen_nomem(err, "a JSON record");
    s->data = data;
    s->capacity *= 2;
    return GEN_OK;
}

/* Reads on; afterwards the unread bytes begin at `start`, which may have moved to 0. */
static int refill(struct gen_json_stream *s, struct gen_error *err)
{
    int rc = make_room(s, err);
    if (rc)
        return rc;
    size_t got = 0;
    size_t want = s->capacity - s->end;
    rc = s->read(s->ud, s->data + s->end, want, &got, err);
    if (rc)
        return gen_wrap(err, rc, "%s, row %llu", s->name, (unsigned long long)s->row + 1);
    if (got > want)
        return gen_fail(err, GEN_ESTATE, "%s: more bytes were read than asked for", s->name);
    s->end += got;
    s->at_eof = got == 0;
    return GEN_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Moves `start` to the next byte that is no white space; `*c` is 0 at the end. */
static int skip_blanks(struct gen_json_stream *s, char *c, bool *any, struct gen_error *err)
{
    for (;;) {
        while (s->start < s->end && is_blank(s->data[s->start]))
            s->start++;
        *any = s->start < s->end;
        *c = *any ? s->data[s->start] : '\0';
        if (*any || s->at_eof)
            return GEN_OK;
        int rc = refill(s, err);
        if (rc)
            return rc;
    }
}

/* The scan of one array element; its state outlives a refill, so no byte is looked at twice. */
struct scan {
    size_t at; /* from the element's start */
    size_t depth;
    size_t string_from; /* first byte of the string's contents */
    bool in_string;
    bool done;
};

enum { PLAIN = 0, QUOTE, OPEN, CLOSE, END_SCALAR };

static const unsigned char scan_class[256] = {
    ['"'] = QUOTE,       ['{'] = OPEN,        ['['] = OPEN,       ['}'] = CLOSE,
    [']'] = CLOSE,       [','] = END_SCALAR,  [' '] = END_SCALAR, ['\t'] = END_SCALAR,
    ['\n'] = END_SCALAR, ['\r'] = END_SCALAR,
};

/* To the closing quote: the next one with an even number of backslashes before it. */
static void scan_string(struct scan *k, const char *p, size_t n)
{
    while (k->at < n) {
        const char *quote = memchr(p + k->at, '"', n - k->at);
        if (!quote) {
            k->at = n;
            return;
        }
        size_t at = (size_t)(quote - p);
        size_t slashes = 0;
        while (at - slashes > k->string_from && p[at - slashes - 1] == '\\')
            slashes++;
        k->at = at + 1;
        k->string_from = at + 1;
        if (slashes % 2 == 0) {
            k->in_string = false;
            k->done = k->depth == 0;
            return;
        }
    }
}

/* `p`, `n`: the element and what is read behind it. Stops when done or out of bytes. */
static void scan_on(struct scan *k, const char *p, size_t n)
{
    while (k->at < n && !k->done) {
        if (k->in_string) {
            scan_string(k, p, n);
            continue;
        }
        unsigned char class = scan_class[(unsigned char)p[k->at]];
        if (class == QUOTE) {
            k->in_string = true;
            k->string_from = k->at + 1;
        } else if (class == OPEN) {
            k->depth++;
        } else if (class == CLOSE && k->depth) {
            k->depth--;
            k->done = k->depth == 0;
        } else if (class >= CLOSE && k->depth == 0) {
            k->done = true; /* behind a number or a literal */
            return;
        }
        k->at++;
    }
}

static void give(struct gen_json_stream *s, size_t n, struct gen_json_record *out)
{
    out->text = (struct gen_str){s->data + s->start, n};
    out->offset = s->base + s->start;
    out->row = ++s->row;
    s->start += n;
}

static int next_element(struct gen_json_stream *s, struct gen_json_record *out,
                        struct gen_error *err)
{
    struct scan k = {0};
    for (;;) {
        scan_on(&k, s->data + s->start, s->end - s->start);
        if (k.at > GEN_JSON_RECORD_BYTES_MAX)
            return fail_at(s, s->start, GEN_ELIMIT, "the record is larger than 64 MiB", err);
        if (k.done) {
            give(s, k.at, out);
            s->mode = MODE_SEPARATOR;
            return GEN_OK;
        }
        if (s->at_eof)
            return fail_at(s, s->start, GEN_EPARSE,
                           "the file ends inside this element of the array; it was cut off", err);
        int rc = refill(s, err);
        if (rc)
            return rc;
    }
}

static int next_in_array(struct gen_json_stream *s, struct gen_json_record *out, bool *more,
                         struct gen_error *err)
{
    for (;;) {
        char c;
        bool any;
        int rc = skip_blanks(s, &c, &any, err);
        if (rc)
            return rc;
        if (s->mode == MODE_TAIL) {
            if (any)
                return fail_at(
                    s, s->start, GEN_EPARSE,
                    "there is text behind the end of the array (JSON Lines whose records "
                    "are arrays are not supported)",
                    err);
            *more = false;
            s->mode = MODE_END;
            return GEN_OK;
        }
        if (!any)
            return fail_at(s, s->start, GEN_EPARSE,
                           "the file ends before the array is closed; it was cut off", err);
        if (s->mode == MODE_SEPARATOR) {
            if (c != ',' && c != ']')
                return fail_at(s, s->start, GEN_EPARSE,
                               "',' or ']' is expected behind an element of the array", err);
            s->mode = c == ',' ? MODE_ELEMENT : MODE_TAIL;
            s->start++;
            continue;
        }
        if (c == ']' && s->mode == MODE_FIRST_ELEMENT) {
            s->mode = MODE_TAIL;
            s->start++;
            continue;
        }
        if (c == ',' || c == ']' || c == '}')
            return fail_at(s, s->start, GEN_EPARSE, "an element of the array is expected", err);
        *more = true;
        return next_element(s, out, err);
    }
}

/* On the first record only: a file that is one pretty-printed object has a first line that does not
 * close what it opens. */
static bool closes(struct gen_str line)
{
    struct scan k = {0};
    scan_on(&k, line.p, line.n);
    return k.done;
}

static int next_line(struct gen_json_stream *s, struct gen_json_record *out, bool *more,
                     struct gen_error *err)
{
    char c;
    bool any;
    int rc = skip_blanks(s, &c, &any, err);
    if (rc)
        return rc;
    *more = any;
    if (!any) {
        s->mode = MODE_END;
        return GEN_OK;
    }
    size_t at = 0;
    const char *end = NULL;
    for (;;) {
        end = memchr(s->data + s->start + at, '\n', s->end - s->start - at);
        if (end || s->at_eof)
            break;
        at = s->end - s->start;
        rc = refill(s, err);
        if (rc)
            return rc;
    }
    size_t n = end ? (size_t)(end - s->data) - s->start : s->end - s->start;
    while (n && is_blank(s->data[s->start + n - 1]))
        n--;
    struct gen_str line = {s->data + s->start, n};
    if (n > GEN_JSON_RECORD_BYTES_MAX)
        return fail_at(s, s->start, GEN_ELIMIT, "the record is larger than 64 MiB", err);
    if (s->row == 0 && c == '{' && end && !closes(line))
        return fail_at(s, s->start, GEN_EINPUT,
                       "the first line does not end the object that it begins; the file must be "
                       "one JSON array or JSON Lines (one whole object a line), not one object "
                       "over several lines",
                       err);
    give(s, n, out);
    return GEN_OK;
}

/* Byte order marks and the first character. */
static int begin(struct gen_json_stream *s, struct gen_error *err)
{
    while (!s->at_eof && s->end < 3) {
        int rc = refill(s, err);
        if (rc)
            return rc;
    }
    if (s->end >= 3 && memcmp(s->data, "\xEF\xBB\xBF", 3) == 0)
        s->start = 3;
    else if (s->end >= 2 &&
             (memcmp(s->data, "\xFF\xFE", 2) == 0 || memcmp(s->data, "\xFE\xFF", 2) == 0))
        return fail_at(s, 0, GEN_EINPUT, "the file is UTF-16; convert it to UTF-8", err);
    else if (s->end >= 2 && memcmp(s->data, "\x1F\x8B", 2) == 0)
        return fail_at(s, 0, GEN_EINPUT, "the file is compressed with gzip; unpack it first", err);
    char c;
    bool any;
    int rc = skip_blanks(s, &c, &any, err);
    if (rc)
        return rc;
    s->mode = c == '[' ? MODE_FIRST_ELEMENT : MODE_LINES;
    if (c == '[')
        s->start++;
    return GEN_OK;
}

static int next(struct gen_json_stream *s, struct gen_json_record *out, bool *more,
                struct gen_error *err)
{
    if (s->mode == MODE_UNKNOWN) {
        int rc = begin(s, err);
        if (rc)
            return rc;
    }
    if (s->mode == MODE_LINES)
        return next_line(s, out, more, err);
    return next_in_array(s, out, more, err);
}

int gen_json_stream_next(struct gen_json_stream *s, struct gen_json_record *out, bool *more,
                         struct gen_error *err)
{
    if (s->mode == MODE_END) {
        *more = false;
        return GEN_OK;
    }
    if (s->mode != MODE_FAILED) {
        struct gen_json_record record = {0};
        bool any = false;
        int rc = next(s, &record, &any, &s->failure);
        if (rc == GEN_OK) {
            if (any)
                *out = record;
            *more = any;
            return GEN_OK;
        }
        s->mode = MODE_FAILED;
    }
    if (err)
        *err = s->failure;
    return (int)s->failure.code;
}
