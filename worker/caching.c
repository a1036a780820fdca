// An answer is looked up once a request, by its first try: what no longer decodes is then asked for like any other.
#include "worker/caching.h"

#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/cache/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PATH_BYTES 4096

static const char *
variable(const mst_config_env_t *env, const char *name)
{
    const char *v = env->getenv_fn != NULL ? env->getenv_fn(env->ud, name) : NULL;
    return v != NULL && v[0] == '/' ? v : NULL;
}

// $XDG_CACHE_HOME/muster, else ~/.cache/muster, made when it is not there.
static bool
own_path(const mst_config_env_t *env, char out[PATH_BYTES])
{
    const char *base = variable(env, "XDG_CACHE_HOME"), *home = variable(env, "HOME");
    int n = -1;
    if (base != NULL)
        n = snprintf(out, PATH_BYTES, "%s", base);
    else if (home != NULL)
        n = snprintf(out, PATH_BYTES, "%s/.cache", home);
    if (n < 0 || n > PATH_BYTES - 64)
        return false;
    (void)mkdir(out, 0700); // what cannot be made is told when the file cannot
    (void)snprintf(out + n, (size_t)(PATH_BYTES - n), "/muster");
    (void)mkdir(out, 0700);
    (void)snprintf(out + n, (size_t)(PATH_BYTES - n), "/muster/muster-cache.db");
    return true;
}

struct mst_cache *
mst_caching_open(const mst_run_cfg_t *cfg, const mst_config_env_t *env)
{
    char path[PATH_BYTES];
    // a load measures a server: each of its requests is sent
    bool reads = (cfg->cache == MST_CACHE_READ || cfg->cache == MST_CACHE_ON) && cfg->load.model == MST_LOAD_NONE;
    if (cfg->cache == MST_CACHE_OFF || cfg->target_count == 0)
        return NULL;
    if (cfg->cache_path.n > 0 && cfg->cache_path.n < sizeof path) {
        (void)snprintf(path, sizeof path, "%.*s", MST_FMT(cfg->cache_path));
    } else if (cfg->cache_path.n > 0 || !own_path(env, path)) {
        mst_warn("the response cache has no place: set cache_path, or HOME; the run goes on without it");
        return NULL;
    }
    const mst_cache_opts_t o = {.path = path,
                                .reads = reads,
                                .writes = cfg->cache == MST_CACHE_WRITE || cfg->cache == MST_CACHE_ON,
                                .max_bytes = (uint64_t)cfg->cache_max_mb * MST_MIB};
    return mst_cache_new(&o);
}

static bool
set_key(mst_attempt_t *a)
{
    const mst_probing_t *probing = a->place->target->probing;
    mst_cache_ask_t ask = {.provider = a->target->provider->kind.name,
                           .request = &a->request,
                           .header_count = a->own_headers_at,
                           .kind = a->ask.kind,
                           .step_no = a->ask.step_no,
                           .repeat_no = a->ask.repeat_no};
    if (probing != NULL) {
        const mst_probe_facts_t *f = mst_probe_facts(mst_probing_probe(probing));
        ask.engine = f->engine;
        ask.engine_version = f->engine_version;
        ask.model = f->model;
        ask.model_revision = f->model_revision;
    }
    a->has_cache_key = mst_cache_key_of(a->run->cache, &ask, &a->cache_key);
    return a->has_cache_key;
}

static bool
fill(const mst_cached_t *x, mst_arena_t *arena, int64_t now_ns, mst_replayed_t *out)
{
    mst_rx_t *pieces = MST_ARENA_ARRAY(arena, mst_rx_t, x->piece_count + 1);
    if (pieces == NULL)
        return false;
    for (size_t i = 0; i < x->piece_count; i++) {
        pieces[i] = x->pieces[i];
        pieces[i].rx_ns += now_ns;
    }
    out->body = x->body;
    out->pieces = pieces;
    out->piece_count = x->piece_count;
    out->split = x->split;
    out->http = (mst_http_result_t){.status = x->status,
                                    .sent = true,
                                    .send_mono_ns = now_ns,
                                    .first_byte_mono_ns = MST_NONE,
                                    .close_mono_ns = MST_NONE,
                                    .content_type = x->content_type,
                                    .server = x->server,
                                    .request_id = x->request_id,
                                    .kept = x->kept};
    return true;
}

bool
mst_caching_find(mst_attempt_t *a, mst_replayed_t *out)
{
    struct mst_cache *cache = a->run->cache;
    mst_cached_t x = {0};
    if (cache == NULL || a->target->replay != NULL || !set_key(a))
        return false;
    if (a->number > 1 || !mst_cache_find(cache, &a->cache_key, &x))
        return false;
    a->cached = fill(&x, a->arena, mst_loop_now(a->io->loop), out);
    if (!a->cached)
        mst_cache_found_done(cache);
    return a->cached;
}

void
mst_caching_done(mst_attempt_t *a)
{
    mst_cache_found_done(a->run->cache);
}

static int64_t
since(int64_t at, int64_t from)
{
    return at == MST_NONE || from == MST_NONE ? MST_NONE : at - from;
}

void
mst_caching_keep(mst_attempt_t *a)
{
    const mst_http_result_t *h = &a->http;
    if (!a->has_cache_key || a->cached || h->err.rc != MST_OK || h->cut || h->send_mono_ns == MST_NONE)
        return;
    const mst_cached_t x = {.status = h->status,
                            .split = a->request.split,
                            .content_type = h->content_type,
                            .server = h->server,
                            .request_id = h->request_id,
                            .kept = h->kept,
                            .first_byte_ns = since(h->first_byte_mono_ns, h->send_mono_ns),
                            .close_ns = since(h->close_mono_ns, h->send_mono_ns),
                            .body = mst_buf_view(&a->body),
                            .pieces = a->pieces,
                            .piece_count = a->piece_count};
    mst_cache_put(a->run->cache, &a->cache_key, &x, h->send_mono_ns);
    a->has_cache_key = false; // once, though scorers that ask decode it again
}

void
mst_caching_untime(mst_completion_t *c)
{
    c->cached = true;
    c->send_mono_ns = c->ttfb_ns = c->ttft_ns = c->ttfo_ns = MST_NONE;
    c->last_token_ns = c->close_ns = c->queue_ns = MST_NONE;
    c->send_source = c->rx_source = MST_STAMP_NONE;
    c->conn_reused = false;
    c->events = NULL;
    c->event_count = 0;
    c->merged_reads = 0;
}
