/* tool-pipeline on servers that are not ours: an official MCP server that lists its own tools, and
 * an HTTP service with its OpenAPI definition. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RULES      "--provider", "extractive", "--progress", "none"
#define LIMIT_S    240U
#define FILESYSTEM NODE_MODULES "/@modelcontextprotocol/server-filesystem/dist/index.js"

static const char library[] =
    "openapi: 3.0.3\n"
    "info: {title: Library, version: '1'}\n"
    "servers: [{url: 'https://elsewhere.example/v1'}]\n"
    "paths:\n"
    "  /books:\n"
    "    get:\n"
    "      operationId: listBooks\n"
    "      summary: List the books of an author\n"
    "      parameters:\n"
    "        - {name: author, in: query, required: true, schema: {type: string, example: "
    "Melville}}\n"
    "        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 50}}\n"
    "      responses: {'200': {description: ok}}\n"
    "    post:\n"
    "      operationId: addBook\n"
    "      summary: Add a book\n"
    "      requestBody: {required: true, content: {application/json: {schema: {type: object,\n"
    "        required: [title], properties: {title: {type: string}}}}}}\n"
    "      responses: {'201': {description: made}}\n"
    "  /books/{id}:\n"
    "    get:\n"
    "      operationId: getBook\n"
    "      summary: Get one book by its number\n"
    "      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]\n"
    "      responses: {'200': {description: ok}}\n";

static struct run *run_long(struct place *p, const char *const *args)
{
    const struct run_spec spec = {.args = args, .dir = p->dir, .limit_s = LIMIT_S};
    struct run *r = place_start(p, &spec);
    run_wait(r);
    return r;
}

/* Its tools are taken from the server itself, its files live in a sandbox. */
static void an_official_server(void **state)
{
    struct place *p = *state;
    if (access(FILESYSTEM, R_OK) != 0)
        skip();
    struct run *r =
        run_long(p, ARGS("tool-pipeline", "--mcp", NODE " " FILESYSTEM " {sandbox}", "--allow", "*",
                         "-o", "fs.jsonl", "-f", "jsonl", RULES, "--target-pairs", "8"));
    run_expect(r, 0);
    run_expect_says(r, "real on secure-filesystem-server");
    assert_int_equal(place_rows(p, "fs.jsonl"), 8);
    char name[256];
    assert_true(place_any_file_has(p, "/sandbox", name, sizeof(name)));
}

/* The port of a service that lives as long as its input. */
static void serve_api(struct place *p, char *url, size_t n)
{
    static const char *const args[] = {"-c", "sleep 120 | " FAKEAPI_PATH, NULL};
    const struct run_spec spec = {
        .program = "/bin/sh", .args = args, .dir = p->dir, .limit_s = LIMIT_S};
    struct run *r = place_start(p, &spec);
    char line[128] = "";
    for (unsigned i = 0; i < 100 && !strchr(line, '\n'); i++) {
        FILE *f = fopen(r->out_path, "r");
        run_sleep_ms(20);
        if (f && !fgets(line, sizeof(line), f))
            line[0] = '\0';
        if (f)
            (void)fclose(f);
    }
    const char *port = strrchr(line, ':');
    assert_non_null(port);
    (void)snprintf(url, n, "http://127.0.0.1:%ld/v1", strtol(port + 1, NULL, 10));
}

/* Calls go below --api-url, whatever the definition says; what changes something is not called. */
static void an_http_service(void **state)
{
    struct place *p = *state;
    char url[64];
    place_write(p, "api.yaml", library);
    serve_api(p, url, sizeof(url));
    struct run *r = run_long(p, ARGS("tool-pipeline", "api.yaml", "--api-url", url, "-o", "a.json",
                                     "-f", "jsonl", RULES, "--target-pairs", "8"));
    run_expect(r, 0);
    run_expect_said(r, ARGS(url, "addBook"));
    assert_true(place_rows(p, "a.json") > 0);
    char *text = place_read(p, "a.json", NULL);
    assert_non_null(strstr(text, "/v1/books"));
    free(text);
}

/* The key comes from the environment and stands in no file that we write. */
static void keys_stay_secret(void **state)
{
    struct place *p = *state;
    char url[64];
    char name[256];
    place_write(p, "api.yaml", library);
    serve_api(p, url, sizeof(url));
    struct run *r = place_run_env(p,
                                  ARGS("tool-pipeline", "api.yaml", "--api-url", url, "-o",
                                       "a.json", "-f", "jsonl", RULES, "--target-pairs", "4",
                                       "--tool-header", "X-Library: ${LIBRARY_TOKEN}"),
                                  ARGS("LIBRARY_TOKEN=tok-7f3a9c"));
    run_expect(r, 0);
    assert_null(strstr(r->err, "tok-7f3a9c"));
    if (place_any_file_has(p, "tok-7f3a9c", name, sizeof(name)))
        fail_msg("the key is in %s", name);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_official_server),
        TEST(an_http_service),
        TEST(keys_stay_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
