// Hashes. SHA-256 goes through libcrypto's low-level calls: EVP fetches an implementation and allocates a context,
// which for a row of 500 bytes takes as long as the hash itself, and a context kept per thread would need a
// destructor per thread. The low-level calls live on the stack, cannot fail, and use the same assembler.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "common/base/hash.h"

#include "common/base/mem.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <xxhash.h>
#include <zlib.h>

struct mst_sha256 {
    SHA256_CTX ctx;
};

mst_sha256_t *
mst_sha256_new(void)
{
    mst_sha256_t *h = MST_NEW(mst_sha256_t);
    SHA256_Init(&h->ctx);
    return h;
}

void
mst_sha256_free(mst_sha256_t **h)
{
    if (h == NULL)
        return;
    free(*h);
    *h = NULL;
}

void
mst_sha256_add(mst_sha256_t *h, const void *p, size_t n)
{
    if (n > 0)
        SHA256_Update(&h->ctx, p, n);
}

mst_digest_t
mst_sha256_done(mst_sha256_t *h)
{
    mst_digest_t d;
    SHA256_Final(d.b, &h->ctx);
    SHA256_Init(&h->ctx);
    return d;
}

mst_digest_t
mst_sha256(mst_str_t s)
{
    SHA256_CTX ctx;
    mst_digest_t d;
    SHA256_Init(&ctx);
    if (s.n > 0)
        SHA256_Update(&ctx, s.p, s.n);
    SHA256_Final(d.b, &ctx);
    return d;
}

void
mst_digest_hex(const mst_digest_t *d, char out[2 * MST_SHA256_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < MST_SHA256_BYTES; i++) {
        out[2 * i] = digits[d->b[i] >> 4];
        out[2 * i + 1] = digits[d->b[i] & 15];
    }
    out[2 * MST_SHA256_BYTES] = '\0';
}

void
mst_digest_sum(mst_digest_t *acc, const mst_digest_t *d)
{
    unsigned carry = 0;
    for (size_t i = MST_SHA256_BYTES; i-- > 0;) {
        unsigned sum = (unsigned)acc->b[i] + d->b[i] + carry;
        acc->b[i] = (uint8_t)(sum & 0xFF);
        carry = sum >> 8;
    }
}

uint64_t
mst_xxh64(mst_str_t s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.n > 0 ? s.p : "", s.n, seed);
}

uint32_t
mst_crc32(mst_str_t s)
{
    return (uint32_t)crc32_z(0, (const unsigned char *)(s.n > 0 ? s.p : ""), s.n);
}
