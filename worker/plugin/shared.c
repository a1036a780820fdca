// Loads with every symbol bound at once, so that what is missing shows before the run. What a plugin says is checked
// as anything from outside: its verdict, its sentence as UTF-8, its breakdown as JSON.
#include "worker/plugin/shared.h"

#include "common/base/limits.h"
#include "scorers/plugin.h"
#include "worker/plugin/reply.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PARAMS_MAX (1 * MST_MIB)
#define ERROR_MAX  400

struct mst_shared {
    void *object; // of dlopen
    const muster_plugin_t *plugin;
    void *state;
    bool compiled;
};

static mst_rc
load(mst_shared_t *s, mst_str_t path, mst_err_t *err)
{
    char file[PATH_MAX];
    // Without a slash dlopen would search the library path in place of the working directory.
    int n = snprintf(file, sizeof file, "%s%.*s", memchr(path.p, '/', path.n) == NULL ? "./" : "", MST_FMT(path));
    if (n < 0 || (size_t)n >= sizeof file || memchr(path.p, '\0', path.n) != NULL)
        return MST_ERR(err, MST_INVAL, "plugin path \"%.*s\" is not a path", MST_FMT(mst_str_cut(path, 100)));
    if (access(file, R_OK) != 0)
        return MST_ERR_SUB(err, errno == ENOENT ? MST_NOTFOUND : MST_INVAL, errno, "could not open plugin \"%s\": %s",
                           file, strerror(errno));
    s->object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (s->object == NULL)
        return MST_ERR(err, MST_UNSUPPORTED, "could not load plugin \"%s\": %s", file, dlerror());
    const muster_plugin_t *(*get)(void);
    void *symbol = dlsym(s->object, MUSTER_PLUGIN_SYMBOL);
    if (symbol == NULL)
        return MST_ERR(err, MST_UNSUPPORTED, "plugin \"%s\" has no function %s(); see scorers/plugin.h", file,
                       MUSTER_PLUGIN_SYMBOL);
    memcpy(&get, &symbol, sizeof get); // ISO C knows no cast from an object to a function
    s->plugin = get();
    if (s->plugin == NULL)
        return MST_ERR(err, MST_UNSUPPORTED, "plugin \"%s\" gives no table", file);
    if (s->plugin->version != MUSTER_PLUGIN_VERSION)
        return MST_ERR(err, MST_UNSUPPORTED,
                       "plugin \"%s\" is made for version %u of the plugin interface, this is version %u: build it "
                       "again with this version's scorers/plugin.h",
                       file, s->plugin->version, MUSTER_PLUGIN_VERSION);
    if (s->plugin->size < sizeof(muster_plugin_t) || s->plugin->score == NULL)
        return MST_ERR(err, MST_UNSUPPORTED, "plugin \"%s\" has a table without a score function", file);
    return MST_OK;
}

static mst_rc
compile(mst_shared_t *s, const mst_json_t *params, mst_err_t *err)
{
    char error[ERROR_MAX] = "";
    mst_buf_t text;
    mst_jw_t w;
    mst_rc rc = MST_OK;
    if (s->plugin->compile == NULL)
        return MST_OK;
    mst_buf_init(&text, PARAMS_MAX);
    mst_jw_init(&w, &text);
    mst_jw_value(&w, params);
    if (text.failed)
        rc = MST_ERR(err, MST_LIMIT, "params are larger than %lu bytes", PARAMS_MAX);
    else if (s->plugin->compile((muster_slice_t){text.p, text.n}, &s->state, error, sizeof error) != 0)
        rc = MST_ERR(err, MST_INVAL, "plugin %s refuses its params: %.*s",
                     s->plugin->name != NULL ? s->plugin->name : "", ERROR_MAX - 1,
                     error[0] != '\0' ? error : "it does not say why");
    else
        s->compiled = true;
    mst_buf_deinit(&text);
    return rc;
}

mst_rc
mst_shared_new(const mst_scorer_cfg_t *cfg, mst_shared_t **out, mst_err_t *err)
{
    const mst_json_t *params = mst_params_get(&cfg->params, "params")->u.json;
    mst_shared_t *s = MST_NEW(mst_shared_t);
    mst_rc rc = MST_OK;
    if (!mst_json_is(params, MST_JSON_OBJ))
        rc = MST_ERR(err, MST_INVAL, "params must be a map");
    if (rc == MST_OK)
        rc = load(s, mst_params_str(&cfg->params, "path"), err);
    if (rc == MST_OK)
        rc = compile(s, params, err);
    if (rc != MST_OK)
        mst_shared_free(&s);
    *out = s;
    return rc;
}

void
mst_shared_free(mst_shared_t **shared)
{
    mst_shared_t *s = shared != NULL ? *shared : NULL;
    if (s == NULL)
        return;
    if (s->compiled && s->plugin->destroy != NULL)
        s->plugin->destroy(s->state);
    if (s->object != NULL)
        dlclose(s->object);
    free(s);
    *shared = NULL;
}

static muster_slice_t
slice(mst_str_t s)
{
    return (muster_slice_t){s.p, s.n};
}

// A plugin's breakdown is kept when it is a JSON object.
static mst_rc
take_breakdown(mst_str_t text, mst_arena_t *arena, mst_score_t *out, mst_err_t *err)
{
    mst_str_t json = mst_str_trim(text);
    if (json.n == 0)
        return MST_OK;
    if (json.n > MST_REPLY_BREAKDOWN_MAX)
        return MST_ERR(err, MST_LIMIT, "the plugin's breakdown of %zu bytes is larger than %lu", json.n,
                       MST_REPLY_BREAKDOWN_MAX);
    if (json.p[0] != '{' || !mst_json_valid(json, false))
        return MST_ERR(err, MST_PROTO, "the plugin's breakdown is no JSON object");
    out->breakdown = mst_arena_dup(arena, json, NULL);
    return MST_OK;
}

mst_rc
mst_shared_score(mst_shared_t *s, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    char error[ERROR_MAX] = "";
    muster_score_t got = {.size = sizeof got};
    const muster_case_t c = {
        .size = sizeof c,
        .case_id = slice(in->c->id),
        .input = slice(in->c->input.n > 0 ? in->c->input : in->c->messages),
        .expected = slice(in->c->expected),
        .output = slice(in->output),
        .metadata = slice(in->c->metadata),
        .has_expected = in->c->has_expected,
    };
    if (s->plugin->score(s->state, &c, &got, error, sizeof error) != 0)
        return MST_ERR(err, MST_INTERNAL, "%.*s", ERROR_MAX - 1,
                       error[0] != '\0' ? error : "the plugin failed and does not say why");
    if (got.verdict != MUSTER_SCORED && got.verdict != MUSTER_NOT_MEASURED)
        return MST_ERR(err, MST_PROTO, "the plugin gave verdict %d, which there is not", (int)got.verdict);
    if (got.verdict == MUSTER_SCORED && !isfinite(got.value))
        return MST_ERR(err, MST_PROTO, "the plugin's score is not a finite number");
    out->value = got.value;
    if (got.verdict == MUSTER_NOT_MEASURED)
        out->state = MST_SCORE_NOT_MEASURED;
    out->reason = mst_reply_sentence(mst_str(got.reason.p, got.reason.n), in->arena);
    return take_breakdown(mst_str(got.breakdown.p, got.breakdown.n), in->arena, out, err);
}
