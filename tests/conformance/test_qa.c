// qa_f1 against tables made by the metrics of SQuAD v1.1 and v2.0 and of TriviaQA: normalised texts, exact match, F1.
#include "conformance/scoring.h"

#include "common/text/qa.h"

#include <math.h>

#define GOLDS_MAX 64

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena;
    mst_buf_t scratch, out;
} run_t;

static bool
normalises(run_t *t, mst_qa_rules_t rules, mst_str_t text, mst_str_t want)
{
    bool same =
        mst_qa_normalise(rules, text, &t->scratch, &t->out) == MST_OK && mst_str_eq(mst_buf_view(&t->out), want);
    if (!same)
        printf("\"%.*s\" became \"%.*s\", expected \"%.*s\"\n", MST_FMT(text), MST_FMT(mst_buf_view(&t->out)),
               MST_FMT(want));
    return same;
}

static bool
normalises_all(run_t *t, const mst_json_t *row)
{
    const mst_json_t *golds = mst_json_get(row, "golds"), *wanted = mst_json_get(row, "normalized_golds");
    mst_str_t text = tst_str(row, "prediction");
    bool same = normalises(t, MST_QA_SQUAD, text, tst_str(row, "normalized_prediction")) &&
                normalises(t, MST_QA_TRIVIAQA, text, tst_str(row, "triviaqa_normalized_prediction"));
    for (uint32_t i = 0; i < golds->count && same; i++) {
        mst_str_t gold = MST_STR_NULL, want = MST_STR_NULL;
        same = mst_json_str(mst_json_at(golds, i), &gold) && mst_json_str(mst_json_at(wanted, i), &want) &&
               normalises(t, MST_QA_SQUAD, gold, want);
    }
    return same;
}

// One verdict of the scorer; the right answers as a row of a dataset would have them.
static bool
judges(run_t *t, const mst_json_t *row, const char *params, const char *key)
{
    mst_buf_t golds;
    mst_jw_t w;
    mst_err_t err;
    mst_buf_init(&golds, 1u << 20);
    mst_jw_init(&w, &golds);
    mst_jw_value(&w, mst_json_get(row, "golds"));
    tst_ask_t ask = {.scorer = "qa_f1", .threshold = -1.0};
    mst_rc rc = mst_json_parse(t->parser, mst_str_c(params), t->arena, &ask.params, NULL, &err);
    ask.c.actual = tst_str(row, "prediction");
    ask.c.has_expected = true;
    ask.c.expected = mst_buf_view(&golds);
    tst_got_t got = tst_score(&ask, t->parser, t->arena);
    bool same = rc == MST_OK && got.rc == MST_OK && got.failed < 0 && fabs(got.score.value - tst_num(row, key)) <= 1e-9;
    if (!same)
        printf("%.*s: %s is %.12g, expected %.12g\n", MST_FMT(tst_str(row, "id")), key, got.score.value,
               tst_num(row, key));
    mst_buf_deinit(&golds);
    return same;
}

static bool
agrees(run_t *t, const mst_json_t *row)
{
    return normalises_all(t, row) && judges(t, row, "{\"metric\":\"em\"}", "squad_em") &&
           judges(t, row, "{\"rules\":\"squad\"}", "squad_f1_v1") &&
           judges(t, row, "{\"rules\":\"squad2\"}", "squad_f1_v2") &&
           judges(t, row, "{\"rules\":\"triviaqa\",\"metric\":\"em\"}", "triviaqa_em") &&
           judges(t, row, "{\"rules\":\"triviaqa\"}", "triviaqa_f1");
}

int
main(void)
{
    tst_file_t *f = tst_open_data("fixtures/qa_em_f1.jsonl");
    if (f == NULL)
        return 77;
    run_t t = {.parser = mst_json_parser_new(), .arena = mst_arena_new(64u << 20)};
    mst_buf_init(&t.scratch, 64u << 20);
    mst_buf_init(&t.out, 64u << 20);
    size_t rows = 0, agreed = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        mst_arena_reset(t.arena);
        agreed += agrees(&t, row);
    }
    mst_buf_deinit(&t.scratch);
    mst_buf_deinit(&t.out);
    mst_json_parser_free(&t.parser);
    mst_arena_free(&t.arena);
    tst_close(f);
    return tst_agreed("qa", agreed, rows);
}
