// ${NAME} in strings. There is no escape: "$" without "{" is ordinary text, "${" always begins a variable. What a
// variable holds is not looked at again.
#include "common/config/context.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

bool
mst_cfg_variable_name(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return s.n > 0 && s.n < 256;
}

static mst_rc
look_up(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_str_t name, mst_str_t *out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (!mst_cfg_variable_name(name))
        return mst_cfg_fail(c, MST_INVAL, n, "\"${%s}\" does not name a variable; write ${NAME}",
                            mst_cfg_show(name, shown));
    char z[256];
    memcpy(z, name.p, name.n);
    z[name.n] = '\0';
    *out = mst_str_c(c->env->getenv_fn(c->env->ud, z));
    if (out->p == NULL)
        return mst_cfg_fail(c, MST_INVAL, n, "environment variable \"%s\" is not set", z);
    if (!mst_utf8_valid(*out))
        return mst_cfg_fail(c, MST_INVAL, n, "environment variable \"%s\" is not valid UTF-8", z);
    return MST_OK;
}

static mst_rc
fill(mst_cfg_ctx_t *c, const mst_ynode_t *n, size_t first, mst_buf_t *b)
{
    mst_str_t text = n->text;
    size_t done = 0;
    for (int64_t at = (int64_t)first; at >= 0; at = mst_str_find(text, MST_STR("${"), done)) {
        int64_t end = mst_str_find(text, MST_STR("}"), (size_t)at);
        if (end < 0)
            return mst_cfg_fail(c, MST_INVAL, n, "\"${\" without a closing \"}\"");
        mst_str_t value;
        mst_rc rc = look_up(c, n, mst_str(text.p + at + 2, (size_t)(end - at) - 2), &value);
        if (rc != MST_OK)
            return rc;
        mst_buf_add(b, text.p + done, (size_t)at - done);
        mst_buf_add_str(b, value);
        done = (size_t)end + 1;
    }
    mst_buf_add(b, text.p + done, text.n - done);
    c->expanded += b->n;
    if (b->failed || c->expanded > MST_YAML_BYTES_MAX)
        return mst_cfg_fail(c, MST_LIMIT, n, "environment variables make the configuration larger than %lu bytes",
                            MST_YAML_BYTES_MAX);
    return MST_OK;
}

mst_rc
mst_cfg_text(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_str_t *out, bool *out_expanded)
{
    *out = n->text;
    if (out_expanded != NULL)
        *out_expanded = false;
    if (c->env == NULL || c->env->getenv_fn == NULL)
        return MST_OK;
    int64_t first = mst_str_find(n->text, MST_STR("${"), 0);
    if (first < 0)
        return MST_OK;
    if (out_expanded != NULL)
        *out_expanded = true;
    mst_buf_t b;
    mst_buf_init(&b, MST_YAML_BYTES_MAX);
    bool ok = true;
    mst_rc rc = fill(c, n, (size_t)first, &b);
    if (rc == MST_OK)
        *out = mst_arena_dup(c->arena, mst_buf_view(&b), &ok);
    if (!ok)
        rc = mst_cfg_nomem(c);
    mst_buf_deinit(&b);
    return rc;
}
