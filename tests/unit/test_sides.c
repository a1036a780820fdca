// Targets side by side from rows in key order: their own numbers, and the shifts over the cases that both answered.
#include "report/sides.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/limits.h"

enum { CASES = 10 };

typedef struct {
    mst_kind_t kind;
    mst_target_cfg_t targets[2];
    mst_scorer_cfg_t cfg_scorers[2];
    mst_run_cfg_t cfg;
    mst_scorer_numbers_t scorers[2];
    mst_run_numbers_full_t n;
    mst_sides_t *sides;
    mst_arena_t *arena;
} world_t;

// Two targets, a scorer of the run before one of cases.
static world_t *
world_new(uint32_t repeats)
{
    world_t *w = calloc(1, sizeof *w);
    w->kind = (mst_kind_t){.name = "openai"};
    w->targets[0] = (mst_target_cfg_t){.label = MST_STR("a"), .provider.kind = &w->kind};
    w->targets[1] = (mst_target_cfg_t){.label = MST_STR("b"), .provider.kind = &w->kind};
    w->cfg = (mst_run_cfg_t){.targets = w->targets,
                             .target_count = 2,
                             .scorers = w->cfg_scorers,
                             .scorer_count = 2,
                             .repeats = repeats};
    w->scorers[0] = (mst_scorer_numbers_t){.label = MST_STR("gate"), .run_scope = true};
    w->scorers[1] = (mst_scorer_numbers_t){.label = MST_STR("s")};
    w->n = (mst_run_numbers_full_t){.scorers = w->scorers,
                                    .scorer_count = 2,
                                    .repeat_count = repeats,
                                    .target_count = 2,
                                    .keys_total = 2ULL * CASES * repeats};
    w->sides = mst_sides_new(&w->cfg, &w->n);
    w->arena = mst_arena_new(MST_MIB);
    return w;
}

static void
world_free(world_t *w)
{
    mst_sides_free(&w->sides);
    mst_arena_free(&w->arena);
    free(w);
}

static void
add(world_t *w, uint32_t target, uint64_t case_no, uint32_t repeat, double value, int64_t ttft_ns)
{
    mst_score_t score = {.state = MST_SCORE_OK, .value = value, .passed = value >= 0.5};
    mst_result_t r = {.key = {.case_no = case_no, .target_no = target, .repeat_no = repeat},
                      .outcome = ttft_ns == MST_NONE ? MST_OUT_CONNECTION_LOST : MST_OUT_SCORED,
                      .passed = value >= 0.5,
                      .scores = &score,
                      .score_count = ttft_ns == MST_NONE ? 0 : 1,
                      .tpot_ns = MST_NONE};
    r.done.ttft_ns = ttft_ns;
    r.done.last_token_ns = MST_NONE;
    mst_sides_add(w->sides, &r);
}

static void
finish(world_t *w)
{
    mst_err_t err = {0};
    if (mst_sides_finish(w->sides, w->arena, &w->n, &err) != MST_OK)
        fail_msg("%s", err.message);
}

static void
near(double got, double want)
{
    if (!(fabs(got - want) < 1e-9))
        fail_msg("%.12g, expected %.12g", got, want);
}

// b is 3 ms slower on each case, and wrong on two that a gets right; one case of b was not measured.
static void
test_sides_shift(void **state)
{
    (void)state;
    world_t *w = world_new(1);
    for (uint64_t c = 0; c < CASES; c++)
        add(w, 0, c, 0, 1, (int64_t)(10 + c) * 1000000);
    for (uint64_t c = 0; c < CASES; c++)
        add(w, 1, c, 0, c < 2 ? 0 : 1, c == 9 ? MST_NONE : (int64_t)(13 + c) * 1000000);
    finish(w);
    assert_int_equal(w->n.side_count, 2);
    const mst_side_t *a = &w->n.sides[0], *b = &w->n.sides[1];
    assert_false(a->compared);
    assert_int_equal(a->measured, CASES);
    near(a->coverage, 1);
    assert_int_equal(b->done, CASES);
    assert_int_equal(b->measured, CASES - 1);
    assert_int_equal(b->passed, CASES - 3);
    near(b->coverage, 0.9);
    assert_true(b->compared);
    assert_int_equal(b->ttft_shift.n, 9);
    near(b->ttft_shift.shift, 3);
    near(b->ttft_shift.lo, 3);
    near(b->ttft_shift.hi, 3);
    assert_int_equal(b->e2e_shift.n, 0);
    mst_shift_t want = mst_shift_share(7, 2, 0, 0);
    near(b->pass_shift.shift, want.shift);
    near(b->pass_shift.lo, want.lo);
    near(b->score_shifts[1].hi, want.hi);
    assert_int_equal(b->score_shifts[0].n, 0); // of the run
    assert_int_equal(b->scorers[1].n, 9);
    near(b->scorers[1].mean, 7.0 / 9);
    world_free(w);
}

// Scores that are no verdicts, and repeats: a case counts once, as its mean.
static void
test_sides_repeats(void **state)
{
    (void)state;
    world_t *w = world_new(2);
    for (uint32_t t = 0; t < 2; t++)
        for (uint64_t c = 0; c < CASES; c++)
            for (uint32_t r = 0; r < 2; r++)
                add(w, t, c, r, 0.4 + 0.1 * r + (t == 1 ? 0.2 : 0.0) + 0.01 * (double)c, 1000000);
    finish(w);
    const mst_side_t *b = &w->n.sides[1];
    assert_int_equal(b->done, 2 * CASES);
    assert_int_equal(b->score_shifts[1].n, CASES);
    near(b->score_shifts[1].shift, 0.2);
    near(b->score_shifts[1].lo, 0.2);
    assert_int_equal(b->ttft_shift.n, CASES);
    near(b->ttft_shift.shift, 0);
    world_free(w);
}

// A target without a row, and rows of a target that the configuration does not have.
static void
test_sides_dead_target(void **state)
{
    (void)state;
    world_t *w = world_new(1);
    for (uint64_t c = 0; c < CASES; c++)
        add(w, 0, c, 0, 1, 1000000);
    add(w, 7, 3, 0, 1, 1000000);
    finish(w);
    const mst_side_t *b = &w->n.sides[1];
    assert_int_equal(b->done, 0);
    near(b->coverage, 0);
    assert_int_equal(b->pass_shift.n, 0);
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_report_sides(&w->n, false, 100, &out);
    assert_true(mst_str_find(mst_buf_view(&out), MST_STR("0/10"), 0) > 0);
    assert_true(mst_str_find(mst_buf_view(&out), MST_STR("shift"), 0) < 0);
    mst_buf_deinit(&out);
    world_free(w);
}

static void
test_sides_rendered(void **state)
{
    (void)state;
    world_t *w = world_new(1);
    for (uint32_t t = 0; t < 2; t++)
        for (uint64_t c = 0; c < CASES; c++)
            add(w, t, c, 0, 1, (int64_t)(t == 0 ? 10 : 25) * 1000000);
    finish(w);
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_report_sides(&w->n, false, 100, &out);
    assert_true(mst_str_find(mst_buf_view(&out), MST_STR("less a"), 0) > 0);
    assert_true(mst_str_find(mst_buf_view(&out), MST_STR("+15.0 ms"), 0) > 0);
    mst_buf_reset(&out);
    mst_jw_t j;
    mst_jw_init(&j, &out);
    mst_jw_obj(&j);
    mst_report_sides_json(&w->n, &j);
    mst_jw_obj_end(&j);
    assert_true(mst_str_find(mst_buf_view(&out), MST_STR("\"against\":\"a\""), 0) > 0);
    mst_buf_deinit(&out);
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sides_shift),
        cmocka_unit_test(test_sides_repeats),
        cmocka_unit_test(test_sides_dead_target),
        cmocka_unit_test(test_sides_rendered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
