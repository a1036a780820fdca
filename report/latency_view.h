// What a view is: how one tool reads a request and what it prints. Inside of report/latency; one table line a tool in
// latency_views.c.
#ifndef MST_REPORT_LATENCY_VIEW_H
#define MST_REPORT_LATENCY_VIEW_H

#include "report/latency.h"
#include "report/latency_window.h"

enum { MST_VIEW_SERIES_MAX = 12, MST_VIEW_MARKS_MAX = 12 };

// One list of numbers that a tool keeps: a value a request, or a gap, and the statistics that it prints of it.
typedef enum { MST_MARK_MEAN, MST_MARK_MIN, MST_MARK_MAX, MST_MARK_SD, MST_MARK_RANK } mst_mark_kind_t;

typedef struct {
    mst_mark_kind_t kind;
    double q;                // RANK
    const char *key, *label; // "p99", "P99"
} mst_mark_t;

typedef struct {
    const char *key, *label; // "ttft_ms": "Time to First Token (ms)"; key NULL ends the list
    double scale;            // of ns, or of a count: what the printed number is multiplied with
    int digits;
} mst_view_series_t;

typedef struct {
    const mst_view_t *view;
    const mst_slo_t *slo;
    mst_select_t *series[MST_VIEW_SERIES_MAX];
    bool counting; // the first reading: what is no series is counted in it alone
    uint64_t ok, failed, good;
    uint64_t input_tokens, output_tokens;
    int64_t first_start, last_start, last_end; // absolute, of the requests that the tool looks at; INT64_MAX, INT64_MIN
    mst_spans_t spans;
    uint32_t *per_second; // heap: messages in each second since first_start
    size_t seconds;
} mst_view_state_t;

typedef struct {
    const mst_result_t *r;
    const mst_completion_t *c; // with its events
    const mst_latency_request_t *q;
    int64_t start; // absolute
    bool ok;       // measured, streamed
} mst_view_row_t;

typedef struct {
    mst_view_line_t *lines;
    size_t n;
} mst_view_out_t;

struct mst_view {
    const char *name, *title;
    mst_rank_rule_t rule; // of percentiles
    bool sample_sd;
    const mst_view_series_t *series;
    const mst_mark_t *marks; // of every series; key NULL ends the list
    bool marks_first;        // keys and labels: "mean_ttft_ms", "Mean TTFT (ms)"; else "ttft mean"
    void (*row)(mst_view_state_t *s, const mst_view_row_t *row);
    void (*again)(mst_view_state_t *s, const mst_view_row_t *row); // second reading; NULL: nothing
    void (*before)(mst_view_state_t *s, mst_view_out_t *out);      // lines in front of the series
    void (*after)(mst_view_state_t *s, mst_view_out_t *out);       // and behind; NULL: none
};

// latency_view.c
void mst_view_init(mst_view_state_t *s, const mst_view_t *v, const mst_slo_t *slo);
void mst_view_deinit(mst_view_state_t *s);
bool mst_view_next(mst_view_state_t *s);
size_t mst_view_lines(mst_view_state_t *s, mst_view_line_t *lines);
void mst_view_put(mst_view_out_t *out, const char *key, const char *label, double value, int digits);
void mst_view_add(mst_view_state_t *s, size_t series, double x, uint32_t weight);
// Start and end of a request, where the tool looks at one.
void mst_view_seen(mst_view_state_t *s, const mst_view_row_t *row, int64_t end_ns);
bool mst_view_take(mst_view_state_t *s, bool ok, int64_t tokens); // counts it; returns ok
double mst_view_seconds(const mst_view_state_t *s);               // from first start to last end
int64_t mst_view_tokens(const mst_view_row_t *row);               // by the best source; 0: none is known
int64_t mst_view_usage(const mst_view_row_t *row);                // by the server; 0: not told

#endif
