/* Where sentences end: a stop, an exclamation or question mark (also of Chinese and Japanese),
 * closing quotes and brackets behind it, white space, and then no small letter; not after initials,
 * common abbreviations and the number of a list item. */
#ifndef GEN_CORPUS_SENTENCE_H
#define GEN_CORPUS_SENTENCE_H

#include "base/str.h"

/* Byte at which the first sentence after the one at `from` starts, or text.n. Looks at the bytes
 * before `from` too, so `text` is the whole paragraph. */
size_t gen_sentence_next(struct gen_str text, size_t from);

#endif
