// Rows know their target and their tokens; what an attempt that was tried again took is not known, but that it was
// made.
#include "cli/spend.h"

typedef struct {
    const mst_run_cfg_t *cfg;
    mst_cli_spend_t *out;
} sum_t;

bool
mst_cli_spends(const mst_run_cfg_t *cfg)
{
    return cfg->target_count > 0 && (cfg->price_count > 0 || cfg->budget_json != NULL);
}

static bool
add(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    const sum_t *s = ud;
    const mst_completion_t *d = &r->done;
    (void)origin;
    if (d->cached)
        return true; // nobody was paid for it now
    size_t target_no = s->cfg->target_count == 1 ? 0 : r->key.target_no;
    const mst_target_cfg_t *t = mst_run_cfg_target(s->cfg, target_no);
    s->out->requests += d->attempts;
    s->out->tokens += d->prompt_tokens > 0 ? (uint64_t)d->prompt_tokens : 0;
    s->out->tokens += d->completion_tokens > 0 ? (uint64_t)d->completion_tokens : 0;
    if (t != NULL)
        s->out->money += mst_price_of(mst_run_cfg_price(s->cfg, &t->provider), d->prompt_tokens, d->cached_tokens,
                                      d->completion_tokens);
    return true;
}

mst_rc
mst_cli_spend(mst_store_t *store, int64_t run_no, const mst_run_cfg_t *cfg, mst_cli_spend_t *out, mst_err_t *err)
{
    sum_t s = {cfg, out};
    *out = (mst_cli_spend_t){0};
    return mst_store_results(store, run_no, &(mst_store_scan_t){0}, add, &s, err);
}
