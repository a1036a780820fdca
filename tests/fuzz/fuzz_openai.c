// The decoder of provider openai on any bytes: the first one says how they came (stream, body, HTTP status, cut), the
// rest is the answer. Whatever it is: an outcome with a name, a sentence when it failed, lists that agree with their
// counts, the same result when the pieces are other ones, and the quick look for a token never out of bounds.
#include "common/base/limits.h"
#include "worker/provider/provider.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int statuses[] = {200, 200, 200, 200, 429, 500, 422, 302};

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_openai: %s\n", what);
    abort();
}

static void
check(mst_outcome_t outcome, const mst_completion_t *c)
{
    uint64_t tokens = 0;
    require(mst_outcome_name(outcome) != NULL, "the outcome has no name");
    require(mst_outcome_measured(outcome) == (c->error.message[0] == '\0'),
            "a failure without a sentence, or the reverse");
    for (uint32_t i = 0; i < c->event_count; i++) {
        tokens += c->events[i].n_tokens;
        require(c->events[i].rx_ns >= 0, "a stamp before the request");
    }
    for (uint32_t i = 0; i < c->logprob_count; i++)
        (void)isnan(c->logprobs[i]);
    require(c->ttft_ns <= c->last_token_ns || !c->streamed, "the last token came before the first");
    require(c->completion_tokens < 0 || c->token_source == MST_TOK_USAGE || tokens == (uint64_t)c->completion_tokens,
            "the tokens of the events are not those of the answer");
}

static mst_outcome_t
decode(const mst_provider_t *p, mst_json_parser_t *json, mst_exchange_t *x, mst_buf_t *out)
{
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB), *scratch = mst_arena_new(64 * MST_MIB);
    mst_decoder_t d;
    mst_decoder_init(&d, p, json, arena, scratch);
    mst_outcome_t outcome = mst_decoder_run(&d, x);
    check(outcome, &d.c);
    (void)mst_buf_add_str(out, d.c.text);
    (void)mst_buf_add_str(out, d.c.reasoning);
    (void)mst_buf_add_str(out, d.c.tool_calls);
    (void)mst_buf_add_c(out, d.c.error.message);
    mst_decoder_deinit(&d);
    mst_arena_free(&arena);
    mst_arena_free(&scratch);
    return outcome;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mst_json_parser_t *json;
    if (size < 1 || size > (1u << 18))
        return 0;
    if (json == NULL)
        json = mst_json_parser_new();
    const mst_provider_t *p = mst_provider_find(MST_STR("openai"));
    mst_str_t body = mst_str((const char *)data + 1, size - 1);
    mst_rx_t *bytes = malloc(size * sizeof *bytes), one = {.rx_ns = 2000, .n = (uint32_t)body.n};
    for (size_t i = 0; i < body.n; i++)
        bytes[i] = (mst_rx_t){.rx_ns = 1000 + (int64_t)i, .n = 1};
    mst_exchange_t x = {.body = body, .pieces = bytes, .piece_count = body.n, .send_mono_ns = 1000};
    x.http_status = statuses[data[0] & 7];
    x.split = (mst_split_t)((data[0] >> 3) % 3);
    x.cut = (data[0] & 0x40) != 0;
    mst_buf_t a, b;
    mst_buf_init(&a, 64 * MST_MIB);
    mst_buf_init(&b, 64 * MST_MIB);
    mst_outcome_t first = decode(p, json, &x, &a);
    x.pieces = &one;
    x.piece_count = 1;
    mst_outcome_t second = decode(p, json, &x, &b);
    require(first == second && mst_str_eq(mst_buf_view(&a), mst_buf_view(&b)), "other pieces gave another result");
    (void)p->has_token(MST_STR_NULL, body);
    mst_buf_deinit(&a);
    mst_buf_deinit(&b);
    free(bytes);
    return 0;
}
