// Finding JSON in an answer (fenced block, whole text, outermost braces, outermost brackets), row by row against the
// reference's extractor: whether there is any, and which value.
#include "conformance/scoring.h"
#include "scorers/json_text.h"

#include <math.h>

// The table writes an infinite number as "__Infinity__".
static bool
same(const mst_json_t *a, const mst_json_t *want)
{
    double d;
    uint64_t steps = 1000000;
    if (a->type == MST_JSON_DOUBLE && mst_json_f64(a, &d) && isinf(d))
        return want->type == MST_JSON_STR && mst_str_eq_c(want->u.s, "__Infinity__");
    if (a->type != want->type || (a->type != MST_JSON_OBJ && a->type != MST_JSON_ARR) || a->count != want->count)
        return mst_json_python_equal(a, want, &steps);
    for (uint32_t i = 0; i < a->count; i++) {
        bool array = a->type == MST_JSON_ARR;
        const mst_json_t *x = array ? &a->u.items[i] : &a->u.members[i].value;
        const mst_json_t *y = array ? &want->u.items[i] : mst_json_get_str(want, a->u.members[i].key);
        if (y == NULL || !same(x, y))
            return false;
    }
    return true;
}

static bool
agrees(const mst_json_t *row, mst_json_parser_t *parser, mst_arena_t *arena)
{
    const mst_json_t *want = mst_json_get(row, "fence_then_whole_then_span"), *value = NULL;
    mst_err_t err;
    mst_rc rc = mst_json_extract(MST_EXTRACT_ANY, parser, tst_str(row, "text"), arena, &value, &err);
    bool ok = (rc == MST_OK) == tst_bool(want, "ok") && (rc != MST_OK || same(value, mst_json_get(want, "value")));
    if (!ok)
        printf("%.*s: %s\n", MST_FMT(tst_str(row, "id")), rc == MST_OK ? "another value" : err.message);
    return ok;
}

int
main(void)
{
    tst_file_t *f = tst_open_data("fixtures/judge_json_extraction.jsonl");
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
    return tst_agreed("JSON extraction", agreed, rows);
}
