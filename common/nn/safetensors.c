#include "common/nn/safetensors.h"

#include "common/base/limits.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensors are read where they lie: little endian machines only");

static mst_dtype_t
dtype_of(mst_str_t s, uint64_t *out_bytes)
{
    static const struct {
        const char *name;
        mst_dtype_t dtype;
        uint64_t bytes;
    } all[] = {
        {"F32", MST_DT_F32, 4},    {"F16", MST_DT_F16, 2},   {"BF16", MST_DT_BF16, 2}, {"F64", MST_DT_OTHER, 8},
        {"I64", MST_DT_OTHER, 8},  {"U64", MST_DT_OTHER, 8}, {"I32", MST_DT_OTHER, 4}, {"U32", MST_DT_OTHER, 4},
        {"I16", MST_DT_OTHER, 2},  {"U16", MST_DT_OTHER, 2}, {"I8", MST_DT_OTHER, 1},  {"U8", MST_DT_OTHER, 1},
        {"BOOL", MST_DT_OTHER, 1},
    };

    *out_bytes = 0; // not known here: its size is not checked
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (mst_str_eq_c(s, all[i].name)) {
            *out_bytes = all[i].bytes;
            return all[i].dtype;
        }
    }
    return MST_DT_OTHER;
}

static mst_rc
read_shape(const mst_json_t *shape, mst_tensor_t *t, mst_err_t *err)
{
    t->count = 1;
    if (!mst_json_is(shape, MST_JSON_ARR) || shape->count > MST_TENSOR_RANK_MAX)
        return MST_ERR(err, MST_PROTO, "tensor \"%.*s\" has no shape of at most %d numbers", MST_FMT(t->name),
                       MST_TENSOR_RANK_MAX);
    t->rank = shape->count;
    for (uint32_t i = 0; i < shape->count; i++) {
        int64_t n = -1;
        if (!mst_json_i64(mst_json_at(shape, i), &n) || n < 0 ||
            __builtin_mul_overflow(t->count, (uint64_t)n, &t->count))
            return MST_ERR(err, MST_PROTO, "tensor \"%.*s\" has a bad shape", MST_FMT(t->name));
        t->shape[i] = (uint64_t)n;
    }
    return MST_OK;
}

static mst_rc
read_tensor(const mst_json_member_t *m, mst_str_t data, mst_tensor_t *t, mst_err_t *err)
{
    const mst_json_t *offsets = mst_json_get(&m->value, "data_offsets");
    int64_t from = -1, to = -1;
    uint64_t each = 0, bytes = 0;
    mst_str_t dtype = MST_STR_NULL;
    *t = (mst_tensor_t){.name = m->key};
    mst_rc rc = read_shape(mst_json_get(&m->value, "shape"), t, err);
    if (rc != MST_OK)
        return rc;
    if (!mst_json_str(mst_json_get(&m->value, "dtype"), &dtype))
        return MST_ERR(err, MST_PROTO, "tensor \"%.*s\" has no dtype", MST_FMT(t->name));
    t->dtype = dtype_of(dtype, &each);
    if (!mst_json_i64(mst_json_at(offsets, 0), &from) || !mst_json_i64(mst_json_at(offsets, 1), &to) || from < 0 ||
        to < from || (uint64_t)to > data.n)
        return MST_ERR(err, MST_PROTO, "tensor \"%.*s\" lies outside the file: it was cut or is not complete",
                       MST_FMT(t->name));
    if (each > 0 && (__builtin_mul_overflow(t->count, each, &bytes) || bytes != (uint64_t)(to - from)))
        return MST_ERR(err, MST_PROTO, "tensor \"%.*s\" has %lld bytes, which do not fit its shape", MST_FMT(t->name),
                       (long long)(to - from));
    t->data = mst_str(data.p + from, (size_t)(to - from));
    return MST_OK;
}

mst_rc
mst_safetensors_read(mst_str_t bytes, mst_json_parser_t *parser, mst_arena_t *arena, mst_tensors_t *out, mst_err_t *err)
{
    uint64_t n = 0;
    const mst_json_t *root = NULL;
    *out = (mst_tensors_t){0};
    if (bytes.n < 8)
        return MST_ERR(err, MST_PROTO, "a safetensors file of %zu bytes is too short", bytes.n);
    memcpy(&n, bytes.p, 8);
    if (n > bytes.n - 8)
        return MST_ERR(err, MST_PROTO, "its header of %llu bytes does not fit into %zu bytes: not a safetensors file",
                       (unsigned long long)n, bytes.n);
    if (n > MST_JSON_BYTES_MAX)
        return MST_ERR(err, MST_LIMIT, "its header of %llu bytes is over the limit of %lu", (unsigned long long)n,
                       MST_JSON_BYTES_MAX);
    mst_rc rc = mst_json_parse(parser, mst_str(bytes.p + 8, (size_t)n), arena, &root, NULL, err);
    if (rc != MST_OK)
        return rc;
    if (!mst_json_is(root, MST_JSON_OBJ) || root->count > MST_TENSORS_MAX)
        return MST_ERR(err, MST_PROTO, "its header is not a JSON object of at most %d tensors", MST_TENSORS_MAX);
    out->items = MST_ARENA_ARRAY(arena, mst_tensor_t, root->count);
    if (out->items == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %u tensors", root->count);
    mst_str_t data = mst_str(bytes.p + 8 + n, bytes.n - 8 - (size_t)n);
    for (uint32_t i = 0; rc == MST_OK && i < root->count; i++) {
        const mst_json_member_t *m = &root->u.members[i];
        if (mst_str_eq(m->key, MST_STR("__metadata__")))
            continue;
        rc = read_tensor(m, data, &out->items[out->count], err);
        out->count += rc == MST_OK ? 1 : 0;
    }
    return rc;
}

const mst_tensor_t *
mst_tensor_find(const mst_tensors_t *t, mst_str_t name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (mst_str_eq(t->items[i].name, name))
            return &t->items[i];
    }
    return NULL;
}

// Half precision by moving its exponent; zero, subnormal, infinite and NaN by a product with 2^112.
static float
from_f16(uint16_t h)
{
    uint32_t bits = (uint32_t)(h & 0x7FFF) << 13, sign = (uint32_t)(h & 0x8000) << 16;
    float f;
    memcpy(&f, &bits, 4);
    f *= 0x1p112F;
    memcpy(&bits, &f, 4);
    if ((h & 0x7C00) == 0x7C00)
        bits |= 0x7F800000U;
    bits |= sign;
    memcpy(&f, &bits, 4);
    return f;
}

static float
from_bf16(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

mst_rc
mst_tensor_floats(const mst_tensor_t *t, mst_arena_t *arena, const float **out, mst_err_t *err)
{
    if (t->dtype == MST_DT_OTHER)
        return MST_ERR(err, MST_UNSUPPORTED, "tensor \"%.*s\" is none of F32, F16 and BF16", MST_FMT(t->name));
    if (t->dtype == MST_DT_F32 && (uintptr_t)t->data.p % sizeof(float) == 0) {
        const void *p = t->data.p;
        *out = p;
        return MST_OK;
    }
    float *copy = mst_arena_alloc_raw(arena, (size_t)t->count * sizeof *copy);
    if (copy == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for the %llu elements of tensor \"%.*s\"", (unsigned long long)t->count,
                       MST_FMT(t->name));
    *out = copy;
    if (t->dtype == MST_DT_F32) {
        memcpy(copy, t->data.p, t->data.n);
        return MST_OK;
    }
    for (size_t i = 0; i < t->count; i++) {
        uint16_t h;
        memcpy(&h, t->data.p + 2 * i, 2);
        copy[i] = t->dtype == MST_DT_F16 ? from_f16(h) : from_bf16(h);
    }
    return MST_OK;
}
