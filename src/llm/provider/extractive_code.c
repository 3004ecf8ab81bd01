/* Questions and answers from source code: functions with the comment above them or the
 * documentation string in them, what they check, call and return. */
#include "llm/provider/extractive_code.h"

#define PAIRS_MAX      10
#define CANDIDATES_MAX 120
#define PER_FUNCTION   2
#define CALLS_MAX      8

struct coder {
    struct gen_extract *x;
    struct gen_extract_source source;
    struct gen_extract_pair items[CANDIDATES_MAX];
    size_t owner[CANDIDATES_MAX]; /* the function asked about */
    size_t n;
};

static void put_name(struct gen_extract_line *l, struct gen_str name)
{
    gen_extract_put_c(l, "`");
    gen_extract_put(l, name);
    gen_extract_put_c(l, "`");
}

/* "the C function `write_rows`" */
static void put_function(const struct coder *c, struct gen_extract_line *l,
                         const struct gen_extract_function *f, const char *the)
{
    gen_extract_put_c(l, the);
    gen_extract_put(l, c->source.language_name);
    gen_extract_put_c(l, " ");
    gen_extract_put_c(l, f->noun);
    gen_extract_put_c(l, " ");
    put_name(l, f->name);
}

/* Lines [from, to) as they are in the source, three at most. */
static struct gen_str lines_of(const struct coder *c, size_t from, size_t to)
{
    if (to > from + 3)
        to = from + 3;
    const struct gen_str first = c->source.lines[from];
    const struct gen_str last = c->source.lines[to - 1];
    return (struct gen_str){first.p, (size_t)(last.p + last.n - first.p)};
}

static int add(struct coder *c, size_t owner, const char *kind, int score, struct gen_str evidence,
               struct gen_error *err)
{
    struct gen_extract *x = c->x;
    struct gen_str question = gen_extract_line_str(&x->line);
    struct gen_str answer = gen_extract_line_str(&x->line2);
    size_t words = gen_extract_n_words(answer);
    if (c->n == CANDIDATES_MAX || question.n == 0 || words < 12 || words > 150 ||
        gen_extract_n_words(question) < 6 || gen_extract_n_words(question) > 40)
        return GEN_OK;
    for (size_t i = 0; i < c->n; i++) {
        if (gen_str_eq(c->items[i].question, question))
            return GEN_OK;
    }
    struct gen_extract_pair p = {.kind = kind, .score = score, .evidence = evidence};
    p.symbol = c->source.functions[owner].name;
    p.question = gen_arena_str(&x->arena, question);
    p.answer = gen_arena_str(&x->arena, answer);
    if (!p.question.p || !p.answer.p)
        return gen_nomem(err, "a pair");
    c->owner[c->n] = owner;
    c->items[c->n++] = p;
    return GEN_OK;
}

static void start(struct coder *c)
{
    gen_extract_line_clear(&c->x->line);
    gen_extract_line_clear(&c->x->line2);
}

/* `A`, `B` and `C` */
static void put_list(struct gen_extract_line *l, const struct gen_str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        gen_extract_put_c(l, i == 0 ? "" : i + 1 == n ? " and " : ", ");
        put_name(l, names[i]);
    }
}

/* ---- purpose ---- */

static struct gen_str first_word(struct gen_str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != ',' && s.p[n] != ':' && s.p[n] != '.')
        n++;
    return gen_str_sub(s, 0, n);
}

static void put_third_person(struct gen_extract_line *l, const char *base)
{
    struct gen_str b = gen_str_from(base);
    bool es = gen_str_ends(b, GEN_STR("s")) || gen_str_ends(b, GEN_STR("x")) ||
              gen_str_ends(b, GEN_STR("ch")) || gen_str_ends(b, GEN_STR("sh"));
    bool ies = b.n > 1 && b.p[b.n - 1] == 'y' && !strchr("aeou", b.p[b.n - 2]);
    gen_extract_put(l, ies ? gen_str_sub(b, 0, b.n - 1) : b);
    gen_extract_put_c(l, ies ? "ies" : es ? "es" : "s");
}

static struct gen_str second_word(struct gen_str s, struct gen_str first)
{
    return first_word(gen_str_trim(gen_str_sub(s, first.n, s.n)));
}

/* "Writes the rows": a verb without its subject. "Names of the datasets" is none. */
static bool opens_with_verb(struct gen_str doc, struct gen_str first,
                            enum gen_extract_verb_form form)
{
    struct gen_str second = second_word(doc, first);
    if (gen_str_is(second, "of") || gen_str_is(second, "and") || gen_str_is(second, "that") ||
        first.n < 3 || first.p[first.n - 1] != 's')
        return false;
    if (first.n < doc.n && doc.p[first.n] != ' ')
        return false;
    return form == GEN_EXTRACT_VERB_S || gen_extract_word_is(second, GEN_EXTRACT_DETERMINER);
}

/* Not a thing that can be returned. */
static bool opens_otherwise(struct gen_str first)
{
    return gen_str_eq_nocase(first, GEN_STR("each")) ||
           gen_str_eq_nocase(first, GEN_STR("every")) ||
           gen_extract_word_is(first, GEN_EXTRACT_PREPOSITION) ||
           gen_extract_word_is(first, GEN_EXTRACT_ADVERB);
}

/* The comment as a statement about the function: "`f` " and a verb. False when it is none. */
static bool put_statement(struct coder *c, const struct gen_extract_function *f)
{
    struct gen_extract_line *l = &c->x->line2;
    struct gen_str doc = f->doc;
    struct gen_str first = first_word(doc);
    struct gen_extract_verb v = gen_extract_verb(first);
    bool article = gen_str_eq_nocase(first, GEN_STR("a")) ||
                   gen_str_eq_nocase(first, GEN_STR("an")) ||
                   gen_str_eq_nocase(first, GEN_STR("the"));
    struct gen_str stem = f->name;
    size_t bar = gen_str_find(stem, GEN_STR("_"), 0);
    stem = gen_str_sub(stem, 0, bar == SIZE_MAX ? stem.n : bar);
    struct gen_extract_verb own = gen_extract_verb(stem);
    bool own_verb = own.form == GEN_EXTRACT_VERB_BASE &&
                    gen_str_find_nocase(doc, gen_str_from(own.base), 0) == SIZE_MAX;
    if (first.n == 0 || gen_str_find(doc, GEN_STR("?"), 0) != SIZE_MAX)
        return false;
    put_function(c, l, f, "The ");
    gen_extract_put_c(l, " ");
    if (opens_with_verb(doc, first, v.form)) {
        gen_extract_put_lower(l, doc);
    } else if (v.form == GEN_EXTRACT_VERB_ED && gen_str_starts(doc, GEN_STR("Called"))) {
        gen_extract_put_c(l, "is ");
        gen_extract_put_lower(l, doc);
    } else if (v.form == GEN_EXTRACT_VERB_BASE && !gen_str_eq(first, doc)) {
        put_third_person(l, v.base);
        gen_extract_put(l, gen_str_sub(doc, first.n, doc.n));
    } else if (f->returns && !f->doc_is_sentence && !opens_otherwise(first)) {
        gen_extract_put_c(l, "returns ");
        gen_extract_put_lower(l, doc);
    } else if (f->doc_is_sentence) {
        gen_extract_line_clear(l);
        gen_extract_put(l, doc);
        gen_extract_put_c(l, " This is what ");
        put_function(c, l, f, "the ");
        gen_extract_put_c(l, " is for.");
    } else if (own_verb) {
        put_third_person(l, own.base);
        gen_extract_put_c(l, " ");
        gen_extract_put_lower(l, doc);
    } else if (article) {
        gen_extract_put_c(l, "produces ");
        gen_extract_put_lower(l, doc);
    } else {
        return false;
    }
    if (l->n && !strchr(".!", l->data[l->n - 1]))
        gen_extract_put_c(l, ".");
    return true;
}

static int ask_purpose(struct coder *c, size_t i, struct gen_error *err)
{
    const struct gen_extract_function *f = &c->source.functions[i];
    if (gen_extract_n_words(f->doc) < 4)
        return GEN_OK;
    start(c);
    gen_extract_put_c(&c->x->line, "What does ");
    put_function(c, &c->x->line, f, "the ");
    gen_extract_put_c(&c->x->line, " do?");
    if (!put_statement(c, f))
        return GEN_OK;
    struct gen_str calls[CALLS_MAX];
    size_t n = gen_extract_calls(&c->source, f, calls, CALLS_MAX);
    if (n >= 2 && gen_extract_n_words(gen_extract_line_str(&c->x->line2)) < 45) {
        gen_extract_put_c(&c->x->line2, " For this it calls ");
        put_list(&c->x->line2, calls, n > 5 ? 5 : n);
        gen_extract_put_c(&c->x->line2, n > 5 ? ", among others." : ".");
    }
    return add(c, i, "purpose", 90, lines_of(c, f->doc_from, f->doc_to), err);
}

/* ---- checks ---- */

/* The condition of the `if` that holds line `at`, looking at most three lines up. */
static struct gen_str condition_above(const struct gen_extract_source *s, size_t at, size_t from,
                                      size_t *line)
{
    for (size_t k = at; k-- > from && at - k <= 2;) {
        struct gen_str l = gen_str_trim(s->lines[k]);
        if (!gen_str_starts(l, GEN_STR("if ")) && !gen_str_starts(l, GEN_STR("if(")))
            continue;
        struct gen_str c = gen_str_trim(gen_str_sub(l, 2, l.n));
        if (gen_str_ends(c, GEN_STR("; then")))
            c = gen_str_sub(c, 0, c.n - 6);
        if (gen_str_ends(c, GEN_STR("{")) || gen_str_ends(c, GEN_STR(":")))
            c = gen_str_trim(gen_str_sub(c, 0, c.n - 1));
        if (c.p && c.n > 2 && c.p[0] == '(' && c.p[c.n - 1] == ')')
            c = gen_str_sub(c, 1, c.n - 2);
        *line = k;
        return gen_str_find(c, GEN_STR("`"), 0) == SIZE_MAX && c.n < 90 ? c
                                                                        : (struct gen_str){"", 0};
    }
    return (struct gen_str){"", 0};
}

static struct gen_str until(struct gen_str s, const char *stops)
{
    size_t n = 0;
    while (s.p && n < s.n && !strchr(stops, s.p[n]))
        n++;
    return gen_str_trim(gen_str_sub(s, 0, n));
}

static int ask_raise(struct coder *c, size_t i, size_t at, struct gen_error *err)
{
    const struct gen_extract_function *f = &c->source.functions[i];
    struct gen_str l = gen_str_trim(c->source.lines[at]);
    bool python = gen_str_starts(l, GEN_STR("raise "));
    if (!python && !gen_str_starts(l, GEN_STR("throw ")))
        return GEN_OK;
    struct gen_str what = until(gen_str_sub(l, 6, l.n), "(;{ ");
    size_t line = 0;
    struct gen_str condition = condition_above(&c->source, at, f->body_from, &line);
    if (what.n == 0 || condition.n == 0)
        return GEN_OK;
    start(c);
    gen_extract_put_c(&c->x->line, "When does ");
    put_function(c, &c->x->line, f, "the ");
    gen_extract_put_c(&c->x->line, python ? " raise " : " throw ");
    put_name(&c->x->line, what);
    gen_extract_put_c(&c->x->line, "?");
    put_function(c, &c->x->line2, f, "The ");
    gen_extract_put_c(&c->x->line2, python ? " raises " : " throws ");
    put_name(&c->x->line2, what);
    gen_extract_put_c(&c->x->line2, " when the condition ");
    put_name(&c->x->line2, condition);
    gen_extract_put_c(&c->x->line2, " is true; otherwise it goes on.");
    return add(c, i, "error_behaviour", 84, lines_of(c, line, at + 1), err);
}

static int ask_early_return(struct coder *c, size_t i, size_t at, struct gen_error *err)
{
    const struct gen_extract_function *f = &c->source.functions[i];
    struct gen_str l = gen_str_trim(c->source.lines[at]);
    if (!gen_str_starts(l, GEN_STR("return ")) || at + 2 >= f->body_to)
        return GEN_OK;
    struct gen_str what = until(gen_str_sub(l, 7, l.n), ";");
    size_t line = 0;
    struct gen_str condition = condition_above(&c->source, at, f->body_from, &line);
    if (what.n == 0 || what.n > 40 || condition.n == 0 || gen_extract_n_words(condition) > 18)
        return GEN_OK;
    start(c);
    gen_extract_put_c(&c->x->line, "What does ");
    put_function(c, &c->x->line, f, "the ");
    gen_extract_put_c(&c->x->line, " return if ");
    put_name(&c->x->line, condition);
    gen_extract_put_c(&c->x->line, " is true?");
    gen_extract_put_c(&c->x->line2, "If ");
    put_name(&c->x->line2, condition);
    gen_extract_put_c(&c->x->line2, " is true, ");
    put_function(c, &c->x->line2, f, "the ");
    gen_extract_put_c(&c->x->line2, " returns ");
    put_name(&c->x->line2, what);
    gen_extract_put_c(&c->x->line2, " at once, without the rest of its work.");
    return add(c, i, "edge_case", 78, lines_of(c, line, at + 1), err);
}

/* ---- results, calls, parameters ---- */

/* The line of the body that gives `name` its last value: "status = H5Dwrite(...)". */
static size_t assignment_of(const struct coder *c, const struct gen_extract_function *f,
                            struct gen_str name, struct gen_str *call)
{
    for (size_t k = f->body_to; k-- > f->body_from;) {
        struct gen_str l = gen_str_trim(c->source.lines[k]);
        size_t eq = gen_str_find(l, GEN_STR(" = "), 0);
        if (eq == SIZE_MAX || !gen_str_ends(gen_str_sub(l, 0, eq), name))
            continue;
        struct gen_str rest = gen_str_sub(l, eq + 3, l.n);
        struct gen_str head = until(rest, "( +-*/[,;");
        if (head.n < 2 || head.n >= rest.n || !rest.p || rest.p[head.n] != '(')
            return SIZE_MAX;
        *call = head;
        return k;
    }
    return SIZE_MAX;
}

static bool is_plain_name(struct gen_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!gen_extract_is_name_byte(s.p[i]))
            return false;
    }
    return s.n > 0;
}

static int ask_result(struct coder *c, size_t i, struct gen_error *err)
{
    const struct gen_extract_function *f = &c->source.functions[i];
    size_t at = f->body_to;
    while (at > f->body_from &&
           !gen_str_starts(gen_str_trim(c->source.lines[at - 1]), GEN_STR("return ")))
        at--;
    if (at == f->body_from)
        return GEN_OK;
    struct gen_str l = gen_str_trim(c->source.lines[at - 1]);
    struct gen_str what = until(gen_str_sub(l, 7, l.n), ";");
    struct gen_str call = {"", 0};
    size_t made = is_plain_name(what) ? assignment_of(c, f, what, &call) : SIZE_MAX;
    if (what.n == 0 || what.n > 60 || gen_str_find(what, GEN_STR("`"), 0) != SIZE_MAX ||
        (is_plain_name(what) && made == SIZE_MAX) ||
        !strchr(")]_\"", what.p[what.n - 1]) == !is_plain_name(what))
        return GEN_OK;
    start(c);
    gen_extract_put_c(&c->x->line, "What does ");
    put_function(c, &c->x->line, f, "the ");
    gen_extract_put_c(&c->x->line, " return at its end?");
    gen_extract_put_c(&c->x->line2, "At its end ");
    put_function(c, &c->x->line2, f, "the ");
    gen_extract_put_c(&c->x->line2, " returns ");
    put_name(&c->x->line2, what);
    if (made != SIZE_MAX) {
        gen_extract_put_c(&c->x->line2, ", which holds the result of ");
        put_name(&c->x->line2, call);
    } else {
        gen_extract_put_c(&c->x->line2, " to the code that called it");
    }
    gen_extract_put_c(&c->x->line2, ".");
    return add(c, i, "return_value", 72,
               made != SIZE_MAX ? lines_of(c, made, made + 1) : lines_of(c, at - 1, at), err);
}

static int ask_calls(struct coder *c, size_t i, struct gen_error *err)
{
    const struct gen_extract_function *f = &c->source.functions[i];
    struct gen_str calls[CALLS_MAX];
    size_t n = gen_extract_calls(&c->source, f, calls, CALLS_MAX);
    if (n < 3 || n == CALLS_MAX)
        return GEN_OK;
    start(c);
    gen_extract_put_c(&c->x->line, "Which functions does ");
    put_function(c, &c->x->line, f, "the ");
    gen_extract_put_c(&c->x->line, " call?");
    put_function(c, &c->x->line2, f, "The ");
    gen_extract_put_c(&c->x->line2, " calls ");
    put_list(&c->x->line2, calls, n);
    gen_extract_put_c(&c->x->line2, "; in its body they appear in this order.");
    size_t at = gen_extract_call_line(&c->source, f, calls[0]);
    return add(c, i, "data_flow", 68, lines_of(c, at, at + 1), err);
}

static int ask_parameters(struct coder *c, size_t i, struct gen_error *err)
{
    const struct gen_extract_function *f = &c->source.functions[i];
    struct gen_str names[CALLS_MAX];
    size_t n = gen_extract_parameters(&c->source, f, names, CALLS_MAX);
    if (n < 2 || n == CALLS_MAX)
        return GEN_OK;
    start(c);
    gen_extract_put_c(&c->x->line, "Which parameters does ");
    put_function(c, &c->x->line, f, "the ");
    gen_extract_put_c(&c->x->line, " take?");
    put_function(c, &c->x->line2, f, "The ");
    gen_extract_put_c(&c->x->line2, n == 2   ? " takes two parameters, in this order: "
                                    : n == 3 ? " takes three parameters, in this order: "
                                    : n == 4 ? " takes four parameters, in this order: "
                                             : " takes these parameters, in this order: ");
    put_list(&c->x->line2, names, n);
    gen_extract_put_c(&c->x->line2, ".");
    return add(c, i, "parameters", 64, lines_of(c, f->line, f->body_from), err);
}

static int scan_function(struct coder *c, size_t i, struct gen_error *err)
{
    const struct gen_extract_function *f = &c->source.functions[i];
    int rc = ask_purpose(c, i, err);
    for (size_t k = f->body_from; k < f->body_to && rc == GEN_OK; k++) {
        rc = ask_raise(c, i, k, err);
        if (rc == GEN_OK)
            rc = ask_early_return(c, i, k, err);
    }
    if (rc == GEN_OK)
        rc = ask_result(c, i, err);
    if (rc == GEN_OK)
        rc = ask_calls(c, i, err);
    return rc ? rc : ask_parameters(c, i, err);
}

static size_t choose(const struct coder *c, size_t wanted, size_t chosen[PAIRS_MAX])
{
    size_t n = 0;
    while (n < wanted && n < PAIRS_MAX) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < c->n; i++) {
            size_t same = 0;
            bool taken = false;
            for (size_t k = 0; k < n; k++) {
                same += c->owner[chosen[k]] == c->owner[i];
                taken = taken || chosen[k] == i ||
                        (c->owner[chosen[k]] == c->owner[i] &&
                         gen_str_eq(c->items[chosen[k]].evidence, c->items[i].evidence));
            }
            if (!taken && same < PER_FUNCTION &&
                (best == SIZE_MAX || c->items[i].score > c->items[best].score))
                best = i;
        }
        if (best == SIZE_MAX)
            break;
        chosen[n++] = best;
    }
    gen_extract_sort(chosen, n);
    return n;
}

int gen_extract_code(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                     struct gen_error *err)
{
    struct coder *c = gen_arena_alloc(&x->arena, sizeof(*c));
    if (!c)
        return gen_nomem(err, "questions");
    c->x = x;
    int rc = gen_extract_read_source(x, &c->source, err);
    for (size_t i = 0; i < c->source.n_functions && rc == GEN_OK; i++)
        rc = scan_function(c, i, err);
    if (rc)
        return rc;
    size_t chosen[PAIRS_MAX];
    size_t n = choose(c, x->in->n_pairs, chosen);
    const char *reason = c->source.n_functions == 0 && c->source.n_code_lines == 0
                             ? "only_imports_or_licence"
                         : gen_extract_n_words(x->in->text) < 20 ? "too_thin"
                                                                 : "needs_other_file";
    gen_jb_put_cstr(b, root, "usable", n ? "yes" : reason);
    struct gen_jmut *pairs = gen_jb_array(b);
    for (size_t i = 0; i < n; i++) {
        const struct gen_extract_pair *p = &c->items[chosen[i]];
        struct gen_jmut *o = gen_jb_object(b);
        gen_jb_put_cstr(b, o, "kind", p->kind);
        gen_jb_put_str(b, o, "symbol", p->symbol);
        gen_jb_put_str(b, o, "evidence", p->evidence);
        gen_jb_put_str(b, o, "question", p->question);
        gen_jb_put_str(b, o, "answer", p->answer);
        gen_jb_append(b, pairs, o);
    }
    gen_jb_put(b, root, "pairs", pairs);
    return GEN_OK;
}
