/* K11 and K17: answers that say nothing, and what prompts and templates leave behind. */
#include "dataset/checks.h"
#include "dataset/words.h"

#define WORDS_MAX 256

static bool has(const uint64_t *words, size_t n, uint64_t word)
{
    for (size_t i = 0; i < n; i++) {
        if (words[i] == word)
            return true;
    }
    return false;
}

/* Distinct words; false when there are too many to be an echo. */
static bool collect(struct gen_str text, uint64_t *words, size_t *n)
{
    struct gen_word w;
    size_t at = 0;
    *n = 0;
    while (gen_word_next(text, &at, &w)) {
        if (has(words, *n, w.hash))
            continue;
        if (*n == WORDS_MAX)
            return false;
        words[(*n)++] = w.hash;
    }
    return true;
}

static const char function_words[] =
    " a an the is are was were be been it its this that these those of to in on at by for from "
    "with as do does did what which who when where why how can could will would should if and "
    "der die das ist sind le la les est el los es ein eine un une una ";

static bool is_function_word(struct gen_str word)
{
    char spaced[8];
    if (word.n + 2 > sizeof(spaced))
        return false;
    spaced[0] = ' ';
    for (size_t i = 0; i < word.n; i++)
        spaced[i + 1] = gen_ascii_lower(word.p[i]);
    spaced[word.n + 1] = ' ';
    return memmem(function_words, sizeof(function_words) - 1, spaced, word.n + 2) != NULL;
}

/* A word that means something and is not in the question: the usual case, and a short way out. */
static bool says_more(struct gen_str answer, const uint64_t *q, size_t n_q)
{
    struct gen_word w;
    size_t at = 0;
    while (gen_word_next(answer, &at, &w)) {
        if (!has(q, n_q, w.hash) && !is_function_word(gen_str_sub(answer, w.offset, w.n)))
            return true;
    }
    return false;
}

/* A choice between two things may be answered with one of them. */
static bool offers_choice(struct gen_str question)
{
    return gen_str_find_nocase(question, GEN_STR(" or "), 0) != SIZE_MAX;
}

bool gen_check_is_echo(struct gen_str question, struct gen_str answer)
{
    uint64_t q[WORDS_MAX];
    uint64_t a[WORDS_MAX];
    uint64_t common[WORDS_MAX];
    size_t n_q;
    size_t n_a;
    if (!collect(question, q, &n_q) || says_more(answer, q, n_q) || !collect(answer, a, &n_a) ||
        n_q == 0 || n_a == 0)
        return false;
    size_t n_common = 0;
    (void)collect(gen_str_from(function_words), common, &n_common);
    size_t n_said = 0; /* words of the answer that mean something */
    size_t n_asked = 0;
    for (size_t i = 0; i < n_a; i++)
        n_said += !has(common, n_common, a[i]);
    for (size_t i = 0; i < n_q; i++)
        n_asked += !has(common, n_common, q[i]);
    if (n_said == n_asked)
        return true;
    return !offers_choice(question) && n_said * 2 >= n_asked;
}
