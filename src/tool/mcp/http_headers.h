/* The request headers of streamable HTTP. Private to tool/mcp/. */
#ifndef GEN_TOOL_MCP_HTTP_HEADERS_H
#define GEN_TOOL_MCP_HTTP_HEADERS_H

#include "base/arena.h"
#include "json/json.h"

#define GEN_MCP_HEADERS_MAX 64U

struct gen_mcp_headers {
    const char *lines[GEN_MCP_HEADERS_MAX + 1]; /* NULL-terminated; borrowed, or in the arena */
    size_t n;
    struct gen_arena arena;
};

/* GEN_ELIMIT over GEN_MCP_HEADERS_MAX. */
GEN_MUST_USE int gen_mcp_headers_add(struct gen_mcp_headers *h, const char *line,
                                     struct gen_error *err);
/* "name: value"; a value that is no plain ASCII goes as =?base64?...?=. */
GEN_MUST_USE int gen_mcp_headers_put(struct gen_mcp_headers *h, const char *name,
                                     struct gen_str value, struct gen_error *err);
/* "Mcp-Param-X: value" for each argument whose schema has "x-mcp-header": "X" (revision
 * 2026-07-28): strings, integers and booleans, also inside of objects. */
GEN_MUST_USE int gen_mcp_headers_put_params(struct gen_mcp_headers *h,
                                            const struct gen_json *schema,
                                            const struct gen_json *arguments,
                                            struct gen_error *err);

#endif
