// Reading: simdjson first, the lenient parser for what it refuses.
#include "common/json/tree.h"

#include "common/base/limits.h"

#include <stdlib.h>

struct mst_json_parser {
    mst_simd_t *simd;
};

mst_json_parser_t *
mst_json_parser_new(void)
{
    mst_json_parser_t *p = MST_NEW(mst_json_parser_t);
    p->simd = mst_simd_new();
    MST_ASSERT(p->simd != NULL);
    return p;
}

void
mst_json_parser_free(mst_json_parser_t **p)
{
    if (p == NULL || *p == NULL)
        return;
    mst_simd_free((*p)->simd);
    free(*p);
    *p = NULL;
}

mst_rc
mst_json_parse(mst_json_parser_t *p, mst_str_t text, mst_arena_t *arena, const mst_json_t **out, bool *out_lenient,
               mst_err_t *err)
{
    *out = NULL;
    if (out_lenient != NULL)
        *out_lenient = false;
    mst_simd_tape_t tape;
    // an over-long text goes to the lenient parser too, which refuses it by name
    if (text.n <= MST_JSON_BYTES_MAX && mst_simd_parse(p->simd, text.p, text.n, &tape) == 0) {
        mst_rc rc = mst_json_from_tape(&tape, arena, out);
        if (rc == MST_OK)
            return MST_OK;
        if (rc == MST_LIMIT)
            return mst_json_arena_full(text.n, err);
    }
    mst_rc rc = mst_json_parse_lenient(text, arena, out, err);
    if (out_lenient != NULL)
        *out_lenient = rc == MST_OK;
    return rc;
}
