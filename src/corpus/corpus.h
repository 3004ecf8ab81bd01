/*
 * Chunks in. A corpus is a stream of chunks in a fixed order; it can be opened any number of times
 * and gives the same chunks each time. Drivers: LanceDB tables, JSON Lines, folders and files of
 * Markdown, text and source code. Nothing is read whole. All text is valid UTF-8: malformed bytes
 * become U+FFFD at this door, counted.
 */
#ifndef GEN_CORPUS_CORPUS_H
#define GEN_CORPUS_CORPUS_H

#include "base/log.h"
#include "base/str.h"

#include <stdbool.h>

enum gen_chunk_kind { GEN_CHUNK_TEXT = 0, GEN_CHUNK_CODE };

/* One chunk. Reference counted: steps of a pipeline share it. All views point into the chunk's own
 * memory. */
struct gen_chunk {
    size_t n_refs;
    uint64_t position;        /* from 0, in corpus order */
    enum gen_chunk_kind kind; /* code: from a table or file of code */
    /* Never empty: the column's value, else "<table or file>-<row>" with rows from 1; of files
     * "<relative path>#<n>" with n from 1. */
    struct gen_str id;
    struct gen_str content;
    struct gen_str
        source;           /* file name or path as the corpus gives it; "unknown" when it has none */
    struct gen_str title; /* may be empty */
    struct gen_str section;  /* heading path "A > B"; may be empty */
    struct gen_str language; /* programming language of code ("c", "python"), else empty */
};

/* Copies the texts of `model` into a new chunk with one reference; NULL when out of memory. */
struct gen_chunk *gen_chunk_new(const struct gen_chunk *model);
struct gen_chunk *gen_chunk_ref(struct gen_chunk *c);
void gen_chunk_unref(struct gen_chunk *c); /* NULL is fine */

/* Copied as far as the corpus needs them later, but for the log. */
struct gen_corpus_options {
    const char *path; /* database, table, file or folder */
    const char *const
        *tables; /* LanceDB tables, read one after the other; n_tables = 0: "text_chunks" */
    size_t n_tables;
    const char *lance_version;  /* LanceDB: a version's number, or the name of a tag; NULL: the
                                   newest.  GEN_EUSAGE for other inputs */
    const char *id_column;      /* NULL: id, chunk_id */
    const char *content_column; /* NULL: content, text */
    const char *source_column;  /* NULL: source_file, source, path; in LanceDB tables these in a
                                   struct "metadata" or "meta" too, or file_path, file_name there.
                                   "a.b" names the member b of the struct column a */
    size_t chunk_chars; /* files: wanted size of a chunk in characters, 100 to 1,000,000; 0: 1,500.
                           No chunk is over twice that (corpus/chunker.h has the rules) */
    size_t overlap_chars; /* files: characters repeated from the chunk before at most, in whole
                             sentences or lines; up to half of chunk_chars; 0: none */
    uint64_t max_chunks;  /* 0: all */
    const struct gen_log
        *log; /* for warnings (malformed rows are counted and named); may be NULL */
};

struct gen_corpus_counts {
    uint64_t n_rows;      /* rows or chunks seen */
    uint64_t n_malformed; /* rows that are no chunk: not JSON, no object, no text, a blank or null
                             text */
    uint64_t n_cleaned;   /* chunks with malformed UTF-8 */
    char first_malformed[256]; /* file, row and reason of the first; "" when there is none */
};

struct gen_corpus;
struct gen_loop;

/* A corpus driver. `recognises` looks at the path only. The list is handed down from main. */
struct gen_corpus_driver {
    const char *name; /* "lancedb", "jsonl", "files" */
    bool (*recognises)(const char *path);
    int (*open)(void **state, const struct gen_corpus_options *options, struct gen_error *err);
    /* Exact number of chunks of files; number of rows of tables and JSON Lines. May cost a pass
     * over the input. Does not disturb `next`. GEN_EINPUT for standard input. */
    int (*count)(void *state, uint64_t *n, struct gen_error *err);
    /* The next chunk (one reference, the caller's), or `*out` = NULL at the end. Malformed rows are
     * counted and passed over. */
    int (*next)(void *state, struct gen_chunk **out, struct gen_corpus_counts *counts,
                struct gen_error *err);
    /* The same without waiting for a server: where the next chunk is still under way `*is_late` is
     * set and `*out` NULL, and the loop takes a turn when there is more to be had. NULL for drivers
     * that read from here only. */
    int (*try_next)(void *state, struct gen_loop *loop, struct gen_chunk **out, bool *is_late,
                    struct gen_corpus_counts *counts, struct gen_error *err);
    /* To the first chunk again, as when it was opened; NULL: it is to be opened anew. */
    void (*rewind)(void *state);
    void (*close)(void *state);
};

/* The three drivers, and a NULL-terminated list of them in the order they are asked. */
extern const struct gen_corpus_driver gen_corpus_lancedb;
extern const struct gen_corpus_driver gen_corpus_jsonl;
extern const struct gen_corpus_driver gen_corpus_files;
extern const struct gen_corpus_driver *const gen_corpus_drivers[];

/*
 * Opens with the first driver of the NULL-terminated list that recognises the path.
 *
 * GEN_EINPUT: no such path, an empty database or folder, an unknown table (the message names those
 * that exist), a missing column, an extension that is not read, a corrupt file, ... GEN_EUSAGE: an
 * option that does not fit the input (tables of a folder, a table named twice, sizes out of range).
 *
 * LanceDB: a database folder, or the folder of one table (then n_tables is 0), here, at s3:// (the
 * key, region and endpoint as corpus/remote/place.h says) or at https:// (which lists nothing: see
 * corpus/remote/store.h). Without tables
 * "text_chunks" is read; a database with one table of another name gives that one and says so.
 * JSON Lines: ".jsonl", ".ndjson", ".json" (lines or one array) and "-", standard input, which can
 * be opened once and not counted. Missing columns are searched in "metadata" too. Files: the rest.
 */
GEN_MUST_USE int gen_corpus_open(struct gen_corpus **out,
                                 const struct gen_corpus_driver *const *drivers,
                                 const struct gen_corpus_options *options, struct gen_error *err);
/* Number of chunks that gen_corpus_next gives in all, limited by max_chunks. Malformed rows of
 * tables and JSON Lines are in it, so there it is an upper bound. */
GEN_MUST_USE int gen_corpus_count(struct gen_corpus *c, uint64_t *n, struct gen_error *err);
/* The next chunk (one reference, the caller's), or `*out` = NULL at the end and ever after. Nothing
 * more is read once max_chunks were given. GEN_EINPUT also for a JSON Lines file without any valid
 * row. After a failure the corpus is at its end. */
GEN_MUST_USE int gen_corpus_next(struct gen_corpus *c, struct gen_chunk **out,
                                 struct gen_error *err);
/* The same for who has a loop to serve: never waits for a server. `*is_late`: the next chunk is
 * still under way (`*out` is NULL then); the loop takes a turn when it makes sense to ask again.
 * The loop must outlive the corpus. */
GEN_MUST_USE int gen_corpus_try_next(struct gen_corpus *c, struct gen_loop *loop,
                                     struct gen_chunk **out, bool *is_late, struct gen_error *err);
/* Makes the next chunk the first one again, of the same version of a table, and the account empty.
 * False: this corpus cannot, and must be opened anew. */
bool gen_corpus_rewind(struct gen_corpus *c);
/* The account so far; belongs to the corpus. */
const struct gen_corpus_counts *gen_corpus_counts(const struct gen_corpus *c);
void gen_corpus_close(struct gen_corpus *c);

#endif
