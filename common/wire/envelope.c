// The envelope: what every message travels in.
#include "common/wire/wire_internal.h"

#include "common/base/limits.h"

void
mst_wire_envelope(Muster__Envelope *e, Muster__Envelope__BodyCase kind, void *body)
{
    muster__envelope__init(e);
    e->body_case = kind;
    // every member of the union is a pointer to a message; any of them carries it
    e->hello = body;
}

mst_rc
mst_wire_pack(const Muster__Envelope *e, mst_buf_t *out, mst_err_t *err)
{
    return mst_wire_pack_any(&e->base, mst_wire_kind_name(e->body_case), MST_WIRE_FRAME_MAX, out, err);
}

mst_rc
mst_wire_unpack(mst_str_t bytes, mst_arena_t *arena, Muster__Envelope **out, mst_err_t *err)
{
    *out = NULL;
    if (bytes.n > MST_WIRE_FRAME_MAX)
        return MST_ERR(err, MST_LIMIT, "message of %zu bytes is over the limit of %lu", bytes.n, MST_WIRE_FRAME_MAX);
    ProtobufCMessage *m = NULL;
    mst_rc rc = mst_wire_unpack_any(&muster__envelope__descriptor, "message", bytes, arena, &m, err);
    if (rc != MST_OK)
        return rc;
    Muster__Envelope *e = (Muster__Envelope *)m;
    rc = mst_wire_check(e, err);
    if (rc == MST_OK)
        *out = e;
    return rc;
}

const char *
mst_wire_kind_name(Muster__Envelope__BodyCase kind)
{
    // the generated table knows the names by field number
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field(&muster__envelope__descriptor, (unsigned)kind);
    return f != NULL && kind >= MUSTER__ENVELOPE__BODY_HELLO ? f->name : "unknown";
}
