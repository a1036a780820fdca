// The decoder of one provider on any bytes: the first one says how they came (stream, lines, body; HTTP status; cut),
// the rest is the answer. Whatever it is: an outcome with a name, a sentence when it failed, lists that agree with
// their counts, the same result when the pieces are other ones, and the quick look for a token never out of bounds.
#ifndef MST_TESTS_PROVIDER_FUZZ_H
#define MST_TESTS_PROVIDER_FUZZ_H

#include "common/base/limits.h"
#include "worker/provider/provider.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int fuzz_statuses[] = {200, 200, 200, 200, 429, 500, 422, 302};

static inline void
fuzz_require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static inline void
fuzz_check(mst_outcome_t outcome, const mst_completion_t *c)
{
    uint64_t tokens = 0;
    fuzz_require(mst_outcome_name(outcome) != NULL, "the outcome has no name");
    fuzz_require(mst_outcome_measured(outcome) == (c->error.message[0] == '\0'),
                 "a failure without a sentence, or the reverse");
    for (uint32_t i = 0; i < c->event_count; i++) {
        tokens += c->events[i].n_tokens;
        fuzz_require(c->events[i].rx_ns >= 0, "a stamp before the request");
    }
    for (uint32_t i = 0; i < c->logprob_count; i++)
        (void)isnan(c->logprobs[i]);
    fuzz_require(c->ttft_ns <= c->last_token_ns || !c->streamed, "the last token came before the first");
    fuzz_require(c->completion_tokens < 0 || c->token_source == MST_TOK_USAGE ||
                     tokens == (uint64_t)c->completion_tokens,
                 "the tokens of the events are not those of the answer");
}

static inline mst_outcome_t
fuzz_decode(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_json_parser_t *json, mst_exchange_t *x,
            mst_buf_t *out)
{
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB), *scratch = mst_arena_new(64 * MST_MIB);
    mst_decoder_t d;
    mst_decoder_init(&d, mst_provider_find(mst_str_c(cfg->kind->name)), json, arena, scratch);
    d.cfg = cfg;
    d.ask = ask;
    mst_outcome_t outcome = mst_decoder_run(&d, x);
    fuzz_check(outcome, &d.c);
    (void)mst_buf_add_str(out, d.c.text);
    (void)mst_buf_add_str(out, d.c.reasoning);
    (void)mst_buf_add_str(out, d.c.tool_calls);
    (void)mst_buf_add_c(out, d.c.error.message);
    mst_decoder_deinit(&d);
    mst_arena_free(&arena);
    mst_arena_free(&scratch);
    return outcome;
}

// ask NULL: generate.
static inline void
fuzz_provider(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, const uint8_t *data, size_t size)
{
    static mst_json_parser_t *json;
    if (size < 1 || size > (1u << 18))
        return;
    if (json == NULL)
        json = mst_json_parser_new();
    mst_str_t body = mst_str((const char *)data + 1, size - 1);
    mst_rx_t *bytes = malloc(size * sizeof *bytes), one = {.rx_ns = 2000, .n = (uint32_t)body.n};
    for (size_t i = 0; i < body.n; i++)
        bytes[i] = (mst_rx_t){.rx_ns = 1000 + (int64_t)i, .n = 1};
    mst_exchange_t x = {.body = body, .pieces = bytes, .piece_count = body.n, .send_mono_ns = 1000};
    x.http_status = fuzz_statuses[data[0] & 7];
    x.split = (mst_split_t)((data[0] >> 3) % 3);
    x.cut = (data[0] & 0x40) != 0;
    mst_buf_t a, b;
    mst_buf_init(&a, 64 * MST_MIB);
    mst_buf_init(&b, 64 * MST_MIB);
    mst_outcome_t first = fuzz_decode(cfg, ask, json, &x, &a);
    x.pieces = &one;
    x.piece_count = 1;
    mst_outcome_t second = fuzz_decode(cfg, ask, json, &x, &b);
    fuzz_require(first == second && mst_str_eq(mst_buf_view(&a), mst_buf_view(&b)), "other pieces gave another result");
    (void)mst_provider_find(mst_str_c(cfg->kind->name))->has_token(MST_STR_NULL, body);
    mst_buf_deinit(&a);
    mst_buf_deinit(&b);
    free(bytes);
}

// What the answer is to, by the three bits of the status; generate where the provider has no route for it.
static inline mst_ask_kind_t
fuzz_ask(const mst_provider_t *p, unsigned bits)
{
    mst_ask_kind_t kind = bits == 1 ? MST_ASK_LOGLIKELIHOOD : bits == 2 ? MST_ASK_ROLLING : MST_ASK_EMBED;
    return (p->asks & MST_ASK_BIT(kind)) != 0 ? kind : MST_ASK_GENERATE;
}

// A provider with its defaults.
static inline void
fuzz_plain_provider(const char *name, const uint8_t *data, size_t size)
{
    static const mst_case_t none = {.input = {"q", 1}};
    const mst_provider_t *p = mst_provider_find(mst_str_c(name));
    size_t rows = 0;
    while (p->kind.params[rows].name != NULL)
        rows++;
    mst_param_value_t *values = calloc(rows + 1, sizeof *values);
    // a route of the server's own, where there is one beside OpenAI's: the bits of the framing have room for both
    for (size_t i = 0; i < rows && size > 0 && (data[0] >> 3 & 7) < 3; i++) {
        if (strcmp(p->kind.params[i].name, "api") == 0 && strstr(p->kind.params[i].choices, "native") != NULL)
            values[i] = (mst_param_value_t){.set = true, .given = true, .u.s = {"native", 6}};
    }
    const mst_provider_cfg_t cfg = {.kind = &p->kind, .params = {.table = p->kind.params, .values = values}};
    const mst_str_t texts[] = {{"a", 1}, {"b", 1}};
    const mst_ask_t ask = {
        .kind = size > 0 && (data[0] & 0x80) != 0 ? fuzz_ask(p, data[0] & 7) : MST_ASK_GENERATE,
        .c = &none,
        .context = {"a", 1},
        .continuation = {" b", 2},
        .texts = texts,
        .text_count = 2,
    };
    fuzz_provider(&cfg, &ask, data, size);
    free(values);
}

#endif
