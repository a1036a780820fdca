// chrf: n-grams of characters that the answer shares with the expected one, as sacreBLEU's chrF; word_order: 2 is
// chrF++. The score is chrF divided by 100; the breakdown has chrF itself and the counts of each order (answer,
// expected, both), whose sums over a run's cases give its corpus chrF.
#include "common/text/chrf.h"
#include "scorers/references.h"
#include "scorers/say.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    MST_PARAM_EXPECTED,
    {.name = "char_order", .type = MST_P_INT, .dflt = "6", .min = 1, .max = 9, .help = "longest n-gram of characters"},
    {.name = "word_order",
     .type = MST_P_INT,
     .dflt = "0",
     .max = 9,
     .help = "longest n-gram of words; 0: chrF, 2: chrF++"},
    {.name = "beta", .type = MST_P_NUM, .dflt = "2", .max = 1e6, .help = "weight of recall against precision"},
    {.name = "lowercase", .type = MST_P_BOOL, .dflt = "false", .help = "compare in lower case (Unicode)"},
    {.name = "whitespace", .type = MST_P_BOOL, .dflt = "false", .help = "white space counts as characters"},
    {.name = "eps_smoothing",
     .type = MST_P_BOOL,
     .dflt = "false",
     .help = "mean of the F-scores of all orders, as chrF++.py, Moses and NLTK have it"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_json_parser_t *parser;
    mst_chrf_how_t how;
    mst_chrf_t *chrf;
} state_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_chrf_free(&s->chrf);
    mst_json_parser_free(&s->parser);
    free(s);
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    state_t *s = MST_NEW(state_t);
    const mst_params_t *p = &cfg->params;
    s->cfg = cfg;
    s->how = (mst_chrf_how_t){.char_order = (unsigned)mst_params_int(p, "char_order", 6),
                              .word_order = (unsigned)mst_params_int(p, "word_order", 0),
                              .beta = mst_params_num(p, "beta", 2.0),
                              .lower = mst_params_bool(p, "lowercase"),
                              .whitespace = mst_params_bool(p, "whitespace"),
                              .eps_smoothing = mst_params_bool(p, "eps_smoothing")};
    s->parser = mst_json_parser_new();
    s->chrf = mst_chrf_new(&s->how);
    *out_state = s;
    return MST_OK;
}

static mst_str_t
breakdown(const mst_chrf_how_t *how, const mst_chrf_stats_t *stats, double chrf, mst_arena_t *arena)
{
    mst_say_t parts[7 * MST_CHRF_ORDERS_MAX + 4];
    size_t n = 0;
    parts[n++] = MST_T("{\"chrf\":");
    parts[n++] = MST_N(chrf);
    parts[n++] = MST_T(",\"orders\":[");
    for (unsigned i = 0; i < how->char_order + how->word_order; i++) {
        parts[n++] = i == 0 ? MST_T("[") : MST_T(",[");
        parts[n++] = MST_I(stats->text[i]);
        parts[n++] = MST_T(",");
        parts[n++] = MST_I(stats->reference[i]);
        parts[n++] = MST_T(",");
        parts[n++] = MST_I(stats->both[i]);
        parts[n++] = MST_T("]");
    }
    parts[n++] = MST_T("]}");
    return mst_say_all(arena, parts, n);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_references_t refs;
    mst_chrf_stats_t stats;
    mst_rc rc = mst_score_references(s->cfg, in, s->parser, &refs, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    rc = mst_chrf_sentence(s->chrf, refs.items, refs.count, in->output, &stats, err);
    if (rc != MST_OK)
        return rc;
    double chrf = mst_chrf_score(&stats, &s->how);
    out->value = chrf / 100.0;
    out->breakdown = breakdown(&s->how, &stats, chrf, in->arena);
    out->reason = MST_SAY(in->arena, MST_T("chrF "), MST_N(chrf), MST_T(" of 100"));
    return MST_OK;
}

const mst_scorer_t mst_scorer_chrf = {
    .kind = {.name = "chrf",
             .tier = "L2",
             .params = params,
             .threshold = 0.7,
             .help = "n-grams of characters shared with the expected answer (chrF of sacreBLEU, divided by 100)"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
