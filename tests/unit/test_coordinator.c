// The coordinator's thread over inproc links; the test plays worker, aggregator and client by script.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/loop/loop.h"
#include "common/net/link.h"
#include "common/wire/wire.h"
#include "coordinator/coordinator.h"
#include "support/kinds.h"

#include "work.pb-c.h"

#define GUARD_NS (60 * MST_NS_PER_S) // of one wait: only a hang reaches it
#define KEYS_MAX 5000
#define LARGE    (300 * MST_KIB)

static const mst_config_env_t env = {.scorers = kinds_scorers, .providers = kinds_providers};

typedef struct {
    mst_loop_t *loop;
    mst_link_t *control, *feed, *client;
    mst_coordinator_t *c;
    mst_arena_t *arena; // one message
    mst_buf_t out;
    mst_timer_t guard;
    bool timed_out;
    bool (*done)(void *ud);
    char path[64], control_endpoint[64];
    // worker
    uint64_t session;
    uint32_t heartbeat_ms;
    bool commit;    // every granted key is committed at once
    uint64_t lease; // the first one
    uint32_t spec_bytes;
    uint64_t granted, grants, committed, largest_grant;
    uint8_t seen[KEYS_MAX]; // times a case was granted
    uint8_t digest[32];
    uint32_t control_state;
    mst_buf_t blob;
    bool blob_eof;
    uint64_t blob_case, blob_bytes;
    uint64_t fail_case; // its commit says that a case failed; UINT64_MAX = none
    // aggregator
    uint64_t seq, acked;
    bool feed_ready;
    // client
    Muster__RunStatus status;
    char text[512];
    uint64_t statuses;
} rig_t;

// ---- sending ----

static void
post(rig_t *r, mst_link_t *link, Muster__Envelope__BodyCase kind, void *body)
{
    Muster__Envelope e;
    mst_err_t err = {0};
    mst_wire_envelope(&e, kind, body);
    e.has_session = 1;
    e.session = r->session;
    mst_buf_reset(&r->out);
    assert_int_equal(mst_wire_pack(&e, &r->out, &err), MST_OK);
    assert_int_equal(mst_link_send(link, 0, mst_buf_view(&r->out), &err), MST_OK);
}

static void
say_hello(rig_t *r, mst_link_t *link, uint32_t role)
{
    Muster__Hello m = MUSTER__HELLO__INIT;
    m.role = role;
    m.proto_major = MST_WIRE_MAJOR;
    m.instance = mst_wire_bytes(MST_STR("0123456789abcdef"));
    post(r, link, MUSTER__ENVELOPE__BODY_HELLO, &m);
}

static void
give_credit(rig_t *r, uint32_t cases)
{
    Muster__Credit m = MUSTER__CREDIT__INIT;
    m.cases = cases;
    post(r, r->control, MUSTER__ENVELOPE__BODY_CREDIT, &m);
}

static void
submit(rig_t *r, const char *req_id, const char *spec)
{
    Muster__Submit m = MUSTER__SUBMIT__INIT;
    m.req_id = mst_wire_bytes(mst_str_c(req_id));
    m.run_no = 7;
    m.generation = 1;
    m.run_id = mst_wire_bytes(MST_STR("run_x"));
    m.spec = mst_wire_bytes(mst_str_c(spec));
    post(r, r->client, MUSTER__ENVELOPE__BODY_SUBMIT, &m);
}

static void
cancel(rig_t *r, bool now)
{
    Muster__Cancel m = MUSTER__CANCEL__INIT;
    m.run_no = 7;
    m.now = now;
    post(r, r->client, MUSTER__ENVELOPE__BODY_CANCEL, &m);
}

static void
commit_keys(rig_t *r, uint64_t *cases, size_t count, uint32_t repeat_no)
{
    Muster__CommittedGroup g = MUSTER__COMMITTED_GROUP__INIT, *groups[] = {&g};
    g.case_nos = cases;
    g.n_case_nos = count;
    g.repeat_no = repeat_no;
    Muster__Committed m = MUSTER__COMMITTED__INIT;
    m.run_no = 7;
    m.generation = 1;
    m.seq = ++r->seq;
    m.groups = groups;
    m.n_groups = 1;
    r->committed += count;
    m.has_passed = m.has_measured = 1;
    m.passed = m.measured = r->committed;
    for (size_t i = 0; i < count; i++)
        if (cases[i] == r->fail_case)
            m.has_rows_failed = 1, m.rows_failed = 1;
    post(r, r->feed, MUSTER__ENVELOPE__BODY_COMMITTED, &m);
}

static void
give_back(rig_t *r, uint64_t *cases, size_t count, uint32_t cause, const char *text, bool fatal)
{
    uint32_t zeros[MST_UNIT_CASES_MAX] = {0};
    Muster__LeaseReturn m = MUSTER__LEASE_RETURN__INIT;
    m.lease_id = r->lease;
    m.cause = cause;
    m.case_nos = cases;
    m.repeat_nos = m.target_nos = zeros;
    m.n_case_nos = m.n_repeat_nos = m.n_target_nos = count;
    m.has_text = 1;
    m.text = mst_wire_bytes(mst_str_c(text));
    m.has_fatal = m.fatal = fatal;
    post(r, r->control, MUSTER__ENVELOPE__BODY_LEASE_RETURN, &m);
}

static void
get_blob(rig_t *r, uint64_t offset)
{
    Muster__BlobGet m = MUSTER__BLOB_GET__INIT;
    m.run_no = 7;
    m.case_no = r->blob_case;
    m.offset = offset;
    m.credit_bytes = 100000;
    post(r, r->control, MUSTER__ENVELOPE__BODY_BLOB_GET, &m);
}

// ---- receiving ----

static void
on_grant(rig_t *r, const Muster__Grant *g)
{
    uint64_t cases[MST_UNIT_CASES_MAX];
    size_t count = 0;
    uint32_t repeat = g->cases[0]->repeat_no;
    r->grants++;
    if (r->lease == 0)
        r->lease = g->lease_id;
    memcpy(r->digest, g->spec_digest.data, 32);
    r->largest_grant = g->n_cases > r->largest_grant ? g->n_cases : r->largest_grant;
    for (size_t i = 0; i < g->n_cases; i++) {
        const Muster__UnitCase *u = g->cases[i];
        mst_case_t c;
        assert_true(u->case_no < KEYS_MAX);
        r->seen[u->case_no]++;
        r->granted++;
        if (u->has_body) {
            assert_int_equal(mst_wire_case_unpack(mst_wire_str(u->body), r->arena, &c, NULL), MST_OK);
            assert_int_equal(c.case_no, u->case_no);
        } else {
            r->blob_case = u->case_no;
            r->blob_bytes = u->blob_bytes;
            get_blob(r, 0);
        }
        if (r->commit && u->repeat_no != repeat) {
            commit_keys(r, cases, count, repeat);
            repeat = u->repeat_no;
            count = 0;
        }
        cases[count++] = u->case_no;
    }
    if (r->commit)
        commit_keys(r, cases, count, repeat);
}

static void
on_control(void *ud, uint64_t conn, mst_str_t bytes)
{
    rig_t *r = ud;
    Muster__Envelope *e = NULL;
    (void)conn;
    mst_arena_reset(r->arena);
    assert_int_equal(mst_wire_unpack(bytes, r->arena, &e, NULL), MST_OK);
    if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO_OK) {
        r->session = e->hello_ok->session;
        r->heartbeat_ms = e->hello_ok->heartbeat_ms;
    } else if (e->body_case == MUSTER__ENVELOPE__BODY_GRANT)
        on_grant(r, e->grant);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_RUN_SPEC)
        r->spec_bytes = (uint32_t)e->run_spec->spec.len;
    else if (e->body_case == MUSTER__ENVELOPE__BODY_RUN_CONTROL)
        r->control_state = e->run_control->state;
    else if (e->body_case == MUSTER__ENVELOPE__BODY_BLOB_CHUNK) {
        const Muster__BlobChunk *m = e->blob_chunk;
        assert_int_equal(m->offset, r->blob.n);
        assert_int_equal(mst_buf_add(&r->blob, m->data.data, m->data.len), MST_OK);
        r->blob_eof = m->eof;
        if (!m->eof)
            get_blob(r, r->blob.n);
    }
}

static void
on_feed(void *ud, uint64_t conn, mst_str_t bytes)
{
    rig_t *r = ud;
    Muster__Envelope *e = NULL;
    (void)conn;
    mst_arena_reset(r->arena);
    assert_int_equal(mst_wire_unpack(bytes, r->arena, &e, NULL), MST_OK);
    if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO_OK)
        r->feed_ready = true;
    else if (e->body_case == MUSTER__ENVELOPE__BODY_FEED_ACK)
        r->acked = e->feed_ack->seq;
}

static void
on_client(void *ud, uint64_t conn, mst_str_t bytes)
{
    rig_t *r = ud;
    Muster__Envelope *e = NULL;
    (void)conn;
    mst_arena_reset(r->arena);
    assert_int_equal(mst_wire_unpack(bytes, r->arena, &e, NULL), MST_OK);
    if (e->body_case != MUSTER__ENVELOPE__BODY_RUN_STATUS)
        return;
    r->statuses++;
    r->status = *e->run_status;
    mst_str_t text = mst_wire_str(r->status.text);
    snprintf(r->text, sizeof r->text, "%.*s", MST_FMT(text));
}

static void
on_guard(void *ud)
{
    rig_t *r = ud;
    r->timed_out = true;
    mst_loop_stop(r->loop);
}

static bool
on_turn(void *ud)
{
    rig_t *r = ud;
    if (r->done != NULL && r->done(r))
        mst_loop_stop(r->loop);
    return false;
}

static void
wait_for(rig_t *r, bool (*done)(void *), const char *what)
{
    if (done(r))
        return;
    r->done = done;
    mst_loop_timer(r->loop, &r->guard, mst_mono_ns() + GUARD_NS);
    mst_loop_run(r->loop);
    mst_loop_timer_stop(r->loop, &r->guard);
    if (r->timed_out)
        fail_msg("waited in vain for %s: state %u, %llu granted", what, r->status.state,
                 (unsigned long long)r->granted);
}

#define WAIT(r, cond) wait_for((r), (cond), #cond)

static bool
is_final(void *ud)
{
    return ((rig_t *)ud)->status.state >= 3;
}

static bool
has_session(void *ud)
{
    return ((rig_t *)ud)->session != 0 && ((rig_t *)ud)->feed_ready;
}

static bool
has_grant(void *ud)
{
    return ((rig_t *)ud)->grants > 0;
}

static bool
has_control(void *ud)
{
    return ((rig_t *)ud)->control_state != 0;
}

static bool
has_blob(void *ud)
{
    return ((rig_t *)ud)->blob_eof;
}

static bool
has_spec(void *ud)
{
    return ((rig_t *)ud)->spec_bytes > 0;
}

static bool
has_status(void *ud)
{
    return ((rig_t *)ud)->statuses > 0;
}

// ---- set up ----

static mst_rc
done_before(void *ud, int64_t run_no, mst_store_key_fn *fn, void *fn_ud, mst_err_t *err)
{
    (void)ud;
    (void)err;
    assert_int_equal(run_no, 7);
    for (uint64_t k = 0; k < 100; k += 2)
        if (!fn(fn_ud, &(mst_key_t){.case_no = k}))
            break;
    fn(fn_ud, &(mst_key_t){.case_no = 99999}); // beyond the dataset
    return MST_OK;
}

static void
start(rig_t *r, bool resume)
{
    static unsigned number; // a name is free again only when its last message has left
    mst_err_t err = {0};
    char feed[64], client[64];
    snprintf(r->control_endpoint, sizeof r->control_endpoint, "inproc://control-%u", ++number);
    snprintf(feed, sizeof feed, "inproc://feed-%u", number);
    snprintf(client, sizeof client, "inproc://client-%u", number);
    mst_coordinator_opts_t o = {.control_endpoint = r->control_endpoint,
                                .feed_endpoint = feed,
                                .client_endpoint = client,
                                .env = &env,
                                .done_keys = resume ? done_before : NULL};
    if (mst_coordinator_start(&o, &r->c, &err) != MST_OK)
        fail_msg("%s", err.message);
    assert_int_equal(mst_link_dial(r->loop, o.control_endpoint, MST_WIRE_FRAME_MAX, on_control, r, &r->control, &err),
                     MST_OK);
    assert_int_equal(mst_link_dial(r->loop, o.feed_endpoint, MST_WIRE_FRAME_MAX, on_feed, r, &r->feed, &err), MST_OK);
    assert_int_equal(mst_link_dial(r->loop, o.client_endpoint, MST_WIRE_FRAME_MAX, on_client, r, &r->client, &err),
                     MST_OK);
    mst_loop_on_turn(r->loop, on_turn, r); // after the links', so that it sees what they brought
    say_hello(r, r->control, 1);
    say_hello(r, r->feed, 3);
    say_hello(r, r->client, 2);
    WAIT(r, has_session);
}

static int
setup(void **state)
{
    rig_t *r = MST_NEW(rig_t);
    r->arena = mst_arena_new(16 * MST_MIB);
    mst_buf_init(&r->out, MST_WIRE_FRAME_MAX);
    mst_buf_init(&r->blob, 16 * MST_MIB);
    r->guard = (mst_timer_t){.fn = on_guard, .ud = r};
    r->fail_case = UINT64_MAX;
    r->commit = true;
    if (mst_loop_new(&r->loop, NULL) != MST_OK)
        return -1;
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    rig_t *r = *state;
    mst_link_free(&r->control);
    mst_link_free(&r->feed);
    mst_link_free(&r->client);
    mst_coordinator_stop(&r->c);
    mst_loop_free(&r->loop);
    mst_arena_free(&r->arena);
    mst_buf_deinit(&r->out);
    mst_buf_deinit(&r->blob);
    if (r->path[0] != '\0')
        unlink(r->path);
    free(r);
    return 0;
}

// A dataset of `rows` rows; a row in `bad` is no JSON; the row `large` is large.
static const char *
spec_of(rig_t *r, uint64_t rows, int64_t bad, int64_t large, const char *more)
{
    static char spec[512];
    snprintf(r->path, sizeof r->path, "/tmp/muster-test-XXXXXX");
    int fd = mkstemp(r->path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    assert_non_null(f);
    for (uint64_t i = 0; i < rows; i++) {
        if ((int64_t)i == bad) {
            fprintf(f, "{broken\n");
            continue;
        }
        fprintf(f, "{\"input\": \"question %llu\", \"expected_output\": \"", (unsigned long long)i);
        for (size_t n = 0; (int64_t)i == large && n < LARGE; n++)
            fputc('x', f);
        fprintf(f, "\", \"actual_output\": \"a\"}\n");
    }
    assert_int_equal(fclose(f), 0);
    snprintf(spec, sizeof spec, "name: t\ndata_source: {path: \"%s\"}\nscorers: [{scorer_name: ttft}]\n%s", r->path,
             more);
    return spec;
}

// ---- tests ----

static void
test_coordinator_whole_run(void **state)
{
    rig_t *r = *state;
    start(r, false);
    assert_true(r->heartbeat_ms > 0);
    give_credit(r, 256);
    submit(r, "req-000000000001", spec_of(r, 3000, 17, -1, ""));
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 3);
    assert_int_equal(r->status.done, 2999);
    assert_int_equal(r->status.total, 2999);
    assert_true(r->status.total_exact);
    assert_int_equal(r->status.cases, 2999);
    assert_int_equal(r->status.refused_rows, 1);
    assert_true(r->status.has_dataset_hash);
    assert_int_equal(r->status.passed, 2999);
    assert_true(r->status.has_started_mono_ns);
    for (uint64_t i = 0; i < 2999; i++)
        assert_int_equal(r->seen[i], 1);
    assert_int_equal(r->granted, 2999);
    assert_int_equal(r->largest_grant, MST_UNIT_CASES_MAX);
    uint64_t statuses = r->statuses;
    submit(r, "req-000000000001", "anything"); // the same request: told again, not started again
    r->statuses = 0;
    WAIT(r, has_status);
    assert_int_equal(r->status.state, 3);
    assert_true(statuses > 0);
    assert_int_equal(r->granted, 2999);
}

static void
test_coordinator_repeats(void **state)
{
    rig_t *r = *state;
    start(r, false);
    give_credit(r, 64);
    submit(r, "req-000000000001", spec_of(r, 50, -1, -1, "repeats: 3\n"));
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 3);
    assert_int_equal(r->status.done, 150);
    for (uint64_t i = 0; i < 50; i++)
        assert_int_equal(r->seen[i], 3);
}

static void
test_coordinator_resume(void **state)
{
    rig_t *r = *state;
    start(r, true);
    give_credit(r, 64);
    submit(r, "req-000000000001", spec_of(r, 200, -1, -1, ""));
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 3);
    assert_int_equal(r->status.done, 200);
    assert_int_equal(r->granted, 150);
    for (uint64_t i = 0; i < 200; i++)
        assert_int_equal(r->seen[i], i >= 100 || i % 2 == 1);
}

static void
test_coordinator_large_case(void **state)
{
    rig_t *r = *state;
    r->commit = false;
    start(r, false);
    give_credit(r, 4);
    submit(r, "req-000000000001", spec_of(r, 3, -1, 1, ""));
    WAIT(r, has_blob);
    assert_int_equal(r->blob_case, 1);
    assert_int_equal(r->blob.n, r->blob_bytes);
    mst_case_t c;
    mst_arena_reset(r->arena);
    assert_int_equal(mst_wire_case_unpack(mst_buf_view(&r->blob), r->arena, &c, NULL), MST_OK);
    assert_int_equal(c.case_no, 1);
    assert_int_equal(c.expected.n, LARGE);
    uint64_t all[] = {0, 1, 2};
    commit_keys(r, all, 3, 0);
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 3);
    mst_buf_reset(&r->blob);
    r->blob_eof = false;
    get_blob(r, 0); // gone: an empty last chunk
    WAIT(r, has_blob);
    assert_int_equal(r->blob.n, 0);
}

static void
test_coordinator_spec_request(void **state)
{
    rig_t *r = *state;
    r->commit = false;
    start(r, false);
    give_credit(r, 1);
    const char *spec = spec_of(r, 3, -1, -1, "");
    submit(r, "req-000000000001", spec);
    WAIT(r, has_grant);
    Muster__RunSpecReq m = MUSTER__RUN_SPEC_REQ__INIT;
    m.spec_digest = mst_wire_bytes(mst_str((const char *)r->digest, 32));
    post(r, r->control, MUSTER__ENVELOPE__BODY_RUN_SPEC_REQ, &m);
    WAIT(r, has_spec);
    assert_int_equal(r->spec_bytes, strlen(spec));
}

static void
test_coordinator_cancel_drains(void **state)
{
    rig_t *r = *state;
    r->commit = false;
    start(r, false);
    give_credit(r, 4);
    submit(r, "req-000000000001", spec_of(r, 1000, -1, -1, ""));
    WAIT(r, has_grant);
    cancel(r, false);
    WAIT(r, has_control);
    assert_int_equal(r->control_state, 2);
    uint64_t unstarted[] = {2, 3}, started[] = {0, 1};
    give_back(r, unstarted, 2, 4, "", false);
    commit_keys(r, started, 2, 0);
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 4);
    assert_int_equal(r->status.done, 2);
    assert_int_equal(r->granted, 4);
}

static void
test_coordinator_cancel_now(void **state)
{
    rig_t *r = *state;
    r->commit = false;
    start(r, false);
    give_credit(r, 4);
    submit(r, "req-000000000001", spec_of(r, 1000, -1, -1, ""));
    WAIT(r, has_grant);
    cancel(r, true);
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 4);
    WAIT(r, has_control);
    assert_int_equal(r->control_state, 3);
}

static void
test_coordinator_fail_fast(void **state)
{
    rig_t *r = *state;
    r->fail_case = 5;
    start(r, false);
    give_credit(r, 8);
    submit(r, "req-000000000001", spec_of(r, 1000, -1, -1, "fail_fast: true\n"));
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 6);
    assert_true(r->granted < 1000);
}

static void
test_coordinator_worker_gives_up(void **state)
{
    rig_t *r = *state;
    r->commit = false;
    start(r, false);
    give_credit(r, 4);
    submit(r, "req-000000000001", spec_of(r, 10, -1, -1, ""));
    WAIT(r, has_grant);
    give_back(r, NULL, 0, 2, "backend refused the key", true);
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 5);
    assert_string_equal(r->text, "backend refused the key");
    assert_int_equal(r->status.rc, MST_IO);
}

static void
test_coordinator_store_failed(void **state)
{
    rig_t *r = *state;
    r->commit = false;
    start(r, false);
    give_credit(r, 4);
    submit(r, "req-000000000001", spec_of(r, 10, -1, -1, ""));
    WAIT(r, has_grant);
    Muster__StoreFailed m = MUSTER__STORE_FAILED__INIT;
    m.rc = MST_FULL;
    m.text = mst_wire_bytes(MST_STR("no space left for the store"));
    post(r, r->feed, MUSTER__ENVELOPE__BODY_STORE_FAILED, &m);
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 5);
    assert_int_equal(r->status.rc, MST_FULL);
    assert_string_equal(r->text, "no space left for the store");
}

static void
test_coordinator_refused_runs(void **state)
{
    rig_t *r = *state;
    start(r, false);
    submit(r, "req-000000000001",
           "name: t\ndata_source: {path: /no/such/file.jsonl}\nscorers: [{scorer_name: ttft}]\n");
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 5);
    assert_int_equal(r->status.rc, MST_NOTFOUND);
    r->status.state = 0;
    submit(r, "req-000000000002", "no: such key\n");
    WAIT(r, is_final);
    assert_int_equal(r->status.rc, MST_INVAL);
    assert_true(strlen(r->text) > 0);
    r->status.state = 0;
    give_credit(r, 10); // and a good one after them
    submit(r, "req-000000000003", spec_of(r, 5, -1, -1, ""));
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 3);
}

static void
test_coordinator_strict(void **state)
{
    rig_t *r = *state;
    start(r, false);
    give_credit(r, 10);
    submit(r, "req-000000000001", spec_of(r, 20, 12, -1, "strict: true\n"));
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 5);
    assert_int_equal(r->status.rc, MST_INVAL);
    assert_non_null(strstr(r->text, "13"));
}

static void
test_coordinator_one_run_at_a_time(void **state)
{
    rig_t *r = *state;
    r->commit = false;
    start(r, false);
    give_credit(r, 10);
    submit(r, "req-000000000001", spec_of(r, 5, -1, -1, ""));
    WAIT(r, has_grant);
    submit(r, "req-000000000002", "x");
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 5);
    assert_int_equal(r->status.rc, MST_CONFLICT);
    uint64_t all[] = {0, 1, 2, 3, 4};
    r->status.state = 0;
    commit_keys(r, all, 5, 0);
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 3);
}

static void
test_coordinator_garbage(void **state)
{
    rig_t *r = *state;
    start(r, false);
    mst_link_t *links[] = {r->control, r->feed, r->client};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mst_link_send(links[i], 0, MST_STR("\xff\xff garbage"), NULL), MST_OK);
        Muster__FeedAck ack = MUSTER__FEED_ACK__INIT; // has no place on any of them
        post(r, links[i], MUSTER__ENVELOPE__BODY_FEED_ACK, &ack);
    }
    uint64_t all[] = {0, 1};
    commit_keys(r, all, 2, 0); // of no run
    give_credit(r, 10);
    submit(r, "req-000000000001", spec_of(r, 5, -1, -1, ""));
    WAIT(r, is_final);
    assert_int_equal(r->status.state, 3);
    assert_int_equal(r->status.done, 5);
}

static void
test_coordinator_address_in_use(void **state)
{
    rig_t *r = *state;
    start(r, false);
    mst_err_t err = {0};
    mst_coordinator_t *second = NULL;
    mst_coordinator_opts_t o = {.control_endpoint = r->control_endpoint,
                                .feed_endpoint = "inproc://feed-other",
                                .client_endpoint = "inproc://client-other",
                                .env = &env};
    assert_int_equal(mst_coordinator_start(&o, &second, &err), MST_CONFLICT);
    assert_null(second);
}

static int
group_setup(void **state)
{
    (void)state;
    return mst_net_init(NULL) == MST_OK ? 0 : -1;
}

static int
group_teardown(void **state)
{
    (void)state;
    mst_net_deinit();
    return 0;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_coordinator_whole_run),         T(test_coordinator_repeats),      T(test_coordinator_resume),
        T(test_coordinator_large_case),        T(test_coordinator_spec_request), T(test_coordinator_cancel_drains),
        T(test_coordinator_cancel_now),        T(test_coordinator_fail_fast),    T(test_coordinator_worker_gives_up),
        T(test_coordinator_store_failed),      T(test_coordinator_refused_runs), T(test_coordinator_strict),
        T(test_coordinator_one_run_at_a_time), T(test_coordinator_garbage),      T(test_coordinator_address_in_use),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
