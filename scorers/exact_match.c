// exact_match: is the answer the expected one, letter for letter? The steps of lm-evaluation-harness's exact_match,
// in its order: delete matches of regexes_to_ignore, lower, delete ASCII punctuation, delete ASCII digits, compare.
// Before them `strip` removes white space at both ends, which the harness does not: an answer that differs from the
// expected one by a last newline alone is a right answer. Set strip: false for the harness's own verdict.
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "common/text/normalise.h"
#include "common/text/regex.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "expected", .type = MST_P_STR, .help = "answer to compare with; default: the case's expected answer"},
    {.name = "strip", .type = MST_P_BOOL, .dflt = "true", .help = "ignore white space at both ends"},
    {.name = "ignore_case", .type = MST_P_BOOL, .dflt = "false", .help = "compare in lower case (Unicode)"},
    {.name = "ignore_punctuation", .type = MST_P_BOOL, .dflt = "false", .help = "delete the 32 ASCII marks first"},
    {.name = "ignore_numbers", .type = MST_P_BOOL, .dflt = "false", .help = "delete the digits 0-9 first"},
    {.name = "regexes_to_ignore", .type = MST_P_STRLIST, .help = "patterns whose matches are deleted first"},
    {.name = NULL},
};

// A text on its way through the steps: what it is now, and two buffers to write the next form to.
typedef struct {
    mst_buf_t a, b;
} side_t;

typedef struct {
    const mst_scorer_cfg_t *cfg;
    bool strip, lower, no_marks, no_digits;
    mst_regex_t **ignore;
    size_t ignore_count;
    side_t answer, expected;
} state_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->ignore_count; i++)
        mst_regex_free(&s->ignore[i]);
    free(s->ignore);
    mst_buf_deinit(&s->answer.a);
    mst_buf_deinit(&s->answer.b);
    mst_buf_deinit(&s->expected.a);
    mst_buf_deinit(&s->expected.b);
    free(s);
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    state_t *s = MST_NEW(state_t);
    mst_buf_t *bufs[] = {&s->answer.a, &s->answer.b, &s->expected.a, &s->expected.b};
    for (size_t i = 0; i < 4; i++)
        mst_buf_init(bufs[i], 4 * MST_HTTP_BODY_MAX);
    s->cfg = cfg;
    s->strip = mst_params_bool(&cfg->params, "strip");
    s->lower = mst_params_bool(&cfg->params, "ignore_case");
    s->no_marks = mst_params_bool(&cfg->params, "ignore_punctuation");
    s->no_digits = mst_params_bool(&cfg->params, "ignore_numbers");
    const mst_param_value_t *list = mst_params_get(&cfg->params, "regexes_to_ignore");
    size_t count = list->set ? list->u.list.count : 0;
    s->ignore = MST_NEW_ARRAY(mst_regex_t *, count + 1);
    for (size_t i = 0; i < count; i++) {
        mst_rc rc = mst_regex_new(list->u.list.items[i], MST_REGEX_UCP, &s->ignore[i], err);
        if (rc != MST_OK) {
            mst_err_prefix(err, "regexes_to_ignore");
            destroy(s);
            return rc;
        }
        s->ignore_count++;
    }
    *out_state = s;
    return MST_OK;
}

// Takes *text through all steps; the result is a view of the side's buffers or of the text itself.
static mst_rc
normalise(state_t *s, side_t *side, mst_str_t *text, mst_err_t *err)
{
    if (s->strip)
        *text = mst_utf8_trim(*text);
    for (size_t i = 0; i < s->ignore_count; i++) {
        mst_buf_t *to = i % 2 == 0 ? &side->a : &side->b;
        mst_buf_reset(to);
        mst_rc rc = mst_regex_delete(s->ignore[i], *text, to, err);
        if (rc != MST_OK)
            return rc;
        *text = mst_buf_view(to);
    }
    mst_buf_t *to = s->ignore_count % 2 == 0 ? &side->a : &side->b;
    if (s->lower && mst_text_lower(*text, to, text) != MST_OK)
        return MST_ERR(err, MST_LIMIT, "a text of %zu bytes is too long to compare", text->n);
    if (!s->no_marks && !s->no_digits)
        return MST_OK;
    if (text->p != to->p || text->n == 0) {
        mst_buf_reset(to);
        if (mst_buf_add_str(to, *text) != MST_OK)
            return MST_ERR(err, MST_LIMIT, "a text of %zu bytes is too long to compare", text->n);
    }
    *text = mst_str(to->p, mst_text_delete_marks(to->p, text->n, s->no_marks, s->no_digits));
    return MST_OK;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_str_t expected, answer = in->output;
    mst_rc rc = mst_score_reference(s->cfg, in->c, &expected, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    mst_str_t shown = expected;
    rc = normalise(s, &s->expected, &expected, err);
    if (rc == MST_OK)
        rc = normalise(s, &s->answer, &answer, err);
    if (rc != MST_OK)
        return rc;
    out->value = mst_str_eq(answer, expected) ? 1.0 : 0.0;
    if (out->value > 0.0)
        out->reason = MST_STR("the answer is the expected one");
    else
        out->reason = MST_SAY(in->arena, MST_T("expected "), MST_X(shown), MST_T(", got "), MST_X(in->output));
    return MST_OK;
}

const mst_scorer_t mst_scorer_exact_match = {
    .kind = {.name = "exact_match",
             .aliases = "exact",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "1 when the answer equals the expected one, after the chosen steps"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
