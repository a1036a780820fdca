// The aggregator's thread over real links: a scripted worker and a scripted coordinator on this side, a real store
// behind it.
#include "aggregator/aggregator.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/net/link.h"
#include "common/wire/wire.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_NS (20 * MST_NS_PER_S) // a guard, not a measurement

typedef struct {
    char dir[64], db[128];
    mst_store_t *store;
    int64_t run_no;
    mst_aggregator_t *agg;
    mst_loop_t *loop;
    mst_link_t *worker, *feed;
    mst_arena_t *arena;
    mst_buf_t out;
    uint64_t feed_conn;
    bool hello_ok, mute; // mute: the coordinator answers nothing
    uint64_t credit, acks[4096], inserted, duplicate, fenced;
    size_t ack_count;
    uint64_t nack_id;
    uint32_t nack_code;
    char nack_text[200];
    uint64_t told, told_failed, told_passed, told_measured, told_unmeasured, told_messages, feed_hellos;
    uint32_t told_generation;
    int store_failed;
    bool unknown;
    bool (*until)(void *t);
    int64_t deadline;
} rig_t;

#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        mst_err_t err_ = {0};                                                                                          \
        mst_err_t *err = &err_;                                                                                        \
        if ((call) != MST_OK)                                                                                          \
            fail_msg("%s: %s", #call, err_.message);                                                                   \
    } while (0)

static void
send_on(rig_t *t, mst_link_t *link, uint64_t conn, Muster__Envelope__BodyCase kind, void *body)
{
    Muster__Envelope e;
    mst_wire_envelope(&e, kind, body);
    mst_buf_reset(&t->out);
    assert_ok(mst_wire_pack(&e, &t->out, err));
    assert_ok(mst_link_send(link, conn, mst_buf_view(&t->out), err));
}

static void
on_worker(void *ud, uint64_t conn, mst_str_t bytes)
{
    (void)conn;
    rig_t *t = ud;
    Muster__Envelope *e = NULL;
    mst_arena_reset(t->arena);
    assert_ok(mst_wire_unpack(bytes, t->arena, &e, err));
    switch ((int)e->body_case) {
    case MUSTER__ENVELOPE__BODY_HELLO_OK:
        t->hello_ok = true;
        break;
    case MUSTER__ENVELOPE__BODY_RES_CREDIT:
        t->credit = e->res_credit->bytes;
        break;
    case MUSTER__ENVELOPE__BODY_RES_ACK:
        for (size_t i = 0; i < e->res_ack->n_batch_ids; i++)
            t->acks[t->ack_count++ % 4096] = e->res_ack->batch_ids[i];
        t->inserted += e->res_ack->inserted;
        t->duplicate += e->res_ack->duplicate;
        t->fenced += e->res_ack->fenced;
        break;
    case MUSTER__ENVELOPE__BODY_RES_NACK:
        t->nack_id = e->res_nack->batch_id;
        t->nack_code = e->res_nack->code;
        snprintf(t->nack_text, sizeof t->nack_text, "%.*s", MST_FMT(mst_wire_str(e->res_nack->text)));
        break;
    case MUSTER__ENVELOPE__BODY_UNKNOWN_SESSION:
        t->unknown = true;
        break;
    default:
        fail_msg("a worker does not expect %s", mst_wire_kind_name(e->body_case));
    }
}

static void
on_committed(rig_t *t, uint64_t conn, const Muster__Committed *m)
{
    for (size_t g = 0; g < m->n_groups; g++)
        t->told += m->groups[g]->n_case_nos;
    t->told_failed += m->rows_failed;
    t->told_passed = m->passed;
    t->told_measured = m->measured;
    t->told_unmeasured = m->unmeasured;
    t->told_generation = m->generation;
    t->told_messages++;
    Muster__FeedAck ack = MUSTER__FEED_ACK__INIT;
    ack.seq = m->seq;
    send_on(t, t->feed, conn, MUSTER__ENVELOPE__BODY_FEED_ACK, &ack);
}

static void
on_feed(void *ud, uint64_t conn, mst_str_t bytes)
{
    rig_t *t = ud;
    Muster__Envelope *e = NULL;
    mst_arena_reset(t->arena);
    assert_ok(mst_wire_unpack(bytes, t->arena, &e, err));
    t->feed_conn = conn;
    if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO)
        t->feed_hellos++;
    if (t->mute)
        return;
    if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO) {
        assert_int_equal(e->hello->role, 3);
        Muster__HelloOk ok = MUSTER__HELLO_OK__INIT;
        ok.session = conn;
        send_on(t, t->feed, conn, MUSTER__ENVELOPE__BODY_HELLO_OK, &ok);
    } else if (e->body_case == MUSTER__ENVELOPE__BODY_COMMITTED) {
        on_committed(t, conn, e->committed);
    } else if (e->body_case == MUSTER__ENVELOPE__BODY_STORE_FAILED) {
        t->store_failed++;
        assert_true(e->store_failed->text.len > 10);
    }
}

static bool
on_turn(void *ud)
{
    rig_t *t = ud;
    if (t->until && t->until(t)) {
        t->until = NULL;
        mst_loop_stop(t->loop);
    }
    return false;
}

static void
on_deadline(void *ud)
{
    (void)ud;
    fail_msg("what was waited for did not happen");
}

static void
wait_until(rig_t *t, bool (*until)(void *))
{
    mst_timer_t guard = {.fn = on_deadline, .ud = t};
    t->until = until;
    mst_loop_timer(t->loop, &guard, mst_mono_ns() + WAIT_NS);
    mst_loop_wake(t->loop);
    mst_loop_run(t->loop);
    mst_loop_timer_stop(t->loop, &guard);
}

static void
say_hello(rig_t *t, uint32_t seq)
{
    static const char instance[16] = "worker number 1";
    Muster__Hello m = MUSTER__HELLO__INIT;
    m.role = 1;
    m.proto_major = MST_WIRE_MAJOR;
    m.instance = mst_wire_bytes(mst_str(instance, sizeof instance));
    m.has_session_seq = true;
    m.session_seq = seq;
    t->hello_ok = false;
    send_on(t, t->worker, 0, MUSTER__ENVELOPE__BODY_HELLO, &m);
}

static bool
has_credit(void *ud)
{
    const rig_t *t = ud;
    return t->hello_ok && t->credit > 0;
}

static int
setup(void **state)
{
    rig_t *t = calloc(1, sizeof *t);
    snprintf(t->dir, sizeof t->dir, "/tmp/mst-aggr-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    snprintf(t->db, sizeof t->db, "sqlite:%s/runs.db", t->dir);
    assert_ok(mst_store_open(t->db, MST_STORE_WRITE, &t->store, err));
    mst_run_rec_t run = {
        .run_id = MST_STR("run_a"), .state = MST_RUN_RUNNING, .generation = 3, .key_count = -1, .exit_code = -1};
    assert_ok(mst_store_run_create(t->store, &run, &t->run_no, err));
    assert_ok(mst_loop_new(&t->loop, err));
    t->arena = mst_arena_new(16 * MST_MIB);
    mst_buf_init(&t->out, MST_WIRE_FRAME_MAX);
    assert_ok(mst_link_serve(t->loop, "inproc://test-feed", MST_WIRE_FRAME_MAX, on_feed, t, &t->feed, err));
    mst_aggregator_opts_t o = {.results_endpoint = "inproc://test-results",
                               .feed_endpoint = "inproc://test-feed",
                               .store = t->store,
                               .memory_max = 8 * MST_MIB};
    assert_ok(mst_aggregator_start(&o, &t->agg, err));
    assert_ok(mst_link_dial(t->loop, "inproc://test-results", MST_WIRE_FRAME_MAX, on_worker, t, &t->worker, err));
    mst_loop_on_turn(t->loop, on_turn, t);
    say_hello(t, 0);
    wait_until(t, has_credit);
    *state = t;
    return 0;
}

static int
teardown(void **state)
{
    rig_t *t = *state;
    mst_aggregator_stop(&t->agg);
    mst_link_free(&t->worker);
    mst_link_free(&t->feed);
    mst_loop_free(&t->loop);
    mst_store_close(&t->store);
    mst_arena_free(&t->arena);
    mst_buf_deinit(&t->out);
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < 4; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/runs.db%s", t->dir, ends[i]);
        unlink(path);
    }
    rmdir(t->dir);
    free(t);
    return 0;
}

static void
pack_row(uint64_t case_no, uint32_t generation, mst_str_t text, mst_buf_t *out)
{
    char id[32];
    snprintf(id, sizeof id, "case-%06llu", (unsigned long long)case_no + 1);
    mst_score_t score = {.state = MST_SCORE_OK, .value = case_no % 2 ? 1 : 0, .passed = case_no % 2};
    mst_result_t r = {.key = {.case_no = case_no},
                      .generation = generation,
                      .outcome = MST_OUT_SCORED,
                      .passed = case_no % 2,
                      .case_id = mst_str_c(id),
                      .input = MST_STR("what"),
                      .scores = &score,
                      .score_count = 1,
                      .tpot_ns = MST_NONE,
                      .done = {.text = text,
                               .prompt_tokens = MST_NONE,
                               .completion_tokens = MST_NONE,
                               .reasoning_tokens = MST_NONE,
                               .usage_tokens = MST_NONE,
                               .cached_tokens = MST_NONE,
                               .send_mono_ns = MST_NONE,
                               .ttfb_ns = MST_NONE,
                               .ttft_ns = 1000000,
                               .ttfo_ns = MST_NONE,
                               .last_token_ns = 2000000,
                               .close_ns = MST_NONE,
                               .queue_ns = MST_NONE,
                               .attempts = 1}};
    assert_ok(mst_wire_result_pack(&r, out, err));
}

static void
send_batch(rig_t *t, uint64_t id, uint64_t from, size_t rows, uint32_t generation)
{
    mst_buf_t packed;
    mst_buf_init(&packed, MST_WIRE_FRAME_MAX);
    size_t ends[512];
    for (size_t i = 0; i < rows; i++) {
        pack_row(from + i, generation, MST_STR("an answer"), &packed);
        ends[i] = packed.n;
    }
    ProtobufCBinaryData list[512];
    for (size_t i = 0; i < rows; i++) {
        size_t start = i ? ends[i - 1] : 0;
        list[i] = mst_wire_bytes(mst_str(packed.p + start, ends[i] - start));
    }
    Muster__ResBatch m = MUSTER__RES_BATCH__INIT;
    m.batch_id = id;
    m.run_no = (uint32_t)t->run_no;
    m.n_rows = rows;
    m.rows = list;
    send_on(t, t->worker, 0, MUSTER__ENVELOPE__BODY_RES_BATCH, &m);
    mst_buf_deinit(&packed);
}

static bool
acked_one(void *ud)
{
    return ((rig_t *)ud)->ack_count >= 1;
}

static bool
acked_two(void *ud)
{
    return ((rig_t *)ud)->ack_count >= 2;
}

static bool
acked_ten_and_told(void *ud)
{
    const rig_t *t = ud;
    return t->ack_count >= 10 && t->told >= 2000;
}

static void
test_aggregator_commits_and_tells(void **state)
{
    rig_t *t = *state;
    for (uint64_t id = 1; id <= 10; id++)
        send_batch(t, id, (id - 1) * 200, 200, 3);
    wait_until(t, acked_ten_and_told);
    assert_true(t->inserted == 2000 && t->duplicate == 0 && t->told == 2000);
    assert_true(t->told_failed == 1000 && t->told_passed == 1000 && t->told_measured == 2000);
    assert_true(t->told_unmeasured == 0 && t->told_generation == 3);
    mst_aggregator_stop(&t->agg);
    mst_rollup_t roll;
    assert_ok(mst_store_rollup(t->store, t->run_no, &roll, err));
    assert_true(roll.total == 2000 && roll.passed == 1000);
    mst_rollup_deinit(&roll);
}

static bool
told_forty(void *ud)
{
    const rig_t *t = ud;
    return t->ack_count >= 2 && t->told >= 40;
}

static void
test_aggregator_repeats(void **state)
{
    rig_t *t = *state;
    send_batch(t, 1, 0, 20, 3);
    wait_until(t, acked_one);
    send_batch(t, 1, 0, 20, 3); // the acknowledgement was lost: sent again
    wait_until(t, told_forty);
    assert_true(t->inserted == 20 && t->duplicate == 20);
    assert_int_equal(t->told, 40);        // told again too: whoever asks must hear that it is done
    assert_int_equal(t->told_failed, 10); // but a failure is counted once
}

static void
test_aggregator_fences(void **state)
{
    rig_t *t = *state;
    send_batch(t, 1, 0, 20, 2);
    wait_until(t, acked_one);
    assert_true(t->fenced == 20 && t->inserted == 0 && t->told == 0);
}

static bool
has_nack(void *ud)
{
    return ((rig_t *)ud)->nack_code != 0;
}

static void
test_aggregator_bad_rows(void **state)
{
    rig_t *t = *state;
    ProtobufCBinaryData garbage = mst_wire_bytes(MST_STR("\xff\xff\xff\xff"));
    Muster__ResBatch m = MUSTER__RES_BATCH__INIT;
    m.batch_id = 5;
    m.run_no = (uint32_t)t->run_no;
    m.n_rows = 1;
    m.rows = &garbage;
    send_on(t, t->worker, 0, MUSTER__ENVELOPE__BODY_RES_BATCH, &m);
    wait_until(t, has_nack);
    assert_true(t->nack_id == 5 && t->nack_code == 2 && strlen(t->nack_text) > 5);
    t->nack_code = 0;
    t->run_no += 7; // no such run
    send_batch(t, 6, 0, 3, 3);
    wait_until(t, has_nack);
    assert_true(t->nack_id == 6 && t->nack_code == 2);
    t->run_no -= 7;
    send_batch(t, 7, 0, 3, 3); // it goes on
    wait_until(t, acked_one);
    assert_true(t->acks[0] == 7 && t->inserted == 3);
}

static void
send_large(rig_t *t, uint64_t id, mst_str_t row, uint64_t total)
{
    for (size_t at = 0; at < row.n; at += MST_BLOB_CHUNK) {
        mst_str_t piece = mst_str(row.p + at, row.n - at < MST_BLOB_CHUNK ? row.n - at : MST_BLOB_CHUNK);
        Muster__ResChunk m = MUSTER__RES_CHUNK__INIT;
        m.batch_id = id;
        m.run_no = (uint32_t)t->run_no;
        m.total_bytes = total;
        m.offset = at;
        m.crc32 = mst_crc32(piece);
        m.data = mst_wire_bytes(piece);
        send_on(t, t->worker, 0, MUSTER__ENVELOPE__BODY_RES_CHUNK, &m);
    }
}

static bool
check_large(void *ud, const mst_result_t *r, const mst_origin_t *o)
{
    (void)o;
    const mst_str_t *want = ud;
    assert_true(mst_str_eq(r->done.text, *want));
    return true;
}

static void
test_aggregator_large_row(void **state)
{
    rig_t *t = *state;
    size_t bytes = 3 * MST_MIB;
    char *text = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)('a' + i % 23);
    mst_str_t answer = mst_str(text, bytes);
    mst_buf_t row;
    mst_buf_init(&row, MST_RESULT_BYTES_MAX);
    pack_row(7, 3, answer, &row);
    send_large(t, 1, mst_buf_view(&row), row.n);
    wait_until(t, acked_one);
    assert_int_equal(t->inserted, 1);
    send_large(t, 2, mst_str(row.p, 1000), 90 * MST_MIB); // more than the aggregator may hold
    wait_until(t, has_nack);
    assert_true(t->nack_id == 2 && t->nack_code == 3);
    mst_aggregator_stop(&t->agg);
    mst_store_scan_t what = {.with_text = true};
    assert_ok(mst_store_results(t->store, t->run_no, &what, check_large, &answer, err));
    mst_buf_deinit(&row);
    free(text);
}

static bool
check_origin(void *ud, const mst_result_t *r, const mst_origin_t *o)
{
    int *seen = ud;
    assert_true(mst_str_eq(o->host, MST_STR("node-9")) && mst_str_eq(o->engine, MST_STR("sim")));
    assert_true(o->driver.n == 0 && r->key.case_no == 1);
    ++*seen;
    return true;
}

static void
test_aggregator_origins(void **state)
{
    rig_t *t = *state;
    Muster__Origin o = MUSTER__ORIGIN__INIT;
    o.origin_no = 0;
    o.has_host = o.has_engine = true;
    o.host = mst_wire_bytes(MST_STR("node-9"));
    o.engine = mst_wire_bytes(MST_STR("sim"));
    send_on(t, t->worker, 0, MUSTER__ENVELOPE__BODY_ORIGIN, &o);
    o.origin_no = 4000;
    send_on(t, t->worker, 0, MUSTER__ENVELOPE__BODY_ORIGIN, &o);
    send_batch(t, 1, 1, 1, 3);
    wait_until(t, acked_one);
    mst_aggregator_stop(&t->agg);
    int seen = 0;
    mst_store_scan_t what = {0};
    assert_ok(mst_store_results(t->store, t->run_no, &what, check_origin, &seen, err));
    assert_int_equal(seen, 1);
}

static bool
is_unknown(void *ud)
{
    return ((rig_t *)ud)->unknown;
}

static void
test_aggregator_stranger(void **state)
{
    rig_t *t = *state;
    mst_link_free(&t->worker);
    assert_ok(mst_link_dial(t->loop, "inproc://test-results", MST_WIRE_FRAME_MAX, on_worker, t, &t->worker, err));
    send_batch(t, 1, 0, 2, 3); // without a hello on this connection
    wait_until(t, is_unknown);
    t->credit = 0;
    say_hello(t, 1);
    wait_until(t, has_credit);
    send_batch(t, 1, 0, 2, 3);
    wait_until(t, acked_one);
    assert_int_equal(t->inserted, 2);
}

static bool
heard_hello_twice(void *ud)
{
    return ((rig_t *)ud)->feed_hellos >= 2 && ((rig_t *)ud)->ack_count >= 1;
}

static bool
told_five(void *ud)
{
    return ((rig_t *)ud)->told >= 5;
}

// A coordinator that starts late hears of everything that was committed before.
static void
test_aggregator_late_coordinator(void **state)
{
    rig_t *t = *state;
    mst_aggregator_stop(&t->agg);
    t->mute = true;
    t->feed_hellos = 0;
    mst_link_free(&t->worker);
    mst_aggregator_opts_t o = {.results_endpoint = "inproc://test-results-2",
                               .feed_endpoint = "inproc://test-feed",
                               .store = t->store,
                               .memory_max = 8 * MST_MIB};
    assert_ok(mst_aggregator_start(&o, &t->agg, err));
    assert_ok(mst_link_dial(t->loop, "inproc://test-results-2", MST_WIRE_FRAME_MAX, on_worker, t, &t->worker, err));
    t->credit = 0;
    say_hello(t, 1);
    wait_until(t, has_credit);
    send_batch(t, 1, 0, 5, 3);
    wait_until(t, heard_hello_twice); // it committed and acknowledged, and asks again who listens
    assert_int_equal(t->told, 0);
    t->mute = false;
    wait_until(t, told_five);
    assert_int_equal(t->told, 5);
}

static bool
heard_of_failure(void *ud)
{
    return ((rig_t *)ud)->store_failed > 0;
}

static void
set_file_limit(rlim_t bytes)
{
    struct rlimit lim;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
    lim.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

// A store that cannot be written: nothing is acknowledged, the coordinator hears of it once, and when there is room
// again the same rows are committed.
static void
test_aggregator_store_full(void **state)
{
    rig_t *t = *state;
    send_batch(t, 1, 0, 10, 3);
    wait_until(t, acked_one);
    signal(SIGXFSZ, SIG_IGN);
    set_file_limit(4096); // less than the files have already
    send_batch(t, 2, 10, 10, 3);
    wait_until(t, heard_of_failure);
    assert_true(t->ack_count == 1 && t->inserted == 10 && t->told == 10);
    set_file_limit(RLIM_INFINITY);
    wait_until(t, acked_two);
    assert_true(t->inserted == 20 && t->duplicate == 0 && t->store_failed == 1);
    mst_aggregator_stop(&t->agg);
    mst_rollup_t roll;
    assert_ok(mst_store_rollup(t->store, t->run_no, &roll, err));
    assert_int_equal(roll.total, 20);
    mst_rollup_deinit(&roll);
}

static void
test_aggregator_address_in_use(void **state)
{
    rig_t *t = *state;
    mst_aggregator_opts_t o = {.results_endpoint = "inproc://test-results",
                               .feed_endpoint = "inproc://test-feed",
                               .store = t->store,
                               .memory_max = 8 * MST_MIB};
    mst_aggregator_t *second = NULL;
    mst_err_t err = {0};
    assert_int_equal(mst_aggregator_start(&o, &second, &err), MST_CONFLICT);
    assert_null(second);
    assert_non_null(strstr(err.message, "test-results"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_aggregator_commits_and_tells),
        TEST(test_aggregator_repeats),
        TEST(test_aggregator_fences),
        TEST(test_aggregator_bad_rows),
        TEST(test_aggregator_large_row),
        TEST(test_aggregator_origins),
        TEST(test_aggregator_stranger),
        TEST(test_aggregator_late_coordinator),
        TEST(test_aggregator_store_full),
        TEST(test_aggregator_address_in_use),
    };
    mst_err_t err = {0};
    if (mst_net_init(&err) != MST_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    mst_net_deinit();
    return failed;
}
