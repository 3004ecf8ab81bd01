/* Recorded answers as data: a line names a provider, status, headers, body and what must be made of
 * them (providers.md §8). Shared by the tests of whole and of streamed answers. */
#ifndef GEN_TEST_VECTOR_CHECK_H
#define GEN_TEST_VECTOR_CHECK_H

#include "llm/provider.h"

extern const struct gen_provider *const gen_test_providers[];

/* Calls `fn` for each line of the JSON Lines file at `path`. Returns how many there were. */
typedef void gen_test_line_fn(const struct gen_json *line, void *ud);
size_t gen_test_for_each_line(const char *path, gen_test_line_fn *fn, void *ud);

/* llama.cpp and gateways are reached through the OpenAI-compatible providers. */
const struct gen_provider *gen_test_provider_of(const struct gen_json *line);

/* Status and headers of a line. Views into the line, and into `headers`, which the caller
 * releases. */
void gen_test_response(const struct gen_json *line, struct gen_http_response *response,
                       struct gen_buf *headers);

/* Compares every member of the line's "expect"; prints what differs and returns how much that is.
 * A member that is not known here counts as a difference. */
size_t gen_test_expect(const struct gen_json *line, const struct gen_llm_result *r);

#endif
