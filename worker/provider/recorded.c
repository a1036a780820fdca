// recorded: exchanges that were stored (a file of JSON Lines, docs/providers.md) stand in for a server: nothing is
// sent. The worker looks an exchange up where it would send the request; here is what is left: the request that would
// have been written, and the answer read by the provider that it was recorded with.
#include "worker/provider/common_params.h"
#include "worker/provider/error.h"

#include "common/base/limits.h"

static const mst_param_t params[] = {
    {.name = "exchanges",
     .alias = "path",
     .type = MST_P_STR,
     .required = true,
     .help = "file of exchanges, one JSON object a line, on the worker's machine"},
    {.name = "as",
     .type = MST_P_STR,
     .dflt = "openai",
     .help = "provider that they were recorded with, which reads the answers"},
    {.name = "settings", .type = MST_P_JSON, .help = "map of that provider's parameters"},
    {.name = "model", .alias = "model_name", .type = MST_P_STR, .help = "for reports"},
    MST_PARAMS_TRANSPORT,
    {.name = NULL},
};

// A parameter that the provider demands and that makes no difference to reading answers.
static mst_rc
put_demanded(mst_jw_t *w, const mst_param_t *table, const mst_json_t *given, mst_str_t model)
{
    for (const mst_param_t *p = table; p->name != NULL; p++) {
        if (!p->required || mst_json_get(given, p->name) != NULL)
            continue;
        mst_jw_key(w, p->name);
        if (p->type == MST_P_INT || p->type == MST_P_NUM)
            mst_jw_i64(w, 1);
        else if (p->type == MST_P_URL)
            mst_jw_str(w, MST_STR("http://recorded.invalid"));
        else
            mst_jw_str(w, strcmp(p->name, "model") == 0 && model.n > 0 ? model : MST_STR("recorded"));
    }
    return MST_OK;
}

// The other provider and its settings, read by its own table.
static mst_rc
inner_of(const mst_provider_cfg_t *cfg, mst_arena_t *arena, const mst_provider_t **out, mst_provider_cfg_t *inner,
         mst_err_t *err)
{
    mst_str_t name = mst_params_str(&cfg->params, "as");
    const mst_param_value_t *v = mst_params_get(&cfg->params, "settings");
    const mst_json_t *given = v->set ? v->u.json : NULL;
    const mst_ynode_t *map = NULL;
    mst_buf_t text;
    mst_jw_t w;
    *out = mst_provider_find(name);
    if (*out == NULL || (*out)->replays)
        return MST_ERR(err, MST_INVAL, "as: \"%.*s\" is no provider that exchanges are recorded with",
                       MST_FMT(mst_str_cut(name, 60)));
    if (given != NULL && !mst_json_is(given, MST_JSON_OBJ))
        return MST_ERR(err, MST_INVAL, "settings is no map");
    mst_buf_init(&text, MST_YAML_BYTES_MAX);
    mst_jw_init(&w, &text);
    mst_jw_obj(&w);
    for (size_t i = 0; given != NULL && i < given->count; i++) {
        mst_jw_key_str(&w, given->u.members[i].key);
        mst_jw_value(&w, &given->u.members[i].value);
    }
    mst_rc rc = put_demanded(&w, (*out)->kind.params, given, mst_params_str(&cfg->params, "model"));
    mst_jw_obj_end(&w);
    bool ok = !text.failed;
    mst_str_t copy = mst_arena_dup(arena, mst_buf_view(&text), &ok);
    mst_buf_deinit(&text);
    if (!ok)
        return MST_ERR(err, MST_LIMIT, "settings do not fit into their memory");
    if (rc == MST_OK)
        rc = mst_yaml_parse(copy, "settings", arena, &map, err);
    *inner = (mst_provider_cfg_t){.kind = &(*out)->kind};
    return rc == MST_OK ? mst_params_parse((*out)->kind.params, map, "settings", NULL, arena, &inner->params, err) : rc;
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    const mst_provider_t *p = NULL;
    mst_provider_cfg_t inner;
    mst_rc rc = inner_of(cfg, arena, &p, &inner, err);
    if (rc != MST_OK)
        return rc;
    if ((p->asks & MST_ASK_BIT(ask->kind)) == 0)
        return MST_ERR(err, MST_UNSUPPORTED, "provider %s has no route for what is asked", p->kind.name);
    rc = p->build_request(&inner, ask, arena, out, err);
    out->auth_name = out->auth_prefix = MST_STR_NULL; // nothing is sent, so no key is read
    return rc;
}

// From the first event on the decoder is the other provider's.
static mst_rc
hand_over(mst_decoder_t *d, mst_err_t *err)
{
    const mst_provider_t *p = NULL;
    mst_provider_cfg_t *inner = MST_ARENA_NEW(d->arena, mst_provider_cfg_t);
    if (inner == NULL || d->cfg == NULL)
        return MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
    mst_rc rc = inner_of(d->cfg, d->arena, &p, inner, err);
    if (rc == MST_OK) {
        d->provider = p;
        d->cfg = inner;
    }
    return rc;
}

static mst_rc
on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    mst_rc rc = hand_over(d, err);
    return rc == MST_OK ? d->provider->on_event(d, name, data, rx_ns, err) : rc;
}

static mst_rc
on_end(mst_decoder_t *d, mst_err_t *err)
{
    mst_rc rc = hand_over(d, err);
    return rc == MST_OK ? d->provider->on_end(d, err) : rc;
}

// Bytes that are there already are waited for by nobody.
static bool
has_token(mst_str_t name, mst_str_t data)
{
    (void)name;
    return data.n > 0;
}

const mst_provider_t mst_provider_recorded = {
    .kind = {.name = "recorded",
             .aliases = "replay",
             .params = params,
             .help = "stored exchanges in place of a server: nothing is sent"},
    .asks = MST_ASK_BIT(MST_ASK_GENERATE) | MST_ASK_BIT(MST_ASK_LOGLIKELIHOOD) | MST_ASK_BIT(MST_ASK_ROLLING) |
            MST_ASK_BIT(MST_ASK_EMBED),
    .replays = true,
    .build_request = build_request,
    .on_event = on_event,
    .on_end = on_end,
    .on_http_error = mst_said_http_error,
    .has_token = has_token,
};
