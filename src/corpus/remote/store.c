#include "corpus/remote/store.h"

#include "corpus/remote/file.h"
#include "corpus/remote/listing.h"
#include "corpus/remote/probe.h"

#include <stdlib.h>

#define PAGES_MAX      1000U
#define PAGE_BYTES_MAX ((size_t)16 << 20)
#define NAMES_MAX      ((size_t)16 << 20)

struct gen_remote_store {
    struct lnc_store lnc;
    struct gen_place place;
    struct gen_asker *asker;
    struct gen_remote_cache cache;
    const struct gen_log *log;
    uint64_t version;
    struct gen_error failure; /* code GEN_OK: none */
    /* Of a web server: what was found in this folder, each with its NUL. */
    struct gen_buf probed_dir, probed_names;
    bool is_refused; /* some of what was looked for there */
};

/* -- to and from the reader's ways -- */

static int hand_on(struct gen_remote_store *s, const struct gen_error *why, struct lnc_error *err)
{
    int status = why->code == GEN_ENOMEM   ? LNC_ENOMEM
                 : why->code == GEN_ELIMIT ? LNC_ELIMIT
                                           : LNC_EIO;
    s->failure = *why;
    if (err) {
        *err = (struct lnc_error){.code = status, .offset = LNC_NO_OFFSET};
        size_t n = strlen(why->msg);
        n = n < sizeof(err->message) ? n : sizeof(err->message) - 1;
        memcpy(err->message, why->msg, n);
    }
    return status;
}

static int none_there(const char *path, const char *what, struct lnc_error *err)
{
    struct gen_error words;
    (void)gen_fail(&words, GEN_EINPUT, "%.400s: %s", path, what);
    if (err) {
        *err = (struct lnc_error){.code = LNC_ENOENT, .offset = LNC_NO_OFFSET};
        memcpy(err->message, words.msg, strnlen(words.msg, sizeof(err->message) - 1));
    }
    return LNC_ENOENT;
}

/* -- files -- */

struct open_file {
    struct gen_remote_store *store;
    struct gen_remote_file *file;
};

static int read_at(const struct lnc_source *source, uint64_t offset, void *dst, size_t n,
                   struct lnc_error *err)
{
    const struct open_file *open = source->private_data;
    struct gen_error why = {.code = GEN_OK};
    int rc = gen_remote_file_read(open->file, offset, dst, n, &why);
    return rc ? hand_on(open->store, &why, err) : LNC_OK;
}

static void release_source(struct lnc_source *source)
{
    struct open_file *open = source->private_data;
    gen_remote_file_close(open->file);
    free(open);
    *source = (struct lnc_source){0};
}

static int open_source(const struct lnc_store *store, const char *path, struct lnc_source *out,
                       struct lnc_error *err)
{
    struct gen_remote_store *s = store->private_data;
    struct gen_error why = {.code = GEN_OK};
    struct open_file *open = calloc(1, sizeof(*open));
    int rc = open ? gen_remote_file_open(&s->cache, path, &open->file, &why)
                  : gen_nomem(&why, "a remote file");
    if (rc || !open || !open->file) {
        free(open);
        return rc ? hand_on(s, &why, err) : none_there(path, "there is no such file", err);
    }
    open->store = s;
    *out = (struct lnc_source){.size = gen_remote_file_size(open->file),
                               .read_at = read_at,
                               .release = release_source,
                               .private_data = open};
    return LNC_OK;
}

/* -- listing S3 -- */

struct listing {
    size_t n_prefix; /* bytes of the folder's key, decoded */
    lnc_list_fn each;
    void *context;
    size_t n;
    struct lnc_error *err;
    int status; /* of `each` */
};

static int take_key(void *ud, struct gen_str key, bool is_prefix, struct gen_error *err)
{
    struct listing *l = ud;
    struct gen_str name = gen_str_sub(key, l->n_prefix, key.n);
    if (is_prefix && name.n)
        name.n--;
    /* The folder itself, as some tools make it; and what a server should not send. */
    if (name.n == 0 || memchr(name.p, '/', name.n) || memchr(name.p, '\0', name.n))
        return GEN_OK;
    char *copy = gen_str_dup(name);
    if (!copy)
        return gen_nomem(err, "a name");
    l->n++;
    l->status = l->each(l->context, copy, is_prefix, l->err);
    free(copy);
    return l->status ? GEN_ESTATE : GEN_OK;
}

static int make_query(const struct gen_remote_store *s, const char *path,
                      const struct gen_buf *token, struct gen_buf *query, struct gen_error *err)
{
    int rc = GEN_OK;
    gen_buf_clear(query);
    if (token->n) {
        rc = gen_buf_add_c(query, "continuation-token=", err);
        if (rc == GEN_OK)
            rc = gen_percent_encode(query, gen_buf_str(token), false, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(query, '&', err);
    }
    if (rc == GEN_OK)
        rc = gen_buf_add_c(query, "delimiter=%2F&list-type=2&prefix=", err);
    return rc ? rc : gen_place_prefix(&s->place, path, query, err);
}

static int list_page(struct gen_remote_store *s, const char *path, const char *query,
                     struct listing *l, struct gen_buf *token, struct gen_error *err)
{
    struct gen_ask *ask = NULL;
    struct gen_answer answer;
    const struct gen_question question = {
        .path = s->place.root, .query = query, .name = path, .body_bytes_max = PAGE_BYTES_MAX};
    int rc = gen_ask_start(s->asker, &question, &ask, err);
    if (rc == GEN_OK)
        rc = gen_ask_wait(ask, &answer, err);
    if (rc == GEN_OK && answer.status != 200)
        rc = gen_fail(err, GEN_EINPUT, "%s: listing it is answered with %d: check AWS_ENDPOINT_URL",
                      path, answer.status);
    if (rc == GEN_OK) {
        rc = gen_listing_read(answer.body, take_key, l, token, err);
        if (rc == GEN_EPARSE)
            rc = gen_wrap(err, rc, "%s", path);
    }
    gen_ask_free(ask);
    return rc;
}

static int list_bucket(struct gen_remote_store *s, const char *path, struct listing *l,
                       struct gen_error *err)
{
    struct gen_buf query = gen_buf_make(GEN_URL_BYTES_MAX);
    struct gen_buf token = gen_buf_make(GEN_URL_BYTES_MAX / 2);
    size_t n_root = strlen(s->place.root);
    size_t n_path = strlen(path);
    while (n_path > n_root && path[n_path - 1] == '/')
        n_path--;
    l->n_prefix = n_path > n_root ? n_path - n_root : 0; /* the slash in front, and one behind */
    int rc = GEN_OK;
    unsigned n_pages = 0;
    do {
        rc = make_query(s, path, &token, &query, err);
        if (rc == GEN_OK)
            rc = list_page(s, path, query.data, l, &token, err);
        if (rc == GEN_OK && ++n_pages == PAGES_MAX && token.n)
            rc = gen_fail(err, GEN_ELIMIT, "%s: more than %u pages of names lie below it", path,
                          PAGES_MAX);
    } while (rc == GEN_OK && token.n);
    gen_buf_release(&query);
    gen_buf_release(&token);
    return rc;
}

/* -- listing a web server -- */

static int note_name(void *context, const char *name, bool is_directory, struct lnc_error *err)
{
    struct gen_remote_store *s = context;
    (void)is_directory;
    (void)err;
    return gen_buf_add(&s->probed_names, name, strlen(name) + 1, NULL) ? LNC_ENOMEM : LNC_OK;
}

static int probe_folder(struct gen_remote_store *s, const char *path, struct gen_error *err)
{
    if (gen_str_eq(gen_buf_str(&s->probed_dir), gen_str_from(path)))
        return GEN_OK;
    gen_buf_clear(&s->probed_dir);
    gen_buf_clear(&s->probed_names);
    int rc =
        gen_probe_versions(&s->cache, s->log, path, s->version, note_name, s, &s->is_refused, err);
    return rc ? rc : gen_buf_add_c(&s->probed_dir, path, err);
}

static int list_probed(struct gen_remote_store *s, const char *path, struct listing *l,
                       struct gen_error *err)
{
    if (!gen_str_ends(gen_str_from(path), GEN_STR("/_versions")))
        return GEN_OK;
    int rc = probe_folder(s, path, err);
    const char *name = s->probed_names.data;
    const char *end = name ? name + s->probed_names.n : NULL;
    for (; rc == GEN_OK && name && name < end; name += strlen(name) + 1) {
        l->n++;
        l->status = l->each(l->context, name, false, l->err);
        rc = l->status ? GEN_ESTATE : GEN_OK;
    }
    return rc;
}

static int list(const struct lnc_store *store, const char *path, lnc_list_fn each, void *context,
                struct lnc_error *err)
{
    struct gen_remote_store *s = store->private_data;
    struct gen_error why = {.code = GEN_OK};
    struct listing l = {.each = each, .context = context, .err = err};
    int rc = s->place.is_s3 ? list_bucket(s, path, &l, &why) : list_probed(s, path, &l, &why);
    if (l.status)
        return l.status;
    if (rc)
        return hand_on(s, &why, err);
    if (l.n)
        return LNC_OK;
    if (s->place.is_s3)
        return none_there(path, "nothing lies below it", err);
    if (s->is_refused)
        return none_there(path,
                          "nothing was found there (the server answers 401 or 403: only what "
                          "everybody may read can be read from a web server)",
                          err);
    return none_there(path,
                      s->version ? "the version was not found there"
                                 : "no version was found there (a web server lists no files)",
                      err);
}

/* -- the store -- */

int gen_remote_store_open(struct gen_remote_store **out, const char *url,
                          const struct gen_remote_store_options *options, struct gen_error *err)
{
    struct gen_remote_store *s = calloc(1, sizeof(*s));
    if (!s)
        return gen_nomem(err, "a remote table");
    s->lnc = (struct lnc_store){.open = open_source, .list = list, .private_data = s};
    s->log = options->asker.log;
    s->version = options->version;
    s->probed_dir = gen_buf_make(GEN_URL_BYTES_MAX);
    s->probed_names = gen_buf_make(NAMES_MAX);
    int rc = gen_place_init(&s->place, url, options->env, options->env_ud, err);
    if (rc == GEN_OK)
        rc = gen_asker_new(&s->asker, &s->place, &options->asker, err);
    s->cache.asker = s->asker;
    if (rc) {
        gen_remote_store_close(s);
        return rc;
    }
    if (s->place.is_s3 && !s->place.key_id)
        gen_log(s->log, GEN_LOG_INFO, "anonymous",
                "no AWS key is set: %s is read anonymously, which works for public buckets only",
                s->place.root);
    *out = s;
    return GEN_OK;
}

void gen_remote_store_close(struct gen_remote_store *s)
{
    if (!s)
        return;
    gen_asker_free(s->asker);
    gen_place_release(&s->place);
    gen_buf_release(&s->probed_dir);
    gen_buf_release(&s->probed_names);
    free(s);
}

const struct lnc_store *gen_remote_store_of(const struct gen_remote_store *s)
{
    return &s->lnc;
}

bool gen_remote_store_can_list(const struct gen_remote_store *s)
{
    return s->place.is_s3;
}

static int see(void *context, const char *name, bool is_directory, struct lnc_error *err)
{
    (void)name;
    (void)is_directory;
    (void)err;
    *(bool *)context = true;
    return LNC_OK;
}

int gen_remote_store_has(struct gen_remote_store *s, const char *folder, bool *out,
                         struct gen_error *err)
{
    bool is_there = false;
    struct lnc_error why = {0};
    int status = list(&s->lnc, folder, see, &is_there, &why);
    if (status && status != LNC_ENOENT) {
        if (err)
            *err = s->failure;
        return (int)s->failure.code;
    }
    *out = is_there;
    return GEN_OK;
}

int gen_remote_store_failure(const struct gen_remote_store *s, struct gen_error *err)
{
    if (s->failure.code && err)
        *err = s->failure;
    return (int)s->failure.code;
}

void gen_remote_store_mute(struct gen_remote_store *s)
{
    s->log = NULL;
    gen_asker_mute(s->asker);
}

void gen_remote_store_cancel(struct gen_remote_store *s)
{
    gen_asker_cancel(s->asker);
}

void gen_remote_store_resume(struct gen_remote_store *s)
{
    gen_asker_resume(s->asker);
    s->failure.code = GEN_OK;
}

const struct gen_asker_counts *gen_remote_store_counts(const struct gen_remote_store *s)
{
    return gen_asker_counts(s->asker);
}
