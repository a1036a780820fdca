// Between an attempt and the response cache of its run.
#ifndef MST_WORKER_CACHING_H
#define MST_WORKER_CACHING_H

#include "worker/io.h"
#include "worker/replay.h"

// The cache that a configuration asks for; NULL: none. No error: a cache that cannot be had is said in a warning.
struct mst_cache *mst_caching_open(const mst_run_cfg_t *cfg, const mst_config_env_t *env);

// I/O thread, after the request was built: sets the attempt's key, and looks its answer up. True: *out is what a
// transport would have left; bytes and pieces are borrowed until mst_caching_done.
bool mst_caching_find(mst_attempt_t *a, mst_replayed_t *out);
void mst_caching_done(mst_attempt_t *a);

// CPU thread: keeps the exchange of an attempt that came to a measured answer.
void mst_caching_keep(mst_attempt_t *a);
// Takes off what was not measured, since nothing was sent: times, and the events that are nothing but times.
void mst_caching_untime(mst_completion_t *c);

#endif
