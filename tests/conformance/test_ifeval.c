// ifeval against the verdicts of IFEval's own checkers, strict and loose, and NLTK's words on the way.
#include "common/text/nltk_words.h"
#include "common/text/python.h"
#include "conformance/scoring.h"

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena;
    size_t agreed, rows, silent; // silent: not known here, or not computed by the reference
} tally_t;

// The verdicts of one mode, from the breakdown.
static const mst_json_t *
judge(tally_t *t, mst_str_t metadata, mst_str_t response, mst_err_t *err)
{
    const mst_json_t *out = NULL;
    tst_ask_t ask = {.scorer = "ifeval", .threshold = -1.0, .c = {.actual = response, .metadata = metadata}};
    tst_got_t got = tst_score(&ask, t->parser, t->arena);
    *err = got.err;
    if (got.rc != MST_OK || got.failed >= 0 ||
        mst_json_parse(t->parser, got.score.breakdown, t->arena, &out, NULL, err) != MST_OK)
        return NULL;
    return out;
}

static void
compare(tally_t *t, const mst_json_t *want, const mst_json_t *got, const char *mode, mst_str_t id, mst_str_t what)
{
    bool w, g;
    if (!mst_json_bool(want, &w) || mst_json_is(got, MST_JSON_NULL)) {
        t->silent++;
        if (mst_json_bool(want, &w))
            printf("%.*s %.*s %s: not known here\n", MST_FMT(id), MST_FMT(what), mode);
        return;
    }
    t->rows++;
    if (mst_json_bool(got, &g) && g == w)
        t->agreed++;
    else
        printf("%.*s %.*s %s: expected %d\n", MST_FMT(id), MST_FMT(what), mode, w);
}

// In place of a paragraph beyond num_paragraphs the reference takes one at random.
static bool
is_random(const mst_json_t *kwargs)
{
    return tst_num(kwargs, "nth_paragraph") > tst_num(kwargs, "num_paragraphs");
}

// {"instruction_id_list": ids, "kwargs": kwargs}; one: both are of one instruction.
static mst_str_t
metadata(const mst_json_t *row, bool one, mst_buf_t *text)
{
    mst_jw_t w;
    mst_buf_reset(text);
    mst_jw_init(&w, text);
    mst_jw_obj(&w);
    mst_jw_key(&w, "instruction_id_list");
    if (one)
        mst_jw_arr(&w);
    mst_jw_value(&w, mst_json_get(row, one ? "instruction_id" : "instruction_id_list"));
    if (one)
        mst_jw_arr_end(&w);
    mst_jw_key(&w, "kwargs");
    if (one)
        mst_jw_arr(&w);
    mst_jw_value(&w, mst_json_get(row, "kwargs"));
    if (one)
        mst_jw_arr_end(&w);
    mst_jw_obj_end(&w);
    return mst_buf_view(text);
}

static void
check_row(tally_t *t, const mst_json_t *row, bool one, mst_buf_t *text)
{
    mst_err_t err;
    mst_arena_reset(t->arena);
    mst_str_t id = tst_str(row, one ? "id" : "key"), number = MST_STR_NULL;
    char key[32];
    int64_t k;
    if (mst_json_i64(mst_json_get(row, "key"), &k)) {
        number = mst_str(key, (size_t)snprintf(key, sizeof key, "%lld", (long long)k));
        id = number;
    }
    const mst_json_t *got = judge(t, metadata(row, one, text), tst_str(row, "response"), &err);
    const mst_json_t *ids = mst_json_get(row, "instruction_id_list");
    size_t count = one ? 1 : ids->count;
    const char *const modes[] = {"strict", "loose"};
    for (size_t m = 0; m < 2; m++) {
        const mst_json_t *want = mst_json_get(row, modes[m]), *have = mst_json_get(got, modes[m]);
        for (size_t i = 0; i < count; i++) {
            mst_str_t what = one ? tst_str(row, "instruction_id") : mst_json_at(ids, i)->u.s;
            if (one && is_random(mst_json_get(row, "kwargs")))
                t->silent++;
            else
                compare(t, one ? want : mst_json_at(want, i), mst_json_at(have, i), modes[m], id, what);
        }
    }
    if (got == NULL)
        printf("%.*s: %s\n", MST_FMT(id), err.message);
}

static int
verdicts(const char *file, bool one)
{
    tst_file_t *f = tst_open_data(file);
    if (f == NULL)
        return 77;
    tally_t t = {.parser = mst_json_parser_new(), .arena = mst_arena_new(64u << 20)};
    mst_buf_t text;
    mst_buf_init(&text, 16u << 20);
    for (const mst_json_t *row; (row = tst_row(f)) != NULL;)
        check_row(&t, row, one, &text);
    printf("%s: %zu verdicts not known here or not computed there\n", file, t.silent);
    mst_buf_deinit(&text);
    mst_json_parser_free(&t.parser);
    mst_arena_free(&t.arena);
    tst_close(f);
    return tst_agreed(file, t.agreed, t.rows);
}

static bool
next_is(mst_str_t *words, const mst_json_t *want)
{
    mst_str_t word, expected;
    return mst_py_split(words, &word) && mst_json_str(want, &expected) && mst_str_eq(word, expected);
}

static int
words(void)
{
    tst_file_t *f = tst_open_data("fixtures/nltk_word_tokenizer_single_sentence.jsonl");
    if (f == NULL)
        return 77;
    mst_nltk_words_t w;
    size_t rows = 0, agreed = 0;
    mst_nltk_words_init(&w, 16u << 20);
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        const mst_json_t *tokens = mst_json_get(row, "tokens"), *upper = mst_json_get(row, "upper_tokens");
        mst_str_t text = tst_str(row, "text"), got, rest, word;
        size_t n = 0, capitals = 0;
        bool same = mst_nltk_words(&w, text, &got) == MST_OK;
        rest = got;
        while (same && n < tokens->count)
            same = next_is(&rest, mst_json_at(tokens, n++));
        same = same && !mst_py_split(&rest, &word);
        for (rest = got; same && mst_py_split(&rest, &word);) {
            mst_str_t expected;
            if (mst_py_is_upper(word))
                same = mst_json_str(mst_json_at(upper, capitals++), &expected) && mst_str_eq(word, expected);
        }
        same = same && capitals == upper->count;
        agreed += same;
        if (!same)
            printf("line %zu: \"%.*s\" gave %.*s\n", f->line, MST_FMT(text), MST_FMT(got));
    }
    mst_nltk_words_deinit(&w);
    tst_close(f);
    return tst_agreed("nltk words", agreed, rows);
}

int
main(void)
{
    int results[] = {verdicts("fixtures/ifeval_synthetic.jsonl", true),
                     verdicts("fixtures/ifeval_gpt4_verdicts.jsonl", false), words()};
    int worst = 0;
    for (size_t i = 0; i < 3; i++)
        worst = results[i] == 1 ? 1 : worst == 0 ? results[i] : worst;
    return worst;
}
