// The recorded solutions of four models to all of GSM8K's test set, scored with numeric (flexible) against the gold
// answers joined by question, and held against the verdicts recorded beside them. Both ways of comparing.
#include "conformance/scoring.h"

#include <math.h>
#include <stdlib.h>

#define MODELS    4
#define GOLD_MAX  2048
#define GOLD_AREA (16u << 20)

static const char *const models[MODELS] = {"6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"};

typedef struct {
    mst_str_t question, answer;
} gold_t;

typedef struct {
    gold_t rows[GOLD_MAX];
    size_t count;
} golds_t;

typedef struct {
    size_t right, disagreed;
} tally_t;

static void
read_gold(tst_file_t *f, golds_t *g, mst_arena_t *arena)
{
    for (const mst_json_t *row; (row = tst_row(f)) != NULL && g->count < GOLD_MAX; g->count++) {
        g->rows[g->count].question = mst_arena_dup(arena, tst_str(row, "question"), NULL);
        g->rows[g->count].answer = mst_arena_dup(arena, tst_str(row, "answer"), NULL);
    }
}

static bool
find_gold(const golds_t *g, mst_str_t question, mst_str_t *answer)
{
    for (size_t i = 0; i < g->count; i++) {
        if (mst_str_eq(g->rows[i].question, question)) {
            *answer = g->rows[i].answer;
            return true;
        }
    }
    return false;
}

static void
judge(const mst_json_t *row, const char *model, const mst_json_t *params, mst_str_t gold, tally_t *tally,
      mst_json_parser_t *parser, mst_arena_t *arena)
{
    const mst_json_t *solution = mst_json_get(row, model);
    tst_ask_t ask = {.scorer = "numeric", .threshold = -1.0, .params = params};
    ask.c.actual = tst_str(solution, "solution");
    ask.c.has_expected = true;
    ask.c.expected = gold;
    tst_got_t got = tst_score(&ask, parser, arena);
    bool right = got.rc == MST_OK && got.failed < 0 && got.score.passed;
    tally->right += right;
    if (right == tst_bool(solution, "is_correct"))
        return;
    tally->disagreed++;
    printf("%s: %.*s -> %.*s\n", model, MST_FMT(mst_str_cut(tst_str(row, "question"), 60)), MST_FMT(got.score.reason));
}

static size_t
judge_all(const char *compare, const golds_t *gold, mst_json_parser_t *parser, mst_arena_t *arena)
{
    char text[64];
    mst_err_t err;
    tally_t tally[MODELS] = {0};
    size_t rows = 0, bad = 0;
    tst_file_t *f = tst_open_data("gsm8k/example_model_solutions.jsonl");
    mst_arena_t *own = mst_arena_new(1u << 20);
    const mst_json_t *params = NULL;
    snprintf(text, sizeof text, "{\"filter\":\"flexible\",\"compare\":\"%s\"}", compare);
    bad += f == NULL || mst_json_parse(parser, mst_str_c(text), own, &params, NULL, &err) != MST_OK;
    for (const mst_json_t *row; bad == 0 && (row = tst_row(f)) != NULL; rows++) {
        mst_str_t answer = MST_STR_NULL;
        mst_arena_reset(arena);
        bad += !find_gold(gold, tst_str(row, "question"), &answer);
        for (size_t m = 0; m < MODELS; m++)
            judge(row, models[m], params, answer, &tally[m], parser, arena);
    }
    for (size_t m = 0; m < MODELS; m++) {
        printf("compare %s, %-17s %zu of %zu right (%.2f %%), %zu disagreements\n", compare, models[m], tally[m].right,
               rows, 100.0 * (double)tally[m].right / (double)(rows > 0 ? rows : 1), tally[m].disagreed);
        bad += tally[m].disagreed;
    }
    mst_arena_free(&own);
    if (f != NULL)
        tst_close(f);
    return rows > 0 ? bad : 1;
}

int
main(void)
{
    tst_file_t *f = tst_open_data("gsm8k/test.jsonl");
    if (f == NULL)
        return 77;
    mst_arena_t *arena = mst_arena_new(64u << 20), *area = mst_arena_new(GOLD_AREA);
    mst_json_parser_t *parser = mst_json_parser_new();
    golds_t *gold = MST_NEW(golds_t);
    read_gold(f, gold, area);
    size_t bad = judge_all("harness", gold, parser, arena) + judge_all("value", gold, parser, arena);
    free(gold);
    mst_json_parser_free(&parser);
    mst_arena_free(&area);
    mst_arena_free(&arena);
    tst_close(f);
    return bad == 0 ? 0 : 1;
}
