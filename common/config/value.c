// One node to one value of a parameter table: type, range, and the sentence when it does not fit.
#include "common/config/context.h"

#include "common/config/scalar.h"

#include <stdio.h>
#include <string.h>

static bool
ranged(const mst_param_t *row)
{
    return row->min < row->max || row->min > row->max;
}

// "a whole number from 1 to 8192"
static const char *
expected(const mst_param_t *row, char out[160])
{
    const char *noun = row->type == MST_P_INT ? "a whole number" : "a number";
    switch (row->type) {
    case MST_P_STR:
        return "a string";
    case MST_P_URL:
        return "an http:// or https:// URL with a host and no query";
    case MST_P_BOOL:
        return "true or false";
    case MST_P_INT:
    case MST_P_NUM:
        if (!ranged(row))
            return noun;
        if (row->max >= 9e15)
            snprintf(out, 160, "%s of at least %.16g", noun, row->min);
        else
            snprintf(out, 160, "%s from %.16g to %.16g", noun, row->min, row->max);
        return out;
    case MST_P_ENUM:
        break;
    case MST_P_STRLIST:
        return "a list of strings";
    case MST_P_JSON:
        return "a value";
    case MST_P_SECRET:
        return "a reference to a secret";
    }
    size_t n = (size_t)snprintf(out, 160, "one of ");
    for (const char *p = row->choices; *p != '\0' && n < 150; p++)
        n += (size_t)snprintf(out + n, 160 - n, *p == '|' ? ", " : "%c", *p);
    return out;
}

static mst_rc
misfit(const mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *n)
{
    char want[160], shown[MST_CFG_SHOW_MAX], hint[MST_CFG_SHOW_MAX + 24] = "";
    if (row->type == MST_P_ENUM && n->kind == MST_Y_SCALAR) {
        mst_cfg_near_t near = {.wanted = n->text};
        mst_cfg_near_list(&near, row->choices);
        mst_cfg_hint(&near, hint);
    }
    return mst_cfg_fail(c, MST_INVAL, n, "\"%s\" must be %s, not %s%s", row->name, expected(row, want),
                        mst_cfg_what(n, shown), hint);
}

// Numbers and bools may be written plain, or come out of a variable whether quoted or not.
static mst_rc
typed_scalar(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_json_t *out)
{
    mst_str_t text;
    bool expanded;
    mst_rc rc = mst_cfg_text(c, n, &text, &expanded);
    if (rc == MST_OK)
        *out = mst_yaml_scalar(text, n->plain || expanded);
    return rc;
}

static mst_rc
read_int(mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *n, int64_t *out)
{
    mst_json_t v;
    mst_rc rc = typed_scalar(c, n, &v);
    if (rc != MST_OK)
        return rc;
    if (!mst_json_i64(v.type == MST_JSON_STR ? NULL : &v, out))
        return misfit(c, row, n);
    if (ranged(row) && ((double)*out < row->min || (double)*out > row->max))
        return misfit(c, row, n);
    return MST_OK;
}

static mst_rc
read_num(mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *n, double *out)
{
    mst_json_t v;
    mst_rc rc = typed_scalar(c, n, &v);
    if (rc != MST_OK)
        return rc;
    if (!mst_json_f64(v.type == MST_JSON_STR ? NULL : &v, out) || !__builtin_isfinite(*out))
        return misfit(c, row, n);
    if (ranged(row) && (*out < row->min || *out > row->max))
        return misfit(c, row, n);
    return MST_OK;
}

static mst_rc
read_list(mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *n, mst_param_value_t *out)
{
    size_t count = n->kind == MST_Y_SEQ ? n->count : 1;
    mst_str_t *items = MST_ARENA_ARRAY(c->arena, mst_str_t, count);
    if (items == NULL)
        return mst_cfg_nomem(c);
    for (size_t i = 0; i < count; i++) {
        const mst_ynode_t *item = n->kind == MST_Y_SEQ ? n->items[i] : n;
        if (item->kind != MST_Y_SCALAR || mst_yaml_is_null(item))
            return misfit(c, row, item);
        mst_rc rc = mst_cfg_text(c, item, &items[i], NULL);
        if (rc != MST_OK)
            return rc;
    }
    out->u.list.items = items;
    out->u.list.count = count;
    return MST_OK;
}

// What is kept is where the secret lies. The text itself is never shown: it may be one.
static mst_rc
read_secret(mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *n, mst_str_t *out)
{
    mst_str_t s = n->text;
    if (n->kind == MST_Y_SCALAR && mst_str_starts(s, MST_STR("${")) && mst_str_ends(s, MST_STR("}")) &&
        mst_cfg_variable_name(mst_str(s.p + 2, s.n - 3))) {
        char reference[300];
        int len = snprintf(reference, sizeof reference, "env:%.*s", (int)(s.n - 3), s.p + 2);
        bool ok;
        *out = mst_arena_dup(c->arena, mst_str(reference, (size_t)len), &ok);
        return ok ? MST_OK : mst_cfg_nomem(c);
    }
    *out = s;
    if (n->kind == MST_Y_SCALAR && mst_str_starts(s, MST_STR("env:")) &&
        mst_cfg_variable_name(mst_str(s.p + 4, s.n - 4)))
        return MST_OK;
    if (n->kind == MST_Y_SCALAR && mst_str_starts(s, MST_STR("file:/")) && memchr(s.p, '\0', s.n) == NULL)
        return MST_OK;
    return mst_cfg_fail(c, MST_INVAL, n,
                        "\"%s\" must say where the secret is, never hold it: write \"${NAME}\" or \"env:NAME\" for an "
                        "environment variable, \"file:/path\" for a file",
                        row->name);
}

static mst_rc
read_text(mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *n, mst_str_t *out)
{
    mst_rc rc = mst_cfg_text(c, n, out, NULL);
    if (rc == MST_OK && row->type == MST_P_ENUM && !mst_cfg_in_list(row->choices, *out))
        return misfit(c, row, n);
    return rc;
}

// host, host:port, [::1]:port; the port of a server that the worker starts is not known yet
static bool
is_authority(mst_str_t s)
{
    uint64_t port = 1;
    const char *colon = NULL, *close = s.n > 0 && s.p[0] == '[' ? memchr(s.p, ']', s.n) : s.p;
    if (s.n == 0 || close == NULL)
        return false;
    for (const char *c = close; c < s.p + s.n && colon == NULL; c++)
        colon = *c == ':' ? c : NULL;
    mst_str_t digits = colon != NULL ? mst_str(colon + 1, s.n - (size_t)(colon + 1 - s.p)) : MST_STR("1");
    if (colon != NULL && colon != s.p && mst_str_eq_c(digits, MST_LAUNCH_PORT))
        return true;
    return colon != s.p && mst_str_to_u64(digits, &port) && port >= 1 && port <= 65535;
}

// A URL is stored, shown and logged, so it never holds a password; paths are added to it, so it has no query.
static mst_rc
read_url(mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *n, mst_str_t *out)
{
    mst_rc rc = mst_cfg_text(c, n, out, NULL);
    if (rc != MST_OK)
        return rc;
    *out = mst_str_trim(*out);
    int64_t scheme = mst_str_find(*out, MST_STR("://"), 0);
    size_t from = scheme < 0 ? 0 : (size_t)scheme + 3, end = from;
    while (end < out->n && !strchr("/?#", out->p[end]))
        end++;
    if (memchr(out->p + from, '@', end - from) != NULL)
        return mst_cfg_fail(c, MST_INVAL, n,
                            "\"%s\" must hold no user or password; name the key's place in another setting, such as "
                            "api_key",
                            row->name);
    bool http = mst_str_starts(*out, MST_STR("http://")) || mst_str_starts(*out, MST_STR("https://"));
    bool clean = true;
    for (size_t i = 0; i < out->n; i++)
        clean = clean && (unsigned char)out->p[i] > ' ' && out->p[i] != 0x7f && out->p[i] != '?' && out->p[i] != '#';
    return http && clean && is_authority(mst_str(out->p + from, end - from)) ? MST_OK : misfit(c, row, n);
}

mst_rc
mst_cfg_value(mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *n, mst_param_value_t *out)
{
    out->set = true;
    bool scalar = n->kind == MST_Y_SCALAR;
    bool collection_fits = row->type == MST_P_JSON || (row->type == MST_P_STRLIST && n->kind == MST_Y_SEQ);
    if (!scalar && !collection_fits && row->type != MST_P_SECRET)
        return misfit(c, row, n);
    mst_rc rc;
    mst_json_t v;
    switch (row->type) {
    case MST_P_STR:
    case MST_P_ENUM:
        return read_text(c, row, n, &out->u.s);
    case MST_P_URL:
        return read_url(c, row, n, &out->u.s);
    case MST_P_BOOL:
        rc = typed_scalar(c, n, &v);
        if (rc == MST_OK && !mst_json_bool(&v, &out->u.b))
            rc = misfit(c, row, n);
        return rc;
    case MST_P_INT:
        return read_int(c, row, n, &out->u.i);
    case MST_P_NUM:
        return read_num(c, row, n, &out->u.d);
    case MST_P_STRLIST:
        return read_list(c, row, n, out);
    case MST_P_JSON:
        return mst_cfg_json(c, n, &out->u.json);
    case MST_P_SECRET:
        break;
    }
    return read_secret(c, row, n, &out->u.s);
}
