// One request and its answer. Everything that is decided comes from the plan; here it is carried out in time.
// A stream is rendered as far as it is due, in pieces of at most BATCH_BYTES, and no further than the kernel takes.
#include "sim/server.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include <stdio.h>

enum { BATCH_BYTES = 128 << 10, REQUEST_ID_MAX = 256 };

#define HANG_MAX_NS (600 * MST_NS_PER_S)

static void
note(mst_sim_conn_t *c, mst_sim_event_kind_t kind, uint32_t tokens)
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

static void
become(mst_sim_conn_t *c, mst_sim_state_t state)
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
static void
finish(mst_sim_conn_t *c)
{
    if (c->route != NULL && c->route->timed)
        count_answer(c);
    if (c->end == MST_SIM_ENDED_HANGING && !c->eof) {
        become(c, MST_SIM_HANGING);
        mst_loop_timer(c->server->loop, &c->timer, mst_loop_now(c->server->loop) + HANG_MAX_NS);
        return;
    }
    if (c->end != MST_SIM_ENDED_WHOLE) {
        mst_sim_conn_close(c);
        return;
    }
    mst_sim_exchange_record(c);
    become(c, c->close_after ? MST_SIM_LINGERING : MST_SIM_READING);
    mst_hreq_reset(c->req);
}

static void
finish_when_out(mst_sim_conn_t *c)
{
    if (c->state == MST_SIM_CLOSED)
        return;
    if (c->out.n > c->out_at)
        become(c, MST_SIM_DRAINING);
    else
        finish(c);
}

static void
render_head(mst_sim_conn_t *c, mst_hres_t *r, mst_str_t more, mst_buf_t *out)
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
static mst_str_t
header_lines(mst_sim_conn_t *c, const char *more)
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
static void
respond(mst_sim_conn_t *c, int status, const char *type, mst_str_t more, mst_str_t body, mst_sim_event_kind_t kind,
        uint32_t tokens)
{
    mst_sim_server_t *s = c->server;
    mst_hres_t r = {.status = status, .length = body.n, .type = mst_str_c(type)};
    mst_buf_reset(&s->head);
    render_head(c, &r, more, &s->head);
    note(c, kind, tokens);
    if (c->end != MST_SIM_ENDED_WHOLE)
        body.n /= 2;
    mst_sim_conn_send(c, mst_buf_view(&s->head), body);
    finish_when_out(c);
}

#define JSON "application/json"

static void
respond_refusal(mst_sim_conn_t *c, const mst_sim_refusal_t *why, const char *more)
{
    mst_sim_dialect_t d = c->dialect;
    if (d == MST_SIM_ANY && c->route != NULL)
        d = c->route->home;
    mst_buf_reset(&c->server->body);
    mst_sim_render_error(d, why, &c->server->body);
    respond(c, why->status, JSON, mst_str_c(more), mst_buf_view(&c->server->body), MST_SIM_EV_ERROR, 0);
}

static void
respond_too_large(mst_sim_conn_t *c)
{
    mst_sim_refusal_t why;
    mst_sim_refuse(&why, 500, NULL, "answer_too_large", "the answer is larger than 64 MiB; ask for less");
    c->end = MST_SIM_ENDED_WHOLE;
    respond_refusal(c, &why, "");
}

static void
respond_body(mst_sim_conn_t *c)
{
    mst_buf_t *body = &c->body;
    uint32_t tokens = 0;
    if (c->route->format != NULL) {
        mst_buf_reset(body);
        c->route->format->whole(&c->answer, body);
        tokens = c->answer.tokens;
    }
    if (body->failed) {
        respond_too_large(c);
        return;
    }
    mst_str_t text = mst_buf_view(body);
    if (c->malforms)
        text.n -= text.n / 3;
    respond(c, 200, JSON, header_lines(c, ""), text, MST_SIM_EV_BODY, tokens);
    mst_buf_reset(body);
}

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
        note(c, step.kind, step.tokens);
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
        note(c, MST_SIM_EV_ERROR, 0);
        c->strikes = false;
        c->cursor.next = MST_SIM_EV_END;
    }
    if (c->cursor.next == MST_SIM_EV_END && c->chunked)
        mst_hres_last_chunk(out);
}

static void
render_stream_head(mst_sim_conn_t *c)
{
    mst_str_t more = header_lines(c, "Cache-Control: no-cache\r\n");
    mst_hres_t r = {.status = 200, .type = mst_str_c(c->route->format->type)};
    r.framing = c->chunked ? MST_HRES_CHUNKED : MST_HRES_UNTIL_CLOSE;
    render_head(c, &r, more, &c->server->body);
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
            finish_when_out(c);
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
        finish(c);
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
        finish_when_out(c);
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
        respond_body(c);
    else if (c->state == MST_SIM_HANGING || c->state == MST_SIM_LINGERING)
        mst_sim_conn_close(c);
}

// The fault's place: a token of the stream, or the body as a whole.
static void
place_fault(mst_sim_conn_t *c, bool stream)
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

static void
start_stream(mst_sim_conn_t *c)
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
        respond_too_large(c);
        return;
    }
    mst_sim_stream_begin(&c->answer, places, &c->cursor);
    become(c, MST_SIM_STREAMING);
    pump(c);
}

// The planned time from the request to the end of a generated answer.
static int64_t
planned_ns(const mst_sim_conn_t *c)
{
    const mst_sim_opts_t *o = &c->server->opts;
    mst_sim_plan_t plan = c->plan; // a copy: the gaps are drawn again when they are waited for
    int64_t sum_ns = plan.ttft_ns;
    uint32_t rounds = o->itl_ms > 0 ? mst_sim_stream_rounds(&c->answer) : 0;
    for (uint32_t i = 1; i < rounds; i++)
        sum_ns += mst_sim_plan_gap_ns(o, &plan);
    return sum_ns;
}

// An answer that is not streamed comes when its last token would have come.
static void
start_whole(mst_sim_conn_t *c, int64_t delay_ns)
{
    mst_sim_server_t *s = c->server;
    if (delay_ns <= 0) {
        respond_body(c);
        return;
    }
    mst_loop_timer(s->loop, &c->timer, mst_sim_plan_align(&s->opts, mst_loop_now(s->loop) + delay_ns));
}

// True when the request has met a fault that leaves no answer.
static bool
meets_fault(mst_sim_conn_t *c, bool stream)
{
    mst_sim_refusal_t why;
    char retry[64] = "";
    mst_sim_fault_t fault = c->plan.fault;
    if (fault == MST_SIM_FAULT_HANG_BEFORE) {
        c->end = MST_SIM_ENDED_HANGING;
        finish(c);
        return true;
    }
    if (fault == MST_SIM_FAULT_429) {
        mst_sim_refuse(&why, 429, NULL, "rate_limit_exceeded", "rate limit reached; try again later");
        snprintf(retry, sizeof retry, "Retry-After: %g\r\n", c->server->opts.retry_after_s);
    } else if (fault == MST_SIM_FAULT_503) {
        mst_sim_refuse(&why, 503, NULL, "overloaded", "the server is overloaded; try again later");
    } else if (fault == MST_SIM_FAULT_500 || (fault == MST_SIM_FAULT_ERROR && !stream)) {
        mst_sim_refuse(&why, 500, NULL, NULL, "the server had an error while processing the request");
    } else {
        return false;
    }
    respond_refusal(c, &why, retry);
    return true;
}

// A body that is no generated text: made now, sent in time.
static void
start_made(mst_sim_conn_t *c, const mst_sim_request_t *q)
{
    mst_sim_server_t *s = c->server;
    mst_sim_facts_t facts = {&s->opts, c->answer.dialect, s->vocab, &s->metrics};
    mst_buf_reset(&c->body);
    c->route->body(&facts, q, &c->body);
    c->malforms = c->plan.fault == MST_SIM_FAULT_MALFORMED;
    if (c->plan.fault == MST_SIM_FAULT_CUT)
        c->end = MST_SIM_ENDED_CUT;
    if (c->plan.fault == MST_SIM_FAULT_HANG_AFTER)
        c->end = MST_SIM_ENDED_HANGING;
    start_whole(c, c->plan.ttft_ns);
}

static void
start_generated(mst_sim_conn_t *c, const mst_sim_request_t *q)
{
    mst_sim_server_t *s = c->server;
    const mst_sim_reply_t *reply = mst_sim_replies_find(s->replies, c->case_id, q->prompt);
    mst_sim_dialect_t dialect = c->answer.dialect;
    if (!mst_sim_answer_make(&s->opts, q, &c->plan, reply, &c->stock, &c->answer)) {
        respond_too_large(c);
        return;
    }
    c->answer.format = c->route->format;
    c->answer.dialect = dialect;
    c->answer.vocab = s->vocab;
    c->answer.ttft_ns = c->plan.ttft_ns;
    c->answer.took_ns = planned_ns(c);
    if (s->opts.prefill_stall_ms > 0) {
        int64_t now_ns = mst_loop_now(s->loop), from_ns = s->stall_until_ns > now_ns ? s->stall_until_ns : now_ns;
        s->stall_until_ns = from_ns + (int64_t)(s->opts.prefill_stall_ms * (double)MST_NS_PER_MS);
    }
    place_fault(c, q->wish.stream);
    if (q->wish.stream)
        start_stream(c);
    else
        start_whole(c, c->answer.took_ns);
}

static bool
is_acceptable(const mst_sim_conn_t *c, const mst_sim_request_t *q, mst_sim_refusal_t *why)
{
    const mst_sim_opts_t *o = &c->server->opts;
    bool generated = c->route->format != NULL;
    if (o->model != NULL && generated && !mst_str_eq_c(q->model, o->model) &&
        (q->model.n > 0 || c->route->names_model)) {
        mst_sim_refuse(why, 404, "model", "model_not_found",
                       "the model \"%.*s\" does not exist; this backend has \"%.100s\"",
                       MST_FMT(mst_str_cut(q->model, 100)), o->model);
        return false;
    }
    for (uint32_t i = 0; o->context_length > 0 && i < q->prompt_count; i++) {
        uint64_t wanted = q->prompts[i].tokens + (q->tokens_max_given ? q->tokens_max : 1);
        if (wanted <= o->context_length)
            continue;
        mst_sim_refuse(why, 400, "messages", "context_length_exceeded",
                       "this model's maximum context length is %u tokens; %u are in the prompt, %llu in all",
                       o->context_length, q->prompts[i].tokens, (unsigned long long)wanted);
        return false;
    }
    return true;
}

// A request for an answer that takes its time.
static void
answer(mst_sim_conn_t *c, const mst_sim_request_t *q)
{
    mst_sim_server_t *s = c->server;
    mst_sim_asker_t who = {c->case_id.n > 0 ? c->case_id : q->prompt, c->repeat > 0 ? (uint64_t)c->repeat : 0,
                           c->attempt, q->seed};
    mst_sim_plan(&s->opts, &who, &c->plan);
    mst_sim_fault_t drawn = c->plan.fault;
    c->plan.fault = mst_sim_schedule_find(&s->schedule, ++s->answers, mst_loop_now(s->loop) - s->started_ns, drawn);
    if (c->plan.fault != drawn)
        mst_sim_plan_delays(&s->opts, &c->plan);
    if (meets_fault(c, q->wish.stream))
        return;
    if (c->route->format != NULL)
        start_generated(c, q);
    else
        start_made(c, q);
}

static void
handle(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    mst_sim_request_t q;
    mst_sim_refusal_t why;
    mst_sim_reader_t in = {.opts = &s->opts, .arena = s->arena, .vocab = s->vocab, .why = &why};
    bool good = true;
    mst_arena_reset(s->arena);
    mst_sim_request_init(&q);
    if (c->route->read != NULL)
        good = mst_sim_body_parse(s->parser, mst_hreq_body(c->req), s->arena, &in.root, &why);
    if (good && c->route->read != NULL)
        c->route = mst_sim_route_fit(c->route, c->dialect, in.root);
    c->answer.dialect = c->dialect == MST_SIM_ANY ? c->route->home : c->dialect;
    if (good && c->route->read != NULL)
        good = c->route->read(&in, &q) && is_acceptable(c, &q, &why);
    if (!good) {
        respond_refusal(c, &why, "");
    } else if (c->route->timed) {
        answer(c, &q);
    } else {
        mst_sim_facts_t facts = {&s->opts, c->answer.dialect, s->vocab, &s->metrics};
        mst_buf_reset(&s->body);
        s->metrics.running = s->busy > 0 ? s->busy - 1 : 0; // without this one
        c->route->body(&facts, &q, &s->body);
        respond(c, 200, c->route->type != NULL ? c->route->type : JSON, MST_STR_NULL, mst_buf_view(&s->body),
                MST_SIM_EV_BODY, 0);
    }
}

static bool
is_allowed(const mst_sim_conn_t *c)
{
    const char *key = c->server->opts.api_key;
    mst_str_t auth = mst_hreq_header(c->req, MST_STR("authorization"));
    if (key == NULL || mst_str_eq_c(mst_hreq_header(c->req, MST_STR("x-api-key")), key))
        return true;
    return auth.n > 7 && strncasecmp(auth.p, "Bearer ", 7) == 0 &&
           mst_str_eq_c(mst_str_trim(mst_str(auth.p + 7, auth.n - 7)), key);
}

static void
route(mst_sim_conn_t *c)
{
    mst_sim_refusal_t why;
    mst_str_t path = mst_hreq_path(c->req), method = mst_hreq_method(c->req);
    const char *allow;
    char more[32] = "";
    c->route = mst_sim_route_find(c->dialect, method, path, &allow);
    if (c->route != NULL && (c->route->open || is_allowed(c))) {
        handle(c);
        return;
    }
    if (c->route != NULL) {
        mst_sim_refuse(&why, 401, NULL, "invalid_api_key", "the API key is missing or wrong");
    } else if (allow != NULL) {
        mst_sim_refuse(&why, 405, NULL, "method_not_allowed", "%.*s is to be asked with %s",
                       MST_FMT(mst_str_cut(path, 100)), allow);
        snprintf(more, sizeof more, "Allow: %s\r\n", allow);
    } else {
        mst_sim_refuse(&why, 404, NULL, "unknown_url", "there is nothing at %.*s; try POST /v1/chat/completions",
                       MST_FMT(mst_str_cut(path, 100)));
    }
    respond_refusal(c, &why, more);
}

// "sim-" and the number of the request: unique in this server's life.
static mst_str_t
make_id(mst_sim_conn_t *c)
{
    uint64_t n = c->server->requests;
    memcpy(c->made_id, "sim-000000000000", 16);
    for (int i = 15; i > 3; i--, n >>= 4)
        c->made_id[i] = "0123456789abcdef"[n & 15];
    return mst_str(c->made_id, 16);
}

static void
clear(mst_sim_conn_t *c)
{
    c->server->requests++;
    c->request_id = make_id(c);
    c->case_id = MST_STR_NULL;
    c->repeat = -1;
    c->attempt = 1;
    c->status = 0;
    c->end = MST_SIM_ENDED_WHOLE;
    c->cursor = (mst_sim_cursor_t){0};
    c->route = NULL;
    c->plan.fault = MST_SIM_FAULT_NONE;
    c->strikes = c->malforms = false;
    c->rounds = c->unnoted = 0;
    c->gaps_ns = 0;
    c->piece = 0;
    c->began_ns = mst_loop_now(c->server->loop);
    c->head_sent = false;
    become(c, MST_SIM_WAITING);
}

void
mst_sim_exchange_begin(mst_sim_conn_t *c)
{
    clear(c);
    mst_str_t id = mst_hreq_header(c->req, MST_STR("x-request-id"));
    if (id.n > 0)
        c->request_id = id;
    c->case_id = mst_hreq_header(c->req, MST_STR("x-case-id"));
    uint64_t n;
    if (mst_str_to_u64(mst_hreq_header(c->req, MST_STR("x-repeat")), &n) && n <= INT64_MAX)
        c->repeat = (int64_t)n;
    if (mst_str_to_u64(mst_hreq_header(c->req, MST_STR("x-attempt")), &n))
        c->attempt = n;
    c->close_after = !mst_hreq_keep_alive(c->req);
    route(c);
}

void
mst_sim_exchange_refuse(mst_sim_conn_t *c, int status, const char *why)
{
    mst_sim_refusal_t refusal;
    clear(c);
    c->close_after = true;
    mst_sim_refuse(&refusal, status, NULL, NULL, "%s", why);
    respond_refusal(c, &refusal, "");
}
