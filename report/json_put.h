// Members of a JSON object: what is not known is null, never 0.
#ifndef MST_REPORT_JSON_PUT_H
#define MST_REPORT_JSON_PUT_H

#include "common/json/json.h"
#include "report/report.h"

void mst_put_str(mst_jw_t *w, const char *key, mst_str_t s); // empty: null
void mst_put_u64(mst_jw_t *w, const char *key, uint64_t v);
void mst_put_f64(mst_jw_t *w, const char *key, double v); // not finite: null
void mst_put_latency(mst_jw_t *w, const char *key, const mst_latency_numbers_t *l);

#endif
