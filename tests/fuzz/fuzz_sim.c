// A chat request's body, hostile, through the simulated backend's reading and rendering: every event of the answer
// that it leads to must be JSON again, and the stream must come to its end.
#include "common/base/limits.h"
#include "sim/plan.h"
#include "sim/render.h"
#include "sim/request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 4096 };

static void
must_parse(mst_json_parser_t *parser, mst_str_t text)
{
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    const mst_json_t *v;
    if (mst_json_parse(parser, text, arena, &v, NULL, NULL) != MST_OK)
        abort();
    mst_arena_free(&arena);
}

static void
render(mst_json_parser_t *parser, mst_sim_answer_t *a)
{
    mst_buf_t prefix, out;
    mst_buf_init(&prefix, 4 * MST_MIB);
    mst_buf_init(&out, 64 * MST_MIB);
    mst_sim_stream_prefix(a, &prefix);
    a->prefix = mst_buf_view(&prefix);
    mst_sim_cursor_t c = {0};
    for (int i = 0; i < EVENTS_MAX && c.next != MST_SIM_EV_END; i++) {
        uint32_t tokens;
        mst_buf_reset(&out);
        mst_sim_event_kind_t kind = mst_sim_stream_next(a, &c, &out, &tokens);
        if (out.n < 8 || out.failed)
            abort();
        if (kind != MST_SIM_EV_DONE)
            must_parse(parser, mst_str(out.p + 6, out.n - 8));
    }
    mst_buf_reset(&out);
    mst_sim_render_completion(a, &out);
    if (!out.failed)
        must_parse(parser, mst_buf_view(&out));
    mst_buf_deinit(&prefix);
    mst_buf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_sim_opts_t opts;
    mst_sim_defaults(&opts);
    opts.tokens_per_event = 1 + (uint32_t)(size % 5);
    opts.logprob_null = 0.1;
    mst_sim_request_t q;
    mst_sim_refusal_t why;
    if (mst_sim_request_read(parser, mst_str((const char *)data, size), arena, &q, &why)) {
        mst_sim_asker_t who = {q.prompt, 0, 1, q.seed};
        mst_sim_plan_t plan;
        mst_sim_plan(&opts, &who, &plan);
        mst_sim_answer_t a = {.opts = &opts,
                              .id = plan.attempt_seed,
                              .seed = plan.answer_seed,
                              .model = q.model,
                              .reasoning = size % 3 == 0 ? q.model : MST_STR_NULL,
                              .text = q.prompt,
                              .prompt_tokens = q.prompt_tokens,
                              .top_logprobs = q.top_logprobs,
                              .tokens_max = q.tokens_max > 0 && q.tokens_max < 500 ? (uint32_t)q.tokens_max : 500,
                              .malformed = UINT32_MAX,
                              .with_logprobs = q.logprobs,
                              .include_usage = q.include_usage};
        render(parser, &a);
    } else {
        mst_buf_t out;
        mst_buf_init(&out, MST_MIB);
        mst_sim_render_error(&why, &out);
        must_parse(parser, mst_buf_view(&out));
        mst_buf_deinit(&out);
    }
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
    return 0;
}
