/* How long the static verification of N tool records takes: `climb N FILE`. The rows of FILE, JSON
 * lines, are read N times in turn, each parsed from its text and led up the ladder (tool/ladder.h)
 * over the tools that it offers. Prints one JSON object. */
#include "base/num.h"
#include "os/file.h"
#include "os/loop.h"
#include "tool/ladder.h"

#include <stdio.h>

static int climb(struct gen_ladder *ladder, struct gen_str row, int64_t *n_good,
                 struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_climb c = {.rule = NULL};
    int rc = gen_json_parse(&doc, row, err);
    if (rc == GEN_OK)
        rc = gen_ladder_climb(ladder, gen_json_root(doc), &c, err);
    *n_good += rc == GEN_OK && !c.rule;
    gen_json_doc_free(doc);
    return rc;
}

static int climb_all(struct gen_ladder *ladder, struct gen_str text, int64_t n, int64_t *n_good,
                     struct gen_error *err)
{
    struct gen_str rest = text;
    int rc = GEN_OK;
    for (int64_t i = 0; i < n && rc == GEN_OK; i++) {
        struct gen_str row;
        if (!gen_str_next_line(&rest, &row)) {
            rest = text;
            if (!gen_str_next_line(&rest, &row))
                return gen_fail(err, GEN_EINPUT, "the file has no rows");
        }
        rc = climb(ladder, row, n_good, err);
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct gen_error err = {.code = GEN_OK};
    const struct gen_ladder_options o = {.tools = NULL};
    struct gen_ladder *ladder = NULL;
    struct gen_buf text = gen_buf_make((size_t)1 << 30);
    int64_t n = 0;
    int64_t n_good = 0;
    if (argc != 3 || gen_num_i64(gen_str_from(argv[1]), 1, 100000000, "N", &n, &err) != GEN_OK) {
        (void)fprintf(stderr, "usage: climb N FILE\n");
        return 2;
    }
    int rc = gen_file_read_all(&text, argv[2], &err);
    if (rc == GEN_OK)
        rc = gen_ladder_new(&ladder, &o, &err);
    uint64_t start_us = gen_loop_now_us();
    if (rc == GEN_OK)
        rc = climb_all(ladder, gen_buf_str(&text), n, &n_good, &err);
    double seconds = (double)(gen_loop_now_us() - start_us) / 1e6;
    if (rc == GEN_OK)
        (void)printf("{\"records\":%lld,\"passed\":%lld,\"seconds\":%.3f}\n", (long long)n,
                     (long long)n_good, seconds);
    else
        (void)fprintf(stderr, "climb: %s\n", err.msg);
    gen_ladder_free(ladder);
    gen_buf_release(&text);
    return rc == GEN_OK ? 0 : 1;
}
