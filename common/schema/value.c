#include "common/schema/value.h"

#include "common/base/hash.h"
#include "common/json/simd.h"

#include <math.h>

// Values come from the readers of common/json, nested at most MST_JSON_DEPTH_MAX deep: that bounds the recursion of
// mst_value_equal and mst_value_hash.

__extension__ typedef unsigned __int128 u128;

static bool
is_whole(double d)
{
    return isfinite(d) && trunc(d) == d;
}

uint32_t
mst_value_type(const mst_json_t *v)
{
    switch (v->type) {
    case MST_JSON_NULL:
        return T_NULL;
    case MST_JSON_BOOL:
        return T_BOOL;
    case MST_JSON_INT:
        return T_INT | T_NUM;
    case MST_JSON_DOUBLE:
        return is_whole(v->u.d) ? T_INT | T_NUM : T_NUM;
    case MST_JSON_STR:
        return T_STR;
    case MST_JSON_ARR:
        return T_ARR;
    case MST_JSON_OBJ:
        return T_OBJ;
    }
    return 0;
}

const char *
mst_value_type_name(const mst_json_t *v)
{
    switch (v->type) {
    case MST_JSON_NULL:
        return "null";
    case MST_JSON_BOOL:
        return "boolean";
    case MST_JSON_INT:
        return "integer";
    case MST_JSON_DOUBLE:
        return is_whole(v->u.d) ? "integer" : "number";
    case MST_JSON_STR:
        return "string";
    case MST_JSON_ARR:
        return "array";
    case MST_JSON_OBJ:
        return "object";
    }
    return "nothing";
}

static int
order_doubles(double a, double b)
{
    return isnan(a) || isnan(b) ? 2 : (a > b) - (a < b);
}

// Exact: no int64 is rounded to a double.
static int
order_mixed(int64_t i, double d)
{
    if (isnan(d))
        return 2;
    if (d >= 0x1p63)
        return -1;
    if (d < -0x1p63)
        return 1;
    int64_t whole = (int64_t)d; // towards zero
    if (i != whole)
        return i < whole ? -1 : 1;
    double rest = d - (double)whole; // exact: when d has a fraction, it is below 2^53
    return rest > 0.0 ? -1 : rest < 0.0 ? 1 : 0;
}

int
mst_value_order(const mst_json_t *a, const mst_json_t *b)
{
    bool ai = a->type == MST_JSON_INT, bi = b->type == MST_JSON_INT;
    if (ai && bi)
        return (a->u.i > b->u.i) - (a->u.i < b->u.i);
    if (!ai && !bi)
        return order_doubles(a->u.d, b->u.d);
    if (ai)
        return order_mixed(a->u.i, b->u.d);
    int o = order_mixed(b->u.i, a->u.d);
    return o == 2 ? 2 : -o;
}

static bool
spend(uint64_t *steps, uint64_t cost)
{
    *steps = *steps > cost ? *steps - cost : 0;
    return *steps > 0;
}

// Looks for key from place `from` on, round the end: objects mostly have their members in the same order.
static const mst_json_t *
find_from(const mst_json_t *obj, mst_str_t key, uint32_t from, uint64_t *steps)
{
    for (uint32_t k = 0; k < obj->count; k++) {
        uint32_t i = from + k < obj->count ? from + k : from + k - obj->count;
        if (mst_str_eq(obj->u.members[i].key, key))
            return &obj->u.members[i].value;
        if (!spend(steps, 1))
            break;
    }
    return NULL;
}

static bool
equal_objects(const mst_json_t *a, const mst_json_t *b, uint64_t *steps)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const mst_json_t *other = find_from(b, a->u.members[i].key, i, steps);
        if (other == NULL || !mst_value_equal(&a->u.members[i].value, other, steps))
            return false;
    }
    return true;
}

bool
mst_value_equal(const mst_json_t *a, const mst_json_t *b, uint64_t *steps)
{
    bool numbers = (mst_value_type(a) & mst_value_type(b) & T_NUM) != 0;
    if (!spend(steps, 1) || (!numbers && a->type != b->type))
        return false;
    switch (a->type) {
    case MST_JSON_NULL:
        return true;
    case MST_JSON_BOOL:
        return a->u.b == b->u.b;
    case MST_JSON_INT:
    case MST_JSON_DOUBLE:
        return mst_value_order(a, b) == 0;
    case MST_JSON_STR:
        (void)spend(steps, a->u.s.n / 64);
        return mst_str_eq(a->u.s, b->u.s);
    case MST_JSON_ARR:
        if (a->count != b->count)
            return false;
        for (uint32_t i = 0; i < a->count; i++) {
            if (!mst_value_equal(&a->u.items[i], &b->u.items[i], steps))
                return false;
        }
        return true;
    case MST_JSON_OBJ:
        return a->count == b->count && equal_objects(a, b, steps);
    }
    return false;
}

static uint64_t
mix(uint64_t a, uint64_t b)
{
    const uint64_t pair[2] = {a, b};
    return mst_xxh64(mst_str((const char *)pair, sizeof pair), 0);
}

static uint64_t
hash_number(const mst_json_t *v, uint64_t seed)
{
    int64_t i = 0;
    if (mst_json_i64(v, &i))
        return mix(seed + T_NUM, (uint64_t)i);
    double d = v->u.d;
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return mix(seed + T_NUM + 1, bits);
}

uint64_t
mst_value_hash(const mst_json_t *v, uint64_t seed, uint64_t *steps)
{
    uint64_t h = seed + v->type;
    if (!spend(steps, 1))
        return h;
    switch (v->type) {
    case MST_JSON_NULL:
        return mix(h, 0);
    case MST_JSON_BOOL:
        return mix(h, v->u.b);
    case MST_JSON_INT:
    case MST_JSON_DOUBLE:
        return hash_number(v, seed);
    case MST_JSON_STR:
        (void)spend(steps, v->u.s.n / 64);
        return mst_xxh64(v->u.s, h);
    case MST_JSON_ARR:
        for (uint32_t i = 0; i < v->count; i++)
            h = mix(h, mst_value_hash(&v->u.items[i], seed, steps));
        return mix(h, v->count);
    case MST_JSON_OBJ: {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < v->count; i++) {
            uint64_t key = mst_xxh64(v->u.members[i].key, seed);
            sum += mix(key, mst_value_hash(&v->u.members[i].value, seed, steps));
        }
        return mix(h, sum);
    }
    }
    return h;
}

static void
strip_zeros(mst_decimal_t *d)
{
    while (d->digits > 0 && d->digits % 10 == 0) {
        d->digits /= 10;
        d->exp10++;
    }
}

// Text of the form [-]d[.ddd]e[+-]dd or without the exponent.
static void
decimal_of_text(mst_str_t s, mst_decimal_t *out)
{
    bool fraction = false;
    size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0;
    for (; i < s.n && s.p[i] != 'e'; i++) {
        if (s.p[i] == '.') {
            fraction = true;
            continue;
        }
        out->digits = out->digits * 10 + (uint64_t)(s.p[i] - '0'); // at most 17 of them and zeros
        out->exp10 -= fraction;
    }
    int32_t exp = 0;
    bool negative = false;
    for (i++; i < s.n; i++) {
        if (s.p[i] == '-' || s.p[i] == '+')
            negative = s.p[i] == '-';
        else
            exp = exp * 10 + (s.p[i] - '0');
    }
    out->exp10 += negative ? -exp : exp;
}

bool
mst_decimal_of(const mst_json_t *number, mst_decimal_t *out)
{
    *out = (mst_decimal_t){0, 0};
    if (number->type == MST_JSON_INT) {
        int64_t i = number->u.i;
        out->digits = i < 0 ? ~(uint64_t)i + 1 : (uint64_t)i;
    } else {
        if (!isfinite(number->u.d))
            return false;
        char text[MST_SIMD_F64_MAX];
        decimal_of_text(mst_str(text, mst_simd_f64(number->u.d, text)), out);
    }
    strip_zeros(out);
    return true;
}

bool
mst_decimal_is_multiple(mst_decimal_t v, mst_decimal_t of)
{
    if (v.digits == 0)
        return true;
    int32_t e = v.exp10 - of.exp10;
    if (e < 0)
        return false; // v.digits does not end in zero, the divisor's multiples do
    u128 m = of.digits, r = v.digits % of.digits, base = 10 % m;
    for (; e > 0; e >>= 1) {
        if (e & 1)
            r = r * base % m;
        base = base * base % m;
    }
    return r == 0;
}
