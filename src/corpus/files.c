/* Folders and files of Markdown, reStructuredText, plain text and source code, cut into chunks. One
 * file is in memory at a time. */
#include "corpus/chunker.h"
#include "corpus/corpus_int.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX    ((size_t)256 << 20)
#define BINARY_PROBE      4096
#define OTHER_NAMES_BYTES 256

struct file_list {
    char **paths;
    size_t n, capacity;
    size_t n_root; /* bytes of each path before its relative part */
    uint64_t n_other;
    char other[OTHER_NAMES_BYTES]; /* extensions that were passed over, each once */
};

/* A walk over the files' chunks. */
struct cursor {
    size_t next_file;
    bool open;
    const char *path;     /* of the open file */
    struct gen_str name;  /* relative path */
    struct gen_str title; /* of the document, else the file's name */
    enum gen_doc_kind kind;
    bool cleaned;
    struct gen_buf text;
    struct gen_doc doc;
    struct gen_chunker chunker;
    uint64_t n; /* chunks of this file so far */
};

struct files {
    struct file_list list;
    size_t chunk_chars;
    size_t overlap_chars;
    const struct gen_log *log;
    struct cursor cursor;
};

/* -- which files -- */

static bool kind_of_path(struct gen_str path, enum gen_doc_kind *kind)
{
    static const struct {
        const char *extension;
        enum gen_doc_kind kind;
    } kinds[] = {
        {".md", GEN_DOC_MARKDOWN}, {".markdown", GEN_DOC_MARKDOWN}, {".mdx", GEN_DOC_MARKDOWN},
        {".rst", GEN_DOC_RST},     {".txt", GEN_DOC_TEXT},          {".text", GEN_DOC_TEXT},
    };
    struct gen_str ext = gen_path_ext(path);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (gen_str_eq_nocase(ext, gen_str_from(kinds[i].extension))) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    *kind = GEN_DOC_CODE;
    return gen_language_of_path(path) != NULL;
}

/* Fails with `what` followed by the extensions that are read. */
static int fail_with_extensions(struct gen_error *err, const char *path, const char *what)
{
    struct gen_buf names = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_language_extensions(&names, err);
    if (rc == GEN_OK)
        rc =
            gen_fail(err, GEN_EINPUT,
                     "%s %s: documents are read from .md .markdown .mdx .rst .txt .text, code from "
                     "%s, chunks from .jsonl .ndjson .json and LanceDB databases",
                     path, what, names.data);
    gen_buf_release(&names);
    return rc;
}

static void note_other(struct file_list *list, struct gen_str path)
{
    struct gen_str ext = gen_path_ext(path);
    size_t used = strlen(list->other);
    struct gen_str seen = {list->other, used};
    list->n_other++;
    if (ext.n == 0)
        ext = GEN_STR("(none)");
    for (size_t at = 0; (at = gen_str_find(seen, ext, at)) < used; at++) {
        char behind = list->other[at + ext.n];
        if (behind == ' ' || behind == '\0')
            return;
    }
    if (used + ext.n + 2 > sizeof(list->other))
        return;
    if (used)
        list->other[used++] = ' ';
    memcpy(list->other + used, ext.p, ext.n);
    list->other[used + ext.n] = '\0';
}

static int check_size(const char *path, struct gen_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return gen_fail_errno(err, GEN_EINPUT, errno, "cannot read %s", path);
    if ((uint64_t)st.st_size > FILE_BYTES_MAX)
        return gen_fail(err, GEN_EINPUT,
                        "%s is larger than 256 MB: split it, or give its chunks as JSON Lines",
                        path);
    return GEN_OK;
}

static int add_file(void *ud, const char *path, struct gen_error *err)
{
    struct file_list *list = ud;
    enum gen_doc_kind kind;
    if (!kind_of_path(gen_str_from(path), &kind)) {
        note_other(list, gen_str_from(path));
        return GEN_OK;
    }
    int rc = check_size(path, err);
    if (rc)
        return rc;
    if (list->n == list->capacity) {
        size_t wanted = list->capacity ? list->capacity * 2 : 64;
        char **bigger = reallocarray(list->paths, wanted, sizeof(*bigger));
        if (!bigger)
            return gen_nomem(err, "a list of files");
        list->paths = bigger;
        list->capacity = wanted;
    }
    char *copy = gen_str_dup(gen_str_from(path));
    if (!copy)
        return gen_nomem(err, "a path");
    list->paths[list->n++] = copy;
    return GEN_OK;
}

static int list_folder(struct file_list *list, const char *root, const struct gen_log *log,
                       struct gen_error *err)
{
    size_t n_root = strlen(root);
    list->n_root = n_root + (root[n_root - 1] != '/');
    int rc = gen_dir_walk(root, add_file, list, err);
    if (rc)
        return rc;
    if (list->n == 0 && list->n_other == 0)
        return gen_fail(err, GEN_EINPUT, "the folder %s holds no files", root);
    if (list->n == 0)
        return fail_with_extensions(err, root, "holds no file that can be read");
    if (list->n_other)
        gen_log(log, GEN_LOG_INFO, "files_skipped",
                "%llu files in %s have other extensions and are passed over: %s",
                (unsigned long long)list->n_other, root, list->other);
    return GEN_OK;
}

static int list_files(struct file_list *list, const char *path, const struct gen_log *log,
                      struct gen_error *err)
{
    enum gen_doc_kind kind;
    enum gen_file_kind what = gen_file_kind(path);
    if (what == GEN_FILE_DIRECTORY)
        return list_folder(list, path, log, err);
    if (what != GEN_FILE_REGULAR)
        return gen_fail(err, GEN_EINPUT, "%s is no regular file and no folder", path);
    if (!kind_of_path(gen_str_from(path), &kind))
        return fail_with_extensions(err, path, "has an extension that is not read");
    list->n_root = strlen(path) - gen_path_base(gen_str_from(path)).n;
    return add_file(list, path, err);
}

/* -- chunks of a file -- */

static void cursor_close_file(struct cursor *c)
{
    if (c->open) {
        gen_chunker_release(&c->chunker);
        gen_doc_release(&c->doc);
    }
    c->open = false;
    gen_buf_release(&c->text);
}

static bool is_binary(const struct gen_buf *text)
{
    size_t n = text->n < BINARY_PROBE ? text->n : BINARY_PROBE;
    return n && memchr(text->data, '\0', n);
}

/* Opens the next file that is text; c->open stays false when there is none. */
static int cursor_open_file(const struct files *f, struct cursor *c, const struct gen_log *log,
                            struct gen_error *err)
{
    while (c->next_file < f->list.n) {
        size_t n_replaced = 0;
        c->path = f->list.paths[c->next_file++];
        c->name = gen_str_from(c->path + f->list.n_root);
        (void)kind_of_path(c->name, &c->kind);
        c->text = gen_buf_make(FILE_BYTES_MAX);
        int rc = gen_file_read_all(&c->text, c->path, err);
        if (rc == GEN_OK && is_binary(&c->text)) {
            gen_log(log, GEN_LOG_WARN, "file_binary",
                    "%s is passed over: it holds zero bytes, so it is no text in UTF-8", c->path);
            gen_buf_release(&c->text);
            continue;
        }
        if (rc == GEN_OK)
            rc = gen_text_load(&c->text, &n_replaced, err);
        if (rc == GEN_OK)
            rc = gen_doc_init(&c->doc, gen_buf_str(&c->text), c->kind, err);
        if (rc) {
            gen_buf_release(&c->text);
            return gen_wrap(err, rc, "reading %s", c->path);
        }
        gen_chunker_init(&c->chunker, &c->doc, f->chunk_chars, f->overlap_chars);
        c->title = c->doc.title.n ? gen_buf_str(&c->doc.title) : gen_path_base(c->name);
        c->cleaned = n_replaced > 0;
        c->n = 0;
        c->open = true;
        return GEN_OK;
    }
    return GEN_OK;
}

/* The next chunk's text, over file borders. */
static int cursor_next(const struct files *f, struct cursor *c, const struct gen_log *log,
                       struct gen_piece *piece, bool *more, struct gen_error *err)
{
    for (;;) {
        if (!c->open) {
            int rc = cursor_open_file(f, c, log, err);
            if (rc)
                return rc;
            if (!c->open) {
                *more = false;
                return GEN_OK;
            }
        }
        int rc = gen_chunker_next(&c->chunker, piece, more, err);
        if (rc)
            return gen_wrap(err, rc, "cutting %s", c->path);
        if (*more) {
            c->n++;
            return GEN_OK;
        }
        cursor_close_file(c);
    }
}

/* -- the driver -- */

static bool files_recognises(const char *path)
{
    (void)path;
    return true; /* the last one to be asked: what it cannot read, it explains */
}

static void files_close(void *state)
{
    struct files *f = state;
    if (!f)
        return;
    cursor_close_file(&f->cursor);
    for (size_t i = 0; i < f->list.n; i++)
        free(f->list.paths[i]);
    free(f->list.paths);
    free(f);
}

static int check_options(const struct gen_corpus_options *o, size_t chunk_chars,
                         struct gen_error *err)
{
    if (o->n_tables || o->id_column || o->content_column || o->source_column)
        return gen_fail(err, GEN_EUSAGE, "%s is read as documents, which have no tables or columns",
                        o->path);
    if (o->lance_version)
        return gen_fail(err, GEN_EUSAGE,
                        "'%s' has no versions: --lance-version is for LanceDB tables only",
                        o->path);
    if (chunk_chars < GEN_CHUNK_CHARS_MIN || chunk_chars > GEN_CHUNK_CHARS_MAX)
        return gen_fail(err, GEN_EUSAGE,
                        "a chunk size of %zu characters is out of range: %d to %d are possible",
                        chunk_chars, GEN_CHUNK_CHARS_MIN, GEN_CHUNK_CHARS_MAX);
    if (o->overlap_chars > chunk_chars / 2)
        return gen_fail(err, GEN_EUSAGE,
                        "an overlap of %zu characters is over half of the chunk size of %zu",
                        o->overlap_chars, chunk_chars);
    return GEN_OK;
}

static int files_open(void **state, const struct gen_corpus_options *options, struct gen_error *err)
{
    size_t chunk_chars = options->chunk_chars ? options->chunk_chars : GEN_CHUNK_CHARS_DEFAULT;
    int rc = check_options(options, chunk_chars, err);
    if (rc)
        return rc;
    struct files *f = calloc(1, sizeof(*f));
    if (!f)
        return gen_nomem(err, "a corpus of files");
    f->chunk_chars = chunk_chars;
    f->overlap_chars = options->overlap_chars;
    f->log = options->log;
    rc = list_files(&f->list, options->path, options->log, err);
    if (rc) {
        files_close(f);
        return rc;
    }
    *state = f;
    return GEN_OK;
}

static int files_count(void *state, uint64_t *n, struct gen_error *err)
{
    struct files *f = state;
    struct cursor cursor = {0};
    struct gen_piece piece;
    uint64_t n_chunks = 0;
    bool more = true;
    int rc;
    for (;;) {
        rc = cursor_next(f, &cursor, NULL, &piece, &more, err);
        if (rc || !more)
            break;
        n_chunks++;
    }
    cursor_close_file(&cursor);
    if (rc == GEN_OK)
        *n = n_chunks;
    return rc;
}

static int files_next(void *state, struct gen_chunk **out, struct gen_corpus_counts *counts,
                      struct gen_error *err)
{
    struct files *f = state;
    struct cursor *c = &f->cursor;
    struct gen_piece piece;
    struct gen_chunk *chunk = NULL;
    bool more = false;
    int rc = cursor_next(f, c, f->log, &piece, &more, err);
    if (rc)
        return rc;
    if (!more) {
        *out = NULL;
        return GEN_OK;
    }
    struct gen_buf id = gen_buf_make(GEN_BUF_UNLIMITED);
    rc = gen_buf_printf(&id, err, "%.*s#%llu", GEN_STR_ARG(c->name), (unsigned long long)c->n);
    if (rc == GEN_OK) {
        struct gen_chunk model = {
            .kind = c->kind == GEN_DOC_CODE ? GEN_CHUNK_CODE : GEN_CHUNK_TEXT,
            .id = gen_buf_str(&id),
            .content = piece.content,
            .source = c->name,
            .title = c->title,
            .section = piece.section,
        };
        if (c->kind == GEN_DOC_CODE)
            model.language = gen_str_from(gen_language_of_path(c->name));
        uint64_t n_cleaned = counts->n_cleaned;
        rc = gen_chunk_clean(&chunk, &model, counts, err); /* a file's name may need it */
        if (rc == GEN_OK && c->cleaned && counts->n_cleaned == n_cleaned &&
            gen_str_find(piece.content, GEN_STR("\xEF\xBF\xBD"), 0) < piece.content.n)
            counts->n_cleaned++;
    }
    gen_buf_release(&id);
    if (rc)
        return rc;
    counts->n_rows++;
    *out = chunk;
    return GEN_OK;
}

const struct gen_corpus_driver gen_corpus_files = {
    .name = "files",
    .recognises = files_recognises,
    .open = files_open,
    .count = files_count,
    .next = files_next,
    .close = files_close,
};
