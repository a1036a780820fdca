// Look-ups in a filled parameter table. A name that is not in the table, or is of another type, is a bug of the
// code that asks.
#include "common/model/param.h"

#include "common/base/err.h"

// Row of the table with that name.
static size_t
row_of(const mst_params_t *p, const char *name)
{
    size_t i = 0;
    while (p->table[i].name != NULL && strcmp(p->table[i].name, name) != 0)
        i++;
    MST_ASSERT(p->table[i].name != NULL);
    return i;
}

const mst_param_value_t *
mst_params_get(const mst_params_t *p, const char *name)
{
    return &p->values[row_of(p, name)];
}

bool
mst_params_set(const mst_params_t *p, const char *name)
{
    return mst_params_get(p, name)->set;
}

mst_str_t
mst_params_str(const mst_params_t *p, const char *name)
{
    size_t row = row_of(p, name);
    mst_param_type_t type = p->table[row].type;
    MST_ASSERT(type == MST_P_STR || type == MST_P_URL || type == MST_P_ENUM || type == MST_P_SECRET);
    return p->values[row].set ? p->values[row].u.s : MST_STR_NULL;
}

bool
mst_params_bool(const mst_params_t *p, const char *name)
{
    size_t row = row_of(p, name);
    MST_ASSERT(p->table[row].type == MST_P_BOOL);
    return p->values[row].set && p->values[row].u.b;
}

int64_t
mst_params_int(const mst_params_t *p, const char *name, int64_t dflt)
{
    size_t row = row_of(p, name);
    MST_ASSERT(p->table[row].type == MST_P_INT);
    return p->values[row].set ? p->values[row].u.i : dflt;
}

double
mst_params_num(const mst_params_t *p, const char *name, double dflt)
{
    size_t row = row_of(p, name);
    mst_param_type_t type = p->table[row].type;
    MST_ASSERT(type == MST_P_NUM || type == MST_P_INT);
    if (!p->values[row].set)
        return dflt;
    return type == MST_P_INT ? (double)p->values[row].u.i : p->values[row].u.d;
}
