// A probe on its way: the requests of worker/core/probe.h, one after the other, over a client and its loop.
#ifndef MST_WORKER_PROBING_H
#define MST_WORKER_PROBING_H

#include "common/http/client.h"
#include "common/loop/loop.h"
#include "worker/core/probe.h"

typedef struct {
    mst_loop_t *loop;
    mst_http_t *http;
    const mst_http_net_t *net;
    mst_str_t auth; // header line with the key, or empty; borrowed
    mst_str_t key;  // in it: blotted out of what comes back
} mst_probing_opts_t;

typedef struct mst_probing mst_probing_t;
typedef void mst_probing_fn(void *ud); // every request has its answer; not from inside mst_probing_new

// Takes the probe.
mst_probing_t *mst_probing_new(const mst_probing_opts_t *opts, mst_probe_t **probe, mst_probing_fn *fn, void *ud);
// *probing may be NULL. client_gone: the client was freed before, and with it any call under way.
void mst_probing_free(mst_probing_t **probing, bool client_gone);
const mst_probe_t *mst_probing_probe(const mst_probing_t *probing);

#endif
