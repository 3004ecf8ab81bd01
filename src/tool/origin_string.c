/* Where strings come from. */
#include "tool/origin_known.h"

#include "base/utf8.h"

#include <math.h>

static bool only_marks(const struct gen_words *w)
{
    for (size_t i = 0; i < w->n_tokens; i++) {
        if (w->tokens[i].kind != GEN_TOKEN_MARK)
            return false;
    }
    return true;
}

static bool is_one_of(struct gen_str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (gen_str_is(s, list[i]))
            return true;
    }
    return false;
}

/* "a" and "I" are words of every request; as values they stand in quotes. */
static bool is_shadowed(const struct gen_words *hay, const struct gen_words *value,
                        struct gen_str where)
{
    if (value->n_tokens != 1 ||
        (!gen_token_is(&value->tokens[0], "a") && !gen_token_is(&value->tokens[0], "i")))
        return false;
    size_t before = (size_t)(where.p - hay->text.p);
    char c = before ? hay->text.p[before - 1] : ' ';
    return c == ' ' || c == '\n';
}

/* The first node whose string holds the words. */
static size_t node_of(const struct gen_known_result *r, struct gen_str words)
{
    for (size_t n = 0; n < r->n_nodes; n++) {
        struct gen_str s;
        if (gen_json_as_str(r->nodes[n].v, &s) && gen_str_find(s, words, 0) != SIZE_MAX)
            return n;
        if (gen_str_find(r->nodes[n].key, words, 0) != SIZE_MAX)
            return n;
    }
    return 0;
}

/* A value of the result as it stands, or a key of it. */
static bool whole_node(struct gen_known *k, size_t i, struct gen_str s, struct gen_found *found)
{
    const struct gen_known_result *r = &k->results[i];
    for (size_t n = 0; n < r->n_nodes; n++) {
        struct gen_str at;
        bool is_value = gen_json_as_str(r->nodes[n].v, &at) && gen_str_eq(at, s);
        if (!is_value && !(s.n > 1 && gen_str_eq(r->nodes[n].key, s)))
            continue;
        found->step = i + 1;
        return gen_found_set(found, GEN_ORIGIN_RESULT, gen_known_pointer(k, r, n));
    }
    return false;
}

static int in_results(struct gen_known *k, size_t n_results, const struct gen_words *value,
                      struct gen_found *found, struct gen_error *err)
{
    for (size_t i = n_results; i-- > 0;) {
        int rc = gen_known_parse(k, i, err);
        if (rc)
            return rc;
        if (whole_node(k, i, value->text, found))
            return GEN_OK;
    }
    for (size_t i = n_results; i-- > 0;) {
        struct gen_known_result *r = &k->results[i];
        struct gen_str where;
        int rc = gen_known_read(k, i, err);
        if (rc)
            return rc;
        if (!gen_words_find(&r->words, value, GEN_MATCH_EXACT, &where) ||
            is_shadowed(&r->words, value, where))
            continue;
        found->step = i + 1;
        gen_found_set(found, GEN_ORIGIN_RESULT, gen_known_pointer(k, r, node_of(r, where)));
        return GEN_OK;
    }
    return GEN_OK;
}

/* Dates, times of day, durations, sizes and numbers that are written as strings. */
static bool by_quantities(struct gen_known *k, const struct gen_words *value,
                          struct gen_found *found)
{
    bool all = value->n_quantities > 0;
    struct gen_str where = {NULL, 0};
    uint32_t end = 0;
    for (size_t i = 0; i < value->n_quantities && all; i++) {
        const struct gen_quantity *v = &value->quantities[i];
        bool is_day = v->dimension == GEN_DIMENSION_DATE || v->dimension == GEN_DIMENSION_CLOCK;
        bool is_found = v->end <= end; /* part of what was found before: the day of a date */
        for (size_t j = 0; j < k->request.n_quantities && !is_found; j++) {
            const struct gen_quantity *q = &k->request.quantities[j];
            is_found = is_day ? q->dimension == v->dimension && fabs(q->value - v->value) < 1e-6
                              : gen_quantity_is(q, v->value);
            if (is_found && !where.n)
                where = gen_words_span(&k->request, q->begin, q->end);
        }
        all = is_found;
        end = is_found && v->end > end ? v->end : end;
    }
    if (all && where.n)
        return gen_found_set(found, GEN_ORIGIN_CONVERSION, where);
    return false;
}

/* Dates first: their day and month are no numbers of their own. What else the value has must be a
 * time that was named, or the beginning or the end of the day. */
static bool by_date(struct gen_known *k, const struct gen_words *value, struct gen_found *found)
{
    struct gen_str where = {NULL, 0};
    bool has_date = false;
    for (size_t i = 0; i < value->n_quantities; i++) {
        const struct gen_quantity *v = &value->quantities[i];
        bool is_date = v->dimension == GEN_DIMENSION_DATE;
        bool is_edge = v->dimension == GEN_DIMENSION_CLOCK && (v->value < 1 || v->value >= 86340);
        bool is_found = false;
        if (!is_date && v->dimension != GEN_DIMENSION_CLOCK)
            continue;
        for (size_t j = 0; j < k->request.n_quantities && !is_found; j++) {
            const struct gen_quantity *q = &k->request.quantities[j];
            is_found = q->dimension == v->dimension && fabs(q->value - v->value) < 1e-6;
            /* "March 2024" may stand for its first day, or its last. */
            if (is_date && q->dimension == v->dimension && fmod(q->value, 100) < 0.5 &&
                floor(q->value / 100) == floor(v->value / 100))
                is_found = fmod(v->value, 100) < 1.5 || fmod(v->value, 100) > 27.5;
            if (is_found)
                where = gen_words_span(&k->request, q->begin, q->end);
        }
        if (!is_found && !is_edge)
            return false;
        has_date = has_date || is_found;
    }
    return has_date && gen_found_set(found, GEN_ORIGIN_CONVERSION, where);
}

/* Codes for which people use names. */
static bool by_code(struct gen_known *k, const struct gen_words *value, struct gen_found *found)
{
    static const char *const codes[][2] = {
        {"usd", "dollar"},    {"usd", "$"},        {"eur", "euro"},      {"gbp", "pound"},
        {"jpy", "yen"},       {"chf", "franc"},    {"cny", "yuan"},      {"en", "english"},
        {"de", "german"},     {"fr", "french"},    {"es", "spanish"},    {"it", "italian"},
        {"pt", "portuguese"}, {"nl", "dutch"},     {"ja", "japanese"},   {"zh", "chinese"},
        {"ru", "russian"},    {"ko", "korean"},    {"us", "states"},     {"uk", "kingdom"},
        {"gb", "kingdom"},    {"de", "germany"},   {"fr", "france"},     {"es", "spain"},
        {"it", "italy"},      {"jp", "japan"},     {"c", "celsius"},     {"f", "fahrenheit"},
        {"celsius", "c"},     {"fahrenheit", "f"}, {"asc", "ascending"}, {"desc", "descending"},
        {"desc", "newest"},   {"desc", "highest"}, {"asc", "lowest"},    {"asc", "oldest"},
        {"get", "fetch"},     {"mean", "average"}, {"avg", "mean"},      {"avg", "average"},
        {"max", "maximum"},   {"min", "minimum"},  {"std", "deviation"}, {"max", "highest"},
        {"max", "largest"},   {"min", "lowest"},   {"min", "smallest"},  {"sum", "total"},
        {"count", "number"},  {"count", "many"},   {"mean", "avg"},      {"r", "read"},
        {"r", "reading"},     {"w", "write"},      {"w", "writing"},     {"a", "append"},
        {"median", "middle"}, {"var", "variance"}, {"std", "spread"},    {"rw", "write"}};
    if (value->n_tokens < 1 || value->n_tokens > 2)
        return false;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (!gen_token_is(&value->tokens[0], codes[i][0]))
            continue;
        for (size_t j = 0; j < k->request.n_tokens; j++) {
            const struct gen_token *t = &k->request.tokens[j];
            if (gen_words_same_stem(t->form, gen_str_from(codes[i][1]), false))
                return gen_found_set(found, GEN_ORIGIN_CONVERSION,
                                     gen_words_span(&k->request, t->begin, t->end));
        }
    }
    return false;
}

static bool word_in(const struct gen_words *w, const struct gen_token *t, struct gen_str *where)
{
    for (size_t i = 0; i < w->n_tokens; i++) {
        const struct gen_token *at = &w->tokens[i];
        bool same =
            t->kind == GEN_TOKEN_NUMBER
                ? at->kind == GEN_TOKEN_NUMBER && fabs(at->number - t->number) < 1e-9
                : at->kind == GEN_TOKEN_WORD && gen_words_same_stem(at->form, t->form, false);
        if (!same)
            continue;
        if (where && !where->n)
            *where = gen_words_span(w, at->begin, at->end);
        return true;
    }
    return false;
}

/* Beginning of the ending of a file's name among the tokens, or their number. */
static size_t ending_of(const struct gen_words *value)
{
    for (size_t i = value->n_tokens; i-- > 1;) {
        const struct gen_token *t = &value->tokens[i];
        if (t->kind != GEN_TOKEN_MARK)
            continue;
        size_t n = value->text.n - t->end;
        bool is_name = value->tokens[i - 1].kind != GEN_TOKEN_MARK && t->is_glued;
        if (gen_token_is(t, ".") && is_name && n > 0 && n <= 5 &&
            value->tokens[i + 1].kind == GEN_TOKEN_WORD)
            return i;
        return value->n_tokens;
    }
    return value->n_tokens;
}

/* Put together of words that are known: a path, a name with its ending, a search text. */
static int by_parts(struct gen_known *k, size_t n_results, const struct gen_words *value,
                    struct gen_found *found, struct gen_error *err)
{
    size_t n = 0;
    size_t n_known = 0;
    size_t end = ending_of(value);
    struct gen_str where = {NULL, 0};
    for (size_t i = 0; i < end; i++) {
        const struct gen_token *t = &value->tokens[i];
        if (t->kind == GEN_TOKEN_MARK || (t->kind == GEN_TOKEN_WORD && gen_words_is_stop(t->form)))
            continue;
        bool is_known = word_in(&k->request, t, &where);
        for (size_t r = n_results; r-- > 0 && !is_known;) {
            int rc = gen_known_read(k, r, err);
            if (rc)
                return rc;
            is_known = word_in(&k->results[r].words, t, NULL);
        }
        if (!is_known && t->kind == GEN_TOKEN_NUMBER)
            return GEN_OK;
        n++;
        n_known += is_known;
    }
    bool is_prose = n > 3 && memchr(value->text.p, ' ', value->text.n);
    bool enough = is_prose ? 4 * n_known >= 3 * n : n_known == n;
    if (n > 0 && enough && (where.n || !is_prose))
        gen_found_set(found, GEN_ORIGIN_CONVERSION, where);
    return GEN_OK;
}

/* Without its scheme, an address may be one that people write. */
static int by_conversion(struct gen_known *k, size_t n_results, const struct gen_words *value,
                         struct gen_found *found, struct gen_error *err)
{
    struct gen_str where;
    bool is_digits = value->n_tokens == 1 && value->tokens[0].kind == GEN_TOKEN_NUMBER;
    for (int how = GEN_MATCH_BARE; how <= GEN_MATCH_STEM && !is_digits; how++) {
        if (gen_words_find(&k->request, value, (enum gen_words_match)how, &where) &&
            !is_shadowed(&k->request, value, where)) {
            gen_found_set(found, GEN_ORIGIN_CONVERSION, where);
            return GEN_OK;
        }
    }
    size_t scheme = gen_str_find(value->text, GEN_STR("://"), 0);
    if (scheme != SIZE_MAX && scheme < 8) {
        struct gen_words rest;
        int rc =
            gen_words_read(&rest, gen_str_sub(value->text, scheme + 3, SIZE_MAX), k->arena, err);
        if (rc)
            return rc;
        if (gen_words_find(&k->request, &rest, GEN_MATCH_BARE, &where)) {
            gen_found_set(found, GEN_ORIGIN_CONVERSION, where);
            return GEN_OK;
        }
    }
    if (by_date(k, value, found) || by_quantities(k, value, found) || by_code(k, value, found))
        return GEN_OK;
    return by_parts(k, n_results, value, found, err);
}

/* One that ends a clause. */
static bool is_mark(char c)
{
    return c == ';' || c == ',' || c == '.' || c == '(' || c == ')';
}

/* What the description says of one of the choices: the text behind its name, to the next mark. */
static struct gen_str clause_of(struct gen_str description, struct gen_str choice)
{
    size_t at = gen_str_find(description, choice, 0);
    if (at == SIZE_MAX || choice.n == 0)
        return (struct gen_str){NULL, 0};
    size_t end = at + choice.n;
    while (end < description.n && !is_mark(description.p[end]))
        end++;
    return gen_str_sub(description, at, end - at);
}

/* A choice that nobody needed to make wants a hint in the request. */
static int is_hinted(struct gen_known *k, const struct gen_place *place, struct gen_str choice,
                     bool *hinted, struct gen_error *err)
{
    const struct gen_str texts[] = {place->name, choice, clause_of(place->description, choice)};
    *hinted = false;
    for (size_t n = 0; n < 3 && !*hinted; n++) {
        struct gen_words w = {.text = texts[n], .arena = k->arena};
        int rc = gen_words_tokens(&w, err);
        if (rc)
            return rc;
        for (size_t i = 0; i < w.n_tokens; i++) {
            for (size_t j = 0; j < k->request.n_tokens; j++) {
                const struct gen_token *a = &w.tokens[i];
                const struct gen_token *b = &k->request.tokens[j];
                bool is_start = a->form.n >= 3 && gen_str_starts(b->form, a->form);
                if (a->kind == GEN_TOKEN_WORD && !gen_words_is_stop(a->form) && a->form.n > 2 &&
                    (is_start || gen_words_same_stem(a->form, b->form, true)))
                    *hinted = true;
            }
        }
    }
    return GEN_OK;
}

static int by_choice(struct gen_known *k, const struct gen_place *place, struct gen_str s,
                     struct gen_found *found, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, place->choices);
    while (place->choices && gen_json_iter_next(&it, &key, &v)) {
        struct gen_str choice;
        bool hinted = place->is_required;
        if (!gen_json_as_str(v, &choice) || !gen_str_eq(choice, s))
            continue;
        int rc = hinted ? GEN_OK : is_hinted(k, place, s, &hinted, err);
        if (rc == GEN_OK && hinted)
            gen_found_set(found, GEN_ORIGIN_CONSTANT, (struct gen_str){NULL, 0});
        return rc;
    }
    return GEN_OK;
}

int gen_known_string(struct gen_known *k, size_t n_results, const struct gen_place *place,
                     struct gen_str s, struct gen_found *found, struct gen_error *err)
{
    static const char *const roots[] = {"/", ".", "./", "~", "*", "**", "**/*", "*.*", ".*"};
    struct gen_words value;
    struct gen_str where;
    struct gen_str given;
    int rc = gen_words_read(&value, s, k->arena, err);
    if (rc)
        return rc;
    bool is_root = is_one_of(gen_str_trim(s), roots, sizeof(roots) / sizeof(roots[0]));
    if (value.n_tokens == 0 || is_root) {
        gen_found_set(found, GEN_ORIGIN_CONSTANT, (struct gen_str){NULL, 0});
        return GEN_OK;
    }
    /* "-5" and "5" differ by a mark, which a search of words alone would pass over. */
    if (gen_words_find(&k->request, &value, GEN_MATCH_EXACT, &where) &&
        !is_shadowed(&k->request, &value, where)) {
        gen_found_set(found, GEN_ORIGIN_REQUEST, where);
        return GEN_OK;
    }
    if (gen_json_as_str(place->default_value, &given) && gen_str_eq(given, s)) {
        gen_found_set(found, GEN_ORIGIN_DEFAULT, (struct gen_str){NULL, 0});
        return GEN_OK;
    }
    rc = in_results(k, n_results, &value, found, err);
    if (rc == GEN_OK && !found->origin && !only_marks(&value))
        rc = by_conversion(k, n_results, &value, found, err);
    if (rc == GEN_OK && !found->origin)
        rc = by_choice(k, place, s, found, err);
    return rc;
}
