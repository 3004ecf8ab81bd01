#include "dataset/record.h"
#include "os/file.h"

#include <stdlib.h>

#define FIRST_BYTES_MAX ((size_t)4 << 20)

struct gen_record_writer {
    struct gen_file_writer *file;
    struct gen_buf scratch; /* one record, reused */
    struct gen_buf first;   /* lines for the front */
    uint64_t n;
    bool is_array;
};

int gen_record_writer_open(struct gen_record_writer **out, const char *path, struct gen_error *err)
{
    struct gen_record_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return gen_nomem(err, "a writer of records");
    w->scratch = gen_buf_make(GEN_BUF_UNLIMITED);
    w->first = gen_buf_make(FIRST_BYTES_MAX);
    w->is_array = gen_str_eq_nocase(gen_path_ext(gen_str_from(path)), GEN_STR(".json"));
    int rc = gen_file_writer_open(&w->file, path, err);
    if (rc) {
        gen_record_writer_close(w);
        return rc;
    }
    *out = w;
    return GEN_OK;
}

static int rewrite(struct gen_record_writer *w, struct gen_str record, enum gen_json_style style,
                   struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, record, err);
    if (rc)
        return gen_wrap(err, rc, "writing record %llu", (unsigned long long)w->n + 1);
    gen_buf_clear(&w->scratch);
    rc = gen_json_write(&w->scratch, gen_json_root(doc), style, err);
    gen_json_doc_free(doc);
    return rc;
}

/* Strings hold no raw line feeds, so that every one in the text is layout. */
static int add_indented(struct gen_record_writer *w, struct gen_error *err)
{
    struct gen_str rest = gen_buf_str(&w->scratch);
    int rc = gen_file_writer_add(w->file, w->n ? GEN_STR(",\n  ") : GEN_STR("[\n  "), err);
    while (rc == GEN_OK && rest.n) {
        size_t end = gen_str_find(rest, GEN_STR("\n"), 0);
        size_t n = end == SIZE_MAX ? rest.n : end + 1;
        rc = gen_file_writer_add(w->file, gen_str_sub(rest, 0, n), err);
        if (rc == GEN_OK && n < rest.n)
            rc = gen_file_writer_add(w->file, GEN_STR("  "), err);
        rest = gen_str_sub(rest, n, rest.n - n);
    }
    return rc;
}

/* The escape of the line separator that `s` starts with, or NULL: U+0085, U+2028 and U+2029 are
 * legal in JSON strings, but loaders that split text at every kind of line end cut a row there. */
static const char *escape_of(struct gen_str s, size_t *n)
{
    if (s.n >= 2 && memcmp(s.p, "\xC2\x85", 2) == 0) {
        *n = 2;
        return "\\u0085";
    }
    if (s.n < 3 || memcmp(s.p, "\xE2\x80", 2) != 0)
        return NULL;
    *n = 3;
    return s.p[2] == '\xA8' ? "\\u2028" : s.p[2] == '\xA9' ? "\\u2029" : NULL;
}

static size_t find_byte(struct gen_str s, int byte, size_t from)
{
    const char *p = from < s.n ? memchr(s.p + from, byte, s.n - from) : NULL;
    return p ? (size_t)(p - s.p) : s.n;
}

static int add_line(struct gen_record_writer *w, struct gen_str s, struct gen_error *err)
{
    int rc = GEN_OK;
    size_t start = 0;
    size_t c2 = find_byte(s, 0xC2, 0);
    size_t e2 = find_byte(s, 0xE2, 0);
    while (rc == GEN_OK && (c2 < s.n || e2 < s.n)) {
        size_t at = c2 < e2 ? c2 : e2;
        size_t n = 0;
        const char *escape = escape_of(gen_str_sub(s, at, 3), &n);
        if (escape) {
            rc = gen_file_writer_add(w->file, gen_str_sub(s, start, at - start), err);
            if (rc == GEN_OK)
                rc = gen_file_writer_add(w->file, gen_str_from(escape), err);
            start = at + n;
        }
        if (c2 < e2)
            c2 = find_byte(s, 0xC2, at + 1);
        else
            e2 = find_byte(s, 0xE2, at + 1);
    }
    if (rc == GEN_OK)
        rc = gen_file_writer_add(w->file, gen_str_sub(s, start, s.n - start), err);
    return rc == GEN_OK ? gen_file_writer_add(w->file, GEN_STR("\n"), err) : rc;
}

int gen_record_writer_add(struct gen_record_writer *w, struct gen_str record, struct gen_error *err)
{
    int rc;
    if (w->is_array) {
        rc = rewrite(w, record, GEN_JSON_PRETTY, err);
        if (rc == GEN_OK)
            rc = add_indented(w, err);
    } else if (find_byte(record, '\n', 0) < record.n || find_byte(record, '\r', 0) < record.n) {
        rc = rewrite(w, record, GEN_JSON_COMPACT, err);
        if (rc == GEN_OK)
            rc = add_line(w, gen_buf_str(&w->scratch), err);
    } else {
        rc = add_line(w, gen_str_trim(record), err);
    }
    w->n += rc == GEN_OK;
    return rc;
}

int gen_record_writer_add_row(struct gen_record_writer *w, struct gen_str row,
                              struct gen_error *err)
{
    if (w->is_array)
        return gen_record_writer_add(w, row, err);
    int rc = gen_file_writer_add(w->file, row, err);
    if (rc == GEN_OK)
        rc = gen_file_writer_add(w->file, GEN_STR("\n"), err);
    w->n += rc == GEN_OK;
    return rc;
}

int gen_record_writer_add_first(struct gen_record_writer *w, struct gen_str row, bool *is_added,
                                struct gen_error *err)
{
    *is_added = !w->is_array && gen_file_writer_is_whole(w->file) &&
                row.n + 1 < FIRST_BYTES_MAX - w->first.n;
    if (!*is_added)
        return GEN_OK;
    int rc = gen_buf_add_str(&w->first, row, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&w->first, '\n', err);
    w->n += rc == GEN_OK;
    return rc;
}

int gen_record_writer_commit(struct gen_record_writer *w, struct gen_error *err)
{
    int rc = w->first.n ? gen_file_writer_put_first(w->file, gen_buf_str(&w->first), err) : GEN_OK;
    if (rc)
        return rc;
    if (w->is_array)
        rc = gen_file_writer_add(w->file, w->n ? GEN_STR("\n]\n") : GEN_STR("[]\n"), err);
    return rc == GEN_OK ? gen_file_writer_commit(w->file, err) : rc;
}

uint64_t gen_record_writer_count(const struct gen_record_writer *w)
{
    return w->n;
}

void gen_record_writer_close(struct gen_record_writer *w)
{
    if (!w)
        return;
    gen_file_writer_close(w->file);
    gen_buf_release(&w->scratch);
    gen_buf_release(&w->first);
    free(w);
}
