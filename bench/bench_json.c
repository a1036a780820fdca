// What reading, canonical writing and hashing one dataset row or stream chunk costs.
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "common/json/json.h"

#include <stdio.h>

static const char row[] =
    "{\"id\": \"case-000123\", \"input\": \"Natalia sold clips to 48 of her friends in April, and then she sold half "
    "as "
    "many clips in May. How many clips did Natalia sell altogether in April and May?\", \"expected\": \"72\", "
    "\"actual\": \"Natalia sold 48/2 = 24 clips in May.\\nAltogether she sold 48+24 = 72 clips in April and "
    "May.\\n#### "
    "72\", \"metadata\": {\"ttft_ms\": 123.4, \"total_latency_ms\": 1834.25, \"tokens_generated\": 57, \"tags\": "
    "[\"math\", \"gsm8k\"]}, \"context\": [\"The answer is a whole number.\", \"Show the steps.\"]}";

static const char chunk[] =
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{"
    "\"index\":0,\"delta\":{\"content\":\" clips\"},\"logprobs\":{\"content\":[{\"token\":\" "
    "clips\",\"logprob\":-0.0123,"
    "\"bytes\":[32,99,108,105,112,115],\"top_logprobs\":[]}]},\"finish_reason\":null}]}";

static void
print(const char *what, int64_t ns, int rounds, size_t bytes)
{
    printf("%-28s %8.0f ns  %6.2f GB/s\n", what, (double)ns / rounds, (double)bytes * rounds / (double)ns);
}

static void
bench_text(const char *name, mst_str_t text, int rounds)
{
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(MST_MIB);
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    const mst_json_t *v = NULL;
    int64_t parse_ns = 0, lenient_ns = 0, canonical_ns = 0, sha_ns = 0;
    uint64_t sum = 0;
    for (int i = 0; i < rounds; i++) {
        mst_arena_reset(arena);
        int64_t t0 = mst_mono_ns();
        if (mst_json_parse_lenient(text, arena, &v, NULL) != MST_OK)
            return;
        int64_t t1 = mst_mono_ns();
        mst_arena_reset(arena);
        int64_t t2 = mst_mono_ns();
        if (mst_json_parse(parser, text, arena, &v, NULL, NULL) != MST_OK)
            return;
        int64_t t3 = mst_mono_ns();
        mst_jw_t w;
        mst_buf_reset(&out);
        mst_jw_init(&w, &out);
        mst_jw_canonical(&w, v);
        int64_t t4 = mst_mono_ns();
        mst_digest_t d = mst_sha256(mst_buf_view(&out));
        int64_t t5 = mst_mono_ns();
        sum += d.b[0];
        lenient_ns += t1 - t0;
        parse_ns += t3 - t2;
        canonical_ns += t4 - t3;
        sha_ns += t5 - t4;
    }
    printf("%s: %zu bytes (check %llu)\n", name, text.n, (unsigned long long)sum);
    print("  parse", parse_ns, rounds, text.n);
    print("  parse, lenient", lenient_ns, rounds, text.n);
    print("  canonical", canonical_ns, rounds, out.n);
    print("  SHA-256", sha_ns, rounds, out.n);
    mst_buf_deinit(&out);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
}

int
main(void)
{
    bench_text("dataset row", mst_str_c(row), 300000);
    bench_text("stream chunk", mst_str_c(chunk), 300000);
    return 0;
}
