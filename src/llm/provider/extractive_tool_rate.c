/* The embedded judge of tool records: six questions answered by counting shared words. Strict: what
 * cannot be shown is false. */
#include "llm/provider/extractive_tool.h"

#define STEPS_MAX 64U

struct call {
    struct gen_str tool, thought;
    const struct gen_json *args;
    struct gen_str observation;
    int64_t turn;
    bool is_failure, is_mutation;
};

struct example {
    const struct gen_json *record;
    struct gen_str request, answer; /* with the user's reply */
    struct call calls[STEPS_MAX];
    size_t n_calls;
    const struct gen_json *tools;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Takes the next word, at least `min` letters long, off the text; camelCase and snake_case are
 * taken apart. */
static bool next_word(struct gen_str *rest, size_t min, struct gen_str *word)
{
    size_t i = 0;
    while (i < rest->n) {
        size_t from = i;
        while (i < rest->n && is_letter(rest->p[i]) &&
               !(i > from && rest->p[i] >= 'A' && rest->p[i] <= 'Z' && rest->p[i - 1] >= 'a'))
            i++;
        if (i - from >= min) {
            *word = gen_str_sub(*rest, from, i - from);
            *rest = gen_str_sub(*rest, i, rest->n - i);
            return true;
        }
        i += i == from;
    }
    return false;
}

/* Words of one stem: the first letters agree, and what follows is an ending. */
static bool same_word(struct gen_str a, struct gen_str b)
{
    size_t n = 0;
    while (n < a.n && n < b.n && (a.p[n] | 0x20) == (b.p[n] | 0x20))
        n++;
    return (n == a.n && n == b.n) || (n >= 3 && a.n - n <= 3 && b.n - n <= 3 && n + 3 >= a.n);
}

static bool has_word(struct gen_str text, struct gen_str word)
{
    struct gen_str at;
    while (next_word(&text, 2, &at)) {
        if (same_word(at, word))
            return true;
    }
    return false;
}

/* Share of the words of `name` that are in `text`; `n_found` counts them. */
static double share_of(struct gen_str name, struct gen_str text, size_t min, size_t *n_found)
{
    struct gen_str word;
    size_t n = 0;
    *n_found = 0;
    while (next_word(&name, min, &word)) {
        n++;
        *n_found += has_word(text, word);
    }
    return n ? (double)*n_found / (double)n : 0;
}

static const struct gen_json *function_of(const struct example *e, struct gen_str name)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, e->tools);
    while (e->tools && gen_json_iter_next(&it, &key, &v)) {
        const struct gen_json *function = gen_json_get(v, "function");
        if (gen_str_eq(gen_json_get_str(function, "name"), name))
            return function;
    }
    return NULL;
}

/* How well a tool fits the request: its name counts most. */
static double fit(const struct example *e, struct gen_str name, struct gen_str description)
{
    size_t n = 0;
    struct gen_str first = gen_str_sub(description, 0, 160);
    double of_name = share_of(name, e->request, 3, &n);
    double of_text = gen_extract_overlap(first, e->request);
    return 2 * of_name + of_text;
}

static bool is_called(const struct example *e, struct gen_str name)
{
    for (size_t i = 0; i < e->n_calls; i++) {
        if (gen_str_eq(e->calls[i].tool, name))
            return true;
    }
    return false;
}

/* Whether the tool was called before the example begins: the request may speak of it. */
static bool is_done_before(const struct example *e, struct gen_str name)
{
    const struct gen_json *blueprint =
        gen_json_get(gen_json_get(e->record, "metadata"), "blueprint");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_json_get(blueprint, "setup"));
    while (gen_json_iter_next(&it, &key, &v)) {
        if (gen_str_eq(gen_json_get_str(v, "tool"), name))
            return true;
    }
    return false;
}

/* Questions that need no tool have an answer, no refusal. */
static bool needs_no_tool(const struct example *e)
{
    struct gen_str gap =
        gen_json_get_str(gen_json_get(gen_json_get(e->record, "metadata"), "blueprint"), "gap");
    return gen_str_is(gap, "small_talk") || gen_str_starts(gap, GEN_STR("no_tool_needed"));
}

/* An offered tool that was not called and fits clearly better than the best one that was. */
static struct gen_str better_tool(const struct example *e)
{
    double best_called = 0;
    struct gen_str better = {NULL, 0};
    double best = 0;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    for (size_t i = 0; i < e->n_calls; i++) {
        const struct gen_json *f = function_of(e, e->calls[i].tool);
        double now = fit(e, e->calls[i].tool, gen_json_get_str(f, "description"));
        best_called = now > best_called ? now : best_called;
    }
    gen_json_iter_init(&it, e->tools);
    while (e->tools && gen_json_iter_next(&it, &key, &v)) {
        const struct gen_json *f = gen_json_get(v, "function");
        struct gen_str name = gen_json_get_str(f, "name");
        double now = fit(e, name, gen_json_get_str(f, "description"));
        if (is_called(e, name) || is_done_before(e, name) || now <= best)
            continue;
        best = now;
        better = name;
    }
    double margin = e->n_calls ? 1.0 : 1.9;
    return best > best_called + margin ? better : (struct gen_str){NULL, 0};
}

/* Some value of the observation is taken up in `text`. */
static bool takes_up(struct gen_str observation, struct gen_str text)
{
    static const char ends[] = "\"{}[],: \n";
    size_t i = 0;
    while (i < observation.n) {
        size_t from = i;
        while (i < observation.n && !memchr(ends, observation.p[i], sizeof(ends) - 1))
            i++;
        struct gen_str piece = gen_str_sub(observation, from, i - from);
        if ((piece.n >= 3 || (piece.n && piece.p[0] >= '0' && piece.p[0] <= '9')) &&
            gen_str_find(text, piece, 0) != SIZE_MAX)
            return true;
        i += i == from;
    }
    return false;
}

/* Calls that others need without taking anything from their results. */
static bool changes_state(struct gen_str tool)
{
    static const char *const verbs[] = {"open", "close", "login", "connect", "set",    "create",
                                        "add",  "start", "stop",  "delete",  "update", "write",
                                        "send", "load",  "save",  "select"};
    struct gen_str word;
    while (next_word(&tool, 3, &word)) {
        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
            if (gen_str_eq_nocase(word, gen_str_from(verbs[i])))
                return true;
        }
    }
    return false;
}

/* The first call but the last whose result nobody takes up, and that was not asked for. */
static const struct call *superfluous(const struct example *e, struct gen_buf *later)
{
    for (size_t i = 0; i + 1 < e->n_calls; i++) {
        const struct call *c = &e->calls[i];
        size_t n = 0;
        if (c->is_failure || c->is_mutation || changes_state(c->tool) ||
            share_of(c->tool, e->request, 3, &n) >= 0.5)
            continue;
        gen_buf_clear(later);
        for (size_t k = i + 1; k < e->n_calls; k++) {
            if (gen_json_write(later, e->calls[k].args, GEN_JSON_COMPACT, NULL) != GEN_OK)
                return NULL;
        }
        if (gen_buf_add_str(later, e->answer, NULL) != GEN_OK)
            return NULL;
        if (!takes_up(c->observation, gen_buf_str(later)))
            return c;
    }
    return NULL;
}

static bool value_is_said(const struct example *e, size_t i, const struct gen_json *v,
                          struct gen_buf *text)
{
    struct gen_str s;
    gen_buf_clear(text);
    if (!gen_json_as_str(v, &s)) {
        if (gen_json_write(text, v, GEN_JSON_COMPACT, NULL) != GEN_OK)
            return false;
        s = gen_buf_str(text);
    }
    size_t n = 0;
    if (gen_str_find_nocase(e->request, s, 0) != SIZE_MAX || share_of(s, e->request, 3, &n) >= 0.5)
        return true;
    for (size_t k = 0; k < i; k++) {
        if (gen_str_find(e->calls[k].observation, s, 0) != SIZE_MAX ||
            takes_up(e->calls[k].observation, s))
            return true;
    }
    return false;
}

/* The argument that fewest words speak for: at least half of the values of every call are said. */
static bool values_are_meant(const struct example *e, struct gen_buf *text, struct gen_str *odd)
{
    for (size_t i = 0; i < e->n_calls; i++) {
        size_t n = 0;
        size_t n_said = 0;
        struct gen_json_iter it;
        struct gen_str key;
        const struct gen_json *v;
        if (e->calls[i].is_mutation || e->calls[i].is_failure)
            continue;
        gen_json_iter_init(&it, e->calls[i].args);
        while (e->calls[i].args && gen_json_iter_next(&it, &key, &v)) {
            bool is_said = value_is_said(e, i, v, text);
            n++;
            n_said += is_said;
            *odd = is_said ? *odd : key;
        }
        if (2 * n_said < n)
            return false;
    }
    return true;
}

static size_t n_words(struct gen_str s)
{
    struct gen_str word;
    size_t n = 0;
    while (next_word(&s, 1, &word))
        n++;
    return n;
}

static bool gives_ground(struct gen_str thought)
{
    static const char *const words[] = {"because", "so",    "since", "as",    "needs", "need",
                                        "before",  "after", "once",  "known", "fits",  "lacks",
                                        "failed",  "names", "only",  "for"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct gen_str rest = thought, word;
        while (next_word(&rest, 2, &word)) {
            if (gen_str_eq_nocase(word, gen_str_from(words[i])))
                return true;
        }
    }
    return false;
}

/* Some value of the arguments is in the thought. */
static bool names_value(const struct call *c)
{
    struct gen_json_iter it;
    struct gen_str key, s;
    const struct gen_json *v;
    gen_json_iter_init(&it, c->args);
    while (c->args && gen_json_iter_next(&it, &key, &v)) {
        const struct gen_json *item = gen_json_type(v) == GEN_JSON_ARRAY ? gen_json_at(v, 0) : v;
        if (gen_json_as_str(item, &s) && s.n > 1 && gen_str_find(c->thought, s, 0) != SIZE_MAX)
            return true;
    }
    return false;
}

/* A thought explains when it has to do with the tool and says more than what the tool does: a
 * value, or a ground. */
static bool thoughts_explain(const struct example *e)
{
    for (size_t i = 0; i < e->n_calls; i++) {
        const struct call *c = &e->calls[i];
        const struct gen_json *f = function_of(e, c->tool);
        size_t n = 0;
        size_t n_description = 0;
        (void)share_of(c->tool, c->thought, 3, &n);
        (void)share_of(gen_str_sub(gen_json_get_str(f, "description"), 0, 200), c->thought, 4,
                       &n_description);
        if (c->is_mutation)
            continue;
        if (n_words(c->thought) < 5 || n + n_description == 0 ||
            gen_str_find(e->request, c->thought, 0) != SIZE_MAX ||
            (!gives_ground(c->thought) && !names_value(c)))
            return false;
    }
    return true;
}

/* A later thought speaks of a value, a tool or a failure that came before. */
static bool thoughts_build(const struct example *e)
{
    for (size_t i = 1; i < e->n_calls; i++) {
        const struct call *c = &e->calls[i];
        bool builds = c->turn == e->calls[0].turn || c->is_mutation;
        for (size_t k = 0; k < i && !builds; k++) {
            size_t n = 0;
            builds = takes_up(e->calls[k].observation, c->thought) ||
                     share_of(e->calls[k].tool, c->thought, 4, &n) >= 0.5 ||
                     gen_str_find_nocase(c->thought, GEN_STR("result"), 0) != SIZE_MAX ||
                     gen_str_find_nocase(c->thought, GEN_STR("step"), 0) != SIZE_MAX;
        }
        if (!builds)
            return false;
    }
    return true;
}

/* The answer speaks of what the last call is about: of some word of its name behind the verb. */
static bool answer_serves(const struct example *e)
{
    bool takes = e->n_calls == 0;
    for (size_t i = 0; i < e->n_calls && !takes; i++)
        takes = takes_up(e->calls[i].observation, e->answer);
    if (!takes || n_words(e->answer) < 2)
        return false;
    if (e->n_calls == 0)
        return true;
    struct gen_str name = e->calls[e->n_calls - 1].tool, verb, word;
    bool is_about = !next_word(&name, 1, &verb) || name.n == 0;
    while (!is_about && next_word(&name, 3, &word))
        is_about = has_word(e->answer, word);
    return is_about || gen_extract_overlap(e->request, e->answer) >= 0.2;
}

static bool gives_reason(struct gen_str answer)
{
    static const char *const words[] = {"none",     "no tool", "cannot", "can't",
                                        "not able", "only",    "unable", "not available",
                                        "does not", "do not",  "without"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_find_nocase(answer, gen_str_from(words[i]), 0) != SIZE_MAX)
            return true;
    }
    return false;
}

static bool is_true(const struct gen_json *v)
{
    bool b = false;
    return gen_json_as_bool(v, &b) && b;
}

static void read_call(struct call *c, const struct gen_json *v, int64_t number)
{
    const struct gen_json *args = gen_json_get(v, "args");
    *c = (struct call){.tool = gen_json_get_str(v, "tool"),
                       .thought = gen_json_get_str(v, "thought"),
                       .args = gen_json_type(args) == GEN_JSON_OBJECT ? args : NULL,
                       .observation = gen_json_get_str(v, "actual_result"),
                       .is_failure = gen_str_is(gen_json_get_str(v, "status"), "failure"),
                       .is_mutation = is_true(gen_json_get(v, "is_mutation"))};
    if (!c->observation.n)
        c->observation = gen_json_get_str(v, "error_message");
    if (!gen_json_as_int(gen_json_get(v, "turn"), &c->turn))
        c->turn = number;
}

static int read_example(struct example *e, struct gen_buf *request, struct gen_error *err)
{
    const struct gen_json *solution = gen_json_get(e->record, "solution");
    const struct gen_json *tools = gen_json_get(e->record, "tools");
    const struct gen_json *path = gen_json_get(solution, "reasoning_path");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    e->answer = gen_json_get_str(solution, "final_answer");
    e->tools = gen_json_type(tools) == GEN_JSON_ARRAY ? tools : NULL;
    int rc = gen_buf_printf(
        request, err, "%.*s\n%.*s\n%.*s", GEN_STR_ARG(gen_json_get_str(e->record, "instruction")),
        GEN_STR_ARG(gen_json_get_str(gen_json_get(solution, "clarification"), "reply")),
        GEN_STR_ARG(gen_json_get_str(gen_json_get(gen_json_get(e->record, "metadata"), "blueprint"),
                                     "context")));
    e->request = gen_buf_str(request);
    gen_json_iter_init(&it, path);
    while (rc == GEN_OK && gen_json_type(path) == GEN_JSON_ARRAY && e->n_calls < STEPS_MAX &&
           gen_json_iter_next(&it, &key, &v)) {
        read_call(&e->calls[e->n_calls], v, (int64_t)e->n_calls + 1);
        e->n_calls++;
    }
    return rc;
}

struct answers {
    bool t2, t3, p3, r1, r2, f1;
    struct gen_str better, odd;
    const struct call *extra;
};

static void judge(const struct example *e, struct answers *a, struct gen_buf *scratch)
{
    a->better = better_tool(e);
    a->t2 = a->better.n == 0;
    if (e->n_calls == 0) {
        bool says_why = gives_reason(e->answer);
        a->t3 = true;
        a->p3 = says_why || !e->tools || needs_no_tool(e);
        a->r1 = n_words(e->answer) >= 8;
        a->r2 = a->r1;
        a->f1 =
            n_words(e->answer) >= 4 && (says_why || gen_extract_overlap(e->request, e->answer) > 0);
        return;
    }
    a->extra = superfluous(e, scratch);
    a->t3 = !a->extra;
    a->p3 = values_are_meant(e, scratch, &a->odd);
    a->r1 = thoughts_explain(e);
    a->r2 = thoughts_build(e);
    a->f1 = answer_serves(e);
}

/* The most serious point first. */
static void put_weakest(struct gen_extract_line *l, const struct example *e,
                        const struct answers *a)
{
    if (!a->t2) {
        gen_extract_put_c(l, "The request speaks of what ");
        gen_extract_put(l, a->better);
        gen_extract_put_c(l, e->n_calls ? " does, which was not called." : " does.");
    } else if (!a->t3) {
        gen_extract_put_c(l, "Nothing takes up what ");
        gen_extract_put(l, a->extra ? a->extra->tool : GEN_STR("a call"));
        gen_extract_put_c(l, " gave, and it was not asked for.");
    } else if (!a->f1) {
        gen_extract_put_c(l, e->answer.n ? "The final answer hardly speaks of what was asked for."
                                         : "There is no final answer.");
    } else if (!a->p3) {
        gen_extract_put_c(l, e->n_calls ? "The request hardly speaks of the argument "
                                        : "The reply does not say why no tool helps");
        gen_extract_put(l, a->odd);
        gen_extract_put_c(l, ".");
    } else if (!a->r1) {
        gen_extract_put_c(l, "A thought does not say why its tool was chosen.");
    } else if (!a->r2) {
        gen_extract_put_c(l, "A later thought does not build on an earlier result.");
    } else if (a->odd.n) {
        gen_extract_put_c(l, "The value of ");
        gen_extract_put(l, a->odd);
        gen_extract_put_c(l, " is only implied by the request.");
    } else {
        gen_extract_put_c(l, "The words of the request already point at the tool.");
    }
}

int gen_extract_tool_rate(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                          struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf request = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf scratch = gen_buf_make(GEN_BUF_UNLIMITED);
    struct answers a = {.better = {NULL, 0}};
    struct example *e = gen_arena_alloc(&x->arena, sizeof(*e));
    if (!e)
        return gen_nomem(err, "the verdict on an example");
    int rc = gen_json_parse(&doc, x->in->record, err);
    if (rc == GEN_OK) {
        e->record = gen_json_root(doc);
        rc = read_example(e, &request, err);
    }
    if (rc == GEN_OK) {
        judge(e, &a, &scratch);
        gen_extract_line_clear(&x->line);
        put_weakest(&x->line, e, &a);
        gen_jb_put_str(b, root, "better_alternative", a.better.n ? a.better : GEN_STR("none"));
        gen_jb_put_str(b, root, "weakest_point", gen_extract_line_str(&x->line));
        gen_jb_put_bool(b, root, "t2_no_better_tool", a.t2);
        gen_jb_put_bool(b, root, "t3_no_superfluous_or_missing_step", a.t3);
        gen_jb_put_bool(b, root, "p3_values_mean_what_was_asked", a.p3);
        gen_jb_put_bool(b, root, "r1_thoughts_explain_choice", a.r1);
        gen_jb_put_bool(b, root, "r2_thoughts_use_earlier_results", a.r2);
        gen_jb_put_bool(b, root, "f1_results_answer_request", a.f1);
    }
    gen_json_doc_free(doc);
    gen_buf_release(&request);
    gen_buf_release(&scratch);
    return rc;
}
