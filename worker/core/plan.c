// Steps are kept as they come; what the case's own completion says is decided once, at the end: the last turn, the
// likeliest choice, or all windows together.
#include "worker/core/plan_internal.h"

#include "common/base/limits.h"

#include <math.h>
#include <stdlib.h>

#define PLAN_ARENA (8 * MST_CASE_BYTES_MAX)

mst_plan_t *
mst_plan_new(const mst_request_cfg_t *cfg, mst_str_t system_prompt, uint32_t repeat_no)
{
    mst_plan_t *p = MST_NEW(mst_plan_t);
    p->cfg = cfg;
    p->system_prompt = system_prompt;
    p->repeat_no = repeat_no;
    p->arena = mst_arena_new(PLAN_ARENA);
    mst_buf_init(&p->talk, MST_HTTP_BODY_MAX);
    return p;
}

void
mst_plan_free(mst_plan_t **plan)
{
    mst_plan_t *p = plan != NULL ? *plan : NULL;
    if (p == NULL)
        return;
    mst_buf_deinit(&p->talk);
    mst_arena_free(&p->arena);
    free(p->steps);
    free(p->events);
    free(p->logprobs);
    free(p);
    *plan = NULL;
}

mst_arena_t *
mst_plan_arena(mst_plan_t *p)
{
    return p->arena;
}

static mst_rc
next(mst_plan_t *p, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    p->asking = false;
    p->ask = (mst_ask_t){.c = &p->c, .repeat_no = p->repeat_no, .step_no = p->step_count};
    switch (p->cfg->kind) {
    case MST_REQUEST_GENERATE:
    case MST_REQUEST_CONVERSATION:
        rc = mst_plan_talk_next(p, err);
        break;
    case MST_REQUEST_LOGLIKELIHOOD:
    case MST_REQUEST_MULTIPLE_CHOICE:
        mst_plan_likely_next(p);
        break;
    case MST_REQUEST_PERPLEXITY:
        mst_plan_windows_next(p);
        break;
    }
    return rc;
}

mst_rc
mst_plan_begin(mst_plan_t *p, const mst_case_t *c, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    p->c = *c;
    switch (p->cfg->kind) {
    case MST_REQUEST_GENERATE:
    case MST_REQUEST_CONVERSATION:
        rc = mst_plan_talk_begin(p, err);
        break;
    case MST_REQUEST_LOGLIKELIHOOD:
    case MST_REQUEST_MULTIPLE_CHOICE:
        rc = mst_plan_likely_begin(p, err);
        break;
    case MST_REQUEST_PERPLEXITY:
        rc = mst_plan_windows_begin(p, err);
        break;
    }
    if (rc == MST_OK)
        rc = next(p, err);
    if (rc == MST_OK && !p->asking)
        rc = MST_ERR(err, MST_INVAL, "nothing in it is to be answered");
    if (rc != MST_OK)
        mst_err_prefix(err, "case \"%.*s\"", MST_FMT(mst_str_cut(c->id, 100)));
    return rc;
}

uint32_t
mst_plan_asks(const mst_request_cfg_t *cfg)
{
    switch (cfg->kind) {
    case MST_REQUEST_GENERATE:
    case MST_REQUEST_CONVERSATION:
        break;
    case MST_REQUEST_LOGLIKELIHOOD:
    case MST_REQUEST_MULTIPLE_CHOICE:
        return MST_ASK_BIT(MST_ASK_LOGLIKELIHOOD);
    case MST_REQUEST_PERPLEXITY:
        return MST_ASK_BIT(MST_ASK_ROLLING) | (cfg->window > cfg->stride ? MST_ASK_BIT(MST_ASK_LOGLIKELIHOOD) : 0);
    }
    return MST_ASK_BIT(MST_ASK_GENERATE);
}

mst_rc
mst_plan_possible(const mst_request_cfg_t *cfg, const char *provider, uint32_t asks, mst_err_t *err)
{
    if ((mst_plan_asks(cfg) & ~asks) == 0)
        return MST_OK;
    return MST_ERR(err, MST_UNSUPPORTED, "provider %s has no route for log-likelihoods, which requests of kind %s need",
                   provider, mst_request_kind_name(cfg->kind));
}

const mst_case_t *
mst_plan_case(const mst_plan_t *p)
{
    return &p->c;
}

const mst_ask_t *
mst_plan_ask(const mst_plan_t *p)
{
    return p->asking ? &p->ask : NULL;
}

uint32_t
mst_plan_step_no(const mst_plan_t *p)
{
    return p->step_count;
}

int64_t
mst_plan_wait_ns(const mst_plan_t *p)
{
    return p->wait_ns;
}

void
mst_plan_set_wait(mst_plan_t *p, int64_t wait_ns)
{
    p->wait_ns = wait_ns;
}

void
mst_plan_count(mst_plan_t *p, uint32_t attempts)
{
    p->attempts += attempts;
}

uint32_t
mst_plan_attempts(const mst_plan_t *p)
{
    return p->attempts;
}

int64_t *
mst_plan_started(mst_plan_t *p)
{
    return &p->started_wall_ns;
}

// Room for more items in a heap list of at most MST_TOKENS_MAX.
static bool
room(void *list, uint32_t count, uint32_t more, uint32_t *cap, size_t item)
{
    void **at = list;
    if (more > MST_TOKENS_MAX - count)
        return false;
    if (count + more <= *cap)
        return true;
    uint32_t grown = *cap > 0 ? *cap : 256;
    while (grown < count + more)
        grown *= 2;
    void *p = realloc(*at, grown * item);
    if (p == NULL)
        return false;
    *at = p;
    *cap = grown;
    return true;
}

static mst_rc
keep_lists(mst_plan_t *p, const mst_completion_t *c, mst_err_t *err)
{
    uint32_t events = c->events != NULL ? c->event_count : 0, logprobs = c->logprobs != NULL ? c->logprob_count : 0;
    if (!room(&p->events, p->event_count, events, &p->event_cap, sizeof *p->events) ||
        !room(&p->logprobs, p->logprob_count, logprobs, &p->logprob_cap, sizeof *p->logprobs))
        return MST_ERR(err, MST_LIMIT, "the steps of a case have more than %d token events", MST_TOKENS_MAX);
    if (events > 0)
        memcpy(p->events + p->event_count, c->events, events * sizeof *p->events);
    if (logprobs > 0)
        memcpy(p->logprobs + p->logprob_count, c->logprobs, logprobs * sizeof *p->logprobs);
    p->event_count += events;
    p->logprob_count += logprobs;
    return MST_OK;
}

static int64_t
rounded(double ns)
{
    return isfinite(ns) && ns >= 0.0 && ns < 9e18 ? (int64_t)(ns + 0.5) : MST_NONE;
}

static mst_rc
keep_step(mst_plan_t *p, mst_outcome_t outcome, const mst_completion_t *c, mst_err_t *err)
{
    bool ok = true;
    if (p->step_count == p->step_cap) {
        p->step_cap = p->step_cap > 0 ? 2 * p->step_cap : 8;
        p->steps = mst_xrealloc(p->steps, p->step_cap * sizeof *p->steps);
    }
    if (p->step_count == 0)
        p->first_send_ns = c->send_mono_ns;
    bool sent = c->send_mono_ns != MST_NONE && p->first_send_ns != MST_NONE;
    mst_str_t text = p->ask.kind == MST_ASK_GENERATE                              ? c->text
                     : p->ask.kind == MST_ASK_LOGLIKELIHOOD && p->choices != NULL ? p->choices[p->step_count]
                                                                                  : MST_STR_NULL;
    p->steps[p->step_count] = (mst_step_t){
        .kind = p->ask.kind,
        .no = p->step_count,
        .outcome = outcome,
        .text = mst_arena_dup(p->arena, text, &ok),
        .finish_reason = mst_arena_dup(p->arena, c->finish_reason, &ok),
        .at_ns = sent && c->send_mono_ns >= p->first_send_ns ? c->send_mono_ns - p->first_send_ns : MST_NONE,
        .queue_ns = c->queue_ns,
        .ttfb_ns = c->ttfb_ns,
        .ttft_ns = c->ttft_ns,
        .ttfo_ns = c->ttfo_ns,
        .last_token_ns = c->last_token_ns,
        .close_ns = c->close_ns,
        .tpot_ns = rounded(mst_completion_tpot_ns(c)),
        .prompt_tokens = c->prompt_tokens,
        .completion_tokens = c->completion_tokens,
        .reasoning_tokens = c->reasoning_tokens,
        .usage_tokens = c->usage_tokens,
        .token_source = c->token_source,
        .attempts = c->attempts,
        .merged_reads = c->merged_reads,
        .event_count = c->events != NULL ? c->event_count : 0,
        .logprob_count = c->logprobs != NULL ? c->logprob_count : 0,
        .conn_reused = c->conn_reused,
        .cached = c->cached,
        .has_loglik = c->has_loglik,
        .loglik_greedy = c->loglik_greedy,
        .loglik_greedy_known = c->loglik_greedy_known,
        .loglik_merged = c->loglik_merged,
        .loglik_tokens = c->loglik_tokens,
        .loglik = c->loglik,
    };
    if (!ok)
        return MST_ERR(err, MST_LIMIT, "the steps of a case are larger than %lu bytes", PLAN_ARENA);
    p->step_count++;
    return MST_OK;
}

mst_rc
mst_plan_take(mst_plan_t *p, mst_outcome_t outcome, const mst_completion_t *done, mst_err_t *err)
{
    if (p->ask.kind != MST_ASK_GENERATE && (!done->has_loglik || isnan(done->loglik)))
        return MST_ERR(err, MST_PROTO, "the backend gave %s log-likelihood of the text that it was asked about",
                       done->has_loglik ? "NaN as" : "no");
    if (p->step_count == MST_STEPS_MAX)
        return MST_ERR(err, MST_LIMIT, "a case takes more than %d requests", MST_STEPS_MAX);
    mst_rc rc = keep_lists(p, done, err);
    if (rc == MST_OK)
        rc = keep_step(p, outcome, done, err);
    if (rc == MST_OK && p->ask.kind == MST_ASK_GENERATE)
        rc = mst_plan_talk_answer(p, done, err);
    return rc == MST_OK ? next(p, err) : rc;
}

mst_steps_t
mst_plan_steps(const mst_plan_t *p)
{
    mst_steps_t s = {.kind = mst_str_c(mst_request_kind_name(p->cfg->kind)),
                     .scored = MST_STEP_ALL,
                     .items = p->steps,
                     .count = p->step_count};
    if (p->cfg->kind == MST_REQUEST_PERPLEXITY || s.count == 0)
        return s;
    s.scored = s.count - 1;
    if (p->cfg->kind == MST_REQUEST_CONVERSATION)
        return s;
    s.scored = 0;
    for (uint32_t i = 1; i < s.count; i++) // the first of the likeliest
        if (p->steps[i].loglik > p->steps[s.scored].loglik)
            s.scored = i;
    return s;
}

mst_completion_t
mst_plan_events(const mst_plan_t *p)
{
    return (mst_completion_t){
        .events = p->events, .event_count = p->event_count, .logprobs = p->logprobs, .logprob_count = p->logprob_count};
}

// a + b where both are known.
static int64_t
sum(int64_t a, int64_t b)
{
    return a == MST_NONE || b == MST_NONE ? MST_NONE : a + b;
}

// Windows have no first token of their own to speak of: the times spent at the backend add up.
static void
add_windows(const mst_plan_t *p, mst_completion_t *done)
{
    done->text = p->c.input;
    done->send_mono_ns = p->first_send_ns;
    if (p->step_count == 1)
        return;
    done->ttfb_ns = done->ttft_ns = done->ttfo_ns = done->close_ns = MST_NONE;
    done->queue_ns = p->steps[0].queue_ns;
    done->last_token_ns = done->prompt_tokens = done->completion_tokens = 0;
    for (uint32_t i = 0; i < p->step_count; i++) {
        done->last_token_ns = sum(done->last_token_ns, p->steps[i].last_token_ns);
        done->prompt_tokens = sum(done->prompt_tokens, p->steps[i].prompt_tokens);
        done->completion_tokens = sum(done->completion_tokens, p->steps[i].completion_tokens);
    }
}

mst_outcome_t
mst_plan_finish(const mst_plan_t *p, mst_completion_t *done)
{
    mst_steps_t s = mst_plan_steps(p);
    mst_completion_t all = mst_plan_events(p);
    MST_ASSERT(p->step_count > 0);
    done->events = all.events;
    done->event_count = all.event_count;
    done->logprobs = all.logprobs;
    done->logprob_count = all.logprob_count;
    if (s.scored == MST_STEP_ALL)
        add_windows(p, done);
    else if (p->first_send_ns != MST_NONE)
        done->send_mono_ns = sum(p->first_send_ns, p->steps[s.scored].at_ns);
    mst_steps_apply(&s, done);
    done->attempts = p->attempts;
    return s.scored == MST_STEP_ALL ? MST_OUT_SCORED : p->steps[s.scored].outcome;
}
