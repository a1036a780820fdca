// Adding results to PostgreSQL, first half: a row into the form of COPY, kept until the next settling (pg_settle.c).
#include "aggregator/store/pg.h"

#include <endian.h>
#include <stdlib.h>

static mst_rc
origin_row(void *ud, const mst_digest_t *digest, const mst_str_t fields[MST_ORIGIN_FIELDS], int64_t *out_no,
           mst_err_t *err)
{
    mst_pg_t *s = ud;
    mst_pg_args_t a;
    PGresult *q = NULL;
    int64_t escaped = 0;
    mst_pg_args(&a, s);
    mst_pg_arg_bytes(&a, mst_str((const char *)digest->b, sizeof digest->b));
    for (int i = 0; i < MST_ORIGIN_FIELDS; i++)
        mst_pg_arg_text(&a, fields[i], INT64_C(1) << i, &escaped);
    mst_pg_arg_int(&a, escaped);
    // an update that changes nothing: the row comes back whether it is new or not
    mst_rc rc = mst_pg_query(s,
                             "INSERT INTO origin(digest,host,device,driver,engine,engine_version,model,model_revision,"
                             "endpoint,escaped) VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10) ON CONFLICT (digest) DO UPDATE "
                             "SET digest=excluded.digest RETURNING origin_no",
                             &a, "add an origin to", &q, err);
    if (rc == MST_OK)
        *out_no = mst_pg_int(q, 0, 0);
    PQclear(q);
    return rc;
}

static void
put_u16(mst_buf_t *b, uint16_t v)
{
    v = htobe16(v);
    mst_buf_add(b, &v, sizeof v);
}

static void
put_u32(mst_buf_t *b, uint32_t v)
{
    v = htobe32(v);
    mst_buf_add(b, &v, sizeof v);
}

static void
put_number(mst_buf_t *b, int64_t v)
{
    uint64_t word = htobe64((uint64_t)v);
    put_u32(b, sizeof word);
    mst_buf_add(b, &word, sizeof word);
}

static void
put_text(mst_buf_t *b, mst_str_t v)
{
    put_u32(b, (uint32_t)v.n);
    mst_buf_add_str(b, v);
}

// A text that PostgreSQL cannot hold, its length filled in behind.
static void
put_escaped(mst_buf_t *b, mst_str_t v)
{
    size_t at = b->n;
    put_u32(b, 0);
    mst_pg_text_escape(v, b);
    if (b->failed)
        return;
    uint32_t n = htobe32((uint32_t)(b->n - at - sizeof n));
    memcpy(b->p + at, &n, sizeof n);
}

// One row of COPY's binary form: number of fields, then each with its length.
static void
put_row(mst_pg_t *s, const mst_cell_t cells[MST_COL_COUNT], int64_t part_key)
{
    int64_t escaped = 0;
    for (int i = MST_COL_TEXT_FIRST; i < MST_COL_COUNT; i++)
        if (!cells[i].null && !mst_column_is_bytes((mst_column_t)i) && i != MST_COL_scores &&
            !mst_pg_text_plain(cells[i].s))
            escaped |= INT64_C(1) << (i - MST_COL_TEXT_FIRST);
    put_u16(&s->copy, MST_COL_COUNT + 2);
    put_number(&s->copy, part_key);
    put_number(&s->copy, escaped);
    for (int i = 0; i < MST_COL_COUNT; i++) {
        if (cells[i].null)
            put_u32(&s->copy, UINT32_MAX);
        else if (i < MST_COL_TEXT_FIRST)
            put_number(&s->copy, cells[i].i);
        else if (escaped & (INT64_C(1) << (i - MST_COL_TEXT_FIRST)))
            put_escaped(&s->copy, cells[i].s);
        else
            put_text(&s->copy, cells[i].s);
    }
}

// What the rollup will want of the row.
static mst_rc
remember(mst_pg_t *s, int64_t run_no, const mst_result_t *r, size_t at, mst_err_t *err)
{
    if (s->pending_count == s->pending_cap) {
        s->pending_cap = s->pending_cap ? 2 * s->pending_cap : 256;
        s->pending = mst_xrealloc(s->pending, s->pending_cap * sizeof *s->pending);
    }
    mst_score_t *scores = MST_ARENA_ARRAY(s->waiting, mst_score_t, r->score_count + 1);
    if (!scores)
        return MST_ERR(err, MST_LIMIT, "too many results in one transaction");
    if (r->score_count > 0)
        memcpy(scores, r->scores, r->score_count * sizeof *scores);
    s->pending[s->pending_count] = (mst_pg_pending_t){.run_no = run_no, .r = *r, .at = at, .end = s->copy.n};
    s->pending[s->pending_count++].r.scores = scores;
    return MST_OK;
}

static mst_rc
too_large(const mst_result_t *r, mst_err_t *err)
{
    return MST_ERR(err, MST_INVAL, "case %llu is too large to store", (unsigned long long)r->key.case_no);
}

mst_rc
mst_pg_result_add(mst_store_t *base, int64_t run_no, const mst_result_t *r, const mst_origin_t *origin,
                  mst_added_t *out, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    mst_live_t *live = NULL;
    mst_rc rc = mst_pg_live_hold(s, run_no, &live, err);
    if (rc != MST_OK)
        return rc;
    if (r->generation < live->generation) {
        *out = MST_ADDED_FENCED;
        return MST_OK;
    }
    if (r->generation > live->generation)
        return MST_ERR(err, MST_INVAL, "case %llu has generation %u, its run is at %u",
                       (unsigned long long)r->key.case_no, r->generation, live->generation);
    mst_buf_reset(&s->scores);
    if (r->score_count > 0)
        mst_scores_write(r->scores, r->score_count, &s->scores);
    if (s->scores.failed)
        return too_large(r, err);
    int64_t no = 0;
    if (origin)
        rc = mst_origin_rows_no(&s->origins, origin, origin_row, s, &no, err);
    if (rc != MST_OK)
        return rc;
    mst_cell_t cells[MST_COL_COUNT];
    size_t at = s->copy.n;
    mst_row_cells(run_no, r, no, mst_buf_view(&s->scores), cells);
    put_row(s, cells, live->part_key);
    if (s->copy.failed) {
        s->copy.n = at;
        s->copy.failed = false;
        if (at > 0)
            return MST_ERR(err, MST_LIMIT, "more than %zu bytes of results wait in one transaction", s->copy.max);
        return too_large(r, err);
    }
    *out = MST_ADDED_LATER;
    return remember(s, run_no, r, at, err);
}

void
mst_pg_forget_waiting(mst_pg_t *s)
{
    s->pending_count = 0;
    mst_buf_reset(&s->copy);
    mst_arena_reset(s->waiting);
}
