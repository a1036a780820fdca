// One request: its route, its plan, its fault, and which answer is begun. Everything that is decided comes from the
// plan; respond.c and pump.c carry it out.
#include "sim/exchange.h"

#include "common/base/clock.h"

#include <stdio.h>

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
        mst_sim_respond_body(c);
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
        mst_sim_finish(c);
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
    mst_sim_respond_refusal(c, &why, retry);
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
        mst_sim_respond_too_large(c);
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
    mst_sim_place_fault(c, q->wish.stream);
    if (q->wish.stream)
        mst_sim_start_stream(c);
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
        mst_sim_respond_refusal(c, &why, "");
    } else if (c->route->timed) {
        answer(c, &q);
    } else {
        mst_sim_facts_t facts = {&s->opts, c->answer.dialect, s->vocab, &s->metrics};
        mst_buf_reset(&s->body);
        s->metrics.running = s->busy > 0 ? s->busy - 1 : 0; // without this one
        c->route->body(&facts, &q, &s->body);
        mst_sim_respond(c, 200, c->route->type != NULL ? c->route->type : MST_SIM_JSON, MST_STR_NULL,
                        mst_buf_view(&s->body), MST_SIM_EV_BODY, 0);
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
    mst_sim_respond_refusal(c, &why, more);
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
    mst_sim_become(c, MST_SIM_WAITING);
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
    mst_sim_respond_refusal(c, &refusal, "");
}
