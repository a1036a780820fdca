// loglik_choice: multiple choice by log-likelihood. The log-likelihood of each choice was asked of the backend (request
// kinds multiple_choice and loglikelihood), or stands in the case's metadata; the first of the highest ones is the
// prediction.
//
//   acc        highest log-likelihood is the gold choice
//   acc_norm   the same, each divided by the characters of its choice
//   acc_bytes  the same, divided by the bytes
//   mc1        the highest belongs to a true choice (TruthfulQA)
//   mc2        probability of the true choices among all
//   greedy     decoding greedily would have given the gold choice (asked of the backend only)
//
// Metadata: "loglikelihoods" (numbers), "choices" (texts), "gold" (index, letter or text; else the case's expected
// answer), "labels" (1 for true choices); for mc1 and mc2 also "mc1_loglikelihoods", "mc1_labels" and
// "mc1_targets.labels".
// What a leading blank of a choice is for (" A" behind "Answer:") is the prompt: it counts for no length.
#include "common/base/utf8.h"
#include "common/json/json.h"
#include "common/model/step.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdlib.h>

#define CHOICES_MAX 4096

typedef enum { ACC, ACC_NORM, ACC_BYTES, MC1, MC2, GREEDY } metric_t;

static const char *const metric_names[] = {"acc", "acc_norm", "acc_bytes", "mc1", "mc2", "greedy"};

static const mst_param_t params[] = {
    {.name = "metric", .type = MST_P_ENUM, .dflt = "acc", .choices = "acc|acc_norm|acc_bytes|mc1|mc2|greedy",
     .help = "what is scored: the best choice, by characters or bytes; TruthfulQA's MC1 or MC2; whether greedy "
             "decoding gives the gold choice"},
    {.name = NULL},
};

typedef struct {
    metric_t metric;
    mst_json_parser_t *parser;
} state_t;

typedef struct {
    const mst_json_t *meta, *choices; // choices: array of texts, or NULL
    const double *ll;
    size_t count;
    const mst_step_t *steps; // what was asked, one for each choice; NULL: recorded
} item_t;

static void
destroy(void *state)
{
    state_t *s = state;
    mst_json_parser_free(&s->parser);
    free(s);
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    state_t *s = MST_NEW(state_t);
    mst_str_t name = mst_params_str(&cfg->params, "metric");
    for (size_t i = 0; i < sizeof metric_names / sizeof metric_names[0]; i++)
        if (mst_str_eq_c(name, metric_names[i]))
            s->metric = (metric_t)i;
    s->parser = mst_json_parser_new();
    *out_state = s;
    return MST_OK;
}

static mst_rc
not_measured(mst_score_t *out, const char *why)
{
    out->state = MST_SCORE_NOT_MEASURED;
    out->reason = mst_str_c(why);
    return MST_NOTFOUND;
}

static bool
by_labels(metric_t metric)
{
    return metric == MC1 || metric == MC2;
}

// A list of the metadata: "mc1_NAME" before "NAME".
static const mst_json_t *
list(const mst_json_t *meta, metric_t metric, const char *name)
{
    static const mst_str_t targets[] = {{"mc1_targets.labels", 18}, {"mc2_targets.labels", 18}};
    static const char *const own[][2] = {{"mc1_loglikelihoods", "mc1_labels"}, {"mc2_loglikelihoods", "mc2_labels"}};
    const mst_json_t *v = NULL;
    if (by_labels(metric)) {
        bool labels = strcmp(name, "labels") == 0;
        v = mst_json_get(meta, own[metric - MC1][labels]);
        if (v == NULL && labels)
            v = mst_json_path(meta, targets[metric - MC1]);
    }
    if (v == NULL)
        v = mst_json_get(meta, name);
    return mst_json_is(v, MST_JSON_ARR) ? v : NULL;
}

static mst_rc
read_likelihoods(const mst_json_t *v, mst_arena_t *arena, item_t *item, mst_err_t *err)
{
    if (v->count == 0 || v->count > CHOICES_MAX)
        return MST_ERR(err, MST_INVAL, "\"loglikelihoods\" has %u values; 1 to %d are possible", v->count, CHOICES_MAX);
    double *ll = MST_ARENA_ARRAY(arena, double, v->count);
    if (ll == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %u log-likelihoods", v->count);
    for (uint32_t i = 0; i < v->count; i++)
        if (!mst_json_f64(mst_json_at(v, i), &ll[i]) || isnan(ll[i]) || ll[i] > 1e300)
            return MST_ERR(err, MST_INVAL, "log-likelihood %u of %u is no number", i + 1, v->count);
    item->ll = ll;
    item->count = v->count;
    return MST_OK;
}

// One step for each choice, each with its log-likelihood. False: the case was not asked like that.
static bool
asked(const mst_completion_t *done, mst_arena_t *arena, item_t *item)
{
    double *ll = MST_ARENA_ARRAY(arena, double, done->step_count);
    if (done->step_count == 0 || done->step_count > CHOICES_MAX || ll == NULL)
        return false;
    for (uint32_t i = 0; i < done->step_count; i++) {
        const mst_step_t *step = &done->steps[i];
        if (!step->has_loglik || step->kind != MST_ASK_LOGLIKELIHOOD || isnan(step->loglik))
            return false;
        ll[i] = step->loglik;
    }
    item->ll = ll;
    item->count = done->step_count;
    item->steps = done->steps;
    return true;
}

static mst_rc
read_item(const state_t *s, const mst_score_in_t *in, item_t *item, mst_score_t *out, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    bool live = asked(in->done, in->arena, item);
    if (in->c->metadata.n > 0)
        rc = mst_json_parse(s->parser, in->c->metadata, in->arena, &item->meta, NULL, err);
    const mst_json_t *ll = live ? NULL : list(item->meta, s->metric, "loglikelihoods");
    if (rc == MST_OK && !live && ll == NULL)
        return not_measured(out, "not measured: no log-likelihoods");
    if (rc == MST_OK && !live)
        rc = read_likelihoods(ll, in->arena, item, err);
    if (rc != MST_OK)
        return rc;
    const mst_json_t *choices = mst_json_get(item->meta, "choices");
    if (mst_json_is(choices, MST_JSON_OBJ))
        choices = mst_json_get(choices, "text");
    bool fits = choices == NULL || (mst_json_is(choices, MST_JSON_ARR) && choices->count == item->count);
    if (!fits && !by_labels(s->metric))
        return MST_ERR(err, MST_INVAL, "there are %zu log-likelihoods and %u choices", item->count, choices->count);
    item->choices = choices;
    return MST_OK;
}

static mst_str_t
choice(const item_t *item, size_t i)
{
    mst_str_t s = MST_STR_NULL;
    if (item->choices == NULL && item->steps != NULL)
        s = item->steps[i].text;
    (void)mst_json_str(mst_json_at(item->choices, i), &s);
    return s.n > 0 && s.p[0] == ' ' ? mst_str(s.p + 1, s.n - 1) : s;
}

// The first of the highest; divided by the length of each choice where that is asked for.
static size_t
best(const item_t *item, metric_t metric)
{
    size_t at = 0;
    double most = -(double)INFINITY;
    for (size_t i = 0; i < item->count; i++) {
        double v = item->ll[i];
        if (metric == ACC_NORM || metric == ACC_BYTES) {
            mst_str_t s = choice(item, i);
            size_t length = metric == ACC_BYTES ? s.n : (size_t)mst_utf8_count(s);
            v = length > 0 ? v / (double)length : -(double)INFINITY; // nothing to divide by: never the best
        }
        if (v > most) {
            most = v;
            at = i;
        }
    }
    return at;
}

// A gold choice by its text, its index or its letter, tried in that order.
static bool
find_gold(const item_t *item, mst_str_t text, size_t *out)
{
    text = mst_str_trim(text);
    bool texts = item->choices != NULL || item->steps != NULL;
    for (size_t i = 0; texts && i < item->count; i++)
        if (mst_str_eq(mst_str_trim(choice(item, i)), text)) {
            *out = i;
            return true;
        }
    uint64_t index = UINT64_MAX;
    if (!mst_str_to_u64(text, &index) && text.n == 1 && text.p[0] >= 'A' && text.p[0] <= 'Z')
        index = (uint64_t)(text.p[0] - 'A');
    *out = (size_t)index;
    return index < item->count;
}

static mst_rc
gold_of(const item_t *item, const mst_case_t *c, size_t *out, mst_score_t *score, mst_err_t *err)
{
    const mst_json_t *gold = mst_json_get(item->meta, "gold");
    int64_t index = -1;
    mst_str_t text = MST_STR_NULL;
    if (gold != NULL && !mst_json_is(gold, MST_JSON_STR) && mst_json_i64(gold, &index)) {
        *out = (size_t)index;
        if (index >= 0 && (uint64_t)index < item->count)
            return MST_OK;
        return MST_ERR(err, MST_INVAL, "gold choice %lld is none of %zu", (long long)index, item->count);
    }
    if (!mst_json_str(gold, &text)) {
        if (!c->has_expected)
            return not_measured(score, "not measured: no gold choice");
        text = c->expected;
    }
    if (find_gold(item, text, out))
        return MST_OK;
    return MST_ERR(err, MST_INVAL, "gold choice \"%.*s\" is none of %zu", MST_FMT(mst_str_cut(text, 60)), item->count);
}

static mst_rc
score_greedy(const item_t *item, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    size_t gold = 0;
    if (item->steps == NULL)
        return not_measured(out, "not measured: recorded log-likelihoods do not tell what greedy decoding gives");
    mst_rc rc = gold_of(item, in->c, &gold, out, err);
    if (rc != MST_OK)
        return rc;
    bool greedy = item->steps[gold].loglik_greedy;
    if (!item->steps[gold].loglik_greedy_known)
        return not_measured(out, "not measured: the backend did not tell the likeliest tokens");
    out->value = greedy ? 1.0 : 0.0;
    out->reason = greedy ? MST_STR("greedy decoding gives the gold choice")
                         : MST_STR("greedy decoding does not give the gold choice");
    out->breakdown = MST_SAY(in->arena, MST_T("{\"gold\":"), MST_I(gold), MST_T(",\"loglikelihood\":"),
                             MST_F(item->ll[gold]), MST_T("}"));
    return MST_OK;
}

static mst_rc
score_gold(const state_t *s, const item_t *item, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    size_t gold = 0;
    if (s->metric == GREEDY)
        return score_greedy(item, in, out, err);
    if (s->metric != ACC && item->choices == NULL && item->steps == NULL)
        return not_measured(out, "not measured: no texts of the choices");
    mst_rc rc = gold_of(item, in->c, &gold, out, err);
    if (rc != MST_OK)
        return rc;
    size_t pred = best(item, s->metric);
    out->value = pred == gold ? 1.0 : 0.0;
    out->reason = MST_STR("the gold choice is the most likely");
    if (pred != gold)
        out->reason = MST_SAY(in->arena, MST_T("choice "), MST_I(pred), MST_T(" is more likely than choice "),
                              MST_I(gold));
    mst_str_t norm = MST_STR_NULL;
    if (item->choices != NULL || item->steps != NULL)
        norm = MST_SAY(in->arena, MST_T(",\"pred_norm\":"), MST_I(best(item, ACC_NORM)), MST_T(",\"pred_bytes\":"),
                       MST_I(best(item, ACC_BYTES)));
    out->breakdown = MST_SAY(in->arena, MST_T("{\"gold\":"), MST_I(gold), MST_T(",\"pred\":"), MST_I(best(item, ACC)),
                             MST_TS(norm), MST_T("}"));
    return MST_OK;
}

static bool
is_true(const mst_json_t *labels, size_t i)
{
    double d = 0.0;
    bool b = false;
    const mst_json_t *v = mst_json_at(labels, i);
    return mst_json_bool(v, &b) ? b : mst_json_f64(v, &d) && d > 0.5;
}

// Probabilities relative to the largest, so that long answers do not all underflow to 0.
static mst_rc
score_labels(const state_t *s, const item_t *item, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    const mst_json_t *labels = list(item->meta, s->metric, "labels");
    if (labels == NULL)
        return not_measured(out, "not measured: no labels of the choices");
    if (labels->count != item->count)
        return MST_ERR(err, MST_INVAL, "there are %zu log-likelihoods and %u labels", item->count, labels->count);
    size_t top = best(item, ACC);
    double right = 0.0, all = 0.0;
    for (size_t i = 0; i < item->count; i++) {
        double p = item->ll[i] >= item->ll[top] ? 1.0 : exp(item->ll[i] - item->ll[top]);
        all += p;
        right += is_true(labels, i) ? p : 0.0;
    }
    if (isinf(item->ll[top]))
        return MST_ERR(err, MST_INVAL, "every log-likelihood is minus infinity");
    out->value = s->metric == MC2 ? right / all : is_true(labels, top) ? 1.0 : 0.0;
    out->breakdown = MST_SAY(in->arena, MST_T("{\"pred\":"), MST_I(top), MST_T(",\"probability_true\":"),
                             MST_F(right / all), MST_T("}"));
    out->reason = MST_SAY(in->arena, MST_T("true choices have probability "), MST_N(right / all));
    return MST_OK;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    const state_t *s = state;
    item_t item = {0};
    mst_rc rc = read_item(s, in, &item, out, err);
    if (rc == MST_OK)
        rc = by_labels(s->metric) ? score_labels(s, &item, in, out, err) : score_gold(s, &item, in, out, err);
    return rc == MST_NOTFOUND && out->state == MST_SCORE_NOT_MEASURED ? MST_OK : rc;
}

const mst_scorer_t mst_scorer_loglik_choice = {
    .kind = {.name = "loglik_choice",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "multiple choice by the log-likelihoods of the choices: accuracy, or TruthfulQA's MC1 and MC2"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
