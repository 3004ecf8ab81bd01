/* Corpora made of files in a temporary folder, and their chunks in one call. */
#ifndef CORPUS_SUPPORT_H
#define CORPUS_SUPPORT_H

#include "base/buf.h"
#include "corpus/corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CHUNKS_MAX 2000

struct folder {
    char path[64];
};

/* cmocka set-up and tear-down: *state is a struct folder. */
int folder_setup(void **state);
int folder_teardown(void **state);
/* Writes a file below the folder (with its folders) and gives its path, good until the next call
 * with the same `path`. */
const char *folder_file(const struct folder *f, const char *name, struct gen_str data, char *path,
                        size_t path_bytes);

struct logged {
    struct gen_log log;
    size_t n_lines;
    char text[16384];
};
void logged_init(struct logged *l);

struct chunks {
    size_t n;
    struct gen_chunk *items[CHUNKS_MAX];
    struct gen_corpus_counts counts;
    uint64_t counted; /* by gen_corpus_count */
};

/* Opens, counts and reads all; the status of the first failure. `chunks` must be freed in any case.
 */
int chunks_read(struct chunks *chunks, const struct gen_corpus_options *options,
                struct gen_error *err);
void chunks_free(struct chunks *chunks);

void assert_str(struct gen_str got, const char *want);
void assert_has(const char *text, const char *part);

#endif
