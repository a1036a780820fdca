// One table from key to field of mst_sim_opts_t: the names are those of `muster sim --help`, with "_" for "-".
#include "cli/simulate.h"

#include <stddef.h>
#include <stdio.h>

typedef enum { T_NUM, T_U32, T_U64, T_PORT, T_BOOL, T_STR } type_t;

typedef struct {
    const char *key;
    size_t offset;
    type_t type;
    double max; // T_NUM and the integers
} row_t;

#define ROW(field, type, max) {#field, offsetof(mst_sim_opts_t, field), type, max}
static const row_t rows[] = {
    ROW(port, T_PORT, 65535),
    ROW(seed, T_U64, 9e15),
    ROW(model, T_STR, 0),
    ROW(ttft_ms, T_NUM, 1e6),
    ROW(ttft_sigma, T_NUM, 10),
    ROW(itl_ms, T_NUM, 1e6),
    ROW(itl_sigma, T_NUM, 10),
    ROW(tokens_min, T_U32, 1e6),
    ROW(tokens_max, T_U32, 1e6),
    ROW(tokens_per_event, T_U32, 1000),
    ROW(reasoning, T_BOOL, 0),
    {"replies", offsetof(mst_sim_opts_t, replies_path), T_STR, 0},
    ROW(echo, T_BOOL, 0),
    ROW(p_429, T_NUM, 1),
    ROW(p_500, T_NUM, 1),
    ROW(p_cut, T_NUM, 1),
    ROW(p_hang_before, T_NUM, 1),
    ROW(p_hang_after, T_NUM, 1),
    ROW(p_malformed, T_NUM, 1),
    ROW(p_slow, T_NUM, 1),
    ROW(retry_after_s, T_NUM, 3600),
    ROW(logprob_nan, T_NUM, 1),
    ROW(logprob_sentinel, T_NUM, 1),
    ROW(logprob_null, T_NUM, 1),
    ROW(sync_steps, T_BOOL, 0),
    {"truth", offsetof(mst_sim_opts_t, truth_path), T_STR, 0},
};

static const row_t *
find_row(mst_str_t key)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (mst_str_eq_c(key, rows[i].key))
            return &rows[i];
    return NULL;
}

static mst_rc
unknown(mst_str_t key, mst_err_t *err)
{
    const char *best = rows[0].key;
    for (size_t i = 1; i < sizeof rows / sizeof rows[0]; i++)
        if (mst_str_distance(key, mst_str_c(rows[i].key)) < mst_str_distance(key, mst_str_c(best)))
            best = rows[i].key;
    return MST_ERR(err, MST_INVAL, "unknown key \"%.*s\" in simulate; did you mean \"%s\"?", MST_FMT(key), best);
}

static mst_rc
set_number(const row_t *row, const mst_json_t *v, char *field, mst_err_t *err)
{
    double d;
    bool whole = row->type != T_NUM;
    if (!mst_json_f64(v, &d) || !(d >= 0 && d <= row->max) || (whole && d != (double)(uint64_t)d))
        return MST_ERR(err, MST_INVAL, "simulate.%s takes a %snumber from 0 to %g", row->key, whole ? "whole " : "",
                       row->max);
    if (row->type == T_NUM)
        *(double *)(void *)field = d;
    else if (row->type == T_U64)
        *(uint64_t *)(void *)field = (uint64_t)d;
    else if (row->type == T_U32)
        *(uint32_t *)(void *)field = (uint32_t)d;
    else
        *(uint16_t *)(void *)field = (uint16_t)d;
    return MST_OK;
}

static mst_rc
set_field(const row_t *row, const mst_json_t *v, mst_arena_t *arena, mst_sim_opts_t *out, mst_err_t *err)
{
    char *field = (char *)out + row->offset;
    if (row->type == T_BOOL) {
        if (!mst_json_bool(v, (bool *)(void *)field))
            return MST_ERR(err, MST_INVAL, "simulate.%s takes true or false", row->key);
        return MST_OK;
    }
    if (row->type != T_STR)
        return set_number(row, v, field, err);
    mst_str_t s;
    bool ok = true;
    if (!mst_json_str(v, &s))
        return MST_ERR(err, MST_INVAL, "simulate.%s takes a text", row->key);
    *(const char **)(void *)field = mst_arena_dup(arena, s, &ok).p; // NUL behind it
    return ok ? MST_OK : MST_ERR(err, MST_LIMIT, "simulate.%s is too long", row->key);
}

mst_rc
mst_simulate_opts(const mst_json_t *section, mst_arena_t *arena, mst_sim_opts_t *out, mst_err_t *err)
{
    mst_sim_defaults(out);
    for (uint32_t i = 0; i < section->count; i++) {
        const mst_json_member_t *m = &section->u.members[i];
        const row_t *row = find_row(m->key);
        if (row == NULL)
            return unknown(m->key, err);
        mst_rc rc = set_field(row, &m->value, arena, out, err);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}
