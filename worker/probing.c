// A description that does not come at once is not waited for: a run begins without it. The small request may take
// longer, since a model may have to be loaded first.
#include "worker/probing.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "worker/blot.h"

#include <stdlib.h>

#define CONNECT_MS 2000
#define GET_MS     3000
#define ASK_MS     60000
#define BODY_MAX   (8 * MST_MIB)

struct mst_probing {
    mst_probing_opts_t o;
    mst_probe_t *probe;
    mst_probing_fn *fn;
    void *ud;
    mst_http_call_t *call;
    mst_buf_t body;
    mst_timer_t next;
    bool gone; // freed while a call was under way: its end frees
};

static void
destroy(mst_probing_t *p)
{
    mst_probe_free(&p->probe);
    mst_buf_deinit(&p->body);
    free(p);
}

static bool
on_data(void *ud, mst_str_t bytes, int64_t rx_mono_ns, bool merged)
{
    mst_probing_t *p = ud;
    (void)rx_mono_ns;
    (void)merged;
    return !p->gone && mst_buf_add_str(&p->body, bytes) == MST_OK;
}

static void
on_done(void *ud, const mst_http_result_t *r)
{
    mst_probing_t *p = ud;
    p->call = NULL;
    if (p->gone) {
        destroy(p);
        return;
    }
    mst_blot(p->body.p, p->body.n, p->o.key);
    mst_probe_take(p->probe, r->status, r->server, mst_buf_view(&p->body), &r->err);
    mst_loop_timer(p->o.loop, &p->next, mst_loop_now(p->o.loop));
}

static const mst_http_handler_t handler = {.on_data = on_data, .on_done = on_done};

static void
on_next(void *ud)
{
    mst_probing_t *p = ud;
    mst_request_t q;
    while (mst_probe_next(p->probe, &q)) {
        mst_err_t err = {0};
        bool get = q.method != NULL && strcmp(q.method, "GET") == 0;
        const mst_http_req_t req = {.method = q.method != NULL ? q.method : "POST",
                                    .url = q.url,
                                    .headers = q.headers,
                                    .header_count = q.header_count,
                                    .auth = p->o.auth,
                                    .body = q.body,
                                    .connect_timeout_ms = CONNECT_MS,
                                    .total_timeout_ms = get ? GET_MS : ASK_MS,
                                    .body_max = BODY_MAX,
                                    .net = p->o.net};
        mst_buf_reset(&p->body);
        if (mst_http_start(p->o.http, &req, &handler, p, &p->call, &err) == MST_OK)
            return;
        p->call = NULL;
        mst_probe_take(p->probe, 0, MST_STR_NULL, MST_STR_NULL, &err);
    }
    p->fn(p->ud);
}

mst_probing_t *
mst_probing_new(const mst_probing_opts_t *o, mst_probe_t **probe, mst_probing_fn *fn, void *ud)
{
    mst_probing_t *p = MST_NEW(mst_probing_t);
    p->o = *o;
    p->probe = *probe;
    *probe = NULL;
    p->fn = fn;
    p->ud = ud;
    p->next = (mst_timer_t){.fn = on_next, .ud = p};
    mst_buf_init(&p->body, BODY_MAX);
    mst_loop_timer(o->loop, &p->next, mst_loop_now(o->loop));
    return p;
}

void
mst_probing_free(mst_probing_t **probing, bool client_gone)
{
    mst_probing_t *p = probing != NULL ? *probing : NULL;
    if (p == NULL)
        return;
    *probing = NULL;
    if (!client_gone)
        mst_loop_timer_stop(p->o.loop, &p->next);
    if (p->call == NULL || client_gone) {
        destroy(p);
        return;
    }
    p->gone = true;
    mst_http_abort(p->o.http, p->call, MST_CANCELED, "probe no longer needed");
}

const mst_probe_t *
mst_probing_probe(const mst_probing_t *p)
{
    return p->probe;
}
