/* A server that is a child process: one message, one line. */
#include "tool/mcp/mcp_int.h"

#include "os/child.h"
#include "os/process.h"

#include <stdio.h>
#include <stdlib.h>

#define STRINGS_MAX   1024U
#define PROGRAM_BYTES 8192U

/* Enough for a server that starts, and nothing that is a secret of ours. */
static const char *const inherited_always[] = {"PATH", "HOME", "LANG", "TMPDIR"};
#define N_ALWAYS (sizeof(inherited_always) / sizeof(inherited_always[0]))

static void on_line(void *ud, struct gen_str line, bool is_cut)
{
    struct gen_mcp *m = ud;
    if (is_cut)
        gen_mcp_lose(m, 0, GEN_MCP_TOO_LARGE, "a message of the server %s is over %zu bytes",
                     m->o.name, m->o.message_bytes_max);
    else if (gen_str_trim(line).n)
        gen_mcp_receive(m, line, 0);
}

/* The last line that says something. */
static struct gen_str last_line(struct gen_str text)
{
    struct gen_str line, last = {NULL, 0};
    while (gen_str_next_line(&text, &line)) {
        line = gen_str_trim(line);
        if (line.n)
            last = line;
    }
    return last;
}

static void on_end(void *ud, const struct gen_child_end *end)
{
    struct gen_mcp *m = ud;
    m->link = NULL;
    if (end->was_asked) {
        gen_mcp_stopped(m);
        return;
    }
    struct gen_str said = gen_str_sub(last_line(end->errors), 0, 400);
    char how[64];
    if (end->signal)
        (void)snprintf(how, sizeof(how), "signal %d", end->signal);
    else
        (void)snprintf(how, sizeof(how), "exit status %d", end->exit_code);
    if (said.n)
        gen_mcp_die(m, "the server %s died (%s): %.*s", m->o.name, how, GEN_STR_ARG(said));
    else
        gen_mcp_die(m, "the server %s died (%s) and said nothing on standard error", m->o.name,
                    how);
}

/* A list of strings in which "{sandbox}" is filled in. Freed with free_strings. */
static void free_strings(char **strings)
{
    for (char **s = strings; s && *s; s++)
        free(*s);
    free(strings);
}

static char *fill_in(const struct gen_mcp *m, const char *text)
{
    struct gen_buf out = gen_buf_make((size_t)1 << 20);
    int rc = gen_mcp_rename(&out, gen_str_from(text), GEN_STR("{sandbox}"),
                            gen_buf_str(&m->sandbox), false, NULL);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&out, '\0', NULL);
    size_t n;
    char *filled = rc == GEN_OK ? gen_buf_take(&out, &n) : NULL;
    gen_buf_release(&out);
    return filled;
}

static char **fill_in_all(const struct gen_mcp *m, const char *const *texts)
{
    size_t n = 0;
    while (texts && texts[n] && n < STRINGS_MAX)
        n++;
    char **out = calloc(n + 1, sizeof(*out));
    for (size_t i = 0; out && i < n; i++) {
        out[i] = fill_in(m, texts[i]);
        if (!out[i]) {
            free_strings(out);
            return NULL;
        }
    }
    return out;
}

/* The names of our variables that go to the server; views. NULL when memory ends. */
static const char **inherited_names(const struct gen_mcp *m)
{
    size_t n = 0;
    while (m->o.environment && m->o.environment[n] && n < STRINGS_MAX)
        n++;
    const char **out = calloc(N_ALWAYS + n + 1, sizeof(*out));
    if (!out)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < N_ALWAYS; i++)
        out[used++] = inherited_always[i];
    for (size_t i = 0; i < n; i++) {
        if (!strchr(m->o.environment[i], '='))
            out[used++] = m->o.environment[i];
    }
    return out;
}

/* Only the settings; "NAME" would take a variable away there. */
static void keep_settings(char **environment)
{
    size_t used = 0;
    for (char **v = environment; *v; v++) {
        if (strchr(*v, '='))
            environment[used++] = *v;
        else
            free(*v);
    }
    environment[used] = NULL;
}

/* Absolute, because the server may run in another folder. */
static int find_program(const char *name, char **path, struct gen_error *err)
{
    struct gen_buf found = gen_buf_make(PROGRAM_BYTES);
    bool is_found = false;
    if (strchr(name, '/')) {
        *path = realpath(name, NULL);
        return *path ? GEN_OK
                     : gen_fail(err, GEN_EINPUT, "there is no program %s for the MCP server", name);
    }
    int rc = gen_process_find(name, NULL, &found, &is_found, err);
    if (rc == GEN_OK && !is_found)
        rc = gen_fail(err, GEN_EINPUT, "there is no program %s in PATH for the MCP server", name);
    if (rc == GEN_OK) {
        *path = gen_str_dup(gen_buf_str(&found));
        rc = *path ? GEN_OK : gen_nomem(err, "a path");
    }
    gen_buf_release(&found);
    return rc;
}

static int start(struct gen_mcp *m, struct gen_error *err)
{
    int rc = gen_mcp_sandbox_make(m, err);
    char **argv = rc == GEN_OK ? fill_in_all(m, m->o.argv) : NULL;
    char **environment = rc == GEN_OK ? fill_in_all(m, m->o.environment) : NULL;
    const char **inherited = inherited_names(m);
    char *program = NULL;
    if (rc == GEN_OK && (!argv || !argv[0] || !environment || !inherited))
        rc = gen_nomem(err, "the arguments of a server");
    if (rc == GEN_OK)
        rc = find_program(argv[0], &program, err);
    struct gen_child *child = NULL;
    if (rc == GEN_OK) {
        keep_settings(environment);
        free(argv[0]);
        argv[0] = program;
        program = NULL;
        const struct gen_child_options options = {
            .argv = (const char *const *)argv,
            .inherited = inherited,
            .environment = (const char *const *)environment,
            .cwd = m->o.cwd       ? m->o.cwd
                   : m->sandbox.n ? m->sandbox.data
                                  : NULL,
            .line_bytes_max = m->o.message_bytes_max,
            .close_ms = m->o.times.close_ms,
            .grace_ms = m->o.times.grace_ms,
        };
        rc = gen_child_start(&child, m->loop, &options, on_line, on_end, m, err);
    }
    if (rc == GEN_OK)
        m->link = child;
    free(program);
    free_strings(argv);
    free_strings(environment);
    free(inherited);
    return rc;
}

static int send_line(struct gen_mcp *m, const struct gen_mcp_message *message,
                     struct gen_error *err)
{
    struct gen_child *child = m->link;
    if (!child)
        return gen_fail(err, GEN_ESTATE, "the server %s has ended", m->o.name);
    return gen_child_write_line(child, message->text, err);
}

static void forget(struct gen_mcp *m, uint64_t id)
{
    /* A late answer is known by its id. */
    (void)m;
    (void)id;
}

static void stop(struct gen_mcp *m)
{
    if (m->link)
        gen_child_close(m->link);
    else
        gen_mcp_stopped(m);
}

static void kill_child(struct gen_mcp *m)
{
    gen_child_free(m->link);
    m->link = NULL;
}

const struct gen_mcp_transport gen_mcp_stdio = {
    .start = start,
    .send = send_line,
    .forget = forget,
    .stop = stop,
    .kill = kill_child,
    .release = kill_child,
};
