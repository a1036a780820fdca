// json_fields: JSON that was to be extracted, against the expected JSON. Found in the answer as a fenced block, the
// whole text, or the outermost braces or brackets. Exact match is Python's ==; fields are leaves by their path, right
// when path and value agree.
#include "common/base/limits.h"
#include "scorers/json_text.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

#define TREE_MAX  (512 * MST_MIB)
#define STEPS_MAX 50000000

static const mst_param_t params[] = {
    {.name = "expected", .type = MST_P_STR, .help = "JSON to compare with; default: the case's expected answer"},
    {.name = "measure",
     .type = MST_P_ENUM,
     .dflt = "exact_match",
     .choices = "exact_match|parse|accuracy|precision|recall|f1",
     .help = "what the score is; the breakdown has them all. accuracy: right fields of all fields of either side"},
    {.name = "extract",
     .type = MST_P_ENUM,
     .dflt = "any",
     .choices = MST_EXTRACT_CHOICES,
     .help =
         "any: the first ``` block, else the whole, else the outermost braces or brackets; fenced: not these; none: "
         "the whole answer alone"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_json_parser_t *parser;
    mst_arena_t *scratch;
    mst_extract_t extract;
    mst_str_t measure;
} state_t;

typedef struct {
    double parse, exact, accuracy, precision, recall, f1;
    mst_json_leaves_t leaves;
} result_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    state_t *s = MST_NEW(state_t);
    s->cfg = cfg;
    s->parser = mst_json_parser_new();
    s->scratch = mst_arena_new(TREE_MAX);
    s->extract = mst_extract_of(mst_params_str(&cfg->params, "extract"));
    s->measure = mst_params_str(&cfg->params, "measure");
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
    mst_arena_free(&s->scratch);
    free(s);
}

static double
share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

// found: NULL when the answer holds no JSON.
static mst_rc
measure(const mst_json_t *expected, const mst_json_t *found, result_t *r, mst_err_t *err)
{
    uint64_t steps = STEPS_MAX;
    const mst_json_leaves_t *l = &r->leaves;
    r->parse = found != NULL ? 1.0 : 0.0;
    r->exact = found != NULL && mst_json_python_equal(expected, found, &steps) ? 1.0 : 0.0;
    mst_json_count_leaves(expected, found, &r->leaves, &steps);
    if (steps == 0)
        return MST_ERR(err, MST_LIMIT, "comparing the JSON of the answer was given up after %d steps", STEPS_MAX);
    r->precision = share(l->right, l->found);
    r->recall = share(l->right, l->expected);
    r->accuracy = share(l->right, l->expected + l->found - l->right);
    r->f1 = share(2 * l->right, l->expected + l->found);
    return MST_OK;
}

static double
chosen(const state_t *s, const result_t *r)
{
    const struct {
        const char *name;
        double value;
    } all[] = {{"parse", r->parse},
               {"accuracy", r->accuracy},
               {"precision", r->precision},
               {"recall", r->recall},
               {"f1", r->f1}};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (mst_str_eq_c(s->measure, all[i].name))
            return all[i].value;
    }
    return r->exact;
}

static void
tell(const result_t *r, const char *why, mst_arena_t *arena, mst_score_t *out)
{
    const mst_json_leaves_t *l = &r->leaves;
    out->breakdown = MST_SAY(arena, MST_T("{\"parse\":"), MST_N(r->parse), MST_T(",\"exact_match\":"), MST_N(r->exact),
                             MST_T(",\"accuracy\":"), MST_N(r->accuracy), MST_T(",\"precision\":"), MST_N(r->precision),
                             MST_T(",\"recall\":"), MST_N(r->recall), MST_T(",\"f1\":"), MST_N(r->f1),
                             MST_T(",\"fields_expected\":"), MST_I(l->expected), MST_T(",\"fields_found\":"),
                             MST_I(l->found), MST_T(",\"fields_right\":"), MST_I(l->right), MST_T("}"));
    if (r->parse < 1.0) {
        mst_str_t sentence = mst_arena_dup(arena, mst_str_c(why), NULL);
        out->reason = MST_SAY(arena, MST_T("no JSON in the answer: "), MST_TS(sentence));
    } else if (r->exact > 0.0) {
        out->reason = MST_STR("the JSON is the expected one");
    } else {
        out->reason = MST_SAY(arena, MST_I(l->right), MST_T(" of "), MST_I(l->expected),
                              MST_T(" expected fields right, "), MST_I(l->found), MST_T(" found"));
    }
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_str_t reference;
    mst_rc rc = mst_score_reference(s->cfg, in->c, &reference, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    const mst_json_t *expected, *found = NULL;
    mst_err_t why;
    mst_arena_reset(s->scratch);
    rc = mst_json_extract(MST_EXTRACT_NONE, s->parser, reference, s->scratch, &expected, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "the expected answer is not JSON");
        return rc;
    }
    why.message[0] = '\0';
    rc = mst_json_extract(s->extract, s->parser, in->output, s->scratch, &found, &why);
    if (rc != MST_OK && rc != MST_PROTO) {
        *err = why;
        return rc;
    }
    result_t r = {.parse = 0.0};
    rc = measure(expected, rc == MST_OK ? found : NULL, &r, err);
    if (rc != MST_OK)
        return rc;
    out->value = chosen(s, &r);
    tell(&r, why.message, in->arena, out);
    return MST_OK;
}

const mst_scorer_t mst_scorer_json_fields = {
    .kind = {.name = "json_fields",
             .aliases = "json_extraction",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "the JSON in the answer against the expected JSON: exact match, or a share of right fields"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
