/* The two files of the AWS tools: which key and region a profile has. */
#ifndef GEN_CORPUS_REMOTE_PROFILE_H
#define GEN_CORPUS_REMOTE_PROFILE_H

#include "corpus/remote/place.h"

struct gen_profile {
    struct gen_buf name;
    struct gen_buf key_id, secret, token, region, endpoint; /* empty: not there */
    struct gen_buf other; /* a setting that stands for a key which somebody else hands out */
    bool is_found;
};

struct gen_profile gen_profile_make(void);
void gen_profile_release(struct gen_profile *p);

/* Reads the profile that the environment names. Files that do not exist say nothing; GEN_EINPUT for
 * those that cannot be read. */
GEN_MUST_USE int gen_profile_read(struct gen_profile *p, gen_env_fn *env, void *env_ud,
                                  struct gen_error *err);

#endif
