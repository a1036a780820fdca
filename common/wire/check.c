// Every message against the named maxima and its enum ranges, before anyone sees it. protobuf-c checks neither:
// an enum field takes any number, a bytes field any length.
#include "common/wire/wire_internal.h"

#include "common/base/hash.h"
#include "common/base/limits.h"

#define INSTANCE_BYTES 16

static mst_rc
check_len(const char *field, ProtobufCBinaryData b, size_t max, mst_err_t *err)
{
    if (b.len > max)
        return MST_ERR(err, MST_LIMIT, "%s of %zu bytes is over the limit of %zu", field, b.len, max);
    return MST_OK;
}

static mst_rc
check_exact(const char *field, ProtobufCBinaryData b, size_t n, mst_err_t *err)
{
    if (b.len != n)
        return MST_ERR(err, MST_PROTO, "%s has %zu bytes, expected %zu", field, b.len, n);
    return MST_OK;
}

static mst_rc
check_range(const char *field, uint64_t v, uint64_t min, uint64_t max, mst_err_t *err)
{
    if (v < min || v > max)
        return MST_ERR(err, MST_PROTO, "%s is %llu, expected %llu to %llu", field, (unsigned long long)v,
                       (unsigned long long)min, (unsigned long long)max);
    return MST_OK;
}

static mst_rc
check_max(const char *field, uint64_t v, uint64_t max, mst_err_t *err)
{
    if (v > max)
        return MST_ERR(err, MST_LIMIT, "%s is %llu, over the limit of %llu", field, (unsigned long long)v,
                       (unsigned long long)max);
    return MST_OK;
}

// The data's own sum, so that a damaged chunk stops here.
static mst_rc
check_chunk(const char *what, ProtobufCBinaryData data, uint32_t crc32, mst_err_t *err)
{
    mst_rc rc = check_len(what, data, MST_BLOB_CHUNK, err);
    if (rc == MST_OK && mst_crc32(mst_wire_str(data)) != crc32)
        rc = MST_ERR(err, MST_PROTO, "%s of %zu bytes does not match its checksum", what, data.len);
    return rc;
}

mst_rc
mst_wire_check_key(const char *what, uint64_t case_no, uint32_t target_no, uint32_t repeat_no, mst_err_t *err)
{
    if (case_no >= MST_CASES_MAX || target_no >= MST_TARGETS_MAX || repeat_no >= MST_REPEAT_NO_MAX)
        return MST_ERR(err, MST_LIMIT, "%s names case %llu, target %u, repeat %u: over the limits of a run", what,
                       (unsigned long long)case_no, target_no, repeat_no);
    return MST_OK;
}

static mst_rc
check_hello(const Muster__Hello *m, mst_err_t *err)
{
    mst_rc rc = check_range("hello.role", m->role, 1, 3, err);
    if (rc == MST_OK)
        rc = check_exact("hello.instance", m->instance, INSTANCE_BYTES, err);
    if (rc == MST_OK)
        rc = check_len("hello.name", m->name, MST_NAME_MAX, err);
    if (rc == MST_OK)
        rc = check_max("hello.slots", m->slots, MST_CONCURRENCY_MAX, err);
    return rc;
}

static mst_rc
check_run_note(const Muster__RunNote *m, mst_err_t *err)
{
    if (m->has_money && !(m->money >= 0.0 && m->money <= MST_MONEY_MAX))
        return MST_ERR(err, MST_PROTO, "run_note.money is %g, expected 0 to %g", m->money, MST_MONEY_MAX);
    return check_max("run_note.requests", m->requests, INT64_MAX, err);
}

static mst_rc
check_unit_case(const Muster__UnitCase *u, mst_err_t *err)
{
    mst_rc rc = mst_wire_check_key("unit", u->case_no, u->target_no, u->repeat_no, err);
    if (rc != MST_OK)
        return rc;
    if ((u->has_body != 0) == (u->has_blob_bytes != 0))
        return MST_ERR(err, MST_PROTO, "unit case %llu: expected either a body or a blob size",
                       (unsigned long long)u->case_no);
    if (u->has_body)
        return check_len("case body", u->body, MST_CASE_INLINE_MAX, err);
    return check_range("case blob size", u->blob_bytes, 1, MST_CASE_BYTES_MAX, err);
}

static mst_rc
check_grant(const Muster__Grant *m, mst_err_t *err)
{
    mst_rc rc = check_exact("grant.spec_digest", m->spec_digest, MST_SHA256_BYTES, err);
    if (rc == MST_OK)
        rc = check_range("cases of a grant", m->n_cases, 1, MST_UNIT_CASES_MAX, err);
    for (size_t i = 0; rc == MST_OK && i < m->n_cases; i++)
        rc = check_unit_case(m->cases[i], err);
    return rc;
}

static mst_rc
check_lease_return(const Muster__LeaseReturn *m, mst_err_t *err)
{
    mst_rc rc = check_range("lease_return.cause", m->cause, 1, 7, err);
    if (rc == MST_OK)
        rc = check_max("keys of a lease_return", m->n_case_nos, MST_UNIT_CASES_MAX, err);
    if (rc == MST_OK && (m->n_target_nos != m->n_case_nos || m->n_repeat_nos != m->n_case_nos))
        rc = MST_ERR(err, MST_PROTO, "lease_return has %zu cases, %zu targets and %zu repeats", m->n_case_nos,
                     m->n_target_nos, m->n_repeat_nos);
    for (size_t i = 0; rc == MST_OK && i < m->n_case_nos; i++)
        rc = mst_wire_check_key("lease_return", m->case_nos[i], m->target_nos[i], m->repeat_nos[i], err);
    if (rc == MST_OK)
        rc = check_len("lease_return.text", m->text, MST_SENTENCE_MAX, err);
    return rc;
}

static mst_rc
check_committed(const Muster__Committed *m, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t g = 0; rc == MST_OK && g < m->n_groups; g++) {
        const Muster__CommittedGroup *group = m->groups[g];
        rc = mst_wire_check_key("committed", 0, group->target_no, group->repeat_no, err);
        for (size_t i = 0; rc == MST_OK && i < group->n_case_nos; i++)
            rc = check_max("committed case", group->case_nos[i], MST_CASES_MAX - 1, err);
    }
    return rc;
}

static mst_rc
check_submit(const Muster__Submit *m, mst_err_t *err)
{
    mst_rc rc = check_exact("submit.req_id", m->req_id, INSTANCE_BYTES, err);
    if (rc == MST_OK)
        rc = check_len("submit.run_id", m->run_id, MST_NAME_MAX, err);
    return rc;
}

static mst_rc
check_run_status(const Muster__RunStatus *m, mst_err_t *err)
{
    mst_rc rc = check_range("run_status.state", m->state, 1, 7, err);
    if (rc == MST_OK)
        rc = check_len("run_status.text", m->text, MST_SENTENCE_MAX, err);
    if (rc == MST_OK)
        rc = check_max("run_status.rc", m->rc, MST_INTERNAL, err);
    if (rc == MST_OK && m->has_dataset_hash)
        rc = check_exact("run_status.dataset_hash", m->dataset_hash, MST_SHA256_BYTES, err);
    return rc;
}

static mst_rc
check_origin(const Muster__Origin *m, mst_err_t *err)
{
    const ProtobufCBinaryData all[] = {m->host,           m->device, m->driver,         m->engine,
                                       m->engine_version, m->model,  m->model_revision, m->endpoint};
    mst_rc rc = check_max("origin_no", m->origin_no, MST_ORIGINS_MAX - 1, err);
    for (size_t i = 0; rc == MST_OK && i < sizeof all / sizeof all[0]; i++)
        rc = check_len("a field of an origin", all[i], MST_SENTENCE_MAX, err);
    return rc;
}

static mst_rc
check_res_batch(const Muster__ResBatch *m, mst_err_t *err)
{
    mst_rc rc = check_range("rows of a batch", m->n_rows, 1, MST_BATCH_ROWS_MAX, err);
    for (size_t i = 0; rc == MST_OK && i < m->n_rows; i++)
        rc = check_len("row of a batch", m->rows[i], MST_RESULT_INLINE_MAX, err);
    return rc;
}

static mst_rc
check_res_chunk(const Muster__ResChunk *m, mst_err_t *err)
{
    mst_rc rc = check_max("size of a result", m->total_bytes, MST_RESULT_BYTES_MAX, err);
    if (rc == MST_OK)
        rc = check_chunk("chunk of a result", m->data, m->crc32, err);
    if (rc == MST_OK && (m->offset > m->total_bytes || m->data.len > m->total_bytes - m->offset))
        rc = MST_ERR(err, MST_PROTO, "chunk of %zu bytes at %llu lies outside its result of %llu bytes", m->data.len,
                     (unsigned long long)m->offset, (unsigned long long)m->total_bytes);
    return rc;
}

static mst_rc
check_blob_get(const Muster__BlobGet *m, mst_err_t *err)
{
    mst_rc rc = mst_wire_check_key("blob_get", m->case_no, 0, 0, err);
    if (rc == MST_OK)
        rc = check_max("blob_get.offset", m->offset, MST_CASE_BYTES_MAX, err);
    if (rc == MST_OK)
        rc = check_range("blob_get.credit_bytes", m->credit_bytes, 1, UINT32_MAX, err);
    return rc;
}

static mst_rc
check_blob_chunk(const Muster__BlobChunk *m, mst_err_t *err)
{
    mst_rc rc = mst_wire_check_key("blob_chunk", m->case_no, 0, 0, err);
    if (rc == MST_OK)
        rc = check_max("blob_chunk.offset", m->offset, MST_CASE_BYTES_MAX, err);
    if (rc == MST_OK)
        rc = check_chunk("chunk of a case", m->data, m->crc32, err);
    return rc;
}

static mst_rc
check_res_nack(const Muster__ResNack *m, mst_err_t *err)
{
    mst_rc rc = check_range("res_nack.code", m->code, 1, 5, err);
    return rc == MST_OK ? check_len("res_nack.text", m->text, MST_SENTENCE_MAX, err) : rc;
}

static mst_rc
check_store_failed(const Muster__StoreFailed *m, mst_err_t *err)
{
    mst_rc rc = check_range("store_failed.rc", m->rc, 1, MST_INTERNAL, err);
    return rc == MST_OK ? check_len("store_failed.text", m->text, MST_SENTENCE_MAX, err) : rc;
}

mst_rc
mst_wire_check(const Muster__Envelope *e, mst_err_t *err)
{
    switch (e->body_case) {
    case MUSTER__ENVELOPE__BODY_HELLO:
        return check_hello(e->hello, err);
    case MUSTER__ENVELOPE__BODY_PING:
        return check_max("leases of a ping", e->ping->n_leases, MST_LEASES_MAX, err);
    case MUSTER__ENVELOPE__BODY_PONG:
        return check_max("leases of a pong", e->pong->n_leases_lost, MST_LEASES_MAX, err);
    case MUSTER__ENVELOPE__BODY_CREDIT:
        return check_max("credit", e->credit->cases, MST_CREDIT_CASES_MAX, err);
    case MUSTER__ENVELOPE__BODY_GOODBYE:
        return check_len("goodbye.reason", e->goodbye->reason, MST_SENTENCE_MAX, err);
    case MUSTER__ENVELOPE__BODY_GRANT:
        return check_grant(e->grant, err);
    case MUSTER__ENVELOPE__BODY_LEASE_RETURN:
        return check_lease_return(e->lease_return, err);
    case MUSTER__ENVELOPE__BODY_RUN_SPEC_REQ:
        return check_exact("run_spec_req.spec_digest", e->run_spec_req->spec_digest, MST_SHA256_BYTES, err);
    case MUSTER__ENVELOPE__BODY_RUN_SPEC:
        return check_exact("run_spec.spec_digest", e->run_spec->spec_digest, MST_SHA256_BYTES, err);
    case MUSTER__ENVELOPE__BODY_RUN_CONTROL:
        return check_range("run_control.state", e->run_control->state, 1, 3, err);
    case MUSTER__ENVELOPE__BODY_RUN_NOTE:
        return check_run_note(e->run_note, err);
    case MUSTER__ENVELOPE__BODY_BLOB_GET:
        return check_blob_get(e->blob_get, err);
    case MUSTER__ENVELOPE__BODY_BLOB_CHUNK:
        return check_blob_chunk(e->blob_chunk, err);
    case MUSTER__ENVELOPE__BODY_ORIGIN:
        return check_origin(e->origin, err);
    case MUSTER__ENVELOPE__BODY_RES_BATCH:
        return check_res_batch(e->res_batch, err);
    case MUSTER__ENVELOPE__BODY_RES_CHUNK:
        return check_res_chunk(e->res_chunk, err);
    case MUSTER__ENVELOPE__BODY_RES_NACK:
        return check_res_nack(e->res_nack, err);
    case MUSTER__ENVELOPE__BODY_COMMITTED:
        return check_committed(e->committed, err);
    case MUSTER__ENVELOPE__BODY_STORE_FAILED:
        return check_store_failed(e->store_failed, err);
    case MUSTER__ENVELOPE__BODY_SUBMIT:
        return check_submit(e->submit, err);
    case MUSTER__ENVELOPE__BODY_RUN_STATUS:
        return check_run_status(e->run_status, err);
    case MUSTER__ENVELOPE__BODY_HELLO_OK:
    case MUSTER__ENVELOPE__BODY_UNKNOWN_SESSION:
    case MUSTER__ENVELOPE__BODY_GOODBYE_OK:
    case MUSTER__ENVELOPE__BODY_RES_CREDIT:
    case MUSTER__ENVELOPE__BODY_RES_ACK:
    case MUSTER__ENVELOPE__BODY_FEED_ACK:
    case MUSTER__ENVELOPE__BODY_CANCEL:
        return MST_OK; // numbers of any value, nothing to bound but the frame
    case MUSTER__ENVELOPE__BODY__NOT_SET:
    case _MUSTER__ENVELOPE__BODY__CASE_IS_INT_SIZE:
    default:
        return MST_ERR(err, MST_PROTO, "envelope without a message that this version knows");
    }
}
