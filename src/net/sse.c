#include "net/sse.h"

#define BYTE_ORDER_MARK GEN_STR("\xEF\xBB\xBF")

struct gen_sse gen_sse_make(enum gen_sse_format format, size_t event_bytes_max)
{
    return (struct gen_sse){.format = format,
                            .line = gen_buf_make(event_bytes_max),
                            .name = gen_buf_make(event_bytes_max),
                            .data = gen_buf_make(event_bytes_max)};
}

void gen_sse_release(struct gen_sse *s)
{
    gen_buf_release(&s->line);
    gen_buf_release(&s->name);
    gen_buf_release(&s->data);
}

/* An empty value is a view too, never NULL: whoever reads the event may hand it to memcmp. */
static struct gen_str contents(const struct gen_buf *b)
{
    return b->n ? gen_buf_str(b) : GEN_STR("");
}

static int too_long(const struct gen_sse *s, const char *what, struct gen_error *err)
{
    return gen_fail(err, GEN_ELIMIT, "%s of the streamed answer is longer than %zu bytes", what,
                    s->line.bytes_max);
}

static int set_name(struct gen_sse *s, struct gen_str value, struct gen_error *err)
{
    gen_buf_clear(&s->name);
    return gen_buf_add_str(&s->name, value, err);
}

static int add_data(struct gen_sse *s, struct gen_str value, struct gen_error *err)
{
    size_t n_separator = s->has_data ? 1 : 0;
    if (value.n + n_separator > s->data.bytes_max - s->data.n)
        return too_long(s, "an event", err);
    int rc = s->has_data ? gen_buf_add_char(&s->data, '\n', err) : GEN_OK;
    s->has_data = true;
    return rc == GEN_OK ? gen_buf_add_str(&s->data, value, err) : rc;
}

/* The specification drops an event without data, but not one whose data is empty. */
static int dispatch(struct gen_sse *s, gen_sse_fn *fn, void *ud, struct gen_error *err)
{
    struct gen_sse_event event = {contents(&s->name), contents(&s->data)};
    int rc = s->has_data ? fn(ud, &event, err) : GEN_OK;
    gen_buf_clear(&s->name);
    gen_buf_clear(&s->data);
    s->has_data = false;
    return rc;
}

static int take_field(struct gen_sse *s, struct gen_str line, struct gen_error *err)
{
    const char *colon = memchr(line.p, ':', line.n);
    size_t n_name = colon ? (size_t)(colon - line.p) : line.n;
    struct gen_str name = gen_str_sub(line, 0, n_name);
    struct gen_str value = gen_str_sub(line, n_name + 1, line.n);
    if (value.n && value.p[0] == ' ')
        value = gen_str_sub(value, 1, value.n);
    if (gen_str_is(name, "data"))
        return add_data(s, value, err);
    if (gen_str_is(name, "event"))
        return set_name(s, value, err);
    return GEN_OK; /* a comment, id, retry, or a field that the specification does not know */
}

/* A whole line, without its end. */
static int take_line(struct gen_sse *s, struct gen_str line, gen_sse_fn *fn, void *ud,
                     struct gen_error *err)
{
    if (line.n > s->line.bytes_max)
        return too_long(s, "a line", err);
    if (!s->is_started && gen_str_starts(line, BYTE_ORDER_MARK))
        line = gen_str_sub(line, BYTE_ORDER_MARK.n, line.n);
    s->is_started = true;
    if (s->format == GEN_SSE_EVENTS)
        return line.n ? take_field(s, line, err) : dispatch(s, fn, ud, err);
    struct gen_sse_event event = {GEN_STR(""), gen_str_trim(line)};
    return event.data.n ? fn(ud, &event, err) : GEN_OK;
}

/* Lines of JSON end with LF alone: CR is white space between the tokens of a value. */
static size_t find_line_end(const struct gen_sse *s, struct gen_str rest)
{
    if (s->format == GEN_SSE_LINES) {
        const char *end = memchr(rest.p, '\n', rest.n);
        return end ? (size_t)(end - rest.p) : rest.n;
    }
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '\n' && rest.p[n] != '\r')
        n++;
    return n;
}

/* Bytes of a line whose end has not come yet. */
static int keep(struct gen_sse *s, struct gen_str part, struct gen_error *err)
{
    if (part.n > s->line.bytes_max - s->line.n)
        return too_long(s, "a line", err);
    return gen_buf_add_str(&s->line, part, err);
}

/* A line that lies whole in the piece is not copied. */
static int end_line(struct gen_sse *s, struct gen_str part, gen_sse_fn *fn, void *ud,
                    struct gen_error *err)
{
    if (s->line.n == 0)
        return take_line(s, part, fn, ud, err);
    int rc = keep(s, part, err);
    if (rc == GEN_OK)
        rc = take_line(s, gen_buf_str(&s->line), fn, ud, err);
    gen_buf_clear(&s->line);
    return rc;
}

int gen_sse_feed(struct gen_sse *s, struct gen_str piece, gen_sse_fn *fn, void *ud,
                 struct gen_error *err)
{
    struct gen_str rest = piece;
    while (rest.n) {
        if (s->after_cr && rest.p[0] == '\n')
            rest = gen_str_sub(rest, 1, rest.n);
        s->after_cr = false;
        if (rest.n == 0)
            break;
        size_t n = find_line_end(s, rest);
        struct gen_str part = gen_str_sub(rest, 0, n);
        if (n == rest.n)
            return keep(s, part, err);
        s->after_cr = rest.p[n] == '\r';
        int rc = end_line(s, part, fn, ud, err);
        if (rc != GEN_OK)
            return rc;
        rest = gen_str_sub(rest, n + 1, rest.n);
    }
    return GEN_OK;
}

int gen_sse_end(struct gen_sse *s, gen_sse_fn *fn, void *ud, bool *is_cut, struct gen_error *err)
{
    struct gen_str line = gen_buf_str(&s->line);
    if (s->format == GEN_SSE_LINES) {
        int rc = line.n ? take_line(s, line, fn, ud, err) : GEN_OK;
        if (rc == GEN_OK)
            *is_cut = false;
        gen_buf_clear(&s->line);
        return rc;
    }
    if (!s->is_started && gen_str_starts(line, BYTE_ORDER_MARK))
        line = gen_str_sub(line, BYTE_ORDER_MARK.n, line.n);
    bool is_comment = line.n && line.p[0] == ':';
    *is_cut = s->has_data || s->name.n > 0 || (line.n && !is_comment);
    return GEN_OK;
}
