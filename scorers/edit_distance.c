// edit_distance: how many insertions, deletions and replacements make the expected answer out of the answer
// (Levenshtein). The score is 1 - distance / length of the longer text; with max_distance it is 1 up to that
// distance and 0 above. Of several expected answers the best one counts.
#include "common/base/limits.h"
#include "common/text/distance.h"
#include "common/text/normalise.h"
#include "scorers/references.h"
#include "scorers/say.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    MST_PARAM_EXPECTED,
    {.name = "unit",
     .type = MST_P_ENUM,
     .dflt = "chars",
     .choices = "chars|bytes|words",
     .help = "what is edited: Unicode code points, bytes of UTF-8, or words between white space"},
    {.name = "max_distance",
     .type = MST_P_INT,
     .max = 1e15,
     .help = "score 1 up to so many edits and 0 above; not set: the score falls with each edit"},
    {.name = "ignore_case", .type = MST_P_BOOL, .dflt = "false", .help = "compare in lower case (Unicode)"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_json_parser_t *parser;
    mst_distance_ctx_t *distance;
    mst_buf_t answer, expected; // in lower case
    mst_unit_t unit;
    bool lower;
    int64_t max; // -1: not set
} state_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_distance_free(&s->distance);
    mst_json_parser_free(&s->parser);
    mst_buf_deinit(&s->answer);
    mst_buf_deinit(&s->expected);
    free(s);
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    mst_unit_t unit;
    mst_str_t name = mst_params_str(&cfg->params, "unit");
    if (!mst_unit_parse(name, &unit))
        return MST_ERR(err, MST_INVAL, "unit: \"%.*s\" is not known", MST_FMT(name));
    state_t *s = MST_NEW(state_t);
    s->cfg = cfg;
    s->unit = unit;
    s->lower = mst_params_bool(&cfg->params, "ignore_case");
    s->max = mst_params_int(&cfg->params, "max_distance", -1);
    s->parser = mst_json_parser_new();
    s->distance = mst_distance_new(unit);
    mst_buf_init(&s->answer, 4 * MST_HTTP_BODY_MAX);
    mst_buf_init(&s->expected, 4 * MST_HTTP_BODY_MAX);
    *out_state = s;
    return MST_OK;
}

static double
value_of(const state_t *s, const mst_distance_t *d)
{
    if (s->max >= 0)
        return d->distance <= (uint64_t)s->max ? 1.0 : 0.0;
    return d->longest > 0 ? 1.0 - (double)d->distance / (double)d->longest : 1.0;
}

static void
tell(const state_t *s, const mst_distance_t *d, mst_arena_t *arena, mst_score_t *out)
{
    static const mst_str_t names[] = {{" characters", 11}, {" bytes", 6}, {" words", 6}};
    bool over = s->max >= 0 && d->distance > (uint64_t)s->max;
    if (over) {
        out->reason = MST_SAY(arena, MST_T("more than "), MST_I(s->max), MST_T(" edits of "), MST_I(d->longest),
                              MST_TS(names[s->unit]));
        out->breakdown = MST_SAY(arena, MST_T("{\"distance_above\":"), MST_I(s->max), MST_T(",\"length\":"),
                                 MST_I(d->longest), MST_T("}"));
        return;
    }
    out->breakdown = MST_SAY(arena, MST_T("{\"distance\":"), MST_I(d->distance), MST_T(",\"length\":"),
                             MST_I(d->longest), MST_T("}"));
    if (d->distance == 0)
        out->reason = MST_STR("the answer is the expected one");
    else
        out->reason = MST_SAY(arena, MST_I(d->distance), d->distance == 1 ? MST_T(" edit of ") : MST_T(" edits of "),
                              MST_I(d->longest), MST_TS(names[s->unit]));
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_references_t refs;
    mst_distance_t best = {0};
    mst_str_t answer = in->output;
    mst_rc rc = mst_score_references(s->cfg, in, s->parser, &refs, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    if (s->lower && mst_text_lower(answer, &s->answer, &answer) != MST_OK)
        return MST_ERR(err, MST_LIMIT, "an answer of %zu bytes is too long to compare", answer.n);
    for (size_t i = 0; i < refs.count; i++) {
        mst_distance_t one;
        mst_str_t expected = refs.items[i];
        if (s->lower && mst_text_lower(expected, &s->expected, &expected) != MST_OK)
            return MST_ERR(err, MST_LIMIT, "an expected answer of %zu bytes is too long to compare", expected.n);
        rc = mst_distance(s->distance, answer, expected, s->max >= 0 ? (uint64_t)s->max : UINT64_MAX, &one, err);
        if (rc != MST_OK)
            return rc;
        if (i == 0 || value_of(s, &one) > value_of(s, &best))
            best = one;
    }
    out->value = value_of(s, &best);
    tell(s, &best, in->arena, out);
    return MST_OK;
}

const mst_scorer_t mst_scorer_edit_distance = {
    .kind = {.name = "edit_distance",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "edits between the answer and the expected one (Levenshtein); set max_distance or a threshold"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
