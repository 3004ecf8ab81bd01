/*
 * Tool definitions of any origin, brought into the program's own form. The shape is found by its
 * keys (formats.md §3.3): the own form, OpenAI (chat and Responses), Anthropic, MCP's tools/list,
 * OpenAPI 3.0 and 3.1, Swagger 2, BFCL. Schemas are kept as they were written; where a parameter
 * goes (path, query, header, body) is kept too, so that a call can be carried out.
 *
 * The own form, one object:
 *   {"name","version","description","format":"tools","tools":[{"tool_id","name","category",
 *    "description","parameters":[{"name","type","required","default","description","enum","in"}],
 *    "returns":{"type","description"},"examples":[...],"complexity":"simple|medium|complex",
 *    "input_schema":{JSON Schema of the arguments},"output_schema","annotations","http":{"method",
 *    "path","base_url","content_type"},"original_name"}]}
 * `parameters` is what people and prompts read; `input_schema` is what calls are checked against.
 * `in` says where a parameter of an HTTP operation goes (path, query, header, cookie, body,
 * whole_body); with it may stand what is not the rule of OpenAPI 3: "http_name" where the service
 * knows it by another name, "style", "explode", and "content_type" for a value that goes as text of
 * that type. `content_type` of "http" is that of a body that is no JSON.
 */
#ifndef GEN_TOOL_PARSE_H
#define GEN_TOOL_PARSE_H

#include "json/json.h"

enum gen_tool_shape {
    GEN_TOOLS_NATIVE = 0,
    GEN_TOOLS_OPENAI,
    GEN_TOOLS_ANTHROPIC,
    GEN_TOOLS_MCP,
    GEN_TOOLS_OPENAPI,
    GEN_TOOLS_SWAGGER,
    GEN_TOOLS_BFCL,
};
const char *gen_tool_shape_name(enum gen_tool_shape shape); /* "OpenAPI" */

/* Something about a tool that a user should know. Borrowed for the call. */
struct gen_tool_finding {
    bool is_error;       /* the tool is left out */
    struct gen_str tool; /* its name, or empty for the file */
    const char *why;     /* one clause: where, what, what to do */
};
typedef int gen_tool_finding_fn(void *ud, const struct gen_tool_finding *finding,
                                struct gen_error *err);

struct gen_tools_parsed {
    enum gen_tool_shape shape;
    size_t n_tools;
    size_t n_errors, n_warnings;
};

/*
 * Reads definitions and appends the own form's JSON text to `out`. `root` is the parsed file (JSON,
 * or YAML as JSON); `name` stands for the set where the file has no name of its own. Tools that
 * cannot be used are left out and reported; GEN_EPARSE when the file is no definition of tools at
 * all, GEN_EINPUT when none of its tools can be used. At most GEN_TOOLS_MAX tools (GEN_ELIMIT).
 */
#define GEN_TOOLS_MAX 10000
GEN_MUST_USE int gen_tools_parse(const struct gen_json *root, const char *name, struct gen_buf *out,
                                 struct gen_tools_parsed *parsed, gen_tool_finding_fn *on_finding,
                                 void *ud, struct gen_error *err);

#endif
