/* Words and turns of speech in running text, found by bytes: for names of tools in any language,
 * for turns of speech in English. Pure functions; all texts are valid UTF-8. */
#ifndef GEN_TOOL_PHRASES_H
#define GEN_TOOL_PHRASES_H

#include "base/str.h"

/* Letters and digits of ASCII, and '_'. */
bool gen_is_name_byte(char c);
/* Without regard to case, and as a whole: "list" is not in "list_keys". Empty words are nowhere. */
bool gen_text_has_word(struct gen_str text, struct gen_str word);
/* The first of the phrases that is in the text goes to `which` (may be NULL). */
bool gen_text_has_any(struct gen_str text, const char *const *phrases, size_t n,
                      const char **which);
/* An offer of further help, which neither a refusal nor a final answer should make. */
bool gen_text_offers(struct gen_str text, const char **which);
/* Says what will be done, or claims that it was: of a text without calls that cannot be true. */
bool gen_text_promises(struct gen_str text, const char **which);

#endif
