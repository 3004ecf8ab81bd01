#include "corpus_support.h"

#include "os/file.h"

#include <string.h>
#include <unistd.h>

int folder_setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    if (!f)
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "/tmp/gen-corpus-XXXXXX");
    *state = f;
    return mkdtemp(f->path) ? 0 : -1;
}

int folder_teardown(void **state)
{
    struct folder *f = *state;
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    int rc = system(command);
    free(f);
    return rc;
}

const char *folder_file(const struct folder *f, const char *name, struct gen_str data, char *path,
                        size_t path_bytes)
{
    (void)snprintf(path, path_bytes, "%s/%s", f->path, name);
    char *dir = gen_str_dup(gen_path_dir(gen_str_from(path)));
    assert_non_null(dir);
    assert_int_equal(gen_dir_make(dir, NULL), GEN_OK);
    free(dir);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data.n ? data.p : "", 1, data.n, file), data.n);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void keep_line(void *ud, const char *line, size_t n)
{
    struct logged *l = ud;
    size_t used = strlen(l->text);
    l->n_lines++;
    if (used + n < sizeof(l->text)) {
        memcpy(l->text + used, line, n);
        l->text[used + n] = '\0';
    }
}

void logged_init(struct logged *l)
{
    *l = (struct logged){.log = {GEN_LOG_DEBUG, false, keep_line, l}};
}

int chunks_read(struct chunks *chunks, const struct gen_corpus_options *options,
                struct gen_error *err)
{
    struct gen_corpus *corpus = NULL;
    *chunks = (struct chunks){0};
    int rc = gen_corpus_open(&corpus, gen_corpus_drivers, options, err);
    if (rc)
        return rc;
    if (strcmp(options->path, "-") != 0)
        rc = gen_corpus_count(corpus, &chunks->counted, err);
    while (rc == GEN_OK) {
        struct gen_chunk *chunk = NULL;
        rc = gen_corpus_next(corpus, &chunk, err);
        if (rc || !chunk)
            break;
        assert_true(chunks->n < CHUNKS_MAX);
        assert_int_equal(chunk->position, chunks->n);
        assert_int_equal(chunk->n_refs, 1);
        chunks->items[chunks->n++] = chunk;
    }
    chunks->counts = *gen_corpus_counts(corpus);
    gen_corpus_close(corpus);
    return rc;
}

void chunks_free(struct chunks *chunks)
{
    for (size_t i = 0; i < chunks->n; i++)
        gen_chunk_unref(chunks->items[i]);
    chunks->n = 0;
}

void assert_str(struct gen_str got, const char *want)
{
    if (!gen_str_is(got, want))
        fail_msg("got '%.*s', wanted '%s'", GEN_STR_ARG(got), want);
}

void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}
