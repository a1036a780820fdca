// http: any service with a JSON answer. The configuration says what is sent (method, path, headers and body with places
// for what a case holds: template.h) and where in the answer things are (paths). This file: the parameters and the
// request.
#include "worker/provider/http.h"

#include "common/base/limits.h"
#include "worker/provider/common_params.h"
#include "worker/provider/error.h"
#include "worker/provider/template.h"
#include "worker/provider/write.h"

static const mst_param_t params[] = {
    {.name = "base_url", .alias = "url", .type = MST_P_URL, .required = true, .help = "where the service is"},
    {.name = "path", .type = MST_P_STR, .help = "added to the URL; may hold {{places}} and a query"},
    {.name = "method",
     .type = MST_P_ENUM,
     .dflt = "POST",
     .choices = "GET|POST|PUT|PATCH|DELETE",
     .help = "method of the request"},
    {.name = "headers", .type = MST_P_JSON, .help = "map of header lines, with {{places}}; not for secrets"},
    {.name = "body", .type = MST_P_JSON, .help = "what is sent: a map, a list or a text, with {{places}}"},
    {.name = "body_type",
     .type = MST_P_ENUM,
     .dflt = "json",
     .choices = "json|form|text",
     .help = "how body is written"},
    {.name = "api_key", .type = MST_P_SECRET, .help = "key: env:NAME, file:/path or ${NAME}"},
    {.name = "auth_header", .type = MST_P_STR, .dflt = "Authorization", .help = "header that carries the key"},
    {.name = "auth_prefix", .type = MST_P_STR, .help = "text before the key; Authorization has \"Bearer \" by default"},
    {.name = "model", .alias = "model_name", .type = MST_P_STR, .help = "for {{model}} and for reports"},
    {.name = "temperature", .type = MST_P_NUM, .help = "for {{temperature}}"},
    {.name = "max_tokens", .type = MST_P_INT, .help = "for {{max_tokens}}"},
    {.name = "seed", .type = MST_P_INT, .help = "for {{seed}}; each further repeat adds 1"},
    {.name = "text_path", .type = MST_P_STR, .help = "where the answer's text is; unset: the whole answer is text"},
    {.name = "reasoning_path", .type = MST_P_STR, .help = "where its reasoning is"},
    {.name = "tools_path",
     .type = MST_P_STR,
     .help = "list of tools that were called: names, or maps with name, arguments"},
    {.name = "finish_path", .type = MST_P_STR, .help = "why it ended; length and max_tokens mean truncated"},
    {.name = "model_path", .type = MST_P_STR, .help = "the model's name"},
    {.name = "prompt_tokens_path", .type = MST_P_STR, .help = "tokens of the prompt"},
    {.name = "completion_tokens_path", .type = MST_P_STR, .help = "tokens of the answer"},
    {.name = "logprobs_path", .type = MST_P_STR, .help = "list of numbers, or of maps with logprob: one a token"},
    {.name = "error_path",
     .type = MST_P_STR,
     .dflt = "error",
     .help = "an error, where it is neither empty, false nor 0"},
    {.name = "keep_paths", .type = MST_P_STRLIST, .help = "what else is kept with the answer"},
    {.name = "stream",
     .type = MST_P_ENUM,
     .dflt = "none",
     .choices = "none|sse|ndjson",
     .help = "does the answer come in events or lines; then one of the ends below is needed"},
    {.name = "text_is",
     .type = MST_P_ENUM,
     .dflt = "delta",
     .choices = "delta|whole",
     .help = "is each event's text the next piece, or all so far"},
    {.name = "type_path", .type = MST_P_STR, .help = "where an event's name is, when it has no SSE name"},
    {.name = "text_event", .type = MST_P_STR, .help = "name of the events with text; unset: any"},
    {.name = "error_event", .type = MST_P_STR, .dflt = "error", .help = "name of the events that are errors"},
    {.name = "end_event", .type = MST_P_STR, .help = "end: the event of this name"},
    {.name = "end_data", .type = MST_P_STR, .help = "end: the event with exactly this data, such as [DONE]"},
    {.name = "end_path", .type = MST_P_STR, .help = "end: an event with something true here"},
    MST_PARAMS_TRANSPORT,
    {.name = NULL},
};

static mst_rc
full(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "the request does not fit into its memory");
}

static mst_rc
keep(mst_arena_t *arena, mst_buf_t *b, mst_rc rc, mst_str_t *out, mst_err_t *err)
{
    bool ok = true;
    if (rc == MST_OK)
        *out = mst_arena_dup(arena, mst_buf_view(b), &ok);
    if (rc == MST_OK && (b->failed || !ok))
        rc = full(err);
    mst_buf_deinit(b);
    return rc;
}

static mst_rc
write_url(const mst_template_t *t, mst_str_t *out, mst_err_t *err)
{
    const mst_params_t *p = &t->cfg->params;
    mst_str_t base = MST_STR_NULL, path = mst_params_str(p, "path");
    mst_buf_t b;
    mst_rc rc = mst_request_url(mst_params_str(p, "base_url"), NULL, "", t->arena, &base, err);
    if (rc != MST_OK)
        return rc;
    mst_buf_init(&b, MST_HTTP_HEADER_MAX);
    (void)mst_buf_add_str(&b, base);
    if (path.n > 0 && path.p[0] != '/' && path.p[0] != '?')
        (void)mst_buf_add_byte(&b, '/');
    rc = mst_template_text(t, path, MST_FILL_URL, &b, err);
    for (size_t i = 0; rc == MST_OK && i < b.n; i++) {
        if ((unsigned char)b.p[i] <= 0x20 || b.p[i] == 0x7f)
            rc = MST_ERR(err, MST_INVAL, "path \"%.*s\" has a blank or a control character",
                         MST_FMT(mst_str_cut(path, 200)));
    }
    return keep(t->arena, &b, rc, out, err);
}

static const mst_json_t *
header_map(const mst_params_t *p)
{
    const mst_param_value_t *v = mst_params_get(p, "headers");
    return v->set && mst_json_is(v->u.json, MST_JSON_OBJ) ? v->u.json : NULL;
}

static bool
same_name(mst_str_t a, const char *b)
{
    for (size_t i = 0; i < a.n; i++) {
        if (b[i] == '\0' || (a.p[i] | 0x20) != (b[i] | 0x20))
            return false;
    }
    return b[a.n] == '\0';
}

static mst_rc
put_own(mst_request_t *q, const mst_json_t *map, const char *name, const char *value, mst_arena_t *arena,
        mst_err_t *err)
{
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        if (same_name(map->u.members[i].key, name))
            return MST_OK;
    }
    return mst_request_header(q, mst_str_c(name), mst_str_c(value), arena, err);
}

static const char *
accepted(mst_split_t split)
{
    switch (split) {
    case MST_SPLIT_SSE:
        return "text/event-stream";
    case MST_SPLIT_NDJSON:
        return "application/x-ndjson";
    case MST_SPLIT_BODY:
        break;
    }
    return "application/json";
}

static mst_rc
write_headers(const mst_template_t *t, mst_request_t *q, mst_err_t *err)
{
    const mst_params_t *p = &t->cfg->params;
    const mst_json_t *map = header_map(p);
    mst_str_t type = mst_params_str(p, "body_type");
    if (mst_params_set(p, "headers") && map == NULL)
        return MST_ERR(err, MST_INVAL, "headers is no map of names and texts");
    q->headers = MST_ARENA_ARRAY(t->arena, mst_str_t, 2 + (map != NULL ? map->count : 0));
    if (q->headers == NULL)
        return full(err);
    mst_rc rc = put_own(q, map, "Accept", accepted(q->split), t->arena, err);
    if (rc == MST_OK && mst_params_set(p, "body"))
        rc = put_own(q, map, "Content-Type",
                     mst_str_eq_c(type, "json")   ? "application/json"
                     : mst_str_eq_c(type, "form") ? "application/x-www-form-urlencoded"
                                                  : "text/plain; charset=utf-8",
                     t->arena, err);
    for (size_t i = 0; map != NULL && i < map->count && rc == MST_OK; i++) {
        const mst_json_member_t *m = &map->u.members[i];
        mst_str_t value = MST_STR_NULL;
        mst_buf_t b;
        if (!mst_json_str(&m->value, &value))
            return MST_ERR(err, MST_INVAL, "header \"%.*s\" is not a string", MST_FMT(mst_str_cut(m->key, 60)));
        mst_buf_init(&b, MST_HTTP_HEADER_MAX);
        rc = mst_template_text(t, value, MST_FILL_PLAIN, &b, err);
        if (rc == MST_OK)
            rc = mst_request_header(q, m->key, mst_buf_view(&b), t->arena, err);
        mst_buf_deinit(&b);
    }
    return rc;
}

// A text that is JSON stands for that JSON, so that what is put into it is escaped.
static mst_rc
write_body(const mst_template_t *t, mst_str_t *out, mst_err_t *err)
{
    const mst_params_t *p = &t->cfg->params;
    const mst_param_value_t *v = mst_params_get(p, "body");
    const mst_json_t *body = v->set ? v->u.json : NULL, *read = NULL;
    mst_str_t text = MST_STR_NULL, type = mst_params_str(p, "body_type");
    mst_buf_t b;
    mst_jw_t w;
    if (body == NULL)
        return MST_OK;
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    mst_jw_init(&w, &b);
    mst_rc rc;
    if (mst_str_eq_c(type, "form")) {
        rc = mst_template_form(t, body, &b, err);
    } else if (mst_str_eq_c(type, "text")) {
        rc = mst_json_str(body, &text) ? mst_template_text(t, text, MST_FILL_PLAIN, &b, err)
                                       : MST_ERR(err, MST_INVAL, "body is no text; body_type text needs one");
    } else {
        rc = MST_OK;
        if (mst_json_str(body, &text) && mst_str_find(text, MST_STR("{{"), 0) != 0) {
            rc = mst_json_parse_lenient(text, t->arena, &read, err);
            if (rc != MST_OK)
                mst_err_prefix(err, "body is a text that is not JSON, write it as a map or say body_type: text");
            body = read;
        }
        if (rc == MST_OK)
            rc = mst_template_json(t, body, &w, err);
    }
    return keep(t->arena, &b, rc, out, err);
}

static mst_split_t
split_of(const mst_params_t *p)
{
    mst_str_t stream = mst_params_str(p, "stream");
    return mst_str_eq_c(stream, "sse")      ? MST_SPLIT_SSE
           : mst_str_eq_c(stream, "ndjson") ? MST_SPLIT_NDJSON
                                            : MST_SPLIT_BODY;
}

static const char *
method_of(const mst_params_t *p)
{
    static const char *const methods[] = {"GET", "PUT", "PATCH", "DELETE"};
    mst_str_t given = mst_params_str(p, "method");
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (mst_str_eq_c(given, methods[i]))
            return methods[i];
    }
    return "POST";
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    const mst_params_t *p = &cfg->params;
    const mst_template_t t = {.cfg = cfg, .ask = ask, .arena = arena};
    *out = (mst_request_t){.split = split_of(p), .method = method_of(p)};
    bool ends = mst_params_set(p, "end_event") || mst_params_set(p, "end_data") || mst_params_set(p, "end_path");
    if (out->split != MST_SPLIT_BODY && !ends)
        return MST_ERR(
            err, MST_INVAL,
            "stream has no end: say end_event, end_data or end_path, so that a cut answer is not taken for a "
            "whole one");
    if (mst_params_set(p, "api_key")) {
        out->auth_name = mst_params_str(p, "auth_header");
        out->auth_prefix = mst_params_str(p, "auth_prefix");
        if (!mst_params_set(p, "auth_prefix") && same_name(out->auth_name, "Authorization"))
            out->auth_prefix = MST_STR("Bearer ");
    }
    mst_rc rc = write_url(&t, &out->url, err);
    if (rc == MST_OK)
        rc = write_headers(&t, out, err);
    if (rc == MST_OK)
        rc = write_body(&t, &out->body, err);
    return rc;
}

const mst_provider_t mst_provider_http = {
    .kind = {.name = "http", .params = params, .help = "any service that answers with JSON, described by its paths"},
    .asks = MST_ASK_BIT(MST_ASK_GENERATE),
    .empty_ok = true,
    .build_request = build_request,
    .on_event = mst_service_on_event,
    .on_end = mst_service_on_end,
    .on_http_error = mst_said_http_error,
    .has_token = mst_service_has_token,
};
