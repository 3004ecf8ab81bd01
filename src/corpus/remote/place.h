/*
 * Where a remote table is and how one may come to it: a bucket of S3 or of a server that speaks
 * like it (MinIO, Ceph, R2), or a folder of a web server. Makes URLs of paths; knows the key, the
 * region and the endpoint. No network.
 *
 * S3 is set up as the official clients and the AWS tools are:
 *   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN   the key; else the profile's
 *   AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE     "default", ~/.aws/credentials and
 *                                                                 ~/.aws/config
 *   AWS_REGION, AWS_DEFAULT_REGION       else the profile's, else us-east-1 until the server names
 *                                        the bucket's own
 *   AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_ENDPOINT           another server; http:// only here
 *   AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true  bucket.host/key; of other servers than Amazon's
 *                                        host/bucket/key is asked for
 *   AWS_SKIP_SIGNATURE=true              anonymously, as also without any key
 * Not done: keys that another service hands out (roles, SSO, IMDS, credential_process); a profile
 * that wants one is an error that names the way round.
 */
#ifndef GEN_CORPUS_REMOTE_PLACE_H
#define GEN_CORPUS_REMOTE_PLACE_H

#include "base/buf.h"
#include "net/http.h"

#include <stdbool.h>

#define GEN_URL_BYTES_MAX 8192U

/* The value of an environment variable, or NULL; getenv, but in tests. */
typedef const char *gen_env_fn(void *ud, const char *name);

struct gen_place {
    bool is_s3;
    char *root; /* "s3://bucket", or the folder's URL; without a slash at the end */
    char *bucket;
    char *endpoint; /* "http://127.0.0.1:9000"; NULL: Amazon's */
    char *region;
    bool has_region;  /* somebody named it: else the server's word is taken */
    bool is_virtual;  /* bucket.host/key */
    char *key_id;     /* NULL: anonymous */
    char *key_source; /* for messages: where the key was found */
    struct gen_secret *secret;
    struct gen_secret *token; /* NULL: none */
    char *scope;
    struct gen_http_signature signature;
};

/* "s3://", "https://", "http://" in front of a path. */
bool gen_place_is_remote(const char *path);

/* `url`: the table or the database. GEN_EUSAGE: no bucket or host, a query, a fragment, a user or a
 * password in it, an endpoint that is no URL, half a key, a profile that we cannot use. `env` NULL:
 * the process's. Release it in any case. */
GEN_MUST_USE int gen_place_init(struct gen_place *p, const char *url, gen_env_fn *env, void *env_ud,
                                struct gen_error *err);
void gen_place_release(struct gen_place *p);

/* Sets `out` to the URL of a path that starts with the root; `query` (encoded, without "?") may be
 * NULL. GEN_EINPUT for other paths. */
GEN_MUST_USE int gen_place_url(const struct gen_place *p, const char *path, const char *query,
                               struct gen_buf *out, struct gen_error *err);
/* The key below which a folder's objects lie: "a/b/", or "" for the bucket itself. Appends,
 * percent-encoded as a value of a query. */
GEN_MUST_USE int gen_place_prefix(const struct gen_place *p, const char *path, struct gen_buf *out,
                                  struct gen_error *err);
/* Appends text percent-encoded (RFC 3986, unreserved characters stay; '/' too when `keeps_slash`).
 */
GEN_MUST_USE int gen_percent_encode(struct gen_buf *out, struct gen_str text, bool keeps_slash,
                                    struct gen_error *err);
/* The bucket is in another region than was thought. GEN_EINPUT for what is no region's name. */
GEN_MUST_USE int gen_place_move(struct gen_place *p, struct gen_str region, struct gen_error *err);

#endif
