// equals: is the answer the expected value, by the type of that value? A text by its characters, exactly (exact_match
// strips and normalises); a number by its value; a list, an object, a bool or null as JSON, with Python's equality.
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "common/text/number.h"
#include "scorers/json_text.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdlib.h>

#define STEPS_MAX 50000000 // members and elements looked at; about a second

static const mst_param_t params[] = {
    {.name = "value",
     .alias = "expected",
     .type = MST_P_JSON,
     .help = "text, number, list, object, bool or null to be equal to; default: the case's expected answer"},
    {.name = "compare",
     .type = MST_P_ENUM,
     .dflt = "auto",
     .choices = "auto|text|number|json",
     .help = "how to compare; auto: by the value's own type, a case's expected list or object as JSON, else as text"},
    {.name = "tolerance",
     .type = MST_P_NUM,
     .dflt = "0",
     .min = 0,
     .max = 1e300,
     .help = "numbers that differ by at most this are equal"},
    {.name = NULL},
};

typedef enum { AS_TEXT, AS_NUMBER, AS_JSON } as_t;

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_json_parser_t *parser;
    bool automatic;
    as_t as;
    double tolerance;
    mst_buf_t text; // the configured value as text
} state_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_json_parser_free(&s->parser);
    mst_buf_deinit(&s->text);
    free(s);
}

static as_t
type_of(const mst_json_t *v)
{
    if (v->type == MST_JSON_STR)
        return AS_TEXT;
    return v->type == MST_JSON_INT || v->type == MST_JSON_DOUBLE ? AS_NUMBER : AS_JSON;
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    state_t *s = MST_NEW(state_t);
    mst_str_t type = mst_params_str(&cfg->params, "compare");
    const mst_param_value_t *value = mst_params_get(&cfg->params, "value");
    mst_buf_init(&s->text, MST_JSON_BYTES_MAX);
    s->cfg = cfg;
    s->parser = mst_json_parser_new();
    s->tolerance = mst_params_num(&cfg->params, "tolerance", 0.0);
    s->automatic = mst_str_eq_c(type, "auto");
    s->as = mst_str_eq_c(type, "number") ? AS_NUMBER : mst_str_eq_c(type, "json") ? AS_JSON : AS_TEXT;
    *out_state = s;
    if (!value->set)
        return MST_OK;
    if (s->automatic)
        s->as = type_of(value->u.json);
    if (value->u.json->type == MST_JSON_STR) {
        (void)mst_buf_add_str(&s->text, value->u.json->u.s);
    } else {
        mst_jw_t w;
        mst_jw_init(&w, &s->text);
        mst_jw_value(&w, value->u.json);
    }
    if (!s->text.failed)
        return MST_OK;
    destroy(s);
    *out_state = NULL;
    return MST_ERR(err, MST_LIMIT, "the value to be equal to is too long");
}

static bool
is_number(mst_str_t s, double *out)
{
    return mst_str_to_f64(mst_utf8_trim(s), false, out);
}

// By value and exactly; with an exponent or a tolerance as doubles.
static mst_rc
compare_numbers(const state_t *s, mst_str_t expected, mst_str_t answer, bool *same, mst_err_t *err)
{
    double a, b;
    *same = mst_number_value_eq(answer, expected);
    bool have_a = is_number(expected, &a), have_b = is_number(answer, &b);
    if (!have_a && !mst_number_value_eq(expected, expected))
        return MST_ERR(err, MST_INVAL, "the expected answer \"%.*s\" is not a number",
                       MST_FMT(mst_str_cut(expected, 60)));
    if (*same || !have_a || !have_b)
        return MST_OK;
    bool exponent = memchr(expected.p, 'e', expected.n) != NULL || memchr(expected.p, 'E', expected.n) != NULL ||
                    memchr(answer.p, 'e', answer.n) != NULL || memchr(answer.p, 'E', answer.n) != NULL;
    *same = s->tolerance > 0.0 ? fabs(a - b) <= s->tolerance : exponent && a == b;
    return MST_OK;
}

// *is_json: the answer is JSON. An expected text that is none is an error, and so is JSON beyond a limit.
static mst_rc
compare_json(state_t *s, const mst_score_in_t *in, mst_str_t expected, bool *same, bool *is_json, mst_err_t *err)
{
    const mst_json_t *a = NULL, *b = NULL;
    uint64_t steps = STEPS_MAX;
    mst_rc rc = mst_json_extract(MST_EXTRACT_NONE, s->parser, expected, in->arena, &a, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "the expected answer is not JSON");
        return rc;
    }
    rc = mst_json_extract(MST_EXTRACT_NONE, s->parser, in->output, in->arena, &b, err);
    *is_json = rc == MST_OK;
    if (rc != MST_OK)
        return rc == MST_PROTO ? MST_OK : rc;
    *same = mst_json_python_equal(a, b, &steps);
    if (steps == 0)
        return MST_ERR(err, MST_LIMIT, "an answer of %zu bytes takes too much work to compare", in->output.n);
    return MST_OK;
}

static mst_rc
reference(const state_t *s, const mst_score_in_t *in, mst_str_t *out, mst_score_t *score, mst_err_t *err)
{
    if (mst_params_set(&s->cfg->params, "value")) {
        *out = mst_buf_view(&s->text);
        return MST_OK;
    }
    *out = in->c->expected;
    return in->c->has_expected ? MST_OK : mst_score_no_reference(s->cfg, score, err);
}

// A list or an object in a case is JSON.
static as_t
type_of_text(mst_str_t text)
{
    mst_str_t t = mst_utf8_trim(text);
    bool collection = t.n > 0 && (t.p[0] == '{' || t.p[0] == '[');
    return collection && mst_json_valid(t, true) ? AS_JSON : AS_TEXT;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_str_t expected;
    bool same = false, is_json = true;
    mst_rc rc = reference(s, in, &expected, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    as_t as = s->automatic && !mst_params_set(&s->cfg->params, "value") ? type_of_text(expected) : s->as;
    if (as == AS_TEXT)
        same = mst_str_eq(expected, in->output);
    else if (as == AS_NUMBER)
        rc = compare_numbers(s, expected, in->output, &same, err);
    else
        rc = compare_json(s, in, expected, &same, &is_json, err);
    if (rc != MST_OK)
        return rc;
    out->value = same ? 1.0 : 0.0;
    if (same)
        out->reason = MST_STR("the answer is the expected value");
    else if (!is_json)
        out->reason = MST_SAY(in->arena, MST_T("the answer is not JSON: "), MST_X(in->output));
    else
        out->reason = MST_SAY(in->arena, MST_T("expected "), MST_X(expected), MST_T(", got "), MST_X(in->output));
    return MST_OK;
}

const mst_scorer_t mst_scorer_equals = {
    .kind = {.name = "equals",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "1 when the answer equals the value: text, number or JSON"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
