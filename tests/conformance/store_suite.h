// The conformance suite of the store: what every member must do, run by test_store_X.c of each member. A member's
// file defines store_suite_url (a fresh, empty place for each test) and calls store_suite_run.
#ifndef MST_TESTS_STORE_SUITE_H
#define MST_TESTS_STORE_SUITE_H

#include "store_rows.h"

static void
suite_runs(void **state)
{
    suite_t *t = *state;
    mst_arena_t *a = mst_arena_new(MST_MIB);
    mst_run_rec_t r = suite_run("run_20261120_102400_0a0b0c0d"), back;
    r.name = mst_str("n\0ul \xff", 6);
    int64_t no = 0, other = suite_new_run(t->s, "run_20261120_102400_0affffff");
    assert_ok(mst_store_run_create(t->s, &r, &no, err));
    assert_true(no > other);
    assert_int_equal(mst_store_run_create(t->s, &r, &no, &t->err), MST_CONFLICT);
    static const char *const ways[] = {"run_20261120_102400_0a0b0c0d", "run_20261120_102400_0a0b",
                                       "20261120_102400_0a0b", "latest", "2"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        assert_ok(mst_store_run_get(t->s, mst_str_c(ways[i]), a, &back, err));
        assert_true(mst_str_eq(back.run_id, r.run_id));
    }
    assert_true(mst_str_eq(back.name, r.name) && mst_str_eq(back.spec, r.spec));
    assert_true(back.key_count == -1 && back.exit_code == -1 && back.finished_wall_ns == 0);
    assert_true(back.started_wall_ns == r.started_wall_ns && back.state == MST_RUN_RUNNING && back.generation == 1);
    assert_int_equal(mst_store_run_get(t->s, MST_STR("run_2026"), a, &back, &t->err), MST_CONFLICT);
    assert_int_equal(mst_store_run_get(t->s, MST_STR("run_1999"), a, &back, &t->err), MST_NOTFOUND);
    assert_int_equal(mst_store_run_get(t->s, MST_STR(""), a, &back, &t->err), MST_NOTFOUND);
    assert_int_equal(mst_store_run_get(t->s, MST_STR("99"), a, &back, &t->err), MST_NOTFOUND);
    r.run_no = other;
    assert_int_equal(mst_store_run_update(t->s, &r, &t->err), MST_NOTFOUND); // number and id of two runs
    assert_ok(mst_store_run_get(t->s, MST_STR("latest"), a, &r, err));
    r.state = MST_RUN_ABORTED;
    r.state_reason = MST_STR("nothing listens");
    r.key_count = 10;
    r.finished_wall_ns = 5;
    r.exit_code = 0;
    assert_ok(mst_store_run_update(t->s, &r, err));
    assert_ok(mst_store_run_get(t->s, MST_STR("latest"), a, &back, err));
    assert_true(back.state == MST_RUN_ABORTED && back.key_count == 10 && back.exit_code == 0);
    assert_true(mst_str_eq(back.state_reason, r.state_reason) && back.finished_wall_ns == 5);
    mst_arena_free(&a);
}

static bool
suite_count_run(void *ud, const mst_run_rec_t *r)
{
    int64_t *last = ud;
    assert_true(*last == 0 || r->run_no < *last);
    *last = r->run_no;
    return true;
}

static void
suite_run_list(void **state)
{
    suite_t *t = *state;
    int64_t last = 0;
    assert_ok(mst_store_run_list(t->s, suite_count_run, &last, err));
    assert_int_equal(last, 0);
    suite_new_run(t->s, "run_a");
    suite_new_run(t->s, "run_b");
    suite_new_run(t->s, "run_c");
    assert_ok(mst_store_run_list(t->s, suite_count_run, &last, err));
    assert_int_equal(last, 1);
}

static void
suite_duplicates(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a"), other = suite_new_run(t->s, "run_b");
    suite_fill(t->s, run, 0, 100);
    assert_ok(mst_store_begin(t->s, err));
    for (uint64_t i = 0; i < 100; i++) {
        suite_row_t row;
        suite_make(&row, i);
        row.r.done.text = MST_STR("another answer");
        row.r.passed = false;
        assert_int_equal(suite_add(t->s, run, &row.r), MST_ADDED_DUPLICATE);
        row.r.key.repeat_no = 1; // another key
        assert_int_equal(suite_add(t->s, run, &row.r), MST_ADDED_NEW);
        assert_int_equal(suite_add(t->s, run, &row.r), MST_ADDED_DUPLICATE);
        assert_int_equal(suite_add(t->s, other, &row.r), MST_ADDED_NEW);
    }
    assert_ok(mst_store_commit(t->s, err));
    mst_rollup_t roll;
    assert_ok(mst_store_rollup(t->s, run, &roll, err));
    assert_int_equal(roll.total, 200);
    mst_rollup_deinit(&roll);
}

static void
suite_generations(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 50);
    uint32_t generation = 0;
    assert_ok(mst_store_run_reopen(t->s, run, &generation, err));
    assert_int_equal(generation, 2);
    suite_row_t row;
    suite_make(&row, 1000);
    mst_added_t added;
    assert_ok(mst_store_begin(t->s, err));
    assert_int_equal(suite_add(t->s, run, &row.r), MST_ADDED_FENCED);
    row.r.generation = 3;
    assert_int_equal(mst_store_result_add(t->s, run, &row.r, NULL, &added, &t->err), MST_INVAL);
    row.r.generation = 2;
    assert_int_equal(suite_add(t->s, run, &row.r), MST_ADDED_NEW);
    assert_int_equal(mst_store_result_add(t->s, 999, &row.r, NULL, &added, &t->err), MST_NOTFOUND);
    assert_ok(mst_store_commit(t->s, err));
}

static void
suite_bad_rows(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    mst_added_t added;
    suite_row_t row;
    suite_make(&row, 0);
    assert_int_equal(mst_store_result_add(t->s, run, &row.r, NULL, &added, &t->err), MST_INVAL); // no transaction
    assert_int_equal(mst_store_commit(t->s, &t->err), MST_INVAL);
    assert_ok(mst_store_begin(t->s, err));
    assert_int_equal(mst_store_begin(t->s, &t->err), MST_INVAL);
    row.r.outcome = MST_OUT_CANCELLED;
    assert_int_equal(mst_store_result_add(t->s, run, &row.r, NULL, &added, &t->err), MST_INVAL);
    row.r.outcome = (mst_outcome_t)9;
    assert_int_equal(mst_store_result_add(t->s, run, &row.r, NULL, &added, &t->err), MST_INVAL);
    row.r.outcome = MST_OUT_TIMEOUT; // and passed
    assert_int_equal(mst_store_result_add(t->s, run, &row.r, NULL, &added, &t->err), MST_INVAL);
    row.r.outcome = MST_OUT_SCORED;
    row.scores[1].value = (double)NAN;
    assert_int_equal(mst_store_result_add(t->s, run, &row.r, NULL, &added, &t->err), MST_INVAL);
    row.scores[1].value = (double)INFINITY;
    assert_int_equal(mst_store_result_add(t->s, run, &row.r, NULL, &added, &t->err), MST_INVAL);
    row.scores[1].value = 0;
    row.r.key.target_no = MST_TARGETS_MAX;
    assert_int_equal(mst_store_result_add(t->s, run, &row.r, NULL, &added, &t->err), MST_INVAL);
    row.r.key.target_no = 0;
    assert_int_equal(suite_add(t->s, run, &row.r), MST_ADDED_NEW); // the transaction goes on
    assert_ok(mst_store_commit(t->s, err));
    mst_rollup_t roll;
    assert_ok(mst_store_rollup(t->s, run, &roll, err));
    assert_int_equal(roll.total, 1);
    mst_rollup_deinit(&roll);
}

typedef struct {
    const mst_result_t *want;
    int seen;
} suite_expect_t;

#define assert_same(field) assert_true(mst_str_eq(r->field, w->field))

static bool
suite_compare(void *ud, const mst_result_t *r, const mst_origin_t *o)
{
    suite_expect_t *e = ud;
    const mst_result_t *w = e->want;
    e->seen++;
    assert_memory_equal(&r->key, &w->key, sizeof r->key);
    assert_true(r->outcome == w->outcome && r->passed == w->passed && r->generation == w->generation);
    assert_true(r->lease_id == w->lease_id && r->attempt == w->attempt && r->has_expected == w->has_expected);
    assert_memory_equal(r->case_digest, w->case_digest, sizeof r->case_digest);
    assert_same(case_id);
    assert_same(input);
    assert_same(case_extra);
    assert_same(slices);
    assert_same(expected);
    assert_same(done.text);
    assert_same(done.reasoning);
    assert_same(done.refusal);
    assert_same(done.tool_calls);
    assert_same(done.finish_reason);
    assert_same(done.model);
    assert_same(done.system_fingerprint);
    assert_same(done.request_id);
    assert_same(done.server);
    assert_same(events);
    assert_same(raw_request);
    assert_same(raw_response);
    const mst_completion_t *a = &r->done, *b = &w->done;
    assert_true(a->ttft_ns == b->ttft_ns && a->ttfo_ns == b->ttfo_ns && a->ttfb_ns == b->ttfb_ns);
    assert_true(a->last_token_ns == b->last_token_ns && a->close_ns == b->close_ns && a->queue_ns == b->queue_ns);
    assert_true(a->send_mono_ns == b->send_mono_ns && r->tpot_ns == w->tpot_ns);
    assert_true(a->prompt_tokens == b->prompt_tokens && a->completion_tokens == b->completion_tokens);
    assert_true(a->reasoning_tokens == b->reasoning_tokens && a->token_source == b->token_source);
    assert_int_equal(a->usage_tokens, b->usage_tokens);
    assert_int_equal(a->cached_tokens, b->cached_tokens);
    assert_true(mst_str_eq(a->choices, b->choices) && mst_str_eq(a->extra, b->extra));
    assert_true(a->send_source == b->send_source && a->rx_source == b->rx_source);
    assert_true(a->streamed == b->streamed && a->conn_reused == b->conn_reused && a->finished == b->finished);
    assert_true(a->lenient_json == b->lenient_json && a->merged_reads == b->merged_reads && a->comments == b->comments);
    assert_true(a->http_status == b->http_status && a->attempts == b->attempts);
    assert_true(a->error.rc == b->error.rc && a->error.sub == b->error.sub && a->error.retry == b->error.retry);
    assert_string_equal(a->error.message, b->error.message);
    assert_true(r->started_wall_ns == w->started_wall_ns && r->finished_wall_ns == w->finished_wall_ns);
    assert_int_equal(r->score_count, w->score_count);
    for (uint32_t i = 0; i < r->score_count; i++) {
        assert_int_equal(r->scores[i].state, w->scores[i].state);
        assert_true(r->scores[i].value == w->scores[i].value && r->scores[i].passed == w->scores[i].passed);
        assert_true(r->scores[i].time_ns == w->scores[i].time_ns);
        assert_same(scores[i].reason);
        assert_same(scores[i].breakdown);
    }
    assert_true(mst_str_eq(o->host, suite_origin.host) && mst_str_eq(o->engine, suite_origin.engine));
    assert_true(mst_str_eq(o->model, suite_origin.model) && o->driver.n == 0);
    return true;
}

static const mst_store_scan_t suite_everything = {.with_text = true, .with_events = true, .with_scores = true};

static void
suite_round_trip(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    for (uint64_t i = 0; i < 40; i++) {
        suite_row_t row;
        suite_make(&row, i);
        row.r.raw_request = MST_STR("{\"messages\":[]}");
        row.r.raw_response = mst_str("\xff\x00\xfe", 3);
        row.r.events = mst_str("\x01\x01\x00\x05\x11", 5);
        row.r.done.conn_reused = i % 2;
        row.r.done.lenient_json = i % 3;
        row.r.done.merged_reads = (uint32_t)i;
        row.r.done.comments = 2;
        row.scores[0].value = (double)i / 3 * 1e300;
        row.scores[1].value = -5e-324;
        assert_ok(mst_store_begin(t->s, err));
        assert_int_equal(suite_add(t->s, run, &row.r), MST_ADDED_NEW);
        assert_ok(mst_store_commit(t->s, err));
        suite_expect_t e = {.want = &row.r};
        mst_store_scan_t what = suite_everything;
        what.case_id = row.r.case_id;
        if (!row.r.has_expected)
            row.r.expected = MST_STR_NULL;
        assert_ok(mst_store_results(t->s, run, &what, suite_compare, &e, err));
        assert_int_equal(e.seen, 1);
    }
}

// Model text is any bytes: NUL, broken UTF-8, empty; each comes back as it was.
static void
suite_any_bytes(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    const mst_str_t texts[] = {mst_str("a\0b", 3),
                               mst_str("\0", 1),
                               mst_str("\xff\xfe", 2),
                               mst_str("\xed\xa0\x80", 3),
                               MST_STR("\xc3\xa9"),
                               mst_str("half \xe2\x82", 7),
                               MST_STR(""),
                               MST_STR("'); DROP TABLE result;--")};
    for (uint64_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        suite_row_t row;
        suite_make(&row, i);
        row.r.has_expected = true;
        row.r.case_id = i == 6 ? MST_STR("empty") : texts[i];
        row.r.input = row.r.expected = row.r.done.text = row.r.done.reasoning = row.r.done.refusal = texts[i];
        row.r.done.tool_calls = row.r.done.model = row.r.done.server = row.r.raw_response = texts[i];
        assert_ok(mst_store_begin(t->s, err));
        suite_add(t->s, run, &row.r);
        assert_ok(mst_store_commit(t->s, err));
        suite_expect_t e = {.want = &row.r};
        mst_store_scan_t what = suite_everything;
        what.case_id = row.r.case_id;
        assert_ok(mst_store_results(t->s, run, &what, suite_compare, &e, err));
        assert_int_equal(e.seen, 1);
    }
}

static bool
suite_take_scores(void *ud, const mst_result_t *r, const mst_origin_t *o)
{
    (void)o;
    mst_score_t *out = ud;
    assert_int_equal(r->score_count, 3);
    assert_true(mst_utf8_valid(r->scores[0].reason));
    out->reason = mst_str(NULL, r->scores[0].reason.n);
    assert_true(mst_str_eq(r->scores[1].breakdown, MST_STR("\"{\\\"a\\\":1} x\"")));
    return true;
}

// Text of a score that is no UTF-8, too long, or a breakdown that is no JSON, never breaks the stored list.
static void
suite_hostile_scores(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_row_t row;
    suite_make(&row, 0);
    char reason[3000];
    memset(reason, '\xff', sizeof reason);
    row.scores[0].reason = mst_str(reason, sizeof reason);
    row.scores[1].breakdown = MST_STR("{\"a\":1} x");
    assert_ok(mst_store_begin(t->s, err));
    suite_add(t->s, run, &row.r);
    assert_ok(mst_store_commit(t->s, err));
    mst_score_t got = {0};
    assert_ok(mst_store_results(t->s, run, &suite_everything, suite_take_scores, &got, err));
    assert_true(got.reason.n > 0 && got.reason.n <= 3 * MST_REASON_MAX);
}

static bool
suite_recount(void *ud, const mst_result_t *r, const mst_origin_t *o)
{
    (void)o;
    mst_rollup_t *n = ud;
    bool measured = mst_outcome_measured(r->outcome);
    n->total++;
    n->outcomes[r->outcome]++;
    n->passed += r->passed;
    n->sliced += r->slices.n > 0;
    for (uint32_t i = 0; i < r->score_count; i++) {
        const mst_score_t *s = &r->scores[i];
        if (s->state == MST_SCORE_ERROR)
            n->scorer_errors[i]++;
        else if (measured && s->state == MST_SCORE_OK)
            mst_moments_add(&n->scorers[i], s->value, s->passed);
        else if (measured)
            n->scorer_not_measured[i]++;
    }
    if (!measured)
        return true;
    n->prompt_tokens += r->done.prompt_tokens > 0 ? (uint64_t)r->done.prompt_tokens : 0;
    n->completion_tokens += r->done.completion_tokens > 0 ? (uint64_t)r->done.completion_tokens : 0;
    const int64_t ns[] = {r->done.ttft_ns, r->done.last_token_ns, r->tpot_ns};
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        if (ns[i] >= 0)
            mst_hist_add(n->hist[i], (uint64_t)ns[i]);
    return true;
}

static void
suite_same_hist(const mst_hist_t *a, const mst_hist_t *b)
{
    mst_buf_t pa, pb;
    mst_buf_init(&pa, MST_MIB);
    mst_buf_init(&pb, MST_MIB);
    mst_hist_pack(a, &pa);
    mst_hist_pack(b, &pb);
    assert_true(mst_str_eq(mst_buf_view(&pa), mst_buf_view(&pb)));
    mst_buf_deinit(&pa);
    mst_buf_deinit(&pb);
}

static void
suite_same_rollup(mst_store_t *s, int64_t run)
{
    mst_rollup_t kept, counted = {0};
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        counted.hist[i] = mst_hist_new();
    assert_ok(mst_store_rollup(s, run, &kept, err));
    assert_ok(mst_store_results(s, run, &suite_everything, suite_recount, &counted, err));
    assert_int_equal(kept.total, counted.total);
    assert_int_equal(kept.passed, counted.passed);
    assert_int_equal(kept.sliced, counted.sliced);
    assert_memory_equal(kept.outcomes, counted.outcomes, sizeof kept.outcomes);
    assert_int_equal(kept.prompt_tokens, counted.prompt_tokens);
    assert_int_equal(kept.completion_tokens, counted.completion_tokens);
    for (int i = 0; i < MST_SCORERS_MAX; i++) {
        assert_int_equal(kept.scorers[i].n, counted.scorers[i].n);
        assert_int_equal(kept.scorers[i].n_pass, counted.scorers[i].n_pass);
        assert_int_equal(kept.scorer_errors[i], counted.scorer_errors[i]);
        assert_int_equal(kept.scorer_not_measured[i], counted.scorer_not_measured[i]);
        if (kept.scorers[i].n == 0)
            continue;
        assert_true(fabs(mst_moments_mean(&kept.scorers[i]) - mst_moments_mean(&counted.scorers[i])) < 1e-12);
        assert_true(kept.scorers[i].min == counted.scorers[i].min && kept.scorers[i].max == counted.scorers[i].max);
    }
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        suite_same_hist(kept.hist[i], counted.hist[i]);
    mst_rollup_deinit(&kept);
    mst_rollup_deinit(&counted);
}

static void
suite_rollup_equals_recount(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a"), other = suite_new_run(t->s, "run_b");
    assert_null(mst_store_live(t->s, run));
    suite_fill(t->s, run, 0, 300);
    suite_fill(t->s, other, 0, 20);
    suite_reopen_store(t);
    suite_fill(t->s, run, 300, 500);
    assert_ok(mst_store_begin(t->s, err));
    for (uint64_t i = 400; i < 450; i++) { // all known already
        suite_row_t row;
        suite_make(&row, i);
        suite_add(t->s, run, &row.r);
    }
    assert_ok(mst_store_commit(t->s, err));
    assert_non_null(mst_store_live(t->s, run));
    assert_int_equal(mst_store_live(t->s, run)->total, 500);
    suite_same_rollup(t->s, run);
    suite_same_rollup(t->s, other);
}

static void
suite_rollback(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 30);
    assert_ok(mst_store_begin(t->s, err));
    for (uint64_t i = 30; i < 60; i++) {
        suite_row_t row;
        suite_make(&row, i);
        suite_add(t->s, run, &row.r);
    }
    mst_store_rollback(t->s);
    mst_store_rollback(t->s); // nothing to do
    suite_same_rollup(t->s, run);
    suite_fill(t->s, run, 30, 60); // none of them was stored
    suite_same_rollup(t->s, run);
}

typedef struct {
    uint64_t count;
    mst_key_t last;
    uint64_t stop_at;
} suite_keys_t;

static bool
suite_next_key(void *ud, const mst_key_t *k)
{
    suite_keys_t *n = ud;
    if (n->count > 0) {
        bool grows =
            k->target_no > n->last.target_no ||
            (k->target_no == n->last.target_no &&
             (k->case_no > n->last.case_no || (k->case_no == n->last.case_no && k->repeat_no > n->last.repeat_no)));
        assert_true(grows);
    }
    n->last = *k;
    return ++n->count != n->stop_at;
}

static void
suite_keys_in_order(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    mst_prng_t rng;
    mst_prng_seed(&rng, 9);
    uint64_t added = 0;
    assert_ok(mst_store_begin(t->s, err));
    for (int i = 0; i < 2000; i++) {
        suite_row_t row;
        suite_make(&row, mst_prng_below(&rng, 300));
        row.r.key.target_no = (uint32_t)mst_prng_below(&rng, 3);
        row.r.key.repeat_no = (uint32_t)mst_prng_below(&rng, 3);
        added += suite_add(t->s, run, &row.r) == MST_ADDED_NEW;
    }
    assert_ok(mst_store_commit(t->s, err));
    suite_keys_t n = {0};
    assert_ok(mst_store_keys(t->s, run, suite_next_key, &n, err));
    assert_int_equal(n.count, added);
    n = (suite_keys_t){.stop_at = 10};
    assert_ok(mst_store_keys(t->s, run, suite_next_key, &n, err));
    assert_int_equal(n.count, 10);
    n = (suite_keys_t){0};
    assert_ok(mst_store_keys(t->s, run + 1, suite_next_key, &n, err));
    assert_int_equal(n.count, 0);
}

static bool
suite_check_input(void *ud, const mst_result_t *r, const mst_origin_t *o)
{
    (void)o;
    int *seen = ud;
    assert_true(mst_str_eq(r->input, MST_STR("What is 1 plus 1?")));
    assert_true(r->has_expected && mst_str_eq(r->expected, MST_STR("42")));
    ++*seen;
    return true;
}

// Input and expected are stored once a case; every row of the case shows them.
static void
suite_input_is_shared(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    assert_ok(mst_store_begin(t->s, err));
    for (uint32_t target = 0; target < 2; target++)
        for (uint32_t repeat = 0; repeat < 3; repeat++) {
            suite_row_t row;
            suite_make(&row, 1);
            row.r.key.target_no = target;
            row.r.key.repeat_no = repeat;
            suite_add(t->s, run, &row.r);
        }
    assert_ok(mst_store_commit(t->s, err));
    int seen = 0;
    assert_ok(mst_store_results(t->s, run, &suite_everything, suite_check_input, &seen, err));
    assert_int_equal(seen, 6);
}

static bool
suite_check_filter(void *ud, const mst_result_t *r, const mst_origin_t *o)
{
    (void)o;
    int *counts = ud;
    counts[mst_outcome_measured(r->outcome)]++;
    assert_true(r->done.text.n == 0 && r->input.n == 0 && r->score_count == 0 && r->events.n == 0);
    assert_true(r->case_id.n > 0);
    return counts[0] + counts[1] < 70;
}

static void
suite_scan_filters(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 110);
    int counts[2] = {0};
    mst_store_scan_t what = {.unmeasured_only = true};
    assert_ok(mst_store_results(t->s, run, &what, suite_check_filter, counts, err));
    assert_true(counts[0] == 10 && counts[1] == 0);
    counts[0] = counts[1] = 0;
    what = (mst_store_scan_t){.measured_only = true};
    assert_ok(mst_store_results(t->s, run, &what, suite_check_filter, counts, err));
    assert_true(counts[0] == 0 && counts[1] == 70); // stopped by the callback
}

static void
suite_reopen_run(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a"), other = suite_new_run(t->s, "run_b");
    suite_fill(t->s, run, 0, 220);
    suite_fill(t->s, other, 0, 22);
    uint32_t generation = 0;
    assert_ok(mst_store_run_reopen(t->s, run, &generation, err));
    mst_rollup_t roll;
    assert_ok(mst_store_rollup(t->s, run, &roll, err));
    assert_int_equal(roll.total, 200);
    assert_int_equal(roll.outcomes[MST_OUT_TIMEOUT] + roll.outcomes[MST_OUT_SCORER_ERROR], 0);
    assert_int_equal(roll.scorer_errors[2], 0);
    mst_rollup_deinit(&roll);
    suite_same_rollup(t->s, run);
    suite_same_rollup(t->s, other);
    assert_ok(mst_store_begin(t->s, err));
    for (uint64_t i = 0; i < 220; i++) { // the removed ones can be stored again, and only they
        suite_row_t row;
        suite_make(&row, i);
        row.r.generation = generation;
        bool was_lost = i % 11 == 10;
        assert_int_equal(suite_add(t->s, run, &row.r), was_lost ? MST_ADDED_NEW : MST_ADDED_DUPLICATE);
    }
    assert_ok(mst_store_commit(t->s, err));
    suite_same_rollup(t->s, run);
    assert_int_equal(mst_store_run_reopen(t->s, 999, &generation, &t->err), MST_NOTFOUND);
    suite_fill(t->s, other, 22, 33); // the connection is in order
}

static int
suite_compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool
suite_collect_ttft(void *ud, const mst_result_t *r, const mst_origin_t *o)
{
    (void)o;
    mst_buf_t *b = ud;
    double v = (double)r->done.ttft_ns;
    if (r->done.ttft_ns >= 0)
        mst_buf_add(b, &v, sizeof v);
    return true;
}

static void
suite_check_quantiles(mst_store_t *s, int64_t run)
{
    mst_buf_t b;
    mst_buf_init(&b, 16 * MST_MIB);
    mst_store_scan_t what = {.measured_only = true};
    assert_ok(mst_store_results(s, run, &what, suite_collect_ttft, &b, err));
    size_t n = b.n / sizeof(double);
    double *sorted = (double *)(void *)b.p, total = 0;
    qsort(sorted, n, sizeof *sorted, suite_compare_doubles);
    for (size_t i = 0; i < n; i++)
        total += sorted[i];
    mst_quantile_t want[] = {{.metric = MST_METRIC_TTFT, .q = 0},     {.metric = MST_METRIC_TTFT, .q = 0.5},
                             {.metric = MST_METRIC_E2E, .q = 0.9},    {.metric = MST_METRIC_TTFT, .q = 0.99},
                             {.metric = MST_METRIC_TTFT, .q = 0.123}, {.metric = MST_METRIC_TTFT, .q = 1}};
    mst_moments_t sums[MST_METRIC_COUNT];
    assert_ok(mst_store_quantiles(s, run, want, 6, sums, err));
    for (int i = 0; i < 6; i++) {
        double exact = mst_percentile_sorted(sorted, n, want[i].q) * (want[i].metric == MST_METRIC_E2E ? 3 : 1);
        assert_true(fabs(want[i].value - exact) <= 1e-9 * exact);
    }
    assert_int_equal(sums[MST_METRIC_TTFT].n, n);
    assert_true(fabs(mst_moments_mean(&sums[MST_METRIC_TTFT]) - total / (double)n) < 1e-6 * total);
    assert_true(sums[MST_METRIC_TTFT].min == sorted[0] && sums[MST_METRIC_TTFT].max == sorted[n - 1]);
    mst_buf_deinit(&b);
}

static void
suite_quantiles(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a"), empty = suite_new_run(t->s, "run_b");
    suite_fill(t->s, run, 0, 1);
    suite_check_quantiles(t->s, run);
    suite_fill(t->s, run, 1, 3000);
    suite_check_quantiles(t->s, run);
    mst_quantile_t none = {.metric = MST_METRIC_TPOT, .q = 0.5};
    assert_ok(mst_store_quantiles(t->s, empty, &none, 1, NULL, err));
    assert_true(isnan(none.value));
}

static void
suite_100k_rows(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    for (uint64_t i = 0; i < 100000; i += 2000)
        suite_fill(t->s, run, i, i + 2000);
    suite_keys_t n = {0};
    assert_ok(mst_store_keys(t->s, run, suite_next_key, &n, err));
    assert_int_equal(n.count, 100000);
    suite_check_quantiles(t->s, run);
    suite_same_rollup(t->s, run);
}

// A writer that dies in the middle of a transaction: what was committed is there, nothing of the rest.
static void
suite_killed_writer(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    mst_store_close(&t->s);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        mst_store_t *s = NULL;
        if (mst_store_open(t->url, MST_STORE_WRITE, &s, NULL) != MST_OK)
            _exit(1);
        suite_fill(s, run, 0, 1000);
        if (mst_store_begin(s, NULL) != MST_OK)
            _exit(2);
        for (uint64_t i = 1000; i < 30000; i++) { // more than the cache holds: some reaches the disk
            suite_row_t row;
            suite_make(&row, i);
            mst_added_t added;
            if (mst_store_result_add(s, run, &row.r, &suite_origin, &added, NULL) != MST_OK)
                _exit(3);
        }
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
    suite_keys_t n = {0};
    assert_ok(mst_store_keys(t->s, run, suite_next_key, &n, err));
    assert_int_equal(n.count, 1000);
    suite_same_rollup(t->s, run);
    suite_fill(t->s, run, 1000, 1100);
}

static void
suite_readers(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 100);
    mst_store_t *r = NULL;
    assert_ok(mst_store_open(t->url, MST_STORE_READ, &r, err));
    suite_same_rollup(r, run);
    suite_fill(t->s, run, 100, 200); // a reader is no obstacle
    suite_same_rollup(r, run);
    suite_check_quantiles(r, run);
    mst_run_rec_t rec = suite_run("run_z");
    int64_t no;
    assert_int_equal(mst_store_run_create(r, &rec, &no, &t->err), MST_INVAL);
    assert_int_equal(mst_store_begin(r, &t->err), MST_INVAL);
    assert_null(mst_store_live(r, run));
    mst_store_close(&t->s);
    suite_keys_t n = {0};
    assert_ok(mst_store_keys(r, run, suite_next_key, &n, err));
    assert_int_equal(n.count, 200);
    mst_store_close(&r);
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
}

#define SUITE_TEST(f) cmocka_unit_test_setup_teardown(f, suite_setup, suite_teardown)
#define SUITE_TESTS                                                                                                    \
    SUITE_TEST(suite_runs), SUITE_TEST(suite_run_list), SUITE_TEST(suite_duplicates), SUITE_TEST(suite_generations),   \
        SUITE_TEST(suite_bad_rows), SUITE_TEST(suite_round_trip), SUITE_TEST(suite_any_bytes),                         \
        SUITE_TEST(suite_hostile_scores), SUITE_TEST(suite_rollup_equals_recount), SUITE_TEST(suite_rollback),         \
        SUITE_TEST(suite_keys_in_order), SUITE_TEST(suite_input_is_shared), SUITE_TEST(suite_scan_filters),            \
        SUITE_TEST(suite_reopen_run), SUITE_TEST(suite_quantiles), SUITE_TEST(suite_100k_rows),                        \
        SUITE_TEST(suite_killed_writer), SUITE_TEST(suite_readers)

#endif
