// common/model: names and parameter look-ups
#include "common/model/outcome.h"
#include "common/model/param.h"
#include "common/model/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_model_outcome_names(void **state)
{
    (void)state;
    int named = 0, measured = 0;
    for (int i = -2; i < MST_OUTCOME_MAX + 2; i++) {
        const char *name = mst_outcome_name((mst_outcome_t)i);
        if (name == NULL) {
            assert_false(mst_outcome_measured((mst_outcome_t)i));
            continue;
        }
        mst_outcome_t back = (mst_outcome_t)0;
        assert_true(mst_outcome_parse(mst_str_c(name), &back));
        assert_int_equal(back, i);
        named++;
        measured += mst_outcome_measured((mst_outcome_t)i);
    }
    assert_int_equal(named, 14);
    assert_int_equal(measured, 4);
    assert_string_equal(mst_outcome_name(MST_OUT_CONNECTION_LOST), "connection_lost");
    assert_string_equal(mst_outcome_name(MST_OUT_TOO_LARGE), "too_large");
    mst_outcome_t o = MST_OUT_EMPTY;
    assert_false(mst_outcome_parse(MST_STR("Scored"), &o));
    assert_false(mst_outcome_parse(MST_STR(""), &o));
    assert_int_equal(o, MST_OUT_EMPTY);
    assert_true(mst_outcome_measured(MST_OUT_TRUNCATED));
    assert_false(mst_outcome_measured(MST_OUT_SCORER_ERROR));
}

static void
test_model_score_names(void **state)
{
    (void)state;
    assert_string_equal(mst_score_state_name(MST_SCORE_OK), "ok");
    assert_string_equal(mst_score_state_name(MST_SCORE_NOT_MEASURED), "not_measured");
    assert_string_equal(mst_score_state_name(MST_SCORE_SKIPPED), "skipped");
    assert_string_equal(mst_score_state_name(MST_SCORE_ERROR), "error");
    assert_null(mst_score_state_name((mst_score_state_t)0));
    assert_null(mst_score_state_name((mst_score_state_t)5));
}

static void
test_model_params(void **state)
{
    (void)state;
    static const mst_param_t table[] = {
        {.name = "pattern", .type = MST_P_STR},
        {.name = "mode", .type = MST_P_ENUM, .choices = "a|b"},
        {.name = "strict", .type = MST_P_BOOL},
        {.name = "limit", .type = MST_P_INT},
        {.name = "threshold", .type = MST_P_NUM},
        {.name = "words", .type = MST_P_STRLIST},
        {.name = NULL},
    };
    mst_param_value_t values[6] = {{.set = false}};
    mst_params_t p = {.table = table, .values = values};
    assert_false(mst_params_set(&p, "pattern"));
    assert_int_equal(mst_params_str(&p, "pattern").n, 0);
    assert_false(mst_params_bool(&p, "strict"));
    assert_int_equal(mst_params_int(&p, "limit", 7), 7);
    assert_true(mst_params_num(&p, "limit", 7.5) == 7.5);
    assert_true(mst_params_num(&p, "threshold", 0.5) == 0.5);
    values[0] = (mst_param_value_t){.set = true, .u.s = MST_STR("x+")};
    values[1] = (mst_param_value_t){.set = true, .u.s = MST_STR("b")};
    values[2] = (mst_param_value_t){.set = true, .given = true, .u.b = true};
    values[3] = (mst_param_value_t){.set = true, .u.i = -3};
    values[4] = (mst_param_value_t){.set = true, .u.d = 0.25};
    assert_true(mst_params_set(&p, "pattern"));
    assert_true(mst_str_eq_c(mst_params_str(&p, "pattern"), "x+"));
    assert_true(mst_str_eq_c(mst_params_str(&p, "mode"), "b"));
    assert_true(mst_params_bool(&p, "strict"));
    assert_int_equal(mst_params_int(&p, "limit", 7), -3);
    assert_true(mst_params_num(&p, "limit", 7) == -3.0);
    assert_true(mst_params_num(&p, "threshold", 0.5) == 0.25);
    assert_ptr_equal(mst_params_get(&p, "words"), &values[5]);
    assert_true(mst_params_get(&p, "strict")->given);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_outcome_names),
        cmocka_unit_test(test_model_score_names),
        cmocka_unit_test(test_model_params),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
