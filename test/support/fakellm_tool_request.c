/* Requests for tools and plans of them: the fake model writes the calls of its prompt into the
 * request in a form that it reads again when it is asked for the plan:
 * "Please do get shape (path: \"/a\"; chunk size: 6) and do ... . It is for desk 17." */
#include "fakellm.h"

#include <ctype.h>
#include <string.h>

#define LINE_END "\\n"

static struct fake_span span_of(const char *p, const char *end)
{
    return (struct fake_span){p, p < end ? (size_t)(end - p) : 0};
}

static const char *find_last(struct fake_span s, const char *needle)
{
    const char *found = NULL;
    const char *at = fake_span_find(s, needle);
    while (at != NULL) {
        found = at;
        at = fake_span_find(span_of(at + 1, s.p + s.n), needle);
    }
    return found;
}

/* The line at `*p`, which goes on to the next one; lines end with an escaped line end. */
static struct fake_span next_line(const char **p, const char *end)
{
    const char *stop = memmem(*p, (size_t)(end - *p), LINE_END, 2);
    struct fake_span line = span_of(*p, stop == NULL ? end : stop);
    *p = stop == NULL ? end : stop + 2;
    return line;
}

static void put_words(struct fake_buf *out, struct fake_span name)
{
    for (size_t i = 0; i < name.n; i++) {
        fake_buf_char(out, name.p[i] == '_' ? ' ' : name.p[i]);
    }
}

static void put_name(struct fake_buf *out, struct fake_span words)
{
    for (size_t i = 0; i < words.n; i++) {
        fake_buf_char(out, words.p[i] == ' ' ? '_' : words.p[i]);
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

struct parameter {
    struct fake_span name, value;
    bool is_withheld;
};

/* "- path (string): Path of it. Value: \"/a\" (the default: need not be said)" */
static bool read_parameter(struct fake_span line, struct parameter *out)
{
    const char *end = line.p + line.n;
    const char *value = find_last(line, " Value: ");
    const char *bracket = fake_span_find(line, " (");
    if (!fake_span_starts(line, "- ") || value == NULL || bracket == NULL) {
        return false;
    }
    out->name = span_of(line.p + 2, bracket);
    out->value = span_of(value + strlen(" Value: "), end);
    const char *note = find_last(out->value, " (the default: need not be said)");
    const char *withheld = find_last(out->value, " (withheld: only in the reply)");
    out->is_withheld = withheld != NULL;
    if (note != NULL || withheld != NULL) {
        out->value.n = (size_t)((note != NULL ? note : withheld) - out->value.p);
    }
    return true;
}

/* "hidden, it comes out of call 1 (/keys/0 of its result)." */
static void put_value(struct fake_buf *out, struct fake_span value)
{
    const char *call = fake_span_find(value, "out of call ");
    if (!fake_span_starts(value, "hidden, ") || call == NULL) {
        fake_buf_put(out, value.p, value.n);
        return;
    }
    call += strlen("out of call ");
    fake_buf_puts(out, "what ");
    fake_buf_char(out, *call);
    fake_buf_puts(out, " gives at ");
    const char *from = memchr(call, '(', value.n - (size_t)(call - value.p));
    const char *to = fake_span_find(value, " of its result");
    if (from != NULL && to != NULL) {
        fake_buf_put(out, from + 1, (size_t)(to - from - 1));
    }
}

/* Where the part about the item begins in the prompt: after the rules and examples. */
static const char *item_of(const struct fake_prompt *p)
{
    const char *calls = find_last(p->body, LINE_END "Call 1: ");
    return calls != NULL ? calls : find_last(p->body, "Tool: ");
}

static bool begins_call(struct fake_span line, struct fake_span *name)
{
    const char *at = NULL;
    if (fake_span_starts(line, "Tool: ")) {
        at = line.p + strlen("Tool: ");
    } else if (fake_span_starts(line, "Call ") && line.n > 8 && isdigit((unsigned char)line.p[5])) {
        at = fake_span_find(line, ": ");
        at = at == NULL ? NULL : at + 2;
    }
    const char *end = at == NULL ? NULL : fake_span_find(span_of(at, line.p + line.n), ": ");
    *name = end == NULL ? (struct fake_span){"", 0} : span_of(at, end);
    return end != NULL;
}

static void put_orders(struct fake_buf *out, const struct fake_prompt *p)
{
    const char *end = p->body.p + p->body.n;
    const char *at = item_of(p);
    size_t n_calls = 0;
    size_t n_values = 0;
    while (at != NULL && at < end) {
        struct fake_span line = next_line(&at, end);
        struct fake_span name;
        struct parameter parameter;
        if (begins_call(line, &name)) {
            fake_buf_puts(out, n_calls++ > 0 ? ") and do " : "Please do ");
            put_words(out, name);
            fake_buf_puts(out, " (");
            n_values = 0;
        } else if (read_parameter(line, &parameter) && !parameter.is_withheld) {
            fake_buf_puts(out, n_values++ > 0 ? "; " : "");
            put_words(out, parameter.name);
            fake_buf_puts(out, ": ");
            put_value(out, parameter.value);
        } else if (fake_span_starts(line, "Other uses of it") ||
                   fake_span_starts(line, "Withheld: ") ||
                   fake_span_starts(line, "Known from before")) {
            break;
        }
    }
    fake_buf_puts(out, n_calls > 0 ? "). It is for desk " : "Nothing to do at desk ");
    fake_buf_uint(out, p->hash % 90000 + 1000);
    fake_buf_char(out, '.');
}

static void put_withheld(struct fake_buf *out, const struct fake_prompt *p, bool names_only)
{
    const char *end = p->body.p + p->body.n;
    const char *at = item_of(p);
    size_t n = 0;
    while (at != NULL && at < end) {
        struct fake_span line = next_line(&at, end);
        struct parameter parameter;
        if (fake_span_starts(line, "Withheld: ")) {
            break;
        }
        if (!read_parameter(line, &parameter) || !parameter.is_withheld) {
            continue;
        }
        fake_buf_puts(out, n++ > 0 ? (names_only ? " and " : "; ") : "");
        put_words(out, parameter.name);
        if (!names_only) {
            fake_buf_puts(out, ": ");
            put_value(out, parameter.value);
        }
    }
}

static void write_request(struct fake_buf *out, const struct fake_prompt *p, bool is_several)
{
    fake_buf_puts(out, is_several ? "{\"goal\":\"the desk has it\",\"usable\":\"yes\",\"hidden\":[]"
                                  : "{\"situation\":\"a person at a desk\"");
    fake_buf_puts(out, ",\"instruction\":\"");
    put_orders(out, p);
    fake_buf_puts(out, "\",\"values\":[]}");
}

static void write_missing(struct fake_buf *out, const struct fake_prompt *p)
{
    fake_buf_puts(out, "{\"withheld\":[],\"instruction\":\"");
    put_orders(out, p);
    fake_buf_puts(out, "\",\"values\":[],\"question_back\":\"Which ");
    put_withheld(out, p, true);
    fake_buf_puts(out, " do you mean?\",\"user_reply\":\"");
    put_withheld(out, p, false);
    fake_buf_puts(out, "\"}");
}

static void write_irrelevance(struct fake_buf *out, const struct fake_prompt *p)
{
    fake_buf_puts(out, "{\"near_tool\":\"none\",\"what_is_missing\":\"a brush\",\"instruction\":"
                       "\"Please repaint the wall behind desk ");
    fake_buf_uint(out, p->hash % 90000 + 1000);
    fake_buf_puts(out, " before Friday.\",\"reply\":\"No wall can be painted with the tools at "
                       "hand.\"}");
}

/* ---- plans ----------------------------------------------------------------------------------- */

static const char *value_end(const char *p, const char *end)
{
    bool quoted = false;
    int depth = 0;
    for (; p < end; p++) {
        if (end - p >= 2 && p[0] == '\\' && p[1] == '"') {
            quoted = !quoted;
            p++;
        } else if (!quoted && (*p == '[' || *p == '{')) {
            depth++;
        } else if (!quoted && (*p == ']' || *p == '}')) {
            depth--;
        } else if (!quoted && depth == 0 && (*p == ';' || *p == ')')) {
            break;
        }
    }
    return p;
}

static void put_argument(struct fake_buf *out, struct fake_span name, struct fake_span value)
{
    const char *pointer = fake_span_find(value, " gives at ");
    bool is_result = fake_span_starts(value, "what ") && pointer != NULL;
    fake_buf_puts(out, "{\"name\":\"");
    put_name(out, name);
    if (is_result) {
        pointer += strlen(" gives at ");
        fake_buf_puts(out, "\",\"origin\":\"result\",\"where\":\"");
        if (!fake_span_is(span_of(pointer, value.p + value.n), "all")) {
            fake_buf_put(out, pointer, (size_t)(value.p + value.n - pointer));
        }
        fake_buf_puts(out, "\",\"step\":");
        fake_buf_char(out, value.p[strlen("what ")]);
        fake_buf_puts(out, ",\"value\":\"\"}");
        return;
    }
    if (value.n >= 4 && fake_span_starts(value, "\\\"")) {
        value.p += 2;
        value.n -= 4;
    }
    fake_buf_puts(out, "\",\"origin\":\"request\",\"where\":\"");
    fake_buf_put(out, value.p, value.n);
    fake_buf_puts(out, "\",\"step\":0,\"value\":\"");
    fake_buf_put(out, value.p, value.n);
    fake_buf_puts(out, "\"}");
}

/* "path: \"/a\"; chunk size: 6" up to a closing bracket; the first argument is number `n`. */
static const char *put_arguments(struct fake_buf *out, const char *p, const char *end, size_t n)
{
    while (p < end && *p != ')') {
        const char *colon = fake_span_find(span_of(p, end), ": ");
        if (colon == NULL) {
            break;
        }
        const char *stop = value_end(colon + 2, end);
        fake_buf_puts(out, n++ > 0 ? "," : "");
        put_argument(out, span_of(p, colon), span_of(colon + 2, stop));
        p = stop < end && *stop == ';' ? stop + 2 : stop;
    }
    return p;
}

static void write_plan(struct fake_buf *out, const struct fake_prompt *p)
{
    const char *start = find_last(p->body, "=== request ===");
    const char *body_end = p->body.p + p->body.n;
    start = start == NULL ? body_end : start;
    const char *end = fake_span_find(span_of(start, body_end), "=== end of request");
    end = end == NULL ? body_end : end;
    const char *reply = fake_span_find(span_of(start, end), "The person's reply: ");
    struct fake_span replied = {"", 0};
    if (reply != NULL) {
        const char *at = reply + strlen("The person's reply: ");
        replied = next_line(&at, end);
    }
    const char *at = fake_span_find(span_of(start, end), "Please do ");
    size_t n = 0;
    fake_buf_puts(out, "{\"calls\":[");
    for (at = at == NULL ? NULL : at + strlen("Please do "); at != NULL && at < end;) {
        const char *open = fake_span_find(span_of(at, end), " (");
        if (open == NULL) {
            break;
        }
        fake_buf_puts(out, n++ > 0 ? ",{\"turn\":" : "{\"turn\":");
        fake_buf_uint(out, n);
        fake_buf_puts(out, ",\"thought\":\"This does what the desk needs.\",\"tool\":\"");
        put_name(out, span_of(at, open));
        fake_buf_puts(out, "\",\"arguments\":[");
        size_t from = out->len;
        const char *close = put_arguments(out, open + 2, end, 0);
        if (replied.n > 0) {
            (void)put_arguments(out, replied.p, replied.p + replied.n, out->len > from ? 1 : 0);
        }
        fake_buf_puts(out, "]}");
        at = end - close > 9 && fake_span_starts(span_of(close, end), ") and do ") ? close + 9
                                                                                   : NULL;
    }
    fake_buf_puts(out, "]}");
}

/* ---- calls one by one -------------------------------------------------------------------------
 */

static size_t count_of(struct fake_span s, const char *needle)
{
    size_t n = 0;
    for (const char *at = fake_span_find(s, needle); at != NULL; n++) {
        at = fake_span_find(span_of(at + 1, s.p + s.n), needle);
    }
    return n;
}

static const char *next_order(const char *at, const char *end)
{
    at = fake_span_find(span_of(at, end), ") and do ");
    return at == NULL ? NULL : at + strlen(") and do ");
}

bool fake_tool_order(struct fake_buf *out, const struct fake_prompt *p)
{
    const char *body_end = p->body.p + p->body.n;
    const char *start = find_last(p->body, LINE_END "Request: ");
    const char *end = start == NULL ? NULL : fake_span_find(span_of(start, body_end), "=== steps ");
    const char *at = end == NULL ? NULL : fake_span_find(span_of(start, end), "Please do ");
    if (at == NULL) {
        return false;
    }
    at += strlen("Please do ");
    for (size_t n = count_of(span_of(end, body_end), "Step "); n > 0 && at != NULL; n--) {
        at = next_order(at, end);
    }
    const char *open = at == NULL ? NULL : fake_span_find(span_of(at, end), " (");
    if (open == NULL) {
        fake_buf_puts(out, "{\"thought\":\"Nothing else is to be done.\",\"action\":\"finish\","
                           "\"tool\":\"none\",\"arguments\":[],\"message\":\"\"}");
        return true;
    }
    fake_buf_puts(out, "{\"thought\":\"This does what the desk needs.\",\"action\":\"call\","
                       "\"tool\":\"");
    put_name(out, span_of(at, open));
    fake_buf_puts(out, "\",\"arguments\":[");
    size_t from = out->len;
    (void)put_arguments(out, open + 2, end, 0);
    const char *reply = fake_span_find(span_of(start, end), "The person replied: ");
    if (reply != NULL) {
        reply += strlen("The person replied: ");
        struct fake_span replied = next_line(&reply, end);
        (void)put_arguments(out, replied.p, replied.p + replied.n, out->len > from ? 1 : 0);
    }
    fake_buf_puts(out, "],\"message\":\"\"}");
    return true;
}

bool fake_tool_request_answer(struct fake_buf *out, const struct fake_prompt *p)
{
    switch (p->step) {
    case FAKE_STEP_TOOL_REQUEST:
        write_request(out, p, false);
        return true;
    case FAKE_STEP_TOOL_REQUESTS:
        write_request(out, p, true);
        return true;
    case FAKE_STEP_TOOL_MISSING:
        write_missing(out, p);
        return true;
    case FAKE_STEP_TOOL_IRRELEVANCE:
        write_irrelevance(out, p);
        return true;
    case FAKE_STEP_TOOL_PLAN:
        write_plan(out, p);
        return true;
    default:
        return false;
    }
}
