/* Private to dataset/export/: what formats share. */
#ifndef GEN_DATASET_EXPORT_COMMON_H
#define GEN_DATASET_EXPORT_COMMON_H

#include "dataset/export.h"

#define GEN_PLACES_MESSAGE                                                                         \
    (1U << GEN_REASONING_FIELD | 1U << GEN_REASONING_THINKING | 1U << GEN_REASONING_INLINE |       \
     1U << GEN_REASONING_DROP)
#define GEN_PLACES_TEXT (1U << GEN_REASONING_INLINE | 1U << GEN_REASONING_DROP)

/* Writes the words of turn `i` as a string: with the folded system text in front of the first, and
 * the chain of thought in think tags in front of an answer where it goes there. */
void gen_export_content(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                        const char *key, struct gen_jt *t);
/* The same as parts of a string that the caller has begun. */
void gen_export_words(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                      struct gen_jt *t);

#endif
