// One request and its answer. Everything that is decided comes from the plan; here it is carried out in time.
// A stream is rendered as far as it is due, in pieces of at most BATCH_BYTES, and no further than the kernel takes.
#include "sim/server.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "sim/words.h"

#include <stdio.h>

enum { BATCH_BYTES = 128 << 10, REQUEST_ID_MAX = 256 };

#define HANG_MAX_NS (600 * MST_NS_PER_S)

static void
note(mst_sim_conn_t *c, mst_sim_event_kind_t kind, uint32_t tokens)
{
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

// All bytes of the answer are with the kernel: what now?
static void
finish(mst_sim_conn_t *c)
{
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
render_head(mst_sim_conn_t *c, mst_hres_t *r, const char *more, mst_buf_t *out)
{
    char lines[REQUEST_ID_MAX + 256];
    mst_str_t id = mst_str_cut(c->request_id, REQUEST_ID_MAX);
    const char *keep = mst_hreq_http10(c->req) && !c->close_after ? "Connection: keep-alive\r\n" : "";
    const mst_str_t parts[] = {MST_STR("Server: muster-sim/" MUSTER_VERSION "\r\nx-request-id: "), id, MST_STR("\r\n"),
                               mst_str_c(keep), mst_str_c(more)};
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

// Sends what is in the server's body buffer as a whole answer.
static void
respond(mst_sim_conn_t *c, int status, const char *more, mst_sim_event_kind_t kind, uint32_t tokens)
{
    mst_sim_server_t *s = c->server;
    mst_hres_t r = {.status = status, .length = s->body.n, .type = MST_STR("application/json")};
    mst_buf_reset(&s->head);
    render_head(c, &r, more, &s->head);
    note(c, kind, tokens);
    mst_str_t body = mst_buf_view(&s->body);
    if (c->end != MST_SIM_ENDED_WHOLE)
        body.n /= 2;
    mst_sim_conn_send(c, mst_buf_view(&s->head), body);
    finish_when_out(c);
}

static void
respond_refusal(mst_sim_conn_t *c, const mst_sim_refusal_t *why, const char *more)
{
    mst_buf_reset(&c->server->body);
    mst_sim_render_error(why, &c->server->body);
    respond(c, why->status, more, MST_SIM_EV_ERROR, 0);
}

static void
respond_completion(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    mst_buf_reset(&s->body);
    uint32_t tokens = mst_sim_render_completion(&c->answer, &s->body);
    if (s->body.failed) {
        mst_sim_refusal_t why;
        mst_sim_refuse(&why, 500, NULL, "answer_too_large", "the answer is larger than 64 MiB; ask for fewer logprobs");
        c->end = MST_SIM_ENDED_WHOLE;
        respond_refusal(c, &why, "");
        return;
    }
    respond(c, 200, "", MST_SIM_EV_BODY, tokens);
}

// True when the fault of this stream strikes before the next event.
static bool
must_stop(const mst_sim_conn_t *c)
{
    return c->cursor.events >= c->stop_at;
}

static bool
is_due(const mst_sim_conn_t *c, int64_t now_ns)
{
    bool tokens = c->cursor.next == MST_SIM_EV_REASONING || c->cursor.next == MST_SIM_EV_CONTENT;
    return !c->timed || !tokens || c->due_ns <= now_ns;
}

// Renders into the server's body buffer what is due.
static void
render_due(mst_sim_conn_t *c, int64_t now_ns)
{
    mst_sim_server_t *s = c->server;
    mst_buf_t *out = &s->body;
    while (c->cursor.next != MST_SIM_EV_END && !must_stop(c) && out->n < BATCH_BYTES && is_due(c, now_ns)) {
        uint32_t tokens;
        size_t mark = c->chunked ? mst_hres_chunk_begin(out) : 0;
        mst_sim_event_kind_t kind = mst_sim_stream_next(&c->answer, &c->cursor, out, &tokens);
        if (c->chunked)
            mst_hres_chunk_end(out, mark);
        note(c, kind, tokens);
        if (tokens > 0 && c->timed)
            c->due_ns = mst_sim_plan_align(&s->opts, c->due_ns + mst_sim_plan_gap_ns(&s->opts, &c->plan));
    }
    if (c->cursor.next == MST_SIM_EV_END && c->chunked)
        mst_hres_last_chunk(out);
}

// Sends what is due until nothing is, the kernel takes no more, or the stream is at its end.
static void
pump(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    int64_t now_ns = mst_loop_now(s->loop);
    while (c->out.n == c->out_at) {
        mst_buf_reset(&s->body);
        if (!c->head_sent) {
            mst_hres_t r = {.status = 200, .type = MST_STR("text/event-stream")};
            r.framing = c->chunked ? MST_HRES_CHUNKED : MST_HRES_UNTIL_CLOSE;
            render_head(c, &r, "Cache-Control: no-cache\r\n", &s->body);
        }
        render_due(c, now_ns);
        if (s->body.n > 0)
            mst_sim_conn_send(c, mst_buf_view(&s->body), MST_STR_NULL);
        if (c->state == MST_SIM_CLOSED)
            return;
        if (c->cursor.next == MST_SIM_EV_END || must_stop(c)) {
            finish_when_out(c);
            return;
        }
        if (!is_due(c, now_ns)) {
            mst_loop_timer(s->loop, &c->timer, c->due_ns);
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

void
mst_sim_exchange_timer(mst_sim_conn_t *c)
{
    if (c->state == MST_SIM_STREAMING)
        pump(c);
    else if (c->state == MST_SIM_WAITING)
        respond_completion(c);
    else if (c->state == MST_SIM_HANGING || c->state == MST_SIM_LINGERING)
        mst_sim_conn_close(c);
}

// The fault's place in the stream, or in the unstreamed body.
static void
place_fault(mst_sim_conn_t *c, bool stream)
{
    uint32_t token_events = 0, events = 0;
    mst_sim_fault_t fault = c->plan.fault;
    c->stop_at = UINT32_MAX;
    c->answer.malformed = UINT32_MAX;
    if (fault == MST_SIM_FAULT_NONE || fault == MST_SIM_FAULT_SLOW)
        return;
    if (stream)
        events = mst_sim_stream_count(&c->answer, &token_events);
    if (fault == MST_SIM_FAULT_MALFORMED)
        c->answer.malformed = token_events > 0 ? 1 + token_events / 2 : 1;
    if (fault == MST_SIM_FAULT_CUT) {
        c->end = MST_SIM_ENDED_CUT;
        c->stop_at = stream ? events / 2 : UINT32_MAX;
    } else if (fault == MST_SIM_FAULT_HANG_AFTER) {
        c->end = MST_SIM_ENDED_HANGING;
        c->stop_at = stream ? 2 : UINT32_MAX;
    }
}

static void
start_stream(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    c->timed = c->plan.ttft_ns > 0 || s->opts.itl_ms > 0;
    c->due_ns = mst_sim_plan_align(&s->opts, mst_loop_now(s->loop) + c->plan.ttft_ns);
    c->chunked = !mst_hreq_http10(c->req);
    c->close_after = c->close_after || !c->chunked;
    mst_buf_reset(&c->prefix);
    mst_sim_stream_prefix(&c->answer, &c->prefix);
    c->answer.prefix = mst_buf_view(&c->prefix);
    become(c, MST_SIM_STREAMING);
    pump(c);
}

// An answer that is not streamed comes when its last token would have come.
static void
start_whole(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    int64_t delay_ns = c->plan.ttft_ns;
    if (s->opts.itl_ms > 0) {
        uint32_t events;
        (void)mst_sim_stream_count(&c->answer, &events);
        for (uint32_t i = 1; i < events; i++)
            delay_ns += mst_sim_plan_gap_ns(&s->opts, &c->plan);
    }
    if (delay_ns <= 0) {
        respond_completion(c);
        return;
    }
    mst_loop_timer(s->loop, &c->timer, mst_sim_plan_align(&s->opts, mst_loop_now(s->loop) + delay_ns));
}

// Chooses reasoning and text; slices of c->text are set last, when the buffer moves no more.
static bool
choose_answer(mst_sim_conn_t *c, const mst_sim_request_t *q, const mst_sim_reply_t *reply)
{
    mst_sim_server_t *s = c->server;
    mst_sim_answer_t *a = &c->answer;
    bool made_reasoning = c->plan.reasoning_tokens > 0 && (reply == NULL || reply->reasoning.n == 0);
    mst_buf_reset(&c->text);
    mst_buf_add_str(&c->text, s->opts.model ? mst_str_c(s->opts.model) : q->model.n > 0 ? q->model : MST_STR("sim"));
    size_t model_n = c->text.n;
    if (made_reasoning)
        mst_sim_words(c->plan.answer_seed + 1, c->plan.reasoning_tokens, &c->text);
    size_t reasoning_n = c->text.n - model_n;
    if (reply == NULL && s->opts.echo)
        mst_buf_add_str(&c->text, q->prompt);
    else if (reply == NULL)
        mst_sim_words(c->plan.answer_seed, c->plan.tokens, &c->text);
    *a = (mst_sim_answer_t){.opts = &s->opts,
                            .id = c->plan.attempt_seed,
                            .seed = c->plan.answer_seed,
                            .model = mst_str(c->text.p, model_n),
                            .reasoning = mst_str(c->text.p + model_n, reasoning_n),
                            .text = mst_str(c->text.p + model_n + reasoning_n, c->text.n - model_n - reasoning_n),
                            .prompt_tokens = q->prompt_tokens,
                            .tokens_max =
                                q->tokens_max > 0 && q->tokens_max < UINT32_MAX ? (uint32_t)q->tokens_max : UINT32_MAX,
                            .top_logprobs = q->top_logprobs,
                            .malformed = UINT32_MAX,
                            .with_logprobs = q->logprobs,
                            .include_usage = q->include_usage};
    if (reply != NULL) {
        a->text = reply->text;
        a->reasoning = made_reasoning ? a->reasoning : reply->reasoning;
        a->finish_reason = reply->finish_reason;
        a->logprobs = reply->logprobs;
        a->logprob_count = reply->logprob_count;
    }
    return !c->text.failed;
}

static void
respond_fault(mst_sim_conn_t *c, mst_sim_fault_t fault)
{
    mst_sim_refusal_t why;
    char retry[64] = "";
    if (fault == MST_SIM_FAULT_429) {
        mst_sim_refuse(&why, 429, NULL, "rate_limit_exceeded", "rate limit reached; try again later");
        snprintf(retry, sizeof retry, "Retry-After: %g\r\n", c->server->opts.retry_after_s);
    } else {
        mst_sim_refuse(&why, 500, NULL, NULL, "the server had an error while processing the request");
    }
    respond_refusal(c, &why, retry);
}

static void
chat(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    mst_sim_request_t q;
    mst_sim_refusal_t why;
    mst_arena_reset(s->arena);
    bool good = mst_sim_request_read(s->parser, mst_hreq_body(c->req), s->arena, &q, &why);
    if (good && s->opts.model != NULL && !mst_str_eq_c(q.model, s->opts.model)) {
        mst_sim_refuse(&why, 404, "model", "model_not_found",
                       "the model \"%.*s\" does not exist; this backend has \"%.100s\"",
                       MST_FMT(mst_str_cut(q.model, 100)), s->opts.model);
        good = false;
    }
    if (!good) {
        respond_refusal(c, &why, "");
        return;
    }
    mst_sim_asker_t who = {c->case_id.n > 0 ? c->case_id : q.prompt, c->repeat > 0 ? (uint64_t)c->repeat : 0,
                           c->attempt, q.seed};
    mst_sim_plan(&s->opts, &who, &c->plan);
    if (c->plan.fault == MST_SIM_FAULT_429 || c->plan.fault == MST_SIM_FAULT_500) {
        respond_fault(c, c->plan.fault);
        return;
    }
    if (c->plan.fault == MST_SIM_FAULT_HANG_BEFORE) {
        c->end = MST_SIM_ENDED_HANGING;
        finish(c);
        return;
    }
    if (!choose_answer(c, &q, mst_sim_replies_find(s->replies, c->case_id, q.prompt))) {
        mst_sim_refuse(&why, 500, NULL, "answer_too_large", "the answer is larger than 64 MiB");
        respond_refusal(c, &why, "");
        return;
    }
    place_fault(c, q.stream);
    if (q.stream)
        start_stream(c);
    else
        start_whole(c);
}

static bool
is_allowed(const mst_sim_conn_t *c)
{
    const char *key = c->server->opts.api_key;
    mst_str_t auth = mst_hreq_header(c->req, MST_STR("authorization"));
    if (key == NULL)
        return true;
    return auth.n > 7 && strncasecmp(auth.p, "Bearer ", 7) == 0 &&
           mst_str_eq_c(mst_str_trim(mst_str(auth.p + 7, auth.n - 7)), key);
}

static void
route(mst_sim_conn_t *c)
{
    static const struct {
        const char *path, *method, *allow;
        void (*fn)(mst_sim_conn_t *c); // NULL: /health and /v1/models, below
        bool open;                     // without a key
    } routes[] = {{"/v1/chat/completions", "POST", "Allow: POST\r\n", chat, false},
                  {"/v1/models", "GET", "Allow: GET\r\n", NULL, false},
                  {"/health", "GET", "Allow: GET\r\n", NULL, true}};

    mst_sim_refusal_t why;
    mst_str_t path = mst_hreq_path(c->req), method = mst_hreq_method(c->req);
    size_t i = 0;
    while (i < 3 && !mst_str_eq_c(path, routes[i].path))
        i++;
    const char *more = "";
    if (i == 3) {
        mst_sim_refuse(&why, 404, NULL, "unknown_url", "there is nothing at %.*s; try POST /v1/chat/completions",
                       MST_FMT(mst_str_cut(path, 100)));
    } else if (!mst_str_eq_c(method, routes[i].method)) {
        mst_sim_refuse(&why, 405, NULL, "method_not_allowed", "%s is to be asked with %s", routes[i].path,
                       routes[i].method);
        more = routes[i].allow;
    } else if (!routes[i].open && !is_allowed(c)) {
        mst_sim_refuse(&why, 401, NULL, "invalid_api_key", "the API key is missing or wrong");
    } else if (routes[i].fn != NULL) {
        routes[i].fn(c);
        return;
    } else {
        mst_buf_reset(&c->server->body);
        if (routes[i].open)
            mst_buf_add_c(&c->server->body, "{\"status\":\"ok\"}");
        else
            mst_sim_render_models(&c->server->opts, &c->server->body);
        respond(c, 200, "", MST_SIM_EV_BODY, 0);
        return;
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
