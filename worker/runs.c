// The table of runs. A run's configuration comes once by its digest; until then its units wait. A place in the
// table is used again when none of its leases is open.
#include "worker/io.h"

#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/runs.h"

#include <stdlib.h>
#include <string.h>

#define RECORDED_BLOBS 4 // large recorded cases fetched at a time

static void
on_due(void *ud)
{
    mst_io_run_t *run = ud;
    run->due_armed = false;
    mst_flow_event_t e = {.kind = MST_FE_TICK};
    mst_grants_event(run->io, run, &e);
}

void
mst_runs_clear(mst_io_run_t *run)
{
    if (!run->used)
        return;
    if (run->due_armed)
        mst_loop_timer_stop(run->io->loop, &run->due);
    mst_flow_free(&run->flow);
    mst_run_unref(&run->run);
    free(run->endpoint);
    if (run->secret) {
        explicit_bzero(run->secret, strlen(run->secret));
        free(run->secret);
    }
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
    r->due = (mst_timer_t){.fn = on_due, .ud = r};
    ask(io, r);
    return r;
}

static void
set_endpoint(mst_io_run_t *run)
{
    static const char *const names[] = {"base_url", "url"};
    const mst_params_t *p = &run->run->cfg.provider.params;
    for (size_t i = 0; run->run->provider && i < sizeof names / sizeof *names; i++)
        for (const mst_param_t *t = p->table; t->name; t++)
            if (strcmp(t->name, names[i]) == 0 && !run->endpoint) {
                mst_str_t url = mst_params_str(p, names[i]);
                run->endpoint = mst_xstrndup(url.p, url.n);
            }
    if (!run->endpoint)
        run->endpoint = mst_xstrdup("");
    mst_str_t url = mst_str_c(run->endpoint);
    int64_t at = mst_str_find(url, MST_STR("://"), 0);
    mst_str_t host = at >= 0 ? mst_str(url.p + at + 3, url.n - (size_t)at - 3) : url;
    run->loopback = mst_str_starts(host, MST_STR("127.")) || mst_str_starts(host, MST_STR("localhost")) ||
                    mst_str_starts(host, MST_STR("[::1]"));
}

static void
make_flow(mst_io_t *io, mst_io_run_t *run)
{
    const mst_run_t *r = run->run;
    mst_flow_opts_t o = {
        .concurrency = r->provider ? r->concurrency : RECORDED_BLOBS,
        .retry = r->retry,
        .unreachable_ns = 6 * r->retry.base_ns,
        .down_ns = 60 * r->retry.base_ns,
        .endpoint = run->endpoint,
        .seed = io->o.seed ^ run->run_no,
    };
    run->flow = mst_flow_new(&o);
    io->credit.recorded = r->provider == NULL;
    io->credit.concurrency = r->provider ? r->concurrency : 0;
    mst_debug("run loaded run=%u provider=%s concurrency=%u", run->run_no,
              r->provider ? r->provider->kind.name : "none", o.concurrency);
}

mst_rc
mst_runs_load(mst_io_t *io, mst_io_run_t *run, mst_str_t spec, mst_err_t *err)
{
    const mst_run_new_t own = {
        .backend_url = io->o.backend_url, .concurrency = io->o.concurrency, .outside = io->o.outside};
    mst_rc rc = mst_run_new(spec, &run->digest, &io->env, &own, &run->run, err);
    if (rc != MST_OK)
        return rc;
    set_endpoint(run);
    if (run->run->provider && !io->http) {
        mst_http_opts_t o = {.connections_max = MST_CONCURRENCY_MAX, .user_agent = "muster/" MUSTER_VERSION};
        rc = mst_http_new(io->loop, &o, &io->http, err);
        if (rc != MST_OK)
            return rc;
    }
    make_flow(io, run);
    return MST_OK;
}
