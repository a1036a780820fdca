// What all views share: series, their statistics, lines.
#include "report/latency_view.h"

#include "common/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static size_t
series_count(const mst_view_t *v)
{
    size_t n = 0;
    while (v->series[n].key)
        n++;
    return n;
}

void
mst_view_init(mst_view_state_t *s, const mst_view_t *v, const mst_slo_t *slo)
{
    *s = (mst_view_state_t){.view = v,
                            .slo = slo,
                            .counting = true,
                            .first_start = INT64_MAX,
                            .last_start = INT64_MIN,
                            .last_end = INT64_MIN};
    for (size_t i = 0; i < series_count(v); i++) {
        s->series[i] = mst_select_new();
        for (const mst_mark_t *m = v->marks; m->key; m++)
            if (m->kind == MST_MARK_RANK)
                (void)mst_select_want(s->series[i], v->rule, m->q);
    }
}

void
mst_view_deinit(mst_view_state_t *s)
{
    for (size_t i = 0; i < MST_VIEW_SERIES_MAX; i++)
        mst_select_free(&s->series[i]);
    mst_spans_free(&s->spans);
    free(s->per_second);
}

bool
mst_view_next(mst_view_state_t *s)
{
    bool again = false;
    for (size_t i = 0; i < series_count(s->view); i++)
        again |= mst_select_next(s->series[i]);
    s->counting = false;
    return again;
}

void
mst_view_put(mst_view_out_t *out, const char *key, const char *label, double value, int digits)
{
    if (out->n == MST_VIEW_LINES_MAX)
        return;
    mst_view_line_t *l = &out->lines[out->n++];
    *l = (mst_view_line_t){.value = value, .digits = digits};
    snprintf(l->key, sizeof l->key, "%s", key);
    snprintf(l->label, sizeof l->label, "%s", label);
}

static void
put_mark(mst_view_out_t *out, const mst_view_t *v, const mst_view_series_t *series, const mst_mark_t *m, double value)
{
    char key[sizeof out->lines->key], label[sizeof out->lines->label];
    if (v->marks_first) {
        snprintf(key, sizeof key, "%s_%s", m->key, series->key);
        snprintf(label, sizeof label, "%s %s", m->label, series->label);
    } else {
        snprintf(key, sizeof key, "%s_%s", series->key, m->key);
        snprintf(label, sizeof label, "%s %s", series->label, m->label);
    }
    mst_view_put(out, key, label, value * series->scale, series->digits);
}

static void
put_series(mst_view_state_t *s, size_t i, mst_view_out_t *out)
{
    const mst_view_t *v = s->view;
    mst_select_sums_t sums = mst_select_sums(s->series[i]);
    size_t want = 0;
    for (const mst_mark_t *m = v->marks; m->key; m++) {
        double value = (double)NAN;
        switch (m->kind) {
        case MST_MARK_MEAN:
            value = sums.mean;
            break;
        case MST_MARK_MIN:
            value = sums.min;
            break;
        case MST_MARK_MAX:
            value = sums.max;
            break;
        case MST_MARK_SD:
            value = v->sample_sd ? sums.sd_sample : sums.sd_population;
            break;
        case MST_MARK_RANK:
            value = mst_select_value(s->series[i], want++);
            break;
        }
        put_mark(out, v, &v->series[i], m, value);
    }
}

size_t
mst_view_lines(mst_view_state_t *s, mst_view_line_t *lines)
{
    mst_view_out_t out = {.lines = lines};
    if (s->view->before)
        s->view->before(s, &out);
    for (size_t i = 0; i < series_count(s->view); i++)
        put_series(s, i, &out);
    if (s->view->after)
        s->view->after(s, &out);
    return out.n;
}

void
mst_view_add(mst_view_state_t *s, size_t series, double x, uint32_t weight)
{
    mst_select_add(s->series[series], x, weight);
}

void
mst_view_seen(mst_view_state_t *s, const mst_view_row_t *row, int64_t end_ns)
{
    if (row->start == MST_NONE || !s->counting)
        return;
    int64_t end = row->start + (end_ns > 0 ? end_ns : 0);
    if (row->start < s->first_start)
        s->first_start = row->start;
    if (row->start > s->last_start)
        s->last_start = row->start;
    if (end > s->last_end)
        s->last_end = end;
}

bool
mst_view_take(mst_view_state_t *s, bool ok, int64_t tokens)
{
    if (!s->counting)
        return ok;
    s->ok += ok;
    s->failed += !ok;
    s->output_tokens += ok && tokens > 0 ? (uint64_t)tokens : 0;
    return ok;
}

double
mst_view_seconds(const mst_view_state_t *s)
{
    return s->last_end > s->first_start ? (double)(s->last_end - s->first_start) / 1e9 : (double)NAN;
}

int64_t
mst_view_tokens(const mst_view_row_t *row)
{
    return row->q->tokens > 0 ? row->q->tokens : 0;
}

int64_t
mst_view_usage(const mst_view_row_t *row)
{
    return row->c->usage_tokens > 0 ? row->c->usage_tokens : 0;
}
