// A spec names what to do and never holds a secret; it is text from outside and is checked as such. The worker's
// own options (the backend that it stands beside, its number of places) win over the run's.
#include "worker/run.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "scorers/scorer.h"
#include "worker/cache/cache.h"
#include "worker/caching.h"
#include "worker/core/plan.h"
#include "worker/launch.h"
#include "worker/model/local_models.h"
#include "worker/provider/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_ARENA_MAX (64 * MST_MIB)

static bool
has_param(const mst_params_t *p, const char *name)
{
    for (const mst_param_t *t = p->table; t && t->name; t++)
        if (strcmp(t->name, name) == 0)
            return true;
    return false;
}

static int64_t
int_or(const mst_params_t *p, const char *name, int64_t dflt)
{
    return has_param(p, name) ? mst_params_int(p, name, dflt) : dflt;
}

// A parameter in seconds as milliseconds.
static int64_t
seconds_ms(const mst_params_t *p, const char *name, double dflt_s)
{
    double s = has_param(p, name) ? mst_params_num(p, name, dflt_s) : dflt_s;
    return (int64_t)(s * 1000.0);
}

static mst_rc
too_large(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "run spec does not fit into %lu bytes", RUN_ARENA_MAX);
}

static size_t
row_of(const mst_params_t *p, const char *name)
{
    for (size_t i = 0; p->table[i].name; i++)
        if (strcmp(p->table[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static mst_rc
set_text(mst_arena_t *arena, mst_params_t *p, size_t place, const char *text, mst_err_t *err)
{
    size_t rows = 0;
    while (p->table[rows].name)
        rows++;
    mst_param_value_t *values = MST_ARENA_ARRAY(arena, mst_param_value_t, rows);
    bool ok = values != NULL;
    mst_str_t copy = ok ? mst_arena_dup(arena, mst_str_c(text), &ok) : MST_STR_NULL;
    if (!ok)
        return too_large(err);
    memcpy(values, p->values, rows * sizeof *values);
    values[place] = (mst_param_value_t){.set = true, .given = true, .u.s = copy};
    p->values = values;
    return MST_OK;
}

static mst_rc
set_base_url(mst_arena_t *arena, mst_provider_cfg_t *ask, const char *url, mst_err_t *err)
{
    size_t place = row_of(&ask->params, "base_url");
    if (place == SIZE_MAX)
        return MST_ERR(err, MST_INVAL, "provider %s has no base_url that --backend could set", ask->kind->name);
    return set_text(arena, &ask->params, place, url, err);
}

// A service whose key no setting names is asked with the key of its own variable, so that a missing one is told by
// name and not by the service's refusal.
static mst_rc
set_known_key(mst_arena_t *arena, mst_provider_cfg_t *ask, mst_err_t *err)
{
    mst_params_t *p = &ask->params;
    size_t key = row_of(p, "api_key"), url = row_of(p, "base_url");
    if (key == SIZE_MAX || url == SIZE_MAX || p->values[key].set)
        return MST_OK;
    const mst_service_t *s = mst_service_at(ask->kind, p->values[url].u.s);
    if (!s)
        return MST_OK;
    char ref[128];
    (void)snprintf(ref, sizeof ref, "env:%s", s->key_env);
    return set_text(arena, p, key, ref, err);
}

// A server of its own runs on a port that is chosen here. It is a program from the run's spec, so it is started only
// where scorers in programs are.
static mst_rc
set_launch(mst_run_t *run, const mst_run_own_t *own, mst_run_target_t *t, mst_err_t *err)
{
    mst_params_t *p = &t->ask.params;
    size_t url = row_of(p, "base_url");
    t->launched = true;
    if (!own->outside)
        return MST_ERR(err, MST_DENIED, "this worker does not start servers (provider.launch)");
    if (t->provider->replays || url == SIZE_MAX)
        return MST_ERR(err, MST_INVAL, "provider %s has no server to launch", t->ask.kind->name);
    mst_rc rc = mst_launch_free_port(&t->port, err);
    if (rc != MST_OK || mst_str_find(p->values[url].u.s, MST_STR(MST_LAUNCH_PORT), 0) < 0)
        return rc;
    mst_str_t text = mst_launch_with_port(p->values[url].u.s, t->port, run->arena);
    return text.p ? set_text(run->arena, p, url, text.p, err) : too_large(err);
}

static const char *
backend_of(const mst_run_own_t *own, size_t target_no)
{
    if (own->backend_count == 1)
        return own->backends[0];
    return target_no < own->backend_count ? own->backends[target_no] : NULL;
}

// The most requests that are under way at a time: the largest level of a closed load, any number of an open one.
static int64_t
places_wanted(const mst_run_cfg_t *cfg, const mst_target_cfg_t *target)
{
    double most = 0;
    if (mst_load_open(&cfg->load))
        return MST_CONCURRENCY_MAX;
    for (size_t i = 0; i < cfg->load.level_count; i++)
        most = cfg->load.levels[i] > most ? cfg->load.levels[i] : most;
    return most > 0 ? (int64_t)most : mst_run_cfg_concurrency(cfg, target);
}

static uint32_t
places_of(const mst_run_t *run, const mst_target_cfg_t *target, const mst_run_own_t *own)
{
    int64_t places = places_wanted(&run->cfg, target);
    if (own->concurrency != 0 && (places <= 0 || (int64_t)own->concurrency < places))
        places = own->concurrency;
    if (places < 1 || places > MST_CONCURRENCY_MAX)
        places = places < 1 ? 1 : MST_CONCURRENCY_MAX;
    return (uint32_t)places;
}

static mst_throttle_opts_t
throttle_of(const mst_params_t *p, uint32_t places)
{
    if (!p->table)
        return (mst_throttle_opts_t){.places = places};
    return (mst_throttle_opts_t){
        .places = places,
        .adaptive = mst_params_bool(p, "adaptive_concurrency"),
        .start = (uint32_t)mst_params_int(p, "adaptive_start", 20),
        .least = (uint32_t)mst_params_int(p, "adaptive_min", 1),
        .growth = mst_params_num(p, "adaptive_growth", 1.05),
        .cut = mst_params_num(p, "adaptive_cut", 0.8),
        .cooldown_ns = (int64_t)(mst_params_num(p, "adaptive_cooldown", 15) * (double)MST_NS_PER_S),
        .requests_per_minute = mst_params_num(p, "requests_per_minute", 0),
        .tokens_per_minute = mst_params_num(p, "tokens_per_minute", 0),
    };
}

static mst_rc
set_target(mst_run_t *run, size_t target_no, const mst_run_own_t *own, mst_run_target_t *out, mst_err_t *err)
{
    const mst_target_cfg_t *cfg = mst_run_cfg_target(&run->cfg, target_no);
    *out = (mst_run_target_t){.cfg = cfg, .ask = cfg->provider, .retry = mst_retry_policy_default()};
    out->concurrency = places_of(run, cfg, own);
    out->provider = mst_provider_find(mst_str_c(cfg->provider.kind->name));
    if (!out->provider)
        return MST_ERR(err, MST_INVAL, "unknown provider \"%s\"", cfg->provider.kind->name);
    mst_rc possible = mst_plan_possible(&run->cfg.request, cfg->provider.kind->name, out->provider->asks, err);
    if (possible != MST_OK)
        return possible;
    const char *backend = backend_of(own, target_no);
    if (backend) {
        mst_rc rc = set_base_url(run->arena, &out->ask, backend, err);
        if (rc != MST_OK)
            return rc;
    }
    mst_rc rc = set_known_key(run->arena, &out->ask, err);
    if (rc == MST_OK && cfg->provider.launch.table && !backend)
        rc = set_launch(run, own, out, err);
    if (rc != MST_OK)
        return rc;
    const mst_params_t *p = &out->ask.params;
    if (out->provider->replays) {
        mst_str_t path = mst_arena_dup(run->arena, mst_params_str(p, "exchanges"), NULL);
        rc = mst_replay_open(path.n > 0 ? path.p : "", &out->replay, err);
        if (rc != MST_OK)
            return rc;
    }
    out->connect_ms = seconds_ms(p, "connect_timeout", 5);
    out->first_token_ms = seconds_ms(p, "first_token_timeout", 120);
    out->idle_ms = seconds_ms(p, "idle_timeout", 60);
    out->total_ms = seconds_ms(p, "timeout", 600);
    out->retry.tries_max = (uint32_t)int_or(p, "max_retries", 3) + 1;
    out->retry.base_ns = int_or(p, "retry_base_ms", 500) * MST_NS_PER_MS;
    out->price = mst_run_cfg_price(&run->cfg, &cfg->provider);
    out->answer_tokens = int_or(p, "max_tokens", 0) * int_or(p, "n", 1);
    out->throttle = throttle_of(&out->ask.common, out->concurrency);
    out->retry_share = out->ask.common.table ? mst_params_num(&out->ask.common, "retry_budget", 1.0) : 1.0;
    return MST_OK;
}

static mst_rc
set_targets(mst_run_t *run, const mst_run_own_t *own, mst_err_t *err)
{
    size_t count = run->cfg.target_count;
    mst_run_target_t *targets = MST_ARENA_ARRAY(run->arena, mst_run_target_t, count);
    if (!targets)
        return too_large(err);
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < count && rc == MST_OK; i++)
        rc = set_target(run, i, own, &targets[i], err);
    run->targets = targets; // those after a failure are zero
    run->target_count = count;
    return rc;
}

static mst_rc
load(mst_run_t *run, mst_str_t spec, const mst_config_env_t *env, mst_err_t *err)
{
    mst_digest_t got = mst_sha256(spec);
    if (memcmp(got.b, run->digest.b, sizeof got.b) != 0)
        return MST_ERR(err, MST_PROTO, "run spec does not have the digest that the grant names");
    mst_config_env_t plain = *env;
    plain.getenv_fn = NULL; // a spec is expanded already
    bool ok = true;
    mst_str_t text = mst_arena_dup(run->arena, spec, &ok);
    if (!ok)
        return MST_ERR(err, MST_LIMIT, "run spec of %zu bytes is too large", spec.n);
    return mst_run_cfg_load(text, "run spec", &plain, run->arena, &run->cfg, err);
}

// Code of others is run only where the worker was told to.
static mst_rc
refuse(void *ud, const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)ud;
    *out_state = NULL;
    return MST_ERR(err, MST_DENIED, "this worker does not run scorers of type %s", cfg->kind->name);
}

static mst_rc
not_scored(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    (void)state;
    (void)in;
    (void)out;
    return MST_ERR(err, MST_DENIED, "this worker does not run such scorers");
}

static void
nothing(void *state)
{
    (void)state;
}

static const mst_scorer_outside_t closed = {.open = refuse, .score = not_scored, .close = nothing};

static mst_rc
set_callers(mst_run_t *run, const mst_scorer_set_t *set, mst_err_t *err)
{
    size_t n = mst_scorer_set_callers(set);
    const mst_scorer_cfg_t **list = MST_ARENA_ARRAY(run->arena, const mst_scorer_cfg_t *, n);
    if (!list)
        return too_large(err);
    for (size_t i = 0; i < n; i++)
        list[i] = mst_scorer_set_caller(set, i);
    run->callers = list;
    run->caller_count = n;
    return MST_OK;
}

mst_rc
mst_run_new(mst_str_t spec, const mst_digest_t *digest, const mst_config_env_t *env, const mst_run_own_t *own,
            mst_run_t **out, mst_err_t *err)
{
    mst_run_t *run = MST_NEW(mst_run_t);
    mst_scorer_set_t *set = NULL;
    atomic_init(&run->refs, 1);
    run->digest = *digest;
    run->arena = mst_arena_new(RUN_ARENA_MAX);
    *out = NULL;
    mst_rc rc = load(run, spec, env, err);
    if (rc != MST_OK)
        goto out;
    rc = set_targets(run, own, err);
    if (rc != MST_OK)
        goto out;
    rc = mst_scorer_set_new_with(&run->cfg, own->outside != NULL ? own->outside : &closed, &set, err);
    if (rc == MST_OK)
        rc = mst_local_models_check(&run->cfg, env, err);
    if (rc == MST_OK)
        rc = set_callers(run, set, err);
    if (rc == MST_OK)
        run->cache = mst_caching_open(&run->cfg, env);
out:
    mst_scorer_set_free(&set);
    if (rc != MST_OK)
        mst_run_unref(&run);
    else
        *out = run;
    return rc;
}

mst_run_t *
mst_run_ref(mst_run_t *run)
{
    atomic_fetch_add_explicit(&run->refs, 1, memory_order_relaxed);
    return run;
}

void
mst_run_unref(mst_run_t **run)
{
    if (!run || !*run)
        return;
    mst_run_t *r = *run;
    *run = NULL;
    if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < r->target_count; i++) {
        mst_replay_t *replay = r->targets[i].replay;
        mst_replay_free(&replay);
    }
    mst_cache_free(&r->cache);
    mst_arena_free(&r->arena);
    free(r);
}
