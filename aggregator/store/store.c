// The doors of the store: arguments checked once for all members, then dispatched by the URL's scheme.
#include "aggregator/store/ops.h"

#include "aggregator/store/rollup.h"

#include <math.h>

static const mst_store_ops_t *const members[] = {&mst_store_sqlite, &mst_store_postgresql};

const char *
mst_run_state_name(mst_run_state_t s)
{
    switch (s) {
    case MST_RUN_RUNNING:
        return "running";
    case MST_RUN_DONE:
        return "done";
    case MST_RUN_INTERRUPTED:
        return "interrupted";
    case MST_RUN_ABORTED:
        return "aborted";
    case MST_RUN_BUDGET_STOP:
        return "budget_stop";
    }
    return "unknown";
}

// A scheme is letters and digits before the first ':'; "C:" and "./a:b" are paths.
static size_t
scheme_bytes(const char *url)
{
    size_t n = 0;
    while ((url[n] >= 'a' && url[n] <= 'z') || (n > 0 && url[n] >= '0' && url[n] <= '9'))
        n++;
    return n > 1 && url[n] == ':' ? n : 0;
}

const char *
mst_store_file(const char *url)
{
    size_t scheme = url ? scheme_bytes(url) : 0;
    if (scheme == 0)
        return url ? url : "";
    const char *where = url + scheme + 1;
    if (strncmp(url, "postgres", 8) == 0)
        return "";
    return strncmp(where, "//", 2) == 0 ? where + 2 : where; // sqlite:///absolute/path
}

mst_rc
mst_store_open(const char *url, mst_store_mode_t mode, mst_store_t **out, mst_err_t *err)
{
    *out = NULL;
    if (!url || !*url)
        return MST_ERR(err, MST_INVAL, "empty database name, expected sqlite:PATH");
    size_t scheme = scheme_bytes(url);
    if (scheme == 0)
        return mst_store_sqlite.open(url, mode, out, err);
    mst_str_t name = mst_str_eq_c(mst_str(url, scheme), "postgres") ? MST_STR("postgresql") : mst_str(url, scheme);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (mst_str_eq_c(name, members[i]->scheme))
            return members[i]->open(members[i]->whole_url ? url : mst_store_file(url), mode, out, err);
    return MST_ERR(err, MST_UNSUPPORTED,
                   "database \"%.*s:...\" is of a kind that is not built in, expected sqlite:PATH or "
                   "postgresql://HOST/DATABASE",
                   (int)scheme, url);
}

void
mst_store_close(mst_store_t **s)
{
    if (!s || !*s)
        return;
    (*s)->ops->close(*s);
    *s = NULL;
}

mst_store_schema_t
mst_store_schema(const mst_store_t *s)
{
    return s->schema;
}

mst_rc
mst_store_read_begin(mst_store_t *s, mst_err_t *err)
{
    if (s->in_transaction)
        return MST_ERR(err, MST_INVAL, "a transaction is open already");
    return s->ops->read_begin(s, err);
}

void
mst_store_read_end(mst_store_t *s)
{
    s->ops->read_end(s);
}

static mst_rc
check_write(const mst_store_t *s, bool in_transaction, mst_err_t *err)
{
    if (s->mode != MST_STORE_WRITE)
        return MST_ERR(err, MST_INVAL, "database is open for reading only");
    if (s->in_transaction != in_transaction)
        return MST_ERR(err, MST_INVAL, in_transaction ? "no transaction is open" : "a transaction is open already");
    return MST_OK;
}

mst_rc
mst_store_run_create(mst_store_t *s, const mst_run_rec_t *r, int64_t *out_run_no, mst_err_t *err)
{
    mst_rc rc = check_write(s, false, err);
    if (rc == MST_OK && r->run_id.n == 0)
        rc = MST_ERR(err, MST_INVAL, "a run needs an id");
    return rc == MST_OK ? s->ops->run_create(s, r, out_run_no, err) : rc;
}

mst_rc
mst_store_run_update(mst_store_t *s, const mst_run_rec_t *r, mst_err_t *err)
{
    mst_rc rc = check_write(s, false, err);
    return rc == MST_OK ? s->ops->run_update(s, r, err) : rc;
}

mst_rc
mst_store_run_get(mst_store_t *s, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *out, mst_err_t *err)
{
    return s->ops->run_get(s, which, arena, out, err);
}

mst_rc
mst_store_run_list(mst_store_t *s, mst_store_run_fn *fn, void *ud, mst_err_t *err)
{
    return s->ops->run_list(s, fn, ud, err);
}

mst_rc
mst_store_run_reopen(mst_store_t *s, int64_t run_no, uint32_t *out_generation, mst_err_t *err)
{
    mst_rc rc = check_write(s, false, err);
    return rc == MST_OK ? s->ops->run_reopen(s, run_no, out_generation, err) : rc;
}

mst_rc
mst_store_run_delete(mst_store_t *s, int64_t run_no, mst_err_t *err)
{
    mst_rc rc = check_write(s, false, err);
    return rc == MST_OK ? s->ops->run_delete(s, run_no, err) : rc;
}

mst_rc
mst_store_strays(mst_store_t *s, mst_store_stray_fn *fn, void *ud, mst_err_t *err)
{
    return s->ops->strays(s, fn, ud, err);
}

mst_rc
mst_store_begin(mst_store_t *s, mst_err_t *err)
{
    mst_rc rc = check_write(s, false, err);
    if (rc == MST_OK)
        rc = s->ops->begin(s, err);
    s->in_transaction = s->in_transaction || rc == MST_OK;
    return rc;
}

static mst_rc
check_scores(const mst_result_t *r, mst_err_t *err)
{
    if (r->score_count > MST_SCORERS_MAX)
        return MST_ERR(err, MST_INVAL, "case %llu has %u scores, at most %d allowed",
                       (unsigned long long)r->key.case_no, r->score_count, MST_SCORERS_MAX);
    for (uint32_t i = 0; i < r->score_count; i++)
        if (!isfinite(r->scores[i].value) || r->scores[i].state < MST_SCORE_OK || r->scores[i].state > MST_SCORE_ERROR)
            return MST_ERR(err, MST_INVAL, "case %llu has a score %u that is not finite or has no valid state",
                           (unsigned long long)r->key.case_no, i);
    return MST_OK;
}

static mst_rc
check_result(const mst_result_t *r, mst_err_t *err)
{
    if (r->outcome == MST_OUT_CANCELLED || !mst_outcome_name(r->outcome))
        return MST_ERR(err, MST_INVAL, "case %llu has outcome %d, which is never stored",
                       (unsigned long long)r->key.case_no, (int)r->outcome);
    if (r->key.case_no >= MST_CASES_MAX || r->key.target_no >= MST_TARGETS_MAX || r->key.repeat_no >= MST_REPEAT_NO_MAX)
        return MST_ERR(err, MST_INVAL, "case %llu, target %u, repeat %u is out of range",
                       (unsigned long long)r->key.case_no, r->key.target_no, r->key.repeat_no);
    if (r->passed && !mst_outcome_measured(r->outcome))
        return MST_ERR(err, MST_INVAL, "case %llu was not measured and cannot have passed",
                       (unsigned long long)r->key.case_no);
    return check_scores(r, err);
}

mst_rc
mst_store_result_add(mst_store_t *s, int64_t run_no, const mst_result_t *r, const mst_origin_t *origin,
                     mst_added_t *out, mst_err_t *err)
{
    mst_rc rc = check_write(s, true, err);
    if (rc == MST_OK)
        rc = check_result(r, err);
    return rc == MST_OK ? s->ops->result_add(s, run_no, r, origin, out, err) : rc;
}

mst_rc
mst_store_settle(mst_store_t *s, mst_store_settled_fn *fn, void *ud, mst_err_t *err)
{
    mst_rc rc = check_write(s, true, err);
    return rc == MST_OK && s->ops->settle ? s->ops->settle(s, fn, ud, err) : rc;
}

mst_rc
mst_store_commit(mst_store_t *s, mst_err_t *err)
{
    mst_rc rc = check_write(s, true, err);
    if (rc != MST_OK)
        return rc;
    rc = mst_store_settle(s, NULL, NULL, err);
    if (rc == MST_OK)
        rc = s->ops->commit(s, err);
    if (rc == MST_OK)
        s->in_transaction = false;
    else
        mst_store_rollback(s);
    return rc;
}

void
mst_store_rollback(mst_store_t *s)
{
    if (!s->in_transaction)
        return;
    s->ops->rollback(s);
    s->in_transaction = false;
}

mst_rc
mst_store_keys(mst_store_t *s, int64_t run_no, mst_store_key_fn *fn, void *ud, mst_err_t *err)
{
    return s->ops->keys(s, run_no, fn, ud, err);
}

mst_rc
mst_store_results(mst_store_t *s, int64_t run_no, const mst_store_scan_t *what, mst_store_result_fn *fn, void *ud,
                  mst_err_t *err)
{
    return s->ops->results(s, run_no, what, fn, ud, err);
}

mst_rc
mst_store_rollup(mst_store_t *s, int64_t run_no, mst_rollup_t *out, mst_err_t *err)
{
    mst_rollup_init(out);
    return s->ops->rollup(s, run_no, out, err);
}

const mst_rollup_t *
mst_store_live(mst_store_t *s, int64_t run_no)
{
    return s->mode == MST_STORE_WRITE ? s->ops->live(s, run_no) : NULL;
}
