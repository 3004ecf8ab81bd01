/* Answers of the stage "execute": the next call of a request, a result in a tool's place, the
 * closing reply. Read from the prompt's own lines. */
#include "fakellm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define LINE_END  "\\n" /* as it stands in a request's body */
#define QUOTE_MAX 160

/* The text between two marks, behind the last `from`; still escaped. */
static struct fake_span last_between(struct fake_span body, const char *from, const char *to)
{
    struct fake_span none = {"", 0};
    const char *end = body.p + body.n;
    const char *start = NULL;
    for (struct fake_span rest = body;;) {
        const char *at = fake_span_find(rest, from);
        if (at == NULL) {
            break;
        }
        start = at + strlen(from);
        rest = (struct fake_span){start, (size_t)(end - start)};
    }
    if (start == NULL) {
        return none;
    }
    struct fake_span rest = {start, (size_t)(end - start)};
    const char *stop = fake_span_find(rest, to);
    return stop == NULL ? none : (struct fake_span){start, (size_t)(stop - start)};
}

/* The text itself; the document is the caller's. */
static yyjson_doc *unescape(struct fake_span escaped, const char **text)
{
    struct fake_buf quoted = {0};
    fake_buf_char(&quoted, '"');
    fake_buf_put(&quoted, escaped.p, escaped.n);
    fake_buf_char(&quoted, '"');
    yyjson_doc *doc = quoted.failed ? NULL : yyjson_read(quoted.p, quoted.len, 0);
    fake_buf_release(&quoted);
    *text = yyjson_get_str(yyjson_doc_get_root(doc));
    if (*text == NULL) {
        *text = "";
    }
    return doc;
}

static void put_quoted(struct fake_buf *out, const char *text, size_t n)
{
    fake_buf_char(out, '"');
    fake_buf_escape(out, text, n);
    fake_buf_char(out, '"');
}

/* ---- the closing reply ----------------------------------------------------------------------- */

/* The beginning of a result, cut between words. */
static size_t quote_length(const char *text)
{
    size_t n = strcspn(text, "\n");
    if (n <= QUOTE_MAX) {
        return n;
    }
    n = QUOTE_MAX;
    while (n > 1 && text[n - 1] != ' ' && text[n - 1] != ',') {
        n--;
    }
    return n - 1;
}

static void write_reply(struct fake_buf *out, const char *steps)
{
    const char *last = NULL;
    for (const char *at = strstr(steps, "Step "); at != NULL; at = strstr(at + 1, "\nStep ")) {
        last = *at == '\n' ? at + 1 : at;
    }
    const char *line = last == NULL ? NULL : strchr(last, '\n');
    const char *result = line == NULL ? NULL : strstr(line, ": ");
    bool failed = line == NULL || strncmp(line + 1, "result", 6) != 0;
    if (result == NULL) {
        fake_buf_puts(out, "{\"used\":[],\"complete\":\"no\",\"missing\":\"all of it\","
                           "\"answer\":\"Nothing is known about that.\"}");
        return;
    }
    result += 2;
    size_t n = quote_length(result);
    unsigned long step = strtoul(last + 5, NULL, 10);
    fake_buf_puts(out, "{\"used\":[");
    if (step >= 1 && step <= 10 && n > 0) {
        fake_buf_printf(out, "{\"step\":%lu,\"quote\":", step);
        put_quoted(out, result, n);
        fake_buf_char(out, '}');
    }
    fake_buf_printf(out, "],\"complete\":\"%s\",\"missing\":\"\",\"answer\":\"%s",
                    failed ? "no" : "yes", failed ? "It failed: " : "The result says: ");
    fake_buf_escape(out, result, n);
    fake_buf_puts(out, "\"}");
}

/* ---- a result -------------------------------------------------------------------------------- */

static void write_result(struct fake_buf *out, const struct fake_prompt *p, const char *shape)
{
    struct fake_buf content = {0};
    if (!fake_schema_value(&content, p, shape)) {
        fake_buf_puts(&content, "done");
    }
    fake_buf_puts(out, "{\"status\":\"ok\",\"content\":");
    put_quoted(out, content.p == NULL ? "" : content.p, content.len);
    fake_buf_puts(out, ",\"new_facts\":[]}");
    fake_buf_release(&content);
}

/* ---- the next call --------------------------------------------------------------------------- */

static void write_end(struct fake_buf *out, const char *action, const char *message)
{
    fake_buf_printf(out,
                    "{\"thought\":\"Nothing else is to be done.\",\"action\":\"%s\",\"tool\":"
                    "\"none\",\"arguments\":[],\"message\":\"%s\"}",
                    action, message);
}

/* The word of the request that looks most like a value. */
static struct fake_span likely_word(const char *request, bool is_number)
{
    struct fake_span best = {"", 0};
    for (const char *p = request; *p != '\0';) {
        size_t n = strcspn(p, " \n");
        size_t kept = n;
        while (kept > 0 && strchr(".,?!;:", p[kept - 1]) != NULL) {
            kept--;
        }
        bool digits = kept > 0 && strspn(p, "0123456789") >= kept;
        bool path = memchr(p, '/', kept) != NULL || memchr(p, '.', kept) != NULL;
        bool has_path = memchr(best.p, '/', best.n) != NULL || memchr(best.p, '.', best.n) != NULL;
        if (kept > 0 && (is_number ? digits : path || !has_path)) {
            best = (struct fake_span){p, kept};
        }
        p += n;
        p += *p != '\0';
    }
    return best;
}

static void write_argument(struct fake_buf *out, const char *name, yyjson_val *schema,
                           const char *request)
{
    const char *type = yyjson_get_str(yyjson_obj_get(schema, "type"));
    yyjson_val *choice = yyjson_arr_get_first(yyjson_obj_get(schema, "enum"));
    bool is_number = type != NULL && (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0);
    struct fake_span word = likely_word(request, is_number);
    fake_buf_puts(out, "{\"name\":");
    put_quoted(out, name, strlen(name));
    fake_buf_puts(out, ",\"value\":");
    if (yyjson_is_str(choice)) {
        put_quoted(out, yyjson_get_str(choice), yyjson_get_len(choice));
    } else {
        put_quoted(out, word.p, word.n);
    }
    fake_buf_puts(out, ",\"origin\":\"request\",\"step\":0,\"where\":");
    put_quoted(out, word.p, word.n);
    fake_buf_char(out, '}');
}

/* A call of one tool, with its required parameters. */
static void write_call(struct fake_buf *out, yyjson_val *tool, const char *request)
{
    yyjson_val *parameters = yyjson_obj_get(tool, "parameters");
    yyjson_val *required = yyjson_obj_get(parameters, "required");
    size_t i = 0;
    size_t n = 0;
    yyjson_val *name = NULL;
    const char *tool_name = yyjson_get_str(yyjson_obj_get(tool, "name"));
    fake_buf_puts(out, "{\"thought\":\"The request needs this.\",\"action\":\"call\",\"tool\":");
    put_quoted(out, tool_name == NULL ? "none" : tool_name,
               tool_name == NULL ? 4 : strlen(tool_name));
    fake_buf_puts(out, ",\"arguments\":[");
    yyjson_arr_foreach(required, i, n, name)
    {
        const char *text = yyjson_get_str(name);
        if (text == NULL) {
            continue;
        }
        if (i > 0) {
            fake_buf_char(out, ',');
        }
        write_argument(out, text, yyjson_obj_get(yyjson_obj_get(parameters, "properties"), text),
                       request);
    }
    fake_buf_puts(out, "],\"message\":\"\"}");
}

/* One of the tools, which stand one a line. */
static yyjson_doc *draw_tool(const char *tools, uint64_t draw)
{
    size_t n_lines = 1;
    for (const char *p = tools; *p != '\0'; p++) {
        n_lines += *p == '\n';
    }
    for (size_t k = (size_t)(draw % n_lines); k > 0; k--) {
        tools = strchr(tools, '\n') + 1;
    }
    return yyjson_read(tools, strcspn(tools, "\n"), 0);
}

/* Whether the request says "Please do open file (", or in its brackets "path: ". */
static bool says_words(const char *request, const char *before, const char *name, const char *after)
{
    char words[160];
    int n = snprintf(words, sizeof(words), "%s%s%s", before, name, after);
    if (n < 0 || (size_t)n >= sizeof(words)) {
        return false;
    }
    for (char *p = words; *p != '\0'; p++) {
        *p = *p == '_' ? ' ' : *p;
    }
    return strstr(request, words) != NULL;
}

/* Asks for the first value that the tool ordered first needs and the request does not say. */
static bool write_question(struct fake_buf *out, yyjson_val *tool, const char *request)
{
    const char *tool_name = yyjson_get_str(yyjson_obj_get(tool, "name"));
    yyjson_val *required = yyjson_obj_get(yyjson_obj_get(tool, "parameters"), "required");
    size_t i = 0;
    size_t n = 0;
    yyjson_val *name = NULL;
    if (tool_name == NULL || !says_words(request, "Please do ", tool_name, " (")) {
        return false;
    }
    yyjson_arr_foreach(required, i, n, name)
    {
        const char *text = yyjson_get_str(name);
        if (text == NULL || says_words(request, "(", text, ": ") ||
            says_words(request, "; ", text, ": ")) {
            continue;
        }
        char message[200];
        (void)snprintf(message, sizeof(message), "Which %.100s do you mean?", text);
        write_end(out, "ask_user", message);
        return true;
    }
    return false;
}

static bool asks_first(struct fake_buf *out, const char *tools, const char *request)
{
    bool asks = false;
    if (strstr(request, "The person replied: ") != NULL) {
        return false;
    }
    while (!asks && *tools != '\0') {
        size_t n = strcspn(tools, "\n");
        yyjson_doc *tool = yyjson_read(tools, n, 0);
        asks = write_question(out, yyjson_doc_get_root(tool), request);
        yyjson_doc_free(tool);
        tools += n + (tools[n] == '\n');
    }
    return asks;
}

static void write_next(struct fake_buf *out, const struct fake_prompt *p, const char *tools,
                       const char *request)
{
    if (fake_span_find(p->body, "Your previous answer") != NULL) {
        write_end(out, "cannot_do", "That cannot be done with what is available here.");
        return;
    }
    if (strstr(request, "repaint the wall") != NULL) {
        write_end(out, "cannot_do", "No wall can be painted with the tools at hand.");
        return;
    }
    if (asks_first(out, tools, request) || fake_tool_order(out, p)) {
        return;
    }
    if (fake_span_find(p->body, "(none yet)") == NULL) {
        write_end(out, "finish", "");
        return;
    }
    yyjson_doc *tool = draw_tool(tools, p->hash);
    write_call(out, yyjson_doc_get_root(tool), request);
    yyjson_doc_free(tool);
}

bool fake_calls_answer(struct fake_buf *out, const struct fake_prompt *p)
{
    const char *first = NULL;
    const char *second = NULL;
    if (fake_span_find(p->body, "\"used\"") && fake_span_find(p->body, "\"complete\"")) {
        yyjson_doc *doc =
            unescape(last_between(p->body, "=== steps ", LINE_END "=== end of steps"), &first);
        write_reply(out, first);
        yyjson_doc_free(doc);
        return true;
    }
    if (fake_span_find(p->body, "\"new_facts\"")) {
        yyjson_doc *doc = unescape(
            last_between(p->body, "Shape of the result: ", LINE_END "Arguments: "), &first);
        if (fake_span_find(p->body, "The call: it fails") != NULL) {
            fake_buf_puts(out, "{\"status\":\"error\",\"content\":\"not found\",\"new_facts\":[]}");
        } else {
            write_result(out, p, first);
        }
        yyjson_doc_free(doc);
        return true;
    }
    if (fake_span_find(p->body, "\"ask_user\"") && fake_span_find(p->body, "\"thought\"")) {
        yyjson_doc *tools = unescape(
            last_between(p->body, "Tools, one a line:" LINE_END, LINE_END LINE_END "Request: "),
            &first);
        yyjson_doc *request =
            unescape(last_between(p->body, LINE_END "Request: ", LINE_END "=== steps "), &second);
        write_next(out, p, first, second);
        yyjson_doc_free(tools);
        yyjson_doc_free(request);
        return true;
    }
    return false;
}
