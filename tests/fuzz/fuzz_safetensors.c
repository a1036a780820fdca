// A safetensors file and a config.json of any bytes: config up to the first NUL, weights behind it. What is accepted
// lies inside the file; binding an encoder to it gives an encoder or a sentence.
#include "common/nn/encoder.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_safetensors: %s\n", what);
    abort();
}

static void
look(const mst_tensors_t *tensors, mst_str_t file, mst_arena_t *arena)
{
    for (size_t i = 0; i < tensors->count; i++) {
        const mst_tensor_t *t = &tensors->items[i];
        const float *floats;
        mst_err_t err;
        require(t->data.n == 0 || (t->data.p >= file.p && t->data.p + t->data.n <= file.p + file.n),
                "a tensor lies outside the file");
        require(mst_tensor_find(tensors, t->name) != NULL, "a tensor is not found by its name");
        if (mst_tensor_floats(t, arena, &floats, &err) == MST_OK && t->count > 0) {
            volatile float first = floats[0], last = floats[t->count - 1]; // both can be read
            (void)first;
            (void)last;
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = memchr(data, 0, size);
    if (nul == NULL)
        return 0;
    size_t n = (size_t)(nul - data);
    mst_str_t config = mst_str((const char *)data, n), file = mst_str((const char *)data + n + 1, size - n - 1);
    mst_arena_t *arena = mst_arena_new(64u << 20);
    mst_json_parser_t *parser = mst_json_parser_new();
    const mst_json_t *root = NULL;
    const mst_blas_t blas = {0};
    mst_encoder_cfg_t cfg = {0};
    mst_tensors_t tensors = {0};
    mst_encoder_t *e = NULL;
    mst_err_t err = {0};
    bool has_cfg = mst_json_parse(parser, config, arena, &root, NULL, &err) == MST_OK &&
                   mst_encoder_cfg_read(root, &cfg, &err) == MST_OK;
    mst_rc rc = mst_safetensors_read(file, parser, arena, &tensors, &err);
    require(rc == MST_OK || err.message[0] != '\0', "refused without a sentence");
    if (rc == MST_OK)
        look(&tensors, file, arena);
    if (rc == MST_OK && has_cfg) {
        rc = mst_encoder_new(&cfg, &tensors, &blas, arena, &e, &err);
        require((rc == MST_OK) == (e != NULL), "an encoder and an error");
    }
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    return 0;
}
