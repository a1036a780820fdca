// One endpoint a scorer. Asks wait in order; a request takes one of them, or as many texts to embed as fit into one. A
// request that fails for good with several asks in it is taken apart: one text that a server refuses must not cost its
// neighbours their scores.
#include "worker/calls_internal.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/blot.h"
#include "worker/provider/provider.h"
#include "worker/reach.h"
#include "worker/secrets.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH_TEXTS 64
#define BATCH_BYTES (256 * MST_KIB)
#define PLACES_MAX  64
#define ARENA_MAX   (256 * MST_MIB)

typedef struct ask_node { // one ask that waits or is under way
    struct ask_node *next;
    mst_called_t *owner;
    size_t caller;
    bool alone; // not together with others again
} node_t;

struct endpoint;

typedef struct flight { // one request
    struct flight *prev, *next;
    struct endpoint *at;
    node_t *asks;
    mst_ask_t ask;
    mst_arena_t *arena;
    mst_request_t request;
    mst_http_call_t *call;
    mst_buf_t body;
    uint32_t tries;
    mst_timer_t timer; // next try
} flight_t;

typedef struct endpoint {
    mst_calls_t *calls;
    const mst_scorer_cfg_t *cfg;
    const mst_provider_t *provider;
    const mst_http_net_t *net;
    mst_retry_policy_t retry;
    int64_t connect_ms, total_ms;
    char *secret, *key;
    node_t *first, **end;
    flight_t *flights;
    size_t active;
    bool pumping;
} endpoint_t;

struct mst_calls {
    mst_calls_opts_t o;
    endpoint_t *endpoints;
    size_t count;
    mst_prng_t rng;
    mst_json_parser_t *json;
    mst_arena_t *arena, *scratch; // of one answer
    mst_called_t *done, **done_end;
    mst_timer_t soon;
};

static void pump(endpoint_t *e);
static void fly(flight_t *f);

static int64_t
setting(const mst_params_t *p, const char *name, double scale, double dflt)
{
    for (const mst_param_t *t = p->table; t != NULL && t->name != NULL; t++)
        if (strcmp(t->name, name) == 0)
            return (int64_t)(mst_params_num(p, name, dflt) * scale);
    return (int64_t)(dflt * scale);
}

static mst_rc
sample(const mst_scorer_cfg_t *cfg, mst_arena_t *arena, mst_request_t *out, mst_err_t *err)
{
    const mst_provider_t *p = mst_provider_find(mst_str_c(cfg->endpoint.kind->name));
    static const mst_str_t texts[] = {{"sample", 6}};
    const mst_case_t c = {.id = MST_STR("sample"), .input = MST_STR("sample")};
    mst_ask_t ask = {.c = &c, .texts = texts, .text_count = 1};
    if (p == NULL)
        return MST_ERR(err, MST_INVAL, "unknown provider \"%s\"", cfg->endpoint.kind->name);
    if ((cfg->kind->calls & ~p->asks) != 0)
        return MST_ERR(err, MST_UNSUPPORTED, "provider %s has no route for %s", p->kind.name,
                       (cfg->kind->calls & MST_ASK_BIT(MST_ASK_EMBED)) != 0 ? "embeddings" : "what it asks");
    if ((cfg->kind->calls & MST_ASK_BIT(MST_ASK_EMBED)) != 0)
        ask.kind = MST_ASK_EMBED;
    return p->build_request(&cfg->endpoint, &ask, arena, out, err);
}

mst_rc
mst_calls_check(const mst_scorer_cfg_t *cfg, mst_arena_t *arena, mst_err_t *err)
{
    mst_request_t request;
    mst_rc rc = sample(cfg, arena, &request, err);
    if (rc == MST_OK)
        rc = mst_reach_check(&cfg->endpoint, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "scorer \"%.*s\"", MST_FMT(cfg->label));
    return rc;
}

static mst_rc
read_key(endpoint_t *e, const mst_request_t *q, mst_err_t *err)
{
    char *key = NULL;
    if (q->auth_name.n == 0)
        return MST_OK;
    mst_rc rc = mst_secret_read(&e->cfg->endpoint, e->calls->o.env, &key, err);
    if (rc != MST_OK || key == NULL)
        return rc;
    size_t n = q->auth_name.n + q->auth_prefix.n + strlen(key) + 3;
    e->secret = mst_xalloc(n);
    (void)snprintf(e->secret, n, "%.*s: %.*s%s", MST_FMT(q->auth_name), MST_FMT(q->auth_prefix), key);
    e->key = e->secret + q->auth_name.n + 2 + q->auth_prefix.n;
    mst_secret_free(&key);
    return MST_OK;
}

static mst_rc
open_endpoint(endpoint_t *e, mst_err_t *err)
{
    const mst_params_t *p = &e->cfg->endpoint.params;
    mst_request_t request = {0};
    e->end = &e->first;
    e->retry = mst_retry_policy_default();
    e->retry.tries_max = (uint32_t)setting(p, "max_retries", 1, 3) + 1;
    e->retry.base_ns = setting(p, "retry_base_ms", 1, 500) * MST_NS_PER_MS;
    e->connect_ms = setting(p, "connect_timeout", 1000, 5);
    e->total_ms = setting(p, "timeout", 1000, 600);
    mst_arena_reset(e->calls->arena);
    mst_rc rc = sample(e->cfg, e->calls->arena, &request, err);
    if (rc == MST_OK) {
        e->provider = mst_provider_find(mst_str_c(e->cfg->endpoint.kind->name));
        rc = read_key(e, &request, err);
    }
    if (rc == MST_OK)
        rc = mst_reach_net(&e->cfg->endpoint, e->calls->o.env, e->calls->o.http, &e->net, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "scorer \"%.*s\"", MST_FMT(e->cfg->label));
    return rc;
}

static void
on_soon(void *ud)
{
    mst_calls_t *calls = ud;
    mst_called_t *c = calls->done;
    calls->done = NULL;
    calls->done_end = &calls->done;
    while (c != NULL) {
        mst_called_t *next = c->next;
        c->next = NULL;
        c->fn(c->ud);
        c = next;
    }
}

mst_rc
mst_calls_new(const mst_calls_opts_t *o, const mst_scorer_cfg_t *const *callers, size_t count, mst_calls_t **out,
              mst_err_t *err)
{
    mst_rc rc = MST_OK;
    mst_calls_t *c = MST_NEW(mst_calls_t);
    c->o = *o;
    c->o.concurrency = o->concurrency == 0 ? 1 : o->concurrency > PLACES_MAX ? PLACES_MAX : o->concurrency;
    c->count = count;
    c->endpoints = MST_NEW_ARRAY(endpoint_t, count + 1);
    c->json = mst_json_parser_new();
    c->arena = mst_arena_new(ARENA_MAX);
    c->scratch = mst_arena_new(ARENA_MAX);
    c->done_end = &c->done;
    c->soon = (mst_timer_t){.fn = on_soon, .ud = c};
    mst_prng_seed(&c->rng, o->seed);
    for (size_t i = 0; i < count && rc == MST_OK; i++) {
        c->endpoints[i].calls = c;
        c->endpoints[i].cfg = callers[i];
        rc = open_endpoint(&c->endpoints[i], err);
    }
    if (rc != MST_OK)
        mst_calls_free(&c);
    *out = c;
    return rc;
}

static void
flight_free(flight_t *f)
{
    endpoint_t *e = f->at;
    *(f->prev != NULL ? &f->prev->next : &e->flights) = f->next;
    if (f->next != NULL)
        f->next->prev = f->prev;
    e->active--;
    mst_loop_timer_stop(e->calls->o.loop, &f->timer);
    mst_arena_free(&f->arena);
    mst_buf_deinit(&f->body);
    free(f);
}

static void
free_nodes(node_t *n)
{
    while (n != NULL) {
        node_t *next = n->next;
        free(n);
        n = next;
    }
}

void
mst_calls_free(mst_calls_t **calls)
{
    mst_calls_t *c = calls != NULL ? *calls : NULL;
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++) {
        endpoint_t *e = &c->endpoints[i];
        while (e->flights != NULL) {
            free_nodes(e->flights->asks);
            flight_free(e->flights);
        }
        free_nodes(e->first);
        mst_secret_free(&e->secret);
    }
    mst_loop_timer_stop(c->o.loop, &c->soon);
    free(c->endpoints);
    mst_json_parser_free(&c->json);
    mst_arena_free(&c->arena);
    mst_arena_free(&c->scratch);
    free(c);
    *calls = NULL;
}

static void
settle(mst_calls_t *calls, node_t *n, const mst_err_t *err)
{
    mst_called_t *owner = n->owner;
    mst_score_call_t *call = &owner->list[n->caller];
    call->wanted = false;
    if (err != NULL)
        call->error = *err;
    free(n);
    if (--owner->open > 0)
        return;
    *calls->done_end = owner;
    calls->done_end = &owner->next;
    mst_loop_timer(calls->o.loop, &calls->soon, mst_loop_now(calls->o.loop));
}

// Every ask of a flight has its answer, or the same error.
static void
land(flight_t *f, const mst_completion_t *c, const mst_err_t *err)
{
    endpoint_t *e = f->at;
    uint32_t row = 0;
    node_t *n = f->asks;
    f->asks = NULL;
    mst_completion_t own = c != NULL ? *c : (mst_completion_t){0};
    while (n != NULL) {
        node_t *next = n->next;
        mst_err_t bad = {0};
        mst_rc rc = err != NULL ? MST_OK : mst_called_answer(n->owner, n->caller, &own, &row, &bad);
        if (own.vector_rows != NULL)
            own.vector_rows += n->owner->list[n->caller].ask.text_count;
        settle(e->calls, n, err != NULL ? err : rc != MST_OK ? &bad : NULL);
        n = next;
    }
    flight_free(f);
    pump(e);
}

// Back into the queue, in front, one by one.
static void
take_apart(flight_t *f)
{
    endpoint_t *e = f->at;
    node_t *last = f->asks;
    for (node_t *n = f->asks; n != NULL; n = n->next) {
        n->alone = true;
        last = n;
    }
    last->next = e->first;
    if (e->first == NULL)
        e->end = &last->next;
    e->first = f->asks;
    f->asks = NULL;
    flight_free(f);
    pump(e);
}

static void
failed(flight_t *f, const mst_err_t *err)
{
    endpoint_t *e = f->at;
    int64_t wait_ns = 0;
    if (mst_retry_decide(&e->retry, err, f->tries, &e->calls->rng, &wait_ns)) {
        mst_loop_timer(e->calls->o.loop, &f->timer, mst_loop_now(e->calls->o.loop) + wait_ns);
        return;
    }
    if (f->asks->next != NULL) {
        take_apart(f);
        return;
    }
    mst_err_t told = *err;
    mst_err_prefix(&told, "its endpoint");
    land(f, NULL, &told);
}

static bool
on_data(void *ud, mst_str_t bytes, int64_t rx_mono_ns, bool merged)
{
    flight_t *f = ud;
    (void)rx_mono_ns;
    (void)merged;
    return mst_buf_add_str(&f->body, bytes) == MST_OK;
}

static void
on_done(void *ud, const mst_http_result_t *r)
{
    flight_t *f = ud;
    endpoint_t *e = f->at;
    mst_calls_t *calls = e->calls;
    mst_decoder_t d;
    f->call = NULL;
    mst_blot(f->body.p, f->body.n, mst_str_c(e->key));
    mst_rx_t piece = {.rx_ns = r->close_mono_ns, .n = (uint32_t)f->body.n};
    const mst_exchange_t x = {.body = mst_buf_view(&f->body),
                              .pieces = &piece,
                              .piece_count = f->body.n > 0,
                              .send_mono_ns = r->send_mono_ns,
                              .http_status = r->status,
                              .split = f->request.split,
                              .cut = r->cut || r->err.rc != MST_OK};
    mst_arena_reset(calls->arena);
    mst_arena_reset(calls->scratch);
    mst_decoder_init(&d, e->provider, calls->json, calls->arena, calls->scratch);
    d.ask = &f->ask;
    d.cfg = &e->cfg->endpoint;
    mst_outcome_t outcome = mst_decoder_run(&d, &x);
    mst_completion_t c = d.c;
    mst_blot_completion(calls->arena, &c, mst_str_c(e->key));
    c.attempts = f->tries;
    mst_decoder_deinit(&d);
    if (mst_outcome_measured(outcome)) {
        land(f, &c, NULL);
        return;
    }
    mst_err_t err = r->err.rc != MST_OK && r->status < 300 ? r->err : c.error;
    if (err.rc == MST_OK)
        (void)MST_ERR(&err, MST_PROTO, "gave no answer that could be read");
    if (err.retry_after_ms == 0)
        err.retry_after_ms = r->retry_after_ms;
    failed(f, &err);
}

static const mst_http_handler_t handler = {.on_data = on_data, .on_done = on_done};

static void
fly(flight_t *f)
{
    endpoint_t *e = f->at;
    mst_err_t err = {0};
    f->tries++;
    mst_buf_reset(&f->body);
    const mst_http_req_t req = {.method = f->request.method != NULL ? f->request.method : "POST",
                                .url = f->request.url,
                                .headers = f->request.headers,
                                .header_count = f->request.header_count,
                                .auth = mst_str_c(e->secret),
                                .body = f->request.body,
                                .connect_timeout_ms = e->connect_ms,
                                .total_timeout_ms = e->total_ms,
                                .body_max = MST_HTTP_BODY_MAX,
                                .net = e->net};
    if (mst_http_start(e->calls->o.http, &req, &handler, f, &f->call, &err) == MST_OK)
        return;
    f->call = NULL;
    err.retry = MST_RETRY_NEVER;
    failed(f, &err);
}

static void
on_timer(void *ud)
{
    fly(ud);
}

static const mst_ask_t *
ask_of(const node_t *n)
{
    return &n->owner->list[n->caller].ask;
}

static size_t
bytes_of(const mst_ask_t *ask)
{
    size_t n = 0;
    for (size_t i = 0; i < ask->text_count; i++)
        n += ask->texts[i].n;
    return n;
}

// The asks of the next request: the first that waits, and behind it what may travel with it.
static node_t *
next_asks(endpoint_t *e, size_t *texts)
{
    node_t *first = e->first, *last = first;
    const mst_ask_t *ask = ask_of(first);
    size_t bytes = bytes_of(ask);
    *texts = ask->text_count;
    for (node_t *n = last->next; n != NULL && ask->kind == MST_ASK_EMBED && !first->alone; n = last->next) {
        const mst_ask_t *more = ask_of(n);
        bytes += bytes_of(more);
        if (more->kind != MST_ASK_EMBED || n->alone || *texts + more->text_count > BATCH_TEXTS || bytes > BATCH_BYTES)
            break;
        *texts += more->text_count;
        last = n;
    }
    e->first = last->next;
    if (e->first == NULL)
        e->end = &e->first;
    last->next = NULL;
    return first;
}

static mst_rc
build(flight_t *f, size_t text_count, mst_err_t *err)
{
    mst_str_t *texts = MST_ARENA_ARRAY(f->arena, mst_str_t, text_count);
    if (texts == NULL)
        return MST_ERR(err, MST_LIMIT, "request does not fit into memory");
    f->ask = *ask_of(f->asks);
    size_t at = 0;
    for (const node_t *n = f->asks; n != NULL; n = n->next)
        for (size_t i = 0; i < ask_of(n)->text_count; i++)
            texts[at++] = ask_of(n)->texts[i];
    f->ask.texts = texts;
    f->ask.text_count = text_count;
    return f->at->provider->build_request(&f->at->cfg->endpoint, &f->ask, f->arena, &f->request, err);
}

static void
pump(endpoint_t *e)
{
    if (e->pumping)
        return; // whoever does goes on
    e->pumping = true;
    while (e->first != NULL && e->active < e->calls->o.concurrency) {
        size_t texts = 0;
        mst_err_t err = {0};
        flight_t *f = MST_NEW(flight_t);
        f->at = e;
        f->arena = mst_arena_new(ARENA_MAX);
        f->timer = (mst_timer_t){.fn = on_timer, .ud = f};
        mst_buf_init(&f->body, MST_HTTP_BODY_MAX);
        f->asks = next_asks(e, &texts);
        f->next = e->flights;
        if (f->next != NULL)
            f->next->prev = f;
        e->flights = f;
        e->active++;
        if (build(f, texts, &err) == MST_OK) {
            fly(f);
            continue;
        }
        err.retry = MST_RETRY_NEVER;
        failed(f, &err);
    }
    e->pumping = false;
}

void
mst_calls_ask(mst_calls_t *calls, mst_called_t *called, mst_called_fn *fn, void *ud)
{
    called->fn = fn;
    called->ud = ud;
    called->open = 1; // held until all are queued
    for (size_t i = 0; i < called->count; i++) {
        if (!called->list[i].wanted)
            continue;
        node_t *n = MST_NEW(node_t);
        n->owner = called;
        n->caller = i;
        *calls->endpoints[i].end = n;
        calls->endpoints[i].end = &n->next;
        called->open++;
    }
    for (size_t i = 0; i < calls->count; i++)
        pump(&calls->endpoints[i]);
    if (--called->open > 0)
        return;
    *calls->done_end = called;
    calls->done_end = &called->next;
    mst_loop_timer(calls->o.loop, &calls->soon, mst_loop_now(calls->o.loop));
}
