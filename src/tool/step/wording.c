/* What a program can see of a text without a model (prompting.md A.4). */
#include "base/utf8.h"
#include "dataset/checks.h"
#include "tool/phrases.h"
#include "tool/step/generate_int.h"

#include <stdio.h>

int gen_text_has_words(struct gen_str text, struct gen_str words, bool *has, struct gen_error *err)
{
    struct gen_buf a = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_utf8_normalize(&a, text, true, err);
    if (rc == GEN_OK)
        rc = gen_utf8_normalize(&b, words, true, err);
    *has = rc == GEN_OK && gen_str_find(gen_buf_str(&a), gen_buf_str(&b), 0) != SIZE_MAX;
    gen_buf_release(&a);
    gen_buf_release(&b);
    return rc;
}

static size_t count_phrases(struct gen_str text, const char *const *phrases, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += gen_text_has_word(text, gen_str_from(phrases[i]));
    return count;
}

size_t gen_count_connectives(struct gen_str text)
{
    static const char *const words[] = {
        "then",      "after that",   "afterwards",  "next",
        "finally",   "subsequently", "followed by", "first",
        "firstly",   "lastly",       "second",      "secondly",
        "once done", "step 1",       "step 2",      "when that is done"};
    /* "the first of" counts no steps. */
    static const char *const ordinals[] = {"the first", "the second", "the next", "its first"};
    size_t n = count_phrases(text, words, sizeof(words) / sizeof(words[0]));
    size_t n_ordinals = count_phrases(text, ordinals, sizeof(ordinals) / sizeof(ordinals[0]));
    size_t n_then = 0;
    for (size_t at = gen_str_find_nocase(text, GEN_STR(" then "), 0); at != SIZE_MAX; n_then++)
        at = gen_str_find_nocase(text, GEN_STR(" then "), at + 5);
    n += n_then > 1 ? n_then - 1 : 0;
    return n > n_ordinals ? n - n_ordinals : 0;
}

bool gen_shares_word(struct gen_str text, struct gen_str names)
{
    static const char *const little[] = {"the", "and", "for",  "with", "that", "this", "from",
                                         "are", "its", "when", "out",  "left", "such", "your"};
    for (size_t i = 0; i < names.n;) {
        size_t from = i;
        while (i < names.n && gen_is_name_byte(names.p[i]) && names.p[i] != '_')
            i++;
        struct gen_str word = gen_str_sub(names, from, i - from);
        i += i < names.n;
        bool counts = word.n >= 3 || (word.n && word.n == names.n);
        for (size_t k = 0; k < sizeof(little) / sizeof(little[0]); k++)
            counts = counts && !gen_str_eq_nocase(word, gen_str_from(little[k]));
        if (counts && gen_str_find_nocase(text, word, 0) != SIZE_MAX)
            return true;
    }
    return false;
}

/* A name that nobody types by chance: "chunk_size", "chunkSize". */
static bool is_program_name(struct gen_str name)
{
    for (size_t i = 1; i < name.n; i++) {
        bool is_inner_capital =
            name.p[i] >= 'A' && name.p[i] <= 'Z' && name.p[i - 1] >= 'a' && name.p[i - 1] <= 'z';
        if (name.p[i] == '_' || is_inner_capital)
            return true;
    }
    return false;
}

/* The blueprint's own values may look like anything. */
static bool is_in_values(const struct gen_draft *d, struct gen_str what)
{
    struct gen_json_iter it;
    struct gen_str key, text;
    const struct gen_json *v;
    for (size_t i = 0; i < d->n_calls; i++) {
        gen_json_iter_init(&it, d->calls[i].args);
        while (gen_json_iter_next(&it, &key, &v)) {
            if (gen_json_as_str(v, &text) && gen_str_find_nocase(text, what, 0) != SIZE_MAX)
                return true;
            if (gen_json_type(v) != GEN_JSON_ARRAY)
                continue;
            struct gen_json_iter items;
            gen_json_iter_init(&items, v);
            while (gen_json_iter_next(&items, &key, &v)) {
                if (gen_json_as_str(v, &text) && gen_str_find_nocase(text, what, 0) != SIZE_MAX)
                    return true;
            }
        }
    }
    return gen_str_find_nocase(d->context, what, 0) != SIZE_MAX;
}

static bool leaks(const struct gen_draft *d, struct gen_str text, struct gen_str name)
{
    return is_program_name(name) && gen_text_has_word(text, name) && !is_in_values(d, name);
}

static struct gen_str leaked_name(const struct gen_draft *d, struct gen_str text)
{
    for (size_t i = 0; i < d->n_offered; i++) {
        if (leaks(d, text, d->offered[i]->name))
            return d->offered[i]->name;
    }
    for (size_t i = 0; i < d->n_calls; i++) {
        const struct gen_tool *tool = d->calls[i].tool;
        for (size_t k = 0; k < tool->n_params; k++) {
            if (leaks(d, text, tool->params[k].name))
                return tool->params[k].name;
        }
    }
    return (struct gen_str){NULL, 0};
}

static const char *toy_value(const struct gen_draft *d, struct gen_str text)
{
    static const char *const toys[] = {"example.com", "/path/to", "foo",     "foobar",
                                       "lorem ipsum", "your_",    "my_file", "xyz123"};
    for (size_t i = 0; i < sizeof(toys) / sizeof(toys[0]); i++) {
        if (gen_text_has_word(text, gen_str_from(toys[i])) &&
            !is_in_values(d, gen_str_from(toys[i])))
            return toys[i];
    }
    return NULL;
}

/* Requests in English are written in Latin letters; for others the judge looks at the language. */
static bool is_other_script(const struct gen_tool_generate *g, struct gen_str text)
{
    size_t n_latin = 0;
    size_t n_other = 0;
    if (g->o.language && !gen_str_eq_nocase(gen_str_from(g->o.language), GEN_STR("english")))
        return false;
    for (struct gen_str rest = text; rest.n;) {
        uint32_t c = 0;
        size_t n = gen_utf8_next(rest, &c);
        if (n == 0)
            break;
        /* Latin with its accents ends at U+024F. */
        n_latin += c < 0x250 && gen_utf8_is_word(c);
        n_other += c >= 0x250 && gen_utf8_is_word(c);
        rest = gen_str_sub(rest, n, rest.n);
    }
    return n_other > n_latin;
}

/* What can be wrong with a text. */
enum wrong { LENGTH = 0, LEFT_OVERS, REFERS_TO_CONTEXT, OTHER_LANGUAGE, NAMES_A_TOOL, TOY_VALUE };

static int add(struct gen_faults *f, const struct gen_wording *w, enum wrong wrong, const char *why,
               struct gen_error *err)
{
    static const char *const rules[][6] = {
        [GEN_WORDING_REQUEST] = {"request_length", "request_left_overs",
                                 "request_refers_to_context", "request_other_language",
                                 "request_names_a_tool", "request_toy_value"},
        [GEN_WORDING_REPLY] = {"reply_length", "reply_left_overs", "reply_refers_to_context",
                               "reply_other_language", "reply_names_a_tool", "reply_toy_value"},
        [GEN_WORDING_QUESTION] = {"question_back_unfit", "question_back_unfit",
                                  "question_back_unfit", "question_back_unfit",
                                  "question_back_unfit", "question_back_unfit"},
    };
    return gen_faults_add(f, rules[w->what][wrong], err, "%s: %s", w->pointer, why);
}

int gen_wording_check(const struct gen_tool_generate *g, const struct gen_draft *d,
                      struct gen_str text, const struct gen_wording *w, struct gen_faults *f,
                      struct gen_error *err)
{
    char why[300];
    size_t n_words = gen_count_words(text);
    struct gen_str name = leaked_name(d, text);
    const char *toy = toy_value(d, text);
    int rc = GEN_OK;
    if (n_words < w->words_min || n_words > w->words_max) {
        (void)snprintf(why, sizeof(why), "%zu words; allowed are %zu to %zu", n_words, w->words_min,
                       w->words_max);
        rc = add(f, w, LENGTH, why, err);
    }
    if (rc == GEN_OK && (gen_check_has_leftovers(text) || gen_text_has_left_overs(text)))
        rc = add(f, w, LEFT_OVERS,
                 "it holds a placeholder or a token of a chat template; write plain words", err);
    if (rc == GEN_OK && gen_check_refers_to_context(text))
        rc = add(f, w, REFERS_TO_CONTEXT,
                 "it points at a text or picture that nobody sees; say what is meant", err);
    if (rc == GEN_OK && is_other_script(g, text))
        rc = add(f, w, OTHER_LANGUAGE, "it is not in the language asked for", err);
    if (rc == GEN_OK && name.n) {
        gen_utf8_format(why, sizeof(why),
                        "it holds the name \"%.*s\", which the person does not know; use words",
                        GEN_STR_ARG(name));
        rc = add(f, w, NAMES_A_TOOL, why, err);
    }
    if (rc == GEN_OK && toy) {
        (void)snprintf(why, sizeof(why), "\"%s\" is a toy value; use the values given", toy);
        rc = add(f, w, TOY_VALUE, why, err);
    }
    return rc;
}
