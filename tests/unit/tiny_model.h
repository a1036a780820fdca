// A small random checkpoint with its folder's files, made in memory from a seed, and the same encoder again in double
// precision and plain loops, from the same numbers and none of the product's code for them.
#ifndef MST_TESTS_TINY_MODEL_H
#define MST_TESTS_TINY_MODEL_H

#include "common/base/prng.h"
#include "common/nn/encoder.h"
#include "common/nn/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TINY_FILES   16
#define TINY_TENSORS 512

typedef struct {
    const char *type; // model_type: bert, roberta, distilbert
    const char *act;
    const char *prefix; // before every tensor's name
    bool gamma;         // older names of a norm's vectors
    mst_dtype_t dtype;  // of matrices
    size_t hidden, layers, heads, ffn, positions, types;
    double eps;
    uint64_t seed;
} tiny_spec_t;

typedef struct {
    char name[256];
    size_t rank, shape[2], count;
    double *values; // as stored, after rounding to the type
} tiny_tensor_t;

typedef struct {
    tiny_spec_t spec;
    size_t vocab;

    struct {
        char name[64];
        mst_buf_t bytes;
    } files[TINY_FILES];

    size_t file_count;
    tiny_tensor_t tensors[TINY_TENSORS];
    size_t tensor_count;
    mst_prng_t random;
} tiny_t;

static inline tiny_spec_t
tiny_spec(const char *type)
{
    bool roberta = strcmp(type, "roberta") == 0;
    return (tiny_spec_t){.type = type,
                         .act = "gelu",
                         .prefix = "",
                         .dtype = MST_DT_F32,
                         .hidden = 32,
                         .layers = 3,
                         .heads = 4,
                         .ffn = 48,
                         .positions = roberta ? 66 : 64,
                         .types = roberta ? 1 : 2,
                         .eps = roberta ? 1e-5 : 1e-12,
                         .seed = 7};
}

static inline mst_buf_t *
tiny_file(tiny_t *t, const char *name)
{
    for (size_t i = 0; i < t->file_count; i++) {
        if (strcmp(t->files[i].name, name) == 0) {
            mst_buf_reset(&t->files[i].bytes);
            return &t->files[i].bytes;
        }
    }
    MST_ASSERT(t->file_count < TINY_FILES);
    snprintf(t->files[t->file_count].name, sizeof t->files[0].name, "%s", name);
    mst_buf_init(&t->files[t->file_count].bytes, 1u << 30);
    return &t->files[t->file_count++].bytes;
}

static inline void
tiny_put(tiny_t *t, const char *name, const char *text)
{
    (void)mst_buf_add_c(tiny_file(t, name), text);
}

static inline void
tiny_remove(tiny_t *t, const char *name)
{
    for (size_t i = 0; i < t->file_count; i++) {
        if (strcmp(t->files[i].name, name) == 0)
            t->files[i].name[0] = '\0';
    }
}

static inline mst_rc
tiny_read(void *ud, const char *name, mst_str_t *out, mst_err_t *err)
{
    const tiny_t *t = ud;
    for (size_t i = 0; i < t->file_count; i++) {
        if (strcmp(t->files[i].name, name) == 0) {
            *out = mst_buf_view(&t->files[i].bytes);
            return MST_OK;
        }
    }
    return MST_ERR(err, MST_NOTFOUND, "there is no file \"%s\"", name);
}

static inline mst_nn_files_t
tiny_files(tiny_t *t)
{
    return (mst_nn_files_t){.read = tiny_read, .ud = t};
}

// The number that the stored form of x stands for, and that form.
static inline double
tiny_round(mst_dtype_t dtype, double x, char out[4])
{
    float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    if (dtype == MST_DT_F32) {
        memcpy(out, &f, 4);
        return (double)f;
    }
    if (dtype == MST_DT_BF16) {
        bits &= 0xFFFF0000U;
        uint16_t half = (uint16_t)(bits >> 16);
        memcpy(out, &half, 2);
        memcpy(&f, &bits, 4);
        return (double)f;
    }
    // half precision: 10 bits of mantissa, exponents from -14, below it steps of 2^-24
    int e = 0;
    double m = frexp(fabs(x), &e); // m in [0.5, 1)
    double step = ldexp(1.0, (e < -13 ? -13 : e) - 11), value = floor(fabs(x) / step) * step;
    uint16_t h = (uint16_t)(x < 0.0 ? 0x8000 : 0);
    (void)m;
    if (value < ldexp(1.0, -14))
        h = (uint16_t)(h | (uint16_t)(value * ldexp(1.0, 24)));
    else
        h = (uint16_t)(h | (uint16_t)((e - 1 + 15) << 10) | (uint16_t)(ldexp(value, 11 - e) - 1024.0));
    memcpy(out, &h, 2);
    return x < 0.0 ? -value : value;
}

static inline void
tiny_tensor(tiny_t *t, const char *name, size_t rows, size_t cols, double mean, double spread)
{
    MST_ASSERT(t->tensor_count < TINY_TENSORS);
    tiny_tensor_t *x = &t->tensors[t->tensor_count++];
    snprintf(x->name, sizeof x->name, "%s%s", t->spec.prefix, name);
    x->rank = rows > 0 ? 2 : 1;
    x->shape[0] = rows > 0 ? rows : cols;
    x->shape[1] = cols;
    x->count = rows > 0 ? rows * cols : cols;
    x->values = MST_NEW_ARRAY(double, x->count);
    for (size_t i = 0; i < x->count; i++)
        x->values[i] = mean + spread * mst_prng_normal(&t->random);
}

static inline void
tiny_linear(tiny_t *t, const char *name, size_t rows, size_t cols)
{
    char full[160];
    snprintf(full, sizeof full, "%s.weight", name);
    tiny_tensor(t, full, rows, cols, 0.0, 1.5 / sqrt((double)cols));
    snprintf(full, sizeof full, "%s.bias", name);
    tiny_tensor(t, full, 0, rows, 0.0, 0.1);
}

static inline void
tiny_norm(tiny_t *t, const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s.%s", name, t->spec.gamma ? "gamma" : "weight");
    tiny_tensor(t, full, 0, t->spec.hidden, 1.0, 0.1);
    snprintf(full, sizeof full, "%s.%s", name, t->spec.gamma ? "beta" : "bias");
    tiny_tensor(t, full, 0, t->spec.hidden, 0.0, 0.1);
}

// The parts of a block in one order: q k v o up down, then the two norms.
static inline const char *
tiny_part(const tiny_t *t, size_t layer, size_t part, char out[96])
{
    static const char *const bert[] = {"attention.self.query",       "attention.self.key", "attention.self.value",
                                       "attention.output.dense",     "intermediate.dense", "output.dense",
                                       "attention.output.LayerNorm", "output.LayerNorm"};
    static const char *const distil[] = {"attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin",
                                         "ffn.lin1",        "ffn.lin2",        "sa_layer_norm",   "output_layer_norm"};
    bool d = strcmp(t->spec.type, "distilbert") == 0;
    snprintf(out, 96, "%s.layer.%zu.%s", d ? "transformer" : "encoder", layer, d ? distil[part] : bert[part]);
    return out;
}

static inline void
tiny_weights(tiny_t *t)
{
    const tiny_spec_t *s = &t->spec;
    char name[96];
    tiny_tensor(t, "embeddings.word_embeddings.weight", t->vocab, s->hidden, 0.0, 0.5);
    tiny_tensor(t, "embeddings.position_embeddings.weight", s->positions, s->hidden, 0.0, 0.2);
    if (strcmp(s->type, "distilbert") != 0)
        tiny_tensor(t, "embeddings.token_type_embeddings.weight", s->types, s->hidden, 0.0, 0.2);
    tiny_norm(t, "embeddings.LayerNorm");
    for (size_t i = 0; i < s->layers; i++) {
        for (size_t p = 0; p < 4; p++)
            tiny_linear(t, tiny_part(t, i, p, name), s->hidden, s->hidden);
        tiny_linear(t, tiny_part(t, i, 4, name), s->ffn, s->hidden);
        tiny_linear(t, tiny_part(t, i, 5, name), s->hidden, s->ffn);
        tiny_norm(t, tiny_part(t, i, 6, name));
        tiny_norm(t, tiny_part(t, i, 7, name));
    }
}

// The checkpoint's file. Rounds the values to what it holds. Vectors stay F32, as mixed checkpoints have them.
static inline void
tiny_safetensors(tiny_t *t)
{
    mst_buf_t head, data, *file = tiny_file(t, "model.safetensors");
    mst_buf_init(&head, 1u << 20);
    mst_buf_init(&data, 1u << 30);
    (void)mst_buf_add_c(&head, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < t->tensor_count; i++) {
        tiny_tensor_t *x = &t->tensors[i];
        mst_dtype_t dtype = x->rank == 2 ? t->spec.dtype : MST_DT_F32;
        size_t from = data.n;
        for (size_t k = 0; k < x->count; k++) {
            char raw[4];
            x->values[k] = tiny_round(dtype, x->values[k], raw);
            (void)mst_buf_add(&data, raw, dtype == MST_DT_F32 ? 4 : 2);
        }
        (void)mst_buf_addf(&head, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%zu", x->name,
                           dtype == MST_DT_F32   ? "F32"
                           : dtype == MST_DT_F16 ? "F16"
                                                 : "BF16",
                           x->shape[0]);
        if (x->rank == 2)
            (void)mst_buf_addf(&head, ",%zu", x->shape[1]);
        (void)mst_buf_addf(&head, "],\"data_offsets\":[%zu,%zu]}", from, data.n);
    }
    (void)mst_buf_add_c(&head, "}");
    while ((head.n + 8) % 8 != 0)
        (void)mst_buf_add_byte(&head, ' ');
    uint64_t n = head.n;
    (void)mst_buf_add(file, &n, 8);
    (void)mst_buf_add_str(file, mst_buf_view(&head));
    (void)mst_buf_add_str(file, mst_buf_view(&data));
    MST_ASSERT(!file->failed && !head.failed && !data.failed);
    mst_buf_deinit(&head);
    mst_buf_deinit(&data);
}

// Letters, digits, marks, their inner forms and a few words: any ASCII text has pieces.
static inline size_t
tiny_vocab_txt(tiny_t *t)
{
    static const char *const words[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the",  "cat", "sat",
                                        "on",    "mat",   "dog",   "##s",   "##ing",  "unit", "un",  "##it"};
    mst_buf_t *b = tiny_file(t, "vocab.txt");
    size_t n = sizeof words / sizeof words[0];
    for (size_t i = 0; i < n; i++)
        (void)mst_buf_addf(b, "%s\n", words[i]);
    for (char c = '!'; c <= '~'; c++, n++)
        (void)mst_buf_addf(b, "%c\n", c);
    for (char c = 'a'; c <= 'z'; c++, n++)
        (void)mst_buf_addf(b, "##%c\n", c);
    for (char c = '0'; c <= '9'; c++, n++)
        (void)mst_buf_addf(b, "##%c\n", c);
    return n;
}

// How the files write a byte.
static inline void
tiny_byte_char(mst_buf_t *b, unsigned byte)
{
    bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    unsigned cp = byte, n = 0;
    for (unsigned i = 0; !printable && i < byte; i++)
        n += !((i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174);
    cp = printable ? byte : 256 + n;
    if (cp < 0x80) {
        (void)mst_buf_add_byte(b, (char)cp);
        return;
    }
    (void)mst_buf_add_byte(b, (char)(0xC0 | cp >> 6));
    (void)mst_buf_add_byte(b, (char)(0x80 | (cp & 0x3F)));
}

static inline size_t
tiny_bpe(tiny_t *t)
{
    // rank order; each joins two that are there already
    static const char *const merges[][2] = {{"t", "h"},  {"th", "e"},         {"\xC4\xA0", "the"}, {"c", "a"},
                                            {"ca", "t"}, {"\xC4\xA0", "cat"}, {"o", "n"},          {"\xC4\xA0", "on"},
                                            {"a", "t"},  {"l", "l"}};
    static const char *const special[] = {"<s>", "<pad>", "</s>", "<unk>"};
    mst_buf_t *v = tiny_file(t, "vocab.json");
    size_t n = 0, count = sizeof merges / sizeof merges[0];
    (void)mst_buf_add_c(v, "{");
    for (; n < 4; n++)
        (void)mst_buf_addf(v, "%s\"%s\":%zu", n > 0 ? "," : "", special[n], n);
    for (unsigned byte = 0; byte < 256; byte++, n++) {
        (void)mst_buf_add_c(v, ",\"");
        if (byte == '"' || byte == '\\')
            (void)mst_buf_add_byte(v, '\\');
        tiny_byte_char(v, byte);
        (void)mst_buf_addf(v, "\":%zu", n);
    }
    for (size_t i = 0; i < count; i++, n++)
        (void)mst_buf_addf(v, ",\"%s%s\":%zu", merges[i][0], merges[i][1], n);
    (void)mst_buf_addf(v, ",\"<mask>\":%zu}", n);
    mst_buf_t *m = tiny_file(t, "merges.txt");
    (void)mst_buf_add_c(m, "#version: 0.2\n");
    for (size_t i = 0; i < count; i++)
        (void)mst_buf_addf(m, "%s %s\n", merges[i][0], merges[i][1]);
    return n + 1;
}

static inline void
tiny_config(tiny_t *t)
{
    const tiny_spec_t *s = &t->spec;
    bool d = strcmp(s->type, "distilbert") == 0, r = strcmp(s->type, "roberta") == 0;
    mst_buf_t *b = tiny_file(t, "config.json");
    (void)mst_buf_addf(b, "{\"model_type\":\"%s\",\"%s\":\"%s\",\"%s\":%zu,\"%s\":%zu,\"%s\":%zu,\"%s\":%zu,", s->type,
                       d ? "activation" : "hidden_act", s->act, d ? "dim" : "hidden_size", s->hidden,
                       d ? "n_layers" : "num_hidden_layers", s->layers, d ? "n_heads" : "num_attention_heads", s->heads,
                       d ? "hidden_dim" : "intermediate_size", s->ffn);
    (void)mst_buf_addf(b, "\"max_position_embeddings\":%zu,\"vocab_size\":%zu,\"pad_token_id\":%d", s->positions,
                       t->vocab, r ? 1 : 0);
    if (!d)
        (void)mst_buf_addf(b, ",\"type_vocab_size\":%zu,\"layer_norm_eps\":%g", s->types, s->eps);
    (void)mst_buf_add_c(b, "}");
}

static inline tiny_t *
tiny_new(const tiny_spec_t *spec)
{
    tiny_t *t = MST_NEW(tiny_t);
    t->spec = *spec;
    mst_prng_seed(&t->random, spec->seed);
    t->vocab = strcmp(spec->type, "roberta") == 0 ? tiny_bpe(t) : tiny_vocab_txt(t);
    tiny_config(t);
    tiny_weights(t);
    tiny_safetensors(t);
    return t;
}

static inline void
tiny_free(tiny_t *t)
{
    for (size_t i = 0; i < t->file_count; i++)
        mst_buf_deinit(&t->files[i].bytes);
    for (size_t i = 0; i < t->tensor_count; i++)
        free(t->tensors[i].values);
    free(t);
}

// The files into a folder that is there already; one level of folders below it is made.
static inline void
tiny_write(const tiny_t *t, const char *folder)
{
    for (size_t i = 0; i < t->file_count; i++) {
        char path[1024];
        const char *name = t->files[i].name, *slash = strchr(name, '/');
        if (name[0] == '\0')
            continue;
        if (slash != NULL) {
            snprintf(path, sizeof path, "%s/%.*s", folder, (int)(slash - name), name);
            (void)mkdir(path, 0755);
        }
        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *f = fopen(path, "wb");
        MST_ASSERT(f != NULL && fwrite(t->files[i].bytes.p, 1, t->files[i].bytes.n, f) == t->files[i].bytes.n);
        fclose(f);
    }
}

#endif
