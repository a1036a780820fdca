#include "cli/target.h"

#include <stdio.h>

#define NAMES_MAX 400

static void
list_targets(const mst_run_cfg_t *cfg, char out[NAMES_MAX])
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < cfg->target_count && n + cfg->targets[i].label.n + 4 < NAMES_MAX; i++)
        n += (size_t)snprintf(out + n, NAMES_MAX - n, "%s%.*s", i == 0 ? "" : ", ", MST_FMT(cfg->targets[i].label));
}

mst_rc
mst_cli_target(const mst_run_cfg_t *cfg, const char *which, int64_t *out_no, mst_err_t *err)
{
    char names[NAMES_MAX];
    int64_t no = -1;
    *out_no = -1;
    if (which == NULL)
        return MST_OK;
    if (cfg->target_count > 1 && cfg->placement == MST_PLACE_SHARE)
        return MST_ERR(err, MST_INVAL, "the targets of this run share its cases as equals: look at all of them");
    for (size_t i = 0; i < cfg->target_count; i++)
        if (mst_str_eq_c(cfg->targets[i].label, which))
            *out_no = (int64_t)i;
    if (*out_no < 0 && mst_str_to_i64(mst_str_c(which), &no) && no >= 0 && no < (int64_t)cfg->target_count)
        *out_no = no;
    if (*out_no >= 0)
        return MST_OK;
    list_targets(cfg, names);
    return MST_ERR(err, MST_NOTFOUND, "the run has no target \"%s\"; it has %s", which,
                   cfg->target_count > 0 ? names : "none: recorded answers were scored");
}
