// The encoder again: double precision, plain loops, one token at a time, from the values of a tiny_model.h checkpoint.
#ifndef MST_TESTS_TINY_ORACLE_H
#define MST_TESTS_TINY_ORACLE_H

#include "unit/tiny_model.h"

static inline const double *
oracle_values(const tiny_t *t, const char *name, const char *suffix)
{
    char full[192];
    snprintf(full, sizeof full, "%s%s%s", t->spec.prefix, name, suffix);
    for (size_t i = 0; i < t->tensor_count; i++) {
        if (strcmp(t->tensors[i].name, full) == 0)
            return t->tensors[i].values;
    }
    fprintf(stderr, "no tensor %s\n", full);
    abort();
}

static inline void
oracle_linear(const tiny_t *t, const char *name, size_t rows, size_t cols, const double *in, double *out)
{
    const double *w = oracle_values(t, name, ".weight"), *b = oracle_values(t, name, ".bias");
    for (size_t r = 0; r < rows; r++) {
        out[r] = b[r];
        for (size_t c = 0; c < cols; c++)
            out[r] += w[r * cols + c] * in[c];
    }
}

static inline void
oracle_norm(const tiny_t *t, const char *name, double *x)
{
    const double *w = oracle_values(t, name, t->spec.gamma ? ".gamma" : ".weight");
    const double *b = oracle_values(t, name, t->spec.gamma ? ".beta" : ".bias");
    double eps = strcmp(t->spec.type, "distilbert") == 0 ? 1e-12 : t->spec.eps, mean = 0.0, variance = 0.0;
    size_t n = t->spec.hidden;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - mean) / sqrt(variance + eps) * w[i] + b[i];
}

static inline double
oracle_act(const char *act, double x)
{
    if (strcmp(act, "relu") == 0)
        return x > 0.0 ? x : 0.0;
    if (strcmp(act, "silu") == 0)
        return x / (1.0 + exp(-x));
    if (strcmp(act, "gelu_new") == 0)
        return 0.5 * x * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
}

static inline void
oracle_attention(const tiny_t *t, const double *q, const double *k, const double *v, size_t count, double *mix)
{
    size_t h = t->spec.hidden, width = h / t->spec.heads;
    double *p = MST_NEW_ARRAY(double, count);
    for (size_t head = 0; head < t->spec.heads; head++) {
        for (size_t i = 0; i < count; i++) {
            double sum = 0.0;
            for (size_t j = 0; j < count; j++) {
                double dot = 0.0;
                for (size_t d = head * width; d < (head + 1) * width; d++)
                    dot += q[i * h + d] * k[j * h + d];
                p[j] = exp(dot / sqrt((double)width));
                sum += p[j];
            }
            for (size_t d = head * width; d < (head + 1) * width; d++) {
                mix[i * h + d] = 0.0;
                for (size_t j = 0; j < count; j++)
                    mix[i * h + d] += p[j] / sum * v[j * h + d];
            }
        }
    }
    free(p);
}

static inline void
oracle_block(const tiny_t *t, size_t layer, size_t count, double *x)
{
    const tiny_spec_t *s = &t->spec;
    size_t h = s->hidden;
    char name[96];
    double *m[4], *up = MST_NEW_ARRAY(double, s->ffn), *row = MST_NEW_ARRAY(double, h);
    for (size_t p = 0; p < 4; p++) {
        m[p] = MST_NEW_ARRAY(double, count *h);
        for (size_t i = 0; p < 3 && i < count; i++)
            oracle_linear(t, tiny_part(t, layer, p, name), h, h, x + i * h, m[p] + i * h);
    }
    oracle_attention(t, m[0], m[1], m[2], count, m[3]);
    for (size_t i = 0; i < count; i++) {
        double *at = x + i * h;
        oracle_linear(t, tiny_part(t, layer, 3, name), h, h, m[3] + i * h, row);
        for (size_t d = 0; d < h; d++)
            at[d] += row[d];
        oracle_norm(t, tiny_part(t, layer, 6, name), at);
        oracle_linear(t, tiny_part(t, layer, 4, name), s->ffn, h, at, up);
        for (size_t d = 0; d < s->ffn; d++)
            up[d] = oracle_act(s->act, up[d]);
        oracle_linear(t, tiny_part(t, layer, 5, name), h, s->ffn, up, row);
        for (size_t d = 0; d < h; d++)
            at[d] += row[d];
        oracle_norm(t, tiny_part(t, layer, 7, name), at);
    }
    for (size_t p = 0; p < 4; p++)
        free(m[p]);
    free(up);
    free(row);
}

// Hidden states after `layers` blocks: count rows of hidden; free() them.
static inline double *
oracle_states(const tiny_t *t, const uint32_t *ids, size_t count, size_t layers)
{
    size_t h = t->spec.hidden, first = strcmp(t->spec.type, "roberta") == 0 ? 2 : 0;
    const double *words = oracle_values(t, "embeddings.word_embeddings", ".weight");
    const double *places = oracle_values(t, "embeddings.position_embeddings", ".weight");
    const double *types = NULL;
    double *x = MST_NEW_ARRAY(double, count *h);
    if (strcmp(t->spec.type, "distilbert") != 0)
        types = oracle_values(t, "embeddings.token_type_embeddings", ".weight");
    for (size_t i = 0; i < count; i++) {
        for (size_t d = 0; d < h; d++)
            x[i * h + d] = words[ids[i] * h + d] + places[(first + i) * h + d] + (types != NULL ? types[d] : 0.0);
        oracle_norm(t, "embeddings.LayerNorm", x + i * h);
    }
    for (size_t layer = 0; layer < layers; layer++)
        oracle_block(t, layer, count, x);
    return x;
}

#endif
