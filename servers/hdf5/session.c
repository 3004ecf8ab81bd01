#include "session.h"

#include "value.h"

#include <stdio.h>

#define NO_FILE "no file is open; call open_file first"

static int say(struct gen_buf *answer, bool *failed, const char *text, struct gen_error *err)
{
    *failed = true;
    gen_buf_clear(answer);
    return gen_buf_add_c(answer, text, err);
}

/* Builds {key: text}. */
static int answer_one(struct gen_buf *answer, const char *key, const char *text,
                      struct gen_error *err)
{
    struct gen_jb *jb = NULL;
    int rc = gen_jb_new(&jb, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(jb);
    hds_put_text(jb, o, key, text);
    gen_buf_clear(answer);
    rc = gen_jb_write(jb, o, GEN_JSON_COMPACT, answer, err);
    gen_jb_free(jb);
    return rc;
}

static int write_args(const struct gen_json *args, struct gen_buf *text, struct gen_error *err)
{
    if (gen_json_type(args) != GEN_JSON_OBJECT)
        return gen_buf_add_c(text, "{}", err);
    return gen_json_write(text, args, GEN_JSON_COMPACT, err);
}

/* Turns an answer of `w` into one for the client. A worker that is gone takes its file with it. */
static int ask(const struct hds_session *s, struct hds_worker *w, const char *file,
               struct gen_str tool, const struct gen_json *args,
               const struct hds_progress_sink *progress, struct gen_buf *answer, bool *failed,
               struct gen_error *err)
{
    struct gen_buf text = gen_buf_make((size_t)8 << 20);
    enum hds_reply reply = HDS_REPLY_DIED;
    int rc = write_args(args, &text, err);
    if (rc == GEN_OK)
        rc = hds_worker_send(w, tool, gen_buf_str(&text), err);
    gen_buf_release(&text);
    if (rc == GEN_ELIMIT)
        return say(answer, failed, "the arguments are too large", err);
    if (rc == GEN_OK || rc == GEN_EIO)
        rc = hds_worker_receive(w, s->timeout_ms, progress, answer, &reply, err);
    if (rc)
        return rc;
    *failed = reply != HDS_REPLY_RESULT;
    if (reply == HDS_REPLY_RESULT || reply == HDS_REPLY_ERROR)
        return GEN_OK;
    const char *after = w == &s->worker ? "; no file is open now" : "";
    char how[40];
    (void)snprintf(how, sizeof(how), "%s", answer->data);
    gen_buf_clear(answer);
    if (reply == HDS_REPLY_DIED)
        return gen_buf_printf(answer, err,
                              "the file %s is corrupt: libhdf5 crashed on it (%s) in %.*s%s", file,
                              how, GEN_STR_ARG(tool), after);
    return gen_buf_printf(
        answer, err, "%.*s was stopped after %d s: the file %s is too large for it or corrupt%s",
        GEN_STR_ARG(tool), s->timeout_ms / 1000, file, after);
}

/* The new file gets a worker of its own; the old one is closed when that has worked. */
static int open_file(struct hds_session *s, const struct gen_json *args, struct gen_buf *answer,
                     bool *failed, struct gen_error *err)
{
    char real[PATH_MAX];
    struct hds_worker fresh;
    struct gen_error why;
    bool read_write = gen_str_is(gen_json_get_str(args, "mode"), "r+");
    if (read_write && !s->limits.writable)
        return say(answer, failed,
                   "mode r+ is refused: this server was started without --writable; use mode r",
                   err);
    if (hds_roots_file(&s->roots, gen_json_get_str(args, "path"), real, &why))
        return say(answer, failed, why.msg, err);
    int rc = hds_worker_start(&fresh, &s->roots, &s->limits, err);
    if (rc)
        return rc;
    rc = ask(s, &fresh, real, GEN_STR("open_file"), args, NULL, answer, failed, err);
    if (rc || *failed) {
        hds_worker_stop(&fresh);
        if (rc == GEN_OK && s->worker.pid > 0)
            rc = gen_buf_printf(answer, err, "; the current file is still %s", s->filename);
        return rc;
    }
    hds_worker_stop(&s->worker);
    s->worker = fresh;
    s->read_write = read_write;
    memcpy(s->filename, real, strlen(real) + 1);
    return GEN_OK;
}

static int close_file(struct hds_session *s, struct gen_buf *answer, struct gen_error *err)
{
    hds_worker_stop(&s->worker);
    return answer_one(answer, "filename", s->filename, err);
}

int hds_session_call(struct hds_session *s, struct gen_str tool, const struct gen_json *args,
                     const struct hds_progress_sink *progress, struct gen_buf *answer, bool *failed,
                     struct gen_error *err)
{
    *failed = false;
    gen_buf_clear(answer);
    if (gen_str_is(tool, "open_file"))
        return open_file(s, args, answer, failed, err);
    if (gen_str_is(tool, "hdf5_parallel_scan")) {
        struct gen_error why;
        int rc = hds_scan(s, args, progress, answer, &why);
        return rc ? say(answer, failed, why.msg, err) : GEN_OK;
    }
    if (s->worker.pid <= 0)
        return say(answer, failed, NO_FILE, err);
    if (gen_str_is(tool, "close_file"))
        return close_file(s, answer, err);
    if (gen_str_is(tool, "get_filename"))
        return answer_one(answer, "filename", s->filename, err);
    if (gen_str_is(tool, "get_mode"))
        return answer_one(answer, "mode", s->read_write ? "r+" : "r", err);
    return ask(s, &s->worker, s->filename, tool, args, progress, answer, failed, err);
}

void hds_session_release(struct hds_session *s)
{
    hds_worker_stop(&s->worker);
    hds_roots_release(&s->roots);
}
