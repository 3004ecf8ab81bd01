/*
 * fuzz_store.h - what the fuzz targets share: a table of three files in memory, and a reader that
 * touches every byte that it is given.
 */
#ifndef LNC_FUZZ_STORE_H
#define LNC_FUZZ_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "lnc/lnc.h"

/* No single allocation may be larger; give libFuzzer a -malloc_limit_mb of a few times as much. */
#define FUZZ_ALLOC_MAX ((size_t)16 << 20)
/* Hostile tables claim any number of rows: a target stops here. */
#define FUZZ_ROWS_MAX 20000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_part {
    const uint8_t *bytes;
    size_t size;
};

/* Each name in data/ and _deletions/ is answered with the same bytes: the manifest is free to name
 * what it likes. */
struct fuzz_table {
    struct fuzz_part manifest;
    struct fuzz_part data;
    struct fuzz_part deletion;
    uint64_t version; /* that the name of the manifest says */
};

/* Opens the table; NULL if it is refused. `store` must outlive it. */
struct lnc_dataset *fuzz_open(struct fuzz_table *table, struct lnc_store *store);

/* Reads all readable columns up to FUZZ_ROWS_MAX rows, touches all values, and checks the promises
 * of lnc_batch.h; a broken one ends the process. */
void fuzz_scan(const struct lnc_dataset *ds);

/* Uses a sum over bytes that were touched, so that the compiler keeps the touching. */
static inline void fuzz_use(unsigned sum)
{
    __asm__ volatile("" : : "r"(sum));
}

/* Little-endian numbers and pieces from the input; zeros when it has ended. */
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};
uint32_t fuzz_take(struct fuzz_input *in, size_t n_bytes);
struct fuzz_part fuzz_take_part(struct fuzz_input *in, size_t n);

/* A growing file. Ends the process when memory is out. */
struct fuzz_file {
    uint8_t *bytes;
    size_t size;
    size_t room;
};
void fuzz_put(struct fuzz_file *file, const void *bytes, size_t n);
void fuzz_put_int(struct fuzz_file *file, uint64_t value, size_t n_bytes);
/* Fields of a protobuf message. */
void fuzz_put_varint(struct fuzz_file *file, uint64_t value);
void fuzz_put_number(struct fuzz_file *file, unsigned field, uint64_t value);
void fuzz_put_bytes(struct fuzz_file *file, unsigned field, const void *bytes, size_t n);
void fuzz_put_text(struct fuzz_file *file, unsigned field, const char *text);
void fuzz_put_message(struct fuzz_file *file, unsigned field, struct fuzz_file *message);
void fuzz_file_release(struct fuzz_file *file);

/* Puts a manifest message into the shape of a file: length, message, tail. */
void fuzz_put_manifest(struct fuzz_file *file, const void *message, size_t n);

#endif
