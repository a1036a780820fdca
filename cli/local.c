// Starting order: who serves before who dials. Stopping order: who produces before who keeps.
#include "cli/local.h"

#include "cli/env.h"
#include "common/base/limits.h"
#include "common/base/prng.h"
#include "worker/plugin/edge.h"

#include <stdio.h>

#define CONTROL "inproc://muster-control"
#define RESULTS "inproc://muster-results"
#define FEED    "inproc://muster-feed"

// Keys that are done, from a reading connection of its own: the writing one belongs to the aggregator.
static mst_rc
done_keys(void *ud, int64_t run_no, mst_store_key_fn *fn, void *fn_ud, mst_err_t *err)
{
    const mst_local_opts_t *o = ud;
    mst_store_t *reader = NULL;
    mst_rc rc = mst_store_open(o->db, MST_STORE_READ, &reader, err);
    if (rc == MST_OK)
        rc = mst_store_keys(reader, run_no, fn, fn_ud, err);
    mst_store_close(&reader);
    return rc;
}

// Does the provider's own address end where OpenAI's routes begin?
static bool
has_v1(const mst_kind_t *provider)
{
    for (const mst_param_t *p = provider->params; p != NULL && p->name != NULL; p++)
        if (strcmp(p->name, "base_url") == 0)
            return p->dflt != NULL && mst_str_ends(mst_str_c(p->dflt), MST_STR("/v1"));
    return false;
}

// The provider's own dialect; all of them for a provider that has none, and for OpenAI's clones.
static void
choose_dialect(const mst_kind_t *provider, mst_sim_opts_t *so)
{
    mst_err_t none;
    if (strcmp(provider->name, "openai") == 0 || mst_sim_opts_set(so, "dialect", provider->name, &none) != MST_OK)
        so->dialect = MST_SIM_ANY;
}

static mst_rc
start_sim(mst_local_t *l, size_t target_no, const mst_json_t *options, mst_arena_t *arena, mst_err_t *err)
{
    const mst_kind_t *provider = l->opts->cfg->targets[target_no].provider.kind;
    mst_sim_opts_t so;
    mst_sim_defaults(&so);
    choose_dialect(provider, &so);
    mst_rc rc = mst_sim_opts_json(&so, options, arena, err);
    if (rc == MST_OK)
        rc = mst_sim_start(&so, &l->sims[target_no], err);
    if (rc != MST_OK)
        return rc;
    snprintf(l->urls[target_no], sizeof l->urls[0], "http://127.0.0.1:%u%s", mst_sim_port(l->sims[target_no]),
             has_v1(provider) ? "/v1" : "");
    l->backends[target_no] = l->urls[target_no];
    return MST_OK;
}

static mst_rc
start_sims(mst_local_t *l, mst_arena_t *arena, mst_err_t *err)
{
    const mst_run_cfg_t *cfg = l->opts->cfg;
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < cfg->target_count && rc == MST_OK; i++) {
        const mst_json_t *options = mst_run_cfg_simulate(cfg, &cfg->targets[i]);
        if (options != NULL)
            rc = start_sim(l, i, options, arena, err);
    }
    return rc;
}

mst_rc
mst_local_start(mst_local_t *l, mst_local_opts_t *o, mst_arena_t *arena, mst_err_t *err)
{
    *l = (mst_local_t){.opts = o, .env = mst_cli_env(true)};
    mst_coordinator_opts_t co = {
        .control_endpoint = CONTROL,
        .feed_endpoint = FEED,
        .client_endpoint = MST_LOCAL_CLIENT,
        .env = &l->env,
        .dataset = o->dataset,
        .done_keys = o->resumed ? done_keys : NULL,
        .ud = o,
        .seed = mst_entropy_u64(),
    };
    mst_aggregator_opts_t ao = {
        .results_endpoint = RESULTS, .feed_endpoint = FEED, .store = o->store, .memory_max = MST_RESULT_BYTES_MAX};
    mst_rc rc = start_sims(l, arena, err);
    mst_worker_opts_t wo = {
        .control_endpoint = CONTROL,
        .results_endpoint = RESULTS,
        .env = &l->env,
        .outside = mst_plugin_edge(),
        .backends = l->backends,
        .backend_count = o->cfg->target_count,
        .seed = mst_entropy_u64(),
    };
    if (rc == MST_OK)
        rc = mst_coordinator_start(&co, &l->coordinator, err);
    if (rc == MST_OK)
        rc = mst_aggregator_start(&ao, &l->aggregator, err);
    if (rc == MST_OK)
        rc = mst_worker_start(&wo, &l->worker, err);
    if (rc != MST_OK)
        mst_local_stop(l);
    return rc;
}

void
mst_local_stop(mst_local_t *l)
{
    mst_worker_stop(&l->worker);
    mst_aggregator_stop(&l->aggregator);
    mst_coordinator_stop(&l->coordinator);
    for (size_t i = 0; i < MST_TARGETS_MAX; i++)
        mst_sim_stop(&l->sims[i]);
}
