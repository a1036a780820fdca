// A result to and from its packed form: the row that travels most. Absent fields and "not measured" (MST_NONE)
// are the same thing; zero is a value.
#include "common/wire/wire_internal.h"

#include "common/base/limits.h"

#include <math.h>

enum { FLAG_STREAMED = 1, FLAG_REUSED = 2, FLAG_LENIENT = 4, FLAG_FINISHED = 8, FLAG_CACHED = 64 };

// m.name = value, present only when it says something
#define PUT_BYTES(m, name, s) ((m).has_##name = (s).n > 0, (m).name = mst_wire_bytes(s))
#define PUT_NS(m, name, v)    ((m).has_##name = (v) >= 0, (m).name = (v))
#define PUT_NUM(m, name, v)   ((m).has_##name = (v) != 0, (m).name = (v))
#define GET_NS(m, name)       ((m)->has_##name ? (m)->name : MST_NONE)
#define NEGATIVE(m, name)     ((m)->has_##name && (m)->name < 0)

static void
put_completion(Muster__Result *m, const mst_completion_t *c)
{
    PUT_BYTES(*m, text, c->text);
    PUT_BYTES(*m, reasoning, c->reasoning);
    PUT_BYTES(*m, refusal, c->refusal);
    PUT_BYTES(*m, tool_calls, c->tool_calls);
    PUT_BYTES(*m, finish_reason, c->finish_reason);
    PUT_BYTES(*m, model, c->model);
    PUT_BYTES(*m, system_fingerprint, c->system_fingerprint);
    PUT_BYTES(*m, request_id, c->request_id);
    PUT_BYTES(*m, server, c->server);
    PUT_NS(*m, prompt_tokens, c->prompt_tokens);
    PUT_NS(*m, completion_tokens, c->completion_tokens);
    PUT_NS(*m, reasoning_tokens, c->reasoning_tokens);
    PUT_NS(*m, usage_tokens, c->usage_tokens);
    PUT_NS(*m, cached_tokens, c->cached_tokens);
    PUT_BYTES(*m, choices, c->choices);
    PUT_BYTES(*m, answer_extra, c->extra);
    PUT_NUM(*m, token_source, (uint32_t)c->token_source);
    PUT_NS(*m, send_mono_ns, c->send_mono_ns);
    PUT_NUM(*m, send_source, (uint32_t)c->send_source);
    PUT_NUM(*m, rx_source, (uint32_t)c->rx_source);
    PUT_NS(*m, ttfb_ns, c->ttfb_ns);
    PUT_NS(*m, ttft_ns, c->ttft_ns);
    PUT_NS(*m, ttfo_ns, c->ttfo_ns);
    PUT_NS(*m, last_token_ns, c->last_token_ns);
    PUT_NS(*m, close_ns, c->close_ns);
    PUT_NS(*m, queue_ns, c->queue_ns);
    PUT_NUM(*m, event_count, c->event_count);
    PUT_NUM(*m, merged_reads, c->merged_reads);
    PUT_NUM(*m, comments, c->comments);
    uint32_t flags = (c->streamed ? FLAG_STREAMED : 0U) | (c->conn_reused ? FLAG_REUSED : 0U) |
                     (c->lenient_json ? FLAG_LENIENT : 0U) | (c->finished ? FLAG_FINISHED : 0U) |
                     (c->cached ? FLAG_CACHED : 0U);
    PUT_NUM(*m, flags, flags);
    PUT_NUM(*m, http_status, c->http_status);
    PUT_NUM(*m, attempts, c->attempts);
}

static void
put_load(Muster__Result *m, const mst_load_tag_t *l)
{
    PUT_NUM(*m, phase, (uint32_t)l->phase);
    PUT_NUM(*m, load_step, l->step);
    PUT_NUM(*m, arrival_no, l->arrival_no);
    PUT_NUM(*m, sched_mono_ns, l->sched_mono_ns);
    PUT_NUM(*m, admit_mono_ns, l->admit_mono_ns);
    PUT_NUM(*m, io_busy, l->io_busy);
    PUT_NUM(*m, io_wait, l->io_wait);
}

static void
put_record(Muster__Result *m, const mst_result_t *r)
{
    m->case_no = r->key.case_no;
    m->target_no = r->key.target_no;
    m->repeat_no = r->key.repeat_no;
    m->generation = r->generation;
    m->lease_id = r->lease_id;
    PUT_NUM(*m, attempt, r->attempt);
    m->outcome = (uint32_t)r->outcome;
    m->passed = r->passed;
    m->case_id = mst_wire_bytes(r->case_id);
    // one copy of the prompt per case is enough
    m->has_input = r->key.repeat_no == 0 && r->input.n > 0;
    m->input = mst_wire_bytes(r->input);
    if (r->key.repeat_no == 0)
        PUT_BYTES(*m, case_extra, r->case_extra);
    m->has_expected = r->has_expected;
    m->expected = mst_wire_bytes(r->expected);
    m->has_case_digest = 1;
    m->case_digest = mst_wire_digest_to_u64(r->case_digest);
    PUT_BYTES(*m, slices, r->slices);
    PUT_BYTES(*m, steps, r->steps);
    PUT_BYTES(*m, raw_request, r->raw_request);
    PUT_BYTES(*m, raw_response, r->raw_response);
    PUT_NUM(*m, started_wall_ns, r->started_wall_ns);
    PUT_NUM(*m, finished_wall_ns, r->finished_wall_ns);
    PUT_NUM(*m, origin_no, r->origin_no);
}

static void
put_scores(const mst_score_t *scores, size_t count, Muster__Score *to, Muster__Score **list)
{
    for (size_t i = 0; i < count; i++) {
        muster__score__init(&to[i]);
        to[i].state = (uint32_t)scores[i].state;
        to[i].value = scores[i].value;
        to[i].passed = scores[i].passed;
        PUT_BYTES(to[i], reason, mst_str_cut(scores[i].reason, MST_REASON_MAX));
        PUT_BYTES(to[i], breakdown, scores[i].breakdown);
        PUT_NUM(to[i], time_ns, scores[i].time_ns);
        list[i] = &to[i];
    }
}

static void
put_error(Muster__Error *m, const mst_err_t *e)
{
    m->rc = (uint32_t)e->rc;
    m->retry = (uint32_t)e->retry;
    PUT_NUM(*m, sub, e->sub);
    PUT_BYTES(*m, message, mst_str(e->message, strnlen(e->message, sizeof e->message)));
}

// The packed column and the number that is taken from the events: both are lost on the reading side otherwise.
static mst_rc
put_events(Muster__Result *m, const mst_result_t *r, mst_buf_t *scratch, mst_err_t *err)
{
    mst_str_t events = r->events;
    double tpot = r->tpot_ns > 0 ? (double)r->tpot_ns : -1;
    uint32_t logprobs = r->logprob_count;
    if (events.n == 0 && (r->done.events != NULL || r->done.logprobs != NULL)) {
        mst_events_pack(&r->done, scratch);
        if (scratch->failed)
            return MST_ERR(err, MST_LIMIT, "the %u token events of case %llu do not fit a result", r->done.event_count,
                           (unsigned long long)r->key.case_no);
        events = mst_buf_view(scratch);
        tpot = mst_completion_tpot_ns(&r->done);
        logprobs = r->done.logprob_count;
    }
    PUT_BYTES(*m, events, events);
    m->has_tpot_ns = isfinite(tpot) && tpot >= 0 && tpot < (double)INT64_MAX;
    if (m->has_tpot_ns)
        m->tpot_ns = (int64_t)(tpot + 0.5);
    PUT_NUM(*m, logprob_count, logprobs);
    return MST_OK;
}

static mst_rc
check_score(const Muster__Score *s, mst_err_t *err)
{
    if (s->state < MST_SCORE_OK || s->state > MST_SCORE_ERROR)
        return MST_ERR(err, MST_PROTO, "score state %u is unknown", s->state);
    if (!isfinite(s->value))
        return MST_ERR(err, MST_PROTO, "score is not a finite number");
    if (s->reason.len > MST_REASON_MAX)
        return MST_ERR(err, MST_LIMIT, "reason of a score has %zu bytes, over the limit of %d", s->reason.len,
                       MST_REASON_MAX);
    return MST_OK;
}

// Where a "not measured" may stand, a negative number would be read as one.
static bool
has_negative(const Muster__Result *r)
{
    return NEGATIVE(r, prompt_tokens) || NEGATIVE(r, completion_tokens) || NEGATIVE(r, reasoning_tokens) ||
           NEGATIVE(r, usage_tokens) || NEGATIVE(r, cached_tokens) || NEGATIVE(r, send_mono_ns) ||
           NEGATIVE(r, ttfb_ns) || NEGATIVE(r, ttft_ns) || NEGATIVE(r, ttfo_ns) || NEGATIVE(r, last_token_ns) ||
           NEGATIVE(r, close_ns) || NEGATIVE(r, queue_ns) || NEGATIVE(r, tpot_ns);
}

mst_rc
mst_wire_check_result(const Muster__Result *r, mst_err_t *err)
{
    mst_rc rc = mst_wire_check_key("result", r->case_no, r->target_no, r->repeat_no, err);
    if (rc != MST_OK)
        return rc;
    if (r->outcome >= MST_OUTCOME_MAX || mst_outcome_name((mst_outcome_t)r->outcome) == NULL)
        return MST_ERR(err, MST_PROTO, "outcome %u is unknown", r->outcome);
    if (r->case_id.len == 0 || r->case_id.len > MST_ID_MAX)
        return MST_ERR(err, MST_PROTO, "case id of %zu bytes, expected 1 to %d", r->case_id.len, MST_ID_MAX);
    if (r->n_scores > MST_SCORERS_MAX)
        return MST_ERR(err, MST_LIMIT, "%zu scores are over the limit of %d", r->n_scores, MST_SCORERS_MAX);
    if (r->token_source > MST_TOK_METADATA || r->send_source > MST_STAMP_RECORDED || r->rx_source > MST_STAMP_RECORDED)
        return MST_ERR(err, MST_PROTO, "source of a count or a stamp is unknown");
    if (r->event_count > MST_TOKENS_MAX || r->logprob_count > MST_TOKENS_MAX)
        return MST_ERR(err, MST_LIMIT, "%u token events and %u logprobs are over the limit of %d", r->event_count,
                       r->logprob_count, MST_TOKENS_MAX);
    if ((r->event_count > 0 || r->logprob_count > 0) != (r->events.len > 0))
        return MST_ERR(err, MST_PROTO, "result has %u token events and %u logprobs in a column of %zu bytes",
                       r->event_count, r->logprob_count, r->events.len);
    if (r->phase >= MST_PHASES || r->load_step >= MST_LOAD_LEVELS_MAX || r->io_busy > 1000 || r->io_wait > 1000 ||
        r->sched_mono_ns < 0 || r->admit_mono_ns < 0)
        return MST_ERR(err, MST_PROTO, "the load of case %llu is out of range", (unsigned long long)r->case_no);
    if (has_negative(r))
        return MST_ERR(err, MST_PROTO, "a count or a duration of case %llu is negative",
                       (unsigned long long)r->case_no);
    if (r->error != NULL && (r->error->rc > MST_INTERNAL || r->error->retry > MST_RETRY_LATER))
        return MST_ERR(err, MST_PROTO, "error code %u or its retry class %u is unknown", r->error->rc, r->error->retry);
    for (size_t i = 0; rc == MST_OK && i < r->n_scores; i++)
        rc = check_score(r->scores[i], err);
    return rc;
}

mst_rc
mst_wire_result_pack(const mst_result_t *r, mst_buf_t *out, mst_err_t *err)
{
    if (r->score_count > MST_SCORERS_MAX)
        return MST_ERR(err, MST_LIMIT, "%u scores of case %llu are over the limit of %d", r->score_count,
                       (unsigned long long)r->key.case_no, MST_SCORERS_MAX);
    Muster__Result m = MUSTER__RESULT__INIT;
    Muster__Score scores[MST_SCORERS_MAX];
    Muster__Score *score_list[MST_SCORERS_MAX];
    Muster__Error error = MUSTER__ERROR__INIT;
    mst_buf_t scratch;
    mst_buf_init(&scratch, MST_RESULT_BYTES_MAX);
    put_record(&m, r);
    put_completion(&m, &r->done);
    put_load(&m, &r->load);
    put_scores(r->scores, r->score_count, scores, score_list);
    m.n_scores = r->score_count;
    m.scores = score_list;
    if (r->done.error.rc != MST_OK) {
        put_error(&error, &r->done.error);
        m.error = &error;
    }
    mst_rc rc = put_events(&m, r, &scratch, err);
    if (rc == MST_OK)
        rc = mst_wire_check_result(&m, err); // what nobody would unpack is not sent
    if (rc == MST_OK)
        rc = mst_wire_pack_any(&m.base, "result", MST_RESULT_BYTES_MAX, out, err);
    mst_buf_deinit(&scratch);
    return rc;
}

static void
get_completion(const Muster__Result *m, mst_completion_t *c)
{
    c->text = mst_wire_str(m->text);
    c->reasoning = mst_wire_str(m->reasoning);
    c->refusal = mst_wire_str(m->refusal);
    c->tool_calls = mst_wire_str(m->tool_calls);
    c->finish_reason = mst_wire_str(m->finish_reason);
    c->model = mst_wire_str(m->model);
    c->system_fingerprint = mst_wire_str(m->system_fingerprint);
    c->request_id = mst_wire_str(m->request_id);
    c->server = mst_wire_str(m->server);
    c->prompt_tokens = GET_NS(m, prompt_tokens);
    c->completion_tokens = GET_NS(m, completion_tokens);
    c->reasoning_tokens = GET_NS(m, reasoning_tokens);
    c->usage_tokens = GET_NS(m, usage_tokens);
    c->cached_tokens = GET_NS(m, cached_tokens);
    c->choices = mst_wire_str(m->choices);
    c->extra = mst_wire_str(m->answer_extra);
    c->token_source = (mst_token_source_t)m->token_source;
    c->send_mono_ns = GET_NS(m, send_mono_ns);
    c->send_source = (mst_stamp_source_t)m->send_source;
    c->rx_source = (mst_stamp_source_t)m->rx_source;
    c->ttfb_ns = GET_NS(m, ttfb_ns);
    c->ttft_ns = GET_NS(m, ttft_ns);
    c->ttfo_ns = GET_NS(m, ttfo_ns);
    c->last_token_ns = GET_NS(m, last_token_ns);
    c->close_ns = GET_NS(m, close_ns);
    c->queue_ns = GET_NS(m, queue_ns);
    c->event_count = m->event_count;
    c->merged_reads = m->merged_reads;
    c->comments = m->comments;
    c->streamed = (m->flags & FLAG_STREAMED) != 0;
    c->conn_reused = (m->flags & FLAG_REUSED) != 0;
    c->lenient_json = (m->flags & FLAG_LENIENT) != 0;
    c->finished = (m->flags & FLAG_FINISHED) != 0;
    c->cached = (m->flags & FLAG_CACHED) != 0;
    c->http_status = m->http_status;
    c->attempts = m->attempts;
}

static mst_load_tag_t
get_load(const Muster__Result *m)
{
    return (mst_load_tag_t){.phase = (mst_phase_t)m->phase,
                            .step = m->load_step,
                            .arrival_no = m->arrival_no,
                            .sched_mono_ns = m->sched_mono_ns,
                            .admit_mono_ns = m->admit_mono_ns,
                            .io_busy = m->io_busy,
                            .io_wait = m->io_wait};
}

static void
get_error(const Muster__Error *m, mst_err_t *e)
{
    if (m == NULL)
        return;
    e->rc = (mst_rc)m->rc;
    e->retry = (mst_retry_t)m->retry;
    e->sub = m->sub;
    mst_str_t text = mst_str_cut(mst_wire_str(m->message), sizeof e->message - 1);
    if (text.n > 0)
        memcpy(e->message, text.p, text.n);
    e->message[text.n] = '\0';
}

static mst_rc
get_scores(const Muster__Result *m, mst_arena_t *arena, mst_result_t *out, mst_err_t *err)
{
    if (m->n_scores == 0)
        return MST_OK;
    mst_score_t *to = MST_ARENA_ARRAY(arena, mst_score_t, m->n_scores);
    if (to == NULL)
        return MST_ERR(err, MST_LIMIT, "%zu scores do not fit their arena", m->n_scores);
    for (size_t i = 0; i < m->n_scores; i++) {
        const Muster__Score *s = m->scores[i];
        to[i] = (mst_score_t){.state = (mst_score_state_t)s->state,
                              .value = s->value,
                              .passed = s->passed,
                              .reason = mst_wire_str(s->reason),
                              .breakdown = mst_wire_str(s->breakdown),
                              .time_ns = s->time_ns};
    }
    out->scores = to;
    out->score_count = (uint32_t)m->n_scores;
    return MST_OK;
}

mst_rc
mst_wire_result_unpack(mst_str_t bytes, mst_arena_t *arena, mst_result_t *out, mst_err_t *err)
{
    memset(out, 0, sizeof *out);
    if (bytes.n > MST_RESULT_BYTES_MAX)
        return MST_ERR(err, MST_LIMIT, "result of %zu bytes is over the limit of %lu", bytes.n, MST_RESULT_BYTES_MAX);
    ProtobufCMessage *any = NULL;
    mst_rc rc = mst_wire_unpack_any(&muster__result__descriptor, "result", bytes, arena, &any, err);
    if (rc != MST_OK)
        return rc;
    const Muster__Result *m = (const Muster__Result *)any;
    rc = mst_wire_check_result(m, err);
    if (rc != MST_OK)
        return rc;
    out->key = (mst_key_t){.case_no = m->case_no, .target_no = m->target_no, .repeat_no = m->repeat_no};
    out->generation = m->generation;
    out->lease_id = m->lease_id;
    out->attempt = m->attempt;
    out->outcome = (mst_outcome_t)m->outcome;
    out->passed = m->passed;
    out->case_id = mst_wire_str(m->case_id);
    out->input = mst_wire_str(m->input);
    out->case_extra = mst_wire_str(m->case_extra);
    out->slices = mst_wire_str(m->slices);
    out->has_expected = m->has_expected;
    out->expected = mst_wire_str(m->expected);
    mst_wire_digest_from_u64(m->case_digest, out->case_digest);
    out->events = mst_wire_str(m->events);
    out->steps = mst_wire_str(m->steps);
    out->tpot_ns = GET_NS(m, tpot_ns);
    out->logprob_count = m->logprob_count;
    out->raw_request = mst_wire_str(m->raw_request);
    out->raw_response = mst_wire_str(m->raw_response);
    out->started_wall_ns = m->started_wall_ns;
    out->finished_wall_ns = m->finished_wall_ns;
    out->origin_no = m->origin_no;
    get_completion(m, &out->done);
    out->load = get_load(m);
    get_error(m->error, &out->done.error);
    return get_scores(m, arena, out, err);
}
