#include "corpus/remote/probe.h"

#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_BYTES   32U
#define BATCH        16U /* versions that are asked for at a time, and the largest gap */
#define VERSIONS_MAX 4096U
#define PAGE_MAX     ((size_t)4 << 20)
#define HINT_MAX     4096U
#define MANIFEST     ".manifest"

struct probe {
    struct gen_remote_cache *cache;
    const struct gen_log *log;
    const char *dir;
    lnc_list_fn each;
    void *context;
    size_t n;
    uint64_t newest;
    bool is_refused; /* some answer was 401 or 403 */
};

/* Format: lance-format.md, section 1. */
static void name_of(uint64_t version, bool is_v2, char name[NAME_BYTES])
{
    if (is_v2)
        (void)snprintf(name, NAME_BYTES, "%020" PRIu64 MANIFEST, UINT64_MAX - version);
    else
        (void)snprintf(name, NAME_BYTES, "%" PRIu64 MANIFEST, version);
}

static int found(struct probe *p, const char *name, struct gen_error *err)
{
    struct lnc_error why = {0};
    p->n++;
    int status = p->each(p->context, name, false, &why);
    return status ? gen_fail(err, status == LNC_ENOMEM ? GEN_ENOMEM : GEN_EINPUT, "%s", why.message)
                  : GEN_OK;
}

static int ask_for(struct probe *p, const char *name, bool is_head, size_t bytes_max,
                   struct gen_ask **out, struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(GEN_URL_BYTES_MAX);
    int rc = gen_buf_printf(&path, err, "%s/%s", p->dir, name);
    if (rc == GEN_OK) {
        const struct gen_question question = {.path = path.data,
                                              .is_head = is_head,
                                              .tolerates_refusal = true,
                                              .body_bytes_max = bytes_max};
        rc = gen_ask_start(p->cache->asker, &question, out, err);
    }
    gen_buf_release(&path);
    return rc;
}

struct asked {
    char name[NAME_BYTES];
    uint64_t version;
    struct gen_ask *ask;
};

static int look_at(struct probe *p, struct asked *a, struct gen_error *err)
{
    struct gen_answer answer;
    int rc = gen_ask_wait(a->ask, &answer, err);
    if (rc)
        return rc;
    p->is_refused = p->is_refused || answer.status == 401 || answer.status == 403;
    if (answer.status != 200)
        return GEN_OK;
    if (a->version > p->newest)
        p->newest = a->version;
    return found(p, a->name, err);
}

/* Asks for n versions from `first` on, by both names. */
static int ask_for_versions(struct probe *p, uint64_t first, unsigned n, struct gen_error *err)
{
    struct asked asked[2 * BATCH] = {{.version = 0}};
    unsigned n_asked = 0;
    int rc = GEN_OK;
    for (unsigned i = 0; i < n && rc == GEN_OK && first <= UINT64_MAX - i; i++) {
        for (int scheme = 0; scheme < 2 && rc == GEN_OK; scheme++) {
            struct asked *a = &asked[n_asked];
            a->version = first + i;
            name_of(a->version, scheme == 0, a->name);
            rc = ask_for(p, a->name, true, 0, &a->ask, err);
            n_asked += rc == GEN_OK;
        }
    }
    for (unsigned i = 0; i < n_asked; i++) {
        if (rc == GEN_OK)
            rc = look_at(p, &asked[i], err);
        gen_ask_free(asked[i].ask);
    }
    return rc;
}

/* As long as there are new ones. */
static int ask_upwards(struct probe *p, uint64_t first, struct gen_error *err)
{
    int rc = ask_for_versions(p, first, BATCH, err);
    while (rc == GEN_OK && p->newest >= first && p->n < VERSIONS_MAX) {
        first = p->newest + 1;
        rc = ask_for_versions(p, first, BATCH, err);
    }
    return rc;
}

static int get(struct probe *p, const char *name, size_t bytes_max, struct gen_ask **ask,
               struct gen_answer *answer, struct gen_error *err)
{
    int rc = ask_for(p, name, false, bytes_max, ask, err);
    return rc ? rc : gen_ask_wait(*ask, answer, err);
}

/* {"version": 7}. One that cannot be had or read is none. */
static int read_hint(struct probe *p, uint64_t *version, struct gen_error *err)
{
    struct gen_ask *ask = NULL;
    struct gen_answer answer;
    struct gen_json_doc *doc = NULL;
    int rc = get(p, "latest_version_hint.json", HINT_MAX, &ask, &answer, err);
    if (rc == GEN_OK && answer.status == 200 && gen_json_parse(&doc, answer.body, NULL) == GEN_OK) {
        int64_t number = 0;
        const struct gen_json *named = gen_json_get(gen_json_root(doc), "version");
        *version = gen_json_as_int(named, &number) && number > 0 ? (uint64_t)number : 0;
        gen_json_doc_free(doc);
    }
    gen_ask_free(ask);
    return rc == GEN_EINPUT ? GEN_OK : rc;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The names of manifests in a page, each once for every time it stands there. */
static int read_page(struct probe *p, struct gen_str page, struct gen_error *err)
{
    struct gen_str tail = GEN_STR(MANIFEST);
    int rc = GEN_OK;
    for (size_t at = gen_str_find(page, tail, 0); rc == GEN_OK && at < page.n;
         at = gen_str_find(page, tail, at + tail.n)) {
        size_t start = at;
        while (start > 0 && at - start < 20 && is_digit(page.p[start - 1]))
            start--;
        bool is_name = start < at && (start == 0 || strchr("/\"'>= ", page.p[start - 1]));
        char name[NAME_BYTES];
        if (!is_name)
            continue;
        (void)snprintf(name, sizeof(name), "%.*s" MANIFEST, (int)(at - start), page.p + start);
        rc = found(p, name, err);
    }
    return rc;
}

static int ask_for_page(struct probe *p, struct gen_error *err)
{
    struct gen_ask *ask = NULL;
    struct gen_answer answer;
    int rc = get(p, "", PAGE_MAX, &ask, &answer, err);
    if (rc == GEN_OK && answer.status == 200)
        rc = read_page(p, answer.body, err);
    else if (rc == GEN_EINPUT)
        rc = GEN_OK;
    gen_ask_free(ask);
    return rc;
}

static int find_all(struct probe *p, uint64_t wanted, struct gen_error *err)
{
    uint64_t hint = 0;
    if (wanted)
        return ask_for_versions(p, wanted, 1, err);
    int rc = read_hint(p, &hint, err);
    if (rc == GEN_OK && hint)
        rc = ask_upwards(p, hint, err);
    if (rc || p->n)
        return rc;
    rc = ask_for_page(p, err);
    if (rc || p->n)
        return rc;
    rc = ask_upwards(p, 1, err);
    if (rc == GEN_OK && p->n)
        gen_log(p->log, GEN_LOG_WARN, "version_probed",
                "%s: the server lists no files: version %" PRIu64
                " is the newest of those that were found by asking for 1, 2, 3, ...; if there are "
                "newer ones, name one with --lance-version",
                p->dir, p->newest);
    return rc;
}

int gen_probe_versions(struct gen_remote_cache *cache, const struct gen_log *log, const char *dir,
                       uint64_t wanted, lnc_list_fn each, void *context, bool *is_refused,
                       struct gen_error *err)
{
    struct probe p = {.cache = cache, .log = log, .dir = dir, .each = each, .context = context};
    int rc = find_all(&p, wanted, err);
    if (rc == GEN_OK)
        *is_refused = p.is_refused;
    return rc;
}
