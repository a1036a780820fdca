// The packed bytes of the cases that were read and are not all committed, by case number: small ones in memory,
// large ones in the spool. The core deals in numbers only; this is what the numbers stand for.
// Thread: belongs to one thread.
#ifndef MST_COORDINATOR_PAYLOAD_H
#define MST_COORDINATOR_PAYLOAD_H

#include "coordinator/spool.h"

typedef struct mst_payload mst_payload_t;

struct mst_payload {
    uint64_t case_no;
    uint64_t blob_at, blob_bytes; // blob_bytes > 0: in the spool
    uint32_t n;                   // inline bytes
    mst_payload_t *next;          // of its bucket
    char bytes[];
};

typedef struct {
    mst_payload_t **buckets; // by the low bits of the number: numbers are dense, so chains stay short
    size_t bucket_count, count;
    size_t held_bytes; // in memory
    mst_spool_t blobs;
} mst_payloads_t;

void mst_payloads_init(mst_payloads_t *p);
void mst_payloads_deinit(mst_payloads_t *p);
// Copies packed: into memory up to MST_CASE_INLINE_MAX, else into the spool. MST_FULL, MST_IO, MST_NOMEM.
MST_NODISCARD mst_rc mst_payloads_add(mst_payloads_t *p, uint64_t case_no, mst_str_t packed, mst_err_t *err);
const mst_payload_t *mst_payloads_get(const mst_payloads_t *p, uint64_t case_no); // NULL when not held
void mst_payloads_drop(mst_payloads_t *p, uint64_t case_no);                      // not held: does nothing

#endif
