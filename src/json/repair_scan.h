/*
 * Private to json/: reads damaged JSON leniently from one opening bracket on and writes strict
 * JSON. Never recurses; nesting is limited to GEN_JSON_DEPTH_MAX; every byte is read a bounded
 * number of times.
 */
#ifndef GEN_JSON_REPAIR_SCAN_H
#define GEN_JSON_REPAIR_SCAN_H

#include "json/repair.h"

/* What a position in the grammar allows, and so what a quote may be followed by. */
enum gen_repair_place {
    GEN_PLACE_KEY,
    GEN_PLACE_MEMBER,  /* the value of an object's member */
    GEN_PLACE_ELEMENT, /* of an array */
};

struct gen_repair_scan {
    struct gen_str in; /* valid UTF-8 */
    size_t at;         /* next byte of `in` */
    struct gen_buf *out;
    unsigned steps;
    const char *expected; /* on failure: what should have stood at `at` */
    bool cut_off;         /* the text ended, or a fence closed it, before the root was closed */
    bool too_deep;        /* unfit because of GEN_JSON_DEPTH_MAX */
    bool has_member;      /* there is an object with something in it */
};

enum gen_repair_result {
    GEN_REPAIR_DONE,
    GEN_REPAIR_UNFIT,  /* not JSON, not even damaged: `at` and `expected` say where and why */
    GEN_REPAIR_FAILED, /* out of memory; `err` was written */
};

/* Reads the container that opens at k->at and appends strict JSON to k->out. */
enum gen_repair_result gen_repair_value(struct gen_repair_scan *k, struct gen_error *err);

/* Reads the string that opens at k->at with any kind of quote and appends it, quoted and escaped.
 * Sets k->cut_off when it does not end. */
enum gen_repair_result gen_repair_string(struct gen_repair_scan *k, enum gen_repair_place place,
                                         struct gen_error *err);

/* The quotation mark at `at`: '"' or '\'' for plain and typographic ones, 0 for none. */
char gen_repair_quote(struct gen_str in, size_t at, size_t *n_bytes);

/* Moves `at` over white space and comments. Notes steps. */
void gen_repair_skip(struct gen_repair_scan *k);

/* True for the bytes of bare keys: ASCII letters and digits, _ $ -, and all of non-ASCII. */
bool gen_repair_is_name(char c);

#endif
