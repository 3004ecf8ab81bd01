/* Where numbers and booleans come from. */
#include "tool/origin_known.h"

#include <math.h>

/* Numbers of one digit are in nearly every long result: only few numbers, or a name that fits, make
 * one a source. */
#define NUMBERS_FEW 8

bool gen_found_set(struct gen_found *f, enum gen_origin origin, struct gen_str where)
{
    f->origin = origin;
    f->where = where;
    return true;
}

static bool same(double a, double b)
{
    double size = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
    return fabs(a - b) <= 1e-9 * (size > 1 ? size : 1);
}

bool gen_quantity_is(const struct gen_quantity *q, double v)
{
    static const double time[] = {1e-3, 1, 60, 3600, 86400};
    static const double bytes[] = {1, 1e3, 1024, 1e6, 1048576, 1e9, 1073741824};
    static const double metric[] = {1e-3, 1e-2, 1, 1e3, 1e6};
    const double *factors = metric;
    size_t n = sizeof(metric) / sizeof(metric[0]);
    switch (q->dimension) {
    case GEN_DIMENSION_NONE:
        return same(q->value, v);
    case GEN_DIMENSION_PERCENT:
        return same(q->value, v) || same(q->value / 100, v);
    case GEN_DIMENSION_ORDINAL:
        return same(q->value, v) || same(q->value - 1, v);
    case GEN_DIMENSION_DATE:
    case GEN_DIMENSION_CLOCK:
        return false;
    case GEN_DIMENSION_TIME:
        factors = time;
        n = sizeof(time) / sizeof(time[0]);
        break;
    case GEN_DIMENSION_BYTES:
        factors = bytes;
        n = sizeof(bytes) / sizeof(bytes[0]);
        break;
    case GEN_DIMENSION_LENGTH:
    case GEN_DIMENSION_MASS:
    case GEN_DIMENSION_RATE:
        break;
    }
    for (size_t i = 0; i < n; i++) {
        if (same(v * factors[i], q->value))
            return true;
    }
    return false;
}

static bool in_request(const struct gen_known *k, double v, bool converted, struct gen_found *found)
{
    for (size_t i = 0; i < k->request.n_quantities; i++) {
        const struct gen_quantity *q = &k->request.quantities[i];
        bool is_plain = q->dimension == GEN_DIMENSION_NONE && !q->is_converted;
        if (is_plain != converted && gen_quantity_is(q, v))
            return gen_found_set(found, converted ? GEN_ORIGIN_CONVERSION : GEN_ORIGIN_REQUEST,
                                 gen_words_span(&k->request, q->begin, q->end));
    }
    return false;
}

/* Some word of `name` (snake or camel case) is one of `text`'s. */
static bool shares_word(struct gen_known *k, struct gen_str name, struct gen_str text, bool *shares,
                        struct gen_error *err)
{
    struct gen_words a = {.text = name, .arena = k->arena};
    struct gen_words b = {.text = text, .arena = k->arena};
    *shares = false;
    if (gen_words_tokens(&a, err) || gen_words_tokens(&b, err))
        return false;
    for (size_t i = 0; i < a.n_tokens; i++) {
        for (size_t j = 0; j < b.n_tokens; j++) {
            if (a.tokens[i].kind == GEN_TOKEN_WORD && !gen_words_is_stop(a.tokens[i].form) &&
                gen_words_same_stem(a.tokens[i].form, b.tokens[j].form, false))
                *shares = true;
        }
    }
    return true;
}

static struct gen_str nearest_key(const struct gen_known_result *r, size_t node)
{
    while (node != 0 && r->nodes[node].in_array)
        node = r->nodes[node].parent;
    return r->nodes[node].key;
}

static int number_in_nodes(struct gen_known *k, size_t i, const struct gen_place *place, double v,
                           struct gen_found *found, struct gen_error *err)
{
    struct gen_known_result *r = &k->results[i];
    bool is_digit = fabs(v) < 10 && same(v, floor(v)) && r->n_numbers > NUMBERS_FEW;
    for (size_t n = 0; n < r->n_nodes; n++) {
        double at;
        if (!gen_json_as_real(r->nodes[n].v, &at) || !same(at, v))
            continue;
        bool fits = true;
        if (is_digit && !shares_word(k, place->name, nearest_key(r, n), &fits, err))
            return GEN_ENOMEM;
        if (!fits)
            continue;
        found->step = i + 1;
        gen_found_set(found, GEN_ORIGIN_RESULT, gen_known_pointer(k, r, n));
        return GEN_OK;
    }
    return GEN_OK;
}

/* Numbers inside texts, lengths of lists. */
static int number_in_result(struct gen_known *k, size_t i, const struct gen_place *place, double v,
                            struct gen_found *found, struct gen_error *err)
{
    struct gen_known_result *r = &k->results[i];
    int rc = gen_known_parse(k, i, err);
    if (rc == GEN_OK)
        rc = number_in_nodes(k, i, place, v, found, err);
    if (rc || found->origin)
        return rc;
    rc = gen_known_read(k, i, err);
    bool is_digit = fabs(v) < 10 && r->words.n_quantities > NUMBERS_FEW;
    for (size_t n = 0; n < r->words.n_quantities && rc == GEN_OK && !is_digit; n++) {
        const struct gen_quantity *q = &r->words.quantities[n];
        if (q->dimension != GEN_DIMENSION_ORDINAL && !q->is_share && gen_quantity_is(q, v)) {
            found->step = i + 1;
            gen_found_set(found, GEN_ORIGIN_RESULT, (struct gen_str){NULL, 0});
            return GEN_OK;
        }
    }
    for (size_t n = 0; n < r->n_nodes && rc == GEN_OK && v >= 2; n++) {
        if (gen_json_type(r->nodes[n].v) == GEN_JSON_ARRAY &&
            same((double)gen_json_count(r->nodes[n].v), v)) {
            found->step = i + 1;
            gen_found_set(found, GEN_ORIGIN_RESULT, gen_known_pointer(k, r, n));
            return GEN_OK;
        }
    }
    return rc;
}

/* "the first half", "20 percent of the rows", "the last ten": a share of a number in a result, or
 * its distance to one. */
static int computed(struct gen_known *k, size_t n_results, double v, struct gen_found *found,
                    struct gen_error *err)
{
    for (size_t i = 0; i < n_results; i++) {
        struct gen_known_result *r = &k->results[i];
        int rc = gen_known_parse(k, i, err);
        if (rc)
            return rc;
        if (r->n_numbers > 64)
            continue;
        for (size_t n = 0; n < r->n_nodes; n++) {
            double at;
            if (!gen_json_as_real(r->nodes[n].v, &at) || fabs(at) < 2)
                continue;
            for (size_t m = 0; m < k->request.n_quantities; m++) {
                const struct gen_quantity *q = &k->request.quantities[m];
                double share = q->dimension == GEN_DIMENSION_PERCENT ? q->value / 100 : q->value;
                bool is_whole = q->dimension == GEN_DIMENSION_NONE && !q->is_share;
                bool is_last = q->dimension == GEN_DIMENSION_ORDINAL && q->value < 0;
                if ((q->is_share && share > 0 && fabs(at * share - v) < 1) ||
                    (is_whole && fabs(v) >= 2 &&
                     (same(at - q->value, v) || same(at + q->value, v))) ||
                    (is_last && same(at - 1, v))) {
                    gen_found_set(found, GEN_ORIGIN_CONVERSION,
                                  gen_words_span(&k->request, q->begin, q->end));
                    return GEN_OK;
                }
            }
        }
    }
    return GEN_OK;
}

static bool has_word(const struct gen_words *w, const char *const *list, size_t n)
{
    for (size_t i = 0; i < w->n_tokens; i++) {
        for (size_t j = 0; j < n; j++) {
            if (gen_token_is(&w->tokens[i], list[j]))
                return true;
        }
    }
    return false;
}

/* Where something begins, and in which steps it goes on, is 0 and 1 without being said. */
static int natural_number(struct gen_known *k, const struct gen_place *place, double v,
                          bool *is_natural, struct gen_error *err)
{
    static const char *const from_zero[] = {"start", "offset", "index", "skip",  "begin", "from",
                                            "axis",  "min",    "page",  "first", "origin"};
    static const char *const from_one[] = {"step", "stride", "page", "increment", "first"};
    struct gen_words name = {.text = place->name, .arena = k->arena};
    *is_natural = false;
    int rc = gen_words_tokens(&name, err);
    if (rc == GEN_OK && same(v, 0))
        *is_natural = has_word(&name, from_zero, sizeof(from_zero) / sizeof(from_zero[0]));
    else if (rc == GEN_OK && same(v, 1))
        *is_natural = has_word(&name, from_one, sizeof(from_one) / sizeof(from_one[0]));
    return rc;
}

int gen_known_number(struct gen_known *k, size_t n_results, const struct gen_place *place, double v,
                     struct gen_found *found, struct gen_error *err)
{
    double given;
    if (in_request(k, v, false, found))
        return GEN_OK;
    if (gen_json_as_real(place->default_value, &given) && same(given, v)) {
        gen_found_set(found, GEN_ORIGIN_DEFAULT, (struct gen_str){NULL, 0});
        return GEN_OK;
    }
    if (in_request(k, v, true, found))
        return GEN_OK;
    bool is_natural = false;
    int rc = natural_number(k, place, v, &is_natural, err);
    if (rc == GEN_OK && is_natural) {
        gen_found_set(found, GEN_ORIGIN_CONSTANT, (struct gen_str){NULL, 0});
        return GEN_OK;
    }
    for (size_t i = n_results; i-- > 0 && rc == GEN_OK && !found->origin;)
        rc = number_in_result(k, i, place, v, found, err);
    if (rc == GEN_OK && !found->origin)
        rc = computed(k, n_results, v, found, err);
    return rc;
}

static bool is_negation(const struct gen_token *t)
{
    static const char *const words[] = {"no",    "not",     "without", "never",   "don", "doesn",
                                        "skip",  "exclude", "disable", "ignore",  "non", "omit",
                                        "avoid", "leave",   "except",  "neither", "nor", "isn"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_token_is(t, words[i]))
            return true;
    }
    return false;
}

/* Words of flags that say nothing about what is switched. */
static bool is_flag_word(struct gen_str form)
{
    static const char *const words[] = {
        "is",    "has",     "use",  "enable", "enabled", "include", "with",    "should", "flag",
        "allow", "whether", "true", "false",  "return",  "returns", "default", "also",   "all"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_is(form, words[i]))
            return true;
    }
    return gen_words_is_stop(form) || form.n < 3;
}

/* What the request says of a flag's words: 1 wanted, -1 not wanted, 0 nothing. */
static int wording(const struct gen_words *request, const struct gen_words *about,
                   struct gen_str *where)
{
    for (size_t i = 0; i < request->n_tokens; i++) {
        const struct gen_token *t = &request->tokens[i];
        for (size_t j = 0; j < about->n_tokens && t->kind == GEN_TOKEN_WORD; j++) {
            const struct gen_token *a = &about->tokens[j];
            if (a->kind != GEN_TOKEN_WORD || is_flag_word(a->form) ||
                !gen_words_same_stem(t->form, a->form, true))
                continue;
            size_t from = i < 4 ? 0 : i - 4;
            *where = gen_words_span(request, t->begin, t->end);
            for (size_t n = from; n < i; n++) {
                if (!is_negation(&request->tokens[n]))
                    continue;
                *where = gen_words_span(request, request->tokens[n].begin, t->end);
                return -1;
            }
            return 1;
        }
    }
    return 0;
}

static int bool_in_results(struct gen_known *k, size_t n_results, const struct gen_place *place,
                           bool v, struct gen_found *found, struct gen_error *err)
{
    for (size_t i = n_results; i-- > 0;) {
        int rc = gen_known_parse(k, i, err);
        if (rc)
            return rc;
        for (size_t n = 0; n < k->results[i].n_nodes; n++) {
            bool at;
            bool fits;
            const struct gen_known_node *node = &k->results[i].nodes[n];
            if (!gen_json_as_bool(node->v, &at) || at != v)
                continue;
            if (!shares_word(k, place->name, node->key, &fits, err))
                return GEN_ENOMEM;
            if (fits) {
                found->step = i + 1;
                gen_found_set(found, GEN_ORIGIN_RESULT, gen_known_pointer(k, &k->results[i], n));
                return GEN_OK;
            }
        }
    }
    return GEN_OK;
}

int gen_known_bool(struct gen_known *k, size_t n_results, const struct gen_place *place, bool v,
                   struct gen_found *found, struct gen_error *err)
{
    struct gen_words name = {.text = place->name, .arena = k->arena};
    struct gen_words description = {.text = place->description, .arena = k->arena};
    struct gen_str where = {NULL, 0};
    bool given;
    int rc = gen_words_tokens(&name, err);
    if (rc == GEN_OK)
        rc = gen_words_tokens(&description, err);
    if (rc)
        return rc;
    int said = wording(&k->request, &name, &where);
    if (said == 0)
        said = wording(&k->request, &description, &where);
    bool has_default = gen_json_as_bool(place->default_value, &given);
    if (said != 0 && (said > 0) == v) {
        gen_found_set(found, GEN_ORIGIN_CONVERSION, where);
    } else if (has_default && given == v) {
        gen_found_set(found, GEN_ORIGIN_DEFAULT, (struct gen_str){NULL, 0});
    } else if (said != 0) {
        /* A flag such as "keep_open" is turned off by other words than its own. */
        if (has_default || place->is_required)
            gen_found_set(found, GEN_ORIGIN_CONVERSION, where);
    } else if (!v && !has_default) {
        /* What nobody asks for is off. */
        gen_found_set(found, GEN_ORIGIN_CONSTANT, (struct gen_str){NULL, 0});
    }
    return found->origin ? GEN_OK : bool_in_results(k, n_results, place, v, found, err);
}
