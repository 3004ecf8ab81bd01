/*
 * Two kinds of hash. SHA-256 (FIPS 180-4) where a collision would cost money or data: request keys.
 * XXH3 where speed counts: maps and duplicate search; never trusted with identity.
 */
#ifndef GEN_BASE_HASH_H
#define GEN_BASE_HASH_H

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

#define GEN_SHA256_BYTES 32
#define GEN_HEX_CHARS    (2 * GEN_SHA256_BYTES)

struct gen_digest {
    unsigned char bytes[GEN_SHA256_BYTES];
};

struct gen_sha256; /* a running hash; reusable */

GEN_MUST_USE int gen_sha256_new(struct gen_sha256 **out, struct gen_error *err);
void gen_sha256_free(struct gen_sha256 *h);
/* Starts anew, then: add any number of parts, take the digest once. */
GEN_MUST_USE int gen_sha256_start(struct gen_sha256 *h, struct gen_error *err);
GEN_MUST_USE int gen_sha256_add(struct gen_sha256 *h, struct gen_str part, struct gen_error *err);
/* Adds the length of `field` (8 bytes, little-endian) and then `field`: fields cannot run into each
 * other. */
GEN_MUST_USE int gen_sha256_add_field(struct gen_sha256 *h, struct gen_str field,
                                      struct gen_error *err);
GEN_MUST_USE int gen_sha256_finish(struct gen_sha256 *h, struct gen_digest *out,
                                   struct gen_error *err);

/* One-shot form. */
GEN_MUST_USE int gen_sha256(struct gen_str data, struct gen_digest *out, struct gen_error *err);

/* Lower-case hex of the first `n_bytes` of the digest, with a NUL. */
void gen_digest_hex(const struct gen_digest *d, size_t n_bytes, char out[GEN_HEX_CHARS + 1]);

/* The digest that 64 hex digits name; false when they are none. */
bool gen_digest_parse(struct gen_str hex, struct gen_digest *out);

uint64_t gen_hash64(struct gen_str data, uint64_t seed);

/* One-to-one on 64 bits, and each bit of the result depends on each bit of `x` (the finaliser of
 * SplitMix64, Steele et al. 2014): for hashes that are put together of others, or whose single bits
 * are used. */
static inline uint64_t gen_hash_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

#endif
