// One thread, one row at a time: a stored row becomes a case and a completion again, the scorers run over them, and the
// row is written anew with their scores. Writing costs more than scoring, so commits are large.
//
// A row whose scorers ask endpoints of their own is copied and laid aside; its asks go out while further rows are read,
// and it is scored again with the answers. Only so many rows lie aside at a time.
#include "cli/rescoring.h"

#include "cli/env.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "common/model/step.h"
#include "scorers/scorer.h"
#include "worker/calls.h"
#include "worker/model/local_models.h"
#include "worker/plugin/edge.h"

#include <signal.h>
#include <stdlib.h>

#define COMMIT_ROWS  2000
#define SIGNAL_EVERY 64 // rows between two looks
#define ASIDE_MAX    64 // rows that wait for answers

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
    // asking
    mst_loop_t *loop;
    mst_http_t *http;
    mst_calls_t *calls;
    struct aside *aside;
    size_t aside_count;
} rescoring_t;

typedef struct aside { // a row whose scorers wait
    struct aside *prev, *next;
    rescoring_t *r;
    mst_arena_t *arena; // holds the row
    mst_result_t res;
    mst_origin_t origin;
    mst_called_t *called;
} aside_t;

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

// called: what the scorers asked and were answered so far; NULL: none of them asks.
static mst_rc
score(rescoring_t *r, mst_result_t *res, mst_called_t *called)
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
    mst_score_in_t in = {.c = &c,
                         .done = &res->done,
                         .output = res->done.text,
                         .arena = r->arena,
                         .models = r->models,
                         .calls = called != NULL ? mst_called_list(called) : NULL};
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
keep(mst_arena_t *arena, mst_str_t *s)
{
    bool ok = true;
    *s = mst_arena_dup(arena, *s, &ok);
    return ok;
}

// All that the row points to, into memory of its own: every text of a result, its completion and its origin.
static bool
keep_row(aside_t *a)
{
    mst_result_t *r = &a->res;
    mst_completion_t *d = &r->done;
    mst_origin_t *o = &a->origin;
    mst_str_t *const parts[] = {
        &r->case_id,        &r->input,         &r->expected,       &r->case_extra,
        &r->slices,         &r->events,        &r->steps,          &r->raw_request,
        &r->raw_response,   &d->text,          &d->reasoning,      &d->refusal,
        &d->tool_calls,     &d->finish_reason, &d->model,          &d->system_fingerprint,
        &d->request_id,     &d->server,        &o->host,           &o->device,
        &o->driver,         &o->engine,        &o->engine_version, &o->model,
        &o->model_revision, &o->endpoint,      &d->choices,        &d->extra,
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && ok; i++)
        ok = keep(a->arena, parts[i]);
    return ok;
}

static void
aside_free(aside_t *a)
{
    *(a->prev != NULL ? &a->prev->next : &a->r->aside) = a->next;
    if (a->next != NULL)
        a->next->prev = a->prev;
    a->r->aside_count--;
    mst_called_free(&a->called);
    mst_arena_free(&a->arena);
    free(a);
}

static mst_rc
add(rescoring_t *r, const mst_result_t *res, const mst_origin_t *origin)
{
    mst_added_t added;
    return mst_store_result_add(r->to, r->rec->run_no, res, origin, &added, r->err);
}

static void
on_called(void *ud)
{
    aside_t *a = ud;
    rescoring_t *r = a->r;
    mst_arena_reset(r->arena);
    mst_result_t res = a->res;
    if (r->rc == MST_OK)
        r->rc = score(r, &res, a->called);
    if (r->rc == MST_OK && mst_called_wants(a->called)) {
        mst_calls_ask(r->calls, a->called, on_called, a);
        return;
    }
    if (r->rc == MST_OK)
        r->rc = add(r, &res, &a->origin);
    aside_free(a);
    mst_loop_stop(r->loop);
}

static mst_rc
lay_aside(rescoring_t *r, const mst_result_t *res, const mst_origin_t *origin, mst_called_t *called)
{
    aside_t *a = MST_NEW(aside_t);
    a->r = r;
    a->res = *res;
    if (origin != NULL)
        a->origin = *origin;
    a->called = called;
    a->arena = mst_arena_new(4 * MST_RESULT_BYTES_MAX);
    a->next = r->aside;
    if (a->next != NULL)
        a->next->prev = a;
    r->aside = a;
    r->aside_count++;
    if (!keep_row(a)) {
        aside_free(a);
        return MST_ERR(r->err, MST_LIMIT, "a row does not fit into memory");
    }
    mst_calls_ask(r->calls, called, on_called, a);
    return MST_OK;
}

static void
on_look(void *ud)
{
    rescoring_t *r = ud;
    mst_loop_stop(r->loop); // to look for signals
}

// Lets answers come until at most so many rows lie aside.
static mst_rc
wait_for(rescoring_t *r, size_t most)
{
    mst_timer_t look = {.fn = on_look, .ud = r};
    while (r->rc == MST_OK && r->aside_count > most) {
        if (interrupted())
            return MST_ERR(r->err, MST_CANCELED, "interrupted after %llu results", (unsigned long long)r->rows);
        mst_loop_timer(r->loop, &look, mst_mono_ns() + 100 * MST_NS_PER_MS);
        mst_loop_run(r->loop);
        mst_loop_timer_stop(r->loop, &look);
    }
    return r->rc;
}

static mst_rc
one_row(rescoring_t *r, mst_result_t *res, const mst_origin_t *origin)
{
    bool answered = mst_outcome_measured(res->outcome) || res->outcome == MST_OUT_SCORER_ERROR;
    if (!answered)
        return add(r, res, origin);
    const mst_result_t stored = *res;
    mst_called_t *called = r->calls != NULL ? mst_called_new(mst_scorer_set_callers(r->set)) : NULL;
    mst_rc rc = score(r, res, called);
    if (rc == MST_OK && called != NULL && mst_called_wants(called)) {
        rc = lay_aside(r, &stored, origin, called);
        return rc == MST_OK ? wait_for(r, ASIDE_MAX) : rc;
    }
    mst_called_free(&called);
    return rc == MST_OK ? add(r, res, origin) : rc;
}

static bool
on_result(void *ud, const mst_result_t *stored, const mst_origin_t *origin)
{
    rescoring_t *r = ud;
    mst_result_t res = *stored;
    mst_arena_reset(r->arena);
    res.generation = r->rec->generation;
    res.scores = NULL;
    res.score_count = 0;
    r->rc = turn(r);
    if (r->rc == MST_OK)
        r->rc = one_row(r, &res, origin);
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
    if (rc == MST_OK)
        rc = wait_for(r, 0);
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

// The scorers' own endpoints, when there are any.
static mst_rc
open_calls(rescoring_t *r, const mst_run_cfg_t *cfg, mst_err_t *err)
{
    const mst_scorer_cfg_t *callers[MST_CALLERS_MAX];
    size_t n = mst_scorer_set_callers(r->set);
    if (n == 0)
        return MST_OK;
    for (size_t i = 0; i < n; i++)
        callers[i] = mst_scorer_set_caller(r->set, i);
    mst_config_env_t env = mst_cli_env(true);
    const mst_http_opts_t http = {.connections_max = 1024, .user_agent = "muster/" MUSTER_VERSION};
    mst_rc rc = mst_loop_new(&r->loop, err);
    if (rc == MST_OK)
        rc = mst_http_new(r->loop, &http, &r->http, err);
    const mst_calls_opts_t o = {.loop = r->loop,
                                .http = r->http,
                                .env = &env,
                                .concurrency = (uint32_t)cfg->concurrency,
                                .seed = (uint64_t)r->rec->run_no};
    return rc == MST_OK ? mst_calls_new(&o, callers, n, &r->calls, err) : rc;
}

static void
close_calls(rescoring_t *r)
{
    if (r->loop == NULL)
        return;
    mst_http_free(&r->http); // its calls end without a word
    while (r->aside != NULL)
        aside_free(r->aside);
    mst_calls_free(&r->calls);
    mst_loop_free(&r->loop);
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
    rc = open_calls(&r, cfg, err);
    if (rc == MST_OK)
        rc = copy_all(&r, from, from_run_no);
    close_calls(&r);
    mst_buf_deinit(&r.repaired);
    mst_json_parser_free(&r.json);
    mst_arena_free(&r.arena);
    free(r.scores);
    mst_scorer_set_free(&r.set);
    mst_local_models_free(&models);
    return rc;
}
