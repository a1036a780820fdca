// coordinator/payload and spool: what the numbers of the core stand for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "coordinator/payload.h"

static void
test_payload_small(void **state)
{
    (void)state;
    mst_payloads_t p;
    mst_payloads_init(&p);
    for (uint64_t i = 0; i < 5000; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "case %llu", (unsigned long long)i);
        assert_int_equal(mst_payloads_add(&p, i, mst_str(text, (size_t)n), NULL), MST_OK);
    }
    for (uint64_t i = 0; i < 5000; i += 2)
        mst_payloads_drop(&p, i);
    mst_payloads_drop(&p, 4); // twice
    assert_int_equal(p.count, 2500);
    assert_null(mst_payloads_get(&p, 4000));
    const mst_payload_t *e = mst_payloads_get(&p, 4001);
    assert_non_null(e);
    assert_true(mst_str_eq_c(mst_str(e->bytes, e->n), "case 4001"));
    assert_int_equal(e->blob_bytes, 0);
    assert_int_equal(p.blobs.fd, -1); // no file for small ones
    for (uint64_t i = 0; i < 5000; i++)
        mst_payloads_drop(&p, i);
    assert_int_equal(p.held_bytes, 0);
    mst_payloads_deinit(&p);
}

static void
test_payload_large(void **state)
{
    (void)state;
    mst_payloads_t p;
    mst_payloads_init(&p);
    size_t n = MST_CASE_INLINE_MAX + 1;
    char *a = mst_xalloc(n), *b = mst_xalloc(2 * n), *back = mst_xalloc(2 * n);
    memset(a, 'a', n);
    memset(b, 'b', 2 * n);
    assert_int_equal(mst_payloads_add(&p, 1, mst_str(a, n), NULL), MST_OK);
    assert_int_equal(mst_payloads_add(&p, 2, mst_str(b, 2 * n), NULL), MST_OK);
    assert_true(p.held_bytes < 1000);
    const mst_payload_t *e = mst_payloads_get(&p, 2);
    assert_int_equal(e->blob_bytes, 2 * n);
    assert_int_equal(e->n, 0);
    assert_int_equal(mst_spool_read(&p.blobs, e->blob_at, back, 2 * n, NULL), MST_OK);
    assert_memory_equal(back, b, 2 * n);
    mst_payloads_drop(&p, 1);
    assert_int_equal(mst_spool_read(&p.blobs, e->blob_at, back, 2 * n, NULL), MST_OK);
    assert_memory_equal(back, b, 2 * n);
    mst_err_t err = {0};
    assert_int_equal(mst_spool_read(&p.blobs, e->blob_at + 1, back, 2 * n, &err), MST_IO); // beyond the end
    mst_payloads_drop(&p, 2);
    struct stat st;
    assert_int_equal(fstat(p.blobs.fd, &st), 0);
    assert_int_equal(st.st_size, 0);  // the space is given back
    assert_int_equal(st.st_nlink, 0); // and the file has no name
    assert_int_equal(mst_payloads_add(&p, 3, mst_str(a, n), NULL), MST_OK);
    assert_int_equal(mst_payloads_get(&p, 3)->blob_at, 0);
    mst_payloads_deinit(&p);
    free(a);
    free(b);
    free(back);
}

static void
test_payload_no_place(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char *before = tmp != NULL ? mst_xstrdup(tmp) : NULL;
    assert_int_equal(setenv("TMPDIR", "/no/such/folder", 1), 0);
    mst_payloads_t p;
    mst_err_t err = {0};
    mst_payloads_init(&p);
    char *a = mst_xalloc(MST_CASE_INLINE_MAX + 1);
    assert_int_equal(mst_payloads_add(&p, 1, mst_str(a, MST_CASE_INLINE_MAX + 1), &err), MST_IO);
    assert_non_null(strstr(err.message, "/no/such/folder"));
    assert_int_equal(p.count, 0);
    mst_payloads_deinit(&p);
    free(a);
    if (before != NULL)
        assert_int_equal(setenv("TMPDIR", before, 1), 0);
    else
        assert_int_equal(unsetenv("TMPDIR"), 0);
    free(before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload_small),
        cmocka_unit_test(test_payload_large),
        cmocka_unit_test(test_payload_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
