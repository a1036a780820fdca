// Requests of provider http from any template and any case, both of them text of the input: first line the template's
// JSON, second line the case's input, the rest the case's metadata. What is written as JSON is JSON.
#include "common/base/limits.h"
#include "common/json/json.h"
#include "worker/provider/template.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static mst_str_t
line(mst_str_t *rest)
{
    const char *lf = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = lf != NULL ? (size_t)(lf - rest->p) : rest->n;
    mst_str_t one = mst_str(rest->p, n);
    *rest = mst_str(rest->p + n + (lf != NULL), rest->n - n - (lf != NULL));
    return one;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const mst_param_t table[] = {{.name = "model", .type = MST_P_STR}, {.name = NULL}};
    static const mst_param_value_t values[] = {{.set = true, .u.s = {"m", 1}}};
    mst_arena_t *arena = mst_arena_new(16 * MST_MIB);
    mst_str_t rest = mst_str((const char *)data, size), tree_text = line(&rest);
    const mst_case_t c = {.id = MST_STR("id"), .input = line(&rest), .metadata = rest};
    const mst_ask_t ask = {.c = &c, .system_prompt = MST_STR("s")};
    const mst_provider_cfg_t cfg = {.params = {.table = table, .values = values}};
    const mst_template_t t = {.cfg = &cfg, .ask = &ask, .arena = arena};
    const mst_json_t *tree = NULL;
    mst_err_t err = {0};
    mst_buf_t out;
    mst_jw_t w;
    mst_buf_init(&out, 16 * MST_MIB);
    mst_jw_init(&w, &out);
    if (mst_json_parse_lenient(tree_text, arena, &tree, &err) == MST_OK &&
        mst_template_json(&t, tree, &w, &err) == MST_OK && !mst_json_valid(mst_buf_view(&out), false)) {
        fprintf(stderr, "fuzz_template: wrote what is not JSON\n");
        abort();
    }
    mst_buf_reset(&out);
    if (mst_template_text(&t, tree_text, MST_FILL_URL, &out, &err) != MST_OK && err.message[0] == '\0')
        abort();
    mst_buf_reset(&out);
    if (tree != NULL && mst_template_form(&t, tree, &out, &err) != MST_OK && err.message[0] == '\0')
        abort();
    mst_buf_deinit(&out);
    mst_arena_free(&arena);
    return 0;
}
