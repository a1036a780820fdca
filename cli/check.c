#include "cli/check.h"

#include "scorers/scorer.h"
#include "sim/sim.h"
#include "worker/plugin/edge.h"
#include "worker/calls.h"
#include "worker/core/plan.h"
#include "worker/provider/provider.h"
#include "worker/reach.h"

// The options of a simulated backend are known to sim alone, so their errors have no place in the file.
static mst_rc
check_simulate(const mst_json_t *options, mst_arena_t *arena, mst_err_t *err)
{
    mst_sim_opts_t sim;
    if (options == NULL)
        return MST_OK;
    mst_sim_defaults(&sim);
    mst_rc rc = mst_sim_opts_json(&sim, options, arena, err);
    if (rc == MST_OK)
        rc = mst_sim_opts_check(&sim, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "simulate");
    return rc;
}

// One request is written and thrown away: what is wrong with all of them is told once, and before the first.
static mst_rc
check_provider(const mst_run_cfg_t *cfg, const mst_provider_cfg_t *provider, mst_arena_t *arena, mst_err_t *err)
{
    const mst_provider_t *p = mst_provider_find(mst_str_c(provider->kind->name));
    const mst_case_t sample = {.id = MST_STR("sample"), .input = MST_STR("sample")};
    const mst_ask_t ask = {.c = &sample, .system_prompt = cfg->system_prompt};
    mst_request_t request;
    if (p == NULL)
        return MST_ERR(err, MST_INVAL, "unknown provider \"%s\"", provider->kind->name);
    mst_rc possible = mst_plan_possible(&cfg->request, p->kind.name, p->asks, err);
    if (possible != MST_OK)
        return possible;
    mst_rc rc = p->build_request(provider, &ask, arena, &request, err);
    if (rc == MST_NOTFOUND) // something that only cases of the data set have
        return MST_OK;
    if (rc != MST_OK)
        mst_err_prefix(err, "provider");
    return rc == MST_OK ? mst_reach_check(provider, err) : rc;
}

static mst_rc
check_target(const mst_run_cfg_t *cfg, const mst_target_cfg_t *target, mst_arena_t *arena, mst_err_t *err)
{
    mst_rc rc = check_simulate(target->simulate, arena, err);
    if (rc == MST_OK)
        rc = check_provider(cfg, &target->provider, arena, err);
    if (rc != MST_OK && cfg->target_count > 1)
        mst_err_prefix(err, "target \"%.*s\"", MST_FMT(target->label));
    return rc;
}

mst_rc
mst_cli_check_parts(const mst_run_cfg_t *cfg, mst_arena_t *arena, mst_err_t *err)
{
    mst_scorer_set_t *set = NULL;
    mst_rc rc = mst_run_cfg_check(cfg, err);
    if (rc == MST_OK)
        rc = mst_scorer_set_new_with(cfg, mst_plugin_edge_checking(), &set, err);
    for (size_t i = 0; rc == MST_OK && i < mst_scorer_set_callers(set); i++)
        rc = mst_calls_check(mst_scorer_set_caller(set, i), arena, err);
    mst_scorer_set_free(&set);
    if (rc == MST_OK)
        rc = check_simulate(cfg->simulate, arena, err);
    for (size_t i = 0; i < cfg->target_count && rc == MST_OK; i++)
        rc = check_target(cfg, &cfg->targets[i], arena, err);
    return rc;
}
