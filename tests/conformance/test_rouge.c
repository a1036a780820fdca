// ROUGE, its tokens and the stemmer against tables made by Google's rouge_score and NLTK, row by row; then the scorer
// over the same rows.
#include "conformance/scoring.h"

#include "common/text/porter.h"
#include "common/text/rouge.h"
#include "common/text/rouge_tokens.h"

#include <math.h>

#define SHOWN 10 // disagreements that are printed

static int
test_stemmer(void)
{
    tst_file_t *f = tst_open_data("fixtures/porter_stemmer_nltk.jsonl");
    if (f == NULL)
        return 77;
    size_t rows = 0, agreed = 0;
    char room[512];
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        mst_str_t word = tst_str(row, "word"), stem = tst_str(row, "stem");
        if (word.n == 0 || word.n > sizeof room)
            continue;
        memcpy(room, word.p, word.n);
        mst_str_t got = mst_str(room, mst_porter_stem(room, word.n));
        agreed += mst_str_eq(got, stem);
        if (!mst_str_eq(got, stem) && rows - agreed < SHOWN)
            printf("%.*s: stemmed to %.*s, expected %.*s\n", MST_FMT(word), MST_FMT(got), MST_FMT(stem));
    }
    tst_close(f);
    return tst_agreed("porter stemmer", agreed, rows);
}

static bool
same_tokens(const mst_json_t *row, const char *key, bool stem)
{
    const mst_json_t *want = mst_json_get(row, key);
    mst_str_t text = tst_str(row, "text"), token;
    char *room = mst_xalloc(text.n + 1);
    mst_rouge_tokens_t it = mst_rouge_tokens(text, stem);
    size_t n = 0;
    bool same = want != NULL;
    while (same && mst_rouge_token(&it, room, &token)) {
        mst_str_t expected = MST_STR_NULL;
        same = n < want->count && mst_json_str(mst_json_at(want, n), &expected) && mst_str_eq(token, expected);
        n++;
    }
    free(room);
    return same && n == want->count;
}

static int
test_tokens(void)
{
    tst_file_t *f = tst_open_data("fixtures/rouge_tokens.jsonl");
    if (f == NULL)
        return 77;
    size_t rows = 0, agreed = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        bool same = same_tokens(row, "tokens", false) && same_tokens(row, "tokens_stemmed", true);
        agreed += same;
        if (!same)
            printf("line %zu: other tokens for \"%.*s\"\n", f->line, MST_FMT(tst_str(row, "text")));
    }
    tst_close(f);
    return tst_agreed("rouge tokens", agreed, rows);
}

// Every type that the row names.
static size_t
types_of(const mst_json_t *scores, mst_rouge_type_t *types)
{
    size_t count = 0;
    for (uint32_t i = 0; i < scores->count; i++) {
        if (count < MST_ROUGE_TYPES_MAX && mst_rouge_type_parse(scores->u.members[i].key, &types[count]))
            count++;
    }
    return count;
}

static bool
same_triple(const mst_json_t *want, const mst_prf_t *got)
{
    return fabs(tst_num(want, "precision") - got->precision) <= 1e-9 &&
           fabs(tst_num(want, "recall") - got->recall) <= 1e-9 &&
           fabs(tst_num(want, "fmeasure") - got->fmeasure) <= 1e-9;
}

static bool
same_scores(const mst_json_t *row)
{
    const mst_json_t *scores = mst_json_get(row, "scores");
    mst_rouge_type_t types[MST_ROUGE_TYPES_MAX];
    mst_prf_t got[MST_ROUGE_TYPES_MAX];
    mst_err_t err;
    size_t count = types_of(scores, types);
    mst_rouge_t *r = mst_rouge_new(types, count, tst_bool(row, "use_stemmer"));
    mst_str_t target = tst_str(row, "target");
    bool same =
        count == scores->count && mst_rouge_score(r, &target, 1, tst_str(row, "prediction"), got, &err) == MST_OK;
    for (size_t i = 0; i < count && same; i++) {
        same = same_triple(mst_json_get(scores, mst_rouge_type_name(types[i])), &got[i]);
        if (!same)
            printf("%.*s: %s gave %.12g %.12g %.12g\n", MST_FMT(tst_str(row, "id")), mst_rouge_type_name(types[i]),
                   got[i].precision, got[i].recall, got[i].fmeasure);
    }
    mst_rouge_free(&r);
    return same;
}

// The scorer with its defaults: mean of F over rouge1, rouge2 and rougeL.
static bool
same_by_scorer(const mst_json_t *row, const mst_json_t *params, mst_json_parser_t *parser, mst_arena_t *arena)
{
    static const char *const types[] = {"rouge1", "rouge2", "rougeL"};
    double mean = 0.0;
    for (size_t i = 0; i < 3; i++)
        mean += tst_num(mst_json_get(mst_json_get(row, "scores"), types[i]), "fmeasure") / 3.0;
    tst_ask_t ask = {.scorer = "rouge", .params = params, .threshold = -1.0};
    ask.c.actual = tst_str(row, "prediction");
    ask.c.has_expected = true;
    ask.c.expected = tst_str(row, "target");
    tst_got_t got = tst_score(&ask, parser, arena);
    bool same = got.rc == MST_OK && got.failed < 0 && fabs(got.score.value - mean) <= 1e-9;
    if (!same)
        printf("%.*s: the scorer gave %.12g, expected %.12g\n", MST_FMT(tst_str(row, "id")), got.score.value, mean);
    return same;
}

static int
test_scores(void)
{
    tst_file_t *f = tst_open_data("fixtures/rouge.jsonl");
    if (f == NULL)
        return 77;
    size_t rows = 0, agreed = 0, by_scorer = 0;
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(64u << 20), *keep = mst_arena_new(1u << 20);
    const mst_json_t *plain = NULL;
    mst_err_t err;
    if (mst_json_parse(parser, MST_STR("{\"use_stemmer\":false}"), keep, &plain, NULL, &err) != MST_OK)
        return 1;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        mst_arena_reset(arena);
        agreed += same_scores(row);
        by_scorer += same_by_scorer(row, tst_bool(row, "use_stemmer") ? NULL : plain, parser, arena);
    }
    mst_arena_free(&keep);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
    tst_close(f);
    return tst_agreed("rouge", agreed, rows) | tst_agreed("scorer rouge", by_scorer, rows);
}

int
main(void)
{
    int stemmer = test_stemmer();
    if (stemmer == 77)
        return 77;
    int tokens = test_tokens(), scores = test_scores();
    return stemmer != 0 || tokens != 0 || scores != 0 ? 1 : 0;
}
