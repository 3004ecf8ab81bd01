#include "json/repair.h"

#include "base/utf8.h"
#include "json/repair_scan.h"

/* Candidates that come to nothing may cost this many times the text, so that garbage stays linear.
 */
#define WORK_FACTOR    4U
#define WORK_BYTES_MIN ((size_t)64 << 10)
#define THOUGHTS_MAX   8U

static const struct {
    const char *open;
    const char *close;
} thoughts[] = {
    {"<think>", "</think>"},     {"<thinking>", "</thinking>"},
    {"<thought>", "</thought>"}, {"<reasoning>", "</reasoning>"},
    {"[THINK]", "[/THINK]"},     {"<|channel|>analysis", "<|channel|>final"},
};
#define N_THOUGHTS (sizeof(thoughts) / sizeof(thoughts[0]))

struct found {
    bool any;
    bool has_member;
    size_t start;
    size_t end;
    unsigned steps;
    struct gen_buf json;
};

/* Where the candidate that got furthest broke off. */
struct trouble {
    const char *expected; /* NULL: there was no candidate */
    size_t at;
};

static size_t next_bracket(struct gen_str text, size_t at)
{
    while (at < text.n && text.p[at] != '{' && text.p[at] != '[')
        at++;
    return at;
}

static void keep(struct found *f, struct gen_repair_scan *k, size_t start)
{
    struct gen_buf old = f->json;
    *f = (struct found){true, k->has_member, start, k->at, k->steps, *k->out};
    *k->out = old;
}

/* The first bracket in `text` from which an object with members can be read; without one, the first
 * container of another kind ("see [1]" must not hide the object behind it). */
static int search(struct gen_str text, size_t from, struct found *f, struct trouble *t,
                  struct gen_error *err)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t work = 0;
    size_t work_max = gen_str_sub(text, from, text.n).n * WORK_FACTOR + WORK_BYTES_MIN;
    int rc = GEN_OK;
    size_t at = next_bracket(text, from);
    while (at < text.n && work <= work_max) {
        gen_buf_clear(&out);
        struct gen_repair_scan k = {.in = text, .at = at, .out = &out};
        enum gen_repair_result r = gen_repair_value(&k, err);
        if (r == GEN_REPAIR_FAILED) {
            rc = GEN_ENOMEM;
            break;
        }
        work += k.at - at + 1;
        size_t next = at + 1;
        if (r == GEN_REPAIR_DONE) {
            next = k.at;
            bool worthless = k.cut_off && out.n <= 2; /* prose that ends with a bracket */
            if (!worthless && (k.has_member || !f->any))
                keep(f, &k, at);
            if (f->has_member)
                break;
        } else if (k.too_deep) {
            *t = (struct trouble){k.expected, k.at};
            break;
        } else if (!t->expected || k.at > t->at) {
            *t = (struct trouble){k.expected, k.at};
        }
        at = next_bracket(text, next);
    }
    gen_buf_release(&out);
    return rc;
}

static struct gen_str skip_blanks(struct gen_str s)
{
    struct gen_str trimmed = gen_str_trim(s);
    return trimmed.n ? trimmed : gen_str_sub(s, s.n, 0);
}

/* Behind the thoughts that open the answer; SIZE_MAX when one does not end. */
static size_t leading_thoughts_end(struct gen_str text)
{
    size_t end = 0;
    for (size_t round = 0; round < THOUGHTS_MAX; round++) {
        struct gen_str rest = skip_blanks(gen_str_sub(text, end, text.n));
        size_t i = 0;
        while (i < N_THOUGHTS && !gen_str_starts(rest, gen_str_from(thoughts[i].open)))
            i++;
        if (i == N_THOUGHTS)
            break;
        struct gen_str close = gen_str_from(thoughts[i].close);
        size_t at = gen_str_find(text, close, end);
        if (at == SIZE_MAX)
            return SIZE_MAX;
        end = at + close.n;
    }
    return end;
}

/* Behind the next mark that ends a thought, whose beginning may have stood in the prompt. */
static size_t next_thought_end(struct gen_str text, size_t from, size_t *mark)
{
    size_t end = SIZE_MAX;
    *mark = SIZE_MAX;
    for (size_t i = 0; i < N_THOUGHTS; i++) {
        struct gen_str close = gen_str_from(thoughts[i].close);
        size_t at = gen_str_find(text, close, from);
        if (at < *mark) {
            *mark = at;
            end = at + close.n;
        }
    }
    return end;
}

/* Searches behind thoughts. JSON that ends before a closing mark belongs to the thought; a mark
 * inside the JSON is a part of its text. */
static int search_answer(struct gen_str text, size_t *from, struct found *f, struct trouble *t,
                         struct gen_error *err)
{
    int rc = search(text, *from, f, t, err);
    size_t at = *from;
    for (size_t round = 0; rc == GEN_OK && round < THOUGHTS_MAX; round++) {
        size_t mark;
        size_t end = next_thought_end(text, at, &mark);
        if (end == SIZE_MAX || (f->any && mark >= f->start && mark < f->end))
            break;
        at = end;
        if (f->any && f->start >= end) {
            *from = end;
            continue;
        }
        struct found later = {.json = gen_buf_make(GEN_BUF_UNLIMITED)};
        rc = search(text, end, &later, t, err);
        if (later.any) {
            gen_buf_release(&f->json);
            *f = later;
            *from = end;
        } else {
            gen_buf_release(&later.json);
        }
    }
    return rc;
}

/* What stood around the JSON. */
static unsigned surroundings(struct gen_str before, struct gen_str after)
{
    unsigned steps = 0;
    before = gen_str_trim(before);
    const char *newline = before.p ? memrchr(before.p, '\n', before.n) : NULL;
    size_t line_at = newline ? (size_t)(newline + 1 - before.p) : 0;
    struct gen_str line = gen_str_trim(gen_str_sub(before, line_at, before.n));
    if (gen_str_starts(line, GEN_STR("```")) || gen_str_starts(line, GEN_STR("~~~"))) {
        steps |= GEN_REPAIR_FENCE;
        before = gen_str_trim(gen_str_sub(before, 0, line_at));
    }
    after = gen_str_trim(after);
    if (gen_str_starts(after, GEN_STR("```")) || gen_str_starts(after, GEN_STR("~~~"))) {
        steps |= GEN_REPAIR_FENCE;
        after = gen_str_trim(gen_str_sub(after, 3, after.n));
    }
    return before.n || after.n ? steps | GEN_REPAIR_PROSE : steps;
}

static int explain(struct gen_str text, size_t from, const struct trouble *t, struct gen_error *err)
{
    struct gen_str rest = gen_str_trim(gen_str_sub(text, from, text.n));
    if (rest.n == 0)
        return gen_fail(err, GEN_EPARSE, "no JSON object found: the answer is empty");
    if (!t->expected)
        return gen_fail(err, GEN_EPARSE, "no JSON object found in the answer, which begins '%.*s'",
                        GEN_STR_ARG(gen_utf8_prefix(gen_str_sub(rest, 0, 200), 40)));
    size_t line = 1;
    size_t start = 0;
    for (size_t i = 0; i < t->at; i++) {
        if (text.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    struct gen_str here = gen_str_sub(text, t->at, 120);
    const char *newline = memchr(here.p, '\n', here.n);
    if (newline && newline > here.p)
        here.n = (size_t)(newline - here.p);
    int rc = gen_fail(err, GEN_EPARSE,
                      "the JSON is broken at line %zu, column %zu (byte %zu): expected %s, found "
                      "'%.*s'",
                      line, t->at - start + 1, t->at, t->expected,
                      GEN_STR_ARG(gen_utf8_prefix(here, 30)));
    if (err)
        err->offset = t->at;
    return rc;
}

/* `text` is valid UTF-8 and no strict JSON. */
static int mend(struct gen_json_doc **out, struct gen_str text, unsigned *steps,
                struct gen_error *err)
{
    size_t from = leading_thoughts_end(text);
    if (from == SIZE_MAX)
        return gen_fail(err, GEN_EPARSE,
                        "no JSON object found: the answer ends inside its thinking block");
    struct found f = {.json = gen_buf_make(GEN_BUF_UNLIMITED)};
    struct trouble t = {NULL, 0};
    int rc = search_answer(text, &from, &f, &t, err);
    if (rc == GEN_OK && !f.any)
        rc = explain(text, from, &t, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(out, gen_buf_str(&f.json), err);
    if (rc == GEN_OK)
        *steps |=
            f.steps | (from ? GEN_REPAIR_THINK : 0U) |
            surroundings(gen_str_sub(text, from, f.start - from), gen_str_sub(text, f.end, text.n));
    gen_buf_release(&f.json);
    return rc;
}

static int parse_strictly(struct gen_json_doc **out, struct gen_str text, bool *tried,
                          struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, text, err);
    *tried = rc != GEN_EPARSE;
    if (rc == GEN_ELIMIT)
        return gen_fail(err, GEN_EPARSE, "the answer's JSON is nested deeper than %d levels",
                        GEN_JSON_DEPTH_MAX);
    if (rc)
        return rc;
    enum gen_json_type type = gen_json_type(gen_json_root(doc));
    if (type != GEN_JSON_OBJECT && type != GEN_JSON_ARRAY) {
        gen_json_doc_free(doc);
        return gen_fail(err, GEN_EPARSE, "no JSON object found: the answer is a bare %s",
                        gen_json_type_name(type));
    }
    *out = doc;
    return GEN_OK;
}

int gen_json_repair(struct gen_json_doc **out, struct gen_str text, unsigned *steps,
                    struct gen_error *err)
{
    bool tried = false;
    unsigned done = 0;
    int rc = parse_strictly(out, text, &tried, err);
    if (!tried) {
        struct gen_buf clean = gen_buf_make(GEN_BUF_UNLIMITED);
        rc = GEN_OK;
        if (!gen_utf8_valid(text)) {
            done |= GEN_REPAIR_UTF8;
            rc = gen_utf8_clean(&clean, text, NULL, err);
            text = gen_buf_str(&clean);
        }
        if (rc == GEN_OK)
            rc = mend(out, text, &done, err);
        gen_buf_release(&clean);
    }
    if (rc == GEN_OK)
        *steps = done;
    return rc;
}

int gen_repair_names(struct gen_buf *out, unsigned steps, struct gen_error *err)
{
    static const char *const names[] = {"think",   "prose",     "fence",  "backslash",
                                        "control", "comma",     "quotes", "literal",
                                        "comment", "surrogate", "utf8",   "truncated"};
    bool any = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!(steps & 1U << i))
            continue;
        int rc = any ? gen_buf_add_char(out, ',', err) : GEN_OK;
        if (rc == GEN_OK)
            rc = gen_buf_add_c(out, names[i], err);
        if (rc)
            return rc;
        any = true;
    }
    return GEN_OK;
}
