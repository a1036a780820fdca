// The schema in PostgreSQL, version by version. Forward only, under an advisory lock, so that many processes may start
// at once; table muster.schema_migration says how far a database is.
#include "aggregator/store/pg.h"

#include "common/base/hash.h"

#include <stdio.h>

#define LOCK "SELECT pg_advisory_xact_lock(1297437524)" // "MUST"

typedef struct {
    const char *name;
    const char *sql;
} migration_t;

// Results lie in partitions by part_key: 0 for ordinary runs, a run's own number for a large one, which is then
// deleted by dropping its partition.
static const migration_t migrations[] = {
    {"runs, origins, results, rollups",
     "CREATE TABLE run(run_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run_id text NOT NULL UNIQUE, name text,"
     " description text, state bigint NOT NULL, state_reason text, generation bigint NOT NULL, spec text,"
     " spec_digest text, dataset_path text, dataset_digest text, dataset_hash text, case_count bigint NOT NULL,"
     " refused_rows bigint NOT NULL, target_count bigint NOT NULL, repeat_count bigint NOT NULL, key_count bigint,"
     " git_sha text, git_branch text, muster_version text, started_wall_ns bigint, finished_wall_ns bigint,"
     " active_ns bigint NOT NULL, exit_code bigint, escaped bigint NOT NULL, part_key bigint NOT NULL,"
     " rollup_version bigint NOT NULL DEFAULT 0);"
     "CREATE TABLE origin(origin_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, digest bytea NOT NULL UNIQUE,"
     " host text, device text, driver text, engine text, engine_version text, model text, model_revision text,"
     " endpoint text, escaped bigint NOT NULL);"
     "CREATE TABLE run_rollup(run_no bigint NOT NULL, metric text NOT NULL, n bigint NOT NULL, n_pass bigint NOT NULL,"
     " n_missing bigint NOT NULL, n_error bigint NOT NULL, sum float8, sum_c float8, sumsq float8, sumsq_c float8,"
     " min float8, max float8, first_ns bigint, last_ns bigint, sketch bytea, PRIMARY KEY(run_no, metric))"
     " WITH (fillfactor=50);"
     "CREATE TABLE outcome(outcome bigint PRIMARY KEY, name text NOT NULL, measured bool NOT NULL);"},
};

#define VERSION_NOW ((int)(sizeof migrations / sizeof migrations[0]))

void
mst_pg_columns(mst_buf_t *sql, bool types)
{
    mst_buf_addf(sql, types ? "part_key bigint NOT NULL, escaped bigint NOT NULL" : "part_key, escaped");
    for (int i = 0; i < MST_COL_COUNT; i++) {
        const char *type = i < MST_COL_TEXT_FIRST                 ? " bigint"
                           : mst_column_is_bytes((mst_column_t)i) ? " bytea"
                                                                  : " text";
        mst_buf_addf(sql, ", %s%s%s", mst_result_columns[i], types ? type : "",
                     types && i <= MST_COL_passed ? " NOT NULL" : "");
    }
}

// Table result from the one list of columns; lz4 where the server was built with it.
static mst_rc
create_result(mst_pg_t *s, mst_err_t *err)
{
    mst_buf_t sql;
    mst_buf_init(&sql, 64 * MST_KIB);
    mst_buf_add_c(&sql, "CREATE TABLE result(");
    mst_pg_columns(&sql, true);
    mst_buf_add_c(&sql,
                  ", PRIMARY KEY(part_key, run_no, target_no, case_no, repeat_no)) PARTITION BY LIST (part_key);"
                  "CREATE TABLE result_small PARTITION OF result FOR VALUES IN (0);"
                  // one row a score, for people's SQL: SELECT avg(value) FROM score WHERE run_no = 1 AND scorer_no = 0
                  "CREATE VIEW score AS SELECT r.run_no, r.target_no, r.case_no, r.repeat_no, r.case_id, r.outcome,"
                  " (j->>'i')::bigint AS scorer_no, j->>'state' AS state, (j->>'value')::float8 AS value,"
                  " (j->>'passed')::bool AS passed, j->'reason' AS reason, j->'breakdown' AS breakdown,"
                  " (j->>'time_ns')::bigint AS time_ns FROM result r, json_array_elements(r.scores::json) j;");
    mst_buf_add_byte(&sql, 0);
    mst_rc rc = sql.failed ? MST_ERR(err, MST_LIMIT, "schema is too large") : mst_pg_exec(s, sql.p, "migrate", err);
    mst_buf_deinit(&sql);
    return rc;
}

// A column that later versions of the list have and the table has not: all are nullable, so adding one is quick.
static mst_rc
add_columns(mst_pg_t *s, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    char sql[160];
    for (int i = MST_COL_passed + 1; i < MST_COL_COUNT && rc == MST_OK; i++) {
        const char *type = i < MST_COL_TEXT_FIRST ? "bigint" : mst_column_is_bytes((mst_column_t)i) ? "bytea" : "text";
        snprintf(sql, sizeof sql, "ALTER TABLE result ADD COLUMN IF NOT EXISTS %s %s", mst_result_columns[i], type);
        rc = mst_pg_exec(s, sql, "migrate", err);
    }
    return rc;
}

static mst_rc
fill_outcomes(mst_pg_t *s, mst_err_t *err)
{
    char sql[200];
    mst_rc rc = MST_OK;
    for (int i = 0; i < MST_OUTCOME_MAX && rc == MST_OK; i++) {
        const char *name = mst_outcome_name((mst_outcome_t)i);
        if (!name)
            continue;
        snprintf(sql, sizeof sql, "INSERT INTO outcome VALUES(%d,'%s',%s) ON CONFLICT DO NOTHING", i, name,
                 mst_outcome_measured((mst_outcome_t)i) ? "true" : "false");
        rc = mst_pg_exec(s, sql, "migrate", err);
    }
    return rc;
}

// The stored version: 0 when there is nothing. columns: how many of ours table result has.
static mst_rc
version_of(mst_pg_t *s, int64_t *version, int64_t *columns, mst_err_t *err)
{
    PGresult *r = NULL;
    *version = *columns = 0;
    mst_rc rc = mst_pg_query(s, "SELECT to_regclass('muster.schema_migration') IS NOT NULL", NULL, "read", &r, err);
    if (rc != MST_OK)
        return rc;
    bool there = mst_pg_int(r, 0, 0) != 0;
    PQclear(r);
    if (!there)
        return MST_OK;
    rc = mst_pg_query(s,
                      "SELECT coalesce(max(version),0)::bigint, (SELECT count(*) FROM pg_attribute WHERE attrelid="
                      "to_regclass('muster.result') AND attnum>0 AND NOT attisdropped) FROM muster.schema_migration",
                      NULL, "read", &r, err);
    if (rc != MST_OK)
        return rc;
    *version = mst_pg_int(r, 0, 0);
    *columns = mst_pg_int(r, 0, 1) - 2;
    PQclear(r);
    return MST_OK;
}

static mst_rc
check_newer(const mst_pg_t *s, int64_t version, mst_err_t *err)
{
    if (version <= VERSION_NOW)
        return MST_OK;
    return MST_ERR(err, MST_UNSUPPORTED,
                   "database \"%s\" has schema %lld, this muster knows up to %d; use a newer muster", s->shown,
                   (long long)version, VERSION_NOW);
}

static void
remember(mst_pg_t *s, int64_t version, int64_t columns)
{
    s->base.schema = (mst_store_schema_t){
        .before = (int)version,
        .now = VERSION_NOW,
        .columns_added = version > 0 && columns < MST_COL_COUNT ? (uint32_t)(MST_COL_COUNT - columns) : 0};
}

mst_rc
mst_pg_check(mst_pg_t *s, mst_err_t *err)
{
    int64_t version, columns;
    mst_rc rc = version_of(s, &version, &columns, err);
    if (rc == MST_OK)
        rc = check_newer(s, version, err);
    remember(s, version, columns);
    if (rc == MST_OK && version == 0)
        rc = MST_ERR(err, MST_NOTFOUND, "database \"%s\" holds no run yet; a run or `muster db init` prepares it",
                     s->shown);
    if (rc == MST_OK && (version < VERSION_NOW || columns < MST_COL_COUNT))
        rc = MST_ERR(err, MST_NOTFOUND, "database \"%s\" has an older schema; `muster db migrate` brings it up to date",
                     s->shown);
    return rc;
}

static mst_rc
apply(mst_pg_t *s, int64_t from, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (int version = (int)from + 1; version <= VERSION_NOW && rc == MST_OK; version++) {
        const migration_t *m = &migrations[version - 1];
        mst_digest_t digest = mst_sha256(mst_str_c(m->sql));
        char hex[2 * MST_SHA256_BYTES + 1], sql[400];
        mst_digest_hex(&digest, hex);
        rc = mst_pg_exec(s, m->sql, "migrate", err);
        if (rc == MST_OK && version == 1)
            rc = create_result(s, err);
        snprintf(sql, sizeof sql, "INSERT INTO schema_migration VALUES(%d,'%s','%s',now())", version, m->name, hex);
        if (rc == MST_OK)
            rc = mst_pg_exec(s, sql, "migrate", err);
    }
    if (rc == MST_OK)
        rc = add_columns(s, err);
    return rc == MST_OK ? fill_outcomes(s, err) : rc;
}

static mst_rc
migrate_locked(mst_pg_t *s, mst_err_t *err)
{
    int64_t version, columns;
    mst_rc rc = mst_pg_exec(s, LOCK, "migrate", err);
    if (rc == MST_OK)
        rc = version_of(s, &version, &columns, err); // another process may have done it meanwhile
    if (rc == MST_OK && version == 0)
        rc = mst_pg_exec(s,
                         "CREATE SCHEMA IF NOT EXISTS muster; CREATE TABLE IF NOT EXISTS muster.schema_migration("
                         "version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at "
                         "timestamptz NOT NULL)",
                         "migrate", err);
    return rc == MST_OK ? apply(s, version, err) : rc;
}

mst_rc
mst_pg_migrate(mst_pg_t *s, mst_err_t *err)
{
    int64_t version, columns;
    mst_rc rc = version_of(s, &version, &columns, err);
    if (rc == MST_OK)
        rc = check_newer(s, version, err);
    remember(s, version, columns);
    if (rc != MST_OK || (version == VERSION_NOW && columns >= MST_COL_COUNT))
        return rc;
    rc = mst_pg_exec(s, "BEGIN", "migrate", err);
    if (rc != MST_OK)
        return rc;
    rc = migrate_locked(s, err);
    if (rc == MST_OK)
        return mst_pg_exec(s, "COMMIT", "migrate", err);
    if (!mst_pg_lost(s))
        (void)mst_pg_exec(s, "ROLLBACK", "migrate", NULL);
    return rc;
}
