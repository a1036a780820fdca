// What a run may spend: requests, tokens, money. Pure.
//
// Before a request starts, the most that it can take is held back; when it has ended, what it took is spent instead.
// So no budget is passed, however many requests are in flight, as far as the most is known: the prompt counts a token
// for each of its bytes, the answer max_tokens. Where no max_tokens is set, nothing is held for the answer, and a
// budget can be passed by what the requests then in flight take.
// Thread: belongs to one thread.
#ifndef MST_WORKER_CORE_BUDGET_H
#define MST_WORKER_CORE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t requests, tokens;
    double money;
} mst_spend_t;

typedef struct {
    mst_spend_t most;  // 0 = any
    mst_spend_t spent; // other sessions of the run included
    mst_spend_t held;  // for requests in flight
} mst_budget_t;

typedef enum {
    MST_BUDGET_GO,
    MST_BUDGET_WAIT, // what is in flight may leave enough
    MST_BUDGET_STOP,
} mst_budget_say_t;

mst_budget_say_t mst_budget_ask(const mst_budget_t *b, const mst_spend_t *need);
void mst_budget_hold(mst_budget_t *b, const mst_spend_t *need);
void mst_budget_settle(mst_budget_t *b, const mst_spend_t *held, const mst_spend_t *used);
bool mst_budget_any(const mst_budget_t *b);
// Which one would be passed: "requests", "tokens" or "money".
const char *mst_budget_short(const mst_budget_t *b, const mst_spend_t *need);

#endif
