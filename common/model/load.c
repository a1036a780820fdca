// Everything random is drawn from a generator seeded with (seed, index): no draw depends on the ones before it, so that
// any worker finds any arrival of the schedule.
#include "common/model/load.h"

#include "common/base/clock.h"
#include "common/base/prng.h"

#include <math.h>
#include <string.h>

#define LATE_FLOOR_S 100e-6
#define LATE_SHARE   0.01
#define STREAM_GAPS  0x9e3779b97f4a7c15ULL
#define STREAM_THINK 0xd1b54a32d192ed03ULL
#define THINK_S_MAX  86400.0

static const char *const models[MST_LOAD_MODELS] = {NULL, "closed", "constant", "poisson", "gamma"};
static const char *const phases[MST_PHASES] = {"main", "warmup", "drain"};

const char *
mst_load_model_name(mst_load_model_t m)
{
    return (unsigned)m < MST_LOAD_MODELS ? models[m] : NULL;
}

bool
mst_load_model_parse(const char *p, size_t n, mst_load_model_t *out)
{
    for (int i = MST_LOAD_CLOSED; i < MST_LOAD_MODELS; i++)
        if (strlen(models[i]) == n && memcmp(models[i], p, n) == 0) {
            *out = (mst_load_model_t)i;
            return true;
        }
    return false;
}

const char *
mst_phase_name(mst_phase_t p)
{
    return (unsigned)p < MST_PHASES ? phases[p] : NULL;
}

bool
mst_load_open(const mst_load_t *l)
{
    return l->model >= MST_LOAD_CONSTANT;
}

bool
mst_load_bounded(const mst_load_t *l)
{
    return l->model != MST_LOAD_NONE && (l->main_s > 0 || l->main_requests > 0);
}

size_t
mst_load_plan(const mst_load_t *l, mst_load_segment_t out[MST_LOAD_SEGMENTS_MAX])
{
    size_t n = 0, levels = l->level_count > 0 ? l->level_count : 1;
    for (size_t i = 0; i < levels && i < MST_LOAD_LEVELS_MAX; i++) {
        mst_load_segment_t s = {.step = (uint32_t)i, .level = l->level_count > 0 ? l->levels[i] : 0};
        if (l->warmup_s > 0 || l->warmup_requests > 0) {
            out[n] = s;
            out[n].phase = MST_PHASE_WARMUP;
            out[n].seconds = l->warmup_s;
            out[n++].requests = l->warmup_requests;
        }
        out[n] = s;
        out[n].phase = MST_PHASE_MAIN;
        out[n].seconds = l->main_s;
        out[n++].requests = l->main_requests;
        if (mst_load_bounded(l) && (l->drain_s > 0 || l->drain_requests > 0)) {
            out[n] = s;
            out[n].phase = MST_PHASE_DRAIN;
            out[n].seconds = l->drain_s;
            out[n++].requests = l->drain_requests;
        }
    }
    return n;
}

uint64_t
mst_load_expected(const mst_load_t *l)
{
    mst_load_segment_t segments[MST_LOAD_SEGMENTS_MAX];
    size_t n = mst_load_plan(l, segments);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const mst_load_segment_t *s = &segments[i];
        double by_time = mst_load_open(l) ? s->seconds * s->level : 0, count = (double)s->requests;
        if (by_time <= 0 && count <= 0)
            return 0;
        sum += count > 0 && (by_time <= 0 || count < by_time) ? count : by_time;
    }
    return sum < 1e12 ? (uint64_t)ceil(sum) : 0;
}

double
mst_load_late_max_s(const mst_load_t *l, double rate)
{
    if (l->late_max_ms > 0)
        return l->late_max_ms / 1000;
    double share = rate > 0 ? LATE_SHARE / rate : 0;
    return share > LATE_FLOOR_S ? share : LATE_FLOOR_S;
}

static void
seed_at(mst_prng_t *r, uint64_t seed, uint64_t stream, uint64_t i)
{
    mst_prng_seed(r, (seed ^ stream) + i * 0xbf58476d1ce4e5b9ULL);
}

// Marsaglia and Tsang (2000); shapes below 1 by the power of a uniform number that they give there.
static double
gamma_of(mst_prng_t *r, double shape)
{
    double boost = 1;
    if (shape < 1) {
        boost = pow(1.0 - mst_prng_unit(r), 1.0 / shape);
        shape += 1;
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = mst_prng_normal(r), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        double u = 1.0 - mst_prng_unit(r); // in (0, 1]
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v * boost;
    }
}

double
mst_load_gap(const mst_load_t *l, uint64_t i)
{
    mst_prng_t r;
    if (l->model == MST_LOAD_CONSTANT)
        return i == 0 ? 0 : 1;
    seed_at(&r, l->seed, STREAM_GAPS, i);
    if (l->model == MST_LOAD_GAMMA)
        return gamma_of(&r, l->burstiness) / l->burstiness;
    return mst_prng_exp(&r);
}

int64_t
mst_load_think_ns(const mst_load_t *l, uint64_t who, uint64_t turn)
{
    double s = l->think_s;
    if (s <= 0)
        return 0;
    if (l->think == MST_THINK_EXPONENTIAL) {
        mst_prng_t r;
        seed_at(&r, l->seed ^ who * 0x94d049bb133111ebULL, STREAM_THINK, turn);
        s *= mst_prng_exp(&r);
    }
    return (int64_t)((s < THINK_S_MAX ? s : THINK_S_MAX) * (double)MST_NS_PER_S);
}
