/* Messages for people: one line, bounded, without keys. */
#include "llm/provider.h"

#include <ctype.h>
#include <stdio.h>

/* How keys begin: OpenAI and Anthropic, Google, Groq, Hugging Face, xAI, Perplexity, NVIDIA. */
static const char *const key_starts[] = {"sk-", "AIza", "gsk_", "hf_", "xai-", "pplx-", "nvapi-"};
#define KEY_BYTES_MIN 8

static bool is_key_char(struct gen_str s, size_t i)
{
    if (i >= s.n)
        return false;
    unsigned char c = (unsigned char)s.p[i];
    if (isalnum(c) || (c && strchr("-_*+/=~", c)))
        return true;
    return c == '.' && i + 1 < s.n && isalnum((unsigned char)s.p[i + 1]);
}

static size_t key_length(struct gen_str s, size_t at)
{
    size_t n = 0;
    while (is_key_char(s, at + n))
        n++;
    return n;
}

static bool matches_at(struct gen_str s, size_t at, const char *word)
{
    struct gen_str w = gen_str_from(word);
    return gen_str_eq_nocase(gen_str_sub(s, at, w.n), w);
}

/* "Bearer" begins values, but also the names of things. */
static bool is_plain_word(struct gen_str word)
{
    static const char *const words[] = {"token",  "tokens", "auth",   "authentication",
                                        "scheme", "format", "header", "authorization",
                                        "or",     "and",    "is"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_eq_nocase(word, gen_str_from(words[i])))
            return true;
    }
    return false;
}

/* Where the value behind "api key: " begins; 0: none does. */
static size_t value_after_label(struct gen_str s, size_t at)
{
    static const char *const labels[] = {"api key", "api-key", "api_key", "apikey"};
    size_t i = 0;
    for (size_t k = 0; k < sizeof(labels) / sizeof(labels[0]) && i == 0; k++)
        i = matches_at(s, at, labels[k]) ? at + strlen(labels[k]) : 0;
    if (i == 0)
        return 0;
    if (matches_at(s, i, " provided"))
        i += strlen(" provided");
    if (i < s.n && (s.p[i] == '"' || s.p[i] == '\''))
        i++;
    if (i >= s.n || (s.p[i] != ':' && s.p[i] != '='))
        return 0;
    i++;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '"' || s.p[i] == '\''))
        i++;
    return key_length(s, i) >= KEY_BYTES_MIN ? i : 0;
}

/* When a key begins at `at`: how many of its bytes may be shown; SIZE_MAX: none begins. */
static size_t key_at(struct gen_str s, size_t at)
{
    for (size_t i = 0; i < sizeof(key_starts) / sizeof(key_starts[0]); i++) {
        struct gen_str start = gen_str_from(key_starts[i]);
        if (gen_str_eq(gen_str_sub(s, at, start.n), start) && key_length(s, at) >= KEY_BYTES_MIN)
            return start.n;
    }
    struct gen_str bearer = GEN_STR("bearer ");
    if (at >= bearer.n && matches_at(s, at - bearer.n, "bearer ")) {
        size_t n = key_length(s, at);
        return n && !is_plain_word(gen_str_sub(s, at, n)) ? 0 : SIZE_MAX;
    }
    return SIZE_MAX;
}

static size_t put(char *out, size_t n, size_t room, const char *text, size_t n_text)
{
    size_t take = n_text < room - 1 - n ? n_text : room - 1 - n;
    memcpy(out + n, text, take);
    return n + take;
}

void gen_llm_set_message(struct gen_llm_result *result, struct gen_str text)
{
    char out[sizeof(result->message)] = "";
    const size_t room = sizeof(out);
    size_t n = 0;
    size_t value = 0;
    text = gen_str_trim(text);
    for (size_t i = 0; i < text.n && n + 1 < room;) {
        bool starts_word = i == 0 || !isalnum((unsigned char)text.p[i - 1]);
        if (starts_word && value <= i) {
            size_t labelled = value_after_label(text, i);
            value = labelled ? labelled : value;
        }
        size_t shown = starts_word ? key_at(text, i) : SIZE_MAX;
        if (shown == SIZE_MAX && i == value && value)
            shown = 0;
        /* Servers echo a wrong key, and not all mask it. */
        if (shown != SIZE_MAX) {
            n = put(out, n, room, text.p + i, shown);
            n = put(out, n, room, "***", 3);
            i += key_length(text, i);
            continue;
        }
        unsigned char c = (unsigned char)text.p[i++];
        out[n++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    /* A cut in the middle of a character would make the failures file invalid UTF-8. */
    if (n + 1 >= room) {
        while (n > 0 && ((unsigned char)out[n - 1] & 0xC0U) == 0x80U)
            n--;
        if (n > 0 && (unsigned char)out[n - 1] >= 0xC0U)
            n--;
    }
    memcpy(result->message, out, n);
    result->message[n] = '\0';
}

bool gen_llm_text_refuses(struct gen_str text)
{
    static const char *const starts[] = {
        "i'm sorry, but i can",   "i’m sorry, but i can",  "i'm sorry, i can",
        "i’m sorry, i can",       "i am sorry, but i can", "sorry, but i can",
        "sorry, i can",           "i can't assist",        "i can't help",
        "i cannot assist",        "i cannot help",         "i can’t assist",
        "i can’t help",           "i'm unable to",         "i am unable to",
        "i’m unable to",          "i won't be able to",    "i cannot provide",
        "i can't provide",        "i can’t provide",       "as an ai",
        "i apologize, but i can", "i must decline",        "i cannot fulfill",
        "i can't fulfill",        "i'm not able to",       "i am not able to",
        "i’m not able to"};
    text = gen_str_trim(text);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (matches_at(text, 0, starts[i]))
            return true;
    }
    return false;
}
