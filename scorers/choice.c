// choice: does the answer to a multiple choice question choose the right one? Four ways of finding what it chose:
// letter (our own rules, choice_letter.c), multi_choice and regex (lm-evaluation-harness's filters), answer_is
// (BIG-Bench Hard's chains of thought). letter and multi_choice compare letters, the two others texts.
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "common/json/json.h"
#include "scorers/choice_extract.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

#define MULTI_PATTERN "(\\([A-Z]\\))"
#define REGEX_PATTERN "answer is \\(?([ABCDEFGHIJ])\\)?"

static const mst_param_t params[] = {
    {.name = "expected", .type = MST_P_STR, .help = "right answer; default: the case's expected answer"},
    {.name = "extract",
     .type = MST_P_ENUM,
     .dflt = "letter",
     .choices = "letter|multi_choice|regex|answer_is",
     .help = "how the chosen answer is found in the text"},
    {.name = "choices",
     .type = MST_P_STRLIST,
     .help = "texts of A, B, ...; default: \"choices\" of the case's metadata"},
    {.name = "pattern",
     .type = MST_P_STR,
     .help = "multi_choice: default " MULTI_PATTERN "; regex: default MMLU-Pro's " REGEX_PATTERN},
    {.name = "group_select",
     .type = MST_P_ENUM,
     .dflt = "first",
     .choices = "first|last",
     .help = "which match counts (multi_choice, regex)"},
    {.name = "ignore_case",
     .type = MST_P_BOOL,
     .dflt = "true",
     .help = "choices' texts in whatever case (multi_choice)"},
    {.name = "ignore_punctuation",
     .type = MST_P_BOOL,
     .dflt = "true",
     .help = "choices' texts without punctuation (multi_choice)"},
    {.name = "regexes_to_ignore",
     .type = MST_P_STRLIST,
     .help = "patterns deleted before choices' texts are looked for (multi_choice)"},
    {.name = NULL},
};

typedef enum { BY_LETTER, BY_MULTI, BY_REGEX, BY_ANSWER_IS } by_t;

typedef struct {
    const mst_scorer_cfg_t *cfg;
    by_t by;
    mst_choice_letter_t *letters;
    mst_choice_multi_t multi;
    mst_regex_t **ignore;
    size_t ignore_count;
    mst_buf_t text, forms;
    mst_json_parser_t *parser;
} state_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_choice_letter_free(&s->letters);
    mst_regex_free(&s->multi.pattern);
    for (size_t i = 0; i < s->ignore_count; i++)
        mst_regex_free(&s->ignore[i]);
    free(s->ignore);
    mst_buf_deinit(&s->text);
    mst_buf_deinit(&s->forms);
    mst_json_parser_free(&s->parser);
    free(s);
}

static by_t
read_by(mst_str_t name)
{
    if (mst_str_eq_c(name, "letter"))
        return BY_LETTER;
    if (mst_str_eq_c(name, "multi_choice"))
        return BY_MULTI;
    return mst_str_eq_c(name, "regex") ? BY_REGEX : BY_ANSWER_IS;
}

static mst_rc
compile_patterns(state_t *s, mst_err_t *err)
{
    const mst_params_t *p = &s->cfg->params;
    mst_str_t pattern = s->by == BY_REGEX ? MST_STR(REGEX_PATTERN) : MST_STR(MULTI_PATTERN);
    if (mst_params_set(p, "pattern"))
        pattern = mst_params_str(p, "pattern");
    mst_rc rc = mst_regex_new(pattern, MST_REGEX_UCP, &s->multi.pattern, err);
    const mst_param_value_t *list = mst_params_get(p, "regexes_to_ignore");
    size_t count = list->set ? list->u.list.count : 0;
    s->ignore = MST_NEW_ARRAY(mst_regex_t *, count + 1);
    for (size_t i = 0; i < count && rc == MST_OK; i++) {
        rc = mst_regex_new(list->u.list.items[i], MST_REGEX_UCP, &s->ignore[i], err);
        if (rc != MST_OK)
            mst_err_prefix(err, "regexes_to_ignore");
        else
            s->ignore_count++;
    }
    return rc;
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    state_t *s = MST_NEW(state_t);
    s->cfg = cfg;
    s->by = read_by(mst_params_str(&cfg->params, "extract"));
    s->parser = mst_json_parser_new();
    mst_buf_init(&s->text, 4 * MST_HTTP_BODY_MAX);
    mst_buf_init(&s->forms, 4 * MST_HTTP_BODY_MAX);
    mst_rc rc = compile_patterns(s, err);
    s->multi.ignore = s->ignore;
    s->multi.ignore_count = s->ignore_count;
    s->multi.last = mst_str_eq_c(mst_params_str(&cfg->params, "group_select"), "last");
    s->multi.ignore_case = mst_params_bool(&cfg->params, "ignore_case");
    s->multi.ignore_punctuation = mst_params_bool(&cfg->params, "ignore_punctuation");
    s->multi.text = &s->text;
    s->multi.forms = &s->forms;
    if (rc == MST_OK && s->by == BY_LETTER)
        rc = mst_choice_letter_new(&s->letters, err);
    if (rc != MST_OK)
        destroy(s);
    else
        *out_state = s;
    return rc;
}

static mst_rc
add_choice(mst_choices_t *c, mst_str_t text, mst_err_t *err)
{
    if (c->count == MST_CHOICES_MAX)
        return MST_ERR(err, MST_INVAL, "there are more than %d choices", MST_CHOICES_MAX);
    c->items[c->count++] = text;
    return MST_OK;
}

// From the parameters, or "choices" of the metadata: a list, or an object whose "text" is one.
static mst_rc
read_choices(state_t *s, const mst_score_in_t *in, mst_choices_t *c, mst_err_t *err)
{
    const mst_param_value_t *list = mst_params_get(&s->cfg->params, "choices");
    const mst_json_t *meta = NULL, *from;
    mst_rc rc = MST_OK;
    for (size_t i = 0; list->set && i < list->u.list.count && rc == MST_OK; i++)
        rc = add_choice(c, list->u.list.items[i], err);
    if (list->set || in->c->metadata.n == 0)
        return rc;
    rc = mst_json_parse(s->parser, in->c->metadata, in->arena, &meta, NULL, err);
    if (rc != MST_OK)
        return rc;
    from = mst_json_get(meta, "choices");
    if (mst_json_is(from, MST_JSON_OBJ))
        from = mst_json_get(from, "text");
    if (from != NULL && from->type != MST_JSON_NULL && !mst_json_is(from, MST_JSON_ARR))
        return MST_ERR(err, MST_INVAL,
                       "\"choices\" of the case's metadata is neither a list nor an object with \"text\"");
    for (uint32_t i = 0; mst_json_is(from, MST_JSON_ARR) && i < from->count && rc == MST_OK; i++) {
        mst_str_t text;
        if (mst_json_str(mst_json_at(from, i), &text))
            rc = add_choice(c, text, err);
        else
            rc = MST_ERR(err, MST_INVAL, "choice %u of the case's metadata is not a text", i + 1);
    }
    return rc;
}

// The letter of the expected answer, which is a letter or the text of a choice.
static mst_rc
expected_letter(const mst_choices_t *c, mst_str_t expected, char *out, mst_err_t *err)
{
    *out = mst_choice_letter_alone(expected);
    for (size_t i = 0; *out == '\0' && i < c->count; i++) {
        if (mst_str_eq(mst_utf8_trim(expected), mst_utf8_trim(c->items[i])))
            *out = (char)('A' + i);
    }
    if (*out != '\0')
        return MST_OK;
    return MST_ERR(err, MST_INVAL, "the expected answer \"%.*s\" is neither a letter nor one of the choices",
                   MST_FMT(mst_str_cut(expected, 60)));
}

// What the answer chose, as it is shown; and whether that is the expected one.
static mst_rc
find(state_t *s, const mst_score_in_t *in, mst_str_t expected, char room[3], mst_str_t *got, bool *right,
     mst_err_t *err)
{
    mst_choices_t c = {.count = 0};
    char want = '\0', letter = '\0';
    mst_rc rc = s->by == BY_LETTER || s->by == BY_MULTI ? read_choices(s, in, &c, err) : MST_OK;
    if (rc == MST_OK && (s->by == BY_LETTER || s->by == BY_MULTI))
        rc = expected_letter(&c, expected, &want, err);
    if (rc != MST_OK)
        return rc;
    switch (s->by) {
    case BY_LETTER:
        rc = mst_choice_letter(s->letters, &c, in->output, &s->text, &letter, err);
        room[0] = letter;
        *got = mst_str(room, letter != '\0' ? 1 : 0);
        *right = letter == want;
        return rc;
    case BY_MULTI:
        rc = mst_choice_multi(&s->multi, &c, in->output, room, got, err);
        *right = mst_choice_letter_alone(*got) == want;
        return rc;
    case BY_REGEX:
        rc = mst_choice_regex(s->multi.pattern, in->output, s->multi.last, got, err);
        *got = rc == MST_NOTFOUND ? MST_STR("[invalid]") : *got;
        break;
    case BY_ANSWER_IS:
        *got = mst_choice_answer_is(in->output);
        break;
    }
    *right = mst_str_eq(*got, mst_utf8_trim(expected));
    return rc == MST_NOTFOUND ? MST_OK : rc;
}

static mst_str_t
breakdown(mst_str_t got, mst_arena_t *arena)
{
    mst_buf_t text;
    mst_jw_t w;
    mst_buf_init(&text, 64 * MST_KIB);
    mst_jw_init(&w, &text);
    mst_jw_obj(&w);
    mst_jw_key(&w, "extracted");
    mst_jw_str(&w, mst_str_cut(got, 4 * MST_KIB));
    mst_jw_obj_end(&w);
    mst_str_t out = text.failed ? MST_STR_NULL : mst_arena_dup(arena, mst_buf_view(&text), NULL);
    mst_buf_deinit(&text);
    return out;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    mst_str_t expected, got = MST_STR_NULL;
    char room[3];
    bool right = false;
    mst_rc rc = mst_score_reference(s->cfg, in->c, &expected, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    rc = find(s, in, expected, room, &got, &right, err);
    if (rc != MST_OK)
        return rc;
    out->value = right ? 1.0 : 0.0;
    out->breakdown = breakdown(got, in->arena);
    if (right)
        out->reason = MST_STR("the answer chooses the expected one");
    else if (got.n == 0 || mst_str_eq_c(got, "[invalid]"))
        out->reason = MST_SAY(in->arena, MST_T("no choice found in "), MST_X(in->output));
    else
        out->reason =
            MST_SAY(in->arena, MST_T("expected "), MST_X(expected), MST_T(", the answer chooses "), MST_X(got));
    return MST_OK;
}

const mst_scorer_t mst_scorer_choice = {
    .kind = {.name = "choice",
             .aliases = "multiple_choice",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "1 when the answer chooses the expected one of several"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
