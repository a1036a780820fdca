// Wire messages. The first byte chooses the reader: envelope, case or result. What is read is packed and read
// again, and must give the same bytes as then.
#include "common/base/limits.h"
#include "common/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_case(mst_str_t bytes, mst_arena_t *arena, mst_buf_t *a, mst_buf_t *b)
{
    mst_case_t c, again;
    if (mst_wire_case_unpack(bytes, arena, &c, NULL) != MST_OK)
        return;
    MST_ASSERT(mst_wire_case_pack(&c, a, NULL) == MST_OK);
    MST_ASSERT(mst_wire_case_unpack(mst_buf_view(a), arena, &again, NULL) == MST_OK);
    MST_ASSERT(mst_wire_case_pack(&again, b, NULL) == MST_OK);
    MST_ASSERT(mst_str_eq(mst_buf_view(a), mst_buf_view(b)));
}

static void
fuzz_result(mst_str_t bytes, mst_arena_t *arena, mst_buf_t *a, mst_buf_t *b)
{
    mst_result_t r, again;
    if (mst_wire_result_unpack(bytes, arena, &r, NULL) != MST_OK)
        return;
    MST_ASSERT(mst_wire_result_pack(&r, a, NULL) == MST_OK);
    MST_ASSERT(mst_wire_result_unpack(mst_buf_view(a), arena, &again, NULL) == MST_OK);
    MST_ASSERT(mst_wire_result_pack(&again, b, NULL) == MST_OK);
    MST_ASSERT(mst_str_eq(mst_buf_view(a), mst_buf_view(b)));
}

static void
fuzz_envelope(mst_str_t bytes, mst_arena_t *arena, mst_buf_t *a)
{
    Muster__Envelope *e = NULL, *again = NULL;
    if (mst_wire_unpack(bytes, arena, &e, NULL) != MST_OK)
        return;
    MST_ASSERT(mst_wire_kind_name(e->body_case) != NULL);
    // a sloppy encoding may grow over the frame's limit when packed anew; within it, it must read back
    if (mst_wire_pack(e, a, NULL) == MST_OK)
        MST_ASSERT(mst_wire_unpack(mst_buf_view(a), arena, &again, NULL) == MST_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_buf_t a, b;
    mst_buf_init(&a, 64 * MST_MIB);
    mst_buf_init(&b, 64 * MST_MIB);
    mst_str_t bytes = mst_str((const char *)data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        fuzz_envelope(bytes, arena, &a);
        break;
    case 1:
        fuzz_case(bytes, arena, &a, &b);
        break;
    default:
        fuzz_result(bytes, arena, &a, &b);
        break;
    }
    mst_buf_deinit(&a);
    mst_buf_deinit(&b);
    mst_arena_free(&arena);
    return 0;
}
