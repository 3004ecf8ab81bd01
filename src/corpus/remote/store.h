/*
 * A place as a store of the Lance reader (lnc/lnc_source.h): files are opened and read in ranges,
 * folders are listed. Listing S3 is ListObjectsV2. A web server lists nothing, so there only the
 * folder _versions is, by what can be known without a listing, in this order:
 *   1. the version that is wanted, where one is: its two possible names are asked for;
 *   2. _versions/latest_version_hint.json, which newer clients write, and the versions after it;
 *   3. the page that the server shows for the folder, where it shows one that names manifests;
 *   4. versions 1, 2, 3, ... up to 16 after the last that is there: a warning says so, because
 *      versions behind a larger gap (older ones were cleaned up) are not found. --lance-version N
 *      is then the way.
 *
 * The reader is a plain caller of functions: it waits in them. So a store belongs to one thread at
 * a time, and to none that has other things to do (corpus/lance_ahead.h).
 */
#ifndef GEN_CORPUS_REMOTE_STORE_H
#define GEN_CORPUS_REMOTE_STORE_H

#include "corpus/remote/ask.h"

#include "lnc/lnc_source.h"

struct gen_remote_store;

struct gen_remote_store_options {
    struct gen_asker_options asker;
    uint64_t version; /* the only one that is looked for; 0: the newest */
    gen_env_fn *env;  /* NULL: the process's environment */
    void *env_ud;
};

/* `url`: a table or a database, s3://, https:// or http://. GEN_EUSAGE: gen_place_init. */
GEN_MUST_USE int gen_remote_store_open(struct gen_remote_store **out, const char *url,
                                       const struct gen_remote_store_options *options,
                                       struct gen_error *err);
/* Everything that was opened with it must be closed. NULL is fine. */
void gen_remote_store_close(struct gen_remote_store *s);

const struct lnc_store *gen_remote_store_of(const struct gen_remote_store *s);
bool gen_remote_store_can_list(const struct gen_remote_store *s);
/* True when the folder has a file or folder below it (S3), or a manifest was found (web servers).
 */
GEN_MUST_USE int gen_remote_store_has(struct gen_remote_store *s, const char *folder, bool *out,
                                      struct gen_error *err);

/* What went wrong last, if anything but a missing file did: the reader's own errors are shorter,
 * and some it takes for "no table". GEN_OK: nothing. */
int gen_remote_store_failure(const struct gen_remote_store *s, struct gen_error *err);
/* No more log lines: another thread takes over. */
void gen_remote_store_mute(struct gen_remote_store *s);
void gen_remote_store_cancel(struct gen_remote_store *s); /* from any thread */
/* Takes it back, with the failure that came of it; when no other thread reads any more. */
void gen_remote_store_resume(struct gen_remote_store *s);
const struct gen_asker_counts *gen_remote_store_counts(const struct gen_remote_store *s);

#endif
