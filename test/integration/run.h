/*
 * Runs a program with arguments, environment and working folder of the test's choice, and keeps
 * what it said. Several may run at the same time. Standard output and error go to files, so that
 * nobody waits for a full pipe. Only for tests: it ends the test when the machine fails.
 */
#ifndef INTEGRATION_RUN_H
#define INTEGRATION_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RUN_ARGS_MAX 64
#define RUN_LIMIT_S  60U

struct run_spec {
    const char *program;     /* NULL: the generator */
    const char *const *args; /* behind the program's name; ends with NULL */
    const char *const *env;  /* "NAME=value" besides a small fixed environment; NULL: none */
    const char *dir;         /* working folder */
    const char *stdin_path;  /* NULL: /dev/null */
    const char *stdout_path; /* NULL: captured; else it is opened for writing */
    unsigned limit_s;        /* killed after so many seconds; 0: RUN_LIMIT_S */
    uint64_t file_bytes_max; /* RLIMIT_FSIZE; 0: none */
};

/* A program under way. */
struct run {
    pid_t pid; /* 0: not running */
    unsigned limit_s;
    uint64_t start_ms;
    char out_path[64], err_path[64];
    /* Set by run_wait: */
    int status; /* exit status; -1: ended by `signal` */
    int signal;
    bool timed_out;
    uint64_t took_ms;
    char *out, *err; /* NUL-terminated; the run's */
    size_t out_bytes;
};

/* Starts the generator. The run is the caller's (run_release). */
void run_start(struct run *r, const struct run_spec *spec);
/* Waits for its end and fills what it said. The limit is the spec's. */
void run_wait(struct run *r);
/* Kills what still runs and frees. May be called for a run that was never started but is zeroed. */
void run_release(struct run *r);
/* run_start and run_wait. */
void run_program(struct run *r, const struct run_spec *spec);

/* The run ended with `status`; otherwise the test fails and shows what the program said. */
void run_expect(const struct run *r, int status);
/* Its standard error has all of the texts (NULL-terminated, case counts). */
void run_expect_said(const struct run *r, const char *const *texts);
void run_expect_says(const struct run *r, const char *text);

uint64_t run_now_ms(void);
void run_sleep_ms(unsigned ms);

#endif
