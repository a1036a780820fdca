// logit_drift: the log-probabilities of one answer against a baseline of known-good ones. Drift is a mean that moved by
// more than sigma_threshold deviations of the baseline, or a deviation more than twice the baseline's.
//
// Under drift the score is 1 - shift / (2 * sigma_threshold), at least 0; in profile text drift also fails the case
// whatever the score is (a pure change of spread would pass otherwise), and a flat baseline shows drift by any change.
// Profile aeroeval does as the public code of that name: a flat baseline counts as none, and the score alone decides.
#include "scorers/baseline.h"
#include "scorers/logprobs.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdlib.h>

#define RATIO_MAX 2.0
#define SAME      1e-9 // a change of less than this against a flat baseline is none
#define FLAT      1e-12

static const mst_param_t params[] = {
    {.name = "profile", .type = MST_P_ENUM, .dflt = "text", .choices = "text|aeroeval",
     .help = "text: drift fails the case, no baseline is not measured; aeroeval: the public code's rules"},
    {.name = "sigma_threshold", .type = MST_P_NUM, .dflt = "3.0", .min = 0.000001, .max = 1000,
     .help = "deviations of the baseline beyond which the mean has drifted"},
    {.name = "baseline", .type = MST_P_JSON,
     .help = "log-probabilities of known-good answers: a list, or a map of mean, std and count"},
    {.name = "baseline_file", .type = MST_P_STR,
     .help = "the same from a file, read when the run starts: a JSON list, or JSON Lines of numbers, lists or rows "
             "with logprobs"},
    {.name = "baseline_run", .type = MST_P_STR,
     .help = "the same from the stored log-probabilities of a finished run, named by its id or \"latest\""},
    {.name = NULL},
};

typedef struct {
    bool aeroeval, has_baseline, is_short;
    double sigma;
    mst_spread_t base;
} drift_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    const mst_params_t *p = &cfg->params;
    drift_t *d = MST_NEW(drift_t);
    mst_rc rc = MST_OK;
    d->aeroeval = mst_str_eq_c(mst_params_str(p, "profile"), "aeroeval");
    d->sigma = mst_params_num(p, "sigma_threshold", 3.0);
    if (mst_params_set(p, "baseline"))
        rc = mst_baseline_read(mst_params_get(p, "baseline")->u.json, d->aeroeval, &d->base, err);
    else if (mst_params_set(p, "baseline_file") || mst_params_set(p, "baseline_run"))
        rc = MST_ERR(err, MST_INVAL, "the baseline of \"%s\" was not read; start the run with this configuration anew",
                     mst_params_set(p, "baseline_file") ? "baseline_file" : "baseline_run");
    if (rc != MST_OK) {
        free(d);
        return rc;
    }
    d->has_baseline = d->base.n > 0 && (!d->aeroeval || d->base.sd > 0.0);
    d->is_short = d->base.n < MST_BASELINE_MIN;
    *out_state = d;
    return MST_OK;
}

// No baseline: statistics, and no claim that anything is well.
static void
no_baseline(const drift_t *d, const mst_logprobs_t *l, const mst_spread_t *now, mst_arena_t *arena, mst_score_t *out)
{
    out->value = 1.0;
    if (!d->aeroeval)
        out->state = MST_SCORE_NOT_MEASURED;
    out->reason = MST_SAY(arena, d->aeroeval ? MST_T("no baseline; mean ") : MST_T("not measured: no baseline; mean "),
                          MST_N(now->mean), MST_T(", deviation "), MST_N(now->sd), MST_T(" over "), MST_I(l->count),
                          MST_T(" values"));
    out->breakdown = MST_SAY(arena, MST_T("{\"current_mean\":"), MST_F(now->mean), MST_T(",\"current_std\":"),
                             MST_F(now->sd), MST_T("}"));
}

static void
compare(const drift_t *d, const mst_logprobs_t *l, const mst_spread_t *now, mst_arena_t *arena, mst_score_t *out)
{
    const mst_spread_t *base = &d->base;
    double away = fabs(now->mean - base->mean), shift = away / base->sd, ratio = now->sd / base->sd;
    if (base->sd <= FLAT * fmax(1.0, fabs(base->mean)) && !d->aeroeval) {
        shift = away > SAME ? (double)INFINITY : 0.0;
        ratio = now->sd > SAME ? (double)INFINITY : 0.0;
    }
    bool drift = shift > d->sigma || ratio > RATIO_MAX;
    out->value = drift ? fmax(0.0, 1.0 - shift / (2.0 * d->sigma)) : 1.0;
    out->veto = drift && !d->aeroeval;
    mst_str_t counts = mst_logprobs_members(l, arena);
    if (counts.n > 0)
        out->breakdown = MST_SAY(
            arena, MST_T("{"), MST_TS(counts), MST_T(",\"mean_shift_sigma\":"), MST_F(shift), MST_T(",\"std_ratio\":"),
            MST_F(ratio), MST_T(",\"current_mean\":"), MST_F(now->mean), MST_T(",\"current_std\":"), MST_F(now->sd),
            MST_T(",\"baseline_mean\":"), MST_F(base->mean), MST_T(",\"baseline_std\":"), MST_F(base->sd),
            MST_T(",\"baseline_count\":"), MST_I(base->n), MST_T(",\"baseline_short\":"),
            d->is_short ? MST_T("true") : MST_T("false"), MST_T("}"));
    out->reason = MST_SAY(arena, drift ? MST_T("drift: the mean moved by ") : MST_T("no drift: the mean moved by "),
                          MST_N(shift), MST_T(" deviations, the deviation is "), MST_N(ratio),
                          MST_T(" times the baseline's"),
                          d->is_short ? MST_T("; the baseline is short (fewer than 32 values)") : MST_T(""));
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    const drift_t *d = state;
    mst_logprobs_t l;
    mst_rc rc = mst_logprobs_read(in->done, d->aeroeval, in->arena, &l, err);
    if (rc != MST_OK)
        return rc;
    if (l.total == 0) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = MST_STR("not measured: no log-probabilities");
        return MST_OK;
    }
    if (l.count == 0) {
        mst_str_t counts = mst_logprobs_members(&l, in->arena);
        out->value = 0.0;
        out->veto = !d->aeroeval;
        out->reason = MST_STR("no log-probability is a finite number");
        out->breakdown = counts.n > 0 ? MST_SAY(in->arena, MST_T("{"), MST_TS(counts), MST_T("}")) : MST_STR_NULL;
        return MST_OK;
    }
    mst_spread_t now = mst_spread(l.clean, l.count);
    if (d->has_baseline)
        compare(d, &l, &now, in->arena, out);
    else
        no_baseline(d, &l, &now, in->arena, out);
    return MST_OK;
}

const mst_scorer_t mst_scorer_logit_drift = {
    .kind = {.name = "logit_drift",
             .tier = "L4",
             .params = params,
             .threshold = 0.8,
             .help = "mean and spread of an answer's log-probabilities against a baseline",
             .logprobs = true},
    .compile = compile,
    .score = score,
    .destroy = free,
};
