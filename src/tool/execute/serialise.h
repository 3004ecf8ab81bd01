/* Values of parameters as text (OpenAPI 3.1 §4.8.12.2; RFC 6570). Private to tool/execute/. */
#ifndef GEN_TOOL_EXECUTE_SERIALISE_H
#define GEN_TOOL_EXECUTE_SERIALISE_H

#include "json/json.h"

struct gen_param_style {
    struct gen_str name;  /* as the service knows it */
    struct gen_str style; /* "form", "deepObject", ...; empty: the place's own */
    bool explode;
    bool is_json; /* the value goes as JSON text, in whatever place */
};

/* Of a parameter of the own form. */
struct gen_param_style gen_param_style_of(const struct gen_json *parameter);

/* The value without any encoding: strings as they are, all else as JSON. */
GEN_MUST_USE int gen_param_plain(const struct gen_json *value, struct gen_buf *out,
                                 struct gen_error *err);
/* Percent-encoded. */
GEN_MUST_USE int gen_param_in_path(const struct gen_param_style *s, const struct gen_json *value,
                                   struct gen_buf *out, struct gen_error *err);
/* "name=value", or several of them with & between; nothing for an empty array. */
GEN_MUST_USE int gen_param_in_query(const struct gen_param_style *s, const struct gen_json *value,
                                    struct gen_buf *out, struct gen_error *err);
/* Not encoded, and not checked. */
GEN_MUST_USE int gen_param_in_header(const struct gen_param_style *s, const struct gen_json *value,
                                     struct gen_buf *out, struct gen_error *err);
GEN_MUST_USE int gen_param_in_cookie(const struct gen_param_style *s, const struct gen_json *value,
                                     struct gen_buf *out, struct gen_error *err);

#endif
