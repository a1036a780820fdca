// Looking into a tree. NULL and values of another type are answered, never refused.
#include "common/json/json.h"

#include <math.h>

const mst_json_t *
mst_json_get_str(const mst_json_t *obj, mst_str_t key)
{
    if (obj == NULL || obj->type != MST_JSON_OBJ)
        return NULL;
    for (uint32_t i = 0; i < obj->count; i++) {
        if (mst_str_eq(obj->u.members[i].key, key))
            return &obj->u.members[i].value;
    }
    return NULL;
}

const mst_json_t *
mst_json_get(const mst_json_t *obj, const char *key)
{
    return mst_json_get_str(obj, mst_str_c(key));
}

const mst_json_t *
mst_json_at(const mst_json_t *arr, size_t index)
{
    if (arr == NULL || arr->type != MST_JSON_ARR || index >= arr->count)
        return NULL;
    return &arr->u.items[index];
}

static const mst_json_t *
step(const mst_json_t *v, mst_str_t name)
{
    uint64_t index;
    if (v->type == MST_JSON_ARR)
        return mst_str_to_u64(name, &index) ? mst_json_at(v, index) : NULL;
    return mst_json_get_str(v, name);
}

const mst_json_t *
mst_json_path(const mst_json_t *root, mst_str_t path)
{
    const mst_json_t *v = root;
    while (v != NULL) {
        const mst_json_t *whole = step(v, path);
        int64_t dot = mst_str_find(path, MST_STR("."), 0);
        if (whole != NULL || dot < 0)
            return whole;
        v = step(v, mst_str(path.p, (size_t)dot));
        path = mst_str(path.p + dot + 1, path.n - (size_t)dot - 1);
    }
    return NULL;
}

bool
mst_json_is(const mst_json_t *v, mst_json_type_t type)
{
    return v != NULL && v->type == type;
}

bool
mst_json_str(const mst_json_t *v, mst_str_t *out)
{
    if (!mst_json_is(v, MST_JSON_STR))
        return false;
    *out = v->u.s;
    return true;
}

bool
mst_json_i64(const mst_json_t *v, int64_t *out)
{
    if (mst_json_is(v, MST_JSON_INT)) {
        *out = v->u.i;
        return true;
    }
    if (!mst_json_is(v, MST_JSON_DOUBLE))
        return false;
    double d = v->u.d;
    if (!(d >= -0x1p63 && d < 0x1p63) || trunc(d) != d)
        return false;
    *out = (int64_t)d;
    return true;
}

bool
mst_json_f64(const mst_json_t *v, double *out)
{
    if (mst_json_is(v, MST_JSON_DOUBLE))
        *out = v->u.d;
    else if (mst_json_is(v, MST_JSON_INT))
        *out = (double)v->u.i;
    else if (!mst_json_is(v, MST_JSON_STR))
        return false;
    else if (mst_str_eq(v->u.s, MST_STR("NaN")))
        *out = (double)NAN;
    else if (mst_str_eq(v->u.s, MST_STR("Infinity")))
        *out = (double)INFINITY;
    else if (mst_str_eq(v->u.s, MST_STR("-Infinity")))
        *out = -(double)INFINITY;
    else
        return false;
    return true;
}

bool
mst_json_bool(const mst_json_t *v, bool *out)
{
    if (!mst_json_is(v, MST_JSON_BOOL))
        return false;
    *out = v->u.b;
    return true;
}
