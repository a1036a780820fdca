// muster probe: what a backend says of itself and what one small request of each kind shows, before any run.
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/env.h"
#include "common/base/limits.h"
#include "worker/probing.h"
#include "worker/reach.h"
#include "worker/secrets.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPT_PROVIDER = 256, OPT_URL, OPT_MODEL, OPT_KEY, OPT_JSON, OPT_LIGHT };

typedef struct {
    const char *config, *provider, *url, *model, *key;
    bool json, light;
} options_t;

static const struct argp_option option_table[] = {
    {"provider", OPT_PROVIDER, "NAME", 0, "provider of the backend (muster list-providers)", 0},
    {"base-url", OPT_URL, "URL", 0, "its base URL; the provider's own when not given", 0},
    {"model", OPT_MODEL, "NAME", 0, "model to ask for", 0},
    {"api-key", OPT_KEY, "REFERENCE", 0, "its key: env:NAME or file:/path, never the key itself", 0},
    {"light", OPT_LIGHT, NULL, 0, "only what it says of itself: no request that generates", 0},
    {"json", OPT_JSON, NULL, 0, "print one JSON document on standard output", 0},
    {0},
};

static const char doc[] =
    "Look at a backend: engine, version, model, context length, log-probabilities, log-likelihoods of a text. With a "
    "CONFIG each of its targets is looked at, and whether its run would be refused.\v"
    "Exit codes: 0 all answered, 2 the configuration cannot be used or its run would be refused, 4 no answer.\n\n"
    "Examples:\n"
    "  muster probe --provider openai --base-url http://127.0.0.1:8000/v1 --model my-model\n"
    "  muster probe configs/server.yaml --json\n";

static error_t
on_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    switch (key) {
    case OPT_PROVIDER:
        o->provider = arg;
        break;
    case OPT_URL:
        o->url = arg;
        break;
    case OPT_MODEL:
        o->model = arg;
        break;
    case OPT_KEY:
        o->key = arg;
        break;
    case OPT_LIGHT:
        o->light = true;
        break;
    case OPT_JSON:
        o->json = true;
        break;
    case ARGP_KEY_ARG:
        if (o->config != NULL)
            argp_error(state, "one CONFIG at a time; \"%s\" is too many", arg);
        o->config = arg;
        break;
    case ARGP_KEY_END:
        if ((o->config == NULL) == (o->provider == NULL))
            argp_error(state, "either CONFIG or --provider NAME is needed");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void
put_option(mst_jw_t *w, const char *key, const char *value)
{
    if (value == NULL)
        return;
    mst_jw_key(w, key);
    mst_jw_str(w, mst_str_c(value));
}

// Some providers do not go without a longest answer; a probe's own requests say how long theirs are.
static bool
wants_max_tokens(const char *name)
{
    const mst_provider_t *p = mst_provider_find(mst_str_c(name));
    for (size_t i = 0; p != NULL && p->kind.params[i].name != NULL; i++)
        if (strcmp(p->kind.params[i].name, "max_tokens") == 0)
            return p->kind.params[i].required;
    return false;
}

// A configuration around the provider that the options name: read like any other, so that its errors are the same.
static void
write_config(const options_t *o, mst_buf_t *out)
{
    mst_jw_t w;
    mst_jw_init(&w, out);
    mst_buf_add_c(out, "{\"name\":\"probe\",\"data_source\":{\"path\":\"none\"},\"scorers\":[{\"scorer_name\":"
                       "\"length\"}],\"provider\":");
    mst_jw_obj(&w);
    put_option(&w, "provider_type", o->provider);
    put_option(&w, "model", o->model != NULL ? o->model : "default");
    put_option(&w, "base_url", o->url);
    if (wants_max_tokens(o->provider)) {
        mst_jw_key(&w, "max_tokens");
        mst_jw_i64(&w, 16);
    }
    put_option(&w, "api_key", o->key);
    mst_jw_obj_end(&w);
    mst_buf_add_c(out, "}");
}

static mst_rc
load(const options_t *o, mst_arena_t *arena, mst_run_cfg_t *cfg, mst_err_t *err)
{
    mst_config_env_t env = mst_cli_env(true);
    char *text = NULL;
    size_t n = 0;
    if (o->config == NULL) {
        mst_buf_t b;
        mst_buf_init(&b, MST_YAML_BYTES_MAX);
        write_config(o, &b);
        mst_rc rc = mst_run_cfg_load(mst_buf_view(&b), "options", &env, arena, cfg, err);
        mst_buf_deinit(&b);
        return rc;
    }
    mst_rc rc = mst_cli_read_file(o->config, MST_YAML_BYTES_MAX, &text, &n, err);
    if (rc == MST_OK)
        rc = mst_run_cfg_load(mst_str(text, n), o->config, &env, arena, cfg, err);
    free(text);
    if (rc == MST_OK && cfg->target_count == 0)
        rc = MST_ERR(err, MST_INVAL, "%s names no provider", o->config);
    return rc;
}

static void
on_probed(void *ud)
{
    mst_loop_stop(ud);
}

// The header line of the key; *out NULL when there is none.
static mst_rc
read_key(const mst_provider_cfg_t *cfg, const mst_request_t *plain, char **out, size_t *key_at, mst_err_t *err)
{
    mst_config_env_t env = mst_cli_env(true);
    char *key = NULL;
    *out = NULL;
    if (plain == NULL || plain->auth_name.n == 0)
        return MST_OK;
    mst_rc rc = mst_secret_read(cfg, &env, &key, err);
    if (rc != MST_OK || key == NULL)
        return rc;
    size_t n = plain->auth_name.n + plain->auth_prefix.n + strlen(key) + 3;
    *out = mst_xalloc(n);
    (void)snprintf(*out, n, "%.*s: %.*s%s", MST_FMT(plain->auth_name), MST_FMT(plain->auth_prefix), key);
    *key_at = plain->auth_name.n + 2 + plain->auth_prefix.n;
    mst_secret_free(&key);
    return MST_OK;
}

static mst_rc
probe_one(const mst_provider_cfg_t *cfg, mst_probe_mode_t mode, unsigned needs, mst_probing_t **out, mst_err_t *err)
{
    const mst_provider_t *provider = mst_provider_find(mst_str_c(cfg->kind->name));
    const mst_http_opts_t opts = {.connections_max = 4, .user_agent = "muster/" MUSTER_VERSION};
    mst_config_env_t env = mst_cli_env(true);
    mst_loop_t *loop = NULL;
    mst_http_t *http = NULL;
    mst_probe_t *probe = NULL;
    mst_probing_opts_t o = {0};
    char *auth = NULL;
    size_t key_at = 0;
    if (cfg->launch.table != NULL)
        return MST_ERR(err, MST_UNSUPPORTED,
                       "this backend is started by the run (provider.launch); start it by hand to look at it, and name "
                       "it with --provider and --base-url");
    if (provider == NULL || provider->replays)
        return MST_ERR(err, MST_UNSUPPORTED, "provider %s has no server to look at", cfg->kind->name);
    mst_rc rc = mst_loop_new(&loop, err);
    if (rc == MST_OK)
        rc = mst_http_new(loop, &opts, &http, err);
    if (rc == MST_OK)
        rc = mst_reach_net(cfg, &env, http, &o.net, err);
    if (rc == MST_OK) {
        probe = mst_probe_new(provider, cfg, mode, needs);
        rc = read_key(cfg, mst_probe_plain(probe), &auth, &key_at, err);
    }
    if (rc == MST_OK) {
        o.loop = loop;
        o.http = http;
        o.auth = mst_str_c(auth);
        o.key = mst_str_c(auth != NULL ? auth + key_at : NULL);
        *out = mst_probing_new(&o, &probe, on_probed, loop);
        mst_loop_run(loop);
    }
    mst_http_free(&http);
    mst_loop_free(&loop);
    mst_secret_free(&auth);
    mst_probe_free(&probe);
    return rc;
}

static void
print_fact(const char *name, mst_fact_t v)
{
    if (v != MST_FACT_UNKNOWN)
        printf("  %-16s %s\n", name, v == MST_FACT_YES ? "yes" : "no");
}

static void
print_text(const char *name, mst_str_t v)
{
    if (v.n > 0)
        printf("  %-16s %.*s\n", name, MST_FMT(v));
}

static void
print_facts(const mst_probe_facts_t *f)
{
    print_fact("reachable", f->reachable);
    if (f->reachable == MST_FACT_NO)
        print_text("because", f->why_silent);
    print_text("engine", f->engine);
    print_text("version", f->engine_version);
    print_text("model", f->model);
    print_text("revision", f->model_revision);
    print_fact("model listed", f->model_known);
    if (f->context_tokens != MST_NONE)
        printf("  %-16s %lld tokens\n", "context", (long long)f->context_tokens);
    print_fact("answers", f->answers);
    print_fact("streams", f->streams);
    print_fact("usage", f->usage);
    print_fact("logprobs", f->logprobs);
    print_fact("loglikelihoods", f->loglik);
    print_text("because", f->why);
}

typedef struct {
    const options_t *o;
    mst_jw_t w;
    bool silent, refused;
} report_t;

static mst_rc
target(report_t *r, const mst_run_cfg_t *cfg, const mst_target_cfg_t *t, mst_err_t *err)
{
    mst_probing_t *probing = NULL;
    mst_err_t why = {0};
    unsigned needs = r->o->config != NULL ? mst_probe_needs(cfg) : 0;
    mst_rc rc = probe_one(&t->provider, r->o->light ? MST_PROBE_LIGHT : MST_PROBE_FULL, needs, &probing, err);
    if (rc != MST_OK)
        return rc;
    const mst_probe_facts_t *f = mst_probe_facts(mst_probing_probe(probing));
    bool refused = mst_probe_verdict(mst_probing_probe(probing), &why) != MST_OK;
    r->silent = r->silent || f->reachable != MST_FACT_YES;
    r->refused = r->refused || refused;
    if (r->o->json) {
        mst_jw_obj(&r->w);
        mst_jw_key(&r->w, "target");
        mst_jw_str(&r->w, t->label);
        mst_jw_key(&r->w, "provider");
        mst_jw_str(&r->w, mst_str_c(t->provider.kind->name));
        mst_probe_write(f, &r->w);
        put_option(&r->w, "refused", refused ? why.message : NULL);
        mst_jw_obj_end(&r->w);
    } else {
        printf("%.*s (%s)\n", MST_FMT(t->label), t->provider.kind->name);
        print_facts(f);
        if (refused)
            printf("  a run of this configuration is refused: %s\n", why.message);
    }
    mst_probing_free(&probing, true); // its loop has ended with its client
    return MST_OK;
}

static int
probe_all(const options_t *o, mst_arena_t *arena)
{
    mst_run_cfg_t cfg;
    mst_err_t err = {0};
    mst_buf_t text;
    report_t r = {.o = o};
    mst_buf_init(&text, MST_MIB);
    mst_jw_init(&r.w, &text);
    mst_jw_arr(&r.w);
    mst_rc rc = load(o, arena, &cfg, &err);
    for (size_t i = 0; rc == MST_OK && i < cfg.target_count; i++)
        rc = target(&r, &cfg, &cfg.targets[i], &err);
    mst_jw_arr_end(&r.w);
    if (rc == MST_OK && o->json)
        printf("%.*s\n", MST_FMT(mst_buf_view(&text)));
    mst_buf_deinit(&text);
    if (rc != MST_OK)
        return mst_cli_fail(&err);
    return r.refused ? MST_EXIT_USAGE : r.silent ? MST_EXIT_INFRA : MST_EXIT_PASS;
}

int
mst_cmd_probe(int argc, char **argv)
{
    static const struct argp argp = {option_table, on_option, "[CONFIG]", doc, NULL, NULL, NULL};
    options_t o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    int code = probe_all(&o, arena);
    mst_arena_free(&arena);
    return code;
}
