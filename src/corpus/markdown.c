/* Markdown: CommonMark 0.31 headings (4.2, 4.3), code fences (4.5) and lists as far as they matter
 * for cutting; tables of GitHub Flavored Markdown (4.10); YAML front matter. */
#include "corpus/document.h"
#include "json/yaml.h"

#define FRONT_MATTER_BYTES_MAX 65536
#define FENCE_MARKS_MIN        3
#define FENCE_HEAD_BYTES_MAX   100 /* indentation and marks, which each part of a fence repeats */
#define CONTAINERS_MAX         8

static size_t skip_space(struct gen_str s, size_t i)
{
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
        i++;
    return i;
}

static size_t count_marks(struct gen_str s, size_t from, char mark)
{
    size_t n = 0;
    while (from + n < s.n && s.p[from + n] == mark)
        n++;
    return n;
}

/* -- front matter -- */

static bool is_key_line(struct gen_str line)
{
    size_t i = 0;
    while (i < line.n && (line.p[i] == '_' || line.p[i] == '-' || line.p[i] == '.' ||
                          (line.p[i] >= '0' && line.p[i] <= '9') ||
                          ((line.p[i] | 0x20) >= 'a' && (line.p[i] | 0x20) <= 'z')))
        i++;
    return i > 0 && i < line.n && line.p[i] == ':' &&
           (i + 1 == line.n || line.p[i + 1] == ' ' || line.p[i + 1] == '\t');
}

/* For front matter that strict YAML refuses ("title: A: B"): its keys are at least recognisable. */
static bool looks_like_keys(struct gen_str body, struct gen_str *title)
{
    struct gen_str line;
    bool any = false;
    while (gen_str_next_line(&body, &line)) {
        bool key = is_key_line(line);
        if (!any && !key && gen_str_trim(line).n && line.p[0] != '#')
            return false;
        any = any || key;
        if (key && gen_str_starts(line, GEN_STR("title:")))
            *title = gen_str_trim(gen_str_sub(line, 6, line.n));
    }
    if (title->n >= 2 && (title->p[0] == '"' || title->p[0] == '\'') &&
        title->p[title->n - 1] == title->p[0])
        *title = gen_str_sub(*title, 1, title->n - 2);
    return any;
}

static int read_front_matter(struct gen_str body, bool *is_one, struct gen_buf *title,
                             struct gen_error *err)
{
    struct gen_yaml *yaml = NULL;
    struct gen_str text = {NULL, 0};
    int rc = gen_yaml_parse(&yaml, body, "front matter", NULL);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "front matter");
    if (rc == GEN_OK) {
        *is_one = gen_json_type(gen_yaml_root(yaml)) == GEN_JSON_OBJECT;
        text = gen_json_get_str(gen_yaml_root(yaml), "title");
    } else {
        *is_one = looks_like_keys(body, &text);
    }
    rc = *is_one ? gen_buf_add_str(title, gen_str_trim(text), err) : GEN_OK;
    gen_yaml_free(yaml);
    return rc;
}

int gen_front_matter(struct gen_str text, size_t *n_bytes, struct gen_buf *title,
                     struct gen_error *err)
{
    struct gen_str rest = text;
    struct gen_str line;
    if (!gen_str_next_line(&rest, &line) || gen_str_trim(line).n != 3 ||
        !gen_str_starts(line, GEN_STR("---")))
        return GEN_OK;
    const char *body = rest.p;
    while (gen_str_next_line(&rest, &line)) {
        struct gen_str trimmed = gen_str_trim(line);
        size_t n_body = (size_t)(line.p - body);
        if (n_body > FRONT_MATTER_BYTES_MAX)
            return GEN_OK;
        if (!gen_str_is(trimmed, "---") && !gen_str_is(trimmed, "..."))
            continue;
        bool is_one = false;
        int rc = read_front_matter((struct gen_str){body, n_body}, &is_one, title, err);
        if (rc == GEN_OK && is_one)
            *n_bytes = text.n - rest.n;
        return rc;
    }
    return GEN_OK;
}

/* -- code fences -- */

struct opener {
    size_t indent;
    size_t n_marks;
    char mark;
    bool quoted;
    bool in_item; /* it stands behind the mark of a list item */
};

static bool fence_opens(const struct gen_doc_reader *r, struct gen_str line, struct opener *o)
{
    size_t i = skip_space(line, 0);
    if (!r->in_list && gen_indent_columns(line) >= 4)
        return false;
    *o = (struct opener){0};
    for (int depth = 0; depth < CONTAINERS_MAX; depth++) {
        int number;
        size_t mark = gen_list_mark(gen_str_sub(line, i, line.n), &number);
        if (i < line.n && line.p[i] == '>') {
            o->quoted = true;
            i = skip_space(line, i + 1);
        } else if (mark) {
            o->in_item = true;
            i += mark;
        } else {
            break;
        }
    }
    if (i >= line.n || (line.p[i] != '`' && line.p[i] != '~'))
        return false;
    o->mark = line.p[i];
    o->indent = i;
    o->n_marks = count_marks(line, i, o->mark);
    if (o->n_marks < FENCE_MARKS_MIN || i + o->n_marks > FENCE_HEAD_BYTES_MAX)
        return false;
    return o->mark == '~' || !memchr(line.p + i + o->n_marks, '`', line.n - i - o->n_marks);
}

static bool fence_closes(const struct gen_doc_reader *r, struct gen_str line)
{
    const struct gen_doc_frame *frame = &r->doc->frames[r->fence];
    size_t i = skip_space(line, 0);
    while (r->fence_quoted && i < line.n && line.p[i] == '>')
        i = skip_space(line, i + 1);
    size_t n = count_marks(line, i, frame->mark);
    return n >= frame->n_marks && i <= (size_t)frame->indent + 3 &&
           skip_space(line, i + n) == line.n;
}

static int open_fence(struct gen_doc_reader *r, struct gen_str line, const struct opener *o,
                      struct gen_error *err)
{
    struct gen_doc *d = r->doc;
    enum gen_break cut = r->blank ? GEN_BREAK_BLOCK : GEN_BREAK_LINE;
    if (o->in_item)
        cut = r->in_list ? GEN_BREAK_ITEM : cut;
    else if (r->in_list && o->indent)
        cut = GEN_BREAK_LINE;
    int rc = gen_doc_add_line(r, line, GEN_LINE_FENCE, cut, err);
    if (rc)
        return rc;
    uint32_t index = (uint32_t)(d->n_lines - 1);
    rc = gen_doc_add_frame(d,
                           (struct gen_doc_frame){.first_line = index,
                                                  .last_line = index,
                                                  .indent = (uint32_t)o->indent,
                                                  .n_marks = (uint32_t)o->n_marks,
                                                  .mark = o->mark,
                                                  .unclosed = true},
                           err);
    if (rc)
        return rc;
    r->fence = (uint32_t)(d->n_frames - 1);
    r->fence_quoted = o->quoted;
    r->in_table = false;
    if (o->in_item && !r->in_list)
        r->list_indent = gen_indent_columns(line);
    r->in_list = o->in_item || (r->in_list && o->indent);
    d->lines[index].frame = r->fence;
    return GEN_OK;
}

static int add_fence_line(struct gen_doc_reader *r, struct gen_str line, struct gen_error *err)
{
    struct gen_doc *d = r->doc;
    int rc = gen_doc_add_line(r, line, GEN_LINE_FENCE, GEN_BREAK_NEVER, err);
    if (rc)
        return rc;
    struct gen_doc_frame *frame = &d->frames[r->fence];
    frame->last_line = (uint32_t)(d->n_lines - 1);
    d->lines[d->n_lines - 1].frame = r->fence;
    if (fence_closes(r, line)) {
        frame->unclosed = false;
        r->fence = GEN_DOC_NONE;
    }
    return GEN_OK;
}

/* -- headings -- */

static uint8_t atx_level(struct gen_str line, struct gen_str *text)
{
    size_t i = skip_space(line, 0);
    size_t n = count_marks(line, i, '#');
    size_t from = i + n;
    if (gen_indent_columns(line) > 3 || n == 0 || n > GEN_HEADING_MAX ||
        (from < line.n && line.p[from] != ' ' && line.p[from] != '\t'))
        return 0;
    struct gen_str s = gen_str_trim(gen_str_sub(line, from, line.n));
    size_t end = s.n;
    while (end && s.p[end - 1] == '#')
        end--;
    if (end == 0 || (end < s.n && s.p[end - 1] == ' '))
        s = gen_str_trim(gen_str_sub(s, 0, end));
    *text = s;
    return (uint8_t)n;
}

static uint8_t setext_level(const struct gen_doc_reader *r, struct gen_str line)
{
    struct gen_str marks = gen_str_trim(line);
    if (!gen_doc_underlinable(r) || gen_indent_columns(line) > 3 || marks.n == 0 ||
        (marks.p[0] != '=' && marks.p[0] != '-') || count_marks(marks, 0, marks.p[0]) != marks.n)
        return 0;
    struct gen_str text = gen_doc_line_text(r->doc, gen_doc_last_line(r->doc));
    if (gen_indent_columns(text) > 3 || gen_str_trim(text).p[0] == '>' ||
        gen_str_trim(text).p[0] == '<')
        return 0;
    return marks.p[0] == '=' ? 1 : 2;
}

/* -- tables -- */

static bool is_delimiter_row(struct gen_str line)
{
    bool dash = false;
    bool bar = false;
    for (size_t i = 0; i < line.n; i++) {
        if (!strchr(" \t|:-", line.p[i]))
            return false;
        dash = dash || line.p[i] == '-';
        bar = bar || line.p[i] == '|';
    }
    return dash && bar;
}

static bool has_bar(struct gen_str line)
{
    return memchr(line.p, '|', line.n) != NULL;
}

static int start_table(struct gen_doc_reader *r, struct gen_str line, struct gen_error *err)
{
    struct gen_doc *d = r->doc;
    uint32_t header = (uint32_t)(d->n_lines - 1);
    int rc = gen_doc_add_line(r, line, GEN_LINE_TABLE, GEN_BREAK_NEVER, err);
    if (rc == GEN_OK)
        rc = gen_doc_add_frame(
            d, (struct gen_doc_frame){.first_line = header, .last_line = header + 1}, err);
    if (rc)
        return rc;
    uint32_t frame = (uint32_t)(d->n_frames - 1);
    d->lines[header].kind = GEN_LINE_TABLE;
    d->lines[header].frame = frame;
    d->lines[header + 1].frame = frame;
    bool after_heading = header > 0 && d->lines[header - 1].kind == GEN_LINE_HEADING;
    if (d->lines[header].cut == GEN_BREAK_NEVER && !after_heading)
        d->lines[header].cut = GEN_BREAK_LINE;
    r->in_table = true;
    return GEN_OK;
}

static int add_row(struct gen_doc_reader *r, struct gen_str line, struct gen_error *err)
{
    struct gen_doc *d = r->doc;
    struct gen_doc_frame *frame = &d->frames[d->n_frames - 1];
    bool first_row = frame->last_line == frame->first_line + 1;
    int rc = gen_doc_add_line(r, line, GEN_LINE_TABLE, first_row ? GEN_BREAK_NEVER : GEN_BREAK_ITEM,
                              err);
    if (rc)
        return rc;
    frame->last_line = (uint32_t)(d->n_lines - 1);
    d->lines[d->n_lines - 1].frame = (uint32_t)(d->n_frames - 1);
    return GEN_OK;
}

int gen_markdown_line(struct gen_doc_reader *r, struct gen_str line, struct gen_error *err)
{
    struct gen_doc *d = r->doc;
    struct gen_doc_line *last = gen_doc_last_line(d);
    struct gen_str text = {NULL, 0};
    struct opener opener;
    if (r->fence != GEN_DOC_NONE) {
        if (!r->fence_quoted || gen_str_trim(line).p[0] == '>')
            return add_fence_line(r, line, err);
        r->fence = GEN_DOC_NONE; /* a quoted fence ends with its quote */
    }
    if (fence_opens(r, line, &opener))
        return open_fence(r, line, &opener, err);

    size_t first = d->n_lines;
    uint8_t level = atx_level(line, &text);
    if (level == 0) {
        level = setext_level(r, line);
        if (level) {
            text = gen_str_trim(gen_doc_line_text(d, last));
            first--;
        }
    }
    if (level) {
        int rc = gen_doc_add_line(r, line, GEN_LINE_TEXT, GEN_BREAK_NEVER, err);
        return rc ? rc : gen_doc_make_heading(r, first, text, level, err);
    }
    if (r->in_table && !r->blank && has_bar(line))
        return add_row(r, line, err);
    if (last && !r->blank && last->kind == GEN_LINE_TEXT && is_delimiter_row(line) &&
        has_bar(gen_doc_line_text(d, last)))
        return start_table(r, line, err);
    return gen_plain_line(r, line, err);
}
