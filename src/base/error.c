#include "base/error.h"

#undef gen_fail
#undef gen_fail_errno
#undef gen_nomem

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void GEN_PRINTF(3, 0)
    set_message(struct gen_error *err, enum gen_code code, const char *format, va_list args)
{
    err->code = code;
    err->sys_errno = 0;
    err->offset = 0;
    (void)vsnprintf(err->msg, sizeof(err->msg), format, args);
}

int gen_fail(struct gen_error *err, enum gen_code code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        set_message(err, code, format, args);
        va_end(args);
    }
    return (int)code;
}

int gen_fail_errno(struct gen_error *err, enum gen_code code, int sys_errno, const char *format,
                   ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        set_message(err, code, format, args);
        va_end(args);
        err->sys_errno = sys_errno;
        size_t used = strlen(err->msg);
        char text[128];
        /* The GNU strerror_r returns the text, which need not be in the buffer. */
        const char *reason = strerror_r(sys_errno, text, sizeof(text));
        (void)snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", reason);
    }
    return (int)code;
}

int gen_wrap(struct gen_error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    char inner[sizeof(err->msg)];
    memcpy(inner, err->msg, sizeof(inner));
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->msg, sizeof(err->msg), format, args);
    va_end(args);
    size_t used = strlen(err->msg);
    (void)snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", inner);
    return (int)err->code;
}

int gen_nomem(struct gen_error *err, const char *what)
{
    return gen_fail(err, GEN_ENOMEM, "out of memory for %s", what);
}
