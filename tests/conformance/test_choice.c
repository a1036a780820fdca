// choice with extract: multi_choice against lm-evaluation-harness's filter.
#include "conformance/scoring.h"

static bool
extracts(const mst_json_t *row, const char *which, const char *want, mst_json_parser_t *parser, mst_arena_t *arena)
{
    mst_err_t err;
    mst_buf_t text;
    mst_jw_t w;
    const mst_json_t *out = NULL;
    mst_buf_init(&text, 1u << 20);
    mst_jw_init(&w, &text);
    mst_jw_obj(&w);
    mst_jw_key(&w, "extract");
    mst_jw_str(&w, MST_STR("multi_choice"));
    mst_jw_key(&w, "group_select");
    mst_jw_str(&w, mst_str_c(which));
    mst_jw_key(&w, "choices");
    mst_jw_value(&w, mst_json_get(row, "choices"));
    mst_jw_obj_end(&w);
    tst_ask_t ask = {.scorer = "choice", .threshold = -1.0, .c = {.actual = tst_str(row, "response")}};
    ask.c.has_expected = true;
    ask.c.expected = tst_str(row, "target");
    mst_rc rc = mst_json_parse(parser, mst_buf_view(&text), arena, &ask.params, NULL, &err);
    mst_buf_deinit(&text);
    tst_got_t got = tst_score(&ask, parser, arena);
    if (rc != MST_OK || got.rc != MST_OK || got.failed >= 0 ||
        mst_json_parse(parser, got.score.breakdown, arena, &out, NULL, &err) != MST_OK) {
        printf("%.*s: %s\n", MST_FMT(tst_str(row, "id")), got.err.message);
        return false;
    }
    mst_str_t have = tst_str(out, "extracted"), expected = tst_str(row, want);
    bool right = mst_str_eq(expected, ask.c.expected);
    if (mst_str_eq(have, expected) && (got.score.value > 0.5) == right)
        return true;
    printf("%.*s %s: \"%.*s\", expected \"%.*s\", value %g\n", MST_FMT(tst_str(row, "id")), which, MST_FMT(have),
           MST_FMT(expected), got.score.value);
    return false;
}

int
main(void)
{
    tst_file_t *f = tst_open_data("fixtures/multi_choice_regex.jsonl");
    if (f == NULL)
        return 77;
    mst_arena_t *arena = mst_arena_new(64u << 20);
    mst_json_parser_t *parser = mst_json_parser_new();
    size_t rows = 0, agreed = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        mst_arena_reset(arena);
        bool first = extracts(row, "first", "group_select_first", parser, arena);
        agreed += extracts(row, "last", "group_select_last", parser, arena) && first;
    }
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    tst_close(f);
    return tst_agreed("choice", agreed, rows);
}
