// Tokenizers: both layouts of a folder say the same, special tokens written in a text, cutting, the word pattern and
// the joins of byte-level BPE, texts that no one should have to be afraid of.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/nn/bpe.h"
#include "common/nn/tokenizer.h"
#include "unit/tiny_model.h"

static mst_arena_t *arena, *kept;
static mst_json_parser_t *parser;

static int
set_up(void **state)
{
    (void)state;
    arena = mst_arena_new(512u << 20);
    kept = mst_arena_new(512u << 20);
    parser = mst_json_parser_new();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    mst_arena_free(&arena);
    mst_arena_free(&kept);
    mst_json_parser_free(&parser);
    return 0;
}

static mst_tokenizer_t *
open_tokenizer(tiny_t *t)
{
    const mst_nn_files_t files = tiny_files(t);
    mst_tokenizer_t *out = NULL;
    mst_err_t err;
    if (mst_tokenizer_new(&files, parser, kept, &out, &err) != MST_OK)
        fail_msg("%s", err.message);
    return out;
}

static mst_nn_ids_t
encode(const mst_tokenizer_t *t, mst_str_t text, size_t max, bool slow, bool blank)
{
    const mst_tokenizer_how_t how = {.len_max = max, .slow = slow, .prefix_blank = blank};
    mst_nn_ids_t ids = {0};
    mst_err_t err;
    if (mst_tokenizer_encode(t, text, &how, arena, &ids, &err) != MST_OK)
        fail_msg("%s", err.message);
    return ids;
}

static void
expect_ids(const mst_tokenizer_t *t, const char *text, bool slow, bool blank, const int *want)
{
    mst_nn_ids_t got = encode(t, mst_str_c(text), 1000, slow, blank);
    for (size_t i = 0; i < got.count; i++) {
        if (want[i] < 0 || got.ids[i] != (uint32_t)want[i])
            fail_msg("\"%s\": token %zu is %u, not %d", text, i, got.ids[i], want[i]);
    }
    assert_int_equal(want[got.count], -1);
}

// The vocabulary of tiny_model.h as tokenizer.json, with its normalizer's settings.
static void
put_bert_json(tiny_t *t, const char *settings)
{
    mst_buf_t *b = tiny_file(t, "tokenizer.json");
    mst_str_t text = MST_STR_NULL;
    mst_err_t err;
    assert_int_equal(tiny_read(t, "vocab.txt", &text, &err), MST_OK);
    (void)mst_buf_addf(
        b,
        "{\"added_tokens\":[{\"id\":0,\"content\":\"[PAD]\"},{\"id\":1,\"content\":\"[UNK]\"},"
        "{\"id\":2,\"content\":\"[CLS]\"},{\"id\":3,\"content\":\"[SEP]\"},{\"id\":4,\"content\":\"[MASK]\","
        "\"lstrip\":true}],\"normalizer\":{\"type\":\"BertNormalizer\",%s},\"pre_tokenizer\":{\"type\":"
        "\"BertPreTokenizer\"},\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
        "\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{"
        "\"id\":\"[SEP]\",\"type_id\":0}}]},\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
        "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{",
        settings);
    for (int id = 0; text.n > 0; id++) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t n = (size_t)(lf - text.p);
        (void)mst_buf_addf(b, "%s\"", id > 0 ? "," : "");
        for (size_t i = 0; i < n; i++)
            (void)mst_buf_addf(b, text.p[i] == '"' || text.p[i] == '\\' ? "\\%c" : "%c", text.p[i]);
        (void)mst_buf_addf(b, "\":%d", id);
        text = mst_str(lf + 1, text.n - n - 1);
    }
    (void)mst_buf_add_c(b, "}}}");
}

static void
test_tokenizer_both_layouts_agree(void **state)
{
    static const char *const texts[] = {
        "The cat sat on the mat.",
        "",
        "  ",
        "units: 42%",
        "\xC3\x89t\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87 x",
        "a[SEP]b [MASK] [sep]",
        "Dogs!!! (sitting)\t\n",
        "\xFF\xFE bad \x80",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    tiny_spec_t s = tiny_spec("bert");
    tiny_t *t = tiny_new(&s);
    (void)state;
    mst_tokenizer_t *plain = open_tokenizer(t);
    put_bert_json(t, "\"lowercase\":true,\"strip_accents\":null,\"clean_text\":true,\"handle_chinese_chars\":true");
    mst_tokenizer_t *json = open_tokenizer(t);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        mst_nn_ids_t a = encode(plain, mst_str_c(texts[i]), 1000, false, false);
        mst_nn_ids_t b = encode(json, mst_str_c(texts[i]), 1000, false, false);
        assert_int_equal(a.count, b.count);
        assert_memory_equal(a.ids, b.ids, a.count * sizeof *a.ids);
        assert_int_equal(a.ids[0], 2);
        assert_int_equal(a.ids[a.count - 1], 3);
    }
    tiny_free(t);
}

static void
test_tokenizer_follows_its_settings(void **state)
{
    tiny_spec_t s = tiny_spec("bert");
    tiny_t *t = tiny_new(&s);
    (void)state;
    put_bert_json(t, "\"lowercase\":false,\"strip_accents\":false");
    mst_tokenizer_t *cased = open_tokenizer(t);
    // "The" in capitals is not "the": T, ##h, ##e; with an accent no piece fits
    expect_ids(cased, "The", false, false, (const int[]){2, 67, 117, 114, 3, -1});
    expect_ids(cased, "caf\xC3\xA9", false, false, (const int[]){2, 1, 3, -1});
    tiny_put(t, "tokenizer_config.json", "{\"do_lower_case\":true,\"cls_token\":{\"content\":\"[MASK]\"}}");
    mst_tokenizer_t *lower = open_tokenizer(t);
    expect_ids(lower, "The caf\xC3\xA9", false, false, (const int[]){4, 5, 82, 110, 115, 114, 3, -1});
    expect_ids(lower, "the  [MASK]cat", false, false, (const int[]){4, 5, 4, 6, 3, -1});
    tiny_free(t);
}

static void
test_tokenizer_cuts_at_the_longest(void **state)
{
    tiny_spec_t s = tiny_spec("bert");
    tiny_t *t = tiny_new(&s);
    (void)state;
    mst_tokenizer_t *tok = open_tokenizer(t);
    mst_str_t text = MST_STR("the cat sat on the mat");
    mst_nn_ids_t whole = encode(tok, text, 1000, false, false);
    assert_int_equal(whole.count, 8);
    for (size_t max = 2; max < 12; max++) {
        mst_nn_ids_t cut = encode(tok, text, max, false, false);
        assert_int_equal(cut.count, max < whole.count ? max : whole.count);
        assert_memory_equal(cut.ids, whole.ids, (cut.count - 1) * sizeof *cut.ids);
        assert_int_equal(cut.ids[cut.count - 1], 3);
    }
    tiny_free(t);
}

static void
test_bpe_words_follow_the_pattern(void **state)
{
    // words are divided by '|', which stands in no text here
    static const char *const rows[] = {
        "I|'m|  | now",
        "a| b|  | c",
        "don|'t|!?|\n\n| x|1234|.",
        " \t| a",
        "x|  ",
        "\n",
        " '|S",
        "it|'s|'ll",
        "\xC3\xA9t\xC3\xA9| \xE4\xB8\xAD|1\xC2\xBD|..|\xC2\xA0\xC2\xA0|\xC2\xA0|b",
        "\xF0\x9F\x98\x80| \xF0\x9F\x98\x80|a",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        size_t n = 0;
        for (const char *p = rows[i]; *p != '\0'; p++) {
            if (*p != '|')
                text[n++] = *p;
        }
        mst_str_t rest = mst_str(text, n), want = mst_str_c(rows[i]);
        while (rest.n > 0) {
            const char *bar = memchr(want.p, '|', want.n);
            size_t word = bar != NULL ? (size_t)(bar - want.p) : want.n;
            if (mst_bpe_word(rest) != word)
                fail_msg("row %zu: at \"%.*s\" a word of %zu bytes, not %zu", i, MST_FMT(rest), mst_bpe_word(rest),
                         word);
            rest = mst_str(rest.p + word, rest.n - word);
            word += bar != NULL ? 1 : 0;
            want = mst_str(want.p + word, want.n - word);
        }
    }
}

static void
test_bpe_joins_by_rank(void **state)
{
    tiny_spec_t s = tiny_spec("roberta");
    tiny_t *t = tiny_new(&s);
    (void)state;
    mst_tokenizer_t *tok = open_tokenizer(t);
    // tokens: 4 + byte; merges from 260: th, the, " the", ca, cat, " cat", on, " on", at, ll; 270 <mask>
    expect_ids(tok, "the cat", false, false, (const int[]){0, 261, 265, 2, -1});
    expect_ids(tok, "the cat", false, true, (const int[]){0, 262, 265, 2, -1});
    expect_ids(tok, "mat", false, false, (const int[]){0, 4 + 'm', 268, 2, -1});
    expect_ids(tok, "llll", false, false, (const int[]){0, 269, 269, 2, -1});
    expect_ids(tok, "lll", false, false, (const int[]){0, 269, 4 + 'l', 2, -1});
    expect_ids(tok, "on  <mask> the</s>", false, false, (const int[]){0, 266, 270, 262, 2, 2, -1});
    // fast rules put the blank before each part, slow ones before the first
    expect_ids(tok, "on<mask>the", false, true, (const int[]){0, 267, 270, 262, 2, -1});
    expect_ids(tok, "on<mask>the", true, true, (const int[]){0, 267, 270, 261, 2, -1});
    expect_ids(tok, "\xC3\xA9", false, false, (const int[]){0, 4 + 0xC3, 4 + 0xA9, 2, -1});
    expect_ids(tok, "", false, true, (const int[]){0, 2, -1});
    tiny_free(t);
}

static void
test_bpe_json_says_what_its_older_files_say(void **state)
{
    tiny_spec_t s = tiny_spec("roberta");
    tiny_t *t = tiny_new(&s);
    mst_str_t vocab = MST_STR_NULL, text = MST_STR("the cat sat on <mask>, wall \xC3\xA9t\xC3\xA9");
    mst_err_t err;
    (void)state;
    mst_tokenizer_t *older = open_tokenizer(t);
    assert_int_equal(tiny_read(t, "vocab.json", &vocab, &err), MST_OK);
    for (int pairs = 0; pairs < 2; pairs++) {
        mst_buf_t *b = tiny_file(t, "tokenizer.json");
        (void)mst_buf_addf(
            b,
            "{\"added_tokens\":[{\"id\":270,\"content\":\"<mask>\",\"lstrip\":true}],\"normalizer\":null,"
            "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"post_processor\":{"
            "\"type\":\"RobertaProcessing\",\"sep\":[\"</s>\",2],\"cls\":[\"<s>\",0]},\"model\":{\"type\":"
            "\"BPE\",\"vocab\":%.*s,\"merges\":[",
            MST_FMT(vocab));
        (void)mst_buf_add_c(
            b, pairs ? "[\"t\",\"h\"],[\"th\",\"e\"],[\"\xC4\xA0\",\"the\"],[\"c\",\"a\"],[\"ca\",\"t\"],"
                       "[\"\xC4\xA0\",\"cat\"],[\"o\",\"n\"],[\"\xC4\xA0\",\"on\"],[\"a\",\"t\"],[\"l\",\"l\"]"
                     : "\"t h\",\"th e\",\"\xC4\xA0 the\",\"c a\",\"ca t\",\"\xC4\xA0 cat\",\"o n\","
                       "\"\xC4\xA0 on\",\"a t\",\"l l\"");
        (void)mst_buf_add_c(b, "]}}");
        mst_tokenizer_t *json = open_tokenizer(t);
        mst_nn_ids_t a = encode(older, text, 1000, false, false), c = encode(json, text, 1000, false, false);
        assert_int_equal(a.count, c.count);
        assert_memory_equal(a.ids, c.ids, a.count * sizeof *a.ids);
    }
    tiny_free(t);
}

static void
test_tokenizer_long_and_broken_texts(void **state)
{
    enum { BYTES = 3 << 20 };

    char *text = malloc(BYTES);
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        tiny_spec_t s = tiny_spec(kind == 0 ? "bert" : "roberta");
        tiny_t *t = tiny_new(&s);
        mst_tokenizer_t *tok = open_tokenizer(t);
        static const char *const fills[] = {"a",  "l",       "\xFF", "\xCC\x81", "\xED\x95\x9C", "\xCC\x81\xCC\xA3",
                                            "! ", "\xC4\xB0"};
        for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
            size_t n = strlen(fills[i]);
            for (size_t k = 0; k < BYTES; k++)
                text[k] = fills[i][k % n];
            mst_arena_reset(arena);
            mst_nn_ids_t cut = encode(tok, mst_str(text, BYTES), 64, kind == 0, true);
            assert_true(cut.count >= 2 && cut.count <= 64);
            for (size_t k = 0; k < cut.count; k++)
                assert_true(cut.ids[k] <= mst_tokenizer_id_max(tok));
        }
        tiny_free(t);
    }
    free(text);
}

static void
test_tokenizer_refuses_broken_files(void **state)
{
    static const struct {
        const char *file, *text;
    } rows[] = {
        {"vocab.json", "[]"},
        {"vocab.json", "{\"a\":-1}"},
        {"vocab.json", "{\"a\":1e12}"},
        {"vocab.json", "{"},
        {"merges.txt", "#version\nab\n"},
        {"merges.txt", "q\xC4\x80\xC4\x80 zz\n"},
        {"tokenizer.json", "{}"},
        {"tokenizer.json", "{\"model\":{\"type\":\"BPE\",\"merges\":[]}}"},
        {"tokenizer.json", "{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[1]},\"pre_tokenizer\":{\"type\":"
                           "\"ByteLevel\"}}"},
        {"tokenizer.json", "{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]},\"pre_tokenizer\":{\"type\":"
                           "\"Metaspace\"}}"},
        {"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":1}},\"normalizer\":{\"type\":"
                           "\"Lowercase\"}}"},
        {"tokenizer_config.json", "{"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tiny_spec_t s = tiny_spec("roberta");
        tiny_t *t = tiny_new(&s);
        const mst_nn_files_t files = tiny_files(t);
        mst_tokenizer_t *out = NULL;
        mst_err_t err = {0};
        tiny_put(t, rows[i].file, rows[i].text);
        assert_int_not_equal(mst_tokenizer_new(&files, parser, kept, &out, &err), MST_OK);
        assert_null(out);
        assert_true(err.message[0] != '\0');
        tiny_free(t);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokenizer_both_layouts_agree),
        cmocka_unit_test(test_tokenizer_follows_its_settings),
        cmocka_unit_test(test_tokenizer_cuts_at_the_longest),
        cmocka_unit_test(test_bpe_words_follow_the_pattern),
        cmocka_unit_test(test_bpe_joins_by_rank),
        cmocka_unit_test(test_bpe_json_says_what_its_older_files_say),
        cmocka_unit_test(test_tokenizer_long_and_broken_texts),
        cmocka_unit_test(test_tokenizer_refuses_broken_files),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, set_up, tear_down);
}
