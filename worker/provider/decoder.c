// What every decoder does: buffers and lists with caps, the stamps of first and last token, counting tokens, and the
// outcome that the bytes stand for.
#include "worker/provider/provider.h"

#include "common/base/limits.h"
#include "worker/provider/choices.h"
#include "worker/provider/error.h"
#include "worker/provider/extra.h"
#include "worker/provider/split.h"

#define EVENTS_FIRST 64

void
mst_decoder_init(mst_decoder_t *d, const mst_provider_t *p, mst_json_parser_t *json, mst_arena_t *arena,
                 mst_arena_t *scratch)
{
    *d = (mst_decoder_t){.provider = p, .json = json, .arena = arena, .scratch = scratch, .usage_tokens = MST_NONE};
    d->c.prompt_tokens = d->c.completion_tokens = d->c.reasoning_tokens = d->c.cached_tokens = MST_NONE;
    d->c.usage_tokens = MST_NONE;
    d->c.send_mono_ns = d->c.ttfb_ns = d->c.ttft_ns = d->c.ttfo_ns = MST_NONE;
    d->c.last_token_ns = d->c.close_ns = d->c.queue_ns = MST_NONE;
    d->c.attempts = 1;
    mst_buf_init(&d->text, MST_HTTP_BODY_MAX);
    mst_buf_init(&d->reasoning, MST_HTTP_BODY_MAX);
    mst_buf_init(&d->refusal, MST_HTTP_BODY_MAX);
    mst_buf_init(&d->tools, MST_HTTP_BODY_MAX);
    mst_buf_init(&d->fragments, MST_HTTP_BODY_MAX);
}

void
mst_decoder_deinit(mst_decoder_t *d)
{
    mst_buf_deinit(&d->text);
    mst_buf_deinit(&d->reasoning);
    mst_buf_deinit(&d->refusal);
    mst_buf_deinit(&d->tools);
    mst_buf_deinit(&d->fragments);
    mst_extra_free(d);
    mst_choices_free(d);
}

// A list twice as long, in the arena; NULL when it does not fit.
static void *
grow(mst_decoder_t *d, const void *old, uint32_t *cap, size_t size)
{
    uint32_t more = *cap == 0 ? EVENTS_FIRST : *cap * 2;
    void *p = *cap < MST_TOKENS_MAX ? mst_arena_alloc_raw(d->arena, more * size) : NULL;
    if (p == NULL)
        return NULL;
    if (*cap > 0)
        memcpy(p, old, *cap * size);
    *cap = more;
    return p;
}

mst_rc
mst_decoder_event(mst_decoder_t *d, mst_event_kind_t kind, uint32_t n_tokens, int64_t rx_ns, mst_err_t *err)
{
    if (d->c.event_count == d->event_cap) {
        mst_token_event_t *more = grow(d, d->events, &d->event_cap, sizeof *more);
        if (more == NULL)
            return MST_ERR(err, MST_LIMIT, "the answer has more than %u events", d->c.event_count);
        d->events = more;
    }
    d->events[d->c.event_count++] = (mst_token_event_t){.rx_ns = rx_ns, .kind = kind, .n_tokens = n_tokens};
    bool text = kind == MST_EV_CONTENT || kind == MST_EV_REASONING || kind == MST_EV_TOOL || kind == MST_EV_REFUSAL;
    if (!text && n_tokens == 0)
        return MST_OK;
    d->bare_events += n_tokens == 0;
    if (!d->c.streamed) {
        d->c.last_token_ns = rx_ns; // the whole answer came at once: there is no first token to tell apart
        return MST_OK;
    }
    if (d->c.ttft_ns < 0)
        d->c.ttft_ns = rx_ns;
    if (d->c.ttfo_ns < 0 && text && kind != MST_EV_REASONING)
        d->c.ttfo_ns = rx_ns;
    d->c.last_token_ns = rx_ns;
    return MST_OK;
}

mst_rc
mst_decoder_logprob(mst_decoder_t *d, float v, mst_err_t *err)
{
    if (d->c.logprob_count == d->logprob_cap) {
        float *more = grow(d, d->logprobs, &d->logprob_cap, sizeof *more);
        if (more == NULL)
            return MST_ERR(err, MST_LIMIT, "the answer has more than %u logprobs", d->c.logprob_count);
        d->logprobs = more;
    }
    d->logprobs[d->c.logprob_count++] = v;
    return MST_OK;
}

mst_rc
mst_decoder_alternative(mst_decoder_t *d, mst_str_t text, int64_t id, float v, mst_err_t *err)
{
    mst_completion_t *c = &d->c;
    uint32_t places = c->logprob_count;
    while (places > d->alternative_end_cap) {
        uint32_t before = d->alternative_end_cap;
        uint32_t *more = grow(d, d->alternative_ends, &d->alternative_end_cap, sizeof *more);
        if (more == NULL)
            return MST_ERR(err, MST_LIMIT, "the answer has more than %u logprobs", before);
        memset(more + before, 0, (d->alternative_end_cap - before) * sizeof *more);
        d->alternative_ends = more;
    }
    if (c->alternative_count == d->alternative_cap) {
        mst_alternative_t *more = grow(d, d->alternatives, &d->alternative_cap, sizeof *more);
        if (more == NULL)
            return MST_ERR(err, MST_LIMIT, "the answer has more than %u alternatives", c->alternative_count);
        d->alternatives = more;
    }
    mst_alternative_t *a = &d->alternatives[c->alternative_count];
    *a = (mst_alternative_t){.id = id, .logprob = v};
    mst_rc rc = mst_decoder_keep(d, &a->text, text, err);
    if (rc == MST_OK && places > 0)
        d->alternative_ends[places - 1] = ++c->alternative_count;
    return rc;
}

mst_rc
mst_decoder_text(mst_buf_t *to, mst_str_t s, mst_err_t *err)
{
    return mst_buf_add_str(to, s) == MST_OK
               ? MST_OK
               : MST_ERR(err, MST_LIMIT, "the answer is longer than %lu bytes", MST_HTTP_BODY_MAX);
}

mst_rc
mst_decoder_json(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, const mst_json_t **out,
                 mst_err_t *err)
{
    bool lenient = false;
    mst_err_t why;
    if (mst_json_parse(d->json, data, d->scratch, out, &lenient, &why) != MST_OK) {
        mst_rc rc = why.rc == MST_LIMIT ? MST_LIMIT : MST_PROTO;
        MST_ERR(err, rc, "event %u of the answer is not JSON: %s", d->c.event_count + 1, why.message);
        err->retry = rc == MST_PROTO ? MST_RETRY_LATER : MST_RETRY_NEVER;
        return rc;
    }
    d->c.lenient_json = d->c.lenient_json || lenient;
    // an error comes first: a reader that fills in defaults would make an empty chunk of it
    bool failed = mst_said_error(*out, 0, err);
    if (!failed && mst_str_eq(name, MST_STR("error"))) {
        MST_ERR(err, MST_IO, "the server broke off its answer with an error: %.*s", MST_FMT(mst_str_cut(data, 300)));
        failed = true;
        err->retry = MST_RETRY_LATER;
    }
    if (failed) {
        mst_rc rc = mst_decoder_event(d, MST_EV_ERROR, 0, rx_ns, NULL); // what the server said counts more
        return err->rc != MST_OK ? err->rc : rc;
    }
    return MST_OK;
}

mst_rc
mst_decoder_cut(const mst_decoder_t *d, mst_err_t *err)
{
    MST_ERR(err, MST_CLOSED, "the stream ended without its terminator, after %u events and %zu bytes of text",
            d->c.event_count, d->text.n);
    err->retry = MST_RETRY_LATER;
    return MST_CLOSED;
}

mst_rc
mst_decoder_keep(mst_decoder_t *d, mst_str_t *out, mst_str_t s, mst_err_t *err)
{
    if (out->n > 0 || s.n == 0)
        return MST_OK;
    bool ok = true;
    *out = mst_arena_dup(d->arena, s, &ok);
    return ok ? MST_OK : MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
}

static bool
has_text(const mst_token_event_t *e)
{
    return e->kind == MST_EV_CONTENT || e->kind == MST_EV_REASONING || e->kind == MST_EV_TOOL ||
           e->kind == MST_EV_REFUSAL;
}

// Spreads tokens that the server counted over the events with text that did not tell their number, as evenly as whole
// numbers go, the earlier ones first.
static void
spread(mst_decoder_t *d, int64_t tokens)
{
    uint64_t n = 0, given = 0, bare = d->bare_events;
    for (uint32_t i = 0; i < d->c.event_count; i++) {
        mst_token_event_t *e = &d->events[i];
        if (e->n_tokens > 0 || !has_text(e))
            continue;
        n++;
        uint64_t upto = ((uint64_t)tokens * n + bare - 1) / bare;
        e->n_tokens = (uint32_t)(upto - given);
        given = upto;
    }
}

// latency.md's order: one logprob per token; the server's count, per event or spread over the events; one per event.
static void
count_tokens(mst_decoder_t *d)
{
    mst_completion_t *c = &d->c;
    int64_t told = 0;
    c->usage_tokens = d->usage_tokens <= MST_TOKENS_MAX ? d->usage_tokens : MST_NONE;
    for (uint32_t i = 0; i < c->event_count; i++)
        told += d->events[i].n_tokens;
    if (d->bare_events == 0 && told > 0) {
        bool more = d->usage_tokens > told && d->usage_tokens <= MST_TOKENS_MAX && d->choices == NULL;
        c->token_source = d->counted_by_logprobs ? MST_TOK_LOGPROBS : MST_TOK_USAGE;
        c->completion_tokens = more && !d->counted_by_logprobs ? d->usage_tokens : told; // tokens that no event showed
    } else if (d->usage_tokens > 0 && d->usage_tokens <= MST_TOKENS_MAX && d->choices == NULL) {
        c->token_source = MST_TOK_USAGE;
        c->completion_tokens = d->usage_tokens;
        if (d->bare_events > 0 && d->usage_tokens > told)
            spread(d, d->usage_tokens - told);
    } else if (c->streamed && d->bare_events > 0) {
        c->token_source = MST_TOK_EVENTS;
        spread(d, d->bare_events);
        c->completion_tokens = told + d->bare_events;
    } else if (d->usage_tokens == 0 && d->bare_events == 0) {
        c->token_source = MST_TOK_USAGE;
        c->completion_tokens = 0;
    }
}

// A place without alternatives ends where the one before it does; places after the last one with any are added.
static void
set_alternatives(mst_decoder_t *d)
{
    mst_completion_t *c = &d->c;
    if (c->alternative_count == 0)
        return;
    uint32_t *ends = MST_ARENA_ARRAY(d->arena, uint32_t, c->logprob_count);
    if (ends == NULL) {
        c->alternative_count = 0; // they are no part of the answer itself
        return;
    }
    for (uint32_t i = 0, end = 0; i < c->logprob_count; i++) {
        if (i < d->alternative_end_cap && d->alternative_ends[i] > end)
            end = d->alternative_ends[i];
        ends[i] = end;
    }
    c->alternatives = d->alternatives;
    c->alternative_ends = ends;
}

static mst_rc
set_slices(mst_decoder_t *d, mst_err_t *err)
{
    mst_completion_t *c = &d->c;
    mst_rc rc = mst_decoder_keep(d, &c->text, mst_buf_view(&d->text), err);
    if (rc == MST_OK)
        rc = mst_decoder_keep(d, &c->reasoning, mst_buf_view(&d->reasoning), err);
    if (rc == MST_OK)
        rc = mst_decoder_keep(d, &c->refusal, mst_buf_view(&d->refusal), err);
    if (rc == MST_OK)
        rc = mst_decoder_keep(d, &c->tool_calls, mst_buf_view(&d->tools), err);
    if (rc == MST_OK)
        rc = mst_extra_close(d, err);
    if (rc == MST_OK)
        rc = mst_choices_close(d, err);
    c->events = d->events;
    c->logprobs = d->logprobs;
    set_alternatives(d);
    count_tokens(d);
    return rc;
}

static mst_outcome_t
measured(const mst_decoder_t *d)
{
    if (d->c.has_loglik || d->c.vector_count > 0)
        return MST_OUT_SCORED;
    if (d->c.refusal.n > 0 || d->filtered)
        return MST_OUT_REFUSED;
    if (d->truncated)
        return MST_OUT_TRUNCATED;
    return d->c.text.n == 0 && d->c.tool_calls.n == 0 ? MST_OUT_EMPTY : MST_OUT_SCORED;
}

static mst_outcome_t
failed(const mst_err_t *err)
{
    if (err->rc == MST_CLOSED)
        return MST_OUT_CONNECTION_LOST;
    if (err->rc == MST_LIMIT)
        return MST_OUT_TOO_LARGE;
    // a 429 that waiting will not cure (no money) is an error of the provider
    if (err->sub == 429 && err->retry != MST_RETRY_NEVER)
        return MST_OUT_RATE_LIMITED;
    return MST_OUT_PROVIDER_ERROR;
}

mst_outcome_t
mst_decoder_run(mst_decoder_t *d, const mst_exchange_t *x)
{
    mst_err_t err = {0};
    mst_rc rc = MST_OK;
    d->c.http_status = x->http_status;
    d->c.send_mono_ns = x->send_mono_ns;
    d->c.streamed = x->split != MST_SPLIT_BODY;
    if (x->http_status < 200 || x->http_status > 299) {
        d->provider->on_http_error(x->http_status, x->body, d->scratch, &err);
        rc = err.rc;
    } else {
        rc = mst_split_exchange(d, x, &err);
    }
    mst_rc set = set_slices(d, rc == MST_OK ? &err : NULL);
    rc = rc == MST_OK ? set : rc;
    d->c.finished = rc == MST_OK;
    if (rc == MST_OK)
        return measured(d);
    d->c.error = err;
    return failed(&err);
}
