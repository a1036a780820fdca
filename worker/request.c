// X-Request-Id goes to every server; the lines that tell the case go to our own machine only, where a simulated
// backend looks replies up by them.
#include "worker/request.h"

#include "common/base/limits.h"
#include "worker/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_HEADERS    5
#define LINE_MAX_BYTES (MST_ID_MAX + 64)

mst_str_t
mst_request_model(const mst_run_target_t *target)
{
    const mst_params_t *p = &target->ask.params;
    for (const mst_param_t *row = p->table; row->name; row++)
        if (strcmp(row->name, "model") == 0)
            return mst_params_str(p, "model");
    return MST_STR_NULL;
}

// The whole header line with the key is kept with the run and wiped with it.
mst_rc
mst_request_key(mst_io_target_t *t, const mst_request_t *q, const mst_config_env_t *env, mst_err_t *err)
{
    if (t->secret_read || q->auth_name.n == 0)
        return MST_OK;
    char *key = NULL;
    mst_rc rc = mst_secret_read(&t->cfg->ask, env, &key, err);
    if (rc != MST_OK)
        return rc;
    t->secret_read = true;
    if (!key)
        return MST_OK;
    size_t n = q->auth_name.n + q->auth_prefix.n + strlen(key) + 3;
    t->secret = mst_xalloc(n);
    (void)snprintf(t->secret, n, "%.*s: %.*s%s", MST_FMT(q->auth_name), MST_FMT(q->auth_prefix), key);
    t->key = t->secret + q->auth_name.n + 2 + q->auth_prefix.n;
    explicit_bzero(key, strlen(key));
    free(key);
    return MST_OK;
}

static bool
harmless(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return s.n > 0;
}

static mst_str_t
own_line(mst_arena_t *arena, const char *name, mst_str_t value)
{
    char line[LINE_MAX_BYTES];
    int n = snprintf(line, sizeof line, "%s: %.*s", name, MST_FMT(mst_str_cut(value, MST_ID_MAX)));
    return mst_arena_dup(arena, mst_str(line, (size_t)n), NULL);
}

static mst_str_t
number_line(mst_arena_t *arena, const char *name, uint32_t value)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%u", value);
    return own_line(arena, name, mst_str(text, (size_t)n));
}

static mst_rc
add_lines(mst_attempt_t *a, const mst_io_target_t *t, mst_err_t *err)
{
    mst_request_t *q = &a->request;
    mst_str_t *lines = MST_ARENA_ARRAY(a->arena, mst_str_t, q->header_count + OWN_HEADERS);
    if (!lines)
        return MST_ERR(err, MST_LIMIT, "request does not fit into memory");
    size_t n = q->header_count;
    a->own_headers_at = n;
    if (n > 0)
        memcpy(lines, q->headers, n * sizeof *lines);
    // A UUID of version 8, as some servers refuse any other form: run, repeat, attempt, step, case.
    char id[40];
    unsigned step = a->plan ? mst_plan_step_no(a->plan) + 1 : 0;
    int id_n = snprintf(id, sizeof id, "%08x-%04x-8%03x-8%03x-%012llx", (unsigned)t->run->run_no,
                        (unsigned)a->key.repeat_no & 0xffffU, (unsigned)a->number & 0xfffU, step & 0xfffU,
                        (unsigned long long)a->key.case_no & 0xffffffffffffULL);
    lines[n++] = own_line(a->arena, "X-Request-Id", mst_str(id, (size_t)id_n));
    if (t->loopback) {
        if (harmless(a->c.id))
            lines[n++] = own_line(a->arena, "X-Case-Id", a->c.id);
        lines[n++] = number_line(a->arena, "X-Repeat", a->key.repeat_no);
        lines[n++] = number_line(a->arena, "X-Attempt", a->number);
        if (a->plan)
            lines[n++] = number_line(a->arena, "X-Step", mst_plan_step_no(a->plan));
    }
    q->headers = lines;
    q->header_count = n;
    return MST_OK;
}

mst_rc
mst_request_build(mst_attempt_t *a, mst_io_target_t *t, const mst_config_env_t *env, mst_http_req_t *req,
                  mst_err_t *err)
{
    const mst_run_target_t *r = a->target;
    a->ask = (mst_ask_t){.c = &a->c, .repeat_no = a->key.repeat_no, .system_prompt = a->run->cfg.system_prompt};
    if (a->plan)
        a->ask = *mst_plan_ask(a->plan);
    mst_rc rc = r->provider->build_request(&r->ask, &a->ask, a->arena, &a->request, err);
    if (rc == MST_OK)
        rc = add_lines(a, t, err);
    if (rc != MST_OK)
        return rc == MST_DENIED ? MST_INVAL : rc;
    rc = mst_request_key(t, &a->request, env, err);
    if (rc != MST_OK)
        return rc;
    a->key_text = mst_str_c(t->key);
    *req = (mst_http_req_t){
        .method = a->request.method ? a->request.method : "POST",
        .url = a->request.url,
        .headers = a->request.headers,
        .header_count = a->request.header_count,
        .auth = mst_str_c(t->secret),
        .body = a->request.body,
        .connect_timeout_ms = r->connect_ms,
        .total_timeout_ms = r->total_ms,
        .body_max = MST_HTTP_BODY_MAX,
        .net = t->net,
    };
    return MST_OK;
}
