// Errors as OpenAI and its many clones spell them: {"error":{message,type,param,code}}, {"error":"text"},
// {"object":"error","message":...} (SGLang, TensorRT-LLM), {"detail":...} (FastAPI's 422), {"message":...}; and bodies
// that are no JSON at all (proxies). The server's own sentence is kept, cut to one line.
#include "worker/provider/error.h"
#include "common/text/normalise.h"

#include <stdio.h>

#define SAID_MAX 360

// What a status means: our code and whether to ask again. Statuses that the official client asks again for.
static mst_rc
of_status(int status, mst_retry_t *retry)
{
    bool again = status == 408 || status == 409 || status == 425 || status == 429 || (status >= 500 && status != 501);
    *retry = again ? MST_RETRY_LATER : MST_RETRY_NEVER;
    if (status == 400 || status == 413 || status == 422)
        return MST_INVAL;
    if (status == 401 || status == 403)
        return MST_DENIED;
    if (status == 404)
        return MST_NOTFOUND;
    if (status == 408)
        return MST_TIMEOUT;
    if (status == 429)
        return MST_AGAIN;
    return status >= 500 ? MST_IO : MST_PROTO;
}

// Codes that mean that money is missing: waiting will not help.
static bool
is_money(mst_str_t code)
{
    return mst_str_eq(code, MST_STR("insufficient_quota")) || mst_str_starts(code, MST_STR("billing_")) ||
           mst_str_eq(code, MST_STR("access_terminated"));
}

static void
say(int status, mst_str_t code, mst_str_t message, mst_err_t *err)
{
    char text[SAID_MAX + 3], name[67];
    mst_retry_t retry;
    mst_rc rc = of_status(status, &retry);
    size_t n = mst_text_excerpt(mst_str_trim(message), SAID_MAX, text), m = mst_text_excerpt(code, 64, name);
    char number[16];
    (void)snprintf(number, sizeof number, "%d", status);
    m = mst_str_eq_c(code, number) ? 0 : m; // some servers give the status again as their code
    const char *open = m > 0 ? " (" : "", *close = m > 0 ? ")" : "";
    const char *hint = status == 401 || status == 403  ? "; check api_key"
                       : status == 404                 ? "; check base_url and model"
                       : status >= 300 && status < 400 ? "; redirects are not followed, check base_url"
                                                       : "";
    if (n == 0)
        MST_ERR_SUB(err, rc, status, "the server answered %d%s%.*s%s without saying why%s", status, open, (int)m, name,
                    close, hint);
    else
        MST_ERR_SUB(err, rc, status, "the server answered %d%s%.*s%s: %.*s%s", status, open, (int)m, name, close,
                    (int)n, text, hint);
    if (err != NULL)
        err->retry = is_money(code) ? MST_RETRY_NEVER : retry;
}

static void
say_in_stream(int code, mst_str_t name, mst_str_t message, mst_err_t *err)
{
    char text[SAID_MAX + 3], shown[67];
    mst_retry_t retry = MST_RETRY_LATER;
    bool is_status = code >= 400 && code < 600;
    bool limit = mst_str_eq(name, MST_STR("rate_limit_exceeded"));
    mst_rc rc = is_status ? of_status(code, &retry) : limit ? MST_AGAIN : MST_IO;
    size_t n = mst_text_excerpt(mst_str_trim(message), SAID_MAX, text), m = mst_text_excerpt(name, 64, shown);
    MST_ERR_SUB(err, rc,
                limit       ? 429
                : is_status ? code
                            : 0,
                "the server broke off its answer with an error%s%.*s%s: %.*s", m > 0 ? " (" : "", (int)m, shown,
                m > 0 ? ")" : "", (int)n, text);
    if (err != NULL)
        err->retry = is_money(name) ? MST_RETRY_NEVER : retry;
}

// {"detail": "text"} or {"detail": [{"loc": ["body", "model"], "msg": "..."}]}: the first one's sentence.
static mst_str_t
detail_text(const mst_json_t *detail, mst_str_t *where)
{
    mst_str_t text = MST_STR_NULL;
    if (mst_json_str(detail, &text))
        return text;
    const mst_json_t *first = mst_json_is(detail, MST_JSON_ARR) ? mst_json_at(detail, 0) : detail;
    const mst_json_t *loc = mst_json_get(first, "loc");
    if (mst_json_is(loc, MST_JSON_ARR) && loc->count > 0)
        (void)mst_json_str(mst_json_at(loc, loc->count - 1), where);
    if (!mst_json_str(mst_json_get(first, "msg"), &text))
        (void)mst_json_str(mst_json_get(first, "message"), &text);
    return text;
}

bool
mst_said_error(const mst_json_t *root, int status, mst_err_t *err)
{
    const mst_json_t *error = mst_json_get(root, "error"), *holder = error;
    mst_str_t message = MST_STR_NULL, name = MST_STR_NULL, object = MST_STR_NULL;
    int64_t code = 0;
    (void)mst_json_str(mst_json_get(root, "object"), &object);
    bool there = error != NULL && !mst_json_is(error, MST_JSON_NULL);
    if (there && !mst_json_is(error, MST_JSON_OBJ)) {
        (void)mst_json_str(error, &message);
        holder = root;
    } else if (!there && mst_str_eq(object, MST_STR("error"))) {
        holder = root;
        there = true;
    } else if (!there && status != 0) {
        holder = root;
        there = mst_json_is(root, MST_JSON_OBJ);
    }
    if (!there)
        return false;
    if (message.n == 0 && !mst_json_str(mst_json_get(holder, "message"), &message))
        message = detail_text(mst_json_get(holder, "detail"), &name);
    if (!mst_json_str(mst_json_get(holder, "code"), &name) && name.n == 0)
        (void)mst_json_str(mst_json_get(holder, "type"), &name);
    if (name.n == 0)
        (void)mst_json_str(mst_json_get(holder, "error_type"), &name); // TGI
    if (!mst_json_i64(mst_json_get(holder, "code"), &code))
        (void)mst_json_i64(mst_json_get(holder, "status"), &code);
    if (status != 0)
        say(status, name, message, err);
    else
        say_in_stream(code > 0 && code < 1000 ? (int)code : 0, name, message, err);
    return true;
}

void
mst_said_http_error(int status, mst_str_t body, mst_arena_t *scratch, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    mst_arena_reset(scratch);
    mst_str_t text = mst_str_trim(body);
    if (text.n > 0 && text.p[0] == '{' && mst_json_parse_lenient(text, scratch, &root, NULL) == MST_OK &&
        mst_said_error(root, status, err))
        return;
    say(status, MST_STR_NULL, mst_str_cut(text, SAID_MAX), err);
}
