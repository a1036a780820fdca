// The names are the rows of mst_sim_options, which `muster sim --help` shows too.
#include "cli/simulate.h"

mst_rc
mst_simulate_opts(const mst_json_t *section, mst_arena_t *arena, mst_sim_opts_t *out, mst_err_t *err)
{
    mst_sim_defaults(out);
    mst_rc rc = mst_sim_opts_json(out, section, arena, err);
    if (rc == MST_OK)
        rc = mst_sim_opts_check(out, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "simulate");
    return rc;
}
