#include "dataset/folder.h"

#include "base/hash.h"
#include "dataset/info.h"
#include "os/file.h"
#include "os/folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MANIFEST           ".generator-export.json"
#define MANIFEST_BYTES_MAX ((size_t)64 << 20)
#define PATH_MAX_BYTES     16384U

struct gen_dataset_folder {
    struct gen_folder_writer *folder;
    char *path;
    char *name;
    struct gen_jb *manifest;
    struct gen_jmut *files; /* name: SHA-256, or "" for rows */
};

/* An entry of an existing folder, looked up in its manifest. */
struct entry_check {
    const char *folder;
    const char *below; /* "" or "data/" */
    const struct gen_json *files;
};

static int digest_hex(struct gen_str text, char *hex, struct gen_error *err)
{
    struct gen_digest d;
    int rc = gen_sha256(text, &d, err);
    if (rc == GEN_OK)
        gen_digest_hex(&d, GEN_SHA256_BYTES, hex);
    return rc;
}

static int check_unedited(const char *path, struct gen_str wanted, struct gen_error *err)
{
    char hex[GEN_HEX_CHARS + 1] = "";
    struct gen_buf text = gen_buf_make(MANIFEST_BYTES_MAX);
    int rc = gen_file_read_all(&text, path, err);
    if (rc == GEN_OK)
        rc = digest_hex(gen_buf_str(&text), hex, err);
    if (rc == GEN_OK && !gen_str_is(wanted, hex))
        rc = gen_fail(err, GEN_EUSAGE,
                      "%s was edited since it was exported, and exporting again would lose that; "
                      "move it away, or name another folder",
                      path);
    gen_buf_release(&text);
    return rc;
}

static int check_entry(void *ud, const char *name, bool is_folder, struct gen_error *err)
{
    const struct entry_check *c = ud;
    struct gen_buf key = gen_buf_make(PATH_MAX_BYTES);
    struct gen_buf path = gen_buf_make(PATH_MAX_BYTES);
    struct gen_str hash = {NULL, 0};
    bool is_top = c->below[0] == '\0';
    int rc = gen_buf_printf(&key, err, "%s%s", c->below, name);
    if (rc == GEN_OK)
        rc = gen_buf_printf(&path, err, "%s/%s", c->folder, key.data);
    if (rc == GEN_OK && is_top && is_folder && strcmp(name, "data") == 0) {
        struct entry_check below = {c->folder, "data/", c->files};
        rc = gen_folder_each(path.data, check_entry, &below, err);
    } else if (rc == GEN_OK && !(is_top && !is_folder && strcmp(name, MANIFEST) == 0)) {
        bool is_ours = !is_folder && gen_json_as_str(gen_json_get(c->files, key.data), &hash);
        if (!is_ours)
            rc = gen_fail(err, GEN_EUSAGE,
                          "the folder %s is not replaced: it has %s, which no export has written; "
                          "name another folder, or move that away",
                          c->folder, key.data);
        else if (hash.n)
            rc = check_unedited(path.data, hash, err);
    }
    gen_buf_release(&key);
    gen_buf_release(&path);
    return rc;
}

/* The manifest's list of files; a folder without one has none of ours. */
static int read_manifest(struct gen_json_doc **doc, const char *path, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(MANIFEST_BYTES_MAX);
    struct gen_buf name = gen_buf_make(PATH_MAX_BYTES);
    int rc = gen_path_join(&name, gen_str_from(path), GEN_STR(MANIFEST), err);
    if (rc == GEN_OK && gen_file_kind(name.data) == GEN_FILE_REGULAR) {
        struct gen_error parse = {0};
        rc = gen_file_read_all(&text, name.data, err);
        if (rc == GEN_OK && gen_json_parse(doc, gen_buf_str(&text), &parse) != GEN_OK)
            rc = gen_fail(err, GEN_EUSAGE, "the folder is not replaced: %s: %s", name.data,
                          parse.msg);
    }
    gen_buf_release(&text);
    gen_buf_release(&name);
    return rc;
}

static int check_replaceable(const char *path, struct gen_error *err)
{
    if (gen_file_kind(path) != GEN_FILE_DIRECTORY)
        return GEN_OK;
    struct gen_json_doc *doc = NULL;
    int rc = read_manifest(&doc, path, err);
    if (rc == GEN_OK) {
        struct entry_check c = {path, "", gen_json_get(gen_json_root(doc), "files")};
        rc = gen_folder_each(path, check_entry, &c, err);
    }
    gen_json_doc_free(doc);
    return rc;
}

int gen_dataset_folder_open(struct gen_dataset_folder **out, const char *path,
                            struct gen_error *err)
{
    int rc = check_replaceable(path, err);
    if (rc)
        return rc;
    struct gen_dataset_folder *f = calloc(1, sizeof(*f));
    if (!f)
        return gen_nomem(err, "a dataset folder");
    struct gen_str s = gen_str_from(path);
    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    f->path = gen_str_dup(s);
    f->name = gen_str_dup(gen_path_base(s));
    rc = f->path && f->name ? gen_jb_new(&f->manifest, err) : gen_nomem(err, "a path");
    if (rc == GEN_OK) {
        f->files = gen_jb_object(f->manifest);
        rc = gen_folder_writer_open(&f->folder, path, err);
    }
    if (rc) {
        gen_dataset_folder_close(f);
        return rc;
    }
    *out = f;
    return GEN_OK;
}

const char *gen_dataset_folder_name(const struct gen_dataset_folder *f)
{
    return f->name;
}

static void shard_name(char *out, size_t n, const char *split, uint64_t i, uint64_t n_shards)
{
    (void)snprintf(out, n, "data/%s-%05" PRIu64 "-of-%05" PRIu64 ".jsonl", split, i, n_shards);
}

static uint64_t shards_of(const struct gen_split *split, uint64_t n_shards)
{
    return split->n_rows < n_shards ? (split->n_rows ? split->n_rows : 1) : n_shards;
}

static int write_shard(struct gen_dataset_folder *f, struct gen_rowset *rows, size_t split,
                       uint64_t from, uint64_t to, const char *name, struct gen_error *err)
{
    struct gen_record_writer *w = NULL;
    struct gen_buf path = gen_buf_make(PATH_MAX_BYTES);
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_path_join(&path, gen_str_from(gen_folder_writer_temp(f->folder)),
                           gen_str_from(name), err);
    if (rc == GEN_OK)
        rc = gen_record_writer_open(&w, path.data, err);
    for (uint64_t i = from; rc == GEN_OK && i < to; i++) {
        rc = gen_rowset_read(rows, split, i, &text, err);
        if (rc == GEN_OK)
            rc = gen_record_writer_add_row(w, gen_buf_str(&text), err);
    }
    if (rc == GEN_OK)
        rc = gen_record_writer_commit(w, err);
    if (rc == GEN_OK)
        gen_jb_put_cstr(f->manifest, f->files, name, "");
    gen_record_writer_close(w);
    gen_buf_release(&path);
    gen_buf_release(&text);
    return rc;
}

int gen_dataset_folder_rows(struct gen_dataset_folder *f, struct gen_rowset *rows,
                            const struct gen_splits *splits, uint64_t n_shards,
                            struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t s = 0; rc == GEN_OK && s < splits->n; s++) {
        uint64_t n = shards_of(&splits->rows[s], n_shards);
        uint64_t n_rows = splits->rows[s].n_rows;
        for (uint64_t i = 0; rc == GEN_OK && i < n; i++) {
            char name[128];
            shard_name(name, sizeof(name), splits->rows[s].name, i, n);
            rc = write_shard(f, rows, s, n_rows * i / n, n_rows * (i + 1) / n, name, err);
        }
    }
    return rc;
}

int gen_dataset_folder_file(struct gen_dataset_folder *f, const char *name, struct gen_str text,
                            struct gen_error *err)
{
    char hex[GEN_HEX_CHARS + 1] = "";
    struct gen_buf path = gen_buf_make(PATH_MAX_BYTES);
    int rc = gen_path_join(&path, gen_str_from(gen_folder_writer_temp(f->folder)),
                           gen_str_from(name), err);
    if (rc == GEN_OK)
        rc = gen_file_write_all(path.data, text, err);
    if (rc == GEN_OK)
        rc = digest_hex(text, hex, err);
    if (rc == GEN_OK)
        gen_jb_put_cstr(f->manifest, f->files, name, hex);
    gen_buf_release(&path);
    return rc;
}

/* A folder may stand for its files when they are all of one dataset. */
static void put_split_info(const struct gen_dataset_folder *f, struct gen_jb *b,
                           struct gen_jmut *info, const struct gen_export_format *format,
                           struct gen_info_columns columns, const struct gen_splits *splits,
                           size_t s, uint64_t n_shards)
{
    char entry[512];
    char file[128];
    uint64_t n = shards_of(&splits->rows[s], n_shards);
    const char *split = splits->rows[s].name;
    if (splits->n == 1)
        (void)snprintf(entry, sizeof(entry), "%.400s", f->name);
    else
        (void)snprintf(entry, sizeof(entry), "%.400s_%s", f->name, split);
    if (n > 1 && splits->n == 1) {
        gen_info_put(b, info, entry, "data", format, columns);
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        if (n > 1)
            (void)snprintf(entry, sizeof(entry), "%.400s_%s_%05" PRIu64, f->name, split, i);
        shard_name(file, sizeof(file), split, i, n);
        gen_info_put(b, info, entry, file, format, columns);
    }
}

int gen_dataset_folder_info(struct gen_dataset_folder *f, const struct gen_export_format *format,
                            struct gen_info_columns columns, const struct gen_splits *splits,
                            uint64_t n_shards, struct gen_error *err)
{
    if (format->llamafactory == GEN_LLAMAFACTORY_NONE)
        return GEN_OK;
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(MANIFEST_BYTES_MAX);
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *info = gen_jb_object(b);
    for (size_t s = 0; s < splits->n; s++)
        put_split_info(f, b, info, format, columns, splits, s, n_shards);
    rc = gen_jb_write(b, info, GEN_JSON_PRETTY, &text, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&text, '\n', err);
    if (rc == GEN_OK)
        rc = gen_dataset_folder_file(f, "dataset_info.json", gen_buf_str(&text), err);
    gen_jb_free(b);
    gen_buf_release(&text);
    return rc;
}

int gen_dataset_folder_commit(struct gen_dataset_folder *f, struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(PATH_MAX_BYTES);
    struct gen_buf text = gen_buf_make(MANIFEST_BYTES_MAX);
    struct gen_jmut *root = gen_jb_object(f->manifest);
    gen_jb_put_cstr(f->manifest, root, "generator", GEN_VERSION);
    gen_jb_put(f->manifest, root, "files", f->files);
    int rc = gen_jb_write(f->manifest, root, GEN_JSON_PRETTY, &text, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&text, '\n', err);
    if (rc == GEN_OK)
        rc = gen_path_join(&path, gen_str_from(gen_folder_writer_temp(f->folder)),
                           GEN_STR(MANIFEST), err);
    if (rc == GEN_OK)
        rc = gen_file_write_all(path.data, gen_buf_str(&text), err);
    /* Looked at again: somebody may have put a file there in the meantime. */
    if (rc == GEN_OK)
        rc = check_replaceable(f->path, err);
    if (rc == GEN_OK)
        rc = gen_folder_writer_commit(f->folder, err);
    gen_buf_release(&path);
    gen_buf_release(&text);
    return rc;
}

void gen_dataset_folder_close(struct gen_dataset_folder *f)
{
    if (!f)
        return;
    gen_folder_writer_close(f->folder);
    gen_jb_free(f->manifest);
    free(f->path);
    free(f->name);
    free(f);
}
