// One thread, one row at a time: a stored row becomes a case and a completion again, the scorers run over them, and the
// row is written anew with their scores. Writing costs more than scoring, so commits are large.
#include "cli/rescoring.h"

#include "cli/env.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "common/model/step.h"
#include "scorers/scorer.h"
#include "worker/model/local_models.h"
#include "worker/plugin/edge.h"

#include <signal.h>
#include <stdlib.h>

#define COMMIT_ROWS  2000
#define SIGNAL_EVERY 64 // rows between two looks

typedef struct {
    mst_store_t *to;
    const mst_run_rec_t *rec;
    mst_scorer_set_t *set;
    const mst_models_t *models;
    mst_score_t *scores;
    mst_arena_t *arena;
    mst_json_parser_t *json;
    mst_buf_t repaired;
    uint64_t rows;
    mst_rc rc;
    mst_err_t *err;
} rescoring_t;

static mst_str_t
member_json(rescoring_t *r, const mst_json_t *extra, const char *key)
{
    const mst_json_t *v = mst_json_get(extra, key);
    if (v == NULL)
        return MST_STR_NULL;
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, MST_JSON_BYTES_MAX);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, v);
    mst_str_t copy = b.failed ? MST_STR_NULL : mst_arena_dup(r->arena, mst_buf_view(&b), NULL);
    mst_buf_deinit(&b);
    return copy;
}

static void
fill_case(rescoring_t *r, const mst_result_t *res, mst_case_t *c)
{
    *c = (mst_case_t){.case_no = res->key.case_no,
                      .id = res->case_id,
                      .input = res->input,
                      .has_expected = res->has_expected,
                      .expected = res->expected,
                      .has_actual = true,
                      .actual = res->done.text};
    memcpy(c->digest, res->case_digest, sizeof c->digest);
    const mst_json_t *extra;
    mst_err_t ignored;
    if (res->case_extra.n == 0 || mst_json_parse(r->json, res->case_extra, r->arena, &extra, NULL, &ignored) != MST_OK)
        return;
    c->metadata = member_json(r, extra, "metadata");
    c->context = member_json(r, extra, "context");
    c->retrieval_context = member_json(r, extra, "retrieval_context");
    c->messages = member_json(r, extra, "messages");
}

// The outcome that the answer had before a scorer failed on it.
static mst_outcome_t
answer_outcome(const mst_result_t *res)
{
    if (mst_outcome_measured(res->outcome))
        return res->outcome;
    if (mst_str_eq_c(res->done.finish_reason, "length"))
        return MST_OUT_TRUNCATED;
    return res->done.text.n > 0 || res->done.tool_calls.n > 0 ? MST_OUT_SCORED : MST_OUT_EMPTY;
}

// A case in several steps is scored by the one that it stands for.
static mst_rc
apply_steps(rescoring_t *r, mst_result_t *res)
{
    mst_steps_t steps;
    mst_rc rc = mst_steps_read(res->steps, r->json, r->arena, &steps, r->err);
    if (rc == MST_OK)
        mst_steps_apply(&steps, &res->done);
    return rc;
}

static mst_rc
score(rescoring_t *r, mst_result_t *res)
{
    mst_case_t c;
    mst_err_t err = {0};
    mst_rc rc = MST_OK;
    fill_case(r, res, &c);
    if (res->events.n > 0)
        rc = mst_events_unpack(res->events, r->arena, &res->done, r->err);
    mst_completion_t row = res->done; // the row keeps the events of every step
    if (rc == MST_OK && res->steps.n > 0)
        rc = apply_steps(r, res);
    if (rc != MST_OK)
        return rc;
    mst_score_in_t in = {.c = &c, .done = &res->done, .output = res->done.text, .arena = r->arena, .models = r->models};
    if (!mst_utf8_valid(in.output)) {
        mst_buf_reset(&r->repaired);
        if (mst_utf8_repair(in.output, &r->repaired) == MST_OK)
            in.output = mst_buf_view(&r->repaired);
    }
    bool passed;
    int failed;
    mst_scorer_set_score(r->set, &in, mst_mono_ns, r->scores, &passed, &failed, &err);
    res->outcome = failed >= 0 ? MST_OUT_SCORER_ERROR : answer_outcome(res);
    res->done = row;
    res->done.error = failed >= 0 ? err : (mst_err_t){0};
    res->scores = r->scores;
    res->score_count = (uint32_t)mst_scorer_set_count(r->set, MST_SCOPE_CASE);
    res->passed = passed && failed < 0;
    return MST_OK;
}

static bool
interrupted(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

static mst_rc
turn(rescoring_t *r)
{
    if (r->rows % SIGNAL_EVERY == 0 && interrupted())
        return MST_ERR(r->err, MST_CANCELED, "interrupted after %llu results", (unsigned long long)r->rows);
    if (r->rows % COMMIT_ROWS != 0 || r->rows == 0)
        return MST_OK;
    mst_rc rc = mst_store_commit(r->to, r->err);
    return rc == MST_OK ? mst_store_begin(r->to, r->err) : rc;
}

static bool
on_result(void *ud, const mst_result_t *stored, const mst_origin_t *origin)
{
    rescoring_t *r = ud;
    mst_result_t res = *stored;
    mst_added_t added;
    mst_arena_reset(r->arena);
    res.generation = r->rec->generation;
    res.scores = NULL;
    res.score_count = 0;
    r->rc = turn(r);
    bool answered = mst_outcome_measured(res.outcome) || res.outcome == MST_OUT_SCORER_ERROR;
    if (r->rc == MST_OK && answered)
        r->rc = score(r, &res);
    if (r->rc == MST_OK)
        r->rc = mst_store_result_add(r->to, r->rec->run_no, &res, origin, &added, r->err);
    r->rows++;
    return r->rc == MST_OK;
}

static mst_rc
copy_all(rescoring_t *r, mst_store_t *from, int64_t from_run_no)
{
    mst_store_scan_t what = {.with_text = true, .with_events = true};
    mst_rc rc = mst_store_begin(r->to, r->err);
    if (rc != MST_OK)
        return rc;
    rc = mst_store_results(from, from_run_no, &what, on_result, r, r->err);
    rc = r->rc != MST_OK ? r->rc : rc;
    if (rc == MST_OK || rc == MST_CANCELED) {
        mst_err_t late = {0};
        if (mst_store_commit(r->to, &late) != MST_OK) {
            *r->err = late;
            rc = late.rc;
        }
    }
    if (rc != MST_OK)
        mst_store_rollback(r->to);
    return rc;
}

mst_rc
mst_rescoring_run(mst_store_t *from, int64_t from_run_no, mst_store_t *to, const mst_run_rec_t *rec,
                  const mst_run_cfg_t *cfg, mst_err_t *err)
{
    rescoring_t r = {.to = to, .rec = rec, .err = err};
    const mst_config_env_t env = mst_cli_env(true);
    mst_rc rc = mst_local_models_check(cfg, &env, err);
    if (rc == MST_OK)
        rc = mst_scorer_set_new_with(cfg, mst_plugin_edge(), &r.set, err);
    if (rc != MST_OK)
        return rc;
    mst_local_models_t *models = mst_local_models_new(&env);
    r.models = mst_local_models(models);
    r.scores = MST_NEW_ARRAY(mst_score_t, mst_scorer_set_count(r.set, MST_SCOPE_CASE) + 1);
    r.arena = mst_arena_new(4 * MST_RESULT_BYTES_MAX);
    r.json = mst_json_parser_new();
    mst_buf_init(&r.repaired, 4 * MST_HTTP_BODY_MAX);
    rc = copy_all(&r, from, from_run_no);
    mst_buf_deinit(&r.repaired);
    mst_json_parser_free(&r.json);
    mst_arena_free(&r.arena);
    free(r.scores);
    mst_scorer_set_free(&r.set);
    mst_local_models_free(&models);
    return rc;
}
