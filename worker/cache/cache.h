// The response cache of a run, as its threads use it. Never an error of the run: what cannot be read is a miss, what
// cannot be written is not kept, and one warning says why.
#ifndef MST_WORKER_CACHE_CACHE_H
#define MST_WORKER_CACHE_CACHE_H

#include "worker/cache/entry.h"

typedef struct mst_cache mst_cache_t;

typedef struct {
    const char *path;
    bool reads, writes;
    uint64_t max_bytes;
} mst_cache_opts_t;

mst_cache_t *mst_cache_new(const mst_cache_opts_t *opts);
// Waits until what was put is written. NULL and *NULL allowed; no other thread uses it any more.
void mst_cache_free(mst_cache_t **cache);

// One thread, that which asks. False: the ask has no key.
bool mst_cache_key_of(mst_cache_t *c, const mst_cache_ask_t *ask, mst_digest_t *out);
// The same thread. *out is borrowed until mst_cache_found_done, which follows every true.
bool mst_cache_find(mst_cache_t *c, const mst_digest_t *key, mst_cached_t *out);
void mst_cache_found_done(mst_cache_t *c);

// Any thread; copies. A thread of the cache writes it later. base_ns as for mst_cached_pack.
void mst_cache_put(mst_cache_t *c, const mst_digest_t *key, const mst_cached_t *x, int64_t base_ns);

#endif
