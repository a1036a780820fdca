// The safetensors format: eight bytes of length, a JSON header, tensors one after another. Views into borrowed bytes;
// nothing is copied here. Everything in the header is checked against the bytes that are there.
// Thread: any after it is read.
#ifndef MST_NN_SAFETENSORS_H
#define MST_NN_SAFETENSORS_H

#include "common/json/json.h"

#define MST_TENSORS_MAX     65536
#define MST_TENSOR_RANK_MAX 8

typedef enum { MST_DT_F32, MST_DT_F16, MST_DT_BF16, MST_DT_OTHER } mst_dtype_t;

typedef struct {
    mst_str_t name;
    mst_dtype_t dtype;
    uint32_t rank;
    uint64_t shape[MST_TENSOR_RANK_MAX];
    uint64_t count; // elements
    mst_str_t data; // little endian, perhaps not aligned
} mst_tensor_t;

typedef struct {
    mst_tensor_t *items;
    size_t count;
} mst_tensors_t;

// items and names are in arena; data points into bytes. MST_PROTO, MST_LIMIT.
MST_NODISCARD mst_rc mst_safetensors_read(mst_str_t bytes, mst_json_parser_t *parser, mst_arena_t *arena,
                                          mst_tensors_t *out, mst_err_t *err);
const mst_tensor_t *mst_tensor_find(const mst_tensors_t *t, mst_str_t name); // NULL
// The elements as floats: the bytes themselves when they are aligned F32, else a copy in arena. MST_UNSUPPORTED:
// another type; MST_LIMIT.
MST_NODISCARD mst_rc mst_tensor_floats(const mst_tensor_t *t, mst_arena_t *arena, const float **out, mst_err_t *err);

#endif
