#include "scorers/needles.h"

#include "common/base/limits.h"
#include "common/text/normalise.h"

#include <stdlib.h>

#define VALUE                                                                                                          \
    {                                                                                                                  \
        .name = "value", .alias = "values", .type = MST_P_STRLIST,                                                     \
        .help = "text or texts to look for; default: the case's expected answer"                                       \
    }
#define EXPECTED                                                                                                       \
    {                                                                                                                  \
        .name = "expected", .type = MST_P_STR, .help = "text to look for when value is not set"                        \
    }
#define CASE_SENSITIVE                                                                                                 \
    {                                                                                                                  \
        .name = "case_sensitive", .type = MST_P_BOOL, .dflt = "true",                                                  \
        .help = "false: compared in lower case (Unicode)"                                                              \
    }
#define MATCH(how)                                                                                                     \
    {                                                                                                                  \
        .name = "match", .type = MST_P_ENUM, .dflt = how, .choices = "all|any",                                        \
        .help = "how many of the texts it takes"                                                                       \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

const mst_param_t mst_contains_params[] = {VALUE, EXPECTED, CASE_SENSITIVE, MATCH("all"), END};
const mst_param_t mst_starts_with_params[] = {VALUE, EXPECTED, CASE_SENSITIVE, MATCH("any"), END};
const mst_param_t mst_not_contains_params[] = {VALUE, EXPECTED, CASE_SENSITIVE, END};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    bool case_sensitive, any, at_start;
    mst_str_t *lowered; // of the configured texts, when not case_sensitive; each owned
    size_t lowered_count;
    mst_buf_t answer, needle; // scratch
} state_t;

void
mst_needles_destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->lowered_count; i++)
        free((void *)(uintptr_t)s->lowered[i].p);
    free(s->lowered);
    mst_buf_deinit(&s->answer);
    mst_buf_deinit(&s->needle);
    free(s);
}

mst_rc
mst_needles_compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    state_t *s = MST_NEW(state_t);
    mst_buf_init(&s->answer, 4 * MST_HTTP_BODY_MAX);
    mst_buf_init(&s->needle, 4 * MST_HTTP_BODY_MAX);
    s->cfg = cfg;
    s->case_sensitive = mst_params_bool(&cfg->params, "case_sensitive");
    if (cfg->params.table != mst_not_contains_params)
        s->any = mst_str_eq_c(mst_params_str(&cfg->params, "match"), "any");
    s->at_start = cfg->params.table == mst_starts_with_params;
    const mst_param_value_t *list = mst_params_get(&cfg->params, "value");
    size_t count = list->set && !s->case_sensitive ? list->u.list.count : 0;
    s->lowered = MST_NEW_ARRAY(mst_str_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        mst_str_t text;
        if (mst_text_lower(list->u.list.items[i], &s->needle, &text) != MST_OK) {
            mst_needles_destroy(s);
            return MST_ERR(err, MST_LIMIT, "text %zu of value is too long", i + 1);
        }
        s->lowered[s->lowered_count++] = mst_str(mst_xstrndup(text.n > 0 ? text.p : "", text.n), text.n);
    }
    *out_state = s;
    return MST_OK;
}

mst_rc
mst_needles_count(void *state, const mst_score_in_t *in, size_t *found, size_t *count, mst_str_t *missing,
                  mst_str_t *present, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    const mst_param_value_t *list = mst_params_get(&s->cfg->params, "value");
    mst_str_t one, answer = in->output;
    const mst_str_t *written = list->u.list.items, *sought = s->case_sensitive ? written : s->lowered;
    *count = list->set ? list->u.list.count : 1;
    if (!list->set) {
        mst_rc rc = mst_score_reference(s->cfg, in->c, &one, out, err);
        if (rc != MST_OK)
            return rc;
        written = sought = &one;
    }
    mst_str_t lowered;
    if (!s->case_sensitive) {
        if (mst_text_lower(answer, &s->answer, &answer) != MST_OK)
            return MST_ERR(err, MST_LIMIT, "an answer of %zu bytes is too long to search", in->output.n);
        if (!list->set) {
            if (mst_text_lower(one, &s->needle, &lowered) != MST_OK)
                return MST_ERR(err, MST_LIMIT, "an expected answer of %zu bytes is too long to look for", one.n);
            sought = &lowered;
        }
    }
    *found = 0;
    *missing = *present = MST_STR_NULL;
    for (size_t i = 0; i < *count; i++) {
        bool here = s->at_start ? mst_str_starts(answer, sought[i]) : mst_str_find(answer, sought[i], 0) >= 0;
        mst_str_t *first = here ? present : missing;
        *found += here;
        if (first->p == NULL)
            *first = written[i];
    }
    return MST_OK;
}

mst_rc
mst_needles_score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    size_t found = 0, count = 0;
    mst_str_t missing, present;
    mst_rc rc = mst_needles_count(state, in, &found, &count, &missing, &present, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    const state_t *s = state;
    bool ok = s->any ? found > 0 : found == count;
    out->value = ok ? 1.0 : 0.0;
    if (ok)
        out->reason = s->at_start ? MST_STR("the answer begins with it") : MST_STR("found in the answer");
    else if (s->at_start)
        out->reason = MST_SAY(in->arena, MST_X(in->output), MST_T(" does not begin with "), MST_X(missing));
    else
        out->reason = MST_SAY(in->arena, MST_X(missing), MST_T(" is not in "), MST_X(in->output));
    return MST_OK;
}
