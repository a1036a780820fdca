// What servers say of themselves: which addresses, and how each is read.
#ifndef MST_WORKER_CORE_PROBE_READ_H
#define MST_WORKER_CORE_PROBE_READ_H

#include "worker/core/probe.h"

typedef struct {
    const char *name; // as in a provider's `probe`
    const char *path;
    bool root; // from the server's root, not from base_url
    void (*read)(mst_probe_facts_t *f, const mst_json_t *root, mst_str_t model, mst_arena_t *arena);
} mst_probe_get_t;

extern const mst_probe_get_t mst_probe_gets[]; // ends with name NULL

bool mst_probe_gives(const char *list, const char *name); // "a|b|c"; NULL: none
// The whole address. plain: that of the provider's ordinary requests. False: there is none.
bool mst_probe_url(const mst_probe_get_t *get, const mst_params_t *params, mst_str_t plain, mst_arena_t *arena,
                   mst_str_t *out);
void mst_probe_server(mst_probe_facts_t *f, mst_str_t header, mst_arena_t *arena); // "name/version"
void mst_probe_model(mst_probe_facts_t *f, mst_str_t name, mst_arena_t *arena);    // of an answer

#endif
