/*
 * lnc_error.h - how every function of liblnc reports failure.
 *
 * A function that can fail returns an `enum lnc_status` as int (0 = success) and takes a `struct
 * lnc_error *` as its last argument, which may be NULL. The error is written on failure only; all
 * other outputs are then untouched.
 *
 * The message is one sentence for people, lower case, no final full stop. It names the place as far
 * as it is known (file, column, page, byte), then what is wrong, then, where there is one, the way
 * out.
 */
#ifndef LNC_ERROR_H
#define LNC_ERROR_H

#include <stdint.h>

#include "lnc/lnc_export.h"

LNC_EXTERN_C_BEGIN

enum lnc_status {
    LNC_OK = 0,
    LNC_ENOMEM,       /* malloc failed */
    LNC_EINVAL,       /* the caller passed something impossible (NULL path, batch of 0 rows, ...) */
    LNC_ENOENT,       /* no such path, no table there, no such table, column or version */
    LNC_EIO,          /* the operating system failed to open or read something that exists */
    LNC_ECORRUPT,     /* the bytes contradict the format or each other: damaged or cut off */
    LNC_EUNSUPPORTED, /* sound as far as one can tell, but written with something we do not read */
    LNC_ELIMIT,       /* reading on would exceed a limit of struct lnc_limits */
};

/* `offset` of an error that has no place in a file. */
#define LNC_NO_OFFSET UINT64_MAX

struct lnc_error {
    int code;          /* the enum lnc_status that was returned */
    uint64_t offset;   /* byte in the file that the message names, or LNC_NO_OFFSET */
    char message[512]; /* NUL-terminated, UTF-8 except for what the table itself holds */
};

/* A short constant name of a status, such as "corrupt"; "unknown" for other numbers. Never NULL. */
LNC_API const char *lnc_status_name(int status);

LNC_EXTERN_C_END

#endif
