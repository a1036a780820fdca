// common/text: vocabularies, n-grams, subsequences and edit distances, against the plain algorithms on random texts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/base/prng.h"
#include "common/text/distance.h"
#include "common/text/lcs.h"
#include "common/text/ngrams.h"
#include "common/text/vocab.h"

#define LONGEST 400

static size_t
below(mst_prng_t *r, size_t n)
{
    return (size_t)(mst_prng_u64(r) % n);
}

// Random numbers below `kinds`, now and then MST_VOCAB_NONE.
static size_t
random_tokens(mst_prng_t *r, uint32_t *out, size_t longest, size_t kinds, bool with_none)
{
    size_t n = below(r, longest + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = with_none && below(r, 8) == 0 ? MST_VOCAB_NONE : (uint32_t)below(r, kinds);
    return n;
}

static void
test_vocab_numbers_tokens_once(void **state)
{
    (void)state;

    enum { COUNT = 5000 };

    mst_vocab_t v;
    mst_vocab_init(&v);
    assert_int_equal(mst_vocab_find(&v, MST_STR("x")), MST_VOCAB_NONE);
    char *names = mst_xalloc(COUNT * 8);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            int n = snprintf(names + 8 * i, 8, "%x", i);
            assert_int_equal(mst_vocab_add(&v, mst_str(names + 8 * i, (size_t)n)), i);
        }
        for (uint32_t i = 0; i < COUNT; i++) {
            mst_str_t name = mst_str_c(names + 8 * i);
            assert_int_equal(mst_vocab_find(&v, name), i);
            assert_int_equal(mst_vocab_add(&v, name), i);
        }
        assert_int_equal(mst_vocab_find(&v, MST_STR("nowhere")), MST_VOCAB_NONE);
        assert_int_equal(mst_vocab_find(&v, MST_STR("x")), MST_VOCAB_NONE);
        assert_int_equal(mst_vocab_add(&v, MST_STR_NULL), MST_VOCAB_NONE);
        mst_vocab_clear(&v);
        assert_int_equal(mst_vocab_find(&v, MST_STR("1")), MST_VOCAB_NONE);
    }
    free(names);
    mst_vocab_deinit(&v);
}

// The texts that a vocabulary borrowed may be gone or changed when it is cleared.
static void
test_vocab_clears_without_its_texts(void **state)
{
    (void)state;
    mst_vocab_t v;
    mst_vocab_init(&v);
    char *text = mst_xstrdup("ab");
    assert_int_equal(mst_vocab_add(&v, mst_str(text, 1)), 0);
    assert_int_equal(mst_vocab_add(&v, mst_str(text, 2)), 1);
    text[0] = 'z';
    free(text);
    mst_vocab_clear(&v);
    assert_int_equal(mst_vocab_find(&v, MST_STR("a")), MST_VOCAB_NONE);
    assert_int_equal(mst_vocab_add(&v, MST_STR("b")), 0);
    assert_int_equal(mst_vocab_add(&v, MST_STR("a")), 1);
    mst_vocab_deinit(&v);
}

static size_t
occurrences(const uint32_t *gram, unsigned n, const uint32_t *in, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i + n <= count; i++)
        found += memcmp(in + i, gram, n * sizeof *gram) == 0;
    return found;
}

// Sum over the distinct n-grams of text of min(count in text, greatest count in a reference).
static uint64_t
plain_matches(const uint32_t *text, size_t count, uint32_t (*refs)[LONGEST], const size_t *ref_counts, size_t ref_count,
              unsigned n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i + n <= count; i++) {
        bool none = false;
        for (unsigned k = 0; k < n; k++)
            none = none || text[i + k] == MST_VOCAB_NONE;
        if (none || occurrences(text + i, n, text, i + n - 1) > 0)
            continue; // seen before
        size_t most = 0, mine = occurrences(text + i, n, text, count);
        for (size_t r = 0; r < ref_count; r++) {
            size_t one = occurrences(text + i, n, refs[r], ref_counts[r]);
            most = one > most ? one : most;
        }
        sum += most < mine ? most : mine;
    }
    return sum;
}

static void
test_ngrams_agree_with_counting(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 11);
    mst_ngrams_t g;
    mst_ngrams_init(&g);
    static uint32_t refs[3][LONGEST], text[LONGEST], together[3 * LONGEST];
    uint64_t ends[3], matches[MST_NGRAMS_ORDER_MAX];
    for (int round = 0; round < 300; round++) {
        size_t ref_count = 1 + below(&r, 3), counts[3] = {0}, total = 0, kinds = 1 + below(&r, 6);
        unsigned order = 1 + (unsigned)below(&r, MST_NGRAMS_ORDER_MAX);
        for (size_t i = 0; i < ref_count; i++) {
            counts[i] = random_tokens(&r, refs[i], 60, kinds, false);
            memcpy(together + total, refs[i], counts[i] * sizeof refs[0][0]);
            ends[i] = total += counts[i];
        }
        size_t n = random_tokens(&r, text, 60, kinds, true);
        uint32_t below_kinds = round % 2 == 0 ? (uint32_t)kinds : 1U << 20; // few kinds, and too many for pairs
        mst_ngrams_in_t in = {together, ends, ref_count, below_kinds, text, n, order};
        assert_int_equal(mst_ngrams_match(&g, &in, matches), MST_OK);
        for (unsigned k = 1; k <= order; k++)
            assert_int_equal(matches[k - 1], plain_matches(text, n, refs, counts, ref_count, k));
    }
    mst_ngrams_deinit(&g);
}

// The table of lengths: rows over the pattern, columns over the text.
static void
plain_table(const uint32_t *pattern, size_t n, const uint32_t *text, size_t m, uint32_t (*t)[LONGEST + 1])
{
    memset(t, 0, sizeof t[0] * (n + 1));
    for (size_t i = 1; i <= n; i++) {
        for (size_t j = 1; j <= m; j++) {
            bool same = pattern[i - 1] == text[j - 1] && text[j - 1] != MST_VOCAB_NONE;
            uint32_t most = t[i - 1][j] > t[i][j - 1] ? t[i - 1][j] : t[i][j - 1];
            t[i][j] = same ? t[i - 1][j - 1] + 1 : most;
        }
    }
}

static void
plain_marks(const uint32_t *pattern, size_t n, const uint32_t *text, size_t m, uint32_t (*t)[LONGEST + 1], bool *marks)
{
    size_t i = n, j = m;
    while (i > 0 && j > 0) {
        if (pattern[i - 1] == text[j - 1] && text[j - 1] != MST_VOCAB_NONE) {
            marks[i - 1] = true;
            i--;
            j--;
        } else if (t[i][j - 1] > t[i - 1][j]) {
            j--;
        } else {
            i--;
        }
    }
}

static void
test_lcs_agrees_with_the_table(void **state)
{
    (void)state;
    static uint32_t pattern[LONGEST], text[LONGEST], table[LONGEST + 1][LONGEST + 1];
    mst_prng_t r;
    mst_prng_seed(&r, 12);
    mst_lcs_t l;
    mst_lcs_init(&l);
    for (int round = 0; round < 300; round++) {
        size_t kinds = 1 + below(&r, 30), longest = round % 3 == 0 ? LONGEST : 70, length = 0;
        size_t n = random_tokens(&r, pattern, longest, kinds, true);
        bool marks[LONGEST] = {false};
        assert_int_equal(mst_lcs_start(&l, (uint32_t)kinds), MST_OK);
        assert_int_equal(mst_lcs_pattern(&l, pattern, n), MST_OK);
        for (int k = 0; k < 3; k++) { // marks of several texts add up
            size_t m = random_tokens(&r, text, longest, kinds + 3, true);
            plain_table(pattern, n, text, m, table);
            plain_marks(pattern, n, text, m, table, marks);
            assert_int_equal(mst_lcs_length(&l, text, m, &length), MST_OK);
            assert_int_equal(length, table[n][m]);
            assert_int_equal(mst_lcs_mark(&l, text, m), MST_OK);
        }
        for (size_t i = 0; i < n; i++)
            assert_int_equal(mst_lcs_marked(&l, i), marks[i]);
    }
    mst_lcs_deinit(&l);
}

static void
test_lcs_refuses_a_table_that_is_too_big(void **state)
{
    (void)state;

    enum { PATTERN = 64 * 300, TEXT = 60000 };

    uint32_t *pattern = MST_NEW_ARRAY(uint32_t, PATTERN), *text = MST_NEW_ARRAY(uint32_t, TEXT);
    size_t length = 0;
    mst_lcs_t l;
    mst_lcs_init(&l);
    assert_int_equal(mst_lcs_start(&l, 1), MST_OK);
    assert_int_equal(mst_lcs_pattern(&l, pattern, PATTERN), MST_OK);
    assert_int_equal(mst_lcs_mark(&l, text, TEXT), MST_LIMIT);
    assert_int_equal(mst_lcs_length(&l, text, TEXT / 10, &length), MST_OK);
    assert_int_equal(length, TEXT / 10);
    free(pattern);
    free(text);
    mst_lcs_deinit(&l);
}

static uint64_t
plain_distance(const char *a, size_t n, const char *b, size_t m)
{
    uint64_t *row = MST_NEW_ARRAY(uint64_t, m + 1);
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        uint64_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            uint64_t best = corner + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            corner = row[j];
            row[j] = best;
        }
    }
    uint64_t d = row[m];
    free(row);
    return d;
}

static size_t
random_text(mst_prng_t *r, char *out, size_t longest, size_t kinds)
{
    size_t n = below(r, longest + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = (char)('a' + below(r, kinds));
    return n;
}

// b becomes a with some edits.
static size_t
edited(mst_prng_t *r, const char *a, size_t n, char *b, size_t edits)
{
    memcpy(b, a, n);
    for (size_t i = 0; i < edits && n > 1; i++) {
        size_t at = below(r, n), kind = below(r, 3);
        if (kind == 0) {
            b[at] = (char)('a' + below(r, 20));
        } else if (kind == 1) {
            memmove(b + at, b + at + 1, n - at - 1);
            n--;
        } else {
            memmove(b + at + 1, b + at, n - at);
            b[at] = 'z';
            n++;
        }
    }
    return n;
}

static void
test_distance_agrees_with_the_table(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 13);
    mst_distance_ctx_t *d = mst_distance_new(MST_UNIT_CHARS), *bytes = mst_distance_new(MST_UNIT_BYTES);
    mst_distance_t got;
    mst_err_t err;
    static char a[4096], b[4096];
    for (int round = 0; round < 400; round++) {
        size_t longest = round % 8 == 0 ? 1500 : 200, kinds = 1 + below(&r, 20);
        size_t n = random_text(&r, a, longest, kinds), m;
        if (round % 2 == 0)
            m = random_text(&r, b, longest, kinds);
        else
            m = edited(&r, a, n, b, below(&r, 90));
        uint64_t want = plain_distance(a, n, b, m);
        assert_int_equal(mst_distance(d, mst_str(a, n), mst_str(b, m), UINT64_MAX, &got, &err), MST_OK);
        assert_int_equal(got.distance, want);
        assert_int_equal(got.longest, n > m ? n : m);
        assert_int_equal(mst_distance(bytes, mst_str(b, m), mst_str(a, n), want, &got, &err), MST_OK);
        assert_int_equal(got.distance, want);
        uint64_t limit = want > 0 ? below(&r, want) : 0;
        assert_int_equal(mst_distance(d, mst_str(a, n), mst_str(b, m), limit, &got, &err), MST_OK);
        assert_int_equal(got.distance, want > limit ? limit + 1 : want);
    }
    mst_distance_free(&d);
    mst_distance_free(&bytes);
}

static void
test_distance_counts_units(void **state)
{
    (void)state;

    static const struct {
        const char *a, *b;
        uint64_t chars, bytes, words;
    } rows[] = {
        {"", "", 0, 0, 0},
        {"\xc3\xa9", "\xc3\xa8", 1, 1, 1},       // the same first byte
        {"x\xc3\xa9", "x\xe2\x82\xa9", 1, 2, 1}, // the same last byte
        {"\xe4\xb8\xad\xe6\x96\x87", "\xe6\x96\x87", 1, 3, 1},
        {"one two  three", " one three", 6, 6, 1},
        {"a\xff"
         "b",
         "a\xfe"
         "b",
         0, 1, 1}, // invalid bytes are alike, as characters
    };

    mst_distance_t got;
    mst_err_t err;
    for (unsigned unit = 0; unit < 3; unit++) {
        mst_distance_ctx_t *d = mst_distance_new((mst_unit_t)unit);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            uint64_t want = unit == 0 ? rows[i].chars : unit == 1 ? rows[i].bytes : rows[i].words;
            mst_str_t a = mst_str_c(rows[i].a), b = mst_str_c(rows[i].b);
            assert_int_equal(mst_distance(d, a, b, UINT64_MAX, &got, &err), MST_OK);
            assert_int_equal(got.distance, want);
        }
        mst_distance_free(&d);
    }
}

static void
test_distance_of_long_texts(void **state)
{
    (void)state;

    enum { BYTES = 10 << 20 };

    mst_prng_t r;
    mst_prng_seed(&r, 14);
    char *a = mst_xalloc(BYTES), *b = mst_xalloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        a[i] = (char)('a' + below(&r, 26));
    memcpy(b, a, BYTES);
    b[4000000] = '!';
    b[4000500] = '!';
    memmove(b + 4100001, b + 4100000, 1000);
    mst_distance_ctx_t *d = mst_distance_new(MST_UNIT_CHARS);
    mst_distance_t got;
    mst_err_t err = {.rc = MST_OK};
    assert_int_equal(mst_distance(d, mst_str(a, BYTES), mst_str(b, BYTES), UINT64_MAX, &got, &err), MST_OK);
    assert_in_range(got.distance, 3, 5);
    b[0] = '!';
    b[BYTES - 1] = '!';
    assert_int_equal(mst_distance(d, mst_str(a, BYTES), mst_str(b, BYTES), UINT64_MAX, &got, &err), MST_LIMIT);
    assert_non_null(strstr(err.message, "too long and too different"));
    assert_int_equal(mst_distance(d, mst_str(a, BYTES), mst_str(b, 5), UINT64_MAX, &got, &err), MST_OK);
    assert_in_range(got.distance, BYTES - 5, BYTES - 1);
    assert_int_equal(mst_distance(d, mst_str(a, BYTES), mst_str(b, 5), 100, &got, &err), MST_OK);
    assert_int_equal(got.distance, 101);
    mst_distance_free(&d);
    free(a);
    free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vocab_numbers_tokens_once),
        cmocka_unit_test(test_vocab_clears_without_its_texts),
        cmocka_unit_test(test_ngrams_agree_with_counting),
        cmocka_unit_test(test_lcs_agrees_with_the_table),
        cmocka_unit_test(test_lcs_refuses_a_table_that_is_too_big),
        cmocka_unit_test(test_distance_agrees_with_the_table),
        cmocka_unit_test(test_distance_counts_units),
        cmocka_unit_test(test_distance_of_long_texts),
    };
    return cmocka_run_group_tests_name("similarity", tests, NULL, NULL);
}
