// Which id a case gets, and whether it was there before. Ids that we assign ("case-000001" by the number of the
// case) cost no memory as long as no row brought its own.
// Thread: belongs to one thread.
#ifndef MST_DATASET_IDS_H
#define MST_DATASET_IDS_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef struct mst_ids mst_ids_t;

mst_ids_t *mst_ids_new(uint64_t seed); // seed: see idset.h
void mst_ids_free(mst_ids_t **ids);
// An id that the row brings. MST_CONFLICT: it was there (no error set). MST_NOMEM.
MST_NODISCARD mst_rc mst_ids_take(mst_ids_t *ids, mst_str_t id);
#define MST_ASSIGNED_ID_MAX 64
// An id for a row without one; NUL-terminated in out. MST_NOMEM.
MST_NODISCARD mst_rc mst_ids_assign(mst_ids_t *ids, uint64_t case_no, char out[MST_ASSIGNED_ID_MAX]);
size_t mst_ids_bytes(const mst_ids_t *ids); // memory held

#endif
