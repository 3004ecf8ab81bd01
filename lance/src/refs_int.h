/*
 * refs_int.h - tags and branches: small JSON files below _refs/.
 */
#ifndef LNC_REFS_INT_H
#define LNC_REFS_INT_H

#include "util_int.h"

/* What a tag stands for. */
struct lnc_tag {
    char *branch; /* on the heap; "" is the main one */
    uint64_t version;
};

/* Reads a tag of the table at `root`. LNC_ENOENT with the names of those that there are. */
int lnc_tag_find(const struct lnc_ctx *cx, const struct lnc_store *store, const char *root,
                 const char *name, struct lnc_tag *out);

/* Checks the name of a branch and that there is such a branch. LNC_ENOENT with the names of those
 * that there are. */
int lnc_branch_check(const struct lnc_ctx *cx, const struct lnc_store *store, const char *root,
                     const char *name);

#endif
