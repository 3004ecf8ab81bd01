#include "tool/mcp/cassette.h"

#include "base/hash.h"
#include "os/file.h"
#include "json/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES_MAX ((size_t)256 << 20)
#define CALLS_MAX      10000000U
#define SERVERS_MAX    1000U
#define KEY_BYTES      16U

struct entry {
    char key[33];
    char after[17];
    size_t row; /* the first one of equal keys is the one that is found */
    struct gen_json_doc *doc;
};

struct gen_cassette {
    char *path;
    struct gen_file_writer *writer; /* of a recording; NULL when it was loaded */
    char *noted[SERVERS_MAX];       /* servers whose tools are recorded */
    size_t n_noted;
    struct entry *entries; /* of a loaded one, sorted by key and row */
    size_t n_entries, n_entries_max;
    struct gen_json_doc *tools[SERVERS_MAX];
    size_t n_tools;
};

struct gen_cassette_count {
    uint64_t key;
    unsigned n;
};

/* ---- keys ---- */

struct member {
    struct gen_str key;
    const struct gen_json *value;
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int order = n ? memcmp(x->key.p, y->key.p, n) : 0;
    return order ? order : (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

static int write_canonical(struct gen_buf *out, const struct gen_json *v, struct gen_error *err);

static int write_key(struct gen_buf *out, struct gen_str key, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, gen_jb_str_view(b, key), GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

static int write_object(struct gen_buf *out, const struct gen_json *v, struct gen_error *err)
{
    size_t n = gen_json_count(v);
    struct member *members = calloc(n + 1, sizeof(*members));
    if (!members)
        return gen_nomem(err, "the arguments of a call");
    struct gen_json_iter it;
    gen_json_iter_init(&it, v);
    for (size_t i = 0; i < n && gen_json_iter_next(&it, &members[i].key, &members[i].value); i++)
        ;
    qsort(members, n, sizeof(*members), compare_members);
    int rc = gen_buf_add_char(out, '{', err);
    for (size_t i = 0; rc == GEN_OK && i < n; i++) {
        if (i)
            rc = gen_buf_add_char(out, ',', err);
        if (rc == GEN_OK)
            rc = write_key(out, members[i].key, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(out, ':', err);
        if (rc == GEN_OK)
            rc = write_canonical(out, members[i].value, err);
    }
    free(members);
    return rc ? rc : gen_buf_add_char(out, '}', err);
}

/* Members in the order of their keys, no white space. */
static int write_canonical(struct gen_buf *out, const struct gen_json *v, struct gen_error *err)
{
    if (gen_json_type(v) == GEN_JSON_OBJECT)
        return write_object(out, v, err);
    if (gen_json_type(v) != GEN_JSON_ARRAY)
        return gen_json_write(out, v, GEN_JSON_COMPACT, err);
    struct gen_json_iter it;
    const struct gen_json *element;
    gen_json_iter_init(&it, v);
    int rc = gen_buf_add_char(out, '[', err);
    for (bool is_first = true; rc == GEN_OK && gen_json_iter_next(&it, NULL, &element);
         is_first = false) {
        if (!is_first)
            rc = gen_buf_add_char(out, ',', err);
        if (rc == GEN_OK)
            rc = write_canonical(out, element, err);
    }
    return rc ? rc : gen_buf_add_char(out, ']', err);
}

void gen_cassette_track_release(struct gen_cassette_track *t)
{
    free(t->counts);
    *t = (struct gen_cassette_track){NULL, 0, 0};
}

/* How many calls of this hash came before; counts this one. */
static int count_call(struct gen_cassette_track *t, uint64_t key, unsigned *n,
                      struct gen_error *err)
{
    for (size_t i = 0; i < t->n_counts; i++) {
        if (t->counts[i].key == key) {
            *n = t->counts[i].n++;
            return GEN_OK;
        }
    }
    if (t->n_counts == CALLS_MAX)
        return gen_fail(err, GEN_ELIMIT, "an example has more than %u calls", CALLS_MAX);
    struct gen_cassette_count *more = realloc(t->counts, (t->n_counts + 1) * sizeof(*t->counts));
    if (!more)
        return gen_nomem(err, "the calls of an example");
    t->counts = more;
    t->counts[t->n_counts++] = (struct gen_cassette_count){key, 1};
    *n = 0;
    return GEN_OK;
}

int gen_cassette_next(struct gen_cassette_track *t, struct gen_str server, struct gen_str tool,
                      const struct gen_json *arguments, struct gen_cassette_key *key,
                      struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(LINE_BYTES_MAX);
    struct gen_digest digest;
    unsigned n = 0;
    /* A NUL cannot stand in a name or in JSON. */
    int rc = gen_buf_add_str(&text, server, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&text, '\0', err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&text, tool, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&text, '\0', err);
    if (rc == GEN_OK)
        rc = write_canonical(&text, arguments, err);
    uint64_t hash = gen_hash64(gen_buf_str(&text), 0);
    if (rc == GEN_OK)
        rc = count_call(t, hash, &n, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(&text, err, "%c%u", '\0', n);
    if (rc == GEN_OK)
        rc = gen_sha256(gen_buf_str(&text), &digest, err);
    gen_buf_release(&text);
    if (rc)
        return rc;
    char hex[GEN_HEX_CHARS + 1];
    gen_digest_hex(&digest, KEY_BYTES, hex);
    memcpy(key->key, hex, sizeof(key->key));
    (void)snprintf(key->after, sizeof(key->after), "%016" PRIx64, t->history);
    key->n = n;
    t->history = gen_hash64(GEN_STR("call"), t->history ^ hash) | 1U;
    return GEN_OK;
}

/* ---- recording ---- */

static int make(struct gen_cassette **out, const char *path, struct gen_error *err)
{
    struct gen_cassette *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "a recording");
    c->path = gen_str_dup(gen_str_from(path));
    if (!c->path) {
        free(c);
        return gen_nomem(err, "a path");
    }
    *out = c;
    return GEN_OK;
}

int gen_cassette_record(struct gen_cassette **out, const char *path, struct gen_error *err)
{
    struct gen_cassette *c = NULL;
    int rc = make(&c, path, err);
    if (rc)
        return rc;
    rc = gen_file_writer_open(&c->writer, path, err);
    if (rc)
        gen_cassette_free(c);
    else
        *out = c;
    return rc;
}

int gen_cassette_save(struct gen_cassette *c, struct gen_error *err)
{
    return gen_file_writer_commit(c->writer, err);
}

void gen_cassette_free(struct gen_cassette *c)
{
    if (!c)
        return;
    gen_file_writer_close(c->writer);
    for (size_t i = 0; i < c->n_noted; i++)
        free(c->noted[i]);
    for (size_t i = 0; i < c->n_tools; i++)
        gen_json_doc_free(c->tools[i]);
    for (size_t i = 0; i < c->n_entries; i++)
        gen_json_doc_free(c->entries[i].doc);
    free(c->entries);
    free(c->path);
    free(c);
}

static int add_line(struct gen_cassette *c, struct gen_jb *b, const struct gen_jmut *root,
                    struct gen_error *err)
{
    struct gen_buf line = gen_buf_make(LINE_BYTES_MAX);
    int rc = gen_jb_write(b, root, GEN_JSON_COMPACT, &line, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&line, '\n', err);
    if (rc == GEN_OK)
        rc = gen_file_writer_add(c->writer, gen_buf_str(&line), err);
    gen_buf_release(&line);
    return rc;
}

int gen_cassette_add(struct gen_cassette *c, const struct gen_cassette_key *key,
                     struct gen_str server, struct gen_str tool, const struct gen_json *arguments,
                     const struct gen_cassette_answer *answer, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    gen_jb_put_str(b, root, "server", server);
    gen_jb_put_str(b, root, "tool", tool);
    gen_jb_put(b, root, "arguments", gen_jb_copy(b, arguments));
    gen_jb_put_int(b, root, "n", key->n);
    gen_jb_put_cstr(b, root, "after", key->after);
    if (answer->result.n) {
        gen_jb_put(b, root, "result", gen_jb_raw(b, answer->result));
    } else if (answer->error.n) {
        gen_jb_put(b, root, "error", gen_jb_raw(b, answer->error));
    } else {
        struct gen_jmut *failure = gen_jb_object(b);
        gen_jb_put_cstr(b, failure, "class", answer->failure);
        gen_jb_put_str(b, failure, "message", answer->message);
        gen_jb_put(b, root, "failure", failure);
    }
    rc = add_line(c, b, root, err);
    gen_jb_free(b);
    return rc;
}

int gen_cassette_add_tools(struct gen_cassette *c, struct gen_str server,
                           const struct gen_json *tools, const char *const *allow, bool is_remote,
                           struct gen_error *err)
{
    for (size_t i = 0; i < c->n_noted; i++) {
        if (gen_str_is(server, c->noted[i]))
            return GEN_OK;
    }
    if (c->n_noted == SERVERS_MAX)
        return gen_fail(err, GEN_ELIMIT, "a recording holds at most %u servers", SERVERS_MAX);
    c->noted[c->n_noted] = gen_str_dup(server);
    if (!c->noted[c->n_noted])
        return gen_nomem(err, "a name");
    c->n_noted++;
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    gen_jb_put_str(b, root, "server", server);
    gen_jb_put(b, root, "tools", gen_jb_copy(b, gen_json_get(tools, "tools")));
    if (allow && *allow) {
        struct gen_jmut *names = gen_jb_array(b);
        for (const char *const *a = allow; *a; a++)
            gen_jb_append(b, names, gen_jb_str(b, gen_str_from(*a)));
        gen_jb_put(b, root, "allow", names);
    }
    if (is_remote)
        gen_jb_put_bool(b, root, "remote", true);
    rc = add_line(c, b, root, err);
    gen_jb_free(b);
    return rc;
}

/* ---- replaying ---- */

static int add_entry(struct gen_cassette *c, struct gen_json_doc *doc, size_t row,
                     struct gen_error *err)
{
    const struct gen_json *root = gen_json_root(doc);
    int64_t n = 0;
    if (!gen_json_as_int(gen_json_get(root, "n"), &n) || n < 0 || n > CALLS_MAX)
        return gen_fail(err, GEN_EINPUT, "its \"n\" is no number of calls");
    if (c->n_entries == c->n_entries_max) {
        size_t wanted = c->n_entries_max ? 2 * c->n_entries_max : 256;
        struct entry *more = realloc(c->entries, wanted * sizeof(*more));
        if (!more)
            return gen_nomem(err, "a recording");
        c->entries = more;
        c->n_entries_max = wanted;
    }
    /* The key is made again as it was: as if n equal calls had come before. */
    struct gen_cassette_track track = {NULL, 0, 0};
    struct gen_cassette_key key;
    struct gen_str server = gen_json_get_str(root, "server");
    struct gen_str tool = gen_json_get_str(root, "tool");
    int rc = gen_cassette_next(&track, server, tool, gen_json_get(root, "arguments"), &key, err);
    if (rc == GEN_OK && n > 0) {
        track.counts[0].n = (unsigned)n;
        rc = gen_cassette_next(&track, server, tool, gen_json_get(root, "arguments"), &key, err);
    }
    gen_cassette_track_release(&track);
    if (rc)
        return rc;
    struct entry *e = &c->entries[c->n_entries];
    *e = (struct entry){.row = row, .doc = doc};
    memcpy(e->key, key.key, sizeof(e->key));
    struct gen_str after = gen_str_sub(gen_json_get_str(root, "after"), 0, sizeof(e->after) - 1);
    if (after.n)
        memcpy(e->after, after.p, after.n);
    c->n_entries++;
    return GEN_OK;
}

static int add_record(struct gen_cassette *c, struct gen_str text, size_t row,
                      struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, text, err);
    if (rc)
        return rc;
    const struct gen_json *root = gen_json_root(doc);
    bool is_call = gen_json_get(root, "tool") && gen_json_get(root, "arguments") &&
                   (gen_json_get(root, "result") || gen_json_get(root, "error") ||
                    gen_json_get(root, "failure"));
    if (gen_json_get(root, "tools") && c->n_tools < SERVERS_MAX) {
        c->tools[c->n_tools++] = doc;
        return GEN_OK;
    }
    rc = is_call ? add_entry(c, doc, row, err)
                 : gen_fail(err, GEN_EINPUT, "it is neither a call nor a list of tools");
    if (rc)
        gen_json_doc_free(doc);
    return rc;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int load_all(struct gen_cassette *c, struct gen_json_stream *stream, struct gen_error *err)
{
    for (;;) {
        struct gen_json_record record;
        bool more = false;
        int rc = gen_json_stream_next(stream, &record, &more, err);
        if (rc || !more)
            return rc;
        rc = add_record(c, record.text, (size_t)record.row, err);
        if (rc)
            return gen_wrap(err, rc, "the recording %s, row %zu", c->path, (size_t)record.row);
    }
}

int gen_cassette_load(struct gen_cassette **out, const char *path, struct gen_error *err)
{
    struct gen_cassette *c = NULL;
    struct gen_file_reader *reader = NULL;
    struct gen_json_stream *stream = NULL;
    int rc = make(&c, path, err);
    if (rc == GEN_OK)
        rc = gen_file_reader_open(&reader, path, err);
    if (rc == GEN_OK)
        rc = gen_json_stream_new(&stream, gen_file_reader_read, reader, path, err);
    if (rc == GEN_OK)
        rc = load_all(c, stream, err);
    gen_json_stream_free(stream);
    gen_file_reader_close(reader);
    if (rc) {
        gen_cassette_free(c);
        return rc;
    }
    if (c->n_entries)
        qsort(c->entries, c->n_entries, sizeof(*c->entries), compare_entries);
    *out = c;
    return GEN_OK;
}

/* The first entry of the key, or n_entries. */
static size_t first_of(const struct gen_cassette *c, const char *key)
{
    size_t low = 0, high = c->n_entries;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(c->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_entries && strcmp(c->entries[low].key, key) == 0 ? low : c->n_entries;
}

static const struct gen_json *answer_of(const struct entry *e)
{
    const struct gen_json *root = gen_json_root(e->doc);
    const struct gen_json *result = gen_json_get(root, "result");
    const struct gen_json *error = gen_json_get(root, "error");
    return result ? result : error ? error : gen_json_get(root, "failure");
}

int gen_cassette_find(const struct gen_cassette *c, const struct gen_cassette_key *key,
                      struct gen_str server, struct gen_str tool, const struct gen_json **line,
                      struct gen_error *err)
{
    size_t first = first_of(c, key->key);
    if (first == c->n_entries)
        return gen_fail(err, GEN_EINPUT,
                        "the recording %s holds no call of %.*s on the server %.*s with these "
                        "arguments (number %u of its kind in the example); record it anew",
                        c->path, GEN_STR_ARG(tool), GEN_STR_ARG(server), key->n + 1);
    bool is_one = true;
    const struct gen_json *failed = NULL;
    for (size_t i = first; i < c->n_entries && strcmp(c->entries[i].key, key->key) == 0; i++) {
        const struct gen_json *root = gen_json_root(c->entries[i].doc);
        bool is_same = strcmp(c->entries[i].after, key->after) == 0;
        if (is_same && !gen_json_get(root, "failure")) {
            *line = root;
            return GEN_OK;
        }
        failed = is_same && !failed ? root : failed;
        is_one = is_one && gen_json_equal(answer_of(&c->entries[first]), answer_of(&c->entries[i]));
    }
    if (failed) {
        *line = failed;
        return GEN_OK;
    }
    if (!is_one)
        return gen_fail(err, GEN_EINPUT,
                        "the recording %s holds different answers to %.*s on the server %.*s with "
                        "these arguments, and none came after the calls made here; record it anew",
                        c->path, GEN_STR_ARG(tool), GEN_STR_ARG(server));
    *line = gen_json_root(c->entries[first].doc);
    return GEN_OK;
}

struct gen_str gen_cassette_server(const struct gen_cassette *c)
{
    return gen_json_get_str(c->n_tools ? gen_json_root(c->tools[0]) : NULL, "server");
}

const struct gen_json *gen_cassette_tools(const struct gen_cassette *c, struct gen_str server)
{
    for (size_t i = 0; i < c->n_tools; i++) {
        const struct gen_json *root = gen_json_root(c->tools[i]);
        if (gen_str_eq(gen_json_get_str(root, "server"), server))
            return root;
    }
    return NULL;
}
