// Paths are as the worker sees them. Secrets live here only as long as the call, and then in the client, which wipes
// them.
#include "worker/reach.h"

#include "common/base/mem.h"
#include "worker/secrets.h"

#include <stdlib.h>
#include <string.h>

enum { PATHS = 4 };

typedef struct {
    mst_http_net_opts_t o;
    char *texts[PATHS]; // heap
    char *password, *proxy_auth;
} reach_t;

static char *
text_of(const mst_params_t *p, const char *name)
{
    mst_str_t s = mst_params_str(p, name);
    return s.n > 0 ? mst_xstrndup(s.p, s.n) : NULL;
}

static void
reach_init(reach_t *r, const mst_params_t *p)
{
    *r = (reach_t){0};
    if (!p->table)
        return;
    r->o.ca_file = r->texts[0] = text_of(p, "ca_file");
    r->o.client_cert = r->texts[1] = text_of(p, "client_cert");
    r->o.client_key = r->texts[2] = text_of(p, "client_key");
    r->o.proxy = r->texts[3] = text_of(p, "proxy");
    r->o.tls_insecure = mst_params_bool(p, "tls_insecure");
    r->o.proxy_env = r->o.proxy && strcmp(r->o.proxy, "env") == 0;
    if (r->o.proxy_env)
        r->o.proxy = NULL;
}

static void
reach_deinit(reach_t *r)
{
    for (size_t i = 0; i < PATHS; i++)
        free(r->texts[i]);
    mst_secret_free(&r->password);
    mst_secret_free(&r->proxy_auth);
}

static bool
is_special(const mst_http_net_opts_t *o)
{
    return o->ca_file || o->client_cert || o->tls_insecure || o->proxy || o->proxy_env;
}

mst_rc
mst_reach_check(const mst_provider_cfg_t *cfg, mst_err_t *err)
{
    reach_t r;
    reach_init(&r, &cfg->common);
    mst_rc rc = mst_http_net_check(&r.o, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "provider");
    reach_deinit(&r);
    return rc;
}

mst_rc
mst_reach_net(const mst_provider_cfg_t *cfg, const mst_config_env_t *env, mst_http_t *http, const mst_http_net_t **out,
              mst_err_t *err)
{
    reach_t r;
    *out = NULL;
    reach_init(&r, &cfg->common);
    mst_rc rc = mst_secret_param(&cfg->common, "client_key_password", env, &r.password, err);
    if (rc == MST_OK)
        rc = mst_secret_param(&cfg->common, "proxy_auth", env, &r.proxy_auth, err);
    r.o.key_password = r.password;
    r.o.proxy_auth = r.proxy_auth;
    if (rc == MST_OK && is_special(&r.o)) {
        rc = mst_http_net(http, &r.o, out, err);
        if (rc != MST_OK)
            mst_err_prefix(err, "provider");
    }
    reach_deinit(&r);
    return rc;
}
