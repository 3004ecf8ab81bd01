/*
 * What a person can do about each class of failure. The result's message says what happened; this
 * says what to do now.
 */
#ifndef GEN_LLM_ADVICE_H
#define GEN_LLM_ADVICE_H

#include "llm/provider.h"

#define GEN_ADVICE_BYTES 400

/* One clause in the imperative, lower case, without a final stop, NUL-terminated, in the words of
 * this provider (the variable of its key, its own options). Empty for classes that ask for nothing:
 * ok, canceled. */
void gen_class_advice(enum gen_class c, const struct gen_provider *p, char out[GEN_ADVICE_BYTES]);

/* The class of a name ("rate_limit"); GEN_CLASS_NONE: it is none. */
enum gen_class gen_class_of_name(struct gen_str name);

#endif
