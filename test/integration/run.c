#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ENV_MAX        32
#define SAID_BYTES_MAX ((size_t)64 << 20)

extern char **environ;

uint64_t run_now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U;
}

void run_sleep_ms(unsigned ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static bool is_passed_on(const char *variable)
{
    static const char *const names[] = {
        "PATH=",         "TMPDIR=",          "ASAN_OPTIONS=", "UBSAN_OPTIONS=",
        "LSAN_OPTIONS=", "LD_LIBRARY_PATH=", "GCOV_PREFIX=",  NULL};
    for (size_t i = 0; names[i]; i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

/* Keys and GENERATOR_ variables of whoever runs the tests must not leak into them. */
static void make_environment(const char **out, const struct run_spec *spec)
{
    size_t n = 0;
    for (char *const *v = environ; *v && n + 2 < ENV_MAX; v++) {
        if (is_passed_on(*v))
            out[n++] = *v;
    }
    out[n++] = "HOME=/nonexistent";
    for (const char *const *v = spec->env; v && *v && n + 1 < ENV_MAX; v++)
        out[n++] = *v;
    out[n] = NULL;
}

static int open_or_die(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        _exit(127);
    return fd;
}

/* In the child: never returns. */
static void become_program(const struct run *r, const struct run_spec *spec, const char **argv,
                           const char **env)
{
    /* execve wants char *const[] and changes nothing. */
    union {
        const char **in;
        char **out;
    } args = {.in = argv}, vars = {.in = env};
    int in = open_or_die(spec->stdin_path ? spec->stdin_path : "/dev/null", O_RDONLY);
    int out = open_or_die(spec->stdout_path ? spec->stdout_path : r->out_path, O_WRONLY);
    int err = open_or_die(r->err_path, O_WRONLY);
    const struct rlimit limit = {spec->file_bytes_max, spec->file_bytes_max};
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 || chdir(spec->dir) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
        (spec->file_bytes_max && setrlimit(RLIMIT_FSIZE, &limit) != 0))
        _exit(127);
    (void)execve(argv[0], args.out, vars.out);
    _exit(127);
}

static void make_file(char *path, size_t size)
{
    (void)snprintf(path, size, "/tmp/gen-int-said-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
}

void run_start(struct run *r, const struct run_spec *spec)
{
    const char *argv[RUN_ARGS_MAX] = {spec->program ? spec->program : GENERATOR_PATH};
    const char *env[ENV_MAX];
    size_t n = 1;
    memset(r, 0, sizeof(*r));
    for (const char *const *a = spec->args; *a; a++) {
        assert_true(n + 1 < RUN_ARGS_MAX);
        argv[n++] = *a;
    }
    make_environment(env, spec);
    make_file(r->out_path, sizeof(r->out_path));
    make_file(r->err_path, sizeof(r->err_path));
    r->limit_s = spec->limit_s ? spec->limit_s : RUN_LIMIT_S;
    r->start_ms = run_now_ms();
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0)
        become_program(r, spec, argv, env);
}

static char *read_said(const char *path, size_t *n)
{
    FILE *f = fopen(path, "re");
    size_t size = 65536;
    char *text = malloc(size);
    assert_non_null(f);
    assert_non_null(text);
    *n = 0;
    for (;;) {
        size_t got = fread(text + *n, 1, size - *n - 1, f);
        *n += got;
        if (got == 0 || size >= SAID_BYTES_MAX)
            break;
        if (size - *n < 32768) {
            size *= 2;
            char *more = realloc(text, size);
            assert_non_null(more);
            text = more;
        }
    }
    text[*n] = '\0';
    (void)fclose(f);
    return text;
}

void run_wait(struct run *r)
{
    int status = 0;
    pid_t got = 0;
    size_t n = 0;
    while ((got = waitpid(r->pid, &status, WNOHANG)) == 0) {
        if (!r->timed_out && run_now_ms() - r->start_ms > (uint64_t)r->limit_s * 1000U) {
            r->timed_out = true;
            (void)kill(r->pid, SIGKILL);
        }
        run_sleep_ms(2);
    }
    assert_true(got == r->pid);
    r->took_ms = run_now_ms() - r->start_ms;
    r->pid = 0;
    r->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    r->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    r->out = read_said(r->out_path, &r->out_bytes);
    r->err = read_said(r->err_path, &n);
}

void run_release(struct run *r)
{
    if (r->pid > 0) {
        (void)kill(r->pid, SIGKILL);
        (void)waitpid(r->pid, NULL, 0);
    }
    if (r->out_path[0])
        (void)unlink(r->out_path);
    if (r->err_path[0])
        (void)unlink(r->err_path);
    free(r->out);
    free(r->err);
    memset(r, 0, sizeof(*r));
}

void run_program(struct run *r, const struct run_spec *spec)
{
    run_start(r, spec);
    run_wait(r);
}

void run_expect(const struct run *r, int status)
{
    /* What a sanitizer found is a failure whatever the exit status. */
    bool is_sane = !strstr(r->err, "Sanitizer") && !strstr(r->err, "runtime error:") &&
                   !strstr(r->err, "BUG:");
    if (r->status == status && !r->timed_out && is_sane)
        return;
    print_error(
        "exit status %d wanted, %d seen%s, signal %d, after %llu ms; it said:\n%s\n%.2000s\n",
        status, r->status, r->timed_out ? " (time limit)" : "", r->signal,
        (unsigned long long)r->took_ms, r->err, r->out);
    fail();
}

void run_expect_says(const struct run *r, const char *text)
{
    if (strstr(r->err, text))
        return;
    print_error("\"%s\" is missing in what it said:\n%s\n", text, r->err);
    fail();
}

void run_expect_said(const struct run *r, const char *const *texts)
{
    for (; *texts; texts++)
        run_expect_says(r, *texts);
}
