/* K11 and K17: answers that say nothing, and what prompts and templates leave behind. */
#include "dataset/checks.h"
#include "dataset/checks/words.h"

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

/* In eight bytes each, so that words compare as one. */
static const char function_words[][8] = {
    "a",   "an",   "the",   "is",    "are",   "was",  "were",  "be",   "been",  "it",
    "its", "this", "that",  "these", "those", "of",   "to",    "in",   "on",    "at",
    "by",  "for",  "from",  "with",  "as",    "do",   "does",  "did",  "what",  "which",
    "who", "when", "where", "why",   "how",   "can",  "could", "will", "would", "should",
    "if",  "and",  "der",   "die",   "das",   "ist",  "sind",  "le",   "la",    "les",
    "est", "el",   "los",   "es",    "ein",   "eine", "un",    "une",  "una",
};

#define N_FUNCTION_WORDS (sizeof(function_words) / sizeof(function_words[0]))

static bool is_function_word(struct gen_str word)
{
    char padded[sizeof(function_words[0])] = "";
    if (word.n >= sizeof(padded) - 1)
        return false;
    for (size_t i = 0; i < word.n; i++)
        padded[i] = gen_ascii_lower(word.p[i]);
    bool yes = false;
    for (size_t i = 0; i < N_FUNCTION_WORDS; i++)
        yes |= memcmp(padded, function_words[i], sizeof(padded)) == 0;
    return yes;
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
    uint64_t common[N_FUNCTION_WORDS];
    size_t n_q = gen_word_hashes(question, q, WORDS_MAX);
    size_t n_a;
    if (n_q < WORDS_MAX && says_more(answer, q, n_q))
        return false;
    if (!collect(question, q, &n_q) || says_more(answer, q, n_q) || !collect(answer, a, &n_a) ||
        n_q == 0 || n_a == 0)
        return false;
    const size_t n_common = N_FUNCTION_WORDS;
    for (size_t i = 0; i < n_common; i++)
        (void)gen_word_hashes(gen_str_from(function_words[i]), common + i, 1);
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
