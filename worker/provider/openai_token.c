// Does an event carry a generated token? It agrees with openai_decode.c on every chunk of the documented shape,
// whatever texts it holds; a test says so.
#include "worker/provider/openai.h"
#include "worker/provider/scan.h"

bool
mst_openai_has_token(mst_str_t name, mst_str_t data)
{
    static const mst_scan_key_t keys[] = {
        {"content", MST_FILLED_TEXT | MST_FILLED_LIST, NULL},
        {"text", MST_FILLED_TEXT, NULL},
        {"reasoning_content", MST_FILLED_TEXT, NULL},
        {"reasoning", MST_FILLED_TEXT, NULL},
        {"thinking", MST_FILLED_TEXT, NULL},
        {"refusal", MST_FILLED_TEXT | MST_FILLED_LIST, NULL},
        {"tool_calls", MST_FILLED_LIST, NULL},
        {"token_ids", MST_FILLED_LIST, NULL},
        {"tokens", MST_FILLED_LIST, NULL},
        {"function_call", MST_FILLED_MAP, NULL},
        {NULL, 0, NULL},
    };
    (void)name;
    return mst_scan_filled(data, keys);
}
