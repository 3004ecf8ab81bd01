/* Puts the context into a question, so that it can be understood without the document. */
#include "llm/provider/extractive_int.h"

static bool contains(struct gen_str text, struct gen_str part)
{
    return part.n && gen_str_find_nocase(text, part, 0) != SIZE_MAX;
}

/* "In h5py, what ...": a second phrase in front of it would be one too many. */
static bool opens_with_phrase(struct gen_str core)
{
    size_t blank = gen_str_find(core, GEN_STR(" "), 0);
    size_t comma = gen_str_find(core, GEN_STR(", what "), 0);
    return comma != SIZE_MAX && blank < comma &&
           gen_extract_word_is(gen_str_sub(core, 0, blank), GEN_EXTRACT_PREPOSITION);
}

/* Is a word of the topic, by its first letters, in the question already? */
static bool shares_word(struct gen_str core, struct gen_str topic)
{
    size_t from = 0;
    while (from < topic.n) {
        size_t end = gen_str_find(topic, GEN_STR(" "), from);
        if (end == SIZE_MAX)
            end = topic.n;
        struct gen_str word = gen_str_sub(topic, from, end - from);
        if (word.n >= 4 && contains(core, gen_str_sub(word, 0, 5)))
            return true;
        from = end + 1;
    }
    return false;
}

/* The part of the section path before the first " > ". */
static struct gen_str chapter(const struct gen_extract *x)
{
    struct gen_str s = x->in->section;
    size_t at = gen_str_find(s, GEN_STR(" > "), 0);
    return at == SIZE_MAX ? (struct gen_str){"", 0} : gen_str_sub(s, 0, at);
}

static void put_lower_phrase(struct gen_extract *x, struct gen_extract_line *out,
                             struct gen_str phrase)
{
    size_t blank = gen_str_find(phrase, GEN_STR(" "), 0);
    struct gen_str first = gen_str_sub(phrase, 0, blank == SIZE_MAX ? phrase.n : blank);
    if (gen_extract_keeps_capital(x, first, blank == SIZE_MAX))
        gen_extract_put(out, phrase);
    else
        gen_extract_put_lower(out, phrase);
}

void gen_extract_finish_question(struct gen_extract *x, const struct gen_extract_question *q,
                                 uint64_t variant)
{
    struct gen_extract_line *out = &x->line2;
    struct gen_str core = gen_extract_line_str(&x->line);
    struct gen_str domain = contains(core, x->domain) ? GEN_STR("") : x->domain;
    /* "What is Zarr in HDF5?" would be wrong as often as right. */
    bool name = q->is_name && chapter(x).n && !contains(chapter(x), gen_str_sub(core, 8, core.n));
    if (name)
        domain = (struct gen_str){"", 0};
    bool topic = q->wants_topic && x->topic.n && !shares_word(core, x->topic);
    gen_extract_line_clear(out);
    if (topic) {
        gen_extract_put_c(out, "For ");
        gen_extract_put(out, x->topic);
        if (domain.n && !contains(x->topic, domain)) {
            gen_extract_put_c(out, " in ");
            gen_extract_put(out, domain);
        }
        gen_extract_put_c(out, ", ");
        gen_extract_put_lower(out, core);
    } else if (domain.n && !opens_with_phrase(core) &&
               (!q->is_short || (variant % 3 == 2 && gen_extract_n_words(core) > 3) ||
                gen_extract_n_words(core) > 12)) {
        gen_extract_put_c(out, "In ");
        gen_extract_put(out, domain);
        gen_extract_put_c(out, ", ");
        gen_extract_put_lower(out, core);
    } else if (domain.n) {
        gen_extract_put(out, core);
        gen_extract_put_c(out, gen_extract_n_words(core) < 4 ? " in the context of " : " in ");
        gen_extract_put(out, domain);
    } else if ((name || x->domain.n == 0) && chapter(x).n && !contains(core, chapter(x))) {
        gen_extract_put_c(out, "In the context of ");
        put_lower_phrase(x, out, chapter(x));
        gen_extract_put_c(out, ", ");
        gen_extract_put_lower(out, core);
    } else {
        gen_extract_put(out, core);
    }
    gen_extract_put_c(out, "?");
}
