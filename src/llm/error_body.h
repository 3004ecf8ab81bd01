/* The error that a server's body tells about, in whichever shape it came (providers.md §0.8, §2.2):
 * object, string, element of an array, flat, FastAPI's detail. Private to llm/. */
#ifndef GEN_LLM_ERROR_BODY_H
#define GEN_LLM_ERROR_BODY_H

#include "llm/provider.h"

/* Views into the document; empty and -1: not said. */
struct gen_error_body {
    struct gen_str message;
    struct gen_str raw; /* what a gateway passes on from the server behind it */
    struct gen_str type, code, param;
    struct gen_str status;     /* Google's "RESOURCE_EXHAUSTED" */
    struct gen_str error_code; /* Anthropic's details.error_code */
    struct gen_str reason;     /* Google's ErrorInfo, OpenRouter's metadata.reasons */
    int64_t code_number;
    int64_t n_prompt, n_ctx;
    int64_t delay_ms; /* Google's RetryInfo */
    bool is_anthropic;
    bool is_per_day; /* one of Google's quota ids is a day's */
    bool is_moderated;
};

/* Reads the root of a body; NULL is fine. True when there is an error in it: a member "error" that
 * is not null, or one of the flat shapes. */
bool gen_error_body_read(const struct gen_json *root, struct gen_error_body *e);

/* The HTTP status that an error with this type, code or Google status has; 0: not known. */
int gen_error_body_status(const struct gen_error_body *e);

/* True when the message, or what a gateway passed on in it, has one of the words (without regard to
 * case; NULL-terminated). */
bool gen_error_body_says(const struct gen_error_body *e, const char *const *words);

/* The wait that the message asks for in words ("Please try again in 5.289s"). */
bool gen_error_text_delay(struct gen_str text, int64_t *delay_ms);

/* Whether the error is about a parameter that we could leave out or call by another name; sets
 * result->param and result->rename. */
bool gen_error_names_param(const struct gen_error_body *e, struct gen_llm_result *result);

/* Whether the error is about the contents of the answer's JSON Schema. */
bool gen_error_is_about_schema(const struct gen_error_body *e);

#endif
