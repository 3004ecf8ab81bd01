/* Whether the figures, names and quotations of a final answer come from what was observed. */
#include "tool/origin_known.h"

#include <math.h>

#define POOL_MAX       512 /* numbers that are compared with */
#define POOL_PAIRS_MAX 40  /* beyond it, some pair gives nearly any number */
#define POOL_PAIRS_FEW 4   /* so few that an answer need not say that it computes */

struct pool {
    double *values;
    size_t n;
    double *totals; /* sums, means, spreads of lists */
    size_t n_totals;
};

struct span {
    uint32_t begin, end;
    bool is_traced;
};

struct trace {
    struct gen_known *k;
    struct gen_words answer;
    struct pool pool;
    struct span *spans; /* quoted pieces and names: their numbers are not looked at again */
    size_t n_spans, spans_max;
    size_t n_untraced;
    struct gen_str first;
    bool computes; /* the answer speaks of sums, differences or shares */
};

static void put(double *values, size_t *n, double v)
{
    for (size_t i = 0; i < *n; i++) {
        if (values[i] == v)
            return;
    }
    if (*n < POOL_MAX)
        values[(*n)++] = v;
}

static void pool_list(struct pool *p, const struct gen_json *list)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    double sum = 0;
    double low = INFINITY;
    double high = -INFINITY;
    size_t n = 0;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &v)) {
        double at;
        if (!gen_json_as_real(v, &at))
            return;
        sum += at;
        low = at < low ? at : low;
        high = at > high ? at : high;
        n++;
    }
    if (n < 2)
        return;
    put(p->totals, &p->n_totals, sum);
    put(p->totals, &p->n_totals, sum / (double)n);
    put(p->totals, &p->n_totals, high - low);
}

/* Members of the same name in a list of objects add up as well. */
static void pool_members(struct pool *p, const struct gen_known_result *r, size_t list)
{
    for (size_t n = 0; n < r->n_nodes; n++) {
        size_t parent = r->nodes[n].parent;
        double v;
        if (!gen_json_as_real(r->nodes[n].v, &v) || r->nodes[n].in_array ||
            !r->nodes[parent].in_array || r->nodes[parent].parent != list ||
            r->nodes[parent].index != 0)
            continue;
        double sum = 0;
        size_t count = 0;
        for (size_t m = n; m < r->n_nodes; m++) {
            size_t other = r->nodes[m].parent;
            double at;
            if (r->nodes[other].in_array && r->nodes[other].parent == list &&
                gen_str_eq(r->nodes[m].key, r->nodes[n].key) &&
                gen_json_as_real(r->nodes[m].v, &at)) {
                sum += at;
                count++;
            }
        }
        put(p->totals, &p->n_totals, sum);
        if (count)
            put(p->totals, &p->n_totals, sum / (double)count);
    }
}

/* JSON that was cut is no JSON any more, but its lists can still be counted. */
static void pool_cut_lists(struct pool *p, struct gen_str raw)
{
    size_t n = 0;
    bool is_inside = false;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '[') {
            is_inside = true;
            n = 1;
        } else if (c == ']' && is_inside) {
            is_inside = false;
            if (n > 1)
                put(p->totals, &p->n_totals, (double)n);
        }
        n += c == ',';
    }
}

/* An object whose members are things of one kind; a record of fields is not counted. */
static bool is_map(const struct gen_json *v)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    if (gen_json_type(v) != GEN_JSON_OBJECT)
        return false;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &member)) {
        if (gen_json_type(member) < GEN_JSON_ARRAY)
            return false;
    }
    return true;
}

static void pool_result(struct pool *p, const struct gen_known_result *r)
{
    for (size_t n = 0; n < r->n_nodes; n++) {
        double v;
        const struct gen_json *at = r->nodes[n].v;
        enum gen_json_type type = gen_json_type(at);
        if (gen_json_as_real(at, &v))
            put(p->values, &p->n, v);
        if (type == GEN_JSON_ARRAY || is_map(at))
            put(p->totals, &p->n_totals, (double)gen_json_count(at));
        if (type != GEN_JSON_ARRAY)
            continue;
        pool_list(p, at);
        if (r->n_nodes < 2000)
            pool_members(p, r, n);
    }
    for (size_t i = 0; i < r->words.n_quantities; i++) {
        if (r->words.quantities[i].dimension == GEN_DIMENSION_NONE)
            put(p->values, &p->n, r->words.quantities[i].value);
    }
    if (!r->doc)
        pool_cut_lists(p, r->raw);
    size_t n_lines = 0;
    struct gen_str rest = r->raw;
    struct gen_str line;
    while (!r->doc && gen_str_next_line(&rest, &line))
        n_lines += gen_str_trim(line).n > 0;
    if (n_lines > 1)
        put(p->totals, &p->n_totals, (double)n_lines);
}

static int fill_pool(struct trace *t, struct gen_error *err)
{
    struct pool *p = &t->pool;
    p->values = gen_arena_array(t->k->arena, POOL_MAX, sizeof(double));
    p->totals = gen_arena_array(t->k->arena, POOL_MAX, sizeof(double));
    if (!p->values || !p->totals)
        return gen_nomem(err, "the numbers of the observations");
    for (size_t i = 0; i < t->k->n_results; i++) {
        int rc = gen_known_read(t->k, i, err);
        if (rc)
            return rc;
        pool_result(p, &t->k->results[i]);
    }
    for (size_t i = 0; i < t->k->request.n_quantities; i++) {
        if (t->k->request.quantities[i].dimension == GEN_DIMENSION_NONE)
            put(p->values, &p->n, t->k->request.quantities[i].value);
    }
    if (t->k->n_results > 1)
        put(p->totals, &p->n_totals, (double)t->k->n_results);
    return GEN_OK;
}

/* Half of the last place that is written. Zeros at the end of a whole number are places of their
 * own unless it is said to be rounded: "about 1,200". */
static double precision(const struct gen_quantity *q, bool is_hedged)
{
    double written = fabs(q->value / q->unit);
    if (q->decimals > 0)
        return 0.5 * pow(10, -q->decimals);
    if (q->decimals < 0)
        return q->is_converted && written >= 1000 ? 0.05 * written : 0;
    double place = 1;
    while (is_hedged && written / place >= 100 && fmod(written, 10 * place) < 0.5)
        place *= 10;
    return 0.5 * place;
}

struct figure {
    const struct gen_quantity *q;
    bool is_hedged;
};

/* `source` rounded gives what is written. Whole sources are not rounded to their neighbours. */
static bool rounds_to(struct figure f, double source)
{
    double v = f.q->value / f.q->unit;
    double size = fabs(v) > 1 ? fabs(v) : 1;
    double slack = precision(f.q, f.is_hedged);
    if (fabs(source - v) <= 1e-9 * size)
        return true;
    bool is_whole = fabs(source - floor(source)) < 1e-9;
    if (is_whole && slack <= 0.5)
        return false;
    return fabs(source - v) <= slack * (1 + 1e-9);
}

static bool in_unit(struct figure f, double source)
{
    static const double factors[] = {1,   1e-3, 1e3,     60,   3600,         86400, 1024,
                                     1e6, 1e9,  1048576, 1e12, 1073741824.0, 1e-2};
    if (rounds_to(f, source))
        return true;
    if (f.q->dimension == GEN_DIMENSION_NONE)
        return false;
    if (f.q->dimension == GEN_DIMENSION_PERCENT)
        return rounds_to(f, 100 * source);
    for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
        if (rounds_to(f, source * factors[i] / f.q->unit))
            return true;
    }
    return false;
}

/* Whole numbers are sums and differences to the last place only. */
static bool adds_up(struct figure f, double source)
{
    bool is_whole = fabs(source - floor(source)) < 1e-9;
    return (is_whole || f.q->decimals > 0) && in_unit(f, source);
}

static bool of_pairs(const struct trace *t, struct figure f)
{
    const struct gen_quantity *q = f.q;
    const struct pool *p = &t->pool;
    bool is_percent = q->dimension == GEN_DIMENSION_PERCENT;
    if (p->n > (t->computes ? POOL_PAIRS_MAX : POOL_PAIRS_FEW))
        return false;
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < p->n; j++) {
            double a = p->values[i];
            double b = p->values[j];
            if (i == j)
                continue;
            bool is_ratio = b != 0 && (is_percent || (q->decimals > 0 && t->computes));
            /* A little more or less than what was observed is an error, no sum. */
            bool is_sum = fabs(a) >= 2 && fabs(b) >= 2;
            if ((is_sum && ((i < j && adds_up(f, a + b)) || adds_up(f, a - b))) ||
                (is_ratio && rounds_to(f, is_percent ? 100 * a / b : a / b)) ||
                (is_percent && b != 0 && rounds_to(f, 100 * (a - b) / b)))
                return true;
            bool is_product = i < j && fabs(a) >= 2 && fabs(b) >= 2;
            if (is_product && fabs(a * b - q->value) <= 1e-9 * fabs(q->value))
                return true;
        }
    }
    return false;
}

static bool in_quantities(const struct gen_words *w, struct figure f)
{
    for (size_t i = 0; i < w->n_quantities; i++) {
        const struct gen_quantity *s = &w->quantities[i];
        if (s->dimension == f.q->dimension && rounds_to(f, s->value / f.q->unit))
            return true;
    }
    return false;
}

/* "about 1,200", "more than 60" */
static bool is_hedged(const struct gen_words *w, const struct gen_quantity *q)
{
    static const char *const hedges[] = {"about",  "around", "roughly", "approximately", "nearly",
                                         "almost", "over",   "than",    "circa",         "ca",
                                         "some",   "~",      "approx",  "\xE2\x89\x88"};
    struct gen_str before = gen_str_trim(gen_str_sub(w->text, 0, q->begin));
    for (size_t i = 0; i < sizeof(hedges) / sizeof(hedges[0]); i++) {
        struct gen_str hedge = gen_str_from(hedges[i]);
        if (before.n >= hedge.n &&
            gen_str_eq_nocase(gen_str_sub(before, before.n - hedge.n, hedge.n), hedge))
            return true;
    }
    return false;
}

static bool number_is_traced(const struct trace *t, const struct gen_quantity *q)
{
    const struct figure f = {q, is_hedged(&t->answer, q)};
    for (size_t i = 0; i < t->pool.n; i++) {
        if (in_unit(f, t->pool.values[i]))
            return true;
    }
    for (size_t i = 0; i < t->pool.n_totals; i++) {
        if (in_unit(f, t->pool.totals[i]))
            return true;
    }
    bool is_found = in_quantities(&t->k->request, f);
    for (size_t i = 0; i < t->k->n_results && !is_found; i++)
        is_found = in_quantities(&t->k->results[i].words, f);
    return is_found || of_pairs(t, f);
}

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
        traced[i] = number_is_traced(t, &w->quantities[i]);
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
        rc = fill_pool(&t, err);
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
