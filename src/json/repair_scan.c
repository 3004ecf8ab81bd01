#include "json/repair_scan.h"

enum state {
    FIRST, /* behind an opening bracket */
    ITEM,  /* behind a comma */
    COLON, /* behind a key */
    VALUE, /* behind a colon, or at an element */
    AFTER, /* behind a value */
};

struct walk {
    struct gen_repair_scan *k;
    char closers[GEN_JSON_DEPTH_MAX]; /* '}' or ']' */
    bool filled[GEN_JSON_DEPTH_MAX];  /* has an item, so that the next needs a comma */
    size_t depth;
    enum state state;
    size_t mark;      /* length of the output before the unfinished item */
    size_t value_end; /* where the last value ended in the input */
};

static enum gen_repair_result unfit(struct walk *w, const char *expected)
{
    w->k->expected = expected;
    return GEN_REPAIR_UNFIT;
}

static enum gen_repair_result put(struct walk *w, const char *p, size_t n, struct gen_error *err)
{
    return gen_buf_add(w->k->out, p, n, err) ? GEN_REPAIR_FAILED : GEN_REPAIR_DONE;
}

static size_t odd_blank(struct gen_str in, size_t at)
{
    struct gen_str s = gen_str_sub(in, at, 3);
    if (s.n && (unsigned char)s.p[0] < 0x20)
        return 1;
    if (gen_str_starts(s, GEN_STR("\xC2\xA0")))
        return 2;
    if (gen_str_eq(s, GEN_STR("\xEF\xBB\xBF")) || gen_str_eq(s, GEN_STR("\xE2\x80\x8B")) ||
        gen_str_eq(s, GEN_STR("\xE3\x80\x80")))
        return 3;
    return 0;
}

/* A no-break space ends a word, though it is not ASCII. */
static bool is_name_at(struct gen_str in, size_t at)
{
    return at < in.n && gen_repair_is_name(in.p[at]) && odd_blank(in, at) == 0;
}

static size_t comment_end(struct gen_str in, size_t at)
{
    struct gen_str s = gen_str_sub(in, at, 2);
    if (gen_str_eq(s, GEN_STR("/*"))) {
        size_t end = gen_str_find(in, GEN_STR("*/"), at + 2);
        return end == SIZE_MAX ? in.n : end + 2;
    }
    if (in.p[at] != '#' && !gen_str_eq(s, GEN_STR("//")))
        return at;
    const char *end = memchr(in.p + at, '\n', in.n - at);
    return end ? (size_t)(end - in.p) : in.n;
}

void gen_repair_skip(struct gen_repair_scan *k)
{
    while (k->at < k->in.n) {
        char c = k->in.p[k->at];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            k->at++;
            continue;
        }
        size_t blank = odd_blank(k->in, k->at);
        size_t end = blank ? k->at + blank : comment_end(k->in, k->at);
        if (end == k->at)
            return;
        k->steps |= blank ? GEN_REPAIR_CONTROL : GEN_REPAIR_COMMENT;
        k->at = end;
    }
}

static enum gen_repair_result open_container(struct walk *w, struct gen_error *err)
{
    char c = w->k->in.p[w->k->at];
    if (w->depth == GEN_JSON_DEPTH_MAX) {
        w->k->too_deep = true;
        return unfit(w, "nesting of at most 64 levels");
    }
    w->closers[w->depth] = c == '{' ? '}' : ']';
    w->filled[w->depth] = false;
    w->depth++;
    w->k->at++;
    w->state = FIRST;
    return put(w, &c, 1, err);
}

static void value_done(struct walk *w)
{
    w->state = AFTER;
    w->value_end = w->k->at;
}

/* Closes down to the container that `c` belongs to. What lies open above it had its bracket
 * forgotten. */
static enum gen_repair_result close_container(struct walk *w, char c, struct gen_error *err)
{
    size_t level = w->depth;
    while (level && w->closers[level - 1] != c)
        level--;
    if (level == 0)
        return unfit(w, c == '}' ? "']', not '}'" : "'}', not ']'");
    if (level != w->depth)
        w->k->steps |= GEN_REPAIR_TRUNCATED;
    if (w->state == ITEM)
        w->k->steps |= GEN_REPAIR_COMMA;
    w->k->at++;
    while (w->depth >= level) {
        w->depth--;
        if (put(w, &w->closers[w->depth], 1, err))
            return GEN_REPAIR_FAILED;
    }
    value_done(w);
    return GEN_REPAIR_DONE;
}

/* Ends the text here: an unfinished item goes, everything open is closed. */
static enum gen_repair_result close_all(struct walk *w, struct gen_error *err)
{
    w->k->cut_off = true;
    w->k->steps |= GEN_REPAIR_TRUNCATED;
    if (w->state == COLON || w->state == VALUE)
        w->k->out->n = w->mark;
    while (w->depth) {
        w->depth--;
        if (put(w, &w->closers[w->depth], 1, err))
            return GEN_REPAIR_FAILED;
    }
    return GEN_REPAIR_DONE;
}

static enum gen_repair_result begin_item(struct walk *w, struct gen_error *err)
{
    w->mark = w->k->out->n;
    bool *filled = &w->filled[w->depth - 1];
    bool comma = *filled;
    *filled = true;
    return comma ? put(w, ",", 1, err) : GEN_REPAIR_DONE;
}

static enum gen_repair_result read_key(struct walk *w, struct gen_error *err)
{
    struct gen_repair_scan *k = w->k;
    size_t n_bytes;
    if (begin_item(w, err))
        return GEN_REPAIR_FAILED;
    w->state = COLON;
    k->has_member = true;
    if (gen_repair_quote(k->in, k->at, &n_bytes))
        return gen_repair_string(k, GEN_PLACE_KEY, err);
    size_t end = k->at;
    while (is_name_at(k->in, end))
        end++;
    if (end == k->at)
        return unfit(w, "a key in double quotes or '}'");
    k->steps |= GEN_REPAIR_QUOTES;
    bool failed =
        put(w, "\"", 1, err) || put(w, k->in.p + k->at, end - k->at, err) || put(w, "\"", 1, err);
    k->at = end;
    return failed ? GEN_REPAIR_FAILED : GEN_REPAIR_DONE;
}

/* Digits from `*i` on; false when there are none. */
static bool digits(struct gen_str s, size_t *i)
{
    size_t from = *i;
    while (*i < s.n && s.p[*i] >= '0' && s.p[*i] <= '9')
        (*i)++;
    return *i > from;
}

/* RFC 8259's number, but for what can be mended: a '+', no digit before or behind the point. */
static bool is_number(struct gen_str s, bool *bare_head, bool *bare_tail)
{
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    size_t whole = i;
    bool head = digits(s, &i);
    if (head && s.p[whole] == '0' && i > whole + 1)
        return false;
    bool tail = true;
    bool point = i < s.n && s.p[i] == '.';
    if (point) {
        i++;
        tail = digits(s, &i);
    }
    *bare_head = !head;
    *bare_tail = !tail;
    if ((!head && !tail) || (!head && !point) || (!tail && i < s.n))
        return false;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
            i++;
        if (!digits(s, &i))
            return false;
    }
    return i == s.n;
}

static enum gen_repair_result read_number(struct walk *w, struct gen_error *err)
{
    struct gen_repair_scan *k = w->k;
    size_t end = k->at;
    while (is_name_at(k->in, end) ||
           (end < k->in.n && (k->in.p[end] == '+' || k->in.p[end] == '.')))
        end++;
    struct gen_str text = gen_str_sub(k->in, k->at, end - k->at);
    bool bare_head = false;
    bool bare_tail = false;
    bool good = is_number(text, &bare_head, &bare_tail);
    if (end == k->in.n && (!good || bare_tail)) {
        k->at = end; /* cut off inside the number: the item is dropped with the end of the text */
        return GEN_REPAIR_DONE;
    }
    if (!good)
        return unfit(w, "a number as JSON writes it");
    if (text.p[0] == '+' || bare_head || bare_tail)
        k->steps |= GEN_REPAIR_LITERAL;
    size_t sign = text.p[0] == '+' || text.p[0] == '-';
    k->at = end;
    value_done(w);
    if ((text.p[0] == '-' && put(w, "-", 1, err)) || (bare_head && put(w, "0", 1, err)) ||
        put(w, text.p + sign, text.n - sign, err) || (bare_tail && put(w, "0", 1, err)))
        return GEN_REPAIR_FAILED;
    return GEN_REPAIR_DONE;
}

static enum gen_repair_result read_literal(struct walk *w, struct gen_error *err)
{
    static const struct {
        const char *word;
        const char *json;
    } words[] = {
        {"true", "true"},     {"false", "false"}, {"null", "null"},      {"True", "true"},
        {"False", "false"},   {"None", "null"},   {"TRUE", "true"},      {"FALSE", "false"},
        {"NULL", "null"},     {"Null", "null"},   {"undefined", "null"}, {"NaN", "null"},
        {"Infinity", "null"},
    };
    struct gen_repair_scan *k = w->k;
    size_t end = k->at;
    while (is_name_at(k->in, end))
        end++;
    struct gen_str word = gen_str_sub(k->in, k->at, end - k->at);
    bool cut = false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_is(word, words[i].word)) {
            if (i > 2)
                k->steps |= GEN_REPAIR_LITERAL;
            k->at = end;
            value_done(w);
            return put(w, words[i].json, strlen(words[i].json), err);
        }
        cut |= end == k->in.n && word.n && gen_str_starts(gen_str_from(words[i].word), word);
    }
    if (!cut)
        return unfit(w, "a value (a string needs double quotes)");
    k->at = end;
    return GEN_REPAIR_DONE;
}

static enum gen_repair_result read_value(struct walk *w, struct gen_error *err)
{
    struct gen_repair_scan *k = w->k;
    char c = k->in.p[k->at];
    size_t n_bytes;
    if (c == '{' || c == '[')
        return open_container(w, err);
    if (gen_repair_quote(k->in, k->at, &n_bytes)) {
        bool member = w->closers[w->depth - 1] == '}';
        enum gen_repair_result r =
            gen_repair_string(k, member ? GEN_PLACE_MEMBER : GEN_PLACE_ELEMENT, err);
        value_done(w);
        return r;
    }
    if (c == '-' && gen_str_starts(gen_str_sub(k->in, k->at + 1, 8), GEN_STR("Infinity")))
        k->at++;
    else if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9'))
        return read_number(w, err);
    return read_literal(w, err);
}

static enum gen_repair_result read_item(struct walk *w, char c, struct gen_error *err)
{
    if (c == '}' || c == ']')
        return close_container(w, c, err);
    if (c == ',') {
        w->k->steps |= GEN_REPAIR_COMMA;
        w->k->at++;
        w->state = ITEM;
        return GEN_REPAIR_DONE;
    }
    if (w->closers[w->depth - 1] == '}')
        return read_key(w, err);
    w->state = VALUE;
    return begin_item(w, err);
}

/* A forgotten comma is seen only where no quotation mark inside a text can look like one. */
static bool comma_forgotten(const struct walk *w, char c)
{
    size_t n_bytes;
    char last = w->k->in.p[w->value_end - 1];
    bool apart = w->k->at > w->value_end || last == '}' || last == ']';
    bool opens = w->closers[w->depth - 1] == ']' && (c == '{' || c == '[');
    return apart && (opens || gen_repair_quote(w->k->in, w->k->at, &n_bytes));
}

static enum gen_repair_result read_separator(struct walk *w, char c, struct gen_error *err)
{
    if (c == ',') {
        w->k->at++;
        w->state = ITEM;
        return GEN_REPAIR_DONE;
    }
    if (c == '}' || c == ']')
        return close_container(w, c, err);
    if (!comma_forgotten(w, c))
        return unfit(w, w->closers[w->depth - 1] == '}'
                            ? "',' or '}' (a quotation mark inside a string needs a backslash)"
                            : "',' or ']' (a quotation mark inside a string needs a backslash)");
    w->k->steps |= GEN_REPAIR_COMMA;
    return read_item(w, c, err);
}

static enum gen_repair_result step(struct walk *w, struct gen_error *err)
{
    char c = w->k->in.p[w->k->at];
    switch (w->state) {
    case FIRST:
    case ITEM:
        return read_item(w, c, err);
    case COLON:
        if (c != ':')
            return unfit(w, "':' behind the key");
        w->k->at++;
        w->state = VALUE;
        return put(w, ":", 1, err);
    case VALUE:
        return read_value(w, err);
    case AFTER:
        return read_separator(w, c, err);
    }
    return GEN_REPAIR_UNFIT;
}

enum gen_repair_result gen_repair_value(struct gen_repair_scan *k, struct gen_error *err)
{
    struct walk w = {.k = k};
    enum gen_repair_result r = open_container(&w, err);
    while (r == GEN_REPAIR_DONE && w.depth) {
        gen_repair_skip(k);
        if (k->at == k->in.n || gen_str_starts(gen_str_sub(k->in, k->at, 3), GEN_STR("```")))
            return close_all(&w, err);
        r = step(&w, err);
    }
    return r;
}
