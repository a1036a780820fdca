// config.json: sizes and kinds. Whatever would change the numbers and is not done here is refused by name.
#include "common/nn/encoder.h"

#include "common/nn/vocab.h"

static mst_str_t
text_of(const mst_json_t *config, const char *key, const char *dflt)
{
    mst_str_t s = mst_str_c(dflt);
    (void)mst_json_str(mst_json_get(config, key), &s);
    return s;
}

// A size by its name or DistilBERT's name for it. 0: absent.
static mst_rc
size_of(const mst_json_t *config, const char *key, const char *other, size_t max, size_t *out, mst_err_t *err)
{
    int64_t n = 0;
    if (!mst_json_i64(mst_json_get(config, key), &n) && other != NULL)
        (void)mst_json_i64(mst_json_get(config, other), &n);
    if (n < 1 || (uint64_t)n > max)
        return MST_ERR(err, n < 1 ? MST_PROTO : MST_LIMIT, "config.json has no %s between 1 and %zu", key, max);
    *out = (size_t)n;
    return MST_OK;
}

static mst_rc
read_kinds(const mst_json_t *config, mst_encoder_cfg_t *c, mst_err_t *err)
{
    static const struct {
        const char *name;
        mst_act_t act;
    } acts[] = {{"gelu", MST_ACT_GELU}, {"gelu_new", MST_ACT_GELU_TANH}, {"gelu_pytorch_tanh", MST_ACT_GELU_TANH},
                {"relu", MST_ACT_RELU}, {"silu", MST_ACT_SILU},          {"swish", MST_ACT_SILU}};

    mst_str_t type = text_of(config, "model_type", ""),
              positions = text_of(config, "position_embedding_type", "absolute");
    mst_str_t act = text_of(config, "hidden_act", "");
    if (act.n == 0)
        act = text_of(config, "activation", "gelu");
    if (mst_str_eq_c(type, "bert"))
        c->arch = MST_ARCH_BERT;
    else if (mst_str_eq_c(type, "roberta") || mst_str_eq_c(type, "xlm-roberta") || mst_str_eq_c(type, "camembert"))
        c->arch = MST_ARCH_ROBERTA;
    else if (mst_str_eq_c(type, "distilbert"))
        c->arch = MST_ARCH_DISTILBERT;
    else
        return MST_ERR(err, MST_UNSUPPORTED,
                       "config.json has model_type \"%.*s\": bert, roberta, xlm-roberta, camembert and distilbert are "
                       "read",
                       MST_FMT(type));
    if (!mst_str_eq_c(positions, "absolute"))
        return MST_ERR(err, MST_UNSUPPORTED, "config.json has position_embedding_type \"%.*s\": only absolute is read",
                       MST_FMT(positions));
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (mst_str_eq_c(act, acts[i].name)) {
            c->act = acts[i].act;
            return MST_OK;
        }
    }
    return MST_ERR(err, MST_UNSUPPORTED, "config.json has the activation \"%.*s\", which is not known", MST_FMT(act));
}

// RoBERTa counts positions from behind the one of padding.
static mst_rc
read_positions(const mst_json_t *config, mst_encoder_cfg_t *c, mst_err_t *err)
{
    int64_t pad = 1;
    if (c->arch != MST_ARCH_ROBERTA)
        return MST_OK;
    (void)mst_json_i64(mst_json_get(config, "pad_token_id"), &pad);
    if (pad < 0 || (uint64_t)pad + 3 > c->positions)
        return MST_ERR(err, MST_PROTO, "config.json has pad_token_id %lld, which leaves no positions", (long long)pad);
    c->position_first = (size_t)pad + 1;
    c->positions -= c->position_first;
    return MST_OK;
}

mst_rc
mst_encoder_cfg_read(const mst_json_t *config, mst_encoder_cfg_t *out, mst_err_t *err)
{
    mst_encoder_cfg_t c = {.types = 1, .eps = 1e-12};
    int64_t types = 0;
    if (!mst_json_is(config, MST_JSON_OBJ))
        return MST_ERR(err, MST_PROTO, "config.json is not a JSON object");
    mst_rc rc = read_kinds(config, &c, err);
    if (rc == MST_OK)
        rc = size_of(config, "hidden_size", "dim", 16384, &c.hidden, err);
    if (rc == MST_OK)
        rc = size_of(config, "num_hidden_layers", "n_layers", MST_ENCODER_LAYERS_MAX, &c.layers, err);
    if (rc == MST_OK)
        rc = size_of(config, "num_attention_heads", "n_heads", 1024, &c.heads, err);
    if (rc == MST_OK)
        rc = size_of(config, "intermediate_size", "hidden_dim", 131072, &c.ffn, err);
    if (rc == MST_OK)
        rc = size_of(config, "max_position_embeddings", NULL, 131072, &c.positions, err);
    if (rc == MST_OK)
        rc = size_of(config, "vocab_size", NULL, MST_NN_VOCAB_MAX, &c.vocab, err);
    if (rc != MST_OK)
        return rc;
    if (c.hidden % c.heads != 0)
        return MST_ERR(err, MST_PROTO, "config.json has hidden_size %zu, which %zu heads cannot share", c.hidden,
                       c.heads);
    if (c.positions < 2)
        return MST_ERR(err, MST_PROTO, "config.json leaves %zu positions, too few for begin and end", c.positions);
    if (mst_json_i64(mst_json_get(config, "type_vocab_size"), &types) && types > 0 && types < 1024)
        c.types = (size_t)types;
    const mst_json_t *eps = mst_json_get(config, "layer_norm_eps");
    if (c.arch != MST_ARCH_DISTILBERT && eps != NULL &&
        (!(eps->type == MST_JSON_INT || eps->type == MST_JSON_DOUBLE) || !mst_json_f64(eps, &c.eps) ||
         !(c.eps >= 0.0 && c.eps <= 1.0)))
        return MST_ERR(err, MST_PROTO, "config.json has a layer_norm_eps that is no number from 0 to 1");
    (void)mst_json_str(mst_json_get(config, "_name_or_path"), &c.name);
    rc = read_positions(config, &c, err);
    *out = c;
    return rc;
}
