// Whole answers and the end of every exchange: the head, the body, what is recorded and counted.
#include "sim/exchange.h"

#include "common/base/clock.h"
#include "common/base/limits.h"

enum { REQUEST_ID_MAX = 256 };

#define HANG_MAX_NS (600 * MST_NS_PER_S)

void
mst_sim_note(mst_sim_conn_t *c, mst_sim_event_kind_t kind, uint32_t tokens)
{
    tokens += c->unnoted;
    c->unnoted = 0;
    if (c->server->truth == NULL)
        return;
    mst_sim_truth_event_t e = {0, 0, tokens, kind};
    mst_buf_add(&c->events, &e, sizeof e);
}

void
mst_sim_exchange_record(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    if (s->truth == NULL)
        return;
    mst_sim_truth_record_t r = {c->request_id,  c->case_id, c->repeat, c->attempt, c->recv_ns,
                                c->recv_kernel, c->status,  c->end,    NULL,       0};
    r.events = (const mst_sim_truth_event_t *)(const void *)c->events.p;
    r.event_count = c->events.n / sizeof *r.events;
    while (r.event_count > 0 && r.events[r.event_count - 1].before_ns == 0)
        r.event_count--; // rendered, and then the connection was gone
    mst_sim_truth_add(s->truth, &r);
    mst_buf_reset(&c->events);
    c->stamped = 0;
    if (!s->truth_timer_set)
        mst_loop_timer(s->loop, &s->truth_timer, mst_loop_now(s->loop) + 50 * MST_NS_PER_MS);
    s->truth_timer_set = true;
}

void
mst_sim_become(mst_sim_conn_t *c, mst_sim_state_t state)
{
    bool was_busy = mst_sim_conn_is_busy(c);
    c->state = state;
    if (was_busy && !mst_sim_conn_is_busy(c))
        c->server->busy--;
    else if (!was_busy && mst_sim_conn_is_busy(c))
        c->server->busy++;
}

// What /metrics tells.
static void
count_answer(mst_sim_conn_t *c)
{
    mst_sim_metrics_t *m = &c->server->metrics;
    bool good = c->status == 200 && c->end == MST_SIM_ENDED_WHOLE, generated = c->route->format != NULL;
    m->requests++;
    m->failed += !good;
    if (!good)
        return;
    bool cut = generated && c->answer.choice_count > 0 && c->answer.choices[0].finish == MST_SIM_FINISH_LENGTH;
    m->cut_short += cut;
    m->stopped += !cut;
    m->prompt_tokens += generated ? c->answer.prompt_tokens : 0;
    m->tokens += generated ? c->answer.tokens : 0;
    mst_sim_histogram_add(&m->e2e, mst_loop_now(c->server->loop) - c->began_ns);
}

// All bytes of the answer are with the kernel: what now?
void
mst_sim_finish(mst_sim_conn_t *c)
{
    if (c->route != NULL && c->route->timed)
        count_answer(c);
    if (c->end == MST_SIM_ENDED_HANGING && !c->eof) {
        mst_sim_become(c, MST_SIM_HANGING);
        mst_loop_timer(c->server->loop, &c->timer, mst_loop_now(c->server->loop) + HANG_MAX_NS);
        return;
    }
    if (c->end != MST_SIM_ENDED_WHOLE) {
        mst_sim_conn_close(c);
        return;
    }
    mst_sim_exchange_record(c);
    mst_sim_become(c, c->close_after ? MST_SIM_LINGERING : MST_SIM_READING);
    mst_hreq_reset(c->req);
}

void
mst_sim_finish_when_out(mst_sim_conn_t *c)
{
    if (c->state == MST_SIM_CLOSED)
        return;
    if (c->out.n > c->out_at)
        mst_sim_become(c, MST_SIM_DRAINING);
    else
        mst_sim_finish(c);
}

void
mst_sim_render_head(mst_sim_conn_t *c, mst_hres_t *r, mst_str_t more, mst_buf_t *out)
{
    char lines[REQUEST_ID_MAX + 1024];
    mst_str_t id = mst_str_cut(c->request_id, REQUEST_ID_MAX);
    const char *keep = mst_hreq_http10(c->req) && !c->close_after ? "Connection: keep-alive\r\n" : "";
    const mst_str_t parts[] = {MST_STR("Server: muster-sim/" MUSTER_VERSION "\r\nx-request-id: "), id, MST_STR("\r\n"),
                               mst_str_c(keep), more};
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && parts[i].n <= sizeof lines - n; i++) {
        if (parts[i].n > 0)
            memcpy(lines + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    r->headers = mst_str(lines, n);
    r->close = c->close_after;
    c->status = r->status;
    c->head_sent = true;
    (void)mst_hres_head(out, r); // a few hundred bytes into a buffer of megabytes
}

// The format's own header lines behind `more`; valid until the next call.
mst_str_t
mst_sim_header_lines(mst_sim_conn_t *c, const char *more)
{
    mst_buf_t *lines = &c->server->lines;
    if (c->route == NULL || c->route->format == NULL || c->route->format->headers == NULL)
        return mst_str_c(more);
    mst_buf_reset(lines);
    mst_buf_add_c(lines, more);
    c->route->format->headers(&c->answer, lines);
    return mst_buf_view(lines);
}

// Sends a whole answer.
void
mst_sim_respond(mst_sim_conn_t *c, int status, const char *type, mst_str_t more, mst_str_t body,
                mst_sim_event_kind_t kind, uint32_t tokens)
{
    mst_sim_server_t *s = c->server;
    mst_hres_t r = {.status = status, .length = body.n, .type = mst_str_c(type)};
    mst_buf_reset(&s->head);
    mst_sim_render_head(c, &r, more, &s->head);
    mst_sim_note(c, kind, tokens);
    if (c->end != MST_SIM_ENDED_WHOLE)
        body.n /= 2;
    mst_sim_conn_send(c, mst_buf_view(&s->head), body);
    mst_sim_finish_when_out(c);
}

void
mst_sim_respond_refusal(mst_sim_conn_t *c, const mst_sim_refusal_t *why, const char *more)
{
    mst_sim_dialect_t d = c->dialect;
    if (d == MST_SIM_ANY && c->route != NULL)
        d = c->route->home;
    mst_buf_reset(&c->server->body);
    mst_sim_render_error(d, why, &c->server->body);
    mst_sim_respond(c, why->status, MST_SIM_JSON, mst_str_c(more), mst_buf_view(&c->server->body), MST_SIM_EV_ERROR, 0);
}

void
mst_sim_respond_too_large(mst_sim_conn_t *c)
{
    mst_sim_refusal_t why;
    mst_sim_refuse(&why, 500, NULL, "answer_too_large", "the answer is larger than 64 MiB; ask for less");
    c->end = MST_SIM_ENDED_WHOLE;
    mst_sim_respond_refusal(c, &why, "");
}

void
mst_sim_respond_body(mst_sim_conn_t *c)
{
    mst_buf_t *body = &c->body;
    uint32_t tokens = 0;
    if (c->route->format != NULL) {
        mst_buf_reset(body);
        c->route->format->whole(&c->answer, body);
        tokens = c->answer.tokens;
    }
    if (body->failed) {
        mst_sim_respond_too_large(c);
        return;
    }
    mst_str_t text = mst_buf_view(body);
    if (c->malforms)
        text.n -= text.n / 3;
    mst_sim_respond(c, 200, MST_SIM_JSON, mst_sim_header_lines(c, ""), text, MST_SIM_EV_BODY, tokens);
    mst_buf_reset(body);
}
