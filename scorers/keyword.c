// keyword: partial credit for expected words, and a penalty for forbidden ones. A word is a plain substring.
//
//   score = found / expected x (1 - found forbidden / forbidden)
//
// Without expected words the first factor is 1, without forbidden ones the penalty is 0. A word that is listed twice
// counts twice, and the empty word is always found.
#include "common/base/limits.h"
#include "common/text/normalise.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "expected_keywords",
     .alias = "keywords",
     .type = MST_P_STRLIST,
     .help = "words that the answer should have"},
    {.name = "forbidden_keywords", .type = MST_P_STRLIST, .help = "words that it should not have"},
    {.name = "case_sensitive", .type = MST_P_BOOL, .dflt = "false", .help = "false: compared in lower case (Unicode)"},
    {.name = NULL},
};

typedef struct {
    mst_str_t *words; // lowered unless case_sensitive; each owned
    size_t count;
} list_t;

typedef struct {
    bool case_sensitive;
    list_t expected, forbidden;
    mst_buf_t lowered; // the answer in lower case
} state_t;

static void
list_free(list_t *l)
{
    for (size_t i = 0; i < l->count; i++)
        free((void *)(uintptr_t)l->words[i].p);
    free(l->words);
}

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    list_free(&s->expected);
    list_free(&s->forbidden);
    mst_buf_deinit(&s->lowered);
    free(s);
}

static mst_rc
list_fill(state_t *s, list_t *l, const mst_param_value_t *v, mst_err_t *err)
{
    size_t count = v->set ? v->u.list.count : 0;
    l->words = MST_NEW_ARRAY(mst_str_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        mst_str_t word = v->u.list.items[i];
        if (!s->case_sensitive && mst_text_lower(word, &s->lowered, &word) != MST_OK)
            return MST_ERR(err, MST_LIMIT, "keyword %zu is too long", i + 1);
        l->words[l->count++] = mst_str(mst_xstrndup(word.n > 0 ? word.p : "", word.n), word.n);
    }
    return MST_OK;
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    state_t *s = MST_NEW(state_t);
    mst_buf_init(&s->lowered, 4 * MST_HTTP_BODY_MAX);
    s->case_sensitive = mst_params_bool(&cfg->params, "case_sensitive");
    const mst_param_value_t *expected = mst_params_get(&cfg->params, "expected_keywords");
    const mst_param_value_t *forbidden = mst_params_get(&cfg->params, "forbidden_keywords");
    mst_rc rc = list_fill(s, &s->expected, expected, err);
    if (rc == MST_OK)
        rc = list_fill(s, &s->forbidden, forbidden, err);
    if (rc != MST_OK)
        destroy(s);
    else
        *out_state = s;
    return rc;
}

// How many of the list are in text; *first: the first one for which that is `wanted`.
static size_t
count_found(const list_t *l, mst_str_t text, bool wanted, mst_str_t *first)
{
    size_t found = 0;
    *first = MST_STR_NULL;
    for (size_t i = 0; i < l->count; i++) {
        bool here = mst_str_find(text, l->words[i], 0) >= 0;
        found += here;
        if (here == wanted && first->p == NULL)
            *first = l->words[i];
    }
    return found;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_str_t text = in->output, missing, present;
    if (!s->case_sensitive && mst_text_lower(text, &s->lowered, &text) != MST_OK)
        return MST_ERR(err, MST_LIMIT, "an answer of %zu bytes is too long to search for keywords", in->output.n);
    size_t found = count_found(&s->expected, text, false, &missing);
    size_t bad = count_found(&s->forbidden, text, true, &present);
    double ratio = s->expected.count > 0 ? (double)found / (double)s->expected.count : 1.0;
    double penalty = s->forbidden.count > 0 ? (double)bad / (double)s->forbidden.count : 0.0;
    out->value = ratio * (1.0 - penalty);
    if (found == s->expected.count && bad == 0) {
        out->reason = MST_STR("every expected keyword found, no forbidden one");
        out->breakdown = MST_STR("{\"expected_ratio\":1.0,\"forbidden_penalty\":0.0}");
        return MST_OK;
    }
    out->breakdown = MST_SAY(in->arena, MST_T("{\"expected_ratio\":"), MST_N(ratio), MST_T(",\"forbidden_penalty\":"),
                             MST_N(penalty), MST_T("}"));
    if (bad == 0)
        out->reason = MST_SAY(in->arena, MST_I(found), MST_T(" of "), MST_I(s->expected.count),
                              MST_T(" expected keywords found, first missing "), MST_X(missing));
    else
        out->reason = MST_SAY(in->arena, MST_I(found), MST_T(" of "), MST_I(s->expected.count),
                              MST_T(" expected keywords found; forbidden: "), MST_I(bad), MST_T(" of "),
                              MST_I(s->forbidden.count), MST_T(", first "), MST_X(present));
    return MST_OK;
}

const mst_scorer_t mst_scorer_keyword = {
    .kind = {.name = "keyword",
             .aliases = "keywords",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "share of expected keywords found, less the share of forbidden ones"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
