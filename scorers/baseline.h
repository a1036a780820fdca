// A baseline of log-probabilities as configuration gives it: a list of values, or their mean, deviation and count. The
// parameters baseline_file and baseline_run are turned into the latter before a run starts, so that no scorer reads.
#ifndef MST_SCORERS_BASELINE_H
#define MST_SCORERS_BASELINE_H

#include "common/base/mem.h"
#include "common/json/json.h"
#include "common/stats/stats.h"

#define MST_BASELINE_MIN 32 // values below which a baseline is called short

bool mst_baseline_usable(double d, bool keep_finite); // counts in a baseline; keep_finite as below
// v: a list of numbers, "NaN", "Infinity", "-Infinity", null or objects with a logprob, of which the finite ones count
// (keep_finite: stand-ins such as -9999 too); or {"mean": M, "std": S, "count": N}. *out holds what was found; n is 0
// when nothing was. MST_INVAL names what is wrong, MST_LIMIT over MST_TOKENS_MAX values.
MST_NODISCARD mst_rc mst_baseline_read(const mst_json_t *v, bool keep_finite, mst_spread_t *out, mst_err_t *err);

#endif
