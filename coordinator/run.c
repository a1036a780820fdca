// One run at the edge of the core: its spec, its rows, their bytes, and how it ended.
//
// Rows are read as the core wants keys, never further: what is held is what is granted and not committed, a read-ahead
// of a few units, and at most MST_CASES_HELD_BYTES_MAX of it in memory.
#include "coordinator/coordinator_internal.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"

#include <stdlib.h>

#define ARENA_MAX     (64 * MST_MIB)
#define ROW_ARENA_MAX (4 * MST_CASE_BYTES_MAX)
#define ROWS_A_TURN   512
#define TURN_NS       (2 * MST_NS_PER_MS)
#define ROWS_GUESSED  100000
#define DONE_BATCH    1024

bool
mst_crun_active(const mst_coordinator_t *c)
{
    mst_coord_state_t s = mst_crun_state(c);
    return s == MST_COORD_RUNNING || s == MST_COORD_DRAINING;
}

mst_coord_state_t
mst_crun_state(const mst_coordinator_t *c)
{
    if (!c->run.submitted)
        return MST_COORD_IDLE;
    if (c->run.refused)
        return MST_COORD_ABORTED;
    mst_coord_status_t s;
    mst_coord_status(c->core, &s);
    return s.state;
}

void
mst_crun_deinit(mst_coordinator_t *c)
{
    mst_crun_t *r = &c->run;
    if (!r->submitted)
        return;
    mst_dataset_close(&r->dataset);
    mst_payloads_deinit(&r->payloads);
    mst_arena_free(&r->row);
    mst_buf_deinit(&r->packed);
    mst_arena_free(&r->arena);
    mst_note_deinit(r);
    memset(r, 0, sizeof *r);
}

void
mst_crun_abort(mst_coordinator_t *c, const mst_err_t *err)
{
    if (!mst_crun_active(c))
        return;
    mst_info("run aborted run=%u error=\"%s\"", c->run.run_no, err->message);
    c->run.error = *err;
    mst_coordinator_step(c, &(mst_coord_event_t){.kind = MST_CE_ABORT});
}

uint32_t
mst_crun_cost(void *ud, uint64_t key)
{
    const mst_coordinator_t *c = ud;
    const mst_payload_t *p = mst_payloads_get(&c->run.payloads, mst_crun_row_of(&c->run, key));
    return p != NULL ? p->n : 0;
}

void
mst_crun_release(mst_coordinator_t *c, const uint64_t *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t row_no = mst_crun_row_of(&c->run, keys[i]);
        if (mst_coord_case_done(c->core, row_no))
            mst_payloads_drop(&c->run.payloads, row_no);
    }
}

// ---- submission ----

typedef struct {
    mst_coordinator_t *c;
    size_t count;
    uint64_t keys[DONE_BATCH];
} done_batch_t;

static void
flush_done(done_batch_t *b)
{
    if (b->count == 0)
        return;
    mst_coord_event_t ev = {.kind = MST_CE_KEYS_DONE};
    ev.u.done.keys = b->keys;
    ev.u.done.count = b->count;
    mst_coordinator_step(b->c, &ev);
    b->count = 0;
}

static bool
on_done_key(void *ud, const mst_key_t *key)
{
    done_batch_t *b = ud;
    const mst_crun_t *r = &b->c->run;
    // a row of a larger earlier configuration is no key of this run
    if (mst_crun_has_key(r, key->case_no, key->target_no, key->repeat_no) && key->case_no < r->total_cases)
        b->keys[b->count++] = mst_crun_key(r, key->case_no, key->target_no, key->repeat_no);
    if (b->count == DONE_BATCH)
        flush_done(b);
    return true;
}

static mst_rc
load_done_keys(mst_coordinator_t *c, mst_err_t *err)
{
    if (c->opts.done_keys == NULL)
        return MST_OK;
    done_batch_t *b = MST_NEW(done_batch_t);
    b->c = c;
    mst_rc rc = c->opts.done_keys(c->opts.ud, c->run.run_no, on_done_key, b, err);
    if (rc == MST_OK)
        flush_done(b);
    free(b);
    return rc;
}

static void
on_refused(void *ud, const mst_refused_t *row)
{
    mst_coordinator_t *c = ud;
    if (c->opts.on_refused != NULL)
        c->opts.on_refused(c->opts.ud, row->line, row->message);
}

static mst_rc
open_dataset(mst_coordinator_t *c, mst_err_t *err)
{
    mst_crun_t *r = &c->run;
    if (c->dataset != NULL) {
        r->dataset = c->dataset;
        c->dataset = NULL;
        return MST_OK;
    }
    return mst_dataset_open(&r->cfg.source, r->cfg.strict, on_refused, c, &r->dataset, err);
}

static mst_rc
load_spec(mst_coordinator_t *c, const Muster__Submit *m, mst_err_t *err)
{
    mst_crun_t *r = &c->run;
    bool ok = false;
    r->spec = mst_arena_dup(r->arena, mst_wire_str(m->spec), &ok);
    if (!ok)
        return MST_ERR(err, MST_LIMIT, "spec of %zu bytes is too large", m->spec.len);
    r->spec_digest = mst_sha256(r->spec);
    mst_config_env_t env = c->opts.env != NULL ? *c->opts.env : (mst_config_env_t){0};
    env.getenv_fn = NULL; // a spec is expanded already, and no client reads our variables
    mst_rc rc = mst_run_cfg_load(r->spec, "submitted spec", &env, r->arena, &r->cfg, err);
    if (rc != MST_OK)
        return rc;
    if (r->cfg.repeats < 1 || r->cfg.repeats > MST_REPEATS_MAX)
        return MST_ERR(err, MST_INVAL, "repeats is %lld, expected 1 to %d", (long long)r->cfg.repeats, MST_REPEATS_MAX);
    return MST_OK;
}

// Of a load that goes through its dataset as often as it needs: what it will send, or a guess where only time ends it.
static uint64_t
expected_rows(const mst_crun_t *r)
{
    uint64_t requests = mst_load_expected(&r->cfg.load);
    return requests > 0 ? requests + requests / 20 + 64 : ROWS_GUESSED;
}

static mst_rc
start_run(mst_coordinator_t *c, const Muster__Submit *m, mst_err_t *err)
{
    mst_crun_t *r = &c->run;
    mst_rc rc = load_spec(c, m, err);
    if (rc == MST_OK)
        rc = open_dataset(c, err);
    if (rc != MST_OK)
        return rc;
    r->total_cases = mst_dataset_info(r->dataset)->lines;
    if (r->cfg.source.limit >= 0 && r->total_cases > (uint64_t)r->cfg.source.limit)
        r->total_cases = (uint64_t)r->cfg.source.limit;
    if (r->total_cases > MST_CASES_MAX || r->total_cases * mst_crun_keys_per_row(r) >= MST_COORD_KEYS_MAX)
        return MST_ERR(err, MST_LIMIT, "%llu cases, each %u times, are more than a run may have",
                       (unsigned long long)r->total_cases, mst_crun_keys_per_row(r));
    r->refused = false; // from here on the core speaks for it
    uint32_t weights[MST_TARGETS_MAX] = {0};
    for (size_t i = 0; i < r->cfg.target_count; i++)
        weights[i] = (uint32_t)mst_run_cfg_concurrency(&r->cfg, &r->cfg.targets[i]);
    mst_coord_event_t ev = {.kind = MST_CE_RUN_START};
    ev.u.start.run_no = r->run_no;
    ev.u.start.generation = r->generation;
    ev.u.start.targets = mst_run_cfg_key_targets(&r->cfg);
    ev.u.start.repeats = (uint32_t)r->cfg.repeats;
    ev.u.start.weights = weights;
    ev.u.start.cases_hint = mst_crun_wraps(r) ? expected_rows(r) : r->total_cases;
    ev.u.start.fail_fast = r->cfg.fail_fast;
    mst_coordinator_step(c, &ev);
    rc = load_done_keys(c, err);
    if (rc != MST_OK)
        mst_crun_abort(c, err);
    return rc;
}

void
mst_crun_submit(mst_coordinator_t *c, const Muster__Submit *m)
{
    mst_crun_deinit(c);
    mst_crun_t *r = &c->run;
    r->submitted = true;
    r->refused = true; // until it is known to be good
    r->cfg.repeats = 1;
    memcpy(r->req_id, m->req_id.data, MST_REQ_ID_BYTES);
    r->run_no = m->run_no;
    r->generation = m->generation;
    r->arena = mst_arena_new(ARENA_MAX);
    r->row = mst_arena_new(ROW_ARENA_MAX);
    mst_buf_init(&r->packed, MST_CASE_BYTES_MAX);
    mst_payloads_init(&r->payloads);
    mst_note_before(c, m->spent);
    mst_err_t err = {0};
    if (start_run(c, m, &err) != MST_OK) {
        mst_info("run refused run=%u error=\"%s\"", r->run_no, err.message);
        r->error = err;
        return;
    }
    mst_debug("run started run=%u cases_at_most=%llu repeats=%lld", r->run_no, (unsigned long long)r->total_cases,
             (long long)r->cfg.repeats);
}

// ---- rows ----

// One row. *out_keep: it has a key that is not done, and its bytes are kept.
static mst_rc
read_row(mst_coordinator_t *c, bool *out_keep, mst_err_t *err)
{
    mst_crun_t *r = &c->run;
    mst_case_t row;
    mst_arena_reset(r->row);
    mst_rc rc = mst_dataset_next(r->dataset, r->row, &row, err);
    if (rc != MST_OK)
        return rc;
    uint64_t row_no = r->rows++;
    *out_keep = !mst_coord_case_done(c->core, row_no);
    if (!*out_keep)
        return MST_OK; // of an earlier session
    row.case_no = r->pass_cases > 0 ? row_no % r->pass_cases : row_no;
    mst_buf_reset(&r->packed);
    rc = mst_wire_case_pack(&row, &r->packed, err);
    if (rc == MST_OK)
        rc = mst_payloads_add(&r->payloads, row_no, mst_buf_view(&r->packed), err);
    return rc;
}

static void
ignore_refused(void *ud, const mst_refused_t *row)
{
    (void)ud;
    (void)row; // told in the first pass
}

// The end of the dataset: of the run too, or of one pass.
static mst_rc
end_rows(mst_crun_t *r, mst_err_t *err)
{
    if (!r->known)
        mst_dataset_totals(r->dataset, &r->pass_cases, &r->refused_rows, &r->dataset_hash);
    r->known = true;
    mst_dataset_close(&r->dataset);
    r->ended = !mst_crun_wraps(r) || r->pass_cases == 0 || r->rows / r->pass_cases >= MST_REPEAT_NO_MAX;
    if (r->ended)
        return MST_OK;
    uint64_t before = r->pass_cases;
    mst_rc rc = mst_dataset_open(&r->cfg.source, r->cfg.strict, ignore_refused, NULL, &r->dataset, err);
    if (rc == MST_OK && r->rows % before != 0)
        rc = MST_ERR(err, MST_CONFLICT, "the dataset has changed while the run went through it");
    return rc;
}

bool
mst_crun_read(mst_coordinator_t *c)
{
    mst_crun_t *r = &c->run;
    bool wanted = c->want_keys > 0 && r->dataset != NULL && mst_crun_active(c);
    bool full = r->payloads.held_bytes > MST_CASES_HELD_BYTES_MAX;
    if (!wanted || (full && r->paused))
        return false;
    uint64_t want = c->want_keys, got = 0;
    int64_t until = mst_mono_ns() + TURN_NS;
    mst_err_t err = {0};
    mst_rc rc = MST_OK;
    // rows that are all done count for nothing, but they take their time
    for (int i = 0; i < ROWS_A_TURN && got < want && !full && rc == MST_OK; i++) {
        bool keep = false;
        rc = read_row(c, &keep, &err);
        got += keep ? mst_crun_keys_per_row(r) : 0;
        full = r->payloads.held_bytes > MST_CASES_HELD_BYTES_MAX;
        if (i % 32 == 31 && mst_mono_ns() > until)
            break;
    }
    if (rc == MST_NOTFOUND)
        rc = end_rows(r, &err);
    if (rc != MST_OK) {
        mst_crun_abort(c, &err);
        return false;
    }
    r->paused = full;
    mst_coord_event_t ev = {.kind = MST_CE_ROWS};
    ev.u.rows.cases = r->rows;
    ev.u.rows.ended = r->ended;
    ev.u.rows.paused = full;
    mst_coordinator_step(c, &ev);
    return c->want_keys > 0 && !r->ended && !full;
}
