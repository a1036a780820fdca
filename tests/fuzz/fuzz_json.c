// JSON: the two readers against each other and against the writer.
// What simdjson accepts, the lenient parser must accept, with an equal tree; what is written must be read again,
// by simdjson, and give the same bytes.
#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/json/simd.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TREE_MAX (64 * MST_MIB)

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_json: %s\n", what);
    abort();
}

static void
write_canonical(const mst_json_t *v, mst_buf_t *out)
{
    mst_jw_t w;
    mst_jw_init(&w, out);
    mst_jw_canonical(&w, v);
    require(!out->failed, "a parsed tree could not be written");
}

// Reads text with simdjson alone; it must be accepted when it is ours.
static bool
simdjson_accepts(mst_str_t text)
{
    mst_simd_t *simd = mst_simd_new();
    mst_simd_tape_t tape;
    require(simd != NULL, "no memory");
    bool ok = mst_simd_parse(simd, text.p, text.n, &tape) == 0;
    mst_simd_free(simd);
    return ok;
}

static void
check_written(mst_json_parser_t *parser, mst_str_t text)
{
    mst_arena_t *arena = mst_arena_new(TREE_MAX);
    const mst_json_t *tree;
    mst_buf_t again;
    mst_buf_init(&again, TREE_MAX);
    mst_err_t err;
    bool lenient;
    require(mst_json_parse(parser, text, arena, &tree, &lenient, &err) == MST_OK, "written text was refused");
    require(!lenient, "simdjson refuses what was written");
    write_canonical(tree, &again);
    require(mst_str_eq(mst_buf_view(&again), text), "canonical text changed when read and written again");
    mst_buf_deinit(&again);
    mst_arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mst_str_t text = mst_str((const char *)data, size);
    mst_arena_t *arena = mst_arena_new(TREE_MAX);
    mst_json_parser_t *parser = mst_json_parser_new();
    const mst_json_t *tree, *lenient_tree;
    mst_buf_t canonical, lenient_canonical;
    mst_buf_init(&canonical, TREE_MAX);
    mst_buf_init(&lenient_canonical, TREE_MAX);
    mst_err_t err;
    bool lenient;
    mst_rc rc = mst_json_parse(parser, text, arena, &tree, &lenient, &err);
    mst_rc lenient_rc = mst_json_parse_lenient(text, arena, &lenient_tree, &err);
    require(rc == lenient_rc, "the readers disagree about the text");
    if (simdjson_accepts(text))
        require(lenient_rc == MST_OK || lenient_rc == MST_LIMIT, "the lenient parser refuses what simdjson accepts");
    if (rc == MST_OK) {
        write_canonical(tree, &canonical);
        write_canonical(lenient_tree, &lenient_canonical);
        require(mst_str_eq(mst_buf_view(&canonical), mst_buf_view(&lenient_canonical)), "the readers' trees differ");
        // a repaired key may fall on another key: then the written text has one of the two less when read again
        if (!lenient)
            check_written(parser, mst_buf_view(&canonical));
    }
    mst_buf_deinit(&lenient_canonical);
    mst_buf_deinit(&canonical);
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    return 0;
}
