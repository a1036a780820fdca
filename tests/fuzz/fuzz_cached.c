// An entry of the response cache: what is read must be written again as the same bytes.
#include "common/base/limits.h"
#include "worker/cache/entry.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mst_arena_t *arena = mst_arena_new(128 * MST_MIB);
    mst_cached_t x;
    mst_buf_t out;
    mst_buf_init(&out, 256 * MST_MIB);
    if (mst_cached_unpack(mst_str((const char *)data, size), arena, &x, NULL) == MST_OK) {
        mst_cached_pack(&x, 0, &out);
        // a piece that shared its read may be marked by any byte but 0
        if (out.failed || out.n != size || (x.piece_count == 0 && memcmp(out.p, data, size) != 0)) {
            fprintf(stderr, "fuzz_cached: not the same when written again\n");
            abort();
        }
    }
    mst_buf_deinit(&out);
    mst_arena_free(&arena);
    return 0;
}
