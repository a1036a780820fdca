// A scorer in a shared object, by the interface of scorers/plugin.h.
// Thread: one; several states of one object may be used at once by as many threads.
#ifndef MST_WORKER_PLUGIN_SHARED_H
#define MST_WORKER_PLUGIN_SHARED_H

#include "scorers/scorer.h"

typedef struct mst_shared mst_shared_t;

// Loads the object at `path` and compiles it with `params`. MST_NOTFOUND: no such file; MST_UNSUPPORTED: no plugin,
// or one of another version; MST_INVAL: it refuses its params.
MST_NODISCARD mst_rc mst_shared_new(const mst_scorer_cfg_t *cfg, mst_shared_t **out, mst_err_t *err);
void mst_shared_free(mst_shared_t **s);
MST_NODISCARD mst_rc mst_shared_score(mst_shared_t *s, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err);

#endif
