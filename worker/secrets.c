#include "worker/secrets.h"

#include "common/base/limits.h"
#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_BYTES 4096

static mst_rc
from_env(const char *param, const char *name, bool given, const mst_config_env_t *env, char **out, mst_err_t *err)
{
    const char *value = env->getenv_fn ? env->getenv_fn(env->ud, name) : NULL;
    if (value && value[0]) {
        *out = mst_xstrdup(value);
        return MST_OK;
    }
    if (!given)
        return MST_OK; // a default reference is an offer, not a demand
    return MST_ERR(err, MST_DENIED,
                   "provider.%s refers to environment variable \"%s\", which is %s; export it where the worker runs",
                   param, name, value ? "empty" : "not set");
}

static mst_rc
from_file(const char *param, const char *path, char **out, mst_err_t *err)
{
    char text[MST_SECRET_MAX + 1];
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return MST_ERR_SUB(err, MST_DENIED, errno, "provider.%s refers to file \"%s\": %s", param, path,
                           strerror(errno));
    for (ssize_t got = 1; got > 0 && n < sizeof text; n += (size_t)(got > 0 ? got : 0))
        got = read(fd, text + n, sizeof text - n);
    close(fd);
    mst_str_t value = mst_str_trim(mst_str(text, n));
    mst_rc rc = MST_OK;
    if (n > MST_SECRET_MAX)
        rc = MST_ERR(err, MST_DENIED, "provider.%s: file \"%s\" is too large for a key", param, path);
    else if (value.n == 0)
        rc = MST_ERR(err, MST_DENIED, "provider.%s: file \"%s\" is empty", param, path);
    else
        *out = mst_xstrndup(value.p, value.n);
    explicit_bzero(text, sizeof text);
    return rc;
}

static mst_rc
resolve(const mst_param_t *t, const mst_param_value_t *v, const mst_config_env_t *env, char **out, mst_err_t *err)
{
    mst_str_t ref = v->u.s;
    char name[NAME_MAX_BYTES];
    bool file = mst_str_starts(ref, MST_STR("file:"));
    if (mst_str_starts(ref, MST_STR("${")) && mst_str_ends(ref, MST_STR("}")))
        ref = mst_str(ref.p + 2, ref.n - 3);
    else if (mst_str_starts(ref, MST_STR("env:")))
        ref = mst_str(ref.p + 4, ref.n - 4);
    else if (file)
        ref = mst_str(ref.p + 5, ref.n - 5);
    else
        return MST_ERR(err, MST_DENIED, "provider.%s is not a reference; write env:NAME or file:/path", t->name);
    if (ref.n == 0 || ref.n >= sizeof name)
        return MST_ERR(err, MST_DENIED, "provider.%s names nothing; write env:NAME or file:/path", t->name);
    memcpy(name, ref.p, ref.n);
    name[ref.n] = '\0';
    return file ? from_file(t->name, name, out, err) : from_env(t->name, name, v->given, env, out, err);
}

void
mst_secret_free(char **secret)
{
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static mst_rc
read_row(const mst_param_t *t, const mst_param_value_t *v, const mst_config_env_t *env, char **out, mst_err_t *err)
{
    mst_rc rc = resolve(t, v, env, out, err);
    for (const char *c = *out; c && *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            mst_secret_free(out);
            return MST_ERR(err, MST_DENIED, "provider.%s holds a control character or several lines", t->name);
        }
    return rc;
}

static bool
has_value(const mst_param_t *t, const mst_param_value_t *v)
{
    return t->type == MST_P_SECRET && v->set && v->u.s.n > 0;
}

mst_rc
mst_secret_read(const mst_provider_cfg_t *cfg, const mst_config_env_t *env, char **out, mst_err_t *err)
{
    *out = NULL;
    const mst_param_t *t = cfg->params.table;
    for (size_t i = 0; t && t[i].name; i++)
        if (has_value(&t[i], &cfg->params.values[i]))
            return read_row(&t[i], &cfg->params.values[i], env, out, err);
    return MST_OK;
}

mst_rc
mst_secret_param(const mst_params_t *params, const char *name, const mst_config_env_t *env, char **out, mst_err_t *err)
{
    *out = NULL;
    const mst_param_t *t = params->table;
    for (size_t i = 0; t && t[i].name; i++)
        if (strcmp(t[i].name, name) == 0 && has_value(&t[i], &params->values[i]))
            return read_row(&t[i], &params->values[i], env, out, err);
    return MST_OK;
}

mst_rc
mst_secret_ref(const char *what, mst_str_t ref, const mst_config_env_t *env, char **out, mst_err_t *err)
{
    const mst_param_t row = {.name = what, .type = MST_P_SECRET};
    const mst_param_value_t v = {.set = true, .given = true, .u.s = ref};
    *out = NULL;
    return read_row(&row, &v, env, out, err);
}
