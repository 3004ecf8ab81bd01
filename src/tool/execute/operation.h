/*
 * One call of an OpenAPI operation as an HTTP request: what goes into path, query, header, cookie
 * and body, percent-encoded in the styles of OpenAPI 3.1 §4.8.12 (RFC 6570). Pure: nothing is sent.
 */
#ifndef GEN_TOOL_EXECUTE_OPERATION_H
#define GEN_TOOL_EXECUTE_OPERATION_H

#include "base/arena.h"
#include "tool/toolset.h"

#define GEN_OPERATION_HEADERS_MAX 64U

struct gen_operation {
    char method[16]; /* upper case */
    struct gen_buf url, body;
    bool has_body;
    const char *headers[GEN_OPERATION_HEADERS_MAX + 1]; /* NULL-terminated; in the arena */
    size_t n_headers;
    struct gen_arena arena;
};

/* Whether `url` can be a base: http or https, a host, no user, query, fragment or dot segments.
 * GEN_EUSAGE. */
GEN_MUST_USE int gen_operation_check_base(const char *url, struct gen_error *err);
/* `base` has been checked. GEN_EINPUT when the arguments fit into no request of this operation: a
 * part of the path is missing or would lead to another path, a header has a line break, the body is
 * of a kind that cannot be made. Release it also then. */
GEN_MUST_USE int gen_operation_build(struct gen_operation *op, const struct gen_tool *tool,
                                     const struct gen_json *arguments, struct gen_str base,
                                     struct gen_error *err);
/* One more header, "Name: value"; copied. GEN_EINPUT for a line break, GEN_ELIMIT for too many. */
GEN_MUST_USE int gen_operation_add_header(struct gen_operation *op, struct gen_str name,
                                          struct gen_str value, struct gen_error *err);
void gen_operation_release(struct gen_operation *op);
/* "get" of the tool's "http"; empty when the tool is no HTTP operation. */
struct gen_str gen_operation_method(const struct gen_tool *tool);

#endif
