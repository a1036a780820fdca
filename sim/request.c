// Reads the fields that the simulated backend honours and refuses what a real one would refuse; other fields
// (temperature, top_p, ...) pass unseen.
#include "sim/request.h"

#include "sim/answer.h"
#include "sim/words.h"

#include <stdarg.h>
#include <stdio.h>

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

bool
mst_sim_body_parse(mst_json_parser_t *parser, mst_str_t body, mst_arena_t *arena, const mst_json_t **out,
                   mst_sim_refusal_t *why)
{
    mst_err_t err;
    mst_rc rc = mst_json_parse(parser, body, arena, out, NULL, &err);
    if (rc == MST_LIMIT)
        mst_sim_refuse(why, 413, NULL, "request_too_large", "the body is too large: %.200s", err.message);
    else if (rc != MST_OK)
        mst_sim_refuse(why, 400, NULL, "invalid_json", "could not parse the JSON body: %.200s", err.message);
    else if (!mst_json_is(*out, MST_JSON_OBJ))
        mst_sim_refuse(why, 400, NULL, "invalid_json", "the body must be a JSON object");
    else
        return true;
    return false;
}

void
mst_sim_request_init(mst_sim_request_t *q)
{
    *q = (mst_sim_request_t){.wish = {.n = 1, .prompt_top = -1}};
}

bool
mst_sim_bad(mst_sim_reader_t *in, const char *param, const char *what)
{
    mst_sim_refuse(in->why, 400, param, "invalid_value", "%s %s", param, what);
    return false;
}

static bool
is_given(const mst_json_t *v)
{
    return v != NULL && !mst_json_is(v, MST_JSON_NULL);
}

bool
mst_sim_read_bool(mst_sim_reader_t *in, const mst_json_t *obj, const char *key, bool *out)
{
    const mst_json_t *v = mst_json_get(obj, key);
    return !is_given(v) || mst_json_bool(v, out) || mst_sim_bad(in, key, "must be true or false");
}

bool
mst_sim_read_int(mst_sim_reader_t *in, const mst_json_t *obj, const char *key, int64_t min, int64_t max, int64_t *out)
{
    const mst_json_t *v = mst_json_get(obj, key);
    int64_t i;
    if (!is_given(v))
        return true;
    if (!mst_json_i64(v, &i) || i < min || i > max) {
        mst_sim_refuse(in->why, 400, key, "invalid_value", "%s must be a whole number from %lld to %lld", key,
                       (long long)min, (long long)max);
        return false;
    }
    *out = i;
    return true;
}

bool
mst_sim_read_str(mst_sim_reader_t *in, const mst_json_t *obj, const char *key, mst_str_t *out)
{
    const mst_json_t *v = mst_json_get(obj, key);
    return !is_given(v) || mst_json_str(v, out) || mst_sim_bad(in, key, "must be a text");
}

bool
mst_sim_read_stops(mst_sim_reader_t *in, const mst_json_t *obj, const char *key, mst_sim_request_t *q)
{
    const mst_json_t *v = mst_json_get(obj, key);
    if (!is_given(v))
        return true;
    if (mst_json_str(v, &q->stops[0])) {
        q->stop_count = 1;
        return true;
    }
    if (!mst_json_is(v, MST_JSON_ARR) || v->count > MST_SIM_STOPS_MAX)
        return mst_sim_bad(in, key, "must be a text or a list of at most 16 texts");
    for (uint32_t i = 0; i < v->count; i++)
        if (!mst_json_str(mst_json_at(v, i), &q->stops[i]))
            return mst_sim_bad(in, key, "must be a text or a list of at most 16 texts");
    q->stop_count = v->count;
    return true;
}

bool
mst_sim_read_content(mst_sim_reader_t *in, const mst_json_t *content, mst_str_t *out)
{
    *out = MST_STR_NULL;
    if (!is_given(content) || mst_json_str(content, out))
        return true;
    if (!mst_json_is(content, MST_JSON_ARR))
        return mst_sim_bad(in, "messages", "must have a text or a list of parts as content");
    size_t total = 0;
    mst_str_t part;
    for (uint32_t i = 0; i < content->count; i++)
        total += mst_json_str(mst_json_get(mst_json_at(content, i), "text"), &part) ? part.n : 0;
    char *joined = mst_arena_alloc_raw(in->arena, total);
    if (joined == NULL)
        return mst_sim_bad(in, "messages", "must fit into memory");
    *out = mst_str(joined, total);
    for (uint32_t i = 0; i < content->count; i++) {
        if (!mst_json_str(mst_json_get(mst_json_at(content, i), "text"), &part) || part.n == 0)
            continue;
        memcpy(joined, part.p, part.n);
        joined += part.n;
    }
    return true;
}

bool
mst_sim_read_one_prompt(mst_sim_reader_t *in, mst_str_t text, mst_sim_request_t *q)
{
    q->prompts = MST_ARENA_NEW(in->arena, mst_sim_prompt_t);
    if (q->prompts == NULL)
        return mst_sim_bad(in, "prompt", "must fit into memory");
    q->prompts[0] = (mst_sim_prompt_t){.text = text, .tokens = mst_sim_token_count(text, UINT32_MAX)};
    q->prompt_count = 1;
    q->prompt = text;
    return true;
}

// All messages' text, one behind the other.
static bool
join_messages(mst_sim_reader_t *in, const mst_str_t *texts, uint32_t count, uint32_t tokens, mst_sim_request_t *q)
{
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += texts[i].n;
    char *to = mst_arena_alloc_raw(in->arena, total);
    q->prompts = MST_ARENA_NEW(in->arena, mst_sim_prompt_t);
    if (to == NULL || q->prompts == NULL)
        return mst_sim_bad(in, "messages", "must fit into memory");
    q->prompts[0] = (mst_sim_prompt_t){.text = mst_str(to, total), .tokens = tokens};
    q->prompt_count = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].n > 0)
            memcpy(to, texts[i].p, texts[i].n);
        to += texts[i].n;
    }
    return true;
}

bool
mst_sim_read_messages(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *list = mst_json_get(in->root, "messages");
    if (!mst_json_is(list, MST_JSON_ARR) || list->count == 0)
        return mst_sim_bad(in, "messages", "must be a list with at least one message");
    mst_str_t *texts = MST_ARENA_ARRAY(in->arena, mst_str_t, list->count);
    bool user_seen = false;
    uint32_t tokens = 0;
    if (texts == NULL)
        return mst_sim_bad(in, "messages", "must fit into memory");
    for (uint32_t i = 0; i < list->count; i++) {
        const mst_json_t *message = mst_json_at(list, i);
        mst_str_t role;
        if (!mst_json_str(mst_json_get(message, "role"), &role))
            return mst_sim_bad(in, "messages", "must be objects with a role");
        if (!mst_sim_read_content(in, mst_json_get(message, "content"), &texts[i]))
            return false;
        tokens += mst_sim_token_count(texts[i], UINT32_MAX - tokens);
        bool user = mst_str_eq_c(role, "user");
        if (user || !user_seen)
            q->prompt = texts[i];
        user_seen = user_seen || user;
    }
    return join_messages(in, texts, list->count, tokens, q);
}

// Token ids as a prompt: their texts joined, with the lengths that they came in.
static bool
read_ids(mst_sim_reader_t *in, const mst_json_t *list, const char *param, mst_sim_prompt_t *out)
{
    uint8_t *lens = mst_arena_alloc_raw(in->arena, list->count);
    size_t total = 0;
    for (uint32_t i = 0; lens != NULL && i < list->count; i++) {
        int64_t id;
        if (!mst_json_i64(mst_json_at(list, i), &id) || id < 0)
            return mst_sim_bad(in, param, "must be a text, token ids, or a list of either");
        lens[i] = (uint8_t)mst_sim_vocab_text(in->vocab, (uint64_t)id).n;
        total += lens[i];
    }
    char *text = mst_arena_alloc_raw(in->arena, total), *to = text;
    if (lens == NULL || text == NULL)
        return mst_sim_bad(in, param, "must fit into memory");
    for (uint32_t i = 0; i < list->count; i++) {
        int64_t id = 0;
        (void)mst_json_i64(mst_json_at(list, i), &id);
        memcpy(to, mst_sim_vocab_text(in->vocab, (uint64_t)id).p, lens[i]);
        to += lens[i];
    }
    *out = (mst_sim_prompt_t){mst_str(text, total), lens, list->count};
    return true;
}

static bool
read_prompt(mst_sim_reader_t *in, const mst_json_t *v, const char *param, mst_sim_prompt_t *out)
{
    mst_str_t text;
    if (mst_json_str(v, &text)) {
        *out = (mst_sim_prompt_t){.text = text, .tokens = mst_sim_token_count(text, UINT32_MAX)};
        return true;
    }
    if (!mst_json_is(v, MST_JSON_ARR) || v->count == 0)
        return mst_sim_bad(in, param, "must be a text, token ids, or a list of either");
    return read_ids(in, v, param, out);
}

bool
mst_sim_read_prompts(mst_sim_reader_t *in, const mst_json_t *v, const char *param, mst_sim_request_t *q)
{
    const mst_json_t *first = mst_json_at(v, 0);
    bool list = mst_json_is(first, MST_JSON_STR) || mst_json_is(first, MST_JSON_ARR);
    uint32_t count = list ? v->count : 1;
    if (count > MST_SIM_CHOICES_MAX)
        return mst_sim_bad(in, param, "has more than 1024 prompts");
    q->prompts = MST_ARENA_ARRAY(in->arena, mst_sim_prompt_t, count);
    if (q->prompts == NULL)
        return mst_sim_bad(in, param, "must fit into memory");
    for (uint32_t i = 0; i < count; i++)
        if (!read_prompt(in, list ? mst_json_at(v, i) : v, param, &q->prompts[i]))
            return false;
    q->prompt_count = count;
    q->prompt = q->prompts[0].text;
    return true;
}

bool
mst_sim_read_inputs(mst_sim_reader_t *in, const mst_json_t *v, const char *param, mst_sim_request_t *q)
{
    const mst_json_t *first = mst_json_at(v, 0);
    bool list = mst_json_is(first, MST_JSON_STR) || mst_json_is(first, MST_JSON_ARR);
    q->input_count = list ? v->count : 1;
    if (q->input_count > MST_SIM_INPUTS_MAX)
        return mst_sim_bad(in, param, "has more than 2048 texts");
    q->inputs = MST_ARENA_ARRAY(in->arena, mst_str_t, q->input_count);
    if (q->inputs == NULL)
        return mst_sim_bad(in, param, "must fit into memory");
    for (uint32_t i = 0; i < q->input_count; i++) {
        mst_sim_prompt_t p;
        if (!read_prompt(in, list ? mst_json_at(v, i) : v, param, &p))
            return false;
        q->inputs[i] = p.text;
    }
    q->prompt = q->inputs[0];
    return true;
}

bool
mst_sim_read_common(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    int64_t n = 1, seed = 0, tokens = -1, newer = -1;
    const mst_json_t *root = in->root;
    if (!mst_sim_read_str(in, root, "model", &q->model) || !mst_sim_read_int(in, root, "n", 1, 128, &n) ||
        !mst_sim_read_int(in, root, "seed", INT64_MIN, INT64_MAX, &seed) ||
        !mst_sim_read_int(in, root, "max_tokens", 0, INT64_MAX, &tokens) ||
        !mst_sim_read_int(in, root, "max_completion_tokens", 1, INT64_MAX, &newer) ||
        !mst_sim_read_stops(in, root, "stop", q))
        return false;
    q->seed = (uint64_t)seed;
    q->wish.n = (uint32_t)n;
    tokens = newer >= 0 ? newer : tokens;
    q->tokens_max_given = tokens >= 0;
    q->tokens_max = tokens >= 0 ? (uint64_t)tokens : 0;
    return true;
}

bool
mst_sim_measure_prompts(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    for (uint32_t i = 0; i < q->prompt_count; i++) {
        mst_sim_prompt_t *p = &q->prompts[i];
        mst_str_t rest = p->text;
        if (p->lens != NULL)
            continue;
        p->tokens = mst_sim_token_count(rest, UINT32_MAX);
        uint8_t *lens = mst_arena_alloc_raw(in->arena, p->tokens);
        if (lens == NULL)
            return mst_sim_bad(in, "prompt", "must fit into memory");
        for (uint32_t k = 0; k < p->tokens; k++) {
            lens[k] = (uint8_t)mst_sim_token(rest).n;
            rest = mst_str(rest.p + lens[k], rest.n - lens[k]);
        }
        p->lens = lens;
    }
    return true;
}
