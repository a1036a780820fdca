// Reductions of repeats, sums in numpy's order, and the slices that a case names.
#include "common/model/slices.h"
#include "common/stats/reduce.h"
#include "common/stats/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/limits.h"

static mst_reduce_t
parsed(const char *text)
{
    mst_reduce_t r;
    mst_err_t err;
    if (mst_reduce_parse(mst_str_c(text), &r, &err) != MST_OK)
        fail_msg("%s", err.message);
    return r;
}

typedef struct {
    bool known, passed;
    double value;
} reduced_t;

static reduced_t
reduced(const char *text, double threshold, const double *values, const bool *passed, size_t n)
{
    double copy[8];
    reduced_t out = {0};
    memcpy(copy, values, n * sizeof *copy);
    out.known = mst_reduce(parsed(text), threshold, copy, passed, n, &out.value, &out.passed);
    return out;
}

#define assert_reduced(r, want, pass)                                                                                  \
    do {                                                                                                               \
        reduced_t r_ = (r);                                                                                            \
        assert_true(r_.known && fabs(r_.value - (want)) <= 1e-12);                                                     \
        assert_int_equal(r_.passed, (pass));                                                                           \
    } while (0)

static void
test_reduce_values(void **state)
{
    (void)state;
    const double v[] = {0.2, 1.0, 0.2, 1.0, 0.9};
    const bool p[] = {false, true, false, true, true};
    assert_reduced(reduced("mean", 0.65, v, p, 5), 0.66, true);
    assert_reduced(reduced("mean", 0.67, v, p, 5), 0.66, false);
    assert_reduced(reduced("median", 0.9, v, p, 5), 0.9, true);
    assert_reduced(reduced("median", 0.9, v, p, 4), 0.6, false); // the middle between the two middle ones
    assert_reduced(reduced("max", 1.0, v, p, 5), 1.0, true);
    assert_reduced(reduced("majority", 0.9, v, p, 5), 0.2, false); // seen before 1.0, as often
    assert_reduced(reduced("majority", 0.9, v + 1, p + 1, 4), 1.0, true);
    assert_false(reduced("mean", 0.5, v, p, 0).known);
}

// A repeat that failed with a value that would pass was vetoed by its scorer: no mean may hide it.
static void
test_reduce_vetoed(void **state)
{
    (void)state;
    const double v[] = {0.9, 1.0, 1.0};
    const bool p[] = {true, false, true};
    assert_reduced(reduced("mean", 0.8, v, p, 3), 2.9 / 3, false);
    assert_reduced(reduced("median", 0.8, v, p, 3), 1.0, false);
    assert_reduced(reduced("max", 0.8, v, p, 3), 1.0, true); // another one of 1.0 passed
    assert_reduced(reduced("max", 0.8, v, p, 2), 1.0, false);
    assert_reduced(reduced("pass@1", 0.6, v, p, 3), 2.0 / 3, true);
}

// A set without a threshold: its verdicts decide.
static void
test_reduce_without_threshold(void **state)
{
    (void)state;
    const double v[] = {0.6, 0.9, 0.2};
    const bool all[] = {true, true, true}, most[] = {true, true, false};
    assert_reduced(reduced("mean", (double)NAN, v, all, 3), 1.7 / 3, true);
    assert_reduced(reduced("mean", (double)NAN, v, most, 3), 1.7 / 3, false);
    assert_reduced(reduced("median", (double)NAN, v, most, 3), 0.6, true);
    assert_reduced(reduced("median", (double)NAN, v + 1, most + 1, 2), 0.55, false);
    assert_reduced(reduced("pass@2", (double)NAN, v, most, 3), 1.0, true);
    assert_reduced(reduced("pass^2", (double)NAN, v, most, 3), 1.0 / 3, false);
}

static void
test_reduce_passes(void **state)
{
    (void)state;
    const double v[5] = {0};
    const bool p[] = {true, false, false, true, false};
    assert_reduced(reduced("pass@1", 1.0, v, p, 5), 0.4, false);
    assert_reduced(reduced("pass@3", 0.9, v, p, 5), 0.9, true);
    assert_reduced(reduced("pass^1", 0.4, v, p, 5), 0.4, true);
    assert_reduced(reduced("pass^2", 0.1, v, p, 5), 0.1, true);
    assert_reduced(reduced("pass^3", 0.5, v, p, 5), 0.0, false);
    assert_reduced(reduced("at_least@2", 1.0, v, p, 5), 1.0, true);
    assert_reduced(reduced("at_least@3", 1.0, v, p, 5), 0.0, false);
    assert_false(reduced("pass@6", 0.5, v, p, 5).known);
    assert_false(reduced("at_least@6", 0.5, v, p, 5).known);
}

static void
test_reduce_estimators(void **state)
{
    (void)state;
    assert_true(fabs(mst_pass_at(10, 3, 5) - 0.916666666666667) < 1e-12);
    assert_true(fabs(mst_pass_at(200, 17, 10) - 0.597448902) < 1e-9);
    assert_true(mst_pass_at(200, 0, 1) == 0.0 && mst_pass_at(10, 9, 3) == 1.0 && mst_pass_at(10, 10, 10) == 1.0);
    assert_true(fabs(mst_pass_hat(10, 9, 3) - 0.7) < 1e-12);
    assert_true(fabs(mst_pass_hat(200, 17, 10) / 8.66e-13 - 1) < 1e-3);
    assert_true(mst_pass_hat(5, 2, 3) == 0.0 && mst_pass_hat(10, 10, 10) == 1.0);
    assert_true(isnan(mst_pass_at(3, 1, 4)) && isnan(mst_pass_at(3, 1, 0)) && isnan(mst_pass_hat(3, 1, 4)));
    const mst_str_t votes[] = {MST_STR("a"), MST_STR("b"), MST_STR("b"), MST_STR("a"), MST_STR("c")};
    assert_int_equal(mst_majority(votes, 5), 0); // as often as "b", seen first
    assert_int_equal(mst_majority(votes, 3), 1);
    assert_int_equal(mst_majority(votes, 0), 0);
}

// All subsets counted by hand, for every small n, c, k.
static void
test_reduce_estimators_by_counting(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 8; n++)
        for (unsigned c = 0; c <= n; c++)
            for (unsigned k = 1; k <= n; k++) {
                unsigned all = 0, some = 0, every = 0;
                for (unsigned set = 0; set < 1u << n; set++) {
                    if (__builtin_popcount(set) != (int)k)
                        continue;
                    unsigned right = (unsigned)__builtin_popcount(set & ((1u << c) - 1));
                    all++;
                    some += right > 0;
                    every += right == k;
                }
                assert_true(fabs(mst_pass_at(n, c, k) - (double)some / all) < 1e-12);
                assert_true(fabs(mst_pass_hat(n, c, k) - (double)every / all) < 1e-12);
            }
}

static void
test_reduce_text(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"mean", "mean"},         {"mode", "majority"}, {"pass_at_3", "pass@3"},      {"pass^10", "pass^10"},
        {"pass_hat_2", "pass^2"}, {"median", "median"}, {"at_least_4", "at_least@4"}, {"at_least@1", "at_least@1"},
        {"max", "max"}};
    static const char *const bad[] = {"", "meany", "pass@", "pass@0", "pass@-1", "pass@ 1", "pass@1.5", "pass",
                                      "pass@4294967296", "at_least", "Mean"};
    char text[MST_REDUCE_TEXT_MAX];
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_string_equal(mst_reduce_text(parsed(same[i][0]), text).p, same[i][1]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mst_reduce_t r;
        mst_err_t err;
        assert_int_equal(mst_reduce_parse(mst_str_c(bad[i]), &r, &err), MST_INVAL);
        assert_non_null(strstr(err.message, bad[i]));
    }
}

// numpy: np.mean(np.full(n, x)), np.std of the same: bit for bit where a plain or a compensated sum differs.
static void
test_spread_in_numpys_order(void **state)
{
    (void)state;
    static double x[1000];
    static const struct {
        size_t n;
        double x, mean, sd;
    } rows[] = {
        {10, -0.1, -0.1, 0.0},
        {13, -0.3, -0.29999999999999993, 5.551115123125783e-17},
        {130, -0.7, -0.7000000000000001, 1.1102230246251565e-16},
        {777, -0.1, -0.09999999999999999, 1.3877787807814457e-17},
        {1000, -1.1, -1.0999999999999999, 2.220446049250313e-16},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < rows[i].n; k++)
            x[k] = rows[i].x;
        mst_spread_t s = mst_spread(x, rows[i].n);
        if (s.mean != rows[i].mean || s.sd != rows[i].sd)
            fail_msg("n %zu: mean %.17g, sd %.17g", rows[i].n, s.mean, s.sd);
    }
    for (size_t i = 0; i < 1000; i++)
        x[i] = -((double)i * 0.1);
    mst_spread_t ramp = mst_spread(x, 777);
    assert_true(ramp.mean == -0x1.3666666666667p+5 && ramp.sd == 0x1.66e170f989717p+4);
    mst_spread_t none = mst_spread(x, 0), one = mst_spread(x, 1);
    assert_true(isnan(none.mean) && isnan(none.sd));
    assert_true(one.sd == 0.0 && isnan(mst_spread_sample_sd(&one)) && isnan(mst_spread_stderr(&one)));
}

static mst_json_parser_t *parser;
static mst_arena_t *arena;

#define assert_slices(meta, want)                                                                                      \
    do {                                                                                                               \
        mst_str_t got_ = mst_case_slices(mst_str_c(meta), parser, arena);                                              \
        if (!mst_str_eq_c(got_, want))                                                                                 \
            fail_msg("%s gave %.*s", meta, MST_FMT(got_));                                                             \
    } while (0)

static void
test_slices(void **state)
{
    (void)state;
    parser = mst_json_parser_new();
    arena = mst_arena_new(MST_MIB);
    assert_slices("{\"slice\": \"easy\"}", "[\"slice:easy\"]");
    assert_slices("{\"slice\": [\"easy\", \"math\", \"easy\"], \"tags\": [\"x\", 3, true, null, {}]}",
                  "[\"slice:easy\",\"slice:math\",\"tag:x\",\"tag:3\",\"tag:true\"]");
    assert_slices("{\"slices\": [\" a \", \"\", \"  \"], \"tag\": \"easy\"}", "[\"slice:a\",\"tag:easy\"]");
    assert_slices("{\"tags\": \"q\\\"\\u0001\"}", "[\"tag:q\\\"\\u0001\"]");
    assert_slices("{\"difficulty\": \"easy\"}", "");
    assert_slices("{\"slice\": {\"a\": 1}, \"tags\": []}", "");
    assert_slices("", "");
    assert_slices("{\"slice\": ", "");
    assert_slices("[\"slice\"]", "");
    mst_str_t kind, name;
    mst_slice_split(MST_STR("tag:a:b"), &kind, &name);
    assert_true(mst_str_eq_c(kind, "tag") && mst_str_eq_c(name, "a:b"));
    mst_slice_split(MST_STR("plain"), &kind, &name);
    assert_true(kind.n == 0 && mst_str_eq_c(name, "plain"));
    char many[4096] = "{\"tags\": [\"0\"";
    for (int i = 1; i < 100; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), ", %d", i);
    snprintf(many + strlen(many), sizeof many - strlen(many), "]}");
    const mst_json_t *list = NULL;
    mst_err_t err;
    assert_int_equal(mst_json_parse(parser, mst_case_slices(mst_str_c(many), parser, arena), arena, &list, NULL, &err),
                     MST_OK);
    assert_int_equal(list->count, MST_CASE_SLICES_MAX);
    char lengthy[600];
    memset(lengthy, 'n', sizeof lengthy);
    memcpy(lengthy, "{\"slice\":\"", 10);
    memcpy(lengthy + sizeof lengthy - 3, "\"}", 3);
    assert_int_equal(mst_case_slices(mst_str_c(lengthy), parser, arena).n, MST_SLICE_NAME_MAX + strlen("[\"slice:\"]"));
    mst_arena_t *small = mst_arena_new(16);
    assert_int_equal(mst_case_slices(MST_STR("{\"slice\": \"easy\"}"), parser, small).n, 0);
    mst_arena_free(&small);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reduce_values),     cmocka_unit_test(test_reduce_vetoed),
        cmocka_unit_test(test_reduce_without_threshold),
        cmocka_unit_test(test_reduce_passes),     cmocka_unit_test(test_reduce_estimators),
        cmocka_unit_test(test_reduce_text),       cmocka_unit_test(test_reduce_estimators_by_counting),
        cmocka_unit_test(test_spread_in_numpys_order), cmocka_unit_test(test_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
