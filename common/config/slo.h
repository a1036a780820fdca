// Service levels: what a request must keep to count as good. Section `slo` of a configuration, `--slo a=1,b=2` of a
// command.
#ifndef MST_CONFIG_SLO_H
#define MST_CONFIG_SLO_H

#include "common/base/err.h"
#include "common/model/param.h"

typedef enum {
    MST_SLO_TTFT,  // first token
    MST_SLO_TTFO,  // first token that is no reasoning
    MST_SLO_TPOT,  // time per token after the first event
    MST_SLO_NTPOT, // end to end over all tokens
    MST_SLO_E2E,   // last token
    MST_SLO_GAP,   // longest gap between two events with tokens
    MST_SLO_COUNT,
} mst_slo_kind_t;

typedef struct {
    double ms[MST_SLO_COUNT]; // 0 = none
} mst_slo_t;

extern const mst_param_t mst_slo_cfg_table[]; // one row a kind, in their order: its key, "ttft_ms"

bool mst_slo_any(const mst_slo_t *slo);
// "ttft_ms=500,tpot_ms=50", added to *out. MST_INVAL.
MST_NODISCARD mst_rc mst_slo_parse(mst_str_t text, mst_slo_t *out, mst_err_t *err);

#endif
