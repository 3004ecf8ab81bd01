/*
 * Batches of all three providers: the store, and what becomes of each line. The shapes are in
 * fakellm_batch_openai.c, _anthropic.c and _gemini.c.
 *
 * Answers are not kept: they are a pure function of a line's body, made when they are fetched.
 */
#ifndef FAKELLM_BATCH_H
#define FAKELLM_BATCH_H

#include "fakellm.h"

enum fake_outcome {
    FAKE_LINE_OK,
    FAKE_LINE_RATE,    /* 429 */
    FAKE_LINE_SERVER,  /* 500 */
    FAKE_LINE_INVALID, /* 400 */
    FAKE_LINE_EXPIRED,
    FAKE_LINE_CANCELED,
    FAKE_N_OUTCOMES
};

struct fake_line {
    struct fake_span id; /* custom_id or key, still escaped */
    struct fake_span body;
    enum fake_outcome outcome;
    uint64_t pico_usd; /* at half price */
};

enum fake_batch_state { FAKE_BATCH_FAILED, FAKE_BATCH_RUNNING, FAKE_BATCH_ENDED };

struct fake_batch {
    char id[32];
    enum fake_api api;
    char *data;                /* the lines point into it */
    struct fake_span metadata; /* raw JSON, in `data`; empty: none */
    struct fake_span input_id;
    struct fake_span endpoint;
    struct fake_span path; /* of the creating request, for Gemini's model */
    const char *headers;   /* that the lines are checked with */
    struct fake_line *lines;
    size_t n_lines;
    size_t n_of[FAKE_N_OUTCOMES];
    uint64_t created_s; /* Unix time */
    uint64_t done_ms;   /* of the server's clock */
    bool is_canceled;
    const char *failure; /* of the whole batch: what is wrong; NULL: nothing */
};

struct fake_file {
    char id[32];
    char *data;
    size_t len;
};

struct fake_batches {
    struct fake_batch *items;
    size_t n;
    struct fake_file *files;
    size_t n_files;
    struct fake_seen seen; /* bodies in batches */
};

/* The store, made at first use; NULL: out of memory. */
struct fake_batches *fake_batches_get(struct fake_server *s);
/* A new batch with a copy of `data`, which the caller's spans are to point into. NULL: no memory.
 */
struct fake_batch *fake_batch_add(struct fake_server *s, enum fake_api api, const char *prefix,
                                  struct fake_span data);
/* False: no memory. */
bool fake_batch_line(struct fake_batch *b, struct fake_span id, struct fake_span body);
/* All lines are there: decides what becomes of each, and charges for the answers. */
void fake_batch_start(struct fake_server *s, struct fake_batch *b);
void fake_batch_cancel(struct fake_server *s, struct fake_batch *b);
enum fake_batch_state fake_batch_state(const struct fake_server *s, const struct fake_batch *b);
struct fake_batch *fake_batch_find(struct fake_server *s, enum fake_api api, struct fake_span id);
/* The i-th line in the order in which results come, which is not that of the requests. */
const struct fake_line *fake_batch_shuffled(const struct fake_batch *b, size_t i);
/* Appends the answer, the same bytes as a live one, or the error of a line. Returns its status. */
int fake_batch_result(struct fake_server *s, const struct fake_batch *b,
                      const struct fake_line *line, struct fake_buf *out);
/* Answers the creation: nothing at all, if this is the one that is to be cut. */
bool fake_batch_created(struct fake_server *s, const struct fake_batch *b,
                        struct fake_reply *reply);
/* Newest first, from behind the batch `after` (empty: from the newest). `*i` begins at 0. */
struct fake_batch *fake_batch_next(struct fake_server *s, enum fake_api api, struct fake_span after,
                                   size_t *i);
/* A number or text in the query. */
struct fake_span fake_query(const struct fake_request *r, const char *name);
/* 2026-01-01T00:00:00Z */
void fake_put_instant(struct fake_buf *out, uint64_t unix_s);
bool fake_batch_missing(struct fake_server *s, struct fake_reply *reply, enum fake_api api);

bool fake_openai_batches(struct fake_server *s, const struct fake_request *r,
                         struct fake_reply *reply, bool *ok);
bool fake_anthropic_batches(struct fake_server *s, const struct fake_request *r,
                            struct fake_reply *reply, bool *ok);
bool fake_gemini_batches(struct fake_server *s, const struct fake_request *r,
                         struct fake_reply *reply, bool *ok);

#endif
