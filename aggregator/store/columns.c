#include "aggregator/store/columns.h"

#include <stdio.h>

#define FLAG_STREAMED 1
#define FLAG_REUSED   2
#define FLAG_LENIENT  4
#define FLAG_FINISHED 8
#define FLAG_PHASE    16 // times the phase
#define FLAG_CACHED   64

const char *const mst_result_columns[MST_COL_COUNT] = {
#define COLUMN_NAME(name) #name,
    MST_RESULT_NUMBERS(COLUMN_NAME) MST_RESULT_TEXTS(COLUMN_NAME)
#undef COLUMN_NAME
};

bool
mst_column_is_bytes(mst_column_t c)
{
    return c == MST_COL_case_digest || c == MST_COL_events || c == MST_COL_raw_request || c == MST_COL_raw_response;
}

bool
mst_column_wanted(mst_column_t c, bool text, bool events, bool scores)
{
    switch ((int)c) {
    case MST_COL_input:
    case MST_COL_expected:
    case MST_COL_case_extra:
    case MST_COL_text:
    case MST_COL_reasoning:
    case MST_COL_refusal:
    case MST_COL_tool_calls:
        return text;
    case MST_COL_events:
    case MST_COL_raw_request:
    case MST_COL_raw_response:
        return events;
    case MST_COL_scores:
        return scores;
    default:
        return true;
    }
}

static mst_cell_t
number(int64_t v)
{
    return (mst_cell_t){.i = v};
}

static mst_cell_t
known(int64_t v)
{
    return (mst_cell_t){.i = v, .null = v == MST_NONE};
}

static mst_cell_t
not_zero(int64_t v)
{
    return (mst_cell_t){.i = v, .null = v == 0};
}

static mst_cell_t
text(mst_str_t s)
{
    return (mst_cell_t){.s = s, .null = s.n == 0};
}

static mst_cell_t
text_or_empty(mst_str_t s)
{
    return (mst_cell_t){.s = s};
}

static void
key_cells(int64_t run_no, const mst_result_t *r, int64_t origin_no, mst_cell_t *c)
{
    static const uint8_t none[sizeof r->case_digest];
    bool digest = memcmp(r->case_digest, none, sizeof none) != 0;
    c[MST_COL_run_no] = number(run_no);
    c[MST_COL_target_no] = number(r->key.target_no);
    c[MST_COL_case_no] = number((int64_t)r->key.case_no);
    c[MST_COL_repeat_no] = number(r->key.repeat_no);
    c[MST_COL_generation] = number(r->generation);
    c[MST_COL_attempt] = number(r->attempt);
    c[MST_COL_outcome] = number((int)r->outcome);
    c[MST_COL_passed] = number(r->passed);
    c[MST_COL_origin_no] = not_zero(origin_no);
    c[MST_COL_lease_id] = number((int64_t)r->lease_id);
    c[MST_COL_started_wall_ns] = number(r->started_wall_ns);
    c[MST_COL_finished_wall_ns] = number(r->finished_wall_ns);
    c[MST_COL_case_id] = text_or_empty(r->case_id);
    c[MST_COL_case_digest] = text(mst_str((const char *)r->case_digest, digest ? sizeof none : 0));
}

static void
number_cells(const mst_result_t *r, mst_cell_t *c)
{
    const mst_completion_t *d = &r->done;
    uint64_t events, logprobs;
    mst_events_counts(r->events, &events, &logprobs);
    int flags = (d->streamed ? FLAG_STREAMED : 0) | (d->conn_reused ? FLAG_REUSED : 0) |
                (d->lenient_json ? FLAG_LENIENT : 0) | (d->finished ? FLAG_FINISHED : 0) |
                FLAG_PHASE * (int)r->load.phase | (d->cached ? FLAG_CACHED : 0);
    c[MST_COL_ttft_ns] = known(d->ttft_ns);
    c[MST_COL_last_token_ns] = known(d->last_token_ns);
    c[MST_COL_tpot_ns] = known(r->tpot_ns);
    c[MST_COL_ttfo_ns] = known(d->ttfo_ns);
    c[MST_COL_ttfb_ns] = known(d->ttfb_ns);
    c[MST_COL_close_ns] = known(d->close_ns);
    c[MST_COL_queue_ns] = known(d->queue_ns);
    c[MST_COL_send_mono_ns] = known(d->send_mono_ns);
    c[MST_COL_send_source] = number((int)d->send_source);
    c[MST_COL_rx_source] = number((int)d->rx_source);
    c[MST_COL_prompt_tokens] = known(d->prompt_tokens);
    c[MST_COL_completion_tokens] = known(d->completion_tokens);
    c[MST_COL_reasoning_tokens] = known(d->reasoning_tokens);
    c[MST_COL_usage_tokens] = known(d->usage_tokens);
    c[MST_COL_cached_tokens] = known(d->cached_tokens);
    c[MST_COL_token_source] = number((int)d->token_source);
    c[MST_COL_event_count] = number((int64_t)events);
    c[MST_COL_logprob_count] = number((int64_t)logprobs);
    c[MST_COL_merged_reads] = number(d->merged_reads);
    c[MST_COL_comments] = number(d->comments);
    c[MST_COL_flags] = number(flags);
    c[MST_COL_http_status] = number(d->http_status);
    c[MST_COL_attempts] = number(d->attempts);
    c[MST_COL_error_rc] = not_zero((int)d->error.rc);
    c[MST_COL_error_retry] =
        d->error.retry == MST_RETRY_NEVER ? (mst_cell_t){.null = true} : number((int)d->error.retry);
    c[MST_COL_error_sub] = not_zero(d->error.sub);
}

// From the schedule: what a user waits who came when the schedule says.
static int64_t
from_schedule(const mst_result_t *r, int64_t after_send_ns)
{
    const mst_completion_t *d = &r->done;
    if (r->load.sched_mono_ns == 0 || d->send_mono_ns == MST_NONE || after_send_ns == MST_NONE)
        return MST_NONE;
    int64_t ns = d->send_mono_ns + after_send_ns - r->load.sched_mono_ns;
    return ns > 0 ? ns : 0;
}

static void
load_cells(const mst_result_t *r, mst_cell_t *c)
{
    const mst_load_tag_t *l = &r->load;
    bool scheduled = l->sched_mono_ns != 0, any = scheduled || l->admit_mono_ns != 0;
    c[MST_COL_load_step] = known(any ? (int64_t)l->step : MST_NONE);
    c[MST_COL_arrival_no] = known(scheduled ? (int64_t)l->arrival_no : MST_NONE);
    c[MST_COL_sched_mono_ns] = not_zero(l->sched_mono_ns);
    c[MST_COL_admit_mono_ns] = not_zero(l->admit_mono_ns);
    c[MST_COL_sched_ttft_ns] = known(from_schedule(r, r->done.ttft_ns));
    c[MST_COL_sched_e2e_ns] = known(from_schedule(r, r->done.last_token_ns));
    c[MST_COL_io_busy] = known(any ? (int64_t)l->io_busy : MST_NONE);
    c[MST_COL_io_wait] = known(any ? (int64_t)l->io_wait : MST_NONE);
}

// Input, expected answer and extras stand with the first target and repeat of a case alone.
static void
text_cells(const mst_result_t *r, mst_str_t scores, mst_cell_t *c)
{
    const mst_completion_t *d = &r->done;
    bool first = r->key.repeat_no == 0;
    c[MST_COL_finish_reason] = text(d->finish_reason);
    c[MST_COL_slices] = text(r->slices);
    c[MST_COL_model] = text(d->model);
    c[MST_COL_system_fingerprint] = text(d->system_fingerprint);
    c[MST_COL_request_id] = text(d->request_id);
    c[MST_COL_server] = text(d->server);
    c[MST_COL_error_text] = text(mst_str(d->error.message, strnlen(d->error.message, sizeof d->error.message)));
    c[MST_COL_input] = text(first ? r->input : MST_STR_NULL);
    c[MST_COL_expected] = first && r->has_expected ? text_or_empty(r->expected) : (mst_cell_t){.null = true};
    c[MST_COL_case_extra] = text(first ? r->case_extra : MST_STR_NULL);
    c[MST_COL_text] = text(d->text);
    c[MST_COL_reasoning] = text(d->reasoning);
    c[MST_COL_refusal] = text(d->refusal);
    c[MST_COL_tool_calls] = text(d->tool_calls);
    c[MST_COL_scores] = text(scores);
    c[MST_COL_events] = text(r->events);
    c[MST_COL_steps] = text(r->steps);
    c[MST_COL_choices] = text(d->choices);
    c[MST_COL_answer_extra] = text(d->extra);
    c[MST_COL_raw_request] = text(r->raw_request);
    c[MST_COL_raw_response] = text(r->raw_response);
}

void
mst_row_cells(int64_t run_no, const mst_result_t *r, int64_t origin_no, mst_str_t scores, mst_cell_t out[MST_COL_COUNT])
{
    key_cells(run_no, r, origin_no, out);
    number_cells(r, out);
    load_cells(r, out);
    text_cells(r, scores, out);
}

static int64_t
number_of(const mst_cell_t *c)
{
    return c->null ? 0 : c->i;
}

static int64_t
known_of(const mst_cell_t *c)
{
    return c->null ? MST_NONE : c->i;
}

static mst_str_t
text_of(const mst_cell_t *c)
{
    return c->null ? MST_STR_NULL : c->s;
}

static void
read_completion(const mst_cell_t *c, mst_completion_t *d)
{
    int64_t flags = number_of(&c[MST_COL_flags]);
    *d = (mst_completion_t){
        .text = text_of(&c[MST_COL_text]),
        .reasoning = text_of(&c[MST_COL_reasoning]),
        .refusal = text_of(&c[MST_COL_refusal]),
        .tool_calls = text_of(&c[MST_COL_tool_calls]),
        .choices = text_of(&c[MST_COL_choices]),
        .extra = text_of(&c[MST_COL_answer_extra]),
        .finish_reason = text_of(&c[MST_COL_finish_reason]),
        .model = text_of(&c[MST_COL_model]),
        .system_fingerprint = text_of(&c[MST_COL_system_fingerprint]),
        .request_id = text_of(&c[MST_COL_request_id]),
        .server = text_of(&c[MST_COL_server]),
        .prompt_tokens = known_of(&c[MST_COL_prompt_tokens]),
        .completion_tokens = known_of(&c[MST_COL_completion_tokens]),
        .reasoning_tokens = known_of(&c[MST_COL_reasoning_tokens]),
        .usage_tokens = known_of(&c[MST_COL_usage_tokens]),
        .cached_tokens = known_of(&c[MST_COL_cached_tokens]),
        .token_source = (mst_token_source_t)number_of(&c[MST_COL_token_source]),
        .send_mono_ns = known_of(&c[MST_COL_send_mono_ns]),
        .send_source = (mst_stamp_source_t)number_of(&c[MST_COL_send_source]),
        .rx_source = (mst_stamp_source_t)number_of(&c[MST_COL_rx_source]),
        .ttfb_ns = known_of(&c[MST_COL_ttfb_ns]),
        .ttft_ns = known_of(&c[MST_COL_ttft_ns]),
        .ttfo_ns = known_of(&c[MST_COL_ttfo_ns]),
        .last_token_ns = known_of(&c[MST_COL_last_token_ns]),
        .close_ns = known_of(&c[MST_COL_close_ns]),
        .queue_ns = known_of(&c[MST_COL_queue_ns]),
        .merged_reads = (uint32_t)number_of(&c[MST_COL_merged_reads]),
        .comments = (uint32_t)number_of(&c[MST_COL_comments]),
        .streamed = (flags & FLAG_STREAMED) != 0,
        .conn_reused = (flags & FLAG_REUSED) != 0,
        .lenient_json = (flags & FLAG_LENIENT) != 0,
        .finished = (flags & FLAG_FINISHED) != 0,
        .cached = (flags & FLAG_CACHED) != 0,
        .http_status = (int)number_of(&c[MST_COL_http_status]),
        .attempts = (uint32_t)number_of(&c[MST_COL_attempts]),
        .error = {.rc = (mst_rc)number_of(&c[MST_COL_error_rc]),
                  .retry = (mst_retry_t)number_of(&c[MST_COL_error_retry]),
                  .sub = (int)number_of(&c[MST_COL_error_sub])},
    };
    mst_str_t message = text_of(&c[MST_COL_error_text]);
    snprintf(d->error.message, sizeof d->error.message, "%.*s", MST_FMT(message));
}

static mst_load_tag_t
load_of(const mst_cell_t *c)
{
    int64_t phase = number_of(&c[MST_COL_flags]) / FLAG_PHASE & 3;
    return (mst_load_tag_t){.phase = phase < MST_PHASES ? (mst_phase_t)phase : MST_PHASE_MAIN,
                            .step = (uint32_t)number_of(&c[MST_COL_load_step]),
                            .arrival_no = (uint64_t)number_of(&c[MST_COL_arrival_no]),
                            .sched_mono_ns = number_of(&c[MST_COL_sched_mono_ns]),
                            .admit_mono_ns = number_of(&c[MST_COL_admit_mono_ns]),
                            .io_busy = (uint32_t)number_of(&c[MST_COL_io_busy]),
                            .io_wait = (uint32_t)number_of(&c[MST_COL_io_wait])};
}

void
mst_row_result(const mst_cell_t c[MST_COL_COUNT], mst_result_t *r)
{
    *r = (mst_result_t){
        .key = {.case_no = (uint64_t)number_of(&c[MST_COL_case_no]),
                .target_no = (uint32_t)number_of(&c[MST_COL_target_no]),
                .repeat_no = (uint32_t)number_of(&c[MST_COL_repeat_no])},
        .generation = (uint32_t)number_of(&c[MST_COL_generation]),
        .lease_id = (uint64_t)number_of(&c[MST_COL_lease_id]),
        .attempt = (uint32_t)number_of(&c[MST_COL_attempt]),
        .outcome = (mst_outcome_t)number_of(&c[MST_COL_outcome]),
        .passed = number_of(&c[MST_COL_passed]) != 0,
        .case_id = text_of(&c[MST_COL_case_id]),
        .input = text_of(&c[MST_COL_input]),
        .expected = text_of(&c[MST_COL_expected]),
        .case_extra = text_of(&c[MST_COL_case_extra]),
        .slices = text_of(&c[MST_COL_slices]),
        .has_expected = !c[MST_COL_expected].null,
        .events = text_of(&c[MST_COL_events]),
        .steps = text_of(&c[MST_COL_steps]),
        .tpot_ns = known_of(&c[MST_COL_tpot_ns]),
        .logprob_count = (uint32_t)number_of(&c[MST_COL_logprob_count]),
        .raw_request = text_of(&c[MST_COL_raw_request]),
        .raw_response = text_of(&c[MST_COL_raw_response]),
        .started_wall_ns = number_of(&c[MST_COL_started_wall_ns]),
        .finished_wall_ns = number_of(&c[MST_COL_finished_wall_ns]),
        .origin_no = (uint32_t)number_of(&c[MST_COL_origin_no]),
        .load = load_of(c),
    };
    mst_str_t digest = text_of(&c[MST_COL_case_digest]);
    if (digest.n == sizeof r->case_digest)
        memcpy(r->case_digest, digest.p, digest.n);
    read_completion(c, &r->done);
}
