// common/base/heap.h
#include "common/base/heap.h"
#include "common/base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static mst_heap_node_t *
pop(mst_heap_t *h)
{
    mst_heap_node_t *n = mst_heap_peek(h);
    if (n != NULL)
        mst_heap_remove(h, n);
    return n;
}

static void
test_heap_ties_leave_in_order(void **state)
{
    (void)state;
    mst_heap_t h = {0};
    mst_heap_node_t n[100] = {0};
    assert_null(mst_heap_peek(&h));
    for (int i = 0; i < 100; i++)
        mst_heap_set(&h, &n[i], i % 3);
    for (int due = 0; due < 3; due++) {
        for (int i = due; i < 100; i += 3)
            assert_ptr_equal(pop(&h), &n[i]);
    }
    assert_null(pop(&h));
    mst_heap_deinit(&h);
}

static void
test_heap_move_and_remove(void **state)
{
    (void)state;
    mst_heap_t h = {0};
    mst_heap_node_t a = {0}, b = {0}, c = {0};
    mst_heap_set(&h, &a, 10);
    mst_heap_set(&h, &b, 20);
    mst_heap_set(&h, &c, 30);
    mst_heap_set(&h, &c, 5);
    assert_ptr_equal(mst_heap_peek(&h), &c);
    mst_heap_set(&h, &c, 15);
    assert_ptr_equal(mst_heap_peek(&h), &a);
    assert_int_equal(h.count, 3);
    mst_heap_remove(&h, &a);
    mst_heap_remove(&h, &a); // not in it: nothing
    assert_int_equal(a.index, 0);
    assert_ptr_equal(pop(&h), &c);
    assert_ptr_equal(pop(&h), &b);
    mst_heap_set(&h, &a, 1); // may come back
    assert_ptr_equal(mst_heap_peek(&h), &a);
    mst_heap_deinit(&h);
    assert_int_equal(a.index, 0);
}

// Random operations against a plain search for the smallest.
static void
test_heap_against_a_list(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 5);
    mst_heap_t h = {0};
    mst_heap_node_t n[200] = {0};
    for (int step = 0; step < 5000; step++) {
        mst_heap_node_t *x = &n[mst_prng_below(&r, 200)];
        if (mst_prng_below(&r, 3) > 0)
            mst_heap_set(&h, x, (int64_t)mst_prng_below(&r, 50) - 25);
        else
            mst_heap_remove(&h, x);
        const mst_heap_node_t *least = NULL;
        size_t in = 0;
        for (size_t i = 0; i < 200; i++) {
            if (n[i].index == 0)
                continue;
            in++;
            if (least == NULL || n[i].due_ns < least->due_ns || (n[i].due_ns == least->due_ns && n[i].seq < least->seq))
                least = &n[i];
        }
        assert_int_equal(h.count, in);
        assert_ptr_equal(mst_heap_peek(&h), least);
        for (size_t i = 0; i < h.count; i++) { // parents before children, and everyone knows his place
            const mst_heap_node_t *up = h.items[i > 0 ? (i - 1) / 2 : 0];
            assert_int_equal(h.items[i]->index, i + 1);
            assert_true(up->due_ns < h.items[i]->due_ns ||
                        (up->due_ns == h.items[i]->due_ns && up->seq <= h.items[i]->seq));
        }
    }
    mst_heap_deinit(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap_ties_leave_in_order),
        cmocka_unit_test(test_heap_move_and_remove),
        cmocka_unit_test(test_heap_against_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
