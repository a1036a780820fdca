// Streams in time: an answer is rendered as far as it is due, in pieces of at most BATCH_BYTES, and no further than the
// kernel takes.
#include "sim/exchange.h"

#include "common/base/clock.h"

enum { BATCH_BYTES = 128 << 10 };

// True when the fault of this stream strikes before the next event.
static bool
must_stop(const mst_sim_conn_t *c)
{
    return c->strikes && c->cursor.events > 0 && c->cursor.tokens >= c->fault_token;
}

static bool
is_due(const mst_sim_conn_t *c, int64_t now_ns)
{
    const mst_sim_server_t *s = c->server;
    mst_sim_event_kind_t next = c->cursor.next;
    bool waits = mst_sim_event_has_tokens(next) || (next == MST_SIM_EV_ROLE && s->opts.head_late) ||
                 (next == MST_SIM_EV_USAGE && s->opts.usage_delay_ms > 0);
    if (!c->timed || !waits)
        return true;
    return c->due_ns <= now_ns && (c->cursor.tokens == 0 || s->stall_until_ns <= now_ns);
}

// Moves the time of the next round on; in a burst, every so many rounds.
static void
move_due(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    c->gaps_ns += mst_sim_plan_gap_ns(&s->opts, &c->plan);
    if (++c->rounds % s->opts.burst != 0)
        return;
    if (c->due_ns < s->stall_until_ns)
        c->due_ns = s->stall_until_ns; // a stall is not caught up with
    c->due_ns = mst_sim_plan_align(&s->opts, c->due_ns + c->gaps_ns);
    c->gaps_ns = 0;
}

static void
render_event(mst_sim_conn_t *c, int64_t now_ns, mst_buf_t *out)
{
    mst_sim_server_t *s = c->server;
    mst_sim_step_t step;
    size_t mark = c->chunked ? mst_hres_chunk_begin(out) : 0, begin = out->n;
    bool first = c->cursor.tokens == 0;
    bool broken = c->malforms && c->cursor.events > 0 && c->cursor.tokens >= c->fault_token;
    mst_sim_stream_next(&c->answer, &c->cursor, broken, out, &step);
    c->malforms = c->malforms && !broken;
    bool written = out->n > begin;
    if (c->chunked)
        mst_hres_chunk_end(out, mark);
    if (written)
        mst_sim_note(c, step.kind, step.tokens);
    else
        c->unnoted += step.tokens;
    if (step.tokens == 0 && c->cursor.next == MST_SIM_EV_USAGE)
        c->due_ns = now_ns + (int64_t)(s->opts.usage_delay_ms * (double)MST_NS_PER_MS);
    if (step.tokens > 0 && first)
        mst_sim_histogram_add(&s->metrics.ttft, now_ns - c->began_ns);
    if (c->timed && c->cursor.new_step && step.kind != MST_SIM_EV_ROLE)
        move_due(c);
}

// Renders into the server's body buffer what is due.
static void
render_due(mst_sim_conn_t *c, int64_t now_ns)
{
    mst_sim_server_t *s = c->server;
    mst_buf_t *out = &s->body;
    size_t most = s->opts.split_writes > 1 ? out->n + 1 : BATCH_BYTES;
    while (c->cursor.next != MST_SIM_EV_END && !must_stop(c) && out->n < most && is_due(c, now_ns))
        render_event(c, now_ns, out);
    if (must_stop(c) && c->plan.fault == MST_SIM_FAULT_ERROR) {
        mst_sim_refusal_t why;
        mst_sim_refuse(&why, 500, NULL, NULL, "the engine failed in the middle of the answer");
        size_t mark = c->chunked ? mst_hres_chunk_begin(out) : 0;
        c->route->format->error(&why, out);
        if (c->chunked)
            mst_hres_chunk_end(out, mark);
        mst_sim_note(c, MST_SIM_EV_ERROR, 0);
        c->strikes = false;
        c->cursor.next = MST_SIM_EV_END;
    }
    if (c->cursor.next == MST_SIM_EV_END && c->chunked)
        mst_hres_last_chunk(out);
}

static void
render_stream_head(mst_sim_conn_t *c)
{
    mst_str_t more = mst_sim_header_lines(c, "Cache-Control: no-cache\r\n");
    mst_hres_t r = {.status = 200, .type = mst_str_c(c->route->format->type)};
    r.framing = c->chunked ? MST_HRES_CHUNKED : MST_HRES_UNTIL_CLOSE;
    mst_sim_render_head(c, &r, more, &c->server->body);
}

static void
wait_until_due(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    bool stalled = c->cursor.tokens > 0 && s->stall_until_ns > c->due_ns;
    mst_loop_timer(s->loop, &c->timer, stalled ? s->stall_until_ns : c->due_ns);
}

// A piece of an event is out, more pieces are left: the next goes in time.
static bool
waits_for_piece(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    int64_t gap_ns = (int64_t)(s->opts.split_ms * (double)MST_NS_PER_MS);
    while (c->piece > 0) {
        size_t left = c->out.n - c->out_at;
        if (gap_ns > 0) {
            mst_loop_timer(s->loop, &c->timer, mst_loop_now(s->loop) + gap_ns);
            return true;
        }
        if (mst_sim_conn_send_piece(c) && c->out.n - c->out_at == left) { // the kernel takes no more
            mst_loop_timer(s->loop, &c->timer, mst_loop_now(s->loop) + MST_NS_PER_MS);
            return true;
        }
        if (c->state == MST_SIM_CLOSED)
            return true;
    }
    return false;
}

// Sends what is due until nothing is, the kernel takes no more, or the stream is at its end.
static void
pump(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    int64_t now_ns = mst_loop_now(s->loop);
    while (c->out.n == c->out_at) {
        mst_buf_reset(&s->body);
        if (!c->head_sent && (!s->opts.head_late || is_due(c, now_ns)))
            render_stream_head(c);
        render_due(c, now_ns);
        if (s->body.n > 0 && s->opts.split_writes > 1)
            mst_sim_conn_send_split(c, mst_buf_view(&s->body));
        else if (s->body.n > 0)
            mst_sim_conn_send(c, mst_buf_view(&s->body), MST_STR_NULL);
        if (c->state == MST_SIM_CLOSED || waits_for_piece(c))
            return;
        if (c->cursor.next == MST_SIM_EV_END || must_stop(c)) {
            mst_sim_finish_when_out(c);
            return;
        }
        if (!is_due(c, now_ns)) {
            wait_until_due(c);
            return;
        }
    }
}

void
mst_sim_exchange_drained(mst_sim_conn_t *c)
{
    if (c->state == MST_SIM_DRAINING)
        mst_sim_finish(c);
    else if (c->state == MST_SIM_STREAMING)
        pump(c);
}

static void
next_piece(mst_sim_conn_t *c)
{
    (void)mst_sim_conn_send_piece(c);
    if (c->state == MST_SIM_CLOSED || waits_for_piece(c))
        return;
    if (c->cursor.next == MST_SIM_EV_END || must_stop(c))
        mst_sim_finish_when_out(c);
    else
        pump(c);
}

void
mst_sim_exchange_timer(mst_sim_conn_t *c)
{
    if (c->state == MST_SIM_STREAMING && c->piece > 0)
        next_piece(c);
    else if (c->state == MST_SIM_STREAMING)
        pump(c);
    else if (c->state == MST_SIM_WAITING)
        mst_sim_respond_body(c);
    else if (c->state == MST_SIM_HANGING || c->state == MST_SIM_LINGERING)
        mst_sim_conn_close(c);
}

// The fault's place: a token of the stream, or the body as a whole.
void
mst_sim_place_fault(mst_sim_conn_t *c, bool stream)
{
    mst_sim_fault_t fault = c->plan.fault;
    c->malforms = fault == MST_SIM_FAULT_MALFORMED;
    c->strikes =
        stream && (fault == MST_SIM_FAULT_CUT || fault == MST_SIM_FAULT_HANG_AFTER || fault == MST_SIM_FAULT_ERROR);
    c->fault_token = c->answer.tokens / 2;
    if (fault == MST_SIM_FAULT_CUT)
        c->end = MST_SIM_ENDED_CUT;
    if (fault == MST_SIM_FAULT_HANG_AFTER) {
        c->end = MST_SIM_ENDED_HANGING;
        c->fault_token = c->answer.tokens > 0 ? 1 : 0;
    }
}

void
mst_sim_start_stream(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    int64_t now_ns = mst_loop_now(s->loop);
    mst_sim_place_t *places =
        (mst_sim_place_t *)(void *)mst_buf_reserve(&c->places, c->answer.choice_count * sizeof *places);
    c->timed = c->plan.ttft_ns > 0 || s->opts.itl_ms > 0 || s->opts.usage_delay_ms > 0;
    c->due_ns = mst_sim_plan_align(&s->opts, now_ns + c->plan.ttft_ns);
    c->chunked = !mst_hreq_http10(c->req);
    c->close_after = c->close_after || !c->chunked;
    mst_buf_reset(&c->prefix);
    if (c->answer.format->prefix != NULL)
        c->answer.format->prefix(&c->answer, &c->prefix);
    c->answer.prefix = mst_buf_view(&c->prefix);
    if (places == NULL || c->prefix.failed) {
        mst_sim_respond_too_large(c);
        return;
    }
    mst_sim_stream_begin(&c->answer, places, &c->cursor);
    mst_sim_become(c, MST_SIM_STREAMING);
    pump(c);
}
