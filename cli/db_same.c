// A row's digest covers every column but the numbers that a database gives by itself: the run's and the origin's, which
// stands there with its fields.
#include "aggregator/store/columns.h"

#include "aggregator/store/scores.h"
#include "cli/db_copy.h"
#include "common/base/limits.h"

static void
add_text(mst_buf_t *b, bool null, mst_str_t s)
{
    uint64_t n = null ? UINT64_MAX : s.n;
    mst_buf_add(b, &n, sizeof n);
    if (!null && s.n > 0)
        mst_buf_add_str(b, s);
}

static void
add_cells(mst_buf_t *b, const mst_cell_t cells[MST_COL_COUNT])
{
    for (int i = 0; i < MST_COL_COUNT; i++) {
        if (i == MST_COL_run_no || i == MST_COL_origin_no)
            continue;
        if (i >= MST_COL_TEXT_FIRST) {
            add_text(b, cells[i].null, cells[i].s);
            continue;
        }
        mst_buf_add_byte(b, cells[i].null ? 1 : 0);
        if (!cells[i].null)
            mst_buf_add(b, &cells[i].i, sizeof cells[i].i);
    }
}

static void
add_origin(mst_buf_t *b, const mst_origin_t *o)
{
    const mst_str_t fields[] = {o->host,           o->device, o->driver,         o->engine,
                                o->engine_version, o->model,  o->model_revision, o->endpoint};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        add_text(b, false, fields[i]);
}

mst_rc
mst_db_rows_add(mst_db_rows_t *rows, const mst_result_t *r, const mst_origin_t *origin, mst_err_t *err)
{
    if (rows->row.max == 0) {
        mst_buf_init(&rows->row, 8 * MST_RESULT_BYTES_MAX);
        mst_buf_init(&rows->scores, 4 * MST_RESULT_BYTES_MAX);
    }
    mst_cell_t cells[MST_COL_COUNT];
    mst_buf_reset(&rows->row);
    mst_buf_reset(&rows->scores);
    if (r->score_count > 0)
        mst_scores_write(r->scores, r->score_count, &rows->scores);
    mst_row_cells(0, r, 0, mst_buf_view(&rows->scores), cells);
    add_cells(&rows->row, cells);
    add_origin(&rows->row, origin);
    if (rows->row.failed || rows->scores.failed)
        return MST_ERR(err, MST_LIMIT, "case %llu is too large to compare", (unsigned long long)r->key.case_no);
    mst_digest_t digest = mst_sha256(mst_buf_view(&rows->row));
    mst_digest_sum(&rows->sum, &digest);
    rows->bytes = rows->row.n;
    rows->count++;
    return MST_OK;
}

typedef struct {
    mst_db_rows_t *rows;
    mst_err_t *err;
    mst_rc rc;
} read_t;

static bool
add(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    read_t *t = ud;
    t->rc = mst_db_rows_add(t->rows, r, origin, t->err);
    return t->rc == MST_OK;
}

mst_rc
mst_db_rows_read(mst_store_t *s, int64_t run_no, mst_db_rows_t *rows, mst_err_t *err)
{
    const mst_store_scan_t all = {.with_text = true, .with_events = true, .with_scores = true};
    read_t t = {.rows = rows, .err = err, .rc = MST_OK};
    mst_rc rc = mst_store_results(s, run_no, &all, add, &t, err);
    return t.rc != MST_OK ? t.rc : rc;
}

void
mst_db_rows_deinit(mst_db_rows_t *rows)
{
    mst_buf_deinit(&rows->row);
    mst_buf_deinit(&rows->scores);
}

bool
mst_db_record_same(const mst_run_rec_t *a, const mst_run_rec_t *b)
{
    const mst_str_t *const texts[][2] = {
        {&a->run_id, &b->run_id},
        {&a->name, &b->name},
        {&a->description, &b->description},
        {&a->state_reason, &b->state_reason},
        {&a->spec, &b->spec},
        {&a->spec_digest, &b->spec_digest},
        {&a->dataset_path, &b->dataset_path},
        {&a->dataset_digest, &b->dataset_digest},
        {&a->dataset_hash, &b->dataset_hash},
        {&a->git_sha, &b->git_sha},
        {&a->git_branch, &b->git_branch},
        {&a->muster_version, &b->muster_version},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!mst_str_eq(*texts[i][0], *texts[i][1]))
            return false;
    return a->state == b->state && a->generation == b->generation && a->case_count == b->case_count &&
           a->refused_rows == b->refused_rows && a->target_count == b->target_count &&
           a->repeat_count == b->repeat_count && a->key_count == b->key_count &&
           a->started_wall_ns == b->started_wall_ns && a->finished_wall_ns == b->finished_wall_ns &&
           a->active_ns == b->active_ns && a->exit_code == b->exit_code;
}
