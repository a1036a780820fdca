// The order matters: the outcome comes first, then the scores of a measured answer, then the packed row. A
// scorer that fails makes the outcome scorer_error and leaves the answer in the row. What does not fit into a
// row is replaced by a row that says so: a case always ends in one typed outcome.
#include "worker/row.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/utf8.h"
#include "common/model/slices.h"
#include "scorers/recorded.h"
#include "worker/blot.h"
#include "worker/caching.h"
#include "worker/provider/extra.h"
#include "worker/calls.h"

#include <string.h>

// Writes what can be shown of a request: never a credential, since headers hold none here.
static mst_str_t
raw_request(mst_arena_t *arena, const mst_request_t *q)
{
    mst_buf_t b;
    mst_buf_init(&b, MST_RAW_BYTES_MAX);
    mst_buf_addf(&b, "%s %.*s\r\n", q->method ? q->method : "POST", MST_FMT(q->url));
    for (size_t i = 0; i < q->header_count; i++)
        mst_buf_addf(&b, "%.*s\r\n", MST_FMT(q->headers[i]));
    mst_buf_add_c(&b, "\r\n");
    size_t room = b.max - b.n;
    mst_buf_add(&b, q->body.p, q->body.n < room ? q->body.n : room);
    mst_str_t copy = mst_arena_dup(arena, mst_buf_view(&b), NULL);
    mst_buf_deinit(&b);
    return copy;
}

static mst_outcome_t
outcome_of_transport(mst_rc rc)
{
    if (rc == MST_TIMEOUT)
        return MST_OUT_TIMEOUT;
    if (rc == MST_LIMIT)
        return MST_OUT_TOO_LARGE;
    if (rc == MST_PROTO || rc == MST_DENIED || rc == MST_INVAL || rc == MST_UNSUPPORTED)
        return MST_OUT_PROVIDER_ERROR;
    return MST_OUT_CONNECTION_LOST;
}

static int64_t
since(int64_t at, int64_t from)
{
    return at == MST_NONE || from == MST_NONE ? MST_NONE : at - from;
}

static void
fill_transport(mst_completion_t *c, const mst_attempt_t *a)
{
    const mst_http_result_t *h = &a->http;
    c->send_mono_ns = h->send_mono_ns;
    c->send_source = h->send_source;
    c->rx_source = h->rx_source;
    c->ttfb_ns = since(h->first_byte_mono_ns, h->send_mono_ns);
    c->close_ns = since(h->close_mono_ns, h->send_mono_ns);
    c->queue_ns = since(h->send_mono_ns, a->admitted_ns);
    c->conn_reused = h->conn_reused;
    c->http_status = h->status;
    c->request_id = h->request_id;
    if (h->server.n > 0)
        c->server = h->server;
}

static void
completion_none(mst_completion_t *c)
{
    *c = (mst_completion_t){
        .prompt_tokens = MST_NONE,
        .completion_tokens = MST_NONE,
        .cached_tokens = MST_NONE,
        .reasoning_tokens = MST_NONE,
        .usage_tokens = MST_NONE,
        .send_mono_ns = MST_NONE,
        .ttfb_ns = MST_NONE,
        .ttft_ns = MST_NONE,
        .ttfo_ns = MST_NONE,
        .last_token_ns = MST_NONE,
        .close_ns = MST_NONE,
        .queue_ns = MST_NONE,
    };
}

// Valid UTF-8 for the scorers; a repaired copy when it was not.
static mst_str_t
valid_output(mst_bench_t *b, mst_str_t text)
{
    if (mst_utf8_valid(text))
        return text;
    mst_buf_reset(&b->text);
    (void)mst_utf8_repair(text, &b->text);
    return mst_buf_view(&b->text);
}

// Scores a measured answer; may turn *outcome into scorer_error. called: what scorers asked and were answered so far;
// when one waits for an answer, nothing of the scores holds.
static void
score(mst_bench_t *b, const mst_case_t *c, struct mst_called *called, mst_result_t *r)
{
    if (!b->set) {
        r->outcome = MST_OUT_SCORER_ERROR;
        r->done.error = b->set_err;
        return;
    }
    mst_score_in_t in = {.c = c,
                         .done = &r->done,
                         .output = valid_output(b, r->done.text),
                         .arena = b->arena,
                         .models = b->models, .calls = called ? mst_called_list(called) : NULL};
    int failed = -1;
    mst_err_t err = {0};
    bool passed = false;
    mst_scorer_set_score(b->set, &in, mst_mono_ns, b->scores, &passed, &failed, &err);
    r->scores = b->scores;
    r->score_count = (uint32_t)mst_scorer_set_count(b->set, MST_SCOPE_CASE);
    r->passed = passed && failed < 0;
    if (failed >= 0) {
        r->outcome = MST_OUT_SCORER_ERROR;
        r->done.error = err;
    }
}

// What else the case holds, as one object: stored, so that an answer can be scored anew or sliced later.
static mst_str_t
case_extra(const mst_case_t *c, mst_arena_t *arena)
{
    const struct {
        const char *key;
        mst_str_t json;
    } parts[] = {{"metadata", c->metadata},
                 {"context", c->context},
                 {"retrieval_context", c->retrieval_context},
                 {"messages", c->input.n > 0 ? c->messages : MST_STR_NULL}};
    size_t bytes = 2;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        bytes += parts[i].json.n > 0 ? parts[i].json.n + strlen(parts[i].key) + 4 : 0;
    if (bytes == 2)
        return MST_STR_NULL;
    char *p = mst_arena_alloc_raw(arena, bytes);
    if (p == NULL)
        return MST_STR_NULL;
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].json.n == 0)
            continue;
        size_t key_n = strlen(parts[i].key);
        p[n] = n == 0 ? '{' : ',';
        n++;
        p[n++] = '"';
        memcpy(p + n, parts[i].key, key_n);
        n += key_n;
        p[n++] = '"';
        p[n++] = ':';
        memcpy(p + n, parts[i].json.p, parts[i].json.n);
        n += parts[i].json.n;
    }
    p[n++] = '}';
    return mst_str(p, n);
}

static void
fill_case(mst_bench_t *b, mst_result_t *r, const mst_case_t *c, const mst_key_t *key)
{
    r->key = *key;
    r->case_id = c->id;
    memcpy(r->case_digest, c->digest, sizeof r->case_digest);
    r->slices = mst_case_slices(c->metadata, b->json, b->arena);
    if (key->repeat_no != 0)
        return; // stored once a case and target
    r->input = c->input.n > 0 ? c->input : c->messages;
    r->expected = c->expected;
    r->has_expected = c->has_expected;
    r->case_extra = case_extra(c, b->arena);
}

// Packs, or packs a slim row that says that it did not fit.
static mst_rc
pack(mst_result_t *r, mst_buf_t *out, mst_err_t *err)
{
    size_t before = out->n;
    mst_rc rc = mst_wire_result_pack(r, out, err);
    if (rc == MST_OK && out->n - before <= MST_RESULT_BYTES_MAX)
        return MST_OK;
    out->n = before;
    out->failed = false;
    int64_t tokens = r->done.completion_tokens;
    completion_none(&r->done);
    r->done.completion_tokens = tokens;
    (void)MST_ERR(&r->done.error, MST_LIMIT, "result is larger than %lu bytes", MST_RESULT_BYTES_MAX);
    r->outcome = MST_OUT_TOO_LARGE;
    r->passed = false;
    r->scores = NULL;
    r->score_count = 0;
    r->input = r->expected = r->case_extra = r->raw_request = r->raw_response = r->events = r->steps = MST_STR_NULL;
    r->logprob_count = 0;
    r->has_expected = false;
    return mst_wire_result_pack(r, out, err);
}

static mst_outcome_t
decode(mst_decoder_t *d, const mst_attempt_t *a)
{
    const mst_http_result_t *h = &a->http;
    mst_exchange_t x = {
        .body = mst_buf_view(&a->body),
        .pieces = a->pieces,
        .piece_count = a->piece_count,
        .send_mono_ns = h->send_mono_ns,
        .http_status = h->status,
        .split = a->request.split,
        .cut = h->cut || h->err.rc != MST_OK,
    };
    mst_extra_headers(d, h->kept);
    mst_outcome_t o = mst_decoder_run(d, &x);
    fill_transport(&d->c, a);
    if (mst_outcome_measured(o))
        return o;
    bool told = h->status >= 300; // the server said why
    if (h->err.rc != MST_OK && !told) {
        d->c.error = h->err;
        return outcome_of_transport(h->err.rc);
    }
    if (d->c.error.retry_after_ms == 0)
        d->c.error.retry_after_ms = h->retry_after_ms;
    if (told && h->should_retry != 0) // the server knows better than its status says
        d->c.error.retry = h->should_retry < 0 ? MST_RETRY_NEVER : MST_RETRY_LATER;
    return o;
}

// What the steps of a case came to, as the row keeps it: their JSON text, and the events of all of them in one column.
static void
put_steps(mst_bench_t *b, mst_attempt_t *a, mst_result_t *r)
{
    mst_steps_t steps = mst_plan_steps(a->plan);
    mst_completion_t all = mst_plan_events(a->plan);
    double tpot = mst_completion_tpot_ns(&r->done); // of the step that the case stands for
    mst_buf_t text;
    mst_buf_init(&text, MST_RESULT_BYTES_MAX);
    mst_plan_count(a->plan, a->number);
    r->started_wall_ns = *mst_plan_started(a->plan);
    r->attempt = r->done.attempts = mst_plan_attempts(a->plan);
    if (steps.count > 0) {
        r->load.sched_mono_ns = 0; // the schedule is that of the first step, the stamps are those of another
        mst_steps_write(&steps, &text);
        r->steps = mst_arena_dup(b->arena, mst_buf_view(&text), NULL);
        mst_buf_reset(&text);
    }
    mst_events_pack(&all, &text);
    r->events = text.failed ? MST_STR_NULL : mst_arena_dup(b->arena, mst_buf_view(&text), NULL);
    r->tpot_ns = tpot >= 0.0 && tpot < 9e18 ? (int64_t)(tpot + 0.5) : MST_NONE; // false for NaN
    for (uint32_t i = 0; i < steps.count && !r->done.cached; i++)
        r->done.cached = steps.items[i].cached;
    if (r->done.cached) { // a case is timed whole or not at all
        mst_caching_untime(&r->done);
        r->tpot_ns = MST_NONE;
    }
    bool kept = r->events.n > 0;
    r->done.event_count = kept ? all.event_count : 0;
    r->logprob_count = kept ? all.logprob_count : 0;
    mst_step_tokens_t tokens = mst_steps_tokens(&r->done);
    r->done.prompt_tokens = tokens.prompt;
    r->done.completion_tokens = tokens.completion;
    r->done.reasoning_tokens = tokens.reasoning;
    r->done.usage_tokens = tokens.usage;
    r->done.events = NULL;
    r->done.logprobs = NULL;
    r->done.alternatives = NULL; // they belong to the logprobs of one step
    r->done.alternative_ends = NULL;
    r->done.alternative_count = 0;
    mst_buf_deinit(&text);
}

// What an attempt took. Tokens that nobody told count as the most that they can be, when there was an answer.
static mst_spend_t
spent_by(const mst_attempt_t *a, const mst_completion_t *done)
{
    mst_spend_t used = {0};
    if (a->cached || !a->has_http || (!a->http.sent && a->http.status == 0))
        return used;
    used.requests = 1;
    int64_t prompt = done->prompt_tokens, completion = done->completion_tokens;
    if (a->http.status == 200 && (prompt < 0 || completion < 0)) {
        prompt = prompt < 0 ? (int64_t)a->request.body.n : prompt;
        completion = completion < 0 ? a->target->answer_tokens : completion;
    }
    used.tokens = (uint64_t)(prompt > 0 ? prompt : 0) + (uint64_t)(completion > 0 ? completion : 0);
    used.money = mst_price_of(a->target->price, prompt, done->cached_tokens, completion);
    return used;
}

static void
pack_attempt(mst_bench_t *b, mst_attempt_t *a, mst_result_t *r)
{
    fill_case(b, r, &a->c, &a->key);
    r->generation = a->generation;
    r->lease_id = a->lease_id;
    r->attempt = a->number;
    r->done.attempts = a->number;
    r->started_wall_ns = a->started_wall_ns;
    r->finished_wall_ns = a->finished_wall_ns;
    r->origin_no = a->origin_no;
    r->load = a->tag;
    if (a->run->cfg.keep_raw && a->target) {
        r->raw_request = raw_request(b->arena, &a->request);
        r->raw_response = mst_str(a->body.p, a->body.n < MST_RAW_BYTES_MAX ? a->body.n : MST_RAW_BYTES_MAX);
    }
    if (a->plan)
        put_steps(b, a, r);
    mst_err_t err = {0};
    if (pack(r, &a->row, &err) != MST_OK)
        mst_buf_reset(&a->row); // an empty row is told to the I/O thread as such
    a->outcome = r->outcome;
    a->err = r->done.error;
}

// Gives one answer to the plan. True: the case goes on with another request; else *r is the whole case, or its failure.
static bool
take_step(mst_attempt_t *a, mst_result_t *r)
{
    uint32_t no = mst_plan_step_no(a->plan) + 1;
    mst_err_t err = {0};
    if (mst_outcome_measured(r->outcome)) {
        mst_rc rc = mst_plan_take(a->plan, r->outcome, &r->done, &err);
        if (rc == MST_OK && mst_plan_ask(a->plan)) {
            mst_plan_count(a->plan, a->number);
            a->outcome = r->outcome;
            a->err = (mst_err_t){0};
            return true;
        }
        if (rc == MST_OK) {
            r->outcome = mst_plan_finish(a->plan, &r->done);
            return false;
        }
        r->outcome = rc == MST_LIMIT ? MST_OUT_TOO_LARGE : MST_OUT_PROVIDER_ERROR;
        r->done.error = err;
    }
    if (no > 1)
        mst_err_prefix(&r->done.error, "request %u of the case", no);
    return false;
}

// Scores and packs a case, or finds that its scorers wait for answers.
static void
judge(mst_bench_t *b, mst_attempt_t *a, mst_result_t *r)
{
    size_t callers = b->set ? mst_scorer_set_callers(b->set) : 0;
    a->waits = false;
    if (mst_outcome_measured(r->outcome)) {
        if (callers > 0 && !a->called)
            a->called = mst_called_new(callers);
        score(b, &a->c, a->called, r);
        a->waits = a->called && mst_called_wants(a->called);
    }
    if (!a->waits)
        pack_attempt(b, a, r);
}

static void
row_of_exchange(mst_bench_t *b, mst_attempt_t *a)
{
    mst_decoder_t d;
    mst_result_t r = {0};
    mst_decoder_init(&d, a->target->provider, b->json, b->arena, b->scratch);
    d.cfg = &a->target->ask;
    d.ask = &a->ask;
    mst_blot(a->body.p, a->body.n, a->key_text); // before it is read: an error keeps only the beginning of a text
    r.outcome = decode(&d, a);
    if (a->cached)
        mst_caching_untime(&d.c);
    r.done = d.c;
    mst_blot_completion(b->arena, &r.done, a->key_text);
    a->used = spent_by(a, &r.done);
    r.done.attempts = a->number;
    if (a->plan && a->called)
        r.outcome = mst_plan_finish(a->plan, &r.done); // decoded again for its scorers' answers
    else
        a->more = a->plan && take_step(a, &r);
    if (a->more || mst_outcome_measured(r.outcome))
        mst_caching_keep(a);
    else if (a->cached)
        r.done.error.retry = MST_RETRY_LATER; // it no longer reads as it did: the backend is asked
    if (!a->more)
        judge(b, a, &r);
    mst_decoder_deinit(&d);
}

// The outcome of a recorded answer.
static void
judge_recorded(mst_bench_t *b, const mst_case_t *c, mst_result_t *r)
{
    completion_none(&r->done);
    if (!c->has_actual) {
        r->outcome = MST_OUT_BAD_CASE;
        (void)MST_ERR(&r->done.error, MST_INVAL,
                      "case \"%.*s\" has no recorded answer: give it actual_output, or configure a provider",
                      MST_FMT(mst_str_cut(c->id, 100)));
        return;
    }
    mst_err_t err = {0};
    if (mst_completion_from_metadata(c, b->json, b->arena, &r->done, &err) != MST_OK)
        mst_debug("%s", err.message); // the answer counts; its times are not known
    r->outcome = MST_OUT_SCORED;
}

static void
row_of_recorded_attempt(mst_bench_t *b, mst_attempt_t *a)
{
    mst_result_t r = {0};
    r.outcome = MST_OUT_BAD_CASE;
    mst_err_t err = {0};
    if (mst_wire_case_unpack(a->packed, b->arena, &a->c, &err) != MST_OK) {
        completion_none(&r.done);
        r.done.error = err;
    } else {
        judge_recorded(b, &a->c, &r);
    }
    judge(b, a, &r);
}

// Nothing was sent: outcome and err were set by the I/O thread.
static void
row_of_failure(mst_bench_t *b, mst_attempt_t *a)
{
    mst_result_t r = {.outcome = a->outcome};
    completion_none(&r.done);
    r.done.error = a->err;
    pack_attempt(b, a, &r);
}

void
mst_row_attempt(mst_bench_t *b, mst_attempt_t *a)
{
    mst_arena_reset(b->arena);
    mst_arena_reset(b->scratch);
    mst_buf_reset(&a->row);
    if (a->has_http)
        row_of_exchange(b, a);
    else if (!a->target && a->err.rc == MST_OK)
        row_of_recorded_attempt(b, a);
    else
        row_of_failure(b, a);
}

mst_rc
mst_row_recorded(mst_bench_t *b, const mst_job_t *job, const mst_place_t *place, int64_t wall_ns, mst_buf_t *out,
                 mst_err_t *err)
{
    mst_case_t c = {0};
    mst_result_t r = {0};
    mst_arena_reset(b->arena);
    mst_arena_reset(b->scratch);
    mst_rc rc = mst_wire_case_unpack(place->body, b->arena, &c, err);
    if (rc != MST_OK)
        return rc; // the frame was checked: only a broken coordinator gets here
    judge_recorded(b, &c, &r);
    if (mst_outcome_measured(r.outcome))
        score(b, &c, NULL, &r);
    fill_case(b, &r, &c, &place->key);
    r.generation = job->unit->grant->generation;
    r.lease_id = job->unit->grant->lease_id;
    r.attempt = 1;
    r.done.attempts = 1;
    r.started_wall_ns = r.finished_wall_ns = wall_ns;
    r.origin_no = job->origin_no;
    return pack(&r, out, err);
}
