// JSON that a schema asks for: an instance made of seeded words. Of the schema are read: type, properties, items,
// enum, const, minItems, minimum. Pure.
#ifndef MST_SIM_INSTANCE_H
#define MST_SIM_INSTANCE_H

#include "common/json/json.h"

// Appends one object; schema NULL or of another kind: {"answer": "some words"}.
void mst_sim_instance(const mst_json_t *schema, uint64_t seed, mst_buf_t *out);

#endif
