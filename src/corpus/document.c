#include "corpus/document.h"

#include "base/utf8.h"
#include "corpus/corpus_int.h"

#include <stdlib.h>

#define HEADING_CHARS_MAX 200
#define DOC_BYTES_MAX     ((size_t)1 << 31)

static int grow(void **items, size_t *capacity, size_t n, size_t size, struct gen_error *err)
{
    if (*items && n < *capacity)
        return GEN_OK;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *bigger = reallocarray(*items, wanted, size);
    if (!bigger)
        return gen_nomem(err, "the structure of a document");
    *items = bigger;
    *capacity = wanted;
    return GEN_OK;
}

struct gen_doc_line *gen_doc_last_line(const struct gen_doc *d)
{
    return d->n_lines ? &d->lines[d->n_lines - 1] : NULL;
}

struct gen_str gen_doc_line_text(const struct gen_doc *d, const struct gen_doc_line *line)
{
    return gen_str_sub(d->text, line->start, line->end - line->start);
}

bool gen_doc_underlinable(const struct gen_doc_reader *r)
{
    const struct gen_doc_line *last = gen_doc_last_line(r->doc);
    if (!last || r->blank || r->in_list || last->kind != GEN_LINE_TEXT)
        return false;
    return r->doc->n_lines == 1 || last->blank_before || last[-1].kind != GEN_LINE_TEXT;
}

size_t gen_indent_columns(struct gen_str line)
{
    size_t columns = 0;
    for (size_t i = 0; i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'); i++)
        columns += line.p[i] == '\t' ? 4 : 1;
    return columns;
}

int gen_doc_add_line(struct gen_doc_reader *r, struct gen_str line, enum gen_line_kind kind,
                     enum gen_break cut, struct gen_error *err)
{
    struct gen_doc *d = r->doc;
    const struct gen_doc_line *last = gen_doc_last_line(d);
    if (d->n_lines == GEN_DOC_LINES_MAX)
        return gen_fail(err, GEN_ELIMIT, "a document has more than %u lines that are not blank",
                        GEN_DOC_LINES_MAX);
    if (last && last->kind == GEN_LINE_HEADING)
        cut = GEN_BREAK_NEVER;
    else if (last && cut == GEN_BREAK_BLOCK && d->kind != GEN_DOC_CODE &&
             d->text.p[last->end - 1] == ':')
        cut = GEN_BREAK_ITEM; /* an introduction stays with what it introduces */
    int rc = grow((void **)&d->lines, &d->lines_capacity, d->n_lines, sizeof(*d->lines), err);
    if (rc)
        return rc;
    size_t start = (size_t)(line.p - d->text.p);
    d->lines[d->n_lines++] = (struct gen_doc_line){
        .start = (uint32_t)start,
        .end = (uint32_t)(start + line.n),
        .node = r->node,
        .frame = GEN_DOC_NONE,
        .kind = (uint8_t)kind,
        .cut = (uint8_t)cut,
        .blank_before = r->blank,
    };
    return GEN_OK;
}

int gen_doc_add_frame(struct gen_doc *d, struct gen_doc_frame frame, struct gen_error *err)
{
    int rc = grow((void **)&d->frames, &d->frames_capacity, d->n_frames, sizeof(*d->frames), err);
    if (rc == GEN_OK)
        d->frames[d->n_frames++] = frame;
    return rc;
}

static int add_node(struct gen_doc *d, struct gen_doc_node node, struct gen_error *err)
{
    int rc = grow((void **)&d->nodes, &d->nodes_capacity, d->n_nodes, sizeof(*d->nodes), err);
    if (rc == GEN_OK)
        d->nodes[d->n_nodes++] = node;
    return rc;
}

int gen_doc_make_heading(struct gen_doc_reader *r, size_t first, struct gen_str text, uint8_t level,
                         struct gen_error *err)
{
    struct gen_doc *d = r->doc;
    uint32_t parent = r->node;
    while (d->nodes[parent].level >= level)
        parent = d->nodes[parent].parent;
    size_t start = text.n ? (size_t)(text.p - d->text.p) : 0;
    int rc = add_node(
        d, (struct gen_doc_node){parent, (uint32_t)start, (uint32_t)(start + text.n), level}, err);
    if (rc)
        return rc;
    r->node = (uint32_t)(d->n_nodes - 1);
    r->in_list = false;
    r->in_table = false;
    for (size_t i = first; i < d->n_lines; i++) {
        d->lines[i].kind = GEN_LINE_HEADING;
        d->lines[i].node = r->node;
        d->lines[i].cut = GEN_BREAK_NEVER;
    }
    d->lines[first].starts_heading = true;
    if (first == 0 || d->lines[first - 1].kind != GEN_LINE_HEADING)
        d->lines[first].cut = GEN_BREAK_HEADING;
    return GEN_OK;
}

size_t gen_list_mark(struct gen_str line, int *number)
{
    size_t i = 0;
    *number = -1;
    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
        i++;
    size_t digits = i;
    int value = 0;
    while (digits < line.n && digits - i < 9 && line.p[digits] >= '0' && line.p[digits] <= '9')
        value = value * 10 + (line.p[digits++] - '0');
    if (digits > i && digits < line.n && (line.p[digits] == '.' || line.p[digits] == ')')) {
        *number = value;
        i = digits + 1;
    } else if (i < line.n && (line.p[i] == '-' || line.p[i] == '*' || line.p[i] == '+')) {
        i++;
    } else {
        return 0;
    }
    if (i < line.n && line.p[i] != ' ' && line.p[i] != '\t')
        return 0;
    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
        i++;
    return i;
}

int gen_plain_line(struct gen_doc_reader *r, struct gen_str line, struct gen_error *err)
{
    const struct gen_doc_line *last = gen_doc_last_line(r->doc);
    bool continues = last && !r->blank && last->kind == GEN_LINE_TEXT;
    size_t indent = gen_indent_columns(line);
    int number;
    enum gen_break cut;
    r->in_table = false;
    if (gen_list_mark(line, &number) && (r->in_list || !continues || number < 2)) {
        if (r->in_list) {
            cut = indent <= r->list_indent ? GEN_BREAK_ITEM : GEN_BREAK_LINE;
        } else {
            cut = continues ? GEN_BREAK_LINE : GEN_BREAK_BLOCK;
            r->list_indent = indent;
        }
        if (indent < r->list_indent)
            r->list_indent = indent;
        r->in_list = true;
    } else if (continues) {
        cut = GEN_BREAK_NEVER;
    } else if ((r->in_list && indent >= r->list_indent + 2) || indent >= 4) {
        cut = GEN_BREAK_LINE;
    } else {
        cut = r->blank || !last ? GEN_BREAK_BLOCK : GEN_BREAK_LINE;
        r->in_list = false;
    }
    return gen_doc_add_line(r, line, GEN_LINE_TEXT, cut, err);
}

static int code_line(struct gen_doc_reader *r, struct gen_str line, struct gen_error *err)
{
    char first = line.p[0];
    enum gen_break cut;
    if (strchr("{})]", first))
        cut = GEN_BREAK_WRAP;
    else if (first == ' ' || first == '\t')
        cut = r->blank ? GEN_BREAK_ITEM : GEN_BREAK_SENTENCE;
    else
        cut = r->blank ? GEN_BREAK_BLOCK : GEN_BREAK_LINE;
    return gen_doc_add_line(r, line, GEN_LINE_TEXT, cut, err);
}

static int read_lines(struct gen_doc_reader *r, struct gen_str rest, struct gen_error *err)
{
    static int (*const readers[])(struct gen_doc_reader *, struct gen_str, struct gen_error *) = {
        [GEN_DOC_MARKDOWN] = gen_markdown_line,
        [GEN_DOC_RST] = gen_rst_line,
        [GEN_DOC_TEXT] = gen_plain_line,
        [GEN_DOC_CODE] = code_line,
    };
    struct gen_str line;
    while (gen_str_next_line(&rest, &line)) {
        if (gen_text_is_blank(line)) {
            r->blank = true;
            continue;
        }
        int rc = readers[r->doc->kind](r, line, err);
        if (rc)
            return rc;
        r->blank = false;
    }
    return GEN_OK;
}

/* Appends a heading's text without links, emphasis, code marks and attributes. */
static int add_plain(struct gen_buf *out, struct gen_str s, struct gen_error *err)
{
    bool code = false;
    size_t attribute = gen_str_find(s, GEN_STR("{#"), 0);
    if (attribute < s.n && gen_str_ends(s, GEN_STR("}")))
        s = gen_str_trim(gen_str_sub(s, 0, attribute));
    s = gen_utf8_prefix(s, HEADING_CHARS_MAX);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool starts_link = (c == '[' || (c == '!' && i + 1 < s.n && s.p[i + 1] == '[')) &&
                           gen_str_find(s, GEN_STR("]("), i) < s.n;
        if (c == '`') {
            code = !code;
            continue;
        }
        if (!code && c == ']' && i + 1 < s.n && s.p[i + 1] == '(') {
            size_t end = gen_str_find(s, GEN_STR(")"), i);
            i = end < s.n ? end : s.n - 1;
            continue;
        }
        bool alone = (i == 0 || s.p[i - 1] == ' ') && (i + 1 == s.n || s.p[i + 1] == ' ');
        if (!code && ((c == '*' && !alone) || starts_link))
            continue;
        int rc = gen_buf_add_char(out, c, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static struct gen_str node_text(const struct gen_doc *d, uint32_t node)
{
    return gen_str_sub(d->text, d->nodes[node].start, d->nodes[node].end - d->nodes[node].start);
}

static int find_title(struct gen_doc *d, struct gen_error *err)
{
    for (uint32_t i = 1; i < d->n_nodes && d->title.n == 0; i++) {
        if (d->nodes[i].level != 1)
            continue;
        int rc = add_plain(&d->title, node_text(d, i), err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

int gen_doc_init(struct gen_doc *d, struct gen_str text, enum gen_doc_kind kind,
                 struct gen_error *err)
{
    struct gen_doc doc = {.text = text, .kind = kind, .title = gen_buf_make(GEN_BUF_UNLIMITED)};
    struct gen_doc_reader reader = {.doc = &doc, .blank = true, .fence = GEN_DOC_NONE};
    size_t skip = 0;
    if (text.n >= DOC_BYTES_MAX)
        return gen_fail(err, GEN_ELIMIT, "a document is over 2 GB: split it");
    int rc = add_node(&doc, (struct gen_doc_node){0}, err);
    if (rc == GEN_OK && kind == GEN_DOC_MARKDOWN)
        rc = gen_front_matter(text, &skip, &doc.title, err);
    if (rc == GEN_OK)
        rc = read_lines(&reader, gen_str_sub(text, skip, text.n), err);
    if (rc == GEN_OK)
        rc = find_title(&doc, err);
    if (rc) {
        gen_doc_release(&doc);
        return rc;
    }
    *d = doc;
    return GEN_OK;
}

void gen_doc_release(struct gen_doc *d)
{
    free(d->lines);
    free(d->nodes);
    free(d->frames);
    gen_buf_release(&d->title);
    *d = (struct gen_doc){.text = {NULL, 0}};
}

int gen_doc_path(const struct gen_doc *d, uint32_t node, struct gen_buf *out, struct gen_error *err)
{
    uint32_t path[GEN_HEADING_MAX];
    size_t n = 0;
    size_t start = out->n;
    for (; node != 0 && n < GEN_HEADING_MAX; node = d->nodes[node].parent)
        path[n++] = node;
    while (n-- > 0) {
        struct gen_str text = node_text(d, path[n]);
        int rc = out->n > start && text.n ? gen_buf_add_c(out, " > ", err) : GEN_OK;
        if (rc == GEN_OK)
            rc = add_plain(out, text, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

uint32_t gen_doc_common_node(const struct gen_doc *d, uint32_t a, uint32_t b)
{
    while (a != b) {
        if (a > b)
            a = d->nodes[a].parent;
        else
            b = d->nodes[b].parent;
    }
    return a;
}

static void unify_line_ends(struct gen_buf *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        char c = text->data[i];
        if (c == '\r') {
            if (i + 1 < text->n && text->data[i + 1] == '\n')
                continue;
            c = '\n';
        }
        text->data[n++] = c;
    }
    text->n = n;
}

int gen_text_load(struct gen_buf *text, size_t *n_replaced, struct gen_error *err)
{
    struct gen_str bom = GEN_STR("\xEF\xBB\xBF");
    *n_replaced = 0;
    if (text->n == 0)
        return GEN_OK;
    bool malformed = !gen_utf8_valid(gen_buf_str(text));
    if (malformed || memchr(text->data, '\0', text->n)) {
        struct gen_buf clean = gen_buf_make(GEN_BUF_UNLIMITED);
        int rc = gen_utf8_clean(&clean, gen_buf_str(text), n_replaced, err);
        if (rc) {
            gen_buf_release(&clean);
            return rc;
        }
        if (!malformed)
            *n_replaced = 0;
        gen_buf_release(text);
        *text = clean;
    }
    if (gen_str_starts(gen_buf_str(text), bom)) {
        text->n -= bom.n;
        memmove(text->data, text->data + bom.n, text->n);
    }
    if (text->n && memchr(text->data, '\r', text->n))
        unify_line_ends(text);
    return GEN_OK;
}
