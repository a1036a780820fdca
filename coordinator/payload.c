// A hash table of cases. The key is a dense, growing number, so its low bits are the hash.
#include "coordinator/payload.h"

#include "common/base/limits.h"
#include "common/base/mem.h"

#include <stdlib.h>

void
mst_payloads_init(mst_payloads_t *p)
{
    *p = (mst_payloads_t){.bucket_count = 1024};
    p->buckets = MST_NEW_ARRAY(mst_payload_t *, p->bucket_count);
    mst_spool_init(&p->blobs);
}

void
mst_payloads_deinit(mst_payloads_t *p)
{
    for (size_t i = 0; i < p->bucket_count; i++)
        for (mst_payload_t *e = p->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            free(e);
        }
    free(p->buckets);
    mst_spool_deinit(&p->blobs);
    memset(p, 0, sizeof *p);
}

static mst_payload_t **
bucket_of(const mst_payloads_t *p, uint64_t case_no)
{
    return &p->buckets[case_no & (p->bucket_count - 1)];
}

static void
grow(mst_payloads_t *p)
{
    mst_payloads_t old = *p;
    p->bucket_count *= 2;
    p->buckets = MST_NEW_ARRAY(mst_payload_t *, p->bucket_count);
    for (size_t i = 0; i < old.bucket_count; i++)
        for (mst_payload_t *e = old.buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            mst_payload_t **b = bucket_of(p, e->case_no);
            e->next = *b;
            *b = e;
        }
    free(old.buckets);
}

mst_rc
mst_payloads_add(mst_payloads_t *p, uint64_t case_no, mst_str_t packed, mst_err_t *err)
{
    bool inlined = packed.n <= MST_CASE_INLINE_MAX;
    uint64_t at = 0;
    mst_rc rc = inlined ? MST_OK : mst_spool_add(&p->blobs, packed, &at, err);
    if (rc != MST_OK)
        return rc;
    size_t keep = inlined ? packed.n : 0;
    mst_payload_t *e = malloc(sizeof *e + keep);
    if (e == NULL)
        return MST_ERR(err, MST_NOMEM, "out of memory for a case of %zu bytes", packed.n);
    *e = (mst_payload_t){.case_no = case_no, .n = (uint32_t)keep, .blob_at = at, .blob_bytes = inlined ? 0 : packed.n};
    if (keep > 0)
        memcpy(e->bytes, packed.p, keep);
    if (p->count >= p->bucket_count)
        grow(p);
    mst_payload_t **b = bucket_of(p, case_no);
    e->next = *b;
    *b = e;
    p->count++;
    p->held_bytes += sizeof *e + keep;
    return MST_OK;
}

const mst_payload_t *
mst_payloads_get(const mst_payloads_t *p, uint64_t case_no)
{
    const mst_payload_t *e = *bucket_of(p, case_no);
    while (e != NULL && e->case_no != case_no)
        e = e->next;
    return e;
}

void
mst_payloads_drop(mst_payloads_t *p, uint64_t case_no)
{
    mst_payload_t **at = bucket_of(p, case_no);
    while (*at != NULL && (*at)->case_no != case_no)
        at = &(*at)->next;
    mst_payload_t *e = *at;
    if (e == NULL)
        return;
    *at = e->next;
    p->count--;
    p->held_bytes -= sizeof *e + e->n;
    if (e->blob_bytes > 0)
        mst_spool_drop(&p->blobs, e->blob_at, e->blob_bytes);
    free(e);
}
