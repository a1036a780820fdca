// Rules of scalars, and equality among items.
#include "common/schema/check.h"

#include <stdlib.h>

#define PAIRWISE_MAX 8
#define CALL_COST    100 // steps of one search at full speed

static bool
in_strings(const value_rules_t *r, mst_str_t s)
{
    uint32_t low = 0, high = r->string_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int o = mst_schema_name_order(r->strings[mid], s);
        if (o == 0)
            return true;
        if (o < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static bool
in_enum(check_t *v, const value_rules_t *r, const mst_json_t *value)
{
    if (value->type == MST_JSON_STR)
        return in_strings(r, value->u.s);
    for (uint32_t i = 0; !r->only_strings && i < r->list->count; i++) {
        if (mst_value_equal(value, &r->list->u.items[i], &v->steps))
            return true;
    }
    return false;
}

static const char *
type_names(uint32_t types, char out[MST_SHOW_BYTES])
{
    static const char *const names[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if ((types >> i & 1) == 0)
            continue;
        if (n > 0) {
            memcpy(out + n, " or ", 4);
            n += 4;
        }
        memcpy(out + n, names[i], len + 1);
        n += len;
        if (n + 16 > MST_SHOW_BYTES)
            break;
    }
    return out;
}

bool
mst_check_value(check_t *v, const node_t *n, const spot_t *spot)
{
    char a[MST_SHOW_BYTES], b[MST_SHOW_BYTES];
    const value_rules_t *r = n->value;
    if ((n->types & mst_value_type(spot->value)) == 0) {
        if (v->quiet > 0)
            return mst_check_miss(v, spot, "type");
        return mst_check_fail(v, spot, "type", "%s wanted, found %s", type_names(n->types, a),
                              mst_value_type_name(spot->value));
    }
    if (r == NULL)
        return true;
    bool constant = r->constant == NULL || mst_value_equal(spot->value, r->constant, &v->steps);
    if (constant && (r->list == NULL || in_enum(v, r, spot->value)))
        return mst_check_spend(v, 1);
    if (!mst_check_spend(v, 1)) // what was compared when the steps ran out means nothing
        return false;
    if (v->quiet > 0)
        return mst_check_miss(v, spot, constant ? "enum" : "const");
    if (!constant)
        return mst_check_fail(v, spot, "const", "%s is not %s", mst_check_show(spot->value, a),
                              mst_check_show(r->constant, b));
    return mst_check_fail(v, spot, "enum", "%s is none of the %u allowed values", mst_check_show(spot->value, a),
                          r->list->count);
}

bool
mst_check_number(check_t *v, const number_rules_t *r, const spot_t *spot)
{
    const mst_json_t *x = spot->value, *wrong = NULL;
    const char *keyword = NULL, *relation = NULL;
    mst_decimal_t d;
    if (r->min != NULL && mst_value_order(x, r->min) == -1) {
        wrong = r->min;
        keyword = "minimum";
        relation = "is less than";
    } else if (r->max != NULL && mst_value_order(x, r->max) == 1) {
        wrong = r->max;
        keyword = "maximum";
        relation = "is more than";
    } else if (r->above != NULL && (mst_value_order(x, r->above) == -1 || mst_value_order(x, r->above) == 0)) {
        wrong = r->above;
        keyword = "exclusiveMinimum";
        relation = "is not more than";
    } else if (r->below != NULL && (mst_value_order(x, r->below) == 1 || mst_value_order(x, r->below) == 0)) {
        wrong = r->below;
        keyword = "exclusiveMaximum";
        relation = "is not less than";
    } else if (r->has_multiple && !(mst_decimal_of(x, &d) && mst_decimal_is_multiple(d, r->multiple))) {
        wrong = r->multiple_of;
        keyword = "multipleOf";
        relation = "is no multiple of";
    }
    if (wrong == NULL || v->quiet > 0)
        return wrong == NULL || mst_check_miss(v, spot, keyword);
    char a[MST_SHOW_BYTES], b[MST_SHOW_BYTES];
    return mst_check_fail(v, spot, keyword, "%s %s %s", mst_check_show(x, a), relation, mst_check_show(wrong, b));
}

// Code points: every byte but those that continue one.
static uint64_t
code_points(mst_str_t s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static bool
check_length(check_t *v, const string_rules_t *r, const spot_t *spot)
{
    mst_str_t s = spot->value->u.s;
    bool long_enough = r->min == NO_COUNT || s.n / 4 >= r->min, short_enough = r->max == NO_COUNT || s.n <= r->max;
    if (long_enough && short_enough)
        return true;
    uint64_t n = code_points(s);
    if (r->min != NO_COUNT && n < r->min)
        return mst_check_fail(v, spot, "minLength", "%llu characters, at least %llu wanted", (unsigned long long)n,
                              (unsigned long long)r->min);
    if (r->max != NO_COUNT && n > r->max)
        return mst_check_fail(v, spot, "maxLength", "%llu characters, at most %llu wanted", (unsigned long long)n,
                              (unsigned long long)r->max);
    return mst_check_spend(v, 1 + s.n / 64);
}

bool
mst_check_pattern(check_t *v, mst_regex_t *pattern, mst_str_t text)
{
    mst_rc rc = mst_regex_find(pattern, text, 0, NULL, 0, v->err);
    if (rc != MST_OK && rc != MST_NOTFOUND) {
        v->rc = v->rc == MST_OK ? rc : v->rc;
        return false;
    }
    return mst_check_spend(v, CALL_COST + text.n / 8 + mst_regex_work(pattern)) && rc == MST_OK;
}

static int
base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

// text is valid base64. Into out, which has room for three quarters of it.
static size_t
decode_base64(mst_str_t text, char *out)
{
    size_t n = 0;
    uint32_t bits = 0, have = 0;
    for (size_t i = 0; i < text.n; i++) {
        int d = base64_digit(text.p[i]);
        if (d < 0)
            break;
        bits = (bits << 6 | (uint32_t)d) & 0xFFFF;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xFF);
        }
    }
    return n;
}

static bool
check_content(check_t *v, const string_rules_t *r, const spot_t *spot)
{
    mst_str_t s = spot->value->u.s;
    if (!mst_check_spend(v, 1 + s.n / 8))
        return false;
    if (r->base64 && !mst_format_base64(s))
        return mst_check_fail(v, spot, "contentEncoding", "not base64");
    if (!r->json)
        return true;
    char *decoded = NULL;
    if (r->base64) {
        decoded = mst_xalloc(s.n + 1);
        s = mst_str(decoded, decode_base64(s, decoded));
    }
    bool ok = mst_json_valid(s, false);
    free(decoded);
    return ok || mst_check_fail(v, spot, "contentMediaType", "not JSON");
}

bool
mst_check_string(check_t *v, const string_rules_t *r, const spot_t *spot)
{
    char a[MST_SHOW_BYTES], b[MST_SHOW_BYTES];
    mst_str_t s = spot->value->u.s;
    if (!check_length(v, r, spot))
        return false;
    bool matches = r->pattern == NULL || mst_check_pattern(v, r->pattern, s);
    if (!matches && v->quiet > 0)
        return mst_check_miss(v, spot, "pattern");
    if (!matches)
        return mst_check_fail(v, spot, "pattern", "%s does not match %s", mst_check_show_str(s, a),
                              mst_check_show_str(r->pattern_text, b));
    if (r->format != NULL && (!mst_check_spend(v, 10 + s.n / 4) || !r->format(s)))
        return mst_check_fail(v, spot, "format", "%s is no %s", mst_check_show_str(s, a),
                              mst_check_show_str(r->format_name, b));
    return (!r->base64 && !r->json) || check_content(v, r, spot);
}

static bool
unique_pairwise(check_t *v, const spot_t *spot)
{
    const mst_json_t *a = spot->value;
    for (uint32_t i = 1; i < a->count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (mst_value_equal(&a->u.items[i], &a->u.items[k], &v->steps))
                return mst_check_fail(v, spot, "uniqueItems", "items %u and %u are equal", k, i);
        }
    }
    return true;
}

static void
make_slots(check_t *v, uint32_t count, size_t *slots)
{
    *slots = 4 * PAIRWISE_MAX;
    while (*slots < 2 * (size_t)count)
        *slots *= 2;
    if (*slots > v->slot_cap) {
        free(v->slots);
        v->slots = MST_NEW_ARRAY(uint32_t, *slots);
        v->slot_cap = *slots;
    }
    memset(v->slots, 0, *slots * sizeof *v->slots);
    if (count > v->hash_cap) {
        free(v->hashes);
        v->hashes = MST_NEW_ARRAY(uint64_t, count);
        v->hash_cap = count;
    }
}

bool
mst_check_unique(check_t *v, const spot_t *spot)
{
    const mst_json_t *a = spot->value;
    size_t slots;
    if (a->count <= PAIRWISE_MAX)
        return unique_pairwise(v, spot) && mst_check_spend(v, 1);
    make_slots(v, a->count, &slots);
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t hash = mst_value_hash(&a->u.items[i], v->schema->seed, &v->steps);
        size_t slot = (size_t)hash & (slots - 1);
        for (; v->slots[slot] != 0; slot = (slot + 1) & (slots - 1)) {
            uint32_t k = v->slots[slot] - 1;
            if (v->hashes[k] == hash && mst_value_equal(&a->u.items[i], &a->u.items[k], &v->steps))
                return mst_check_fail(v, spot, "uniqueItems", "items %u and %u are equal", k, i);
        }
        v->slots[slot] = i + 1;
        v->hashes[i] = hash;
        if (!mst_check_spend(v, 1))
            return false;
    }
    return true;
}
