/*
 * One line to standard error per event: logfmt for people ("warn repair item=12 ..."), JSON lines
 * with
 * --log-json. Secrets and response bodies never go here. The sink is handed down from main; there
 * is no global one. `ui/` may interpose itself to keep the live block intact.
 */
#ifndef GEN_BASE_LOG_H
#define GEN_BASE_LOG_H

#include "base/error.h"

#include <stdbool.h>

enum gen_log_level { GEN_LOG_DEBUG = 0, GEN_LOG_INFO, GEN_LOG_WARN, GEN_LOG_ERROR };

struct gen_log {
    enum gen_log_level level; /* what is below it is dropped */
    bool json;
    /* Takes one whole line with its '\n'. */
    void (*write)(void *ud, const char *line, size_t n);
    void *ud;
};

/* A log that writes to standard error. */
struct gen_log gen_log_stderr(enum gen_log_level level, bool json);

/* `event` is a constant word; the message is for people. NULL `log` drops the line. */
void gen_log(const struct gen_log *log, enum gen_log_level level, const char *event,
             const char *format, ...) GEN_PRINTF(4, 5);

#endif
