// Which of the two an entry is.
#include "worker/plugin/edge.h"

#include "worker/plugin/exec.h"
#include "worker/plugin/shared.h"

#include <stdlib.h>

typedef struct {
    mst_shared_t *shared;
    mst_exec_t *exec;
} state_t;

static void
close_state(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_shared_free(&s->shared);
    mst_exec_free(&s->exec);
    free(s);
}

static mst_rc
open_state(const mst_scorer_cfg_t *cfg, bool start, void **out, mst_err_t *err)
{
    state_t *s = MST_NEW(state_t);
    mst_rc rc = MST_OK;
    if (strcmp(cfg->kind->name, "plugin") == 0) {
        rc = mst_shared_new(cfg, &s->shared, err);
    } else if (strcmp(cfg->kind->name, "exec") == 0) {
        rc = mst_exec_new(cfg, &s->exec, err);
        if (rc == MST_OK && start)
            rc = mst_exec_start(s->exec, err);
        // A program that ends, hangs or floods before it is ready: the configuration names one that cannot be used.
        if (start && (rc == MST_CLOSED || rc == MST_TIMEOUT || rc == MST_LIMIT || rc == MST_PROTO))
            rc = err->rc = MST_INVAL;
    } else {
        rc = MST_ERR(err, MST_UNSUPPORTED, "scorers of type %s are not run here", cfg->kind->name);
    }
    if (rc != MST_OK) {
        close_state(s);
        s = NULL;
    }
    *out = s;
    return rc;
}

static mst_rc
open_lazy(void *ud, const mst_scorer_cfg_t *cfg, void **out, mst_err_t *err)
{
    (void)ud;
    return open_state(cfg, false, out, err);
}

static mst_rc
open_now(void *ud, const mst_scorer_cfg_t *cfg, void **out, mst_err_t *err)
{
    (void)ud;
    return open_state(cfg, true, out, err);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    return s->shared != NULL ? mst_shared_score(s->shared, in, out, err) : mst_exec_score(s->exec, in, out, err);
}

const mst_scorer_outside_t *
mst_plugin_edge(void)
{
    static const mst_scorer_outside_t edge = {.open = open_lazy, .score = score, .close = close_state};
    return &edge;
}

const mst_scorer_outside_t *
mst_plugin_edge_checking(void)
{
    static const mst_scorer_outside_t edge = {.open = open_now, .score = score, .close = close_state};
    return &edge;
}
