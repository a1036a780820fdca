// The workers' link: messages to events of the core, effects of the core to messages, and the two questions that
// need no rule: what does this digest stand for, and what are the bytes of this case.
#include "coordinator/coordinator_internal.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/base/log.h"

#include "work.pb-c.h"

#define PASSES_LOOKED_AT 64
#define HEARTBEAT_MS 5000

// ---- messages in ----

static void
on_hello(mst_coordinator_t *c, uint64_t conn, const Muster__Hello *m)
{
    if (m->role != 1 || m->proto_major != MST_WIRE_MAJOR) {
        mst_warn("hello refused role=%u major=%u", m->role, m->proto_major);
        return;
    }
    mst_coord_event_t ev = {.kind = MST_CE_HELLO, .conn = conn};
    memcpy(ev.u.hello.instance, m->instance.data, MST_COORD_INSTANCE);
    ev.u.hello.seq = m->session_seq;
    ev.u.hello.slots = m->slots;
    mst_debug("worker said hello name=\"%.*s\" slots=%u", MST_FMT(mst_wire_str(m->name)), m->slots);
    mst_coordinator_step(c, &ev);
}

static void
on_ping(mst_coordinator_t *c, mst_coord_event_t *ev, const Muster__Ping *m)
{
    uint64_t *leases = mst_coordinator_keys(c, m->n_leases);
    for (size_t i = 0; i < m->n_leases; i++)
        leases[i] = m->leases[i]->lease_id;
    c->ping_echo_ns = m->sent_mono_ns;
    ev->kind = MST_CE_PING;
    ev->u.ping.leases = leases;
    ev->u.ping.count = m->n_leases;
    mst_coordinator_step(c, ev);
}

static mst_rc
fatal_rc(uint32_t cause)
{
    return cause == MST_RETURN_BAD_SPEC ? MST_INVAL : cause == MST_RETURN_LOCAL_LIMIT ? MST_LIMIT : MST_IO;
}

static void
say_fatal(mst_coordinator_t *c, const Muster__LeaseReturn *m)
{
    mst_str_t text = mst_wire_str(m->text);
    (void)MST_ERR(&c->run.error, fatal_rc(m->cause), "%.*s", MST_FMT(text.n > 0 ? text : MST_STR("worker gave up")));
    bool of_target = m->cause == MST_RETURN_BACKEND_DOWN && m->n_target_nos > 0;
    const mst_target_cfg_t *t = of_target ? mst_run_cfg_target(&c->run.cfg, m->target_nos[0]) : NULL;
    if (t != NULL && mst_run_cfg_key_targets(&c->run.cfg) > 1)
        mst_err_prefix(&c->run.error, "target \"%.*s\"", MST_FMT(t->label));
}

static void
on_lease_return(mst_coordinator_t *c, mst_coord_event_t *ev, const Muster__LeaseReturn *m)
{
    uint64_t *keys = mst_coordinator_keys(c, m->n_case_nos);
    size_t count = 0;
    for (size_t i = 0; c->run.submitted && i < m->n_case_nos; i++)
        if (mst_crun_has_key(&c->run, m->case_nos[i], m->target_nos[i], m->repeat_nos[i]))
            keys[count++] = mst_crun_key(&c->run, m->case_nos[i], m->target_nos[i], m->repeat_nos[i]);
    mst_str_t text = mst_wire_str(m->text);
    mst_info("worker returned keys lease=%llu count=%zu cause=%u text=\"%.*s\"", (unsigned long long)m->lease_id, count,
             m->cause, MST_FMT(text));
    ev->kind = MST_CE_LEASE_RETURN;
    ev->u.back.lease_id = m->lease_id;
    ev->u.back.cause = m->cause;
    ev->u.back.fatal = m->fatal;
    ev->u.back.keys = keys;
    ev->u.back.count = count;
    // the reason is there before the state: the step may end the run, and its end is told at once
    bool ends = m->fatal || m->cause == MST_RETURN_BUDGET;
    bool first = ends && mst_crun_active(c) && c->run.error.rc == MST_OK;
    if (first)
        say_fatal(c, m);
    mst_coordinator_step(c, ev);
    mst_coord_status_t status;
    mst_coord_status(c->core, &status);
    if (first && m->fatal && mst_crun_active(c) && status.down == 0)
        c->run.error = (mst_err_t){0}; // the lease had expired: nothing came of it
}

static void
on_run_spec_req(mst_coordinator_t *c, uint64_t conn, uint64_t session, const Muster__RunSpecReq *m)
{
    Muster__RunSpec spec = MUSTER__RUN_SPEC__INIT;
    spec.spec_digest = m->spec_digest;
    spec.has_spec =
        c->run.submitted && memcmp(m->spec_digest.data, c->run.spec_digest.b, sizeof c->run.spec_digest.b) == 0;
    if (spec.has_spec)
        spec.spec = mst_wire_bytes(c->run.spec);
    mst_crun_note_t spent = mst_note_sum(&c->run);
    spec.has_spent_requests = spec.has_spent_tokens = spec.has_spent_money = spec.has_spec;
    spec.spent_requests = spent.requests;
    spec.spent_tokens = spent.tokens;
    spec.spent_money = spent.money;
    (void)!mst_coordinator_send(c, c->control, conn, session, MUSTER__ENVELOPE__BODY_RUN_SPEC, &spec);
}

static mst_rc
send_chunk(mst_coordinator_t *c, uint64_t conn, uint64_t session, const Muster__BlobGet *m, uint64_t at, mst_str_t data,
           bool eof)
{
    Muster__BlobChunk chunk = MUSTER__BLOB_CHUNK__INIT;
    chunk.run_no = m->run_no;
    chunk.case_no = m->case_no;
    chunk.offset = at;
    chunk.eof = eof;
    chunk.data = mst_wire_bytes(data);
    chunk.crc32 = mst_crc32(data);
    return mst_coordinator_send(c, c->control, conn, session, MUSTER__ENVELOPE__BODY_BLOB_CHUNK, &chunk);
}

// A case is asked for by its number: any pass that still holds it will do, the newest first.
static const mst_payload_t *
payload_of_case(const mst_coordinator_t *c, uint64_t case_no)
{
    const mst_crun_t *r = &c->run;
    uint64_t pass = r->pass_cases > 0 ? r->rows / r->pass_cases : 0;
    const mst_payload_t *p = NULL;
    for (uint64_t tries = 0; !p && tries <= pass && tries < PASSES_LOOKED_AT; tries++)
        p = mst_payloads_get(&r->payloads, (pass - tries) * r->pass_cases + case_no);
    return p;
}

// As many chunks as the asker has room for; what a full link does not take is asked for again. A case that is gone
// (committed by another, or its run is over) is answered with an empty last chunk.
static void
on_blob_get(mst_coordinator_t *c, uint64_t conn, uint64_t session, const Muster__BlobGet *m)
{
    const mst_payload_t *p = NULL;
    if (mst_crun_active(c) && m->run_no == c->run.run_no)
        p = payload_of_case(c, m->case_no);
    uint64_t at = m->offset, credit = m->credit_bytes, end = p != NULL ? p->blob_bytes : 0;
    char *to = mst_arena_alloc_raw(c->scratch, MST_BLOB_CHUNK);
    if (at >= end || to == NULL) {
        (void)!send_chunk(c, conn, session, m, at, MST_STR_NULL, true);
        return;
    }
    while (at < end && credit > 0) {
        uint64_t n = end - at < MST_BLOB_CHUNK ? end - at : MST_BLOB_CHUNK;
        n = n < credit ? n : credit;
        mst_err_t err = {0};
        if (mst_spool_read(&c->run.payloads.blobs, p->blob_at + at, to, (size_t)n, &err) != MST_OK) {
            mst_crun_abort(c, &err);
            return;
        }
        if (send_chunk(c, conn, session, m, at, mst_str(to, (size_t)n), at + n == end) != MST_OK)
            return;
        at += n;
        credit -= n;
    }
}

void
mst_control_message(void *ud, uint64_t conn, mst_str_t bytes)
{
    mst_coordinator_t *c = ud;
    Muster__Envelope *e = NULL;
    mst_err_t err = {0};
    mst_arena_reset(c->scratch);
    if (mst_wire_unpack(bytes, c->scratch, &e, &err) != MST_OK) {
        mst_warn("message of a worker refused error=\"%s\"", err.message);
        return;
    }
    mst_coord_event_t ev = {.conn = conn, .session = e->session};
    if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO)
        on_hello(c, conn, e->hello);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_PING)
        on_ping(c, &ev, e->ping);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_LEASE_RETURN)
        on_lease_return(c, &ev, e->lease_return);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_CREDIT) {
        ev.kind = MST_CE_CREDIT;
        ev.u.credit.cases = e->credit->cases;
        mst_coordinator_step(c, &ev);
    } else if (e->body_case == MUSTER__ENVELOPE__BODY_GOODBYE) {
        ev.kind = MST_CE_GOODBYE;
        mst_coordinator_step(c, &ev);
    } else if (e->body_case == MUSTER__ENVELOPE__BODY_RUN_SPEC_REQ)
        on_run_spec_req(c, conn, e->session, e->run_spec_req);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_RUN_NOTE)
        mst_note_take(c, e->session, e->run_note);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_BLOB_GET)
        on_blob_get(c, conn, e->session, e->blob_get);
    else
        mst_warn("message of a worker has no place here kind=%s", mst_wire_kind_name(e->body_case));
}

// ---- effects out ----

static mst_rc
send_hello_ok(mst_coordinator_t *c, const mst_coord_effect_t *e)
{
    mst_coord_cfg_t cfg;
    mst_coord_cfg_default(&cfg);
    Muster__HelloOk m = MUSTER__HELLO_OK__INIT;
    m.session = e->session;
    m.epoch = cfg.epoch;
    m.heartbeat_ms = HEARTBEAT_MS;
    m.lost_ms = (uint32_t)(cfg.lost_ns / MST_NS_PER_MS);
    m.lease_ttl_ms = (uint32_t)(cfg.ttl_ns / MST_NS_PER_MS);
    return mst_coordinator_send(c, c->control, e->conn, e->session, MUSTER__ENVELOPE__BODY_HELLO_OK, &m);
}

static void
fill_unit_case(const mst_coordinator_t *c, uint64_t key, Muster__UnitCase *u)
{
    mst_key_t k = mst_crun_key_parts(&c->run, key);
    const mst_payload_t *p = mst_payloads_get(&c->run.payloads, mst_crun_row_of(&c->run, key));
    MST_ASSERT(p != NULL); // kept until its keys are all done, and this one is not
    muster__unit_case__init(u);
    u->case_no = k.case_no;
    u->target_no = k.target_no;
    u->repeat_no = k.repeat_no;
    u->has_blob_bytes = p->blob_bytes > 0;
    u->blob_bytes = p->blob_bytes;
    u->has_body = !u->has_blob_bytes;
    if (u->has_body)
        u->body = mst_wire_bytes(mst_str(p->bytes, p->n));
}

static mst_rc
send_grant(mst_coordinator_t *c, const mst_coord_effect_t *e)
{
    mst_coord_cfg_t cfg;
    mst_coord_cfg_default(&cfg);
    Muster__UnitCase units[MST_UNIT_CASES_MAX], *list[MST_UNIT_CASES_MAX];
    for (size_t i = 0; i < e->count; i++) {
        fill_unit_case(c, e->list[i], &units[i]);
        list[i] = &units[i];
    }
    Muster__Grant g = MUSTER__GRANT__INIT;
    g.lease_id = e->lease_id;
    g.epoch = cfg.epoch;
    g.run_no = c->run.run_no;
    g.generation = c->run.generation;
    g.spec_digest = mst_wire_bytes(mst_str((const char *)c->run.spec_digest.b, sizeof c->run.spec_digest.b));
    g.ttl_ms = (uint32_t)(cfg.ttl_ns / MST_NS_PER_MS);
    g.cases = list;
    g.n_cases = e->count;
    mst_rc rc = mst_coordinator_send(c, c->control, e->conn, e->session, MUSTER__ENVELOPE__BODY_GRANT, &g);
    if (rc == MST_OK && c->run.started_mono_ns == 0)
        c->run.started_mono_ns = mst_mono_ns();
    return rc == MST_NOTFOUND ? rc : rc == MST_OK ? MST_OK : MST_AGAIN;
}

static mst_rc
send_pong(mst_coordinator_t *c, const mst_coord_effect_t *e)
{
    uint64_t *lost = mst_arena_alloc_raw(c->scratch, e->count * sizeof *lost);
    if (lost == NULL)
        return MST_OK; // the next ping asks again
    if (e->count > 0)
        memcpy(lost, e->list, e->count * sizeof *lost);
    Muster__Pong m = MUSTER__PONG__INIT;
    m.echo_ns = c->ping_echo_ns;
    m.leases_lost = lost;
    m.n_leases_lost = e->count;
    return mst_coordinator_send(c, c->control, e->conn, e->session, MUSTER__ENVELOPE__BODY_PONG, &m);
}

static mst_rc
send_run_control(mst_coordinator_t *c, const mst_coord_effect_t *e)
{
    Muster__RunControl m = MUSTER__RUN_CONTROL__INIT;
    m.run_no = c->run.run_no;
    m.state = e->state;
    return mst_coordinator_send(c, c->control, e->conn, e->session, MUSTER__ENVELOPE__BODY_RUN_CONTROL, &m);
}

static mst_rc
send_empty(mst_coordinator_t *c, const mst_coord_effect_t *e, Muster__Envelope__BodyCase kind)
{
    Muster__UnknownSession unknown = MUSTER__UNKNOWN_SESSION__INIT;
    Muster__GoodbyeOk goodbye = MUSTER__GOODBYE_OK__INIT;
    void *body = kind == MUSTER__ENVELOPE__BODY_GOODBYE_OK ? (void *)&goodbye : (void *)&unknown;
    return mst_coordinator_send(c, c->control, e->conn, e->session, kind, body);
}

mst_rc
mst_control_effect(mst_coordinator_t *c, const mst_coord_effect_t *e)
{
    mst_rc rc = MST_OK;
    switch (e->kind) {
    case MST_CF_HELLO_OK:
        rc = send_hello_ok(c, e);
        break;
    case MST_CF_UNKNOWN_SESSION:
        rc = send_empty(c, e, MUSTER__ENVELOPE__BODY_UNKNOWN_SESSION);
        break;
    case MST_CF_GOODBYE_OK:
        rc = send_empty(c, e, MUSTER__ENVELOPE__BODY_GOODBYE_OK);
        break;
    case MST_CF_GRANT:
        return send_grant(c, e);
    case MST_CF_PONG:
        rc = send_pong(c, e);
        break;
    case MST_CF_RUN_CONTROL:
        rc = send_run_control(c, e);
        break;
    }
    // a full link loses these: each is said again when it is asked for again
    return rc == MST_NOTFOUND ? MST_NOTFOUND : MST_OK;
}
