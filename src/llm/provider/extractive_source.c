/* Finds functions, their comments, calls and parameters in source code, line by line. */
#include "llm/provider/extractive_code.h"

#define LINES_MAX       ((size_t)4000)
#define FUNCTIONS_MAX   ((size_t)64)
#define SIGNATURE_LINES 6

bool gen_extract_is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool starts(struct gen_str s, const char *prefix)
{
    return gen_str_starts(s, gen_str_from(prefix));
}

static bool contains(struct gen_str s, const char *part)
{
    return gen_str_find(s, gen_str_from(part), 0) != SIZE_MAX;
}

static size_t indent_of(struct gen_str line)
{
    size_t n = 0;
    while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
        n++;
    return n;
}

static void set_language(struct gen_extract_source *s, struct gen_str language, struct gen_str text)
{
    static const struct {
        const char *key, *name;
        enum gen_extract_family family;
    } known[] = {
        {"c", "C", GEN_EXTRACT_BRACES},           {"cpp", "C++", GEN_EXTRACT_BRACES},
        {"c++", "C++", GEN_EXTRACT_BRACES},       {"python", "Python", GEN_EXTRACT_PYTHON},
        {"py", "Python", GEN_EXTRACT_PYTHON},     {"fortran", "Fortran", GEN_EXTRACT_FORTRAN},
        {"shell", "shell", GEN_EXTRACT_SHELL},    {"bash", "shell", GEN_EXTRACT_SHELL},
        {"sh", "shell", GEN_EXTRACT_SHELL},       {"javascript", "JavaScript", GEN_EXTRACT_BRACES},
        {"js", "JavaScript", GEN_EXTRACT_BRACES}, {"typescript", "TypeScript", GEN_EXTRACT_BRACES},
        {"java", "Java", GEN_EXTRACT_BRACES},     {"go", "Go", GEN_EXTRACT_BRACES},
        {"rust", "Rust", GEN_EXTRACT_BRACES},     {"csharp", "C#", GEN_EXTRACT_BRACES},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (gen_str_eq_nocase(language, gen_str_from(known[i].key))) {
            s->language_name = gen_str_from(known[i].name);
            s->family = known[i].family;
            return;
        }
    }
    s->family = GEN_EXTRACT_BRACES;
    s->language_name = GEN_STR("C");
    if (starts(text, "#!") && !contains(text, "python")) {
        s->family = GEN_EXTRACT_SHELL;
        s->language_name = GEN_STR("shell");
    } else if ((contains(text, "\ndef ") || starts(text, "def ")) && !contains(text, ";\n")) {
        s->family = GEN_EXTRACT_PYTHON;
        s->language_name = GEN_STR("Python");
    } else if (contains(text, "end subroutine") || contains(text, "END SUBROUTINE")) {
        s->family = GEN_EXTRACT_FORTRAN;
        s->language_name = GEN_STR("Fortran");
    }
}

/* The text of a comment line, without its marks; `*is` tells whether it is one. */
static struct gen_str comment_text(const struct gen_extract_source *s, struct gen_str line,
                                   bool *is)
{
    struct gen_str t = gen_str_trim(line);
    *is = false;
    if (s->family == GEN_EXTRACT_BRACES) {
        if (starts(t, "///") || starts(t, "/**"))
            t = gen_str_sub(t, 3, t.n);
        else if (starts(t, "//") || starts(t, "/*"))
            t = gen_str_sub(t, 2, t.n);
        else if (starts(t, "*"))
            t = gen_str_sub(t, 1, t.n);
        else
            return t;
        if (gen_str_ends(t, GEN_STR("*/")))
            t.n -= 2;
        else if (gen_str_is(t, "/"))
            t.n = 0;
    } else {
        char mark = s->family == GEN_EXTRACT_FORTRAN ? '!' : '#';
        if (t.n == 0 || t.p[0] != mark || starts(t, "#!") || starts(t, "#SBATCH"))
            return t;
        t = gen_str_sub(t, 1, t.n);
    }
    *is = true;
    return gen_str_trim(t);
}

/* ---- where a function starts ---- */

static struct gen_str name_before(struct gen_str line, size_t paren)
{
    size_t end = paren;
    while (end > 0 && line.p[end - 1] == ' ')
        end--;
    size_t from = end;
    while (from > 0 && gen_extract_is_name_byte(line.p[from - 1]))
        from--;
    return gen_str_sub(line, from, end - from);
}

static bool is_keyword(struct gen_str w)
{
    static const char *const words[] = {
        "if",   "for", "while", "switch", "return",  "sizeof",   "else", "catch", "print",
        "elif", "do",  "case",  "assert", "with",    "main",     "int",  "range", "len",
        "max",  "min", "tuple", "printf", "fprintf", "snprintf", "zip",  NULL};
    for (size_t i = 0; words[i]; i++) {
        if (gen_str_is(w, words[i]))
            return true;
    }
    return false;
}

static bool opens_braces(const struct gen_extract_source *s, size_t i,
                         struct gen_extract_function *f)
{
    struct gen_str line = s->lines[i];
    size_t paren = gen_str_find(line, GEN_STR("("), 0);
    if (line.n == 0 || !gen_extract_is_name_byte(line.p[0]) || paren == SIZE_MAX ||
        gen_str_find(gen_str_sub(line, 0, paren), GEN_STR("="), 0) != SIZE_MAX)
        return false;
    f->name = name_before(line, paren);
    if (f->name.n < 2 || is_keyword(f->name))
        return false;
    for (size_t k = i; k < s->n_lines && k < i + SIGNATURE_LINES; k++) {
        struct gen_str t = gen_str_trim(s->lines[k]);
        if (gen_str_ends(t, GEN_STR(";")))
            return false;
        if (gen_str_ends(t, GEN_STR("{"))) {
            f->body_from = k + 1;
            f->returns = !starts(line, "void ") && !starts(line, "static void ");
            return true;
        }
    }
    return false;
}

static bool opens_python(const struct gen_extract_source *s, size_t i,
                         struct gen_extract_function *f)
{
    struct gen_str t = gen_str_trim(s->lines[i]);
    if (starts(t, "async "))
        t = gen_str_sub(t, 6, t.n);
    size_t paren = gen_str_find(t, GEN_STR("("), 0);
    if (!starts(t, "def ") || paren == SIZE_MAX)
        return false;
    f->name = name_before(t, paren);
    for (size_t k = i; k < s->n_lines && k < i + SIGNATURE_LINES; k++) {
        if (gen_str_ends(gen_str_trim(s->lines[k]), GEN_STR(":"))) {
            f->body_from = k + 1;
            return f->name.n > 1;
        }
    }
    return false;
}

static bool opens_fortran(const struct gen_extract_source *s, size_t i,
                          struct gen_extract_function *f)
{
    struct gen_str t = gen_str_trim(s->lines[i]);
    size_t paren = gen_str_find(t, GEN_STR("("), 0);
    bool named =
        gen_str_find_nocase(gen_str_sub(t, 0, paren), GEN_STR("subroutine "), 0) != SIZE_MAX ||
        gen_str_find_nocase(gen_str_sub(t, 0, paren), GEN_STR("function "), 0) != SIZE_MAX;
    if (paren == SIZE_MAX || !named || gen_str_eq_nocase(gen_str_sub(t, 0, 3), GEN_STR("end")) ||
        t.p[0] == '!')
        return false;
    f->name = name_before(t, paren);
    f->body_from = i + 1;
    if (gen_str_find_nocase(gen_str_sub(t, 0, paren), GEN_STR("subroutine "), 0) != SIZE_MAX)
        f->noun = "subroutine";
    return f->name.n > 1;
}

static bool opens_shell(const struct gen_extract_source *s, size_t i,
                        struct gen_extract_function *f)
{
    struct gen_str line = s->lines[i];
    size_t paren = gen_str_find(line, GEN_STR("() {"), 0);
    if (paren == SIZE_MAX || line.n == 0 || !gen_extract_is_name_byte(line.p[0]))
        return false;
    f->name = name_before(line, paren);
    f->body_from = i + 1;
    return f->name.n > 1;
}

static bool opens(const struct gen_extract_source *s, size_t i, struct gen_extract_function *f)
{
    switch (s->family) {
    case GEN_EXTRACT_BRACES:
        return opens_braces(s, i, f);
    case GEN_EXTRACT_PYTHON:
        return opens_python(s, i, f);
    case GEN_EXTRACT_FORTRAN:
        return opens_fortran(s, i, f);
    case GEN_EXTRACT_SHELL:
        return opens_shell(s, i, f);
    }
    return false;
}

static size_t body_end(const struct gen_extract_source *s, const struct gen_extract_function *f)
{
    size_t own = indent_of(s->lines[f->line]);
    for (size_t k = f->body_from; k < s->n_lines; k++) {
        struct gen_str line = s->lines[k];
        if (gen_str_trim(line).n == 0)
            continue;
        if (s->family == GEN_EXTRACT_PYTHON && indent_of(line) <= own)
            return k;
        if (s->family == GEN_EXTRACT_FORTRAN &&
            (gen_str_find_nocase(line, GEN_STR("end subroutine"), 0) != SIZE_MAX ||
             gen_str_find_nocase(line, GEN_STR("end function"), 0) != SIZE_MAX))
            return k;
        if ((s->family == GEN_EXTRACT_BRACES || s->family == GEN_EXTRACT_SHELL) && line.p[0] == '}')
            return k;
    }
    return s->n_lines;
}

/* ---- what is said about it ---- */

static void put_doc_line(struct gen_extract_line *l, struct gen_str text)
{
    if (l->n && text.n)
        gen_extract_put_c(l, " ");
    gen_extract_put(l, text);
}

static void read_comment_above(const struct gen_extract_source *s, struct gen_extract_function *f,
                               struct gen_extract_line *l)
{
    bool is = false;
    size_t from = f->line;
    while (from > 0) {
        (void)comment_text(s, s->lines[from - 1], &is);
        if (!is)
            break;
        from--;
    }
    f->doc_from = from;
    f->doc_to = f->line;
    for (size_t k = from; k < f->line; k++) {
        struct gen_str text = comment_text(s, s->lines[k], &is);
        if (text.n && text.p[0] != '@' && text.p[0] != '\\')
            put_doc_line(l, text);
    }
}

static void read_docstring(const struct gen_extract_source *s, struct gen_extract_function *f,
                           struct gen_extract_line *l)
{
    static const char quotes[] = "\"\"\"";
    if (f->body_from >= s->n_lines)
        return;
    struct gen_str t = gen_str_trim(s->lines[f->body_from]);
    if (!starts(t, quotes))
        return;
    f->doc_from = f->body_from;
    for (size_t k = f->body_from; k < s->n_lines && k < f->body_from + 12; k++) {
        struct gen_str line = gen_str_trim(s->lines[k]);
        if (k == f->body_from)
            line = gen_str_sub(line, 3, line.n);
        size_t end = gen_str_find(line, gen_str_from(quotes), 0);
        struct gen_str text = gen_str_trim(gen_str_sub(line, 0, end == SIZE_MAX ? line.n : end));
        f->doc_to = k + 1;
        if (text.n == 0 && k > f->body_from)
            break;
        put_doc_line(l, text);
        if (end != SIZE_MAX)
            break;
    }
}

static int read_doc(struct gen_extract *x, const struct gen_extract_source *s,
                    struct gen_extract_function *f, struct gen_error *err)
{
    gen_extract_line_clear(&x->line);
    f->doc = (struct gen_str){"", 0};
    if (s->family == GEN_EXTRACT_PYTHON)
        read_docstring(s, f, &x->line);
    if (x->line.n == 0)
        read_comment_above(s, f, &x->line);
    struct gen_str text = gen_str_trim(gen_extract_line_str(&x->line));
    if (text.n == 0 || text.n > 800)
        return GEN_OK;
    f->doc = gen_arena_str(&x->arena, text);
    if (!f->doc.p)
        return gen_nomem(err, "a comment");
    struct gen_extract_clause c;
    size_t stop = gen_str_find(text, GEN_STR(". "), 0);
    struct gen_str first = gen_str_sub(f->doc, 0, stop == SIZE_MAX ? text.n : stop);
    f->doc_is_sentence = gen_extract_tokenize(first, &x->tokens) &&
                         gen_extract_clause(&x->tokens, 0, x->tokens.n, &c) && !c.has_relative;
    return GEN_OK;
}

static bool has_return_value(const struct gen_extract_source *s,
                             const struct gen_extract_function *f)
{
    for (size_t k = f->body_from; k < f->body_to; k++) {
        struct gen_str t = gen_str_trim(s->lines[k]);
        if (starts(t, "return ") || starts(t, "yield "))
            return s->family != GEN_EXTRACT_SHELL;
    }
    return false;
}

static int split_lines(struct gen_extract *x, struct gen_extract_source *s, struct gen_error *err)
{
    struct gen_str rest = x->in->text;
    struct gen_str line;
    size_t n = 0;
    while (n < LINES_MAX && gen_str_next_line(&rest, &line))
        n++;
    s->lines = gen_arena_array(&x->arena, n + 1, sizeof(*s->lines));
    s->functions = gen_arena_array(&x->arena, FUNCTIONS_MAX, sizeof(*s->functions));
    if (!s->lines || !s->functions)
        return gen_nomem(err, "lines of code");
    rest = x->in->text;
    while (s->n_lines < n && gen_str_next_line(&rest, &line))
        s->lines[s->n_lines++] = line;
    return GEN_OK;
}

int gen_extract_read_source(struct gen_extract *x, struct gen_extract_source *s,
                            struct gen_error *err)
{
    *s = (struct gen_extract_source){.lines = NULL};
    set_language(s, x->in->language, x->in->text);
    int rc = split_lines(x, s, err);
    for (size_t i = 0; i < s->n_lines && rc == GEN_OK; i++) {
        bool comment = false;
        struct gen_str t = comment_text(s, s->lines[i], &comment);
        s->n_code_lines += t.n && !comment && !starts(t, "#include") && !starts(t, "import ") &&
                           !starts(t, "from ") && !starts(t, "use ") && !starts(t, "#!");
        struct gen_extract_function f = {.line = i, .noun = "function"};
        if (comment || s->n_functions == FUNCTIONS_MAX || !opens(s, i, &f))
            continue;
        f.body_to = body_end(s, &f);
        rc = read_doc(x, s, &f, err);
        f.returns = (f.returns || s->family == GEN_EXTRACT_PYTHON) && has_return_value(s, &f);
        s->functions[s->n_functions++] = f;
        /* Functions inside of functions are part of them. */
        if (f.body_to > i + 1)
            i = f.body_to - 1;
    }
    return rc;
}

/* ---- calls and parameters ---- */

static bool is_known(const struct gen_str *names, size_t n, struct gen_str name)
{
    for (size_t i = 0; i < n; i++) {
        if (gen_str_eq(names[i], name))
            return true;
    }
    return false;
}

/* A name of a library: with a capital or an underscore; in Python with a dot. */
static bool is_library_call(const struct gen_extract_source *s, struct gen_str name)
{
    if (name.n < 4 || is_keyword(name) || name.p[0] == '.')
        return false;
    if (s->family == GEN_EXTRACT_PYTHON)
        return contains(name, ".");
    bool marked = false;
    bool small = false;
    for (size_t i = 0; i < name.n; i++) {
        marked = marked || name.p[i] == '_' || (name.p[i] >= 'A' && name.p[i] <= 'Z');
        small = small || (name.p[i] >= 'a' && name.p[i] <= 'z');
    }
    return marked && small; /* all capitals: a macro */
}

/* The next call on the line at or after `*at`. */
static bool next_call(const struct gen_extract_source *s, struct gen_str line, size_t *at,
                      struct gen_str *name)
{
    bool quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '"')
            quoted = !quoted;
        bool comment = (line.p[i] == '#' && s->family == GEN_EXTRACT_PYTHON) ||
                       (line.p[i] == '/' && i + 1 < line.n &&
                        (line.p[i + 1] == '/' || line.p[i + 1] == '*')) ||
                       (line.p[i] == '!' && s->family == GEN_EXTRACT_FORTRAN);
        if (!quoted && comment)
            return false;
        if (quoted || line.p[i] != '(' || i < *at)
            continue;
        size_t from = i;
        while (from > 0 && (gen_extract_is_name_byte(line.p[from - 1]) ||
                            (s->family == GEN_EXTRACT_PYTHON && line.p[from - 1] == '.')))
            from--;
        *name = gen_str_sub(line, from, i - from);
        *at = i + 1;
        return true;
    }
    return false;
}

size_t gen_extract_calls(const struct gen_extract_source *s, const struct gen_extract_function *f,
                         struct gen_str *out, size_t n_max)
{
    size_t n = 0;
    if (s->family == GEN_EXTRACT_SHELL)
        return 0;
    for (size_t k = f->body_from; k < f->body_to; k++) {
        struct gen_str line = s->lines[k];
        struct gen_str name;
        size_t at = 0;
        bool call = s->family != GEN_EXTRACT_FORTRAN || contains(line, "call ");
        if (starts(gen_str_trim(line), "throw ") || starts(gen_str_trim(line), "raise "))
            continue;
        while (call && n < n_max && next_call(s, line, &at, &name)) {
            if (is_library_call(s, name) && !is_known(out, n, name))
                out[n++] = name;
            if (s->family == GEN_EXTRACT_FORTRAN)
                break;
        }
    }
    return n;
}

size_t gen_extract_call_line(const struct gen_extract_source *s,
                             const struct gen_extract_function *f, struct gen_str name)
{
    for (size_t k = f->body_from; k < f->body_to; k++) {
        if (gen_str_find(s->lines[k], name, 0) != SIZE_MAX)
            return k;
    }
    return f->line;
}

/* "const double *rows" is `rows`; "path=None" is `path`. */
static struct gen_str parameter_name(const struct gen_extract_source *s, struct gen_str p)
{
    p = gen_str_trim(p);
    size_t from = 0;
    size_t end = 0;
    while (end < p.n && p.p[end] != '=' && p.p[end] != '[' && p.p[end] != ':')
        end++;
    p = gen_str_trim(gen_str_sub(p, 0, end));
    if (s->family == GEN_EXTRACT_BRACES) {
        from = p.n;
        while (from > 0 && gen_extract_is_name_byte(p.p[from - 1]))
            from--;
        if (from == 0)
            return (struct gen_str){"", 0};
    }
    struct gen_str name = gen_str_sub(p, from, p.n);
    for (size_t i = 0; name.p && i < name.n; i++) {
        if (!gen_extract_is_name_byte(name.p[i]))
            return (struct gen_str){"", 0};
    }
    return name;
}

size_t gen_extract_parameters(const struct gen_extract_source *s,
                              const struct gen_extract_function *f, struct gen_str *out,
                              size_t n_max)
{
    struct gen_str first = s->lines[f->line];
    size_t open = gen_str_find(first, GEN_STR("("), 0);
    size_t n = 0;
    if (s->family == GEN_EXTRACT_SHELL || open == SIZE_MAX)
        return 0;
    /* The types of other languages are written in other places. */
    if (s->family == GEN_EXTRACT_BRACES && s->language_name.p[0] != 'C' &&
        !gen_str_is(s->language_name, "Java"))
        return 0;
    const char *p = first.p + open + 1;
    const char *end = s->lines[f->body_from - 1].p + s->lines[f->body_from - 1].n;
    const char *from = p;
    int depth = 0;
    for (; p < end && n < n_max; p++) {
        bool closes = *p == ')' && depth == 0;
        depth += *p == '(' || *p == '[' || *p == '<' || *p == '{';
        depth -= (*p == ')' && !closes) || *p == ']' || *p == '>' || *p == '}';
        if (!closes && (*p != ',' || depth))
            continue;
        struct gen_str name = parameter_name(s, (struct gen_str){from, (size_t)(p - from)});
        if (name.n == 0)
            return 0;
        if (!gen_str_is(name, "self") && !gen_str_is(name, "void"))
            out[n++] = name;
        if (closes)
            return n;
        from = p + 1;
    }
    return 0;
}
