#include "worker/core/budget.h"

#include <stddef.h>

#define CENT 1e-9 // sums of money are not compared to the last bit

static const char *
lacks(const mst_spend_t *most, const mst_spend_t *sum)
{
    if (most->requests > 0 && sum->requests > most->requests)
        return "requests";
    if (most->tokens > 0 && sum->tokens > most->tokens)
        return "tokens";
    if (most->money > 0.0 && sum->money > most->money + CENT)
        return "money";
    return NULL;
}

static mst_spend_t
plus(const mst_spend_t *a, const mst_spend_t *b)
{
    return (mst_spend_t){
        .requests = a->requests + b->requests, .tokens = a->tokens + b->tokens, .money = a->money + b->money};
}

mst_budget_say_t
mst_budget_ask(const mst_budget_t *b, const mst_spend_t *need)
{
    mst_spend_t alone = plus(&b->spent, need);
    mst_spend_t all = plus(&alone, &b->held);
    if (!lacks(&b->most, &all))
        return MST_BUDGET_GO;
    return b->held.requests > 0 ? MST_BUDGET_WAIT : MST_BUDGET_STOP;
}

const char *
mst_budget_short(const mst_budget_t *b, const mst_spend_t *need)
{
    mst_spend_t alone = plus(&b->spent, need);
    const char *what = lacks(&b->most, &alone);
    return what ? what : "nothing";
}

void
mst_budget_hold(mst_budget_t *b, const mst_spend_t *need)
{
    b->held = plus(&b->held, need);
}

static uint64_t
less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

void
mst_budget_settle(mst_budget_t *b, const mst_spend_t *held, const mst_spend_t *used)
{
    b->held.requests = less(b->held.requests, held->requests);
    b->held.tokens = less(b->held.tokens, held->tokens);
    b->held.money = b->held.requests == 0 || held->money > b->held.money ? 0.0 : b->held.money - held->money;
    b->spent = plus(&b->spent, used);
}

bool
mst_budget_any(const mst_budget_t *b)
{
    return b->most.requests > 0 || b->most.tokens > 0 || b->most.money > 0.0;
}
