// The two packed forms of the store: token events and histograms. What is read must be written again as something
// that reads the same.
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/model/completion.h"
#include "common/stats/stats.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_events: %s\n", what);
    abort();
}

static void
try_events(mst_str_t packed)
{
    mst_arena_t *arena = mst_arena_new(128 * MST_MIB);
    mst_completion_t c = {0}, back = {0};
    uint64_t events, logprobs;
    mst_events_counts(packed, &events, &logprobs);
    if (mst_events_unpack(packed, arena, &c, NULL) == MST_OK) {
        mst_buf_t out;
        mst_buf_init(&out, 128 * MST_MIB);
        require(c.event_count == events && c.logprob_count == logprobs, "the counts differ from the content");
        mst_events_pack(&c, &out);
        require(mst_events_unpack(mst_buf_view(&out), arena, &back, NULL) == MST_OK, "its own column is refused");
        require(back.event_count == c.event_count && back.logprob_count == c.logprob_count, "counts changed");
        for (uint32_t i = 0; i < c.event_count; i++)
            require(memcmp(&c.events[i].rx_ns, &back.events[i].rx_ns, 8) == 0 &&
                        c.events[i].kind == back.events[i].kind && c.events[i].n_tokens == back.events[i].n_tokens,
                    "an event changed");
        require(c.logprob_count == 0 || memcmp(c.logprobs, back.logprobs, 4 * (size_t)c.logprob_count) == 0,
                "a logprob changed");
        mst_buf_deinit(&out);
    }
    mst_arena_free(&arena);
}

static void
try_hist(mst_str_t packed)
{
    mst_hist_t *h = mst_hist_new(), *again = mst_hist_new();
    if (mst_hist_unpack(h, packed, NULL) == MST_OK) {
        mst_buf_t out;
        mst_buf_init(&out, MST_MIB);
        mst_hist_pack(h, &out);
        require(mst_hist_unpack(again, mst_buf_view(&out), NULL) == MST_OK, "its own histogram is refused");
        require(mst_hist_count(h) == mst_hist_count(again), "the histogram lost values");
        mst_bucket_t b;
        uint64_t n = mst_hist_count(h);
        require(n == 0 || (mst_hist_rank(h, n - 1, &b) && b.below + b.count == n), "the last rank is not the last");
        (void)mst_hist_quantile(h, 0.5);
        mst_buf_deinit(&out);
    }
    mst_hist_free(&h);
    mst_hist_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mst_str_t packed = mst_str((const char *)data, size);
    try_events(packed);
    try_hist(packed);
    return 0;
}
