// The decoder of provider http, with the settings that the first byte chooses; the rest is for provider_fuzz.h.
#include "fuzz/provider_fuzz.h"

typedef struct {
    const char *name, *value;
} setting_t;

#define SETTINGS_MAX 8

static const setting_t choices[][SETTINGS_MAX] = {
    {{"text_path", "answer"}},
    {{"text_path", "data.0.text"}, {"finish_path", "why"}, {"completion_tokens_path", "n"}},
    {{"text_path", "t"}, {"end_data", "[DONE]"}, {"logprobs_path", "lp"}},
    {{"text_path", "t"}, {"end_path", "done"}, {"text_is", "whole"}, {"reasoning_path", "r"}, {"tools_path", "tools"}},
    {{"text_path", "c"}, {"text_event", "content"}, {"end_event", "done"}, {"type_path", "type"}, {"error_event", "e"}},
    {{"text_is", "delta"}, {"end_data", "end"}, {"error_path", "e.m"}},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const mst_provider_t *p = mst_provider_find(MST_STR("http"));
    mst_param_value_t values[64] = {{0}};
    if (size < 1)
        return 0;
    const setting_t *chosen = choices[data[0] % (sizeof choices / sizeof choices[0])];
    for (size_t i = 0; p->kind.params[i].name != NULL && i < 64; i++) {
        for (size_t s = 0; s < SETTINGS_MAX && chosen[s].name != NULL; s++) {
            if (strcmp(chosen[s].name, p->kind.params[i].name) == 0)
                values[i] = (mst_param_value_t){.set = true, .u.s = mst_str_c(chosen[s].value)};
        }
    }
    const mst_provider_cfg_t cfg = {.kind = &p->kind, .params = {.table = p->kind.params, .values = values}};
    fuzz_provider(&cfg, NULL, data + 1, size - 1);
    return 0;
}
