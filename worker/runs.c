// The table of runs. A run's configuration comes once by its digest; until then its units wait. A place in the
// table is used again when none of its leases is open.
#include "worker/io.h"

#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/calls.h"
#include "worker/launch.h"
#include "worker/reach.h"
#include "worker/request.h"
#include "worker/runs.h"

#include <stdlib.h>
#include <string.h>

#define RECORDED_BLOBS 4 // large recorded cases fetched at a time

static void
on_due(void *ud)
{
    mst_io_target_t *t = ud;
    t->due_armed = false;
    mst_flow_event_t e = {.kind = MST_FE_TICK};
    mst_grants_event(t->run->io, t, &e);
}

static void
clear_target(mst_io_target_t *t)
{
    if (t->due_armed)
        mst_loop_timer_stop(t->run->io->loop, &t->due);
    if (t->warming && t->run->io->http)
        mst_http_warm_forget(t->run->io->http, t);
    mst_probing_free(&t->probing, t->run->io->http == NULL);
    mst_launch_free(&t->launch, t->run->io->http == NULL);
    mst_flow_free(&t->flow);
    free(t->endpoint);
    if (t->secret) {
        explicit_bzero(t->secret, strlen(t->secret));
        free(t->secret);
    }
}

void
mst_runs_stop(mst_io_run_t *run)
{
    for (size_t i = 0; i < run->target_count; i++)
        mst_launch_stop(run->targets[i].launch);
}

void
mst_runs_clear(mst_io_run_t *run)
{
    if (!run->used)
        return;
    mst_runs_stop(run); // all at once, then one after the other is waited for
    for (size_t i = 0; i < run->target_count; i++)
        clear_target(&run->targets[i]);
    free(run->targets);
    mst_calls_free(&run->calls);
    mst_run_unref(&run->run);
    *run = (mst_io_run_t){0};
}

static void
ask(mst_io_t *io, mst_io_run_t *run)
{
    Muster__RunSpecReq m = MUSTER__RUN_SPEC_REQ__INIT;
    m.spec_digest = mst_wire_bytes(mst_str((const char *)run->digest.b, sizeof run->digest.b));
    mst_session_send(&io->control, MUSTER__ENVELOPE__BODY_RUN_SPEC_REQ, &m);
}

void
mst_runs_ask_again(mst_io_t *io)
{
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX; i++)
        if (io->runs[i].used && !io->runs[i].run && io->runs[i].error.rc == MST_OK)
            ask(io, &io->runs[i]);
}

static mst_io_run_t *
free_place(mst_io_t *io)
{
    mst_io_run_t *oldest = NULL;
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX; i++) {
        mst_io_run_t *r = &io->runs[i];
        if (!r->used)
            return r;
        if (r->leases == 0 && (!oldest || r->last_used < oldest->last_used))
            oldest = r;
    }
    if (oldest)
        mst_runs_clear(oldest);
    return oldest;
}

mst_io_run_t *
mst_runs_find(mst_io_t *io, const Muster__Grant *grant, const mst_digest_t *digest)
{
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX; i++) {
        mst_io_run_t *r = &io->runs[i];
        if (r->used && r->run_no == grant->run_no && r->generation == grant->generation &&
            memcmp(r->digest.b, digest->b, sizeof digest->b) == 0)
            return r;
    }
    mst_io_run_t *r = free_place(io);
    if (!r)
        return NULL;
    *r = (mst_io_run_t){
        .used = true, .run_no = grant->run_no, .generation = grant->generation, .digest = *digest, .io = io};
    r->control = MST_FLOW_RUNNING;
    r->waiting_end = &r->waiting;
    r->queued_end = &r->queued;
    ask(io, r);
    return r;
}

static void
set_endpoint(mst_io_target_t *t)
{
    static const char *const names[] = {"base_url", "url"};
    const mst_params_t *p = &t->cfg->ask.params;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (const mst_param_t *row = p->table; row->name; row++)
            if (strcmp(row->name, names[i]) == 0 && !t->endpoint) {
                mst_str_t url = mst_params_str(p, names[i]);
                t->endpoint = mst_xstrndup(url.p, url.n);
            }
    if (!t->endpoint)
        t->endpoint = mst_xstrdup("");
    mst_str_t url = mst_str_c(t->endpoint);
    int64_t at = mst_str_find(url, MST_STR("://"), 0);
    mst_str_t host = at >= 0 ? mst_str(url.p + at + 3, url.n - (size_t)at - 3) : url;
    t->loopback = mst_str_starts(host, MST_STR("127.")) || mst_str_starts(host, MST_STR("localhost")) ||
                  mst_str_starts(host, MST_STR("[::1]"));
}

static void
make_target(mst_io_run_t *run, size_t target_no)
{
    mst_io_target_t *t = &run->targets[target_no];
    mst_flow_opts_t o = {
        .concurrency = RECORDED_BLOBS,
        .retry = mst_retry_policy_default(),
        .seed = run->io->o.seed ^ run->run_no ^ (uint64_t)target_no << 32,
    };
    *t = (mst_io_target_t){.run = run, .due = {.fn = on_due, .ud = t}};
    if (run->run->target_count > 0) {
        t->cfg = &run->run->targets[target_no];
        set_endpoint(t);
        o.concurrency = t->cfg->concurrency;
        o.retry = t->cfg->retry;
        o.load = &run->run->cfg.load;
        o.in_flight_max = o.concurrency;
        o.part = run->run->cfg.placement == MST_PLACE_SHARE ? (uint32_t)target_no : 0;
        o.parts = run->run->cfg.placement == MST_PLACE_SHARE ? (uint32_t)run->target_count : 1;
        o.throttle = t->cfg->throttle;
        o.retry_share = t->cfg->retry_share;
        o.budget = &run->budget;
    }
    o.endpoint = t->endpoint;
    o.unreachable_ns = 6 * o.retry.base_ns;
    o.down_ns = 60 * o.retry.base_ns;
    t->flow = mst_flow_new(&o);
    mst_debug("run loaded run=%u target=%zu provider=%s concurrency=%u", run->run_no, target_no,
              t->cfg ? t->cfg->provider->kind.name : "none", o.concurrency);
}

static void
make_targets(mst_io_t *io, mst_io_run_t *run)
{
    size_t asked = run->run->target_count;
    run->target_count = asked > 0 ? asked : 1;
    run->targets = MST_NEW_ARRAY(mst_io_target_t, run->target_count);
    io->credit.recorded = asked == 0;
    io->credit.concurrency = 0;
    for (size_t i = 0; i < run->target_count; i++) {
        make_target(run, i);
        io->credit.concurrency += asked > 0 ? run->targets[i].cfg->concurrency : 0;
    }
    if (mst_load_open(&run->run->cfg.load))
        io->credit.concurrency = MST_CREDIT_CASES_MAX; // arrivals wait for nobody: neither may the cases
}

static void
on_launch(void *ud, const mst_err_t *why)
{
    mst_io_target_t *t = ud;
    mst_io_run_t *run = t->run;
    mst_err_t err = *why;
    if (err.rc != MST_OK && run->target_count > 1)
        mst_err_prefix(&err, "target \"%.*s\"", MST_FMT(t->cfg->cfg->label));
    if (t->launch_ready && err.rc != MST_OK) { // it ended during the run
        mst_flow_event_t e = {.kind = MST_FE_MODE, .mode = MST_FLOW_FATAL, .err = &err, .cause = MST_GIVE_BACKEND};
        mst_grants_event(run->io, t, &e);
        return;
    }
    t->launch_ready = err.rc == MST_OK;
    run->launching--;
    if (err.rc != MST_OK && run->error.rc == MST_OK) {
        run->error = err;
        run->no_server = true;
    }
    mst_grants_launched(run->io, run);
}

mst_rc
mst_runs_launch(mst_io_t *io, mst_io_run_t *run, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < run->run->target_count && rc == MST_OK; i++) {
        mst_io_target_t *t = &run->targets[i];
        const mst_launch_opts_t o = {.loop = io->loop,
                                     .http = io->http,
                                     .net = t->net,
                                     .env = &io->env,
                                     .target = t->cfg,
                                     .fn = on_launch,
                                     .ud = t};
        if (!t->cfg->launched)
            continue;
        rc = mst_launch_new(&o, &t->launch, err);
        run->launching += rc == MST_OK;
    }
    if (rc != MST_OK)
        mst_runs_stop(run);
    return rc;
}

static void
on_probed(void *ud)
{
    mst_io_target_t *t = ud;
    mst_io_run_t *run = t->run;
    mst_err_t err = {0};
    const mst_probe_facts_t *f = mst_probe_facts(mst_probing_probe(t->probing));
    mst_debug("backend looked at url=%s engine=%.*s version=%.*s model=%.*s context=%lld", t->endpoint,
              MST_FMT(f->engine), MST_FMT(f->engine_version), MST_FMT(f->model), (long long)f->context_tokens);
    if (mst_probe_verdict(mst_probing_probe(t->probing), &err) != MST_OK && run->error.rc == MST_OK) {
        run->error = err;
        mst_err_prefix(&run->error, "%s", t->endpoint);
    }
    if (--run->probing == 0)
        mst_grants_probed(run->io, run);
}

void
mst_runs_probe(mst_io_t *io, mst_io_run_t *run)
{
    const mst_run_cfg_t *cfg = &run->run->cfg;
    for (size_t i = 0; i < run->run->target_count && cfg->probe != MST_PROBE_OFF; i++) {
        mst_io_target_t *t = &run->targets[i];
        mst_err_t err = {0};
        if (t->cfg->provider->replays)
            continue;
        mst_probe_t *probe = mst_probe_new(t->cfg->provider, &t->cfg->ask, cfg->probe, mst_probe_needs(cfg));
        const mst_request_t *plain = mst_probe_plain(probe);
        // what cannot be asked, or has no key, is told by its first case
        if (!plain || mst_request_key(t, plain, io->o.env, &err) != MST_OK) {
            mst_probe_free(&probe);
            continue;
        }
        const mst_probing_opts_t o = {
            .loop = io->loop, .http = io->http, .net = t->net, .auth = mst_str_c(t->secret), .key = mst_str_c(t->key)};
        t->probing = mst_probing_new(&o, &probe, on_probed, t);
        run->probing++;
    }
}

mst_rc
mst_runs_load(mst_io_t *io, mst_io_run_t *run, mst_str_t spec, mst_err_t *err)
{
    const mst_run_own_t own = {.backends = io->o.backends,
                               .backend_count = io->o.backend_count,
                               .concurrency = io->o.concurrency,
                               .outside = io->o.outside};
    mst_rc rc = mst_run_new(spec, &run->digest, &io->env, &own, &run->run, err);
    if (rc != MST_OK)
        return rc;
    if ((run->run->target_count > 0 || run->run->caller_count > 0) && !io->http) {
        mst_http_opts_t o = {.connections_max = MST_CONCURRENCY_MAX, .user_agent = "muster/" MUSTER_VERSION};
        rc = mst_http_new(io->loop, &o, &io->http, err);
        if (rc != MST_OK)
            return rc;
    }
    make_targets(io, run);
    for (size_t i = 0; i < run->run->target_count && rc == MST_OK; i++)
        rc = mst_reach_net(&run->targets[i].cfg->ask, &io->env, io->http, &run->targets[i].net, err);
    const mst_calls_opts_t calls = {.loop = io->loop,
                                    .http = io->http,
                                    .env = io->o.env,
                                    .concurrency = (uint32_t)run->run->cfg.concurrency,
                                    .seed = io->o.seed};
    if (rc == MST_OK && run->run->caller_count > 0)
        rc = mst_calls_new(&calls, run->run->callers, run->run->caller_count, &run->calls, err);
    return rc;
}
