#include "corpus/remote/file.h"

#include <stdlib.h>

#define STRETCH_MIN ((size_t)64 << 10)
#define STRETCH_MAX ((size_t)1 << 20)
#define PARTS_AHEAD 4U

struct gen_stretch {
    struct gen_remote_file *file;
    uint64_t first;
    size_t n;
    bool goes_on;        /* from the one before it: the reader reads forward */
    struct gen_ask *ask; /* under way; NULL: `bytes` are here */
    struct gen_buf bytes;
    struct gen_stretch *next;
};

struct gen_remote_file {
    struct gen_remote_cache *cache;
    char *path;
    char *etag;   /* NULL: the server names none */
    char *direct; /* where redirects led; NULL: nowhere */
    uint64_t size;
    bool is_whole;
    struct gen_buf whole; /* from a server that knows no ranges */
};

/* -- the stretches -- */

static void add_first(struct gen_remote_cache *c, struct gen_stretch *s)
{
    s->next = c->stretches;
    c->stretches = s;
}

/* Takes a stretch out of the list; `link` is what points to it. */
static struct gen_stretch *take_out(struct gen_stretch **link)
{
    struct gen_stretch *s = *link;
    *link = s->next;
    s->next = NULL;
    return s;
}

static void drop(struct gen_remote_cache *c, struct gen_stretch **link)
{
    struct gen_stretch *s = take_out(link);
    c->n_bytes -= s->n;
    gen_ask_free(s->ask);
    gen_buf_release(&s->bytes);
    free(s);
}

/* The least recently used go first, also those that are still under way: they were asked for ahead,
 * and who reads went elsewhere. */
static void make_room(struct gen_remote_cache *c, size_t n)
{
    while (c->stretches && c->n_bytes + n > GEN_REMOTE_CACHE_MAX) {
        struct gen_stretch **oldest = &c->stretches;
        while ((*oldest)->next)
            oldest = &(*oldest)->next;
        drop(c, oldest);
    }
}

static void note_use(struct gen_remote_cache *c, struct gen_stretch *used)
{
    for (struct gen_stretch **at = &c->stretches; *at; at = &(*at)->next) {
        if (*at == used) {
            add_first(c, take_out(at));
            return;
        }
    }
}

static struct gen_stretch *find(const struct gen_remote_file *f, uint64_t offset)
{
    for (struct gen_stretch *s = f->cache->stretches; s; s = s->next) {
        if (s->file == f && offset >= s->first && offset - s->first < s->n)
            return s;
    }
    return NULL;
}

/* The stretch that ends where this one would start. */
static const struct gen_stretch *find_before(const struct gen_remote_file *f, uint64_t offset)
{
    return offset > 0 ? find(f, offset - 1) : NULL;
}

/* Not further than to what is there already, or to the end of the file. */
static size_t cut(const struct gen_remote_file *f, uint64_t first, size_t n)
{
    uint64_t left = f->size - first;
    for (const struct gen_stretch *s = f->cache->stretches; s; s = s->next) {
        if (s->file == f && s->first > first && s->first - first < left)
            left = s->first - first;
    }
    return left < n ? (size_t)left : n;
}

static int fetch(struct gen_remote_file *f, uint64_t first, size_t n, bool goes_on,
                 struct gen_error *err)
{
    struct gen_remote_cache *c = f->cache;
    n = cut(f, first, n);
    make_room(c, n);
    struct gen_stretch *s = calloc(1, sizeof(*s));
    if (!s)
        return gen_nomem(err, "a part of a remote file");
    const struct gen_question question = {
        .path = f->path,
        .first = first,
        .n = n,
        .etag = f->etag,
        .direct = f->direct,
        .body_bytes_max = n,
    };
    int rc = gen_ask_start(c->asker, &question, &s->ask, err);
    if (rc) {
        free(s);
        return rc;
    }
    s->file = f;
    s->first = first;
    s->n = n;
    s->goes_on = goes_on;
    s->bytes = gen_buf_make(GEN_BUF_UNLIMITED);
    c->n_bytes += n;
    add_first(c, s);
    return GEN_OK;
}

/* The next larger stretch behind this one. */
static size_t grown(size_t n)
{
    return n < STRETCH_MIN ? STRETCH_MIN : n > STRETCH_MAX / 2 ? STRETCH_MAX : 2 * n;
}

static int fail_changed(const struct gen_remote_file *f, struct gen_error *err)
{
    return gen_fail(err, GEN_EINPUT,
                    "%s: the file was changed while it was read (it is gone, or has another size): "
                    "run the command again",
                    f->path);
}

static int receive(struct gen_stretch *s, struct gen_error *err)
{
    struct gen_answer answer;
    if (!s->ask)
        return GEN_OK;
    int rc = gen_ask_wait(s->ask, &answer, err);
    if (rc == GEN_OK && (answer.status != 206 || answer.total != s->file->size))
        rc = fail_changed(s->file, err);
    if (rc)
        return rc;
    s->bytes = gen_ask_take_body(s->ask);
    gen_ask_free(s->ask);
    s->ask = NULL;
    return GEN_OK;
}

/* -- reading -- */

static size_t wanted_at(const struct gen_remote_file *f, uint64_t offset, size_t n, bool *goes_on)
{
    const struct gen_stretch *before = find_before(f, offset);
    *goes_on = before != NULL;
    size_t size = before ? grown(before->n) : STRETCH_MIN;
    return n > STRETCH_MAX ? STRETCH_MAX : n > size ? n : size;
}

/* Asks for all parts of [offset, offset + n) that are to be under way now. Those that are here
 * count as used: making room for the next ones must not take them. */
static int ask_ahead(struct gen_remote_file *f, uint64_t offset, size_t n, struct gen_error *err)
{
    uint64_t at = offset;
    uint64_t end = offset + n;
    int rc = GEN_OK;
    for (unsigned i = 0; i < PARTS_AHEAD && at < end && rc == GEN_OK; i++) {
        struct gen_stretch *s = find(f, at);
        if (s) {
            note_use(f->cache, s);
        } else {
            bool goes_on = false;
            size_t size = wanted_at(f, at, (size_t)(end - at), &goes_on);
            rc = fetch(f, at, size, goes_on, err);
            s = rc ? NULL : find(f, at);
        }
        if (s)
            at = s->first + s->n;
    }
    return rc;
}

/* Once half of a stretch is read, the next one is asked for, where the reader goes forward. */
static int ask_next(struct gen_remote_file *f, const struct gen_stretch *s, uint64_t read_to,
                    struct gen_error *err)
{
    uint64_t end = s->first + s->n;
    if (!s->goes_on || read_to - s->first < s->n / 2 || end >= f->size || find(f, end))
        return GEN_OK;
    return fetch(f, end, grown(s->n), true, err);
}

static void copy_bytes(void *dst, const struct gen_buf *from, size_t at, size_t n)
{
    if (n && from->data)
        memcpy(dst, from->data + at, n);
}

int gen_remote_file_read(struct gen_remote_file *f, uint64_t offset, void *dst, size_t n,
                         struct gen_error *err)
{
    unsigned char *out = dst;
    int rc = GEN_OK;
    if (f->is_whole) {
        copy_bytes(dst, &f->whole, (size_t)offset, n);
        return GEN_OK;
    }
    while (n > 0 && rc == GEN_OK) {
        rc = ask_ahead(f, offset, n, err);
        struct gen_stretch *s = rc ? NULL : find(f, offset);
        if (rc == GEN_OK)
            rc = s ? receive(s, err)
                   : gen_fail(err, GEN_ESTATE, "%s: a part that was asked for is not there",
                              f->path);
        if (rc)
            break;
        size_t at = (size_t)(offset - s->first);
        size_t part = s->n - at < n ? s->n - at : n;
        copy_bytes(out, &s->bytes, at, part);
        note_use(f->cache, s);
        out += part;
        offset += part;
        n -= part;
        rc = ask_next(f, s, offset, err);
    }
    return rc;
}

/* -- opening -- */

static int keep_text(char **out, struct gen_str text, struct gen_error *err)
{
    if (text.n == 0)
        return GEN_OK;
    *out = gen_str_dup(text);
    return *out ? GEN_OK : gen_nomem(err, "a remote file");
}

static int keep_tail(struct gen_remote_file *f, struct gen_ask *ask, const struct gen_answer *a,
                     struct gen_error *err)
{
    struct gen_remote_cache *c = f->cache;
    f->size = a->total;
    make_room(c, (size_t)a->n);
    struct gen_stretch *s = calloc(1, sizeof(*s));
    if (!s)
        return gen_nomem(err, "a part of a remote file");
    s->file = f;
    s->first = a->first;
    s->n = (size_t)a->n;
    s->bytes = gen_ask_take_body(ask);
    c->n_bytes += s->n;
    add_first(c, s);
    return GEN_OK;
}

static int take_opening(struct gen_remote_file *f, struct gen_ask *ask, bool *is_there,
                        struct gen_error *err)
{
    struct gen_answer answer;
    int rc = gen_ask_wait(ask, &answer, err);
    if (rc)
        return rc;
    *is_there = answer.status == 206 || answer.status == 200 || answer.status == 416;
    if (!*is_there)
        return GEN_OK;
    rc = keep_text(&f->etag, answer.etag, err);
    if (rc == GEN_OK)
        rc = keep_text(&f->direct, answer.direct, err);
    if (rc)
        return rc;
    if (answer.status == 206)
        return keep_tail(f, ask, &answer, err);
    /* Of an empty file there is no part (RFC 9110, 15.5.17). */
    f->is_whole = true;
    if (answer.status == 416)
        return answer.total == 0 ? GEN_OK : fail_changed(f, err);
    f->whole = gen_ask_take_body(ask);
    f->size = f->whole.n;
    return GEN_OK;
}

int gen_remote_file_open(struct gen_remote_cache *cache, const char *path,
                         struct gen_remote_file **out, struct gen_error *err)
{
    struct gen_ask *ask = NULL;
    bool is_there = false;
    struct gen_remote_file *f = calloc(1, sizeof(*f));
    if (!f)
        return gen_nomem(err, "a remote file");
    f->cache = cache;
    f->whole = gen_buf_make(GEN_BUF_UNLIMITED);
    const struct gen_question question = {
        .path = path, .n = STRETCH_MIN, .is_tail = true, .body_bytes_max = GEN_REMOTE_WHOLE_MAX};
    int rc = keep_text(&f->path, gen_str_from(path), err);
    if (rc == GEN_OK)
        rc = gen_ask_start(cache->asker, &question, &ask, err);
    if (rc == GEN_OK)
        rc = take_opening(f, ask, &is_there, err);
    gen_ask_free(ask);
    if (rc || !is_there) {
        gen_remote_file_close(f);
        f = NULL;
    }
    if (rc == GEN_OK)
        *out = f;
    return rc;
}

uint64_t gen_remote_file_size(const struct gen_remote_file *f)
{
    return f->size;
}

void gen_remote_file_close(struct gen_remote_file *f)
{
    if (!f)
        return;
    struct gen_stretch **at = &f->cache->stretches;
    while (*at) {
        if ((*at)->file == f)
            drop(f->cache, at);
        else
            at = &(*at)->next;
    }
    free(f->path);
    free(f->etag);
    free(f->direct);
    gen_buf_release(&f->whole);
    free(f);
}
