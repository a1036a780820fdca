// The connection: opened with our time-outs under whatever the URL says, checked, and opened anew after it was lost.
#include "aggregator/store/pg.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION_MIN 140000
#define ARGS_ARENA  (2 * MST_RESULT_BYTES_MAX)
#define COPY_MAX    (64 * MST_MIB + 2 * MST_RESULT_BYTES_MAX)

static void
quiet(void *ud, const PGresult *res)
{
    (void)ud;
    (void)res; // notices such as "relation exists, skipping" are no news
}

// "host:port/database" of the connection options, never a password.
static mst_rc
describe(mst_pg_t *s, mst_err_t *err)
{
    char *why = NULL;
    PQconninfoOption *o = PQconninfoParse(s->url, &why);
    if (!o) {
        mst_rc rc = MST_ERR(err, MST_INVAL, "database address cannot be read: %s; expected postgresql://HOST/DATABASE",
                            why ? why : "no memory");
        PQfreemem(why);
        return rc;
    }
    const char *host = "", *port = "", *name = "", *password = NULL;
    for (const PQconninfoOption *i = o; i->keyword; i++) {
        if (!i->val)
            continue;
        if (strcmp(i->keyword, "host") == 0)
            host = i->val;
        else if (strcmp(i->keyword, "port") == 0)
            port = i->val;
        else if (strcmp(i->keyword, "dbname") == 0)
            name = i->val;
        else if (strcmp(i->keyword, "password") == 0 || strcmp(i->keyword, "sslpassword") == 0)
            password = i->val;
    }
    size_t n = strlen(host) + strlen(port) + strlen(name) + 24;
    s->shown = mst_xalloc(n);
    (void)snprintf(s->shown, n, "postgresql://%s%s%s/%s", host, *port ? ":" : "", port, name);
    bool secret = password != NULL;
    PQconninfoFree(o);
    if (secret)
        return MST_ERR(err, MST_INVAL,
                       "the address of database \"%s\" holds a password, which other users of this machine could "
                       "read; give it by PGPASSFILE, ~/.pgpass or PGPASSWORD",
                       s->shown);
    return MST_OK;
}

static mst_rc
check_server(mst_pg_t *s, mst_err_t *err)
{
    int version = PQserverVersion(s->conn);
    if (version < VERSION_MIN)
        return MST_ERR(err, MST_UNSUPPORTED, "database \"%s\" is PostgreSQL %d, 14 or later is needed", s->shown,
                       version / 10000);
    const char *encoding = PQparameterStatus(s->conn, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return MST_ERR(err, MST_UNSUPPORTED, "database \"%s\" has encoding %s; create it with ENCODING 'UTF8'",
                       s->shown, encoding ? encoding : "unknown");
    return MST_OK;
}

// A commit that the server may forget is no commit, whatever its default says.
static const char session[] =
    "SET search_path TO muster; SET lock_timeout='10s'; SET idle_in_transaction_session_timeout='120s';"
    "SET bytea_output='hex'; SET timezone='UTC';"
    "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
    " ELSE current_setting('synchronous_commit') END, false)";

mst_rc
mst_pg_connect(mst_pg_t *s, mst_err_t *err)
{
    // what comes later wins: the URL over ours, the encoding over all
    static const char *const names[] = {"connect_timeout",     "keepalives_idle",
                                        "keepalives_interval", "keepalives_count",
                                        "tcp_user_timeout",    "target_session_attrs",
                                        "application_name",    "dbname",
                                        "client_encoding",     NULL};
    const char *const values[] = {
        "5",      "10",   "5",    "3", "15000", s->base.mode == MST_STORE_WRITE ? "read-write" : "any",
        "muster", s->url, "UTF8", NULL};
    PQfinish(s->conn);
    s->dead = s->staging = s->reading = false;
    s->conn = PQconnectdbParams(names, values, 1);
    if (!s->conn || PQstatus(s->conn) != CONNECTION_OK) {
        const char *state = s->conn ? PQerrorMessage(s->conn) : "";
        bool denied = strstr(state, "password") || strstr(state, "pg_hba") || strstr(state, "role ");
        bool missing = strstr(state, "database \"") && strstr(state, "does not exist");
        mst_rc rc = mst_pg_fail(s, NULL, "reach", err);
        if (err && (denied || missing)) {
            err->rc = rc = denied ? MST_DENIED : MST_NOTFOUND;
            err->retry = MST_RETRY_NEVER;
        }
        PQfinish(s->conn);
        s->conn = NULL;
        return rc;
    }
    PQsetNoticeReceiver(s->conn, quiet, NULL);
    mst_rc rc = check_server(s, err);
    return rc == MST_OK ? mst_pg_exec(s, session, "open", err) : rc;
}

mst_rc
mst_pg_open(const char *url, mst_store_mode_t mode, mst_store_t **out, mst_err_t *err)
{
    mst_pg_t *s = MST_NEW(mst_pg_t);
    s->base.ops = &mst_store_postgresql;
    s->base.mode = mode;
    s->url = mst_xstrdup(url);
    s->waiting = mst_arena_new(256 * MST_MIB);
    s->args = mst_arena_new(ARGS_ARENA);
    mst_origin_rows_init(&s->origins);
    mst_buf_init(&s->scratch, 4 * MST_RESULT_BYTES_MAX);
    mst_buf_init(&s->scores, MST_RESULT_BYTES_MAX);
    mst_buf_init(&s->copy, COPY_MAX);
    mst_rc rc = describe(s, err);
    if (rc == MST_OK)
        rc = mst_pg_connect(s, err);
    if (rc == MST_OK)
        rc = mode == MST_STORE_WRITE ? mst_pg_migrate(s, err) : mst_pg_check(s, err);
    if (rc != MST_OK) {
        mst_pg_close(&s->base);
        return rc;
    }
    *out = &s->base;
    return MST_OK;
}

void
mst_pg_close(mst_store_t *base)
{
    mst_pg_t *s = (mst_pg_t *)base;
    PQfinish(s->conn); // an open transaction is rolled back
    mst_lives_forget(&s->lives, false);
    mst_origin_rows_deinit(&s->origins);
    mst_buf_deinit(&s->scratch);
    mst_buf_deinit(&s->scores);
    mst_buf_deinit(&s->copy);
    mst_arena_free(&s->waiting);
    mst_arena_free(&s->args);
    free(s->pending);
    free(s->shown);
    free(s->url);
    free(s);
}

static mst_rc
pg_begin(mst_store_t *base, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    mst_rc rc = mst_pg_lost(s) ? mst_pg_connect(s, err) : MST_OK;
    return rc == MST_OK ? mst_pg_exec(s, "BEGIN", "begin writing", err) : rc;
}

static mst_rc
pg_commit(mst_store_t *base, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    mst_rc rc = mst_lives_save(&s->lives, mst_pg_live_save, s, err);
    if (rc != MST_OK)
        return rc;
    PGresult *r = PQexec(s->conn, "COMMIT");
    // a transaction that broke answers COMMIT with ROLLBACK
    bool done = PQresultStatus(r) == PGRES_COMMAND_OK && strcmp(PQcmdStatus(r), "COMMIT") == 0;
    if (!done)
        rc = mst_pg_fail(s, PQresultStatus(r) == PGRES_COMMAND_OK ? NULL : r, "write", err);
    PQclear(r);
    if (rc == MST_OK)
        mst_lives_clean(&s->lives);
    return rc;
}

static void
pg_rollback(mst_store_t *base)
{
    mst_pg_t *s = (mst_pg_t *)base;
    if (!mst_pg_lost(s) && PQtransactionStatus(s->conn) != PQTRANS_IDLE)
        (void)mst_pg_exec(s, "ROLLBACK", "roll back", NULL);
    mst_pg_forget_waiting(s);
    mst_lives_forget(&s->lives, true);
    mst_origin_rows_forget(&s->origins);
}

static mst_rc
pg_read_begin(mst_store_t *base, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    if (base->in_transaction)
        return MST_OK;
    mst_rc rc = mst_pg_lost(s) ? mst_pg_connect(s, err) : MST_OK;
    if (rc == MST_OK)
        rc = mst_pg_exec(s, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "read", err);
    s->reading = rc == MST_OK;
    return rc;
}

static void
pg_read_end(mst_store_t *base)
{
    mst_pg_t *s = (mst_pg_t *)base;
    if (s->reading && !mst_pg_lost(s))
        (void)mst_pg_exec(s, "COMMIT", "read", NULL);
    s->reading = false;
}

const mst_store_ops_t mst_store_postgresql = {
    .scheme = "postgresql",
    .whole_url = true,
    .open = mst_pg_open,
    .close = mst_pg_close,
    .run_create = mst_pg_run_create,
    .run_update = mst_pg_run_update,
    .run_get = mst_pg_run_get,
    .run_list = mst_pg_run_list,
    .run_reopen = mst_pg_run_reopen,
    .run_delete = mst_pg_run_delete,
    .strays = mst_pg_strays,
    .begin = pg_begin,
    .result_add = mst_pg_result_add,
    .settle = mst_pg_settle,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .keys = mst_pg_keys,
    .results = mst_pg_results,
    .rollup = mst_pg_rollup,
    .live = mst_pg_live,
    .read_begin = pg_read_begin,
    .read_end = pg_read_end,
    .values = mst_pg_values,
};
