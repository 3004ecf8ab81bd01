/* How many tools/call round trips a second our MCP client makes with a server over standard input
 * and output:
 *   mcp_calls N WINDOW FIRST_TOOL ARGUMENTS TOOL ARGUMENTS COMMAND [ARG...]
 * The first tool is called once, untimed; then N calls, WINDOW of them under way at once. Prints
 * one JSON object. */
#include "base/num.h"
#include "os/loop.h"
#include "tool/mcp/mcp.h"

#include <stdio.h>
#include <stdlib.h>

struct bench {
    struct gen_loop *loop;
    struct gen_mcp *mcp;
    const char *first_tool, *first_arguments;
    const char *tool, *arguments;
    long n, n_sent, n_done, n_failed;
    long window;
    uint64_t start_us, end_us;
    char failure[400];
};

static void on_result(void *ud, const struct gen_mcp_result *result);

static void fail(struct bench *b, const char *why)
{
    (void)snprintf(b->failure, sizeof(b->failure), "%s", why);
    gen_loop_stop(b->loop);
}

static void send_next(struct bench *b)
{
    struct gen_error err = {.code = GEN_OK};
    while (b->n_sent < b->n && b->n_sent - b->n_done < b->window) {
        b->n_sent++;
        if (gen_mcp_call(b->mcp, gen_str_from(b->tool), gen_str_from(b->arguments), on_result, b,
                         NULL, &err) != GEN_OK) {
            fail(b, err.msg);
            return;
        }
    }
}

static void on_result(void *ud, const struct gen_mcp_result *result)
{
    struct bench *b = ud;
    b->n_done++;
    if (result->is_error && b->n_failed++ == 0)
        (void)snprintf(b->failure, sizeof(b->failure), "%.*s",
                       GEN_STR_ARG(gen_str_sub(result->observation, 0, 300)));
    if (b->n_done == b->n) {
        b->end_us = gen_loop_now_us();
        gen_loop_stop(b->loop);
    } else {
        send_next(b);
    }
}

static void on_first(void *ud, const struct gen_mcp_result *result)
{
    struct bench *b = ud;
    if (result->is_error) {
        char why[320];
        (void)snprintf(why, sizeof(why), "%.*s",
                       GEN_STR_ARG(gen_str_sub(result->observation, 0, 300)));
        fail(b, why);
        return;
    }
    b->start_us = gen_loop_now_us();
    send_next(b);
}

static void on_open(void *ud, const struct gen_error *failure)
{
    struct bench *b = ud;
    struct gen_error err = {.code = GEN_OK};
    if (failure)
        fail(b, failure->msg);
    else if (gen_mcp_call(b->mcp, gen_str_from(b->first_tool), gen_str_from(b->first_arguments),
                          on_first, b, NULL, &err) != GEN_OK)
        fail(b, err.msg);
}

int main(int argc, char **argv)
{
    struct bench b = {.window = 1};
    struct gen_error err = {.code = GEN_OK};
    static const char *const all[] = {"*", NULL};
    int64_t n = 0;
    int64_t window = 0;
    if (argc < 8 || gen_num_i64(gen_str_from(argv[1]), 1, 100000000, "N", &n, &err) != GEN_OK ||
        gen_num_i64(gen_str_from(argv[2]), 1, 100000, "WINDOW", &window, &err) != GEN_OK) {
        (void)fprintf(stderr, "usage: mcp_calls N WINDOW FIRST_TOOL ARGUMENTS TOOL ARGUMENTS "
                              "COMMAND [ARG...]\n");
        return 2;
    }
    b.n = (long)n;
    b.window = (long)window;
    b.first_tool = argv[3];
    b.first_arguments = argv[4];
    b.tool = argv[5];
    b.arguments = argv[6];
    const struct gen_mcp_options o = {
        .name = "server", .argv = (const char *const *)(argv + 7), .allow = all};
    int rc = gen_loop_new(&b.loop, &err);
    if (rc == GEN_OK)
        rc = gen_mcp_new(&b.mcp, b.loop, &o, &err);
    if (rc == GEN_OK) {
        gen_mcp_open(b.mcp, on_open, &b);
        rc = gen_loop_run(b.loop, &err);
    }
    double seconds = (double)(b.end_us - b.start_us) / 1e6;
    bool is_good = rc == GEN_OK && b.n_done == b.n && b.n_failed == 0;
    if (is_good)
        (void)printf("{\"calls\":%ld,\"window\":%ld,\"seconds\":%.6f,\"calls_a_second\":%.0f}\n",
                     b.n, b.window, seconds, (double)b.n / seconds);
    else
        (void)fprintf(stderr, "mcp_calls: %ld of %ld calls failed: %s\n", b.n_failed, b.n,
                      rc ? err.msg : b.failure);
    gen_mcp_free(b.mcp);
    gen_loop_free(b.loop);
    return is_good ? 0 : 1;
}
