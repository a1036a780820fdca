// The small request is made of the settings of the run, with max_tokens 2. Its answer goes through the codec that the
// run will use, so what the probe calls measurable is what the run will measure.
#include "worker/core/probe.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "worker/core/probe_read.h"

#include <stdlib.h>
#include <string.h>

#define PROBE_ARENA (16 * MST_MIB)
#define PROBE_BODY  (4 * MST_MIB) // of a description: larger ones are left alone

struct mst_probe {
    const mst_provider_t *provider;
    mst_provider_cfg_t cfg; // with a small max_tokens
    unsigned needs;
    mst_probe_mode_t mode;
    mst_arena_t *arena, *scratch;
    mst_json_parser_t *json;
    mst_probe_facts_t facts;
    mst_request_t base; // of a plain ask: its address and its key lead to the descriptions
    bool has_base;
    size_t step; // of probe_gets, then the small request
    mst_request_t now;
    mst_case_t c;
    mst_ask_t ask;
    unsigned asked; // small requests made or passed over
};

// What is missing counts as not measured unless the scorer says that it fails.
static bool
must_have_logprobs(const mst_scorer_cfg_t *s)
{
    bool must = s->kind->logprobs && s->on_missing == MST_MISSING_FAIL;
    for (size_t i = 0; i < s->member_count; i++)
        must = must || (s->members[i].kind->logprobs && s->members[i].on_missing == MST_MISSING_FAIL);
    return must;
}

// Not where every target was told to leave them out: then no server is to blame.
static bool
asks_for_logprobs(const mst_run_cfg_t *cfg)
{
    for (size_t i = 0; i < cfg->target_count; i++) {
        const mst_params_t *p = &cfg->targets[i].provider.params;
        for (size_t row = 0; p->table != NULL && p->table[row].name != NULL; row++)
            if (strcmp(p->table[row].name, "logprobs") == 0 && p->values[row].set && p->values[row].u.b)
                return true;
    }
    return false;
}

unsigned
mst_probe_needs(const mst_run_cfg_t *cfg)
{
    unsigned needs = 0;
    bool must = false;
    if (cfg->request.kind == MST_REQUEST_LOGLIKELIHOOD || cfg->request.kind == MST_REQUEST_MULTIPLE_CHOICE)
        return MST_PROBE_LOGLIK;
    if (cfg->request.kind == MST_REQUEST_PERPLEXITY)
        return MST_PROBE_ROLLING | (cfg->request.window > cfg->request.stride ? MST_PROBE_LOGLIK : 0);
    for (size_t i = 0; i < cfg->scorer_count; i++)
        must = must || must_have_logprobs(&cfg->scorers[i]);
    if (must && asks_for_logprobs(cfg))
        needs |= MST_PROBE_LOGPROBS;
    return needs;
}

// Values with max_tokens small and, in full, with logprobs, where the provider has such settings.
static void
keep_small(mst_probe_t *p)
{
    mst_params_t *params = &p->cfg.params;
    size_t rows = 0;
    while (params->table != NULL && params->table[rows].name != NULL)
        rows++;
    mst_param_value_t *values = MST_ARENA_ARRAY(p->arena, mst_param_value_t, rows);
    if (values == NULL || rows == 0)
        return;
    memcpy(values, params->values, rows * sizeof *values);
    for (size_t i = 0; i < rows; i++) {
        const mst_param_t *t = &params->table[i];
        if (strcmp(t->name, "max_tokens") == 0 && t->type == MST_P_INT)
            values[i] = (mst_param_value_t){.set = true, .given = true, .u.i = 2};
        else if (strcmp(t->name, "logprobs") == 0 && t->type == MST_P_BOOL && p->mode == MST_PROBE_FULL)
            values[i] = (mst_param_value_t){.set = true, .given = true, .u.b = true};
    }
    params->values = values;
}

mst_probe_t *
mst_probe_new(const mst_provider_t *provider, const mst_provider_cfg_t *cfg, mst_probe_mode_t mode, unsigned needs)
{
    mst_probe_t *p = MST_NEW(mst_probe_t);
    mst_err_t err = {0};
    p->provider = provider;
    p->cfg = *cfg;
    p->needs = needs;
    p->mode = mode;
    p->arena = mst_arena_new(PROBE_ARENA);
    p->scratch = mst_arena_new(PROBE_ARENA);
    p->json = mst_json_parser_new();
    p->facts.context_tokens = MST_NONE;
    p->c = (mst_case_t){.id = MST_STR("probe"), .input = MST_STR("Count: one two")};
    keep_small(p);
    const mst_ask_t plain = {.c = &p->c};
    p->has_base = mode != MST_PROBE_OFF && provider->build_request(&p->cfg, &plain, p->arena, &p->base, &err) == MST_OK;
    return p;
}

void
mst_probe_free(mst_probe_t **probe)
{
    mst_probe_t *p = probe != NULL ? *probe : NULL;
    if (p == NULL)
        return;
    mst_arena_free(&p->arena);
    mst_arena_free(&p->scratch);
    mst_json_parser_free(&p->json);
    free(p);
    *probe = NULL;
}

// The model that the run names.
static mst_str_t
named_model(const mst_probe_t *p)
{
    const mst_params_t *params = &p->cfg.params;
    for (const mst_param_t *t = params->table; t != NULL && t->name != NULL; t++)
        if (strcmp(t->name, "model") == 0 && t->type == MST_P_STR)
            return mst_params_str(params, "model");
    return MST_STR_NULL;
}

static bool
next_get(mst_probe_t *p, mst_request_t *out)
{
    for (; mst_probe_gets[p->step].name != NULL; p->step++) {
        const mst_probe_get_t *g = &mst_probe_gets[p->step];
        mst_str_t url;
        if (!mst_probe_gives(p->provider->probe, g->name) || p->facts.reachable == MST_FACT_NO ||
            !mst_probe_url(g, &p->cfg.params, p->base.url, p->arena, &url))
            continue;
        *out = p->base;
        out->method = "GET";
        out->url = url;
        out->body = MST_STR_NULL;
        out->split = MST_SPLIT_BODY;
        return true;
    }
    return false;
}

// Is the small request of this kind made? In full whatever the provider has a route for, else what is needed.
static bool
worth_asking(const mst_probe_t *p, mst_ask_kind_t kind)
{
    static const unsigned need_of[] = {MST_PROBE_LOGPROBS, MST_PROBE_LOGLIK, MST_PROBE_ROLLING};
    bool route = (p->provider->asks & MST_ASK_BIT(kind)) != 0;
    if (p->mode == MST_PROBE_OFF || !route || p->facts.reachable == MST_FACT_NO)
        return false;
    return (p->needs & need_of[kind]) != 0 || (p->mode == MST_PROBE_FULL && kind != MST_ASK_ROLLING);
}

static bool
next_ask(mst_probe_t *p, mst_request_t *out)
{
    while (p->asked <= MST_ASK_ROLLING) {
        mst_err_t err = {0};
        mst_ask_kind_t kind = (mst_ask_kind_t)p->asked++;
        p->ask = (mst_ask_t){.kind = kind, .c = &p->c};
        if (kind != MST_ASK_GENERATE)
            p->ask.continuation = MST_STR(" three four");
        if (kind == MST_ASK_LOGLIKELIHOOD)
            p->ask.context = p->c.input;
        if (worth_asking(p, kind) && p->provider->build_request(&p->cfg, &p->ask, p->arena, out, &err) == MST_OK)
            return true;
    }
    return false;
}

bool
mst_probe_next(mst_probe_t *p, mst_request_t *out)
{
    if (!p->has_base)
        return false;
    bool more = next_get(p, &p->now) || next_ask(p, &p->now);
    *out = p->now;
    return more;
}

static void
no_likelihood(mst_probe_t *p, const mst_err_t *err)
{
    p->facts.loglik = MST_FACT_NO;
    p->facts.why = mst_arena_dup(p->arena, mst_str_c(err->message), NULL);
}

// Does the small answer show what it was asked to show? A failure of the moment shows nothing.
static void
take_answer(mst_probe_t *p, int status, mst_str_t body, const mst_err_t *err)
{
    mst_decoder_t d;
    const mst_rx_t piece = {.n = (uint32_t)body.n};
    const mst_exchange_t x = {.body = body,
                              .pieces = &piece,
                              .piece_count = body.n > 0,
                              .http_status = status,
                              .split = p->now.split,
                              .cut = err->rc != MST_OK};
    if (err->rc != MST_OK && status == 0)
        return;
    mst_arena_reset(p->scratch);
    mst_decoder_init(&d, p->provider, p->json, p->arena, p->scratch);
    d.ask = &p->ask;
    d.cfg = &p->cfg;
    mst_outcome_t outcome = mst_decoder_run(&d, &x);
    bool generate = p->ask.kind == MST_ASK_GENERATE;
    if (generate)
        p->facts.answers = mst_outcome_measured(outcome) ? MST_FACT_YES : MST_FACT_NO;
    if (mst_outcome_measured(outcome)) {
        if (generate) {
            p->facts.streams = d.c.streamed ? MST_FACT_YES : MST_FACT_NO;
            p->facts.usage = d.c.usage_tokens >= 0 ? MST_FACT_YES : MST_FACT_NO;
        }
        if (generate && ((p->needs & MST_PROBE_LOGPROBS) != 0 || p->mode == MST_PROBE_FULL))
            p->facts.logprobs = d.c.logprob_count > 0 ? MST_FACT_YES : MST_FACT_NO;
        else if (!generate)
            p->facts.loglik = d.c.has_loglik ? MST_FACT_YES : MST_FACT_NO;
        mst_probe_model(&p->facts, d.c.model, p->arena);
    } else if (!generate && d.c.error.retry == MST_RETRY_NEVER && status != 401 && status != 403 && status != 404) {
        no_likelihood(p, &d.c.error); // it understood the question
    }
    mst_decoder_deinit(&d);
}

void
mst_probe_take(mst_probe_t *p, int status, mst_str_t server, mst_str_t body, const mst_err_t *err)
{
    if (status > 0) {
        p->facts.reachable = MST_FACT_YES;
    } else if (p->facts.reachable == MST_FACT_UNKNOWN) {
        p->facts.reachable = MST_FACT_NO;
        p->facts.why_silent = mst_arena_dup(p->arena, mst_str_c(err->message), NULL);
    }
    mst_probe_server(&p->facts, server, p->arena);
    if (p->asked > 0) {
        take_answer(p, status, body, err);
        return;
    }
    const mst_probe_get_t *g = &mst_probe_gets[p->step++];
    const mst_json_t *root = NULL;
    mst_err_t ignored;
    if (status != 200 || body.n > PROBE_BODY || err->rc != MST_OK)
        return;
    mst_arena_reset(p->scratch);
    if (mst_json_parse(p->json, body, p->scratch, &root, NULL, &ignored) == MST_OK)
        g->read(&p->facts, root, named_model(p), p->arena);
}

const mst_request_t *
mst_probe_plain(const mst_probe_t *p)
{
    return p->has_base ? &p->base : NULL;
}

const mst_probe_facts_t *
mst_probe_facts(const mst_probe_t *p)
{
    return &p->facts;
}

mst_rc
mst_probe_verdict(const mst_probe_t *p, mst_err_t *err)
{
    const mst_probe_facts_t *f = &p->facts;
    if ((p->needs & (MST_PROBE_LOGLIK | MST_PROBE_ROLLING)) != 0 && f->loglik == MST_FACT_NO)
        return MST_ERR(err, MST_UNSUPPORTED,
                       "the backend does not give log-likelihoods of a text, which this run is made of%s%.*s",
                       f->why.n > 0 ? ": " : "", MST_FMT(mst_str_cut(f->why, 120)));
    if ((p->needs & MST_PROBE_LOGPROBS) != 0 && f->logprobs == MST_FACT_NO)
        return MST_ERR(err, MST_UNSUPPORTED,
                       "the backend answers without log-probabilities, which the scorers of this run need");
    return MST_OK;
}
