#include "coordinator/dataset/ids.h"

#include "common/base/mem.h"
#include "coordinator/dataset/idset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct mst_ids {
    uint64_t seed;
    // Cases 0 ... plain-1 were all assigned their number's id: those ids are known without being kept.
    uint64_t plain;
    mst_idset_t *set; // NULL until a row brings its own id; from then on every id is in it
};

mst_ids_t *
mst_ids_new(uint64_t seed)
{
    mst_ids_t *ids = MST_NEW(mst_ids_t);
    ids->seed = seed;
    return ids;
}

void
mst_ids_free(mst_ids_t **ids)
{
    if (ids == NULL || *ids == NULL)
        return;
    mst_idset_free(&(*ids)->set);
    free(*ids);
    *ids = NULL;
}

// Is it the id that one of the plain cases was assigned?
static bool
is_plain(const mst_ids_t *ids, mst_str_t id)
{
    const mst_str_t prefix = MST_STR("case-");
    uint64_t number;
    if (ids->plain == 0 || id.n < prefix.n + 6 || !mst_str_starts(id, prefix) ||
        !mst_str_to_u64(mst_str(id.p + prefix.n, id.n - prefix.n), &number) || number == 0 || number > ids->plain)
        return false;
    char spelt[MST_ASSIGNED_ID_MAX];
    snprintf(spelt, sizeof spelt, "case-%06" PRIu64, number);
    return mst_str_eq_c(id, spelt);
}

mst_rc
mst_ids_take(mst_ids_t *ids, mst_str_t id)
{
    if (ids->set == NULL)
        ids->set = mst_idset_new(ids->seed);
    if (is_plain(ids, id))
        return MST_CONFLICT;
    bool fresh;
    mst_rc rc = mst_idset_add(ids->set, id, &fresh);
    return rc != MST_OK || fresh ? rc : MST_CONFLICT;
}

mst_rc
mst_ids_assign(mst_ids_t *ids, uint64_t case_no, char out[MST_ASSIGNED_ID_MAX])
{
    snprintf(out, MST_ASSIGNED_ID_MAX, "case-%06" PRIu64, case_no + 1);
    if (ids->set == NULL) {
        ids->plain = case_no + 1;
        return MST_OK;
    }
    // An earlier row may have brought this very id: then the next free one with a suffix.
    for (unsigned k = 2;; k++) {
        bool fresh;
        mst_rc rc = mst_idset_add(ids->set, mst_str_c(out), &fresh);
        if (rc != MST_OK || fresh)
            return rc;
        snprintf(out, MST_ASSIGNED_ID_MAX, "case-%06" PRIu64 "-%u", case_no + 1, k);
    }
}

size_t
mst_ids_bytes(const mst_ids_t *ids)
{
    return sizeof *ids + (ids->set != NULL ? mst_idset_bytes(ids->set) : 0);
}
