// The lines above a request's body: its address and its headers.
#include "worker/provider/write.h"

static mst_rc
full(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "the request does not fit into its memory");
}

static bool
is_clean(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    }
    return true;
}

static mst_str_t
without_slashes(mst_str_t url)
{
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    return url;
}

// Cuts the first of "a|b" that the URL ends with.
static mst_str_t
without_known(mst_str_t url, const char *known)
{
    mst_str_t rest = mst_str_c(known);
    while (rest.n > 0) {
        const char *bar = memchr(rest.p, '|', rest.n);
        mst_str_t one = mst_str(rest.p, bar != NULL ? (size_t)(bar - rest.p) : rest.n);
        if (mst_str_ends(url, one))
            return without_slashes(mst_str(url.p, url.n - one.n));
        size_t n = one.n + (bar != NULL);
        rest = mst_str(rest.p + n, rest.n - n);
    }
    return url;
}

mst_rc
mst_request_url(mst_str_t base, const char *known, const char *path, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    mst_str_t url = without_slashes(mst_str_trim(base)), tail = mst_str_c(path);
    bool http = mst_str_starts(url, MST_STR("http://")) || mst_str_starts(url, MST_STR("https://"));
    if (!http || !is_clean(url))
        return MST_ERR(err, MST_INVAL, "base_url \"%.*s\" is no http:// or https:// address",
                       MST_FMT(mst_str_cut(url, 200)));
    url = without_known(url, known);
    char *text = mst_arena_alloc_raw(arena, url.n + tail.n);
    if (text == NULL)
        return full(err);
    memcpy(text, url.p, url.n);
    memcpy(text + url.n, tail.p, tail.n);
    *out = mst_str(text, url.n + tail.n);
    return MST_OK;
}

mst_rc
mst_request_header(mst_request_t *q, mst_str_t name, mst_str_t value, mst_arena_t *arena, mst_err_t *err)
{
    if (name.n == 0 || !is_clean(name) || !is_clean(value) || memchr(name.p, ':', name.n) != NULL)
        return MST_ERR(err, MST_INVAL, "header \"%.*s\" has a character that a header may not have",
                       MST_FMT(mst_str_cut(name, 60)));
    char *line = mst_arena_alloc_raw(arena, name.n + 2 + value.n);
    if (line == NULL)
        return full(err);
    memcpy(line, name.p, name.n);
    memcpy(line + name.n, ": ", 2);
    if (value.n > 0)
        memcpy(line + name.n + 2, value.p, value.n);
    q->headers[q->header_count++] = mst_str(line, name.n + 2 + value.n);
    return MST_OK;
}

static mst_str_t
accept_line(mst_split_t split)
{
    switch (split) {
    case MST_SPLIT_SSE:
        return MST_STR("Accept: text/event-stream");
    case MST_SPLIT_NDJSON:
        return MST_STR("Accept: application/x-ndjson");
    case MST_SPLIT_BODY:
        break;
    }
    return MST_STR("Accept: application/json");
}

mst_rc
mst_request_headers(mst_request_t *q, const mst_params_t *p, size_t more, mst_arena_t *arena, mst_err_t *err)
{
    const mst_param_value_t *given = mst_params_get(p, "headers");
    const mst_json_t *map = given->set && mst_json_is(given->u.json, MST_JSON_OBJ) ? given->u.json : NULL;
    q->headers = MST_ARENA_ARRAY(arena, mst_str_t, 2 + more + (map != NULL ? map->count : 0));
    if (given->set && map == NULL)
        return MST_ERR(err, MST_INVAL, "headers is no map of names and texts");
    if (q->headers == NULL)
        return full(err);
    q->headers[q->header_count++] = MST_STR("Content-Type: application/json");
    q->headers[q->header_count++] = accept_line(q->split);
    mst_rc rc = MST_OK;
    for (size_t i = 0; map != NULL && i < map->count && rc == MST_OK; i++) {
        mst_str_t value = MST_STR_NULL, name = map->u.members[i].key;
        if (!mst_json_str(&map->u.members[i].value, &value))
            rc = MST_ERR(err, MST_INVAL, "header \"%.*s\" is not a string", MST_FMT(mst_str_cut(name, 60)));
        else
            rc = mst_request_header(q, name, value, arena, err);
    }
    return rc;
}

void
mst_request_bearer(mst_request_t *q, const mst_params_t *p)
{
    if (!mst_params_set(p, "api_key"))
        return;
    q->auth_name = MST_STR("Authorization");
    q->auth_prefix = MST_STR("Bearer ");
}
