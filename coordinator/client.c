// The clients' link: submit, cancel, and the run's state a few times a second.
#include "coordinator/coordinator_internal.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"

#include <stdio.h>

static void
on_hello(mst_coordinator_t *c, uint64_t conn, const Muster__Hello *m)
{
    if (m->role != 2 || m->proto_major != MST_WIRE_MAJOR) {
        mst_warn("hello of a client refused role=%u major=%u", m->role, m->proto_major);
        return;
    }
    Muster__HelloOk ok = MUSTER__HELLO_OK__INIT;
    ok.session = conn;
    ok.epoch = 1;
    (void)!mst_coordinator_send(c, c->client, conn, conn, MUSTER__ENVELOPE__BODY_HELLO_OK, &ok);
}

// At most what the workers' slots can hold: the rest of what is granted waits at the worker.
static uint32_t
in_flight(const mst_coordinator_t *c, const mst_coord_status_t *s)
{
    uint64_t slots = 0;
    for (size_t i = 0; i < c->run.cfg.target_count; i++)
        slots += (uint64_t)mst_run_cfg_concurrency(&c->run.cfg, &c->run.cfg.targets[i]) * s->sessions;
    uint64_t n = s->leased < slots ? s->leased : slots;
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void
fill_note(const mst_crun_t *r, Muster__RunNote *m)
{
    mst_crun_note_t sum = mst_note_sum(r);
    m->run_no = r->run_no;
    m->has_requests = m->has_tokens = m->has_money = m->has_retries = true;
    m->has_places = m->has_lowest = m->has_raises = m->has_cuts = true;
    m->requests = sum.requests;
    m->tokens = sum.tokens;
    m->money = sum.money;
    m->retries = sum.retries;
    m->places = sum.places;
    m->lowest = sum.lowest;
    m->raises = sum.raises;
    m->cuts = sum.cuts;
}

static void
fill_status(mst_coordinator_t *c, Muster__RunStatus *m, Muster__RunNote *note)
{
    mst_crun_t *r = &c->run;
    mst_coord_status_t s;
    mst_coord_status(c->core, &s);
    m->run_no = r->run_no;
    m->state = (uint32_t)mst_crun_state(c);
    if (r->error.rc != MST_OK) {
        m->has_rc = m->has_text = 1;
        m->rc = (uint32_t)r->error.rc;
        m->text = mst_wire_bytes(mst_str_c(r->error.message));
    }
    if (r->refused)
        return; // the core knows nothing of it
    fill_note(r, note);
    m->note = note;
    m->done = s.done;
    m->has_total = m->has_total_exact = m->has_passed = m->has_measured = m->has_unmeasured = m->has_in_flight = 1;
    m->total = s.total;
    m->total_exact = s.total_exact;
    m->passed = r->passed;
    m->measured = r->measured;
    m->unmeasured = r->unmeasured;
    m->in_flight = in_flight(c, &s);
    m->has_ttft_p50_ns = r->has_ttft;
    m->ttft_p50_ns = r->ttft_p50_ns;
    m->has_started_mono_ns = r->started_mono_ns != 0;
    m->started_mono_ns = r->started_mono_ns;
    m->has_cases = m->has_refused_rows = m->has_dataset_hash = r->known;
    m->cases = r->pass_cases;
    m->refused_rows = r->refused_rows;
    m->dataset_hash = mst_wire_bytes(mst_str((const char *)r->dataset_hash.b, sizeof r->dataset_hash.b));
}

void
mst_client_status(mst_coordinator_t *c)
{
    c->status_due = false;
    c->told = mst_crun_state(c);
    if (c->client_conn == 0 || !c->run.submitted)
        return;
    Muster__RunStatus m = MUSTER__RUN_STATUS__INIT;
    Muster__RunNote note = MUSTER__RUN_NOTE__INIT;
    fill_status(c, &m, &note);
    mst_rc rc =
        mst_coordinator_send(c, c->client, c->client_conn, c->client_conn, MUSTER__ENVELOPE__BODY_RUN_STATUS, &m);
    if (rc == MST_AGAIN)
        c->status_due = true; // the next turn tries again
    else if (rc == MST_NOTFOUND)
        c->client_conn = 0; // it went: the run goes on
}

// A run that is refused because of another one: the other one's state is not touched.
static void
refuse_busy(mst_coordinator_t *c, uint64_t conn, const Muster__Submit *m)
{
    char text[128];
    int n = snprintf(text, sizeof text, "run %u is under way: wait for its end", c->run.run_no);
    Muster__RunStatus s = MUSTER__RUN_STATUS__INIT;
    s.run_no = m->run_no;
    s.state = MST_COORD_ABORTED;
    s.has_rc = s.has_text = 1;
    s.rc = MST_CONFLICT;
    s.text = mst_wire_bytes(mst_str(text, n > 0 ? (size_t)n : 0));
    (void)!mst_coordinator_send(c, c->client, conn, conn, MUSTER__ENVELOPE__BODY_RUN_STATUS, &s);
}

static void
on_submit(mst_coordinator_t *c, uint64_t conn, const Muster__Submit *m)
{
    bool again = c->run.submitted && memcmp(c->run.req_id, m->req_id.data, MST_REQ_ID_BYTES) == 0;
    if (!again && mst_crun_active(c)) {
        refuse_busy(c, conn, m);
        return;
    }
    c->client_conn = conn;
    if (!again)
        mst_crun_submit(c, m);
    mst_client_status(c);
}

static void
on_cancel(mst_coordinator_t *c, const Muster__Cancel *m)
{
    if (!mst_crun_active(c) || m->run_no != c->run.run_no)
        return;
    mst_info("run canceled run=%u now=%d", m->run_no, (int)m->now);
    mst_coord_event_t ev = {.kind = MST_CE_CANCEL};
    ev.u.cancel.now = m->now;
    mst_coordinator_step(c, &ev);
}

void
mst_client_message(void *ud, uint64_t conn, mst_str_t bytes)
{
    mst_coordinator_t *c = ud;
    Muster__Envelope *e = NULL;
    mst_err_t err = {0};
    mst_arena_reset(c->scratch);
    if (mst_wire_unpack(bytes, c->scratch, &e, &err) != MST_OK)
        mst_warn("message of a client refused error=\"%s\"", err.message);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO)
        on_hello(c, conn, e->hello);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_SUBMIT)
        on_submit(c, conn, e->submit);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_CANCEL)
        on_cancel(c, e->cancel);
    else
        mst_warn("message of a client has no place here kind=%s", mst_wire_kind_name(e->body_case));
}
