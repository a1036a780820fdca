// Routes that answer at once and tell what the server is: models, health, version, metrics.
#include "sim/dialect.h"

#define ADD    MST_SIM_ADD
#define BIT(d) MST_SIM_BIT(MST_SIM_##d)
#define LENGTH 131072 // what is told when any length is taken

static mst_str_t
model(const mst_sim_facts_t *f)
{
    return mst_str_c(f->opts->model != NULL ? f->opts->model : "sim");
}

static uint64_t
length(const mst_sim_facts_t *f)
{
    return f->opts->context_length > 0 ? f->opts->context_length : LENGTH;
}

static void
add_models(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)q;
    ADD(out, "{\"object\":\"list\",\"data\":[{\"id\":");
    mst_sim_json_str(out, model(f));
    ADD(out, ",\"object\":\"model\",\"created\":" MST_SIM_CREATED ",\"owned_by\":\"muster\"");
    if (f->dialect == MST_SIM_VLLM || f->dialect == MST_SIM_SGLANG) {
        ADD(out, ",\"root\":");
        mst_sim_json_str(out, model(f));
        mst_sim_add_count(out, ",\"parent\":null,\"max_model_len\":", length(f));
    } else if (f->dialect == MST_SIM_LLAMACPP) {
        mst_sim_add_count(out, ",\"meta\":{\"n_vocab\":", MST_SIM_VOCAB_SIZE);
        mst_sim_add_count(out, ",\"n_ctx_train\":", length(f));
        mst_sim_add_count(out, ",\"n_embd\":", f->opts->dimensions);
        ADD(out, ",\"n_params\":1,\"size\":1}");
    }
    ADD(out, "}]}");
}

static void
add_health(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)q;
    bool silent = f->dialect == MST_SIM_VLLM || f->dialect == MST_SIM_SGLANG || f->dialect == MST_SIM_TGI ||
                  f->dialect == MST_SIM_TEI;
    if (!silent)
        ADD(out, "{\"status\":\"ok\"}");
}

static void
add_metrics(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)q;
    mst_sim_metrics_render(f->metrics, f->dialect, f->opts->model, out);
}

static void
add_version(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)f;
    (void)q;
    ADD(out, "{\"version\":\"" MUSTER_VERSION "+sim\"}");
}

enum { EVERY = (1 << MST_SIM_DIALECTS) - 1 };

const mst_sim_route_t mst_sim_routes_common[] = {
    {"GET", "/v1/models", EVERY, MST_SIM_OPENAI, .body = add_models},
    {"GET", "/health", EVERY, MST_SIM_OPENAI, .open = true, .body = add_health},
    {"GET", "/metrics", EVERY, MST_SIM_VLLM, .open = true, .body = add_metrics, .type = "text/plain; version=0.0.4"},
    {"GET", "/version", BIT(VLLM) | BIT(SGLANG), MST_SIM_VLLM, .open = true, .body = add_version},
    {NULL},
};
