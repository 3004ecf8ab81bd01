/* Where the items of a run come from: the chunks of a corpus, or the records of a file with their
 * chunks looked up. */
#ifndef GEN_CLI_SOURCES_H
#define GEN_CLI_SOURCES_H

#include "cli/session.h"

/* How the settings want a corpus to be read. Borrows from them. */
struct gen_corpus_options gen_corpus_options_of(const struct gen_settings *set, const char *path,
                                                const struct gen_log *log);

struct gen_corpus_source {
    struct gen_session *session;
    struct gen_qa_generate
        *generate; /* asked whether a target is still missing pairs; NULL: one pass */
    struct gen_corpus_options options;
    struct gen_corpus *corpus;
    struct gen_loop *loop; /* goes on while a chunk is under way; NULL: a dry run, which waits */
    uint64_t n_chunks;
    unsigned round;
};

/* Opens and counts the corpus that the settings name. */
GEN_MUST_USE int gen_corpus_source_open(struct gen_corpus_source *s, struct gen_session *session,
                                        struct gen_error *err);
struct gen_source gen_corpus_source_of(struct gen_corpus_source *s);
void gen_corpus_source_close(struct gen_corpus_source *s);

struct gen_record_source {
    struct gen_session *session;
    struct gen_record_reader *reader;
    const char *name;            /* of the input, for messages */
    struct gen_record_row first; /* read ahead, until it is handed out */
    bool has_first;
    bool is_kind_known;     /* the first record of a known kind went by */
    bool is_tool_use;       /* records of tool use, which have no chunks, are wanted */
    struct gen_chunk *last; /* the chunk of the record before */
    uint64_t n_rows, n_without_chunk, n_malformed;
};

/* Opens the file of records and looks at its first; with --corpus its chunks are first brought into
 * the ledger. GEN_EINPUT, here or from the source: the file holds tool definitions; it begins with
 * examples of tool use where `is_tool_use` is false; it is empty where that is true; none of its
 * rows is a record. */
GEN_MUST_USE int gen_record_source_open(struct gen_record_source *s, struct gen_session *session,
                                        const char *path, bool is_tool_use, struct gen_error *err);
/* Warns of rows that were no records, and of records whose chunk is not known. */
void gen_record_source_report(const struct gen_record_source *s);
struct gen_source gen_record_source_of(struct gen_record_source *s);
void gen_record_source_close(struct gen_record_source *s);

/* Brings all chunks of a corpus into the session's ledger. */
GEN_MUST_USE int gen_source_import_corpus(struct gen_session *session, const char *path,
                                          struct gen_error *err);

/* Opens for reading the ledger that knows the chunks of a dataset, and sets `path` to where it is;
 * without one (dataset/beside.h) `*out` stays NULL and `path` empty. One that cannot be opened is
 * warned of: the sources are then not known. */
GEN_MUST_USE int gen_source_open_ledger(struct gen_ledger **out, struct gen_buf *path,
                                        const char *dataset, const struct gen_app *app,
                                        const struct gen_log *log, struct gen_error *err);

/* Looks a chunk up in a ledger (NULL: not found). `*out` gets a reference, or stays as it is. */
GEN_MUST_USE int gen_source_find_chunk(struct gen_ledger *ledger, struct gen_str id,
                                       struct gen_str source, struct gen_chunk **out,
                                       struct gen_error *err);

#endif
