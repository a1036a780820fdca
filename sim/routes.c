// Which rows a port has, and the error bodies of each dialect.
#include "sim/dialect.h"

static const mst_sim_route_t *const files[] = {
    mst_sim_routes_openai, mst_sim_routes_completions, mst_sim_routes_common, mst_sim_routes_vectors,
    mst_sim_routes_tokens, mst_sim_routes_sglang,      mst_sim_routes_tgi,    mst_sim_routes_llamacpp,
    mst_sim_routes_ollama, mst_sim_routes_anthropic};

enum { FILES = sizeof files / sizeof files[0] };

static const char *const names[MST_SIM_DIALECTS] = {"any",      "openai", "vllm",      "sglang", "tgi",
                                                    "llamacpp", "ollama", "anthropic", "tei"};

const char *
mst_sim_dialect_name(mst_sim_dialect_t d)
{
    return names[d];
}

bool
mst_sim_dialect_find(mst_str_t name, mst_sim_dialect_t *out)
{
    for (int i = 0; i < MST_SIM_DIALECTS; i++) {
        *out = (mst_sim_dialect_t)i;
        if (mst_str_eq_c(name, names[i]))
            return true;
    }
    return false;
}

static bool
serves(const mst_sim_route_t *r, mst_sim_dialect_t d)
{
    return d == MST_SIM_ANY || (r->dialects & MST_SIM_BIT(d)) != 0;
}

const mst_sim_route_t *
mst_sim_route_find(mst_sim_dialect_t d, mst_str_t method, mst_str_t path, const char **out_allow)
{
    *out_allow = NULL;
    for (size_t f = 0; f < FILES; f++) {
        for (const mst_sim_route_t *r = files[f]; r->path != NULL; r++) {
            if (!serves(r, d) || !mst_str_eq_c(path, r->path))
                continue;
            if (mst_str_eq_c(method, r->method))
                return r;
            *out_allow = r->method;
        }
    }
    return NULL;
}

const mst_sim_route_t *
mst_sim_route_fit(const mst_sim_route_t *first, mst_sim_dialect_t d, const mst_json_t *root)
{
    mst_str_t path = mst_str_c(first->path), method = mst_str_c(first->method);
    for (size_t f = 0; f < FILES; f++)
        for (const mst_sim_route_t *r = files[f]; r->path != NULL; r++)
            if (serves(r, d) && mst_str_eq_c(path, r->path) && mst_str_eq_c(method, r->method) && r->key != NULL &&
                mst_json_get(root, r->key) != NULL)
                return r;
    return first;
}

mst_rc
mst_sim_listen_read(const char *text, mst_sim_listen_t *out, uint32_t max, uint32_t *out_count, mst_err_t *err)
{
    mst_str_t rest = mst_str_trim(mst_str_c(text));
    *out_count = 0;
    while (rest.n > 0) {
        int64_t comma = mst_str_find(rest, MST_STR(","), 0);
        size_t n = comma < 0 ? rest.n : (size_t)comma, skip = comma < 0 ? n : n + 1;
        mst_str_t entry = mst_str_trim(mst_str(rest.p, n));
        rest = mst_str(rest.p + skip, rest.n - skip);
        int64_t at = mst_str_find(entry, MST_STR("@"), 0);
        mst_str_t name = at < 0 ? entry : mst_str(entry.p, (size_t)at);
        mst_str_t number = at < 0 ? MST_STR("0") : mst_str(entry.p + at + 1, entry.n - (size_t)at - 1);
        uint64_t port;
        if (*out_count == max)
            return MST_ERR(err, MST_INVAL, "listen has more than %u entries", max);
        if (!mst_sim_dialect_find(name, &out[*out_count].dialect) || !mst_str_to_u64(number, &port) || port > 65535)
            return MST_ERR(err, MST_INVAL, "listen has \"%.*s\"; an entry is DIALECT@PORT with one of %s",
                           MST_FMT(mst_str_cut(entry, 60)), MST_SIM_DIALECT_NAMES);
        out[(*out_count)++].port = (uint16_t)port;
    }
    return MST_OK;
}
