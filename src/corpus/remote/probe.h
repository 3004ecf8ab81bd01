/* Which versions a table on a web server has (corpus/remote/store.h has the order). */
#ifndef GEN_CORPUS_REMOTE_PROBE_H
#define GEN_CORPUS_REMOTE_PROBE_H

#include "corpus/remote/file.h"

#include "lnc/lnc_source.h"

/* `dir`: the URL of a folder _versions. Gives the names of manifests to `each`. `*is_refused`: some
 * were not looked up, but refused. */
GEN_MUST_USE int gen_probe_versions(struct gen_remote_cache *cache, const struct gen_log *log,
                                    const char *dir, uint64_t wanted, lnc_list_fn each,
                                    void *context, bool *is_refused, struct gen_error *err);

#endif
