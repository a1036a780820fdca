// Log-likelihoods: of continuations of one context, and of a long text window by window. Texts are cut between
// characters and, where one is near, in front of white space, which is where tokens of most vocabularies begin.
#include "worker/core/plan_internal.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static mst_str_t
join(mst_arena_t *arena, mst_str_t a, mst_str_t b, mst_str_t c)
{
    char *p = mst_arena_alloc_raw(arena, a.n + b.n + c.n + 1);
    if (p == NULL)
        return MST_STR_NULL;
    const mst_str_t parts[] = {a, b, c};
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].n > 0)
            memcpy(p + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    return mst_str(p, n);
}

// The system prompt stands in front as plain text: there is no chat template on this way.
static mst_rc
set_context(mst_plan_t *p, mst_err_t *err)
{
    if (p->c.input.n == 0)
        return MST_ERR(err, MST_INVAL, "it has no input text that a continuation could follow");
    p->context = p->c.input;
    if (p->system_prompt.n > 0)
        p->context = join(p->arena, p->system_prompt, MST_STR("\n\n"), p->c.input);
    return p->context.n > 0 ? MST_OK : MST_ERR(err, MST_LIMIT, "its input is too large");
}

// `choices` of the metadata: a list of texts, or an object whose member "text" is one.
static const mst_json_t *
choices_of(const mst_json_t *metadata)
{
    const mst_json_t *v = mst_json_get(metadata, "choices");
    if (mst_json_is(v, MST_JSON_OBJ))
        v = mst_json_get(v, "text");
    return mst_json_is(v, MST_JSON_ARR) ? v : NULL;
}

static mst_rc
read_choices(mst_plan_t *p, mst_err_t *err)
{
    const mst_json_t *metadata = NULL;
    if (p->c.metadata.n == 0)
        return MST_OK;
    mst_rc rc = mst_json_parse_lenient(p->c.metadata, p->arena, &metadata, err);
    const mst_json_t *list = rc == MST_OK ? choices_of(metadata) : NULL;
    if (list == NULL)
        return rc;
    if (list->count == 0 || list->count > MST_PLAN_CHOICES_MAX)
        return MST_ERR(err, MST_INVAL, "it has %u choices; 1 to %d are possible", list->count, MST_PLAN_CHOICES_MAX);
    mst_str_t *texts = MST_ARENA_ARRAY(p->arena, mst_str_t, list->count);
    if (texts == NULL)
        return MST_ERR(err, MST_LIMIT, "its choices are too large");
    for (uint32_t i = 0; i < list->count; i++)
        if (!mst_json_str(mst_json_at(list, i), &texts[i]) || texts[i].n == 0)
            return MST_ERR(err, MST_INVAL, "choice %u of %u is no text, or empty", i + 1, list->count);
    p->choices = texts;
    p->choice_count = list->count;
    return MST_OK;
}

mst_rc
mst_plan_likely_begin(mst_plan_t *p, mst_err_t *err)
{
    mst_rc rc = set_context(p, err);
    if (rc == MST_OK)
        rc = read_choices(p, err);
    if (rc != MST_OK)
        return rc;
    if (p->cfg->kind == MST_REQUEST_MULTIPLE_CHOICE && p->choice_count < 2)
        return MST_ERR(err, MST_INVAL,
                       "it has %u choices; multiple_choice needs at least 2 (field choices, or "
                       "field_mapping: {choices: ...})",
                       p->choice_count);
    if (p->choices != NULL)
        return MST_OK;
    if (!p->c.has_expected || p->c.expected.n == 0)
        return MST_ERR(err, MST_INVAL, "it has neither an expected answer nor choices whose likelihood could be asked");
    p->choices = &p->c.expected;
    p->choice_count = 1;
    return MST_OK;
}

void
mst_plan_likely_next(mst_plan_t *p)
{
    if (p->step_count >= p->choice_count)
        return;
    mst_str_t text = p->choices[p->step_count];
    bool parted = is_blank(text.p[0]) || is_blank(p->context.p[p->context.n - 1]);
    p->ask.kind = MST_ASK_LOGLIKELIHOOD;
    p->ask.context = p->context;
    p->ask.continuation = parted ? text : join(p->arena, p->cfg->delimiter, text, MST_STR_NULL);
    p->asking = p->ask.continuation.n > 0;
}

mst_rc
mst_plan_windows_begin(mst_plan_t *p, mst_err_t *err)
{
    return p->c.input.n > 0 ? MST_OK : MST_ERR(err, MST_INVAL, "it has no input text whose perplexity could be asked");
}

// Where the text stands after so many characters from byte `from`.
static size_t
forward(mst_str_t s, size_t from, int64_t characters)
{
    uint32_t cp;
    while (from < s.n && characters-- > 0)
        from += mst_utf8_next(mst_str(s.p + from, s.n - from), &cp);
    return from < s.n ? from : s.n;
}

static size_t
backward(mst_str_t s, size_t from, int64_t characters)
{
    while (from > 0 && characters > 0) {
        from--;
        characters -= ((unsigned char)s.p[from] & 0xc0) != 0x80;
    }
    return from;
}

// The last place in front of white space in the later half of a stretch; its end when there is none.
static size_t
at_blank(mst_str_t s, size_t from, size_t to)
{
    if (to >= s.n)
        return s.n;
    for (size_t i = to; i > from + (to - from) / 2; i--)
        if (is_blank(s.p[i]) && !is_blank(s.p[i - 1]))
            return i;
    return to;
}

void
mst_plan_windows_next(mst_plan_t *p)
{
    mst_str_t s = p->c.input;
    if (p->at >= s.n)
        return;
    bool first = p->at == 0;
    int64_t fresh = p->cfg->window == 0 ? INT64_MAX : first ? p->cfg->window : p->cfg->stride;
    size_t to = at_blank(s, p->at, forward(s, p->at, fresh));
    size_t from = first ? 0 : backward(s, p->at, p->cfg->window - p->cfg->stride);
    p->ask.kind = from < p->at ? MST_ASK_LOGLIKELIHOOD : MST_ASK_ROLLING;
    p->ask.context = mst_str(s.p + from, p->at - from);
    p->ask.continuation = mst_str(s.p + p->at, to - p->at);
    p->at = to;
    p->asking = true;
}
