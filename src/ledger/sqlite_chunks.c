/* The chunks of a ledger: the sources that later commands show the model. */
#include "ledger/sqlite_int.h"

static int64_t hash_i64(struct gen_str text, uint64_t seed)
{
    uint64_t hash = gen_hash64(text, seed);
    int64_t value;

    memcpy(&value, &hash, sizeof value);
    return value;
}

/* Each part seeds the next, so that a shift of text between two fields changes the hash. */
static int64_t chunk_content_hash(const struct gen_ledger_chunk *c)
{
    uint64_t hash = gen_hash64(c->content, (uint64_t)c->kind);

    hash = gen_hash64(c->title, hash);
    hash = gen_hash64(c->section, hash);
    return hash_i64(c->language, hash);
}

static int insert_chunk(struct gen_sqlite *s, const struct gen_ledger_chunk *c,
                        struct gen_sqlite_key key, int64_t content64, struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_CHUNK_PUT, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, key.first);
    (void)sqlite3_bind_int64(stmt, 2, key.second);
    (void)sqlite3_bind_int64(stmt, 3, content64);
    (void)sqlite3_bind_int(stmt, 4, c->kind);
    gen_sqlite_bind_text(stmt, 5, c->id);
    gen_sqlite_bind_text(stmt, 6, c->source);
    gen_sqlite_bind_text(stmt, 7, c->title);
    gen_sqlite_bind_text(stmt, 8, c->section);
    gen_sqlite_bind_text(stmt, 9, c->language);
    gen_sqlite_bind_text(stmt, 10, c->content);
    int rc = gen_sqlite_write_row(s, stmt, err);
    if (rc != GEN_OK)
        return rc;
    const struct gen_sqlite_entry entry = {key, sqlite3_last_insert_rowid(s->db)};
    return gen_sqlite_tail_add(s, GEN_SQLITE_INDEX_CHUNKS, entry, err);
}

static int replace_chunk(struct gen_sqlite *s, const struct gen_ledger_chunk *c, int64_t row,
                         int64_t content64, struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_CHUNK_REPLACE, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, row);
    (void)sqlite3_bind_int64(stmt, 2, content64);
    (void)sqlite3_bind_int(stmt, 3, c->kind);
    gen_sqlite_bind_text(stmt, 4, c->title);
    gen_sqlite_bind_text(stmt, 5, c->section);
    gen_sqlite_bind_text(stmt, 6, c->language);
    gen_sqlite_bind_text(stmt, 7, c->content);
    return gen_sqlite_write_row(s, stmt, err);
}

static struct gen_sqlite_key chunk_key(struct gen_str id, struct gen_str source)
{
    return (struct gen_sqlite_key){hash_i64(id, 0), hash_i64(source, 0)};
}

/* Whether the row is the chunk's, and the hash of the content that it has. */
static int look_at_row(struct gen_sqlite *s, int64_t row, const struct gen_ledger_chunk *c,
                       bool *is_its, int64_t *content64, struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_CHUNK_HASH, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, row);
    gen_sqlite_bind_text(stmt, 2, c->id);
    gen_sqlite_bind_text(stmt, 3, c->source);
    int step = sqlite3_step(stmt);
    *is_its = step == SQLITE_ROW;
    if (*is_its)
        *content64 = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_reset(stmt);
    return step == SQLITE_ROW || step == SQLITE_DONE ? GEN_OK
                                                     : gen_sqlite_break(s, step, "read", err);
}

int gen_sqlite_chunk_put(void *state, const struct gen_ledger_chunk *c, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    struct gen_sqlite_key key = chunk_key(c->id, c->source);
    struct gen_sqlite_candidates rows;
    int64_t content64 = chunk_content_hash(c);

    if (c->content.n > GEN_SQLITE_ANSWER_BYTES_MAX)
        return gen_fail(err, GEN_ELIMIT, "a chunk of %zu bytes is over the ledger's limit of %zu",
                        c->content.n, GEN_SQLITE_ANSWER_BYTES_MAX);
    int rc = gen_sqlite_candidates_find(s, GEN_SQLITE_INDEX_CHUNKS, key, &rows, err);
    for (size_t i = 0; rc == GEN_OK && i < rows.n; i++) {
        bool is_its = false;
        int64_t kept64 = 0;
        rc = look_at_row(s, rows.rows[i], c, &is_its, &kept64, err);
        if (rc == GEN_OK && is_its)
            return kept64 == content64 ? GEN_OK : replace_chunk(s, c, rows.rows[i], content64, err);
    }
    return rc != GEN_OK ? rc : insert_chunk(s, c, key, content64, err);
}

/* Takes the chunk in the row when it has this id, and this source; NULL: any. */
static int take_chunk(struct gen_sqlite *s, int64_t row, struct gen_str id,
                      const struct gen_str *source, bool *found, struct gen_ledger_chunk *out,
                      struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_CHUNK_FIND, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, row);
    gen_sqlite_bind_text(stmt, 2, id);
    if (source != NULL)
        gen_sqlite_bind_text(stmt, 3, *source);
    else
        (void)sqlite3_bind_null(stmt, 3);
    int rc = GEN_OK;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        struct gen_ledger_chunk c = {.kind = sqlite3_column_int(stmt, 0)};
        rc = gen_sqlite_take_texts(s, stmt, 1, 6,
                                   (struct gen_str *const[]){&c.id, &c.source, &c.title, &c.section,
                                                             &c.language, &c.content},
                                   err);
        if (rc == GEN_OK)
            *out = c;
    } else if (step != SQLITE_DONE) {
        rc = gen_sqlite_fail(s, step, "read", err);
    }
    (void)sqlite3_reset(stmt);
    if (rc == GEN_OK)
        *found = step == SQLITE_ROW;
    return rc;
}

/* The chunk when exactly one source uses the id. */
static int find_only_chunk(struct gen_sqlite *s, struct gen_str id, bool *found,
                           struct gen_ledger_chunk *out, struct gen_error *err)
{
    struct gen_ledger_chunk only = {0};
    struct gen_sqlite_candidates rows;
    size_t n_found = 0;
    int rc = gen_sqlite_chunks_of_id(s, hash_i64(id, 0), &rows, err);

    for (size_t i = 0; rc == GEN_OK && n_found < 2 && i < rows.n; i++) {
        bool is_its = false;
        rc = take_chunk(s, rows.rows[i], id, NULL, &is_its, &only, err);
        n_found += rc == GEN_OK && is_its;
    }
    if (rc != GEN_OK)
        return rc;
    *found = n_found == 1;
    if (*found)
        *out = only;
    return GEN_OK;
}

int gen_sqlite_chunk_find(void *state, struct gen_str id, struct gen_str source, bool *found,
                          struct gen_ledger_chunk *out, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    struct gen_sqlite_candidates rows;
    bool is_here = false;
    int rc =
        gen_sqlite_candidates_find(s, GEN_SQLITE_INDEX_CHUNKS, chunk_key(id, source), &rows, err);

    for (size_t i = 0; rc == GEN_OK && !is_here && i < rows.n; i++)
        rc = take_chunk(s, rows.rows[i], id, &source, &is_here, out, err);
    if (rc != GEN_OK)
        return rc;
    if (!is_here)
        return find_only_chunk(s, id, found, out, err);
    *found = true;
    return GEN_OK;
}
