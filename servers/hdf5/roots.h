/*
 * The directories that the server may touch (--data-dir). Every path from a client goes through
 * here: it is made absolute, symbolic links are resolved, and what then lies outside is refused.
 * What lies outside and what does not exist get the same message, so that nothing can be learnt
 * about the rest of the machine. Somebody who can change links inside the directories while a call
 * runs is not kept out by this; workers lock themselves in as well where the kernel can (lockin.h).
 */
#ifndef HDS_ROOTS_H
#define HDS_ROOTS_H

#include "base/buf.h"

#include <limits.h>

#define HDS_ROOTS_MAX 16

struct hds_roots {
    char
        *dirs[HDS_ROOTS_MAX]; /* absolute, links resolved, without a slash at the end but for "/" */
    size_t n;
};

/* Adds a directory. GEN_EUSAGE when it is none, or there are too many. */
GEN_MUST_USE int hds_roots_add(struct hds_roots *r, const char *dir, struct gen_error *err);
void hds_roots_release(struct hds_roots *r);

/* True when the absolute path `real`, without links, is one of the directories or below one. */
bool hds_roots_contain(const struct hds_roots *r, const char *real);

/* The real path of an existing regular file. Relative paths are looked for in each directory in
 * turn. GEN_EINPUT. */
GEN_MUST_USE int hds_roots_file(const struct hds_roots *r, struct gen_str path, char real[PATH_MAX],
                                struct gen_error *err);
/* The same for an existing directory. */
GEN_MUST_USE int hds_roots_dir(const struct hds_roots *r, struct gen_str path, char real[PATH_MAX],
                               struct gen_error *err);
/* The path of a file that does not exist yet, in an existing directory; relative to the first
 * directory. */
GEN_MUST_USE int hds_roots_new_file(const struct hds_roots *r, struct gen_str path,
                                    char real[PATH_MAX], struct gen_error *err);

#endif
