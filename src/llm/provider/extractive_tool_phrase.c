/* A call as a person would put it: the first clause of the tool's description as an order, with the
 * values in the places of the nouns that stand for them ("get the shape of the dataset /a/b"). */
#include "llm/provider/extractive_tool_phrase.h"

#include <stdio.h>

#define CLAUSE_WORDS_MAX 14U
#define ADJECTIVES_MAX   2U

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           ((unsigned char)c & 0x80U);
}

const struct gen_json *gen_extract_offered(const struct gen_json *record, struct gen_str name)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *tool;
    gen_json_iter_init(&it, gen_json_get(record, "tools"));
    while (gen_json_iter_next(&it, &key, &tool)) {
        const struct gen_json *function = gen_json_get(tool, "function");
        if (gen_str_eq(gen_json_get_str(function, "name"), name))
            return function;
    }
    return NULL;
}

const struct gen_json *gen_extract_parameter(const struct gen_json *function, struct gen_str name)
{
    return gen_json_get_n(gen_json_get(gen_json_get(function, "parameters"), "properties"), name);
}

void gen_extract_put_words(struct gen_extract_line *l, struct gen_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_capital = c >= 'A' && c <= 'Z';
        if (is_capital && i && name.p[i - 1] >= 'a' && name.p[i - 1] <= 'z')
            gen_extract_put_c(l, " ");
        char small = (char)(is_capital ? c + ('a' - 'A') : c);
        gen_extract_put(l, c == '_' || c == '-' ? GEN_STR(" ") : (struct gen_str){&small, 1});
    }
}

/* ---- values ---- */

static struct gen_str last_name_of(struct gen_str pointer)
{
    size_t end = pointer.n;
    while (end) {
        size_t from = end;
        while (from && pointer.p[from - 1] != '/')
            from--;
        struct gen_str part = gen_str_sub(pointer, from, end - from);
        if (part.n && !(part.p[0] >= '0' && part.p[0] <= '9'))
            return part;
        end = from ? from - 1 : 0;
    }
    return GEN_STR("");
}

/* The last index in a pointer, and the name of the list that it is in. */
static bool item_of(struct gen_str pointer, struct gen_str *list, size_t *index)
{
    size_t end = pointer.n;
    while (end) {
        size_t from = end;
        while (from && pointer.p[from - 1] != '/')
            from--;
        if (from < end && pointer.p[from] >= '0' && pointer.p[from] <= '9') {
            size_t to = from ? from - 1 : 0;
            size_t begin = to;
            while (begin && pointer.p[begin - 1] != '/')
                begin--;
            *index = (size_t)(pointer.p[from] - '0');
            *list = gen_str_sub(pointer, begin, to - begin);
            return true;
        }
        end = from ? from - 1 : 0;
    }
    return false;
}

static bool is_plain_list(struct gen_str list)
{
    static const char *const plain[] = {"keys",  "names", "objects", "items",   "results",
                                        "files", "data",  "entries", "members", "list"};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (gen_str_eq_nocase(list, gen_str_from(plain[i])))
            return true;
    }
    return list.n == 0;
}

/* "the first dataset among the suggestions", "the filename found there", for a pointer into a
 * result. */
static void put_reference(struct gen_extract_line *l, struct gen_str pointer, struct gen_str noun)
{
    static const char *const ordinals[] = {"first", "second", "third", "fourth", "fifth", "sixth"};
    struct gen_str list = GEN_STR("");
    size_t index = 0;
    if (!item_of(pointer, &list, &index)) {
        struct gen_str name = last_name_of(pointer);
        gen_extract_put_c(l, name.n ? "the " : "what that gives");
        gen_extract_put_words(l, name);
        gen_extract_put_c(l, name.n ? " found there" : "");
        return;
    }
    gen_extract_put_c(l, "the ");
    gen_extract_put_c(l, index < 6 ? ordinals[index] : "last");
    gen_extract_put_c(l, " ");
    if (noun.n)
        gen_extract_put_words(l, noun);
    else
        gen_extract_put_c(l, "one");
    if (is_plain_list(list)) {
        gen_extract_put_c(l, " in the list");
    } else if (noun.n && gen_str_find_nocase(list, noun, 0) != SIZE_MAX) {
        gen_extract_put_c(l, " found");
    } else {
        gen_extract_put_c(l, " among the ");
        gen_extract_put_words(l, list);
    }
}

static bool needs_quotes(struct gen_str s)
{
    bool has_letter = false;
    for (size_t i = 0; i < s.n; i++) {
        has_letter = has_letter || is_letter(s.p[i]);
        if (s.p[i] == ' ' || s.p[i] == ',')
            return true;
    }
    return !has_letter && !gen_str_is(s, "/");
}

static void put_string(struct gen_extract_line *l, struct gen_str s)
{
    bool quoted = needs_quotes(s);
    gen_extract_put_c(l, quoted ? "\"" : "");
    gen_extract_put(l, s);
    gen_extract_put_c(l, quoted ? "\"" : "");
}

static void put_json(struct gen_extract_line *l, const struct gen_json *v)
{
    struct gen_buf text = gen_buf_make(GEN_EXTRACT_LINE_BYTES);
    if (gen_json_write(&text, v, GEN_JSON_COMPACT, NULL) == GEN_OK)
        gen_extract_put(l, gen_buf_str(&text));
    else
        l->overflow = true;
    gen_buf_release(&text);
}

bool gen_extract_reference(const struct gen_json *v, int64_t *step, struct gen_str *pointer)
{
    const struct gen_json *result = gen_json_get(v, "$result");
    *pointer = gen_json_get_str(result, "pointer");
    return result && gen_json_as_int(gen_json_get(result, "step"), step);
}

void gen_extract_put_value(struct gen_extract_line *l, const struct gen_json *v)
{
    struct gen_str text, key;
    struct gen_json_iter it;
    const struct gen_json *item;
    int64_t step = 0;
    size_t n = gen_json_count(v);
    if (gen_json_as_str(v, &text)) {
        put_string(l, text);
        return;
    }
    if (gen_json_type(v) == GEN_JSON_OBJECT && gen_extract_reference(v, &step, &text)) {
        put_reference(l, text, GEN_STR(""));
        return;
    }
    if (gen_json_type(v) != GEN_JSON_ARRAY || n == 0) {
        put_json(l, v);
        return;
    }
    bool is_list = gen_json_type(gen_json_at(v, 0)) == GEN_JSON_STRING;
    size_t i = 0;
    gen_extract_put_c(l, is_list ? "" : "[");
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &item)) {
        gen_extract_put_c(l, i == 0 ? "" : is_list && i + 1 == n ? " and " : ", ");
        if (is_list && gen_json_as_str(item, &text))
            put_string(l, text);
        else
            put_json(l, item);
        i++;
    }
    gen_extract_put_c(l, is_list ? "" : "]");
}

/* ---- the clause ---- */

static struct gen_str first_clause(struct gen_str description)
{
    struct gen_str s = gen_str_trim(description);
    size_t n = s.n;
    for (size_t i = 0; i < s.n; i++) {
        bool ends = i + 1 == s.n || s.p[i + 1] == ' ' || s.p[i + 1] == '\n';
        if (s.p[i] == '\n' || ((s.p[i] == '.' || s.p[i] == ':' || s.p[i] == ';') && ends)) {
            n = i;
            break;
        }
    }
    s = gen_str_sub(s, 0, n);
    size_t comma = gen_str_find(s, GEN_STR(", "), 0);
    if (gen_extract_n_words(s) > CLAUSE_WORDS_MAX && comma != SIZE_MAX)
        s = gen_str_sub(s, 0, comma);
    size_t beside = gen_str_find(s, GEN_STR(", with "), 0);
    s = gen_str_sub(s, 0, beside);
    size_t bracket = gen_str_find(s, GEN_STR(" ("), 0);
    return bracket == SIZE_MAX ? s : gen_str_sub(s, 0, bracket);
}

static void drop(struct gen_extract_line *l, const char *words)
{
    struct gen_str needle = gen_str_from(words);
    size_t at = gen_str_find(gen_extract_line_str(l), needle, 0);
    if (at == SIZE_MAX)
        return;
    memmove(l->data + at, l->data + at + needle.n, l->n - at - needle.n);
    l->n -= needle.n;
}

/* Puts `with` in the place of [from, to). */
static void replace(struct gen_extract_line *l, size_t from, size_t to,
                    const struct gen_extract_line *with)
{
    if (l->overflow || with->overflow || l->n - (to - from) + with->n > sizeof(l->data)) {
        l->overflow = true;
        return;
    }
    memmove(l->data + from + with->n, l->data + to, l->n - to);
    memcpy(l->data + from, with->data, with->n);
    l->n = l->n - (to - from) + with->n;
}

/* "List" and "Lists": the order of a person. */
static void put_order(struct gen_extract_line *l, struct gen_str clause, struct gen_str name)
{
    size_t n = gen_str_find(clause, GEN_STR(" "), 0);
    struct gen_str first = gen_str_sub(clause, 0, n);
    struct gen_extract_verb verb = gen_extract_verb(first);
    if (clause.n == 0) {
        gen_extract_put_words(l, name);
        return;
    }
    if (gen_extract_word_is(first, GEN_EXTRACT_DETERMINER)) {
        gen_extract_put_c(l, "get me this: ");
        gen_extract_put_lower(l, clause);
    } else if (verb.form == GEN_EXTRACT_VERB_S && verb.base) {
        gen_extract_put_c(l, verb.base);
        gen_extract_put(l, gen_str_sub(clause, first.n, clause.n));
    } else {
        gen_extract_put_lower(l, clause);
    }
}

/* ---- places ---- */

struct place {
    size_t from, to; /* article and noun */
};

static size_t find_word(struct gen_str s, struct gen_str word, size_t from)
{
    while (word.n && from < s.n) {
        size_t at = gen_str_find_nocase(gen_str_sub(s, from, s.n), word, 0);
        if (at == SIZE_MAX)
            return SIZE_MAX;
        at += from;
        size_t end = at + word.n;
        if ((at == 0 || !is_letter(s.p[at - 1])) && (end == s.n || !is_letter(s.p[end])))
            return at;
        from = at + 1;
    }
    return SIZE_MAX;
}

static bool is_article(struct gen_str word)
{
    static const char *const words[] = {"a", "an", "one", "the", "several", "any", "some", "each"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_eq_nocase(word, gen_str_from(words[i])))
            return true;
    }
    return false;
}

/* Back over adjectives to the article; without one the place begins at `at`. */
static size_t article_before(struct gen_str s, size_t at, bool *found)
{
    size_t start = at;
    *found = false;
    for (size_t k = 0; k <= ADJECTIVES_MAX && start > 1; k++) {
        size_t end = start - 1;
        size_t from = end;
        while (from && is_letter(s.p[from - 1]))
            from--;
        if (from == end)
            break;
        if (is_article(gen_str_sub(s, from, end - from))) {
            *found = true;
            return from;
        }
        start = from;
    }
    return at;
}

/* What a description says the value names: "dataset" of "Path of the dataset in the file". */
static struct gen_str noun_of(struct gen_str description, struct gen_str name)
{
    static const char *const ends[] = {" in ",    " to ", " such ", " for ",   " from ",
                                       " below ", " of ", " that ", " where ", " with "};
    static const char *const heads[] = {" of the ", " of a ", " of an "};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        size_t at = gen_str_find(description, gen_str_from(heads[i]), 0);
        if (at == SIZE_MAX || at > 12)
            continue;
        at += strlen(heads[i]);
        size_t n = 0;
        while (at + n < description.n && !strchr(",;.:(", description.p[at + n]))
            n++;
        struct gen_str noun = gen_str_sub(description, at, n);
        for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
            size_t end = gen_str_find(noun, gen_str_from(ends[k]), 0);
            noun = end == SIZE_MAX ? noun : gen_str_sub(noun, 0, end);
        }
        return gen_str_trim(noun);
    }
    size_t from = name.n;
    while (from && name.p[from - 1] != '_')
        from--;
    return gen_str_sub(name, from, name.n);
}

/* The last "a ..." of the clause, up to a preposition. */
static bool last_indefinite(struct gen_str s, struct place *p)
{
    bool found = false;
    for (size_t i = 0; i + 3 < s.n; i++) {
        bool begins = i == 0 || s.p[i - 1] == ' ';
        struct gen_str rest = gen_str_sub(s, i, s.n);
        if (!begins ||
            !(gen_str_starts(rest, GEN_STR("a ")) || gen_str_starts(rest, GEN_STR("an "))))
            continue;
        size_t end = i + 2;
        while (end < s.n && s.p[end] != ',') {
            size_t word = end;
            while (end < s.n && is_letter(s.p[end]))
                end++;
            if (gen_extract_word_is(gen_str_sub(s, word, end - word), GEN_EXTRACT_PREPOSITION)) {
                end = word ? word - 1 : 0;
                break;
            }
            if (end < s.n && s.p[end] == ' ')
                end++;
            else if (end == word)
                break;
        }
        while (end > i && s.p[end - 1] == ' ')
            end--;
        *p = (struct place){i, end};
        found = true;
    }
    return found;
}

static bool is_path_like(struct gen_str name)
{
    return gen_str_find_nocase(name, GEN_STR("path"), 0) != SIZE_MAX ||
           gen_str_is(name, "directory") || gen_str_is(name, "file");
}

/* Writes the value at its noun, if the clause has it. */
static bool place_value(struct gen_extract_line *l, struct gen_str name,
                        const struct gen_json *parameter, const struct gen_json *value)
{
    struct gen_extract_line with;
    struct gen_str s = gen_extract_line_str(l);
    struct gen_str noun = noun_of(gen_json_get_str(parameter, "description"), name);
    struct place p = {0, 0};
    bool has_article = false;
    int64_t step = 0;
    struct gen_str pointer = GEN_STR("");
    gen_extract_line_clear(&with);
    size_t path = find_word(s, GEN_STR("a path"), 0);
    if (path != SIZE_MAX && is_path_like(name)) {
        if (gen_extract_reference(value, &step, &pointer))
            put_reference(&with, pointer, GEN_STR("path"));
        else
            gen_extract_put_value(&with, value);
        replace(l, path, path + 6, &with);
        return true;
    }
    size_t at = find_word(s, noun, 0);
    /* The beginning is the verb. */
    if (noun.n < 3 || at == 0)
        at = SIZE_MAX;
    if (at != SIZE_MAX) {
        p.from = article_before(s, at, &has_article);
        p.to = at + noun.n;
        if (!has_article)
            p.from = at;
    } else if (!is_path_like(name) || !last_indefinite(s, &p)) {
        return false;
    }
    struct gen_str words = gen_str_sub(s, p.from, p.to - p.from);
    size_t blank = gen_str_find(words, GEN_STR(" "), 0);
    bool starts_with_article = blank != SIZE_MAX && is_article(gen_str_sub(words, 0, blank));
    if (gen_extract_reference(value, &step, &pointer)) {
        put_reference(&with, pointer,
                      starts_with_article ? gen_str_sub(words, blank + 1, words.n) : words);
    } else {
        if (starts_with_article) {
            gen_extract_put_c(&with, "the");
            gen_extract_put(&with, gen_str_sub(words, blank, words.n));
        } else {
            gen_extract_put(&with, words);
        }
        gen_extract_put_c(&with, " ");
        gen_extract_put_value(&with, value);
    }
    replace(l, p.from, p.to, &with);
    return true;
}

/* "as CSV or JSON" becomes "as CSV" where the parameter has these two choices. */
static bool place_choice(struct gen_extract_line *l, const struct gen_json *parameter,
                         const struct gen_json *value)
{
    const struct gen_json *choices = gen_json_get(parameter, "enum");
    struct gen_str s = gen_extract_line_str(l), wanted, one, other;
    struct gen_extract_line with;
    char text[160];
    if (gen_json_count(choices) != 2 || !gen_json_as_str(value, &wanted) ||
        !gen_json_as_str(gen_json_at(choices, 0), &one) ||
        !gen_json_as_str(gen_json_at(choices, 1), &other))
        return false;
    int n = snprintf(text, sizeof(text), "%.*s or %.*s", GEN_STR_ARG(one), GEN_STR_ARG(other));
    size_t at = n > 0 && (size_t)n < sizeof(text)
                    ? gen_str_find_nocase(s, (struct gen_str){text, (size_t)n}, 0)
                    : SIZE_MAX;
    if (at == SIZE_MAX)
        return false;
    bool is_first = gen_str_eq(wanted, one);
    gen_extract_line_clear(&with);
    gen_extract_put(&with,
                    is_first ? gen_str_sub(s, at, one.n) : gen_str_sub(s, at + one.n + 4, other.n));
    replace(l, at, at + (size_t)n, &with);
    return true;
}

static void append_value(struct gen_extract_line *l, struct gen_str name,
                         const struct gen_json *value, size_t n_before)
{
    bool truth = false;
    if (gen_json_as_bool(value, &truth)) {
        gen_extract_put_c(l, n_before ? " and " : ", ");
        gen_extract_put_c(l, truth ? "with " : "without ");
        gen_extract_put_words(l, name);
        return;
    }
    if (is_path_like(name) && n_before == 0) {
        gen_extract_put_c(l, " for ");
    } else {
        gen_extract_put_c(l, n_before ? " and " : ", with ");
        gen_extract_put_words(l, name);
        gen_extract_put_c(l, " ");
    }
    gen_extract_put_value(l, value);
}

static bool is_one_of(const struct gen_json *names, struct gen_str name)
{
    struct gen_json_iter it;
    struct gen_str key, text;
    const struct gen_json *v;
    gen_json_iter_init(&it, names);
    while (gen_json_iter_next(&it, &key, &v)) {
        if (gen_json_as_str(v, &text) && gen_str_eq(text, name))
            return true;
    }
    return false;
}

/* What is left out is the default: said where the clause has a place for it, so that "a group" is
 * not any group. */
static void place_defaults(struct gen_extract_line *l, const struct gen_json *function,
                           const struct gen_json *args, const struct gen_json *withheld)
{
    struct gen_json_iter it, said;
    struct gen_str name, other;
    const struct gen_json *parameter, *v;
    gen_json_iter_init(&it, gen_json_get(gen_json_get(function, "parameters"), "properties"));
    while (gen_json_iter_next(&it, &name, &parameter)) {
        const struct gen_json *value = gen_json_get(parameter, "default");
        bool is_said = is_one_of(withheld, name);
        gen_json_iter_init(&said, args);
        while (gen_json_iter_next(&said, &other, &v))
            is_said = is_said || gen_str_eq(other, name);
        if (!is_said && is_path_like(name) && gen_json_type(value) == GEN_JSON_STRING)
            (void)place_value(l, name, parameter, value);
    }
}

void gen_extract_put_call(struct gen_extract_line *l, const struct gen_json *function,
                          const struct gen_json *args, const struct gen_json *withheld)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *value;
    uint64_t unplaced = 0;
    size_t i = 0;
    size_t n_appended = 0;
    gen_extract_line_clear(l);
    put_order(l, first_clause(gen_json_get_str(function, "description")),
              gen_json_get_str(function, "name"));
    drop(l, " of any size");
    drop(l, " in one call");
    drop(l, ", whole or the same part of each");
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, &name, &value)) {
        const struct gen_json *parameter = gen_extract_parameter(function, name);
        bool is_simple = gen_json_type(value) == GEN_JSON_STRING ||
                         gen_json_type(value) == GEN_JSON_OBJECT || is_path_like(name);
        bool is_placed = is_one_of(withheld, name) || place_choice(l, parameter, value) ||
                         (is_simple && place_value(l, name, parameter, value));
        if (!is_placed && i < 64)
            unplaced |= (uint64_t)1 << i;
        i++;
    }
    if (args)
        place_defaults(l, function, args, withheld);
    i = 0;
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, &name, &value)) {
        if (i < 64 && (unplaced >> i & 1U))
            append_value(l, name, value, n_appended++);
        i++;
    }
}
