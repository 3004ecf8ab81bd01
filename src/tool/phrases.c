#include "tool/phrases.h"

#include <stdint.h>

bool gen_is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool gen_text_has_word(struct gen_str text, struct gen_str word)
{
    size_t at = gen_str_find_nocase(text, word, 0);
    while (at != SIZE_MAX) {
        size_t end = at + word.n;
        bool begins = at == 0 || !gen_is_name_byte(text.p[at - 1]);
        if (begins && (end == text.n || !gen_is_name_byte(text.p[end])))
            return true;
        at = gen_str_find_nocase(text, word, at + 1);
    }
    return false;
}

bool gen_text_has_any(struct gen_str text, const char *const *phrases, size_t n, const char **which)
{
    for (size_t i = 0; i < n; i++) {
        if (!gen_text_has_word(text, gen_str_from(phrases[i])))
            continue;
        if (which)
            *which = phrases[i];
        return true;
    }
    return false;
}

bool gen_text_offers(struct gen_str text, const char **which)
{
    static const char *const phrases[] = {
        "would you like me",    "do you want me to",   "shall i",          "should i",
        "let me know if",       "let me know whether", "feel free to",     "happy to help",
        "i'd be happy",         "i would be happy",    "i can instead",    "i could instead",
        "instead, i can",       "i can, however",      "alternatively, i", "i can also",
        "i could also",         "i can help you with", "if you like, i",   "if you want, i",
        "if you need anything", "anything else i can", "what i can do is"};
    return gen_text_has_any(text, phrases, sizeof(phrases) / sizeof(phrases[0]), which);
}

bool gen_text_promises(struct gen_str text, const char **which)
{
    static const char *const phrases[] = {
        "i'll",          "i will",      "let me",         "i'm going to", "i am going to",
        "i have opened", "i've opened", "i have created", "i've created", "i have sent",
        "i've sent",     "i have set",  "i have deleted", "i've deleted", "i've set"};
    return gen_text_has_any(text, phrases, sizeof(phrases) / sizeof(phrases[0]), which);
}
