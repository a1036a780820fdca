// rouge: how much of the expected answer's words, pairs of words and order of words the answer has, as Google's
// rouge_score computes it. The score is the mean of the F-measures of the chosen types. Of several expected answers
// the best one counts, type by type.
#include "common/text/rouge.h"
#include "scorers/references.h"
#include "scorers/say.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    MST_PARAM_EXPECTED,
    {.name = "rouge_types",
     .alias = "types",
     .type = MST_P_STRLIST,
     .help = "rouge1 to rouge9, rougeL, rougeLsum; default: rouge1, rouge2, rougeL"},
    {.name = "use_stemmer", .type = MST_P_BOOL, .dflt = "true", .help = "compare stems of English words (Porter)"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_json_parser_t *parser;
    mst_rouge_t *rouge;
    mst_rouge_type_t types[MST_ROUGE_TYPES_MAX];
    size_t count;
} state_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_rouge_free(&s->rouge);
    mst_json_parser_free(&s->parser);
    free(s);
}

static mst_rc
read_types(state_t *s, mst_err_t *err)
{
    static const mst_str_t usual[] = {{"rouge1", 6}, {"rouge2", 6}, {"rougeL", 6}};
    const mst_param_value_t *v = mst_params_get(&s->cfg->params, "rouge_types");
    const mst_str_t *names = v->set ? v->u.list.items : usual;
    size_t count = v->set ? v->u.list.count : 3;
    if (count == 0)
        return MST_ERR(err, MST_INVAL, "rouge_types is empty: name rouge1 to rouge9, rougeL or rougeLsum");
    for (size_t i = 0; i < count; i++) {
        mst_rouge_type_t type;
        if (!mst_rouge_type_parse(names[i], &type))
            return MST_ERR(err, MST_INVAL,
                           "rouge_types: \"%.*s\" is no type: use rouge1 to rouge9, rougeL or rougeLsum",
                           MST_FMT(names[i]));
        for (size_t k = 0; k < s->count; k++) {
            if (s->types[k] == type)
                return MST_ERR(err, MST_INVAL, "rouge_types: \"%.*s\" is there twice", MST_FMT(names[i]));
        }
        s->types[s->count++] = type;
    }
    return MST_OK;
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    state_t *s = MST_NEW(state_t);
    s->cfg = cfg;
    mst_rc rc = read_types(s, err);
    if (rc != MST_OK) {
        destroy(s);
        return rc;
    }
    s->parser = mst_json_parser_new();
    s->rouge = mst_rouge_new(s->types, s->count, mst_params_bool(&cfg->params, "use_stemmer"));
    *out_state = s;
    return MST_OK;
}

static mst_str_t
breakdown(const state_t *s, const mst_prf_t *got, mst_arena_t *arena)
{
    mst_say_t parts[8 * MST_ROUGE_TYPES_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        parts[n++] = i == 0 ? MST_T("{\"") : MST_T("},\"");
        parts[n++] = MST_TS(mst_str_c(mst_rouge_type_name(s->types[i])));
        parts[n++] = MST_T("\":{\"precision\":");
        parts[n++] = MST_N(got[i].precision);
        parts[n++] = MST_T(",\"recall\":");
        parts[n++] = MST_N(got[i].recall);
        parts[n++] = MST_T(",\"fmeasure\":");
        parts[n++] = MST_N(got[i].fmeasure);
    }
    parts[n++] = MST_T("}}");
    return mst_say_all(arena, parts, n);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_references_t refs;
    mst_prf_t got[MST_ROUGE_TYPES_MAX];
    mst_rc rc = mst_score_references(s->cfg, in, s->parser, &refs, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    rc = mst_rouge_score(s->rouge, refs.items, refs.count, in->output, got, err);
    if (rc != MST_OK)
        return rc;
    double sum = 0.0;
    for (size_t i = 0; i < s->count; i++)
        sum += got[i].fmeasure;
    out->value = sum / (double)s->count;
    out->breakdown = breakdown(s, got, in->arena);
    out->reason = MST_SAY(in->arena, MST_T("mean F-measure "), MST_N(out->value), MST_T(" over "), MST_I(s->count),
                          MST_T(" types"));
    return MST_OK;
}

const mst_scorer_t mst_scorer_rouge = {
    .kind = {.name = "rouge",
             .tier = "L2",
             .params = params,
             .threshold = 0.7,
             .help = "overlap with the expected answer in words and their order (ROUGE), mean F-measure"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
