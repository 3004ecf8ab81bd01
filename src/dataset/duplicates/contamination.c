#include "dataset/contamination.h"

#include "base/hash.h"
#include "dataset/duplicates/word_list.h"
#include "os/file.h"
#include "json/stream.h"

#include <stdlib.h>

#define PART_WORDS_MIN  8U /* a text of so many words is matched inside others */
#define WHOLE_WORDS_MIN 3U /* ... of so many, when it is the whole question */
#define FILES_MAX       256U
#define SLOTS_MIN       ((size_t)1 << 16)
#define WHOLE_FILE_MAX  ((size_t)256 << 20)
#define ROLL            UINT64_C(0x9E3779B97F4A7C15)

struct file {
    char *path;
    uint32_t first; /* the rows of all files count on */
};

struct gen_contamination {
    uint64_t *hashes; /* open addressing, 0 is free */
    uint32_t *rows;
    size_t n_slots, n;
    struct file files[FILES_MAX];
    size_t n_files;
    uint32_t n_rows;
    bool has_length[GEN_CONTAMINATION_WORDS + 1]; /* n-grams of so many words are in the index */
    uint64_t powers[GEN_CONTAMINATION_WORDS + 1]; /* of ROLL */
    struct gen_word_list words;
};

int gen_contamination_new(struct gen_contamination **out, struct gen_error *err)
{
    struct gen_contamination *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "the index of benchmarks");
    c->words = gen_word_list_make();
    c->powers[0] = 1;
    for (size_t i = 1; i <= GEN_CONTAMINATION_WORDS; i++)
        c->powers[i] = c->powers[i - 1] * ROLL;
    *out = c;
    return GEN_OK;
}

/* ---- the set of hashes ----------------------------------------------------------------------- */

static size_t slot_of(const struct gen_contamination *c, uint64_t hash)
{
    size_t i = (size_t)hash & (c->n_slots - 1);
    while (c->hashes[i] && c->hashes[i] != hash)
        i = (i + 1) & (c->n_slots - 1);
    return i;
}

size_t gen_contamination_bytes(const struct gen_contamination *c)
{
    return sizeof(*c) + c->n_slots * (sizeof(*c->hashes) + sizeof(*c->rows));
}

static int grow(struct gen_contamination *c, struct gen_error *err)
{
    struct gen_contamination old = *c;
    size_t n_slots = c->n_slots ? c->n_slots * 2 : SLOTS_MIN;
    if (n_slots * (sizeof(*c->hashes) + sizeof(*c->rows)) > GEN_CONTAMINATION_BYTES_MAX)
        return gen_fail(
            err, GEN_ELIMIT,
            "the benchmarks have too much text for an index of %zu MiB; give those that "
            "will be used to measure the model",
            GEN_CONTAMINATION_BYTES_MAX >> 20);
    uint64_t *hashes = calloc(n_slots, sizeof(*hashes));
    uint32_t *rows = calloc(n_slots, sizeof(*rows));
    if (!hashes || !rows) {
        free(hashes);
        free(rows);
        return gen_nomem(err, "the index of benchmarks");
    }
    c->hashes = hashes;
    c->rows = rows;
    c->n_slots = n_slots;
    for (size_t i = 0; i < old.n_slots; i++) {
        if (!old.hashes[i])
            continue;
        size_t slot = slot_of(c, old.hashes[i]);
        c->hashes[slot] = old.hashes[i];
        c->rows[slot] = old.rows[i];
    }
    free(old.hashes);
    free(old.rows);
    return GEN_OK;
}

static int put(struct gen_contamination *c, uint64_t hash, struct gen_error *err)
{
    int rc = c->n >= c->n_slots / 4 * 3 ? grow(c, err) : GEN_OK;
    if (rc)
        return rc;
    size_t slot = slot_of(c, hash);
    if (c->hashes[slot])
        return GEN_OK; /* the first row that has it is named */
    c->hashes[slot] = hash;
    c->rows[slot] = c->n_rows;
    c->n++;
    return GEN_OK;
}

/* ---- n-grams --------------------------------------------------------------------------------- */

/* A rolling polynomial over the words' hashes (Karp, Rabin 1987), modulo 2^64. */
struct roll {
    const struct gen_contamination *c;
    size_t length, at; /* `at`: the word behind the window */
    uint64_t sum;
};

static uint64_t gram_hash(uint64_t sum, size_t length)
{
    uint64_t hash = gen_hash_mix(sum ^ (uint64_t)length << 56);
    return hash ? hash : 1;
}

static bool roll_next(struct roll *r, uint64_t *hash)
{
    const struct gen_word_list *l = &r->c->words;
    if (r->at == 0) {
        if (l->n < r->length)
            return false;
        for (; r->at < r->length; r->at++)
            r->sum = r->sum * ROLL + l->words[r->at].hash;
    } else {
        if (r->at == l->n)
            return false;
        r->sum = (r->sum - l->words[r->at - r->length].hash * r->c->powers[r->length - 1]) * ROLL +
                 l->words[r->at].hash;
        r->at++;
    }
    *hash = gram_hash(r->sum, r->length);
    return true;
}

/* Signs tell two questions apart, but thirteen words in a row must be words: "2*3=<<2*3=6>>" stands
 * in many a calculation that has nothing to do with another. */
static int read_words(struct gen_contamination *c, struct gen_str text, struct gen_error *err)
{
    struct gen_word_list *l = &c->words;
    size_t n = 0;
    int rc = gen_word_list_read(l, text, err);
    for (size_t i = 0; rc == GEN_OK && i < l->n; i++) {
        const char *p = l->text.p + l->words[i].offset;
        bool is_word = false;
        for (size_t k = 0; k < l->words[i].n && !is_word; k++)
            is_word = ((unsigned char)p[k] & 0x80U) != 0 || (p[k] >= '0' && p[k] <= '9') ||
                      ((p[k] | 0x20) >= 'a' && (p[k] | 0x20) <= 'z');
        if (is_word)
            l->words[n++] = l->words[i];
    }
    if (rc == GEN_OK)
        l->n = n;
    return rc;
}

static int add_text(struct gen_contamination *c, struct gen_str text, bool *is_used,
                    struct gen_error *err)
{
    int rc = read_words(c, text, err);
    *is_used = rc == GEN_OK && c->words.n >= WHOLE_WORDS_MIN;
    if (!*is_used)
        return rc;
    size_t length = c->words.n < GEN_CONTAMINATION_WORDS ? c->words.n : GEN_CONTAMINATION_WORDS;
    struct roll r = {.c = c, .length = length};
    uint64_t hash = 0;
    while (rc == GEN_OK && roll_next(&r, &hash))
        rc = put(c, hash, err);
    c->has_length[length] = true;
    return rc;
}

static bool find_length(const struct gen_contamination *c, size_t length,
                        struct gen_contamination_hit *out)
{
    struct roll r = {.c = c, .length = length};
    uint64_t hash = 0;
    while (roll_next(&r, &hash)) {
        size_t slot = slot_of(c, hash);
        if (!c->hashes[slot])
            continue;
        size_t file = c->n_files;
        while (file > 1 && c->files[file - 1].first >= c->rows[slot])
            file--;
        *out = (struct gen_contamination_hit){
            .is_hit = true,
            .path = c->files[file - 1].path,
            .row = c->rows[slot] - c->files[file - 1].first,
            .words = gen_word_list_span(&c->words, r.at - length, length),
        };
        return true;
    }
    return false;
}

int gen_contamination_find(struct gen_contamination *c, struct gen_str text, bool is_question,
                           struct gen_contamination_hit *out, struct gen_error *err)
{
    int rc = read_words(c, text, err);
    if (rc)
        return rc;
    *out = (struct gen_contamination_hit){0};
    if (c->n == 0)
        return GEN_OK;
    for (size_t length = GEN_CONTAMINATION_WORDS; length >= PART_WORDS_MIN; length--) {
        if (c->has_length[length] && find_length(c, length, out))
            return GEN_OK;
    }
    if (is_question && c->words.n >= WHOLE_WORDS_MIN && c->words.n < PART_WORDS_MIN &&
        c->has_length[c->words.n])
        (void)find_length(c, c->words.n, out);
    return GEN_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int next_row(struct gen_contamination *c, struct gen_benchmark_stats *stats,
                    struct gen_error *err)
{
    if (c->n_rows == UINT32_MAX)
        return gen_fail(err, GEN_ELIMIT, "the benchmarks have more than %lu rows",
                        (unsigned long)UINT32_MAX);
    c->n_rows++;
    stats->n_rows++;
    return GEN_OK;
}

/* Every string below `v`. Parsed JSON is at most GEN_JSON_DEPTH_MAX deep. */
static int add_strings(struct gen_contamination *c, const struct gen_json *v,
                       struct gen_benchmark_stats *stats, struct gen_error *err)
{
    struct gen_json_iter stack[GEN_JSON_DEPTH_MAX + 1];
    size_t depth = 0;
    int rc = GEN_OK;
    while (rc == GEN_OK) {
        struct gen_str text;
        struct gen_str key;
        bool is_used = false;
        if (gen_json_as_str(v, &text)) {
            rc = add_text(c, text, &is_used, err);
            stats->n_texts += is_used;
        } else if (gen_json_count(v) && depth <= GEN_JSON_DEPTH_MAX) {
            gen_json_iter_init(&stack[depth++], v);
        }
        while (depth && !gen_json_iter_next(&stack[depth - 1], &key, &v))
            depth--;
        if (!depth)
            break;
    }
    return rc;
}

static int add_json(struct gen_contamination *c, struct gen_str text,
                    struct gen_benchmark_stats *stats, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error parse;
    int rc = next_row(c, stats, err);
    if (rc)
        return rc;
    rc = gen_json_parse(&doc, text, &parse);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a row of a benchmark");
    if (rc) {
        stats->n_malformed++;
        return GEN_OK;
    }
    rc = add_strings(c, gen_json_root(doc), stats, err);
    gen_json_doc_free(doc);
    return rc;
}

/* One object over several lines, as SQuAD has it: all of it is one row. */
static int add_whole(struct gen_contamination *c, const char *path,
                     struct gen_benchmark_stats *stats, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(WHOLE_FILE_MAX);
    int rc = gen_file_read_all(&text, path, err);
    if (rc == GEN_OK)
        rc = add_json(c, gen_buf_str(&text), stats, err);
    gen_buf_release(&text);
    return rc;
}

static int add_rows(struct gen_contamination *c, struct gen_file_reader *file, const char *path,
                    struct gen_benchmark_stats *stats, struct gen_error *err)
{
    struct gen_json_stream *stream = NULL;
    struct gen_json_record record;
    bool more = true;
    int rc = gen_json_stream_new(&stream, gen_file_reader_read, file, path, err);
    while (rc == GEN_OK && more) {
        rc = gen_json_stream_next(stream, &record, &more, err);
        if (rc == GEN_EINPUT && stats->n_rows == 0 && gen_file_kind(path) == GEN_FILE_REGULAR) {
            rc = add_whole(c, path, stats, err);
            break;
        }
        if (rc == GEN_OK && more)
            rc = add_json(c, record.text, stats, err);
    }
    gen_json_stream_free(stream);
    return rc;
}

static int add_line(struct gen_contamination *c, struct gen_str line,
                    struct gen_benchmark_stats *stats, struct gen_error *err)
{
    struct gen_error parse;
    bool is_used = false;
    int rc = next_row(c, stats, err);
    if (rc)
        return rc;
    rc = add_text(c, line, &is_used, &parse);
    stats->n_texts += is_used;
    stats->n_malformed += rc == GEN_EPARSE;
    if (rc && rc != GEN_EPARSE && err)
        *err = parse;
    return rc == GEN_EPARSE ? GEN_OK : rc;
}

static int add_lines(struct gen_contamination *c, struct gen_file_reader *file, const char *path,
                     struct gen_benchmark_stats *stats, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_JSON_RECORD_BYTES_MAX);
    size_t got = 1;
    int rc = GEN_OK;
    while (rc == GEN_OK && got) {
        rc = gen_buf_reserve(&text, (size_t)1 << 16, err);
        if (rc)
            break;
        rc = gen_file_reader_read(file, text.data + text.n, (size_t)1 << 16, &got, err);
        text.n += rc == GEN_OK ? got : 0;
        /* What stands behind the last line feed may go on. */
        struct gen_str rest = gen_buf_str(&text);
        struct gen_str line;
        size_t end = rest.n;
        while (got && end && rest.p[end - 1] != '\n')
            end--;
        rest.n = end;
        while (rc == GEN_OK && gen_str_next_line(&rest, &line))
            rc = add_line(c, line, stats, err);
        memmove(text.data, text.data + end, text.n - end);
        text.n -= end;
    }
    gen_buf_release(&text);
    return rc ? gen_wrap(err, rc, "reading %s", path) : GEN_OK;
}

static bool is_table_format(struct gen_str path)
{
    static const char *const endings[] = {".parquet", ".arrow", ".csv", ".tsv",
                                          ".gz",      ".zst",   ".zip", ".xlsx"};
    struct gen_str ext = gen_path_ext(path);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (gen_str_eq_nocase(ext, gen_str_from(endings[i])))
            return true;
    }
    return false;
}

static int add_file(struct gen_contamination *c, const char *path,
                    struct gen_benchmark_stats *stats, struct gen_error *err)
{
    struct gen_file_reader *file = NULL;
    struct file *f = &c->files[c->n_files];
    int rc = gen_file_reader_open(&file, path, err);
    if (rc)
        return rc;
    f->path = gen_str_dup(gen_str_from(path));
    f->first = c->n_rows;
    rc = f->path ? GEN_OK : gen_nomem(err, "the name of a benchmark");
    if (rc == GEN_OK) {
        c->n_files++;
        bool is_text = gen_str_eq_nocase(gen_path_ext(gen_str_from(path)), GEN_STR(".txt"));
        rc = is_text ? add_lines(c, file, path, stats, err) : add_rows(c, file, path, stats, err);
    }
    gen_file_reader_close(file);
    return rc;
}

int gen_contamination_add_file(struct gen_contamination *c, const char *path,
                               struct gen_benchmark_stats *stats, struct gen_error *err)
{
    struct gen_benchmark_stats sums = {0};
    if (c->n_files == FILES_MAX)
        return gen_fail(err, GEN_EUSAGE, "more than %u benchmark files", FILES_MAX);
    if (is_table_format(gen_str_from(path)))
        return gen_fail(err, GEN_EINPUT,
                        "cannot read the benchmark %s: only JSON, JSON Lines and .txt files (one "
                        "text a line) are read; convert it first",
                        path);
    int rc = add_file(c, path, &sums, err);
    if (rc)
        return gen_wrap(err, rc, "the benchmark");
    if (sums.n_texts == 0)
        return gen_fail(
            err, GEN_EINPUT,
            "the benchmark %s has no text of %u words or more in its %llu rows: nothing "
            "could match it",
            path, WHOLE_WORDS_MIN, (unsigned long long)sums.n_rows);
    *stats = sums;
    return GEN_OK;
}

void gen_contamination_free(struct gen_contamination *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_files; i++)
        free(c->files[i].path);
    free(c->hashes);
    free(c->rows);
    gen_word_list_release(&c->words);
    free(c);
}
