/* The final answer: what the observations say, in one to three sentences. A result that is JSON is
 * told by its single values and short lists, any other by its first line. */
#include "llm/provider/extractive_tool.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#define MEMBERS_MAX   4U
#define NAMES_MAX     5U
#define LIST_MAX      8U
#define WORD_BYTES    160U
#define DETAILS_MAX   3U
#define DETAILED_MAX  3U /* longer lists are told by names alone */
#define STEPS_TOLD    5U
#define STEP_IN_QUOTE 10 /* the schema names no later one */

struct teller {
    struct gen_jb *b;
    struct gen_jmut *used;
    struct gen_buf *out;
    const struct gen_json *step;
    struct gen_str observation, request;
    int64_t number; /* of the step */
    size_t n_members, n_quotes;
    size_t last_comma; /* before the last member, or 0 */
    struct gen_error *err;
    int rc;
};

static void say(struct teller *t, struct gen_str s)
{
    if (t->rc == GEN_OK)
        t->rc = gen_buf_add_str(t->out, s, t->err);
}

static void say_c(struct teller *t, const char *s)
{
    say(t, gen_str_from(s));
}

/* "n_elements" is "number of elements". */
static void say_name(struct teller *t, struct gen_str name)
{
    if (gen_str_starts(name, GEN_STR("n_")) && name.n > 2) {
        say_c(t, "number of ");
        name = gen_str_sub(name, 2, name.n - 2);
    }
    bool is_size = gen_str_ends(name, GEN_STR("_bytes"));
    size_t n = is_size ? name.n - 6 : name.n;
    for (size_t i = 0; i < n; i++) {
        struct gen_str letter = gen_str_sub(name, i, 1);
        say(t, gen_str_is(letter, "_") ? GEN_STR(" ") : letter);
    }
    if (is_size)
        say_c(t, gen_str_ends(name, GEN_STR("size_bytes")) ? " in bytes" : " size in bytes");
}

/* "keys", but not "class", "status", "size_bytes" and "n_keys". */
static bool is_plural(struct gen_str name)
{
    static const char *const ends[] = {"ss", "us", "is", "_bytes"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (gen_str_ends(name, gen_str_from(ends[i])))
            return false;
    }
    return gen_str_ends(name, GEN_STR("s")) && !gen_str_starts(name, GEN_STR("n_"));
}

static bool is_short_text(const struct gen_json *v)
{
    struct gen_str s;
    return gen_json_as_str(v, &s) && s.n > 0 && s.n <= WORD_BYTES && !memchr(s.p, '\n', s.n);
}

static bool is_single(const struct gen_json *v)
{
    enum gen_json_type type = gen_json_type(v);
    return type == GEN_JSON_INT || type == GEN_JSON_REAL || is_short_text(v);
}

static bool is_list_of_singles(const struct gen_json *v)
{
    struct gen_json_iter it;
    const struct gen_json *member;
    if (gen_json_type(v) != GEN_JSON_ARRAY || gen_json_count(v) == 0)
        return false;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, NULL, &member)) {
        if (!is_single(member))
            return false;
    }
    return true;
}

/* Six places say enough: 0.15, not 0.15000000000000002. */
static bool say_rounded(struct teller *t, const struct gen_json *v)
{
    char text[48];
    double d = 0;
    struct gen_buf raw = gen_buf_make(64);
    bool is_long = gen_json_type(v) == GEN_JSON_REAL && gen_json_as_real(v, &d) &&
                   fabs(d) >= 1e-3 && fabs(d) < 1e5 &&
                   gen_json_write(&raw, v, GEN_JSON_COMPACT, NULL) == GEN_OK && raw.n > 9;
    gen_buf_release(&raw);
    if (!is_long)
        return false;
    (void)snprintf(text, sizeof(text), "%.6g", d);
    say_c(t, text);
    return true;
}

static void say_single(struct teller *t, const struct gen_json *v)
{
    struct gen_str s;
    if (say_rounded(t, v))
        return;
    if (gen_json_as_str(v, &s))
        say(t, s);
    else if (t->rc == GEN_OK)
        t->rc = gen_json_write(t->out, v, GEN_JSON_COMPACT, t->err);
}

/* "a, b and c"; numbers as "[1, 2, 3]". */
static void say_list(struct teller *t, const struct gen_json *v)
{
    struct gen_str unused;
    size_t n = gen_json_count(v);
    bool is_text = gen_json_as_str(gen_json_at(v, 0), &unused);
    size_t n_told = n <= LIST_MAX ? n : NAMES_MAX;
    if (!is_text)
        say_c(t, n_told < n ? "" : "[");
    for (size_t i = 0; i < n_told; i++) {
        if (i)
            say_c(t, is_text && i + 1 == n_told ? " and " : ", ");
        say_single(t, gen_json_at(v, i));
    }
    if (!is_text)
        say_c(t, n_told < n ? "" : "]");
}

/* ---- quotations ---- */

static bool has_squeezed(struct gen_str where, struct gen_str what)
{
    struct gen_buf a = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; i < where.n && rc == GEN_OK; i++) {
        if (!isspace((unsigned char)where.p[i]))
            rc = gen_buf_add_char(&a, where.p[i], NULL);
    }
    for (size_t i = 0; i < what.n && rc == GEN_OK; i++) {
        if (!isspace((unsigned char)what.p[i]))
            rc = gen_buf_add_char(&b, what.p[i], NULL);
    }
    bool found =
        rc == GEN_OK && b.n && gen_str_find(gen_buf_str(&a), gen_buf_str(&b), 0) != SIZE_MAX;
    gen_buf_release(&a);
    gen_buf_release(&b);
    return found;
}

static void quote(struct teller *t, struct gen_str words)
{
    if (t->n_quotes >= 6 || t->number > STEP_IN_QUOTE || t->number < 1 || words.n > 400 ||
        !has_squeezed(t->observation, words))
        return;
    struct gen_jmut *o = gen_jb_object(t->b);
    gen_jb_put_int(t->b, o, "step", t->number);
    gen_jb_put_str(t->b, o, "quote", words);
    gen_jb_append(t->b, t->used, o);
    t->n_quotes++;
}

static void quote_member(struct teller *t, struct gen_str name, const struct gen_json *v)
{
    struct gen_buf words = gen_buf_make(4096);
    int rc = gen_buf_printf(&words, NULL, "\"%.*s\": ", GEN_STR_ARG(name));
    if (rc == GEN_OK)
        rc = gen_json_write(&words, v, GEN_JSON_COMPACT, NULL);
    if (rc == GEN_OK)
        quote(t, gen_buf_str(&words));
    gen_buf_release(&words);
}

/* ---- one result ---- */

static bool is_argument(const struct gen_json *args, const struct gen_json *v)
{
    struct gen_json_iter it;
    const struct gen_json *arg;
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, NULL, &arg)) {
        if (gen_json_equal(arg, v))
            return true;
    }
    return false;
}

/* The first argument that is a text: what the call is about. */
static struct gen_str subject(const struct gen_json *args)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str s;
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (is_short_text(v) && gen_json_as_str(v, &s))
            return s;
    }
    return GEN_STR("");
}

/* What the first sentence is about: "." and "/" say nothing to a reader. */
static bool is_telling_subject(struct gen_str about)
{
    return about.n > 1 || (about.n == 1 && isalnum((unsigned char)about.p[0]));
}

/* "The layout of /raw/counts", then "its chunk shape"; without a subject "The layout", "the chunk
 * shape". */
static void begin_named(struct teller *t, struct gen_str name, struct gen_str about)
{
    bool has_subject = is_telling_subject(about);
    bool is_first = t->n_members++ == 0;
    t->last_comma = is_first ? 0 : t->out->n;
    say_c(t, is_first ? "The " : has_subject ? ", its " : ", the ");
    say_name(t, name);
    if (is_first && has_subject) {
        say_c(t, " of ");
        say(t, about);
    }
}

/* "(mean 312.5, std 20.9)": single values of an object beside its name. */
static void say_details(struct teller *t, const struct gen_json *object, const char *key)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    size_t n = 0;
    gen_json_iter_init(&it, object);
    while (n < DETAILS_MAX && gen_json_iter_next(&it, &name, &v)) {
        if (gen_str_is(name, key) || !is_single(v) || is_argument(gen_json_get(t->step, "args"), v))
            continue;
        say_c(t, n++ ? ", " : " (");
        say_name(t, name);
        say_c(t, ": ");
        say_single(t, v);
    }
    say_c(t, n ? ")" : "");
}

/* The names of a list of objects: "the objects include a, b and c"; of few with their values. */
static void say_objects(struct teller *t, struct gen_str name, const struct gen_json *list,
                        struct gen_str about)
{
    static const char *const keys[] = {"name", "path", "id", "title"};
    const struct gen_json *first = gen_json_at(list, 0);
    const char *key = NULL;
    size_t n = gen_json_count(list);
    for (size_t i = 0; i < 4 && !key; i++)
        key = is_short_text(gen_json_get(first, keys[i])) ? keys[i] : NULL;
    if (!key)
        return;
    begin_named(t, name, about);
    say_c(t, n > NAMES_MAX ? " include " : is_plural(name) ? " are " : " is ");
    for (size_t i = 0; i < n && i < NAMES_MAX; i++) {
        say_c(t, i == 0 ? "" : i + 1 == n ? " and " : ", ");
        say(t, gen_json_get_str(gen_json_at(list, i), key));
        if (n <= DETAILED_MAX)
            say_details(t, gen_json_at(list, i), key);
    }
}

/* The first numbers of an array of arrays. */
static void say_nested(struct teller *t, struct gen_str name, const struct gen_json *v,
                       struct gen_str about)
{
    while (gen_json_type(gen_json_at(v, 0)) == GEN_JSON_ARRAY)
        v = gen_json_at(v, 0);
    if (!is_list_of_singles(v))
        return;
    begin_named(t, name, about);
    say_c(t, is_plural(name) ? " begin with " : " begins with ");
    for (size_t i = 0; i < NAMES_MAX && i < gen_json_count(v); i++) {
        say_c(t, i ? ", " : "");
        say_single(t, gen_json_at(v, i));
    }
}

static void say_member(struct teller *t, struct gen_str name, const struct gen_json *v,
                       struct gen_str about)
{
    if (is_single(v)) {
        begin_named(t, name, about);
        say_c(t, is_plural(name) ? " are " : " is ");
        say_single(t, v);
        quote_member(t, name, v);
    } else if (is_list_of_singles(v)) {
        begin_named(t, name, about);
        bool is_long = gen_json_count(v) > LIST_MAX;
        bool is_text = gen_json_type(gen_json_at(v, 0)) == GEN_JSON_STRING;
        say_c(t, is_long ? (is_text           ? " include "
                            : is_plural(name) ? " begin with "
                                              : " begins with ")
                         : (is_plural(name) ? " are " : " is "));
        say_list(t, v);
        if (!is_long)
            quote_member(t, name, v);
    } else if (gen_json_type(gen_json_at(v, 0)) == GEN_JSON_ARRAY) {
        say_nested(t, name, v, about);
    } else if (gen_json_type(v) == GEN_JSON_ARRAY && gen_json_count(v)) {
        say_objects(t, name, v, about);
    }
}

/* Whether the tool or its description speaks of the member: then it is what was asked for. */
static bool is_asked_for(const struct teller *t, struct gen_str name)
{
    struct gen_str tool = gen_json_get_str(t->step, "tool");
    size_t from = 0;
    for (size_t i = 0; i <= name.n; i++) {
        if (i < name.n && name.p[i] != '_')
            continue;
        struct gen_str word = gen_str_sub(name, from, i - from);
        from = i + 1;
        if (word.n >= 3 && (gen_str_find_nocase(tool, word, 0) != SIZE_MAX ||
                            gen_str_find_nocase(t->request, word, 0) != SIZE_MAX))
            return true;
    }
    return false;
}

/* What is asked for first; then the rest, as far as there is room. */
static void say_members(struct teller *t, const struct gen_json *object, bool also_arguments,
                        struct gen_str about)
{
    const struct gen_json *args = gen_json_get(t->step, "args");
    for (int asked = 1; asked >= 0; asked--) {
        struct gen_json_iter it;
        struct gen_str name;
        const struct gen_json *v;
        size_t n_max = asked ? MEMBERS_MAX : MEMBERS_MAX - 1;
        gen_json_iter_init(&it, object);
        while (t->n_members < n_max && gen_json_iter_next(&it, &name, &v)) {
            int64_t number = 0;
            struct gen_str text;
            bool is_nothing = gen_str_is(name, "n_ok") || gen_str_is(name, "truncated") ||
                              (gen_json_as_int(v, &number) && number == 0 && !asked) ||
                              (gen_json_as_str(v, &text) && !is_telling_subject(text));
            if ((also_arguments || !is_argument(args, v)) &&
                is_asked_for(t, name) == (asked == 1) && !is_nothing)
                say_member(t, name, v, about);
        }
    }
}

/* "a, b, c" becomes "a, b, and c". */
static void end_members(struct teller *t)
{
    struct gen_buf rest = gen_buf_make(GEN_BUF_UNLIMITED);
    if (t->n_members > 1 && t->last_comma && t->rc == GEN_OK) {
        struct gen_str all = gen_buf_str(t->out);
        size_t from = t->last_comma + 1;
        t->rc = gen_buf_add_str(&rest, gen_str_sub(all, from, all.n - from), t->err);
        if (t->rc == GEN_OK)
            t->out->n = t->n_members > 2 ? from : t->last_comma;
        say_c(t, " and");
        say(t, gen_buf_str(&rest));
    }
    gen_buf_release(&rest);
    if (t->n_members)
        say_c(t, ".");
}

static void say_object(struct teller *t, const struct gen_json *object)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str about = subject(gen_json_get(t->step, "args"));
    say_members(t, object, false, about);
    /* Nothing but what is deeper down. */
    gen_json_iter_init(&it, object);
    while (t->n_members == 0 && gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_type(v) == GEN_JSON_OBJECT)
            say_members(t, v, false, about);
    }
    if (t->n_members == 0)
        say_members(t, object, true, (struct gen_str){"", 0});
    end_members(t);
}

static void say_text(struct teller *t, const char *before)
{
    struct gen_str rest = t->observation;
    struct gen_str line = {"", 0};
    while (gen_str_next_line(&rest, &line) && gen_str_trim(line).n == 0)
        ;
    line = gen_str_trim(line);
    if (line.n > 240) {
        size_t n = 240;
        while (n && ((unsigned char)line.p[n] & 0xC0U) == 0x80U)
            n--;
        while (n > 120 && line.p[n - 1] != ' ')
            n--;
        line = gen_str_trim(gen_str_sub(line, 0, n));
    }
    say_c(t, before);
    say(t, line);
    quote(t, line);
    if (line.n && !strchr(".!?", line.p[line.n - 1]))
        say_c(t, ".");
}

static void say_result(struct teller *t)
{
    struct gen_json_doc *doc = NULL;
    size_t start = t->out->n;
    if (gen_json_parse(&doc, t->observation, NULL) != GEN_OK) {
        say_text(t, "The result is: ");
        return;
    }
    const struct gen_json *v = gen_json_root(doc);
    if (gen_json_type(v) == GEN_JSON_OBJECT) {
        say_object(t, v);
    } else if (gen_json_type(v) == GEN_JSON_ARRAY && gen_json_count(v) == 0) {
        say_c(t, "The result is empty.");
    } else if (is_single(v) || is_list_of_singles(v)) {
        say_c(t, "The result is ");
        if (is_single(v))
            say_single(t, v);
        else
            say_list(t, v);
        say_c(t, ".");
    } else if (gen_json_type(v) == GEN_JSON_ARRAY) {
        say_objects(t, GEN_STR("results"), v, subject(gen_json_get(t->step, "args")));
        say_c(t, t->n_members ? "." : "");
    }
    if (t->out->n == start)
        say_c(t, "It was done.");
    gen_json_doc_free(doc);
}

static void say_step(struct teller *t)
{
    t->n_members = 0;
    t->observation = gen_json_get_str(t->step, "actual_result");
    if (t->observation.n == 0)
        t->observation = gen_json_get_str(t->step, "error_message");
    if (!gen_json_as_int(gen_json_get(t->step, "step"), &t->number))
        t->number = 0;
    say_c(t, t->out->n ? " " : "");
    if (gen_str_is(gen_json_get_str(t->step, "status"), "success"))
        say_result(t);
    else
        say_text(t, "That could not be done: ");
}

/* ---- all of them ---- */

/* Of calls that were made in one turn all are told, else the last. */
static size_t first_told(const struct gen_json *path, size_t n)
{
    const struct gen_json *last = gen_json_at(path, n - 1);
    int64_t turn = 0;
    int64_t other = 0;
    size_t i = n - 1;
    if (!gen_json_as_int(gen_json_get(last, "turn"), &turn))
        return i;
    while (i > 0 && gen_json_as_int(gen_json_get(gen_json_at(path, i - 1), "turn"), &other) &&
           other == turn)
        i--;
    return n - i > STEPS_TOLD ? n - STEPS_TOLD : i;
}

static size_t n_made(const struct gen_json *path)
{
    struct gen_json_iter it;
    const struct gen_json *step;
    size_t n = 0;
    gen_json_iter_init(&it, path);
    while (gen_json_iter_next(&it, NULL, &step) &&
           !gen_str_is(gen_json_get_str(step, "status"), "pending"))
        n++;
    return n;
}

static int tell(const struct gen_json *path, struct gen_str request, struct gen_jb *b,
                struct gen_jmut *root, struct gen_error *err)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    struct teller t = {
        .request = request, .b = b, .used = gen_jb_array(b), .out = &out, .err = err};
    size_t n = n_made(path);
    bool has_failed = n < gen_json_count(path);
    for (size_t i = n ? first_told(path, n) : 0; i < n; i++) {
        t.step = gen_json_at(path, i);
        has_failed |= !gen_str_is(gen_json_get_str(t.step, "status"), "success");
        say_step(&t);
    }
    if (n == 0)
        say_c(&t, "Nothing is known about that.");
    gen_jb_put(b, root, "used", t.used);
    gen_jb_put_cstr(b, root, "complete", has_failed || n == 0 ? "no" : "yes");
    gen_jb_put_cstr(b, root, "missing", has_failed || n == 0 ? "what the failed call was for" : "");
    gen_jb_put_str(b, root, "answer", gen_buf_str(&out));
    gen_buf_release(&out);
    return t.rc;
}

int gen_extract_tool_answer(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                            struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, x->in->record, err);
    if (rc)
        return rc;
    const struct gen_json *path =
        gen_json_get(gen_json_get(gen_json_root(doc), "solution"), "reasoning_path");
    rc = tell(path, gen_json_get_str(gen_json_root(doc), "instruction"), b, root, err);
    gen_json_doc_free(doc);
    return rc;
}
