/* Private to tool/: what the parsers of the shapes share. */
#ifndef GEN_TOOL_PARSE_INT_H
#define GEN_TOOL_PARSE_INT_H

#include "tool/parse.h"

struct gen_tools_parser;

/* One tool as a parser found it. Views into the file; all but the name may be empty or NULL. */
struct gen_tool_draft {
    struct gen_str name, original_name, id, description, category, complexity;
    const struct gen_json *schema; /* JSON Schema of the arguments; NULL: none */
    struct gen_str schema_text;    /* the same as text, where a parser had to make it */
    /* object: parameter -> {"in","http_name","style","explode","content_type"}; NULL: none */
    const struct gen_json *places;
    const struct gen_json *returns, *output_schema, *examples, *annotations;
    struct gen_str method, path, base_url, content_type; /* of an HTTP operation */
    bool name_is_made;     /* by the parser: no sense in telling that it was changed */
    bool refs_stand_alone; /* of drafts before 2019-09 and OpenAPI 3.0 */
};

/* Checks the draft, reports what is wrong with it, and adds it to the output. */
GEN_MUST_USE int gen_tools_emit(struct gen_tools_parser *p, const struct gen_tool_draft *draft,
                                struct gen_error *err);
/* Reports about `tool` (empty: the file), in the words of printf. */
GEN_MUST_USE int gen_tools_report(struct gen_tools_parser *p, bool is_error, struct gen_str tool,
                                  struct gen_error *err, const char *format, ...) GEN_PRINTF(5, 6);

/* The parsers: each emits all tools of the file. */
GEN_MUST_USE int gen_tools_parse_native(struct gen_tools_parser *p, const struct gen_json *root,
                                        struct gen_error *err);
GEN_MUST_USE int gen_tools_parse_functions(struct gen_tools_parser *p, const struct gen_json *root,
                                           struct gen_error *err);
GEN_MUST_USE int gen_tools_parse_openapi(struct gen_tools_parser *p, const struct gen_json *root,
                                         struct gen_error *err);

#endif
