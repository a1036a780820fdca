// Texts go one behind the other into one buffer, which moves as it grows: while it is filled a slice in it has a
// length and no place, and `settle` gives them their places in the same order.
#include "sim/answer.h"

#include "common/base/hash.h"
#include "common/base/limits.h"
#include "sim/instance.h"
#include "sim/words.h"

#define STOCK_MAX (MST_HTTP_BODY_MAX + 2 * MST_MIB)

const char *
mst_sim_event_name(mst_sim_event_kind_t kind)
{
    static const char *const names[] = {"role",  "reasoning", "content", "refusal", "tool", "finish",
                                        "usage", "done",      "end",     "body",    "error"};
    return names[kind];
}

void
mst_sim_stock_each(mst_sim_stock_t *s, void (*fn)(mst_buf_t *b))
{
    fn(&s->text);
    fn(&s->lens);
    fn(&s->choices);
    fn(&s->parts);
}

void
mst_sim_stock_init(mst_sim_stock_t *s)
{
    mst_buf_init(&s->text, STOCK_MAX);
    mst_buf_init(&s->lens, STOCK_MAX);
    mst_buf_init(&s->choices, MST_SIM_CHOICES_MAX * sizeof(mst_sim_choice_t));
    mst_buf_init(&s->parts, MST_SIM_CHOICES_MAX * (MST_SIM_CALLS_MAX + 2) * sizeof(mst_sim_part_t));
}

void
mst_sim_stock_deinit(mst_sim_stock_t *s)
{
    mst_sim_stock_each(s, mst_buf_deinit);
}

// What the making of one answer works with.
typedef struct {
    const mst_sim_opts_t *o;
    const mst_sim_request_t *q;
    const mst_sim_plan_t *plan;
    const mst_sim_reply_t *reply;
    mst_sim_stock_t *stock;
    uint64_t seed; // of the choice
    uint32_t part_count;
} maker_t;

// A text in the stock that has been added since `from`: no place yet.
static mst_str_t
added(const maker_t *m, size_t from)
{
    return mst_str(NULL, m->stock->text.n - from);
}

static void
add_part(maker_t *m, mst_sim_event_kind_t kind, mst_str_t name, mst_str_t text)
{
    mst_sim_part_t p = {.kind = kind, .name = name, .text = text};
    if (text.n == 0)
        return;
    mst_buf_add(&m->stock->parts, &p, sizeof p);
    m->part_count++;
}

// The function of a tool in OpenAI's shape and in Anthropic's.
static const mst_json_t *
function_of(const mst_json_t *tool)
{
    const mst_json_t *f = mst_json_get(tool, "function");
    return f != NULL ? f : tool;
}

static void
add_call(maker_t *m, const mst_json_t *tool, uint32_t call_no)
{
    const mst_json_t *f = function_of(tool), *schema = mst_json_get(f, "parameters");
    mst_buf_t *text = &m->stock->text;
    mst_str_t name = MST_STR("tool");
    (void)mst_json_str(mst_json_get(f, "name"), &name);
    size_t from = text->n;
    mst_buf_add_str(text, name);
    mst_str_t kept = added(m, from);
    from = text->n;
    schema = schema != NULL ? schema : mst_json_get(f, "input_schema");
    mst_sim_instance(schema, mst_sim_mix(m->seed, call_no + 1), text);
    add_part(m, MST_SIM_EV_TOOL, kept, added(m, from));
}

static void
add_calls(maker_t *m)
{
    const mst_json_t *tools = m->q->tools;
    uint32_t count = m->o->tool_calls > 0 ? m->o->tool_calls : 1;
    uint32_t from = (uint32_t)(mst_sim_mix(m->seed, 0) % tools->count);
    for (uint32_t i = 0; i < count; i++) {
        const mst_json_t *tool = mst_json_at(tools, (from + i) % tools->count);
        for (uint32_t k = 0; m->q->tool_name.n > 0 && k < tools->count; k++) {
            mst_str_t name = MST_STR_NULL;
            (void)mst_json_str(mst_json_get(function_of(mst_json_at(tools, k)), "name"), &name);
            tool = mst_str_eq(name, m->q->tool_name) ? mst_json_at(tools, k) : tool;
        }
        add_call(m, tool, i);
    }
}

static bool
calls_tools(const maker_t *m)
{
    const mst_json_t *tools = m->q->tools;
    return m->reply == NULL && mst_json_is(tools, MST_JSON_ARR) && tools->count > 0 &&
           (m->o->tool_calls > 0 || m->q->tool_needed);
}

static void
add_text(maker_t *m, const mst_sim_prompt_t *prompt, uint32_t tokens)
{
    mst_buf_t *text = &m->stock->text;
    size_t from = text->n;
    if (m->plan->refuses)
        mst_buf_add_str(text, MST_STR("I cannot help with that."));
    else if (m->reply != NULL)
        mst_buf_add_str(text, m->reply->text);
    else if (m->q->json)
        mst_sim_instance(m->q->schema, m->seed, text);
    else if (m->o->echo)
        mst_buf_add_str(text, prompt != NULL ? prompt->text : m->q->prompt);
    else
        mst_sim_words(m->seed, tokens, text);
    add_part(m, m->plan->refuses && !m->q->plain ? MST_SIM_EV_REFUSAL : MST_SIM_EV_CONTENT, MST_STR_NULL,
             added(m, from));
}

// The prompt is kept where it is to be told back.
static void
keep_prompt(maker_t *m, const mst_sim_prompt_t *p, mst_sim_choice_t *c)
{
    const mst_sim_wish_t *w = &m->q->wish;
    c->prompt.tokens = p->tokens;
    if (!w->echo && !w->token_ids && w->prompt_top < 0)
        return;
    size_t from = m->stock->text.n;
    mst_buf_add_str(&m->stock->text, p->text);
    c->prompt.text = added(m, from);
    if (p->lens != NULL)
        mst_buf_add(&m->stock->lens, p->lens, p->tokens);
}

static void
add_choice(maker_t *m, uint32_t prompt_no, uint32_t sample_no)
{
    mst_sim_share_t share;
    const mst_sim_prompt_t *prompt = &m->q->prompts[prompt_no];
    uint64_t salt = m->q->prompt_count > 1 ? mst_xxh64(prompt->text, 1) | 1 : 0;
    mst_sim_choice_t c = {0};
    mst_sim_plan_share(m->o, m->plan, salt, sample_no, &share);
    m->seed = c.seed = share.seed;
    m->part_count = 0;
    keep_prompt(m, prompt, &c);
    size_t from = m->stock->text.n;
    if (m->q->plain || m->q->no_reasoning)
        share.reasoning_tokens = 0;
    else if (m->reply != NULL && m->reply->reasoning.n > 0)
        mst_buf_add_str(&m->stock->text, m->reply->reasoning);
    if (share.reasoning_tokens > 0 && m->stock->text.n == from)
        mst_sim_words(share.seed + 1, share.reasoning_tokens, &m->stock->text);
    add_part(m, MST_SIM_EV_REASONING, MST_STR_NULL, added(m, from));
    if (calls_tools(m))
        add_calls(m);
    else
        add_text(m, m->q->prompt_count > 1 ? prompt : NULL, share.tokens);
    c.part_count = m->part_count;
    if (m->reply != NULL) {
        c.finish_given = m->reply->finish_reason;
        c.logprobs = m->reply->logprobs;
        c.logprob_count = m->reply->logprob_count;
    }
    mst_buf_add(&m->stock->choices, &c, sizeof c);
}

static void
place(mst_str_t *s, const char **at)
{
    s->p = *at;
    *at += s->n;
}

// Gives every slice its place, in the order in which the texts were added.
static void
settle(mst_sim_stock_t *stock, const char *at, bool with_lens)
{
    mst_sim_choice_t *choices = (mst_sim_choice_t *)(void *)stock->choices.p;
    mst_sim_part_t *part = (mst_sim_part_t *)(void *)stock->parts.p;
    const uint8_t *lens = (const uint8_t *)stock->lens.p;
    for (size_t i = 0; i < stock->choices.n / sizeof *choices; i++) {
        mst_sim_choice_t *c = &choices[i];
        place(&c->prompt.text, &at);
        if (with_lens && c->prompt.text.n > 0) {
            c->prompt.lens = lens;
            lens += c->prompt.tokens;
        }
        c->parts = part;
        for (uint32_t k = 0; k < c->part_count; k++, part++) {
            if (part->name.n > 0)
                place(&part->name, &at);
            place(&part->text, &at);
        }
    }
}

// Ends the text before the first of the request's stop texts.
static void
apply_stops(const mst_sim_request_t *q, mst_sim_choice_t *c, mst_sim_part_t *part)
{
    int64_t first = -1;
    for (uint32_t i = 0; i < q->stop_count; i++) {
        int64_t at = q->stops[i].n > 0 ? mst_str_find(part->text, q->stops[i], 0) : -1;
        if (at < 0 || (first >= 0 && at >= first))
            continue;
        first = at;
        c->stop = mst_str(part->text.p + at, q->stops[i].n);
    }
    if (first >= 0)
        part->text.n = (size_t)first;
}

static mst_sim_finish_t
finish_of(const mst_sim_choice_t *c, const mst_sim_part_t *parts)
{
    mst_sim_event_kind_t last = c->part_count > 0 ? parts[c->part_count - 1].kind : MST_SIM_EV_CONTENT;
    if (c->finish_given.n > 0)
        return MST_SIM_FINISH_GIVEN;
    return last == MST_SIM_EV_TOOL      ? MST_SIM_FINISH_TOOLS
           : last == MST_SIM_EV_REFUSAL ? MST_SIM_FINISH_REFUSAL
                                        : MST_SIM_FINISH_STOP;
}

// Counts the tokens of all parts and cuts behind the last one that the request allows.
static void
cut(const mst_sim_request_t *q, mst_sim_choice_t *c, mst_sim_part_t *parts)
{
    uint64_t left = q->tokens_max_given ? q->tokens_max : UINT64_MAX;
    bool lost = false;
    c->finish = finish_of(c, parts);
    for (uint32_t i = 0; i < c->part_count; i++) {
        mst_sim_part_t *p = &parts[i];
        size_t at = 0;
        if (p->kind == MST_SIM_EV_CONTENT)
            apply_stops(q, c, p);
        for (; at < p->text.n && left > 0; left--, p->tokens++)
            at += mst_sim_token(mst_str(p->text.p + at, p->text.n - at)).n;
        lost = lost || at < p->text.n;
        p->text.n = at;
        c->tokens += p->tokens;
        c->reasoning_tokens += p->kind == MST_SIM_EV_REASONING ? p->tokens : 0;
    }
    if (lost) {
        c->finish = MST_SIM_FINISH_LENGTH;
        c->stop = MST_STR_NULL;
    }
    while (c->part_count > 0 && parts[c->part_count - 1].text.n == 0)
        c->part_count--;
}

bool
mst_sim_answer_make(const mst_sim_opts_t *o, const mst_sim_request_t *q, const mst_sim_plan_t *plan,
                    const mst_sim_reply_t *reply, mst_sim_stock_t *stock, mst_sim_answer_t *out)
{
    maker_t m = {.o = o, .q = q, .plan = plan, .reply = reply, .stock = stock};
    mst_sim_stock_each(stock, mst_buf_reset);
    mst_buf_add_str(&stock->text, o->model != NULL ? mst_str_c(o->model) : q->model.n > 0 ? q->model : MST_STR("sim"));
    size_t model_n = stock->text.n;
    for (uint32_t i = 0; i < q->prompt_count; i++)
        for (uint32_t k = 0; k < q->wish.n; k++)
            add_choice(&m, i, k);
    if (stock->text.failed || stock->lens.failed || stock->choices.failed || stock->parts.failed)
        return false;
    settle(stock, stock->text.p + model_n, stock->lens.n > 0);
    mst_sim_choice_t *choices = (mst_sim_choice_t *)(void *)stock->choices.p;
    mst_sim_part_t *part = (mst_sim_part_t *)(void *)stock->parts.p;
    *out = (mst_sim_answer_t){.opts = o,
                              .id = plan->attempt_seed,
                              .model = mst_str(stock->text.p, model_n),
                              .choices = choices,
                              .choice_count = q->prompt_count * q->wish.n,
                              .wish = q->wish};
    for (uint32_t i = 0; i < q->prompt_count; i++)
        out->prompt_tokens += q->prompts[i].tokens;
    for (uint32_t i = 0; i < out->choice_count; i++) {
        uint32_t parts = choices[i].part_count;
        cut(q, &choices[i], part);
        part += parts;
        out->tokens += choices[i].tokens;
        out->reasoning_tokens += choices[i].reasoning_tokens;
    }
    if (o->usage == MST_SIM_USAGE_ABSENT)
        out->wish.include_usage = out->wish.usage_each = false;
    return true;
}
