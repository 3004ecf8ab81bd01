#include "ledger_support.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int ledger_fixture_set_up(void **state)
{
    struct ledger_fixture *f = calloc(1, sizeof *f);
    const char *root = getenv("TMPDIR");

    if (f == NULL)
        return -1;
    (void)snprintf(f->folder, sizeof f->folder, "%s/gen-ledger-XXXXXX", root ? root : "/tmp");
    if (mkdtemp(f->folder) == NULL || chmod(f->folder, 0755) != 0) {
        free(f);
        return -1;
    }
    (void)snprintf(f->path, sizeof f->path, "%s/run.ledger", f->folder);
    *state = f;
    return 0;
}

static void remove_files(const char *folder)
{
    struct dirent *entry;
    char name[1024];
    DIR *dir = opendir(folder);

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        (void)snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)remove(name);
    }
    (void)closedir(dir);
}

int ledger_fixture_tear_down(void **state)
{
    static const char *const inner[] = {"a/b/c", "a/b", "a", "locked"};
    struct ledger_fixture *f = *state;
    char name[512];

    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", f->folder, inner[i]);
        (void)chmod(name, 0700);
        remove_files(name);
        (void)rmdir(name);
    }
    remove_files(f->folder);
    int rc = rmdir(f->folder);
    free(f);
    return rc;
}

void must(int rc, const struct gen_error *err)
{
    if (rc != GEN_OK)
        fail_msg("code %d: %s", rc, err->msg);
}

struct gen_ledger *open_writer(const char *path)
{
    struct gen_error err;
    struct gen_ledger *l = NULL;

    must(gen_ledger_open(&l, &gen_ledger_sqlite, path, false, &err), &err);
    return l;
}

struct gen_ledger *open_reader(const char *path)
{
    struct gen_error err;
    struct gen_ledger *l = NULL;

    must(gen_ledger_open(&l, &gen_ledger_sqlite, path, true, &err), &err);
    return l;
}

struct gen_digest key_from(uint64_t number)
{
    struct gen_digest key;
    struct gen_str bytes = {(const char *)&number, sizeof number};
    struct gen_error err;

    must(gen_sha256(bytes, &key, &err), &err);
    return key;
}

struct gen_answer answer_from(uint64_t number, int64_t run_id, char text[64])
{
    int n = snprintf(text, 64, "answer %llu", (unsigned long long)number);

    return (struct gen_answer){
        .text = {text, (size_t)n},
        .finish = GEN_STR("stop"),
        .model = GEN_STR("m"),
        .usage = {100, 10, 0, 0, 7, 0},
        .latency_us = 1000,
        .answered_unix_us = 1700000000000000,
        .run_id = run_id,
    };
}

int64_t begin_run(struct gen_ledger *l)
{
    struct gen_run_info info = {GEN_STR("pipeline"), GEN_STR("--seed 7"), GEN_STR("0.2.0"), 7};
    struct gen_error err;
    int64_t run_id = 0;

    must(gen_ledger_run_begin(l, &info, &run_id, &err), &err);
    return run_id;
}

void put_answer(struct gen_ledger *l, int64_t run_id, uint64_t number)
{
    char text[64];
    struct gen_digest key = key_from(number);
    struct gen_answer a = answer_from(number, run_id, text);
    struct gen_error err;
    int64_t attempt_id = 0;

    must(gen_ledger_attempt_sent(l, &key, run_id, GEN_STR("generate"), 1, &attempt_id, &err), &err);
    must(gen_ledger_attempt_answered(l, attempt_id, &key, &a, &err), &err);
}

bool has_answer(struct gen_ledger *l, uint64_t number)
{
    char text[64];
    struct gen_digest key = key_from(number);
    struct gen_answer want = answer_from(number, 0, text), got;
    struct gen_error err;
    bool found = false;

    must(gen_ledger_find(l, &key, &found, &got, &err), &err);
    if (found && !gen_str_eq(got.text, want.text))
        fail_msg("answer %llu has the text '%.*s'", (unsigned long long)number,
                 GEN_STR_ARG(got.text));
    return found;
}

int count_files(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);

    if (dir == NULL)
        return -1;
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n - 2;
}
