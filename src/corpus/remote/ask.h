/*
 * Questions to a place (GET and HEAD), several at a time, each asked again where that may help, and
 * what came of them. It has a loop and an HTTP client of its own, because whoever waits for an
 * answer waits in a plain function call, and in whatever thread the reader runs; one thread at a
 * time.
 *
 * Asked again (5 times in all, 0.2 s, 0.4 s, ... apart, or when the server says): lost connections,
 * time-outs, 408, 429 and 5xx; 3 times: hosts that are not found or refuse the connection. A bucket
 * that is in another region than was thought is asked there. Redirects of web servers are followed
 * five times (never from https to http; nothing secret is sent to them), those of S3 never.
 */
#ifndef GEN_CORPUS_REMOTE_ASK_H
#define GEN_CORPUS_REMOTE_ASK_H

#include "base/log.h"
#include "corpus/remote/place.h"

struct gen_asker;
struct gen_ask;

struct gen_asker_options {
    const struct gen_log *log; /* for what is tried again; only until gen_asker_mute */
    uint64_t backoff_ms;       /* 0: 200 */
    uint64_t timeout_ms;       /* of one attempt; 0: 60,000 */
    unsigned n_attempts_max;   /* 0: 5 */
};

/* What was asked and sent, for those who measure. */
struct gen_asker_counts {
    uint64_t n_requests; /* attempts included */
    uint64_t n_bytes;    /* of bodies that came */
};

/* The place is borrowed; it may be moved to another region. */
GEN_MUST_USE int gen_asker_new(struct gen_asker **out, struct gen_place *place,
                               const struct gen_asker_options *options, struct gen_error *err);
/* All its questions must have been freed. */
void gen_asker_free(struct gen_asker *a);
void gen_asker_mute(struct gen_asker *a);
const struct gen_asker_counts *gen_asker_counts(const struct gen_asker *a);
/* From any thread: whoever waits returns with GEN_ECANCELED soon, and so does all waiting from then
 * on. */
void gen_asker_cancel(struct gen_asker *a);
/* Takes that back, when nobody waits any more. */
void gen_asker_resume(struct gen_asker *a);

struct gen_question {
    const char *path;  /* below the place's root; copied */
    const char *query; /* or NULL; copied */
    const char *name;  /* in place of the path for messages; NULL: the path; copied */
    bool is_head;
    bool tolerates_refusal; /* 401 and 403 are answers, too */
    /* A part of the file: `n` bytes at `first`, or the last `n`; 0: all of it. */
    uint64_t first;
    uint64_t n;
    bool is_tail;
    const char *etag;      /* that the file must still have; NULL: not known; copied */
    const char *direct;    /* where a redirect of this file led before; NULL; copied */
    size_t body_bytes_max; /* of the answer */
};

/* Starts asking. */
GEN_MUST_USE int gen_ask_start(struct gen_asker *a, const struct gen_question *question,
                               struct gen_ask **out, struct gen_error *err);

/* What came: a status of 200, 206, 404, 410, 412 or 416 (and 401, 403, 304 where they are
 * tolerated). Views live as long as the question. */
struct gen_answer {
    int status;
    struct gen_str body;
    struct gen_str etag;
    struct gen_str content_type;
    struct gen_str direct; /* where redirects led; empty: nowhere */
    /* Of a 206 or 416: the range that Content-Range names, checked against its form. */
    bool has_range;
    uint64_t first, n, total;
};
/* Waits for the answer. GEN_EINPUT: no answer, or one that says no; the message says why and what
 * to do. GEN_ECANCELED. */
GEN_MUST_USE int gen_ask_wait(struct gen_ask *q, struct gen_answer *out, struct gen_error *err);
/* Gives the body to the caller, who releases it. */
struct gen_buf gen_ask_take_body(struct gen_ask *q);
bool gen_ask_is_done(const struct gen_ask *q);
/* Gives up waiting, and frees. NULL is fine. */
void gen_ask_free(struct gen_ask *q);

#endif
