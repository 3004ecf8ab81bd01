#include "base/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <xxhash.h>

struct gen_sha256 {
    EVP_MD_CTX *ctx;
    EVP_MD *md;
};

int gen_sha256_new(struct gen_sha256 **out, struct gen_error *err)
{
    struct gen_sha256 *h = calloc(1, sizeof(*h));
    if (!h)
        return gen_nomem(err, "a hash");
    h->ctx = EVP_MD_CTX_new();
    /* Fetched once: EVP_sha256() would be looked up in the provider tables for every digest. */
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!h->ctx || !h->md) {
        gen_sha256_free(h);
        return gen_fail(err, GEN_EIO, "libcrypto offers no SHA-256");
    }
    *out = h;
    return GEN_OK;
}

void gen_sha256_free(struct gen_sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    free(h);
}

static int failed(struct gen_error *err)
{
    return gen_fail(err, GEN_EIO, "libcrypto failed to compute a SHA-256");
}

int gen_sha256_start(struct gen_sha256 *h, struct gen_error *err)
{
    return EVP_DigestInit_ex2(h->ctx, h->md, NULL) == 1 ? GEN_OK : failed(err);
}

int gen_sha256_add(struct gen_sha256 *h, struct gen_str part, struct gen_error *err)
{
    return EVP_DigestUpdate(h->ctx, part.p, part.n) == 1 ? GEN_OK : failed(err);
}

int gen_sha256_add_field(struct gen_sha256 *h, struct gen_str field, struct gen_error *err)
{
    unsigned char length[8];
    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)field.n >> (8 * i));
    int rc = gen_sha256_add(h, (struct gen_str){(const char *)length, sizeof(length)}, err);
    return rc ? rc : gen_sha256_add(h, field, err);
}

int gen_sha256_finish(struct gen_sha256 *h, struct gen_digest *out, struct gen_error *err)
{
    unsigned int n = 0;
    return EVP_DigestFinal_ex(h->ctx, out->bytes, &n) == 1 && n == GEN_SHA256_BYTES ? GEN_OK
                                                                                    : failed(err);
}

int gen_sha256(struct gen_str data, struct gen_digest *out, struct gen_error *err)
{
    unsigned int n = 0;
    int ok = EVP_Digest(data.p, data.n, out->bytes, &n, EVP_sha256(), NULL);
    return ok == 1 && n == GEN_SHA256_BYTES ? GEN_OK : failed(err);
}

void gen_digest_hex(const struct gen_digest *d, size_t n_bytes, char out[GEN_HEX_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";
    if (n_bytes > GEN_SHA256_BYTES)
        n_bytes = GEN_SHA256_BYTES;
    for (size_t i = 0; i < n_bytes; i++) {
        out[2 * i] = digits[d->bytes[i] >> 4];
        out[2 * i + 1] = digits[d->bytes[i] & 15];
    }
    out[2 * n_bytes] = '\0';
}

uint64_t gen_hash64(struct gen_str data, uint64_t seed)
{
    return XXH3_64bits_withSeed(data.p, data.n, seed);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool gen_digest_parse(struct gen_str hex, struct gen_digest *out)
{
    struct gen_digest d;
    if (hex.n != GEN_HEX_CHARS)
        return false;
    for (size_t i = 0; i < GEN_SHA256_BYTES; i++) {
        int high = hex_value(hex.p[2 * i]);
        int low = hex_value(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        d.bytes[i] = (unsigned char)(high * 16 + low);
    }
    *out = d;
    return true;
}
