/*
 * values.h - values of a batch as JSON.
 *
 * Where JSON has no form: an integer beyond 2^53 is {"$i":"123"}, a float that is no number
 * {"$f":"nan"}, {"$f":"inf"}, {"$f":"-inf"} or {"$f":"-0"}; binary, fixed_size_binary and strings
 * that are not UTF-8 {"$b":"hex"}; dates, times, timestamps and durations {"$t":"raw integer"} in
 * the unit of the column's type; decimals {"$raw":"hex"}, two's complement, little-endian. Structs
 * are objects, lists and vectors arrays, maps arrays of {"key":...,"value":...}.
 */
#ifndef LNC_TOOL_VALUES_H
#define LNC_TOOL_VALUES_H

#include <stdio.h>

#include "lnc/lnc.h"

/* Writes text as a JSON string, or as {"$b":...}. */
void print_text(FILE *out, const char *text, size_t size);

/* A key of an object: a JSON string always; bytes that are not UTF-8 become U+FFFD. */
void print_key(FILE *out, const char *text);

/* Row `row` of a batch as one object on a line. Returns 0, or -1 if the nesting is too deep. */
int print_row(FILE *out, const struct lnc_batch *batch, size_t row);

#endif
