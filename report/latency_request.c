#include "report/latency.h"

#include <math.h>

bool
mst_event_is_text(mst_event_kind_t kind)
{
    return kind == MST_EV_CONTENT || kind == MST_EV_REASONING || kind == MST_EV_TOOL || kind == MST_EV_REFUSAL;
}

bool
mst_event_is_choice(mst_event_kind_t kind)
{
    return mst_event_is_text(kind) || kind == MST_EV_ROLE || kind == MST_EV_EMPTY;
}

bool
mst_event_has_token(const mst_token_event_t *e)
{
    return mst_event_is_text(e->kind) || (e->kind == MST_EV_EMPTY && e->n_tokens > 0);
}

static void
see(int64_t *first, int64_t *last, int64_t at)
{
    if (*first == MST_NONE)
        *first = at;
    *last = at;
}

static void
see_text(mst_latency_request_t *q, const mst_token_event_t *e)
{
    int64_t unused;
    if (q->texts == 1)
        q->second_text = e->rx_ns;
    q->texts++;
    see(&q->first_text, &q->last_text, e->rx_ns);
    if (e->kind != MST_EV_REASONING)
        see(&q->first_output, &unused, e->rx_ns);
    if (e->kind == MST_EV_CONTENT) {
        q->contents++;
        see(&q->first_content, &q->last_content, e->rx_ns);
    }
}

static void
see_event(mst_latency_request_t *q, const mst_token_event_t *e)
{
    int64_t unused;
    see(&q->first_any, &unused, e->rx_ns);
    if (e->kind == MST_EV_DONE)
        q->done = e->rx_ns;
    if (mst_event_is_choice(e->kind)) {
        q->choices++;
        see(&q->first_choice, &q->last_choice, e->rx_ns);
    }
    if (mst_event_is_text(e->kind))
        see_text(q, e);
    if (mst_event_has_token(e)) {
        if (q->first_token == MST_NONE)
            q->first_tokens = e->n_tokens > 0 ? e->n_tokens : 1;
        see(&q->first_token, &q->last_token, e->rx_ns);
    }
}

static double
tpot(const mst_latency_request_t *q)
{
    int64_t rest = q->tokens - (int64_t)q->first_tokens;
    if (q->first_token == MST_NONE || q->last_token < q->first_token || rest < 1)
        return (double)NAN;
    return (double)(q->last_token - q->first_token) / (double)rest;
}

void
mst_latency_request(const mst_completion_t *c, int64_t tpot_ns, mst_latency_request_t *out)
{
    *out = (mst_latency_request_t){.first_any = MST_NONE,
                                   .first_choice = MST_NONE,
                                   .last_choice = MST_NONE,
                                   .first_text = MST_NONE,
                                   .second_text = MST_NONE,
                                   .last_text = MST_NONE,
                                   .first_output = MST_NONE,
                                   .first_content = MST_NONE,
                                   .last_content = MST_NONE,
                                   .first_token = MST_NONE,
                                   .last_token = MST_NONE,
                                   .done = MST_NONE,
                                   .tokens = c->completion_tokens,
                                   .tpot_ns = (double)NAN};
    if (c->streamed && c->event_count > 0) {
        for (uint32_t i = 0; i < c->event_count; i++)
            see_event(out, &c->events[i]);
        out->tpot_ns = tpot(out);
        return;
    }
    // a whole answer, or a recorded one: what was stored beside it
    out->first_token = c->ttft_ns;
    out->first_output = c->ttfo_ns;
    out->last_token = c->last_token_ns;
    if (tpot_ns != MST_NONE)
        out->tpot_ns = (double)tpot_ns;
}
