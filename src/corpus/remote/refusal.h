/* What a server's no means, in a sentence. Pure, but for the words of the place. */
#ifndef GEN_CORPUS_REMOTE_REFUSAL_H
#define GEN_CORPUS_REMOTE_REFUSAL_H

#include "corpus/remote/place.h"

/* "NoSuchBucket" and its message of an error body of S3; empty where there are none. */
struct gen_s3_error {
    char code[64];
    char message[200];
    char region[64];
};
void gen_s3_error_read(struct gen_s3_error *e, struct gen_str body);

/* The error for an answer that is of no use. `url` is the path that the user knows. Returns its
 * code. */
int gen_refusal(const struct gen_place *p, const char *path, const struct gen_http_response *r,
                unsigned n_attempts, struct gen_error *err);

#endif
