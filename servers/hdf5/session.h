/*
 * What the server remembers between calls: the current file, which lives in a worker process. Runs
 * one tool after another.
 */
#ifndef HDS_SESSION_H
#define HDS_SESSION_H

#include "worker.h"
#include "json/json.h"

#define HDS_SCAN_WORKERS   4
#define HDS_SCAN_FILES_MAX 1000

struct hds_session {
    struct hds_roots roots;
    struct hds_limits limits;
    int timeout_ms;
    struct hds_worker worker; /* holds the current file; pid 0: no file is open */
    char filename[PATH_MAX];
    bool read_write;
};

/* Runs `tool` with arguments that fit its schema (NULL: none). `answer` gets the JSON text of the
 * result, or, when `*failed`, a sentence for the model. An error is our own. */
GEN_MUST_USE int hds_session_call(struct hds_session *s, struct gen_str tool,
                                  const struct gen_json *args,
                                  const struct hds_progress_sink *progress, struct gen_buf *answer,
                                  bool *failed, struct gen_error *err);
void hds_session_release(struct hds_session *s);

/* hdf5_parallel_scan (scan.c). */
GEN_MUST_USE int hds_scan(const struct hds_session *s, const struct gen_json *args,
                          const struct hds_progress_sink *progress, struct gen_buf *answer,
                          struct gen_error *err);

#endif
