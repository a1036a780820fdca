// Hashes: SHA-256 (libcrypto) where the world must agree, XXH3 (xxHash) where speed counts, and the
// order-free sum of digests that identifies a dataset.
// Thread: a state belongs to one thread.
#ifndef MST_BASE_HASH_H
#define MST_BASE_HASH_H

#include "common/base/str.h"

#define MST_SHA256_BYTES 32

typedef struct {
    uint8_t b[MST_SHA256_BYTES];
} mst_digest_t;

typedef struct mst_sha256 mst_sha256_t; // incremental state, heap

mst_sha256_t *mst_sha256_new(void);
void mst_sha256_free(mst_sha256_t **h);
void mst_sha256_add(mst_sha256_t *h, const void *p, size_t n);
mst_digest_t mst_sha256_done(mst_sha256_t *h); // the state starts anew
mst_digest_t mst_sha256(mst_str_t s);          // one shot; the fast way for short input
void mst_digest_hex(const mst_digest_t *d, char out[2 * MST_SHA256_BYTES + 1]);
// acc = (acc + d) mod 2^256, both read as big-endian numbers: independent of the order of rows.
void mst_digest_sum(mst_digest_t *acc, const mst_digest_t *d);
uint64_t mst_xxh64(mst_str_t s, uint64_t seed);
uint32_t mst_crc32(mst_str_t s); // zlib's

#endif
