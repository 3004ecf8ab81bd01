#include "cli/sources.h"

#include "dataset/beside.h"
#include "tool/parse.h"
#include "tool/toolset.h"

#include "os/file.h"

#define ROUNDS_MAX 3U

static int open_corpus(struct gen_corpus_source *s, struct gen_error *err)
{
    return gen_corpus_open(&s->corpus, s->session->app->drivers->corpora, &s->options, err);
}

struct gen_corpus_options gen_corpus_options_of(const struct gen_settings *set, const char *path,
                                                const struct gen_log *log)
{
    struct gen_corpus_options o = {
        .path = path,
        .lance_version = gen_settings_text(set, GEN_OPT_LANCE_VERSION),
        .id_column = gen_settings_text(set, GEN_OPT_ID_COLUMN),
        .content_column = gen_settings_text(set, GEN_OPT_CONTENT_COLUMN),
        .source_column = gen_settings_text(set, GEN_OPT_SOURCE_COLUMN),
        .chunk_chars = (size_t)gen_settings_int(set, GEN_OPT_CHUNK_SIZE),
        .overlap_chars = (size_t)gen_settings_int(set, GEN_OPT_CHUNK_OVERLAP),
        .max_chunks = (uint64_t)gen_settings_int(set, GEN_OPT_MAX_CHUNKS),
        .log = log,
    };
    o.tables = gen_settings_list(set, GEN_OPT_TABLE, &o.n_tables);
    /* The default is the driver's: it can then fall back to a database's only table. */
    if (gen_settings_source(set, GEN_OPT_TABLE) == GEN_FROM_DEFAULT)
        o.n_tables = 0;
    return o;
}

int gen_corpus_source_open(struct gen_corpus_source *s, struct gen_session *session,
                           struct gen_error *err)
{
    memset(s, 0, sizeof(*s));
    s->session = session;
    if (!gen_settings_flag(session->settings, GEN_OPT_DRY_RUN))
        s->loop = session->loop;
    s->options = gen_corpus_options_of(session->settings, gen_settings_argument(session->settings),
                                       &session->log);
    int rc = open_corpus(s, err);
    if (rc == GEN_OK)
        rc = gen_corpus_count(s->corpus, &s->n_chunks, err);
    if (rc == GEN_OK && s->n_chunks == 0)
        rc = gen_fail(err, GEN_EINPUT, "%s holds no chunks: there is nothing to ask about",
                      s->options.path);
    if (rc == GEN_OK)
        rc = gen_session_open_ledger(session, err);
    if (rc) {
        gen_corpus_source_close(s);
        return rc;
    }
    session->n_expected = (int64_t)s->n_chunks;
    return GEN_OK;
}

void gen_corpus_source_close(struct gen_corpus_source *s)
{
    gen_corpus_close(s->corpus);
    s->corpus = NULL;
}

static int next_round(struct gen_corpus_source *s, bool drained, enum gen_pull *what,
                      struct gen_error *err)
{
    *what = GEN_PULL_END;
    if (s->round == 0)
        s->session->corpus = *gen_corpus_counts(s->corpus);
    if (!s->generate || s->round + 1 >= ROUNDS_MAX)
        return GEN_OK;
    if (!drained) {
        *what = GEN_PULL_WAIT;
        return GEN_OK;
    }
    if (gen_qa_generate_missing(s->generate) == 0)
        return GEN_OK;
    s->round++;
    gen_log(&s->session->log, GEN_LOG_INFO, "round",
            "%lld pairs are still missing: pass %u over the corpus",
            (long long)gen_qa_generate_missing(s->generate), s->round + 1);
    gen_qa_generate_next_round(s->generate);
    *what = GEN_PULL_ITEM;
    if (gen_corpus_rewind(s->corpus))
        return GEN_OK;
    gen_corpus_close(s->corpus);
    s->corpus = NULL;
    return open_corpus(s, err);
}

static int pull_chunk(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                      struct gen_error *err)
{
    struct gen_corpus_source *s = ud;
    struct gen_chunk *chunk = NULL;
    bool is_late = false;
    int rc = gen_corpus_try_next(s->corpus, s->loop, &chunk, &is_late, err);
    if (rc == GEN_OK && !chunk && !is_late) {
        rc = next_round(s, drained, what, err);
        if (rc || *what != GEN_PULL_ITEM)
            return rc;
        rc = gen_corpus_try_next(s->corpus, s->loop, &chunk, &is_late, err);
    }
    if (rc)
        return rc;
    if (is_late) {
        *what = GEN_PULL_LATER;
        return GEN_OK;
    }
    if (!chunk) {
        *what = GEN_PULL_END;
        return GEN_OK;
    }
    struct gen_item *item = gen_item_new(chunk, GEN_STR(""), chunk->position);
    gen_chunk_unref(chunk);
    if (!item)
        return gen_nomem(err, "a chunk");
    item->round = s->round;
    item->is_new_input = s->round == 0;
    *out = item;
    *what = GEN_PULL_ITEM;
    return GEN_OK;
}

struct gen_source gen_corpus_source_of(struct gen_corpus_source *s)
{
    return (struct gen_source){pull_chunk, s};
}

/* All chunks of --corpus into the ledger: records may name them in any order. */
int gen_source_import_corpus(struct gen_session *session, const char *path, struct gen_error *err)
{
    struct gen_corpus *corpus = NULL;
    struct gen_corpus_options options =
        gen_corpus_options_of(session->settings, path, &session->log);
    options.max_chunks = 0;
    int rc = gen_corpus_open(&corpus, session->app->drivers->corpora, &options, err);
    uint64_t n = 0;
    while (rc == GEN_OK) {
        struct gen_chunk *c = NULL;
        rc = gen_corpus_next(corpus, &c, err);
        if (rc || !c)
            break;
        struct gen_ledger_chunk row = {c->id,       c->source,  c->title,    c->section,
                                       c->language, c->content, (int)c->kind};
        rc = gen_ledger_begin(session->ledger, err);
        if (rc == GEN_OK)
            rc = gen_ledger_chunk_put(session->ledger, &row, err);
        gen_chunk_unref(c);
        if (rc == GEN_OK && ++n % 1024 == 0)
            rc = gen_ledger_commit(session->ledger, err);
    }
    gen_corpus_close(corpus);
    if (rc == GEN_OK)
        rc = gen_ledger_commit(session->ledger, err);
    if (rc == GEN_OK)
        gen_log(&session->log, GEN_LOG_INFO, "corpus", "%llu source chunks from %s",
                (unsigned long long)n, path);
    return rc;
}

int gen_source_open_ledger(struct gen_ledger **out, struct gen_buf *path, const char *dataset,
                           const struct gen_app *app, const struct gen_log *log,
                           struct gen_error *err)
{
    struct gen_error why = {.msg = ""};
    int rc = gen_beside_find_ledger(dataset, path, err);
    if (rc == GEN_OK && path->n &&
        gen_ledger_open(out, app->drivers->ledger, path->data, true, &why) != GEN_OK)
        gen_log(log, GEN_LOG_WARN, "ledger", "the sources of %s cannot be looked up: %s", dataset,
                why.msg);
    return rc;
}

/* Where the input's ledger is the run's own, it is open already. */
static int open_input_ledger(struct gen_session *session, const char *path, struct gen_error *err)
{
    struct gen_buf ledger = gen_buf_make(8192);
    int rc = gen_beside_find_ledger(path, &ledger, err);
    bool is_own = gen_str_eq(gen_buf_str(&ledger), gen_buf_str(&session->ledger_path));
    if (rc == GEN_OK && !is_own)
        rc = gen_source_open_ledger(&session->input_ledger, &ledger, path, session->app,
                                    &session->log, err);
    gen_buf_release(&ledger);
    return rc;
}

/* ---- files of another kind than the command is for ---- */

/* The error that the first row gave, or one that says more. */
static int look_for_definitions(const char *path, int rc, struct gen_error *err)
{
    struct gen_tools_parsed parsed;
    struct gen_buf own_form = gen_buf_make(GEN_BUF_UNLIMITED);
    bool is_definitions = gen_file_kind(path) == GEN_FILE_REGULAR &&
                          gen_tools_read(path, &own_form, &parsed, NULL, NULL, NULL) == GEN_OK;
    gen_buf_release(&own_form);
    return is_definitions ? gen_fail(err, GEN_EINPUT,
                                     "%s is a file of tool definitions, not of examples: "
                                     "tool-generate makes examples from it",
                                     path)
                          : rc;
}

/* Once a row tells what the file holds, the others are judged one by one. */
static int check_kind(struct gen_record_source *s, enum gen_record_kind kind, struct gen_error *err)
{
    bool is_first = !s->is_kind_known && kind != GEN_RECORD_NONE;
    s->is_kind_known = s->is_kind_known || is_first;
    if (!is_first || s->is_tool_use || kind != GEN_RECORD_TOOL)
        return GEN_OK;
    return gen_fail(err, GEN_EINPUT, "%s has examples of tool use: %s", s->name,
                    gen_settings_command(s->session->settings) == GEN_CMD_CURATE
                        ? "use tool-curate"
                        : "tool-execute and tool-curate are for them");
}

static int read_first(struct gen_record_source *s, const char *path, struct gen_error *err)
{
    int rc = gen_record_reader_next(s->reader, &s->first, &s->has_first, err);
    if (rc)
        return rc == GEN_EINPUT ? look_for_definitions(path, rc, err) : rc;
    /* What can carry out the calls is looked at first. */
    if (!s->has_first && !s->is_tool_use)
        return gen_fail(err, GEN_EINPUT, "%s holds no rows: there is nothing to work on", s->name);
    const struct gen_json *record = s->has_first ? s->first.json : NULL;
    enum gen_record_kind kind = gen_record_kind(record);
    bool is_other = s->has_first && kind == GEN_RECORD_NONE && !gen_json_get(record, "instruction");
    rc = is_other ? look_for_definitions(path, GEN_OK, err) : GEN_OK;
    return rc ? rc : check_kind(s, kind, err);
}

int gen_record_source_open(struct gen_record_source *s, struct gen_session *session,
                           const char *path, bool is_tool_use, struct gen_error *err)
{
    memset(s, 0, sizeof(*s));
    s->session = session;
    s->name = strcmp(path, "-") == 0 ? "standard input" : path;
    s->is_tool_use = is_tool_use;
    const char *corpus = gen_settings_text(session->settings, GEN_OPT_CORPUS);
    int rc = gen_record_reader_open(&s->reader, path, err);
    if (rc == GEN_OK)
        rc = read_first(s, path, err);
    if (rc == GEN_OK)
        rc = gen_session_open_ledger(session, err);
    if (rc == GEN_OK && corpus && session->ledger)
        rc = gen_source_import_corpus(session, corpus, err);
    if (rc == GEN_OK)
        rc = open_input_ledger(session, path, err);
    if (rc)
        gen_record_source_close(s);
    return rc;
}

void gen_record_source_close(struct gen_record_source *s)
{
    gen_record_reader_close(s->reader);
    gen_chunk_unref(s->last);
    s->reader = NULL;
    s->last = NULL;
}

int gen_source_find_chunk(struct gen_ledger *ledger, struct gen_str id, struct gen_str source,
                          struct gen_chunk **out, struct gen_error *err)
{
    bool found = false;
    struct gen_ledger_chunk row;
    if (!ledger)
        return GEN_OK;
    int rc = gen_ledger_chunk_find(ledger, id, source, &found, &row, err);
    if (rc || !found)
        return rc;
    struct gen_chunk model = {
        .kind = row.kind == GEN_CHUNK_CODE ? GEN_CHUNK_CODE : GEN_CHUNK_TEXT,
        .id = row.id,
        .content = row.content,
        .source = row.source,
        .title = row.title,
        .section = row.section,
        .language = row.language,
    };
    *out = gen_chunk_new(&model);
    return *out ? GEN_OK : gen_nomem(err, "a chunk");
}

static int find_chunk(struct gen_record_source *s, struct gen_str record, struct gen_chunk **out,
                      struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    if (gen_json_parse(&doc, record, NULL) != GEN_OK)
        return GEN_OK;
    const struct gen_json *root = gen_json_root(doc);
    struct gen_str id = gen_json_get_str(root, "chunk_id");
    struct gen_str source = gen_json_get_str(root, "source");
    if (source.n == 0)
        source = gen_json_get_str(root, "source_file");
    int rc = GEN_OK;
    if (id.n && s->last && gen_str_eq(s->last->id, id) && gen_str_eq(s->last->source, source)) {
        *out = gen_chunk_ref(s->last);
    } else if (id.n) {
        rc = gen_source_find_chunk(s->session->ledger, id, source, out, err);
        if (rc == GEN_OK && !*out)
            rc = gen_source_find_chunk(s->session->input_ledger, id, source, out, err);
    }
    gen_json_doc_free(doc);
    return rc;
}

static int next_row(struct gen_record_source *s, struct gen_record_row *row, bool *more,
                    struct gen_error *err)
{
    if (!s->has_first)
        return gen_record_reader_next(s->reader, row, more, err);
    *row = s->first;
    *more = true;
    s->has_first = false;
    return GEN_OK;
}

static int end_rows(const struct gen_record_source *s, enum gen_pull *what, struct gen_error *err)
{
    if (s->n_rows && s->n_malformed == s->n_rows)
        return gen_fail(err, GEN_EINPUT, "none of the %llu rows of %s is a record",
                        (unsigned long long)s->n_rows, s->name);
    if (s->n_rows == 0)
        return gen_fail(err, GEN_EINPUT, "%s holds no examples: there is nothing to work on",
                        s->name);
    *what = GEN_PULL_END;
    return GEN_OK;
}

static int look_at_record(struct gen_record_source *s, const struct gen_record_row *row,
                          struct gen_chunk **chunk, struct gen_error *err)
{
    enum gen_record_kind kind = gen_record_kind(row->json);
    int rc = check_kind(s, kind, err);
    if (rc || s->is_tool_use || kind == GEN_RECORD_TOOL)
        return rc;
    rc = find_chunk(s, row->text, chunk, err);
    s->n_without_chunk += rc == GEN_OK && *chunk == NULL;
    return rc;
}

static int pull_record(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                       struct gen_error *err)
{
    struct gen_record_source *s = ud;
    struct gen_record_row row;
    bool more = false;
    (void)drained;
    int rc = next_row(s, &row, &more, err);
    if (rc)
        return rc;
    if (!more)
        return end_rows(s, what, err);
    struct gen_chunk *chunk = NULL;
    s->n_rows++;
    if (row.malformed) {
        if (s->n_malformed++ < 10)
            gen_log(&s->session->log, GEN_LOG_WARN, "row", "row %llu is no record: %s",
                    (unsigned long long)row.row, row.malformed);
    } else {
        rc = look_at_record(s, &row, &chunk, err);
        if (rc)
            return rc;
    }
    *out = gen_item_new(chunk, row.text, s->n_rows - 1);
    gen_chunk_unref(s->last);
    s->last = chunk;
    *what = GEN_PULL_ITEM;
    return *out ? GEN_OK : gen_nomem(err, "a record");
}

struct gen_source gen_record_source_of(struct gen_record_source *s)
{
    return (struct gen_source){pull_record, s};
}

void gen_record_source_report(const struct gen_record_source *s)
{
    if (s->n_malformed > 10)
        gen_log(&s->session->log, GEN_LOG_WARN, "rows", "%llu rows are no records in all",
                (unsigned long long)s->n_malformed);
    uint64_t n = s->n_without_chunk;
    if (n)
        gen_log(&s->session->log, GEN_LOG_WARN, "no_source",
                "the source chunk of %llu of %llu records is not known: they are worked on without "
                "it, and claims about facts cannot be "
                "checked; --corpus PATH names where the chunks are",
                (unsigned long long)n, (unsigned long long)s->n_rows);
}
