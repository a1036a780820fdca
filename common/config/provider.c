// What every provider has beside its own parameters: how its server is reached.
#include "common/config/context.h"

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
    {.name = NULL},
};

enum { ROW_CA_FILE, ROW_CERT, ROW_KEY, ROW_PASSWORD, ROW_INSECURE, ROW_PROXY };

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

mst_rc
mst_cfg_provider_common(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_provider_cfg_t *out)
{
    const mst_param_value_t *v = out->common.values;
    if (v[ROW_KEY].set && !v[ROW_CERT].set)
        return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(map, &mst_provider_cfg_table[ROW_KEY]),
                            "\"client_key\" needs \"client_cert\" beside it");
    return check_proxy(c, map, &v[ROW_PROXY]);
}
