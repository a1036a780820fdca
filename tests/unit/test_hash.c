// common/base/hash.h
#include "common/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void
check_hex(mst_digest_t d, const char *want)
{
    char hex[2 * MST_SHA256_BYTES + 1];
    mst_digest_hex(&d, hex);
    assert_string_equal(hex, want);
}

// FIPS 180-4's examples
static void
test_hash_sha256_known_answers(void **state)
{
    (void)state;
    check_hex(mst_sha256(MST_STR_NULL), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_hex(mst_sha256(MST_STR("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_hex(mst_sha256(MST_STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void
test_hash_sha256_in_pieces(void **state)
{
    (void)state;
    mst_sha256_t *h = mst_sha256_new();
    for (int round = 0; round < 2; round++) { // the state starts anew
        for (int i = 0; i < 1000; i++) {
            mst_sha256_add(
                h, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 89);
            mst_sha256_add(h, "aaaaaaaaaaa", 11);
            mst_sha256_add(h, NULL, 0);
        }
        for (int i = 0; i < 9; i++) {
            static char many[100000];
            memset(many, 'a', sizeof many);
            mst_sha256_add(h, many, sizeof many);
        }
        check_hex(mst_sha256_done(h), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    mst_sha256_free(&h);
    assert_null(h);
    mst_sha256_free(&h);
    mst_sha256_free(NULL);
}

static void
test_hash_sum_is_addition_modulo_2_to_256(void **state)
{
    (void)state;
    mst_digest_t acc = {{0}}, one = {{0}}, ones;
    one.b[31] = 1;
    memset(ones.b, 0xFF, sizeof ones.b);
    mst_digest_sum(&acc, &ones);
    mst_digest_sum(&acc, &one); // wraps to zero
    check_hex(acc, "0000000000000000000000000000000000000000000000000000000000000000");
    mst_digest_sum(&acc, &ones);
    mst_digest_sum(&acc, &ones);
    check_hex(acc, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe");
    acc = (mst_digest_t){{0}};
    acc.b[31] = 0xFF;
    mst_digest_sum(&acc, &one); // carries
    check_hex(acc, "0000000000000000000000000000000000000000000000000000000000000100");
    mst_digest_t a = mst_sha256(MST_STR("a")), b = mst_sha256(MST_STR("b")), c = mst_sha256(MST_STR("c"));
    mst_digest_t x = a, y = c;
    mst_digest_sum(&x, &b);
    mst_digest_sum(&x, &c);
    mst_digest_sum(&y, &a);
    mst_digest_sum(&y, &b);
    assert_memory_equal(x.b, y.b, sizeof x.b);
    mst_digest_sum(&y, &b); // a repeated row counts
    assert_memory_not_equal(x.b, y.b, sizeof x.b);
}

static void
test_hash_fast_ones(void **state)
{
    (void)state;
    assert_int_equal(mst_crc32(MST_STR("123456789")), 0xCBF43926);
    assert_int_equal(mst_crc32(MST_STR_NULL), 0);
    assert_true(mst_xxh64(MST_STR_NULL, 0) == 0x2D06800538D394C2ULL); // XXH3's value of nothing
    assert_true(mst_xxh64(MST_STR("a"), 0) == mst_xxh64(MST_STR("a"), 0));
    assert_true(mst_xxh64(MST_STR("a"), 0) != mst_xxh64(MST_STR("a"), 1));
    assert_true(mst_xxh64(MST_STR("a"), 0) != mst_xxh64(MST_STR("b"), 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_sha256_known_answers),
        cmocka_unit_test(test_hash_sha256_in_pieces),
        cmocka_unit_test(test_hash_sum_is_addition_modulo_2_to_256),
        cmocka_unit_test(test_hash_fast_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
