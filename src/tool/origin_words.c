#include "tool/origin_words.h"

#include "base/num.h"
#include "base/utf8.h"

#define TOKENS_FIRST 64

static int add_token(struct gen_words *w, const struct gen_token *t, struct gen_error *err)
{
    if (w->n_tokens == w->tokens_max) {
        size_t more = w->tokens_max ? 2 * w->tokens_max : TOKENS_FIRST;
        struct gen_token *bigger = gen_arena_array(w->arena, more, sizeof(*bigger));
        if (!bigger)
            return gen_nomem(err, "the words of a text");
        if (w->n_tokens)
            memcpy(bigger, w->tokens, w->n_tokens * sizeof(*bigger));
        w->tokens = bigger;
        w->tokens_max = more;
    }
    w->tokens[w->n_tokens++] = *t;
    return GEN_OK;
}

int gen_words_add_quantity(struct gen_words *w, const struct gen_quantity *q, struct gen_error *err)
{
    if (w->n_quantities == w->quantities_max) {
        size_t more = w->quantities_max ? 2 * w->quantities_max : 16;
        struct gen_quantity *bigger = gen_arena_array(w->arena, more, sizeof(*bigger));
        if (!bigger)
            return gen_nomem(err, "the numbers of a text");
        if (w->n_quantities)
            memcpy(bigger, w->quantities, w->n_quantities * sizeof(*bigger));
        w->quantities = bigger;
        w->quantities_max = more;
    }
    w->quantities[w->n_quantities++] = *q;
    return GEN_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static char at(struct gen_str s, size_t i)
{
    return i < s.n ? s.p[i] : '\0';
}

static size_t digits(struct gen_str s, size_t i)
{
    size_t n = 0;
    while (is_digit(at(s, i + n)))
        n++;
    return n;
}

/* End of the number that begins at `i`: groups of three after commas, a fraction, an exponent. */
static size_t number_end(struct gen_str s, size_t i)
{
    size_t end = i + digits(s, i);
    if (end - i <= 3) {
        while (at(s, end) == ',' && digits(s, end + 1) == 3)
            end += 4;
    }
    if (at(s, end) == '.' && is_digit(at(s, end + 1)))
        end += 1 + digits(s, end + 1);
    if (at(s, end) == 'e' || at(s, end) == 'E') {
        size_t sign = at(s, end + 1) == '-' || at(s, end + 1) == '+';
        size_t n = digits(s, end + 1 + sign);
        if (n)
            end += 1 + sign + n;
    }
    return end;
}

/* Length of the character at `i`, and whether it belongs to a word. '_' parts words. */
static size_t character(struct gen_str s, size_t i, bool *is_word, bool *is_blank)
{
    unsigned char c = (unsigned char)s.p[i];
    if (c < 0x80) {
        *is_blank = c <= ' ';
        *is_word = is_digit((char)c) || is_upper((char)c) || is_lower((char)c);
        return 1;
    }
    uint32_t code_point = 0;
    size_t n = gen_utf8_next(gen_str_sub(s, i, s.n - i), &code_point);
    *is_word = gen_utf8_is_word(code_point);
    *is_blank = code_point == 0xA0 || (code_point >= 0x2000 && code_point <= 0x200F) ||
                code_point == 0xFEFF;
    return n ? n : 1;
}

static size_t word_end(struct gen_str s, size_t i)
{
    size_t end = i;
    while (end < s.n) {
        bool is_word;
        bool is_blank;
        size_t n = character(s, end, &is_word, &is_blank);
        bool is_hump = end > i && is_upper(s.p[end]) && is_lower(s.p[end - 1]);
        bool is_number = end > i && is_digit(s.p[end]) && !is_digit(s.p[end - 1]);
        if (!is_word || is_hump || is_number)
            break;
        /* Digits that a word ran into end where letters go on: "run42b". */
        if (end > i && is_digit(s.p[i]) && !is_digit(s.p[end]))
            break;
        end += n;
    }
    return end;
}

static int fold(struct gen_words *w, struct gen_str piece, struct gen_str *form,
                struct gen_error *err)
{
    bool is_plain = true;
    for (size_t i = 0; i < piece.n && is_plain; i++)
        is_plain = (unsigned char)piece.p[i] < 0x80 && !is_upper(piece.p[i]);
    *form = piece;
    if (is_plain)
        return GEN_OK;
    bool is_ascii = true;
    for (size_t i = 0; i < piece.n && is_ascii; i++)
        is_ascii = (unsigned char)piece.p[i] < 0x80;
    if (is_ascii) {
        char *copy = gen_arena_dup(w->arena, piece);
        if (!copy)
            return gen_nomem(err, "a word");
        for (size_t i = 0; i < piece.n; i++)
            copy[i] = (char)(is_upper(copy[i]) ? copy[i] + ('a' - 'A') : copy[i]);
        *form = (struct gen_str){copy, piece.n};
        return GEN_OK;
    }
    struct gen_buf folded = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_utf8_normalize(&folded, piece, true, err);
    if (rc == GEN_OK && folded.n) {
        *form = gen_arena_str(w->arena, gen_buf_str(&folded));
        if (!form->p)
            rc = gen_nomem(err, "a word");
    }
    gen_buf_release(&folded);
    return rc;
}

/* The number without its commas, and its value. */
static int read_number(struct gen_words *w, struct gen_token *t, struct gen_str piece,
                       struct gen_error *err)
{
    t->form = piece;
    if (gen_str_find(piece, GEN_STR(","), 0) != SIZE_MAX) {
        char *copy = gen_arena_alloc(w->arena, piece.n + 1);
        if (!copy)
            return gen_nomem(err, "a number");
        size_t n = 0;
        for (size_t i = 0; i < piece.n; i++) {
            if (piece.p[i] != ',')
                copy[n++] = piece.p[i];
        }
        t->form = (struct gen_str){copy, n};
    }
    if (gen_num_f64(t->form, -1e300, 1e300, "number", &t->number, NULL) != GEN_OK)
        t->kind = GEN_TOKEN_WORD;
    return GEN_OK;
}

static int take_token(struct gen_words *w, size_t i, size_t *end, struct gen_error *err)
{
    struct gen_str s = w->text;
    bool is_word;
    bool is_blank;
    size_t n = character(s, i, &is_word, &is_blank);
    *end = i + n;
    if (is_blank)
        return GEN_OK;
    const struct gen_token *before = w->n_tokens ? &w->tokens[w->n_tokens - 1] : NULL;
    struct gen_token t = {.begin = (uint32_t)i, .kind = GEN_TOKEN_MARK};
    t.is_glued = before && before->end == i;
    bool after_word = t.is_glued && before->kind == GEN_TOKEN_WORD;
    /* The T between date and time of ISO 8601. */
    if (after_word && before->is_glued && w->n_tokens > 1 && gen_token_is(before, "t") &&
        w->tokens[w->n_tokens - 2].kind == GEN_TOKEN_NUMBER)
        after_word = false;
    if (is_digit(s.p[i]) && !after_word) {
        t.kind = GEN_TOKEN_NUMBER;
        *end = number_end(s, i);
    } else if (is_word) {
        t.kind = GEN_TOKEN_WORD;
        *end = word_end(s, i);
    }
    t.end = (uint32_t)*end;
    struct gen_str piece = gen_str_sub(s, i, *end - i);
    int rc =
        t.kind == GEN_TOKEN_NUMBER ? read_number(w, &t, piece, err) : fold(w, piece, &t.form, err);
    return rc ? rc : add_token(w, &t, err);
}

int gen_words_tokens(struct gen_words *w, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0, end = 0; i < w->text.n && rc == GEN_OK; i = end)
        rc = take_token(w, i, &end, err);
    return rc;
}

int gen_words_read(struct gen_words *w, struct gen_str text, struct gen_arena *arena,
                   struct gen_error *err)
{
    *w = (struct gen_words){.text = gen_utf8_cut(text, GEN_WORDS_BYTES_MAX), .arena = arena};
    int rc = gen_words_tokens(w, err);
    if (rc == GEN_OK)
        rc = gen_words_numbers(w, err);
    if (rc == GEN_OK)
        rc = gen_words_dates(w, err);
    return rc;
}

bool gen_token_is(const struct gen_token *t, const char *word)
{
    return gen_str_is(t->form, word);
}

struct gen_str gen_words_span(const struct gen_words *w, uint32_t begin, uint32_t end)
{
    return gen_str_sub(w->text, begin, end - begin);
}

static bool is_ending(struct gen_str rest)
{
    static const char *const endings[] = {
        "",      "s",  "es", "e",    "d",   "ed", "ing",  "y",    "ies",  "ly",  "ally", "ion",
        "ation", "al", "er", "ment", "ive", "or", "able", "ions", "ings", "ers", "ity",  "ness"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (gen_str_is(rest, endings[i]))
            return true;
    }
    return false;
}

bool gen_words_same_stem(struct gen_str a, struct gen_str b, bool loose)
{
    size_t n = 0;
    while (n < a.n && n < b.n && a.p[n] == b.p[n])
        n++;
    if (n == a.n && n == b.n)
        return true;
    if (n < 3)
        return false;
    if (is_ending(gen_str_sub(a, n, a.n - n)) && is_ending(gen_str_sub(b, n, b.n - n)))
        return true;
    return loose && n >= 4 && a.n - n <= 5 && b.n - n <= 5;
}

static bool same_token(const struct gen_token *a, const struct gen_token *b,
                       enum gen_words_match how)
{
    if (how == GEN_MATCH_EXACT && a->kind != b->kind)
        return false;
    if (a->kind == GEN_TOKEN_NUMBER && b->kind == GEN_TOKEN_NUMBER)
        return gen_str_eq(a->form, b->form);
    if (a->kind == GEN_TOKEN_WORD && b->kind == GEN_TOKEN_WORD && how == GEN_MATCH_STEM)
        return gen_words_same_stem(a->form, b->form, false);
    return gen_str_eq(a->form, b->form);
}

static size_t skip_marks(const struct gen_words *w, size_t i, enum gen_words_match how)
{
    while (how != GEN_MATCH_EXACT && i < w->n_tokens && w->tokens[i].kind == GEN_TOKEN_MARK)
        i++;
    return i;
}

static bool matches_at(const struct gen_words *hay, size_t from, const struct gen_words *needle,
                       enum gen_words_match how, size_t *last)
{
    size_t h = from;
    size_t n = skip_marks(needle, 0, how);
    while (n < needle->n_tokens) {
        h = skip_marks(hay, h, how);
        if (h >= hay->n_tokens || !same_token(&hay->tokens[h], &needle->tokens[n], how))
            return false;
        *last = h++;
        n = skip_marks(needle, n + 1, how);
    }
    return true;
}

bool gen_words_find(const struct gen_words *hay, const struct gen_words *needle,
                    enum gen_words_match how, struct gen_str *where)
{
    size_t first = skip_marks(needle, 0, how);
    if (first >= needle->n_tokens)
        return false;
    for (size_t i = 0; i < hay->n_tokens; i++) {
        size_t last = i;
        if (!same_token(&hay->tokens[i], &needle->tokens[first], how) ||
            !matches_at(hay, i, needle, how, &last))
            continue;
        *where = gen_words_span(hay, hay->tokens[i].begin, hay->tokens[last].end);
        return true;
    }
    return false;
}

bool gen_words_is_stop(struct gen_str form)
{
    static const char *const stops[] = {
        "a",    "an",   "the",  "of",   "in",    "on",   "at",    "to",   "for",   "from", "by",
        "with", "and",  "or",   "is",   "are",   "be",   "it",    "its",  "this",  "that", "these",
        "as",   "into", "your", "my",   "me",    "i",    "you",   "we",   "our",   "use",  "used",
        "if",   "do",   "does", "has",  "have",  "was",  "were",  "will", "can",   "not",  "no",
        "only", "each", "any",  "when", "which", "what", "where", "how",  "about", "value"};
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        if (gen_str_is(form, stops[i]))
            return true;
    }
    return false;
}
