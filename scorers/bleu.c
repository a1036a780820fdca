// bleu: n-grams that the answer shares with the expected one, as sacreBLEU's sentence BLEU. The score is BLEU divided
// by 100, so that thresholds are between 0 and 1 as everywhere; the breakdown has BLEU itself and the counts. Adding up
// the counts and lengths of a run's cases gives its corpus BLEU.
#include "common/text/bleu.h"
#include "scorers/references.h"
#include "scorers/say.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    MST_PARAM_EXPECTED,
    {.name = "tokenize",
     .type = MST_P_ENUM,
     .dflt = "13a",
     .choices = "13a|zh|intl|char|none",
     .help = "how words are found: as WMT's mteval-v13a, for Chinese, by Unicode classes, each character, or blanks"},
    {.name = "lowercase", .type = MST_P_BOOL, .dflt = "false", .help = "compare in lower case (Unicode)"},
    {.name = "smooth_method",
     .type = MST_P_ENUM,
     .dflt = "exp",
     .choices = "exp|floor|add-k|none",
     .help = "what an order without a match counts"},
    {.name = "smooth_value", .type = MST_P_NUM, .max = 1e9, .help = "of floor (default 0.1) and add-k (default 1)"},
    {.name = "max_ngram_order", .type = MST_P_INT, .dflt = "4", .min = 1, .max = 9, .help = "longest n-gram"},
    {.name = "effective_order",
     .type = MST_P_BOOL,
     .dflt = "true",
     .help = "leave out orders that the answer is too short for; false: an answer of fewer words scores 0"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_json_parser_t *parser;
    mst_bleu_how_t how;
    mst_bleu_t *bleu;
} state_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_bleu_free(&s->bleu);
    mst_json_parser_free(&s->parser);
    free(s);
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    state_t *s = MST_NEW(state_t);
    const mst_params_t *p = &cfg->params;
    s->cfg = cfg;
    if (!mst_bleu_tok_parse(mst_params_str(p, "tokenize"), &s->how.tok) ||
        !mst_bleu_smooth_parse(mst_params_str(p, "smooth_method"), &s->how.smooth)) {
        free(s);
        return MST_ERR(err, MST_INVAL, "tokenize or smooth_method is not known");
    }
    s->how.lower = mst_params_bool(p, "lowercase");
    s->how.order = (unsigned)mst_params_int(p, "max_ngram_order", 4);
    s->how.effective_order = mst_params_bool(p, "effective_order");
    s->how.smooth_value = mst_params_num(p, "smooth_value", mst_bleu_smooth_default(s->how.smooth));
    s->parser = mst_json_parser_new();
    s->bleu = mst_bleu_new(&s->how);
    *out_state = s;
    return MST_OK;
}

static size_t
put_list(mst_say_t *parts, const char *name, const uint64_t *values, unsigned count)
{
    size_t n = 0;
    parts[n++] = MST_TS(mst_str_c(name));
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            parts[n++] = MST_T(",");
        parts[n++] = MST_I(values[i]);
    }
    return n;
}

static mst_str_t
breakdown(const mst_bleu_how_t *how, const mst_bleu_stats_t *stats, const mst_bleu_result_t *got, mst_arena_t *arena)
{
    mst_say_t parts[4 * MST_NGRAMS_ORDER_MAX + 16];
    size_t n = 0;
    parts[n++] = MST_T("{\"bleu\":");
    parts[n++] = MST_N(got->score);
    parts[n++] = MST_T(",\"bp\":");
    parts[n++] = MST_N(got->bp);
    parts[n++] = MST_T(",\"sys_len\":");
    parts[n++] = MST_I(stats->sys_len);
    parts[n++] = MST_T(",\"ref_len\":");
    parts[n++] = MST_I(stats->ref_len);
    n += put_list(parts + n, ",\"counts\":[", stats->counts, how->order);
    n += put_list(parts + n, "],\"totals\":[", stats->totals, how->order);
    parts[n++] = MST_T("]}");
    return mst_say_all(arena, parts, n);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_references_t refs;
    mst_bleu_stats_t stats;
    mst_bleu_result_t got;
    mst_rc rc = mst_score_references(s->cfg, in, s->parser, &refs, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    rc = mst_bleu_sentence(s->bleu, refs.items, refs.count, in->output, &stats, err);
    if (rc != MST_OK)
        return rc;
    mst_bleu_score(&stats, &s->how, &got);
    out->value = got.score / 100.0;
    out->breakdown = breakdown(&s->how, &stats, &got, in->arena);
    out->reason = MST_SAY(in->arena, MST_T("BLEU "), MST_N(got.score), MST_T(" of 100, "), MST_I(stats.counts[0]),
                          MST_T(" of "), MST_I(stats.totals[0]), MST_T(" words shared"));
    return MST_OK;
}

const mst_scorer_t mst_scorer_bleu = {
    .kind = {.name = "bleu",
             .tier = "L2",
             .params = params,
             .threshold = 0.7,
             .help = "n-grams shared with the expected answer (sentence BLEU of sacreBLEU, divided by 100)"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
