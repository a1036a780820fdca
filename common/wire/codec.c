// Packing and unpacking of any generated message.
//
// protobuf-c allocates from the message's own counts and stops at no limit but INT_MAX; 1.4.1 also reads fields
// that it has not set in a few corners. So unpacking takes zeroed memory from an arena, under a budget; nothing is
// ever freed one by one. On failure protobuf-c gives no reason: the budget says whether it was a limit.
#include "common/wire/wire_internal.h"

#include "common/base/limits.h"

typedef struct {
    mst_arena_t *arena;
    size_t left; // bytes that may still be taken
    bool over;   // an allocation was refused
} budget_t;

static void *
budget_alloc(void *ud, size_t bytes)
{
    budget_t *b = ud;
    void *p = bytes <= b->left ? mst_arena_alloc(b->arena, bytes) : NULL;
    if (p == NULL) {
        b->over = true;
        return NULL;
    }
    b->left -= bytes;
    return p;
}

static void
budget_free(void *ud, void *p)
{
    (void)ud;
    (void)p;
}

mst_rc
mst_wire_unpack_any(const ProtobufCMessageDescriptor *type, const char *what, mst_str_t bytes, mst_arena_t *arena,
                    ProtobufCMessage **out, mst_err_t *err)
{
    static const uint8_t none[1];
    budget_t budget = {.arena = arena, .left = MST_WIRE_UNPACK_MAX + bytes.n};
    ProtobufCAllocator allocator = {.alloc = budget_alloc, .free = budget_free, .allocator_data = &budget};
    const uint8_t *p = bytes.p != NULL ? (const uint8_t *)bytes.p : none;
    *out = protobuf_c_message_unpack(type, &allocator, bytes.n, p);
    if (*out != NULL)
        return MST_OK;
    if (budget.over)
        return MST_ERR(err, MST_LIMIT, "%s of %zu bytes needs more memory than a message may take", what, bytes.n);
    return MST_ERR(err, MST_PROTO, "%zu bytes are not a %s: the encoding is broken or a required field is missing",
                   bytes.n, what);
}

mst_rc
mst_wire_pack_any(const ProtobufCMessage *m, const char *what, size_t max, mst_buf_t *out, mst_err_t *err)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    if (n > max)
        return MST_ERR(err, MST_LIMIT, "%s of %zu bytes is over the limit of %zu", what, n, max);
    char *p = mst_buf_reserve(out, n);
    if (p == NULL)
        return MST_ERR(err, MST_LIMIT, "%s of %zu bytes does not fit its buffer", what, n);
    out->n += protobuf_c_message_pack(m, (uint8_t *)p);
    return MST_OK;
}

ProtobufCBinaryData
mst_wire_bytes(mst_str_t s)
{
    ProtobufCBinaryData b = {.len = s.n, .data = NULL};
    // protobuf-c's type has no const; packing only reads
    memcpy(&b.data, &s.p, sizeof b.data);
    return b;
}
