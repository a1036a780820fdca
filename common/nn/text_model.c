#include "common/nn/text_model.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

#define MODEL_ARENA_MAX (64UL * 1024 * MST_MIB) // widened weights; a file's bytes bound it long before
#define PATH_MAX_BYTES  256

struct mst_text_model {
    mst_arena_t *arena; // everything below
    mst_tokenizer_t *tokenizer;
    mst_encoder_t *encoder;
    mst_blas_t blas;
    mst_pool_t pool;
    bool normalise, lower;
    size_t len_max;       // of a sentence
    size_t token_len_max; // of what bert_score takes
};

typedef struct {
    const mst_nn_files_t *files;
    mst_json_parser_t *parser;
    mst_text_model_t *m;
    mst_err_t *err;
    char folder[PATH_MAX_BYTES];  // of the transformer: "" or "0_Transformer/"
    char pooling[PATH_MAX_BYTES]; // of its pooling; empty: none named
} build_t;

static mst_rc
read_below(void *ud, const char *name, mst_str_t *out, mst_err_t *err)
{
    const build_t *b = ud;
    char path[2 * PATH_MAX_BYTES];
    snprintf(path, sizeof path, "%s%s", b->folder, name);
    return b->files->read(b->files->ud, path, out, err);
}

static mst_rc
read_json(const build_t *b, const char *folder, const char *name, const mst_json_t **out)
{
    char path[2 * PATH_MAX_BYTES];
    mst_str_t text;
    *out = NULL;
    snprintf(path, sizeof path, "%s%s", folder, name);
    mst_rc rc = b->files->read(b->files->ud, path, &text, b->err);
    if (rc == MST_OK)
        rc = mst_json_parse(b->parser, text, b->m->arena, out, NULL, b->err);
    if (rc != MST_OK && rc != MST_NOTFOUND)
        mst_err_prefix(b->err, "%s", path);
    return rc;
}

// "name/" of a module's folder; it must lie below the model's.
static mst_rc
module_folder(const build_t *b, const mst_json_t *module, char out[PATH_MAX_BYTES])
{
    mst_str_t path = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(module, "path"), &path);
    if (path.n + 2 > PATH_MAX_BYTES || mst_str_starts(path, MST_STR("/")) ||
        mst_str_find(path, MST_STR(".."), 0) >= 0 || memchr(path.p != NULL ? path.p : "", 0, path.n) != NULL)
        return MST_ERR(b->err, MST_PROTO, "modules.json has the path \"%.*s\", which is not below the model's folder",
                       MST_FMT(path));
    snprintf(out, PATH_MAX_BYTES, "%.*s%s", MST_FMT(path), path.n > 0 ? "/" : "");
    return MST_OK;
}

static mst_rc
read_modules(build_t *b)
{
    const mst_json_t *modules;
    mst_rc rc = read_json(b, "", "modules.json", &modules);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    for (uint32_t i = 0; rc == MST_OK && mst_json_at(modules, i) != NULL; i++) {
        mst_str_t type = MST_STR_NULL;
        (void)mst_json_str(mst_json_get(mst_json_at(modules, i), "type"), &type);
        if (mst_str_ends(type, MST_STR(".Transformer")))
            rc = module_folder(b, mst_json_at(modules, i), b->folder);
        else if (mst_str_ends(type, MST_STR(".Pooling")))
            rc = module_folder(b, mst_json_at(modules, i), b->pooling);
        else if (mst_str_ends(type, MST_STR(".Normalize")))
            b->m->normalise = true;
        else
            rc = MST_ERR(b->err, MST_UNSUPPORTED,
                         "modules.json has a module of type \"%.*s\": Transformer, Pooling and Normalize are read",
                         MST_FMT(type));
    }
    return rc;
}

static mst_rc
read_pooling(build_t *b)
{
    static const struct {
        const char *key;
        int pool; // -1: not done here
    } modes[] = {{"pooling_mode_mean_tokens", MST_POOL_MEAN}, {"pooling_mode_cls_token", MST_POOL_CLS},
                 {"pooling_mode_max_tokens", MST_POOL_MAX},   {"pooling_mode_mean_sqrt_len_tokens", MST_POOL_MEAN_SQRT},
                 {"pooling_mode_weightedmean_tokens", -1},    {"pooling_mode_lasttoken", -1}};

    const mst_json_t *config;
    mst_str_t name = MST_STR_NULL;
    int found = 0;
    if (b->pooling[0] == '\0')
        return MST_OK;
    mst_rc rc = read_json(b, b->pooling, "config.json", &config);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_ERR(b->err, MST_PROTO, "%sconfig.json is missing", b->pooling) : rc;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        bool on = false;
        (void)mst_json_bool(mst_json_get(config, modes[i].key), &on);
        // newer files say pooling_mode: "mean"
        if (mst_json_str(mst_json_get(config, "pooling_mode"), &name))
            on = mst_str_starts(mst_str_c(modes[i].key + strlen("pooling_mode_")), name) && i < 3;
        found += on && modes[i].pool >= 0 ? 1 : on ? 2 : 0;
        if (on && modes[i].pool >= 0)
            b->m->pool = (mst_pool_t)modes[i].pool;
    }
    if (found != 1)
        return MST_ERR(b->err, MST_UNSUPPORTED,
                       "%sconfig.json does not ask for exactly one of mean, cls, max and mean_sqrt_len pooling",
                       b->pooling);
    return MST_OK;
}

static size_t
smaller(size_t a, size_t b)
{
    return b > 0 && b < a ? b : a;
}

static mst_rc
read_lengths(build_t *b)
{
    mst_text_model_t *m = b->m;
    const mst_json_t *config;
    int64_t len = 0;
    size_t positions = mst_encoder_cfg(m->encoder)->positions;
    m->token_len_max = smaller(positions, mst_tokenizer_len_max(m->tokenizer));
    m->len_max = m->token_len_max;
    mst_rc rc = read_json(b, b->folder, "sentence_bert_config.json", &config);
    if (rc != MST_OK && rc != MST_NOTFOUND)
        return rc;
    if (mst_json_i64(mst_json_get(config, "max_seq_length"), &len) && len >= 2)
        m->len_max = smaller(positions, (size_t)len);
    (void)mst_json_bool(mst_json_get(config, "do_lower_case"), &m->lower);
    return MST_OK;
}

static mst_rc
read_encoder(build_t *b)
{
    mst_text_model_t *m = b->m;
    const mst_json_t *config;
    mst_encoder_cfg_t cfg;
    mst_tensors_t tensors;
    mst_str_t weights;
    mst_rc rc = read_json(b, b->folder, "config.json", &config);
    if (rc == MST_NOTFOUND)
        return MST_ERR(b->err, MST_NOTFOUND,
                       "there is no config.json: not a folder of a model in Hugging Face's layout");
    if (rc == MST_OK)
        rc = mst_encoder_cfg_read(config, &cfg, b->err);
    if (rc != MST_OK)
        return rc;
    rc = read_below(b, "model.safetensors", &weights, b->err);
    if (rc == MST_NOTFOUND)
        return MST_ERR(b->err, MST_NOTFOUND,
                       "there is no model.safetensors: download the safetensors form of the model, in one file");
    if (rc == MST_OK)
        rc = mst_safetensors_read(weights, b->parser, m->arena, &tensors, b->err);
    if (rc == MST_OK)
        rc = mst_encoder_new(&cfg, &tensors, &m->blas, m->arena, &m->encoder, b->err);
    if (rc != MST_OK)
        mst_err_prefix(b->err, "model.safetensors");
    return rc;
}

static mst_rc
build(build_t *b)
{
    mst_text_model_t *m = b->m;
    const mst_nn_files_t below = {.read = read_below, .ud = b};
    mst_rc rc = read_modules(b);
    if (rc == MST_OK)
        rc = read_encoder(b);
    if (rc == MST_OK)
        rc = mst_tokenizer_new(&below, b->parser, m->arena, &m->tokenizer, b->err);
    if (rc == MST_OK)
        rc = read_pooling(b);
    if (rc == MST_OK)
        rc = read_lengths(b);
    if (rc == MST_OK && mst_tokenizer_id_max(m->tokenizer) >= mst_encoder_cfg(m->encoder)->vocab)
        rc = MST_ERR(b->err, MST_PROTO, "the tokenizer's ids go up to %u, the model has rows for %zu",
                     mst_tokenizer_id_max(m->tokenizer), mst_encoder_cfg(m->encoder)->vocab);
    return rc;
}

mst_rc
mst_text_model_new(const mst_nn_files_t *files, const mst_blas_t *blas, mst_text_model_t **out, mst_err_t *err)
{
    mst_text_model_t *m = MST_NEW(mst_text_model_t);
    build_t b = {.files = files, .parser = mst_json_parser_new(), .m = m, .err = err};
    m->arena = mst_arena_new(MODEL_ARENA_MAX);
    m->blas = *blas;
    m->pool = MST_POOL_MEAN;
    mst_rc rc = build(&b);
    mst_json_parser_free(&b.parser);
    if (rc != MST_OK)
        mst_text_model_free(&m);
    *out = m;
    return rc;
}

void
mst_text_model_free(mst_text_model_t **m)
{
    if (m == NULL || *m == NULL)
        return;
    mst_arena_free(&(*m)->arena);
    free(*m);
    *m = NULL;
}

const mst_encoder_cfg_t *
mst_text_model_cfg(const mst_text_model_t *m)
{
    return mst_encoder_cfg(m->encoder);
}

const mst_tokenizer_t *
mst_text_model_tokenizer(const mst_text_model_t *m)
{
    return m->tokenizer;
}

const mst_blas_t *
mst_text_model_blas(const mst_text_model_t *m)
{
    return &m->blas;
}

size_t
mst_text_model_len_max(const mst_text_model_t *m)
{
    return m->len_max;
}

// sentence_bert_config.json may ask for lower case before the tokenizer.
static mst_rc
sentence_ids(const mst_text_model_t *m, mst_str_t text, mst_arena_t *arena, mst_nn_ids_t *out, mst_err_t *err)
{
    const mst_tokenizer_how_t how = {.len_max = m->len_max};
    mst_buf_t lower;
    text = mst_utf8_trim(text);
    if (!m->lower)
        return mst_tokenizer_encode(m->tokenizer, text, &how, arena, out, err);
    mst_buf_init(&lower, 2 * text.n + 64);
    mst_rc rc = mst_utf8_lower(text, &lower);
    if (rc == MST_OK)
        rc = mst_tokenizer_encode(m->tokenizer, mst_buf_view(&lower), &how, arena, out, err);
    else
        rc = MST_ERR(err, rc, "no room to lower a text of %zu bytes", text.n);
    mst_buf_deinit(&lower);
    return rc;
}

mst_rc
mst_text_model_embed(const mst_text_model_t *m, const mst_str_t *texts, size_t count, mst_arena_t *arena,
                     const double **out, mst_err_t *err)
{
    size_t n = mst_encoder_cfg(m->encoder)->hidden;
    mst_nn_ids_t *ids = MST_ARENA_ARRAY(arena, mst_nn_ids_t, count);
    double *vectors = mst_arena_alloc_raw(arena, count * n * sizeof *vectors);
    const float *states = NULL;
    if (ids == NULL || vectors == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for the vectors of %zu texts", count);
    mst_rc rc = MST_OK;
    for (size_t i = 0; rc == MST_OK && i < count; i++)
        rc = sentence_ids(m, texts[i], arena, &ids[i], err);
    if (rc == MST_OK)
        rc = mst_encoder_run(m->encoder, ids, count, mst_encoder_cfg(m->encoder)->layers, arena, &states, err);
    double *rows = rc == MST_OK ? mst_arena_alloc_raw(arena, m->len_max * n * sizeof *rows) : NULL;
    if (rc == MST_OK && rows == NULL)
        rc = MST_ERR(err, MST_LIMIT, "no room for the vectors of %zu tokens", m->len_max);
    for (size_t i = 0, at = 0; rc == MST_OK && i < count; at += ids[i++].count) {
        for (size_t k = 0; k < ids[i].count * n; k++)
            rows[k] = (double)states[at * n + k];
        mst_pool(m->pool, rows, ids[i].count, n, vectors + i * n);
        if (m->normalise)
            mst_l2_normalise(vectors + i * n, n);
    }
    *out = vectors;
    return rc;
}

mst_rc
mst_text_model_ids(const mst_text_model_t *m, mst_str_t text, mst_arena_t *arena, mst_nn_ids_t *out, mst_err_t *err)
{
    const mst_tokenizer_how_t how = {.len_max = m->token_len_max, .slow = true, .prefix_blank = true};
    return mst_tokenizer_encode(m->tokenizer, mst_utf8_trim(text), &how, arena, out, err);
}

mst_rc
mst_text_model_states(const mst_text_model_t *m, const mst_nn_ids_t *texts, size_t count, size_t layers,
                      mst_arena_t *arena, const float **out, mst_err_t *err)
{
    return mst_encoder_run(m->encoder, texts, count, layers, arena, out, err);
}
