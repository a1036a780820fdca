// Requests of the OpenAI dialect: chat completions, completions, embeddings.
#include "worker/provider/openai.h"

#include <stdio.h>

static bool
is(const mst_params_t *p, const char *param, const char *value)
{
    return mst_str_eq_c(mst_params_str(p, param), value);
}

static void
put_sampling(mst_body_t *b, const mst_ask_t *ask, const char *max_field)
{
    mst_body_num(b, "temperature", "temperature");
    mst_body_num(b, "top_p", "top_p");
    mst_body_num(b, "presence_penalty", "presence_penalty");
    mst_body_num(b, "frequency_penalty", "frequency_penalty");
    mst_body_seed(b, ask->repeat_no, "seed");
    mst_body_int(b, "max_tokens", max_field);
    mst_body_list(b, "stop", "stop");
    mst_body_int(b, "n", "n");
    mst_body_json(b, "logit_bias", "logit_bias");
}

// A bare name such as json_object is written as the object that holds it.
static void
put_format(mst_body_t *b)
{
    const mst_param_value_t *v = mst_params_get(b->p, "response_format");
    mst_str_t name = MST_STR_NULL;
    if (!v->set || !mst_json_str(v->u.json, &name)) {
        mst_body_json(b, "response_format", "response_format");
        return;
    }
    if (!mst_body_key(b, "response_format"))
        return;
    mst_jw_obj(&b->w);
    mst_jw_key(&b->w, "type");
    mst_jw_str(&b->w, name);
    mst_jw_obj_end(&b->w);
}

static void
put_stream(const mst_openai_dialect_t *dialect, mst_body_t *b, bool stream)
{
    mst_body_put_bool(b, "stream", stream);
    if (!stream || !mst_body_obj(b, "stream_options"))
        return;
    mst_body_put_bool(b, "include_usage", true);
    if (dialect->stream != NULL)
        dialect->stream(b);
    mst_body_obj_end(b);
}

static mst_rc
put_chat(mst_body_t *b, const mst_ask_t *ask, const char *max_field, mst_err_t *err)
{
    mst_rc rc = mst_body_messages(b, ask, "messages", err);
    int64_t top = mst_params_int(b->p, "top_logprobs", 0);
    put_sampling(b, ask, max_field);
    if (mst_params_bool(b->p, "logprobs") || top > 0)
        mst_body_put_bool(b, "logprobs", true);
    if (top > 0)
        mst_body_put_int(b, "top_logprobs", top);
    put_format(b);
    mst_body_json(b, "tools", "tools");
    mst_body_json(b, "tool_choice", "tool_choice");
    mst_body_bool(b, "parallel_tool_calls", "parallel_tool_calls");
    mst_body_str(b, "reasoning_effort", "reasoning_effort");
    return rc;
}

static mst_rc
put_prompt(mst_body_t *b, const mst_ask_t *ask, mst_err_t *err)
{
    mst_str_t prompt = MST_STR_NULL;
    mst_rc rc = mst_ask_text(ask, b->arena, &prompt, err);
    mst_body_put_str(b, "prompt", prompt);
    return rc;
}

// What only a chat has is refused: left out in silence, the answers would be taken for those of another setting.
#define CHAT_ONLY "tools|tool_choice|parallel_tool_calls|reasoning_effort|chat_template_kwargs|separate_reasoning"

static mst_rc
put_completion(mst_body_t *b, const mst_ask_t *ask, mst_err_t *err)
{
    mst_rc rc = mst_params_refuse(b->p, CHAT_ONLY, "the completions route", err);
    if (rc == MST_OK)
        rc = put_prompt(b, ask, err);
    int64_t top = mst_params_int(b->p, "top_logprobs", 0);
    put_sampling(b, ask, "max_tokens");
    if (mst_params_bool(b->p, "logprobs") || top > 0)
        mst_body_put_int(b, "logprobs", top > 0 ? top : 1);
    put_format(b);
    return rc;
}

// One token is generated, since some servers refuse to generate none; the decoder leaves it out.
static mst_rc
put_score(const mst_openai_dialect_t *dialect, mst_body_t *b, const mst_ask_t *ask, mst_err_t *err)
{
    mst_rc rc = put_prompt(b, ask, err);
    mst_body_put_int(b, "max_tokens", 1);
    mst_body_put_int(b, "temperature", 0);
    if (dialect->score != NULL) {
        dialect->score(b, ask);
    } else {
        mst_body_put_bool(b, "echo", true);
        mst_body_put_int(b, "logprobs", 1);
    }
    mst_body_put_bool(b, "stream", false);
    return rc;
}

static void
put_embeddings(mst_body_t *b, const mst_ask_t *ask)
{
    if (mst_body_key(b, "input")) {
        mst_jw_arr(&b->w);
        for (size_t i = 0; i < ask->text_count; i++)
            mst_jw_str(&b->w, ask->texts[i]);
        mst_jw_arr_end(&b->w);
    }
    mst_body_put_str(b, "encoding_format", MST_STR("float"));
    mst_body_int(b, "dimensions", "dimensions");
}

static mst_rc
put_ask(const mst_openai_dialect_t *dialect, mst_body_t *b, const mst_ask_t *ask, bool stream, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    mst_body_str(b, "model", "model");
    switch (ask->kind) {
    case MST_ASK_GENERATE:
        rc = is(b->p, "api", "chat") ? put_chat(b, ask, dialect->max_field, err) : put_completion(b, ask, err);
        put_stream(dialect, b, stream);
        if (dialect->more != NULL)
            dialect->more(b, ask);
        break;
    case MST_ASK_LOGLIKELIHOOD:
    case MST_ASK_ROLLING:
        rc = put_score(dialect, b, ask, err);
        break;
    case MST_ASK_EMBED:
        put_embeddings(b, ask);
        break;
    }
    return rc;
}

static const char *
route(const mst_params_t *p, mst_ask_kind_t kind)
{
    if (kind == MST_ASK_EMBED)
        return "/embeddings";
    return kind == MST_ASK_GENERATE && is(p, "api", "chat") ? "/chat/completions" : "/completions";
}

mst_rc
mst_openai_build(const mst_openai_dialect_t *dialect, mst_str_t base, const mst_params_t *p, const mst_ask_t *ask,
                 mst_arena_t *arena, mst_request_t *out, mst_err_t *err)
{
    bool stream = ask->kind == MST_ASK_GENERATE && mst_params_bool(p, "stream");
    char path[64];
    mst_body_t b;
    *out = (mst_request_t){.split = stream ? MST_SPLIT_SSE : MST_SPLIT_BODY};
    (void)snprintf(path, sizeof path, "%s%s", dialect->prefix, route(p, ask->kind));
    mst_rc rc = mst_request_url(base, dialect->known, path, arena, &out->url, err);
    if (rc != MST_OK)
        return rc;
    rc = mst_body_open(&b, p, arena, err);
    if (rc == MST_OK)
        rc = put_ask(dialect, &b, ask, stream, err);
    return mst_body_close(&b, rc, &out->body, err);
}

mst_rc
mst_openai_build_plain(const mst_openai_dialect_t *dialect, const mst_provider_cfg_t *cfg, const mst_ask_t *ask,
                       mst_arena_t *arena, mst_request_t *out, mst_err_t *err)
{
    const mst_params_t *p = &cfg->params;
    mst_rc rc = mst_openai_build(dialect, mst_params_str(p, "base_url"), p, ask, arena, out, err);
    mst_request_bearer(out, p);
    return rc == MST_OK ? mst_request_headers(out, p, 0, arena, err) : rc;
}
