#include "common/config/slo.h"

#include "common/config/context.h"

#define MS_MAX 1e9
#define ROW(key, what)                                                                                                 \
    {                                                                                                                  \
        .name = key, .type = MST_P_NUM, .min = 0.001, .max = MS_MAX, .help = what                                      \
    }

const mst_param_t mst_slo_cfg_table[] = {
    ROW("ttft_ms", "time to the first token"),
    ROW("ttfo_ms", "time to the first token that is no reasoning"),
    ROW("tpot_ms", "time per token after the first event; an answer of one event keeps it"),
    ROW("ntpot_ms", "end to end time over all tokens"),
    ROW("e2e_ms", "time to the last token"),
    ROW("gap_ms", "longest gap between two events with tokens"),
    {.name = NULL},
};

bool
mst_slo_any(const mst_slo_t *slo)
{
    bool any = false;
    for (int i = 0; i < MST_SLO_COUNT; i++)
        any = any || slo->ms[i] > 0;
    return any;
}

static mst_rc
parse_one(mst_str_t part, mst_slo_t *out, mst_err_t *err)
{
    int64_t eq = mst_str_find(part, MST_STR("="), 0);
    mst_str_t key = mst_str_trim(mst_str(part.p, eq < 0 ? part.n : (size_t)eq));
    for (int i = 0; i < MST_SLO_COUNT; i++) {
        if (!mst_str_eq_c(key, mst_slo_cfg_table[i].name))
            continue;
        mst_str_t value = eq < 0 ? MST_STR_NULL : mst_str_trim(mst_str(part.p + eq + 1, part.n - (size_t)eq - 1));
        double ms;
        if (!mst_str_to_f64(value, false, &ms) || ms < mst_slo_cfg_table[i].min || ms > MS_MAX)
            return MST_ERR(err, MST_INVAL, "\"%.*s\" of %s is no number of milliseconds above 0", MST_FMT(value),
                           mst_slo_cfg_table[i].name);
        out->ms[i] = ms;
        return MST_OK;
    }
    return MST_ERR(err, MST_INVAL,
                   "unknown service level \"%.*s\"; there are ttft_ms, ttfo_ms, tpot_ms, ntpot_ms, e2e_ms and gap_ms",
                   MST_FMT(mst_str_cut(key, 40)));
}

mst_rc
mst_slo_parse(mst_str_t text, mst_slo_t *out, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    mst_slo_t all = *out;
    for (size_t at = 0; at <= text.n && rc == MST_OK;) {
        int64_t comma = mst_str_find(text, MST_STR(","), at);
        size_t end = comma < 0 ? text.n : (size_t)comma;
        rc = parse_one(mst_str(text.p + at, end - at), &all, err);
        at = end + 1;
    }
    if (rc == MST_OK)
        *out = all;
    return rc;
}

mst_rc
mst_cfg_slo(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_slo_t *out)
{
    if (n == NULL)
        return MST_OK;
    c->section = "slo";
    mst_params_t p;
    mst_rc rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = mst_slo_cfg_table}, n, &p, NULL);
    c->section = NULL;
    for (int i = 0; i < MST_SLO_COUNT && rc == MST_OK; i++)
        if (p.values[i].set)
            out->ms[i] = p.values[i].u.d;
    return rc;
}
