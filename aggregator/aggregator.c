// The thread: a loop with two links, the core's steps, and one rule of time: commit when no message is waiting, so
// that a busy aggregator makes large transactions and an idle one small ones.
#include "aggregator/aggregator_internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/prng.h"

#include <stdlib.h>

// Carries out a step's effects; returns the group that it wants committed, or NULL.
static mst_aggr_batch_t *
step_once(mst_aggregator_t *g, const mst_aggr_event_t *ev)
{
    mst_aggr_effects_t fx;
    mst_aggr_batch_t *group = NULL;
    mst_aggr_step(g->core, ev, mst_loop_now(g->loop), &fx);
    for (size_t i = 0; i < fx.count; i++) {
        if (fx.items[i].kind == MST_AF_COMMIT)
            group = fx.items[i].group;
        else
            mst_aggregator_effect(g, &fx.items[i]);
    }
    return group;
}

static mst_aggr_batch_t *
commit(mst_aggregator_t *g, mst_aggr_batch_t *group)
{
    mst_err_t err = {0};
    mst_rc rc = mst_aggregator_commit(g, group, &err);
    if (rc == MST_OK) {
        if (g->waiting)
            mst_info("the store can be written again");
        g->waiting = false;
        mst_aggregator_tell(g);
        return step_once(g, &(mst_aggr_event_t){.kind = MST_AE_COMMIT_DONE});
    }
    bool waits = err.retry == MST_RETRY_LATER;
    if (!waits || !g->waiting)
        mst_error("%s%s", err.message, waits ? "; trying again until it can" : "");
    g->waiting = waits;
    return step_once(g, &(mst_aggr_event_t){
                            .kind = MST_AE_COMMIT_FAILED, .rc = rc, .data = mst_str_c(err.message), .waits = waits});
}

void
mst_aggregator_step(mst_aggregator_t *g, const mst_aggr_event_t *ev)
{
    mst_aggr_batch_t *group = step_once(g, ev);
    while (group || g->gone_count > 0) {
        if (group)
            group = commit(g, group);
        else
            group = step_once(g, &(mst_aggr_event_t){.kind = MST_AE_GONE, .conn = g->gone[--g->gone_count]});
    }
}

static bool
on_turn(void *ud)
{
    mst_aggregator_t *g = ud;
    if (atomic_load(&g->stopping) && !g->stop_said) {
        g->stop_said = true;
        mst_aggregator_step(g, &(mst_aggr_event_t){.kind = MST_AE_STOP});
        return true;
    }
    bool heard = g->heard;
    g->heard = false;
    if (heard)
        return true; // look once more before a commit: what is here already may join it
    if (mst_aggr_busy(g->core))
        mst_aggregator_step(g, &(mst_aggr_event_t){.kind = MST_AE_IDLE});
    return false;
}

static void
on_tick(void *ud)
{
    mst_aggregator_t *g = ud;
    mst_loop_timer(g->loop, &g->tick, mst_loop_now(g->loop) + MST_AGGR_TICK_NS);
    mst_aggregator_step(g, &(mst_aggr_event_t){.kind = MST_AE_TICK});
}

static mst_rc
set_up(mst_aggregator_t *g, mst_err_t *err)
{
    mst_rc rc = mst_loop_new(&g->loop, err);
    if (rc == MST_OK)
        rc = mst_link_serve(g->loop, g->results_endpoint, MST_WIRE_FRAME_MAX, mst_aggregator_results_message, g,
                            &g->results, err);
    if (rc == MST_OK)
        rc =
            mst_link_dial(g->loop, g->feed_endpoint, MST_WIRE_FRAME_MAX, mst_aggregator_feed_message, g, &g->feed, err);
    if (rc != MST_OK)
        return rc;
    g->core = mst_aggr_new(g->opts.memory_max);
    g->scratch = mst_arena_new(MST_WIRE_UNPACK_MAX + 2 * MST_WIRE_FRAME_MAX);
    g->row = mst_arena_new(2 * MST_RESULT_BYTES_MAX);
    mst_buf_init(&g->out, MST_WIRE_FRAME_MAX);
    for (size_t i = 0; i < sizeof g->instance; i += 8) {
        uint64_t v = mst_entropy_u64();
        memcpy(g->instance + i, &v, sizeof v);
    }
    g->tick = (mst_timer_t){.fn = on_tick, .ud = g};
    mst_loop_on_turn(g->loop, on_turn, g); // behind the links' own hooks
    mst_loop_timer(g->loop, &g->tick, mst_loop_now(g->loop));
    return MST_OK;
}

static void
tear_down(mst_aggregator_t *g)
{
    mst_link_free(&g->results);
    mst_link_free(&g->feed);
    if (g->loop) {
        mst_loop_off_turn(g->loop, on_turn, g);
        mst_loop_timer_stop(g->loop, &g->tick);
    }
    mst_aggr_free(&g->core, mst_aggregator_release, mst_aggregator_forget, g);
    mst_aggregator_rows_free(g);
    mst_arena_free(&g->scratch);
    mst_arena_free(&g->row);
    mst_buf_deinit(&g->out);
    free(g->keys);
    free(g->later);
    free(g->case_nos);
    free(g->gone);
}

static void *
thread_main(void *ud)
{
    mst_aggregator_t *g = ud;
    (void)pthread_setname_np(pthread_self(), "aggregator");
    mst_rc rc = set_up(g, &g->start_err);
    pthread_mutex_lock(&g->mutex);
    g->start_rc = rc;
    g->started = true;
    pthread_cond_signal(&g->started_cond);
    pthread_mutex_unlock(&g->mutex);
    if (rc == MST_OK)
        mst_loop_run(g->loop);
    tear_down(g); // the loop stays until the thread is joined: it may be woken until then
    return NULL;
}

static void
free_aggregator(mst_aggregator_t *g)
{
    mst_loop_free(&g->loop);
    pthread_cond_destroy(&g->started_cond);
    pthread_mutex_destroy(&g->mutex);
    free(g->results_endpoint);
    free(g->feed_endpoint);
    free(g);
}

mst_rc
mst_aggregator_start(const mst_aggregator_opts_t *o, mst_aggregator_t **out, mst_err_t *err)
{
    *out = NULL;
    mst_aggregator_t *g = MST_NEW(mst_aggregator_t);
    g->opts = *o;
    g->results_endpoint = mst_xstrdup(o->results_endpoint);
    g->feed_endpoint = mst_xstrdup(o->feed_endpoint);
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->started_cond, NULL);
    atomic_init(&g->stopping, false);
    int e = pthread_create(&g->thread, NULL, thread_main, g);
    if (e != 0) {
        free_aggregator(g);
        return MST_ERR_SUB(err, MST_NOMEM, e, "could not start the aggregator's thread: %s", strerror(e));
    }
    pthread_mutex_lock(&g->mutex);
    while (!g->started)
        pthread_cond_wait(&g->started_cond, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
    if (g->start_rc == MST_OK) {
        *out = g;
        return MST_OK;
    }
    pthread_join(g->thread, NULL);
    mst_rc rc = g->start_rc;
    if (err)
        *err = g->start_err;
    free_aggregator(g);
    return rc;
}

void
mst_aggregator_stop(mst_aggregator_t **g)
{
    if (!*g)
        return;
    atomic_store(&(*g)->stopping, true);
    mst_loop_wake((*g)->loop);
    pthread_join((*g)->thread, NULL);
    free_aggregator(*g);
    *g = NULL;
}
