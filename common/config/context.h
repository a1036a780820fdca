// What the files of this folder share while one configuration is read: where errors are placed, how variables
// are looked up, where results live.
// Thread: belongs to one load.
#ifndef MST_CONFIG_CONTEXT_H
#define MST_CONFIG_CONTEXT_H

#include "common/config/run_config.h"

typedef struct {
    const char *file;
    const mst_config_env_t *env; // NULL, or without getenv_fn: "${" is ordinary text
    mst_arena_t *arena;
    mst_err_t *err;
    const char *section; // what unknown keys are unknown to: "data_source"; NULL = the top level
    const mst_ynode_t *models[2]; // by name: of the configuration, of its models_file; NULL = none
    size_t expanded;     // bytes that expansion made so far, capped by MST_YAML_BYTES_MAX
} mst_cfg_ctx_t;

// "file:line:column: ..." into ctx->err; returns rc.
mst_rc mst_cfg_fail(const mst_cfg_ctx_t *c, mst_rc rc, const mst_ynode_t *at, const char *fmt, ...) MST_PRINTF(4, 5);
mst_rc mst_cfg_nomem(const mst_cfg_ctx_t *c);

#define MST_CFG_SHOW_MAX 72

// A text from the file as an error message may show it: cut, without control characters.
const char *mst_cfg_show(mst_str_t s, char out[MST_CFG_SHOW_MAX]);
// The same for any node: "\"abc\"", "a list", "a map", "nothing".
const char *mst_cfg_what(const mst_ynode_t *n, char out[MST_CFG_SHOW_MAX]);

// "a|b|c": calls for each part until one answers true.
typedef bool mst_cfg_word_fn(void *ud, mst_str_t word);
bool mst_cfg_words(const char *list, mst_cfg_word_fn *fn, void *ud);
bool mst_cfg_in_list(const char *list, mst_str_t word); // NULL list: false

// The nearest of several names to a misspelt one: within 2 edits or a third of its length.
typedef struct {
    mst_str_t wanted;
    mst_str_t best; // empty: none is near
    size_t distance;
} mst_cfg_near_t;

void mst_cfg_near(mst_cfg_near_t *near, const char *name);       // one name; NULL allowed
void mst_cfg_near_list(mst_cfg_near_t *near, const char *names); // "a|b"; NULL allowed
// "; did you mean \"x\"?" or empty.
const char *mst_cfg_hint(const mst_cfg_near_t *near, char out[MST_CFG_SHOW_MAX + 24]);

// The text of a scalar with its variables filled in. *out_expanded (NULL allowed): there were some.
MST_NODISCARD mst_rc mst_cfg_text(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_str_t *out, bool *out_expanded);
bool mst_cfg_variable_name(mst_str_t s); // [A-Za-z_][A-Za-z0-9_]*

// The tree as JSON with its variables filled in; a scalar that held one is a string.
MST_NODISCARD mst_rc mst_cfg_json(mst_cfg_ctx_t *c, const mst_ynode_t *n, const mst_json_t **out);

// One value by its row of a table.
MST_NODISCARD mst_rc mst_cfg_value(mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *n,
                                   mst_param_value_t *out);

// One map read by up to three tables: `own` holds what every element of the section has, `kind` (NULL allowed) what
// this scorer or provider adds. Keys in also (NULL-terminated, NULL allowed) are left for the caller.
typedef struct {
    const mst_param_t *own, *kind;
    const char *const *also;
    const mst_param_t *common; // what every kind has; NULL allowed
    mst_params_t *out_common;
} mst_cfg_tables_t;

MST_NODISCARD mst_rc mst_cfg_params(mst_cfg_ctx_t *c, const mst_cfg_tables_t *tables, const mst_ynode_t *map,
                                    mst_params_t *out_own, mst_params_t *out_kind);
// The node of a row in a map, by its name or an alias; NULL when absent or null.
const mst_ynode_t *mst_cfg_find(const mst_ynode_t *map, const mst_param_t *row);

// Which scorer or provider a map is of, by its row of names (kind.c).
const mst_kind_t *mst_cfg_find_kind(const mst_kind_t *const *kinds, mst_str_t name);
MST_NODISCARD mst_rc mst_cfg_kind_name(mst_cfg_ctx_t *c, const char *noun, const mst_ynode_t *map,
                                       const mst_param_t *row, const mst_ynode_t **out_node, mst_str_t *out);
mst_rc mst_cfg_unknown_kind(mst_cfg_ctx_t *c, const mst_kind_t *const *kinds, const char *noun, const mst_ynode_t *n);

// A service by name, and the provider that it stands for (service.c); NULL: there is none.
const mst_service_t *mst_cfg_service(const mst_kind_t *const *kinds, mst_str_t name, const mst_kind_t **out_kind);
// Fills in the service's address and key where the configuration gave none; at: where the service is named.
MST_NODISCARD mst_rc mst_cfg_apply_service(mst_cfg_ctx_t *c, const mst_ynode_t *at, const mst_service_t *s,
                                           mst_params_t *params);

// A scorer's entry as its own scorer reads it (alias.c): "not-" and names of other tools are resolved.
typedef struct {
    const mst_kind_t *kind;
    const mst_ynode_t *map;
    bool negate;
} mst_cfg_entry_t;

MST_NODISCARD mst_rc mst_cfg_entry(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_cfg_entry_t *out);

// Sections (source.c, scorers.c, targets.c): filled from their nodes.
MST_NODISCARD mst_rc mst_cfg_source(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_source_cfg_t *out);
MST_NODISCARD mst_rc mst_cfg_scorers(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_run_cfg_t *out);
// Of the settings in out->common, read from map, what a table cannot say (provider.c).
MST_NODISCARD mst_rc mst_cfg_provider_common(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_provider_cfg_t *out);
// Its section launch (launch.c) as values and as it is written into the spec. Left out of what tables read: what
// variables of its env hold must not get there.
MST_NODISCARD mst_rc mst_cfg_launch(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_params_t *out,
                                    const mst_json_t **out_json);
// A backend that is nobody's target; n NULL: none.
MST_NODISCARD mst_rc mst_cfg_provider(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_provider_cfg_t *out);
MST_NODISCARD mst_rc mst_cfg_request(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_request_cfg_t *out); // NULL: generate
// models.c: both may be NULL. From then on a backend may be named in place of being described.
MST_NODISCARD mst_rc mst_cfg_models(mst_cfg_ctx_t *c, const mst_ynode_t *models, const mst_ynode_t *file);
// A backend that only names its model becomes its full description; *out_name is then that name, else empty.
MST_NODISCARD mst_rc mst_cfg_model(mst_cfg_ctx_t *c, const mst_ynode_t **node, mst_str_t *out_name);
// targets.c: both may be NULL; only one of them is given.
MST_NODISCARD mst_rc mst_cfg_targets(mst_cfg_ctx_t *c, const mst_ynode_t *provider, const mst_ynode_t *list,
                                     mst_run_cfg_t *out);
MST_NODISCARD mst_rc mst_cfg_simulate(mst_cfg_ctx_t *c, const mst_ynode_t *n, const mst_json_t **out);
bool mst_cfg_is_label(mst_str_t s); // a line of 1 to 200 bytes without control characters

// Reductions (reduce.c) from a list of texts; at: where they stand, for errors.
MST_NODISCARD mst_rc mst_cfg_reduce(mst_cfg_ctx_t *c, const mst_ynode_t *at, const mst_param_value_t *v,
                                    const mst_reduce_t **out, size_t *out_count);
// scorers[i] gets a label that no other of the count has.
MST_NODISCARD mst_rc mst_cfg_label(mst_cfg_ctx_t *c, mst_scorer_cfg_t *scorers, size_t count, size_t i);
// Service levels (slo.c).
MST_NODISCARD mst_rc mst_cfg_slo(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_slo_t *out);
// What sections say to each other (guard.c).
MST_NODISCARD mst_rc mst_cfg_apply_guard(mst_cfg_ctx_t *c, const mst_params_t *guard, const mst_ynode_t *at,
                                         mst_run_cfg_t *out);
MST_NODISCARD mst_rc mst_cfg_apply_logprobs(mst_cfg_ctx_t *c, mst_run_cfg_t *out);

// How requests are let go (load.c); n NULL: no such section. And back to JSON; *ok false: no room.
MST_NODISCARD mst_rc mst_cfg_load(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_load_t *out);
mst_json_t mst_cfg_load_value(const mst_load_t *l, mst_arena_t *arena, bool *ok);

// Set values of a table as the members of a JSON object, appended to m; returns how many.
size_t mst_cfg_members(const mst_params_t *p, mst_json_member_t *m, mst_arena_t *arena, bool *ok);
// Prices and budget (money.c); NULL: none.
MST_NODISCARD mst_rc mst_cfg_money(mst_cfg_ctx_t *c, const mst_ynode_t *prices, const mst_ynode_t *budget,
                                   mst_run_cfg_t *out);
size_t mst_cfg_rows(const mst_param_t *table); // NULL: 0

extern const char *const mst_cfg_probe_names[3]; // by mst_probe_mode_t
extern const char *const mst_cfg_cache_names[4]; // by mst_cache_mode_t
const char *mst_cfg_on_missing_name(mst_on_missing_t v);
const char *mst_cfg_source_type_name(mst_source_type_t v);

#endif
