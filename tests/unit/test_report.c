// Reports against golden files (tests/fixtures/report; MST_UPDATE=1 writes them anew), the table of exit codes, and
// text that must not drive a terminal.
#include "report/format.h"
#include "report/report.h"
#include "report/table.h"

#include "common/base/limits.h"
#include "common/json/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
golden(const char *name, const mst_buf_t *got)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/fixtures/report/%s", MST_SOURCE_DIR, name);
    if (getenv("MST_UPDATE")) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fwrite(got->p, 1, got->n, f);
        fclose(f);
        return;
    }
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("no golden file %s", path);
    static char want[256 * 1024];
    size_t n = fread(want, 1, sizeof want, f);
    fclose(f);
    if (n != got->n || memcmp(want, got->p, n) != 0)
        fail_msg("%s differs; got:\n%.*s", path, (int)got->n, got->p);
}

static mst_scorer_numbers_t scorers_now[3];

static void
fill_scorers(void)
{
    scorers_now[0] = (mst_scorer_numbers_t){.label = MST_STR("exact_match"),
                                            .tier = MST_STR("L1"),
                                            .threshold = 1,
                                            .n = 28,
                                            .n_pass = 26,
                                            .mean = 26.0 / 28,
                                            .min = 0,
                                            .max = 1,
                                            .pass_rate = 26.0 / 28};
    mst_wilson(26, 28, &scorers_now[0].ci_lo, &scorers_now[0].ci_hi);
    scorers_now[1] = (mst_scorer_numbers_t){.label = MST_STR("time to first token under load"),
                                            .tier = MST_STR("L4"),
                                            .threshold = 0.8,
                                            .n = 20,
                                            .n_pass = 20,
                                            .not_measured = 8,
                                            .errors = 1,
                                            .mean = 0.987,
                                            .min = 0.91,
                                            .max = 1,
                                            .pass_rate = 1};
    mst_wilson(20, 20, &scorers_now[1].ci_lo, &scorers_now[1].ci_hi);
    scorers_now[2] = (mst_scorer_numbers_t){.label = MST_STR("latency_p99"),
                                            .tier = MST_STR("L4"),
                                            .threshold = 0.8,
                                            .run_scope = true,
                                            .mean = (double)NAN,
                                            .min = (double)NAN,
                                            .max = (double)NAN,
                                            .pass_rate = (double)NAN};
    scorers_now[2].run_score = (mst_score_t){.state = MST_SCORE_OK,
                                             .value = 0.5,
                                             .passed = false,
                                             .time_ns = 1500000,
                                             .reason = MST_STR("p99 of 7500 ms is over 5000 ms"),
                                             .breakdown = MST_STR("{\"p99_ms\":7500.0}")};
}

static mst_run_numbers_full_t
sample(void)
{
    fill_scorers();
    mst_run_numbers_full_t r = {.run_id = MST_STR("run_20261120_102400_0a0b0c0d"),
                                .name = MST_STR("nightly"),
                                .description = MST_STR("all of it"),
                                .dataset_digest = MST_STR("d1"),
                                .dataset_path = MST_STR("qa.jsonl"),
                                .git_sha = MST_STR("abc"),
                                .git_branch = MST_STR("main"),
                                .state = MST_STR("done"),
                                .version = MST_STR("0.1.0"),
                                .case_count = 30,
                                .target_count = 1,
                                .repeat_count = 1,
                                .keys_total = 30,
                                .keys_done = 30,
                                .measured = 28,
                                .passed = 26,
                                .refused_rows = 1,
                                .coverage = 28.0 / 30,
                                .min_coverage = 0.9,
                                .scorers = scorers_now,
                                .scorer_count = 3,
                                .prompt_tokens = 1234,
                                .completion_tokens = 56789,
                                .wall_s = 12.5,
                                .cases_per_s = 2.4,
                                .tokens_per_s = 4543.2,
                                .requests_window_s = 12.4,
                                .started_wall_ns = 1700000000123000000,
                                .finished_wall_ns = 1700000012623000000,
                                .gates_failed = true};
    r.outcomes[MST_OUT_SCORED] = 27;
    r.outcomes[MST_OUT_TRUNCATED] = 1;
    r.outcomes[MST_OUT_TIMEOUT] = 2;
    r.ttft = (mst_latency_numbers_t){.n = 28, .mean = 14, .min = 1, .p50 = 12.3, .p90 = 20.4, .p99 = 80, .max = 101};
    r.e2e =
        (mst_latency_numbers_t){.n = 28, .mean = 1400, .min = 900, .p50 = 1234, .p90 = 2500, .p99 = 7500, .max = 12345};
    r.tpot = (mst_latency_numbers_t){.mean = (double)NAN,
                                     .min = (double)NAN,
                                     .p50 = (double)NAN,
                                     .p90 = (double)NAN,
                                     .p99 = (double)NAN,
                                     .max = (double)NAN};
    r.exit_code = mst_report_exit_code(&r);
    return r;
}

static void
test_report_console(void **state)
{
    (void)state;
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_run_numbers_full_t r = sample();
    mst_report_console(&r, false, 120, &out);
    golden("console-fail.txt", &out);
    mst_buf_reset(&out);
    mst_report_console(&r, true, 120, &out);
    golden("console-colour.txt", &out);
    mst_buf_reset(&out);
    mst_report_console(&r, false, 70, &out);
    golden("console-narrow.txt", &out);
    mst_buf_reset(&out);
    r.gates_failed = false;
    r.scorer_count = 1;
    r.passed = r.measured = r.keys_done = r.outcomes[MST_OUT_SCORED] = 30;
    r.outcomes[MST_OUT_TRUNCATED] = r.outcomes[MST_OUT_TIMEOUT] = 0;
    r.coverage = 1;
    r.exit_code = mst_report_exit_code(&r);
    mst_report_console(&r, false, 100, &out);
    golden("console-pass.txt", &out);
    mst_buf_deinit(&out);
}

static void
test_report_console_without_numbers(void **state)
{
    (void)state;
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_run_numbers_full_t r = {.run_id = MST_STR("run_x"),
                                .keys_total = 30,
                                .keys_done = 3,
                                .aborted = true,
                                .coverage = 0,
                                .min_coverage = 0.99,
                                .wall_s = (double)NAN,
                                .cases_per_s = (double)NAN,
                                .tokens_per_s = (double)NAN,
                                .state_reason = MST_STR("key refused \x1b[2J(401)")};
    r.outcomes[MST_OUT_PROVIDER_ERROR] = 3;
    r.exit_code = mst_report_exit_code(&r);
    mst_report_console(&r, false, 0, &out);
    golden("console-aborted.txt", &out);
    assert_null(memchr(out.p, 0x1b, out.n)); // nothing from outside drives the terminal
    mst_buf_deinit(&out);
}

// Every combination that the table of exit codes names, in its order.
static void
test_report_exit_codes(void **state)
{
    (void)state;
    mst_run_numbers_full_t base = {
        .keys_total = 100, .keys_done = 100, .measured = 100, .passed = 100, .coverage = 1, .min_coverage = 0.99};
    mst_run_numbers_full_t r = base;
    assert_int_equal(mst_report_exit_code(&r), 0);
    r.coverage = 0.99; // just enough
    r.measured = r.passed = 99;
    assert_int_equal(mst_report_exit_code(&r), 0);
    r.coverage = 0.98;
    r.measured = r.passed = 98;
    assert_int_equal(mst_report_exit_code(&r), 3);
    r.passed = 97; // a failure is certain whatever the coverage
    assert_int_equal(mst_report_exit_code(&r), 1);
    r.aborted = true;
    assert_int_equal(mst_report_exit_code(&r), 4);
    r.interrupted = true;
    assert_int_equal(mst_report_exit_code(&r), 130);
    r = base;
    r.gates_failed = true;
    assert_int_equal(mst_report_exit_code(&r), 1);
    r.coverage = 0.5;
    assert_int_equal(mst_report_exit_code(&r), 1);
    r = base;
    r.measured = r.passed = 0;
    r.coverage = 0;
    r.outcomes[MST_OUT_CONNECTION_LOST] = 100;
    assert_int_equal(mst_report_exit_code(&r), 4); // nothing measurable, because of infrastructure
    r.gates_failed = true;
    assert_int_equal(mst_report_exit_code(&r), 4);
    r = base;
    r.measured = r.passed = 0;
    r.coverage = 0;
    r.outcomes[MST_OUT_BAD_CASE] = r.keys_done; // no case has what the run needs: the data is unusable
    assert_int_equal(mst_report_exit_code(&r), 2);
    r.outcomes[MST_OUT_BAD_CASE]--; // nothing measurable, but not because of infrastructure
    r.outcomes[MST_OUT_SCORER_ERROR] = 1;
    assert_int_equal(mst_report_exit_code(&r), 3);
    r = base;
    r.measured = r.passed = r.keys_total = r.keys_done = 0;
    r.coverage = (double)NAN;
    assert_int_equal(mst_report_exit_code(&r), 3);
}

static mst_score_t scores_now[2];

static mst_result_t
sample_result(void)
{
    scores_now[0] = (mst_score_t){
        .state = MST_SCORE_OK, .value = 0, .passed = false, .reason = MST_STR("got \"41\""), .time_ns = 1500};
    scores_now[1] = (mst_score_t){
        .state = MST_SCORE_NOT_MEASURED, .value = 1, .passed = true, .breakdown = MST_STR("{\"ttft_ms\":null}")};
    mst_result_t r = {.key = {.case_no = 6, .target_no = 1, .repeat_no = 2},
                      .outcome = MST_OUT_SCORED,
                      .case_id = MST_STR("case-000007"),
                      .input = MST_STR("What is 6 times 7?\nThink."),
                      .expected = MST_STR("42"),
                      .has_expected = true,
                      .scores = scores_now,
                      .score_count = 2,
                      .tpot_ns = 11000000,
                      .started_wall_ns = 1700000000123000000,
                      .finished_wall_ns = 1700000001123000000};
    r.done = (mst_completion_t){.text = mst_str("4\x1b[31m1\0 \xff \xe2\x80\xae.\n", 16),
                                .model = MST_STR("m-1"),
                                .finish_reason = MST_STR("stop"),
                                .prompt_tokens = 12,
                                .completion_tokens = 5,
                                .reasoning_tokens = MST_NONE,
                                .usage_tokens = MST_NONE,
                                .cached_tokens = MST_NONE,
                                .ttft_ns = 12345678,
                                .ttfo_ns = MST_NONE,
                                .last_token_ns = 66000000,
                                .queue_ns = MST_NONE,
                                .http_status = 200,
                                .attempts = 1};
    return r;
}

static void
test_report_case(void **state)
{
    (void)state;
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_run_numbers_full_t n = sample();
    mst_result_t r = sample_result();
    mst_origin_t o = {.host = MST_STR("node-1"),
                      .engine = MST_STR("muster-sim"),
                      .engine_version = MST_STR("0.1"),
                      .endpoint = MST_STR("http://127.0.0.1:1/v1")};
    mst_report_case(&r, &o, &n, false, &out);
    golden("case.txt", &out);
    assert_null(memchr(out.p, 0x1b, out.n));
    assert_null(memchr(out.p, 0, out.n));
    mst_buf_reset(&out);
    r.outcome = MST_OUT_TIMEOUT;
    r.score_count = 0;
    r.done.text = MST_STR_NULL;
    MST_ERR_SUB(&r.done.error, MST_TIMEOUT, 28, "no token for 60 s");
    mst_report_case(&r, NULL, NULL, true, &out);
    golden("case-lost.txt", &out);
    mst_buf_deinit(&out);
}

static void
test_report_json(void **state)
{
    (void)state;
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_run_numbers_full_t n = sample();
    mst_result_t r = sample_result();
    mst_origin_t o = {.host = MST_STR("node-1")};
    mst_report_json_head(&n, &out);
    mst_report_json_result(&r, &o, &n, true, &out);
    r.outcome = MST_OUT_TIMEOUT;
    r.key.case_no = 7;
    MST_ERR_SUB(&r.done.error, MST_TIMEOUT, 28, "no token for 60 s");
    mst_report_json_result(&r, NULL, &n, false, &out);
    mst_report_json_tail(&n, &out);
    golden("document.json", &out);
    mst_arena_t *arena = mst_arena_new(4 * MST_MIB);
    mst_json_parser_t *parser = mst_json_parser_new();
    const mst_json_t *doc = NULL;
    bool lenient = true;
    assert_int_equal(mst_json_parse(parser, mst_buf_view(&out), arena, &doc, &lenient, NULL), MST_OK);
    assert_false(lenient);
    static const char *const keys[] = {"run_id",           "config_name", "totals",     "outcomes",    "results",
                                       "scorer_summaries", "latency",     "started_at", "finished_at", "duration_s",
                                       "exit_code",        "dataset",     "git"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!mst_json_get(doc, keys[i]))
            fail_msg("no key %s", keys[i]);
    assert_int_equal(mst_json_get(doc, "results")->count, 2);
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    mst_buf_deinit(&out);
}

static void
check_ms(double ms, const char *want)
{
    mst_buf_t out;
    mst_buf_init(&out, 1000);
    mst_fmt_ms(ms, &out);
    assert_int_equal(out.n, strlen(want));
    assert_memory_equal(out.p, want, out.n);
    mst_buf_deinit(&out);
}

static void
check_percent(double part, const char *want)
{
    mst_buf_t out;
    mst_buf_init(&out, 1000);
    mst_fmt_percent(part, &out);
    assert_int_equal(out.n, strlen(want));
    assert_memory_equal(out.p, want, out.n);
    mst_buf_deinit(&out);
}

static void
test_report_formats(void **state)
{
    (void)state;
    check_ms((double)NAN, "-");
    check_ms(0.0123, "12 us");
    check_ms(12.34, "12.3 ms");
    check_ms(1234, "1234 ms");
    check_ms(12345, "12.35 s");
    check_ms(125000, "2 m 5 s");
    check_percent(1, "100.0 %");
    check_percent(0.99999, "99.9 %"); // not all
    check_percent(0.00001, "0.1 %");  // not none
    check_percent(0, "0.0 %");
    check_percent((double)NAN, "-");
    mst_buf_t out;
    mst_buf_init(&out, 1000);
    mst_fmt_count(0, &out);
    mst_buf_add_byte(&out, ' ');
    mst_fmt_count(999, &out);
    mst_buf_add_byte(&out, ' ');
    mst_fmt_count(1000, &out);
    mst_buf_add_byte(&out, ' ');
    mst_fmt_count(UINT64_MAX, &out);
    assert_true(mst_str_eq(mst_buf_view(&out), MST_STR("0 999 1,000 18,446,744,073,709,551,615")));
    mst_buf_deinit(&out);
}

static void
test_report_table_gives_way(void **state)
{
    (void)state;
    mst_buf_t out;
    mst_buf_init(&out, 100000);
    mst_table_t t;
    mst_table_init(&t, "lr");
    mst_table_add(&t, "a very long name indeed");
    mst_table_add(&t, "1");
    mst_table_add(&t, "short");
    mst_table_add(&t, "12345");
    mst_table_render(&t, 0, 20, false, &out);
    assert_true(mst_str_eq(mst_buf_view(&out), MST_STR("a very long ~      1\nshort          12345\n")));
    mst_buf_reset(&out);
    mst_table_render(&t, 2, 3, false, &out); // hopeless: the first column keeps eight
    assert_true(mst_str_starts(mst_buf_view(&out), MST_STR("  a very ~      1\n")));
    for (int i = 0; i < 1000; i++)
        mst_table_add(&t, "x");
    mst_buf_reset(&out);
    mst_table_render(&t, 0, 0, false, &out);
    int lines = 0;
    for (size_t i = 0; i < out.n; i++)
        lines += out.p[i] == '\n';
    assert_int_equal(lines, 502);
    mst_table_deinit(&t);
    mst_buf_deinit(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_console),
        cmocka_unit_test(test_report_console_without_numbers),
        cmocka_unit_test(test_report_exit_codes),
        cmocka_unit_test(test_report_case),
        cmocka_unit_test(test_report_json),
        cmocka_unit_test(test_report_formats),
        cmocka_unit_test(test_report_table_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
