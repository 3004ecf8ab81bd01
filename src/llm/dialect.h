/*
 * One JSON Schema per step, in the words that each server's grammar compiler takes (providers.md
 * §1.2 to §1.6). Keywords that a server refuses, or that slow its decoding, are left out; the
 * answer is checked against the whole schema afterwards by us (json/schema.h).
 */
#ifndef GEN_LLM_DIALECT_H
#define GEN_LLM_DIALECT_H

#include "base/buf.h"
#include "json/json.h"

enum gen_dialect {
    GEN_DIALECT_FULL = 0,  /* as it is */
    GEN_DIALECT_OPENAI,    /* strict: all properties required, no more than the known keywords */
    GEN_DIALECT_ANTHROPIC, /* no bounds, no pattern, oneOf as anyOf, additionalProperties false */
    GEN_DIALECT_GEMINI,    /* propertyOrdering; no lengths, no pattern */
    GEN_DIALECT_GRAMMAR, /* llama.cpp, Ollama, vLLM: without maxLength, which slows them 25 times */
};

/* Appends the schema as compact JSON. An optional property becomes required and nullable where the
 * dialect demands all. GEN_EUSAGE for a schema deeper than 32 levels, and for Anthropic
 * for one that refers to itself. */
GEN_MUST_USE int gen_dialect_render(enum gen_dialect d, const struct gen_json *schema,
                                    struct gen_buf *out, struct gen_error *err);

#endif
