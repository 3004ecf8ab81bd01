/*
 * Records of a file one by one: JSON Lines, or the elements of one JSON array, told apart by the
 * first character. Memory is bounded by the largest record. Every record has a row number (from 1)
 * and a byte offset, so that messages can point at it.
 */
#ifndef GEN_JSON_STREAM_H
#define GEN_JSON_STREAM_H

#include "json/json.h"

#define GEN_JSON_RECORD_BYTES_MAX ((size_t)64 << 20)

/* Reads up to `n` bytes into `data`; `*got` = 0 means the end. */
typedef int gen_read_fn(void *ud, void *data, size_t n, size_t *got, struct gen_error *err);

struct gen_json_stream;

/* `name` (a path, for messages) is copied. Nothing is read yet. */
GEN_MUST_USE int gen_json_stream_new(struct gen_json_stream **out, gen_read_fn *read, void *ud,
                                     const char *name, struct gen_error *err);
void gen_json_stream_free(struct gen_json_stream *s);

struct gen_json_record {
    struct gen_str text; /* the record as it stands in the file; borrowed until the next call */
    uint64_t row;        /* from 1; counts records, not lines */
    uint64_t offset;     /* byte of its start in the file */
};

/*
 * The next record's text; not parsed. `*more` = false at a proper end. Blank lines are passed over,
 * a UTF-8 byte order mark is skipped. Errors name file, row and byte: GEN_EPARSE when the framing
 * is broken (an array that does not end, garbage between elements), GEN_ELIMIT for a record over
 * GEN_JSON_RECORD_BYTES_MAX. A file that is one JSON object over several lines is GEN_EINPUT: the
 * message says that an array or JSON Lines is wanted. After an error every call gives it again.
 */
GEN_MUST_USE int gen_json_stream_next(struct gen_json_stream *s, struct gen_json_record *out,
                                      bool *more, struct gen_error *err);

#endif
