// Adding results: the hot path. Per row one prepared INSERT with borrowed bytes, no allocation; origins are looked
// up in memory; rollups are touched only when the row was truly new.
#include "aggregator/store/sqlite.h"

#include "common/base/hash.h"

#include <stdlib.h>

#define FLAG_STREAMED 1
#define FLAG_REUSED   2
#define FLAG_LENIENT  4
#define FLAG_FINISHED 8

void
mst_sqlite_origins_forget(mst_sqlite_t *s)
{
    for (size_t i = 0; i < s->origin_count; i++)
        free(s->origins[i].flat);
    s->origin_count = s->origin_last = 0;
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

static mst_rc
origin_row(mst_sqlite_t *s, const mst_str_t fields[MST_ORIGIN_FIELDS], mst_str_t flat, int64_t *out_no, mst_err_t *err)
{
    static const char *const sql[] = {
        "INSERT INTO origin(digest,host,device,driver,engine,engine_version,model,model_revision,endpoint)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT DO NOTHING",
        "SELECT origin_no FROM origin WHERE digest=?1",
    };
    mst_digest_t digest = mst_sha256(flat);
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *st = NULL;
        mst_rc rc = mst_sqlite_prepare(s, sql[i], &st, err);
        if (rc != MST_OK)
            return rc;
        int code = sqlite3_bind_blob(st, 1, digest.b, sizeof digest.b, SQLITE_STATIC);
        for (int f = 0; f < MST_ORIGIN_FIELDS && i == 0; f++)
            code |= mst_sqlite_bind(st, f + 2, fields[f]);
        if (code == SQLITE_OK)
            code = sqlite3_step(st);
        if (code == SQLITE_ROW)
            *out_no = sqlite3_column_int64(st, 0);
        else if (code != SQLITE_DONE)
            rc = mst_sqlite_fail(s, code, "add an origin to", err);
        sqlite3_finalize(st);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

static mst_rc
origin_no(mst_sqlite_t *s, const mst_origin_t *o, int64_t *out_no, mst_err_t *err)
{
    mst_str_t fields[MST_ORIGIN_FIELDS];
    origin_fields(o, fields);
    flatten(fields, &s->scratch);
    if (s->scratch.failed)
        return MST_ERR(err, MST_INVAL, "the origin of a result is too large");
    mst_str_t flat = mst_buf_view(&s->scratch);
    uint64_t hash = mst_xxh64(flat, 0);
    for (size_t i = 0; i < s->origin_count; i++) {
        mst_origin_slot_t *slot = &s->origins[(s->origin_last + i) % s->origin_count];
        if (slot->hash == hash && mst_str_eq(mst_str(slot->flat, slot->flat_bytes), flat)) {
            s->origin_last = (size_t)(slot - s->origins);
            *out_no = slot->origin_no;
            return MST_OK;
        }
    }
    mst_rc rc = origin_row(s, fields, flat, out_no, err);
    if (rc != MST_OK)
        return rc;
    if (s->origin_count == MST_ORIGIN_MAX)
        mst_sqlite_origins_forget(s);
    s->origin_last = s->origin_count++;
    s->origins[s->origin_last] = (mst_origin_slot_t){
        .hash = hash, .origin_no = *out_no, .flat = mst_xstrndup(flat.p, flat.n), .flat_bytes = flat.n};
    return MST_OK;
}

static int
bind_key(sqlite3_stmt *st, int64_t run_no, const mst_result_t *r, int64_t origin)
{
    int code = sqlite3_bind_int64(st, MST_COL_run_no + 1, run_no);
    code |= sqlite3_bind_int64(st, MST_COL_target_no + 1, r->key.target_no);
    code |= sqlite3_bind_int64(st, MST_COL_case_no + 1, (int64_t)r->key.case_no);
    code |= sqlite3_bind_int64(st, MST_COL_repeat_no + 1, r->key.repeat_no);
    code |= sqlite3_bind_int64(st, MST_COL_generation + 1, r->generation);
    code |= sqlite3_bind_int64(st, MST_COL_attempt + 1, r->attempt);
    code |= sqlite3_bind_int64(st, MST_COL_outcome + 1, (int)r->outcome);
    code |= sqlite3_bind_int64(st, MST_COL_passed + 1, r->passed);
    code |= sqlite3_bind_int64(st, MST_COL_lease_id + 1, (int64_t)r->lease_id);
    code |=
        origin ? sqlite3_bind_int64(st, MST_COL_origin_no + 1, origin) : sqlite3_bind_null(st, MST_COL_origin_no + 1);
    code |= sqlite3_bind_int64(st, MST_COL_started_wall_ns + 1, r->started_wall_ns);
    code |= sqlite3_bind_int64(st, MST_COL_finished_wall_ns + 1, r->finished_wall_ns);
    code |= mst_sqlite_bind_or_empty(st, MST_COL_case_id + 1, r->case_id);
    static const uint8_t none[sizeof r->case_digest];
    code |= memcmp(r->case_digest, none, sizeof none) == 0
                ? sqlite3_bind_null(st, MST_COL_case_digest + 1)
                : sqlite3_bind_blob(st, MST_COL_case_digest + 1, r->case_digest, sizeof none, SQLITE_STATIC);
    return code;
}

static int
bind_numbers(sqlite3_stmt *st, const mst_result_t *r)
{
    const mst_completion_t *d = &r->done;
    uint64_t events, logprobs;
    mst_events_counts(r->events, &events, &logprobs);
    int flags = (d->streamed ? FLAG_STREAMED : 0) | (d->conn_reused ? FLAG_REUSED : 0) |
                (d->lenient_json ? FLAG_LENIENT : 0) | (d->finished ? FLAG_FINISHED : 0);
    int code = mst_sqlite_bind_known(st, MST_COL_ttft_ns + 1, d->ttft_ns);
    code |= mst_sqlite_bind_known(st, MST_COL_last_token_ns + 1, d->last_token_ns);
    code |= mst_sqlite_bind_known(st, MST_COL_tpot_ns + 1, r->tpot_ns);
    code |= mst_sqlite_bind_known(st, MST_COL_ttfo_ns + 1, d->ttfo_ns);
    code |= mst_sqlite_bind_known(st, MST_COL_ttfb_ns + 1, d->ttfb_ns);
    code |= mst_sqlite_bind_known(st, MST_COL_close_ns + 1, d->close_ns);
    code |= mst_sqlite_bind_known(st, MST_COL_queue_ns + 1, d->queue_ns);
    code |= mst_sqlite_bind_known(st, MST_COL_send_mono_ns + 1, d->send_mono_ns);
    code |= sqlite3_bind_int64(st, MST_COL_send_source + 1, (int)d->send_source);
    code |= sqlite3_bind_int64(st, MST_COL_rx_source + 1, (int)d->rx_source);
    code |= mst_sqlite_bind_known(st, MST_COL_prompt_tokens + 1, d->prompt_tokens);
    code |= mst_sqlite_bind_known(st, MST_COL_completion_tokens + 1, d->completion_tokens);
    code |= mst_sqlite_bind_known(st, MST_COL_reasoning_tokens + 1, d->reasoning_tokens);
    code |= sqlite3_bind_int64(st, MST_COL_token_source + 1, (int)d->token_source);
    code |= sqlite3_bind_int64(st, MST_COL_event_count + 1, (int64_t)events);
    code |= sqlite3_bind_int64(st, MST_COL_logprob_count + 1, (int64_t)logprobs);
    code |= sqlite3_bind_int64(st, MST_COL_merged_reads + 1, d->merged_reads);
    code |= sqlite3_bind_int64(st, MST_COL_comments + 1, d->comments);
    code |= sqlite3_bind_int64(st, MST_COL_flags + 1, flags);
    code |= sqlite3_bind_int64(st, MST_COL_http_status + 1, d->http_status);
    code |= sqlite3_bind_int64(st, MST_COL_attempts + 1, d->attempts);
    return code;
}

static int
bind_error(sqlite3_stmt *st, const mst_err_t *e)
{
    int code = e->rc == MST_OK ? sqlite3_bind_null(st, MST_COL_error_rc + 1)
                               : sqlite3_bind_int64(st, MST_COL_error_rc + 1, (int)e->rc);
    code |= e->retry == MST_RETRY_NEVER ? sqlite3_bind_null(st, MST_COL_error_retry + 1)
                                        : sqlite3_bind_int64(st, MST_COL_error_retry + 1, (int)e->retry);
    code |= e->sub == 0 ? sqlite3_bind_null(st, MST_COL_error_sub + 1)
                        : sqlite3_bind_int64(st, MST_COL_error_sub + 1, e->sub);
    return code |
           mst_sqlite_bind(st, MST_COL_error_text + 1, mst_str(e->message, strnlen(e->message, sizeof e->message)));
}

static int
bind_texts(sqlite3_stmt *st, const mst_result_t *r, mst_str_t scores)
{
    const mst_completion_t *d = &r->done;
    bool first = r->key.target_no == 0 && r->key.repeat_no == 0;
    int code = mst_sqlite_bind(st, MST_COL_finish_reason + 1, d->finish_reason);
    code |= mst_sqlite_bind(st, MST_COL_slices + 1, r->slices);
    code |= mst_sqlite_bind(st, MST_COL_model + 1, d->model);
    code |= mst_sqlite_bind(st, MST_COL_system_fingerprint + 1, d->system_fingerprint);
    code |= mst_sqlite_bind(st, MST_COL_request_id + 1, d->request_id);
    code |= mst_sqlite_bind(st, MST_COL_server + 1, d->server);
    code |= mst_sqlite_bind(st, MST_COL_input + 1, first ? r->input : MST_STR_NULL);
    code |= first && r->has_expected ? mst_sqlite_bind_or_empty(st, MST_COL_expected + 1, r->expected)
                                     : sqlite3_bind_null(st, MST_COL_expected + 1);
    code |= mst_sqlite_bind(st, MST_COL_case_extra + 1, first ? r->case_extra : MST_STR_NULL);
    code |= mst_sqlite_bind(st, MST_COL_text + 1, d->text);
    code |= mst_sqlite_bind(st, MST_COL_reasoning + 1, d->reasoning);
    code |= mst_sqlite_bind(st, MST_COL_refusal + 1, d->refusal);
    code |= mst_sqlite_bind(st, MST_COL_tool_calls + 1, d->tool_calls);
    code |= scores.n ? sqlite3_bind_text64(st, MST_COL_scores + 1, scores.p, scores.n, SQLITE_STATIC, SQLITE_UTF8)
                     : sqlite3_bind_null(st, MST_COL_scores + 1);
    code |= sqlite3_bind_blob64(st, MST_COL_events + 1, r->events.n ? r->events.p : NULL, r->events.n, SQLITE_STATIC);
    code |= mst_sqlite_bind(st, MST_COL_raw_request + 1, r->raw_request);
    return code | mst_sqlite_bind(st, MST_COL_raw_response + 1, r->raw_response);
}

static mst_rc
insert(mst_sqlite_t *s, int64_t run_no, const mst_result_t *r, int64_t origin, bool *out_new, mst_err_t *err)
{
    mst_buf_reset(&s->scores);
    if (r->score_count > 0)
        mst_scores_write(r->scores, r->score_count, &s->scores);
    if (s->scores.failed)
        return MST_ERR(err, MST_INVAL, "the scores of case %llu are too large to store",
                       (unsigned long long)r->key.case_no);
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_stmt(s, MST_SQL_RESULT_ADD, &st, err);
    if (rc != MST_OK)
        return rc;
    int code = bind_key(st, run_no, r, origin);
    code |= bind_numbers(st, r);
    code |= bind_error(st, &r->done.error);
    code |= bind_texts(st, r, mst_buf_view(&s->scores));
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code == SQLITE_DONE)
        *out_new = sqlite3_changes(s->db) > 0;
    else if ((code & 0xff) == SQLITE_TOOBIG)
        rc = MST_ERR(err, MST_INVAL, "case %llu is too large to store", (unsigned long long)r->key.case_no);
    else
        rc = mst_sqlite_fail(s, code, "add a result to", err);
    sqlite3_reset(st);
    return rc;
}

mst_rc
mst_sqlite_result_add(mst_store_t *base, int64_t run_no, const mst_result_t *r, const mst_origin_t *origin,
                      mst_added_t *out, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    mst_live_t *live = NULL;
    mst_rc rc = mst_sqlite_live_get(s, run_no, &live, err);
    if (rc != MST_OK)
        return rc;
    if (r->generation < live->generation) {
        *out = MST_ADDED_FENCED;
        return MST_OK;
    }
    if (r->generation > live->generation)
        return MST_ERR(err, MST_INVAL, "case %llu has generation %u, its run is at %u",
                       (unsigned long long)r->key.case_no, r->generation, live->generation);
    int64_t no = 0;
    if (origin)
        rc = origin_no(s, origin, &no, err);
    bool is_new = false;
    if (rc == MST_OK)
        rc = insert(s, run_no, r, no, &is_new, err);
    if (rc != MST_OK)
        return rc;
    *out = is_new ? MST_ADDED_NEW : MST_ADDED_DUPLICATE;
    if (is_new) {
        mst_rollup_add(&live->roll, r);
        live->dirty = true;
    }
    return MST_OK;
}
