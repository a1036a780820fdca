#include "worker/plugin/reply.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

#include <math.h>

#define SENTENCE_MAX (2 * MST_REASON_MAX) // the caller cuts at MST_REASON_MAX

static void
put_text(mst_jw_t *w, const char *key, mst_str_t text)
{
    mst_jw_key(w, key);
    mst_jw_str(w, text);
}

// JSON text that came with the case; null when it is empty or no strict JSON. Line breaks in it would end the line;
// outside of strings they are white space, inside there are none.
static void
put_json(mst_jw_t *w, const char *key, mst_str_t json)
{
    mst_jw_key(w, key);
    if (json.n == 0 || !mst_json_valid(json, false)) {
        mst_jw_null(w);
        return;
    }
    size_t from = w->out->n;
    mst_jw_raw(w, json);
    for (size_t i = from; i < w->out->n && !w->out->failed; i++)
        if (w->out->p[i] == '\n' || w->out->p[i] == '\r')
            w->out->p[i] = ' ';
}

void
mst_reply_hello(mst_str_t label, const mst_json_t *params, mst_buf_t *out)
{
    mst_jw_t w;
    mst_jw_init(&w, out);
    mst_jw_obj(&w);
    mst_jw_key(&w, "muster");
    mst_jw_i64(&w, MST_REPLY_VERSION);
    put_text(&w, "scorer", label);
    mst_jw_key(&w, "params");
    mst_jw_value(&w, params);
    mst_jw_obj_end(&w);
    mst_buf_add_byte(out, '\n');
}

void
mst_reply_request(uint64_t id, const mst_score_in_t *in, mst_buf_t *out)
{
    const mst_case_t *c = in->c;
    mst_jw_t w;
    mst_jw_init(&w, out);
    mst_jw_obj(&w);
    mst_jw_key(&w, "id");
    mst_jw_u64(&w, id);
    put_text(&w, "case_id", c->id);
    put_text(&w, "input", c->input);
    put_json(&w, "messages", c->messages);
    mst_jw_key(&w, "expected");
    if (c->has_expected)
        mst_jw_str(&w, c->expected);
    else
        mst_jw_null(&w);
    put_text(&w, "output", in->output);
    put_json(&w, "context", c->context);
    put_json(&w, "retrieval_context", c->retrieval_context);
    put_json(&w, "metadata", c->metadata);
    mst_jw_obj_end(&w);
    mst_buf_add_byte(out, '\n');
}

mst_str_t
mst_reply_sentence(mst_str_t text, mst_arena_t *arena)
{
    mst_buf_t fixed;
    mst_str_t cut = mst_str_cut(text, SENTENCE_MAX);
    if (mst_utf8_valid(cut))
        return mst_arena_dup(arena, cut, NULL);
    mst_buf_init(&fixed, 4 * SENTENCE_MAX);
    (void)mst_utf8_repair(cut, &fixed);
    cut = mst_arena_dup(arena, mst_buf_view(&fixed), NULL);
    mst_buf_deinit(&fixed);
    return cut;
}

static mst_rc
read_object(mst_json_parser_t *parser, mst_str_t line, mst_arena_t *arena, const mst_json_t **out, mst_err_t *err)
{
    mst_err_t why;
    if (mst_json_parse(parser, line, arena, out, NULL, &why) != MST_OK || !mst_json_is(*out, MST_JSON_OBJ))
        return MST_ERR(err, MST_PROTO, "the program answered with what is no JSON object: \"%.*s\"",
                       MST_FMT(mst_str_cut(line, 120)));
    return MST_OK;
}

// {"error": "..."} of the program itself.
static mst_rc
told_error(const mst_json_t *reply, mst_err_t *err)
{
    mst_str_t text;
    const mst_json_t *v = mst_json_get(reply, "error");
    if (v == NULL || v->type == MST_JSON_NULL)
        return MST_OK;
    if (!mst_json_str(v, &text))
        return MST_ERR(err, MST_PROTO, "the program's \"error\" is no text");
    return MST_ERR(err, MST_INVAL, "%.*s", MST_FMT(text.n > 0 ? mst_str_cut(text, 400) : MST_STR("no reason given")));
}

mst_rc
mst_reply_ready(mst_json_parser_t *parser, mst_str_t line, mst_arena_t *arena, mst_err_t *err)
{
    const mst_json_t *reply = NULL;
    bool ready = false;
    mst_rc rc = read_object(parser, line, arena, &reply, err);
    if (rc == MST_OK)
        rc = told_error(reply, err);
    if (rc == MST_OK && (!mst_json_bool(mst_json_get(reply, "ready"), &ready) || !ready))
        rc = MST_ERR(err, MST_PROTO, "the program's first line is not {\"ready\": true}: \"%.*s\"",
                     MST_FMT(mst_str_cut(line, 120)));
    return rc;
}

static mst_rc
read_value(const mst_json_t *reply, mst_score_t *out, mst_err_t *err)
{
    bool yes = false;
    const mst_json_t *v = mst_json_get(reply, "score");
    if (v == NULL)
        return MST_ERR(err, MST_PROTO, "the program's answer has no \"score\", \"not_measured\" or \"error\"");
    if (mst_json_bool(v, &yes))
        out->value = yes ? 1.0 : 0.0;
    else if (v->type == MST_JSON_INT || v->type == MST_JSON_DOUBLE)
        (void)mst_json_f64(v, &out->value);
    else
        return MST_ERR(err, MST_PROTO, "the program's \"score\" is neither a number nor true or false");
    if (!isfinite(out->value))
        return MST_ERR(err, MST_INVAL, "the program's \"score\" is not a finite number");
    return MST_OK;
}

static mst_rc
read_breakdown(const mst_json_t *v, mst_arena_t *arena, mst_score_t *out, mst_err_t *err)
{
    if (v == NULL || v->type == MST_JSON_NULL)
        return MST_OK;
    if (v->type != MST_JSON_OBJ)
        return MST_ERR(err, MST_PROTO, "the program's \"breakdown\" is no JSON object");
    mst_buf_t text;
    mst_jw_t w;
    mst_rc rc = MST_OK;
    mst_buf_init(&text, MST_REPLY_BREAKDOWN_MAX);
    mst_jw_init(&w, &text);
    mst_jw_value(&w, v);
    if (text.failed)
        rc = MST_ERR(err, MST_LIMIT, "the program's \"breakdown\" is larger than %lu bytes", MST_REPLY_BREAKDOWN_MAX);
    else
        out->breakdown = mst_arena_dup(arena, mst_buf_view(&text), NULL);
    mst_buf_deinit(&text);
    return rc;
}

mst_rc
mst_reply_score(mst_json_parser_t *parser, mst_str_t line, uint64_t id, mst_arena_t *arena, mst_score_t *out,
                mst_err_t *err)
{
    const mst_json_t *reply = NULL;
    int64_t got = -1;
    bool missing = false;
    mst_str_t reason;
    mst_rc rc = read_object(parser, line, arena, &reply, err);
    if (rc != MST_OK)
        return rc;
    if (!mst_json_i64(mst_json_get(reply, "id"), &got) || got < 0 || (uint64_t)got != id)
        return MST_ERR(err, MST_PROTO, "the program's answer does not have the \"id\" of the request, %llu: \"%.*s\"",
                       (unsigned long long)id, MST_FMT(mst_str_cut(line, 120)));
    rc = told_error(reply, err);
    if (rc != MST_OK)
        return rc;
    if (mst_json_bool(mst_json_get(reply, "not_measured"), &missing) && missing)
        out->state = MST_SCORE_NOT_MEASURED;
    else
        rc = read_value(reply, out, err);
    if (mst_json_str(mst_json_get(reply, "reason"), &reason))
        out->reason = mst_reply_sentence(reason, arena);
    return rc == MST_OK ? read_breakdown(mst_json_get(reply, "breakdown"), arena, out, err) : rc;
}
