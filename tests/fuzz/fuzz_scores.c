// The stored column of scores: a breakdown that the checker calls an object must be one for simdjson, whatever came
// from a worker the column is valid JSON and reads back, and any column is read without harm.
#include "aggregator/store/scores.h"

#include "common/base/limits.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_scores: %s\n", what);
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 64 * MST_KIB)
        return 0;
    mst_str_t text = mst_str((const char *)data, size);
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_json_parser_t *parser = mst_json_parser_new();
    const mst_json_t *v = NULL;
    bool lenient = false;
    mst_rc rc = mst_json_parse(parser, text, arena, &v, &lenient, NULL);
    if (mst_json_is_object_text(text))
        // numbers beyond a double and lone surrogates are valid text that only the lenient reader takes
        require(rc == MST_OK && mst_json_is(v, MST_JSON_OBJ), "the checker accepts what is no object");
    mst_score_t s = {.state = MST_SCORE_OK, .value = 0.5, .reason = text, .breakdown = text};
    mst_buf_t out;
    mst_buf_init(&out, 8 * MST_MIB);
    mst_scores_write(&s, 1, &out);
    require(!out.failed, "a score could not be written");
    const mst_score_t *back = NULL;
    uint32_t count = 0;
    require(mst_scores_read(parser, mst_buf_view(&out), arena, &back, &count, NULL) == MST_OK && count == 1,
            "its own column is refused");
    require(back[0].value == 0.5 && back[0].state == MST_SCORE_OK, "a score changed");
    if (mst_scores_read(parser, text, arena, &back, &count, NULL) == MST_OK)
        require(count <= MST_SCORERS_MAX, "more scores than a run may have");
    mst_buf_deinit(&out);
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    return 0;
}
