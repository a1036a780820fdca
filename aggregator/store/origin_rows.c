#include "aggregator/store/origin_rows.h"

#include <stdlib.h>

void
mst_origin_rows_init(mst_origin_rows_t *o)
{
    *o = (mst_origin_rows_t){0};
    mst_buf_init(&o->scratch, 16 * MST_MIB);
}

void
mst_origin_rows_deinit(mst_origin_rows_t *o)
{
    mst_origin_rows_forget(o);
    mst_buf_deinit(&o->scratch);
}

void
mst_origin_rows_forget(mst_origin_rows_t *o)
{
    for (size_t i = 0; i < o->count; i++)
        free(o->items[i].flat);
    o->count = o->last = 0;
}

static void
origin_fields(const mst_origin_t *o, mst_str_t out[MST_ORIGIN_FIELDS])
{
    const mst_str_t fields[MST_ORIGIN_FIELDS] = {o->host,           o->device, o->driver,         o->engine,
                                                 o->engine_version, o->model,  o->model_revision, o->endpoint};
    memcpy(out, fields, sizeof fields);
}

// Every field with its length in front, so that no two origins look the same.
static void
flatten(const mst_str_t fields[MST_ORIGIN_FIELDS], mst_buf_t *out)
{
    mst_buf_reset(out);
    for (int i = 0; i < MST_ORIGIN_FIELDS; i++) {
        uint64_t n = fields[i].n;
        mst_buf_add(out, &n, sizeof n);
        mst_buf_add_str(out, fields[i]);
    }
}

mst_rc
mst_origin_rows_no(mst_origin_rows_t *o, const mst_origin_t *origin, mst_origin_row_fn *row, void *ud, int64_t *out_no,
                   mst_err_t *err)
{
    mst_str_t fields[MST_ORIGIN_FIELDS];
    origin_fields(origin, fields);
    flatten(fields, &o->scratch);
    if (o->scratch.failed)
        return MST_ERR(err, MST_INVAL, "the origin of a result is too large");
    mst_str_t flat = mst_buf_view(&o->scratch);
    uint64_t hash = mst_xxh64(flat, 0);
    for (size_t i = 0; i < o->count; i++) {
        mst_origin_slot_t *slot = &o->items[(o->last + i) % o->count];
        if (slot->hash == hash && mst_str_eq(mst_str(slot->flat, slot->flat_bytes), flat)) {
            o->last = (size_t)(slot - o->items);
            *out_no = slot->origin_no;
            return MST_OK;
        }
    }
    mst_digest_t digest = mst_sha256(flat);
    mst_rc rc = row(ud, &digest, fields, out_no, err);
    if (rc != MST_OK)
        return rc;
    if (o->count == MST_ORIGIN_MAX)
        mst_origin_rows_forget(o);
    o->last = o->count++;
    o->items[o->last] = (mst_origin_slot_t){
        .hash = hash, .origin_no = *out_no, .flat = mst_xstrndup(flat.p, flat.n), .flat_bytes = flat.n};
    return MST_OK;
}
