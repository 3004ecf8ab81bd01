/*
 * Errors are values: a function that can fail returns an `int` (GEN_OK or an `enum gen_code`) and
 * takes a `struct gen_error *` last, which may be NULL and is written only on failure.
 *
 * The message is one sentence fragment, lower case, without a final stop: what failed, where (file,
 * row, byte), why, and what to do. It is printed once, in cli/. What an LLM server answers, a 429
 * say, is no error but a result (llm/llm.h).
 */
#ifndef GEN_BASE_ERROR_H
#define GEN_BASE_ERROR_H

#include <stddef.h>
#include <stdint.h>

#define GEN_MUST_USE     __attribute__((warn_unused_result))
#define GEN_PRINTF(a, b) __attribute__((format(printf, a, b)))

enum gen_code {
    GEN_OK = 0,
    GEN_ENOMEM,    /* out of memory */
    GEN_EUSAGE,    /* the user's command line, configuration or prompt file is wrong */
    GEN_EINPUT,    /* an input file or table is missing, unreadable or malformed */
    GEN_EIO,       /* our machine failed: disk, ledger, a system call */
    GEN_EPARSE,    /* text is not what its grammar demands; `offset` is the byte */
    GEN_ELIMIT,    /* a named limit was exceeded */
    GEN_ESTATE,    /* the call does not fit the object's state, or another process holds it */
    GEN_EPROVIDER, /* the LLM endpoint is unusable: auth, quota, dead */
    GEN_ECANCELED, /* the user asked to stop */
};

struct gen_error {
    enum gen_code code;
    int sys_errno;   /* 0 when no system call was involved */
    uint64_t offset; /* byte in the input for GEN_EPARSE, else 0 */
    char msg[1024];  /* NUL-terminated; cut, never allocated */
};

/* Writes code and formatted message to `err` (NULL is fine) and returns `code`, so that callers can
 * `return gen_fail(err, GEN_EINPUT, "...")`. */
int gen_fail(struct gen_error *err, enum gen_code code, const char *format, ...) GEN_PRINTF(3, 4);

/* As gen_fail, and appends ": " and the text of `sys_errno`. */
int gen_fail_errno(struct gen_error *err, enum gen_code code, int sys_errno, const char *format,
                   ...) GEN_PRINTF(4, 5);

/* Puts "context: " in front of the message already in `err`. Returns err->code (or `code` when err
 * is NULL), so that callers can `return gen_wrap(err, rc, "reading %s", path)`. */
int gen_wrap(struct gen_error *err, int code, const char *format, ...) GEN_PRINTF(3, 4);

/* The out-of-memory error, with what could not be allocated. */
int gen_nomem(struct gen_error *err, const char *what);

#ifdef __clang_analyzer__
/* The analyser does not know that the functions return their non-zero code. */
#define gen_fail(err, code, ...) (gen_fail((err), (code), __VA_ARGS__), (int)(code))
#define gen_fail_errno(err, code, number, ...)                                                     \
    (gen_fail_errno((err), (code), (number), __VA_ARGS__), (int)(code))
#define gen_nomem(err, what) (gen_nomem((err), (what)), (int)GEN_ENOMEM)
#endif

#endif
