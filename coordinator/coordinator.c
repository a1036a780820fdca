// The coordinator's thread: one loop, three links, the core. Order of a turn: messages -> core steps and their
// effects -> rows -> timers. Nothing here decides who gets what: that is coordinator/core.
#include "coordinator/coordinator_internal.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"

#include <stdlib.h>

#define TICK_NS   (1 * MST_NS_PER_S)
#define STATUS_NS (200 * MST_NS_PER_MS)
#define RETRY_NS  (2 * MST_NS_PER_MS)

mst_rc
mst_coordinator_send(mst_coordinator_t *c, mst_link_t *link, uint64_t conn, uint64_t session,
                     Muster__Envelope__BodyCase kind, void *body)
{
    Muster__Envelope e;
    mst_err_t err = {0};
    mst_wire_envelope(&e, kind, body);
    e.has_session = session != 0;
    e.session = session;
    mst_buf_reset(&c->out);
    mst_rc rc = mst_wire_pack(&e, &c->out, &err);
    if (rc == MST_OK)
        rc = mst_link_send(link, conn, mst_buf_view(&c->out), &err);
    if (rc != MST_OK && rc != MST_AGAIN && rc != MST_NOTFOUND)
        mst_error("could not send a message kind=%s error=\"%s\"", mst_wire_kind_name(kind), err.message);
    return rc;
}

uint64_t *
mst_coordinator_keys(mst_coordinator_t *c, size_t count)
{
    if (count > c->key_cap) {
        c->key_cap = count;
        c->keys = mst_xrealloc(c->keys, count * sizeof *c->keys);
    }
    return c->keys;
}

// What could not be sent, told to the core after its effects are carried out: a step overwrites them.
typedef struct {
    mst_coord_event_t items[MST_COORD_EFFECTS_MAX];
    size_t count;
} failures_t;

static void
apply_effects(mst_coordinator_t *c, failures_t *failures)
{
    for (size_t i = 0; i < c->fx.count; i++) {
        const mst_coord_effect_t *e = &c->fx.items[i];
        mst_rc rc = mst_control_effect(c, e);
        if (rc == MST_OK)
            continue;
        mst_coord_event_t *f = &failures->items[failures->count++];
        *f = (mst_coord_event_t){.kind = rc == MST_NOTFOUND ? MST_CE_CONN_GONE : MST_CE_UNSENT, .conn = e->conn};
        if (f->kind == MST_CE_UNSENT)
            f->u.unsent.lease_id = e->lease_id;
    }
}

static void
step_once(mst_coordinator_t *c, const mst_coord_event_t *ev, failures_t *failures)
{
    static const mst_coord_event_t pump = {.kind = MST_CE_PUMP};
    failures->count = 0;
    mst_coord_step(c->core, mst_loop_now(c->loop), ev, &c->fx);
    for (;;) {
        apply_effects(c, failures);
        // what failed must be told before new effects may fail
        if (!c->fx.more || failures->count > 0)
            break;
        mst_coord_step(c->core, mst_loop_now(c->loop), &pump, &c->fx);
    }
    c->want_keys = c->fx.want_keys;
}

void
mst_coordinator_step(mst_coordinator_t *c, const mst_coord_event_t *ev)
{
    failures_t failures, next;
    step_once(c, ev, &failures);
    while (failures.count > 0) {
        mst_coord_event_t f = failures.items[--failures.count];
        if (f.kind == MST_CE_UNSENT)
            mst_loop_timer(c->loop, &c->retry, mst_loop_now(c->loop) + RETRY_NS);
        step_once(c, &f, &next);
        // keep what this one brought; a session that failed is held, so this ends
        while (next.count > 0 && failures.count < MST_COORD_EFFECTS_MAX)
            failures.items[failures.count++] = next.items[--next.count];
    }
    if (mst_crun_state(c) != c->told)
        mst_client_status(c);
}

static bool
on_turn(void *ud)
{
    mst_coordinator_t *c = ud;
    if (atomic_load(&c->stopping)) {
        mst_loop_stop(c->loop);
        return false;
    }
    if (c->status_due)
        mst_client_status(c);
    return mst_crun_read(c);
}

static void
on_tick(void *ud)
{
    mst_coordinator_t *c = ud;
    mst_coordinator_step(c, &(mst_coord_event_t){.kind = MST_CE_TICK});
    mst_loop_timer(c->loop, &c->tick, mst_loop_now(c->loop) + TICK_NS);
}

static void
on_retry(void *ud)
{
    mst_coordinator_step(ud, &(mst_coord_event_t){.kind = MST_CE_PUMP});
}

static void
on_status(void *ud)
{
    mst_coordinator_t *c = ud;
    if (mst_crun_active(c))
        mst_client_status(c);
    mst_loop_timer(c->loop, &c->status, mst_loop_now(c->loop) + STATUS_NS);
}

static mst_rc
set_up(mst_coordinator_t *c, mst_err_t *err)
{
    mst_rc rc = mst_loop_new(&c->loop, err);
    if (rc == MST_OK)
        rc = mst_link_serve(c->loop, c->control_endpoint, MST_WIRE_FRAME_MAX, mst_control_message, c, &c->control, err);
    if (rc == MST_OK)
        rc = mst_link_serve(c->loop, c->feed_endpoint, MST_WIRE_FRAME_MAX, mst_feed_message, c, &c->feed, err);
    if (rc == MST_OK)
        rc = mst_link_serve(c->loop, c->client_endpoint, MST_WIRE_FRAME_MAX, mst_client_message, c, &c->client, err);
    if (rc != MST_OK)
        return rc;
    mst_coord_cfg_t cfg;
    mst_coord_cfg_default(&cfg);
    cfg.cost = mst_crun_cost;
    cfg.ud = c;
    c->core = mst_coord_new(&cfg);
    c->scratch = mst_arena_new(MST_WIRE_UNPACK_MAX + 2 * MST_WIRE_FRAME_MAX);
    mst_buf_init(&c->out, MST_WIRE_FRAME_MAX);
    c->tick = (mst_timer_t){.fn = on_tick, .ud = c};
    c->status = (mst_timer_t){.fn = on_status, .ud = c};
    c->retry = (mst_timer_t){.fn = on_retry, .ud = c};
    mst_loop_timer(c->loop, &c->tick, mst_loop_now(c->loop) + TICK_NS);
    mst_loop_timer(c->loop, &c->status, mst_loop_now(c->loop) + STATUS_NS);
    mst_loop_on_turn(c->loop, on_turn, c);
    return MST_OK;
}

static void
tear_down(mst_coordinator_t *c)
{
    mst_crun_deinit(c);
    if (c->loop != NULL) {
        mst_loop_off_turn(c->loop, on_turn, c);
        mst_loop_timer_stop(c->loop, &c->tick);
        mst_loop_timer_stop(c->loop, &c->status);
        mst_loop_timer_stop(c->loop, &c->retry);
    }
    mst_link_free(&c->client);
    mst_link_free(&c->feed);
    mst_link_free(&c->control);
    mst_coord_free(&c->core);
    mst_arena_free(&c->scratch);
    mst_buf_deinit(&c->out);
    free(c->keys); // the loop stays until the thread is joined: it may be woken until then
}

static void *
thread_main(void *ud)
{
    mst_coordinator_t *c = ud;
    mst_rc rc = set_up(c, &c->start_err);
    pthread_mutex_lock(&c->mutex);
    c->start_rc = rc;
    c->started = true;
    pthread_cond_signal(&c->started_cond);
    pthread_mutex_unlock(&c->mutex);
    if (rc == MST_OK)
        mst_loop_run(c->loop);
    tear_down(c);
    return NULL;
}

static void
free_coordinator(mst_coordinator_t *c)
{
    mst_dataset_close(&c->dataset);
    mst_loop_free(&c->loop);
    pthread_cond_destroy(&c->started_cond);
    pthread_mutex_destroy(&c->mutex);
    free(c->control_endpoint);
    free(c->feed_endpoint);
    free(c->client_endpoint);
    free(c);
}

mst_rc
mst_coordinator_start(const mst_coordinator_opts_t *o, mst_coordinator_t **out, mst_err_t *err)
{
    *out = NULL;
    mst_coordinator_t *c = MST_NEW(mst_coordinator_t);
    c->opts = *o;
    c->opts.dataset = NULL;
    c->control_endpoint = mst_xstrdup(o->control_endpoint);
    c->feed_endpoint = mst_xstrdup(o->feed_endpoint);
    c->client_endpoint = mst_xstrdup(o->client_endpoint);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->started_cond, NULL);
    atomic_init(&c->stopping, false);
    if (o->dataset != NULL) {
        c->dataset = *o->dataset;
        *o->dataset = NULL;
    }
    int e = pthread_create(&c->thread, NULL, thread_main, c);
    if (e != 0) {
        free_coordinator(c);
        return MST_ERR_SUB(err, MST_NOMEM, e, "could not start the coordinator's thread: %s", strerror(e));
    }
    pthread_mutex_lock(&c->mutex);
    while (!c->started)
        pthread_cond_wait(&c->started_cond, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
    if (c->start_rc == MST_OK) {
        *out = c;
        return MST_OK;
    }
    pthread_join(c->thread, NULL);
    mst_rc rc = c->start_rc;
    if (err != NULL)
        *err = c->start_err;
    free_coordinator(c);
    return rc;
}

void
mst_coordinator_stop(mst_coordinator_t **c)
{
    if (*c == NULL)
        return;
    atomic_store(&(*c)->stopping, true);
    mst_loop_wake((*c)->loop);
    pthread_join((*c)->thread, NULL);
    free_coordinator(*c);
    *c = NULL;
}
