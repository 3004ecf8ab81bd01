/*
 * What the ledger costs: bench_ledger [answers] [answers a commit] [bytes an answer] [folder]
 * [bytes a chunk]. With bytes of a chunk, each answer brings a chunk of its own, as stage one does.
 * Random keys, as SHA-256 makes them. CPU time is the process's, user and system; the longest
 * commit shows what a checkpoint costs a loop turn. Run it on the disk that is meant, in a Release
 * build.
 */
#include "base/num.h"
#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct bench {
    struct gen_ledger *ledger;
    char path[4096];
    int64_t n, per_commit, n_bytes, n_chunk_bytes, run_id;
    char *text;
    uint64_t random;
};

static void check(int rc, const struct gen_error *err)
{
    if (rc == GEN_OK)
        return;
    (void)fprintf(stderr, "bench_ledger: %s\n", err->msg);
    exit(1);
}

static double wall_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage r;
    (void)getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* splitmix64 of the number: key i is the same in the writing and in the reading phase. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static struct gen_digest key_of(uint64_t i)
{
    struct gen_digest key;
    for (uint64_t part = 0; part < 4; part++) {
        uint64_t word = mix(4 * i + part);
        memcpy(key.bytes + 8 * part, &word, sizeof word);
    }
    return key;
}

static void report(const char *what, int64_t n, double wall, double cpu)
{
    (void)printf("%-34s %9.0f/s  %7.2f us wall  %7.2f us cpu\n", what, (double)n / wall,
                 wall / (double)n * 1e6, cpu / (double)n * 1e6);
}

static void put_chunk(struct bench *b, int64_t i)
{
    struct gen_error err;
    char id[32], source[32];
    struct gen_ledger_chunk c = {.title = GEN_STR("Journals"),
                                 .content = {b->text, (size_t)b->n_chunk_bytes}};

    (void)snprintf(id, sizeof id, "chunk-%07lld", (long long)i);
    (void)snprintf(source, sizeof source, "manual-%lld.md", (long long)i / 50);
    c.id = gen_str_from(id);
    c.source = gen_str_from(source);
    check(gen_ledger_chunk_put(b->ledger, &c, &err), &err);
}

/* The engine's rhythm: a turn commits the sends of the next group and the answers of the last. */
static void bench_write(struct bench *b)
{
    struct gen_error err;
    int64_t *ids = calloc((size_t)b->per_commit, sizeof *ids);
    double longest = 0, start = wall_s(), cpu = cpu_s();
    if (ids == NULL)
        exit(1);

    for (int64_t from = 0; from < b->n + b->per_commit; from += b->per_commit) {
        check(gen_ledger_begin(b->ledger, &err), &err);
        for (int64_t i = 0; i < b->per_commit; i++) {
            struct gen_digest now = key_of((uint64_t)(from + i));
            if (from > 0) {
                struct gen_digest before = key_of((uint64_t)(from + i - b->per_commit));
                struct gen_answer a = {.text = {b->text, (size_t)b->n_bytes},
                                       .finish = GEN_STR("stop"),
                                       .model = GEN_STR("gpt-4o-mini-2024-07-18"),
                                       .usage = {1500, 600, 1024, 0, 585, 0},
                                       .latency_us = 3141592,
                                       .answered_unix_us = 1795356694000000,
                                       .run_id = b->run_id};
                check(gen_ledger_attempt_answered(b->ledger, ids[i], &before, &a, &err), &err);
                if (b->n_chunk_bytes > 0)
                    put_chunk(b, from + i - b->per_commit);
            }
            if (from < b->n)
                check(gen_ledger_attempt_sent(b->ledger, &now, b->run_id, GEN_STR("generate"), 1,
                                              &ids[i], &err),
                      &err);
        }
        double before_commit = wall_s();
        check(gen_ledger_commit(b->ledger, &err), &err);
        double took = wall_s() - before_commit;
        if (took > longest)
            longest = took;
    }
    report(b->n_chunk_bytes > 0 ? "sent + answered + chunk + commit" : "sent + answered + commit",
           b->n, wall_s() - start, cpu_s() - cpu);
    (void)printf("%-34s %9.2f ms\n", "longest commit", longest * 1e3);
    free(ids);
}

static void bench_find(struct bench *b, const char *what, bool in_transaction, bool known)
{
    struct gen_error err;
    int64_t n = b->n < 100000 ? b->n : 100000;
    double start = wall_s(), cpu = cpu_s();

    for (int64_t i = 0; i < n; i++) {
        uint64_t number = mix((uint64_t)i) % (uint64_t)b->n + (known ? 0 : UINT64_C(1) << 40);
        struct gen_digest key = key_of(number);
        struct gen_answer a;
        bool found;
        if (in_transaction)
            check(gen_ledger_begin(b->ledger, &err), &err);
        check(gen_ledger_find(b->ledger, &key, &found, &a, &err), &err);
        if (found != known)
            exit(2);
        if (in_transaction && i % b->per_commit == 0)
            check(gen_ledger_commit(b->ledger, &err), &err);
    }
    check(gen_ledger_commit(b->ledger, &err), &err);
    report(what, n, wall_s() - start, cpu_s() - cpu);
}

static void report_size(const char *path, const char *suffix)
{
    char name[4200];
    struct stat st;
    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    if (stat(name, &st) == 0)
        (void)printf("%-34s %9.1f MB\n", suffix[0] ? suffix : "ledger", (double)st.st_size / 1e6);
}

static int64_t argument(int argc, char **argv, int index, int64_t fallback)
{
    struct gen_error err;
    int64_t value = fallback;
    if (index < argc)
        check(gen_num_i64(gen_str_from(argv[index]), 1, 100000000, argv[index], &value, &err),
              &err);
    return value;
}

int main(int argc, char **argv)
{
    struct gen_error err;
    struct bench b = {.n = argument(argc, argv, 1, 100000),
                      .per_commit = argument(argc, argv, 2, 64),
                      .n_bytes = argument(argc, argv, 3, 2048),
                      .n_chunk_bytes = argc > 5 ? argument(argc, argv, 5, 1500) : 0};
    int64_t n_text = b.n_bytes > b.n_chunk_bytes ? b.n_bytes : b.n_chunk_bytes;
    struct gen_run_info info = {GEN_STR("bench"), GEN_STR(""), GEN_STR("0"), 0};

    b.n = (b.n + b.per_commit - 1) / b.per_commit * b.per_commit;
    (void)snprintf(b.path, sizeof b.path, "%s/bench-%ld.ledger", argc > 4 ? argv[4] : "/tmp",
                   (long)getpid());
    b.text = malloc((size_t)n_text);
    if (b.text == NULL)
        return 1;
    memset(b.text, 'x', (size_t)n_text);
    (void)printf("%lld answers of %lld bytes, %lld a commit\n", (long long)b.n,
                 (long long)b.n_bytes, (long long)b.per_commit);
    check(gen_ledger_open(&b.ledger, &gen_ledger_sqlite, b.path, false, &err), &err);
    check(gen_ledger_run_begin(b.ledger, &info, &b.run_id, &err), &err);
    bench_write(&b);
    report_size(b.path, "");
    report_size(b.path, "-wal");
    bench_find(&b, "find, each alone", false, true);
    bench_find(&b, "find, in a turn", true, true);
    bench_find(&b, "find what is not there", true, false);
    double start = wall_s();
    struct gen_ledger_totals totals;
    check(gen_ledger_totals(b.ledger, 0, &totals, &err), &err);
    (void)printf("%-34s %9.2f ms\n", "totals", (wall_s() - start) * 1e3);
    start = wall_s();
    gen_ledger_close(b.ledger);
    (void)printf("%-34s %9.2f ms\n", "close", (wall_s() - start) * 1e3);
    start = wall_s();
    check(gen_ledger_open(&b.ledger, &gen_ledger_sqlite, b.path, false, &err), &err);
    (void)printf("%-34s %9.2f ms\n", "open again", (wall_s() - start) * 1e3);
    gen_ledger_close(b.ledger);
    (void)unlink(b.path);
    free(b.text);
    return 0;
}
