// The forward pass. Products in single precision by BLAS; sums of layer norms and softmax in double, which costs
// little beside the products and keeps long rows exact.
#include "common/nn/encoder_internal.h"

#include <math.h>

#define GROUP_TOKENS 2048 // tokens of texts that go through the blocks together

typedef struct {
    const mst_encoder_t *e;
    float *x; // tokens x hidden: the residual stream
    float *q, *k, *v, *mix, *out;
    float *up;     // tokens x ffn
    float *scores; // longest text squared
} pass_t;

static void
norm_rows(const mst_norm_t *norm, double eps, float *x, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * n;
        double sum = 0.0, squares = 0.0;
        for (size_t i = 0; i < n; i++)
            sum += (double)row[i];
        double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++) {
            double d = (double)row[i] - mean;
            squares += d * d;
        }
        double scale = 1.0 / sqrt(squares / (double)n + eps);
        for (size_t i = 0; i < n; i++)
            row[i] = (float)(((double)row[i] - mean) * scale) * norm->w[i] + norm->b[i];
    }
}

// out = in w^T + b
static void
linear(const mst_encoder_t *e, const mst_linear_t *map, const float *in, size_t rows, float *out)
{
    for (size_t r = 0; r < rows; r++)
        memcpy(out + r * map->rows, map->b, map->rows * sizeof *out);
    e->blas.sgemm(MST_BLAS_ROW_MAJOR, MST_BLAS_NO_TRANS, MST_BLAS_TRANS, (int)rows, (int)map->rows, (int)map->cols,
                  1.0F, in, (int)map->cols, map->w, (int)map->cols, 1.0F, out, (int)map->rows);
}

static void
softmax_rows(float *s, size_t n)
{
    for (size_t r = 0; r < n; r++) {
        float *row = s + r * n, max = row[0];
        double sum = 0.0;
        for (size_t i = 1; i < n; i++)
            max = row[i] > max ? row[i] : max;
        for (size_t i = 0; i < n; i++) {
            row[i] = expf(row[i] - max);
            sum += (double)row[i];
        }
        float scale = (float)(1.0 / sum);
        for (size_t i = 0; i < n; i++)
            row[i] *= scale;
    }
}

// Attention of one text, head by head: a head is a strip of columns in q, k, v and mix.
static void
attend(const pass_t *p, size_t at, size_t n)
{
    const mst_encoder_cfg_t *c = &p->e->cfg;
    size_t width = c->hidden / c->heads;
    int h = (int)c->hidden, len = (int)n, w = (int)width;
    float scale = (float)(1.0 / sqrt((double)width));
    for (size_t head = 0; head < c->heads; head++) {
        size_t from = at * c->hidden + head * width;
        p->e->blas.sgemm(MST_BLAS_ROW_MAJOR, MST_BLAS_NO_TRANS, MST_BLAS_TRANS, len, len, w, scale, p->q + from, h,
                         p->k + from, h, 0.0F, p->scores, len);
        softmax_rows(p->scores, n);
        p->e->blas.sgemm(MST_BLAS_ROW_MAJOR, MST_BLAS_NO_TRANS, MST_BLAS_NO_TRANS, len, w, len, 1.0F, p->scores, len,
                         p->v + from, h, 0.0F, p->mix + from, h);
    }
}

static void
activate(mst_act_t act, float *x, size_t n)
{
    switch (act) {
    case MST_ACT_GELU:
        for (size_t i = 0; i < n; i++)
            x[i] = 0.5F * x[i] * (1.0F + erff(x[i] * 0.70710678F));
        return;
    case MST_ACT_GELU_TANH:
        for (size_t i = 0; i < n; i++)
            x[i] = 0.5F * x[i] * (1.0F + tanhf(0.79788456F * (x[i] + 0.044715F * x[i] * x[i] * x[i])));
        return;
    case MST_ACT_RELU:
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] > 0.0F ? x[i] : 0.0F;
        return;
    case MST_ACT_SILU:
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] / (1.0F + expf(-x[i]));
        return;
    }
}

static void
add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

static void
block(const pass_t *p, const mst_block_t *b, const mst_nn_ids_t *texts, size_t count, size_t tokens)
{
    const mst_encoder_cfg_t *c = &p->e->cfg;
    linear(p->e, &b->q, p->x, tokens, p->q);
    linear(p->e, &b->k, p->x, tokens, p->k);
    linear(p->e, &b->v, p->x, tokens, p->v);
    for (size_t i = 0, at = 0; i < count; at += texts[i++].count)
        attend(p, at, texts[i].count);
    linear(p->e, &b->o, p->mix, tokens, p->out);
    add(p->x, p->out, tokens * c->hidden);
    norm_rows(&b->after_attention, c->eps, p->x, tokens, c->hidden);
    linear(p->e, &b->up, p->x, tokens, p->up);
    activate(c->act, p->up, tokens * c->ffn);
    linear(p->e, &b->down, p->up, tokens, p->out);
    add(p->x, p->out, tokens * c->hidden);
    norm_rows(&b->after_ffn, c->eps, p->x, tokens, c->hidden);
}

static void
embed(const pass_t *p, const mst_nn_ids_t *texts, size_t count)
{
    const mst_encoder_t *e = p->e;
    size_t n = e->cfg.hidden, at = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < texts[i].count; k++, at++) {
            float *row = p->x + at * n;
            memcpy(row, e->words + (size_t)texts[i].ids[k] * n, n * sizeof *row);
            if (e->type != NULL)
                add(row, e->type, n);
            add(row, e->positions + (e->cfg.position_first + k) * n, n);
        }
    }
    norm_rows(&e->norm, e->cfg.eps, p->x, at, n);
}

static mst_rc
check(const mst_encoder_t *e, const mst_nn_ids_t *texts, size_t count, mst_err_t *err)
{
    for (size_t i = 0; i < count; i++) {
        if (texts[i].count == 0 || texts[i].count > e->cfg.positions)
            return MST_ERR(err, MST_INVAL, "a text of %zu tokens does not fit a model of %zu positions", texts[i].count,
                           e->cfg.positions);
        for (size_t k = 0; k < texts[i].count; k++) {
            if (texts[i].ids[k] >= e->cfg.vocab)
                return MST_ERR(err, MST_INVAL, "token %u is not in the model's vocabulary of %zu", texts[i].ids[k],
                               e->cfg.vocab);
        }
    }
    return MST_OK;
}

// How many texts go together, with their tokens and the longest of them; at least one.
static size_t
group(const mst_nn_ids_t *texts, size_t count, size_t *out_tokens, size_t *out_longest)
{
    size_t n = 0;
    *out_tokens = *out_longest = 0;
    while (n < count && (n == 0 || *out_tokens + texts[n].count <= GROUP_TOKENS)) {
        *out_tokens += texts[n].count;
        *out_longest = texts[n].count > *out_longest ? texts[n].count : *out_longest;
        n++;
    }
    return n;
}

static bool
take_room(pass_t *p, size_t tokens, size_t longest, size_t layers, mst_arena_t *arena)
{
    const mst_encoder_cfg_t *c = &p->e->cfg;
    float **each[] = {&p->q, &p->k, &p->v, &p->mix, &p->out};
    if (layers == 0)
        return true;
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        *each[i] = mst_arena_alloc_raw(arena, tokens * c->hidden * sizeof(float));
        if (*each[i] == NULL)
            return false;
    }
    p->up = mst_arena_alloc_raw(arena, tokens * c->ffn * sizeof(float));
    p->scores = mst_arena_alloc_raw(arena, longest * longest * sizeof(float));
    return p->up != NULL && p->scores != NULL;
}

mst_rc
mst_encoder_run(const mst_encoder_t *e, const mst_nn_ids_t *texts, size_t count, size_t layers, mst_arena_t *arena,
                const float **out, mst_err_t *err)
{
    size_t all = 0, tokens_max = 0, longest_max = 0, tokens, longest;
    mst_rc rc = check(e, texts, count, err);
    if (rc != MST_OK)
        return rc;
    if (layers > e->cfg.layers)
        return MST_ERR(err, MST_INVAL, "layer %zu was asked for, the model has %zu", layers, e->cfg.layers);
    for (size_t i = 0; i < count;) {
        i += group(texts + i, count - i, &tokens, &longest);
        all += tokens;
        tokens_max = tokens > tokens_max ? tokens : tokens_max;
        longest_max = longest > longest_max ? longest : longest_max;
    }
    float *x = mst_arena_alloc_raw(arena, all * e->cfg.hidden * sizeof *x);
    pass_t p = {.e = e, .x = x};
    if (x == NULL || !take_room(&p, tokens_max, longest_max, layers, arena))
        return MST_ERR(err, MST_LIMIT, "no room to encode %zu tokens", all);
    for (size_t i = 0; i < count;) {
        size_t n = group(texts + i, count - i, &tokens, &longest);
        embed(&p, texts + i, n);
        for (size_t k = 0; k < layers; k++)
            block(&p, &e->blocks[k], texts + i, n, tokens);
        p.x += tokens * e->cfg.hidden;
        i += n;
    }
    *out = x;
    return MST_OK;
}
