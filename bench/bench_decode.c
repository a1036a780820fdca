// What decoding one answer costs: streams of 10 and 100 events with and without logprobs, and a whole body; and the
// SSE parser and the look for a first token alone.
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "worker/provider/provider.h"
#include "worker/provider/sse.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    mst_json_parser_t *json;
    mst_arena_t *arena, *scratch;
    const mst_provider_t *provider;
} bench_t;

static const char head[] = "data: {\"id\":\"chatcmpl-A1\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,"
                           "\"model\":\"m\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":";

static void
stream(mst_buf_t *b, int events, bool logprobs)
{
    (void)mst_buf_addf(b, "%s{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n", head);
    for (int i = 0; i < events; i++) {
        (void)mst_buf_addf(b, "%s{\"content\":\" word%d\"}", head, i);
        if (logprobs)
            (void)mst_buf_addf(b,
                               ",\"logprobs\":{\"content\":[{\"token\":\" word%d\",\"logprob\":-0.%d,\"bytes\":[32,119,"
                               "111,114,100],\"top_logprobs\":[]}]}",
                               i, 100 + i);
        (void)mst_buf_add_c(b, ",\"finish_reason\":null}]}\n\n");
    }
    (void)mst_buf_addf(b, "%s{},\"finish_reason\":\"stop\"}]}\n\n", head);
    (void)mst_buf_add_c(b, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":14,\"completion_tokens\":10,"
                           "\"total_tokens\":24}}\n\ndata: [DONE]\n\n");
}

static void
decode(bench_t *t, const char *what, mst_str_t body, mst_split_t split, int rounds)
{
    mst_rx_t pieces[64];
    size_t count = 0;
    for (size_t at = 0; at < body.n; at += pieces[count++].n) {
        size_t n = body.n / 32 + 1;
        pieces[count] = (mst_rx_t){.rx_ns = (int64_t)at, .n = (uint32_t)(n < body.n - at ? n : body.n - at)};
    }
    mst_exchange_t x = {.body = body, .pieces = pieces, .piece_count = count, .http_status = 200, .split = split};
    int64_t start = mst_cpu_ns();
    uint32_t events = 0;
    for (int i = 0; i < rounds; i++) {
        mst_decoder_t d;
        mst_arena_reset(t->arena);
        mst_decoder_init(&d, t->provider, t->json, t->arena, t->scratch);
        if (mst_decoder_run(&d, &x) != MST_OUT_SCORED) {
            fprintf(stderr, "%s: %s\n", what, d.c.error.message);
            exit(1);
        }
        events = d.c.event_count;
        mst_decoder_deinit(&d);
    }
    double us = (double)(mst_cpu_ns() - start) / rounds / 1e3;
    printf("%-36s %6zu bytes %4u events %8.2f us  %6.0f MB/s\n", what, body.n, events, us, (double)body.n / us);
}

static void
split_alone(const bench_t *t, const char *what, mst_str_t body, bool look, int rounds)
{
    int64_t start = mst_cpu_ns();
    uint64_t events = 0, tokens = 0;
    for (int i = 0; i < rounds; i++) {
        mst_sse_t s;
        mst_sse_event_t ev;
        mst_str_t rest = body;
        mst_sse_init(&s);
        while (mst_sse_next(&s, &rest, &ev) == MST_SSE_EVENT) {
            events++;
            tokens += look && t->provider->has_token(ev.name, ev.data);
        }
        mst_sse_deinit(&s);
    }
    double us = (double)(mst_cpu_ns() - start) / rounds / 1e3;
    printf("%-36s %6zu bytes %4llu events %8.2f us  %6.0f MB/s  %llu tokens\n", what, body.n,
           (unsigned long long)(events / (uint64_t)rounds), us, (double)body.n / us,
           (unsigned long long)(tokens / (uint64_t)rounds));
}

int
main(void)
{
    bench_t t = {.json = mst_json_parser_new(),
                 .arena = mst_arena_new(64 * MST_MIB),
                 .scratch = mst_arena_new(64 * MST_MIB),
                 .provider = mst_provider_find(MST_STR("openai"))};
    mst_buf_t ten, ten_lp, hundred, body;
    mst_buf_t *all[] = {&ten, &ten_lp, &hundred, &body};
    for (size_t i = 0; i < 4; i++)
        mst_buf_init(all[i], MST_MIB);
    stream(&ten, 10, false);
    stream(&ten_lp, 10, true);
    stream(&hundred, 100, false);
    (void)mst_buf_add_c(&body, "{\"id\":\"a\",\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":[{\"index\":0,"
                               "\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\",\"content\":\"A whole "
                               "answer, as long as a sentence or two usually are when a model is asked something "
                               "simple.\"}}],\"usage\":{\"prompt_tokens\":14,\"completion_tokens\":20}}");
    decode(&t, "stream", mst_buf_view(&ten), MST_SPLIT_SSE, 100000);
    decode(&t, "stream with logprobs", mst_buf_view(&ten_lp), MST_SPLIT_SSE, 100000);
    decode(&t, "long stream", mst_buf_view(&hundred), MST_SPLIT_SSE, 10000);
    decode(&t, "body", mst_buf_view(&body), MST_SPLIT_BODY, 300000);
    split_alone(&t, "SSE alone", mst_buf_view(&ten), false, 300000);
    split_alone(&t, "SSE and has_token of every event", mst_buf_view(&ten), true, 300000);
    for (size_t i = 0; i < 4; i++)
        mst_buf_deinit(all[i]);
    mst_json_parser_free(&t.json);
    mst_arena_free(&t.arena);
    mst_arena_free(&t.scratch);
    return 0;
}
