// numerical_stability: is the sequence of log-probabilities of one answer that of a healthy machine? NaN, infinities
// and their stand-ins cost points; the first half of the finite values is the baseline that the second half is held
// against.
//
// Two profiles. text: penalties for every occurrence, 0.2 when the share of outliers in the second half is over
// max_outlier_ratio, and a verdict that also fails on a shifted mean or an impossible value, whatever the score is.
// aeroeval: what the public code of the framework of that name does (0.5 once for NaN, 0.3 once for infinities, 0.2 for
// any outlier or a shifted mean). Strict comparisons everywhere: exactly three deviations is no outlier.
#include "scorers/logprobs.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdlib.h>

#define NAN_PENALTY      0.5
#define INF_PENALTY      0.5
#define INF_PENALTY_ONCE 0.3
#define DRIFT_PENALTY    0.2
#define VALUES_MIN       4 // finite values below which halves mean nothing
#define WINDOW_TEXT      32
#define WINDOW_AEROEVAL  50
#define FLAT             1e-12 // a deviation of less than this share of the mean is rounding
#define SAME             1e-9  // nearer than this is equal to a flat baseline

static const mst_param_t params[] = {
    {.name = "profile", .type = MST_P_ENUM, .dflt = "text", .choices = "text|aeroeval",
     .help = "text: penalty per occurrence, share of outliers, verdict on the mean; aeroeval: the public code's rules"},
    {.name = "sigma_threshold", .type = MST_P_NUM, .dflt = "3.0", .min = 0, .max = 1000,
     .help = "standard deviations of the baseline beyond which a value is an outlier and a mean has shifted"},
    {.name = "window_size", .type = MST_P_INT, .min = 1, .max = 1000000,
     .help = "finite values below which drift is not judged (text: shown all the same); 32 under text, 50 under "
             "aeroeval when not given"},
    {.name = "max_outlier_ratio", .type = MST_P_NUM, .dflt = "0.1", .min = 0, .max = 1,
     .help = "share of outliers in the second half over which 0.2 is taken off; profile text"},
    {.name = "nan_penalty", .type = MST_P_ENUM, .choices = "per_occurrence|once",
     .help = "0.5 for each NaN and infinity, or 0.5 once for NaN and 0.3 once for infinities; the profile's own when "
             "not given (text: per_occurrence)"},
    {.name = "fail_on_drift", .type = MST_P_BOOL, .dflt = "true",
     .help = "a shifted mean fails the case whatever the score is; profile text"},
    {.name = "enable_nan_check", .type = MST_P_BOOL, .dflt = "true", .help = "count NaN and null"},
    {.name = "enable_inf_check", .type = MST_P_BOOL, .dflt = "true",
     .help = "count infinities and their stand-ins (values of -9000 and less)"},
    {.name = "enable_fp16_check", .type = MST_P_BOOL, .dflt = "true",
     .help = "count values that half precision saturates at (65504 and more, either sign) as infinities"},
    {.name = NULL},
};

typedef struct {
    bool aeroeval, once, fail_on_drift, nan_check, inf_check, fp16_check;
    double sigma, max_ratio;
    size_t window;
} guard_t;

// The two halves against each other.
typedef struct {
    bool known;           // there were enough values
    bool judged;          // and the window is full
    mst_spread_t base, test;
    size_t outliers;
    double ratio, shift;  // shift in deviations; infinite against a flat baseline
    bool drift;
} halves_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    const mst_params_t *p = &cfg->params;
    guard_t *g = MST_NEW(guard_t);
    g->aeroeval = mst_str_eq_c(mst_params_str(p, "profile"), "aeroeval");
    g->once = g->aeroeval;
    if (mst_params_set(p, "nan_penalty"))
        g->once = mst_str_eq_c(mst_params_str(p, "nan_penalty"), "once");
    g->sigma = mst_params_num(p, "sigma_threshold", 3.0);
    g->window = (size_t)mst_params_int(p, "window_size", g->aeroeval ? WINDOW_AEROEVAL : WINDOW_TEXT);
    g->max_ratio = mst_params_num(p, "max_outlier_ratio", 0.1);
    g->fail_on_drift = mst_params_bool(p, "fail_on_drift");
    g->nan_check = mst_params_bool(p, "enable_nan_check");
    g->inf_check = mst_params_bool(p, "enable_inf_check");
    g->fp16_check = mst_params_bool(p, "enable_fp16_check");
    *out_state = g;
    return MST_OK;
}

static void
split(const mst_logprobs_t *l, halves_t *h)
{
    size_t half = l->count / 2;
    h->base = mst_spread(l->clean, half);
    h->test = mst_spread(l->clean + half, l->count - half);
}

static void
count_outliers(const guard_t *g, const mst_logprobs_t *l, bool flat, halves_t *h)
{
    for (size_t i = l->count / 2; i < l->count; i++) {
        double away = fabs(l->clean[i] - h->base.mean);
        h->outliers += flat ? away > SAME : away / h->base.sd > g->sigma;
    }
    h->ratio = (double)h->outliers / (double)h->test.n;
}

static void
compare_text(const guard_t *g, const mst_logprobs_t *l, halves_t *h)
{
    h->known = l->count >= VALUES_MIN;
    if (!h->known)
        return;
    split(l, h);
    h->judged = l->count >= g->window;
    bool flat = h->base.sd <= FLAT * fmax(1.0, fabs(h->base.mean));
    count_outliers(g, l, flat, h);
    double away = fabs(h->test.mean - h->base.mean);
    if (flat)
        h->shift = away <= SAME ? 0.0 : (double)INFINITY;
    else
        h->shift = away / h->base.sd;
    h->drift = h->shift > g->sigma;
}

// A baseline without any deviation shows nothing here.
static void
compare_aeroeval(const guard_t *g, const mst_logprobs_t *l, halves_t *h)
{
    if (l->count < g->window || l->count < 2)
        return;
    split(l, h);
    h->known = h->judged = h->base.sd > 0.0;
    if (!h->known)
        return;
    count_outliers(g, l, false, h);
    h->shift = fabs(h->test.mean - h->base.mean) / h->base.sd;
    h->drift = h->shift > g->sigma;
}

static double
penalties(const guard_t *g, size_t nans, size_t infs)
{
    if (g->once)
        return (nans > 0 ? NAN_PENALTY : 0.0) + (infs > 0 ? INF_PENALTY_ONCE : 0.0);
    return NAN_PENALTY * (double)nans + INF_PENALTY * (double)infs;
}

static mst_str_t
details(const guard_t *g, const mst_logprobs_t *l, const halves_t *h, mst_arena_t *arena)
{
    mst_str_t counts = mst_logprobs_members(l, arena);
    if (counts.n == 0)
        return MST_STR_NULL;
    if (!h->known) {
        mst_spread_t all = mst_spread(l->clean, l->count);
        if (l->count == 0 || (g->aeroeval && l->count >= g->window))
            return MST_SAY(arena, MST_T("{"), MST_TS(counts), MST_T("}"));
        return MST_SAY(arena, MST_T("{"), MST_TS(counts), MST_T(",\"mean_logprob\":"), MST_F(all.mean),
                       MST_T(",\"std_logprob\":"), MST_F(all.sd), MST_T(",\"sample_size\":"), MST_I(all.n), MST_T("}"));
    }
    return MST_SAY(arena, MST_T("{"), MST_TS(counts), MST_T(",\"outlier_count\":"), MST_I(h->outliers),
                   MST_T(",\"outlier_ratio\":"), MST_F(h->ratio), MST_T(",\"mean_shift_sigma\":"), MST_F(h->shift),
                   MST_T(",\"drift\":"), h->drift ? MST_T("true") : MST_T("false"), MST_T(",\"advisory\":"),
                   h->judged ? MST_T("false") : MST_T("true"), MST_T(",\"baseline_mean\":"), MST_F(h->base.mean),
                   MST_T(",\"baseline_std\":"), MST_F(h->base.sd), MST_T(",\"window_mean\":"), MST_F(h->test.mean),
                   MST_T(",\"window_std\":"), MST_F(h->test.sd), MST_T("}"));
}

// Parts that found nothing are empty.
static mst_str_t
sentence(const mst_logprobs_t *l, const halves_t *h, bool drift, bool outliers, mst_arena_t *arena)
{
    size_t bad = l->nan + l->missing + l->inf + l->sentinel + l->saturated;
    mst_str_t numbers = MST_STR_NULL, out = MST_STR_NULL, shift = MST_STR_NULL, above = MST_STR_NULL;
    if (bad == 0 && !drift && !outliers && l->positive == 0)
        return h->judged ? MST_STR("no numerical fault") : MST_STR("no numerical fault; too few values to judge drift");
    if (bad > 0)
        numbers = MST_SAY(arena, MST_I(l->nan), MST_T(" NaN, "), MST_I(l->missing), MST_T(" null, "), MST_I(l->inf),
                          MST_T(" infinite, "), MST_I(l->sentinel), MST_T(" stand-ins, "), MST_I(l->saturated),
                          MST_T(" saturated of "), MST_I(l->total), MST_T(" values; "));
    if (outliers)
        out = MST_SAY(arena, MST_I(h->outliers), MST_T(" outliers of "), MST_I(h->test.n), MST_T(" values; "));
    if (drift)
        shift = isinf(h->shift) ? MST_STR("the mean left a constant baseline; ")
                                : MST_SAY(arena, MST_T("the mean shifted by "), MST_N(h->shift),
                                          MST_T(" deviations; "));
    if (l->positive > 0)
        above = MST_SAY(arena, MST_I(l->positive), MST_T(" values above 0; "));
    mst_str_t all = MST_SAY(arena, MST_TS(numbers), MST_TS(out), MST_TS(shift), MST_TS(above));
    return mst_str(all.p, all.n > 2 ? all.n - 2 : 0);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    const guard_t *g = state;
    mst_logprobs_t l;
    halves_t h = {.ratio = (double)NAN, .shift = (double)NAN};
    mst_rc rc = mst_logprobs_read(in->done, g->aeroeval, in->arena, &l, err);
    if (rc != MST_OK)
        return rc;
    if (l.total == 0) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = MST_STR("not measured: no log-probabilities");
        return MST_OK;
    }
    size_t nans = g->nan_check ? l.nan + l.missing : 0;
    size_t infs = (g->inf_check ? l.inf + l.sentinel : 0) + (g->fp16_check ? l.saturated : 0);
    double value = 1.0 - penalties(g, nans, infs);
    bool outliers, drift;
    if (g->aeroeval) {
        compare_aeroeval(g, &l, &h);
        outliers = h.outliers > 0;
        drift = h.drift;
        value -= outliers || drift ? DRIFT_PENALTY : 0.0;
        l.positive = 0;
    } else {
        compare_text(g, &l, &h);
        outliers = h.judged && h.ratio > g->max_ratio;
        drift = h.judged && h.drift;
        value -= outliers ? DRIFT_PENALTY : 0.0;
        out->veto = (drift && g->fail_on_drift) || l.positive > 0;
    }
    out->value = fmax(value, 0.0);
    out->breakdown = details(g, &l, &h, in->arena);
    out->reason = sentence(&l, &h, drift, outliers, in->arena);
    return MST_OK;
}

const mst_scorer_t mst_scorer_numerical_stability = {
    .kind = {.name = "numerical_stability",
             .tier = "L4",
             .params = params,
             .threshold = 0.8,
             .help = "NaN, infinities and drift within the log-probabilities of an answer",
             .logprobs = true},
    .compile = compile,
    .score = score,
    .destroy = free,
};
