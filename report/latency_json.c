// Latency as one JSON document: docs/reference/json.md.
#include "common/json/json.h"
#include "report/latency.h"

#include <math.h>

static void
number(mst_jw_t *w, const char *key, double v)
{
    mst_jw_key(w, key);
    if (isfinite(v))
        mst_jw_f64(w, v);
    else
        mst_jw_null(w);
}

static void
count(mst_jw_t *w, const char *key, uint64_t n)
{
    mst_jw_key(w, key);
    mst_jw_u64(w, n);
}

static void
stat(mst_jw_t *w, mst_latency_kind_t k, const mst_latency_stat_t *s)
{
    mst_jw_key(w, mst_latency_kind_name(k));
    mst_jw_obj(w);
    mst_jw_key(w, "unit");
    mst_jw_str(w, k == MST_LAT_EVENT_TOKENS ? MST_STR("tokens") : MST_STR("ms"));
    count(w, "n", s->n);
    count(w, "requests", s->requests);
    number(w, "mean", s->mean);
    number(w, "min", s->min);
    number(w, "max", s->max);
    number(w, "p50", s->p50);
    number(w, "p90", s->p90);
    number(w, "p99", s->p99);
    number(w, "p90_upper", s->p90_upper);
    number(w, "p99_upper", s->p99_upper);
    mst_jw_obj_end(w);
}

static void
window(mst_jw_t *w, const char *key, const mst_latency_window_t *v)
{
    mst_jw_key(w, key);
    if (!v->known) {
        mst_jw_null(w);
        return;
    }
    mst_jw_obj(w);
    number(w, "seconds", v->seconds);
    number(w, "idle_s", v->idle_s);
    count(w, "requests", v->requests);
    count(w, "tokens", v->tokens);
    number(w, "requests_per_s", v->requests_per_s);
    number(w, "tokens_per_s", v->tokens_per_s);
    number(w, "concurrency_mean", v->concurrency_mean);
    count(w, "concurrency_max", v->concurrency_max);
    number(w, "at_target", v->at_target);
    mst_jw_obj_end(w);
}

static void
goodput(mst_jw_t *w, const mst_latency_report_t *n)
{
    const mst_latency_goodput_t *g = &n->goodput;
    mst_jw_key(w, "goodput");
    if (!mst_slo_any(&n->slo)) {
        mst_jw_null(w);
        return;
    }
    mst_jw_obj(w);
    mst_jw_key(w, "slo");
    mst_jw_obj(w);
    for (int i = 0; i < MST_SLO_COUNT; i++)
        if (n->slo.ms[i] > 0)
            number(w, mst_slo_cfg_table[i].name, n->slo.ms[i]);
    mst_jw_obj_end(w);
    mst_jw_key(w, "missed");
    mst_jw_obj(w);
    for (int i = 0; i < MST_SLO_COUNT; i++)
        if (n->slo.ms[i] > 0)
            count(w, mst_slo_cfg_table[i].name, g->missed[i]);
    mst_jw_obj_end(w);
    count(w, "good", g->good);
    count(w, "measured", g->measured);
    count(w, "failed", g->failed);
    number(w, "share", g->share);
    number(w, "share_with_failures", g->share_with_failures);
    number(w, "requests_per_s", g->requests_per_s);
    number(w, "tokens_per_s", g->tokens_per_s);
    mst_jw_obj_end(w);
}

static void
sources(mst_jw_t *w, const mst_latency_report_t *n)
{
    static const char *const stamp[MST_STAMP_SOURCES] = {"none", "user", "kernel", "recorded"};
    static const char *const token[MST_TOKEN_SOURCES] = {"unknown", "logprobs", "usage", "events", "metadata"};
    mst_jw_key(w, "sent_by");
    mst_jw_obj(w);
    for (int i = 0; i < MST_STAMP_SOURCES; i++)
        count(w, stamp[i], n->sent_by[i]);
    mst_jw_obj_end(w);
    mst_jw_key(w, "arrived_by");
    mst_jw_obj(w);
    for (int i = 0; i < MST_STAMP_SOURCES; i++)
        count(w, stamp[i], n->arrived_by[i]);
    mst_jw_obj_end(w);
    mst_jw_key(w, "tokens_by");
    mst_jw_obj(w);
    for (int i = 0; i < MST_TOKEN_SOURCES; i++)
        count(w, token[i], n->tokens_by[i]);
    mst_jw_obj_end(w);
    mst_jw_key(w, "token_counts_differ");
    mst_jw_obj(w);
    count(w, "cases", n->alarm.cases);
    count(w, "by_logprobs", n->alarm.tokens_logprobs);
    count(w, "by_usage", n->alarm.tokens_usage);
    mst_jw_key(w, "example");
    mst_jw_str(w, mst_str_c(n->alarm.example));
    mst_jw_obj_end(w);
}

static void
view(mst_jw_t *w, const mst_latency_doc_t *d)
{
    mst_jw_key(w, "as");
    if (!d->view) {
        mst_jw_null(w);
        return;
    }
    mst_jw_obj(w);
    mst_jw_key(w, "tool");
    mst_jw_str(w, mst_str_c(mst_view_title(d->view)));
    mst_jw_key(w, "numbers");
    mst_jw_obj(w);
    for (size_t i = 0; i < d->line_count; i++)
        number(w, d->lines[i].key, d->lines[i].value);
    mst_jw_obj_end(w);
    mst_jw_obj_end(w);
}

void
mst_latency_json(const mst_latency_doc_t *d, const mst_latency_report_t *n, mst_buf_t *out)
{
    mst_jw_t w;
    mst_jw_init(&w, out);
    mst_jw_obj(&w);
    mst_jw_key(&w, "run_id");
    mst_jw_str(&w, d->run_id);
    mst_jw_key(&w, "name");
    mst_jw_str(&w, d->name);
    count(&w, "rows", n->rows);
    count(&w, "measured", n->measured);
    count(&w, "streamed", n->streamed);
    count(&w, "cached", n->cached);
    count(&w, "connections_kept", n->reused);
    count(&w, "connections_opened", n->opened);
    count(&w, "events", n->events);
    count(&w, "merged", n->merged);
    count(&w, "merged_tokens", n->same_stamp);
    count(&w, "tpot_undefined", n->tpot_undefined);
    sources(&w, n);
    mst_jw_key(&w, "latency");
    mst_jw_obj(&w);
    for (int i = 0; i < MST_LAT_COUNT; i++)
        stat(&w, (mst_latency_kind_t)i, &n->stats[i]);
    mst_jw_obj_end(&w);
    window(&w, "window", &n->window);
    window(&w, "steady", &n->steady);
    goodput(&w, n);
    view(&w, d);
    mst_jw_obj_end(&w);
    mst_buf_add_byte(out, '\n');
}
