/* Functions of a piece of source code, found by the shape of its lines. Private to
 * llm/provider/extractive*.c. */
#ifndef GEN_LLM_PROVIDER_EXTRACTIVE_CODE_H
#define GEN_LLM_PROVIDER_EXTRACTIVE_CODE_H

#include "llm/provider/extractive_int.h"

struct gen_extract_function {
    struct gen_str name;
    struct gen_str doc;        /* comment or documentation string as running text */
    size_t doc_from, doc_to;   /* its lines */
    size_t line;               /* of the signature */
    size_t body_from, body_to; /* lines of the body */
    const char *noun;          /* "function", "subroutine" */
    bool returns;              /* a value */
    bool doc_is_sentence;      /* with subject and verb */
};

enum gen_extract_family {
    GEN_EXTRACT_BRACES,
    GEN_EXTRACT_PYTHON,
    GEN_EXTRACT_FORTRAN,
    GEN_EXTRACT_SHELL,
};

struct gen_extract_source {
    struct gen_str language_name; /* "C++" */
    enum gen_extract_family family;
    struct gen_str *lines;
    size_t n_lines;
    size_t n_code_lines; /* neither blank, comment nor import */
    struct gen_extract_function *functions;
    size_t n_functions;
};

GEN_MUST_USE int gen_extract_read_source(struct gen_extract *x, struct gen_extract_source *out,
                                         struct gen_error *err);
bool gen_extract_is_name_byte(char c);
/* Functions of libraries that the body calls, in the order of their first call. */
size_t gen_extract_calls(const struct gen_extract_source *s, const struct gen_extract_function *f,
                         struct gen_str *out, size_t n_max);
size_t gen_extract_call_line(const struct gen_extract_source *s,
                             const struct gen_extract_function *f, struct gen_str name);
/* Names of the parameters; 0 when the signature is not understood. */
size_t gen_extract_parameters(const struct gen_extract_source *s,
                              const struct gen_extract_function *f, struct gen_str *out,
                              size_t n_max);

#endif
