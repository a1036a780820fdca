#include "coordinator/dataset/ids.h"
#include "coordinator/dataset/idset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Every id of 0 ... n-1 is new once and known from then on, whatever growing moved in between; others stay unknown.
static void
test_idset_against_the_truth(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {0, 1, 0xfeedfacecafebeefULL, UINT64_MAX};
    const int n = 20000;
    for (size_t s = 0; s < 4; s++) {
        mst_idset_t *set = mst_idset_new(seeds[s]);
        char id[32];
        for (int i = 0; i < n; i++) {
            bool fresh;
            snprintf(id, sizeof id, "id-%d", i);
            assert_false(mst_idset_has(set, mst_str_c(id)));
            assert_int_equal(mst_idset_add(set, mst_str_c(id), &fresh), MST_OK);
            assert_true(fresh);
            assert_int_equal(mst_idset_count(set), i + 1);
            snprintf(id, sizeof id, "id-%d", (int)((int64_t)i * 7919 % (i + 1)));
            assert_int_equal(mst_idset_add(set, mst_str_c(id), &fresh), MST_OK);
            assert_false(fresh);
        }
        for (int i = 0; i < n; i++) {
            snprintf(id, sizeof id, "id-%d", i);
            assert_true(mst_idset_has(set, mst_str_c(id)));
            snprintf(id, sizeof id, "no-%d", i);
            assert_false(mst_idset_has(set, mst_str_c(id)));
        }
        mst_idset_free(&set);
        assert_null(set);
    }
}

static void
test_idset_memory(void **state)
{
    (void)state;
    mst_idset_t *set = mst_idset_new(42);
    char id[32];
    size_t most = 0;
    for (int i = 0; i < 1000000; i++) {
        bool fresh;
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(mst_idset_add(set, mst_str_c(id), &fresh), MST_OK);
        assert_true(fresh);
        if (i >= 100000 && mst_idset_bytes(set) * 100 / (size_t)(i + 1) > most)
            most = mst_idset_bytes(set) * 100 / (size_t)(i + 1);
    }
    assert_in_range(most, 1000, 1330); // hundredths of a byte for each id
    assert_in_range(mst_idset_bytes(set), 9000000, 11000000);
    mst_idset_free(&set);
}

static void
test_ids_assigned_cost_nothing(void **state)
{
    (void)state;
    mst_ids_t *ids = mst_ids_new(1);
    char id[MST_ASSIGNED_ID_MAX];
    size_t before = mst_ids_bytes(ids);
    for (uint64_t i = 0; i < 1000000; i++)
        assert_int_equal(mst_ids_assign(ids, i, id), MST_OK);
    assert_string_equal(id, "case-1000000");
    assert_int_equal(mst_ids_bytes(ids), before);
    // known without being kept
    assert_int_equal(mst_ids_take(ids, MST_STR("case-000001")), MST_CONFLICT);
    assert_int_equal(mst_ids_take(ids, MST_STR("case-1000000")), MST_CONFLICT);
    assert_int_equal(mst_ids_take(ids, MST_STR("case-1000001")), MST_OK);
    assert_int_equal(mst_ids_take(ids, MST_STR("case-1")), MST_OK); // not as we spell it
    assert_int_equal(mst_ids_take(ids, MST_STR("case-0000001")), MST_OK);
    assert_int_equal(mst_ids_take(ids, MST_STR("case-000000")), MST_OK);
    assert_int_equal(mst_ids_take(ids, MST_STR("case-+00001")), MST_OK);
    assert_int_equal(mst_ids_assign(ids, 1000000, id), MST_OK);
    assert_string_equal(id, "case-1000001-2");
    assert_int_equal(mst_ids_take(ids, MST_STR("case-1000001-2")), MST_CONFLICT);
    mst_ids_free(&ids);
    mst_ids_free(&ids);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idset_against_the_truth),
        cmocka_unit_test(test_idset_memory),
        cmocka_unit_test(test_ids_assigned_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
