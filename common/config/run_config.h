// The configuration of a run: what `muster run CONFIG` reads, validated against the parameter tables of
// scorers and providers, which cli hands over (this layer knows only their types).
//
// ${NAME} in a value is expanded at any depth, through maps and lists; an unset variable is an error that names
// it. Nothing escapes "${", keys are not expanded, and what a variable held is not expanded again: a spec is read
// with getenv_fn NULL. A number or a bool may come out of a variable, quoted or not; inside records and free-form
// values (MST_P_JSON) what held a variable is a string.
// Parameters of type secret are kept as references ("env:NAME", "file:/path") and never expanded here. Both
// spellings of each key are accepted. A key without a value counts as not given. An unknown key, a wrong type or
// a value out of range gives file:line:column, what was expected and the nearest valid name.
// Thread: any; the result is read-only and lives as long as its arena.
#ifndef MST_CONFIG_RUN_CONFIG_H
#define MST_CONFIG_RUN_CONFIG_H

#include "common/config/slo.h"
#include "common/config/kind.h"
#include "common/config/tables.h"
#include "common/config/yaml.h"
#include "common/model/load.h"
#include "common/model/param.h"
#include "common/stats/reduce.h"

typedef struct {
    const mst_kind_t *const *scorers; // NULL-terminated, sorted by name
    const mst_kind_t *const *providers;
    const mst_scorer_alias_t *aliases; // NULL = none
    // Environment look-up, NULL when unset. A parameter, so that this layer does no I/O. getenv_fn NULL: "${" is
    // ordinary text, which is how a spec must be read.
    const char *(*getenv_fn)(void *ud, const char *name);
    // A file that the configuration names (models_file), into arena; NULL: such a file is refused.
    mst_rc (*read_fn)(void *ud, const char *path, size_t max, mst_arena_t *arena, mst_str_t *out, mst_err_t *err);
    void *ud;
} mst_config_env_t;

typedef enum { MST_SRC_JSONL, MST_SRC_INLINE } mst_source_type_t;

typedef struct {
    mst_str_t target; // id, input, expected_output, metadata, messages, choices ...: a field of a case
    mst_str_t source; // dotted path in the row
} mst_mapping_t;

typedef struct {
    mst_source_type_t type;
    mst_str_t path;               // JSONL; as written, relative to the working directory
    const mst_json_t *records;    // INLINE: array of objects
    const mst_mapping_t *mapping; // field_mapping
    size_t mapping_count;
    int64_t limit;                // -1 = all
} mst_source_cfg_t;

typedef enum { MST_MISSING_PASS, MST_MISSING_SKIP, MST_MISSING_FAIL } mst_on_missing_t;

typedef struct {
    const mst_kind_t *kind; // NULL: no provider, recorded answers are scored
    mst_params_t params;
    mst_params_t common; // what every provider has: mst_provider_cfg_table
    mst_params_t launch; // the server that the worker starts for it: mst_launch_cfg_table; table NULL = none
} mst_provider_cfg_t;

#define MST_LAUNCH_PORT "{port}" // in its command, ready_url and base_url: a free port that the worker chose

// A scorer, or a set of scorers: any: passes when one member passes, all: when every member does.
typedef enum { MST_SET_NONE, MST_SET_ANY, MST_SET_ALL } mst_set_mode_t;

typedef struct mst_scorer_cfg mst_scorer_cfg_t;

struct mst_scorer_cfg {
    const mst_kind_t *kind; // of a set: named "any" or "all", of its members' tier
    mst_str_t label;        // name in reports: `label`, else the scorer's name (with #2 ... when repeated)
    double threshold;       // of a set: NaN when the members' verdicts decide
    mst_on_missing_t on_missing;
    const mst_reduce_t *reduce; // how its repeats become one number; NULL: as the run says
    size_t reduce_count;
    mst_params_t params;
    mst_provider_cfg_t endpoint; // whom the scorer asks: its section `provider` or `embeddings`; kind NULL = none
    bool negate;            // passes when the scorer does not; the score is 1 less the scorer's
    bool weighted;          // weight was given
    double weight;          // share in the weighted mean: 1 unless given; given as 0: shown, decides nothing
    mst_set_mode_t mode;
    const mst_scorer_cfg_t *members; // of a set; they are no sets
    size_t member_count;
};

typedef enum {
    MST_REQUEST_GENERATE,
    MST_REQUEST_CONVERSATION,
    MST_REQUEST_LOGLIKELIHOOD,
    MST_REQUEST_MULTIPLE_CHOICE,
    MST_REQUEST_PERPLEXITY,
} mst_request_kind_t;

typedef struct { // what is asked about each case
    mst_request_kind_t kind;
    mst_str_t delimiter;    // between input and continuation
    int64_t window, stride; // characters; 0 = the whole text
    bool ask_recorded;      // conversation: answers in the data are left out and asked for
} mst_request_cfg_t;

const char *mst_request_kind_name(mst_request_kind_t kind);

// What a worker finds out about a backend before a run: nothing, by asking for its descriptions and for what the run
// cannot do without, or always by a small request too.
typedef enum { MST_PROBE_OFF, MST_PROBE_LIGHT, MST_PROBE_FULL } mst_probe_mode_t;

// One backend that a run asks.
typedef struct {
    mst_str_t label; // its name in reports: `label`, else the model, else the provider's name; no other target has it
    mst_provider_cfg_t provider;
    int64_t concurrency;        // 0: as the run says (mst_run_cfg_concurrency)
    const mst_json_t *simulate; // NULL: as the run says (mst_run_cfg_simulate)
} mst_target_cfg_t;

typedef enum {
    MST_PLACE_REPLICATE, // each case once on each target: part of the key
    MST_PLACE_SHARE,     // the targets are equal: each case on one of them, whichever has room
} mst_placement_t;

typedef struct { // what a run may spend, resumed ones included; 0 = any
    double money;
    int64_t tokens, requests;
} mst_budget_cfg_t;

typedef struct { // of a million tokens, in whatever currency
    mst_str_t model; // "*": every other
    double input, output, cached; // cached: prompt tokens that the server had already; as input when not given
} mst_price_cfg_t;

// What is done with answers of earlier runs (docs/cache.md).
typedef enum { MST_CACHE_OFF, MST_CACHE_READ, MST_CACHE_WRITE, MST_CACHE_ON } mst_cache_mode_t;

typedef struct {
    mst_str_t name, description;
    mst_source_cfg_t source;
    const mst_scorer_cfg_t *scorers;
    size_t scorer_count;
    const mst_target_cfg_t *targets; // `provider` is the short form for one
    size_t target_count;             // 0: recorded answers are scored
    mst_placement_t placement;
    mst_request_cfg_t request;
    mst_probe_mode_t probe;
    mst_cache_mode_t cache;
    mst_str_t cache_path;  // on the worker's machine; empty: its own place
    int64_t cache_max_mb;
    int64_t concurrency;   // requests in flight to each target; default 5
    int64_t repeats;       // default 1
    const mst_reduce_t *reduce; // of scorers that say nothing themselves; NULL: the mean
    size_t reduce_count;
    bool fail_fast;        // stop the run at the first failed case
    bool strict;           // refuse the dataset at its first bad row
    bool keep_raw;         // store raw request and response
    double min_coverage;   // default 0.99
    mst_budget_cfg_t budget;
    const mst_price_cfg_t *prices;
    size_t price_count;
    const mst_json_t *budget_json, *prices_json; // as they stand in the spec; NULL = none
    mst_str_t system_prompt;
    mst_str_t wandb_project;         // used by trackers, as the tags
    const mst_json_t *wandb_tags;
    const mst_json_t *numerical_guard;
    mst_slo_t slo;                   // service levels, for goodput
    mst_load_t load;                 // model NONE: no such section
    const mst_json_t *simulate;      // options of simulated backends to start in this process; NULL = none
    mst_str_t spec;        // canonical JSON of all of it: what is stored and sent to workers; no secret in it
} mst_run_cfg_t;

// Reads, expands, validates. All of it is in arena. MST_INVAL, MST_LIMIT, MST_UNSUPPORTED with file:line:column.
// The spec of an earlier load is itself a valid text (aliases resolved, variables expanded, defaults written out);
// read with env->getenv_fn NULL it gives the same spec byte for byte. `given` of a parameter then holds for
// defaults too, but for those of secrets, which a spec leaves out: code that decides looks at `set`.
MST_NODISCARD mst_rc mst_run_cfg_load(mst_str_t text, const char *file, const mst_config_env_t *env,
                                      mst_arena_t *arena, mst_run_cfg_t *out, mst_err_t *err);

// The spec anew, after settings were changed (`--limit`): set out->spec from it. MST_LIMIT: it could not be read again.
MST_NODISCARD mst_rc mst_run_cfg_spec(const mst_run_cfg_t *cfg, mst_arena_t *arena, mst_str_t *out, mst_err_t *err);

// The reductions of one scorer: its own, else the run's, else the mean. *count is at least 1.
const mst_reduce_t *mst_run_cfg_reduce(const mst_run_cfg_t *cfg, const mst_scorer_cfg_t *scorer, size_t *count);
bool mst_run_cfg_reduces(const mst_run_cfg_t *cfg); // repeats > 1, and some reduction is configured

const mst_target_cfg_t *mst_run_cfg_target(const mst_run_cfg_t *cfg, size_t target_no); // NULL: no such one
uint32_t mst_run_cfg_key_targets(const mst_run_cfg_t *cfg); // targets in the keys of the run, from 1
int64_t mst_run_cfg_concurrency(const mst_run_cfg_t *cfg, const mst_target_cfg_t *target);
const mst_json_t *mst_run_cfg_simulate(const mst_run_cfg_t *cfg, const mst_target_cfg_t *target); // NULL = none

const mst_price_cfg_t *mst_run_cfg_price(const mst_run_cfg_t *cfg, const mst_provider_cfg_t *provider); // NULL = none
// What an answer costs; tokens < 0 are not known. price NULL: 0.
double mst_price_of(const mst_price_cfg_t *price, int64_t prompt, int64_t cached, int64_t completion);

// What no single setting shows, once all of them stand: a reduction over more repeats than there are. MST_INVAL.
MST_NODISCARD mst_rc mst_run_cfg_check(const mst_run_cfg_t *cfg, mst_err_t *err);

// Fills values for one table from a map node, unexpanded; keys in `also` (NULL-terminated) are left for the caller.
MST_NODISCARD mst_rc mst_params_parse(const mst_param_t *table, const mst_ynode_t *map, const char *file,
                                      const char *const *also, mst_arena_t *arena, mst_params_t *out,
                                      mst_err_t *err);

#endif
