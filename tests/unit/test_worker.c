// The worker against scripted peers, with recorded answers: sessions, credit, batches, large cases and results,
// leases, drain and stop. Nothing here asks a backend; test_worker_backend does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker_peers.h"

static const char config[] = "name: recorded\n"
                             "data_source: {source_type: jsonl, path: none.jsonl}\n"
                             "scorers:\n"
                             "  - type: exact_match\n"
                             "  - type: contains\n"
                             "    value: a\n";

static void
add_recorded(peers_t *p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char id[32], answer[64];
        int id_n = snprintf(id, sizeof id, "c%zu", p->case_count);
        int n = snprintf(answer, sizeof answer, "answer %zu", p->case_count);
        mst_case_t c = {.case_no = p->case_count, .id = mst_str(id, (size_t)id_n), .input = MST_STR("question")};
        c.has_expected = c.has_actual = true;
        c.actual = mst_str(answer, (size_t)n);
        c.expected = p->case_count % 2 == 0 ? c.actual : MST_STR("something else");
        peers_add_case(p, &c);
    }
}

static void
test_worker_recorded_answers(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 3000);
    p.unit = 128;
    peers_worker(&p, 2, 0, NULL);
    assert_true(peers_run(&p, peers_all_stored));
    assert_int_equal(peers_count(&p, MST_OUT_SCORED), 3000);
    assert_int_equal(p.duplicate, 0);
    size_t passed = 0;
    for (size_t i = 0; i < p.row_count; i++) {
        assert_int_equal(p.rows[i].score_count, 2);
        assert_int_equal(p.rows[i].passed, p.rows[i].case_no % 2 == 0);
        assert_int_equal(p.rows[i].input_n, 8);
        passed += p.rows[i].passed;
    }
    assert_int_equal(passed, 1500);
    assert_true(p.batches < 200); // rows travel together
    assert_true(p.origins == 1);
    peers_close(&p);
}

static void
test_worker_input_only_once(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 10);
    p.repeats = 3;
    peers_worker(&p, 1, 0, NULL);
    assert_true(peers_run(&p, peers_all_stored));
    for (uint32_t k = 0; k < 3; k++)
        assert_int_equal(peers_row(&p, 4, k)->input_n, k == 0 ? 8 : 0);
    peers_close(&p);
}

static void
test_worker_case_without_answer(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 3);
    mst_case_t c = {.case_no = 3, .id = MST_STR("bare"), .input = MST_STR("q")};
    peers_add_case(&p, &c);
    peers_worker(&p, 1, 0, NULL);
    assert_true(peers_run(&p, peers_all_stored));
    const peer_row_t *row = peers_row(&p, 3, 0);
    assert_int_equal(row->outcome, MST_OUT_BAD_CASE);
    assert_false(row->passed);
    assert_non_null(strstr(row->message, "actual_output"));
    peers_close(&p);
}

// A case of more than 64 KiB comes in pieces, a result of more than 512 KiB leaves in pieces.
static void
test_worker_large_case_and_result(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 5);
    size_t n = 3 * MST_MIB;
    char *big = malloc(n);
    memset(big, 'a', n);
    mst_case_t c = {.case_no = 5,
                    .id = MST_STR("big"),
                    .input = MST_STR("q"),
                    .has_actual = true,
                    .actual = mst_str(big, n),
                    .has_expected = true,
                    .expected = MST_STR("short")};
    peers_add_case(&p, &c);
    c = (mst_case_t){.case_no = 6, .id = MST_STR("middle"), .has_actual = true, .actual = mst_str(big, 100 * MST_KIB)};
    peers_add_case(&p, &c);
    add_recorded(&p, 5);
    p.unit = 4;
    peers_worker(&p, 2, 0, NULL);
    assert_true(peers_run(&p, peers_all_stored));
    assert_int_equal(peers_row(&p, 5, 0)->text_n, n);
    assert_int_equal(peers_row(&p, 6, 0)->text_n, 100 * MST_KIB);
    assert_int_equal(peers_row(&p, 5, 0)->outcome, MST_OUT_SCORED);
    assert_int_equal(p.large_rows, 1);
    assert_true(p.chunks >= 12);
    assert_true(p.blob_gets >= 4); // a window of 1 MiB at a time
    free(big);
    peers_close(&p);
}

static bool
two_batches(void *ud)
{
    return ((peers_t *)ud)->batches >= 2;
}

static bool
all_came(void *ud)
{
    peers_t *p = ud;
    return p->row_count == p->case_count;
}

static void
test_worker_keeps_leases_until_acknowledged(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 64);
    p.no_ack = true;
    peers_worker(&p, 1, 0, NULL);
    assert_true(peers_run(&p, all_came));
    p.pings_wanted = p.pings + 3;
    assert_true(peers_run(&p, peers_more_pings));
    assert_int_equal(p.last_ping_leases, 4); // units of 16, still named
    peers_ack(&p);
    assert_true(peers_run(&p, peers_all_stored));
    peers_close(&p);
}

static void
test_worker_sends_again_in_a_new_session(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 500);
    p.forget_results_once = true;
    peers_worker(&p, 2, 0, NULL);
    assert_true(peers_run(&p, peers_all_stored));
    assert_int_equal(p.result_hellos, 2);
    assert_true(p.origins >= 1); // told anew
    peers_close(&p);
}

static void
test_worker_small_result_credit(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 2000);
    p.res_credit = 1000; // less than a batch: one at a time
    p.unit = 128;
    peers_worker(&p, 2, 0, NULL);
    assert_true(peers_run(&p, peers_all_stored));
    assert_int_equal(p.duplicate, 0);
    peers_close(&p);
}

static void
test_worker_store_failure_is_fatal(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 100);
    p.nack_code = 5;
    peers_worker(&p, 1, 0, NULL);
    assert_true(peers_run(&p, peers_fatal));
    assert_non_null(strstr(p.fatal_text, "no space left"));
    peers_close(&p);
}

static void
test_worker_refuses_a_wrong_spec(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 10);
    p.digest.b[0] ^= 1;
    peers_worker(&p, 1, 0, NULL);
    assert_true(peers_run(&p, peers_nothing_open));
    assert_int_equal(p.returned, 10);
    assert_int_equal(p.return_cause, 3);
    assert_true(p.fatal);
    assert_non_null(strstr(p.fatal_text, "digest"));
    peers_close(&p);
}

static bool
some_granted(void *ud)
{
    return ((peers_t *)ud)->credit > 0;
}

static void
test_worker_drained_run_gets_its_units_back(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 1000);
    p.grant_max = 0;
    peers_worker(&p, 1, 0, NULL);
    assert_true(peers_run(&p, some_granted));
    p.grant_max = 16; // so that the run is known
    peers_grant(&p);
    assert_true(peers_run(&p, peers_nothing_open));
    peers_control(&p, 2);
    p.grant_max = 64;
    peers_grant(&p);
    assert_true(peers_run(&p, peers_nothing_open));
    assert_int_equal(p.row_count, 16);
    assert_int_equal(p.returned, 48);
    assert_int_equal(p.return_cause, 1);
    assert_false(p.fatal);
    peers_control(&p, 1);
    p.grant_max = 100;
    peers_grant(&p);
    assert_true(peers_run(&p, peers_nothing_open));
    assert_int_equal(p.row_count, 16 + 36);
    peers_close(&p);
}

static void
test_worker_spoilt_piece_is_asked_again(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    size_t n = 300 * MST_KIB;
    char *big = malloc(n);
    memset(big, 'a', n);
    mst_case_t c = {.case_no = 0, .id = MST_STR("big"), .has_actual = true, .actual = mst_str(big, n)};
    peers_add_case(&p, &c);
    p.spoil_blob_once = true;
    peers_worker(&p, 1, 0, NULL);
    assert_true(peers_run(&p, peers_all_stored));
    assert_true(p.blob_gets > 100);
    assert_int_equal(peers_row(&p, 0, 0)->text_n, n);
    free(big);
    peers_close(&p);
}

static void
test_worker_stops_in_the_middle(void **state)
{
    (void)state;
    peers_t p;
    peers_open(&p, config);
    add_recorded(&p, 20000);
    p.unit = 128;
    p.no_ack = true; // results stay unacknowledged: they are let go
    peers_worker(&p, 2, 0, NULL);
    assert_true(peers_run(&p, two_batches));
    peers_close(&p);
}

static int
set_up(void **state)
{
    (void)state;
    mst_err_t err = {0};
    return mst_net_init(&err) == MST_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    mst_net_deinit();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker_recorded_answers),
        cmocka_unit_test(test_worker_input_only_once),
        cmocka_unit_test(test_worker_case_without_answer),
        cmocka_unit_test(test_worker_large_case_and_result),
        cmocka_unit_test(test_worker_keeps_leases_until_acknowledged),
        cmocka_unit_test(test_worker_sends_again_in_a_new_session),
        cmocka_unit_test(test_worker_small_result_credit),
        cmocka_unit_test(test_worker_store_failure_is_fatal),
        cmocka_unit_test(test_worker_refuses_a_wrong_spec),
        cmocka_unit_test(test_worker_drained_run_gets_its_units_back),
        cmocka_unit_test(test_worker_spoilt_piece_is_asked_again),
        cmocka_unit_test(test_worker_stops_in_the_middle),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
