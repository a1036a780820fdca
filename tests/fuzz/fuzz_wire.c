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

// Fields that we do not know are kept by protobuf-c, with numbers that nobody may use, too. We never send them on.
static void
forget_unknown(ProtobufCMessage *m)
{
    m->n_unknown_fields = 0;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        if (f->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        char *base = (char *)m;
        unsigned which = 0;
        if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            memcpy(&which, base + f->quantifier_offset, sizeof which);
            if (which != f->id)
                continue;
        }
        size_t count = 1;
        ProtobufCMessage *one = NULL, **list = &one;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&count, base + f->quantifier_offset, sizeof count);
            memcpy(&list, base + f->offset, sizeof list);
        } else {
            memcpy(&one, base + f->offset, sizeof one);
        }
        for (size_t k = 0; k < count; k++)
            if (list[k] != NULL)
                forget_unknown(list[k]);
    }
}

static void
fuzz_envelope(mst_str_t bytes, mst_arena_t *arena, mst_buf_t *a)
{
    Muster__Envelope *e = NULL, *again = NULL;
    if (mst_wire_unpack(bytes, arena, &e, NULL) != MST_OK)
        return;
    MST_ASSERT(mst_wire_kind_name(e->body_case) != NULL);
    forget_unknown(&e->base);
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
