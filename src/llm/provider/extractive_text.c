/* Lines, sentences and tokens of the extractive provider. */
#include "llm/provider/extractive_int.h"

/* Longer texts are read to here: a chunk is never that long. */
#define TEXT_BYTES_MAX  ((size_t)256 << 10)
#define SENTENCES_MAX   ((size_t)2000)
#define SENTENCE_GROWTH ((size_t)32)

void gen_extract_line_clear(struct gen_extract_line *l)
{
    l->n = 0;
    l->overflow = false;
    l->data[0] = '\0';
}

void gen_extract_put(struct gen_extract_line *l, struct gen_str s)
{
    if (s.n >= sizeof(l->data) - l->n) {
        l->overflow = true;
        return;
    }
    if (s.n)
        memcpy(l->data + l->n, s.p, s.n);
    l->n += s.n;
    l->data[l->n] = '\0';
}

void gen_extract_put_c(struct gen_extract_line *l, const char *text)
{
    gen_extract_put(l, gen_str_from(text));
}

void gen_extract_put_upper(struct gen_extract_line *l, struct gen_str s)
{
    size_t at = l->n;
    gen_extract_put(l, s);
    if (s.n && !l->overflow && l->data[at] >= 'a' && l->data[at] <= 'z')
        l->data[at] = (char)(l->data[at] - ('a' - 'A'));
}

void gen_extract_put_lower(struct gen_extract_line *l, struct gen_str s)
{
    size_t at = l->n;
    gen_extract_put(l, s);
    if (s.n && !l->overflow && l->data[at] >= 'A' && l->data[at] <= 'Z')
        l->data[at] = (char)(l->data[at] + ('a' - 'A'));
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_byte(char c)
{
    return is_upper(c) || is_lower(c) || is_digit(c) || c == '_' || ((unsigned char)c & 0x80U);
}

size_t gen_extract_n_words(struct gen_str text)
{
    size_t n = 0;
    bool in_word = false;
    for (size_t i = 0; i < text.n; i++) {
        bool space = is_space(text.p[i]);
        if (!space && !in_word)
            n++;
        in_word = !space;
    }
    return n;
}

/* ---- blocks ---- */

struct splitter {
    struct gen_arena *arena;
    struct gen_extract_sentences *out;
    size_t capacity;
    struct gen_buf paragraph; /* white space made single blanks */
    struct gen_str heading;
    unsigned n_paragraphs;
    bool is_item;
    char fence; /* the character of the open code fence, or 0 */
};

static int add_line(struct gen_buf *paragraph, struct gen_str line, struct gen_error *err)
{
    int rc = paragraph->n ? gen_buf_add_char(paragraph, ' ', err) : GEN_OK;
    bool blank = false;
    for (size_t i = 0; i < line.n && rc == GEN_OK; i++) {
        if (is_space(line.p[i])) {
            blank = true;
            continue;
        }
        if (blank)
            rc = gen_buf_add_char(paragraph, ' ', err);
        blank = false;
        if (rc == GEN_OK)
            rc = gen_buf_add_char(paragraph, line.p[i], err);
    }
    return rc;
}

/* Emphasis and links end near where they begin. */
#define MARKUP_BYTES_MAX ((size_t)600)

static size_t run_of_stars(struct gen_str raw, size_t i)
{
    size_t n = 0;
    while (i + n < raw.n && raw.p[i + n] == '*')
        n++;
    return n;
}

static bool is_ascii_word(char c)
{
    return is_word_byte(c) && !((unsigned char)c & 0x80U);
}

/* A star behind a word or a bracket multiplies: "(r+1)*n", "2**k". */
static bool opens_emphasis(struct gen_str raw, size_t i, size_t n)
{
    char before = i ? raw.p[i - 1] : ' ';
    return i + n < raw.n && !is_space(raw.p[i + n]) && !is_ascii_word(before) && before != ')' &&
           before != ']' && before != '`';
}

static bool closes_emphasis(struct gen_str raw, size_t i, size_t n)
{
    char before = i ? raw.p[i - 1] : ' ';
    return !is_space(before) &&
           (is_word_byte(before) || i + n == raw.n || !is_word_byte(raw.p[i + n]));
}

/* Where the emphasis closes that a run of `n` stars at `i` opens; SIZE_MAX: nowhere. */
static size_t end_of_emphasis(struct gen_str raw, size_t i, size_t n)
{
    size_t to = raw.n - i < MARKUP_BYTES_MAX ? raw.n : i + MARKUP_BYTES_MAX;
    bool code = false;
    for (size_t k = i + n; k < to; k++) {
        size_t run = run_of_stars(raw, k);
        if (raw.p[k] == '`')
            code = !code;
        if (!code && run == n && closes_emphasis(raw, k, n))
            return k;
        k += run ? run - 1 : 0;
    }
    return SIZE_MAX;
}

/* Marks the stars that are emphasis. Where it goes on over several sentences, the first has only
 * its beginning and the last only its end. */
static void mark_emphasis(struct gen_str raw, bool *is_markup)
{
    bool code = false;
    for (size_t i = 0; i < raw.n; i++) {
        size_t n = run_of_stars(raw, i);
        if (raw.p[i] == '`')
            code = !code;
        if (n == 0)
            continue;
        bool is_marked = is_markup[i];
        if (!code && !is_marked && opens_emphasis(raw, i, n)) {
            size_t end = end_of_emphasis(raw, i, n);
            is_marked = end != SIZE_MAX || (n == 2 && i == 0);
            for (size_t k = 0; k < n && end != SIZE_MAX; k++)
                is_markup[end + k] = true;
        }
        is_marked |= !code && n == 2 && i + n == raw.n && closes_emphasis(raw, i, n);
        for (size_t k = 0; k < n; k++)
            is_markup[i + k] = is_marked;
        i += n - 1;
    }
}

/* Marks the brackets of "[text](target)", and the target. */
static void mark_links(struct gen_str raw, bool *is_markup)
{
    bool code = false;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '`')
            code = !code;
        if (code || raw.p[i] != '[')
            continue;
        struct gen_str near = gen_str_sub(raw, i, MARKUP_BYTES_MAX);
        size_t middle = gen_str_find(near, GEN_STR("]"), 0);
        size_t end = middle == SIZE_MAX ? SIZE_MAX : gen_str_find(near, GEN_STR(")"), middle);
        if (end == SIZE_MAX || near.p[middle + 1] != '(')
            continue;
        is_markup[i] = true;
        memset(is_markup + i + middle, true, end - middle + 1);
    }
}

/* "[text](target)" becomes "text", and the stars of emphasis go. Code spans stay, and underscores,
 * which are more often part of a name. */
static struct gen_str without_markup(struct gen_arena *arena, struct gen_str raw)
{
    char *out = gen_arena_alloc(arena, raw.n + 1);
    bool *is_markup = gen_arena_alloc(arena, raw.n + 1);
    if (!out || !is_markup)
        return (struct gen_str){NULL, 0};
    memset(is_markup, false, raw.n + 1);
    mark_links(raw, is_markup);
    mark_emphasis(raw, is_markup);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        if (!is_markup[i])
            out[n++] = raw.p[i];
    }
    return (struct gen_str){out, n};
}

static int add_sentence(struct splitter *s, struct gen_str raw, struct gen_error *err)
{
    struct gen_extract_sentences *out = s->out;
    raw = gen_str_trim(raw);
    if (raw.n == 0 || out->n >= SENTENCES_MAX)
        return GEN_OK;
    if (out->n == s->capacity) {
        size_t capacity = s->capacity + SENTENCE_GROWTH + s->capacity / 2;
        struct gen_extract_sentence *items = gen_arena_array(s->arena, capacity, sizeof(*items));
        if (!items)
            return gen_nomem(err, "sentences");
        if (out->n)
            memcpy(items, out->items, out->n * sizeof(*items));
        out->items = items;
        s->capacity = capacity;
    }
    struct gen_str copy = gen_arena_str(s->arena, raw);
    struct gen_str text = copy.p ? without_markup(s->arena, copy) : copy;
    if (!text.p)
        return gen_nomem(err, "sentences");
    out->items[out->n++] =
        (struct gen_extract_sentence){copy, text, s->heading, s->n_paragraphs, s->is_item};
    return GEN_OK;
}

/* The word that ends at `stop`, the place of a full stop. */
static struct gen_str word_before(struct gen_str p, size_t stop)
{
    size_t from = stop;
    while (from > 0 && (is_word_byte(p.p[from - 1]) || p.p[from - 1] == '.'))
        from--;
    return gen_str_sub(p, from, stop - from);
}

static bool is_abbreviation(struct gen_str word)
{
    static const char *const known[] = {
        "e.g", "i.e",  "etc", "vs",   "cf", "fig",    "eq",   "sec",  "no",  "dr",
        "mr",  "mrs",  "ms",  "prof", "st", "ca",     "al",   "vol",  "pp",  "p",
        "ch",  "resp", "inc", "ltd",  "jr", "approx", "incl", "dept", "ref", NULL};
    if (word.n == 1 && is_upper(word.p[0]))
        return true;
    for (size_t i = 0; known[i]; i++) {
        if (gen_str_eq_nocase(word, gen_str_from(known[i])))
            return true;
    }
    return false;
}

/* What may open a sentence: a capital, a digit, a quote, code, another script, or a lower-case name
 * of a program ("h5dump"). */
static bool opens_sentence(struct gen_str rest)
{
    if (rest.n == 0)
        return true;
    char c = rest.p[0];
    if (!is_lower(c))
        return is_word_byte(c) || c == '`' || c == '"' || c == '\'' || c == '(' || c == '*' ||
               c == '[';
    for (size_t i = 1; i < rest.n && (is_word_byte(rest.p[i]) || rest.p[i] == '.'); i++) {
        if (is_digit(rest.p[i]) || rest.p[i] == '_')
            return true;
    }
    return false;
}

/* Where the sentence ends whose stop is at `i`: behind closing quotes and brackets; 0 when no
 * sentence ends here. */
static size_t sentence_end(struct gen_str p, size_t i)
{
    char c = p.p[i];
    if (c != '.' && c != '!' && c != '?')
        return 0;
    size_t end = i + 1;
    while (end < p.n && (p.p[end] == '"' || p.p[end] == '\'' || p.p[end] == ')' ||
                         p.p[end] == ']' || p.p[end] == '*' || p.p[end] == '.'))
        end++;
    if (end < p.n && p.p[end] != ' ')
        return 0;
    if (c == '.' && end < p.n && is_abbreviation(word_before(p, i)))
        return 0;
    struct gen_str rest = end < p.n ? gen_str_sub(p, end + 1, p.n) : (struct gen_str){"", 0};
    return opens_sentence(rest) ? end : 0;
}

static int end_paragraph(struct splitter *s, struct gen_error *err)
{
    struct gen_str p = gen_buf_str(&s->paragraph);
    size_t from = 0;
    size_t depth = 0;
    bool code = false;
    int rc = GEN_OK;
    for (size_t i = 0; i < p.n && rc == GEN_OK; i++) {
        if (p.p[i] == '`')
            code = !code;
        if (code)
            continue;
        if (p.p[i] == '(')
            depth++;
        else if (p.p[i] == ')' && depth > 0)
            depth--;
        size_t end = depth == 0 ? sentence_end(p, i) : 0;
        if (end == 0)
            continue;
        rc = add_sentence(s, gen_str_sub(p, from, end - from), err);
        from = end;
    }
    if (rc == GEN_OK)
        rc = add_sentence(s, gen_str_sub(p, from, p.n), err);
    gen_buf_clear(&s->paragraph);
    s->n_paragraphs++;
    s->is_item = false;
    return rc;
}

/* Length of a list marker with the blank behind it: "- ", "12. "; 0 when there is none. */
static size_t list_marker(struct gen_str line)
{
    if (line.n > 2 && (line.p[0] == '-' || line.p[0] == '*' || line.p[0] == '+') &&
        line.p[1] == ' ')
        return 2;
    size_t i = 0;
    while (i < line.n && i < 3 && is_digit(line.p[i]))
        i++;
    if (i > 0 && i + 1 < line.n && (line.p[i] == '.' || line.p[i] == ')') && line.p[i + 1] == ' ')
        return i + 2;
    return 0;
}

static bool is_fence(struct splitter *s, struct gen_str line)
{
    bool mark = gen_str_starts(line, GEN_STR("```")) || gen_str_starts(line, GEN_STR("~~~"));
    if (!mark)
        return s->fence != 0;
    if (s->fence == 0)
        s->fence = line.p[0];
    else if (s->fence == line.p[0])
        s->fence = 0;
    return true;
}

static int split_line(struct splitter *s, struct gen_str raw, struct gen_error *err)
{
    struct gen_str line = gen_str_trim(raw);
    bool indented = gen_str_starts(raw, GEN_STR("    ")) || gen_str_starts(raw, GEN_STR("\t"));
    bool fenced = is_fence(s, line);
    if (fenced || line.n == 0 || line.p[0] == '|' || line.p[0] == '<' ||
        (indented && s->paragraph.n == 0))
        return end_paragraph(s, err);
    if (line.p[0] == '#') {
        int rc = end_paragraph(s, err);
        size_t i = 0;
        while (i < line.n && line.p[i] == '#')
            i++;
        s->heading = gen_str_trim(gen_str_sub(line, i, line.n));
        return rc;
    }
    size_t marker = list_marker(line);
    if (marker) {
        int rc = end_paragraph(s, err);
        s->is_item = true;
        return rc ? rc : add_line(&s->paragraph, gen_str_sub(line, marker, line.n), err);
    }
    while (line.n > 1 && line.p[0] == '>' && line.p[1] == ' ')
        line = gen_str_trim(gen_str_sub(line, 1, line.n));
    int rc = add_line(&s->paragraph, line, err);
    /* A line of its own that asks: questions and answers in a plain text file. */
    if (rc == GEN_OK && gen_str_ends(line, GEN_STR("?")) && s->paragraph.n == line.n)
        rc = end_paragraph(s, err);
    return rc;
}

int gen_extract_split(struct gen_arena *arena, struct gen_str text,
                      struct gen_extract_sentences *out, struct gen_error *err)
{
    struct splitter s = {.arena = arena, .out = out};
    *out = (struct gen_extract_sentences){NULL, 0};
    s.paragraph = gen_buf_make(TEXT_BYTES_MAX + 1);
    struct gen_str rest = gen_str_sub(text, 0, TEXT_BYTES_MAX);
    struct gen_str line;
    int rc = GEN_OK;
    while (rc == GEN_OK && gen_str_next_line(&rest, &line))
        rc = split_line(&s, line, err);
    if (rc == GEN_OK)
        rc = end_paragraph(&s, err);
    gen_buf_release(&s.paragraph);
    return rc;
}

/* ---- tokens ---- */

static size_t code_span(struct gen_str s, size_t i)
{
    size_t close = gen_str_find(s, GEN_STR("`"), i + 1);
    return close == SIZE_MAX ? 0 : close + 1 - i;
}

/* A word goes on over an inner stop, hyphen, slash or apostrophe: "1.12", "run-time", "I/O". */
static size_t word_span(struct gen_str s, size_t i)
{
    size_t n = 0;
    while (i + n < s.n) {
        char c = s.p[i + n];
        bool joins =
            (c == '.' || c == '-' || c == '/' || c == '\'' || c == ',' || c == ':' || c == '+') &&
            n > 0 && i + n + 1 < s.n && is_word_byte(s.p[i + n + 1]);
        if ((c == ',' || c == ':') &&
            !(n > 0 && is_digit(s.p[i + n - 1]) && joins && is_digit(s.p[i + n + 1])))
            joins = false;
        if (!is_word_byte(c) && !joins && !(c == '%' && n > 0))
            break;
        n++;
    }
    return n;
}

bool gen_extract_tokenize(struct gen_str s, struct gen_extract_tokens *out)
{
    unsigned depth = 0;
    out->n = 0;
    for (size_t i = 0; i < s.n;) {
        if (is_space(s.p[i])) {
            i++;
            continue;
        }
        if (out->n == GEN_EXTRACT_TOKENS_MAX)
            return false;
        struct gen_extract_token *t = &out->t[out->n++];
        size_t n = 1;
        t->kind = GEN_EXTRACT_PUNCT;
        t->depth = depth;
        if (s.p[i] == '`' && code_span(s, i)) {
            n = code_span(s, i);
            t->kind = GEN_EXTRACT_CODE;
        } else if (word_span(s, i)) {
            n = word_span(s, i);
            t->kind = GEN_EXTRACT_WORD;
        } else if (s.p[i] == '(' || s.p[i] == '[') {
            t->kind = GEN_EXTRACT_OPEN;
            depth++;
        } else if ((s.p[i] == ')' || s.p[i] == ']') && depth > 0) {
            t->kind = GEN_EXTRACT_CLOSE;
            depth--;
        }
        t->text = gen_str_sub(s, i, n);
        i += n;
    }
    return true;
}

bool gen_extract_token_is(const struct gen_extract_tokens *t, size_t i, const char *word)
{
    return i < t->n && gen_str_eq_nocase(t->t[i].text, gen_str_from(word));
}

size_t gen_extract_token_find(const struct gen_extract_tokens *t, size_t from, size_t to,
                              const char *word)
{
    for (size_t i = from; i < to && i < t->n; i++) {
        if (t->t[i].depth == 0 && gen_extract_token_is(t, i, word))
            return i;
    }
    return SIZE_MAX;
}

bool gen_extract_is_identifier(const struct gen_extract_token *t)
{
    if (t->kind == GEN_EXTRACT_CODE)
        return true;
    if (t->kind != GEN_EXTRACT_WORD)
        return false;
    bool letter = false;
    for (size_t i = 0; i < t->text.n; i++) {
        char c = t->text.p[i];
        if (letter && c == '_')
            return true;
        /* "H5Dread": a capital behind a digit, and small letters after it. */
        if (letter && is_upper(c) && i + 1 < t->text.n && is_digit(t->text.p[i - 1]) &&
            is_lower(t->text.p[i + 1]))
            return true;
        letter = letter || is_upper(c) || is_lower(c);
    }
    return false;
}

struct gen_str gen_extract_span(const struct gen_extract_tokens *t, size_t from, size_t to)
{
    if (from >= to || to > t->n)
        return (struct gen_str){"", 0};
    const char *p = t->t[from].text.p;
    const char *end = t->t[to - 1].text.p + t->t[to - 1].text.n;
    return (struct gen_str){p, (size_t)(end - p)};
}
