#include "corpus/corpus.h"

#include "corpus/remote/place.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

const struct gen_corpus_driver *const gen_corpus_drivers[] = {
    &gen_corpus_lancedb,
    &gen_corpus_jsonl,
    &gen_corpus_files,
    NULL,
};

struct gen_corpus {
    const struct gen_corpus_driver *driver;
    void *state;
    const struct gen_log *log;
    uint64_t max_chunks;
    uint64_t n_given;
    bool over; /* the end was reached or a call failed */
    struct gen_corpus_counts counts;
};

/* A file that is no table would otherwise be looked for as one. */
static int check_remote(const char *path, struct gen_error *err)
{
    static const char *const others[] = {".json", ".jsonl", ".ndjson", ".md",
                                         ".txt",  ".csv",   ".parquet"};
    struct gen_str ext = gen_path_ext(gen_str_from(path));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (gen_str_is(ext, others[i]))
            return gen_fail(
                err, GEN_EINPUT,
                "cannot read the %s file of a server: only LanceDB tables are read from "
                "there, so copy it here first",
                others[i]);
    }
    return GEN_OK;
}

static int check_path(const char *path, struct gen_error *err)
{
    struct stat st;
    if (!path || path[0] == '\0')
        return gen_fail(err, GEN_EUSAGE,
                        "no input was given: name a LanceDB database, a .jsonl file or a folder");
    if (strcmp(path, "-") == 0 || stat(path, &st) == 0)
        return GEN_OK;
    int reason = errno;
    if (gen_place_is_remote(path))
        return check_remote(path, err);
    if (strstr(path, "://"))
        return gen_fail(err, GEN_EINPUT,
                        "cannot read '%s': LanceDB tables are read from s3:// and https://, all "
                        "else from local paths, so copy the data here first",
                        path);
    return gen_fail_errno(err, GEN_EINPUT, reason, "cannot open the input '%s'", path);
}

static const struct gen_corpus_driver *recognise(const struct gen_corpus_driver *const *drivers,
                                                 const char *path)
{
    for (; *drivers; drivers++) {
        if ((*drivers)->recognises(path))
            return *drivers;
    }
    return NULL;
}

int gen_corpus_open(struct gen_corpus **out, const struct gen_corpus_driver *const *drivers,
                    const struct gen_corpus_options *options, struct gen_error *err)
{
    int rc = check_path(options->path, err);
    if (rc)
        return rc;
    const struct gen_corpus_driver *driver = recognise(drivers, options->path);
    if (!driver)
        return gen_fail(err, GEN_EINPUT,
                        "'%s' is no LanceDB database, no JSON Lines file and no folder or file of "
                        "documents",
                        options->path);
    struct gen_corpus *corpus = calloc(1, sizeof(*corpus));
    if (!corpus)
        return gen_nomem(err, "a corpus");
    corpus->driver = driver;
    corpus->log = options->log;
    corpus->max_chunks = options->max_chunks;
    rc = driver->open(&corpus->state, options, err);
    if (rc) {
        free(corpus);
        return rc;
    }
    *out = corpus;
    return GEN_OK;
}

int gen_corpus_count(struct gen_corpus *c, uint64_t *n, struct gen_error *err)
{
    uint64_t all = 0;
    int rc = c->driver->count(c->state, &all, err);
    if (rc)
        return rc;
    *n = c->max_chunks && all > c->max_chunks ? c->max_chunks : all;
    return GEN_OK;
}

int gen_corpus_try_next(struct gen_corpus *c, struct gen_loop *loop, struct gen_chunk **out,
                        bool *is_late, struct gen_error *err)
{
    struct gen_chunk *chunk = NULL;
    *is_late = false;
    if (c->over || (c->max_chunks && c->n_given == c->max_chunks)) {
        *out = NULL;
        return GEN_OK;
    }
    uint64_t n_cleaned = c->counts.n_cleaned;
    int rc = loop && c->driver->try_next
                 ? c->driver->try_next(c->state, loop, &chunk, is_late, &c->counts, err)
                 : c->driver->next(c->state, &chunk, &c->counts, err);
    if (rc) {
        c->over = true;
        return rc;
    }
    if (chunk) {
        chunk->position = c->n_given++;
        if (n_cleaned == 0 && c->counts.n_cleaned)
            gen_log(c->log, GEN_LOG_WARN, "malformed_utf8",
                    "chunk %.*s holds malformed UTF-8, which becomes U+FFFD here and in the chunks "
                    "after it",
                    GEN_STR_ARG(chunk->id));
    } else {
        c->over = !*is_late;
    }
    *out = chunk;
    return GEN_OK;
}

int gen_corpus_next(struct gen_corpus *c, struct gen_chunk **out, struct gen_error *err)
{
    bool is_late = false;
    return gen_corpus_try_next(c, NULL, out, &is_late, err);
}

bool gen_corpus_rewind(struct gen_corpus *c)
{
    if (!c->driver->rewind)
        return false;
    c->driver->rewind(c->state);
    c->counts = (struct gen_corpus_counts){.n_rows = 0};
    c->n_given = 0;
    c->over = false;
    return true;
}

const struct gen_corpus_counts *gen_corpus_counts(const struct gen_corpus *c)
{
    return &c->counts;
}

void gen_corpus_close(struct gen_corpus *c)
{
    if (!c)
        return;
    c->driver->close(c->state);
    free(c);
}
