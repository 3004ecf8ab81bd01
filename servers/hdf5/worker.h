/*
 * A worker: a forked child that alone calls libhdf5 for one file. If libhdf5 crashes, loops or eats
 * memory on a damaged file, the worker is gone and the server says so. Requests and answers go over
 * a socket pair as frames: {length, kind} and bytes.
 */
#ifndef HDS_WORKER_H
#define HDS_WORKER_H

#include "base/buf.h"
#include "h5.h"

#include <sys/types.h>

#define HDS_ANSWER_BYTES_MAX ((size_t)32 << 20)

struct hds_worker {
    pid_t pid; /* 0: none */
    int fd;
};

enum hds_reply {
    HDS_REPLY_RESULT = 1, /* JSON text */
    HDS_REPLY_ERROR,      /* a sentence for the model */
    HDS_REPLY_PROGRESS,   /* two numbers; never seen outside */
    HDS_REPLY_DIED,       /* how: "signal 11" */
    HDS_REPLY_TIMEOUT,
};

struct hds_progress_sink {
    void (*take)(void *ud, uint64_t done, uint64_t total); /* may be NULL */
    void *ud;
};

GEN_MUST_USE int hds_worker_start(struct hds_worker *w, const struct hds_roots *roots,
                                  const struct hds_limits *limits, struct gen_error *err);
/* `args` is JSON text. GEN_EIO when the worker is gone. */
GEN_MUST_USE int hds_worker_send(struct hds_worker *w, struct gen_str tool, struct gen_str args,
                                 struct gen_error *err);
/* Waits for the answer, at most `timeout_ms` from now and from each sign of progress. After DIED
 * and TIMEOUT the worker is stopped. */
GEN_MUST_USE int hds_worker_receive(struct hds_worker *w, int timeout_ms,
                                    const struct hds_progress_sink *progress,
                                    struct gen_buf *answer, enum hds_reply *reply,
                                    struct gen_error *err);
/* Closes its socket, so that it ends; kills it when it does not. May be called again. */
void hds_worker_stop(struct hds_worker *w);

uint64_t hds_now_ms(void);

#endif
