#include "blob_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOTS_MAX 6

static _Noreturn void become_server(int out, const char *const *roots)
{
    char *args[ROOTS_MAX + 3] = {strdup(NODE), strdup(BLOB_PATH)};
    for (int i = 0; i < ROOTS_MAX && roots[i]; i++)
        args[i + 2] = strdup(roots[i]);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(out, STDOUT_FILENO);
    (void)execv(NODE, args);
    perror(NODE);
    _exit(127);
}

int blob_server_start(struct blob_server *s, const char *const *roots)
{
    int ends[2];
    unsigned port = 0;
    *s = (struct blob_server){.pid = 0};
    if (pipe(ends) != 0)
        return -1;
    s->pid = fork();
    if (s->pid == 0)
        become_server(ends[1], roots);
    (void)close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    char line[64] = "";
    if (said && fgets(line, sizeof(line), said) && strncmp(line, "PORT ", 5) == 0)
        port = (unsigned)strtoul(line + 5, NULL, 10);
    if (said)
        (void)fclose(said);
    if (port == 0) {
        (void)fprintf(stderr, "fakeblob did not start\n");
        blob_server_stop(s);
        return -1;
    }
    (void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", port);
    return 0;
}

void blob_server_stop(struct blob_server *s)
{
    if (s->pid > 0) {
        (void)kill(s->pid, SIGTERM);
        (void)waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}
