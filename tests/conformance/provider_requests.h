// What a provider asks for, row by row: name, request {params, ask, input, messages, system_prompt, context,
// continuation, texts, id, metadata, repeat_no}, expect {method, url, headers (each must be there), no_headers (names
// that must not), auth, split, body (an object: equal as JSON, whatever the order; a string: byte by byte), error}.
#ifndef MST_TESTS_PROVIDER_REQUESTS_H
#define MST_TESTS_PROVIDER_REQUESTS_H

#include "conformance/provider_row.h"

static const char *const split_names[] = {"sse", "ndjson", "body"};
static const char *const ask_names[] = {"generate", "loglikelihood", "rolling", "embed"};

static inline mst_str_t
as_text(suite_t *t, const mst_json_t *v)
{
    mst_buf_t b;
    mst_jw_t w;
    if (v == NULL)
        return MST_STR_NULL;
    mst_buf_init(&b, 64u << 20);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, v);
    mst_str_t s = mst_arena_dup(t->row_arena, mst_buf_view(&b), NULL);
    mst_buf_deinit(&b);
    return s;
}

// Fills ask, case and parameters of a row from an object.
static inline void
read_ask(suite_t *t, row_t *row, const mst_json_t *from)
{
    mst_str_t kind = tst_str(from, "ask");
    const mst_json_t *texts = mst_json_get(from, "texts");
    row->c = (mst_case_t){.id = tst_str(from, "id"),
                          .input = tst_str(from, "input"),
                          .metadata = as_text(t, mst_json_get(from, "metadata"))};
    row->ask = (mst_ask_t){.system_prompt = tst_str(from, "system_prompt"),
                           .messages = as_text(t, mst_json_get(from, "messages")),
                           .context = tst_str(from, "context"),
                           .continuation = tst_str(from, "continuation")};
    for (size_t i = 0; i < sizeof ask_names / sizeof ask_names[0]; i++) {
        if (mst_str_eq_c(kind, ask_names[i]))
            row->ask.kind = (mst_ask_kind_t)i;
    }
    int64_t repeat = 0;
    (void)mst_json_i64(mst_json_get(from, "repeat_no"), &repeat);
    row->ask.repeat_no = (uint32_t)repeat;
    if (mst_json_is(texts, MST_JSON_ARR)) {
        mst_str_t *list = MST_ARENA_ARRAY(t->row_arena, mst_str_t, texts->count + 1);
        for (size_t i = 0; i < texts->count; i++)
            (void)mst_json_str(mst_json_at(texts, i), &list[i]);
        row->ask.texts = list;
        row->ask.text_count = texts->count;
    }
    row->cfg = (mst_provider_cfg_t){
        .kind = &t->provider->kind,
        .params = tst_params(t->provider->kind.params, mst_json_get(from, "params"), t->row_arena)};
}

static inline bool
has_header(const mst_request_t *q, mst_str_t line)
{
    for (size_t i = 0; i < q->header_count; i++) {
        if (mst_str_eq(q->headers[i], line))
            return true;
    }
    return false;
}

static inline void
check_headers(suite_t *t, const row_t *row, const mst_request_t *q)
{
    const mst_json_t *want = mst_json_get(row->expect, "headers"), *none = mst_json_get(row->expect, "no_headers");
    for (size_t i = 0; mst_json_is(want, MST_JSON_ARR) && i < want->count; i++) {
        mst_str_t line = MST_STR_NULL;
        (void)mst_json_str(mst_json_at(want, i), &line);
        if (!has_header(q, line))
            wrong(t, row, "a header that is missing", line);
    }
    for (size_t i = 0; mst_json_is(none, MST_JSON_ARR) && i < none->count; i++) {
        mst_str_t name = MST_STR_NULL;
        (void)mst_json_str(mst_json_at(none, i), &name);
        for (size_t h = 0; h < q->header_count; h++) {
            if (mst_str_starts(q->headers[h], name) && q->headers[h].n > name.n && q->headers[h].p[name.n] == ':')
                wrong(t, row, "a header that must not be there", q->headers[h]);
        }
    }
}

static inline mst_str_t
canonical(suite_t *t, const mst_json_t *v)
{
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, 64u << 20);
    mst_jw_init(&w, &b);
    mst_jw_canonical(&w, v);
    mst_str_t s = mst_arena_dup(t->row_arena, mst_buf_view(&b), NULL);
    mst_buf_deinit(&b);
    return s;
}

static inline void
check_body(suite_t *t, const row_t *row, const mst_request_t *q)
{
    const mst_json_t *want = mst_json_get(row->expect, "body"), *got = NULL;
    mst_str_t text = MST_STR_NULL;
    mst_err_t err = {0};
    if (want == NULL)
        return;
    if (mst_json_str(want, &text)) {
        if (!mst_str_eq(text, q->body))
            wrong(t, row, "body", q->body);
        return;
    }
    if (!mst_json_valid(q->body, false) || mst_json_parse_lenient(q->body, t->row_arena, &got, &err) != MST_OK) {
        wrong(t, row, "a body that is not JSON", q->body);
        return;
    }
    if (!mst_str_eq(canonical(t, want), canonical(t, got)))
        wrong(t, row, "body", q->body);
}

static inline void
check_request(suite_t *t, row_t *row)
{
    mst_request_t q = {0};
    mst_err_t err = {0};
    mst_str_t error = tst_str(row->expect, "error");
    t->variant = "request";
    t->requests++;
    read_ask(t, row, mst_json_get(row->json, "request"));
    row->ask.c = &row->c;
    if ((t->provider->asks & MST_ASK_BIT(row->ask.kind)) == 0) {
        wrong(t, row, "an ask that the provider has no route for", mst_str_c(ask_names[row->ask.kind]));
        return;
    }
    mst_rc rc = t->provider->build_request(&row->cfg, &row->ask, t->row_arena, &q, &err);
    if (error.n > 0 || rc != MST_OK) {
        if (rc == MST_OK || error.n == 0 || mst_str_find(mst_str_c(err.message), error, 0) < 0)
            wrong(t, row, "error", mst_str_c(err.message));
        return;
    }
    check_text(t, row, "method", mst_str_c(q.method != NULL ? q.method : "POST"));
    check_text(t, row, "url", q.url);
    check_text(t, row, "split", mst_str_c(split_names[q.split]));
    mst_buf_t auth;
    mst_buf_init(&auth, 4096);
    if (q.auth_name.n > 0)
        (void)mst_buf_addf(&auth, "%.*s: %.*s", MST_FMT(q.auth_name), MST_FMT(q.auth_prefix));
    check_text(t, row, "auth", mst_buf_view(&auth));
    mst_buf_deinit(&auth);
    check_headers(t, row, &q);
    check_body(t, row, &q);
}

#endif
