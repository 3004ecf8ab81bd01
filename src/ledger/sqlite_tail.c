/*
 * Where an answer or a chunk is. Keys are random, so putting each into an index at once would write
 * another page of it, whole, for every row: half of all that is written. So the newest rows, the
 * tail, are found through a hash table in memory, and go into the index in sorted batches, which
 * share its pages. The truth is the table of rows alone: `progress` says up to where the index
 * knows it, in the same transaction, and what comes after is read when a ledger is opened (chunks:
 * when the first one is put or looked for).
 */
#include "ledger/sqlite_int.h"

#include <stdlib.h>

/* A batch grows with the ledger, since the pages that it can share do. The largest one is what a
 * commit may have to sort and what opening after a kill may have to read. */
#define TAIL_MIN   ((size_t)4096)
#define TAIL_MAX   ((size_t)32768)
#define TAIL_SHARE 8 /* of the table */
/* Looking for an id alone reads the whole tail of chunks: a longer one is moved before. */
#define IDS_READ_MAX ((size_t)256)

static const struct {
    const char *indexed_sql;
    enum gen_sqlite_stmt find, find_old, put, indexed, tail;
} indexes[GEN_SQLITE_INDEX_COUNT] = {
    [GEN_SQLITE_INDEX_ANSWERS] = {"SELECT indexed FROM progress", GEN_STMT_ANSWER_INDEX_FIND,
                                  GEN_STMT_ANSWER_INDEX_OLD, GEN_STMT_ANSWER_INDEX_PUT,
                                  GEN_STMT_ANSWER_INDEXED, GEN_STMT_ANSWER_TAIL},
    [GEN_SQLITE_INDEX_CHUNKS] = {"SELECT chunks_indexed FROM progress", GEN_STMT_CHUNK_INDEX_FIND,
                                 GEN_STMT_CHUNK_INDEX_OLD, GEN_STMT_CHUNK_INDEX_PUT,
                                 GEN_STMT_CHUNK_INDEXED, GEN_STMT_CHUNK_TAIL},
};

int64_t gen_sqlite_key64(const struct gen_digest *key)
{
    uint64_t prefix = 0;
    int64_t value;

    /* Big-endian on every machine: a ledger can be carried to another one. */
    for (size_t i = 0; i < sizeof prefix; i++)
        prefix = prefix << 8 | key->bytes[i];
    memcpy(&value, &prefix, sizeof value);
    return value;
}

void gen_sqlite_tail_release(struct gen_sqlite_tail *t)
{
    free(t->places);
    *t = (struct gen_sqlite_tail){0};
}

/* The bits of digests and hashes are random already. An id alone is none: it may be in all sources.
 */
static size_t first_place(const struct gen_sqlite_tail *t, struct gen_sqlite_key key)
{
    return (size_t)(key.first ^ key.second) & (t->n_places - 1);
}

static bool is_same(struct gen_sqlite_key a, struct gen_sqlite_key b)
{
    return a.first == b.first && a.second == b.second;
}

static void place(const struct gen_sqlite_tail *t, struct gen_sqlite_entry entry)
{
    size_t at = first_place(t, entry.key);

    while (t->places[at].row != 0)
        at = (at + 1) & (t->n_places - 1);
    t->places[at] = entry;
}

static int grow(struct gen_sqlite_tail *t, struct gen_error *err)
{
    struct gen_sqlite_tail larger = *t;

    larger.n_places = t->n_places == 0 ? 1024 : 2 * t->n_places;
    larger.places = calloc(larger.n_places, sizeof *larger.places);
    if (larger.places == NULL)
        return gen_nomem(err, "the index of the ledger");
    for (size_t i = 0; i < t->n_places; i++) {
        if (t->places[i].row != 0)
            place(&larger, t->places[i]);
    }
    free(t->places);
    *t = larger;
    return GEN_OK;
}

static int64_t *absent_slot(struct gen_sqlite *s, struct gen_sqlite_key key)
{
    return &s->absent[(size_t)key.first & (GEN_SQLITE_ABSENT_SLOTS - 1)];
}

static int add(struct gen_sqlite *s, enum gen_sqlite_index which, struct gen_sqlite_entry entry,
               struct gen_error *err)
{
    struct gen_sqlite_tail *t = &s->tails[which];
    int rc = 2 * (t->n + 1) > t->n_places ? grow(t, err) : GEN_OK;

    if (rc != GEN_OK)
        return rc;
    place(t, entry);
    t->n++;
    if (entry.row > t->last)
        t->last = entry.row;
    /* From the next move on, the index has it. */
    if (which == GEN_SQLITE_INDEX_ANSWERS && *absent_slot(s, entry.key) == entry.key.first)
        *absent_slot(s, entry.key) = 0;
    return GEN_OK;
}

int gen_sqlite_tail_add(struct gen_sqlite *s, enum gen_sqlite_index which,
                        struct gen_sqlite_entry entry, struct gen_error *err)
{
    int rc = add(s, which, entry, err);

    /* A row that would not be found again is no row that was kept. */
    return rc != GEN_OK ? gen_sqlite_break(s, SQLITE_NOMEM, "write", err) : GEN_OK;
}

/* Up to where the index goes. */
static int read_indexed(struct gen_sqlite *s, enum gen_sqlite_index which, struct gen_error *err)
{
    struct gen_sqlite_tail *t = &s->tails[which];
    int rc = gen_sqlite_query_int(s->db, indexes[which].indexed_sql, &t->last);

    if (rc != SQLITE_OK)
        return gen_sqlite_fail(s, rc, "read", err);
    t->is_begun = true;
    return GEN_OK;
}

int gen_sqlite_tail_load(struct gen_sqlite *s, enum gen_sqlite_index which, struct gen_error *err)
{
    if (!s->tails[which].is_begun) {
        int begun = read_indexed(s, which, err);
        if (begun != GEN_OK)
            return begun;
    }
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, indexes[which].tail, err);
    int rc = GEN_OK;
    int step = SQLITE_DONE;

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, s->tails[which].last);
    while (rc == GEN_OK && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct gen_sqlite_entry entry = {
            {sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2)},
            sqlite3_column_int64(stmt, 0)};
        rc = add(s, which, entry, err);
    }
    if (rc == GEN_OK && step != SQLITE_DONE)
        rc = gen_sqlite_fail(s, step, "read", err);
    (void)sqlite3_reset(stmt);
    return rc;
}

/* A reader does not hear of what the writer adds. */
static int look_again(struct gen_sqlite *s, enum gen_sqlite_index which, struct gen_error *err)
{
    bool looks =
        s->version >= GEN_SQLITE_VERSION_INDEX && (s->read_only || !s->tails[which].is_begun);

    return looks ? gen_sqlite_tail_load(s, which, err) : GEN_OK;
}

/* What a reader has in its tail the writer may have moved to the index since. */
static bool is_candidate(const struct gen_sqlite_candidates *c, int64_t row)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->rows[i] == row)
            return true;
    }
    return false;
}

/* When there is no room, the oldest one goes. */
static void add_candidate(struct gen_sqlite_candidates *c, int64_t row)
{
    size_t oldest = 0;

    if (is_candidate(c, row))
        return;
    if (c->n < GEN_SQLITE_CANDIDATES_MAX) {
        c->rows[c->n++] = row;
        return;
    }
    for (size_t i = 1; i < c->n; i++)
        oldest = c->rows[i] < c->rows[oldest] ? i : oldest;
    if (c->rows[oldest] < row)
        c->rows[oldest] = row;
}

static void find_in_tail(const struct gen_sqlite *s, enum gen_sqlite_index which,
                         struct gen_sqlite_key key, struct gen_sqlite_candidates *c)
{
    const struct gen_sqlite_tail *t = &s->tails[which];

    if (t->n == 0)
        return;
    for (size_t at = first_place(t, key); t->places[at].row != 0;
         at = (at + 1) & (t->n_places - 1)) {
        if (is_same(t->places[at].key, key))
            add_candidate(c, t->places[at].row);
    }
}

static int find_in_index(struct gen_sqlite *s, enum gen_sqlite_index which,
                         struct gen_sqlite_key key, struct gen_sqlite_candidates *c,
                         struct gen_error *err)
{
    bool is_old = s->version < GEN_SQLITE_VERSION_INDEX;
    sqlite3_stmt *stmt =
        gen_sqlite_stmt(s, is_old ? indexes[which].find_old : indexes[which].find, err);
    int rc = GEN_OK;
    int step = SQLITE_DONE;

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, key.first);
    if (which == GEN_SQLITE_INDEX_CHUNKS)
        (void)sqlite3_bind_int64(stmt, 2, key.second);
    for (size_t i = 0; i < GEN_SQLITE_CANDIDATES_MAX && (step = sqlite3_step(stmt)) == SQLITE_ROW;
         i++)
        add_candidate(c, sqlite3_column_int64(stmt, 0));
    if (step != SQLITE_DONE && step != SQLITE_ROW)
        rc = gen_sqlite_fail(s, step, "read", err);
    (void)sqlite3_reset(stmt);
    return rc;
}

int gen_sqlite_candidates_find(struct gen_sqlite *s, enum gen_sqlite_index which,
                               struct gen_sqlite_key key, struct gen_sqlite_candidates *c,
                               struct gen_error *err)
{
    /* An answer is looked for before its request is sent and again before it is put. What the index
     * did not have then it can only have got through the tail of this process. */
    bool remembers = which == GEN_SQLITE_INDEX_ANSWERS && !s->read_only && key.first != 0;
    int rc = look_again(s, which, err);

    c->n = 0;
    if (rc == GEN_OK)
        find_in_tail(s, which, key, c);
    if (rc != GEN_OK || (remembers && *absent_slot(s, key) == key.first))
        return rc;
    /* Also when the tail has one: it may be another key that begins alike, or a newer answer. */
    size_t n_tail = c->n;
    rc = find_in_index(s, which, key, c, err);
    if (rc == GEN_OK && remembers && c->n == n_tail && n_tail == 0)
        *absent_slot(s, key) = key.first;
    return rc;
}

/* Moves a long tail of chunks to the index, also outside a transaction. */
static int shorten_chunks(struct gen_sqlite *s, struct gen_error *err)
{
    bool is_alone = sqlite3_get_autocommit(s->db) != 0;
    int rc = is_alone ? gen_sqlite_exec(s, "BEGIN IMMEDIATE", "write", err) : GEN_OK;

    if (rc == GEN_OK)
        rc = gen_sqlite_tail_merge(s, GEN_SQLITE_INDEX_CHUNKS, err);
    if (rc != GEN_OK || !is_alone)
        return rc;
    int step = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    return step == SQLITE_OK ? GEN_OK : gen_sqlite_break(s, step, "write", err);
}

int gen_sqlite_chunks_of_id(struct gen_sqlite *s, int64_t id64, struct gen_sqlite_candidates *c,
                            struct gen_error *err)
{
    const size_t n_max = sizeof c->rows / sizeof c->rows[0];
    const struct gen_sqlite_tail *t = &s->tails[GEN_SQLITE_INDEX_CHUNKS];
    bool is_old = s->version < GEN_SQLITE_VERSION_INDEX;
    int step = SQLITE_ROW;
    int rc = look_again(s, GEN_SQLITE_INDEX_CHUNKS, err);

    if (rc == GEN_OK && !s->read_only && t->n > IDS_READ_MAX)
        rc = shorten_chunks(s, err);
    if (rc != GEN_OK)
        return rc;
    c->n = 0;
    for (size_t i = 0; t->n > 0 && i < t->n_places && c->n < n_max; i++) {
        if (t->places[i].row != 0 && t->places[i].key.first == id64)
            c->rows[c->n++] = t->places[i].row;
    }
    sqlite3_stmt *stmt = gen_sqlite_stmt(
        s, is_old ? GEN_STMT_CHUNK_INDEX_OLD_ID : GEN_STMT_CHUNK_INDEX_FIND_ID, err);
    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, id64);
    while (c->n < n_max && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!is_candidate(c, sqlite3_column_int64(stmt, 0)))
            c->rows[c->n++] = sqlite3_column_int64(stmt, 0);
    }
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        rc = gen_sqlite_fail(s, step, "read", err);
    (void)sqlite3_reset(stmt);
    return rc;
}

bool gen_sqlite_tail_is_long(const struct gen_sqlite *s, enum gen_sqlite_index which)
{
    const struct gen_sqlite_tail *t = &s->tails[which];
    size_t share = (size_t)t->last / TAIL_SHARE;

    if (share < TAIL_MIN)
        share = TAIL_MIN;
    return t->n >= (share < TAIL_MAX ? share : TAIL_MAX);
}

static int compare_entries(const void *a, const void *b)
{
    const struct gen_sqlite_entry *x = a, *y = b;

    if (x->key.first != y->key.first)
        return x->key.first < y->key.first ? -1 : 1;
    if (x->key.second != y->key.second)
        return x->key.second < y->key.second ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Moves the entries to the front of the table, sorted, which is then no hash table any more. */
static void sort_entries(struct gen_sqlite_tail *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_places; i++) {
        if (t->places[i].row != 0)
            t->places[n++] = t->places[i];
    }
    qsort(t->places, n, sizeof t->places[0], compare_entries);
}

int gen_sqlite_tail_merge(struct gen_sqlite *s, enum gen_sqlite_index which, struct gen_error *err)
{
    struct gen_sqlite_tail *t = &s->tails[which];
    sqlite3_stmt *put = gen_sqlite_stmt(s, indexes[which].put, err);
    sqlite3_stmt *note = put != NULL ? gen_sqlite_stmt(s, indexes[which].indexed, err) : NULL;
    int rc = GEN_OK;

    if (note == NULL)
        return gen_sqlite_stmt_code(s);
    sort_entries(t);
    for (size_t i = 0; rc == GEN_OK && i < t->n; i++) {
        (void)sqlite3_bind_int64(put, 1, t->places[i].row);
        (void)sqlite3_bind_int64(put, 2, t->places[i].key.first);
        if (which == GEN_SQLITE_INDEX_CHUNKS)
            (void)sqlite3_bind_int64(put, 3, t->places[i].key.second);
        rc = gen_sqlite_write_row(s, put, err);
    }
    (void)sqlite3_bind_int64(note, 1, t->last);
    if (rc == GEN_OK)
        rc = gen_sqlite_write_row(s, note, err);
    /* After a failed write nothing is looked up any more. */
    if (t->n > 0)
        memset(t->places, 0, t->n_places * sizeof t->places[0]);
    t->n = 0;
    return rc;
}
