/*
 * Private to dataset/: the literals of a running text, one by one. What counts is described at
 * gen_check_literals.
 */
#ifndef GEN_DATASET_LITERAL_SCAN_H
#define GEN_DATASET_LITERAL_SCAN_H

#include "dataset/checks/numbers.h"

enum gen_literal_kind {
    GEN_LITERAL_NUMBER,
    GEN_LITERAL_NAME,   /* identifier, file name, path, URL, option */
    GEN_LITERAL_SPAN,   /* between back-ticks */
    GEN_LITERAL_STRING, /* between double quotes */
};

struct gen_literal {
    enum gen_literal_kind kind;
    struct gen_str text;
    struct gen_number number; /* of GEN_LITERAL_NUMBER */
};

/* Starts with {text, 0}. */
struct gen_literal_scan {
    struct gen_str text;
    size_t at;
};

bool gen_literal_next(struct gen_literal_scan *scan, struct gen_literal *out);

#endif
