/* Whether the figures, names and quotations of a final answer come from what was observed. */
#include "tool/number_pool.h"

#include <math.h>

struct span {
    uint32_t begin, end;
    bool is_traced;
};

struct trace {
    struct gen_known *k;
    struct gen_words answer;
    struct gen_number_pool pool;
    struct span *spans; /* quoted pieces and names: their numbers are not looked at again */
    size_t n_spans, spans_max;
    size_t n_untraced;
    struct gen_str first;
    bool computes; /* the answer speaks of sums, differences or shares */
};

static int add_span(struct trace *t, uint32_t begin, uint32_t end, bool is_traced,
                    struct gen_error *err)
{
    if (t->n_spans == t->spans_max) {
        size_t more = t->spans_max ? 2 * t->spans_max : 16;
        struct span *bigger = gen_arena_array(t->k->arena, more, sizeof(*bigger));
        if (!bigger)
            return gen_nomem(err, "the quotations of an answer");
        if (t->n_spans)
            memcpy(bigger, t->spans, t->n_spans * sizeof(*bigger));
        t->spans = bigger;
        t->spans_max = more;
    }
    t->spans[t->n_spans++] = (struct span){begin, end, is_traced};
    return GEN_OK;
}

static bool is_covered(const struct trace *t, uint32_t begin, uint32_t end)
{
    for (size_t i = 0; i < t->n_spans; i++) {
        if (t->spans[i].begin < end && begin < t->spans[i].end)
            return true;
    }
    return false;
}

static void untraced(struct trace *t, struct gen_str piece)
{
    if (t->n_untraced++ == 0)
        t->first = piece;
}

/* The words of `piece` follow each other somewhere. */
static int piece_is_known(struct trace *t, struct gen_str piece, bool *known, struct gen_error *err)
{
    struct gen_words w = {.text = piece, .arena = t->k->arena};
    struct gen_str where;
    int rc = gen_words_tokens(&w, err);
    *known = w.n_tokens == 0;
    for (int how = GEN_MATCH_EXACT; how <= GEN_MATCH_BARE && rc == GEN_OK && !*known; how++) {
        *known = gen_words_find(&t->k->request, &w, (enum gen_words_match)how, &where);
        for (size_t i = 0; i < t->k->n_results && !*known; i++)
            *known = gen_words_find(&t->k->results[i].words, &w, (enum gen_words_match)how, &where);
    }
    return rc;
}

/* A quotation may leave words out. */
static int quote_is_known(struct trace *t, struct gen_str quote, bool *known, struct gen_error *err)
{
    static const char marks[] = ".,;:!?";
    size_t from = 0;
    *known = true;
    while (from <= quote.n && *known) {
        size_t dots = gen_str_find(quote, GEN_STR("..."), from);
        size_t sign = gen_str_find(quote, GEN_STR("\xE2\x80\xA6"), from);
        size_t cut = dots < sign ? dots : sign;
        size_t end = cut == SIZE_MAX ? quote.n : cut;
        struct gen_str piece = gen_str_trim(gen_str_sub(quote, from, end - from));
        while (piece.n && memchr(marks, piece.p[piece.n - 1], sizeof(marks) - 1))
            piece.n--;
        int rc = piece_is_known(t, piece, known, err);
        if (rc)
            return rc;
        from = end + 3;
    }
    return GEN_OK;
}

static const char *const quote_marks[][2] = {{"`", "`"},
                                             {"\"", "\""},
                                             {"\xE2\x80\x9C", "\xE2\x80\x9D"},
                                             {"\xC2\xAB", "\xC2\xBB"},
                                             {"'", "'"}};

static bool is_word_at(struct gen_str s, size_t i)
{
    unsigned char c = i < s.n ? (unsigned char)s.p[i] : ' ';
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* End of what is quoted from `i` on, or 0. A single quote inside of a word is an apostrophe. */
static size_t quote_at(struct gen_str s, size_t i, size_t *begin)
{
    for (size_t n = 0; n < sizeof(quote_marks) / sizeof(quote_marks[0]); n++) {
        struct gen_str open = gen_str_from(quote_marks[n][0]);
        struct gen_str close = gen_str_from(quote_marks[n][1]);
        bool is_single = open.n == 1 && open.p[0] == '\'';
        if (!gen_str_starts(gen_str_sub(s, i, s.n - i), open) ||
            (is_single && i && is_word_at(s, i - 1)))
            continue;
        size_t end = gen_str_find(s, close, i + open.n);
        while (is_single && end != SIZE_MAX && is_word_at(s, end + 1))
            end = gen_str_find(s, close, end + 1);
        size_t line = gen_str_find(s, GEN_STR("\n"), i);
        *begin = i + open.n;
        if (end != SIZE_MAX && end < line && end > *begin && end - *begin <= 600)
            return end;
    }
    return 0;
}

static int look_at_quotes(struct trace *t, struct gen_error *err)
{
    struct gen_str s = t->answer.text;
    for (size_t i = 0; i < s.n;) {
        size_t begin = 0;
        size_t end = quote_at(s, i, &begin);
        if (!end) {
            i++;
            continue;
        }
        struct gen_str quote = gen_str_sub(s, begin, end - begin);
        bool known = true;
        int rc = quote_is_known(t, quote, &known, err);
        if (rc == GEN_OK)
            rc = add_span(t, (uint32_t)i, (uint32_t)end + 1, known, err);
        if (rc)
            return rc;
        /* A figure in quotation marks may be computed like any other. */
        bool is_figure = quote.n > 0 && quote.n <= 12 && quote.p[0] >= '0' && quote.p[0] <= '9';
        if (!known && is_figure)
            t->n_spans--;
        else if (!known)
            untraced(t, quote);
        i = end + 1;
    }
    return GEN_OK;
}

struct name {
    size_t first, last; /* tokens */
    bool has_letter, has_digit, has_mixed, has_underscore;
    size_t n_slashes;
};

/* Tokens without blanks between them. */
static struct name name_at(const struct gen_words *w, size_t i)
{
    struct name n = {.first = i, .last = i};
    while (n.last + 1 < w->n_tokens && w->tokens[n.last + 1].is_glued)
        n.last++;
    while (n.last > n.first && w->tokens[n.last].kind == GEN_TOKEN_MARK)
        n.last--;
    if (n.last > n.first + 1 && gen_token_is(&w->tokens[n.last], "s") &&
        w->tokens[n.last - 1].kind == GEN_TOKEN_MARK)
        n.last -= 2; /* the genitive of a name */
    while (n.first < n.last && w->tokens[n.first].kind == GEN_TOKEN_MARK &&
           !gen_token_is(&w->tokens[n.first], "/"))
        n.first++;
    for (size_t k = n.first; k <= n.last; k++) {
        const struct gen_token *t = &w->tokens[k];
        bool is_digits = t->form.n && t->form.p[0] >= '0' && t->form.p[0] <= '9';
        n.has_letter = n.has_letter || (t->kind == GEN_TOKEN_WORD && !is_digits);
        n.has_digit = n.has_digit || is_digits;
        n.has_mixed = n.has_mixed || (t->kind == GEN_TOKEN_WORD && is_digits);
        n.has_underscore = n.has_underscore || (k > n.first && gen_token_is(t, "_"));
        n.n_slashes += gen_token_is(t, "/");
    }
    return n;
}

/* Names of things: paths, files, identifiers; not "and/or", "HDF5", "2 MB". */
static bool is_name(const struct gen_words *w, const struct name *n)
{
    size_t bytes = w->tokens[n->last].end - w->tokens[n->first].begin;
    if (!n->has_letter || bytes < 4)
        return false;
    if (gen_token_is(&w->tokens[n->first], "/") || n->has_underscore || n->n_slashes > 1)
        return true;
    const struct gen_token *dot = n->last > n->first + 1 ? &w->tokens[n->last - 1] : NULL;
    bool is_file = dot && gen_token_is(dot, ".") && w->tokens[n->last].kind == GEN_TOKEN_WORD &&
                   w->tokens[n->last].form.n <= 4;
    /* "h5": letters and digits of an ending are two tokens. */
    if (n->last > n->first + 2 && gen_token_is(&w->tokens[n->last - 2], ".") && n->has_mixed)
        is_file = true;
    return is_file || (n->has_mixed && bytes >= 6);
}

static int look_at_names(struct trace *t, struct gen_error *err)
{
    const struct gen_words *w = &t->answer;
    for (size_t i = 0; i < w->n_tokens;) {
        struct name n = name_at(w, i);
        uint32_t begin = w->tokens[n.first].begin;
        uint32_t end = w->tokens[n.last].end;
        i = n.last + 1;
        while (i < w->n_tokens && w->tokens[i].is_glued)
            i++;
        if (is_covered(t, begin, end) || !is_name(w, &n))
            continue;
        bool known = false;
        struct gen_str piece = gen_words_span(w, begin, end);
        int rc = piece_is_known(t, piece, &known, err);
        if (rc == GEN_OK)
            rc = add_span(t, begin, end, known, err);
        if (rc)
            return rc;
        if (!known)
            untraced(t, piece);
    }
    return GEN_OK;
}

/* "1." at the beginning of a line, "step 2". */
static bool is_numbering(const struct gen_words *w, const struct gen_quantity *q)
{
    size_t i = q->begin;
    while (i > 0 && (w->text.p[i - 1] == ' ' || w->text.p[i - 1] == '\t'))
        i--;
    bool at_line = i == 0 || w->text.p[i - 1] == '\n';
    char after = q->end < w->text.n ? w->text.p[q->end] : ' ';
    char behind = q->end + 1 < w->text.n ? w->text.p[q->end + 1] : ' ';
    if (at_line && (after == '.' || after == ')') && behind == ' ')
        return true;
    struct gen_str before = gen_str_sub(w->text, 0, i);
    return gen_str_ends(before, GEN_STR("step")) || gen_str_ends(before, GEN_STR("Step")) ||
           gen_str_ends(before, GEN_STR("#"));
}

/* Words such as "one", "both", "half" and ordinals are ways of speaking. */
static bool is_claim(const struct gen_words *w, const struct gen_quantity *q)
{
    bool is_day = q->dimension == GEN_DIMENSION_DATE || q->dimension == GEN_DIMENSION_CLOCK;
    bool is_in_words = q->decimals < 0 && !is_day;
    if (q->dimension == GEN_DIMENSION_ORDINAL || is_day)
        return false;
    if (is_in_words && w->text.p[q->begin] > '9' && (fabs(q->value) < 3 || q->is_share))
        return false;
    return !is_numbering(w, q);
}

static int look_at_numbers(struct trace *t, struct gen_error *err)
{
    const struct gen_words *w = &t->answer;
    bool *traced = gen_arena_array(t->k->arena, w->n_quantities + 1, sizeof(*traced));
    if (!traced)
        return gen_nomem(err, "the numbers of an answer");
    for (size_t i = 0; i < w->n_quantities; i++)
        traced[i] = gen_number_pool_gives(&t->pool, t->k, w, &w->quantities[i], t->computes);
    uint32_t last_end = 0;
    for (size_t i = 0; i < w->n_quantities; i++) {
        const struct gen_quantity *q = &w->quantities[i];
        bool is_known = !is_claim(w, q) || q->begin < last_end || is_covered(t, q->begin, q->end);
        for (size_t j = 0; j < w->n_quantities && !is_known; j++)
            is_known =
                traced[j] && w->quantities[j].begin < q->end && q->begin < w->quantities[j].end;
        if (is_known)
            continue;
        last_end = q->end;
        for (size_t j = i; j < w->n_quantities; j++) {
            if (w->quantities[j].begin == q->begin && w->quantities[j].end > last_end)
                last_end = w->quantities[j].end;
        }
        untraced(t, gen_words_span(w, q->begin, last_end));
    }
    return GEN_OK;
}

static bool speaks_of_computing(const struct gen_words *w)
{
    static const char *const words[] = {
        "total",     "sum",       "together", "altogether", "difference", "more",
        "less",      "fewer",     "rose",     "fell",       "increase",   "decrease",
        "increased", "decreased", "rise",     "drop",       "dropped",    "grew",
        "percent",   "%",         "average",  "ratio",      "times",      "remaining",
        "left",      "add",       "adds",     "combined",   "makes",      "spans",
        "overall",   "apart",     "larger",   "smaller",    "higher",     "lower"};
    for (size_t i = 0; i < w->n_tokens; i++) {
        for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
            if (gen_token_is(&w->tokens[i], words[k]))
                return true;
        }
    }
    return false;
}

int gen_known_untraced(struct gen_known *k, struct gen_str answer, size_t *n_untraced,
                       struct gen_str *first, struct gen_error *err)
{
    struct trace t = {.k = k};
    int rc = gen_words_read(&t.answer, answer, k->arena, err);
    t.computes = rc == GEN_OK && speaks_of_computing(&t.answer);
    if (rc == GEN_OK)
        rc = gen_number_pool_fill(&t.pool, k, err);
    if (rc == GEN_OK)
        rc = look_at_quotes(&t, err);
    if (rc == GEN_OK)
        rc = look_at_names(&t, err);
    if (rc == GEN_OK)
        rc = look_at_numbers(&t, err);
    if (rc)
        return rc;
    *n_untraced = t.n_untraced;
    *first = t.first;
    return GEN_OK;
}

int gen_answer_untraced(struct gen_str answer, struct gen_str request,
                        const struct gen_str *observations, size_t n_observations,
                        size_t *n_untraced, struct gen_buf *first, struct gen_error *err)
{
    struct gen_arena arena = gen_arena_make(GEN_BUF_UNLIMITED);
    struct gen_known known;
    struct gen_str piece = {NULL, 0};
    size_t n = 0;
    int rc = gen_known_init(&known, request, observations, n_observations, &arena, err);
    if (rc == GEN_OK)
        rc = gen_known_untraced(&known, answer, &n, &piece, err);
    if (rc == GEN_OK && first)
        rc = gen_buf_add_str(first, piece, err);
    if (rc == GEN_OK)
        *n_untraced = n;
    gen_known_release(&known);
    gen_arena_release(&arena);
    return rc;
}
