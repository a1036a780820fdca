// What configuration needs to know of a scorer or a provider: its names, its parameters, names that stand for it.
// Read-only tables.
#ifndef MST_CONFIG_KIND_H
#define MST_CONFIG_KIND_H

#include "common/model/param.h"

// A service by name that speaks a provider's dialect: where it is and which environment variable holds its key.
typedef struct {
    const char *name;     // "sarmalink"
    const char *base_url; // its address
    const char *key_env;  // "SARMALINK_API_KEY"; NULL: it needs none
    const char *base_env; // a variable that moves it, or NULL
} mst_service_t;          // a table ends with {.name = NULL}

// What configuration needs to know of a scorer or a provider.
typedef struct {
    const char *name;          // "exact_match", "openai"
    const char *aliases;       // "a|b"; NULL = none
    const char *tier;          // scorers: "L1" ... "L4", "RAG"; NULL for providers
    const mst_param_t *params; // its own parameters
    double threshold;          // scorers: default threshold
    const char *help;
    bool logprobs;             // scorers: reads log-probabilities, so the provider's `logprobs` is switched on
    uint32_t calls;            // scorers: MST_ASK_BIT of what it asks of an endpoint of its own; 0 = nothing
    const mst_service_t *services; // providers: names of services that stand for it with an address and a key; or NULL
} mst_kind_t;

// Another tool's name for a scorer, whose parameters differ: how an entry under that name is read. A name that is a
// scorer's own comes first. Its `metric` is the label.
typedef struct {
    const char *name;      // "icontains"
    const char *scorer;    // "contains"; NULL: refused, why says what to do
    const char *bare;      // the scorer when the entry has no `value`; NULL = the same
    const char *value;     // what its `value` is called here; NULL = it has none
    const char *threshold; // what its `threshold` is called here; NULL = threshold
    const char *preset;    // "{case_sensitive: false}": taken unless the entry says otherwise; NULL = nothing
    bool list;             // its `value` must be a list
    const char *why;       // a sentence
} mst_scorer_alias_t;      // a table ends with {.name = NULL}

#endif
