#include "aggregator/store/live.h"

#include <stdlib.h>

static void
live_free(mst_live_t **live)
{
    if (!*live)
        return;
    mst_rollup_deinit(&(*live)->roll);
    free(*live);
    *live = NULL;
}

// A free place, or that of the clean run that was used longest ago. Dirty ones stay: their sums are nowhere else.
static mst_live_t **
live_place(mst_lives_t *l)
{
    mst_live_t **oldest = NULL;
    for (int i = 0; i < MST_LIVE_MAX; i++) {
        if (!l->items[i])
            return &l->items[i];
        if (!l->items[i]->dirty && (!oldest || l->items[i]->used < (*oldest)->used))
            oldest = &l->items[i];
    }
    return oldest;
}

mst_rc
mst_lives_get(mst_lives_t *l, int64_t run_no, mst_live_load_fn *load, void *ud, mst_live_t **out, mst_err_t *err)
{
    for (int i = 0; i < MST_LIVE_MAX; i++)
        if (l->items[i] && l->items[i]->run_no == run_no) {
            l->items[i]->used = ++l->clock;
            *out = l->items[i];
            return MST_OK;
        }
    mst_live_t **place = live_place(l);
    if (!place)
        return MST_ERR(err, MST_LIMIT, "one transaction holds rows of more than %d runs", MST_LIVE_MAX);
    live_free(place);
    mst_live_t *live = MST_NEW(mst_live_t);
    mst_rollup_init(&live->roll);
    mst_rc rc = load(ud, run_no, live, err);
    if (rc != MST_OK) {
        live_free(&live);
        return rc;
    }
    live->used = ++l->clock;
    *place = *out = live;
    return MST_OK;
}

const mst_rollup_t *
mst_lives_roll(const mst_lives_t *l, int64_t run_no)
{
    for (int i = 0; i < MST_LIVE_MAX; i++)
        if (l->items[i] && l->items[i]->run_no == run_no)
            return &l->items[i]->roll;
    return NULL;
}

mst_rc
mst_lives_save(mst_lives_t *l, mst_live_save_fn *save, void *ud, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (int i = 0; i < MST_LIVE_MAX && rc == MST_OK; i++)
        if (l->items[i] && l->items[i]->dirty)
            rc = save(ud, l->items[i], err);
    return rc;
}

void
mst_lives_clean(mst_lives_t *l)
{
    for (int i = 0; i < MST_LIVE_MAX; i++)
        if (l->items[i])
            l->items[i]->dirty = l->items[i]->held = false;
}

void
mst_lives_forget(mst_lives_t *l, bool dirty_only)
{
    for (int i = 0; i < MST_LIVE_MAX; i++)
        if (l->items[i] && (l->items[i]->dirty || !dirty_only))
            live_free(&l->items[i]);
        else if (l->items[i])
            l->items[i]->held = false;
}

void
mst_lives_forget_run(mst_lives_t *l, int64_t run_no)
{
    for (int i = 0; i < MST_LIVE_MAX; i++)
        if (l->items[i] && l->items[i]->run_no == run_no)
            live_free(&l->items[i]);
}
