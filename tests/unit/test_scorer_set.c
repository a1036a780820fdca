// The set of scorers of a run: thresholds, failures that stay alone, what is missing, scopes, names; and recorded
// answers as completions.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conformance/scoring.h"

#include <math.h>

static int64_t clock_ns; // a clock that moves by 10 ns at each look

static int64_t
tick(void)
{
    clock_ns += 10;
    return clock_ns;
}

typedef struct {
    mst_arena_t *arena;
    mst_json_parser_t *parser;
    mst_scorer_cfg_t cfg[4];
    mst_run_cfg_t run;
    mst_scorer_set_t *set;
    mst_score_t scores[4];
    bool passed;
    int failed;
    mst_err_t err;
} rig_t;

static int
set_up(void **state)
{
    rig_t *r = MST_NEW(rig_t);
    r->arena = mst_arena_new(1 << 20);
    r->parser = mst_json_parser_new();
    r->run.scorers = r->cfg;
    *state = r;
    return 0;
}

static int
tear_down(void **state)
{
    rig_t *r = *state;
    mst_scorer_set_free(&r->set);
    mst_arena_free(&r->arena);
    mst_json_parser_free(&r->parser);
    free(r);
    return 0;
}

static mst_scorer_cfg_t *
add(rig_t *r, const char *name, const char *label, const char *params)
{
    const mst_json_t *obj = NULL;
    const mst_scorer_t *s = mst_scorer_find(mst_str_c(name));
    mst_scorer_cfg_t *c = &r->cfg[r->run.scorer_count++];
    assert_int_equal(mst_json_parse(r->parser, mst_str_c(params), r->arena, &obj, NULL, &r->err), MST_OK);
    *c = (mst_scorer_cfg_t){.kind = &s->kind, .label = mst_str_c(label), .threshold = s->kind.threshold};
    c->params = tst_params(s->kind.params, obj, r->arena);
    return c;
}

static void
score(rig_t *r, const char *text)
{
    mst_case_t c = {.actual = mst_str_c(text)};
    mst_completion_t done;
    assert_int_equal(mst_completion_from_metadata(&c, r->parser, r->arena, &done, &r->err), MST_OK);
    mst_score_in_t in = {.c = &c, .done = &done, .output = done.text, .arena = r->arena};
    if (r->set == NULL && mst_scorer_set_new(&r->run, &r->set, &r->err) != MST_OK)
        fail_msg("%s", r->err.message);
    mst_scorer_set_score(r->set, &in, tick, r->scores, &r->passed, &r->failed, &r->err);
}

static void
test_set_failure_stays_alone(void **state)
{
    rig_t *r = *state;
    add(r, "length", "first", "{\"min\":1}");
    add(r, "regex", "slow one", "{\"pattern\":\"^(a+)+$\"}");
    add(r, "exact_match", "no reference", "{}");
    add(r, "contains", "last", "{\"value\":\"a\"}");
    score(r, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    assert_int_equal(r->failed, 1);
    assert_false(r->passed);
    assert_non_null(strstr(r->err.message, "scorer \"slow one\": pattern"));
    assert_int_equal(r->scores[0].state, MST_SCORE_OK);
    assert_int_equal(r->scores[1].state, MST_SCORE_ERROR);
    assert_true(mst_str_eq_c(r->scores[1].reason, r->err.message));
    assert_true(r->scores[1].value >= 0.0 && r->scores[1].value <= 0.0);
    assert_false(r->scores[1].passed);
    assert_int_equal(r->scores[2].state, MST_SCORE_ERROR);
    assert_int_equal(r->scores[3].state, MST_SCORE_OK);
    assert_true(r->scores[3].passed);
    for (int i = 0; i < 4; i++)
        assert_int_equal(r->scores[i].time_ns, 10);
    // the next case is judged as if nothing had happened
    score(r, "aaa");
    assert_int_equal(r->failed, 2);
    assert_true(r->scores[1].passed);
}

static void
test_set_threshold_is_inclusive(void **state)
{
    rig_t *r = *state;
    add(r, "keyword", "k", "{\"expected_keywords\":[\"a\",\"b\"]}")->threshold = 0.5;
    score(r, "a");
    assert_true(r->passed && r->scores[0].passed);
    r->cfg[0].threshold = 0.5000001;
    score(r, "a");
    assert_false(r->passed || r->scores[0].passed);
    assert_int_equal(r->failed, -1);
}

static void
test_set_skipped_scores_do_not_count(void **state)
{
    rig_t *r = *state;
    add(r, "ttft", "t", "{}")->on_missing = MST_MISSING_SKIP;
    add(r, "length", "l", "{}");
    score(r, "a");
    assert_true(r->passed);
    assert_int_equal(r->scores[0].state, MST_SCORE_SKIPPED);
    assert_false(r->scores[0].passed);
    r->cfg[0].on_missing = MST_MISSING_FAIL;
    score(r, "a");
    assert_false(r->passed);
    assert_int_equal(r->scores[0].state, MST_SCORE_NOT_MEASURED);
    r->cfg[0].on_missing = MST_MISSING_PASS;
    score(r, "a");
    assert_true(r->passed);
    assert_int_equal(r->scores[0].state, MST_SCORE_NOT_MEASURED);
    assert_true(r->scores[0].value >= 1.0);
}

static uint64_t
none(void *ud, const char *metric)
{
    (void)metric;
    return *(uint64_t *)ud;
}

static double
not_a_number(void *ud, const char *metric, double q)
{
    (void)ud, (void)metric, (void)q;
    return (double)NAN;
}

static void
test_set_scopes_are_apart(void **state)
{
    rig_t *r = *state;
    uint64_t count = 3;
    mst_run_numbers_t numbers = {.count = none, .percentile = not_a_number, .ud = &count};
    add(r, "latency_p99", "p", "{}");
    add(r, "length", "l", "{}");
    add(r, "latency_p99", "p#2", "{}")->on_missing = MST_MISSING_FAIL;
    score(r, "a");
    assert_int_equal(mst_scorer_set_count(r->set, MST_SCOPE_CASE), 1);
    assert_int_equal(mst_scorer_set_count(r->set, MST_SCOPE_RUN), 2);
    assert_int_equal(mst_scorer_set_index(r->set, MST_SCOPE_CASE, 0), 1);
    assert_int_equal(mst_scorer_set_index(r->set, MST_SCOPE_RUN, 1), 2);
    mst_scorer_set_run(r->set, &numbers, r->arena, tick, r->scores);
    assert_int_equal(r->scores[0].state, MST_SCORE_ERROR);
    assert_int_equal(r->scores[0].time_ns, 10);
    count = 0;
    mst_scorer_set_run(r->set, &numbers, r->arena, tick, r->scores);
    assert_int_equal(r->scores[0].state, MST_SCORE_NOT_MEASURED);
    assert_true(r->scores[0].passed);
    assert_false(r->scores[1].passed);
}

static void
test_set_names_what_does_not_compile(void **state)
{
    rig_t *r = *state;
    add(r, "length", "l", "{}");
    add(r, "regex", "my pattern", "{\"pattern\":\"(\"}");
    assert_int_equal(mst_scorer_set_new(&r->run, &r->set, &r->err), MST_INVAL);
    assert_null(r->set);
    assert_non_null(strstr(r->err.message, "scorer \"my pattern\": could not compile pattern \"(\""));
    mst_kind_t stranger = {.name = "stranger"};
    r->cfg[1].kind = &stranger;
    assert_int_equal(mst_scorer_set_new(&r->run, &r->set, &r->err), MST_NOTFOUND);
}

static void
test_set_survives_a_full_arena(void **state)
{
    rig_t *r = *state;
    add(r, "length", "l", "{\"max\":1}");
    add(r, "numeric", "n", "{\"expected\":\"5\"}");
    mst_err_t err;
    assert_int_equal(mst_scorer_set_new(&r->run, &r->set, &err), MST_OK);
    mst_arena_t *full = mst_arena_new(64);
    while (mst_arena_alloc(full, 1) != NULL)
        ;
    mst_case_t c = {.actual = MST_STR("long text 5")};
    mst_completion_t done = {.text = c.actual};
    mst_score_in_t in = {.c = &c, .done = &done, .output = done.text, .arena = full};
    mst_scorer_set_score(r->set, &in, tick, r->scores, &r->passed, &r->failed, &err);
    assert_int_equal(r->scores[0].state, MST_SCORE_OK); // the verdict stands without its sentence
    assert_int_equal(r->scores[0].reason.n, 0);
    assert_int_equal(r->scores[1].state, MST_SCORE_ERROR);
    assert_int_equal(r->failed, 1);
    mst_arena_free(&full);
}

static void
test_recorded_answers(void **state)
{
    rig_t *r = *state;
    mst_completion_t d;
    mst_case_t c = {.id = MST_STR("x"), .actual = MST_STR("text")};
    assert_int_equal(mst_completion_from_metadata(&c, r->parser, r->arena, &d, &r->err), MST_OK);
    assert_int_equal(d.text.n, 4);
    assert_int_equal(d.ttft_ns, MST_NONE);
    assert_int_equal(d.completion_tokens, MST_NONE);
    assert_int_equal(d.rx_source, MST_STAMP_NONE);
    assert_false(d.streamed);
    c.metadata = MST_STR("{\"ttft_ms\":12.5,\"total_latency_ms\":100,\"latency_ms\":7,\"tokens_generated\":8,"
                         "\"finish_reason\":\"stop\",\"model\":\"m\"}");
    assert_int_equal(mst_completion_from_metadata(&c, r->parser, r->arena, &d, &r->err), MST_OK);
    assert_int_equal(d.ttft_ns, 12500000);
    assert_int_equal(d.last_token_ns, 100000000);
    assert_int_equal(d.completion_tokens, 8);
    assert_int_equal(d.token_source, MST_TOK_METADATA);
    assert_int_equal(d.rx_source, MST_STAMP_RECORDED);
    assert_true(d.streamed && mst_str_eq_c(d.finish_reason, "stop") && mst_str_eq_c(d.model, "m"));
    static const char *const odd[] = {
        "{\"ttft_ms\":null}",        "{\"ttft_ms\":-1}",           "{\"ttft_ms\":\"NaN\"}",
        "{\"ttft_ms\":1e300}",       "{\"ttft_ms\":NaN}",          "{\"ttft_ms\":true}",
        "{\"tokens_generated\":-3}", "{\"tokens_generated\":1.5}", "{}",
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        c.metadata = mst_str_c(odd[i]);
        assert_int_equal(mst_completion_from_metadata(&c, r->parser, r->arena, &d, &r->err), MST_OK);
        assert_int_equal(d.ttft_ns, MST_NONE);
        assert_int_equal(d.completion_tokens, MST_NONE);
    }
    c.metadata = MST_STR("[1]");
    assert_int_equal(mst_completion_from_metadata(&c, r->parser, r->arena, &d, &r->err), MST_PROTO);
    assert_int_equal(d.text.n, 4);
    c.metadata = MST_STR("{");
    assert_int_equal(mst_completion_from_metadata(&c, r->parser, r->arena, &d, &r->err), MST_PROTO);
    assert_non_null(strstr(r->err.message, "metadata of case \"x\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_failure_stays_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_set_threshold_is_inclusive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_set_skipped_scores_do_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_set_scopes_are_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_set_names_what_does_not_compile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_set_survives_a_full_arena, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recorded_answers, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("scorer_set", tests, NULL, NULL);
}
