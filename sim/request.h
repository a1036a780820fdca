// What a chat request's body asks for. Pure, but for the parser's memory.
#ifndef MST_SIM_REQUEST_H
#define MST_SIM_REQUEST_H

#include "common/base/mem.h"
#include "common/json/json.h"

typedef struct {
    mst_str_t model;        // empty = not given
    mst_str_t prompt;       // text of the last user message, else of the last one
    uint64_t seed;          // 0 = not given
    uint64_t tokens_max;    // 0 = not given
    uint32_t prompt_tokens; // of all messages
    uint32_t top_logprobs;
    bool stream, include_usage, logprobs;
} mst_sim_request_t; // slices live in the arena

// How a refusal looks to the client: OpenAI's error object.
typedef struct {
    int status;
    const char *type, *param, *code; // param and code may be NULL
    char message[256];
} mst_sim_refusal_t;

// False: *why is filled.
MST_NODISCARD bool mst_sim_request_read(mst_json_parser_t *parser, mst_str_t body, mst_arena_t *arena,
                                        mst_sim_request_t *out, mst_sim_refusal_t *why);
void mst_sim_refuse(mst_sim_refusal_t *why, int status, const char *param, const char *code, const char *fmt, ...)
    MST_PRINTF(5, 6);

#endif
