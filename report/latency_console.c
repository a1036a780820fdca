// Latency for people.
#include "report/format.h"
#include "report/latency.h"
#include "report/table.h"

#include <math.h>
#include <stdio.h>

static const char *const labels[MST_LAT_COUNT] = {
    [MST_LAT_TTFT] = "first token (TTFT)",
    [MST_LAT_TTFT_NEW] = "  on new connections",
    [MST_LAT_TTFT_REUSED] = "  on kept connections",
    [MST_LAT_TTFO] = "first output (TTFO)",
    [MST_LAT_TTFB] = "first byte (TTFB)",
    [MST_LAT_TTFE] = "first event (TTFE)",
    [MST_LAT_E2E] = "last token (E2E)",
    [MST_LAT_CLOSE] = "end of transfer",
    [MST_LAT_NTPOT] = "E2E over tokens (NTPOT)",
    [MST_LAT_TPOT] = "per token (TPOT)",
    [MST_LAT_TOKEN_GAP] = "token gap (ITL)",
    [MST_LAT_EVENT_GAP] = "event gap (ICL)",
    [MST_LAT_EVENT_TOKENS] = "tokens per event",
};

static void
cell(mst_table_t *t, mst_latency_kind_t k, double v)
{
    if (k == MST_LAT_EVENT_TOKENS && isfinite(v))
        mst_buf_addf(&t->text, "%.3g", v);
    else
        mst_fmt_ms(v, &t->text);
    mst_table_end(t);
}

// A percentile, or how many requests it would take.
static void
claim(mst_table_t *t, mst_latency_kind_t k, double v, uint64_t n, uint64_t needed)
{
    if (n >= needed) {
        cell(t, k, v);
        return;
    }
    mst_buf_addf(&t->text, "n<%llu", (unsigned long long)needed);
    mst_table_end(t);
}

static void
stat_row(mst_table_t *t, mst_latency_kind_t k, const mst_latency_stat_t *s)
{
    mst_table_add(t, labels[k]);
    cell(t, k, s->min);
    cell(t, k, s->p50);
    claim(t, k, s->p90, s->requests, MST_CLAIM_P90);
    claim(t, k, s->p99, s->requests, MST_CLAIM_P99);
    cell(t, k, s->p99_upper);
    cell(t, k, s->max);
    cell(t, k, s->mean);
    mst_fmt_count(s->n, &t->text);
    mst_table_end(t);
}

static void
stats(const mst_latency_report_t *n, bool colour, size_t width, mst_buf_t *out)
{
    const char *const titles[] = {"", "min", "p50", "p90", "p99", "p99 at most", "max", "mean", "n"};
    mst_table_t t;
    bool both = n->stats[MST_LAT_TTFT_NEW].n > 0 && n->stats[MST_LAT_TTFT_REUSED].n > 0;
    mst_table_init(&t, "lrrrrrrrr");
    t.style = MST_DIM;
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        mst_table_add(&t, titles[i]);
    t.style = MST_PLAIN;
    for (int i = 0; i < MST_LAT_COUNT; i++) {
        bool part = i == MST_LAT_TTFT_NEW || i == MST_LAT_TTFT_REUSED;
        if (n->stats[i].n > 0 && (both || !part))
            stat_row(&t, (mst_latency_kind_t)i, &n->stats[i]);
    }
    mst_buf_add_byte(out, '\n');
    mst_table_render(&t, 2, width, colour, out);
    mst_table_deinit(&t);
    if (n->stats[MST_LAT_TTFT].requests < MST_CLAIM_P99 && n->stats[MST_LAT_E2E].n > 0)
        mst_buf_addf(out,
                     "  n<%d, n<%d: a percentile is named from that many requests on, with which it can be bounded "
                     "at 99 %% confidence\n",
                     MST_CLAIM_P90, MST_CLAIM_P99);
}

static void
part(mst_buf_t *out, const char **between, uint64_t n, uint64_t all, const char *what)
{
    if (n == 0)
        return;
    mst_buf_add_c(out, *between);
    mst_fmt_percent((double)n / (double)all, out);
    mst_buf_addf(out, " %s", what);
    *between = ", ";
}

static void
stamps(const mst_latency_report_t *n, bool colour, mst_buf_t *out)
{
    static const char *const by[MST_STAMP_SOURCES] = {
        [MST_STAMP_NONE] = "none",
        [MST_STAMP_USER] = "by this process",
        [MST_STAMP_KERNEL] = "by the kernel",
        [MST_STAMP_RECORDED] = "recorded with the answer",
    };
    if (n->measured == 0)
        return;
    uint64_t weak = n->sent_by[MST_STAMP_USER] + n->arrived_by[MST_STAMP_USER];
    mst_buf_add_c(out, "  stamps       ");
    mst_fmt_style(colour, weak > 0 ? MST_YELLOW : MST_PLAIN, out);
    const char *between = "sent: ";
    for (int i = MST_STAMP_SOURCES - 1; i >= 0; i--)
        part(out, &between, n->sent_by[i], n->measured, by[i]);
    between = "; arrived: ";
    for (int i = MST_STAMP_SOURCES - 1; i >= 0; i--)
        part(out, &between, n->arrived_by[i], n->measured, by[i]);
    mst_fmt_style_end(colour, weak > 0 ? MST_YELLOW : MST_PLAIN, out);
    mst_buf_add_byte(out, '\n');
    if (weak > 0)
        mst_buf_add_c(out, "               stamps by this process are late by its own delay, more so under load\n");
}

static void
connections(const mst_latency_report_t *n, mst_buf_t *out)
{
    if (n->reused + n->opened > 0) {
        mst_buf_add_c(out, "  connections  ");
        mst_fmt_count(n->reused, out);
        mst_buf_add_c(out, " kept, ");
        mst_fmt_count(n->opened, out);
        mst_buf_add_c(out, " opened for the request\n");
    }
    if (n->events == 0)
        return;
    mst_buf_add_c(out, "  events       ");
    mst_fmt_count(n->events, out);
    mst_buf_add_c(out, ", ");
    mst_fmt_count(n->merged, out);
    mst_buf_add_c(out, " read together with an earlier one (their stamps are upper bounds), ");
    mst_fmt_count(n->same_stamp, out);
    mst_buf_add_c(out, " of them between tokens\n");
}

static void
tokens(const mst_latency_report_t *n, bool colour, mst_buf_t *out)
{
    static const char *const by[MST_TOKEN_SOURCES] = {
        [MST_TOK_UNKNOWN] = "not counted",
        [MST_TOK_LOGPROBS] = "by logprobs",
        [MST_TOK_USAGE] = "by the server",
        [MST_TOK_EVENTS] = "estimated: one an event",
        [MST_TOK_METADATA] = "recorded with the answer",
    };
    if (n->measured == 0)
        return;
    mst_buf_add_c(out, "  tokens       ");
    const char *between = "counted: ";
    for (int i = 1; i <= MST_TOKEN_SOURCES; i++)
        part(out, &between, n->tokens_by[i % MST_TOKEN_SOURCES], n->measured, by[i % MST_TOKEN_SOURCES]);
    mst_buf_add_byte(out, '\n');
    if (n->alarm.cases > 0) {
        mst_fmt_style(colour, MST_RED, out);
        mst_buf_add_c(out, "  alarm        two counts of tokens differ in ");
        mst_fmt_count(n->alarm.cases, out);
        mst_buf_add_c(out, n->alarm.cases == 1 ? " case: " : " cases, such as ");
        mst_fmt_safe(mst_str_c(n->alarm.example), false, out);
        mst_fmt_style_end(colour, MST_RED, out);
        mst_buf_add_byte(out, '\n');
    }
    if (n->tpot_undefined > 0) {
        mst_buf_add_c(out, "  TPOT         undefined for ");
        mst_fmt_count(n->tpot_undefined, out);
        mst_buf_add_c(out, n->tpot_undefined == 1 ? " answer" : " answers");
        mst_buf_add_c(out, " whose tokens came with one event\n");
    }
}

static void
window(const char *name, const mst_latency_window_t *w, mst_buf_t *out)
{
    if (!w->known)
        return;
    mst_buf_addf(out, "  %-12s ", name);
    mst_fmt_ms(w->seconds * 1e3, out);
    mst_buf_add_c(out, ": ");
    mst_fmt_rate(w->requests_per_s, out);
    mst_buf_add_c(out, " requests/s, ");
    mst_fmt_rate(w->tokens_per_s, out);
    mst_buf_addf(out, " tokens/s, concurrency %.3g mean, %u max", w->concurrency_mean, w->concurrency_max);
    if (isfinite(w->at_target)) {
        mst_buf_add_c(out, ", ");
        mst_fmt_percent(w->at_target, out);
        mst_buf_add_c(out, " of it at the target");
    }
    if (w->idle_s > 0.001) {
        mst_buf_add_c(out, ", idle ");
        mst_fmt_ms(w->idle_s * 1e3, out);
    }
    mst_buf_add_byte(out, '\n');
}

static void
windows(const mst_latency_report_t *n, mst_buf_t *out)
{
    mst_buf_add_byte(out, '\n');
    window("window", &n->window, out);
    window("steady", &n->steady, out);
    if (n->window.known)
        mst_buf_add_c(out,
                      "               window: first send to last token; steady: from the first to the last moment at "
                      "95 % of the run's concurrency\n");
}

static void
goodput(const mst_latency_report_t *n, mst_buf_t *out)
{
    const mst_latency_goodput_t *g = &n->goodput;
    if (!mst_slo_any(&n->slo))
        return;
    mst_buf_add_c(out, "  goodput      ");
    mst_fmt_rate(g->requests_per_s, out);
    mst_buf_add_c(out, " requests/s, ");
    mst_fmt_rate(g->tokens_per_s, out);
    mst_buf_add_c(out, " tokens/s; ");
    mst_fmt_percent(g->share, out);
    mst_buf_add_c(out, " of the measured are good, ");
    mst_fmt_percent(g->share_with_failures, out);
    mst_buf_add_c(out, " with failures as misses\n");
    for (int i = 0; i < MST_SLO_COUNT; i++) {
        if (n->slo.ms[i] <= 0)
            continue;
        mst_buf_addf(out, "               %s <= %g: missed by ", mst_slo_cfg_table[i].name, n->slo.ms[i]);
        mst_fmt_count(g->missed[i], out);
        mst_buf_add_byte(out, '\n');
    }
}

static void
view(const mst_latency_doc_t *d, bool colour, mst_buf_t *out)
{
    mst_fmt_style(colour, MST_BOLD, out);
    mst_buf_addf(out, "\nas %s would have printed it", mst_view_title(d->view));
    mst_fmt_style_end(colour, MST_BOLD, out);
    mst_buf_add_c(out, "\n\n");
    for (size_t i = 0; i < d->line_count; i++) {
        const mst_view_line_t *l = &d->lines[i];
        if (isfinite(l->value))
            mst_buf_addf(out, "  %-56s %.*f\n", l->label, l->digits, l->value);
        else
            mst_buf_addf(out, "  %-56s -\n", l->label);
    }
}

void
mst_latency_console(const mst_latency_doc_t *d, const mst_latency_report_t *n, bool colour, size_t width,
                    mst_buf_t *out)
{
    mst_buf_add_byte(out, '\n');
    mst_fmt_style(colour, MST_BOLD, out);
    mst_fmt_safe(d->name.n > 0 ? d->name : MST_STR("unnamed"), false, out);
    mst_fmt_style_end(colour, MST_BOLD, out);
    mst_buf_add_c(out, "  ");
    mst_fmt_safe(d->run_id, false, out);
    mst_buf_add_c(out, "\n  requests     ");
    mst_fmt_count(n->measured, out);
    mst_buf_add_c(out, " measured, ");
    mst_fmt_count(n->rows - n->measured - n->cached, out);
    mst_buf_add_c(out, " not; ");
    if (n->cached > 0) {
        mst_fmt_count(n->cached, out);
        mst_buf_add_c(out, " from the response cache; ");
    }
    mst_fmt_count(n->streamed, out);
    mst_buf_add_c(out, " streamed\n");
    stamps(n, colour, out);
    connections(n, out);
    tokens(n, colour, out);
    if (d->view) {
        view(d, colour, out);
        return;
    }
    stats(n, colour, width, out);
    windows(n, out);
    goodput(n, out);
}
