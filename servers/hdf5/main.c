/*
 * generator-hdf5-mcp: HDF5 files for language models, as an MCP server on standard input and
 * output.
 *
 *   main.c        command line
 *   server.c      the protocol           definition.c  the tools, from configs/hdf5_tools.json
 *   session.c     the current file       scan.c        many files
 *   worker.c      a process per file     roots.c, lockin.c  what may be touched
 *   samples.c     files to try it on
 *   tool*.c       the tools              h5.c data.c dtype.c storage.c value.c stats.c walk.c
 */
#include "base/num.h"
#include "samples.h"
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const char usage[] =
    "Usage: generator-hdf5-mcp [OPTIONS]\n"
    "\n"
    "An MCP server over standard input and output that reads HDF5 files.\n"
    "\n"
    "  --data-dir DIR      directory whose files may be read; may be given several times\n"
    "                      (default: the current directory)\n"
    "  --writable          let open_file use mode r+ and export_dataset write new files\n"
    "  --samples           write sample files into the first directory when it is empty\n"
    "  --max-elements N    values in one answer (default: 10000)\n"
    "  --timeout SECONDS   a call that takes longer is stopped (default: 60)\n"
    "  --help, --version\n";

static int write_line(void *ud, struct gen_str line, struct gen_error *err)
{
    (void)ud;
    while (line.n) {
        ssize_t n = write(STDOUT_FILENO, line.p, line.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return gen_fail_errno(err, GEN_EIO, errno, "standard output");
        line = gen_str_sub(line, (size_t)n, SIZE_MAX);
    }
    return GEN_OK;
}

/* A command line on the way. */
struct arguments {
    int argc;
    char **argv;
    int at;
};

/* The value of `--name VALUE` or `--name=VALUE` when `arg`, the present argument, is that option;
 * else NULL. */
static const char *value_of(struct arguments *a, const char *arg, const char *name)
{
    size_t n = strlen(name);
    if (strncmp(arg, name, n) != 0)
        return NULL;
    if (arg[n] == '=')
        return arg + n + 1;
    if (arg[n] != '\0' || a->at + 1 >= a->argc)
        return NULL;
    return a->argv[++a->at];
}

static int read_option(struct hds_session *s, struct arguments *a, const char *arg,
                       bool *with_samples, struct gen_error *err)
{
    const char *value;
    int64_t number = 0;
    if (strcmp(arg, "--writable") == 0) {
        s->limits.writable = true;
        return GEN_OK;
    }
    if (strcmp(arg, "--samples") == 0) {
        *with_samples = true;
        return GEN_OK;
    }
    if ((value = value_of(a, arg, "--data-dir")) != NULL)
        return hds_roots_add(&s->roots, value, err);
    if ((value = value_of(a, arg, "--max-elements")) != NULL) {
        int rc = gen_num_i64(gen_str_from(value), 1, 1000000, "--max-elements", &number, err);
        s->limits.elements_max = (size_t)number;
        return rc;
    }
    if ((value = value_of(a, arg, "--timeout")) != NULL) {
        int rc = gen_num_i64(gen_str_from(value), 1, 86400, "--timeout", &number, err);
        s->timeout_ms = (int)(number * 1000);
        return rc;
    }
    return gen_fail(err, GEN_EUSAGE, "%s is no option, or lacks its value; see --help", arg);
}

static int configure(struct hds_session *s, int argc, char **argv, struct gen_error *err)
{
    *s = (struct hds_session){
        .limits = {.elements_max = 10000}, .timeout_ms = 60000, .worker = {0, -1}};
    int rc = GEN_OK;
    bool with_samples = false;
    struct arguments a = {argc, argv, 1};
    for (; rc == GEN_OK && a.at < argc && argv[a.at]; a.at++)
        rc = read_option(s, &a, argv[a.at], &with_samples, err);
    if (rc == GEN_OK && s->roots.n == 0)
        rc = hds_roots_add(&s->roots, ".", err);
    if (rc == GEN_OK && with_samples)
        rc = hds_samples_write(s->roots.dirs[0], err);
    return rc;
}

int main(int argc, char **argv)
{
    struct gen_error err = {0};
    struct hds_server server = {.write = write_line};
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) == EOF;
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("generator-hdf5-mcp " GEN_VERSION) == EOF;
    (void)signal(SIGPIPE, SIG_IGN);
    int rc = configure(&server.session, argc, argv, &err);
    if (rc == GEN_OK)
        rc = hds_definitions_init(&server.definitions, &err);
    if (rc == GEN_OK)
        rc = hds_server_run(&server, STDIN_FILENO, &err);
    hds_session_release(&server.session);
    hds_definitions_release(&server.definitions);
    if (rc)
        (void)fprintf(stderr, "generator-hdf5-mcp: %s\n", err.msg);
    return rc == GEN_OK ? 0 : rc == GEN_EUSAGE ? 2 : 1;
}
