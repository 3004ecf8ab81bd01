#include "place.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES 1024
#define LEVELS_MAX 5

int place_setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    if (!p)
        return -1;
    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/gen-int-XXXXXX");
    if (!mkdtemp(p->dir)) {
        free(p);
        return -1;
    }
    *state = p;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int place_teardown(void **state)
{
    struct place *p = *state;
    for (size_t i = 0; i < p->n_runs; i++)
        run_release(&p->runs[i]);
    if (p->server.pid > 0)
        (void)fake_process_stop(&p->server);
    (void)nftw(p->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

const char *place_example(const char *name)
{
    static const char *const paths[] = {EXAMPLES_DIR "/chunks.jsonl", EXAMPLES_DIR "/notes",
                                        EXAMPLES_DIR "/handbook.lancedb",
                                        EXAMPLES_DIR "/README.md"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (strcmp(strrchr(paths[i], '/') + 1, name) == 0)
            return paths[i];
    }
    fail_msg("there is no example %s", name);
    return NULL;
}

void place_serve(struct place *p, const char *const *args)
{
    if (p->server.pid > 0)
        (void)fake_process_stop(&p->server);
    assert_int_equal(fake_process_start(&p->server, args), 0);
    (void)snprintf(p->v1, sizeof(p->v1), "%s/v1", p->server.url);
}

long long place_stat(const struct place *p, const char *name)
{
    long long value = fake_process_stat(&p->server, name);
    assert_true(value >= 0);
    return value;
}

void place_script(const struct place *p, const char *path, const char *json)
{
    char reply[4096];
    assert_int_equal(fake_process_request(&p->server, path, json, reply, sizeof(reply)), 200);
}

struct run *place_start(struct place *p, const struct run_spec *spec)
{
    assert_true(p->n_runs < PLACE_RUNS_MAX);
    struct run *r = &p->runs[p->n_runs++];
    struct run_spec here = *spec;
    if (!here.dir)
        here.dir = p->dir;
    run_start(r, &here);
    return r;
}

struct run *place_run_env(struct place *p, const char *const *args, const char *const *env)
{
    struct run *r = place_start(p, &(struct run_spec){.args = args, .env = env});
    run_wait(r);
    return r;
}

struct run *place_run(struct place *p, const char *const *args)
{
    return place_run_env(p, args, NULL);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void path_of(const struct place *p, const char *name, char *out)
{
    int n = name[0] == '/' ? snprintf(out, PATH_BYTES, "%s", name)
                           : snprintf(out, PATH_BYTES, "%s/%s", p->dir, name);
    assert_true(n > 0 && n < PATH_BYTES);
}

void place_write_bytes(const struct place *p, const char *name, const void *data, size_t n)
{
    char path[PATH_BYTES];
    path_of(p, name, path);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

void place_write(const struct place *p, const char *name, const char *text)
{
    place_write_bytes(p, name, text, strlen(text));
}

static char *read_file(const char *path, size_t *n)
{
    struct stat st;
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    assert_int_equal(fstat(fileno(f), &st), 0);
    char *text = malloc((size_t)st.st_size + 1);
    assert_non_null(text);
    *n = fread(text, 1, (size_t)st.st_size, f);
    text[*n] = '\0';
    (void)fclose(f);
    return text;
}

char *place_read(const struct place *p, const char *name, size_t *n)
{
    char path[PATH_BYTES];
    size_t bytes = 0;
    path_of(p, name, path);
    char *text = read_file(path, &bytes);
    if (!text)
        fail_msg("%s cannot be read", path);
    if (n)
        *n = bytes;
    return text;
}

bool place_has(const struct place *p, const char *name)
{
    char path[PATH_BYTES];
    path_of(p, name, path);
    return access(path, F_OK) == 0;
}

void place_remove(const struct place *p, const char *name)
{
    char path[PATH_BYTES];
    path_of(p, name, path);
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void copy_file(const char *from, const char *to)
{
    size_t n = 0;
    char *data = read_file(from, &n);
    assert_non_null(data);
    FILE *f = fopen(to, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    free(data);
}

static void copy_level(const char *from, const char *to, unsigned level)
{
    DIR *dir = opendir(from);
    const struct dirent *entry;
    assert_non_null(dir);
    assert_true(level < LEVELS_MAX);
    assert_int_equal(mkdir(to, 0700), 0);
    while ((entry = readdir(dir))) {
        char a[PATH_BYTES];
        char b[PATH_BYTES];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert_true(snprintf(a, sizeof(a), "%s/%s", from, entry->d_name) < PATH_BYTES);
        assert_true(snprintf(b, sizeof(b), "%s/%s", to, entry->d_name) < PATH_BYTES);
        assert_int_equal(stat(a, &st), 0);
        if (S_ISDIR(st.st_mode))
            copy_level(a, b, level + 1);
        else
            copy_file(a, b);
    }
    (void)closedir(dir);
}

void place_copy_tree(const struct place *p, const char *from, const char *name)
{
    char to[PATH_BYTES];
    path_of(p, name, to);
    copy_level(from, to, 0);
}

size_t place_count_lines(const struct place *p, const char *name)
{
    size_t n = 0;
    size_t lines = 0;
    char *text = place_read(p, name, &n);
    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    free(text);
    return lines;
}

bool place_any_file_has(const struct place *p, const char *text, char *name, size_t size)
{
    DIR *dir = opendir(p->dir);
    const struct dirent *entry;
    bool found = false;
    assert_non_null(dir);
    while (!found && (entry = readdir(dir))) {
        char path[PATH_BYTES];
        struct stat st;
        size_t n = 0;
        path_of(p, entry->d_name, path);
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        char *data = read_file(path, &n);
        found = data && memmem(data, n, text, strlen(text));
        free(data);
        (void)snprintf(name, size, "%s", entry->d_name);
    }
    (void)closedir(dir);
    return found;
}

bool place_same(const struct place *p, const char *a, const char *b)
{
    size_t n = 0;
    size_t m = 0;
    char *x = place_read(p, a, &n);
    char *y = place_read(p, b, &m);
    bool same = n == m && memcmp(x, y, n) == 0;
    free(x);
    free(y);
    return same;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

struct gen_json_doc *place_json(const struct place *p, const char *name)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    size_t n = 0;
    char *text = place_read(p, name, &n);
    if (gen_json_parse(&doc, (struct gen_str){text, n}, &err) != GEN_OK)
        fail_msg("%s: %s", name, err.msg);
    free(text);
    return doc;
}

static size_t count_json_lines(const struct place *p, const char *name)
{
    size_t n = 0;
    size_t rows = 0;
    char *text = place_read(p, name, &n);
    struct gen_str rest = {text, n};
    struct gen_str line;
    while (gen_str_next_line(&rest, &line)) {
        struct gen_json_doc *doc = NULL;
        struct gen_error err = {.msg = ""};
        if (gen_json_parse(&doc, line, &err) != GEN_OK)
            fail_msg("%s, row %zu: %s", name, rows + 1, err.msg);
        assert_int_equal(gen_json_type(gen_json_root(doc)), GEN_JSON_OBJECT);
        gen_json_doc_free(doc);
        rows++;
    }
    free(text);
    return rows;
}

size_t place_rows(const struct place *p, const char *name)
{
    size_t length = strlen(name);
    if (length < 5 || strcmp(name + length - 5, ".json") != 0)
        return count_json_lines(p, name);
    struct gen_json_doc *doc = place_json(p, name);
    const struct gen_json *root = gen_json_root(doc);
    assert_int_equal(gen_json_type(root), GEN_JSON_ARRAY);
    size_t n = gen_json_count(root);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(gen_json_type(gen_json_at(root, i)), GEN_JSON_OBJECT);
    gen_json_doc_free(doc);
    return n;
}

static int64_t sum_of(const struct gen_json *counts)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    int64_t sum = 0;
    gen_json_iter_init(&it, counts);
    while (gen_json_iter_next(&it, &key, &value)) {
        int64_t n = 0;
        assert_true(gen_json_as_int(value, &n));
        assert_true(n >= 0);
        sum += n;
    }
    return sum;
}

static int64_t number_at(const struct gen_json *stage, const char *path)
{
    char head[64];
    int64_t n = 0;
    const char *dot = strchr(path, '.');
    (void)snprintf(head, sizeof(head), "%.*s", dot ? (int)(dot - path) : (int)strlen(path), path);
    const struct gen_json *v = gen_json_get(stage, head);
    if (dot)
        v = gen_json_get(v, dot + 1);
    (void)gen_json_as_int(v, &n);
    return n;
}

struct gen_json_doc *place_summary(const struct place *p, const char *stem)
{
    char name[256];
    (void)snprintf(name, sizeof(name), "%s_summary.json", stem);
    struct gen_json_doc *doc = place_json(p, name);
    const struct gen_json *stages = gen_json_get(gen_json_root(doc), "stages");
    assert_true(gen_json_count(stages) > 0);
    for (size_t i = 0; i < gen_json_count(stages); i++) {
        const struct gen_json *s = gen_json_at(stages, i);
        int64_t settled = number_at(s, "produced") + sum_of(gen_json_get(s, "filtered")) +
                          sum_of(gen_json_get(s, "failed")) + sum_of(gen_json_get(s, "skipped"));
        assert_int_equal(number_at(s, "in"), settled);
    }
    return doc;
}

static const struct gen_json *find_stage(const struct gen_json_doc *summary, const char *stage)
{
    const struct gen_json *stages = gen_json_get(gen_json_root(summary), "stages");
    for (size_t i = 0; i < gen_json_count(stages); i++) {
        const struct gen_json *s = gen_json_at(stages, i);
        if (gen_str_is(gen_json_get_str(s, "stage"), stage))
            return s;
    }
    fail_msg("the summary has no stage %s", stage);
    return NULL;
}

int64_t summary_count(const struct gen_json_doc *summary, const char *stage, const char *path)
{
    return number_at(find_stage(summary, stage), path);
}

int64_t summary_sum(const struct gen_json_doc *summary, const char *stage, const char *name)
{
    return sum_of(gen_json_get(find_stage(summary, stage), name));
}

int64_t summary_total(const struct gen_json_doc *summary, const char *path)
{
    const struct gen_json *stages = gen_json_get(gen_json_root(summary), "stages");
    int64_t sum = 0;
    for (size_t i = 0; i < gen_json_count(stages); i++)
        sum += number_at(gen_json_at(stages, i), path);
    return sum;
}

struct gen_str summary_text(const struct gen_json_doc *summary, const char *name)
{
    return gen_json_get_str(gen_json_root(summary), name);
}
