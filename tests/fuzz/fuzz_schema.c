// A schema and a value, both hostile: two JSON texts, a NUL between them. Compiling and checking must end, with a
// verdict or a typed error, and say the same when asked again; a value that does not conform has a keyword and a
// sentence.
#include "common/schema/schema.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_schema: %s\n", what);
    abort();
}

static void
check(mst_schema_t *schema, const mst_json_t *value)
{
    mst_schema_verdict_t one, two;
    mst_err_t err;
    err.message[0] = '\0';
    mst_rc rc = mst_schema_check(schema, value, &one, &err);
    require(rc == MST_OK || err.message[0] != '\0', "an error without a sentence");
    require(rc != MST_OK || one.valid || (one.keyword != NULL && one.message.n > 0), "a violation without a sentence");
    bool valid = one.valid;
    require(mst_schema_check(schema, value, &two, &err) == rc && two.valid == valid,
            "another verdict when asked again");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t first = nul != NULL ? (size_t)(nul - data) : size;
    mst_str_t schema_text = mst_str((const char *)data, first);
    mst_str_t value_text = nul != NULL ? mst_str((const char *)nul + 1, size - first - 1) : schema_text;
    mst_arena_t *arena = mst_arena_new(64u << 20);
    const mst_json_t *root, *value;
    mst_err_t err;
    if (mst_json_parse_lenient(schema_text, arena, &root, &err) == MST_OK) {
        for (int i = 0; i < 4; i++) {
            mst_schema_opts_t opts = {.draft = i % 2 == 0 ? MST_SCHEMA_2020_12 : MST_SCHEMA_DRAFT_7,
                                      .assert_format = i >= 2};
            mst_schema_t *schema = NULL;
            mst_rc rc = mst_schema_new(root, &opts, &schema, &err);
            require((rc == MST_OK) == (schema != NULL), "a schema and an error");
            if (rc == MST_OK && mst_json_parse_lenient(value_text, arena, &value, &err) == MST_OK)
                check(schema, value);
            if (rc == MST_OK)
                check(schema, root);
            mst_schema_free(&schema);
        }
    }
    mst_arena_free(&arena);
    return 0;
}
