/*
 * conform.c - compares every table of some databases with the rows that the official client read
 * from them.
 *
 *     lnc_conform DIR...       each DIR holds <table>.lance and <table>.jsonl
 *
 * Prints a line a table that differs and one line in the end. Exit status: 0 all equal, 1 something
 * differs, 2 usage, 77 (skipped, for ctest) when a DIR does not exist.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"

#define PATH_ROOM 4096

struct totals {
    unsigned n_equal;
    unsigned n_different;
    unsigned n_missing;
    unsigned long long n_skipped; /* columns that are not readable */
    unsigned long long n_rows;
};

static void check_table(const char *dir, const char *name, struct totals *totals)
{
    char path[PATH_ROOM];
    char jsonl[PATH_ROOM];
    struct expect_result result;
    (void)snprintf(path, sizeof path, "%s/%s.lance", dir, name);
    (void)snprintf(jsonl, sizeof jsonl, "%s/%s.jsonl", dir, name);
    if (access(jsonl, R_OK) != 0) {
        totals->n_missing++;
        return;
    }
    /* The second size makes batches end inside of chunks. */
    if (expect_table(path, jsonl, 0, &result) != 0 || expect_table(path, jsonl, 37, &result) != 0) {
        totals->n_different++;
        printf("DIFFERENT %s: %s\n", path, result.message);
        return;
    }
    totals->n_equal++;
    totals->n_rows += result.n_rows;
    totals->n_skipped += result.n_skipped;
}

static int check_database(const char *dir, struct totals *totals)
{
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *name = entries[i]->d_name;
        size_t size = strlen(name);
        if (size > 6 && strcmp(name + size - 6, ".lance") == 0) {
            name[size - 6] = '\0';
            check_table(dir, name, totals);
        }
        free(entries[i]);
    }
    free(entries);
    return n;
}

int main(int argc, char **argv)
{
    struct totals totals = {0};
    struct stat st;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: lnc_conform DIR...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &st) != 0) {
            printf("SKIPPED: %s does not exist\n", argv[i]);
            return 77;
        }
        if (check_database(argv[i], &totals) < 0)
            return 2;
    }
    printf("%u tables equal (%llu rows), %u different, %u without expected rows, %llu columns not "
           "readable\n",
           totals.n_equal, totals.n_rows, totals.n_different, totals.n_missing, totals.n_skipped);
    return totals.n_different > 0 || totals.n_equal == 0 ? 1 : 0;
}
