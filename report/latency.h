// Latency of a stored run, computed from its rows and packed token events: our own measures (docs/latency.md), and what
// other tools would have printed from the same log.
//
// Pure. Rows are handed over in readings: all rows, mst_latency_next, and again while it says so. Memory is bounded:
// about 30 bytes a row for the windows, a few MiB for the percentiles, which are exact.
// Thread: a state belongs to one thread.
#ifndef MST_REPORT_LATENCY_H
#define MST_REPORT_LATENCY_H

#include "common/base/buf.h"
#include "common/config/slo.h"
#include "common/model/result.h"
#include "common/stats/select.h"

// Samples below which a percentile is not claimed: 99 % confidence with one sample left out (mst_bound_discard).
enum { MST_CLAIM_P90 = 64, MST_CLAIM_P99 = 662 };

typedef enum {
    MST_LAT_TTFT,         // first token of any channel
    MST_LAT_TTFT_NEW,     // the same on connections that were opened for the request,
    MST_LAT_TTFT_REUSED,  // and on kept ones
    MST_LAT_TTFO,         // first token that is no reasoning
    MST_LAT_TTFB,         // first byte of the answer
    MST_LAT_TTFE,         // first event of any kind
    MST_LAT_E2E,          // last token
    MST_LAT_CLOSE,        // end of the transfer
    MST_LAT_NTPOT,        // end to end over all tokens
    MST_LAT_TPOT,         // (last - first) / (tokens - tokens of the first event)
    MST_LAT_TOKEN_GAP,    // gaps between events with tokens, each split over the tokens that end it
    MST_LAT_EVENT_GAP,    // the same gaps whole
    MST_LAT_EVENT_TOKENS, // tokens of an event that has some: a count, not a time
    MST_LAT_COUNT,
} mst_latency_kind_t;

const char *mst_latency_kind_name(mst_latency_kind_t k); // "ttft", "token_gap"

typedef struct {
    uint64_t n, requests;                 // values, and the requests that they come from
    double mean, min, max, p50, p90, p99; // ms; NaN: nothing measured, or (p90, p99) too few requests for a claim
    double p90_upper, p99_upper; // with 99 % confidence the percentile is not above; NaN: too few, or values that are
                                 // not one a request
} mst_latency_stat_t;

typedef struct {
    bool known;
    double seconds, idle_s;    // idle: nothing was under way
    uint64_t requests, tokens; // measured requests whose last token, and tokens that, arrived in it
    double requests_per_s, tokens_per_s;
    double concurrency_mean;
    uint32_t concurrency_max;
    double at_target; // share of its time at 95 % of the run's concurrency or more; NaN: no target
} mst_latency_window_t;

typedef struct {
    uint64_t good, tokens;          // requests that kept all levels, and their tokens
    uint64_t missed[MST_SLO_COUNT]; // measured requests that missed this level
    uint64_t measured, failed;
    double share, share_with_failures;   // of the measured; of all, failures counted as misses
    double requests_per_s, tokens_per_s; // over the window
} mst_latency_goodput_t;

typedef struct {
    uint64_t cases, tokens_logprobs, tokens_usage; // how many differ, and both sums over those
    char example[MST_ERR_MESSAGE_MAX];             // "case t000017: 41 logprobs, 40 by usage"
} mst_latency_alarm_t;

#define MST_STAMP_SOURCES (MST_STAMP_RECORDED + 1)
#define MST_TOKEN_SOURCES (MST_TOK_METADATA + 1)

typedef struct {
    uint64_t rows, measured, streamed;
    uint64_t cached; // of the rows: from the response cache, so not timed and in no other count
    uint64_t sent_by[MST_STAMP_SOURCES], arrived_by[MST_STAMP_SOURCES]; // measured rows, by who stamped
    uint64_t reused, opened;                                            // connections of measured rows
    uint64_t events, merged;               // events, and those that shared a read with an earlier one
    uint64_t same_stamp;                   // events with tokens whose stamp is that of the one before
    uint64_t tpot_undefined;               // measured, streamed, but all tokens came with one event
    uint64_t tokens_by[MST_TOKEN_SOURCES]; // measured rows, by where their count comes from
    mst_latency_alarm_t alarm;
    mst_latency_stat_t stats[MST_LAT_COUNT];
    mst_latency_window_t window, steady;
    mst_slo_t slo;
    mst_latency_goodput_t goodput; // when a level is set
} mst_latency_report_t;

// ---- one request

// What its events say. Times in ns from the send; MST_NONE: there was none.
typedef struct {
    int64_t first_any, first_choice, last_choice; // choice: all that an OpenAI chunk with `choices` is
    int64_t first_text, second_text, last_text;   // text: content, reasoning, tool call, refusal that is not empty
    int64_t first_output;                         // text but reasoning
    int64_t first_content, last_content;          // answer text alone
    int64_t first_token, last_token;              // with a token: text, or empty text that counts some
    int64_t done;                                 // the format's end mark
    uint32_t choices, texts, contents;
    uint32_t first_tokens; // tokens of the first event with some, at least 1
    int64_t tokens;        // by the best source; MST_NONE
    double tpot_ns;        // NaN: undefined
} mst_latency_request_t;

bool mst_event_is_choice(mst_event_kind_t kind);
bool mst_event_is_text(mst_event_kind_t kind);
bool mst_event_has_token(const mst_token_event_t *e);
// c: with its events unpacked; tpot_ns: stored beside rows that have no events, or MST_NONE.
void mst_latency_request(const mst_completion_t *c, int64_t tpot_ns, mst_latency_request_t *out);

// ---- a run

typedef struct mst_latency mst_latency_t;
typedef struct mst_view mst_view_t; // what another tool prints

typedef struct {
    const mst_slo_t *slo;   // NULL: none
    uint32_t concurrency;   // of the run, for the steady window; 0 = not known
    const mst_view_t *view; // NULL: ours alone
} mst_latency_opts_t;

mst_latency_t *mst_latency_new(const mst_latency_opts_t *o);
void mst_latency_free(mst_latency_t **l);
// One row with its events. MST_PROTO, MST_LIMIT: its packed column is broken.
MST_NODISCARD mst_rc mst_latency_row(mst_latency_t *l, const mst_result_t *r, const mst_origin_t *origin,
                                     mst_err_t *err);
bool mst_latency_next(mst_latency_t *l); // true: hand all rows over once more
void mst_latency_numbers(const mst_latency_t *l, mst_latency_report_t *out);

// ---- another tool's numbers

typedef struct {
    char key[48];   // as the tool's own JSON names it
    char label[64]; // as it prints it; a line without key is a heading
    double value;   // NaN: nothing to compute it from
    int digits;     // after the point
} mst_view_line_t;

enum { MST_VIEW_LINES_MAX = 160 };

const mst_view_t *mst_view_find(mst_str_t name); // "vllm", "aiperf", "guidellm", "mlperf", "llmperf"; NULL
const char *mst_view_names(void);                // "vllm, aiperf, ..."
const char *mst_view_title(const mst_view_t *v); // the tool, and what it was read from
// After the last reading. lines: MST_VIEW_LINES_MAX places.
size_t mst_latency_view(const mst_latency_t *l, mst_view_line_t *lines);

// ---- renderers; view: NULL or lines

typedef struct {
    mst_str_t run_id, name;
    const mst_view_t *view;
    const mst_view_line_t *lines;
    size_t line_count;
} mst_latency_doc_t;

void mst_latency_console(const mst_latency_doc_t *d, const mst_latency_report_t *n, bool colour, size_t width,
                         mst_buf_t *out);
void mst_latency_json(const mst_latency_doc_t *d, const mst_latency_report_t *n, mst_buf_t *out);

#endif
