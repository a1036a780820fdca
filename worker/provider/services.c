// One line a service. A name that is a provider's own is no name of a service: its line says whose address the
// provider's default is, so that a key that is missing is told by its variable.
#include "worker/provider/services.h"

// clang-format off
const mst_service_t mst_services_openai[] = {
    {"cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", NULL},
    {"deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", NULL},
    {"fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", NULL},
    {"gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", NULL},
    {"groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", NULL},
    {"huggingface", "https://router.huggingface.co/v1", "HF_TOKEN", NULL},
    {"litellm", "http://127.0.0.1:4000/v1", "LITELLM_API_KEY", "LITELLM_BASE_URL"},
    {"lmstudio", "http://127.0.0.1:1234/v1", NULL, "LMSTUDIO_BASE_URL"},
    {"mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", NULL},
    {"openai", "https://api.openai.com/v1", "OPENAI_API_KEY", NULL},
    {"openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", NULL},
    {"sarmalink", "https://api.sarmalink.ai/v1", "SARMALINK_API_KEY", "SARMALINK_BASE_URL"},
    {"together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", NULL},
    {"xai", "https://api.x.ai/v1", "XAI_API_KEY", NULL},
    {NULL, NULL, NULL, NULL},
};

const mst_service_t mst_services_anthropic[] = {
    {"anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", NULL},
    {NULL, NULL, NULL, NULL},
};
// clang-format on

const mst_service_t *
mst_service_at(const mst_kind_t *kind, mst_str_t base_url)
{
    while (base_url.n > 0 && base_url.p[base_url.n - 1] == '/')
        base_url.n--;
    for (const mst_service_t *s = kind->services; s != NULL && s->name != NULL; s++) {
        if (s->key_env != NULL && mst_str_eq_c(base_url, s->base_url))
            return s;
    }
    return NULL;
}
