// What every provider has beside its own parameters: how its server is reached.
#include "common/config/context.h"

#include "common/base/limits.h"

#include <stdio.h>

const mst_param_t mst_provider_cfg_table[] = {
    {.name = "ca_file",
     .alias = "ca_bundle",
     .type = MST_P_STR,
     .help = "PEM file of the authorities that are trusted, instead of the system's"},
    {.name = "client_cert", .type = MST_P_STR, .help = "PEM file of the certificate that is shown to the server"},
    {.name = "client_key", .type = MST_P_STR, .help = "PEM file of its key, when it is not in client_cert"},
    {.name = "client_key_password", .type = MST_P_SECRET, .help = "password of that key: env:NAME or file:/path"},
    {.name = "tls_insecure", .type = MST_P_BOOL, .dflt = "false", .help = "accept any certificate; for tests only"},
    {.name = "proxy",
     .type = MST_P_STR,
     .help = "URL of a proxy (http, https, socks5, socks5h), or `env` for what http_proxy, https_proxy and no_proxy "
             "say where the worker runs; none when not given"},
    {.name = "proxy_auth", .type = MST_P_SECRET, .help = "user:password for the proxy: env:NAME or file:/path"},
    {.name = "launch",
     .type = MST_P_JSON,
     .help = "a server that the worker starts for the run and stops after it (configuration.md, launch)"},
    {.name = "adaptive_concurrency",
     .alias = "adaptive",
     .type = MST_P_BOOL,
     .dflt = "false",
     .help = "let the requests in flight, at most `concurrency`, follow what the server can bear (429, 503)"},
    {.name = "adaptive_start",
     .type = MST_P_INT,
     .dflt = "20",
     .min = 1,
     .max = MST_CONCURRENCY_MAX,
     .help = "requests in flight at first; they double each clean round until the first cut"},
    {.name = "adaptive_min",
     .type = MST_P_INT,
     .dflt = "1",
     .min = 1,
     .max = MST_CONCURRENCY_MAX,
     .help = "fewest requests in flight"},
    {.name = "adaptive_growth",
     .type = MST_P_NUM,
     .dflt = "1.05",
     .min = 1.001,
     .max = 4,
     .help = "factor for each clean round after the first cut"},
    {.name = "adaptive_cut",
     .type = MST_P_NUM,
     .dflt = "0.8",
     .min = 0.05,
     .max = 0.99,
     .help = "factor when the server says that it is too much"},
    {.name = "adaptive_cooldown",
     .type = MST_P_NUM,
     .dflt = "15",
     .min = 0,
     .max = 3600,
     .help = "seconds after a cut in which nothing changes; a Retry-After makes them more"},
    {.name = "requests_per_minute",
     .alias = "rpm",
     .type = MST_P_NUM,
     .min = 0.001,
     .max = 1e9,
     .help = "requests that a worker starts in a minute, evenly spread; any number when not given"},
    {.name = "tokens_per_minute",
     .alias = "tpm",
     .type = MST_P_NUM,
     .min = 1,
     .max = 1e12,
     .help = "prompt and completion tokens that a worker has in a minute; any number when not given"},
    {.name = "retry_budget",
     .type = MST_P_NUM,
     .dflt = "1.0",
     .min = 0,
     .max = 100,
     .help = "further tries of all cases together, as a share of the first tries; the first 100 are free"},
    {.name = NULL},
};

enum { ROW_CA_FILE, ROW_CERT, ROW_KEY, ROW_PASSWORD, ROW_INSECURE, ROW_PROXY, ROW_PROXY_AUTH, ROW_LAUNCH };

// Stored and shown, so without a password in it.
static mst_rc
check_proxy(mst_cfg_ctx_t *c, const mst_ynode_t *map, const mst_param_value_t *v)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
    const mst_ynode_t *at = mst_cfg_find(map, &mst_provider_cfg_table[ROW_PROXY]);
    mst_str_t s = v->u.s, rest = MST_STR_NULL;
    if (!v->set || mst_str_eq_c(s, "env"))
        return MST_OK;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (mst_str_starts(s, mst_str_c(schemes[i])))
            rest = mst_str(s.p + strlen(schemes[i]), s.n - strlen(schemes[i]));
    bool clean = rest.n > 0;
    for (size_t i = 0; i < rest.n; i++)
        clean = clean && (unsigned char)rest.p[i] > ' ' && rest.p[i] != 0x7f;
    if (rest.n > 0 && memchr(rest.p, '@', rest.n) != NULL)
        return mst_cfg_fail(c, MST_INVAL, at,
                            "\"proxy\" must hold no user or password; name where they are in proxy_auth");
    return clean ? MST_OK
                 : mst_cfg_fail(c, MST_INVAL, at,
                                "\"proxy\" must be `env` or a URL such as http://proxy:3128 (http, https, socks5, "
                                "socks5h)");
}

// A port that is to be chosen needs a server that is to be started.
static mst_rc
check_port(mst_cfg_ctx_t *c, const mst_ynode_t *map, const mst_provider_cfg_t *cfg)
{
    for (size_t i = 0; i < mst_cfg_rows(cfg->params.table); i++) {
        const mst_param_t *row = &cfg->params.table[i];
        if (row->type != MST_P_URL || !cfg->params.values[i].set || cfg->launch.table != NULL)
            continue;
        if (mst_str_find(cfg->params.values[i].u.s, MST_STR(MST_LAUNCH_PORT), 0) >= 0)
            return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(map, row),
                                "\"%s\" holds %s, which only a server under \"launch\" has", row->name,
                                MST_LAUNCH_PORT);
    }
    return MST_OK;
}

static mst_rc
read_launch(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_provider_cfg_t *out)
{
    const mst_ynode_t *n = mst_cfg_find(map, &mst_provider_cfg_table[ROW_LAUNCH]);
    if (n == NULL)
        return MST_OK;
    size_t rows = mst_cfg_rows(mst_provider_cfg_table);
    mst_param_value_t *values = MST_ARENA_ARRAY(c->arena, mst_param_value_t, rows);
    if (values == NULL)
        return mst_cfg_nomem(c);
    memcpy(values, out->common.values, rows * sizeof *values);
    values[ROW_LAUNCH].set = values[ROW_LAUNCH].given = true;
    out->common.values = values;
    return mst_cfg_launch(c, n, &out->launch, &values[ROW_LAUNCH].u.json);
}

mst_rc
mst_cfg_provider_common(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_provider_cfg_t *out)
{
    const mst_param_value_t *v = out->common.values;
    mst_rc rc = read_launch(c, map, out);
    if (rc == MST_OK)
        rc = check_port(c, map, out);
    if (rc != MST_OK)
        return rc;
    if (v[ROW_KEY].set && !v[ROW_CERT].set)
        return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(map, &mst_provider_cfg_table[ROW_KEY]),
                            "\"client_key\" needs \"client_cert\" beside it");
    return check_proxy(c, map, &v[ROW_PROXY]);
}
