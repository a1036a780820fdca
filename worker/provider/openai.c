// openai: /v1/chat/completions, /v1/completions and /v1/embeddings at OpenAI and at every server that speaks its
// dialect. What else such a server knows goes into extra_body; for vLLM, SGLang, llama.cpp and TGI there are providers
// with more of it.
#include "worker/provider/openai.h"
#include "worker/provider/services.h"
#include "worker/provider/error.h"

static const mst_param_t params[] = {
    MST_PARAM_MODEL,
    MST_PARAMS_ENDPOINT("https://api.openai.com/v1", false, "where the API lies; /chat/completions is added"),
    {.name = "organization", .type = MST_P_STR, .help = "sent as OpenAI-Organization"},
    {.name = "project", .type = MST_P_STR, .help = "sent as OpenAI-Project"},
    MST_PARAM_API("chat|completions", "route of generated answers: chat messages, or one prompt text"),
    MST_PARAMS_OPENAI(20),
    {.name = "max_tokens_field",
     .type = MST_P_ENUM,
     .choices = "max_completion_tokens|max_tokens",
     .help = "what the server calls it; default: max_completion_tokens at api.openai.com, else max_tokens"},
    MST_PARAMS_MORE,
    MST_PARAMS_TRANSPORT,
    {.name = NULL},
};

static bool
is_openai(mst_str_t url)
{
    return mst_str_starts(url, MST_STR("https://api.openai.com/")) ||
           mst_str_eq(url, MST_STR("https://api.openai.com"));
}

static const char *
max_field(const mst_params_t *p, bool hosted)
{
    if (!mst_params_set(p, "max_tokens_field"))
        return hosted ? "max_completion_tokens" : "max_tokens";
    bool plain = mst_str_eq_c(mst_params_str(p, "max_tokens_field"), "max_tokens");
    return plain ? "max_tokens" : "max_completion_tokens";
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    const mst_params_t *p = &cfg->params;
    mst_str_t base = mst_params_str(p, "base_url"), organization = mst_params_str(p, "organization"),
              project = mst_params_str(p, "project");
    bool hosted = is_openai(mst_str_trim(base));
    if (hosted && (ask->kind == MST_ASK_LOGLIKELIHOOD || ask->kind == MST_ASK_ROLLING))
        return MST_ERR(
            err, MST_UNSUPPORTED,
            "api.openai.com gives no log-probabilities of a text that it did not generate; ask a server that "
            "does, such as vLLM");
    const mst_openai_dialect_t dialect = {.known = MST_OPENAI_KNOWN, .prefix = "", .max_field = max_field(p, hosted)};
    mst_rc rc = mst_openai_build(&dialect, base, p, ask, arena, out, err);
    mst_request_bearer(out, p);
    if (rc == MST_OK)
        rc = mst_request_headers(out, p, 2, arena, err);
    if (rc == MST_OK && organization.n > 0)
        rc = mst_request_header(out, MST_STR("OpenAI-Organization"), organization, arena, err);
    if (rc == MST_OK && project.n > 0)
        rc = mst_request_header(out, MST_STR("OpenAI-Project"), project, arena, err);
    return rc;
}

const mst_provider_t mst_provider_openai = {
    .kind = {.name = "openai",
             .aliases = "openai_compatible",
             .params = params,
             .services = mst_services_openai,
             .help = "OpenAI's chat completions, completions and embeddings, and servers that speak its dialect"},
    .probe = "models",
    .asks = MST_ASK_BIT(MST_ASK_GENERATE) | MST_ASK_BIT(MST_ASK_LOGLIKELIHOOD) | MST_ASK_BIT(MST_ASK_ROLLING) |
            MST_ASK_BIT(MST_ASK_EMBED),
    .build_request = build_request,
    .on_event = mst_openai_on_event,
    .on_end = mst_openai_on_end,
    .on_http_error = mst_said_http_error,
    .has_token = mst_openai_has_token,
};
