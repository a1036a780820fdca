// Everything here comes from a server: texts are cut, numbers are checked, and what is not there stays unknown.
#include "worker/core/probe_read.h"

#include "common/base/limits.h"

#include <string.h>

#define CONTEXT_MAX 1000000000

static void
put_text(mst_str_t *to, const mst_json_t *v, mst_arena_t *arena)
{
    mst_str_t s = MST_STR_NULL;
    if (to->n > 0 || !mst_json_str(v, &s) || s.n == 0)
        return;
    s = mst_str_cut(s, MST_NAME_MAX);
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return;
    *to = mst_arena_dup(arena, s, NULL);
}

static void
put_name(mst_str_t *to, const char *name)
{
    if (to->n == 0)
        *to = mst_str_c(name);
}

static void
put_context(mst_probe_facts_t *f, const mst_json_t *v)
{
    int64_t n = 0;
    if (f->context_tokens == MST_NONE && mst_json_i64(v, &n) && n > 0 && n < CONTEXT_MAX)
        f->context_tokens = n;
}

// GET /v1/models: OpenAI's list, with what vLLM, SGLang and llama.cpp add to it.
static void
read_models(mst_probe_facts_t *f, const mst_json_t *root, mst_str_t model, mst_arena_t *arena)
{
    const mst_json_t *list = mst_json_get(root, "data"), *found = NULL;
    mst_str_t id, owner = MST_STR_NULL;
    if (!mst_json_is(list, MST_JSON_ARR))
        return;
    for (uint32_t i = 0; i < list->count && found == NULL; i++)
        if (mst_json_str(mst_json_get(mst_json_at(list, i), "id"), &id) && mst_str_eq(id, model))
            found = mst_json_at(list, i);
    f->model_known = found != NULL ? MST_FACT_YES : MST_FACT_NO;
    if (found == NULL && list->count == 1)
        found = mst_json_at(list, 0); // servers of one model answer to any name, or to an alias of it
    if (found == NULL)
        return;
    put_text(&f->model, mst_json_get(found, "id"), arena);
    put_text(&f->model_revision, mst_json_get(found, "root"), arena);
    put_context(f, mst_json_get(found, "max_model_len"));
    put_context(f, mst_json_get(mst_json_get(found, "meta"), "n_ctx_train"));
    if (!mst_json_str(mst_json_get(found, "owned_by"), &owner))
        return;
    static const char *const engines[] = {"vllm", "sglang", "llamacpp"};
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++)
        if (mst_str_eq_c(owner, engines[i]))
            put_name(&f->engine, engines[i]);
}

// GET /version of vLLM: {"version": "0.6.3"}; /api/version of Ollama is the same.
static void
read_vllm(mst_probe_facts_t *f, const mst_json_t *root, mst_str_t model, mst_arena_t *arena)
{
    (void)model;
    if (mst_json_get(root, "version") == NULL)
        return;
    put_name(&f->engine, "vllm");
    put_text(&f->engine_version, mst_json_get(root, "version"), arena);
}

static void
read_ollama(mst_probe_facts_t *f, const mst_json_t *root, mst_str_t model, mst_arena_t *arena)
{
    (void)model;
    if (mst_json_get(root, "version") == NULL)
        return;
    put_name(&f->engine, "ollama");
    put_text(&f->engine_version, mst_json_get(root, "version"), arena);
}

// GET /props of llama.cpp.
static void
read_props(mst_probe_facts_t *f, const mst_json_t *root, mst_str_t model, mst_arena_t *arena)
{
    (void)model;
    const mst_json_t *settings = mst_json_get(root, "default_generation_settings");
    if (settings == NULL)
        return;
    put_name(&f->engine, "llamacpp");
    put_context(f, mst_json_get(settings, "n_ctx"));
    put_text(&f->engine_version, mst_json_get(root, "build_info"), arena);
    put_text(&f->model_revision, mst_json_get(root, "model_path"), arena);
}

// GET /get_server_info of SGLang.
static void
read_sglang(mst_probe_facts_t *f, const mst_json_t *root, mst_str_t model, mst_arena_t *arena)
{
    (void)model;
    if (mst_json_get(root, "model_path") == NULL)
        return;
    put_name(&f->engine, "sglang");
    put_text(&f->engine_version, mst_json_get(root, "version"), arena);
    put_text(&f->model_revision, mst_json_get(root, "weight_version"), arena);
    put_text(&f->model, mst_json_get(root, "served_model_name"), arena);
    put_context(f, mst_json_get(root, "context_length"));
}

// GET /info of Text Generation Inference.
static void
read_tgi(mst_probe_facts_t *f, const mst_json_t *root, mst_str_t model, mst_arena_t *arena)
{
    (void)model;
    if (mst_json_get(root, "model_id") == NULL)
        return;
    put_name(&f->engine, "tgi");
    put_text(&f->engine_version, mst_json_get(root, "version"), arena);
    put_text(&f->model, mst_json_get(root, "model_id"), arena);
    put_text(&f->model_revision, mst_json_get(root, "model_sha"), arena);
    put_context(f, mst_json_get(root, "max_total_tokens"));
}

const mst_probe_get_t mst_probe_gets[] = {
    {"models", "/models", false, read_models},
    {"version", "/version", true, read_vllm},
    {"props", "/props", true, read_props},
    {"server_info", "/get_server_info", true, read_sglang},
    {"tgi_info", "/info", true, read_tgi},
    {"ollama_version", "/api/version", true, read_ollama},
    {.name = NULL},
};

bool
mst_probe_gives(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; p != NULL && *p != '\0';) {
        const char *end = strchr(p, '|');
        size_t len = end != NULL ? (size_t)(end - p) : strlen(p);
        if (len == n && memcmp(p, name, n) == 0)
            return true;
        p = end != NULL ? end + 1 : NULL;
    }
    return false;
}

static mst_str_t
base_of(const mst_probe_get_t *g, const mst_params_t *params, mst_str_t plain)
{
    mst_str_t base = MST_STR_NULL;
    for (const mst_param_t *t = params->table; t != NULL && t->name != NULL; t++)
        if (strcmp(t->name, "base_url") == 0)
            base = mst_params_str(params, "base_url");
    if (!g->root) {
        static const mst_str_t tail = {"/chat/completions", 17}; // some write the whole address
        while (base.n > 0 && base.p[base.n - 1] == '/')
            base.n--;
        return mst_str_ends(base, tail) ? mst_str(base.p, base.n - tail.n) : base;
    }
    int64_t at = mst_str_find(plain, MST_STR("://"), 0);
    int64_t slash = at >= 0 ? mst_str_find(plain, MST_STR("/"), (size_t)at + 3) : -1;
    return slash > 0 ? mst_str(plain.p, (size_t)slash) : plain;
}

bool
mst_probe_url(const mst_probe_get_t *g, const mst_params_t *params, mst_str_t plain, mst_arena_t *arena, mst_str_t *out)
{
    mst_str_t base = base_of(g, params, plain);
    size_t n = strlen(g->path);
    char *p = base.n > 0 ? mst_arena_alloc_raw(arena, base.n + n) : NULL;
    if (p == NULL)
        return false;
    memcpy(p, base.p, base.n);
    memcpy(p + base.n, g->path, n);
    *out = mst_str(p, base.n + n);
    return true;
}

// Engines of their own name themselves there; what stands for a web framework says nothing.
void
mst_probe_server(mst_probe_facts_t *f, mst_str_t header, mst_arena_t *arena)
{
    static const char *const engines[] = {"muster-sim", "llama.cpp", "vllm", "sglang"};
    int64_t slash = mst_str_find(header, MST_STR("/"), 0);
    mst_str_t name = slash >= 0 ? mst_str(header.p, (size_t)slash) : header;
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        if (!mst_str_eq_c(name, engines[i]))
            continue;
        put_name(&f->engine, engines[i]);
        if (slash >= 0 && f->engine_version.n == 0) {
            mst_str_t version = mst_str(header.p + slash + 1, header.n - (size_t)slash - 1);
            f->engine_version = mst_arena_dup(arena, mst_str_cut(version, 64), NULL);
        }
    }
}

void
mst_probe_model(mst_probe_facts_t *f, mst_str_t name, mst_arena_t *arena)
{
    if (f->model.n == 0)
        f->model = mst_arena_dup(arena, mst_str_cut(name, MST_NAME_MAX), NULL);
}

static void
write_fact(mst_jw_t *w, const char *key, mst_fact_t v)
{
    if (v == MST_FACT_UNKNOWN)
        return;
    mst_jw_key(w, key);
    mst_jw_bool(w, v == MST_FACT_YES);
}

static void
write_text(mst_jw_t *w, const char *key, mst_str_t v)
{
    if (v.n == 0)
        return;
    mst_jw_key(w, key);
    mst_jw_str(w, v);
}

void
mst_probe_write(const mst_probe_facts_t *f, mst_jw_t *w)
{
    write_fact(w, "reachable", f->reachable);
    write_text(w, "why_not_reachable", f->reachable == MST_FACT_NO ? f->why_silent : MST_STR_NULL);
    write_text(w, "engine", f->engine);
    write_text(w, "engine_version", f->engine_version);
    write_text(w, "model", f->model);
    write_text(w, "model_revision", f->model_revision);
    write_fact(w, "model_listed", f->model_known);
    if (f->context_tokens != MST_NONE) {
        mst_jw_key(w, "context_tokens");
        mst_jw_i64(w, f->context_tokens);
    }
    write_fact(w, "answers", f->answers);
    write_fact(w, "streams", f->streams);
    write_fact(w, "usage", f->usage);
    write_fact(w, "logprobs", f->logprobs);
    write_fact(w, "loglikelihoods", f->loglik);
    write_text(w, "why_no_loglikelihoods", f->why);
}
