// Table run in PostgreSQL: one row a run, its fields as in mst_run_rec_t.
#include "aggregator/store/pg.h"

#include "common/base/utf8.h"

#include <stdio.h>

// The columns behind run_no, in this order everywhere in this file.
#define RUN_COLUMNS                                                                                                    \
    "run_id,name,description,state,state_reason,generation,spec,spec_digest,dataset_path,dataset_digest,"              \
    "dataset_hash,case_count,refused_rows,target_count,repeat_count,key_count,git_sha,git_branch,muster_version,"      \
    "started_wall_ns,finished_wall_ns,active_ns,exit_code,escaped"
#define SELECT_RUN "SELECT run_no," RUN_COLUMNS " FROM run "

#define OWN_PARTITION_KEYS 1000000 // a run of so many results has a partition of its own

#define TEXTS 12

// The text fields, in the order of their bits in column escaped.
static void
text_fields(mst_run_rec_t *r, mst_str_t *out[TEXTS])
{
    mst_str_t *const fields[TEXTS] = {
        &r->run_id,       &r->name,           &r->description,  &r->state_reason, &r->spec,       &r->spec_digest,
        &r->dataset_path, &r->dataset_digest, &r->dataset_hash, &r->git_sha,      &r->git_branch, &r->muster_version,
    };
    memcpy(out, fields, sizeof fields);
}

static void
known(mst_pg_args_t *a, int64_t v, int64_t none)
{
    if (v == none)
        mst_pg_arg_null(a);
    else
        mst_pg_arg_int(a, v);
}

static void
run_args(mst_pg_args_t *a, const mst_run_rec_t *r)
{
    int64_t escaped = 0;
    mst_pg_arg_text(a, r->run_id, 1 << 0, &escaped);
    mst_pg_arg_text(a, r->name, 1 << 1, &escaped);
    mst_pg_arg_text(a, r->description, 1 << 2, &escaped);
    mst_pg_arg_int(a, (int64_t)r->state);
    mst_pg_arg_text(a, r->state_reason, 1 << 3, &escaped);
    mst_pg_arg_int(a, r->generation);
    mst_pg_arg_text(a, r->spec, 1 << 4, &escaped);
    mst_pg_arg_text(a, r->spec_digest, 1 << 5, &escaped);
    mst_pg_arg_text(a, r->dataset_path, 1 << 6, &escaped);
    mst_pg_arg_text(a, r->dataset_digest, 1 << 7, &escaped);
    mst_pg_arg_text(a, r->dataset_hash, 1 << 8, &escaped);
    mst_pg_arg_int(a, (int64_t)r->case_count);
    mst_pg_arg_int(a, (int64_t)r->refused_rows);
    mst_pg_arg_int(a, r->target_count);
    mst_pg_arg_int(a, r->repeat_count);
    known(a, r->key_count, MST_NONE);
    mst_pg_arg_text(a, r->git_sha, 1 << 9, &escaped);
    mst_pg_arg_text(a, r->git_branch, 1 << 10, &escaped);
    mst_pg_arg_text(a, r->muster_version, 1 << 11, &escaped);
    known(a, r->started_wall_ns, 0);
    known(a, r->finished_wall_ns, 0);
    mst_pg_arg_int(a, r->active_ns);
    known(a, r->exit_code, -1);
    mst_pg_arg_int(a, escaped);
}

// Strings borrow from the result.
static void
read_run(const PGresult *q, int row, mst_run_rec_t *r, int64_t *escaped)
{
    *r = (mst_run_rec_t){
        .run_no = mst_pg_int(q, row, 0),
        .run_id = mst_pg_bytes(q, row, 1),
        .name = mst_pg_bytes(q, row, 2),
        .description = mst_pg_bytes(q, row, 3),
        .state = (mst_run_state_t)mst_pg_int(q, row, 4),
        .state_reason = mst_pg_bytes(q, row, 5),
        .generation = (uint32_t)mst_pg_int(q, row, 6),
        .spec = mst_pg_bytes(q, row, 7),
        .spec_digest = mst_pg_bytes(q, row, 8),
        .dataset_path = mst_pg_bytes(q, row, 9),
        .dataset_digest = mst_pg_bytes(q, row, 10),
        .dataset_hash = mst_pg_bytes(q, row, 11),
        .case_count = (uint64_t)mst_pg_int(q, row, 12),
        .refused_rows = (uint64_t)mst_pg_int(q, row, 13),
        .target_count = (uint32_t)mst_pg_int(q, row, 14),
        .repeat_count = (uint32_t)mst_pg_int(q, row, 15),
        .key_count = mst_pg_null(q, row, 16) ? MST_NONE : mst_pg_int(q, row, 16),
        .git_sha = mst_pg_bytes(q, row, 17),
        .git_branch = mst_pg_bytes(q, row, 18),
        .muster_version = mst_pg_bytes(q, row, 19),
        .started_wall_ns = mst_pg_int(q, row, 20),
        .finished_wall_ns = mst_pg_int(q, row, 21),
        .active_ns = mst_pg_int(q, row, 22),
        .exit_code = mst_pg_null(q, row, 23) ? -1 : (int)mst_pg_int(q, row, 23),
    };
    *escaped = mst_pg_int(q, row, 24);
}

// Strings as they were, in arena.
static bool
settle_texts(mst_run_rec_t *r, int64_t escaped, mst_arena_t *arena)
{
    mst_str_t *fields[TEXTS];
    text_fields(r, fields);
    bool ok = true;
    for (int i = 0; i < TEXTS && ok; i++)
        *fields[i] =
            escaped & (1 << i) ? mst_pg_text_unescape(*fields[i], arena, &ok) : mst_arena_dup(arena, *fields[i], &ok);
    return ok;
}

static mst_rc
own_partition(mst_pg_t *s, int64_t run_no, mst_err_t *err)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "CREATE TABLE result_%lld (LIKE result INCLUDING ALL);"
             "ALTER TABLE result ATTACH PARTITION result_%lld FOR VALUES IN (%lld);"
             "UPDATE run SET part_key=%lld WHERE run_no=%lld",
             (long long)run_no, (long long)run_no, (long long)run_no, (long long)run_no, (long long)run_no);
    return mst_pg_exec(s, sql, "add a partition to", err);
}

static mst_rc
create(mst_pg_t *s, const mst_run_rec_t *r, int64_t *out_run_no, mst_err_t *err)
{
    mst_pg_args_t a;
    PGresult *q = NULL;
    mst_pg_args(&a, s);
    run_args(&a, r);
    mst_rc rc = mst_pg_query(s,
                             "INSERT INTO run(" RUN_COLUMNS ",part_key) VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,"
                             "$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,0) RETURNING run_no",
                             &a, "add a run to", &q, err);
    if (rc == MST_CONFLICT)
        return MST_ERR(err, MST_CONFLICT, "run \"%.*s\" is in database \"%s\" already", MST_FMT(r->run_id), s->shown);
    if (rc != MST_OK)
        return rc;
    *out_run_no = mst_pg_int(q, 0, 0);
    PQclear(q);
    return r->key_count >= OWN_PARTITION_KEYS ? own_partition(s, *out_run_no, err) : MST_OK;
}

static mst_rc
end_transaction(mst_pg_t *s, mst_rc rc, const char *what, mst_err_t *err)
{
    if (rc == MST_OK)
        return mst_pg_exec(s, "COMMIT", what, err);
    if (!mst_pg_lost(s))
        (void)mst_pg_exec(s, "ROLLBACK", what, NULL);
    return rc;
}

static mst_rc
ready(mst_pg_t *s, mst_err_t *err)
{
    return mst_pg_lost(s) ? mst_pg_connect(s, err) : MST_OK;
}

mst_rc
mst_pg_run_create(mst_store_t *base, const mst_run_rec_t *r, int64_t *out_run_no, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    mst_rc rc = ready(s, err);
    if (rc == MST_OK)
        rc = mst_pg_exec(s, "BEGIN", "add a run to", err);
    return rc == MST_OK ? end_transaction(s, create(s, r, out_run_no, err), "add a run to", err) : rc;
}

mst_rc
mst_pg_run_update(mst_store_t *base, const mst_run_rec_t *r, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    mst_pg_args_t a;
    PGresult *q = NULL;
    mst_rc rc = ready(s, err);
    if (rc != MST_OK)
        return rc;
    mst_pg_args(&a, s);
    run_args(&a, r);
    mst_pg_arg_int(&a, r->run_no);
    rc = mst_pg_query(s,
                      "UPDATE run SET "
                      "name=$2,description=$3,state=$4,state_reason=$5,generation=greatest(generation,$6),spec=$7,"
                      "spec_digest=$8,dataset_path=$9,dataset_digest=$10,dataset_hash=$11,case_count=$12,"
                      "refused_rows=$13,target_count=$14,repeat_count=$15,key_count=$16,git_sha=$17,git_branch=$18,"
                      "muster_version=$19,started_wall_ns=$20,finished_wall_ns=$21,active_ns=$22,exit_code=$23,"
                      "escaped=$24 WHERE run_no=$25 AND run_id=$1",
                      &a, "update a run in", &q, err);
    mst_lives_forget(&s->lives, false); // its generation may be another now
    if (rc != MST_OK)
        return rc;
    bool found = strcmp(PQcmdTuples(q), "0") != 0;
    PQclear(q);
    if (!found)
        return MST_ERR(err, MST_NOTFOUND, "no run %lld \"%.*s\" in database \"%s\"", (long long)r->run_no,
                       MST_FMT(r->run_id), s->shown);
    return MST_OK;
}

static mst_rc
find(mst_pg_t *s, const char *sql, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *out, int *found, mst_err_t *err)
{
    mst_pg_args_t a;
    PGresult *q = NULL;
    int64_t escaped = 0;
    mst_pg_args(&a, s);
    if (strstr(sql, "$1"))
        mst_pg_arg_text(&a, which, 0, &escaped);
    mst_rc rc = mst_pg_query(s, sql, &a, "read", &q, err);
    if (rc != MST_OK)
        return rc;
    *found = PQntuples(q);
    if (*found > 0) {
        read_run(q, 0, out, &escaped);
        if (!settle_texts(out, escaped, arena))
            rc = MST_ERR(err, MST_LIMIT, "run \"%.*s\" is too large", MST_FMT(which));
    }
    PQclear(q);
    return rc;
}

mst_rc
mst_pg_run_get(mst_store_t *base, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *out, mst_err_t *err)
{
    // tried in turn; the first that finds something decides
    static const char *const ways[] = {
        SELECT_RUN "WHERE run_id=$1",
        SELECT_RUN "WHERE run_no::text=$1",
        SELECT_RUN "WHERE left(run_id,length($1))=$1 OR left(run_id,length($1)+4)='run_'||$1 ORDER BY run_no DESC "
                   "LIMIT 2",
    };
    mst_pg_t *s = (mst_pg_t *)base;
    int found = 0;
    mst_rc rc = ready(s, err);
    if (rc != MST_OK)
        return rc;
    if (mst_str_eq_c(which, "latest")) {
        rc = find(s, SELECT_RUN "ORDER BY run_no DESC LIMIT 1", which, arena, out, &found, err);
        if (rc == MST_OK && found == 0)
            rc = MST_ERR(err, MST_NOTFOUND, "database \"%s\" holds no run yet", s->shown);
        return rc;
    }
    bool possible = which.n > 0 && mst_pg_text_plain(which);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0] && found == 0 && possible && rc == MST_OK; i++)
        rc = find(s, ways[i], which, arena, out, &found, err);
    if (rc != MST_OK)
        return rc;
    if (found == 0)
        return MST_ERR(err, MST_NOTFOUND, "no run \"%.*s\" in database \"%s\"; muster list names them", MST_FMT(which),
                       s->shown);
    if (found > 1)
        return MST_ERR(err, MST_CONFLICT, "more than one run begins with \"%.*s\", give more of its id",
                       MST_FMT(which));
    return MST_OK;
}

// One run by its number; *out_found false: it was deleted meanwhile.
static mst_rc
by_number(mst_pg_t *s, int64_t run_no, mst_arena_t *arena, mst_run_rec_t *out, bool *out_found, mst_err_t *err)
{
    mst_pg_args_t a;
    PGresult *q = NULL;
    int64_t escaped;
    mst_pg_args(&a, s);
    mst_pg_arg_int(&a, run_no);
    mst_rc rc = mst_pg_query(s, SELECT_RUN "WHERE run_no=$1", &a, "read", &q, err);
    if (rc != MST_OK)
        return rc;
    *out_found = PQntuples(q) > 0;
    if (*out_found) {
        read_run(q, 0, out, &escaped);
        if (!settle_texts(out, escaped, arena))
            rc = MST_ERR(err, MST_LIMIT, "run %lld is too large", (long long)run_no);
    }
    PQclear(q);
    return rc;
}

// Numbers first, then each run by a query of its own: fn may use the store, whose one connection must be free.
mst_rc
mst_pg_run_list(mst_store_t *base, mst_store_run_fn *fn, void *ud, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    PGresult *q = NULL;
    mst_rc rc = ready(s, err);
    if (rc == MST_OK)
        rc = mst_pg_query(s, "SELECT run_no FROM run ORDER BY run_no DESC", NULL, "read", &q, err);
    if (rc != MST_OK)
        return rc;
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    bool go_on = true;
    for (int i = 0; i < PQntuples(q) && go_on && rc == MST_OK; i++) {
        mst_run_rec_t r;
        bool found = false;
        mst_arena_reset(arena);
        rc = by_number(s, mst_pg_int(q, i, 0), arena, &r, &found, err);
        if (rc == MST_OK && found)
            go_on = fn(ud, &r);
    }
    mst_arena_free(&arena);
    PQclear(q);
    return rc;
}

// Takes each unmeasured row out of the rollup before it is deleted.
static bool
take_back(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    (void)origin;
    if (!mst_outcome_measured(r->outcome))
        mst_rollup_remove_unmeasured(ud, r);
    return true;
}

static mst_rc
about_run(mst_pg_t *s, const char *sql, int64_t run_no, int64_t *out, mst_err_t *err)
{
    mst_pg_args_t a;
    PGresult *q = NULL;
    mst_pg_args(&a, s);
    mst_pg_arg_int(&a, run_no);
    mst_rc rc = mst_pg_query(s, sql, &a, "write", &q, err);
    if (rc != MST_OK)
        return rc;
    if (out && PQntuples(q) == 0)
        rc = MST_ERR(err, MST_NOTFOUND, "no run %lld in database \"%s\"", (long long)run_no, s->shown);
    else if (out)
        *out = mst_pg_int(q, 0, 0);
    PQclear(q);
    return rc;
}

static mst_rc
reopen(mst_pg_t *s, int64_t run_no, mst_rollup_t *roll, int64_t *generation, mst_err_t *err)
{
    const mst_store_scan_t unmeasured = {.with_scores = true, .unmeasured_only = true};
    mst_rc rc = about_run(s, "SELECT generation FROM run WHERE run_no=$1 FOR UPDATE", run_no, generation, err);
    if (rc == MST_OK)
        rc = mst_pg_rollup(&s->base, run_no, roll, err);
    if (rc == MST_OK)
        rc = mst_pg_results(&s->base, run_no, &unmeasured, take_back, roll, err);
    if (rc == MST_OK)
        rc = about_run(s, "DELETE FROM result WHERE run_no=$1 AND outcome>=10", run_no, NULL, err);
    if (rc == MST_OK)
        rc = about_run(s, "DELETE FROM run_rollup WHERE run_no=$1", run_no, NULL, err);
    if (rc == MST_OK)
        rc = mst_pg_rollup_save(s, run_no, roll, err);
    if (rc == MST_OK)
        rc = about_run(s,
                       "UPDATE run SET generation=generation+1,rollup_version=rollup_version+1,state=1,"
                       "state_reason=NULL,finished_wall_ns=NULL,exit_code=NULL WHERE run_no=$1",
                       run_no, NULL, err);
    return rc;
}

mst_rc
mst_pg_run_reopen(mst_store_t *base, int64_t run_no, uint32_t *out_generation, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    mst_rollup_t roll;
    int64_t generation = 0;
    mst_rollup_init(&roll);
    mst_lives_forget(&s->lives, false);
    mst_rc rc = ready(s, err);
    if (rc == MST_OK)
        rc = mst_pg_exec(s, "BEGIN", "begin writing", err);
    if (rc == MST_OK)
        rc = end_transaction(s, reopen(s, run_no, &roll, &generation, err), "write", err);
    if (rc == MST_OK)
        *out_generation = (uint32_t)(generation + 1);
    mst_rollup_deinit(&roll);
    return rc;
}
