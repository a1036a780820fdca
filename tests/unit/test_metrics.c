// common/text: stems, tokens and small texts of the similarity metrics whose answers can be seen at a glance. The
// conformance tests hold the same functions against tables of the references.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/text/bleu.h"
#include "common/text/chrf.h"
#include "common/text/porter.h"
#include "common/text/qa.h"
#include "common/text/rouge.h"
#include "common/text/rouge_tokens.h"

#include <math.h>

static void
stems_to(const char *word, const char *want)
{
    char room[64];
    size_t n = strlen(word);
    memcpy(room, word, n);
    n = mst_porter_stem(room, n);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(room, want, n);
}

static void
test_porter_stems_as_nltk(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"is", "is"},           {"dying", "die"},      {"skies", "sky"},       {"news", "news"},
        {"dies", "die"},        {"ponies", "poni"},    {"died", "die"},        {"tried", "tri"},
        {"agreed", "agre"},     {"feed", "feed"},      {"happy", "happi"},     {"enjoy", "enjoy"},
        {"fly", "fli"},         {"by", "by"},          {"hopping", "hop"},     {"falling", "fall"},
        {"filing", "file"},     {"geologi", "geolog"}, {"radicalli", "radic"}, {"hopefulli", "hope"},
        {"rational", "ration"}, {"adoption", "adopt"}, {"million", "million"}, {"controll", "control"},
        {"yyyy", "yyyi"},       {"innings", "inning"}, {"proceed", "proceed"}, {"a1b2s", "a1b2"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        stems_to(pairs[i][0], pairs[i][1]);
}

static void
test_porter_takes_a_long_word(void **state)
{
    (void)state;

    enum { BYTES = 1 << 20 };

    char *word = mst_xalloc(BYTES);
    memset(word, 'y', BYTES);
    memcpy(word + BYTES - 3, "ing", 3);
    assert_in_range(mst_porter_stem(word, BYTES), BYTES - 4, BYTES - 2);
    memset(word, 'l', BYTES);
    assert_int_equal(mst_porter_stem(word, BYTES), BYTES);
    free(word);
}

static void
rouge_splits(const char *text, bool stem, const char *want)
{
    char room[256], got[256];
    size_t n = 0;
    mst_str_t token;
    mst_rouge_tokens_t it = mst_rouge_tokens(mst_str_c(text), stem);
    while (mst_rouge_token(&it, room, &token)) {
        if (n > 0)
            got[n++] = '|';
        memcpy(got + n, token.p, token.n);
        n += token.n;
    }
    got[n] = '\0';
    assert_string_equal(got, want);
}

static void
test_rouge_tokens(void **state)
{
    (void)state;
    rouge_splits("", false, "");
    rouge_splits("Don't stop_me (now)! 3.5", false, "don|t|stop|me|now|3|5");
    rouge_splits("Running runs ran Lies", true, "run|run|ran|lie");
    rouge_splits("na\xc3\xafve \xe4\xb8\xad\xe6\x96\x87", false, "na|ve");
    rouge_splits("A\xe2\x84\xaa"
                 "B",
                 false, "akb"); // Kelvin sign
    rouge_splits("A\xc4\xb0"
                 "B x",
                 false, "ai|b|x");                          // dotted I: a combining dot follows the i
    rouge_splits("a\xc4 \xe2\x84 b\xe2\x84", false, "a|b"); // cut in the middle
}

static mst_prf_t
rouge(mst_rouge_type_t type, const char *target, const char *prediction)
{
    mst_prf_t got = {-1, -1, -1};
    mst_err_t err;
    mst_str_t t = mst_str_c(target);
    mst_rouge_t *r = mst_rouge_new(&type, 1, false);
    assert_int_equal(mst_rouge_score(r, &t, 1, mst_str_c(prediction), &got, &err), MST_OK);
    assert_int_equal(mst_rouge_score(r, &t, 0, mst_str_c(prediction), &got, &err), MST_INVAL);
    mst_rouge_free(&r);
    return got;
}

static void
test_rouge_by_hand(void **state)
{
    (void)state;
    mst_prf_t got = rouge((mst_rouge_type_t)1, "a b c d", "a a b x y");
    assert_true(got.precision == 2.0 / 5 && got.recall == 2.0 / 4);
    got = rouge((mst_rouge_type_t)2, "a b c d", "x a b c");
    assert_true(got.precision == 2.0 / 3 && got.recall == 2.0 / 3);
    got = rouge(MST_ROUGE_L, "a b c d", "b a c x d");
    assert_true(got.precision == 3.0 / 5 && got.recall == 3.0 / 4);
    got = rouge(MST_ROUGE_LSUM, "a b\nc d", "c d\na b");
    assert_true(got.fmeasure == 1.0);
    got = rouge(MST_ROUGE_L, "a b\nc d", "c d\na b");
    assert_true(got.fmeasure == 0.5);
    got = rouge(MST_ROUGE_LSUM, "", "a");
    assert_true(got.precision == 0.0 && got.recall == 0.0 && got.fmeasure == 0.0);
}

static void
test_rouge_takes_the_best_target(void **state)
{
    (void)state;
    mst_rouge_type_t types[] = {(mst_rouge_type_t)1, MST_ROUGE_LSUM};
    mst_str_t targets[] = {MST_STR("x y"), MST_STR(""), MST_STR("a b c d"), MST_STR("d c b a")};
    mst_prf_t got[2];
    mst_err_t err;
    mst_rouge_t *r = mst_rouge_new(types, 2, true);
    assert_int_equal(mst_rouge_score(r, targets, 4, MST_STR("a b"), got, &err), MST_OK);
    assert_true(got[0].precision == 1.0 && got[0].recall == 0.5);
    assert_true(got[1].precision == 1.0 && got[1].recall == 0.5);
    mst_rouge_free(&r);
}

static void
test_rouge_type_names(void **state)
{
    (void)state;
    mst_rouge_type_t type;
    static const char *const bad[] = {"rouge", "rouge0", "rouge10", "rougen", "rougel", "ROUGE1", "rougeLSum", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mst_rouge_type_parse(mst_str_c(bad[i]), &type));
    assert_true(mst_rouge_type_parse(MST_STR("rouge9"), &type) && (unsigned)type == 9);
    assert_true(mst_rouge_type_parse(MST_STR("rougeLsum"), &type) && type == MST_ROUGE_LSUM);
    assert_string_equal(mst_rouge_type_name(MST_ROUGE_L), "rougeL");
}

static void
bleu_splits(mst_bleu_tok_t tok, const char *text, const char *want)
{
    char got[256];
    size_t n = 0;
    mst_str_t prepared, token;
    mst_buf_t a, b;
    mst_bleu_tokenizer_t how;
    mst_buf_init(&a, 4096);
    mst_buf_init(&b, 4096);
    mst_bleu_tokenizer_init(&how, tok);
    assert_int_equal(mst_bleu_prepare(&how, false, mst_str_c(text), &a, &b, &prepared), MST_OK);
    mst_bleu_tokens_t it = mst_bleu_tokens(&how, prepared);
    while (mst_bleu_token(&it, &token)) {
        if (n > 0)
            got[n++] = ' ';
        memcpy(got + n, token.p, token.n);
        n += token.n;
    }
    got[n] = '\0';
    assert_string_equal(got, want);
    mst_buf_deinit(&a);
    mst_buf_deinit(&b);
}

static void
test_bleu_tokens(void **state)
{
    (void)state;
    bleu_splits(MST_BLEU_13A, "", "");
    bleu_splits(MST_BLEU_13A, "It's $3.50, e.g. 5-6% (or 1,000).", "It's $ 3.50 , e . g . 5 - 6 % ( or 1,000 ) .");
    bleu_splits(MST_BLEU_13A, "a..b a.,5 5.. .5", "a . . b a . ,5 5 . . . 5");
    bleu_splits(MST_BLEU_13A, "5--3 x-5- -\nwell-\nknown ", "5 - -3 x-5 - wellknown");
    bleu_splits(MST_BLEU_13A, "&lt;b&gt; &amp;lt; &quot;x&quot; <skipped>y", "< b > < \" x \" y");
    bleu_splits(MST_BLEU_13A, "&amp;quot;", "& quot ;");
    bleu_splits(MST_BLEU_ZH, "5.", "5.");
    bleu_splits(MST_BLEU_ZH, ".a", ". a");
    bleu_splits(MST_BLEU_ZH,
                "\xe4\xb8\xad\xe6\x96\x87"
                "ab&amp;\xe2\x80\x94",
                "\xe4\xb8\xad \xe6\x96\x87 ab & amp ; \xe2\x80\x94");
    bleu_splits(MST_BLEU_INTL, "5. 3,5 a.b \xc2\xabx\xc2\xbb 5\xe2\x82\xac",
                "5 . 3,5 a . b \xc2\xab x \xc2\xbb 5 \xe2\x82\xac");
    bleu_splits(MST_BLEU_INTL, "ends in 5.", "ends in 5.");
    bleu_splits(MST_BLEU_CHAR, "a b\xc3\xa9", "a b \xc3\xa9");
    bleu_splits(MST_BLEU_NONE, " a.b\xc2\xa0 c ", "a.b c");
}

static double
bleu(const mst_bleu_how_t *how, const mst_str_t *refs, size_t count, const char *text, mst_bleu_stats_t *stats)
{
    mst_err_t err;
    mst_bleu_result_t got;
    mst_bleu_t *b = mst_bleu_new(how);
    assert_int_equal(mst_bleu_sentence(b, refs, count, mst_str_c(text), stats, &err), MST_OK);
    mst_bleu_score(stats, how, &got);
    mst_bleu_free(&b);
    return got.score;
}

static void
test_bleu_by_hand(void **state)
{
    (void)state;
    mst_bleu_stats_t s;
    mst_bleu_how_t how = {.tok = MST_BLEU_NONE, .order = 2, .smooth = MST_BLEU_NO_SMOOTHING};
    mst_str_t refs[] = {MST_STR("a b c d e f"), MST_STR("a a b c"), MST_STR("x")};
    assert_true(fabs(bleu(&how, refs, 3, "a a b c", &s) - 100.0) < 1e-9);
    assert_true(fabs(bleu(&how, refs, 1, "a a b c", &s) - 100.0 * exp(-0.5) * sqrt(3.0 / 4 * 2.0 / 3)) < 1e-9);
    assert_int_equal(s.sys_len, 4);
    assert_int_equal(s.ref_len, 6);
    (void)bleu(&how, refs, 2, "a b c d e", &s); // 4 and 6 are as close: the shorter
    assert_int_equal(s.ref_len, 4);
    assert_true(bleu(&how, refs, 3, "a", &s) == 0.0);
    how.effective_order = true;
    assert_true(fabs(bleu(&how, refs, 3, "a", &s) - 100.0) < 1e-9);
    assert_true(bleu(&how, refs, 3, "", &s) == 0.0);
}

static void
test_chrf_by_hand(void **state)
{
    (void)state;
    mst_err_t err;
    mst_chrf_stats_t s;
    mst_chrf_how_t how = {.char_order = 2, .word_order = 1, .beta = 1};
    mst_str_t refs[] = {MST_STR("zz"), MST_STR("(ab c.")};
    mst_chrf_t *c = mst_chrf_new(&how);
    assert_int_equal(mst_chrf_sentence(c, refs, 2, MST_STR("(ab c."), &s, &err), MST_OK);
    assert_true(fabs(mst_chrf_score(&s, &how) - 100.0) < 1e-9);
    assert_int_equal(s.text[0], 5); // ( a b c .
    assert_int_equal(s.text[2], 4); // ( ab c .
    assert_int_equal(mst_chrf_sentence(c, refs, 1, MST_STR("z"), &s, &err), MST_OK);
    assert_int_equal(s.reference[1], 1);
    assert_int_equal(s.text[1], 0);
    assert_int_equal(s.both[0], 1);
    mst_chrf_free(&c);
}

static void
normalises_to(mst_qa_rules_t rules, const char *text, const char *want)
{
    mst_buf_t scratch, out;
    mst_buf_init(&scratch, 4096);
    mst_buf_init(&out, 4096);
    assert_int_equal(mst_qa_normalise(rules, mst_str_c(text), &scratch, &out), MST_OK);
    assert_int_equal(out.n, strlen(want));
    if (out.n > 0)
        assert_memory_equal(out.p, want, out.n);
    mst_buf_deinit(&scratch);
    mst_buf_deinit(&out);
}

static void
test_qa_normalises(void **state)
{
    (void)state;
    normalises_to(MST_QA_SQUAD, " The  U.S.A., a-n 'x' an Apple the", "usa x apple");
    normalises_to(MST_QA_TRIVIAQA, "The_U.S. a-n \xe2\x80\x98x\xe2\x80\x99", "u s n x");
    normalises_to(MST_QA_SQUAD, "\xe2\x80\x98the\xe2\x80\x99", "\xe2\x80\x98 \xe2\x80\x99");
    normalises_to(MST_QA_SQUAD, "a\xcc\x81 th\xc3\xa9 the1 anthem", "\xcc\x81 th\xc3\xa9 the1 anthem");
    normalises_to(MST_QA_SQUAD, "The a an", "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_porter_stems_as_nltk),
        cmocka_unit_test(test_porter_takes_a_long_word),
        cmocka_unit_test(test_rouge_tokens),
        cmocka_unit_test(test_rouge_by_hand),
        cmocka_unit_test(test_rouge_takes_the_best_target),
        cmocka_unit_test(test_rouge_type_names),
        cmocka_unit_test(test_bleu_tokens),
        cmocka_unit_test(test_bleu_by_hand),
        cmocka_unit_test(test_chrf_by_hand),
        cmocka_unit_test(test_qa_normalises),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
