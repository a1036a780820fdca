// Finding the tensors. Heads of several tasks put a prefix before the encoder's names ("bert.", "roberta."), older
// checkpoints call a norm's vectors gamma and beta.
#include "common/nn/encoder_internal.h"

#include <stdio.h>

#define WORDS          "embeddings.word_embeddings.weight"
#define NAME_MAX_BYTES 256

typedef struct {
    const mst_tensors_t *tensors;
    mst_str_t prefix;
    mst_arena_t *arena;
    mst_err_t *err;
} bind_t;

// One tensor of rows x cols (rows 0: a vector of cols). MST_NOTFOUND when there is none of that name.
static mst_rc
bind(const bind_t *b, const char *name, const char *suffix, size_t rows, size_t cols, const float **out)
{
    char full[NAME_MAX_BYTES];
    int n = snprintf(full, sizeof full, "%.*s%s%s", MST_FMT(b->prefix), name, suffix);
    const mst_tensor_t *t = NULL;
    if (n > 0 && (size_t)n < sizeof full)
        t = mst_tensor_find(b->tensors, mst_str(full, (size_t)n));
    if (t == NULL)
        return MST_ERR(b->err, MST_NOTFOUND, "the checkpoint has no tensor \"%s\"", full);
    bool right =
        rows == 0 ? t->rank == 1 && t->shape[0] == cols : t->rank == 2 && t->shape[0] == rows && t->shape[1] == cols;
    if (!right)
        return MST_ERR(b->err, MST_PROTO, "tensor \"%s\" does not have the shape that config.json gives it (%zu x %zu)",
                       full, rows > 0 ? rows : 1, cols);
    return mst_tensor_floats(t, b->arena, out, b->err);
}

static mst_rc
bind_linear(const bind_t *b, const char *name, size_t rows, size_t cols, mst_linear_t *out)
{
    *out = (mst_linear_t){.rows = rows, .cols = cols};
    mst_rc rc = bind(b, name, ".weight", rows, cols, &out->w);
    return rc == MST_OK ? bind(b, name, ".bias", 0, rows, &out->b) : rc;
}

static mst_rc
bind_norm(const bind_t *b, const char *name, size_t n, mst_norm_t *out)
{
    mst_rc rc = bind(b, name, ".gamma", 0, n, &out->w);
    if (rc == MST_OK)
        return bind(b, name, ".beta", 0, n, &out->b);
    if (rc != MST_NOTFOUND)
        return rc;
    rc = bind(b, name, ".weight", 0, n, &out->w);
    return rc == MST_OK ? bind(b, name, ".bias", 0, n, &out->b) : rc;
}

typedef struct {
    const char *q, *k, *v, *o, *norm1, *up, *down, *norm2;
} names_t;

static const names_t bert_names = {
    .q = "attention.self.query",
    .k = "attention.self.key",
    .v = "attention.self.value",
    .o = "attention.output.dense",
    .norm1 = "attention.output.LayerNorm",
    .up = "intermediate.dense",
    .down = "output.dense",
    .norm2 = "output.LayerNorm",
};

static const names_t distilbert_names = {
    .q = "attention.q_lin",
    .k = "attention.k_lin",
    .v = "attention.v_lin",
    .o = "attention.out_lin",
    .norm1 = "sa_layer_norm",
    .up = "ffn.lin1",
    .down = "ffn.lin2",
    .norm2 = "output_layer_norm",
};

static void
layer_name(bool distil, size_t i, const char *part, char out[NAME_MAX_BYTES])
{
    snprintf(out, NAME_MAX_BYTES, "%s.layer.%zu.%s", distil ? "transformer" : "encoder", i, part);
}

static mst_rc
bind_block(const bind_t *b, const mst_encoder_cfg_t *c, size_t i, mst_block_t *out)
{
    bool distil = c->arch == MST_ARCH_DISTILBERT;
    const names_t *names = distil ? &distilbert_names : &bert_names;

    const struct {
        const char *part;
        size_t rows, cols;
        mst_linear_t *to;
    } maps[] = {
        {names->q, c->hidden, c->hidden, &out->q}, {names->k, c->hidden, c->hidden, &out->k},
        {names->v, c->hidden, c->hidden, &out->v}, {names->o, c->hidden, c->hidden, &out->o},
        {names->up, c->ffn, c->hidden, &out->up},  {names->down, c->hidden, c->ffn, &out->down},
    };

    char full[NAME_MAX_BYTES];
    mst_rc rc = MST_OK;
    for (size_t k = 0; rc == MST_OK && k < sizeof maps / sizeof maps[0]; k++) {
        layer_name(distil, i, maps[k].part, full);
        rc = bind_linear(b, full, maps[k].rows, maps[k].cols, maps[k].to);
    }
    layer_name(distil, i, names->norm1, full);
    if (rc == MST_OK)
        rc = bind_norm(b, full, c->hidden, &out->after_attention);
    layer_name(distil, i, names->norm2, full);
    return rc == MST_OK ? bind_norm(b, full, c->hidden, &out->after_ffn) : rc;
}

static mst_rc
bind_embeddings(const bind_t *b, mst_encoder_t *e)
{
    const mst_encoder_cfg_t *c = &e->cfg;
    mst_rc rc = bind(b, WORDS, "", c->vocab, c->hidden, &e->words);
    if (rc == MST_OK)
        rc = bind(b, "embeddings.position_embeddings", ".weight", c->position_first + c->positions, c->hidden,
                  &e->positions);
    if (rc == MST_OK && c->arch != MST_ARCH_DISTILBERT)
        rc = bind(b, "embeddings.token_type_embeddings", ".weight", c->types, c->hidden, &e->type);
    return rc == MST_OK ? bind_norm(b, "embeddings.LayerNorm", c->hidden, &e->norm) : rc;
}

static mst_str_t
find_prefix(const mst_tensors_t *tensors)
{
    for (size_t i = 0; i < tensors->count; i++) {
        mst_str_t name = tensors->items[i].name;
        if (mst_str_ends(name, MST_STR(WORDS)))
            return mst_str(name.p, name.n - (sizeof WORDS - 1));
    }
    return MST_STR_NULL;
}

mst_rc
mst_encoder_new(const mst_encoder_cfg_t *cfg, const mst_tensors_t *tensors, const mst_blas_t *blas, mst_arena_t *arena,
                mst_encoder_t **out, mst_err_t *err)
{
    bind_t b = {.tensors = tensors, .prefix = find_prefix(tensors), .arena = arena, .err = err};
    mst_encoder_t *e = MST_ARENA_NEW(arena, mst_encoder_t);
    *out = NULL;
    if (e == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for an encoder");
    e->cfg = *cfg;
    e->blas = *blas;
    e->blocks = MST_ARENA_ARRAY(arena, mst_block_t, cfg->layers);
    if (e->blocks == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %zu layers", cfg->layers);
    mst_rc rc = bind_embeddings(&b, e);
    for (size_t i = 0; rc == MST_OK && i < cfg->layers; i++)
        rc = bind_block(&b, cfg, i, &e->blocks[i]);
    if (rc == MST_OK)
        *out = e;
    return rc == MST_NOTFOUND ? MST_PROTO : rc;
}

const mst_encoder_cfg_t *
mst_encoder_cfg(const mst_encoder_t *e)
{
    return &e->cfg;
}
