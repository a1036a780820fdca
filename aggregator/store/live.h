// The writer's copies of the runs that it adds rows to: generation and rollup, loaded at first use, saved with the
// commit. Shared by all members.
#ifndef MST_STORE_LIVE_H
#define MST_STORE_LIVE_H

#include "aggregator/store/rollup.h"

#define MST_LIVE_MAX 8

typedef struct {
    int64_t run_no;
    uint32_t generation;
    int64_t version;  // of the stored rollup, where a member has other writers beside it
    int64_t part_key; // of its rows, where a member has partitions
    bool dirty;       // has rows of the open transaction
    bool held;        // its row is locked by the open transaction
    uint64_t used;    // for eviction
    mst_rollup_t roll;
} mst_live_t;

typedef struct {
    mst_live_t *items[MST_LIVE_MAX]; // NULL = free
    uint64_t clock;
} mst_lives_t;

// Fills run_no, generation, version and roll, which is initialised. MST_NOTFOUND: no such run.
typedef mst_rc mst_live_load_fn(void *ud, int64_t run_no, mst_live_t *live, mst_err_t *err);
typedef mst_rc mst_live_save_fn(void *ud, mst_live_t *live, mst_err_t *err);

MST_NODISCARD mst_rc mst_lives_get(mst_lives_t *l, int64_t run_no, mst_live_load_fn *load, void *ud, mst_live_t **out,
                                   mst_err_t *err);
const mst_rollup_t *mst_lives_roll(const mst_lives_t *l, int64_t run_no); // NULL: not in memory
MST_NODISCARD mst_rc mst_lives_save(mst_lives_t *l, mst_live_save_fn *save, void *ud, mst_err_t *err); // dirty ones
void mst_lives_clean(mst_lives_t *l);                   // after the commit
void mst_lives_forget(mst_lives_t *l, bool dirty_only); // after a rollback; or all
void mst_lives_forget_run(mst_lives_t *l, int64_t run_no);

#endif
