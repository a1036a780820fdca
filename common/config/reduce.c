// Reductions of repeats as a configuration names them.
#include "common/config/context.h"

#include "common/base/limits.h"

static const mst_reduce_t mean = {.kind = MST_REDUCE_MEAN};

mst_rc
mst_cfg_reduce(mst_cfg_ctx_t *c, const mst_ynode_t *at, const mst_param_value_t *v, const mst_reduce_t **out,
               size_t *out_count)
{
    size_t count = v->set ? v->u.list.count : 0;
    if (count == 0)
        return MST_OK;
    if (count > MST_REDUCTIONS_MAX)
        return mst_cfg_fail(c, MST_LIMIT, at, "\"reduce\" names %zu reductions, at most %d are possible", count,
                            MST_REDUCTIONS_MAX);
    mst_reduce_t *list = MST_ARENA_ARRAY(c->arena, mst_reduce_t, count);
    if (list == NULL)
        return mst_cfg_nomem(c);
    for (size_t i = 0; i < count; i++) {
        mst_err_t err;
        if (mst_reduce_parse(v->u.list.items[i], &list[i], &err) != MST_OK)
            return mst_cfg_fail(c, MST_INVAL, at, "%s", err.message);
    }
    *out = list;
    *out_count = count;
    return MST_OK;
}

const mst_reduce_t *
mst_run_cfg_reduce(const mst_run_cfg_t *cfg, const mst_scorer_cfg_t *scorer, size_t *count)
{
    if (scorer->reduce_count > 0) {
        *count = scorer->reduce_count;
        return scorer->reduce;
    }
    *count = cfg->reduce_count > 0 ? cfg->reduce_count : 1;
    return cfg->reduce_count > 0 ? cfg->reduce : &mean;
}

bool
mst_run_cfg_reduces(const mst_run_cfg_t *cfg)
{
    bool any = cfg->reduce_count > 0;
    for (size_t i = 0; i < cfg->scorer_count; i++)
        any = any || cfg->scorers[i].reduce_count > 0;
    return any && cfg->repeats > 1;
}

mst_rc
mst_run_cfg_check(const mst_run_cfg_t *cfg, mst_err_t *err)
{
    char text[MST_REDUCE_TEXT_MAX];
    if (mst_load_bounded(&cfg->load) && cfg->load.repeat_dataset && cfg->repeats > 1)
        return MST_ERR(err, MST_INVAL,
                       "a load goes through the dataset as often as it needs: it does not go with %lld repeats, unless "
                       "repeat_dataset is false",
                       (long long)cfg->repeats);
    for (size_t i = 0; i < cfg->scorer_count; i++) {
        size_t count;
        const mst_reduce_t *reduce = mst_run_cfg_reduce(cfg, &cfg->scorers[i], &count);
        for (size_t k = 0; k < count; k++)
            if ((int64_t)reduce[k].k > cfg->repeats)
                return MST_ERR(err, MST_INVAL,
                               "reduction %s of scorer \"%.*s\" needs %u repeats, but each case is asked %lld times; "
                               "set `repeats`",
                               mst_reduce_text(reduce[k], text).p, MST_FMT(cfg->scorers[i].label),
                               (unsigned)reduce[k].k, (long long)cfg->repeats);
    }
    return MST_OK;
}
