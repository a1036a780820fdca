// One transcript of a backend and what it stands for; shared by the parts of the providers' suite.
//
// A transcript is a row: name, split (sse, ndjson, body), status, body (latin1: its code points are bytes), cut (the
// connection broke behind these bytes), ask (generate, loglikelihood, rolling, embed) with context, continuation and
// texts, params (of the provider), expect; and what holds of its format:
//   eager        has_token may see a token where the decoder sees none
//   plain_names  its events are known by their names alone
//   open_end     nothing tells a whole answer from its beginning
//   hostile      what is no answer is played with its params too
// Only what expect holds is checked: outcome, text, reasoning, refusal, tools, finish, model, fingerprint,
// prompt_tokens, completion_tokens, reasoning_tokens, source, kinds, n_tokens, logprobs, comments, lenient, error (a
// part of the sentence), retry, sub, cached_tokens, choices, extra, loglik, vectors, alternatives.
#ifndef MST_TESTS_PROVIDER_ROW_H
#define MST_TESTS_PROVIDER_ROW_H

#include "common/base/limits.h"
#include "common/base/prng.h"
#include "conformance/scoring.h"
#include "worker/provider/provider.h"

#include <math.h>

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena, *scratch;
    mst_arena_t *row_arena; // parameters and asks of one row
    const mst_provider_t *provider;
    mst_prng_t prng;
    size_t transcripts, variants, requests, bad;
    const char *variant; // for messages
    bool hostile;        // what is no answer was played with the settings of a row that says `hostile`
} suite_t;

typedef struct {
    mst_str_t name, body;
    mst_split_t split;
    int status;
    bool cut;
    mst_ask_t ask;
    mst_case_t c;
    mst_provider_cfg_t cfg;
    const mst_json_t *json; // the row
    const mst_json_t *expect;
} row_t;

static const char *const kind_names[] = {"role",  "content", "reasoning", "tool",  "refusal",
                                         "empty", "usage",   "done",      "error", "comment"};
static const char *const source_names[] = {"unknown", "logprobs", "usage", "events", "metadata"};

static inline void
wrong(suite_t *t, const row_t *row, const char *what, mst_str_t got)
{
    t->bad++;
    printf("%s: %.*s (%s): %s is \"%.*s\"\n", t->provider->kind.name, MST_FMT(row->name), t->variant, what,
           MST_FMT(mst_str_cut(got, 600)));
}

static inline void
check_text(suite_t *t, const row_t *row, const char *key, mst_str_t got)
{
    const mst_json_t *want = mst_json_get(row->expect, key);
    mst_str_t s = MST_STR_NULL;
    if (want != NULL && (!mst_json_str(want, &s) || !mst_str_eq(s, got)))
        wrong(t, row, key, got);
}

static inline void
check_int(suite_t *t, const row_t *row, const char *key, int64_t got)
{
    const mst_json_t *want = mst_json_get(row->expect, key);
    int64_t n = 0;
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)got);
    if (want != NULL && (!mst_json_i64(want, &n) || n != got))
        wrong(t, row, key, mst_str_c(text));
}

static inline void
check_events(suite_t *t, const row_t *row, const mst_completion_t *c)
{
    const mst_json_t *want = mst_json_get(row->expect, "n_tokens");
    char kinds[512] = "", counts[512] = "[";
    size_t n = 0, m = 1;
    bool same = want == NULL || want->count == c->event_count;
    for (uint32_t i = 0; i < c->event_count && n < 400 && m < 400; i++) {
        int64_t tokens = -1;
        n += (size_t)snprintf(kinds + n, sizeof kinds - n, "%s%s", n > 0 ? " " : "", kind_names[c->events[i].kind]);
        m += (size_t)snprintf(counts + m, sizeof counts - m, "%u,", c->events[i].n_tokens);
        (void)mst_json_i64(mst_json_at(want, i), &tokens);
        same = same && (want == NULL || tokens == (int64_t)c->events[i].n_tokens);
    }
    check_text(t, row, "kinds", mst_str_c(kinds));
    if (!same)
        wrong(t, row, "n_tokens", mst_str_c(counts));
}

static inline void
check_logprobs(suite_t *t, const row_t *row, const mst_completion_t *c)
{
    const mst_json_t *want = mst_json_get(row->expect, "logprobs");
    bool same = want == NULL || want->count == c->logprob_count;
    for (uint32_t i = 0; want != NULL && same && i < c->logprob_count; i++) {
        mst_str_t s = MST_STR_NULL;
        double d = 0.0;
        float got = c->logprobs[i];
        if (mst_json_str(mst_json_at(want, i), &s) && mst_str_eq_c(s, "missing"))
            same = mst_logprob_missing(got);
        else if (!mst_json_f64(mst_json_at(want, i), &d) || mst_logprob_missing(got))
            same = false;
        else
            same = isnan(d) ? isnan(got) : got == (float)d;
    }
    if (!same)
        wrong(t, row, "logprobs", MST_STR("different"));
}

static inline void
check_error(suite_t *t, const row_t *row, const mst_completion_t *c)
{
    mst_str_t part = tst_str(row->expect, "error"), retry = tst_str(row->expect, "retry");
    mst_str_t got = mst_str_c(c->error.message);
    if (part.n > 0 && mst_str_find(got, part, 0) < 0)
        wrong(t, row, "error", got);
    if (retry.n > 0 && mst_str_eq_c(retry, "later") != (c->error.retry == MST_RETRY_LATER))
        wrong(t, row, "retry", c->error.retry == MST_RETRY_LATER ? MST_STR("later") : MST_STR("never"));
    check_int(t, row, "sub", c->error.sub);
}

static inline void
check_tools(suite_t *t, const row_t *row, const mst_completion_t *c)
{
    const mst_json_t *tools = mst_json_get(row->expect, "tools");
    mst_buf_t b;
    mst_jw_t w;
    if (tools == NULL)
        return;
    mst_buf_init(&b, 64u << 20);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, tools);
    if (!mst_str_eq(mst_buf_view(&b), c->tool_calls))
        wrong(t, row, "tools", c->tool_calls);
    mst_buf_deinit(&b);
}

static inline void
check_json(suite_t *t, const row_t *row, const char *key, mst_str_t got)
{
    const mst_json_t *want = mst_json_get(row->expect, key);
    mst_buf_t b;
    mst_jw_t w;
    if (want == NULL)
        return;
    mst_buf_init(&b, 64u << 20);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, want);
    if (!mst_str_eq(mst_buf_view(&b), got))
        wrong(t, row, key, got);
    mst_buf_deinit(&b);
}

// loglik: {sum, tokens, greedy (null: not known), merged}, or null: not measured.
static inline void
check_loglik(suite_t *t, const row_t *row, const mst_completion_t *c)
{
    const mst_json_t *want = mst_json_get(row->expect, "loglik"), *greedy = mst_json_get(want, "greedy");
    double sum = 0.0;
    bool best = false, merged = tst_bool(want, "merged");
    int64_t n = 0;
    char got[96];
    if (want == NULL)
        return;
    (void)snprintf(got, sizeof got, "%d: %.17g, %u tokens, greedy %d of %d, merged %d", c->has_loglik, c->loglik,
                   c->loglik_tokens, c->loglik_greedy, c->loglik_greedy_known, c->loglik_merged);
    bool is = mst_json_f64(mst_json_get(want, "sum"), &sum) && mst_json_i64(mst_json_get(want, "tokens"), &n);
    bool known = mst_json_bool(greedy, &best);
    if (is != c->has_loglik || (is && (fabs(sum - c->loglik) > 1e-12 || n != (int64_t)c->loglik_tokens)) ||
        (is && (known != c->loglik_greedy_known || best != c->loglik_greedy || merged != c->loglik_merged)))
        wrong(t, row, "loglik", mst_str_c(got));
}

// vectors: one list of numbers a text.
static inline void
check_vectors(suite_t *t, const row_t *row, const mst_completion_t *c)
{
    const mst_json_t *want = mst_json_get(row->expect, "vectors");
    bool same = want == NULL || want->count == c->vector_count;
    for (uint32_t i = 0; want != NULL && same && i < c->vector_count; i++) {
        const mst_json_t *one = mst_json_at(want, i);
        same = one->count == c->vector_dim;
        for (uint32_t k = 0; same && k < c->vector_dim; k++) {
            double v = 0.0;
            same = mst_json_f64(mst_json_at(one, k), &v) && (float)v == c->vectors[(size_t)i * c->vector_dim + k];
        }
    }
    if (!same)
        wrong(t, row, "vectors", MST_STR("different"));
}

// alternatives: for each logprob a list of [text, logprob, id or null].
static inline void
check_alternatives(suite_t *t, const row_t *row, const mst_completion_t *c)
{
    const mst_json_t *want = mst_json_get(row->expect, "alternatives");
    bool same = want == NULL || c->alternatives != NULL;
    uint32_t at = 0;
    for (uint32_t i = 0; want != NULL && same && i < c->logprob_count; i++) {
        const mst_json_t *place = mst_json_at(want, i);
        same = place != NULL && c->alternative_ends[i] - at == place->count;
        for (uint32_t k = 0; same && k < place->count; k++, at++) {
            const mst_json_t *one = mst_json_at(place, k);
            const mst_alternative_t *a = &c->alternatives[at];
            mst_str_t text = MST_STR_NULL;
            double v = 0.0;
            int64_t id = MST_NONE;
            bool told = mst_json_f64(mst_json_at(one, 1), &v);
            (void)mst_json_str(mst_json_at(one, 0), &text);
            (void)mst_json_i64(mst_json_at(one, 2), &id);
            same = mst_str_eq(text, a->text) && id == a->id &&
                   (told ? (float)v == a->logprob : mst_logprob_missing(a->logprob));
        }
    }
    if (!same)
        wrong(t, row, "alternatives", MST_STR("different"));
}

// What the row says about its answer.
static inline void
check_row(suite_t *t, const row_t *row, mst_outcome_t outcome, const mst_completion_t *c)
{
    check_text(t, row, "outcome", mst_str_c(mst_outcome_name(outcome)));
    check_text(t, row, "text", c->text);
    check_text(t, row, "reasoning", c->reasoning);
    check_text(t, row, "refusal", c->refusal);
    check_text(t, row, "finish", c->finish_reason);
    check_text(t, row, "model", c->model);
    check_text(t, row, "fingerprint", c->system_fingerprint);
    check_text(t, row, "source", mst_str_c(source_names[c->token_source]));
    check_int(t, row, "prompt_tokens", c->prompt_tokens);
    check_int(t, row, "completion_tokens", c->completion_tokens);
    check_int(t, row, "reasoning_tokens", c->reasoning_tokens);
    check_int(t, row, "comments", c->comments);
    check_events(t, row, c);
    check_logprobs(t, row, c);
    check_error(t, row, c);
    check_tools(t, row, c);
    check_json(t, row, "choices", c->choices);
    check_json(t, row, "extra", c->extra);
    check_int(t, row, "cached_tokens", c->cached_tokens);
    check_loglik(t, row, c);
    check_vectors(t, row, c);
    check_alternatives(t, row, c);
    if (tst_bool(row->expect, "lenient") != c->lenient_json)
        wrong(t, row, "lenient", c->lenient_json ? MST_STR("true") : MST_STR("false"));
    if (mst_outcome_measured(outcome) != c->finished || mst_outcome_measured(outcome) != (c->error.rc == MST_OK))
        wrong(t, row, "finished", mst_str_c(c->error.message));
}

// The answer alone: what a prefix of the bytes must not change and still call complete.
static inline void
print_answer(mst_outcome_t outcome, const mst_completion_t *c, mst_buf_t *out)
{
    mst_str_t texts[] = {c->text, c->reasoning, c->refusal, c->tool_calls, c->finish_reason, c->choices};
    mst_buf_reset(out);
    (void)mst_buf_add_c(out, mst_outcome_name(outcome));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)mst_buf_add_byte(out, '|');
        (void)mst_buf_add_str(out, texts[i]);
    }
}

// All that must not depend on the cuts, as one text. Comments, which a server may strew in, are left out.
static inline void
print_result(mst_outcome_t outcome, const mst_completion_t *c, mst_buf_t *out)
{
    print_answer(outcome, c, out);
    (void)mst_buf_addf(out, "|%.*s %lld %lld %lld %u %u %d %s", MST_FMT(c->model), (long long)c->completion_tokens,
                       (long long)c->prompt_tokens, (long long)c->reasoning_tokens, c->event_count, c->logprob_count,
                       c->token_source, c->error.message);
    for (uint32_t i = 0; i < c->event_count; i++)
        (void)mst_buf_addf(out, " %d:%u", c->events[i].kind, c->events[i].n_tokens);
    for (uint32_t i = 0; i < c->logprob_count; i++)
        (void)mst_buf_addf(out, " %a", (double)c->logprobs[i]);
}

#endif
