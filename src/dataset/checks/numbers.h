/*
 * Private to dataset/: numbers in running text. 1,024 is 1024, 64 KB is 64KB, 0.50 is not 0.5 (a
 * version could differ), 1.0 is 1.
 */
#ifndef GEN_DATASET_NUMBERS_H
#define GEN_DATASET_NUMBERS_H

#include "base/str.h"

#include <stdint.h>

struct gen_number {
    size_t n;          /* bytes of the number and of a unit that is part of it */
    uint64_t any;      /* hash of the value */
    uint64_t bare;     /* hash of "the value without a unit" */
    uint64_t full;     /* hash of value and unit; 0 when it has none */
    bool is_grouped;   /* has separators of thousands; may be a list just as well */
    bool unit_unknown; /* letters stick to the number: 2D, 4x */
    bool is_ordinal;   /* 1st */
    bool is_small;     /* 0 to 12: `small` may stand in words */
    unsigned small;
};

/* Reads the number whose first digit is at `at`. */
void gen_number_read(struct gen_str s, size_t at, struct gen_number *out);
/* "three" for 3; up to 12. */
const char *gen_number_word(unsigned small);

#endif
