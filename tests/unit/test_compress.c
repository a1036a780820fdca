// common/base/compress.h
#include "common/base/compress.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static void
add_gzip(mst_buf_t *out, const char *p, size_t n)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&z, n);
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)mst_buf_reserve(out, bound);
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n += z.total_out;
    deflateEnd(&z);
}

static void
add_zstd(mst_buf_t *out, const char *p, size_t n)
{
    char *to = mst_buf_reserve(out, ZSTD_compressBound(n));
    size_t got = ZSTD_compress(to, ZSTD_compressBound(n), p, n, 3);
    assert_false(ZSTD_isError(got));
    out->n += got;
}

static void
add_compressed(mst_comp_t kind, mst_buf_t *out, mst_str_t s)
{
    if (kind == MST_COMP_GZIP)
        add_gzip(out, s.p, s.n);
    else if (kind == MST_COMP_ZSTD)
        add_zstd(out, s.p, s.n);
    else
        (void)mst_buf_add_str(out, s);
}

// The whole content, handed over in pieces of in_piece bytes and taken in pieces of out_piece bytes.
static mst_rc
inflate_all(mst_comp_t kind, mst_str_t in, size_t in_piece, size_t out_piece, mst_buf_t *out, mst_err_t *err)
{
    mst_inflate_t *z = mst_inflate_new(kind);
    char *piece = mst_xalloc(out_piece);
    mst_rc rc = MST_OK;
    size_t at = 0, got = 0, taken = 0;
    do {
        size_t n = in.n - at < in_piece ? in.n - at : in_piece;
        rc = mst_inflate_step(z, mst_str(in.p + at, n), &taken, piece, out_piece, &got, err);
        at += taken;
        if (rc == MST_OK)
            rc = mst_buf_add(out, piece, got);
    } while (rc == MST_OK && (at < in.n || got == out_piece || taken > 0));
    if (rc == MST_OK)
        rc = mst_inflate_end(z, err);
    free(piece);
    mst_inflate_free(&z);
    return rc;
}

static void
make_text(mst_buf_t *b, size_t lines)
{
    mst_prng_t r;
    mst_prng_seed(&r, 3);
    for (size_t i = 0; i < lines; i++)
        (void)mst_buf_addf(b, "{\"id\": %zu, \"x\": %llu}\n", i, (unsigned long long)mst_prng_below(&r, 1000));
}

static const mst_comp_t kinds[] = {MST_COMP_NONE, MST_COMP_GZIP, MST_COMP_ZSTD};

static void
test_compress_detects_by_content(void **state)
{
    (void)state;
    assert_int_equal(mst_comp_detect(MST_STR_NULL), MST_COMP_NONE);
    assert_int_equal(mst_comp_detect(MST_STR("{\"a\"")), MST_COMP_NONE);
    assert_int_equal(mst_comp_detect(MST_STR("\x1f")), MST_COMP_NONE);
    assert_int_equal(mst_comp_detect(MST_STR("\x1f\x8b\x08")), MST_COMP_GZIP);
    assert_int_equal(mst_comp_detect(MST_STR("\x28\xb5\x2f\xfd")), MST_COMP_ZSTD);
    assert_int_equal(mst_comp_detect(MST_STR("\x50\x2a\x4d\x18")), MST_COMP_ZSTD);
}

static void
test_compress_round_trip_in_any_pieces(void **state)
{
    (void)state;
    mst_buf_t text, packed, out;
    mst_buf_init(&text, MST_MIB);
    make_text(&text, 3000);
    const size_t pieces[] = {1, 7, 1000, 1 << 20};
    for (size_t k = 0; k < 3; k++) {
        mst_buf_init(&packed, MST_MIB);
        add_compressed(kinds[k], &packed, mst_buf_view(&text));
        assert_int_equal(mst_comp_detect(mst_buf_view(&packed)), kinds[k]);
        for (size_t i = 0; i < 16; i++) {
            mst_buf_init(&out, MST_MIB);
            mst_err_t err = {0};
            assert_int_equal(inflate_all(kinds[k], mst_buf_view(&packed), pieces[i % 4], pieces[i / 4], &out, &err),
                             MST_OK);
            assert_true(mst_str_eq(mst_buf_view(&out), mst_buf_view(&text)));
            mst_buf_deinit(&out);
        }
        mst_buf_deinit(&packed);
    }
    mst_buf_deinit(&text);
}

static void
test_compress_members_behind_one_another(void **state)
{
    (void)state;
    for (size_t k = 1; k < 3; k++) {
        for (size_t piece = 1; piece < 2000; piece = piece * 9 + 1) {
            mst_buf_t packed, out;
            mst_buf_init(&packed, MST_MIB);
            mst_buf_init(&out, MST_MIB);
            add_compressed(kinds[k], &packed, MST_STR("one "));
            add_compressed(kinds[k], &packed, MST_STR(""));
            add_compressed(kinds[k], &packed, MST_STR("two"));
            if (kinds[k] == MST_COMP_GZIP)
                (void)mst_buf_add(&packed, "\0\0\0\0\0", 5); // padding of a tape block
            mst_err_t err = {0};
            assert_int_equal(inflate_all(kinds[k], mst_buf_view(&packed), piece, piece, &out, &err), MST_OK);
            assert_true(mst_str_eq_c(mst_buf_view(&out), "one two"));
            mst_buf_deinit(&out);
            mst_buf_deinit(&packed);
        }
    }
}

// Cut anywhere, a content is refused, never read as a shorter one.
static void
test_compress_cut_short(void **state)
{
    (void)state;
    for (size_t k = 1; k < 3; k++) {
        mst_buf_t text, packed;
        mst_buf_init(&text, MST_MIB);
        mst_buf_init(&packed, MST_MIB);
        make_text(&text, 20);
        add_compressed(kinds[k], &packed, mst_buf_view(&text));
        for (size_t n = 0; n < packed.n; n++) {
            mst_buf_t out;
            mst_buf_init(&out, MST_MIB);
            mst_err_t err = {0};
            mst_rc rc = inflate_all(kinds[k], mst_str(packed.p, n), 4096, 4096, &out, &err);
            assert_int_equal(rc, MST_PROTO);
            assert_non_null(strstr(err.message, "cut short"));
            mst_buf_deinit(&out);
        }
        mst_buf_deinit(&packed);
        mst_buf_deinit(&text);
    }
}

static void
test_compress_broken_or_followed_by_junk(void **state)
{
    (void)state;
    for (size_t k = 1; k < 3; k++) {
        mst_buf_t text, packed, out;
        mst_buf_init(&text, MST_MIB);
        mst_buf_init(&packed, MST_MIB);
        mst_buf_init(&out, MST_MIB);
        make_text(&text, 200);
        add_compressed(kinds[k], &packed, mst_buf_view(&text));
        mst_err_t err = {0};
        for (size_t i = 0; i < 16; i++)
            packed.p[packed.n / 2 + i] = (char)(packed.p[packed.n / 2 + i] ^ 0x55);
        assert_int_equal(inflate_all(kinds[k], mst_buf_view(&packed), 4096, 4096, &out, &err), MST_PROTO);
        mst_buf_reset(&packed);
        mst_buf_reset(&out);
        add_compressed(kinds[k], &packed, mst_buf_view(&text));
        (void)mst_buf_add_c(&packed, "junk");
        assert_int_equal(inflate_all(kinds[k], mst_buf_view(&packed), 4096, 4096, &out, &err), MST_PROTO);
        mst_buf_deinit(&out);
        mst_buf_deinit(&packed);
        mst_buf_deinit(&text);
    }
    mst_buf_t packed, out; // something behind padding
    mst_buf_init(&packed, MST_MIB);
    mst_buf_init(&out, MST_MIB);
    add_gzip(&packed, "a", 1);
    (void)mst_buf_add_byte(&packed, '\0');
    add_gzip(&packed, "b", 1);
    mst_err_t err = {0};
    assert_int_equal(inflate_all(MST_COMP_GZIP, mst_buf_view(&packed), 4096, 4096, &out, &err), MST_PROTO);
    mst_buf_deinit(&out);
    mst_buf_deinit(&packed);
}

static void
test_compress_bomb_is_refused(void **state)
{
    (void)state;
    const size_t n = 40 * MST_MIB;
    char *zeros = mst_xalloc(n);
    for (size_t k = 1; k < 3; k++) {
        mst_buf_t packed, out;
        mst_buf_init(&packed, 64 * MST_MIB);
        mst_buf_init(&out, 64 * MST_MIB);
        add_compressed(kinds[k], &packed, mst_str(zeros, n));
        mst_err_t err = {0};
        assert_int_equal(inflate_all(kinds[k], mst_buf_view(&packed), 4096, 1 << 20, &out, &err), MST_LIMIT);
        assert_non_null(strstr(err.message, "200 times"));
        assert_true(out.n >= 16 * MST_MIB && out.n <= 18 * MST_MIB); // the first 16 MiB are free
        mst_buf_deinit(&out);
        mst_buf_deinit(&packed);
    }
    free(zeros);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compress_detects_by_content),
        cmocka_unit_test(test_compress_round_trip_in_any_pieces),
        cmocka_unit_test(test_compress_members_behind_one_another),
        cmocka_unit_test(test_compress_cut_short),
        cmocka_unit_test(test_compress_broken_or_followed_by_junk),
        cmocka_unit_test(test_compress_bomb_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
