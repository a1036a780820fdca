// Parameter tables: one table (name, type, default, range, help) drives parsing, validation, --help and the
// generated reference page of every scorer, provider and section of the configuration. The types live here,
// below configuration and scorers; common/config/params.h fills values from a YAML node.
#ifndef MST_MODEL_PARAM_H
#define MST_MODEL_PARAM_H

#include "common/json/json.h"

typedef enum {
    MST_P_STR,
    MST_P_URL,     // http or https, without user, password, query or fragment
    MST_P_BOOL,
    MST_P_INT,     // int64_t, between min and max
    MST_P_NUM,     // double, between min and max; finite
    MST_P_ENUM,    // one of choices
    MST_P_STRLIST, // list of strings; a single string is a list of one
    MST_P_JSON,    // any value, kept as a tree
    MST_P_SECRET,  // a reference: "env:NAME", "file:/path" or "${NAME}"; never the secret itself
} mst_param_type_t;

typedef struct {
    const char *name;
    const char *alias;   // other spellings, separated by "|"; NULL = none
    mst_param_type_t type;
    bool required;
    const char *dflt;    // default as text; NULL = unset
    double min, max;     // INT and NUM; both 0 = any
    const char *choices; // ENUM: "a|b|c"
    const char *help;    // one line
} mst_param_t;           // a table ends with {.name = NULL}

typedef struct {
    bool set;            // given, or has a default
    bool given;          // written in the configuration
    union {
        mst_str_t s;     // STR, URL, ENUM, SECRET
        bool b;
        int64_t i;
        double d;
        struct {
            const mst_str_t *items;
            size_t count;
        } list;
        const mst_json_t *json;
    } u;
} mst_param_value_t;

typedef struct {
    const mst_param_t *table;
    const mst_param_value_t *values; // as many as the table has rows; borrowed from the configuration's arena
} mst_params_t;

// Look-ups by name; the name must be in the table and of that type (MST_ASSERT; num takes INT
// too). Unset: the given default or empty.
const mst_param_value_t *mst_params_get(const mst_params_t *p, const char *name);
bool mst_params_set(const mst_params_t *p, const char *name);
mst_str_t mst_params_str(const mst_params_t *p, const char *name);
bool mst_params_bool(const mst_params_t *p, const char *name);
int64_t mst_params_int(const mst_params_t *p, const char *name, int64_t dflt);
double mst_params_num(const mst_params_t *p, const char *name, double dflt);

#endif
