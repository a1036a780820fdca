// Repeats and slices from rows in key order, and what the report makes of them.
#include "report/groups.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/limits.h"

typedef struct {
    mst_reduce_t reduce[2];
    mst_scorer_cfg_t cfg_scorers[3];
    mst_run_cfg_t cfg;
    mst_scorer_numbers_t scorers[3];
    mst_run_numbers_full_t n;
    mst_groups_t *groups;
    mst_arena_t *arena;
    mst_err_t err;
} world_t;

// Two scorers of cases with one of the run between them; the second has reductions of its own.
static world_t *
world_new(uint32_t repeats)
{
    world_t *w = calloc(1, sizeof *w);
    w->reduce[0] = (mst_reduce_t){.kind = MST_REDUCE_PASS_AT, .k = 2};
    w->reduce[1] = (mst_reduce_t){.kind = MST_REDUCE_MEAN};
    w->cfg_scorers[2].reduce = w->reduce;
    w->cfg_scorers[2].reduce_count = 2;
    w->cfg = (mst_run_cfg_t){.scorers = w->cfg_scorers, .scorer_count = 3, .repeats = repeats};
    for (size_t i = 0; i < 3; i++)
        w->scorers[i] = (mst_scorer_numbers_t){.label = MST_STR("s"), .threshold = 0.5, .run_scope = i == 1};
    w->n = (mst_run_numbers_full_t){.scorers = w->scorers, .scorer_count = 3, .repeat_count = repeats};
    w->groups = mst_groups_new(&w->cfg, &w->n);
    w->arena = mst_arena_new(MST_MIB);
    return w;
}

static void
world_free(world_t *w)
{
    mst_groups_free(&w->groups);
    assert_null(w->groups);
    mst_arena_free(&w->arena);
    free(w);
}

static mst_score_t
ok(double v)
{
    return (mst_score_t){.state = MST_SCORE_OK, .value = v, .passed = v >= 0.5};
}

static void
add(world_t *w, uint64_t case_no, mst_score_t a, mst_score_t b, const char *slices)
{
    const mst_score_t scores[] = {a, b};
    bool failed = a.state == MST_SCORE_ERROR || b.state == MST_SCORE_ERROR;
    mst_result_t r = {.key = {.case_no = case_no},
                      .outcome = failed ? MST_OUT_SCORER_ERROR : MST_OUT_SCORED,
                      .passed = a.passed && b.passed,
                      .scores = scores,
                      .score_count = 2,
                      .slices = mst_str_c(slices)};
    mst_groups_add(w->groups, &r);
}

static void
lost(world_t *w, uint64_t case_no, const char *slices)
{
    mst_result_t r = {.key = {.case_no = case_no}, .outcome = MST_OUT_TIMEOUT, .slices = mst_str_c(slices)};
    mst_groups_add(w->groups, &r);
}

static void
finish(world_t *w)
{
    if (mst_groups_finish(w->groups, w->arena, &w->n, &w->err) != MST_OK)
        fail_msg("%s", w->err.message);
}

static void
test_groups_repeats(void **state)
{
    (void)state;
    world_t *w = world_new(3);
    add(w, 0, ok(1), ok(1), NULL); // passes both
    add(w, 0, ok(0), ok(0), NULL);
    add(w, 0, ok(1), ok(0.25), NULL);
    add(w, 1, ok(0), ok(1), NULL); // mean of the first is under its threshold
    add(w, 1, ok(0), ok(1), NULL);
    add(w, 1, ok(1), ok(1), NULL);
    add(w, 2, ok(1), ok(1), NULL); // once measured: too few for pass@2
    lost(w, 2, NULL);
    lost(w, 2, NULL);
    lost(w, 3, NULL); // never measured: no case at all
    lost(w, 3, NULL);
    finish(w);
    const mst_reduced_t *first = w->scorers[0].reduced, *second = w->scorers[2].reduced;
    assert_true(w->scorers[0].reduced_count == 1 && w->scorers[2].reduced_count == 2);
    assert_int_equal(w->scorers[1].reduced_count, 0);
    assert_int_equal(first->cases, 3);
    assert_int_equal(first->passed, 2);
    assert_true(fabs(first->mean - (2.0 / 3 + 1.0 / 3 + 1) / 3) < 1e-12);
    assert_true(fabs(first->se - 1.0 / 3 / sqrt(3.0)) < 1e-12);
    assert_int_equal(second[0].cases, 2);
    assert_int_equal(second[0].short_cases, 1);
    assert_true(fabs(second[0].mean - (2.0 / 3 + 1) / 2) < 1e-12); // one of three right, three of three
    assert_int_equal(second[1].cases, 3);
    assert_true(fabs(second[1].mean - (1.25 / 3 + 1 + 1) / 3) < 1e-12);
    assert_int_equal(w->n.cases_judged, 2);
    assert_int_equal(w->n.cases_passed, 1);
    assert_int_equal(w->n.slice_count, 0);
    world_free(w);
}

// A negated scorer passes below its threshold; one of weight 0 decides nothing.
static void
test_groups_negated_and_weightless(void **state)
{
    (void)state;
    world_t *w = world_new(2);
    mst_groups_free(&w->groups);
    w->cfg_scorers[0].negate = true;
    w->scorers[0].threshold = 0.7;
    w->cfg_scorers[2].weighted = true; // of weight 0
    w->groups = mst_groups_new(&w->cfg, &w->n);
    mst_score_t yes = {.state = MST_SCORE_OK, .value = 0.4, .passed = true}; // the scorer's own 0.6 is under 0.7
    mst_score_t no = {.state = MST_SCORE_OK, .value = 0.125, .passed = false};
    for (int i = 0; i < 2; i++)
        add(w, 0, yes, ok(0), NULL);
    for (int i = 0; i < 2; i++)
        add(w, 1, no, ok(0), NULL);
    finish(w);
    assert_int_equal(w->scorers[0].reduced[0].passed, 1);
    assert_int_equal(w->scorers[2].reduced[0].passed, 0);
    assert_int_equal(w->n.cases_judged, 2);
    assert_int_equal(w->n.cases_passed, 1);
    world_free(w);
}

// What was missing follows on_missing: left out when it passed or was skipped, a failure when it failed.
static void
test_groups_missing(void **state)
{
    (void)state;
    const mst_score_t passed = {.state = MST_SCORE_NOT_MEASURED, .value = 1, .passed = true};
    const mst_score_t failed = {.state = MST_SCORE_NOT_MEASURED};
    const mst_score_t skipped = {.state = MST_SCORE_SKIPPED}, broken = {.state = MST_SCORE_ERROR};
    world_t *w = world_new(2);
    add(w, 0, passed, skipped, NULL);
    add(w, 0, passed, skipped, NULL);
    add(w, 1, failed, skipped, NULL);
    add(w, 1, ok(0.8), skipped, NULL);
    add(w, 2, ok(1), broken, NULL); // not measured at all
    add(w, 2, ok(1), broken, NULL);
    finish(w);
    assert_int_equal(w->scorers[0].reduced[0].cases, 1);
    assert_true(fabs(w->scorers[0].reduced[0].mean - 0.4) < 1e-12);
    assert_int_equal(w->scorers[2].reduced[0].cases, 0);
    assert_true(isnan(w->scorers[2].reduced[0].mean));
    assert_int_equal(w->n.cases_judged, 2);
    assert_int_equal(w->n.cases_passed, 1);
    world_free(w);
}

static void
test_groups_slices(void **state)
{
    (void)state;
    world_t *w = world_new(1);
    add(w, 0, ok(1), ok(1), "[\"tag:b\",\"slice:hard\"]");
    add(w, 1, ok(0), ok(1), "[\"slice:hard\"]");
    add(w, 2, ok(1), ok(0.5), "[\"slice:easy\"]");
    lost(w, 3, "[\"slice:easy\"]");
    add(w, 4, ok(1), ok(1), NULL);
    add(w, 5, ok(1), ok(1), "not json");
    add(w, 6, ok(1), ok(1), "{\"slice\":1}");
    finish(w);
    assert_int_equal(w->n.slice_count, 3);
    const mst_slice_numbers_t *s = w->n.slices; // by kind and name
    assert_true(mst_str_eq_c(s[0].name, "easy") && mst_str_eq_c(s[1].name, "hard") && mst_str_eq_c(s[2].name, "b"));
    assert_true(mst_str_eq_c(s[0].kind, "slice") && mst_str_eq_c(s[2].kind, "tag"));
    assert_true(s[0].total == 2 && s[0].measured == 1 && s[0].passed == 1);
    assert_true(s[1].total == 2 && s[1].measured == 2 && s[1].passed == 1);
    assert_true(s[1].scorers[0].n == 2 && fabs(s[1].scorers[0].mean - 0.5) < 1e-12 && s[1].scorers[0].n_pass == 1);
    assert_true(s[1].scorers[1].n == 0 && isnan(s[1].scorers[1].mean));
    assert_true(s[0].scorers[2].mean == 0.5 && s[0].scorers[2].reduced_count == 0);
    assert_int_equal(w->scorers[0].reduced_count, 0); // asked once: nothing to reduce
    assert_int_equal(w->n.slices_left_out, 0);
    world_free(w);
}

static void
test_groups_many_slices(void **state)
{
    (void)state;
    world_t *w = world_new(1);
    char slices[64];
    for (unsigned i = 0; i < MST_SLICES_MAX + 20; i++) {
        snprintf(slices, sizeof slices, "[\"slice:%u\",\"slice:0\"]", i);
        add(w, i, ok(1), ok(1), slices);
    }
    finish(w);
    assert_int_equal(w->n.slice_count, MST_SLICES_MAX);
    assert_int_equal(w->n.slices_left_out, 20);
    mst_arena_t *small = mst_arena_new(256);
    assert_int_equal(mst_groups_finish(w->groups, small, &w->n, &w->err), MST_LIMIT);
    mst_arena_free(&small);
    world_free(w);
}

static void
test_groups_verdict(void **state)
{
    (void)state;
    mst_run_numbers_full_t n = {.keys_total = 10, .keys_done = 10, .measured = 10, .passed = 7, .coverage = 1,
                                .min_coverage = 0.9, .reduces = true, .cases_judged = 5, .cases_passed = 5};
    assert_int_equal(mst_report_exit_code(&n), 0); // rows failed, no case did
    mst_buf_t b;
    mst_buf_init(&b, 4096);
    mst_report_verdict(&n, &b);
    assert_true(mst_str_eq_c(mst_buf_view(&b), "all 5 cases passed over their repeats"));
    n.cases_passed = 3;
    assert_int_equal(n.exit_code = mst_report_exit_code(&n), 1);
    mst_buf_reset(&b);
    mst_report_verdict(&n, &b);
    assert_true(mst_str_eq_c(mst_buf_view(&b), "2 of 5 cases failed over their repeats"));
    n.cases_judged = n.cases_passed = 0; // too few repeats everywhere
    assert_int_equal(mst_report_exit_code(&n), 3);
    n.reduces = false;
    assert_int_equal(mst_report_exit_code(&n), 1);
    mst_buf_deinit(&b);
}

static bool
holds(const mst_buf_t *b, const char *text)
{
    return mst_str_find(mst_buf_view(b), mst_str_c(text), 0) >= 0;
}

static void
test_groups_rendered(void **state)
{
    (void)state;
    world_t *w = world_new(2);
    w->scorers[0].label = MST_STR("exact\x1b[31m");
    add(w, 0, ok(1), ok(1), "[\"slice:ea\\u001bsy\",\"tag:t\"]");
    add(w, 0, ok(0), ok(1), "[\"slice:ea\\u001bsy\",\"tag:t\"]");
    add(w, 1, ok(1), ok(1), "[\"tag:t\"]");
    finish(w);
    mst_buf_t b;
    mst_buf_init(&b, MST_MIB);
    mst_report_repeats(&w->n, false, 0, &b);
    assert_true(holds(&b, "pass@2") && holds(&b, "0.750") && holds(&b, "too few"));
    assert_false(holds(&b, "\x1b"));
    mst_buf_reset(&b);
    mst_report_slices(&w->n, false, 80, &b);
    assert_true(holds(&b, "slice ea\\x1bsy") && holds(&b, "tag t") && holds(&b, "66.7 %"));
    assert_false(holds(&b, "\x1b"));
    mst_buf_reset(&b);
    mst_report_json_head(&w->n, &b);
    mst_report_json_tail(&w->n, &b);
    mst_json_parser_t *parser = mst_json_parser_new();
    const mst_json_t *doc = NULL;
    if (mst_json_parse(parser, mst_buf_view(&b), w->arena, &doc, NULL, &w->err) != MST_OK)
        fail_msg("%s", w->err.message);
    double v = 0;
    assert_true(mst_json_f64(mst_json_path(doc, MST_STR("slices.1.scorer_summaries.0.mean")), &v));
    assert_true(fabs(v - 2.0 / 3) < 1e-12);
    assert_true(mst_json_f64(mst_json_path(doc, MST_STR("scorer_summaries.2.reduced.0.too_few_repeats")), &v));
    assert_true(v == 1.0);
    mst_json_parser_free(&parser);
    mst_buf_deinit(&b);
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_repeats),     cmocka_unit_test(test_groups_missing),
        cmocka_unit_test(test_groups_negated_and_weightless),
        cmocka_unit_test(test_groups_slices),      cmocka_unit_test(test_groups_many_slices),
        cmocka_unit_test(test_groups_verdict),     cmocka_unit_test(test_groups_rendered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
