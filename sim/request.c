// Reads the fields that the simulated backend honours and refuses what a real one would refuse; other fields
// (temperature, stop, ...) pass unseen.
#include "sim/request.h"

#include "sim/words.h"

#include <stdarg.h>
#include <stdio.h>

enum { TOP_LOGPROBS_MAX = 20 };

void
mst_sim_refuse(mst_sim_refusal_t *why, int status, const char *param, const char *code, const char *fmt, ...)
{
    why->status = status;
    why->type = status >= 500 ? "server_error" : status == 429 ? "rate_limit_error" : "invalid_request_error";
    why->param = param;
    why->code = code;
    va_list args;
    va_start(args, fmt);
    vsnprintf(why->message, sizeof why->message, fmt, args);
    va_end(args);
}

static bool
bad(mst_sim_refusal_t *why, const char *param, const char *what)
{
    mst_sim_refuse(why, 400, param, "invalid_value", "%s %s", param, what);
    return false;
}

// Absent and null leave *out as it is.
static bool
read_bool(const mst_json_t *obj, const char *key, bool *out, mst_sim_refusal_t *why)
{
    const mst_json_t *v = mst_json_get(obj, key);
    if (v == NULL || mst_json_is(v, MST_JSON_NULL) || mst_json_bool(v, out))
        return true;
    return bad(why, key, "must be true or false");
}

static bool
read_count(const mst_json_t *obj, const char *key, int64_t min, int64_t max, int64_t *out, mst_sim_refusal_t *why)
{
    const mst_json_t *v = mst_json_get(obj, key);
    if (v == NULL || mst_json_is(v, MST_JSON_NULL))
        return true;
    if (mst_json_i64(v, out) && *out >= min && *out <= max)
        return true;
    mst_sim_refuse(why, 400, key, "invalid_value", "%s must be a whole number from %lld to %lld", key, (long long)min,
                   (long long)max);
    return false;
}

// Text of a message: a string, or the text parts of a list joined.
static bool
read_content(const mst_json_t *content, mst_arena_t *arena, mst_str_t *out)
{
    *out = MST_STR_NULL;
    if (content == NULL || mst_json_is(content, MST_JSON_NULL) || mst_json_str(content, out))
        return true;
    if (!mst_json_is(content, MST_JSON_ARR))
        return false;
    size_t total = 0;
    mst_str_t part;
    for (uint32_t i = 0; i < content->count; i++)
        total += mst_json_str(mst_json_get(mst_json_at(content, i), "text"), &part) ? part.n : 0;
    char *joined = mst_arena_alloc_raw(arena, total);
    if (joined == NULL)
        return false;
    *out = mst_str(joined, total);
    for (uint32_t i = 0; i < content->count; i++) {
        if (!mst_json_str(mst_json_get(mst_json_at(content, i), "text"), &part) || part.n == 0)
            continue;
        memcpy(joined, part.p, part.n);
        joined += part.n;
    }
    return true;
}

static bool
read_messages(const mst_json_t *root, mst_arena_t *arena, mst_sim_request_t *out, mst_sim_refusal_t *why)
{
    const mst_json_t *list = mst_json_get(root, "messages");
    if (!mst_json_is(list, MST_JSON_ARR) || list->count == 0)
        return bad(why, "messages", "must be a list with at least one message");
    bool user_seen = false;
    for (uint32_t i = 0; i < list->count; i++) {
        const mst_json_t *message = mst_json_at(list, i);
        mst_str_t role, text;
        if (!mst_json_str(mst_json_get(message, "role"), &role))
            return bad(why, "messages", "must be objects with a role");
        if (!read_content(mst_json_get(message, "content"), arena, &text))
            return bad(why, "messages", "must have a text or a list of parts as content");
        out->prompt_tokens += mst_sim_token_count(text, UINT32_MAX - out->prompt_tokens);
        bool user = mst_str_eq_c(role, "user");
        if (user || !user_seen)
            out->prompt = text;
        user_seen = user_seen || user;
    }
    return true;
}

static bool
read_numbers(const mst_json_t *root, mst_sim_request_t *out, mst_sim_refusal_t *why)
{
    int64_t n = 1, top = 0, seed = 0, tokens = 0, completion_tokens = 0;
    if (!read_count(root, "n", 1, INT64_MAX, &n, why) || !read_count(root, "seed", INT64_MIN, INT64_MAX, &seed, why) ||
        !read_count(root, "top_logprobs", 0, TOP_LOGPROBS_MAX, &top, why) ||
        !read_count(root, "max_tokens", 1, INT64_MAX, &tokens, why) ||
        !read_count(root, "max_completion_tokens", 1, INT64_MAX, &completion_tokens, why))
        return false;
    if (n > 1)
        return bad(why, "n", "must be 1: this backend gives one choice");
    if (top > 0 && !out->logprobs)
        return bad(why, "top_logprobs", "needs logprobs to be true");
    out->seed = (uint64_t)seed;
    out->top_logprobs = (uint32_t)top;
    out->tokens_max = (uint64_t)(completion_tokens > 0 ? completion_tokens : tokens);
    return true;
}

bool
mst_sim_request_read(mst_json_parser_t *parser, mst_str_t body, mst_arena_t *arena, mst_sim_request_t *out,
                     mst_sim_refusal_t *why)
{
    *out = (mst_sim_request_t){0};
    mst_err_t err;
    const mst_json_t *root;
    bool lenient = false;
    mst_rc rc = mst_json_parse(parser, body, arena, &root, &lenient, &err);
    if (rc == MST_LIMIT) {
        mst_sim_refuse(why, 413, NULL, "request_too_large", "the body is too large: %.200s", err.message);
        return false;
    }
    if (rc != MST_OK) {
        mst_sim_refuse(why, 400, NULL, "invalid_json", "could not parse the JSON body: %.200s", err.message);
        return false;
    }
    if (!mst_json_is(root, MST_JSON_OBJ)) {
        mst_sim_refuse(why, 400, NULL, "invalid_json", "the body must be a JSON object");
        return false;
    }
    const mst_json_t *model = mst_json_get(root, "model");
    if (model != NULL && !mst_json_is(model, MST_JSON_NULL) && !mst_json_str(model, &out->model))
        return bad(why, "model", "must be a text");
    return read_bool(root, "stream", &out->stream, why) && read_bool(root, "logprobs", &out->logprobs, why) &&
           read_bool(mst_json_get(root, "stream_options"), "include_usage", &out->include_usage, why) &&
           read_numbers(root, out, why) && read_messages(root, arena, out, why);
}
