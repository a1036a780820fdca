// A case to and from its packed form.
#include "common/wire/wire_internal.h"

#include "common/base/limits.h"

mst_rc
mst_wire_check_case(const Muster__Case *c, mst_err_t *err)
{
    if (c->case_no >= MST_CASES_MAX)
        return MST_ERR(err, MST_LIMIT, "case number %llu is over the limit of %lu", (unsigned long long)c->case_no,
                       MST_CASES_MAX);
    if (c->id.len == 0)
        return MST_ERR(err, MST_PROTO, "case %llu has no id", (unsigned long long)c->case_no);
    if (c->id.len > MST_ID_MAX)
        return MST_ERR(err, MST_LIMIT, "id of case %llu has %zu bytes, over the limit of %d",
                       (unsigned long long)c->case_no, c->id.len, MST_ID_MAX);
    return MST_OK;
}

mst_rc
mst_wire_case_pack(const mst_case_t *c, mst_buf_t *out, mst_err_t *err)
{
    Muster__Case m = MUSTER__CASE__INIT;
    m.case_no = c->case_no;
    m.id = mst_wire_bytes(c->id);
    m.has_input = c->input.n > 0;
    m.input = mst_wire_bytes(c->input);
    m.has_expected = c->has_expected;
    m.expected = mst_wire_bytes(c->expected);
    m.has_actual = c->has_actual;
    m.actual = mst_wire_bytes(c->actual);
    m.has_messages = c->messages.n > 0;
    m.messages = mst_wire_bytes(c->messages);
    m.has_context = c->context.n > 0;
    m.context = mst_wire_bytes(c->context);
    m.has_retrieval_context = c->retrieval_context.n > 0;
    m.retrieval_context = mst_wire_bytes(c->retrieval_context);
    m.has_metadata = c->metadata.n > 0;
    m.metadata = mst_wire_bytes(c->metadata);
    m.has_digest = 1;
    m.digest = mst_wire_digest_to_u64(c->digest);
    mst_rc rc = mst_wire_check_case(&m, err); // what nobody would unpack is not sent
    if (rc != MST_OK)
        return rc;
    return mst_wire_pack_any(&m.base, "case", MST_CASE_BYTES_MAX, out, err);
}

mst_rc
mst_wire_case_unpack(mst_str_t bytes, mst_arena_t *arena, mst_case_t *out, mst_err_t *err)
{
    *out = (mst_case_t){0};
    if (bytes.n > MST_CASE_BYTES_MAX)
        return MST_ERR(err, MST_LIMIT, "case of %zu bytes is over the limit of %lu", bytes.n, MST_CASE_BYTES_MAX);
    ProtobufCMessage *any = NULL;
    mst_rc rc = mst_wire_unpack_any(&muster__case__descriptor, "case", bytes, arena, &any, err);
    if (rc != MST_OK)
        return rc;
    const Muster__Case *m = (const Muster__Case *)any;
    rc = mst_wire_check_case(m, err);
    if (rc != MST_OK)
        return rc;
    out->case_no = m->case_no;
    out->id = mst_wire_str(m->id);
    out->input = mst_wire_str(m->input);
    out->has_expected = m->has_expected;
    out->expected = mst_wire_str(m->expected);
    out->has_actual = m->has_actual;
    out->actual = mst_wire_str(m->actual);
    out->messages = mst_wire_str(m->messages);
    out->context = mst_wire_str(m->context);
    out->retrieval_context = mst_wire_str(m->retrieval_context);
    out->metadata = mst_wire_str(m->metadata);
    mst_wire_digest_from_u64(m->has_digest ? m->digest : 0, out->digest);
    return MST_OK;
}
