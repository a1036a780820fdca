// The wire: packed envelopes, and the two records that travel most (case, result) to and from them.
// Generated types come from proto/ (muster__...). The codec enforces the limits on every transport,
// in-process too: unpacking takes at most MST_WIRE_UNPACK_MAX from a zeroing arena, and every message is
// checked against the named maxima of common/base/limits.h and its enum ranges before anyone sees it.
// Thread: any; pure.
#ifndef MST_WIRE_WIRE_H
#define MST_WIRE_WIRE_H

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/model/result.h"

#include "control.pb-c.h"

#define MST_WIRE_MAJOR 1
#define MST_WIRE_MINOR 0

// Starts an envelope with its body set: Muster__Grant g = MUSTER__GRANT__INIT; fill; then
//   Muster__Envelope e; mst_wire_envelope(&e, MUSTER__ENVELOPE__BODY_GRANT, &g);
void mst_wire_envelope(Muster__Envelope *e, Muster__Envelope__BodyCase kind, void *body);
// Appends the packed envelope. MST_LIMIT over MST_WIRE_FRAME_MAX (nothing appended).
MST_NODISCARD mst_rc mst_wire_pack(const Muster__Envelope *e, mst_buf_t *out, mst_err_t *err);
// The message lives in arena (never free_unpacked). MST_PROTO, MST_LIMIT.
MST_NODISCARD mst_rc mst_wire_unpack(mst_str_t bytes, mst_arena_t *arena, Muster__Envelope **out, mst_err_t *err);
const char *mst_wire_kind_name(Muster__Envelope__BodyCase kind); // "grant"

// Case.
MST_NODISCARD mst_rc mst_wire_case_pack(const mst_case_t *c, mst_buf_t *out, mst_err_t *err);
MST_NODISCARD mst_rc mst_wire_case_unpack(mst_str_t bytes, mst_arena_t *arena, mst_case_t *out, mst_err_t *err);

// Result. Packing fills `events` from done.events (mst_events_pack). Unpacked: `events` is set, done.events is
// not; slices borrow from `arena`.
MST_NODISCARD mst_rc mst_wire_result_pack(const mst_result_t *r, mst_buf_t *out, mst_err_t *err);
MST_NODISCARD mst_rc mst_wire_result_unpack(mst_str_t bytes, mst_arena_t *arena, mst_result_t *out, mst_err_t *err);

// Bytes as protobuf-c holds them.
static inline mst_str_t
mst_wire_str(ProtobufCBinaryData b)
{
    return mst_str((const char *)b.data, b.len);
}

ProtobufCBinaryData mst_wire_bytes(mst_str_t s); // borrows; protobuf-c never writes to it

#endif
