// Logprobs of the OpenAI dialect, in both forms. What is no number is kept as missing; NaN, infinities and sentinels
// as they came.
#include "worker/provider/openai.h"

#define BYTES_MAX 64 // of one token

static float
number(const mst_json_t *v)
{
    double x = 0.0;
    return mst_json_f64(v, &x) ? (float)x : mst_logprob_missing_value();
}

// The token's text. Where the server put U+FFFD for part of a character, its bytes say what it is.
static mst_str_t
text_of(const mst_json_t *entry, char bytes[BYTES_MAX])
{
    mst_str_t text = MST_STR_NULL;
    const mst_json_t *list = mst_json_get(entry, "bytes");
    (void)mst_json_str(mst_json_get(entry, "token"), &text);
    bool part = text.n >= 3 && memmem(text.p, text.n, "\xef\xbf\xbd", 3) != NULL;
    if (!part || !mst_json_is(list, MST_JSON_ARR) || list->count == 0 || list->count > BYTES_MAX)
        return text;
    for (uint32_t i = 0; i < list->count; i++) {
        int64_t v = -1;
        if (!mst_json_i64(mst_json_at(list, i), &v) || v < 0 || v > 255)
            return text;
        bytes[i] = (char)v;
    }
    return mst_str(bytes, list->count);
}

static mst_rc
take_top(mst_decoder_t *d, const mst_json_t *top, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    char bytes[BYTES_MAX];
    for (size_t i = 0; mst_json_is(top, MST_JSON_ARR) && i < top->count && rc == MST_OK; i++) {
        const mst_json_t *one = mst_json_at(top, i);
        int64_t id = MST_NONE;
        (void)mst_json_i64(mst_json_get(one, "id"), &id);
        rc = mst_decoder_alternative(d, text_of(one, bytes), id, number(mst_json_get(one, "logprob")), err);
    }
    for (size_t i = 0; mst_json_is(top, MST_JSON_OBJ) && i < top->count && rc == MST_OK; i++)
        rc = mst_decoder_alternative(d, top->u.members[i].key, MST_NONE, number(&top->u.members[i].value), err);
    return rc;
}

static mst_rc
take_entries(mst_decoder_t *d, const mst_json_t *list, uint32_t *entries, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; mst_json_is(list, MST_JSON_ARR) && i < list->count && rc == MST_OK; i++) {
        const mst_json_t *entry = mst_json_at(list, i);
        rc = mst_decoder_logprob(d, number(mst_json_get(entry, "logprob")), err);
        if (rc == MST_OK)
            rc = take_top(d, mst_json_get(entry, "top_logprobs"), err);
        ++*entries;
    }
    return rc;
}

mst_rc
mst_openai_logprobs(mst_decoder_t *d, const mst_json_t *logprobs, uint32_t *entries, mst_err_t *err)
{
    if (!mst_json_is(logprobs, MST_JSON_OBJ))
        return MST_OK;
    mst_rc rc = take_entries(d, mst_json_get(logprobs, "content"), entries, err);
    if (rc == MST_OK)
        rc = take_entries(d, mst_json_get(logprobs, "refusal"), entries, err);
    const mst_json_t *values = mst_json_get(logprobs, "token_logprobs"), *top = mst_json_get(logprobs, "top_logprobs");
    for (size_t i = 0; mst_json_is(values, MST_JSON_ARR) && i < values->count && rc == MST_OK; i++) {
        rc = mst_decoder_logprob(d, number(mst_json_at(values, i)), err);
        if (rc == MST_OK)
            rc = take_top(d, mst_json_is(top, MST_JSON_ARR) ? mst_json_at(top, i) : NULL, err);
        ++*entries;
    }
    return rc;
}
