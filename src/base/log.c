#include "base/log.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define LINE_BYTES 2048

static void write_stderr(void *ud, const char *line, size_t n)
{
    (void)ud;
    /* There is nowhere left to report a failing standard error. */
    (void)fwrite(line, 1, n, stderr);
}

struct gen_log gen_log_stderr(enum gen_log_level level, bool json)
{
    return (struct gen_log){level, json, write_stderr, NULL};
}

/* The message may be cut in the middle of a character, and may quote bytes from outside. */
static void json_escape(char *out, size_t capacity, const char *text)
{
    size_t n = 0;
    struct gen_str rest = gen_str_from(text);
    while (rest.n && n + 7 < capacity) {
        uint32_t cp = 0;
        size_t step = gen_utf8_next(rest, &cp);
        bool is_malformed = step == 1 && cp == 0xFFFD;
        if (cp == '"' || cp == '\\') {
            out[n++] = '\\';
            out[n++] = (char)cp;
        } else if (cp < 0x20 || cp == 0x7f || is_malformed) {
            n += (size_t)snprintf(out + n, capacity - n, "\\u%04x", cp);
        } else {
            memcpy(out + n, rest.p, step);
            n += step;
        }
        rest = gen_str_sub(rest, step, rest.n - step);
    }
    out[n] = '\0';
}

/* One line is one event, and a terminal obeys no one's escape sequences. */
static void blank_controls(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
    }
}

void gen_log(const struct gen_log *log, enum gen_log_level level, const char *event,
             const char *format, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if (!log || level < log->level)
        return;
    char text[1024];
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    int n;
    if (log->json) {
        char escaped[sizeof(text) + 64];
        char when[32];
        struct tm utc;
        time_t now = time(NULL);
        (void)gmtime_r(&now, &utc);
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
        json_escape(escaped, sizeof(escaped), text);
        n = snprintf(line, sizeof(line),
                     "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\",\"message\":\"%s\"}\n",
                     when, names[level], event, escaped);
    } else {
        blank_controls(text);
        n = snprintf(line, sizeof(line), "%s: %s\n", names[level], text);
    }
    if (n > 0)
        log->write(log->ud, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}
