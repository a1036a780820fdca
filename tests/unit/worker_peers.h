// The two servers that a worker talks to, scripted for tests: one thread, one loop, both links. A test fills
// cases, runs the loop until a condition holds, and looks at what came.
#ifndef MST_TESTS_WORKER_PEERS_H
#define MST_TESTS_WORKER_PEERS_H

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/net/link.h"
#include "common/wire/wire.h"
#include "worker/worker.h"

#include "scorers/scorer.h"
#include "worker/provider/provider.h"

#include <stdio.h>
#include <stdlib.h>

#define PEER          static __attribute__((unused)) // each test uses some of them
#define PEER_ROWS_MAX 40000

typedef struct {
    uint64_t case_no;
    uint32_t repeat_no, attempt, attempts, origin_no, score_count;
    mst_outcome_t outcome;
    bool passed;
    size_t text_n, input_n, raw_request_n;
    char text[64], message[MST_ERR_MESSAGE_MAX];
    int64_t ttft_ns, tokens;
    int status;
} peer_row_t;

typedef struct {
    mst_loop_t *loop;
    char control_endpoint[64],
        results_endpoint[64]; // new ones for each test: ZeroMQ lets an old name go a little later
    mst_link_t *control, *results;
    uint64_t control_conn, results_conn;
    mst_arena_t *arena;   // of the test: cases, spec
    mst_arena_t *scratch; // of one message
    mst_buf_t packed;
    mst_worker_t *worker;
    // script
    mst_str_t spec;
    mst_digest_t digest;
    mst_str_t *cases; // packed
    size_t case_count, granted;
    size_t unit; // cases a grant
    uint32_t repeats;
    uint32_t heartbeat_ms, ttl_ms;
    uint64_t res_credit; // 0 = 16 MiB
    bool no_ack, no_pong, forget_results_once, lose_leases, spoil_blob_once;
    uint32_t nack_code;
    size_t grant_max; // SIZE_MAX = all
    // what came
    uint32_t credit;
    uint64_t leases;
    size_t open; // granted, neither stored nor given back
    peer_row_t *rows;
    size_t row_count, duplicate, batches, chunks, large_rows, hellos, result_hellos, origins, pings;
    char engine[64];
    size_t returned, returns;
    size_t leaks; // rows with the text "secret-key" in them
    uint32_t return_cause;
    bool fatal;
    char fatal_text[1024];
    uint64_t unacked[4096];
    size_t unacked_count;
    uint8_t *seen; // bit per case x repeat
    mst_buf_t chunked;
    size_t blob_gets, pings_wanted, rows_wanted;
    uint64_t last_ping_leases;
    bool (*until)(void *ud); // NULL = never
    mst_timer_t watch;
    int64_t deadline_ns;
    bool timed_out;
} peers_t;

PEER const char *
peers_getenv(void *ud, const char *name)
{
    (void)ud;
    return getenv(name);
}

PEER mst_config_env_t
peers_env(void)
{
    return (mst_config_env_t){
        .scorers = mst_scorers_kinds(), .providers = mst_providers_kinds(), .getenv_fn = peers_getenv};
}

PEER void
peers_send(peers_t *p, mst_link_t *link, uint64_t conn, Muster__Envelope__BodyCase kind, void *body)
{
    Muster__Envelope e;
    mst_err_t err = {0};
    mst_wire_envelope(&e, kind, body);
    e.has_epoch = e.has_session = true;
    e.epoch = 1;
    e.session = link == p->control ? 100 + p->hellos : 200 + p->result_hellos;
    mst_buf_reset(&p->packed);
    if (mst_wire_pack(&e, &p->packed, &err) != MST_OK ||
        mst_link_send(link, conn, mst_buf_view(&p->packed), &err) != MST_OK)
        fail_msg("peer could not send: %s", err.message);
}

PEER void
peers_grant_unit(peers_t *p, size_t n)
{
    Muster__UnitCase *uc = calloc(n, sizeof *uc);
    Muster__UnitCase **list = calloc(n, sizeof *list);
    Muster__Grant g = MUSTER__GRANT__INIT;
    g.lease_id = ++p->leases;
    g.epoch = 1;
    g.run_no = 1;
    g.generation = 3;
    g.spec_digest = mst_wire_bytes(mst_str((const char *)p->digest.b, sizeof p->digest.b));
    g.ttl_ms = p->ttl_ms;
    for (size_t i = 0; i < n; i++) {
        size_t key = p->granted + i, c = key / p->repeats;
        muster__unit_case__init(&uc[i]);
        uc[i].case_no = c;
        uc[i].repeat_no = (uint32_t)(key % p->repeats);
        if (p->cases[c].n > MST_CASE_INLINE_MAX) {
            uc[i].has_blob_bytes = true;
            uc[i].blob_bytes = p->cases[c].n;
        } else {
            uc[i].has_body = true;
            uc[i].body = mst_wire_bytes(p->cases[c]);
        }
        list[i] = &uc[i];
    }
    g.n_cases = n;
    g.cases = list;
    peers_send(p, p->control, p->control_conn, MUSTER__ENVELOPE__BODY_GRANT, &g);
    p->granted += n;
    p->open += n;
    free(list);
    free(uc);
}

PEER void
peers_grant(peers_t *p)
{
    size_t all = p->case_count * p->repeats;
    if (all > p->grant_max)
        all = p->grant_max;
    while (p->control_conn && p->granted < all && p->open < p->credit) {
        size_t n = all - p->granted;
        if (n > p->unit)
            n = p->unit;
        if (n > p->credit - p->open)
            n = p->credit - p->open;
        peers_grant_unit(p, n);
    }
}

PEER void
peers_hello_ok(peers_t *p, mst_link_t *link, uint64_t conn)
{
    Muster__HelloOk m = MUSTER__HELLO_OK__INIT;
    m.session = link == p->control ? 100 + p->hellos : 200 + p->result_hellos;
    m.epoch = 1;
    m.heartbeat_ms = p->heartbeat_ms;
    m.lost_ms = 45000;
    m.lease_ttl_ms = p->ttl_ms;
    peers_send(p, link, conn, MUSTER__ENVELOPE__BODY_HELLO_OK, &m);
}

PEER void
peers_blob(peers_t *p, const Muster__BlobGet *get)
{
    mst_str_t body = p->cases[get->case_no];
    size_t at = get->offset, end = get->offset + get->credit_bytes;
    p->blob_gets++;
    for (size_t n = 0; at < body.n && at < end; at += n) {
        n = body.n - at < MST_BLOB_CHUNK ? body.n - at : MST_BLOB_CHUNK;
        Muster__BlobChunk m = MUSTER__BLOB_CHUNK__INIT;
        m.run_no = get->run_no;
        m.case_no = get->case_no;
        m.offset = at;
        m.eof = at + n == body.n;
        m.data = mst_wire_bytes(mst_str(body.p + at, n));
        m.crc32 = mst_crc32(mst_str(body.p + at, n)) ^ (p->spoil_blob_once ? 1U : 0U);
        if (p->spoil_blob_once)
            p->blob_gets = 100;
        p->spoil_blob_once = false;
        peers_send(p, p->control, p->control_conn, MUSTER__ENVELOPE__BODY_BLOB_CHUNK, &m);
    }
}

PEER void
peers_returned(peers_t *p, const Muster__LeaseReturn *m)
{
    p->returns++;
    p->returned += m->n_case_nos;
    p->open -= m->n_case_nos;
    p->return_cause = m->cause;
    if (m->has_fatal && m->fatal) {
        p->fatal = true;
        (void)snprintf(p->fatal_text, sizeof p->fatal_text, "%.*s", MST_FMT(mst_wire_str(m->text)));
    }
}

PEER void
peers_ping(peers_t *p, const Muster__Ping *m)
{
    p->pings++;
    p->last_ping_leases = m->n_leases;
    if (p->no_pong)
        return;
    Muster__Pong pong = MUSTER__PONG__INIT;
    pong.echo_ns = m->sent_mono_ns;
    if (p->lose_leases) {
        pong.n_leases_lost = m->n_leases;
        pong.leases_lost = calloc(m->n_leases + 1, sizeof *pong.leases_lost);
        for (size_t i = 0; i < m->n_leases; i++)
            pong.leases_lost[i] = m->leases[i]->lease_id;
    }
    peers_send(p, p->control, p->control_conn, MUSTER__ENVELOPE__BODY_PONG, &pong);
    free(pong.leases_lost);
}

PEER void
peers_on_control(void *ud, uint64_t conn, mst_str_t bytes)
{
    peers_t *p = ud;
    mst_err_t err = {0};
    Muster__Envelope *e = NULL;
    mst_arena_reset(p->scratch);
    if (mst_wire_unpack(bytes, p->scratch, &e, &err) != MST_OK)
        fail_msg("control message: %s", err.message);
    switch ((int)e->body_case) {
    case MUSTER__ENVELOPE__BODY_HELLO:
        p->control_conn = conn;
        p->hellos++;
        peers_hello_ok(p, p->control, conn);
        break;
    case MUSTER__ENVELOPE__BODY_CREDIT:
        p->credit = e->credit->cases;
        break;
    case MUSTER__ENVELOPE__BODY_RUN_SPEC_REQ: {
        Muster__RunSpec m = MUSTER__RUN_SPEC__INIT;
        m.spec_digest = e->run_spec_req->spec_digest;
        m.has_spec = true;
        m.spec = mst_wire_bytes(p->spec);
        peers_send(p, p->control, conn, MUSTER__ENVELOPE__BODY_RUN_SPEC, &m);
        break;
    }
    case MUSTER__ENVELOPE__BODY_PING:
        peers_ping(p, e->ping);
        break;
    case MUSTER__ENVELOPE__BODY_BLOB_GET:
        peers_blob(p, e->blob_get);
        break;
    case MUSTER__ENVELOPE__BODY_LEASE_RETURN:
        peers_returned(p, e->lease_return);
        break;
    case MUSTER__ENVELOPE__BODY_RUN_NOTE: // comes and goes with the clock
        break;
    default:
        fail_msg("unexpected %s", mst_wire_kind_name(e->body_case));
    }
    peers_grant(p);
}

PEER void
peers_take_row(peers_t *p, mst_str_t packed)
{
    mst_result_t r;
    mst_err_t err = {0};
    if (mst_wire_result_unpack(packed, p->scratch, &r, &err) != MST_OK)
        fail_msg("row: %s", err.message);
    p->leaks += memmem(packed.p, packed.n, "secret-key", 10) != NULL;
    size_t key = r.key.case_no * p->repeats + r.key.repeat_no;
    if (r.key.case_no >= p->case_count || r.key.repeat_no >= p->repeats || r.generation != 3)
        fail_msg("row of an unknown key or generation");
    if (p->seen[key]) {
        p->duplicate++;
        return;
    }
    p->seen[key] = 1;
    p->open--;
    peer_row_t *row = &p->rows[p->row_count++];
    *row = (peer_row_t){.case_no = r.key.case_no,
                        .repeat_no = r.key.repeat_no,
                        .attempt = r.attempt,
                        .attempts = r.done.attempts,
                        .origin_no = r.origin_no,
                        .score_count = r.score_count,
                        .outcome = r.outcome,
                        .passed = r.passed,
                        .text_n = r.done.text.n,
                        .input_n = r.input.n,
                        .raw_request_n = r.raw_request.n,
                        .ttft_ns = r.done.ttft_ns,
                        .tokens = r.done.completion_tokens,
                        .status = r.done.http_status};
    (void)snprintf(row->text, sizeof row->text, "%.*s", MST_FMT(mst_str_cut(r.done.text, 60)));
    (void)snprintf(row->message, sizeof row->message, "%s", r.done.error.message);
}

PEER void
peers_send_ack(peers_t *p, uint64_t *ids, size_t n)
{
    Muster__ResAck m = MUSTER__RES_ACK__INIT;
    m.n_batch_ids = n;
    m.batch_ids = ids;
    peers_send(p, p->results, p->results_conn, MUSTER__ENVELOPE__BODY_RES_ACK, &m);
}

PEER void
peers_batch_done(peers_t *p, uint64_t id)
{
    p->batches++;
    if (p->nack_code) {
        Muster__ResNack m = MUSTER__RES_NACK__INIT;
        m.batch_id = id;
        m.code = p->nack_code;
        m.has_text = true;
        m.text = mst_wire_bytes(MST_STR("no space left"));
        peers_send(p, p->results, p->results_conn, MUSTER__ENVELOPE__BODY_RES_NACK, &m);
    } else if (p->no_ack) {
        p->unacked[p->unacked_count++ % 4096] = id;
    } else {
        peers_send_ack(p, &id, 1);
    }
}

PEER void
peers_ack(peers_t *p)
{
    peers_send_ack(p, p->unacked, p->unacked_count);
    p->unacked_count = 0;
    p->no_ack = false;
}

PEER void
peers_take_chunk(peers_t *p, const Muster__ResChunk *m)
{
    p->chunks++;
    if (m->offset == 0)
        mst_buf_reset(&p->chunked);
    mst_str_t data = mst_wire_str(m->data);
    if (m->offset != p->chunked.n || mst_crc32(data) != m->crc32 || mst_buf_add_str(&p->chunked, data) != MST_OK)
        fail_msg("chunk at %zu does not fit", (size_t)m->offset);
    if (p->chunked.n < m->total_bytes)
        return;
    p->large_rows++;
    peers_take_row(p, mst_buf_view(&p->chunked));
    peers_batch_done(p, m->batch_id);
}

PEER void
peers_result_hello(peers_t *p, uint64_t conn)
{
    p->results_conn = conn;
    p->result_hellos++;
    p->origins = 0;
    peers_hello_ok(p, p->results, conn);
    Muster__ResCredit m = MUSTER__RES_CREDIT__INIT;
    m.bytes = p->res_credit ? p->res_credit : 16 * MST_MIB;
    peers_send(p, p->results, conn, MUSTER__ENVELOPE__BODY_RES_CREDIT, &m);
}

PEER void
peers_take_batch(peers_t *p, const Muster__ResBatch *m)
{
    if (p->forget_results_once) { // as after a restart of the aggregator
        Muster__UnknownSession u = MUSTER__UNKNOWN_SESSION__INIT;
        p->forget_results_once = false;
        peers_send(p, p->results, p->results_conn, MUSTER__ENVELOPE__BODY_UNKNOWN_SESSION, &u);
        return;
    }
    for (size_t i = 0; i < m->n_rows; i++)
        peers_take_row(p, mst_wire_str(m->rows[i]));
    peers_batch_done(p, m->batch_id);
}

PEER void
peers_on_results(void *ud, uint64_t conn, mst_str_t bytes)
{
    peers_t *p = ud;
    mst_err_t err = {0};
    Muster__Envelope *e = NULL;
    mst_arena_reset(p->scratch);
    if (mst_wire_unpack(bytes, p->scratch, &e, &err) != MST_OK)
        fail_msg("results message: %s", err.message);
    switch ((int)e->body_case) {
    case MUSTER__ENVELOPE__BODY_HELLO:
        peers_result_hello(p, conn);
        break;
    case MUSTER__ENVELOPE__BODY_ORIGIN:
        p->origins++;
        (void)snprintf(p->engine, sizeof p->engine, "%.*s", MST_FMT(mst_wire_str(e->origin->engine)));
        break;
    case MUSTER__ENVELOPE__BODY_RES_BATCH:
        peers_take_batch(p, e->res_batch);
        break;
    case MUSTER__ENVELOPE__BODY_RES_CHUNK:
        peers_take_chunk(p, e->res_chunk);
        break;
    default:
        fail_msg("unexpected %s", mst_wire_kind_name(e->body_case));
    }
    peers_grant(p);
}

PEER void
peers_on_watch(void *ud)
{
    peers_t *p = ud;
    int64_t now = mst_loop_now(p->loop);
    if (p->until(p) || now > p->deadline_ns) {
        p->timed_out = !p->until(p);
        mst_loop_stop(p->loop);
        return;
    }
    mst_loop_timer(p->loop, &p->watch, now + MST_NS_PER_MS);
}

// Runs until the condition holds; false after 60 s.
PEER bool
peers_run(peers_t *p, bool (*until)(void *ud))
{
    p->until = until;
    p->watch = (mst_timer_t){.fn = peers_on_watch, .ud = p};
    p->deadline_ns = mst_mono_ns() + 60 * MST_NS_PER_S;
    mst_loop_timer(p->loop, &p->watch, mst_mono_ns());
    mst_loop_run(p->loop);
    return !p->timed_out;
}

PEER void
peers_open(peers_t *p, const char *yaml)
{
    mst_err_t err = {0};
    mst_run_cfg_t cfg;
    mst_config_env_t env = peers_env();
    *p = (peers_t){.unit = 16, .repeats = 1, .heartbeat_ms = 50, .ttl_ms = 60000, .grant_max = SIZE_MAX};
    unsigned long long now = (unsigned long long)mst_mono_ns();
    (void)snprintf(p->control_endpoint, sizeof p->control_endpoint, "inproc://control-%llu", now);
    (void)snprintf(p->results_endpoint, sizeof p->results_endpoint, "inproc://results-%llu", now);
    p->arena = mst_arena_new(512 * MST_MIB);
    p->scratch = mst_arena_new(256 * MST_MIB);
    mst_buf_init(&p->packed, MST_WIRE_FRAME_MAX);
    mst_buf_init(&p->chunked, MST_RESULT_BYTES_MAX);
    p->cases = calloc(PEER_ROWS_MAX, sizeof *p->cases);
    p->rows = calloc(PEER_ROWS_MAX, sizeof *p->rows);
    p->seen = calloc(PEER_ROWS_MAX, 1);
    if (mst_run_cfg_load(mst_str_c(yaml), "test.yaml", &env, p->arena, &cfg, &err) != MST_OK)
        fail_msg("%s", err.message);
    p->spec = cfg.spec;
    p->digest = mst_sha256(p->spec);
    if (mst_loop_new(&p->loop, &err) != MST_OK ||
        mst_link_serve(p->loop, p->control_endpoint, MST_WIRE_FRAME_MAX, peers_on_control, p, &p->control, &err) !=
            MST_OK ||
        mst_link_serve(p->loop, p->results_endpoint, MST_WIRE_FRAME_MAX, peers_on_results, p, &p->results, &err) !=
            MST_OK)
        fail_msg("%s", err.message);
}

PEER void
peers_worker(peers_t *p, uint32_t cpu_threads, uint32_t concurrency, const char *backend_url)
{
    mst_err_t err = {0};
    mst_config_env_t env = peers_env();
    mst_worker_opts_t o = {.control_endpoint = p->control_endpoint,
                           .results_endpoint = p->results_endpoint,
                           .env = &env,
                           .cpu_threads = cpu_threads,
                           .concurrency = concurrency,
                           .backends = &backend_url,
                           .backend_count = 1,
                           .name = "test",
                           .seed = 1};
    if (mst_worker_start(&o, &p->worker, &err) != MST_OK)
        fail_msg("%s", err.message);
}

PEER void
peers_close(peers_t *p)
{
    mst_worker_stop(&p->worker);
    mst_link_free(&p->control);
    mst_link_free(&p->results);
    mst_loop_free(&p->loop);
    mst_buf_deinit(&p->packed);
    mst_buf_deinit(&p->chunked);
    mst_arena_free(&p->arena);
    mst_arena_free(&p->scratch);
    free(p->cases);
    free(p->rows);
    free(p->seen);
}

PEER void
peers_add_case(peers_t *p, const mst_case_t *c)
{
    mst_buf_t b;
    mst_err_t err = {0};
    mst_buf_init(&b, MST_CASE_BYTES_MAX);
    if (mst_wire_case_pack(c, &b, &err) != MST_OK)
        fail_msg("%s", err.message);
    p->cases[p->case_count++] = mst_arena_dup(p->arena, mst_buf_view(&b), NULL);
    mst_buf_deinit(&b);
}

PEER void
peers_control(peers_t *p, uint32_t state)
{
    Muster__RunControl m = MUSTER__RUN_CONTROL__INIT;
    m.run_no = 1;
    m.state = state;
    peers_send(p, p->control, p->control_conn, MUSTER__ENVELOPE__BODY_RUN_CONTROL, &m);
}

PEER bool
peers_all_stored(void *ud)
{
    peers_t *p = ud;
    return p->row_count == p->case_count * p->repeats && p->last_ping_leases == 0 && p->pings > 0;
}

PEER bool
peers_nothing_open(void *ud)
{
    peers_t *p = ud;
    return p->granted > 0 && p->open == 0;
}

PEER bool
peers_granted(void *ud)
{
    peers_t *p = ud;
    return p->granted > 0 && p->pings >= p->pings_wanted;
}

PEER bool
peers_more_pings(void *ud)
{
    peers_t *p = ud;
    return p->pings >= p->pings_wanted;
}

PEER bool
peers_rows_wanted(void *ud)
{
    peers_t *p = ud;
    return p->row_count >= p->rows_wanted;
}

PEER bool
peers_fatal(void *ud)
{
    return ((peers_t *)ud)->fatal;
}

PEER const peer_row_t *
peers_row(const peers_t *p, uint64_t case_no, uint32_t repeat_no)
{
    for (size_t i = 0; i < p->row_count; i++)
        if (p->rows[i].case_no == case_no && p->rows[i].repeat_no == repeat_no)
            return &p->rows[i];
    fail_msg("no row of case %zu", (size_t)case_no);
    return NULL;
}

PEER size_t
peers_count(const peers_t *p, mst_outcome_t outcome)
{
    size_t n = 0;
    for (size_t i = 0; i < p->row_count; i++)
        n += p->rows[i].outcome == outcome;
    return n;
}

#endif
