// Sections `prices` and `budget`. A budget of money needs a price for every model that is asked: else it would hold
// nothing back. The scorer `cost` takes its prices from here when it has none of its own.
#include "common/config/context.h"

#include "common/base/limits.h"

#include <math.h>

const mst_param_t mst_price_cfg_table[] = {
    {.name = "input",
     .alias = "input_price|prompt",
     .type = MST_P_NUM,
     .required = true,
     .max = 1e9,
     .help = "price of a million prompt tokens"},
    {.name = "output",
     .alias = "output_price|completion",
     .type = MST_P_NUM,
     .required = true,
     .max = 1e9,
     .help = "price of a million completion tokens"},
    {.name = "cached",
     .alias = "cached_input",
     .type = MST_P_NUM,
     .max = 1e9,
     .help = "price of a million prompt tokens that the server had in its cache; as input when not given"},
    {.name = NULL},
};

const mst_param_t mst_budget_cfg_table[] = {
    {.name = "money",
     .alias = "cost|max_cost_usd",
     .type = MST_P_NUM,
     .min = 1e-9,
     .max = MST_MONEY_MAX,
     .help = "in the currency of `prices`, which must name every model that is asked"},
    {.name = "tokens",
     .alias = "max_total_tokens",
     .type = MST_P_INT,
     .min = 1,
     .max = 1e15,
     .help = "prompt and completion tokens"},
    {.name = "requests",
     .alias = "calls|max_llm_calls",
     .type = MST_P_INT,
     .min = 1,
     .max = 1e15,
     .help = "requests, further tries included"},
    {.name = NULL},
};

static mst_json_t *
object_of(mst_cfg_ctx_t *c, const mst_params_t *p)
{
    bool ok = true;
    mst_json_t *o = MST_ARENA_NEW(c->arena, mst_json_t);
    mst_json_member_t *m = MST_ARENA_ARRAY(c->arena, mst_json_member_t, mst_cfg_rows(p->table));
    if (o == NULL || m == NULL)
        return NULL;
    *o = (mst_json_t){.type = MST_JSON_OBJ, .u.members = m};
    o->count = (uint32_t)mst_cfg_members(p, m, c->arena, &ok);
    return ok ? o : NULL;
}

static mst_rc
read_section(mst_cfg_ctx_t *c, const char *name, const mst_param_t *table, const mst_ynode_t *n, mst_params_t *out,
             mst_json_t **out_json)
{
    c->section = name;
    mst_rc rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = table}, n, out, NULL);
    c->section = NULL;
    if (rc != MST_OK)
        return rc;
    *out_json = object_of(c, out);
    return *out_json != NULL ? MST_OK : mst_cfg_nomem(c);
}

static mst_rc
read_prices(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_run_cfg_t *out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (n == NULL)
        return MST_OK;
    if (n->kind != MST_Y_MAP || n->count == 0)
        return mst_cfg_fail(c, MST_INVAL, n, "\"prices\" must be a map from models to {input, output}, not %s",
                            n->kind == MST_Y_MAP ? "an empty map" : mst_cfg_what(n, shown));
    mst_price_cfg_t *prices = MST_ARENA_ARRAY(c->arena, mst_price_cfg_t, n->count);
    mst_json_member_t *members = MST_ARENA_ARRAY(c->arena, mst_json_member_t, n->count);
    mst_json_t *all = MST_ARENA_NEW(c->arena, mst_json_t);
    if (prices == NULL || members == NULL || all == NULL)
        return mst_cfg_nomem(c);
    for (size_t i = 0; i < n->count; i++) {
        mst_params_t p;
        mst_json_t *one = NULL;
        mst_rc rc = read_section(c, "prices", mst_price_cfg_table, n->items[i], &p, &one);
        if (rc != MST_OK)
            return rc;
        prices[i].model = n->keys[i]->text;
        prices[i].input = mst_params_num(&p, "input", 0.0);
        prices[i].output = mst_params_num(&p, "output", 0.0);
        prices[i].cached = mst_params_num(&p, "cached", prices[i].input);
        members[i] = (mst_json_member_t){prices[i].model, *one};
    }
    *all = (mst_json_t){.type = MST_JSON_OBJ, .count = (uint32_t)n->count, .u.members = members};
    out->prices = prices;
    out->price_count = n->count;
    out->prices_json = all;
    return MST_OK;
}

static mst_rc
read_budget(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_run_cfg_t *out)
{
    mst_params_t p;
    mst_json_t *json = NULL;
    if (n == NULL)
        return MST_OK;
    mst_rc rc = read_section(c, "budget", mst_budget_cfg_table, n, &p, &json);
    if (rc != MST_OK)
        return rc;
    out->budget.money = mst_params_num(&p, "money", 0.0);
    out->budget.tokens = mst_params_int(&p, "tokens", 0);
    out->budget.requests = mst_params_int(&p, "requests", 0);
    out->budget_json = json;
    for (size_t i = 0; out->budget.money > 0.0 && i < out->target_count; i++)
        if (mst_run_cfg_price(out, &out->targets[i].provider) == NULL)
            return mst_cfg_fail(c, MST_INVAL, n,
                                "a budget of money needs a price for target \"%.*s\"; name its model in "
                                "\"prices\"",
                                MST_FMT(out->targets[i].label));
    return MST_OK;
}

// The prices of all targets, when they are the same; NULL: there are none, or several.
static const mst_price_cfg_t *
only_price(const mst_run_cfg_t *cfg, bool *several)
{
    const mst_price_cfg_t *one = NULL;
    for (size_t i = 0; i < cfg->target_count; i++) {
        const mst_price_cfg_t *p = mst_run_cfg_price(cfg, &cfg->targets[i].provider);
        *several = *several || (i > 0 && p != one);
        one = p;
    }
    if (cfg->target_count == 0 && cfg->price_count == 1)
        one = &cfg->prices[0];
    return *several ? NULL : one;
}

static mst_rc
price_scorer(mst_cfg_ctx_t *c, const mst_price_cfg_t *price, bool several, const mst_ynode_t *at, mst_scorer_cfg_t *s)
{
    bool has = mst_params_set(&s->params, "input_price") && mst_params_set(&s->params, "output_price");
    if (has)
        return MST_OK;
    if (price == NULL)
        return mst_cfg_fail(c, MST_INVAL, at, "scorer \"cost\" needs prices: %s",
                            several ? "the targets have different ones; give it input_price and output_price"
                                    : "give it input_price and output_price, or name the model in \"prices\"");
    size_t rows = mst_cfg_rows(s->params.table);
    mst_param_value_t *values = MST_ARENA_ARRAY(c->arena, mst_param_value_t, rows);
    if (values == NULL)
        return mst_cfg_nomem(c);
    memcpy(values, s->params.values, rows * sizeof *values);
    for (size_t i = 0; i < rows; i++) {
        bool input = strcmp(s->params.table[i].name, "input_price") == 0;
        if ((input || strcmp(s->params.table[i].name, "output_price") == 0) && !values[i].set)
            values[i] = (mst_param_value_t){.set = true, .u.d = input ? price->input : price->output};
    }
    s->params.values = values;
    return MST_OK;
}

mst_rc
mst_cfg_money(mst_cfg_ctx_t *c, const mst_ynode_t *prices, const mst_ynode_t *budget, mst_run_cfg_t *out)
{
    mst_rc rc = read_prices(c, prices, out);
    if (rc == MST_OK)
        rc = read_budget(c, budget, out);
    bool several = false;
    const mst_price_cfg_t *price = only_price(out, &several);
    mst_scorer_cfg_t *scorers = (mst_scorer_cfg_t *)(uintptr_t)out->scorers; // ours: made in this load
    const mst_ynode_t at = {.kind = MST_Y_MAP, .line = 1, .column = 1};
    for (size_t i = 0; i < out->scorer_count && rc == MST_OK; i++) {
        if (strcmp(scorers[i].kind->name, "cost") == 0)
            rc = price_scorer(c, price, several, prices != NULL ? prices : &at, &scorers[i]);
        mst_scorer_cfg_t *members = (mst_scorer_cfg_t *)(uintptr_t)scorers[i].members;
        for (size_t k = 0; k < scorers[i].member_count && rc == MST_OK; k++)
            if (strcmp(members[k].kind->name, "cost") == 0)
                rc = price_scorer(c, price, several, prices != NULL ? prices : &at, &members[k]);
    }
    return rc;
}

const mst_price_cfg_t *
mst_run_cfg_price(const mst_run_cfg_t *cfg, const mst_provider_cfg_t *provider)
{
    const mst_price_cfg_t *rest = NULL;
    mst_str_t model = MST_STR_NULL;
    for (const mst_param_t *row = provider->params.table; row != NULL && row->name != NULL; row++)
        if (strcmp(row->name, "model") == 0 && row->type == MST_P_STR)
            model = mst_params_str(&provider->params, "model");
    for (size_t i = 0; i < cfg->price_count; i++) {
        if (mst_str_eq(cfg->prices[i].model, model))
            return &cfg->prices[i];
        if (mst_str_eq_c(cfg->prices[i].model, "*"))
            rest = &cfg->prices[i];
    }
    return rest;
}

double
mst_price_of(const mst_price_cfg_t *price, int64_t prompt, int64_t cached, int64_t completion)
{
    if (price == NULL)
        return 0.0;
    double in = prompt > 0 ? (double)prompt : 0.0, had = cached > 0 ? fmin((double)cached, in) : 0.0;
    double out = completion > 0 ? (double)completion : 0.0;
    return ((in - had) * price->input + had * price->cached + out * price->output) / 1e6;
}
