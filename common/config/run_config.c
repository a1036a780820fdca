// The top level of a configuration.
#include "common/config/run_config.h"

#include "common/base/limits.h"
#include "common/config/context.h"
#include "common/config/scalar.h"

const mst_param_t mst_run_cfg_table[] = {
    {.name = "name", .type = MST_P_STR, .required = true, .help = "name of the evaluation"},
    {.name = "description", .type = MST_P_STR, .help = "what it is for"},
    {.name = "data_source", .type = MST_P_JSON, .required = true, .help = "where the cases come from"},
    {.name = "scorers", .type = MST_P_JSON, .required = true, .help = "list of scorers, tiers mixed; all must pass"},
    {.name = "provider", .type = MST_P_JSON, .help = "whom to ask; without it recorded answers are scored"},
    {.name = "targets", .type = MST_P_JSON, .help = "list of backends to ask, in place of `provider`"},
    {.name = "models", .type = MST_P_JSON,
     .help = "backends by a name of one's own: name: {provider_type: ..., model: ..., and their settings}; "
             "`model: NAME` without provider_type means one of them"},
    {.name = "models_file", .type = MST_P_STR,
     .help = "a YAML file of further models, relative to the working directory"},
    {.name = "placement", .type = MST_P_ENUM, .dflt = "replicate", .choices = "replicate|share",
     .help = "replicate: each case once on each target; share: the targets are equal, each case on one that has room"},
    {.name = "request", .type = MST_P_JSON,
     .help = "what is asked about each case: generate (default), conversation, loglikelihood, multiple_choice or "
             "perplexity; or a map with settings"},
    {.name = "probe", .type = MST_P_ENUM, .dflt = "light", .choices = "off|light|full",
     .help = "what a worker finds out about the backend before the run: off: nothing; light: what it says of itself, "
             "and with one small request what the run cannot do without; full: that request always"},
    {.name = "cache", .type = MST_P_ENUM, .dflt = "off", .choices = "off|read|write|on",
     .help = "answers that were given before (docs/cache.md): off: every case is asked; read: what is known is not "
             "asked again; write: all is asked and kept; on: both"},
    {.name = "cache_path", .type = MST_P_STR,
     .help = "its file, on the worker's machine; without it muster/muster-cache.db in $XDG_CACHE_HOME or ~/.cache"},
    {.name = "cache_max_mb", .type = MST_P_INT, .dflt = "1024", .min = 1, .max = 1048576,
     .help = "size of the file in MiB; the oldest answers go first"},
    {.name = "concurrency", .type = MST_P_INT, .dflt = "5", .min = 1, .max = MST_CONCURRENCY_MAX,
     .help = "requests in flight to each target"},
    {.name = "repeats", .type = MST_P_INT, .dflt = "1", .min = 1, .max = MST_REPEATS_MAX,
     .help = "how often each case is asked"},
    {.name = "reduce", .type = MST_P_STRLIST,
     .help = "how the repeats of a case become one number: mean, median, max, majority, pass@K, pass^K, at_least@K; "
             "the first decides whether a case passes, the others are shown"},
    {.name = "fail_fast", .type = MST_P_BOOL, .dflt = "false", .help = "stop at the first failed case"},
    {.name = "strict", .type = MST_P_BOOL, .dflt = "false", .help = "refuse the dataset at its first bad row"},
    {.name = "keep_raw", .type = MST_P_BOOL, .dflt = "false", .help = "store raw requests and responses"},
    {.name = "min_coverage", .type = MST_P_NUM, .dflt = "0.99", .min = 0, .max = 1,
     .help = "share of cases that must be measured; below it the run is inconclusive"},
    {.name = "system_prompt", .type = MST_P_STR, .help = "system message in front of every prompt"},
    {.name = "wandb_project",
     .type = MST_P_STR,
     .help = "Weights & Biases project; kept with the run, nothing is sent in this version"},
    {.name = "wandb_tags", .type = MST_P_STRLIST, .help = "tags beside it"},
    {.name = "prices", .type = MST_P_JSON, .help = "map from models to what a million tokens cost; `*`: every other"},
    {.name = "budget", .type = MST_P_JSON, .help = "what the run may spend; it stops before it would be more"},
    {.name = "numerical_guard", .type = MST_P_JSON, .help = "checks of log-probabilities for every case"},
    {.name = "slo", .type = MST_P_JSON, .help = "service levels that a request must keep to count as good"},
    {.name = "load", .type = MST_P_JSON,
     .help = "how requests are let go: open or closed, rate, phases, sweep; without it `concurrency` places, every "
             "case once"},
    {.name = "simulate", .type = MST_P_JSON,
     .help = "options of simulated backends started for the run, one for each target"},
    {.name = NULL},
};

enum {
    ROW_NAME, ROW_DESCRIPTION, ROW_SOURCE, ROW_SCORERS, ROW_PROVIDER, ROW_TARGETS, ROW_MODELS, ROW_MODELS_FILE,
    ROW_PLACEMENT, ROW_REQUEST, ROW_PROBE, ROW_CACHE, ROW_CACHE_PATH, ROW_CACHE_MAX,
    ROW_CONCURRENCY, ROW_REPEATS, ROW_REDUCE, ROW_FAIL_FAST, ROW_STRICT,
    ROW_KEEP_RAW, ROW_MIN_COVERAGE, ROW_SYSTEM_PROMPT, ROW_WANDB_PROJECT, ROW_WANDB_TAGS, ROW_PRICES,
    ROW_BUDGET, ROW_GUARD, ROW_SLO, ROW_LOAD,
    ROW_SIMULATE,
};

const mst_param_t mst_guard_cfg_table[] = {
    {.name = "enabled", .type = MST_P_BOOL, .dflt = "true", .help = "check log-probabilities"},
    {.name = "sigma_threshold", .type = MST_P_NUM, .dflt = "3.0", .min = 0, .max = 1000,
     .help = "standard deviations from the baseline that count as an outlier"},
    {.name = "enable_nan_check", .type = MST_P_BOOL, .dflt = "true", .help = "look for NaN"},
    {.name = "enable_inf_check", .type = MST_P_BOOL, .dflt = "true", .help = "look for infinities"},
    {.name = "window_size", .type = MST_P_INT, .min = 1, .max = 1000000,
     .help = "finite values below which drift is not judged; the scorer's own when not given"},
    {.name = NULL},
};

const char *const mst_cfg_probe_names[3] = {"off", "light", "full"};
const char *const mst_cfg_cache_names[4] = {"off", "read", "write", "on"};

static mst_rc
read_guard(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_run_cfg_t *out)
{
    if (n == NULL)
        return MST_OK;
    c->section = "numerical_guard";
    mst_params_t p;
    mst_rc rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = mst_guard_cfg_table}, n, &p, NULL);
    c->section = NULL;
    if (rc != MST_OK)
        return rc;
    bool ok = true;
    mst_json_t *guard = MST_ARENA_NEW(c->arena, mst_json_t);
    mst_json_member_t *m = MST_ARENA_ARRAY(c->arena, mst_json_member_t, mst_cfg_rows(mst_guard_cfg_table));
    if (guard == NULL || m == NULL)
        return mst_cfg_nomem(c);
    guard->type = MST_JSON_OBJ;
    guard->count = (uint32_t)mst_cfg_members(&p, m, c->arena, &ok);
    guard->u.members = m;
    out->numerical_guard = guard;
    return ok ? mst_cfg_apply_guard(c, &p, n, out) : mst_cfg_nomem(c);
}

static mst_rc
read_tags(mst_cfg_ctx_t *c, const mst_param_value_t *v, const mst_json_t **out)
{
    if (!v->set)
        return MST_OK;
    mst_json_t *list = MST_ARENA_NEW(c->arena, mst_json_t);
    mst_json_t *items = MST_ARENA_ARRAY(c->arena, mst_json_t, v->u.list.count);
    if (list == NULL || items == NULL)
        return mst_cfg_nomem(c);
    for (size_t i = 0; i < v->u.list.count; i++)
        items[i] = (mst_json_t){.type = MST_JSON_STR, .u.s = v->u.list.items[i]};
    *list = (mst_json_t){.type = MST_JSON_ARR, .count = (uint32_t)v->u.list.count, .u.items = items};
    *out = list;
    return MST_OK;
}

// Names are printed, and kept for years: one line, nothing that moves a cursor.
static mst_rc
check_name(mst_cfg_ctx_t *c, const mst_ynode_t *root, mst_str_t name)
{
    bool control = false;
    for (size_t i = 0; i < name.n; i++)
        control = control || (unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f;
    if (name.n > 0 && name.n <= 200 && !control)
        return MST_OK;
    return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(root, &mst_run_cfg_table[ROW_NAME]),
                        "\"name\" must be a line of 1 to 200 bytes without control characters");
}

static const mst_ynode_t *
section(const mst_ynode_t *root, size_t row)
{
    return mst_cfg_find(root, &mst_run_cfg_table[row]);
}

// A load needs somebody to bear it, and goes through the dataset as its plan says.
static mst_rc
check_load(mst_cfg_ctx_t *c, const mst_ynode_t *n, const mst_run_cfg_t *out)
{
    if (n == NULL)
        return MST_OK;
    const mst_load_t *l = &out->load;
    if (out->target_count == 0)
        return mst_cfg_fail(c, MST_INVAL, n, "\"load\" needs a provider: recorded answers are not asked for");
    if (out->target_count > 1 && !mst_load_open(l) && (l->main_requests + l->warmup_requests + l->drain_requests) > 0)
        return mst_cfg_fail(c, MST_INVAL, n,
                            "model closed with a count of requests needs one target: several would end at different "
                            "times; give duration and warmup in seconds");
    if (mst_load_bounded(&out->load) && out->load.repeat_dataset && out->repeats > 1)
        return mst_cfg_fail(c, MST_INVAL, n,
                            "\"load\" goes through the dataset as often as it needs; leave out \"repeats\", or set "
                            "repeat_dataset to false");
    for (size_t i = 0; i < out->target_count; i++) {
        const mst_params_t *p = &out->targets[i].provider.common;
        if (p->table &&
            (mst_params_bool(p, "adaptive_concurrency") || mst_params_num(p, "requests_per_minute", 0) > 0 ||
             mst_params_num(p, "tokens_per_minute", 0) > 0))
            return mst_cfg_fail(c, MST_INVAL, n,
                                "\"load\" alone says when requests leave; leave out adaptive_concurrency, "
                                "requests_per_minute and tokens_per_minute");
    }
    return MST_OK;
}

// A backend is simulated or started, not both.
static mst_rc
check_servers(mst_cfg_ctx_t *c, const mst_ynode_t *root, const mst_run_cfg_t *cfg)
{
    for (size_t i = 0; i < cfg->target_count; i++)
        if (cfg->targets[i].provider.launch.table != NULL && mst_run_cfg_simulate(cfg, &cfg->targets[i]) != NULL)
            return mst_cfg_fail(c, MST_INVAL, root,
                                "target \"%.*s\" has both \"launch\" and \"simulate\"; give one of them",
                                MST_FMT(cfg->targets[i].label));
    return MST_OK;
}

static mst_rc
read_sections(mst_cfg_ctx_t *c, const mst_ynode_t *root, mst_run_cfg_t *out)
{
    const size_t needed[] = {ROW_SOURCE, ROW_SCORERS};
    for (size_t i = 0; i < 2; i++)
        if (section(root, needed[i]) == NULL)
            return mst_cfg_fail(c, MST_INVAL, root, "\"%s\" is missing", mst_run_cfg_table[needed[i]].name);
    mst_rc rc = mst_cfg_models(c, section(root, ROW_MODELS), section(root, ROW_MODELS_FILE));
    if (rc == MST_OK)
        rc = mst_cfg_source(c, section(root, ROW_SOURCE), &out->source);
    if (rc == MST_OK)
        rc = mst_cfg_scorers(c, section(root, ROW_SCORERS), out);
    if (rc == MST_OK)
        rc = mst_cfg_targets(c, section(root, ROW_PROVIDER), section(root, ROW_TARGETS), out);
    if (rc == MST_OK)
        rc = mst_cfg_request(c, section(root, ROW_REQUEST), &out->request);
    if (rc == MST_OK)
        rc = read_guard(c, section(root, ROW_GUARD), out);
    if (rc == MST_OK)
        rc = mst_cfg_apply_logprobs(c, out);
    if (rc == MST_OK)
        rc = mst_cfg_slo(c, section(root, ROW_SLO), &out->slo);
    if (rc == MST_OK)
        rc = mst_cfg_load(c, section(root, ROW_LOAD), &out->load);
    if (rc == MST_OK)
        rc = check_load(c, section(root, ROW_LOAD), out);
    if (rc == MST_OK)
        rc = mst_cfg_simulate(c, section(root, ROW_SIMULATE), &out->simulate);
    if (rc == MST_OK)
        rc = mst_cfg_money(c, section(root, ROW_PRICES), section(root, ROW_BUDGET), out);
    return rc == MST_OK ? check_servers(c, root, out) : rc;
}

static mst_rc
read_top(mst_cfg_ctx_t *c, const mst_ynode_t *root, mst_run_cfg_t *out)
{
    static const char *const sections[] = {"data_source",     "scorers",  "provider", "targets", "models", "request",
                                           "numerical_guard", "simulate", "slo",      "load",    "prices", "budget",
                                           NULL};
    mst_params_t p;
    mst_rc rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = mst_run_cfg_table, .also = sections}, root, &p, NULL);
    if (rc != MST_OK)
        return rc;
    const mst_param_value_t *v = p.values;
    out->name = v[ROW_NAME].u.s;
    out->description = v[ROW_DESCRIPTION].u.s;
    out->placement = mst_str_eq_c(v[ROW_PLACEMENT].u.s, "share") ? MST_PLACE_SHARE : MST_PLACE_REPLICATE;
    out->concurrency = v[ROW_CONCURRENCY].u.i;
    out->repeats = v[ROW_REPEATS].u.i;
    for (size_t i = 0; i < sizeof mst_cfg_probe_names / sizeof mst_cfg_probe_names[0]; i++)
        if (mst_str_eq_c(v[ROW_PROBE].u.s, mst_cfg_probe_names[i]))
            out->probe = (mst_probe_mode_t)i;
    for (size_t i = 0; i < sizeof mst_cfg_cache_names / sizeof mst_cfg_cache_names[0]; i++)
        if (mst_str_eq_c(v[ROW_CACHE].u.s, mst_cfg_cache_names[i]))
            out->cache = (mst_cache_mode_t)i;
    out->cache_path = v[ROW_CACHE_PATH].u.s;
    out->cache_max_mb = v[ROW_CACHE_MAX].u.i;
    out->fail_fast = v[ROW_FAIL_FAST].u.b;
    out->strict = v[ROW_STRICT].u.b;
    out->keep_raw = v[ROW_KEEP_RAW].u.b;
    out->min_coverage = v[ROW_MIN_COVERAGE].u.d;
    out->system_prompt = v[ROW_SYSTEM_PROMPT].u.s;
    out->wandb_project = v[ROW_WANDB_PROJECT].u.s;
    rc = check_name(c, root, out->name);
    if (rc == MST_OK)
        rc = mst_cfg_reduce(c, section(root, ROW_REDUCE), &v[ROW_REDUCE], &out->reduce, &out->reduce_count);
    return rc == MST_OK ? read_tags(c, &v[ROW_WANDB_TAGS], &out->wandb_tags) : rc;
}

mst_rc
mst_run_cfg_load(mst_str_t text, const char *file, const mst_config_env_t *env, mst_arena_t *arena,
                 mst_run_cfg_t *out, mst_err_t *err)
{
    *out = (mst_run_cfg_t){0};
    const mst_ynode_t *root;
    mst_rc rc = mst_yaml_parse(text, file, arena, &root, err);
    if (rc != MST_OK)
        return rc;
    mst_cfg_ctx_t c = {.file = file, .env = env, .arena = arena, .err = err};
    rc = read_top(&c, root, out);
    if (rc == MST_OK)
        rc = read_sections(&c, root, out);
    if (rc != MST_OK)
        return rc;
    rc = mst_run_cfg_spec(out, arena, &out->spec, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "%s", file);
    return rc;
}
