// keyword, length and regex against the verdicts of the reference, row by row.
#include "conformance/scoring.h"

#include <math.h>

static bool
agrees(const mst_json_t *row, mst_json_parser_t *parser, mst_arena_t *arena)
{
    const mst_json_t *config = mst_json_get(row, "config");
    double threshold = tst_num(config, "threshold");
    tst_ask_t ask = {.scorer = mst_xstrndup(tst_str(row, "scorer").p, tst_str(row, "scorer").n),
                     .params = config,
                     .threshold = isnan(threshold) ? -1.0 : threshold};
    ask.c.actual = tst_str(row, "output");
    tst_got_t got = tst_score(&ask, parser, arena);
    bool same = got.rc == MST_OK && got.failed < 0 && fabs(got.score.value - tst_num(row, "score")) <= 1e-9 &&
                got.score.passed == tst_bool(row, "passed");
    if (!same)
        printf("%.*s: %s gave %g, passed %d, expected %g: %.*s\n", MST_FMT(tst_str(row, "id")), ask.scorer,
               got.score.value, got.score.passed, tst_num(row, "score"), MST_FMT(got.score.reason));
    free((void *)(uintptr_t)ask.scorer);
    return same;
}

int
main(void)
{
    tst_file_t *f = tst_open_data("fixtures/rule_scorers.jsonl");
    if (f == NULL)
        return 77;
    mst_arena_t *arena = mst_arena_new(64u << 20);
    mst_json_parser_t *parser = mst_json_parser_new();
    size_t rows = 0, agreed = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        mst_arena_reset(arena);
        agreed += agrees(row, parser, arena);
    }
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    tst_close(f);
    return tst_agreed("rule scorers", agreed, rows);
}
