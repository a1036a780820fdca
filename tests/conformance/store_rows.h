// What the suite of the store works with: runs and rows that follow from their number alone, a store for each test.
#ifndef MST_TESTS_STORE_ROWS_H
#define MST_TESTS_STORE_ROWS_H

#include "aggregator/store/store.h"

#include "common/base/prng.h"
#include "common/base/utf8.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    char url[512];
    mst_store_t *s; // open for writing
    mst_err_t err;
} suite_t;

// By the member: a fresh place, and its removal.
static void store_suite_url(char *url, size_t n);
static void store_suite_drop(const char *url);

#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        mst_err_t err_ = {0};                                                                                          \
        mst_err_t *err = &err_;                                                                                        \
        mst_rc rc_ = (call);                                                                                           \
        if (rc_ != MST_OK)                                                                                             \
            fail_msg("%s: %s (%s)", #call, err_.message, mst_rc_name(rc_));                                            \
    } while (0)

static mst_run_rec_t
suite_run(const char *id)
{
    return (mst_run_rec_t){.run_id = mst_str_c(id),
                           .name = MST_STR("suite"),
                           .state = MST_RUN_RUNNING,
                           .generation = 1,
                           .spec = MST_STR("{\"name\":\"suite\"}"),
                           .dataset_digest = MST_STR("abc"),
                           .case_count = 10,
                           .target_count = 1,
                           .repeat_count = 1,
                           .key_count = -1,
                           .muster_version = MST_STR("test"),
                           .started_wall_ns = 1700000000000000000,
                           .exit_code = -1};
}

static int64_t
suite_new_run(mst_store_t *s, const char *id)
{
    mst_run_rec_t r = suite_run(id);
    int64_t run_no = 0;
    assert_ok(mst_store_run_create(s, &r, &run_no, err));
    assert_true(run_no > 0);
    return run_no;
}

static const mst_origin_t suite_origin = {
    .host = {"node-1", 6}, .device = {"none", 4}, .engine = {"muster-sim", 10}, .model = {"m", 1}};

typedef struct { // a row and the memory that it borrows
    mst_result_t r;
    mst_score_t scores[3];
    char id[32], input[64], text[256];
    float logprobs[4];
    mst_token_event_t events[4];
    mst_buf_t packed;
} suite_row_t;

// Row number i of a synthetic run: every 7th fails, every 11th was not measured, times follow from i alone.
static void
suite_make(suite_row_t *row, uint64_t i)
{
    memset(row, 0, sizeof *row);
    mst_result_t *r = &row->r;
    snprintf(row->id, sizeof row->id, "case-%06llu", (unsigned long long)i + 1);
    snprintf(row->input, sizeof row->input, "What is %llu plus 1?", (unsigned long long)i);
    snprintf(row->text, sizeof row->text, "The answer is %llu.", (unsigned long long)i + 1);
    bool lost = i % 11 == 10, right = i % 7 != 6;
    r->key = (mst_key_t){.case_no = i};
    r->generation = 1;
    r->lease_id = 5;
    r->attempt = 1;
    r->outcome = lost ? (i % 2 ? MST_OUT_TIMEOUT : MST_OUT_SCORER_ERROR) : MST_OUT_SCORED;
    r->passed = right && !lost;
    r->case_id = mst_str_c(row->id);
    r->input = mst_str_c(row->input);
    r->case_extra = MST_STR("{\"metadata\":{\"slice\":\"easy\"}}");
    if (i % 4 == 0)
        r->slices = MST_STR("[\"slice:easy\",\"tag:sums\"]");
    r->expected = MST_STR("42");
    r->has_expected = i % 3 != 0;
    r->case_digest[0] = (uint8_t)(i + 1);
    r->tpot_ns = lost ? MST_NONE : (int64_t)(1000 + i * 13 % 977);
    r->started_wall_ns = 1700000000000000000 + (int64_t)i;
    r->finished_wall_ns = 1700000001000000000 + (int64_t)i;
    mst_completion_t *d = &r->done;
    d->text = mst_str_c(row->text);
    d->finish_reason = MST_STR("stop");
    d->model = MST_STR("m-1");
    d->prompt_tokens = 12;
    d->completion_tokens = lost ? MST_NONE : (int64_t)(i % 50);
    d->reasoning_tokens = MST_NONE;
    d->usage_tokens = lost ? MST_NONE : (int64_t)(i % 51);
    d->cached_tokens = i % 7 == 0 ? MST_NONE : (int64_t)(i % 7);
    d->choices = i % 9 == 0 ? MST_STR("[{\"index\":1,\"text\":\"b\"}]") : MST_STR_NULL;
    d->extra = i % 8 == 0 ? MST_STR("{\"timings\":{\"prompt_ms\":1.5}}") : MST_STR_NULL;
    d->token_source = MST_TOK_USAGE;
    d->send_mono_ns = 77;
    d->send_source = d->rx_source = MST_STAMP_KERNEL;
    d->ttfb_ns = d->ttfo_ns = d->queue_ns = MST_NONE;
    d->ttft_ns = lost ? MST_NONE : (int64_t)(1000000 + i * 7919 % 999983);
    d->last_token_ns = lost ? MST_NONE : d->ttft_ns * 3;
    d->close_ns = d->last_token_ns;
    d->streamed = d->finished = true;
    d->http_status = lost ? 0 : 200;
    d->attempts = 1;
    if (lost)
        MST_ERR_SUB(&d->error, MST_TIMEOUT, 28, "no token for 60 s");
    row->scores[0] = (mst_score_t){.state = MST_SCORE_OK,
                                   .value = right ? 1 : 0,
                                   .passed = right,
                                   .reason = MST_STR("compared \"42\"\n"),
                                   .time_ns = 120};
    row->scores[1] = (mst_score_t){.state = i % 5 ? MST_SCORE_OK : MST_SCORE_NOT_MEASURED,
                                   .value = (double)(i % 10) / 10,
                                   .passed = true,
                                   .breakdown = MST_STR("{\"hits\":[1,2],\"rate\":0.5}")};
    row->scores[2] = (mst_score_t){.state = lost && i % 2 == 0 ? MST_SCORE_ERROR : MST_SCORE_SKIPPED};
    r->scores = row->scores;
    r->score_count = 3;
}

static void
suite_verdict(void *ud, mst_added_t added, const mst_err_t *why)
{
    (void)why;
    if (added == MST_ADDED_REFUSED)
        print_message("refused: %s\n", why ? why->message : "");
    *(mst_added_t *)ud = added;
}

static mst_added_t
suite_add(mst_store_t *s, int64_t run_no, const mst_result_t *r)
{
    mst_added_t added = 0;
    assert_ok(mst_store_result_add(s, run_no, r, &suite_origin, &added, err));
    if (added == MST_ADDED_LATER)
        assert_ok(mst_store_settle(s, suite_verdict, &added, err));
    return added;
}

static void
suite_must_be_new(void *ud, mst_added_t added, const mst_err_t *why)
{
    (void)why;
    assert_int_equal(added, MST_ADDED_NEW);
    ++*(uint64_t *)ud;
}

static void
suite_fill(mst_store_t *s, int64_t run_no, uint64_t from, uint64_t to)
{
    uint64_t later = 0, told = 0;
    assert_ok(mst_store_begin(s, err));
    for (uint64_t i = from; i < to; i++) {
        suite_row_t row;
        mst_added_t added = 0;
        suite_make(&row, i);
        assert_ok(mst_store_result_add(s, run_no, &row.r, &suite_origin, &added, err));
        assert_true(added == MST_ADDED_NEW || added == MST_ADDED_LATER);
        later += added == MST_ADDED_LATER;
    }
    assert_ok(mst_store_settle(s, suite_must_be_new, &told, err));
    assert_int_equal(told, later);
    assert_ok(mst_store_commit(s, err));
}

static int
suite_setup(void **state)
{
    suite_t *t = calloc(1, sizeof *t);
    store_suite_url(t->url, sizeof t->url);
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
    *state = t;
    return 0;
}

static int
suite_teardown(void **state)
{
    suite_t *t = *state;
    mst_store_close(&t->s);
    store_suite_drop(t->url);
    free(t);
    return 0;
}

static void
suite_reopen_store(suite_t *t)
{
    mst_store_close(&t->s);
    assert_null(t->s);
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
}

#endif
