// Replies of scoring programs: whatever a line holds, it is a score that can be stored or an error with a sentence.
#include "worker/plugin/reply.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_exec_reply: %s\n", what);
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 256 * MST_KIB)
        return 0;
    mst_str_t line = mst_str((const char *)data, size);
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_score_t s = {0};
    mst_err_t err = {0};
    mst_rc rc = mst_reply_score(parser, line, 7, arena, &s, &err);
    require((rc == MST_OK) == (err.message[0] == '\0'), "an error without a sentence, or a sentence without one");
    require(rc == MST_OK || rc == MST_PROTO || rc == MST_INVAL || rc == MST_LIMIT, "an error of another kind");
    require(mst_utf8_valid(s.reason), "a reason that is no text");
    if (rc == MST_OK && s.breakdown.n > 0)
        require(s.breakdown.p[0] == '{' && mst_json_valid(s.breakdown, false), "a breakdown that is no object");
    err.message[0] = '\0';
    rc = mst_reply_ready(parser, line, arena, &err);
    require((rc == MST_OK) == (err.message[0] == '\0'), "not ready without a sentence");
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    return 0;
}
