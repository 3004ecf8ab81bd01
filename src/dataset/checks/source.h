/* Private to dataset/: a source text prepared for many checks. */
#ifndef GEN_DATASET_SOURCE_H
#define GEN_DATASET_SOURCE_H

#include "dataset/checks.h"

struct gen_source_text {
    struct gen_buf text;   /* normalised */
    char *folded;          /* the same with ASCII letters in lower case: same offsets */
    uint64_t *numbers;     /* hash set of what numbers.h gives, open addressing; 0 is free */
    size_t n_number_slots; /* a power of two, or 0 */
};

static inline struct gen_str gen_source_folded(const struct gen_source_text *s)
{
    return (struct gen_str){s->folded, s->text.n};
}

bool gen_source_has_number(const struct gen_source_text *s, uint64_t hash);

/* Offset of `needle` at or after `from`, not inside a longer word or number at either end, or
 * SIZE_MAX. */
size_t gen_find_whole(struct gen_str text, struct gen_str needle, size_t from);
/* The same in the source's normalised text; the first letter may have the other case, because
 * sentences begin with capitals. Changes needle's first byte and puts it back. */
size_t gen_source_find(const struct gen_source_text *s, char *needle, size_t n, size_t from);

#endif
