// exact_match with strip: false against lm-evaluation-harness's exact_match, and how often strip: true, our default,
// would judge otherwise.
#include "conformance/scoring.h"

#include <math.h>

static double
judge(const mst_json_t *row, const char *strip, mst_json_parser_t *parser, mst_arena_t *arena)
{
    mst_err_t err;
    mst_buf_t text;
    mst_jw_t w;
    mst_buf_init(&text, 1u << 20);
    mst_jw_init(&w, &text);
    mst_jw_obj(&w);
    const char *const keys[] = {"regexes_to_ignore", "ignore_case", "ignore_punctuation", "ignore_numbers"};
    for (size_t i = 0; i < 4; i++) {
        mst_jw_key(&w, keys[i]);
        mst_jw_value(&w, mst_json_get(row, keys[i]));
    }
    mst_jw_key(&w, "strip");
    mst_jw_raw(&w, mst_str_c(strip));
    mst_jw_obj_end(&w);
    tst_ask_t ask = {.scorer = "exact_match", .threshold = -1.0};
    mst_rc rc = mst_json_parse(parser, mst_buf_view(&text), arena, &ask.params, NULL, &err);
    mst_buf_deinit(&text);
    ask.c.actual = tst_str(row, "prediction");
    ask.c.has_expected = true;
    ask.c.expected = tst_str(row, "reference");
    tst_got_t got = tst_score(&ask, parser, arena);
    return rc == MST_OK && got.rc == MST_OK && got.failed < 0 ? got.score.value : -1.0;
}

int
main(void)
{
    tst_file_t *f = tst_open_data("fixtures/exact_match_flags.jsonl");
    if (f == NULL)
        return 77;
    mst_arena_t *arena = mst_arena_new(64u << 20);
    mst_json_parser_t *parser = mst_json_parser_new();
    size_t rows = 0, agreed = 0, stripped = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        mst_arena_reset(arena);
        double want = tst_num(row, "exact_match"), got = judge(row, "false", parser, arena);
        if (fabs(want - got) <= 1e-9)
            agreed++;
        else
            printf("%.*s: gave %g, expected %g\n", MST_FMT(tst_str(row, "id")), got, want);
        stripped += fabs(want - judge(row, "true", parser, arena)) > 1e-9;
    }
    printf("strip: true, the default, judges %zu rows otherwise\n", stripped);
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    tst_close(f);
    return tst_agreed("exact_match", agreed, rows);
}
