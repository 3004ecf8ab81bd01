/* hdf5_parallel_scan: finds the files here, and lets several workers open them at the same time. */
#include "session.h"
#include "value.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEPTH_MAX   16
#define ENTRIES_MAX 100000 /* directory entries that one scan looks at */
#define STARS_MAX   8      /* fnmatch takes exponential time in them */

struct found {
    char *path; /* relative to the directory */
    int64_t size;
    char *answer; /* NULL: not yet */
    bool failed;
};

struct scan {
    const struct hds_session *session;
    const char *directory;
    const char *name_pattern;
    bool deep;
    struct found *files;
    size_t n;
    size_t n_entries;
    bool truncated;
};

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

static int read_pattern(struct scan *s, struct gen_str pattern, char *name, size_t size,
                        struct gen_error *err)
{
    struct gen_str rest = pattern;
    size_t stars = 0;
    s->deep = gen_str_starts(pattern, GEN_STR("**/"));
    if (s->deep)
        rest = gen_str_sub(pattern, 3, SIZE_MAX);
    for (size_t i = 0; i < rest.n; i++)
        stars += rest.p[i] == '*';
    if (rest.n == 0 || rest.n >= size || memchr(rest.p, '/', rest.n) ||
        memchr(rest.p, '\0', rest.n) || stars > STARS_MAX)
        return gen_fail(err, GEN_EINPUT,
                        "the pattern \"%.*s\" is neither the pattern of a file name, such as *.h5, "
                        "nor **/ and such a pattern; at most %d * are allowed",
                        GEN_STR_ARG(gen_str_sub(pattern, 0, 100)), STARS_MAX);
    memcpy(name, rest.p, rest.n);
    name[rest.n] = '\0';
    s->name_pattern = name;
    return GEN_OK;
}

/* A link to a file counts when it stays within the data directories; a link to a directory is not
 * entered. */
static int note(struct scan *s, const char *relative, const char *name, struct gen_error *err)
{
    char whole[PATH_MAX];
    char real[PATH_MAX];
    struct stat st;
    int n = snprintf(whole, sizeof(whole), "%s/%s", s->directory, relative);
    if (n < 0 || n >= PATH_MAX || fnmatch(s->name_pattern, name, FNM_PERIOD) != 0 ||
        hds_roots_file(&s->session->roots, gen_str_from(whole), real, NULL) || stat(real, &st) != 0)
        return GEN_OK;
    if (s->n == HDS_SCAN_FILES_MAX) {
        s->truncated = true;
        return GEN_OK;
    }
    char *path = gen_str_dup(gen_str_from(relative));
    if (!path)
        return gen_nomem(err, "a scan");
    s->files[s->n++] = (struct found){path, (int64_t)st.st_size, NULL, false};
    return GEN_OK;
}

/* Recursion is bounded by DEPTH_MAX. */
static int look_into(struct scan *s, const char *relative, unsigned depth, struct gen_error *err)
{
    char whole[PATH_MAX];
    int n = snprintf(whole, sizeof(whole), "%s/%s", s->directory, relative);
    DIR *dir = n > 0 && n < PATH_MAX ? opendir(whole) : NULL;
    int rc = GEN_OK;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e && rc == GEN_OK; e = readdir(dir)) {
        char below[PATH_MAX];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        n = snprintf(below, sizeof(below), "%s%s%s", relative, *relative ? "/" : "", e->d_name);
        if (++s->n_entries > ENTRIES_MAX || n < 0 || n >= PATH_MAX) {
            s->truncated = true;
            break;
        }
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (!S_ISDIR(st.st_mode))
            rc = note(s, below, e->d_name, err);
        else if (s->deep && depth + 1 < DEPTH_MAX)
            rc = look_into(s, below, depth + 1, err);
        else if (s->deep)
            s->truncated = true;
    }
    if (dir)
        (void)closedir(dir);
    return rc;
}

/* One of the workers, and the file that it has in hand. */
struct lane {
    struct hds_worker worker;
    struct found *file; /* NULL: idle */
};

static int give(struct scan *s, struct lane *lane, struct found *file, struct gen_error *err)
{
    char whole[PATH_MAX];
    struct gen_buf args = gen_buf_make((size_t)64 << 10);
    struct gen_jb *jb = NULL;
    int rc = lane->worker.pid > 0
                 ? GEN_OK
                 : hds_worker_start(&lane->worker, &s->session->roots, &s->session->limits, err);
    if (rc == GEN_OK)
        rc = gen_jb_new(&jb, err);
    if (rc == GEN_OK) {
        (void)snprintf(whole, sizeof(whole), "%s/%s", s->directory, file->path);
        struct gen_jmut *o = gen_jb_object(jb);
        hds_put_text(jb, o, "path", whole);
        rc = gen_jb_write(jb, o, GEN_JSON_COMPACT, &args, err);
    }
    if (rc == GEN_OK) {
        lane->file = file;
        rc = hds_worker_send(&lane->worker, GEN_STR("scan_file"), gen_buf_str(&args), err);
        /* A worker that died since is noticed when its answer is fetched. */
        rc = rc == GEN_EIO ? GEN_OK : rc;
    }
    gen_jb_free(jb);
    gen_buf_release(&args);
    return rc;
}

static int take(struct scan *s, struct lane *lane, struct gen_error *err)
{
    struct gen_buf answer = gen_buf_make(HDS_ANSWER_BYTES_MAX);
    struct gen_buf text = gen_buf_make(HDS_ANSWER_BYTES_MAX);
    enum hds_reply reply;
    int rc = hds_worker_receive(&lane->worker, s->session->timeout_ms, NULL, &answer, &reply, err);
    if (rc == GEN_OK && reply == HDS_REPLY_DIED)
        rc = gen_buf_printf(&text, err, "the file is corrupt: libhdf5 crashed on it (%s)",
                            answer.data);
    else if (rc == GEN_OK && reply == HDS_REPLY_TIMEOUT)
        rc = gen_buf_printf(&text, err, "the file took over %d s and was given up",
                            s->session->timeout_ms / 1000);
    else if (rc == GEN_OK)
        rc = gen_buf_add_str(&text, gen_buf_str(&answer), err);
    if (rc == GEN_OK) {
        size_t n;
        lane->file->failed = reply != HDS_REPLY_RESULT;
        lane->file->answer = gen_buf_take(&text, &n);
        lane->file = NULL;
    }
    gen_buf_release(&text);
    gen_buf_release(&answer);
    return rc;
}

/* Waits until a busy lane has an answer, or one is overdue. */
static struct lane *next_answer(const struct scan *s, struct lane *lanes, size_t n)
{
    struct pollfd fds[HDS_SCAN_WORKERS];
    struct lane *busy[HDS_SCAN_WORKERS];
    nfds_t n_busy = 0;
    for (size_t i = 0; i < n; i++) {
        if (!lanes[i].file)
            continue;
        fds[n_busy] = (struct pollfd){lanes[i].worker.fd, POLLIN, 0};
        busy[n_busy++] = &lanes[i];
    }
    if (n_busy == 0)
        return NULL;
    if (poll(fds, n_busy, s->session->timeout_ms) > 0) {
        for (nfds_t i = 0; i < n_busy; i++) {
            if (fds[i].revents)
                return busy[i];
        }
    }
    return busy[0];
}

static int open_all(struct scan *s, const struct hds_progress_sink *progress, struct gen_error *err)
{
    struct lane lanes[HDS_SCAN_WORKERS];
    size_t n_lanes = s->n < HDS_SCAN_WORKERS ? s->n : HDS_SCAN_WORKERS;
    size_t given = 0;
    size_t done = 0;
    int rc = GEN_OK;
    memset(lanes, 0, sizeof(lanes));
    for (size_t i = 0; rc == GEN_OK && i < n_lanes; i++)
        rc = give(s, &lanes[i], &s->files[given++], err);
    while (rc == GEN_OK && done < s->n) {
        struct lane *lane = next_answer(s, lanes, n_lanes);
        if (!lane)
            break;
        rc = take(s, lane, err);
        done++;
        if (rc == GEN_OK && progress && progress->take)
            progress->take(progress->ud, done, s->n);
        if (rc == GEN_OK && given < s->n)
            rc = give(s, lane, &s->files[given++], err);
    }
    for (size_t i = 0; i < n_lanes; i++)
        hds_worker_stop(&lanes[i].worker);
    return rc;
}

static int64_t put_file(struct gen_jb *jb, struct gen_jmut *array, const struct found *f)
{
    static const char *const counts[] = {"n_datasets", "n_groups", "data_bytes"};
    struct gen_json_doc *doc = NULL;
    struct gen_jmut *o = gen_jb_object(jb);
    int64_t n_datasets = 0;
    hds_put_text(jb, o, "path", f->path);
    gen_jb_put_bool(jb, o, "ok", !f->failed);
    gen_jb_put_int(jb, o, "size_bytes", f->size);
    if (f->failed) {
        hds_put_text(jb, o, "error", f->answer);
    } else if (gen_json_parse(&doc, gen_str_from(f->answer), NULL) == GEN_OK) {
        for (size_t i = 0; i < 3; i++)
            gen_jb_put(jb, o, counts[i],
                       gen_jb_copy(jb, gen_json_get(gen_json_root(doc), counts[i])));
        (void)gen_json_as_int(gen_json_get(gen_json_root(doc), "n_datasets"), &n_datasets);
    }
    gen_json_doc_free(doc);
    gen_jb_append(jb, array, o);
    return n_datasets;
}

static int write_scan(const struct scan *s, struct gen_str pattern, struct gen_buf *answer,
                      struct gen_error *err)
{
    struct gen_jb *jb = NULL;
    int rc = gen_jb_new(&jb, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(jb);
    struct gen_jmut *array = gen_jb_array(jb);
    int64_t n_datasets = 0;
    int64_t bytes = 0;
    int64_t n_readable = 0;
    for (size_t i = 0; i < s->n; i++) {
        n_datasets += put_file(jb, array, &s->files[i]);
        bytes += s->files[i].size;
        n_readable += !s->files[i].failed;
    }
    hds_put_text(jb, o, "directory", s->directory);
    gen_jb_put_str(jb, o, "pattern", pattern);
    gen_jb_put(jb, o, "files", array);
    gen_jb_put_int(jb, o, "n_files", (int64_t)s->n);
    gen_jb_put_int(jb, o, "n_readable", n_readable);
    gen_jb_put_int(jb, o, "n_datasets", n_datasets);
    gen_jb_put_int(jb, o, "total_bytes", bytes);
    gen_jb_put_bool(jb, o, "truncated", s->truncated);
    gen_buf_clear(answer);
    rc = gen_jb_write(jb, o, GEN_JSON_COMPACT, answer, err);
    gen_jb_free(jb);
    return rc;
}

int hds_scan(const struct hds_session *session, const struct gen_json *args,
             const struct hds_progress_sink *progress, struct gen_buf *answer,
             struct gen_error *err)
{
    char directory[PATH_MAX];
    char name[256];
    struct scan s = {.session = session, .directory = directory};
    struct gen_str pattern = gen_json_get_str(args, "pattern");
    if (pattern.n == 0)
        pattern = GEN_STR("*.h5");
    int rc = hds_roots_dir(&session->roots, gen_json_get_str(args, "directory"), directory, err);
    if (rc == GEN_OK)
        rc = read_pattern(&s, pattern, name, sizeof(name), err);
    if (rc)
        return rc;
    s.files = calloc(HDS_SCAN_FILES_MAX, sizeof(s.files[0]));
    if (!s.files)
        return gen_nomem(err, "a scan");
    rc = look_into(&s, "", 0, err);
    if (s.n)
        qsort(s.files, s.n, sizeof(s.files[0]), by_path);
    if (rc == GEN_OK)
        rc = open_all(&s, progress, err);
    if (rc == GEN_OK)
        rc = write_scan(&s, pattern, answer, err);
    for (size_t i = 0; i < s.n; i++) {
        free(s.files[i].path);
        free(s.files[i].answer);
    }
    free(s.files);
    return rc;
}
