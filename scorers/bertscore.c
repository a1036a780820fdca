// bertscore: every token of the answer takes its nearest in the expected answer, by the contextual vectors of a local
// encoder, and the other way round (precision, recall, F1). Of several expected answers the best counts, for precision,
// recall and F1 each on its own.
//
// As bert_score: the layer that suits the model; every token weighs 1, or its idf over idf_path; rescaled by a baseline
// when a table is given. That program reads references for idf out of the run; here a case knows only its own.
#include "common/nn/bertscore.h"

#include "common/base/limits.h"
#include "scorers/models.h"
#include "scorers/references.h"
#include "scorers/say.h"

#include <math.h>
#include <stdlib.h>

#define IDF_BYTES_MAX      (64 * MST_MIB)
#define BASELINE_BYTES_MAX (1 * MST_MIB)

static const mst_param_t params[] = {
    MST_PARAM_EXPECTED,
    {.name = "model",
     .alias = "model_type|model_name",
     .type = MST_P_STR,
     .help = "folder of an encoder in Hugging Face's layout, or its name in the local Hugging Face cache; default: by "
             "lang, roberta-large for en"},
    {.name = "lang", .type = MST_P_STR, .dflt = "en", .help = "language, which chooses the default model"},
    {.name = "num_layers",
     .type = MST_P_INT,
     .min = 0,
     .max = MST_ENCODER_LAYERS_MAX,
     .help = "layer whose vectors are compared, 0 = embeddings; default: the published best one, by the model's name"},
    {.name = "metric",
     .type = MST_P_ENUM,
     .dflt = "f1",
     .choices = "f1|precision|recall",
     .help = "which is the score"},
    {.name = "idf_path",
     .type = MST_P_STR,
     .help = "text file of references, one a line, whose rare tokens shall weigh more"},
    {.name = "rescale_with_baseline",
     .alias = "rescale",
     .type = MST_P_BOOL,
     .help = "spread the scores by a baseline; default: true when baseline_path is set"},
    {.name = "baseline_path",
     .type = MST_P_STR,
     .help = "table LAYER,P,R,F of the model's baselines, as bert_score has them in rescale_baseline/"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_json_parser_t *parser;
    mst_str_t name;
    bool rescale;
    // from the first use on
    mst_arena_t *arena;
    const mst_text_model_t *model;
    size_t layer;
    mst_prf1_t baseline;
    bool has_idf;
    mst_idf_t idf;
} state_t;

static mst_str_t
default_model(mst_str_t lang)
{
    static const struct {
        const char *lang, *model;
    } all[] = {{"en", "roberta-large"},
               {"zh", "bert-base-chinese"},
               {"tr", "dbmdz/bert-base-turkish-cased"},
               {"en-sci", "allenai/scibert_scivocab_uncased"}};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (mst_str_eq_c(lang, all[i].lang))
            return mst_str_c(all[i].model);
    }
    return MST_STR("bert-base-multilingual-cased");
}

static mst_str_t
model_name(const mst_params_t *p)
{
    mst_str_t name = mst_params_str(p, "model");
    return name.n > 0 ? name : default_model(mst_params_str(p, "lang"));
}

static void
needs(const mst_scorer_cfg_t *cfg, mst_scorer_need_fn *fn, void *ud)
{
    static const char *const files[] = {"idf_path", "baseline_path"};
    fn(ud, "model", model_name(&cfg->params), true);
    for (size_t i = 0; i < 2; i++) {
        mst_str_t path = mst_params_str(&cfg->params, files[i]);
        if (path.n > 0)
            fn(ud, files[i], path, false);
    }
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    const mst_params_t *p = &cfg->params;
    bool has_table = mst_params_str(p, "baseline_path").n > 0;
    bool rescale = mst_params_set(p, "rescale_with_baseline") ? mst_params_bool(p, "rescale_with_baseline") : has_table;
    if (rescale && !has_table)
        return MST_ERR(err, MST_INVAL, "rescale_with_baseline needs baseline_path, the table of the model's baselines");
    state_t *s = MST_NEW(state_t);
    s->cfg = cfg;
    s->parser = mst_json_parser_new();
    s->name = model_name(p);
    s->rescale = rescale;
    *out_state = s;
    return MST_OK;
}

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_json_parser_free(&s->parser);
    mst_arena_free(&s->arena);
    free(s);
}

static mst_rc
find_layer(state_t *s, const mst_text_model_t *model, mst_err_t *err)
{
    const mst_encoder_cfg_t *c = mst_text_model_cfg(model);
    int layer = mst_bertscore_layer(s->name);
    if (mst_params_set(&s->cfg->params, "num_layers"))
        layer = (int)mst_params_int(&s->cfg->params, "num_layers", 0);
    else if (layer < 0)
        layer = mst_bertscore_layer(c->name);
    if (layer < 0)
        return MST_ERR(
            err, MST_INVAL,
            "no layer is published for model \"%.*s\": set num_layers (the model has %zu), or let its folder "
            "bear the model's name",
            MST_FMT(s->name), c->layers);
    if ((size_t)layer > c->layers)
        return MST_ERR(err, MST_INVAL, "num_layers is %d, model \"%.*s\" has %zu", layer, MST_FMT(s->name), c->layers);
    s->layer = (size_t)layer;
    return MST_OK;
}

// One reference a line; a line that is a JSON string stands for its text.
static mst_rc
read_idf(state_t *s, const mst_text_model_t *model, mst_str_t text, mst_err_t *err)
{
    mst_arena_t *scratch = mst_arena_new(IDF_BYTES_MAX);
    mst_rc rc = mst_idf_init(&s->idf, mst_tokenizer_id_max(mst_text_model_tokenizer(model)), s->arena, err);
    while (rc == MST_OK && text.n > 0) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t n = lf != NULL ? (size_t)(lf - text.p) : text.n;
        mst_str_t line = mst_str_trim(mst_str(text.p, n));
        const mst_json_t *quoted;
        mst_nn_ids_t ids;
        n += lf != NULL ? 1 : 0;
        text = mst_str(text.p + n, text.n - n);
        if (line.n == 0)
            continue;
        mst_arena_reset(scratch);
        if (line.p[0] == '"' && mst_json_parse(s->parser, line, scratch, &quoted, NULL, NULL) == MST_OK)
            (void)mst_json_str(quoted, &line);
        rc = mst_text_model_ids(model, line, scratch, &ids, err);
        if (rc == MST_OK)
            mst_idf_add(&s->idf, &ids);
    }
    mst_arena_free(&scratch);
    if (rc == MST_OK && s->idf.documents == 0)
        rc = MST_ERR(err, MST_INVAL, "there is no reference in it");
    s->has_idf = rc == MST_OK;
    return rc;
}

// The model, its layer and the tables, when the first answer comes.
static mst_rc
first_use(state_t *s, const mst_models_t *models, mst_err_t *err)
{
    mst_str_t idf = mst_params_str(&s->cfg->params, "idf_path"), text;
    mst_str_t table = mst_params_str(&s->cfg->params, "baseline_path");
    const mst_text_model_t *model;
    if (s->model != NULL)
        return MST_OK;
    mst_arena_free(&s->arena);
    s->arena = mst_arena_new(2 * IDF_BYTES_MAX);
    mst_rc rc = models->get(models->ud, s->name, &model, err);
    if (rc == MST_OK)
        rc = find_layer(s, model, err);
    if (rc == MST_OK && s->rescale) {
        rc = models->read(models->ud, table, BASELINE_BYTES_MAX, s->arena, &text, err);
        if (rc == MST_OK) {
            rc = mst_bertscore_baseline(text, s->layer, &s->baseline, err);
            if (rc != MST_OK)
                mst_err_prefix(err, "baseline_path \"%.*s\"", MST_FMT(table));
        }
    }
    if (rc == MST_OK && idf.n > 0) {
        rc = models->read(models->ud, idf, IDF_BYTES_MAX, s->arena, &text, err);
        if (rc == MST_OK) {
            rc = read_idf(s, model, text, err);
            if (rc != MST_OK)
                mst_err_prefix(err, "idf_path \"%.*s\"", MST_FMT(idf));
        }
    }
    if (rc == MST_OK)
        s->model = model;
    return rc == MST_NOTFOUND ? MST_INVAL : rc;
}

// Without idf every token weighs the same but for begin and end, wherever they stand.
static double
weight(const state_t *s, uint32_t id)
{
    const mst_tokenizer_t *t = mst_text_model_tokenizer(s->model);
    if (s->has_idf)
        return mst_idf_weight(&s->idf, id);
    return id == mst_tokenizer_begin(t) || id == mst_tokenizer_end(t) ? 0.0 : 1.0;
}

static bool
make_side(const state_t *s, const mst_nn_ids_t *ids, const float *states, mst_arena_t *arena, mst_bs_side_t *out)
{
    size_t n = mst_text_model_cfg(s->model)->hidden, all = ids->count * n;
    double *vectors = mst_arena_alloc_raw(arena, all * sizeof *vectors);
    double *weights = mst_arena_alloc_raw(arena, ids->count * sizeof *weights);
    if (vectors == NULL || weights == NULL)
        return false;
    for (size_t i = 0; i < all; i++)
        vectors[i] = (double)states[i];
    for (size_t i = 0; i < ids->count; i++)
        weights[i] = weight(s, ids->ids[i]);
    *out = (mst_bs_side_t){.vectors = vectors, .weights = weights, .count = ids->count};
    return true;
}

// A checkpoint with NaN in its weights, or whose numbers overflow. Nothing times 0 is 0 but what is finite.
static bool
all_finite(const float *x, size_t n)
{
    float sum = 0.0F;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * 0.0F;
    return isfinite(sum);
}

// The answer, texts[0], against every reference behind it.
static mst_rc
compare(const state_t *s, const mst_nn_ids_t *texts, size_t count, mst_arena_t *arena, mst_prf1_t *best, mst_err_t *err)
{
    size_t n = mst_text_model_cfg(s->model)->hidden, at = texts[0].count;
    const float *states;
    mst_bs_side_t answer, reference;
    mst_rc rc = mst_text_model_states(s->model, texts, count, s->layer, arena, &states, err);
    if (rc != MST_OK)
        return rc;
    if (!make_side(s, &texts[0], states, arena, &answer))
        return MST_ERR(err, MST_LIMIT, "no room to compare %zu tokens", texts[0].count);
    *best = (mst_prf1_t){-INFINITY, -INFINITY, -INFINITY};
    for (size_t i = 1; rc == MST_OK && i < count; at += texts[i++].count) {
        mst_prf1_t got;
        if (!make_side(s, &texts[i], states + at * n, arena, &reference))
            return MST_ERR(err, MST_LIMIT, "no room to compare %zu tokens", texts[i].count);
        if (!all_finite(states, answer.count * n) || !all_finite(states + at * n, reference.count * n))
            return MST_ERR(err, MST_PROTO, "model %.*s gives vectors that are not finite", MST_FMT(s->name));
        rc = mst_bertscore_match(mst_text_model_blas(s->model), &answer, &reference, n, arena, &got, err);
        if (rc == MST_OK)
            *best = (mst_prf1_t){fmax(best->precision, got.precision), fmax(best->recall, got.recall),
                                 fmax(best->f1, got.f1)};
    }
    return rc;
}

static void
tell(const state_t *s, const mst_prf1_t *p, mst_arena_t *arena, mst_score_t *out)
{
    mst_str_t metric = mst_params_str(&s->cfg->params, "metric");
    out->value = p->f1;
    if (mst_str_eq_c(metric, "precision"))
        out->value = p->precision;
    else if (mst_str_eq_c(metric, "recall"))
        out->value = p->recall;
    out->breakdown =
        MST_SAY(arena, MST_T("{\"precision\":"), MST_N(p->precision), MST_T(",\"recall\":"), MST_N(p->recall),
                MST_T(",\"f1\":"), MST_N(p->f1), MST_T(",\"layer\":"), MST_I(s->layer), MST_T("}"));
    out->reason = MST_SAY(arena, MST_T("precision "), MST_N(p->precision), MST_T(", recall "), MST_N(p->recall),
                          MST_T(", F1 "), MST_N(p->f1));
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_references_t refs;
    mst_prf1_t best;
    mst_rc rc = mst_score_references(s->cfg, in, s->parser, &refs, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    if (in->models == NULL)
        return mst_models_none(err);
    rc = first_use(s, in->models, err);
    if (rc != MST_OK)
        return rc;
    mst_nn_ids_t *texts = MST_ARENA_ARRAY(in->arena, mst_nn_ids_t, refs.count + 1);
    if (texts == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %zu expected answers", refs.count);
    rc = mst_text_model_ids(s->model, in->output, in->arena, &texts[0], err);
    for (size_t i = 0; rc == MST_OK && i < refs.count; i++)
        rc = mst_text_model_ids(s->model, refs.items[i], in->arena, &texts[i + 1], err);
    if (rc == MST_OK)
        rc = compare(s, texts, refs.count + 1, in->arena, &best, err);
    if (rc != MST_OK)
        return rc;
    if (s->rescale)
        best = mst_bertscore_rescale(best, s->baseline);
    tell(s, &best, in->arena, out);
    return MST_OK;
}

const mst_scorer_t mst_scorer_bertscore = {
    .kind = {.name = "bertscore",
             .aliases = "bert_score",
             .tier = "L2",
             .params = params,
             .threshold = 0.7,
             .help = "closeness of meaning token by token (BERTScore), by a local encoder"},
    .needs = needs,
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
