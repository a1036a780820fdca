// What a plain scalar means: null, a bool or a number by the core schema of YAML 1.2, else a string.
// `yes`, `no`, `on` and `off` are strings; a leading zero does not make a number octal.
// Thread: any; no state.
#ifndef MST_CONFIG_SCALAR_H
#define MST_CONFIG_SCALAR_H

#include "common/config/yaml.h"

// plain: written without quotes. The string of the result borrows text.
mst_json_t mst_yaml_scalar(mst_str_t text, bool plain);
bool mst_yaml_is_null(const mst_ynode_t *n); // a plain null, or nothing behind the colon

#endif
