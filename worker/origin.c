// Answers of one backend share one line. Another Server header or another model (a restarted engine, a proxy in
// front of several) makes a new one, so that every row says truly where it came from.
#include "worker/origin.h"

#include "common/base/limits.h"
#include "common/proc/host.h"

#define ARENA_MAX (1 * MST_MIB)
#define FIELD_MAX 512

void
mst_origins_init(mst_origins_t *o)
{
    *o = (mst_origins_t){.arena = mst_arena_new(ARENA_MAX)};
    mst_host_t host;
    mst_host_read("/proc", &host);
    o->host.host = mst_arena_dup(o->arena, mst_str_c(host.name), NULL);
    o->host.device = mst_arena_dup(o->arena, mst_str_c(host.device), NULL);
    o->host.driver = mst_arena_dup(o->arena, mst_str_c(host.driver), NULL);
}

void
mst_origins_deinit(mst_origins_t *o)
{
    mst_arena_free(&o->arena);
}

// "muster-sim/0.1.0 (extra)": engine, version. A server without "/" has no version.
static void
split_server(mst_str_t server, mst_str_t *engine, mst_str_t *version)
{
    int64_t end = mst_str_find(server, MST_STR(" "), 0);
    mst_str_t product = end >= 0 ? mst_str(server.p, (size_t)end) : server;
    int64_t slash = mst_str_find(product, MST_STR("/"), 0);
    *engine = slash >= 0 ? mst_str(product.p, (size_t)slash) : product;
    *version = slash >= 0 ? mst_str(product.p + slash + 1, product.n - (size_t)slash - 1) : MST_STR_NULL;
}

static bool
same(const mst_origin_t *a, const mst_origin_t *b)
{
    return mst_str_eq(a->engine, b->engine) && mst_str_eq(a->engine_version, b->engine_version) &&
           mst_str_eq(a->model, b->model) &&
           mst_str_eq(a->model_revision, b->model_revision) && mst_str_eq(a->endpoint, b->endpoint);
}

static mst_str_t
keep(mst_origins_t *o, mst_str_t s)
{
    return mst_arena_dup(o->arena, s, NULL);
}

uint32_t
mst_origins_find(mst_origins_t *o, mst_str_t server, const mst_probe_facts_t *facts, mst_str_t model,
                 mst_str_t endpoint)
{
    mst_origin_t line = o->host;
    split_server(mst_str_cut(mst_str_trim(server), FIELD_MAX), &line.engine, &line.engine_version);
    if (facts && facts->engine.n > 0) {
        line.engine = mst_str_cut(facts->engine, FIELD_MAX);
        line.engine_version = mst_str_cut(facts->engine_version, FIELD_MAX);
    }
    if (facts)
        line.model_revision = mst_str_cut(facts->model_revision, FIELD_MAX);
    line.model = mst_str_cut(model, FIELD_MAX);
    line.endpoint = mst_str_cut(endpoint, FIELD_MAX);
    for (uint32_t i = o->count; i > 0; i--) // the latest is the likeliest
        if (same(&o->lines[i - 1], &line))
            return i - 1;
    if (o->count == MST_WORKER_ORIGINS_MAX)
        return MST_WORKER_ORIGINS_MAX - 1;
    line.engine = keep(o, line.engine);
    line.engine_version = keep(o, line.engine_version);
    line.model = keep(o, line.model);
    line.model_revision = keep(o, line.model_revision);
    line.endpoint = keep(o, line.endpoint);
    o->lines[o->count] = line;
    return o->count++;
}

static void
tell(mst_session_t *s, uint32_t no, const mst_origin_t *l)
{
    Muster__Origin m = MUSTER__ORIGIN__INIT;
    m.origin_no = no;
    m.has_host = l->host.n > 0;
    m.host = mst_wire_bytes(l->host);
    m.has_device = l->device.n > 0;
    m.device = mst_wire_bytes(l->device);
    m.has_driver = l->driver.n > 0;
    m.driver = mst_wire_bytes(l->driver);
    m.has_engine = l->engine.n > 0;
    m.engine = mst_wire_bytes(l->engine);
    m.has_engine_version = l->engine_version.n > 0;
    m.engine_version = mst_wire_bytes(l->engine_version);
    m.has_model = l->model.n > 0;
    m.model = mst_wire_bytes(l->model);
    m.has_model_revision = l->model_revision.n > 0;
    m.model_revision = mst_wire_bytes(l->model_revision);
    m.has_endpoint = l->endpoint.n > 0;
    m.endpoint = mst_wire_bytes(l->endpoint);
    mst_session_send(s, MUSTER__ENVELOPE__BODY_ORIGIN, &m);
}

void
mst_origins_tell(mst_origins_t *o, mst_session_t *s)
{
    for (; o->told < o->count; o->told++)
        tell(s, o->told, &o->lines[o->told]);
}
