// Answers of servers, good and nasty, as bytes (tests/fixtures/providers/openai/answers.jsonl) and what they stand for.
// Each is decoded whole, byte by byte and in random cuts: the same result every time. And has_token says of each event
// what the decoder says.
//
// A row: name, split (sse, body), status, body (latin1: its code points are bytes), cut?, expect. Only what expect
// holds is checked: outcome, text, reasoning, refusal, tools, finish, model, fingerprint, prompt_tokens,
// completion_tokens, reasoning_tokens, source, kinds, n_tokens, logprobs, comments, lenient, error (a part of the
// sentence), retry, sub.
#include "common/base/limits.h"
#include "common/base/prng.h"
#include "conformance/scoring.h"
#include "worker/provider/provider.h"
#include "worker/provider/sse.h"

#include <math.h>

#define CUTS 12

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena, *scratch;
    const mst_provider_t *provider;
    mst_prng_t prng;
    size_t bad;
} run_t;

static const char *const kind_names[] = {"role",  "content", "reasoning", "tool",  "refusal",
                                         "empty", "usage",   "done",      "error", "comment"};
static const char *const source_names[] = {"unknown", "logprobs", "usage", "events", "metadata"};

static void
wrong(run_t *t, const mst_json_t *row, const char *what, mst_str_t got)
{
    t->bad++;
    printf("%.*s: %s is \"%.*s\"\n", MST_FMT(tst_str(row, "name")), what, MST_FMT(got));
}

static void
check_text(run_t *t, const mst_json_t *row, const char *key, mst_str_t got)
{
    const mst_json_t *want = mst_json_get(mst_json_get(row, "expect"), key);
    mst_str_t s = MST_STR_NULL;
    if (want != NULL && (!mst_json_str(want, &s) || !mst_str_eq(s, got)))
        wrong(t, row, key, got);
}

static void
check_int(run_t *t, const mst_json_t *row, const char *key, int64_t got)
{
    const mst_json_t *want = mst_json_get(mst_json_get(row, "expect"), key);
    int64_t n = 0;
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)got);
    if (want != NULL && (!mst_json_i64(want, &n) || n != got))
        wrong(t, row, key, mst_str_c(text));
}

static void
check_events(run_t *t, const mst_json_t *row, const mst_completion_t *c)
{
    const mst_json_t *want = mst_json_get(mst_json_get(row, "expect"), "n_tokens");
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

static void
check_logprobs(run_t *t, const mst_json_t *row, const mst_completion_t *c)
{
    const mst_json_t *want = mst_json_get(mst_json_get(row, "expect"), "logprobs");
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

static void
check_error(run_t *t, const mst_json_t *row, const mst_completion_t *c)
{
    const mst_json_t *expect = mst_json_get(row, "expect");
    mst_str_t part = tst_str(expect, "error"), retry = tst_str(expect, "retry");
    mst_str_t got = mst_str_c(c->error.message);
    if (part.n > 0 && mst_str_find(got, part, 0) < 0)
        wrong(t, row, "error", got);
    if (retry.n > 0 && mst_str_eq_c(retry, "later") != (c->error.retry == MST_RETRY_LATER))
        wrong(t, row, "retry", c->error.retry == MST_RETRY_LATER ? MST_STR("later") : MST_STR("never"));
    check_int(t, row, "sub", c->error.sub);
}

static void
check(run_t *t, const mst_json_t *row, mst_outcome_t outcome, const mst_completion_t *c)
{
    const mst_json_t *expect = mst_json_get(row, "expect"), *tools = mst_json_get(expect, "tools");
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
    if (tst_bool(expect, "lenient") != c->lenient_json)
        wrong(t, row, "lenient", c->lenient_json ? MST_STR("true") : MST_STR("false"));
    if (mst_outcome_measured(outcome) != c->finished || mst_outcome_measured(outcome) != (c->error.rc == MST_OK))
        wrong(t, row, "finished", mst_str_c(c->error.message));
    if (tools != NULL) {
        mst_buf_t b;
        mst_jw_t w;
        mst_buf_init(&b, 1u << 20);
        mst_jw_init(&w, &b);
        mst_jw_value(&w, tools);
        if (!mst_str_eq(mst_buf_view(&b), c->tool_calls))
            wrong(t, row, "tools", c->tool_calls);
        mst_buf_deinit(&b);
    }
}

// All that must not depend on the cuts, as one text.
static void
print_result(mst_outcome_t outcome, const mst_completion_t *c, mst_buf_t *out)
{
    mst_str_t texts[] = {c->text, c->reasoning, c->refusal, c->tool_calls, c->finish_reason, c->model};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)mst_buf_add_str(out, texts[i]);
        (void)mst_buf_add_byte(out, '|');
    }
    (void)mst_buf_addf(out, "%d %lld %lld %u %u %u %s", outcome, (long long)c->completion_tokens,
                       (long long)c->prompt_tokens, c->event_count, c->logprob_count, c->comments, c->error.message);
    for (uint32_t i = 0; i < c->event_count; i++)
        (void)mst_buf_addf(out, " %d:%u", c->events[i].kind, c->events[i].n_tokens);
}

// step 0: one piece; 1: byte by byte; else random pieces. Stamps: 1 us per byte.
static size_t
cut(run_t *t, size_t n, int step, mst_rx_t *pieces)
{
    size_t count = 0;
    for (size_t at = 0; at < n;) {
        size_t len = step == 0 ? n : step == 1 ? 1 : 1 + mst_prng_below(&t->prng, step == 2 ? 5 : 120);
        len = len > n - at ? n - at : len;
        at += len;
        pieces[count++] = (mst_rx_t){.rx_ns = 1000000 + (int64_t)at * 1000, .n = (uint32_t)len};
    }
    return count;
}

static void
decode_in_cuts(run_t *t, const mst_json_t *row, mst_str_t body)
{
    mst_str_t split = tst_str(row, "split");
    mst_rx_t *pieces = malloc((body.n + 1) * sizeof *pieces);
    mst_buf_t first, again;
    mst_buf_init(&first, 64u << 20);
    mst_buf_init(&again, 64u << 20);
    int64_t status = 0, last_token = 0;
    (void)mst_json_i64(mst_json_get(row, "status"), &status);
    for (int i = 0; i < CUTS; i++) {
        mst_decoder_t d;
        mst_arena_reset(t->arena);
        mst_decoder_init(&d, t->provider, t->parser, t->arena, t->scratch);
        mst_exchange_t x = {.body = body, .pieces = pieces, .send_mono_ns = 1000000, .http_status = (int)status};
        x.piece_count = cut(t, body.n, i, pieces);
        x.split = mst_str_eq_c(split, "body") ? MST_SPLIT_BODY : MST_SPLIT_SSE;
        x.cut = tst_bool(row, "cut");
        mst_outcome_t outcome = mst_decoder_run(&d, &x);
        mst_buf_t *to = i == 0 ? &first : &again;
        mst_buf_reset(to);
        print_result(outcome, &d.c, to);
        if (i == 0)
            check(t, row, outcome, &d.c);
        else if (!mst_str_eq(mst_buf_view(&first), mst_buf_view(&again)))
            wrong(t, row, "another cut", mst_buf_view(&again));
        if (i == 1)
            last_token = d.c.last_token_ns;
        if (i > 1 && d.c.last_token_ns < last_token)
            wrong(t, row, "a stamp before its byte came", MST_STR("last token"));
        mst_decoder_deinit(&d);
    }
    mst_buf_deinit(&first);
    mst_buf_deinit(&again);
    free(pieces);
}

static void
check_has_token(run_t *t, const mst_json_t *row, mst_str_t body)
{
    mst_sse_t sse;
    mst_sse_event_t ev;
    mst_err_t err = {0};
    mst_sse_init(&sse);
    for (mst_sse_got_t got; (got = mst_sse_next(&sse, &body, &ev)) != MST_SSE_MORE;) {
        if (got != MST_SSE_EVENT)
            continue;
        mst_decoder_t d;
        mst_arena_reset(t->arena);
        mst_decoder_init(&d, t->provider, t->parser, t->arena, t->scratch);
        d.c.streamed = true;
        mst_rc rc = t->provider->on_event(&d, ev.name, ev.data, 5, &err);
        bool of_choice_0 = mst_str_find(ev.data, MST_STR("\"index\":1"), 0) < 0;
        if (rc == MST_OK && of_choice_0 && (d.c.ttft_ns >= 0) != t->provider->has_token(ev.name, ev.data))
            wrong(t, row, "has_token", ev.data);
        mst_decoder_deinit(&d);
    }
    mst_sse_deinit(&sse);
}

static mst_str_t
body_of(const mst_json_t *row, mst_buf_t *bytes)
{
    mst_str_t body = tst_str(row, "body");
    if (!tst_bool(row, "latin1"))
        return body;
    mst_buf_reset(bytes);
    while (body.n > 0) {
        uint32_t cp = 0;
        size_t took = mst_utf8_next(body, &cp);
        (void)mst_buf_add_byte(bytes, (char)cp);
        body = mst_str(body.p + took, body.n - took);
    }
    return mst_buf_view(bytes);
}

int
main(void)
{
    run_t t = {
        .parser = mst_json_parser_new(), .arena = mst_arena_new(256u << 20), .scratch = mst_arena_new(256u << 20)};
    tst_file_t *f = tst_open(MST_SOURCE_DIR "/tests/fixtures/providers/openai", "answers.jsonl");
    size_t rows = 0, agreed = 0;
    mst_buf_t bytes;
    mst_buf_init(&bytes, 64u << 20);
    t.provider = mst_provider_find(MST_STR("openai"));
    mst_prng_seed(&t.prng, 7);
    for (const mst_json_t *row; f != NULL && (row = tst_row(f)) != NULL; rows++) {
        size_t before = t.bad;
        mst_str_t body = body_of(row, &bytes);
        decode_in_cuts(&t, row, body);
        if (!mst_str_eq_c(tst_str(row, "split"), "body") && tst_num(row, "status") == 200.0)
            check_has_token(&t, row, body);
        agreed += t.bad == before;
    }
    if (f != NULL)
        tst_close(f);
    mst_buf_deinit(&bytes);
    mst_json_parser_free(&t.parser);
    mst_arena_free(&t.arena);
    mst_arena_free(&t.scratch);
    return tst_agreed("openai answers", agreed, rows);
}
