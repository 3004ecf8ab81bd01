/*
 * Records: JSON objects with a `format` ("qa", "cot") so that their kind is never guessed from a
 * field that two writers use. Unknown fields pass through every step untouched. Input is a JSON
 * array or JSON Lines; output is one of the two by the file's name.
 */
#ifndef GEN_DATASET_RECORD_H
#define GEN_DATASET_RECORD_H

#include "base/log.h"
#include "json/stream.h"

enum gen_record_kind {
    GEN_RECORD_NONE = 0,
    GEN_RECORD_QA,           /* question, answer */
    GEN_RECORD_COT,          /* question, reasoning, answer */
    GEN_RECORD_CONVERSATION, /* messages or conversations */
    GEN_RECORD_TOOL,         /* instruction, solution */
};

/* The kind of a record: its `format`, else its fields. A row that was curated by the Python
 * original carries the judge's words in `reasoning` beside a `rating`: that is a QA record, not a
 * chain of thought. */
enum gen_record_kind gen_record_kind(const struct gen_json *record);
const char *gen_record_kind_name(enum gen_record_kind kind); /* "qa" */

/* What a question-answer step needs of a record. Views into it. */
struct gen_qa_view {
    enum gen_record_kind kind;
    struct gen_str question, answer, reasoning, chunk_id, source;
};
/* Reads a QA or CoT record, or the last user and assistant turn of a conversation. `source_file` is
 * read as `source`. On failure returns false and says why in `why` (at least 160 bytes): "no
 * \"question\"", "\"answer\" is a number, not a string", ... */
bool gen_qa_view(const struct gen_json *record, struct gen_qa_view *out, char *why,
                 size_t why_bytes);

/* The same of any record, to be compared with others: of a tool record the instruction and the
 * final answer (empty when it has none), of a conversation with tools what its users said first and
 * what the assistant said last. */
bool gen_request_view(const struct gen_json *record, struct gen_qa_view *out, char *why,
                      size_t why_bytes);

/* A member that must be a text with more than white space in it: false with `why`, as above. `v` is
 * NULL when the record has none of that `name`. */
bool gen_text_read(const struct gen_json *v, const char *name, struct gen_str *out, char *why,
                   size_t why_bytes);

/* Records of a file one by one. Rows that are no JSON object are handed out as malformed, so that
 * the account has them; a file whose array is broken or cut ends with GEN_EPARSE. */
struct gen_record_reader;
struct gen_record_row {
    struct gen_str text;         /* the record; borrowed until the next call, like the others */
    const struct gen_json *json; /* the same, parsed; NULL when it is malformed */
    uint64_t row;                /* from 1 */
    const char *malformed;       /* why it is no record, until the next call; NULL when it is one */
};
/* "-" is standard input. GEN_EINPUT: no such file, a folder, ... */
GEN_MUST_USE int gen_record_reader_open(struct gen_record_reader **out, const char *path,
                                        struct gen_error *err);
/* The same of bytes that lie elsewhere; `name` is for messages. */
GEN_MUST_USE int gen_record_reader_new(struct gen_record_reader **out, gen_read_fn *read, void *ud,
                                       const char *name, struct gen_error *err);
/* `*more` false at the end. A file that is one object: GEN_EINPUT, says that a list or JSON Lines
 * is wanted. */
GEN_MUST_USE int gen_record_reader_next(struct gen_record_reader *r, struct gen_record_row *row,
                                        bool *more, struct gen_error *err);
void gen_record_reader_close(struct gen_record_reader *r);

/* A file of records under construction (os/file.h: whole or not there at all). ".json" is one array
 * indented by two; everything else, and "-", JSON Lines, in which the line separators U+0085,
 * U+2028 and U+2029 are escaped, because some loaders end a row at them. */
struct gen_record_writer;
GEN_MUST_USE int gen_record_writer_open(struct gen_record_writer **out, const char *path,
                                        struct gen_error *err);
/* `record` is the text of one JSON object. */
GEN_MUST_USE int gen_record_writer_add(struct gen_record_writer *w, struct gen_str record,
                                       struct gen_error *err);
/* The same for text that json/text.h has written: one line with all escapes, taken as it is. */
GEN_MUST_USE int gen_record_writer_add_row(struct gen_record_writer *w, struct gen_str row,
                                           struct gen_error *err);
/* The same, for a row that is to stand at the front of the file; kept in memory until the commit,
 * which then writes the file once more. False, and nothing is done, where that cannot be: arrays,
 * streams, and beyond 4 MB of such rows. */
GEN_MUST_USE int gen_record_writer_add_first(struct gen_record_writer *w, struct gen_str row,
                                             bool *is_added, struct gen_error *err);
GEN_MUST_USE int gen_record_writer_commit(struct gen_record_writer *w, struct gen_error *err);
uint64_t gen_record_writer_count(const struct gen_record_writer *w);
void gen_record_writer_close(
    struct gen_record_writer *w); /* removes what was not committed; NULL is fine */

#endif
