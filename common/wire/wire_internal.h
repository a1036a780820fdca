// Shared inside common/wire: the budgeted allocator and the checks.
#ifndef MST_WIRE_WIRE_INTERNAL_H
#define MST_WIRE_WIRE_INTERNAL_H

#include "common/wire/wire.h"

#include "result.pb-c.h"
#include "work.pb-c.h"

// Unpacks one message into arena. At most MST_WIRE_UNPACK_MAX beyond the message's own size may be taken: a
// two-byte sub-message costs a pointer and a whole struct, so the size of the bytes bounds nothing.
// what: for the sentence ("case"). MST_PROTO, MST_LIMIT.
MST_NODISCARD mst_rc mst_wire_unpack_any(const ProtobufCMessageDescriptor *type, const char *what, mst_str_t bytes,
                                         mst_arena_t *arena, ProtobufCMessage **out, mst_err_t *err);
// Appends a packed message. MST_LIMIT over max bytes (nothing appended), MST_NOMEM.
MST_NODISCARD mst_rc mst_wire_pack_any(const ProtobufCMessage *m, const char *what, size_t max, mst_buf_t *out,
                                       mst_err_t *err);

// Limits and ranges of every message in an envelope. MST_PROTO, MST_LIMIT.
MST_NODISCARD mst_rc mst_wire_check(const Muster__Envelope *e, mst_err_t *err);
MST_NODISCARD mst_rc mst_wire_check_case(const Muster__Case *c, mst_err_t *err);
MST_NODISCARD mst_rc mst_wire_check_result(const Muster__Result *r, mst_err_t *err);
// One key's numbers against the named maxima.
MST_NODISCARD mst_rc mst_wire_check_key(const char *what, uint64_t case_no, uint32_t target_no, uint32_t repeat_no,
                                        mst_err_t *err);

// The digest of a case travels as a number, big-endian.
static inline uint64_t
mst_wire_digest_to_u64(const uint8_t d[8])
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | d[i];
    return v;
}

static inline void
mst_wire_digest_from_u64(uint64_t v, uint8_t d[8])
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        d[i] = (uint8_t)(v & 0xff);
}

#endif
