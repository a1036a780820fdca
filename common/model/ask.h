// One thing asked of a backend: what a provider writes as one HTTP request. A case takes one ask (generate) or several
// in steps (turns of a conversation, choices by log-likelihood, texts to embed). Open record; slices borrow.
#ifndef MST_MODEL_ASK_H
#define MST_MODEL_ASK_H

#include "common/model/case.h"

typedef enum {
    MST_ASK_GENERATE = 0,  // an answer to the case's input, or to messages
    MST_ASK_LOGLIKELIHOOD, // log-probability of continuation after context, and whether greedy decoding would give it
    MST_ASK_ROLLING,       // log-probability of each token of continuation; context is empty
    MST_ASK_EMBED,         // one vector for each of texts
} mst_ask_kind_t;

#define MST_ASK_BIT(kind) (1u << (kind))

typedef struct {
    mst_ask_kind_t kind;
    const mst_case_t *c;     // never NULL
    uint32_t repeat_no;      // varies the seed when one is set
    uint32_t step_no;        // of this case, from 0
    mst_str_t system_prompt; // of the run, or empty
    mst_str_t messages;      // GENERATE: JSON array, the conversation so far; empty: the case's messages or input
    mst_str_t context, continuation;
    const mst_str_t *texts; // EMBED
    size_t text_count;
} mst_ask_t;

#endif
