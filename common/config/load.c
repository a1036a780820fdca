// Section `load`: how requests are let go. What no single setting shows is checked here too: which settings go with
// which model, and that a sweep has an end for each level.
#include "common/config/context.h"

#include "common/base/limits.h"
#include "common/config/scalar.h"

#include <math.h>

#define RATE_MAX 1000000.0
#define S_MAX    604800.0

const mst_param_t mst_load_cfg_table[] = {
    {.name = "model", .type = MST_P_ENUM, .dflt = "closed", .choices = "closed|constant|poisson|gamma",
     .help = "closed: places that ask again when they have their answer; constant, poisson, gamma: a schedule of "
             "arrivals that waits for nobody"},
    {.name = "concurrency", .type = MST_P_INT, .min = 1, .max = MST_CONCURRENCY_MAX,
     .help = "closed: places; without it the run's concurrency"},
    {.name = "rate", .type = MST_P_NUM, .min = 0.001, .max = RATE_MAX,
     .help = "constant, poisson, gamma: requests a second"},
    {.name = "burstiness", .type = MST_P_NUM, .dflt = "1", .min = 0.01, .max = 1000,
     .help = "gamma: shape of the gaps; 1 is poisson, less is burstier, more is more even"},
    {.name = "seed", .type = MST_P_INT, .dflt = "0", .min = 0, .max = 9007199254740992.0,
     .help = "of the schedule and of think times; the same seed gives the same schedule"},
    {.name = "sweep", .type = MST_P_JSON,
     .help = "levels one after the other, in place of rate or concurrency: a list, or from, to and factor"},
    {.name = "ramp", .type = MST_P_NUM, .dflt = "0", .min = 0, .max = S_MAX,
     .help = "seconds in which the load grows evenly from ramp_from to its level, from the start on"},
    {.name = "ramp_from", .type = MST_P_NUM, .dflt = "0", .min = 0, .max = RATE_MAX,
     .help = "rate or places at the start of the ramp"},
    {.name = "duration", .type = MST_P_NUM, .min = 0.001, .max = S_MAX,
     .help = "seconds of the main phase, of each level in a sweep"},
    {.name = "requests", .type = MST_P_INT, .min = 1, .max = 1e9,
     .help = "requests of the main phase, of each level; with duration: whichever comes first"},
    {.name = "warmup", .type = MST_P_NUM, .min = 0, .max = S_MAX,
     .help = "seconds before the main phase whose results are kept apart"},
    {.name = "warmup_requests", .type = MST_P_INT, .min = 0, .max = 1e9, .help = "the same as a count"},
    {.name = "drain", .type = MST_P_NUM, .min = 0, .max = S_MAX,
     .help = "seconds after the main phase in which the load goes on, so that its last requests end under it"},
    {.name = "drain_requests", .type = MST_P_INT, .min = 0, .max = 1e9, .help = "the same as a count"},
    {.name = "repeat_dataset", .type = MST_P_BOOL, .dflt = "true",
     .help = "start over at the end of the dataset; false: its end ends the run"},
    {.name = "think_time", .type = MST_P_NUM, .dflt = "0", .min = 0, .max = 86400,
     .help = "mean seconds between an answer and the next turn of its conversation; closed: or the next request of the "
             "same place"},
    {.name = "think_time_distribution", .type = MST_P_ENUM, .dflt = "fixed", .choices = "fixed|exponential",
     .help = "how think times vary around their mean"},
    {.name = "max_late_ms", .type = MST_P_NUM, .min = 0.001, .max = 1e7,
     .help = "the run is invalid when requests are sent later than this (p99); without it the larger of 1 % of the "
             "mean gap and 0.1 ms"},
    {.name = "max_busy", .type = MST_P_NUM, .dflt = "0.8", .min = 0, .max = 1,
     .help = "share of a worker's I/O thread above which a second counts as busy; more than 5 % of the requests in "
             "such seconds make the run invalid"},
    {.name = "knee_gain", .type = MST_P_NUM, .dflt = "0.5", .min = 0, .max = 1,
     .help = "sweep: least growth of throughput for growth of load, both as logarithms; the knee is the last level "
             "before less"},
    {.name = NULL},
};

enum {
    ROW_MODEL, ROW_CONCURRENCY, ROW_RATE, ROW_BURSTINESS, ROW_SEED, ROW_SWEEP, ROW_RAMP, ROW_RAMP_FROM, ROW_DURATION,
    ROW_REQUESTS, ROW_WARMUP, ROW_WARMUP_REQUESTS, ROW_DRAIN, ROW_DRAIN_REQUESTS, ROW_REPEAT_DATASET, ROW_THINK,
    ROW_THINK_DISTRIBUTION, ROW_MAX_LATE, ROW_MAX_BUSY, ROW_KNEE_GAIN,
};

static double
number(const mst_json_t *v)
{
    double d = (double)NAN;
    return v != NULL && mst_json_f64(v, &d) ? d : (double)NAN;
}

// {from: 1, to: 64, factor: 2}
static size_t
geometric(const mst_json_t *map, double out[MST_LOAD_LEVELS_MAX])
{
    double from = number(mst_json_get(map, "from")), to = number(mst_json_get(map, "to"));
    double factor = number(mst_json_get(map, "factor"));
    size_t n = 0;
    if (!(from > 0) || !(to >= from) || !(factor > 1) || map->count != 3)
        return 0;
    for (double x = from; x <= to * (1 + 1e-9); x *= factor) {
        if (n == MST_LOAD_LEVELS_MAX)
            return 0;
        out[n++] = x;
    }
    return n;
}

static size_t
listed(const mst_json_t *list, double out[MST_LOAD_LEVELS_MAX])
{
    if (list->count > MST_LOAD_LEVELS_MAX)
        return 0;
    for (uint32_t i = 0; i < list->count; i++) {
        out[i] = number(&list->u.items[i]);
        if (!(out[i] > 0))
            return 0;
    }
    return list->count;
}

static mst_rc
read_sweep(mst_cfg_ctx_t *c, const mst_ynode_t *at, const mst_json_t *v, mst_load_t *out)
{
    double levels[MST_LOAD_LEVELS_MAX], max = out->model == MST_LOAD_CLOSED ? MST_CONCURRENCY_MAX : RATE_MAX;
    size_t n = v->type == MST_JSON_ARR ? listed(v, levels) : v->type == MST_JSON_OBJ ? geometric(v, levels) : 0;
    if (n == 0)
        return mst_cfg_fail(c, MST_INVAL, at,
                            "\"sweep\" must be a list of 1 to %d numbers above 0, or a map of from, to and factor "
                            "(above 1), not more levels than that",
                            MST_LOAD_LEVELS_MAX);
    double *kept = MST_ARENA_ARRAY(c->arena, double, n);
    if (kept == NULL)
        return mst_cfg_nomem(c);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        double level = out->model == MST_LOAD_CLOSED ? floor(levels[i]) : levels[i];
        if (level > max || (out->model == MST_LOAD_CLOSED && level < 1))
            return mst_cfg_fail(c, MST_INVAL, at, "\"sweep\" has the level %g, expected at most %g%s", levels[i], max,
                                out->model == MST_LOAD_CLOSED ? " and at least 1" : "");
        if (level < levels[i] && v->type == MST_JSON_ARR)
            return mst_cfg_fail(c, MST_INVAL, at, "\"sweep\" has the level %g, but places are whole numbers",
                                levels[i]);
        if (level < levels[i] && count > 0 && kept[count - 1] >= level)
            continue; // 1, 1.5, 2.25: no level twice in a row
        kept[count++] = level;
    }
    out->levels = kept;
    out->level_count = count;
    return MST_OK;
}

static mst_rc
one_level(mst_cfg_ctx_t *c, double level, mst_load_t *out)
{
    double *kept = MST_ARENA_ARRAY(c->arena, double, 1);
    if (kept == NULL)
        return mst_cfg_nomem(c);
    *kept = level;
    out->levels = kept;
    out->level_count = 1;
    return MST_OK;
}

static mst_rc
read_levels(mst_cfg_ctx_t *c, const mst_ynode_t *n, const mst_param_value_t *v, mst_load_t *out)
{
    bool open = mst_load_open(out);
    if (v[open ? ROW_CONCURRENCY : ROW_RATE].set)
        return mst_cfg_fail(c, MST_INVAL, n, "\"%s\" does not go with model %s; give %s", open ? "concurrency" : "rate",
                            mst_load_model_name(out->model), open ? "rate" : "concurrency");
    const mst_param_value_t *one = &v[open ? ROW_RATE : ROW_CONCURRENCY];
    if (v[ROW_SWEEP].set && one->set)
        return mst_cfg_fail(c, MST_INVAL, n, "\"sweep\" stands in place of \"%s\"; give one of them",
                            open ? "rate" : "concurrency");
    if (v[ROW_SWEEP].set)
        return read_sweep(c, mst_cfg_find(n, &mst_load_cfg_table[ROW_SWEEP]), v[ROW_SWEEP].u.json, out);
    if (one->set)
        return one_level(c, open ? one->u.d : (double)one->u.i, out);
    if (open)
        return mst_cfg_fail(c, MST_INVAL, n, "\"rate\" is missing: requests a second of model %s",
                            mst_load_model_name(out->model));
    return MST_OK;
}

static mst_rc
check(mst_cfg_ctx_t *c, const mst_ynode_t *n, const mst_param_value_t *v, const mst_load_t *l)
{
    if (v[ROW_BURSTINESS].given && l->model != MST_LOAD_GAMMA && v[ROW_BURSTINESS].u.d < 1)
        return mst_cfg_fail(c, MST_INVAL, n, "\"burstiness\" goes with model gamma, not with %s",
                            mst_load_model_name(l->model));
    if (l->level_count > 1 && !mst_load_bounded(l))
        return mst_cfg_fail(c, MST_INVAL, n, "a sweep needs \"duration\" or \"requests\": the end of each level");
    if (l->level_count > 1 && l->ramp_s > 0)
        return mst_cfg_fail(c, MST_INVAL, n, "\"ramp\" goes with one level, not with a sweep");
    if (l->ramp_s > 0 && l->model == MST_LOAD_CLOSED && l->level_count == 0)
        return mst_cfg_fail(c, MST_INVAL, n, "\"ramp\" needs \"concurrency\" in the same section");
    if ((l->warmup_s > 0 && l->warmup_requests > 0) || (l->drain_s > 0 && l->drain_requests > 0))
        return mst_cfg_fail(c, MST_INVAL, n, "give a warm-up or a drain in seconds or in requests, not in both");
    if ((l->drain_s > 0 || l->drain_requests > 0) && !mst_load_bounded(l))
        return mst_cfg_fail(c, MST_INVAL, n, "a drain follows the main phase, which needs \"duration\" or "
                            "\"requests\"");
    return MST_OK;
}

static uint64_t
count_of(const mst_param_value_t *v)
{
    return v->set ? (uint64_t)v->u.i : 0;
}

static double
seconds_of(const mst_param_value_t *v)
{
    return v->set ? v->u.d : 0;
}

mst_rc
mst_cfg_load(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_load_t *out)
{
    *out = (mst_load_t){0};
    if (n == NULL)
        return MST_OK;
    c->section = "load";
    mst_params_t p;
    mst_rc rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = mst_load_cfg_table}, n, &p, NULL);
    c->section = NULL;
    if (rc != MST_OK)
        return rc;
    const mst_param_value_t *v = p.values;
    (void)mst_load_model_parse(v[ROW_MODEL].u.s.p, v[ROW_MODEL].u.s.n, &out->model);
    out->burstiness = out->model == MST_LOAD_GAMMA ? v[ROW_BURSTINESS].u.d : 1;
    out->seed = (uint64_t)v[ROW_SEED].u.i;
    out->ramp_s = v[ROW_RAMP].u.d;
    out->ramp_from = v[ROW_RAMP_FROM].u.d;
    out->main_s = seconds_of(&v[ROW_DURATION]);
    out->main_requests = count_of(&v[ROW_REQUESTS]);
    out->warmup_s = seconds_of(&v[ROW_WARMUP]);
    out->warmup_requests = count_of(&v[ROW_WARMUP_REQUESTS]);
    out->drain_s = seconds_of(&v[ROW_DRAIN]);
    out->drain_requests = count_of(&v[ROW_DRAIN_REQUESTS]);
    out->repeat_dataset = v[ROW_REPEAT_DATASET].u.b;
    out->think = mst_str_eq_c(v[ROW_THINK_DISTRIBUTION].u.s, "exponential") ? MST_THINK_EXPONENTIAL : MST_THINK_FIXED;
    out->think_s = v[ROW_THINK].u.d;
    out->late_max_ms = seconds_of(&v[ROW_MAX_LATE]);
    out->busy_max = v[ROW_MAX_BUSY].u.d;
    out->knee_gain = v[ROW_KNEE_GAIN].u.d;
    rc = read_levels(c, n, v, out);
    return rc == MST_OK ? check(c, n, v, out) : rc;
}

static void
put(mst_json_member_t *m, size_t *n, const char *key, mst_json_t value)
{
    m[(*n)++] = (mst_json_member_t){mst_str_c(key), value};
}

static void
put_num(mst_json_member_t *m, size_t *n, const char *key, double v)
{
    put(m, n, key, (mst_json_t){.type = MST_JSON_DOUBLE, .u.d = v});
}

static void
put_some(mst_json_member_t *m, size_t *n, const char *key, double v)
{
    if (v > 0)
        put_num(m, n, key, v);
}

static void
put_count(mst_json_member_t *m, size_t *n, const char *key, uint64_t v)
{
    if (v > 0)
        put(m, n, key, (mst_json_t){.type = MST_JSON_INT, .u.i = (int64_t)v});
}

static void
put_levels(const mst_load_t *l, mst_json_member_t *m, size_t *n, mst_arena_t *arena, bool *ok)
{
    if (l->level_count == 1 && mst_load_open(l)) {
        put_num(m, n, "rate", l->levels[0]);
        return;
    }
    if (l->level_count == 1) {
        put_count(m, n, "concurrency", (uint64_t)l->levels[0]);
        return;
    }
    mst_json_t *items = MST_ARENA_ARRAY(arena, mst_json_t, l->level_count);
    *ok = *ok && items != NULL;
    for (size_t i = 0; i < l->level_count && *ok; i++)
        items[i] = (mst_json_t){.type = MST_JSON_DOUBLE, .u.d = l->levels[i]};
    if (l->level_count > 0)
        put(m, n, "sweep", (mst_json_t){.type = MST_JSON_ARR, .count = (uint32_t)l->level_count, .u.items = items});
}

mst_json_t
mst_cfg_load_value(const mst_load_t *l, mst_arena_t *arena, bool *ok)
{
    mst_json_member_t *m = MST_ARENA_ARRAY(arena, mst_json_member_t, mst_cfg_rows(mst_load_cfg_table));
    size_t n = 0;
    *ok = *ok && m != NULL;
    if (!*ok)
        return (mst_json_t){.type = MST_JSON_OBJ};
    put(m, &n, "model", (mst_json_t){.type = MST_JSON_STR, .u.s = mst_str_c(mst_load_model_name(l->model))});
    put_levels(l, m, &n, arena, ok);
    if (l->model == MST_LOAD_GAMMA)
        put_num(m, &n, "burstiness", l->burstiness);
    put(m, &n, "seed", (mst_json_t){.type = MST_JSON_INT, .u.i = (int64_t)l->seed});
    put_some(m, &n, "ramp", l->ramp_s);
    put_some(m, &n, "ramp_from", l->ramp_from);
    put_some(m, &n, "duration", l->main_s);
    put_count(m, &n, "requests", l->main_requests);
    put_some(m, &n, "warmup", l->warmup_s);
    put_count(m, &n, "warmup_requests", l->warmup_requests);
    put_some(m, &n, "drain", l->drain_s);
    put_count(m, &n, "drain_requests", l->drain_requests);
    put(m, &n, "repeat_dataset", (mst_json_t){.type = MST_JSON_BOOL, .u.b = l->repeat_dataset});
    put_some(m, &n, "think_time", l->think_s);
    if (l->think_s > 0)
        put(m, &n, "think_time_distribution",
            (mst_json_t){.type = MST_JSON_STR,
                         .u.s = l->think == MST_THINK_FIXED ? MST_STR("fixed") : MST_STR("exponential")});
    put_some(m, &n, "max_late_ms", l->late_max_ms);
    put_num(m, &n, "max_busy", l->busy_max);
    put_num(m, &n, "knee_gain", l->knee_gain);
    return (mst_json_t){.type = MST_JSON_OBJ, .count = (uint32_t)n, .u.members = m};
}
