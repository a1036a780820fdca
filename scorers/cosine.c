// cosine: the angle between the answer and the expected one as sentence vectors, max(0, cos). Of several expected
// answers the nearest counts. The vectors come from a local encoder, as sentence-transformers makes them
// (common/nn/text_model.h), or from the server that the section `embeddings` names.
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
    if (cfg->endpoint.kind == NULL)
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

// The server's vectors of the texts: asked for with the first call of score(), here with the second.
static mst_rc
asked(const mst_score_in_t *in, const mst_str_t *texts, size_t count, const double **vectors, size_t *n,
      mst_score_t *out, mst_err_t *err)
{
    const mst_completion_t *reply = in->call->replies;
    if (in->call->reply_count == 0) {
        in->call->ask.kind = MST_ASK_EMBED;
        in->call->ask.texts = texts;
        in->call->ask.text_count = count;
        out->state = MST_SCORE_NEED_CALL;
        return MST_OK;
    }
    if (reply->vector_count != count || reply->vector_rows != NULL)
        return MST_ERR(err, MST_PROTO, "its endpoint gave %u vectors of %zu texts", reply->vector_count, count);
    *n = reply->vector_dim;
    double *v = MST_ARENA_ARRAY(in->arena, double, count **n);
    if (v == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %zu vectors", count);
    for (size_t i = 0; i < count * *n; i++)
        v[i] = (double)reply->vectors[i];
    *vectors = v;
    return MST_OK;
}

static mst_rc
encoded(const state_t *s, const mst_score_in_t *in, const mst_str_t *texts, size_t count, const double **vectors,
        size_t *n, mst_err_t *err)
{
    const mst_text_model_t *model;
    if (in->models == NULL)
        return mst_models_none(err);
    mst_rc rc = in->models->get(in->models->ud, s->model, &model, err);
    if (rc != MST_OK)
        return rc;
    *n = mst_text_model_cfg(model)->hidden;
    return mst_text_model_embed(model, texts, count, in->arena, vectors, err);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    const state_t *s = state;
    const double *vectors = NULL;
    size_t n = 0;
    mst_references_t refs;
    mst_rc rc = mst_score_references(s->cfg, in, s->parser, &refs, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    bool server = s->cfg->endpoint.kind != NULL;
    if (server && in->call == NULL)
        return MST_ERR(err, MST_UNSUPPORTED, "its endpoint is not asked here");
    if (server && in->output.n == 0) { // servers refuse empty texts
        out->reason = MST_STR("the answer is empty");
        return MST_OK;
    }
    mst_str_t *texts = MST_ARENA_ARRAY(in->arena, mst_str_t, refs.count + 1);
    if (texts == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %zu expected answers", refs.count);
    texts[0] = in->output;
    memcpy(texts + 1, refs.items, refs.count * sizeof *texts);
    rc = server ? asked(in, texts, refs.count + 1, &vectors, &n, out, err)
                : encoded(s, in, texts, refs.count + 1, &vectors, &n, err);
    if (rc != MST_OK || out->state == MST_SCORE_NEED_CALL)
        return rc;
    double best = -1.0, sum = 0.0;
    for (size_t i = 1; i <= refs.count; i++) {
        double c = mst_cosine(vectors, vectors + i * n, n);
        best = fmax(best, c); // passes over NaN, which the sum keeps
        sum += c;
    }
    if (!isfinite(sum))
        return MST_ERR(err, MST_PROTO, "%s%.*s gives vectors that are not finite", server ? "its endpoint" : "model ",
                       server ? 0 : (int)s->model.n, server ? "" : s->model.p);
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
             .help = "closeness of meaning: cosine of sentence vectors of a local encoder or of a server "
                     "(section `embeddings`), 0 to 1",
             .calls = MST_ASK_BIT(MST_ASK_EMBED)},
    .needs = needs,
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
