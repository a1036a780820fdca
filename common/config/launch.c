// Section `launch` of a provider: a server that the worker starts. Values of its env are references to secrets or
// plain texts; a variable there is kept as a reference and never expanded, so that no key gets into the spec.
#include "common/config/context.h"

#include <stdio.h>

#define ENV_MAX     64
#define COMMAND_MAX 256

const mst_param_t mst_launch_cfg_table[] = {
    {.name = "command",
     .type = MST_P_STRLIST,
     .required = true,
     .help = "program and arguments, a list; one text is split at its spaces. Stored and visible to all on the "
             "machine: no key belongs here"},
    {.name = "ready_url",
     .type = MST_P_URL,
     .required = true,
     .help = "asked until it answers 200; then the run begins"},
    {.name = "timeout",
     .type = MST_P_NUM,
     .dflt = "600",
     .min = 0.1,
     .max = 86400,
     .help = "seconds until it must be ready"},
    {.name = "env",
     .type = MST_P_JSON,
     .help = "map of variables for it, beside those of the worker: texts, or env:NAME, file:/path, ${NAME}"},
    {.name = "log",
     .type = MST_P_STR,
     .help = "file for its output, of at most 16 MiB; muster-launch-LABEL.log when not given"},
    {.name = NULL},
};

enum { ROW_COMMAND, ROW_READY, ROW_TIMEOUT, ROW_ENV, ROW_LOG, ROWS };

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t
words_of(mst_str_t text, mst_str_t *out, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < text.n;) {
        while (i < text.n && is_space(text.p[i]))
            i++;
        size_t from = i;
        while (i < text.n && !is_space(text.p[i]))
            i++;
        if (i > from && count < room)
            out[count] = mst_str(text.p + from, i - from);
        count += i > from;
    }
    return count;
}

static mst_rc
check_command(mst_cfg_ctx_t *c, const mst_ynode_t *at, mst_param_value_t *v)
{
    mst_str_t only = v->u.list.count == 1 ? v->u.list.items[0] : MST_STR_NULL;
    if (at->kind == MST_Y_SCALAR) {
        if (memchr(only.p, '"', only.n) != NULL || memchr(only.p, '\'', only.n) != NULL)
            return mst_cfg_fail(c, MST_INVAL, at, "\"command\" has quotes; write it as a list");
        mst_str_t *words = MST_ARENA_ARRAY(c->arena, mst_str_t, COMMAND_MAX);
        if (words == NULL)
            return mst_cfg_nomem(c);
        v->u.list.count = words_of(only, words, COMMAND_MAX);
        v->u.list.items = words;
    }
    if (v->u.list.count == 0 || v->u.list.count > COMMAND_MAX)
        return mst_cfg_fail(c, MST_INVAL, at, "\"command\" must be a program and at most %d arguments",
                            COMMAND_MAX - 1);
    bool clean = v->u.list.items[0].n > 0;
    for (size_t i = 0; i < v->u.list.count && clean; i++)
        clean = v->u.list.items[i].n == 0 || memchr(v->u.list.items[i].p, '\0', v->u.list.items[i].n) == NULL;
    return clean ? MST_OK : mst_cfg_fail(c, MST_INVAL, at, "\"command\" must be texts that begin with a program");
}

static mst_rc
read_variable(mst_cfg_ctx_t *c, const mst_ynode_t *key, const mst_ynode_t *n, mst_json_member_t *out)
{
    char shown[MST_CFG_SHOW_MAX];
    mst_param_value_t v = {0};
    const mst_param_t row = {.name = "env", .type = MST_P_SECRET};
    if (!mst_cfg_variable_name(key->text))
        return mst_cfg_fail(c, MST_INVAL, key, "\"%s\" is no name of a variable", mst_cfg_show(key->text, shown));
    if (n->kind != MST_Y_SCALAR || (n->text.n > 0 && memchr(n->text.p, '\0', n->text.n) != NULL))
        return mst_cfg_fail(c, MST_INVAL, n, "variable %.*s must be a text, or env:NAME, file:/path, ${NAME}",
                            MST_FMT(key->text));
    out->key = key->text;
    out->value = (mst_json_t){.type = MST_JSON_STR, .u.s = n->text};
    bool variable = mst_str_find(n->text, MST_STR("${"), 0) >= 0;
    if (!variable && !mst_str_starts(n->text, MST_STR("env:")) && !mst_str_starts(n->text, MST_STR("file:/")))
        return MST_OK;
    mst_rc rc = mst_cfg_value(c, &row, n, &v);
    out->value.u.s = v.u.s;
    return rc;
}

static mst_rc
read_env(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_param_value_t *out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (n == NULL)
        return MST_OK;
    if (n->kind != MST_Y_MAP || n->count > ENV_MAX)
        return mst_cfg_fail(c, MST_INVAL, n, "\"env\" must be a map of at most %d variables, not %s", ENV_MAX,
                            n->kind == MST_Y_MAP ? "more" : mst_cfg_what(n, shown));
    mst_json_member_t *members = MST_ARENA_ARRAY(c->arena, mst_json_member_t, n->count);
    mst_json_t *map = MST_ARENA_ARRAY(c->arena, mst_json_t, 1);
    if (members == NULL || map == NULL)
        return mst_cfg_nomem(c);
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < n->count && rc == MST_OK; i++)
        rc = read_variable(c, n->keys[i], n->items[i], &members[i]);
    *map = (mst_json_t){.type = MST_JSON_OBJ, .count = (uint32_t)n->count, .u.members = members};
    *out = (mst_param_value_t){.set = true, .given = true, .u.json = map};
    return rc;
}

mst_rc
mst_cfg_launch(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_params_t *out, const mst_json_t **out_json)
{
    static const char *const left[] = {"env", NULL};
    mst_params_t read;
    c->section = "launch";
    mst_rc rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = mst_launch_cfg_table, .also = left}, n, &read, NULL);
    c->section = NULL;
    if (rc != MST_OK)
        return rc;
    mst_param_value_t *v = MST_ARENA_ARRAY(c->arena, mst_param_value_t, ROWS);
    mst_json_member_t *members = MST_ARENA_ARRAY(c->arena, mst_json_member_t, ROWS);
    mst_json_t *map = MST_ARENA_ARRAY(c->arena, mst_json_t, 1);
    if (v == NULL || members == NULL || map == NULL)
        return mst_cfg_nomem(c);
    memcpy(v, read.values, ROWS * sizeof *v);
    rc = check_command(c, mst_cfg_find(n, &mst_launch_cfg_table[ROW_COMMAND]), &v[ROW_COMMAND]);
    if (rc == MST_OK)
        rc = read_env(c, mst_cfg_find(n, &mst_launch_cfg_table[ROW_ENV]), &v[ROW_ENV]);
    if (rc == MST_OK && v[ROW_LOG].set && (v[ROW_LOG].u.s.n == 0 || memchr(v[ROW_LOG].u.s.p, '\0', v[ROW_LOG].u.s.n)))
        rc = mst_cfg_fail(c, MST_INVAL, mst_cfg_find(n, &mst_launch_cfg_table[ROW_LOG]), "\"log\" must name a file");
    if (rc != MST_OK)
        return rc;
    bool ok = true;
    *out = (mst_params_t){mst_launch_cfg_table, v};
    *map = (mst_json_t){.type = MST_JSON_OBJ, .u.members = members};
    map->count = (uint32_t)mst_cfg_members(out, members, c->arena, &ok);
    *out_json = map;
    return ok ? MST_OK : mst_cfg_nomem(c);
}
