// ifeval: were the instructions that a program can check followed? The 25 instructions of IFEval and its two verdicts:
// strict looks at the answer, loose is content with any of eight variants of it (without its first line, its last line,
// both, and the four without asterisks).
//
// What to check comes from the parameters, or from the case's metadata as in IFEval's own rows: instruction_id_list
// and kwargs. A verdict that cannot be known (the language of a short text) makes the score not measured, unless
// another instruction settles it.
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "scorers/ifeval_check.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

#define INSTRUCTIONS_MAX 64
#define VARIANTS         8

static const mst_param_t params[] = {
    {.name = "mode",
     .type = MST_P_ENUM,
     .dflt = "strict",
     .choices = "strict|loose",
     .help = "strict: the answer as it is; loose: without first or last line or asterisks will do"},
    {.name = "level",
     .type = MST_P_ENUM,
     .dflt = "prompt",
     .choices = "prompt|instruction",
     .help = "prompt: 1 when all instructions were followed; instruction: the share that was"},
    {.name = "instruction_id_list",
     .alias = "instructions",
     .type = MST_P_STRLIST,
     .help = "instructions of every case; default: those in each case's metadata"},
    {.name = "kwargs", .type = MST_P_JSON, .help = "a list with one object of arguments for each instruction"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    bool loose, share;
    mst_if_tools_t tools;
    mst_buf_t bare; // the answer without asterisks
    mst_json_parser_t *parser;
} state_t;

// What one case asks for, and what came of it.
typedef struct {
    size_t count;
    const mst_if_row_t *rows[INSTRUCTIONS_MAX];
    const mst_json_t *kwargs[INSTRUCTIONS_MAX];
    mst_if_t strict[INSTRUCTIONS_MAX], loose[INSTRUCTIONS_MAX];
} task_t;

typedef struct {
    mst_str_t texts[VARIANTS];
    size_t count;
} variants_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_if_tools_deinit(&s->tools);
    mst_buf_deinit(&s->bare);
    mst_json_parser_free(&s->parser);
    free(s);
}

static mst_rc
find_row(mst_str_t id, const mst_if_row_t **out, mst_err_t *err)
{
    for (const mst_if_row_t *row = mst_if_rows; row->id != NULL; row++) {
        if (mst_str_eq_c(id, row->id)) {
            *out = row;
            return MST_OK;
        }
    }
    return MST_ERR(err, MST_INVAL, "instruction \"%.*s\" is not one of IFEval's 25", MST_FMT(mst_str_cut(id, 80)));
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    const mst_param_value_t *list = mst_params_get(&cfg->params, "instruction_id_list");
    const mst_if_row_t *row;
    for (size_t i = 0; list->set && i < list->u.list.count; i++) {
        mst_rc rc = i < INSTRUCTIONS_MAX ? find_row(list->u.list.items[i], &row, err)
                                         : MST_ERR(err, MST_LIMIT, "more than %d instructions", INSTRUCTIONS_MAX);
        if (rc != MST_OK)
            return rc;
    }
    state_t *s = MST_NEW(state_t);
    s->cfg = cfg;
    s->loose = mst_str_eq_c(mst_params_str(&cfg->params, "mode"), "loose");
    s->share = mst_str_eq_c(mst_params_str(&cfg->params, "level"), "instruction");
    mst_if_tools_init(&s->tools);
    mst_buf_init(&s->bare, 4 * MST_HTTP_BODY_MAX);
    s->parser = mst_json_parser_new();
    *out_state = s;
    return MST_OK;
}

static mst_rc
add_instruction(task_t *t, mst_str_t id, const mst_json_t *all_kwargs, mst_err_t *err)
{
    if (t->count == INSTRUCTIONS_MAX)
        return MST_ERR(err, MST_LIMIT, "the case has more than %d instructions", INSTRUCTIONS_MAX);
    const mst_json_t *kwargs = mst_json_is(all_kwargs, MST_JSON_OBJ) ? all_kwargs : mst_json_at(all_kwargs, t->count);
    t->kwargs[t->count] = kwargs;
    return find_row(id, &t->rows[t->count++], err);
}

static mst_rc
read_metadata(state_t *s, const mst_score_in_t *in, task_t *t, mst_err_t *err)
{
    const mst_json_t *meta = NULL;
    mst_rc rc = MST_OK;
    if (in->c->metadata.n > 0)
        rc = mst_json_parse(s->parser, in->c->metadata, in->arena, &meta, NULL, err);
    const mst_json_t *ids = mst_json_get(meta, "instruction_id_list"), *kwargs = mst_json_get(meta, "kwargs");
    if (rc == MST_OK && ids != NULL && ids->type != MST_JSON_NULL && !mst_json_is(ids, MST_JSON_ARR))
        return MST_ERR(err, MST_INVAL, "\"instruction_id_list\" of the case's metadata is not a list");
    if (mst_params_set(&s->cfg->params, "kwargs"))
        kwargs = mst_params_get(&s->cfg->params, "kwargs")->u.json;
    for (size_t i = 0; rc == MST_OK && mst_json_is(ids, MST_JSON_ARR) && i < ids->count; i++) {
        mst_str_t id;
        if (!mst_json_str(mst_json_at(ids, i), &id))
            return MST_ERR(err, MST_INVAL, "instruction %zu of the case's metadata is not a text", i + 1);
        rc = add_instruction(t, id, kwargs, err);
    }
    return rc;
}

static mst_rc
read_task(state_t *s, const mst_score_in_t *in, task_t *t, mst_err_t *err)
{
    const mst_param_value_t *list = mst_params_get(&s->cfg->params, "instruction_id_list");
    if (!list->set)
        return read_metadata(s, in, t, err);
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < list->u.list.count && rc == MST_OK; i++)
        rc = add_instruction(t, list->u.list.items[i], mst_params_get(&s->cfg->params, "kwargs")->u.json, err);
    return rc;
}

static void
add_variant(variants_t *v, mst_str_t text)
{
    if (mst_utf8_trim(text).n == 0)
        return;
    for (size_t i = 0; i < v->count; i++) {
        if (mst_str_eq(v->texts[i], text))
            return;
    }
    v->texts[v->count++] = text;
}

// Appends text without its asterisks to s->bare.
static mst_rc
without_stars(state_t *s, mst_str_t text, mst_err_t *err)
{
    if (mst_buf_reserve(&s->bare, text.n) == NULL)
        return MST_ERR(err, MST_LIMIT, "an answer of %zu bytes is too long", text.n);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '*')
            s->bare.p[s->bare.n++] = text.p[i];
    }
    return MST_OK;
}

// The eight variants, without blank ones and without repetitions.
static mst_rc
make_variants(state_t *s, mst_str_t text, variants_t *v, mst_err_t *err)
{
    const char *first = memchr(text.p, '\n', text.n), *last = memrchr(text.p, '\n', text.n);
    mst_str_t four[4] = {text, MST_STR_NULL, MST_STR_NULL, MST_STR_NULL};
    if (first != NULL) {
        size_t head = (size_t)(first - text.p) + 1, tail = (size_t)(last - text.p);
        four[1] = mst_utf8_trim(mst_str(text.p + head, text.n - head));
        four[2] = mst_utf8_trim(mst_str(text.p, tail));
        four[3] = head <= tail ? mst_utf8_trim(mst_str(text.p + head, tail - head)) : MST_STR_NULL;
    }
    for (size_t i = 0; i < 4; i++)
        add_variant(v, four[i]);
    if (memchr(text.p, '*', text.n) == NULL)
        return MST_OK;
    size_t ends[4];
    mst_buf_reset(&s->bare);
    for (size_t i = 0; i < 4; i++) {
        mst_rc rc = without_stars(s, four[i], err);
        if (rc != MST_OK)
            return rc;
        ends[i] = s->bare.n;
    }
    for (size_t i = 0; i < 4; i++) {
        size_t from = i == 0 ? 0 : ends[i - 1];
        add_variant(v, mst_str(s->bare.p + from, ends[i] - from));
    }
    return MST_OK;
}

// One instruction: yes if any of the variants follows it, unknown if that may be.
static mst_rc
check(state_t *s, task_t *t, size_t i, const variants_t *v, mst_err_t *err)
{
    mst_if_in_t in = {.id = t->rows[i]->id, .kwargs = t->kwargs[i], .tools = &s->tools};
    t->strict[i] = t->loose[i] = MST_IF_NO;
    for (size_t k = 0; k < v->count && t->loose[i] != MST_IF_YES; k++) {
        mst_if_t got = MST_IF_NO;
        in.text = v->texts[k];
        mst_rc rc = t->rows[i]->check(&in, &got, err);
        if (rc != MST_OK)
            return rc;
        if (k == 0)
            t->strict[i] = got;
        if (got != MST_IF_NO)
            t->loose[i] = got;
    }
    return MST_OK;
}

typedef struct {
    size_t yes, unknown;
    const char *first_no, *first_unknown;
} tally_t;

static tally_t
tally(const task_t *t, const mst_if_t *verdicts)
{
    tally_t n = {.yes = 0};
    for (size_t i = 0; i < t->count; i++) {
        n.yes += verdicts[i] == MST_IF_YES;
        n.unknown += verdicts[i] == MST_IF_UNKNOWN;
        if (verdicts[i] == MST_IF_NO && n.first_no == NULL)
            n.first_no = t->rows[i]->id;
        if (verdicts[i] == MST_IF_UNKNOWN && n.first_unknown == NULL)
            n.first_unknown = t->rows[i]->id;
    }
    return n;
}

static void
put_verdicts(mst_jw_t *w, const char *key, const task_t *t, const mst_if_t *verdicts)
{
    mst_jw_key(w, key);
    mst_jw_arr(w);
    for (size_t i = 0; i < t->count; i++) {
        if (verdicts[i] == MST_IF_UNKNOWN)
            mst_jw_null(w);
        else
            mst_jw_bool(w, verdicts[i] == MST_IF_YES);
    }
    mst_jw_arr_end(w);
}

// {"instructions": [...], "strict": [true, null, ...], "loose": [...]}; null: not known.
static mst_str_t
breakdown(const task_t *t, mst_arena_t *arena)
{
    mst_buf_t text;
    mst_jw_t w;
    mst_buf_init(&text, 64 * MST_KIB);
    mst_jw_init(&w, &text);
    mst_jw_obj(&w);
    mst_jw_key(&w, "instructions");
    mst_jw_arr(&w);
    for (size_t i = 0; i < t->count; i++)
        mst_jw_str(&w, mst_str_c(t->rows[i]->id));
    mst_jw_arr_end(&w);
    put_verdicts(&w, "strict", t, t->strict);
    put_verdicts(&w, "loose", t, t->loose);
    mst_jw_obj_end(&w);
    mst_str_t out = text.failed ? MST_STR_NULL : mst_arena_dup(arena, mst_buf_view(&text), NULL);
    mst_buf_deinit(&text);
    return out;
}

static void
conclude(const state_t *s, const task_t *t, const mst_score_in_t *in, mst_score_t *out)
{
    tally_t n = tally(t, s->loose ? t->loose : t->strict);
    bool all = n.yes == t->count;
    out->breakdown = breakdown(t, in->arena);
    if (n.unknown > 0 && (s->share || n.first_no == NULL)) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = MST_SAY(in->arena, MST_T("not measured: the answer does not show for certain whether \""),
                              MST_TS(mst_str_c(n.first_unknown)), MST_T("\" was followed"));
        return;
    }
    out->value = s->share ? (double)n.yes / (double)t->count : all ? 1.0 : 0.0;
    if (all)
        out->reason = MST_STR("all instructions were followed");
    else
        out->reason =
            MST_SAY(in->arena, MST_I(n.yes), MST_T(" of "), MST_I(t->count),
                    MST_T(" instructions followed; not followed: \""), MST_TS(mst_str_c(n.first_no)), MST_T("\""));
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    task_t t = {.count = 0};
    variants_t v = {.count = 0};
    mst_rc rc = read_task(s, in, &t, err);
    if (rc != MST_OK)
        return rc;
    if (t.count == 0) {
        if (s->cfg->on_missing == MST_MISSING_PASS)
            return MST_ERR(
                err, MST_INVAL,
                "the case has no instructions: give its metadata instruction_id_list and kwargs, set them for "
                "all cases, or say on_missing: skip or fail");
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = MST_STR("not measured: the case has no instructions");
        return MST_OK;
    }
    if (mst_utf8_trim(in->output).n > 0)
        rc = make_variants(s, in->output, &v, err);
    for (size_t i = 0; i < t.count && rc == MST_OK; i++)
        rc = check(s, &t, i, &v, err);
    if (rc == MST_OK)
        conclude(s, &t, in, out);
    return rc;
}

const mst_scorer_t mst_scorer_ifeval = {
    .kind = {.name = "ifeval",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "1 when the answer follows IFEval's checkable instructions"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
