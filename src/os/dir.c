#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define WALK_DEPTH_MAX   32U
#define WALK_ENTRIES_MAX 4000000U
#define PATH_BYTES_MAX   65536U

static int make_one(const char *path, struct gen_error *err)
{
    if (mkdir(path, 0777) == 0)
        return GEN_OK;
    int mkdir_errno = errno;
    struct stat st;
    if (stat(path, &st) != 0)
        return gen_fail_errno(err, GEN_EIO, mkdir_errno, "cannot make the folder %s", path);
    if (!S_ISDIR(st.st_mode))
        return gen_fail(err, GEN_EIO, "cannot make the folder %s: a file has this name", path);
    return GEN_OK;
}

int gen_dir_make(const char *path, struct gen_error *err)
{
    char *part = gen_str_dup(gen_str_from(path));
    if (!part)
        return gen_nomem(err, "a path");
    int rc = GEN_OK;
    for (char *p = part; rc == GEN_OK && *p; p++) {
        if (*p != '/' || p == part)
            continue;
        *p = '\0';
        rc = make_one(part, err);
        *p = '/';
    }
    if (rc == GEN_OK && *part)
        rc = make_one(part, err);
    free(part);
    return rc;
}

/* One folder of the walk: its entries in order, and which comes next. A folder's name ends in '/',
 * which makes the order of the names the order of the paths ("a-b" comes before "a/c"). */
struct walk_level {
    char **names;
    size_t n;
    size_t capacity;
    size_t next;
    size_t n_path; /* bytes of the path that lead to this folder */
};

struct walk {
    struct walk_level levels[WALK_DEPTH_MAX];
    size_t depth;
    size_t n_entries; /* held at the moment */
    struct gen_buf path;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct walk *w, struct walk_level *level, const char *name, bool is_dir,
                    struct gen_error *err)
{
    if (++w->n_entries > WALK_ENTRIES_MAX)
        return gen_fail(err, GEN_ELIMIT, "%s holds more than %u files", w->path.data,
                        WALK_ENTRIES_MAX);
    if (level->n == level->capacity) {
        size_t capacity = level->capacity ? level->capacity * 2 : 16;
        char **names = realloc(level->names, capacity * sizeof(*names));
        if (!names)
            return gen_nomem(err, "a list of files");
        level->names = names;
        level->capacity = capacity;
    }
    size_t n = strlen(name);
    char *copy = malloc(n + 2);
    if (!copy)
        return gen_nomem(err, "a file name");
    memcpy(copy, name, n);
    copy[n] = is_dir ? '/' : '\0';
    copy[n + is_dir] = '\0';
    level->names[level->n++] = copy;
    return GEN_OK;
}

/* DT_DIR, DT_REG, or something else that the walk passes over. */
static unsigned char entry_type(DIR *dir, const struct dirent *entry)
{
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    struct stat st;
    if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return DT_UNKNOWN;
    return S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
}

static int read_entries(struct walk *w, struct walk_level *level, DIR *dir, struct gen_error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno)
            return gen_fail_errno(err, GEN_EINPUT, errno, "cannot list the folder %s",
                                  w->path.data);
        if (!entry)
            return GEN_OK;
        if (entry->d_name[0] == '.')
            continue;
        unsigned char type = entry_type(dir, entry);
        if (type != DT_DIR && type != DT_REG)
            continue;
        int rc = add_name(w, level, entry->d_name, type == DT_DIR, err);
        if (rc != GEN_OK)
            return rc;
    }
}

/* Opens the folder that w->path names (with a '/' at its end) as the next level. */
static int push_level(struct walk *w, struct gen_error *err)
{
    if (w->depth == WALK_DEPTH_MAX)
        return gen_fail(err, GEN_ELIMIT, "%s lies more than %u folders deep", w->path.data,
                        WALK_DEPTH_MAX);
    DIR *dir = opendir(w->path.data);
    if (!dir)
        return gen_fail_errno(err, GEN_EINPUT, errno, "cannot list the folder %s", w->path.data);
    struct walk_level *level = &w->levels[w->depth++];
    *level = (struct walk_level){.n_path = w->path.n};
    int rc = read_entries(w, level, dir, err);
    (void)closedir(dir);
    if (rc == GEN_OK && level->n > 1)
        qsort(level->names, level->n, sizeof(*level->names), compare_names);
    return rc;
}

static void pop_level(struct walk *w)
{
    struct walk_level *level = &w->levels[--w->depth];
    /* The analyser does not see that add_name has filled the first n. */
    for (size_t i = 0; i < level->n; i++)
        free(level->names[i]); // NOLINT(clang-analyzer-core.CallAndMessage)
    w->n_entries -= level->n;
    free(level->names);
}

static int walk_on(struct walk *w, gen_walk_fn *fn, void *ud, struct gen_error *err)
{
    while (w->depth > 0) {
        struct walk_level *level = &w->levels[w->depth - 1];
        if (level->next == level->n) {
            pop_level(w);
            continue;
        }
        struct gen_str name = gen_str_from(level->names[level->next++]);
        w->path.n = level->n_path;
        int rc = gen_buf_add_str(&w->path, name, err);
        if (rc == GEN_OK)
            rc = gen_str_ends(name, GEN_STR("/")) ? push_level(w, err) : fn(ud, w->path.data, err);
        if (rc != GEN_OK)
            return rc;
    }
    return GEN_OK;
}

int gen_dir_walk(const char *root, gen_walk_fn *fn, void *ud, struct gen_error *err)
{
    struct walk *w = calloc(1, sizeof(*w));
    if (!w)
        return gen_nomem(err, "a walk through folders");
    w->path = gen_buf_make(PATH_BYTES_MAX);
    struct gen_str start = gen_str_from(*root ? root : ".");
    int rc = gen_buf_add_str(&w->path, start, err);
    if (rc == GEN_OK && !gen_str_ends(start, GEN_STR("/")))
        rc = gen_buf_add_char(&w->path, '/', err);
    if (rc == GEN_OK)
        rc = push_level(w, err);
    if (rc == GEN_OK)
        rc = walk_on(w, fn, ud, err);
    while (w->depth > 0)
        pop_level(w);
    gen_buf_release(&w->path);
    free(w);
    return rc;
}
