// qa_f1: a short answer against the right ones, as the metrics of SQuAD v1.1, SQuAD v2.0 or TriviaQA judge it. The
// breakdown has both exact match and F1, each the best over the right answers; `metric` says which is the score.
#include "common/text/qa.h"
#include "scorers/references.h"
#include "scorers/say.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    MST_PARAM_EXPECTED,
    {.name = "rules",
     .type = MST_P_ENUM,
     .dflt = "squad",
     .choices = "squad|squad2|triviaqa",
     .help = "whose normalisation and treatment of empty answers; squad2: an empty expected answer is right to omit"},
    {.name = "metric",
     .type = MST_P_ENUM,
     .dflt = "f1",
     .choices = "f1|em",
     .help = "what the score is: F1 over words, or exact match"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_json_parser_t *parser;
    mst_qa_t *qa;
    bool exact;
} state_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_qa_free(&s->qa);
    mst_json_parser_free(&s->parser);
    free(s);
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    mst_qa_rules_t rules;
    mst_str_t name = mst_params_str(&cfg->params, "rules");
    if (!mst_qa_rules_parse(name, &rules))
        return MST_ERR(err, MST_INVAL, "rules: \"%.*s\" is not known", MST_FMT(name));
    state_t *s = MST_NEW(state_t);
    s->cfg = cfg;
    s->exact = mst_str_eq_c(mst_params_str(&cfg->params, "metric"), "em");
    s->parser = mst_json_parser_new();
    s->qa = mst_qa_new(rules);
    *out_state = s;
    return MST_OK;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_references_t refs;
    mst_qa_score_t got;
    mst_rc rc = mst_score_references(s->cfg, in, s->parser, &refs, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    rc = mst_qa_score(s->qa, refs.items, refs.count, in->output, &got, err);
    if (rc != MST_OK)
        return rc;
    out->value = s->exact ? got.em : got.f1;
    out->breakdown = MST_SAY(in->arena, MST_T("{\"em\":"), MST_N(got.em), MST_T(",\"f1\":"), MST_N(got.f1), MST_T("}"));
    if (got.em > 0.0)
        out->reason = MST_STR("the answer is a right one");
    else
        out->reason = MST_SAY(in->arena, MST_T("F1 "), MST_N(got.f1), MST_T(": expected "), MST_X(refs.items[0]),
                              refs.count > 1 ? MST_T(" or another, got ") : MST_T(", got "), MST_X(in->output));
    return MST_OK;
}

const mst_scorer_t mst_scorer_qa_f1 = {
    .kind = {.name = "qa_f1",
             .aliases = "squad|triviaqa",
             .tier = "L2",
             .params = params,
             .threshold = 0.7,
             .help = "short answers: exact match and F1 over words, as SQuAD and TriviaQA have them"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
