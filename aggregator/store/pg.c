// The PostgreSQL member: queries with binary arguments and results, errors by SQLSTATE.
#include "aggregator/store/pg.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>

#define OID_BYTEA  17
#define OID_INT8   20
#define OID_TEXT   25
#define OID_FLOAT8 701

void
mst_pg_args(mst_pg_args_t *a, mst_pg_t *s)
{
    a->s = s;
    a->n = 0;
    a->failed = false;
    mst_arena_reset(s->args);
}

static void
add(mst_pg_args_t *a, Oid type, const char *p, size_t n)
{
    MST_ASSERT(a->n < MST_PG_ARGS_MAX);
    a->failed = a->failed || n > INT32_MAX;
    a->types[a->n] = type;
    a->values[a->n] = p;
    a->lengths[a->n] = (int)n;
    a->formats[a->n] = 1;
    a->n++;
}

void
mst_pg_arg_int(mst_pg_args_t *a, int64_t v)
{
    a->words[a->n] = htobe64((uint64_t)v);
    add(a, OID_INT8, (const char *)&a->words[a->n], sizeof a->words[0]);
}

void
mst_pg_arg_real(mst_pg_args_t *a, double v)
{
    uint64_t bits;
    if (!isfinite(v)) {
        add(a, OID_FLOAT8, NULL, 0);
        return;
    }
    memcpy(&bits, &v, sizeof bits);
    a->words[a->n] = htobe64(bits);
    add(a, OID_FLOAT8, (const char *)&a->words[a->n], sizeof a->words[0]);
}

void
mst_pg_arg_bytes(mst_pg_args_t *a, mst_str_t v)
{
    add(a, OID_BYTEA, v.n > 0 ? v.p : "", v.n);
}

void
mst_pg_arg_null(mst_pg_args_t *a)
{
    add(a, 0, NULL, 0);
}

void
mst_pg_arg_text(mst_pg_args_t *a, mst_str_t v, int64_t bit, int64_t *escaped)
{
    if (v.n == 0) {
        add(a, OID_TEXT, NULL, 0);
        return;
    }
    if (!mst_pg_text_plain(v)) {
        bool ok = true;
        mst_buf_reset(&a->s->scratch);
        mst_pg_text_escape(v, &a->s->scratch);
        v = mst_arena_dup(a->s->args, mst_buf_view(&a->s->scratch), &ok);
        a->failed = a->failed || !ok || a->s->scratch.failed;
        *escaped |= bit;
    }
    add(a, OID_TEXT, v.p, v.n);
}

bool
mst_pg_lost(const mst_pg_t *s)
{
    return s->conn == NULL || s->dead || PQstatus(s->conn) != CONNECTION_OK;
}

// SQLSTATE classes and codes: PostgreSQL's appendix A.
static mst_rc
rc_of_state(const char *state)
{
    static const struct {
        const char *state;
        mst_rc rc;
    } known[] = {
        {"53100", MST_FULL},    {"53", MST_LIMIT},      {"08", MST_CLOSED},      {"57P", MST_CLOSED},
        {"57014", MST_TIMEOUT}, {"28", MST_DENIED},     {"42501", MST_DENIED},   {"3D000", MST_NOTFOUND},
        {"40", MST_TIMEOUT},    {"55P03", MST_TIMEOUT}, {"23505", MST_CONFLICT}, {"22", MST_INVAL},
        {"23", MST_INVAL},      {"54", MST_INVAL},      {"0A", MST_UNSUPPORTED}, {"58", MST_IO},
        {"25006", MST_CLOSED}, // a standby that answers in place of its primary
        {"XX", MST_INTERNAL},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strncmp(state, known[i].state, strlen(known[i].state)) == 0)
            return known[i].rc;
    return MST_PROTO;
}

// libpq's text as one line without its "ERROR:  ".
static mst_str_t
one_line(const char *text)
{
    mst_str_t s = mst_str_trim(mst_str_c(text ? text : ""));
    static const char *const heads[] = {"ERROR:", "FATAL:", "PANIC:"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (mst_str_starts(s, mst_str_c(heads[i])))
            s = mst_str_trim(mst_str(s.p + strlen(heads[i]), s.n - strlen(heads[i])));
    const char *end = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;
    return end ? mst_str(s.p, (size_t)(end - s.p)) : s;
}

mst_rc
mst_pg_fail(mst_pg_t *s, const PGresult *res, const char *what, mst_err_t *err)
{
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *text = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    mst_rc rc = mst_pg_lost(s) || !state ? MST_CLOSED : rc_of_state(state);
    s->dead = s->dead || rc == MST_CLOSED;
    if (!text)
        text = s->conn ? PQerrorMessage(s->conn) : "no connection";
    mst_str_t why = one_line(text);
    rc = MST_ERR(err, rc, "could not %s database \"%s\": %.*s", what, s->shown, MST_FMT(why));
    if (err && (rc == MST_CLOSED || rc == MST_FULL || rc == MST_TIMEOUT))
        err->retry = MST_RETRY_LATER;
    return rc;
}

static bool
is_good(const PGresult *r)
{
    ExecStatusType t = PQresultStatus(r);
    return t == PGRES_COMMAND_OK || t == PGRES_TUPLES_OK;
}

mst_rc
mst_pg_query(mst_pg_t *s, const char *sql, const mst_pg_args_t *a, const char *what, PGresult **out, mst_err_t *err)
{
    if (out)
        *out = NULL;
    if (a && a->failed)
        return MST_ERR(err, MST_LIMIT, "what was to be stored in database \"%s\" is too large", s->shown);
    if (!s->conn)
        return mst_pg_fail(s, NULL, what, err);
    PGresult *r = PQexecParams(s->conn, sql, a ? a->n : 0, a ? a->types : NULL, a ? a->values : NULL,
                               a ? a->lengths : NULL, a ? a->formats : NULL, 1);
    mst_rc rc = is_good(r) ? MST_OK : mst_pg_fail(s, r, what, err);
    if (rc == MST_OK && out)
        *out = r;
    else
        PQclear(r);
    return rc;
}

mst_rc
mst_pg_exec(mst_pg_t *s, const char *sql, const char *what, mst_err_t *err)
{
    if (!s->conn)
        return mst_pg_fail(s, NULL, what, err);
    PGresult *r = PQexec(s->conn, sql);
    mst_rc rc = is_good(r) ? MST_OK : mst_pg_fail(s, r, what, err);
    PQclear(r);
    return rc;
}

// What is left of a query is thrown away; a long one is cancelled first.
static void
drain(mst_pg_t *s, bool cancel)
{
    char text[64];
    PGcancel *c = cancel ? PQgetCancel(s->conn) : NULL;
    if (c)
        (void)PQcancel(c, text, sizeof text);
    PQfreeCancel(c);
    PGresult *r;
    while ((r = PQgetResult(s->conn)) != NULL)
        PQclear(r);
}

mst_rc
mst_pg_each(mst_pg_t *s, const char *sql, const mst_pg_args_t *a, mst_pg_row_fn *fn, void *ud, mst_err_t *err)
{
    if (!s->conn || !PQsendQueryParams(s->conn, sql, a ? a->n : 0, a ? a->types : NULL, a ? a->values : NULL,
                                       a ? a->lengths : NULL, a ? a->formats : NULL, 1))
        return mst_pg_fail(s, NULL, "read", err);
    (void)PQsetSingleRowMode(s->conn);
    mst_rc rc = MST_OK;
    bool go_on = true;
    PGresult *r;
    while (rc == MST_OK && go_on && (r = PQgetResult(s->conn)) != NULL) {
        ExecStatusType t = PQresultStatus(r);
        if (t == PGRES_SINGLE_TUPLE)
            rc = fn(ud, r, &go_on, err);
        else if (t != PGRES_TUPLES_OK)
            rc = mst_pg_fail(s, r, "read", err);
        PQclear(r);
    }
    drain(s, !go_on || rc != MST_OK);
    return rc;
}

bool
mst_pg_null(const PGresult *r, int row, int col)
{
    return PQgetisnull(r, row, col) != 0;
}

mst_str_t
mst_pg_bytes(const PGresult *r, int row, int col)
{
    int n = PQgetlength(r, row, col);
    return mst_pg_null(r, row, col) ? MST_STR_NULL : mst_str(PQgetvalue(r, row, col), n > 0 ? (size_t)n : 0);
}

int64_t
mst_pg_int(const PGresult *r, int row, int col)
{
    mst_str_t b = mst_pg_bytes(r, row, col);
    uint64_t wide;
    uint32_t narrow;
    if (b.n == sizeof wide) {
        memcpy(&wide, b.p, sizeof wide);
        return (int64_t)be64toh(wide);
    }
    if (b.n == sizeof narrow) {
        memcpy(&narrow, b.p, sizeof narrow);
        return (int32_t)be32toh(narrow);
    }
    return b.n == 1 ? b.p[0] : 0; // bool
}

double
mst_pg_real(const PGresult *r, int row, int col)
{
    mst_str_t b = mst_pg_bytes(r, row, col);
    uint64_t bits;
    double v = 0.0;
    if (b.n == sizeof bits) {
        memcpy(&bits, b.p, sizeof bits);
        bits = be64toh(bits);
        memcpy(&v, &bits, sizeof v);
    }
    return v;
}
