// Prometheus text. Families that a dialect's server does not have are left out.
#include "sim/metrics.h"

#include "common/base/clock.h"

static const double bounds[MST_SIM_BUCKETS] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 40};

// Names of one server's families; NULL: it has none.
typedef struct {
    const char *running, *waiting, *prompt_tokens, *tokens, *requests, *ttft, *e2e;
} names_t;

static const names_t names[MST_SIM_DIALECTS] = {
    [MST_SIM_VLLM] = {"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:prompt_tokens_total",
                      "vllm:generation_tokens_total", "vllm:request_success_total", "vllm:time_to_first_token_seconds",
                      "vllm:e2e_request_latency_seconds"},
    [MST_SIM_SGLANG] = {"sglang:num_running_reqs", "sglang:num_queue_reqs", "sglang:prompt_tokens_total",
                        "sglang:generation_tokens_total", "sglang:num_requests_total",
                        "sglang:time_to_first_token_seconds", "sglang:e2e_request_latency_seconds"},
    [MST_SIM_TGI] = {"tgi_batch_current_size", "tgi_queue_size", NULL, NULL, "tgi_request_success", NULL,
                     "tgi_request_duration"},
    [MST_SIM_LLAMACPP] = {"llamacpp:requests_processing", "llamacpp:requests_deferred", "llamacpp:prompt_tokens_total",
                          "llamacpp:tokens_predicted_total", NULL, NULL, NULL},
};

void
mst_sim_histogram_add(mst_sim_histogram_t *h, int64_t ns)
{
    double s = (double)ns / (double)MST_NS_PER_S;
    size_t i = 0;
    while (i < MST_SIM_BUCKETS && s > bounds[i])
        i++;
    h->counts[i]++;
    h->sum_s += s;
    h->count++;
}

static void
add_value(const char *name, const char *type, const char *model, uint64_t v, mst_buf_t *out)
{
    if (name == NULL)
        return;
    mst_buf_addf(out, "# TYPE %s %s\n%s{model_name=\"%s\"} %llu\n", name, type, name, model, (unsigned long long)v);
}

static void
add_histogram(const char *name, const char *model, const mst_sim_histogram_t *h, mst_buf_t *out)
{
    uint64_t sum = 0;
    if (name == NULL)
        return;
    mst_buf_addf(out, "# TYPE %s histogram\n", name);
    for (size_t i = 0; i <= MST_SIM_BUCKETS; i++) {
        sum += h->counts[i];
        if (i < MST_SIM_BUCKETS)
            mst_buf_addf(out, "%s_bucket{model_name=\"%s\",le=\"%g\"} %llu\n", name, model, bounds[i],
                         (unsigned long long)sum);
        else
            mst_buf_addf(out, "%s_bucket{model_name=\"%s\",le=\"+Inf\"} %llu\n", name, model, (unsigned long long)sum);
    }
    mst_buf_addf(out, "%s_sum{model_name=\"%s\"} %.9g\n%s_count{model_name=\"%s\"} %llu\n", name, model, h->sum_s, name,
                 model, (unsigned long long)h->count);
}

static void
add_requests(const names_t *n, const mst_sim_metrics_t *m, const char *model, mst_buf_t *out)
{
    const char *const reasons[] = {"stop", "length", "error"};
    const uint64_t counts[] = {m->stopped, m->cut_short, m->failed};
    if (n->requests == NULL)
        return;
    mst_buf_addf(out, "# TYPE %s counter\n", n->requests);
    for (int i = 0; i < 3; i++)
        mst_buf_addf(out, "%s{model_name=\"%s\",finished_reason=\"%s\"} %llu\n", n->requests, model, reasons[i],
                     (unsigned long long)counts[i]);
}

// Label values may hold neither a quote nor a backslash nor a line end.
static void
clean(const char *model, char *out, size_t out_bytes)
{
    size_t n = 0;
    for (const char *p = model; *p != '\0' && n + 1 < out_bytes; p++)
        out[n++] = *p == '"' || *p == '\\' || (unsigned char)*p < 0x20 ? '_' : *p;
    out[n] = '\0';
}

void
mst_sim_metrics_render(const mst_sim_metrics_t *m, mst_sim_dialect_t d, const char *model, mst_buf_t *out)
{
    const names_t *n = &names[names[d].running != NULL ? d : MST_SIM_VLLM];
    char label[256];
    clean(model != NULL ? model : "sim", label, sizeof label);
    add_value(n->running, "gauge", label, m->running, out);
    add_value(n->waiting, "gauge", label, 0, out);
    add_value(n->prompt_tokens, "counter", label, m->prompt_tokens, out);
    add_value(n->tokens, "counter", label, m->tokens, out);
    add_requests(n, m, label, out);
    add_histogram(n->ttft, label, &m->ttft, out);
    add_histogram(n->e2e, label, &m->e2e, out);
}
