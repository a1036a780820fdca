// Number extraction with all four filters, and the numeric scorer, against lm-evaluation-harness's regular expressions
// and GSM8K's own code.
#include "common/text/number.h"
#include "conformance/scoring.h"

#include <math.h>

typedef struct {
    const char *filter, *extracted, *score;
    mst_number_filter_t type;
} column_t;

static const column_t columns[] = {
    {"strict", "strict_match", "score_strict", MST_NUMBER_STRICT},
    {"flexible", "flexible_extract", "score_flexible", MST_NUMBER_FLEXIBLE},
    {"cot", "cot_strict", NULL, MST_NUMBER_COT},
    {"original", "original_extract", "score_original", MST_NUMBER_ORIGINAL},
};

static bool
extracts(const mst_json_t *row, const column_t *col)
{
    mst_str_t got = MST_STR("[invalid]"), number;
    char room[4096];
    if (mst_number_extract(col->type, tst_str(row, "response"), &number))
        got = col->type == MST_NUMBER_ORIGINAL ? mst_number_original_form(number, room) : number;
    bool same = mst_str_eq(got, tst_str(row, col->extracted));
    if (!same)
        printf("%.*s: %s extracted \"%.*s\", expected \"%.*s\"\n", MST_FMT(tst_str(row, "id")), col->filter,
               MST_FMT(got), MST_FMT(tst_str(row, col->extracted)));
    return same;
}

static bool
scores(const mst_json_t *row, const column_t *col, mst_json_parser_t *parser, mst_arena_t *arena)
{
    char text[64];
    mst_err_t err;
    tst_ask_t ask = {.scorer = "numeric", .threshold = -1.0};
    snprintf(text, sizeof text, "{\"filter\":\"%s\"}", col->filter);
    if (mst_json_parse(parser, mst_str_c(text), arena, &ask.params, NULL, &err) != MST_OK)
        return false;
    ask.c.actual = tst_str(row, "response");
    ask.c.has_expected = true;
    ask.c.expected = tst_str(row, "gold_answer");
    tst_got_t got = tst_score(&ask, parser, arena);
    double want = tst_num(row, col->score);
    bool same = got.rc == MST_OK && got.failed < 0 && fabs(got.score.value - want) <= 1e-9;
    if (!same)
        printf("%.*s: %s scored %g, expected %g: %.*s\n", MST_FMT(tst_str(row, "id")), col->filter, got.score.value,
               want, MST_FMT(got.score.reason));
    return same;
}

int
main(void)
{
    tst_file_t *f = tst_open_data("fixtures/gsm8k_extraction.jsonl");
    if (f == NULL)
        return 77;
    mst_arena_t *arena = mst_arena_new(64u << 20);
    mst_json_parser_t *parser = mst_json_parser_new();
    size_t rows = 0, agreed = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        bool same = true;
        for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
            mst_arena_reset(arena);
            same = extracts(row, &columns[i]) && same;
            if (columns[i].score != NULL && mst_json_get(row, columns[i].score) != NULL)
                same = scores(row, &columns[i], parser, arena) && same;
        }
        agreed += same;
    }
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    tst_close(f);
    return tst_agreed("GSM8K extraction", agreed, rows);
}
