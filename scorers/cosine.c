// cosine: the angle between the answer and the expected one as sentence vectors of a local encoder, max(0, cos). Of
// several expected answers the nearest counts. Vectors as sentence-transformers makes them: see common/nn/text_model.h.
#include "scorers/models.h"
#include "scorers/references.h"
#include "scorers/say.h"

#include <math.h>
#include <stdlib.h>

static const mst_param_t params[] = {
    MST_PARAM_EXPECTED,
    {.name = "model",
     .alias = "embedding_model|model_name",
     .type = MST_P_STR,
     .dflt = "sentence-transformers/all-MiniLM-L6-v2",
     .help = "folder of an encoder in Hugging Face's layout, or its name in the local Hugging Face cache"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_json_parser_t *parser;
    mst_str_t model;
} state_t;

static void
needs(const mst_scorer_cfg_t *cfg, mst_scorer_need_fn *fn, void *ud)
{
    fn(ud, "model", mst_params_str(&cfg->params, "model"), true);
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    mst_str_t model = mst_params_str(&cfg->params, "model");
    if (model.n == 0)
        return MST_ERR(err, MST_INVAL, "model is empty: name the folder of an encoder");
    state_t *s = MST_NEW(state_t);
    s->cfg = cfg;
    s->parser = mst_json_parser_new();
    s->model = model;
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
    free(s);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    const state_t *s = state;
    const mst_text_model_t *model;
    const double *vectors;
    mst_references_t refs;
    mst_rc rc = mst_score_references(s->cfg, in, s->parser, &refs, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    if (in->models == NULL)
        return mst_models_none(err);
    rc = in->models->get(in->models->ud, s->model, &model, err);
    if (rc != MST_OK)
        return rc;
    mst_str_t *texts = MST_ARENA_ARRAY(in->arena, mst_str_t, refs.count + 1);
    if (texts == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %zu expected answers", refs.count);
    texts[0] = in->output;
    memcpy(texts + 1, refs.items, refs.count * sizeof *texts);
    rc = mst_text_model_embed(model, texts, refs.count + 1, in->arena, &vectors, err);
    if (rc != MST_OK)
        return rc;
    size_t n = mst_text_model_cfg(model)->hidden;
    double best = -1.0;
    for (size_t i = 1; i <= refs.count; i++)
        best = fmax(best, mst_cosine(vectors, vectors + i * n, n));
    if (!isfinite(best))
        return MST_ERR(err, MST_PROTO, "model \"%.*s\" gives vectors that are not finite", MST_FMT(s->model));
    out->value = fmax(0.0, best);
    out->breakdown = MST_SAY(in->arena, MST_T("{\"cosine\":"), MST_N(best), MST_T("}"));
    out->reason = MST_SAY(in->arena, MST_T("cosine "), MST_N(best));
    return MST_OK;
}

const mst_scorer_t mst_scorer_cosine = {
    .kind = {.name = "cosine",
             .aliases = "cosine_similarity",
             .tier = "L2",
             .params = params,
             .threshold = 0.7,
             .help = "closeness of meaning: cosine of sentence vectors of a local encoder, 0 to 1"},
    .needs = needs,
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
