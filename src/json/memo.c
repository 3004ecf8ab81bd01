#include "json/memo.h"

#include "base/hash.h"
#include "base/utf8.h"

#include <stdlib.h>

#define N_MAX       65536U
#define SCHEMAS_MAX 1024U

struct entry {
    uint64_t hash; /* 0: free */
    struct gen_buf text;
    void *made; /* NULL: it cannot be made */
    char *why;
};

struct gen_json_memo {
    struct entry *entries;
    size_t n_slots; /* a power of two */
    size_t n, n_max;
    gen_json_memo_make_fn *make;
    gen_json_memo_free_fn *free_made;
    struct gen_buf text;
};

int gen_json_memo_new(struct gen_json_memo **out, size_t n_max, gen_json_memo_make_fn *make,
                      gen_json_memo_free_fn *free_made, struct gen_error *err)
{
    if (!n_max || n_max > N_MAX)
        return gen_fail(err, GEN_ESTATE, "a memo of %zu values cannot be made", n_max);
    struct gen_json_memo *m = calloc(1, sizeof(*m));
    size_t n_slots = 16;
    while (n_slots < 4 * n_max)
        n_slots *= 2;
    if (m)
        m->entries = calloc(n_slots, sizeof(*m->entries));
    if (!m || !m->entries) {
        free(m);
        return gen_nomem(err, "what is kept of JSON values");
    }
    m->n_slots = n_slots;
    m->n_max = n_max;
    m->make = make;
    m->free_made = free_made;
    m->text = gen_buf_make(GEN_BUF_UNLIMITED);
    *out = m;
    return GEN_OK;
}

static void release(struct gen_json_memo *m, struct entry *e)
{
    if (e->made)
        m->free_made(e->made);
    gen_buf_release(&e->text);
    free(e->why);
    *e = (struct entry){.hash = 0};
}

static void forget(struct gen_json_memo *m)
{
    for (size_t i = 0; m->n && i < m->n_slots; i++)
        release(m, &m->entries[i]);
    m->n = 0;
}

void gen_json_memo_free(struct gen_json_memo *m)
{
    if (!m)
        return;
    forget(m);
    gen_buf_release(&m->text);
    free(m->entries);
    free(m);
}

void gen_json_memo_trim(struct gen_json_memo *m)
{
    if (m->n >= m->n_max)
        forget(m);
}

/* More places for one record that brings more values than the memo keeps. */
static int grow(struct gen_json_memo *m, struct gen_error *err)
{
    if (m->n < m->n_slots / 2)
        return GEN_OK;
    size_t n_slots = m->n_slots * 2;
    struct entry *entries = calloc(n_slots, sizeof(*entries));
    if (!entries)
        return gen_nomem(err, "what is kept of JSON values");
    for (size_t i = 0; i < m->n_slots; i++) {
        size_t at = m->entries[i].hash & (n_slots - 1);
        while (m->entries[i].hash && entries[at].hash)
            at = (at + 1) & (n_slots - 1);
        if (m->entries[i].hash)
            entries[at] = m->entries[i];
    }
    free(m->entries);
    m->entries = entries;
    m->n_slots = n_slots;
    return GEN_OK;
}

static struct entry *find(const struct gen_json_memo *m, uint64_t hash)
{
    struct gen_str text = gen_buf_str(&m->text);
    size_t i = hash & (m->n_slots - 1);
    while (m->entries[i].hash &&
           (m->entries[i].hash != hash || !gen_str_eq(gen_buf_str(&m->entries[i].text), text)))
        i = (i + 1) & (m->n_slots - 1);
    return &m->entries[i];
}

static int add(struct gen_json_memo *m, struct entry *e, uint64_t hash, const struct gen_json *v,
               struct gen_error *err)
{
    struct entry made = {.hash = hash};
    char why[GEN_JSON_MEMO_WHY_BYTES] = "";
    int rc = m->make(&made.made, v, why, sizeof(why), err);
    if (rc == GEN_OK && !made.made) {
        made.why = gen_str_dup(gen_str_from(why));
        if (!made.why)
            rc = gen_nomem(err, "what is kept of JSON values");
    }
    if (rc) {
        release(m, &made);
        return rc;
    }
    made.text = m->text;
    m->text = gen_buf_make(GEN_BUF_UNLIMITED);
    *e = made;
    m->n++;
    return GEN_OK;
}

int gen_json_memo_get(struct gen_json_memo *m, const struct gen_json *v, void **made,
                      const char **why, struct gen_error *err)
{
    gen_buf_clear(&m->text);
    int rc = gen_json_write(&m->text, v, GEN_JSON_COMPACT, err);
    if (rc == GEN_OK)
        rc = grow(m, err);
    if (rc)
        return rc;
    uint64_t hash = gen_hash64(gen_buf_str(&m->text), 0) | 1;
    struct entry *e = find(m, hash);
    if (!e->hash)
        rc = add(m, e, hash, v, err);
    if (rc)
        return rc;
    *made = e->made;
    if (why)
        *why = e->why;
    return GEN_OK;
}

/* ---- schemas ---- */

static int make_schema(void **made, const struct gen_json *v, char *why, size_t why_bytes,
                       struct gen_error *err)
{
    struct gen_schema *schema = NULL;
    struct gen_error said = {.msg = ""};
    int rc = gen_schema_new_foreign(&schema, v, GEN_DRAFT_2020_12, NULL, &said);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "the schema of a tool");
    if (rc)
        gen_utf8_format(why, why_bytes, "%s", said.msg);
    *made = schema;
    return GEN_OK;
}

static void free_schema(void *made)
{
    gen_schema_free(made);
}

int gen_schema_memo_new(struct gen_json_memo **out, struct gen_error *err)
{
    return gen_json_memo_new(out, SCHEMAS_MAX, make_schema, free_schema, err);
}

int gen_schema_memo_get(struct gen_json_memo *m, const struct gen_json *schema,
                        const struct gen_schema **compiled, const char **why, struct gen_error *err)
{
    void *made = NULL;
    int rc = gen_json_memo_get(m, schema, &made, why, err);
    if (rc == GEN_OK)
        *compiled = made;
    return rc;
}
