// The aggregator's link: what is committed. The only thing that makes a key done.
#include "coordinator/coordinator_internal.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"

static void
on_hello(mst_coordinator_t *c, uint64_t conn, const Muster__Hello *m)
{
    if (m->role != 3 || m->proto_major != MST_WIRE_MAJOR) {
        mst_warn("hello refused on the feed role=%u major=%u", m->role, m->proto_major);
        return;
    }
    Muster__HelloOk ok = MUSTER__HELLO_OK__INIT;
    ok.session = conn; // the feed keeps no state: a commit said twice changes nothing
    ok.epoch = 1;
    (void)!mst_coordinator_send(c, c->feed, conn, conn, MUSTER__ENVELOPE__BODY_HELLO_OK, &ok);
}

static size_t
collect_keys(mst_coordinator_t *c, const Muster__Committed *m)
{
    size_t most = 0, count = 0;
    for (size_t g = 0; g < m->n_groups; g++)
        most += m->groups[g]->n_case_nos;
    uint64_t *keys = mst_coordinator_keys(c, most);
    for (size_t g = 0; g < m->n_groups; g++) {
        const Muster__CommittedGroup *group = m->groups[g];
        for (size_t i = 0; i < group->n_case_nos; i++)
            if (mst_crun_has_key(&c->run, group->case_nos[i], group->target_no, group->repeat_no))
                keys[count++] = mst_crun_key(&c->run, group->case_nos[i], group->target_no, group->repeat_no);
    }
    return count;
}

static void
take_numbers(mst_crun_t *r, const Muster__Committed *m)
{
    r->passed = m->has_passed ? m->passed : r->passed;
    r->measured = m->has_measured ? m->measured : r->measured;
    r->unmeasured = m->has_unmeasured ? m->unmeasured : r->unmeasured;
    r->has_ttft = r->has_ttft || m->has_ttft_p50_ns;
    r->ttft_p50_ns = m->has_ttft_p50_ns ? m->ttft_p50_ns : r->ttft_p50_ns;
}

static void
on_committed(mst_coordinator_t *c, uint64_t conn, const Muster__Committed *m)
{
    mst_crun_t *r = &c->run;
    if (r->submitted && m->run_no == r->run_no && m->generation == r->generation) {
        size_t count = collect_keys(c, m);
        take_numbers(r, m);
        mst_coord_event_t ev = {.kind = MST_CE_COMMITTED};
        ev.u.done.run_no = m->run_no;
        ev.u.done.generation = m->generation;
        ev.u.done.keys = c->keys;
        ev.u.done.count = count;
        ev.u.done.failed = m->has_rows_failed && m->rows_failed > 0;
        mst_coordinator_step(c, &ev);
        mst_crun_release(c, c->keys, count);
    }
    Muster__FeedAck ack = MUSTER__FEED_ACK__INIT;
    ack.seq = m->seq;
    (void)!mst_coordinator_send(c, c->feed, conn, conn, MUSTER__ENVELOPE__BODY_FEED_ACK, &ack);
}

static void
on_store_failed(mst_coordinator_t *c, const Muster__StoreFailed *m)
{
    mst_err_t err = {0};
    mst_str_t text = mst_wire_str(m->text);
    (void)MST_ERR(&err, (mst_rc)m->rc, "%.*s", MST_FMT(text.n > 0 ? text : MST_STR("the store cannot be written")));
    mst_crun_abort(c, &err);
}

void
mst_feed_message(void *ud, uint64_t conn, mst_str_t bytes)
{
    mst_coordinator_t *c = ud;
    Muster__Envelope *e = NULL;
    mst_err_t err = {0};
    mst_arena_reset(c->scratch);
    if (mst_wire_unpack(bytes, c->scratch, &e, &err) != MST_OK)
        mst_warn("message of the aggregator refused error=\"%s\"", err.message);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO)
        on_hello(c, conn, e->hello);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_COMMITTED)
        on_committed(c, conn, e->committed);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_STORE_FAILED)
        on_store_failed(c, e->store_failed);
    else
        mst_warn("message of the aggregator has no place here kind=%s", mst_wire_kind_name(e->body_case));
}
